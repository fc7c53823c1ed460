package cashout

import "github.com/reglo/reglo/domain/money"

// Candidate is an order that asks to leave.
type Candidate struct {
	Ref        string      // refExterne of the order
	AccountID  string      // CP that pays, the same OwnCeiling and Held in all its orders
	Amount     money.Cents // more than 0
	OwnCeiling money.Cents // the merchant's own, money.Max when it has none; only manual requests can exceed it
	Held       bool        // the CP's payouts are on hold
}

// State is how far a review has come, to be kept until it goes on. It names a
// CP: its place is the database, not a workflow's history.
type State struct {
	Liquidity money.Cents `json:"liquidityCents"`      // client money that no order has taken yet
	AccountID string      `json:"accountId,omitempty"` // CP of the last order judged
	Sum       money.Cents `json:"sumCents"`            // that CP's orders that were not refused
}

// Review judges the orders of a session one after the other, in as little
// memory for a million of them as for one. All orders of a CP follow one
// another: the sum of a CP begins anew when the CP changes.
type Review struct {
	policy Policy
	total  money.Cents
	state  State
}

// NewReview begins the review of a session whose candidates sum up to total and
// are paid from liquidity, the client money held.
func NewReview(policy Policy, total, liquidity money.Cents) *Review {
	return Resume(policy, total, State{Liquidity: liquidity})
}

// Resume goes on with a review that stopped at state, as if it had not stopped.
// Policy and total are those that it began with.
func Resume(policy Policy, total money.Cents, state State) *Review {
	state.Liquidity = min(state.Liquidity, money.Max) // so that no sum of orders that it covers goes beyond
	return &Review{policy: policy, total: total, state: state}
}

// State is how far the review has come.
func (r *Review) State() State { return r.state }

// Judge decides on the next order. What is refused takes nothing of the
// liquidity and does not count for the CP's ceiling; what waits does, as it
// leaves when it is approved. An order that the liquidity left does not cover is
// refused, and a smaller one after it may still leave.
func (r *Review) Judge(next Candidate) (Verdict, Reason) {
	if next.AccountID != r.state.AccountID {
		r.state.AccountID, r.state.Sum = next.AccountID, 0
	}

	switch {
	case next.Held:
		return Refused, Held
	case next.Amount <= 0: // it would add to the liquidity
		return Refused, NoAmount
	case next.Amount > r.state.Liquidity:
		return Refused, Liquidity
	}

	r.state.Liquidity -= next.Amount
	r.state.Sum += next.Amount // within the liquidity that there was: it cannot overflow

	switch {
	case r.total > r.policy.TotalCeiling:
		return Waiting, CeilingTotal
	case next.Amount > r.policy.FourEyes:
		return Waiting, FourEyes
	case r.state.Sum > min(r.policy.CPCeiling, next.OwnCeiling):
		return Waiting, CeilingCP
	default:
		return Validated, ""
	}
}
