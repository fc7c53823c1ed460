package remittances_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/remittances"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/schemas/xsd"
)

// now is an ordinary Tuesday in Paris, a TARGET day.
func now() time.Time { return time.Date(2026, time.March, 17, 9, 30, 0, 123_000_000, time.UTC) }

const today = "2026-03-17"

// world is a database with payouts that were posted, the activities, and a bank.
type world struct {
	pool    *pgxpool.Pool
	run     activities.Run
	bank    *fakeBank
	gate    remittances.Gate
	inbox   string
	archive inbox.Archive
}

func newWorld(t testing.TB) *world {
	t.Helper()
	gate, err := xsd.NewGate(xsd.PAIN00103)
	require.NoError(t, err)
	w := &world{pool: pgtest.New(t), bank: newFakeBank(), gate: gate, inbox: t.TempDir(), archive: inbox.Archive(t.TempDir())}
	_, err = postgres.OpenBooks(t.Context(), w.pool, map[ledger.Code]money.Cents{
		ledger.Reglement: 500_00, ledger.Cantonnement: 0, ledger.Fonctionnement: 1_000_00,
	}, now())
	require.NoError(t, err)
	w.run = w.newRun(t, vacation.Financiere, today)
	return w
}

func (w *world) newRun(t testing.TB, kind vacation.Kind, key string) activities.Run {
	t.Helper()
	run := activities.Run{ID: vacation.ID{Kind: kind, Key: key}, StartedAt: now()}
	err := w.pool.QueryRow(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		values ($1, $2, 1, gen_random_uuid(), $3::text::date, sha256('x'), gen_random_uuid()::text, 'RUNNING', $4)
		returning number, correlation_id::text`, string(kind), key, today, now()).Scan(&run.Number, &run.CorrelationID)
	require.NoError(t, err)
	return run
}

// party is made up; its IBANs are valid.
func party(name, iban string) transfer.Party {
	return transfer.Party{Name: name, BIC: "TESTFRPPXXX", IBAN: iban}
}

func epBank() transfers.Bank {
	return transfers.Bank{
		ID: "999999", PayoutPrefix: "MONEXTEUR", InternalPrefix: "MONEXTINT", Format: pain001.Format{Version: pain001.V03},
		Reglement:      party("EP", "FR7630006000011234567890189"),
		Cantonnement:   party("EP", "FR1420041010050500013M02606"),
		Fonctionnement: party("EP", "FR7630001007941234567890185"),
	}
}

func newTransfers(pool *pgxpool.Pool) *transfers.Activities {
	return transfers.New(pool, postgres.Outbox{Environment: 'I', Node: 1}, epBank(), calendar.Target{}, now)
}

// on is the activities of a worker on that pool.
func (w *world) on(pool *pgxpool.Pool, options ...remittances.Option) *remittances.Activities {
	return remittances.New(remittances.Parts{
		Pool: pool, Outbox: postgres.Outbox{Environment: 'I', Node: 1}, Own: newTransfers(pool), Channel: w.bank, Bank: epBank(),
		Gate: w.gate, Archive: w.archive, Calendar: calendar.Target{}, Actors: operator.Actors{"alice", "bruno"}, Clock: now,
	}, options...)
}

// call runs an activity as a worker does.
func call[R any](ctx context.Context, pool *pgxpool.Pool, on *remittances.Activities, name string, request any) (R, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.SetTestTimeout(time.Minute)
	on.Register(env)
	on.RegisterDispatch(env)
	newTransfers(pool).Register(env)
	var result R
	value, err := env.ExecuteActivity(name, request)
	if err == nil && value.HasValue() {
		err = value.Get(&result)
	}
	return result, err
}

func must[R any](t testing.TB, w *world, name string, request any) R {
	t.Helper()
	result, err := call[R](t.Context(), w.pool, w.on(w.pool), name, request)
	require.NoError(t, err, name)
	return result
}

// pay posts payouts of 0.01, 0.02 and so on, each from a CP of its own that has
// 10.00 more, as PostPayouts leaves them. Every third came with a Payline file.
func (w *world) pay(t testing.TB, count int, due string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	require.NoError(t, pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		first, err := postgres.NextItem(ctx, tx, w.run.ID.String(), "post")
		if err != nil {
			return err
		}
		batch, _, err := postgres.BeginBatch(ctx, tx, w.run.Number, postgres.Key{
			Scope: w.run.ID.String(), Step: "post", Item: first, Input: sha256.Sum256([]byte(due)),
		}, now())
		if err != nil {
			return err
		}
		var entries []ledger.Entry
		for n := 1; n <= count; n++ {
			amount, cp, ref := money.Cents(n), ledger.CP(cpID(first, n)), refExterne(first, n)
			day, err := calendar.ParseDate(due)
			require.NoError(t, err)
			entries = append(entries,
				ledger.Entry{Debit: ledger.Reglement, Credit: cp, Kind: ledger.KindSale, Amount: amount + 10_00, Label: "VENTE", TransactionAt: now(), ValueDate: day},
				ledger.Entry{Debit: cp, Credit: ledger.Payout(ref), Kind: ledger.KindPayout, Amount: amount, Label: "VIREMENT", TransactionAt: now(), ValueDate: day})
		}
		if _, err = postgres.Post(ctx, tx, batch, 0, entries); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			with file as (
				insert into payline_file (scope, sequence, file_name, file_date, sha256, movements, transfers, sum_cents, received_at)
				select $1::text, 1, 'Payline.000001.txt', '2026-03-17', sha256('p'), 0, 1, 1, $7::timestamptz
				where not exists (select from payline_file) returning number),
			of as (select number from file union all select number from payline_file),
			line as (
				insert into payline_line (file, line, kind, end_to_end_id, seen, operation_code, debtor_cp, creditor_cp, debtor_iban,
					creditor_name, creditor_bic, creditor_iban, amount_cents, currency, label, control_code, outcome, decided_at)
				select of.number, $2::int * 100000 + n, 'TRANSFER', lpad(($2::int * 100000 + n)::text, 16, '0'), false, 'op', '', '', '', '', '', '',
					n, 'EUR', 'l', '', 'ACCP', $7
				from of, generate_series(3, $3::int, 3) as n
				returning file, line)
			insert into payout (scope, source, payline_file, payline_line, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic,
				debtor_iban, creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, batch)
			select $1, case when n % 3 = 0 then 'PAYLINE' else 'AUTO' end, line.file, line.line, format($4, n),
				lpad(($2::int * 100000 + n)::text, 16, '0'), format('1A%s', lpad(($2::int * 100000 + n)::text, 8, '0')), a.id,
				'MERCHANT', 'TESTFRPPXXX', 'FR7630006000011234567890189', 'ELSEWHERE', 'TESTFRPP', 'FR1420041010050500013M02606',
				n, 0, $5::text::date, 'VIREMENT', $7, 'PREPARED', $6
			from generate_series(1, $3) as n
			join account a on a.code = format('CP.1A%s', lpad(($2::int * 100000 + n)::text, 8, '0'))
			left join line on line.line = $2::int * 100000 + n
			order by n`,
			w.run.ID.String(), first, count, fmt.Sprintf("ref-%d-%%s", first), due, batch, now())
		return err
	}))
}

