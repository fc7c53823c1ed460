package workflows_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// late is a lot of rejects whose file is not there before the n-th look.
func late(looks int) *scene {
	on := newScene(vacation.ReglementVirements, reference)
	on.says[activities.LoadRejectsName] = func(times int) any {
		return activities.LoadRejectsResult{Found: times+1 >= looks}
	}
	// Nobody brings the file: the poll is ended by the answer.
	on.before[activities.AwaitFileName] = func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}
	return on
}

func await(t testing.TB, env *testsuite.TestWorkflowEnvironment) (vacation.VirementsTotals, error) {
	t.Helper()
	return outcome[vacation.VirementsTotals](t, env, workflows.ReglementVirementsName, newRequest())
}

// whileWaiting calls back once the run polls for its file.
func whileWaiting(on *scene, env *testsuite.TestWorkflowEnvironment, then func()) {
	poll := on.before[activities.AwaitFileName]
	on.before[activities.AwaitFileName] = func(ctx context.Context, times int) error {
		if times == 0 {
			env.RegisterDelayedCallback(then, 0)
		}
		return poll(ctx, times)
	}
}

func TestAWaitTellsWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	board := watch(env)
	got := &reply{}
	whileWaiting(on, env, func() {
		waiting := waitingFor(t, env)
		require.Equal(t, vacation.StageAwaiting, waiting.Stage)
		require.Contains(t, waiting.What, newRequest().File)
		require.NotContains(t, waiting.What, "**")
		require.True(t, waiting.Until.Equal(newRequest().CutOff))
		require.False(t, waiting.Since.Before(morning()))
		require.Equal(t, []string{workflows.RetryUpdate, workflows.AbortUpdate}, waiting.Answers)
		require.Equal(t, true, board.attribute(workflows.AttributeNeedsOperator))
		require.Contains(t, details(t, env), "**retry**, **abort**")
		send(env, got, workflows.RetryUpdate, workflows.AnswerRequest{Actor: "bruno"})
	})
	result, err := await(t, env)
	require.NoError(t, err)
	require.Equal(t, 10, result.Orders)
	require.NoError(t, got.err)
	require.True(t, got.done)
	require.Contains(t, got.text, "retry by bruno")
	require.Equal(t, false, board.attribute(workflows.AttributeNeedsOperator))
	require.Empty(t, waitingFor(t, env))
	record := input[activities.RecordAnswerRequest](t, on, activities.RecordAnswerName, 0)
	require.Equal(t, on.run, record.Run)
	require.Equal(t, "retry", record.Act)
	require.Equal(t, "bruno", record.Answer.Actor)
	require.NotEmpty(t, record.Answer.ID)
	require.Equal(t, string(vacation.StageAwaiting), record.Before)
}

func TestAnAnswerThatDoesNotFitIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]struct {
		update  string
		request workflows.AnswerRequest
		because string
	}{
		"another act": {workflows.ApproveUpdate, by("bruno"), "cannot be answered by approve at awaiting-file: it takes retry, abort"},
		"nobody":      {workflows.RetryUpdate, workflows.AnswerRequest{Reason: "because"}, "say who answers"},
		"no reason":   {workflows.AbortUpdate, workflows.AnswerRequest{Actor: "bruno"}, "say why"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := late(2)
			env := on.environment(t)
			wrong, right := &reply{}, &reply{}
			whileWaiting(on, env, func() {
				send(env, wrong, refused.update, refused.request)
				send(env, right, workflows.RetryUpdate, by("bruno"))
			})
			_, err := await(t, env)
			require.NoError(t, err)
			require.ErrorContains(t, wrong.refused, refused.because)
			require.Equal(t, vacation.Refused, activities.AsFailure(wrong.refused).Code)
			require.False(t, wrong.accepted)
			require.Equal(t, 1, on.times(activities.RecordAnswerName), "a refusal is not written down")
		})
	}
}

func TestARunThatWaitsForNobodyTakesNoAnswer(t *testing.T) {
	t.Parallel()
	on := newScene(vacation.Creances, newCreances().SessionKey())
	env := on.environment(t)
	got := &reply{}
	on.before[activities.RecoverDebtsName] = func(context.Context, int) error {
		if got.heard == nil {
			sendNow(env, got, workflows.RetryUpdate, by("bruno"))
		}
		return nil
	}
	// The second slice comes after the answer.
	on.says[activities.RecoverDebtsName] = func(times int) any { return activities.RecoverDebtsResult{Done: times == 2} }
	_, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
	require.NoError(t, err)
	require.ErrorContains(t, got.refused, "waits for nobody: there is nothing to retry")
}

func TestOfTwoAnswersAtOnceTheFirstIsTheOne(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	first, second := &reply{}, &reply{}
	whileWaiting(on, env, func() {
		send(env, first, workflows.RetryUpdate, by("bruno"))
		send(env, second, workflows.AbortUpdate, by("chloe"))
	})
	_, err := await(t, env)
	require.NoError(t, err)
	require.NoError(t, first.err)
	require.True(t, second.accepted, "it came while the first was written down")
	require.ErrorContains(t, second.err, "answered by somebody else")
	require.Equal(t, 1, on.times(activities.RecordAnswerName))
}

