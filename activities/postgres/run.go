package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/postgres/internal/db"
)

// Beginner is what transactions are begun on: a pool, or a connection of it.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InRun does one step of a run in one transaction. The run's row is locked
// first, so that a run's steps follow each other even where a worker that was
// taken for dead still works beside its successor.
//
// The error is [ErrEnded] when the run is over.
func InRun(ctx context.Context, on Beginner, run int32, step func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, on, func(tx pgx.Tx) error {
		_, err := db.New(tx).LockRun(ctx, run)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("vacation %d: %w", run, ErrEnded)
		}
		if err != nil {
			return fmt.Errorf("lock vacation %d: %w", run, err)
		}
		return step(tx)
	})
	if err != nil {
		return err //nolint:wrapcheck // the step's own error, or one that names the run
	}
	return nil
}

// NextItem is the number of a step's next batch, for steps whose own rows say
// what is left to do. Call it within [InRun], which keeps others out.
func NextItem(ctx context.Context, tx pgx.Tx, scope, step string) (int, error) {
	item, err := db.New(tx).NextItem(ctx, scope, step)
	if err != nil {
		return 0, fmt.Errorf("number the next batch of %s, step %s: %w", scope, step, err)
	}
	return int(item), nil
}
