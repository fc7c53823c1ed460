package virements

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/virements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// AllocateRejects gives the lot's orders back to their CPs, slice by slice; the
// orders' states say what is left.
func (a *Activities) AllocateRejects(ctx context.Context, run activities.Run) (activities.MatchResult, error) {
	var result activities.MatchResult
	_, err := a.slices.Work(ctx, run, vacation.StageAllocating,
		func(ctx context.Context, tx pgx.Tx, _ time.Time) (done bool, err error) {
			result, err = a.allocate(ctx, tx, run)
			return result.Done, err
		})
	if err != nil {
		return activities.MatchResult{}, activities.Failed("allocate lot", err)
	}
	return result, nil
}

// allocate gives one slice of the lot's orders back.
func (a *Activities) allocate(ctx context.Context, tx pgx.Tx, run activities.Run) (activities.MatchResult, error) {
	queries := db.New(tx)
	settled, err := queries.Settlement(ctx, run.ID.String())
	if err != nil {
		return activities.MatchResult{}, fmt.Errorf("read settlement: %w", err)
	}
	rejects, err := queries.LockRejectsToAllocate(ctx, settled.Number, a.chunk)
	if err != nil {
		return activities.MatchResult{}, fmt.Errorf("read rejects: %w", err)
	}
	if len(rejects) > 0 {
		chunk := allocation{activities: a, tx: tx, queries: queries, run: run, settled: settled, rejects: rejects, now: a.now()}
		if err := chunk.commit(ctx); err != nil {
			return activities.MatchResult{}, err
		}
	}
	return a.allocated(ctx, queries, run, settled)
}

// allocated is how far the lot is given back.
func (a *Activities) allocated(
	ctx context.Context, queries *db.Queries, run activities.Run, settled db.SettlementRow,
) (activities.MatchResult, error) {
	sums, err := queries.Allocated(ctx, settled.BankLineID, run.ID.String(), settled.Number)
	if err != nil {
		return activities.MatchResult{}, fmt.Errorf("sum the rejects: %w", err)
	}
	result := activities.MatchResult{
		Orders: int(sums.Allocated), Amount: money.Cents(sums.Amount), Held: int(sums.Held), Done: sums.Open == 0,
	}
	if !result.Done {
		return result, nil
	}
	if credited := money.Cents(settled.AmountCents); result.Amount != credited {
		return activities.MatchResult{}, vacation.Fail(vacation.RejectsMismatch,
			"lot %s: %d of %d orders, %s of %s, were given back from it; the others were rejected otherwise since its detail was read: "+
				"%s keeps %s. Ask the bank what it is for, then run this vacation again",
			settled.Reference, sums.Allocated, sums.Orders, result.Amount, credited,
			ledger.Rejects(settled.Reference), credited-result.Amount)
	}
	result.Stale, err = a.stale(ctx, queries)
	return result, err
}

// allocation is a slice of a lot in its transaction.
type allocation struct {
	activities *Activities
	tx         pgx.Tx
	queries    *db.Queries
	run        activities.Run
	settled    db.SettlementRow
	rejects    []db.LockRejectsToAllocateRow
	now        time.Time
}