// TestAnAnswerIsNotForTheWaitThatComesNext: the file is not there after the
// first retry, so that the run waits again.
func TestAnAnswerIsNotForTheWaitThatComesNext(t *testing.T) {
	t.Parallel()
	on := late(3)
	env := on.environment(t)
	first, second, third := &reply{}, &reply{}, &reply{}
	poll := on.before[activities.AwaitFileName]
	on.before[activities.AwaitFileName] = func(ctx context.Context, times int) error {
		env.RegisterDelayedCallback(func() {
			if times > 0 {
				send(env, third, workflows.RetryUpdate, by("bruno"))
				return
			}
			send(env, first, workflows.RetryUpdate, by("bruno"))
			send(env, second, workflows.AbortUpdate, by("chloe"))
		}, 0)
		return poll(ctx, times)
	}
	_, err := await(t, env)
	require.NoError(t, err)
	require.ErrorContains(t, second.err, "answered by somebody else")
	require.NoError(t, third.err)
}

func TestAnAnswerThatCannotBeWrittenDownIsNone(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	stranger, known := &reply{}, &reply{}
	stranger.then = func() { send(env, known, workflows.RetryUpdate, by("bruno")) }
	on.before[activities.RecordAnswerName] = func(_ context.Context, times int) error {
		if times > 0 {
			return nil
		}
		return activities.Final(vacation.Fail(vacation.Refused, "\"mallory\" is not an operator"))
	}
	whileWaiting(on, env, func() { send(env, stranger, workflows.AbortUpdate, by("mallory")) })
	_, err := await(t, env)
	require.NoError(t, err, "the run is not aborted")
	require.True(t, stranger.accepted)
	require.EqualError(t, stranger.err, "\"mallory\" is not an operator (type: REFUSED, retryable: false)")
	require.NoError(t, known.err)
}

func TestAnAnswerIsWrittenDownHoweverLongThatTakes(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	got := &reply{}
	on.before[activities.RecordAnswerName] = func(_ context.Context, times int) error {
		if times < 3 {
			return errors.New("PostgreSQL does not answer")
		}
		return nil
	}
	whileWaiting(on, env, func() { send(env, got, workflows.RetryUpdate, by("bruno")) })
	_, err := await(t, env)
	require.NoError(t, err)
	require.NoError(t, got.err)
}

func TestAnOperatorAborts(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	got := &reply{}
	whileWaiting(on, env, func() { send(env, got, workflows.AbortUpdate, by("bruno")) })
	_, err := await(t, env)
	on.requireEnded(t, err, vacation.Aborted, vacation.StageAwaiting)
	require.ErrorContains(t, err, "ended by bruno while it waited: because")
	require.True(t, got.done, "the operator is told before the run ends")
	require.NoError(t, got.err)
}

func TestACancellationIsHeardWhileTheRunWaits(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	whileWaiting(on, env, env.CancelWorkflow)
	_, err := await(t, env)
	on.requireEnded(t, err, vacation.Cancelled, vacation.StageAwaiting)
}

// TestAnAnswerThatIsBeingTakenIsHeardOutByACancelledRun: it is in the journal,
// and the operator is told so.
func TestAnAnswerThatIsBeingTakenIsHeardOutByACancelledRun(t *testing.T) {
	t.Parallel()
	on := late(2)
	env := on.environment(t)
	got := &reply{}
	on.before[activities.RecordAnswerName] = func(_ context.Context, times int) error {
		if times == 0 {
			env.CancelWorkflow()
			return errors.New("PostgreSQL does not answer")
		}
		return nil
	}
	whileWaiting(on, env, func() { send(env, got, workflows.RetryUpdate, by("bruno")) })
	_, err := await(t, env)
	on.requireEnded(t, err, vacation.Cancelled, vacation.StageAwaiting)
	require.True(t, got.done)
	require.NoError(t, got.err)
	require.Equal(t, []string{
		activities.RecordAnswerName, activities.RecordAnswerName, activities.FailVacationName,
	}, on.calls[len(on.calls)-3:])
}

func TestAFileThatNeverComesEndsTheWait(t *testing.T) {
	t.Parallel()
	on := late(2)
	on.before[activities.AwaitFileName] = func(context.Context, int) error {
		return activities.Final(vacation.Fail(vacation.FileMissing, "no complete file by the cut-off"))
	}
	_, err := await(t, on.environment(t))
	on.requireEnded(t, err, vacation.FileMissing, vacation.StageAwaiting)
}

func TestAFileThatComesEndsTheWait(t *testing.T) {
	t.Parallel()
	on := late(2)
	on.before[activities.AwaitFileName] = nil
	_, err := await(t, on.environment(t))
	require.NoError(t, err)
	require.Equal(t, []string{
		activities.OpenSettlementName, activities.TellMovementsName, activities.LoadRejectsName, activities.AwaitFileName,
		activities.LoadRejectsName, activities.AllocateRejectsName, activities.CloseVacationName,
	}, on.calls)
}
