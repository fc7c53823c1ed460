package sample

import (
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

const (
	// unpaidSequences sets the references of a day's unpaids apart from those of its sales.
	unpaidSequences = (settlement.MaxSequence + 1) / 2

	unpaidOperationType = "200"

	codeUnpaid      = "RBCIM      "
	codeRepresented = "RBCRP      "

	reasons     = 4  // codes of why a sale was not paid
	longestPast = 40 // days between a sale and its unpaid

	unpaidStream = 0x1D9A1D // other numbers than those of the sales
)

// UnpaidReference is that of the day's unpaids: of their CRE file and of the bank movement. It is the reference of a
// settlement half of the sequence numbers later.
func (d *Day) UnpaidReference() string {
	return settlement.NewReference(d.unpaidSequence(), d.options.Date)
}

func (d *Day) unpaidSequence() int {
	return (d.options.Sequence + unpaidSequences) % (settlement.MaxSequence + 1)
}

// WriteUnpaids writes a CRE file of unpaids and their representations, in the format ogep-cre/1, and gives what it is. Its
// signed gross amounts come to less than zero, unless it has no line or representations only.
func (d *Day) WriteUnpaids(destination io.Writer) (settlement.Summary, error) {
	writer, err := settlement.NewWriter(destination, settlement.Header{
		FileName: unpaidFileName, Kind: settlement.KindImpaye, Reference: d.UnpaidReference(), OperationType: unpaidOperationType,
		SettlementDate: d.options.Date, Currency: money.Currency, CreatedAt: d.options.Date.Midnight().Add(2 * time.Hour),
	})
	if err != nil {
		return settlement.Summary{}, fmt.Errorf("sample: %w", err)
	}

	for line := range d.unpaids() {
		if err := writer.Write(line); err != nil {
			return settlement.Summary{}, fmt.Errorf("sample: %w", err)
		}
	}

	summary, err := writer.Close()
	if err != nil {
		return settlement.Summary{}, fmt.Errorf("sample: %w", err)
	}

	return summary, nil
}

// takenBack is a sale of a merchant that is taken back for certain.
type takenBack struct {
	merchant int
	gross    money.Cents // of the sale
}

// unpaids gives the lines of the file of unpaids, each valid until the next one: those that are drawn, then those for
// certain.
func (d *Day) unpaids() iter.Seq[*settlement.Line] {
	return func(yield func(*settlement.Line) bool) {
		// The same day, with the sequence of its unpaids: their numbers are of no other file.
		day := *d
		day.options.Sequence = d.unpaidSequence()
		lines := day.newLines()
		lines.random = rand.New(rand.NewPCG(d.key^unpaidStream, mix(day.line(0))))

		for number := range d.options.Unpaids {
			if !yield(lines.nextUnpaid(number)) {
				return
			}
		}

		for i, taken := range d.takenBack {
			if !yield(lines.takeBack(d.options.Unpaids+i, taken)) {
				return
			}
		}
	}
}

// nextUnpaid gives a line: a sale of a while ago, taken back.
func (l *lines) nextUnpaid(number int) *settlement.Line {
	at, _ := l.account()
	l.sale()

	random := l.random.Uint64()
	l.unpaid(random)

	return l.past(number, at, random)
}

func (l *lines) takeBack(number int, taken takenBack) *settlement.Line {
	l.line.AccountID = appendAccountID(l.line.AccountID[:0], taken.merchant)
	l.line.Siret = l.day.appendSiret(l.line.Siret[:0], taken.merchant)
	l.line.Scheme, l.line.Type = settlement.SchemeCB, settlement.TypeImpaye
	l.line.Gross, l.line.Commission = -taken.gross, l.day.options.UnpaidFee

	return l.past(number, taken.merchant, l.random.Uint64())
}

// past completes a line of a sale of a while ago.
func (l *lines) past(number, at int, random uint64) *settlement.Line {
	line := &l.line
	line.CreID = appendHex(line.CreID[:0], mix(l.day.key^l.day.line(number)))
	line.Contract = strconv.AppendInt(line.Contract[:0], int64(firstContract+at), decimalBase)
	line.TransactionAt = l.start.AddDate(0, 0, -int(random>>32%longestPast)).Add(time.Duration(random>>40%(hours*3600)) * time.Second)
	line.ValueDate = l.value
	line.AcquirerRef = appendDigits(append(line.AcquirerRef[:0], '7'), random, acquirerDigits)
	line.OriginalRef = appendHex(line.OriginalRef[:0], mix(random))
	line.ReasonCode = strconv.AppendUint(append(line.ReasonCode[:0], '4'), 1+random>>16%reasons, decimalBase)

	code := codeUnpaid
	if line.Type == settlement.TypeRepres {
		code = codeRepresented
	}

	l.label(code, random)

	return line
}

// unpaid takes a sale back or represents it. A representation that would leave the file at zero or above becomes an unpaid,
// unless the file is to hold nothing else.
func (l *lines) unpaid(random uint64) {
	line, options := &l.line, l.day.options
	line.Commission = options.UnpaidFee

	represented := options.RepresentedShare == perMille ||
		int(random%perMille) < options.RepresentedShare && l.sum+line.Gross < 0
	if represented {
		line.Type = settlement.TypeRepres
	} else {
		line.Type, line.Gross = settlement.TypeImpaye, -line.Gross
	}

	l.sum += line.Gross
}
