package sample

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/settlement"
)

const (
	fileName       = "Fichier.CRE.EP.TI.UEP.txt"
	unpaidFileName = "Fichier.CRE.EP.TI.UEP.IMPAYES.txt"
	operationType  = "100"

	// Codes that begin the label of a movement on a payment account, padded to eleven characters.
	codeSale   = "RBCRR      "
	codeRefund = "RBCDR      "

	firstContract  = 1_000_000
	firstUnknown   = 10_000_000 // eight digits of the first SIRET that no snapshot holds
	acquirerDigits = 22         // of an acquirer's reference, behind the first
	ticketDigits   = 7
	tickets        = 10_000_000
	decimalBase    = 10

	shortRefunds = 850 // thousandths of the lines of a merchant who has more refunds than sales
	unknowns     = 5   // payment accounts that no snapshot holds

	opening = 7 * time.Hour // shops sell from seven to twenty-three
	hours   = 16

	hundredPercent = 10_000 // basis points
	lowestRate     = 50
	rates          = 151 // from the lowest to 200
)

// WriteSettlement writes a CRE file of card transactions, in the format ogep-cre/1, and gives what it is. Its signed gross
// amounts come to more than zero, unless it has no line.
func (d *Day) WriteSettlement(destination io.Writer) (settlement.Summary, error) {
	writer, err := settlement.NewWriter(destination, settlement.Header{
		FileName: fileName, Kind: settlement.KindTransaction, Reference: d.Reference(), OperationType: operationType,
		SettlementDate: d.options.Date, Currency: money.Currency, CreatedAt: d.options.Date.Midnight().Add(2 * time.Hour),
	})
	if err != nil {
		return settlement.Summary{}, fmt.Errorf("sample: %w", err)
	}

	lines := d.newLines()

	for number := range d.options.Lines {
		if err := writer.Write(lines.next(number)); err != nil {
			return settlement.Summary{}, fmt.Errorf("sample: %w", err)
		}
	}

	summary, err := writer.Close()
	if err != nil {
		return settlement.Summary{}, fmt.Errorf("sample: %w", err)
	}

	return summary, nil
}

// Movement is what the bank books on the settlement account for a CRE file.
func (d *Day) Movement(file *settlement.Summary) ogep.GlobalTransaction {
	booked := d.options.Date.Midnight().Add(3 * time.Hour)
	label := settlement.Movement{OperationType: file.OperationType, Reference: file.Reference}.Label()

	return ogep.GlobalTransaction{
		ID:    base64.StdEncoding.EncodeToString([]byte("transaction-" + file.Reference)),
		Label: label, Amount: file.Gross, BookedAt: booked, TransactionAt: booked, ValueAt: booked,
		Type: "transfer", Status: "booked", Vacation: string(file.Kind),
		Reference: file.Reference, OperationType: file.OperationType,
	}
}

// WriteMovement writes the movement as one JSON object on one line.
func (d *Day) WriteMovement(destination io.Writer, file *settlement.Summary) error {
	document := append(d.Movement(file).AppendJSON(nil), '\n')

	if _, err := destination.Write(document); err != nil {
		return fmt.Errorf("sample: write the bank movement: %w", err)
	}

	return nil
}

// lines makes up the lines of one file.
type lines struct {
	day    *Day
	random *rand.Rand
	start  time.Time
	value  calendar.Date
	sum    money.Cents // of the signed gross amounts
	line   settlement.Line
}

func (d *Day) newLines() *lines {
	return &lines{
		day: d, random: rand.New(rand.NewPCG(d.key, mix(d.line(0)))), start: d.options.Date.AddDays(-1).Midnight().Add(opening),
		value: calendar.RollForward(calendar.Target{}, d.options.Date),
	}
}

// next gives a line, valid until the next one.
func (l *lines) next(number int) *settlement.Line {
	at, refundShare := l.account()
	l.amounts(at, refundShare)

	line := &l.line
	random := l.random.Uint64()

	line.CreID = appendHex(line.CreID[:0], mix(l.day.key^l.day.line(number)))
	line.Contract = strconv.AppendInt(line.Contract[:0], int64(firstContract+at), decimalBase)
	line.TransactionAt = l.start.Add(time.Duration(random>>40%(hours*3600)) * time.Second)
	line.ValueDate = l.value
	line.AcquirerRef = appendDigits(append(line.AcquirerRef[:0], '7'), random, acquirerDigits)
	line.OriginalRef = line.OriginalRef[:0]

	code := codeSale
	if line.Type == settlement.TypeRemb {
		code = codeRefund
		line.OriginalRef = appendHex(line.OriginalRef, mix(random))
	}

	l.label(code, random)

	return line
}

