package days_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/days"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

var now = time.Date(2026, time.March, 17, 6, 30, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

func day(t *testing.T, text string) calendar.Date {
	t.Helper()
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return date
}

func newEnv(pool *pgxpool.Pool, at time.Time) *testsuite.TestActivityEnvironment {
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	days.New(pool, calendar.Target{}, func() time.Time { return at }).Register(env)
	return env
}

func request(t *testing.T, run, workflowRun, parameters string) activities.OpenDayRequest {
	t.Helper()
	return activities.OpenDayRequest{
		Date: day(t, "2026-03-17"), Run: run, WorkflowRun: workflowRun, Parameters: json.RawMessage(parameters),
	}
}

// row is the day as it stands in the table.
func row(t *testing.T, pool *pgxpool.Pool) (text string) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `
		select concat_ws(' ', date, workflow_run, to_char(started_at at time zone 'UTC', 'HH24:MI'), to_char(ended_at at time zone 'UTC', 'HH24:MI'),
		                 nullif(outcome, ''))
		from day where run = ''`).Scan(&text)
	require.NoError(t, err)
	return text
}

func TestADayHasOnePermanentRow(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var both sync.WaitGroup
	for range 3 {
		env := newEnv(pool, now)
		both.Go(func() {
			if _, err := env.ExecuteActivity(activities.OpenDayName, request(t, "", "w1", `{"a":1}`)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	require.Equal(t, "2026-03-17 w1 06:30", row(t, pool))
	env := newEnv(pool, now.Add(time.Hour))
	_, err := env.ExecuteActivity(activities.OpenDayName, request(t, "", "w2", `{"a":2}`))
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.ParametersConflict, failure.Code)
	require.Contains(t, failure.Message, "day 2026-03-17 was started on 2026-03-17 07:30:00 with other parameters")
	require.Equal(t, "2026-03-17 w1 06:30", row(t, pool))

	_, err = env.ExecuteActivity(activities.OpenDayName, request(t, "vacation-technique/2026-03-17/open", "w3", `{"a":2}`))
	require.NoError(t, err, "what a schedule starts by itself is not the day")

	closing := activities.CloseDayRequest{Date: day(t, "2026-03-17"), Outcome: "ENDED"}
	_, err = env.ExecuteActivity(activities.CloseDayName, closing)
	require.NoError(t, err)
	_, err = newEnv(pool, now.Add(2*time.Hour)).ExecuteActivity(activities.CloseDayName, closing)
	require.NoError(t, err)
	require.Equal(t, "2026-03-17 w1 06:30 07:30 ENDED", row(t, pool), "said again, it keeps the first hour")

	// Said late by a worker that was taken for dead, it opens nothing.
	_, err = env.ExecuteActivity(activities.OpenDayName, request(t, "", "w1", `{"a":1}`))
	require.NoError(t, err)
	require.Equal(t, "2026-03-17 w1 06:30 07:30 ENDED", row(t, pool))
	_, err = env.ExecuteActivity(activities.OpenDayName, request(t, "", "w4", `{"a":1}`))
	require.NoError(t, err)
	require.Equal(t, "2026-03-17 w4 06:30", row(t, pool), "adopted, it is under way again")

	_, err = env.ExecuteActivity(activities.CloseDayName, activities.CloseDayRequest{Date: day(t, "2026-03-18"), Outcome: "ENDED"})
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
}

func TestBusinessDaysAreThoseOfTheCalendar(t *testing.T) {
	t.Parallel()
	env := newEnv(nil, now)
	for date, want := range map[string]bool{"2026-03-17": true, "2026-04-03": false, "2026-03-21": false, "2026-07-14": true} {
		value, err := env.ExecuteActivity(activities.IsOpenDayName, day(t, date))
		require.NoError(t, err)
		var open bool
		require.NoError(t, value.Get(&open))
		require.Equal(t, want, open, date)
	}
}
