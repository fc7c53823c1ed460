package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

const (
	reference   = "00000120260317UEP"
	correlation = "6a1f7d5e-21aa-11f1-9f0e-0242ac120002"
	sha256      = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	fileLines   = 1_000
	parkedLines = 3
)

func newRequest() workflows.ReglementRequest {
	at := time.Date(2026, time.March, 17, 2, 0, 0, 0, time.UTC)
	return workflows.ReglementRequest{
		BusinessDate: calendar.DateOf(at),
		Transaction: ogep.GlobalTransaction{
			ID: "bank-line-1", Label: "REM E 100 " + reference, Amount: 123_456,
			BookedAt: at, TransactionAt: at, ValueAt: at,
			Type: "transfer", Status: "booked", Vacation: "TRANSACTION", Reference: reference, OperationType: "100",
		},
		File:   "/var/lib/reglo/inbox/Fichier.CRE.EP.TI.UEP.txt",
		CutOff: at.Add(13 * time.Hour),
	}
}

func opened() activities.Run {
	return activities.Run{
		ID:     vacation.ID{Kind: vacation.ReglementTransactions, Key: reference},
		Number: 7, CorrelationID: correlation, StartedAt: time.Date(2026, time.March, 17, 2, 30, 0, 0, time.UTC),
	}
}

func totals() vacation.Totals {
	return vacation.Totals{
		CorrelationID: correlation, Reference: reference, Lines: fileLines, ParkedLines: parkedLines, Gross: 123_456, FileSHA256: sha256,
	}
}

func loaded() activities.LoadFileResult {
	return activities.LoadFileResult{Found: true, SHA256: sha256, Lines: fileLines, Gross: 123_456, Parked: parkedLines}
}

// cast plays the activities: each is called before it does what it does in a
// vacation without incident.
type cast struct {
	mutex  sync.Mutex
	calls  []string
	failed []activities.FailVacationRequest

	// before is called as an activity begins, with how often it did so before. Its error is the activity's.
	before map[string]func(ctx context.Context, times int) error
	open   activities.OpenSettlementResult
	load   func(times int) activities.LoadFileResult
	post   func(times int) activities.PostLinesResult
}

func newCast() *cast {
	return &cast{
		before: make(map[string]func(context.Context, int) error),
		open:   activities.OpenSettlementResult{Run: opened()},
		load:   func(int) activities.LoadFileResult { return loaded() },
		post: func(times int) activities.PostLinesResult {
			return activities.PostLinesResult{Posted: min(fileLines, 400*(times+1)), Done: times == 2}
		},
	}
}

// enter notes a call and says how many there were before.
func (c *cast) enter(ctx context.Context, name string) (times int, err error) {
	c.mutex.Lock()
	for _, call := range c.calls {
		if call == name {
			times++
		}
	}
	c.calls = append(c.calls, name)
	c.mutex.Unlock()
	if before := c.before[name]; before != nil {
		return times, before(ctx, times)
	}
	return times, nil
}

