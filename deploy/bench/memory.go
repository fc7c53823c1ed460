package main

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"google.golang.org/protobuf/proto"
)

const mebibyte = 1 << 20

// memory is P2, the worker's peak and the cost of a line at several sizes, and
// P4, what a large vacation leaves in Temporal's history.
func memory(ctx context.Context, stand *stand, options options, found *report) error {
	const small = 10 // times fewer lines
	costs := map[int]float64{}
	for _, lines := range []int{options.lines / small, options.lines, options.largest} {
		if lines == 0 {
			continue
		}
		var seconds, peaks []float64
		var last outcome
		runs := options.runs
		if lines == options.largest {
			runs = 1
		}
		for range runs {
			measured, peak, err := memoryOnce(ctx, stand, options, lines)
			if err != nil {
				return err
			}
			seconds, peaks, last = append(seconds, measured.seconds), append(peaks, peak), measured
		}
		costs[lines] = median(seconds) / float64(lines)
		what := fmt.Sprintf("%d lines", lines)
		found.add("P2", what+": file to end event", median(seconds), "s")
		if lines >= options.lines {
			found.atMost("P2", what+": worker's peak resident memory", median(peaks)/mebibyte, 256, "MiB")
		}
		if lines == options.lines {
			if err := history(ctx, stand, last, found); err != nil {
				return err
			}
		}
	}
	found.atMost("P2", "cost of a line, large file / one of a tenth", costs[options.lines]/costs[options.lines/small], 1.2, "")
	return nil
}

func memoryOnce(ctx context.Context, stand *stand, options options, lines int) (outcome, float64, error) {
	made, err := day(options.merchants, lines, 1)
	if err != nil {
		return outcome{}, 0, err
	}
	request, err := stand.file(made)
	if err != nil {
		return outcome{}, 0, err
	}
	database, err := stand.database(ctx)
	if err != nil {
		return outcome{}, 0, err
	}
	defer database.drop(ctx)
	if err := database.prepare(ctx, made); err != nil {
		return outcome{}, 0, err
	}
	worker, err := database.start(ctx)
	if err != nil {
		return outcome{}, 0, err
	}
	defer worker.stop()
	if err := database.checkpoint(ctx); err != nil {
		return outcome{}, 0, err
	}
	measured, err := database.settle(ctx, request)
	if err != nil {
		return outcome{}, 0, err
	}
	peak, err := worker.peak()
	return measured, peak, err
}

// history is P4.
func history(ctx context.Context, stand *stand, measured outcome, found *report) error {
	events, largest := 0, 0
	iterator := stand.server.GetWorkflowHistory(
		ctx, measured.run.GetID(), measured.run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iterator.HasNext() {
		event, err := iterator.Next()
		if err != nil {
			return fmt.Errorf("read history: %w", err)
		}
		events++
		largest = max(largest, proto.Size(event))
	}
	found.atMost("P4", "events in the large vacation's history", float64(events), 2000, "events")
	found.atMost("P4", "largest event of it, all payloads together", float64(largest)/1024, 16, "KiB")
	return nil
}
