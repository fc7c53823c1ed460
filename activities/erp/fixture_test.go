package erp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
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
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/erp/divalto"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	standin "github.com/reglo/reglo/deploy/partners/divalto"
	"github.com/reglo/reglo/domain/calendar"
	words "github.com/reglo/reglo/domain/divalto"
)

// now is an ordinary Tuesday in Paris, a TARGET day.
func now() time.Time { return time.Date(2026, time.March, 17, 9, 30, 0, 123_000_000, time.UTC) }

const (
	today     = "2026-03-17"
	yesterday = "2026-03-16"
	dossier   = "998"
	password  = "s3cret-passw0rd"
	bankCode  = "C0000001" // whom card settlements are from
)

// settings are what is posted.
func settings(t testing.TB) erp.Settings {
	t.Helper()
	states, err := words.NewStates([]words.StateRow{
		{Dossier: dossier, Means: "transfer", Direction: "disbursement", Change: "VIRSEPA", Final: "S50"},
		{Dossier: dossier, Means: "card", Direction: "encashment", Change: "PORCHQ", Final: "C30"},
		{Dossier: dossier, Means: "deposit", Direction: "encashment", Change: "REMCDI", Final: "C50"},
	})
	require.NoError(t, err)
	since, err := calendar.ParseDate(today)
	require.NoError(t, err)
	return erp.Settings{
		Since: since, SettlementThirdParty: bankCode, States: states,
		Options: words.Options{Dossier: words.Dossier{Dos: dossier, DosCpt: dossier, Etb: "1"}},
	}
}

// waker counts who wakes it.
type waker struct {
	lock  sync.Mutex
	woken []string
	fails error
}

func (w *waker) Wake(_ context.Context, dossier string) error {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.woken = append(w.woken, dossier)
	return w.fails
}

func (w *waker) times() int {
	w.lock.Lock()
	defer w.lock.Unlock()
	return len(w.woken)
}

// world is a database with what the ERP is to be told, and an ERP.
type world struct {
	pool     *pgxpool.Pool
	erp      *standin.ERP
	url      string
	client   *divalto.Client
	settings erp.Settings
	waker    *waker
	clock    func() time.Time // of the client, and the ERP
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{pool: pgtest.New(t), settings: settings(t), waker: new(waker), clock: now}
	w.serve(t)
	w.client = w.newClient(t, func(*divalto.Settings) {})
	return w
}

// serve begins an ERP of its own.
func (w *world) serve(t testing.TB) {
	t.Helper()
	var err error
	w.erp, err = standin.New(standin.Settings{
		File: filepath.Join(t.TempDir(), "books"), User: "reglo", Password: password, Dossiers: []string{dossier},
		ThirdParties: []string{"C", "N"}, States: map[string]string{"VIRSEPA": "S50", "PORCHQ": "C30", "REMCDI": "C50"},
		Clock: func() time.Time { return w.clock() },
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.erp.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, w.erp.Close())
	})
}

func (w *world) newClient(t testing.TB, change func(*divalto.Settings)) *divalto.Client {
	t.Helper()
	made := divalto.Settings{
		URL: w.url, Dos: dossier, Credentials: words.Credentials{User: "reglo", Password: password},
		Timeout: 10 * time.Second,
	}
	change(&made)
	client, err := divalto.New(made, func() time.Time { return w.clock() })
	require.NoError(t, err)
	return client
}

// on is the activities of a worker on that pool.
func (w *world) on(pool *pgxpool.Pool) *erp.Activities {
	return erp.New(erp.Parts{Pool: pool, ERP: w.client, Settings: w.settings, Waker: w.waker, Clock: now})
}

// call runs an activity as a worker does.
func call[R any](ctx context.Context, on *erp.Activities, name string, request any) (R, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.SetTestTimeout(time.Minute)
	on.Register(env)
	on.RegisterERP(env)
	var result R
	value, err := env.ExecuteActivity(name, request)
	if err == nil && value.HasValue() {
		err = value.Get(&result)
	}
	return result, err
}

func (w *world) plan(t testing.TB) int {
	t.Helper()
	result, err := call[activities.PlanPostingsResult](t.Context(), w.on(w.pool), activities.PlanPostingsName, nil)
	require.NoError(t, err)
	return result.Planned
}

