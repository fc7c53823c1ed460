package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func opening() *scene {
	return newScene(vacation.Technique, newTechnique(workflows.PhaseOpen).SessionKey())
}

func openDay(t testing.TB, env *testsuite.TestWorkflowEnvironment) (vacation.TechniqueTotals, error) {
	t.Helper()
	return outcome[vacation.TechniqueTotals](t, env, workflows.TechniqueName, newTechnique(workflows.PhaseOpen))
}

func TestAPhaseThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	on := opening()
	_, err := outcome[vacation.TechniqueTotals](t, on.environment(t), workflows.TechniqueName, newTechnique("lunch"))
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
	require.Empty(t, on.calls)
}

// closing is a day whose snapshot closes more CPs than a day's business explains.
func closing() *scene {
	on := opening()
	on.says[activities.LoadMerchantsName] = func(times int) any {
		if times == 0 {
			return activities.LoadMerchantsResult{Snapshot: 11, Waits: "12 of 40 CPs are closed", WaitsFor: sha256}
		}
		return activities.LoadMerchantsResult{Snapshot: 12}
	}
	return on
}

func TestASnapshotThatClosesManyIsLookedAt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ approved, skipped string }{
		workflows.ApproveUpdate: {approved: sha256}, workflows.RefuseUpdate: {skipped: sha256},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := closing()
			env := on.environment(t)
			env.RegisterDelayedCallback(func() {
				waiting := waitingFor(t, env)
				require.Equal(t, vacation.StageApproval, waiting.Stage)
				require.Contains(t, waiting.What, "12 of 40 CPs are closed")
				require.True(t, waiting.Until.IsZero(), "nothing decides it by itself")
			}, time.Minute)
			got := sends(env, 24*time.Hour, name, by("bruno"))
			result, err := openDay(t, env)
			require.NoError(t, err)
			require.NoError(t, got.err)
			require.Equal(t, 12, result.Snapshot)
			again := input[activities.LoadMerchantsRequest](t, on, activities.LoadMerchantsName, 1)
			require.Equal(t, want.approved, again.Approved)
			require.Equal(t, want.skipped, again.Skipped)
			require.Equal(t, "bruno", again.Answer.Actor)
			record := input[activities.RecordAnswerRequest](t, on, activities.RecordAnswerName, 0)
			require.NotEqual(t, record.Answer.ID, again.Answer.ID, "two rows of the journal")
		})
	}
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		on := closing()
		env := on.environment(t)
		sends(env, time.Hour, workflows.AbortUpdate, by("bruno"))
		_, err := openDay(t, env)
		on.requireEnded(t, err, vacation.Aborted, vacation.StageApproval)
	})
	t.Run("a cancellation", func(t *testing.T) {
		t.Parallel()
		on := closing()
		env := on.environment(t)
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
		_, err := openDay(t, env)
		on.requireEnded(t, err, vacation.Cancelled, vacation.StageApproval)
	})
}

// missing is a day whose statements are complete from a look on.
func missing(looks int) *scene {
	on := opening()
	on.says[activities.ReadStatementsName] = func(times int) any {
		if times < looks {
			return activities.ReadStatementsResult{Statements: 1, Missing: []string{"CAN", "FON"}}
		}
		return activities.ReadStatementsResult{Statements: 3}
	}
	return on
}

