package pain002

import "slices"

// Status is what a bank says of a message, of a block of it, or of one order: a code of ISO 20022. The empty Status is
// that nothing is said at that level.
type Status string

// The statuses that decide what becomes of an order. ISO's lists have others; Accepted, Rejected and Final know them too.
const (
	Received  Status = "RCVD" // has arrived, nothing was checked
	Technical Status = "ACTC" // is well written and signed; nothing else was checked
	Profile   Status = "ACCP" // is allowed to this customer
	Changed   Status = "ACWC" // is accepted, with a change: another date, remittance information left out
	InProcess Status = "ACSP" // will be executed
	Settled   Status = "ACSC" // has been booked on the debtor's account
	Credited  Status = "ACCC" // has been booked on the creditor's account
	Pending   Status = "PDNG" // is being checked, another report will follow
	Partial   Status = "PART" // some orders are accepted, others not: of a message or a block, never of an order
	Refused   Status = "RJCT" // is not executed
	Cancelled Status = "CANC" // is not executed, as was asked
	Blocked   Status = "BLCK" // stays with the bank: neither credited nor given back
)

// level is where a status stands. ISO has one list for groups of orders, which messages and their blocks share, and one
// for single orders.
type level uint8

const (
	ofGroup level = iota
	ofOrder
)

// The lists: version 03 has them in its schema; for version 10 they are ISO's external code sets
// ExternalPaymentGroupStatus1Code and ExternalPaymentTransactionStatus1Code, those of the verification of payees (RCVC
// and following) included.
func list(of Version, at level) []Status {
	switch {
	case of == V03 && at == ofGroup:
		return []Status{Technical, Received, Partial, Refused, Pending, Profile, InProcess, Settled, Changed}
	case of == V03:
		return []Status{Technical, Refused, Pending, Profile, InProcess, Settled, Changed}
	case at == ofGroup:
		return []Status{
			Technical, Received, Partial, Refused, Pending, Profile, InProcess, Settled, Changed, Credited, "RCVC", "RVCM", "RVNC",
		}
	default:
		return []Status{
			Technical, Received, Refused, Pending, Profile, InProcess, Settled, Changed, Credited, Cancelled, Blocked,
			"ACFC", "ACFW", "ACIS", "ACPD", "ACWP", "CPUC", "PATC", "PRES", "RCVC", "RVCM", "RVMC", "RVNA", "RVNC", "RVNM",
		}
	}
}

// listed tells a status that the version of the report has at that level.
func (s Status) listed(of Version, at level) bool { return slices.Contains(list(of, at), s) }

// Accepted tells that the bank has taken on what the status is of. A later report may still say that it is rejected,
// unless the status is Final.
func (s Status) Accepted() bool {
	switch s {
	case Technical, Profile, Changed, InProcess, Settled, Credited, "ACFC", "ACFW", "ACIS", "ACPD", "ACWP", "CPUC":
		return true
	default:
		return false
	}
}

// Rejected tells that the bank does not execute what the status is of. It is said of RJCT only: a CANC was asked for, and a
// BLCK gives no money back.
func (s Status) Rejected() bool { return s == Refused }

// Final tells that no other status follows.
func (s Status) Final() bool {
	switch s {
	case Refused, Cancelled, Settled, Credited, "CPUC":
		return true
	default:
		return false
	}
}

// allows tells whether something that has status s as a whole may hold something that has status part: what is rejected has
// no part that is not, and what is accepted has no part that is rejected. A message that has only been received or found
// well written, or whose orders are still being checked, is not judged by that: its parts may have any status.
func (s Status) allows(part Status) bool {
	switch {
	case part == "":
		return true
	case s.Rejected():
		return part.Rejected()
	case s.Accepted() && s != Technical:
		return !part.Rejected()
	default:
		return true
	}
}
