package workflows

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// DayRequest starts a whole day.
type DayRequest struct {
	Date calendar.Date `json:"date"`
	// Inbox is the absolute path of the folder that the day's files come to, as
	// the workers see it.
	Inbox string `json:"inbox"`
	// Payline is where the Payline file stands, empty for none; AwaitPayline has
	// it waited for.
	Payline      string `json:"payline,omitempty"`
	AwaitPayline bool   `json:"awaitPayline,omitempty"`
	// CutOff is until when files, approvals and outcomes are waited for.
	CutOff      time.Time `json:"cutOff"`
	RequestedBy string    `json:"requestedBy"`
}

// DayID is the workflow id of a day.
func DayID(date calendar.Date) string { return DayName + "/" + date.String() }

// parameters are what the day does, whoever asks for it and until when.
func (r DayRequest) parameters() any {
	return struct {
		Date    calendar.Date `json:"date"`
		Inbox   string        `json:"inbox"`
		Payline string        `json:"payline,omitempty"`
	}{r.Date, r.Inbox, r.Payline}
}

// What became of a step of a day.
const (
	OutcomePending = "pending" // it was not come to
	OutcomeRunning = "running"
	OutcomeEnded   = "ended"
	OutcomeFailed  = "failed"
	OutcomeSkipped = "skipped" // it failed, and an operator let the day go on without it
)

// DayStep is a vacation of a day.
type DayStep struct {
	Step    string `json:"step"`
	ID      string `json:"id"` // of its workflow
	Outcome string `json:"outcome"`
	// Detail is why it failed, or why it was skipped.
	Detail string `json:"detail,omitempty"`
	// Totals are the result of a vacation that ended.
	Totals json.RawMessage `json:"totals,omitempty"`
}

// DayResult is how a day went.
type DayResult struct {
	Date  calendar.Date `json:"date"`
	Steps []DayStep     `json:"steps"`
}

// StageFailedStep is where a day waits for an operator who says what becomes of
// a step that failed.
const StageFailedStep vacation.Stage = "awaiting-decision"

// The steps of a day. The names stand in results and schedules and never change.
const (
	StepTechniqueOpen  = "technique-open"
	StepCreances       = "creances"
	StepFinanciere     = "financiere"
	StepTechniqueClose = "technique-close"
)

// day is one run of a day.
type day struct {
	board    *board
	desk     *desk
	result   DayResult
	sessions []starting
}

// starting is a session that a day or a schedule starts.
type starting struct {
	kind       vacation.Kind
	key        string
	request    any
	parameters any
}

// Day runs the vacations of a day one after the other, each as a session of its
// own that lives on whatever becomes of the day. A session that was started by
// hand is waited for, and its result taken. Its run is named `day/<date>`. It
// returns how each step went, or the typed failure that ended it.
func Day(ctx workflow.Context, request DayRequest) (DayResult, error) {
	d, err := setUpDay(ctx, request)
	if err != nil {
		return DayResult{}, err
	}
	parameters, err := written(request.parameters())
	if err != nil {
		return DayResult{}, err
	}
	opening, _ := workflow.NewDisconnectedContext(ctx)
	err = activities.OpenDay(opening, activities.OpenDayRequest{
		Date: request.Date, WorkflowRun: workflow.GetInfo(ctx).WorkflowExecution.RunID, Parameters: parameters,
	})
	if err != nil {
		return DayResult{}, d.fail(ctx, err)
	}
	failure := d.runSteps(ctx)
	// Whatever ended the day: it is written down how it went.
	closing, _ := workflow.NewDisconnectedContext(ctx)
	err = activities.CloseDay(closing, activities.CloseDayRequest{Date: request.Date, Outcome: d.outcome()})
	if failure == nil {
		failure = err
	}
	if failure != nil {
		return DayResult{}, d.fail(closing, failure)
	}
	if err := d.enter(closing, vacation.StageEnded); err != nil {
		return DayResult{}, err
	}
	return d.result, d.desk.close(closing)
}

// setUpDay shows the day, and answers queries and operators from now on.
func setUpDay(ctx workflow.Context, request DayRequest) (*day, error) {
	shown, err := newBoard(ctx, DayName, request.Date)
	if err != nil {
		return nil, err
	}
	d := &day{board: shown, result: DayResult{Date: request.Date}}
	// A day is no vacation: what operators answer it belongs to no run of one.
	if d.desk, err = newDesk(ctx, shown, &activities.Run{}); err != nil {
		return nil, err
	}
	if d.result.Steps, err = DaySteps(request.Date); err != nil {
		return nil, activities.Final(vacation.Fail(vacation.ParametersConflict, "%s", err))
	}
	for _, step := range d.result.Steps {
		session, _ := request.session(step.Step)
		d.sessions = append(d.sessions, session)
	}
	return d, nil
}

// DaySteps lists the vacations of a day in their order, none of them come to
// yet. The error is that of a date that names no vacation.
func DaySteps(date calendar.Date) ([]DayStep, error) {
	names := []string{StepTechniqueOpen, StepCreances, StepFinanciere, StepTechniqueClose}
	steps := make([]DayStep, 0, len(names))
	for _, name := range names {
		session, _ := DayRequest{Date: date}.session(name)
		id, err := vacation.NewID(session.kind, session.key)
		if err != nil {
			return nil, err
		}
		steps = append(steps, DayStep{Step: name, ID: id.String(), Outcome: OutcomePending})
	}
	return steps, nil
}

