package pesit

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/reglo/reglo/domain/pesit"
)

// call is one partner's connection, from CONNECT to RELEASE.
type call struct {
	server *Server
	faults Faults
	line   *wire
	conn   net.Conn
	buffer []byte
	queue  []pesit.FPDU // of the entity that came last

	cutNext, silentNext bool // instead of what is next

	partner  byte // the caller's number of the connection
	sync     pesit.SyncOption
	size     uint16
	incoming *os.File
}

const (
	mine = 0x42 // our number of the connection

	// patience is how long a partner may say nothing, the protocol's own delay.
	patience = 30 * time.Second
	// variableLength is that of the articles of a file that is given in variable ones.
	variableLength = 1024
)

// Diagnostics that the stand-in gives by itself.
const (
	fileExists     = 204
	fileUnknown    = 205
	outputError    = 213
	wrongLength    = 220
	tooMuchData    = 222
	refused        = 226
	unknownServer  = 301
	unknownCaller  = 304
	unknownVersion = 308
	brokenProtocol = 311
	wrongCounts    = 319
)

// errBroken is a partner that does not keep to the protocol.
var errBroken = errors.New("the partner broke the protocol")

// next waits for an FPDU.
func (c *call) next() (pesit.FPDU, error) {
	if c.cutNext {
		return pesit.FPDU{}, c.cut()
	}

	if c.silentNext {
		return pesit.FPDU{}, errSilent
	}

	for len(c.queue) == 0 {
		if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return pesit.FPDU{}, fmt.Errorf("set a deadline: %w", err)
		}

		entity, err := pesit.ReadEntity(c.conn, c.buffer)
		if err != nil {
			return pesit.FPDU{}, fmt.Errorf("wait for the partner: %w", err)
		}

		c.buffer = entity
		if c.queue, err = pesit.DecodeEntity(entity); err != nil {
			return pesit.FPDU{}, c.abort(brokenProtocol, err.Error())
		}
	}

	f := c.queue[0]
	c.queue = c.queue[1:]

	if f.Kind != pesit.Connect && f.Dst != mine && (f.Kind != pesit.Abort || f.Dst != 0) {
		return pesit.FPDU{}, c.abort(brokenProtocol, "another connection's "+f.Kind.String())
	}

	return f, c.spoil(f.Kind)
}

// spoil has the faults of an FPDU that came.
func (c *call) spoil(kind pesit.Kind) error {
	c.cutNext = among(c.faults.CutAfter, kind)
	c.silentNext = among(c.faults.Silent, kind)

	if among(c.faults.CutBefore, kind) {
		return c.cut()
	}

	if diagnostic, ok := c.faults.Abort[kind]; ok {
		why := errCut
		if among(c.faults.Deaf, kind) {
			why = errDeaf
		}

		return errors.Join(why, c.send(pesit.New(pesit.Abort, c.partner, mine, diagnostic.Parameter())))
	}

	if among(c.faults.Deaf, kind) {
		return errDeaf
	}

	if among(c.faults.Garbage, kind) {
		_, err := c.conn.Write([]byte{0, 7, 0, 7, 0x99, 0x99, 0, 0, 0})

		return errors.Join(errCut, err)
	}

	if kind == pesit.Abort {
		return fmt.Errorf("aborted by the partner: %w", io.EOF)
	}

	return nil
}

// want waits for an FPDU of that kind.
func (c *call) want(kind pesit.Kind) (pesit.FPDU, error) {
	f, err := c.next()
	if err != nil {
		return f, err
	}

	if f.Kind != kind {
		return f, c.abort(brokenProtocol, fmt.Sprintf("%s instead of %s", f.Kind, kind))
	}

	return f, nil
}

func (c *call) cut() error {
	c.line.cut()

	return errCut
}

// abort gives the partner up.
func (c *call) abort(reason uint16, why string) error {
	err := c.send(pesit.New(pesit.Abort, c.partner, mine, pesit.Reason(reason).Parameter()))

	return errors.Join(fmt.Errorf("%s: %w", why, errBroken), err)
}

