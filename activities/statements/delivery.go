package statements

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// delivery is a file in the inbox whose controls are good.
type delivery struct {
	statement.File

	path string
}

// name is the file's own, for messages.
func (f delivery) name() string { return inbox.Shown(f.path) }

// names are those of its first statements, for messages.
func (f delivery) names() string {
	const shown = 3
	var names []string
	for _, held := range f.Statements[:min(len(f.Statements), shown)] {
		names = append(names, held.String())
	}
	if more := len(f.Statements) - shown; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// archiveName is what as gives.
var archiveName = regexp.MustCompile(`^(camt\.053|cfonb120)\.(REG|CAN|FON)(-(REG|CAN|FON))*\.\d{4}-\d\d-\d\d\.[0-9a-f]{12}\.(xml|txt)$`)

// as is the name of its archive, one for its content: format, accounts, last
// closing day, and the beginning of its SHA-256.
func (f delivery) as() string {
	const digits = 12
	format, ending := "camt.053", "xml"
	if f.Format == bankfile.CFONB120 {
		format, ending = "cfonb120", "txt"
	}
	var accounts []string
	last := f.Statements[0].Date
	for _, account := range bankAccounts() {
		for _, held := range f.Statements {
			if held.Account == account && !slices.Contains(accounts, string(account)[len("BK."):]) {
				accounts = append(accounts, string(account)[len("BK."):])
			}
			if held.Date.After(last) {
				last = held.Date
			}
		}
	}
	return fmt.Sprintf("%s.%s.%s.%s.%s", format, strings.Join(accounts, "-"), last, hex.EncodeToString(f.SHA256[:])[:digits], ending)
}

// behind is what must not be overtaken: files that cannot be taken in, or not yet.
type behind struct {
	accounts map[ledger.Code]bool // of which they hold statements
	writing  map[ledger.Code]bool // those of files that are being written
	unnamed  bool                 // one that is being written names no account yet
}

// control reads the files of statements in the inbox once, and returns those that
// are good, in the order in which they may be taken in.
func (r *reading) control(ctx context.Context) ([]delivery, error) {
	r.behind = behind{accounts: make(map[ledger.Code]bool), writing: make(map[ledger.Code]bool)}
	paths, err := inbox.Wanted(r.request.Inbox, func(file io.ReadSeeker) (bool, error) { return statement.Wanted(file) })
	if err != nil {
		return nil, err
	}
	var files []delivery
	for _, path := range paths {
		file, err := r.controlOne(ctx, path)
		if failure, final := errors.AsType[*vacation.Failure](err); final {
			r.refuse(failure)
		} else if err != nil {
			return nil, err
		}
		if file != nil {
			files = append(files, *file)
		}
	}
	slices.SortStableFunc(files, func(a, b delivery) int { return inOrder(a.Statements[0], b.Statements[0]) })
	return files, nil
}

// inOrder compares statements by their days, by their numbers on one day, and by
// their accounts.
func inOrder(a, b statement.Statement) int {
	return cmp.Or(a.Date.Compare(b.Date), cmp.Compare(a.Number, b.Number), a.From.Compare(b.From),
		cmp.Compare(slices.Index(bankAccounts(), a.Account), slices.Index(bankAccounts(), b.Account)))
}

// controlOne reads a file to its end. It returns nil for one that is gone, being
// written, or wrong: the error is a failure then.
func (r *reading) controlOne(ctx context.Context, path string) (*delivery, error) {
	opened, err := inbox.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no file, and no error
	}
	if err != nil {
		return nil, unreadable(err)
	}
	defer func() { _ = opened.Close() }() // only read
	held := make(map[ledger.Code]bool)
	// Its balances are known at its end: it is read once to control it, and once
	// more to keep its lines.
	file, err := statement.Read(inbox.Shown(path), opened, r.activities.accounts, statement.Handler{
		Begin: func(begun statement.Statement) error { held[begun.Account] = true; return ctx.Err() },
		Line:  func(statement.Line) error { return ctx.Err() },
	})
	if faults, bad := errors.AsType[*fault.Faults](err); bad {
		return nil, r.wrong(path, held, faults)
	}
	if err != nil {
		return nil, fmt.Errorf("control the statements: %w", err)
	}
	if len(file.Statements) == 0 {
		return nil, vacation.Fail(vacation.StatementInvalid, "%s holds no statement: take it out of the inbox", inbox.Shown(path))
	}
	return &delivery{File: file, path: path}, nil
}

// wrong reports a file that its controls refuse, unless it is being written, and
// notes what must not overtake it.
func (r *reading) wrong(path string, held map[ledger.Code]bool, faults *fault.Faults) error {
	writing := faults.Incomplete() && r.activities.clock().Before(r.request.CutOff)
	for account := range held {
		r.behind.accounts[account] = true
		if writing {
			r.behind.writing[account] = true
		}
	}
	if writing {
		r.behind.unnamed = r.behind.unnamed || len(held) == 0
		return nil
	}
	report, err := r.activities.archive.Report(fmt.Sprintf("%s.run%d.refused.json", inbox.Shown(path), r.request.Run.Number), faults)
	if err != nil {
		return err
	}
	return vacation.Fail(vacation.StatementInvalid, "%s. Report: %s", faults, report)
}

// keptBack tells that a file holds the first statement ever of an account, and
// that a file that cannot be read yet may hold one before it: with no balance to
// be compared with, nothing else would tell.
func (r *reading) keptBack(file delivery) bool {
	return slices.ContainsFunc(file.Statements, func(held statement.Statement) bool {
		return r.last[held.Account] == nil && (r.behind.accounts[held.Account] || r.behind.unnamed)
	})
}

// follows is nil when each of the file's statements follows the last one of its
// account, those before it in the file included.
func (r *reading) follows(file delivery) error {
	last := make(map[ledger.Code]statement.Statement)
	for _, held := range file.Statements {
		before, known := last[held.Account]
		if taken := r.last[held.Account]; !known && taken != nil {
			before, known = *taken, true
		}
		if known {
			if err := statement.Continuity(before, held); err != nil {
				return err
			}
		}
		last[held.Account] = held
	}
	return nil
}

// isNext tells that the file's turn has come.
func (r *reading) isNext(file delivery) bool { return !r.keptBack(file) && r.follows(file) == nil }

// outOfSequence says why the file could not be taken in, and nothing when it
// waits for one that is being written.
func (r *reading) outOfSequence(file delivery) *vacation.Failure {
	waits := r.keptBack(file) || r.behind.unnamed || slices.ContainsFunc(file.Statements, func(held statement.Statement) bool {
		return r.behind.writing[held.Account]
	})
	broken := r.follows(file)
	if waits || broken == nil {
		return nil
	}
	return vacation.Fail(vacation.StatementInvalid, "%s: %s; nothing of it was used", file.name(), broken)
}
