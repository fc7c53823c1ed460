package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// scene plays all activities. Each succeeds with what a day without incident has
// it say, unless the test says otherwise.
type scene struct {
	mutex  sync.Mutex
	calls  []string
	inputs map[string][]string // in JSON, a text a call
	failed []activities.FailVacationRequest

	run activities.Run // the run that is opened
	// before is called as an activity begins, with how often it did so before. Its error is the activity's.
	before map[string]func(ctx context.Context, times int) error
	// says is an activity's result, by how often it was called before.
	says map[string]func(times int) any
	// plays are workflows that are played, under their registered names.
	plays map[string]any
}

func newScene(kind vacation.Kind, key string) *scene {
	run := opened()
	run.ID = vacation.ID{Kind: kind, Key: key}
	on := &scene{
		run: run, inputs: make(map[string][]string),
		before: make(map[string]func(context.Context, int) error), says: make(map[string]func(int) any), plays: make(map[string]any),
	}
	for name, result := range map[string]any{
		activities.OpenSettlementName:    activities.OpenSettlementResult{Run: run},
		activities.OpenVacationName:      activities.OpenVacationResult{Run: run},
		activities.CloseVacationName:     int64(events),
		activities.CloseSettlementName:   totals(),
		activities.LoadFileName:          loaded(),
		activities.PostLinesName:         activities.PostLinesResult{Posted: fileLines, Done: true},
		activities.DecantonName:          10_000,
		activities.MatchRemittanceName:   matched(),
		activities.LoadRejectsName:       activities.LoadRejectsResult{Found: true},
		activities.AllocateRejectsName:   matched(),
		activities.RecoverDebtsName:      activities.RecoverDebtsResult{Debts: 3, Total: 3, Recovered: 30_000, Remaining: 70_050, Old: 1, Done: true},
		activities.LoadPaylineName:       activities.LoadPaylineResult{Found: true, Movements: 3, Transfers: 5, Sum: 9_000},
		activities.MovePaylineName:       activities.PaylineResult{Accepted: 2, AcceptedSum: 2_000, Rejected: 1, Done: true},
		activities.ControlPaylineName:    activities.PaylineResult{Accepted: 4, AcceptedSum: 4_000, Rejected: 1, Done: true},
		activities.PlanPayoutsName:       activities.PlanPayoutsResult{Orders: 6, Sum: 60_000, Done: true},
		activities.ValidateCashoutsName:  activities.CashoutsResult{Validated: 10, ValidatedSum: 64_000, Done: true},
		activities.DecideCashoutsName:    activities.CashoutsResult{Validated: 12, ValidatedSum: 84_000, Done: true},
		activities.PostPayoutsName:       activities.PostPayoutsResult{Posted: 10, PostedSum: 64_000, Done: true},
		activities.RemitName:             activities.RemitResult{Bulks: 1, Orders: 10, Sum: 64_000, Done: true},
		activities.DispatchName:          activities.DispatchResult{Sent: 2},
		activities.LookUpName:            activities.DispatchResult{Sent: 2},
		activities.CantonName:            25_000,
		activities.AnswerPaylineName:     activities.AnswerPaylineResult{File: "/outbox/answer", Accepted: 6, Rejected: 2},
		activities.LoadMerchantsName:     activities.LoadMerchantsResult{Snapshot: 12, Loaded: 1},
		activities.ReadStatementsName:    activities.ReadStatementsResult{Statements: 3, Lines: 20, Unknown: 1},
		activities.ReadReportsName:       activities.ReadReportsResult{Reports: 2, RejectedBulks: 1, RefusedOrders: 3},
		activities.MatchTransfersName:    2,
		activities.PairLinesName:         []activities.Paired{},
		activities.AwaitReglementsName:   0,
		activities.SettleOrdersName:      activities.SettleOrdersResult{UnknownBulks: 1, StaleOrders: 2},
		activities.StateSafeguardingName: 500,
		activities.DecideName:            activities.DecideResult{After: "line 7 stands on account 12"},
		activities.IsOpenDayName:         true,
		activities.PlanPostingsName:      activities.PlanPostingsResult{Planned: 2},
		activities.MatchPaymentsName:     activities.MatchPaymentsResult{Matched: 7, LatePayments: 1, LateLines: 2, OpenForms: 3},
	} {
		on.says[name] = func(int) any { return result }
	}
	return on
}

const events = 42

func matched() activities.MatchResult {
	return activities.MatchResult{Orders: 10, Amount: 64_000, Held: 1, Stale: 2, Done: true}
}

// perform is every activity.
func (s *scene) perform(ctx context.Context, arguments converter.EncodedValues) (any, error) {
	name := activity.GetInfo(ctx).ActivityType.Name
	var input json.RawMessage
	if err := arguments.Get(&input); err != nil {
		return nil, fmt.Errorf("read the input of %s: %w", name, err)
	}
	s.mutex.Lock()
	times := len(s.inputs[name])
	s.calls = append(s.calls, name)
	s.inputs[name] = append(s.inputs[name], string(input))
	if name == activities.FailVacationName {
		var request activities.FailVacationRequest
		if err := json.Unmarshal(input, &request); err != nil {
			return nil, fmt.Errorf("read the failure: %w", err)
		}
		s.failed = append(s.failed, request)
	}
	before, says := s.before[name], s.says[name]
	s.mutex.Unlock()
	if before != nil {
		if err := before(ctx, times); err != nil {
			return nil, err
		}
	}
	if says == nil {
		return nil, nil //nolint:nilnil // an activity without a result
	}
	return says(times), nil
}

