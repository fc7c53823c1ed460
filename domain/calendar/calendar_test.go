package calendar_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
)

func day(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

func dates() *rapid.Generator[calendar.Date] {
	first, err := calendar.NewDate(1900, time.January, 1)
	if err != nil {
		panic(err)
	}

	return rapid.Map(rapid.IntRange(0, 200*365), first.AddDays)
}

func TestDatesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		date := dates().Draw(t, "date")

		require.Equal(t, date, day(t, date.String()))

		compact, err := calendar.ParseCompact([]byte(date.Compact()))
		require.NoError(t, err)
		require.Equal(t, date, compact)

		built, err := calendar.NewDate(date.Year(), date.Month(), date.Day())
		require.NoError(t, err)
		require.Equal(t, date, built)

		text, err := json.Marshal(date)
		require.NoError(t, err)

		var read calendar.Date
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, date, read)
	})
}

func TestZeroDate(t *testing.T) {
	t.Parallel()

	var zero calendar.Date

	require.True(t, zero.IsZero())
	require.Empty(t, zero.String())
	require.Empty(t, zero.Compact())

	text, err := json.Marshal(zero)
	require.NoError(t, err)
	require.JSONEq(t, `""`, string(text))

	read := day(t, "2019-09-25")
	require.NoError(t, json.Unmarshal(text, &read))
	require.True(t, read.IsZero())
}

func TestDaysThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()

	for _, text := range []string{
		"", "2019", "2019-02-30", "2019-02-29", "1900-02-29", "2019-13-01", "2019-00-10", "2019-04-31", "2019-01-00", "0000-01-01",
		"2019/01/01", "2019-1-01", " 019-01-01", "2019-01-01T", "+019-01-01", "20190101",
	} {
		_, err := calendar.ParseDate(text)

		var parseError *calendar.ParseError
		require.ErrorAs(t, err, &parseError, text)
		require.Equal(t, text, parseError.Value)
	}

	for _, text := range []string{"", "20190230", "20190229", "2019-1-1", "00000101", "2019010", "201901011", "2019010a"} {
		_, err := calendar.ParseCompact([]byte(text))

		var parseError *calendar.ParseError
		require.ErrorAs(t, err, &parseError, text)
	}

	for _, text := range []string{"2000-02-29", "2024-02-29", "9999-12-31", "0001-01-01"} {
		require.Equal(t, text, day(t, text).String())
	}

	_, err := calendar.NewDate(10000, time.January, 1)
	require.Error(t, err)
}

func TestOrderOfDates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		date, days := dates().Draw(t, "date"), rapid.IntRange(-5000, 5000).Draw(t, "days")
		other := date.AddDays(days)

		require.Equal(t, date, other.AddDays(-days))
		require.Equal(t, days > 0, date.Before(other))
		require.Equal(t, days < 0, date.After(other))
		require.Equal(t, days == 0, date.Compare(other) == 0)
		require.Equal(t, time.Weekday(((int(date.Weekday())+days)%7+7)%7), other.Weekday())
	})
}

func TestEaster(t *testing.T) {
	t.Parallel()

	// Easter Sundays as published for the Gregorian calendar, the earliest (2285) and latest (2038) possible included.
	for year, want := range map[int]string{
		2000: "2000-04-23", 2001: "2001-04-15", 2002: "2002-03-31", 2003: "2003-04-20", 2004: "2004-04-11", 2005: "2005-03-27",
		2006: "2006-04-16", 2007: "2007-04-08", 2008: "2008-03-23", 2009: "2009-04-12", 2010: "2010-04-04", 2011: "2011-04-24",
		2012: "2012-04-08", 2013: "2013-03-31", 2014: "2014-04-20", 2015: "2015-04-05", 2016: "2016-03-27", 2017: "2017-04-16",
		2018: "2018-04-01", 2019: "2019-04-21", 2020: "2020-04-12", 2021: "2021-04-04", 2022: "2022-04-17", 2023: "2023-04-09",
		2024: "2024-03-31", 2025: "2025-04-20", 2026: "2026-04-05", 2027: "2027-03-28", 2028: "2028-04-16", 2029: "2029-04-01",
		2030: "2030-04-21", 2035: "2035-03-25", 2038: "2038-04-25", 2049: "2049-04-18", 2076: "2076-04-19", 2099: "2099-04-12",
		2285: "2285-03-22",
	} {
		require.Equal(t, want, calendar.Easter(year).String())
	}

	for year := 1900; year <= 2200; year++ {
		easter := calendar.Easter(year)
		require.Equal(t, time.Sunday, easter.Weekday())
		require.False(t, easter.Before(day(t, easter.String()[:4]+"-03-22")))
		require.False(t, easter.After(day(t, easter.String()[:4]+"-04-25")))
	}
}

