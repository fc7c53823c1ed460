package transfers

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/transfers/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/safeguarding"
	"github.com/reglo/reglo/domain/transfer"
)

// Decanton orders cantonnement → règlement of what règlement lacks at this
// moment, and returns what the session has ordered so far, in cents: called
// again, it says the same unless règlement lacks more.
func (a *Activities) Decanton(ctx context.Context, run activities.Run) (money.Cents, error) {
	now := a.now()
	var ordered int64
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		position, _, err := a.position(ctx, tx, run)
		if err != nil {
			return err
		}
		if lacking := safeguarding.Decantonnement(position); lacking > 0 {
			err := a.next(ctx, tx, run, order{
				step: stepDecanton, purpose: transfer.Decanton, amount: lacking,
				info: transfer.DecantonLabel(run.StartedAt),
			}, now)
			if err != nil {
				return err
			}
		}
		ordered, err = db.New(tx).Ordered(ctx, run.ID.String(), stepDecanton)
		if err != nil {
			return fmt.Errorf("sum what was ordered: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, activities.Failed("order the décantonnement of "+run.ID.String(), err)
	}
	return money.Cents(ordered), nil
}

// Canton tells the balances of the three bank accounts and orders règlement →
// cantonnement of clients' money that règlement does not need, once a session:
// called again, it changes nothing and returns the same amount.
func (a *Activities) Canton(ctx context.Context, run activities.Run) (money.Cents, error) {
	now := a.now()
	var ordered int64
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		// The amount is no part of the input: the books of a later call are others.
		key := postgres.Key{Scope: run.ID.String(), Step: stepCanton, Input: sha256.Sum256([]byte(stepCanton))}
		batch, fresh, err := postgres.BeginBatch(ctx, tx, run.Number, key, now)
		if err != nil {
			return err
		}
		if fresh {
			if err := a.canton(ctx, tx, run, batch, now); err != nil {
				return err
			}
		}
		ordered, err = db.New(tx).Ordered(ctx, run.ID.String(), stepCanton)
		if err != nil {
			return fmt.Errorf("sum what was ordered: %w", err)
		}
		return nil
	})
	if err != nil {
		return 0, activities.Failed("order the cantonnement of "+run.ID.String(), err)
	}
	return money.Cents(ordered), nil
}

func (a *Activities) canton(ctx context.Context, tx pgx.Tx, run activities.Run, batch int64, now time.Time) error {
	position, books, err := a.position(ctx, tx, run)
	if err != nil {
		return err
	}
	told := []ogep.Body{
		ogep.GetAccountBalance{AccountID: string(ledger.Reglement), Balance: position.Reglement},
		ogep.GetAccountBalance{AccountID: string(ledger.Cantonnement), Balance: position.Cantonnement},
		ogep.GetAccountBalance{AccountID: string(ledger.Fonctionnement), Balance: books.Fonctionnement.Neg()},
	}
	amount := safeguarding.Cantonnement(position)
	if amount == 0 {
		return a.outbox.Emit(ctx, tx, postgres.Emission{Vacation: run.Number, At: now, Bodies: told})
	}
	return a.commit(ctx, tx, run, batch, order{
		step: stepCanton, purpose: transfer.Canton, amount: amount,
		info: transfer.CantonLabel(run.StartedAt), told: told,
	}, now)
}

// position reads what règlement and cantonnement have to serve, and holds both
// until the transaction ends: two vacations never order the same money.
func (a *Activities) position(
	ctx context.Context, tx pgx.Tx, run activities.Run,
) (position safeguarding.Position, books ledger.Books, err error) {
	ids, err := postgres.Accounts(ctx, tx, []ledger.Code{ledger.Reglement, ledger.Cantonnement})
	if err != nil {
		return position, books, err
	}
	locked := []int32{ids[ledger.Reglement], ids[ledger.Cantonnement]}
	slices.Sort(locked)
	if _, err := postgres.LockBalances(ctx, tx, locked); err != nil {
		return position, books, err
	}
	// Read after the lock was got: what its last holder ordered is in these books.
	books, err = postgres.ReadBooks(ctx, tx, run.Number)
	if err != nil {
		return position, books, err
	}
	remitted, err := db.New(tx).Remitted(ctx)
	if err != nil {
		return position, books, fmt.Errorf("sum remitted payouts: %w", err)
	}
	handedOver := min(money.Cents(remitted.HandedOver), books.Payouts)
	position = safeguarding.Position{
		PaymentAccounts: books.CP, Parked: max(0, books.Parked), Rejects: max(0, books.Rejects),
		PayoutsUnremitted: books.Payouts - handedOver,
		// What the bank has debited, and no payout is settled with yet, it does not debit again.
		PayoutsRemitted: max(0, handedOver-money.Cents(remitted.Debited)),
		Fees:            max(0, books.Fees),
		// Assets stand on the debit side.
		Reglement: books.Reglement.Neg(), Cantonnement: books.Cantonnement.Neg(),
		InFlightToReglement:    (books.TransitToClients - books.TransitToCantonnement).Neg(),
		InFlightToCantonnement: books.TransitToCantonnement.Neg(),
	}
	return position, books, nil
}
