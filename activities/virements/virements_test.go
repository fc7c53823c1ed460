package virements_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/virements"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/vacation"
)

const second = "MONEXTEUR20260317002"

// inTime is a cut-off that has not passed, late one that has.
func inTime() time.Time { return now.Add(time.Hour) }

func late() time.Time { return now }

// readStatement keeps a statement of règlement with these lines.
func (w *world) readStatement(t testing.TB, lines ...bankLine) {
	t.Helper()
	var number int32
	err := w.pool.QueryRow(t.Context(), `
		insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at)
		values ('BK.REG', 1, '2026-03-19', 0, 0, $1, 's', sha256('s'), $2, $3) returning number`, len(lines), w.payouts, now).Scan(&number)
	require.NoError(t, err)
	for i, line := range lines {
		class := "REMITTANCE"
		switch {
		case line.reference == "":
			class = "UNKNOWN"
		case line.amount > 0:
			class = "REJECTS"
		}
		_, err := w.pool.Exec(t.Context(), `
			insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference, operation_type)
			values ($1, $2, $3, 'BK.REG', $4, $5, $6, $6, $6, $7, $8, '')`,
			line.id(), number, i, line.label(), int64(line.amount), now, class, line.reference)
		require.NoError(t, err)
	}
}

// TestThreeMovements settles two remittances and the lot of rejects that came
// back from the second one.
func TestThreeMovements(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false}, order{2, 1_100, false})
	w.bulk(t, second, "SENT", "SENT", order{1, 5_000, false}, order{3, 200, true})
	lines := []bankLine{remitted(2_100), {second, -5_200}, cameBack(200)}
	w.readStatement(t, lines...)
	asMade := w.breaches(t)
	before := w.balance(t, ledger.Reglement)

	var told [][]ogep.Event
	for _, line := range lines[:2] {
		run := w.open(t, line)
		_, err := w.call(activities.TellMovementsName, run)
		require.NoError(t, err)
		result := w.until(t, activities.MatchRemittanceName, run)
		require.Equal(t, activities.MatchResult{Orders: 2, Amount: line.amount.Neg(), Done: true}, result)
		w.close(t, run)
		told = append(told, w.told(t, run))
	}
	run := w.open(t, lines[2])
	_, err := w.call(activities.TellMovementsName, run)
	require.NoError(t, err)
	path := w.detail(t, "any name", lot, back(4, 200))
	loaded, err := w.loadRejects(run, w.folders.Inbox, inTime())
	require.NoError(t, err)
	require.True(t, loaded.Found)
	require.Equal(t, 1, loaded.Orders)
	require.Equal(t, money.Cents(200), loaded.Amount)
	require.Equal(t, activities.MatchResult{Orders: 1, Amount: 200, Done: true}, w.until(t, activities.AllocateRejectsName, run))
	w.close(t, run)
	told = append(told, w.told(t, run))

	require.Equal(t, []string{"EXECUTED", "EXECUTED", "EXECUTED", "REJECTED"}, w.states(t))
	require.Equal(t, []string{"EXECUTED", "EXECUTED"}, w.texts(t, `select state from bulk order by number`))
	require.Equal(t, money.Cents(7_100), w.balance(t, ledger.Reglement)-before, "a bank account stands on the debit side")
	require.Equal(t, money.Cents(10_000), w.balance(t, ledger.CP(cpID(3))))
	require.Empty(t, w.texts(t, `select code from account where class in ('TR.SET', 'TR.OUT', 'TR.REJ') and debit_cents <> credit_cents`))
	require.Empty(t, w.texts(t, `select account_id from payout_hold`), "one reject holds nobody")

	for _, events := range told[:2] {
		require.Equal(t, []string{
			"start-vacation-reglement-virements", "get-account-transactions", "end-vacation-reglement-virements",
		}, types(events))
	}
	require.Equal(t, []string{
		"start-vacation-reglement-virements", "get-account-transactions", "create-account-transaction", "create-rejected-order",
		"end-vacation-reglement-virements",
	}, types(told[2]))
	for _, events := range told {
		body, err := events[1].Body()
		require.NoError(t, err)
		movements := body.(ogep.GetAccountTransactions)
		require.Equal(t, "BK.REG", movements.AccountID)
		require.Len(t, movements.Transactions, len(lines))
		for i, line := range lines {
			require.Equal(t, line.amount, movements.Transactions[i].Amount)
			require.Equal(t, line.label(), movements.Transactions[i].Label)
		}
	}
	body, err := told[2][2].Body()
	require.NoError(t, err)
	returned := body.(ogep.CreateAccountTransaction)
	require.Equal(t, cpID(3), returned.AccountID)
	require.Equal(t, money.Cents(200), returned.Transaction.Amount)
	require.Equal(t, "REJET VIR AC04 12:00:00", returned.Transaction.Label)
	body, err = told[2][3].Body()
	require.NoError(t, err)
	rejected := body.(ogep.CreateRejectedOrder)
	require.Equal(t, []string{"AC04", endToEnd(4), cpID(3), refOf(4)},
		[]string{rejected.RejectCode, rejected.EndToEndID, rejected.AccountID, rejected.Orders[0].RefExterne})
	require.Equal(t, "999999", rejected.Orders[0].BankID)

	require.Equal(t, asMade, w.breaches(t), "what was made by hand is no vacation's; all else is proved")

	require.NoFileExists(t, path, "it left the inbox")
	require.Equal(t, detailOf(t, lot, back(4, 200)), w.archived(t))
}

