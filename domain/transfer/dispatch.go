package transfer

// Dispatch is how far a bulk is on its way to the bank.
type Dispatch string

// The states of a dispatch. What the channel accepted is not what the bank
// accepted: only its report, or its account, says that.
const (
	DispatchPrepared Dispatch = "PREPARED" // not handed over, or taken back before anything left
	// DispatchSent is an attempt that is under way, or whose outcome was not kept.
	DispatchSent      Dispatch = "SENT"
	DispatchAccepted  Dispatch = "ACCEPTED_BY_CHANNEL" // the channel has the whole file, or an operator says so
	DispatchConfirmed Dispatch = "CONFIRMED"           // the bank's report has it, or the bank's account shows its debit
	DispatchRejected  Dispatch = "REJECTED"            // nothing of it is paid
	DispatchUnknown   Dispatch = "UNKNOWN"             // an attempt of which nobody knows what came of it
)

// Handover is what is kept of a bulk's way to the bank.
type Handover struct {
	State     State
	Attempted bool // an attempt was begun, and not taken back
	// Reported says that a report of the bank's accepts the bulk, or a part of it,
	// Debited that a line of its statements debits it.
	Reported, Debited bool
}

// Dispatch says how far the bulk is. The bank's word goes before the channel's and
// an operator's; a bulk that was refused in the end is REJECTED, whatever an
// earlier report said.
func (h Handover) Dispatch() Dispatch {
	switch {
	case h.State == Rejected:
		return DispatchRejected
	case h.State == Executed, h.Reported, h.Debited:
		return DispatchConfirmed
	case h.State == Sent:
		return DispatchAccepted
	case h.State == Prepared && h.Attempted:
		return DispatchSent
	case h.State == Prepared:
		return DispatchPrepared
	default:
		return DispatchUnknown
	}
}
