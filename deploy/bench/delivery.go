package main

import (
	"context"
	"fmt"
	"time"
)

// delivery is P5: events delivered to the NDJSON file while a vacation runs, and
// what that costs the vacation.
func delivery(ctx context.Context, stand *stand, options options, found *report) error {
	var alone, beside, during, whole []float64
	for range options.runs {
		without, err := deliverOnce(ctx, stand, options, false)
		if err != nil {
			return err
		}
		with, err := deliverOnce(ctx, stand, options, true)
		if err != nil {
			return err
		}
		alone, beside = append(alone, without.seconds), append(beside, with.seconds)
		during, whole = append(during, with.during), append(whole, with.whole)
	}
	slower := make([]float64, len(alone))
	for i := range alone {
		slower[i] = (beside[i]/alone[i] - 1) * 100
	}
	found.add("P5", "events delivered in order until the backlog is empty", median(whole), "events/s")
	found.atLeast("P5", "events delivered while the vacation runs, its loading included", median(during), 50_000, "events/s")
	found.atMost("P5", "the vacation is slower by", median(slower), 15, "%")
	return nil
}

type delivered struct {
	seconds float64 // of the vacation
	during  float64 // events a second, while it ran
	whole   float64 // events a second, from its start until the backlog was empty
}

func deliverOnce(ctx context.Context, stand *stand, options options, relay bool) (delivered, error) {
	made, err := day(options.merchants, options.lines, 1)
	if err != nil {
		return delivered{}, err
	}
	request, err := stand.file(made)
	if err != nil {
		return delivered{}, err
	}
	database, err := stand.database(ctx)
	if err != nil {
		return delivered{}, err
	}
	defer database.drop(ctx)
	if err := database.prepare(ctx, made); err != nil {
		return delivered{}, err
	}
	worker, err := database.start(ctx, fmt.Sprintf("REGLO_RELAY_ENABLED=%t", relay))
	if err != nil {
		return delivered{}, err
	}
	defer worker.stop()
	if err := database.checkpoint(ctx); err != nil {
		return delivered{}, err
	}
	began := time.Now()
	measured, err := database.settle(ctx, request)
	if err != nil || !relay {
		return delivered{seconds: measured.seconds}, err
	}
	result := delivered{seconds: measured.seconds}
	sent, err := database.deliveredEvents(ctx)
	if err != nil {
		return delivered{}, err
	}
	result.during = float64(sent) / time.Since(began).Seconds()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for sent < measured.totals.Events {
		select {
		case <-ctx.Done():
			return delivered{}, fmt.Errorf("wait for the relay: %w", ctx.Err())
		case <-ticker.C:
		}
		if sent, err = database.deliveredEvents(ctx); err != nil {
			return delivered{}, err
		}
	}
	result.whole = float64(sent) / time.Since(began).Seconds()
	return result, nil
}

func (d *database) deliveredEvents(ctx context.Context) (int64, error) {
	var sent int64
	err := d.pool.QueryRow(ctx, `select coalesce(max(delivered_seq), 0) from delivery`).Scan(&sent)
	if err != nil {
		return 0, fmt.Errorf("read the delivery: %w", err)
	}
	return sent, nil
}
