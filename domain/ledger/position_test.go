package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// TestUnbookedItemsExplainABankBalance lets money move at the bank and in the
// books, each at its time, and then a cent go missing.
func TestUnbookedItemsExplainABankBalance(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		opening := money.Cents(rapid.Int64Range(-1000, 1000).Draw(t, "opening"))
		p := ledger.Position{Account: ledger.Reglement, Books: opening, Bank: opening, Statement: 1}
		for range rapid.IntRange(0, 20).Draw(t, "moves") {
			amount := money.Cents(rapid.Int64Range(1, 1000).Draw(t, "amount"))
			switch rapid.IntRange(0, 4).Draw(t, "move") {
			case 0: // both know
				p.Books, p.Bank = p.Books-amount, p.Bank-amount
			case 1: // ordered, not debited
				p.Books, p.NotDebited = p.Books-amount, p.NotDebited+amount
			case 2: // on a statement, not booked
				p.Bank, p.NotBooked = p.Bank+amount, p.NotBooked+amount
			case 3:
				p.Bank, p.NotBooked = p.Bank-amount, p.NotBooked-amount
			default: // booked, on no statement
				p.Books, p.NotStated = p.Books+amount, p.NotStated+amount
			}
		}
		require.Zero(t, p.Gap())
		require.Empty(t, p.Breaches())

		p.Bank++
		require.Equal(t, money.Cents(1), p.Gap())
		require.Len(t, p.Breaches(), 1)
		require.Equal(t, ledger.BankAgrees, p.Breaches()[0].Invariant)
		require.Contains(t, p.Breaches()[0].String(), "BK.REG: the bank says ")

		p.Statement = 0
		require.Empty(t, p.Breaches(), "no statement was read")
	})
}
