package pesit

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/calendar"
)

// Mailbox asks a partner for the files that were agreed upon: the protocol has no
// list. A file is asked for by its flow.
//
// A partner may give a file only once. It is told that the file is kept when the
// content has come, before Fetch returns: what it is written to should be a
// [Syncer].
type Mailbox struct {
	channel *Channel
	agreed  []channels.Agreed
}

// NewMailbox makes the mailbox of a channel's partner.
func NewMailbox(channel *Channel, agreed []channels.Agreed) *Mailbox {
	return &Mailbox{channel: channel, agreed: slices.Clone(agreed)}
}

// Offers is what was agreed upon. It calls nobody; whether the partner has it,
// Fetch finds out. Announcements say nothing by which the partner could be asked.
func (m *Mailbox) Offers(_ context.Context, date calendar.Date, _ []channels.Announcement) ([]channels.Offer, error) {
	offers := make([]channels.Offer, 0, len(m.agreed))
	for _, one := range m.agreed {
		offers = append(offers, one.On(date))
	}
	return offers, nil
}

// Fetch receives a file, and keeps one that the partner did not confirm, see
// [ErrUnconfirmed]: its content tells whether it is whole.
func (m *Mailbox) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	if _, err := m.channel.Fetch(ctx, offer.Flow, to); err != nil && !errors.Is(err, ErrUnconfirmed) {
		return err
	}
	return nil
}

// Taken does nothing: the partner was told at the end of Fetch.
func (m *Mailbox) Taken(context.Context, channels.Offer) error { return nil }
