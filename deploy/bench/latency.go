package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// latencyRuns are few enough to be quick and many enough for a median.
const latencyRuns = 30

// activitiesOfAVacation are what a vacation without a late file calls.
const activitiesOfAVacation = 7

// latency is P3: a vacation of ten lines beside a workflow that calls as many
// activities that do nothing.
func latency(ctx context.Context, stand *stand, options options, found *report) error {
	database, err := stand.database(ctx)
	if err != nil {
		return err
	}
	defer database.drop(ctx)
	made, err := day(options.merchants, 0, 1)
	if err != nil {
		return err
	}
	if err := database.prepare(ctx, made); err != nil {
		return err
	}
	process, err := database.start(ctx)
	if err != nil {
		return err
	}
	defer process.stop()
	empty, stop, err := emptyWorker(stand.server)
	if err != nil {
		return err
	}
	defer stop()

	var ours, nothing []float64
	const lines = 10
	for sequence := range latencyRuns {
		made, err := day(options.merchants, lines, sequence+1)
		if err != nil {
			return err
		}
		request, err := stand.file(made)
		if err != nil {
			return err
		}
		measured, err := database.settle(ctx, request)
		if err != nil {
			return err
		}
		ours = append(ours, measured.whole)
		seconds, err := empty(ctx)
		if err != nil {
			return err
		}
		nothing = append(nothing, seconds)
	}
	const milliseconds = 1000
	found.add("P3", "a vacation of ten lines", median(ours)*milliseconds, "ms")
	found.add("P3", "a workflow of as many activities that do nothing", median(nothing)*milliseconds, "ms")
	found.atMost("P3", "ours / nothing", median(ours)/median(nothing), 1.5, "")
	return nil
}

// emptyWorker polls for a workflow of activities that do nothing, on two task
// queues as the engine does, and returns what runs one of it.
func emptyWorker(server client.Client) (once func(context.Context) (float64, error), stop func(), err error) {
	suffix := strconv.Itoa(os.Getpid())
	workflowQueue, activityQueue := "bench-workflows-"+suffix, "bench-data-"+suffix
	workflows := worker.New(server, workflowQueue, worker.Options{LocalActivityWorkerOnly: true})
	activities := worker.New(server, activityQueue, worker.Options{DisableWorkflowWorker: true})
	workflows.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: activityQueue, StartToCloseTimeout: time.Minute,
		})
		for range activitiesOfAVacation {
			if err := workflow.ExecuteActivity(ctx, "nothing").Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	}, workflow.RegisterOptions{Name: "empty"})
	activities.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: "nothing"})
	if err := workflows.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the empty worker: %w", err)
	}
	if err := activities.Start(); err != nil {
		workflows.Stop()
		return nil, nil, fmt.Errorf("start the empty worker: %w", err)
	}
	stop = func() {
		activities.Stop()
		workflows.Stop()
	}
	count := 0
	once = func(ctx context.Context) (float64, error) {
		count++
		began := time.Now()
		run, err := server.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: fmt.Sprintf("bench-empty-%s-%d", suffix, count), TaskQueue: workflowQueue,
		}, "empty")
		if err != nil {
			return 0, fmt.Errorf("start the empty workflow: %w", err)
		}
		if err := run.Get(ctx, nil); err != nil {
			return 0, fmt.Errorf("run the empty workflow: %w", err)
		}
		return time.Since(began).Seconds(), nil
	}
	return once, stop, nil
}
