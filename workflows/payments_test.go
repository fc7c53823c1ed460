package workflows_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func TestPaymentsAreMatchedAndTheERPIsTold(t *testing.T) {
	t.Parallel()
	on := newScene(vacation.Technique, "2026-03-17/open")
	on.says[activities.MatchPaymentsName] = func(times int) any {
		return activities.MatchPaymentsResult{Matched: 3, Left: times == 0}
	}
	env := on.environment(t)
	on.before[activities.PlanPostingsName] = func(_ context.Context, times int) error {
		if times == 0 {
			env.SignalWorkflow(workflows.NotificationSignal, nil)
			env.SignalWorkflow(workflows.NotificationSignal, nil)
		}
		return nil
	}
	totals, err := outcome[workflows.PaymentsTotals](t, env, workflows.PaymentsName, workflows.PaymentsRequest{RequestedBy: "notification"})
	require.NoError(t, err)
	require.Equal(t, workflows.PaymentsTotals{Matched: 9, Planned: 4}, totals)
	require.Equal(t, []string{
		activities.MatchPaymentsName, activities.MatchPaymentsName, activities.PlanPostingsName,
		activities.MatchPaymentsName, activities.PlanPostingsName,
	}, on.calls, "one look is for all notifications that came meanwhile")
	require.Equal(t, newDay().Date, input[activities.MatchPaymentsRequest](t, on, activities.MatchPaymentsName, 0).Date)
}

func TestNotificationsWithoutEndBeginAFreshHistory(t *testing.T) {
	t.Parallel()
	on := newScene(vacation.Technique, "2026-03-17/open")
	env := on.environment(t)
	on.before[activities.PlanPostingsName] = func(context.Context, int) error {
		env.SignalWorkflow(workflows.NotificationSignal, nil)
		return nil
	}
	_, err := outcome[workflows.PaymentsTotals](t, env, workflows.PaymentsName, workflows.PaymentsRequest{})
	var fresh *workflow.ContinueAsNewError
	require.ErrorAs(t, err, &fresh)
}
