package debt_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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