func TestLateStatements(t *testing.T) {
	t.Parallel()
	t.Run("are found by themselves", func(t *testing.T) {
		t.Parallel()
		on := missing(3)
		env := on.environment(t)
		env.RegisterDelayedCallback(func() {
			waiting := waitingFor(t, env)
			require.Equal(t, vacation.StageAwaiting, waiting.Stage)
			require.Contains(t, waiting.What, "CAN, FON")
			require.Equal(t, []string{workflows.RetryUpdate, workflows.SkipUpdate, workflows.AbortUpdate}, waiting.Answers)
		}, 10*time.Second)
		result, err := openDay(t, env)
		require.NoError(t, err)
		require.Equal(t, 3, result.Statements)
		require.Equal(t, 4, on.times(activities.ReadStatementsName))
	})
	t.Run("are looked for when told", func(t *testing.T) {
		t.Parallel()
		on := missing(3)
		env := on.environment(t)
		sends(env, 20*time.Second, workflows.RetryUpdate, by("bruno"))
		started := env.Now()
		_, err := openDay(t, env)
		require.NoError(t, err)
		require.Equal(t, 20*time.Second, env.Now().Sub(started).Round(time.Second), "looked at 0, 5, 15 and 20")
	})
	t.Run("are done without", func(t *testing.T) {
		t.Parallel()
		on := missing(1_000)
		env := on.environment(t)
		sends(env, time.Hour, workflows.SkipUpdate, by("bruno"))
		result, err := openDay(t, env)
		require.NoError(t, err)
		require.Equal(t, 1, result.Statements)
		require.Equal(t, 1, on.times(activities.MatchTransfersName))
	})
	t.Run("are done without at the cut-off", func(t *testing.T) {
		t.Parallel()
		on := missing(1_000)
		env := on.environment(t)
		_, err := openDay(t, env)
		require.NoError(t, err)
		require.False(t, env.Now().Before(newRequest().CutOff))
		require.Less(t, on.times(activities.ReadStatementsName), 120)
	})
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		on := missing(1_000)
		env := on.environment(t)
		sends(env, time.Hour, workflows.AbortUpdate, by("bruno"))
		_, err := openDay(t, env)
		on.requireEnded(t, err, vacation.Aborted, vacation.StageAwaiting)
	})
	t.Run("are broken when they come", func(t *testing.T) {
		t.Parallel()
		on := missing(1_000)
		on.before[activities.ReadStatementsName] = func(_ context.Context, times int) error {
			if times == 2 {
				return activities.Final(vacation.Fail(vacation.StatementInvalid, "as it is"))
			}
			return nil
		}
		_, err := openDay(t, on.environment(t))
		on.requireEnded(t, err, vacation.StatementInvalid, vacation.StageStatements)
	})
}

// paired are bank lines for règlements of these kinds, all references distinct.
func paired(kinds ...vacation.Kind) []activities.Paired {
	var lines []activities.Paired
	for i, kind := range kinds {
		transaction := newRequest().Transaction
		transaction.Reference = strings.Repeat("L", i+1)
		lines = append(lines, activities.Paired{Kind: string(kind), Transaction: transaction})
	}
	return lines
}

// settles plays the règlements; each notes its id and lives as long as it is told.
func settles(on *scene, lives time.Duration, ends func(id string) error) (started, ended *[]string) {
	started, ended = new([]string), new([]string)
	play := func(ctx workflow.Context, request workflows.ReglementRequest) error {
		id := workflow.GetInfo(ctx).WorkflowExecution.ID
		if request.File != "/inbox" || !strings.HasSuffix(id, "/"+request.Transaction.Reference) {
			return errors.New("another request")
		}
		*started = append(*started, id)
		if err := workflow.Sleep(ctx, lives); err != nil {
			return err
		}
		*ended = append(*ended, id)
		return ends(id)
	}
	for _, name := range []string{
		workflows.ReglementTransactionsName, workflows.ReglementImpayesName, workflows.ReglementVirementsName,
	} {
		on.plays[name] = play
	}
	return started, ended
}

func well(string) error { return nil }

func TestReglementsRunAsChildrenUntilNoLineIsNew(t *testing.T) {
	t.Parallel()
	on := opening()
	all := paired(vacation.ReglementTransactions, vacation.ReglementImpayes, vacation.ReglementVirements)
	// A line comes again as long as no règlement has taken it up; the third comes with what the others did.
	on.says[activities.PairLinesName] = func(times int) any { return all[:min(len(all), 2+times)] }
	started, ended := settles(on, time.Hour, func(id string) error {
		if id == "vacation-reglement-impayes/LL" {
			return activities.Final(vacation.Fail(vacation.OwnMoneyTooLow, "as it is"))
		}
		return nil
	})
	env := on.environment(t)
	env.RegisterDelayedCallback(func() {
		require.Contains(t, details(t, env), "running-reglements")
		require.Len(t, *started, 2, "at the same time")
	}, 30*time.Minute)
	env.RegisterDelayedCallback(func() {
		require.Contains(t, details(t, env), "Stage: **running-reglements**")
	}, 90*time.Minute)
	result, err := openDay(t, env)
	require.NoError(t, err, "a règlement that failed fails technique not")
	require.Equal(t, 3, result.Reglements)
	require.Equal(t, 1, result.Failed)
	want := []string{"vacation-reglement-transactions/L", "vacation-reglement-impayes/LL", "vacation-reglement-virements/LLL"}
	require.ElementsMatch(t, want, *started)
	require.Equal(t, want[2], (*started)[2])
	require.ElementsMatch(t, want, *ended)
	require.Equal(t, 3, on.times(activities.PairLinesName))
	require.Zero(t, on.times(activities.AwaitReglementsName))
}

