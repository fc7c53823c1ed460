package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
)

// statement is one that was sent, with its values.
type statement struct {
	sql  string
	args []any
}

// tracer keeps what is sent to the database.
type tracer struct {
	lock sync.Mutex
	sent []statement
}

func (t *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.sent = append(t.sent, statement{data.SQL, data.Args})
	return ctx
}

func (*tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// take gives what was sent since it was called last.
func (t *tracer) take() []statement {
	t.lock.Lock()
	defer t.lock.Unlock()
	sent := t.sent
	t.sent = nil
	return sent
}

// plan is a node of what EXPLAIN shows.
type plan struct {
	Type    string  `json:"Node Type"`
	Table   string  `json:"Relation Name"`
	Rows    float64 `json:"Actual Rows"`
	Loops   float64 `json:"Actual Loops"`
	Removed float64 `json:"Rows Removed by Filter"`
	Plans   []plan
}

// read is how many rows the leaves of a plan have looked at.
func (p *plan) read() float64 {
	if len(p.Plans) == 0 {
		return (p.Rows + p.Removed) * p.Loops
	}
	total := 0.0
	for i := range p.Plans {
		total += p.Plans[i].read()
	}
	return total
}

const (
	// planRows are enough for the planner to see that reading all is dear.
	// REGLO_CONSOLE_ROWS asks for more.
	planRows = 50_000
	// mostRead is how many rows a page may look at.
	mostRead = 2_000
	// mostOfForms is that of forms that have no end: a month of them, one a minute, and
	// of each its transaction and the other's that the index holds beside it.
	mostOfForms = 3 * 31 * 24 * 60
)

// TestAPageReadsFewRows explains each statement of a page as it was sent, on tables
// that are as uneven as a year of a shop: nearly all is accepted, of one shop, and of
// customers who pay often.
func TestAPageReadsFewRows(t *testing.T) {
	t.Parallel()
	settings, err := pgxpool.ParseConfig(pgtest.URL(t))
	require.NoError(t, err)
	traced := new(tracer)
	settings.ConnConfig.Tracer = traced
	pool, err := pgxpool.NewWithConfig(t.Context(), settings)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	rows := planRows
	if text := os.Getenv("REGLO_CONSOLE_ROWS"); text != "" {
		rows, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	fill(t, pool, rows)
	s := open(t, pool)
	v := s.signedIn(t)
	middle := strconv.Itoa(rows / 2)

	for _, path := range []string{
		"", "?limit=200", "?limit=200&after=" + middle, "?limit=200&shop=boutique", "?limit=200&shop=theatre&after=" + middle,
		"?limit=200&outcome=ACCEPTED", "?limit=200&outcome=MISMATCH", "?limit=200&status=CAPTURED&after=" + middle,
		"?limit=200&status=REFUSED", "?limit=200&customer=1", "?limit=200&customer=77&after=" + middle, "?limit=200&order=O-12345",
		"?limit=200&from=2026-01-10&to=2026-01-10", "?limit=200&to=2026-01-02", "?limit=200&from=2027-06-01",
		"?limit=200&shop=boutique&customer=1&outcome=ACCEPTED&status=CAPTURED&from=2026-01-03&to=2026-01-20",
		"?shop=nowhere", "?customer=nobody", "?order=none", "?status=NEVER",
		"/notifications/" + middle, "/unmatched/payments", "/unmatched/lines", "/unmatched/forms",
	} {
		traced.take()
		began := time.Now()
		got := v.get(t, listPath+path)
		took := time.Since(began)
		require.Equal(t, http.StatusOK, got.status, path)
		seen, most := 0.0, float64(mostRead)
		if strings.HasSuffix(path, "/forms") {
			most = mostOfForms
		}
		for _, sent := range traced.take() {
			if !strings.Contains(sent.sql, "payment") {
				continue
			}
			var text []byte
			require.NoError(t, pool.QueryRow(t.Context(), "explain (analyze, format json) "+sent.sql, sent.args...).Scan(&text), sent.sql)
			var plans []struct{ Plan plan }
			require.NoError(t, json.Unmarshal(text, &plans))
			seen += plans[0].Plan.read()
		}
		t.Logf("%s reads %.0f rows in %s", path, seen, took)
		require.LessOrEqual(t, seen, most, path)
	}
}

// fill makes up notifications, one a minute, and all that belongs to them.
func fill(t testing.TB, pool *pgxpool.Pool, rows int) {
	t.Helper()
	for _, sql := range []string{
		`insert into payment_form (shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, customer, shown_at)
		 select 'boutique', '12345678', 'TEST', date '2026-01-01' + i / 1000, lpad((i %% 1000)::text, 6, '0'), 'O-' || i, 1999, '978', 'SINGLE',
		        (i::bigint * i %% 1000)::text, timestamptz '2026-03-17' - i * interval '1 minute' from generate_series(1, %d) i`,
		`insert into payment (key, shop, site_id, mode, order_id, form, operation, sequence, customer, state, status, class, amount_units,
		                      currency, paid_at, first_at, changed_at)
		 select concat('T', i), 'boutique', '12345678', 'TEST', concat('O-', i), i + 0, 'DEBIT', 1, (i::bigint * i %% 1000)::text, 'CAPTURED', 'CAPTURED', 'PAID', 1999, '978',
		        now(), '2026-01-01', '2026-01-02' from generate_series(1, %d) i`,
		`insert into payment_notification (shop, peer, received_at, outcome, level, sha256, event_key, payment, order_id, customer, status, fields)
		 select case when i %% 1000 = 0 then 'theatre' else 'boutique' end, '194.50.38.7', timestamptz '2026-01-01' + i * interval '1 minute',
		        case when i %% 5000 = 0 then 'MISMATCH' else 'ACCEPTED' end, 'INFO', sha256('x'), concat('E', i), i + 0, concat('O-', i),
		        case when i %% 3 = 0 then '1' else (i::bigint * i %% 1000)::text end, case when i %% 2000 = 0 then 'REFUSED' else 'CAPTURED' end,
		        '{"vads_amount": "1999", "vads_currency": "978"}' from generate_series(1, %d) i`,
		`insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		 select 'R-' || i, 'S-' || i, 'TRANSACTION', 'CB', 1, 'x', sha256('x'), '2026-01-01' from generate_series(1, 1 + %d / 1000) i`,
		`insert into payment_line (settlement, line, cre_id, contract, amount_cents, transaction_at, acquirer_ref, label)
		 select 1 + i / 1000, i %% 1000 + 1, 'L' || i, '1234567', 1999, now(), '', '' from generate_series(1, %d) i`,
		`insert into payment_match (payment, settlement, line, rule, matched_at)
		 select i, 1 + i / 1000, i %% 1000 + 1, 'order', now() from generate_series(1, %d) i where i %% 997 <> 0`,
	} {
		_, err := pool.Exec(t.Context(), fmt.Sprintf(sql, rows))
		require.NoError(t, err, sql)
	}
	_, err := pool.Exec(t.Context(), `
		update payment p set matched = true from payment_match m where m.payment = p.number;
		update payment_line l set matched = true from payment_match m where m.settlement = l.settlement and m.line = l.line;
		analyze`)
	require.NoError(t, err)
}
