package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// Steps under which batches are committed.
const (
	stepOpen = "open"
	stepPost = "post"
)

// States of a run, as in the table.
const (
	stateRunning = "RUNNING"
	stateEnded   = "ENDED"
)

// OpenSettlement opens the run, or finds it open, or finds that an earlier one
// settled the reference. The bank's amount enters the books with the first run.
func (a *Activities) OpenSettlement(
	ctx context.Context, request activities.OpenSettlementRequest,
) (activities.OpenSettlementResult, error) {
	if request.Transaction.Amount <= 0 {
		return activities.OpenSettlementResult{}, activities.Final(vacation.Fail(vacation.ParametersConflict,
			"settlement %s: the bank line's amount is %s: sales are settled by a credit; a debit is a settlement of unpaids",
			request.ID.Key, request.Transaction.Amount))
	}
	var result activities.OpenSettlementResult
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		var err error
		result, err = a.open(ctx, tx, request)
		return err
	})
	if err != nil {
		return activities.OpenSettlementResult{}, activities.Failed("open settlement "+request.ID.Key, err)
	}
	return result, nil
}

func (a *Activities) open(
	ctx context.Context, tx pgx.Tx, request activities.OpenSettlementRequest,
) (activities.OpenSettlementResult, error) {
	queries := db.New(tx)
	bankLine := request.Transaction.AppendJSON(nil)
	hash := sha256.Sum256(bankLine)
	if err := a.lockSettlement(ctx, queries, request, bankLine, hash); err != nil {
		return activities.OpenSettlementResult{}, err
	}

	last, err := queries.LastRun(ctx, string(request.ID.Kind), request.ID.Key)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return activities.OpenSettlementResult{}, fmt.Errorf("read the last run: %w", err)
	case last.State == stateEnded:
		totals, err := a.totals(ctx, tx, request.ID, last.CorrelationID, last.LastSeq)
		return activities.OpenSettlementResult{Settled: &totals}, err
	case last.WorkflowRun == request.WorkflowRun:
		return activities.OpenSettlementResult{Run: activities.Run{
			ID: request.ID, Number: last.Number, CorrelationID: last.CorrelationID, StartedAt: last.StartedAt,
		}}, nil
	case last.State == stateRunning:
		// Temporal runs one workflow an id: the earlier one is gone without having said so.
		err = a.fail(ctx, tx, last.Number, request.ID.Kind, vacation.Failure{
			Code: vacation.Abandoned, Step: vacation.StageOpening,
			Message: "its workflow vanished before its end; another run goes on from what it committed",
		})
		if err != nil {
			return activities.OpenSettlementResult{}, err
		}
	}
	run, err := a.start(ctx, tx, request, last, sha256.Sum256(append(bankLine, request.FileName...)))
	if err != nil {
		return activities.OpenSettlementResult{}, err
	}
	return activities.OpenSettlementResult{Run: run}, a.receive(ctx, tx, run, request, hash)
}

// lockSettlement finds or makes the settlement's row and holds it until the
// transaction ends, so that one run at a time is opened.
func (a *Activities) lockSettlement(
	ctx context.Context, queries *db.Queries, request activities.OpenSettlementRequest, bankLine []byte, hash [32]byte,
) error {
	transaction := request.Transaction
	err := queries.InsertSettlement(ctx, db.InsertSettlementParams{
		Reference:      request.ID.Key,
		Scope:          request.ID.String(),
		Kind:           string(settlement.KindTransaction),
		OperationType:  transaction.OperationType,
		AmountCents:    int64(transaction.Amount),
		BankLine:       string(bankLine),
		BankLineSha256: hash[:],
		ValueDate:      calendar.DateOf(transaction.ValueAt).String(),
	})
	if err != nil {
		return fmt.Errorf("record settlement: %w", err)
	}
	known, err := queries.LockSettlement(ctx, request.ID.Key)
	if err != nil {
		return fmt.Errorf("lock settlement: %w", err)
	}
	if known.Scope != request.ID.String() || !bytes.Equal(known.BankLineSha256, hash[:]) {
		return vacation.Fail(vacation.ParametersConflict,
			"settlement %s is known by %s with another bank line; nothing was posted: compare both bank lines, and correct the one given",
			request.ID.Key, known.Scope)
	}
	return nil
}

// start makes the run's row and tells that it started.
func (a *Activities) start(
	ctx context.Context, tx pgx.Tx, request activities.OpenSettlementRequest, last db.LastRunRow, parameters [32]byte,
) (activities.Run, error) {
	correlation, err := uuid.NewUUID()
	if err != nil {
		return activities.Run{}, fmt.Errorf("make a correlationId: %w", err)
	}
	run := activities.Run{ID: request.ID, CorrelationID: correlation.String(), StartedAt: a.now()}
	run.Number, err = db.New(tx).InsertVacation(ctx, db.InsertVacationParams{
		Kind:             string(request.ID.Kind),
		Key:              request.ID.Key,
		Run:              last.Run + 1,
		CorrelationID:    run.CorrelationID,
		Follows:          last.CorrelationID,
		BusinessDate:     request.BusinessDate.String(),
		ParametersSha256: parameters[:],
		WorkflowRun:      request.WorkflowRun,
		StartedAt:        run.StartedAt,
	})
	if err != nil {
		return activities.Run{}, fmt.Errorf("record run: %w", err)
	}
	return run, a.outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: run.StartedAt,
		Bodies: []ogep.Body{ogep.StartReglement{
			Kind: request.ID.Kind, Transaction: request.Transaction, File: request.FileName,
		}},
	})
}

// receive takes the bank's amount into the books, with the first run only.
func (a *Activities) receive(
	ctx context.Context, tx pgx.Tx, run activities.Run, request activities.OpenSettlementRequest, hash [32]byte,
) error {
	key := postgres.Key{Scope: run.ID.String(), Step: stepOpen, Input: hash}
	batch, fresh, err := postgres.BeginBatch(ctx, tx, run.Number, key, run.StartedAt)
	if err != nil || !fresh {
		return err
	}
	_, err = postgres.Post(ctx, tx, batch, 0, []ledger.Entry{{
		Debit: ledger.Reglement, Credit: ledger.Suspense(request.ID.Key), Kind: ledger.KindSettlement,
		Amount: request.Transaction.Amount, Label: request.Transaction.Label,
		TransactionAt: request.Transaction.TransactionAt, ValueDate: calendar.DateOf(request.Transaction.ValueAt),
	}})
	return err
}

// now is the hour of postings and events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
