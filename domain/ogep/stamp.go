package ogep

import (
	"math"
	"time"

	"github.com/reglo/reglo/domain/calendar"
)

const (
	// Source is the emitter that every event names: the back-office server of business process management.
	Source = "B.EP.BPM"
	// UIDLength is the length of a uid in bytes.
	UIDLength = 26
	// MaxSequence is the largest sequence number of a uid; the next one wraps to zero.
	MaxSequence = 999_999
	// MaxNode is the largest node number of a uid.
	MaxNode = 99

	minYear, maxYear = 2000, 2099 // the century that the two digits of a uid's year stand for

	decimalBase    = 10
	secondsInDay   = 24 * 60 * 60
	secondsInHour  = 60 * 60
	secondsInMin   = 60
	dateWidth      = len("2006-01-02T")
	zoneWidth      = len("+0200")
	uuidLength     = len("d6e15128-dfa1-11e9-9fab-7c2a3123212b")
	uuidVersionAt  = 14
	uuidVariantAt  = 19
	sequenceDigits = 6
)

// Stamp is what the envelope of an event says of its origin.
type Stamp struct {
	Environment   byte      // 'I' intégration, 'R' recette, 'P' production
	Node          int       // the emitter among those of the environment, 0 to 99
	CorrelationID string    // UUID version 1 of the vacation's run, in lower case with dashes
	Instant       time.Time // when it happened; written down to the millisecond, in UTC in the uid, in Paris time beside it
	Sequence      int       // 0 to 999,999; tells apart the events of one millisecond
}

// Validate checks that the stamp can be written. The error is a *ValidationError.
func (s Stamp) Validate() error {
	var c check

	c.that(s.Environment == 'I' || s.Environment == 'R' || s.Environment == 'P', "environment", "want I, R or P")
	c.that(s.Node >= 0 && s.Node <= MaxNode, "node", "want 0 to 99")
	c.that(s.Sequence >= 0 && s.Sequence <= MaxSequence, "sequence", "want 0 to 999999")
	c.instant("instant", s.Instant)
	c.that(isUUID(s.CorrelationID), "correlationId", "want a UUID in lower case with dashes")
	c.that(!isUUID(s.CorrelationID) || s.CorrelationID[uuidVersionAt] == '1', "correlationId", "want a UUID of version 1")

	return c.failure("stamp")
}

// UID gives the event's identifier: environment, UTC instant, sequence and node in 26 characters.
func (s Stamp) UID() string { return string(s.AppendUID(make([]byte, 0, UIDLength))) }

// AppendUID appends what UID returns.
func (s Stamp) AppendUID(dst []byte) []byte {
	dst = s.appendUIDInstant(dst)
	dst = appendDigits(dst, s.Sequence, sequenceDigits)

	return appendDigits(dst, s.Node, 2)
}

// appendUIDInstant appends the part of the uid that the events of one instant share.
func (s Stamp) appendUIDInstant(dst []byte) []byte {
	utc := s.Instant.UTC()
	year, month, day := utc.Date()
	hour, minute, second := utc.Clock()

	dst = append(dst, s.Environment)
	dst = appendDigits(dst, year, 2)
	dst = appendDigits(dst, int(month), 2)
	dst = appendDigits(dst, day, 2)
	dst = append(dst, 'T')
	dst = appendDigits(dst, hour, 2)
	dst = appendDigits(dst, minute, 2)
	dst = appendDigits(dst, second, 2)
	dst = appendDigits(dst, milliseconds(utc), 3)

	return append(dst, 'S')
}

// clock writes instants as "2006-01-02T15:04:05.000-0700" in Paris time. It remembers the day and the offset that it wrote
// last, because the instants of one file fall on few days. The zero clock is ready; it is not for concurrent use.
type clock struct {
	from, until int64 // Unix seconds between which the offset holds, until excluded
	offset      int64 // seconds east of UTC
	day         int64 // days since 1970-01-01 in Paris of the date below
	date        [dateWidth]byte
	zone        [zoneWidth]byte
}

func (c *clock) append(dst []byte, t time.Time) []byte {
	unix := t.Unix()
	if unix < c.from || unix >= c.until {
		c.turnZone(t)
	}

	local := unix + c.offset
	day := local / secondsInDay
	second := local % secondsInDay

	if second < 0 {
		day, second = day-1, second+secondsInDay
	}

	if day != c.day || c.date[0] == 0 {
		c.turnDay(day, local-second)
	}

	dst = append(dst, c.date[:]...)
	dst = appendTwo(dst, second/secondsInHour)
	dst = append(dst, ':')
	dst = appendTwo(dst, second%secondsInHour/secondsInMin)
	dst = append(dst, ':')
	dst = appendTwo(dst, second%secondsInMin)
	dst = append(dst, '.')
	dst = appendDigits(dst, milliseconds(t), 3)

	return append(dst, c.zone[:]...)
}

func (c *clock) turnZone(t time.Time) {
	local := t.In(calendar.Paris())
	from, until := local.ZoneBounds()
	_, offset := local.Zone()
	c.from, c.until, c.offset = math.MinInt64, math.MaxInt64, int64(offset)

	if !from.IsZero() {
		c.from = from.Unix()
	}

	if !until.IsZero() {
		c.until = until.Unix()
	}

	local.AppendFormat(c.zone[:0], "-0700")
}

func (c *clock) turnDay(day, midnight int64) {
	c.day = day
	time.Unix(midnight, 0).UTC().AppendFormat(c.date[:0], "2006-01-02T")
}

func appendTimestamp(dst []byte, t time.Time) []byte {
	var c clock

	return c.append(dst, t)
}

func milliseconds(t time.Time) int { return t.Nanosecond() / int(time.Millisecond) }

// appendDigits appends the last width decimal digits of n.
func appendDigits(dst []byte, n, width int) []byte {
	start := len(dst)
	for range width {
		dst = append(dst, '0')
	}

	for i := len(dst) - 1; i >= start; i-- {
		dst[i] = byte('0' + n%decimalBase)
		n /= decimalBase
	}

	return dst
}

func appendTwo(dst []byte, n int64) []byte {
	return append(dst, byte('0'+n/decimalBase), byte('0'+n%decimalBase)) //nolint:gosec // n has two digits
}

// isUUID checks the text of RFC 9562 in lower case, and its variant.
func isUUID(s string) bool {
	return isUUIDShaped(s) && (s[uuidVariantAt] == '8' || s[uuidVariantAt] == '9' || s[uuidVariantAt] == 'a' ||
		s[uuidVariantAt] == 'b')
}

// isUUIDShaped checks groups of lower-case hexadecimal digits, whatever their version and variant.
func isUUIDShaped(s string) bool {
	if len(s) != uuidLength {
		return false
	}

	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isLowerHex(s[i]) {
				return false
			}
		}
	}

	return true
}

func isLowerHex(b byte) bool { return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' }
