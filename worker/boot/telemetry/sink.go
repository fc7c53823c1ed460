package telemetry

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reglo/reglo/activities/events"
)

const sinkLabel = "sink"

// Deliveries counts what the relay of this process delivers.
type Deliveries struct {
	delivered *prometheus.CounterVec
	failures  *prometheus.CounterVec
}

// NewDeliveries registers the counters.
func NewDeliveries(registry *prometheus.Registry) (*Deliveries, error) {
	d := &Deliveries{
		delivered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "relay_delivered_events_total",
			Help: "Events that a sink took from this process, some of them twice after a crash.",
		}, []string{sinkLabel}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "relay_failures_total",
			Help: "Pages of events that a sink did not take; they are tried again.",
		}, []string{sinkLabel}),
	}
	if err := errors.Join(registry.Register(d.delivered), registry.Register(d.failures)); err != nil {
		return nil, fmt.Errorf("register metrics of the relay: %w", err)
	}
	return d, nil
}

// Count makes a sink that counts what another one takes and refuses.
func (d *Deliveries) Count(sink events.Sink) events.Sink {
	return &countedSink{
		Sink:      sink,
		delivered: d.delivered.WithLabelValues(sink.Name()),
		failures:  d.failures.WithLabelValues(sink.Name()),
	}
}

type countedSink struct {
	events.Sink

	delivered, failures prometheus.Counter
}

func (s *countedSink) Deliver(ctx context.Context, page events.Page) error {
	if err := s.Sink.Deliver(ctx, page); err != nil {
		s.failures.Inc()
		return err
	}
	s.delivered.Add(float64(page.Count()))
	return nil
}
