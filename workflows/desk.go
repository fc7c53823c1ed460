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

// Answers lists the Updates that end a wait. Assign is taken at any time by runs
// that take decisions.
func Answers() []string {
	return []string{RetryUpdate, SkipUpdate, ApproveUpdate, RefuseUpdate, DeliveredUpdate, ResendUpdate, AbortUpdate}
}

// A wait that looks by itself looks soon at first, for who watches, then ever
// more seldom: a wait of a day is some hundred looks in the run's history.
const (
	lookFirst = 5 * time.Second
	lookLast  = 5 * time.Minute
)

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
	what  string    // one sentence, with ** around the essential
	until time.Time // when the wait ends by itself, zero for never
	takes []act
	// alone says that nobody has to do anything: what is waited for comes by itself.
	alone bool
	// checks refuses an answer that does not fit, beyond what all have in common.
	checks func(act, AnswerRequest) error
	// effect does what an answer but abort asks for where that is more than going
	// on, and writes the operators' journal itself. Where it fails, the answer is
	// none and the wait goes on; nil for an answer that is only written down.
	effect func(workflow.Context, answer) error
	// polls ends the wait by returning, and knows until when; nil for none.
	polls func(workflow.Context) error
	// looks ends the wait by finding what is waited for. It is called again and
	// again, and heard out when the wait ends otherwise; nil for none.
	looks func(workflow.Context) (found bool, err error)
}

// answer is an answer that was taken.
type answer struct {
	act     act
	stage   vacation.Stage // what was answered
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
	// taking is held while an answer is written down: one at a time.
	taking workflow.Mutex
	// arrivals has signals of files that have come.
	arrivals workflow.ReceiveChannel
	// closed is set when the run ends.
	closed bool
}

