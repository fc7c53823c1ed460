package payment

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/reglo/reglo/activities/payment/internal/db"
	"github.com/reglo/reglo/domain/systempay"
)

// ruling is what becomes of a notification, and of its transaction.
type ruling struct {
	outcome systempay.Outcome
	reason  string
	// repeats is the notification that came before, 0 when this one is new.
	repeats int64
	// eventKey is that under which a new one is kept.
	eventKey string
	// moves tells whether the transaction goes on to the state and the class.
	moves bool
	state systempay.State
	class systempay.Class
	// doubt has somebody look at the transaction before it is booked.
	doubt string
}

// conflictKey is that of an event which came before and said something else then:
// all that it says is in it, so that the same conflict is kept once.
func conflictKey(event *systempay.Event, n *systempay.Notification) string {
	digest := n.Digest()
	return event.Key + ":" + hex.EncodeToString(digest[:])
}

// rule says what becomes of a notification, from what is known.
func rule(known *db.LookRow, event *systempay.Event, n *systempay.Notification) (ruling, error) {
	if known.Conflict != 0 {
		return ruling{outcome: systempay.OutcomeDuplicate, repeats: known.Conflict}, nil
	}
	before, conflict := compare(known, event)
	if conflict != nil {
		why := conflict.Error()
		ruled := ruling{outcome: systempay.OutcomeConflict, reason: why, eventKey: conflictKey(event, n), doubt: why}
		return ruled, nil //nolint:nilerr // it is what there is to keep
	}
	if before == systempay.Duplicate {
		return ruling{outcome: systempay.OutcomeDuplicate, repeats: known.Seen}, nil
	}
	return advance(known, event, n)
}

// compare says what an event is to those that are known. The error is a
// *[systempay.ConflictError].
func compare(known *db.LookRow, event *systempay.Event) (systempay.Relation, error) {
	if known.Seen != 0 {
		return systempay.Compare(&systempay.Event{
			Transaction: event.Transaction, Key: event.Key, OrderID: known.SeenOrderID, Amount: known.SeenAmount,
			Currency: known.SeenCurrency, EffectiveCurrency: known.SeenEffectiveCurrency,
		}, event)
	}
	if known.Payment != 0 {
		return systempay.Compare(&systempay.Event{
			Transaction: event.Transaction, Key: known.FirstKey, OrderID: known.FirstOrderID, Currency: known.FirstCurrency,
		}, event)
	}
	return systempay.Unrelated, nil
}

// advance judges an event that is new, and takes its transaction as far as it goes.
func advance(known *db.LookRow, event *systempay.Event, n *systempay.Notification) (ruling, error) {
	verdict := n.Judge()
	current := systempay.State(known.State)
	ruled := ruling{outcome: verdict.Outcome(), reason: verdict.Reason, eventKey: event.Key, class: verdict.Class}
	var contradiction error
	ruled.state, ruled.moves, contradiction = systempay.Advance(current, verdict.State)
	if contradiction != nil {
		ruled.outcome, ruled.reason, ruled.doubt = systempay.OutcomeConflict, contradiction.Error(), contradiction.Error()
		ruled.class = systempay.ClassUnknown
		return ruled, nil //nolint:nilerr // it is what there is to keep
	}
	if current == systempay.StateContradictory && verdict.State != systempay.StateNone {
		ruled.outcome = systempay.OutcomeConflict
		ruled.reason = verdict.Reason + ", of a transaction that contradicts itself: look it up in SystemPay's back office"
		return ruled, nil
	}
	if verdict.Class != systempay.ClassPaid {
		return ruled, nil
	}
	wrong, err := mismatch(known, n, current == verdict.State)
	if err != nil {
		return ruling{}, err
	}
	if wrong != "" {
		ruled.outcome, ruled.reason, ruled.doubt = systempay.OutcomeMismatch, wrong, wrong
	}
	return ruled, nil
}