// send says something, with the faults of that.
func (c *call) send(f pesit.FPDU) error {
	if c.cutNext || among(c.faults.CutBefore, f.Kind) {
		return c.cut()
	}

	if c.silentNext {
		return errSilent
	}

	if c.faults.Slow > 0 {
		waited := time.NewTimer(c.faults.Slow)
		defer waited.Stop()

		select {
		case <-waited.C:
		case <-c.server.closing:
			return c.cut()
		}
	}

	entity, err := pesit.AppendEntity(nil, f)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Kind, err)
	}

	if _, err := c.conn.Write(entity); err != nil {
		return fmt.Errorf("send %s: %w", f.Kind, err)
	}

	if among(c.faults.CutAfter, f.Kind) {
		return c.cut()
	}

	return nil
}

// reply acknowledges, or refuses.
func (c *call) reply(kind pesit.Kind, diagnostic pesit.Diagnostic, parameters ...pesit.Parameter) error {
	return c.send(pesit.New(kind, c.partner, 0, append(parameters, diagnostic.Parameter())...))
}

// serve is the call as a whole.
func (c *call) serve() error {
	open, err := c.connect()
	if err != nil || !open {
		return err
	}

	for {
		f, err := c.next()
		if err != nil {
			return err
		}

		switch f.Kind {
		case pesit.Create:
			err = c.take(f)
		case pesit.Select:
			err = c.give(f)
		case pesit.Release:
			return c.send(pesit.New(pesit.RelConf, c.partner, mine))
		default:
			err = c.abort(brokenProtocol, fmt.Sprintf("%s without a file", f.Kind))
		}

		if err != nil {
			return err
		}
	}
}

// connect lets the partner in, or not.
func (c *call) connect() (open bool, err error) {
	f, err := c.want(pesit.Connect)
	if err != nil {
		return false, err
	}

	c.partner = f.Src
	if diagnostic := c.judge(f); !diagnostic.OK() {
		return false, c.reply(pesit.RConnect, diagnostic)
	}

	parameters := []pesit.Parameter{pesit.Number(pesit.Version, pesit.VersionE)}

	offered := f.Parameters.SyncOption()
	if offered.Interval != 0 && c.server.settings.Sync.Interval != 0 {
		c.sync = pesit.SyncOption{
			Interval: min(offered.Interval, c.server.settings.Sync.Interval), Window: min(offered.Window, c.server.settings.Sync.Window),
		}
		parameters = append(parameters, c.sync.Parameter())
	}

	return true, c.send(pesit.New(pesit.AConnect, c.partner, mine, parameters...))
}

// judge is what is wrong with who calls.
func (c *call) judge(f pesit.FPDU) pesit.Diagnostic {
	if diagnostic, ok := c.faults.Refuse[pesit.Connect]; ok {
		return diagnostic
	}

	password, known := c.server.settings.Partners[f.Parameters.Text(pesit.Requester)]

	switch {
	case f.Src == 0:
		return pesit.Reason(brokenProtocol)
	case f.Parameters.Text(pesit.Server) != c.server.settings.Name:
		return pesit.Reason(unknownServer)
	case f.Parameters.Number(pesit.Version) != pesit.VersionE:
		return pesit.Reason(unknownVersion)
	case !known, subtle.ConstantTimeCompare([]byte(password), []byte(f.Parameters.Text(pesit.AccessControl))) != 1:
		return pesit.Reason(unknownCaller)
	default:
		return pesit.Success
	}
}

// refusal is the fault by which a request is refused, or what was wrong without it.
func (c *call) refusal(kind pesit.Kind, reason uint16) pesit.Diagnostic {
	if diagnostic, ok := c.faults.Refuse[kind]; ok {
		return diagnostic
	}

	return pesit.Reason(reason)
}

// received is a file that comes.
type received struct {
	name            string
	fixed           bool
	length          int // of articles
	bytes, articles int64
	to              *bufio.Writer
	digest          hash.Hash
	article         int // bytes of the one that is coming
	unsaid          int // bytes since the last point
	points          uint64
	ended           bool
}