// archived is the detail of the lot as it was put away.
func (w *world) archived(t testing.TB) []byte {
	t.Helper()
	archived, err := os.Open(filepath.Join(w.folders.Archive, lot+".rejects.gz"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = archived.Close() })
	reader, err := gzip.NewReader(archived)
	require.NoError(t, err)
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return content
}

// TestADetailThatLeftTheInboxWithAWorkerThatDied is taken in, out of the inbox,
// and not compressed yet.
func TestADetailThatLeftTheInboxWithAWorkerThatDied(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]func(folder, path string) string{
		"by its folder": func(folder, _ string) string { return folder },
		"by its path":   func(_, path string) string { return path },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bulk(t, second, "SENT", "SENT", order{1, 200, false})
			run := w.open(t, cameBack(200))
			path := w.detail(t, "any name", lot, back(1, 200))
			first, err := w.loadRejects(run, asked(w.folders.Inbox, path), inTime())
			require.NoError(t, err)
			archive := filepath.Join(w.folders.Archive, lot+".rejects.gz")
			require.NoError(t, os.Remove(archive))
			left := filepath.Join(w.folders.Inbox, "."+lot+".rejects.taken")
			require.NoError(t, os.WriteFile(left, detailOf(t, lot, back(1, 200)), 0o600))

			again, err := w.loadRejects(run, asked(w.folders.Inbox, path), inTime())
			require.NoError(t, err)
			require.Equal(t, first, again)
			require.NoFileExists(t, left)
			require.FileExists(t, archive)
		})
	}
}

func TestMovementsAreToldOnceARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false})
	run := w.open(t, remitted(1_000))
	together(t, func() error {
		_, err := w.call(activities.TellMovementsName, run)
		return err
	})
	events := w.told(t, run)
	require.Len(t, events, 2)
	body, err := events[1].Body()
	require.NoError(t, err)
	require.Len(t, body.(ogep.GetAccountTransactions).Transactions, 1, "no statement was read: the run's own line")
	require.Equal(t, "bank-"+remittance, body.(ogep.GetAccountTransactions).Transactions[0].ID)

	_, err = w.execute(activities.FailVacationName,
		activities.FailVacationRequest{Run: run, Code: vacation.Aborted, Step: vacation.StageMatching, Message: "m"})
	require.NoError(t, err)
	again := w.open(t, remitted(1_000))
	_, err = w.call(activities.TellMovementsName, again)
	require.NoError(t, err)
	require.Len(t, w.told(t, again), 2, "another run tells under its own correlation")
	_, err = w.call(activities.TellMovementsName, run)
	require.ErrorContains(t, err, "the run is over")
}

