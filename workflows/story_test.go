package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// step is an activity of a vacation, and the stage at which the operator is told that it failed.
type step struct {
	activity string
	stage    vacation.Stage
}

// story is a vacation without incident: its steps in order, and its result.
type story struct {
	workflow string
	kind     vacation.Kind
	key      string
	request  any
	steps    []step
	result   any
	// first is the result of an earlier run of the session, as the opening gives it.
	first any
}

func stories() map[string]story {
	reglement := newRequest()
	debited := newRequest()
	debited.Transaction.Amount = -64_000
	date := reglement.BusinessDate
	financiere := newFinanciere()
	automatic := newFinanciere()
	automatic.Payline = ""

	virements := vacation.VirementsTotals{
		CorrelationID: correlation, Reference: reference, Orders: 10, Amount: 64_000, Held: 1, Stale: 2, Events: events,
	}
	creances := vacation.CreancesTotals{
		CorrelationID: correlation, Debts: 3, Recovered: 30_000, Remaining: 70_050, Old: 1, Events: events,
	}
	paid := paidTotals()
	open, closed := openedDay(), closedDay()
	const stands = "line 7 stands on account 12"
	decided := vacation.TechniqueTotals{
		CorrelationID: correlation, Decisions: 2, Decided: []string{stands, stands}, Events: events,
	}
	return map[string]story{
		"unpaids": {
			workflow: workflows.ReglementImpayesName, kind: vacation.ReglementImpayes, key: reference, request: reglement,
			steps: []step{
				{activities.OpenSettlementName, vacation.StageOpening}, {activities.LoadFileName, vacation.StageLoading},
				{activities.PostLinesName, vacation.StagePosting}, {activities.CoverShortfallsName, vacation.StageCovering},
				{activities.IsolateRevenueName, vacation.StageIsolating}, {activities.DecantonName, vacation.StageDecanting},
				{activities.CloseSettlementName, vacation.StageProving}, {activities.ArchiveFileName, ""},
			},
			result: totals(), first: activities.OpenSettlementResult{Settled: new(totals())},
		},
		"a remittance": {
			workflow: workflows.ReglementVirementsName, kind: vacation.ReglementVirements, key: reference, request: debited,
			steps: []step{
				{activities.OpenSettlementName, vacation.StageOpening}, {activities.TellMovementsName, vacation.StageStatements},
				{activities.MatchRemittanceName, vacation.StageMatching}, {activities.CloseVacationName, vacation.StageProving},
			},
			result: virements, first: activities.OpenSettlementResult{Ended: written(virements)},
		},
		"a lot of rejects": {
			workflow: workflows.ReglementVirementsName, kind: vacation.ReglementVirements, key: reference, request: reglement,
			steps: []step{
				{activities.OpenSettlementName, vacation.StageOpening}, {activities.TellMovementsName, vacation.StageStatements},
				{activities.LoadRejectsName, vacation.StageLoading}, {activities.AllocateRejectsName, vacation.StageAllocating},
				{activities.CloseVacationName, vacation.StageProving},
			},
			result: virements, first: activities.OpenSettlementResult{Ended: written(virements)},
		},
		"créances": {
			workflow: workflows.CreancesName, kind: vacation.Creances, key: date.String(), request: newCreances(),
			steps: []step{
				{activities.OpenVacationName, vacation.StageOpening}, {activities.RecoverDebtsName, vacation.StageRecovering},
				{activities.OrderRecoveryName, vacation.StageRecovering}, {activities.CloseVacationName, vacation.StageProving},
			},
			result: creances, first: activities.OpenVacationResult{Ended: written(creances)},
		},
		"financière": {
			workflow: workflows.FinanciereName, kind: vacation.Financiere, key: date.String(), request: financiere,
			steps: slices.Concat([]step{
				{activities.OpenVacationName, vacation.StageOpening}, {activities.LoadPaylineName, vacation.StageLoading},
			}, payingSteps()),
			result: paid, first: activities.OpenVacationResult{Ended: written(paid)},
		},
		"financière without Payline": {
			workflow: workflows.FinanciereName, kind: vacation.Financiere, key: date.String(), request: automatic,
			steps:  slices.Concat([]step{{activities.OpenVacationName, vacation.StageOpening}}, payingSteps()),
			result: withoutRequests(paid), first: activities.OpenVacationResult{Ended: written(withoutRequests(paid))},
		},
		"technique, open": {
			workflow: workflows.TechniqueName, kind: vacation.Technique, key: date.String() + "/open", request: newTechnique(workflows.PhaseOpen),
			steps: []step{
				{activities.OpenVacationName, vacation.StageOpening}, {activities.LoadMerchantsName, vacation.StageMerchants},
				{activities.ReadStatementsName, vacation.StageStatements}, {activities.ReadReportsName, vacation.StageReports},
				{activities.MatchTransfersName, vacation.StageMatching}, {activities.PairLinesName, vacation.StagePairing},
				{activities.MatchPaymentsName, vacation.StagePayments}, {activities.CloseVacationName, vacation.StageProving},
			},
			result: open, first: activities.OpenVacationResult{Ended: written(open)},
		},
		"technique, close": {
			workflow: workflows.TechniqueName, kind: vacation.Technique, key: date.String() + "/close", request: newTechnique(workflows.PhaseClose),
			steps: []step{
				{activities.OpenVacationName, vacation.StageOpening}, {activities.ReadStatementsName, vacation.StageStatements},
				{activities.ReadReportsName, vacation.StageReports}, {activities.MatchTransfersName, vacation.StageMatching}, {activities.PairLinesName, vacation.StagePairing},
				{activities.MatchPaymentsName, vacation.StagePayments},
				{activities.SettleOrdersName, vacation.StageSettling}, {activities.ReconcileName, vacation.StageReconciling},
				{activities.StateSafeguardingName, vacation.StageSafeguarding}, {activities.PlanPostingsName, vacation.StagePlanningERP},
				{activities.CloseVacationName, vacation.StageProving},
			},
			result: closed, first: activities.OpenVacationResult{Ended: written(closed)},
		},
		"technique, decisions": {
			workflow: workflows.TechniqueName, kind: vacation.Technique, key: date.String() + "/decisions-1", request: newDecisions(),
			steps: []step{
				{activities.OpenVacationName, vacation.StageOpening}, {activities.DecideName, vacation.StageDeciding},
				{activities.DecideName, vacation.StageDeciding}, {activities.CloseVacationName, vacation.StageProving},
			},
			result: decided, first: activities.OpenVacationResult{Ended: written(decided)},
		},
	}
}

