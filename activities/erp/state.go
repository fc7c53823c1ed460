package erp

import "slices"

// State is where a posting stands.
type State string

// The states.
const (
	Prepared          State = "PREPARED"            // to be sent
	Sent              State = "SENT"                // its intent is committed, its outcome is not kept
	Accepted          State = "ACCEPTED"            // the ERP has it, under a transaction
	AcceptedWithoutID State = "ACCEPTED_WITHOUT_ID" // the ERP has it, and has not said under which transaction
	Rejected          State = "REJECTED"            // the ERP refused it
	Invalid           State = "INVALID"             // our rules refused it: it was not sent
	Unknown           State = "UNKNOWN"             // nobody knows whether the ERP has it
)

// States lists the states.
func States() []State {
	return []State{Prepared, Sent, Accepted, AcceptedWithoutID, Rejected, Invalid, Unknown}
}

// settled tells whether nothing more happens to a posting by itself.
func (s State) settled() bool { return slices.Contains([]State{Accepted, Rejected, Invalid}, s) }
