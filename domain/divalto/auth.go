package divalto

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// Secret is a password, or the token that an authentication gives. It prints as a
// mask and is never looked into: what it holds is the ERP's affair.
type Secret string

const mask = "(hidden)"

// String gives a mask.
func (s Secret) String() string {
	if s == "" {
		return ""
	}

	return mask
}

// Format writes a mask, whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }

// MarshalText gives a mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Credentials is what the ERP knows its user by.
type Credentials struct {
	User     string
	Password Secret
	Domain   string // on premises only; empty elsewhere
	Env      string // on premises only; empty elsewhere
}

// Auth gives the body of an authentication. It holds the password: it is not to be
// logged or kept.
func Auth(c Credentials) []byte {
	return encoded(struct {
		User     string `json:"user"`
		Password string `json:"password"`
		Domain   string `json:"domain,omitempty"`
		Env      string `json:"env,omitempty"`
	}{c.User, c.Password.Reveal(), c.Domain, c.Env})
}

// Execute gives the body of a call: param, as [Param] writes it, is in it as a
// string. It holds the token: it is not to be logged or kept.
func Execute(token Secret, param string) []byte {
	return encoded(struct {
		Action string `json:"action"`
		Token  string `json:"access_token"`
		Param  string `json:"param"`
	}{Action, token.Reveal(), param})
}

// AuthError is an authentication that gave no token: nothing was sent, the class
// is AuthFailed.
type AuthError struct {
	Code string // what the ERP gave as its error; empty when its reply could not be read
	Text string // what the ERP says of it, at most MaxText bytes
}

// Error gives the ERP's code and text.
func (e *AuthError) Error() string {
	if e.Code == "" {
		return "the ERP's authentication answered something that cannot be read: check its address"
	}

	return "the ERP refused to authenticate, error " + strconv.Quote(e.Code) + ", text " + strconv.Quote(e.Text) +
		": check user, password, domain and environment"
}

// ReadAuth gives the token that an authentication answered. The error is an
// *AuthError.
func ReadAuth(body []byte) (Secret, error) {
	if len(body) > MaxReply {
		return "", &AuthError{}
	}

	leaves, err := flatten(bytes.TrimPrefix(body, []byte(byteOrderMark)))
	if err != nil {
		return "", &AuthError{}
	}

	text := leaves.first("txterr", "txterror")

	code, known := leaves.errorCode()
	if known && code != noError {
		return "", &AuthError{Code: code, Text: text}
	}

	token, given := leaves.text("access_token")
	if !given || token == "" {
		return "", &AuthError{Code: code, Text: clip("no access_token in the reply. " + text)}
	}

	return Secret(token), nil
}
