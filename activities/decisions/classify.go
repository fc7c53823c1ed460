package decisions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/decisions/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// What an operator says that a bank line is.
const (
	asTransaction = "transaction"
	asUnpaid      = "impaye"
	asRemittance  = "remittance"
	asRejects     = "rejects"
	asOwn         = "own"
	asOwnFunds    = "own-funds"
)

// classify says what a bank line is that no grammar explains: the technique
// then starts its règlement or, for own money, it is booked here.
func (d *deciding) classify(ctx context.Context) (outcome, error) {
	line, err := d.queries.LockBankLine(ctx, d.BankLine)
	if errors.Is(err, pgx.ErrNoRows) {
		return outcome{}, refused("no statement has a line %s", d.BankLine)
	}
	if err != nil {
		return outcome{}, fmt.Errorf("read the bank line: %w", err)
	}
	if line.Class != string(label.Unknown) || line.Booked {
		return outcome{}, refused("bank line %s is known already: it is %s", d.BankLine, line.Class)
	}
	if d.As == asOwnFunds {
		return d.bookOwnFunds(ctx, line)
	}
	class, err := d.class(ctx, line)
	if err != nil {
		return outcome{}, err
	}
	if class != label.Own { // an own transfer has two lines, each held against its order
		taken, err := d.queries.ReferenceTaken(ctx, d.Reference, line.ID)
		if err != nil {
			return outcome{}, fmt.Errorf("look for the reference: %w", err)
		}
		if taken {
			return outcome{}, refused("reference %s is that of another bank line or settlement", d.Reference)
		}
	}
	operation := ""
	if d.As == asTransaction || d.As == asUnpaid {
		operation = d.OperationType
	}
	err = d.queries.ClassifyBankLine(ctx, db.ClassifyBankLineParams{
		Class: string(class), Reference: d.Reference, OperationType: operation, ID: line.ID,
	})
	if err != nil {
		return outcome{}, fmt.Errorf("classify the bank line: %w", err)
	}
	return outcome{
		before: string(label.Unknown),
		after:  fmt.Sprintf("bank line %s, %s, is %s of reference %s", line.ID, money.Cents(line.AmountCents), class, d.Reference),
	}, nil
}

// class is what the line is, held against the forms that the references of its
// kind have, and against the sign and the account that they come with.
func (d *deciding) class(ctx context.Context, line db.LockBankLineRow) (label.Class, error) {
	switch d.As {
	case asTransaction:
		return d.formed(line, label.SettlementTransaction)
	case asUnpaid:
		// A credit of unpaids has the form of a settlement of sales: they were paid after all.
		_, err := d.formed(line, label.SettlementTransaction, label.SettlementUnpaid)
		return label.SettlementUnpaid, err
	case asRejects:
		return d.formed(line, label.Rejects)
	case asRemittance:
		return d.remittance(ctx, line)
	case asOwn:
		return d.own(ctx, line)
	default:
		return "", refused("%q is nothing that a bank line can be: want %s",
			d.As, strings.Join([]string{asTransaction, asUnpaid, asRemittance, asRejects, asOwn, asOwnFunds}, ", "))
	}
}

// formed holds what the operator says against the site's grammars, which must
// find one of the classes in it.
func (d *deciding) formed(line db.LockBankLineRow, classes ...label.Class) (label.Class, error) {
	found := d.activities.labels.Assign(
		label.Line{Class: classes[0], Reference: d.Reference, OperationType: d.OperationType},
		money.Cents(line.AmountCents), ledger.Code(line.Account))
	if slices.Contains(classes, found.Class) {
		return found.Class, nil
	}
	reason := found.Reason
	if reason == "" {
		reason = "a line of its sign and of that operation type is " + string(found.Class)
	}
	return "", refused("bank line %s of %s on %s cannot be %s of reference %q, operation type %q: %s",
		line.ID, money.Cents(line.AmountCents), line.Account, d.As, d.Reference, d.OperationType, reason)
}

// remittance wants a bulk that the bank may have debited.
func (d *deciding) remittance(ctx context.Context, line db.LockBankLineRow) (label.Class, error) {
	if line.AmountCents > 0 || line.Account != string(ledger.Reglement) {
		return "", refused("bank line %s of %s on %s cannot be a remittance: that is a debit of %s",
			line.ID, money.Cents(line.AmountCents), line.Account, ledger.Reglement)
	}
	known, err := d.queries.BulkOfPayouts(ctx, d.Reference)
	if err != nil {
		return "", fmt.Errorf("look for the bulk: %w", err)
	}
	if !known {
		return "", refused("no remittance of payouts that was handed to the bank is called %q", d.Reference)
	}
	return label.Remittance, nil
}

// own wants an own transfer whose debit, or credit, the line is; the next
// matching of own transfers gives it to its order.
func (d *deciding) own(ctx context.Context, line db.LockBankLineRow) (label.Class, error) {
	order, err := d.queries.OwnTransfer(ctx, d.Reference)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", refused("no own transfer is called %q", d.Reference)
	}
	if err != nil {
		return "", fmt.Errorf("look for the own transfer: %w", err)
	}
	amount := money.Cents(line.AmountCents)
	side, account, seen := "credit", order.Creditor, order.CreditLine
	if amount < 0 {
		side, account, seen = "debit", order.Debtor, order.DebitLine
	}
	var reason string
	switch {
	case transfer.State(order.State) == transfer.Rejected:
		reason = "it was rejected"
	case line.Account != account:
		reason = "its " + side + " stands on " + account
	case amount.Abs() != money.Cents(order.AmountCents):
		reason = "it is of " + money.Cents(order.AmountCents).String()
	case seen != "":
		reason = "its " + side + " is line " + seen
	default:
		return label.Own, nil
	}
	return "", refused("bank line %s of %s on %s is not that of own transfer %s: %s", line.ID, amount, line.Account, d.Reference, reason)
}

// bookOwnFunds books own money that came to fonctionnement, or left it.
func (d *deciding) bookOwnFunds(ctx context.Context, line db.LockBankLineRow) (outcome, error) {
	if line.Account != string(ledger.Fonctionnement) {
		return outcome{}, refused("bank line %s stands on %s: own money stands on %s only", line.ID, line.Account, ledger.Fonctionnement)
	}
	amount := money.Cents(line.AmountCents)
	entry := ledger.Entry{
		Debit: ledger.Fonctionnement, Credit: ledger.Opening, Kind: ledger.KindOwnFunds, Amount: amount.Abs(),
		Label: line.Label, TransactionAt: line.TransactionAt, ValueDate: calendar.DateOf(line.ValueAt),
	}
	if amount < 0 {
		entry.Debit, entry.Credit = entry.Credit, entry.Debit
	}
	batch, err := d.post(ctx, entry)
	if err != nil {
		return outcome{}, err
	}
	if err := d.queries.BookBankLine(ctx, d.run.ID.String(), batch, line.ID); err != nil {
		return outcome{}, fmt.Errorf("book the bank line: %w", err)
	}
	return outcome{
		before: string(label.Unknown),
		after:  fmt.Sprintf("bank line %s, %s, is own money and booked", line.ID, amount),
	}, nil
}
