package workflows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func newDay() workflows.DayRequest {
	return workflows.DayRequest{
		Date: newRequest().BusinessDate, Inbox: "/inbox", Payline: "/inbox", CutOff: newRequest().CutOff, RequestedBy: "alice",
	}
}

// dayIDs are the sessions of a day, in their order.
func dayIDs() []string {
	return []string{
		"vacation-technique/2026-03-17/open", "vacation-creances/2026-03-17",
		"vacation-financiere/2026-03-17", "vacation-technique/2026-03-17/close",
	}
}

func working() *scene { return newScene("day", "2026-03-17") }

// sessions plays the vacations of a day: each lasts an hour, and ends as it is told.
func sessions(on *scene, ends func(id string, times int) error) *[]string {
	started := new([]string)
	play := func(ctx workflow.Context) error {
		id := workflow.GetInfo(ctx).WorkflowExecution.ID
		times := 0
		for _, earlier := range *started {
			if earlier == id {
				times++
			}
		}
		*started = append(*started, id)
		if err := workflow.Sleep(ctx, time.Hour); err != nil {
			return err
		}
		return ends(id, times)
	}
	on.plays[workflows.TechniqueName] = func(ctx workflow.Context, _ workflows.TechniqueRequest) (vacation.TechniqueTotals, error) {
		return openedDay(), play(ctx)
	}
	on.plays[workflows.CreancesName] = func(ctx workflow.Context, _ workflows.CreancesRequest) (vacation.CreancesTotals, error) {
		return vacation.CreancesTotals{Debts: 3}, play(ctx)
	}
	on.plays[workflows.FinanciereName] = func(ctx workflow.Context, _ workflows.FinanciereRequest) (vacation.FinanciereTotals, error) {
		return paidTotals(), play(ctx)
	}
	return started
}

func endWell(string, int) error { return nil }

// creancesFail has the day's créances end with error the first times.
func creancesFail(often int) func(string, int) error {
	return func(id string, times int) error {
		if id == dayIDs()[1] && times < often {
			return activities.Final(vacation.Fail(vacation.InvariantBroken, "as it is"))
		}
		return nil
	}
}

func runDay(t testing.TB, env *testsuite.TestWorkflowEnvironment) (workflows.DayResult, error) {
	t.Helper()
	return outcome[workflows.DayResult](t, env, workflows.DayName, newDay())
}

func outcomes(result workflows.DayResult) []string {
	var words []string
	for _, step := range result.Steps {
		words = append(words, step.Outcome)
	}
	return words
}

// requireClosed says that the day was written down with a word a step.
func requireClosed(t testing.TB, on *scene, words ...string) {
	t.Helper()
	require.Equal(t, strings.Join(words, " "), input[activities.CloseDayRequest](t, on, activities.CloseDayName, 0).Outcome)
}

func TestADayRunsItsVacationsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	on := working()
	started := sessions(on, endWell)
	env := on.environment(t)
	board := watch(env)
	env.RegisterDelayedCallback(func() {
		require.Equal(t, dayIDs()[:2], *started, "one at a time")
		text := details(t, env)
		require.Contains(t, text, "- vacation-technique/2026-03-17/open: **ended**")
		require.Contains(t, text, "- vacation-creances/2026-03-17: **running**")
		require.Contains(t, text, "- vacation-financiere/2026-03-17: **pending**")
	}, 90*time.Minute)
	result, err := runDay(t, env)
	require.NoError(t, err)
	require.Equal(t, dayIDs(), *started)
	require.Equal(t, newDay().Date, result.Date)
	require.Equal(t, []string{"ended", "ended", "ended", "ended"}, outcomes(result))
	for i, step := range []string{
		workflows.StepTechniqueOpen, workflows.StepCreances, workflows.StepFinanciere, workflows.StepTechniqueClose,
	} {
		require.Equal(t, step, result.Steps[i].Step)
		require.Equal(t, dayIDs()[i], result.Steps[i].ID)
	}
	require.JSONEq(t, string(written(paidTotals())), string(result.Steps[2].Totals))
	require.Equal(t, []string{activities.OpenDayName, activities.CloseDayName}, on.calls)
	opened := input[activities.OpenDayRequest](t, on, activities.OpenDayName, 0)
	require.Empty(t, opened.Run)
	require.NotContains(t, string(opened.Parameters), "alice", "who asks is no parameter")
	requireClosed(t, on, "ended", "ended", "ended", "ended")
	require.Equal(t, "day", board.attribute(workflows.AttributeVacation))
	require.Equal(t, string(vacation.StageEnded), board.attribute(workflows.AttributeStage))
	require.Equal(t, false, board.attribute(workflows.AttributeNeedsOperator))
}

