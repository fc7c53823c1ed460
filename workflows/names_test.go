package workflows_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag

// TestNamesNeverChange pins what stands in histories of runs that are under way,
// in operators' lists and in their alarms.
func TestNamesNeverChange(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	list := func(what string, values ...string) {
		for _, value := range values {
			_, _ = fmt.Fprintf(&names, "%s %s\n", what, value)
		}
	}
	list("workflow",
		workflows.ReglementTransactionsName, workflows.ReglementImpayesName, workflows.ReglementVirementsName,
		workflows.CreancesName, workflows.FinanciereName, workflows.TechniqueName, workflows.DayName, workflows.TriggerName,
		workflows.ReceptionName, workflows.PostingName, workflows.PaymentsName)
	list("activity",
		activities.OpenSettlementName, activities.AwaitFileName, activities.LoadFileName, activities.PostLinesName,
		activities.CoverShortfallsName, activities.IsolateRevenueName, activities.ArchiveFileName,
		activities.CloseSettlementName, activities.FailVacationName,
		activities.OpenVacationName, activities.CloseVacationName, activities.RecordAnswerName, activities.DecideName,
		activities.TellMovementsName, activities.MatchRemittanceName, activities.LoadRejectsName, activities.AllocateRejectsName,
		activities.RecoverDebtsName, activities.OrderRecoveryName,
		activities.LoadPaylineName, activities.MovePaylineName, activities.ControlPaylineName, activities.PlanPayoutsName,
		activities.ValidateCashoutsName, activities.DecideCashoutsName, activities.PostPayoutsName, activities.DecantonName,
		activities.RemitName, activities.DispatchName, activities.LookUpName, activities.CantonName, activities.AnswerPaylineName,
		activities.LoadMerchantsName, activities.ReadStatementsName, activities.ReadReportsName, activities.MatchTransfersName, activities.PairLinesName,
		activities.AwaitReglementsName, activities.ReconcileName, activities.SettleOrdersName, activities.StateSafeguardingName,
		activities.OpenDayName, activities.CloseDayName, activities.IsOpenDayName,
		activities.ReceiveFilesName, activities.AskOutcomesName,
		activities.PlanPostingsName, activities.PostSettlementName, activities.FindPostingName,
		activities.MatchPaymentsName)
	list("signal", workflows.NoticeSignal, workflows.ArrivalSignal, workflows.PostingSignal, workflows.NotificationSignal)
	list("query", workflows.ProgressQuery, workflows.WaitingQuery)
	list("update",
		workflows.RetryUpdate, workflows.SkipUpdate, workflows.ApproveUpdate, workflows.RefuseUpdate, workflows.AssignUpdate,
		workflows.DeliveredUpdate, workflows.ResendUpdate, workflows.AbortUpdate)
	list("decision", activities.ActAssign, activities.ActClassify, activities.ActWriteOff, activities.ActRelease)
	list("search attribute",
		workflows.SearchVacation.GetName(), workflows.SearchBusinessDate.GetName(), workflows.SearchCorrelationID.GetName(),
		workflows.SearchStage.GetName(), workflows.SearchNeedsOperator.GetName())
	list("queue", workflows.Queue, activities.DataQueue, activities.DispatchQueue, activities.ERPQueue)
	for _, code := range vacation.FailureCodes() {
		list("failure", string(code))
	}
	list("stage",
		string(vacation.StageOpening), string(vacation.StageAwaiting), string(vacation.StageLoading), string(vacation.StagePosting),
		string(vacation.StageCovering), string(vacation.StageIsolating), string(vacation.StageArchiving),
		string(vacation.StageProving), string(vacation.StageEnded),
		string(vacation.StageBusy), string(vacation.StageDecanting), string(vacation.StageMatching), string(vacation.StageAllocating),
		string(vacation.StageRecovering), string(vacation.StageMoving), string(vacation.StageControlling),
		string(vacation.StagePlanning), string(vacation.StageValidating), string(vacation.StageApproval), string(vacation.StagePaying),
		string(vacation.StageRemitting), string(vacation.StageOutcome), string(vacation.StageCantoning),
		string(vacation.StageAnswering), string(vacation.StageMerchants), string(vacation.StageStatements),
		string(vacation.StagePairing), string(vacation.StageReglements), string(vacation.StageReconciling),
		string(vacation.StageSettling), string(vacation.StageSafeguarding), string(vacation.StageDeciding),
		string(vacation.StagePlanningERP), string(vacation.StagePayments),
		string(workflows.StageFailedStep))
	list("step", workflows.StepTechniqueOpen, workflows.StepCreances, workflows.StepFinanciere, workflows.StepTechniqueClose)
	list("phase", string(workflows.PhaseOpen), string(workflows.PhaseClose), string(workflows.PhaseDecisions))
	list("outcome",
		workflows.OutcomePending, workflows.OutcomeRunning, workflows.OutcomeEnded, workflows.OutcomeFailed, workflows.OutcomeSkipped,
		workflows.TriggerClosed, workflows.TriggerStarted, workflows.TriggerFound)
	for _, kind := range vacation.Kinds() {
		list("workflow id", vacation.ID{Kind: kind, Key: "KEY"}.String())
	}
	date := newRequest().BusinessDate
	list("workflow id", workflows.DayID(date), workflows.ReceptionID, workflows.PostingID("DOSSIER"), workflows.PaymentsID)
	list("key",
		workflows.CreancesRequest{BusinessDate: date}.SessionKey(), workflows.CreancesRequest{BusinessDate: date, Key: "KEY"}.SessionKey(),
		workflows.FinanciereRequest{BusinessDate: date}.SessionKey(), workflows.FinanciereRequest{BusinessDate: date, Run: "RUN"}.SessionKey(),
		workflows.TechniqueRequest{BusinessDate: date, Phase: workflows.PhaseOpen}.SessionKey(),
		workflows.TechniqueRequest{BusinessDate: date, Phase: workflows.PhaseClose}.SessionKey(),
		workflows.TechniqueRequest{BusinessDate: date, Phase: workflows.PhaseDecisions, Run: "RUN"}.SessionKey())

	golden(t, "names.golden", names.String())
}

