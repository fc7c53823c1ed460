// Package virements settles what the bank says of our own remittances: a debit
// executes the orders of a bulk, and a lot of rejects gives orders back to the
// CPs that they came from.
package virements

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/slice"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/transfer"
)

// Activities settles remittances and rejects on PostgreSQL.
type Activities struct {
	pool     *pgxpool.Pool
	outbox   postgres.Outbox
	folders  Folders
	details  reject.Reader
	bank     transfer.Bank
	calendar calendar.Calendar
	clock    func() time.Time
	slices   slice.Worker
	chunk    int32
}

// Folders are where the details of lots are kept. All workers share them.
type Folders struct {
	Inbox   string // files that came in; they leave it once they are in the database
	Archive string // files that were taken in, compressed, and reports of those that were refused
}

const (
	// chunkOrders is how many orders one transaction settles: enough to make a
	// commit's cost vanish, few enough to hold their CPs for some hundredths of a second.
	chunkOrders = 1_000
)

// Option changes what New makes.
type Option func(*Activities)

// WithSlice sets how long an activity works before it hands back.
func WithSlice(lasts time.Duration) Option { return func(a *Activities) { a.slices.Time = lasts } }

// WithChunk sets how many orders one transaction settles.
func WithChunk(orders int32) Option { return func(a *Activities) { a.chunk = orders } }

// New makes the activities. details reads those of lots, bank is how the EP
// names its bank in its orders, days are those on which the bank works, and clock
// gives the hour of postings and events.
func New(
	pool *pgxpool.Pool, outbox postgres.Outbox, folders Folders, details reject.Reader, bank transfer.Bank, days calendar.Calendar,
	clock func() time.Time, options ...Option,
) *Activities {
	a := &Activities{
		pool: pool, outbox: outbox, folders: folders, details: details, bank: bank, calendar: days, clock: clock,
		slices: slice.Worker{Pool: pool, Clock: clock, Time: slice.Time}, chunk: chunkOrders,
	}
	for _, option := range options {
		option(a)
	}
	return a
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.TellMovementsName:   a.TellMovements,
		activities.MatchRemittanceName: a.MatchRemittance,
		activities.LoadRejectsName:     a.LoadRejects,
		activities.AllocateRejectsName: a.AllocateRejects,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// now is the hour of postings and events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
