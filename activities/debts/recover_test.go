package debts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/debts"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/siret"
	"github.com/reglo/reglo/domain/vacation"
)

var now = time.Date(2026, time.March, 17, 11, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// world is books with merchants that owe.
type world struct {
	pool  *pgxpool.Pool
	chunk int // debts in a transaction
}

// account is a CP: its merchant's number, and what stands on it.
type account struct {
	merchant int
	balance  money.Cents
}

// owed is a merchant's open debt, and how many days ago it was created.
type owed struct {
	merchant int
	amount   money.Cents
	days     int
}

func number(n int) string {
	text := fmt.Sprintf("%013d", n)
	return text + string(siret.CheckDigit(text))
}

func cpID(n int) string { return fmt.Sprintf("1A%08d", n) }

func newWorld(t testing.TB, accounts []account, debtors []owed, chunk int) *world {
	t.Helper()
	w := &world{pool: pgtest.New(t), chunk: chunk}

	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	for i, cp := range accounts {
		require.NoError(t, writer.Write(&merchant.Merchant{
			AccountID: cpID(i + 1), Siret: number(cp.merchant), LegalName: "M", CPIBAN: iban.French(99999, 1, i+1),
			CPBIC: "RGLOFRP0", Status: merchant.StatusActive, PayoutMode: merchant.PayoutNone, PayoutCeiling: money.Max,
			ValidFrom: calendar.DateOf(now),
		}))
	}
	require.NoError(t, writer.Close())
	_, err = merchants.Load(t.Context(), w.pool, merchants.Snapshot{
		Name: "m.csv", Sequence: 1, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, now)
	require.NoError(t, err)
	w.fill(t, accounts, debtors)
	return w
}

// fill gives CPs their balances out of règlement, and merchants their debts.
func (w *world) fill(t testing.TB, accounts []account, debtors []owed) {
	t.Helper()
	entries := []ledger.Entry{}
	for i, cp := range accounts {
		if cp.balance > 0 {
			entries = append(entries, ledger.Entry{Debit: ledger.Reglement, Credit: ledger.CP(cpID(i + 1)), Amount: cp.balance})
		}
	}
	for _, debtor := range debtors {
		entries = append(entries, ledger.Entry{Debit: ledger.Debt(number(debtor.merchant)), Credit: ledger.Fonctionnement, Amount: debtor.amount})
		_, err := w.pool.Exec(t.Context(),
			`insert into debt (siret, created_at, initial_cents, remaining_cents) values ($1, $2, $3, $3)`,
			number(debtor.merchant), now.AddDate(0, 0, -debtor.days), int64(debtor.amount))
		require.NoError(t, err)
	}
	tx, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, postgres.Key{Scope: "test", Step: "fill"}, now)
	require.NoError(t, err)
	for i := range entries {
		entries[i].Kind, entries[i].Label = ledger.KindOpening, "o"
		entries[i].TransactionAt, entries[i].ValueDate = now, calendar.DateOf(now)
	}
	_, err = postgres.Post(t.Context(), tx, batch, 0, entries)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
}

// execute runs an activity in an environment of its own: one does not run several at once.
func (w *world) execute(name string, request any) (converter.EncodedValue, error) {
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	outbox := postgres.Outbox{Environment: 'I', Node: 1}
	clock := func() time.Time { return now }
	session.New(w.pool, outbox, clock).Register(env)
	debts.New(w.pool, outbox, clock, debts.WithChunk(w.chunk), debts.WithSlice(-time.Second)).Register(env)
	return env.ExecuteActivity(name, request)
}

func (w *world) open(t testing.TB, workflowRun string) activities.Run {
	t.Helper()
	id, err := vacation.NewID(vacation.Creances, "2026-03-17")
	require.NoError(t, err)
	value, err := w.execute(activities.OpenVacationName, activities.OpenVacationRequest{
		ID: id, WorkflowRun: workflowRun, BusinessDate: calendar.DateOf(now), Parameters: []byte(`{}`),
	})
	require.NoError(t, err)
	var result activities.OpenVacationResult
	require.NoError(t, value.Get(&result))
	require.Empty(t, result.HeldBy)
	return result.Run
}

func (w *world) recover(run activities.Run) (activities.RecoverDebtsResult, error) {
	var result activities.RecoverDebtsResult
	for !result.Done {
		value, err := w.execute(activities.RecoverDebtsName, run)
		if err != nil {
			return result, err
		}
		if err := value.Get(&result); err != nil {
			return result, err
		}
	}
	return result, nil
}

func (w *world) balance(t testing.TB, code ledger.Code) money.Cents {
	t.Helper()
	var cents int64
	err := w.pool.QueryRow(t.Context(),
		`select coalesce(sum(credit_cents - debit_cents), 0)::bigint from account where code = $1`, string(code)).Scan(&cents)
	require.NoError(t, err)
	return money.Cents(cents)
}

func TestADebtIsRecoveredInPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []account{{merchant: 1, balance: 300_00}}, []owed{{merchant: 1, amount: 1000_50, days: 3}}, 10)
	result, err := w.recover(w.open(t, "one"))
	require.NoError(t, err)
	require.Equal(t, activities.RecoverDebtsResult{Debts: 1, Total: 1, Recovered: 300_00, Remaining: 700_50, Done: true}, result)
	require.Zero(t, w.balance(t, ledger.CP(cpID(1))))
	require.Equal(t, money.Cents(-700_50), w.balance(t, ledger.Debt(number(1))))

	told := eventtest.Bodies(t, w.pool)
	created := now.AddDate(0, 0, -3)
	require.Equal(t, []string{"start-vacation-creances", "get-account-balance", "create-account-transaction", "register-debt"}, types(told))
	require.Equal(t, ogep.GetAccountBalance{AccountID: cpID(1), Balance: 300_00}, told[1])
	taken, isTransaction := told[2].(ogep.CreateAccountTransaction)
	require.True(t, isTransaction)
	require.Equal(t, money.Cents(-300_00), taken.Transaction.Amount)
	require.Equal(t, "RECOUV CREANCE 12:00:00", taken.Transaction.Label)
	registered, isDebt := told[3].(ogep.RegisterDebt)
	require.True(t, isDebt)
	require.Equal(t, []money.Cents{1000_50, 700_50}, []money.Cents{registered.Debt.Initial, registered.Debt.Remaining})
	require.True(t, created.Equal(registered.Debt.CreatedAt), "the créance keeps its creation")
	require.True(t, now.Equal(*registered.Debt.ModifiedAt))
}

