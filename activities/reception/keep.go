package reception

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/reception/internal/db"
)

const (
	// MaxBytes is the largest file that is fetched: 1 GiB, several times the
	// largest that the vacations read. A partner must not fill the disk.
	MaxBytes = 1 << 30

	// fetching begins the names of files that are being fetched.
	fetching = ".fetching-"
	// abandoned is the age at which such a file is taken for one that a dead worker
	// left: no fetch lasts as long.
	abandoned = 24 * time.Hour

	// moveLock is the advisory lock under which files go into the work folder and
	// out of it: each time for a rename and the row that goes with it.
	moveLock = 0x72656376 // "recv"

	folderMode = 0o700 // files hold merchants' names and accounts
)

// ErrTooLarge is wrapped by errors for a file beyond [MaxBytes].
var ErrTooLarge = fmt.Errorf("is larger than %d bytes: nothing of it was kept; have the partner split it, or take it back", MaxBytes)

// The states of a file.
const (
	stateStored    = "STORED"
	stateRouted    = "ROUTED"
	stateHeld      = "HELD"
	stateDiscarded = "DISCARDED"
)

// path is where the bytes of that content stand until they are placed.
func (r *receiving) path(sum []byte) string {
	return filepath.Join(r.Folders.received(), hex.EncodeToString(sum))
}

// content is the number of the file that an offer is. An offer that can be told
// from all others is not fetched a second time.
func (r *receiving) content(ctx context.Context, partner Partner, offer channels.Offer) (int32, error) {
	if canBeTold(offer) {
		number, err := r.queries.KnownOffer(ctx, db.KnownOfferParams{
			Partner: partner.Name, Name: offer.Name, Transfer: offer.Transfer, Bytes: offer.Bytes, ModifiedAt: modified(offer),
		})
		if err == nil || !errors.Is(err, pgx.ErrNoRows) {
			return number, wrap("look for it among what came", err)
		}
	}
	return r.fetch(ctx, partner, offer)
}

// canBeTold tells that no other file of the partner makes the same offer: it has
// an identifier of its own, or the hour of its last change.
func canBeTold(offer channels.Offer) bool { return offer.Transfer != "" || !offer.ModifiedAt.IsZero() }

// modified is as exact as the database keeps it.
func modified(offer channels.Offer) time.Time { return offer.ModifiedAt.Truncate(time.Microsecond) }

