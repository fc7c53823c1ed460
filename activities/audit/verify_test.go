package audit_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/ledger"
)

const sales = 40

// populate settles one session, leaves a second one half-way, and a third one open.
func populate(t testing.TB, pool *pgxpool.Pool) *session {
	t.Helper()
	openBooks(t, pool)
	settled := open(t, pool, "00000120260708UEP", sales)
	settled.settle(t)
	half := open(t, pool, "00000220260708UEP", sales)
	half.load(t)
	half.park(t)
	half.postLines(t)
	open(t, pool, "00000320260708UEP", sales)
	return settled
}

func TestVerifyFindsNothingInSoundBooks(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	report, err := audit.Verify(t.Context(), pool)
	require.NoError(t, err)
	require.Empty(t, report.Breaches, "books that were never opened")

	populate(t, pool)
	report, err = audit.Verify(t.Context(), pool)
	require.NoError(t, err)
	require.Empty(t, report.Breaches)
	require.True(t, report.Clean())
	const (
		posted   = sales + 2 + 1 + 1 + 1 // sales, parked, refund, commission, cover
		perBlock = sales + 1 + 1 + 3
	)
	require.Equal(t, audit.Checked{
		Entries: 1 + 3 + 2*posted + 3, Accounts: report.Checked.Accounts, Correlations: 3, Events: 3 + 2*perBlock + 2 + 1,
		Settlements: 3, CardLines: 2 * (sales + 3), Debts: 1, Orders: 2,
	}, report.Checked)
	require.False(t, report.At.IsZero())
}

