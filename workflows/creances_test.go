package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

const other = "vacation-financiere/2026-03-17"

// held is a créances that another vacation holds back for some looks.
func held(looks int) *scene {
	on := newScene(vacation.Creances, newCreances().SessionKey())
	on.says[activities.OpenVacationName] = func(times int) any {
		if times < looks {
			return activities.OpenVacationResult{HeldBy: other}
		}
		return activities.OpenVacationResult{Run: on.run}
	}
	return on
}

func TestDebtsAreRecoveredSliceBySlice(t *testing.T) {
	t.Parallel()
	on := held(0)
	on.says[activities.RecoverDebtsName] = func(times int) any {
		return activities.RecoverDebtsResult{Debts: 10 * (times + 1), Total: 30, Done: times == 2}
	}
	env := on.environment(t)
	on.before[activities.OrderRecoveryName] = func(context.Context, int) error {
		require.Contains(t, details(t, env), "30 of 30 debts looked at")
		return nil
	}
	result, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
	require.NoError(t, err)
	require.Equal(t, 30, result.Debts)
	require.Equal(t, 3, on.times(activities.RecoverDebtsName))
}

func TestAVacationWaitsForTheOtherThatMovesCash(t *testing.T) {
	t.Parallel()
	on := held(6)
	env := on.environment(t)
	board := watch(env)
	env.RegisterDelayedCallback(func() {
		waiting := waitingFor(t, env)
		require.Equal(t, vacation.StageBusy, waiting.Stage)
		require.Contains(t, waiting.What, other)
		require.Equal(t, []string{workflows.RetryUpdate, workflows.AbortUpdate}, waiting.Answers)
		require.Equal(t, false, board.attribute(workflows.AttributeNeedsOperator), "it goes on by itself")
	}, time.Minute)
	started := env.Now()
	_, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
	require.NoError(t, err)
	// 5, 10, 20, 40, 80 and 160 seconds.
	require.Equal(t, 315*time.Second, env.Now().Sub(started).Round(time.Second))
	require.Equal(t, string(vacation.StageEnded), board.attribute(workflows.AttributeStage))
}

func TestAWaitOfADayIsSomeHundredLooks(t *testing.T) {
	t.Parallel()
	on := held(1_000_000)
	env := on.environment(t)
	sends(env, 24*time.Hour, workflows.AbortUpdate, by("bruno"))
	_, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
	on.requireEnded(t, err, vacation.Aborted, vacation.StageOpening)
	require.InDelta(t, 290, on.times(activities.OpenVacationName), 10)
	require.Empty(t, input[activities.RecordAnswerRequest](t, on, activities.RecordAnswerName, 0).Run.Number, "no run was opened")
}

func TestARunThatIsHeldLooksWhenItIsTold(t *testing.T) {
	t.Parallel()
	on := held(3)
	env := on.environment(t)
	got := sends(env, 6*time.Second, workflows.RetryUpdate, by("bruno"))
	started := env.Now()
	_, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
	require.NoError(t, err)
	require.NoError(t, got.err)
	require.Equal(t, 11*time.Second, env.Now().Sub(started).Round(time.Second), "held at 0, 5, 6; free at 11")
}

func TestACancellationIsHeardWhileAnotherVacationRuns(t *testing.T) {
	t.Parallel()
	on := held(1_000)
	env := on.environment(t)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	_, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
	on.requireEnded(t, err, vacation.Cancelled, vacation.StageOpening)
}

// TestARunThatWasOpenedAsItWasAbortedIsEnded: a run that stays open would hold
// all others back for ever.
func TestARunThatWasOpenedAsItWasAbortedIsEnded(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]vacation.FailureCode{"aborted": vacation.Aborted, "cancelled": vacation.Cancelled} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := held(1)
			env := on.environment(t)
			opening, recorded := make(chan struct{}), make(chan struct{})
			on.before[activities.OpenVacationName] = func(_ context.Context, times int) error {
				if times == 1 {
					env.RegisterDelayedCallback(func() {
						if code == vacation.Cancelled {
							env.CancelWorkflow()
							close(recorded)
							return
						}
						send(env, &reply{}, workflows.AbortUpdate, by("bruno"))
					}, 0)
					close(opening)
					<-recorded
				}
				return nil
			}
			on.before[activities.RecordAnswerName] = func(context.Context, int) error {
				close(recorded)
				return nil
			}
			_, err := outcome[vacation.CreancesTotals](t, env, workflows.CreancesName, newCreances())
			<-opening
			failure := activities.AsFailure(err)
			require.Equal(t, code, failure.Code)
			require.Len(t, on.failed, 1, "the run that was opened is ended")
			require.Equal(t, on.run, on.failed[0].Run)
			require.Zero(t, on.times(activities.RecoverDebtsName))
		})
	}
}

func TestAnOpeningThatFailsWhileHeldIsRefused(t *testing.T) {
	t.Parallel()
	on := held(5)
	on.before[activities.OpenVacationName] = func(_ context.Context, times int) error {
		if times == 2 {
			return activities.Final(vacation.Fail(vacation.ParametersConflict, "as it is"))
		}
		return nil
	}
	_, err := outcome[vacation.CreancesTotals](t, on.environment(t), workflows.CreancesName, newCreances())
	on.requireEnded(t, err, vacation.ParametersConflict, vacation.StageOpening)
}

// TestWhoAsksIsNoParameter: the same session may be asked for by somebody else.
func TestWhoAsksIsNoParameter(t *testing.T) {
	t.Parallel()
	on := held(0)
	_, err := outcome[vacation.CreancesTotals](t, on.environment(t), workflows.CreancesName, newCreances())
	require.NoError(t, err)
	opening := input[activities.OpenVacationRequest](t, on, activities.OpenVacationName, 0)
	require.NotContains(t, string(opening.Parameters), "alice")
	require.Equal(t, newRequest().BusinessDate, opening.BusinessDate)
	require.Equal(t, on.run.ID, opening.ID)
}
