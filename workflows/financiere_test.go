package workflows_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func payday() *scene { return newScene(vacation.Financiere, newFinanciere().SessionKey()) }

func pay(t testing.TB, env *testsuite.TestWorkflowEnvironment, request workflows.FinanciereRequest) (vacation.FinanciereTotals, error) {
	t.Helper()
	return outcome[vacation.FinanciereTotals](t, env, workflows.FinanciereName, request)
}

// payOutNames are the steps that come again when orders were approved.
func payOutNames() []string {
	return []string{activities.PostPayoutsName, activities.DecantonName, activities.RemitName, activities.DispatchName}
}

// lastNames end every financière.
func lastNames() []string {
	return []string{activities.CantonName, activities.DispatchName, activities.AnswerPaylineName, activities.PlanPostingsName, activities.CloseVacationName}
}

// untilPaid are the calls up to the first handing over.
func untilPaid() []string {
	return slices.Concat([]string{
		activities.OpenVacationName, activities.LoadPaylineName, activities.MovePaylineName, activities.ControlPaylineName,
		activities.PlanPayoutsName, activities.ValidateCashoutsName,
	}, payOutNames())
}

func TestAPaylineFileThatIsRefusedAsAWholeEndsTheVacationAtTheVeryEnd(t *testing.T) {
	t.Parallel()
	on := payday()
	on.says[activities.LoadPaylineName] = func(int) any {
		return activities.LoadPaylineResult{Found: true, Transfers: 5, Refused: "AM10", Message: "the sums differ"}
	}
	_, err := pay(t, on.environment(t), newFinanciere())
	on.requireEnded(t, err, vacation.PaylineRefused, vacation.StageLoading)
	require.ErrorContains(t, err, "(AM10): the sums differ")
	last := lastNames()
	last[len(last)-1] = activities.FailVacationName
	require.Equal(t, slices.Concat(untilPaid(), last), on.calls, "all else was done first")
}

func TestALatePaylineFile(t *testing.T) {
	t.Parallel()
	awaiting := newFinanciere()
	awaiting.AwaitPayline = true
	none := func(times int) func(int) any {
		return func(call int) any {
			if call < times {
				return activities.LoadPaylineResult{}
			}
			return activities.LoadPaylineResult{Found: true, Transfers: 5}
		}
	}

	t.Run("is not waited for unless asked", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(1)
		result, err := pay(t, on.environment(t), newFinanciere())
		require.NoError(t, err)
		require.Zero(t, result.Requests)
		require.Equal(t, 1, on.times(activities.LoadPaylineName))
	})
	t.Run("is found by itself", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(4)
		result, err := pay(t, on.environment(t), awaiting)
		require.NoError(t, err)
		require.Equal(t, 5, on.times(activities.LoadPaylineName))
		require.NotZero(t, result.Requests)
	})
	t.Run("is looked for when told", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(4)
		env := on.environment(t)
		got := sends(env, 20*time.Second, workflows.RetryUpdate, by("bruno")) // looks at 0, 5, 15 and now
		started := env.Now()
		_, err := pay(t, env, awaiting)
		require.NoError(t, err)
		require.NoError(t, got.err)
		require.Equal(t, 25*time.Second, env.Now().Sub(started).Round(time.Second))
	})
	t.Run("is done without", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(1_000)
		env := on.environment(t)
		got := sends(env, time.Minute, workflows.SkipUpdate, by("bruno"))
		result, err := pay(t, env, awaiting)
		require.NoError(t, err)
		require.NoError(t, got.err)
		require.Zero(t, result.Requests)
		require.True(t, env.Now().Before(awaiting.CutOff))
	})
	t.Run("is done without at the cut-off", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(1_000)
		env := on.environment(t)
		_, err := pay(t, env, awaiting)
		require.NoError(t, err)
		require.False(t, env.Now().Before(awaiting.CutOff))
		require.Empty(t, on.failed)
	})
	t.Run("aborts", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(1_000)
		env := on.environment(t)
		sends(env, time.Minute, workflows.AbortUpdate, by("bruno"))
		_, err := pay(t, env, awaiting)
		on.requireEnded(t, err, vacation.Aborted, vacation.StageAwaiting)
		require.Zero(t, on.times(activities.PlanPayoutsName))
	})
	t.Run("is broken when it comes, whatever was answered", func(t *testing.T) {
		t.Parallel()
		on := payday()
		on.says[activities.LoadPaylineName] = none(1_000)
		env := on.environment(t)
		on.before[activities.LoadPaylineName] = func(_ context.Context, times int) error {
			if times == 3 {
				return activities.Final(vacation.Fail(vacation.FileInvalid, "as it is"))
			}
			return nil
		}
		_, err := pay(t, env, awaiting)
		on.requireEnded(t, err, vacation.FileInvalid, vacation.StageLoading)
	})
}