func TestADayThatWasStartedOtherwiseIsRefused(t *testing.T) {
	t.Parallel()
	on := working()
	on.before[activities.OpenDayName] = func(context.Context, int) error {
		return activities.Final(vacation.Fail(vacation.ParametersConflict, "started with other parameters"))
	}
	started := sessions(on, endWell)
	env := on.environment(t)
	_, err := runDay(t, env)
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
	require.Empty(t, *started)
	require.Equal(t, []string{activities.OpenDayName}, on.calls)
}

func TestAStepThatFailsWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	t.Run("who has it run again", func(t *testing.T) {
		t.Parallel()
		on := working()
		started := sessions(on, creancesFail(1))
		env := on.environment(t)
		board := watch(env)
		env.RegisterDelayedCallback(func() {
			waiting := waitingFor(t, env)
			require.Equal(t, workflows.StageFailedStep, waiting.Stage)
			require.Contains(t, waiting.What, "vacation-creances/2026-03-17 ended with error: INVARIANT_BROKEN")
			require.Contains(t, waiting.What, "vacation-technique/2026-03-17/open: ended")
			require.Equal(t, []string{workflows.RetryUpdate, workflows.SkipUpdate, workflows.AbortUpdate}, waiting.Answers)
			require.Equal(t, true, board.attribute(workflows.AttributeNeedsOperator))
			require.Len(t, *started, 2)
		}, 3*time.Hour)
		got := sends(env, 4*time.Hour, workflows.RetryUpdate, by("bruno"))
		result, err := runDay(t, env)
		require.NoError(t, err)
		require.NoError(t, got.err)
		require.Equal(t, []string{"ended", "ended", "ended", "ended"}, outcomes(result))
		require.Equal(t, []string{dayIDs()[0], dayIDs()[1], dayIDs()[1], dayIDs()[2], dayIDs()[3]}, *started)
		record := input[activities.RecordAnswerRequest](t, on, activities.RecordAnswerName, 0)
		require.Zero(t, record.Run, "a day is no vacation")
		require.Empty(t, result.Steps[1].Detail)
	})
	t.Run("who goes on without it", func(t *testing.T) {
		t.Parallel()
		on := working()
		started := sessions(on, creancesFail(9))
		env := on.environment(t)
		sends(env, 4*time.Hour, workflows.SkipUpdate, by("bruno"))
		result, err := runDay(t, env)
		require.NoError(t, err)
		require.Equal(t, []string{"ended", "skipped", "ended", "ended"}, outcomes(result))
		require.Equal(t, "bruno: because", result.Steps[1].Detail)
		require.Equal(t, dayIDs(), *started)
		requireClosed(t, on, "ended", "skipped", "ended", "ended")
	})
	t.Run("who ends the day", func(t *testing.T) {
		t.Parallel()
		on := working()
		started := sessions(on, creancesFail(9))
		env := on.environment(t)
		sends(env, 4*time.Hour, workflows.AbortUpdate, by("bruno"))
		_, err := runDay(t, env)
		failure := activities.AsFailure(err)
		require.Equal(t, vacation.Aborted, failure.Code)
		require.Equal(t, workflows.StageFailedStep, failure.Step)
		require.Equal(t, dayIDs()[:2], *started)
		requireClosed(t, on, "ended", "failed", "pending", "pending")
	})
	t.Run("as one that was cancelled or vanished does", func(t *testing.T) {
		t.Parallel()
		on := working()
		started := sessions(on, func(id string, times int) error {
			if id == dayIDs()[1] && times == 0 {
				return temporal.NewCanceledError()
			}
			return nil
		})
		env := on.environment(t)
		sends(env, 4*time.Hour, workflows.RetryUpdate, by("bruno"))
		_, err := runDay(t, env)
		require.NoError(t, err)
		require.Len(t, *started, 5)
	})
}

