// Package calendar holds what the engine knows of days: civil dates of Europe/Paris, business days, cut-offs.
package calendar

import (
	"fmt"
	"strconv"
	"time"
)

const (
	minYear = 1
	maxYear = 9999 // four digits, the widest year of the formats read and written here

	isoLength     = len("2006-01-02")
	compactLength = len("20060102")
	decimalBase   = 10
	quotedBytes   = 40 // longest part of a refused value that an error repeats
)

// Date is a civil date, without hour or zone. The zero Date is no date at all. Dates compare with ==.
type Date struct {
	year  int
	month time.Month
	day   int
}

// ParseError says which text is not a date, and why.
type ParseError struct {
	Value  string // the text refused, cut to its first 40 bytes
	Reason string // what is wrong with it, for a person to read
}

// Error names the value and the reason.
func (e *ParseError) Error() string { return "date " + strconv.Quote(e.Value) + ": " + e.Reason }

// NewDate checks that the day exists in the proleptic Gregorian calendar, years 1 to 9999. The error is a *ParseError.
func NewDate(year int, month time.Month, day int) (Date, error) {
	if year < minYear || year > maxYear || month < time.January || month > time.December ||
		day < 1 || day > daysIn(year, month) {
		return Date{}, noSuchDay(fmt.Sprintf("%04d-%02d-%02d", year, int(month), day))
	}

	return Date{year: year, month: month, day: day}, nil
}

// DateOf gives the date that clocks in Paris show at t.
func DateOf(t time.Time) Date {
	year, month, day := t.In(Paris()).Date()

	return Date{year: year, month: month, day: day}
}

// ParseDate reads "2006-01-02" and refuses a day that does not exist. The error is a *ParseError.
func ParseDate(s string) (Date, error) {
	if len(s) != isoLength || s[4] != '-' || s[7] != '-' {
		return Date{}, refuse(s, "want yyyy-MM-dd")
	}

	year, yearOK := number(s[:4])
	month, monthOK := number(s[5:7])
	day, dayOK := number(s[8:])

	if !yearOK || !monthOK || !dayOK {
		return Date{}, refuse(s, "want yyyy-MM-dd")
	}

	return NewDate(year, time.Month(month), day)
}

// ParseCompact reads "20060102" and refuses a day that does not exist. It does not allocate unless it fails. The error
// is a *ParseError.
func ParseCompact(b []byte) (Date, error) {
	if len(b) != compactLength {
		return Date{}, refuse(string(b[:min(len(b), quotedBytes)]), "want yyyyMMdd")
	}

	year, yearOK := number(b[:4])
	month, monthOK := number(b[4:6])
	day, dayOK := number(b[6:])

	if !yearOK || !monthOK || !dayOK {
		return Date{}, refuse(string(b), "want yyyyMMdd")
	}

	return NewDate(year, time.Month(month), day)
}

// IsZero tells the absence of a date.
func (d Date) IsZero() bool { return d == Date{} }

// Year gives the year, 1 to 9999.
func (d Date) Year() int { return d.year }

// Month gives the month.
func (d Date) Month() time.Month { return d.month }

// Day gives the day of the month, from 1.
func (d Date) Day() int { return d.day }

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// AddDays gives the date n days later, or earlier when n is negative. The caller stays within the years 1 to 9999.
func (d Date) AddDays(n int) Date {
	year, month, day := d.utc().AddDate(0, 0, n).Date()

	return Date{year: year, month: month, day: day}
}

// Compare is negative when d is before o, zero when they are equal, positive when d is after o.
func (d Date) Compare(o Date) int { return d.ordinal() - o.ordinal() }

// Before tells whether d is earlier than o.
func (d Date) Before(o Date) bool { return d.Compare(o) < 0 }

// After tells whether d is later than o.
func (d Date) After(o Date) bool { return d.Compare(o) > 0 }

// Midnight gives the instant at which the day begins in Paris. Summer time never moves it: Paris changes at 01:00 UTC.
func (d Date) Midnight() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, Paris())
}

// String gives "2006-01-02", or nothing for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}

	return string(d.Append(make([]byte, 0, isoLength)))
}

// Append appends "2006-01-02".
func (d Date) Append(dst []byte) []byte {
	dst = appendTwo(dst, d.year/centuryYears)
	dst = appendTwo(dst, d.year%centuryYears)
	dst = append(dst, '-')
	dst = appendTwo(dst, int(d.month))
	dst = append(dst, '-')

	return appendTwo(dst, d.day)
}

// Compact gives "20060102", or nothing for the zero Date.
func (d Date) Compact() string {
	if d.IsZero() {
		return ""
	}

	return string(d.AppendCompact(make([]byte, 0, compactLength)))
}

// AppendCompact appends "20060102".
func (d Date) AppendCompact(dst []byte) []byte {
	dst = appendTwo(dst, d.year/centuryYears)
	dst = appendTwo(dst, d.year%centuryYears)
	dst = appendTwo(dst, int(d.month))

	return appendTwo(dst, d.day)
}

// MarshalText writes what String returns.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes: "2006-01-02", or nothing for the zero Date. The error is a *ParseError.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}

		return nil
	}

	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}

	*d = parsed

	return nil
}

const centuryYears = 100

func (d Date) utc() time.Time {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC)
}

// ordinal grows with the date. It is for comparing only: it leaves gaps between months.
func (d Date) ordinal() int {
	const months, days = 16, 32

	return (d.year*months+int(d.month))*days + d.day
}

func daysIn(year int, month time.Month) int {
	switch month {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}

		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	default:
		return 31
	}
}

func number[T string | []byte](text T) (int, bool) {
	value := 0

	for i := range len(text) {
		digit := text[i] - '0'
		if digit > decimalBase-1 {
			return 0, false
		}

		value = value*decimalBase + int(digit)
	}

	return value, true
}

func appendTwo(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/decimalBase), byte('0'+n%decimalBase)) //nolint:gosec // n has two digits
}

func refuse(value, reason string) *ParseError {
	return &ParseError{Value: value[:min(len(value), quotedBytes)], Reason: reason}
}

func noSuchDay(value string) *ParseError {
	return refuse(value, "no such day in the calendar, years 1 to 9999")
}