// mismatch says in what a payment is not what was asked for, or not what was told
// before of it in the same state; it is empty when it may be booked.
func mismatch(known *db.LookRow, n *systempay.Notification, again bool) (string, error) {
	if known.Form == 0 {
		return "no form of ours asked for it: look it up in SystemPay's back office before it is booked", nil
	}
	plan, err := systempay.ParsePlan(known.FormPlan)
	if err != nil {
		return "", fmt.Errorf("plan of form %d: %w", known.Form, err)
	}
	err = systempay.Match(&systempay.Expected{
		SiteID: n.SiteID, Mode: n.Mode, TransactionID: known.FormTransID, At: known.FormShownAt.UTC(), OrderID: known.FormOrderID,
		Amount: systempay.Amount{Units: known.FormAmountUnits, Currency: known.FormCurrency}, Plan: plan,
	}, n)
	if _, is := errors.AsType[*systempay.MismatchError](err); is {
		return err.Error(), nil
	}
	if err != nil {
		return "", fmt.Errorf("compare with form %d: %w", known.Form, err)
	}
	effective, err := n.Effective()
	if err != nil {
		return err.Error(), nil //nolint:nilerr // what cannot be read is what is wrong
	}
	if again && (effective.Units != known.AmountUnits || effective.Currency != known.Currency) {
		return "vads_effective_amount is not that which came before in the same state: look it up in SystemPay's back office", nil
	}
	return "", nil
}

// write writes what a ruling says, in its transaction.
func (r *ruling) write(ctx context.Context, on *db.Queries, came *arrival, known *db.LookRow) error {
	if r.repeats != 0 {
		if err := on.Repeat(ctx, came.at, r.repeats); err != nil {
			return fmt.Errorf("count a repeated notification: %w", err)
		}
		return nil
	}
	n := came.n
	fields, err := json.Marshal(keptFields(n))
	if err != nil {
		return fmt.Errorf("write the fields of a notification: %w", err)
	}
	next := db.KeepNextParams{
		Shop: came.shop.Name, Peer: came.peer, At: came.at, Outcome: string(r.outcome), Level: string(r.outcome.Level()),
		Reason: r.reason, Sha256: came.sha256[:], EventKey: r.eventKey, Payment: known.Payment, OrderID: n.OrderID,
		Customer: customerOf(n, known), Status: string(n.Status), Fields: fields,
		Moves: r.moves, State: string(r.state), Class: string(r.class),
		Authorisation: bounded(n.Field("vads_auth_number")), Contract: bounded(n.Field("vads_contract_used")),
		PaidAt: paidAt(n), Doubt: r.doubt,
	}
	if known.Form != 0 {
		next.Form = &known.Form
	}
	if effective, err := n.Effective(); err == nil {
		next.AmountUnits, next.Currency = effective.Units, effective.Currency
	}
	if known.Payment != 0 {
		if err := on.KeepNext(ctx, next); err != nil {
			return fmt.Errorf("keep a notification: %w", err)
		}
		return nil
	}
	if err := on.KeepFirst(ctx, firstOf(&next, n)); err != nil {
		return fmt.Errorf("keep the first notification of a transaction: %w", err)
	}
	return nil
}

// firstOf is a notification by which a transaction becomes known.
func firstOf(next *db.KeepNextParams, n *systempay.Notification) db.KeepFirstParams {
	return db.KeepFirstParams{
		Shop: next.Shop, Peer: next.Peer, At: next.At, Outcome: next.Outcome, Level: next.Level, Reason: next.Reason,
		Sha256: next.Sha256, EventKey: next.EventKey, OrderID: next.OrderID, Customer: next.Customer, Status: next.Status,
		Fields: next.Fields, Key: n.Event().Transaction, SiteID: n.SiteID, Mode: string(n.Mode), Form: next.Form,
		Operation: operationOf(n), Sequence: int32(n.Sequence), //nolint:gosec // of 16 bits
		State: next.State, Class: next.Class, AmountUnits: next.AmountUnits, Currency: next.Currency,
		Authorisation: next.Authorisation, Contract: next.Contract, PaidAt: next.PaidAt, Doubt: next.Doubt,
	}
}

// unknownOperation is one that nobody knows, as the table has it.
const unknownOperation = "UNKNOWN"

func operationOf(n *systempay.Notification) string {
	switch n.Operation {
	case systempay.Debit, systempay.Credit, systempay.Verification:
		return string(n.Operation)
	default:
		return unknownOperation
	}
}

// customerOf is the shop's own number of the customer.
func customerOf(n *systempay.Notification, known *db.LookRow) string {
	if n.CustomerID != "" {
		return n.CustomerID
	}
	return known.FormCustomer
}

// stamp is how the gateway writes instants, in UTC.
const stamp = "20060102150405"

// paidAt is the gateway's own time of the payment, or that of the form; nil where
// it gives neither.
func paidAt(n *systempay.Notification) *time.Time {
	at, err := time.Parse(stamp, n.Field("vads_effective_creation_date"))
	if err != nil {
		at = n.At
	}
	if at.IsZero() {
		return nil
	}
	return &at
}
