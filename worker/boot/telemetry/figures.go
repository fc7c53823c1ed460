package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/vacation"
)

// Business figures are read from the database: they survive a restart, they are
// the same whichever worker is asked, and no activity has to count.
const (
	// queryTimeout is well under a scrape's usual ten seconds: a database that is
	// slow must not take the other metrics along.
	queryTimeout = 3 * time.Second
	// shortAge is for what an operator watches while it moves, from tables of a few
	// rows a vacation; several scrapers together cost one reading.
	shortAge = 2 * time.Second
	// longAge is for what reads every account or every parked line.
	longAge = 15 * time.Second
)

// Figures are metrics of one reading of the database.
type Figures struct {
	name    string
	maxAge  time.Duration
	read    func(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error)
	pool    *pgxpool.Pool
	clock   func() time.Time
	log     *slog.Logger
	up      *prometheus.Desc
	mutex   sync.Mutex
	readAt  time.Time
	metrics []prometheus.Metric
}

var _ prometheus.Collector = (*Figures)(nil)

// RegisterFigures puts the business figures into the registry. sinks are the
// names of the sinks whose backlog is watched.
func RegisterFigures(
	registry *prometheus.Registry, pool *pgxpool.Pool, sinks []string, clock func() time.Time, log *slog.Logger,
) error {
	up := description("figures_up", "1 when these figures could be read from the database, 0 when they are missing.", "figures")
	for _, figures := range []*Figures{
		{name: "vacations", maxAge: shortAge, read: readVacations},
		{name: "lines", maxAge: shortAge, read: readLines},
		{name: "outbox", maxAge: shortAge, read: func(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
			return readOutbox(ctx, pool, sinks)
		}},
		{name: "erp", maxAge: shortAge, read: readERP},
		{name: "parked", maxAge: longAge, read: readParked},
		{name: "ledger", maxAge: longAge, read: readLedger},
	} {
		figures.pool, figures.clock, figures.log, figures.up = pool, clock, log, up
		if err := registry.Register(figures); err != nil {
			return fmt.Errorf("register figures of %s: %w", figures.name, err)
		}
	}
	return nil
}

// Describe says nothing: which figures there are shows when they are read.
func (*Figures) Describe(chan<- *prometheus.Desc) {}

// Collect reads the database unless it did so a moment ago. When that fails it
// leaves the figures out, rather than repeat old ones as if they were new.
func (f *Figures) Collect(out chan<- prometheus.Metric) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if now := f.clock(); f.metrics == nil || now.Sub(f.readAt) >= f.maxAge {
		f.metrics, f.readAt = f.refresh(), now
	}
	for _, metric := range f.metrics {
		out <- metric
	}
}

func (f *Figures) refresh() []prometheus.Metric {
	// A collector is told of no context; the scrape's own end is near the timeout.
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	metrics, err := f.read(ctx, f.pool)
	if err != nil {
		f.log.WarnContext(ctx, "figures are missing from the metrics", "figures", f.name, "error", err)
		return []prometheus.Metric{gauge(f.up, 0, f.name)}
	}
	return append(metrics, gauge(f.up, 1, f.name))
}

func readVacations(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
	counts, err := counts(ctx, pool, `select kind || ' ' || state, count(*) from vacation group by kind, state`)
	if err != nil {
		return nil, fmt.Errorf("count vacations: %w", err)
	}
	desc := description("vacations", "Runs of vacations, by kind and state.", "kind", "state")
	var metrics []prometheus.Metric
	for _, kind := range vacation.Kinds() {
		for _, state := range []string{"RUNNING", "ENDED", "ENDED_WITH_ERROR"} {
			metrics = append(metrics, gauge(desc, counts[string(kind)+" "+state], string(kind), state))
		}
	}
	return metrics, nil
}

func readLines(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
	counts, err := counts(ctx, pool, `select kind, sum(posted_lines)::bigint from settlement group by kind`)
	if err != nil {
		return nil, fmt.Errorf("count lines posted: %w", err)
	}
	desc := description("lines_posted_total", "Lines of CRE files that are in the books; its rate is lines a second.", "file")
	return []prometheus.Metric{
		counter(desc, counts["TRANSACTION"], "TRANSACTION"),
		counter(desc, counts["IMPAYE"], "IMPAYE"),
	}, nil
}

func readParked(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
	counts, err := counts(ctx, pool, `select reason, count(*) from parked_line where assigned_to is null group by reason`)
	if err != nil {
		return nil, fmt.Errorf("count parked lines: %w", err)
	}
	desc := description("lines_parked", "Lines that no payment account could take, by reason.", "reason")
	var metrics []prometheus.Metric
	for _, reason := range []part.Reason{part.UnknownCP, part.ClosedCP, part.OtherSiret} {
		metrics = append(metrics, gauge(desc, counts[string(reason)], string(reason)))
	}
	return metrics, nil
}

func readOutbox(ctx context.Context, pool *pgxpool.Pool, sinks []string) ([]prometheus.Metric, error) {
	// A sink that is configured and was never told anything lags by everything;
	// one that was told and is no longer configured still has its place kept.
	counts, err := counts(ctx, pool, `
		select known.sink, coalesce(sum(v.last_seq - coalesce(d.delivered_seq, 0)), 0)::bigint
		from (select unnest($1::text[]) union select sink from delivery) as known (sink)
		left join vacation v on true
		left join delivery d on d.sink = known.sink and d.vacation = v.number
		group by known.sink`, slices.Clone(sinks))
	if err != nil {
		return nil, fmt.Errorf("count events that wait: %w", err)
	}
	desc := description("outbox_lag_events", "Events committed and not delivered yet, by sink.", sinkLabel)
	metrics := make([]prometheus.Metric, 0, len(counts))
	for sink, events := range counts {
		metrics = append(metrics, gauge(desc, events, sink))
	}
	return metrics, nil
}

func readLedger(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
	var cents int64
	err := pool.QueryRow(ctx, `select coalesce(sum(debit_cents) - sum(credit_cents), 0)::bigint from account`).Scan(&cents)
	if err != nil {
		return nil, fmt.Errorf("sum the ledger: %w", err)
	}
	desc := description("ledger_imbalance_cents", "All debits less all credits, in cents. Anything but 0 is an alarm.")
	return []prometheus.Metric{gauge(desc, cents)}, nil
}

// counts reads rows of a name and a number.
func counts(ctx context.Context, pool *pgxpool.Pool, query string, arguments ...any) (map[string]int64, error) {
	rows, err := pool.Query(ctx, query, arguments...)
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the callers, who know what they count
	}
	result := make(map[string]int64)
	var name string
	var number int64
	_, err = pgx.ForEachRow(rows, []any{&name, &number}, func() error {
		result[name] = number
		return nil
	})
	return result, err //nolint:wrapcheck // wrapped by the callers, who know what they count
}

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

func gauge(desc *prometheus.Desc, value int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
}

func counter(desc *prometheus.Desc, value int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
}
