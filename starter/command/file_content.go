package command

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
)

// maxContent is how many bytes an archive may hold: twice the largest file that
// is read. Some kilobytes can hold any number of zeros.
const maxContent = 2 << 30

// gzipMagic is what a gzip archive begins with, and no file that is read here.
const gzipMagic = "\x1f\x8b"

// content is what a file holds: its bytes, or those that are compressed in it, as
// the archive keeps files. It can be read again from the beginning.
type content struct {
	name    string
	file    *os.File
	archive *gzip.Reader // nil for a file that is none
	read    int64        // bytes, since the beginning
}

// openContent opens a file, and tells an archive by its first bytes.
func openContent(path string) (*content, error) {
	if err := readable(path); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, &InputError{What: err.Error()}
	}
	c := &content{name: filepath.Base(path), file: file}
	var magic [len(gzipMagic)]byte
	if n, _ := io.ReadFull(file, magic[:]); string(magic[:n]) == gzipMagic { // what cannot be read is said below
		c.archive = new(gzip.Reader)
	}
	if _, err := c.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return c, nil
}

func (c *content) close() { _ = c.file.Close() } // only read

// Seek goes to the beginning, and nowhere else.
func (c *content) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekStart {
		return 0, errors.ErrUnsupported
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return 0, err //nolint:wrapcheck // the caller names the file
	}
	c.read = 0
	if c.archive == nil {
		return 0, nil
	}
	return 0, c.damaged(c.archive.Reset(c.file))
}

// Read gives the next bytes. An archive that is damaged, or that holds too much,
// is an [InputError].
func (c *content) Read(into []byte) (int, error) {
	if c.archive == nil {
		return c.file.Read(into) //nolint:wrapcheck // the caller names the file
	}
	n, err := c.archive.Read(into)
	c.read += int64(n)
	if c.read > maxContent {
		return 0, &InputError{
			What: fmt.Sprintf("%s: the archive holds more than %d bytes", c.name, maxContent),
			Next: "see that it is the archive of one file",
		}
	}
	if errors.Is(err, io.EOF) {
		return n, io.EOF
	}
	return n, c.damaged(err)
}

func (c *content) damaged(err error) error {
	if err == nil {
		return nil
	}
	return &InputError{
		What: fmt.Sprintf("%s: the archive is cut or damaged, after %s of what it holds", c.name, count(c.read, "byte")),
		Next: "take another copy of it",
		Err:  err,
	}
}

// identity is the SHA-256 and the length of the whole content.
func (c *content) identity() (sum [sha256.Size]byte, length int64, err error) {
	if _, err := c.Seek(0, io.SeekStart); err != nil {
		return sum, 0, err
	}
	digest := sha256.New()
	if length, err = io.Copy(digest, c); err != nil {
		return sum, 0, fmt.Errorf("read %s: %w", c.name, err)
	}
	digest.Sum(sum[:0])
	return sum, length, nil
}
