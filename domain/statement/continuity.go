package statement

import (
	"fmt"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// Break is how a statement does not follow the one before.
type Break string

// The breaks.
const (
	OtherAccount Break = "OTHER_ACCOUNT" // it is of another account
	Duplicate    Break = "DUPLICATE"     // its number, or its days, have been seen already
	Gap          Break = "GAP"           // statements are missing before it
	Backwards    Break = "BACKWARDS"     // it has the next number, and ends before the day on which the one before ended
	Balance      Break = "BALANCE"       // it does not begin with the balance that the one before ended with
)

// ContinuityError says how a statement does not follow the one before.
type ContinuityError struct {
	Break           Break
	Previous, Found Statement
}

// Error names what was expected, what was found, and what to do next.
func (e *ContinuityError) Error() string {
	switch e.Break {
	case OtherAccount:
		return fmt.Sprintf("%s cannot follow one of %s", e.Found, e.Previous.Account)
	case Duplicate:
		return e.told() + ": it was taken in already, leave it out"
	case Gap:
		return e.told() + ": ask the bank for those between, and take them in first"
	case Backwards:
		return fmt.Sprintf("%s closes on %s, and the one before on %s: ask the bank which of the two is right",
			e.Found, e.Found.Date, e.Previous.Date)
	case Balance:
		return fmt.Sprintf("%s begins with %s, and the one before ends with %s: ask the bank which of the two is right",
			e.Found, e.Found.Opening, e.Previous.Closing)
	default:
		return fmt.Sprintf("%s does not follow the one before", e.Found)
	}
}

// told names what was expected and what was found, by numbers or by days and balances.
func (e *ContinuityError) told() string {
	if numbered(e.Previous, e.Found) {
		expected := strconv.Itoa(e.Previous.Number + 1)
		if anew(e.Previous, e.Found) {
			expected += " (or 1, in a new year)"
		}

		return fmt.Sprintf("statement of %s: number %s expected, %d found", e.Found.Account, expected, e.Found.Number)
	}

	found := "one that closes on " + e.Found.Date.String()
	if !e.Found.From.IsZero() {
		found = "one " + from(e.Found.From, e.Found.Opening)
	}

	return fmt.Sprintf("statement of %s: one %s expected, %s found",
		e.Found.Account, from(e.Previous.Date, e.Previous.Closing), found)
}

func from(date calendar.Date, balance money.Cents) string {
	return fmt.Sprintf("that goes on from %s on %s", balance, date)
}

// Continuity checks that a statement is the one after previous: the same account, and the opening balance that previous
// closed with. Where both have numbers, its number must be the next one, or 1 in a new year, in which some banks begin anew;
// where they have none, it must begin on the day on which previous ended, as far as it says on which it begins. None ends
// before the day on which previous ended. The first statement of an account has none before, and nothing to be checked
// against. The error is a *ContinuityError.
func Continuity(previous, next Statement) error {
	broken := &ContinuityError{Previous: previous, Found: next}

	switch {
	case next.Account != previous.Account:
		broken.Break = OtherAccount
	case numbered(previous, next):
		broken.Break = byNumber(previous, next)
	default:
		broken.Break = byDay(previous, next)
	}

	if broken.Break == "" && next.Opening != previous.Closing {
		broken.Break = Balance
	}

	if broken.Break == "" {
		return nil
	}

	return broken
}

func numbered(previous, next Statement) bool { return previous.Number > 0 && next.Number > 0 }

// anew tells that the number may be 1 again.
func anew(previous, next Statement) bool { return next.Date.Year() > previous.Date.Year() }

func byNumber(previous, next Statement) Break {
	switch {
	case next.Number == previous.Number+1 && next.Date.Before(previous.Date):
		return Backwards
	case next.Number == previous.Number+1, next.Number == 1 && anew(previous, next):
		return ""
	case next.Number <= previous.Number && !anew(previous, next):
		return Duplicate
	default:
		return Gap
	}
}

func byDay(previous, next Statement) Break {
	switch {
	case next.Date.Before(previous.Date):
		return Duplicate
	case next.From.IsZero(), next.From == previous.Date:
		return ""
	case next.From.Before(previous.Date):
		return Duplicate
	default:
		return Gap
	}
}
