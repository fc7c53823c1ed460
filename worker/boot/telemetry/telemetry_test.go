package telemetry_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/worker/boot/telemetry"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// scrape reads the metrics as Prometheus does: series and value, line by line.
func scrape(t *testing.T, registry *prometheus.Registry) map[string]string {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	telemetry.Handler(registry, discard()).ServeHTTP(recorder, request)
	require.Equal(t, http.StatusOK, recorder.Code, recorder.Body.String())
	series := make(map[string]string)
	lines := bufio.NewScanner(recorder.Body)
	for lines.Scan() {
		if name, value, found := strings.Cut(lines.Text(), "} "); found {
			series[name+"}"] = value
		} else if name, value, found := strings.Cut(lines.Text(), " "); found && name != "#" {
			series[name] = value
		}
	}
	require.NoError(t, lines.Err())
	return series
}

func registry(t *testing.T) *prometheus.Registry {
	t.Helper()
	made, err := telemetry.NewRegistry()
	require.NoError(t, err)
	return made
}

func execute(t *testing.T, pool *pgxpool.Pool, statement string, arguments ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), statement, arguments...)
	require.NoError(t, err)
}

// fill writes a vacation that ended, one that runs and one that failed, with
// lines, events and parked lines.
func fill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for i, run := range []struct {
		state, ended, code string
		events             int
	}{
		{"ENDED", "2026-03-02 10:00Z", "", 100},
		{"RUNNING", "", "", 40},
		{"ENDED_WITH_ERROR", "2026-03-02 11:00Z", "FILE_INVALID", 2},
	} {
		execute(t, pool, `insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256,
				workflow_run, state, started_at, ended_at, failure_code, last_seq)
			values ('vacation-reglement-transactions', $1, 1, gen_random_uuid(), '2026-03-02', decode(repeat('00', 32), 'hex'),
				$1, $2, '2026-03-02 09:00Z', nullif($3, '')::timestamptz, nullif($4, ''), $5)`,
			strconv.Itoa(i), run.state, run.ended, run.code, run.events)
	}
	execute(t, pool, `insert into delivery (sink, vacation, delivered_seq, delivered_at)
		select 'file', number, 90, now() from vacation where state = 'ENDED'`)
	execute(t, pool, `insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date,
			file_name, file_sha256, file_bytes, line_count, posted_lines)
		values ('1', 'vacation/1', 'TRANSACTION', 'CB', 1, 'x', decode(repeat('00', 32), 'hex'), '2026-03-02', 'a', decode(repeat('01', 32), 'hex'), 1, 500, 123),
		       ('2', 'vacation/2', 'TRANSACTION', 'CB', 1, 'x', decode(repeat('00', 32), 'hex'), '2026-03-02', 'b', decode(repeat('02', 32), 'hex'), 1, 500, 400)`)
	execute(t, pool, `insert into parked_line (settlement, line, cre_id, account_id, siret, scheme, type,
			gross_cents, commission_cents, label, reason, parked_at)
		select 1, line, 'c' || line, 'a', '1', 'CB', 'SALE', 1, 0, 'x', 'UNKNOWN_CP', now() from generate_series(1, 3) line`)
}

