package console

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// Role is what somebody may do. Everything here is to be looked at only, and both
// may look at all of it.
type Role string

// The roles.
const (
	Auditor  Role = "auditor"
	Operator Role = "operator"
)

// Limits of keys.
const (
	// MinKey and MaxKey bound a key, in characters: the shortest are 16 random bytes in
	// hexadecimal digits.
	MinKey = 32
	MaxKey = 256
	// maxKeys is far above those who look at payments: each key that is shown is
	// compared with all of them.
	maxKeys = 1000
	// maxKeysFile is the longest file, in bytes: as many lines, comments among them.
	maxKeysFile = maxKeys * 200
)

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
	sumPattern  = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// key is somebody's, of which we know the sum only.
type key struct {
	name string
	role Role
	sum  [sha256.Size]byte
}

// Keys are those of the people and programs that may look.
type Keys struct {
	keys []key
}

// ReadKeys reads a file of keys: one line each, name:role:sha256 of the key in
// hexadecimal digits; empty lines and those that begin with # count for nothing.
// The error names the line, and repeats nothing of it.
func ReadKeys(path string) (Keys, error) {
	file, err := os.Open(path)
	if err != nil {
		return Keys{}, fmt.Errorf("read the keys: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(file, maxKeysFile+1))
	if err != nil {
		return Keys{}, fmt.Errorf("read the keys: %w", err)
	}
	if len(content) > maxKeysFile {
		return Keys{}, fmt.Errorf("%s: has more than %d bytes, and is no file of keys", path, maxKeysFile)
	}
	keys, err := ParseKeys(content)
	if err != nil {
		return Keys{}, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// ParseKeys reads the content of a file of keys, as [ReadKeys] does.
func ParseKeys(content []byte) (Keys, error) {
	var read Keys
	number := 0
	for line := range bytes.Lines(content) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		next, err := parseKey(text)
		if err == nil {
			err = read.differs(&next)
		}
		if err != nil {
			return Keys{}, fmt.Errorf("line %d: %w", number, err)
		}
		read.keys = append(read.keys, next)
	}
	if len(read.keys) == 0 {
		return Keys{}, errors.New("holds no key: write one line name:role:sha256 for each who may look")
	}
	return read, nil
}

func parseKey(text string) (key, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return key{}, errors.New("must be name:role:sha256")
	}
	next := key{name: parts[0], role: Role(parts[1])}
	if !namePattern.MatchString(next.name) {
		return key{}, errors.New("the name must have 1 to 64 letters, digits, dots, hyphens, _ and @, and begin with one of the first two")
	}
	if next.role != Auditor && next.role != Operator {
		return key{}, errors.New("the role must be " + string(Auditor) + " or " + string(Operator))
	}
	if !sumPattern.MatchString(parts[2]) {
		return key{}, errors.New("the sum must have 64 hexadecimal digits: that of printf %s \"$key\" | sha256sum")
	}
	if _, err := hex.Decode(next.sum[:], []byte(parts[2])); err != nil {
		return key{}, fmt.Errorf("read the sum: %w", err)
	}
	return next, nil
}

// differs is nil for a key that is nobody else's.
func (k *Keys) differs(next *key) error {
	if len(k.keys) == maxKeys {
		return fmt.Errorf("is beyond the %d keys that there may be", maxKeys)
	}
	for i := range k.keys {
		if k.keys[i].name == next.name {
			return errors.New("the name stands on a line before: give each its own")
		}
		if k.keys[i].sum == next.sum {
			return errors.New("the key is somebody else's already: make a new one")
		}
	}
	return nil
}

// holder finds whose a key is, in a time that does not depend on it.
func (k *Keys) holder(shown string) (Person, bool) {
	sum := sha256.Sum256([]byte(shown))
	found := -1
	for i := range k.keys {
		if subtle.ConstantTimeCompare(k.keys[i].sum[:], sum[:]) == 1 {
			found = i
		}
	}
	if found < 0 || len(shown) < MinKey || len(shown) > MaxKey {
		return Person{}, false
	}
	return Person{Name: k.keys[found].name, Role: k.keys[found].role, By: byKey}, true
}
