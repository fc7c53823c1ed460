package payout

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/payout/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/money"
)

// Decision is what becomes of an order that is not posted yet.
type Decision struct {
	Order  *Order
	State  State
	Reason string // required for WAITING and REFUSED
	// Code answers the Payline line of an order that is REFUSED.
	Code string
}

// Decide keeps decisions of a validator, and rejects the Payline lines of the
// orders that are refused.
func Decide(ctx context.Context, tx pgx.Tx, validator string, decisions []Decision, at time.Time) error {
	if len(decisions) == 0 {
		return nil
	}
	params := db.DecideOrdersParams{Validator: validator}
	var answers []Answer
	for _, decision := range decisions {
		params.Numbers = append(params.Numbers, decision.Order.Number)
		params.States = append(params.States, string(decision.State))
		params.Reasons = append(params.Reasons, decision.Reason)
		if decision.State == Refused && decision.Order.Source == Payline {
			answers = append(answers, Answer{Line: decision.Order.Line, Code: decision.Code})
		}
	}
	changed, err := db.New(tx).DecideOrders(ctx, params)
	if err != nil {
		return fmt.Errorf("decide orders: %w", err)
	}
	if changed != int64(len(decisions)) {
		return fmt.Errorf("decide orders: %d of %d are not open any more", int64(len(decisions))-changed, len(decisions))
	}
	return AnswerLines(ctx, tx, answers, at)
}

// Prepare keeps that orders are posted by a batch, and accepts their Payline lines.
func Prepare(ctx context.Context, tx pgx.Tx, batch int64, posted []Order, at time.Time) error {
	numbers := make([]int64, len(posted))
	var answers []Answer
	for i := range posted {
		numbers[i] = posted[i].Number
		if posted[i].Source == Payline {
			answers = append(answers, Answer{Line: posted[i].Line})
		}
	}
	changed, err := db.New(tx).PrepareOrders(ctx, batch, numbers)
	if err != nil {
		return fmt.Errorf("mark posted orders: %w", err)
	}
	if changed != int64(len(posted)) {
		return fmt.Errorf("mark posted orders: %d of %d are not validated any more", int64(len(posted))-changed, len(posted))
	}
	return AnswerLines(ctx, tx, answers, at)
}

// Answer is the outcome of a Payline line: accepted without a code.
type Answer struct {
	Line Line
	Code string
}

// AnswerLines keeps the outcome of Payline lines, each once.
func AnswerLines(ctx context.Context, tx pgx.Tx, answers []Answer, at time.Time) error {
	if len(answers) == 0 {
		return nil
	}
	params := db.DecideLinesParams{DecidedAt: &at}
	for _, answer := range answers {
		params.Files = append(params.Files, answer.Line.File)
		params.Lines = append(params.Lines, answer.Line.Number)
		params.Codes = append(params.Codes, answer.Code)
	}
	changed, err := db.New(tx).DecideLines(ctx, params)
	if err != nil {
		return fmt.Errorf("answer Payline lines: %w", err)
	}
	if changed != int64(len(answers)) {
		return fmt.Errorf("answer Payline lines: %d of %d are answered already", int64(len(answers))-changed, len(answers))
	}
	return nil
}

// Sum is how many orders, and what they come to.
type Sum struct {
	Orders int
	Amount money.Cents
}

func (s *Sum) add(orders, amount int64) {
	s.Orders += int(orders)
	s.Amount += money.Cents(amount)
}

// Standing is where the orders of a session stand.
type Standing struct {
	Requested Sum
	Waiting   Sum
	Validated Sum // and not posted
	Posted    Sum // PREPARED or any state after it
	Refused   Sum
	// ByReason counts the refused ones.
	ByReason map[string]int
}

// ReadStanding counts a session's orders.
func ReadStanding(ctx context.Context, on postgres.Querier, scope string) (Standing, error) {
	rows, err := db.New(on).Standing(ctx, scope)
	if err != nil {
		return Standing{}, fmt.Errorf("count the orders of %s: %w", scope, err)
	}
	standing := Standing{ByReason: make(map[string]int)}
	for _, row := range rows {
		switch State(row.State) {
		case Requested:
			standing.Requested.add(row.Orders, row.Sum)
		case Waiting:
			standing.Waiting.add(row.Orders, row.Sum)
		case Validated:
			standing.Validated.add(row.Orders, row.Sum)
		case Refused:
			standing.Refused.add(row.Orders, row.Sum)
			standing.ByReason[row.Reason] += int(row.Orders)
		default:
			standing.Posted.add(row.Orders, row.Sum)
		}
	}
	return standing, nil
}
