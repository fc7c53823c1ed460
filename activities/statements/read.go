package statements

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// ReadStatements reads what stands in the inbox, account by account, each
// statement in one transaction. A wrong statement of one account keeps nothing
// of another account back. A file that stops before its end is left alone until
// the cut-off: it is being written.
func (a *Activities) ReadStatements(
	ctx context.Context, request activities.ReadStatementsRequest,
) (activities.ReadStatementsResult, error) {
	reading := &reading{activities: a, request: request}
	stop := heartbeat.Start(ctx, func() any {
		return vacation.Progress{Stage: vacation.StageStatements, Read: int(reading.lines.Load())}
	})
	defer stop()
	result, err := reading.run(ctx)
	if err != nil {
		return activities.ReadStatementsResult{}, activities.Failed("read the statements", err)
	}
	return result, nil
}

// bankAccounts are the accounts that have statements.
func bankAccounts() []ledger.Code {
	return []ledger.Code{ledger.Reglement, ledger.Cantonnement, ledger.Fonctionnement}
}

// reading is one call.
type reading struct {
	activities *Activities
	request    activities.ReadStatementsRequest
	lines      atomic.Int64 // for the heartbeat
}

func (r *reading) run(ctx context.Context) (activities.ReadStatementsResult, error) {
	archived := func(as string) bool { return fileName.MatchString(as) }
	if err := r.activities.archive.Resume(ctx, r.request.Inbox, archived); err != nil {
		return activities.ReadStatementsResult{}, err
	}
	var refused *vacation.Failure
	for _, account := range bankAccounts() {
		err := r.account(ctx, account)
		if failure, final := errors.AsType[*vacation.Failure](err); final {
			if refused == nil {
				refused = failure
			}
			continue
		}
		if err != nil {
			return activities.ReadStatementsResult{}, err
		}
	}
	if refused != nil {
		return activities.ReadStatementsResult{}, refused
	}
	return r.soFar(ctx)
}

// account reads the statements of one account that are there, in their order.
func (r *reading) account(ctx context.Context, account ledger.Code) error {
	files, err := list(r.request.Inbox, account)
	if err != nil {
		return err
	}
	for _, file := range files {
		known, err := r.known(ctx, file)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		read, err := r.read(ctx, file)
		if err != nil {
			return err
		}
		if !read {
			return nil // its successors wait for it
		}
	}
	return nil
}

// inboxFile is a statement in the inbox, as its name says.
type inboxFile struct {
	inbox.Numbered

	account ledger.Code
}

// fileName is `statement.<account without BK.>.<sequence>.jsonl`.
var fileName = regexp.MustCompile(`^statement\.(REG|CAN|FON)\.(\d{1,9})\.jsonl$`)

// as is the name of its archive: one, however the file's name writes the number.
func (f inboxFile) as() string {
	return fmt.Sprintf("statement.%s.%d.jsonl", string(f.account)[len("BK."):], f.Number)
}

// list finds the statements of an account in the inbox, in their order.
func list(folder string, account ledger.Code) ([]inboxFile, error) {
	found, err := inbox.Series(folder, func(name string) string {
		if parts := fileName.FindStringSubmatch(name); len(parts) > 0 && ledger.Code("BK."+parts[1]) == account {
			return parts[2]
		}
		return ""
	})
	files := make([]inboxFile, len(found))
	for i := range found {
		files[i] = inboxFile{Numbered: found[i], account: account}
	}
	return files, err
}

// known deals with a statement whose number was read before: what a worker that
// died left in the inbox is put away, anything else is refused.
func (r *reading) known(ctx context.Context, file inboxFile) (bool, error) {
	queries := db.New(r.activities.pool)
	hash, err := queries.StatementHash(ctx, string(file.account), int32(file.Number)) //nolint:gosec // nine digits
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", file.Name(), err)
	}
	again, err := r.activities.archive.Holds(file.Path, file.as())
	if err != nil {
		return false, err
	}
	opened, err := inbox.Open(file.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // put away meanwhile
	}
	if err != nil {
		return false, unreadable(err)
	}
	defer func() { _ = opened.Close() }() // only read
	sum, err := inbox.Sum(ctx, opened)
	if err != nil {
		return false, fmt.Errorf("%s: %w", file.Name(), err)
	}
	last, err := queries.LastStatement(ctx, string(file.account))
	if err != nil {
		return false, fmt.Errorf("read the last statement of %s: %w", file.account, err)
	}
	switch {
	case !slices.Equal(sum[:], hash):
		return false, vacation.Fail(vacation.StatementInvalid,
			"%s: statement %d of %s was taken in already, with another content; nothing of it was used: "+
				"ask the bank which one holds; the next one is %d", file.Name(), file.Number, file.account, last.Sequence+1)
	case again:
		return false, vacation.Fail(vacation.StatementInvalid,
			"%s: statement %d of %s was taken in already, with the same content; nothing of it was used: "+
				"take the file out of the inbox; the next one is %d", file.Name(), file.Number, file.account, last.Sequence+1)
	default:
		_, err := r.activities.archive.Put(ctx, file.Path, file.as(), sum)
		return true, err
	}
}

