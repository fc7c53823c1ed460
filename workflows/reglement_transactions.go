package workflows

import (
	"fmt"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// ReglementTransactionsRequest starts the settlement of card transactions: the
// bank's credit on the règlement account and the CRE file that explains it.
type ReglementTransactionsRequest struct {
	BusinessDate calendar.Date          `json:"businessDate"`
	Transaction  ogep.GlobalTransaction `json:"transaction"`
	// File is the absolute path of the CRE file, as the workers see it. It need
	// not be there yet.
	File string `json:"file"`
	// CutOff is until when a missing file is waited for.
	CutOff time.Time `json:"cutOff"`
}

// ReglementTransactions turns a CRE file into money on payment accounts. Its
// run is named `vacation-reglement-transactions/<reference>`. It returns the
// totals, or the typed failure with which the vacation ended.
func ReglementTransactions(ctx workflow.Context, request ReglementTransactionsRequest) (vacation.Totals, error) {
	reglement, err := setUpReglement(ctx, request)
	if err != nil {
		return vacation.Totals{}, err
	}
	return reglement.run(ctx)
}

// reglement is one run.
type reglement struct {
	request ReglementTransactionsRequest
	id      vacation.ID
	board   *board
	opened  activities.Run
}

func setUpReglement(ctx workflow.Context, request ReglementTransactionsRequest) (*reglement, error) {
	id, err := vacation.NewID(vacation.ReglementTransactions, request.Transaction.Reference)
	if err != nil {
		return nil, activities.Final(vacation.Fail(vacation.ParametersConflict, "%s", err))
	}
	shown, err := newBoard(ctx, id.Kind, request.BusinessDate)
	if err != nil {
		return nil, err
	}
	return &reglement{request: request, id: id, board: shown}, nil
}

func (r *reglement) run(ctx workflow.Context) (vacation.Totals, error) {
	// Whatever cancels the run meanwhile: a run that was opened is known, and ended.
	opening, _ := workflow.NewDisconnectedContext(ctx)
	opened, err := activities.OpenSettlement(opening, activities.OpenSettlementRequest{
		ID:           r.id,
		WorkflowRun:  workflow.GetInfo(ctx).WorkflowExecution.RunID,
		BusinessDate: r.request.BusinessDate,
		Transaction:  r.request.Transaction,
		FileName:     filepath.Base(r.request.File),
	})
	if err != nil {
		return vacation.Totals{}, r.refused(err)
	}
	if opened.Settled != nil {
		return *opened.Settled, nil
	}
	r.opened = opened.Run
	r.log(ctx).Info("vacation started", "business_date", r.request.BusinessDate.String())

	totals, err := r.settle(ctx)
	if err != nil {
		return vacation.Totals{}, r.endWithError(ctx, err)
	}
	r.log(ctx).Info("vacation ended", "lines", totals.Lines, "events", totals.Events)
	return totals, r.archive(ctx, totals)
}

// log names the vacation in each line, by the ids of its run and its events'
// correlation; a replay logs nothing again.
func (r *reglement) log(ctx workflow.Context) log.Logger {
	return log.With(workflow.GetLogger(ctx), "correlation_id", r.opened.CorrelationID)
}

// settle is the vacation between its start and its end.
func (r *reglement) settle(ctx workflow.Context) (vacation.Totals, error) {
	file, err := r.loadFile(ctx)
	if err != nil {
		return vacation.Totals{}, err
	}
	if err := r.postLines(ctx, file); err != nil {
		return vacation.Totals{}, err
	}
	if err := r.board.enter(ctx, vacation.StageCovering); err != nil {
		return vacation.Totals{}, err
	}
	if err := activities.CoverShortfalls(ctx, r.opened); err != nil {
		return vacation.Totals{}, err
	}
	r.board.pass(ctx, vacation.StageIsolating)
	if err := activities.IsolateRevenue(ctx, r.opened); err != nil {
		return vacation.Totals{}, err
	}
	r.board.pass(ctx, vacation.StageProving)
	// A cancellation comes before the end or after it: the run's outcome is what was committed.
	if err := ctx.Err(); err != nil {
		return vacation.Totals{}, err
	}
	closing, _ := workflow.NewDisconnectedContext(ctx)
	return activities.CloseSettlement(closing, r.opened)
}

// loadFile loads the file, after waiting for it where it is late.
func (r *reglement) loadFile(ctx workflow.Context) (activities.LoadFileResult, error) {
	correlation := SearchCorrelationID.ValueSet(r.opened.CorrelationID)
	if err := r.board.enter(ctx, vacation.StageLoading, correlation); err != nil {
		return activities.LoadFileResult{}, err
	}
	for {
		file, err := activities.LoadFile(ctx, activities.LoadFileRequest{
			Run: r.opened, Path: r.request.File, CutOff: r.request.CutOff,
		})
		if err != nil || file.Found {
			r.board.progress.Read, r.board.progress.Total = file.Lines, file.Lines
			r.board.progress.Posted = file.Parked
			return file, err
		}
		if err := r.awaitFile(ctx); err != nil {
			return activities.LoadFileResult{}, err
		}
	}
}

func (r *reglement) awaitFile(ctx workflow.Context) error {
	cutOff := r.request.CutOff.In(calendar.Paris()).Format("2006-01-02 15:04 MST")
	details := fmt.Sprintf("Waits for the file **%s** since %s, until the cut-off at %s.\n\n"+
		"Put the complete file there: the run goes on by itself within seconds. At the cut-off it ends with error %s.",
		r.request.File, workflow.Now(ctx).In(calendar.Paris()).Format("2006-01-02 15:04:05 MST"), cutOff, vacation.FileMissing)
	if err := r.board.wait(ctx, vacation.StageAwaiting, details); err != nil {
		return err
	}
	err := activities.AwaitFile(ctx, activities.AwaitFileRequest{Path: r.request.File, CutOff: r.request.CutOff})
	if err != nil {
		return err
	}
	return r.board.enter(ctx, vacation.StageLoading, SearchNeedsOperator.ValueSet(false))
}

// partsLostMax is how often lost lines are split again: a disk that was cleared
// loses them once, workers that do not share it for ever.
const partsLostMax = 5

// postLines posts slice by slice, and loads the file again where its split
// lines were lost.
func (r *reglement) postLines(ctx workflow.Context, file activities.LoadFileResult) error {
	if err := r.board.enter(ctx, vacation.StagePosting); err != nil {
		return err
	}
	for lost := 0; ; {
		posted, err := activities.PostLines(ctx, activities.PostLinesRequest{Run: r.opened, SHA256: file.SHA256})
		if err != nil {
			return err
		}
		r.board.progress.Posted = posted.Posted
		r.board.details(ctx)
		if posted.PartsLost {
			lost++
			if lost > partsLostMax {
				return activities.Final(vacation.Fail(vacation.PartsLost,
					"the lines split from %s were lost %d times: let all workers share one data folder, then run this vacation again",
					filepath.Base(r.request.File), lost))
			}
			if _, err := r.loadFile(ctx); err != nil {
				return err
			}
			r.board.progress.Posted = posted.Posted
			if err := r.board.enter(ctx, vacation.StagePosting); err != nil {
				return err
			}
		}
		if posted.Done {
			return nil
		}
	}
}

// archive puts the file away. The vacation has ended: whatever happens here
// changes nothing of it.
func (r *reglement) archive(ctx workflow.Context, totals vacation.Totals) error {
	r.board.pass(ctx, vacation.StageArchiving)
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := activities.ArchiveFile(ctx, activities.ArchiveFileRequest{Run: r.opened, Path: r.request.File, Totals: totals})
	if err != nil {
		return err
	}
	return r.board.enter(ctx, vacation.StageEnded)
}

// refused fails a run that was never opened: it has no event to end.
func (r *reglement) refused(err error) error {
	failure := activities.AsFailure(err)
	failure.Step = vacation.StageOpening
	return activities.Final(failure)
}

// endWithError emits the end of a run that failed, whatever has become of the
// run's own context, and fails it with the same typed failure.
func (r *reglement) endWithError(ctx workflow.Context, cause error) error {
	failure := activities.AsFailure(cause)
	if failure.Step == "" {
		failure.Step = r.board.progress.Stage
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := activities.FailVacation(ctx, activities.FailVacationRequest{
		Run: r.opened, Code: failure.Code, Step: failure.Step, Message: failure.Message,
	})
	if err != nil {
		return fmt.Errorf("end with error after %w: %w", activities.Final(failure), err)
	}
	r.log(ctx).Error("vacation ended with error", "code", string(failure.Code), "step", string(failure.Step))
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Ended with error **%s** at %s.\n\n%s", failure.Code, failure.Step, failure.Message))
	if err := upsert(ctx, SearchNeedsOperator.ValueSet(true)); err != nil {
		return err
	}
	return activities.Final(failure)
}
