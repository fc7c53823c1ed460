package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// lookEvery is how often a file that is missing is looked for.
const lookEvery = time.Second

// AwaitFile returns when a file stands at the path, or in the folder that the
// path names, and has stopped changing. At the cut-off whatever stands there is
// taken for the file: its controls say better than a missing file what is wrong
// with it.
func (a *Activities) AwaitFile(ctx context.Context, request activities.AwaitFileRequest) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		late := !a.clock().Before(request.CutOff)
		ready, err := a.isThere(request.Path, request.Reference, late)
		if err != nil {
			return activities.Failed("look for "+request.Path, err)
		}
		if ready {
			return nil
		}
		if late {
			return activities.Final(vacation.Fail(vacation.FileMissing,
				"no file %s by the cut-off, %s: put it there and run this vacation again",
				where(request.Path, request.Reference), request.CutOff.In(calendar.Paris()).Format("2006-01-02 15:04 MST")))
		}
		activity.RecordHeartbeat(ctx)
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", filepath.Base(request.Path), ctx.Err())
		case <-ticker.C:
		}
	}
}

// where says in a failure where the file was looked for.
func where(path, reference string) string {
	if inbox.IsFolder(path) {
		return "of reference " + reference + " in " + path
	}
	return "at " + path
}

// isThere tells whether the file that the path stands for is there and ready.
func (a *Activities) isThere(path, reference string, late bool) (bool, error) {
	file, err := a.resolve(path, reference)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	settled, err := inbox.Settled(file, a.clock())
	if err != nil || settled || !late {
		return settled, err
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look at file: %w", err)
	}
	return true, nil
}
