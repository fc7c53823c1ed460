package systempay

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxReference is how much of a value stands in a notification's own members, in bytes: enough for any reference, and
	// short enough for a database's index. The fields hold the whole.
	MaxReference = 255

	// unmaskedDigits is how many digits in a row make a card's number: those of a card are 12 to 19, and a masked one
	// shows 6 and 4.
	unmaskedDigits = 12

	shownFirst, shownLast = 6, 4 // characters of a card's number that may be kept

	cardField = "vads_card_number"
)

// Operation is which way money goes.
type Operation string

// The operations. A notification that names none is of a debit.
const (
	Debit        Operation = "DEBIT"
	Credit       Operation = "CREDIT"       // given back
	Verification Operation = "VERIFICATION" // of a card; no money
)

// Notification is a message that is SystemPay's, to this shop. Only ParseNotification makes one, so that nothing is believed
// before it is verified. Printed, it shows what Redacted does.
type Notification struct { //nolint:recvcheck // one that is printed or written hides what is the buyer's also as a value
	Shop            string // our name of it
	SiteID          string
	Mode            Mode
	OrderID         string
	CustomerID      string
	TransactionID   string
	TransactionUUID string    // in lower case; empty where SystemPay gives none
	At              time.Time // of the form, in UTC; zero when it cannot be read
	Sequence        int       // of the instalment, or of the try; 0 when it cannot be read
	Operation       Operation
	Status          Status
	Result          string
	ExtraResult     string
	Source          string // on what occasion SystemPay tells, such as PAY, BATCH or RETRY

	fields map[string]string
}

// ParseNotification reads the body of a message that came as a notification to a shop, and verifies it. Fields that are not
// signed are dropped, and a card's number is kept masked only. The error is a *Refusal.
func ParseNotification(body []byte, shop *Shop) (Notification, error) {
	fields, err := parseForm(body)
	if err != nil {
		return Notification{}, err
	}

	if err := verify(fields, shop); err != nil {
		return Notification{}, err
	}

	if err := maskCard(fields); err != nil {
		return Notification{}, err
	}

	maps.DeleteFunc(fields, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })

	n := Notification{
		Shop: shop.Name, SiteID: shop.SiteID, Mode: shop.Mode,
		OrderID: bounded(fields["vads_order_id"]), CustomerID: bounded(fields["vads_cust_id"]),
		TransactionID:   bounded(fields["vads_trans_id"]),
		TransactionUUID: strings.ToLower(bounded(fields["vads_trans_uuid"])),
		Operation:       Operation(bounded(fields["vads_operation_type"])),
		Status:          Status(bounded(fields["vads_trans_status"])),
		Result:          bounded(fields["vads_result"]), ExtraResult: bounded(fields["vads_extra_result"]),
		Source: bounded(fields["vads_url_check_src"]),
		fields: fields,
	}
	if n.Operation == "" {
		n.Operation = Debit
	}

	if at, err := time.Parse(stamp, fields["vads_trans_date"]); err == nil {
		n.At = at
	}

	if sequence, err := strconv.ParseUint(fields["vads_sequence_number"], 10, 16); err == nil {
		n.Sequence = int(sequence)
	}

	return n, nil
}

// parseForm decodes the fields, each of which is there once.
func parseForm(body []byte) (map[string]string, error) {
	malformed := func(name, reason string) error {
		return &Refusal{Outcome: OutcomeMalformed, Field: ours(name), Reason: reason}
	}

	switch {
	case len(body) == 0:
		return nil, malformed("", "is empty")
	case len(body) > MaxBody:
		return nil, malformed("", "is larger than "+strconv.Itoa(MaxBody)+" bytes")
	}

	fields := make(map[string]string)

	for pair := range strings.SplitSeq(string(body), "&") {
		if pair == "" {
			continue
		}

		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)

		if nameErr != nil || valueErr != nil {
			return nil, malformed(name, "is not percent-encoded as a form is")
		}

		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return nil, malformed(name, "is not UTF-8")
		}

		if strings.ContainsRune(name, 0) || strings.ContainsRune(value, 0) {
			return nil, malformed(name, "has a NUL character")
		}

		if _, twice := fields[name]; twice {
			return nil, malformed(name, "is there twice")
		}

		if len(fields) == MaxFields {
			return nil, malformed("", "has more than "+strconv.Itoa(MaxFields)+" fields")
		}

		fields[name] = value
	}

	return fields, nil
}

var oursPattern = regexp.MustCompile(`^(vads_[a-z0-9_]{1,60}|` + signatureField + `)$`)

// ours is the name, when it is one that a message of SystemPay's can have: another could be anything.
func ours(name string) string {
	if oursPattern.MatchString(name) {
		return name
	}

	return ""
}

// verify is nil for fields that SystemPay signed for the shop, in its mode.
func verify(fields map[string]string, shop *Shop) error {
	signature, mode := fields[signatureField], Mode(fields[modeField])

	switch {
	case signature == "":
		return &Refusal{Outcome: OutcomeBadSignature, Field: signatureField, Reason: "is absent"}
	case Verify(fields, signature, shop.Algorithm, shop.Keys.of(shop.Mode)):
	case Verify(fields, signature, shop.Algorithm, shop.Keys.of(mode)):
		// SystemPay's own, and no less refused: said for what it is, so that nobody looks for a wrong key.
		return wrongMode(shop)
	default:
		return &Refusal{
			Outcome: OutcomeBadSignature, Field: signatureField,
			Reason: "is wrong: either it is forged, or the shop's key or algorithm is not that of SystemPay's back office",
		}
	}

	if fields[siteField] != shop.SiteID {
		return &Refusal{
			Outcome: OutcomeWrongShop, Field: siteField,
			Reason: "is not that of shop " + shop.Name + ": set this shop's own address of notification in SystemPay's back office",
		}
	}

	if mode != shop.Mode {
		return wrongMode(shop)
	}

	return nil
}

