package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/calendar"
)

// Mailbox is the server's folder of files for us. Its files are known by name,
// size and time: one that was replaced is another one.
type Mailbox struct {
	channel *Channel
	keeps   bool
	log     *slog.Logger
}

// NewMailbox makes the mailbox of a channel that was told where files for us are,
// otherwise the error is [ErrNoInFolder]. Files are removed when they are taken,
// unless keeps leaves that to the partner.
func NewMailbox(channel *Channel, keeps bool, log *slog.Logger) (*Mailbox, error) {
	if channel.settings.InFolder == "" {
		return nil, ErrNoInFolder
	}
	return &Mailbox{channel: channel, keeps: keeps, log: log}, nil
}

// Offers lists the folder, whatever the day and what was announced. Files whose
// names channels.CheckName refuses stay there; how many is logged.
func (m *Mailbox) Offers(ctx context.Context, _ calendar.Date, _ []channels.Announcement) ([]channels.Offer, error) {
	listing, err := m.channel.List(ctx)
	if err != nil {
		return nil, err
	}
	offers := make([]channels.Offer, 0, len(listing.Files))
	for _, file := range listing.Files {
		if channels.CheckName(file.Name) != nil {
			listing.Odd++
			continue
		}
		offers = append(offers, channels.Offer{Name: file.Name, Bytes: file.Bytes, ModifiedAt: file.ModifiedAt})
	}
	if listing.Odd > 0 {
		m.log.WarnContext(ctx, "files for us have names under which none is taken: look into the folder, and have the partner rename them",
			slog.String("folder", m.channel.settings.InFolder), slog.Int("files", listing.Odd))
	}
	return offers, nil
}

// Fetch copies the file as it was listed. One that is gone is channels.ErrNoFile,
// one that was written to since [ErrChanged].
func (m *Mailbox) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	_, err := m.channel.Fetch(ctx, listed(offer), to)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", channels.ErrNoFile, err)
	}
	return err
}

// Taken removes the file, unless the partner does. One that was replaced since
// stays: it will be offered by itself.
func (m *Mailbox) Taken(ctx context.Context, offer channels.Offer) error {
	if m.keeps {
		return nil
	}
	if err := m.channel.Remove(ctx, listed(offer)); err != nil && !errors.Is(err, ErrChanged) {
		return err
	}
	return nil
}

func listed(offer channels.Offer) Received {
	return Received{Name: offer.Name, Bytes: offer.Bytes, ModifiedAt: offer.ModifiedAt}
}
