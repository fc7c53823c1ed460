package statement_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

func TestContinuity(t *testing.T) {
	t.Parallel()

	const follows = ""

	closed := statement.Statement{Account: ledger.Reglement, Number: 11, Date: date(t, "2026-12-30"), Closing: 500}

	for name, test := range map[string]struct {
		previous, next func(*statement.Statement)
		broken         statement.Break
		says           string
	}{
		"the next number":       {},
		"1 in a new year":       {next: func(s *statement.Statement) { s.Number, s.Date = 1, date(t, "2027-01-04") }},
		"goes on in a new year": {next: func(s *statement.Statement) { s.Date = date(t, "2027-01-04") }},
		"another account": {
			next:   func(s *statement.Statement) { s.Account = ledger.Cantonnement },
			broken: statement.OtherAccount, says: "statement 12 of BK.CAN cannot follow one of BK.REG",
		},
		"an older number": {
			next:   func(s *statement.Statement) { s.Number = 3 },
			broken: statement.Duplicate,
			says:   "statement of BK.REG: number 12 expected, 3 found: it was taken in already, leave it out",
		},
		"the same number":   {next: func(s *statement.Statement) { s.Number = 11 }, broken: statement.Duplicate},
		"1 in the old year": {next: func(s *statement.Statement) { s.Number = 1 }, broken: statement.Duplicate},
		"a later number": {
			next:   func(s *statement.Statement) { s.Number = 14 },
			broken: statement.Gap,
			says:   "statement of BK.REG: number 12 expected, 14 found: ask the bank for those between, and take them in first",
		},
		"2 in a new year": {
			next:   func(s *statement.Statement) { s.Number, s.Date = 2, date(t, "2027-01-04") },
			broken: statement.Gap,
			says:   "statement of BK.REG: number 12 (or 1, in a new year) expected, 2 found: ask the bank for those between, and take them in first",
		},
		"the next number, days back": {
			next:   func(s *statement.Statement) { s.Date = date(t, "2026-12-29") },
			broken: statement.Backwards,
			says:   "statement 12 of BK.REG closes on 2026-12-29, and the one before on 2026-12-30: ask the bank which of the two is right",
		},
		"another balance": {
			next:   func(s *statement.Statement) { s.Opening = 499 },
			broken: statement.Balance,
			says:   "statement 12 of BK.REG begins with 4.99, and the one before ends with 5.00: ask the bank which of the two is right",
		},
		"1 in a new year, another balance": {
			next:   func(s *statement.Statement) { s.Number, s.Date, s.Opening = 1, date(t, "2027-01-04"), 499 },
			broken: statement.Balance, says: "statement 1 of BK.REG begins with 4.99",
		},
		"by day": {next: func(s *statement.Statement) { s.Number, s.From = 0, date(t, "2026-12-30") }},
		"by day, after statements without numbers": {
			previous: func(s *statement.Statement) { s.Number = 0 },
			next:     func(s *statement.Statement) { s.From = date(t, "2026-12-30") },
		},
		"by day, another one of the same day": {
			next: func(s *statement.Statement) {
				s.Number, s.From, s.Date = 0, date(t, "2026-12-30"), date(t, "2026-12-30")
			},
		},
		"by day, which it does not tell": {next: func(s *statement.Statement) { s.Number = 0 }},
		"by day, one before": {
			next:   func(s *statement.Statement) { s.Number, s.From = 0, date(t, "2026-12-29") },
			broken: statement.Duplicate,
			says: "statement of BK.REG: one that goes on from 5.00 on 2026-12-30 expected, one that goes on from 5.00 on 2026-12-29 found: " +
				"it was taken in already, leave it out",
		},
		"by day, closed before": {
			next:   func(s *statement.Statement) { s.Number, s.Date = 0, date(t, "2026-12-29") },
			broken: statement.Duplicate,
			says: "statement of BK.REG: one that goes on from 5.00 on 2026-12-30 expected, one that closes on 2026-12-29 found: " +
				"it was taken in already, leave it out",
		},
		"by day, one after": {
			next:   func(s *statement.Statement) { s.Number, s.From = 0, date(t, "2026-12-31") },
			broken: statement.Gap,
			says: "statement of BK.REG: one that goes on from 5.00 on 2026-12-30 expected, one that goes on from 5.00 on 2026-12-31 found: " +
				"ask the bank for those between, and take them in first",
		},
		"by day, another balance": {
			next:   func(s *statement.Statement) { s.Number, s.From, s.Opening = 0, date(t, "2026-12-30"), 499 },
			broken: statement.Balance,
			says: "statement of 2026-12-31 of BK.REG begins with 4.99, and the one before ends with 5.00: " +
				"ask the bank which of the two is right",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			previous := closed
			next := statement.Statement{Account: ledger.Reglement, Number: 12, Date: date(t, "2026-12-31"), Opening: 500}

			if test.previous != nil {
				test.previous(&previous)
			}

			if test.next != nil {
				test.next(&next)
			}

			err := statement.Continuity(previous, next)
			if test.broken == follows {
				require.NoError(t, err)

				return
			}

			var broken *statement.ContinuityError

			require.ErrorAs(t, err, &broken)
			require.Equal(t, &statement.ContinuityError{Break: test.broken, Previous: previous, Found: next}, broken)
			require.ErrorContains(t, err, test.says)
		})
	}
}

// TestNumbersAreTakenOnce: whatever statements there are, in a chain in which each follows the one before none has the number
// of another one of its year, days do not go back, and balances lead from one to the next.
func TestNumbersAreTakenOnce(t *testing.T) {
	t.Parallel()

	first := date(t, "2026-12-28")
	one := rapid.Custom(func(t *rapid.T) statement.Statement {
		return statement.Statement{
			Account: ledger.Reglement, Number: rapid.IntRange(1, 4).Draw(t, "number"),
			Date:    first.AddDays(rapid.IntRange(1, 6).Draw(t, "day")),
			Opening: money.Cents(rapid.IntRange(0, 1).Draw(t, "opening")), Closing: money.Cents(rapid.IntRange(0, 1).Draw(t, "closing")),
		}
	})

	rapid.Check(t, func(t *rapid.T) {
		chain := []statement.Statement{one.Draw(t, "first")}

		for _, next := range rapid.SliceOfN(one, 0, 60).Draw(t, "statements") {
			last := chain[len(chain)-1]
			if statement.Continuity(last, next) != nil {
				continue
			}

			require.Equal(t, last.Closing, next.Opening)
			require.False(t, next.Date.Before(last.Date))

			for _, before := range chain {
				require.False(t, before.Number == next.Number && before.Date.Year() == next.Date.Year(), "%v again", next)
			}

			chain = append(chain, next)
		}
	})
}
