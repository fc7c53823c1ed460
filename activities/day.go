package activities

import (
	"encoding/json"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
)

// The names under which the activities of the day are registered.
const (
	OpenDayName   = "open-day"
	CloseDayName  = "close-day"
	IsOpenDayName = "is-business-day"
)

// OpenDayRequest makes the day's permanent row.
type OpenDayRequest struct {
	Date calendar.Date `json:"date"`
	// Run tells the day as a whole (empty) from single vacations that a
	// schedule starts (their workflow id).
	Run         string          `json:"run"`
	WorkflowRun string          `json:"workflowRun"`
	Parameters  json.RawMessage `json:"parameters"`
}

// OpenDay writes down that the day was started, and with what.
//
// Failures: ParametersConflict when it was started with other parameters.
func OpenDay(ctx workflow.Context, request OpenDayRequest) error {
	return workflow.ExecuteActivity(short(ctx), OpenDayName, request).Get(ctx, nil)
}

// CloseDayRequest ends a day.
type CloseDayRequest struct {
	Date    calendar.Date `json:"date"`
	Run     string        `json:"run"`
	Outcome string        `json:"outcome"` // one word a step, for the list of days
}

// CloseDay writes down how the day went.
func CloseDay(ctx workflow.Context, request CloseDayRequest) error {
	return workflow.ExecuteActivity(short(ctx), CloseDayName, request).Get(ctx, nil)
}

// IsBusinessDay asks the calendar that the workers are set to.
func IsBusinessDay(ctx workflow.Context, date calendar.Date) (bool, error) {
	return call[bool](short(ctx), IsOpenDayName, date)
}
