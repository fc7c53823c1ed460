package pgtest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Dump is what a database means, as text, one line a fact in a fixed order: two
// runs that did the same have the same dump, byte for byte. What each run draws
// anew is masked (uuids, references of orders, what the clock said), numbers of
// rows are left out, and how far sinks were told is not looked at.
//
// A dump has a line for each entry, creId and event. Compare dumps by [Same].
func Dump(t testing.TB, pool *pgxpool.Pool) string {
	t.Helper()
	ctx := context.Background()
	var dump strings.Builder
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error {
		for _, section := range sections() {
			rows, err := tx.Query(ctx, section.query)
			if err != nil {
				return fmt.Errorf("dump of %s: %w", section.name, err)
			}
			facts, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return fmt.Errorf("dump of %s: %w", section.name, err)
			}
			for i := range facts {
				facts[i] = section.name + " " + mask(facts[i])
			}
			if section.unordered {
				slices.Sort(facts)
			}
			for _, fact := range facts {
				dump.WriteString(fact + "\n")
			}
		}
		return nil
	})
	require.NoError(t, err)
	return dump.String()
}

// Same fails the test where two dumps differ, and shows the first differences
// only: dumps are long.
func Same(t testing.TB, want, got string, about ...any) {
	t.Helper()
	if want == got {
		return
	}
	const shown = 10
	missing, added := only(want, got), only(got, want)
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "the databases differ: %d facts are missing, %d are too many (none of both: their order differs)",
		len(missing), len(added))
	for _, fact := range missing[:min(shown, len(missing))] {
		_, _ = fmt.Fprintf(&text, "\n- %s", fact)
	}
	for _, fact := range added[:min(shown, len(added))] {
		_, _ = fmt.Fprintf(&text, "\n+ %s", fact)
	}
	require.Fail(t, text.String(), about...)
}

// only gives the lines of a that b lacks, as often as it lacks them.
func only(a, b string) []string {
	counts := make(map[string]int)
	for line := range strings.Lines(b) {
		counts[line]++
	}
	var lacking []string
	for line := range strings.Lines(a) {
		counts[line]--
		if counts[line] < 0 {
			lacking = append(lacking, strings.TrimSuffix(line, "\n"))
		}
	}
	return lacking
}

// mask hides what each run draws anew.
func mask(fact string) string {
	for _, drawn := range dumpMasks {
		if slices.ContainsFunc(drawn.near, func(word string) bool { return strings.Contains(fact, word) }) {
			fact = drawn.pattern.ReplaceAllString(fact, drawn.by)
		}
	}
	return fact
}

// masked is a pattern and one of the words that a fact has wherever it may
// stand: few facts have one, and patterns are slow under the race detector.
type masked struct {
	near    []string
	pattern *regexp.Regexp
	by      string
}

