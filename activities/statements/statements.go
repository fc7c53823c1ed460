// Package statements takes in the bank's statements of the EP's three accounts:
// it tells their lines apart, gives each to what it settles, and proves that the
// books and the bank say the same, and that clients' money is safe.
package statements

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/statement"
)

// Activities does the work on PostgreSQL.
type Activities struct {
	pool     *pgxpool.Pool
	outbox   postgres.Outbox
	labels   *label.Classifier
	archive  inbox.Archive
	accounts statement.Accounts
	clock    func() time.Time
}

// New makes the activities. labels tell bank lines apart; accounts are those that
// statements may be of; archive is the folder of statements that were read, shared
// by all workers; clock gives the hour of postings and events, and the one against
// which a cut-off is held.
func New(
	pool *pgxpool.Pool, outbox postgres.Outbox, labels *label.Classifier, accounts statement.Accounts, archived inbox.Archive,
	clock func() time.Time,
) *Activities {
	return &Activities{pool: pool, outbox: outbox, labels: labels, accounts: accounts, archive: archived, clock: clock}
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.ReadStatementsName:    a.ReadStatements,
		activities.MatchTransfersName:    a.MatchTransfers,
		activities.PairLinesName:         a.PairLines,
		activities.AwaitReglementsName:   a.AwaitReglements,
		activities.ReconcileName:         a.Reconcile,
		activities.StateSafeguardingName: a.StateSafeguarding,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// Steps under which batches are committed.
const (
	stepMatch     = "match"
	stepReconcile = "reconcile"
)

// now is the hour of postings and events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
