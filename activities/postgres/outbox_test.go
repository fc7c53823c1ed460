package postgres_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

func outbox() postgres.Outbox { return postgres.Outbox{Environment: 'I', Node: 3} }

func bodies(count int) []ogep.Body {
	list := make([]ogep.Body, count)
	for i := range list {
		list[i] = ogep.GetAccountBalance{AccountID: fmt.Sprintf("1A%08d", i), Balance: 1}
	}
	return list
}

func emit(t testing.TB, pool *pgxpool.Pool, from postgres.Outbox, emission postgres.Emission) error {
	t.Helper()
	return within(t, pool, func(tx pgx.Tx) error { return from.Emit(t.Context(), tx, emission) })
}

// uids are those of all events of the database, as the relay makes them.
func uids(t testing.TB, pool *pgxpool.Pool) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), `
		select b.environment::text, b.node, b.instant, v.correlation_id::text, s - b.first_seq
		from event_block b join vacation v on v.number = b.vacation, generate_series(b.first_seq, b.last_seq) s`)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var (
			environment string
			stamp       ogep.Stamp
		)
		err := row.Scan(&environment, &stamp.Node, &stamp.Instant, &stamp.CorrelationID, &stamp.Sequence)
		if err != nil {
			return "", err
		}
		stamp.Environment = environment[0]
		return stamp.UID(), nil
	})
	require.NoError(t, err)
	return list
}

func requireGapless(t testing.TB, pool *pgxpool.Pool, run int32, events int) {
	t.Helper()
	require.EqualValues(t, events, number(t, pool, `select last_seq from vacation where number = $1`, run))
	require.EqualValues(t, events, number(t, pool, `
		select count(distinct s) from event_block b, generate_series(b.first_seq, b.last_seq) s where b.vacation = $1`, run))
	require.EqualValues(t, events, number(t, pool, `
		select coalesce(sum(last_seq - first_seq + 1), 0) from event_block where vacation = $1`, run), "blocks do not overlap")
}

// TestEventsAreNumberedWithoutAGap while transactions of the same run emit at
// once and every third of them rolls back.
func TestEventsAreNumberedWithoutAGap(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	run := newRun(t, pool, "a")
	const writers, rounds = 4, 15
	var (
		all       sync.WaitGroup
		mutex     sync.Mutex
		committed int
	)
	for writer := range writers {
		all.Go(func() {
			for round := range rounds {
				count := 1 + (writer+round)%3
				err := within(t, pool, func(tx pgx.Tx) error {
					err := outbox().Emit(t.Context(), tx, postgres.Emission{Vacation: run, At: now(), Bodies: bodies(count)})
					if err == nil && round%3 == 2 {
						err = errTest
					}
					return err
				})
				switch {
				case err == nil:
					mutex.Lock()
					committed += count
					mutex.Unlock()
				case round%3 != 2:
					t.Errorf("emit: %v", err)
				}
			}
		})
	}
	all.Wait()
	require.Positive(t, committed)
	requireGapless(t, pool, run, committed)
	require.EqualValues(t, committed, number(t, pool, `select count(*) from event where vacation = $1`, run))
	list := uids(t, pool)
	slices.Sort(list)
	require.Len(t, slices.Compact(list), committed)
}

// TestUIDsAreUniqueWithinAMillisecond: two workers that were given the same node
// emit for several runs in the same millisecond.
func TestUIDsAreUniqueWithinAMillisecond(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	runs := []int32{newRun(t, pool, "a"), newRun(t, pool, "b"), newRun(t, pool, "c")}
	const rounds = 10
	var all sync.WaitGroup
	for _, run := range runs {
		all.Go(func() {
			for range rounds {
				at := now().Add(321 * time.Microsecond)
				if err := emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: at, Bodies: bodies(2)}); err != nil {
					t.Errorf("emit: %v", err)
				}
			}
		})
	}
	all.Wait()
	list := uids(t, pool)
	require.Len(t, list, len(runs)*rounds*2)
	slices.Sort(list)
	require.Len(t, slices.Compact(list), len(runs)*rounds*2)
	for _, run := range runs {
		requireGapless(t, pool, run, rounds*2)
	}
	// Another node has the millisecond for itself.
	other := postgres.Outbox{Environment: 'I', Node: 4}
	require.NoError(t, emit(t, pool, other, postgres.Emission{Vacation: runs[0], At: now(), Bodies: bodies(1)}))
	require.EqualValues(t, 1, number(t, pool, `select count(*) from event_block where node = 4 and instant = $1`, now()))
}

