package pesitrest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/reglo/reglo/activities/channels"
)

// fileMode lets the product's own user read files, by a group that it shares with
// ours; nobody else does.
const fileMode = 0o640

// folder is where we and the product give each other files.
type folder struct {
	ours   string
	theirs string
}

func (f folder) path(name string) string { return filepath.Join(f.ours, name) }

// atPeer is a file's path as the product has it.
func (f folder) atPeer(name string) string { return path.Join(f.theirs, name) }

// put writes a file, whole or not at all, in the place of one that an earlier attempt
// has left.
func (f folder) put(ctx context.Context, content channels.File) error {
	if err := f.clear(content.Name); err != nil {
		return err
	}
	file, err := os.CreateTemp(f.ours, "."+content.Name+".*")
	if err != nil {
		return fmt.Errorf("begin a file for the product: %w", err)
	}
	to := newExact(file, content)
	err = content.Write(to)
	if err == nil {
		err = errors.Join(to.check(), ctx.Err())
	}
	if err == nil {
		err = errors.Join(file.Chmod(fileMode), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.path(content.Name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the file for the product: %w", err), f.remove(filepath.Base(file.Name())))
	}
	return nil
}

// clear removes what attempts that died have left of a file.
func (f folder) clear(name string) error {
	left, err := filepath.Glob(filepath.Join(f.ours, "."+name+".*"))
	if err != nil {
		return fmt.Errorf("look for earlier attempts: %w", err)
	}
	for _, path := range left {
		if err := f.remove(filepath.Base(path)); err != nil {
			return err
		}
	}
	return nil
}

// open opens a file that the product has written. What leads out of the folder, or
// is no file, is not opened.
func (f folder) open(name string) (*os.File, error) {
	if _, found := f.size(name); !found {
		return nil, fmt.Errorf("no file of that name in the folder: %w", fs.ErrNotExist)
	}
	file, err := os.OpenInRoot(f.ours, name)
	if err != nil {
		return nil, fmt.Errorf("open it in the folder: %w", err)
	}
	return file, nil
}

// size of a file, in bytes, if there is one and not something else.
func (f folder) size(name string) (bytes int64, found bool) {
	info, err := os.Lstat(f.path(name))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// remove takes a file away; one that is not there is no error.
func (f folder) remove(name string) error {
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear a file away: %w", err)
	}
	return nil
}

// ErrContent is content that is not what the file was said to have.
var ErrContent = errors.New("the content has not the size and the SHA-256 that it was said to have")

// exact passes on a file's content, and no byte more than it was said to have.
type exact struct {
	to   io.Writer
	file channels.File
	left int64
	hash hash.Hash
}

func newExact(to io.Writer, file channels.File) *exact {
	return &exact{to: to, file: file, left: file.Bytes, hash: sha256.New()}
}

func (e *exact) Write(p []byte) (int, error) {
	if int64(len(p)) > e.left {
		return 0, ErrContent
	}
	_, _ = e.hash.Write(p) // a hash takes everything
	n, err := e.to.Write(p)
	e.left -= int64(n)
	if err != nil {
		return n, fmt.Errorf("pass the content on: %w", err)
	}
	return n, nil
}

// check is nil when all has passed.
func (e *exact) check() error {
	if e.left != 0 || !bytes.Equal(e.hash.Sum(nil), e.file.SHA256[:]) {
		return ErrContent
	}
	return nil
}
