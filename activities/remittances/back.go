package remittances

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
)

// stepNotSent is the step under which money of payouts that the bank refused
// goes back to its CPs.
const stepNotSent = "not-sent"

// codeNotSent is the reason of a payout whose whole bulk the bank refused: it is
// none of the order's own (MS03 of ISO 20022, reason not specified).
const codeNotSent = "MS03"

// sourcePayline marks payouts that a Payline file asked for.
const sourcePayline = "PAYLINE"

// giveBack gives the money of rejected bulks back to where it came from, some
// orders a transaction, until all is.
func (a *Activities) giveBack(ctx context.Context, run activities.Run) error {
	own, err := db.New(a.pool).RejectedOwn(ctx)
	if err != nil {
		return fmt.Errorf("find own transfers that were rejected: %w", err)
	}
	for _, bulk := range own {
		if err := a.own.TakeBack(ctx, run, bulk); err != nil {
			return fmt.Errorf("take back bulk %d: %w", bulk, err)
		}
	}
	for {
		more, err := a.givePayoutsBack(ctx, run)
		if err != nil || !more {
			return err
		}
	}
}

// givePayoutsBack gives some payouts back, and tells whether there were any.
func (a *Activities) givePayoutsBack(ctx context.Context, run activities.Run) (more bool, err error) {
	now := a.now()
	err = postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		rows, err := db.New(tx).RejectedPayouts(ctx, ordersAtOnce)
		if err != nil {
			return fmt.Errorf("find payouts that were rejected: %w", err)
		}
		if more = len(rows) > 0; !more {
			return nil
		}
		return a.returnPayouts(ctx, tx, run, rows, now)
	})
	return more, err
}

func (a *Activities) returnPayouts(
	ctx context.Context, tx pgx.Tx, run activities.Run, rows []db.RejectedPayoutsRow, now time.Time,
) error {
	item, err := postgres.NextItem(ctx, tx, run.ID.String(), stepNotSent)
	if err != nil {
		return err
	}
	input, numbers := sha256.New(), make([]int64, len(rows))
	entries := make([]ledger.Entry, len(rows))
	var rejected []ogep.Body
	for i := range rows {
		row := &rows[i]
		_, _ = input.Write([]byte(row.RefExterne)) // a hash takes everything
		numbers[i] = row.Number
		entries[i] = ledger.Entry{
			Debit: ledger.Payout(row.RefExterne), Credit: ledger.CP(row.AccountID), Kind: ledger.KindNotSent,
			Amount: money.Cents(row.AmountCents), Label: transfer.ReturnLabel(codeNotSent, run.StartedAt),
			TransactionAt: now, ValueDate: calendar.DateOf(now),
		}
		if row.Source == sourcePayline {
			rejected = append(rejected, a.rejectedOrder(row))
		}
	}
	key := postgres.Key{Scope: run.ID.String(), Step: stepNotSent, Item: item, Input: [32]byte(input.Sum(nil))}
	batch, _, err := postgres.BeginBatch(ctx, tx, run.Number, key, now)
	if err != nil {
		return err
	}
	if _, err := postgres.Post(ctx, tx, batch, 0, entries); err != nil {
		return err
	}
	queries := db.New(tx)
	if err := queries.RejectPayouts(ctx, codeNotSent, &now, numbers); err != nil {
		return fmt.Errorf("reject payouts: %w", err)
	}
	if err := queries.RejectPaylineLines(ctx, codeNotSent, numbers); err != nil {
		return fmt.Errorf("reject Payline lines: %w", err)
	}
	return a.outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: now, Batch: batch, Rendered: len(entries), Bodies: rejected,
	})
}

func (a *Activities) rejectedOrder(row *db.RejectedPayoutsRow) ogep.CreateRejectedOrder {
	return ogep.CreateRejectedOrder{
		Orders: []ogep.Order{a.order(&db.PayoutsOfBulkRow{
			RefExterne: row.RefExterne, DebtorName: row.DebtorName, DebtorBic: row.DebtorBic, DebtorIban: row.DebtorIban,
			CreditorName: row.CreditorName, CreditorBic: row.CreditorBic, CreditorIban: row.CreditorIban,
			AmountCents: row.AmountCents, DueDate: row.DueDate, Info: row.Info,
		})},
		RejectCode: codeNotSent, EndToEndID: row.EndToEndID, AccountID: row.AccountID,
	}
}
