package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Archive is the folder in which files are put away, compressed. All workers
// share it. A crash at any point leaves a state from which the next call goes on.
type Archive string

// A file that left the inbox and is not compressed yet stands in the inbox's own
// folder still, so that leaving it is one rename, under its archive's name between
// these two; whoever looks for files passes over names that begin with a dot.
const (
	hidden = "."
	taken  = ".taken"
)

// compressed ends the name of an archive.
const compressed = ".gz"

// fileMode: files hold merchants' money and accounts. Their owner only.
const fileMode = 0o600

// Holds tells whether a file was put away under that name, and another one
// stands at the path: it came again. A file that was taken into the database and
// not put away yet has not come again.
func (a Archive) Holds(path, as string) (bool, error) {
	// In this order: whoever puts the file away now takes it from the path first.
	for _, gone := range []string{leftAs(path, as), a.path(as)} {
		there, err := exists(gone)
		if err != nil {
			return false, err
		}
		if there {
			return exists(path)
		}
	}
	return false, nil
}

// leftAs is where the file of the inbox stands between its two renames.
func leftAs(path, as string) string { return filepath.Join(filepath.Dir(path), hidden+as+taken) }

func (a Archive) path(as string) string { return filepath.Join(string(a), as+compressed) }

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", filepath.Base(path), err)
	}
	return true, nil
}

// Put takes the file with that content out of its folder and keeps it under that
// name, compressed, and tells whether it was there. A file that is gone was put
// away before, one of another content came since, and one that stands there
// although the file was taken out came again: these two stay as they are.
func (a Archive) Put(ctx context.Context, path, as string, content [sha256.Size]byte) (bool, error) {
	left := leftAs(path, as)
	before, err := exists(left)
	if err != nil {
		return false, err
	}
	if !before {
		if before, err = takeOut(ctx, path, left, content); err != nil {
			return false, fmt.Errorf("put %s away: %w", filepath.Base(path), err)
		}
	}
	return before, a.finish(ctx, left, as)
}

// takeOut renames the file, if it has the content.
func takeOut(ctx context.Context, path, left string, content [sha256.Size]byte) (bool, error) {
	file, err := openContent(ctx, path, content)
	if err != nil || file == nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // only read
	same, err := file.isStill(path)
	if err != nil || !same {
		return false, err
	}
	if err := os.Rename(path, left); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("take it out of the inbox: %w", err)
	}
	return true, syncFolder(filepath.Dir(path))
}

// Keep compresses the file with that content under that name, leaves it where it
// is, and tells whether it was there.
func (a Archive) Keep(ctx context.Context, path, as string, content [sha256.Size]byte) (bool, error) {
	file, err := openContent(ctx, path, content)
	if err != nil || file == nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // only read
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("go to the beginning of %s: %w", filepath.Base(path), err)
	}
	if err := a.compress(ctx, file, as); err != nil {
		return false, fmt.Errorf("archive %s: %w", as, err)
	}
	return true, nil
}

// Resume compresses what was taken out of the inbox when a worker died.
func (a Archive) Resume(ctx context.Context, inbox string, names func(as string) bool) error {
	entries, err := os.ReadDir(inbox)
	if err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	for _, entry := range entries {
		as, left := strings.CutSuffix(entry.Name(), taken)
		as, dotted := strings.CutPrefix(as, hidden)
		if !left || !dotted || !names(as) {
			continue
		}
		if err := a.finish(ctx, filepath.Join(inbox, entry.Name()), as); err != nil {
			return err
		}
	}
	return nil
}

// finish compresses a file that was taken out of the inbox, and removes it.
func (a Archive) finish(ctx context.Context, left, as string) error {
	file, err := os.Open(left)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("archive %s: %w", as, err)
	}
	defer func() { _ = file.Close() }() // only read
	if err := a.compress(ctx, file, as); err != nil {
		return fmt.Errorf("archive %s: %w", as, err)
	}
	if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("archive %s: %w", as, err)
	}
	return nil
}

// compress writes the archive under a temporary name and renames it when it is
// safely on the disk.
func (a Archive) compress(ctx context.Context, source io.Reader, as string) error {
	temporary, err := os.CreateTemp(string(a), "writing-*")
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone when it was renamed
	// The fastest level: an archive is read once in a blue moon.
	compressor, err := gzip.NewWriterLevel(temporary, gzip.BestSpeed)
	if err != nil {
		return errors.Join(fmt.Errorf("compress: %w", err), temporary.Close())
	}
	_, err = io.Copy(compressor, &cancellable{ctx: ctx, source: source})
	err = errors.Join(err, compressor.Close(), temporary.Sync(), temporary.Close())
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	if err := os.Rename(temporary.Name(), a.path(as)); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return syncFolder(string(a))
}

// Report keeps what is said of a file, in JSON, and returns its path.
func (a Archive) Report(name string, content any) (string, error) {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	path := filepath.Join(string(a), name)
	if err := os.WriteFile(path, append(text, '\n'), fileMode); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	return path, nil
}

// original is an open file, with what it was before it was read.
type original struct {
	*os.File

	as fs.FileInfo
}

// openContent opens the file that has that content, read to its end, and returns
// nil when there is none at the path.
func openContent(ctx context.Context, path string, content [sha256.Size]byte) (*original, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no file, and no error
	}
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	as, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look at file: %w", err), file.Close())
	}
	sum, err := Sum(ctx, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if sum != content {
		_ = file.Close() // only read
		return nil, nil  //nolint:nilnil // as above
	}
	return &original{File: file, as: as}, nil
}

// isStill tells that the file stands at the path, and that nothing took its
// place or was written over it while it was read.
func (o *original) isStill(path string) (bool, error) {
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into the inbox: %w", err)
	}
	return os.SameFile(o.as, there) && there.Size() == o.as.Size() && there.ModTime().Equal(o.as.ModTime()), nil
}

// Sum is the SHA-256 of what is left to read.
func Sum(ctx context.Context, source io.Reader) (sum [sha256.Size]byte, err error) {
	digest := sha256.New()
	if _, err := io.Copy(digest, &cancellable{ctx: ctx, source: source}); err != nil {
		return sum, fmt.Errorf("read file: %w", err)
	}
	digest.Sum(sum[:0])
	return sum, nil
}

// ParseSum is the SHA-256 that a text of 64 hexadecimal digits writes.
func ParseSum(text string) (sum [sha256.Size]byte, err error) {
	digits, err := hex.DecodeString(text)
	if err != nil || len(digits) != len(sum) {
		return sum, fmt.Errorf("%q is no SHA-256 of 64 hexadecimal digits", text)
	}
	return [sha256.Size]byte(digits), nil
}

// cancellable stops a long reading when its activity is cancelled.
type cancellable struct {
	ctx    context.Context //nolint:containedctx // an io.Reader has no other way to hear of it
	source io.Reader
}

func (c *cancellable) Read(into []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.source.Read(into) //nolint:wrapcheck // wrapped by the copy's caller
}

// syncFolder makes a rename in the folder survive a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
