package erp_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

// everything is a database in which a bit of all stands that may be posted.
func everything(t testing.TB, w *world) {
	t.Helper()
	w.merchant(t, "1A1", "N0000001")
	w.merchant(t, "1A2", "")
	w.bulk(t, "OLD", yesterday, "SENT", payout{"old", "1A1", 100, "SENT"})
	w.bulk(t, "HERE", today, "PREPARED", payout{"here", "1A1", 100, "PREPARED"})
	w.bulk(t, "LOST", today, "UNKNOWN", payout{"lost", "1A1", 100, "UNKNOWN"})
	w.bulk(t, "SENT", today, "SENT",
		payout{"sent", "1A1", 100, "SENT"}, payout{"executed", "1A1", 250, "EXECUTED"}, payout{"back", "1A1", 300, "REJECTED"},
		payout{"nobody", "1A2", 400, "SENT"}, payout{"stranger", "1A3", 500, "SENT"})
	w.bulk(t, "DONE", today, "EXECUTED", payout{"done", "1A1", 600, "EXECUTED"})
	w.settlement(t, "00000120260317UEP", "TRANSACTION", today, "ENDED", 123_456)
	w.settlement(t, "00000220260316UEP", "TRANSACTION", yesterday, "ENDED", 100)
	w.settlement(t, "00000320260317UEP", "TRANSACTION", today, "RUNNING", 100)
	w.settlement(t, "00000420260317UEP", "IMPAYE", today, "ENDED", 100)
	w.settlement(t, "00000520260317UEP", "TRANSACTION", today, "ENDED", -100)
}

func planned() []string {
	return []string{
		"PAYOUT sent 1 998 N0000001 2 transfer 100 RGV:sent 2026-03-17 PREPARED,  0",
		"PAYOUT executed 1 998 N0000001 2 transfer 250 RGV:executed 2026-03-17 PREPARED,  0",
		"PAYOUT nobody 1 998  2 transfer 400 RGV:nobody 2026-03-17 INVALID, INVALID 0",
		"PAYOUT stranger 1 998  2 transfer 500 RGV:stranger 2026-03-17 INVALID, INVALID 0",
		"PAYOUT done 1 998 N0000001 2 transfer 600 RGV:done 2026-03-17 PREPARED,  0",
		"SETTLEMENT 00000120260317UEP 1 998 C0000001 1 card 123456 RGR:00000120260317UEP 2026-03-17 PREPARED,  0",
	}
}

// unnumbered are the facts without the postings' numbers, which have gaps where a
// transaction was rolled back.
func (w *world) unnumbered(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select concat_ws(' ', kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, state || ',', class,
		       attempts)
		from erp_posting order by number`)
}

func TestWhatIsPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Zero(t, w.plan(t))
	require.Zero(t, w.waker.times(), "nothing is due")

	everything(t, w)
	require.Equal(t, len(planned()), w.plan(t))
	require.Equal(t, planned(), w.unnumbered(t))
	require.Equal(t, []string{dossier}, w.waker.woken)
	require.Contains(t, w.texts(t, `select detail from erp_posting where reference = 'nobody'`)[0], "erpThirdParty")

	require.Zero(t, w.plan(t))
	require.Equal(t, planned(), w.unnumbered(t))
	require.Equal(t, 2, w.waker.times(), "who planned before may not have come to it")

	// What the bank took in the meantime is planned the next time.
	w.exec(t, `update payout set state = 'SENT' where ref_externe = 'lost'`)
	w.exec(t, `update bulk set state = 'SENT' where name = 'LOST'`)
	require.Equal(t, 1, w.plan(t))
	require.Zero(t, w.plan(t))

	w.waker.fails = errors.New("no Temporal")
	_, err := call[activities.PlanPostingsResult](t.Context(), w.on(w.pool), activities.PlanPostingsName, nil)
	require.ErrorContains(t, err, "no Temporal")
}

func TestWithoutAnERPNothingIsPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everything(t, w)
	none := erp.New(erp.Parts{Pool: w.pool, Clock: now})
	result, err := call[activities.PlanPostingsResult](t.Context(), none, activities.PlanPostingsName, nil)
	require.NoError(t, err)
	require.Zero(t, result.Planned)
	require.Empty(t, w.facts(t))
}

func TestPlanningTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	everything(t, w)
	var sum atomic.Int64
	errs := make(chan error, 6)
	var all sync.WaitGroup
	for range cap(errs) {
		all.Go(func() {
			result, err := call[activities.PlanPostingsResult](t.Context(), w.on(w.pool), activities.PlanPostingsName, nil)
			sum.Add(int64(result.Planned))
			errs <- err
		})
	}
	all.Wait()
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
	require.Equal(t, len(planned()), int(sum.Load()))
	require.ElementsMatch(t, planned(), w.unnumbered(t))
}

func TestPlanningCutAtEachMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.merchant(t, "1A1", "N0000001")
	for message := 1; ; message++ {
		bulk, settlement := fmt.Sprintf("BULK%03d", message), fmt.Sprintf("%06d20260317UEP", message)
		w.bulk(t, bulk, today, "SENT", payout{bulk + "-1", "1A1", 1, "SENT"}, payout{bulk + "-2", "1A1", 2, "SENT"})
		w.settlement(t, settlement, "TRANSACTION", today, "ENDED", 3)
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := call[activities.PlanPostingsResult](t.Context(), w.on(pool), activities.PlanPostingsName, nil)
		before := w.waker.times()
		w.plan(t)
		require.Greater(t, w.waker.times(), before)
		require.ElementsMatch(t,
			[]string{"PAYOUT " + bulk + "-1 1 1", "PAYOUT " + bulk + "-2 1 2", "SETTLEMENT " + settlement + " 1 3"},
			w.texts(t, fmt.Sprintf(`select concat_ws(' ', kind, reference, attempt, amount_cents) from erp_posting
				where reference like '%s%%' or reference = '%s'`, bulk, settlement)), "cut at message %d", message)
		if !struck() {
			require.NoError(t, err)
			require.Greater(t, message, 10)
			return
		}
	}
}
