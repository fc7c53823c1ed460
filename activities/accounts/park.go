package accounts

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// park posts lines without a CP on TR.PARK, and lists each until an operator
// assigns it. Its commission waits with it.
func (w *chunkWork) park(ctx context.Context) error {
	if err := w.findAccounts(ctx); err != nil {
		return err
	}
	parked, err := w.parkEntries(ctx)
	if err != nil {
		return err
	}
	if err := w.compare(); err != nil {
		return err
	}
	if err := w.parkList(ctx); err != nil {
		return err
	}
	err = postgres.Move(ctx, w.tx, []postgres.Movement{
		{Account: w.internal.suspense, Debit: int64(parked.sales), Credit: int64(parked.refunds)},
		{Account: w.internal.parked, Debit: int64(parked.refunds), Credit: int64(parked.sales)},
	})
	if err != nil {
		return err
	}
	return w.progress(ctx, covers{})
}

type parkedSums struct {
	sales, refunds money.Cents
}

func (w *chunkWork) parkEntries(ctx context.Context) (parkedSums, error) {
	var sums parkedSums
	lines, err := w.openLines()
	if err != nil {
		return sums, err
	}
	defer lines.close()
	total := adder{}
	_, err = postgres.Copy(ctx, w.tx, postgres.EntryTable, postgres.EntryColumns(), func(row *postgres.Row) (bool, error) {
		for {
			_, posts, err := lines.next(w.chunk)
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			if err := w.read(&lines.line); err != nil {
				return false, err
			}
			if !posts {
				continue
			}
			entry := postgres.EntryRow{
				Kind: ledger.KindPark, Debit: w.internal.suspense, Credit: w.internal.parked, Amount: lines.line.Gross,
				Line: lines.line.Number, TransactionAt: lines.line.TransactionAt, ValueDate: lines.line.ValueDate, Label: lines.line.Label,
			}
			if entry.Amount < 0 {
				entry.Kind, entry.Debit, entry.Credit = ledger.KindParkedRefund, w.internal.parked, w.internal.suspense
				entry.Amount = -entry.Amount
				total.add(&sums.refunds, entry.Amount)
			} else {
				total.add(&sums.sales, entry.Amount)
			}
			w.append(row, entry)
			return true, total.failure(&lines.line)
		}
	})
	return sums, err
}

// parkList writes the chunk's lines to the list of parked lines.
func (w *chunkWork) parkList(ctx context.Context) error {
	lines, err := w.openLines()
	if err != nil {
		return err
	}
	defer lines.close()
	columns := []string{
		"settlement", "line", "cre_id", "account_id", "siret", "scheme", "type", "gross_cents", "commission_cents",
		"label", "reason", "parked_at",
	}
	_, err = postgres.Copy(ctx, w.tx, "parked_line", columns, func(row *postgres.Row) (bool, error) {
		for {
			number, posts, err := lines.next(w.chunk)
			if errors.Is(err, io.EOF) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			if !posts {
				continue
			}
			reason, err := part.ReasonOf(number)
			if err != nil {
				return false, fmt.Errorf("reason %d: %w", number, err)
			}
			line := &lines.line
			row.Int32(w.posting.settlement)
			row.Int32(int32(line.Number)) //nolint:gosec // a file has fewer than 2^31 lines
			row.Text(line.CreID)
			row.Text(line.AccountID)
			row.Text(line.Siret)
			row.String(string(line.Scheme))
			row.String(string(line.Type))
			row.Int64(int64(line.Gross))
			row.Int64(int64(line.Commission))
			row.Text(line.Label)
			row.String(string(reason))
			row.Time(w.now)
			return true, nil
		}
	})
	return err
}
