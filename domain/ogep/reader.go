package ogep

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

const (
	// maxNumberBytes is the longest text of an amount that is read: far more than any amount or padding, and short enough
	// that its digits cost nothing.
	maxNumberBytes = 64
	// maxExponentDigits is the widest exponent read; money refuses all but the smallest of these.
	maxExponentDigits = 3

	maxQuotedBytes = 40 // longest part of a refused value that an error repeats
)

// number is the grammar of RFC 8259 for numbers, its exponent bounded. Amounts in strings obey it too.
var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,` + strconv.Itoa(maxExponentDigits) + `})?$`)

// reader reads the members of one JSON object. The readers of one document share the first fault found; after it, they
// return zero values.
type reader struct {
	path    string
	members map[string]json.RawMessage
	fault   **ParseError
}

func (r reader) fail(name, value, reason string, cause error) {
	if *r.fault == nil {
		*r.fault = &ParseError{
			Path: r.join(name), Value: value[:min(len(value), maxQuotedBytes)], Reason: reason, cause: cause,
		}
	}
}

func (r reader) join(name string) string {
	if r.path == "" || name == "" {
		return r.path + name
	}

	return r.path + "." + name
}

// present gives a member, or nil with a fault when it is missing or null.
func (r reader) present(name string) json.RawMessage {
	raw := r.members[name]
	if isNull(raw) {
		r.fail(name, "", "missing", nil)

		return nil
	}

	return raw
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (r reader) text(name string) string {
	raw := r.present(name)
	if raw == nil {
		return ""
	}

	text, ok := unquote(raw)
	if !ok {
		r.fail(name, "", "want a string", nil)
	}

	return text
}

func (r reader) optionalText(name string) string {
	if isNull(r.members[name]) {
		return ""
	}

	return r.text(name)
}

func (r reader) uuid(name string) string {
	text := strings.ToLower(r.text(name))
	if !isUUIDShaped(text) {
		r.fail(name, "", "want a UUID", nil)

		return ""
	}

	return text
}

// amount reads a number or a string, exponents included, exactly.
func (r reader) amount(name string) money.Cents {
	raw := r.present(name)
	if raw == nil {
		return 0
	}

	text := string(raw)
	if raw[0] == '"' {
		text, _ = unquote(raw)
	}

	if len(text) > maxNumberBytes || !number.MatchString(text) {
		r.fail(name, text, "want a number of euros", nil)

		return 0
	}

	exact, err := decimal.NewFromString(text)
	if err != nil {
		r.fail(name, text, "want a number of euros", err)

		return 0
	}

	cents, err := money.FromDecimal(exact)
	if err != nil {
		r.fail(name, text, "want euros and cents, at most 999999999999.99", err)
	}

	return cents
}

// amountObject reads {currency, value}.
func (r reader) amountObject(name string) money.Cents {
	inner := r.object(name)
	if currency := inner.text("currency"); currency != money.Currency {
		inner.fail("currency", "", "want EUR", nil)
	}

	return inner.amount("value")
}

// instant reads a time with its offset, and gives it in Paris time.
func (r reader) instant(name string) time.Time {
	text := r.text(name)

	instant, err := parseInstant(text)
	if err != nil {
		r.fail(name, text, "want a time with its offset, as 2006-01-02T15:04:05.000+0100", nil)

		return time.Time{}
	}

	return instant
}

func (r reader) optionalInstant(name string) *time.Time {
	if isNull(r.members[name]) {
		return nil
	}

	instant := r.instant(name)

	return &instant
}

// date reads a date, or a time that it cuts to its date in Paris.
func (r reader) date(name string) calendar.Date {
	text := r.text(name)
	if date, err := calendar.ParseDate(text); err == nil {
		return date
	}

	instant, err := parseInstant(text)
	if err != nil {
		r.fail(name, text, "want a date, as 2006-01-02", nil)

		return calendar.Date{}
	}

	return calendar.DateOf(instant)
}

func (r reader) object(name string) reader {
	return r.objectOf(r.present(name), name)
}

func (r reader) objectOf(raw json.RawMessage, name string) reader {
	inner := reader{path: r.join(name), fault: r.fault}
	if raw == nil {
		return inner
	}

	if raw[0] != '{' || json.Unmarshal(raw, &inner.members) != nil {
		r.fail(name, "", "want an object", nil)
	}

	return inner
}

func (r reader) list(name string) []reader {
	if r.present(name) == nil {
		return nil
	}

	return r.optionalList(name)
}

// optionalList reads a list of objects; a missing or null one is empty.
func (r reader) optionalList(name string) []reader {
	raw := r.members[name]
	if isNull(raw) {
		return nil
	}

	var items []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		r.fail(name, "", "want a list", nil)

		return nil
	}

	readers := make([]reader, len(items))
	for n, item := range items {
		readers[n] = r.objectOf(item, name+"["+strconv.Itoa(n)+"]")
	}

	return readers
}

func unquote(raw json.RawMessage) (string, bool) {
	var text string

	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", false
	}

	return text, true
}

// parseInstant reads RFC 3339, its offset with or without a colon, its fraction of any length or absent.
func parseInstant(text string) (time.Time, error) {
	layout := "2006-01-02T15:04:05Z0700"
	if n := len(text); n > zoneWidth && text[n-3] == ':' {
		layout = time.RFC3339
	}

	instant, err := time.Parse(layout, text)
	if err != nil {
		return time.Time{}, err //nolint:wrapcheck // only told apart from nil
	}

	return instant.In(calendar.Paris()), nil
}

// ParseGlobalTransaction reads the movement of the règlement account that starts a règlement: one JSON object with all the
// members of the reference. Amounts may be numbers or strings, with an exponent or not; times may have any offset. Members
// that the reference does not have are left aside. The error is a *ParseError, or a *ValidationError when a member is
// empty or out of range.
func ParseGlobalTransaction(document []byte) (GlobalTransaction, error) {
	if len(document) > MaxFrameBytes {
		return GlobalTransaction{}, &ParseError{Line: 1, Column: 1, Reason: ErrFrameTooLarge.Error(), cause: ErrFrameTooLarge}
	}

	members, err := decodeObject(bytes.TrimSpace(document))
	if err != nil {
		return GlobalTransaction{}, err
	}

	in := reader{members: members, fault: new(*ParseError)}

	transaction := in.globalTransaction()
	if *in.fault != nil {
		return GlobalTransaction{}, *in.fault
	}

	return transaction, transaction.Validate()
}

func (r reader) globalTransaction() GlobalTransaction {
	bank := r.bankTransaction()

	return GlobalTransaction{
		ID: bank.ID, Label: bank.Label, Amount: bank.Amount,
		BookedAt: bank.BookedAt, TransactionAt: bank.TransactionAt, ValueAt: bank.ValueAt,
		Type: r.text("type"), Status: r.text("status"), Vacation: r.text("vacation"),
		Reference: r.text("reference"), OperationType: r.text("operationType"),
	}
}

func (r reader) bankTransaction() BankTransaction {
	return BankTransaction{
		ID: r.text(fieldID), Label: r.text(fieldLabel), Amount: r.amountObject(fieldAmount),
		BookedAt: r.instant(fieldBookedDate), TransactionAt: r.instant(fieldTransactionDate), ValueAt: r.instant(fieldValueDate),
	}
}

func (r reader) accountTransaction() AccountTransaction {
	return AccountTransaction{
		Label: r.text(fieldLabel), Amount: r.amountObject(fieldAmount),
		TransactionAt: r.instant(fieldTransactionDate), ValueAt: r.instant(fieldValueDate),
	}
}

func (r reader) order() Order {
	return Order{
		RefExterne: r.text("refExterne"), OrderType: r.text("orderType"),
		CreditorName: r.text("creditorName"), CreditorBIC: r.text("creditorBic"), CreditorIBAN: r.text("creditorIban"),
		DebtorName: r.text("debtorName"), DebtorBIC: r.text("debtorBic"), DebtorIBAN: r.text("debtorIban"),
		Amount: r.amount(fieldAmount), DeviseID: r.text("deviseId"), Ccy: r.text("ccy"), BankID: r.text("bankId"),
		OrderFormat: r.text("orderFormat"), Echeance: r.date(fieldEcheance), Info: r.text(fieldInfo),
		BulkID: r.optionalText(fieldBulkID),
	}
}

func (r reader) merchantDebt() MerchantDebt {
	return MerchantDebt{
		Siret: r.text("siret"), Initial: r.amount("initialAmount"), Remaining: r.amount("remainingAmount"),
		CreatedAt: r.instant(fieldCreationDate), ModifiedAt: r.optionalInstant(fieldModifDate),
	}
}
