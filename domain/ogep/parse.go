package ogep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Direction tells what a parameter is to the act that an event reports.
type Direction string

// The two directions.
const (
	Input  Direction = "input"
	Output Direction = "output"
)

// Event is an event as it was read. Nothing of the frame is dropped: what the reader does not know is kept as it came, and
// gives a warning.
type Event struct {
	Source        string
	UID           string    // 26 characters of the reference's form, else opaque (a warning says so); not an order
	CorrelationID string    // UUID in lower case with dashes
	Timestamp     time.Time // in Paris time
	Type          Type      // may be none of the 27 (a warning says so)
	Params        []Param
	Extra         map[string]json.RawMessage // members of the envelope that the reference does not have; nil when there is none
	Warnings      []Warning
	Repaired      bool // the frame was broken in the one way that the reader mends
}

// Param is one parameter of an event.
type Param struct {
	Direction Direction
	Name      string
	Value     json.RawMessage // nil when the frame gives none
}

// WarningCode names a tolerance that a frame needed.
type WarningCode string

// The tolerances.
const (
	WarnUnknownType      WarningCode = "unknown-type"      // none of the 27
	WarnUnknownParam     WarningCode = "unknown-param"     // not a parameter of the type
	WarnRepeatedParam    WarningCode = "repeated-param"    // the first one counts
	WarnMissingParam     WarningCode = "missing-param"     // a parameter of the type is not there
	WarnUnknownMember    WarningCode = "unknown-member"    // not a member of the envelope
	WarnAlias            WarningCode = "alias"             // another name of a known parameter
	WarnUID              WarningCode = "uid"               // not of the reference's form
	WarnUniversalTime    WarningCode = "universal-time"    // the envelope's timestamp ends with Z; it may be a local time
	WarnMislabelledLocal WarningCode = "local-time-as-utc" // ends with Z, but is the local time of the event; not shifted
	WarnRepaired         WarningCode = "duplicated-prefix" // the frame was mended
)

// Warning says what the reader tolerated. It names members and parameters, never their values.
type Warning struct {
	Code WarningCode
	Name string // the member or parameter concerned, cut to its first 64 bytes
}

// String gives the code and the name.
func (w Warning) String() string { return string(w.Code) + " " + w.Name }

// ParseError says where a frame cannot be read, and why. Values are not repeated, except those of amounts and times.
type ParseError struct {
	Path   string // of the member: "orders[2].amount"; empty when the JSON itself is broken
	Line   int    // from 1; 0 when Path tells the place
	Column int    // in bytes, from 1; 0 when Path tells the place
	Value  string // the text refused, for amounts and times only
	Reason string // what is wrong, for a person to read
	cause  error
}

// Error names the place, the value where there is one, and the reason.
func (e *ParseError) Error() string {
	place := e.Path
	if place == "" {
		place = fmt.Sprintf("line %d, column %d", e.Line, e.Column)
	}

	if e.Value != "" {
		return fmt.Sprintf("OG-EP JSON: %s: %q: %s", place, e.Value, e.Reason)
	}

	return fmt.Sprintf("OG-EP JSON: %s: %s", place, e.Reason)
}

// Unwrap gives the error below: one of money's or calendar's, or ErrFrameTooLarge.
func (e *ParseError) Unwrap() error { return e.cause }

// duplicatedPrefix is the accident of the reference's own get-account-transactions frame: the beginning of the parameters
// stands there twice, and leaves the brackets unbalanced.
const duplicatedPrefix = `"params":[{"type":"input","name":"accountId",`

// Parse reads one event. It asks for a JSON object with a source, a uid, a UUID, a timestamp with its offset and a type,
// and accepts the rest as it comes; Body reads what the parameters hold. The error is a *ParseError.
func Parse(frame []byte) (Event, error) {
	if len(frame) > MaxFrameBytes {
		return Event{}, &ParseError{Line: 1, Column: 1, Reason: ErrFrameTooLarge.Error(), cause: ErrFrameTooLarge}
	}

	members, err := decodeObject(frame)
	if err == nil {
		return readEvent(members)
	}

	if event, mended := mend(frame); mended {
		return event, nil
	}

	return Event{}, err
}

// mend reads a get-account-transactions frame that has the duplicated prefix. A frame that has any other fault keeps the
// error of its own text.
func mend(frame []byte) (Event, bool) {
	twice := []byte(duplicatedPrefix + duplicatedPrefix)
	if !bytes.Contains(frame, twice) {
		return Event{}, false
	}

	members, err := decodeObject(bytes.Replace(frame, twice, []byte(duplicatedPrefix), 1))
	if err != nil {
		return Event{}, false
	}

	event, err := readEvent(members)
	if err != nil || event.Type != TypeGetAccountTransactions {
		return Event{}, false
	}

	event.Repaired = true
	event.warn(WarnRepaired, "params")

	return event, true
}

// Param gives the value of the parameter of that direction and name, wherever it stands. merchantDebt is found under the
// name merchant-debt.
func (e *Event) Param(d Direction, name string) (json.RawMessage, bool) {
	for _, param := range e.Params {
		if param.Direction == d && canonical(param.Name) == name {
			return param.Value, true
		}
	}

	return nil, false
}

func (e *Event) warn(code WarningCode, name string) {
	const longestName = 64

	if len(name) > longestName {
		name = strings.ToValidUTF8(name[:longestName], "")
	}

	e.Warnings = append(e.Warnings, Warning{Code: code, Name: name})
}

