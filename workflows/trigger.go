package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// TriggerRequest is what a Temporal Schedule asks for each day.
type TriggerRequest struct {
	Schedule string `json:"schedule"` // its name
	// What is started: day, one step of it, or reception.
	What         string `json:"what"`
	Inbox        string `json:"inbox"`
	Payline      string `json:"payline,omitempty"`
	AwaitPayline bool   `json:"awaitPayline,omitempty"`
	// CutOff is the hour in Paris, such as 16:00.
	CutOff      string `json:"cutOff"`
	RequestedBy string `json:"requestedBy"`
}

// What a trigger did.
const (
	TriggerClosed  = "closed"  // nothing: no business day
	TriggerStarted = "started" // it started the workflow
	TriggerFound   = "found"   // the workflow was started before, whatever became of it
)

// TriggerResult is what a trigger did.
type TriggerResult struct {
	Date    calendar.Date `json:"date"`
	Outcome string        `json:"outcome"`
	// WorkflowID and RunID name what was started; the run is empty for what was found.
	WorkflowID string `json:"workflowId,omitempty"`
	RunID      string `json:"runId,omitempty"`
}

// attributeScheduled is where Temporal keeps the time for which a Schedule
// started a run: later than that by what the server was away for.
const attributeScheduled = "TemporalScheduledStartTime"

// Trigger starts the day, or a vacation, of the date in Paris for which a
// Schedule called, once whatever happens: under an id that the date gives; or
// the reception, unless one runs. It returns what it started, found, or why it
// started nothing.
func Trigger(ctx workflow.Context, request TriggerRequest) (TriggerResult, error) {
	result := TriggerResult{Date: calendar.DateOf(scheduledAt(ctx))}
	cutOff, err := calendar.ParseCutOff(request.CutOff)
	if err != nil {
		return result, activities.Final(vacation.Fail(vacation.ParametersConflict,
			"schedule %s has no cut-off: %s", request.Schedule, err))
	}
	day := DayRequest{
		Date: result.Date, Inbox: request.Inbox, Payline: request.Payline, AwaitPayline: request.AwaitPayline,
		CutOff: cutOff.On(result.Date), RequestedBy: request.RequestedBy,
	}
	session, isStep := day.session(request.What)
	if !isStep && request.What != DayName && request.What != ReceptionName {
		return result, activities.Final(vacation.Fail(vacation.ParametersConflict,
			"schedule %s asks for %q: let it ask for %s, for a step of it, or for %s",
			request.Schedule, request.What, DayName, ReceptionName))
	}
	open, err := activities.IsBusinessDay(ctx, result.Date)
	if err != nil {
		return result, err
	}
	if !open {
		result.Outcome = TriggerClosed
		return result, nil
	}
	switch {
	case isStep:
		return startSession(ctx, session, result)
	case request.What == ReceptionName: // as often as it is called for
		result.WorkflowID = ReceptionID
		return startChild(ctx, ReceptionName, ReceptionRequest{RequestedBy: request.RequestedBy}, result,
			enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
	default:
		result.WorkflowID = DayID(result.Date)
		return startOnce(ctx, DayName, day, result)
	}
}

// scheduledAt is the time for which a Schedule started the run, the start
// itself for a run that somebody started by hand.
func scheduledAt(ctx workflow.Context) time.Time {
	scheduled, found := workflow.GetTypedSearchAttributes(ctx).GetTime(temporal.NewSearchAttributeKeyTime(attributeScheduled))
	if found {
		return scheduled
	}
	return workflow.GetInfo(ctx).WorkflowStartTime
}

// startSession starts a single vacation, and keeps with what it was started.
func startSession(ctx workflow.Context, session starting, result TriggerResult) (TriggerResult, error) {
	id, err := vacation.NewID(session.kind, session.key)
	if err != nil {
		return result, activities.Final(vacation.Fail(vacation.ParametersConflict, "%s", err))
	}
	result.WorkflowID = id.String()
	parameters, err := written(session.parameters)
	if err != nil {
		return result, err
	}
	err = activities.OpenDay(ctx, activities.OpenDayRequest{
		Date: result.Date, Run: result.WorkflowID, Parameters: parameters,
		WorkflowRun: workflow.GetInfo(ctx).WorkflowExecution.RunID,
	})
	if err != nil {
		return result, activities.Final(activities.AsFailure(err))
	}
	result, err = startOnce(ctx, string(session.kind), session.request, result)
	if err != nil {
		return result, err
	}
	return result, activities.CloseDay(ctx, activities.CloseDayRequest{
		Date: result.Date, Run: result.WorkflowID, Outcome: result.Outcome,
	})
}

// startOnce starts a workflow under an id that it has only once, and lets it live.
func startOnce(ctx workflow.Context, name string, request any, result TriggerResult) (TriggerResult, error) {
	return startChild(ctx, name, request, result, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)
}

// startChild starts a workflow, unless one of that id is in its way, and lets it live.
func startChild(
	ctx workflow.Context, name string, request any, result TriggerResult, reuse enums.WorkflowIdReusePolicy,
) (TriggerResult, error) {
	child := workflow.ExecuteChildWorkflow(abandoned(ctx, result.WorkflowID, reuse), name, request)
	heardOut, _ := workflow.NewDisconnectedContext(ctx)
	var execution workflow.Execution
	err := child.GetChildWorkflowExecution().Get(heardOut, &execution)
	switch {
	case temporal.IsWorkflowExecutionAlreadyStartedError(err):
		result.Outcome = TriggerFound
	case err != nil:
		return result, fmt.Errorf("start %s: %w", result.WorkflowID, err)
	default:
		result.Outcome, result.RunID = TriggerStarted, execution.RunID
	}
	return result, nil
}
