package workflows

import (
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// session is one run of a vacation: what all six do alike.
type session struct {
	id    vacation.ID
	date  calendar.Date
	board *board
	desk  *desk
	run   activities.Run
}

// newSession shows the run, and answers queries and operators from now on.
func newSession(ctx workflow.Context, kind vacation.Kind, key string, date calendar.Date) (*session, error) {
	id, err := vacation.NewID(kind, key)
	if err != nil {
		return nil, activities.Final(vacation.Fail(vacation.ParametersConflict, "%s", err))
	}
	shown, err := newBoard(ctx, kind, date)
	if err != nil {
		return nil, err
	}
	s := &session{id: id, date: date, board: shown}
	s.desk, err = newDesk(ctx, shown, &s.run)
	return s, err
}

// open opens a vacation that is no règlement. It waits while another vacation
// must end first. ended holds the totals of a run that ended the session before.
func (s *session) open(ctx workflow.Context, parameters any) (ended json.RawMessage, err error) {
	text, err := written(parameters)
	if err != nil {
		return nil, err
	}
	open := func(ctx workflow.Context) (activities.OpenVacationResult, error) {
		return activities.OpenVacation(ctx, activities.OpenVacationRequest{
			ID: s.id, WorkflowRun: workflow.GetInfo(ctx).WorkflowExecution.RunID, BusinessDate: s.date, Parameters: text,
		})
	}
	// Whatever cancels the run meanwhile: a run that was opened is known, and ended.
	opening, _ := workflow.NewDisconnectedContext(ctx)
	opened, err := open(opening)
	if err == nil && opened.HeldBy != "" {
		opened, err = s.awaitOther(ctx, opened, open)
	}
	if opened.Run.Number == 0 && err != nil {
		return nil, s.refused(ctx, err)
	}
	s.run = opened.Run
	if err != nil { // answered, or cancelled, while it was opened
		return nil, s.endWithError(ctx, err)
	}
	if opened.Ended != nil {
		return opened.Ended, s.desk.close(ctx)
	}
	s.log(ctx).Info("vacation started", "business_date", s.date.String())
	return nil, nil
}

// awaitOther waits for a vacation that must end first, and returns what was
// opened then, also where the wait was ended otherwise.
func (s *session) awaitOther(
	ctx workflow.Context, opened activities.OpenVacationResult, open func(workflow.Context) (activities.OpenVacationResult, error),
) (activities.OpenVacationResult, error) {
	for opened.HeldBy != "" {
		answer, err := s.desk.wait(ctx, waiting{
			stage: vacation.StageBusy,
			what: fmt.Sprintf("Waits for **%s** to end: créances and financière never run together. "+
				"It goes on by itself; retry looks now. Where that run was terminated, run it again: it closes what was left.",
				opened.HeldBy),
			takes: []act{actRetry, actAbort},
			alone: true,
			looks: func(ctx workflow.Context) (bool, error) {
				var err error
				opened, err = open(ctx)
				return opened.HeldBy == "", err
			},
		})
		if err == nil && answer.act == actAbort {
			err = aborted(answer)
		}
		if err == nil && answer.act == actRetry && opened.HeldBy != "" {
			heardOut, _ := workflow.NewDisconnectedContext(ctx)
			opened, err = open(heardOut)
		}
		if err != nil {
			return opened, err
		}
	}
	return opened, nil
}

// enter shows the run's next stage, and whose events are its own.
func (s *session) enter(ctx workflow.Context, stage vacation.Stage) error {
	return s.board.enter(ctx, stage, SearchCorrelationID.ValueSet(s.run.CorrelationID))
}

// finish ends the run well with its totals, or with error when the steps
// failed. A cancellation comes before the end or after it: the run's outcome is
// what was committed. It returns how many events the run emitted.
func (s *session) finish(ctx workflow.Context, totals any, failure error) (int64, error) {
	if failure == nil {
		failure = s.desk.close(ctx)
	}
	if failure == nil {
		failure = ctx.Err()
	}
	if failure != nil {
		return 0, s.endWithError(ctx, failure)
	}
	s.board.pass(ctx, vacation.StageProving)
	text, err := written(totals)
	if err != nil {
		return 0, s.endWithError(ctx, err)
	}
	closing, _ := workflow.NewDisconnectedContext(ctx)
	events, err := activities.CloseVacation(closing, activities.CloseVacationRequest{Run: s.run, Totals: text})
	if err != nil {
		return 0, s.endWithError(ctx, err)
	}
	s.log(ctx).Info("vacation ended", "events", events)
	return events, s.board.enter(closing, vacation.StageEnded)
}

// log names the vacation in each line, by the ids of its run and its events'
// correlation; a replay logs nothing again.
func (s *session) log(ctx workflow.Context) log.Logger {
	return log.With(workflow.GetLogger(ctx), "correlation_id", s.run.CorrelationID)
}

// refused fails a run that was never opened: it has no event to end.
func (s *session) refused(ctx workflow.Context, cause error) error {
	failure := activities.AsFailure(cause)
	failure.Step = vacation.StageOpening
	if err := s.desk.close(ctx); err != nil {
		return err
	}
	s.board.fail(ctx, failure)
	return activities.Final(failure)
}

// endWithError emits the end of a run that failed, whatever has become of the
// run's own context, and fails it with the same typed failure.
func (s *session) endWithError(ctx workflow.Context, cause error) error {
	failure := s.board.failureOf(cause)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := s.desk.close(ctx); err != nil {
		return err
	}
	err := activities.FailVacation(ctx, activities.FailVacationRequest{
		Run: s.run, Code: failure.Code, Step: failure.Step, Message: failure.Message,
	})
	if err != nil {
		return fmt.Errorf("end with error after %w: %w", activities.Final(failure), err)
	}
	s.log(ctx).Error("vacation ended with error", "code", string(failure.Code), "step", string(failure.Step))
	return s.board.end(ctx, failure)
}

// tellERP has the settlements posted that the ERP has to know of, by a run of its
// own: no vacation waits for the ERP, and none fails with it. What is settled is
// told sooner or later: the next run tells what this one did not.
func (s *session) tellERP(ctx workflow.Context) error {
	if !tellsERP(ctx) {
		return nil
	}
	s.board.pass(ctx, vacation.StagePlanningERP)
	planned, err := activities.PlanPostings(ctx)
	if err == nil && planned.Planned > 0 {
		s.log(ctx).Info("settlements are to be posted to the ERP", "postings", planned.Planned)
	}
	return err
}

// inOrder takes steps one after the other, until one fails.
func inOrder(ctx workflow.Context, steps ...func(workflow.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// repeat calls an activity that works by slices until it says that it is done.
func repeat[Result any](call func() (Result, error), done func(Result) bool) (Result, error) {
	for {
		result, err := call()
		if err != nil || done(result) {
			return result, err
		}
	}
}
