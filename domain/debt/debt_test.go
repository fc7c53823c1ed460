package debt_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/debt"
	"github.com/reglo/reglo/domain/money"
)

const siret = "73282932000074"

func at(millisecond int) time.Time {
	return time.Date(2020, time.January, 7, 15, 27, 11, millisecond*int(time.Millisecond)+999, time.UTC)
}

// TestTheReferencesDebt has the amounts of the OG-EP reference: an unpaid of
// 1102.00 on a balance of 101.50.
func TestTheReferencesDebt(t *testing.T) {
	t.Parallel()
	lacks, err := debt.Shortfall(101_50, 0, 1102_00)
	require.NoError(t, err)
	require.EqualValues(t, 1000_50, lacks)
	owed, err := debt.Open(siret, lacks, at(231))
	require.NoError(t, err)
	require.Equal(t, debt.Debt{Siret: siret, Initial: 1000_50, Remaining: 1000_50, CreatedAt: at(231).Truncate(time.Millisecond)}, owed)
	require.True(t, owed.ModifiedAt.IsZero())
}

func TestShortfall(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ balance, in, out, want money.Cents }{
		{0, 0, 0, 0},
		{0, 0, 1, 1},
		{1, 0, 1, 0},
		{0, 1, 1, 0},
		{1, 1, 3, 1},
		{-5, 0, 0, 5},
		{-5, 4, 0, 1},
		{money.Max, 0, money.Max, 0},
		{0, 0, money.Max, money.Max},
	} {
		got, err := debt.Shortfall(test.balance, test.in, test.out)
		require.NoError(t, err)
		require.Equal(t, test.want, got, "%+v", test)
	}
	_, err := debt.Shortfall(money.Max, 1, 0)
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = debt.Shortfall(-money.Max, 0, 1)
	require.ErrorIs(t, err, money.ErrOverflow)
}

// TestAShortfallLeavesTheAccountAtZeroAndNoHigher covers random accounts.
func TestAShortfallLeavesTheAccountAtZeroAndNoHigher(t *testing.T) {
	t.Parallel()
	amount := rapid.Map(rapid.Int64Range(0, int64(money.Max)/2), func(cents int64) money.Cents { return money.Cents(cents) })
	rapid.Check(t, func(t *rapid.T) {
		balance, in, out := amount.Draw(t, "balance"), amount.Draw(t, "in"), amount.Draw(t, "out")
		lacks, err := debt.Shortfall(balance, in, out)
		require.NoError(t, err)
		end := balance + in - out + lacks
		require.GreaterOrEqual(t, end, money.Cents(0))
		require.True(t, lacks == 0 || end == 0, "own money gives what lacks and no cent more")
		require.GreaterOrEqual(t, lacks, money.Cents(0))
	})
}

func TestADebtIsTheSumOfItsShortfalls(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		shortfalls := rapid.SliceOfN(rapid.Int64Range(1, 1_000_000_00), 1, 20).Draw(t, "shortfalls")
		owed, err := debt.Open(siret, money.Cents(shortfalls[0]), at(0))
		require.NoError(t, err)
		sum := money.Cents(shortfalls[0])
		for i, shortfall := range shortfalls[1:] {
			before := owed
			sum += money.Cents(shortfall)
			owed, err = owed.Increase(money.Cents(shortfall), at(i+1))
			require.NoError(t, err)
			require.Equal(t, at(i+1).Truncate(time.Millisecond), owed.ModifiedAt)
			require.Equal(t, before.CreatedAt, owed.CreatedAt, "it stays the same debt")
			require.Equal(t, siret, owed.Siret)
		}
		require.Equal(t, sum, owed.Initial)
		require.Equal(t, sum, owed.Remaining)
	})
}

func TestIncreaseKeepsWhatWasRecovered(t *testing.T) {
	t.Parallel()
	owed := debt.Debt{Siret: siret, Initial: 1000_50, Remaining: 700_50, CreatedAt: at(0)}
	more, err := owed.Increase(100_00, at(5))
	require.NoError(t, err)
	require.EqualValues(t, 1100_50, more.Initial)
	require.EqualValues(t, 800_50, more.Remaining)
	require.EqualValues(t, 700_50, owed.Remaining, "the debt before is a value of its own")
}

func TestWhatIsNoShortfall(t *testing.T) {
	t.Parallel()
	for _, amount := range []money.Cents{0, -1, -money.Max} {
		_, err := debt.Open(siret, amount, at(0))
		require.ErrorIs(t, err, debt.ErrAmount)
		_, err = debt.Debt{Siret: siret, Initial: 1, Remaining: 1}.Increase(amount, at(0))
		require.ErrorIs(t, err, debt.ErrAmount)
	}
	_, err := debt.Debt{Siret: siret, Initial: money.Max, Remaining: 1}.Increase(1, at(0))
	require.ErrorIs(t, err, money.ErrOverflow)
}

