package workflows_test

import (
	"context"
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

func newTrigger(what string) workflows.TriggerRequest {
	return workflows.TriggerRequest{
		Schedule: "every-day", What: what, Inbox: "/inbox", Payline: "/payline", CutOff: "16:00", RequestedBy: "scheduler",
	}
}

// scheduled is the environment of a run that a Schedule started late for that time.
func scheduled(t testing.TB, on *scene, at time.Time) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	env := on.environment(t)
	env.SetStartTime(at.Add(30 * time.Hour))
	require.NoError(t, env.SetTypedSearchAttributesOnStart(scheduledFor(at)))
	return env
}

// scheduledFor is what Temporal keeps with a run that a Schedule started.
func scheduledFor(at time.Time) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyTime("TemporalScheduledStartTime").ValueSet(at))
}

func trigger(t testing.TB, env *testsuite.TestWorkflowEnvironment, what string) (workflows.TriggerResult, error) {
	t.Helper()
	return outcome[workflows.TriggerResult](t, env, workflows.TriggerName, newTrigger(what))
}

// beforeMidnight is the 16th in UTC, and the 17th in Paris.
func beforeMidnight() time.Time { return time.Date(2026, time.March, 16, 23, 30, 0, 0, time.UTC) }

// The reception has no date: it is started as often as the clock calls, unless one runs.
func TestATriggerStartsTheReceptionAgainAndAgain(t *testing.T) {
	t.Parallel()
	on := working()
	on.plays[workflows.ReceptionName] = func(workflow.Context, workflows.ReceptionRequest) (workflows.ReceptionTotals, error) {
		return workflows.ReceptionTotals{}, nil
	}
	result, err := trigger(t, scheduled(t, on, beforeMidnight()), workflows.ReceptionName)
	require.NoError(t, err)
	require.Equal(t, workflows.TriggerStarted, result.Outcome)
	require.Equal(t, workflows.ReceptionID, result.WorkflowID)
	require.Equal(t, []string{activities.IsOpenDayName}, on.calls)
}

func TestATriggerStartsWhatItsDateNames(t *testing.T) {
	t.Parallel()
	for what, id := range map[string]string{
		workflows.DayName:            "day/2026-03-17",
		workflows.StepTechniqueOpen:  "vacation-technique/2026-03-17/open",
		workflows.StepCreances:       "vacation-creances/2026-03-17",
		workflows.StepFinanciere:     "vacation-financiere/2026-03-17",
		workflows.StepTechniqueClose: "vacation-technique/2026-03-17/close",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			on := working()
			started := sessions(on, endWell)
			on.plays[workflows.DayName] = func(ctx workflow.Context, request workflows.DayRequest) (workflows.DayResult, error) {
				*started = append(*started, workflow.GetInfo(ctx).WorkflowExecution.ID)
				require.Equal(t, workflows.DayRequest{
					Date: newDay().Date, Inbox: "/inbox", Payline: "/payline", CutOff: request.CutOff, RequestedBy: "scheduler",
				}, request)
				require.True(t, newDay().CutOff.Equal(request.CutOff))
				return workflows.DayResult{}, nil
			}
			env := scheduled(t, on, beforeMidnight())
			result, err := trigger(t, env, what)
			require.NoError(t, err)
			require.Equal(t, workflows.TriggerStarted, result.Outcome)
			require.Equal(t, newDay().Date, result.Date)
			require.Equal(t, id, result.WorkflowID)
			require.NotEmpty(t, result.RunID)
			require.Equal(t, []string{id}, *started)
			if what == workflows.DayName { // which keeps its row itself
				require.Equal(t, []string{activities.IsOpenDayName}, on.calls)
				return
			}
			require.Equal(t, []string{activities.IsOpenDayName, activities.OpenDayName, activities.CloseDayName}, on.calls)
			opened := input[activities.OpenDayRequest](t, on, activities.OpenDayName, 0)
			require.Equal(t, id, opened.Run)
			require.NotContains(t, string(opened.Parameters), "scheduler")
			require.Equal(t, workflows.TriggerStarted, input[activities.CloseDayRequest](t, on, activities.CloseDayName, 0).Outcome)
		})
	}
}

func TestATriggerThatNobodyScheduledTakesItsStart(t *testing.T) {
	t.Parallel()
	on := working()
	sessions(on, endWell)
	env := on.environment(t)
	result, err := trigger(t, env, workflows.StepCreances)
	require.NoError(t, err)
	require.Equal(t, newDay().Date, result.Date)
}

func TestATriggerStartsNothingOnAClosedDay(t *testing.T) {
	t.Parallel()
	on := working()
	on.says[activities.IsOpenDayName] = func(int) any { return false }
	started := sessions(on, endWell)
	env := scheduled(t, on, beforeMidnight())
	result, err := trigger(t, env, workflows.StepCreances)
	require.NoError(t, err)
	require.Equal(t, workflows.TriggerResult{Date: newDay().Date, Outcome: workflows.TriggerClosed}, result)
	require.Empty(t, *started)
	require.Equal(t, []string{activities.IsOpenDayName}, on.calls)
}

func TestATriggerStartsNothingTwice(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(string, int) error{"ended": endWell, "failed": creancesFail(9)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := working()
			started := sessions(on, ends)
			env := on.environment(t)
			house(env, func(ctx workflow.Context) workflow.ChildWorkflowFuture {
				hand := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: dayIDs()[1]})
				child := workflow.ExecuteChildWorkflow(hand, workflows.CreancesName, newCreances())
				_ = child.Get(ctx, nil)
				return child
			}, workflows.TriggerName, "trigger", newTrigger(workflows.StepCreances))
			result, err := outcome[workflows.TriggerResult](t, env, "house", nil)
			require.NoError(t, err)
			require.Equal(t, workflows.TriggerFound, result.Outcome)
			require.Equal(t, dayIDs()[1], result.WorkflowID)
			require.Empty(t, result.RunID)
			require.Len(t, *started, 1)
		})
	}
}

func TestATriggerThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	wrongHour, wrongWhat := newTrigger(workflows.DayName), newTrigger("lunch")
	wrongHour.CutOff = "4 pm"
	for because, request := range map[string]workflows.TriggerRequest{
		"schedule every-day has no cut-off":     wrongHour,
		"schedule every-day asks for \"lunch\"": wrongWhat,
	} {
		t.Run(because, func(t *testing.T) {
			t.Parallel()
			on := working()
			_, err := outcome[workflows.TriggerResult](t, on.environment(t), workflows.TriggerName, request)
			require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
			require.ErrorContains(t, err, because)
			require.Empty(t, on.calls)
		})
	}
}

func TestATriggerOfOtherParametersIsAConflict(t *testing.T) {
	t.Parallel()
	on := working()
	on.before[activities.OpenDayName] = func(context.Context, int) error {
		return activities.Final(vacation.Fail(vacation.ParametersConflict, "started with other parameters"))
	}
	started := sessions(on, endWell)
	env := on.environment(t)
	_, err := trigger(t, env, workflows.StepFinanciere)
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
	require.Empty(t, *started)
}
