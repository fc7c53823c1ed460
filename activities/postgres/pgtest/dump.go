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
	{
		hours(),
		regexp.MustCompile(`(COMCO {3}[A-Z]+|(?:COUVERTURE|RECOUV) CREANCE |CANTONNEMENT |VIREMENT |TRANS |REJET VIR \w+ )\d\d:\d\d:\d\d`),
		"$1<hour>",
	},
	// The report of a refusal stands in a folder of the test's own.
	{failures(), regexp.MustCompile(`/\S*/`), "<folder>/"},
	{failures(), regexp.MustCompile(`\.run\d+\.refused`), ".run<n>.refused"},
}

func orders() []string {
	return []string{"TR.INT.", "TR.OUT.", "refExterne", "correlationId", "validate-cashout", "answers "}
}

func hours() []string {
	return []string{"COMCO", "CREANCE", "CANTONNEMENT", "VIREMENT", "TRANS ", "REJET VIR"}
}
func failures() []string { return []string{"ENDED_WITH_ERROR", "end-with-error"} }

type section struct {
	name  string
	query string
	// unordered facts can only be ordered once they are masked.
	unordered bool
}

// sections in the order of the dump. Each query gives one text a fact.
func sections() []section {
	return slices.Concat(booksSections(), daySections(), eventSections())
}

// booksSections are accounts, sessions, files of lines, and the journal.
func booksSections() []section {
	return []section{
		{name: "account", unordered: true, query: `
			select concat_ws(' ', code, class, 'debit', debit_cents, 'credit', credit_cents) from account`},
		// Financière is started with the path of a folder, which is of the test's own.
		{name: "vacation", query: `
			select concat_ws(' ', v.kind || '/' || v.key, 'run', v.run, v.business_date,
			       case when v.kind <> 'vacation-financiere' then encode(v.parameters_sha256, 'hex') end,
			       v.state, 'events', v.last_seq, 'follows ' || f.run, v.failure_code, v.failure_step, v.failure_message,
			       'totals ' || v.totals::text)
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
			       p.commission_cents, p.reason, p.label, 'assigned to ' || p.assigned_to)
			from parked_line p join settlement s on s.number = p.settlement order by s.reference, p.line`},
		// What is posted of payouts is hashed with their references.
		{name: "batch", query: `
			select concat_ws(' ', b.scope, b.step, b.item, 'run ' || v.run,
			       case when b.step <> 'post-payouts' then encode(b.input_sha256, 'hex') end)
			from batch b left join vacation v on v.number = b.vacation order by b.scope, b.step, b.item`},
		// The hour of a line is the file's, its day too; an order's are the clock's.
		{name: "entry", query: `
			select concat_ws(' ', b.scope, b.step, b.item, e.ordinal, e.kind, 'Dr', d.code, 'Cr', c.code, e.amount_cents,
			       'line ' || e.line,
			       case when e.line is not null and b.step <> 'move-payline' then e.transaction_at at time zone 'UTC' end,
			       case when b.step not in ('cover', 'open') then e.value_date end, e.label)
			from entry e
			join batch b on b.id = e.batch
			join account d on d.id = e.debit
			join account c on c.id = e.credit
			order by b.scope, b.step, b.item, e.ordinal`},
		{name: "debt", query: `
			select concat_ws(' ', siret, 'initial', initial_cents, 'remaining', remaining_cents,
			       case when modified_at is null then 'never modified' else 'modified' end, 'looked at by ' || nullif(looked_at_by, ''))
			from debt order by siret, created_at`},
		{name: "order", query: `
			select concat_ws(' ', b.scope, b.step, b.item, o.purpose, o.state, 'from', d.code, 'to', c.code, o.amount_cents,
			       case when o.purpose <> 'COVER' then o.due_date end, o.info, 'refExterne ' || o.ref_externe, 'in ' || k.name,
			       'debited by ' || o.debit_line, 'credited by ' || o.credit_line)
			from transfer_order o
			join batch b on b.id = o.batch
			left join bulk k on k.number = o.bulk
			join account d on d.id = o.debtor
			join account c on c.id = o.creditor
			order by b.scope, b.step, b.item`},
	}
}

