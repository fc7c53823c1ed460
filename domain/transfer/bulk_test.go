package transfer_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/transfer"
)

func date(t require.TestingT, year int, month time.Month, day int) calendar.Date {
	found, err := calendar.NewDate(year, month, day)
	require.NoError(t, err)
	return found
}

func TestBulkNames(t *testing.T) {
	t.Parallel()
	day := date(t, 2019, time.October, 9)
	for _, test := range []struct {
		name   func(string, calendar.Date, int) (string, error)
		prefix string
		n      int
		want   string
	}{
		{transfer.BulkName, "MONEXTEUR", 1, "MONEXTEUR20191009001"},
		{transfer.BulkName, "MONEXTEUR", 2, "MONEXTEUR20191009002"},
		{transfer.BulkName, "MONEXTEUR", 999, "MONEXTEUR20191009999"},
		{transfer.BulkName, "A", 10, "A20191009010"},
		{transfer.InternalName, "MONEXTINT", 1, "MONEXTINT201910090001"},
		{transfer.InternalName, "MONEXTINT", 9_999, "MONEXTINT201910099999"},
	} {
		got, err := test.name(test.prefix, day, test.n)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
}

func TestWhatIsNoBulkName(t *testing.T) {
	t.Parallel()
	day := date(t, 2019, time.October, 9)
	for _, prefix := range []string{"", "MONEXTEUR1", "monext", "MON EXT", "MONEXTÉ", "ABCDEFGHIJKL", "A\x00"} {
		_, err := transfer.BulkName(prefix, day, 1)
		require.ErrorIs(t, err, transfer.ErrBulkPrefix, prefix)
		_, err = transfer.InternalName(prefix, day, 1)
		require.ErrorIs(t, err, transfer.ErrBulkPrefix, prefix)
	}
	for _, n := range []int{-1, 0, 1_000} {
		_, err := transfer.BulkName("MONEXTEUR", day, n)
		require.ErrorIs(t, err, transfer.ErrDayFull)
		require.ErrorContains(t, err, "remittance "+strconv.Itoa(n)+" of 2019-10-09")
	}
	for _, n := range []int{-1, 0, 10_000} {
		_, err := transfer.InternalName("MONEXTINT", day, n)
		require.ErrorIs(t, err, transfer.ErrDayFull)
	}
	_, err := transfer.BulkName("MONEXTEUR", calendar.Date{}, 1)
	require.ErrorIs(t, err, transfer.ErrNoDate)
}

// TestBulkNamesFitTheBanksLabel covers the label of a CFONB 120 statement, and
// that two remittances never share a name.
func TestBulkNamesFitTheBanksLabel(t *testing.T) {
	t.Parallel()
	const labelLength = 31
	first := date(t, 2000, time.January, 1)
	type key struct {
		internal bool
		day, n   int
	}
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.StringMatching(`[A-Z]{1,11}`).Draw(t, "prefix")
		draw := func(label string) (key, string) {
			drawn := key{
				rapid.Bool().Draw(t, label+" internal"), rapid.IntRange(0, 50_000).Draw(t, label+" day"),
				rapid.IntRange(1, 999).Draw(t, label+" number"),
			}
			naming := transfer.BulkName
			if drawn.internal {
				naming = transfer.InternalName
			}
			name, err := naming(prefix, first.AddDays(drawn.day), drawn.n)
			require.NoError(t, err)
			require.LessOrEqual(t, len("REM VIR "+name), labelLength)
			return drawn, name
		}
		one, oneName := draw("one")
		other, otherName := draw("other")
		require.Equal(t, one == other, oneName == otherName)
	})
}

func TestAutomaticEndToEndID(t *testing.T) {
	t.Parallel()
	day := date(t, 2021, time.June, 2)
	for number, want := range map[int64]string{
		1: "P210602000000001", 42: "P210602000000042", 999_999_999: "P210602999999999",
	} {
		got, err := transfer.AutomaticEndToEndID(day, number)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, number := range []int64{-1, 0, 1_000_000_000, 1 << 62} {
		_, err := transfer.AutomaticEndToEndID(day, number)
		require.ErrorIs(t, err, transfer.ErrDayFull)
	}
	_, err := transfer.AutomaticEndToEndID(calendar.Date{}, 1)
	require.ErrorIs(t, err, transfer.ErrNoDate)
}

func TestAnAutomaticEndToEndIDIsNoneOfPaylines(t *testing.T) {
	t.Parallel()
	first := date(t, 2000, time.January, 1)
	rapid.Check(t, func(t *rapid.T) {
		id, err := transfer.AutomaticEndToEndID(
			first.AddDays(rapid.IntRange(0, 36_000).Draw(t, "day")), rapid.Int64Range(1, 999_999_999).Draw(t, "number"))
		require.NoError(t, err)
		require.Regexp(t, `^P\d{15}$`, id)
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	states := []transfer.State{
		transfer.Prepared, transfer.Sent, transfer.Executed, transfer.Rejected, transfer.Unknown, "", "LOST",
	}
	allowed := map[transfer.State]string{
		transfer.Prepared: "SENT REJECTED UNKNOWN",
		transfer.Unknown:  "SENT EXECUTED REJECTED",
		transfer.Sent:     "EXECUTED REJECTED",
		transfer.Executed: "REJECTED",
	}
	for _, from := range states {
		var next []string
		for _, to := range states {
			if from.Next(to) {
				next = append(next, string(to))
			}
		}
		require.Equal(t, allowed[from], strings.Join(next, " "), "after %s", from)
	}
}

// TestNothingIsSentTwice walks at random: whatever is learned, an order leaves
// PREPARED once, and comes to an end.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		states := []transfer.State{transfer.Prepared, transfer.Sent, transfer.Executed, transfer.Rejected, transfer.Unknown}
		state, changes := transfer.Prepared, 0
		for _, to := range rapid.SliceOfN(rapid.SampledFrom(states), 0, 60).Draw(t, "learned") {
			if !state.Next(to) {
				continue
			}
			require.NotEqual(t, transfer.Prepared, to)
			require.NotEqual(t, transfer.Rejected, state, "it is final")
			state, changes = to, changes+1
		}
		require.LessOrEqual(t, changes, 4)
	})
}
