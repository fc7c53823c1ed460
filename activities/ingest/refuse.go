package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/ingest/internal/db"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// refuse reports a file that its controls refuse. One that stops before its end
// and changed just now, before the cut-off, is being written: it counts as not
// found yet.
func (l *loading) refuse(faults *fault.Faults) (activities.LoadFileResult, error) {
	if faults.Incomplete() && l.activities.clock().Before(l.request.CutOff) {
		settled, err := inbox.Settled(l.path, l.activities.clock())
		if err != nil || !settled {
			return activities.LoadFileResult{}, err
		}
	}
	path, err := l.report(faults)
	if err != nil {
		return activities.LoadFileResult{}, err
	}
	code := vacation.FileInvalid
	if only := faults.ByCode[fault.CodeDuplicateCre]; only == faults.Count {
		code = vacation.DuplicateLine
	}
	return activities.LoadFileResult{}, vacation.Fail(code, "%s. Report: %s", faults, path)
}

// linesAQuery is how many creIds are looked up at once.
const linesAQuery = 5_000

// explainDuplicate reads the file again to say that it is another settlement's
// or, where it is this one's, which of its creIds were accepted before:
// PostgreSQL named one of them only.
func (l *loading) explainDuplicate(ctx context.Context) error {
	queries := db.New(l.activities.pool)
	known, err := queries.LockSettlement(ctx, l.request.Run.ID.String())
	if err != nil {
		return fmt.Errorf("read settlement: %w", err)
	}
	faults := &fault.Faults{File: l.name}
	numbers := make(map[string]int, linesAQuery)
	summary, err := settlement.Read(l.name, l.file, l.activities.layout, func(line *settlement.Line) error {
		numbers[string(line.CreID)] = line.Number
		if len(numbers) < linesAQuery {
			return nil
		}
		return l.lookUp(ctx, numbers, faults)
	})
	if found, bad := errors.AsType[*fault.Faults](err); bad {
		_, err := l.refuse(found)
		return err
	}
	if err != nil {
		return fmt.Errorf("read %s again for its duplicates: %w", l.name, err)
	}
	if err := l.identify(ctx, queries, known, summary); err != nil {
		return err
	}
	if err := l.lookUp(ctx, numbers, faults); err != nil {
		return err
	}
	if faults.Count == 0 {
		return fmt.Errorf("%s held a creId that was known a moment ago and is not now: try again", l.name)
	}
	faults.Sort()
	path, err := l.report(faults)
	if err != nil {
		return err
	}
	return vacation.Fail(vacation.DuplicateLine, "%s. Report: %s", faults, path)
}

// lookUp adds a fault for each of the creIds that was accepted before, and forgets them.
func (l *loading) lookUp(ctx context.Context, numbers map[string]int, faults *fault.Faults) error {
	ids := make([]string, 0, len(numbers))
	for id := range numbers {
		ids = append(ids, id)
	}
	rows, err := db.New(l.activities.pool).KnownLines(ctx, ids)
	if err != nil {
		return fmt.Errorf("look creIds up: %w", err)
	}
	for _, row := range rows {
		faults.Add(fault.Fault{
			// The header is a file's first line.
			Line: numbers[row.CreID] + 1, Field: "creId", Value: row.CreID, Code: fault.CodeDuplicateCre,
			Reason: fmt.Sprintf("was settled before: line %d of the file of settlement %s", row.Line+1, row.Reference),
		})
	}
	clear(numbers)
	return nil
}

// report writes all that is kept of the faults beside the archive and returns its path.
func (l *loading) report(faults *fault.Faults) (string, error) {
	folder := inbox.Archive(l.activities.folders.Archive)
	return folder.Report(fmt.Sprintf("%s.run%d.refused.json", l.request.Run.ID.Key, l.request.Run.Number), faults)
}
