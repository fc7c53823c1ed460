package activities

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
)

// The names under which the activities of reception are registered.
const (
	ReceiveFilesName = "receive-files"
	AskOutcomesName  = "ask-outcomes"
)

// ReceiveFilesRequest asks what partners have for us.
type ReceiveFilesRequest struct {
	// Date is the business day whose files are asked for by name. Attempts of later
	// days ask for those of theirs.
	Date calendar.Date `json:"date"`
}

// ReceiveFilesResult is what came in one call.
type ReceiveFilesResult struct {
	Received   int `json:"received"`   // files that are new, the ones below included
	Duplicates int `json:"duplicates"` // files that came before
	Held       int `json:"held"`       // files that wait for an operator: of no known format, or damaged
	// Awaiting are the ids of the runs that wait for files, and may look now.
	Awaiting []string `json:"awaiting,omitempty"`
}

// ReceiveFiles fetches what partners have for us and what their notices announce,
// keeps each file once, by its SHA-256, and puts it where its readers find it. A
// file of no known format, and one that is damaged, waits for an operator.
// A partner that does not answer is tried again by the retries of the activity.
func ReceiveFiles(ctx workflow.Context, request ReceiveFilesRequest) (ReceiveFilesResult, error) {
	return call[ReceiveFilesResult](dispatch(ctx), ReceiveFilesName, request)
}

// AskOutcomes asks the bank's channel what became of the bulks whose outcome
// nobody knows, whichever run handed them over, and returns how many are left.
// It never sends any of them.
func AskOutcomes(ctx workflow.Context) (int, error) {
	return call[int](dispatch(ctx), AskOutcomesName, nil)
}
