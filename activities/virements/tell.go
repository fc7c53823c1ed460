package virements

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/virements/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
)

// TellMovements tells the movements of règlement that concern remittances, once
// a run: those of the statement that holds the run's bank line, or that line
// alone when the règlement was started before its statement was read.
func (a *Activities) TellMovements(ctx context.Context, run activities.Run) error {
	err := postgres.InRun(ctx, a.pool, run.Number, func(tx pgx.Tx) error {
		queries := db.New(tx)
		fresh, err := queries.ClaimTelling(ctx, run.ID.String(), strconv.Itoa(int(run.Number)))
		if err != nil {
			return fmt.Errorf("claim the telling: %w", err)
		}
		if fresh == 0 {
			return nil
		}
		settled, err := queries.Settlement(ctx, run.ID.String())
		if err != nil {
			return fmt.Errorf("read settlement: %w", err)
		}
		movements, err := movements(ctx, queries, settled)
		if err != nil {
			return err
		}
		return a.outbox.Emit(ctx, tx, postgres.Emission{
			Vacation: run.Number, At: a.now(),
			Bodies: []ogep.Body{ogep.GetAccountTransactions{AccountID: string(ledger.Reglement), Transactions: movements}},
		})
	})
	if err != nil {
		return activities.Failed("tell the movements of "+run.ID.Key, err)
	}
	return nil
}

func movements(ctx context.Context, queries *db.Queries, settled db.SettlementRow) ([]ogep.BankTransaction, error) {
	rows, err := queries.StatementLines(ctx, settled.BankLineID)
	if err != nil {
		return nil, fmt.Errorf("read the statement's lines: %w", err)
	}
	told := make([]ogep.BankTransaction, 0, max(1, len(rows)))
	for _, row := range rows {
		told = append(told, ogep.BankTransaction{
			ID: row.ID, Label: row.Label, Amount: money.Cents(row.AmountCents),
			BookedAt: row.BookedAt, TransactionAt: row.TransactionAt, ValueAt: row.ValueAt,
		})
	}
	if len(told) > 0 {
		return told, nil
	}
	line, err := bankLine(settled)
	if err != nil {
		return nil, err
	}
	return append(told, ogep.BankTransaction{
		ID: line.ID, Label: line.Label, Amount: line.Amount,
		BookedAt: line.BookedAt, TransactionAt: line.TransactionAt, ValueAt: line.ValueAt,
	}), nil
}

// bankLine is the bank line that the run settles, as it was started with.
func bankLine(settled db.SettlementRow) (ogep.GlobalTransaction, error) {
	line, err := ogep.ParseGlobalTransaction([]byte(settled.BankLine))
	if err != nil {
		return ogep.GlobalTransaction{}, fmt.Errorf("read the bank line of settlement %s: %w", settled.Reference, err)
	}
	return line, nil
}
