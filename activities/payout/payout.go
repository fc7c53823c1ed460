// Package payout keeps the orders by which merchants' money leaves, from the
// request to the posting, and what becomes of the Payline lines that asked for
// them. It posts nothing and tells nothing: that is its callers', in the same
// transaction.
package payout

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/payout/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
)

// Source is who asked for an order.
type Source string

// The sources.
const (
	Payline   Source = "PAYLINE" // a line of a Payline file
	Automatic Source = "AUTO"    // the engine, by the merchant's frequency
)

// State is how far an order is before the bank has it; the states after that
// are those of [transfer.State].
type State string

// The states. Nothing is posted before PREPARED.
const (
	Requested State = "REQUESTED"
	Waiting   State = "WAITING" // for an approval
	Validated State = "VALIDATED"
	Refused   State = "REFUSED"
)

// Line is the line of a Payline file that asked for an order.
type Line struct {
	File   int32 // number of the file in the register
	Number int32 // of the line in the file
}

// Order is a payout. Names and IBANs never go into a log, an error or a history.
type Order struct {
	Number     int64 // by which orders are taken in their turn
	Source     Source
	Line       Line // zero for an automatic one
	RefExterne string
	EndToEndID string
	AccountID  string // CP that pays
	Account    int32  // the CP's account in the ledger
	Debtor     transfer.Party
	Creditor   transfer.Party
	Amount     money.Cents
	Ceiling    money.Cents // the merchant's own for one order, money.Max when it has none
	Due        calendar.Date
	Info       string
}

// Event is the order as events show it before it is in a bulk. bank is how
// the EP names its bank.
func (o *Order) Event(bank transfer.Bank) ogep.Order {
	return ogep.Order{
		RefExterne: o.RefExterne, OrderType: transfer.OrderType,
		CreditorName: o.Creditor.Name, CreditorBIC: o.Creditor.BIC, CreditorIBAN: o.Creditor.IBAN,
		DebtorName: o.Debtor.Name, DebtorBIC: o.Debtor.BIC, DebtorIBAN: o.Debtor.IBAN,
		Amount: o.Amount, DeviseID: money.Currency, Ccy: money.Currency,
		BankID: bank.ID, OrderFormat: bank.OrderFormat, Echeance: o.Due, Info: o.Info,
	}
}

// Numbers reserves numbers for that many orders; those of a transaction that is
// rolled back are not given again.
func Numbers(ctx context.Context, tx pgx.Tx, count int) ([]int64, error) {
	numbers, err := db.New(tx).ReserveNumbers(ctx, int32(count)) //nolint:gosec // a chunk of orders
	if err != nil {
		return nil, fmt.Errorf("number orders: %w", err)
	}
	return numbers, nil
}

// columns of the table in the order in which Request writes them.
func columns() []string {
	return []string{
		"number", "scope", "source", "payline_file", "payline_line", "ref_externe", "end_to_end_id", "account_id", "account",
		"debtor_name", "debtor_bic", "debtor_iban", "creditor_name", "creditor_bic", "creditor_iban",
		"amount_cents", "ceiling_cents", "due_date", "info", "requested_at", "state",
	}
}

