package console

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/starter/console/internal/db"
)

// Amount is one in the currency's smallest unit, below zero for what is given back.
type Amount struct {
	Units    int64  `json:"units"`
	Currency string `json:"currency"` // of ISO 4217: three letters, or as it came
}

// Notification is one in a list.
type Notification struct {
	Number     int64     `json:"number"`
	ReceivedAt time.Time `json:"receivedAt"` // in Paris, as all instants
	Shop       string    `json:"shop"`
	Outcome    string    `json:"outcome"`
	Level      string    `json:"level"`
	Reason     string    `json:"reason"`
	Order      string    `json:"order"`
	Customer   string    `json:"customer"`
	Status     string    `json:"status"`
	// Transaction is our number of it; none of what is not believed.
	Transaction *int64 `json:"transaction"`
	// Amount is what it tells; none where it tells none that can be read.
	Amount  *Amount `json:"amount"`
	Repeats int32   `json:"repeats"` // how often the same came again
}

// Detail is all of a notification.
type Detail struct {
	Number     int64             `json:"number"`
	ReceivedAt time.Time         `json:"receivedAt"`
	Shop       string            `json:"shop"`
	Peer       string            `json:"peer"`
	Outcome    string            `json:"outcome"`
	Level      string            `json:"level"`
	Reason     string            `json:"reason"`
	Order      string            `json:"order"`
	Customer   string            `json:"customer"`
	Status     string            `json:"status"`
	SHA256     string            `json:"sha256"`
	EventKey   string            `json:"eventKey"`
	Repeats    int32             `json:"repeats"`
	RepeatedAt *time.Time        `json:"repeatedAt"`
	HandledAt  *time.Time        `json:"handledAt"`
	Fields     map[string]string `json:"fields"` // as they are kept: a buyer's own are masked
	// Transaction is nil of what is not believed.
	Transaction *Transaction `json:"transaction"`
}

// Transaction is an attempt to pay, as far as it is.
type Transaction struct {
	Number        int64      `json:"number"`
	Key           string     `json:"key"`
	Shop          string     `json:"shop"`
	SiteID        string     `json:"siteId"`
	Mode          string     `json:"mode"`
	Order         string     `json:"order"`
	Customer      string     `json:"customer"`
	Operation     string     `json:"operation"`
	Sequence      int32      `json:"sequence"`
	State         string     `json:"state"`
	Status        string     `json:"status"`
	Class         string     `json:"class"`
	Amount        *Amount    `json:"amount"`
	Authorisation string     `json:"authorisation"`
	Contract      string     `json:"contract"`
	PaidAt        *time.Time `json:"paidAt"`
	FirstAt       time.Time  `json:"firstAt"`
	ChangedAt     time.Time  `json:"changedAt"`
	Doubt         string     `json:"doubt"`
	History       []Event    `json:"history"` // in the order in which they came
	Form          *Form      `json:"form"`
	Match         *Match     `json:"match"`
}

// Event is a notification in the history of its transaction.
type Event struct {
	Number     int64      `json:"number"`
	ReceivedAt time.Time  `json:"receivedAt"`
	Outcome    string     `json:"outcome"`
	Level      string     `json:"level"`
	Reason     string     `json:"reason"`
	Status     string     `json:"status"`
	Repeats    int32      `json:"repeats"`
	RepeatedAt *time.Time `json:"repeatedAt"`
	HandledAt  *time.Time `json:"handledAt"`
}

// Form is what was asked for.
type Form struct {
	Number        int64         `json:"number"`
	Shop          string        `json:"shop"`
	SiteID        string        `json:"siteId"`
	Mode          string        `json:"mode"`
	Day           calendar.Date `json:"day"` // in UTC: with the site and the mode, what the transaction's number is of
	TransactionID string        `json:"transactionId"`
	Order         string        `json:"order"`
	Amount        *Amount       `json:"amount"`
	Plan          string        `json:"plan"`
	Customer      string        `json:"customer"`
	InvoicePrefix string        `json:"invoicePrefix"`
	InvoicePiece  string        `json:"invoicePiece"`
	ThirdParty    string        `json:"thirdParty"`
	ShownAt       time.Time     `json:"shownAt"`
}

