package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/ingest/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/settlement"
)

// stepPark is the step under which parked lines are posted.
const stepPark = "park"

// park posts the lines without a CP on TR.PARK, in the transaction that accepts
// the file, and lists each until an operator assigns it. A line's commission
// waits with it.
func (l *loading) park(ctx context.Context, tx pgx.Tx, known db.LockSettlementRow, sha256 [32]byte) error {
	parked := l.writer.Parts()[part.Parked]
	if parked.Lines() == 0 {
		return nil
	}
	now := l.activities.clock().Truncate(time.Millisecond)
	key := postgres.Key{Scope: l.request.Run.ID.String(), Step: stepPark, Input: sha256}
	batch, fresh, err := postgres.BeginBatch(ctx, tx, l.request.Run.Number, key, now)
	if err != nil || !fresh {
		return err
	}
	if err := postParked(ctx, tx, batch, known.Reference, l.writer.Folder(), parked); err != nil {
		return err
	}
	return list(ctx, tx, known.Number, now, func(each func(part.Reason, *settlement.Line) error) error {
		return eachLine(l.writer.Folder(), parked, func(number int32, line *settlement.Line) error {
			reason, err := part.ReasonOf(number)
			if err != nil {
				return fmt.Errorf("line %d: reason %d: %w", line.Number, number, err)
			}
			return each(reason, line)
		})
	})
}

// listDebts lists the unpaids that become their merchant's debt, so that the
// file is split the same way again whatever becomes of the CPs meanwhile. They
// are posted with their merchant's other lines.
func (l *loading) listDebts(ctx context.Context, tx pgx.Tx, number int32) error {
	if l.toDebt == 0 {
		return nil
	}
	now := l.activities.clock().Truncate(time.Millisecond)
	return list(ctx, tx, number, now, func(each func(part.Reason, *settlement.Line) error) error {
		for _, split := range l.writer.Parts() {
			if split.Number == part.Parked {
				continue
			}
			err := eachLine(l.writer.Folder(), part.Part{Number: split.Number, Others: split.Others},
				func(account int32, line *settlement.Line) error {
					if account != part.ToDebt {
						return nil
					}
					return each(part.DebtOfMerchant, line)
				})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// postParked posts Dr TR.SET / Cr TR.PARK for a sale, the other way for a refund.
func postParked(ctx context.Context, tx pgx.Tx, batch int64, reference string, folder part.Folder, parked part.Part) error {
	suspense := ledger.Suspense(reference)
	ids, err := postgres.Accounts(ctx, tx, []ledger.Code{suspense, ledger.Parked})
	if err != nil {
		return err
	}
	ordinal := 0
	_, err = postgres.Copy(ctx, tx, postgres.EntryTable, postgres.EntryColumns(), func(rows *postgres.Rows) error {
		return eachLine(folder, parked, func(_ int32, line *settlement.Line) error {
			entry := postgres.EntryRow{
				Batch: batch, Ordinal: ordinal, Kind: ledger.KindPark, Debit: ids[suspense], Credit: ids[ledger.Parked],
				Amount: line.Gross.Abs(), Line: line.Number,
				TransactionAt: line.TransactionAt, ValueDate: line.ValueDate, Label: line.Label,
			}
			if line.Gross < 0 {
				entry.Kind, entry.Debit, entry.Credit = ledger.KindParkedRefund, ids[ledger.Parked], ids[suspense]
			}
			ordinal++
			return postgres.AppendEntry(rows, entry)
		})
	})
	if err != nil {
		return err
	}
	sales, refunds := int64(parked.SalesSum), int64(-parked.OthersSum)
	return postgres.Move(ctx, tx, []postgres.Movement{
		{Account: ids[suspense], Debit: sales, Credit: refunds},
		{Account: ids[ledger.Parked], Debit: refunds, Credit: sales},
	})
}

// list writes the list that operators work through, and the reason of each line.
func list(
	ctx context.Context, tx pgx.Tx, number int32, now time.Time,
	lines func(each func(part.Reason, *settlement.Line) error) error,
) error {
	columns := []string{
		"settlement", "line", "cre_id", "account_id", "siret", "scheme", "type", "gross_cents", "commission_cents",
		"label", "reason", "parked_at",
	}
	_, err := postgres.Copy(ctx, tx, "parked_line", columns, func(rows *postgres.Rows) error {
		return lines(func(reason part.Reason, line *settlement.Line) error {
			if err := rows.Start(); err != nil {
				return err
			}
			rows.Int32(number)
			rows.Int32(int32(line.Number)) //nolint:gosec // a file has fewer than 2^31 lines
			rows.Text(line.CreID)
			rows.Text(line.AccountID)
			rows.Text(line.Siret)
			rows.String(string(line.Scheme))
			rows.String(string(line.Type))
			rows.Int64(int64(line.Gross))
			rows.Int64(int64(line.Commission))
			rows.Text(line.Label)
			rows.String(string(reason))
			rows.Time(now)
			return nil
		})
	})
	return err
}

// eachLine reads the lines of a part back, with the number that stands before
// each: in the parked part that of its reason.
func eachLine(folder part.Folder, split part.Part, each func(number int32, line *settlement.Line) error) error {
	sales, err := folder.Sales(split)
	if err != nil {
		return err
	}
	defer func() { _ = sales.Close() }() // only read
	others, err := folder.Others(split)
	if err != nil {
		return err
	}
	defer func() { _ = others.Close() }() // only read
	var line settlement.Line
	for _, reader := range []*part.Reader{sales, others} {
		for {
			number, err := reader.Next(&line)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := each(number, &line); err != nil {
				return err
			}
		}
	}
	return nil
}
