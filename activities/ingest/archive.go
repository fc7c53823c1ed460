package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
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
	file, err := inbox.Open(ctx, path, request.Totals.FileSHA256)
	if err != nil || file == nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // only read

	if err := file.Compress(ctx, a.folders.Archive, request.Totals.Reference+".cre.gz"); err != nil {
		return false, err
	}
	if err := a.reportSettled(ctx, request); err != nil {
		return false, err
	}
	return true, file.TakeOut(a.folders.Inbox)
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
