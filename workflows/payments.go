package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
)

const (
	// PaymentsID is the workflow id under which payments are looked after: one run
	// at a time.
	PaymentsID = PaymentsName
	// NotificationSignal has a run that looks after payments look once more. It
	// carries nothing: the notifications stand in the database.
	NotificationSignal = "notification"
)

// paymentsLooks bounds the looks of one run's history.
const paymentsLooks = 100

// PaymentsRequest has the payments looked after of which the gateway has told.
type PaymentsRequest struct {
	RequestedBy string `json:"requestedBy"`
}

// PaymentsTotals are what a run came to.
type PaymentsTotals struct {
	Matched int `json:"matched"`
	Planned int `json:"planned"` // postings to the ERP
}

// Payments matches the payments of which the gateway has told with the card lines
// that settle them, and has the ERP told of those that settle an invoice. A
// notification that comes meanwhile has it look once more.
func Payments(ctx workflow.Context, request PaymentsRequest) (PaymentsTotals, error) {
	var totals PaymentsTotals
	notifications := workflow.GetSignalChannel(ctx, NotificationSignal)
	for range paymentsLooks {
		for notifications.ReceiveAsync(nil) {
			continue // one look is for all that have come so far
		}
		matched, err := matchPayments(ctx)
		if err != nil {
			return totals, err
		}
		planned, err := activities.PlanPostings(ctx)
		if err != nil {
			return totals, err
		}
		totals.Matched += matched.Matched
		totals.Planned += planned.Planned
		if notifications.Len() == 0 {
			return totals, nil
		}
	}
	return totals, workflow.NewContinueAsNewError(ctx, PaymentsName, request) //nolint:wrapcheck // Temporal knows it by its type
}

// matchPayments matches all that there is, slice by slice.
func matchPayments(ctx workflow.Context) (activities.MatchPaymentsResult, error) {
	matched := 0
	result, err := repeat(func() (activities.MatchPaymentsResult, error) {
		result, err := activities.MatchPayments(ctx, activities.MatchPaymentsRequest{Date: calendar.DateOf(workflow.Now(ctx))})
		matched += result.Matched
		return result, err
	}, func(result activities.MatchPaymentsResult) bool { return !result.Left })
	result.Matched = matched
	return result, err
}
