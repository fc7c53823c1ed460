// Package pgtest gives each test a migrated PostgreSQL database of its own: a
// copy of a template that is made once for each state of the migrations.
package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/schemas"
)

// URLVariable names the environment variable with the URL of a cluster on which
// tests may create databases.
const URLVariable = "REGLO_TEST_DATABASE_URL"

// templateLock serialises the making of templates between test processes.
const templateLock = 0x7265676c6f

var databases atomic.Int64 //nolint:gochecknoglobals // names must differ between all tests of a process

// New is a pool on a database of the test's own, dropped when the test ends.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), URL(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// URL is the address of a database of the test's own, for tests that start
// whole programs on it.
func URL(t testing.TB) string {
	t.Helper()
	base := os.Getenv(URLVariable)
	if base == "" {
		t.Fatalf("%s is not set: run the tests by `make test`, or source .dev/env after `make up`", URLVariable)
	}
	template := template(t, base)
	name := fmt.Sprintf("reglo_test_%d_%d", os.Getpid(), databases.Add(1))
	execute(t, base, "create database "+name+" template "+template)
	t.Cleanup(func() {
		execute(t, base, "drop database if exists "+name+" with (force)")
	})
	return onDatabase(t, base, name)
}

// Empty is the address of an empty database of the test's own: no migration ran on it.
func Empty(t testing.TB) string {
	t.Helper()
	base := os.Getenv(URLVariable)
	if base == "" {
		t.Fatalf("%s is not set: run the tests by `make test`, or source .dev/env after `make up`", URLVariable)
	}
	name := fmt.Sprintf("reglo_test_%d_%d", os.Getpid(), databases.Add(1))
	execute(t, base, "create database "+name)
	t.Cleanup(func() {
		execute(t, base, "drop database if exists "+name+" with (force)")
	})
	return onDatabase(t, base, name)
}

// template returns the name of a migrated database, named by the migrations' hash.
func template(t testing.TB, base string) string {
	t.Helper()
	ctx := context.Background()
	hash := sha256.New()
	err := fs.WalkDir(schemas.Migrations, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(schemas.Migrations, path)
		if err != nil {
			return fmt.Errorf("read migration: %w", err)
		}
		_, _ = fmt.Fprintf(hash, "%s %d\n%s", path, len(content), content) // a hash takes everything
		return nil
	})
	require.NoError(t, err)
	name := "reglo_template_" + hex.EncodeToString(hash.Sum(nil))[:12]

	conn, err := pgx.Connect(ctx, base)
	require.NoError(t, err, "PostgreSQL of %s does not answer: run the tests by `make test`", URLVariable)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "select pg_advisory_lock($1)", templateLock)
	require.NoError(t, err)

	var ready bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1 and datistemplate)", name).Scan(&ready)
	require.NoError(t, err)
	if ready {
		return name
	}
	for _, statement := range []string{"drop database if exists " + name + " with (force)", "create database " + name} {
		_, err = conn.Exec(ctx, statement)
		require.NoError(t, err)
	}
	err = postgres.Migrate(ctx, onDatabase(t, base, name), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	// Marked last: a template that was left half made is not taken for one.
	_, err = conn.Exec(ctx, "alter database "+name+" is_template true allow_connections false")
	require.NoError(t, err)
	return name
}

func execute(t testing.TB, base, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	require.NoError(t, err)
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	require.NoError(t, err, "%s", strings.SplitN(statement, " template ", 2)[0])
}

func onDatabase(t testing.TB, base, name string) string {
	t.Helper()
	address, err := url.Parse(base)
	require.NoError(t, err)
	address.Path = "/" + name
	return address.String()
}
