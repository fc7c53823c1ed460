package workflows

import "go.temporal.io/sdk/workflow"

// The changes of workflows of which runs may be under way as a new version is
// put in their place. Each has a name, which stands in histories and never
// changes, and a predicate, which is false in what began before the change. A
// predicate goes when no run from before it can be there any more.

// changeERP has a vacation tell the ERP of what it has settled.
const changeERP = "erp-postings"

// tellsERP tells whether a run has the step that tells the ERP.
func tellsERP(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changeERP, workflow.DefaultVersion, 1) == 1
}

// changePayments has technique match card payments with the lines that settle
// them, and count what is late.
const changePayments = "card-payments"

// matchesPayments tells whether a run has the step that matches payments.
func matchesPayments(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, changePayments, workflow.DefaultVersion, 1) == 1
}
