// Package slice does a step of a run chunk by chunk, each in a transaction of
// its own, for a few seconds at a time: a worker that dies loses one chunk, and
// the run's progress is seen and a cancellation heard between two slices.
package slice

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/vacation"
)

// Time is how long an activity works before it hands back: seldom enough that a
// run of hours stays within a few thousand events of history.
const Time = 3 * time.Second

// Worker works by slices.
type Worker struct {
	Pool  *pgxpool.Pool
	Clock func() time.Time
	// Time is how long a slice lasts; one of no time holds one chunk.
	Time time.Duration
}

// Chunk takes up what comes next, in the transaction. It tells whether nothing
// is left; now is the hour of what it posts and tells.
type Chunk func(ctx context.Context, tx pgx.Tx, now time.Time) (done bool, err error)

// Work takes up chunk after chunk until nothing is left or the slice is over,
// and tells Temporal meanwhile that it lives. done says that nothing is left.
func (w Worker) Work(ctx context.Context, run activities.Run, stage vacation.Stage, take Chunk) (done bool, err error) {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: stage} })
	defer stop()

	for until := w.Clock().Add(w.Time); ; {
		// To the millisecond that events show.
		now := w.Clock().Truncate(time.Millisecond)
		err := postgres.InRun(ctx, w.Pool, run.Number, func(tx pgx.Tx) error {
			var err error
			done, err = take(ctx, tx, now)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("%s of %s: %w", stage, run.ID, err)
		}
		if done || !w.Clock().Before(until) {
			return done, nil
		}
	}
}
