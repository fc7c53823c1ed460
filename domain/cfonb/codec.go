package cfonb

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// kind is how a field is written.
type kind uint8

const (
	kindConstant  kind = iota // one text: the type of record, an operation, the euro
	kindDecimals              // one digit: how many places the amounts of the record behind it have
	kindText                  // anything printable, from the left
	kindCode                  // digits and capital letters, from the left
	kindDigits                // digits, as many as the field has
	kindAccount               // digits and capital letters, as many as the field has
	kindDate                  // JJMMAA
	kindShortDate             // JJMMA
	kindSigned                // digits, of which the last bears the sign, in the places that the record declares
	kindUnsigned              // digits, cents
)

// field is where a record R has one of its values, and how.
type field[R any] struct {
	name     string
	from, to int // columns, from 1, both included
	kind     kind
	optional bool       // may be blank
	constant string     // of kindConstant
	code     fault.Code // of another text than constant

	// The value in R, by kind.
	text  func(*R) *string
	date  func(*R) *calendar.Date
	cents func(*R) *money.Cents
}

// The names of fields that several types of records have.
const (
	fieldRecord    = "recordCode"
	fieldOperation = "operation"
	fieldCurrency  = "currency"
)

func fixed[R any](name string, from, to int, constant string, code fault.Code) field[R] {
	return field[R]{name: name, from: from, to: to, kind: kindConstant, constant: constant, code: code}
}

func decimals[R any](name string, at int) field[R] {
	return field[R]{name: name, from: at, to: at, kind: kindDecimals}
}

func textField[R any](name string, from, to int, kind kind, value func(*R) *string) field[R] {
	return field[R]{name: name, from: from, to: to, kind: kind, text: value}
}

func dateField[R any](name string, from, to int, kind kind, value func(*R) *calendar.Date) field[R] {
	return field[R]{name: name, from: from, to: to, kind: kind, date: value}
}

func centsField[R any](name string, from, to int, kind kind, value func(*R) *money.Cents) field[R] {
	return field[R]{name: name, from: from, to: to, kind: kind, cents: value}
}

func (f field[R]) orBlank() field[R] {
	f.optional = true

	return f
}

// layout is a type of record.
type layout[R any] []field[R]

// cell is a field's value as it stands in a record.
type cell struct {
	raw  []byte // in the record
	text string // the same
}

// decoder reads the fields of a file's records.
type decoder struct {
	file      *records
	reference calendar.Date // which short dates are near to
	decimals  int           // of the current record's amounts
	line      string        // the current record
	fit       bool          // nothing has been refused in it
}

// read reads a record, and tells whether all of it is good.
func (l layout[R]) read(d *decoder, record []byte, into *R) bool {
	d.line, d.fit = string(record), true
	d.decimals = places

	for i := range l {
		f := &l[i]
		c := cell{raw: record[f.from-1 : f.to], text: d.line[f.from-1 : f.to]}

		switch f.kind {
		case kindText:
			*f.text(into) = d.text(c.text)
		case kindCode, kindDigits, kindAccount:
			*f.text(into) = f.word(d, c)
		case kindSigned:
			*f.cents(into) = f.signed(d, c)
		case kindUnsigned:
			*f.cents(into) = f.unsigned(d, c)
		case kindDate, kindShortDate:
			*f.date(into) = f.day(d, c)
		case kindDecimals:
			f.places(d, c)
		case kindConstant:
			f.fixed(d, c)
		}
	}

	return d.fit
}

// refuse notes a fault of the field, at a byte of it when at is not negative. It repeats that byte, or the whole of a date
// or of a constant; what else stands in the wrong place may be a name or an account.
func (f *field[R]) refuse(d *decoder, c cell, at int, code fault.Code, reason string) {
	found := fault.Fault{Line: d.file.number, Column: f.from, Field: f.name, Code: code, Reason: reason}

	switch {
	case f.kind == kindDate || f.kind == kindShortDate || f.kind == kindConstant:
		found.Value = fault.Printable(c.raw)
	case at >= 0:
		found.Column += at
		found.Value = fault.Printable(c.raw[at : at+1])
	}

	d.fit = false
	d.file.faults.Add(found)
}

func blank(text string) bool { return strings.TrimLeft(text, " ") == "" }

// missing tells whether the field is blank, which it may be or not.
func (f *field[R]) missing(d *decoder, c cell) bool {
	if c.text[0] != ' ' || !blank(c.text) {
		return false
	}

	if !f.optional {
		f.refuse(d, c, -1, fault.CodeMissing, "is blank and must be filled")
	}

	return true
}

func (d *decoder) text(text string) string {
	text = strings.TrimRight(text, " ")
	if d.file.plain {
		return text
	}

	return decodeText(text, d.file.encoding)
}