// approvals is a day on which two payouts of 200.00 need an approval.
func approvals() *scene {
	on := payday()
	on.says[activities.ValidateCashoutsName] = func(int) any {
		return activities.CashoutsResult{Validated: 10, ValidatedSum: 64_000, Waiting: 2, WaitingSum: 20_000, Done: true}
	}
	on.says[activities.PostPayoutsName] = func(times int) any {
		return activities.PostPayoutsResult{Posted: 10 + 2*times, PostedSum: 64_000, Done: true}
	}
	return on
}

func TestPayoutsThatNeedAnApproval(t *testing.T) {
	t.Parallel()
	approved := slices.Concat(untilPaid(), []string{activities.DecideCashoutsName}, payOutNames(), lastNames())

	t.Run("are approved by another person", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		env := on.environment(t)
		board := watch(env)
		env.RegisterDelayedCallback(func() {
			waiting := waitingFor(t, env)
			require.Equal(t, vacation.StageApproval, waiting.Stage)
			require.Contains(t, waiting.What, "2 payouts of 200.00 € need the approval of somebody other than alice")
			require.Equal(t, []string{workflows.ApproveUpdate, workflows.RefuseUpdate, workflows.AbortUpdate}, waiting.Answers)
			require.Equal(t, true, board.attribute(workflows.AttributeNeedsOperator))
		}, time.Minute)
		self := sends(env, time.Hour, workflows.ApproveUpdate, by("alice"))
		got := sends(env, 2*time.Hour, workflows.ApproveUpdate, by("bruno"))
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.ErrorContains(t, self.refused, "alice asked for this session: another person approves")
		require.NoError(t, got.err)
		require.Equal(t, approved, on.calls, "nothing is recorded beside what the decision writes itself")
		require.Equal(t, 12, result.Paid)
		require.Equal(t, int64(10_000), int64(result.Decantoned), "what the session has ordered so far")
		decided := input[activities.DecideCashoutsRequest](t, on, activities.DecideCashoutsName, 0)
		require.True(t, decided.Approve)
		require.False(t, decided.CutOff)
		require.Empty(t, decided.Orders)
		require.Equal(t, "alice", decided.Requester)
		require.Equal(t, "bruno", decided.Answer.Actor)
	})
	t.Run("are decided one by one", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		on.says[activities.DecideCashoutsName] = func(times int) any {
			return activities.CashoutsResult{Validated: 11, Waiting: 1 - times, WaitingSum: 10_000, Refused: times, RefusedSum: 10_000, Done: true}
		}
		env := on.environment(t)
		sends(env, time.Hour, workflows.ApproveUpdate, by("bruno", "order-1"))
		sends(env, 2*time.Hour, workflows.RefuseUpdate, by("chloe", "order-2"))
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.Equal(t, slices.Concat(
			untilPaid(), []string{activities.DecideCashoutsName, activities.DecideCashoutsName}, payOutNames(), lastNames(),
		), on.calls)
		require.Equal(t, []string{"order-1"}, input[activities.DecideCashoutsRequest](t, on, activities.DecideCashoutsName, 0).Orders)
		second := input[activities.DecideCashoutsRequest](t, on, activities.DecideCashoutsName, 1)
		require.Equal(t, []string{"order-2"}, second.Orders)
		require.False(t, second.Approve)
		require.Equal(t, 1, result.Refused)
	})
	t.Run("wait on when the decision does not fit", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		on.before[activities.DecideCashoutsName] = func(_ context.Context, times int) error {
			if times == 0 {
				return activities.Final(vacation.Fail(vacation.Refused, "order-9 does not wait"))
			}
			return nil
		}
		env := on.environment(t)
		wrong := sends(env, time.Hour, workflows.ApproveUpdate, by("bruno", "order-9"))
		right := sends(env, 2*time.Hour, workflows.ApproveUpdate, by("bruno"))
		_, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.ErrorContains(t, wrong.err, "order-9 does not wait")
		require.NoError(t, right.err)
	})
	t.Run("are refused at the cut-off", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		on.says[activities.DecideCashoutsName] = func(int) any {
			return activities.CashoutsResult{Validated: 10, Refused: 2, RefusedSum: 20_000, Done: true}
		}
		env := on.environment(t)
		tooLate := &reply{}
		on.before[activities.DecideCashoutsName] = func(context.Context, int) error {
			sendNow(env, tooLate, workflows.ApproveUpdate, by("bruno"))
			return nil
		}
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.Equal(t, approved, on.calls)
		require.Error(t, tooLate.refused)
		decided := input[activities.DecideCashoutsRequest](t, on, activities.DecideCashoutsName, 0)
		require.True(t, decided.CutOff)
		require.False(t, decided.Approve)
		require.Empty(t, decided.Answer.Actor)
		require.Equal(t, 2, result.Refused)
		require.True(t, env.Now().Round(time.Second).Equal(newFinanciere().CutOff))
	})
	t.Run("are approved by who answered before the cut-off, however long it takes", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		env := on.environment(t)
		tooLate := &reply{}
		on.before[activities.DecideCashoutsName] = func(_ context.Context, times int) error {
			if times < 5 {
				return errors.New("PostgreSQL does not answer")
			}
			sendNow(env, tooLate, workflows.RefuseUpdate, by("chloe"))
			return nil
		}
		got := sends(env, newFinanciere().CutOff.Sub(morning())-time.Second, workflows.ApproveUpdate, by("bruno"))
		_, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.NoError(t, got.err)
		require.True(t, env.Now().After(newFinanciere().CutOff))
		require.ErrorContains(t, tooLate.refused, "too late to refuse")
		require.Equal(t, 6, on.times(activities.DecideCashoutsName))
		require.True(t, input[activities.DecideCashoutsRequest](t, on, activities.DecideCashoutsName, 5).Approve)
	})
	t.Run("are refused at once after the cut-off", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		env := on.environment(t)
		env.SetStartTime(newFinanciere().CutOff.Add(time.Hour))
		_, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.True(t, input[activities.DecideCashoutsRequest](t, on, activities.DecideCashoutsName, 0).CutOff)
	})
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		env := on.environment(t)
		sends(env, time.Hour, workflows.AbortUpdate, by("bruno"))
		_, err := pay(t, env, newFinanciere())
		on.requireEnded(t, err, vacation.Aborted, vacation.StageApproval)
		require.Zero(t, on.times(activities.DecideCashoutsName))
	})
	t.Run("are left when the run is cancelled", func(t *testing.T) {
		t.Parallel()
		on := approvals()
		env := on.environment(t)
		env.RegisterDelayedCallback(env.CancelWorkflow, time.Hour)
		_, err := pay(t, env, newFinanciere())
		on.requireEnded(t, err, vacation.Cancelled, vacation.StageApproval)
	})
}

