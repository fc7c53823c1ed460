package accounts

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// CloseSettlement proves the books and ends the run, in one transaction.
func (a *Activities) CloseSettlement(ctx context.Context, run activities.Run) (vacation.Totals, error) {
	var totals vacation.Totals
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		var err error
		totals, err = a.close(ctx, tx, run)
		return err
	})
	if err != nil {
		return vacation.Totals{}, activities.Failed("close settlement "+run.ID.Key, err)
	}
	return totals, nil
}

func (a *Activities) close(ctx context.Context, tx pgx.Tx, run activities.Run) (vacation.Totals, error) {
	row, err := session.Lock(ctx, tx, run.Number)
	if err != nil {
		return vacation.Totals{}, fmt.Errorf("close: %w", err)
	}
	if !row.Running {
		return a.totals(ctx, tx, run.ID, run.CorrelationID, row.LastSeq)
	}
	if err := a.prove(ctx, tx, run); err != nil {
		return vacation.Totals{}, err
	}
	totals, err := a.totals(ctx, tx, run.ID, run.CorrelationID, row.LastSeq+1)
	if err != nil {
		return vacation.Totals{}, err
	}
	kept, err := json.Marshal(totals)
	if err != nil {
		return vacation.Totals{}, fmt.Errorf("write totals: %w", err)
	}
	return totals, session.End(ctx, tx, a.outbox, run, kept, a.now())
}

// prove checks the books, and that each line of the file was posted.
func (a *Activities) prove(ctx context.Context, tx pgx.Tx, run activities.Run) error {
	breaches, err := session.Breaches(ctx, tx, run)
	if err != nil {
		return fmt.Errorf("prove: %w", err)
	}
	settled, err := db.New(tx).Settlement(ctx, run.ID.String())
	if err != nil {
		return fmt.Errorf("read settlement: %w", err)
	}
	if settled.PostedLines != settled.LineCount {
		breaches = append(breaches, ledger.Breach{
			Invariant: ledger.FilePosted, Where: settled.Reference,
			Detail: fmt.Sprintf("%d lines posted, %d in the file", settled.PostedLines, settled.LineCount),
		})
	}
	if err := session.Broken(breaches); err != nil {
		return fmt.Errorf("prove: %w", err)
	}
	return nil
}

// totals is a run's result, read from what it committed.
func (a *Activities) totals(
	ctx context.Context, tx pgx.Tx, id vacation.ID, correlation string, events int64,
) (vacation.Totals, error) {
	settled, err := db.New(tx).Settlement(ctx, id.String())
	if err != nil {
		return vacation.Totals{}, fmt.Errorf("read settlement: %w", err)
	}
	plan, err := part.Saved(ctx, tx, settled.Number)
	if err != nil {
		return vacation.Totals{}, err
	}
	parked := plan.Parked()
	return vacation.Totals{
		CorrelationID: correlation,
		Reference:     settled.Reference,
		Lines:         int(settled.LineCount),
		Gross:         money.Cents(settled.GrossCents),
		Commission:    money.Cents(settled.TakenCents),
		Covered:       money.Cents(settled.ShortfallCents),
		Debts:         int(settled.ShortCps),
		Events:        events,
		FileSHA256:    hex.EncodeToString(settled.FileSha256),
		ParkedLines:   parked.Lines(),
		Parked:        parked.SalesSum + parked.OthersSum,
	}, nil
}