func cpID(first, n int) string       { return fmt.Sprintf("1A%08d", first*100_000+n) }
func refExterne(first, n int) string { return fmt.Sprintf("ref-%d-%d", first, n) }

// facts are what stands in the database about bulks and their orders.
func (w *world) facts(t testing.TB) []string {
	t.Helper()
	rows, err := w.pool.Query(context.WithoutCancel(t.Context()), `
		select concat_ws(' ', b.name, b.purpose, b.state, b.orders, b.amount_cents, b.due_date,
		       case when b.attempted_at is null then 'never attempted' else 'attempted' end,
		       (select string_agg(distinct p.state || ' ' || p.reason, ',') from payout p where p.bulk = b.number),
		       (select o.state from transfer_order o where o.bulk = b.number))
		from bulk b order by b.name`)
	require.NoError(t, err)
	facts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return facts
}

func (w *world) number(t testing.TB, query string) int64 {
	t.Helper()
	var value int64
	require.NoError(t, w.pool.QueryRow(context.WithoutCancel(t.Context()), query).Scan(&value))
	return value
}

// prove checks the invariants of the books.
func (w *world) prove(t testing.TB) {
	t.Helper()
	books, err := postgres.ReadBooks(context.WithoutCancel(t.Context()), w.pool, w.run.Number)
	require.NoError(t, err)
	require.Empty(t, books.Check())
}

