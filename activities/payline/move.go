package payline

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/payline/internal/db"
	"github.com/reglo/reglo/activities/payout"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/vacation"
)

const stepMove = "move-payline"

// MovePayline decides the movements between CPs in the order of the file, and
// posts those that pass the controls: Dr CP / Cr CP. What a movement credits may
// be moved on by a later one; what orders of the session will take may not.
func (a *Activities) MovePayline(ctx context.Context, run activities.Run) (activities.PaylineResult, error) {
	file, found, err := accepted(ctx, a.pool, run.ID.String())
	if err != nil {
		return activities.PaylineResult{}, activities.Failed("move between CPs", err)
	}
	if !found {
		return activities.PaylineResult{Done: true}, nil
	}
	done, err := a.slices.Work(ctx, run, vacation.StageMoving,
		func(ctx context.Context, tx pgx.Tx, now time.Time) (bool, error) {
			moves := moves{activities: a, tx: tx, run: run, file: file, now: now}
			return moves.take(ctx)
		})
	if err != nil {
		return activities.PaylineResult{}, activities.Failed("move between CPs", err)
	}
	row, err := db.New(a.pool).Movements(ctx, file.number)
	if err != nil {
		return activities.PaylineResult{}, fmt.Errorf("count the movements of %s: %w", run.ID, err)
	}
	return activities.PaylineResult{
		Accepted: int(row.Accepted), AcceptedSum: money.Cents(row.AcceptedSum), Rejected: int(row.Rejected), Done: done,
	}, nil
}

// moves are some movements of a file in their transaction.
type moves struct {
	activities *Activities
	tx         pgx.Tx
	run        activities.Run
	file       taken
	now        time.Time
	valueDate  calendar.Date

	balances map[int32]money.Cents  // of the CPs, locked, as the movements leave them
	open     map[string]money.Cents // what orders of the session will take, by CP
	posted   []move
	answers  []payout.Answer
	bodies   []ogep.Body
}

// move is a movement that is posted.
type move struct {
	debtor, creditor int32
	amount           money.Cents
	line             int
	label            string
}

// take decides the next movements. It tells whether none is left.
func (m *moves) take(ctx context.Context) (done bool, err error) {
	rows, err := db.New(m.tx).OpenMovements(ctx, m.file.number, int32(m.activities.chunk)) //nolint:gosec // a chunk
	if err != nil {
		return false, fmt.Errorf("read movements: %w", err)
	}
	if len(rows) == 0 {
		return true, nil
	}
	if m.valueDate, err = businessDate(ctx, m.tx, m.run); err != nil {
		return false, err
	}
	if err := m.lock(ctx, rows); err != nil {
		return false, err
	}
	for i := range rows {
		m.decide(&rows[i])
	}
	if err := m.post(ctx); err != nil {
		return false, err
	}
	if err := payout.AnswerLines(ctx, m.tx, m.answers, m.now); err != nil {
		return false, err
	}
	return false, m.activities.outbox.Emit(ctx, m.tx, postgres.Emission{Vacation: m.run.Number, At: m.now, Bodies: m.bodies})
}

// lock locks the CPs that the movements name and reads what they hold.
func (m *moves) lock(ctx context.Context, rows []db.OpenMovementsRow) error {
	accounts := make(map[int32]bool, 2*len(rows))
	var debtors []string
	for i := range rows {
		if rows[i].Debtor != nil {
			accounts[*rows[i].Debtor] = true
			debtors = append(debtors, rows[i].PaylineLine.DebtorCp)
		}
		if rows[i].Creditor != nil {
			accounts[*rows[i].Creditor] = true
		}
	}
	var err error
	if m.balances, err = postgres.LockBalances(ctx, m.tx, slices.Sorted(maps.Keys(accounts))); err != nil {
		return err
	}
	m.open, err = payout.Open(ctx, m.tx, m.run.ID.String(), debtors)
	return err
}

