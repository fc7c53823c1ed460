// Package systempay speaks SystemPay's form API, version V2: it builds the signed form by which a shop asks a buyer for a
// card payment, takes in the signed notification by which SystemPay tells what became of it, and says what that is worth.
// It stores nothing and calls nobody.
package systempay

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxBody is the largest notification read, in bytes. A real one has about 70 fields in 4 KB; what reads it from the
	// network stops there too.
	MaxBody = 512 << 10
	// MaxFields is how many fields a notification may have. A real one has about 70; each product of the order adds five.
	MaxFields = 2000

	version        = "V2" // of the protocol
	prefix         = "vads_"
	signatureField = "signature"
	siteField      = "vads_site_id"
	modeField      = "vads_ctx_mode"
	stamp          = "20060102150405" // layout of an instant, in UTC
	compactDay     = "20060102"       // layout of its day
)

// Mode tells payments that are real from those that are not.
type Mode string

// The modes.
const (
	Test       Mode = "TEST"
	Production Mode = "PRODUCTION"
)

// Field is one input of a form. Its name begins with vads_.
type Field struct {
	Name, Value string
}

// FieldError says which field, of a form or of a shop's settings, cannot be as it is. It repeats no value, which could name
// a buyer.
type FieldError struct {
	Field  string // a name such as vads_amount, or of a setting
	Reason string // what is wrong, and what to do, for a person to read
}

// Error names the field and the reason.
func (e *FieldError) Error() string { return "SystemPay: " + e.Field + " " + e.Reason }

func refuse(field, reason string) error { return &FieldError{Field: field, Reason: reason} }

// checkText is nil for a value that a form may hold: at most limit characters of UTF-8 on one line, without the angle
// brackets that SystemPay refuses.
func checkText(field, value string, limit int) error {
	switch {
	case !utf8.ValidString(value):
		return refuse(field, "is not UTF-8: convert it")
	case utf8.RuneCountInString(value) > limit:
		return refuse(field, "is longer than "+strconv.Itoa(limit)+" characters: shorten it")
	case strings.ContainsAny(value, "<>"):
		return refuse(field, "has a < or a >, which SystemPay refuses: take it out")
	case strings.ContainsFunc(value, unicode.IsControl):
		return refuse(field, "has a control character, such as the end of a line: take it out")
	default:
		return nil
	}
}
