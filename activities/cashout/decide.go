package cashout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/vacation"
)

// The acts of the operators' journal.
const (
	actApprove = "approve-payouts"
	actRefuse  = "refuse-payouts"
)

// DecideCashouts validates or refuses orders that wait, all in one transaction:
// a person's answer counts as a whole or not at all. Given again, the answer
// changes nothing. At the cut-off nobody answered: nothing is journaled, and the
// events name the automatic validator.
func (a *Activities) DecideCashouts(
	ctx context.Context, request activities.DecideCashoutsRequest,
) (activities.CashoutsResult, error) {
	given, err := a.answer(request)
	if err != nil {
		return activities.CashoutsResult{}, activities.Failed("decide payouts", err)
	}
	var result activities.CashoutsResult
	now := a.now()
	err = postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		fresh, err := a.journal(ctx, tx, request, now)
		if err != nil {
			return err
		}
		if fresh {
			if err := a.decide(ctx, tx, request, given, now); err != nil {
				return err
			}
		}
		result, err = standing(ctx, tx, request.Run.ID.String())
		return err
	})
	if err != nil {
		return activities.CashoutsResult{}, activities.Failed("decide payouts of "+request.Run.ID.String(), err)
	}
	return result, nil
}

// answered is what an answer makes of an order.
type answered struct {
	verdict

	state payout.State
	// code answers the Payline lines of orders that are refused.
	code payline.Code
	// reason is kept with the order; the verdict's is told.
	reason string
}

// answer checks who answers, and says what that makes of the orders.
func (a *Activities) answer(request activities.DecideCashoutsRequest) (answered, error) {
	if request.CutOff {
		return answered{
			verdict: verdict{decision: ogep.Refused, validator: ogep.AutomaticValidator, reason: rules.CutOff.Text()},
			state:   payout.Refused, reason: string(rules.CutOff), code: rejectCode(rules.CutOff),
		}, nil
	}
	approval := rules.Approval{Actor: request.Answer.Actor, Reason: request.Answer.Reason}
	if request.Approve {
		err := approval.CheckApprove(request.Requester, a.settings.Actors)
		return answered{
			verdict: verdict{decision: ogep.Validated, validator: approval.Actor}, state: payout.Validated,
		}, refusal(err)
	}
	err := approval.CheckRefuse(a.settings.Actors)
	return answered{
		verdict: verdict{decision: ogep.Refused, validator: approval.Actor, reason: approval.RefusalText()},
		state:   payout.Refused, reason: approval.RefusalText(), code: rejectCode(rules.RefusedByOperator),
	}, refusal(err)
}

// refusal makes the failure of an answer that does not count.
func refusal(err error) error {
	if problem, found := errors.AsType[*rules.ApprovalError](err); found {
		return vacation.Fail(vacation.Refused, "%s; nothing was changed", problem)
	}
	return err
}

// journal writes a person's answer down. It is not fresh when it was given before.
func (a *Activities) journal(
	ctx context.Context, tx pgx.Tx, request activities.DecideCashoutsRequest, now time.Time,
) (fresh bool, err error) {
	if request.CutOff {
		return true, nil
	}
	waiting, err := payout.ReadStanding(ctx, tx, request.Run.ID.String())
	if err != nil {
		return false, err
	}
	act, after, which := actRefuse, payout.Refused, "all of them"
	if request.Approve {
		act, after = actApprove, payout.Validated
	}
	if len(request.Orders) > 0 {
		which = fmt.Sprintf("%d of them", len(request.Orders))
	}
	return a.settings.Actors.Record(ctx, tx, operator.Act{
		Vacation: request.Run.Number, Act: act, Subject: request.Run.ID.String(),
		Before: fmt.Sprintf("%d orders of %s wait", waiting.Waiting.Orders, waiting.Waiting.Amount),
		After:  fmt.Sprintf("%s: %s", which, after), Answer: request.Answer, At: now,
	})
}

// decide gives the orders their verdict, page by page so that a hundred
// thousand orders and their events take little memory.
func (a *Activities) decide(
	ctx context.Context, tx pgx.Tx, request activities.DecideCashoutsRequest, given answered, now time.Time,
) error {
	scope := request.Run.ID.String()
	if len(request.Orders) > 0 && !request.CutOff {
		orders, missing, err := payout.Named(ctx, tx, scope, request.Orders, payout.Waiting)
		if err != nil {
			return err
		}
		if missing > 0 {
			return vacation.Fail(vacation.Refused,
				"%d of the orders named do not wait in %s; nothing was changed: name orders that wait, or none for all of them",
				missing, scope)
		}
		return a.give(ctx, tx, request.Run, given, orders, now)
	}
	for _, source := range []payout.Source{payout.Payline, payout.Automatic} {
		selection := payout.Selection{Scope: scope, State: payout.Waiting, Source: source, Most: a.chunk}
		for {
			orders, err := payout.Select(ctx, tx, selection)
			if err != nil {
				return err
			}
			if len(orders) == 0 {
				break
			}
			if err := a.give(ctx, tx, request.Run, given, orders, now); err != nil {
				return err
			}
			selection.After = orders[len(orders)-1].Number
		}
	}
	return nil
}

// give gives orders the verdict and tells it.
func (a *Activities) give(
	ctx context.Context, tx pgx.Tx, run activities.Run, given answered, orders []payout.Order, now time.Time,
) error {
	decisions := make([]payout.Decision, len(orders))
	told := make([]*payout.Order, len(orders))
	var rejected []ogep.Body
	for i := range orders {
		told[i] = &orders[i]
		decisions[i] = payout.Decision{Order: told[i], State: given.state, Reason: given.reason, Code: string(given.code)}
		if given.state == payout.Refused && orders[i].Source == payout.Payline {
			rejected = append(rejected, a.reject(told[i], given.code))
		}
	}
	if err := payout.Decide(ctx, tx, given.validator, decisions, now); err != nil {
		return err
	}
	return a.outbox.Emit(ctx, tx, postgres.Emission{
		Vacation: run.Number, At: now, Bodies: append(a.tell(given.verdict, told), rejected...),
	})
}
