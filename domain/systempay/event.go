package systempay

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Event is what tells one notification from another, to be kept with it.
type Event struct {
	Transaction string // key of the transaction; at most 255 bytes
	Key         string // unique: that of the event, at most 255 bytes

	// What must not differ under one key: vads_order_id, vads_amount, vads_currency and vads_effective_currency.
	OrderID, Amount, Currency, EffectiveCurrency string
}

// Relation is what an event is to another one.
type Relation int

// The relations.
const (
	Unrelated Relation = iota // of another transaction
	Following                 // of the same transaction, and new
	Duplicate                 // the same
)

// ConflictError says that a notification has the key of another one and is not the same.
type ConflictError struct {
	Key    string   // of the event, or of the transaction
	Fields []string // in which they differ
}

// Error names the key, the fields, and what to do.
func (e *ConflictError) Error() string {
	return "SystemPay notification " + e.Key + ": came before with another " + strings.Join(e.Fields, ", ") +
		": look it up in SystemPay's back office"
}

const (
	keySeparator = ":"
	maxKeyPart   = 40 // bytes: a UUID with its hyphens, and some; the longest key has five such parts
)

// partPattern is what a part of a key looks like. It has no separator, so that two keys are never alike by chance.
var partPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{0,` + strconv.Itoa(maxKeyPart) + `}$`)

// Event gives the notification's. A message that names no transaction, as that of a form which SystemPay refused may not,
// has the key of all that it says.
func (n *Notification) Event() Event {
	event := Event{
		Transaction: n.transactionKey(), OrderID: n.OrderID,
		Amount: bounded(n.fields["vads_amount"]), Currency: bounded(n.fields["vads_currency"]),
		EffectiveCurrency: bounded(n.fields["vads_effective_currency"]),
	}

	amount := n.fields["vads_effective_amount"]
	if amount == "" {
		amount = n.fields["vads_amount"]
	}

	if units, err := readAmount("", amount); err == nil {
		amount = strconv.FormatInt(units, 10)
	}

	var ok bool
	if event.Key, ok = key(event.Transaction, string(n.Status), amount); !ok {
		event.Key = n.digestKey()
	}

	return event
}

func (n *Notification) transactionKey() string {
	if n.TransactionUUID != "" {
		if text, ok := key(n.SiteID, string(n.Mode), n.TransactionUUID); ok {
			return text
		}
	}

	sequence := n.fields["vads_sequence_number"]
	if n.Sequence > 0 {
		sequence = strconv.Itoa(n.Sequence)
	}

	text, ok := key(n.SiteID, string(n.Mode), n.At.Format(compactDay), strings.ToLower(n.TransactionID), sequence,
		string(n.Operation))
	if !ok || n.At.IsZero() || n.TransactionID == "" {
		return n.digestKey()
	}

	return text
}

// key joins the parts, the first of which may be a key already; it tells whether they can be told apart again.
func key(first string, parts ...string) (string, bool) {
	bad := slices.ContainsFunc(parts, func(part string) bool { return !partPattern.MatchString(part) })

	return first + keySeparator + strings.Join(parts, keySeparator), !bad
}

func (n *Notification) digestKey() string {
	digest := n.Digest()
	text, _ := key(n.SiteID, string(n.Mode), "sha256", hex.EncodeToString(digest[:]))

	return text
}

// Compare says what an incoming event is to one that is kept. The error is a *ConflictError: for the same event, of another
// order, amount or currency; for the same transaction, of another order or currency. It comes with Duplicate or Following,
// and means that the incoming one has no effect but to be shown to somebody.
func Compare(stored, incoming *Event) (Relation, error) {
	if stored.Transaction != incoming.Transaction {
		return Unrelated, nil
	}

	var differing []string

	differ := func(field, one, other string) {
		if one != other {
			differing = append(differing, field)
		}
	}
	differ("vads_order_id", stored.OrderID, incoming.OrderID)
	differ("vads_currency", stored.Currency, incoming.Currency)

	relation, same := Following, incoming.Transaction

	if stored.Key == incoming.Key {
		relation, same = Duplicate, incoming.Key

		differ("vads_amount", stored.Amount, incoming.Amount)
		differ("vads_effective_currency", stored.EffectiveCurrency, incoming.EffectiveCurrency)
	}

	if differing != nil {
		return relation, &ConflictError{Key: same, Fields: differing}
	}

	return relation, nil
}
