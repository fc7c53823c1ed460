package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/reglo/reglo/domain/vacation"
)

func newProgress(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "progress REFERENCE|RUN",
		Short: "Show how far the last run of a settlement, a vacation or a day has come, and its page in Temporal's UI",
		Long: `Show how far the last run of a settlement, a vacation or a day has come, what it
waits for, and its page in Temporal's UI. A settlement is named by its
reference, any other by its workflow id, such as vacation-creances/2026-11-23.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := candidates(args[0])
			if err != nil {
				return err
			}
			connection, settings, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			workflowID, description, err := firstKnown(cmd.Context(), connection, args[0], ids)
			if err != nil {
				return err
			}
			runID := description.GetWorkflowExecutionInfo().GetExecution().GetRunId()
			result := runDocument{
				Outcome: outcomeRunning, WorkflowID: workflowID, RunID: runID,
				UI: s.link(settings.Temporal.Namespace, workflowID, runID),
			}
			if len(ids) > 1 {
				result.Reference = args[0]
			}
			state, err := look(cmd.Context(), connection, workflowID, runID)
			if err != nil {
				return fmt.Errorf("look at %s: %w", workflowID, err)
			}
			if state.over {
				end := ending{totals: newTotals(workflowID)}
				end.err = connection.GetWorkflow(cmd.Context(), workflowID, runID).Get(cmd.Context(), end.totals)
				return s.showEnding(result, end)
			}
			result.Progress, result.Trouble, result.Waiting = &state.progress, state.trouble, state.waiting
			if err := result.lookWithin(cmd.Context(), connection); err != nil {
				return err
			}
			return s.show(&result)
		},
	}
}

// candidates are the workflows that a reference, or a workflow id, may stand for.
func candidates(name string) ([]string, error) {
	if strings.Contains(name, "/") {
		return []string{name}, nil
	}
	var ids []string
	for _, of := range reglementKinds() {
		id, err := vacation.NewID(of.kind, name)
		if err != nil {
			return nil, &InputError{
				What: err.Error(),
				Next: "give a settlement's reference, such as 00000120190725UEP, or a workflow id, such as vacation-creances/2026-11-23",
			}
		}
		ids = append(ids, id.String())
	}
	return ids, nil
}

// lastRun is the last run of a workflow, nil for one that is not known.
func (s server) lastRun(ctx context.Context, workflowID string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	description, err := s.DescribeWorkflowExecution(ctx, workflowID, "")
	if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
		return nil, nil //nolint:nilnil // no run, and no error
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", workflowID, err)
	}
	return description, nil
}

// firstKnown is the last run of the first of these workflows that is known.
func firstKnown(ctx context.Context, connection server, name string, ids []string) (
	string, *workflowservice.DescribeWorkflowExecutionResponse, error,
) {
	for _, id := range ids {
		description, err := connection.lastRun(ctx, id)
		if err != nil || description != nil {
			return id, description, err
		}
	}
	if len(ids) > 1 {
		return "", nil, &InputError{
			What: "no run of reference " + name + " is known",
			Next: "`starter run reglement-transactions` starts one, and its sisters for unpaids and transfers",
		}
	}
	return "", nil, &InputError{What: "no run of " + name + " is known", Next: "`starter run` and `starter day` start one"}
}
