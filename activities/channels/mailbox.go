package channels

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/reglo/reglo/domain/calendar"
)

// Mailbox is where a partner has files for us. What comes out of it is trusted in
// nothing: neither in its name, nor in its size, nor in being whole.
type Mailbox interface {
	// Offers says what may be fetched on a business day: what stands in a folder,
	// what is asked for by names that were agreed upon, what was announced.
	Offers(ctx context.Context, date calendar.Date, announced []Announcement) ([]Offer, error)
	// Fetch writes an offer's content. [ErrNoFile] says that the partner has none
	// now. After any error what was written is to be thrown away, and the offer may
	// be fetched again.
	Fetch(ctx context.Context, offer Offer, to io.Writer) error
	// Taken is told when the content is safe: the partner's copy, or the product's,
	// may go. It may be told again.
	Taken(ctx context.Context, offer Offer) error
}

// Announcement is a partner's notice that it has a file for us, or that it has
// brought one: a hint, which proves nothing.
type Announcement struct {
	Transfer string // the partner's identifier of the transfer
	Name     string // without a folder, as [CheckName] takes it
	Bytes    int64
}

// Offer is a file that may be fetched.
type Offer struct {
	Name string // without a folder, as [CheckName] takes it
	// Transfer is the partner's identifier, empty where it has none.
	Transfer string
	// Flow is what the partner calls the kind of file, empty where it has no name for that.
	Flow string
	// Bytes is what the partner says of its length, below zero when it says nothing.
	Bytes      int64
	ModifiedAt time.Time // zero where it is not known
}

// ErrNoFile is wrapped by errors of [Mailbox.Fetch] for an offer of which the
// partner has no file, or not yet.
var ErrNoFile = errors.New("the partner has no such file now")