// take is a file from CREATE to DESELECT.
func (c *call) take(f pesit.FPDU) error {
	file := &received{
		name: f.Parameters.Text(pesit.Label), fixed: f.Parameters.Number(pesit.ArticleFormat) == pesit.Fixed,
		length: int(f.Parameters.Number(pesit.ArticleLength)), digest: sha256.New(), //nolint:gosec // two bytes
	}
	if file.name == "" {
		file.name = f.Parameters.Text(pesit.FileName)
	}

	reason := uint16(0)

	switch {
	case !wellNamed(file.name) || f.Parameters.Number(pesit.TransferID) == 0:
		reason = refused
	case c.server.settings.RefuseRepeats && c.server.holds(file.name):
		reason = fileExists
	}

	//nolint:gosec // two bytes
	c.size = min(uint16(f.Parameters.Number(pesit.EntitySize)), c.server.settings.EntitySize)

	answer := c.refusal(pesit.Create, reason)
	if err := c.reply(pesit.AckCreate, answer, pesit.Number(pesit.EntitySize, uint64(c.size))); err != nil || !answer.OK() {
		return err
	}

	return c.opened(func() error { return c.write(file) })
}

// opened opens the file, does what is done with it, closes and deselects it; a
// refusal of opening it leaves the rest out.
func (c *call) opened(within func() error) error {
	f, err := c.next()
	if err != nil {
		return err
	}

	if f.Kind == pesit.ORF {
		answer := c.refusal(pesit.ORF, 0)
		if err := c.reply(pesit.AckORF, answer); err != nil {
			return err
		}

		if answer.OK() {
			if err := within(); err != nil {
				return err
			}

			if err := c.reply(pesit.AckCRF, c.refusal(pesit.CRF, 0)); err != nil {
				return err
			}
		}

		if f, err = c.next(); err != nil {
			return err
		}
	}

	if f.Kind != pesit.Deselect {
		return c.abort(brokenProtocol, fmt.Sprintf("%s instead of DESELECT", f.Kind))
	}

	return c.reply(pesit.AckDeselect, c.refusal(pesit.Deselect, 0))
}

// write takes the content. It ends when CRF has come.
func (c *call) write(file *received) error {
	defer c.forget()

	if _, err := c.want(pesit.Write); err != nil {
		return err
	}

	answer := c.refusal(pesit.Write, 0)
	if err := c.reply(pesit.AckWrite, answer, pesit.Number(pesit.RestartPoint, 0)); err != nil {
		return err
	}

	if !answer.OK() {
		_, err := c.want(pesit.CRF)

		return err
	}

	incoming, err := os.CreateTemp(c.server.settings.Kept, ".incoming-*")
	if err != nil {
		return fmt.Errorf("begin a file: %w", err)
	}

	c.incoming = incoming
	file.to = bufio.NewWriter(incoming)

	for {
		f, err := c.next()
		if err != nil || f.Kind == pesit.CRF {
			return err
		}

		if _, ok := c.faults.Refuse[f.Kind]; ok && (f.Kind.IsData() || f.Kind == pesit.Syn) {
			return c.interrupt(f.Kind)
		}

		if err := c.part(file, f); err != nil {
			return err
		}
	}
}

// part takes content, or what stands between it and its end.
func (c *call) part(file *received, f pesit.FPDU) error {
	switch {
	case f.Kind == pesit.TransEnd && file.ended:
		return c.end(file, f)
	case file.ended:
		return c.abort(brokenProtocol, fmt.Sprintf("%s behind the content", f.Kind))
	case f.Kind == pesit.DTFEnd:
		file.ended = f.Parameters.Diagnostic().OK()

		return nil
	case f.Kind == pesit.Syn:
		return c.point(file, f)
	case f.Kind.IsData():
		return c.content(file, f)
	default:
		return c.abort(brokenProtocol, fmt.Sprintf("%s among content", f.Kind))
	}
}

// content takes articles.
func (c *call) content(file *received, f pesit.FPDU) error {
	var wrong error

	err := f.Articles(func(article []byte) error {
		if err := file.add(f.Kind, article); err != nil {
			wrong = err
		}

		_, err := io.MultiWriter(file.to, file.digest).Write(article)

		return err //nolint:wrapcheck // named below
	})

	switch {
	case err != nil:
		return fmt.Errorf("write the content: %w", err)
	case wrong != nil:
		return c.abort(wrongLength, wrong.Error())
	case c.sync.Interval != 0 && c.sync.Interval != pesit.Undefined && file.unsaid > int(c.sync.Interval)*pesit.Kilobyte:
		return c.abort(tooMuchData, "too much content without a point")
	default:
		return nil
	}
}

// errLength is an article that is not as long as it was announced.
var errLength = errors.New("the wrong length of an article")