func TestALineThatIsPairedWithNoReglementEndsTechnique(t *testing.T) {
	t.Parallel()
	on := opening()
	on.says[activities.PairLinesName] = func(int) any { return paired(vacation.Financiere) }
	_, err := openDay(t, on.environment(t))
	on.requireEnded(t, err, vacation.Unexpected, vacation.StagePairing)
}

func TestCancellingTechniqueDoesNotCancelItsReglements(t *testing.T) {
	t.Parallel()
	on := opening()
	on.says[activities.PairLinesName] = func(int) any { return paired(vacation.ReglementTransactions) }
	started, ended := settles(on, 2*time.Hour, well)
	env := on.environment(t)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
	_, err := openDay(t, env)
	on.requireEnded(t, err, vacation.Cancelled, vacation.StageReglements)
	require.Len(t, *started, 1)
	require.Equal(t, *started, *ended, "it has come to its own end")
}

// house is a workflow that starts a session by hand before it starts what is tested.
func house(env *testsuite.TestWorkflowEnvironment, byHand func(workflow.Context) workflow.ChildWorkflowFuture, name, id string, request any) {
	env.RegisterWorkflowWithOptions(func(ctx workflow.Context) (result json.RawMessage, err error) {
		if err := byHand(ctx).GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return nil, err
		}
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
			WorkflowID: id, TypedSearchAttributes: scheduledFor(morning()),
		})
		err = workflow.ExecuteChildWorkflow(ctx, name, request).Get(ctx, &result)
		return result, err
	}, workflow.RegisterOptions{Name: "house"})
}

func TestAReglementThatSomebodyElseStartedIsWaitedFor(t *testing.T) {
	t.Parallel()
	on := opening()
	line := paired(vacation.ReglementTransactions)[0]
	on.says[activities.PairLinesName] = func(int) any { return []activities.Paired{line} }
	on.says[activities.AwaitReglementsName] = func(int) any { return 1 }
	started, _ := settles(on, 2*time.Hour, well)
	env := on.environment(t)
	request := newTechnique(workflows.PhaseOpen)
	house(env, func(ctx workflow.Context) workflow.ChildWorkflowFuture {
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "vacation-reglement-transactions/L"})
		return workflow.ExecuteChildWorkflow(ctx, workflows.ReglementTransactionsName,
			workflows.ReglementRequest{Transaction: line.Transaction, File: "/inbox"})
	}, workflows.TechniqueName, on.run.ID.String(), request)
	env.ExecuteWorkflow("house")
	require.NoError(t, env.GetWorkflowError())
	var result vacation.TechniqueTotals
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Len(t, *started, 1, "once")
	require.Equal(t, []string{"vacation-reglement-transactions/L"},
		input[activities.AwaitReglementsRequest](t, on, activities.AwaitReglementsName, 0).IDs)
	require.Equal(t, 1, result.Reglements)
	require.Equal(t, 1, result.Failed)
}

func TestDecisionsAreTakenWhileTechniqueRuns(t *testing.T) {
	t.Parallel()
	on := missing(1_000)
	env := on.environment(t)
	var replies []*reply
	for i, act := range []string{activities.ActAssign, activities.ActClassify, activities.ActWriteOff, activities.ActRelease} {
		replies = append(replies, sends(env, time.Duration(i+1)*time.Minute, workflows.AssignUpdate, decision(act)))
	}
	refused := decision(activities.ActAssign)
	wrong := sends(env, 10*time.Minute, workflows.AssignUpdate, refused)
	on.before[activities.DecideName] = func(_ context.Context, times int) error {
		if times == len(replies) {
			return activities.Final(vacation.Fail(vacation.Refused, "line 7 is not parked"))
		}
		return nil
	}
	sends(env, time.Hour, workflows.SkipUpdate, by("bruno"))
	result, err := openDay(t, env)
	require.NoError(t, err)
	require.Equal(t, len(replies), result.Decisions)
	ids := make(map[string]bool)
	for i, got := range replies {
		require.NoError(t, got.err)
		require.Equal(t, "line 7 stands on account 12", got.text)
		request := input[activities.DecideRequest](t, on, activities.DecideName, i)
		require.Equal(t, on.run, request.Run)
		require.Equal(t, "bruno", request.Decision.Answer.Actor)
		ids[request.Decision.Answer.ID] = true
	}
	require.Len(t, ids, len(replies), "each decision is one answer")
	require.ErrorContains(t, wrong.err, "line 7 is not parked")
}