// session is the one that a step of the day runs; false for no step.
func (r DayRequest) session(step string) (starting, bool) {
	technique := TechniqueRequest{BusinessDate: r.Date, Inbox: r.Inbox, CutOff: r.CutOff, RequestedBy: r.RequestedBy}
	switch step {
	case StepTechniqueOpen:
		technique.Phase = PhaseOpen
	case StepTechniqueClose:
		technique.Phase = PhaseClose
	case StepCreances:
		request := CreancesRequest{BusinessDate: r.Date, RequestedBy: r.RequestedBy}
		return starting{vacation.Creances, request.SessionKey(), request, request.parameters()}, true
	case StepFinanciere:
		request := FinanciereRequest{
			BusinessDate: r.Date, Payline: r.Payline, AwaitPayline: r.AwaitPayline, CutOff: r.CutOff, RequestedBy: r.RequestedBy,
		}
		return starting{vacation.Financiere, request.SessionKey(), request, request.parameters()}, true
	default:
		return starting{}, false
	}
	return starting{vacation.Technique, technique.SessionKey(), technique, technique.parameters()}, true
}

func (d *day) runSteps(ctx workflow.Context) error {
	for i := range d.sessions {
		if err := d.runStep(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// runStep runs a session until it ends, or an operator lets the day go on without it.
func (d *day) runStep(ctx workflow.Context, i int) error {
	step := &d.result.Steps[i]
	for {
		step.Outcome, step.Detail = OutcomeRunning, ""
		if err := d.enter(ctx, vacation.Stage(step.Step)); err != nil {
			return err
		}
		failure, err := d.try(ctx, d.sessions[i], step)
		if err != nil {
			return err
		}
		if failure == nil {
			step.Outcome = OutcomeEnded
			return nil
		}
		step.Outcome, step.Detail = OutcomeFailed, failure.Error()
		answer, err := d.desk.wait(ctx, waiting{
			stage: StageFailedStep,
			what: fmt.Sprintf("**%s** ended with error: %s\n\nRetry runs it again, skip goes on without it.\n\n%s",
				step.ID, failure, d.steps()),
			takes: []act{actRetry, actSkip, actAbort},
		})
		switch {
		case err != nil:
			return err
		case answer.act == actAbort:
			return aborted(answer)
		case answer.act == actSkip:
			step.Outcome, step.Detail = OutcomeSkipped, fmt.Sprintf("%s: %s", answer.request.Actor, answer.request.Reason)
			return nil
		}
	}
}

// try starts a session, or finds it running, and sees it to its end. One that
// ended before returns its first totals. failure is why the session ended with
// error; err why the day did.
func (d *day) try(ctx workflow.Context, session starting, step *DayStep) (failure *vacation.Failure, err error) {
	for pause := lookFirst; ; pause = min(pause+pause, lookLast) {
		child := workflow.ExecuteChildWorkflow(
			abandoned(ctx, step.ID, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE), string(session.kind), session.request)
		result := follow(ctx, child)
		// It is started for certain before anything ends the day: a start that is under way would be lost with it.
		heardOut, _ := workflow.NewDisconnectedContext(ctx)
		startFailure := child.GetChildWorkflowExecution().Get(heardOut, nil)
		if !temporal.IsWorkflowExecutionAlreadyStartedError(startFailure) {
			if err := workflow.Await(ctx, func() bool { return result.over }); err != nil {
				return nil, err //nolint:wrapcheck // a cancellation, told as such
			}
			step.Totals = result.totals
			return activities.AsFailure(result.err), nil
		}
		// Somebody started it by hand, and it runs.
		failed, err := activities.AwaitReglements(ctx, activities.AwaitReglementsRequest{IDs: []string{step.ID}})
		if err != nil {
			return nil, err
		}
		if failed > 0 {
			return vacation.Fail(vacation.Unexpected,
				"the run that was started by hand ended with error: the list of runs says which"), nil
		}
		if err := workflow.Sleep(ctx, pause); err != nil {
			return nil, err //nolint:wrapcheck // as above
		}
	}
}

// followed is a session that is being seen to its end.
type followed struct {
	over   bool
	totals json.RawMessage
	err    error
}

// follow sees a session to its end, whatever cancels the day.
func follow(ctx workflow.Context, child workflow.ChildWorkflowFuture) *followed {
	result := &followed{}
	workflow.Go(ctx, func(ctx workflow.Context) {
		heardOut, _ := workflow.NewDisconnectedContext(ctx)
		result.err = child.Get(heardOut, &result.totals)
		result.over = true
	})
	return result
}

// enter shows where the day stands, step by step.
func (d *day) enter(ctx workflow.Context, stage vacation.Stage) error {
	if err := d.board.enter(ctx, stage); err != nil {
		return err
	}
	d.board.tellf(ctx, "%s", d.steps())
	return nil
}

// steps are the day's steps, one a line, as operators read them.
func (d *day) steps() string {
	lines := make([]string, 0, len(d.result.Steps))
	for _, step := range d.result.Steps {
		line := "- " + step.ID + ": **" + step.Outcome + "**"
		if step.Detail != "" {
			line += " (" + step.Detail + ")"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// outcome is the day in one word a step.
func (d *day) outcome() string {
	words := make([]string, 0, len(d.result.Steps))
	for _, step := range d.result.Steps {
		words = append(words, step.Outcome)
	}
	return strings.Join(words, " ")
}

// fail ends the day with error.
func (d *day) fail(ctx workflow.Context, cause error) error {
	failure := d.board.failureOf(cause)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := d.desk.close(ctx); err != nil {
		return err
	}
	return d.board.end(ctx, failure)
}
