package remittances

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/bulk"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// ordersAtOnce is how many orders a create-transfer event tells, some 300 KB at
// most, and how many are read at a time: a bulk of ten thousand never stands in
// the memory as a whole.
const ordersAtOnce = 500

// Remit puts the session's posted orders into bulks, one transaction each, and
// says how far the session is.
func (a *Activities) Remit(ctx context.Context, run activities.Run) (activities.RemitResult, error) {
	done, err := a.slices.Work(ctx, run, vacation.StageRemitting,
		func(ctx context.Context, tx pgx.Tx, now time.Time) (bool, error) {
			return a.remitNext(ctx, tx, run, now)
		})
	if err != nil {
		return activities.RemitResult{}, activities.Failed("remit orders", err)
	}
	sums, err := db.New(a.pool).Remitted(ctx, string(run.ID.Kind), run.ID.Key)
	if err != nil {
		return activities.RemitResult{}, fmt.Errorf("sum the bulks of %s: %w", run.ID, err)
	}
	return activities.RemitResult{
		Bulks: int(sums.Bulks), Orders: int(sums.Orders), Sum: money.Cents(sums.AmountCents), Done: done,
	}, nil
}

// remitNext makes one bulk of what is left. It is done when nothing was.
func (a *Activities) remitNext(ctx context.Context, tx pgx.Tx, run activities.Run, now time.Time) (done bool, err error) {
	left, err := db.New(tx).NextToRemit(ctx, run.ID.String(), transfer.MaxOrdersABulk)
	if err != nil {
		return false, fmt.Errorf("find orders to remit: %w", err)
	}
	if left.Orders == 0 {
		return true, nil
	}
	return false, a.makeBulk(ctx, tx, run, left, now)
}

func (a *Activities) makeBulk(ctx context.Context, tx pgx.Tx, run activities.Run, left db.NextToRemitRow, now time.Time) error {
	due, err := calendar.ParseDate(left.DueDate)
	if err != nil {
		return fmt.Errorf("due date: %w", err)
	}
	made, err := bulk.Make(ctx, tx, bulk.Draft{
		Vacation: run.Number, Prefix: a.bank.PayoutPrefix, Purpose: transfer.Payout, DueDate: due,
		Orders: int(left.Orders), Sum: money.Cents(left.AmountCents), At: now,
	})
	if err != nil {
		return err
	}
	put, err := db.New(tx).PutIntoBulk(ctx, db.PutIntoBulkParams{
		Bulk: made.Number, Scope: run.ID.String(), DueDate: left.DueDate, First: left.First, Last: left.Last,
	})
	if err != nil {
		return fmt.Errorf("put orders into bulk %s: %w", made.Name, err)
	}
	if put != int64(left.Orders) {
		return fmt.Errorf("bulk %s took %d orders, %d were counted", made.Name, put, left.Orders)
	}
	var bodies []ogep.Body
	err = eachPage(ctx, tx, made.Number, func(page []db.PayoutsOfBulkRow) error {
		orders := make([]ogep.Order, len(page))
		for i := range page {
			orders[i] = a.order(&page[i])
			orders[i].BulkID = made.ID
		}
		bodies = append(bodies, ogep.CreateTransfer{Orders: orders})
		return nil
	})
	if err != nil {
		return err
	}
	return a.outbox.Emit(ctx, tx, postgres.Emission{Vacation: run.Number, At: now, Bodies: bodies})
}

// eachPage reads a bulk's payouts in their order, some at a time.
func eachPage(ctx context.Context, on postgres.Querier, number int32, do func([]db.PayoutsOfBulkRow) error) error {
	for after := int64(0); ; {
		page, err := db.New(on).PayoutsOfBulk(ctx, number, after, ordersAtOnce)
		if err != nil {
			return fmt.Errorf("read the orders of bulk %d: %w", number, err)
		}
		if len(page) == 0 {
			return nil
		}
		if err := do(page); err != nil {
			return err
		}
		after = page[len(page)-1].Number
	}
}

// order is a payout as events tell it, in no bulk.
func (a *Activities) order(row *db.PayoutsOfBulkRow) ogep.Order {
	due, _ := calendar.ParseDate(row.DueDate) // PostgreSQL's own text of a date; the event's control refuses the zero one
	return ogep.Order{
		RefExterne: row.RefExterne, OrderType: transfer.OrderType,
		CreditorName: row.CreditorName, CreditorBIC: row.CreditorBic, CreditorIBAN: row.CreditorIban,
		DebtorName: row.DebtorName, DebtorBIC: row.DebtorBic, DebtorIBAN: row.DebtorIban,
		Amount: money.Cents(row.AmountCents), DeviseID: money.Currency, Ccy: money.Currency,
		BankID: a.bank.ID, OrderFormat: a.bank.Named().OrderFormat, Echeance: due, Info: row.Info,
	}
}
