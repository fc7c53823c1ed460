package cashout

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/cashout/internal/db"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/sweep"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

const stepPlan = "plan"

// PlanPayouts looks at each CP whose automatic payout is due, in the order of
// their identifiers, and requests an order where it comes to something. What
// other orders of the session will take is not paid a second time.
func (a *Activities) PlanPayouts(
	ctx context.Context, request activities.PlanPayoutsRequest,
) (activities.PlanPayoutsResult, error) {
	scope := request.Run.ID.String()
	plan := planning{
		activities: a, run: request.Run, date: request.BusinessDate,
		due:         calendar.DueDate(a.settings.Calendar, a.now(), request.BusinessDate),
		frequencies: dueFrequencies(a.settings.Calendar, request.BusinessDate),
	}
	done, err := a.slices.Work(ctx, request.Run, vacation.StagePlanning, plan.take)
	if err != nil {
		return activities.PlanPayoutsResult{}, activities.Failed("plan payouts", err)
	}
	reached, err := sweep.Read(ctx, a.pool, scope, stepPlan)
	if err != nil {
		return activities.PlanPayoutsResult{}, activities.Failed("plan payouts", err)
	}
	return activities.PlanPayoutsResult{Orders: int(reached.Count), Sum: reached.Cents, Done: done}, nil
}

// dueFrequencies lists those of all frequencies that fall due on the date.
func dueFrequencies(days calendar.Calendar, date calendar.Date) []string {
	const week, month = 7, 31
	all := []merchant.Frequency{{Period: merchant.Daily}}
	for day := 1; day <= week; day++ {
		all = append(all, merchant.Frequency{Period: merchant.Weekly, Day: day})
	}
	for day := 1; day <= month; day++ {
		all = append(all, merchant.Frequency{Period: merchant.Monthly, Day: day})
	}
	var due []string
	for _, frequency := range all {
		if frequency.DueOn(days, date) {
			due = append(due, frequency.String())
		}
	}
	return due
}

// planning is the automatic payouts of a session on a day.
type planning struct {
	activities  *Activities
	run         activities.Run
	date        calendar.Date
	due         calendar.Date // of the orders
	frequencies []string
}

// take looks at the next CPs that are due.
func (p *planning) take(ctx context.Context, tx pgx.Tx, now time.Time) (done bool, err error) {
	scope := p.run.ID.String()
	reached, err := sweep.Read(ctx, tx, scope, stepPlan)
	if err != nil || reached.Done {
		return reached.Done, err
	}
	rows, err := db.New(tx).DueCPs(ctx, reached.Position, p.frequencies, int32(p.activities.chunk)) //nolint:gosec // a chunk
	if err != nil {
		return false, fmt.Errorf("read CPs that are due: %w", err)
	}
	orders, bodies, err := p.orders(ctx, tx, rows, now)
	if err != nil {
		return false, err
	}
	for i := range orders {
		if err := reached.Add(orders[i].Amount); err != nil {
			return false, fmt.Errorf("sum of the automatic payouts: %w", err)
		}
	}
	if len(orders) > 0 {
		if err := payout.Request(ctx, tx, scope, orders, now); err != nil {
			return false, err
		}
	}
	if len(rows) > 0 {
		reached.Position = rows[len(rows)-1].AccountID
	}
	reached.Done = len(rows) < p.activities.chunk
	if err := reached.Save(ctx, tx, scope, stepPlan); err != nil {
		return false, err
	}
	return reached.Done, p.activities.outbox.Emit(ctx, tx, postgres.Emission{Vacation: p.run.Number, At: now, Bodies: bodies})
}

// orders makes the orders of CPs that are due, and tells each one's balance.
func (p *planning) orders(
	ctx context.Context, tx pgx.Tx, rows []db.DueCPsRow, now time.Time,
) ([]payout.Order, []ogep.Body, error) {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].AccountID
	}
	taken, err := payout.Open(ctx, tx, p.run.ID.String(), ids)
	if err != nil {
		return nil, nil, err
	}
	bodies := make([]ogep.Body, 0, len(rows))
	var orders []payout.Order
	for i := range rows {
		row := &rows[i]
		bodies = append(bodies, ogep.GetAccountBalance{AccountID: row.AccountID, Balance: money.Cents(row.Balance)})
		left, err := money.Cents(row.Balance).Sub(taken[row.AccountID])
		if err != nil {
			continue // what cannot be counted is not paid
		}
		amount := rulesOf(row).Payout(left, money.Cents(row.OpenDebt))
		if amount == 0 {
			continue
		}
		order, err := p.order(row, amount, now)
		if err != nil {
			return nil, nil, err
		}
		orders = append(orders, order)
	}
	return orders, bodies, p.number(ctx, tx, orders)
}

// rulesOf is what of a merchant its automatic payout depends on.
func rulesOf(row *db.DueCPsRow) *merchant.Merchant {
	return &merchant.Merchant{
		Status: merchant.StatusActive, PayoutMode: merchant.PayoutAuto, Reserve: money.Cents(row.ReserveCents),
		MinPayout: money.Cents(row.MinPayoutCents), PayoutCeiling: money.Cents(row.PayoutCeilingCents),
	}
}

func (p *planning) order(row *db.DueCPsRow, amount money.Cents, now time.Time) (payout.Order, error) {
	reference, err := uuid.NewUUID()
	if err != nil {
		return payout.Order{}, fmt.Errorf("make a refExterne: %w", err)
	}
	return payout.Order{
		Source: payout.Automatic, RefExterne: transfer.RefExterne(reference.String(), now),
		AccountID: row.AccountID, Account: row.Account,
		Debtor:   transfer.Party{Name: row.LegalName, BIC: row.CpBic, IBAN: row.CpIban},
		Creditor: transfer.Party{Name: row.ExternalName, BIC: row.ExternalBic, IBAN: row.ExternalIban},
		Amount:   amount, Ceiling: money.Cents(row.PayoutCeilingCents), Due: p.due,
		Info: transfer.PayoutLabel(p.run.StartedAt),
	}, nil
}

// number gives the orders their numbers, and the identifiers that follow from
// them. A day has far fewer orders than the identifier has digits for: numbers
// that begin again from 1 do not meet on one day.
func (p *planning) number(ctx context.Context, tx pgx.Tx, orders []payout.Order) error {
	if len(orders) == 0 {
		return nil
	}
	numbers, err := payout.Numbers(ctx, tx, len(orders))
	if err != nil {
		return err
	}
	for i := range orders {
		order := &orders[i]
		order.Number = numbers[i]
		order.EndToEndID, err = transfer.AutomaticEndToEndID(p.date, (order.Number-1)%transfer.MaxAutomaticADay+1)
		if err != nil {
			return fmt.Errorf("name order %d: %w", order.Number, err)
		}
	}
	return nil
}