// commit posts Dr TR.REJ / Cr CP for each order, marks it, holds the payouts of
// CPs whose account elsewhere does not take them, and tells it.
func (w *allocation) commit(ctx context.Context) error {
	batch, err := w.activities.begin(ctx, w.tx, w.run, stepAllocate)
	if err != nil {
		return err
	}
	if err := w.post(ctx, batch); err != nil {
		return err
	}
	numbers, returned := make([]int64, len(w.rejects)), make([]comeback, len(w.rejects))
	for i, reject := range w.rejects {
		numbers[i] = reject.Number
		returned[i] = comeback{number: reject.Number, accountID: reject.AccountID, status: reject.Status}
	}
	changed, err := w.queries.RejectOrders(ctx, db.RejectOrdersParams{
		Line: w.settled.BankLineID, Now: w.now, Settlement: w.settled.Number, Numbers: numbers,
	})
	if err != nil {
		return fmt.Errorf("mark orders: %w", err)
	}
	if err := all(changed, len(w.rejects)); err != nil {
		return err
	}
	holding := hold{queries: w.queries, run: w.run, where: "in lot " + w.settled.Reference, now: w.now}
	if err := holding.after(ctx, returned); err != nil {
		return err
	}
	err = w.queries.AddAllocated(ctx, int32(len(w.rejects)), w.settled.Number) //nolint:gosec // a slice's orders
	if err != nil {
		return fmt.Errorf("mark settlement: %w", err)
	}
	bodies, err := w.bodies()
	if err != nil {
		return err
	}
	return w.activities.outbox.Emit(ctx, w.tx, postgres.Emission{
		Vacation: w.run.Number, At: w.now, Batch: batch, Rendered: len(w.rejects), Bodies: bodies,
	})
}

// post credits the CPs. A CP that was closed since keeps its account, and its
// merchant's money stands there.
func (w *allocation) post(ctx context.Context, batch int64) error {
	line, err := bankLine(w.settled)
	if err != nil {
		return err
	}
	lot := ledger.Rejects(w.settled.Reference)
	ids, err := postgres.Accounts(ctx, w.tx, []ledger.Code{lot})
	if err != nil {
		return err
	}
	err = copyEntries(ctx, w.tx, len(w.rejects), func(i int) postgres.EntryRow {
		reject := &w.rejects[i]
		return postgres.EntryRow{
			Batch: batch, Ordinal: i, Kind: ledger.KindReturned, Debit: ids[lot], Credit: reject.Account,
			Amount: money.Cents(reject.AmountCents), Line: int(reject.Line), TransactionAt: line.TransactionAt,
			ValueDate: calendar.DateOf(line.ValueAt), Label: []byte(transfer.ReturnLabel(reject.Code, w.run.StartedAt)),
		}
	})
	if err != nil {
		return err
	}
	credits, total := make(map[int32]int64, len(w.rejects)), int64(0)
	for i := range w.rejects {
		credits[w.rejects[i].Account] += w.rejects[i].AmountCents
		total += w.rejects[i].AmountCents
	}
	movements := make([]postgres.Movement, 0, len(credits)+1)
	for account, credit := range credits {
		movements = append(movements, postgres.Movement{Account: account, Credit: credit})
	}
	return postgres.Move(ctx, w.tx, append(movements, postgres.Movement{Account: ids[lot], Debit: total}))
}

// bodies tell the orders that Payline asked for; an automatic one is tried again
// by itself when it is due next.
func (w *allocation) bodies() ([]ogep.Body, error) {
	var bodies []ogep.Body
	for i := range w.rejects {
		reject := &w.rejects[i]
		if reject.Source != sourcePayline {
			continue
		}
		due, err := calendar.ParseDate(reject.DueDate)
		if err != nil {
			return nil, fmt.Errorf("due date of order %s: %w", reject.RefExterne, err)
		}
		bodies = append(bodies, ogep.CreateRejectedOrder{
			Orders: []ogep.Order{{
				RefExterne: reject.RefExterne, OrderType: transfer.OrderType,
				CreditorName: reject.CreditorName, CreditorBIC: reject.CreditorBic, CreditorIBAN: reject.CreditorIban,
				DebtorName: reject.DebtorName, DebtorBIC: reject.DebtorBic, DebtorIBAN: reject.DebtorIban,
				Amount: money.Cents(reject.AmountCents), DeviseID: money.Currency, Ccy: money.Currency,
				BankID: w.activities.bank.ID, OrderFormat: w.activities.bank.OrderFormat, Echeance: due, Info: reject.Info,
			}},
			RejectCode: reject.Code, EndToEndID: reject.EndToEndID, AccountID: reject.AccountID,
		})
	}
	return bodies, nil
}

// sourcePayline marks the orders that Payline asked for, as in the table.
const sourcePayline = "PAYLINE"
