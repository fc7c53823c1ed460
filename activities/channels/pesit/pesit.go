// Package pesit is a channel to a partner by PeSIT E, outside SIT, over TCP or
// TLS: this engine calls, and sends or receives one file a connection.
//
// A file goes as a whole, from its beginning: a transfer that broke off is
// neither restarted nor resumed. The protocol has no enquiry about an earlier
// transfer. What an attempt has not learned, nobody but the partner knows.
package pesit

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/pesit"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	// DefaultEntitySize is the longest entity that is proposed, in bytes; the
	// partner answers with what it likes, at most that.
	DefaultEntitySize = 32_768
	// DefaultInterval is how many kilobytes stand between two points of
	// synchronisation that are proposed: little is sent to a partner that has
	// stopped listening.
	DefaultInterval = 32
	// DefaultWindow is how many points may wait for their acknowledgement: enough
	// for the way there and back.
	DefaultWindow = 4

	// DialTimeout is how long a connection may take to be made, TLS included.
	DialTimeout = 30 * time.Second
	// ReplyTimeout is how long a partner may take to answer, and to take what it
	// is sent: the protocol's own delay.
	ReplyTimeout = 30 * time.Second
	// CommitTimeout is how long a partner may take to acknowledge a whole file:
	// it writes it away before.
	CommitTimeout = 2 * time.Minute
	// MaxFetchBytes is the longest file that is received: far above a day's
	// statements, and far below a full disk.
	MaxFetchBytes = 512 << 20

	// createdLayout is that of a date in the protocol, AAMMJJhhmmss.
	createdLayout = "060102150405"
)

// Settings are those of one partner.
type Settings struct {
	Address string      // host:port
	TLS     *tls.Config // how the partner proves itself, and we to it; nil for plain TCP

	Requester string         // who we are to the partner, 1 to 24 characters
	Server    string         // what the partner is called, 1 to 24 characters
	Password  pesit.Password // 16 characters at most
	// Flow is the name under which the two have agreed on what is sent; empty for
	// each file's own. A file's own name is its label all the same.
	Flow   string
	Client string // on whose behalf, empty for none
	Bank   string // for whom in the end, empty for none

	// Record is the length of the records of what is sent, in bytes, which go as
	// fixed articles; 0 for content without records.
	Record uint16
	// Several puts several articles into a message, where the partner has agreed to that.
	Several bool

	// EntitySize and Sync are what is proposed; 0 for the defaults.
	EntitySize uint16
	Sync       pesit.SyncOption
	// Dial, Reply and Commit are for partners that are slower or faster than
	// DialTimeout, ReplyTimeout and CommitTimeout; 0 for those.
	Dial, Reply, Commit time.Duration
}

// withDefaults fills in what was left out.
func (s Settings) withDefaults() Settings {
	if s.EntitySize == 0 {
		s.EntitySize = DefaultEntitySize
	}
	if s.Sync == (pesit.SyncOption{}) {
		s.Sync = pesit.SyncOption{Interval: DefaultInterval, Window: DefaultWindow}
	}
	for _, delay := range []struct {
		set       *time.Duration
		otherwise time.Duration
	}{{&s.Dial, DialTimeout}, {&s.Reply, ReplyTimeout}, {&s.Commit, CommitTimeout}} {
		if *delay.set <= 0 {
			*delay.set = delay.otherwise
		}
	}
	return s
}

