// Package matching finds the card lines that settle the payments of which the
// gateway has told. It moves no money: it says what belongs together, leaves to
// operators what does not show, and counts what has been alone for too long.
package matching

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// Rule is how a line is found for a payment. Whatever the rule, the line is of
// the payment's shop, of its direction and, but for the tolerance, of its
// amount; and it is taken only where the payment has no other line to choose
// from, and the line no other payment.
type Rule string

// The rules.
const (
	// ByReference: the acquirer's reference is the gateway's identifier of the
	// transaction or, within the days of ByAmount, its authorisation.
	ByReference Rule = "reference"
	// ByOrder: the order's reference is a word of the line's label.
	ByOrder Rule = "order"
	// ByAmount: nothing but the contract, the amount and the day, which is that of
	// the payment or one of the next.
	ByAmount Rule = "amount-date"
)

// byOperator stands in the place of a rule for a match that an operator made.
const byOperator = "operator"

// Rules are all rules, in their ordinary order.
func Rules() []Rule { return []Rule{ByReference, ByOrder, ByAmount} }

// ParseRules reads rules between commas, in the order in which they are applied.
// The error says what is allowed.
func ParseRules(text string) ([]Rule, error) {
	var rules []Rule
	for name := range strings.SplitSeq(text, ",") {
		rule := Rule(strings.TrimSpace(name))
		if !slices.Contains(Rules(), rule) || slices.Contains(rules, rule) {
			return nil, fmt.Errorf("must be some of %s, each once, separated by commas", FormatRules(Rules()))
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// FormatRules writes rules as [ParseRules] reads them.
func FormatRules(rules []Rule) string {
	names := make([]string, len(rules))
	for i, rule := range rules {
		names[i] = string(rule)
	}
	return strings.Join(names, ",")
}

// Settings say what is matched, and when what is alone is late.
type Settings struct {
	Rules []Rule
	// Tolerance is by how much the amounts may differ, in cents.
	Tolerance money.Cents
	// Days is how many days after the payment, in Paris, its line may be dated.
	Days int
	// LateDays is after how many business days what has no match is late.
	LateDays int
}

// Ordinary settings.
const (
	// DefaultDays is as long as the ordinary delay of a capture, over a weekend.
	DefaultDays = 5
	// DefaultLateDays is when card lines have come: the day after the capture, and
	// two for what is late.
	DefaultLateDays = 3
)

// Shop is one of the gateway's, with the acceptance contracts by which CRE files
// name its lines. Of a shop without any, nothing is matched.
type Shop struct {
	Name      string
	Contracts []string
}

// Parts are what the activities work with.
type Parts struct {
	Pool     *pgxpool.Pool
	Shops    []Shop
	Settings Settings
	Calendar calendar.Calendar
	Clock    func() time.Time
}

// Activities match payments.
type Activities struct {
	pool     *pgxpool.Pool
	settings Settings
	calendar calendar.Calendar
	clock    func() time.Time

	// shops and contracts are pairs: a shop stands there once a contract.
	shops, contracts []string
}

// New makes the activities.
func New(parts Parts) *Activities {
	a := &Activities{pool: parts.Pool, settings: parts.Settings, calendar: parts.Calendar, clock: parts.Clock}
	for _, shop := range parts.Shops {
		for _, contract := range shop.Contracts {
			a.shops, a.contracts = append(a.shops, shop.Name), append(a.contracts, contract)
		}
	}
	return a
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.MatchPayments, activity.RegisterOptions{Name: activities.MatchPaymentsName})
}

// now is the hour of what is kept, to the millisecond.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
