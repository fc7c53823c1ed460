package activities

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
)

// MatchPaymentsName is the name under which the activity is registered.
const MatchPaymentsName = "match-payments"

// MatchPaymentsRequest has payments matched with the card lines that settle them.
type MatchPaymentsRequest struct {
	// Date is the business day from which what is unmatched counts as late.
	Date calendar.Date `json:"date"`
}

// MatchPaymentsResult is where payments stand. A payment or a line is late when
// it has been unmatched for longer than the settings allow.
type MatchPaymentsResult struct {
	Matched      int `json:"matched"`      // by this call
	LatePayments int `json:"latePayments"` // paid, and no line settles them
	LateLines    int `json:"lateLines"`    // settled, and nobody has told of the payment
	OpenForms    int `json:"openForms"`    // shown long ago, without a final status
	// Left says that there is more to match: the caller calls again.
	Left bool `json:"left,omitempty"`
}

// MatchPayments matches the payments that the gateway has told of with the lines
// of CRE files that settle them, by rules that leave no choice, and counts what
// is late on either side. Without shops it does nothing.
func MatchPayments(ctx workflow.Context, request MatchPaymentsRequest) (MatchPaymentsResult, error) {
	return call[MatchPaymentsResult](long(ctx), MatchPaymentsName, request)
}