func TestADecisionThatLacksSomethingIsRefused(t *testing.T) {
	t.Parallel()
	for because, spoil := range map[string]func(*activities.Decision){
		"there is no decision \"dance\"":          func(d *activities.Decision) { d.Act = "dance" },
		"to assign, say reference, line and acc":  func(d *activities.Decision) { d.Line = 0 },
		"say who decides":                         func(d *activities.Decision) { d.Answer.Actor = "" },
		"say why":                                 func(d *activities.Decision) { d.Answer.Reason = "" },
		"to classify, say bankLine and as":        func(d *activities.Decision) { d.Act, d.As = activities.ActClassify, "" },
		"to write-off, say debt":                  func(d *activities.Decision) { d.Act, d.Debt = activities.ActWriteOff, 0 },
		"to release, say account":                 func(d *activities.Decision) { d.Act, d.Account = activities.ActRelease, 0 },
		"to assign, say reference, line and acco": func(d *activities.Decision) { d.Reference = "" },
	} {
		t.Run(because, func(t *testing.T) {
			t.Parallel()
			on := missing(1_000)
			env := on.environment(t)
			wrong := decision(activities.ActAssign)
			spoil(&wrong)
			got := sends(env, time.Minute, workflows.AssignUpdate, wrong)
			sends(env, time.Hour, workflows.SkipUpdate, by("bruno"))
			result, err := openDay(t, env)
			require.NoError(t, err)
			require.ErrorContains(t, got.refused, because)
			require.Zero(t, result.Decisions)

			request := newDecisions()
			request.Decisions[1] = wrong
			on = newScene(vacation.Technique, request.SessionKey())
			_, err = outcome[vacation.TechniqueTotals](t, on.environment(t), workflows.TechniqueName, request)
			on.requireEnded(t, err, vacation.Refused, vacation.StageDeciding)
			require.Equal(t, 1, on.times(activities.DecideName), "what came before it was decided")
		})
	}
}

// TestADecisionThatIsBeingTakenIsHeardOut: it is counted, and the operator told,
// before the run ends.
func TestADecisionThatIsBeingTakenIsHeardOut(t *testing.T) {
	t.Parallel()
	on := opening()
	env := on.environment(t)
	got := &reply{}
	on.before[activities.PairLinesName] = func(context.Context, int) error {
		sendNow(env, got, workflows.AssignUpdate, decision(activities.ActRelease))
		return nil
	}
	decisionTries := 3
	on.before[activities.DecideName] = func(_ context.Context, times int) error {
		if times < decisionTries {
			return errors.New("PostgreSQL does not answer")
		}
		return nil
	}
	result, err := openDay(t, env)
	require.NoError(t, err)
	require.NoError(t, got.err)
	require.True(t, got.done)
	require.Equal(t, 1, result.Decisions)
	kept := input[activities.CloseVacationRequest](t, on, activities.CloseVacationName, 0)
	require.Contains(t, string(kept.Totals), `"decisions":1`)
	require.Equal(t, activities.CloseVacationName, on.calls[len(on.calls)-1])
}

func TestADecisionForARunThatEndsIsRefused(t *testing.T) {
	t.Parallel()
	on := opening()
	env := on.environment(t)
	got := &reply{}
	on.before[activities.CloseVacationName] = func(_ context.Context, times int) error {
		if times == 0 {
			sendNow(env, got, workflows.AssignUpdate, decision(activities.ActRelease))
			return errors.New("PostgreSQL does not answer")
		}
		return nil
	}
	_, err := openDay(t, env)
	require.NoError(t, err)
	require.ErrorContains(t, got.refused, "give the decision to a session of its own")
	require.Zero(t, on.times(activities.DecideName))
}

func TestADecisionForARunThatIsNeverOpenedIsRefused(t *testing.T) {
	t.Parallel()
	for name, opened := range map[string]func(on *scene) error{
		"refused": func(*scene) error { return activities.Final(vacation.Fail(vacation.ParametersConflict, "as it is")) },
		"ended before": func(on *scene) error {
			on.says[activities.OpenVacationName] = func(int) any { return activities.OpenVacationResult{Ended: written(openedDay())} }
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := opening()
			if name == "ended before" {
				require.NoError(t, opened(on))
			}
			env := on.environment(t)
			got := &reply{}
			on.before[activities.OpenVacationName] = func(_ context.Context, times int) error {
				if times == 0 {
					sendNow(env, got, workflows.AssignUpdate, decision(activities.ActRelease))
					return errors.New("PostgreSQL does not answer")
				}
				if name == "refused" {
					return opened(on)
				}
				return nil
			}
			_, _ = openDay(t, env)
			require.True(t, got.done)
			require.ErrorContains(t, got.err, "was never opened")
			require.Zero(t, on.times(activities.DecideName))
		})
	}
}
