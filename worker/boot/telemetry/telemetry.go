// Package telemetry counts: Temporal's SDK, the Go runtime, the relay, and the
// business figures that are read from the database when they are asked for.
// They are Prometheus metrics, in one registry. No label identifies a merchant
// or a file.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// namespace begins the name of every metric of the engine's own.
const namespace = "reglo"

// temporalMeter is the name under which the SDK's metrics are gathered.
const temporalMeter = "temporal-sdk-go"

// latencyBuckets, in seconds, reach from a local answer to a long poll of a
// minute and an activity of hours.
//
//nolint:gochecknoglobals // a constant, if Go had constant slices
var latencyBuckets = []float64{
	.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200,
}

// NewRegistry makes a registry that holds the metrics of the process and of Go.
func NewRegistry() (*prometheus.Registry, error) {
	registry := prometheus.NewRegistry()
	err := errors.Join(
		registry.Register(collectors.NewGoCollector()),
		registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
		registry.Register(collectors.NewBuildInfoCollector()),
	)
	if err != nil {
		return nil, fmt.Errorf("register metrics of the process: %w", err)
	}
	return registry, nil
}

// Handler answers a scrape. What cannot be read at the moment is left out.
func Handler(registry *prometheus.Registry, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      registry,
	})
}

// Temporal holds the metrics of Temporal's SDK.
type Temporal struct {
	// Handler is for the client's options.
	Handler  client.MetricsHandler
	provider *metric.MeterProvider
}

// NewTemporal makes the SDK count into the registry.
func NewTemporal(registry *prometheus.Registry, log *slog.Logger) (*Temporal, error) {
	exporter, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes),
		otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("register metrics of Temporal's SDK: %w", err)
	}
	provider := metric.NewMeterProvider(
		metric.WithReader(exporter),
		metric.WithView(metric.NewView(
			metric.Instrument{Kind: metric.InstrumentKindHistogram},
			metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: latencyBuckets}},
		)),
	)
	return &Temporal{
		provider: provider,
		Handler: opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
			Meter:                provider.Meter(temporalMeter),
			UseMonotonicCounters: true,
			OnError:              func(err error) { log.Warn("a metric of Temporal's SDK is not counted", "error", err) },
		}),
	}, nil
}

// Close stops counting.
func (t *Temporal) Close(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop the metrics of Temporal's SDK: %w", err)
	}
	return nil
}
