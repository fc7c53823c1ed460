package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

func execute(statement string) func(context.Context, *pgxpool.Conn) error {
	return func(ctx context.Context, conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, statement)
		return err
	}
}

// However a turn ends, or never begins, the next one can be taken, by any
// connection of the pool.
func TestATurnIsNeverKept(t *testing.T) {
	t.Parallel()
	const take, release = `select pg_advisory_lock(7)`, `select pg_advisory_unlock(7)`
	lost := errors.New("the answer was lost")
	pool := pgtest.New(t)
	held := func() int64 {
		return number(t, pool, `select count(*) from pg_locks where locktype = 'advisory' and objid = 7
			and database = (select oid from pg_database where datname = current_database())`)
	}
	requireFree := func(why string) {
		t.Helper()
		// A session that was closed ends in its own time.
		require.Eventually(t, func() bool { return held() == 0 && pool.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond, why)
	}

	turn, err := postgres.TakeTurn(t.Context(), pool, execute(take), execute(release))
	require.NoError(t, err)
	require.EqualValues(t, 1, held())
	ended, end := context.WithCancel(t.Context())
	end()
	turn.End(ended)
	requireFree("it ended, and so had the context")

	_, err = postgres.TakeTurn(t.Context(), pool, func(ctx context.Context, conn *pgxpool.Conn) error {
		return errors.Join(execute(take)(ctx, conn), lost)
	}, execute(release))
	require.ErrorIs(t, err, lost)
	requireFree("it was granted, and nobody heard of it")

	turn, err = postgres.TakeTurn(t.Context(), pool, execute(take), func(context.Context, *pgxpool.Conn) error { return lost })
	require.NoError(t, err)
	turn.End(t.Context())
	requireFree("it could not be released")
}
