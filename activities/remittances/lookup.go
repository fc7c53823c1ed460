package remittances

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// Decisions of an operator on bulks whose outcome is not known.
const (
	decisionDelivered = "delivered" // the bank has them
	decisionResend    = "resend"    // the bank does not have them: hand them over again
)

// LookUp asks the channel what became of UNKNOWN bulks, or takes an operator's
// word for it. A bulk that the channel does not have stays UNKNOWN: handing it
// over again is a person's decision.
func (a *Activities) LookUp(ctx context.Context, request activities.LookUpRequest) (activities.DispatchResult, error) {
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	var err error
	if request.Decision == "" {
		err = a.ask(ctx, request)
	} else {
		err = a.decide(ctx, request)
	}
	if err == nil {
		err = a.giveBack(ctx, request.Run)
	}
	var result activities.DispatchResult
	if err == nil {
		result, err = a.outcomes(ctx, request.Run)
	}
	if err != nil {
		return activities.DispatchResult{}, activities.Failed("look bulks up for "+request.Run.ID.String(), err)
	}
	return result, nil
}

// ask asks the channel about one bulk after the other.
func (a *Activities) ask(ctx context.Context, request activities.LookUpRequest) error {
	names, err := unknown(ctx, a.pool, request.Bulks)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := a.askFor(ctx, name); err != nil {
			return fmt.Errorf("bulk %s: %w", name, err)
		}
	}
	return nil
}

func (a *Activities) askFor(ctx context.Context, name string) error {
	return a.askAbout(ctx, name, func(row handedOver) bool { return row.State == string(transfer.Unknown) })
}

// askAbout asks the channel about a bulk that was handed over, and that is still
// open when it is this caller's turn. It settles what the channel knows, and
// leaves the rest as it is.
func (a *Activities) askAbout(ctx context.Context, name string, open func(handedOver) bool) error {
	turn, err := a.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer turn.End(ctx)

	read, err := db.New(turn.Conn).Bulk(ctx, name)
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	row := handedOver(read)
	if row.AttemptedAt == nil || !open(row) {
		return nil // settled meanwhile
	}
	outcome := a.lookUp(ctx, row.handed())
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look it up: %w", err)
	}
	switch outcome.State {
	case transfer.Sent, transfer.Rejected:
		return turn.settle(ctx, row.Number, *row.AttemptedAt, outcome)
	case transfer.Prepared:
		outcome.Detail = "the channel does not have it: " + outcome.Detail
	case transfer.Unknown, transfer.Executed:
	}
	if err := db.New(turn.Conn).NoteDetail(ctx, outcome.Detail, row.Number); err != nil {
		return fmt.Errorf("keep what the channel said: %w", err)
	}
	return nil
}

// AskOutcomes asks the channel about each bulk of which nobody knows whether the
// bank has it, whichever run handed it over, and though that run be over: those
// that are UNKNOWN, and those that a run which is over left in an attempt. What the
// channel has is SENT, with its orders, and what the bank refused is REJECTED; the
// money of that goes back with the next dispatch or look-up of any run, which has
// the journal that it needs. The others are left as they are: an operator
// decides on UNKNOWN ones, and the next dispatch begins with the attempts. It sends
// nothing, and returns how many are left open.
func (a *Activities) AskOutcomes(ctx context.Context) (int, error) {
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	left, err := a.askOpen(ctx)
	if err != nil {
		return 0, activities.Failed("ask what became of bulks", err)
	}
	return left, nil
}

func (a *Activities) askOpen(ctx context.Context) (left int, err error) {
	bulks, err := db.New(a.pool).OpenBulks(ctx)
	if err != nil {
		return 0, fmt.Errorf("list bulks of unknown outcome: %w", err)
	}
	for _, bulk := range bulks {
		// Another attempt is another dispatch's, which asks by itself.
		err := a.askAbout(ctx, bulk.Name, func(row handedOver) bool {
			return row.AttemptedAt.Equal(bulk.AttemptedAt) &&
				(row.State == string(transfer.Unknown) || row.State == string(transfer.Prepared))
		})
		if err != nil {
			return 0, fmt.Errorf("bulk %s: %w", bulk.Name, err)
		}
	}
	if bulks, err = db.New(a.pool).OpenBulks(ctx); err != nil {
		return 0, fmt.Errorf("count bulks of unknown outcome: %w", err)
	}
	return len(bulks), nil
}

// unknown is the bulks that are asked for, else all that are UNKNOWN.
func unknown(ctx context.Context, on postgres.Querier, asked []string) ([]string, error) {
	if len(asked) > 0 {
		return asked, nil
	}
	names, err := db.New(on).UnknownBulks(ctx)
	if err != nil {
		return nil, fmt.Errorf("list bulks of unknown outcome: %w", err)
	}
	return names, nil
}

// decide takes an operator's word, once, with its row in the operators' journal.
func (a *Activities) decide(ctx context.Context, request activities.LookUpRequest) error {
	after := transfer.Sent
	switch request.Decision {
	case decisionDelivered:
	case decisionResend:
		after = transfer.Prepared
	default:
		return vacation.Fail(vacation.Refused, "%q is no decision on a bulk: it is %s or %s",
			request.Decision, decisionDelivered, decisionResend)
	}
	// As it was asked for: the same answer given again finds itself in the journal.
	subject := "all bulks of unknown outcome"
	if len(request.Bulks) > 0 {
		subject = strings.Join(request.Bulks, ", ")
	}
	err := postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		fresh, err := a.actors.Record(ctx, tx, operator.Act{
			Vacation: request.Run.Number, Act: request.Decision, Subject: subject,
			Before: string(transfer.Unknown), After: string(after), Answer: request.Answer, At: a.now(),
		})
		if err != nil || !fresh {
			return err
		}
		names, err := unknown(ctx, tx, request.Bulks)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := a.decideOn(ctx, tx, name, after, request.Answer.Actor); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (a *Activities) decideOn(ctx context.Context, tx pgx.Tx, name string, after transfer.State, actor string) error {
	queries := db.New(tx)
	number, err := queries.DecideBulk(ctx, string(after), "decided by "+actor, name)
	if err != nil {
		return fmt.Errorf("decide on bulk %s: %w", name, err)
	}
	if len(number) == 0 {
		return vacation.Fail(vacation.Refused,
			"bulk %q is not of unknown outcome: nothing was decided", name)
	}
	return settleOrders(ctx, queries, number[0], after)
}