func types(bodies []ogep.Body) []string {
	list := make([]string, len(bodies))
	for i, body := range bodies {
		list[i] = string(body.Type())
	}
	return list
}

func TestOldDebtsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []account{{merchant: 1}, {merchant: 2}}, []owed{{1, 10, 366}, {2, 10, 360}}, 10)
	result, err := w.recover(w.open(t, "one"))
	require.NoError(t, err)
	require.Equal(t, 1, result.Old)
}

// TestRecoveryTwice runs the activity again, and as two at once: the end is that of one.
func TestRecoveryTwice(t *testing.T) {
	t.Parallel()
	accounts := []account{{1, 40}, {1, 100}, {2, 5}, {3, 0}, {4, 1000}}
	debtors := []owed{{1, 120, 1}, {2, 50, 9}, {3, 7, 2}, {4, 10, 4}}
	once := newWorld(t, accounts, debtors, 2)
	run := once.open(t, "one")
	first, err := once.recover(run)
	require.NoError(t, err)
	want := pgtest.Dump(t, once.pool)
	again, err := once.recover(run)
	require.NoError(t, err)
	require.Equal(t, first, again)
	pgtest.Same(t, want, pgtest.Dump(t, once.pool))

	twice := newWorld(t, accounts, debtors, 2)
	run = twice.open(t, "one")
	var both sync.WaitGroup
	failures := make([]error, 2)
	for i := range failures {
		both.Go(func() { _, failures[i] = twice.recover(run) })
	}
	both.Wait()
	require.NoError(t, errors.Join(failures...))
	pgtest.Same(t, want, pgtest.Dump(t, twice.pool))
}

// TestARunThatFollowsLooksAtWhatIsLeft: what the failed run looked at is not done again.
func TestARunThatFollowsLooksAtWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []account{{1, 40}, {2, 5}, {3, 9}}, []owed{{1, 120, 3}, {2, 50, 2}, {3, 7, 1}}, 1)
	run := w.open(t, "one")
	_, err := w.execute(activities.RecoverDebtsName, run)
	require.NoError(t, err)
	_, err = w.execute(activities.FailVacationName, activities.FailVacationRequest{
		Run: run, Code: vacation.Cancelled, Step: vacation.StageRecovering, Message: "m",
	})
	require.NoError(t, err)
	_, err = w.execute(activities.RecoverDebtsName, run)
	require.ErrorContains(t, err, "is over", "a worker that was taken for dead adds nothing")

	result, err := w.recover(w.open(t, "two"))
	require.NoError(t, err)
	require.Equal(t, money.Cents(40+5+7), result.Recovered)
	require.Equal(t, money.Cents(2), w.balance(t, ledger.CP(cpID(3))))
}

// TestRecoveryIsWhatAPlainReckoningSays over drawn merchants, CPs and debts. A
// world costs a database, so that they are a dozen and always the same.
func TestRecoveryIsWhatAPlainReckoningSays(t *testing.T) {
	t.Parallel()
	const worlds = 12
	for seed := range worlds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			accounts, debtors := draw(seed)
			w := newWorld(t, accounts, debtors, 1+seed%3)
			result, err := w.recover(w.open(t, "one"))
			require.NoError(t, err)

			var recovered money.Cents
			for _, debtor := range debtors {
				left := debtor.amount
				for i, cp := range accounts {
					if cp.merchant == debtor.merchant {
						taken := min(left, cp.balance)
						left -= taken
						recovered += taken
						require.Equal(t, cp.balance-taken, w.balance(t, ledger.CP(cpID(i+1))))
					}
				}
				require.Equal(t, left, -w.balance(t, ledger.Debt(number(debtor.merchant))))
			}
			require.Equal(t, recovered, result.Recovered)
			books, err := postgres.ReadBooks(t.Context(), w.pool, 0)
			require.NoError(t, err)
			for _, breach := range books.Check() {
				require.Equal(t, ledger.Safeguarding, breach.Invariant, "own money stands for the debts here, on no bank account")
			}
		})
	}
}

// draw is up to five merchants with CPs, some of whom owe.
func draw(seed int) (accounts []account, debtors []owed) {
	random := rand.New(rand.NewPCG(uint64(seed), 1)) //nolint:gosec // a test's own worlds
	merchants := 1 + random.IntN(5)
	for range 1 + random.IntN(8) {
		accounts = append(accounts, account{merchant: 1 + random.IntN(merchants), balance: money.Cents(random.Int64N(500))})
	}
	for n := 1; n <= merchants; n++ {
		if amount := random.Int64N(800); amount > 200 {
			debtors = append(debtors, owed{n, money.Cents(amount), random.IntN(500)})
		}
	}
	return accounts, debtors
}
