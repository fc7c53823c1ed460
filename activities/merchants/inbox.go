package merchants

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
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/vacation"
)

// Activities loads the snapshots of the inbox.
type Activities struct {
	pool    *pgxpool.Pool
	archive inbox.Archive
	actors  operator.Actors
	guard   Guard
	clock   func() time.Time
}

// Guard is how snapshots are read, and what they may do by themselves.
type Guard struct {
	// MaxClosedPercent is the share of the open CPs that a snapshot may close
	// without an operator; see [MaxClosedPercent].
	MaxClosedPercent int
	// Layout reads a site's own file; without one, it is ogep-merchants/1.
	Layout merchant.Layout
}

// New makes the activities. archived is the folder of snapshots that were dealt
// with, shared by all workers; actors may let a mass closure pass; clock gives
// the hour of a loading.
func New(
	pool *pgxpool.Pool, archived inbox.Archive, actors operator.Actors, guard Guard, clock func() time.Time,
) *Activities {
	return &Activities{pool: pool, archive: archived, actors: actors, guard: guard, clock: clock}
}

// Register makes the activity known to a worker under the contract's name.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	registry.RegisterActivityWithOptions(a.LoadMerchants, activity.RegisterOptions{Name: activities.LoadMerchantsName})
}

const (
	// stepLoad is the step under which a loading is committed, its item being the
	// snapshot's number.
	stepLoad = "merchants"
	// settleTime is how long a snapshot must not have changed before it is read: it
	// has no trailer, so that nothing else tells that it is complete. Slower writers
	// put it in place by a rename.
	settleTime = 2 * time.Second
	// settleLook is how often one that is too young is looked at again.
	settleLook = 100 * time.Millisecond

	everyPercent = 100
)

// LoadMerchants loads what stands in the inbox, each snapshot in one
// transaction with the operator's answer that let it pass.
func (a *Activities) LoadMerchants(
	ctx context.Context, request activities.LoadMerchantsRequest,
) (activities.LoadMerchantsResult, error) {
	stop := heartbeat.Start(ctx, func() any { return vacation.Progress{Stage: vacation.StageMerchants} })
	defer stop()
	result, err := a.loadAll(ctx, request)
	if err != nil {
		return activities.LoadMerchantsResult{}, activities.Failed("load the merchants", err)
	}
	return result, nil
}

func (a *Activities) loadAll(
	ctx context.Context, request activities.LoadMerchantsRequest,
) (activities.LoadMerchantsResult, error) {
	var result activities.LoadMerchantsResult
	if err := a.archive.Resume(ctx, request.Inbox, archiveName.MatchString); err != nil {
		return result, err
	}
	files, err := inbox.Series(request.Inbox, digits)
	if err != nil {
		return result, err
	}
	for _, file := range files {
		waits, err := a.loadFile(ctx, request, inboxFile{file})
		if err != nil {
			return result, err
		}
		if waits != nil {
			result.Waits, result.WaitsFor = waits.closure.Error(), hex.EncodeToString(waits.sum[:])
			break // its successors wait for it
		}
	}
	const inForce = `select coalesce(max(sequence), 0), (select count(*) from batch where scope = $1 and step = $2) from merchant_snapshot`
	err = a.pool.QueryRow(ctx, inForce, request.Run.ID.String(), stepLoad).Scan(&result.Snapshot, &result.Loaded)
	if err != nil {
		return result, fmt.Errorf("read the last snapshot: %w", err)
	}
	if result.Snapshot == 0 && result.Waits == "" {
		return result, vacation.Fail(vacation.MerchantsMissing,
			"no merchants were ever loaded, and %s holds no Merchants.<sequence>.csv: put the first one there, then run this again",
			request.Inbox)
	}
	return result, nil
}

var (
	fileName = regexp.MustCompile(`^Merchants\.(\d{1,9})\.csv$`)
	// archiveName is a snapshot that was dealt with, loaded or refused.
	archiveName = regexp.MustCompile(`^Merchants\.\d{6,9}\.csv(\.refused-[0-9a-f]{12})?$`)
)

// inboxFile is a snapshot in the inbox, as its name says.
type inboxFile struct{ inbox.Numbered }

// as is the name of its archive, however the file's own writes its number.
func (f inboxFile) as() string { return fmt.Sprintf("Merchants.%06d.csv", f.Number) }

// digits are the number of a snapshot in its name.
func digits(name string) string {
	if found := fileName.FindStringSubmatch(name); found != nil {
		return found[1]
	}
	return ""
}

// waiting is a snapshot that an operator has to look at.
type waiting struct {
	closure *ClosureError
	sum     [sha256.Size]byte
}

// loadFile deals with one snapshot: it is loaded, put away as one that was, or
// as one that an operator refused, or it waits.
func (a *Activities) loadFile(ctx context.Context, request activities.LoadMerchantsRequest, file inboxFile) (*waiting, error) {
	if err := a.settled(ctx, file.Path); err != nil {
		return nil, err
	}
	sum, err := a.content(ctx, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // put away meanwhile
	}
	if err != nil {
		return nil, err
	}
	content := hex.EncodeToString(sum[:])
	if content == request.Skipped {
		return nil, a.skip(ctx, request, file, sum)
	}
	again, err := a.archive.Holds(file.Path, file.as())
	if err != nil {
		return nil, err
	}
	result, err := a.load(ctx, request, file, content)
	if closure, guarded := errors.AsType[*ClosureError](err); guarded {
		return &waiting{closure: closure, sum: sum}, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, a.failure(request.Run, file, err)
	}
	if result.Again && again {
		return nil, vacation.Fail(vacation.FileInvalid,
			"%s: snapshot %d was loaded already, with the same content; nothing was changed: take the file out of the inbox",
			file.Name(), file.Number)
	}
	_, err = a.archive.Put(ctx, file.Path, file.as(), sum)
	return nil, err
}

