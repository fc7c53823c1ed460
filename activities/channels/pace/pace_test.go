package pace_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/pace"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/transfer"
)

// partner counts who calls it.
type partner struct{ calls int }

func (p *partner) Send(context.Context, channels.File) (channels.Outcome, error) {
	p.calls++
	return channels.Outcome{State: transfer.Sent, Detail: "sent"}, nil
}

func (p *partner) LookUp(context.Context, channels.File) (channels.Outcome, error) {
	p.calls++
	return channels.Outcome{State: transfer.Unknown, Detail: "looked up"}, nil
}

func (p *partner) Offers(context.Context, calendar.Date, []channels.Announcement) ([]channels.Offer, error) {
	p.calls++
	return []channels.Offer{{Name: "one"}}, nil
}

func (p *partner) Fetch(_ context.Context, _ channels.Offer, to io.Writer) error {
	p.calls++
	_, err := to.Write([]byte("content"))
	return err
}

func (p *partner) Taken(context.Context, channels.Offer) error {
	p.calls++
	return nil
}

// calls are all that both ports have.
func calls(p *partner, of *pace.Pace) []func(context.Context) error {
	channel, mailbox := of.Channel(p), of.Mailbox(p)
	return []func(context.Context) error{
		func(ctx context.Context) error { _, err := channel.Send(ctx, channels.File{Name: "X"}); return err },
		func(ctx context.Context) error { _, err := channel.LookUp(ctx, channels.File{Name: "X"}); return err },
		func(ctx context.Context) error { _, err := mailbox.Offers(ctx, calendar.Date{}, nil); return err },
		func(ctx context.Context) error { return mailbox.Fetch(ctx, channels.Offer{Name: "X"}, io.Discard) },
		func(ctx context.Context) error { return mailbox.Taken(ctx, channels.Offer{Name: "X"}) },
	}
}

// TestCallsKeepToTheRate, through whichever port they come.
func TestCallsKeepToTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rate, burst = 60, 6
		var p partner
		all := calls(&p, pace.New(rate))
		begun := time.Now()
		for i := range burst {
			require.NoError(t, all[i%len(all)](t.Context()))
		}
		require.Zero(t, time.Since(begun), "a partner that was left alone is called at once")
		for i := range 2 * rate {
			require.NoError(t, all[i%len(all)](t.Context()))
			require.Equal(t, time.Duration(i+1)*time.Second, time.Since(begun).Round(time.Millisecond))
		}
		require.Equal(t, burst+2*rate, p.calls)
	})
}

func TestWhoWaitsIsCalledOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p partner
		all := calls(&p, pace.New(1))
		require.NoError(t, all[0](t.Context()))
		begun := time.Now()
		for i, call := range all {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			err := call(ctx)
			require.ErrorIs(t, err, context.Canceled)
			if i == 0 {
				require.ErrorIs(t, err, channels.ErrNotSent)
			} else {
				require.NotErrorIs(t, err, channels.ErrNotSent)
				require.NotErrorIs(t, err, channels.ErrNoFile)
			}
		}
		require.Equal(t, 5*time.Second, time.Since(begun))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, all[0](ctx), "it would be too late")
		require.Equal(t, 5*time.Second, time.Since(begun), "and is not waited for")
		require.Equal(t, 1, p.calls)
	})
}

func TestWhatIsSaidIsPassedOn(t *testing.T) {
	t.Parallel()
	var p partner
	of := pace.New(1_000_000)
	sent, err := of.Channel(&p).Send(t.Context(), channels.File{})
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, sent.State)
	found, err := of.Channel(&p).LookUp(t.Context(), channels.File{})
	require.NoError(t, err)
	require.Equal(t, transfer.Unknown, found.State)
	offers, err := of.Mailbox(&p).Offers(t.Context(), calendar.Date{}, nil)
	require.NoError(t, err)
	require.Len(t, offers, 1)
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	var p partner
	require.Same(t, &p, pace.New(0).Channel(&p))
	require.Same(t, &p, pace.New(0).Mailbox(&p))
	require.Equal(t, nil, pace.New(60).Mailbox(nil)) //nolint:testifylint // Nil takes a pointer that is nil, too
}
