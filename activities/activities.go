// Package activities is the contract between the workflows and what they have
// done: names, requests, results, and how long and how often each is tried. An
// implementation registers itself under these names; a workflow calls the typed
// functions and knows no implementation.
//
// Nothing of a file's lines passes through here, only references, hashes,
// counts and totals: what passes is kept in Temporal's histories.
package activities

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/vacation"
)

// DataQueue is the task queue of the activities that read files and write to
// PostgreSQL.
const DataQueue = "reglo-data"

// DispatchQueue is the task queue of the activities that call partners: a slow
// partner must not keep the ledger's activities waiting.
const DispatchQueue = "reglo-dispatch"

// Retries. The database or the disk being away is nothing that the engine gives
// up on: it tries until it is back, and the operator sees the pending activity
// and its last error. What trying again cannot mend is a typed, final failure.
const (
	retryFirst = 200 * time.Millisecond
	retryMax   = 10 * time.Second
	retryRate  = 2
)

// Timeouts. A worker that dies says nothing: the timeout is how soon another
// one takes over.
const (
	// shortTimeout is for one transaction of a handful of rows.
	shortTimeout = 20 * time.Second
	// longTimeout bounds the reading of one file, or one chunk of one CP that has
	// millions of lines; heartbeatTimeout is what notices a dead worker.
	longTimeout      = 2 * time.Hour
	heartbeatTimeout = 10 * time.Second
	// dispatchTimeout bounds the handing over of a session's bulks: some dozens of
	// files at a partner's pace.
	dispatchTimeout = time.Hour
)

func retryPolicy() *temporal.RetryPolicy {
	return &temporal.RetryPolicy{
		InitialInterval:    retryFirst,
		BackoffCoefficient: retryRate,
		MaximumInterval:    retryMax,
	}
}

// short is for activities of one small transaction.
func short(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           DataQueue,
		StartToCloseTimeout: shortTimeout,
		RetryPolicy:         retryPolicy(),
	})
}

// long is for activities that work through a file, or by slices of a few
// seconds through a list, and say so by heartbeats.
func long(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           DataQueue,
		StartToCloseTimeout: longTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		WaitForCancellation: true,
		RetryPolicy:         retryPolicy(),
	})
}

// dispatch is for calls to the bank's channel.
func dispatch(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           DispatchQueue,
		StartToCloseTimeout: dispatchTimeout,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         retryPolicy(),
	})
}

// call has an activity done and returns what it returned.
func call[Result any](ctx workflow.Context, name string, request any) (Result, error) {
	var result Result
	err := workflow.ExecuteActivity(ctx, name, request).Get(ctx, &result)
	return result, err
}

// failureDetails travel with a failure through Temporal.
type failureDetails struct {
	Step vacation.Stage `json:"step,omitempty"`
}

// Final turns a failure into the error that Temporal does not retry. The code
// is the error's type in the UI.
func Final(failure *vacation.Failure) error {
	return temporal.NewNonRetryableApplicationError(
		failure.Message, string(failure.Code), nil, failureDetails{Step: failure.Step})
}

// Failed gives Temporal a failure as it is, which it does not retry, and any
// other error with what was being done, which it does.
func Failed(doing string, err error) error {
	if failure, final := errors.AsType[*vacation.Failure](err); final {
		return Final(failure)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// AsFailure reads the failure out of what an activity or a workflow returned:
// the typed one where there is one, else a cancellation or an unexpected error.
// It returns nil for nil.
func AsFailure(err error) *vacation.Failure {
	if err == nil {
		return nil
	}
	if temporal.IsCanceledError(err) {
		return vacation.Fail(vacation.Cancelled, "the run was cancelled; run it again to go on where it stopped")
	}
	var application *temporal.ApplicationError
	if !errors.As(err, &application) || !slices.Contains(vacation.FailureCodes(), vacation.FailureCode(application.Type())) {
		return vacation.Fail(vacation.Unexpected, "%s", err)
	}
	failure := vacation.Fail(vacation.FailureCode(application.Type()), "%s", application.Message())
	var details failureDetails
	if application.HasDetails() && application.Details(&details) == nil {
		failure.Step = details.Step
	}
	return failure
}
