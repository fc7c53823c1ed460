package decisions

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/decisions/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// assign posts a parked line on the CP that an operator found for it, gross and
// commission: Dr TR.PARK / Cr CP, the other way for a refund, then Dr CP / Cr
// FEE.DUE. Nothing covers what the CP lacks: an operator can wait for its next sale.
func (d *deciding) assign(ctx context.Context) (outcome, error) {
	line, err := d.parkedLine(ctx)
	if err != nil {
		return outcome{}, err
	}
	holder, err := d.merchant(ctx)
	if err != nil {
		return outcome{}, err
	}
	if holder.Status == string(merchant.StatusClosed) {
		return outcome{}, refused("the CP of ledger account %d is closed: name one that is open", d.Account)
	}
	gross, commission := money.Cents(line.GrossCents), money.Cents(line.CommissionCents)
	if err := d.covers(ctx, gross, commission); err != nil {
		return outcome{}, err
	}
	entries, err := d.assignment(ctx, line, ledger.CP(holder.AccountID))
	if err != nil {
		return outcome{}, err
	}
	batch, err := d.post(ctx, entries...)
	if err != nil {
		return outcome{}, err
	}
	err = d.queries.AssignParkedLine(ctx, db.AssignParkedLineParams{
		AccountID: holder.AccountID, Batch: batch, Settlement: line.Settlement, Line: line.Line,
	})
	if err != nil {
		return outcome{}, fmt.Errorf("mark the parked line: %w", err)
	}
	return outcome{
		before: "parked, " + line.Reason,
		after: fmt.Sprintf("line %d of %s, %s, is on ledger account %d; %s of commission were taken",
			d.Line, d.Reference, gross, d.Account, commission),
		batch: batch, rendered: len(entries), commission: commission,
	}, nil
}

// parkedLine is the line, held until the transaction ends, that waits for a CP.
func (d *deciding) parkedLine(ctx context.Context) (db.LockParkedLineRow, error) {
	line, err := d.queries.LockParkedLine(ctx, d.Reference, int32(d.Line)) //nolint:gosec // one beyond 2^31 is not found either
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return line, refused("line %d of settlement %s is not parked: see the list of parked lines", d.Line, d.Reference)
	case err != nil:
		return line, fmt.Errorf("read the parked line: %w", err)
	case line.Reason == string(part.DebtOfMerchant):
		return line, refused("line %d of settlement %s is an unpaid that became its merchant's debt: no CP owes it", d.Line, d.Reference)
	case line.Assigned:
		return line, refused("line %d of settlement %s is assigned already", d.Line, d.Reference)
	default:
		return line, nil
	}
}

// merchant is the holder of the CP that the decision names by its ledger account.
func (d *deciding) merchant(ctx context.Context) (db.MerchantOfRow, error) {
	holder, err := d.queries.MerchantOf(ctx, d.Account)
	if errors.Is(err, pgx.ErrNoRows) {
		return holder, refused("ledger account %d is no CP of the merchants' snapshot", d.Account)
	}
	if err != nil {
		return holder, fmt.Errorf("look for the CP: %w", err)
	}
	return holder, nil
}

// covers locks the CP, and refuses a line after which it would be below zero.
func (d *deciding) covers(ctx context.Context, gross, commission money.Cents) error {
	balances, err := postgres.LockBalances(ctx, d.tx, []int32{d.Account})
	if err != nil {
		return err
	}
	left, err := balances[d.Account].Add(gross)
	if err != nil {
		return fmt.Errorf("balance with the line: %w", err)
	}
	if left, err = left.Sub(commission); err != nil {
		return fmt.Errorf("balance less the commission: %w", err)
	}
	if left < 0 {
		return refused("ledger account %d holds %s, and line %d of %s comes to %s with a commission of %s: it would be %s short",
			d.Account, balances[d.Account], d.Line, d.Reference, gross, commission, left.Neg())
	}
	return nil
}

// assignment is the entries of a line, with the dates under which it was parked.
func (d *deciding) assignment(ctx context.Context, line db.LockParkedLineRow, cp ledger.Code) ([]ledger.Entry, error) {
	parked, err := d.queries.ParkEntry(ctx, line.Scope, line.Line)
	if err != nil {
		return nil, fmt.Errorf("read the entry that parked the line: %w", err)
	}
	value, err := calendar.ParseDate(parked.ValueDate)
	if err != nil {
		return nil, fmt.Errorf("value date of the entry that parked the line: %w", err)
	}
	entry := ledger.Entry{
		Debit: ledger.Parked, Credit: cp, Kind: ledger.KindAssigned, Amount: money.Cents(line.GrossCents).Abs(),
		Label: line.Label, TransactionAt: parked.TransactionAt, ValueDate: value,
	}
	if line.GrossCents < 0 {
		entry.Debit, entry.Credit, entry.Kind = cp, ledger.Parked, ledger.KindAssignedBack
	}
	entries := []ledger.Entry{entry}
	if line.CommissionCents > 0 {
		entries = append(entries, ledger.Entry{
			Debit: cp, Credit: ledger.FeesDue, Kind: ledger.KindCommission, Amount: money.Cents(line.CommissionCents),
			Label: transfer.CommissionLabel(line.Scheme, d.run.StartedAt), TransactionAt: d.run.StartedAt, ValueDate: value,
		})
	}
	return entries, nil
}