func TestAnEmissionIsTheRenderedThenTheBodies(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	run := newRun(t, pool, "a")
	require.NoError(t, emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now(), Bodies: bodies(1)}))
	err := within(t, pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, run, key(0, 1), now())
		if err != nil {
			return err
		}
		return outbox().Emit(t.Context(), tx, postgres.Emission{Vacation: run, At: now(), Batch: batch, Rendered: 5, Bodies: bodies(2)})
	})
	require.NoError(t, err)
	requireGapless(t, pool, run, 8)
	dump := pgtest.Dump(t, pool)
	require.Contains(t, dump, "rendered vacation-technique/a run 1 events 2 to 8 of which 5 from post 0\n")
	require.Contains(t, dump, "event vacation-technique/a run 1 7 get-account-balance ")
	require.NotContains(t, dump, "event vacation-technique/a run 1 6 ")

	require.NoError(t, emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now()}), "nothing to tell")
	requireGapless(t, pool, run, 8)
}

func TestEmissionsThatAreRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	run, over := newRun(t, pool, "a"), newRun(t, pool, "b")
	_, err := pool.Exec(t.Context(), `
		update vacation set state = 'ENDED_WITH_ERROR', ended_at = $2, failure_code = 'CANCELLED', failure_step = '', failure_message = ''
		where number = $1`, over, now())
	require.NoError(t, err)

	require.ErrorIs(t, emit(t, pool, outbox(), postgres.Emission{Vacation: over, At: now(), Bodies: bodies(1)}), postgres.ErrEnded)
	require.ErrorIs(t, emit(t, pool, outbox(), postgres.Emission{Vacation: 999_999, At: now(), Bodies: bodies(1)}), postgres.ErrEnded)
	require.ErrorContains(t, emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now(), Rendered: postgres.EmissionMax + 1}),
		"the limit is 1000000")
	err = emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now(), Bodies: []ogep.Body{ogep.End{Kind: "no-vacation"}}})
	require.Error(t, err, "a body that is not valid")
	require.ErrorContains(t, err, "event ")
	err = emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now(), Rendered: 1})
	require.True(t, postgres.IsCode(err, postgres.CheckViolation), "rendered from no batch: %v", err)
	err = emit(t, pool, postgres.Outbox{Environment: 'X', Node: 1}, postgres.Emission{Vacation: run, At: now(), Bodies: bodies(1)})
	require.True(t, postgres.IsCode(err, postgres.CheckViolation), "%v", err)
	requireGapless(t, pool, run, 0)
	requireGapless(t, pool, over, 0)
	require.NoError(t, emit(t, pool, outbox(), postgres.Emission{
		Vacation: run, At: now(), Bodies: []ogep.Body{ogep.End{Kind: vacation.Technique}},
	}))
	require.Contains(t, pgtest.Dump(t, pool), "event vacation-technique/a run 1 1 end-vacation-technique")
}

// TestNoMillisecondIsFree when a second of a node's milliseconds is taken.
func TestNoMillisecondIsFree(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	run, other := newRun(t, pool, "a"), newRun(t, pool, "b")
	_, err := pool.Exec(t.Context(), `
		insert into event_block (vacation, first_seq, last_seq, environment, node, instant)
		select $1, i, i + 0, 'I', 3, $2::timestamptz + (i - 1) * interval '1 millisecond' from generate_series(1, 1000) as i`, other, now())
	require.NoError(t, err)
	err = emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now(), Bodies: bodies(1)})
	require.ErrorContains(t, err, "give each worker a node of its own")
	require.NoError(t, emit(t, pool, outbox(), postgres.Emission{Vacation: run, At: now().Add(time.Millisecond), Bodies: bodies(1)}))
}