// Channel sends files to a partner, and receives its.
type Channel struct {
	settings Settings
	clock    func() time.Time
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// ErrUnchecked is TLS that takes anybody for the partner.
var ErrUnchecked = errors.New("TLS would take anybody for the partner: let it check the certificate")

// New makes the channel of a partner. The clock says when a file was made, in
// the partner's time zone. The error is ErrUnchecked, or names the setting with
// which no session can begin.
func New(settings Settings, clock func() time.Time) (*Channel, error) {
	settings = settings.withDefaults()
	if settings.TLS != nil {
		if settings.TLS.InsecureSkipVerify && settings.TLS.VerifyConnection == nil && settings.TLS.VerifyPeerCertificate == nil {
			return nil, ErrUnchecked
		}
		host, _, err := net.SplitHostPort(settings.Address)
		if err != nil {
			return nil, fmt.Errorf("address of the partner: %w", err)
		}
		settings.TLS = settings.TLS.Clone()
		settings.TLS.MinVersion = max(settings.TLS.MinVersion, tls.VersionTLS12)
		if settings.TLS.ServerName == "" {
			settings.TLS.ServerName = host
		}
	}
	channel := &Channel{settings: settings, clock: clock, dial: new(net.Dialer).DialContext}
	trial := channel.toSend(&channels.File{Name: "NAME"})
	if err := trial.Check(); err != nil {
		return nil, fmt.Errorf("settings of the partner: %w", err)
	}
	return channel, nil
}

// order is what sending and receiving have in common.
func (c *Channel) order(name string) pesit.Order {
	return pesit.Order{
		Requester: c.settings.Requester, Server: c.settings.Server, Password: c.settings.Password,
		FileName: name, Client: c.settings.Client, Bank: c.settings.Bank, EntitySize: c.settings.EntitySize, Sync: c.settings.Sync,
	}
}

// toSend is the order to send a file.
func (c *Channel) toSend(file *channels.File) pesit.Order {
	order := c.order(c.settings.Flow)
	if order.FileName == "" {
		order.FileName = file.Name
	}
	order.Label, order.TransferID, order.Bytes = file.Name, TransferID(file.Correlation), file.Bytes
	order.Created = c.clock().Format(createdLayout)
	order.Several = c.settings.Several
	order.Format, order.ArticleLength = pesit.Fixed, c.settings.Record
	if c.settings.Record == 0 {
		order.Format, order.ArticleLength = pesit.Variable, c.settings.EntitySize-pesit.HeaderBytes
	}
	return order
}

// TransferID is the number by which a partner knows the attempts to send a file:
// the first three bytes of its correlation's SHA-256.
func TransferID(correlation string) uint32 {
	digest := sha256.Sum256([]byte(correlation))
	return max(binary.BigEndian.Uint32(digest[:])>>8, 1)
}

// ErrContent is a file that does not write what it says that it is.
var ErrContent = errors.New("the content is not what the file's size and SHA-256 say: nothing of it may be sent")

// Send hands a file over. What ended before the partner was told that the
// file is whole wraps [channels.ErrNotSent]: the partner keeps nothing of it. SENT
// is a partner that says that it has the file, and as many bytes of it as were
// sent. All between is UNKNOWN, a refusal of the whole file too: the partner may
// hold it all the same.
func (c *Channel) Send(ctx context.Context, file channels.File) (channels.Outcome, error) {
	if err := channels.CheckName(file.Name); err != nil {
		return channels.Outcome{}, fmt.Errorf("name a file: %w: %w", channels.ErrNotSent, err)
	}
	session, err := pesit.NewSession(c.toSend(&file))
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("send %s: %w: %w", file.Name, channels.ErrNotSent, err)
	}
	err = c.run(ctx, session, func(line *line) error { return line.send(&file) })
	bytes, articles := session.Transferred()
	id := TransferID(file.Correlation)
	switch session.Delivery() {
	case pesit.Accepted:
		detail := fmt.Sprintf("accepted as transfer %d, %d bytes in %d articles", id, bytes, articles)
		if late, said := session.LateDiagnostic(); said {
			detail += fmt.Sprintf("; afterwards the partner said %s: tell it that", late)
		}
		return channels.Outcome{State: transfer.Sent, Detail: detail}, nil
	case pesit.NotDelivered:
		return channels.Outcome{}, fmt.Errorf("send %s: %w: %w", file.Name, channels.ErrNotSent, err)
	default:
		return channels.Outcome{State: transfer.Unknown, Detail: fmt.Sprintf(
			"the whole file went, and its acceptance did not come back: %v; ask the partner whether it has transfer %d of %d bytes",
			err, id, bytes,
		)}, nil
	}
}

// LookUp is always UNKNOWN: the protocol has no question about an earlier
// transfer, and to send the file again would not be one.
func (c *Channel) LookUp(_ context.Context, file channels.File) (channels.Outcome, error) {
	if err := channels.CheckName(file.Name); err != nil {
		return channels.Outcome{}, fmt.Errorf("look up: %w", err)
	}
	return channels.Outcome{State: transfer.Unknown, Detail: fmt.Sprintf(
		"PeSIT cannot ask about an earlier transfer: ask the partner whether it has %s, transfer %d of %d bytes, and decide",
		file.Name, TransferID(file.Correlation), file.Bytes,
	)}, nil
}

// Fetched is what came.
type Fetched struct {
	// File is what the partner says of it; its names are not to be trusted.
	File            pesit.File
	Bytes, Articles int64
}

var (
	// ErrUnconfirmed is content that came to its end and was told to the partner to
	// be kept, without the partner's answer. It may never be given again: keep it, and
	// judge it by what is in it.
	ErrUnconfirmed = errors.New("the partner did not confirm that the content was whole: keep it, and judge it by what is in it")
	// ErrTooLong is a file of more than MaxFetchBytes.
	ErrTooLong = fmt.Errorf("the partner's file has more than %d bytes", MaxFetchBytes)
)

// Syncer is a writer that can bring what it was given to a safe place.
type Syncer interface{ Sync() error }

// Fetch receives the partner's file of that name, as the two have agreed on,
// 1 to 76 characters, and writes its content. Before the partner is told that
// the file is kept, to is synced when it is a [Syncer].
//
// After an error, what was written is to be thrown away, but for ErrUnconfirmed.
// channels.ErrNoFile is a partner that has none. A partner whose counts are others than
// those of what came is an error; one that gives none is not, see Fetched.
func (c *Channel) Fetch(ctx context.Context, name string, to io.Writer) (Fetched, error) {
	order := c.order(name)
	order.Receive = true
	session, err := pesit.NewSession(order)
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch: %w", err)
	}
	err = c.run(ctx, session, func(line *line) error { return line.receive(to) })
	fetched := Fetched{File: session.File()}
	fetched.Bytes, fetched.Articles = session.Transferred()
	switch session.Delivery() {
	case pesit.Accepted:
		return fetched, nil
	case pesit.Unknown:
		if _, refused := errors.AsType[*pesit.RefusalError](err); refused || miscounted(err) {
			return Fetched{}, fmt.Errorf("fetch: %w", err)
		}
		return fetched, fmt.Errorf("fetch: %w: %w", ErrUnconfirmed, err)
	default:
		if refusal, ok := errors.AsType[*pesit.RefusalError](err); ok && refusal.Diagnostic == pesit.Reason(noSuchFile) {
			err = fmt.Errorf("%w: %w", channels.ErrNoFile, err)
		}
		return Fetched{}, fmt.Errorf("fetch: %w", err)
	}
}

const (
	noSuchFile = 205
	miscount   = 319
)

// miscounted tells a partner that counts something else than what came.
func miscounted(err error) bool {
	broken, ok := errors.AsType[*pesit.ProtocolError](err)
	return ok && broken.Diagnostic == pesit.Reason(miscount)
}
