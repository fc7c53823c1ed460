package settlement

import (
	"errors"
	"time"

	"github.com/reglo/reglo/domain/calendar"
)

// Instants are read and written by position: the general parser of package time costs more than all the rest of a line.

const (
	hoursADay       = 24
	secondsAMinute  = 60
	minutesAnHour   = 60
	secondsAnHour   = secondsAMinute * minutesAnHour
	secondsADay     = hoursADay * secondsAnHour
	nanosecondWidth = 9
	monthsAYear     = 12
	yearsACentury   = 100

	secondsLength = len("2006-01-02T15:04:05")
	offsetLength  = len("+01:00")

	endOfInstants = 7_258_118_400 // 2200-01-01T00:00:00Z: a later date is a slip of the pen
)

var (
	errInstant = errors.New("must be an RFC 3339 date and hour with its offset, as 2019-07-25T10:25:55+02:00")
	errNoHour  = errors.New("is no day of the calendar or no hour of the day")
	errCentury = errors.New("must lie between the years 1970 and 2199")
)

// parseInstant reads the date-time of RFC 3339, section 5.6, with capital T and Z, up to nine digits of a second and no
// leap second. The result is in Europe/Paris.
func parseInstant(text []byte) (time.Time, error) {
	if !punctuated(text) {
		return time.Time{}, errInstant
	}

	days, err := parseDay(text)
	if err != nil {
		return time.Time{}, err
	}

	hour, minute, second := twoDigits(text[11:]), twoDigits(text[14:]), twoDigits(text[17:])
	nanoseconds, rest, fractionOK := parseFraction(text[secondsLength:])
	offset, offsetOK := parseOffset(rest)

	switch {
	case hour|minute|second < 0 || !fractionOK || !offsetOK:
		return time.Time{}, errInstant
	case hour >= hoursADay || minute >= minutesAnHour || second >= secondsAMinute:
		return time.Time{}, errNoHour
	}

	seconds := days*secondsADay + int64(hour*secondsAnHour+minute*secondsAMinute+second-offset)
	if seconds < 0 || seconds >= endOfInstants {
		return time.Time{}, errCentury
	}

	return time.Unix(seconds, nanoseconds).In(calendar.Paris()), nil
}

// punctuated tells whether what stands between the numbers is right, and whether something follows the seconds.
func punctuated(text []byte) bool {
	return len(text) > secondsLength &&
		text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':'
}

// parseDay gives the days from 1 January 1970 to the date with which text begins.
func parseDay(text []byte) (int64, error) {
	century, year := twoDigits(text[0:]), twoDigits(text[2:])
	month, day := twoDigits(text[5:]), twoDigits(text[8:])

	if century|year|month|day < 0 {
		return 0, errInstant
	}

	year += century * yearsACentury
	if month < 1 || month > monthsAYear || day < 1 || day > daysIn(year, month) {
		return 0, errNoHour
	}

	return daysSince1970(year, month, day), nil
}

// appendInstant writes what parseInstant reads, with the offset of the instant's own location, or in UTC where that
// offset is not a whole number of minutes.
func appendInstant(dst []byte, at time.Time) []byte {
	_, offset := at.Zone()
	if offset%secondsAMinute != 0 {
		at, offset = at.UTC(), 0
	}

	year, month, day := at.Date()
	hour, minute, second := at.Clock()

	dst = appendTwo(dst, year/yearsACentury)
	dst = appendTwo(dst, year%yearsACentury)
	dst = append(dst, '-')
	dst = appendTwo(dst, int(month))
	dst = append(dst, '-')
	dst = appendTwo(dst, day)
	dst = append(dst, 'T')
	dst = appendTwo(dst, hour)
	dst = append(dst, ':')
	dst = appendTwo(dst, minute)
	dst = append(dst, ':')
	dst = appendTwo(dst, second)

	if nanoseconds := at.Nanosecond(); nanoseconds != 0 {
		dst = append(dst, '.')
		for unit := 100_000_000; nanoseconds > 0; unit /= decimalBase {
			dst = append(dst, '0'+byte(nanoseconds/unit)) //nolint:gosec // one digit
			nanoseconds %= unit
		}
	}

	if offset == 0 {
		return append(dst, 'Z')
	}

	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}

	dst = append(dst, sign)
	dst = appendTwo(dst, offset/secondsAnHour)
	dst = append(dst, ':')

	return appendTwo(dst, offset%secondsAnHour/secondsAMinute)
}

// parseFraction reads the digits behind the point, if there is one.
func parseFraction(text []byte) (nanoseconds int64, rest []byte, ok bool) {
	if text[0] != '.' {
		return 0, text, true
	}

	width := 1
	for ; width < len(text) && text[width] >= '0' && text[width] <= '9'; width++ {
		if width <= nanosecondWidth {
			nanoseconds = nanoseconds*decimalBase + int64(text[width]-'0')
		}
	}

	if width == 1 || width > nanosecondWidth+1 {
		return 0, nil, false
	}

	for digits := width - 1; digits < nanosecondWidth; digits++ {
		nanoseconds *= decimalBase
	}

	return nanoseconds, text[width:], true
}

// parseOffset reads Z, or hours and minutes east of UTC, as seconds.
func parseOffset(text []byte) (seconds int, ok bool) {
	if len(text) == 1 && text[0] == 'Z' {
		return 0, true
	}

	if len(text) != offsetLength || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return 0, false
	}

	hours, minutes := twoDigits(text[1:]), twoDigits(text[4:])
	if hours|minutes < 0 || hours >= hoursADay || minutes >= minutesAnHour {
		return 0, false
	}

	seconds = hours*secondsAnHour + minutes*secondsAMinute
	if text[0] == '-' {
		return -seconds, true
	}

	return seconds, true
}

// daysSince1970 counts the days of the Gregorian calendar: years begin in March, so that the leap day ends them.
func daysSince1970(year, month, day int) int64 {
	const (
		daysIn400Years     = 146_097
		daysBefore1970     = 719_468 // from 1 March of the year 0
		monthsToMarch      = 3
		monthsFromMarch    = 9
		daysInFiveMonths   = 153 // March to July, and again August to December
		monthsInFiveMonths = 5
	)

	if month < monthsToMarch {
		year--
		month += monthsFromMarch
	} else {
		month -= monthsToMarch
	}

	cycle, yearOfCycle := year/400, year%400
	dayOfYear := (daysInFiveMonths*month+2)/monthsInFiveMonths + day - 1
	dayOfCycle := yearOfCycle*365 + yearOfCycle/4 - yearOfCycle/100 + dayOfYear

	return int64(cycle*daysIn400Years + dayOfCycle - daysBefore1970)
}

func daysIn(year, month int) int {
	switch time.Month(month) {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}

		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	default:
		return 31
	}
}

// twoDigits gives the number that the first two bytes write, or -1.
func twoDigits(text []byte) int {
	tens, units := text[0]-'0', text[1]-'0'
	if tens >= decimalBase || units >= decimalBase {
		return -1
	}

	return int(tens)*decimalBase + int(units)
}

func appendTwo(dst []byte, number int) []byte {
	return append(dst, '0'+byte(number/decimalBase), '0'+byte(number%decimalBase)) //nolint:gosec // two digits
}
