package accounts

import (
	"context"
	"time"
)

// heartbeatEvery is well inside the contract's heartbeat timeout, so that a
// slow commit is not taken for a dead worker.
const heartbeatEvery = time.Second

// heartbeat calls beat now and then every second until stop is called, which
// waits for the last call to return.
func heartbeat(ctx context.Context, beat func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	beat()
	go func() {
		defer close(ended)
		ticker := time.NewTicker(heartbeatEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				beat()
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}
