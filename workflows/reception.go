package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
)

const (
	// ReceptionID is the workflow id of the reception: one runs at a time, and the
	// next one when that has ended.
	ReceptionID = ReceptionName
	// NoticeSignal has a reception that runs look once more. It carries nothing:
	// what partners announce stands in the database.
	NoticeSignal = "notice"
	// ArrivalSignal has a vacation that waits for a file look now.
	ArrivalSignal = "arrival"
)

// receptionLooks bounds the looks of one run: what comes in that often is gone on
// with by a run of a fresh history.
const receptionLooks = 100

// ReceptionRequest has what partners have for us taken in.
type ReceptionRequest struct {
	RequestedBy string `json:"requestedBy"`
}

// ReceptionTotals are what a reception came to.
type ReceptionTotals struct {
	Received   int `json:"received"`
	Duplicates int `json:"duplicates"`
	Held       int `json:"held"` // of those received: they wait for an operator
	// UnknownBulks are those of which the bank's channel still cannot say what became.
	UnknownBulks int `json:"unknownBulks"`
}

// Reception fetches what partners have for us, and tells the vacations that wait
// for files to look. It asks what became of the bulks of unknown outcome too: a
// partner that announces something is there. A notice that comes meanwhile has
// it look once more, so that none is missed.
func Reception(ctx workflow.Context, request ReceptionRequest) (ReceptionTotals, error) {
	var totals ReceptionTotals
	notices := workflow.GetSignalChannel(ctx, NoticeSignal)
	for range receptionLooks {
		for notices.ReceiveAsync(nil) {
			continue // one look is for all that have come so far
		}
		if err := totals.look(ctx); err != nil {
			return totals, err
		}
		if notices.Len() == 0 {
			return totals, nil
		}
	}
	return totals, workflow.NewContinueAsNewError(ctx, ReceptionName, request) //nolint:wrapcheck // Temporal knows it by its type
}

// look takes in what there is now.
func (t *ReceptionTotals) look(ctx workflow.Context) error {
	var err error
	if t.UnknownBulks, err = activities.AskOutcomes(ctx); err != nil {
		return err
	}
	received, err := activities.ReceiveFiles(ctx, activities.ReceiveFilesRequest{Date: calendar.DateOf(workflow.Now(ctx))})
	if err != nil {
		return err
	}
	t.Received += received.Received
	t.Duplicates += received.Duplicates
	t.Held += received.Held
	for _, id := range received.Awaiting {
		if err := workflow.SignalExternalWorkflow(ctx, id, "", ArrivalSignal, nil).Get(ctx, nil); err != nil {
			// It has ended meanwhile, or looks by itself in a moment.
			workflow.GetLogger(ctx).Info("a vacation was not told that files came", "workflow", id, "error", err)
		}
	}
	return nil
}
