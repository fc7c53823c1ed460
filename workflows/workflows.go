// Package workflows holds the vacations as the business tells them. A workflow
// knows the activities' contract and the domain, and nothing of how they are done.
package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Queue is the task queue of the workflows.
const Queue = "reglo-workflows"

// ReglementTransactionsName is the registered name of the workflow. It stands
// in histories and never changes.
const ReglementTransactionsName = "vacation-reglement-transactions"

// Register makes the workflows known to a worker.
func Register(registry worker.WorkflowRegistry) {
	registry.RegisterWorkflowWithOptions(ReglementTransactions, workflow.RegisterOptions{Name: ReglementTransactionsName})
}
