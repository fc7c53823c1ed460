package accounts

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
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
	queries := db.New(tx)
	row, err := queries.LockVacation(ctx, run.Number)
	if err != nil {
		return vacation.Totals{}, fmt.Errorf("lock run: %w", err)
	}
	if row.State == stateRunning {
		if err := a.prove(ctx, tx, run); err != nil {
			return vacation.Totals{}, err
		}
		now := a.now()
		err := a.outbox.Emit(ctx, tx, postgres.Emission{
			Vacation: run.Number, At: now, Bodies: []ogep.Body{ogep.End{Kind: run.ID.Kind}},
		})
		if err != nil {
			return vacation.Totals{}, err
		}
		if err := queries.SettlementSettled(ctx, &now, run.ID.String()); err != nil {
			return vacation.Totals{}, fmt.Errorf("mark settlement: %w", err)
		}
		if err := queries.EndVacation(ctx, &now, run.Number); err != nil {
			return vacation.Totals{}, fmt.Errorf("mark run: %w", err)
		}
		row.LastSeq++
	}
	return a.totals(ctx, tx, run.ID, run.CorrelationID, row.LastSeq)
}

// prove checks every invariant that the sums of the books can show.
func (a *Activities) prove(ctx context.Context, tx pgx.Tx, run activities.Run) error {
	books, err := postgres.ReadBooks(ctx, tx, run.Number)
	if err != nil {
		return err
	}
	breaches := books.Check()

	queries := db.New(tx)
	settled, err := queries.Settlement(ctx, run.ID.String())
	if err != nil {
		return fmt.Errorf("read settlement: %w", err)
	}
	suspense := ledger.Suspense(settled.Reference)
	balance, err := queries.AccountBalance(ctx, string(suspense))
	if err != nil {
		return fmt.Errorf("read %s: %w", suspense, err)
	}
	if balance != 0 {
		breaches = append(breaches, ledger.Breach{
			Invariant: ledger.SuspenseEmpty, Where: string(suspense), Detail: "holds " + money.Cents(balance).String(),
		})
	}
	if settled.PostedLines != settled.LineCount {
		breaches = append(breaches, ledger.Breach{
			Invariant: ledger.FilePosted, Where: settled.Reference,
			Detail: fmt.Sprintf("%d lines posted, %d in the file", settled.PostedLines, settled.LineCount),
		})
	}
	if len(breaches) > 0 {
		return vacation.Fail(vacation.InvariantBroken,
			"%d invariants are broken, the first: %s. Post nothing more before `starter verify` is clean",
			len(breaches), breaches[0])
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

// FailVacation ends a run with error, once: a run that is over stays as it is.
func (a *Activities) FailVacation(ctx context.Context, request activities.FailVacationRequest) error {
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		row, err := db.New(tx).LockVacation(ctx, request.Run.Number)
		if err != nil {
			return fmt.Errorf("lock run: %w", err)
		}
		if row.State != stateRunning {
			return nil
		}
		return a.fail(ctx, tx, request.Run.Number, vacation.Kind(row.Kind),
			vacation.Failure{Code: request.Code, Step: request.Step, Message: request.Message})
	})
	if err != nil {
		return fmt.Errorf("end %s with error: %w", request.Run.ID, err)
	}
	return nil
}

func (a *Activities) fail(ctx context.Context, tx pgx.Tx, number int32, kind vacation.Kind, failure vacation.Failure) error {
	now := a.now()
	err := a.outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: number, At: now,
		Bodies: []ogep.Body{ogep.EndWithError{
			Kind: kind, Code: string(failure.Code), Message: failure.Message, Step: string(failure.Step),
		}},
	})
	if err != nil {
		return err
	}
	err = db.New(tx).FailVacation(ctx, db.FailVacationParams{
		EndedAt: &now, Code: string(failure.Code), Step: string(failure.Step), Message: failure.Message, Number: number,
	})
	if err != nil {
		return fmt.Errorf("mark run: %w", err)
	}
	return nil
}
