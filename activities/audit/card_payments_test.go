package audit_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

const (
	cardOrder = "TS2026-20260708-00000000007-2"
	cardUUID  = "1c8356b0e24442b2acc579cf1ae4d814"
	cardCRE   = "CRE-OF-THE-CARD"
)

// pay adds a card payment, its form, what was told of it, the posting and, of the
// settlement, the line that settles it.
func pay(t testing.TB, pool *pgxpool.Pool, s *session) {
	t.Helper()
	for _, query := range []string{
		`insert into payment_counter values ('12345678', 'TEST', '2026-07-07', 7)`,
		`insert into payment_form (number, shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, invoice_prefix,
		                           invoice_piece, shown_at)
		 overriding system value values (5, 'boutique', '12345678', 'TEST', '2026-07-07', '000007', @order, 1000, '978', 'SINGLE', 'FA', '1001',
		                                 '2026-07-07 09:00Z')`,
		`insert into payment (number, key, shop, site_id, mode, order_id, form, operation, sequence, customer, state, status, class, amount_units,
		                      currency, paid_at, first_at, changed_at, matched)
		 overriding system value values (17, '12345678:TEST:' || @uuid, 'boutique', '12345678', 'TEST', @order, 5, 'DEBIT', 1, '77', 'CAPTURED',
		                                 'CAPTURED', 'PAID', 1000, '978', '2026-07-07 09:01Z', '2026-07-07 09:01Z', '2026-07-07 09:01Z', true)`,
		`insert into payment_notification (shop, peer, received_at, outcome, level, reason, sha256, event_key, payment, order_id, customer, status,
		                                   fields, repeats)
		 values ('boutique', '194.50.38.7', '2026-07-07 09:01Z', 'ACCEPTED', 'INFO', '', sha256('1'), 'k1', 17, @order, '77', 'AUTHORISED',
		         '{"vads_cust_last_name": "MARTIN"}', 0),
		        ('boutique', '194.50.38.7', '2026-07-07 21:00Z', 'ACCEPTED', 'INFO', 'captured', sha256('2'), 'k2', 17, @order, '77', 'CAPTURED',
		         '{}', 2)`,
		`insert into cre_line (cre_id, settlement, line, part) values (@cre, @settlement, 1, 1) on conflict do nothing`,
		`insert into payment_line (settlement, line, cre_id, contract, amount_cents, transaction_at, acquirer_ref, label, matched)
		 values (@settlement, 1, @cre, '1234567', 1000, '2026-07-07 09:01Z', '', 'FR7630006000011234567890189', true)`,
		`insert into payment_match (payment, settlement, line, rule, actor, matched_at)
		 values (17, @settlement, 1, 'operator', 'alice', '2026-07-08 09:00Z')`,
		`insert into operator_act (act, subject, answer_id, actor, reason, before, after, acted_at)
		 values ('match-payment', 'payment 17, line 1 of ' || @reference, 'x', 'alice', 'same hour', 'alone', 'together', '2026-07-08 09:00Z'),
		        ('match-payment', 'payment 177, line 1 of ' || @reference, 'y', 'alice', 'of another', 'alone', 'together', '2026-07-08 09:00Z')`,
		`insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, planned_at,
		                          state)
		 values ('PAYMENT', '12345678:TEST:' || @uuid, 1, '998', 'C0000007', 1, 'card', 1000, 'RGC:card', '2026-07-07', '2026-07-07 09:02Z', 'PREPARED')`,
	} {
		arguments := pgx.NamedArgs{}
		for name, value := range map[string]any{
			"order": cardOrder, "uuid": cardUUID, "cre": cardCRE, "settlement": s.settlement, "reference": s.reference,
		} {
			if strings.Contains(query, "@"+name) {
				arguments[name] = value
			}
		}
		_, err := pool.Exec(t.Context(), query, arguments)
		require.NoError(t, err, query)
	}
}