// TestVerifyNamesEachBreach damages sound books in one place each. $ref stands
// for the settled session's reference, $corr for its correlation.
//
//nolint:tparallel // the cases damage one database, each in a transaction that locks whole tables
func TestVerifyNamesEachBreach(t *testing.T) {
	t.Parallel()
	const ref, correlation = "$ref", "$corr"
	tests := map[string]struct {
		damage    string
		invariant ledger.Invariant
		place     string
		found     string
		expected  string
	}{
		"lost update of a balance": {
			"update account set credit_cents = credit_cents + 1 where code = 'BK.CAN'",
			ledger.BalancesProved, "BK.CAN", "debit 0.00, credit 0.01", "debit 0.00, credit 0.00 by its entries",
		},
		"ledger that does not sum to zero": {
			"update account set credit_cents = credit_cents + 1 where code = 'BK.CAN'",
			ledger.ZeroSum, "whole ledger", "sums to 0.01", "0.00",
		},
		"entry of an unknown account": {
			"update entry set credit = 4711 where line = 1 and batch = (select min(batch) from entry where line = 1)",
			ledger.BalancesProved, "account 4711", "no such account", "debit 0.00, credit 10.00",
		},
		"entry that moves nothing": {
			"alter table entry drop constraint entry_amount_cents_check; update entry set amount_cents = 0 where ordinal = 0 and kind = 'OPENING'",
			ledger.ZeroSum, "batch 1, entry 0", ", 0.00", "a positive amount",
		},
		"entry between one account and itself": {
			"alter table entry drop constraint entry_check; update entry set debit = credit where kind = 'OPENING'",
			ledger.ZeroSum, "batch 1, entry 0", "1000.00", "between two accounts",
		},
		"entries of no batch": {
			"delete from batch where id = 1", ledger.BalancesProved, "batch 1", "1 entries of no batch", "a batch",
		},
		"CP below zero": {
			"alter table account drop constraint cp_never_below_zero; update account set debit_cents = credit_cents + 5 where code = 'CP.1A00000000'",
			ledger.NoOverdraft, "CP.1A00000000", "-0.05", "0.00 or more",
		},
		"client money short": {
			"update account set credit_cents = credit_cents + 100000 where code = 'BK.REG'; update account set debit_cents = debit_cents + 100000 where code = 'BK.FON'",
			ledger.Safeguarding, "client money", " short", "no less than what clients are owed",
		},
		"suspense of a settled settlement": {
			"update account set credit_cents = credit_cents + 700 where code = 'TR.SET.$ref'",
			ledger.SuspenseEmpty, "TR.SET.$ref", "7.00", "0.00: it is settled",
		},
		"suspense of no settlement": {
			"insert into account (code, class, credit_cents) values ('TR.SET.LOST', 'TR.SET', 1)",
			ledger.SuspenseEmpty, "TR.SET.LOST", "0.01", "there is no such settlement",
		},
		"debt that the account does not know": {
			"update debt set remaining_cents = remaining_cents - 50", ledger.DebtsAgree, "DEBT." + siret, "100.00", "99.50 by the register",
		},
		"debt account that the register does not know": {
			"delete from debt", ledger.DebtsAgree, "DEBT." + siret, "100.00", "0.00 by the register",
		},
		"two open debts": {
			`drop index debt_one_open; insert into debt values ('` + siret + `', now(), 1, 1)`,
			audit.OneOpenDebt, "SIRET " + siret, "2 open debts", "one",
		},
		"line that was not posted": {
			"delete from entry where line = 17 and batch = (select id from batch where scope like '%$ref' and step = 'post' and item = 1)",
			ledger.FilePosted, "settlement $ref", "42 entries of 42 lines, gross 345.00, commissions 4.10; missing: line 17", "43 lines once, gross 355.00, commissions 4.10",
		},
		"line that was posted twice": {
			"update entry set line = 18 where line = 17 and batch = (select id from batch where scope like '%$ref' and step = 'post' and item = 1)",
			ledger.FilePosted, "settlement $ref", "43 entries of 42 lines, gross 355.00, commissions 4.10; missing: line 17; more than once: line 18", "43 lines once",
		},
		"commission that was not taken": {
			"delete from entry where kind = 'COMMISSION' and batch in (select id from batch where scope like '%$ref')",
			ledger.FilePosted, "settlement $ref", "commissions 0.10", "commissions 4.10",
		},
		"creId that is not in the register": {
			"delete from cre_line where cre_id = '$ref-1'", ledger.FilePosted, "settlement $ref", "42 creIds, 43 lines counted", "43 of each",
		},
		"parked line that is not listed": {
			"delete from parked_line where gross_cents > 0 and settlement = (select number from settlement where reference = '$ref')",
			audit.ParkedListed, "settlement $ref, line 42", "7.00 on TR.PARK", "a line in the list",
		},
		"parked line of another amount": {
			"update parked_line set gross_cents = 701 where gross_cents > 0 and settlement = (select number from settlement where reference = '$ref')",
			audit.ParkedListed, "settlement $ref, line 42", "7.00 on TR.PARK", "7.01 by the list",
		},
		"list of parked lines that does not sum up": {
			"delete from parked_line where gross_cents < 0 and settlement = (select number from settlement where reference = '00000220260708UEP')",
			audit.ParkedListed, "TR.PARK", "10.00", "12.00 by the list",
		},
		"assigned line that did not move": {
			"update parked_line set assigned_to = '1A00000000', assigned_batch = 1 where gross_cents > 0 and settlement = (select number from settlement where reference = '$ref')",
			audit.ParkedListed, "settlement $ref, line 42", "0.00 moved to CP.1A00000000", "7.00 by the list",
		},
		"assigned line that still stands on TR.PARK": {
			"update parked_line set assigned_to = '1A00000000', assigned_batch = 1 where gross_cents > 0 and settlement = (select number from settlement where reference = '$ref')",
			audit.ParkedListed, "TR.PARK", "10.00", "3.00 by the list",
		},
		"unpaid that became a debt and is not listed": {
			"update entry set kind = 'UNPAID_DEBT' where kind = 'PARK_REFUND' and batch in (select id from batch where scope like '%$ref')",
			audit.ParkedListed, "settlement $ref, line 43", "-2.00 on DEBT", "a line in the list",
		},
		"line listed as a debt that is parked": {
			"update parked_line set reason = 'TO_DEBT' where gross_cents < 0 and settlement = (select number from settlement where reference = '$ref')",
			audit.ParkedListed, "settlement $ref, line 43", "listed, but not on DEBT", "-2.00 by the list",
		},
		"rejects of no lot": {
			"insert into account (code, class, credit_cents) values ('TR.REJ.LOST', 'TR.REJ', 1)",
			ledger.SuspenseEmpty, "TR.REJ.LOST", "0.01", "there is no such settlement",
		},
		"movement between CPs that was not told twice": {
			`insert into entry select id, 1, now(), 99, (select id from account where code = 'CP.1A00000000'), (select id from account where code = 'CP.9Z00000001'), null, now(), 'CP_TO_CP', ''
			from batch where scope like '%$ref' and step = 'post' and item = 1`,
			audit.MovementsTold, "correlation $corr", "43 create-account-transaction events", "45, one a movement",
		},
		"gap between blocks": {
			"update event_block set first_seq = 3, rendered = 0 where first_seq = 2 and vacation = 1",
			ledger.EventsGapless, "correlation $corr, event 3", "a block from 3 to 46", "one from 2",
		},
		"blocks that end too early": {
			"update vacation set last_seq = last_seq + 1 where number = 1", ledger.EventsGapless, "correlation $corr, event 50", "ends at 49", "is 50",
		},
		"event without its row": {
			"delete from event where vacation = 1 and seq = 45", ledger.EventsGapless, "correlation $corr, event 44", "2 rows up to event 46", "3",
		},
		"row that no block has room for": {
			"insert into event values (1, 10, 'get-account-balance', '[]')", ledger.EventsGapless, "correlation $corr, event 10", "a row of type get-account-balance", "none",
		},
		"rendered event without its entry": {
			"delete from entry where ordinal = 3 and kind = 'SALE' and batch = (select batch from event_block where vacation = 1 and rendered > 0)",
			ledger.EventsGapless, "correlation $corr, event 2", "41 entries of batch", "42, told once",
		},
		"entries that are told twice": {
			`update event_block set rendered = 1, batch = (select batch from event_block where vacation = 1 and rendered > 0) where vacation = 3`,
			ledger.EventsGapless, "event 1", "told by 2 blocks, of another run", "told once",
		},
		"movement that was not told": {
			"update event_block set rendered = 41 where vacation = 1 and rendered > 0",
			audit.MovementsTold, "correlation $corr", "42 create-account-transaction events", "43, one a movement",
		},
		"movement of a CP outside any run": {
			"insert into entry select 1, 1, now(), 9, (select id from account where code = 'CP.1A00000000'), (select id from account where code = 'BK.REG'), null, now(), 'X', ''",
			audit.MovementsTold, "no run", "0 create-account-transaction events", "1, one a movement",
		},
		"two starts": {
			"update event set type = 'start-vacation-reglement-transactions' where vacation = 1 and seq = 45",
			ledger.OneEnd, "correlation $corr", "start-vacation-reglement-transactions at 1, start-vacation-reglement-transactions at 45, end-", "start-vacation-reglement-transactions at 1, end-vacation-reglement-transactions at 49",
		},
		"run without an end": {
			"update event set type = 'get-account-balance' where vacation = 1 and seq = 49",
			ledger.OneEnd, "correlation $corr", "start-vacation-reglement-transactions at 1", "end-vacation-reglement-transactions at 49",
		},
		"end of a run that is alive": {
			"update vacation set state = 'RUNNING', ended_at = null where number = 1",
			ledger.OneEnd, "correlation $corr", "end-vacation-reglement-transactions at 49", "start-vacation-reglement-transactions at 1",
		},
		"end of the wrong kind": {
			"update vacation set state = 'ENDED_WITH_ERROR', failure_code = 'X' where number = 1",
			ledger.OneEnd, "correlation $corr", "end-vacation-reglement-transactions at 49", "end-with-error-vacation-reglement-transactions at 49",
		},
		"run without any event": {
			"delete from event_block where vacation = 3; delete from event where vacation = 3; update vacation set last_seq = 0 where number = 3",
			ledger.OneEnd, "correlation ", "neither", "start-vacation-reglement-transactions at 1",
		},
		"order without its entries": {
			"delete from entry where kind = 'TRANSFER_OUT' and amount_cents = 5000", audit.OrdersProved, "order ", "0.00 left its account, 1 create-transfer", "50.00 and one event",
		},
		"order that was not told": {
			"update event set params = '[]' where vacation = 1 and seq = 47", audit.OrdersProved, "order ", "50.00 left its account, 0 create-transfer", "50.00 and one event",
		},
		"uid that could come twice": {
			"alter table event_block drop constraint event_uid_unique", audit.ConstraintsStand, "event_uid_unique", "missing", "stands",
		},
		"check that was dropped": {
			"alter table account drop constraint cp_never_below_zero", audit.ConstraintsStand, "cp_never_below_zero", "missing", "stands",
		},
	}
	pool := pgtest.New(t)
	s := populate(t, pool)
	fill := strings.NewReplacer(ref, s.reference, correlation, s.correlation)
	for name, test := range tests { //nolint:paralleltest // see above
		t.Run(name, func(t *testing.T) {
			requireBreach(t, pool, fill.Replace(test.damage), audit.Breach{
				Invariant: test.invariant, Place: fill.Replace(test.place), Found: test.found, Expected: test.expected,
			})
		})
	}
}

