package statement

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
)

// record is one line of a file: a JSON object, whose members and those of the objects in it ("amount.value") are taken one
// by one. encoding/json by itself keeps the last of two members of the same name, and matches names in any case.
type record struct {
	number  int // of the line in the file
	raw     []byte
	members []member
	faults  []fault.Fault
}

type member struct {
	name   string
	kind   kind
	value  string // of a string what it says, of a number its text
	column int
	taken  bool
}

// maxMembers is the largest number of members of a line, those of the objects in it included. The records have eight at
// most; a line full of others, each compared with those before, would cost more than it is worth.
const maxMembers = 32

var errMembers = errors.New("more members than a record of any format")

// kind is what a JSON value is.
type kind uint8

const (
	kindOther kind = iota // true, false, null, an array, an object in an object
	kindText
	kindNumber
	kindObject
)

// decode finds the members of the line, and tells whether it is a JSON object. A member that comes twice is noted; the first
// one counts.
func (r *record) decode() bool {
	var whole json.RawMessage
	if err := json.Unmarshal(r.raw, &whole); err != nil {
		column := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			column = lines.Column(r.raw, min(max(int(syntax.Offset)-1, 0), len(r.raw)))
		}

		r.note(fault.Fault{Column: column, Reason: "is not JSON", Code: fault.CodeRecord})

		return false
	}

	decoder := json.NewDecoder(bytes.NewReader(r.raw))
	decoder.UseNumber()

	if token, err := decoder.Token(); err != nil || token != json.Delim('{') || r.decodeObject(decoder, "") != nil {
		r.note(fault.Fault{
			Reason: "is not a JSON object of at most " + strconv.Itoa(maxMembers) + " members", Code: fault.CodeRecord,
		})

		return false
	}

	return true
}

// decodeObject reads up to the bracket that closes the object. The text is known to be JSON: the error is errMembers.
func (r *record) decodeObject(decoder *json.Decoder, prefix string) error {
	for decoder.More() {
		if len(r.members) == maxMembers {
			return errMembers
		}

		token, err := decoder.Token()
		if err != nil {
			return err //nolint:wrapcheck // cannot be: the text is JSON
		}

		name, _ := token.(string)
		if err := r.decodeMember(decoder, prefix, name); err != nil {
			return err
		}
	}

	_, err := decoder.Token()

	return err //nolint:wrapcheck // as above
}

func (r *record) decodeMember(decoder *json.Decoder, prefix, name string) error {
	found := member{name: prefix + name, column: r.valueColumn(int(decoder.InputOffset()))}

	token, err := decoder.Token()
	if err != nil {
		return err //nolint:wrapcheck // as above
	}

	switch value := token.(type) {
	case string:
		found.kind, found.value = kindText, value
	case json.Number:
		found.kind, found.value = kindNumber, value.String()
	case json.Delim:
		if value == '{' && prefix == "" {
			found.kind = kindObject
			if !r.add(found) {
				return skip(decoder)
			}

			return r.decodeObject(decoder, name+".")
		}

		if err := skip(decoder); err != nil {
			return err
		}
	}

	// A point in a name would pass for an object's member.
	if strings.Contains(name, ".") {
		r.refuseUnknown(&found)

		return nil
	}

	r.add(found)

	return nil
}

// add tells whether the member is the first of its name.
func (r *record) add(found member) bool {
	if r.find(found.name) != nil {
		r.note(fault.Fault{
			Column: found.column, Value: fault.Printable([]byte(found.name)), Code: fault.CodeDuplicate,
			Reason: "is a member that comes twice",
		})

		return false
	}

	r.members = append(r.members, found)

	return true
}

// skip reads up to the bracket that closes the one read before.
func skip(decoder *json.Decoder) error {
	for depth := 1; depth > 0; {
		token, err := decoder.Token()
		if err != nil {
			return err //nolint:wrapcheck // cannot be, as above
		}

		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}

	return nil
}

// valueColumn gives the column of the value behind the name that ends at a byte.
func (r *record) valueColumn(after int) int {
	rest := bytes.TrimLeft(r.raw[after:], " \t\r:")

	return lines.Column(r.raw, len(r.raw)-len(rest))
}