func payingSteps() []step {
	return []step{
		{activities.MovePaylineName, vacation.StageMoving}, {activities.ControlPaylineName, vacation.StageControlling},
		{activities.PlanPayoutsName, vacation.StagePlanning}, {activities.ValidateCashoutsName, vacation.StageValidating},
		{activities.PostPayoutsName, vacation.StagePaying}, {activities.DecantonName, vacation.StageDecanting},
		{activities.RemitName, vacation.StageRemitting}, {activities.DispatchName, vacation.StageRemitting},
		{activities.CantonName, vacation.StageCantoning}, {activities.DispatchName, vacation.StageCantoning},
		{activities.AnswerPaylineName, vacation.StageAnswering}, {activities.PlanPostingsName, vacation.StagePlanningERP},
		{activities.CloseVacationName, vacation.StageProving},
	}
}

func newCreances() workflows.CreancesRequest {
	return workflows.CreancesRequest{BusinessDate: newRequest().BusinessDate, RequestedBy: "alice"}
}

func newFinanciere() workflows.FinanciereRequest {
	return workflows.FinanciereRequest{
		BusinessDate: newRequest().BusinessDate, Payline: "/inbox", CutOff: newRequest().CutOff, RequestedBy: "alice",
	}
}

func newTechnique(phase workflows.Phase) workflows.TechniqueRequest {
	return workflows.TechniqueRequest{
		BusinessDate: newRequest().BusinessDate, Phase: phase, Inbox: "/inbox", CutOff: newRequest().CutOff, RequestedBy: "alice",
	}
}