func (c *cast) register(registry worker.ActivityRegistry) {
	onRun := func(name string) func(context.Context, activities.Run) error {
		return func(ctx context.Context, _ activities.Run) error {
			_, err := c.enter(ctx, name)
			return err
		}
	}
	for name, function := range map[string]any{
		activities.OpenSettlementName: func(ctx context.Context, _ activities.OpenSettlementRequest) (activities.OpenSettlementResult, error) {
			_, err := c.enter(ctx, activities.OpenSettlementName)
			return c.open, err
		},
		activities.AwaitFileName: func(ctx context.Context, _ activities.AwaitFileRequest) error {
			_, err := c.enter(ctx, activities.AwaitFileName)
			return err
		},
		activities.LoadFileName: func(ctx context.Context, _ activities.LoadFileRequest) (activities.LoadFileResult, error) {
			times, err := c.enter(ctx, activities.LoadFileName)
			return c.load(times), err
		},
		activities.PostLinesName: func(ctx context.Context, _ activities.PostLinesRequest) (activities.PostLinesResult, error) {
			times, err := c.enter(ctx, activities.PostLinesName)
			return c.post(times), err
		},
		activities.CoverShortfallsName: onRun(activities.CoverShortfallsName),
		activities.IsolateRevenueName:  onRun(activities.IsolateRevenueName),
		activities.CloseSettlementName: func(ctx context.Context, _ activities.Run) (vacation.Totals, error) {
			_, err := c.enter(ctx, activities.CloseSettlementName)
			return totals(), err
		},
		activities.PlanPostingsName: func(ctx context.Context) (activities.PlanPostingsResult, error) {
			_, err := c.enter(ctx, activities.PlanPostingsName)
			return activities.PlanPostingsResult{Planned: 1}, err
		},
		activities.ArchiveFileName: func(ctx context.Context, _ activities.ArchiveFileRequest) error {
			_, err := c.enter(ctx, activities.ArchiveFileName)
			return err
		},
		activities.FailVacationName: func(ctx context.Context, request activities.FailVacationRequest) error {
			_, err := c.enter(ctx, activities.FailVacationName)
			c.mutex.Lock()
			defer c.mutex.Unlock()
			c.failed = append(c.failed, request)
			return err
		},
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

func newEnvironment(t testing.TB, on *cast) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(30 * time.Second)
	workflows.Register(env)
	on.register(env)
	return env
}

// play runs the vacation to its end.
func play(t testing.TB, on *cast) (vacation.Totals, error) {
	t.Helper()
	return playIn(t, newEnvironment(t, on))
}

func playIn(t testing.TB, env *testsuite.TestWorkflowEnvironment) (vacation.Totals, error) {
	t.Helper()
	env.ExecuteWorkflow(workflows.ReglementTransactionsName, newRequest())
	require.True(t, env.IsWorkflowCompleted())
	if err := env.GetWorkflowError(); err != nil {
		return vacation.Totals{}, err
	}
	var result vacation.Totals
	require.NoError(t, env.GetWorkflowResult(&result))
	return result, nil
}

// requireFailure says that the run failed with the typed error of that code and
// that, where it was opened, it was ended with the same, once.
func requireFailure(t testing.TB, on *cast, err error, code vacation.FailureCode, step vacation.Stage) {
	t.Helper()
	failure := activities.AsFailure(err)
	require.NotNil(t, failure)
	require.Equal(t, code, failure.Code)
	require.Equal(t, step, failure.Step)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, string(code), application.Type(), "the type that the UI shows")
	require.True(t, application.NonRetryable())

	if step == vacation.StageOpening {
		require.Empty(t, on.failed, "a run that was never opened has no end")
		return
	}
	require.Equal(t, []activities.FailVacationRequest{{
		Run: opened(), Code: code, Step: step, Message: failure.Message,
	}}, on.failed)
}

func TestTheStepsFollowOneAnother(t *testing.T) {
	t.Parallel()
	on := newCast()
	result, err := play(t, on)
	require.NoError(t, err)
	require.Equal(t, totals(), result)
	require.Equal(t, []string{
		activities.OpenSettlementName, activities.LoadFileName,
		activities.PostLinesName, activities.PostLinesName, activities.PostLinesName,
		activities.CoverShortfallsName, activities.IsolateRevenueName, activities.CloseSettlementName,
		activities.PlanPostingsName, activities.ArchiveFileName,
	}, on.calls)
}

// stages of the activities that can fail, as the operator is told.
func stages() map[string]vacation.Stage {
	return map[string]vacation.Stage{
		activities.OpenSettlementName:  vacation.StageOpening,
		activities.LoadFileName:        vacation.StageLoading,
		activities.PostLinesName:       vacation.StagePosting,
		activities.CoverShortfallsName: vacation.StageCovering,
		activities.IsolateRevenueName:  vacation.StageIsolating,
		activities.CloseSettlementName: vacation.StageProving,
	}
}