// TestWhatIsPassedKeepsItsForm pins how requests and results are written in
// histories: a field that is renamed would be empty in a run that is under way.
func TestWhatIsPassedKeepsItsForm(t *testing.T) {
	t.Parallel()
	settled := totals()
	values := []any{
		newRequest(), totals(), vacation.Progress{Stage: vacation.StagePosting, Read: 1, Posted: 2, Total: 3},
		activities.OpenSettlementRequest{
			ID: opened().ID, WorkflowRun: "run", BusinessDate: newRequest().BusinessDate, Transaction: newRequest().Transaction, FileName: "f",
		},
		activities.OpenSettlementResult{Run: opened(), Settled: &settled},
		activities.AwaitFileRequest{Path: "/f", CutOff: newRequest().CutOff},
		activities.LoadFileRequest{Run: opened(), Path: "/f"}, loaded(),
		activities.PostLinesRequest{Run: opened(), SHA256: sha256},
		activities.PostLinesResult{Posted: 1, Done: true, PartsLost: true},
		activities.ArchiveFileRequest{Run: opened(), Path: "/f", Totals: totals()},
		activities.FailVacationRequest{Run: opened(), Code: vacation.FileInvalid, Step: vacation.StageLoading, Message: "m"},
	}
	values = append(values, formsOfSessions()...)
	values = append(values, formsOfTheDay()...)
	values = append(values, formsOfPartners()...)
	var forms bytes.Buffer
	for _, value := range values {
		payload, err := converter.GetDefaultDataConverter().ToPayload(value)
		require.NoError(t, err)
		_, _ = fmt.Fprintf(&forms, "%T\n", value)
		require.NoError(t, json.Indent(&forms, payload.GetData(), "", "  "))
		forms.WriteByte('\n')
	}
	golden(t, "forms.golden", forms.String())
}