func TestTheBanksWordSettlesWhatTheChannelLeftOpen(t *testing.T) {
	t.Parallel()
	for bulk, orders := range map[string]string{"UNKNOWN": "UNKNOWN", "PREPARED": "PREPARED", "SENT": "SENT"} {
		t.Run(bulk, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bulk(t, remittance, bulk, orders, order{1, 1_000, false}, order{2, 500, false})
			run := w.open(t, remitted(1_500))
			w.until(t, activities.MatchRemittanceName, run)
			w.close(t, run)
			require.Equal(t, []string{"EXECUTED", "EXECUTED"}, w.states(t))
			require.Equal(t, []string{"EXECUTED"}, w.texts(t, `select state from bulk`))
		})
	}
}

func TestARemittanceThatDoesNotMatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		line    bankLine
		prepare string
		parts   []string
	}{
		"no such bulk":   {bankLine{"MONEXTEUR20260317009", -1_500}, "", []string{"none of ours has that name", "15.00"}},
		"another amount": {remitted(1_400), "", []string{"debited 14.00", "2 orders come to 15.00", "1.00 apart"}},
		"given back before": {
			remitted(1_500), `update payout set state = 'REJECTED', reason = 'x' where ref_externe = 'order-2'`,
			[]string{"debited 15.00", "1 orders come to 10.00"},
		},
		"never handed over": {
			remitted(1_500), `update bulk set state = 'PREPARED', attempted_at = null`, []string{"was not left with the bank to pay"},
		},
		"refused": {remitted(1_500), `update bulk set state = 'REJECTED'`, []string{"REJECTED"}},
		"ours":    {remitted(1_500), `update bulk set purpose = 'COVER'`, []string{"COVER"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false}, order{2, 500, false})
			_, err := w.pool.Exec(t.Context(), test.prepare)
			require.NoError(t, err)
			run := w.open(t, test.line)
			before := w.all(t)

			_, err = w.call(activities.MatchRemittanceName, run)

			requireFailure(t, err, vacation.RemittanceUnmatched, append(test.parts, "TR.SET."+test.line.reference+" keeps")...)
			require.Equal(t, before, w.all(t))
			require.Equal(t, test.line.amount, w.balance(t, ledger.Suspense(test.line.reference)), "the suspense account keeps it")
		})
	}
}

func TestAnOrderWhoseAccountIsNotItsAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false})
	w.post(t, "spoil", []ledger.Entry{{Debit: ledger.Payout(refOf(1)), Credit: ledger.Reglement, Amount: 1}})
	run := w.open(t, remitted(1_000))
	_, err := w.call(activities.MatchRemittanceName, run)
	requireFailure(t, err, vacation.InvariantBroken, "order-1", "10.00", "9.99")
}

// TestRejectsBeforeTheirRemittance has the lot settled first: what came back
// was debited too.
func TestRejectsBeforeTheirRemittance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false}, order{2, 500, false})
	credit := w.open(t, cameBack(500))
	_, err := w.loadRejects(credit, w.detail(t, "Rejects."+lot+".xml", lot, back(2, 500)), inTime())
	require.NoError(t, err)
	w.until(t, activities.AllocateRejectsName, credit)
	w.close(t, credit)
	require.Equal(t, money.Cents(500), w.balance(t, ledger.Payout(refOf(2))), "its debit is to come")

	run := w.open(t, remitted(1_500))
	require.Equal(t, activities.MatchResult{Orders: 2, Amount: 1_500, Done: true}, w.until(t, activities.MatchRemittanceName, run))
	w.close(t, run)
	require.Equal(t, []string{"EXECUTED", "REJECTED"}, w.states(t))
	require.Zero(t, w.balance(t, ledger.Payout(refOf(2))))
	require.Equal(t, money.Cents(10_000), w.balance(t, ledger.CP(cpID(2))))
}

func TestOrdersThatTheBankForgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false})
	w.bulk(t, second, "SENT", "SENT", order{1, 100, false}, order{2, 100, false})
	w.bulk(t, "MONEXTEUR20260317003", "SENT", "SENT", order{1, 100, false})
	// Thursday's three days began on Friday 13: what was remitted on Friday is stale since today's start.
	_, err := w.pool.Exec(t.Context(), `update bulk set attempted_at = '2026-03-13 09:00+01', due_date = '2026-03-13' where name = $1`, second)
	require.NoError(t, err)
	_, err = w.pool.Exec(t.Context(), `update bulk set attempted_at = '2026-03-13 09:00+01', due_date = '2026-03-16' where name like '%003'`)
	require.NoError(t, err)
	run := w.open(t, remitted(1_000))
	require.Equal(t, activities.MatchResult{Orders: 1, Amount: 1_000, Stale: 2, Done: true}, w.until(t, activities.MatchRemittanceName, run))
}

func TestALateDetail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "EXECUTED", "EXECUTED", order{1, 1_000, false})
	run := w.open(t, cameBack(1_000))
	path := filepath.Join(w.folders.Inbox, "Rejects."+lot+".xml")
	whole := detailOf(t, lot, back(1, 1_000))

	for _, at := range []string{path, w.folders.Inbox} {
		result, err := w.loadRejects(run, at, inTime())
		require.NoError(t, err)
		require.False(t, result.Found, "nothing is there")
		_, err = w.loadRejects(run, at, late())
		requireFailure(t, err, vacation.FileMissing, lot, at, "2026-03-19 12:00 CET")
	}
	_, err := w.loadRejects(run, "/dev/null", inTime())
	requireFailure(t, err, vacation.FileInvalid, "/dev/null is no regular file")
	// Somebody else's file, and one on its way, are not the lot's.
	require.NoError(t, os.WriteFile(filepath.Join(w.folders.Inbox, "other"), []byte("H;ogep-cre/1\n"), 0o600))
	require.NoError(t, os.WriteFile(path+".part", whole, 0o600))
	result, err := w.loadRejects(run, w.folders.Inbox, inTime())
	require.NoError(t, err)
	require.False(t, result.Found)

	require.NoError(t, os.WriteFile(path, whole[:len(whole)-20], 0o600))
	require.NoError(t, os.Chtimes(path, now, now))
	for _, at := range []string{path, w.folders.Inbox} {
		result, err = w.loadRejects(run, at, inTime())
		require.NoError(t, err)
		require.False(t, result.Found, "it is being written")
	}
	_, err = w.loadRejects(run, path, late())
	requireFailure(t, err, vacation.FileInvalid, "stops before its end", "Report: ")
	require.FileExists(t, filepath.Join(w.folders.Archive, fmt.Sprintf("%s.run%d.refused.json", lot, run.Number)))
	require.NoError(t, os.Chtimes(path, now.Add(-2*time.Second), now.Add(-2*time.Second)))
	_, err = w.loadRejects(run, path, inTime())
	requireFailure(t, err, vacation.FileInvalid)

	require.NoError(t, os.WriteFile(path, whole, 0o600))
	require.NoError(t, os.WriteFile(path+"2", whole, 0o600))
	_, err = w.loadRejects(run, w.folders.Inbox, inTime())
	requireFailure(t, err, vacation.FileInvalid, "take the wrong one away")
	require.NoError(t, os.Remove(path+"2"))
	result, err = w.loadRejects(run, w.folders.Inbox, inTime())
	require.NoError(t, err)
	require.True(t, result.Found)
}

// TestADetailIsAwaitedInItsFolder has the same file awaited and read.
func TestADetailIsAwaitedInItsFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	await := activities.AwaitFileRequest{Path: w.folders.Inbox, Reference: lot, CutOff: late()}
	w.detail(t, "other", "REJ192837544970-03", back(1, 1))
	_, err := w.execute(activities.AwaitFileName, await)
	requireFailure(t, err, vacation.FileMissing, lot)
	w.detail(t, "any", lot, back(1, 1))
	_, err = w.execute(activities.AwaitFileName, await)
	require.NoError(t, err)
}

