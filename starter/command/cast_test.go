package command_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// dayOfFailures is a business day on which créances fails once.
const dayOfFailures = "2099-03-03"

// dayWithoutBank is a business day of which no statement comes.
const dayWithoutBank = "2099-03-04"

// The vacations of a day are the real workflows here, so that what commands say
// is answered by the real desks; their activities do nothing but what a test's
// session is named for: one whose key holds "fails", or the day of failures,
// fails the first time, one with "late" has no file and no statement.
type cast struct {
	mu    sync.Mutex
	tried map[string]int
}

func (c *cast) failsFirst(run activities.Run) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried[run.ID.String()]++
	if (strings.Contains(run.ID.Key, "fails") || strings.HasPrefix(run.ID.Key, dayOfFailures)) && c.tried[run.ID.String()] == 1 {
		return activities.Final(vacation.Fail(vacation.OwnMoneyTooLow, "fonctionnement lacks 10.00"))
	}
	return nil
}

func openVacation(_ context.Context, request activities.OpenVacationRequest) (activities.OpenVacationResult, error) {
	return activities.OpenVacationResult{Run: activities.Run{
		ID: request.ID, Number: 1, CorrelationID: aCorrelation, StartedAt: now,
	}}, nil
}

func recordAnswer(_ context.Context, request activities.RecordAnswerRequest) error {
	if request.Answer.Actor == "mallory" {
		return activities.Final(vacation.Fail(vacation.Refused, "%q is not an operator: known are alice, bruno", request.Answer.Actor))
	}
	return nil
}

func decide(_ context.Context, request activities.DecideRequest) (activities.DecideResult, error) {
	if request.Decision.Answer.Reason == "does not fit" {
		return activities.DecideResult{}, activities.Final(vacation.Fail(vacation.Refused, "line 17 was assigned before"))
	}
	return activities.DecideResult{After: request.Decision.Act + " by " + request.Decision.Answer.Actor}, nil
}

func (c *cast) parts() map[string]any {
	done := func(context.Context, activities.Run) (map[string]any, error) {
		return map[string]any{"done": true}, nil
	}
	nothing := func(context.Context, any) error { return nil }
	amount := func(context.Context, activities.Run) (money.Cents, error) { return 0, nil }
	return map[string]any{
		activities.OpenVacationName: openVacation,
		activities.CloseVacationName: func(context.Context, activities.CloseVacationRequest) (int64, error) {
			return 7, nil
		},
		activities.FailVacationName: nothing,
		activities.RecordAnswerName: recordAnswer,
		activities.DecideName:       decide,
		activities.RecoverDebtsName: func(_ context.Context, run activities.Run) (activities.RecoverDebtsResult, error) {
			return activities.RecoverDebtsResult{Debts: 2, Total: 2, Recovered: 30_000, Remaining: 70_050, Done: true}, c.failsFirst(run)
		},
		activities.OrderRecoveryName: nothing,
		activities.LoadPaylineName: func(_ context.Context, request activities.LoadPaylineRequest) (activities.LoadPaylineResult, error) {
			return activities.LoadPaylineResult{Found: !strings.Contains(request.Run.ID.Key, "late"), Transfers: 3}, nil
		},
		activities.MovePaylineName: done, activities.ControlPaylineName: done,
		activities.PlanPayoutsName:      func(context.Context, any) (map[string]any, error) { return map[string]any{"done": true}, nil },
		activities.ValidateCashoutsName: done, activities.PostPayoutsName: done, activities.RemitName: done,
		activities.DecantonName: amount, activities.CantonName: amount,
		activities.AnswerPaylineName: func(context.Context, activities.Run) (activities.AnswerPaylineResult, error) {
			return activities.AnswerPaylineResult{}, nil
		},
		activities.LoadMerchantsName: func(context.Context, any) (activities.LoadMerchantsResult, error) {
			return activities.LoadMerchantsResult{Snapshot: 4}, nil
		},
		activities.ReadStatementsName: func(_ context.Context, request activities.ReadStatementsRequest) (activities.ReadStatementsResult, error) {
			result := activities.ReadStatementsResult{Statements: 3, Lines: 12, Unknown: 1}
			if strings.Contains(request.Run.ID.Key, "late") || request.Date.String() == dayWithoutBank {
				result.Missing = []string{"BK.REG"}
			}
			return result, nil
		},
		activities.ReadReportsName: func(context.Context, any) (activities.ReadReportsResult, error) {
			return activities.ReadReportsResult{Reports: 1}, nil
		},
		activities.MatchTransfersName: func(context.Context, activities.Run) (int, error) { return 2, nil },
		activities.PairLinesName:      func(context.Context, activities.Run) ([]activities.Paired, error) { return nil, nil },
		activities.SettleOrdersName: func(context.Context, activities.Run) (activities.SettleOrdersResult, error) {
			return activities.SettleOrdersResult{}, nil
		},
		activities.ReconcileName: nothing,
		activities.StateSafeguardingName: func(context.Context, activities.StateSafeguardingRequest) (money.Cents, error) {
			return 1_000, nil
		},
		activities.MatchPaymentsName: func(context.Context, activities.MatchPaymentsRequest) (activities.MatchPaymentsResult, error) {
			return activities.MatchPaymentsResult{}, nil
		},
		activities.PlanPostingsName: func(context.Context) (activities.PlanPostingsResult, error) {
			return activities.PlanPostingsResult{}, nil
		},
		activities.OpenDayName: nothing, activities.CloseDayName: nothing,
		activities.IsOpenDayName: func(_ context.Context, date calendar.Date) (bool, error) {
			return calendar.Target{}.IsBusinessDay(date), nil
		},
	}
}

