package telemetry_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/worker/boot/telemetry"
)

func TestFiguresOfTheERP(t *testing.T) {
	t.Parallel()
	pool, registry := pgtest.New(t), registry(t)
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	require.NoError(t, telemetry.RegisterFigures(registry, pool, nil, func() time.Time { return now }, discard()))
	require.Equal(t, "0", scrape(t, registry)[`reglo_erp_postings{state="UNKNOWN"}`])

	execute(t, pool, `insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date,
			planned_at, state, attempted_at, payload_sha256, settled_at, transaction_id)
		select 'PAYOUT', 'p' || n, 1, '998', 'N1', 2, 'transfer', 1, 'l' || n, '2026-03-02', now(), state, now(), sha256('p'),
		       case when state in ('ACCEPTED', 'REJECTED', 'INVALID') then now() end, case when state = 'ACCEPTED' then 't' else '' end
		from unnest('{ACCEPTED,ACCEPTED,UNKNOWN,PREPARED,REJECTED,INVALID}'::text[]) with ordinality as x (state, n)`)
	execute(t, pool, `insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date,
			planned_at, state)
		select kind, reference, 2, dossier, third_party, direction, means, amount_cents, label || '/2', posting_date, planned_at, 'PREPARED'
		from erp_posting where state = 'REJECTED'`)
	execute(t, pool, `insert into erp_tally values ('POST', 'ACCEPTED', 1, 40), ('POST', 'ACCEPTED', 2, 3), ('FIND', 'ACCEPTED', 1, 1)`)
	now = now.Add(2 * time.Second)
	got := scrape(t, registry)
	for state, want := range map[string]string{"UNKNOWN": "1", "PREPARED": "2", "REJECTED": "0", "INVALID": "1", "SENT": "0"} {
		require.Equal(t, want, got[`reglo_erp_postings{state="`+state+`"}`], state)
	}
	require.NotContains(t, got, `reglo_erp_postings{state="ACCEPTED"}`)
	require.Equal(t, "40", got[`reglo_erp_calls_total{call="POST",class="ACCEPTED",tier="1"}`])
	require.Equal(t, "3", got[`reglo_erp_calls_total{call="POST",class="ACCEPTED",tier="2"}`])
	require.Equal(t, "1", got[`reglo_erp_calls_total{call="FIND",class="ACCEPTED",tier="1"}`])
}
