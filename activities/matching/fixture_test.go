package matching_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/systempay"
)

// now is an ordinary Thursday in Paris, a TARGET day.
func now() time.Time { return time.Date(2026, time.March, 19, 9, 30, 0, 0, time.UTC) }

func today() calendar.Date { return calendar.DateOf(now()) }

// The shops: boutique has two contracts, kiosk one, and idle none.
const (
	boutique = "boutique"
	kiosk    = "kiosk"
	idle     = "idle"

	contract1 = "1111111"
	contract2 = "2222222"
	contract3 = "3333333"
)

func shops() []matching.Shop {
	return []matching.Shop{
		{Name: boutique, Contracts: []string{contract1, contract2}}, {Name: kiosk, Contracts: []string{contract3}}, {Name: idle},
	}
}

func settings() matching.Settings {
	return matching.Settings{Rules: matching.Rules(), Days: matching.DefaultDays, LateDays: matching.DefaultLateDays}
}

// world is a database with payments and lines.
type world struct {
	pool     *pgxpool.Pool
	settings matching.Settings
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{pool: pgtest.New(t), settings: settings()}
	w.settlement(t, "00000120260317UEP")
	return w
}

// settlement is the next one: the first has number 1.
func (w *world) settlement(t testing.TB, reference string) {
	t.Helper()
	w.exec(t, `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		values ($1, 'vacation-reglement-transactions/' || $1, 'TRANSACTION', '100', 1, 'l', sha256('l'), '2026-03-17')`, reference)
}

// payment is one of which the gateway has told; what is left out is ordinary.
type payment struct {
	number        int64
	shop          string
	order         string
	uuid          string
	authorisation string
	contract      string
	cents         int64
	day           int // of March 2026
	class, state  string
	currency      string
}

func (w *world) payment(t testing.TB, p payment) {
	t.Helper()
	operation := "DEBIT"
	if p.cents < 0 {
		operation = "CREDIT"
	}
	for field, ordinary := range map[*string]string{
		&p.shop: boutique, &p.class: "PAID", &p.state: "AUTHORISED", &p.currency: "978", &p.order: fmt.Sprintf("ORDER-%d", p.number),
	} {
		if *field == "" {
			*field = ordinary
		}
	}
	if p.uuid == "" {
		p.uuid = fmt.Sprintf("%032d", p.number)
	}
	if p.day == 0 {
		p.day = 17
	}
	at := time.Date(2026, time.March, p.day, 10, 0, 0, 0, time.UTC)
	w.exec(t, `
		insert into payment (number, key, shop, site_id, mode, order_id, operation, sequence, customer, state, status, class, amount_units,
		                     currency, authorisation, contract, paid_at, first_at, changed_at)
		overriding system value
		values ($1, '12345678:TEST:' || $2, $3, '12345678', 'TEST', $4, $5, 1, '', $6, $6, $7, $8, $9, $10, $11, $12, $12, $12)`,
		p.number, p.uuid, p.shop, p.order, operation, p.state, p.class, p.cents, p.currency, p.authorisation, p.contract, at)
}

// line is a card line of the first settlement.
type line struct {
	number    int32
	contract  string
	reference string
	label     string
	cents     int64
	day       int // of March 2026
	loaded    int // day of March 2026
}

func (w *world) line(t testing.TB, l line) {
	t.Helper()
	if l.contract == "" {
		l.contract = contract1
	}
	if l.day == 0 {
		l.day = 17
	}
	if l.loaded == 0 {
		l.loaded = 18
	}
	w.exec(t, `
		insert into payment_line (settlement, line, cre_id, contract, amount_cents, transaction_at, acquirer_ref, label, orders, loaded_at)
		values (1, $1, 'CRE' || $1::int, $2, $3, $4, $5, $6, $7, $8)`,
		l.number, l.contract, l.cents, time.Date(2026, time.March, l.day, 10, 0, 5, 0, time.UTC), l.reference, l.label,
		string(systempay.AppendMentions(nil, []byte(l.label))), time.Date(2026, time.March, l.loaded, 8, 0, 0, 0, time.UTC))
}

func (w *world) on(pool *pgxpool.Pool) *matching.Activities {
	return matching.New(matching.Parts{
		Pool: pool, Shops: shops(), Settings: w.settings, Calendar: calendar.Target{}, Clock: now,
	})
}

// try calls the activity once, as a worker does.
func (w *world) try(ctx context.Context, on *matching.Activities) (activities.MatchPaymentsResult, error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	env.SetTestTimeout(time.Minute)
	on.Register(env)
	var result activities.MatchPaymentsResult
	value, err := env.ExecuteActivity(activities.MatchPaymentsName, activities.MatchPaymentsRequest{Date: today()})
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

// match matches all that there is, as the workflow does.
func (w *world) match(t testing.TB) activities.MatchPaymentsResult {
	t.Helper()
	matched := 0
	for {
		result, err := w.try(context.WithoutCancel(t.Context()), w.on(w.pool))
		require.NoError(t, err)
		matched += result.Matched
		if !result.Left {
			result.Matched = matched
			return result
		}
	}
}

func (w *world) exec(t testing.TB, query string, arguments ...any) {
	t.Helper()
	_, err := w.pool.Exec(context.WithoutCancel(t.Context()), query, arguments...)
	require.NoError(t, err)
}

// matches are payment, line and rule of each.
func (w *world) matches(t testing.TB) []string {
	t.Helper()
	w.prove(t)
	return w.texts(t, `select payment || ' ' || line || ' ' || rule from payment_match order by payment`)
}

// prove checks what always holds: who is marked as matched is, and nobody else.
func (w *world) prove(t testing.TB) {
	t.Helper()
	require.Empty(t, w.texts(t, `
		select 'payment ' || number from payment p where matched <> exists (select from payment_match m where m.payment = p.number)
		union all
		select 'line ' || line from payment_line l
		where matched <> exists (select from payment_match m where (m.settlement, m.line) = (l.settlement, l.line))`))
}

func (w *world) texts(t testing.TB, query string) []string {
	t.Helper()
	rows, err := w.pool.Query(context.WithoutCancel(t.Context()), query)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}