//nolint:gochecknoglobals // compiled once
var dumpMasks = []masked{
	{orders(), regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{13}`), "<refExterne>"},
	{orders(), regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "<uuid>"},
	// Labels that carry the hour of the run; those of lines are the file's.
	{[]string{"COMCO", "COUVERTURE"}, regexp.MustCompile(`(COMCO {3}[A-Z]+|COUVERTURE CREANCE )\d\d:\d\d:\d\d`), "$1<hour>"},
	// The report of a refusal stands in a folder of the test's own.
	{failures(), regexp.MustCompile(`/\S*/`), "<folder>/"},
	{failures(), regexp.MustCompile(`\.run\d+\.refused`), ".run<n>.refused"},
}

func orders() []string   { return []string{"TR.INT.", "refExterne"} }
func failures() []string { return []string{"ENDED_WITH_ERROR", "end-with-error"} }

type section struct {
	name  string
	query string
	// unordered facts can only be ordered once they are masked.
	unordered bool
}

// sections in the order of the dump. Each query gives one text a fact.
func sections() []section {
	const instant = `'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"', '"<instant>"', 'g'`
	return []section{
		{name: "account", unordered: true, query: `
			select concat_ws(' ', code, class, 'debit', debit_cents, 'credit', credit_cents) from account`},
		{name: "vacation", query: `
			select concat_ws(' ', v.kind || '/' || v.key, 'run', v.run, v.business_date, encode(v.parameters_sha256, 'hex'),
			       v.state, 'events', v.last_seq, 'follows ' || f.run, v.failure_code, v.failure_step, v.failure_message)
			from vacation v left join vacation f on f.correlation_id = v.follows
			order by v.kind, v.key, v.run`},
		{name: "settlement", query: `
			select concat_ws(' ', reference, scope, kind, operation_type, amount_cents, encode(bank_line_sha256, 'hex'), value_date,
			       'file', file_name, encode(file_sha256, 'hex'), file_bytes, 'lines', line_count, 'gross', gross_cents,
			       'commission', commission_cents, 'snapshot', snapshot, 'posted', posted_lines, 'shortfall', shortfall_cents,
			       'of', short_cps, 'taken', taken_cents, case when settled_at is null then 'open' else 'settled' end)
			from settlement order by reference`},
		{name: "part", query: `
			select concat_ws(' ', s.reference, p.part, 'sales', p.sales, p.sales_cents, 'others', p.others, p.others_cents,
			       'commissions', p.commission_cents)
			from settlement_part p join settlement s on s.number = p.settlement order by s.reference, p.part`},
		{name: "creId", query: `
			select concat_ws(' ', c.cre_id, s.reference, 'line', c.line, 'part', c.part)
			from cre_line c join settlement s on s.number = c.settlement order by c.cre_id`},
		{name: "parked", query: `
			select concat_ws(' ', s.reference, 'line', p.line, p.cre_id, p.account_id, p.siret, p.scheme, p.type, p.gross_cents,
			       p.commission_cents, p.reason, p.label)
			from parked_line p join settlement s on s.number = p.settlement order by s.reference, p.line`},
		{name: "batch", query: `
			select concat_ws(' ', b.scope, b.step, b.item, 'run ' || v.run, encode(b.input_sha256, 'hex'))
			from batch b left join vacation v on v.number = b.vacation order by b.scope, b.step, b.item`},
		// The hour of a line is the file's, its day too; an order's are the clock's.
		{name: "entry", query: `
			select concat_ws(' ', b.scope, b.step, b.item, e.ordinal, e.kind, 'Dr', d.code, 'Cr', c.code, e.amount_cents,
			       'line ' || e.line, case when e.line is not null then e.transaction_at at time zone 'UTC' end,
			       case when b.step not in ('cover', 'open') then e.value_date end, e.label)
			from entry e
			join batch b on b.id = e.batch
			join account d on d.id = e.debit
			join account c on c.id = e.credit
			order by b.scope, b.step, b.item, e.ordinal`},
		{name: "debt", query: `
			select concat_ws(' ', siret, 'initial', initial_cents, 'remaining', remaining_cents,
			       case when modified_at is null then 'never modified' else 'modified' end)
			from debt order by siret, created_at`},
		{name: "order", query: `
			select concat_ws(' ', b.scope, b.step, b.item, o.purpose, o.state, 'from', d.code, 'to', c.code, o.amount_cents,
			       case when o.purpose <> 'COVER' then o.due_date end, o.info, 'refExterne ' || o.ref_externe)
			from transfer_order o
			join batch b on b.id = o.batch
			join account d on d.id = o.debtor
			join account c on c.id = o.creditor
			order by b.scope, b.step, b.item`},
		{name: "rendered", query: `
			select concat_ws(' ', v.kind || '/' || v.key, 'run', v.run, 'events', e.first_seq, 'to', e.last_seq,
			       'of which', e.rendered, 'from ' || b.step || ' ' || b.item)
			from event_block e
			join vacation v on v.number = e.vacation
			left join batch b on b.id = e.batch
			order by v.kind, v.key, v.run, e.first_seq`},
		{name: "event", query: `
			select concat_ws(' ', v.kind || '/' || v.key, 'run', v.run, e.seq, e.type,
			       case when e.type like 'start-%' then e.params
			            when e.params like '%COUVERTURE%'
			            then regexp_replace(regexp_replace(e.params, ` + instant + `), '"echeance":"[^"]*"', '"echeance":"<day>"')
			            else regexp_replace(e.params, ` + instant + `) end)
			from event e join vacation v on v.number = e.vacation
			order by v.kind, v.key, v.run, e.seq`},
	}
}
