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
	text, err := json.Marshal(parameters)
	if err != nil {
		return nil, fmt.Errorf("write the parameters: %w", err)
	}
	// Whatever cancels the run meanwhile: a run that was opened is known, and ended.
	opening, _ := workflow.NewDisconnectedContext(ctx)
	for {
		opened, err := activities.OpenVacation(opening, activities.OpenVacationRequest{
			ID: s.id, WorkflowRun: workflow.GetInfo(ctx).WorkflowExecution.RunID, BusinessDate: s.date, Parameters: text,
		})
		if err != nil {
			return nil, s.refused(err)
		}
		if opened.HeldBy == "" {
			s.run = opened.Run
			if opened.Ended == nil {
				s.log(ctx).Info("vacation started", "business_date", s.date.String())
			}
			return opened.Ended, nil
		}
		if err := s.awaitOther(ctx, opened.HeldBy); err != nil {
			return nil, s.refused(err)
		}
	}
}

// awaitOther waits a moment for a vacation that must end first.
func (s *session) awaitOther(ctx workflow.Context, other string) error {
	answer, err := s.desk.wait(ctx, waiting{
		stage: vacation.StageBusy,
		what:  fmt.Sprintf("Waits for **%s** to end: créances and financière never run together.", other),
		until: workflow.Now(ctx).Add(busyInterval),
		takes: []act{actRetry, actAbort},
	})
	if err != nil || answer.act != actAbort {
		return err
	}
	return aborted(answer)
}

// finish ends the run well with its totals, or with error when the steps
// failed. A cancellation comes before the end or after it: the run's outcome is
// what was committed. It returns how many events the run emitted.
func (s *session) finish(ctx workflow.Context, totals any, failure error) (int64, error) {
	if failure == nil {
		failure = ctx.Err()
	}
	if failure != nil {
		return 0, s.endWithError(ctx, failure)
	}
	s.board.pass(ctx, vacation.StageProving)
	text, err := json.Marshal(totals)
	if err != nil {
		return 0, fmt.Errorf("write the totals: %w", err)
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
func (s *session) refused(err error) error {
	failure := activities.AsFailure(err)
	failure.Step = vacation.StageOpening
	return activities.Final(failure)
}

// endWithError emits the end of a run that failed, whatever has become of the
// run's own context, and fails it with the same typed failure.
func (s *session) endWithError(ctx workflow.Context, cause error) error {
	failure := activities.AsFailure(cause)
	if failure.Step == "" {
		failure.Step = s.board.progress.Stage
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := activities.FailVacation(ctx, activities.FailVacationRequest{
		Run: s.run, Code: failure.Code, Step: failure.Step, Message: failure.Message,
	})
	if err != nil {
		return fmt.Errorf("end with error after %w: %w", activities.Final(failure), err)
	}
	s.log(ctx).Error("vacation ended with error", "code", string(failure.Code), "step", string(failure.Step))
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Ended with error **%s** at %s.\n\n%s", failure.Code, failure.Step, failure.Message))
	if err := upsert(ctx, SearchNeedsOperator.ValueSet(true)); err != nil {
		return err
	}
	return activities.Final(failure)
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
