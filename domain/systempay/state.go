package systempay

import "slices"

// State is how far a transaction is: the furthest that its notifications, in whatever order they come, make it.
type State string

// The states.
const (
	StateNone          State = ""               // nothing certain is known
	StatePending       State = "PENDING"        // not decided
	StateAuthorised    State = "AUTHORISED"     // paid, and to be handed to the bank
	StateCaptureFailed State = "CAPTURE_FAILED" // paid, and the bank did not get it
	StateCaptured      State = "CAPTURED"       // paid, and handed to the bank; final
	StateCancelled     State = "CANCELLED"      // not paid after all; final
	StateNotPaid       State = "NOT_PAID"       // never paid; final
	StateChecked       State = "CHECKED"        // no payment at all; final
	// StateContradictory is that of a transaction whose notifications cannot all be true, such as captured and cancelled.
	// None moves it from there: somebody is to ask SystemPay.
	StateContradictory State = "CONTRADICTORY"
)

// ContradictionError says that two notifications of a transaction cannot both be true.
type ContradictionError struct {
	Current, Next State
}

// Error names both, and what to do.
func (e *ContradictionError) Error() string {
	return "SystemPay transaction: told " + string(e.Next) + " after " + string(e.Current) +
		", which cannot both be: look it up in SystemPay's back office"
}

// further gives the states that lie ahead of a state. Each state has one way back to StateNone, so that any two either lie
// on one way or contradict each other: that makes the end the same in whatever order notifications come.
func (s State) further() []State {
	switch s {
	case StateNone:
		return []State{
			StatePending, StateAuthorised, StateCaptureFailed, StateCaptured, StateCancelled, StateNotPaid, StateChecked,
			StateContradictory,
		}
	case StatePending:
		return []State{
			StateAuthorised, StateCaptureFailed, StateCaptured, StateCancelled, StateNotPaid, StateChecked, StateContradictory,
		}
	case StateAuthorised:
		return []State{StateCaptureFailed, StateCaptured, StateCancelled, StateContradictory}
	case StateCaptureFailed: // handed over again, or given up
		return []State{StateCaptured, StateCancelled, StateContradictory}
	case StateCaptured, StateCancelled, StateNotPaid, StateChecked:
		return []State{StateContradictory}
	default:
		return nil
	}
}

// Advance gives the state of a transaction after one more notification, and whether it changed. It only goes forward: what
// comes late changes nothing. The conflict is a *ContradictionError when the two cannot both be true; the state is then
// StateContradictory, and says so once.
func Advance(current, next State) (state State, changed bool, conflict error) {
	switch {
	case current == next || slices.Contains(next.further(), current):
		return current, false, nil
	case slices.Contains(current.further(), next):
		return next, true, nil
	default:
		return StateContradictory, true, &ContradictionError{Current: current, Next: next}
	}
}