// daySections are payouts, the bank, Payline, and operators. Numbers of payouts
// and positions of sweeps have gaps where a transaction was rolled back.
func daySections() []section {
	return slices.Concat([]section{
		{name: "bulk", query: `
			select concat_ws(' ', k.name, k.purpose, k.state, 'of ' || v.kind || '/' || v.key, 'orders', k.orders, k.amount_cents,
			       k.due_date, case when k.attempted_at is not null then 'attempted' end,
			       case when k.settled_at is not null then 'settled' end, k.detail)
			from bulk k join vacation v on v.number = k.vacation order by k.name`},
		{name: "bulks", query: `select concat_ws(' ', prefix, day, last) from bulk_series order by prefix, day`},
		{name: "payout", query: `
			select concat_ws(' ', p.end_to_end_id, p.scope, p.source, f.file_name, 'line ' || p.payline_line, p.account_id, a.code,
			       p.debtor_name, p.debtor_bic, p.debtor_iban, p.creditor_name, p.creditor_bic, p.creditor_iban, p.amount_cents,
			       'ceiling', p.ceiling_cents, p.due_date, p.info, p.state, p.reason, 'by ' || nullif(p.validator, ''),
			       b.step || ' ' || b.item, 'in ' || k.name, 'debited by ' || p.debit_line, 'returned by ' || p.reject_line,
			       case when p.settled_at is not null then 'settled' end)
			from payout p
			join account a on a.id = p.account
			left join payline_file f on f.number = p.payline_file
			left join batch b on b.id = p.batch
			left join bulk k on k.number = p.bulk
			order by p.end_to_end_id, p.scope, p.account_id`},
		{name: "hold", query: `
			select concat_ws(' ', account_id, reason, case when released_at is not null then 'released' end)
			from payout_hold order by account_id, since`},
		{name: "sweep", query: `select concat_ws(' ', scope, step, done, count, cents) from sweep order by scope, step`},
		{name: "safeguarding", query: `
			select concat_ws(' ', s.date, v.key, 'CPs', s.payment_accounts_cents, 'parked', s.parked_cents, 'payouts', s.payouts_cents,
			       'rejects', s.rejects_cents, 'règlement', s.reglement_cents, 'cantonnement', s.cantonnement_cents,
			       'transit', s.transit_cents, 'to clear', s.to_clear_cents, 'covers', s.covers_cents, 'left today', s.left_today_cents,
			       'due', s.cantonnement_due_cents, 'to cantonnement', s.to_cantonnement_cents)
			from safeguarding s join vacation v on v.number = s.vacation order by s.date`},
		{name: "day", query: `
			select concat_ws(' ', date, run, case when ended_at is not null then 'ended' end, outcome) from day order by date, run`},
		{name: "act", unordered: true, query: `
			select concat_ws(' ', o.act, 'answers ' || o.subject, 'by', o.actor, 'because', o.reason,
			       o.before, o.after, 'in ' || v.kind || '/' || v.key)
			from operator_act o left join vacation v on v.number = o.vacation`},
	}, paylineSections(), bankSections())
}

func paylineSections() []section {
	return []section{
		{name: "payline", query: `
			select concat_ws(' ', file_name, scope, sequence, file_date, encode(sha256, 'hex'), 'movements', movements,
			       'transfers', transfers, sum_cents, 'refused ' || nullif(refused, ''),
			       case when answered_at is not null then 'answered' end)
			from payline_file order by scope, sha256`},
		{name: "request", query: `
			select concat_ws(' ', f.file_name, l.line, l.kind, l.end_to_end_id, case when l.seen then 'seen' end, l.operation_code,
			       l.debtor_cp, l.creditor_cp, l.debtor_iban, l.creditor_name, l.creditor_bic, l.creditor_iban, l.amount_cents, l.currency,
			       l.label, l.exec_date, l.control_code, coalesce(l.outcome, 'open'), l.reject_code)
			from payline_line l join payline_file f on f.number = l.file order by f.scope, f.sha256, l.line`},
		{name: "endToEndId", query: `
			select concat_ws(' ', i.end_to_end_id, f.file_name, 'line', i.line)
			from payline_id i join payline_file f on f.number = i.file order by i.end_to_end_id`},
	}
}

// bankSections are of what the bank says. The hashes of its files are left out: they
// name our bulks by their uuids, which two plays do not share.
func bankSections() []section {
	return []section{
		{name: "statement", query: `
			select concat_ws(' ', s.account, s.sequence, s.date, 'from', s.opening_cents, 'to', s.closing_cents, 'lines', s.lines,
			       s.format, s.bank_number, s.ordinal, s.file_name, 'read by ' || v.kind || '/' || v.key)
			from statement s join vacation v on v.number = s.vacation order by s.account, s.sequence`},
		{name: "bank", query: `
			select concat_ws(' ', l.id, s.account, s.sequence, l.ordinal, l.label, l.amount_cents, l.booked_at at time zone 'UTC',
			       l.value_at at time zone 'UTC', l.class, l.reference, l.operation_type, l.reason, 'for ' || nullif(l.scope, ''),
			       coalesce(b.step || ' ' || b.item, 'not booked'))
			from bank_line l
			join statement s on s.number = l.statement
			left join batch b on b.id = l.batch
			order by l.id`},
		{name: "detail", query: `
			select concat_ws(' ', line, ordinal, end_to_end_id, amount_cents, code) from bank_line_detail order by line, ordinal`},
		{name: "report", query: `
			select concat_ws(' ', b.name, r.format, r.status, r.reason, r.orders, 'orders', r.unknown, 'unknown',
			       'read by ' || v.kind || '/' || v.key)
			from bank_report r
			join bulk b on b.number = r.bulk
			join vacation v on v.number = r.vacation
			order by b.name, r.status`},
		{name: "refused", query: `
			select concat_ws(' ', b.name, p.end_to_end_id, r.code)
			from payout_refusal r
			join payout p on p.number = r.payout
			join bulk b on b.number = r.bulk
			order by b.name, p.end_to_end_id`},
		{name: "returned", query: `
			select concat_ws(' ', s.reference, r.line, r.end_to_end_id, r.amount_cents, r.code, 'of ' || p.account_id)
			from bank_reject r
			join settlement s on s.number = r.settlement
			left join payout p on p.number = r.payout
			order by s.reference, r.line`},
	}
}

func eventSections() []section {
	const instant = `'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^"]*"', '"<instant>"', 'g'`
	return []section{
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
