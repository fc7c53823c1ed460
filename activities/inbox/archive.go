package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// File is a file that was taken in, open, with what it was before it was read.
type File struct {
	*os.File

	as fs.FileInfo
}

// Open opens the file at the path when its content has that SHA-256, in
// hexadecimal. It returns nil when it is not there any more: archived before, or
// followed by another file of its name.
func Open(ctx context.Context, path, digest string) (*File, error) {
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
	hash := sha256.New()
	if _, err := io.Copy(hash, &cancellable{ctx: ctx, source: file}); err != nil {
		return nil, errors.Join(fmt.Errorf("read file: %w", err), file.Close())
	}
	if hex.EncodeToString(hash.Sum(nil)) != digest {
		_ = file.Close() // only read
		return nil, nil  //nolint:nilnil // as above
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("go to the file's beginning: %w", err), file.Close())
	}
	return &File{File: file, as: as}, nil
}

// Compress writes the file into the folder under a temporary name and renames
// it when it is safely on the disk. One that is there was made before.
func (f *File) Compress(ctx context.Context, folder, name string) error {
	target := filepath.Join(folder, name)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	temporary, err := os.CreateTemp(folder, "writing-*")
	if err != nil {
		return fmt.Errorf("make archive: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone when it was renamed
	// The fastest level: an archive is read once in a blue moon.
	compressor, err := gzip.NewWriterLevel(temporary, gzip.BestSpeed)
	if err != nil {
		return errors.Join(fmt.Errorf("make archive: %w", err), temporary.Close())
	}
	_, err = io.Copy(compressor, &cancellable{ctx: ctx, source: f.File})
	err = errors.Join(err, compressor.Close(), temporary.Sync(), temporary.Close())
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := os.Rename(temporary.Name(), target); err != nil {
		return fmt.Errorf("put archive in place: %w", err)
	}
	return syncFolder(folder)
}

// TakeOut removes the file from the inbox, unless it stands elsewhere, or
// another one has taken its place or was written over it meanwhile.
func (f *File) TakeOut(inbox string) error {
	path := f.Name()
	if !isIn(inbox, path) {
		return nil
	}
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	if !os.SameFile(f.as, there) || there.Size() != f.as.Size() || !there.ModTime().Equal(f.as.ModTime()) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take the file out of the inbox: %w", err)
	}
	return nil
}

func isIn(folder, path string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && !strings.HasPrefix(relative, "..")
}

// cancellable stops a long copy when its activity is cancelled.
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