// What a fake bank does with the next bulks that it is sent.
type fault int

const (
	none         fault = iota
	failsBefore        // ErrNotSent
	failsAfter         // accepted, and the answer is lost
	losesIt            // not accepted, and nobody is told so; looked up, it is not there
	unknown            // not accepted; the channel cannot tell, neither then nor later
	unknownTaken       // accepted; the channel cannot tell, neither then nor later
	rejects
)

var errBank = errors.New("the bank does not answer")

// fakeBank is a channel that counts what the bank accepts.
type fakeBank struct {
	mutex    sync.Mutex
	faults   []fault
	accepted map[string]int
	mute     map[string]bool
	rejected map[string]bool
	order    []string
	files    map[string][]byte
	before   func() // what happens as a bulk arrives
}

func newFakeBank() *fakeBank {
	return &fakeBank{
		accepted: make(map[string]int), mute: make(map[string]bool), rejected: make(map[string]bool), files: make(map[string][]byte),
	}
}

func (b *fakeBank) Send(_ context.Context, handed channels.File) (channels.Outcome, error) {
	var file bytes.Buffer
	if err := handed.Write(&file); err != nil {
		return channels.Outcome{}, errors.Join(channels.ErrNotSent, err)
	}
	if b.before != nil {
		b.before()
	}
	name := strings.TrimSuffix(handed.Name, ".xml")
	b.mutex.Lock()
	defer b.mutex.Unlock()
	does := none
	if len(b.faults) > 0 {
		does, b.faults = b.faults[0], b.faults[1:]
	}
	if does == none || does == failsAfter || does == unknownTaken {
		b.accepted[name]++
		b.order = append(b.order, name)
		b.files[name] = file.Bytes()
	}
	switch does {
	case none:
		return channels.Outcome{State: transfer.Sent}, nil
	case failsBefore:
		return channels.Outcome{}, fmt.Errorf("%w: %w", channels.ErrNotSent, errBank)
	case rejects:
		b.rejected[name] = true
		return channels.Outcome{State: transfer.Rejected, Detail: "no"}, nil
	case unknown, unknownTaken:
		b.mute[name] = true
		return channels.Outcome{State: transfer.Unknown}, nil
	case failsAfter, losesIt:
	}
	return channels.Outcome{}, errBank
}

func (b *fakeBank) LookUp(_ context.Context, file channels.File) (channels.Outcome, error) {
	name := strings.TrimSuffix(file.Name, ".xml")
	b.mutex.Lock()
	defer b.mutex.Unlock()
	switch {
	case b.mute[name]:
		return channels.Outcome{}, errBank
	case b.rejected[name]:
		return channels.Outcome{State: transfer.Rejected}, nil
	case b.accepted[name] > 0:
		return channels.Outcome{State: transfer.Sent}, nil
	default:
		return channels.Outcome{State: transfer.Prepared}, nil
	}
}

// has tells whether the bank has the bulk: what an operator finds out by telephone.
func (b *fakeBank) has(name string) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.mute[name] = false
	return b.accepted[name] > 0
}

// read reads the file of a bulk as a bank does.
func (b *fakeBank) read(t testing.TB, name string) message.Orders {
	t.Helper()
	b.mutex.Lock()
	defer b.mutex.Unlock()
	orders, err := message.ReadPain001(bytes.NewReader(b.files[name]))
	require.NoError(t, err)
	return orders
}
