package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// receiving is a scene in which partners have that, look by look.
func receiving(looks ...activities.ReceiveFilesResult) *scene {
	on := newScene(vacation.Technique, "2026-03-17/open")
	on.says[activities.AskOutcomesName] = func(int) any { return 1 }
	on.says[activities.ReceiveFilesName] = func(times int) any { return looks[min(times, len(looks)-1)] }
	return on
}

func receive(t testing.TB, on *scene, then func(look func(func()), notice func())) (workflows.ReceptionTotals, error) {
	t.Helper()
	env := on.environment(t)
	if then != nil {
		then(func(do func()) {
			on.before[activities.ReceiveFilesName] = func(_ context.Context, times int) error {
				if times == 0 {
					do()
				}
				return nil
			}
		}, func() { env.SignalWorkflow(workflows.NoticeSignal, nil) })
	}
	return outcome[workflows.ReceptionTotals](t, env, workflows.ReceptionName, workflows.ReceptionRequest{RequestedBy: "scheduler"})
}

func TestAReceptionLooksOnce(t *testing.T) {
	t.Parallel()
	on := receiving(activities.ReceiveFilesResult{Received: 3, Duplicates: 1, Held: 2})
	totals, err := receive(t, on, nil)
	require.NoError(t, err)
	require.Equal(t, workflows.ReceptionTotals{Received: 3, Duplicates: 1, Held: 2, UnknownBulks: 1}, totals)
	require.Equal(t, []string{activities.AskOutcomesName, activities.ReceiveFilesName}, on.calls)
	require.Equal(t, newDay().Date, input[activities.ReceiveFilesRequest](t, on, activities.ReceiveFilesName, 0).Date)
}

func TestANoticeThatComesMeanwhileIsLookedAfter(t *testing.T) {
	t.Parallel()
	on := receiving(activities.ReceiveFilesResult{Received: 1}, activities.ReceiveFilesResult{Received: 2})
	totals, err := receive(t, on, func(look func(func()), notice func()) {
		look(func() { notice(); notice(); notice() })
	})
	require.NoError(t, err)
	require.Equal(t, 3, totals.Received)
	require.Equal(t, 2, on.times(activities.ReceiveFilesName), "one look is for all notices")
}

func TestAReceptionOfEndlessNoticesBeginsAFreshHistory(t *testing.T) {
	t.Parallel()
	on := receiving(activities.ReceiveFilesResult{})
	env := on.environment(t)
	on.before[activities.ReceiveFilesName] = func(context.Context, int) error {
		env.SignalWorkflow(workflows.NoticeSignal, nil)
		return nil
	}
	_, err := outcome[workflows.ReceptionTotals](t, env, workflows.ReceptionName, workflows.ReceptionRequest{})
	var fresh *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &fresh)
	require.Equal(t, 100, on.times(activities.ReceiveFilesName))
}

func TestAReceptionTellsThoseWhoWait(t *testing.T) {
	t.Parallel()
	const gone, waits = "vacation-financiere/2026-03-17", "vacation-technique/2026-03-17/open"
	on := receiving(activities.ReceiveFilesResult{Received: 1, Awaiting: []string{gone, waits}})
	env := on.environment(t)
	env.OnSignalExternalWorkflow(mock.Anything, gone, "", workflows.ArrivalSignal, nil).Return(errors.New("no such run")).Once()
	env.OnSignalExternalWorkflow(mock.Anything, waits, "", workflows.ArrivalSignal, nil).Return(nil).Once()
	totals, err := outcome[workflows.ReceptionTotals](t, env, workflows.ReceptionName, workflows.ReceptionRequest{})
	require.NoError(t, err, "one that has ended keeps nobody from being told")
	require.Equal(t, 1, totals.Received)
	env.AssertExpectations(t)
}

// A vacation that waits looks at once when it is told, instead of at its next look.
func TestAWaitLooksWhenAFileHasCome(t *testing.T) {
	t.Parallel()
	on := newScene(vacation.Technique, "2026-03-17/open")
	env := on.environment(t)
	came := time.Hour + time.Second
	on.says[activities.ReadStatementsName] = func(int) any {
		if env.Now().Sub(morning()) < came {
			return activities.ReadStatementsResult{Missing: []string{"BK.REG"}}
		}
		return activities.ReadStatementsResult{Statements: 3}
	}
	looks := 0
	env.RegisterDelayedCallback(func() {
		looks = on.times(activities.ReadStatementsName)
		env.SignalWorkflow(workflows.ArrivalSignal, nil)
		env.SignalWorkflow(workflows.ArrivalSignal, nil)
	}, came)
	_, err := outcome[vacation.TechniqueTotals](t, env, workflows.TechniqueName, workflows.TechniqueRequest{
		BusinessDate: newDay().Date, Phase: workflows.PhaseOpen, Inbox: "/inbox", CutOff: newDay().CutOff, RequestedBy: "alice",
	})
	require.NoError(t, err)
	require.Equal(t, looks+1, on.times(activities.ReadStatementsName))
	require.Less(t, env.Now().Sub(morning()), came+time.Minute)
}
