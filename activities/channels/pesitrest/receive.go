package pesitrest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/reglo/reglo/activities/channels"
)

// MaxFile is the largest file that is received, in bytes: what readers of ISO 20022
// messages take, and far beyond a day's statements.
const MaxFile = 1 << 30

// The errors of receiving. After all of them a file may be asked for again.
var (
	// ErrNotReceived says that the product has not got the file.
	ErrNotReceived = errors.New("the product has not received the file")
	// ErrTruncated is content that has not as many bytes as were received.
	ErrTruncated = errors.New("the content breaks off")
	// ErrTooLarge is content beyond [MaxFile].
	ErrTooLarge = fmt.Errorf("the content is beyond the limit of %d bytes", MaxFile)
)

// Request asks for a file of the bank.
type Request struct {
	// Name is the file's at the bank, as [channels.CheckName] takes it.
	Name string
	// VirtualFile is what the bank calls the kind of file.
	VirtualFile string
	// Correlation is the request's own: 1 to 64 letters, digits and hyphens.
	Correlation string
}

// Received is a file that the product has.
type Received struct {
	// ID is the product's identifier of the transfer.
	ID   string
	Name string
	// Bytes is what the product says that it received, below zero when it says
	// nothing. It proves nothing.
	Bytes int64

	// local is the file's name in the folder, for V1.
	local string
}

// Content is what was downloaded.
type Content struct {
	Bytes  int64
	SHA256 [sha256.Size]byte
}

// Receive has the product fetch a file from the bank, and waits for it. What comes is
// trusted in nothing; who reads it proves it. channels.ErrNoFile is a bank that has no
// such file, or not yet.
func (c *Channel) Receive(ctx context.Context, asked Request) (Received, error) {
	received, err := c.receive(ctx, asked)
	if err != nil {
		return Received{}, fmt.Errorf("receive %s: %w", asked.Name, err)
	}
	return received, nil
}

func (c *Channel) receive(ctx context.Context, asked Request) (Received, error) {
	if err := checkFile(channels.File{Name: asked.Name, Correlation: asked.Correlation}); err != nil {
		return Received{}, err
	}
	if !wordPattern.MatchString(asked.VirtualFile) {
		return Received{}, errors.New("the virtual file is missing, or no word")
	}
	order := c.receiveV1
	if c.settings.Dialect == Upload {
		order = c.receiveUpload
	}
	answer, err := order(ctx, asked)
	if err != nil {
		return Received{}, err
	}
	id := answer.id()
	if _, reason := readDiagnostic(answer.Diagnostic); answer.Status == statusFailed && reason == diagnosticNoFile {
		return Received{}, channels.ErrNoFile
	}
	if answer.Status != statusCompleted || id == "" {
		return Received{}, fmt.Errorf("%w: transfer %s is %s", ErrNotReceived, id, answer.status())
	}
	received := Received{ID: id, Name: asked.Name, Bytes: -1, local: localName(asked)}
	if count, said := answer.transferred(); said {
		received.Bytes = count
	}
	return received, nil
}

// localName is the file's name in the folder: the request's own, so that what an
// earlier one has left is not taken for it.
func localName(asked Request) string { return "received-" + asked.Correlation }

func (c *Channel) receiveV1(ctx context.Context, asked Request) (record, error) {
	if err := c.checkServer(ctx); err != nil {
		return record{}, err
	}
	if err := c.exchange.remove(localName(asked)); err != nil {
		return record{}, err
	}
	var accepted record
	_, err := c.client.order(ctx, callTimeout, v1Order{
		Server: c.settings.Server, PartnerID: c.settings.Partner, Filename: c.exchange.atPeer(localName(asked)),
		RemoteFilename: asked.Name, VirtualFile: asked.VirtualFile, CorrelationID: asked.Correlation,
	}, &accepted, c.v1("transfers", "receive")...)
	if err != nil {
		return record{}, err
	}
	id := accepted.id()
	if id == "" {
		return record{}, fmt.Errorf("%w: the product named no transfer", ErrNotReceived)
	}
	var now record
	failed, err := c.poll(ctx, func(ctx context.Context) (bool, error) {
		var asked record
		err := c.client.ask(ctx, &asked, c.v1("transfers", id)...)
		if err == nil {
			now = asked
		}
		return !asked.moving(), err
	})
	switch {
	case err != nil:
		return record{}, err
	case failed != nil:
		return record{}, fmt.Errorf("ask for transfer %s: %w", id, failed)
	}
	return now, nil
}

// Download copies a file that was received, counts its bytes and hashes them. The
// error wraps ErrTruncated when they are not as many as were received: what was
// written then is to be thrown away.
func (c *Channel) Download(ctx context.Context, received Received, to io.Writer) (Content, error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Wait)
	defer cancel()
	content, err := c.fetch(ctx, received, to)
	if err == nil && received.Bytes >= 0 && content.Bytes != received.Bytes {
		err = fmt.Errorf("%w: %d bytes, of %d that were received", ErrTruncated, content.Bytes, received.Bytes)
	}
	if err != nil {
		return Content{}, fmt.Errorf("download %s: %w", received.Name, err)
	}
	return content, nil
}

func (c *Channel) fetch(ctx context.Context, received Received, to io.Writer) (Content, error) {
	if c.settings.Dialect == Upload {
		if !idPattern.MatchString(received.ID) {
			return Content{}, errors.New("no transfer's identifier")
		}
		return c.download(ctx, received.ID, to)
	}
	file, err := c.exchange.open(received.local)
	if err != nil {
		return Content{}, fmt.Errorf("open what the product has received: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	return copyContent(to, file)
}

// Discard clears away, for V1, what was received: once the download is safe.
func (c *Channel) Discard(received Received) error {
	if c.settings.Dialect == Upload || received.local == "" {
		return nil
	}
	return c.exchange.remove(received.local)
}
