package virements_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/virements"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// refuse has a report of the bank say that it does not execute these orders of
// their bulk.
func (w *world) refuse(t testing.TB, code string, orders ...int) {
	t.Helper()
	for _, n := range orders {
		_, err := w.pool.Exec(t.Context(), `
			with of as (select number, bulk from payout where ref_externe = $1),
				report as (
					insert into bank_report (message_id, bulk, format, status, orders, unknown, file_name, sha256, vacation, read_at)
					select 'R-' || $1::text, bulk, 'pain.002.001.10', 'PART', 1, 0, 'f', sha256($1::text::bytea), $2, $3 from of returning number)
			insert into payout_refusal (payout, bulk, report, code) select of.number, of.bulk, report.number, $4 from of, report`,
			refOf(n), w.payouts, now, code)
		require.NoError(t, err)
	}
}

// fiveOrders is a remittance of 15.00, of which the bank refused the second and
// the fifth order: 7.00.
func fiveOrders(t testing.TB, options ...virements.Option) *world {
	t.Helper()
	w := newWorld(t, options...)
	w.bulk(t, remittance, "SENT", "SENT",
		order{1, 100, false}, order{2, 200, true}, order{1, 300, false}, order{3, 400, true}, order{2, 500, false})
	w.refuse(t, "AC04", 2)
	w.refuse(t, "the bank's own code", 5)
	return w
}

// TestADebitWithoutWhatTheBankRefused is of three orders out of five; one of
// these comes back later.
func TestADebitWithoutWhatTheBankRefused(t *testing.T) {
	t.Parallel()
	w := fiveOrders(t)
	asMade := w.breaches(t)
	require.Equal(t, money.Cents(9_300), w.balance(t, ledger.CP(cpID(2))))
	run := w.open(t, remitted(800))
	result := w.until(t, activities.MatchRemittanceName, run)
	require.Equal(t, activities.MatchResult{Orders: 3, Amount: 800, Held: 1, Done: true}, result)
	w.close(t, run)

	require.Equal(t, []string{"EXECUTED", "REJECTED", "EXECUTED", "EXECUTED", "REJECTED"}, w.states(t))
	require.Equal(t, []string{"AC04", "MS03"}, w.texts(t, `select reason from payout where state = 'REJECTED' order by number`))
	require.Equal(t, []string{"EXECUTED"}, w.texts(t, `select state from bulk`))
	require.Equal(t, money.Cents(10_000), w.balance(t, ledger.CP(cpID(2))), "both are back on their CP")
	require.Empty(t, w.texts(t, `select code from account where class in ('TR.SET', 'TR.OUT') and debit_cents <> credit_cents`))
	require.Equal(t, []string{"RJCT AC04", "ACCP "},
		w.texts(t, `select outcome || ' ' || reject_code from payline_line order by file`), "the response is not written yet")
	require.Equal(t, []string{"2 payouts in a row came back, one from remittance " + remittance}, w.texts(t, `select reason from payout_hold`))
	events := w.told(t, run)
	require.Equal(t, []string{
		"start-vacation-reglement-virements", "create-account-transaction", "create-account-transaction", "create-rejected-order",
		"end-vacation-reglement-virements",
	}, types(events))
	body, err := events[2].Body()
	require.NoError(t, err)
	returned := body.(ogep.CreateAccountTransaction)
	require.Equal(t, cpID(2), returned.AccountID)
	require.Equal(t, money.Cents(500), returned.Transaction.Amount)
	require.Equal(t, "REJET VIR MS03 12:00:00", returned.Transaction.Label)
	body, err = events[3].Body()
	require.NoError(t, err)
	rejected := body.(ogep.CreateRejectedOrder)
	require.Equal(t, []string{"AC04", endToEnd(2), cpID(2), refOf(2), "999999"},
		[]string{rejected.RejectCode, rejected.EndToEndID, rejected.AccountID, rejected.Orders[0].RefExterne, rejected.Orders[0].BankID})
	require.Equal(t, asMade, w.breaches(t))

	credit := w.open(t, cameBack(400))
	_, err = w.loadRejects(credit, w.detail(t, "d", lot, back(4, 400)), late())
	require.NoError(t, err)
	require.Equal(t, activities.MatchResult{Orders: 1, Amount: 400, Done: true}, w.until(t, activities.AllocateRejectsName, credit))
	w.close(t, credit)
	require.Equal(t, money.Cents(10_000), w.balance(t, ledger.CP(cpID(3))))
	require.Equal(t, asMade, w.breaches(t))
}

