package sftp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/pkg/sftp"

	"github.com/reglo/reglo/activities/channels"
)

// ErrContent is wrapped when what is written is not the announced file.
var ErrContent = errors.New("what was written is not the file: its bytes or its SHA-256 differ")

// errGone is when another attempt was at the file at the same time.
var errGone = errors.New("what stood there, under its name or hidden, stands nowhere any more")

// Send uploads the file and gives it its name. Of what an earlier attempt has
// uploaded, the bytes that are the file's are not sent again.
//
// A hidden file is never removed but where it is certain that no rename of it is
// under way: a server that renames in two steps, as OpenSSH's does, takes the
// first one back when it finds nothing at the second.
func (c *Channel) Send(ctx context.Context, file channels.File) (channels.Outcome, error) {
	outcome, err := c.send(ctx, &file)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("send %s: %w", file.Name, err)
	}
	return outcome, nil
}

func (c *Channel) send(ctx context.Context, file *channels.File) (channels.Outcome, error) {
	if err := channels.CheckName(file.Name); err != nil {
		return channels.Outcome{}, notSent(err)
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return channels.Outcome{}, notSent(err)
	}
	defer conn.Close()

	size, err := c.prepare(conn, file)
	if err != nil {
		return channels.Outcome{}, notSent(conn.explain(err))
	}
	stands, err := c.stands(conn, file)
	if err != nil {
		return channels.Outcome{}, notSent(conn.explain(err))
	}
	switch {
	case stands:
		outcome, err := c.compare(conn, file)
		return outcome, conn.explain(err)
	case size == file.Bytes:
		return c.name(ctx, conn, file)
	case size >= 0:
		return channels.Outcome{}, notSent(fmt.Errorf("the server has %d of its %d bytes: is its disk full?", size, file.Bytes))
	case c.settings.Keeps:
		return channels.Outcome{}, notSent(errGone)
	default:
		return unknown(errGone.Error() + "; the partner may have taken it: ask whether it has it"), nil
	}
}

func notSent(err error) error { return fmt.Errorf("%w: %w", channels.ErrNotSent, err) }

// prepare uploads the file under its hidden name, unless it stands already under
// its own, and gives the bytes that stand there: -1 where nothing does, another
// attempt having named it.
func (c *Channel) prepare(conn *connection, file *channels.File) (int64, error) {
	if stands, err := c.stands(conn, file); err != nil || stands {
		return -1, err
	}
	hidden := c.temporary(file)
	if err := c.upload(conn, file, hidden); err != nil {
		return 0, err
	}
	return conn.size(hidden)
}

// name gives the file its name. By the rename of SFTP's third version, which
// fails where the name is taken; OpenSSH's own would replace the file.
func (c *Channel) name(ctx context.Context, conn *connection, file *channels.File) (channels.Outcome, error) {
	err := conn.Rename(c.temporary(file), c.path(file))
	switch {
	case err == nil:
		return sent(file), nil
	case refused(err):
		outcome, err := c.refusal(conn, file, err)
		return outcome, conn.explain(err)
	default:
		err = conn.explain(err)
		conn.Close()
		return c.lost(ctx, file, fmt.Errorf("the reply to its rename was lost: %w", err))
	}
}

// refusal settles a rename that the server refused: the name may be taken, by
// another attempt or another file.
func (c *Channel) refusal(conn *connection, file *channels.File, refusal error) (channels.Outcome, error) {
	stands, err := c.stands(conn, file)
	switch {
	case err != nil:
		return channels.Outcome{}, errors.Join(refusal, err)
	case stands:
		return c.compare(conn, file)
	case errors.Is(refusal, fs.ErrPermission), c.settings.Keeps:
		return channels.Outcome{}, notSent(fmt.Errorf("give it its name: %w", refusal))
	default:
		// The name was taken, or another attempt faster, and the file was taken away since.
		return unknown("the server refused its name to it, and it stands nowhere: ask the partner (" + refusal.Error() + ")"), nil
	}
}

// lost settles a rename of which the reply was lost: the server may still get to
// it.
func (c *Channel) lost(ctx context.Context, file *channels.File, lost error) (channels.Outcome, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return channels.Outcome{}, errors.Join(lost, err)
	}
	defer conn.Close()
	outcome, err := c.settle(conn, file, lost)
	if err != nil {
		return channels.Outcome{}, errors.Join(lost, conn.explain(err))
	}
	return outcome, nil
}

