package accounts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// Steps under which batches are committed.
const (
	stepOpen = "open"
	stepPost = "post"
)

// Kinds of settlement that a CRE file has no word for, as in the table.
const (
	kindRemittance = "REMITTANCE"
	kindRejects    = "REJECTS"
)

// settlementKind is what the bank line is about.
func settlementKind(request activities.OpenSettlementRequest) string {
	switch {
	case request.ID.Kind == vacation.ReglementTransactions:
		return string(settlement.KindTransaction)
	case request.ID.Kind == vacation.ReglementImpayes:
		return string(settlement.KindImpaye)
	case isLot(request):
		return kindRejects
	default:
		return kindRemittance
	}
}

// OpenSettlement opens the run, or finds it open, or finds that an earlier one
// settled the reference. The bank's amount enters the books with the first run.
func (a *Activities) OpenSettlement(
	ctx context.Context, request activities.OpenSettlementRequest,
) (activities.OpenSettlementResult, error) {
	if request.Transaction.Amount == 0 || request.ID.Kind == vacation.ReglementTransactions && request.Transaction.Amount < 0 {
		return activities.OpenSettlementResult{}, activities.Final(vacation.Fail(vacation.ParametersConflict,
			"settlement %s: the bank line's amount is %s: sales are settled by a credit; a debit is a settlement of unpaids",
			request.ID.Key, request.Transaction.Amount))
	}
	var result activities.OpenSettlementResult
	err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) error {
		var err error
		result, err = a.open(ctx, tx, request)
		return err
	})
	if err != nil {
		return activities.OpenSettlementResult{}, activities.Failed("open settlement "+request.ID.Key, err)
	}
	return result, nil
}

func (a *Activities) open(
	ctx context.Context, tx pgx.Tx, request activities.OpenSettlementRequest,
) (activities.OpenSettlementResult, error) {
	bankLine := request.Transaction.AppendJSON(nil)
	hash := sha256.Sum256(bankLine)
	if err := a.lockSettlement(ctx, db.New(tx), request, bankLine, hash); err != nil {
		return activities.OpenSettlementResult{}, err
	}
	opened, err := session.Open(ctx, tx, a.outbox, session.Opening{
		ID: request.ID, WorkflowRun: request.WorkflowRun, BusinessDate: request.BusinessDate,
		Parameters: sha256.Sum256(append(bankLine, request.FileName...)),
		Start:      ogep.StartReglement{Kind: request.ID.Kind, Transaction: request.Transaction, File: request.FileName},
	}, a.now())
	if err != nil {
		return activities.OpenSettlementResult{}, fmt.Errorf("open the run: %w", err)
	}
	if opened.Ended != nil {
		return a.settled(ctx, tx, request.ID, *opened.Ended)
	}
	return activities.OpenSettlementResult{Run: opened.Run}, a.receive(ctx, tx, opened.Run, request, hash)
}

// settled is what the session returned when it ended.
func (a *Activities) settled(
	ctx context.Context, tx pgx.Tx, id vacation.ID, ended session.Ended,
) (activities.OpenSettlementResult, error) {
	if id.Kind == vacation.ReglementVirements {
		return activities.OpenSettlementResult{Ended: ended.Totals}, nil
	}
	totals, err := a.totals(ctx, tx, id, ended.CorrelationID, ended.LastSeq)
	return activities.OpenSettlementResult{Settled: &totals}, err
}

// lockSettlement finds or makes the settlement's row and holds it until the
// transaction ends, so that one run at a time is opened.
func (a *Activities) lockSettlement(
	ctx context.Context, queries *db.Queries, request activities.OpenSettlementRequest, bankLine []byte, hash [32]byte,
) error {
	transaction := request.Transaction
	err := queries.InsertSettlement(ctx, db.InsertSettlementParams{
		Reference:      request.ID.Key,
		Scope:          request.ID.String(),
		Kind:           settlementKind(request),
		OperationType:  transaction.OperationType,
		AmountCents:    int64(transaction.Amount),
		BankLine:       string(bankLine),
		BankLineSha256: hash[:],
		ValueDate:      calendar.DateOf(transaction.ValueAt).String(),
		BankLineID:     transaction.ID,
	})
	if err != nil {
		return fmt.Errorf("record settlement: %w", err)
	}
	known, err := queries.LockSettlement(ctx, request.ID.Key)
	if err != nil {
		return fmt.Errorf("lock settlement: %w", err)
	}
	if known.Scope != request.ID.String() || !bytes.Equal(known.BankLineSha256, hash[:]) {
		return vacation.Fail(vacation.ParametersConflict,
			"settlement %s is known by %s with another bank line; nothing was posted: compare both bank lines, and correct the one given",
			request.ID.Key, known.Scope)
	}
	return nil
}

// receive takes the bank's amount into the books, with the first run only, and
// tells the statement's line that it is booked.
func (a *Activities) receive(
	ctx context.Context, tx pgx.Tx, run activities.Run, request activities.OpenSettlementRequest, hash [32]byte,
) error {
	key := postgres.Key{Scope: run.ID.String(), Step: stepOpen, Input: hash}
	batch, fresh, err := postgres.BeginBatch(ctx, tx, run.Number, key, run.StartedAt)
	if err != nil || !fresh {
		return err
	}
	transaction := request.Transaction
	entry := ledger.Entry{
		Debit: ledger.Reglement, Credit: ledger.Suspense(request.ID.Key), Kind: ledger.KindSettlement,
		Amount: transaction.Amount.Abs(), Label: transaction.Label,
		TransactionAt: transaction.TransactionAt, ValueDate: calendar.DateOf(transaction.ValueAt),
	}
	switch {
	case isLot(request):
		entry.Credit, entry.Kind = ledger.Rejects(request.ID.Key), ledger.KindLot
	case transaction.Amount < 0:
		entry.Debit, entry.Credit = entry.Credit, entry.Debit
	}
	if _, err = postgres.Post(ctx, tx, batch, 0, []ledger.Entry{entry}); err != nil {
		return err
	}
	if err := db.New(tx).BookBankLine(ctx, run.ID.String(), batch, transaction.ID); err != nil {
		return fmt.Errorf("book the bank line: %w", err)
	}
	return nil
}

// isLot tells rejected transfers that came back from our remittances that left:
// both are settled by reglement-virements.
func isLot(request activities.OpenSettlementRequest) bool {
	return request.ID.Kind == vacation.ReglementVirements && request.Transaction.Amount > 0
}

// now is the hour of postings and events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }
