package statements

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
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
		queries := db.New(tx)
		if err := bookKnown(ctx, queries); err != nil {
			return err
		}
		rows, err := queries.Positions(ctx)
		if err != nil {
			return fmt.Errorf("read the balances: %w", err)
		}
		var breaches []ledger.Breach
		var bodies []ogep.Body
		for _, row := range rows {
			if row.Sequence == 0 {
				continue
			}
			bodies = append(bodies, ogep.GetAccountBalance{AccountID: row.Code, Balance: money.Cents(row.Bank)})
			if breach, broken := compare(row); broken {
				breaches = append(breaches, breach)
			}
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

// compare holds the bank's balance against the books'. What the books have that
// the bank has not shown, or the other way, are four kinds of items: transfers
// ordered whose debit was not seen, lines not booked, and, on the other side,
// bookings whose line no statement holds yet.
func compare(row db.PositionsRow) (ledger.Breach, bool) {
	bank, books := money.Cents(row.Bank), money.Cents(row.Books)
	ordered, lines, early := money.Cents(row.NotDebited), money.Cents(row.NotBooked), money.Cents(row.NotStated)
	gap := bank - (books + ordered + lines - early)
	if gap == 0 {
		return ledger.Breach{}, false
	}
	return ledger.Breach{
		Invariant: ledger.BankAgrees, Where: row.Code,
		Detail: fmt.Sprintf("the bank says %s (statement %d), the books %s; transfers not debited yet %s, lines not booked %s, "+
			"bookings on no statement yet %s: %s unexplained", bank, row.Sequence, books, ordered, lines, early, gap),
	}, true
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
