package pesit

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"time"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/pesit"
)

const (
	// batchBytes is how much content is gathered before it goes.
	batchBytes = 32 << 10
	// bufferBytes is that of the connection's buffers.
	bufferBytes = 64 << 10
	// closeTimeout is how long a partner may take to say good-bye, once nothing
	// depends on it any more.
	closeTimeout = 5 * time.Second

	// byTheUser is what a partner is told that is left for a reason of ours,
	// noPeSIT one that does not speak the protocol.
	byTheUser = 312
	noPeSIT   = 311
)

// line is a connection on which a session is.
type line struct {
	ctx      context.Context //nolint:containedctx // a line lives as long as the call that it is for
	session  *pesit.Session
	settings *Settings
	conn     net.Conn
	in       *bufio.Reader
	out      *bufio.Writer
	watch    *time.Timer
	entity   []byte
	scratch  []byte
	give     func(article []byte) error // takes the content that comes
	why      pesit.Diagnostic           // the partner is left, when it is
	failed   bool                       // the connection has
	leaving  bool                       // nothing depends on the partner any more
}

// over is a deadline that has passed: what waits for the connection fails.
func over(conn net.Conn) func() {
	return func() { _ = conn.SetDeadline(time.Unix(1, 0)) } // a connection that is closed already fails by itself
}

// run calls the partner, and has work use the session to its end. The error is
// why the session did not do what it was for.
func (c *Channel) run(ctx context.Context, session *pesit.Session, work func(*line) error) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // all that counts was said before
	stop := context.AfterFunc(ctx, over(conn))
	defer stop()
	watch := time.AfterFunc(c.settings.Reply, over(conn))
	defer watch.Stop()

	line := &line{
		ctx: ctx, session: session, settings: &c.settings, conn: conn, watch: watch, why: pesit.Reason(byTheUser),
		in: bufio.NewReaderSize(conn, bufferBytes), out: bufio.NewWriterSize(conn, bufferBytes),
	}
	err = work(line)
	line.leave()
	if said := session.Err(); err == nil || (said != nil && !errors.Is(said, pesit.ErrGivenUp) && !errors.Is(said, pesit.ErrLost)) {
		err = said
	}
	return err
}

// connect makes the connection.
func (c *Channel) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Dial)
	defer cancel()
	conn, err := c.dial(ctx, "tcp", c.settings.Address)
	if err != nil {
		return nil, fmt.Errorf("call the partner: %w", err)
	}
	if c.settings.TLS == nil {
		return conn, nil
	}
	secured := tls.Client(conn, c.settings.TLS)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("agree on TLS with the partner: %w", err)
	}
	return secured, nil
}

// leave ends a session that is not over.
func (l *line) leave() {
	if l.session.Done() {
		return
	}
	l.leaving = true
	if !l.failed {
		// The partner is told, if it still listens.
		_ = errors.Join(l.say(l.session.Abort(l.why)), l.flush())
		return
	}
	// A partner that takes nothing more may have said why.
	if l.ctx.Err() == nil {
		_ = l.conn.SetDeadline(time.Time{}) // a connection that is closed fails by itself
	}
	for !l.session.Done() {
		messages, err := l.read()
		if err != nil {
			break
		}
		for _, message := range messages {
			l.session.Receive(message)
		}
	}
	l.session.Lost()
}

