package postgres_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

func TestBeginBatch(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	run := newRun(t, pool, "a")
	begin := func(key postgres.Key) (id int64, fresh bool, err error) {
		err = within(t, pool, func(tx pgx.Tx) error {
			id, fresh, err = postgres.BeginBatch(t.Context(), tx, run, key, now())
			return err
		})
		return id, fresh, err
	}
	first, fresh, err := begin(key(0, 1))
	require.NoError(t, err)
	require.True(t, fresh)

	same, fresh, err := begin(key(0, 1))
	require.NoError(t, err)
	require.False(t, fresh)
	require.Equal(t, first, same)

	_, _, err = begin(key(0, 2))
	var conflict *postgres.KeyConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, key(0, 2), conflict.Key)
	require.ErrorContains(t, err, "vacation-technique/2026-03-17, step post, item 0 was committed before with another input")

	for _, other := range []postgres.Key{
		key(1, 1), {Scope: "another", Step: "post", Input: [32]byte{1}}, {Scope: key(0, 1).Scope, Step: "another", Input: [32]byte{1}},
	} {
		id, fresh, err := begin(other)
		require.NoError(t, err)
		require.True(t, fresh)
		require.NotEqual(t, first, id)
	}
	// What is rolled back was never claimed.
	rolledBack := within(t, pool, func(tx pgx.Tx) error {
		_, fresh, err := postgres.BeginBatch(t.Context(), tx, run, key(9, 1), now())
		require.NoError(t, err)
		require.True(t, fresh)
		return errTest
	})
	require.ErrorIs(t, rolledBack, errTest)
	_, fresh, err = begin(key(9, 2))
	require.NoError(t, err)
	require.True(t, fresh)
}

// TestTheSecondOfTwoTransactionsWaitsAndFindsItDone, or undone when the first rolls back.
func TestTheSecondOfTwoTransactionsWaitsAndFindsItDone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end   func(tx pgx.Tx) error
		fresh bool
	}{
		"committed":   {func(tx pgx.Tx) error { return tx.Commit(t.Context()) }, false},
		"rolled back": {func(tx pgx.Tx) error { return tx.Rollback(t.Context()) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t)
			first, err := pool.Begin(t.Context())
			require.NoError(t, err)
			defer func() { _ = first.Rollback(t.Context()) }() // gone when it was ended
			_, fresh, err := postgres.BeginBatch(t.Context(), first, 0, key(0, 1), now())
			require.NoError(t, err)
			require.True(t, fresh)

			var second sync.WaitGroup
			second.Go(func() {
				err := within(t, pool, func(tx pgx.Tx) error {
					var err error
					_, fresh, err = postgres.BeginBatch(t.Context(), tx, 0, key(0, 1), now())
					return err
				})
				if err != nil {
					t.Errorf("second transaction: %v", err)
				}
			})
			waiting(t, pool)
			require.NoError(t, test.end(first))
			second.Wait()
			require.Equal(t, test.fresh, fresh)
		})
	}
}

func entry(debit, credit ledger.Code, amount money.Cents) ledger.Entry {
	return ledger.Entry{
		Debit: debit, Credit: credit, Kind: ledger.KindSale, Amount: amount, Label: "RBCRR",
		TransactionAt: now(), ValueDate: calendar.DateOf(now()),
	}
}

func TestPostWritesEntriesAndBalances(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	cp, suspense := ledger.CP("1A17660007"), ledger.Suspense("00000120260317UEP")
	var ids map[ledger.Code]int32
	err := within(t, pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, key(0, 1), now())
		if err != nil {
			return err
		}
		ids, err = postgres.Post(t.Context(), tx, batch, 5, []ledger.Entry{
			entry(ledger.Reglement, suspense, 100_00), entry(suspense, cp, 60_00), entry(suspense, cp, 40_00),
		})
		return err
	})
	require.NoError(t, err)
	require.Len(t, ids, 3)
	dump := pgtest.Dump(t, pool)
	for _, fact := range []string{
		"account BK.REG BK debit 10000 credit 0\n",
		"account TR.SET.00000120260317UEP TR.SET debit 10000 credit 10000\n",
		"account CP.1A17660007 CP debit 0 credit 10000\n",
		"entry vacation-technique/2026-03-17 post 0 5 SALE Dr BK.REG Cr TR.SET.00000120260317UEP 10000 2026-03-17 RBCRR\n",
		"entry vacation-technique/2026-03-17 post 0 7 SALE Dr TR.SET.00000120260317UEP Cr CP.1A17660007 4000 2026-03-17 RBCRR\n",
	} {
		require.Contains(t, dump, fact)
	}
}

func TestPostRefusesWhatTheLedgerRefuses(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	cp := ledger.CP("1A17660007")
	before := pgtest.Dump(t, pool)
	post := func(entries ...ledger.Entry) error {
		return within(t, pool, func(tx pgx.Tx) error {
			batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, key(0, 1), now())
			if err != nil {
				return err
			}
			_, err = postgres.Post(t.Context(), tx, batch, 0, entries)
			return err
		})
	}
	var refused *ledger.EntryError
	require.ErrorAs(t, post(entry(cp, cp, 1)), &refused)
	require.ErrorAs(t, post(entry(cp, ledger.Parked, 0)), &refused)
	err := post(entry(cp, ledger.Parked, 1))
	require.True(t, postgres.IsCode(err, postgres.CheckViolation), "a CP never ends below zero: %v", err)
	err = post(entry("NO.CLASS", ledger.Parked, 1))
	require.True(t, postgres.IsCode(err, postgres.CheckViolation), "%v", err)
	pgtest.Same(t, before, pgtest.Dump(t, pool))
}

