package cashout

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/sweep"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

const stepValidate = "validate"

// ValidateCashouts judges the REQUESTED orders, those of a CP one after the
// other, in passes: a pass begins with what the session asks for and what client
// money is held, and ends when no order stands behind the last one. Orders that
// are requested after that, as by a Payline file that was brought again, make
// another pass, which counts what the passes before it granted.
func (a *Activities) ValidateCashouts(ctx context.Context, run activities.Run) (activities.CashoutsResult, error) {
	done, err := a.slices.Work(ctx, run, vacation.StageValidating,
		func(ctx context.Context, tx pgx.Tx, now time.Time) (bool, error) { return a.judge(ctx, tx, run, now) })
	if err != nil {
		return activities.CashoutsResult{}, activities.Failed("validate payouts", err)
	}
	result, err := standing(ctx, a.pool, run.ID.String())
	if err != nil {
		return activities.CashoutsResult{}, activities.Failed("validate payouts", err)
	}
	result.Done = done
	return result, nil
}

// standing is where the session's orders stand. What is posted was validated.
func standing(ctx context.Context, on postgres.Querier, scope string) (activities.CashoutsResult, error) {
	orders, err := payout.ReadStanding(ctx, on, scope)
	if err != nil {
		return activities.CashoutsResult{}, err
	}
	return activities.CashoutsResult{
		Validated: orders.Validated.Orders + orders.Posted.Orders, ValidatedSum: orders.Validated.Amount + orders.Posted.Amount,
		Waiting: orders.Waiting.Orders, WaitingSum: orders.Waiting.Amount,
		Refused: orders.Refused.Orders, RefusedSum: orders.Refused.Amount,
		Done: orders.Requested.Orders == 0,
	}, nil
}

// pass is how far a pass has come. It stands in the database only: it names a CP.
type pass struct {
	Total money.Cents  `json:"totalCents"` // of the session's orders that are not refused, when the pass began
	Place payout.Place `json:"place"`      // of the last order judged
	State rules.State  `json:"state"`
}

// judge takes up the next orders of the pass, or begins one.
func (a *Activities) judge(ctx context.Context, tx pgx.Tx, run activities.Run, now time.Time) (done bool, err error) {
	scope := run.ID.String()
	reached, err := sweep.Read(ctx, tx, scope, stepValidate)
	if err != nil {
		return false, err
	}
	var current pass
	begins := reached.Position == "" || reached.Done
	if !begins {
		if err := json.Unmarshal([]byte(reached.Position), &current); err != nil {
			return false, fmt.Errorf("read how far the validation is: %w", err)
		}
	}
	orders, err := payout.ToJudge(ctx, tx, scope, current.Place, a.chunk)
	if err != nil {
		return false, err
	}
	if len(orders) == 0 {
		if begins {
			return true, nil
		}
		reached.Done = true
		return false, reached.Save(ctx, tx, scope, stepValidate)
	}
	if begins {
		if current, err = begin(ctx, tx, run); err != nil {
			return false, err
		}
		reached.Done = false
	}
	decisions, err := a.review(ctx, tx, scope, &current, orders)
	if err != nil {
		return false, err
	}
	if err := payout.Decide(ctx, tx, ogep.AutomaticValidator, decisions, now); err != nil {
		return false, err
	}
	position, err := json.Marshal(current)
	if err != nil {
		return false, fmt.Errorf("keep how far the validation is: %w", err)
	}
	reached.Position = string(position)
	if err := reached.Save(ctx, tx, scope, stepValidate); err != nil {
		return false, err
	}
	return false, a.outbox.Emit(ctx, tx, postgres.Emission{Vacation: run.Number, At: now, Bodies: a.tellAll(decisions)})
}

// begin reads what a pass begins with.
func begin(ctx context.Context, tx pgx.Tx, run activities.Run) (pass, error) {
	orders, err := payout.ReadStanding(ctx, tx, run.ID.String())
	if err != nil {
		return pass{}, err
	}
	books, err := postgres.ReadBooks(ctx, tx, run.Number)
	if err != nil {
		return pass{}, err
	}
	granted := orders.Waiting.Amount + orders.Validated.Amount
	return pass{
		Total: orders.Requested.Amount + granted + orders.Posted.Amount,
		State: rules.State{Liquidity: liquidity(books) - granted},
	}, nil
}

// liquidity is the client money that stands on règlement and cantonnement, or
// is on its way there, and that CPs may be paid from: not what is ordered
// already, nor the money of parked lines and of rejected transfers, nor the EP's
// own commission that stands on règlement still.
func liquidity(books ledger.Books) money.Cents {
	// Assets stand on the debit side: their credit less debit is negative.
	held := -(books.Reglement + books.Cantonnement + books.TransitToClients)
	return held - books.Payouts - books.Parked - books.Rejects - books.Fees
}

// review judges orders, and moves the pass on behind them.
func (a *Activities) review(
	ctx context.Context, tx pgx.Tx, scope string, current *pass, orders []payout.Order,
) ([]payout.Decision, error) {
	ids := accountIDs(orders)
	held, err := payout.Held(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	granted, err := payout.Granted(ctx, tx, scope, ids)
	if err != nil {
		return nil, err
	}
	decisions := make([]payout.Decision, len(orders))
	review := rules.Resume(a.settings.Policy, current.Total, current.State)
	for i := range orders {
		order := &orders[i]
		if state := review.State(); state.AccountID != order.AccountID {
			// The ceiling of a CP is the session's, not the pass's.
			state.AccountID, state.Sum = order.AccountID, granted[order.AccountID]
			review = rules.Resume(a.settings.Policy, current.Total, state)
		}
		decision, reason := review.Judge(rules.Candidate{
			Ref: order.RefExterne, AccountID: order.AccountID, Amount: order.Amount,
			OwnCeiling: order.Ceiling, Held: held[order.AccountID],
		})
		decisions[i] = payout.Decision{Order: order, State: payout.State(decision), Reason: string(reason)}
		if decision == rules.Refused {
			decisions[i].Code = string(rejectCode(reason))
		}
	}
	last := &orders[len(orders)-1]
	current.Place = payout.Place{AccountID: last.AccountID, Number: last.Number}
	current.State = review.State()
	return decisions, nil
}

// tellAll tells what was validated, then what was refused for each reason, then
// the Payline orders among the latter. What waits is told when it is decided.
func (a *Activities) tellAll(decisions []payout.Decision) []ogep.Body {
	var (
		validated []*payout.Order
		rejected  []ogep.Body
	)
	refused := make(map[string][]*payout.Order)
	for i := range decisions {
		decision := &decisions[i]
		switch decision.State {
		case payout.Validated:
			validated = append(validated, decision.Order)
		case payout.Refused:
			refused[decision.Reason] = append(refused[decision.Reason], decision.Order)
			if decision.Order.Source == payout.Payline {
				rejected = append(rejected, a.reject(decision.Order, rejectCode(rules.Reason(decision.Reason))))
			}
		default:
		}
	}
	bodies := a.tell(verdict{decision: ogep.Validated, validator: ogep.AutomaticValidator}, validated)
	for _, reason := range rules.Reasons() {
		bodies = append(bodies, a.tell(verdict{
			decision: ogep.Refused, validator: ogep.AutomaticValidator, reason: reason.Text(),
		}, refused[string(reason)])...)
	}
	return append(bodies, rejected...)
}