// TestTheReferencesRecovery goes on from the OG-EP reference's debt: the next
// sale of 300.00 is taken whole, and 700.50 are left.
func TestTheReferencesRecovery(t *testing.T) {
	t.Parallel()
	owed, err := debt.Open(siret, 1000_50, at(0))
	require.NoError(t, err)
	left, taken, err := owed.Recover(300_00, at(7))
	require.NoError(t, err)
	require.EqualValues(t, 300_00, taken)
	require.Equal(t, debt.Debt{
		Siret: siret, Initial: 1000_50, Remaining: 700_50,
		CreatedAt: at(0).Truncate(time.Millisecond), ModifiedAt: at(7).Truncate(time.Millisecond),
	}, left)
	require.EqualValues(t, 1000_50, owed.Remaining, "the debt before is a value of its own")
}

func TestRecover(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ remaining, available, taken money.Cents }{
		{1000_50, 0, 0},
		{1000_50, 1, 1},
		{1000_50, 1000_49, 1000_49},
		{1000_50, 1000_50, 1000_50},
		{1000_50, 1000_51, 1000_50},
		{1000_50, money.Max, 1000_50},
		{money.Max, money.Max, money.Max},
		{0, 300_00, 0},
	} {
		owed := debt.Debt{Siret: siret, Initial: money.Max, Remaining: test.remaining, CreatedAt: at(0)}
		left, taken, err := owed.Recover(test.available, at(3))
		require.NoError(t, err)
		require.Equal(t, test.taken, taken, "%+v", test)
		require.Equal(t, test.remaining-test.taken, left.Remaining)
		require.Equal(t, taken == 0, left.ModifiedAt.IsZero(), "nothing taken changes nothing")
	}
	_, _, err := debt.Debt{Siret: siret, Initial: 1, Remaining: 1}.Recover(-1, at(0))
	require.ErrorIs(t, err, debt.ErrAvailable)
	require.NotContains(t, err.Error(), siret)
}

// TestADebtIsTakenBackOnce covers random balances of a merchant's CPs: what is
// taken, what is written off and what remains make up the debt.
func TestADebtIsTakenBackOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		owed, err := debt.Open(siret, money.Cents(rapid.Int64Range(1, 1_000_000_00).Draw(t, "debt")), at(0))
		require.NoError(t, err)
		var sum money.Cents
		for _, available := range rapid.SliceOfN(rapid.Int64Range(0, 100_000_00), 0, 30).Draw(t, "available") {
			before := owed
			var taken money.Cents
			owed, taken, err = owed.Recover(money.Cents(available), at(1))
			require.NoError(t, err)
			require.GreaterOrEqual(t, taken, money.Cents(0))
			require.LessOrEqual(t, taken, money.Cents(available))
			require.True(t, owed.Remaining == 0 || taken == money.Cents(available), "no cent stays that is owed")
			require.Equal(t, before.Initial, owed.Initial)
			require.Equal(t, before.CreatedAt, owed.CreatedAt, "it stays the same debt")
			sum += taken
			require.Equal(t, owed.Initial, sum+owed.Remaining)
		}
		closed, written, err := owed.WriteOff(at(2))
		if owed.Remaining == 0 {
			require.ErrorIs(t, err, debt.ErrPaid)
			return
		}
		require.NoError(t, err)
		require.Equal(t, owed.Initial, sum+written)
		require.Zero(t, closed.Remaining)
		require.Equal(t, owed.Initial, closed.Initial)
		require.Equal(t, at(2).Truncate(time.Millisecond), closed.ModifiedAt)
	})
}

func TestWriteOffOfNothing(t *testing.T) {
	t.Parallel()
	_, written, err := debt.Debt{Siret: siret, Initial: 5}.WriteOff(at(0))
	require.ErrorIs(t, err, debt.ErrPaid)
	require.Zero(t, written)
	require.NotContains(t, err.Error(), siret)
}

func TestOld(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		created string
		today   string
		want    bool
	}{
		{"2020-01-07T14:27:11Z", "2020-01-07", false},
		{"2020-01-07T14:27:11Z", "2021-01-07", false},
		{"2020-01-07T14:27:11Z", "2021-01-08", true},
		{"2020-01-07T23:30:00Z", "2021-01-08", false}, // the 8th in Paris
		{"2020-01-07T23:30:00Z", "2021-01-09", true},
		{"2020-02-29T10:00:00Z", "2021-02-28", false},
		{"2020-02-29T10:00:00Z", "2021-03-01", true},
		{"2019-02-28T10:00:00Z", "2020-02-28", false},
		{"2019-02-28T10:00:00Z", "2020-02-29", true},
		{"2020-12-31T10:00:00Z", "2022-01-01", true},
		{"2020-01-07T14:27:11Z", "2019-12-31", false},
	} {
		created, err := time.Parse(time.RFC3339, test.created)
		require.NoError(t, err)
		today, err := calendar.ParseDate(test.today)
		require.NoError(t, err)
		owed := debt.Debt{Initial: 10, Remaining: 1, CreatedAt: created, ModifiedAt: created.AddDate(0, 11, 0)}
		require.Equal(t, test.want, owed.Old(today), "%+v", test)
		owed.Remaining = 0
		require.False(t, owed.Old(today), "what is paid is never old")
	}
}
