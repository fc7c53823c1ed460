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
		`insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at)
		 select gen_random_uuid(), 'MONEXTEUR1', 'PAYOUT', 'PREPARED', number, 1, 5, '2026-03-17', now() from vacation`,
		`insert into bulk_series values ('MONEXTEUR', '2026-03-17', 1)`,
		`insert into payline_file (scope, sequence, file_name, file_date, sha256, movements, transfers, sum_cents, received_at)
		 values ('s', 1, 'Payline.1', '2026-03-17', sha256('x'), 0, 1, 5, now())`,
		`insert into payline_line (file, line, kind, end_to_end_id, operation_code, debtor_cp, creditor_cp, debtor_iban, creditor_name,
		 creditor_bic, creditor_iban, amount_cents, currency, label, control_code)
		 select number, 2, 'TRANSFER', 'E2E', '', 'cp', '', 'iban', 'name', 'bic', 'iban', 5, 'EUR', 'label', '' from payline_file`,
		`insert into payline_id select 'E2E', number, 2 from payline_file`,
		`insert into payout (scope, source, payline_file, payline_line, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic,
		 debtor_iban, creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state)
		 select 's', 'PAYLINE', number, 2, 'r', 'E2E', 'cp', 1, 'n', 'b', 'i', 'n', 'b', 'i', 5, 9, '2026-03-17', 'info', now(), 'REQUESTED'
		 from payline_file`,
		`insert into payout_hold values ('cp', now(), 'twice')`,
		`insert into sweep values ('s', 'plan', '7')`,
		`insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at)
		 select 'BK.REG', 1, '2026-03-17', 0, 5, 1, 'statement', sha256('x'), number, now() from vacation`,
		`insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference,
		 operation_type) select 'L', number, 1, 'BK.REG', 'label', 5, '2026-03-17', '2026-03-17', '2026-03-17', 'UNKNOWN', '', '' from statement`,
		`insert into bank_reject select s.number, 1, 'E2E', 5, 'AC04', p.number from settlement s, payout p`,
		`insert into safeguarding select '2026-03-17', number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, now() from vacation`,
		`insert into day values ('2026-03-17', '', sha256('x'), 'w', now())`,
		`insert into operator_act (act, subject, answer_id, actor, reason, before, after, acted_at)
		 values ('approve', 's', 'a', 'bruno', 'why', 'b', 'a', now())`,

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
		`update vacation set totals = '{"paid": 1}'`,
		`update debt set looked_at_by = 's'`,
		`update parked_line set assigned_to = 'cp', assigned_batch = (select id from batch)`,
		`update transfer_order set bulk = (select number from bulk)`,
		`update transfer_order set debit_line = 'L'`,
		`update transfer_order set credit_line = 'M'`,
		`update bulk set state = 'SENT', attempted_at = now()`,
		`update bulk set settled_at = now()`,
		`update bulk_series set last = 2`,
		`update payline_file set answered_at = now()`,
		`update payline_line set outcome = 'ACCP'`,
		`update payline_id set line = 3`,
		`update payout set state = 'PREPARED', batch = (select id from batch)`,
		`update payout set bulk = (select number from bulk)`,
		`update payout set debit_line = 'L'`,
		`update payout set settled_at = now()`,
		`update payout_hold set released_at = now()`,
		`update sweep set done = true`,
		`update statement set closing_cents = 6`,
		`update bank_line set batch = (select id from batch)`,
		`update bank_reject set code = 'AC01'`,
		`update safeguarding set left_today_cents = 7`,
		`update day set outcome = 'ended'`,
		`update operator_act set actor = 'chloe'`,
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
		`update payout set ref_externe = gen_random_uuid() || '-1578407231973', requested_at = now() + interval '1 hour'`,
		`update payout_hold set since = now() + interval '1 hour'`,
		`update bulk set bulk_id = gen_random_uuid(), attempted_at = now() + interval '1 hour'`,
		`update operator_act set answer_id = 'another', acted_at = now() + interval '1 hour'`,
		`update day set started_at = now() + interval '1 hour', workflow_run = 'another'`,
	} {
		_, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
	_, err := pool.Exec(t.Context(), `update transfer_order set ref_externe = 'r'`)
	require.NoError(t, err)
	pgtest.Same(t, dump, pgtest.Dump(t, pool))
}