func TestADetailThatDoesNotExplainItsLot(t *testing.T) {
	t.Parallel()
	unknown := reject.Reject{EndToEndID: "nobody", Amount: 500, Code: "AC04"}
	for name, test := range map[string]struct {
		lot     string
		rejects []reject.Reject
		prepare string
		parts   []string
	}{
		"partial":         {lot, []reject.Reject{back(1, 1_000)}, "", []string{"1 orders come to 10.00, the bank credited 15.00: 5.00 apart"}},
		"too much":        {lot, []reject.Reject{back(1, 1_000), back(2, 500), back(3, 10)}, "", []string{"0.10 apart"}},
		"empty":           {lot, nil, "", []string{"0 orders come to 0.00"}},
		"unknown":         {lot, []reject.Reject{back(1, 1_000), unknown}, "", []string{"reject 2: no order nobody is ours"}},
		"another amount":  {lot, []reject.Reject{back(1, 1_010), back(2, 490)}, "", []string{"reject 1: order " + endToEnd(1) + " is of 10.00, 10.10 came back", "reject 2"}},
		"of another lot":  {"REJ192837544970-03", []reject.Reject{back(1, 1_000), back(2, 500)}, "", []string{"details lot REJ192837544970-03", lot}},
		"rejected before": {lot, []reject.Reject{back(1, 1_000), back(2, 500)}, `update payout set state = 'REJECTED', reason = 'AC01' where ref_externe = 'order-2'`, []string{"reject 2: order " + endToEnd(2) + " was rejected before"}},
		"never left":      {lot, []reject.Reject{back(1, 1_000), back(2, 500)}, `update payout set state = 'PREPARED' where ref_externe = 'order-2'`, []string{"is PREPARED, not known to be with the bank"}},
		"refused once":    {lot, []reject.Reject{back(1, 1_000), back(2, 500)}, `update payout set state = 'REFUSED', reason = 'x', batch = null where ref_externe = 'order-2'`, []string{"no order " + endToEnd(2)}},
		"all wrong":       {lot, []reject.Reject{back(6, 1), back(7, 1), back(8, 1), back(9, 1)}, "", []string{"5 mismatches in all"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.bulk(t, remittance, "SENT", "EXECUTED", order{1, 1_000, false}, order{2, 500, false}, order{3, 10, false})
			_, err := w.pool.Exec(t.Context(), test.prepare)
			require.NoError(t, err)
			run := w.open(t, cameBack(1_500))
			path := w.detail(t, "d", test.lot, test.rejects...)
			before := w.all(t)

			_, err = w.loadRejects(run, path, late())

			requireFailure(t, err, vacation.RejectsMismatch, test.parts...)
			require.Equal(t, before, w.all(t))
			require.Equal(t, money.Cents(1_500), w.balance(t, ledger.Rejects(lot)))
			require.FileExists(t, path)
		})
	}
}

// TestAnOrderComesBackOnce has two lots claim the same order, one of which is
// not allocated yet.
func TestAnOrderComesBackOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "EXECUTED", "EXECUTED", order{1, 1_000, false})
	const other = "REJ192837544970-03"
	runs := []activities.Run{w.open(t, cameBack(1_000)), w.open(t, bankLine{other, 1_000})}
	paths := []string{w.detail(t, "a", lot, back(1, 1_000)), w.detail(t, "b", other, back(1, 1_000))}
	errs := make([]error, 2)
	var loading sync.WaitGroup
	for i := range runs {
		loading.Go(func() { _, errs[i] = w.loadRejects(runs[i], paths[i], late()) })
	}
	loading.Wait()
	if errs[0] != nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	require.NoError(t, errs[0])
	requireFailure(t, errs[1], vacation.RejectsMismatch, "was rejected before, in lot REJ192837544970-0")
	require.Equal(t, []string{"1"}, w.texts(t, `select count(*)::text from bank_reject`))
}

