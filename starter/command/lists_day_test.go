package command_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

// aDayOfRows is what a day leaves in the tables that are listed.
const aDayOfRows = oneRunOf + `
insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at)
select 'BK.REG', 7, '2026-03-02', 0, 1000, 2, 's.jsonl', decode(repeat('00', 32), 'hex'), number, now() from vacation;
insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference,
                       operation_type, reason)
select 'B-' || n, s.number, n, 'BK.REG', label, 1011 * n, hour, hour + interval '1 hour', hour, class, reference, '', reason
from statement s, now() as hour, (values
    (1, 'REM E 100 00000120260302UEP', 'SETTLEMENT_TRANSACTION', '00000120260302UEP', ''),
    (2, 'VIR FR7630006000011234567890189 X', 'UNKNOWN', '', 'no grammar explains its label')) as l (n, label, class, reference, reason);
insert into payout_hold (account_id, since, reason, released_at)
values ('1A17660007', '2026-03-01 09:00:00+00', 'AC04 twice', null), ('2B', '2026-02-01 09:00:00+00', 'AC04 twice', '2026-02-02 09:00:00+00');
insert into account (code, class) values ('CP.1A17660007', 'CP');
insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at, detail)
select gen_random_uuid(), 'MONEXTEUR20260302001', 'PAYOUT', 'UNKNOWN', number, 1, 2500, '2026-03-02', now(), '2026-03-02 10:00:00+00', 'no answer'
from vacation;
insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban, creditor_name,
                    creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, reason)
select 's', 'AUTO', 'P' || n, 'E' || n, '1A17660007', id, 'X', 'B', 'FR7630006000011234567890189', 'X', 'B', 'FR7630006000011234567890189',
       2500 * n, 0, '2026-03-02', '', now(), state, 'R'
from account, (values (1, 'REQUESTED'), (2, 'WAITING')) as p (n, state) where code = 'CP.1A17660007';
insert into operator_act (act, subject, answer_id, actor, reason, before, after, vacation, acted_at)
select 'resend', 'MONEXTEUR20260302001', 'a', 'alice', 'asked the bank', 'UNKNOWN', 'PREPARED', number, '2026-03-02 11:00:00+00' from vacation;
insert into day (date, run, parameters_sha256, workflow_run, started_at, ended_at, outcome)
values ('2026-03-02', '', decode(repeat('00', 32), 'hex'), 'run-1', '2026-03-02 05:30:00+00', null, '')`

func TestListsOfADay(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	empty := starter(t, environ, "lines")
	require.Equal(t, "0 bank lines\n", empty.out, empty.err)
	require.JSONEq(t, `{"payouts":[],"total":0,"amountCents":0}`, starter(t, environ, "payouts", "--json").out)
	execute(t, url, aDayOfRows)

	const (
		settlementLine = "B-1  BK.REG 7 of 2026-03-02  10.11 EUR  SETTLEMENT_TRANSACTION  00000120260302UEP  open  REM E 100 00000120260302UEP"
		unknownLine    = "UNKNOWN"
	)
	for _, test := range []struct {
		args         []string
		has, hasNone []string
	}{
		{[]string{"lines"}, []string{settlementLine, unknownLine, "2 bank lines\n"}, nil},
		{[]string{"lines", "--unknown"}, []string{"VIR FR76…0189 X  no grammar explains its label\n1 bank line\n"}, []string{"B-1"}},
		{[]string{"lines", "--date", "2026-03-03"}, []string{"0 bank lines\n"}, nil},
		{[]string{"holds"}, []string{"1A17660007  since 2026-03-01 10:00:00 CET  AC04 twice", "1 hold\n"}, []string{"2B"}},
		{[]string{"holds", "--all"}, []string{"released 2026-02-02 10:00:00 CET", "2 holds\n"}, nil},
		{[]string{"payouts"}, []string{"to FR76…0189  25.00 EUR  due 2026-03-02  REQUESTED", "2 payouts: 75.00 EUR\n"}, nil},
		{[]string{"payouts", "--state", "waiting", "--cp", "1A17660007", "--date", "2026-03-02"}, []string{"1 payout: 50.00 EUR\n"}, []string{"P1"}},
		{[]string{"payouts", "--cp", "2B"}, []string{"0 payouts: 0.00 EUR\n"}, nil},
		{[]string{"bulks", "--state", "UNKNOWN"}, []string{"MONEXTEUR20260302001  PAYOUT  1 order  25.00 EUR  due 2026-03-02  UNKNOWN  dispatch UNKNOWN  handed over 2026-03-02 11:00:00 CET  no answer\n"}, nil},
		{[]string{"bulks", "--state", "SENT"}, []string{"0 bulks\n"}, nil},
		{[]string{"acts"}, []string{"2026-03-02 12:00:00 CET  alice  resend  MONEXTEUR20260302001  UNKNOWN → PREPARED  asked the bank\n1 act\n"}, nil},
		{[]string{"days"}, []string{"2026-03-02  day  started 2026-03-02 06:30:00 CET  under way", "1 day\n"}, nil},
	} {
		got := starter(t, environ, test.args...)
		require.Zero(t, got.code, got.err)
		for _, has := range test.has {
			require.Contains(t, got.out, has, test.args)
		}
		for _, none := range test.hasNone {
			require.NotContains(t, got.out, none, test.args)
		}
		asJSON := starter(t, environ, append(test.args, "--json")...)
		require.Zero(t, asJSON.code, asJSON.err)
		for _, shown := range []string{got.out, asJSON.out} {
			require.NotContains(t, shown, "FR7630006000011234567890189", test.args)
		}
	}
	for _, args := range [][]string{
		{"lines", "--date", "soon"}, {"payouts", "--date", "soon"}, {"payouts", "--state", "LOST"}, {"bulks", "--state", "REQUESTED"},
	} {
		require.Equal(t, command.ExitInput, starter(t, environ, args...).code, args)
	}
}

