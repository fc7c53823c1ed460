package systempay

import (
	"fmt"
	"io"
)

const (
	// minKey and maxKey bound a key, in characters. SystemPay gives out 16: a shorter one was cut when it was copied.
	minKey = 16
	maxKey = 64
)

// Key is what a shop and SystemPay sign with, one a mode; the zero value is none, and verifies nothing. It never shows in a
// text, whatever the verb, nor does it inside of whatever holds it: fmt reads what is not exported, but follows no pointers
// there.
type Key struct{ secret *string }

const hidden = "[hidden]"

// NewKey takes a key as SystemPay's back office shows it. An empty one gives none.
func NewKey(secret string) Key {
	if secret == "" {
		return Key{}
	}

	return Key{&secret}
}

// IsZero tells whether there is none.
func (k Key) IsZero() bool { return k.secret == nil }

// Format hides it.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText hides it.
func (k Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

func (k Key) reveal() string {
	if k.secret == nil {
		return ""
	}

	return *k.secret
}

func (k Key) check(field string) error {
	secret := k.reveal()
	if len(secret) < minKey || len(secret) > maxKey {
		return refuse(field, "has not 16 to 64 characters: copy it whole from SystemPay's back office")
	}

	for _, char := range secret {
		if char <= ' ' || char > '~' {
			return refuse(field, "has a space or another character that no key has: copy it again from SystemPay's back office")
		}
	}

	return nil
}
