package front

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/workflows"
)

// Signaler is the part of Temporal's client that starts what it signals.
type Signaler interface {
	SignalWithStartWorkflow(
		ctx context.Context, workflowID, signal string, argument any, options client.StartWorkflowOptions,
		workflow any, arguments ...any,
	) (client.WorkflowRun, error)
}

// Reception is the one that fetches what partners have for us.
type Reception struct {
	server Signaler
}

// NewReception makes the waker of the reception.
func NewReception(server Signaler) *Reception { return &Reception{server: server} }

// requestedByNotice says in Temporal who wanted a reception.
const requestedByNotice = "notice"

// Wake has the reception that runs look once more, or starts one.
func (r *Reception) Wake(ctx context.Context) error {
	_, err := r.server.SignalWithStartWorkflow(
		ctx, workflows.ReceptionID, workflows.NoticeSignal, nil,
		client.StartWorkflowOptions{ID: workflows.ReceptionID, TaskQueue: workflows.Queue},
		workflows.ReceptionName, workflows.ReceptionRequest{RequestedBy: requestedByNotice},
	)
	if err != nil {
		return fmt.Errorf("start the reception: %w", err)
	}
	return nil
}
