package transfers

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// IsolateWithin orders règlement → fonctionnement of a commission that the
// caller's transaction takes outside a file, due on the run's business date, and
// books it as earned. The run is locked by the caller, who has told the
// commission by then. Nothing is ordered for zero.
func (a *Activities) IsolateWithin(
	ctx context.Context, tx pgx.Tx, run activities.Run, commission money.Cents, now time.Time,
) error {
	if commission == 0 {
		return nil
	}
	return a.next(ctx, tx, run, order{
		step: stepRevenue, purpose: transfer.Revenue, amount: commission, earned: true,
		info: transfer.CommissionLabel(revenueScheme, run.StartedAt),
	}, now)
}
