package transfers

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/transfers/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// OrderRecovery orders règlement → fonctionnement of what the session took back
// of debts and has not ordered yet: own money had advanced it.
func (a *Activities) OrderRecovery(ctx context.Context, run activities.Run) error {
	now := a.now()
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		recovered, err := db.New(tx).Unordered(ctx, run.ID.String())
		if err != nil {
			return fmt.Errorf("sum what was recovered: %w", err)
		}
		if recovered == 0 {
			return nil
		}
		return a.next(ctx, tx, run, order{
			step: stepRecovery, purpose: transfer.Recovery, amount: money.Cents(recovered),
			info: transfer.RecoveryLabel(run.StartedAt),
		}, now)
	})
	if err != nil {
		return activities.Failed("order the transfer of what "+run.ID.String()+" recovered", err)
	}
	return nil
}

// next commits an order of a step that may order more than once: within the
// run's lock, the books say what is left.
func (a *Activities) next(ctx context.Context, tx pgx.Tx, run activities.Run, planned order, now time.Time) error {
	item, err := postgres.NextItem(ctx, tx, run.ID.String(), planned.step)
	if err != nil {
		return err
	}
	key := postgres.Key{
		Scope: run.ID.String(), Step: planned.step, Item: item, Input: sha256.Sum256([]byte(planned.amount.String())),
	}
	batch, _, err := postgres.BeginBatch(ctx, tx, run.Number, key, now)
	if err != nil {
		return err
	}
	return a.commit(ctx, tx, run, batch, planned, now)
}

// now is the hour of orders, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }

// due is the day on which the bank is to execute an order that the run gives
// now: the run's business date, today where the run is late, and not before
// another date.
func (a *Activities) due(
	ctx context.Context, tx pgx.Tx, run activities.Run, now time.Time, notBefore calendar.Date,
) (calendar.Date, error) {
	text, err := db.New(tx).BusinessDate(ctx, run.Number)
	if err != nil {
		return calendar.Date{}, fmt.Errorf("read the business date of %s: %w", run.ID, err)
	}
	date, err := calendar.ParseDate(text)
	if err != nil {
		return calendar.Date{}, fmt.Errorf("business date of %s: %w", run.ID, err)
	}
	return calendar.DueDate(a.calendar, now, date, notBefore), nil
}
