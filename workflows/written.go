package workflows

import (
	"encoding/json"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// written is a request or totals in JSON. What is written holds no map, so that
// it is the same at each replay: workflowcheck means the encoder's cache of types.
//
//workflowcheck:ignore
func written(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, activities.Final(vacation.Fail(vacation.Unexpected, "write %T: %s", value, err))
	}
	return text, nil
}

// earlier is what the session returned when it ended before.
//
//workflowcheck:ignore
func earlier[Totals any](ended json.RawMessage) (Totals, error) {
	var totals Totals
	if err := json.Unmarshal(ended, &totals); err != nil {
		return totals, activities.Final(vacation.Fail(vacation.Unexpected, "read the totals of the run that ended before: %s", err))
	}
	return totals, nil
}
