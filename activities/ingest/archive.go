package ingest

import (
	"context"
	"errors"
	"fmt"
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
	if err := a.reportSettled(ctx, request); err != nil {
		return err
	}
	content, err := inbox.ParseSum(request.Totals.FileSHA256)
	if err != nil {
		return err
	}
	archived, as := inbox.Archive(a.folders.Archive), request.Totals.Reference+".cre"
	if inbox.IsFolder(request.Path) {
		// What left the inbox under the hands of a worker that died is no candidate.
		if err := archived.Resume(ctx, request.Path, func(left string) bool { return left == as }); err != nil {
			return err
		}
	}
	for _, path := range paths {
		keep := archived.Keep
		if inbox.Within(a.folders.Inbox, path) {
			keep = archived.Put
		}
		if done, err := keep(ctx, path, as, content); err != nil || done {
			return err
		}
	}
	return nil
}

// reportSettled writes what became of the file beside its archive.
func (a *Activities) reportSettled(ctx context.Context, request activities.ArchiveFileRequest) error {
	// The path may be a folder's: the settlement knows the file's own name.
	name, err := db.New(a.pool).FileName(ctx, request.Run.ID.String())
	if err != nil {
		return fmt.Errorf("read the settled file's name: %w", err)
	}
	_, err = inbox.Archive(a.folders.Archive).Report(request.Totals.Reference+".settled.json", struct {
		vacation.Totals

		FileName   string    `json:"fileName"`
		ArchivedAt time.Time `json:"archivedAt"`
	}{request.Totals, name, a.clock().UTC().Truncate(time.Second)})
	return err
}
