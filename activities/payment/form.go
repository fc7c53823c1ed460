package payment

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/reglo/reglo/activities/payment/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/systempay"
)

// Invoice is what a payment settles at the ERP, and whose it is. What is not known
// is empty; each part has at most [divalto.MaxCode] characters.
type Invoice struct {
	Prefix, Piece string
	ThirdParty    string
}

// Form is a form that is kept, and may be shown.
type Form struct {
	systempay.Form

	Number int64 // ours, of the form
}

// Begin makes the form by which an order is paid at a shop, under a number of
// transaction that no other form of the shop's site and mode has that day (in UTC).
// What it asks for is safe in the database when Begin returns: a notification that
// comes is held against it. Each call makes another form; one that is never shown
// costs a number, of which a day has 900,000.
//
// Errors: [ErrNoShop], and *[systempay.FieldError], joined, for what cannot be
// asked for. None repeats a value.
func (d *Desk) Begin(ctx context.Context, shop string, order systempay.Order, invoice Invoice) (Form, error) {
	at, known := d.shops[shop]
	if !known {
		return Form{}, ErrNoShop
	}
	now := d.clock().UTC().Truncate(time.Second)
	// Nothing of the database is touched for what cannot be asked for.
	first, err := systempay.TransactionID(0)
	if err != nil {
		return Form{}, fmt.Errorf("first number of a day: %w", err)
	}
	draft, err := systempay.BuildForm(&order, at, now, first)
	if err := errors.Join(err, invoice.check()); err != nil {
		return Form{}, err
	}
	kept, err := db.New(d.pool).Begin(ctx, db.BeginParams{
		Shop: at.Name, SiteID: at.SiteID, Mode: string(at.Mode), UtcDay: dayOf(now), OrderID: order.ID,
		AmountUnits: draft.Expected.Amount.Units, Currency: draft.Expected.Amount.Currency, Plan: draft.Expected.Plan.String(),
		Customer: order.Customer.ID, InvoicePrefix: invoice.Prefix, InvoicePiece: invoice.Piece, ThirdParty: invoice.ThirdParty,
		ShownAt: now,
	})
	if postgres.IsCode(err, postgres.CheckViolation) { // the counter's: the draft has passed all others
		_, err = systempay.TransactionID(systempay.MaxTransaction + 1)
	}
	if err != nil {
		return Form{}, fmt.Errorf("keep the form of order %s at shop %s: %w", order.ID, at.Name, err)
	}
	form, err := systempay.BuildForm(&order, at, now, kept.TransID)
	if err != nil {
		return Form{}, fmt.Errorf("make the form of order %s at shop %s: %w", order.ID, at.Name, err)
	}
	return Form{Form: form, Number: kept.Number}, nil
}

// OrderID composes the reference of an order of the current day in Paris, from its
// customer's number and how many products it has. The year is that to which the
// order belongs; 0 is that of the day. The error is a *[systempay.FieldError], as
// for a customer without a number.
func OrderID(order *systempay.Order, year int, now time.Time) (string, error) {
	day := calendar.DateOf(now)
	if year == 0 {
		year = day.Year()
	}
	customer, err := strconv.ParseInt(order.Customer.ID, 10, 64)
	if err != nil {
		return "", &systempay.FieldError{
			Field: "vads_cust_id", Reason: "must be a number of 11 digits at most, of which the order's reference is made: or give that",
		}
	}
	id, err := systempay.OrderID(year, day.Midnight(), customer, len(order.Products))
	if err != nil {
		return "", fmt.Errorf("compose the reference of an order: %w", err)
	}
	return id, nil
}

// dayOf is the day of an instant in UTC.
func dayOf(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }

// codePattern is of codes that the ERP keeps as they are: of ASCII, without a space
// at either end.
var codePattern = regexp.MustCompile(`^([[:graph:]]([[:print:]]*[[:graph:]])?)?$`)

// check is nil for an invoice that the ERP can be told of.
func (i *Invoice) check() error {
	var wrong []error
	for _, part := range []struct{ field, value string }{
		{"invoice.prefix", i.Prefix}, {"invoice.piece", i.Piece}, {"invoice.thirdParty", i.ThirdParty},
	} {
		if len(part.value) > divalto.MaxCode || !codePattern.MatchString(part.value) {
			wrong = append(wrong, &systempay.FieldError{
				Field:  part.field,
				Reason: "must have at most " + strconv.Itoa(divalto.MaxCode) + " characters of ASCII, and no space at either end",
			})
		}
	}
	if i.Prefix != "" && i.Piece == "" {
		wrong = append(wrong, &systempay.FieldError{Field: "invoice.piece", Reason: "must be given with invoice.prefix"})
	}
	return errors.Join(wrong...)
}
