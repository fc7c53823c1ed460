// Package delivery tells what a file is that somebody brought: by its content, as neither its name nor who brought it
// proves anything. It controls such a file whole, as its reader will, before anybody counts on it.
package delivery

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
)

// Kind is what a file is for: who reads it.
type Kind string

// The kinds.
const (
	Statement    Kind = "STATEMENT"    // statements of the EP's accounts
	Report       Kind = "REPORT"       // what the bank did with our orders: a report on a bulk, or on a lot of rejects
	Notification Kind = "NOTIFICATION" // the detail of lots of rejects
	CRE          Kind = "CRE"          // card transactions, or unpaids, of a settlement
	Merchants    Kind = "MERCHANTS"    // a snapshot of the merchants
	Payline      Kind = "PAYLINE"      // requests of payouts
)

// Kinds lists them all.
func Kinds() []Kind { return []Kind{Statement, Report, Notification, CRE, Merchants, Payline} }

// Valid tells whether k is one of them.
func (k Kind) Valid() bool { return slices.Contains(Kinds(), k) }

// Format is what a file's content is: one of [bankfile.Format], [XML], or one of the formats below, in the form of our own
// or in that of a site's layout. It is empty for what nobody here knows.
type Format string

// The formats beside those of banks' files.
const (
	FormatCRE       Format = settlement.Format
	FormatMerchants Format = merchant.Format
	FormatPayline   Format = payline.Format

	// XML is that of a document which is no message of ISO 20022, or which cannot be read so far as to tell.
	XML Format = "XML"
)

// Kind is the kind of a format's files, empty for those that nobody sends us: orders, XML, and what is not known.
func (f Format) Kind() Kind {
	switch of := bankfile.Format(f); {
	case f == FormatCRE:
		return CRE
	case f == FormatMerchants:
		return Merchants
	case f == FormatPayline:
		return Payline
	case of.Is("camt.053"), of == bankfile.CFONB120:
		return Statement
	case of.Is("pain.002"):
		return Report
	case of.Is("camt.054"), of == bankfile.CFONB240:
		return Notification
	default:
		return ""
	}
}

// Files of these kinds are found by names that carry their number in their sender's sequence.
var (
	merchantsName = regexp.MustCompile(`^Merchants\.(\d{1,9})\.csv$`)
	paylineName   = regexp.MustCompile(`^Payline\.(\d{1,9})\.txt$`)
)

// Number is the number that a file of a numbered kind carries in its name; found is false for any other name or kind.
func (k Kind) Number(name string) (number int, found bool) {
	var parts []string

	switch k { //nolint:exhaustive // the others have no numbers
	case Merchants:
		parts = merchantsName.FindStringSubmatch(name)
	case Payline:
		parts = paylineName.FindStringSubmatch(name)
	}

	if parts == nil {
		return 0, false
	}

	number, err := strconv.Atoi(parts[1])

	return number, err == nil
}

// NameWanted says how files of a numbered kind are called, and is empty for the others, whose names say nothing.
func (k Kind) NameWanted() string {
	switch k {
	case Merchants:
		return "Merchants.<number>.csv"
	case Payline:
		return "Payline.<number>.txt"
	default:
		return ""
	}
}
