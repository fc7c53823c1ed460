package activities

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// ERPQueue is the task queue of the activities that call the ERP: neither the
// bank nor the ledger waits for it.
const ERPQueue = "reglo-erp"

// The names under which the activities of the ERP are registered.
const (
	PlanPostingsName   = "plan-erp-postings"
	PostSettlementName = "post-settlement"
	FindPostingName    = "find-posting"
)

// erpTimeout bounds one call of the ERP with its authentication, as the client
// gives up before.
const erpTimeout = 5 * time.Minute

// erp is for calls to the ERP.
func erp(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           ERPQueue,
		StartToCloseTimeout: erpTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retryPolicy(),
	})
}

// PlanPostingsResult is what is to be posted.
type PlanPostingsResult struct {
	Planned int `json:"planned"` // postings that this call has added
}

// PlanPostings makes a posting of each settlement that the ERP has to know of
// and that has none, whichever run it is of, and has them posted by a run of its
// own: the caller does not wait for the ERP. Without an ERP it does nothing.
func PlanPostings(ctx workflow.Context) (PlanPostingsResult, error) {
	return call[PlanPostingsResult](short(ctx), PlanPostingsName, nil)
}

// PostSettlementRequest asks for the next posting of a dossier.
type PostSettlementRequest struct {
	Dossier string `json:"dossier"`
	// After leaves out what has a lower number, and that one itself: a run has done
	// with them.
	After int `json:"after,omitempty"`
}

// PostSettlementResult is what became of one attempt.
type PostSettlementResult struct {
	// Number is the posting's, 0 when none is due.
	Number int `json:"number"`
	// Class is a divalto.Class: what the attempt came to.
	Class string `json:"class"`
}

// PostSettlement posts the next settlement that is due, in one attempt whose
// intent is committed before. One whose attempt broke off before its outcome was
// kept is UNKNOWN, and is not sent again; nor is one in doubt of which the ERP could
// not be asked, which comes again to be looked up.
func PostSettlement(ctx workflow.Context, request PostSettlementRequest) (PostSettlementResult, error) {
	return call[PostSettlementResult](erp(ctx), PostSettlementName, request)
}

// FindPostingRequest asks the ERP for what it has under a posting's label.
type FindPostingRequest struct {
	Number int `json:"number"`
}

// FindPostingResult is what is known of the posting then.
type FindPostingResult struct {
	Class string `json:"class"` // a divalto.Class
	// Due says that the ERP is sure not to have it and that it may be posted again.
	Due bool `json:"due"`
}

// FindPosting looks a posting up in the ERP by its label: one that it has is
// ACCEPTED. One of which the ERP cannot be asked stays as it is. It never posts.
func FindPosting(ctx workflow.Context, request FindPostingRequest) (FindPostingResult, error) {
	return call[FindPostingResult](erp(ctx), FindPostingName, request)
}
