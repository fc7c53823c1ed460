package message

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// The lengths of records, in characters, which are bytes in Latin-1.
const (
	statementLength = 120
	lotLength       = 240
)

const (
	maxLabel  = 31 // of a movement, in characters
	maxDetail = 70 // of a record that completes it
)

// ErrNotFrench is an account that has no place in a CFONB record: bank, branch and account are those of a French IBAN.
var ErrNotFrench = errors.New("CFONB records hold accounts of French IBANs only")

// rib is the account in a French IBAN.
type rib struct{ bank, branch, account string }

func ribOf(iban string) (rib, error) {
	const length = 27

	if len(iban) != length || iban[:2] != "FR" {
		return rib{}, ErrNotFrench
	}

	return rib{bank: iban[4:9], branch: iban[9:14], account: iban[14:25]}, nil
}

// CheckFrench is nil for an account that CFONB records can hold, otherwise ErrNotFrench.
func CheckFrench(iban string) error {
	_, err := ribOf(iban)

	return err
}

// record is one of fixed length. Positions are those of the CFONB: from 1, both included.
type record []byte

func newRecord(length int, code string) record {
	r := record(strings.Repeat(" ", length))
	r.text(1, 2, code)

	return r
}

// text puts a text in Latin-1 to the left, cut to its place. A character that Latin-1 has not, or that is none, is a full
// stop.
func (r record) text(from, to int, value string) {
	place := r[from-1 : to]

	for i, char := range []rune(value) {
		switch {
		case i >= len(place):
			return
		case char < ' ' || char > 0xff || char >= 0x7f && char < 0xa0:
			place[i] = '.'
		default:
			place[i] = byte(char)
		}
	}
}

// number puts digits to the right, with zeros before them.
func (r record) number(from, to int, value int64) {
	r.text(from, to, fmt.Sprintf("%0*d", to-from+1, value))
}

// date puts a day as JJMMAA.
func (r record) date(at int, date calendar.Date) {
	r.text(at, at+5, fmt.Sprintf("%02d%02d%02d", date.Day(), date.Month(), date.Year()%100))
}

// signed puts an amount whose last digit tells the sign too.
func (r record) signed(from, to int, amount money.Cents) {
	const positive, negative = "{ABCDEFGHI", "}JKLMNOPQR"

	signs := positive
	if amount < 0 {
		signs = negative
	}

	r.number(from, to, int64(amount.Abs()))
	r[to-1] = signs[r[to-1]-'0']
}

// account puts the account of a statement's record.
func (r record) account(held rib) {
	r.text(3, 7, held.bank)
	r.text(12, 16, held.branch)
	r.text(17, 19, money.Currency)
	r.text(20, 20, "2") // decimals
	r.text(22, 32, held.account)
}

// WriteCFONB120 writes statements as CFONB 120, one after the other: a record of 120 characters a line, in Latin-1. The
// format has no place for a statement's number. A label of more than 31 characters is cut, and stands whole in records
// LIB that follow, each with as many of its words as 70 characters hold. The same arguments give the same bytes. The error
// is ErrNotFrench or that of the destination, or says which statement does not add up.
func WriteCFONB120(out io.Writer, statements ...Statement) error {
	buffer := bufio.NewWriter(out)

	for i := range statements {
		if err := writeStatement(buffer, &statements[i]); err != nil {
			return err
		}
	}

	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("write CFONB 120: %w", err)
	}

	return nil
}

func writeStatement(out *bufio.Writer, s *Statement) error {
	held, err := ribOf(s.IBAN)
	if err != nil {
		return fmt.Errorf("write CFONB 120: statement %s: %w", s.ID, err)
	}

	if err := s.check(); err != nil {
		return err
	}

	balance := func(code string, balance Balance) {
		r := newRecord(statementLength, code)
		r.account(held)
		r.date(35, balance.Date)
		r.signed(91, 104, balance.Amount)
		line(out, r)
	}

	balance("01", s.Opening)

	for i := range s.Entries {
		writeMovement(out, held, i+1, &s.Entries[i])
	}

	balance("07", s.Closing)

	return nil
}

// line leaves errors to the flush: a bufio.Writer keeps its first one.
func line(out *bufio.Writer, r record) {
	_, _ = out.Write(r)
	_ = out.WriteByte('\n')
}

