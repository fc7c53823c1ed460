package postgres_test

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestMigrateTwiceAndTwoAtOnce(t *testing.T) {
	t.Parallel()
	address := pgtest.Empty(t)
	pool, err := postgres.Open(t.Context(), address)
	require.NoError(t, err)
	t.Cleanup(pool.Close)

	err = postgres.CheckVersion(t.Context(), pool)
	var version *postgres.VersionError
	require.ErrorAs(t, err, &version)
	require.Zero(t, version.Have)
	require.ErrorContains(t, err, "run `starter migrate`")

	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := postgres.Migrate(t.Context(), address, quiet()); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	both.Wait()
	require.NoError(t, postgres.CheckVersion(t.Context(), pool))
	state := pgtest.Dump(t, pool)
	require.NoError(t, postgres.Migrate(t.Context(), address, quiet()))
	require.NoError(t, postgres.CheckVersion(t.Context(), pool))
	pgtest.Same(t, state, pgtest.Dump(t, pool))

	_, err = pool.Exec(t.Context(), `insert into goose_db_version (version_id, is_applied) values (999999, true)`)
	require.NoError(t, err)
	err = postgres.CheckVersion(t.Context(), pool)
	require.ErrorAs(t, err, &version)
	require.EqualValues(t, 999_999, version.Have)
	require.ErrorContains(t, err, "run a newer binary")
}

func TestAddressesAreNeverRepeatedWithTheirPassword(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"postgres://reglo:hunter2@127.0.0.1:1/reglo?connect_timeout=1", "postgres://reglo:hunter2@127.0.0.1:port/reglo",
		"postgres://reglo:hunter2@[", "hunter2",
	} {
		_, err := postgres.Open(t.Context(), address)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
		err = postgres.Migrate(t.Context(), address, quiet())
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