func TestMoveAndLockNameAccountsThatDoNotExist(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	err := within(t, pool, func(tx pgx.Tx) error {
		return postgres.Move(t.Context(), tx, []postgres.Movement{{Account: 1, Debit: 1}, {Account: 999_999, Credit: 1}})
	})
	require.ErrorContains(t, err, "2 accounts named, 1 found")
	err = within(t, pool, func(tx pgx.Tx) error {
		_, err := postgres.LockBalances(t.Context(), tx, []int32{1, 999_999})
		return err
	})
	require.ErrorContains(t, err, "2 named, 1 found")
	require.NoError(t, within(t, pool, func(tx pgx.Tx) error { return postgres.Move(t.Context(), tx, nil) }))
}

// TestTransactionsInAnyOrderNeverLockEachOtherUp moves the same accounts, named
// in another order each time, from many transactions at once: nothing is lost.
func TestTransactionsInAnyOrderNeverLockEachOtherUp(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var ids map[ledger.Code]int32
	codes := []ledger.Code{ledger.CP("AA00000001"), ledger.CP("AA00000002"), ledger.CP("AA00000003"), ledger.Parked, ledger.Reglement}
	require.NoError(t, within(t, pool, func(tx pgx.Tx) (err error) {
		ids, err = postgres.Accounts(t.Context(), tx, codes)
		return err
	}))
	const writers, rounds = 4, 25
	var all sync.WaitGroup
	for writer := range uint64(writers) {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(writer, 1))
			for range rounds {
				movements := make([]postgres.Movement, 0, len(codes))
				for _, i := range dice.Perm(len(codes)) {
					movements = append(movements, postgres.Movement{Account: ids[codes[i]], Debit: 1, Credit: 2})
				}
				if err := within(t, pool, func(tx pgx.Tx) error { return postgres.Move(t.Context(), tx, movements) }); err != nil {
					t.Errorf("move: %v", err)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, len(codes), number(t, pool,
		`select count(*) from account where debit_cents = $1 and credit_cents = 2 * $1`, int64(writers*rounds)))
}

// TestAccountsAreMadeOnce by transactions that need the same ones at once.
func TestAccountsAreMadeOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	codes := []ledger.Code{ledger.Debt("73282932000074"), ledger.Transit("x"), ledger.Debt("73282932000074"), ledger.FeesDue}
	var all sync.WaitGroup
	found := make([]map[ledger.Code]int32, 4)
	for i := range found {
		all.Go(func() {
			err := within(t, pool, func(tx pgx.Tx) (err error) {
				found[i], err = postgres.Accounts(t.Context(), tx, codes)
				return err
			})
			if err != nil {
				t.Errorf("accounts: %v", err)
			}
		})
	}
	all.Wait()
	require.Len(t, found[0], 3)
	for _, ids := range found {
		require.Equal(t, found[0], ids)
	}
}

func TestOpenBooks(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	amounts := map[ledger.Code]money.Cents{ledger.Fonctionnement: 100_00, ledger.Cantonnement: 5_00}
	opened, err := postgres.OpenBooks(t.Context(), pool, amounts, now())
	require.NoError(t, err)
	require.True(t, opened)
	state := pgtest.Dump(t, pool)
	require.Contains(t, state, "account EQ.OPEN EQ debit 0 credit 10500\n")

	opened, err = postgres.OpenBooks(t.Context(), pool, amounts, now().AddDate(0, 0, 1))
	require.NoError(t, err)
	require.False(t, opened)

	amounts[ledger.Reglement] = 1
	_, err = postgres.OpenBooks(t.Context(), pool, amounts, now())
	var conflict *postgres.KeyConflictError
	require.ErrorAs(t, err, &conflict)
	_, err = postgres.OpenBooks(t.Context(), pool, map[ledger.Code]money.Cents{ledger.Reglement: -1}, now())
	require.ErrorContains(t, err, "BK.REG: -0.01")
	pgtest.Same(t, state, pgtest.Dump(t, pool))
}

func TestReadBooks(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := postgres.OpenBooks(t.Context(), pool, map[ledger.Code]money.Cents{ledger.Fonctionnement: 100_00}, now())
	require.NoError(t, err)
	require.NoError(t, within(t, pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, key(0, 1), now())
		if err != nil {
			return err
		}
		_, err = postgres.Post(t.Context(), tx, batch, 0, []ledger.Entry{
			entry(ledger.Reglement, ledger.Suspense("R"), 50_00), entry(ledger.Suspense("R"), ledger.CP("AA00000001"), 30_00),
			entry(ledger.Suspense("R"), ledger.Parked, 20_00), entry(ledger.CP("AA00000001"), ledger.FeesDue, 1_00),
			entry(ledger.Debt("73282932000074"), ledger.CP("AA00000001"), 7_00), entry(ledger.Transit("x"), ledger.Reglement, 1_00),
			entry(ledger.FeesDue, ledger.CommissionEarned, 1_00),
		})
		return err
	}))
	books, err := postgres.ReadBooks(t.Context(), pool, 0)
	require.NoError(t, err)
	require.Equal(t, ledger.Books{
		Reglement: -49_00, Fonctionnement: -100_00, CP: 36_00, Parked: 20_00, TransitToOwn: -1_00,
		Debts: -7_00, Result: 1_00, Equity: 100_00,
	}, books)
	var broken []ledger.Invariant
	for _, breach := range books.Check() {
		broken = append(broken, breach.Invariant)
	}
	require.Equal(t, []ledger.Invariant{ledger.Safeguarding, ledger.DebtsAgree}, broken, "the cover was not ordered, the debt not registered")
}
