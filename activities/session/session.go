// Package session keeps the runs of vacations: it opens one, ends it well with
// its totals, or ends it with error, each in one transaction with the event
// that tells so.
package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/session/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// States of a run, as in the table.
const (
	stateRunning = "RUNNING"
	stateEnded   = "ENDED"
)

// Opening is a run that is to be opened.
type Opening struct {
	ID           vacation.ID
	WorkflowRun  string
	BusinessDate calendar.Date
	// Parameters is the hash of what the run is started with.
	Parameters [32]byte
	// Start is the event that tells the start.
	Start ogep.Body
}

// Opened is the run that was opened, or what became of the session before.
type Opened struct {
	Run activities.Run
	// Ended is set when an earlier run of the session ended well.
	Ended *Ended
}

// Ended is a run that ended well.
type Ended struct {
	CorrelationID string
	LastSeq       int64
	// Totals are its result in JSON, empty for a run that kept none.
	Totals []byte
	// Same says that it was started with the parameters of this opening.
	Same bool
}

// Open opens the run, or finds it open, or finds that an earlier one of its
// session ended well. A run whose workflow vanished is closed as abandoned and
// followed. The caller holds a lock of its own on what the session is about, so
// that one run at a time is opened.
func Open(ctx context.Context, tx pgx.Tx, outbox postgres.Outbox, opening Opening, now time.Time) (Opened, error) {
	queries := db.New(tx)
	last, err := queries.LastRun(ctx, string(opening.ID.Kind), opening.ID.Key)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return Opened{}, fmt.Errorf("read the last run: %w", err)
	case last.State == stateEnded:
		return Opened{Ended: &Ended{
			CorrelationID: last.CorrelationID, LastSeq: last.LastSeq, Totals: last.Totals,
			Same: bytes.Equal(last.ParametersSha256, opening.Parameters[:]),
		}}, nil
	case last.WorkflowRun == opening.WorkflowRun:
		return Opened{Run: activities.Run{
			ID: opening.ID, Number: last.Number, CorrelationID: last.CorrelationID, StartedAt: last.StartedAt,
		}}, nil
	case last.State == stateRunning:
		// Temporal runs one workflow an id: the earlier one is gone without having said so.
		err = Fail(ctx, tx, outbox, last.Number, vacation.Failure{
			Code: vacation.Abandoned, Step: vacation.StageOpening,
			Message: "its workflow vanished before its end; another run goes on from what it committed",
		}, now)
		if err != nil {
			return Opened{}, err
		}
	}
	run, err := start(ctx, tx, outbox, opening, last, now)
	return Opened{Run: run}, err
}

// start makes the run's row and tells that it started.
func start(
	ctx context.Context, tx pgx.Tx, outbox postgres.Outbox, opening Opening, last db.LastRunRow, now time.Time,
) (activities.Run, error) {
	correlation, err := uuid.NewUUID()
	if err != nil {
		return activities.Run{}, fmt.Errorf("make a correlationId: %w", err)
	}
	run := activities.Run{ID: opening.ID, CorrelationID: correlation.String(), StartedAt: now}
	run.Number, err = db.New(tx).InsertVacation(ctx, db.InsertVacationParams{
		Kind:             string(opening.ID.Kind),
		Key:              opening.ID.Key,
		Run:              last.Run + 1,
		CorrelationID:    run.CorrelationID,
		Follows:          last.CorrelationID,
		BusinessDate:     opening.BusinessDate.String(),
		ParametersSha256: opening.Parameters[:],
		WorkflowRun:      opening.WorkflowRun,
		StartedAt:        run.StartedAt,
	})
	if err != nil {
		return activities.Run{}, fmt.Errorf("record run: %w", err)
	}
	return run, outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: run.StartedAt, Bodies: []ogep.Body{opening.Start},
	})
}

// Row is a run as the table has it.
type Row struct {
	ID            vacation.ID
	CorrelationID string
	LastSeq       int64
	Running       bool
	Totals        []byte
}

// Lock reads a run and holds it until the transaction ends.
func Lock(ctx context.Context, tx pgx.Tx, number int32) (Row, error) {
	row, err := db.New(tx).LockVacation(ctx, number)
	if err != nil {
		return Row{}, fmt.Errorf("lock run: %w", err)
	}
	return Row{
		ID:            vacation.ID{Kind: vacation.Kind(row.Kind), Key: row.Key},
		CorrelationID: row.CorrelationID, LastSeq: row.LastSeq, Running: row.State == stateRunning, Totals: row.Totals,
	}, nil
}

// End ends a run well and tells so. totals, its result in JSON, is kept. What
// the session settles, if anything, is settled from now on.
func End(
	ctx context.Context, tx pgx.Tx, outbox postgres.Outbox, run activities.Run, totals []byte, now time.Time,
) error {
	queries := db.New(tx)
	if err := queries.SettlementSettled(ctx, &now, run.ID.String()); err != nil {
		return fmt.Errorf("mark settlement: %w", err)
	}
	err := outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: now, Bodies: []ogep.Body{ogep.End{Kind: run.ID.Kind}},
	})
	if err != nil {
		return err
	}
	if err := queries.EndVacation(ctx, &now, totals, run.Number); err != nil {
		return fmt.Errorf("mark run: %w", err)
	}
	return nil
}

// Fail ends a run with error and tells so, unless it is over: then it stays as it is.
func Fail(
	ctx context.Context, tx pgx.Tx, outbox postgres.Outbox, number int32, failure vacation.Failure, now time.Time,
) error {
	row, err := Lock(ctx, tx, number)
	if err != nil || !row.Running {
		return err
	}
	err = outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: number, At: now,
		Bodies: []ogep.Body{ogep.EndWithError{
			Kind: row.ID.Kind, Code: string(failure.Code), Message: failure.Message, Step: string(failure.Step),
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
