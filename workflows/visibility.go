package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// ProgressQuery answers with a [vacation.Progress].
const ProgressQuery = "progress"

// Search attributes by which operators list runs.
const (
	AttributeVacation      = "Vacation"
	AttributeBusinessDate  = "BusinessDate"
	AttributeCorrelationID = "CorrelationId"
	AttributeStage         = "Stage"
	AttributeNeedsOperator = "NeedsOperator"
)

// The keys of the search attributes: constants that Go cannot write as such.
//
//nolint:gochecknoglobals // as above
var (
	SearchVacation      = temporal.NewSearchAttributeKeyKeyword(AttributeVacation)
	SearchBusinessDate  = temporal.NewSearchAttributeKeyKeyword(AttributeBusinessDate)
	SearchCorrelationID = temporal.NewSearchAttributeKeyKeyword(AttributeCorrelationID)
	SearchStage         = temporal.NewSearchAttributeKeyKeyword(AttributeStage)
	SearchNeedsOperator = temporal.NewSearchAttributeKeyBool(AttributeNeedsOperator)
)

// SearchAttributes are those that a namespace must have before a vacation runs
// in it: a run that sets an unknown one does not come past its first step.
func SearchAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{
		SearchVacation, SearchBusinessDate, SearchCorrelationID, SearchStage, SearchNeedsOperator,
	}
}

// board is what operators see of a run: search attributes, current details and
// the progress that the query answers.
type board struct {
	progress vacation.Progress
	note     string // how far the stage is, in words
}

// newBoard shows which session, or day, runs, and answers queries from now on.
func newBoard(ctx workflow.Context, kind vacation.Kind, date calendar.Date) (*board, error) {
	shown := &board{progress: vacation.Progress{Stage: vacation.StageOpening}}
	err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (vacation.Progress, error) { return shown.progress, nil })
	if err != nil {
		return nil, fmt.Errorf("answer the progress query: %w", err)
	}
	return shown, upsert(ctx,
		SearchVacation.ValueSet(string(kind)),
		SearchBusinessDate.ValueSet(date.String()),
		SearchStage.ValueSet(string(vacation.StageOpening)),
		SearchNeedsOperator.ValueSet(false))
}

// enter shows that the run has come to a stage.
func (b *board) enter(ctx workflow.Context, stage vacation.Stage, updates ...temporal.SearchAttributeUpdate) error {
	b.pass(ctx, stage)
	return upsert(ctx, append(updates, SearchStage.ValueSet(string(stage)))...)
}

// pass is enter for a stage of milliseconds. It is seen in the current details,
// not in the list of runs: each change there is a write of Temporal's, which
// takes longer than the stage.
func (b *board) pass(ctx workflow.Context, stage vacation.Stage) {
	b.progress.Stage, b.note = stage, ""
	b.details(ctx)
}

// tellf shows how far the stage is, in words.
func (b *board) tellf(ctx workflow.Context, format string, args ...any) {
	b.note = fmt.Sprintf(format, args...)
	b.details(ctx)
}

// wait shows that the run waits, and whether somebody has to answer.
func (b *board) wait(ctx workflow.Context, stage vacation.Stage, details string, needsOperator bool) error {
	b.progress.Stage = stage
	workflow.SetCurrentDetails(ctx, details)
	return upsert(ctx, SearchStage.ValueSet(string(stage)), SearchNeedsOperator.ValueSet(needsOperator))
}

// fail shows why the run ended with error.
func (*board) fail(ctx workflow.Context, failure *vacation.Failure) {
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("Ended with error **%s** at %s.\n\n%s", failure.Code, failure.Step, failure.Message))
}

// failureOf is why the run ends with error, and at which stage unless the cause says so.
func (b *board) failureOf(cause error) *vacation.Failure {
	failure := activities.AsFailure(cause)
	if failure.Step == "" {
		failure.Step = b.progress.Stage
	}
	return failure
}

// end shows that the run ended with error and needs an operator, and fails it with that.
func (b *board) end(ctx workflow.Context, failure *vacation.Failure) error {
	b.fail(ctx, failure)
	if err := upsert(ctx, SearchNeedsOperator.ValueSet(true)); err != nil {
		return err
	}
	return activities.Final(failure)
}

// details shows the progress in the run's current details.
func (b *board) details(ctx workflow.Context) {
	text := "Stage: **" + string(b.progress.Stage) + "**"
	if b.progress.Total > 0 {
		text += fmt.Sprintf("\n\n%d of %d lines posted", b.progress.Posted, b.progress.Total)
	}
	if b.note != "" {
		text += "\n\n" + b.note
	}
	workflow.SetCurrentDetails(ctx, text)
}

func upsert(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		return fmt.Errorf("set search attributes: %w", err)
	}
	return nil
}
