package reception

import (
	"go.temporal.io/sdk/activity"

	"github.com/reglo/reglo/domain/calendar"
)

// Limit has the activities take no file beyond that many bytes.
func (a *Activities) Limit(bytes int64) { a.limit = bytes }

// BusinessDay is the day whose files an attempt asks for.
func BusinessDay(asked calendar.Date, attempt activity.Info) calendar.Date {
	return businessDay(asked, attempt)
}
