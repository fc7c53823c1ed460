package vacation

import (
	"fmt"
	"strings"
)

// ID names one session for ever: the vacation's kind and its key, which is the
// settlement's reference for the three règlements and the business date (with a
// run where one day has several) for the others. Its text is the Temporal
// workflow id and the scope under which the session's effects are unique.
type ID struct {
	Kind Kind
	Key  string
}

// keyLengthMax keeps an id, kind included, well inside Temporal's 1,000
// characters and short enough to read in a list.
const keyLengthMax = 64

// NewID makes the id of the session of that kind and key. The key holds
// letters, digits, '-', '_', '.' and, between a date and its run, '/'.
func NewID(kind Kind, key string) (ID, error) {
	id := ID{Kind: kind, Key: key}
	if !kind.Valid() {
		return ID{}, &IDError{Text: string(kind) + "/" + key, Reason: "unknown kind of vacation"}
	}
	if key == "" || len(key) > keyLengthMax {
		return ID{}, &IDError{Text: id.String(), Reason: fmt.Sprintf("a key has 1 to %d characters", keyLengthMax)}
	}
	for i := range len(key) {
		if !isKeyByte(key[i]) {
			return ID{}, &IDError{Text: id.String(), Reason: "a key holds letters, digits, '-', '_', '.' and '/' only"}
		}
	}
	return id, nil
}

// ParseID reads what [ID.String] wrote.
func ParseID(text string) (ID, error) {
	kind, key, found := strings.Cut(text, "/")
	if !found {
		return ID{}, &IDError{Text: text, Reason: "want <kind>/<key>"}
	}
	return NewID(Kind(kind), key)
}

// String is the id's one text, `<kind>/<key>`.
func (id ID) String() string {
	return string(id.Kind) + "/" + id.Key
}

// IDError says why a text is no id of a vacation.
type IDError struct {
	Text   string
	Reason string
}

func (e *IDError) Error() string {
	return fmt.Sprintf("vacation id %q: %s", e.Text, e.Reason)
}

func isKeyByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	default:
		return c == '-' || c == '_' || c == '.' || c == '/'
	}
}
