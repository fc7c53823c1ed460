package ingest

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
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/ingest/internal/db"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/domain/vacation"
)

// ArchiveFile keeps the file, compressed, with the report of what became of it,
// and takes it out of the inbox. A file that stands elsewhere stays there, and
// so does another file that came under the same name or, in a folder, with the
// same reference. Done before, it changes nothing.
func (a *Activities) ArchiveFile(ctx context.Context, request activities.ArchiveFileRequest) error {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageArchiving} })
	defer stop()

	if err := a.archive(ctx, request); err != nil {
		return fmt.Errorf("archive the file of settlement %s: %w", request.Run.ID.Key, err)
	}
	return part.NewFolder(a.folders.Work, request.Totals.FileSHA256).Remove()
}

func (a *Activities) archive(ctx context.Context, request activities.ArchiveFileRequest) error {
	paths, err := a.candidates(request.Path, request.Run.ID.Key)
	if _, full := errors.AsType[*vacation.Failure](err); full {
		return a.reportSettled(ctx, request) // the vacation has ended: whatever is the matter with the inbox is told to the next one
	}
	if err != nil {
		return err
	}
	for _, path := range paths {
		archived, err := a.archiveFrom(ctx, path, request)
		if err != nil || archived {
			return err
		}
	}
	return a.reportSettled(ctx, request)
}

// archiveFrom archives the file at the path, if it is the one that was settled.
func (a *Activities) archiveFrom(ctx context.Context, path string, request activities.ArchiveFileRequest) (archived bool, err error) {
	file, as, err := openSettled(ctx, path, request.Totals.FileSHA256)
	if err != nil || file == nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // only read

	if err := a.compress(ctx, file, request.Totals.Reference+".cre.gz"); err != nil {
		return false, err
	}
	if err := a.reportSettled(ctx, request); err != nil {
		return false, err
	}
	return true, a.takeOut(path, as)
}

// openSettled opens the file that was settled, and nothing when it is not there
// any more: archived before, or followed by another file of its name. as is what
// the file was before it was read.
func openSettled(ctx context.Context, path, hash string) (file *os.File, as fs.FileInfo, err error) {
	file, err = os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open file: %w", err)
	}
	if as, err = file.Stat(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("look at file: %w", err), file.Close())
	}
	digest := sha256.New()
	if _, err := io.Copy(digest, &cancellable{ctx: ctx, source: file}); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read file: %w", err), file.Close())
	}
	if hex.EncodeToString(digest.Sum(nil)) != hash {
		_ = file.Close() // only read
		return nil, nil, nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("go to the file's beginning: %w", err), file.Close())
	}
	return file, as, nil
}

// takeOut removes the file from the inbox, unless it stands elsewhere, or
// another one has taken its place or was written over it meanwhile.
func (a *Activities) takeOut(path string, as fs.FileInfo) error {
	if !a.isInInbox(path) {
		return nil
	}
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	if !os.SameFile(as, there) || there.Size() != as.Size() || !there.ModTime().Equal(as.ModTime()) {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take the file out of the inbox: %w", err)
	}
	return nil
}

// compress writes the archive under a temporary name and renames it when it is
// safely on the disk. One that is there was made before.
func (a *Activities) compress(ctx context.Context, source io.Reader, name string) error {
	target := filepath.Join(a.folders.Archive, name)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
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
func (a *Activities) reportSettled(ctx context.Context, request activities.ArchiveFileRequest) error {
	// The path may be a folder's: the settlement knows the file's own name.
	name, err := db.New(a.pool).FileName(ctx, request.Run.ID.String())
	if err != nil {
		return fmt.Errorf("read the settled file's name: %w", err)
	}
	content, err := json.MarshalIndent(struct {
		vacation.Totals

		FileName   string    `json:"fileName"`
		ArchivedAt time.Time `json:"archivedAt"`
	}{request.Totals, name, a.clock().UTC().Truncate(time.Second)}, "", "  ")
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