// decide answers a movement, and notes what it posts and tells.
func (m *moves) decide(row *db.OpenMovementsRow) {
	line := lineOf(&row.PaylineLine)
	var available money.Cents
	if row.Debtor != nil {
		available = m.balances[*row.Debtor] - m.open[line.DebtorCP]
	}
	code := request.ControlMovement(&line, row.PaylineLine.Seen,
		holder(row.Debtor, row.DebtorStatus, row.DebtorMode, row.DebtorAllowed, ""),
		holder(row.Creditor, row.CreditorStatus, row.CreditorMode, row.CreditorAllowed, ""), available)
	m.answers = append(m.answers, payout.Answer{
		Line: payout.Line{File: m.file.number, Number: row.PaylineLine.Line}, Code: string(code),
	})
	if code != "" {
		m.bodies = append(m.bodies, m.rejected(&line, code))
		return
	}
	moved := move{
		debtor: *row.Debtor, creditor: *row.Creditor, amount: line.Amount, line: line.Number,
		label: label(&line, request.OperationCode(m.run.StartedAt)),
	}
	m.balances[moved.debtor] -= moved.amount
	m.balances[moved.creditor] += moved.amount
	m.posted = append(m.posted, moved)
	m.bodies = append(m.bodies,
		ogep.CreateAccountTransaction{AccountID: line.DebtorCP, Transaction: m.transaction(moved.label, moved.amount.Neg())},
		ogep.CreateAccountTransaction{AccountID: line.CreditorCP, Transaction: m.transaction(moved.label, moved.amount)})
}

func (m *moves) transaction(label string, amount money.Cents) ogep.AccountTransaction {
	return ogep.AccountTransaction{
		Label: label, Amount: amount, TransactionAt: m.run.StartedAt, ValueAt: m.valueDate.Midnight(),
	}
}

func (m *moves) rejected(line *request.Line, code request.Code) ogep.Body {
	operation := line.OperationCode
	if operation == "" {
		operation = request.OperationCode(m.run.StartedAt)
	}
	return ogep.CreateRejectedAccountTransaction{
		OperationCode: operation, AccountID: line.DebtorCP, Transaction: m.transaction(line.Label, line.Amount),
		RejectCode: string(code), EndToEndID: line.EndToEndID,
	}
}

// post writes the entries, each under the number of its line, and the balances.
func (m *moves) post(ctx context.Context) error {
	if len(m.posted) == 0 {
		return nil
	}
	batch, err := m.begin(ctx)
	if err != nil {
		return err
	}
	_, err = postgres.Copy(ctx, m.tx, postgres.EntryTable, postgres.EntryColumns(), func(rows *postgres.Rows) error {
		for i, moved := range m.posted {
			err := postgres.AppendEntry(rows, postgres.EntryRow{
				Batch: batch, Ordinal: i, Kind: ledger.KindCPToCP, Debit: moved.debtor, Credit: moved.creditor,
				Amount: moved.amount, Line: moved.line, TransactionAt: m.run.StartedAt, ValueDate: m.valueDate,
				Label: []byte(moved.label),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	sums := make(map[int32]postgres.Movement)
	for _, moved := range m.posted {
		from, to := sums[moved.debtor], sums[moved.creditor]
		from.Account, to.Account = moved.debtor, moved.creditor
		from.Debit += int64(moved.amount)
		to.Credit += int64(moved.amount)
		sums[moved.debtor], sums[moved.creditor] = from, to
	}
	return postgres.Move(ctx, m.tx, slices.Collect(maps.Values(sums)))
}

// begin claims the session's next batch.
func (m *moves) begin(ctx context.Context) (int64, error) {
	scope := m.run.ID.String()
	item, err := postgres.NextItem(ctx, m.tx, scope, stepMove)
	if err != nil {
		return 0, err
	}
	hash := sha256.New()
	_, _ = hash.Write(m.file.sha256) // never fails
	for _, moved := range m.posted {
		_, _ = hash.Write([]byte("/" + strconv.Itoa(moved.line))) // never fails
	}
	key := postgres.Key{Scope: scope, Step: stepMove, Item: item, Input: [32]byte(hash.Sum(nil))}
	batch, fresh, err := postgres.BeginBatch(ctx, m.tx, m.run.Number, key, m.now)
	if err == nil && !fresh {
		err = fmt.Errorf("batch %d of %s, step %s is there already", item, scope, stepMove)
	}
	return batch, err
}