// add counts an article, or a part of one.
func (r *received) add(kind pesit.Kind, article []byte) error {
	if kind == pesit.DTF || kind == pesit.DTFDA {
		r.article = 0
	}

	r.article += len(article)
	r.bytes += int64(len(article))
	r.unsaid += len(article)

	whole := kind == pesit.DTF || kind == pesit.DTFFA
	if whole {
		r.articles++
	}

	if r.article > r.length || (whole && r.fixed && r.article != r.length) {
		return errLength
	}

	return nil
}

// point takes a point of synchronisation.
func (c *call) point(file *received, f pesit.FPDU) error {
	file.points++
	file.unsaid = 0

	if c.sync.Interval == 0 || f.Parameters.Number(pesit.SyncNumber) != file.points {
		return c.abort(brokenProtocol, "a point out of order")
	}

	if c.sync.Window == 0 {
		return nil
	}

	return c.send(pesit.New(pesit.AckSyn, c.partner, 0, pesit.Number(pesit.SyncNumber, file.points)))
}

// interrupt ends the transfer before its content does. The partner may be ahead.
func (c *call) interrupt(kind pesit.Kind) error {
	why := pesit.New(pesit.IDT, c.partner, 0, c.faults.Refuse[kind].Parameter(), pesit.Number(pesit.EndCode, pesit.CancelledByServer))
	if err := c.send(why); err != nil {
		return err
	}

	for {
		f, err := c.next()
		if err != nil {
			return err
		}

		if f.Kind == pesit.CRF {
			return nil
		}
	}
}

// end keeps the file, and says so.
func (c *call) end(file *received, f pesit.FPDU) error {
	reason := uint16(0)
	counted := f.Parameters.Has(pesit.ByteCount) && f.Parameters.Has(pesit.ArticleCount)

	//nolint:gosec // counts of ours, above zero
	if counted && (f.Parameters.Number(pesit.ByteCount) != uint64(file.bytes) ||
		f.Parameters.Number(pesit.ArticleCount) != uint64(file.articles)) {
		reason = wrongCounts
	}

	answer := c.refusal(pesit.TransEnd, reason)
	if answer.OK() || c.faults.KeepRefused {
		err := file.to.Flush()
		if err == nil {
			err = c.server.keep(c.incoming, file.name, file.bytes, [sha256.Size]byte(file.digest.Sum(nil)))
		}

		if err != nil {
			return errors.Join(err, c.reply(pesit.AckTransEnd, pesit.Reason(outputError)))
		}
	}

	return c.counted(answer, file.bytes, file.articles)
}

// counted answers TRANS.END.
func (c *call) counted(answer pesit.Diagnostic, bytes, articles int64) error {
	if c.faults.WrongCounts {
		bytes++
	}

	//nolint:gosec // counts of ours, above zero
	return c.reply(
		pesit.AckTransEnd, answer, pesit.Number(pesit.ByteCount, uint64(bytes)), pesit.Number(pesit.ArticleCount, uint64(articles)),
	)
}

// give is a file from SELECT to DESELECT.
func (c *call) give(f pesit.FPDU) error {
	name := f.Parameters.Text(pesit.FileName)

	reason := uint16(fileUnknown)

	var content *os.File

	if wellNamed(name) {
		if opened, err := os.Open(filepath.Join(c.server.settings.Offered, name)); err == nil {
			defer func() { _ = opened.Close() }() // only read

			content, reason = opened, 0
		}
	}

	//nolint:gosec // two bytes
	c.size = min(uint16(f.Parameters.Number(pesit.EntitySize)), c.server.settings.EntitySize)

	format, length := uint64(pesit.Variable), uint64(variableLength)
	if c.server.settings.Fixed > 0 {
		format, length = pesit.Fixed, uint64(c.server.settings.Fixed)
	}

	answer := c.refusal(pesit.Select, reason)
	if err := c.reply(
		pesit.AckSelect, answer, pesit.Number(pesit.TransferID, 1), pesit.Number(pesit.EntitySize, uint64(c.size)),
		pesit.Number(pesit.FileType, 0).In(pesit.FileID), pesit.Text(pesit.FileName, f.Parameters.Text(pesit.FileName)).In(pesit.FileID),
		pesit.Number(pesit.ArticleFormat, format).In(pesit.LogicalAttributes),
		pesit.Number(pesit.ArticleLength, length).In(pesit.LogicalAttributes),
	); err != nil || !answer.OK() {
		return err
	}

	return c.opened(func() error { return c.read(content, name, int(length)) }) //nolint:gosec // two bytes
}