func (w *world) post(t testing.TB) activities.PostSettlementResult {
	t.Helper()
	result, err := w.tryPost(t, w.pool)
	require.NoError(t, err)
	return result
}

func (w *world) tryPost(t testing.TB, pool *pgxpool.Pool) (activities.PostSettlementResult, error) {
	t.Helper()
	return call[activities.PostSettlementResult](t.Context(), w.on(pool), activities.PostSettlementName,
		activities.PostSettlementRequest{Dossier: dossier})
}

func (w *world) find(t testing.TB, number int) activities.FindPostingResult {
	t.Helper()
	result, err := w.tryFind(t, w.pool, number)
	require.NoError(t, err)
	return result
}

func (w *world) tryFind(t testing.TB, pool *pgxpool.Pool, number int) (activities.FindPostingResult, error) {
	t.Helper()
	return call[activities.FindPostingResult](t.Context(), w.on(pool), activities.FindPostingName, activities.FindPostingRequest{Number: number})
}

// drive posts what is due and looks up what is in doubt, as the workflow does,
// until nothing is due. Calls that fail are made again.
func (w *world) drive(t testing.TB) {
	t.Helper()
	const enough = 200
	for range enough {
		posted, err := w.tryPost(t, w.pool)
		if err != nil {
			continue
		}
		if posted.Number == 0 {
			return
		}
		switch words.Class(posted.Class) {
		case words.TechnicalError, words.Unknown, words.AcceptedWithoutID:
			for range enough {
				if _, err := w.tryFind(t, w.pool, posted.Number); err == nil {
					break
				}
			}
		default:
		}
	}
	require.Fail(t, "something is due for ever", w.facts(t))
}

// break has things go wrong at the ERP from now on.
func (w *world) breaks(t testing.TB, faults ...string) {
	t.Helper()
	parsed := make([]standin.Fault, len(faults))
	for i, text := range faults {
		var err error
		parsed[i], err = standin.ParseFault(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.erp.Break(parsed...))
}

// payout is one that stands in a bulk.
type payout struct {
	ref   string
	cp    string
	cents int64
	state string
}

// merchant is one of the snapshot.
func (w *world) merchant(t testing.TB, cp, thirdParty string) {
	t.Helper()
	w.exec(t, `insert into merchant_snapshot (sequence, file_name, sha256, merchants, loaded_at)
		values (1, 'm', sha256('m'), 1, $1) on conflict do nothing`, now())
	w.exec(t, `
		with a as (insert into account (code, class) values ('CP.' || $1, 'CP') returning id)
		insert into merchant (account_id, account, siret, legal_name, cp_iban, cp_bic, status, payout_mode, payout_frequency, external_iban,
			external_bic, external_name, reserve_cents, min_payout_cents, payout_ceiling_cents, cp_to_cp_allowed, agent, erp_third_party,
			valid_from, snapshot)
		select $1, a.id, '73282932000074', 'MERCHANT', 'FR7630006000011234567890189', 'TESTFRPP', 'ACTIVE', 'AUTO', 'DAILY',
			'FR1420041010050500013M02606', 'TESTFRPP', 'MERCHANT', 0, 0, 1, false, '', $2, '2026-01-01', 1 from a`, cp, thirdParty)
}

// run is a vacation.
func (w *world) run(t testing.TB, kind, key, date, state string) (number int32) {
	t.Helper()
	require.NoError(t, w.pool.QueryRow(context.WithoutCancel(t.Context()), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at, ended_at)
		values ($1, $2, 1, gen_random_uuid(), $3::text::date, sha256('x'), gen_random_uuid()::text, $4::text, $5,
		        case when $4::text <> 'RUNNING' then $5::timestamptz end)
		returning number`, kind, key, date, state, now()).Scan(&number))
	return number
}

// bulk is one that the bank has, of the payouts of a day.
func (w *world) bulk(t testing.TB, name, date, state string, payouts ...payout) {
	t.Helper()
	var number int32
	run := w.run(t, "vacation-financiere", date+"/"+name, date, "ENDED")
	require.NoError(t, w.pool.QueryRow(context.WithoutCancel(t.Context()), `
		insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at, file_format,
		                  file_sha256, file_bytes)
		values (gen_random_uuid(), $1, 'PAYOUT', $2, $3, $4, 1, $5::text::date, $6, $6, 'pain.001.001.03', sha256('b'), 1)
		returning number`, name, state, run, max(1, len(payouts)), date, now()).Scan(&number))
	for _, p := range payouts {
		w.exec(t, `
			insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban,
				creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, batch, bulk, reason)
			values ('s', 'AUTO', $1, $1, $2, 1, 'D', 'TESTFRPP', 'FR7630006000011234567890189', 'C', 'TESTFRPP',
				'FR1420041010050500013M02606', $3, 0, $4::text::date, 'i', $5, $6, 1, $7, 'r')`,
			p.ref, p.cp, p.cents, date, now(), p.state, number)
	}
}

// settlement is a card settlement whose run is in that state.
func (w *world) settlement(t testing.TB, reference, kind, date, state string, cents int64) {
	t.Helper()
	w.run(t, "vacation-reglement-transactions", reference, date, state)
	w.exec(t, `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date, settled_at)
		values ($1, 'vacation-reglement-transactions/' || $1, $2, '100', $3, 'l', sha256('l'), $4::text::date,
		        case when $5::text = 'ENDED' then $6::timestamptz end)`, reference, kind, cents, date, state, now())
}

// some plans that many payouts, of 1.01, 2.02 and so on.
func (w *world) some(t testing.TB, count int) {
	t.Helper()
	w.merchant(t, "1A00000001", "N0000001")
	payouts := make([]payout, count)
	for i := range payouts {
		payouts[i] = payout{ref: fmt.Sprintf("ref-%d", i+1), cp: "1A00000001", cents: int64(101 * (i + 1)), state: "SENT"}
	}
	w.bulk(t, "MONEXTEUR20260317001", today, "SENT", payouts...)
	require.Equal(t, count, w.plan(t))
}

func (w *world) exec(t testing.TB, query string, arguments ...any) {
	t.Helper()
	_, err := w.pool.Exec(context.WithoutCancel(t.Context()), query, arguments...)
	require.NoError(t, err)
}

// facts are where the postings stand.
func (w *world) facts(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select concat_ws(' ', number, kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, state,
		       class, attempts, transaction_id)
		from erp_posting order by number`)
}