// requireBreach damages the database, and wants the breach found whose texts
// hold those of the one given.
func requireBreach(t *testing.T, pool *pgxpool.Pool, damage string, want audit.Breach) {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
	_, err = tx.Exec(t.Context(), damage)
	require.NoError(t, err)
	report, err := audit.VerifyIn(t.Context(), tx)
	require.NoError(t, err)
	require.False(t, report.Clean())
	for _, breach := range report.Breaches {
		if breach.Invariant == want.Invariant && strings.Contains(breach.Place, want.Place) &&
			strings.Contains(breach.Found, want.Found) && strings.Contains(breach.Expected, want.Expected) {
			return
		}
	}
	t.Fatalf("want %s at %s: found %q, expected %q; got\n%v", want.Invariant, want.Place, want.Found, want.Expected, report.Breaches)
}

func TestVerifyListsAFewAndCountsTheRest(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	_, err := pool.Exec(t.Context(), `
		insert into account (code, class, credit_cents) select 'TR.SET.' || i, 'TR.SET', 1 from generate_series(1, 250) as i;
		insert into account (code, class, debit_cents) select 'DEBT.' || i, 'DEBT', 1 from generate_series(1, 250) as i`)
	require.NoError(t, err)
	report, err := audit.Verify(t.Context(), pool)
	require.NoError(t, err)
	// 250 suspense accounts, 250 debts by what is left and by what moved, 500 balances.
	require.Len(t, report.Breaches, 4*audit.BreachesListed)
	require.EqualValues(t, 150+150+150+400, report.NotListed)
	require.Equal(t, "BALANCES_PROVED: DEBT.1: found debit 0.01, credit 0.00, expected debit 0.00, credit 0.00 by its entries", report.Breaches[0].String())
}

// BenchmarkVerify proves the books of a million lines and a hundred thousand payouts.
func BenchmarkVerify(b *testing.B) {
	pool := pgtest.New(b)
	openBooks(b, pool)
	for _, reference := range []string{"00000120260708UEP", "00000220260708UEP", "00000320260708UEP", "00000420260708UEP"} {
		open(b, pool, reference, 250_000).settle(b)
	}
	payOut(b, pool, 100_000)
	_, err := pool.Exec(b.Context(), "vacuum analyze")
	require.NoError(b, err)
	for b.Loop() {
		report, err := audit.Verify(b.Context(), pool)
		require.NoError(b, err)
		require.Empty(b, report.Breaches)
	}
}
