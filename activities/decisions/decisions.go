// Package decisions has operators' decisions taken: what each changes in the
// books and in the lists commits in one transaction with its events and its row
// of the operators' journal.
package decisions

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/decisions/internal/db"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// Isolation orders règlement → fonctionnement of a commission that a transaction
// takes, in that transaction, and books it as earned.
type Isolation interface {
	IsolateWithin(ctx context.Context, tx pgx.Tx, run activities.Run, commission money.Cents, now time.Time) error
}

// Activities takes decisions on PostgreSQL.
type Activities struct {
	pool    *pgxpool.Pool
	outbox  postgres.Outbox
	actors  operator.Actors
	labels  *label.Classifier
	isolate Isolation
	clock   func() time.Time
}

// New makes the activities. actors are those whose answers are taken, labels are
// the site's grammars, by which references of bank lines are formed, isolation
// moves the commissions of parked lines that are assigned, and clock gives the
// hour of postings and events.
func New(
	pool *pgxpool.Pool, outbox postgres.Outbox, actors operator.Actors, labels *label.Classifier, isolation Isolation,
	clock func() time.Time,
) *Activities {
	return &Activities{pool: pool, outbox: outbox, actors: actors, labels: labels, isolate: isolation, clock: clock}
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.RecordAnswerName: a.RecordAnswer,
		activities.DecideName:       a.Decide,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// RecordAnswer writes an answer that changes nothing but the run that waits into
// the operators' journal, once.
func (a *Activities) RecordAnswer(ctx context.Context, request activities.RecordAnswerRequest) error {
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		_, err := a.actors.Record(ctx, tx, operator.Act{
			Vacation: request.Run.Number, Act: request.Act, Subject: request.Subject,
			Before: request.Before, After: request.After, Answer: request.Answer, At: a.now(),
		})
		return err
	})
	if err != nil {
		return activities.Failed("write the answer to "+request.Subject+" into the journal", err)
	}
	return nil
}

// stepDecide is the step under which decisions are posted, one item each.
const stepDecide = "decide"

// Decide has a decision taken. Given again, it changes nothing and says what it
// changed then.
func (a *Activities) Decide(ctx context.Context, request activities.DecideRequest) (activities.DecideResult, error) {
	var result activities.DecideResult
	err := postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		decision := deciding{
			activities: a, tx: tx, queries: db.New(tx), run: request.Run, date: request.Date, Decision: request.Decision, now: a.now(),
		}
		var err error
		result.After, err = decision.take(ctx)
		return err
	})
	if err != nil {
		return activities.DecideResult{}, activities.Failed("decide to "+request.Decision.Act, err)
	}
	return result, nil
}

// now is the hour of postings and events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }

// deciding is a decision in its transaction.
type deciding struct {
	activities.Decision

	activities *Activities
	tx         pgx.Tx
	queries    *db.Queries
	run        activities.Run
	date       calendar.Date // the business day of the run
	now        time.Time
}

// outcome is what a decision changed.
type outcome struct {
	before, after string
	batch         int64 // 0 when it posted nothing
	rendered      int   // entries of the batch that are told
	bodies        []ogep.Body
	commission    money.Cents // taken, and to be isolated
}

// refused is the failure of a decision that does not fit.
func refused(format string, args ...any) error {
	return vacation.Fail(vacation.Refused, format+"; nothing was changed", args...)
}

// take does what the decision means, once for its answer, and returns the
// sentence that says so.
func (d *deciding) take(ctx context.Context) (string, error) {
	if err := d.activities.actors.Check(d.Answer.Actor); err != nil {
		return "", err
	}
	if d.Answer.Reason == "" {
		return "", refused("say why (reason): it stands in the operators' journal")
	}
	subject, effect := d.effect()
	if effect == nil {
		return "", refused("%q is no decision: the acts are %s, %s, %s and %s", d.Act,
			activities.ActAssign, activities.ActClassify, activities.ActWriteOff, activities.ActRelease)
	}
	known, err := d.queries.Known(ctx, d.Answer.ID)
	if err == nil {
		// The journal refuses the id of another answer.
		_, err := d.record(ctx, subject, outcome{})
		return known, err
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look into the operators' journal: %w", err)
	}
	changed, err := effect(ctx)
	if err != nil {
		return "", err
	}
	if err := d.commit(ctx, subject, changed); err != nil {
		return "", err
	}
	return changed.after, nil
}

// effect is what the decision is about, and how it is taken; nil for none that there is.
func (d *deciding) effect() (string, func(context.Context) (outcome, error)) {
	switch d.Act {
	case activities.ActAssign:
		return fmt.Sprintf("parked line %d of %s", d.Line, d.Reference), d.assign
	case activities.ActClassify:
		return "bank line " + d.BankLine, d.classify
	case activities.ActWriteOff:
		return fmt.Sprintf("debt %d", d.Debt), d.writeOff
	case activities.ActRelease:
		return fmt.Sprintf("payouts of ledger account %d", d.Account), d.release
	default:
		return "", nil
	}
}

// commit writes the journal, and tells what was posted.
func (d *deciding) commit(ctx context.Context, subject string, changed outcome) error {
	fresh, err := d.record(ctx, subject, changed)
	if err != nil {
		return err
	}
	if !fresh {
		// Taken in another run a moment ago: all of this is undone, and found done when it is tried again.
		return fmt.Errorf("answer %s is being taken by another run: try again", d.Answer.ID)
	}
	err = d.activities.outbox.Emit(ctx, d.tx, postgres.Emission{
		Vacation: d.run.Number, At: d.now, Batch: changed.batch, Rendered: changed.rendered, Bodies: changed.bodies,
	})
	if err != nil {
		return err
	}
	return d.activities.isolate.IsolateWithin(ctx, d.tx, d.run, changed.commission, d.now)
}

func (d *deciding) record(ctx context.Context, subject string, changed outcome) (bool, error) {
	return d.activities.actors.Record(ctx, d.tx, operator.Act{
		Vacation: d.run.Number, Act: d.Act, Subject: subject, Before: changed.before, After: changed.after,
		Answer: d.Answer, At: d.now,
	})
}

// post posts the decision's entries in a batch of its own.
func (d *deciding) post(ctx context.Context, entries ...ledger.Entry) (int64, error) {
	item, err := postgres.NextItem(ctx, d.tx, d.run.ID.String(), stepDecide)
	if err != nil {
		return 0, err
	}
	key := postgres.Key{Scope: d.run.ID.String(), Step: stepDecide, Item: item, Input: sha256.Sum256([]byte(d.Answer.ID))}
	batch, _, err := postgres.BeginBatch(ctx, d.tx, d.run.Number, key, d.now)
	if err != nil {
		return 0, err
	}
	_, err = postgres.Post(ctx, d.tx, batch, 0, entries)
	return batch, err
}
