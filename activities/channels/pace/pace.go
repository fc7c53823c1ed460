// Package pace keeps calls to a partner to a rate: banks shut out those who call
// too often.
//
// How many calls are under way at once is not decided here. Bulks are handed over,
// and looked up, one at a time under an advisory lock of the database, whatever
// the number of workers.
package pace

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/time/rate"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/calendar"
)

// A Pace is shared by all that calls one partner from this process. It counts the
// calls of the ports; questions within one, such as about a transfer that goes on,
// are spaced by the adapters.
type Pace struct {
	limiter *rate.Limiter // nil for none
}

// burst is the part of a minute's calls that may come at once: a partner that was
// left alone is asked without waiting.
const burst = 10

// New makes a pace of so many calls a minute; 0 is no limit.
func New(calls int) *Pace {
	if calls <= 0 {
		return &Pace{}
	}
	return &Pace{limiter: rate.NewLimiter(rate.Limit(float64(calls)/time.Minute.Seconds()), max(1, calls/burst))}
}

// wait is until the next call may be made, or the context ends.
func (p *Pace) wait(ctx context.Context) error {
	if err := p.limiter.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the partner's turn: %w", err)
	}
	return nil
}

// Channel keeps a channel to the pace. A file that waited in vain was not sent.
func (p *Pace) Channel(of channels.Channel) channels.Channel {
	if p.limiter == nil {
		return of
	}
	return &channel{pace: p, of: of}
}

// Mailbox keeps a mailbox to the pace; none stays none.
func (p *Pace) Mailbox(of channels.Mailbox) channels.Mailbox {
	if of == nil || p.limiter == nil {
		return of
	}
	return &mailbox{pace: p, of: of}
}

type channel struct {
	pace *Pace
	of   channels.Channel
}

// Send is channels.Channel's.
func (c *channel) Send(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := c.pace.wait(ctx); err != nil {
		return channels.Outcome{}, fmt.Errorf("send %s: %w: %w", file.Name, channels.ErrNotSent, err)
	}
	return c.of.Send(ctx, file)
}

// LookUp is channels.Channel's.
func (c *channel) LookUp(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := c.pace.wait(ctx); err != nil {
		return channels.Outcome{}, fmt.Errorf("look up %s: %w", file.Name, err)
	}
	return c.of.LookUp(ctx, file)
}

type mailbox struct {
	pace *Pace
	of   channels.Mailbox
}

// Offers is channels.Mailbox's.
func (m *mailbox) Offers(
	ctx context.Context, date calendar.Date, announced []channels.Announcement,
) ([]channels.Offer, error) {
	if err := m.pace.wait(ctx); err != nil {
		return nil, fmt.Errorf("ask for files: %w", err)
	}
	return m.of.Offers(ctx, date, announced)
}

// Fetch is channels.Mailbox's.
func (m *mailbox) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	if err := m.pace.wait(ctx); err != nil {
		return fmt.Errorf("fetch %s: %w", offer.Name, err)
	}
	return m.of.Fetch(ctx, offer, to)
}

// Taken is channels.Mailbox's.
func (m *mailbox) Taken(ctx context.Context, offer channels.Offer) error {
	if err := m.pace.wait(ctx); err != nil {
		return fmt.Errorf("clear %s away: %w", offer.Name, err)
	}
	return m.of.Taken(ctx, offer)
}