// fail says what happened to the connection.
func (l *line) fail(doing string, err error) error {
	l.failed = true
	switch {
	case l.ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, l.ctx.Err())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s: the partner took too long: %w", doing, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// say writes messages, to go with the next flush.
func (l *line) say(messages []pesit.FPDU) error {
	l.attend()
	defer l.watch.Stop()
	for _, message := range messages {
		var err error
		if l.scratch, err = pesit.AppendEntity(l.scratch[:0], message); err != nil {
			return fmt.Errorf("write a message: %w", err)
		}
		if _, err := l.out.Write(l.scratch); err != nil {
			return l.fail("send", err)
		}
	}
	return nil
}

// flush sends what was said.
func (l *line) flush() error {
	l.attend()
	defer l.watch.Stop()
	if err := l.out.Flush(); err != nil {
		return l.fail("send", err)
	}
	return nil
}

// attend gives the partner time for what is next. Between what it is waited
// for, nothing runs out: content may take its time.
func (l *line) attend() {
	switch {
	case l.leaving, l.session.Delivery() == pesit.Accepted:
		l.watch.Reset(min(closeTimeout, l.settings.Reply))
	case l.session.Ending():
		l.watch.Reset(l.settings.Commit)
	default:
		l.watch.Reset(l.settings.Reply)
	}
}

// read waits for the partner.
func (l *line) read() ([]pesit.FPDU, error) {
	l.attend()
	defer l.watch.Stop()
	entity, err := pesit.ReadEntity(l.in, l.entity)
	if err != nil {
		return nil, l.fail("wait for the partner", err)
	}
	l.entity = entity
	messages, err := pesit.DecodeEntity(entity)
	if err != nil {
		l.why = pesit.Reason(noPeSIT)
		return nil, fmt.Errorf("read the partner: %w", err)
	}
	return messages, nil
}

// hear sends what was said, waits for the partner, and says what its answer
// asks for.
func (l *line) hear() error {
	if err := l.flush(); err != nil {
		return err
	}
	messages, err := l.read()
	if err != nil {
		return err
	}
	for _, message := range messages {
		answers, content := l.session.Receive(message)
		for _, article := range content {
			if err := l.give(article); err != nil {
				return err
			}
		}
		if err := l.say(answers); err != nil {
			return err
		}
	}
	if l.session.Done() {
		return l.flush()
	}
	return nil
}

// until hears the partner until something is so, or the session is over.
func (l *line) until(so func() bool) error {
	for !l.session.Done() && !so() {
		if err := l.hear(); err != nil {
			return err
		}
	}
	return nil
}

func never() bool { return false }

// errOver is content that has nowhere to go any more.
var errOver = errors.New("the session is over")

// send sends a file, to the end of the session.
func (l *line) send(file *channels.File) error {
	l.give = func([]byte) error { return errOver } // the session takes content for a breach of the protocol
	if err := l.say(l.session.Open()); err != nil {
		return err
	}
	if err := l.until(l.session.Ready); err != nil {
		return err
	}
	if l.session.Done() {
		return l.session.Err()
	}
	content := newContent(l, file, l.session.ArticleLength())
	if err := file.Write(content); err != nil {
		return fmt.Errorf("write the content: %w", err)
	}
	if err := content.end(); err != nil {
		return err
	}
	return l.until(never)
}

// content takes a file's content, and has it go in articles.
type content struct {
	line    *line
	file    *channels.File
	article int // bytes of one
	batch   []byte
	split   [][]byte
	bytes   int64
	hash    hash.Hash
}

func newContent(l *line, file *channels.File, article int) *content {
	together := max(batchBytes/article, 1)
	return &content{
		line: l, file: file, article: article,
		batch: make([]byte, 0, together*article), split: make([][]byte, 0, together), hash: sha256.New(),
	}
}

// Write takes content.
func (c *content) Write(from []byte) (int, error) {
	c.bytes += int64(len(from))
	if c.bytes > c.file.Bytes {
		return 0, ErrContent
	}
	_, _ = c.hash.Write(from) // a hash never fails
	for rest := from; len(rest) > 0; {
		n := copy(c.batch[len(c.batch):cap(c.batch)], rest)
		c.batch, rest = c.batch[:len(c.batch)+n], rest[n:]
		if len(c.batch) == cap(c.batch) {
			if err := c.flush(); err != nil {
				return len(from) - len(rest), err
			}
		}
	}
	return len(from), nil
}

// flush has what was gathered go.
func (c *content) flush() error {
	if len(c.batch) == 0 {
		return nil
	}
	c.split = c.split[:0]
	for rest := c.batch; len(rest) > 0; {
		n := min(len(rest), c.article)
		c.split, rest = append(c.split, rest[:n]), rest[n:]
	}
	if err := c.line.say(c.line.session.Write(c.split...)); err != nil {
		return err
	}
	c.batch = c.batch[:0]
	if err := c.line.until(c.line.session.Ready); err != nil {
		return err
	}
	if c.line.session.Done() {
		return errOver
	}
	return nil
}

// end says that the content is whole, if it is.
func (c *content) end() error {
	if c.bytes != c.file.Bytes || [sha256.Size]byte(c.hash.Sum(nil)) != c.file.SHA256 {
		return ErrContent
	}
	if err := c.flush(); err != nil {
		return err
	}
	// What could not be sent is found out before anything is said of the whole.
	if err := c.line.flush(); err != nil {
		return err
	}
	return c.line.say(c.line.session.End())
}

// receive receives a file, to the end of the session.
func (l *line) receive(to io.Writer) error {
	left := int64(MaxFetchBytes)
	l.give = func(article []byte) error {
		if left -= int64(len(article)); left < 0 {
			return ErrTooLong
		}
		if _, err := to.Write(article); err != nil {
			return fmt.Errorf("keep the content: %w", err)
		}
		return nil
	}
	if err := l.say(l.session.Open()); err != nil {
		return err
	}
	if err := l.until(l.session.Received); err != nil {
		return err
	}
	if l.session.Received() {
		if safe, ok := to.(Syncer); ok {
			if err := safe.Sync(); err != nil {
				return fmt.Errorf("keep the content: %w", err)
			}
		}
		if err := l.say(l.session.Confirm()); err != nil {
			return err
		}
	}
	return l.until(never)
}
