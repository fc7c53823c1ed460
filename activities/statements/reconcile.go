package statements

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// Reconcile proves, each time it is called, that the bank's last balance of each
// account is the books' but for unbooked items, and tells the balances once a
// run. An account of which no statement was ever read has nothing to be held against.
func (a *Activities) Reconcile(ctx context.Context, run activities.Run) error {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageReconciling} })
	defer stop()
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		if err := bookKnown(ctx, db.New(tx)); err != nil {
			return err
		}
		positions, err := audit.Positions(ctx, tx)
		if err != nil {
			return err
		}
		var breaches []ledger.Breach
		var bodies []ogep.Body
		for _, position := range positions {
			if position.Statement == 0 {
				continue
			}
			bodies = append(bodies, ogep.GetAccountBalance{AccountID: string(position.Account), Balance: position.Bank})
			breaches = append(breaches, position.Breaches()...)
		}
		if err := session.Broken(breaches); err != nil {
			return fmt.Errorf("reconcile: %w", err)
		}
		return a.tell(ctx, tx, run, bodies)
	})
	if err != nil {
		return activities.Failed("reconcile the bank accounts", err)
	}
	return nil
}

// tell emits the balances, once a run.
func (a *Activities) tell(ctx context.Context, tx pgx.Tx, run activities.Run, bodies []ogep.Body) error {
	// A run that follows a failed one has events of its own.
	key := postgres.Key{Scope: run.ID.String(), Step: stepReconcile, Item: int(run.Number)}
	_, fresh, err := postgres.BeginBatch(ctx, tx, run.Number, key, a.now())
	if err != nil || !fresh {
		return err
	}
	return a.outbox.Emit(ctx, tx, postgres.Emission{Vacation: run.Number, At: a.now(), Bodies: bodies})
}