// Match is the card line that settles a transaction.
type Match struct {
	Rule          string    `json:"rule"`
	Actor         string    `json:"actor"` // empty when no operator said so
	MatchedAt     time.Time `json:"matchedAt"`
	Reference     string    `json:"reference"` // of the settlement
	Line          int32     `json:"line"`      // in its file
	CreID         string    `json:"creId"`
	Contract      string    `json:"contract"`
	Amount        *Amount   `json:"amount"`
	TransactionAt time.Time `json:"transactionAt"`
	AcquirerRef   string    `json:"acquirerRef"`
}

// Payment is a transaction that no card line settles.
type Payment struct {
	Number, Notification     int64
	Shop, Order, Customer    string
	Operation, Status, Doubt string
	Amount                   *Amount
	Authorisation, Contract  string
	PaidAt                   *time.Time
	FirstAt                  time.Time
}

// Line is a card line of which no payment is known. What may be an account in the
// words of its file is masked.
type Line struct {
	Settlement, Line                        int32
	Reference, Contract, AcquirerRef, Label string
	Amount                                  *Amount
	TransactionAt                           time.Time
}

// euro is the currency of our books, and so of CRE files.
const euro = "EUR"

// inParis is an instant as people there read it.
func inParis(at time.Time) time.Time { return at.In(calendar.Paris()) }

func maybeInParis(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	there := inParis(*at)
	return &there
}

// amountOf is an amount of our tables, nil where there is no currency.
func amountOf(units int64, currency string) *Amount {
	if currency == "" {
		return nil
	}
	if known, err := systempay.CurrencyOf(currency); err == nil {
		currency = known.Code
	}
	return &Amount{Units: units, Currency: currency}
}

// amountTold is the amount of a notification: that of the instalment where it
// tells one.
func amountTold(row *db.ListRow) *Amount {
	text, currency := row.Amount, row.Currency
	if row.EffectiveAmount != "" {
		text = row.EffectiveAmount
		if row.EffectiveCurrency != "" {
			currency = row.EffectiveCurrency
		}
	}
	units, err := strconv.ParseInt(text, 10, 64)
	if err != nil || units < 0 || units > systempay.MaxUnits {
		return nil
	}
	if row.Operation == string(systempay.Credit) {
		units = -units
	}
	return amountOf(units, currency)
}

func listed(row *db.ListRow) Notification {
	return Notification{
		Number: row.Number, ReceivedAt: inParis(row.ReceivedAt), Shop: row.Shop, Outcome: row.Outcome, Level: row.Level,
		Reason: row.Reason, Order: row.OrderID, Customer: row.Customer, Status: row.Status, Transaction: row.Payment,
		Amount: amountTold(row), Repeats: row.Repeats,
	}
}

// detailed is a notification as it is kept, still without its transaction.
func detailed(row *db.NotificationRow) (Detail, error) {
	read := Detail{
		Number: row.Number, ReceivedAt: inParis(row.ReceivedAt), Shop: row.Shop, Peer: row.Peer.String(), Outcome: row.Outcome,
		Level: row.Level, Reason: row.Reason, Order: row.OrderID, Customer: row.Customer, Status: row.Status,
		SHA256: hex.EncodeToString(row.Sha256), Repeats: row.Repeats, RepeatedAt: maybeInParis(row.RepeatedAt),
		HandledAt: maybeInParis(row.HandledAt), Fields: map[string]string{},
	}
	if row.EventKey != nil {
		read.EventKey = *row.EventKey
	}
	if row.Fields != nil {
		if err := json.Unmarshal(row.Fields, &read.Fields); err != nil {
			return Detail{}, fmt.Errorf("fields of notification %d: %w", row.Number, err)
		}
	}
	return read, nil
}

