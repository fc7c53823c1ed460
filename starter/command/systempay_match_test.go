package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

// someUnmatched are two payments of one amount, two lines that may be of either, and a form.
const someUnmatched = `
insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
values ('00000120260317UEP', 'vacation-reglement-transactions/00000120260317UEP', 'TRANSACTION', '100', 1, 'l', sha256('l'), '2026-03-17');
insert into payment (key, shop, site_id, mode, order_id, operation, sequence, customer, state, status, class, amount_units, currency, paid_at,
                     first_at, changed_at)
values ('12345678:TEST:aaaa', 'boutique', '12345678', 'TEST', 'TS2026-1', 'DEBIT', 1, '', 'CAPTURED', 'CAPTURED', 'PAID', 1999, '978',
        '2026-03-16 09:00:00+00', '2026-03-16 09:00:00+00', '2026-03-16 09:00:00+00'),
       ('12345678:TEST:bbbb', 'boutique', '12345678', 'TEST', 'TS2026-2', 'DEBIT', 1, '', 'CAPTURED', 'CAPTURED', 'PAID', 1999, '978',
        '2026-03-17 09:00:00+00', '2026-03-17 09:00:00+00', '2026-03-17 09:00:00+00');
insert into payment_line (settlement, line, cre_id, contract, amount_cents, transaction_at, acquirer_ref, label, loaded_at)
values (1, 4, 'CRE4', '1234567', 1999, '2026-03-17 09:00:05+00', 'ref-4', 'VENTE FR7630006000011234567890189', '2026-03-18 06:00:00+00'),
       (1, 5, 'CRE5', '1234567', 1999, '2026-03-17 09:00:06+00', '', 'VENTE', '2026-03-18 06:00:00+00');
insert into payment_form (shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, shown_at)
values ('boutique', '12345678', 'TEST', '2026-03-17', '000007', 'TS2026-3', 500, '978', 'SINGLE', '2024-03-01 09:00:00+00')`

func TestUnmatched(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	require.Equal(t, "0 payments\n0 lines\n0 forms\n", starter(t, environ, "systempay", "unmatched").out)
	require.JSONEq(t, `{"lines":[]}`, starter(t, environ, "systempay", "unmatched", "--lines", "--json").out)
	execute(t, url, someUnmatched)
	for _, test := range []struct {
		args         []string
		has, hasNone []string
	}{
		{nil, []string{
			"payment 2  2026-03-17 10:00:00 CET  boutique  TS2026-2  19.99 EUR  CAPTURED", "2 payments\n",
			"line 4 of 00000120260317UEP  2026-03-17 10:00:05 CET  1234567  19.99 EUR  ref-4  VENTE FR76…0189", "2 lines\n",
			"form 1  2024-03-01 10:00:00 CET  boutique  TS2026-3  000007  500 units of currency 978\n", "1 form\n",
		}, nil},
		{[]string{"--payments"}, []string{"payment 1", "2 payments\n"}, []string{"CRE4", "line 4", "000007"}},
		{[]string{"--payments", "--since", "2026-03-17"}, []string{"payment 2", "1 payment\n"}, []string{"aaaa"}},
		{[]string{"--lines", "--since", "2026-03-19"}, []string{"0 lines\n"}, []string{"CRE4"}},
		{[]string{"--forms"}, []string{"1 form\n"}, []string{"aaaa", "CRE4"}},
	} {
		args := append([]string{"systempay", "unmatched"}, test.args...)
		got, asJSON := starter(t, environ, args...), starter(t, environ, append(args, "--json")...)
		require.Zero(t, got.code, got.err)
		require.Zero(t, asJSON.code, asJSON.err)
		for _, has := range test.has {
			require.Contains(t, got.out, has, test.args)
		}
		for _, none := range test.hasNone {
			require.NotContains(t, got.out+asJSON.out, none, test.args)
		}
		require.NotContains(t, got.out+asJSON.out, "FR7630006000011234567890189")
	}
	require.Equal(t, command.ExitInput, starter(t, environ, "systempay", "unmatched", "--since", "soon").code)
}

func TestOperatorsMatches(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	environ = append(environ, "REGLO_OPERATOR_ACTORS=alice,bruno")
	execute(t, url, someUnmatched)
	match := func(more ...string) []string { return append([]string{"systempay", "match"}, more...) }
	whole := match("--payment", "1", "--reference", "00000120260317UEP", "--line", "4")
	for _, test := range []struct {
		args []string
		says string
	}{
		{match("--actor", "alice", "--reason", "r"), "must name a payment and a line"},
		{match("--payment", "1", "--reference", "R", "--line", "99999999999", "--actor", "alice", "--reason", "r"), "must name a payment and a line"},
		{append(whole, "--actor", "alice"), "no --reason is given"},
		{append(whole, "--actor", "mallory", "--reason", "r"), "\"mallory\" is not an operator"},
		{match("--payment", "9", "--reference", "R", "--line", "1", "--actor", "alice", "--reason", "r"), "no payment 9"},
		{match("--payment", "1", "--reference", "R", "--line", "1", "--actor", "alice", "--reason", "r"), "line 1 of R"},
		{[]string{"systempay", "unmatch", "--actor", "alice", "--reason", "r"}, "must name a payment"},
		{[]string{"systempay", "unmatch", "--payment", "1", "--actor", "alice", "--reason", "r"}, "payment 1 has no line"},
	} {
		got := starter(t, environ, test.args...)
		require.Equal(t, command.ExitInput, got.code, test.args)
		require.Contains(t, got.err, test.says, test.args)
	}
	for _, says := range []string{
		"payment 1: line 4 of 00000120260317UEP settles it\n", "payment 1: line 4 of 00000120260317UEP settles it already\n",
	} {
		got := starter(t, environ, append(whole, "--actor", "alice", "--reason", "asked the buyer")...)
		require.Zero(t, got.code, got.err)
		require.Equal(t, says, got.out)
	}
	require.Contains(t, starter(t, environ, "systempay", "unmatched").out, "1 payment\n")
	got := starter(t, environ, "systempay", "unmatch", "--payment", "1", "--actor", "bruno", "--reason", "another one's", "--json")
	require.Zero(t, got.code, got.err)
	require.JSONEq(t, `{"payment":1,"reference":"00000120260317UEP","line":4,"matched":false,"again":false}`, got.out)
	got = starter(t, environ, "acts")
	require.Contains(t, got.out, "unmatch-payment  payment 1, line 4 of 00000120260317UEP  by operator → alone")
	require.Contains(t, got.out, "match-payment    payment 1, line 4 of 00000120260317UEP  alone → line of 19.99 for a payment of 19.99")
}
