// Package webhook reads the calls by which a file transfer product says what
// became of a transfer: a signature over the bytes as they came, then a JSON
// document in which nothing is missing, repeated or unknown.
//
// What is read is a hint: it says which transfer to ask about, and proves nothing
// of it.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// DefaultHeader is the header that holds the signature, unless the product
	// was told another one.
	DefaultHeader = "X-Webhook-Signature"
	// MaxBody is the longest body, in bytes: the longest fields come to less than
	// a tenth of it.
	MaxBody = 64 << 10
	// Window is how far the time in a body may be from now, before or after:
	// enough for clocks that differ and for the product's next attempts, too
	// short for what was recorded to be played again on another day.
	Window = 5 * time.Minute
	// MinSecret is the shortest secret, in bytes: below it, a signature that was
	// recorded gives the secret away to who tries them all.
	MinSecret = 16
)

// signaturePrefix names the algorithm before the digits.
const signaturePrefix = "sha256="

// The errors of [Read], in the order in which they are found.
var (
	// ErrSecret is no secret: the caller has to correct its settings.
	ErrSecret = fmt.Errorf("the secret of webhooks has less than %d bytes: correct the settings", MinSecret)
	// ErrTooLong is a body beyond [MaxBody].
	ErrTooLong = fmt.Errorf("a webhook's body is beyond the limit of %d bytes", MaxBody)
	// ErrSignature is a signature that is missing, or not that of the body: it
	// comes from somebody else, or was changed on the way.
	ErrSignature = errors.New("a webhook's signature is not that of its body: refuse it")
	// ErrPayload is a body that is signed and says something else than agreed.
	ErrPayload = errors.New("a webhook's body is not as agreed")
	// ErrStale is a body whose time is too far from now.
	ErrStale = fmt.Errorf("a webhook's time is more than %s from now: it is played again, or a clock is wrong", Window)
)

// Secret is what the product signs with. It prints as a mask.
type Secret string

const mask = "(hidden)"

// String gives a mask.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString gives a mask.
func (s Secret) GoString() string { return s.String() }

// MarshalText gives a mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal gives the secret itself, for the one who registers a webhook with it.
func (s Secret) Reveal() string { return string(s) }

// Read gives what a webhook says, when its signature is that of the body and its
// time is within [Window] of now. The errors are those of this package; they
// repeat nothing of the body.
func Read(secret Secret, signature string, body []byte, now time.Time) (Notice, error) {
	if err := Verify(secret, signature, body); err != nil {
		return Notice{}, err
	}
	notice, err := Parse(body)
	if err != nil {
		return Notice{}, err
	}
	if notice.At.Sub(now).Abs() > Window {
		return Notice{}, ErrStale
	}
	return notice, nil
}

// Verify is nil when the signature, `sha256=` and the HMAC-SHA256 of the body in
// 64 hexadecimal digits, was made with the secret. How long it takes says nothing
// of the right signature. The errors are ErrSecret, ErrTooLong and ErrSignature.
func Verify(secret Secret, signature string, body []byte) error {
	if len(secret) < MinSecret {
		return ErrSecret
	}
	if len(body) > MaxBody {
		return ErrTooLong
	}
	digits, prefixed := strings.CutPrefix(signature, signaturePrefix)
	if !prefixed || len(digits) != hex.EncodedLen(sha256.Size) {
		return ErrSignature
	}
	given, err := hex.DecodeString(digits)
	if err != nil {
		return ErrSignature // what stands there helps nobody but who made it up
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash takes everything
	if !hmac.Equal(mac.Sum(nil), given) {
		return ErrSignature
	}
	return nil
}
