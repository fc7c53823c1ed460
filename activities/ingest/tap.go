package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/systempay"
)

// tap puts aside, while a file is read, its sales and refunds under contracts of
// the shops by which buyers pay by card: payments are matched with them. They
// wait in a file of the work folder, since the transaction is busy with the
// creIds, and all of a file's lines may be among them. A nil tap takes nothing.
type tap struct {
	contracts map[string]bool
	file      *os.File
	buffer    *bufio.Writer
	record    []byte
	lines     int
}

const (
	// tapName is among the parts, until they are placed.
	tapName = "payments"
	// tapBuffer is some hundred lines, either way.
	tapBuffer = 64 << 10
)

// newTap is nil when there are no such contracts.
func newTap(contracts map[string]bool, folder part.Folder) (*tap, error) {
	if len(contracts) == 0 {
		return nil, nil //nolint:nilnil // a tap that takes nothing
	}
	file, err := os.OpenFile(filepath.Join(string(folder), tapName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("put card lines aside: %w", err)
	}
	return &tap{contracts: contracts, file: file, buffer: bufio.NewWriterSize(file, tapBuffer)}, nil
}

// add puts a line aside, if it may settle a payment.
func (t *tap) add(line *settlement.Line) error {
	if t == nil || !t.contracts[string(line.Contract)] || (line.Type != settlement.TypeVente && line.Type != settlement.TypeRemb) {
		return nil
	}
	t.lines++
	t.record = settlement.AppendLine(t.record[:0], line)
	if _, err := t.buffer.Write(t.record); err != nil {
		return fmt.Errorf("put a card line aside: %w", err)
	}
	return nil
}

// keep writes what was put aside to the table, in the transaction that accepts the file.
func (t *tap) keep(ctx context.Context, tx pgx.Tx, number int32, now time.Time) error {
	if t == nil || t.lines == 0 {
		return nil
	}
	if err := t.buffer.Flush(); err != nil {
		return fmt.Errorf("put card lines aside: %w", err)
	}
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read card lines that were put aside: %w", err)
	}
	columns := []string{
		"settlement", "line", "cre_id", "contract", "amount_cents", "transaction_at", "acquirer_ref", "label", "orders", "loaded_at",
	}
	_, err := postgres.Copy(ctx, tx, "payment_line", columns, func(rows *postgres.Rows) error {
		var orders []byte
		return t.each(func(line *settlement.Line) error {
			if err := rows.Start(); err != nil {
				return err
			}
			orders = systempay.AppendMentions(orders[:0], line.Label)
			rows.Int32(number)
			rows.Int32(int32(line.Number)) //nolint:gosec // a file has fewer than 2^31 lines
			rows.Text(line.CreID)
			rows.Text(line.Contract)
			rows.Int64(int64(line.Gross))
			rows.Time(line.TransactionAt)
			rows.Text(line.AcquirerRef)
			rows.Text(line.Label)
			rows.Text(orders)
			rows.Time(now)
			return nil
		})
	})
	return err
}

// each reads the lines back.
func (t *tap) each(take func(*settlement.Line) error) error {
	reader := bufio.NewReaderSize(t.file, tapBuffer)
	var line settlement.Line
	for range t.lines {
		raw, err := reader.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read card lines that were put aside: %w", err)
		}
		if err := settlement.ParseLine(raw[:len(raw)-1], &line); err != nil {
			return fmt.Errorf("read a card line that was put aside: %w", err)
		}
		if err := take(&line); err != nil {
			return err
		}
	}
	return nil
}

// close takes the file away: the parts beside it are placed without it.
func (t *tap) close() error {
	if t == nil {
		return nil
	}
	if err := errors.Join(t.file.Close(), os.Remove(t.file.Name())); err != nil {
		return fmt.Errorf("clear card lines away that were put aside: %w", err)
	}
	return nil
}
