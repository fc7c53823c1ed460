package remittances

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/refusal"
	"github.com/reglo/reglo/activities/remittances/internal/db"
)

// codeNotSent is the reason of a payout of which the bank gives none, as where
// its whole bulk was refused (MS03 of ISO 20022, reason not specified).
const codeNotSent = "MS03"

// giveBack gives the money of rejected bulks back to where it came from, some
// orders a transaction, until all is.
func (a *Activities) giveBack(ctx context.Context, run activities.Run) error {
	own, err := db.New(a.pool).RejectedOwn(ctx)
	if err != nil {
		return fmt.Errorf("find own transfers that were rejected: %w", err)
	}
	for _, bulk := range own {
		if err := a.own.TakeBack(ctx, run, bulk); err != nil {
			return fmt.Errorf("take back bulk %d: %w", bulk, err)
		}
	}
	for {
		more, err := a.givePayoutsBack(ctx, run)
		if err != nil || !more {
			return err
		}
	}
}

// givePayoutsBack gives some payouts back, and tells whether there were any.
func (a *Activities) givePayoutsBack(ctx context.Context, run activities.Run) (more bool, err error) {
	now := a.now()
	err = postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		rows, err := db.New(tx).RejectedPayouts(ctx, codeNotSent, ordersAtOnce)
		if err != nil {
			return fmt.Errorf("find payouts that were rejected: %w", err)
		}
		if more = len(rows) > 0; !more {
			return nil
		}
		refused := make([]refusal.Payout, len(rows))
		for i, row := range rows {
			refused[i] = refusal.Payout(row)
		}
		return refusal.Desk{Outbox: a.outbox, Bank: a.bank.Named()}.GiveBack(ctx, tx, run, refused, now)
	})
	return more, err
}