// states are the postings' references and states.
func (w *world) states(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `select reference || ' ' || state from erp_posting order by number`)
}

func (w *world) texts(t testing.TB, query string) []string {
	t.Helper()
	rows, err := w.pool.Query(context.WithoutCancel(t.Context()), query)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

// prove checks what must hold whatever went wrong: nothing was booked twice, what
// is accepted is booked under its transaction, what is refused is not.
func (w *world) prove(t testing.TB) {
	t.Helper()
	w.erp.Settle()
	booked := make(map[string]standin.Booking)
	for _, booking := range w.erp.Bookings() {
		require.Equal(t, 1, booking.Copies, booking.Label)
		booked[booking.Label] = booking
	}
	rows, err := w.pool.Query(context.WithoutCancel(t.Context()),
		`select label, state, transaction_id, amount_cents, third_party, direction, detail from erp_posting`)
	require.NoError(t, err)
	var label, state, transaction, thirdParty, detail string
	var cents int64
	var direction int
	_, err = pgx.ForEachRow(rows, []any{&label, &state, &transaction, &cents, &thirdParty, &direction, &detail}, func() error {
		booking, there := booked[label]
		switch erp.State(state) {
		case erp.Accepted:
			require.True(t, there, label)
			require.Equal(t, booking.TransactionID, transaction)
			require.Equal(t, booking.Cents, cents)
			require.Equal(t, booking.ThirdParty, thirdParty)
			require.Equal(t, booking.Direction, direction)
		case erp.AcceptedWithoutID:
			require.True(t, there, label)
		case erp.Rejected, erp.Invalid:
			require.False(t, there, label)
		case erp.Unknown:
		case erp.Prepared, erp.Sent:
			require.Fail(t, "nobody goes on with it", "%s is %s: %s", label, state, detail)
		}
		return nil
	})
	require.NoError(t, err)
	require.Zero(t, w.erp.Overlaps())
}