// items are the trail's things of a section.
func items(trail *audit.Trail, section string) []string {
	var list []string
	for _, one := range trail.Sections {
		for i := range one.Items {
			if one.Name == section {
				list = append(list, one.Items[i].Kind+" "+one.Items[i].ID+" "+one.Items[i].State+" "+one.Items[i].Detail)
			}
		}
	}
	return list
}

func TestTraceOfACardPayment(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	openBooks(t, pool)
	s := open(t, pool, "00000120260708UEP", 30)
	pay(t, pool, s)
	want := []string{
		"FORM " + cardOrder + " SHOWN form 5 of shop boutique, transaction 000007 of 2026-07-07, SINGLE, invoice FA1001",
		"NOTIFICATION 1 ACCEPTED payment 17 AUTHORISED",
		"NOTIFICATION 2 ACCEPTED payment 17 CAPTURED, came 3 times: captured",
		"PAYMENT " + cardOrder + " CAPTURED payment 17, transaction 12345678:TEST:" + cardUUID + ", DEBIT, PAID",
		"LINE " + cardCRE + " MATCHED line 1 of 00000120260708UEP settles payment 17, by operator alice",
		"POSTING RGC:card PREPARED posting 1 to the ERP",
	}
	for id, recognized := range map[string]audit.Recognized{
		cardOrder: audit.CardOrder, cardUUID: audit.CardPayment, strings.ToUpper(cardUUID): audit.CardPayment,
		"12345678:TEST:" + cardUUID: audit.CardPayment,
	} {
		trail, err := audit.Trace(t.Context(), pool, id)
		require.NoError(t, err, id)
		require.Equal(t, recognized, trail.Recognized)
		require.Equal(t, want, items(&trail, audit.SectionPayments), id)
		require.Len(t, items(&trail, audit.SectionVacations), 1, "the settlement's")
		require.Equal(t, []string{"match-payment payment 17, line 1 of 00000120260708UEP alice alone → together: same hour"},
			items(&trail, audit.SectionActs))
	}
	require.Empty(t, brokenMatches(t, pool))
	for _, spoiled := range []string{
		`update payment set matched = false`, `update payment_line set matched = false`,
		`update operator_act set actor = 'bruno' where answer_id = 'x'`,
	} {
		_, err := pool.Exec(t.Context(), spoiled)
		require.NoError(t, err)
		require.NotEmpty(t, brokenMatches(t, pool), spoiled)
		_, err = pool.Exec(t.Context(), `update payment set matched = true; update payment_line set matched = true;
			update operator_act set actor = 'alice'`)
		require.NoError(t, err)
	}
	trail, err := audit.Trace(t.Context(), pool, cardCRE)
	require.NoError(t, err)
	require.Equal(t, audit.CreID, trail.Recognized)
	require.Equal(t, want, items(&trail, audit.SectionPayments))

	trail, err = audit.Trace(t.Context(), pool, s.reference)
	require.NoError(t, err)
	require.Empty(t, items(&trail, audit.SectionPayments), "a settlement may have a million")
}

// brokenMatches are the breaches that a check of matches finds.
func brokenMatches(t testing.TB, pool *pgxpool.Pool) []audit.Breach {
	t.Helper()
	report, err := audit.Verify(t.Context(), pool)
	require.NoError(t, err)
	var found []audit.Breach
	for _, breach := range report.Breaches {
		if breach.Invariant == audit.PaymentsMatched {
			found = append(found, breach)
		}
	}
	return found
}

func TestTraceOfAFormAlone(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `
		insert into payment_form (shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, shown_at)
		values ('boutique', '12345678', 'TEST', '2026-07-07', '000007', 'LEFT-1', 1000, '840', 'SINGLE', '2026-07-07 09:00Z')`)
	require.NoError(t, err)
	trail, err := audit.Trace(t.Context(), pool, "LEFT-1")
	require.NoError(t, err)
	require.Equal(t, []string{"FORM LEFT-1 SHOWN form 1 of shop boutique, transaction 000007 of 2026-07-07, SINGLE"},
		items(&trail, audit.SectionPayments))
	require.Nil(t, trail.Sections[0].Items[0].Amount, "no euros")
}
