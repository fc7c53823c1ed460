package sample_test

import (
	"bytes"
	"math/big"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
)

// typical is of the day after one of 23 hours.
func typical(tb testing.TB, merchants, count int) sample.Options {
	tb.Helper()

	date, err := calendar.ParseDate("2026-03-30")
	require.NoError(tb, err)

	return sample.Typical(7, merchants, count, date, 42)
}

// files is one day, as its readers see it.
type files struct {
	cre       []byte
	snapshot  []byte
	summary   settlement.Summary
	merchants map[string]merchant.Merchant
	lines     []settlement.Line
	movement  ogep.GlobalTransaction
}

func makeUp(t require.TestingT, options sample.Options) files {
	day, err := sample.New(options)
	require.NoError(t, err)

	var cre, snapshot, movement bytes.Buffer

	written, err := day.WriteSettlement(&cre)
	require.NoError(t, err)
	require.NoError(t, day.WriteMerchants(&snapshot))
	require.NoError(t, day.WriteMovement(&movement, &written))

	made := files{cre: cre.Bytes(), snapshot: snapshot.Bytes(), merchants: map[string]merchant.Merchant{}}
	made.summary, err = settlement.Read("cre.txt", bytes.NewReader(made.cre), settlement.CRE1{},
		func(line *settlement.Line) error {
			raw := settlement.AppendLine(nil, line)
			made.lines = append(made.lines, settlement.Line{})

			return settlement.ParseLine(raw[:len(raw)-1], &made.lines[len(made.lines)-1])
		})
	require.NoError(t, err)
	require.Equal(t, written, made.summary)

	_, err = merchant.Read("m.csv", bytes.NewReader(made.snapshot), lines.Options{}, func(m merchant.Merchant) error {
		made.merchants[m.AccountID] = m

		return nil
	})
	require.NoError(t, err)

	made.movement, err = ogep.ParseGlobalTransaction(movement.Bytes())
	if options.Lines > 0 {
		require.NoError(t, err)
	}

	return made
}

func TestAnyDayIsAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		date, err := calendar.ParseDate("2001-01-01")
		require.NoError(t, err)

		share := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		options := sample.Options{
			Seed: rapid.Uint64().Draw(t, "seed"), Merchants: rapid.IntRange(1, 60).Draw(t, "merchants"),
			Lines: rapid.IntRange(0, 300).Draw(t, "lines"), Date: date.AddDays(rapid.IntRange(0, 35_000).Draw(t, "day")),
			Sequence:    rapid.IntRange(0, settlement.MaxSequence).Draw(t, "sequence"),
			RefundShare: share("refunds", 1000), UnknownShare: share("unknown", 500), ClosedShare: share("closed", 500),
			ShortfallShare: share("shortfalls", 1000),
		}
		made := makeUp(t, options)

		require.Len(t, made.merchants, options.Merchants)
		require.Equal(t, options.Lines, made.summary.Lines)
		require.Equal(t, options.Lines > 0, made.summary.Gross > 0, "the bank credits what it settles")
		require.Equal(t, made, makeUp(t, options), "the same options give the same bytes")

		if options.Lines > 0 {
			require.Equal(t, made.summary.Gross, made.movement.Amount)
			require.Equal(t, made.summary.Reference, made.movement.Reference)

			require.Equal(t, settlement.Movement{
				OperationType: made.summary.OperationType, Reference: made.summary.Reference,
			}.Label(), made.movement.Label)
		}
	})
}

