package transfer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/transfer"
)

func TestStaleBefore(t *testing.T) {
	t.Parallel()
	for today, want := range map[calendar.Date]calendar.Date{
		date(t, 2026, time.March, 20): date(t, 2026, time.March, 17), // Friday: Tuesday's three days end today
		date(t, 2026, time.March, 23): date(t, 2026, time.March, 18), // Monday: the weekend counts for nothing
		date(t, 2026, time.March, 21): date(t, 2026, time.March, 18), // Saturday: Tuesday's ended yesterday
		date(t, 2026, time.April, 7):  date(t, 2026, time.March, 31), // Easter: 3 and 6 April are closed
	} {
		require.Equal(t, want, transfer.StaleBefore(calendar.Target{}, today), today)
	}
}

func TestAnOrderIsStaleAfterItsDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		today := date(t, 2026, time.January, 1).AddDays(rapid.IntRange(0, 800).Draw(t, "today"))
		remitted := today.AddDays(-rapid.IntRange(0, 20).Draw(t, "ago"))
		stale := transfer.StaleBefore(calendar.Target{}, today).After(remitted)
		require.Equal(t, today.After(calendar.Add(calendar.Target{}, remitted, transfer.DaysToDebit)), stale)
	})
}
