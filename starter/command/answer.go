package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// answerWithin bounds the wait for what becomes of an answer: a transaction or
// two, on a worker that may be busy. It is only heard when a worker runs.
const answerWithin = 30 * time.Second

// answerFlags are who answers, and why.
type answerFlags struct {
	actor, reason string
	timeout       time.Duration
}

func (f *answerFlags) add(cmd *cobra.Command) {
	addActor(cmd, &f.actor)
	cmd.Flags().StringVar(&f.reason, "reason", "", "why: it stands in the operators' journal")
	cmd.Flags().DurationVar(&f.timeout, "timeout", answerWithin, "give up waiting after this long; the same command again is one answer")
}

func newAnswer(s *session) *cobra.Command {
	var flags answerFlags
	var subjects []string
	cmd := &cobra.Command{
		Use:   "answer RUN " + strings.Join(workflows.Answers(), "|"),
		Short: "Answer a run that waits for an operator, or run one again that failed",
		Long: `Answer a run that waits for an operator: RUN is its workflow id, or a
settlement's reference. ` + "`starter waiting`" + ` lists the runs that wait, and which
answers fit. The same command again, in the same wait, is one answer.

  retry      look again now; of a run that failed: run it again with what it had
  skip       go on without what is waited for
  approve    let it pass; refuse: do not (orders by their refExterne: --subject)
  delivered  the bank has the bulk (--subject its name); resend: it does not
  abort      end the run with error

An answer that does not fit is refused with a sentence, exit code 2.`,
		Example: "  starter answer vacation-financiere/2026-11-23 approve --actor bruno --reason \"called the merchant\"",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(workflows.Answers(), args[1]) {
				return &InputError{
					What: "there is no answer \"" + args[1] + "\"", Next: "answer by one of: " + strings.Join(workflows.Answers(), ", "),
				}
			}
			actor, err := s.actor(flags.actor)
			if err != nil {
				return err
			}
			return s.answer(cmd, flags, args[0], args[1], workflows.AnswerRequest{Actor: actor, Reason: flags.reason, Subjects: subjects})
		},
	}
	flags.add(cmd)
	cmd.Flags().StringArrayVar(&subjects, "subject", nil,
		"what of the wait is answered, such as an order or a bulk; repeat it for several (default: all)")
	return cmd
}

func (s *session) answer(cmd *cobra.Command, flags answerFlags, name, act string, request workflows.AnswerRequest) error {
	ids, err := candidates(name)
	if err != nil {
		return err
	}
	connection, _, err := s.temporal(cmd)
	if err != nil {
		return err
	}
	workflowID, description, err := firstKnown(cmd.Context(), connection, name, ids)
	if err != nil {
		return err
	}
	info := description.GetWorkflowExecutionInfo()
	switch {
	case info.GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return s.answerWaiting(cmd.Context(), connection, flags, workflowID, info.GetExecution().GetRunId(), act, request)
	case act == workflows.RetryUpdate && isFailed(info.GetStatus()):
		return s.runAgain(cmd, connection, info, request)
	default:
		return &InputError{
			What: fmt.Sprintf("%s has ended (%s): there is nothing to %s", workflowID, info.GetStatus(), act),
			Next: "`starter waiting` lists the runs that need an operator",
		}
	}
}

// answerWaiting gives the answer to a run that is under way.
func (s *session) answerWaiting(
	ctx context.Context, connection server, flags answerFlags, workflowID, runID, act string, request workflows.AnswerRequest,
) error {
	asking, cancel := context.WithTimeout(ctx, queryWithin)
	defer cancel()
	// The wait is part of what is answered: the same answer to the next wait is another one.
	content := []any{runID, act, request, waitingOf(asking, connection, workflowID, runID)}
	sentence, err := connection.update(ctx, flags.timeout, started{workflowID: workflowID, runID: runID}, act, content, request)
	if err != nil {
		return err
	}
	return s.show(answered{WorkflowID: workflowID, RunID: runID, Answer: act, After: sentence})
}

