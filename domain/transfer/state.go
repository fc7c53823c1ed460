package transfer

// State is what became of an order.
type State string

// The states.
const (
	Prepared State = "PREPARED" // committed with its identifiers, the bank was not called yet
	Sent     State = "SENT"     // the bank has it
	Executed State = "EXECUTED" // the bank's statement shows it
	Rejected State = "REJECTED" // nothing was paid, or what was paid came back; final
	Unknown  State = "UNKNOWN"  // the bank was called and nobody knows whether it has it
)

// Next tells whether what is learned of an order may take it from s to to. An
// UNKNOWN order never goes back to PREPARED by itself: sent a second time
// blindly, it could be paid twice.
func (s State) Next(to State) bool {
	switch s {
	case Prepared:
		return to == Sent || to == Unknown || to == Rejected
	case Unknown:
		return to == Sent || to == Executed || to == Rejected
	case Sent:
		return to == Executed || to == Rejected
	case Executed:
		return to == Rejected // the creditor's bank returns what was paid
	default:
		return false
	}
}
