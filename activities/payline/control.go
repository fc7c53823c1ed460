package payline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/payline/internal/db"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/sweep"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// stepControl is the sweep of a file's transfers: a session may have several files.
func stepControl(file taken) string { return "control-payline/" + strconv.Itoa(int(file.number)) }

// ControlPayline makes orders, REQUESTED, of the transfers that pass the
// controls, in the order of the file, and rejects the others. A line that became
// an order is answered when the order is posted or refused. What earlier orders
// of the session will take is not there for later ones.
func (a *Activities) ControlPayline(ctx context.Context, run activities.Run) (activities.PaylineResult, error) {
	file, found, err := accepted(ctx, a.pool, run.ID.String())
	if err != nil {
		return activities.PaylineResult{}, activities.Failed("control transfers", err)
	}
	if !found {
		return activities.PaylineResult{Done: true}, nil
	}
	done, err := a.slices.Work(ctx, run, vacation.StageControlling,
		func(ctx context.Context, tx pgx.Tx, now time.Time) (bool, error) {
			orders := orders{activities: a, tx: tx, run: run, file: file, now: now}
			return orders.take(ctx)
		})
	if err != nil {
		return activities.PaylineResult{}, activities.Failed("control transfers", err)
	}
	result, err := controlled(ctx, a.pool, run, file)
	if err != nil {
		return activities.PaylineResult{}, activities.Failed("control transfers", err)
	}
	result.Done = done
	return result, nil
}

// controlled counts what the controls made of the transfers, whatever became of
// the orders since.
func controlled(
	ctx context.Context, on postgres.Querier, run activities.Run, file taken,
) (activities.PaylineResult, error) {
	reached, err := sweep.Read(ctx, on, run.ID.String(), stepControl(file))
	if err != nil {
		return activities.PaylineResult{}, err
	}
	last, err := lineReached(&reached)
	if err != nil {
		return activities.PaylineResult{}, err
	}
	seen, err := db.New(on).TransfersUpTo(ctx, file.number, last)
	if err != nil {
		return activities.PaylineResult{}, fmt.Errorf("count transfers: %w", err)
	}
	return activities.PaylineResult{
		Accepted: int(reached.Count), AcceptedSum: reached.Cents, Rejected: int(seen - reached.Count),
	}, nil
}

func lineReached(reached *sweep.Sweep) (int32, error) {
	if reached.Position == "" {
		return 0, nil
	}
	line, err := strconv.ParseInt(reached.Position, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("line that was controlled last: %w", err)
	}
	return int32(line), nil
}

// orders are some transfers of a file in their transaction.
type orders struct {
	activities *Activities
	tx         pgx.Tx
	run        activities.Run
	file       taken
	now        time.Time
	date       calendar.Date // of business

	balances map[int32]money.Cents  // of the CPs, locked
	open     map[string]money.Cents // what orders of the session will take, by CP
	list     []payout.Order
	answers  []payout.Answer
	bodies   []ogep.Body
}

// take controls the next transfers. It tells whether none is left.
func (o *orders) take(ctx context.Context) (done bool, err error) {
	scope := o.run.ID.String()
	reached, err := sweep.Read(ctx, o.tx, scope, stepControl(o.file))
	if err != nil || reached.Done {
		return reached.Done, err
	}
	last, err := lineReached(&reached)
	if err != nil {
		return false, err
	}
	rows, err := db.New(o.tx).OpenTransfers(ctx, o.file.number, last, int32(o.activities.chunk)) //nolint:gosec // a chunk
	if err != nil {
		return false, fmt.Errorf("read transfers: %w", err)
	}
	if err := o.control(ctx, rows); err != nil {
		return false, err
	}
	for i := range o.list {
		if err := reached.Add(o.list[i].Amount); err != nil {
			return false, fmt.Errorf("sum of the transfers: %w", err)
		}
	}
	if len(rows) > 0 {
		reached.Position = strconv.Itoa(int(rows[len(rows)-1].PaylineLine.Line))
	}
	reached.Done = len(rows) < o.activities.chunk
	if err := reached.Save(ctx, o.tx, scope, stepControl(o.file)); err != nil {
		return false, err
	}
	return reached.Done, o.activities.outbox.Emit(ctx, o.tx, postgres.Emission{
		Vacation: o.run.Number, At: o.now, Bodies: o.bodies,
	})
}

