package remittances_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/vacation"
)

// remitted is a world whose bank has one bulk of payouts of 0.01 to 0.05.
func remitted(t *testing.T, faults ...fault) *world {
	t.Helper()
	w := newWorld(t)
	w.pay(t, 5, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.bank.faults = faults
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
	return w
}

// opened is a session of technique.
func (w *world) opened(t *testing.T) activities.ReadReportsRequest {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `update vacation set state = 'ENDED', ended_at = now() where number = $1`, w.run.Number)
	require.NoError(t, err)
	return activities.ReadReportsRequest{Run: w.newRun(t, vacation.Technique, today+"/close"), Inbox: w.inbox, CutOff: now()}
}

// report is what the bank says of the first bulk.
func (w *world) report(t *testing.T, status message.Status, rejected ...message.Detail) message.Report {
	t.Helper()
	orders := w.bank.read(t, first)
	report := message.Report{
		MessageID: orders.MessageID, Definition: orders.Definition, Orders: orders.Count, Sum: orders.Sum, Status: status,
		Executed: orders.Count - len(rejected), ExecutedSum: orders.Sum, Rejected: rejected,
	}
	for i := range rejected {
		report.ExecutedSum -= rejected[i].Amount
	}
	return report
}

// arrives has a report stand in the inbox.
func (w *world) arrives(t *testing.T, definition, id string, report message.Report) string {
	t.Helper()
	var file bytes.Buffer
	envelope := message.Envelope{Definition: definition, ID: id, CreatedAt: now()}
	require.NoError(t, message.WritePain002(&file, envelope, report))
	path := filepath.Join(w.inbox, id+".xml")
	require.NoError(t, os.WriteFile(path, file.Bytes(), 0o600))
	return path
}

// refusedOrder is the nth payout of the bulk, as the bank refuses it.
func (w *world) refusedOrder(t *testing.T, nth int, code string) message.Detail {
	t.Helper()
	payment := w.bank.read(t, first).Blocks[0].Payments[nth]
	return message.Detail{
		PaymentID: w.bank.read(t, first).Blocks[0].ID, EndToEndID: payment.EndToEndID, Amount: payment.Amount, Code: code,
	}
}

func TestABulkOfUnknownOutcomeThatTheBankReportsOn(t *testing.T) {
	t.Parallel()
	for _, definition := range []string{message.Pain002V03, message.Pain002V10} {
		w := remitted(t, unknownTaken)
		path := w.arrives(t, definition, "R1", w.report(t, message.Accepted))
		request := w.opened(t)
		for range 2 {
			result := must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request)
			require.Equal(t, activities.ReadReportsResult{Reports: 1}, result)
		}
		require.Equal(t, []string{first + " PAYOUT SENT 5 15 2026-03-17 attempted SENT "}, w.facts(t))
		require.NoFileExists(t, path)
		w.prove(t)
	}
}

// TestABulkOfWhichTheBankRefusesACopy: it has the first one, whose money must not go back.
func TestABulkOfWhichTheBankRefusesACopy(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"DU01", "AM05"} {
		w := remitted(t, unknownTaken)
		report := w.report(t, message.Rejected)
		report.Code = reason
		w.arrives(t, message.Pain002V03, "R1", report)
		result := must[activities.ReadReportsResult](t, w, activities.ReadReportsName, w.opened(t))
		require.Equal(t, activities.ReadReportsResult{Reports: 1}, result)
		require.Equal(t, []string{first + " PAYOUT SENT 5 15 2026-03-17 attempted SENT "}, w.facts(t))
		w.prove(t)
	}
}

func TestABulkThatTheBankRefusesWhole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		report func(*world) message.Report
		reason string
	}{
		"the message": {func(w *world) message.Report {
			report := w.report(t, message.Rejected)
			report.Code = "AM10"
			return report
		}, "AM10"},
		"each of its orders": {func(w *world) message.Report {
			all := make([]message.Detail, 5)
			for n := range all {
				all[n] = w.refusedOrder(t, n, "AC04")
			}
			return w.report(t, message.Partly, all...)
		}, "AC04"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := remitted(t)
			w.arrives(t, message.Pain002V03, "R1", test.report(w))
			request := w.opened(t)
			for range 2 {
				result := must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request)
				require.Equal(t, 1, result.RejectedBulks)
			}
			require.Equal(t, []string{first + " PAYOUT REJECTED 5 15 2026-03-17 attempted REJECTED " + test.reason}, w.facts(t))
			require.EqualValues(t, 5*10_00+15, w.number(t, `select sum(credit_cents - debit_cents) from account where code like 'CP.%'`),
				"the CPs have all of it back")
			require.EqualValues(t, 1, w.number(t, `select count(*) from event where type = 'create-rejected-order'`), "one came from Payline")
			w.prove(t)
		})
	}
}

func TestATransferOfOurOwnThatTheBankRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 3, today)
	w.canton(t)
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
	orders := w.bank.read(t, own)
	w.arrives(t, message.Pain002V10, "R1", message.Report{
		MessageID: orders.MessageID, Definition: orders.Definition, Orders: 1, Sum: orders.Sum, Status: message.Partly,
		Rejected: []message.Detail{{PaymentID: orders.Blocks[0].ID, EndToEndID: own, Amount: orders.Sum, Code: "AG01"}},
	})
	request := w.opened(t)
	for range 2 {
		result := must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request)
		require.Equal(t, activities.ReadReportsResult{Reports: 1, RejectedBulks: 1}, result)
	}
	require.EqualValues(t, 0, w.number(t, `select sum(credit_cents - debit_cents) from account where code like 'TR.INT.%'`))
	w.prove(t)
}

// TestOrdersThatTheBankWillNotExecute waits for the bank's account: only it says
// whether the debit leaves them out.
func TestOrdersThatTheBankWillNotExecute(t *testing.T) {
	t.Parallel()
	w := remitted(t)
	w.arrives(t, message.Pain002V03, "R1", w.report(t, message.Partly, w.refusedOrder(t, 1, "AC04"), w.refusedOrder(t, 3, "MD07")))
	request := w.opened(t)
	for range 2 {
		result := must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request)
		require.Equal(t, activities.ReadReportsResult{Reports: 1, RefusedOrders: 2}, result)
	}
	require.Equal(t, []string{first + " PAYOUT SENT 5 15 2026-03-17 attempted SENT "}, w.facts(t))
	require.EqualValues(t, 2, w.number(t, `select count(*) from payout_refusal where code in ('AC04', 'MD07')`))

	// Another report on the same bulk says the same, and something of an order that is nobody's.
	again := w.report(t, message.Partly, w.refusedOrder(t, 1, "AC06"), message.Detail{
		PaymentID: w.bank.read(t, first).Blocks[0].ID, EndToEndID: "NOBODYS", Amount: 1, Code: "AC01",
	})
	again.Orders, again.Sum = 5, 15
	w.arrives(t, message.Pain002V10, "R2", again)
	result := must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request)
	require.Equal(t, activities.ReadReportsResult{Reports: 2, RefusedOrders: 2}, result)
	require.EqualValues(t, 1, w.number(t, `select unknown from bank_report where message_id = 'R2'`))
	require.EqualValues(t, 1, w.number(t, `select count(*) from payout_refusal where code = 'AC04'`), "the first report counts")
	reports, err := filepath.Glob(filepath.Join(string(w.archive), "*.unknown.json"))
	require.NoError(t, err)
	require.Len(t, reports, 1)
	listed, err := os.ReadFile(reports[0])
	require.NoError(t, err)
	require.Contains(t, string(listed), "NOBODYS")
	w.prove(t)
}

// TestTheDetailOfALotIsLeft to its règlement. A report on a bulk that the bank has debited is taken in all the same.
func TestTheDetailOfALotIsLeft(t *testing.T) {
	t.Parallel()
	w := remitted(t)
	path := w.arrives(t, message.Pain002V03, "LOTREJVIR26031700000101", w.report(t, message.Partly, w.refusedOrder(t, 1, "AC04")))
	request := w.opened(t)
	require.Zero(t, must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request))
	require.FileExists(t, path)

	_, err := w.pool.Exec(t.Context(), `update bulk set state = 'EXECUTED'`)
	require.NoError(t, err)
	w.arrives(t, message.Pain002V03, "R2", w.report(t, message.Partly, w.refusedOrder(t, 1, "AC04")))
	require.Equal(t, activities.ReadReportsResult{Reports: 1, RefusedOrders: 1},
		must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request))
	require.Equal(t, []string{first + " PAYOUT EXECUTED 5 15 2026-03-17 attempted SENT "}, w.facts(t))

	whole := w.report(t, message.Rejected)
	whole.Code = "AM10"
	w.arrives(t, message.Pain002V03, "R3", whole)
	_, err = call[activities.ReadReportsResult](t.Context(), w.pool, w.on(w.pool), activities.ReadReportsName, request)
	require.Contains(t, activities.AsFailure(err).Message, "which its account was debited for")
}

func TestReportsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*message.Report)
		want   string
	}{
		"of a message that is not ours": {func(r *message.Report) { r.MessageID = "SOMEBODYELSES" }, `"SOMEBODYELSES", which is none of our bulks`},
		"of another number of orders":   {func(r *message.Report) { r.Orders++; r.Executed++ }, "speaks of 6 orders"},
		"of another sum":                {func(r *message.Report) { r.Sum++; r.ExecutedSum++ }, "0.16"},
	} {
		w := remitted(t)
		wrong := w.report(t, message.Accepted)
		test.change(&wrong)
		path := w.arrives(t, message.Pain002V03, "R1", wrong)
		w.arrives(t, message.Pain002V03, "R2", w.report(t, message.Accepted))
		request := w.opened(t)
		_, err := call[activities.ReadReportsResult](t.Context(), w.pool, w.on(w.pool), activities.ReadReportsName, request)
		failure := activities.AsFailure(err)
		require.Equal(t, vacation.ReportInvalid, failure.Code, name)
		require.Contains(t, failure.Message, test.want, name)
		require.FileExists(t, path, name)
		require.EqualValues(t, 1, w.number(t, `select count(*) from bank_report where message_id = 'R2'`), "%s: the other one is read", name)
	}
}

func TestAReportThatComesAgain(t *testing.T) {
	t.Parallel()
	w := remitted(t)
	w.arrives(t, message.Pain002V03, "R1", w.report(t, message.Accepted))
	request := w.opened(t)
	must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request)

	w.arrives(t, message.Pain002V03, "R1", w.report(t, message.Accepted))
	_, err := call[activities.ReadReportsResult](t.Context(), w.pool, w.on(w.pool), activities.ReadReportsName, request)
	require.Contains(t, activities.AsFailure(err).Message, "the same content")

	w.arrives(t, message.Pain002V03, "R1", w.report(t, message.AcceptedTechnically))
	_, err = call[activities.ReadReportsResult](t.Context(), w.pool, w.on(w.pool), activities.ReadReportsName, request)
	require.Contains(t, activities.AsFailure(err).Message, "another content")
}

func TestAReportThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	w := remitted(t)
	path := w.arrives(t, message.Pain002V03, "R1", w.report(t, message.Accepted))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-20], 0o600))
	request := w.opened(t)
	request.CutOff = now().Add(1)
	require.Zero(t, must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request))

	request.CutOff = now()
	_, err = call[activities.ReadReportsResult](t.Context(), w.pool, w.on(w.pool), activities.ReadReportsName, request)
	require.Equal(t, vacation.ReportInvalid, activities.AsFailure(err).Code)

	require.NoError(t, os.WriteFile(path, whole, 0o600))
	require.Equal(t, 1, must[activities.ReadReportsResult](t, w, activities.ReadReportsName, request).Reports)
}

// TestReadReportsThatDie cuts the activity off at every message to PostgreSQL in turn.
func TestReadReportsThatDie(t *testing.T) {
	t.Parallel()
	w := remitted(t)
	all := make([]message.Detail, 5)
	for n := range all {
		all[n] = w.refusedOrder(t, n, fmt.Sprintf("AC0%d", n+1))
	}
	w.arrives(t, message.Pain002V03, "R1", w.report(t, message.Partly, all...))
	request := w.opened(t)
	for cut := 1; ; cut++ {
		pool, struck := pgtest.Cut(t, w.pool, cut)
		result, err := call[activities.ReadReportsResult](t.Context(), pool, w.on(pool), activities.ReadReportsName, request)
		pool.Close()
		w.prove(t)
		if !struck() {
			require.NoError(t, err)
			require.Equal(t, activities.ReadReportsResult{Reports: 1, RejectedBulks: 1, RefusedOrders: 5}, result)
			require.Greater(t, cut, 4)
			break
		}
	}
	require.EqualValues(t, 5, w.number(t, `select count(*) from entry where kind = 'NOT_SENT'`))
	require.EqualValues(t, 5, w.number(t, `select count(distinct reason) from payout where state = 'REJECTED'`))
}
