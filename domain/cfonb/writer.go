package cfonb

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// writer writes records, each of which the control of the file's reader has accepted.
type writer struct {
	buffer *bufio.Writer
	digest hash.Hash
	bytes  int64
	ending string
	file   *records
	place  []byte // of a record and its ending
	err    error  // the first one: the file is spoiled by it
}

func newWriter(name, kind string, length int, destination io.Writer, ending Ending) *writer {
	return &writer{
		buffer: bufio.NewWriter(destination), digest: sha256.New(), ending: ending.String(),
		file:  &records{name: kind, length: length, faults: &fault.Faults{File: name}},
		place: make([]byte, length, length+len(CRLF.String())),
	}
}

// put writes one record, as far as it can be read back and control accepts it.
func put[R any](w *writer, l layout[R], d *decoder, from *R, control func([]byte) error) error {
	if w.err != nil {
		return w.err
	}

	w.file.number++

	if refused := l.write(d, w.place, from); refused != nil {
		return w.refuse(refused)
	}

	if err := control(w.place); err != nil {
		w.err = err

		return err
	}

	if w.file.faults.Count > 0 {
		return w.refuse(&w.file.faults.Faults[0])
	}

	line := append(w.place, w.ending...) //nolint:gocritic // there is room for it behind the record
	w.digest.Write(line)
	w.bytes += int64(len(line))

	if _, err := w.buffer.Write(line); err != nil {
		w.err = fmt.Errorf("write %s: line %d: %w", w.file.faults.File, w.file.number, err)
	}

	return w.err
}

func (w *writer) refuse(refused *fault.Fault) error {
	refused.File, refused.Line = w.file.faults.File, w.file.number
	w.err = refused

	return refused
}

// close writes what is left, unless the control of the file's end has refused it.
func (w *writer) close(summary Summary) (Summary, error) {
	switch {
	case w.err != nil:
		return Summary{}, w.err
	case w.file.faults.Count > 0:
		return Summary{}, w.refuse(&w.file.faults.Faults[0])
	case w.file.number == 0:
		return Summary{}, w.refuse(&fault.Fault{Code: fault.CodeEmpty, Reason: "is empty: it holds no record"})
	}

	if err := w.buffer.Flush(); err != nil {
		w.err = fmt.Errorf("write %s: %w", w.file.faults.File, err)

		return Summary{}, w.err
	}

	summary.Records, summary.Bytes = w.file.number, w.bytes
	w.digest.Sum(summary.SHA256[:0])

	return summary, nil
}

// StatementWriter writes statements of CFONB 120. The same statements always give the same bytes. What Read120 would refuse,
// or would not give back as it is, is refused: a text with braces, which are accents, is one.
//
// The errors of its methods are a *[fault.Fault] that names the record and the field, and that of the destination. After
// one, the writer repeats it, and what has been written is to be thrown away.
type StatementWriter struct {
	writer  *writer
	control *statements
	back    decoder
}

// NewStatementWriter writes to a destination, which it does not close. name is the file's in errors.
func NewStatementWriter(name string, destination io.Writer, ending Ending) *StatementWriter {
	w := newWriter(name, name120, length120, destination, ending)

	return &StatementWriter{writer: w, control: newStatements(w.file, StatementHandler{}), back: decoder{file: w.file}}
}

// Begin begins a statement: account, day and balance before.
func (w *StatementWriter) Begin(account Account, openedOn calendar.Date, opening money.Cents) error {
	return put(w.writer, openingLayout, &w.back, &balance{account: account, date: openedOn, amount: opening}, w.control.record)
}

// Write writes a movement and its complements.
func (w *StatementWriter) Write(m *Movement) error {
	account := w.control.current.Account
	if err := put(w.writer, movementLayout, &w.back, &movement{account: account, Movement: *m}, w.control.record); err != nil {
		return err
	}

	for _, c := range m.Complements {
		record := complement{account: account, internal: m.InternalCode, code: m.Code, date: m.BookedOn, Complement: c}
		if err := put(w.writer, complementLayout, &w.back, &record, w.control.record); err != nil {
			return err
		}
	}

	return nil
}

// End ends the statement with its closing balance, which is the opening balance and the movements.
func (w *StatementWriter) End(closedOn calendar.Date) error {
	current := &w.control.current
	closing := balance{account: current.Account, date: closedOn, amount: current.Opening + current.Credits + current.Debits}

	return put(w.writer, closingLayout, &w.back, &closing, w.control.record)
}

// Close ends the file.
func (w *StatementWriter) Close() (Summary, error) {
	if err := w.control.end(); err != nil {
		return Summary{}, err
	}

	return w.writer.close(w.control.summary)
}

// RemittanceWriter writes remittances of transfers of CFONB 160. The same remittances always give the same bytes. What
// Read160 would refuse on the day of the remittance, or would not give back as it is, is refused: a text with braces, which
// are accents, is one.
//
// The errors of its methods are a *[fault.Fault] that names the record and the field, and that of the destination. After
// one, the writer repeats it, and what has been written is to be thrown away.
type RemittanceWriter struct {
	writer  *writer
	control *remittances
	back    decoder
}

// NewRemittanceWriter writes to a destination, which it does not close. name is the file's in errors.
func NewRemittanceWriter(name string, destination io.Writer, ending Ending) *RemittanceWriter {
	w := newWriter(name, name160, length160, destination, ending)

	return &RemittanceWriter{
		writer: w, control: newRemittances(w.file, calendar.Date{}, RemittanceHandler{}), back: decoder{file: w.file},
	}
}

// Begin begins a remittance. Line, Orders and Sum are left aside.
func (w *RemittanceWriter) Begin(remittance *Remittance) error {
	w.back.reference, w.control.reference = remittance.Date, remittance.Date

	return put(w.writer, headingLayout, &w.back, &heading{*remittance}, w.control.record)
}

// Write writes an order and its complements.
func (w *RemittanceWriter) Write(order *Order) error {
	issuer := w.control.current.Issuer
	if err := put(w.writer, orderLayout, &w.back, &orderRecord{issuer: issuer, Order: *order}, w.control.record); err != nil {
		return err
	}

	for _, text := range order.Complements {
		if err := put(w.writer, orderTextLayout, &w.back, &orderText{issuer: issuer, text: text}, w.control.record); err != nil {
			return err
		}
	}

	return nil
}

// End ends the remittance with the sum of its orders.
func (w *RemittanceWriter) End() error {
	total := orderTotal{issuer: w.control.current.Issuer, sum: w.control.sum}

	return put(w.writer, orderTotalLayout, &w.back, &total, w.control.record)
}

// Close ends the file.
func (w *RemittanceWriter) Close() (Summary, error) {
	w.control.end()

	return w.writer.close(w.control.summary)
}
