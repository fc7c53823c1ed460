package statements

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// linesAMatch bounds the lines of one transaction: a day has some dozens.
const linesAMatch = 200

// MatchTransfers gives each line of an own transfer to its order. A debit is
// noted: the books moved when it was ordered. A credit brings the money in. A
// line that fits no order joins the queue of those that an operator looks at,
// with the reason.
func (a *Activities) MatchTransfers(ctx context.Context, run activities.Run) (int, error) {
	var matched atomic.Int64
	stop := heartbeat.Start(ctx, func() any {
		return vacation.Progress{Stage: vacation.StagePairing, Posted: int(matched.Load())}
	})
	defer stop()
	for {
		lines := 0
		err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
			matching := matching{activities: a, run: run, tx: tx, queries: db.New(tx), now: a.now()}
			var err error
			lines, err = matching.match(ctx)
			return err
		})
		if err != nil {
			return 0, activities.Failed("match own transfers", err)
		}
		matched.Add(int64(lines))
		if lines < linesAMatch {
			break
		}
	}
	closed, err := db.New(a.pool).TransfersClosed(ctx, run.ID.String(), stepMatch)
	if err != nil {
		return 0, fmt.Errorf("count the transfers that were closed: %w", err)
	}
	return int(closed), nil
}

// matching is one transaction of it.
type matching struct {
	activities *Activities
	run        activities.Run
	tx         pgx.Tx
	queries    *db.Queries
	now        time.Time

	arrived []arrival
}

// arrival is a credit line that brings an order's money in.
type arrival struct {
	line  string
	entry ledger.Entry
}

// match takes the next lines, and returns how many there were.
func (m *matching) match(ctx context.Context) (int, error) {
	lines, err := m.queries.LockOwnLines(ctx, linesAMatch)
	if err != nil {
		return 0, fmt.Errorf("read the lines of own transfers: %w", err)
	}
	for _, line := range lines {
		reason, err := m.line(ctx, line)
		if err != nil {
			return 0, fmt.Errorf("line %s: %w", line.ID, err)
		}
		if reason == "" {
			continue
		}
		if err := m.queries.QueueLine(ctx, reason, line.ID); err != nil {
			return 0, fmt.Errorf("queue line %s: %w", line.ID, err)
		}
	}
	return len(lines), m.post(ctx)
}

// line gives a line to its order, or says why it cannot.
func (m *matching) line(ctx context.Context, line db.LockOwnLinesRow) (reason string, err error) {
	bulk, err := m.queries.LockBulk(ctx, line.Reference)
	if errors.Is(err, pgx.ErrNoRows) {
		return "no own transfer has the name that its label holds", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the bulk: %w", err)
	}
	order, err := m.queries.LockOrder(ctx, bulk.Number)
	if errors.Is(err, pgx.ErrNoRows) {
		return "the own transfer that its label names has no order", nil
	}
	if err != nil {
		return "", fmt.Errorf("look for the order: %w", err)
	}
	if reason := unfit(line, order); reason != "" {
		return reason, nil
	}
	if line.AmountCents < 0 {
		return "", m.debit(ctx, line, bulk, order)
	}
	return "", m.credit(ctx, line, bulk, order)
}

// unfit says why a line is not that of the order, and nothing when it is.
func unfit(line db.LockOwnLinesRow, order db.LockOrderRow) string {
	amount := money.Cents(line.AmountCents)
	side, account, seen := "credit", order.Creditor, order.CreditLine
	if amount < 0 {
		side, account, seen = "debit", order.Debtor, order.DebitLine
	}
	switch {
	case transfer.State(order.State) == transfer.Rejected:
		return "the own transfer that its label names was rejected"
	case line.Account != account:
		return fmt.Sprintf("the own transfer that its label names has its %s on %s", side, account)
	case seen != "":
		return fmt.Sprintf("the %s of the own transfer that its label names is line %s", side, seen)
	case amount.Abs() != money.Cents(order.AmountCents):
		return fmt.Sprintf("the own transfer that its label names is of %s", money.Cents(order.AmountCents))
	default:
		return ""
	}
}

// debit notes that the bank took the money: it has the bulk, whatever the
// channel said. The order's own batch booked it.
func (m *matching) debit(ctx context.Context, line db.LockOwnLinesRow, bulk db.LockBulkRow, order db.LockOrderRow) error {
	state := transfer.State(order.State)
	if state.Next(transfer.Sent) {
		state = transfer.Sent
	}
	if err := m.queries.DebitSeen(ctx, line.ID, string(state), order.Number); err != nil {
		return fmt.Errorf("note the debit: %w", err)
	}
	if transfer.State(bulk.State).Next(transfer.Sent) {
		if err := m.queries.BulkSeen(ctx, string(transfer.Sent), m.now, bulk.Number); err != nil {
			return fmt.Errorf("note that the bank has the bulk: %w", err)
		}
	}
	if err := m.queries.BookLine(ctx, order.Scope, order.Batch, line.ID); err != nil {
		return fmt.Errorf("mark the line: %w", err)
	}
	return nil
}

// credit notes that the money has arrived; its entry is posted with the others.
func (m *matching) credit(ctx context.Context, line db.LockOwnLinesRow, bulk db.LockBulkRow, order db.LockOrderRow) error {
	if err := m.queries.CreditSeen(ctx, line.ID, order.Number); err != nil {
		return fmt.Errorf("note the credit: %w", err)
	}
	if err := m.queries.BulkSeen(ctx, string(transfer.Executed), m.now, bulk.Number); err != nil {
		return fmt.Errorf("note that the bulk was executed: %w", err)
	}
	m.arrived = append(m.arrived, arrival{line: line.ID, entry: ledger.Entry{
		Debit: ledger.Code(order.Creditor), Credit: ledger.Transit(order.RefExterne), Kind: ledger.KindTransferSeen,
		Amount: money.Cents(order.AmountCents), Label: order.Info,
		TransactionAt: line.TransactionAt, ValueDate: calendar.DateOf(line.ValueAt),
	}})
	return nil
}

// post brings in the money that has arrived, in one batch.
func (m *matching) post(ctx context.Context) error {
	if len(m.arrived) == 0 {
		return nil
	}
	scope := m.run.ID.String()
	item, err := postgres.NextItem(ctx, m.tx, scope, stepMatch)
	if err != nil {
		return err
	}
	hash := sha256.New()
	entries := make([]ledger.Entry, 0, len(m.arrived))
	for _, arrived := range m.arrived {
		_, _ = fmt.Fprintln(hash, arrived.line) // a hash takes everything
		entries = append(entries, arrived.entry)
	}
	key := postgres.Key{Scope: scope, Step: stepMatch, Item: item, Input: [32]byte(hash.Sum(nil))}
	batch, fresh, err := postgres.BeginBatch(ctx, m.tx, m.run.Number, key, m.now)
	if err != nil {
		return err
	}
	if !fresh {
		return fmt.Errorf("%s, step %s, item %d is taken: try again", scope, stepMatch, item)
	}
	for _, arrived := range m.arrived {
		if err := m.queries.BookLine(ctx, scope, batch, arrived.line); err != nil {
			return fmt.Errorf("mark line %s: %w", arrived.line, err)
		}
	}
	_, err = postgres.Post(ctx, m.tx, batch, 0, entries)
	return err
}
