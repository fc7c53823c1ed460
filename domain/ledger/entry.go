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
	KindOpening      Kind = "OPENING"      // Dr BK / Cr EQ.OPEN
	KindFunding      Kind = "FUNDING"      // Dr BK.FON / Cr EQ.OPEN, own money added
	KindSettlement   Kind = "SETTLEMENT"   // Dr BK.REG / Cr TR.SET
	KindPark         Kind = "PARK"         // Dr TR.SET / Cr TR.PARK, a sale whose CP is not known
	KindParkedRefund Kind = "PARK_REFUND"  // Dr TR.PARK / Cr TR.SET
	KindSale         Kind = "SALE"         // Dr TR.SET / Cr CP
	KindRefund       Kind = "REFUND"       // Dr CP / Cr TR.SET
	KindCommission   Kind = "COMMISSION"   // Dr CP / Cr FEE.DUE
	KindCover        Kind = "COVER"        // Dr DEBT / Cr CP
	KindEarning      Kind = "EARNING"      // Dr FEE.DUE / Cr PL.COM
	KindTransferSent Kind = "TRANSFER_OUT" // Dr TR.INT / Cr BK, a transfer of ours leaves
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
