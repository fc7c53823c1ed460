package pesit

import (
	"fmt"
	"io"
)

// Password is what one partner proves itself with to the other; the zero value
// is none. It never shows in a text, whatever the verb, nor does it inside of
// whatever holds it: fmt reads what is not exported, but follows no pointers there.
type Password struct{ secret *string }

const hidden = "[password]"

// NewPassword takes a password of 16 characters at most.
func NewPassword(secret string) Password { return Password{&secret} }

// reveal is the password itself.
func (p Password) reveal() string {
	if p.secret == nil {
		return ""
	}
	return *p.secret
}

// Format hides it.
func (p Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText hides it.
func (p Password) MarshalText() ([]byte, error) { return []byte(hidden), nil }
