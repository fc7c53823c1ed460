package slice_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/slice"
	"github.com/reglo/reglo/domain/vacation"
)

var errChunk = errors.New("no such luck")

// play works through chunks with a clock that goes on by a second a look. It
// returns whether nothing is left, and how many chunks were committed.
func play(t *testing.T, lasts time.Duration, take func(chunk int) (bool, error)) (done bool, committed int, failure error) {
	t.Helper()
	pool := pgtest.New(t)
	run := activities.Run{ID: vacation.ID{Kind: vacation.Technique, Key: "2026-03-17/open"}, Number: 1}
	_, err := pool.Exec(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		values ($1, $2, 1, gen_random_uuid(), '2026-03-17', sha256('x'), 'w', 'RUNNING', now())`, run.ID.Kind, run.ID.Key)
	require.NoError(t, err)

	now := time.Date(2026, time.March, 17, 8, 0, 0, 123_456_789, time.UTC)
	worker := slice.Worker{Pool: pool, Time: lasts, Clock: func() time.Time {
		now = now.Add(time.Second)
		return now
	}}
	env := new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	env.RegisterActivityWithOptions(func(ctx context.Context) (bool, error) {
		chunk := 0
		return worker.Work(ctx, run, vacation.StagePosting, func(ctx context.Context, tx pgx.Tx, at time.Time) (bool, error) {
			require.Equal(t, at.Truncate(time.Millisecond), at)
			if _, err := tx.Exec(ctx, `update vacation set last_seq = last_seq + 1`); err != nil {
				return false, err
			}
			chunk++
			return take(chunk)
		})
	}, activity.RegisterOptions{Name: "work"})
	value, failure := env.ExecuteActivity("work")
	if failure == nil {
		require.NoError(t, value.Get(&done))
	}
	require.NoError(t, pool.QueryRow(t.Context(), `select last_seq from vacation`).Scan(&committed))
	return done, committed, failure
}

func TestChunksAreTakenUntilNothingIsLeft(t *testing.T) {
	t.Parallel()
	done, committed, err := play(t, time.Hour, func(chunk int) (bool, error) { return chunk == 3, nil })
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, 3, committed)
}

func TestASliceHandsBackInTime(t *testing.T) {
	t.Parallel()
	for lasts, chunks := range map[time.Duration]int{-time.Second: 1, 0: 1, 2 * time.Second: 1, 5 * time.Second: 3} {
		done, committed, err := play(t, lasts, func(int) (bool, error) { return false, nil })
		require.NoError(t, err)
		require.False(t, done)
		require.Equal(t, chunks, committed, lasts)
	}
}

func TestAChunkThatFailsLosesNoOther(t *testing.T) {
	t.Parallel()
	_, committed, err := play(t, time.Hour, func(chunk int) (bool, error) {
		if chunk == 3 {
			return false, errChunk
		}
		return false, nil
	})
	require.ErrorContains(t, err, "posting-lines of vacation-technique/2026-03-17/open: "+errChunk.Error())
	require.Equal(t, 2, committed)
}