func wrap(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// fetch has the content written to a file that nobody looks at, and keeps it.
func (r *receiving) fetch(ctx context.Context, partner Partner, offer channels.Offer) (int32, error) {
	if offer.Bytes > r.limit {
		return 0, ErrTooLarge
	}
	file, err := os.CreateTemp(r.Folders.received(), fetching+"*")
	if err != nil {
		return 0, fmt.Errorf("make a file for it: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone when it was kept
	taken := &writing{to: file, digest: sha256.New(), call: r}
	taken.keep = func() (int32, error) {
		return r.keep(ctx, partner, offer, fetchedFile{path: file.Name(), sum: taken.digest.Sum(nil), bytes: taken.bytes})
	}
	err = partner.Mailbox.Fetch(ctx, offer, taken)
	if err == nil {
		err = taken.Sync()
	}
	if taken.failed != nil { // whatever the mailbox made of it
		err = taken.failed
	}
	err = errors.Join(err, file.Close())
	if taken.number == 0 && err != nil {
		return 0, fmt.Errorf("fetch it: %w", err)
	}
	return taken.number, nil // once it is kept, what else becomes of the call changes nothing of it
}

// writing takes a content in, up to the limit.
type writing struct {
	to     *os.File
	digest hash.Hash
	call   *receiving
	bytes  int64
	failed error // the first
	// keep keeps what came, whole; number is not 0 from then on.
	keep   func() (int32, error)
	number int32
}

// errAfterEnd is a mailbox that has more of a content after it said that this was all.
var errAfterEnd = errors.New("its content went on after its end: nothing more of it was taken")

func (w *writing) Write(part []byte) (int, error) {
	switch {
	case w.number != 0:
		return 0, errAfterEnd
	case w.failed == nil && w.bytes+int64(len(part)) > w.call.limit:
		w.failed = ErrTooLarge
	}
	if w.failed != nil {
		return 0, w.failed
	}
	n, err := w.to.Write(part)
	w.bytes += int64(n)
	w.call.fetched.Add(int64(n))
	_, _ = w.digest.Write(part[:n]) // a hash takes everything
	if err != nil {
		w.failed = fmt.Errorf("write to the work folder: %w", err)
	}
	return n, w.failed
}

// Sync keeps what came as a whole: its bytes on the disk, its row in the
// database. A mailbox asks for it before it tells a partner that the content is
// kept, which may give it only once.
func (w *writing) Sync() error {
	if w.failed != nil || w.number != 0 {
		return w.failed
	}
	if err := w.to.Sync(); err != nil {
		w.failed = fmt.Errorf("keep it on the disk: %w", err)
		return w.failed
	}
	w.number, w.failed = w.keep()
	return w.failed
}

// fetchedFile is a content that is safely on the disk.
type fetchedFile struct {
	path  string
	sum   []byte
	bytes int64
}

// keep keeps the content once, and returns its number: first its bytes, under the
// name of their hash, then its row. A crash between the two leaves bytes that the
// next fetch writes over. A content that came before is counted, and its bytes
// kept again only if they were lost.
func (r *receiving) keep(ctx context.Context, partner Partner, offer channels.Offer, file fetchedFile) (number int32, err error) {
	fresh := false
	err = pgx.BeginFunc(ctx, r.Pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if err := queries.Lock(ctx, moveLock); err != nil {
			return fmt.Errorf("wait for those who move files: %w", err)
		}
		before, err := queries.CountAgain(ctx, r.Clock(), file.sum)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			number, err = r.keepNew(ctx, queries, partner, offer, file)
			fresh = true
		case err == nil:
			number, err = before.Number, r.restore(ctx, queries, before, file)
		}
		if err != nil || !canBeTold(offer) {
			return err
		}
		return queries.InsertOffer(ctx, db.InsertOfferParams{
			Partner: partner.Name, Name: offer.Name, Transfer: offer.Transfer, Bytes: offer.Bytes, ModifiedAt: modified(offer),
			File: number,
		})
	})
	if err != nil {
		return 0, fmt.Errorf("keep it: %w", err)
	}
	if fresh {
		r.result.Received++
	} else {
		r.result.Duplicates++
	}
	return number, nil
}

func (r *receiving) keepNew(
	ctx context.Context, queries *db.Queries, partner Partner, offer channels.Offer, file fetchedFile,
) (int32, error) {
	if err := r.keepBytes(file); err != nil {
		return 0, err
	}
	number, err := queries.InsertFile(ctx, db.InsertFileParams{
		Sha256: file.sum, Partner: partner.Name, Name: offer.Name, Transfer: offer.Transfer, Bytes: file.bytes, BytesSaid: offer.Bytes,
		At: r.Clock(),
	})
	return number, wrap("record it", err)
}

func (r *receiving) keepBytes(file fetchedFile) error {
	if err := os.Rename(file.path, r.path(file.sum)); err != nil {
		return fmt.Errorf("put its bytes into the work folder: %w", err)
	}
	return syncFolder(r.Folders.received())
}

// restore keeps bytes again that were lost before the file was placed.
func (r *receiving) restore(ctx context.Context, queries *db.Queries, before db.CountAgainRow, file fetchedFile) error {
	waits := before.State == stateHeld || before.State == stateStored && before.InboxName == ""
	if !waits {
		return nil
	}
	there, err := exists(r.path(file.sum))
	if err != nil || there {
		return err
	}
	if err := r.keepBytes(file); err != nil {
		return err
	}
	return wrap("record that its bytes came again", queries.Restore(ctx, before.Number))
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for it: %w", err)
	}
	return true, nil
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

// clear removes what dead workers left in the folder of files that are not
// placed, and puts those away that operators discarded.
func (r *receiving) clear(ctx context.Context) error {
	folder := r.Folders.received()
	if err := r.Folders.Archive.Resume(ctx, folder, func(as string) bool { return strings.HasPrefix(as, archivePrefix) }); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("look into the folder of received files: %w", err)
	}
	states, err := r.states(ctx, entries)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := r.clearOne(ctx, entry, states[entry.Name()]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear the folder of received files: %w", err)
		}
	}
	return nil
}

// states are those of the files in the folder, by their names; none for what is unknown.
func (r *receiving) states(ctx context.Context, entries []fs.DirEntry) (map[string]string, error) {
	var sums [][]byte
	for _, entry := range entries {
		if sum, err := inbox.ParseSum(entry.Name()); err == nil {
			sums = append(sums, sum[:])
		}
	}
	rows, err := r.queries.States(ctx, sums)
	if err != nil {
		return nil, fmt.Errorf("read the states of received files: %w", err)
	}
	states := make(map[string]string, len(rows))
	for _, row := range rows {
		states[row.Sha256] = row.State
	}
	return states, nil
}

func (r *receiving) clearOne(ctx context.Context, entry fs.DirEntry, state string) error {
	path := filepath.Join(r.Folders.received(), entry.Name())
	sum, err := inbox.ParseSum(entry.Name())
	isContent := err == nil
	switch {
	case isContent && state == stateDiscarded:
		_, err := r.Folders.Archive.Put(ctx, path, archivedAs(sum[:])+".discarded", sum)
		return err
	case isContent && state != "", !isContent && !strings.HasPrefix(entry.Name(), fetching):
		return nil // in use, or none of ours
	}
	info, err := entry.Info()
	if err != nil || r.Clock().Sub(info.ModTime()) <= abandoned {
		return wrap("look at a file", err)
	}
	return os.Remove(path) //nolint:wrapcheck // the caller says what it was doing
}

// archivePrefix begins the names under which the archive has what is said of
// received files, and those that were discarded.
const archivePrefix = "received."

// archivedAs is what the archive calls a content, without an ending.
func archivedAs(sum []byte) string {
	const digits = 8 // bytes of the hash: enough to tell the files of a lifetime apart
	return archivePrefix + hex.EncodeToString(sum[:digits])
}