func newDecisions() workflows.TechniqueRequest {
	request := newTechnique(workflows.PhaseDecisions)
	request.Run = "1"
	request.Decisions = []activities.Decision{decision(activities.ActAssign), decision(activities.ActWriteOff)}
	return request
}

// decision is a decision of that act with all that it needs.
func decision(act string) activities.Decision {
	return activities.Decision{
		Act: act, Answer: activities.Answer{Actor: "bruno", Reason: "because"}, Reference: reference, Line: 7, Account: 12,
		BankLine: "bank-line-9", As: "own-funds", Debt: 5,
	}
}

func paidTotals() vacation.FinanciereTotals {
	return vacation.FinanciereTotals{
		CorrelationID: correlation, Movements: 2, MovementsSum: 2_000, Requests: 5, RejectedLines: 2, Automatic: 6,
		Paid: 10, PaidSum: 64_000, Bulks: 1, Decantoned: 10_000, Cantoned: 25_000, Events: events,
	}
}

func withoutRequests(totals vacation.FinanciereTotals) vacation.FinanciereTotals {
	totals.Requests = 0
	return totals
}

func openedDay() vacation.TechniqueTotals {
	return vacation.TechniqueTotals{
		CorrelationID: correlation, Snapshot: 12, Statements: 3, Lines: 20, UnknownLines: 1, Reports: 2, RefusedOrders: 3, Transfers: 2,
		MatchedPayments: 7, LatePayments: 1, LateLines: 2, OpenForms: 3, Events: events,
	}
}

func closedDay() vacation.TechniqueTotals {
	return vacation.TechniqueTotals{
		CorrelationID: correlation, Statements: 3, Lines: 20, UnknownLines: 1, Reports: 2, RefusedOrders: 3, Transfers: 2,
		MatchedPayments: 7, LatePayments: 1, LateLines: 2, OpenForms: 3, UnknownBulks: 1, StaleOrders: 2, Surplus: 500, Events: events,
	}
}

func written(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

func (s story) scene() *scene { return newScene(s.kind, s.key) }

func (s story) activities() []string {
	names := make([]string, 0, len(s.steps))
	for _, step := range s.steps {
		names = append(names, step.activity)
	}
	return names
}

// play runs the vacation to its end; its result is in JSON.
func (s story) play(t *testing.T, on *scene) (string, error) {
	t.Helper()
	result, err := outcome[json.RawMessage](t, on.environment(t), s.workflow, s.request)
	return string(result), err
}

func TestEachVacationHasItsSteps(t *testing.T) {
	t.Parallel()
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := story.scene()
			result, err := story.play(t, on)
			require.NoError(t, err)
			require.JSONEq(t, string(written(story.result)), result)
			require.Equal(t, story.activities(), on.calls)
			require.Empty(t, on.failed)
		})
	}
}

// fails makes the occurrence of an activity that is the story's i-th step fail.
func (s story) fails(on *scene, i int, failure func(context.Context) error) {
	name, earlier := s.steps[i].activity, 0
	for _, step := range s.steps[:i] {
		if step.activity == name {
			earlier++
		}
	}
	on.before[name] = func(ctx context.Context, times int) error {
		if times != earlier {
			return nil
		}
		return failure(ctx)
	}
}

// forEachStep runs a test for each step of each story that may fail.
func forEachStep(t *testing.T, test func(t *testing.T, story story, i int)) {
	t.Helper()
	for name, story := range stories() {
		for i, step := range story.steps {
			if step.stage == "" {
				continue // the vacation has ended
			}
			t.Run(name+"/"+step.activity, func(t *testing.T) {
				t.Parallel()
				test(t, story, i)
			})
		}
	}
}

