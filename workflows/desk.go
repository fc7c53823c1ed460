package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// The Updates by which operators answer a run that waits. The names stand in
// histories and never change.
const (
	RetryUpdate     = "retry"     // look again now
	SkipUpdate      = "skip"      // go on without it
	ApproveUpdate   = "approve"   // let it pass
	RefuseUpdate    = "refuse"    // do not
	AssignUpdate    = "assign"    // have a decision taken: a parked line, a bank line, a debt, a hold
	DeliveredUpdate = "delivered" // the bank has the bulk
	ResendUpdate    = "resend"    // the bank does not have it: hand it over again
	AbortUpdate     = "abort"     // end the run with error
)

// WaitingQuery answers with a [Waiting].
const WaitingQuery = "waiting"

// act is what an answer asks for: the name of its Update.
type act string

const (
	actRetry     act = RetryUpdate
	actSkip      act = SkipUpdate
	actApprove   act = ApproveUpdate
	actRefuse    act = RefuseUpdate
	actDelivered act = DeliveredUpdate
	actResend    act = ResendUpdate
	actAbort     act = AbortUpdate
)

// answerActs are the acts that end a wait. Assign is taken at any time by runs
// that take decisions.
func answerActs() []act {
	return []act{actRetry, actSkip, actApprove, actRefuse, actDelivered, actResend, actAbort}
}

// busyInterval is how often a run that another holds back looks again: soon
// enough for an operator who watches, seldom enough for a wait of hours.
const busyInterval = 5 * time.Second

// AnswerRequest is an operator's answer to a run that waits.
type AnswerRequest struct {
	Actor  string `json:"actor"`
	Reason string `json:"reason,omitempty"`
	// Subjects name what of the wait is answered, such as orders or bulks; none
	// stands for all of it.
	Subjects []string `json:"subjects,omitempty"`
}

// Waiting is what a run waits for.
type Waiting struct {
	// Stage is empty while the run waits for nobody.
	Stage vacation.Stage `json:"stage,omitempty"`
	What  string         `json:"what,omitempty"`
	Since time.Time      `json:"since,omitzero"`
	// Until is when the run goes on by itself, zero for never.
	Until time.Time `json:"until,omitzero"`
	// Answers are the Updates that fit.
	Answers []string `json:"answers,omitempty"`
}

// waiting is a wait as a vacation asks for it.
type waiting struct {
	stage vacation.Stage
	what  string // one sentence, with ** around the essential
	until time.Time
	takes []act
	// checks refuses an answer that does not fit, beyond what all have in common.
	checks func(act, AnswerRequest) error
	// effect does what the answer asks for where that is more than going on; it
	// writes the operators' journal itself, and says whether the wait is over.
	effect func(workflow.Context, answer) (over bool, err error)
	// polls ends the wait by returning, and knows until when; nil for none.
	polls func(workflow.Context) error
}

// answer is an answer that was taken.
type answer struct {
	act     act
	request AnswerRequest
	journal activities.Answer
}

// desk is where operators answer a run.
type desk struct {
	name    string // the workflow's id
	board   *board
	run     *activities.Run // set once it is opened
	current *waiting
	since   time.Time
	taken   *answer
}

// newDesk registers the Updates and the query.
func newDesk(ctx workflow.Context, shown *board, run *activities.Run) (*desk, error) {
	d := &desk{name: workflow.GetInfo(ctx).WorkflowExecution.ID, board: shown, run: run}
	err := workflow.SetQueryHandler(ctx, WaitingQuery, func() (Waiting, error) { return d.shown(), nil })
	if err != nil {
		return nil, fmt.Errorf("answer the waiting query: %w", err)
	}
	for _, what := range answerActs() {
		err := workflow.SetUpdateHandlerWithOptions(ctx, string(what),
			func(ctx workflow.Context, request AnswerRequest) (string, error) { return d.take(ctx, what, request) },
			workflow.UpdateHandlerOptions{
				Validator: func(_ workflow.Context, request AnswerRequest) error { return d.check(what, request) },
			})
		if err != nil {
			return nil, fmt.Errorf("take the answer %s: %w", what, err)
		}
	}
	return d, nil
}

func (d *desk) shown() Waiting {
	if d.current == nil {
		return Waiting{}
	}
	shown := Waiting{
		Stage: d.current.stage, What: strings.ReplaceAll(d.current.what, "**", ""), Since: d.since, Until: d.current.until,
	}
	for _, takes := range d.current.takes {
		shown.Answers = append(shown.Answers, string(takes))
	}
	return shown
}

