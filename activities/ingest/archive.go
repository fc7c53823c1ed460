package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/vacation"
)

// ArchiveFile keeps the file, compressed, with the report of what became of it,
// and takes it out of the inbox. A file that stands elsewhere stays there. Done
// before, it changes nothing.
func (a *Activities) ArchiveFile(ctx context.Context, request activities.ArchiveFileRequest) error {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageArchiving} })
	defer stop()

	target := filepath.Join(a.folders.Archive, request.Totals.Reference+".cre.gz")
	err := a.compress(ctx, request, target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("archive the file of settlement %s: %w", request.Run.ID.Key, err)
	}
	if err := a.reportSettled(request); err != nil {
		return fmt.Errorf("archive the file of settlement %s: %w", request.Run.ID.Key, err)
	}
	if a.isInInbox(request.Path) {
		if err := os.Remove(request.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take the file of settlement %s out of the inbox: %w", request.Run.ID.Key, err)
		}
	}
	return part.NewFolder(a.folders.Work, request.Totals.FileSHA256).Remove()
}

// compress writes the archive under a temporary name and renames it when it is
// safely on the disk. A missing file is one that was archived before.
func (a *Activities) compress(ctx context.Context, request activities.ArchiveFileRequest, target string) error {
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	source, err := os.Open(request.Path)
	if err != nil {
		return fmt.Errorf("open file: %w", err)
	}
	defer func() { _ = source.Close() }() // only read

	temporary, err := os.CreateTemp(a.folders.Archive, "writing-*")
	if err != nil {
		return fmt.Errorf("make archive: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone when it was renamed
	// The fastest level: an archive is read once in a blue moon.
	compressor, err := gzip.NewWriterLevel(temporary, gzip.BestSpeed)
	if err != nil {
		return errors.Join(fmt.Errorf("make archive: %w", err), temporary.Close())
	}
	_, err = io.Copy(compressor, &cancellable{ctx: ctx, source: source})
	err = errors.Join(err, compressor.Close(), temporary.Sync(), temporary.Close())
	if err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	if err := os.Rename(temporary.Name(), target); err != nil {
		return fmt.Errorf("put archive in place: %w", err)
	}
	return syncFolder(a.folders.Archive)
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

// reportSettled writes what became of the file beside its archive.
func (a *Activities) reportSettled(request activities.ArchiveFileRequest) error {
	content, err := json.MarshalIndent(struct {
		vacation.Totals

		FileName   string    `json:"fileName"`
		ArchivedAt time.Time `json:"archivedAt"`
	}{request.Totals, filepath.Base(request.Path), a.clock().UTC().Truncate(time.Second)}, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	path := filepath.Join(a.folders.Archive, request.Totals.Reference+".settled.json")
	if err := os.WriteFile(path, append(content, '\n'), fileMode); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (a *Activities) isInInbox(path string) bool {
	relative, err := filepath.Rel(a.folders.Inbox, path)
	return err == nil && !strings.HasPrefix(relative, "..")
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
