// Package days keeps the days of the engine, and other triggers: one permanent
// row each, with what it was started with, so that a day is started once.
package days

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/days/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// Activities keeps days on PostgreSQL.
type Activities struct {
	pool     *pgxpool.Pool
	calendar calendar.Calendar
	clock    func() time.Time
}

// New makes the activities. The calendar says which days are business days;
// clock gives the hour at which a day starts and ends.
func New(pool *pgxpool.Pool, days calendar.Calendar, clock func() time.Time) *Activities {
	return &Activities{pool: pool, calendar: days, clock: clock}
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.OpenDayName:   a.OpenDay,
		activities.CloseDayName:  a.CloseDay,
		activities.IsOpenDayName: a.IsBusinessDay,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// OpenDay makes the day's row. Known with the same parameters, it is adopted: by
// another workflow run, it is under way again. With others it is refused.
func (a *Activities) OpenDay(ctx context.Context, request activities.OpenDayRequest) error {
	hash := sha256.Sum256(request.Parameters)
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		err := queries.InsertDay(ctx, db.InsertDayParams{
			Date: request.Date.String(), Run: request.Run, ParametersSha256: hash[:], WorkflowRun: request.WorkflowRun, StartedAt: a.now(),
		})
		if err != nil {
			return fmt.Errorf("record the day: %w", err)
		}
		known, err := queries.LockDay(ctx, request.Date.String(), request.Run)
		if err != nil {
			return fmt.Errorf("read the day: %w", err)
		}
		if !bytes.Equal(known.ParametersSha256, hash[:]) {
			return vacation.Fail(vacation.ParametersConflict,
				"%s was started on %s with other parameters; nothing was started: start it with the first ones, or another day",
				name(request.Date, request.Run), known.StartedAt.In(calendar.Paris()).Format(time.DateTime))
		}
		if known.WorkflowRun == request.WorkflowRun {
			return nil
		}
		if err := queries.AdoptDay(ctx, request.WorkflowRun, request.Date.String(), request.Run); err != nil {
			return fmt.Errorf("adopt the day: %w", err)
		}
		return nil
	})
	if err != nil {
		return activities.Failed("open "+name(request.Date, request.Run), err)
	}
	return nil
}

// CloseDay writes down how the day went. Said again, it keeps the first hour.
func (a *Activities) CloseDay(ctx context.Context, request activities.CloseDayRequest) error {
	closed, err := db.New(a.pool).CloseDay(ctx, db.CloseDayParams{
		EndedAt: a.now(), Outcome: request.Outcome, Date: request.Date.String(), Run: request.Run,
	})
	if err != nil {
		return fmt.Errorf("close %s: %w", name(request.Date, request.Run), err)
	}
	if closed == 0 {
		return activities.Final(vacation.Fail(vacation.ParametersConflict,
			"%s was never opened: it cannot be closed", name(request.Date, request.Run)))
	}
	return nil
}

// IsBusinessDay asks the calendar.
func (a *Activities) IsBusinessDay(_ context.Context, date calendar.Date) (bool, error) {
	return a.calendar.IsBusinessDay(date), nil
}

// now is the hour to the millisecond, as all others are kept.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }

// name is a day, or what a schedule starts on it, in messages.
func name(date calendar.Date, run string) string {
	if run == "" {
		return "day " + date.String()
	}
	return "day " + date.String() + ", " + run
}
