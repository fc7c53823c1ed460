// Package sweep keeps how far a session has come through a list in its order,
// so that it goes on from there whoever goes on, and has looked at each once.
package sweep

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/sweep/internal/db"
	"github.com/reglo/reglo/domain/money"
)

// Sweep is how far a step of a session has come. The zero one has not begun.
type Sweep struct {
	Position string // of the last that was looked at, in the step's own words
	Done     bool   // the list has no more
	Count    int64  // of what came of it
	Cents    money.Cents
}

// Add counts one more, of that amount. The error is money.ErrOverflow.
func (s *Sweep) Add(amount money.Cents) error {
	sum, err := s.Cents.Add(amount)
	if err != nil {
		return fmt.Errorf("sum of a sweep: %w", err)
	}
	s.Cents = sum
	s.Count++
	return nil
}

// Read gives the sweep of a step of a session. Read it in the transaction that
// goes on with it, under the lock of the run ([postgres.InRun]).
func Read(ctx context.Context, on postgres.Querier, scope, step string) (Sweep, error) {
	row, err := db.New(on).Sweep(ctx, scope, step)
	if errors.Is(err, pgx.ErrNoRows) {
		return Sweep{}, nil
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("read how far %s of %s is: %w", step, scope, err)
	}
	return Sweep{Position: row.Position, Done: row.Done, Count: row.Count, Cents: money.Cents(row.Cents)}, nil
}

// Save keeps the sweep in the transaction of what was done.
func (s *Sweep) Save(ctx context.Context, tx pgx.Tx, scope, step string) error {
	err := db.New(tx).SaveSweep(ctx, db.SaveSweepParams{
		Scope: scope, Step: step, Position: s.Position, Done: s.Done, Count: s.Count, Cents: int64(s.Cents),
	})
	if err != nil {
		return fmt.Errorf("keep how far %s of %s is: %w", step, scope, err)
	}
	return nil
}