// unreadable makes a failure of what stands in the inbox and is no readable file.
func unreadable(err error) error {
	if bad, is := errors.AsType[*inbox.UnreadableError](err); is {
		return vacation.Fail(vacation.StatementInvalid, "%s", bad)
	}
	return err
}

// read takes a statement in and puts its file away. It returns false for a file
// that is gone, or is being written.
func (r *reading) read(ctx context.Context, file inboxFile) (bool, error) {
	opened, err := inbox.Open(file.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, unreadable(err)
	}
	defer func() { _ = opened.Close() }() // only read
	// Its balances and its checksum are known at its end: it is read once to
	// control it, and once more to keep its lines.
	header, err := statement.Read(file.Name(), opened, func(statement.Line) error { return ctx.Err() })
	if faults, bad := errors.AsType[*fault.Faults](err); bad {
		return false, r.refuse(file, faults)
	}
	if err != nil {
		return false, fmt.Errorf("control the statement: %w", err)
	}
	err = postgres.InRun(ctx, r.activities.pool, r.request.Run.Number, func(tx pgx.Tx) error {
		taking := &taking{reading: r, tx: tx, queries: db.New(tx), file: file, source: opened, header: header}
		return taking.run(ctx)
	})
	if err != nil {
		return false, fmt.Errorf("take %s in: %w", file.Name(), err)
	}
	_, err = r.activities.archive.Put(ctx, file.Path, file.as(), header.SHA256)
	return true, err
}

// refuse reports a statement that its controls refuse, unless it is being written.
func (r *reading) refuse(file inboxFile, faults *fault.Faults) error {
	if faults.Incomplete() && r.activities.clock().Before(r.request.CutOff) {
		return nil
	}
	report, err := r.activities.archive.Report(fmt.Sprintf("%s.run%d.refused.json", file.as(), r.request.Run.Number), faults)
	if err != nil {
		return err
	}
	return vacation.Fail(vacation.StatementInvalid, "%s. Report: %s", faults, report)
}

// soFar is what the session has read, by this call and by those before it.
func (r *reading) soFar(ctx context.Context) (activities.ReadStatementsResult, error) {
	queries := db.New(r.activities.pool)
	id := r.request.Run.ID
	rows, err := queries.ReadSoFar(ctx, string(id.Kind), id.Key)
	if err != nil {
		return activities.ReadStatementsResult{}, fmt.Errorf("count what was read: %w", err)
	}
	var result activities.ReadStatementsResult
	seen := make(map[string]bool, len(rows))
	for _, row := range rows {
		seen[row.Account] = true
		result.Statements += int(row.Statements)
		result.Lines += int(row.Lines)
	}
	for _, account := range bankAccounts() {
		if !seen[string(account)] {
			result.Missing = append(result.Missing, string(account))
		}
	}
	unknown, err := queries.UnknownLines(ctx)
	if err != nil {
		return activities.ReadStatementsResult{}, fmt.Errorf("count the lines that wait for an operator: %w", err)
	}
	result.Unknown = int(unknown)
	return result, nil
}

// previous is the account's last statement, as far as the next one depends on
// it, and nil when there was none.
func previous(ctx context.Context, queries *db.Queries, account ledger.Code) (*statement.Statement, error) {
	row, err := queries.LastStatement(ctx, string(account))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none, and no error
	}
	if err != nil {
		return nil, fmt.Errorf("read the last statement of %s: %w", account, err)
	}
	date, err := calendar.ParseDate(row.Date)
	if err != nil {
		return nil, fmt.Errorf("date of the last statement of %s: %w", account, err)
	}
	return &statement.Statement{
		Account: account, Sequence: int(row.Sequence), Date: date, Closing: money.Cents(row.ClosingCents),
	}, nil
}