func (c *Channel) settle(conn *connection, file *channels.File, lost error) (channels.Outcome, error) {
	stands, err := c.stands(conn, file)
	switch {
	case err != nil:
		return channels.Outcome{}, err
	case stands:
		return c.compare(conn, file)
	case !c.settings.Keeps:
		return unknown(lost.Error() + "; it stands nowhere, and the partner takes files away: ask whether it has it"), nil
	}
	// Without the hidden file, a rename that is still on its way finds nothing.
	err = conn.Remove(c.temporary(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return channels.Outcome{}, fmt.Errorf("remove the hidden file: %w", err)
	}
	removed := err == nil
	stands, err = c.stands(conn, file)
	switch {
	case err != nil:
		return channels.Outcome{}, err
	case !stands:
		return channels.Outcome{}, notSent(lost)
	case removed:
		// The server is about to take the rename back: to be looked up once that is over.
		return channels.Outcome{}, lost
	default:
		return c.compare(conn, file)
	}
}

// upload brings the file's bytes under its hidden name. Whatever stands there is
// written over in place, never cut to nothing or replaced: another attempt may
// be at it, and has it complete if it says so.
func (c *Channel) upload(conn *connection, file *channels.File, hidden string) error {
	from, err := conn.begun(file, hidden)
	if err != nil {
		return err
	}
	remote, err := conn.OpenFile(hidden, os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("open %s: %w", hidden, err)
	}
	err = stream(remote, file, from)
	if _, can := conn.HasExtension("fsync@openssh.com"); can && err == nil {
		err = remote.Sync()
	}
	if err != nil {
		_ = remote.Close() // what is written stays for the next attempt
		return fmt.Errorf("write %s: %w", hidden, err)
	}
	if err := remote.Close(); err != nil {
		return fmt.Errorf("close %s: %w", hidden, err)
	}
	return nil
}

// begun is how many bytes of the file an earlier attempt has uploaded: all that
// stand there, or none when any of them is wrong or they cannot be read.
func (c *connection) begun(file *channels.File, hidden string) (int64, error) {
	size, err := c.size(hidden)
	if err != nil || size <= 0 {
		return 0, err
	}
	if size > file.Bytes {
		if err := c.Truncate(hidden, file.Bytes); err != nil {
			return 0, fmt.Errorf("cut %s to its size: %w", hidden, err)
		}
		size = file.Bytes
	}
	theirs := sha256.New()
	read, err := c.read(hidden, size, theirs)
	switch {
	case refused(err):
		return 0, nil // a folder that may only be written to
	case err != nil:
		return 0, err
	case read != size:
		return 0, nil
	}
	ours := sha256.New()
	if err := file.Write(&beginning{to: ours, left: size}); err != nil {
		return 0, fmt.Errorf("write its beginning: %w", err)
	}
	if !bytes.Equal(ours.Sum(nil), theirs.Sum(nil)) {
		return 0, nil
	}
	return size, nil
}

// stream writes the file's bytes from there on.
func stream(remote *sftp.File, file *channels.File, from int64) error {
	if _, err := remote.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("seek: %w", err)
	}
	reader, writer := io.Pipe()
	var uploading sync.WaitGroup
	var failed error
	uploading.Go(func() {
		_, failed = remote.ReadFromWithConcurrency(reader, requestsAtOnce)
		_ = reader.CloseWithError(failed) // wakes the writer
	})
	defer uploading.Wait()
	defer func() { _ = writer.Close() }() // where Write panics
	rest := &rest{to: bufio.NewWriterSize(writer, readBytes), digest: sha256.New(), skip: from, left: file.Bytes}
	_ = writer.CloseWithError(rest.fill(file)) // the reader gets it
	uploading.Wait()
	if failed != nil {
		return fmt.Errorf("upload: %w", failed)
	}
	return nil
}

// rest passes a file on without its first bytes, and proves all of it.
type rest struct {
	to     *bufio.Writer
	digest hash.Hash
	skip   int64 // bytes not to pass on
	left   int64 // bytes that are still to come
}

// fill has the file written. ErrContent comes before the last bytes are passed
// on when there are too many.
func (r *rest) fill(file *channels.File) error {
	if err := file.Write(r); err != nil {
		return fmt.Errorf("write it: %w", err)
	}
	if r.left != 0 || !bytes.Equal(r.digest.Sum(nil), file.SHA256[:]) {
		return ErrContent
	}
	if err := r.to.Flush(); err != nil {
		return fmt.Errorf("pass it on: %w", err)
	}
	return nil
}

// Write takes the next bytes of the file.
func (r *rest) Write(content []byte) (int, error) {
	if int64(len(content)) > r.left {
		return 0, ErrContent
	}
	r.left -= int64(len(content))
	_, _ = r.digest.Write(content) // never fails
	skipped := min(r.skip, int64(len(content)))
	r.skip -= skipped
	if _, err := r.to.Write(content[skipped:]); err != nil {
		return 0, fmt.Errorf("pass it on: %w", err)
	}
	return len(content), nil
}

// beginning passes the first bytes on, and drops the others.
type beginning struct {
	to   io.Writer
	left int64
}

// Write takes the next bytes of the file.
func (b *beginning) Write(content []byte) (int, error) {
	passed := min(b.left, int64(len(content)))
	b.left -= passed
	if _, err := b.to.Write(content[:passed]); err != nil {
		return 0, fmt.Errorf("pass it on: %w", err)
	}
	return len(content), nil
}
