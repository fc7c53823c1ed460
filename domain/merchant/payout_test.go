package merchant_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
)

// holes is TARGET with more closed days.
type holes map[calendar.Date]bool

func (h holes) IsBusinessDay(d calendar.Date) bool {
	return calendar.Target{}.IsBusinessDay(d) && !h[d]
}

// openOnly is a calendar of which every day is closed but one.
type openOnly calendar.Date

func (o openOnly) IsBusinessDay(d calendar.Date) bool { return d == calendar.Date(o) }

func TestDueOn(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		frequency string
		due       []string // of the days from first to last
		first     string
		last      string
	}{
		// Good Friday is 10 April 2020, Easter Monday the 13th.
		{"DAILY", []string{"2020-04-09", "2020-04-14", "2020-04-15"}, "2020-04-09", "2020-04-15"},
		{"WEEKLY:3", []string{"2020-04-08", "2020-04-15"}, "2020-04-06", "2020-04-19"},
		{"WEEKLY:5", []string{"2020-04-03", "2020-04-14", "2020-04-17"}, "2020-04-01", "2020-04-19"},
		{"WEEKLY:1", []string{"2020-04-06", "2020-04-14", "2020-04-20"}, "2020-04-01", "2020-04-20"},
		{"WEEKLY:7", []string{"2020-04-06", "2020-04-14", "2020-04-20"}, "2020-04-01", "2020-04-20"},
		{"MONTHLY:11", []string{"2020-04-14", "2020-05-11"}, "2020-04-01", "2020-05-31"},
		{"MONTHLY:1", []string{"2020-05-04", "2020-06-01"}, "2020-04-02", "2020-06-30"}, // 1 May, then the weekend
		{"MONTHLY:31", []string{"2020-01-31", "2020-03-02", "2020-03-31", "2020-04-30"}, "2020-01-03", "2020-04-30"},
		{"MONTHLY:29", []string{"2021-03-01", "2021-03-29"}, "2021-02-01", "2021-03-31"},
		{"MONTHLY:31", []string{"2023-01-02", "2023-01-31"}, "2022-12-31", "2023-01-31"}, // rolls into the next year
	} {
		frequency, err := merchant.ParseFrequency(test.frequency)
		require.NoError(t, err)

		var due []string

		for day := date(t, test.first); !day.After(date(t, test.last)); day = day.AddDays(1) {
			if frequency.DueOn(calendar.Target{}, day) {
				due = append(due, day.String())
			}
		}

		require.Equal(t, test.due, due, "%s from %s", test.frequency, test.first)
	}
}

func TestTheZeroFrequencyIsNeverDue(t *testing.T) {
	t.Parallel()

	for day, last := date(t, "2020-01-01"), date(t, "2020-03-31"); day != last; day = day.AddDays(1) {
		require.False(t, merchant.Frequency{}.DueOn(calendar.Target{}, day))
		require.False(t, merchant.Frequency{Period: "YEARLY", Day: 1}.DueOn(calendar.Target{}, day))
	}
}

// TestALongClosureEnds has a calendar that was closed for ever: nothing is looked for beyond the month that names all days.
func TestALongClosureEnds(t *testing.T) {
	t.Parallel()

	day := date(t, "2020-06-17")
	for _, frequency := range frequencies() {
		require.True(t, frequency.DueOn(openOnly(day), day), frequency.String())
	}
}

// TestEachDayNamedIsPaidOnce compares with the days that a frequency names, each rolled forward.
func TestEachDayNamedIsPaidOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		month, err := calendar.NewDate(rapid.IntRange(1990, 2090).Draw(t, "year"),
			time.Month(rapid.IntRange(1, 12).Draw(t, "month")), 1)
		require.NoError(t, err)

		days := holes{}
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 45), 0, 20).Draw(t, "closed") {
			days[month.AddDays(n)] = true
		}

		frequency := rapid.SampledFrom(frequencies()).Draw(t, "frequency")
		want, count := map[calendar.Date]bool{}, 0

		for day := month; day.Month() == month.Month(); day = day.AddDays(1) {
			if named(frequency, day) {
				want[calendar.RollForward(days, day)] = true
				count++
			}
		}

		if frequency.Period == merchant.Monthly {
			require.Equal(t, 1, count, "a month names one day")
			require.Len(t, want, 1)
		}

		// What the month before rolled into this one, or the next one names, is theirs.
		for day := month; day.Before(month.AddDays(75)); day = day.AddDays(1) {
			due := frequency.DueOn(days, day)
			require.False(t, due && !days.IsBusinessDay(day), "%s is closed", day)

			if want[day] {
				require.True(t, due, "%s of %s", day, frequency)
			}

			if due && !want[day] {
				require.True(t, rolledFromAnotherMonth(days, frequency, month, day), "%s of %s", day, frequency)
			}
		}
	})
}

func TestDailyIsEachBusinessDay(t *testing.T) {
	t.Parallel()

	daily := merchant.Frequency{Period: merchant.Daily}
	for day, last := date(t, "2020-01-01"), date(t, "2021-01-01"); day != last; day = day.AddDays(1) {
		require.Equal(t, calendar.Target{}.IsBusinessDay(day), daily.DueOn(calendar.Target{}, day), day.String())
	}
}

func frequencies() []merchant.Frequency {
	list := []merchant.Frequency{{Period: merchant.Daily}}

	for day := 1; day <= 31; day++ {
		if day <= 7 {
			list = append(list, merchant.Frequency{Period: merchant.Weekly, Day: day})
		}

		list = append(list, merchant.Frequency{Period: merchant.Monthly, Day: day})
	}

	return list
}

