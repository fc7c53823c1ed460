package bank

import (
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/reglo/reglo/domain/ledger"
)

// Faults says what goes wrong at the bank, in the operations that follow SetFaults. The zero Faults is a bank at which
// nothing does.
type Faults struct {
	// RejectShare is how many of a thousand payouts come back, 0 to 1000. Seed and the endToEndId draw which: the same
	// ones come back however often the day is played.
	RejectShare int
	Seed        uint64
	// RejectIBANs come back whenever they are creditors, RejectIDs by their endToEndId.
	RejectIBANs []string
	RejectIDs   []string

	// RejectBeforeShare is how many of a thousand payouts are rejected before the bulk is executed, 0 to 1000: the report
	// names them, and the debit leaves them out. RejectBeforeIDs are rejected so by their endToEndId. A bank that writes
	// no reports rejects none.
	RejectBeforeShare int
	RejectBeforeIDs   []string

	// RefuseBulks are names of bulks that are refused whole: nothing of them is executed, and no statement shows them.
	RefuseBulks []string
	// SilentBulks are names of bulks that are taken without anything to be heard of them until Speak.
	SilentBulks []string
	// LateCredits books the credit of a transfer between the EP's accounts on the business day after its debit.
	LateCredits bool

	// LateStatements are accounts whose statements of a CloseDay are delivered by the next delivery.
	LateStatements []ledger.Code
	// LostStatements are accounts whose statements of a CloseDay are not delivered before Release, while later ones are:
	// a gap.
	LostStatements []ledger.Code
	// RepeatedStatements are accounts whose statements of a CloseDay are delivered again by the next delivery.
	RepeatedStatements []ledger.Code

	// LateDetails has the details of a CloseDay's lots delivered by the next delivery. Where they belong inside the
	// statement, the statement has none, and they come as a camt.054.
	LateDetails bool
	// PartialDetails has them delivered without their last payout; Release delivers them whole, as a camt.054 where they
	// belong inside the statement.
	PartialDetails bool
}

// rejects gives the reason for which a payout comes back, or nothing when it does not. The codes are of ISO 20022's
// ExternalStatusReason1Code.
func (f *Faults) rejects(payment *returned) (code string) {
	switch {
	case slices.Contains(f.RejectIBANs, payment.Creditor):
		return "AC04" // the account is closed
	case slices.Contains(f.RejectIDs, payment.EndToEndID):
		return "AC01" // there is no such account
	}

	draw := f.draw(payment.EndToEndID)
	if int(draw%perMille) >= f.RejectShare {
		return ""
	}

	codes := [...]string{"MS03", "AC04", "AC06", "AC01"} // MS03, no reason given, is what most banks say

	return codes[draw/perMille%uint64(len(codes))]
}

// rejectsBefore gives the reason for which a payout is not executed at all, or nothing when it is.
func (f *Faults) rejectsBefore(payment *returned) (code string) {
	switch {
	case slices.Contains(f.RejectBeforeIDs, payment.EndToEndID):
		return "AC06" // the account is blocked
	case int(f.draw("before/"+payment.EndToEndID)%perMille) < f.RejectBeforeShare:
		return "RC01" // the bank is unknown
	default:
		return ""
	}
}

const perMille = 1000

func (f *Faults) draw(id string) uint64 {
	digest := fnv.New64a()
	_, _ = digest.Write([]byte(strconv.FormatUint(f.Seed, 10) + "/" + id)) // a hash takes everything

	return digest.Sum64()
}
