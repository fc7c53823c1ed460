package health

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities/postgres"
)

// Database passes when PostgreSQL answers.
func Database(pool *pgxpool.Pool) Check {
	return Check{Name: "database", Probe: func(ctx context.Context) error {
		if err := pool.Ping(ctx); err != nil {
			return fmt.Errorf("PostgreSQL at %s does not answer: %w", postgres.Address(pool.Config().ConnConfig), err)
		}
		return nil
	}}
}

// Schema passes when the database is at the version of this binary.
func Schema(pool *pgxpool.Pool) Check {
	return Check{Name: "schema", Probe: func(ctx context.Context) error {
		return postgres.CheckVersion(ctx, pool)
	}}
}

// Temporal passes when the server answers that it serves.
func Temporal(server client.Client) Check {
	return Check{Name: "temporal", Probe: func(ctx context.Context) error {
		if _, err := server.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
			return fmt.Errorf("temporal server: %w", err)
		}
		return nil
	}}
}
