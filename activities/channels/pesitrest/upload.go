package pesitrest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"sync"

	"github.com/reglo/reglo/activities/channels"
)

// upload hands a file over within the request.
func (c *Channel) upload(ctx context.Context, file channels.File) (channels.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Wait)
	defer cancel()
	form, err := c.newForm(file)
	if err != nil {
		return channels.Outcome{}, notSent(err)
	}
	request, err := c.client.request(ctx, http.MethodPost, form, "api", "transfers", "send")
	if err != nil {
		return channels.Outcome{}, notSent(err)
	}
	request.ContentLength = form.length
	request.Header.Set("Content-Type", form.contentType)
	// Who refuses us does it before the file leaves.
	request.Header.Set("Expect", "100-continue")

	var answer record
	err = c.client.call(request, &answer)
	left := form.stop()
	switch {
	case err != nil && (!left || tookNothing(err)):
		return channels.Outcome{}, notSent(err)
	case err != nil:
		return channels.Outcome{}, err
	case answer.refused():
		return channels.Outcome{}, notSent(&refusedError{answer.Diagnostic})
	}
	return c.judgeUpload(ctx, file, &answer)
}

// judgeUpload says what the answer comes to.
func (c *Channel) judgeUpload(ctx context.Context, file channels.File, answer *record) (channels.Outcome, error) {
	id := answer.id()
	// The answer names the bank by its number, if at all.
	answer.ServerName, answer.CorrelationID = "", ""
	if strange := answer.contradicts(file, ""); strange != "" {
		return unknown(alarm(id, strange)), nil
	}
	if answer.Status != statusCompleted {
		return unknown("transfer " + id + " is " + answer.status() + " and the bank may have the file: ask the bank"), nil
	}
	if id == "" {
		return unknown("the product answered COMPLETED and named no transfer: ask the bank what it has"), nil
	}
	if _, said := answer.transferred(); !said && answer.Transferred == nil && answer.Size == nil {
		return c.readBack(ctx, file, id)
	}
	if short := answer.short(file); short != "" {
		return unknown("transfer " + id + " is COMPLETED, and yet " + short + ": ask the bank what it has"), nil
	}
	return sent("transfer " + id), nil
}

// readBack compares what the product has sent, where it says COMPLETED and no size,
// with the file.
func (c *Channel) readBack(ctx context.Context, file channels.File, id string) (channels.Outcome, error) {
	content, err := c.download(ctx, id, io.Discard)
	switch {
	case err != nil:
		return channels.Outcome{}, fmt.Errorf("read back transfer %s, COMPLETED of an unknown size: %w", id, err)
	case content.Bytes != file.Bytes || content.SHA256 != file.SHA256:
		return unknown("transfer " + id + " is COMPLETED, and its content at the product is not the file's: ask the bank what it has"), nil
	default:
		return sent("transfer " + id + ", read back"), nil
	}
}

// form is a request's body: the fields, and the file as it is written.
type form struct {
	contentType string
	length      int64
	before      *bytes.Reader
	after       *bytes.Reader
	file        channels.File

	lock    sync.Mutex
	stopped bool
	body    io.Reader      // nil before the first byte is asked for
	pipe    *io.PipeReader // of the content
	done    chan struct{}  // closed when nobody writes the content any more
}

func (c *Channel) newForm(file channels.File) (*form, error) {
	var text bytes.Buffer
	writer := multipart.NewWriter(&text)
	for _, field := range [][2]string{
		{"serverId", c.settings.Server}, {"remoteFilename", file.Name},
		{"partnerId", c.settings.Partner}, {"virtualFile", c.settings.VirtualFile},
	} {
		if err := writer.WriteField(field[0], field[1]); err != nil {
			return nil, fmt.Errorf("write a form: %w", err)
		}
	}
	if _, err := writer.CreateFormFile("file", file.Name); err != nil {
		return nil, fmt.Errorf("write a form: %w", err)
	}
	before := text.Len()
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("write a form: %w", err)
	}
	return &form{
		contentType: writer.FormDataContentType(), length: int64(text.Len()) + file.Bytes, file: file,
		before: bytes.NewReader(text.Bytes()[:before]), after: bytes.NewReader(text.Bytes()[before:]),
	}, nil
}

// Read gives the next bytes. The content is not begun before they are asked for, and
// the form's end is held back from content that is not what it was said to be: what
// arrives is then no whole form.
func (f *form) Read(p []byte) (int, error) {
	f.lock.Lock()
	if f.stopped {
		f.lock.Unlock()
		return 0, io.ErrClosedPipe
	}
	if f.body == nil {
		f.begin()
	}
	body := f.body
	f.lock.Unlock()
	return body.Read(p) //nolint:wrapcheck // a reader's error is the end of the file, or the content's own
}

func (f *form) begin() {
	reader, writer := io.Pipe()
	f.pipe, f.done = reader, make(chan struct{})
	f.body = io.MultiReader(f.before, reader, f.after)
	go func() {
		defer close(f.done)
		to := newExact(writer, f.file)
		err := f.file.Write(to)
		if err == nil {
			err = to.check()
		}
		_ = writer.CloseWithError(err) // it never fails
	}()
}

// Close ends the reading; who writes the content finds out.
func (f *form) Close() error {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.stopped = true
	if f.pipe != nil {
		_ = f.pipe.CloseWithError(io.ErrClosedPipe) // it never fails
	}
	return nil
}

// stop ends the reading, waits until nobody writes the content, and tells whether any
// byte was asked for.
func (f *form) stop() (left bool) {
	_ = f.Close() // it never fails
	if f.done == nil {
		return false
	}
	<-f.done
	return true
}

// uploadOrder is a request of Upload to receive.
type uploadOrder struct {
	ServerID       int    `json:"serverId"`
	RemoteFilename string `json:"remoteFilename"`
	PartnerID      string `json:"partnerId"`
	VirtualFile    string `json:"virtualFile"`
}

func (c *Channel) receiveUpload(ctx context.Context, asked Request) (record, error) {
	server, err := strconv.Atoi(c.settings.Server)
	if err != nil {
		return record{}, fmt.Errorf("the server's number: %w", err)
	}
	var answer record
	_, err = c.client.order(ctx, c.settings.Wait, uploadOrder{
		ServerID: server, RemoteFilename: asked.Name, PartnerID: c.settings.Partner, VirtualFile: asked.VirtualFile,
	}, &answer, "api", "transfers", "receive")
	return answer, err
}

// download copies what a transfer has brought.
func (c *Channel) download(ctx context.Context, id string, to io.Writer) (Content, error) {
	request, err := c.client.request(ctx, http.MethodGet, nil, "api", "transfers", id, "download")
	if err != nil {
		return Content{}, err
	}
	response, err := c.client.do(request)
	if err != nil {
		return Content{}, err
	}
	defer func() { _ = response.Body.Close() }() // only read
	return copyContent(to, response.Body)
}

// copyContent copies up to [MaxFile] bytes, and counts them.
func copyContent(to io.Writer, from io.Reader) (Content, error) {
	hash := sha256.New()
	count, err := io.Copy(io.MultiWriter(to, hash), io.LimitReader(from, MaxFile+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Content{}, fmt.Errorf("%w: it breaks off after %d bytes", ErrTruncated, count)
	case err != nil:
		return Content{}, fmt.Errorf("after %d bytes: %w", count, err)
	case count > MaxFile:
		return Content{}, ErrTooLarge
	}
	content := Content{Bytes: count}
	copy(content.SHA256[:], hash.Sum(nil))
	return content, nil
}
