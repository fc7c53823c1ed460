package audit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/ledger"
)

// TestVerifyNamesEachBreachOfADay finds a day clean, then damages it in one
// place each. The payouts are, by their numbers: 1 asked for by Payline on CP
// 1A00000001, the others automatic; that of 1A00000002 came back.
//
//nolint:tparallel // the cases damage one database, each in a transaction that locks whole tables
func TestVerifyNamesEachBreachOfADay(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	report, err := audit.Verify(t.Context(), d.pool)
	require.NoError(t, err)
	require.Empty(t, report.Breaches)
	require.Equal(t, audit.Checked{
		Entries: report.Checked.Entries, Accounts: report.Checked.Accounts, Correlations: 8, Events: report.Checked.Events,
		Settlements: 3, CardLines: daySales + 3, Debts: 1, Orders: report.Checked.Orders, Payouts: 4, Bulks: report.Checked.Bulks,
		Requests: 3, Statements: 3, BankLines: report.Checked.BankLines, Acts: 3,
	}, report.Checked)

	tests := map[string]struct {
		damage    string
		invariant ledger.Invariant
		place     string
		found     string
		expected  string
	}{
		"money on the account of a payout that has left": {
			"update account set credit_cents = credit_cents + 5 where class = 'TR.OUT' and id = (select min(id) from account where class = 'TR.OUT')",
			audit.PayoutsProved, "TR.OUT.", "0.05", "0.00: the payout is EXECUTED",
		},
		"account of no payout": {
			"insert into account (code, class, credit_cents) values ('TR.OUT.LOST', 'TR.OUT', 1)",
			audit.PayoutsProved, "TR.OUT.LOST", "0.01", "there is no such payout",
		},
		"payout that says it waits for the bank": {
			"update payout set state = 'SENT' where number = 1", audit.PayoutsProved, "TR.OUT.", "0.00", "200.00: the payout is SENT",
		},
		"payout without its entry": {
			"delete from entry where kind = 'PAYOUT' and amount_cents = 20000",
			audit.PayoutsProved, "payout ", "EXECUTED with 0 PAYOUT, 1 REMITTED", "1 PAYOUT, 1 REMITTED, 0 RETURNED, 0 NOT_SENT",
		},
		"payout posted twice": {
			"insert into entry select batch, amount_cents, transaction_at, 99, debit, credit, line, value_date, kind, label from entry where kind = 'PAYOUT' and amount_cents = 20000",
			audit.PayoutsProved, "payout ", "2 PAYOUT", "1 PAYOUT",
		},
		"payout of another amount": {
			"update payout set amount_cents = amount_cents + 1 where number = 1", audit.PayoutsProved, "payout ", ", of another amount", "1 PAYOUT",
		},
		"payout executed without a debit": {
			"update payout set debit_line = null where number = 1", audit.PayoutsProved, "payout ", "EXECUTED with 1 PAYOUT, 1 REMITTED", "0 REMITTED",
		},
		"payout that came back and is not on its CP": {
			"delete from entry where kind = 'RETURNED'", audit.PayoutsProved, "payout ", "REJECTED with 1 PAYOUT, 1 REMITTED, 0 RETURNED", "1 RETURNED",
		},
		"payout given back that the bank never refused": {
			"update payout set reject_line = null where reject_line is not null", audit.PayoutsProved, "payout ", "1 RETURNED, 0 NOT_SENT", "0 RETURNED, 1 NOT_SENT",
		},
		"payout of a bulk that is not there": {
			"update payout set bulk = 99 where number = 1", audit.PayoutsProved, "payout ", "bulk 99", "a bulk that is there",
		},
		"payout of an account that is not its CP's": {
			"update payout set account = (select id from account where code = 'PL.COM') where number = 1",
			audit.PayoutsProved, "payout ", "ledger account ", "the account of its CP",
		},
		"bulk of another number of orders": {
			"update bulk set orders = orders + 1 where purpose = 'PAYOUT'", audit.BulksProved, "bulk MONEXTEUR", "EXECUTED with 4 orders", "5 of ",
		},
		"bulk of another sum": {
			"update bulk set amount_cents = amount_cents + 1 where purpose = 'RECOVERY'", audit.BulksProved, "bulk MONEXTINT", "EXECUTED with 1 orders of 50.00", "1 of 50.01",
		},
		"bulk whose orders say otherwise": {
			"update bulk set state = 'PREPARED' where purpose = 'PAYOUT'", audit.BulksProved, "bulk MONEXTEUR", "PREPARED with 4 orders", "none that contradicts PREPARED",
		},
		"bulk debited by two lines": {
			"update payout set debit_line = 'B-other' where number = 1", audit.BulksProved, "bulk MONEXTEUR", "2 bank lines debit its orders", "EXECUTED by one line",
		},
		"bulk executed without a settlement": {
			"update settlement set kind = 'REJECTS' where kind = 'REMITTANCE'", audit.BulksProved, "bulk MONEXTEUR", "1 bank lines", "a remittance that was settled",
		},
		"bulk that was not told": {
			"update event set params = replace(params, '\"bulkId\"', '\"bulk\"') where type = 'create-transfer'", audit.BulksProved, "bulk MONEXTEUR", "0 orders in create-transfer events", "4, one an order",
		},
		"own transfer that has not arrived": {
			"update account set debit_cents = debit_cents + 1 where code = (select 'TR.INT.' || ref_externe from transfer_order where purpose = 'RECOVERY')",
			ledger.SuspenseEmpty, "TR.INT.", "0.01", "0.00: the order is EXECUTED",
		},
		"own transfer executed without a line": {
			"update transfer_order set credit_line = null where purpose = 'RECOVERY'", ledger.SuspenseEmpty, "TR.INT.", "no bank line that credits it", "EXECUTED",
		},
		"transit of no order": {
			"insert into account (code, class, debit_cents) values ('TR.INT.LOST', 'TR.INT', 1)", ledger.SuspenseEmpty, "TR.INT.LOST", "0.01", "there is no such order",
		},
		"lot of another sum": {
			"update bank_reject set amount_cents = amount_cents + 1", audit.RejectsProved, "lot REJ192837544970-02", " by its detail", "",
		},
		"reject of a payout that did not come back": {
			"update bank_reject set payout = 1", audit.RejectsProved, "lot REJ192837544970-02, line 1", "payout EXECUTED of 200.00", "REJECTED",
		},
		"request that nobody decided": {
			"update payline_line set outcome = null, reject_code = '' where line = 2", audit.RequestsAnswered, "Payline file 1", "1 not decided, the first on line 2", "none: its session has ended",
		},
		"request that is not there": {
			"update payline_file set transfers = 3", audit.RequestsAnswered, "Payline file 1", "1 movements, 2 transfers", "1, 3",
		},
		"movement accepted and not made": {
			"update entry set kind = 'OTHER' where kind = 'CP_TO_CP'", audit.RequestsAnswered, "Payline file 1, line 2", "MOVEMENT of 100.00 ACCP, 0 entries", "one entry",
		},
		"transfer rejected and paid": {
			"update payline_line set outcome = 'RJCT', reject_code = 'AM04' where line = 3", audit.RequestsAnswered, "Payline file 1, line 3", "RJCT, payout EXECUTED of 200.00", "no payout",
		},
		"transfer accepted and not paid": {
			"update payline_line set outcome = 'ACCP', reject_code = '' where line = 4", audit.RequestsAnswered, "Payline file 1, line 4", "ACCP, no payout", "a payout of its amount",
		},
		"hold of no CP": {
			"insert into payout_hold values ('0X', now(), 'r', null)", audit.HoldsProved, "hold of 0X", "no such payment account", "a payment account",
		},
		"hold released before it began": {
			"insert into payout_hold values ('1A00000001', now(), 'r', now() - interval '1 day')", audit.HoldsProved, "hold of 1A00000001", "before it began", "held from",
		},
		"statement that does not follow": {
			"insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at) select account, sequence + 2, date - 1, closing_cents + 1, closing_cents + 1, 0, '', sha256('z'), vacation, read_at from statement where account = 'BK.CAN'",
			audit.StatementsFollow, "BK.CAN, statement 3", "opens with ", "statement 2, opens with ",
		},
		"statement that does not sum up": {
			"update statement set closing_cents = closing_cents + 1 where account = 'BK.REG'", audit.StatementsFollow, "BK.REG, statement 1", "closes with ", "closes with ",
		},
		"bank's balance that nothing explains": {
			"update statement set closing_cents = closing_cents + 1 where account = 'BK.REG'", ledger.BankAgrees, "BK.REG", "0.01 unexplained", "nothing unexplained",
		},
		"line of a statement that is missing": {
			"delete from bank_line where id = 'B-lot'", audit.StatementsFollow, "BK.REG, statement 1", " lines of ", " lines, closes",
		},
		"bank line booked for another amount": {
			"update entry set amount_cents = amount_cents + 1 where kind = 'LOT'", audit.BookedOnce, "bank line B-lot", "0 entries", "1 or more",
		},
		"bank line booked in another's batch": {
			"update bank_line set batch = 1 where id = 'B-remittance'", audit.BookedOnce, "bank line B-remittance", "0 entries", "1 or more",
		},
		"safeguarding statement of a day that was short": {
			"update safeguarding set cantonnement_cents = 0, reglement_cents = 0, transit_cents = 0", ledger.Safeguarding, "safeguarding of 2026-07-08", "0.00 held", " owed, or more",
		},
		"safeguarding statement that says that less is due": {
			"insert into safeguarding select date + 1, vacation, payment_accounts_cents, parked_cents, payouts_cents, rejects_cents, reglement_cents, cantonnement_cents, transit_cents, to_clear_cents, covers_cents, 0, 0, to_cantonnement_cents, stated_at from safeguarding",
			ledger.Safeguarding, "safeguarding of 2026-07-09", "0.00 due on cantonnement", "by the close before",
		},
		"safeguarding statement of money that stood on règlement": {
			"insert into safeguarding select date - 1, vacation, payment_accounts_cents, parked_cents, payouts_cents, rejects_cents, reglement_cents, cantonnement_cents, transit_cents, to_clear_cents, covers_cents, 0, 0, 0, stated_at from safeguarding; update safeguarding set cantonnement_cents = 0, to_cantonnement_cents = 0, cantonnement_due_cents = payment_accounts_cents + parked_cents + payouts_cents + rejects_cents - left_today_cents where date = '2026-07-08'",
			ledger.Safeguarding, "safeguarding of 2026-07-08", "0.00 on cantonnement", " due there, or more",
		},
		"line assigned by nobody": {
			"delete from operator_act where act = 'assign'", audit.ActsJournaled, "settlement $ref, line 302", "assigned", "parked line 302 of $ref",
		},
		"own money by nobody's word": {
			"delete from operator_act where act = 'classify'", audit.ActsJournaled, "bank line B-stray", "own money", "an act classify",
		},
		"payouts approved by nobody": {
			"delete from operator_act where act = 'approve-payouts'", audit.ActsJournaled, "payouts of vacation-financiere/2026-07-08", "approved by alice", "an act approve-payouts",
		},
		"hold released by nobody": {
			"insert into payout_hold values ('1A00000001', now() - interval '1 day', 'r', now())", audit.ActsJournaled, "hold of 1A00000001", "released", "an act release",
		},
		"debt written off by nobody": {
			"update entry set kind = 'WRITE_OFF' where kind = 'RECOVERY'", audit.ActsJournaled, "DEBT.73282932000074", "a write-off of 50.00", "an act write-off",
		},
		"recovery that the register does not know": {
			"update debt set initial_cents = 4000, remaining_cents = 0", ledger.DebtsAgree, "DEBT.73282932000074", "40.00 owed in all, 40.00 of it paid", "50.00 and 50.00 by the account",
		},
		"debt that something else lowered": {
			"update entry set kind = 'REFUND' where kind = 'RECOVERY'", ledger.DebtsAgree, "DEBT.73282932000074", "50.00 owed in all", "without REFUND",
		},
		"movement between CPs that was told once": {
			"delete from event where ctid = (select min(ctid) from event where type = 'create-account-transaction' and vacation = (select number from vacation where kind = 'vacation-financiere'))",
			audit.MovementsTold, "correlation ", " create-account-transaction events", "one a movement of a CP",
		},
		"payout given back without being told": {
			"update event_block set rendered = 0 where batch = (select batch from entry where kind = 'RETURNED')", audit.MovementsTold, "correlation ", "0 create-account-transaction events", "1, one",
		},
		"assigned line without its events": {
			"update event_block set rendered = 1 where batch = (select batch from entry where kind = 'ASSIGNED')", audit.MovementsTold, "correlation ", "1 create-account-transaction events", "2, one",
		},
	}
	fill := strings.NewReplacer("$ref", dayReference)
	for name, test := range tests { //nolint:paralleltest // see above
		t.Run(name, func(t *testing.T) {
			requireBreach(t, d.pool, fill.Replace(test.damage), audit.Breach{
				Invariant: test.invariant, Place: fill.Replace(test.place), Found: test.found, Expected: fill.Replace(test.expected),
			})
		})
	}
}