func TestEachFailureEndsTheRunWithError(t *testing.T) {
	t.Parallel()
	for name, codes := range map[string][]vacation.FailureCode{
		activities.OpenSettlementName: {vacation.ParametersConflict},
		activities.LoadFileName: {
			vacation.FileInvalid, vacation.AmountMismatch, vacation.ReferenceMismatch, vacation.DuplicateReference,
			vacation.DuplicateLine, vacation.ParametersConflict, vacation.MerchantsMissing,
		},
		activities.PostLinesName:       {vacation.InvariantBroken},
		activities.CoverShortfallsName: {vacation.OwnMoneyTooLow},
		activities.IsolateRevenueName:  {vacation.OwnMoneyTooLow},
		activities.CloseSettlementName: {vacation.InvariantBroken},
	} {
		for _, code := range codes {
			t.Run(name+" "+string(code), func(t *testing.T) {
				t.Parallel()
				on := newCast()
				on.before[name] = func(context.Context, int) error { return activities.Final(vacation.Fail(code, "as it is")) }
				_, err := play(t, on)
				requireFailure(t, on, err, code, stages()[name])
				require.Contains(t, err.Error(), "as it is")
			})
		}
	}
}

func TestAnErrorWithoutACodeIsUnexpected(t *testing.T) {
	t.Parallel()
	for name, stage := range stages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := newCast()
			on.before[name] = func(context.Context, int) error {
				return temporal.NewNonRetryableApplicationError("nobody thought of it", "wrapError", nil)
			}
			_, err := play(t, on)
			requireFailure(t, on, err, vacation.Unexpected, stage)
			require.Contains(t, err.Error(), "nobody thought of it")
		})
	}
}

func TestWhatMayPassIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		activities.OpenSettlementName, activities.LoadFileName, activities.PostLinesName, activities.CoverShortfallsName,
		activities.IsolateRevenueName, activities.CloseSettlementName, activities.PlanPostingsName, activities.ArchiveFileName,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := newCast()
			on.post = func(int) activities.PostLinesResult { return activities.PostLinesResult{Posted: fileLines, Done: true} }
			const tries = 5
			on.before[name] = func(_ context.Context, times int) error {
				if times < tries {
					return errors.New("PostgreSQL does not answer")
				}
				return nil
			}
			result, err := play(t, on)
			require.NoError(t, err)
			require.Equal(t, totals(), result)
			require.Empty(t, on.failed)
		})
	}

	t.Run("the end with error too", func(t *testing.T) {
		t.Parallel()
		on := newCast()
		on.before[activities.LoadFileName] = func(context.Context, int) error {
			return activities.Final(vacation.Fail(vacation.FileInvalid, "broken"))
		}
		on.before[activities.FailVacationName] = func(_ context.Context, times int) error {
			if times == 0 {
				return errors.New("PostgreSQL does not answer")
			}
			return nil
		}
		_, err := play(t, on)
		require.Equal(t, vacation.FileInvalid, activities.AsFailure(err).Code)
		require.Len(t, on.failed, 2)
		require.Equal(t, on.failed[0], on.failed[1])
	})
}

// TestACancellationIsHeardAtEachStep cancels the run while an activity works.
func TestACancellationIsHeardAtEachStep(t *testing.T) {
	t.Parallel()
	for name, step := range map[string]vacation.Stage{
		// What opens the run comes to its end first, so that the run is ended too.
		activities.OpenSettlementName:  vacation.StageLoading,
		activities.LoadFileName:        vacation.StageLoading,
		activities.AwaitFileName:       vacation.StageAwaiting,
		activities.PostLinesName:       vacation.StagePosting,
		activities.CoverShortfallsName: vacation.StageCovering,
		activities.IsolateRevenueName:  vacation.StageIsolating,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := newCast()
			on.load = func(int) activities.LoadFileResult {
				return activities.LoadFileResult{Found: name != activities.AwaitFileName, SHA256: sha256, Lines: fileLines}
			}
			env := newEnvironment(t, on)
			long := slices.Contains([]string{activities.LoadFileName, activities.AwaitFileName, activities.PostLinesName}, name)
			on.before[name] = func(ctx context.Context, _ int) error {
				env.CancelWorkflow()
				if !long {
					return nil
				}
				<-ctx.Done()
				return ctx.Err()
			}
			_, err := playIn(t, env)
			requireFailure(t, on, err, vacation.Cancelled, step)
		})
	}

	for _, name := range []string{activities.CloseSettlementName, activities.PlanPostingsName, activities.ArchiveFileName} {
		t.Run("too late at "+name, func(t *testing.T) {
			t.Parallel()
			on := newCast()
			env := newEnvironment(t, on)
			on.before[name] = func(context.Context, int) error {
				env.CancelWorkflow()
				return nil
			}
			result, err := playIn(t, env)
			require.NoError(t, err, "the vacation has ended")
			require.Equal(t, totals(), result)
			require.Empty(t, on.failed)
			require.Contains(t, on.calls, activities.ArchiveFileName)
		})
	}
}

