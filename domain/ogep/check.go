package ogep

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxTextRunes is the longest text of an event, in characters; what the reference shows is under 70.
	MaxTextRunes = 255
	// MaxIdentifierBytes is the longest identifier of a bank account, an IBAN's 34 characters and one to spare.
	MaxIdentifierBytes = 35

	endToEndIDDigits = 16
	siretDigits      = 14
)

// ValidationError says which field of an event may not be written, and why. It never repeats the value, which may be an
// IBAN or a name.
type ValidationError struct {
	Subject string // type of the event, or "stamp", or "globalTransaction"
	Field   string // path of the field: "orders[2].creditorIban"
	Reason  string // what is wanted, for a person to read
}

// Error names the subject, the field and the reason.
func (e *ValidationError) Error() string {
	return fmt.Sprintf("OG-EP %s: %s: %s", e.Subject, e.Field, e.Reason)
}

// check keeps the first rule that failed.
type check struct {
	field, reason string
}

func (c *check) that(ok bool, field, reason string) {
	if !ok && c.reason == "" {
		c.field, c.reason = field, reason
	}
}

// element takes over the failure found inside the nth element of a list.
func (c *check) element(list string, n int, inner check) {
	if inner.reason != "" {
		c.that(false, list+"["+strconv.Itoa(n)+"]."+inner.field, inner.reason)
	}
}

func (c *check) inside(object string, inner check) {
	if inner.reason != "" {
		c.that(false, object+"."+inner.field, inner.reason)
	}
}

func (c *check) failure(subject string) error {
	if c.reason == "" {
		return nil
	}

	return &ValidationError{Subject: subject, Field: c.field, Reason: c.reason}
}

// text accepts what may be shown to people, empty or not.
func (c *check) text(field, value string) {
	c.that(utf8.ValidString(value), field, "not UTF-8")
	c.that(len(value) <= MaxTextRunes || utf8.RuneCountInString(value) <= MaxTextRunes, field, "longer than 255 characters")
}

func (c *check) filled(field, value string) {
	c.that(value != "", field, "missing")
	c.text(field, value)
}

func (c *check) instant(field string, value time.Time) {
	c.that(!value.IsZero(), field, "missing")

	year := value.UTC().Year()
	c.that(minYear <= year && year <= maxYear, field, "want an instant of the years 2000 to 2099")
}

func (c *check) amount(field string, value money.Cents) {
	c.that(-money.Max <= value && value <= money.Max, field, money.ErrOverflow.Error())
}

// paymentAccount accepts the identifiers of the merchants' file.
func (c *check) paymentAccount(field, value string) {
	c.that(isPaymentAccount(value), field, "want two characters among 0-9 and A-Z, then eight digits")
}

// anyAccount accepts payment accounts and the three bank accounts, whose identifiers the bank chooses.
func (c *check) anyAccount(field, value string) {
	c.that(value != "" && len(value) <= MaxIdentifierBytes && all(value, isIdentifierByte), field,
		"want 1 to 35 letters, digits, '.', '_' or '-'")
}

func (c *check) endToEndID(field, value string) {
	c.that(len(value) == endToEndIDDigits && all(value, isDigit), field, "want sixteen digits")
}

func (c *check) rejectCode(field, value string) {
	const width = 4

	c.that(len(value) == width && all(value, isUpperOrDigit), field, "want an ISO 20022 reason code of four characters")
}

func isPaymentAccount(s string) bool {
	const width, letters = 10, 2

	return len(s) == width && all(s[:letters], isUpperOrDigit) && all(s[letters:], isDigit)
}

// isIBAN checks the shape of ISO 13616 only: country, check digits, 11 to 30 characters. Orders are checked in full before
// they become events.
func isIBAN(s string) bool {
	const minLength, maxLength, country, head = 15, 34, 2, 4

	return len(s) >= minLength && len(s) <= maxLength && all(s[:country], isUpper) && all(s[country:head], isDigit) &&
		all(s[head:], isUpperOrDigit)
}

// isBIC checks the shape of ISO 9362: eight or eleven characters.
func isBIC(s string) bool {
	const short, long, party, country = 8, 11, 4, 6

	return (len(s) == short || len(s) == long) && all(s[party:country], isUpper) && all(s, isUpperOrDigit)
}

func all(s string, class func(byte) bool) bool {
	for i := range len(s) {
		if !class(s[i]) {
			return false
		}
	}

	return true
}

func isDigit(b byte) bool        { return '0' <= b && b <= '9' }
func isUpper(b byte) bool        { return 'A' <= b && b <= 'Z' }
func isUpperOrDigit(b byte) bool { return isDigit(b) || isUpper(b) }
func isIdentifierByte(b byte) bool {
	return isUpperOrDigit(b) || 'a' <= b && b <= 'z' || b == '.' || b == '_' || b == '-'
}
