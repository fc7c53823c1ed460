package matching

import (
	"context"
	"fmt"
	"time"

	"github.com/reglo/reglo/activities/matching/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/money"
)

// ListMax is how many things a list has at most: more is not read by anybody.
const ListMax = 1_000

// Payment is one that is paid, and that no line settles.
type Payment struct {
	Number        int64       `json:"number"`
	Shop          string      `json:"shop"`
	Order         string      `json:"order"`
	Transaction   string      `json:"transaction"` // the gateway's key of it
	Operation     string      `json:"operation"`
	Status        string      `json:"status"`
	Amount        money.Cents `json:"amountCents"` // below zero for what is given back
	Authorisation string      `json:"authorisation,omitempty"`
	Contract      string      `json:"contract,omitempty"`
	PaidAt        time.Time   `json:"paidAt"`
	Doubt         string      `json:"doubt,omitempty"`
}

// Payments reads the payments without a line, the last first, [ListMax] at most.
func Payments(ctx context.Context, on postgres.Querier, since time.Time) ([]Payment, error) {
	rows, err := db.New(on).ListPayments(ctx, since, ListMax)
	if err != nil {
		return nil, fmt.Errorf("list payments without a line: %w", err)
	}
	list := make([]Payment, len(rows))
	for i := range rows {
		row := &rows[i]
		list[i] = Payment{
			Number: row.Number, Shop: row.Shop, Order: row.OrderID, Transaction: row.Key, Operation: row.Operation, Status: row.Status,
			Amount: money.Cents(row.AmountUnits), Authorisation: row.Authorisation, Contract: row.Contract,
			PaidAt: row.PaidAt, Doubt: row.Doubt,
		}
	}
	return list, nil
}

// Line is a card line at a shop's contract, of which no payment is known.
type Line struct {
	Reference     string      `json:"reference"` // of its settlement
	Line          int         `json:"line"`
	CreID         string      `json:"creId"`
	Contract      string      `json:"contract"`
	Amount        money.Cents `json:"amountCents"`
	TransactionAt time.Time   `json:"transactionAt"`
	AcquirerRef   string      `json:"acquirerRef,omitempty"`
	// Label is as the file has it: who shows it masks what may be an account.
	Label    string    `json:"label"`
	LoadedAt time.Time `json:"loadedAt"`
}

// Lines reads the lines without a payment that came since, the last file's
// first, [ListMax] at most.
func Lines(ctx context.Context, on postgres.Querier, since time.Time) ([]Line, error) {
	rows, err := db.New(on).ListLines(ctx, since, ListMax)
	if err != nil {
		return nil, fmt.Errorf("list lines without a payment: %w", err)
	}
	list := make([]Line, len(rows))
	for i := range rows {
		row := &rows[i]
		list[i] = Line{
			Reference: row.Reference, Line: int(row.Line), CreID: row.CreID, Contract: row.Contract, Amount: money.Cents(row.AmountCents),
			TransactionAt: row.TransactionAt, AcquirerRef: row.AcquirerRef, Label: row.Label, LoadedAt: row.LoadedAt,
		}
	}
	return list, nil
}

// Form is one that was shown more than a day ago, and of which nothing final was told.
type Form struct {
	Number      int64  `json:"number"`
	Shop        string `json:"shop"`
	Order       string `json:"order"`
	Transaction string `json:"transaction"` // its number at the gateway, of that day
	// Amount is of the currency's smallest unit.
	Amount   int64     `json:"amountUnits"`
	Currency string    `json:"currency"` // of ISO 4217, three digits
	ShownAt  time.Time `json:"shownAt"`
}

// Forms reads the forms that were shown since, and more than a day before now,
// and have no end, the last first, [ListMax] at most.
func Forms(ctx context.Context, on postgres.Querier, since, now time.Time) ([]Form, error) {
	rows, err := db.New(on).ListForms(ctx, since, now.Add(-formOpen), ListMax)
	if err != nil {
		return nil, fmt.Errorf("list forms without an end: %w", err)
	}
	list := make([]Form, len(rows))
	for i := range rows {
		row := &rows[i]
		list[i] = Form{
			Number: row.Number, Shop: row.Shop, Order: row.OrderID, Transaction: row.TransID, Amount: row.AmountUnits,
			Currency: row.Currency, ShownAt: row.ShownAt,
		}
	}
	return list, nil
}
