package statements

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// ReadStatements reads the files of statements that stand in the inbox, in the
// order of their statements, each file in one transaction. A wrong file keeps
// nothing back but what must follow it. A file that stops before its end is left
// alone until the cut-off: it is being written.
func (a *Activities) ReadStatements(
	ctx context.Context, request activities.ReadStatementsRequest,
) (activities.ReadStatementsResult, error) {
	reading := &reading{activities: a, request: request, last: make(map[ledger.Code]*statement.Statement)}
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

	last    map[ledger.Code]*statement.Statement // the last statement of each account; nil when there is none
	refused *vacation.Failure                    // the first one
	behind  behind
}

func (r *reading) run(ctx context.Context) (activities.ReadStatementsResult, error) {
	if err := r.activities.archive.Resume(ctx, r.request.Inbox, archiveName.MatchString); err != nil {
		return activities.ReadStatementsResult{}, err
	}
	files, err := r.control(ctx)
	if err != nil {
		return activities.ReadStatementsResult{}, err
	}
	// After the files were looked for: one that another worker has put away since
	// is known by its statements then.
	if err := r.refresh(ctx); err != nil {
		return activities.ReadStatementsResult{}, err
	}
	for len(files) > 0 {
		next, err := r.next(ctx, files)
		if err != nil {
			return activities.ReadStatementsResult{}, err
		}
		if len(next) == len(files) {
			break
		}
		files = next
	}
	for _, file := range files {
		r.refuse(r.outOfSequence(file))
	}
	if r.refused != nil {
		return activities.ReadStatementsResult{}, r.refused
	}
	return r.soFar(ctx)
}

// refuse notes the failure of one file, if it is one; the first is the call's.
func (r *reading) refuse(failure *vacation.Failure) {
	if r.refused == nil {
		r.refused = failure
	}
}

// next takes the first file in that may be taken in now, and returns the others;
// as many as before when there is none.
func (r *reading) next(ctx context.Context, files []delivery) ([]delivery, error) {
	for i, file := range files {
		done, err := r.take(ctx, file)
		if failure, final := errors.AsType[*vacation.Failure](err); final {
			r.refuse(failure)
			for _, held := range file.Statements {
				r.behind.accounts[held.Account] = true
			}
		} else if err != nil {
			return nil, err
		}
		if done || err != nil {
			return append(append([]delivery(nil), files[:i]...), files[i+1:]...), r.refresh(ctx)
		}
	}
	return files, nil
}

// take takes a file in and puts it away, if its turn has come. What was taken in
// before is dealt with at any time.
func (r *reading) take(ctx context.Context, file delivery) (bool, error) {
	known, err := r.known(ctx, file)
	if err != nil || known {
		return known, err
	}
	if !r.isNext(file) {
		return false, nil
	}
	err = r.keep(ctx, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil // taken in and put away by another worker, or taken away
	case errors.Is(err, errTaken):
		return r.known(ctx, file)
	case err != nil:
		return false, err
	}
	_, err = r.activities.archive.Put(ctx, file.path, file.as(), file.SHA256)
	return true, err
}

// known deals with a file whose content was taken in before: what a worker that
// died left in the inbox is put away, what came again is refused.
func (r *reading) known(ctx context.Context, file delivery) (bool, error) {
	rows, err := db.New(r.activities.pool).FileStatements(ctx, file.SHA256[:])
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", file.name(), err)
	}
	if len(rows) == 0 {
		return false, nil
	}
	again, err := r.activities.archive.Holds(file.path, file.as())
	if err != nil {
		return false, err
	}
	if again {
		return true, vacation.Fail(vacation.StatementInvalid,
			"%s was taken in already, with the same content (%s); nothing of it was used: take the file out of the inbox",
			file.name(), file.names())
	}
	_, err = r.activities.archive.Put(ctx, file.path, file.as(), file.SHA256)
	return true, err
}

// keep takes the file's statements in, in one transaction.
func (r *reading) keep(ctx context.Context, file delivery) error {
	opened, err := inbox.Open(file.path)
	if err != nil {
		return unreadable(err)
	}
	defer func() { _ = opened.Close() }() // only read
	err = postgres.InRun(ctx, r.activities.pool, r.request.Run.Number, func(tx pgx.Tx) error {
		taking := &taking{reading: r, tx: tx, queries: db.New(tx), file: file, source: opened, now: r.activities.now()}
		return taking.run(ctx)
	})
	if err != nil {
		return fmt.Errorf("take %s in: %w", file.name(), err)
	}
	return nil
}

// unreadable makes a failure of what stands in the inbox and is no readable file.
func unreadable(err error) error {
	if bad, is := errors.AsType[*inbox.UnreadableError](err); is {
		return vacation.Fail(vacation.StatementInvalid, "%s", bad)
	}
	return err
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

// refresh reads the last statement of each account.
func (r *reading) refresh(ctx context.Context) error {
	for _, account := range bankAccounts() {
		last, _, err := previous(ctx, db.New(r.activities.pool), account)
		if err != nil {
			return err
		}
		r.last[account] = last
	}
	return nil
}

// previous is the account's last statement, as far as the next one depends on
// it, with our own number of it; nil and 0 when there was none.
func previous(ctx context.Context, queries *db.Queries, account ledger.Code) (*statement.Statement, int32, error) {
	row, err := queries.LastStatement(ctx, string(account))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read the last statement of %s: %w", account, err)
	}
	date, err := calendar.ParseDate(row.Date)
	if err != nil {
		return nil, 0, fmt.Errorf("date of the last statement of %s: %w", account, err)
	}
	return &statement.Statement{
		Account: account, Number: int(row.BankNumber), Date: date, Closing: money.Cents(row.ClosingCents),
	}, row.Sequence, nil
}
