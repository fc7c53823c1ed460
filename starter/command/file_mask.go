package command

import (
	"errors"
	"regexp"
	"strings"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
)

// accountLike is a word, or words of four characters as IBANs are printed, that
// may be an account.
var accountLike = regexp.MustCompile(`\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b`)

// ours is an identifier of ours, a UUID without dashes, or that of a block of
// its bulk: both may begin as an IBAN does.
var ours = regexp.MustCompile(`^[0-9a-f]{32}(?:[0-9a-z]{3})?$`)

// maskAccounts masks what may be an IBAN in a text, right or wrong: identifiers
// and labels of banks may hold them. What begins with the name of no country
// that has IBANs stays, as banks give identifiers of such a shape.
func maskAccounts(text string) string {
	return accountLike.ReplaceAllStringFunc(text, func(found string) string {
		bare := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(found))
		err := iban.Check(bare)
		if ours.MatchString(found) || errors.Is(err, iban.ErrShape) || errors.Is(err, iban.ErrCountry) {
			return found
		}
		return iban.Mask(bare)
	})
}

// maskAccount masks the number of an account: an IBAN, or another one.
func maskAccount(number string) string {
	const shown = 3
	switch {
	case number == "":
		return ""
	case iban.Resembles(number):
		return iban.Mask(number)
	case len(number) <= 2*shown:
		return "…"
	default:
		return "…" + strings.ToValidUTF8(number[len(number)-shown:], "")
	}
}

// plain makes an identifier of a file fit to be shown in a table.
func plain(text string) string { return fault.Printable([]byte(maskAccounts(text))) }
