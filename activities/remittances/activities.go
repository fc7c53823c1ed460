// Package remittances takes orders to the bank: it groups payouts in bulks,
// hands bulks over through a channel, and keeps what became of each. A bulk is
// handed over after that intent was committed, and never again while nobody
// knows whether the bank has it.
package remittances

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/slice"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/domain/calendar"
)

// Activities takes orders to the bank.
type Activities struct {
	pool     *pgxpool.Pool
	outbox   postgres.Outbox
	own      ownTransfers
	channel  channels.Channel
	gate     Gate
	archive  inbox.Archive
	bank     transfers.Bank
	calendar calendar.Calendar
	actors   operator.Actors
	clock    func() time.Time
	slices   slice.Worker
}

// ownTransfers takes back orders between the EP's own accounts.
type ownTransfers interface {
	// TakeBack books that the bank refused the order of a bulk.
	TakeBack(ctx context.Context, run activities.Run, bulk int32) error
}

// Option changes what New makes.
type Option func(*Activities)

// WithSlice sets how long Remit and Dispatch work before they hand back.
func WithSlice(lasts time.Duration) Option { return func(a *Activities) { a.slices.Time = lasts } }

// Parts are what the activities work with.
type Parts struct {
	Pool    *pgxpool.Pool
	Outbox  postgres.Outbox
	Own     *transfers.Activities
	Channel channels.Channel
	// Gate is that of the version of the bank's files.
	Gate Gate
	// Archive is the folder of reports that were taken in.
	Archive inbox.Archive
	Bank    transfers.Bank
	// Calendar says which days count for orders that the bank leaves undebited.
	Calendar calendar.Calendar
	Actors   operator.Actors
	Clock    func() time.Time
}

// New makes the activities.
func New(parts Parts, options ...Option) *Activities {
	a := &Activities{
		pool: parts.Pool, outbox: parts.Outbox, own: parts.Own, channel: parts.Channel, gate: parts.Gate,
		archive: parts.Archive, bank: parts.Bank,
		calendar: parts.Calendar, actors: parts.Actors, clock: parts.Clock,
		slices: slice.Worker{Pool: parts.Pool, Clock: parts.Clock, Time: slice.Time},
	}
	for _, option := range options {
		option(a)
	}
	return a
}

// Register makes the activities of the ledger's queue known to a worker under
// the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.Remit, activity.RegisterOptions{Name: activities.RemitName})
	registry.RegisterActivityWithOptions(a.ReadReports, activity.RegisterOptions{Name: activities.ReadReportsName})
	registry.RegisterActivityWithOptions(a.SettleOrders, activity.RegisterOptions{Name: activities.SettleOrdersName})
}

// RegisterDispatch makes the activities of [activities.DispatchQueue] known to a
// worker: those that call the bank.
func (a *Activities) RegisterDispatch(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.Dispatch, activity.RegisterOptions{Name: activities.DispatchName})
	registry.RegisterActivityWithOptions(a.LookUp, activity.RegisterOptions{Name: activities.LookUpName})
	registry.RegisterActivityWithOptions(a.AskOutcomes, activity.RegisterOptions{Name: activities.AskOutcomesName})
}

// now is the hour of attempts and postings, to the millisecond that events show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
