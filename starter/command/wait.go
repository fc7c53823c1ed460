package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// runOutcome says how a command leaves a run.
type runOutcome string

const (
	outcomeStarted runOutcome = "STARTED"         // started now, under way
	outcomeRunning runOutcome = "RUNNING"         // started before, under way
	outcomeEnded   runOutcome = "ENDED"           // ended well
	outcomeSettled runOutcome = "ALREADY_SETTLED" // ended well before
	outcomeBefore  runOutcome = "ALREADY_ENDED"   // ended well before, and is no settlement
	outcomeFailed  runOutcome = "ENDED_WITH_ERROR"
)

// runDocument is a run as a command leaves it.
type runDocument struct {
	Outcome    runOutcome         `json:"outcome"`
	Reference  string             `json:"reference,omitempty"` // of a règlement
	WorkflowID string             `json:"workflowId"`
	RunID      string             `json:"runId"`
	UI         string             `json:"ui"`
	Progress   *vacation.Progress `json:"progress,omitempty"`
	// Steps are where the vacations of a day stand that is under way.
	Steps []workflows.DayStep `json:"steps,omitempty"`
	// Within are the runs that need an operator for which a day, or a technique, waits.
	Within []waitingRun `json:"within,omitempty"`
	// Trouble is why a step that is under way failed last; it is tried again.
	Trouble string `json:"trouble,omitempty"`
	// Waiting is what the run waits for an operator for.
	Waiting *workflows.Waiting `json:"waiting,omitempty"`
	Totals  totals             `json:"totals,omitempty"`
	Failure *failureDocument   `json:"failure,omitempty"`
}

// lookup is what `starter progress` knows the run by.
func (d *runDocument) lookup() string {
	if d.Reference != "" {
		return d.Reference
	}
	return d.WorkflowID
}

// lookWithin sees what goes on within a day, or a technique.
func (d *runDocument) lookWithin(ctx context.Context, connection server) error {
	var err error
	if d.Steps, err = stepsOf(ctx, connection, d.WorkflowID); err != nil {
		return err
	}
	d.Within, err = waitingWithin(ctx, connection, d.WorkflowID)
	return err
}

// over tells a run that had ended well before the command.
func (d *runDocument) over() bool { return d.Outcome == outcomeSettled || d.Outcome == outcomeBefore }

// failureDocument is why a run ended with error.
type failureDocument struct {
	Code    vacation.FailureCode `json:"code"`
	Step    vacation.Stage       `json:"step,omitempty"`
	Message string               `json:"message"`
}

func (d *runDocument) writeText(t *text) {
	switch d.Outcome {
	case outcomeStarted:
		t.linef("%s started", d.WorkflowID)
	case outcomeRunning:
		t.linef("%s is under way", d.WorkflowID)
	case outcomeEnded:
		t.linef("%s ended", d.WorkflowID)
	case outcomeSettled:
		t.linef("%s: already settled, nothing was done", d.WorkflowID)
	case outcomeBefore:
		t.linef("%s: ended before, nothing was done", d.WorkflowID)
	case outcomeFailed:
		t.linef("%s ended with error", d.WorkflowID)
	}
	var rows [][]string
	if d.Progress != nil {
		rows = append(rows, []string{"stage", string(d.Progress.Stage)})
		if d.Reference != "" {
			rows = append(rows, []string{
				"lines", fmt.Sprintf("%d read, %d posted of %d", d.Progress.Read, d.Progress.Posted, d.Progress.Total),
			})
		}
	}
	for _, step := range d.Steps {
		rows = append(rows, stepRow(step))
	}
	if d.Waiting != nil {
		rows = append(rows, waitingRows(*d.Waiting)...)
	}
	for i := range d.Within {
		rows = append(rows, []string{"run", d.Within[i].WorkflowID})
		rows = append(rows, waitingRows(d.Within[i].Waiting)...)
	}
	if d.Trouble != "" {
		rows = append(rows, []string{"trouble", d.Trouble})
	}
	if d.Totals != nil {
		rows = append(rows, d.Totals.rows()...)
	}
	if d.Failure != nil {
		rows = append(rows, []string{"code", string(d.Failure.Code)},
			[]string{"step", string(d.Failure.Step)}, []string{"message", d.Failure.Message})
	}
	t.rows(append(rows, []string{"UI", d.UI}))
}

// waiting is what to wait for.
type waiting struct {
	result  runDocument
	timeout time.Duration // zero is for ever
	// again is the command that looks at the run again.
	again string
}

// ending is how a run ended.
type ending struct {
	totals totals
	err    error
}

