package pesitrest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"slices"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/calendar"
)

// Mailbox is what a bank has for us by way of the product: files that were agreed
// upon, for which the product is sent, and files that the product has brought by
// itself and announced.
type Mailbox struct {
	channel *Channel
	agreed  []channels.Agreed
	log     *slog.Logger
}

// NewMailbox makes the mailbox of a channel's bank.
func NewMailbox(channel *Channel, agreed []channels.Agreed, log *slog.Logger) *Mailbox {
	return &Mailbox{channel: channel, agreed: slices.Clone(agreed), log: log}
}

// Offers is what was announced, then what was agreed upon. It calls nobody.
// Announcements with a name or an identifier that nothing may be asked for by are
// left out; how many is logged.
func (m *Mailbox) Offers(ctx context.Context, date calendar.Date, announced []channels.Announcement) ([]channels.Offer, error) {
	offers := make([]channels.Offer, 0, len(announced)+len(m.agreed))
	odd := 0
	for _, one := range announced {
		if channels.CheckName(one.Name) != nil || !idPattern.MatchString(one.Transfer) {
			odd++
			continue
		}
		offer := channels.Offer{Name: one.Name, Transfer: one.Transfer, Bytes: one.Bytes}
		if offer.Bytes == 0 { // what is said where nothing is known
			offer.Bytes = -1
		}
		offers = append(offers, offer)
	}
	if odd > 0 {
		m.log.WarnContext(ctx, "announced files have names or identifiers under which none is asked for: ask who runs the product",
			slog.Int("files", odd))
	}
	for _, one := range m.agreed {
		offers = append(offers, one.On(date))
	}
	return offers, nil
}

// Fetch copies a file that was announced, or has the product get it from the bank.
// An announcement to which the product has no file of ours is channels.ErrNoFile, as
// is a bank that has none; one of a transfer that goes on is [ErrNotReceived]. Content of another length than the product received from
// the bank is [ErrTruncated], and may be whole when it is asked for again.
//
// What was announced is copied as long or short as the product has it: its copy does
// not change however often it is fetched, and who controls the content sees that it
// breaks off.
//
// With V1, a file that an earlier Fetch had brought, and that was not taken, is
// copied as it stands: the bank may give it only once.
func (m *Mailbox) Fetch(ctx context.Context, offer channels.Offer, to io.Writer) error {
	received, err := m.find(ctx, offer)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", offer.Name, err)
	}
	if offer.Transfer != "" {
		received.Bytes = -1
	}
	_, err = m.channel.Download(ctx, received, to)
	if offer.Transfer != "" && (notFound(err) || errors.Is(err, fs.ErrNotExist)) {
		return fmt.Errorf("%w: %w", channels.ErrNoFile, err)
	}
	return err
}

// find says where the content of an offer is, once the product has it.
func (m *Mailbox) find(ctx context.Context, offer channels.Offer) (Received, error) {
	if offer.Transfer != "" {
		return m.channel.announced(ctx, offer)
	}
	asked := request(offer)
	if received, found := m.channel.left(ctx, asked); found {
		return received, nil
	}
	return m.channel.receive(ctx, asked)
}

// request asks for an offer. Its correlation is always the same, so that what it has
// brought is found again.
func request(offer channels.Offer) Request {
	const enough = 16 // bytes; two names of one correlation will not happen
	digest := sha256.Sum256([]byte(offer.Flow + "\x00" + offer.Name))
	return Request{Name: offer.Name, VirtualFile: offer.Flow, Correlation: hex.EncodeToString(digest[:enough])}
}

// Taken clears away, for V1, the product's copy in the folder.
func (m *Mailbox) Taken(ctx context.Context, offer channels.Offer) error {
	if m.channel.settings.Dialect == Upload {
		return nil
	}
	received := Received{local: localName(request(offer))}
	if offer.Transfer != "" {
		var err error
		if received, err = m.channel.announced(ctx, offer); err != nil {
			if errors.Is(err, channels.ErrNoFile) {
				return nil // nothing of it is to be cleared away
			}
			return fmt.Errorf("clear %s away: %w", offer.Name, err)
		}
	}
	return m.channel.Discard(received)
}

// announced says where the file of an announcement is. A notice proves nothing: for
// V1 the product is asked what the transfer is, and its path in the folder.
func (c *Channel) announced(ctx context.Context, offer channels.Offer) (Received, error) {
	if !idPattern.MatchString(offer.Transfer) {
		return Received{}, errors.New("no transfer's identifier")
	}
	received := Received{ID: offer.Transfer, Name: offer.Name, Bytes: offer.Bytes}
	if c.settings.Dialect == Upload {
		return received, nil
	}
	var told record
	err := c.client.ask(ctx, &told, c.v1("transfers", offer.Transfer)...)
	switch {
	case err != nil && notFound(err):
		return Received{}, fmt.Errorf("%w: %w", channels.ErrNoFile, err)
	case err != nil:
		return Received{}, fmt.Errorf("ask for transfer %s: %w", offer.Transfer, err)
	}
	if wrong := told.noFileOf(offer, c.settings.Server); wrong != "" {
		return Received{}, fmt.Errorf("%w: transfer %s %s", channels.ErrNoFile, offer.Transfer, wrong)
	}
	if told.moving() { // its notice was faster
		return Received{}, fmt.Errorf("%w: transfer %s is still %s", ErrNotReceived, offer.Transfer, told.status())
	}
	if count, said := told.transferred(); said {
		received.Bytes = count
	}
	folder, name := path.Split(path.Clean(told.Local))
	if path.Clean(folder) != path.Clean(c.settings.FolderAtPeer) || channels.CheckName(name) != nil {
		return Received{}, fmt.Errorf("the product keeps what transfer %s has brought outside of the folder in which files change hands: "+
			"have it put there", offer.Transfer)
	}
	received.local = name
	return received, nil
}

// noFileOf says why a transfer has not brought the file that was announced, and never
// will, or gives nothing.
func (r *record) noFileOf(offer channels.Offer, server string) string {
	switch {
	case r.Direction != directionReceive:
		return "is not one that receives"
	case r.ServerName != "" && r.ServerName != server:
		return "comes from another server"
	case r.Remote != "" && r.Remote != offer.Name:
		return "has another file's name"
	case r.Status != statusCompleted && !r.moving():
		return "is " + r.status()
	default:
		return ""
	}
}

// left finds, for V1, what an earlier request of the same correlation has brought,
// whole by its size.
func (c *Channel) left(ctx context.Context, asked Request) (Received, bool) {
	if c.settings.Dialect == Upload {
		return Received{}, false
	}
	local := localName(asked)
	size, found := c.exchange.size(local)
	if !found {
		return Received{}, false
	}
	all, err := c.correlated(ctx, asked.Correlation)
	if err != nil {
		return Received{}, false // it is asked for anew, which says what is wrong
	}
	at := slices.IndexFunc(all, func(r record) bool {
		count, said := r.transferred()
		return r.Direction == directionReceive && r.Status == statusCompleted && said && count == size &&
			r.Local == c.exchange.atPeer(local)
	})
	if at < 0 {
		return Received{}, false
	}
	return Received{ID: all[at].id(), Name: asked.Name, Bytes: size, local: local}, true
}
