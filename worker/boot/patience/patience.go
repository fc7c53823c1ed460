// Package patience waits for a server that may still be starting.
package patience

import (
	"context"
	"time"
)

// A server that starts is asked again soon at first, then every second.
const (
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

// Until tries until it succeeds, until final says that its error will stay, or
// until the time is up. It returns the last error of try, nil on success; at
// least one try is made.
func Until(ctx context.Context, limit time.Duration, final func(error) bool, try func(context.Context) error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		err := try(ctx)
		if err == nil || final(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-deadline.C:
			return err
		case <-time.After(pause):
		}
	}
}
