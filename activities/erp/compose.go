package erp

import (
	"context"
	"fmt"

	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
)

// Means of payment, the words by which the table of states has them.
const (
	meansTransfer = "transfer" // payouts
	meansCard     = "card"     // card settlements
	meansDeposit  = "deposit"  // deposits of cheques
)

// inPortfolio is the state of what a deposit takes to the bank.
const inPortfolio = "C30"

// compose makes the ERP's parameter of a posting. The error is a
// [*divalto.RuleError] when our rules refuse it.
func (a *Activities) compose(ctx context.Context, queries *db.Queries, row *db.PostingRow) (string, error) {
	entry, err := a.entry(ctx, queries, row)
	if err != nil {
		return "", err
	}
	parameter, err := divalto.Param(entry, a.settings.Options)
	if err != nil {
		return "", fmt.Errorf("write it: %w", err)
	}
	return parameter, nil
}

// entry makes what a posting says to the ERP.
func (a *Activities) entry(ctx context.Context, queries *db.Queries, row *db.PostingRow) (divalto.Entry, error) {
	date, err := calendar.ParseDate(row.PostingDate)
	if err != nil {
		return nil, fmt.Errorf("posting date: %w", err)
	}
	state, err := a.settings.States.Lookup(row.Dossier, row.Means, divalto.Direction(row.Direction))
	if err != nil {
		return nil, fmt.Errorf("find its change of state: %w", err)
	}
	if divalto.Kind(row.Kind) == divalto.Remise {
		return deposit(ctx, queries, row, date, state)
	}
	amount := money.Cents(row.AmountCents)
	detail := divalto.Detail{Nature: divalto.Advance, Amount: amount, ThirdParty: row.ThirdParty}
	if row.Piece != "" {
		detail.Nature, detail.Prefix, detail.Piece = divalto.Payment, row.PiecePrefix, row.Piece
	}
	return divalto.Posting{
		Direction: divalto.Direction(row.Direction), Date: date, ThirdParty: row.ThirdParty, Amount: amount, Label: row.Label,
		State: state, Details: []divalto.Detail{detail},
	}, nil
}

func deposit(
	ctx context.Context, queries *db.Queries, row *db.PostingRow, date calendar.Date, state divalto.State,
) (divalto.Deposit, error) {
	rows, err := queries.DepositItems(ctx, row.Number)
	if err != nil {
		return divalto.Deposit{}, fmt.Errorf("read its items: %w", err)
	}
	items := make([]divalto.Item, len(rows))
	for i, item := range rows {
		items[i] = divalto.Item{Transaction: item.TransactionID, Amount: money.Cents(item.AmountCents)}
	}
	made, err := divalto.NewDeposit(date, row.Label, row.Bank, state, items)
	if err != nil {
		return divalto.Deposit{}, fmt.Errorf("make the deposit: %w", err)
	}
	return made, nil
}
