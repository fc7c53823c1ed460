package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

func TestVerifyProvesWhatTheERPWasTold(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	execute := func(statement string) {
		_, err := pool.Exec(t.Context(), statement)
		require.NoError(t, err)
	}
	execute(`
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		select 'R' || n, 's' || n, 'TRANSACTION', '100', n * 100, 'l', sha256('l'), '2026-03-17' from generate_series(1, 3) n`)
	execute(`
		insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, planned_at,
			state, attempted_at, payload_sha256, settled_at, transaction_id)
		select 'SETTLEMENT', 'R' || n, 1, '998', 'C1', 1, 'card', n * 100, 'RGR:R' || n, '2026-03-17', now(), 'ACCEPTED', now(), sha256('p'), now(),
		       't' || n
		from generate_series(1, 3) n`)
	report, err := audit.Verify(t.Context(), pool)
	require.NoError(t, err)
	require.Empty(t, report.Breaches)

	execute(`update erp_posting set amount_cents = 101 where reference = 'R1'`)
	execute(`update erp_posting set transaction_id = 't2' where reference = 'R3'`)
	execute(`
		insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, planned_at, state)
		values ('PAYOUT', 'nothing', 2, '998', 'N1', 2, 'transfer', 100, 'RGV:nothing/2', '2026-03-17', now(), 'PREPARED')`)
	execute(`
		insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, bank, posting_date,
			planned_at, state, settled_at)
		select 'DEPOSIT', d.name, 1, '998', '', 1, 'deposit', 200, 'RGB:' || d.name, 'BNP', '2026-03-17', now(), d.state,
		       case when d.state = 'INVALID' then now() end
		from (values (1, 'D0', 'INVALID'), (2, 'D1', 'PREPARED'), (3, 'D2', 'PREPARED')) as d (place, name, state) order by d.place`)
	execute(`
		insert into erp_deposit_item (deposit, ordinal, item)
		select d.number, 1, i.number from erp_posting d, erp_posting i where d.kind = 'DEPOSIT' and i.reference = 'R2'`)
	report, err = audit.Verify(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, []audit.Breach{
		{audit.PostingsProved, "posting RGR:R1", "1.01", "1.00 of its settlement"},
		{audit.PostingsProved, "posting RGR:R3", "transaction t2", "not that of posting RGR:R2"},
		{audit.PostingsProved, "posting RGV:nothing/2", "1.00", "a payout"},
		{audit.PostingsProved, "posting RGV:nothing/2", "attempt 2", "an act erp-retry of the attempt before"},
		{audit.PostingsProved, "posting RGB:D2", "item RGR:R2", "in no other deposit than RGB:D1"},
	}, report.Breaches)
}