func decodeObject(frame []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(frame) {
		return nil, at(frame, invalidUTF8At(frame), "not UTF-8")
	}

	decoder := json.NewDecoder(bytes.NewReader(frame))

	var members map[string]json.RawMessage
	if err := decoder.Decode(&members); err != nil {
		return nil, syntax(frame, err)
	}

	if members == nil {
		return nil, at(frame, 0, "want a JSON object")
	}

	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, at(frame, int(decoder.InputOffset()), "something follows the JSON object")
	}

	return members, nil
}

func readEvent(members map[string]json.RawMessage) (Event, error) {
	in := reader{members: members, fault: new(*ParseError)}
	event := Event{
		Source:        in.text("source"),
		UID:           in.text("uid"),
		CorrelationID: in.uuid("correlationId"),
		Timestamp:     in.instant("timestamp"),
		Type:          Type(in.text("type")),
	}

	for _, item := range in.optionalList("params") {
		event.Params = append(event.Params, Param{
			Direction: Direction(item.text("type")), Name: item.text("name"), Value: item.members["value"],
		})
	}

	if *in.fault != nil {
		return Event{}, *in.fault
	}

	event.judgeEnvelope(members)
	event.judgeParams()

	return event, nil
}

func (e *Event) judgeEnvelope(members map[string]json.RawMessage) {
	if !isUID(e.UID) {
		e.warn(WarnUID, "uid")
	}

	if endsWithZ(members["timestamp"]) {
		e.warn(WarnUniversalTime, "timestamp")
	}

	if !e.Type.Valid() {
		e.warn(WarnUnknownType, string(e.Type))
	}

	for name, value := range members {
		switch name {
		case "source", "uid", "correlationId", "timestamp", "type", "params":
		default:
			if e.Extra == nil {
				e.Extra = make(map[string]json.RawMessage)
			}

			e.Extra[name] = value
		}
	}

	for _, name := range slices.Sorted(maps.Keys(e.Extra)) {
		e.warn(WarnUnknownMember, name)
	}
}

func (e *Event) judgeParams() {
	type key struct {
		direction Direction
		name      string
	}

	signature, seen := e.Type.params(), make(map[key]bool, len(e.Params))

	for _, param := range e.Params {
		name := canonical(param.Name)
		if name != param.Name {
			e.warn(WarnAlias, param.Name)
		}

		known := slices.ContainsFunc(signature, func(p paramRule) bool {
			return p.direction == param.Direction && p.name == name
		})

		switch id := (key{param.Direction, name}); {
		case e.Type.Valid() && !known:
			e.warn(WarnUnknownParam, param.Name)
		case seen[id]:
			e.warn(WarnRepeatedParam, param.Name)
		default:
			seen[id] = true
		}

		if holdsMislabelledTime(param.Value, e.Timestamp) {
			e.warn(WarnMislabelledLocal, param.Name)
		}
	}

	for _, param := range signature {
		if !param.optional && !seen[key{param.direction, param.name}] {
			e.warn(WarnMissingParam, param.name)
		}
	}
}

// holdsMislabelledTime tells whether a value holds a time that ends with Z and yet reads, to the minute, as the event's
// own time in Paris: a local time whose producer wrote the wrong zone.
func holdsMislabelledTime(value json.RawMessage, at time.Time) bool {
	const tolerance = time.Minute

	if !bytes.Contains(value, []byte(`Z"`)) {
		return false
	}

	_, offset := at.Zone()
	local := at.Add(time.Duration(offset) * time.Second)
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()

	for {
		token, err := decoder.Token()
		if err != nil {
			return false // the end: the value was read once already
		}

		text, isText := token.(string)
		if !isText || !strings.HasSuffix(text, "Z") {
			continue
		}

		if instant, err := parseInstant(text); err == nil && instant.Sub(local).Abs() < tolerance {
			return true
		}
	}
}

// canonical gives the name under which the reference knows a parameter.
func canonical(name string) string {
	if name == "merchantDebt" {
		return paramMerchantDebt
	}

	return name
}

// isUID checks ^[A-Z]\d{6}T\d{9}S\d{8}$.
func isUID(s string) bool {
	const dayAt, timeAt, sequenceAt = 1, 8, 18

	return len(s) == UIDLength && isUpper(s[0]) && all(s[dayAt:timeAt-1], isDigit) && s[timeAt-1] == 'T' &&
		all(s[timeAt:sequenceAt-1], isDigit) && s[sequenceAt-1] == 'S' && all(s[sequenceAt:], isDigit)
}

func endsWithZ(raw json.RawMessage) bool { return bytes.HasSuffix(raw, []byte(`Z"`)) }

func syntax(frame []byte, err error) *ParseError {
	var (
		syntaxError *json.SyntaxError
		typeError   *json.UnmarshalTypeError
	)

	switch {
	case errors.As(err, &syntaxError):
		return at(frame, int(syntaxError.Offset)-1, "not JSON")
	case errors.As(err, &typeError):
		return at(frame, 0, "want a JSON object, not "+typeError.Value)
	default:
		return at(frame, len(frame), "the JSON object does not end")
	}
}

// at gives the line and the column of a byte.
func at(frame []byte, offset int, reason string) *ParseError {
	before := frame[:min(max(offset, 0), len(frame))]

	return &ParseError{
		Line: 1 + bytes.Count(before, []byte{'\n'}), Column: len(before) - bytes.LastIndexByte(before, '\n'), Reason: reason,
	}
}

func invalidUTF8At(frame []byte) int {
	for i := 0; i < len(frame); {
		r, size := utf8.DecodeRune(frame[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}

		i += size
	}

	return len(frame)
}
