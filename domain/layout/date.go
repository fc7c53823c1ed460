package layout

import (
	"strings"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
)

// compact is the pattern of a date that declares none.
const compact = "yyyyMMdd"

const (
	century        = 2000 // of a year of two digits: cards are younger
	endOfInstants  = 7_258_118_400
	offsetPattern  = "XXX"
	offsetLength   = len("+01:00")
	hoursADay      = 24
	minutesAnHour  = 60
	secondsAMinute = 60
)

// What dates may be refused for.
//
//nolint:gochecknoglobals // constants
var (
	errNoDate  = refusal{fault.CodeMissing, "is empty: a date is expected"}
	errPattern = refusal{fault.CodeDate, "is not written by the pattern of its layout"}
	errDay     = refusal{fault.CodeDate, "is no day of the calendar or no hour of the day"}
	errSkipped = refusal{fault.CodeDate, "is an hour that Europe/Paris leaves out when summer time begins"}
	errCentury = refusal{fault.CodeDate, "must lie between the years 1970 and 2199"}
)

// token is a piece of a pattern: a letter that is repeated, or a text.
type token struct {
	letter byte
	width  int
	text   string
}

// pattern is a compiled date pattern.
type pattern struct {
	tokens []token
	hours  bool // it has an hour, or an offset
}

// moment is what a pattern reads.
type moment struct {
	year, month, day     int
	date                 calendar.Date // the same, once it is known to exist
	hour, minute, second int
	offset               int // seconds east of UTC
	zoned                bool
}

// compilePattern refuses with a reason.
func compilePattern(text string) (compiled pattern, reason string) {
	const allowed = "is no pattern of a date: made of yyyy or yy, MM, dd, HH, mm, ss, XXX, each once, and 'text' or signs between them"

	seen := make(map[byte]bool)

	for text != "" {
		next, rest, ok := nextToken(text)
		if !ok || next.letter != 0 && seen[next.letter] {
			return pattern{}, allowed
		}

		seen[next.letter] = true
		compiled.hours = compiled.hours || strings.IndexByte("HmsX", next.letter) >= 0 && next.letter != 0
		compiled.tokens = append(compiled.tokens, next)
		text = rest
	}

	switch {
	case !seen['y'] || !seen['M'] || !seen['d']:
		return pattern{}, "is no pattern of a date: needs a year (yyyy or yy), MM and dd"
	case compiled.hours && !seen['H'], seen['s'] && !seen['m']:
		return pattern{}, "is no pattern of a date: ss needs mm, and mm, ss and XXX need HH"
	}

	return compiled, ""
}

// nextToken cuts the first token off a pattern.
func nextToken(text string) (next token, rest string, ok bool) {
	for _, word := range []string{"yyyy", "yy", "MM", "dd", "HH", "mm", "ss", offsetPattern} {
		if rest, ok = strings.CutPrefix(text, word); ok {
			return token{letter: word[0], width: len(word)}, rest, true
		}
	}

	if quoted, found := strings.CutPrefix(text, "'"); found {
		quoted, rest, ok = strings.Cut(quoted, "'")

		return token{text: quoted}, rest, ok && quoted != ""
	}

	char := text[0]
	letter := char|0x20 >= 'a' && char|0x20 <= 'z'

	return token{text: text[:1]}, text[1:], !letter && char >= ' ' && char <= '~'
}

// read reads a text by the pattern.
func (p *pattern) read(text []byte) (at moment, refused refusal) {
	if len(text) == 0 {
		return at, errNoDate
	}

	for _, next := range p.tokens {
		value, rest, ok := next.read(text)
		if !ok {
			return at, errPattern
		}

		text = rest
		at.set(next, value)
	}

	if len(text) > 0 {
		return at, errPattern
	}

	date, err := calendar.NewDate(at.year, time.Month(at.month), at.day)
	if err != nil || at.hour >= hoursADay || at.minute >= minutesAnHour || at.second >= secondsAMinute {
		return at, errDay
	}

	at.date = date

	return at, refusal{}
}

// set fills in what a token has read.
func (m *moment) set(read token, value int) {
	switch read.letter {
	case 'y':
		if m.year = value; read.width == 2 {
			m.year += century
		}
	case 'M':
		m.month = value
	case 'd':
		m.day = value
	case 'H':
		m.hour = value
	case 'm':
		m.minute = value
	case 's':
		m.second = value
	case 'X':
		m.offset, m.zoned = value, true
	}
}

// read takes the token's value off a text.
func (t token) read(text []byte) (value int, rest []byte, ok bool) {
	switch {
	case t.letter == 0:
		if len(text) < len(t.text) || string(text[:len(t.text)]) != t.text {
			return 0, nil, false
		}

		return 0, text[len(t.text):], true
	case t.letter == 'X':
		return readOffset(text)
	case len(text) < t.width:
		return 0, nil, false
	}

	for _, char := range text[:t.width] {
		if char < '0' || char > '9' {
			return 0, nil, false
		}

		value = value*decimalBase + int(char-'0')
	}

	return value, text[t.width:], true
}

// readOffset reads Z, or hours and minutes east of UTC, as seconds.
func readOffset(text []byte) (seconds int, rest []byte, ok bool) {
	if len(text) > 0 && text[0] == 'Z' {
		return 0, text[1:], true
	}

	if len(text) < offsetLength || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return 0, nil, false
	}

	two := token{letter: 'H', width: 2}
	hours, _, hoursOK := two.read(text[1:])
	minutes, _, minutesOK := two.read(text[4:])

	if !hoursOK || !minutesOK || hours >= hoursADay || minutes >= minutesAnHour {
		return 0, nil, false
	}

	seconds = (hours*minutesAnHour + minutes) * secondsAMinute
	if text[0] == '-' {
		seconds = -seconds
	}

	return seconds, text[offsetLength:], true
}

// instant gives the moment in Europe/Paris. Without an offset it is an hour of Paris: the first of the two when summer
// time ends.
func (m *moment) instant() (time.Time, refusal) {
	location := calendar.Paris()
	if m.zoned {
		location = time.UTC
	}

	at := time.Date(m.date.Year(), m.date.Month(), m.date.Day(), m.hour, m.minute, m.second, 0, location)

	switch {
	case m.zoned:
		at = at.Add(-time.Duration(m.offset) * time.Second).In(calendar.Paris())
	case at.Hour() != m.hour:
		return time.Time{}, errSkipped
	default:
		if earlier := at.Add(-time.Hour); earlier.Hour() == m.hour {
			at = earlier
		}
	}

	if seconds := at.Unix(); seconds < 0 || seconds >= endOfInstants {
		return time.Time{}, errCentury
	}

	return at, refusal{}
}
