package virements

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/refusal"
	"github.com/reglo/reglo/activities/virements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// keeps ends the failures of a remittance that does not match: where its money
// stands, how much of it, and what to do.
const keeps = "%s keeps %s. %s, then run this vacation again"

// Steps under which batches are committed.
const (
	stepMatch    = "match"
	stepAllocate = "allocate"
)

// MatchRemittance settles the orders of the bulk that the bank debited, slice
// by slice; which of them carry the bank line says what is left.
func (a *Activities) MatchRemittance(ctx context.Context, run activities.Run) (activities.MatchResult, error) {
	var result activities.MatchResult
	_, err := a.slices.Work(ctx, run, vacation.StageMatching,
		func(ctx context.Context, tx pgx.Tx, _ time.Time) (done bool, err error) {
			result, err = a.match(ctx, tx, run)
			return result.Done, err
		})
	if err != nil {
		return activities.MatchResult{}, activities.Failed("match remittance", err)
	}
	return result, nil
}

// match settles one slice of the bulk's orders.
func (a *Activities) match(ctx context.Context, tx pgx.Tx, run activities.Run) (activities.MatchResult, error) {
	queries := db.New(tx)
	settled, err := queries.Settlement(ctx, run.ID.String())
	if err != nil {
		return activities.MatchResult{}, fmt.Errorf("read settlement: %w", err)
	}
	bulk, err := a.bulk(ctx, queries, run, settled)
	if err != nil {
		return activities.MatchResult{}, err
	}
	if bulk.net {
		err = a.giveBack(ctx, tx, run, settled, bulk.number)
	} else {
		err = a.debitNext(ctx, tx, run, settled, bulk.number)
	}
	if err != nil {
		return activities.MatchResult{}, err
	}
	return a.matched(ctx, queries, run, settled, bulk.number)
}

// debited is the bulk of which a bank line is the debit.
type debited struct {
	number int32
	// net says that the line leaves out orders that the bank's reports refused, and
	// that some of them stand to be given back still.
	net bool
}

// bulk is the bulk that the bank line debits, held until the transaction ends,
// so that nobody hands it over again meanwhile.
func (a *Activities) bulk(
	ctx context.Context, queries *db.Queries, run activities.Run, settled db.SettlementRow,
) (debited, error) {
	amount := money.Cents(settled.AmountCents).Abs()
	suspense := ledger.Suspense(settled.Reference)
	bulk, err := queries.LockBulk(ctx, settled.Reference)
	if errors.Is(err, pgx.ErrNoRows) {
		return debited{}, vacation.Fail(vacation.RemittanceUnmatched,
			"the bank debited %s for remittance %s, and none of ours has that name: "+keeps,
			amount, settled.Reference, suspense, amount, "Ask the bank which orders it paid, and claim back what is not ours")
	}
	if err != nil {
		return debited{}, fmt.Errorf("look for the bulk: %w", err)
	}
	if bulk.Purpose != string(transfer.Payout) || !bulk.Attempted || bulk.State == string(transfer.Rejected) {
		return debited{}, vacation.Fail(vacation.RemittanceUnmatched,
			"the bank debited %s for remittance %s, which is %s of purpose %s and was not left with the bank to pay: "+keeps,
			amount, settled.Reference, bulk.State, bulk.Purpose, suspense, amount, "Ask the bank why it paid it")
	}
	net, err := a.explain(ctx, queries, run, settled, bulk.Number)
	if err != nil {
		return debited{}, err
	}
	if err := queries.BulkHasLeft(ctx, bulk.Number); err != nil {
		return debited{}, fmt.Errorf("mark the bulk: %w", err)
	}
	return debited{number: bulk.Number, net: net}, nil
}

