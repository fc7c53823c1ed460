package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/fx"

	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/telemetry"
)

// relay delivers events to each sink until the worker stops.
func relay(
	lifecycle fx.Lifecycle, settings config.Config, pool *pgxpool.Pool, sinks []events.Sink,
	deliveries *telemetry.Deliveries, clock func() time.Time, log *slog.Logger,
) {
	if !settings.Relay.Enabled {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	lifecycle.Append(fx.Hook{
		OnStart: func(context.Context) error {
			options := events.Options{Poll: settings.Relay.PollInterval, Rate: settings.Relay.Rate}
			for _, sink := range sinks {
				one := events.NewRelay(pool, deliveries.Count(sink), options, clock, log)
				running.Go(func() {
					if err := one.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
						log.Error("relay of events ended", "sink", sink.Name(), "error", err)
					}
				})
			}
			return nil
		},
		OnStop: func(stop context.Context) error {
			cancel()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				running.Wait()
			}()
			select {
			case <-ended:
				return nil
			case <-stop.Done():
				return fmt.Errorf("stop the relay of events: %w", stop.Err())
			}
		},
	})
}