// unknown is a day on which nobody knows whether the bank has a bulk, until a
// look-up from the given one on, or a decision.
func unknown(lookUps int) *scene {
	on := payday()
	on.says[activities.DispatchName] = func(times int) any {
		return activities.DispatchResult{Sent: 1, Unknown: max(0, 1-times)}
	}
	on.says[activities.LookUpName] = func(times int) any {
		return activities.DispatchResult{Sent: 1, Unknown: map[bool]int{true: 1}[times < lookUps]}
	}
	return on
}

// decided has decisions settle the bulk, and look-ups never.
func decided(on *scene, result activities.DispatchResult) {
	settled := false
	on.says[activities.LookUpName] = func(times int) any {
		var request activities.LookUpRequest
		decode := on.inputs[activities.LookUpName][times]
		settled = settled || unmarshal(decode, &request).Decision != ""
		if settled {
			return result
		}
		return activities.DispatchResult{Sent: 1, Unknown: 1}
	}
}

func TestBulksOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	lookUp := func(t *testing.T, on *scene, decision string) activities.LookUpRequest {
		t.Helper()
		for times := range on.times(activities.LookUpName) {
			if request := input[activities.LookUpRequest](t, on, activities.LookUpName, times); request.Decision == decision {
				return request
			}
		}
		require.Fail(t, "no such look-up", decision)
		return activities.LookUpRequest{}
	}

	t.Run("are looked up by itself", func(t *testing.T) {
		t.Parallel()
		on := unknown(3)
		env := on.environment(t)
		env.RegisterDelayedCallback(func() {
			waiting := waitingFor(t, env)
			require.Equal(t, vacation.StageOutcome, waiting.Stage)
			require.Contains(t, waiting.What, "1 bulks may or may not have reached the bank")
			require.Equal(t, []string{
				workflows.RetryUpdate, workflows.DeliveredUpdate, workflows.ResendUpdate, workflows.SkipUpdate, workflows.AbortUpdate,
			}, waiting.Answers)
		}, 10*time.Second)
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.Zero(t, result.Unknown)
		require.Equal(t, 4, on.times(activities.LookUpName))
		require.Equal(t, slices.Concat(untilPaid(), lastNames()), on.called(activities.LookUpName), "nothing is sent again")
	})
	t.Run("are looked up when told", func(t *testing.T) {
		t.Parallel()
		on := unknown(2)
		env := on.environment(t)
		got := sends(env, 20*time.Second, workflows.RetryUpdate, by("bruno")) // looked up at 5, 15 and now
		_, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.NoError(t, got.err)
		require.Equal(t, 1, on.times(activities.RecordAnswerName))
		require.Equal(t, 3, on.times(activities.LookUpName))
	})
	t.Run("were delivered", func(t *testing.T) {
		t.Parallel()
		on := unknown(0)
		decided(on, activities.DispatchResult{Sent: 2})
		env := on.environment(t)
		got := sends(env, time.Hour, workflows.DeliveredUpdate, by("bruno", "MONEXTEUR20260317001"))
		_, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.NoError(t, got.err)
		request := lookUp(t, on, "delivered")
		require.Equal(t, []string{"MONEXTEUR20260317001"}, request.Bulks)
		require.Equal(t, "bruno", request.Answer.Actor)
		require.Equal(t, slices.Concat(untilPaid(), lastNames()), on.called(activities.LookUpName), "nothing is sent again")
	})
	t.Run("are sent again", func(t *testing.T) {
		t.Parallel()
		on := unknown(0)
		decided(on, activities.DispatchResult{Sent: 1, Left: 1})
		env := on.environment(t)
		sends(env, time.Hour, workflows.ResendUpdate, by("bruno"))
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.Zero(t, result.Unknown)
		lookUp(t, on, "resend")
		require.Equal(t, slices.Concat(untilPaid(), []string{activities.DispatchName}, lastNames()), on.called(activities.LookUpName))
	})
	t.Run("are left", func(t *testing.T) {
		t.Parallel()
		on := unknown(1_000)
		on.says[activities.DispatchName] = func(int) any { return activities.DispatchResult{Unknown: 1} }
		env := on.environment(t)
		sends(env, time.Hour, workflows.SkipUpdate, by("bruno"))
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.Equal(t, 1, result.Unknown)
		require.True(t, env.Now().Before(newFinanciere().CutOff))
		require.Equal(t, 1, on.times(activities.RecordAnswerName))
	})
	t.Run("are left at the cut-off", func(t *testing.T) {
		t.Parallel()
		on := unknown(1_000)
		on.says[activities.DispatchName] = func(int) any { return activities.DispatchResult{Unknown: 1} }
		env := on.environment(t)
		result, err := pay(t, env, newFinanciere())
		require.NoError(t, err)
		require.Equal(t, 1, result.Unknown)
		require.False(t, env.Now().Before(newFinanciere().CutOff))
		require.Less(t, on.times(activities.LookUpName), 120)
	})
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		on := unknown(1_000)
		env := on.environment(t)
		sends(env, time.Hour, workflows.AbortUpdate, by("bruno"))
		_, err := pay(t, env, newFinanciere())
		on.requireEnded(t, err, vacation.Aborted, vacation.StageOutcome)
	})
}