// word reads digits and capital letters.
func (f *field[R]) word(d *decoder, c cell) string {
	if f.missing(d, c) {
		return ""
	}

	text := c.text
	if f.kind == kindCode {
		text = strings.TrimRight(text, " ")
	}

	for i := range len(text) {
		char := text[i]
		if char >= '0' && char <= '9' || f.kind != kindDigits && char >= 'A' && char <= 'Z' {
			continue
		}

		reason := "must be digits and capital letters"
		if f.kind == kindDigits {
			reason = "must be digits"
		}

		if f.kind != kindCode {
			reason += ", " + strconv.Itoa(len(text)) + " of them"
		}

		f.refuse(d, c, i, fault.CodePattern, reason)

		return ""
	}

	return text
}

func (f *field[R]) fixed(d *decoder, c cell) {
	if c.text != f.constant && !f.missing(d, c) {
		f.refuse(d, c, -1, f.code, "must be "+f.constant)
	}
}

// places reads how many decimal places the record's amounts have.
func (f *field[R]) places(d *decoder, c cell) {
	if f.missing(d, c) {
		return
	}

	if digit := c.raw[0] - '0'; digit < decimalBase {
		d.decimals = int(digit)

		return
	}

	f.refuse(d, c, 0, fault.CodePattern, "must be one digit, the number of decimal places")
}

// day reads a date of six or of five digits. Where it may be left out, zeros are none as spaces are.
func (f *field[R]) day(d *decoder, c cell) calendar.Date {
	if f.missing(d, c) || f.optional && strings.Trim(c.text, "0") == "" {
		return calendar.Date{}
	}

	for _, char := range c.raw {
		if char < '0' || char > '9' {
			f.refuse(d, c, -1, fault.CodeDate, "must be digits: "+f.pattern())

			return calendar.Date{}
		}
	}

	day, month := two(c.raw), two(c.raw[2:])

	var year int
	if f.kind == kindDate {
		year = windowed(two(c.raw[4:]))
	} else {
		year = nearest(d.reference, month, day, int(c.raw[4]-'0'))
	}

	date, err := calendar.NewDate(year, time.Month(month), day)
	if err != nil {
		f.refuse(d, c, -1, fault.CodeDate, "is no day of the calendar: "+f.pattern()+", of the year "+strconv.Itoa(year))
	}

	return date
}

func (f *field[R]) pattern() string {
	if f.kind == kindDate {
		return "JJMMAA"
	}

	return "JJMMA"
}

// write writes a record, and proves that it is read back as what it was made of. The error is a *fault.Fault that names the
// field and repeats no value.
func (l layout[R]) write(d *decoder, record []byte, from *R) *fault.Fault {
	for i := range record {
		record[i] = ' '
	}

	for i := range l {
		if code, reason := l[i].write(record, from); code != "" {
			return &fault.Fault{Column: l[i].from, Field: l[i].name, Code: code, Reason: reason}
		}
	}

	d.file.check(record)

	if d.file.raw == nil {
		return &d.file.faults.Faults[0]
	}

	var back R
	if !l.read(d, record, &back) {
		return &d.file.faults.Faults[0]
	}

	for i := range l {
		if f := &l[i]; !f.same(from, &back) {
			return &fault.Fault{
				Column: f.from, Field: f.name, Code: fault.CodePattern, Reason: "would not be read back as what it is",
			}
		}
	}

	return nil
}

// write puts a value where the field stands.
func (f *field[R]) write(record []byte, from *R) (fault.Code, string) {
	width := f.to - f.from + 1
	place := record[f.from-1 : f.from-1 : f.to]

	switch f.kind {
	case kindConstant:
		copy(record[f.from-1:], f.constant)
	case kindDecimals:
		record[f.from-1] = '0' + places
	case kindText, kindCode, kindDigits, kindAccount:
		text := *f.text(from)
		if utf8.RuneCountInString(text) > width {
			return fault.CodeTooLong, "has more than " + strconv.Itoa(width) + " characters"
		}

		if _, ok := appendLatin1(place, text); !ok {
			return fault.CodeEncoding, "has a character that ISO-8859-1 has not"
		}
	case kindDate, kindShortDate:
		appendDay(place, *f.date(from), width)
	case kindSigned, kindUnsigned:
		if !appendCents(place, *f.cents(from), width, f.kind == kindSigned) {
			return fault.CodeAmount, "does not fit into " + strconv.Itoa(width) + " columns"
		}
	}

	return "", ""
}

// same compares a field of two records.
func (f *field[R]) same(a, b *R) bool {
	switch f.kind {
	case kindText, kindCode, kindDigits, kindAccount:
		return *f.text(a) == *f.text(b)
	case kindDate, kindShortDate:
		return *f.date(a) == *f.date(b)
	case kindSigned, kindUnsigned:
		return *f.cents(a) == *f.cents(b)
	case kindConstant, kindDecimals:
	}

	return true
}