// control decides transfers, and keeps the orders and the answers.
func (o *orders) control(ctx context.Context, rows []db.OpenTransfersRow) error {
	if len(rows) == 0 {
		return nil
	}
	var err error
	if o.date, err = businessDate(ctx, o.tx, o.run); err != nil {
		return err
	}
	if err := o.lock(ctx, rows); err != nil {
		return err
	}
	for i := range rows {
		if err := o.decide(&rows[i]); err != nil {
			return err
		}
	}
	if err := payout.AnswerLines(ctx, o.tx, o.answers, o.now); err != nil {
		return err
	}
	if len(o.list) == 0 {
		return nil
	}
	numbers, err := payout.Numbers(ctx, o.tx, len(o.list))
	if err != nil {
		return err
	}
	for i := range o.list {
		o.list[i].Number = numbers[i]
	}
	return payout.Request(ctx, o.tx, o.run.ID.String(), o.list, o.now)
}

func (o *orders) lock(ctx context.Context, rows []db.OpenTransfersRow) error {
	accounts := make(map[int32]bool, len(rows))
	var ids []string
	for i := range rows {
		if rows[i].Debtor != nil {
			accounts[*rows[i].Debtor] = true
			ids = append(ids, rows[i].PaylineLine.DebtorCp)
		}
	}
	var err error
	if o.balances, err = postgres.LockBalances(ctx, o.tx, slices.Sorted(maps.Keys(accounts))); err != nil {
		return err
	}
	o.open, err = payout.Open(ctx, o.tx, o.run.ID.String(), ids)
	return err
}

// decide makes an order of a transfer, or rejects it.
func (o *orders) decide(row *db.OpenTransfersRow) error {
	line := lineOf(&row.PaylineLine)
	var available money.Cents
	if row.Debtor != nil {
		available = o.balances[*row.Debtor] - o.open[line.DebtorCP]
	}
	code := request.ControlTransfer(&line, row.PaylineLine.Seen,
		holder(row.Debtor, row.DebtorStatus, row.DebtorMode, row.DebtorAllowed, row.CpIban), available)

	reference, err := uuid.NewUUID()
	if err != nil {
		return fmt.Errorf("make a refExterne: %w", err)
	}
	order := payout.Order{
		Source: payout.Payline, Line: payout.Line{File: o.file.number, Number: row.PaylineLine.Line},
		RefExterne: transfer.RefExterne(reference.String(), o.now), EndToEndID: line.EndToEndID, AccountID: line.DebtorCP,
		Debtor:   debtor(&line, row.LegalName, row.CpBic, row.CpIban, o.activities.settings.BankBIC),
		Creditor: transfer.Party{Name: line.CreditorName, BIC: line.CreditorBIC, IBAN: line.CreditorIBAN},
		Amount:   line.Amount, Ceiling: money.Cents(row.Ceiling),
		Info: label(&line, transfer.PayoutLabel(o.run.StartedAt)),
	}
	if code != "" {
		o.reject(&line, order, code)
		return nil
	}
	order.Account = *row.Debtor
	order.Due = calendar.DueDate(o.activities.settings.Calendar, o.now, o.date, line.ExecDate)
	o.open[line.DebtorCP] += line.Amount
	o.list = append(o.list, order)
	return nil
}

// reject answers a line, and tells the order as it was asked for. One that does
// not say when, or by when cannot be read, was asked for on the business date.
func (o *orders) reject(line *request.Line, order payout.Order, code request.Code) {
	order.Due, order.Info = line.ExecDate, line.Label
	if order.Due.IsZero() {
		order.Due = o.date
	}
	if line.DebtorIBAN != "" {
		order.Debtor.IBAN = line.DebtorIBAN
	}
	told := order.Event(o.activities.settings.Bank)
	told.DeviseID, told.Ccy = line.Currency, line.Currency
	o.answers = append(o.answers, payout.Answer{Line: order.Line, Code: string(code)})
	o.bodies = append(o.bodies, ogep.CreateRejectedOrder{
		Orders: []ogep.Order{told}, RejectCode: string(code), EndToEndID: line.EndToEndID, AccountID: line.DebtorCP,
	})
}
