package iban

import (
	"errors"
	"regexp"
	"strings"
)

// accountLike is a word, or words of four characters as IBANs are printed, that may be an account.
var accountLike = regexp.MustCompile(`\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b`)

// ours is an identifier of ours, a UUID without dashes, or that of a block of its bulk: both may begin as an IBAN does.
var ours = regexp.MustCompile(`^[0-9a-f]{32}(?:[0-9a-z]{3})?$`)

// MaskIn masks what may be an IBAN in a text, right or wrong: identifiers and labels of banks may hold them. What begins
// with the name of no country that has IBANs stays, as banks give identifiers of such a shape.
func MaskIn(text string) string {
	return accountLike.ReplaceAllStringFunc(text, func(found string) string {
		bare := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(found))

		err := Check(bare)
		if ours.MatchString(found) || errors.Is(err, ErrShape) || errors.Is(err, ErrCountry) {
			return found
		}

		return Mask(bare)
	})
}