// newDesk registers the Updates and the query.
func newDesk(ctx workflow.Context, shown *board, run *activities.Run) (*desk, error) {
	d := &desk{
		name: workflow.GetInfo(ctx).WorkflowExecution.ID, board: shown, run: run, taking: workflow.NewMutex(ctx),
		arrivals: workflow.GetSignalChannel(ctx, ArrivalSignal),
	}
	err := workflow.SetQueryHandler(ctx, WaitingQuery, func() (Waiting, error) { return d.shown(), nil })
	if err != nil {
		return nil, fmt.Errorf("answer the waiting query: %w", err)
	}
	for _, name := range Answers() {
		what := act(name)
		err := workflow.SetUpdateHandlerWithOptions(ctx, name,
			func(ctx workflow.Context, request AnswerRequest) (string, error) { return d.take(ctx, what, request) },
			workflow.UpdateHandlerOptions{
				Validator: func(ctx workflow.Context, request AnswerRequest) error { return d.check(ctx, what, request) },
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

// check refuses an answer that does not fit, before anything is written.
func (d *desk) check(ctx workflow.Context, what act, request AnswerRequest) error {
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
	case !d.current.until.IsZero() && !workflow.Now(ctx).Before(d.current.until):
		return unfit("%s took answers until %s: too late to %s", d.name, parisian(d.current.until), what)
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
	waited := d.current
	// Whatever cancels the run meanwhile: an answer that is written down is taken.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := d.taking.Lock(ctx); err != nil {
		return "", fmt.Errorf("wait for another answer: %w", err)
	}
	defer d.taking.Unlock()
	// Two answers at once: the first is the one, and the second is not for the wait that comes next.
	if d.current != waited {
		return "", unfit("%s was answered by somebody else meanwhile: look what it waits for now", d.name)
	}
	if err := d.check(ctx, what, request); err != nil {
		return "", err
	}
	taken := answer{act: what, stage: waited.stage, request: request, journal: activities.Answer{
		ID: answerID(ctx), Actor: request.Actor, Reason: request.Reason,
	}}
	write := d.record
	if waited.effect != nil && what != actAbort {
		write = waited.effect
	}
	if err := write(ctx, taken); err != nil {
		return "", activities.Final(activities.AsFailure(err))
	}
	d.taken = &taken
	return fmt.Sprintf("%s: %s by %s", d.name, what, request.Actor), nil
}

// answerID names an answer for ever: an Update is asked for once in a run.
func answerID(ctx workflow.Context) string {
	return workflow.GetInfo(ctx).WorkflowExecution.RunID + "/" + workflow.GetCurrentUpdateInfo(ctx).ID
}

// record writes an answer into the operators' journal.
func (d *desk) record(ctx workflow.Context, taken answer) error {
	return activities.RecordAnswer(ctx, activities.RecordAnswerRequest{
		Run: *d.run, Act: string(taken.act), Answer: taken.journal, Subject: d.name,
		Before: string(taken.stage), After: string(taken.act),
	})
}

// wait shows what the run waits for, and returns with the answer, or with none
// when the time is over, the poll has returned, or a look has found.
func (d *desk) wait(ctx workflow.Context, wanted waiting) (answer, error) {
	d.current, d.taken, d.since = &wanted, nil, workflow.Now(ctx)
	back := d.board.progress.Stage
	if err := d.board.wait(ctx, wanted.stage, d.text(), !wanted.alone); err != nil {
		return answer{}, err
	}
	watching, stop := workflow.WithCancel(ctx)
	defer stop()
	over, failure := false, error(nil)
	workflow.Go(watching, func(ctx workflow.Context) {
		failure = wanted.watch(ctx, d.arrivals)
		over = true
	})
	cancelled := workflow.Await(ctx, func() bool { return d.taken != nil || over })
	taken, err := d.hearOut(ctx, stop, func() bool { return over || wanted.looks == nil })
	switch {
	case err != nil:
		return answer{}, err
	case cancelled != nil:
		return answer{}, cancelled //nolint:wrapcheck // told as such
	case failure != nil && taken.act == "" && wanted.looks == nil:
		return answer{}, failure
	}
	if err := d.board.enter(ctx, back, SearchNeedsOperator.ValueSet(false)); err != nil {
		return answer{}, err
	}
	if failure != nil && wanted.looks != nil { // what is there is wrong, whatever was answered
		return answer{}, failure
	}
	return taken, nil
}

// hearOut ends the wait, after an answer that is being taken now, and before
// what is still looked for. It returns the answer, or the zero one for none.
func (d *desk) hearOut(ctx workflow.Context, stop func(), looked func() bool) (answer, error) {
	listening, _ := workflow.NewDisconnectedContext(ctx)
	err := workflow.Await(listening, func() bool { return d.taken != nil || !d.taking.IsLocked() })
	var taken answer
	if d.taken != nil {
		taken = *d.taken
	}
	d.current, d.taken = nil, nil
	stop()
	if err == nil {
		err = workflow.Await(listening, looked)
	}
	if err != nil {
		return answer{}, fmt.Errorf("hear out the answers: %w", err)
	}
	return taken, nil
}

// watch returns when the wait ends by itself.
func (w *waiting) watch(ctx workflow.Context, arrivals workflow.ReceiveChannel) error {
	switch {
	case w.polls != nil:
		return w.polls(ctx)
	case w.looks != nil:
		return w.look(ctx, arrivals)
	case w.until.IsZero():
		return workflow.Await(ctx, func() bool { return false }) //nolint:wrapcheck // a cancellation, told as such
	default:
		return workflow.Sleep(ctx, w.until.Sub(workflow.Now(ctx))) //nolint:wrapcheck // as above
	}
}

// look looks again and again, at once when a file has come, and the last time
// when the time is over.
func (w *waiting) look(ctx workflow.Context, arrivals workflow.ReceiveChannel) error {
	heardOut, _ := workflow.NewDisconnectedContext(ctx)
	for pause := lookFirst; ; pause = min(pause+pause, lookLast) {
		if !w.until.IsZero() {
			left := w.until.Sub(workflow.Now(ctx))
			if left <= 0 {
				return nil
			}
			pause = min(pause, left)
		}
		if _, err := workflow.AwaitWithTimeout(ctx, pause, func() bool { return arrivals.Len() > 0 }); err != nil {
			return nil //nolint:nilerr // answered, or cancelled, which the wait tells
		}
		for arrivals.ReceiveAsync(nil) {
			continue // one look is for all that have come
		}
		if found, err := w.looks(heardOut); err != nil || found {
			return err
		}
	}
}

// close takes no answer any more, and hears out those that are being taken: a
// run must not end before it has told them what became of them.
func (d *desk) close(ctx workflow.Context) error {
	d.closed = true
	listening, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(listening, func() bool { return workflow.AllHandlersFinished(listening) }); err != nil {
		return fmt.Errorf("hear out the answers: %w", err)
	}
	return nil
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
	failure := vacation.Fail(vacation.Aborted,
		"ended by %s while it waited: %s. What it committed stays; run it again to go on", by.request.Actor, by.request.Reason)
	failure.Step = by.stage
	return activities.Final(failure)
}
