package audit_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/transfer"
)

// TestHowFarBulksAre, by what channel and bank said of them.
func TestHowFarBulksAre(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	s := populate(t, pool)
	s.exec(t, func(tx pgx.Tx) {
		s.run(t, tx, `
insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
select gen_random_uuid(), name, 'PAYOUT', state, (select min(number) from vacation), 1, 100, '2026-07-08', now(), case when attempted then now() end
from (values ('MADE', 'PREPARED', false), ('UNDERWAY', 'PREPARED', true), ('OPEN', 'UNKNOWN', true), ('TAKEN', 'SENT', true),
             ('PENDING', 'SENT', true), ('REPORTED', 'SENT', true), ('PARTLY', 'SENT', true), ('CREDITED', 'SENT', true), ('DEBITED', 'UNKNOWN', true),
             ('EXECUTED', 'EXECUTED', true), ('REFUSED', 'REJECTED', true)) as b (name, state, attempted)`)
		s.run(t, tx, `
insert into bank_report (message_id, bulk, format, status, orders, unknown, file_name, sha256, vacation, read_at)
select b.name || status, b.number, 'pain.002.001.03', status, 0, 0, 'x', sha256(convert_to(b.name || status, 'UTF8')), b.vacation, now()
from bulk b join (values ('PENDING', 'PDNG'), ('REPORTED', 'PDNG'), ('REPORTED', 'ACSP'), ('PARTLY', 'PART'), ('REFUSED', 'ACTC'), ('REFUSED', 'RJCT'))
                 as r (name, status) on r.name = b.name`)
		s.run(t, tx, `
with st as (insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at)
            select 'BK.REG', 900, '2026-07-08', 0, 0, 2, 's', sha256('s'), min(number), now() from vacation returning number)
insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference, operation_type, reason)
select name, number, row_number() over (), 'BK.REG', name, amount, hour, hour + interval '1 hour', hour, 'REMITTANCE', name, '', ''
from st, now() as hour, (values ('DEBITED', -100), ('CREDITED', 100)) as l (name, amount)`)
	})
	bulks, err := audit.Bulks(t.Context(), pool, "")
	require.NoError(t, err)
	got := make(map[string]transfer.Dispatch)
	for _, bulk := range bulks {
		got[bulk.Name] = bulk.Dispatch
	}
	require.Subset(t, got, map[string]transfer.Dispatch{
		"MADE": transfer.DispatchPrepared, "UNDERWAY": transfer.DispatchSent, "OPEN": transfer.DispatchUnknown,
		"TAKEN": transfer.DispatchAccepted, "PENDING": transfer.DispatchAccepted, "REPORTED": transfer.DispatchConfirmed,
		"PARTLY": transfer.DispatchConfirmed, "CREDITED": transfer.DispatchAccepted, "DEBITED": transfer.DispatchConfirmed,
		"EXECUTED": transfer.DispatchConfirmed, "REFUSED": transfer.DispatchRejected,
	})
}
