// Package siret checks the SIRET, the fourteen-digit number of an establishment in the French register of businesses
// (article R123-221 of the Code de commerce): the SIREN of its company, then five digits of its own.
package siret

import "errors"

// Length is the number of digits of a SIRET.
const Length = 14

// LaPoste is the SIREN of La Poste. It has more establishments than Luhn's formula leaves numbers for: theirs satisfy it,
// or have digits whose sum is a multiple of five.
const LaPoste = "356000000"

const (
	base          = 10 // Luhn's formula works modulo ten
	laPosteFactor = 5
)

var (
	// ErrShape says that the text is not fourteen digits.
	ErrShape = errors.New("must be 14 digits")
	// ErrLuhn says that the check digit is wrong.
	ErrLuhn = errors.New("has a wrong check digit (Luhn)")
)

// Check gives no error for a well-formed SIRET, ErrShape or ErrLuhn otherwise. It does not allocate.
func Check[T string | []byte](siret T) error {
	if len(siret) != Length {
		return ErrShape
	}

	plain, luhn := 0, 0

	for i := range Length {
		digit := int(siret[i] - '0')
		if siret[i] < '0' || siret[i] > '9' {
			return ErrShape
		}

		plain += digit
		luhn += digit

		if i%2 == 0 { // every second digit from the right counts double, and its own digits are added up
			luhn += digit
			if digit >= base/2 {
				luhn -= base - 1
			}
		}
	}

	if luhn%base == 0 || plain%laPosteFactor == 0 && string(siret[:len(LaPoste)]) == LaPoste {
		return nil
	}

	return ErrLuhn
}

// CheckDigit gives the digit that completes number into one that Luhn's formula accepts. Every byte of number must be a
// digit.
func CheckDigit[T string | []byte](number T) byte {
	sum := 0

	for i := range len(number) {
		digit := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			digit *= 2
			if digit >= base {
				digit -= base - 1
			}
		}

		sum += digit
	}

	return '0' + byte((base-sum%base)%base)
}
