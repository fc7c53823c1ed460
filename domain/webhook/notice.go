package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Event is what happened to a transfer.
type Event string

// The events.
const (
	Completed Event = "TRANSFER_COMPLETED"
	Failed    Event = "TRANSFER_FAILED"
)

// Direction is which way a file went, as the product's side sees it.
type Direction string

// The directions.
const (
	Send    Direction = "SEND"
	Receive Direction = "RECEIVE"
)

// Notice is what a webhook says.
type Notice struct {
	Event Event
	// At is the product's time.
	At       time.Time
	Transfer Transfer
	// Key is the same for a body that comes again, and no other's: the SHA-256 of
	// its bytes, 64 hexadecimal digits.
	Key string
}

// Transfer is the one that a notice is about. The path that the product names
// besides is left out: no file is opened because a caller names it.
type Transfer struct {
	ID        string // 1 to 64 letters, digits and hyphens
	Direction Direction
	Filename  string // 1 to 64 letters, digits, dots, hyphens and underscores
	Bytes     int64  // 0 for one that failed and of which no size is said
}

var (
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	sizePattern = regexp.MustCompile(`^(0|[1-9]\d{0,17})$`)
)

// Parse reads a body. Every member is there once, under its exact name, and no
// other one is; the size and the path may be missing where the transfer failed.
// The error wraps ErrPayload and names the member.
func Parse(body []byte) (Notice, error) {
	if len(body) > MaxBody {
		return Notice{}, ErrTooLong
	}
	if !utf8.Valid(body) {
		return Notice{}, fmt.Errorf("%w: not UTF-8", ErrPayload)
	}
	outer, err := readObject(body, "the body", "event", "timestamp", "transfer")
	if err != nil {
		return Notice{}, err
	}
	inner, err := readObject(outer.members["transfer"], "transfer", "id", "direction", "filename", "localPath", "size")
	if err != nil {
		return Notice{}, err
	}
	sum := sha256.Sum256(body)
	notice := Notice{
		Event: Event(outer.text("event")),
		At:    outer.instant("timestamp"),
		Transfer: Transfer{
			ID: inner.text("id"), Direction: Direction(inner.text("direction")), Filename: inner.text("filename"),
		},
		Key: hex.EncodeToString(sum[:]),
	}
	if inner.has("localPath") {
		_ = inner.text("localPath") // a text like the others
	}
	if inner.has("size") || notice.Event == Completed {
		notice.Transfer.Bytes = inner.size("size")
	}
	if err := errors.Join(outer.err, inner.err); err != nil {
		return Notice{}, err
	}
	if err := notice.check(); err != nil {
		return Notice{}, err
	}
	return notice, nil
}

// check is nil when the values are among those that were agreed.
func (n *Notice) check() error {
	for _, value := range []struct {
		member string
		right  bool
	}{
		{"event", n.Event == Completed || n.Event == Failed},
		{"transfer.id", idPattern.MatchString(n.Transfer.ID)},
		{"transfer.direction", n.Transfer.Direction == Send || n.Transfer.Direction == Receive},
		{"transfer.filename", namePattern.MatchString(n.Transfer.Filename)},
	} {
		if !value.right {
			return fmt.Errorf("%w: a value of %s that it cannot have", ErrPayload, value.member)
		}
	}
	return nil
}

// object is a JSON object's members, and the first that was not what was asked for.
type object struct {
	where   string
	members map[string]json.RawMessage
	err     error
}

// readObject reads one object, and nothing after it, whose members are among the known ones.
func readObject(raw []byte, where string, known ...string) (*object, error) {
	read := &object{where: where, members: make(map[string]json.RawMessage, len(known))}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, fmt.Errorf("%w: %s is no JSON object", ErrPayload, where)
	}
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			return nil, fmt.Errorf("%w: %s breaks off or is malformed", ErrPayload, where)
		}
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%w: an unknown member in %s", ErrPayload, where)
		}
		if read.has(name) {
			return nil, fmt.Errorf("%w: %s twice in %s", ErrPayload, name, where)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("%w: %s of %s breaks off or is malformed", ErrPayload, name, where)
		}
		read.members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("%w: %s breaks off or is malformed", ErrPayload, where)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows %s", ErrPayload, where)
	}
	return read, nil
}

func (o *object) has(name string) bool {
	_, found := o.members[name]
	return found
}

func (o *object) fail(name, want string) {
	if o.err == nil {
		o.err = fmt.Errorf("%w: %s of %s: want %s", ErrPayload, name, o.where, want)
	}
}

func (o *object) text(name string) string {
	var text *string
	if err := json.Unmarshal(o.members[name], &text); err != nil || text == nil {
		o.fail(name, "a text")
		return ""
	}
	return *text
}

func (o *object) instant(name string) time.Time {
	at, err := time.Parse(time.RFC3339, o.text(name))
	if err != nil {
		o.fail(name, "a time with its zone, such as 2026-03-17T10:30:05Z")
	}
	return at
}

func (o *object) size(name string) int64 {
	if !sizePattern.Match(o.members[name]) {
		o.fail(name, "a whole number of bytes")
		return 0
	}
	size, err := strconv.ParseInt(string(o.members[name]), 10, 64)
	if err != nil {
		o.fail(name, "a whole number of bytes")
	}
	return size
}