// formsOfPartners are what receptions and postings pass.
func formsOfPartners() []any {
	return []any{
		workflows.ReceptionRequest{RequestedBy: "alice"},
		workflows.ReceptionTotals{Received: 1, Duplicates: 2, Held: 3, UnknownBulks: 4},
		activities.ReceiveFilesRequest{Date: newRequest().BusinessDate},
		activities.ReceiveFilesResult{Received: 1, Duplicates: 2, Held: 3, Awaiting: []string{"id"}},
		workflows.PostingRequest{Dossier: "998", After: 1, Again: true},
		workflows.PostingTotals{Accepted: 1, Refused: 2, Unknown: 3, Left: 4},
		activities.PlanPostingsResult{Planned: 1},
		activities.PostSettlementRequest{Dossier: "998", After: 1},
		activities.PostSettlementResult{Number: 1, Class: "ACCEPTED"},
		activities.FindPostingRequest{Number: 1},
		activities.FindPostingResult{Class: "ACCEPTED", Due: true},
		workflows.PaymentsRequest{RequestedBy: "alice"},
		workflows.PaymentsTotals{Matched: 1, Planned: 2},
		activities.MatchPaymentsRequest{Date: newRequest().BusinessDate},
		activities.MatchPaymentsResult{Matched: 1, LatePayments: 2, LateLines: 3, OpenForms: 4, Left: true},
	}
}

// formsOfSessions are what operators and the vacations that are no règlement of lines pass.
func formsOfSessions() []any {
	request := newRequest()
	date, cutOff, run := request.BusinessDate, request.CutOff, opened()
	answer := activities.Answer{ID: "run/update", Actor: "alice", Reason: "r"}
	return []any{
		workflows.AnswerRequest{Actor: "alice", Reason: "r", Subjects: []string{"s"}},
		workflows.Waiting{
			Stage: vacation.StageApproval, What: "w", Since: cutOff, Until: cutOff, Answers: []string{workflows.ApproveUpdate},
		},
		activities.RecordAnswerRequest{Run: run, Act: "retry", Answer: answer, Subject: "s", Before: "b", After: "a"},
		activities.OpenVacationRequest{ID: run.ID, WorkflowRun: "run", BusinessDate: date, Parameters: json.RawMessage(`{"p":1}`)},
		activities.OpenVacationResult{Run: run, Ended: json.RawMessage(`{"t":1}`), HeldBy: "h"},
		activities.CloseVacationRequest{Run: run, Totals: json.RawMessage(`{"t":1}`)},
		vacation.VirementsTotals{CorrelationID: "c", Reference: "r", Orders: 1, Amount: 2, Held: 3, Stale: 4, Events: 5},
		activities.LoadRejectsRequest{Run: run, Path: "/f", CutOff: cutOff},
		activities.LoadRejectsResult{Found: true, SHA256: sha256, Orders: 1, Amount: 2},
		activities.MatchResult{Orders: 1, Amount: 2, Held: 3, Stale: 4, Done: true},
		workflows.CreancesRequest{BusinessDate: date, Key: "k", RequestedBy: "alice"},
		activities.RecoverDebtsResult{Debts: 1, Total: 2, Recovered: 3, Remaining: 4, Old: 5, Done: true},
		vacation.CreancesTotals{CorrelationID: "c", Debts: 1, Recovered: 2, Remaining: 3, Old: 4, Events: 5},
		workflows.FinanciereRequest{
			BusinessDate: date, Run: "r", Payline: "/p", AwaitPayline: true, CutOff: cutOff, RequestedBy: "alice",
		},
		activities.LoadPaylineRequest{Run: run, Path: "/p", BusinessDate: date, CutOff: cutOff},
		activities.LoadPaylineResult{
			Found: true, SHA256: sha256, Movements: 1, Transfers: 2, Sum: 3, Refused: "AM10", Message: "m",
		},
		activities.PaylineResult{Accepted: 1, AcceptedSum: 2, Rejected: 3, Done: true},
		activities.PlanPayoutsRequest{Run: run, BusinessDate: date},
		activities.PlanPayoutsResult{Orders: 1, Sum: 2, Done: true},
		activities.CashoutsResult{
			Validated: 1, ValidatedSum: 2, Waiting: 3, WaitingSum: 4, Refused: 5, RefusedSum: 6, Done: true,
		},
		activities.DecideCashoutsRequest{
			Run: run, Approve: true, Orders: []string{"o"}, Requester: "alice", CutOff: true, Answer: answer,
		},
		activities.PostPayoutsResult{Posted: 1, PostedSum: 2, Dropped: 3, Refused: 4, RefusedSum: 5, Done: true},
		activities.RemitResult{Bulks: 1, Orders: 2, Sum: 3, Done: true},
		activities.DispatchResult{Sent: 1, Rejected: 2, Unknown: 3, Left: 4},
		activities.LookUpRequest{Run: run, Decision: workflows.ResendUpdate, Bulks: []string{"b"}, Answer: answer},
		activities.AnswerPaylineResult{File: "/f", Accepted: 1, Rejected: 2},
		vacation.FinanciereTotals{
			CorrelationID: "c", PaylineRefused: "AM10", Movements: 1, MovementsSum: 2, Requests: 3, RejectedLines: 4, Automatic: 5,
			Paid: 6, PaidSum: 7, Refused: 8, RefusedSum: 9, Bulks: 10, Unknown: 11, Decantoned: 12, Cantoned: 13, Events: 14,
		},
	}
}

