// Package directory is a channel to a partner by way of a folder, from which a
// transmitter takes files away; it keeps them in the folder's sent/.
package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/domain/transfer"
)

// Sent is the folder, in the channel's, to which a transmitter moves the files
// that it took. They stay there: a file is looked up among them.
const Sent = "sent"

// folderMode: files hold merchants' names and accounts.
const folderMode = 0o700

// Channel puts files into a folder.
type Channel struct {
	folder string
}

// New makes the channel of a folder, which is made when it is missing.
func New(folder string) *Channel { return &Channel{folder: folder} }

// Send puts the file into the folder, complete or not at all, and never
// in the place of another one.
func (c *Channel) Send(ctx context.Context, file channels.File) (channels.Outcome, error) {
	written, digest, err := c.write(ctx, file)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("write %s: %w: %w", file.Name, channels.ErrNotSent, err)
	}
	defer func() { _ = os.Remove(written) }() // its other name stays

	path, err := c.find(file.Name)
	if err != nil {
		return channels.Outcome{}, fmt.Errorf("%w: %w", channels.ErrNotSent, err)
	}
	if path == "" {
		path = c.path(file.Name)
		// A link, unlike a rename, leaves a file that is there already.
		err = os.Link(written, path)
		if err == nil {
			return sent(path), c.sync()
		}
		if !errors.Is(err, fs.ErrExist) {
			return channels.Outcome{}, fmt.Errorf("put %s into the outbox: %w: %w", file.Name, channels.ErrNotSent, err)
		}
	}
	return compare(path, digest)
}

// LookUp says whether the file stands in the folder or was taken away, by its
// SHA-256: another one under its name is UNKNOWN. It is sure of a file that does
// not stand there: files appear whole.
func (c *Channel) LookUp(_ context.Context, file channels.File) (channels.Outcome, error) {
	if err := channels.CheckName(file.Name); err != nil {
		return channels.Outcome{}, fmt.Errorf("look up: %w", err)
	}
	path, err := c.find(file.Name)
	if err != nil {
		return channels.Outcome{}, err
	}
	if path == "" {
		// A folder that is not there, such as one that is not mounted, tells nothing.
		if _, err := os.Stat(c.folder); err != nil {
			return channels.Outcome{}, fmt.Errorf("look into the outbox: %w", err)
		}
		return channels.Outcome{State: transfer.Prepared, Detail: "no file of that name in the outbox"}, nil
	}
	return compare(path, file.SHA256[:])
}

// compare says what a file that stands there is to ours: SENT when it is the same.
func compare(path string, digest []byte) (channels.Outcome, error) {
	same, err := holds(path, digest)
	switch {
	case err != nil:
		return channels.Outcome{}, err
	case !same:
		return channels.Outcome{
			State: transfer.Unknown, Detail: "another file stands in the outbox under its name: compare the two, and decide",
		}, nil
	default:
		return sent(path), nil
	}
}

func sent(path string) channels.Outcome {
	return channels.Outcome{State: transfer.Sent, Detail: "file " + filepath.Base(path)}
}

func (c *Channel) path(name string) string { return filepath.Join(c.folder, name) }

// find gives the file's place, empty for none. A transmitter moves
// it from the first place to the second, so they are looked at in this order.
func (c *Channel) find(name string) (string, error) {
	for _, path := range []string{c.path(name), filepath.Join(c.folder, Sent, name)} {
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for the file: %w", err)
		}
	}
	return "", nil
}

// write writes the file under a temporary name, safely on the disk.
func (c *Channel) write(
	ctx context.Context, content channels.File,
) (path string, digest []byte, err error) {
	if err := channels.CheckName(content.Name); err != nil {
		return "", nil, fmt.Errorf("name a file: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(c.folder, Sent), folderMode); err != nil {
		return "", nil, fmt.Errorf("make the outbox: %w", err)
	}
	if err := c.clear(content.Name); err != nil {
		return "", nil, err
	}
	file, err := os.CreateTemp(c.folder, "."+content.Name+".*")
	if err != nil {
		return "", nil, fmt.Errorf("begin a file: %w", err)
	}
	hash := sha256.New()
	err = content.Write(io.MultiWriter(file, hash))
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name()) // what is left is cleared by the next attempt
		return "", nil, err
	}
	return file.Name(), hash.Sum(nil), nil
}

// clear removes what attempts that died have left of this file.
func (c *Channel) clear(name string) error {
	left, err := filepath.Glob(filepath.Join(c.folder, "."+name+".*"))
	if err != nil {
		return fmt.Errorf("look for earlier attempts: %w", err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear an earlier attempt: %w", err)
		}
	}
	return nil
}

// sync makes the folder's entries safe on the disk.
func (c *Channel) sync() error {
	folder, err := os.Open(c.folder)
	if err != nil {
		return fmt.Errorf("open the outbox: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("keep the outbox on the disk: %w", err)
	}
	return nil
}

// holds tells whether a file has that SHA-256.
func holds(path string, digest []byte) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return false, fmt.Errorf("read the file: %w", err)
	}
	return bytes.Equal(hash.Sum(nil), digest), nil
}
