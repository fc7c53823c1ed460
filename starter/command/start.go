package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/workflows"
)

// waitFlags say whether a command waits for the end of what it starts.
type waitFlags struct {
	wait    bool
	timeout time.Duration
}

func (f *waitFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.wait, "wait", false, "wait until the run ends, and show its progress")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 0,
		"with --wait: give up waiting after this long, such as 30s (the run goes on; exit code 1, or 3 when it waits)")
}

func (f *waitFlags) check(cmd *cobra.Command) error {
	switch {
	case f.timeout < 0:
		return &InputError{What: "--timeout " + f.timeout.String() + " is below zero", Next: helpOf(cmd)}
	case f.timeout > 0 && !f.wait:
		return &InputError{What: "--timeout goes with --wait", Next: helpOf(cmd)}
	default:
		return nil
	}
}

// launch is a workflow that a command starts. One of an id runs at a time, and
// once one has ended well it is not started again.
type launch struct {
	id       string // of the workflow
	workflow string // registered name
	request  any
	// reference is a règlement's, by which an operator finds it; empty for others.
	reference string
	// payline is a Payline file that must be there, empty for none. takenBy are
	// the workflow ids of whatever may have taken it in, and away, before.
	payline string
	takenBy []string
	// differs says in what the run that is there was started with something else,
	// empty when it was not; nil compares the requests.
	differs func(ctx context.Context, connection server, there started) (string, error)
}

// named is how messages call it.
func (l *launch) named() string {
	if l.reference != "" {
		return "reference " + l.reference
	}
	return l.id
}

// launch starts a workflow, or finds the one that is there, and waits for its
// end where that is asked for.
func (s *session) launch(cmd *cobra.Command, flags waitFlags, l launch) error {
	connection, settings, err := s.temporal(cmd)
	if err != nil {
		return err
	}
	if err := l.checkPayline(cmd.Context(), connection); err != nil {
		return err
	}
	there, err := start(cmd.Context(), connection, &l)
	if err != nil {
		return err
	}
	result := runDocument{
		Outcome: there.outcome(&l), Reference: l.reference, WorkflowID: there.workflowID, RunID: there.runID,
		UI: s.link(settings.Temporal.Namespace, there.workflowID, there.runID),
	}
	if !flags.wait && !there.over {
		return s.show(&result)
	}
	return s.wait(cmd.Context(), connection, waiting{
		result: result, timeout: flags.timeout, again: cmd.CommandPath() + " --wait with the same parameters",
	})
}

// checkPayline refuses a Payline file that is not there, unless a run is: one
// that took the file in has moved it to the archive.
func (l *launch) checkPayline(ctx context.Context, connection server) error {
	if l.payline == "" {
		return nil
	}
	if _, err := os.Stat(l.payline); !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong with it, the workers see
	}
	for _, id := range l.takenBy {
		description, err := connection.lastRun(ctx, id)
		if err != nil || description != nil {
			return err
		}
	}
	return &InputError{
		What: "--payline " + l.payline + ": no such file or folder",
		Next: "correct the path, name the folder that the file will come to, or have it waited for by --await-payline",
	}
}

// started is a run that was started, or that was there before.
type started struct {
	workflowID, runID string
	before, over      bool
}

func (s started) outcome(l *launch) runOutcome {
	switch {
	case s.over && l.reference != "":
		return outcomeSettled
	case s.over:
		return outcomeBefore
	case s.before:
		return outcomeRunning
	default:
		return outcomeStarted
	}
}

// start starts the run, or finds the one that is under way or that ended well.
// A failed one is followed by a new run.
func start(ctx context.Context, connection server, l *launch) (started, error) {
	run, err := connection.ExecuteWorkflow(ctx, onceUnlessFailed(l.id), l.workflow, l.request)
	if err == nil {
		return started{workflowID: run.GetID(), runID: run.GetRunID()}, nil
	}
	exists, is := errors.AsType[*serviceerror.WorkflowExecutionAlreadyStarted](err)
	if !is {
		return started{}, fmt.Errorf("start %s: %w", l.id, err)
	}
	return adopt(ctx, connection, l, exists.RunId)
}

// onceUnlessFailed starts a workflow of that id unless one is under way or has
// ended well. A run that is there is used all the same; as an error it is told
// from one that was started now.
func onceUnlessFailed(id string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.Queue,
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}
}

// adopt takes the run that is there for this one's, when it has the same parameters.
func adopt(ctx context.Context, connection server, l *launch, runID string) (started, error) {
	there := started{workflowID: l.id, runID: runID, before: true}
	description, err := connection.DescribeWorkflowExecution(ctx, l.id, runID)
	if err != nil {
		return started{}, fmt.Errorf("look at %s: %w", l.id, err)
	}
	there.over = description.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	differs := l.differs
	if differs == nil {
		differs = func(ctx context.Context, connection server, there started) (string, error) {
			return otherRequest(ctx, connection, there, l.request)
		}
	}
	why, err := differs(ctx, connection, there)
	if err != nil {
		return started{}, err
	}
	if why != "" {
		return started{}, conflict(l, why)
	}
	return there, nil
}

// conflict refuses to take a run for this one's that was started with something else.
func conflict(l *launch, why string) error {
	next := "nothing was started; look at it by `starter progress " + l.id +
		"`; of a vacation, --run names a further run of the day"
	if l.reference != "" {
		next = "nothing was started; look at it by `starter summary " + l.reference +
			"`, and ask the bank or the file's sender which one holds"
	}
	return &InputError{What: "conflict: " + l.named() + " " + why, Next: next}
}

// inputOf is what a run was started with.
func inputOf(ctx context.Context, connection server, there started, into any) error {
	history := connection.GetWorkflowHistory(ctx, there.workflowID, there.runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	if err != nil {
		return fmt.Errorf("read the parameters of %s: %w", there.workflowID, err)
	}
	if err := connection.decode(first.GetWorkflowExecutionStartedEventAttributes().GetInput(), into); err != nil {
		return fmt.Errorf("read the parameters of %s: %w", there.workflowID, err)
	}
	return nil
}

// notCompared are the members of a request in which two that ask for the same
// may differ: who asks, and until when what is waited for.
func notCompared() []string { return []string{"requestedBy", "cutOff", "awaitPayline"} }

// otherRequest names the first member in which the request that a run was
// started with differs from this one.
func otherRequest(ctx context.Context, connection server, there started, request any) (string, error) {
	var have map[string]json.RawMessage
	if err := inputOf(ctx, connection, there, &have); err != nil {
		return "", err
	}
	encoded, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("write the parameters of %s: %w", there.workflowID, err)
	}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &want); err != nil {
		return "", fmt.Errorf("compare the parameters of %s: %w", there.workflowID, err)
	}
	members := maps.Clone(have)
	maps.Copy(members, want)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if slices.Contains(notCompared(), name) || string(have[name]) == string(want[name]) {
			continue
		}
		return fmt.Sprintf("is there with other parameters: %s is %s, this one says %s",
			name, shownMember(have[name]), shownMember(want[name])), nil
	}
	return "", nil
}

func shownMember(member json.RawMessage) string {
	if len(member) == 0 {
		return "not given"
	}
	return string(member)
}
