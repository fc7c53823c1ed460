package layout

import (
	"bytes"
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// maxNumber bounds a line number or a count well above any file, and within an int everywhere.
const maxNumber = 999_999_999

// What texts and numbers may be refused for.
//
//nolint:gochecknoglobals // constants
var (
	errDigits    = refusal{fault.CodePattern, "must be digits only"}
	errNumber    = refusal{fault.CodePattern, "must be a whole number of at most nine digits"}
	errBelowZero = refusal{fault.CodePattern, "is below zero once the layout's subtract is taken off"}
	errUnknown   = refusal{fault.CodeUnknown, "has no entry in the values of its layout"}
	errSemicolon = refusal{fault.CodePattern, "holds a semicolon, which separates fields in our own format"}
)

// field is a Field ready to be read.
type field struct {
	name     string // as our own format has it
	id       int    // of the record's own numbering
	kind     string // one of the Type constants
	parts    []part
	constant []byte // nil when the field is read
	none     bool
	title    string
	pattern  pattern
	values   map[string]string
	point    byte
	sign     *sign
	subtract int
}

// raw gives what a field holds, and where.
func (f *field) raw(l *line) ([]byte, span) {
	if f.constant != nil || f.none {
		return f.constant, span{}
	}

	return l.value(f.parts)
}

// text reads a text as our own format writes it.
func (f *field) text(raw []byte) ([]byte, refusal) {
	switch {
	case f.constant != nil || f.none:
		return raw, refusal{}
	case f.values != nil:
		value, known := f.values[string(raw)]
		if !known {
			return nil, errUnknown
		}

		return []byte(value), refusal{}
	case f.kind == TypeDigits && !digitsOnly(raw):
		return nil, errDigits
	default:
		return raw, refusal{}
	}
}

// number reads a line number or a count.
func (f *field) number(raw []byte) (int, refusal) {
	if len(raw) == 0 {
		return 0, errNumber
	}

	value := 0

	for _, char := range raw {
		if char < '0' || char > '9' {
			return 0, errNumber
		}

		if value = value*decimalBase + int(char-'0'); value > maxNumber {
			return 0, errNumber
		}
	}

	if value < f.subtract {
		return 0, errBelowZero
	}

	return value - f.subtract, refusal{}
}

// cents reads an amount.
func (f *field) cents(l *line, raw []byte) (money.Cents, refusal) {
	if f.constant == nil {
		return f.amount(l, raw)
	}

	amount, err := money.ParseCents(f.constant)
	if err != nil {
		return 0, errAmount
	}

	return amount, refusal{}
}

// date reads a day.
func (f *field) date(raw []byte) (calendar.Date, refusal) {
	at, refused := f.pattern.read(raw)

	return at.date, refused
}

// instant reads a day with its hour.
func (f *field) instant(raw []byte) (time.Time, refusal) {
	at, refused := f.pattern.read(raw)
	if refused.refused() {
		return time.Time{}, refused
	}

	return at.instant()
}

// plain reads a field of any type as our own format of texts writes it: cents in digits, dates as yyyy-MM-dd. What is
// empty stays so.
func (f *field) plain(l *line, raw []byte) (string, refusal) {
	if f.constant != nil || f.none || len(raw) == 0 && f.values == nil {
		return string(raw), refusal{}
	}

	switch {
	case isCents(f.kind):
		amount, refused := f.amount(l, raw)

		return strconv.FormatInt(int64(amount), decimalBase), refused
	case f.kind == TypeDate:
		date, refused := f.date(raw)

		return date.String(), refused
	default:
		text, refused := f.text(raw)

		return string(text), refused
	}
}

func digitsOnly(text []byte) bool {
	for _, char := range text {
		if char < '0' || char > '9' {
			return false
		}
	}

	return true
}

func separated(text []byte) bool { return bytes.IndexByte(text, ';') >= 0 }