// shown is what an operator sees of a run in the UI.
type shown struct {
	mutex      sync.Mutex
	attributes map[string]any
}

func watch(env *testsuite.TestWorkflowEnvironment) *shown {
	s := &shown{attributes: make(map[string]any)}
	env.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(attributes temporal.SearchAttributes) bool {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		for key, value := range attributes.GetUntypedValues() {
			s.attributes[key.GetName()] = value
		}
		return true
	})).Return(nil)
	return s
}

func (s *shown) attribute(name string) any {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.attributes[name]
}

// details are the run's current details as the UI asks for them.
func details(t testing.TB, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	value, err := env.QueryWorkflow("__temporal_workflow_metadata")
	require.NoError(t, err)
	var metadata sdk.WorkflowMetadata
	require.NoError(t, value.Get(&metadata))
	return metadata.GetCurrentDetails()
}

func progress(t testing.TB, env *testsuite.TestWorkflowEnvironment) vacation.Progress {
	t.Helper()
	value, err := env.QueryWorkflow(workflows.ProgressQuery)
	require.NoError(t, err)
	var answer vacation.Progress
	require.NoError(t, value.Get(&answer))
	return answer
}

func TestALateFileIsWaitedFor(t *testing.T) {
	t.Parallel()
	on := newCast()
	env := newEnvironment(t, on)
	board := watch(env)
	on.load = func(times int) activities.LoadFileResult {
		if times < 2 { // what was found first was half written
			return activities.LoadFileResult{}
		}
		return loaded()
	}
	on.before[activities.AwaitFileName] = func(context.Context, int) error {
		require.Equal(t, vacation.StageAwaiting, progress(t, env).Stage)
		require.Equal(t, true, board.attribute(workflows.AttributeNeedsOperator))
		require.Equal(t, string(vacation.StageAwaiting), board.attribute(workflows.AttributeStage))
		text := details(t, env)
		require.Contains(t, text, newRequest().File)
		require.Contains(t, text, "2026-03-17 16:00 CET", "the cut-off, in Paris")
		require.Contains(t, text, string(vacation.FileMissing))
		return nil
	}
	on.before[activities.PostLinesName] = func(context.Context, int) error {
		require.Equal(t, false, board.attribute(workflows.AttributeNeedsOperator))
		return nil
	}
	result, err := playIn(t, env)
	require.NoError(t, err)
	require.Equal(t, totals(), result)
	require.Equal(t, []string{
		activities.OpenSettlementName, activities.LoadFileName, activities.AwaitFileName, activities.LoadFileName,
		activities.AwaitFileName, activities.LoadFileName, activities.PostLinesName,
	}, on.calls[:7])
}

func TestAFileThatNeverComesIsMissing(t *testing.T) {
	t.Parallel()
	on := newCast()
	env := newEnvironment(t, on)
	board := watch(env)
	on.load = func(int) activities.LoadFileResult { return activities.LoadFileResult{} }
	on.before[activities.AwaitFileName] = func(context.Context, int) error {
		return activities.Final(vacation.Fail(vacation.FileMissing, "no complete file by the cut-off"))
	}
	_, err := playIn(t, env)
	requireFailure(t, on, err, vacation.FileMissing, vacation.StageAwaiting)
	require.Equal(t, true, board.attribute(workflows.AttributeNeedsOperator))
	require.Contains(t, details(t, env), string(vacation.FileMissing))
}

