//go:build linux

package e2e_test

import (
	"cmp"
	"maps"
	"slices"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
)

// model is what a month's books must come to, reckoned in memory by the
// business's own rules: no journal, no transactions, no chunks, one thing after
// the other. It shares nothing with the engine but the calendar and the type of
// an amount.
type model struct {
	cps   map[string]*modelCP // by payment account
	debts []*modelDebt        // in the order of their creation
	// client is all client money at the bank, own is fonctionnement.
	client, own money.Cents
	earned      money.Cents
	parked      money.Cents
	fourEyes    money.Cents
	payouts     []*modelPayout
	days        calendar.Target
}

type modelCP struct {
	merchant.Merchant

	balance money.Cents
	held    bool
	last    *modelPayout // that reached the bank
}

type modelDebt struct {
	siret              string
	initial, remaining money.Cents
}

type modelPayout struct {
	account  string
	amount   money.Cents
	returned bool
}

// line is a card line, or an unpaid.
type planLine struct {
	account    string
	siret      string
	gross      money.Cents // below zero for a refund, or an unpaid
	commission money.Cents
}

// planRequest is a request of a Payline file; to is empty for a transfer.
type planRequest struct {
	from, to string
	amount   money.Cents
}

// known is the CP that takes a line, nil where none does.
func (m *model) known(line planLine) *modelCP {
	cp := m.cps[line.account]
	if cp == nil || cp.Status == merchant.StatusClosed || cp.Siret != line.siret {
		return nil
	}
	return cp
}

// transactions settles a file of sales and refunds.
func (m *model) transactions(lines []planLine) {
	touched := make(map[string]bool)
	var taken money.Cents
	for _, line := range lines {
		m.client += line.gross
		cp := m.known(line)
		if cp == nil {
			m.parked += line.gross
			continue
		}
		cp.balance += line.gross - line.commission
		taken += line.commission
		touched[line.account] = true
	}
	m.cover(touched)
	m.earn(taken)
}

// unpaids settles a file of unpaids: one that no CP can bear is its merchant's debt.
func (m *model) unpaids(lines []planLine) {
	touched := make(map[string]bool)
	whole := make(map[string]money.Cents)
	for _, line := range lines {
		m.client += line.gross
		if cp := m.known(line); cp != nil {
			cp.balance += line.gross
			touched[line.account] = true
			continue
		}
		whole[line.siret] -= line.gross
	}
	m.cover(touched)
	for _, siret := range slices.Sorted(maps.Keys(whole)) {
		m.owe(siret, whole[siret])
	}
}

// cover fills what CPs lack with own money.
func (m *model) cover(touched map[string]bool) {
	for _, account := range slices.Sorted(maps.Keys(touched)) {
		cp := m.cps[account]
		if cp.balance < 0 {
			m.owe(cp.Siret, -cp.balance)
			cp.balance = 0
		}
	}
}

func (m *model) owe(siret string, amount money.Cents) {
	m.own -= amount
	m.client += amount
	for _, debt := range m.debts {
		if debt.siret == siret && debt.remaining > 0 {
			debt.initial += amount
			debt.remaining += amount
			return
		}
	}
	m.debts = append(m.debts, &modelDebt{siret: siret, initial: amount, remaining: amount})
}

func (m *model) earn(taken money.Cents) {
	m.earned += taken
	m.own += taken
	m.client -= taken
}

// accounts are the CPs in the order of their identifiers.
func (m *model) accounts() []*modelCP {
	return slices.SortedFunc(maps.Values(m.cps), func(a, b *modelCP) int { return cmp.Compare(a.AccountID, b.AccountID) })
}

// recoverDebts is créances.
func (m *model) recoverDebts() {
	for _, debt := range m.debts {
		for _, cp := range m.accounts() {
			if cp.Siret != debt.siret {
				continue
			}
			taken := min(debt.remaining, cp.balance)
			debt.remaining -= taken
			cp.balance -= taken
			m.own += taken
			m.client -= taken
		}
	}
}

func (m *model) openDebt(siret string) money.Cents {
	var open money.Cents
	for _, debt := range m.debts {
		if debt.siret == siret {
			open += debt.remaining
		}
	}
	return open
}

// refusedByOperator is what the month's operators do not let pass of what they
// are asked: orders whose cents end in 5 or 0.
func refusedByOperator(amount money.Cents) bool { return amount%5 == 0 }

// financiere pays out, and returns the orders that reached the bank.
func (m *model) financiere(date calendar.Date, requests []planRequest) []*modelPayout {
	for _, request := range requests {
		if request.to != "" {
			m.moveMoney(request)
		}
	}
	planned := make(map[string]money.Cents)
	var orders []*modelPayout
	order := func(account string, amount money.Cents) {
		planned[account] += amount
		orders = append(orders, &modelPayout{account: account, amount: amount})
	}
	for _, request := range requests {
		cp := m.cps[request.from]
		if request.to == "" && cp != nil && cp.Status == merchant.StatusActive && cp.PayoutMode != merchant.PayoutNone &&
			request.amount > 0 && request.amount <= cp.balance-planned[request.from] {
			order(request.from, request.amount)
		}
	}
	for _, cp := range m.accounts() {
		if cp.Status != merchant.StatusActive || cp.PayoutMode != merchant.PayoutAuto || !cp.PayoutFrequency.DueOn(m.days, date) {
			continue
		}
		amount := min(cp.balance-planned[cp.AccountID]-cp.Reserve-m.openDebt(cp.Siret), cp.PayoutCeiling)
		if amount > 0 && amount > cp.MinPayout {
			order(cp.AccountID, amount)
		}
	}
	var paid []*modelPayout
	asks := make(map[string]money.Cents)
	for _, asked := range orders {
		cp := m.cps[asked.account]
		if cp.held {
			continue
		}
		asks[asked.account] += asked.amount
		waits := asked.amount > m.fourEyes || asks[asked.account] > cp.PayoutCeiling
		if waits && refusedByOperator(asked.amount) {
			continue
		}
		cp.balance -= asked.amount
		m.client -= asked.amount
		paid = append(paid, asked)
	}
	m.payouts = append(m.payouts, paid...)
	return paid
}

func (m *model) moveMoney(request planRequest) {
	from, to := m.cps[request.from], m.cps[request.to]
	if from == nil || to == nil || from == to || from.Status != merchant.StatusActive || to.Status == merchant.StatusClosed ||
		!from.CPToCPAllowed || !to.CPToCPAllowed || request.amount <= 0 || request.amount > from.balance {
		return
	}
	from.balance -= request.amount
	to.balance += request.amount
}

// comeBack gives back the payouts that their bank did not take, and settles the
// others: a second one in a row puts the CP's payouts on hold.
func (m *model) comeBack(paid []*modelPayout, returned func(*modelPayout) bool) {
	for _, payout := range paid {
		cp := m.cps[payout.account]
		if payout.returned = returned(payout); payout.returned {
			cp.balance += payout.amount
			m.client += payout.amount
			cp.held = cp.held || cp.last != nil && cp.last.returned
		}
		cp.last = payout
	}
}
