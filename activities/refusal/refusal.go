// Package refusal gives payouts that the bank does not execute, and did not
// debit, back to the payment accounts that they left.
package refusal

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/refusal/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
)

// step is the one under which a run gives payouts back.
const step = "not-sent"

// sourcePayline marks payouts that a Payline file asked for.
const sourcePayline = "PAYLINE"

// Payout is a payout that the bank refused.
type Payout struct {
	Number int64
	// Code says why: the bank's, "AC04". One that is none of ISO 20022's goes on as
	// [transfer.ReasonNotSpecified].
	Code string
}

// Desk gives payouts back.
type Desk struct {
	Outbox postgres.Outbox
	// Bank is how the EP names its bank in its orders.
	Bank transfer.Bank
}

// GiveBack posts Dr TR.OUT / Cr CP for each payout, marks it REJECTED with its
// code, and tells it, all in the transaction. The caller gives payouts that are
// with the bank or on their way to it, each once, and as many as one transaction
// should hold; that some are not is an error, and nothing is to be committed.
func (d Desk) GiveBack(ctx context.Context, tx pgx.Tx, run activities.Run, payouts []Payout, at time.Time) error {
	numbers, codes := make([]int64, len(payouts)), make([]string, len(payouts))
	for i, payout := range payouts {
		numbers[i], codes[i] = payout.Number, transfer.Reason(payout.Code)
	}
	queries := db.New(tx)
	rows, err := queries.LockPayouts(ctx, numbers)
	if err != nil {
		return fmt.Errorf("read payouts that were refused: %w", err)
	}
	if len(rows) != len(payouts) {
		return fmt.Errorf("%d of %d payouts that were refused can be given back: tell the maintainers", len(rows), len(payouts))
	}
	entries, rejected, err := d.effects(rows, payouts, run, at)
	if err != nil {
		return err
	}
	batch, err := begin(ctx, tx, run, rows, at)
	if err != nil {
		return err
	}
	if _, err := postgres.Post(ctx, tx, batch, 0, entries); err != nil {
		return err
	}
	if err := queries.RejectPayouts(ctx, at, numbers, codes); err != nil {
		return fmt.Errorf("reject payouts: %w", err)
	}
	if err := queries.RejectPaylineLines(ctx, numbers); err != nil {
		return fmt.Errorf("reject Payline lines: %w", err)
	}
	return d.Outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: at, Batch: batch, Rendered: len(entries), Bodies: rejected,
	})
}

// begin makes the next batch of the step.
func begin(ctx context.Context, tx pgx.Tx, run activities.Run, rows []db.LockPayoutsRow, at time.Time) (int64, error) {
	item, err := postgres.NextItem(ctx, tx, run.ID.String(), step)
	if err != nil {
		return 0, err
	}
	input := sha256.New()
	for i := range rows {
		_, _ = input.Write([]byte(rows[i].RefExterne)) // a hash takes everything
	}
	key := postgres.Key{Scope: run.ID.String(), Step: step, Item: item, Input: [32]byte(input.Sum(nil))}
	batch, _, err := postgres.BeginBatch(ctx, tx, run.Number, key, at)
	return batch, err
}

// effects are the entries, and the events beside theirs: those of payouts that
// Payline asked for. An automatic one is tried again by itself.
func (d Desk) effects(
	rows []db.LockPayoutsRow, payouts []Payout, run activities.Run, at time.Time,
) (entries []ledger.Entry, rejected []ogep.Body, err error) {
	codes := make(map[int64]string, len(payouts))
	for _, payout := range payouts {
		codes[payout.Number] = transfer.Reason(payout.Code)
	}
	entries = make([]ledger.Entry, len(rows))
	for i := range rows {
		row := &rows[i]
		code := codes[row.Number]
		entries[i] = ledger.Entry{
			Debit: ledger.Payout(row.RefExterne), Credit: ledger.CP(row.AccountID), Kind: ledger.KindNotSent,
			Amount: money.Cents(row.AmountCents), Label: transfer.ReturnLabel(code, run.StartedAt),
			TransactionAt: at, ValueDate: calendar.DateOf(at),
		}
		if row.Source != sourcePayline {
			continue
		}
		body, err := d.rejectedOrder(row, code)
		if err != nil {
			return nil, nil, err
		}
		rejected = append(rejected, body)
	}
	return entries, rejected, nil
}

func (d Desk) rejectedOrder(row *db.LockPayoutsRow, code string) (ogep.CreateRejectedOrder, error) {
	due, err := calendar.ParseDate(row.DueDate)
	if err != nil {
		return ogep.CreateRejectedOrder{}, fmt.Errorf("due date of order %s: %w", row.RefExterne, err)
	}
	return ogep.CreateRejectedOrder{
		Orders: []ogep.Order{{
			RefExterne: row.RefExterne, OrderType: transfer.OrderType,
			CreditorName: row.CreditorName, CreditorBIC: row.CreditorBic, CreditorIBAN: row.CreditorIban,
			DebtorName: row.DebtorName, DebtorBIC: row.DebtorBic, DebtorIBAN: row.DebtorIban,
			Amount: money.Cents(row.AmountCents), DeviseID: money.Currency, Ccy: money.Currency,
			BankID: d.Bank.ID, OrderFormat: d.Bank.OrderFormat, Echeance: due, Info: row.Info,
		}},
		RejectCode: code, EndToEndID: row.EndToEndID, AccountID: row.AccountID,
	}, nil
}