func TestFigures(t *testing.T) {
	t.Parallel()
	pool, registry := pgtest.New(t), registry(t)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	require.NoError(t, telemetry.RegisterFigures(registry, pool, []string{"file", "http"}, func() time.Time { return now }, discard()))

	empty := scrape(t, registry)
	require.Equal(t, "0", empty["reglo_ledger_imbalance_cents"])
	require.Equal(t, "0", empty[`reglo_outbox_lag_events{sink="file"}`])
	require.Equal(t, "0", empty[`reglo_lines_posted_total{file="TRANSACTION"}`])
	require.Equal(t, "0", empty[`reglo_lines_parked{reason="OTHER_SIRET"}`])
	require.Equal(t, "0", empty[`reglo_vacations{kind="vacation-financiere",state="RUNNING"}`])

	fill(t, pool)
	execute(t, pool, `update account set debit_cents = 250 where code = 'BK.REG'`)
	execute(t, pool, `update account set credit_cents = 300 where code = 'EQ.OPEN'`)

	require.Equal(t, "0", scrape(t, registry)[`reglo_lines_posted_total{file="TRANSACTION"}`], "read a moment ago")
	now = now.Add(2 * time.Second)
	soon := scrape(t, registry)
	require.Equal(t, "523", soon[`reglo_lines_posted_total{file="TRANSACTION"}`])
	require.Equal(t, "52", soon[`reglo_outbox_lag_events{sink="file"}`])
	require.Equal(t, "142", soon[`reglo_outbox_lag_events{sink="http"}`], "was told nothing yet")
	for _, state := range []string{"RUNNING", "ENDED", "ENDED_WITH_ERROR"} {
		require.Equal(t, "1", soon[`reglo_vacations{kind="vacation-reglement-transactions",state="`+state+`"}`], state)
	}
	require.Equal(t, "0", soon["reglo_ledger_imbalance_cents"], "read seconds ago")

	now = now.Add(15 * time.Second)
	later := scrape(t, registry)
	require.Equal(t, "-50", later["reglo_ledger_imbalance_cents"])
	require.Equal(t, "3", later[`reglo_lines_parked{reason="UNKNOWN_CP"}`])
	require.Equal(t, "0", later[`reglo_lines_parked{reason="CLOSED_CP"}`])
}

func TestFiguresOfADatabaseThatIsAwayAreMissing(t *testing.T) {
	t.Parallel()
	pool, registry := pgtest.New(t), registry(t)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	require.NoError(t, telemetry.RegisterFigures(registry, pool, nil, func() time.Time { return now }, discard()))
	require.Equal(t, "1", scrape(t, registry)[`reglo_figures_up{figures="ledger"}`])

	pool.Close()
	now = now.Add(time.Hour)
	away := scrape(t, registry)
	require.Equal(t, "0", away[`reglo_figures_up{figures="ledger"}`])
	require.NotContains(t, away, "reglo_ledger_imbalance_cents", "an old figure must not pass for a new one")
	require.Contains(t, away, "go_goroutines", "the others are there")
}

func TestTemporalMetricsAreInTheRegistry(t *testing.T) {
	t.Parallel()
	registry := registry(t)
	metrics, err := telemetry.NewTemporal(registry, discard())
	require.NoError(t, err)
	tagged := metrics.Handler.WithTags(map[string]string{"task_queue": "reglo-data"})
	tagged.Counter("temporal_request").Inc(2)
	tagged.Timer("temporal_request_latency").Record(30 * time.Millisecond)
	got := scrape(t, registry)
	require.Equal(t, "2", got[`temporal_request_total{task_queue="reglo-data"}`])
	require.Equal(t, "0", got[`temporal_request_latency_seconds_bucket{task_queue="reglo-data",le="0.025"}`])
	require.Equal(t, "1", got[`temporal_request_latency_seconds_bucket{task_queue="reglo-data",le="0.05"}`])
	require.NoError(t, metrics.Close(t.Context()))
}

type sink struct{ err error }

func (*sink) Name() string { return "file" }

func (s *sink) Deliver(context.Context, events.Page) error { return s.err }

func TestDeliveriesAreCounted(t *testing.T) {
	t.Parallel()
	registry := registry(t)
	deliveries, err := telemetry.NewDeliveries(registry)
	require.NoError(t, err)
	away := errors.New("away")
	inner := &sink{err: away}
	counted := deliveries.Count(inner)
	page := events.Page{FirstSeq: 11, LastSeq: 20}

	require.ErrorIs(t, counted.Deliver(t.Context(), page), away)
	inner.err = nil
	require.NoError(t, counted.Deliver(t.Context(), page))
	got := scrape(t, registry)
	require.Equal(t, "10", got[`reglo_relay_delivered_events_total{sink="file"}`])
	require.Equal(t, "1", got[`reglo_relay_failures_total{sink="file"}`])
}
