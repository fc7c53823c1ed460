package workflows_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// ledger plays the postings of a dossier: what each attempt at one comes to, and
// each look for it.
type ledger struct {
	*scene

	attempts map[int][]divalto.Class
	finds    map[int][]activities.FindPostingResult
	posted   []int
	looked   []int
}

func newLedger() *ledger {
	l := &ledger{
		scene:    newScene(vacation.Financiere, "2026-03-17"),
		attempts: make(map[int][]divalto.Class), finds: make(map[int][]activities.FindPostingResult),
	}
	l.says[activities.PostSettlementName] = func(times int) any {
		after := unmarshal(l.inputs[activities.PostSettlementName][times], &activities.PostSettlementRequest{}).After
		for number := after + 1; number <= len(l.attempts); number++ {
			if classes := l.attempts[number]; len(classes) > 0 {
				l.attempts[number] = classes[1:]
				l.posted = append(l.posted, number)
				return activities.PostSettlementResult{Number: number, Class: string(classes[0])}
			}
		}
		return activities.PostSettlementResult{}
	}
	l.says[activities.FindPostingName] = func(times int) any {
		number := unmarshal(l.inputs[activities.FindPostingName][times], &activities.FindPostingRequest{}).Number
		l.looked = append(l.looked, number)
		found := l.finds[number][0]
		l.finds[number] = l.finds[number][1:]
		return found
	}
	return l
}

func (l *ledger) post(t testing.TB, env *testsuite.TestWorkflowEnvironment) workflows.PostingTotals {
	t.Helper()
	totals, err := outcome[workflows.PostingTotals](t, env, workflows.PostingName, workflows.PostingRequest{Dossier: "998"})
	require.NoError(t, err)
	return totals
}

func found(class divalto.Class, due bool) activities.FindPostingResult {
	return activities.FindPostingResult{Class: string(class), Due: due}
}

func TestPostingsGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.attempts[1] = []divalto.Class{divalto.Accepted}
	l.attempts[2] = []divalto.Class{divalto.Rejected}
	l.attempts[3] = []divalto.Class{divalto.Invalid}
	l.attempts[4] = []divalto.Class{divalto.Accepted}
	require.Equal(t, workflows.PostingTotals{Accepted: 2, Refused: 2}, l.post(t, l.environment(t)))
	require.Equal(t, []int{1, 2, 3, 4}, l.posted)
	require.Empty(t, l.looked)
}

func TestAPostingOfUnknownOutcomeIsLookedFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		class  divalto.Class
		finds  []activities.FindPostingResult
		looked int
		totals workflows.PostingTotals
	}{
		"found at once":       {divalto.Unknown, []activities.FindPostingResult{found(divalto.Accepted, false)}, 1, workflows.PostingTotals{Accepted: 2}},
		"an id that is found": {divalto.AcceptedWithoutID, []activities.FindPostingResult{found(divalto.Accepted, false)}, 1, workflows.PostingTotals{Accepted: 2}},
		"found later": {divalto.Unknown, []activities.FindPostingResult{
			found(divalto.Unknown, false), found(divalto.Unknown, false), found(divalto.Accepted, false),
		}, 3, workflows.PostingTotals{Accepted: 2}},
		"never found": {divalto.Unknown, []activities.FindPostingResult{
			found(divalto.Unknown, false), found(divalto.Unknown, false), found(divalto.Unknown, false),
		}, 3, workflows.PostingTotals{Accepted: 1, Unknown: 1}},
		"booked, of no id": {divalto.AcceptedWithoutID, []activities.FindPostingResult{
			found(divalto.AcceptedWithoutID, false), found(divalto.AcceptedWithoutID, false), found(divalto.AcceptedWithoutID, false),
		}, 3, workflows.PostingTotals{Accepted: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			l.attempts[1] = []divalto.Class{test.class}
			l.attempts[2] = []divalto.Class{divalto.Accepted}
			l.finds[1] = test.finds
			require.Equal(t, test.totals, l.post(t, l.environment(t)))
			require.Len(t, l.looked, test.looked)
			require.Equal(t, []int{1, 2}, l.posted, "it is never posted again")
		})
	}
}

func TestATechnicalErrorIsPostedAgainOnceTheERPHasNothingOfIt(t *testing.T) {
	t.Parallel()
	due := found(divalto.TechnicalError, true)
	l := newLedger()
	l.attempts[1] = []divalto.Class{divalto.TechnicalError, divalto.TechnicalError, divalto.Accepted}
	l.finds[1] = []activities.FindPostingResult{due, due}
	require.Equal(t, workflows.PostingTotals{Accepted: 1}, l.post(t, l.environment(t)))
	require.Equal(t, []int{1, 1, 1}, l.posted)

	l = newLedger()
	l.attempts[1] = []divalto.Class{divalto.TechnicalError, divalto.TechnicalError, divalto.TechnicalError, divalto.TechnicalError}
	l.attempts[2] = []divalto.Class{divalto.Accepted}
	l.finds[1] = []activities.FindPostingResult{due, due, due}
	require.Equal(t, workflows.PostingTotals{Accepted: 1, Left: 1}, l.post(t, l.environment(t)), "the next ones do not wait for it")
	require.Equal(t, []int{1, 1, 1, 2}, l.posted)
}

