package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
)

func now() time.Time { return time.Date(2026, time.March, 17, 6, 30, 0, 123_000_000, time.UTC) }

func key(item int, input byte) postgres.Key {
	return postgres.Key{Scope: "vacation-technique/2026-03-17", Step: "post", Item: item, Input: [32]byte{input}}
}

// newRun is a running vacation of that key.
func newRun(t testing.TB, pool *pgxpool.Pool, name string) int32 {
	t.Helper()
	var number int32
	err := pool.QueryRow(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		values ('vacation-technique', $1, 1, $2::text::uuid, '2026-03-17', sha256('x'), $2::text, 'RUNNING', $3) returning number`,
		name, uuid.NewString(), now()).Scan(&number)
	require.NoError(t, err)
	return number
}

// within runs a function in a transaction that commits when it returns no error.
func within(t testing.TB, pool *pgxpool.Pool, do func(tx pgx.Tx) error) error {
	t.Helper()
	return pgx.BeginFunc(context.WithoutCancel(t.Context()), pool, do)
}

func number(t testing.TB, pool *pgxpool.Pool, query string, arguments ...any) int64 {
	t.Helper()
	var value int64
	require.NoError(t, pool.QueryRow(t.Context(), query, arguments...).Scan(&value))
	return value
}

// waiting returns when a connection of the database waits for a lock that another one holds.
func waiting(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	require.Eventually(t, func() bool {
		return number(t, pool, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`) > 0
	}, 10*time.Second, 5*time.Millisecond)
}