// TestAnOrderGivenBackMeanwhile has the channel say that an order never left
// while the lot that it is in is being settled.
func TestAnOrderGivenBackMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "SENT", "SENT", order{1, 1_000, false}, order{2, 500, false})
	run := w.open(t, cameBack(1_500))
	_, err := w.loadRejects(run, w.detail(t, "d", lot, back(1, 1_000), back(2, 500)), late())
	require.NoError(t, err)
	_, err = w.pool.Exec(t.Context(), `update payout set state = 'REJECTED', reason = 'MS03' where ref_externe = 'order-2'`)
	require.NoError(t, err)
	_, err = w.call(activities.AllocateRejectsName, run)
	requireFailure(t, err, vacation.RejectsMismatch, "1 of 2 orders, 10.00 of 15.00", "keeps 5.00")
}

func TestWhosePayoutsAreHeld(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare string
		orders  []order
		rejects []int
		held    []string
	}{
		"the first reject": {"", []order{{1, 100, false}, {1, 100, false}}, []int{2}, nil},
		"after one that came back": {
			`update payout set state = 'REJECTED', reason = 'AC04', reject_line = 'x' where ref_externe = 'order-1'`,
			[]order{{1, 100, false}, {1, 100, false}}, []int{2}, []string{cpID(1)},
		},
		"after one of which the bank has said nothing": {
			`update payout set state = 'SENT' where ref_externe = 'order-2';
			 update payout set state = 'REJECTED', reason = 'AC04', reject_line = 'x' where ref_externe = 'order-1'`,
			[]order{{1, 100, false}, {1, 100, false}, {1, 100, false}}, []int{3}, []string{cpID(1)},
		},
		"after one that never left": {
			`update payout set state = 'REJECTED', reason = 'MS03' where ref_externe = 'order-1'`,
			[]order{{1, 100, false}, {1, 100, false}}, []int{2}, nil,
		},
		"before one that came back": {
			`update payout set state = 'REJECTED', reason = 'AC04', reject_line = 'x' where ref_externe = 'order-2'`,
			[]order{{1, 100, false}, {1, 100, false}}, []int{1}, []string{cpID(1)},
		},
		"one that was executed between": {
			`update payout set state = 'REJECTED', reason = 'AC04', reject_line = 'x' where ref_externe = 'order-1'`,
			[]order{{1, 100, false}, {1, 100, false}, {1, 100, false}}, []int{3}, nil,
		},
		"two of one lot":         {"", []order{{1, 100, false}, {2, 100, false}, {1, 100, false}}, []int{1, 3}, []string{cpID(1)}},
		"another CP's":           {"", []order{{1, 100, false}, {2, 100, false}}, []int{1, 2}, nil},
		"closed":                 {`update merchant set status = 'CLOSED' where account_id = '1A00000002'`, []order{{1, 100, false}, {2, 100, false}}, []int{1, 2}, []string{cpID(2)}},
		"held before and closed": {`insert into payout_hold values ('1A00000001', now(), 'r'); update merchant set status = 'CLOSED'`, []order{{1, 100, false}}, []int{1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, chunk := range []int32{1, 100}[:len(test.rejects)] {
				w := newWorld(t, virements.WithChunk(chunk))
				w.bulk(t, remittance, "SENT", "EXECUTED", test.orders...)
				_, err := w.pool.Exec(t.Context(), test.prepare)
				require.NoError(t, err)
				before := w.texts(t, `select account_id from payout_hold`)
				var rejects []reject.Reject
				for _, n := range test.rejects {
					rejects = append(rejects, back(n, 100))
				}
				run := w.open(t, cameBack(money.Cents(100*len(rejects))))
				_, err = w.loadRejects(run, w.detail(t, "d", lot, rejects...), late())
				require.NoError(t, err)
				for range 2 {
					require.Equal(t, len(test.held), w.until(t, activities.AllocateRejectsName, run).Held)
				}
				w.close(t, run)
				require.Equal(t, append(before, test.held...), w.texts(t, `select account_id from payout_hold order by since desc`))
			}
		})
	}
}

