// Package wake has the workflows go on that work through what stands in the
// database: the one that runs looks once more, or a new one starts. What is to be
// done stands there before, so that a call that fails loses nothing.
package wake

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

// Reception has what partners have for us fetched.
func Reception(ctx context.Context, server Signaler, requestedBy string) (client.WorkflowRun, error) {
	return signal(ctx, server, workflows.ReceptionID, workflows.NoticeSignal, workflows.ReceptionName,
		workflows.ReceptionRequest{RequestedBy: requestedBy})
}

// Postings has the settlements of a dossier posted to the ERP.
func Postings(ctx context.Context, server Signaler, dossier string) (client.WorkflowRun, error) {
	return signal(ctx, server, workflows.PostingID(dossier), workflows.PostingSignal, workflows.PostingName,
		workflows.PostingRequest{Dossier: dossier})
}

// Payments has card payments looked after.
func Payments(ctx context.Context, server Signaler, requestedBy string) (client.WorkflowRun, error) {
	return signal(ctx, server, workflows.PaymentsID, workflows.NotificationSignal, workflows.PaymentsName,
		workflows.PaymentsRequest{RequestedBy: requestedBy})
}

func signal(ctx context.Context, server Signaler, id, signal, name string, request any) (client.WorkflowRun, error) {
	run, err := server.SignalWithStartWorkflow(
		ctx, id, signal, nil, client.StartWorkflowOptions{ID: id, TaskQueue: workflows.Queue}, name, request)
	if err != nil {
		return nil, fmt.Errorf("wake %s: %w", id, err)
	}
	return run, nil
}
