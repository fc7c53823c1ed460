package telemetry

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/reglo/reglo/activities/erp"
)

// readERP reads where the postings to the ERP stand, and how the calls to it came
// out. Replies that had to be repaired or scanned (tiers 2 and 3) are a matter for
// whoever looks after the ERP.
func readERP(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
	// What was accepted is the most of them: it is counted as calls, and the two
	// halves of this have an index each.
	states, err := counts(ctx, pool, `
		select state, count(*) from erp_posting where state in ('PREPARED', 'SENT') group by state
		union all
		select p.state, count(*) from erp_posting p
		where p.state in ('ACCEPTED_WITHOUT_ID', 'REJECTED', 'INVALID', 'UNKNOWN')
		  and (p.state not in ('REJECTED', 'INVALID') or not exists
		       (select from erp_posting n where n.kind = p.kind and n.reference = p.reference and n.attempt > p.attempt))
		group by p.state`)
	if err != nil {
		return nil, fmt.Errorf("count postings to the ERP: %w", err)
	}
	desc := description("erp_postings",
		"Postings to the ERP that are not over, by state; what was refused until it is attempted anew.", "state")
	var metrics []prometheus.Metric
	for _, state := range erp.States() {
		if state != erp.Accepted {
			metrics = append(metrics, gauge(desc, states[string(state)], string(state)))
		}
	}
	called, err := readERPCalls(ctx, pool)
	return append(metrics, called...), err
}

func readERPCalls(ctx context.Context, pool *pgxpool.Pool) ([]prometheus.Metric, error) {
	rows, err := pool.Query(ctx, `select what, class, tier, calls from erp_tally`)
	if err != nil {
		return nil, fmt.Errorf("count calls to the ERP: %w", err)
	}
	desc := description("erp_calls_total",
		"Calls to the ERP by what for, how they came out, and how the reply could be read: 1 strictly, 2 repaired, 3 scanned, 0 not.",
		"call", "class", "tier")
	var metrics []prometheus.Metric
	var what, class string
	var tier int
	var calls int64
	_, err = pgx.ForEachRow(rows, []any{&what, &class, &tier, &calls}, func() error {
		metrics = append(metrics, counter(desc, calls, what, class, strconv.Itoa(tier)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count calls to the ERP: %w", err)
	}
	return metrics, nil
}