// TestTwoLotsAtOnce has the rejects of one CP come back in two lots whose runs
// work side by side: one of them sees both.
func TestTwoLotsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bulk(t, remittance, "EXECUTED", "EXECUTED", order{1, 100, false}, order{1, 200, false})
	const other = "REJ192837544970-03"
	runs := []activities.Run{w.open(t, cameBack(100)), w.open(t, bankLine{other, 200})}
	_, err := w.loadRejects(runs[0], w.detail(t, "a", lot, back(1, 100)), late())
	require.NoError(t, err)
	_, err = w.loadRejects(runs[1], w.detail(t, "b", other, back(2, 200)), late())
	require.NoError(t, err)
	var allocating sync.WaitGroup
	for _, run := range runs {
		allocating.Go(func() {
			if _, err := w.call(activities.AllocateRejectsName, run); err != nil {
				t.Error(err)
			}
		})
	}
	allocating.Wait()
	require.Equal(t, []string{cpID(1)}, w.texts(t, `select account_id from payout_hold`))
}

// together calls an activity four times at once, and once more after.
func together(t testing.TB, call func() error) {
	t.Helper()
	var calling sync.WaitGroup
	for range 4 {
		calling.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	calling.Wait()
	require.NoError(t, call())
}

// whole is a world with a remittance of five orders and a lot of four of them.
func whole(t testing.TB, options ...virements.Option) (w *world, path string) {
	t.Helper()
	w = newWorld(t, options...)
	w.bulk(t, remittance, "SENT", "SENT",
		order{1, 100, false}, order{2, 200, true}, order{1, 300, false}, order{3, 400, true}, order{2, 500, false})
	path = w.detail(t, "d", lot, back(1, 100), back(2, 200), back(3, 300), back(5, 500))
	return w, path
}

// settle runs both règlements of a whole world, each step by try.
func (w *world) settle(t testing.TB, path string, try func(func() error)) {
	t.Helper()
	done := func(name string, run activities.Run) func() error {
		return func() error {
			for {
				result, err := w.call(name, run)
				if err != nil || result.Done {
					return err
				}
			}
		}
	}
	tell := func(run activities.Run) func() error {
		return func() error {
			_, err := w.call(activities.TellMovementsName, run)
			return err
		}
	}
	debit := w.open(t, remitted(1_500))
	try(tell(debit))
	try(done(activities.MatchRemittanceName, debit))
	w.close(t, debit)
	credit := w.open(t, cameBack(1_100))
	try(tell(credit))
	try(func() error {
		_, err := w.loadRejects(credit, path, late())
		return err
	})
	try(done(activities.AllocateRejectsName, credit))
	w.close(t, credit)
}

// TestAgainAndAtOnce has each activity run by several workers at once, and again.
func TestAgainAndAtOnce(t *testing.T) {
	t.Parallel()
	once, path := whole(t)
	once.settle(t, path, func(call func() error) { require.NoError(t, call()) })
	want := once.all(t)
	require.Contains(t, want, "hold 1A00000001 2 payouts in a row came back, one in lot "+lot)

	w, path := whole(t)
	w.settle(t, path, func(call func() error) { together(t, call) })
	require.Equal(t, want, w.all(t))
}

// TestInterrupted has the database fail at each of the statements that change
// it, one after the other: what is done again comes to the same.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	slices := []virements.Option{virements.WithChunk(2), virements.WithSlice(-time.Second)}
	once, path := whole(t, slices...)
	once.settle(t, path, func(call func() error) { require.NoError(t, call()) })
	want := once.all(t)

	failed := 0
	for at := 1; ; at += stride {
		w, path := whole(t, slices...)
		w.failAt(t, at)
		before := failed
		w.settle(t, path, func(call func() error) {
			if w.armed(t, call) != nil {
				failed++
				require.NoError(t, call())
			}
		})
		require.Equal(t, want, w.all(t), "interrupted at statement %d", at)
		if failed == before {
			break
		}
	}
	require.Greater(t, failed, 10)
}

