// Package cashout decides whether money may leave: by itself, after a second
// person approved it, or not at all.
package cashout

import (
	"fmt"

	"github.com/reglo/reglo/domain/money"
)

// RejectsBeforeHold is how many payouts of a CP, rejected one after the other,
// put its payouts on hold. One reject may be the bank's accident; the second in
// a row says that the merchant's account does not take the money, and each
// further one would cost a fee and a day.
const RejectsBeforeHold = 2

// Policy is what may leave without a second person, in cents: above a limit,
// someone approves. money.Max is no limit, and 0 has everything approved.
type Policy struct {
	CPCeiling    money.Cents // sum of one CP's orders of a session
	TotalCeiling money.Cents // sum of all orders of a session
	FourEyes     money.Cents // one order
}

// PolicyError says which limit of a policy is none.
type PolicyError struct {
	Field string // name of the limit
	Value money.Cents
}

// Error names the limit, its value and what is wanted.
func (e *PolicyError) Error() string {
	return fmt.Sprintf("cash-out policy: %s is %s: want 0.00 (everything is approved) to %s (no limit)", e.Field, e.Value, money.Max)
}

// Validate checks that each limit lies between 0 and money.Max. The error is a
// *PolicyError.
func (p Policy) Validate() error {
	for _, limit := range []PolicyError{
		{"the ceiling of a CP", p.CPCeiling}, {"the ceiling of a session", p.TotalCeiling}, {"the four-eyes threshold", p.FourEyes},
	} {
		if limit.Value < 0 || limit.Value > money.Max {
			return &limit
		}
	}
	return nil
}

// Verdict is what becomes of an order.
type Verdict string

// The verdicts.
const (
	Validated Verdict = "VALIDATED" // it may leave
	Waiting   Verdict = "WAITING"   // it may leave when a second person approves
	Refused   Verdict = "REFUSED"   // it does not leave in this session
)

// Reason is why an order waits or is refused; an order that is validated has none.
type Reason string

// The reasons.
const (
	// Held: the CP's payouts are on hold.
	Held Reason = "HELD"
	// NoAmount: the order is not of a positive amount.
	NoAmount Reason = "AMOUNT"
	// Liquidity: the client money held does not cover the order.
	Liquidity Reason = "LIQUIDITY"
	// CeilingTotal: the session is above Policy.TotalCeiling.
	CeilingTotal Reason = "CEILING_TOTAL"
	// FourEyes: the order is above Policy.FourEyes.
	FourEyes Reason = "FOUR_EYES"
	// CeilingCP: the CP's orders are above Policy.CPCeiling or its own ceiling.
	CeilingCP Reason = "CEILING_CP"
	// CutOff: nobody approved the order before the cut-off.
	CutOff Reason = "CUT_OFF"
	// RefusedByOperator: someone decided that the order does not leave.
	RefusedByOperator Reason = "REFUSED_BY_OPERATOR"
	// NoCover: the CP held less than the order when it was to be posted, as when a refund came in between.
	NoCover Reason = "NO_COVER"
)

// Reasons lists them all.
func Reasons() []Reason {
	return []Reason{Held, NoAmount, Liquidity, CeilingTotal, FourEyes, CeilingCP, CutOff, RefusedByOperator, NoCover}
}

// French says the reason to a person in French; nothing for no reason.
func (r Reason) French() string {
	switch r {
	case Held:
		return "les virements de ce compte sont suspendus"
	case NoAmount:
		return "le montant de l'ordre n'est pas positif"
	case Liquidity:
		return "les fonds de la clientèle ne couvrent pas cet ordre"
	case CeilingTotal:
		return "le total de la session dépasse son plafond"
	case FourEyes:
		return "l'ordre dépasse le seuil de double validation"
	case CeilingCP:
		return "les ordres de ce compte dépassent son plafond"
	case CutOff:
		return "personne n'a approuvé l'ordre avant l'heure limite"
	case RefusedByOperator:
		return "un opérateur a refusé l'ordre"
	case NoCover:
		return "le compte ne couvre plus l'ordre"
	default:
		return ""
	}
}

// English says the reason to a person in English; nothing for no reason.
func (r Reason) English() string {
	switch r {
	case Held:
		return "payouts of this account are on hold"
	case NoAmount:
		return "the order's amount is not positive"
	case Liquidity:
		return "the client money held does not cover this order"
	case CeilingTotal:
		return "the session's total is above its ceiling"
	case FourEyes:
		return "the order is above the four-eyes threshold"
	case CeilingCP:
		return "the orders of this account are above its ceiling"
	case CutOff:
		return "nobody approved the order before the cut-off"
	case RefusedByOperator:
		return "an operator refused the order"
	case NoCover:
		return "the account no longer covers the order"
	default:
		return ""
	}
}

// Text is the reason as an OG-EP event holds it: `<code>: <French> / <English>`;
// nothing for no reason.
func (r Reason) Text() string {
	if r == "" {
		return ""
	}
	return string(r) + ": " + r.French() + " / " + r.English()
}