func TestLostPartsAreMadeAgain(t *testing.T) {
	t.Parallel()
	on := newCast()
	env := newEnvironment(t, on)
	on.post = func(times int) activities.PostLinesResult {
		return activities.PostLinesResult{Posted: 400 * (times + 1), PartsLost: times == 0, Done: times == 1}
	}
	on.before[activities.LoadFileName] = func(_ context.Context, times int) error {
		if times == 1 {
			require.Equal(t, 400, progress(t, env).Posted)
		}
		return nil
	}
	result, err := playIn(t, env)
	require.NoError(t, err)
	require.Equal(t, totals(), result)
	require.Equal(t, []string{
		activities.OpenSettlementName, activities.LoadFileName, activities.PostLinesName,
		activities.LoadFileName, activities.PostLinesName, activities.CoverShortfallsName,
	}, on.calls[:6])
}

func TestPartsThatAreLostForEverEndTheRun(t *testing.T) {
	t.Parallel()
	on := newCast()
	on.post = func(int) activities.PostLinesResult { return activities.PostLinesResult{PartsLost: true} }
	_, err := play(t, on)
	requireFailure(t, on, err, vacation.PartsLost, vacation.StagePosting)
	require.Contains(t, err.Error(), "let all workers share one data folder")
}

func TestASettledReferenceReturnsTheFirstTotals(t *testing.T) {
	t.Parallel()
	on := newCast()
	first := totals()
	on.open = activities.OpenSettlementResult{Settled: &first}
	result, err := play(t, on)
	require.NoError(t, err)
	require.Equal(t, first, result)
	require.Equal(t, []string{activities.OpenSettlementName}, on.calls)
}

func TestAReferenceThatIsNoKeyIsRefused(t *testing.T) {
	t.Parallel()
	on := newCast()
	env := newEnvironment(t, on)
	request := newRequest()
	request.Transaction.Reference = "not a key"
	env.ExecuteWorkflow(workflows.ReglementTransactionsName, request)
	failure := activities.AsFailure(env.GetWorkflowError())
	require.Equal(t, vacation.ParametersConflict, failure.Code)
	require.Contains(t, failure.Message, "not a key")
	require.Empty(t, on.calls)
}

func TestProgressIsToldAtEachStage(t *testing.T) {
	t.Parallel()
	on := newCast()
	env := newEnvironment(t, on)
	board := watch(env)
	var told []vacation.Progress
	for name := range stages() {
		on.before[name] = func(context.Context, int) error {
			told = append(told, progress(t, env))
			stage := told[len(told)-1].Stage
			if stage == vacation.StageIsolating || stage == vacation.StageProving {
				stage = vacation.StageCovering // what lasts milliseconds is not written to the list of runs
			}
			require.Equal(t, string(stage), board.attribute(workflows.AttributeStage))
			return nil
		}
	}
	on.before[activities.ArchiveFileName] = func(context.Context, int) error {
		told = append(told, progress(t, env))
		return nil
	}
	_, err := playIn(t, env)
	require.NoError(t, err)
	told = append(told, progress(t, env))

	at := func(stage vacation.Stage, posted int) vacation.Progress {
		return vacation.Progress{Stage: stage, Read: fileLines, Posted: posted, Total: fileLines}
	}
	require.Equal(t, []vacation.Progress{
		{Stage: vacation.StageOpening}, {Stage: vacation.StageLoading},
		at(vacation.StagePosting, parkedLines), at(vacation.StagePosting, 400), at(vacation.StagePosting, 800),
		at(vacation.StageCovering, fileLines), at(vacation.StageIsolating, fileLines), at(vacation.StageProving, fileLines),
		at(vacation.StageArchiving, fileLines), at(vacation.StageEnded, fileLines),
	}, told)
	require.Equal(t, string(vacation.ReglementTransactions), board.attribute(workflows.AttributeVacation))
	require.Equal(t, "2026-03-17", board.attribute(workflows.AttributeBusinessDate))
	require.Equal(t, correlation, board.attribute(workflows.AttributeCorrelationID))
	require.Equal(t, string(vacation.StageEnded), board.attribute(workflows.AttributeStage))
	require.Equal(t, false, board.attribute(workflows.AttributeNeedsOperator))
	require.Contains(t, details(t, env), "1000 of 1000 lines posted")
}