func TestAnERPThatCannotBeReachedIsTriedForAnHour(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.attempts[1] = []divalto.Class{divalto.NotSent, divalto.AuthFailed, divalto.NotSent, divalto.Accepted}
	l.attempts[2] = []divalto.Class{divalto.Accepted}
	env := l.environment(t)
	require.Equal(t, workflows.PostingTotals{Accepted: 2}, l.post(t, env))
	require.Equal(t, 35*time.Second, env.Now().Sub(morning()).Truncate(time.Second), "5, 10 and 20 s")

	l = newLedger()
	for range 20 {
		l.attempts[1] = append(l.attempts[1], divalto.NotSent)
	}
	env = l.environment(t)
	require.Equal(t, workflows.PostingTotals{Left: 1}, l.post(t, env))
	require.Len(t, l.posted, 12)
	require.InDelta(t, time.Hour, env.Now().Sub(morning()), float64(20*time.Minute))
}

func TestWhatIsPlannedMeanwhileIsPosted(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.attempts[1] = []divalto.Class{divalto.TechnicalError, divalto.TechnicalError, divalto.TechnicalError, divalto.Accepted}
	l.finds[1] = []activities.FindPostingResult{
		found(divalto.TechnicalError, true), found(divalto.TechnicalError, true), found(divalto.TechnicalError, true),
	}
	l.attempts[2] = []divalto.Class{divalto.Accepted}
	env := l.environment(t)
	l.before[activities.PostSettlementName] = func(_ context.Context, times int) error {
		if times == 4 { // when the end is near
			env.SignalWorkflow(workflows.PostingSignal, nil)
		}
		return nil
	}
	require.Equal(t, workflows.PostingTotals{Accepted: 2, Left: 1}, l.post(t, env))
	require.Equal(t, []int{1, 1, 1, 2, 1}, l.posted, "what was left is tried again when somebody asks")
}

func TestAskingEndsAPause(t *testing.T) {
	t.Parallel()
	l := newLedger()
	l.attempts[1] = []divalto.Class{divalto.NotSent, divalto.NotSent, divalto.NotSent, divalto.NotSent, divalto.NotSent, divalto.NotSent, divalto.Accepted}
	env := l.environment(t)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.PostingSignal, nil) }, 4*time.Minute)
	require.Equal(t, workflows.PostingTotals{Accepted: 1}, l.post(t, env))
	require.Equal(t, 4*time.Minute, env.Now().Sub(morning()).Truncate(time.Second))
}

func TestAskingInTheLastPauseIsHeard(t *testing.T) {
	t.Parallel()
	l := newLedger()
	for range 12 {
		l.attempts[1] = append(l.attempts[1], divalto.NotSent)
	}
	l.attempts[1] = append(l.attempts[1], divalto.Accepted)
	env := l.environment(t)
	env.RegisterDelayedCallback(func() {
		require.Len(t, l.posted, 12)
		env.SignalWorkflow(workflows.PostingSignal, nil)
	}, 55*time.Minute)
	require.Equal(t, workflows.PostingTotals{Accepted: 1}, l.post(t, env))
	require.Len(t, l.posted, 13)
}

// TestPostingWithoutEndBeginsAFreshHistory, which goes on where the last one ended:
// what fails at the beginning does not keep the others waiting for ever.
func TestPostingWithoutEndBeginsAFreshHistory(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{false, true} {
		t.Run(strconv.FormatBool(asked), func(t *testing.T) {
			t.Parallel()
			l := newLedger()
			for number := range 600 {
				l.attempts[number+1] = []divalto.Class{divalto.Accepted}
			}
			l.attempts[1] = append(l.attempts[1], divalto.Accepted) // as if it was left, and is due again
			env := l.environment(t)
			l.before[activities.PostSettlementName] = func(_ context.Context, times int) error {
				if asked && times == 100 {
					env.SignalWorkflow(workflows.PostingSignal, nil)
				}
				return nil
			}
			_, err := outcome[workflows.PostingTotals](t, env, workflows.PostingName, workflows.PostingRequest{Dossier: "998"})
			var fresh *workflow.ContinueAsNewError
			require.ErrorAs(t, err, &fresh)
			require.Len(t, l.posted, 500)
			var next workflows.PostingRequest
			require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(fresh.Input, &next))
			require.Equal(t, workflows.PostingRequest{Dossier: "998", After: 500, Again: asked}, next)

			rest := newLedger()
			rest.attempts = l.attempts
			want := workflows.PostingTotals{Accepted: 100}
			if asked {
				want.Accepted++
			}
			got, err := outcome[workflows.PostingTotals](t, rest.environment(t), workflows.PostingName, next)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, 501, rest.posted[0])
			require.Equal(t, asked, rest.posted[len(rest.posted)-1] == 1)
		})
	}
}