// formsOfTheDay are what technique, the day and its triggers pass.
func formsOfTheDay() []any {
	request := newRequest()
	date, cutOff, run := request.BusinessDate, request.CutOff, opened()
	answer := activities.Answer{ID: "run/update", Actor: "alice", Reason: "r"}
	decision := activities.Decision{
		Act: activities.ActAssign, Answer: answer, Reference: reference, Line: 1, Account: 2, BankLine: "b", As: "impaye",
		OperationType: "100", Debt: 3,
	}
	return []any{
		workflows.TechniqueRequest{
			BusinessDate: date, Phase: workflows.PhaseDecisions, Run: "r", Inbox: "/i", CutOff: cutOff, RequestedBy: "alice",
			Decisions: []activities.Decision{decision},
		},
		activities.LoadMerchantsRequest{Run: run, Inbox: "/i", Approved: "a", Skipped: "s", Answer: answer},
		activities.LoadMerchantsResult{Snapshot: 1, Loaded: 2, Waits: "w", WaitsFor: sha256},
		activities.ReadStatementsRequest{Run: run, Inbox: "/i", Date: date, CutOff: cutOff},
		activities.ReadStatementsResult{Statements: 1, Lines: 2, Unknown: 3, Missing: []string{"REG"}},
		activities.ReadReportsRequest{Run: run, Inbox: "/i", CutOff: cutOff},
		activities.ReadReportsResult{Reports: 1, RejectedBulks: 2, RefusedOrders: 3},
		activities.Paired{Kind: string(vacation.ReglementImpayes), Transaction: request.Transaction},
		activities.AwaitReglementsRequest{IDs: []string{"i"}},
		activities.SettleOrdersResult{UnknownBulks: 1, StaleOrders: 2},
		activities.StateSafeguardingRequest{Run: run, Date: date},
		activities.DecideRequest{Run: run, Date: date, Decision: decision}, activities.DecideResult{After: "a"},
		vacation.TechniqueTotals{
			CorrelationID: "c", Snapshot: 1, Statements: 2, Lines: 3, UnknownLines: 4, Reports: 13, RefusedOrders: 14, Transfers: 5, Reglements: 6, Failed: 7,
			UnknownBulks: 8, StaleOrders: 9, Decisions: 10, Decided: []string{"d"}, Events: 11, Surplus: 12,
		},
		workflows.DayRequest{
			Date: date, Inbox: "/i", Payline: "/p", AwaitPayline: true, CutOff: cutOff, RequestedBy: "alice",
		},
		workflows.DayResult{Date: date, Steps: []workflows.DayStep{{
			Step: workflows.StepCreances, ID: "i", Outcome: workflows.OutcomeSkipped, Detail: "d", Totals: json.RawMessage(`{"t":1}`),
		}}},
		activities.OpenDayRequest{Date: date, Run: "r", WorkflowRun: "run", Parameters: json.RawMessage(`{"p":1}`)},
		activities.CloseDayRequest{Date: date, Run: "r", Outcome: "ended"},
		workflows.TriggerRequest{
			Schedule: "s", What: workflows.DayName, Inbox: "/i", Payline: "/p", AwaitPayline: true, CutOff: "16:00", RequestedBy: "scheduler",
		},
		workflows.TriggerResult{Date: date, Outcome: workflows.TriggerStarted, WorkflowID: "i", RunID: "r"},
	}
}

func golden(t testing.TB, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(have), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), have, "runs under way would be lost: add what is new beside it")
}
