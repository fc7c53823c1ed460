package erp_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/operator"
	standin "github.com/reglo/reglo/deploy/partners/divalto"
	"github.com/reglo/reglo/domain/calendar"
	words "github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/vacation"
)

func (w *world) desk() *erp.Desk {
	return &erp.Desk{Pool: w.pool, Settings: w.settings, Waker: w.waker, Actors: operator.Actors{"alice", "bruno"}, Clock: now}
}

func alice() activities.Answer {
	return activities.Answer{Actor: "alice", Reason: "asked the accountants"}
}

// numbers are the postings' own, in their order.
func (w *world) numbers(t testing.TB) (numbers []int64) {
	t.Helper()
	for _, text := range w.texts(t, `select number::text from erp_posting order by number`) {
		number, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		numbers = append(numbers, number)
	}
	return numbers
}

func (w *world) acts(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `select concat_ws(' ', act, subject, before, after, actor, reason) from operator_act order by number`)
}

// refused wants a decision that changed nothing, for a reason.
func refused(t testing.TB, err error, why string) {
	t.Helper()
	failure, is := errors.AsType[*vacation.Failure](err)
	require.True(t, is, "%v", err)
	require.Equal(t, vacation.Refused, failure.Code)
	require.Contains(t, failure.Message, why)
}

func TestWhatWasRefusedIsAttemptedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 2)
	w.merchant(t, "1A2", "")
	w.bulk(t, "MORE", today, "SENT", payout{"ref-3", "1A2", 777, "SENT"})
	w.settlement(t, "00000120260317UEP", "TRANSACTION", today, "ENDED", 123_456)
	w.plan(t)
	w.breaks(t, "rejected=4*2")
	w.drive(t)
	require.Equal(t, []string{"ref-1 REJECTED", "ref-2 REJECTED", "ref-3 INVALID", "00000120260317UEP ACCEPTED"}, w.states(t))
	numbers := w.numbers(t)
	woken := w.waker.times()

	_, err := w.desk().Retry(t.Context(), numbers[:3], alice())
	refused(t, err, "erpThirdParty")
	require.Len(t, w.states(t), 4, "all of them or none")
	require.Empty(t, w.acts(t))
	_, err = w.desk().Retry(t.Context(), numbers[3:], alice())
	refused(t, err, "is ACCEPTED and is not retried")
	_, err = w.desk().Retry(t.Context(), numbers[:1], activities.Answer{Actor: "mallory", Reason: "why not"})
	refused(t, err, "mallory")
	require.Equal(t, woken, w.waker.times())

	// The merchant has a third party since, the other one another.
	w.exec(t, `update merchant set erp_third_party = 'N0000003' where account_id = '1A2'`)
	w.exec(t, `update merchant set erp_third_party = 'N0000009' where account_id = '1A00000001'`)
	changes, err := w.desk().Retry(t.Context(), numbers[:3], alice())
	require.NoError(t, err)
	require.Equal(t, woken+1, w.waker.times())
	require.Len(t, changes, 3)
	require.Equal(t, "RGV:ref-1/2", changes[0].Label)
	require.Equal(t, erp.Rejected, changes[0].Before)
	require.Equal(t, erp.Prepared, changes[0].After)
	require.Equal(t, []string{
		"erp-retry RGV:ref-1 REJECTED PREPARED alice asked the accountants",
		"erp-retry RGV:ref-2 REJECTED PREPARED alice asked the accountants",
		"erp-retry RGV:ref-3 INVALID PREPARED alice asked the accountants",
	}, w.acts(t))

	_, err = w.desk().Retry(t.Context(), numbers[:1], alice())
	refused(t, err, "newer attempt")
	w.drive(t)
	require.Equal(t, []string{
		"ref-1 REJECTED", "ref-2 REJECTED", "ref-3 INVALID", "00000120260317UEP ACCEPTED", "ref-1 ACCEPTED", "ref-2 ACCEPTED", "ref-3 ACCEPTED",
	}, w.states(t))
	w.prove(t)
	for _, booking := range w.erp.Bookings() {
		require.NotEqual(t, "N0000001", booking.ThirdParty)
	}
	require.Zero(t, w.plan(t))
}

func TestDoubtIsDecidedByAnOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 2)
	w.breaks(t, "server-error*1", "no-id*1", "recordsql/empty-result")
	w.drive(t)
	require.Equal(t, []string{"ref-1 UNKNOWN", "ref-2 ACCEPTED_WITHOUT_ID"}, w.states(t))
	numbers := w.numbers(t)
	waiting, err := erp.List(t.Context(), w.pool, erp.Filter{Operator: true})
	require.NoError(t, err)
	require.Len(t, waiting, 2)

	_, err = w.desk().Resolve(t.Context(), numbers[1], "with spaces", alice())
	refused(t, err, "letters and digits")
	_, err = w.desk().Resolve(t.Context(), 99_999, "1", alice())
	refused(t, err, "no posting 99999")
	_, err = w.desk().Retry(t.Context(), numbers[1:], alice())
	refused(t, err, "is ACCEPTED_WITHOUT_ID and is not retried")

	change, err := w.desk().Resolve(t.Context(), numbers[1], w.erp.Bookings()[0].TransactionID, alice())
	require.NoError(t, err)
	require.Equal(t, erp.Change{Number: numbers[1], Label: "RGV:ref-2", Before: erp.AcceptedWithoutID, After: erp.Accepted}, change)
	_, err = w.desk().Resolve(t.Context(), numbers[1], "1", alice())
	refused(t, err, "is ACCEPTED and is not resolved")
	w.exec(t, `update erp_posting set class = 'UNKNOWN' where state = 'ACCEPTED'`)
	asked := w.erp.Calls(standin.RecordSQL)
	require.Equal(t, activities.FindPostingResult{Class: string(words.Accepted)}, w.find(t, int(numbers[1])), "a run at work goes on")
	require.Equal(t, asked, w.erp.Calls(standin.RecordSQL))

	elsewhere := w.desk()
	elsewhere.Settings.Options.Dossier.Dos = "999"
	_, err = elsewhere.Retry(t.Context(), numbers[:1], alice())
	refused(t, err, "of dossier 998, which is not that of these settings")

	changes, err := w.desk().Retry(t.Context(), numbers[:1], alice())
	require.NoError(t, err)
	require.Equal(t, []erp.Change{{Number: numbers[0], Label: "RGV:ref-1", Before: erp.Unknown, After: erp.Prepared}}, changes)

	// Again unknown, and decided anew: another entry of the journal.
	w.breaks(t, "server-error*1", "recordsql/empty-result")
	w.drive(t)
	_, err = w.desk().Retry(t.Context(), numbers[:1], alice())
	require.NoError(t, err)
	w.breaks(t)
	w.drive(t)
	require.Equal(t, []string{"ref-1 ACCEPTED", "ref-2 ACCEPTED"}, w.states(t))
	require.Len(t, w.acts(t), 3)
	w.prove(t)
	waiting, err = erp.List(t.Context(), w.pool, erp.Filter{Operator: true})
	require.NoError(t, err)
	require.Empty(t, waiting)
}

func TestOneDecisionOfTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.breaks(t, "rejected*1")
	w.drive(t)
	var both sync.WaitGroup
	var lock sync.Mutex
	done := 0
	for range 4 {
		both.Go(func() {
			if _, err := w.desk().Retry(t.Context(), w.numbers(t), alice()); err == nil {
				lock.Lock()
				defer lock.Unlock()
				done++
			}
		})
	}
	both.Wait()
	require.Equal(t, 1, done)
	require.Equal(t, []string{"ref-1 REJECTED", "ref-1 PREPARED"}, w.states(t))
	require.Len(t, w.acts(t), 1)
}

func TestADeposit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 1)
	w.settlement(t, "00000120260317UEP", "TRANSACTION", today, "ENDED", 39_00)
	w.settlement(t, "00000220260317UEP", "TRANSACTION", today, "ENDED", 150_00)
	w.settlement(t, "00000320260317UEP", "TRANSACTION", today, "ENDED", 1_00)
	w.plan(t)
	numbers := w.numbers(t)
	date, err := calendar.ParseDate(today)
	require.NoError(t, err)
	request := erp.DepositRequest{Name: "REM-1", Bank: "BNP", Items: numbers[1:3], Date: date}
	_, err = w.desk().Deposit(t.Context(), request, alice())
	refused(t, err, "is PREPARED and is no item")
	w.drive(t)

	for why, wrong := range map[string]erp.DepositRequest{
		"is not in portfolio":   {Name: "REM-1", Bank: "BNP", Items: numbers[:1], Date: date},
		"has a name":            {Bank: "BNP", Items: numbers[1:3], Date: date},
		"another line takes":    {Name: "REM-1", Bank: "BNP", Items: []int64{numbers[1], numbers[1]}, Date: date},
		"BQC":                   {Name: "REM-1", Items: numbers[1:3], Date: date},
		"there is no posting 9": {Name: "REM-1", Bank: "BNP", Items: []int64{99_999}, Date: date},
	} {
		_, err = w.desk().Deposit(t.Context(), wrong, alice())
		refused(t, err, why)
	}
	change, err := w.desk().Deposit(t.Context(), request, alice())
	require.NoError(t, err)
	require.Equal(t, "RGB:REM-1", change.Label)
	again, err := w.desk().Deposit(t.Context(), request, alice())
	require.NoError(t, err)
	require.Equal(t, change.Number, again.Number)
	_, err = w.desk().Deposit(t.Context(), erp.DepositRequest{Name: "REM-1", Bank: "SG", Items: numbers[1:3], Date: date}, alice())
	refused(t, err, "there already")
	_, err = w.desk().Deposit(t.Context(), erp.DepositRequest{Name: "REM-2", Bank: "BNP", Items: numbers[2:4], Date: date}, alice())
	refused(t, err, "in deposit REM-1 already")
	require.Equal(t, []string{"erp-deposit RGB:REM-1  PREPARED alice asked the accountants"}, w.acts(t))

	w.breaks(t, "rejected*1")
	w.drive(t)
	require.Equal(t, "REM-1 REJECTED", w.states(t)[4])
	_, err = w.desk().Retry(t.Context(), []int64{change.Number}, alice())
	require.NoError(t, err)
	w.drive(t)
	require.Equal(t, "REM-1 ACCEPTED", w.states(t)[5])
	w.prove(t)
	bookings := w.erp.Bookings()
	deposit := bookings[len(bookings)-1]
	require.Equal(t, int64(189_00), deposit.Cents)
	require.Equal(t, "BNP", deposit.Bank)
	require.Equal(t, "C50", deposit.State)
	require.Equal(t, []string{bookings[1].TransactionID, bookings[2].TransactionID}, deposit.Items)

	shown, err := erp.Show(t.Context(), w.pool, "RGB:REM-1/2")
	require.NoError(t, err)
	require.Len(t, shown.Items, 2)
	require.Equal(t, deposit.TransactionID, shown.Transaction)
	require.Len(t, shown.Calls, 1)
}

