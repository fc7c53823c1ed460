package remittances

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/transfer"
)

// SettleOrders finds bulks of unknown outcome on the bank's statements, which
// proves that the bank has them, and counts what the bank still has to answer for.
func (a *Activities) SettleOrders(ctx context.Context, run activities.Run) (activities.SettleOrdersResult, error) {
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	var result activities.SettleOrdersResult
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		queries := db.New(tx)
		shown, err := queries.ShownByStatement(ctx)
		if err != nil {
			return fmt.Errorf("look for bulks on statements: %w", err)
		}
		for _, bulk := range shown {
			if err := queries.MarkSent(ctx, "the bank's statement shows it", bulk); err != nil {
				return fmt.Errorf("settle bulk %d: %w", bulk, err)
			}
			if err := settleOrders(ctx, queries, bulk, transfer.Sent); err != nil {
				return err
			}
		}
		result, err = a.left(ctx, queries, run)
		return err
	})
	if err != nil {
		return activities.SettleOrdersResult{}, activities.Failed("settle the orders of unknown outcome", err)
	}
	return result, nil
}

// left counts what the bank still has to answer for.
func (a *Activities) left(ctx context.Context, queries *db.Queries, run activities.Run) (activities.SettleOrdersResult, error) {
	var none activities.SettleOrdersResult
	text, err := queries.BusinessDate(ctx, run.Number)
	if err != nil {
		return none, fmt.Errorf("read the run's business date: %w", err)
	}
	today, err := calendar.ParseDate(text)
	if err != nil {
		return none, fmt.Errorf("business date: %w", err)
	}
	unknown, err := queries.UnknownBulks(ctx)
	if err != nil {
		return none, fmt.Errorf("list bulks of unknown outcome: %w", err)
	}
	sent, err := queries.SentBulks(ctx)
	if err != nil {
		return none, fmt.Errorf("list bulks that the bank has: %w", err)
	}
	result := activities.SettleOrdersResult{UnknownBulks: len(unknown)}
	first := transfer.StaleBefore(a.calendar, today)
	for _, bulk := range sent {
		due, err := calendar.ParseDate(bulk.DueDate)
		if err != nil {
			return none, fmt.Errorf("due date: %w", err)
		}
		if calendar.DateOf(bulk.AttemptedAt).Before(first) && due.Before(first) {
			result.StaleOrders += int(bulk.Orders)
		}
	}
	return result, nil
}
