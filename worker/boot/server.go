package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"
	"go.uber.org/fx"

	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/health"
	"github.com/reglo/reglo/worker/boot/telemetry"
)

// Limits of a request: probes and scrapes are small and quick, and nobody else
// may keep a connection.
const (
	readLimit     = 5 * time.Second
	writeLimit    = 20 * time.Second
	idleLimit     = 2 * time.Minute
	maxHeaderByte = 16 << 10
)

// serve answers /livez, /readyz and /metrics.
func serve(
	lifecycle fx.Lifecycle, settings config.Config, pool *pgxpool.Pool, server client.Client, pollers *pollers,
	registry *prometheus.Registry, shutdown fx.Shutdowner, log *slog.Logger,
) {
	answers := &http.Server{
		Handler: health.Handler([]health.Check{
			health.Database(pool), health.Schema(pool), health.Temporal(server), pollers.check(),
		}, telemetry.Handler(registry, log)),
		ReadTimeout: readLimit, ReadHeaderTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
		MaxHeaderBytes: maxHeaderByte,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	lifecycle.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.HTTP.Address)
			if err != nil {
				return fmt.Errorf("http.address: %w; set REGLO_HTTP_ADDRESS to an address that is free", err)
			}
			log.InfoContext(ctx, "worker answers /livez, /readyz and /metrics", "address", listener.Addr().String())
			go func() {
				if err := answers.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
					log.ErrorContext(context.WithoutCancel(ctx), "worker no longer answers operators", "error", err)
					_ = shutdown.Shutdown(fx.ExitCode(exitFailed)) // it fails only when the app is not running
				}
			}()
			return nil
		},
		OnStop: answers.Shutdown,
	})
}