// load loads the snapshot and journals the answer that let it pass.
func (a *Activities) load(
	ctx context.Context, request activities.LoadMerchantsRequest, file inboxFile, content string,
) (Result, error) {
	snapshot := Snapshot{
		Name: file.Name(), Sequence: file.Number, Layout: a.guard.Layout, MaxClosedPercent: a.guard.MaxClosedPercent,
		Open: func() (io.ReadCloser, error) { return inbox.Open(file.Path) },
	}
	approved := content == request.Approved
	if approved {
		snapshot.MaxClosedPercent = everyPercent
	}
	var result Result
	err := postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		load := load{tx: tx, snapshot: snapshot, now: a.clock()}
		var err error
		if result, err = load.run(ctx); err != nil {
			return err
		}
		if approved {
			if err := a.journal(ctx, tx, request, actApprove, file, "loaded"); err != nil {
				return err
			}
		}
		if result.Again {
			return nil
		}
		if result.SHA256 != content {
			return fmt.Errorf("%s changed while it was read", file.Name())
		}
		hash, err := hex.DecodeString(content)
		if err != nil {
			return fmt.Errorf("content of %s: %w", file.Name(), err)
		}
		key := postgres.Key{Scope: request.Run.ID.String(), Step: stepLoad, Item: file.Number, Input: [sha256.Size]byte(hash)}
		_, _, err = postgres.BeginBatch(ctx, tx, request.Run.Number, key, a.clock().Truncate(time.Millisecond))
		return err
	})
	return result, err
}

// The acts by which an operator answers a snapshot that waits.
const (
	actApprove = "approve"
	actRefuse  = "refuse"
)

// skip journals that an operator refused the snapshot, and puts it away as such.
// Its number is free for the one that the sender corrects.
func (a *Activities) skip(
	ctx context.Context, request activities.LoadMerchantsRequest, file inboxFile, sum [sha256.Size]byte,
) error {
	err := postgres.InRun(ctx, a.pool, request.Run.Number, func(tx pgx.Tx) error {
		return a.journal(ctx, tx, request, actRefuse, file, "refused")
	})
	if err != nil {
		return fmt.Errorf("refuse %s: %w", file.Name(), err)
	}
	const digits = 12 // enough to tell the snapshots apart that were refused under one number
	_, err = a.archive.Put(ctx, file.Path, file.as()+".refused-"+hex.EncodeToString(sum[:])[:digits], sum)
	return err
}

func (a *Activities) journal(
	ctx context.Context, tx pgx.Tx, request activities.LoadMerchantsRequest, act string, file inboxFile, after string,
) error {
	_, err := a.actors.Record(ctx, tx, operator.Act{
		Vacation: request.Run.Number, Act: act, Subject: file.as(), Before: "waits: closes more payment accounts than it may by itself",
		After: after, Answer: request.Answer, At: a.clock().Truncate(time.Millisecond),
	})
	return err
}

// failure makes the typed failure of what Load returned, where there is one.
func (a *Activities) failure(run activities.Run, file inboxFile, err error) error {
	if gap, is := errors.AsType[*SequenceError](err); is {
		return vacation.Fail(vacation.SnapshotGap, "%s", gap)
	}
	if conflict, is := errors.AsType[*ConflictError](err); is {
		return vacation.Fail(vacation.FileInvalid, "%s", conflict)
	}
	if bad, is := errors.AsType[*inbox.UnreadableError](err); is {
		return vacation.Fail(vacation.FileInvalid, "%s", bad)
	}
	faults, is := errors.AsType[*fault.Faults](err)
	if !is {
		return err
	}
	report, err := a.archive.Report(fmt.Sprintf("%s.run%d.refused.json", file.as(), run.Number), faults)
	if err != nil {
		return err
	}
	return vacation.Fail(vacation.FileInvalid, "%s. Report: %s", faults, report)
}

// content is the SHA-256 of the file.
func (a *Activities) content(ctx context.Context, file inboxFile) (sum [sha256.Size]byte, err error) {
	opened, err := inbox.Open(file.Path)
	if bad, is := errors.AsType[*inbox.UnreadableError](err); is {
		return sum, vacation.Fail(vacation.FileInvalid, "%s", bad)
	}
	if err != nil {
		return sum, err
	}
	defer func() { _ = opened.Close() }() // only read
	return inbox.Sum(ctx, opened)
}

// settled returns when the file has not changed for a moment, or is gone. A file
// dated in the future is not being written now.
func (a *Activities) settled(ctx context.Context, path string) error {
	ticker := time.NewTicker(settleLook)
	defer ticker.Stop()
	for {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look at %s: %w", filepath.Base(path), err)
		}
		if a.clock().Sub(info.ModTime()).Abs() >= settleTime {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", filepath.Base(path), ctx.Err())
		case <-ticker.C:
		}
	}
}