func wrongMode(shop *Shop) error {
	return &Refusal{
		Outcome: OutcomeWrongMode, Field: modeField,
		Reason: "is not " + string(shop.Mode) + ", the mode of shop " + shop.Name +
			": give the two modes addresses of notification of their own",
	}
}

// maskCard leaves of a card's number what may be kept.
func maskCard(fields map[string]string) error {
	number, found := fields[cardField]
	if !found {
		return nil
	}

	row := 0

	for _, char := range number {
		switch {
		case unicode.IsDigit(char):
			row++
		case char == ' ' || char == '-' || char == '.': // how people write one
		default:
			row = 0
		}

		if row == unmaskedDigits {
			return &Refusal{
				Outcome: OutcomeUnmaskedCard, Field: cardField,
				Reason: "shows a card's number: nothing of the message is kept; tell SystemPay, and look where else it went",
			}
		}
	}

	characters := []rune(number)
	for i := shownFirst; i < len(characters)-shownLast; i++ {
		characters[i] = 'X'
	}

	fields[cardField] = string(characters)

	return nil
}

// bounded is as much of a value as MaxReference lets stand.
func bounded(value string) string {
	if len(value) <= MaxReference {
		return value
	}

	return strings.ToValidUTF8(value[:MaxReference], "")
}

// Field gives the value of a field, empty when it is absent.
func (n *Notification) Field(name string) string { return n.fields[name] }

// Fields gives all that was signed, by name, to be kept: with what is a buyer's own, and the card's number masked.
func (n *Notification) Fields() map[string]string { return maps.Clone(n.fields) }

// Digest is the same for a message that is sent again, whose signature, hash and occasion differ, and another for any
// other message.
func (n *Notification) Digest() [sha256.Size]byte {
	var text []byte

	for _, name := range slices.Sorted(maps.Keys(n.fields)) {
		if name == "vads_hash" || name == "vads_url_check_src" {
			continue
		}

		for _, part := range []string{name, n.fields[name]} { // their lengths tell where they end
			text = binary.BigEndian.AppendUint64(text, uint64(len(part)))
			text = append(text, part...)
		}
	}

	return sha256.Sum256(text)
}

// Amount is vads_amount: in instalments that of the whole order. That of a credit is negative. The error is a *FieldError.
func (n *Notification) Amount() (Amount, error) { return n.amount("vads_amount", "vads_currency") }

// Effective is the amount to book: that of the instalment, in the currency in which it is paid. That of a credit is
// negative. The error is a *FieldError; one is that an instalment's is not told, whose vads_amount is that of all of them.
func (n *Notification) Effective() (Amount, error) {
	const effective, currency = "vads_effective_amount", "vads_effective_currency"

	if n.fields[effective] == "" {
		if strings.HasPrefix(n.fields[planField], "MULTI") {
			return Amount{}, refuse(effective, "is absent from an instalment: ask SystemPay what was paid")
		}

		return n.Amount()
	}

	if n.fields[currency] == "" {
		return n.amount(effective, "vads_currency")
	}

	return n.amount(effective, currency)
}

func (n *Notification) amount(field, currencyField string) (Amount, error) {
	units, err := readAmount(field, n.fields[field])
	if err != nil {
		return Amount{}, err
	}

	currency, err := CurrencyOf(n.fields[currencyField])
	if err != nil || currency.Numeric != n.fields[currencyField] {
		return Amount{}, refuse(currencyField, "is no currency in which SystemPay takes payments")
	}

	if n.Operation == Credit {
		units = -units
	}

	return Amount{Units: units, Currency: currency.Numeric}, nil
}

// Redacted gives the fields for a log: the values of those that describe the payment, and of the others, which may be a
// buyer's own, the names.
func (n *Notification) Redacted() map[string]string {
	shown := make(map[string]string, len(n.fields))

	for name, value := range n.fields {
		switch name {
		case siteField, modeField, "vads_version", "vads_page_action", "vads_action_mode", planField,
			"vads_trans_id", "vads_trans_date", "vads_trans_uuid", "vads_trans_status", "vads_operation_type",
			"vads_sequence_number", "vads_order_id", "vads_amount", "vads_currency", "vads_effective_amount",
			"vads_effective_currency", "vads_effective_creation_date", "vads_presentation_date", "vads_capture_delay",
			"vads_validation_mode", "vads_result", "vads_extra_result", "vads_auth_result", "vads_auth_mode",
			"vads_warranty_result", "vads_payment_error", "vads_payment_src", "vads_url_check_src", "vads_card_brand",
			"vads_nb_products":
			shown[name] = bounded(value)
		default:
			shown[bounded(name)] = hidden
		}
	}

	return shown
}

// MarshalJSON writes what Redacted shows: a log may write it so.
func (n Notification) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(n.Redacted())
	if err != nil {
		return nil, fmt.Errorf("write a notification: %w", err)
	}

	return text, nil
}

// Format prints what Redacted shows, whatever the verb.
func (n Notification) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "notification to shop "+n.Shop+" "+fmt.Sprint(n.Redacted()))
}