func writeMovement(out *bufio.Writer, held rib, number int, e *Entry) {
	r := newRecord(statementLength, "04")
	r.account(held)
	r.text(33, 34, e.cfonbCode())
	r.date(35, e.BookedOn)
	r.date(43, e.ValueOn)
	r.text(49, 79, e.Label)
	r.number(82, 88, int64(number))
	r.signed(91, 104, e.Amount)
	r.text(105, 120, e.ID)
	line(out, r)

	complete := func(qualifier, text string) {
		r := newRecord(statementLength, "05")
		r.account(held)
		r.text(33, 34, e.cfonbCode())
		r.date(35, e.BookedOn)
		r.text(46, 48, qualifier)
		r.text(49, 118, text)
		line(out, r)
	}

	if len([]rune(e.Label)) > maxLabel {
		for _, text := range wrap(e.Label, maxDetail) {
			complete("LIB", text)
		}
	}

	if len(e.Details) == 1 && e.Kind == Own {
		complete("RCN", e.Details[0].EndToEndID)
	}
}

// wrap parts a text between its words. A word longer than a line is parted too.
func wrap(text string, length int) []string {
	var lines []string

	for word := range strings.FieldsSeq(text) {
		characters := []rune(word)

		if last := len(lines) - 1; last >= 0 && len([]rune(lines[last]))+1+len(characters) <= length {
			lines[last] += " " + word

			continue
		}

		for len(characters) > length {
			lines = append(lines, string(characters[:length]))
			characters = characters[length:]
		}

		lines = append(lines, string(characters))
	}

	return lines
}

// cfonbCode is the interbank code of what an entry is.
func (e *Entry) cfonbCode() string {
	switch {
	case e.Kind == Settled && e.Amount < 0:
		return "31" // cards unpaid
	case e.Kind == Settled:
		return "30" // cards
	case e.Kind == Remitted, e.Kind == Own && e.Amount < 0:
		return "06" // transfers issued
	case e.Kind == Own:
		return "05" // transfers received
	case e.Kind == Returned:
		return rejectCode
	default:
		return "62" // the bank's commissions
	}
}

// rejectCode is the interbank code of transfers that were rejected.
const rejectCode = "12"

// Lot is transfers that came back together.
type Lot struct {
	IBAN       string        // of the account that they are credited to
	Label      string        // of the credit
	SettledOn  calendar.Date // of the credit
	ExecutedOn calendar.Date // of the transfers
	Returns    []Detail
}

// maxReturn is the largest amount in cents that a record of CFONB 240 holds: twelve digits.
const maxReturn = 999_999_999_999

// WriteCFONB240 writes the detail of a lot as CFONB 240: a header (31) whose description is the label of the credit, a
// record (34) a transfer whose description is its endToEndId and the reason's code, and the total (39); a record of 240
// characters a line, in Latin-1. The same arguments give the same bytes. The error is ErrNotFrench or that of the
// destination, or says that an amount does not fit.
func WriteCFONB240(out io.Writer, lot Lot) error {
	held, err := ribOf(lot.IBAN)
	if err != nil {
		return fmt.Errorf("write CFONB 240: %w", err)
	}

	var (
		buffer = bufio.NewWriter(out)
		number int64
		total  money.Cents
	)

	begin := func(code string) record {
		number++

		r := newRecord(lotLength, code)
		r.number(3, 8, number)
		r.text(9, 10, rejectCode)
		r.date(11, lot.SettledOn)
		r.text(17, 17, "E")
		r.text(78, 82, held.bank)
		r.text(83, 87, held.branch)
		r.text(88, 98, held.account)

		return r
	}

	header := begin("31")
	header.holder(held)
	header.text(129, 216, lot.Label)
	line(buffer, header)

	for i := range lot.Returns {
		returned := &lot.Returns[i]
		total += returned.Amount

		r := begin("34")
		// A transfer that went abroad names no account here.
		if to, err := ribOf(returned.Creditor.IBAN); err == nil {
			r.holder(to)
		}

		r.text(43, 66, returned.Creditor.Name)
		r.text(129, 216, returned.EndToEndID+" "+returned.Code)
		r.date(217, lot.ExecutedOn)
		r.number(229, 240, int64(returned.Amount))
		line(buffer, r)
	}

	if total > maxReturn {
		return fmt.Errorf("write CFONB 240: %s: its total has more than twelve digits", lot.Label)
	}

	trailer := begin("39")
	trailer.holder(held)
	trailer.number(229, 240, int64(total))
	line(buffer, trailer)

	if err := buffer.Flush(); err != nil {
		return fmt.Errorf("write CFONB 240: %w", err)
	}

	return nil
}

// holder puts the account that a record of CFONB 240 is about.
func (r record) holder(held rib) {
	r.text(22, 26, held.bank)
	r.text(27, 31, held.branch)
	r.text(32, 42, held.account)
}
