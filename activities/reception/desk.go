package reception

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/reception/internal/db"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/vacation"
)

// Desk is where operators decide on files that wait for them. A decision commits
// with its row of the operators' journal; the next reception carries it out.
type Desk struct {
	pool   *pgxpool.Pool
	actors operator.Actors
	clock  func() time.Time
}

// NewDesk makes the desk. actors are those whose decisions are taken; clock gives
// the hour of a decision.
func NewDesk(pool *pgxpool.Pool, actors operator.Actors, clock func() time.Time) *Desk {
	return &Desk{pool: pool, actors: actors, clock: clock}
}

// The acts of the operators' journal.
const (
	actRoute   = "route-received"
	actDiscard = "discard-received"
)

// Decision is what became of a file.
type Decision struct {
	File  int32  `json:"file"` // its number
	State string `json:"state"`
	// Again tells that it was decided so before, and nothing was changed.
	Again bool `json:"again"`
}

// Route says what a file is that is HELD, and by what name it goes into the
// inbox, empty for its own. It is controlled as such a file first: one that is
// damaged waits again. file is its number, or the first digits of its SHA-256.
//
// The error is a [*vacation.Failure], Refused, for an actor who is not known, and
// where nothing of that is to be decided; nothing was changed then.
func (d *Desk) Route(ctx context.Context, file string, as delivery.Kind, name string, by activities.Answer) (Decision, error) {
	if !as.Valid() {
		return Decision{}, refused("%q is no kind of file", string(as))
	}
	if err := checkName(as, name); err != nil {
		return Decision{}, err
	}
	return d.decide(ctx, file, act{
		name: actRoute, by: by, after: stateStored + " as " + string(as),
		before: func(row db.LockFileRow) bool {
			waits := row.State == stateStored || row.State == stateRouted
			return waits && row.SaidKind == string(as) && row.SaidName == name
		},
		take: func(queries *db.Queries, number int32) error { return queries.Say(ctx, string(as), name, number) },
	})
}

func checkName(as delivery.Kind, name string) error {
	if name == "" {
		return nil
	}
	if channels.CheckName(name) != nil {
		return refused("--name is no name for a file: want 1 to 64 letters, digits, dots, hyphens and underscores")
	}
	if _, numbered := as.Number(name); !numbered && as.NameWanted() != "" {
		return refused("--name %s: a file of that kind is found as %s", name, as.NameWanted())
	}
	return nil
}

// Discard has a file never used that is HELD. The archive keeps it. file and
// errors are as of Route.
func (d *Desk) Discard(ctx context.Context, file string, by activities.Answer) (Decision, error) {
	return d.decide(ctx, file, act{
		name: actDiscard, by: by, after: stateDiscarded,
		before: func(row db.LockFileRow) bool { return row.State == stateDiscarded },
		take:   func(queries *db.Queries, number int32) error { return queries.Discard(ctx, number) },
	})
}

// act is a decision that is to be taken.
type act struct {
	name   string
	by     activities.Answer
	after  string
	before func(row db.LockFileRow) bool // it was taken before
	take   func(queries *db.Queries, number int32) error
}

func (d *Desk) decide(ctx context.Context, file string, act act) (Decision, error) {
	if err := d.actors.Check(act.by.Actor); err != nil {
		return Decision{}, err
	}
	var result Decision
	err := pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		queries := db.New(tx)
		number, err := find(ctx, queries, file)
		if err != nil {
			return err
		}
		row, err := queries.LockFile(ctx, number)
		if errors.Is(err, pgx.ErrNoRows) {
			return refused("no file %s came", file)
		}
		if err != nil {
			return fmt.Errorf("read file %d: %w", number, err)
		}
		result = Decision{File: number, State: row.State}
		if act.before(row) {
			result.Again = true
			return nil
		}
		if row.State != stateHeld {
			return refused("file %d is %s, and waits for nobody", number, row.State)
		}
		result.State, _, _ = strings.Cut(act.after, " ")
		return d.take(ctx, tx, row, act)
	})
	if failure, final := errors.AsType[*vacation.Failure](err); final {
		return Decision{}, failure
	}
	if err != nil {
		return Decision{}, fmt.Errorf("decide on received file %s: %w", file, err)
	}
	return result, nil
}

// take takes the decision, and writes it into the journal. Each decision on a
// file has an answer of its own there, however often the same is decided.
func (d *Desk) take(ctx context.Context, tx pgx.Tx, row db.LockFileRow, act act) error {
	if err := act.take(db.New(tx), row.Number); err != nil {
		return fmt.Errorf("record the decision: %w", err)
	}
	act.by.ID = fmt.Sprintf("received-%d/%d", row.Number, row.Decisions+1)
	_, err := d.actors.Record(ctx, tx, operator.Act{
		Act: act.name, Subject: fmt.Sprintf("received file %d", row.Number), Before: row.State, After: act.after,
		Answer: act.by, At: d.clock(),
	})
	return err
}

// sumPattern is the beginning of a SHA-256: long enough to be no number of a file.
var sumPattern = regexp.MustCompile(`^[0-9a-f]{12,64}$`)

// find is the number of the file that an operator names.
func find(ctx context.Context, queries *db.Queries, file string) (int32, error) {
	if !sumPattern.MatchString(file) {
		number, err := strconv.ParseInt(file, 10, 32)
		if err != nil {
			return 0, refused("%q names no received file: give its number, or twelve or more digits of its SHA-256", file)
		}
		return int32(number), nil
	}
	numbers, err := queries.FindFiles(ctx, file)
	switch {
	case err != nil:
		return 0, fmt.Errorf("look for file %s: %w", file, err)
	case len(numbers) == 0:
		return 0, refused("no file %s came", file)
	case len(numbers) > 1:
		return 0, refused("%s begins the SHA-256 of several files: give more of its digits", file)
	default:
		return numbers[0], nil
	}
}

func refused(format string, args ...any) error {
	return vacation.Fail(vacation.Refused, format+"; nothing was changed", args...)
}
