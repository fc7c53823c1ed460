package workflows

import (
	"fmt"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// ReglementRequest starts one of the three règlements: a line of the bank on
// the règlement account, and the file that explains it.
type ReglementRequest struct {
	BusinessDate calendar.Date          `json:"businessDate"`
	Transaction  ogep.GlobalTransaction `json:"transaction"`
	// File is the absolute path of the file, as the workers see it. It need not
	// be there yet. A folder stands for the file in it that carries the reference.
	File string `json:"file"`
	// CutOff is until when a missing file is waited for.
	CutOff time.Time `json:"cutOff"`
}

// reglement is one run of a règlement.
type reglement struct {
	*session

	request ReglementRequest
}

func setUpReglement(ctx workflow.Context, kind vacation.Kind, request ReglementRequest) (*reglement, error) {
	session, err := newSession(ctx, kind, request.Transaction.Reference, request.BusinessDate)
	if err != nil {
		return nil, err
	}
	return &reglement{session: session, request: request}, nil
}

// open guards the reference and starts the run. It returns what the session
// returned when it ended before, nil when it goes on.
func (r *reglement) open(ctx workflow.Context) (*activities.OpenSettlementResult, error) {
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
		return nil, r.refused(ctx, err)
	}
	if opened.Settled != nil || opened.Ended != nil {
		return &opened, nil
	}
	r.run = opened.Run
	r.log(ctx).Info("vacation started", "business_date", r.request.BusinessDate.String())
	return nil, nil //nolint:nilnil // no earlier result, and no error
}

// runOfLines is the run of a règlement whose file has lines to post.
func (r *reglement) runOfLines(ctx workflow.Context, settle func(workflow.Context) error) (vacation.Totals, error) {
	before, err := r.open(ctx)
	if err != nil {
		return vacation.Totals{}, err
	}
	if before != nil {
		return *before.Settled, nil
	}
	totals, err := r.close(ctx, settle(ctx))
	if err != nil {
		return vacation.Totals{}, r.endWithError(ctx, err)
	}
	r.log(ctx).Info("vacation ended", "lines", totals.Lines, "events", totals.Events)
	// The vacation has ended: whatever happens from here on changes nothing of it.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if r.id.Kind == vacation.ReglementTransactions {
		if err := r.tellERP(ctx); err != nil {
			return totals, err
		}
	}
	return totals, r.archive(ctx, totals)
}

// close proves the books and ends the run, unless a step failed.
func (r *reglement) close(ctx workflow.Context, failure error) (vacation.Totals, error) {
	if failure != nil {
		return vacation.Totals{}, failure
	}
	r.board.pass(ctx, vacation.StageProving)
	// A cancellation comes before the end or after it: the run's outcome is what was committed.
	if err := ctx.Err(); err != nil {
		return vacation.Totals{}, err
	}
	closing, _ := workflow.NewDisconnectedContext(ctx)
	return activities.CloseSettlement(closing, r.run)
}

// loadFile loads the file, after waiting for it where it is late.
func (r *reglement) loadFile(ctx workflow.Context) (activities.LoadFileResult, error) {
	if err := r.enter(ctx, vacation.StageLoading); err != nil {
		return activities.LoadFileResult{}, err
	}
	for {
		file, err := activities.LoadFile(ctx, activities.LoadFileRequest{
			Run: r.run, Path: r.request.File, CutOff: r.request.CutOff,
		})
		if err != nil || file.Found {
			r.board.progress.Read, r.board.progress.Total = file.Lines, file.Lines
			r.board.progress.Posted = file.Parked
			return file, err
		}
		if err := r.awaitFile(ctx, r.request.File, r.request.CutOff); err != nil {
			return activities.LoadFileResult{}, err
		}
	}
}

// awaitFile waits until the file stands there, or an operator says that it does.
func (s *session) awaitFile(ctx workflow.Context, path string, cutOff time.Time) error {
	answer, err := s.desk.wait(ctx, waiting{
		stage: vacation.StageAwaiting,
		what: fmt.Sprintf("Waits for the file **%s**, until the cut-off at %s.\n\n"+
			"Put the complete file there: the run goes on by itself within seconds. At the cut-off it ends with error %s.",
			path, cutOff.In(calendar.Paris()).Format("2006-01-02 15:04 MST"), vacation.FileMissing),
		until: cutOff,
		takes: []act{actRetry, actAbort},
		polls: func(ctx workflow.Context) error {
			return activities.AwaitFile(ctx, activities.AwaitFileRequest{Path: path, Reference: s.id.Key, CutOff: cutOff})
		},
	})
	if err != nil {
		return err
	}
	if answer.act == actAbort {
		return aborted(answer)
	}
	return nil
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
		posted, err := activities.PostLines(ctx, activities.PostLinesRequest{Run: r.run, SHA256: file.SHA256})
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

// archive puts the file away.
func (r *reglement) archive(ctx workflow.Context, totals vacation.Totals) error {
	r.board.pass(ctx, vacation.StageArchiving)
	err := activities.ArchiveFile(ctx, activities.ArchiveFileRequest{Run: r.run, Path: r.request.File, Totals: totals})
	if err != nil {
		return err
	}
	return r.board.enter(ctx, vacation.StageEnded)
}
