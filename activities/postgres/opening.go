package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// OpenBooks takes what stands on the bank accounts into the books, once for the
// life of a database: Dr BK / Cr EQ.OPEN. The same amounts again change nothing;
// it returns whether they were taken in now. Other amounts are a [*KeyConflictError].
func OpenBooks(ctx context.Context, pool *pgxpool.Pool, amounts map[ledger.Code]money.Cents, now time.Time) (bool, error) {
	hash := sha256.New()
	var entries []ledger.Entry
	for _, account := range []ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement} {
		amount := amounts[account]
		if amount < 0 {
			return false, fmt.Errorf("opening of %s: %s: a bank account is opened with a positive amount", account, amount)
		}
		_, _ = fmt.Fprintf(hash, "%s %s\n", account, amount)
		if amount == 0 {
			continue
		}
		entries = append(entries, ledger.Entry{
			Debit: account, Credit: ledger.Opening, Kind: ledger.KindOpening, Amount: amount,
			Label: "OUVERTURE", TransactionAt: now, ValueDate: calendar.DateOf(now),
		})
	}
	key := Key{Scope: "books", Step: "open", Input: [32]byte(hash.Sum(nil))}

	opened := false
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		batch, fresh, err := BeginBatch(ctx, tx, 0, key, now)
		if err != nil || !fresh {
			return err
		}
		opened = true
		_, err = Post(ctx, tx, batch, 0, entries)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("open the books: %w", err)
	}
	return opened, nil
}