func (r *record) find(name string) *member {
	for i := range r.members {
		if r.members[i].name == name {
			return &r.members[i]
		}
	}

	return nil
}

// take gives a member of that kind and remembers that it was asked for; nil, with a fault, when it is missing or of another
// kind.
func (r *record) take(name string, wanted kind, called string) *member {
	found := r.find(name)
	if found == nil {
		r.note(fault.Fault{Field: name, Reason: "is missing", Code: fault.CodeMissing})

		return nil
	}

	found.taken = true

	if found.kind != wanted {
		r.note(fault.Fault{Column: found.column, Field: name, Reason: "must be " + called, Code: fault.CodePattern})

		return nil
	}

	return found
}

// refuse notes a fault of a member that has a value, once for each member.
func (r *record) refuse(name string, code fault.Code, reason string) {
	for i := range r.faults {
		if r.faults[i].Field == name {
			return
		}
	}

	refused := fault.Fault{Field: name, Code: code, Reason: reason}

	if found := r.find(name); found != nil {
		refused.Column = found.column

		if name != fieldLabel && name != fieldAccount { // may hold a person's name, or an IBAN where a code is wanted
			refused.Value = fault.Printable([]byte(found.value))
		}
	}

	r.note(refused)
}

func (r *record) note(found fault.Fault) {
	found.Line = r.number
	r.faults = append(r.faults, found)
}

// refuseRest notes the members that nobody asked for.
func (r *record) refuseRest() {
	for i := range r.members {
		if found := &r.members[i]; !found.taken {
			r.refuseUnknown(found)
		}
	}
}

func (r *record) refuseUnknown(found *member) {
	r.note(fault.Fault{
		Column: found.column, Value: fault.Printable([]byte(found.name)), Code: fault.CodeUnknown,
		Reason: "is not a member of this line",
	})
}

// object takes an object, whose members are taken by themselves.
func (r *record) object(name string) { r.take(name, kindObject, "an object") }

// text takes a string that is not blank.
func (r *record) text(name string, limit int) string {
	found := r.take(name, kindText, "a string")

	switch {
	case found == nil:
		return ""
	case strings.TrimSpace(found.value) == "":
		r.refuse(name, fault.CodeMissing, "is empty")
	case utf8.RuneCountInString(found.value) > limit:
		r.refuse(name, fault.CodeTooLong, "is longer than "+strconv.Itoa(limit)+" characters")
	case !lines.Clean([]byte(found.value)) || strings.ContainsRune(found.value, utf8.RuneError):
		r.refuse(name, fault.CodeControl, "holds a control character or half a character")
	}

	return found.value
}

// count takes a number of things, zero to most.
func (r *record) count(name string, most int) int {
	found := r.take(name, kindNumber, "a number")
	if found == nil {
		return 0
	}

	value, err := strconv.Atoi(found.value)
	if err != nil || value < 0 || value > most {
		r.refuse(name, fault.CodePattern, "must be a whole number, 0 to "+strconv.Itoa(most))

		return 0
	}

	return value
}

// textAmount takes an amount that stands in a string.
func (r *record) textAmount(name string) money.Cents {
	return r.amount(r.take(name, kindText, "a string"))
}

// numberAmount takes an amount that is a number, exactly: never as a float.
func (r *record) numberAmount(name string) money.Cents {
	return r.amount(r.take(name, kindNumber, "a number"))
}

func (r *record) amount(found *member) money.Cents {
	if found == nil {
		return 0
	}

	cents, err := money.Parse(found.value)
	if err != nil {
		r.refuse(found.name, fault.CodeAmount, "must be euros with at most two decimal places, no exponent, at most "+money.Max.String())
	}

	return cents
}

// instant takes an instant, which it gives in Europe/Paris.
func (r *record) instant(name string) time.Time {
	found := r.take(name, kindText, "a string")
	if found == nil {
		return time.Time{}
	}

	instant, ok := parseInstant(found.value)
	if !ok {
		r.refuse(name, fault.CodeDate, "must be an instant of the years 2000 to 2099 with its offset, as 2006-01-02T15:04:05.000+0100")
	}

	return instant
}