// playVirements is the workflow of transfers as [play] is that of a CRE file.
func playVirements(_ workflow.Context, request workflows.ReglementRequest) (vacation.VirementsTotals, error) {
	return vacation.VirementsTotals{
		CorrelationID: aCorrelation, Reference: request.Transaction.Reference, Orders: 3, Amount: 1_200, Held: 1, Events: 5,
	}, nil
}

// registerDay makes the workflows of a day known to a worker.
func registerDay(registry worker.WorkflowRegistry) {
	registry.RegisterWorkflowWithOptions(play, workflow.RegisterOptions{Name: workflows.ReglementImpayesName})
	registry.RegisterWorkflowWithOptions(playVirements, workflow.RegisterOptions{Name: workflows.ReglementVirementsName})
	for name, function := range map[string]any{
		workflows.CreancesName: workflows.Creances, workflows.FinanciereName: workflows.Financiere,
		workflows.TechniqueName: workflows.Technique, workflows.DayName: workflows.Day, workflows.TriggerName: workflows.Trigger,
	} {
		registry.RegisterWorkflowWithOptions(function, workflow.RegisterOptions{Name: name})
	}
}

// startCast serves the activities' task queues once, for all tests.
var startCast = sync.OnceValue(func() error { //nolint:gochecknoglobals // one worker for all tests
	c := &cast{tried: make(map[string]int)}
	data := worker.New(devServer.Client(), activities.DataQueue, worker.Options{})
	for name, function := range c.parts() {
		data.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
	if err := data.Start(); err != nil {
		return err
	}
	channel := worker.New(devServer.Client(), activities.DispatchQueue, worker.Options{})
	channel.RegisterActivityWithOptions(func(context.Context, activities.Run) (activities.DispatchResult, error) {
		return activities.DispatchResult{}, nil
	}, activity.RegisterOptions{Name: activities.DispatchName})
	return channel.Start()
})

// onStage names a Temporal server on which days run, and a database.
func onStage(t *testing.T) (environ []string, url string) {
	t.Helper()
	environ = onServer(t)
	require.NoError(t, startCast())
	database, url := onDatabase(t)
	return append(environ, database[0], "REGLO_ACTOR=alice"), url
}

// soon is how long a test waits for what takes milliseconds.
const soon = 20 * time.Second