// input is what an activity was called with, the first time.
func input[T any](t testing.TB, on *scene, name string, times int) T {
	t.Helper()
	on.mutex.Lock()
	defer on.mutex.Unlock()
	require.Greater(t, len(on.inputs[name]), times, "%s was not called so often", name)
	var value T
	require.NoError(t, json.Unmarshal([]byte(on.inputs[name][times]), &value))
	return value
}

// called are the calls so far but those of an activity that is not looked at.
func (s *scene) called(but ...string) []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(name string) bool { return slices.Contains(but, name) })
}

// times is how often an activity was called.
func (s *scene) times(name string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.inputs[name])
}

// morning is when runs start: hours before the cut-off.
func morning() time.Time { return newRequest().CutOff.Add(-8 * time.Hour) }

func (s *scene) environment(t testing.TB) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(30 * time.Second)
	env.SetStartTime(morning())
	workflows.Register(played{env, s.plays})
	env.RegisterDynamicActivity(s.perform, activity.DynamicRegisterOptions{})
	return env
}

// played registers workflows that are played instead of those that they play. The
// environment's own mocks say that a child has started only when it has ended.
type played struct {
	*testsuite.TestWorkflowEnvironment

	plays map[string]any
}

func (p played) RegisterWorkflowWithOptions(function any, options workflow.RegisterOptions) {
	if play := p.plays[options.Name]; play != nil {
		function = play
	}
	p.TestWorkflowEnvironment.RegisterWorkflowWithOptions(function, options)
}

// outcome runs a workflow to its end.
func outcome[Result any](t testing.TB, env *testsuite.TestWorkflowEnvironment, name string, request any) (Result, error) {
	t.Helper()
	env.ExecuteWorkflow(name, request)
	require.True(t, env.IsWorkflowCompleted())
	var result Result
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	require.NoError(t, env.GetWorkflowResult(&result))
	return result, nil
}

// requireEnded says that the run failed with the code, at the step, and that it was ended so, once.
func (s *scene) requireEnded(t testing.TB, err error, code vacation.FailureCode, step vacation.Stage) {
	t.Helper()
	failure := activities.AsFailure(err)
	require.NotNil(t, failure)
	require.Equal(t, code, failure.Code, failure.Message)
	require.Equal(t, step, failure.Step)
	if step == vacation.StageOpening {
		require.Empty(t, s.failed, "a run that was never opened has no end")
		return
	}
	require.Equal(t, []activities.FailVacationRequest{{
		Run: s.run, Code: code, Step: step, Message: failure.Message,
	}}, s.failed)
}

// reply is what became of an Update.
type reply struct {
	refused  error // by the validator: nothing was written
	accepted bool
	done     bool
	text     string
	err      error
	then     func()        // called when it is done
	heard    chan struct{} // closed when it is accepted or refused
}

// sends gives a run an Update after a while.
func sends(env *testsuite.TestWorkflowEnvironment, after time.Duration, name string, argument any) *reply {
	got := &reply{}
	env.RegisterDelayedCallback(func() { send(env, got, name, argument) }, after)
	return got
}

func send(env *testsuite.TestWorkflowEnvironment, got *reply, name string, argument any) {
	env.UpdateWorkflow(name, fmt.Sprintf("update-%p", got), got.callbacks(), argument)
}

// sendNow gives a run an Update from within an activity, and returns once the
// run has taken or refused it.
func sendNow(env *testsuite.TestWorkflowEnvironment, got *reply, name string, argument any) {
	got.heard = make(chan struct{})
	env.RegisterDelayedCallback(func() { send(env, got, name, argument) }, 0)
	<-got.heard
}

func (r *reply) callbacks() *testsuite.TestUpdateCallback {
	return &testsuite.TestUpdateCallback{
		OnAccept: func() { r.accepted = true; r.wake() },
		OnReject: func(err error) { r.refused = err; r.wake() },
		OnComplete: func(result any, err error) {
			r.done, r.err = true, err
			r.text, _ = result.(string)
			if r.then != nil {
				r.then()
			}
		},
	}
}

func (r *reply) wake() {
	if r.heard != nil {
		close(r.heard)
	}
}

// by is an answer of an operator with a reason.
func by(actor string, subjects ...string) workflows.AnswerRequest {
	return workflows.AnswerRequest{Actor: actor, Reason: "because", Subjects: subjects}
}

// waitingFor is what a run says that it waits for.
func waitingFor(t testing.TB, env *testsuite.TestWorkflowEnvironment) workflows.Waiting {
	t.Helper()
	value, err := env.QueryWorkflow(workflows.WaitingQuery)
	require.NoError(t, err)
	var answer workflows.Waiting
	require.NoError(t, value.Get(&answer))
	return answer
}

// unmarshal reads JSON that was written by a test's own activity.
func unmarshal[T any](text string, into *T) T {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		panic(err)
	}
	return *into
}
