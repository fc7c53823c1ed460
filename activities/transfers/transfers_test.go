package transfers_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// now is a Saturday in Paris: what is ordered falls due on Monday.
func now() time.Time { return time.Date(2026, time.March, 14, 9, 30, 0, 123_000_000, time.UTC) }

// books is a database whose books hold clients' money.
type books struct {
	pool  *pgxpool.Pool
	items int
}

// newBooks has these amounts on règlement and cantonnement, all of it one CP's.
func newBooks(t testing.TB, reglement, cantonnement money.Cents) *books {
	t.Helper()
	b := &books{pool: pgtest.New(t)}
	b.post(t, ledger.Reglement, cp, ledger.KindSale, reglement)
	b.post(t, ledger.Cantonnement, cp, ledger.KindSale, cantonnement)
	return b
}

const cp = ledger.Code("CP.1A00000001")

// post posts an entry, of no vacation unless a run is given.
func (b *books) post(t testing.TB, debit, credit ledger.Code, kind ledger.Kind, amount money.Cents, of ...activities.Run) {
	t.Helper()
	if amount == 0 {
		return
	}
	key, number := postgres.Key{Scope: "test", Step: "post", Item: b.items, Input: sha256.Sum256(nil)}, int32(0)
	if len(of) > 0 {
		key.Scope, number = of[0].ID.String(), of[0].Number
	}
	b.items++
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, number, key, now())
		if err != nil {
			return err
		}
		_, err = postgres.Post(t.Context(), tx, batch, 0, []ledger.Entry{{
			Debit: debit, Credit: credit, Kind: kind, Amount: amount, Label: "l", TransactionAt: now(), ValueDate: calendar.DateOf(now()),
		}})
		return err
	}))
}