func TestCancellingADayDoesNotCancelItsVacations(t *testing.T) {
	t.Parallel()
	on := working()
	ended := false
	started := sessions(on, func(string, int) error {
		ended = true
		return nil
	})
	env := on.environment(t)
	env.RegisterDelayedCallback(env.CancelWorkflow, 30*time.Minute)
	_, err := runDay(t, env)
	require.Equal(t, vacation.Cancelled, activities.AsFailure(err).Code)
	require.Equal(t, dayIDs()[:1], *started)
	require.True(t, ended, "it has come to its own end")
	requireClosed(t, on, "running", "pending", "pending", "pending")
}

func TestACancellationIsHeardWhileADayWaits(t *testing.T) {
	t.Parallel()
	on := working()
	sessions(on, creancesFail(9))
	env := on.environment(t)
	env.RegisterDelayedCallback(env.CancelWorkflow, 4*time.Hour)
	_, err := runDay(t, env)
	require.Equal(t, vacation.Cancelled, activities.AsFailure(err).Code)
	requireClosed(t, on, "ended", "failed", "pending", "pending")
}

func TestAVacationThatWasStartedByHandAndRunsIsWaitedFor(t *testing.T) {
	t.Parallel()
	on := working()
	started := sessions(on, endWell)
	env := on.environment(t)
	request := newDay()
	house(env, func(ctx workflow.Context) workflow.ChildWorkflowFuture {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: dayIDs()[0]})
		return workflow.ExecuteChildWorkflow(ctx, workflows.TechniqueName, newTechnique(workflows.PhaseOpen))
	}, workflows.DayName, workflows.DayID(request.Date), request)
	begin := env.Now()
	result, err := outcome[workflows.DayResult](t, env, "house", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"ended", "ended", "ended", "ended"}, outcomes(result))
	require.NotZero(t, on.times(activities.AwaitReglementsName), "it ran when the day came to it")
	require.JSONEq(t, string(written(openedDay())), string(result.Steps[0].Totals))
	require.Equal(t, []string{dayIDs()[0]},
		input[activities.AwaitReglementsRequest](t, on, activities.AwaitReglementsName, 0).IDs)
	// The session is started again once it has ended, and returns its first totals: here it lasts an hour again.
	require.Equal(t, append([]string{dayIDs()[0]}, dayIDs()...), *started)
	require.Greater(t, env.Now().Sub(begin), 5*time.Hour)
}

func TestAVacationThatWasStartedByHandAndFailsWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	on := working()
	on.says[activities.AwaitReglementsName] = func(int) any { return 1 }
	started := sessions(on, endWell)
	env := on.environment(t)
	request := newDay()
	house(env, func(ctx workflow.Context) workflow.ChildWorkflowFuture {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: dayIDs()[0]})
		return workflow.ExecuteChildWorkflow(ctx, workflows.TechniqueName, newTechnique(workflows.PhaseOpen))
	}, workflows.DayName, workflows.DayID(request.Date), request)
	got := &reply{}
	env.RegisterDelayedCallback(func() {
		require.NoError(t, env.UpdateWorkflowByID(
			workflows.DayID(request.Date), workflows.SkipUpdate, "skip", got.callbacks(), by("bruno")))
	}, 2*time.Hour)
	result, err := outcome[workflows.DayResult](t, env, "house", nil)
	require.NoError(t, err)
	require.NoError(t, got.err)
	require.Equal(t, []string{"skipped", "ended", "ended", "ended"}, outcomes(result))
	require.Equal(t, dayIDs(), *started)
}