func transacted(row *db.TransactionRow) *Transaction {
	return &Transaction{
		Number: row.Number, Key: row.Key, Shop: row.Shop, SiteID: row.SiteID, Mode: row.Mode, Order: row.OrderID, Customer: row.Customer,
		Operation: row.Operation, Sequence: row.Sequence, State: row.State, Status: row.Status, Class: row.Class,
		Amount: amountOf(row.AmountUnits, row.Currency), Authorisation: row.Authorisation, Contract: row.Contract,
		PaidAt: maybeInParis(row.PaidAt), FirstAt: inParis(row.FirstAt), ChangedAt: inParis(row.ChangedAt), Doubt: row.Doubt,
		History: []Event{},
	}
}

func told(row *db.HistoryRow) Event {
	return Event{
		Number: row.Number, ReceivedAt: inParis(row.ReceivedAt), Outcome: row.Outcome, Level: row.Level, Reason: row.Reason,
		Status: row.Status, Repeats: row.Repeats, RepeatedAt: maybeInParis(row.RepeatedAt), HandledAt: maybeInParis(row.HandledAt),
	}
}

func formed(row *db.FormRow) *Form {
	day, _ := calendar.NewDate(row.UtcDay.Date()) // the database has days that exist only
	return &Form{
		Number: row.Number, Shop: row.Shop, SiteID: row.SiteID, Mode: row.Mode, Day: day, TransactionID: row.TransID, Order: row.OrderID,
		Amount: amountOf(row.AmountUnits, row.Currency), Plan: row.Plan, Customer: row.Customer, InvoicePrefix: row.InvoicePrefix,
		InvoicePiece: row.InvoicePiece, ThirdParty: row.ThirdParty, ShownAt: inParis(row.ShownAt),
	}
}

func openForm(row *db.OpenFormsRow) *Form {
	return &Form{
		Number: row.Number, Shop: row.Shop, Order: row.OrderID, Customer: row.Customer, TransactionID: row.TransID,
		Amount: amountOf(row.AmountUnits, row.Currency), Plan: row.Plan, ShownAt: inParis(row.ShownAt),
	}
}

func matched(row *db.MatchRow) *Match {
	return &Match{
		Rule: row.Rule, Actor: row.Actor, MatchedAt: inParis(row.MatchedAt), Reference: row.Reference, Line: row.Line, CreID: row.CreID,
		Contract: row.Contract, Amount: amountOf(row.AmountCents, euro), TransactionAt: inParis(row.TransactionAt),
		AcquirerRef: iban.MaskIn(row.AcquirerRef),
	}
}

func unmatchedPayment(row *db.UnmatchedPaymentsRow) Payment {
	return Payment{
		Number: row.Number, Notification: row.Notification, Shop: row.Shop, Order: row.OrderID, Customer: row.Customer,
		Operation: row.Operation, Status: row.Status, Doubt: row.Doubt, Amount: amountOf(row.AmountUnits, row.Currency),
		Authorisation: row.Authorisation, Contract: row.Contract, PaidAt: maybeInParis(row.PaidAt), FirstAt: inParis(row.FirstAt),
	}
}

func unmatchedLine(row *db.UnmatchedLinesRow) Line {
	return Line{
		Settlement: row.Settlement, Line: row.Line, Reference: row.Reference, Contract: row.Contract,
		AcquirerRef: iban.MaskIn(row.AcquirerRef), Label: iban.MaskIn(row.Label), Amount: amountOf(row.AmountCents, euro),
		TransactionAt: inParis(row.TransactionAt),
	}
}

// narrowSpace parts thousands, and stays on its line.
const narrowSpace = "\u202f"

// String writes an amount in French: 1 234,56 EUR, with spaces that stay on a line.
func (a *Amount) String() string {
	if a == nil {
		return ""
	}
	places := 0
	if known, err := systempay.CurrencyOf(a.Currency); err == nil {
		places = int(known.Places)
	}
	digits, sign := strconv.FormatInt(a.Units, 10), ""
	if rest, below := strings.CutPrefix(digits, "-"); below {
		digits, sign = rest, "\u2212"
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	whole, part := digits[:len(digits)-places], digits[len(digits)-places:]
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + narrowSpace + whole[at:]
	}
	if part != "" {
		part = "," + part
	}
	return sign + whole + part + "\u00a0" + a.Currency
}