// label writes the label of the movement on the payment account.
func (l *lines) label(code string, random uint64) {
	line := &l.line
	line.Label = append(append(line.Label[:0], code...), line.Scheme...)
	line.Label = line.TransactionAt.AppendFormat(line.Label, "15:04:05")
	line.Label = appendDigits(append(line.Label, 'C'), random%tickets, ticketDigits)
	line.Label = line.TransactionAt.AppendFormat(line.Label, "020106")
}

// account chooses the payment account of a line, and how many of its lines are refunds.
func (l *lines) account() (at, refundShare int) {
	day, share := l.day, l.random.IntN(perMille)

	switch {
	case share < day.options.UnknownShare:
		at = day.firstUnknown + l.random.IntN(unknowns)
		l.line.AccountID = appendUnknownID(l.line.AccountID[:0], at)
		l.line.Siret = appendMadeUpSiret(l.line.Siret[:0], firstUnknown+at)

		return at, 0
	case share < day.options.UnknownShare+day.options.ClosedShare && len(day.closed) > 0:
		at = day.closed[l.random.IntN(len(day.closed))]
		refundShare = day.options.RefundShare
	default:
		at = l.skewed()
		for day.status(at) == merchant.StatusClosed {
			at = (at + 1) % day.options.Merchants // comes to the first merchant, who is active, if to no other
		}

		refundShare = day.options.RefundShare
		if day.short(at) {
			refundShare = shortRefunds
		}
	}

	l.line.AccountID = appendAccountID(l.line.AccountID[:0], at)
	l.line.Siret = day.appendSiret(l.line.Siret[:0], at)

	return at, refundShare
}

// appendUnknownID is the identifier of a payment account that no snapshot holds, or none before a later one.
func appendUnknownID(dst []byte, number int) []byte {
	return appendDigits(append(dst, "9Z"...), uint64(number), accountDigits) //nolint:gosec // not negative
}

// skewed chooses a merchant: the cube of an even chance, by which the first of ten thousand has one line in twenty-two,
// and the last one in thirty thousand.
func (l *lines) skewed() int {
	chance := l.random.Uint64() >> 43                                             // 21 bits, whose cube has 63
	at, _ := bits.Mul64(chance*chance*chance<<1, uint64(l.day.options.Merchants)) //nolint:gosec // validated

	return int(at) //nolint:gosec // below the number of merchants
}

// amounts makes up what a line does. A refund that would leave the file at zero or below becomes a sale.
func (l *lines) amounts(at, refundShare int) {
	line := &l.line
	random := l.sale()
	gross := line.Gross

	if int(random>>32%perMille) < refundShare && l.sum > gross {
		line.Type, line.Gross, line.Commission = settlement.TypeRemb, -gross, 0
	} else {
		rate := lowestRate + money.Cents(l.day.trait(at, traitRate+uint64(len(line.Scheme)))%rates)
		line.Type, line.Commission = settlement.TypeVente, (gross*rate+hundredPercent/2)/hundredPercent
	}

	l.sum += line.Gross
}

// sale makes up the scheme and the amount of a sale, and gives the number of which it used some bits.
func (l *lines) sale() uint64 {
	line := &l.line
	random := l.random.Uint64()
	line.Scheme = [...]settlement.Scheme{
		settlement.SchemeCB, settlement.SchemeCB, settlement.SchemeVisa, settlement.SchemeMastercard,
	}[random>>60%4]

	// A number of coin tosses as exponent, then an even chance between powers of two: the logarithm is close to normal,
	// the median near 50 euros, the largest amount near 20,000.
	exponent := bits.OnesCount16(uint16(random))                          //nolint:gosec // sixteen of its bits
	line.Gross = money.Cents((256 + random>>16&255) << exponent * 3 / 64) //nolint:gosec // at most 27 bits

	return random
}

// line numbers every line of every day: 24 bits for the line, 20 for the sequence, 17 for the date.
func (d *Day) line(number int) uint64 {
	const lineBits, sequenceBits, monthsAYear, longestMonth, firstYear = 24, 20, 12, 31, 1970

	date := d.options.Date
	days := ((date.Year()-firstYear)*monthsAYear+int(date.Month())-1)*longestMonth + date.Day() - 1

	return uint64(days)<<(lineBits+sequenceBits) | //nolint:gosec // none is negative
		uint64(d.options.Sequence)<<lineBits | uint64(number) //nolint:gosec // none is negative
}

// appendDigits appends a number behind as many zeros as it takes to make it width digits wide.
func appendDigits(dst []byte, number uint64, width int) []byte {
	end := len(dst) + width
	for len(dst) < end {
		dst = append(dst, '0')
	}

	for at := end - 1; number > 0; at-- {
		dst[at] = '0' + byte(number%decimalBase)
		number /= decimalBase
	}

	return dst
}

// appendHex appends a number as sixteen capital hexadecimal digits.
func appendHex(dst []byte, number uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789ABCDEF"[number>>shift&0xf])
	}

	return dst
}