func TestTargetClosingDays(t *testing.T) {
	t.Parallel()

	// The closing days of 2024 that fall on a weekday, as the ECB published them.
	closed := map[string]bool{
		"2024-01-01": true, "2024-03-29": true, "2024-04-01": true, "2024-05-01": true, "2024-12-25": true, "2024-12-26": true,
	}
	for date := day(t, "2024-01-01"); date.Year() == 2024; date = date.AddDays(1) {
		weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
		require.Equal(t, !weekend && !closed[date.String()], calendar.Target{}.IsBusinessDay(date), date)
	}

	// French public holidays on which TARGET is open.
	for _, text := range []string{"2024-05-08", "2024-05-09", "2024-05-20", "2025-07-14", "2024-08-15", "2024-11-01", "2024-11-11"} {
		require.True(t, calendar.Target{}.IsBusinessDay(day(t, text)), text)
	}
}

func TestRollingForward(t *testing.T) {
	t.Parallel()

	target := calendar.Target{}

	for text, want := range map[string]string{
		"2024-03-28": "2024-03-28", "2024-03-29": "2024-04-02", "2024-03-31": "2024-04-02", "2024-12-25": "2024-12-27",
		"2022-12-24": "2022-12-27", "2019-09-28": "2019-09-30",
	} {
		require.Equal(t, want, calendar.RollForward(target, day(t, text)).String())
	}

	require.Equal(t, "2024-04-02", calendar.Add(target, day(t, "2024-03-28"), 1).String())
	require.Equal(t, "2024-04-04", calendar.Add(target, day(t, "2024-03-30"), 3).String())
	require.Equal(t, "2024-03-30", calendar.Add(target, day(t, "2024-03-30"), 0).String())

	rapid.Check(t, func(t *rapid.T) {
		date, days := dates().Draw(t, "date"), rapid.IntRange(0, 30).Draw(t, "days")

		rolled := calendar.RollForward(target, date)
		require.True(t, target.IsBusinessDay(rolled))
		require.False(t, rolled.Before(date))
		require.Equal(t, rolled, calendar.RollForward(target, rolled))

		open := 0
		last := calendar.Add(target, date, days)
		for between := date.AddDays(1); !between.After(last); between = between.AddDays(1) {
			if target.IsBusinessDay(between) {
				open++
			}
		}

		require.Equal(t, days, open)
	})
}

type neverOpen struct{}

func (neverOpen) IsBusinessDay(calendar.Date) bool { return false }

func TestCalendarThatNeverOpensIsABug(t *testing.T) {
	t.Parallel()
	require.PanicsWithValue(t,
		"calendar calendar_test.neverOpen has no business day in the year after 2024-01-01: correct the calendar",
		func() { calendar.RollForward(neverOpen{}, day(t, "2024-01-01")) })
}

func TestMidnightAndCutOffAroundSummerTime(t *testing.T) {
	t.Parallel()

	cutOff, err := calendar.ParseCutOff("16:00")
	require.NoError(t, err)

	for _, row := range []struct{ date, midnight, cutOff string }{
		{"2024-03-30", "2024-03-29T23:00:00Z", "2024-03-30T15:00:00Z"},
		{"2024-03-31", "2024-03-30T23:00:00Z", "2024-03-31T14:00:00Z"}, // the day lasts 23 hours
		{"2024-04-01", "2024-03-31T22:00:00Z", "2024-04-01T14:00:00Z"},
		{"2024-10-26", "2024-10-25T22:00:00Z", "2024-10-26T14:00:00Z"},
		{"2024-10-27", "2024-10-26T22:00:00Z", "2024-10-27T15:00:00Z"}, // the day lasts 25 hours
		{"2024-10-28", "2024-10-27T23:00:00Z", "2024-10-28T15:00:00Z"},
	} {
		date := day(t, row.date)
		require.Equal(t, row.midnight, date.Midnight().UTC().Format(time.RFC3339))
		require.Equal(t, row.cutOff, cutOff.On(date).UTC().Format(time.RFC3339))
	}

	rapid.Check(t, func(t *rapid.T) {
		date := dates().Draw(t, "date")

		midnight := date.Midnight()
		require.Equal(t, date, calendar.DateOf(midnight))
		require.Equal(t, date.AddDays(-1), calendar.DateOf(midnight.Add(-time.Nanosecond)))
		require.Equal(t, date, calendar.DateOf(cutOff.On(date)))
		require.Equal(t, "16:00", cutOff.On(date).Format("15:04"))
	})
}

