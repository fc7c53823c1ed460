package reception

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/reception/internal/db"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/fault"
)

// placeTries bounds how often a name is chosen anew, because somebody else put a
// file of that name into the inbox meanwhile.
const placeTries = 3

// placeAll places all files that are stored.
func (r *receiving) placeAll(ctx context.Context) error {
	stored, err := r.queries.Stored(ctx, 0)
	if err != nil {
		return fmt.Errorf("read the files that are to be placed: %w", err)
	}
	for _, file := range stored {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.placeOne(ctx, file); err != nil {
			r.note(maskedError{err})
		}
	}
	return nil
}

// place places the file of that number, unless it was before.
func (r *receiving) place(ctx context.Context, number int32) error {
	stored, err := r.queries.Stored(ctx, number)
	if err != nil {
		return fmt.Errorf("read the file that is to be placed: %w", err)
	}
	for _, file := range stored { // one, or none
		if err := r.placeOne(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// placeOne controls a file and puts it into the inbox, or has it wait for an operator.
func (r *receiving) placeOne(ctx context.Context, file db.StoredRow) error {
	found, err := r.examine(ctx, file)
	if err != nil {
		return fmt.Errorf("control file %d of %s: %w", file.Number, file.Partner, err)
	}
	for range placeTries {
		placed := &placing{receiving: r, number: file.Number, verdict: found}
		if err := placed.decide(ctx); err != nil {
			return fmt.Errorf("place file %d of %s: %w", file.Number, file.Partner, err)
		}
		if placed.done {
			return nil
		}
		if err := placed.move(ctx); err != nil {
			return fmt.Errorf("put file %d of %s into the inbox: %w", file.Number, file.Partner, err)
		}
		if placed.done {
			return nil
		}
	}
	return fmt.Errorf("put file %d of %s into the inbox: others put files there under its name all the time", file.Number, file.Partner)
}

// verdict is what the controls of a file say.
type verdict struct {
	format   delivery.Format
	kind     delivery.Kind // empty where nothing tells it
	sequence int           // the number of a Payline file
	held     string        // why it cannot be used, empty if it can
}

// examine reads the whole file, if it is there.
func (r *receiving) examine(ctx context.Context, file db.StoredRow) (verdict, error) {
	opened, err := os.Open(r.path(file.Sha256))
	if errors.Is(err, fs.ErrNotExist) {
		return verdict{}, nil // placed, or lost: see decide
	}
	if err != nil {
		return verdict{}, fmt.Errorf("open it: %w", err)
	}
	defer func() { _ = opened.Close() }() // only read
	source := &cancellable{ReadSeeker: opened, ctx: ctx}
	var found verdict
	if found.format, err = r.Reader.Recognise(source); err != nil {
		return verdict{}, err
	}
	found.kind = found.format.Kind()
	if file.SaidKind != "" {
		found.kind = delivery.Kind(file.SaidKind)
	}
	if found.kind == "" {
		found.held = unknown(found.format, file.Bytes)
		return found, nil
	}
	found.sequence, err = r.Reader.Read(inbox.Shown(file.Name), source, found.kind, r.date)
	useless, isUseless := errors.AsType[*delivery.UselessError](err)
	faults, damaged := errors.AsType[*fault.Faults](err)
	switch {
	case damaged:
		report, failed := r.Folders.Archive.Report(archivedAs(file.Sha256)+".refused.json", faults)
		found.held = fmt.Sprintf("%s. Report: %s", err, report)
		return found, failed
	case isUseless:
		found.held = useless.Reason + ": discard it, or have its partner send what it should hold"
		return found, nil
	case err != nil:
		return verdict{}, err
	}
	// A snapshot has no end of its own that would tell that it is whole.
	if found.kind == delivery.Merchants && file.SaidKind == "" && file.BytesSaid >= 0 && file.BytesSaid != file.Bytes {
		found.held = fmt.Sprintf("has %d bytes, its partner spoke of %d: see that it is whole, and say so by `starter received route`",
			file.Bytes, file.BytesSaid)
	}
	return found, nil
}

// unknown says why nobody can use a file whose kind nothing tells.
func unknown(format delivery.Format, bytes int64) string {
	const what = "say what it is by `starter received route`, or discard it"
	switch {
	case bytes == 0:
		return "is empty: discard it, and ask its partner for the whole file"
	case format == "":
		return "is of no format that is known here: " + what
	default:
		return fault.Printable([]byte(format)) + ", which no vacation reads: " + what
	}
}

// cancellable stops a long reading when its activity is cancelled.
type cancellable struct {
	io.ReadSeeker

	ctx context.Context //nolint:containedctx // an io.Reader has no other way to hear of it
}

func (c *cancellable) Read(into []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.ReadSeeker.Read(into) //nolint:wrapcheck // the reader says what it reads
}

// placing is the placing of one file: its name is decided on, and committed,
// before it is moved. The move is one rename out of the work folder: where the
// bytes are gone from there, it has happened.
type placing struct {
	*receiving
	verdict

	number  int32
	queries *db.Queries
	row     db.LockFileRow
	name    string // decided on
	done    bool
}

// locked runs a step alone, and not at all once the file is no longer stored.
func (p *placing) locked(ctx context.Context, step func() error) error {
	//nolint:wrapcheck // the caller says what it was doing
	return pgx.BeginFunc(ctx, p.Pool, func(tx pgx.Tx) error {
		p.queries = db.New(tx)
		if err := p.queries.Lock(ctx, moveLock); err != nil {
			return fmt.Errorf("wait for those who move files: %w", err)
		}
		var err error
		if p.row, err = p.queries.LockFile(ctx, p.number); err != nil {
			return fmt.Errorf("read its state: %w", err)
		}
		if p.row.State != stateStored {
			p.done = true // another worker, or an operator
			return nil
		}
		return step()
	})
}

// decide has the file wait for an operator, or decides on its name.
func (p *placing) decide(ctx context.Context) error {
	held, moved := false, false
	err := p.locked(ctx, func() error {
		there, err := exists(p.path(p.row.Sha256))
		switch {
		case err != nil:
			return err
		case !there && p.row.InboxName != "":
			p.done, moved = true, true
			return wrap("record that it was placed", p.queries.Route(ctx, p.Clock(), p.number))
		case !there:
			return p.lost(ctx)
		}
		if p.held == "" {
			if p.name, p.held, err = p.choose(ctx); err != nil {
				return err
			}
		}
		if p.held != "" {
			p.done, held = true, true
			return p.hold(ctx, p.held)
		}
		return wrap("record its name", p.queries.Place(ctx, db.PlaceParams{
			Kind: string(p.kind), Format: string(p.format), InboxName: p.name, Number: p.number,
		}))
	})
	if err != nil {
		return err
	}
	if held {
		p.result.Held++
	}
	p.moved = p.moved || moved
	return nil
}

func (p *placing) hold(ctx context.Context, why string) error {
	return wrap("record why it waits", p.queries.Hold(ctx, db.HoldParams{
		Kind: string(p.kind), Format: fault.Printable([]byte(p.format)), Detail: why, Number: p.number,
	}))
}

// lost has a file wait whose bytes somebody took away. They may come again.
func (p *placing) lost(ctx context.Context) error {
	p.done = true
	if err := p.queries.ForgetOffers(ctx, p.number); err != nil {
		return fmt.Errorf("forget where it came from: %w", err)
	}
	return p.hold(ctx, "its bytes are gone from "+p.Folders.received()+": see that all workers share that folder, "+
		"and ask its partner to send it again")
}

// move puts the file where it was decided. It is not done when somebody else put
// a file there under that name meanwhile.
func (p *placing) move(ctx context.Context) error {
	moved := false
	err := p.locked(ctx, func() error {
		from := p.path(p.row.Sha256)
		there, err := exists(from)
		if err != nil {
			return err
		}
		if there {
			taken, err := p.stands(p.row.InboxName)
			if err != nil || taken {
				return err
			}
			if err := p.rename(from, p.row.InboxName); err != nil {
				return err
			}
		}
		p.done, moved = true, true
		return wrap("record that it was placed", p.queries.Route(ctx, p.Clock(), p.number))
	})
	p.moved = p.moved || moved && err == nil
	return err
}

func (p *placing) rename(from, name string) error {
	if err := os.Rename(from, filepath.Join(p.Folders.Inbox, name)); err != nil {
		return fmt.Errorf("move it (the inbox and the work folder must be on one file system): %w", err)
	}
	return errors.Join(syncFolder(p.Folders.Inbox), syncFolder(p.Folders.received()))
}

// stands tells whether a file of that name, or of its number, stands in the inbox.
func (p *placing) stands(name string) (bool, error) {
	number, numbered := p.kind.Number(name)
	if !numbered {
		return exists(filepath.Join(p.Folders.Inbox, name))
	}
	files, err := inbox.Series(p.Folders.Inbox, func(other string) string {
		if found, is := p.kind.Number(other); is && found == number {
			return strconv.Itoa(found)
		}
		return ""
	})
	return len(files) > 0, err
}

// choose gives the name under which the file goes into the inbox, or why it has none.
func (p *placing) choose(ctx context.Context) (name, held string, err error) {
	name = p.row.Name
	if p.row.SaidName != "" {
		name = p.row.SaidName
	}
	if p.kind.NameWanted() != "" {
		held, err = p.numbered(ctx, name)
		return name, held, err
	}
	if inbox.Unfinished(name) {
		return "", fmt.Sprintf("is called %s, as files are that are still being written, which no vacation looks at: "+
			"give it a name by `starter received route --name`", inbox.Shown(name)), nil
	}
	taken, err := p.isTaken(ctx, name)
	if err != nil || !taken {
		return name, "", err
	}
	const digits = 4 // bytes of the hash, twice as many digits
	name = hex.EncodeToString(p.row.Sha256[:digits]) + "-" + name
	if taken, err = p.isTaken(ctx, name); err == nil && taken {
		held = fmt.Sprintf("another file is called %s, or was: give this one another name by `starter received route --name`",
			inbox.Shown(name))
	}
	return name, held, err
}

// isTaken tells that the name is another file's, or that a file of that name would
// be taken for one of a series.
func (p *placing) isTaken(ctx context.Context, name string) (bool, error) {
	for _, series := range []delivery.Kind{delivery.Merchants, delivery.Payline} {
		if _, numbered := series.Number(name); numbered {
			return true, nil
		}
	}
	for _, path := range []string{
		filepath.Join(p.Folders.Inbox, name),
		filepath.Join(string(p.Folders.Archive), name), filepath.Join(string(p.Folders.Archive), name+".gz"),
	} {
		if there, err := exists(path); err != nil || there {
			return there, err
		}
	}
	taken, err := p.queries.NameTaken(ctx, name, p.number)
	return taken, wrap("look for its name", err)
}

// numbered says why a file that is found by the number in its name cannot be used
// under that name.
func (p *placing) numbered(ctx context.Context, name string) (held string, err error) {
	shown, wanted := inbox.Shown(name), p.kind.NameWanted()
	number, found := p.kind.Number(name)
	if !found {
		return fmt.Sprintf("is called %s, and is found by its number, as %s: give it its name by `starter received route --name`",
			shown, wanted), nil
	}
	if p.kind == delivery.Payline && number != p.sequence {
		return fmt.Sprintf("is called %s, and carries number %d: ask its partner which one holds, and give it its name by "+
			"`starter received route --name`", shown, p.sequence), nil
	}
	standing, err := p.stands(name)
	if err != nil {
		return "", err
	}
	taken := p.queries.SnapshotTaken
	if p.kind == delivery.Payline {
		taken = p.queries.PaylineTaken
	}
	before, err := taken(ctx, int32(number)) //nolint:gosec // nine digits at most
	if err != nil {
		return "", fmt.Errorf("look for its number: %w", err)
	}
	if standing || before {
		return fmt.Sprintf("%s: another file of number %d came before: ask its partner which one holds, "+
			"and give this one its name by `starter received route --name`, or discard it", shown, number), nil
	}
	return "", nil
}
