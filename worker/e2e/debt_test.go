//go:build linux

package e2e_test

import (
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
)

// facts are one column of text.
func (s *stage) facts(t testing.TB, query string) []string {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), query)
	require.NoError(t, err)
	facts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return facts
}

// on puts a line on a payment account, as a sale or a refund without commission.
func (c cre) on(line int, account, siret string, gross money.Cents) cre {
	kind := "VENTE"
	if gross < 0 {
		kind = "REMB"
	}
	return c.with(line, 3, account).with(line, columnSiret, siret).with(line, 7, kind).
		with(line, columnGross, strconv.FormatInt(int64(gross), 10)).with(line, columnGross+1, "0")
}

// settleCRE settles a file that a test made of a day's, for its own amount.
func (s *stage) settleCRE(t testing.TB, day *sample.Day, file cre) vacation.Totals {
	t.Helper()
	request := s.request(t, day)
	gross, _ := file.sums()
	request.Transaction.Amount = money.Cents(gross)
	put(t, request.File, file.good())
	totals, err := s.settle(t, request)
	require.NoError(t, err)
	return totals
}

// TestAMerchantWithTwoAccountsHasOneDebt: refunds on both of its accounts exceed
// what they hold, in one file and then in another.
func TestAMerchantWithTwoAccountsHasOneDebt(t *testing.T) {
	t.Parallel()
	first := numberedDay(t, 1)
	s := newStage(t, first)
	owners := s.facts(t, `
		select account_id from merchant where siret = (select siret from merchant group by siret having count(*) = 2) order by 1`)
	require.Len(t, owners, 2)
	siret := s.facts(t, `select siret from merchant where account_id = '`+owners[0]+`'`)[0]
	rich := s.facts(t, `select account_id || ' ' || siret from merchant where status = 'ACTIVE' order by account_id limit 1`)[0]

	// A file of three lines: the header, and what is taken and given.
	file := func(day *sample.Day, lines ...money.Cents) cre {
		made := readCRE(t, day)[:4]
		return made.on(1, rich[:10], rich[11:], 1_000_000_00).on(2, owners[0], siret, lines[0]).on(3, owners[1], siret, lines[1])
	}
	totals := s.settleCRE(t, first, file(first, -100_50, -200_00))
	require.EqualValues(t, 300_50, totals.Covered)
	require.Equal(t, 2, totals.Debts)
	const debts = `select initial_cents || ' ' || remaining_cents || ' ' || (modified_at is null) from debt where siret = (
		select siret from merchant group by siret having count(*) = 2)`
	require.Equal(t, []string{"30050 30050 false"}, s.facts(t, debts), "the second account's shortfall adds to the first's")

	second := numberedDay(t, 2)
	totals = s.settleCRE(t, second, file(second, -1, 50))
	require.EqualValues(t, 1, totals.Covered)
	require.Equal(t, []string{"30051 30051 false"}, s.facts(t, debts), "the open debt goes on")

	require.Equal(t, []string{"DEBT." + siret + " -30051"}, s.facts(t, `
		select code || ' ' || credit_cents - debit_cents from account where class = 'DEBT'`))
	require.Equal(t, []string{owners[0] + " 0", owners[1] + " 50"}, s.facts(t, `
		select substr(code, 4) || ' ' || credit_cents - debit_cents from account
		where code in ('CP.`+owners[0]+`', 'CP.`+owners[1]+`') order by code`))
	require.EqualValues(t, 3, s.number(t, `select count(*) from event where type = 'register-debt'`))
	require.EqualValues(t, 2, s.number(t, `select count(*) from transfer_order where purpose = 'COVER'`))
	verify(t, s)
}

// TestLinesWithoutTheirAccountAreParked: unknown, closed, or another merchant's.
func TestLinesWithoutTheirAccountAreParked(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	active := s.facts(t, `select account_id || ' ' || siret from merchant where status = 'ACTIVE' order by account_id limit 1`)[0]
	closed := s.facts(t, `select account_id || ' ' || siret from merchant where status = 'CLOSED' limit 1`)[0]
	file := readCRE(t, day)[:6].
		on(1, active[:10], active[11:], 500_00).
		on(2, "9Z00000001", active[11:], 10_00).
		on(3, closed[:10], closed[11:], 20_00).
		on(4, active[:10], closed[11:], 40_00).
		on(5, "9Z00000001", active[11:], -3_00)
	totals := s.settleCRE(t, day, file)
	require.Equal(t, 4, totals.ParkedLines)
	require.EqualValues(t, 67_00, totals.Parked)
	require.Zero(t, totals.Covered, "a refund that is parked is nobody's debt yet")
	require.Equal(t, []string{"2 UNKNOWN_CP 1000", "3 CLOSED_CP 2000", "4 OTHER_SIRET 4000", "5 UNKNOWN_CP -300"}, s.facts(t,
		`select line || ' ' || reason || ' ' || gross_cents from parked_line order by line`))
	require.Equal(t, []string{"CP 50000", "TR.PARK 6700"}, s.facts(t, `
		select class || ' ' || sum(credit_cents - debit_cents) from account where class in ('CP', 'TR.PARK') group by class order by class`))
	verify(t, s)
}