// TestARetriedDepositWaitsForOneThatIsBeingMade, which takes the same item.
func TestARetriedDepositWaitsForOneThatIsBeingMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settlement(t, "00000120260317UEP", "TRANSACTION", today, "ENDED", 39_00)
	w.plan(t)
	w.drive(t)
	date, err := calendar.ParseDate(today)
	require.NoError(t, err)
	item := w.numbers(t)[0]
	change, err := w.desk().Deposit(t.Context(), erp.DepositRequest{Name: "REM-1", Bank: "BNP", Items: []int64{item}, Date: date}, alice())
	require.NoError(t, err)
	w.breaks(t, "rejected*1")
	w.drive(t)

	other, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }() // nothing once it is committed
	_, err = other.Exec(t.Context(), `select from erp_posting where number = $1 for update`, item)
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), `
		with d as (insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, bank,
			posting_date, planned_at, state)
			values ('DEPOSIT', 'REM-2', 1, '998', '', 1, 'deposit', 3900, 'RGB:REM-2', 'BNP', '2026-03-17', now(), 'PREPARED') returning number)
		insert into erp_deposit_item (deposit, ordinal, item) select number, 1, $1 from d`, item)
	require.NoError(t, err)
	retried := make(chan error, 1)
	go func() {
		_, err := w.desk().Retry(t.Context(), []int64{change.Number}, alice())
		retried <- err
	}()
	require.Eventually(t, func() bool {
		return len(w.texts(t, `select 'waits' from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)) > 0
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, other.Commit(t.Context()))
	refused(t, <-retried, "in deposit REM-2 already")
	require.Equal(t, []string{"00000120260317UEP ACCEPTED", "REM-1 REJECTED", "REM-2 PREPARED"}, w.states(t))
}

func TestWhatIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.some(t, 3)
	w.breaks(t, "malformed*1", "rejected=7*1")
	w.drive(t)
	list, err := erp.List(t.Context(), w.pool, erp.Filter{})
	require.NoError(t, err)
	require.Len(t, list, 3)
	rejected, err := erp.List(t.Context(), w.pool, erp.Filter{State: erp.Rejected})
	require.NoError(t, err)
	require.Len(t, rejected, 1)

	shown, err := erp.Show(t.Context(), w.pool, rejected[0].Label)
	require.NoError(t, err)
	require.Equal(t, rejected[0], shown.Listed)
	require.NotEmpty(t, shown.Correlation)
	require.Contains(t, shown.Vacation, "vacation-financiere/")
	require.Len(t, shown.PayloadSHA256, 64)
	require.Len(t, shown.Calls, 1)
	require.Equal(t, "7", shown.Calls[0].ResultCode)
	require.Contains(t, string(shown.Calls[0].Reply), "resultcode")
	byNumber, err := erp.Show(t.Context(), w.pool, strconv.FormatInt(shown.Number, 10))
	require.NoError(t, err)
	require.Equal(t, shown, byNumber)
	for _, unknown := range []string{"RGV:nothing", "99999"} {
		_, err = erp.Show(t.Context(), w.pool, unknown)
		refused(t, err, "there is no posting")
	}
	require.ElementsMatch(t, []string{"POST ACCEPTED 1 1", "POST ACCEPTED 2 1", "POST REJECTED 1 1"},
		w.texts(t, `select concat_ws(' ', what, class, tier, calls) from erp_tally`))
}
