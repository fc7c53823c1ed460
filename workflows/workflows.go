// Package workflows holds the vacations as the business tells them, the day that
// runs them one after the other, and what Temporal's clock calls. A workflow
// knows the activities' contract and the domain, and nothing of how they are done.
package workflows

import (
	"maps"
	"slices"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Queue is the task queue of the workflows.
const Queue = "reglo-workflows"

// The registered names of the workflows. They stand in histories and never change.
const (
	ReglementTransactionsName = "vacation-reglement-transactions"
	ReglementImpayesName      = "vacation-reglement-impayes"
	ReglementVirementsName    = "vacation-reglement-virements"
	CreancesName              = "vacation-creances"
	FinanciereName            = "vacation-financiere"
	TechniqueName             = "vacation-technique"
	DayName                   = "day"
	TriggerName               = "day-trigger"
	ReceptionName             = "reception"
	PostingName               = "erp-posting"
	PaymentsName              = "payments"
)

// all are the workflows by their names.
func all() map[string]any {
	return map[string]any{
		ReglementTransactionsName: ReglementTransactions,
		ReglementImpayesName:      ReglementImpayes,
		ReglementVirementsName:    ReglementVirements,
		CreancesName:              Creances,
		FinanciereName:            Financiere,
		TechniqueName:             Technique,
		DayName:                   Day,
		TriggerName:               Trigger,
		ReceptionName:             Reception,
		PostingName:               Posting,
		PaymentsName:              Payments,
	}
}

// Names lists the names of the workflows, in their alphabetical order.
func Names() []string { return slices.Sorted(maps.Keys(all())) }

// Register makes the workflows known to a worker.
func Register(registry worker.WorkflowRegistry) {
	for name, function := range all() {
		registry.RegisterWorkflowWithOptions(function, workflow.RegisterOptions{Name: name})
	}
}
