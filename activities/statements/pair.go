package statements

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/activity"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// linesAPairing bounds what passes through Temporal at once, some 500 bytes a
// line; a day has some dozens.
const linesAPairing = 1_000

// PairLines finds the lines that no règlement has booked. What it marks as
// booked before are those of règlements that somebody else started.
func (a *Activities) PairLines(ctx context.Context, run activities.Run) ([]activities.Paired, error) {
	var lines []activities.Paired
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if err := bookKnown(ctx, queries); err != nil {
			return err
		}
		rows, err := queries.LinesToSettle(ctx, linesAPairing)
		if err != nil {
			return fmt.Errorf("read the lines: %w", err)
		}
		for _, row := range rows {
			paired := pair(row)
			if err := paired.Transaction.Validate(); err != nil {
				return fmt.Errorf("line %s: %w", row.ID, err)
			}
			lines = append(lines, paired)
		}
		return nil
	})
	if err != nil {
		return nil, activities.Failed("pair bank lines", err)
	}
	return lines, nil
}

// What a line that became a globalTransaction says beside its own content, in
// the words of the OG-EP reference, or after its manner.
const (
	typeTransfer = "transfer"
	statusBooked = "booked"

	ofTransaction = "TRANSACTION"
	ofImpaye      = "IMPAYE"
	ofVirement    = "VIREMENT"

	operationRemittance = "REM VIR"
	operationRejects    = "LOT REJ VIR"
)

// pair says which règlement the line is for.
func pair(row db.LinesToSettleRow) activities.Paired {
	paired := activities.Paired{Transaction: ogep.GlobalTransaction{
		ID: row.ID, Label: row.Label, Amount: money.Cents(row.AmountCents),
		BookedAt: parisian(row.BookedAt), TransactionAt: parisian(row.TransactionAt), ValueAt: parisian(row.ValueAt),
		Type: typeTransfer, Status: statusBooked, Reference: row.Reference, OperationType: row.OperationType,
	}}
	kind := vacation.ReglementVirements
	switch label.Class(row.Class) {
	case label.SettlementTransaction:
		kind, paired.Transaction.Vacation = vacation.ReglementTransactions, ofTransaction
	case label.SettlementUnpaid:
		kind, paired.Transaction.Vacation = vacation.ReglementImpayes, ofImpaye
	case label.Rejects:
		paired.Transaction.Vacation, paired.Transaction.OperationType = ofVirement, operationRejects
	default:
		paired.Transaction.Vacation, paired.Transaction.OperationType = ofVirement, operationRemittance
	}
	paired.Kind = string(kind)
	return paired
}

func parisian(at time.Time) time.Time { return at.In(calendar.Paris()) }

const (
	// awaitEvery is how often sessions are looked at that somebody else runs: well
	// inside the contract's heartbeat timeout.
	awaitEvery = time.Second
	// openingPatience is how long a run may take to open its session: a few
	// retries of one small transaction. One that has opened none after that was
	// refused at its opening, and never will.
	openingPatience = time.Minute
)

// States of a run, as in the table.
const (
	stateRunning        = "RUNNING"
	stateEndedWithError = "ENDED_WITH_ERROR"
)

// AwaitReglements looks at the sessions every second until none of them runs.
func (a *Activities) AwaitReglements(ctx context.Context, request activities.AwaitReglementsRequest) (int, error) {
	ids := make([]vacation.ID, 0, len(request.IDs))
	for _, text := range request.IDs {
		id, err := vacation.ParseID(text)
		if err != nil {
			return 0, activities.Final(vacation.Fail(vacation.ParametersConflict, "wait for a règlement: %s", err))
		}
		ids = append(ids, id)
	}
	ticker := time.NewTicker(awaitEvery)
	defer ticker.Stop()
	patient := a.clock().Add(openingPatience)
	for {
		running, failed, err := a.look(ctx, ids, a.clock().Before(patient))
		if err != nil {
			return 0, err
		}
		if !running {
			return failed, nil
		}
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for règlements: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}

// look tells whether one of the sessions runs, or may still be opened, and how
// many ended with error.
func (a *Activities) look(ctx context.Context, ids []vacation.ID, patient bool) (running bool, failed int, err error) {
	queries := db.New(a.pool)
	for _, id := range ids {
		states, err := queries.SessionState(ctx, string(id.Kind), id.Key)
		if err != nil {
			return false, 0, fmt.Errorf("look at %s: %w", id, err)
		}
		switch {
		case len(states) == 0 && patient, len(states) > 0 && states[0] == stateRunning:
			running = true
		case len(states) == 0, states[0] == stateEndedWithError:
			failed++
		}
	}
	return running, failed, nil
}