// TestApprovalsAndOutcomesAreAnsweredTogether: neither keeps the other waiting.
func TestApprovalsAndOutcomesAreAnsweredTogether(t *testing.T) {
	t.Parallel()
	on := approvals()
	on.says[activities.DispatchName] = unknown(0).says[activities.DispatchName]
	decided(on, activities.DispatchResult{Sent: 2})
	env := on.environment(t)
	env.RegisterDelayedCallback(func() {
		require.Equal(t, []string{
			workflows.RetryUpdate, workflows.DeliveredUpdate, workflows.ResendUpdate, workflows.SkipUpdate,
			workflows.ApproveUpdate, workflows.RefuseUpdate, workflows.AbortUpdate,
		}, waitingFor(t, env).Answers)
	}, time.Minute)
	sends(env, time.Hour, workflows.DeliveredUpdate, by("bruno"))
	env.RegisterDelayedCallback(func() {
		require.Equal(t, []string{workflows.ApproveUpdate, workflows.RefuseUpdate, workflows.AbortUpdate}, waitingFor(t, env).Answers)
	}, 90*time.Minute)
	sends(env, 2*time.Hour, workflows.ApproveUpdate, by("bruno"))
	_, err := pay(t, env, newFinanciere())
	require.NoError(t, err)
	require.Equal(t,
		slices.Concat(untilPaid(), []string{activities.DecideCashoutsName}, payOutNames(), lastNames()), on.called(activities.LookUpName))
}