func (b *books) newRun(t testing.TB, kind vacation.Kind, key string) activities.Run {
	t.Helper()
	run := activities.Run{ID: vacation.ID{Kind: kind, Key: key}, StartedAt: now()}
	err := b.pool.QueryRow(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		values ($1, $2, 1, gen_random_uuid(), '2026-03-16', sha256('x'), gen_random_uuid()::text, 'RUNNING', $3)
		returning number, correlation_id::text`, string(kind), key, now()).Scan(&run.Number, &run.CorrelationID)
	require.NoError(t, err)
	return run
}

func bank() transfers.Bank {
	party := func(iban string) transfer.Party {
		return transfer.Party{Name: "EP", BIC: "TESTFRPPXXX", IBAN: iban}
	}
	return transfers.Bank{
		ID: "999999", PayoutPrefix: "MONEXTEUR", InternalPrefix: "MONEXTINT", Format: pain001.Format{Version: pain001.V03},
		Reglement: party("FR7630006000011234567890189"), Cantonnement: party("FR1420041010050500013M02606"),
		Fonctionnement: party("FR7630001007941234567890185"),
	}
}

// call runs an activity as a worker on that pool does.
func call[R any](ctx context.Context, pool *pgxpool.Pool, name string, run activities.Run) (R, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.SetTestTimeout(time.Minute)
	transfers.New(pool, postgres.Outbox{Environment: 'I', Node: 1}, bank(), calendar.Target{}, now).Register(env)
	var result R
	value, err := env.ExecuteActivity(name, run)
	if err == nil && value.HasValue() {
		err = value.Get(&result)
	}
	return result, err
}

// orders are what was ordered, in its order.
func (b *books) orders(t testing.TB) []string {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `
		select concat_ws(' ', o.purpose, o.state, d.code, c.code, o.amount_cents, o.due_date, o.info, b.name, b.state, b.orders, b.amount_cents)
		from transfer_order o join bulk b on b.number = o.bulk and b.bulk_id = o.bulk_id and b.due_date = o.due_date and b.purpose = o.purpose
		join account d on d.id = o.debtor join account c on c.id = o.creditor order by o.number`)
	require.NoError(t, err)
	orders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return orders
}

// events are the types of the run's events, in their order.
func (b *books) events(t testing.TB, run activities.Run) []string {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `select type from event where vacation = $1 order by seq`, run.Number)
	require.NoError(t, err)
	events, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return events
}

func (b *books) prove(t testing.TB, run activities.Run) {
	t.Helper()
	read, err := postgres.ReadBooks(context.WithoutCancel(t.Context()), b.pool, run.Number)
	require.NoError(t, err)
	require.Empty(t, read.Check())
}

// payout orders one, which is in no bulk.
func (b *books) payout(t testing.TB, ref string, amount money.Cents) {
	t.Helper()
	b.post(t, cp, ledger.Payout(ref), ledger.KindPayout, amount)
}

func TestDecantonOrdersWhatReglementLacks(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 20_00, 100_00)
	run := b.newRun(t, vacation.Financiere, "2026-03-16")
	decanton := func(want money.Cents) {
		t.Helper()
		for range 2 { // again, it says the same and orders nothing more
			got, err := call[money.Cents](t.Context(), b.pool, activities.DecantonName, run)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		b.prove(t, run)
	}
	b.payout(t, "1", 15_00)
	decanton(0)
	b.payout(t, "2", 35_00)
	decanton(30_00)
	b.payout(t, "3", 10_00) // approved later in the session
	decanton(40_00)
	const order = "DECANTONNEMENT PREPARED BK.CAN BK.REG 3000 2026-03-16 DECANTONNEMENT 10:30:00 MONEXTINT202603160001 PREPARED 1 3000"
	require.Equal(t, []string{
		order, "DECANTONNEMENT PREPARED BK.CAN BK.REG 1000 2026-03-16 DECANTONNEMENT 10:30:00 MONEXTINT202603160002 PREPARED 1 1000",
	}, b.orders(t))
	require.Equal(t, []string{"create-transfer", "create-transfer"}, b.events(t, run))
}

func TestUnpaidsThatOverdrawReglementAreDecantoned(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 20_00, 100_00)
	run := b.newRun(t, vacation.ReglementImpayes, "000001")
	b.post(t, ledger.Suspense("000001"), ledger.Reglement, ledger.KindSettlement, 50_00, run)
	b.post(t, cp, ledger.Suspense("000001"), ledger.KindUnpaid, 50_00, run)
	got, err := call[money.Cents](t.Context(), b.pool, activities.DecantonName, run)
	require.NoError(t, err)
	require.Equal(t, money.Cents(30_00), got)
	b.prove(t, run)
}

// TestWhatTheBankHasDebitedIsNotFetchedAgain: a remittance is taken from
// règlement at once, and from its payouts one after the other.
func TestWhatTheBankHasDebitedIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 50_00, 50_00)
	run := b.newRun(t, vacation.Financiere, "2026-03-16")
	b.payout(t, "1", 50_00)
	_, err := b.pool.Exec(t.Context(), `
		with bulk as (insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
			select gen_random_uuid(), 'B', 'PAYOUT', 'SENT', number, 1, 5000, '2026-03-16', started_at, started_at from vacation returning number)
		insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban, creditor_name,
			creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, batch, bulk)
		select 's', 'AUTO', '1', '1', '1A00000001', a.id, '', '', '', '', '', '', 5000, 0, '2026-03-16', '', posted_at, 'SENT', batch.id, bulk.number
		from bulk, account a, batch where a.code = 'CP.1A00000001' order by batch.id limit 1`)
	require.NoError(t, err)
	_, err = b.pool.Exec(t.Context(), `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		values ('B', 's', 'REMITTANCE', '', -5000, 'l', sha256('x'), '2026-03-16')`)
	require.NoError(t, err)
	b.post(t, ledger.Suspense("B"), ledger.Reglement, ledger.KindSettlement, 50_00)
	got, err := call[money.Cents](t.Context(), b.pool, activities.DecantonName, run)
	require.NoError(t, err)
	require.Zero(t, got, "règlement owes nothing more")
}

func TestTwoVacationsNeverOrderTheSameMoney(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 0, 100_00)
	b.payout(t, "1", 40_00)
	var ordering sync.WaitGroup
	var runs []activities.Run
	for _, key := range []string{"000001", "000002", "000003"} {
		runs = append(runs, b.newRun(t, vacation.ReglementImpayes, key))
	}
	for _, run := range runs {
		ordering.Go(func() {
			if _, err := call[money.Cents](context.WithoutCancel(t.Context()), b.pool, activities.DecantonName, run); err != nil {
				t.Error(err)
			}
		})
	}
	ordering.Wait()
	require.Len(t, b.orders(t), 1)
	b.prove(t, runs[0])
}

func TestCantonOrdersOnceASession(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 70_00, 10_00)
	b.post(t, cp, ledger.FeesDue, ledger.KindCommission, 5_00)
	b.post(t, ledger.Fonctionnement, ledger.Opening, ledger.KindOpening, 7_00)
	run := b.newRun(t, vacation.Financiere, "2026-03-16")
	for range 2 {
		got, err := call[money.Cents](t.Context(), b.pool, activities.CantonName, run)
		require.NoError(t, err)
		require.Equal(t, money.Cents(65_00), got, "the commission stays")
		b.post(t, ledger.Reglement, cp, ledger.KindSale, 1_00) // is no business of the second call
	}
	require.Equal(t, []string{"get-account-balance", "get-account-balance", "get-account-balance", "create-transfer"}, b.events(t, run))
	var balances string
	require.NoError(t, b.pool.QueryRow(t.Context(), `select string_agg(params, '' order by seq) from event where type = 'get-account-balance'`).Scan(&balances))
	require.Regexp(t, `"BK.REG".*"70.00".*"BK.CAN".*"10.00".*"BK.FON".*"7.00"`, balances)
	require.Equal(t, []string{
		"CANTONNEMENT PREPARED BK.REG BK.CAN 6500 2026-03-16 CANTONNEMENT 10:30:00 MONEXTINT202603160001 PREPARED 1 6500",
	}, b.orders(t))
	b.prove(t, run)
}

func TestCantonOfNothing(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 0, 10_00)
	run := b.newRun(t, vacation.Financiere, "2026-03-16")
	for range 2 {
		got, err := call[money.Cents](t.Context(), b.pool, activities.CantonName, run)
		require.NoError(t, err)
		require.Zero(t, got)
		b.post(t, ledger.Reglement, cp, ledger.KindSale, 1_00)
	}
	require.Empty(t, b.orders(t))
	require.Len(t, b.events(t, run), 3)
}

func TestWhatWasRecoveredIsOrderedOnce(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 70_00, 0)
	run := b.newRun(t, vacation.Creances, "2026-03-16")
	order := func(orders int) {
		t.Helper()
		for range 2 {
			_, err := call[struct{}](t.Context(), b.pool, activities.OrderRecoveryName, run)
			require.NoError(t, err)
			require.Len(t, b.orders(t), orders)
		}
	}
	order(0)
	b.post(t, cp, ledger.Debt("12345678901234"), ledger.KindRecovery, 20_00, run)
	b.post(t, cp, ledger.Debt("12345678901234"), ledger.KindRecovery, 5_00, run)
	b.post(t, cp, ledger.Debt("12345678901234"), ledger.KindRecovery, 9_00) // of another session
	order(1)
	b.post(t, cp, ledger.Debt("12345678901234"), ledger.KindRecovery, 1_00, run)
	order(2)
	require.Equal(t, []string{
		"RECOVERY PREPARED BK.REG BK.FON 2500 2026-03-16 RECOUV CREANCE 10:30:00 MONEXTINT202603160001 PREPARED 1 2500",
		"RECOVERY PREPARED BK.REG BK.FON 100 2026-03-16 RECOUV CREANCE 10:30:00 MONEXTINT202603160002 PREPARED 1 100",
	}, b.orders(t))
}

// TestOrdersFallDueOnTheRunsDay, or today where the run is late: it is Saturday,
// 14 March. A règlement's commission also waits for the settlement's value date.
func TestOrdersFallDueOnTheRunsDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ business, value, want, revenue string }{
		{"2026-03-12", "2026-03-11", "2026-03-16", "2026-03-16"}, // late
		{"2026-03-16", "2026-03-16", "2026-03-16", "2026-03-16"},
		{"2026-03-18", "2026-03-17", "2026-03-18", "2026-03-18"}, // ahead
		{"2026-03-18", "2026-03-21", "2026-03-18", "2026-03-23"},
	} {
		b := newBooks(t, 70_00, 100_00)
		b.post(t, ledger.Fonctionnement, ledger.Opening, ledger.KindOpening, 50_00)
		b.payout(t, "1", 80_00)
		run := b.newRun(t, vacation.ReglementTransactions, "000001")
		b.post(t, cp, ledger.FeesDue, ledger.KindCommission, 6_00, run)
		b.post(t, cp, ledger.Debt("12345678901234"), ledger.KindRecovery, 5_00, run)
		_, err := b.pool.Exec(t.Context(), `update vacation set business_date = $1::text::date`, c.business)
		require.NoError(t, err)
		_, err = b.pool.Exec(t.Context(), `
			insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date,
				shortfall_cents, short_cps, taken_cents)
			values ('000001', $1, 'TRANSACTION', '', 7000, 'l', sha256('x'), $2::text::date, 100, 1, 500)`, run.ID.String(), c.value)
		require.NoError(t, err)
		for _, name := range []string{
			activities.CoverShortfallsName, activities.IsolateRevenueName, activities.OrderRecoveryName, activities.DecantonName,
			activities.CantonName,
		} {
			_, err := call[any](t.Context(), b.pool, name, run)
			require.NoError(t, err, name)
		}
		ordering := transfers.New(b.pool, postgres.Outbox{Environment: 'I', Node: 1}, bank(), calendar.Target{}, now)
		require.NoError(t, postgres.InRun(t.Context(), b.pool, run.Number, func(tx pgx.Tx) error {
			return ordering.IsolateWithin(t.Context(), tx, run, 1_00, now())
		}))
		rows, err := b.pool.Query(t.Context(), `select purpose || ' ' || due_date from transfer_order order by number`)
		require.NoError(t, err)
		due, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.Equal(t, []string{
			"COVER " + c.want, "REVENUE " + c.revenue, "RECOVERY " + c.want, "DECANTONNEMENT " + c.want,
			"CANTONNEMENT " + c.want, "REVENUE " + c.want,
		}, due, c)
	}
}

// TestADeadWorkerOrdersNothingTwice cuts each activity off at every message to PostgreSQL in turn.
func TestADeadWorkerOrdersNothingTwice(t *testing.T) {
	t.Parallel()
	b := newBooks(t, 20_00, 100_00)
	b.payout(t, "1", 50_00)
	run := b.newRun(t, vacation.Financiere, "2026-03-16")
	b.post(t, cp, ledger.Debt("12345678901234"), ledger.KindRecovery, 5_00, run)
	for _, name := range []string{activities.DecantonName, activities.OrderRecoveryName, activities.CantonName} {
		cuts := 0
		for message := 1; ; message++ {
			pool, struck := pgtest.Cut(t, b.pool, message)
			_, err := call[any](t.Context(), pool, name, run)
			pool.Close()
			if !struck() {
				require.NoError(t, err, name)
				break
			}
			cuts++
		}
		require.Greater(t, cuts, 5, name)
	}
	orders := b.orders(t)
	require.Len(t, orders, 3)
	require.Contains(t, orders[0], "DECANTONNEMENT PREPARED BK.CAN BK.REG 3000")
	require.Contains(t, orders[1], "RECOVERY PREPARED BK.REG BK.FON 500")
	require.Contains(t, orders[2], "CANTONNEMENT PREPARED BK.REG BK.CAN 1500", "the payout is not remitted: its money is safe there")
	require.Equal(t, []string{
		"create-transfer", "create-transfer", "get-account-balance", "get-account-balance", "get-account-balance", "create-transfer",
	}, b.events(t, run))
}
