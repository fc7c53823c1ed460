// Package heartbeat tells Temporal that a long activity is alive, and how far it is.
package heartbeat

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// every is well inside the contract's heartbeat timeout, so that a slow commit
// is not taken for a dead worker.
const every = time.Second

// Start reports what progress returns, now and then every second, until stop is
// called; stop waits for the last report. progress runs beside the activity.
func Start(ctx context.Context, progress func() any) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	activity.RecordHeartbeat(ctx, progress())
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx, progress())
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
