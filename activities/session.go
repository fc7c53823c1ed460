package activities

import (
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// The names under which the activities of every vacation that is no règlement
// are registered.
const (
	OpenVacationName  = "open-vacation"
	CloseVacationName = "close-vacation"
)

// OpenVacationRequest opens a vacation that is no règlement.
type OpenVacationRequest struct {
	ID           vacation.ID   `json:"id"`
	WorkflowRun  string        `json:"workflowRun"`
	BusinessDate calendar.Date `json:"businessDate"`
	// Parameters is what the session was started with, in JSON: another one
	// under the same id is a conflict.
	Parameters json.RawMessage `json:"parameters"`
}

// OpenVacationResult is the run that was opened, or why none was.
type OpenVacationResult struct {
	Run Run `json:"run"`
	// Ended holds the totals of the run that ended this session before.
	Ended json.RawMessage `json:"ended,omitempty"`
	// HeldBy is the id of the vacation that must end first: créances and
	// financière never run together.
	HeldBy string `json:"heldBy,omitempty"`
}

// OpenVacation emits the start event of a vacation that is no règlement.
//
// Failures: ParametersConflict when the session ended with other parameters.
func OpenVacation(ctx workflow.Context, request OpenVacationRequest) (OpenVacationResult, error) {
	return call[OpenVacationResult](short(ctx), OpenVacationName, request)
}

// CloseVacationRequest ends a vacation well. Totals are kept with its end, and
// with the number of its events under "events".
type CloseVacationRequest struct {
	Run    Run             `json:"run"`
	Totals json.RawMessage `json:"totals"`
}

// CloseVacation proves the invariants, marks a settlement settled, and emits the
// end event, in one transaction. It returns how many events the run emitted.
//
// Failures: InvariantBroken.
func CloseVacation(ctx workflow.Context, request CloseVacationRequest) (int64, error) {
	return call[int64](short(ctx), CloseVacationName, request)
}