// stride is how far apart the statements are at which a world fails: prime to
// the number of statements of a transaction, so that each kind has its turn.
const stride = 5

// failAt has the n-th statement fail that changes rows while armed, once.
func (w *world) failAt(t testing.TB, n int) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `create sequence statements; create table armed ();
		create function fail() returns trigger language plpgsql as $$ begin
			if exists (select from armed) and nextval('statements') = `+strconv.Itoa(n)+` then raise 'power cut'; end if;
			return null;
		end $$`)
	require.NoError(t, err)
	for _, table := range []string{"sweep", "batch", "entry", "account", "payout", "bank_reject", "payout_hold", "event_block", "event"} {
		_, err := w.pool.Exec(t.Context(), `create trigger fail after insert or update on `+table+` for each statement execute function fail()`)
		require.NoError(t, err)
	}
}

func (w *world) armed(t testing.TB, call func() error) error {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `insert into armed default values`)
	require.NoError(t, err)
	failure := call()
	_, err = w.pool.Exec(t.Context(), `delete from armed`)
	require.NoError(t, err)
	return failure
}

// TestTenThousandOrders tells how long the largest remittance takes, and one
// that came back as a whole.
func TestTenThousandOrders(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("ten thousand orders take some seconds")
	}
	const orders = 10_000
	w := newWorld(t)
	w.many(t, orders)
	run := w.open(t, remitted(100*orders))
	began := time.Now()
	require.Equal(t, orders, w.until(t, activities.MatchRemittanceName, run).Orders)
	t.Logf("%d orders executed in %s", orders, time.Since(began))
	w.close(t, run)

	run = w.open(t, cameBack(100*orders))
	rejects := make([]reject.Reject, orders)
	for i := range rejects {
		rejects[i] = reject.Reject{EndToEndID: "E" + strconv.Itoa(i+1), Amount: 100, Code: "AC04"}
	}
	path := w.detail(t, "d", lot, rejects...)
	began = time.Now()
	loaded, err := w.loadRejects(run, path, late())
	require.NoError(t, err)
	require.Equal(t, orders, loaded.Orders)
	t.Logf("%d rejects loaded in %s", orders, time.Since(began))
	began = time.Now()
	require.Equal(t, orders, w.until(t, activities.AllocateRejectsName, run).Orders)
	t.Logf("%d rejects allocated in %s", orders, time.Since(began))
	w.close(t, run)
}

// many makes a bulk of that many orders of 1.00 of the first CP.
func (w *world) many(t testing.TB, orders int) {
	t.Helper()
	w.post(t, "more", []ledger.Entry{{Debit: ledger.Reglement, Credit: ledger.CP(cpID(1)), Amount: money.Cents(100 * orders)}})
	entries := make([]ledger.Entry, orders)
	for i := range entries {
		entries[i] = ledger.Entry{Debit: ledger.CP(cpID(1)), Credit: ledger.Payout(refOf(i + 1)), Amount: 100}
	}
	batch := w.post(t, "many", entries)
	_, err := w.pool.Exec(t.Context(), `
		with made as (
			insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
			values (gen_random_uuid(), '`+remittance+`', 'PAYOUT', 'SENT', $1, $2, 100 * $2::int, '2026-03-17', $3, $3) returning number)
		insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban,
			creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, batch, bulk)
		select 's', 'AUTO', 'order-' || n, 'E' || n, account_id, account, 'D', '', cp_iban, 'C', '', cp_iban, 100, 0, '2026-03-17', 'i', $3, 'SENT', $4,
			(select number from made)
		from merchant, generate_series(1, $2::int) as n where account_id = '1A00000001'`, w.payouts, orders, now, batch)
	require.NoError(t, err)
}
