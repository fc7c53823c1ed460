// Package postgres connects to the database that the settings name.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/patience"
)

// tryTimeout bounds one try: a server that is up answers in milliseconds.
const tryTimeout = 5 * time.Second

// poolSize is pgx's own name for the most connections of a pool.
const poolSize = "pool_max_conns"

// Options says how to connect.
type Options struct {
	Database config.Database
	// Connections is the most connections that are opened, unless the URL says
	// otherwise (pool_max_conns).
	Connections int
	// Patience is how long to wait for a server that does not answer yet; zero
	// tries once.
	Patience time.Duration
}

// UnreachableError is a server that did not answer in time.
type UnreachableError struct {
	Err error
}

func (e *UnreachableError) Error() string { return "database.url: " + e.Err.Error() }

func (e *UnreachableError) Unwrap() error { return e.Err }

// Open connects a pool. It looks at no schema version.
//
// Errors: [*UnreachableError], or settings that the server refuses.
func Open(ctx context.Context, options Options) (*pgxpool.Pool, error) {
	address, err := address(options)
	if err != nil {
		return nil, err
	}
	var pool *pgxpool.Pool
	err = patience.Until(ctx, options.Patience, refused, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, tryTimeout)
		defer cancel()
		var err error
		pool, err = postgres.Open(ctx, address)
		return err
	})
	switch {
	case err == nil:
		return pool, nil
	case refused(err):
		return nil, fmt.Errorf("database.url: %w", err)
	default:
		return nil, &UnreachableError{Err: err}
	}
}

// address is the URL with the size of the pool.
func address(options Options) (string, error) {
	text := options.Database.URL.Reveal()
	if _, err := pgxpool.ParseConfig(text); err != nil {
		// The error would repeat parts of the URL.
		return "", errors.New("database.url: is not one that PostgreSQL understands: " +
			"want postgres://user:password@host:port/name?sslmode=…")
	}
	parsed, err := url.Parse(text)
	if err != nil {
		return "", errors.New("database.url: is not a URL")
	}
	query := parsed.Query()
	if options.Connections > 0 && !query.Has(poolSize) {
		query.Set(poolSize, strconv.Itoa(options.Connections))
		parsed.RawQuery = query.Encode()
	}
	return parsed.String(), nil
}

// refused tells an answer that waiting does not change: of the SQLSTATE classes,
// 28 is a wrong user or password and 3D a database that is not there.
func refused(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || len(answer.Code) < 2 {
		return false
	}
	class := answer.Code[:2]
	return class == "28" || class == "3D"
}
