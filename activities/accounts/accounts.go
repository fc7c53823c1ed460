// Package accounts is the EP's account-keeping (tenue de compte) as the
// vacations use it: it opens a settlement in the books, posts its lines on the
// merchants' payment accounts, covers what they lack, and proves the books at
// the end. Each of its activities commits its effects and their events in one
// transaction under a key, so that running it again changes nothing.
package accounts

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/slice"
)

// Activities does the work on PostgreSQL.
type Activities struct {
	pool   *pgxpool.Pool
	outbox postgres.Outbox
	work   string
	clock  func() time.Time
	lasts  time.Duration // of a slice
}

// Option changes what New makes.
type Option func(*Activities)

// WithSlice sets how long PostLines works before it hands back.
func WithSlice(lasts time.Duration) Option { return func(a *Activities) { a.lasts = lasts } }

// New makes the activities. work is the folder of the parts, shared by all
// workers; clock gives the hour of postings and events.
func New(pool *pgxpool.Pool, outbox postgres.Outbox, work string, clock func() time.Time, options ...Option) *Activities {
	a := &Activities{pool: pool, outbox: outbox, work: work, clock: clock, lasts: slice.Time}
	for _, option := range options {
		option(a)
	}
	return a
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.OpenSettlementName:  a.OpenSettlement,
		activities.PostLinesName:       a.PostLines,
		activities.CloseSettlementName: a.CloseSettlement,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}