// explain finds what the debit comes to: all orders of the bulk, of which those
// that the bank refused will come back in a lot, or, net, all but these. Giving
// them back changes both sums alike, so that each slice finds the same.
func (a *Activities) explain(
	ctx context.Context, queries *db.Queries, run activities.Run, settled db.SettlementRow, bulk int32,
) (net bool, err error) {
	amount := money.Cents(settled.AmountCents).Abs()
	sums, err := queries.BulkOrders(ctx, settled.BankLineID, run.ID.String(), bulk)
	if err != nil {
		return false, fmt.Errorf("sum the bulk's orders: %w", err)
	}
	refused, err := queries.RefusedOrders(ctx, bulk)
	if err != nil {
		return false, fmt.Errorf("sum the orders that the bank refused: %w", err)
	}
	owed, rest := money.Cents(sums.Amount), money.Cents(sums.Amount-refused.Amount)
	if amount == owed || amount == rest {
		return amount != owed, nil
	}
	told := fmt.Sprintf("%s apart", (amount - owed).Abs())
	if refused.Orders > 0 {
		told += fmt.Sprintf(", or %s without the %d orders of %s that its reports refused",
			(amount - rest).Abs(), refused.Orders, money.Cents(refused.Amount))
	}
	return false, vacation.Fail(vacation.RemittanceUnmatched,
		"the bank debited %s for remittance %s, whose %d orders come to %s: %s; %d were settled, "+keeps,
		amount, settled.Reference, sums.Orders, owed, told, sums.Debited,
		ledger.Suspense(settled.Reference), amount-money.Cents(sums.DebitedAmount),
		"Ask the bank for the detail of its debit, or for the report of what it left out")
}

// giveBack gives the next orders back that the bank refused and left out of its debit.
func (a *Activities) giveBack(ctx context.Context, tx pgx.Tx, run activities.Run, settled db.SettlementRow, bulk int32) error {
	queries, now := db.New(tx), a.now()
	orders, err := queries.LockRefusedOrders(ctx, bulk, a.chunk)
	if err != nil {
		return fmt.Errorf("read orders that the bank refused: %w", err)
	}
	refused, returned := make([]refusal.Payout, len(orders)), make([]comeback, len(orders))
	for i, order := range orders {
		refused[i] = refusal.Payout{Number: order.Number, Code: order.Code}
		returned[i] = comeback{number: order.Number, accountID: order.AccountID, status: order.Status}
	}
	desk := refusal.Desk{Outbox: a.outbox, Bank: a.bank}
	if err := desk.GiveBack(ctx, tx, run, refused, now); err != nil {
		return err
	}
	return hold{queries: queries, run: run, where: "from remittance " + settled.Reference, now: now}.after(ctx, returned)
}

// debitNext settles the next orders that the bank debited.
func (a *Activities) debitNext(ctx context.Context, tx pgx.Tx, run activities.Run, settled db.SettlementRow, bulk int32) error {
	orders, err := db.New(tx).LockOrdersToDebit(ctx, bulk, a.chunk)
	if err != nil {
		return fmt.Errorf("read orders: %w", err)
	}
	if len(orders) == 0 {
		return nil
	}
	return a.debit(ctx, tx, run, settled, orders)
}

// debit posts Dr TR.OUT / Cr TR.SET for each order, which leaves its TR.OUT at zero.
func (a *Activities) debit(
	ctx context.Context, tx pgx.Tx, run activities.Run, settled db.SettlementRow, orders []db.LockOrdersToDebitRow,
) error {
	line, err := bankLine(settled)
	if err != nil {
		return err
	}
	batch, err := a.begin(ctx, tx, run, stepMatch)
	if err != nil {
		return err
	}
	suspense := ledger.Suspense(settled.Reference)
	codes := make([]ledger.Code, 0, len(orders)+1)
	for _, order := range orders {
		codes = append(codes, ledger.Payout(order.RefExterne))
	}
	ids, err := postgres.Accounts(ctx, tx, append(codes, suspense))
	if err != nil {
		return err
	}
	movements, err := leaving(ctx, tx, orders, ids, settled.Reference)
	if err != nil {
		return err
	}
	err = copyEntries(ctx, tx, len(orders), func(i int) postgres.EntryRow {
		return postgres.EntryRow{
			Batch: batch, Ordinal: i, Kind: ledger.KindRemitted, Debit: movements[i].Account, Credit: ids[suspense],
			Amount: money.Cents(orders[i].AmountCents), TransactionAt: line.TransactionAt,
			ValueDate: calendar.DateOf(line.ValueAt), Label: []byte(line.Label),
		}
	})
	if err != nil {
		return err
	}
	numbers, total := make([]int64, len(orders)), int64(0)
	for i, order := range orders {
		numbers[i] = order.Number
		total += order.AmountCents
	}
	if err := postgres.Move(ctx, tx, append(movements, postgres.Movement{Account: ids[suspense], Credit: total})); err != nil {
		return err
	}
	changed, err := db.New(tx).DebitOrders(ctx, settled.BankLineID, a.now(), numbers)
	if err != nil {
		return fmt.Errorf("mark orders: %w", err)
	}
	return all(changed, len(orders))
}

