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
	return postOnce(ctx, pool, Key{Scope: scopeBooks, Step: "open", Input: [32]byte(hash.Sum(nil))}, entries, now)
}

// FundOwnMoney takes into the books that the EP added money of its own to
// fonctionnement, named by the bank's reference of that transfer:
// Dr BK.FON / Cr EQ.OPEN. The same reference and amount again change nothing;
// it returns whether it was taken in now. Another amount is a [*KeyConflictError].
func FundOwnMoney(ctx context.Context, pool *pgxpool.Pool, reference string, amount money.Cents, now time.Time) (bool, error) {
	if reference == "" || amount <= 0 {
		return false, fmt.Errorf("fund own money with %s under reference %q: want a reference and a positive amount", amount, reference)
	}
	key := Key{Scope: scopeBooks, Step: "fund/" + reference, Input: sha256.Sum256([]byte(amount.String()))}
	return postOnce(ctx, pool, key, []ledger.Entry{{
		Debit: ledger.Fonctionnement, Credit: ledger.Opening, Kind: ledger.KindFunding, Amount: amount,
		Label: "APPORT " + reference, TransactionAt: now, ValueDate: calendar.DateOf(now),
	}}, now)
}

// scopeBooks is the scope of what belongs to no vacation.
const scopeBooks = "books"

// postOnce posts entries in a transaction of their own, once a key.
func postOnce(ctx context.Context, pool *pgxpool.Pool, key Key, entries []ledger.Entry, now time.Time) (bool, error) {
	posted := false
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		batch, fresh, err := BeginBatch(ctx, tx, 0, key, now)
		if err != nil || !fresh {
			return err
		}
		posted = true
		_, err = Post(ctx, tx, batch, 0, entries)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("post to the books: %w", err)
	}
	return posted, nil
}
