package iso20022

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	maxDecimal = 20 // characters: 18 digits, a sign and a point, the most that an amount or a sum of ISO 20022 has
	maxCount   = 15 // digits of a number of orders, Max15NumericText
	centPlaces = 2

	dateTime     = "2006-01-02T15:04:05"
	dateTimeZone = dateTime + "Z07:00"
	maxInstant   = len(dateTime + ".000000000+01:00")
)

// The errors of values. They do not repeat the value, which stands where a person's name could.
var (
	// ErrAmount says that a text is no exact number of cents.
	ErrAmount = errors.New("must be a decimal number of at most 18 digits, of which those after the second decimal place are zero")
	// ErrInstant says that a text is no date with an hour.
	ErrInstant = errors.New("must be a date and an hour as 2006-01-02T15:04:05, with or without fraction and zone")
	// ErrCount says that a text is no number of orders.
	ErrCount = errors.New("must be a number of at most 15 digits")
)

// ParseAmount reads a decimal number of euros exactly: an xs:decimal, whose decimal places beyond the second must be zero.
// The error is ErrAmount, or money.ErrOverflow.
func ParseAmount(text string) (money.Cents, error) {
	text = strings.Trim(text, blanks)
	digits, positive := strings.CutPrefix(text, "+")
	digits, negative := strings.CutPrefix(digits, "-")
	whole, fraction, _ := strings.Cut(digits, ".")

	if len(text) > maxDecimal || positive && negative || whole+fraction == "" {
		return 0, ErrAmount
	}

	if len(fraction) > centPlaces {
		fraction = fraction[:centPlaces] + strings.TrimRight(fraction[centPlaces:], "0")
	}

	// xs:decimal has .5 and 5. where money has 0.50 and 5.00.
	cents, err := money.Parse("0" + whole + "." + (fraction + "00")[:max(centPlaces, len(fraction))])

	switch {
	case errors.Is(err, money.ErrOverflow):
		return 0, money.ErrOverflow
	case err != nil:
		return 0, ErrAmount
	case negative:
		return -cents, nil
	default:
		return cents, nil
	}
}

// ParseInstant reads an xs:dateTime. Without zone it is the hour in Paris, where the banks are whose messages are read
// here; 24:00:00 is the end of the day. The error is ErrInstant.
func ParseInstant(text string) (time.Time, error) {
	const (
		hour = len("2006-01-02T")
		end  = "24:00:00"
	)

	text = strings.Trim(text, blanks)

	// The layouts of package time take a comma for a point, and an hour of one digit.
	if len(text) < len(dateTime) || len(text) > maxInstant || text[hour+2] != ':' || strings.Contains(text, ",") {
		return time.Time{}, ErrInstant
	}

	ends := strings.HasPrefix(text[hour:], end)
	if ends {
		text = text[:hour] + "00" + text[hour+2:]
	}

	at, err := time.ParseInLocation(dateTime, text, calendar.Paris())
	if err != nil {
		at, err = time.Parse(dateTimeZone, text)
	}

	switch {
	case err != nil:
		return time.Time{}, ErrInstant
	case ends:
		return at.In(calendar.Paris()).AddDate(0, 0, 1), nil
	default:
		return at, nil
	}
}

// ParseCount reads a number of orders. The error is ErrCount.
func ParseCount(text string) (int, error) {
	text = strings.Trim(text, blanks)

	count, err := strconv.ParseUint(text, 10, 63)
	if err != nil || len(text) > maxCount {
		return 0, ErrCount
	}

	return int(count), nil
}

// Euros reads the amount of an order: in EUR, exact to the cent, and above zero. What is wrong with it is a fault that has
// its place still to be told.
func (a *CurrencyAmount) Euros() (money.Cents, *fault.Fault) {
	amount, err := ParseAmount(a.Value)

	switch {
	case a.Ccy != money.Currency:
		return amount, &fault.Fault{Code: fault.CodeCurrency, Reason: "must be in " + money.Currency}
	case err != nil:
		return amount, &fault.Fault{Code: fault.CodeAmount, Reason: err.Error()}
	case amount <= 0:
		return amount, &fault.Fault{Code: fault.CodeSign, Value: amount.String(), Reason: "must be above zero"}
	default:
		return amount, nil
	}
}

// CheckText says what is wrong with a text of at most so many characters; no code when nothing is. It repeats nothing of it:
// a text may name somebody where it does not belong.
func CheckText(text string, most int) (code fault.Code, reason string) {
	switch {
	case utf8.RuneCountInString(text) > most:
		return fault.CodeTooLong, "has more than " + strconv.Itoa(most) + " characters"
	case strings.ContainsFunc(text, unicode.IsControl):
		return fault.CodeControl, "holds a control character"
	default:
		return "", ""
	}
}
