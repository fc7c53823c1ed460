package merchant

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"github.com/reglo/reglo/domain/lines"
)

var errControl = errors.New("holds a control character or is not UTF-8")

// Writer writes a snapshot of the format ogep-merchants/1, separated by commas. It refuses a merchant that Read would
// refuse, but for one that comes twice, which only Read looks for.
type Writer struct {
	csv    *csv.Writer
	values []string
}

// NewWriter writes the header row.
func NewWriter(destination io.Writer) (*Writer, error) {
	w := &Writer{csv: csv.NewWriter(destination), values: make([]string, len(columns))}
	for i, column := range columns {
		w.values[i] = column.name
	}

	if err := w.write(); err != nil {
		return nil, err
	}

	return w, nil
}

// Write writes one merchant. An error that refuses it names the column, and not the value.
func (w *Writer) Write(m *Merchant) error {
	var again Merchant

	for i, column := range columns {
		w.values[i] = column.write(m)

		err := column.read(&again, w.values[i])
		if err == nil && !lines.Clean([]byte(w.values[i])) {
			err = errControl
		}

		if err != nil {
			return fmt.Errorf("write a merchant: %s %w", column.name, err)
		}
	}

	if name, err := again.checkPayout(); err != nil {
		return fmt.Errorf("write a merchant: %s %w", name, err)
	}

	return w.write()
}

// Close ends the file. It does not close the destination.
func (w *Writer) Close() error {
	w.csv.Flush()

	if err := w.csv.Error(); err != nil {
		return fmt.Errorf("write merchants: %w", err)
	}

	return nil
}

func (w *Writer) write() error {
	if err := w.csv.Write(w.values); err != nil {
		return fmt.Errorf("write merchants: %w", err)
	}

	return nil
}
