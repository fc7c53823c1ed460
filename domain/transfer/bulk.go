package transfer

import (
	"errors"
	"fmt"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxOrdersABulk is how many orders one remittance holds: ten thousand is
	// the usual limit of a bank on the transactions of one pain.001 file.
	MaxOrdersABulk = 10_000
	// MaxBulksADay is the last number of a day's remittances of payouts: the
	// bank's label leaves it three digits.
	MaxBulksADay = 999
	// MaxInternalADay is the last number of a day's remittances between our own
	// accounts, which have four digits.
	MaxInternalADay = 9_999
	// MaxAutomaticADay is the last number of a day's automatic payouts: nine
	// digits of the end-to-end identifier.
	MaxAutomaticADay = 999_999_999
	// MaxBulkPrefix is the longest prefix of a remittance's name, in characters:
	// `REM VIR `, the prefix, eight digits of date and four of number fill the
	// 31 characters of a label in a CFONB 120 statement, by which the bank's
	// debit is matched.
	MaxBulkPrefix = 11
)

// Bulk is what a file of orders says as a whole: payments of one purpose that the bank takes together.
type Bulk struct {
	Name    string // as the bank's statement repeats it, see BulkName
	ID      string // bulkId of the orders' events, a uuid
	Purpose Purpose
	DueDate calendar.Date
	Orders  int         // 1 to MaxOrdersABulk
	Sum     money.Cents // of the payments, above zero
}

// ErrBulkPrefix is a prefix that no remittance's name can begin with.
var ErrBulkPrefix = fmt.Errorf("the prefix of a remittance's name has 1 to %d letters A to Z: correct the configuration", MaxBulkPrefix)

// ErrDayFull is a number beyond the last of its day, or below 1.
var ErrDayFull = errors.New("the day's numbers are used up: order the rest on the next business day")

// ErrNoDate is the zero date, under which nothing can be named.
var ErrNoDate = errors.New("the date is missing")

// BulkName names the nth remittance of payouts of a day, n from 1 to
// MaxBulksADay: `<prefix><yyyyMMdd><nnn>`, as `MONEXTEUR20191009001`. The bank
// repeats the name in its statement. The errors are ErrBulkPrefix, ErrNoDate
// and ErrDayFull.
func BulkName(prefix string, date calendar.Date, n int) (string, error) {
	return bulkName(prefix, date, n, MaxBulksADay, 3)
}

// InternalName names the nth remittance of a day between our own accounts, n
// from 1 to MaxInternalADay: `<prefix><yyyyMMdd><nnnn>`, as
// `MONEXTINT201910090001`. Its length tells it from a BulkName even where the
// prefix is the same. The errors are those of BulkName.
func InternalName(prefix string, date calendar.Date, n int) (string, error) {
	return bulkName(prefix, date, n, MaxInternalADay, 4)
}

func bulkName(prefix string, date calendar.Date, n, last, digits int) (string, error) {
	switch {
	case !isBulkPrefix(prefix):
		return "", fmt.Errorf("%q: %w", prefix, ErrBulkPrefix)
	case date.IsZero():
		return "", fmt.Errorf("remittance %d: %w", n, ErrNoDate)
	case n < 1 || n > last:
		return "", fmt.Errorf("remittance %d of %s, of 1 to %d: %w", n, date, last, ErrDayFull)
	default:
		return fmt.Sprintf("%s%s%0*d", prefix, date.Compact(), digits, n), nil
	}
}

// isBulkPrefix wants letters only: a digit at the end would pass for a part of
// the date.
func isBulkPrefix(prefix string) bool {
	if prefix == "" || len(prefix) > MaxBulkPrefix {
		return false
	}
	for i := range len(prefix) {
		if prefix[i] < 'A' || prefix[i] > 'Z' {
			return false
		}
	}
	return true
}

// AutomaticEndToEndID identifies the automatic payout of that number on that
// day from end to end, number from 1 to MaxAutomaticADay: `P<yyMMdd>` and nine
// digits, 16 characters. Payline's identifiers are 16 digits, so that the two
// never meet. The errors are ErrNoDate and ErrDayFull.
func AutomaticEndToEndID(date calendar.Date, number int64) (string, error) {
	const century = len("20")
	switch {
	case date.IsZero():
		return "", fmt.Errorf("automatic payout %d: %w", number, ErrNoDate)
	case number < 1 || number > MaxAutomaticADay:
		return "", fmt.Errorf("automatic payout %d of %s, of 1 to %d: %w", number, date, MaxAutomaticADay, ErrDayFull)
	default:
		return fmt.Sprintf("P%s%09d", date.Compact()[century:], number), nil
	}
}
