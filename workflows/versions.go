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