// wait returns when the run has ended, when the time is over, or when the
// operator breaks it off; the run itself is left alone.
func (s *session) wait(ctx context.Context, connection server, w waiting) error {
	if !w.result.over() {
		s.sayf("%s", w.result.UI)
	}
	run := connection.GetWorkflow(ctx, w.result.WorkflowID, w.result.RunID)
	ended := make(chan ending, 1)
	go func() {
		end := ending{totals: newTotals(w.result.WorkflowID)}
		end.err = run.Get(ctx, end.totals)
		ended <- end
	}()

	var deadline <-chan time.Time
	if w.timeout > 0 {
		timer := time.NewTimer(w.timeout)
		defer timer.Stop()
		deadline = timer.C
	}
	view := newProgressView(s.err, s.now)
	ticker := time.NewTicker(view.every())
	defer ticker.Stop()
	said := "" // the trouble that was told
	notes := newWaitNotes(view, w.result.WorkflowID, s.now)
	for {
		select {
		case end := <-ended:
			view.close()
			if ctx.Err() != nil {
				return leftAlone(w)
			}
			return s.showEnding(w.result, end)
		case <-deadline:
			view.close()
			return s.overdue(ctx, connection, w)
		case <-ctx.Done():
			view.close()
			return leftAlone(w)
		case <-ticker.C:
			// A worker or a server that is away for a moment says nothing: the next
			// look may succeed, and the run's end is waited for elsewhere.
			if state, err := look(ctx, connection, w.result.WorkflowID, w.result.RunID); err == nil {
				if state.trouble != said && state.trouble != "" {
					view.note(state.trouble)
				}
				said = state.trouble
				view.update(state.progress)
				notes.tell(ctx, connection, state.waiting)
			}
		}
	}
}

// withinEvery is how often the runs that a day waits for are looked for: the list
// of all runs is asked, and so no more often than a person wants to know.
const withinEvery = 5 * time.Second

// waitNotes tell who watches a run each wait for an operator once.
type waitNotes struct {
	view       progressView
	workflowID string
	now        func() time.Time
	looked     time.Time
	told       map[string]bool
}

func newWaitNotes(view progressView, workflowID string, now func() time.Time) *waitNotes {
	return &waitNotes{view: view, workflowID: workflowID, now: now, looked: now(), told: make(map[string]bool)}
}

// tell tells what the run itself waits for, and now and then what those within it do.
func (n *waitNotes) tell(ctx context.Context, connection server, own *workflows.Waiting) {
	if own != nil {
		n.note(n.workflowID, *own)
	}
	if n.now().Sub(n.looked) < withinEvery {
		return
	}
	n.looked = n.now()
	within, err := waitingWithin(ctx, connection, n.workflowID)
	if err != nil {
		return // the next look may succeed
	}
	for i := range within {
		n.note(within[i].WorkflowID, within[i].Waiting)
	}
}

func (n *waitNotes) note(workflowID string, waits workflows.Waiting) {
	if line := waitingLine(workflowID, waits); !n.told[line] {
		n.told[line] = true
		n.view.note(line)
	}
}

func leftAlone(w waiting) error {
	return &interruptedError{
		What: w.result.WorkflowID + " goes on without you",
		Next: "look at it by `starter progress " + w.result.lookup() + "`, at " + w.result.UI + ", or by " + w.again,
	}
}

func (s *session) showEnding(result runDocument, end ending) error {
	if end.err == nil {
		if !result.over() {
			result.Outcome = outcomeEnded
		}
		result.Totals = end.totals
		return s.show(&result)
	}
	if _, ended := errors.AsType[*temporal.WorkflowExecutionError](end.err); !ended {
		return fmt.Errorf("wait for %s: %w", result.WorkflowID, end.err)
	}
	failure := activities.AsFailure(end.err)
	result.Outcome = outcomeFailed
	result.Failure = &failureDocument{Code: failure.Code, Step: failure.Step, Message: failure.Message}
	if err := s.show(&result); err != nil {
		return err
	}
	return &EndedError{
		What: fmt.Sprintf("%s ended with error %s", result.WorkflowID, failure.Code), Failure: failure,
		Next: "mend what the message above names, then run it again: a failed run is followed by a new one, and nothing is done twice",
	}
}

