package statement

import (
	"fmt"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// Break is how a statement does not follow the one before.
type Break string

// The breaks.
const (
	OtherAccount Break = "OTHER_ACCOUNT" // it is of another account
	Duplicate    Break = "DUPLICATE"     // its number has been seen already
	Gap          Break = "GAP"           // statements are missing before it
	Balance      Break = "BALANCE"       // it does not begin with the balance that the one before ended with
)

// ContinuityError says how a statement does not follow the one before.
type ContinuityError struct {
	Break           Break
	Account         ledger.Code // of the statement before
	AccountFound    ledger.Code
	Expected, Found int         // numbers
	ExpectedOpening money.Cents // the closing balance of the statement before
	FoundOpening    money.Cents
}

// Error names what was expected, what was found, and what to do next.
func (e *ContinuityError) Error() string {
	switch e.Break {
	case OtherAccount:
		return fmt.Sprintf("statement %d of %s cannot follow one of %s", e.Found, e.AccountFound, e.Account)
	case Duplicate:
		return fmt.Sprintf("statement of %s: number %d expected, %d found: it was taken in already, leave it out",
			e.Account, e.Expected, e.Found)
	case Gap:
		return fmt.Sprintf("statement of %s: number %d expected, %d found: ask the bank for those between, and take them in first",
			e.Account, e.Expected, e.Found)
	case Balance:
		return fmt.Sprintf("statement %d of %s begins with %s, and the one before ends with %s: ask the bank which of the two is right",
			e.Found, e.Account, e.FoundOpening, e.ExpectedOpening)
	default:
		return fmt.Sprintf("statement %d of %s does not follow the one before", e.Found, e.Account)
	}
}

// Continuity checks that a statement is the one after previous: the same account, the next number, and the opening balance
// that previous closed with. The first statement of an account has none before, and nothing to be checked against. The
// error is a *ContinuityError.
func Continuity(previous, next Statement) error {
	broken := &ContinuityError{
		Account: previous.Account, AccountFound: next.Account, Expected: previous.Sequence + 1, Found: next.Sequence,
		ExpectedOpening: previous.Closing, FoundOpening: next.Opening,
	}

	switch {
	case next.Account != previous.Account:
		broken.Break = OtherAccount
	case broken.Found < broken.Expected:
		broken.Break = Duplicate
	case broken.Found > broken.Expected:
		broken.Break = Gap
	case broken.FoundOpening != broken.ExpectedOpening:
		broken.Break = Balance
	default:
		return nil
	}

	return broken
}
