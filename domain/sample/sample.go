// Package sample makes up the files of a day: the merchants' snapshot, a CRE file of sales or of unpaids and the bank movement
// that it explains, a Payline file, and all that comes in on a whole day. The same options give the same bytes, on any
// machine. Nothing in them stands for a real merchant, bank or account; all check digits are right.
package sample

import (
	"fmt"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

const (
	perMille = 1000

	typicalSales = 500    // on one unpaid
	typicalFee   = 15_00  // cents
	maxFee       = 999_99 // a fee is a matter of euros

	// OG-EP events hold the years 2000 to 2099: a year is left at either side for the days around.
	minYear = 2001
	maxYear = 2098
)

// Options says what to make up. Shares are in thousandths.
type Options struct {
	Seed      uint64        // other seed, other day
	Merchants int           // payment accounts, 1 to merchant.MaxMerchants
	Lines     int           // of the CRE file, 0 to settlement.MaxLines
	Date      calendar.Date // of the settlement; its transactions are of the day before
	Sequence  int           // of the settlement's reference and of the snapshot, 0 to settlement.MaxSequence

	RefundShare    int // of the lines are refunds
	UnknownShare   int // of the lines are on payment accounts that the snapshot does not hold
	ClosedShare    int // of the lines are on closed payment accounts; none when the snapshot has none
	ShortfallShare int // of the smaller merchants have more refunds than sales

	Unpaids          int         // lines of the CRE file of unpaids, 0 to settlement.MaxLines
	RepresentedShare int         // of the unpaids are represented and paid after all; a thousand for a file of nothing else
	UnpaidFee        money.Cents // taken from the merchant for each of its unpaids, 0 or more
}

// Typical gives the shares of an ordinary day: two unpaids on a thousand sales.
func Typical(seed uint64, merchants, lines int, date calendar.Date, sequence int) Options {
	return Options{
		Seed: seed, Merchants: merchants, Lines: lines, Date: date, Sequence: sequence,
		RefundShare: 30, UnknownShare: 1, ClosedShare: 1, ShortfallShare: 20,
		Unpaids: lines / typicalSales, RepresentedShare: 100, UnpaidFee: typicalFee,
	}
}

// Validate says which option is out of its range.
func (o Options) Validate() error {
	for _, limit := range []struct {
		name              string
		value, least, top int
	}{
		{"merchants", o.Merchants, 1, merchant.MaxMerchants},
		{"lines", o.Lines, 0, settlement.MaxLines},
		{"year of the date", o.Date.Year(), minYear, maxYear},
		{"sequence", o.Sequence, 0, settlement.MaxSequence},
		{"refund share", o.RefundShare, 0, perMille},
		{"unknown share", o.UnknownShare, 0, perMille},
		{"closed share", o.ClosedShare, 0, perMille - o.UnknownShare},
		{"shortfall share", o.ShortfallShare, 0, perMille},
		{"unpaids", o.Unpaids, 0, settlement.MaxLines},
		{"represented share", o.RepresentedShare, 0, perMille},
		{"unpaid fee", int(o.UnpaidFee), 0, maxFee},
	} {
		if limit.value < limit.least || limit.value > limit.top {
			return fmt.Errorf("sample: %s is %d, it must lie between %d and %d",
				limit.name, limit.value, limit.least, limit.top)
		}
	}

	return nil
}

// Day is one made-up day. Its methods stream: they hold the numbers of the closed accounts and nothing else.
type Day struct {
	options Options
	key     uint64 // the seed, spread over all bits
	closed  []int

	firstUnknown int         // number of the first payment account that the snapshot does not hold
	takenBack    []takenBack // unpaids beside those that are drawn
}

// New prepares a day. The error says which option is out of its range.
func New(options Options) (*Day, error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}

	day := &Day{options: options, key: mix(options.Seed)}

	for i := range options.Merchants {
		if day.status(i) == merchant.StatusClosed {
			day.closed = append(day.closed, i)
		}
	}

	return day, nil
}

// Reference is that of the settlement: of the CRE file and of the bank movement.
func (d *Day) Reference() string { return settlement.NewReference(d.options.Sequence, d.options.Date) }

// trait gives a number that belongs to one merchant for ever, whatever the day.
func (d *Day) trait(i int, which uint64) uint64 {
	return mix(d.key ^ mix(uint64(i)<<8|which)) //nolint:gosec // a merchant's number is not negative
}

// mix is the finalizer of SplitMix64. It is a bijection: different numbers stay different.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb

	return x ^ x>>31
}
