package session_test

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

var now = time.Date(2026, time.March, 17, 11, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// office is the activities on a database of their own.
type office struct {
	pool *pgxpool.Pool
}

func newOffice(t testing.TB) *office {
	t.Helper()
	return &office{pool: pgtest.New(t)}
}

// execute runs an activity in an environment of its own: one does not run several at once.
func (o *office) execute(name string, request any) (converter.EncodedValue, error) {
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	session.New(o.pool, postgres.Outbox{Environment: 'I', Node: 1}, func() time.Time { return now }).Register(env)
	return env.ExecuteActivity(name, request)
}

func (o *office) open(kind vacation.Kind, key, workflowRun, parameters string) (activities.OpenVacationResult, error) {
	var result activities.OpenVacationResult
	value, err := o.execute(activities.OpenVacationName, activities.OpenVacationRequest{
		ID: vacation.ID{Kind: kind, Key: key}, WorkflowRun: workflowRun, BusinessDate: calendar.DateOf(now),
		Parameters: json.RawMessage(parameters),
	})
	if err != nil {
		return result, err
	}
	err = value.Get(&result)
	return result, err
}

func (o *office) close(run activities.Run) (int64, error) {
	var count int64
	value, err := o.execute(activities.CloseVacationName,
		activities.CloseVacationRequest{Run: run, Totals: json.RawMessage(`{"n": 1}`)})
	if err != nil {
		return count, err
	}
	err = value.Get(&count)
	return count, err
}

func (o *office) fail(t testing.TB, run activities.Run) {
	t.Helper()
	_, err := o.execute(activities.FailVacationName, activities.FailVacationRequest{
		Run: run, Code: vacation.FileInvalid, Step: vacation.StageLoading, Message: "m",
	})
	require.NoError(t, err)
}

func (o *office) types(t testing.TB) []string {
	t.Helper()
	var types []string
	for _, event := range eventtest.Told(t, o.pool) {
		types = append(types, string(event.Type))
	}
	return types
}

func TestARunIsOpenedOnceAndEndsOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first, err := o.open(vacation.Technique, "2026-03-17/open", "w1", `{"a":1}`)
	require.NoError(t, err)
	again, err := o.open(vacation.Technique, "2026-03-17/open", "w1", `{"a":1}`)
	require.NoError(t, err)
	require.Equal(t, first, again)

	for range 2 {
		count, err := o.close(first.Run)
		require.NoError(t, err)
		require.Equal(t, int64(2), count)
	}
	o.fail(t, first.Run) // too late: what has ended stays
	require.Equal(t, []string{"start-vacation-technique", "end-vacation-technique"}, o.types(t))

	later, err := o.open(vacation.Technique, "2026-03-17/open", "w2", `{"a":1}`)
	require.NoError(t, err)
	require.JSONEq(t, `{"n": 1, "events": 2}`, string(later.Ended), "as the first start was told")
	_, err = o.open(vacation.Technique, "2026-03-17/open", "w2", `{"a":2}`)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.ParametersConflict, failure.Code)
	require.Contains(t, failure.Message, "vacation-technique/2026-03-17/open")
}

func TestAFailedRunIsFollowed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first, err := o.open(vacation.Creances, "2026-03-17", "w1", `{}`)
	require.NoError(t, err)
	o.fail(t, first.Run)
	o.fail(t, first.Run)
	second, err := o.open(vacation.Creances, "2026-03-17", "w2", `{}`)
	require.NoError(t, err)
	require.NotEqual(t, first.Run.CorrelationID, second.Run.CorrelationID)
	var follows string
	require.NoError(t, o.pool.QueryRow(t.Context(),
		`select follows::text from vacation where number = $1`, second.Run.Number).Scan(&follows))
	require.Equal(t, first.Run.CorrelationID, follows)
	require.Equal(t, []string{
		"start-vacation-creances", "end-with-error-vacation-creances", "start-vacation-creances",
	}, o.types(t))
}

func TestARunWhoseWorkflowVanishedIsClosedByTheNext(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, err := o.open(vacation.Technique, "2026-03-17/close", "w1", `{}`)
	require.NoError(t, err)
	_, err = o.open(vacation.Technique, "2026-03-17/close", "w2", `{}`)
	require.NoError(t, err)
	require.Equal(t, []string{
		"start-vacation-technique", "end-with-error-vacation-technique", "start-vacation-technique",
	}, o.types(t))
}

// TestCashMovesInOneVacationAtATime: créances and financière hold each other
// back, whichever comes first, even when they come at once.
func TestCashMovesInOneVacationAtATime(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	kinds := []vacation.Kind{vacation.Creances, vacation.Financiere}
	results, failures := make([]activities.OpenVacationResult, len(kinds)), make([]error, len(kinds))
	var both sync.WaitGroup
	for i, kind := range kinds {
		both.Go(func() { results[i], failures[i] = o.open(kind, "2026-03-17", "w"+string(kind), `{}`) })
	}
	both.Wait()
	require.NoError(t, errors.Join(failures...))
	first, held := 0, 1
	if results[0].HeldBy != "" {
		first, held = 1, 0
	}
	require.Empty(t, results[first].HeldBy)
	require.Equal(t, string(kinds[first])+"/2026-03-17", results[held].HeldBy)
	require.Zero(t, results[held].Run.Number, "nothing was started")

	_, err := o.open(vacation.Technique, "2026-03-17/open", "w3", `{}`)
	require.NoError(t, err, "others are not held back")

	_, err = o.close(results[first].Run)
	require.NoError(t, err)
	next, err := o.open(kinds[held], "2026-03-17", "w"+string(kinds[held]), `{}`)
	require.NoError(t, err)
	require.Empty(t, next.HeldBy)
}

func TestBooksThatDoNotProveAreNoEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	opened, err := o.open(vacation.Technique, "2026-03-17/close", "w1", `{}`)
	require.NoError(t, err)
	_, err = o.pool.Exec(t.Context(), `update account set credit_cents = 1 where code = 'PL.COM'`)
	require.NoError(t, err)
	_, err = o.close(opened.Run)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.InvariantBroken, failure.Code)
	require.Contains(t, failure.Message, "ZERO_SUM")
	require.Equal(t, []string{"start-vacation-technique"}, o.types(t))
}