func TestBusinessDate(t *testing.T) {
	t.Parallel()

	for instant, want := range map[string]string{
		"2024-03-28T22:59:59Z": "2024-03-28", // 23:59:59 in Paris
		"2024-03-28T23:00:00Z": "2024-04-02", // Good Friday began in Paris
		"2024-07-14T21:59:59Z": "2024-07-15",
		"2024-07-15T22:00:00Z": "2024-07-16", // summer time: midnight is at 22:00 UTC
	} {
		now, err := time.Parse(time.RFC3339, instant)
		require.NoError(t, err)
		require.Equal(t, want, calendar.BusinessDate(calendar.Target{}, now).String())
	}
}

func TestCutOffText(t *testing.T) {
	t.Parallel()

	for _, text := range []string{"00:00", "09:05", "16:00", "23:59"} {
		cutOff, err := calendar.ParseCutOff(text)
		require.NoError(t, err)
		require.Equal(t, text, cutOff.String())
	}

	for _, text := range []string{"", "16", "16h00", "24:00", "16:60", "9:05", "-1:00", "16:00:00", "1a:00"} {
		_, err := calendar.ParseCutOff(text)

		var parseError *calendar.ParseError
		require.ErrorAs(t, err, &parseError, text)
	}
}

func TestParseCompactDoesNotAllocate(t *testing.T) {
	text, buffer := []byte("20240229"), make([]byte, 0, 16)

	require.Zero(t, testing.AllocsPerRun(100, func() {
		date, err := calendar.ParseCompact(text)
		if err != nil {
			panic(err)
		}

		buffer = date.AppendCompact(buffer[:0])
	}))
	require.Equal(t, text, buffer)
}

func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"2019-09-25", "2019-02-30", "", "0000-00-00", "9999-12-31"} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		date, err := calendar.ParseDate(text)
		reference, referenceErr := time.Parse(time.DateOnly, text)
		if referenceErr != nil || reference.Year() == 0 {
			require.Error(t, err)

			return
		}

		require.NoError(t, err)
		require.Equal(t, text, date.String())
	})
}

func TestDueDate(t *testing.T) {
	t.Parallel()

	date := func(text string) calendar.Date {
		date, err := calendar.ParseDate(text)
		require.NoError(t, err)

		return date
	}
	evening := time.Date(2026, time.March, 17, 23, 30, 0, 0, time.UTC) // after midnight in Paris

	for _, c := range []struct {
		want      string
		notBefore []calendar.Date
	}{
		{"2026-03-18", nil},
		{"2026-03-18", []calendar.Date{{}}},
		{"2026-03-18", []calendar.Date{date("2026-03-17")}},
		{"2026-03-19", []calendar.Date{date("2026-03-19"), date("2026-03-17")}},
		{"2026-03-23", []calendar.Date{date("2026-03-17"), date("2026-03-21")}}, // a Saturday
		{"2026-04-07", []calendar.Date{date("2026-04-03")}},                     // Good Friday, a weekend, Easter Monday
	} {
		require.Equal(t, c.want, calendar.DueDate(calendar.Target{}, evening, c.notBefore...).String(), c.notBefore)
	}
}

func FuzzParseCompact(f *testing.F) {
	for _, text := range []string{"20190925", "20190230", "", "00000000", "99991231"} {
		f.Add([]byte(text))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		date, err := calendar.ParseCompact(text)
		reference, referenceErr := time.Parse("20060102", string(text))
		if referenceErr != nil || reference.Year() == 0 {
			require.Error(t, err)

			return
		}

		require.NoError(t, err)
		require.Equal(t, string(text), date.Compact())
	})
}