// Request keeps orders of a session, REQUESTED, each under the number that was
// reserved for it.
func Request(ctx context.Context, tx pgx.Tx, scope string, orders []Order, at time.Time) error {
	_, err := postgres.Copy(ctx, tx, "payout", columns(), func(rows *postgres.Rows) error {
		for i := range orders {
			if err := rows.Start(); err != nil {
				return err
			}
			orders[i].encode(rows, scope, at)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep orders: %w", err)
	}
	return nil
}

func (o *Order) encode(rows *postgres.Rows, scope string, at time.Time) {
	rows.Int64(o.Number)
	rows.String(scope)
	rows.String(string(o.Source))
	if o.Source == Payline {
		rows.Int32(o.Line.File)
		rows.Int32(o.Line.Number)
	} else {
		rows.Null()
		rows.Null()
	}
	rows.String(o.RefExterne)
	rows.String(o.EndToEndID)
	rows.String(o.AccountID)
	rows.Int32(o.Account)
	for _, party := range []transfer.Party{o.Debtor, o.Creditor} {
		rows.String(party.Name)
		rows.String(party.BIC)
		rows.String(party.IBAN)
	}
	rows.Int64(int64(o.Amount))
	rows.Int64(int64(o.Ceiling))
	rows.Date(o.Due)
	rows.String(o.Info)
	rows.Time(at)
	rows.String(string(Requested))
}

func order(row *db.Payout) Order {
	o := Order{
		Number: row.Number, Source: Source(row.Source), RefExterne: row.RefExterne, EndToEndID: row.EndToEndID,
		AccountID: row.AccountID, Account: row.Account,
		Debtor:   transfer.Party{Name: row.DebtorName, BIC: row.DebtorBic, IBAN: row.DebtorIban},
		Creditor: transfer.Party{Name: row.CreditorName, BIC: row.CreditorBic, IBAN: row.CreditorIban},
		Amount:   money.Cents(row.AmountCents), Ceiling: money.Cents(row.CeilingCents),
		Due: date(row.DueDate), Info: row.Info,
	}
	if row.PaylineFile != nil && row.PaylineLine != nil {
		o.Line = Line{File: *row.PaylineFile, Number: *row.PaylineLine}
	}
	return o
}

// date reads a date column: midnight UTC, which is the same civil day in Paris.
func date(column time.Time) calendar.Date { return calendar.DateOf(column) }

func orders(rows []db.Payout) []Order {
	list := make([]Order, len(rows))
	for i := range rows {
		list[i] = order(&rows[i])
	}
	return list
}

// Selection says which orders of a session are taken up.
type Selection struct {
	Scope  string
	State  State
	Source Source
	After  int64 // number of the last one that was taken up
	Most   int
}

// Select reads orders in the order of their numbers.
func Select(ctx context.Context, tx pgx.Tx, selection Selection) ([]Order, error) {
	rows, err := db.New(tx).OrdersInState(ctx, db.OrdersInStateParams{
		Scope: selection.Scope, State: string(selection.State), Source: string(selection.Source), After: selection.After,
		Most: int32(selection.Most), //nolint:gosec // a chunk of orders
	})
	if err != nil {
		return nil, fmt.Errorf("read %s orders: %w", selection.State, err)
	}
	return orders(rows), nil
}

// Named reads the session's orders of those refExternes that are in a state.
// missing counts those that are not.
func Named(ctx context.Context, tx pgx.Tx, scope string, refs []string, state State) (found []Order, missing int, err error) {
	refs = slices.Compact(slices.Sorted(slices.Values(refs)))
	rows, err := db.New(tx).NamedOrders(ctx, scope, refs)
	if err != nil {
		return nil, 0, fmt.Errorf("read named orders: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(row db.Payout) bool { return State(row.State) != state })
	return orders(rows), len(refs) - len(rows), nil
}

// Place is an order's place among those of its session, by CP and number.
type Place struct {
	AccountID string `json:"accountId,omitempty"`
	Number    int64  `json:"number,omitempty"`
}

// ToJudge reads REQUESTED orders after a place, those of a CP one after the other.
func ToJudge(ctx context.Context, tx pgx.Tx, scope string, after Place, most int) ([]Order, error) {
	rows, err := db.New(tx).RequestedOrders(ctx, db.RequestedOrdersParams{
		Scope: scope, AccountID: after.AccountID, Number: after.Number, Most: int32(most), //nolint:gosec // a chunk of orders
	})
	if err != nil {
		return nil, fmt.Errorf("read requested orders: %w", err)
	}
	return orders(rows), nil
}

// Open sums what REQUESTED, WAITING and VALIDATED orders of the session will
// take from CPs, in cents by accountId; CPs without any are left out, others
// that lie between those asked for are not.
func Open(ctx context.Context, tx pgx.Tx, scope string, accountIDs []string) (map[string]money.Cents, error) {
	return sums(ctx, tx, scope, accountIDs, Requested, Waiting, Validated)
}

// Granted sums the session's orders that were judged and not refused, in cents
// by accountId, of the same CPs as [Open].
func Granted(ctx context.Context, tx pgx.Tx, scope string, accountIDs []string) (map[string]money.Cents, error) {
	return sums(ctx, tx, scope, accountIDs, Waiting, Validated,
		State(transfer.Prepared), State(transfer.Sent), State(transfer.Executed), State(transfer.Rejected), State(transfer.Unknown))
}

func sums(
	ctx context.Context, tx pgx.Tx, scope string, accountIDs []string, states ...State,
) (map[string]money.Cents, error) {
	texts := make([]string, len(states))
	for i, state := range states {
		texts[i] = string(state)
	}
	if len(accountIDs) == 0 {
		return map[string]money.Cents{}, nil
	}
	rows, err := db.New(tx).SumsOfCPs(ctx, db.SumsOfCPsParams{
		Scope: scope, First: slices.Min(accountIDs), Last: slices.Max(accountIDs), States: texts,
	})
	if err != nil {
		return nil, fmt.Errorf("sum the orders of CPs: %w", err)
	}
	byCP := make(map[string]money.Cents, len(rows))
	for _, row := range rows {
		byCP[row.AccountID] = money.Cents(row.Sum)
	}
	return byCP, nil
}

// Held tells which of the CPs have their payouts on hold.
func Held(ctx context.Context, tx pgx.Tx, accountIDs []string) (map[string]bool, error) {
	rows, err := db.New(tx).HeldCPs(ctx, accountIDs)
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	held := make(map[string]bool, len(rows))
	for _, accountID := range rows {
		held[accountID] = true
	}
	return held, nil
}
