package front

import (
	"context"
	"log/slog"
	"time"
)

const (
	// bellPause is between two calls: a run that is called looks at all that came
	// since, and Temporal bears few signals a second of one run.
	bellPause = time.Second
	// bellRetry is after a call that failed: meanwhile all is safe in the database.
	bellRetry = 10 * time.Second
)

// Bell has a workflow look at what is in the database, however often it is rung at
// most once a second. A call that fails is made again.
type Bell struct {
	waker Waker
	log   *slog.Logger
	rung  chan struct{}
}

// NewBell makes a bell, which is rung once: what nobody was told of before this
// process began is looked at, too.
func NewBell(waker Waker, log *slog.Logger) *Bell {
	b := &Bell{waker: waker, log: log, rung: make(chan struct{}, 1)}
	b.Ring()
	return b
}

// Ring returns at once.
func (b *Bell) Ring() {
	select {
	case b.rung <- struct{}{}:
	default: // it is rung, and nobody has called yet
	}
}

// Run calls when the bell is rung, until the context ends; what was rung by then is
// called.
func (b *Bell) Run(ctx context.Context) {
	defer b.last(ctx)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-b.rung:
		}
		pause := bellPause
		if !b.call(ctx) {
			b.Ring()
			pause = bellRetry
		}
		waited := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-waited.C:
		}
		waited.Stop()
	}
}

// last calls for what was rung before the end, once.
func (b *Bell) last(ctx context.Context) {
	select {
	case <-b.rung:
		b.call(context.WithoutCancel(ctx))
	default:
	}
}

// call tells whether the workflow knows.
func (b *Bell) call(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, wakeTimeout)
	defer cancel()
	if err := b.waker.Wake(ctx); err != nil {
		b.log.WarnContext(ctx, "nobody is told of payments yet; they are in the database", "error", err)
		return false
	}
	return true
}
