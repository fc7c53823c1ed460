package transfers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/transfers/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// TakeBack takes back the order of a bulk that the bank refused: what was to
// move has not left, Dr BK / Cr TR.INT. Covers, commissions and recovered debts
// are ordered again in the same transaction, because nobody else asks for them,
// and a shortfall is to be covered at every moment; what moves between règlement
// and cantonnement is found anew by the next session. Done before, it changes
// nothing.
func (a *Activities) TakeBack(ctx context.Context, run activities.Run, bulk int32) error {
	now := a.now()
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		row, err := db.New(tx).LockOrderOfBulk(ctx, bulk)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the order: %w", err)
		}
		refused := order{
			step: stepOrderAgain, purpose: transfer.Purpose(row.Purpose), amount: money.Cents(row.AmountCents),
			info: row.Info,
		}
		value, err := a.due(ctx, tx, run, now, calendar.Date{})
		if err != nil {
			return err
		}
		item, err := postgres.NextItem(ctx, tx, run.ID.String(), stepTakeBack)
		if err != nil {
			return err
		}
		key := postgres.Key{Scope: run.ID.String(), Step: stepTakeBack, Item: item, Input: sha256.Sum256([]byte(row.RefExterne))}
		batch, _, err := postgres.BeginBatch(ctx, tx, run.Number, key, now)
		if err != nil {
			return err
		}
		_, err = postgres.Post(ctx, tx, batch, 0, []ledger.Entry{{
			Debit: a.bank.route(refused.purpose).from, Credit: ledger.Transit(row.RefExterne), Kind: ledger.KindTransferBack,
			Amount: refused.amount, Label: row.Info, TransactionAt: now, ValueDate: value,
		}})
		if err != nil {
			return err
		}
		if err := db.New(tx).RejectOrder(ctx, row.Number); err != nil {
			return fmt.Errorf("reject the order: %w", err)
		}
		switch refused.purpose {
		case transfer.Cover, transfer.Revenue, transfer.Recovery:
			return a.next(ctx, tx, run, refused, now)
		case transfer.Canton, transfer.Decanton, transfer.Payout:
		}
		return nil
	})
	if err != nil {
		return activities.Failed(fmt.Sprintf("take back the order of bulk %d", bulk), err)
	}
	return nil
}
