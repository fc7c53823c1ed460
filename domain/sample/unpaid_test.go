package sample_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
)

// readUnpaids makes a day's unpaids up and reads them under all controls.
func readUnpaids(t require.TestingT, day *sample.Day) (settlement.Summary, []settlement.Line, []byte) {
	var file bytes.Buffer

	written, err := day.WriteUnpaids(&file)
	require.NoError(t, err)

	var made []settlement.Line

	summary, err := settlement.Read("cre.txt", bytes.NewReader(file.Bytes()), settlement.CRE1{},
		func(line *settlement.Line) error {
			raw := settlement.AppendLine(nil, line)
			made = append(made, settlement.Line{})

			return settlement.ParseLine(raw[:len(raw)-1], &made[len(made)-1])
		})
	require.NoError(t, err)
	require.Equal(t, written, summary)

	return summary, made, file.Bytes()
}

func TestAnyDaysUnpaidsAreAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		date, err := calendar.ParseDate("2001-01-01")
		require.NoError(t, err)

		options := sample.Typical(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 60).Draw(t, "merchants"), 0,
			date.AddDays(rapid.IntRange(0, 35_000).Draw(t, "day")), rapid.IntRange(0, settlement.MaxSequence).Draw(t, "sequence"))
		options.Unpaids = rapid.IntRange(0, 300).Draw(t, "unpaids")
		options.RepresentedShare = rapid.IntRange(0, 1000).Draw(t, "represented")
		options.UnpaidFee = money.Cents(rapid.IntRange(0, 5000).Draw(t, "fee"))
		day, err := sample.New(options)
		require.NoError(t, err)

		summary, made, file := readUnpaids(t, day)
		require.Len(t, made, options.Unpaids)
		require.Equal(t, settlement.KindImpaye, summary.Kind)
		require.Equal(t, day.UnpaidReference(), summary.Reference)
		require.NotEqual(t, day.Reference(), summary.Reference)
		require.EqualValues(t, options.Unpaids*int(options.UnpaidFee), summary.Commission)

		represented := 0

		for i := range made {
			if made[i].Type == settlement.TypeRepres {
				represented++
			}
		}

		if options.Unpaids > 0 {
			alone := options.RepresentedShare == 1000
			require.Equal(t, alone, summary.Gross > 0, "the bank debits unpaids")
			require.Equal(t, alone, represented == options.Unpaids)

			movement := day.Movement(&summary)
			require.Equal(t, "IMPAYE", movement.Vacation)
			require.Equal(t, summary.Gross, movement.Amount)
		}

		_, _, again := readUnpaids(t, day)
		require.Equal(t, file, again, "the same options give the same bytes")
	})
}

// TestUnpaidsAreOnAllKindsOfAccounts, and share no creId with the day's sales.
func TestUnpaidsAreOnAllKindsOfAccounts(t *testing.T) {
	t.Parallel()

	options := typical(t, 200, 2_000)
	options.Unpaids, options.UnknownShare, options.ClosedShare, options.RepresentedShare = 2_000, 50, 50, 200
	made := makeUp(t, options)
	day, err := sample.New(options)
	require.NoError(t, err)

	_, lines, _ := readUnpaids(t, day)
	unknown, closed, represented := 0, 0, 0
	seen := map[string]bool{}

	for i := range made.lines {
		seen[string(made.lines[i].CreID)] = true
	}

	for i := range lines {
		line := &lines[i]
		require.False(t, seen[string(line.CreID)])
		seen[string(line.CreID)] = true

		switch holder, known := made.merchants[string(line.AccountID)]; {
		case !known:
			unknown++
		case holder.Status == merchant.StatusClosed:
			closed++
		}

		if line.Type == settlement.TypeRepres {
			represented++
		}
	}

	require.InDelta(t, 100, unknown, 50)
	require.InDelta(t, 100, closed, 50)
	require.InDelta(t, 400, represented, 100)
}
