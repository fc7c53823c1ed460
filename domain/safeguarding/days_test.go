package safeguarding_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/safeguarding"
)

// order is a payout that the bank has not debited yet; days are counted from the first.
type order struct {
	amount         money.Cents
	ordered, debit int // debit is the day on which the bank debits it, once it has it
	remitted       bool
}

// house is an EP whose own transfers arrive at once, kept by hand.
type house struct {
	clients, reglement, cantonnement money.Cents
	orders                           []order
	left                             money.Cents // from payment accounts, today
	debited                          money.Cents // of payouts of the days before, today
	previous                         *safeguarding.Statement
}

func (h *house) out(remitted bool) (sum money.Cents) {
	for _, each := range h.orders {
		if each.remitted == remitted {
			sum += each.amount
		}
	}

	return sum
}

func (h *house) position() safeguarding.Position {
	return safeguarding.Position{
		PaymentAccounts: h.clients, PayoutsUnremitted: h.out(false), PayoutsRemitted: h.out(true),
		Reglement: h.reglement, Cantonnement: h.cantonnement,
	}
}

// debit is the bank's debit of what falls due.
func (h *house) debit(today int) {
	var kept []order

	for _, each := range h.orders {
		if !each.remitted || each.debit > today {
			kept = append(kept, each)

			continue
		}

		h.reglement -= each.amount
		h.debited += each.amount
	}

	h.orders = kept
}

// pay orders a payout, which the bank debits so many days late, and hands over what is ordered when it can.
func (h *house) pay(today int, amount money.Cents, late int, remit bool) {
	h.clients -= amount
	h.left += amount

	if amount > 0 {
		h.orders = append(h.orders, order{amount: amount, ordered: today, debit: today + 1 + late})
	}

	fetched := safeguarding.Decantonnement(h.position())
	h.cantonnement, h.reglement = h.cantonnement-fetched, h.reglement+fetched

	for i := range h.orders {
		if remit && !h.orders[i].remitted {
			h.orders[i].remitted = true
			h.orders[i].debit = max(h.orders[i].debit, today+1)
		}
	}
}

func (h *house) canton() {
	moved := safeguarding.Cantonnement(h.position())
	h.cantonnement, h.reglement = h.cantonnement+moved, h.reglement-moved
}

// state closes the day.
func (h *house) state(t require.TestingT, date calendar.Date, today int) safeguarding.Statement {
	left := safeguarding.Left{Accounts: h.left, WithBank: h.debited}

	for _, each := range h.orders {
		if each.ordered < today && each.remitted {
			left.WithBank += each.amount
		}
	}

	stated, err := safeguarding.New(ledger.Books{
		CP: h.clients, Payouts: h.out(true) + h.out(false), Reglement: -h.reglement, Cantonnement: -h.cantonnement,
	}, date, h.previous, left)
	require.NoError(t, err)

	h.previous, h.left, h.debited = &stated, 0, 0

	return stated
}

// happen is what clients do on a day, before the financière, in it and after it.
func (h *house) happen(t *rapid.T, today int) {
	h.debit(today)

	sold := genCents(0).Draw(t, "sold")
	refunded := min(sold, genCents(0).Draw(t, "refunded"))
	h.clients, h.reglement, h.left = h.clients+sold-refunded, h.reglement+sold-refunded, h.left+refunded

	h.pay(today, min(h.clients, genCents(0).Draw(t, "paid")), rapid.IntRange(0, 2).Draw(t, "late"), rapid.Bool().Draw(t, "remit"))
}

// TestABankThatDebitsLate raises no alarm, whatever is ordered, left unsent, and debited a day or two late.
func TestABankThatDebitsLate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h house

		date := day(t, "2026-11-20")

		for today := range rapid.IntRange(1, 12).Draw(t, "days") {
			h.happen(t, today)
			h.canton()

			evening := genCents(0).Draw(t, "evening") // it has a day to get to cantonnement
			h.clients, h.reglement = h.clients+evening, h.reglement+evening

			require.Empty(t, h.state(t, date, today).Breaches(), "day %d", today)
			require.GreaterOrEqual(t, h.reglement, money.Cents(0), "no remittance is refused")

			date = date.AddDays(1)
		}
	})
}

// TestMoneyThatStaysOnReglement is a day's sale that nobody moves: it is an alarm at the end of the next day, and not before,
// whatever the bank has to debit meanwhile.
func TestMoneyThatStaysOnReglement(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h house

		date := day(t, "2026-11-20")
		days := rapid.IntRange(1, 8).Draw(t, "days")

		for today := range days {
			h.happen(t, today)
			h.canton()
			require.Empty(t, h.state(t, date, today).Breaches())

			date = date.AddDays(1)
		}

		sale := genCents(1).Draw(t, "sale")
		h.debit(days)
		h.clients, h.reglement = h.clients+sale, h.reglement+sale
		require.Empty(t, h.state(t, date, days).Breaches(), "it came today")

		h.debit(days + 1)

		stated := h.state(t, date.AddDays(1), days+1)
		require.Len(t, stated.Breaches(), 1)
		require.Equal(t, ledger.CantonnementNextDay, stated.Breaches()[0].Invariant)
		require.Equal(t, sale, stated.CantonnementGap)
	})
}