// TestActsNameTheirBankLines: an id that begins as an IBAN does stays readable,
// and an IBAN that somebody wrote into the journal is masked, in both lists.
func TestActsNameTheirBankLines(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	execute(t, url, strings.Replace(aDayOfRows, "select 'B-' || n,", "select 'BQ000000000000000' || n,", 1))
	execute(t, url, `
		insert into operator_act (act, subject, answer_id, actor, reason, before, after, acted_at)
		values ('classify', 'bank line BQ0000000000000002', 'b', 'alice', 'is from FR7630006000011234567890189, as BQ0000000000000009',
		        'UNKNOWN', 'bank line BQ0000000000000002, 20.22, is own money', '2026-03-02 12:00:00+00')`)
	for _, args := range [][]string{{"acts"}, {"trace", "BQ0000000000000002"}, {"trace", "BQ0000000000000002", "--csv"}} {
		got := starter(t, environ, args...)
		require.Zero(t, got.code, got.err)
		require.Contains(t, got.out, "bank line BQ0000000000000002, 20.22, is own money", args)
		require.Contains(t, got.out, "is from FR76…0189, as BQ00…0009", "of which no bank line is known")
		require.NotContains(t, got.out, "FR7630006000011234567890189")
	}
}

func TestSummaryOfAVacation(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	execute(t, url, oneRunOf)
	got := starter(t, environ, "summary", "vacation-technique/2026-03-02/open")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "run 1 of vacation-technique/2026-03-02/open\n")
	require.Contains(t, got.out, "  statements     0, 12 lines, 0 unknown\n")
	require.Contains(t, got.out, "  reports        0, 0 orders refused\n")
	summary := document(t, starter(t, environ, "summary", "vacation-technique/2026-03-02/open", "--json"))
	require.InDelta(t, 12, summary["totals"].(map[string]any)["bankLines"], 0)

	for _, id := range []string{"vacation-creances/2026-03-02", "day/2026-03-02", "vacation-reglement-impayes/" + aReference} {
		got = starter(t, environ, "summary", id)
		require.Equal(t, command.ExitInput, got.code, got.err)
	}
	execute(t, url, strings.NewReplacer(
		"'vacation-technique', '2026-03-02/open'", "'vacation-reglement-virements', 'MONEXTEUR20260302001'", "run-1", "run-2",
		aCorrelation, "5a1d7c0e-1663-11f1-8000-000000000002", "bankLines", "orders").Replace(oneRunOf))
	execute(t, url, `insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		values ('MONEXTEUR20260302001', 'vacation-reglement-virements/MONEXTEUR20260302001', 'REMITTANCE', 'VIR', -1200, '{}',
		        decode(repeat('00', 32), 'hex'), '2026-03-02')`)
	got = starter(t, environ, "summary", "MONEXTEUR20260302001")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "  orders                12, 0.00 EUR\n")
}

func TestSafeguarding(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	got := starter(t, environ, "safeguarding", "--date", "2026-03-02")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "safeguarding statement of 2026-03-02")

	execute(t, url, oneRunOf+`
insert into safeguarding (date, vacation, payment_accounts_cents, parked_cents, payouts_cents, rejects_cents, reglement_cents,
    cantonnement_cents, transit_cents, to_clear_cents, covers_cents, left_today_cents, cantonnement_due_cents, to_cantonnement_cents, stated_at)
select '2026-03-02', number, 80000, 0, 0, 0, 30000, 60000, 0, 0, 0, 0, 50000, 0, now() from vacation`)
	got = starter(t, environ, "safeguarding", "--date", "2026-03-02")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "Protection des fonds des clients au 2026-03-02 (EUR)\n")
	require.Regexp(t, `Excédent \(négatif : insuffisance\) +100\.00\n`, got.out)
	got = starter(t, environ, "safeguarding", "--date", "2026-03-02", "--csv")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "2026-03-02,surplus,")
	require.Equal(t, "100.00", document(t, starter(t, environ, "safeguarding", "--date", "2026-03-02", "--json"))["surplus"])
}
