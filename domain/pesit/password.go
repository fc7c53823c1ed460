package pesit

import (
	"fmt"
	"io"
)

// Password is what one partner proves itself with to the other. It never shows
// in a text, whatever the verb.
type Password string

const hidden = "[password]"

// Format hides it.
func (p Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String hides it.
func (p Password) String() string { return hidden }

// MarshalText hides it.
func (p Password) MarshalText() ([]byte, error) { return []byte(hidden), nil }