// leaving are the movements that empty the orders' accounts. Each must hold its
// order's amount: nothing else ever stands there.
func leaving(
	ctx context.Context, tx pgx.Tx, orders []db.LockOrdersToDebitRow, ids map[ledger.Code]int32, reference string,
) ([]postgres.Movement, error) {
	accounts := make([]int32, len(orders))
	for i, order := range orders {
		accounts[i] = ids[ledger.Payout(order.RefExterne)]
	}
	balances, err := postgres.LockBalances(ctx, tx, accounts)
	if err != nil {
		return nil, err
	}
	movements := make([]postgres.Movement, len(orders), len(orders)+1)
	for i, order := range orders {
		if held := balances[accounts[i]]; held != money.Cents(order.AmountCents) {
			return nil, vacation.Fail(vacation.InvariantBroken,
				"order %s of remittance %s is of %s, and its account holds %s: post nothing more before `starter verify` is clean",
				order.RefExterne, reference, money.Cents(order.AmountCents), held)
		}
		movements[i] = postgres.Movement{Account: accounts[i], Debit: order.AmountCents}
	}
	return movements, nil
}

// matched is how far the remittance is settled; all of it, its bulk is EXECUTED.
func (a *Activities) matched(
	ctx context.Context, queries *db.Queries, run activities.Run, settled db.SettlementRow, bulk int32,
) (activities.MatchResult, error) {
	sums, err := queries.BulkOrders(ctx, settled.BankLineID, run.ID.String(), bulk)
	if err != nil {
		return activities.MatchResult{}, fmt.Errorf("sum the bulk's orders: %w", err)
	}
	result := activities.MatchResult{
		Orders: int(sums.Debited), Amount: money.Cents(sums.DebitedAmount), Held: int(sums.Held), Done: sums.Open == 0,
	}
	if !result.Done {
		return result, nil
	}
	if err := queries.BulkExecuted(ctx, a.now(), bulk); err != nil {
		return activities.MatchResult{}, fmt.Errorf("mark the bulk: %w", err)
	}
	result.Stale, err = a.stale(ctx, queries)
	return result, err
}

// stale counts the orders that the bank should have debited by now.
func (a *Activities) stale(ctx context.Context, queries *db.Queries) (int, error) {
	before := transfer.StaleBefore(a.calendar, calendar.DateOf(a.clock()))
	stale, err := queries.StaleOrders(ctx, before.String())
	if err != nil {
		return 0, fmt.Errorf("count the orders that the bank has not debited: %w", err)
	}
	return int(stale), nil
}

// begin makes the next batch of a step whose rows say what is left.
func (a *Activities) begin(ctx context.Context, tx pgx.Tx, run activities.Run, step string) (int64, error) {
	item, err := postgres.NextItem(ctx, tx, run.ID.String(), step)
	if err != nil {
		return 0, err
	}
	key := postgres.Key{Scope: run.ID.String(), Step: step, Item: item, Input: sha256.Sum256([]byte(run.ID.Key))}
	batch, _, err := postgres.BeginBatch(ctx, tx, run.Number, key, a.now())
	return batch, err
}

// copyEntries writes count entries, which at makes.
func copyEntries(ctx context.Context, tx pgx.Tx, count int, at func(int) postgres.EntryRow) error {
	_, err := postgres.Copy(ctx, tx, postgres.EntryTable, postgres.EntryColumns(), func(rows *postgres.Rows) error {
		for i := range count {
			if err := postgres.AppendEntry(rows, at(i)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// all proves that each of the rows locked before was changed.
func all(changed int64, rows int) error {
	if changed != int64(rows) {
		return fmt.Errorf("%d of %d orders changed: tell the maintainers", changed, rows)
	}
	return nil
}