// update has an Update taken, and returns what it says. Its id follows from the
// content: given twice, it is one.
func (s server) update(
	ctx context.Context, within time.Duration, execution started, name string, content, request any,
) (string, error) {
	workflowID, runID := execution.workflowID, execution.runID
	id, err := contentID(content)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	handle, err := s.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: workflowID, RunID: runID, UpdateName: name, UpdateID: id, Args: []any{request},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var sentence string
	if err == nil {
		err = handle.Get(ctx, &sentence)
	}
	if refused, is := errors.AsType[*temporal.ApplicationError](err); is {
		return "", &InputError{
			What: firstLine(refused.Message()), Next: "`starter waiting` says what each run waits for, and which answers fit",
		}
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "", fmt.Errorf("answer %s: no worker has taken it within %s: %w", workflowID, within, ctx.Err())
	}
	if err != nil {
		return "", fmt.Errorf("answer %s: %w", workflowID, err)
	}
	return sentence, nil
}

// contentID names what is asked for by what it says: the same has the same name.
func contentID(content any) (string, error) {
	encoded, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("write the answer: %w", err)
	}
	sum := sha256.Sum256(encoded)
	const enough = 16 // bytes: two answers never share a name
	return hex.EncodeToString(sum[:enough]), nil
}

// runAgain follows a run that failed by a new one with the same parameters, and
// writes so into the operators' journal first: an answer that was written down
// and not followed is given again by the same command.
func (s *session) runAgain(
	cmd *cobra.Command, connection server, info *workflowpb.WorkflowExecutionInfo, request workflows.AnswerRequest,
) error {
	failed := started{workflowID: info.GetExecution().GetWorkflowId(), runID: info.GetExecution().GetRunId()}
	if info.GetType().GetName() == workflows.TriggerName {
		return &InputError{
			What: failed.workflowID + " is a schedule's call, which is not repeated: it is for the day on which it was made",
			Next: "start what it was to start by `starter day` or `starter run`",
		}
	}
	var input json.RawMessage
	if err := inputOf(cmd.Context(), connection, failed, &input); err != nil {
		return err
	}
	failure := activities.AsFailure(connection.GetWorkflow(cmd.Context(), failed.workflowID, failed.runID).Get(cmd.Context(), nil))
	if err := s.record(cmd, failed, failure, request); err != nil {
		return err
	}
	run, err := connection.ExecuteWorkflow(cmd.Context(), onceUnlessFailed(failed.workflowID), info.GetType().GetName(), input)
	if exists, is := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err); is {
		return s.show(answered{
			WorkflowID: failed.workflowID, RunID: exists.RunId, Answer: workflows.RetryUpdate,
			After: failed.workflowID + " was run again meanwhile",
		})
	}
	if err != nil {
		return fmt.Errorf("run %s again: %w", failed.workflowID, err)
	}
	return s.show(answered{
		WorkflowID: failed.workflowID, RunID: run.GetRunID(), Answer: workflows.RetryUpdate,
		After: fmt.Sprintf("%s: run again by %s after %s", failed.workflowID, request.Actor, failure.Code),
	})
}

// record writes into the operators' journal that a run that failed is run again.
func (s *session) record(cmd *cobra.Command, failed started, failure *vacation.Failure, request workflows.AnswerRequest) error {
	pool, settings, err := s.database(cmd)
	if err != nil {
		return err
	}
	number, err := audit.RunNumber(cmd.Context(), pool, failed.runID)
	if err != nil {
		return err
	}
	id, err := contentID(request)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(cmd.Context(), pool, func(tx pgx.Tx) error {
		_, err := operator.Actors(settings.Operator.Actors).Record(cmd.Context(), tx, operator.Act{
			Vacation: number, Act: workflows.RetryUpdate, Subject: failed.workflowID,
			Before: string(failure.Code), After: workflows.RetryUpdate, At: s.now(),
			Answer: activities.Answer{ID: failed.runID + "/" + id, Actor: request.Actor, Reason: request.Reason},
		})
		return err
	})
	if refused, is := errors.AsType[*vacation.Failure](err); is {
		return &InputError{What: refused.Message, Next: "answer as one of those (--actor)"}
	}
	if err != nil {
		return fmt.Errorf("write the operators' journal: %w", err)
	}
	return nil
}

// answered is what an answer changed.
type answered struct {
	WorkflowID string `json:"workflowId"`
	RunID      string `json:"runId"`
	Answer     string `json:"answer"`
	After      string `json:"after"` // one sentence
}

func (d answered) writeText(t *text) { t.linef("%s", d.After) }