func TestEachStepThatFailsEndsItsVacationWithError(t *testing.T) {
	t.Parallel()
	forEachStep(t, func(t *testing.T, story story, i int) {
		t.Helper()
		on := story.scene()
		story.fails(on, i, func(context.Context) error {
			return activities.Final(vacation.Fail(vacation.InvariantBroken, "as it is"))
		})
		_, err := story.play(t, on)
		on.requireEnded(t, err, vacation.InvariantBroken, story.steps[i].stage)
		require.Contains(t, err.Error(), "as it is")
		after := on.calls[i+1:]
		if story.steps[i].stage != vacation.StageOpening {
			require.Equal(t, []string{activities.FailVacationName}, after, "nothing more is done")
		}
	})
}

func TestAnErrorWithoutACodeIsUnexpectedInEachVacation(t *testing.T) {
	t.Parallel()
	forEachStep(t, func(t *testing.T, story story, i int) {
		t.Helper()
		on := story.scene()
		story.fails(on, i, func(context.Context) error {
			return temporal.NewNonRetryableApplicationError("nobody thought of it", "wrapError", nil)
		})
		_, err := story.play(t, on)
		on.requireEnded(t, err, vacation.Unexpected, story.steps[i].stage)
	})
}

func TestWhatMayPassIsTriedAgainInEachVacation(t *testing.T) {
	t.Parallel()
	forEachStep(t, func(t *testing.T, story story, i int) {
		t.Helper()
		on := story.scene()
		story.fails(on, i, func(context.Context) error { return errors.New("PostgreSQL does not answer") })
		result, err := story.play(t, on)
		require.NoError(t, err)
		require.JSONEq(t, string(written(story.result)), result)
		require.Equal(t, slices.Insert(story.activities(), i, story.steps[i].activity), on.calls)
	})
}

func TestACancellationIsHeardAtEachStepOfEachVacation(t *testing.T) {
	t.Parallel()
	forEachStep(t, func(t *testing.T, story story, i int) {
		t.Helper()
		on := story.scene()
		env := on.environment(t)
		story.fails(on, i, func(ctx context.Context) error {
			env.CancelWorkflow()
			if opens, ends := i == 0, story.steps[i].stage == vacation.StageProving; opens || ends {
				return nil
			}
			if activity.GetInfo(ctx).HeartbeatTimeout == 0 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		_, err := outcome[json.RawMessage](t, env, story.workflow, story.request)
		switch {
		case story.steps[i].stage == vacation.StageProving:
			require.NoError(t, err, "the vacation has ended")
			require.Empty(t, on.failed)
		case i == 0: // the run was opened: it is ended too
			on.requireEnded(t, err, vacation.Cancelled, story.steps[1].stage)
		default:
			on.requireEnded(t, err, vacation.Cancelled, story.steps[i].stage)
		}
	})
}

func TestASessionThatEndedReturnsItsFirstTotals(t *testing.T) {
	t.Parallel()
	for name, story := range stories() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := story.scene()
			on.says[story.steps[0].activity] = func(int) any { return story.first }
			result, err := story.play(t, on)
			require.NoError(t, err)
			require.JSONEq(t, string(written(story.result)), result)
			require.Equal(t, []string{story.steps[0].activity}, on.calls)
		})
	}
}

func TestAKeyThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	creances, financiere, technique := newCreances(), newFinanciere(), newTechnique(workflows.PhaseOpen)
	creances.Key, financiere.Run, technique.Run = "not a key", "not a key", "not a key"
	for name, request := range map[string]any{
		workflows.CreancesName: creances, workflows.FinanciereName: financiere, workflows.TechniqueName: technique,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := newScene(vacation.Kind(name), "k")
			_, err := outcome[json.RawMessage](t, on.environment(t), name, request)
			require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
			require.ErrorContains(t, err, "not a key")
			require.Empty(t, on.calls)
		})
	}
}
