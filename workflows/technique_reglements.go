package workflows

import (
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// reglements are the règlements of one run of technique.
type reglements struct {
	known   map[string]bool // ids, each tried once
	running int
	ended   int
	failed  int
	// elsewhere are those that somebody else started.
	elsewhere []string
}

// runReglements starts a règlement for each bank line that needs one, waits for
// them, and looks again: a line may come with the file of another. Cancelling
// technique does not cancel them.
func (t *technique) runReglements(ctx workflow.Context) error {
	all := &reglements{known: make(map[string]bool)}
	for {
		if err := t.board.enter(ctx, vacation.StagePairing); err != nil {
			return err
		}
		lines, err := activities.PairLines(ctx, t.run)
		if err != nil {
			return err
		}
		started, err := t.startAll(ctx, all, lines)
		if err != nil || !started {
			return err
		}
		if err := t.awaitAll(ctx, all); err != nil {
			return err
		}
	}
}

// startAll starts the règlements of lines that are new, and tells whether there were any.
func (t *technique) startAll(ctx workflow.Context, all *reglements, lines []activities.Paired) (bool, error) {
	starting := 0
	some := false
	for _, line := range lines {
		id, err := vacation.NewID(vacation.Kind(line.Kind), line.Transaction.Reference)
		if err != nil || !id.Kind.IsReglement() {
			return false, activities.Final(vacation.Fail(vacation.Unexpected,
				"bank line %s is paired with %q, which is no règlement", line.Transaction.ID, line.Kind))
		}
		if all.known[id.String()] {
			continue
		}
		all.known[id.String()] = true
		some = true
		starting++
		child := startReglement(ctx, id, ReglementRequest{
			BusinessDate: t.request.BusinessDate, Transaction: line.Transaction, File: t.request.Inbox, CutOff: t.request.CutOff,
		})
		workflow.Go(ctx, func(ctx workflow.Context) {
			t.follow(ctx, all, id, child, func() { starting-- })
		})
	}
	// Each is started for certain before anything ends this run: a start that is under way would be lost with it.
	heardOut, _ := workflow.NewDisconnectedContext(ctx)
	err := workflow.Await(heardOut, func() bool { return starting == 0 })
	t.totals.Reglements = len(all.known)
	return some, err //nolint:wrapcheck // only a context that is never cancelled could fail it
}

// startReglement starts it under its own id, to live whatever becomes of this run.
func startReglement(ctx workflow.Context, id vacation.ID, request ReglementRequest) workflow.ChildWorkflowFuture {
	return workflow.ExecuteChildWorkflow(abandoned(ctx, id.String(), enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY),
		string(id.Kind), request)
}

// abandoned is the context of a child that lives on when this run ends or is cancelled.
func abandoned(ctx workflow.Context, id string, reuse enums.WorkflowIdReusePolicy) workflow.Context {
	apart, _ := workflow.NewDisconnectedContext(ctx)
	return workflow.WithChildOptions(apart, workflow.ChildWorkflowOptions{
		WorkflowID: id, WorkflowIDReusePolicy: reuse, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
}

// follow sees a règlement to its end.
func (t *technique) follow(
	ctx workflow.Context, all *reglements, id vacation.ID, child workflow.ChildWorkflowFuture, started func(),
) {
	apart, _ := workflow.NewDisconnectedContext(ctx)
	err := child.GetChildWorkflowExecution().Get(apart, nil)
	all.running++
	started()
	if err == nil {
		err = child.Get(apart, nil)
	}
	all.running--
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		all.elsewhere = append(all.elsewhere, id.String())
		return
	}
	all.ended++
	if err != nil {
		all.failed++
		t.log(ctx).Warn("règlement ended with error", "reglement", id.String(), "code", string(activities.AsFailure(err).Code))
	}
	t.board.tellf(ctx, "%d of %d règlements ended, %d with error", all.ended, len(all.known), all.failed)
}

// awaitAll waits until all règlements that are known have ended.
func (t *technique) awaitAll(ctx workflow.Context, all *reglements) error {
	if err := t.board.enter(ctx, vacation.StageReglements); err != nil {
		return err
	}
	if err := workflow.Await(ctx, func() bool { return all.running == 0 }); err != nil {
		return err //nolint:wrapcheck // a cancellation, told as such
	}
	if len(all.elsewhere) > 0 {
		failed, err := activities.AwaitReglements(ctx, activities.AwaitReglementsRequest{IDs: all.elsewhere})
		if err != nil {
			return err
		}
		all.failed += failed
		all.elsewhere = nil
	}
	t.totals.Failed = all.failed
	return nil
}
