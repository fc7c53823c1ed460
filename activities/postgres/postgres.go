// Package postgres is how the engine's activities use PostgreSQL: the pool, the
// migrations, COPY for rows in bulk, the ledger's posting and the outbox of
// events. A caller opens the transaction; what is posted and what is emitted in
// it commit together or not at all.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/reglo/reglo/activities/postgres/internal/db"
	"github.com/reglo/reglo/schemas"
)

// Open connects a pool. The URL may carry pool settings (pool_max_conns, …).
// Errors never repeat the URL: it holds a password.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database URL is not one that PostgreSQL understands: want postgres://user:password@host:port/name")
	}
	patience(config.ConnConfig)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open pool on %s: %w", Address(config.ConnConfig), err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("PostgreSQL at %s does not answer: %w", Address(config.ConnConfig), err)
	}
	return pool, nil
}

// A worker whose machine lost its power, or that is frozen in the middle of a
// transaction, says nothing, and its locks would hold its successor up: two
// hours by the system's keepalive. Seconds, as PostgreSQL takes them.
const (
	keepaliveIdle     = "10"
	keepaliveInterval = "5"
	keepaliveCount    = "3"
	// idleInTransaction leaves room for reading the largest file between two
	// statements.
	idleInTransaction = "300s"
)

// patience bounds how long the server waits for this process, unless the URL
// says otherwise.
func patience(config *pgx.ConnConfig) {
	for name, value := range map[string]string{
		"tcp_keepalives_idle":                 keepaliveIdle,
		"tcp_keepalives_interval":             keepaliveInterval,
		"tcp_keepalives_count":                keepaliveCount,
		"idle_in_transaction_session_timeout": idleInTransaction,
	} {
		if _, said := config.RuntimeParams[name]; !said {
			config.RuntimeParams[name] = value
		}
	}
}

// Address is where a connection goes, fit for a message.
func Address(config *pgx.ConnConfig) string {
	return fmt.Sprintf("%s:%d/%s", config.Host, config.Port, config.Database)
}

// Migrate brings the database to the version that this binary embeds. It is
// safe to run from several processes at once.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("database URL is not one that PostgreSQL understands: want postgres://user:password@host:port/name")
	}
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()

	provider, err := migrations(db)
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", Address(config), err)
	}
	for _, result := range results {
		log.InfoContext(ctx, "migrated", "migration", result.Source.Path, "duration", result.Duration)
	}
	return nil
}

// VersionError is a database that is not at the version of this binary.
type VersionError struct {
	Have, Want int64
}

func (e *VersionError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("database is at schema version %d, this binary knows %d: run a newer binary", e.Have, e.Want)
	}
	return fmt.Sprintf("database is at schema version %d, this binary wants %d: run `starter migrate`", e.Have, e.Want)
}

// CheckVersion says whether the database is at the version of this binary; the
// error is a [*VersionError] when it is not.
func CheckVersion(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()

	provider, err := migrations(db)
	if err != nil {
		return err
	}
	var have int64
	// A database that was never migrated has no such table: version 0.
	const query = `select coalesce(max(version_id), 0) from goose_db_version where is_applied`
	err = pool.QueryRow(ctx, query).Scan(&have)
	if err != nil && !IsCode(err, undefinedTable) {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	sources := provider.ListSources()
	want := sources[len(sources)-1].Version
	if have != want {
		return &VersionError{Have: have, Want: want}
	}
	return nil
}

// migrationSeconds is how long another process is given to migrate the database.
const migrationSeconds = 600

func migrations(db *sql.DB) (*goose.Provider, error) {
	folder, err := fs.Sub(schemas.Migrations, schemas.MigrationsFolder)
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	// Whoever comes second looks again each second, for as long as the longest migration may take.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, migrationSeconds))
	if err != nil {
		return nil, fmt.Errorf("lock for migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("embedded migrations: %w", err)
	}
	return provider, nil
}

// Codes of PostgreSQL's errors that the engine tells apart.
const (
	// UniqueViolation is a second row under a unique key.
	UniqueViolation = "23505"
	// CheckViolation is a row that breaks a rule of its table.
	CheckViolation = "23514"

	undefinedTable = "42P01"
)

// IsCode tells whether err is PostgreSQL's error of that code.
func IsCode(err error, code string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == code
}

// Querier is what a read runs on: a pool, or the transaction whose snapshot it wants.
type Querier = db.DBTX
