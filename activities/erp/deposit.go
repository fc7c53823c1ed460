package erp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// DepositRequest asks for a remise en banque.
type DepositRequest struct {
	Name  string // of the deposit, its own for ever
	Bank  string // code at the ERP of the bank that gets the items
	Items []int64
	Date  calendar.Date
}

// Deposit takes postings that the ERP has in portfolio to the bank, by a posting
// of their sum. The same deposit asked for again changes nothing.
func (d *Desk) Deposit(ctx context.Context, request DepositRequest, answer activities.Answer) (Change, error) {
	if request.Name == "" || len(request.Items) == 0 {
		return Change{}, vacation.Fail(vacation.Refused, "a deposit has a name, and one item at least")
	}
	change := Change{After: Prepared}
	err := pgx.BeginFunc(ctx, d.Pool, func(tx pgx.Tx) error {
		known, err := db.New(tx).DepositNamed(ctx, request.Name)
		switch {
		case err == nil && known.Bank == request.Bank && slices.Equal(known.Items, request.Items):
			change = Change{Number: known.Number, Before: State(known.State), After: State(known.State)}
			return nil
		case err == nil:
			return vacation.Fail(vacation.Refused,
				"deposit %q is there already, with another bank or other items: give this one a name of its own", request.Name)
		case !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("look for one of that name: %w", err)
		}
		change.Number, change.Label, err = d.deposit(ctx, tx, request, answer)
		return err
	})
	if err != nil {
		return Change{}, fmt.Errorf("deposit %s: %w", request.Name, err)
	}
	return change, d.wake(ctx)
}

func (d *Desk) deposit(
	ctx context.Context, tx pgx.Tx, request DepositRequest, answer activities.Answer,
) (number int64, label string, err error) {
	if label, err = divalto.Label(divalto.Remise, request.Name, 1); err != nil {
		return 0, "", vacation.Fail(vacation.Refused, "%s", err)
	}
	state, err := d.Settings.States.Lookup(d.Settings.dossier(), meansDeposit, divalto.Encashment)
	if err != nil {
		return 0, "", vacation.Fail(vacation.Refused, "%s", err)
	}
	items, err := d.items(ctx, tx, request.Items)
	if err != nil {
		return 0, "", err
	}
	entry, err := divalto.NewDeposit(request.Date, label, request.Bank, state, items)
	if err != nil {
		return 0, "", vacation.Fail(vacation.Refused, "%s", err)
	}
	queries := db.New(tx)
	number, err = queries.InsertDeposit(ctx, db.InsertDepositParams{
		Reference: request.Name, Dossier: d.Settings.dossier(), Means: meansDeposit, AmountCents: int64(entry.Amount), Label: label,
		Bank: request.Bank, PostingDate: request.Date.String(), PlannedAt: d.now(),
	})
	if err != nil {
		return 0, "", fmt.Errorf("keep it: %w", err)
	}
	for i, item := range request.Items {
		if err := queries.InsertDepositItem(ctx, number, int32(i+1), item); err != nil {
			return 0, "", fmt.Errorf("keep its item %d: %w", i+1, err)
		}
	}
	answer.ID = actDeposit + "/" + label
	_, err = d.Actors.Record(ctx, tx, operator.Act{
		Act: actDeposit, Subject: label, After: string(Prepared), Answer: answer, At: d.now(),
	})
	if err != nil {
		return 0, "", fmt.Errorf("write it down: %w", err)
	}
	return number, label, nil
}

// items reads what a deposit takes to the bank, each in portfolio and in no other
// deposit.
func (d *Desk) items(ctx context.Context, tx pgx.Tx, numbers []int64) ([]divalto.Item, error) {
	locked, err := claim(ctx, tx, numbers, 0)
	if err != nil {
		return nil, err
	}
	items := make([]divalto.Item, len(numbers))
	for i, number := range numbers {
		if err := d.inPortfolio(locked[number]); err != nil {
			return nil, err
		}
		items[i] = divalto.Item{Transaction: locked[number].TransactionID, Amount: money.Cents(locked[number].AmountCents)}
	}
	return items, nil
}

// claim locks items, so that no other deposit takes them meanwhile, and refuses
// one that another deposit than but has taken. It locks them in one order, so that
// two deposits at once do not wait for each other.
func claim(ctx context.Context, tx pgx.Tx, numbers []int64, but int64) (map[int64]*db.LockPostingRow, error) {
	locked := make(map[int64]*db.LockPostingRow, len(numbers))
	for _, number := range slices.Sorted(slices.Values(numbers)) {
		row, err := lock(ctx, tx, number)
		if err != nil {
			return nil, err
		}
		if err := unclaimed(ctx, db.New(tx), number, but); err != nil {
			return nil, err
		}
		locked[number] = row
	}
	return locked, nil
}

func (d *Desk) inPortfolio(row *db.LockPostingRow) error {
	if State(row.State) != Accepted || divalto.Kind(row.Kind) == divalto.Remise {
		return refuse(row, "is no item of a deposit: an ACCEPTED encashment is")
	}
	state, err := d.Settings.States.Lookup(row.Dossier, row.Means, divalto.Direction(row.Direction))
	if err != nil || state.Final != inPortfolio {
		return refuse(row, "is not in portfolio: postings by %s do not end in %s", row.Means, inPortfolio)
	}
	return nil
}

// unclaimed refuses an item that another deposit than but has taken.
func unclaimed(ctx context.Context, queries *db.Queries, item, but int64) error {
	others, err := queries.DepositOf(ctx, item, but)
	if err != nil {
		return fmt.Errorf("look for other deposits of posting %d: %w", item, err)
	}
	if len(others) > 0 {
		return vacation.Fail(vacation.Refused, "posting %d is in deposit %s already", item, strings.Join(others, ", "))
	}
	return nil
}
