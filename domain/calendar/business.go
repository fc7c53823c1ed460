package calendar

import (
	"fmt"
	"time"
	_ "time/tzdata" // Paris must be known on a machine without a time zone database
)

// maxClosedDays is the longest run of closed days that a Calendar may have. TARGET closes four days in a row at most;
// a year without a business day is a broken calendar, not a long holiday.
const maxClosedDays = 366

// Calendar tells on which days a market is open.
type Calendar interface {
	// IsBusinessDay tells whether d is open.
	IsBusinessDay(d Date) bool
}

// Target is the calendar of TARGET, the Eurosystem's settlement service, as the ECB sets it since 2002: closed on
// Saturdays, Sundays, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December.
type Target struct{}

// IsBusinessDay tells whether TARGET settles on d.
func (Target) IsBusinessDay(d Date) bool {
	if weekday := d.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
		return false
	}

	switch {
	case d.Month() == time.January && d.Day() == 1,
		d.Month() == time.May && d.Day() == 1,
		d.Month() == time.December && (d.Day() == 25 || d.Day() == 26):
		return false
	}

	easter := Easter(d.Year())

	return d != easter.AddDays(-2) && d != easter.AddDays(1)
}

// Easter gives Easter Sunday of a Gregorian year by the anonymous computus (Meeus, Jones and Butcher).
func Easter(year int) Date {
	golden := year % 19
	century, yearOfCentury := year/100, year%100
	epact := (19*golden + century - century/4 - (century-(century+8)/25+1)/3 + 15) % 30
	toSunday := (32 + 2*(century%4) + 2*(yearOfCentury/4) - epact - yearOfCentury%4) % 7
	correction := (golden + 11*epact + 22*toSunday) / 451
	monthAndDay := epact + toSunday - 7*correction + 114

	return Date{year: year, month: time.Month(monthAndDay / 31), day: monthAndDay%31 + 1}
}

// RollForward gives d itself when it is open, else the next business day. It panics on a calendar that stays closed for a
// year: nothing can be settled by it.
func RollForward(c Calendar, d Date) Date {
	for day, closed := d, 0; closed <= maxClosedDays; day, closed = day.AddDays(1), closed+1 {
		if c.IsBusinessDay(day) {
			return day
		}
	}

	panic(fmt.Sprintf("calendar %T has no business day in the year after %s: correct the calendar", c, d))
}

// Add gives the nth business day after d, whether d itself is open or not; d itself when n is zero or less. It panics as
// RollForward does.
func Add(c Calendar, d Date, n int) Date {
	for range n {
		d = RollForward(c, d.AddDays(1))
	}

	return d
}

// BusinessDate gives the business day on which work begun at now counts: the date in Paris, rolled forward.
func BusinessDate(c Calendar, now time.Time) Date { return RollForward(c, DateOf(now)) }

// DueDate gives the day on which the bank is to execute an order given at now: the first business day that is neither
// before today in Paris, which the bank could not keep, nor before any of the dates.
func DueDate(c Calendar, now time.Time, notBefore ...Date) Date {
	due := DateOf(now)

	for _, date := range notBefore {
		if date.After(due) {
			due = date
		}
	}

	return RollForward(c, due)
}

// CutOff is a time of day in Paris after which work waits for the next business day.
type CutOff struct {
	Hour   int // 0 to 23
	Minute int // 0 to 59
}

// ParseCutOff reads "16:00": two digits each, 00:00 to 23:59. The error is a *ParseError.
func ParseCutOff(s string) (CutOff, error) {
	const (
		length   = len("16:00")
		colon    = 2
		lastHour = 23
		lastMin  = 59
	)

	if len(s) != length || s[colon] != ':' {
		return CutOff{}, refuse(s, "want HH:mm")
	}

	hour, hourOK := number(s[:colon])
	minute, minuteOK := number(s[colon+1:])

	if !hourOK || !minuteOK || hour > lastHour || minute > lastMin {
		return CutOff{}, refuse(s, "want HH:mm, from 00:00 to 23:59")
	}

	return CutOff{Hour: hour, Minute: minute}, nil
}

// On gives the instant of the cut-off on the day d. A time that summer time skips (02:00 to 02:59 on the last Sunday of
// March) or repeats in October stands for one of the two instants that it may mean, always the same one.
func (c CutOff) On(d Date) time.Time {
	return time.Date(d.Year(), d.Month(), d.Day(), c.Hour, c.Minute, 0, 0, Paris())
}

// String gives "16:00".
func (c CutOff) String() string { return fmt.Sprintf("%02d:%02d", c.Hour, c.Minute) }

var paris = mustLoad("Europe/Paris") //nolint:gochecknoglobals // never written; loading it again reads a file

// Paris gives the zone in which the engine's days are counted.
func Paris() *time.Location { return paris }

func mustLoad(name string) *time.Location {
	location, err := time.LoadLocation(name)
	if err != nil {
		panic(fmt.Sprintf("time zone %s: %v", name, err)) // cannot happen: the database is linked in
	}

	return location
}
