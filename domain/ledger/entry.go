package ledger

import (
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// Entry is one movement: the same amount on the debit of one account and the
// credit of another, so that no entry can fail to sum to zero.
type Entry struct {
	Debit, Credit Code
	Kind          Kind
	Amount        money.Cents // always positive
	Label         string
	TransactionAt time.Time
	ValueDate     calendar.Date
}

// Kind says what a movement is, for whoever reads the journal.
type Kind string

// The kinds of movement.
const (
	KindOpening      Kind = "OPENING"         // Dr BK / Cr EQ.OPEN
	KindFunding      Kind = "FUNDING"         // Dr BK.FON / Cr EQ.OPEN, own money added
	KindOwnFunds     Kind = "OWN_FUNDS"       // BK.FON against EQ.OPEN, either way: a bank line that an operator took for own money
	KindSettlement   Kind = "SETTLEMENT"      // Dr BK.REG / Cr TR.SET, or the other way for a debit
	KindLot          Kind = "LOT"             // Dr BK.REG / Cr TR.REJ, rejected transfers came back
	KindPark         Kind = "PARK"            // Dr TR.SET / Cr TR.PARK, a sale whose CP is not known
	KindParkedRefund Kind = "PARK_REFUND"     // Dr TR.PARK / Cr TR.SET
	KindSale         Kind = "SALE"            // Dr TR.SET / Cr CP
	KindRefund       Kind = "REFUND"          // Dr CP / Cr TR.SET
	KindCommission   Kind = "COMMISSION"      // Dr CP / Cr FEE.DUE
	KindCover        Kind = "COVER"           // Dr DEBT / Cr CP
	KindEarning      Kind = "EARNING"         // Dr FEE.DUE / Cr PL.COM
	KindTransferSent Kind = "TRANSFER_OUT"    // Dr TR.INT / Cr BK, a transfer of ours leaves
	KindTransferSeen Kind = "TRANSFER_IN"     // Dr BK / Cr TR.INT, it has arrived
	KindTransferBack Kind = "TRANSFER_BACK"   // Dr BK / Cr TR.INT, the bank refused it: it has not left
	KindUnpaid       Kind = "UNPAID"          // Dr CP / Cr TR.SET
	KindUnpaidDebt   Kind = "UNPAID_DEBT"     // Dr DEBT / Cr TR.SET, an unpaid whose CP is unknown or closed
	KindRepresented  Kind = "REPRESENTED"     // Dr TR.SET / Cr CP, an unpaid that was paid after all
	KindRecovery     Kind = "RECOVERY"        // Dr CP / Cr DEBT
	KindWriteOff     Kind = "WRITE_OFF"       // Dr PL.LOSS / Cr DEBT
	KindCPToCP       Kind = "CP_TO_CP"        // Dr CP / Cr CP
	KindPayout       Kind = "PAYOUT"          // Dr CP / Cr TR.OUT
	KindRemitted     Kind = "REMITTED"        // Dr TR.OUT / Cr TR.SET, the bank debited the payout
	KindReturned     Kind = "RETURNED"        // Dr TR.REJ / Cr CP, a rejected payout comes back
	KindNotSent      Kind = "NOT_SENT"        // Dr TR.OUT / Cr CP, the bank refused a payout before it debited it
	KindAssigned     Kind = "ASSIGNED"        // Dr TR.PARK / Cr CP, an operator found the CP of a parked line
	KindAssignedBack Kind = "ASSIGNED_REFUND" // Dr CP / Cr TR.PARK, the same for a parked refund
)

// Movement is what entries add to one account: cents on each side.
type Movement struct {
	Debit, Credit money.Cents
}

// Movements sums entries by account.
func Movements(entries []Entry) (map[Code]Movement, error) {
	sums := make(map[Code]Movement)
	for i := range entries {
		entry := &entries[i]
		if entry.Amount <= 0 || entry.Debit == entry.Credit {
			return nil, &EntryError{Entry: *entry}
		}
		debit := sums[entry.Debit]
		total, err := debit.Debit.Add(entry.Amount)
		if err != nil {
			return nil, &EntryError{Entry: *entry, Err: err}
		}
		debit.Debit = total
		sums[entry.Debit] = debit

		credit := sums[entry.Credit]
		total, err = credit.Credit.Add(entry.Amount)
		if err != nil {
			return nil, &EntryError{Entry: *entry, Err: err}
		}
		credit.Credit = total
		sums[entry.Credit] = credit
	}
	return sums, nil
}

// EntryError is an entry that the ledger refuses: an amount that is not
// positive, two equal sides, or a sum out of range.
type EntryError struct {
	Entry Entry
	Err   error
}

func (e *EntryError) Error() string {
	text := "entry refused: Dr " + string(e.Entry.Debit) + " / Cr " + string(e.Entry.Credit) + " " + e.Entry.Amount.String()
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + ": an entry moves a positive amount between two accounts"
}

func (e *EntryError) Unwrap() error { return e.Err }
