// Package erp tells the ERP of the settlements that were made. What it is to be
// told is planned in the books' own database; a posting leaves it by one door:
// its intent is committed, it is sent in one attempt, and what came of that is
// kept. While nobody knows whether the ERP has a posting, it is looked up by its
// label, and is not sent again without the ERP's or an operator's word.
package erp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
)

// ERP is the way to the ERP, for one dossier. It is called once at a time.
type ERP interface {
	// Login makes sure that calls can be made for a while. Nothing is posted by it.
	// The outcome is zero, or NOT_SENT when the ERP did not answer, or AUTH_FAILED
	// when it answered that we are not let in.
	Login(ctx context.Context) Outcome
	// Post sends one posting, in one attempt, after Login. The class says what came
	// of it: NOT_SENT only when the ERP cannot have the request, UNKNOWN whenever
	// nobody can tell. It never sends twice.
	Post(ctx context.Context, parameter string) Outcome
	// Find asks what the ERP has under a label, after Login. It changes nothing
	// there. An error says that there was no answer.
	Find(ctx context.Context, label string) (Found, error)
}

// Outcome is what became of a call.
type Outcome struct {
	// Class is empty for a call that only had to succeed.
	Class divalto.Class
	// Reply is as it was read, zero when there was none.
	Reply divalto.Reply
	// Raw is the reply as it came, cut at a limit, and without the token.
	Raw []byte
	// Detail is for operators: no names, no accounts, no secrets.
	Detail string
}

// Found is what the ERP answered about a label.
type Found struct {
	Outcome

	// Answered tells that the ERP said what it has: an answer that could not be
	// read, or that the look-up failed, is none.
	Answered bool
	Entries  []Entry
}

// Entry is what the ERP has under a label.
type Entry struct {
	Transaction string
	ThirdParty  string
	Amount      money.Cents
}

// Waker has postings that are due sent. It does not wait for them.
type Waker interface {
	Wake(ctx context.Context, dossier string) error
}

// Settings say what is posted, and how.
type Settings struct {
	// Since is the first business day whose settlements are posted.
	Since calendar.Date
	// SettlementThirdParty is whom the ERP has the bank's card settlements from.
	SettlementThirdParty string
	// Payers are by shop whom the ERP has its card payments from where the form
	// names nobody, empty where every form does. Payments of other shops are not
	// posted.
	Payers map[string]string
	// States are the changes of state by dossier, means and direction.
	States divalto.States
	// Options are how the ERP wants its requests.
	Options divalto.Options
}

// dossier is the one that is posted to.
func (s *Settings) dossier() string { return s.Options.Dossier.Dos }

// Check holds the settings against what each posting needs of them. The errors
// say what is missing.
func (s *Settings) Check() error {
	problems := []error{s.Options.Check()}
	if s.dossier() == "" || s.Since.IsZero() || s.SettlementThirdParty == "" {
		problems = append(problems, errors.New("dossier, first business day and third party of settlements are to be set"))
	}
	for means, direction := range map[string]divalto.Direction{
		meansTransfer: divalto.Disbursement, meansCard: divalto.Encashment,
	} {
		if _, err := s.States.Lookup(s.dossier(), means, direction); err != nil {
			problems = append(problems, fmt.Errorf("posting by %s: %w", means, err))
		}
	}
	return errors.Join(problems...)
}

// Parts are what the activities work with.
type Parts struct {
	Pool *pgxpool.Pool
	// ERP is nil where a site has none: nothing is planned then.
	ERP      ERP
	Settings Settings
	Waker    Waker
	Clock    func() time.Time
}

// Activities tell the ERP of settlements.
type Activities struct {
	pool     *pgxpool.Pool
	erp      ERP
	settings Settings
	waker    Waker
	clock    func() time.Time
}

// New makes the activities. It calls nobody.
func New(parts Parts) *Activities {
	return &Activities{
		pool: parts.Pool, erp: parts.ERP, settings: parts.Settings, waker: parts.Waker, clock: parts.Clock,
	}
}

// Register makes the activity of the ledger's queue known to a worker under the
// contract's name: planning.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.PlanPostings, activity.RegisterOptions{Name: activities.PlanPostingsName})
}

// RegisterERP makes the activities of [activities.ERPQueue] known to a worker:
// those that call the ERP.
func (a *Activities) RegisterERP(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.PostSettlement, activity.RegisterOptions{Name: activities.PostSettlementName})
	registry.RegisterActivityWithOptions(a.FindPosting, activity.RegisterOptions{Name: activities.FindPostingName})
}

// now is the hour of attempts, to the millisecond.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
