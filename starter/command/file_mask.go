package command

import (
	"strings"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
)

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
func plain(text string) string { return fault.Printable([]byte(iban.MaskIn(text))) }
