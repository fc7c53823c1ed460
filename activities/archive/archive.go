// Package archive puts away files of an inbox whose content is in the database:
// out of the inbox in one rename, then compressed into a folder of its own. A
// crash at any point leaves a state from which the next call goes on.
package archive

import (
	"context"
	"crypto/sha256"
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

// Folder is where files are put away, compressed. All workers share it.
type Folder string

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
func (f Folder) Holds(path, as string) (bool, error) {
	// In this order: whoever puts the file away now takes it from the path first.
	for _, gone := range []string{leftAs(path, as), f.path(as)} {
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

func (f Folder) path(as string) string { return filepath.Join(string(f), as+compressed) }

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

// Put takes the file with that content out of its inbox and keeps it under that
// name, compressed. A file that is gone was put away before, and one of another
// content came since: both stay as they are.
func (f Folder) Put(ctx context.Context, path, as string, content [sha256.Size]byte) error {
	same, err := holdsContent(ctx, path, content)
	if err != nil {
		return fmt.Errorf("put %s away: %w", filepath.Base(path), err)
	}
	left := leftAs(path, as)
	if same {
		if err := os.Rename(path, left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take %s out of the inbox: %w", filepath.Base(path), err)
		}
		if err := syncFolder(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return f.finish(ctx, left, as)
}

// Resume compresses what was taken out of the inbox when a worker died.
func (f Folder) Resume(ctx context.Context, inbox string, names func(as string) bool) error {
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
		if err := f.finish(ctx, filepath.Join(inbox, entry.Name()), as); err != nil {
			return err
		}
	}
	return nil
}

// finish compresses a file that was taken out of the inbox, and removes it.
func (f Folder) finish(ctx context.Context, left, as string) error {
	file, err := os.Open(left)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("archive %s: %w", as, err)
	}
	defer func() { _ = file.Close() }() // only read
	if err := f.compress(ctx, file, as); err != nil {
		return fmt.Errorf("archive %s: %w", as, err)
	}
	if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("archive %s: %w", as, err)
	}
	return nil
}

// compress writes the archive under a temporary name and renames it when it is
// safely on the disk.
func (f Folder) compress(ctx context.Context, source io.Reader, as string) error {
	temporary, err := os.CreateTemp(string(f), "writing-*")
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
	if err := os.Rename(temporary.Name(), f.path(as)); err != nil {
		return fmt.Errorf("put in place: %w", err)
	}
	return syncFolder(string(f))
}

// Report keeps what is said of a file, in JSON, and returns its path.
func (f Folder) Report(name string, content any) (string, error) {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	path := filepath.Join(string(f), name)
	if err := os.WriteFile(path, append(text, '\n'), fileMode); err != nil {
		return "", fmt.Errorf("write report: %w", err)
	}
	return path, nil
}

// holdsContent tells whether the file at the path has that content; one that is
// gone has not.
func holdsContent(ctx context.Context, path string, content [sha256.Size]byte) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open file: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	sum, err := Sum(ctx, file)
	return sum == content, err
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

// UnreadableError is what stands at a path and cannot be read as a file: trying
// again does not help.
type UnreadableError struct {
	Path, Reason string
}

func (e *UnreadableError) Error() string {
	return e.Path + " " + e.Reason
}

// Open opens what must be a file that this worker may read. What else stands at
// the path is refused before it is opened: to open a pipe would wait for a
// writer. The error is an [*UnreadableError] for these, or that the file is gone.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &UnreadableError{Path: path, Reason: "is no regular file (" + info.Mode().String() + "): put the file itself there"}
	}
	var file *os.File
	if err == nil {
		file, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, &UnreadableError{Path: path, Reason: "may not be read by the worker's user: let it read the file"}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	return file, nil
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
