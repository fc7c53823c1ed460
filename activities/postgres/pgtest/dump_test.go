package pgtest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
)

// TestADumpShowsEachChange fills every table, then changes a fact of each.
func TestADumpShowsEachChange(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	dump := pgtest.Dump(t, pool)
	for _, statement := range []string{
		`insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		 values ('vacation-creances', 'k', 1, gen_random_uuid(), '2026-03-17', sha256('x'), 'w', 'RUNNING', now())`,
		`insert into batch (vacation, scope, step, item, input_sha256, posted_at) select number, 's', 'post', 0, sha256('x'), now() from vacation`,
		`insert into entry select b.id, 5, now(), 0, 1, 2, 7, '2026-03-17', 'SALE', 'label' from batch b`,
		`insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		 values ('R', 's', 'TRANSACTION', '100', 5, 'line', sha256('x'), '2026-03-17')`,
		`insert into settlement_part select number, 1, 1, 5, 0, 0, 1, sha256(''), sha256('') from settlement`,
		`insert into cre_line select 'CRE', number, 7, 1 from settlement`,
		`insert into parked_line select number, 7, 'CRE', 'a', 's', 'CB', 'VENTE', 5, 1, 'label', 'UNKNOWN_CP', now() from settlement`,
		`insert into debt values ('siret', now(), 5, 5)`,
		`insert into transfer_order (batch, ref_externe, bulk_id, purpose, state, debtor, creditor, amount_cents, due_date, info, created_at)
		 select id, 'r', gen_random_uuid(), 'REVENUE', 'PREPARED', 1, 2, 5, '2026-03-17', 'info', now() from batch`,
		`insert into event_block (vacation, first_seq, last_seq, environment, node, instant)
		 select number, 1, 2, 'I', 1, date_trunc('milliseconds', now()) from vacation`,
		`insert into event select number, 1, 'register-debt', '["p"]' from vacation`,

		`update account set credit_cents = 5 where code = 'PL.COM'`,
		`update vacation set last_seq = 2`,
		`update batch set item = 1`,
		`update entry set amount_cents = 6`,
		`update entry set credit = 3`,
		`update entry set line = null`,
		`update settlement set taken_cents = 1`,
		`update settlement set settled_at = now()`,
		`update settlement_part set commission_cents = 2`,
		`update cre_line set line = 8`,
		`update parked_line set gross_cents = 6`,
		`update debt set remaining_cents = 4`,
		`update debt set modified_at = now()`,
		`update transfer_order set due_date = '2026-03-18'`,
		`update event_block set last_seq = 3`,
		`update event set params = '["q"]'`,
		`delete from event`,
	} {
		tag, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
		require.EqualValues(t, 1, tag.RowsAffected(), statement)
		changed := pgtest.Dump(t, pool)
		require.NotEqual(t, dump, changed, statement)
		dump = changed
	}
	// What each run draws anew is no difference.
	for _, statement := range []string{
		`update vacation set correlation_id = gen_random_uuid(), started_at = now() + interval '1 hour', workflow_run = 'another'`,
		`update batch set posted_at = now() + interval '1 hour'`,
		`update transfer_order set bulk_id = gen_random_uuid(), ref_externe = gen_random_uuid() || '-1578407231973'`,
		`update event_block set instant = instant + interval '1 hour', node = 2`,
	} {
		_, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	_, err := pool.Exec(t.Context(), `update transfer_order set ref_externe = 'r'`)
	require.NoError(t, err)
	pgtest.Same(t, dump, pgtest.Dump(t, pool))
}
