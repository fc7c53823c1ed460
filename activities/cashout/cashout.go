// Package cashout makes merchants' payouts: it plans the automatic ones, has
// all of them validated, by the rules or by a person, and posts them. Each
// transaction takes up some of what is left, so that an activity that is run
// again, or by two workers at once, goes on where the committed rows end.
package cashout

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/slice"
	"github.com/reglo/reglo/domain/calendar"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/transfer"
)

// Settings are what an EP decides for itself.
type Settings struct {
	// Bank is how the EP names its bank in orders.
	Bank transfer.Bank
	// Calendar says on which days payouts fall due.
	Calendar calendar.Calendar
	Policy   rules.Policy
	// Actors are those who may approve and refuse.
	Actors operator.Actors
}

// Activities does the work on PostgreSQL.
type Activities struct {
	pool     *pgxpool.Pool
	outbox   postgres.Outbox
	settings Settings
	clock    func() time.Time
	slices   slice.Worker
	chunk    int
}

const (
	// chunkOrders is how many CPs or orders one transaction takes up: some
	// megabytes of rows and events, and locks held for a part of a second.
	chunkOrders = 5_000
	// eventOrders is how many orders one validate-cashout holds: some 300 KiB.
	eventOrders = 500
)

// Option changes what New makes.
type Option func(*Activities)

// WithSlice sets how long an activity works before it hands back.
func WithSlice(lasts time.Duration) Option { return func(a *Activities) { a.slices.Time = lasts } }

// WithChunk sets how many CPs or orders one transaction takes up.
func WithChunk(orders int) Option { return func(a *Activities) { a.chunk = orders } }

// New makes the activities; clock gives the hour of events.
func New(
	pool *pgxpool.Pool, outbox postgres.Outbox, settings Settings, clock func() time.Time, options ...Option,
) *Activities {
	a := &Activities{
		pool: pool, outbox: outbox, settings: settings, clock: clock,
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
		activities.PlanPayoutsName:      a.PlanPayouts,
		activities.ValidateCashoutsName: a.ValidateCashouts,
		activities.DecideCashoutsName:   a.DecideCashouts,
		activities.PostPayoutsName:      a.PostPayouts,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// now is the hour of events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }

// rejectCode answers a Payline line whose order is refused for a reason.
func rejectCode(reason rules.Reason) payline.Code {
	switch reason {
	case rules.Held:
		return payline.CodeBlockedAccount
	case rules.Liquidity, rules.NoCover:
		return payline.CodeNoCover
	case rules.CutOff:
		return payline.CodeCutOff
	case rules.NoAmount:
		return payline.CodeZeroAmount
	default: // a ceiling, or a person
		return payline.CodeAboveCeiling
	}
}

// verdict is one decision about orders, as it is told.
type verdict struct {
	decision  ogep.Decision
	validator string
	reason    string // of a refusal
}

// tell makes the validate-cashout events of orders that have one verdict.
func (a *Activities) tell(given verdict, orders []*payout.Order) []ogep.Body {
	var bodies []ogep.Body
	for len(orders) > 0 {
		count := min(len(orders), eventOrders)
		body := ogep.ValidateCashout{
			Orders: make([]ogep.Order, count), Decision: given.decision, Validator: given.validator, Reason: given.reason,
		}
		for i, order := range orders[:count] {
			body.Orders[i] = order.Event(a.settings.Bank)
			body.Total += order.Amount // each is within the money held: their sum cannot overflow
		}
		bodies = append(bodies, body)
		orders = orders[count:]
	}
	return bodies
}

// reject makes the create-rejected-order event of a Payline order.
func (a *Activities) reject(order *payout.Order, code payline.Code) ogep.Body {
	return ogep.CreateRejectedOrder{
		Orders: []ogep.Order{order.Event(a.settings.Bank)}, RejectCode: string(code),
		EndToEndID: order.EndToEndID, AccountID: order.AccountID,
	}
}

// accountIDs lists the CPs of orders, each once. Orders of a CP may stand apart.
func accountIDs(orders []payout.Order) []string {
	seen := make(map[string]bool, len(orders))
	var ids []string
	for i := range orders {
		if id := orders[i].AccountID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