// sent is a file that goes.
type sent struct {
	bytes, articles int64
	unsaid          int
	points, acked   uint64
}

// read sends the content. It ends when CRF has come.
func (c *call) read(content *os.File, name string, length int) error {
	if _, err := c.want(pesit.Read); err != nil {
		return err
	}

	answer := c.refusal(pesit.Read, 0)
	if err := c.reply(pesit.AckRead, answer); err != nil {
		return err
	}

	if !answer.OK() {
		_, err := c.want(pesit.CRF)

		return err
	}

	file := &sent{}
	if err := c.articles(content, file, length); err != nil {
		return err
	}

	if err := c.reply(pesit.DTFEnd, c.refusal(pesit.DTFEnd, 0)); err != nil {
		return err
	}

	for {
		f, err := c.next()
		if err != nil {
			return err
		}

		switch f.Kind {
		case pesit.AckSyn:
		case pesit.CRF:
			return nil
		case pesit.TransEnd:
			if err := c.given(file, f, name); err != nil {
				return err
			}
		default:
			return c.abort(brokenProtocol, fmt.Sprintf("%s instead of TRANS.END", f.Kind))
		}
	}
}

// articles sends the content's.
func (c *call) articles(content io.Reader, file *sent, length int) error {
	buffer := make([]byte, length)
	if limit := c.faults.Truncate; limit > 0 {
		content = io.MultiReader(io.LimitReader(content, limit), &counter{content, file})
	}

	for {
		n, err := io.ReadFull(content, buffer)
		if n > 0 {
			if err := c.article(file, buffer[:n]); err != nil {
				return err
			}
		}

		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}

		if err != nil {
			return fmt.Errorf("read the file: %w", err)
		}
	}
}

// counter counts the content that a truncation leaves out.
type counter struct {
	rest io.Reader
	file *sent
}

// Read gives nothing of it.
func (r *counter) Read([]byte) (int, error) {
	left, err := io.Copy(io.Discard, r.rest)
	r.file.bytes += left

	return 0, errors.Join(err, io.EOF)
}

func (c *call) article(file *sent, article []byte) error {
	if limit := int(c.sync.Interval) * pesit.Kilobyte; limit > 0 && file.unsaid > 0 && file.unsaid+len(article) > limit {
		file.points++
		file.unsaid = 0

		if err := c.send(pesit.New(pesit.Syn, c.partner, 0, pesit.Number(pesit.SyncNumber, file.points))); err != nil {
			return err
		}
	}

	for c.sync.Window > 0 && file.points-file.acked >= uint64(c.sync.Window) {
		f, err := c.want(pesit.AckSyn)
		if err != nil {
			return err
		}

		file.acked = f.Parameters.Number(pesit.SyncNumber)
	}

	file.unsaid += len(article)
	file.bytes += int64(len(article))
	file.articles++

	for _, f := range pesit.Pack(c.partner, int(c.size), false, article) {
		if err := c.send(f); err != nil {
			return err
		}
	}

	return nil
}

// given takes the partner's word that it has the file.
func (c *call) given(file *sent, f pesit.FPDU, name string) error {
	reason := uint16(0)
	//nolint:gosec // a count of ours, above zero
	if f.Parameters.Has(pesit.ByteCount) && f.Parameters.Number(pesit.ByteCount) != uint64(file.bytes) {
		reason = wrongCounts
	}

	// A truncation is told by the counts, not by a refusal: the partner is to find it.
	if c.faults.Truncate > 0 {
		reason = 0
	}

	answer := c.refusal(pesit.TransEnd, reason)
	if answer.OK() {
		c.server.gave(name)
	}

	return c.counted(answer, file.bytes, file.articles)
}

// forget removes what did not come whole.
func (c *call) forget() {
	if c.incoming != nil {
		_ = c.incoming.Close()           // a further name keeps what is to be kept
		_ = os.Remove(c.incoming.Name()) // its other name stays
		c.incoming = nil
	}
}