// check refuses an answer that does not fit, with a sentence, before anything is written.
func (d *desk) check(what act, request AnswerRequest) error {
	switch {
	case d.current == nil || d.taken != nil:
		return unfit("%s waits for nobody: there is nothing to %s", d.name, what)
	case !slices.Contains(d.current.takes, what):
		return unfit("%s cannot be answered by %s at %s: it takes %s",
			d.name, what, d.current.stage, strings.Join(d.shown().Answers, ", "))
	case request.Actor == "":
		return unfit("say who answers (actor)")
	case request.Reason == "" && needsReason(what):
		return unfit("say why (reason): it stands in the operators' journal")
	case d.current.checks != nil:
		return d.current.checks(what, request)
	default:
		return nil
	}
}

// needsReason tells the acts that change what the day would have done by itself.
func needsReason(what act) bool { return what != actRetry && what != actApprove }

func unfit(format string, args ...any) error {
	return activities.Final(vacation.Fail(vacation.Refused, format, args...))
}

// take writes the answer into the operators' journal, and ends the wait.
func (d *desk) take(ctx workflow.Context, what act, request AnswerRequest) (string, error) {
	// Two answers at once: the first is the one.
	if err := d.check(what, request); err != nil {
		return "", err
	}
	waited := d.current
	info := workflow.GetInfo(ctx).WorkflowExecution
	taken := answer{act: what, request: request, journal: activities.Answer{
		ID: info.RunID + "/" + workflow.GetCurrentUpdateInfo(ctx).ID, Actor: request.Actor, Reason: request.Reason,
	}}
	over := true
	var err error
	if waited.effect != nil && what != actAbort {
		over, err = waited.effect(ctx, taken)
	} else {
		err = activities.RecordAnswer(ctx, activities.RecordAnswerRequest{
			Run: *d.run, Act: string(what), Answer: taken.journal, Subject: info.ID,
			Before: string(waited.stage), After: string(what),
		})
	}
	if err != nil {
		return "", err
	}
	if over && d.current == waited && d.taken == nil {
		d.taken = &taken
	}
	return fmt.Sprintf("%s: %s by %s", d.name, what, request.Actor), nil
}

// wait shows what the run waits for, and returns with the answer, or with none
// when the time is over or the poll has returned.
func (d *desk) wait(ctx workflow.Context, wanted waiting) (answer, error) {
	d.current, d.taken, d.since = &wanted, nil, workflow.Now(ctx)
	back := d.board.progress.Stage
	if err := d.board.wait(ctx, wanted.stage, d.text()); err != nil {
		return answer{}, err
	}
	watching, stop := workflow.WithCancel(ctx)
	defer stop()
	over, failure := false, error(nil)
	workflow.Go(watching, func(ctx workflow.Context) {
		failure = wanted.watch(ctx)
		over = true
	})
	err := workflow.Await(ctx, func() bool { return d.taken != nil || over })
	// An answer that is being taken now is heard out.
	listening, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(listening, func() bool { return d.taken != nil || workflow.AllHandlersFinished(listening) }); err != nil {
		return answer{}, fmt.Errorf("hear out the answers: %w", err)
	}
	taken := d.taken
	d.current, d.taken = nil, nil
	if err != nil {
		return answer{}, err //nolint:wrapcheck // a cancellation, told as such
	}
	if taken == nil && failure != nil {
		return answer{}, failure
	}
	if err := d.board.enter(ctx, back, SearchNeedsOperator.ValueSet(false)); err != nil {
		return answer{}, err
	}
	if taken == nil {
		return answer{}, nil
	}
	return *taken, nil
}

// watch returns when the wait ends by itself.
func (w *waiting) watch(ctx workflow.Context) error {
	switch {
	case w.polls != nil:
		return w.polls(ctx)
	case w.until.IsZero():
		return workflow.Await(ctx, func() bool { return false }) //nolint:wrapcheck // a cancellation, told as such
	default:
		return workflow.Sleep(ctx, w.until.Sub(workflow.Now(ctx))) //nolint:wrapcheck // as above
	}
}

// text is the wait as the run's current details show it.
func (d *desk) text() string {
	text := d.current.what + "\n\nSince " + parisian(d.since) + "."
	if !d.current.until.IsZero() {
		text += " Until " + parisian(d.current.until) + "."
	}
	return text + "\n\nAnswer by the Updates **" + strings.Join(d.shown().Answers, "**, **") +
		"**, or `starter answer " + d.name + " …`."
}

// parisian is an instant as operators read it.
func parisian(instant time.Time) string {
	return instant.In(calendar.Paris()).Format("2006-01-02 15:04:05 MST")
}

// aborted is the failure of a run that an operator ended.
func aborted(by answer) error {
	return activities.Final(vacation.Fail(vacation.Aborted,
		"ended by %s while it waited: %s. What it committed stays; run it again to go on", by.request.Actor, by.request.Reason))
}
