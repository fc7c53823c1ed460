// Package debts recovers créances: what merchants owe the EP is taken from what
// their payment accounts have, before anything is paid out to them.
package debts

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/slice"
)

// Activities recovers debts on PostgreSQL.
type Activities struct {
	pool   *pgxpool.Pool
	outbox postgres.Outbox
	clock  func() time.Time
	slices slice.Worker
	chunk  int
}

// chunkDebts is how many debts one transaction looks at: enough to make a
// commit's cost vanish, few enough to hold their CPs for milliseconds.
const chunkDebts = 500

// Option changes what New makes.
type Option func(*Activities)

// WithSlice sets how long RecoverDebts works before it hands back.
func WithSlice(lasts time.Duration) Option { return func(a *Activities) { a.slices.Time = lasts } }

// WithChunk sets how many debts one transaction looks at.
func WithChunk(debts int) Option { return func(a *Activities) { a.chunk = debts } }

// New makes the activities; clock gives the hour of postings and events.
func New(pool *pgxpool.Pool, outbox postgres.Outbox, clock func() time.Time, options ...Option) *Activities {
	a := &Activities{
		pool: pool, outbox: outbox, clock: clock,
		slices: slice.Worker{Pool: pool, Clock: clock, Time: slice.Time}, chunk: chunkDebts,
	}
	for _, option := range options {
		option(a)
	}
	return a
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.RecoverDebts, activity.RegisterOptions{Name: activities.RecoverDebtsName})
}
