package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// failedDays is how long ago a run may have failed to be listed still: a long
// weekend with a day on either side of it.
const failedDays = 7

func newWaiting(s *session) *cobra.Command {
	var days int
	cmd := &cobra.Command{
		Use:   "waiting",
		Short: "List the runs that need an operator: those that wait for an answer, and those that failed",
		Long: `List the runs that need an operator: those that wait for an answer, and those
that failed, or that somebody aborted, cancelled or terminated, in the last days
and that no later run of the same id followed.
` + "`starter answer`" + ` answers them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if days < 0 {
				return &InputError{What: fmt.Sprintf("--days %d is below zero", days), Next: helpOf(cmd)}
			}
			connection, settings, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			list := &waitingList{Runs: []waitingRun{}}
			if err := list.addWaiting(cmd.Context(), connection); err != nil {
				return err
			}
			if err := list.addFailed(cmd.Context(), connection, s.now().AddDate(0, 0, -days)); err != nil {
				return err
			}
			for i := range list.Runs {
				list.Runs[i].UI = s.link(settings.Temporal.Namespace, list.Runs[i].WorkflowID, list.Runs[i].RunID)
			}
			return s.show(list)
		},
	}
	cmd.Flags().IntVar(&days, "days", failedDays, "how many days ago a run may have failed")
	return cmd
}

// waitingRun is a run that needs an operator.
type waitingRun struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
	UI         string `json:"ui"`
	// Waiting is what it waits for; of a run that failed, why it did, since when,
	// and that it can be retried.
	Waiting workflows.Waiting `json:"waiting"`
	Failure *failureDocument  `json:"failure,omitempty"`
}

// waitingList is the runs that need an operator, those that wait first.
type waitingList struct {
	Runs []waitingRun `json:"runs"`
}

func (l *waitingList) addWaiting(ctx context.Context, connection server) error {
	return l.add(ctx, connection, "")
}

// add adds the runs that wait and fit a further condition of the query.
func (l *waitingList) add(ctx context.Context, connection server, further string) error {
	silent := false
	return connection.eachRun(ctx, workflows.AttributeNeedsOperator+" = true AND ExecutionStatus = 'Running'"+further,
		func(info *workflow.WorkflowExecutionInfo) error {
			run := waitingRun{WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId()}
			run.Waiting = workflows.Waiting{What: "no worker says what it waits for"}
			if !silent {
				asking, cancel := context.WithTimeout(ctx, queryWithin)
				defer cancel()
				waits := waitingOf(asking, connection, run.WorkflowID, run.RunID)
				silent = asking.Err() != nil // where no worker runs, one run is enough to find out
				if waits == nil && !silent {
					return nil // answered since it was listed
				}
				if waits != nil {
					run.Waiting = *waits
				}
			}
			l.Runs = append(l.Runs, run)
			return nil
		})
}

// waitingWithin are the runs for which a day, or a technique, waits in turn:
// those of its business date that need an operator. It has none of its own for
// any other workflow.
func waitingWithin(ctx context.Context, connection server, workflowID string) ([]waitingRun, error) {
	parts := strings.Split(workflowID, "/")
	if parts[0] != workflows.DayName && parts[0] != workflows.TechniqueName {
		return nil, nil
	}
	date, err := calendar.ParseDate(parts[1])
	if err != nil {
		return nil, err
	}
	var list waitingList
	err = list.add(ctx, connection, fmt.Sprintf(" AND %s = '%s'", workflows.AttributeBusinessDate, date))
	return slices.DeleteFunc(list.Runs, func(run waitingRun) bool { return run.WorkflowID == workflowID }), err
}

// addFailed adds the runs that failed, or that somebody ended, since then and
// that were not followed.
func (l *waitingList) addFailed(ctx context.Context, connection server, since time.Time) error {
	query := fmt.Sprintf(
		"ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled') AND CloseTime > '%s' AND WorkflowType IN ('%s')",
		since.UTC().Format(time.RFC3339), strings.Join(workflows.Names(), "', '"))
	return connection.eachRun(ctx, query, func(info *workflow.WorkflowExecutionInfo) error {
		run := waitingRun{WorkflowID: info.GetExecution().GetWorkflowId(), RunID: info.GetExecution().GetRunId()}
		last, err := connection.DescribeWorkflowExecution(ctx, run.WorkflowID, "")
		if err != nil {
			return fmt.Errorf("look at %s: %w", run.WorkflowID, err)
		}
		if last.GetWorkflowExecutionInfo().GetExecution().GetRunId() != run.RunID {
			return nil
		}
		failure := activities.AsFailure(connection.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(ctx, nil))
		if failure.Code == vacation.Refused && strings.Contains(run.WorkflowID, "/"+string(workflows.PhaseDecisions)+"-") {
			return nil // who decided was told at once; to retry it is to be refused again
		}
		run.Failure = &failureDocument{Code: failure.Code, Step: failure.Step, Message: failure.Message}
		run.Waiting = workflows.Waiting{
			Stage: failure.Step, What: string(failure.Code) + ": " + failure.Message, Since: info.GetCloseTime().AsTime(),
		}
		if info.GetType().GetName() != workflows.TriggerName {
			run.Waiting.Answers = []string{workflows.RetryUpdate}
		}
		l.Runs = append(l.Runs, run)
		return nil
	})
}

// eachRun hands the runs that a query of Temporal's visibility finds to each.
func (s server) eachRun(ctx context.Context, query string, each func(*workflow.WorkflowExecutionInfo) error) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: query}
	for {
		page, err := s.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("list runs: %w", err)
		}
		for _, info := range page.GetExecutions() {
			if err := each(info); err != nil {
				return err
			}
		}
		request.NextPageToken = page.GetNextPageToken()
		if len(request.GetNextPageToken()) == 0 {
			return nil
		}
	}
}

// isFailed tells a run that ended otherwise than well, so that another may follow it.
func isFailed(status enums.WorkflowExecutionStatus) bool {
	switch status {
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED, enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT,
		enums.WORKFLOW_EXECUTION_STATUS_TERMINATED, enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		return true
	default:
		return false
	}
}

// waitingOf asks a run what it waits for: nil for nothing, or when no worker answers.
func waitingOf(ctx context.Context, connection server, workflowID, runID string) *workflows.Waiting {
	answer, err := connection.QueryWorkflow(ctx, workflowID, runID, workflows.WaitingQuery)
	if err != nil {
		return nil
	}
	var waits workflows.Waiting
	if answer.Get(&waits) != nil || waits.Stage == "" {
		return nil
	}
	return &waits
}

func (l *waitingList) writeText(t *text) {
	for i := range l.Runs {
		run := &l.Runs[i]
		t.linef("%s", run.WorkflowID)
		rows := waitingRows(run.Waiting)
		for _, row := range rows {
			row[0] = "  " + row[0]
		}
		t.rows(append(rows, []string{"  UI", run.UI}))
	}
	t.linef("%s an operator", map[bool]string{true: "1 run needs", false: number(len(l.Runs)) + " runs need"}[len(l.Runs) == 1])
}

// waitingRows are a wait, a line each.
func waitingRows(waits workflows.Waiting) [][]string {
	rows := [][]string{}
	for i, line := range strings.Split(strings.ReplaceAll(waits.What, "\n\n", "\n"), "\n") {
		rows = append(rows, []string{map[bool]string{true: "waits"}[i == 0], line})
	}
	if !waits.Since.IsZero() {
		rows = append(rows, []string{"since", instant(waits.Since)})
	}
	if !waits.Until.IsZero() {
		rows = append(rows, []string{"until", instant(waits.Until)})
	}
	if len(waits.Answers) > 0 {
		rows = append(rows, []string{"answers", strings.Join(waits.Answers, ", ")})
	}
	return rows
}

// waitingLine is a wait on one line, for who watches a run.
func waitingLine(workflowID string, waits workflows.Waiting) string {
	return workflowID + ": " + strings.Join(strings.Fields(waits.What), " ") + " (answers: " + strings.Join(waits.Answers, ", ") + ")"
}
