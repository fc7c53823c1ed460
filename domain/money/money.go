// Package money holds amounts of euros as whole cents: exact to parse, to add and to print, and never a float.
package money

import (
	"errors"
	"math"
	"strconv"

	"github.com/shopspring/decimal"
)

// Cents is a signed amount of euro cents. The value lies between -Max and Max wherever it came through this package.
type Cents int64

const (
	// Currency is the ISO 4217 code of every amount.
	Currency = "EUR"
	// Max is the largest amount held, either side of zero: 999,999,999,999.99 euros. It keeps fourteen digits, so that
	// the sum or the difference of two amounts, or a bare sum of up to 92,000 of them, cannot wrap an int64. A longer sum
	// goes through Add.
	Max Cents = 99_999_999_999_999

	places         = 2                             // decimal places of the euro
	centsInEuro    = 100                           // cents in a euro
	maxEuroDigits  = 12                            // digits of Max in whole euros
	maxQuotedBytes = 40                            // longest part of a refused value that an error repeats
	decimalBase    = 10                            // base of the digits parsed here
	beforeOverflow = math.MaxInt64/decimalBase - 1 // largest value to which one digit may still be added
)

// ErrOverflow says that an amount, or the result of an addition, lies beyond Max.
var ErrOverflow = errors.New("amount beyond 999999999999.99 EUR")

// ParseError says which text is not an amount, and why.
type ParseError struct {
	Value  string // the text refused, cut to its first 40 bytes
	Reason string // what is wrong with it, for a person to read
	cause  error
}

// Error names the value and the reason.
func (e *ParseError) Error() string {
	return "amount " + strconv.Quote(e.Value) + ": " + e.Reason
}

// Unwrap gives ErrOverflow when the amount was well written but too large.
func (e *ParseError) Unwrap() error { return e.cause }

// Parse reads a plain decimal number of euros: an optional minus sign, digits, and at most two decimal places after a
// point ("1234.56", "-0.05", "7"). Exponents, a plus sign, spaces and separators are refused, as is an amount beyond Max.
// The error is a *ParseError.
func Parse(s string) (Cents, error) {
	whole, fraction := s, ""
	for i := range len(s) {
		if s[i] != '.' {
			continue
		}

		whole, fraction = s[:i], s[i+1:]
		if fraction == "" {
			return 0, refuse(s, "a digit must follow the decimal point")
		}

		break
	}

	if len(fraction) > places {
		return 0, refuse(s, "at most two decimal places, plain digits only")
	}

	cents, negative, reason := digits(0, whole, true)
	if reason == "" {
		for len(fraction) < places {
			fraction += "0"
		}

		cents, _, reason = digits(cents, fraction, false)
	}

	return finish(s, cents, negative, reason)
}

// ParseCents reads a whole number of cents as files hold it: an optional minus sign, then digits, nothing else. It does
// not allocate unless it fails. The error is a *ParseError.
func ParseCents(b []byte) (Cents, error) {
	cents, negative, reason := digits(0, b, true)
	if reason != "" || cents > Max {
		_, err := finish(string(b), cents, negative, reason)

		return 0, err
	}

	if negative {
		return -cents, nil
	}

	return cents, nil
}

// FromDecimal converts euros exactly. More than two significant decimal places, or an amount beyond Max, is an error; a
// huge exponent is refused without being expanded. The error is a *ParseError.
func FromDecimal(d decimal.Decimal) (Cents, error) {
	if d.IsZero() {
		return 0, nil
	}

	exponent, width := int64(d.Exponent()), int64(d.NumDigits())
	if width+exponent > maxEuroDigits {
		return 0, tooLarge(describe(d, width))
	}

	// A coefficient of n digits has at most n-1 trailing zeros: beyond that, there must be a third significant place.
	if -exponent >= width+places {
		return 0, refuse(describe(d, width), "more than two decimal places")
	}

	shifted := d.Shift(places)
	if !shifted.IsInteger() {
		return 0, refuse(describe(d, width), "more than two decimal places")
	}

	cents := Cents(shifted.IntPart())
	if cents.Abs() > Max {
		return 0, tooLarge(describe(d, width))
	}

	return cents, nil
}

// Decimal gives the amount in euros, exactly.
func (c Cents) Decimal() decimal.Decimal { return decimal.New(int64(c), -places) }

// String gives the amount in euros with two places and no separator: "-1234.56".
func (c Cents) String() string { return string(c.Append(nil)) }

// Append appends what String returns, without allocating when dst has room.
func (c Cents) Append(dst []byte) []byte {
	magnitude := uint64(c) //nolint:gosec // two's complement: a negative amount is negated below
	if c < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude // exact for every int64, the smallest included
	}

	dst = strconv.AppendUint(dst, magnitude/centsInEuro, decimalBase)
	rest := byte(magnitude % centsInEuro)

	return append(dst, '.', '0'+rest/decimalBase, '0'+rest%decimalBase)
}

// Add gives the sum, or ErrOverflow when an operand or the sum lies beyond Max.
func (c Cents) Add(o Cents) (Cents, error) {
	if !c.held() || !o.held() || !(c + o).held() {
		return 0, ErrOverflow
	}

	return c + o, nil
}

// Sub gives the difference, or ErrOverflow when an operand or the difference lies beyond Max.
func (c Cents) Sub(o Cents) (Cents, error) {
	if !o.held() {
		return 0, ErrOverflow
	}

	return c.Add(-o)
}

// Neg gives the opposite amount.
func (c Cents) Neg() Cents { return -c }

// Abs gives the amount without its sign.
func (c Cents) Abs() Cents {
	if c < 0 {
		return -c
	}

	return c
}

func (c Cents) held() bool { return -Max <= c && c <= Max }

// digits reads text as decimal digits behind what seed already holds. Only the first part of a number may carry a sign.
// Amounts beyond int64 stop growing instead of wrapping: they are far beyond Max in any case.
func digits[T string | []byte](seed Cents, text T, signed bool) (value Cents, negative bool, reason string) {
	start := 0
	if signed && len(text) > 0 && text[0] == '-' {
		negative, start = true, 1
	}

	if start == len(text) {
		return 0, negative, "no digit"
	}

	value = seed
	for i := start; i < len(text); i++ {
		digit := text[i] - '0'
		if digit > decimalBase-1 {
			return 0, negative, "not a digit at byte " + strconv.Itoa(i+1) + ": only '-', digits and one '.' for euros"
		}

		if value < beforeOverflow {
			value = value*decimalBase + Cents(digit)
		}
	}

	return value, negative, ""
}

func finish(text string, cents Cents, negative bool, reason string) (Cents, error) {
	switch {
	case reason != "":
		return 0, refuse(text, reason)
	case cents > Max:
		return 0, tooLarge(text)
	case negative:
		return -cents, nil
	default:
		return cents, nil
	}
}

func refuse(value, reason string) *ParseError {
	return &ParseError{Value: value[:min(len(value), maxQuotedBytes)], Reason: reason}
}

func tooLarge(value string) *ParseError {
	err := refuse(value, ErrOverflow.Error())
	err.cause = ErrOverflow

	return err
}

// describe writes a decimal for an error without expanding its exponent.
func describe(d decimal.Decimal, width int64) string {
	if width > maxQuotedBytes {
		return "a number of " + strconv.FormatInt(width, decimalBase) + " digits"
	}

	return d.Coefficient().String() + "e" + strconv.Itoa(int(d.Exponent()))
}
