package sftp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxReceivedBytes is the largest file that is fetched: twenty times a day's
	// largest, so that a server cannot fill our disk.
	MaxReceivedBytes = 1 << 30
	// maxName is the longest name that a file system takes, in bytes.
	maxName = 255
)

// Received is a file for us as the server listed it.
type Received struct {
	Name       string
	Bytes      int64
	ModifiedAt time.Time // whole seconds
}

// Listing is what stands in the folder of files for us.
type Listing struct {
	// Files are complete as far as can be told: not hidden, not named as
	// unfinished and left alone for long enough; by name.
	Files []Received
	// Odd counts files that no file of ours may be named like: they stay until
	// somebody looks at them.
	Odd int
}

var (
	// ErrChanged is a file that is no longer the one that was listed: list again.
	ErrChanged = errors.New("the file is not the one that was listed any more")
	// ErrTooLarge is a file above MaxReceivedBytes.
	ErrTooLarge = fmt.Errorf("the file has more than %d bytes: ask the partner what it is", MaxReceivedBytes)
	// ErrNoInFolder is a channel that was not told where files for us are.
	ErrNoInFolder = fmt.Errorf("%w: the folder of files for us is missing", ErrSettings)
)

// List says which files are for us.
func (c *Channel) List(ctx context.Context) (Listing, error) {
	conn, err := c.receiving(ctx)
	if err != nil {
		return Listing{}, err
	}
	defer conn.Close()
	infos, err := conn.ReadDirContext(ctx, c.settings.InFolder)
	if err != nil {
		return Listing{}, fmt.Errorf("list %s: %w", c.settings.InFolder, conn.explain(err))
	}
	var listing Listing
	quiet := c.clock().Add(-c.settings.InAge)
	for _, info := range infos {
		switch {
		case !info.Mode().IsRegular() || unfinished(info.Name()):
		case !safe(info.Name()):
			listing.Odd++
		case !info.ModTime().After(quiet):
			listing.Files = append(listing.Files, received(info))
		}
	}
	slices.SortFunc(listing.Files, func(a, b Received) int { return strings.Compare(a.Name, b.Name) })
	return listing, nil
}

// Fetch copies a file that was listed, and gives its SHA-256. What was written
// is to be thrown away when it fails, with [ErrChanged] among others when the
// file was written to meanwhile.
func (c *Channel) Fetch(ctx context.Context, file Received, to io.Writer) ([sha256.Size]byte, error) {
	var digest [sha256.Size]byte
	conn, err := c.receiving(ctx)
	if err != nil {
		return digest, err
	}
	defer conn.Close()
	hash := sha256.New()
	if err := c.fetch(conn, file, io.MultiWriter(to, hash)); err != nil {
		return digest, fmt.Errorf("fetch %q: %w", file.Name, conn.explain(err))
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

func (c *Channel) fetch(conn *connection, file Received, to io.Writer) error {
	if file.Bytes > MaxReceivedBytes {
		return fmt.Errorf("%d bytes: %w", file.Bytes, ErrTooLarge)
	}
	if err := c.unchanged(conn, file); err != nil {
		return err
	}
	// One byte more than there are shows one that grows.
	read, err := conn.read(c.received(file), file.Bytes+1, to)
	if err != nil {
		return err
	}
	if read != file.Bytes {
		return fmt.Errorf("%d bytes of %d: %w", read, file.Bytes, ErrChanged)
	}
	return c.unchanged(conn, file)
}

// Remove removes a file that was listed, fetched and kept. One that is gone is
// removed; one that has changed since stays, with [ErrChanged].
func (c *Channel) Remove(ctx context.Context, file Received) error {
	conn, err := c.receiving(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = c.unchanged(conn, file)
	if err == nil {
		err = conn.Remove(c.received(file))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %q: %w", file.Name, conn.explain(err))
	}
	return nil
}

func (c *Channel) receiving(ctx context.Context) (*connection, error) {
	if c.settings.InFolder == "" {
		return nil, ErrNoInFolder
	}
	return c.connect(ctx)
}

// received is where the file stands.
func (c *Channel) received(file Received) string { return path.Join(c.settings.InFolder, file.Name) }

// unchanged is nil while the file is the one that was listed.
func (c *Channel) unchanged(conn *connection, file Received) error {
	if !safe(file.Name) {
		return fmt.Errorf("no name of a listed file: %w", ErrChanged)
	}
	info, err := conn.Lstat(c.received(file))
	switch {
	case err != nil:
		return fmt.Errorf("look at it: %w", err)
	case !info.Mode().IsRegular():
		return ErrChanged
	}
	now := received(info)
	if now.Bytes != file.Bytes || !now.ModifiedAt.Equal(file.ModifiedAt) {
		return ErrChanged
	}
	return nil
}

func received(info fs.FileInfo) Received {
	return Received{Name: info.Name(), Bytes: info.Size(), ModifiedAt: info.ModTime().UTC()}
}

// unfinished tells names under which programs upload: hidden ones, and those of
// common file movers.
func unfinished(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, ".") ||
		slices.ContainsFunc([]string{".part", ".partial", ".filepart", ".tmp", ".temp"}, func(end string) bool {
			return strings.HasSuffix(name, end)
		})
}

// safe tells names that stay in their folder and can be shown.
func safe(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && name[0] != '.' &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || !unicode.IsGraphic(r) })
}