// TestWhatTheBankRefusedAndDebited comes back in a lot: neither the debit nor
// the report gives it back.
func TestWhatTheBankRefusedAndDebited(t *testing.T) {
	t.Parallel()
	w := fiveOrders(t)
	run := w.open(t, remitted(1_500))
	require.Equal(t, activities.MatchResult{Orders: 5, Amount: 1_500, Done: true}, w.until(t, activities.MatchRemittanceName, run))
	w.close(t, run)
	require.Equal(t, money.Cents(9_300), w.balance(t, ledger.CP(cpID(2))))
	credit := w.open(t, cameBack(700))
	_, err := w.loadRejects(credit, w.detail(t, "d", lot, back(2, 200), back(5, 500)), late())
	require.NoError(t, err)
	require.Equal(t, 2, w.until(t, activities.AllocateRejectsName, credit).Orders)
	w.close(t, credit)
	require.Equal(t, money.Cents(10_000), w.balance(t, ledger.CP(cpID(2))))
	require.Empty(t, w.texts(t, `select code from account where class in ('TR.SET', 'TR.OUT', 'TR.REJ') and debit_cents <> credit_cents`))
}

// TestARefusedOrderThatCameBackBefore was debited, whatever the report says: the
// lot's bank line proves it.
func TestARefusedOrderThatCameBackBefore(t *testing.T) {
	t.Parallel()
	w := fiveOrders(t)
	credit := w.open(t, cameBack(200))
	_, err := w.loadRejects(credit, w.detail(t, "d", lot, back(2, 200)), late())
	require.NoError(t, err)
	w.until(t, activities.AllocateRejectsName, credit)
	w.close(t, credit)

	run := w.open(t, remitted(1_000))
	require.Equal(t, 4, w.until(t, activities.MatchRemittanceName, run).Orders)
	w.close(t, run)
	require.Equal(t, []string{"EXECUTED", "REJECTED", "EXECUTED", "EXECUTED", "REJECTED"}, w.states(t))
	require.Empty(t, w.texts(t, `select code from account where class in ('TR.SET', 'TR.OUT', 'TR.REJ') and debit_cents <> credit_cents`))
}

func TestADebitThatNoReportExplains(t *testing.T) {
	t.Parallel()
	w := fiveOrders(t)
	run := w.open(t, remitted(1_300))
	before := w.all(t)
	_, err := w.call(activities.MatchRemittanceName, run)
	requireFailure(t, err, vacation.RemittanceUnmatched, "debited 13.00", "5 orders come to 15.00: 2.00 apart",
		"or 5.00 without the 2 orders of 7.00 that its reports refused", "0 were settled", "TR.SET."+remittance+" keeps 13.00")
	require.Equal(t, before, w.all(t))
}

// TestAReportThatComesWhileItsDebitIsSettled says of a slice what stands.
func TestAReportThatComesWhileItsDebitIsSettled(t *testing.T) {
	t.Parallel()
	w := fiveOrders(t, virements.WithChunk(1), virements.WithSlice(-time.Second))
	run := w.open(t, remitted(800))
	for range 3 { // two go back, one is settled
		result, err := w.call(activities.MatchRemittanceName, run)
		require.NoError(t, err)
		require.False(t, result.Done)
	}
	w.refuse(t, "AC01", 4)
	result := w.until(t, activities.MatchRemittanceName, run)
	require.Equal(t, 3, result.Orders, "the bank debited it")
	require.Equal(t, []string{"EXECUTED", "REJECTED", "EXECUTED", "EXECUTED", "REJECTED"}, w.states(t))
}

// TestANetDebitAgainAndAtOnce has it settled by several workers at once, and again.
func TestANetDebitAgainAndAtOnce(t *testing.T) {
	t.Parallel()
	settled := func(settle func(*world, activities.Run)) []string {
		w := fiveOrders(t)
		run := w.open(t, remitted(800))
		settle(w, run)
		w.close(t, run)
		return w.all(t)
	}
	want := settled(func(w *world, run activities.Run) { w.until(t, activities.MatchRemittanceName, run) })
	require.Contains(t, want, "entry TR.OUT.order-2 CP."+cpID(2)+" 200 NOT_SENT REJET VIR AC04 12:00:00 0")
	require.Equal(t, want, settled(func(w *world, run activities.Run) {
		together(t, func() error {
			_, err := w.call(activities.MatchRemittanceName, run)
			return err
		})
	}))
}

// TestANetDebitIsCut has the answer to each of PostgreSQL's messages lost, one
// after the other: what is done again comes to the same.
func TestANetDebitIsCut(t *testing.T) {
	t.Parallel()
	slices := []virements.Option{virements.WithChunk(1), virements.WithSlice(-time.Second)}
	settled := func(message int) (all []string, struck bool) {
		w := fiveOrders(t, slices...)
		run := w.open(t, remitted(800))
		if message > 0 {
			pool, hit := pgtest.Cut(t, w.pool, message)
			dying := &world{parts: w.partsOn(t, pool, slices...)}
			for {
				result, err := dying.call(activities.MatchRemittanceName, run)
				if err != nil || result.Done {
					break
				}
			}
			struck = hit()
		}
		w.until(t, activities.MatchRemittanceName, run)
		w.close(t, run)
		return w.all(t), struck
	}
	want, _ := settled(0)
	for message := 1; ; message += stride {
		got, struck := settled(message)
		require.Equal(t, want, got, "cut at message %d", message)
		if !struck {
			require.Greater(t, message, 10*stride)
			break
		}
	}
}