// TestTypicalDayHasEverything counts what the vacation has to deal with.
func TestTypicalDayHasEverything(t *testing.T) {
	t.Parallel()

	made := makeUp(t, typical(t, 200, 20_000))
	net, count := map[string]money.Cents{}, map[string]int{}
	unknown, closed, refunds := 0, 0, 0
	label := regexp.MustCompile(`^RBC[RD]R {6}(CB|VISA|MC)\d{2}:\d{2}:\d{2}C\d{7}290326$`)

	for i := range made.lines {
		line := &made.lines[i]
		id := string(line.AccountID)
		net[id] += line.Gross - line.Commission
		count[id]++

		holder, known := made.merchants[id]

		switch {
		case !known:
			unknown++
		case holder.Status == merchant.StatusClosed:
			closed++
		}

		if known {
			require.Equal(t, holder.Siret, string(line.Siret))
		}

		if line.Type == settlement.TypeRemb {
			refunds++

			require.Zero(t, line.Commission)
		} else {
			require.InDelta(t, 125, 10_000*float64(line.Commission)/float64(line.Gross), 76+10_000*0.5/float64(line.Gross))
		}

		require.Regexp(t, label, string(line.Label))
		require.Contains(t, string(line.Label), string(line.Scheme)+line.TransactionAt.Format("15:04:05"))
	}

	require.InDelta(t, 20, unknown, 15)
	require.InDelta(t, 20, closed, 15)
	require.InDelta(t, 800, refunds, 300)
	require.Greater(t, count["1A17660000"], 20_000/10, "the first merchant is large")

	short, businesses, blocked := 0, map[string]int{}, 0

	for id, holder := range made.merchants {
		if net[id] < 0 {
			short++
		}

		businesses[holder.Siret]++

		if holder.Status == merchant.StatusBlocked {
			blocked++
		}

		require.True(t, ribKeyIsRight(holder.CPIBAN), "account of %s", id)

		if holder.ExternalIBAN != "" {
			require.True(t, ribKeyIsRight(holder.ExternalIBAN), "external account of %s", id)
		}
	}

	require.Positive(t, short, "somebody falls short")
	require.Less(t, short, 40)
	require.Positive(t, blocked)
	require.Len(t, businesses, 180, "every tenth merchant shares the SIRET of the one before")
}

// ribKeyIsRight divides the number of a French account at once: bank, branch, account and key come to a multiple of 97.
func ribKeyIsRight(account string) bool {
	number, ok := new(big.Int).SetString(account[4:], 10)

	return ok && new(big.Int).Mod(number, big.NewInt(97)).Sign() == 0
}

// TestCreIDsAreUniqueForEver compares the files of several days and sequences.
func TestCreIDsAreUniqueForEver(t *testing.T) {
	t.Parallel()

	seen := map[string]bool{}

	for days := range 3 {
		for sequence := range 3 {
			options := typical(t, 5, 500)
			options.Date, options.Sequence = options.Date.AddDays(days), sequence

			for _, line := range makeUp(t, options).lines {
				require.False(t, seen[string(line.CreID)])
				seen[string(line.CreID)] = true
			}
		}
	}
}

func TestMerchantsStayTheSameFromDayToDay(t *testing.T) {
	t.Parallel()

	options := typical(t, 300, 0)
	today := makeUp(t, options)
	options.Date, options.Sequence = options.Date.AddDays(1), options.Sequence+1

	require.Equal(t, string(today.snapshot), string(makeUp(t, options).snapshot))

	options.Seed++
	require.NotEqual(t, string(today.snapshot), string(makeUp(t, options).snapshot))
}

func TestOneMerchantHasAllLines(t *testing.T) {
	t.Parallel()

	options := typical(t, 1, 5000)
	options.UnknownShare = 0
	made := makeUp(t, options)

	for i := range made.lines {
		require.Equal(t, "1A17660000", string(made.lines[i].AccountID))
	}

	require.Equal(t, 5000, made.summary.Lines)
}

func TestOptionsOutOfRange(t *testing.T) {
	t.Parallel()

	for want, change := range map[string]func(*sample.Options){
		"merchants":       func(o *sample.Options) { o.Merchants = 0 },
		"lines":           func(o *sample.Options) { o.Lines = -1 },
		"year":            func(o *sample.Options) { o.Date = calendar.Date{} },
		"sequence":        func(o *sample.Options) { o.Sequence = 1_000_000 },
		"refund share":    func(o *sample.Options) { o.RefundShare = 1001 },
		"closed share":    func(o *sample.Options) { o.UnknownShare, o.ClosedShare = 600, 600 },
		"shortfall share": func(o *sample.Options) { o.ShortfallShare = -1 },
		"unpaids":         func(o *sample.Options) { o.Unpaids = -1 },
		"represented":     func(o *sample.Options) { o.RepresentedShare = 1001 },
		"unpaid fee":      func(o *sample.Options) { o.UnpaidFee = -1 },
	} {
		options := typical(t, 10, 10)
		change(&options)

		_, err := sample.New(options)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "\n")
	}
}
