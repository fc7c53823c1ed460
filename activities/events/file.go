package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/reglo/reglo/domain/calendar"
)

// File is a sink that appends events to a file a day, as NDJSON. Pages of several
// processes on one folder never mix: each is written under a lock of the file.
type File struct {
	folder string
	clock  func() time.Time
	date   calendar.Date
	file   *os.File // nil when none is open
	end    int64    // where the last page of ours ended
}

// FileSinkName is under what the file sink's progress is kept.
const FileSinkName = "file"

// Events are business data: they are the worker's own, and nobody else's.
const (
	folderMode = 0o700
	fileMode   = 0o600
)

// NewFile makes the sink on a folder, which is made when it is not there. The
// clock says which day's file is written.
func NewFile(folder string, clock func() time.Time) *File {
	return &File{folder: folder, clock: clock}
}

// Name is [FileSinkName].
func (f *File) Name() string { return FileSinkName }

// FileName is the file of the events that were delivered on a date of Paris.
func FileName(date calendar.Date) string {
	return "ogep-events-" + date.String() + ".ndjson"
}

// Deliver appends the page and returns when it is on the disk. A page that could
// not be written whole is taken back.
func (f *File) Deliver(_ context.Context, page Page) (err error) {
	if err := f.open(calendar.DateOf(f.clock())); err != nil {
		return err
	}
	if err := lock(f.file); err != nil {
		return err
	}
	defer func() {
		if unlockErr := syscall.Flock(int(f.file.Fd()), syscall.LOCK_UN); unlockErr != nil && err == nil {
			err = fmt.Errorf("unlock %s: %w", f.file.Name(), unlockErr)
		}
		if err != nil {
			// What the kernel holds of a file after a failed write or sync is not to be trusted: begin again.
			err = errors.Join(err, f.Close())
		}
	}()

	start, err := f.cutTorn()
	if err != nil {
		return err
	}
	if _, err := f.file.Write(page.Frames); err != nil {
		return f.takeBack(start, fmt.Errorf("append %d bytes to %s: %w", len(page.Frames), f.file.Name(), err))
	}
	if err := f.file.Sync(); err != nil {
		return f.takeBack(start, fmt.Errorf("bring %s to disk: %w", f.file.Name(), err))
	}
	f.end = start + int64(len(page.Frames))
	return nil
}

// Close closes the day's file; the next page opens it again.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	name, err := f.file.Name(), f.file.Close()
	f.file = nil
	if err != nil {
		return fmt.Errorf("close %s: %w", name, err)
	}
	return nil
}

func (f *File) takeBack(start int64, cause error) error {
	if err := f.file.Truncate(start); err != nil {
		return errors.Join(cause, fmt.Errorf("take back what was written of the page: %w", err))
	}
	return cause
}

// open opens the date's file, unless it is the one that is open.
func (f *File) open(date calendar.Date) error {
	path := filepath.Join(f.folder, FileName(date))
	if f.file != nil && f.date == date && f.stands(path) {
		return nil
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := f.makeFolder(); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, fileMode)
	if err != nil {
		return fmt.Errorf("open the file of events: %w", err)
	}
	// A file whose name is not on the disk is lost with its content.
	if err := syncFolder(f.folder); err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.date, f.end = file, date, -1
	return nil
}

func (f *File) makeFolder() error {
	if _, err := os.Stat(f.folder); err == nil {
		return nil
	}
	if err := os.MkdirAll(f.folder, folderMode); err != nil {
		return fmt.Errorf("make the folder of events: %w", err)
	}
	return syncFolder(filepath.Dir(f.folder))
}

// stands tells whether the open file is still the one of that name: somebody may
// have moved it away or removed it.
func (f *File) stands(path string) bool {
	named, err := os.Stat(path)
	if err != nil {
		return false
	}
	opened, err := f.file.Stat()
	return err == nil && os.SameFile(named, opened)
}

// cutTorn takes away a last line that a crash left without its end, and returns
// where the file ends.
func (f *File) cutTorn() (int64, error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("look at the file of events: %w", err)
	}
	size := info.Size()
	if size == f.end {
		return size, nil
	}
	whole, err := lastLineEnd(f.file, size)
	if err != nil {
		return 0, fmt.Errorf("look for the last line of %s: %w", f.file.Name(), err)
	}
	if whole == size {
		return size, nil
	}
	if err := f.file.Truncate(whole); err != nil {
		return 0, fmt.Errorf("cut the torn last line of %s: %w", f.file.Name(), err)
	}
	return whole, nil
}

// lastLineEnd is the offset after the last line feed, 0 when there is none.
func lastLineEnd(file io.ReaderAt, size int64) (int64, error) {
	const step = 64 << 10
	var buffer [step]byte
	for end := size; end > 0; {
		start := max(end-step, 0)
		part := buffer[:end-start]
		if _, err := file.ReadAt(part, start); err != nil {
			return 0, fmt.Errorf("read back: %w", err)
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

func lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
	}
}

func syncFolder(path string) (err error) {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open folder: %w", err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("bring folder %s to disk: %w", path, err)
	}
	return nil
}