// named says by the standard library's calendar what day a frequency means.
func named(frequency merchant.Frequency, day calendar.Date) bool {
	at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)

	switch frequency.Period {
	case merchant.Weekly:
		return int(at.Weekday()+6)%7+1 == frequency.Day
	case merchant.Monthly:
		last := time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -1).Day()

		return day.Day() == min(frequency.Day, last)
	default:
		return true
	}
}

func rolledFromAnotherMonth(days calendar.Calendar, frequency merchant.Frequency, month, due calendar.Date) bool {
	for back := range 60 {
		day := due.AddDays(-back)
		if day.Month() != month.Month() && named(frequency, day) && calendar.RollForward(days, day) == due {
			return true
		}
	}

	return false
}

func payee() merchant.Merchant {
	return merchant.Merchant{
		Status: merchant.StatusActive, PayoutMode: merchant.PayoutAuto, PayoutCeiling: money.Max,
	}
}

func TestPayout(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		change        func(*merchant.Merchant)
		balance, debt money.Cents
		want          money.Cents
	}{
		"all of it":              {func(*merchant.Merchant) {}, 300_00, 0, 300_00},
		"nothing":                {func(*merchant.Merchant) {}, 0, 0, 0},
		"one cent":               {func(*merchant.Merchant) {}, 1, 0, 1},
		"overdrawn":              {func(*merchant.Merchant) {}, -5, 0, 0},
		"the reserve stays":      {func(m *merchant.Merchant) { m.Reserve = 100_00 }, 300_00, 0, 200_00},
		"the reserve is short":   {func(m *merchant.Merchant) { m.Reserve = 300_01 }, 300_00, 0, 0},
		"the debt stays":         {func(*merchant.Merchant) {}, 1102_00, 1000_50, 101_50},
		"reserve and debt":       {func(m *merchant.Merchant) { m.Reserve = 1_00 }, 1102_00, 1000_50, 100_50},
		"the debt is more":       {func(*merchant.Merchant) {}, 300_00, 1000_50, 0},
		"the ceiling":            {func(m *merchant.Merchant) { m.PayoutCeiling = 50_00 }, 300_00, 0, 50_00},
		"at the ceiling":         {func(m *merchant.Merchant) { m.PayoutCeiling = 300_00 }, 300_00, 0, 300_00},
		"no ceiling at all":      {func(m *merchant.Merchant) { m.PayoutCeiling = 0 }, 300_00, 0, 0},
		"at the minimum":         {func(m *merchant.Merchant) { m.MinPayout = 300_00 }, 300_00, 0, 0},
		"a cent above it":        {func(m *merchant.Merchant) { m.MinPayout = 299_99 }, 300_00, 0, 300_00},
		"the ceiling under it":   {func(m *merchant.Merchant) { m.MinPayout, m.PayoutCeiling = 60_00, 50_00 }, 300_00, 0, 0},
		"blocked":                {func(m *merchant.Merchant) { m.Status = merchant.StatusBlocked }, 300_00, 0, 0},
		"closed":                 {func(m *merchant.Merchant) { m.Status = merchant.StatusClosed }, 300_00, 0, 0},
		"manual":                 {func(m *merchant.Merchant) { m.PayoutMode = merchant.PayoutManual }, 300_00, 0, 0},
		"nobody asks":            {func(m *merchant.Merchant) { m.PayoutMode = merchant.PayoutNone }, 300_00, 0, 0},
		"the largest":            {func(*merchant.Merchant) {}, money.Max, 0, money.Max},
		"far below":              {func(m *merchant.Merchant) { m.Reserve = money.Max }, -money.Max, money.Max, 0},
		"beyond the largest":     {func(*merchant.Merchant) {}, money.Max + 1, 0, 0},
		"a debt beyond it":       {func(*merchant.Merchant) {}, money.Max, -1 << 63, 0},
		"a reserve far below it": {func(m *merchant.Merchant) { m.Reserve = -1 << 63 }, money.Max, 0, 0},
	} {
		holder := payee()
		test.change(&holder)
		require.Equal(t, test.want, holder.Payout(test.balance, test.debt), name)
	}
}

// TestAPayoutLeavesReserveAndDebt covers every int64, those that money never holds included.
func TestAPayoutLeavesReserveAndDebt(t *testing.T) {
	t.Parallel()

	amount := rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000), rapid.Int64Range(0, int64(money.Max))),
		func(cents int64) money.Cents { return money.Cents(cents) })

	rapid.Check(t, func(t *rapid.T) {
		holder := payee()
		holder.Reserve, holder.MinPayout = amount.Draw(t, "reserve"), amount.Draw(t, "minimum")
		holder.PayoutCeiling = amount.Draw(t, "ceiling")
		balance, debt := amount.Draw(t, "balance"), amount.Draw(t, "debt")

		paid := holder.Payout(balance, debt)
		require.GreaterOrEqual(t, paid, money.Cents(0))

		if paid == 0 {
			return
		}

		left := big.NewInt(int64(balance))
		left.Sub(left, big.NewInt(int64(holder.Reserve))).Sub(left, big.NewInt(int64(debt)))
		require.LessOrEqual(t, big.NewInt(int64(paid)).Cmp(left), 0, "reserve and debt stay")
		require.LessOrEqual(t, paid, holder.PayoutCeiling)
		require.Greater(t, paid, holder.MinPayout)
		require.True(t, paid == holder.PayoutCeiling || big.NewInt(int64(paid)).Cmp(left) == 0, "no cent less than is due")
	})
}
