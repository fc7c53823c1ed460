// Package iban checks and masks international bank account numbers (ISO 13616).
package iban

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	minLength = 15 // Norway's, the shortest of the register; ISO 13616 allows up to 34 characters

	modulus = 97 // ISO 7064 MOD 97-10

	frenchLength = 27
	shownFirst   = 4 // country and check digits
	shownLast    = 4
)

// shape is the country, the check digits, and a national number that brings the whole to 15 to 34 characters.
var shape = regexp.MustCompile(`^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$`)

var (
	// ErrShape says that the text has not the shape of an IBAN: two capital letters, two digits, then capital letters and
	// digits, without spaces.
	ErrShape = errors.New("must be two capital letters, two digits, then 11 to 30 capital letters and digits, no spaces")
	// ErrLength says that a French IBAN has not 27 characters.
	ErrLength = errors.New("must have 27 characters, as every FR IBAN")
	// ErrChecksum says that the check digits are wrong.
	ErrChecksum = errors.New("has wrong check digits (mod 97)")
)

// Check gives no error for a well-formed IBAN, ErrShape, ErrLength or ErrChecksum otherwise. It does not say that the
// account exists, nor check the national key inside.
func Check(iban string) error {
	if !shape.MatchString(iban) {
		return ErrShape
	}

	if iban[:2] == "FR" && len(iban) != frenchLength {
		return ErrLength
	}

	// Check digits 00, 01 and 99 satisfy the formula as 97, 98 and 02 do, but are never given (ISO 7064).
	if given := iban[2:shownFirst]; given == "00" || given == "01" || given == "99" {
		return ErrChecksum
	}

	if remainder(iban[shownFirst:]+iban[:shownFirst]) != 1 {
		return ErrChecksum
	}

	return nil
}

// CheckDigits gives the two digits that belong between a country and a national account number, both of capital letters
// and digits.
func CheckDigits(country, account string) string {
	return fmt.Sprintf("%02d", modulus+1-remainder(account+country+"00"))
}

// Resembles tells a text that begins as an IBAN does and is long enough for one, spaces and small letters included: it
// must be shown to nobody, right or wrong.
func Resembles(text string) bool {
	return len(text) >= minLength && letter(text[0]) && letter(text[1]) && digit(text[2]) && digit(text[3])
}

// Mask keeps the country, the check digits and the last four characters ("FR76…4052"), which tell two accounts apart on a
// screen and give none away. A text that does not resemble an IBAN is masked whole.
func Mask(text string) string {
	if !Resembles(text) {
		return "…"
	}

	return text[:shownFirst] + "…" + strings.ToValidUTF8(text[len(text)-shownLast:], "")
}

func letter(char byte) bool { return char|0x20 >= 'a' && char|0x20 <= 'z' }

func digit(char byte) bool { return char >= '0' && char <= '9' }

// remainder reads letters as 10 to 35 and gives the whole number modulo 97.
func remainder(text string) int {
	rest := 0

	for i := range len(text) {
		if char := text[i]; char >= 'A' {
			rest = (rest*100 + int(char-'A') + 10) % modulus
		} else {
			rest = (rest*10 + int(char-'0')) % modulus
		}
	}

	return rest
}
