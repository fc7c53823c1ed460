// Package program is what the programs have in common that run until a signal:
// connections that wait for their servers at the start and are closed at the
// end, Temporal's metrics, and the log of how fx puts them together.
package program

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	schema "github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/postgres"
	"github.com/reglo/reglo/worker/boot/telemetry"
	"github.com/reglo/reglo/worker/boot/temporal"
)

// Patience is how long a start waits for PostgreSQL, and then for Temporal: a
// machine that starts all three at once has them up by then.
const Patience = 30 * time.Second

// Logger has fx say what it does at the level debug: who runs the app says what
// matters of an error, once.
func Logger(log *slog.Logger) fxevent.Logger { //nolint:ireturn // fx wants its interface
	logger := &fxevent.SlogLogger{Logger: log}
	logger.UseLogLevel(slog.LevelDebug)
	logger.UseErrorLevel(slog.LevelDebug)
	return logger
}

// OpenPool connects to a database of the right schema, by at most so many
// connections, until the program stops.
func OpenPool(ctx context.Context, lifecycle fx.Lifecycle, settings config.Config, connections int) (*pgxpool.Pool, error) {
	pool, err := postgres.Open(ctx, postgres.Options{
		Database: settings.Database, Connections: connections, Patience: Patience,
	})
	if err != nil {
		return nil, err
	}
	if err := schema.CheckVersion(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database.url: %w", err)
	}
	lifecycle.Append(fx.StopHook(func(ctx context.Context) error {
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			pool.Close()
		}()
		select {
		case <-closed:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("close the database's connections: %w", ctx.Err())
		}
	}))
	return pool, nil
}

// DialTemporal connects until the program stops, under a name that says which
// program and process it is.
func DialTemporal(
	ctx context.Context, lifecycle fx.Lifecycle, settings config.Config, program string, metrics client.MetricsHandler, log *slog.Logger,
) (client.Client, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("find this machine's name: %w", err)
	}
	server, err := temporal.Dial(ctx, temporal.Options{
		Server: settings.Temporal, Keys: settings.Payload.Keys, Log: log, Metrics: metrics,
		Identity: fmt.Sprintf("%s@%s:%d", program, host, os.Getpid()), Patience: Patience,
	})
	if err != nil {
		return nil, err
	}
	lifecycle.Append(fx.StopHook(server.Close))
	return server, nil
}

// CountTemporal has Temporal's SDK count into the registry until the program stops.
func CountTemporal(
	lifecycle fx.Lifecycle, registry *prometheus.Registry, log *slog.Logger,
) (client.MetricsHandler, error) {
	metrics, err := telemetry.NewTemporal(registry, log)
	if err != nil {
		return nil, err
	}
	lifecycle.Append(fx.StopHook(metrics.Close))
	return metrics.Handler, nil
}