// overdue says where a run stands that has not ended in time.
func (s *session) overdue(ctx context.Context, connection server, w waiting) error {
	state, err := look(ctx, connection, w.result.WorkflowID, w.result.RunID)
	if err != nil {
		return fmt.Errorf("look at %s: %w", w.result.WorkflowID, err)
	}
	w.result.Outcome, w.result.Progress, w.result.Trouble = outcomeRunning, &state.progress, state.trouble
	w.result.Waiting = state.waiting
	if err := w.result.lookWithin(ctx, connection); err != nil {
		return err
	}
	if err := s.show(&w.result); err != nil {
		return err
	}
	what := fmt.Sprintf("%s has not ended after %s: it is at %s", w.result.WorkflowID, w.timeout, state.progress.Stage)
	if state.needsOperator || len(w.result.Within) > 0 || state.progress.Stage == vacation.StageAwaiting {
		waits := w.result.WorkflowID
		if len(w.result.Within) > 0 {
			waits = w.result.Within[0].WorkflowID
		}
		next := "`starter waiting` says what it waits for, `starter answer " + waits + " …` answers it"
		if state.progress.Stage == vacation.StageAwaiting {
			next = "put the complete file in its place; the run goes on by itself"
		}
		return &WaitingError{What: what, Next: next}
	}
	if state.trouble != "" {
		return &EndedError{What: what, Next: "mend what stands in its way, the step is tried again by itself: " + state.trouble}
	}
	return &EndedError{What: what, Next: "it goes on; look at it by `starter progress " + w.result.lookup() + "`"}
}

// runState is where a run that is under way stands.
type runState struct {
	progress      vacation.Progress
	trouble       string
	needsOperator bool
	waiting       *workflows.Waiting // nil when it waits for nobody
	over          bool
}

// queryWithin bounds the wait for a worker's answer, which nobody gives while no worker runs.
const queryWithin = 2 * time.Second

// look puts together what a run's workflow answers and what its activities have
// said since in their heartbeats.
func look(ctx context.Context, connection server, workflowID, runID string) (runState, error) {
	description, err := connection.DescribeWorkflowExecution(ctx, workflowID, runID)
	if err != nil {
		return runState{}, err //nolint:wrapcheck // the caller says what it looked for
	}
	info := description.GetWorkflowExecutionInfo()
	state := runState{over: info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING}
	attributes := info.GetSearchAttributes().GetIndexedFields()
	// Search attributes are never encrypted: the server itself reads them.
	plain := converter.GetDefaultDataConverter()
	var stage string
	if payload := attributes[workflows.SearchStage.GetName()]; payload != nil && plain.FromPayload(payload, &stage) == nil {
		state.progress.Stage = vacation.Stage(stage)
	}
	if payload := attributes[workflows.SearchNeedsOperator.GetName()]; payload != nil {
		_ = plain.FromPayload(payload, &state.needsOperator)
	}

	asking, cancel := context.WithTimeout(ctx, queryWithin)
	defer cancel()
	if answer, err := connection.QueryWorkflow(asking, workflowID, runID, workflows.ProgressQuery); err == nil {
		var progress vacation.Progress
		if answer.Get(&progress) == nil {
			state.progress = progress
		}
	}
	if state.needsOperator && !state.over {
		state.waiting = waitingOf(asking, connection, workflowID, runID)
	}
	state.progress = later(state.progress, beats(connection, description))
	state.trouble = trouble(connection, description)
	return state, nil
}

// trouble is why a pending activity failed last, and nothing where none did.
func trouble(connection server, description *workflowservice.DescribeWorkflowExecutionResponse) string {
	for _, activity := range description.GetPendingActivities() {
		if failure := activity.GetLastFailure(); failure != nil {
			return activity.GetActivityType().GetName() + " failed and is tried again: " + connection.reason(failure)
		}
	}
	return ""
}

// beats is the furthest that a pending activity has said to be.
func beats(connection server, description *workflowservice.DescribeWorkflowExecutionResponse) vacation.Progress {
	var furthest vacation.Progress
	for _, activity := range description.GetPendingActivities() {
		var progress vacation.Progress
		if connection.decode(activity.GetHeartbeatDetails(), &progress) == nil {
			furthest = later(furthest, progress)
		}
	}
	return furthest
}

// later keeps the stage of the first, and of each count the larger.
func later(a, b vacation.Progress) vacation.Progress {
	stage := a.Stage
	if stage == "" {
		stage = b.Stage
	}
	return vacation.Progress{
		Stage: stage, Read: max(a.Read, b.Read), Posted: max(a.Posted, b.Posted), Total: max(a.Total, b.Total),
	}
}

// link is the run's page in Temporal's UI.
func (s *session) link(namespace, workflowID, runID string) string {
	const (
		variable = "TEMPORAL_UI_URL"
		fallback = "http://localhost:8233"
	)
	base := strings.TrimRight(s.variable(variable, fallback), "/")
	return base + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(workflowID) + "/" + runID + "/history"
}
