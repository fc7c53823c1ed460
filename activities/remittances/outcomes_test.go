package remittances_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/vacation"
)

// endRun ends all runs.
func (w *world) endRun(t testing.TB) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `update vacation set state = 'ENDED', ended_at = now() where state = 'RUNNING'`)
	require.NoError(t, err)
}

// dieIn has a worker die after it handed the bulk over, which the bank treats as
// the fault says, and before this is kept.
func (w *world) dieIn(t testing.TB, what fault) {
	t.Helper()
	for message := 1; ; message++ {
		w.bank.faults = []fault{what}
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := call[any](t.Context(), pool, w.on(pool), activities.DispatchName, w.run)
		pool.Close()
		require.Error(t, err)
		require.True(t, struck())
		if strings.Contains(w.facts(t)[0], " PREPARED ") && !strings.Contains(w.facts(t)[0], "never attempted") && len(w.bank.faults) == 0 {
			return
		}
	}
}

func TestOutcomesAreAskedOfRunsThatAreOver(t *testing.T) {
	t.Parallel()
	const open = "UNKNOWN 3 6 2026-03-17 attempted UNKNOWN "
	for name, test := range map[string]struct {
		does   fault
		knows  func(*fakeBank) // what the channel learned since
		left   int
		then   string
		next   string // after the next run's dispatch
		copies int
	}{
		"the channel still cannot tell": {unknownTaken, func(*fakeBank) {}, 1, open, open, 1},
		"the channel has it now":        {unknownTaken, func(b *fakeBank) { b.has(first) }, 0, "SENT 3 6 2026-03-17 attempted SENT ", "SENT 3 6 2026-03-17 attempted SENT ", 1},
		"the channel does not have it":  {unknown, func(b *fakeBank) { b.has(first) }, 1, open, open, 0},
		"the bank refused it":           {unknown, func(b *fakeBank) { b.has(first); b.rejected[first] = true }, 0, "REJECTED 3 6 2026-03-17 attempted UNKNOWN ", "REJECTED 3 6 2026-03-17 attempted REJECTED MS03", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pay(t, 3, today)
			must[activities.RemitResult](t, w, activities.RemitName, w.run)
			w.bank.faults = []fault{test.does}
			must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
			w.endRun(t)
			test.knows(w.bank)
			for range 2 {
				require.Equal(t, test.left, must[int](t, w, activities.AskOutcomesName, nil))
				require.Equal(t, []string{first + " PAYOUT " + test.then}, w.facts(t))
			}
			w.prove(t)
			next := w.newRun(t, vacation.Technique, "2026-03-18")
			must[activities.DispatchResult](t, w, activities.DispatchName, next)
			require.Equal(t, []string{first + " PAYOUT " + test.next}, w.facts(t))
			require.Equal(t, test.copies, w.bank.accepted[first])
			w.prove(t)
		})
	}
}

// TestOutcomesOfAttemptsThatNobodyEnded asks about those of a run that is over, and of no other.
func TestOutcomesOfAttemptsThatNobodyEnded(t *testing.T) {
	t.Parallel()
	const attempted, sent = first + " PAYOUT PREPARED 2 3 2026-03-17 attempted PREPARED ", first + " PAYOUT SENT 2 3 2026-03-17 attempted SENT "
	for name, test := range map[string]struct {
		does   fault
		left   int
		then   string
		copies int
	}{
		"the bank has it":           {none, 0, sent, 1},
		"the bank does not have it": {losesIt, 1, attempted, 0},
		"nobody can tell":           {unknown, 1, attempted, 0},
		"nobody can tell, it has":   {unknownTaken, 1, attempted, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pay(t, 2, today)
			must[activities.RemitResult](t, w, activities.RemitName, w.run)
			w.dieIn(t, test.does)
			require.Zero(t, must[int](t, w, activities.AskOutcomesName, nil), "the run goes on, and finds out by itself")
			require.Equal(t, []string{attempted}, w.facts(t))
			w.endRun(t)
			for range 2 {
				require.Equal(t, test.left, must[int](t, w, activities.AskOutcomesName, nil))
				require.Equal(t, []string{test.then}, w.facts(t))
				require.Equal(t, test.copies, w.bank.accepted[first], "nothing was sent")
			}
			next := w.newRun(t, vacation.Financiere, "2026-03-18")
			must[activities.DispatchResult](t, w, activities.DispatchName, next)
			require.LessOrEqual(t, w.bank.accepted[first], 1)
			w.prove(t)
		})
	}
}

// TestACantonnementOfUnknownOutcome is left open by its financière, which is over, and is settled without another.
func TestACantonnementOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 4, today)
	w.canton(t)
	w.bank.faults = []fault{unknownTaken}
	require.Equal(t, activities.DispatchResult{Unknown: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	w.endRun(t)
	require.Equal(t, 1, must[int](t, w, activities.AskOutcomesName, nil))
	require.Equal(t, []string{own + " CANTONNEMENT UNKNOWN 1 4010 2026-03-17 attempted UNKNOWN"}, w.facts(t))
	require.True(t, w.bank.has(own))
	require.Zero(t, must[int](t, w, activities.AskOutcomesName, nil))
	require.Equal(t, []string{own + " CANTONNEMENT SENT 1 4010 2026-03-17 attempted SENT"}, w.facts(t))
	require.Equal(t, map[string]int{own: 1}, w.bank.accepted)
	w.prove(t)
}

// TestOutcomesAreAskedTwiceAtOnceAndByADeadWorker: cut off at every message to
// PostgreSQL in turn, and then by several at once.
func TestOutcomesAreAskedTwiceAtOnceAndByADeadWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.pay(t, 2, today)
		must[activities.RemitResult](t, w, activities.RemitName, w.run)
	}
	const third = "MONEXTEUR20260317003"
	w.bank.faults = []fault{unknownTaken, unknown, unknown}
	require.Equal(t, activities.DispatchResult{Unknown: 3}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	w.endRun(t)
	for _, name := range []string{first, second, third} {
		w.bank.has(name)
	}
	w.bank.rejected[second] = true
	events := w.number(t, `select last_seq from vacation`)
	cuts := 0
	for message := 1; ; message++ {
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := call[int](t.Context(), pool, w.on(pool), activities.AskOutcomesName, nil)
		pool.Close()
		w.prove(t)
		if !struck() {
			require.NoError(t, err)
			break
		}
		cuts++
	}
	require.Greater(t, cuts, 4)
	want := []string{
		first + " PAYOUT SENT 2 3 2026-03-17 attempted SENT ", second + " PAYOUT REJECTED 2 3 2026-03-17 attempted UNKNOWN ",
		third + " PAYOUT UNKNOWN 2 3 2026-03-17 attempted UNKNOWN ",
	}
	require.Equal(t, want, w.facts(t))
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() {
			if left, err := call[int](context.WithoutCancel(t.Context()), w.pool, w.on(w.pool), activities.AskOutcomesName, nil); err != nil || left != 1 {
				t.Error(left, err)
			}
		})
	}
	asking.Wait()
	require.Equal(t, want, w.facts(t))
	require.Equal(t, map[string]int{first: 1}, w.bank.accepted)
	require.Equal(t, events, w.number(t, `select last_seq from vacation`))
}