// TestOrdersThatThePostingRefusesAreCounted beside those that the review refused.
func TestOrdersThatThePostingRefusesAreCounted(t *testing.T) {
	t.Parallel()
	on := payday()
	on.says[activities.ValidateCashoutsName] = func(int) any {
		return activities.CashoutsResult{Validated: 10, ValidatedSum: 64_000, Refused: 1, RefusedSum: 500, Done: true}
	}
	on.says[activities.PostPayoutsName] = func(int) any {
		return activities.PostPayoutsResult{Posted: 8, PostedSum: 60_000, Dropped: 1, Refused: 3, RefusedSum: 4_500, Done: true}
	}
	result, err := pay(t, on.environment(t), newFinanciere())
	require.NoError(t, err)
	require.Equal(t, []int{8, 3, 4_500}, []int{result.Paid, result.Refused, int(result.RefusedSum)})
}

func TestBulksAreHandedOverUntilNoneIsLeft(t *testing.T) {
	t.Parallel()
	on := payday()
	on.says[activities.DispatchName] = func(times int) any { return activities.DispatchResult{Left: max(0, 2-times)} }
	_, err := pay(t, on.environment(t), newFinanciere())
	require.NoError(t, err)
	require.Equal(t, 4, on.times(activities.DispatchName), "three times, and once after the cantonnement")
}
