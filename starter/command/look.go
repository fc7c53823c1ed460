package command

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"

	"github.com/reglo/reglo/domain/vacation"
)

func newProgress(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "progress REFERENCE",
		Short: "Show how far the last run of a settlement has come, and its page in Temporal's UI",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := vacation.NewID(vacation.ReglementTransactions, args[0])
			if err != nil {
				return &InputError{What: err.Error(), Next: "give a settlement's reference, such as 00000120190725UEP"}
			}
			connection, settings, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			description, err := connection.DescribeWorkflowExecution(cmd.Context(), id.String(), "")
			if _, unknown := errors.AsType[*serviceerror.NotFound](err); unknown {
				return unknownReference(args[0])
			}
			if err != nil {
				return fmt.Errorf("look at %s: %w", id, err)
			}
			runID := description.GetWorkflowExecutionInfo().GetExecution().GetRunId()
			result := runDocument{
				Outcome: outcomeRunning, Reference: args[0], WorkflowID: id.String(), RunID: runID,
				UI: s.link(settings.Temporal.Namespace, id.String(), runID),
			}
			state, err := look(cmd.Context(), connection, result.WorkflowID, runID)
			if err != nil {
				return fmt.Errorf("look at %s: %w", id, err)
			}
			if state.over {
				var end ending
				end.err = connection.GetWorkflow(cmd.Context(), result.WorkflowID, runID).Get(cmd.Context(), &end.totals)
				return s.showEnding(result, end)
			}
			result.Progress, result.Trouble = &state.progress, state.trouble
			return s.show(result)
		},
	}
}

func unknownReference(reference string) error {
	return &InputError{
		What: "no run of reference " + reference + " is known",
		Next: "`starter run reglement-transactions` starts one",
	}
}
