package session

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/session/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// Activities opens and ends vacations on PostgreSQL.
type Activities struct {
	pool   *pgxpool.Pool
	outbox postgres.Outbox
	clock  func() time.Time
}

// New makes the activities; clock gives the hour of events.
func New(pool *pgxpool.Pool, outbox postgres.Outbox, clock func() time.Time) *Activities {
	return &Activities{pool: pool, outbox: outbox, clock: clock}
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.OpenVacationName:  a.OpenVacation,
		activities.CloseVacationName: a.CloseVacation,
		activities.FailVacationName:  a.FailVacation,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// openingLock is the advisory lock under which vacations that are no règlement
// are opened, one at a time: there are a handful a day.
const openingLock = 0x7265676c6f // "reglo"

// OpenVacation opens the run, or finds it open, or finds that an earlier one
// ended the session, or that another vacation must end first.
func (a *Activities) OpenVacation(
	ctx context.Context, request activities.OpenVacationRequest,
) (activities.OpenVacationResult, error) {
	var result activities.OpenVacationResult
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if err := queries.LockOpening(ctx, openingLock); err != nil {
			return fmt.Errorf("wait for another opening: %w", err)
		}
		if err := a.heldBy(ctx, queries, request.ID, &result); err != nil || result.HeldBy != "" {
			return err
		}
		opened, err := Open(ctx, tx, a.outbox, Opening{
			ID: request.ID, WorkflowRun: request.WorkflowRun, BusinessDate: request.BusinessDate,
			Parameters: sha256.Sum256(request.Parameters), Start: ogep.Start{Kind: request.ID.Kind},
		}, a.now())
		if err != nil {
			return err
		}
		result.Run = opened.Run
		if opened.Ended == nil {
			return nil
		}
		if !opened.Ended.Same {
			return vacation.Fail(vacation.ParametersConflict,
				"%s has ended, and was started with other parameters than these; nothing was started: look at its result, "+
					"and give a further run of the day a name of its own", request.ID)
		}
		result.Ended = opened.Ended.Totals
		return nil
	})
	if err != nil {
		return activities.OpenVacationResult{}, activities.Failed("open "+request.ID.String(), err)
	}
	return result, nil
}

// heldBy finds the créances or the financière that runs, for another one of either.
func (a *Activities) heldBy(
	ctx context.Context, queries *db.Queries, id vacation.ID, result *activities.OpenVacationResult,
) error {
	if id.Kind != vacation.Creances && id.Kind != vacation.Financiere {
		return nil
	}
	running, err := queries.RunningOfCash(ctx, string(id.Kind), id.Key)
	if err != nil {
		return fmt.Errorf("look for a vacation that moves cash: %w", err)
	}
	if len(running) > 0 {
		result.HeldBy = running[0]
	}
	return nil
}

// CloseVacation proves the books and ends the run, in one transaction. The
// totals are kept with the number of events, which only the end itself knows:
// who starts the session again is told what the first one was told.
func (a *Activities) CloseVacation(ctx context.Context, request activities.CloseVacationRequest) (int64, error) {
	var events int64
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		row, err := Lock(ctx, tx, request.Run.Number)
		if err != nil {
			return err
		}
		events = row.LastSeq
		if !row.Running {
			return nil
		}
		breaches, err := Breaches(ctx, tx, request.Run)
		if err != nil {
			return err
		}
		if err := Broken(breaches); err != nil {
			return err
		}
		events++
		totals, err := counted(request.Totals, events)
		if err != nil {
			return err
		}
		return End(ctx, tx, a.outbox, request.Run, totals, a.now())
	})
	if err != nil {
		return 0, activities.Failed("close "+request.Run.ID.String(), err)
	}
	return events, nil
}

// counted is an object of totals with the number of the run's events in it.
// Totals of another kind have no place for it, and stay as they are.
func counted(totals json.RawMessage, events int64) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(totals, &object); err != nil || object == nil {
		return totals, nil //nolint:nilerr // no object: the database says whether it is JSON at all
	}
	object["events"] = json.RawMessage(strconv.FormatInt(events, 10))
	text, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("count the events into the totals: %w", err)
	}
	return text, nil
}

// Breaches are those of every invariant that the sums of the books can show, and
// of the run's own suspense accounts being empty.
func Breaches(ctx context.Context, tx pgx.Tx, run activities.Run) ([]ledger.Breach, error) {
	books, err := postgres.ReadBooks(ctx, tx, run.Number)
	if err != nil {
		return nil, fmt.Errorf("sum the books: %w", err)
	}
	breaches := books.Check()
	left, err := db.New(tx).UnsettledAccounts(ctx, []string{
		string(ledger.Suspense(run.ID.Key)), string(ledger.Rejects(run.ID.Key)),
	})
	if err != nil {
		return nil, fmt.Errorf("read suspense accounts: %w", err)
	}
	for _, account := range left {
		breaches = append(breaches, ledger.Breach{
			Invariant: ledger.SuspenseEmpty, Where: account.Code, Detail: "holds " + money.Cents(account.Balance).String(),
		})
	}
	return breaches, nil
}

// Broken makes the failure of breaches, nil when there are none.
func Broken(breaches []ledger.Breach) error {
	if len(breaches) == 0 {
		return nil
	}
	return vacation.Fail(vacation.InvariantBroken,
		"%d invariants are broken, the first: %s. Post nothing more before `starter verify` is clean",
		len(breaches), breaches[0])
}

// FailVacation ends a run with error, once: a run that is over stays as it is.
func (a *Activities) FailVacation(ctx context.Context, request activities.FailVacationRequest) error {
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		return Fail(ctx, tx, a.outbox, request.Run.Number,
			vacation.Failure{Code: request.Code, Step: request.Step, Message: request.Message}, a.now())
	})
	if err != nil {
		return fmt.Errorf("end %s with error: %w", request.Run.ID, err)
	}
	return nil
}

// now is the hour of events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
