// Package sepa holds what the European Payments Council asks of a credit transfer, or of a direct debit, beyond the ISO 20022
// schema: the characters of texts, the shape of references, lengths and amounts.
package sepa

import (
	"errors"
	"strings"

	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxName is the longest name of a party, in characters.
	MaxName = 70
	// MaxRemittance is the longest unstructured remittance information, in characters.
	MaxRemittance = 140
	// MaxReference is the longest reference or identifier, in characters: an ISO 20022 Max35Text.
	MaxReference = 35

	// MinAmount is the smallest amount of a transfer or a direct debit, 0.01 EUR.
	MinAmount money.Cents = 1
	// MaxAmount is the largest amount of a transfer or a direct debit, 999,999,999.99 EUR.
	MaxAmount money.Cents = 99_999_999_999
)

// What is wrong with a reference.
var (
	// ErrReferenceLength says that a reference is empty or longer than MaxReference.
	ErrReferenceLength = errors.New("must have 1 to 35 characters")
	// ErrReferenceCharacter says that a reference has a character that SEPA does not carry.
	ErrReferenceCharacter = errors.New("must have no other characters than a-z A-Z 0-9 / - ? : ( ) . , ' + and space")
	// ErrReferenceSlash says that a reference begins or ends with a slash, or has two in a row.
	ErrReferenceSlash = errors.New("must neither begin nor end with '/', nor have '//' inside")
	// ErrReferenceSpace says that a reference begins or ends with a space.
	ErrReferenceSpace = errors.New("must neither begin nor end with a space, which banks strip")
)

// CheckReference gives no error for a reference that a bank repeats as it is, ErrReferenceLength,
// ErrReferenceCharacter, ErrReferenceSlash or ErrReferenceSpace otherwise. A reference is never transliterated: what
// comes back under another one belongs to no order. It does not allocate.
func CheckReference(reference string) error {
	if reference == "" || len(reference) > MaxReference {
		return ErrReferenceLength
	}

	for i := range len(reference) {
		if !Allowed(reference[i]) {
			return ErrReferenceCharacter
		}
	}

	first, last := reference[0], reference[len(reference)-1]

	switch {
	case first == '/' || last == '/' || strings.Contains(reference, "//"):
		return ErrReferenceSlash
	case first == ' ' || last == ' ':
		return ErrReferenceSpace
	default:
		return nil
	}
}

// Allowed tells whether a byte is a character that every bank of SEPA carries: letters and digits of ASCII, space, and
// / - ? : ( ) . , ' +. None of them has a meaning in XML.
func Allowed(char byte) bool { return allowed[char] }

var allowed = func() (set [256]bool) { //nolint:gochecknoglobals // never written; looked up for each byte of a file
	for _, char := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ") {
		set[char] = true
	}

	return set
}()
