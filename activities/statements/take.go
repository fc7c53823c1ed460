package statements

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/statements/internal/db"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// linesAnEvent is how many lines one get-account-transactions event tells, and
// how many are written at once: some 100 KB.
const linesAnEvent = 500

// taking is the transaction that takes one statement in.
type taking struct {
	*reading

	tx      pgx.Tx
	queries *db.Queries
	file    inboxFile
	source  io.ReadSeeker
	header  statement.Statement
	number  int32 // of its row
	now     time.Time

	lines   []statement.Line // of the page that is not written yet
	written int              // lines before them
	told    bool             // an event was emitted
}

func (t *taking) run(ctx context.Context) error {
	last, err := previous(ctx, t.queries, t.file.account)
	if err != nil {
		return err
	}
	if last != nil && last.Sequence >= t.file.Number {
		// Another worker took it in while this one read it; its hash is looked at when its file is met again.
		hash, err := t.queries.StatementHash(ctx, string(t.file.account), int32(t.file.Number)) //nolint:gosec // nine digits
		if err == nil && [32]byte(hash) == t.header.SHA256 {
			return nil
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("look for the statement: %w", err)
		}
	}
	if err := t.control(last); err != nil {
		return err
	}
	t.now = t.activities.now()
	t.number, err = t.queries.InsertStatement(ctx, db.InsertStatementParams{
		Account: string(t.header.Account), Sequence: int32(t.header.Sequence), //nolint:gosec // nine digits
		Date: t.header.Date.String(), OpeningCents: int64(t.header.Opening), ClosingCents: int64(t.header.Closing),
		Lines: int32(t.header.Lines), FileName: t.file.Name(), Sha256: t.header.SHA256[:], //nolint:gosec // at most MaxLines
		Vacation: t.request.Run.Number, ReadAt: t.now,
	})
	if err != nil {
		return fmt.Errorf("record the statement: %w", err)
	}
	if err := t.keepLines(ctx); err != nil {
		return err
	}
	return bookKnown(ctx, t.queries)
}

// control holds the statement against its file's name and its predecessor.
func (t *taking) control(last *statement.Statement) error {
	const unused = "nothing of it was used"
	if t.header.Account != t.file.account || t.header.Sequence != t.file.Number {
		return vacation.Fail(vacation.StatementInvalid,
			"%s holds statement %d of %s, its name says %d of %s; %s: ask the bank which one it is",
			t.file.Name(), t.header.Sequence, t.header.Account, t.file.Number, t.file.account, unused)
	}
	if last == nil {
		return nil
	}
	if err := statement.Continuity(*last, t.header); err != nil {
		return vacation.Fail(vacation.StatementInvalid, "%s: %s; %s", t.file.Name(), err, unused)
	}
	return nil
}

// keepLines reads the file again and keeps its lines, page by page.
func (t *taking) keepLines(ctx context.Context) error {
	if _, err := t.source.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go to the file's beginning: %w", err)
	}
	again, err := statement.Read(t.file.Name(), t.source, func(line statement.Line) error {
		t.lines = append(t.lines, line)
		if len(t.lines) < linesAnEvent {
			return nil
		}
		return t.page(ctx)
	})
	if err != nil {
		return fmt.Errorf("read the lines: %w", err)
	}
	if again.SHA256 != t.header.SHA256 {
		return fmt.Errorf("%s changed while it was read", t.file.Name())
	}
	if len(t.lines) == 0 && t.told {
		return nil
	}
	return t.page(ctx)
}

// page writes a page of lines and tells it. A statement without lines is told too.
func (t *taking) page(ctx context.Context) error {
	if err := t.unseen(ctx); err != nil {
		return err
	}
	params := db.InsertLinesParams{Statement: t.number, Account: string(t.header.Account)}
	told := make([]ogep.BankTransaction, 0, len(t.lines))
	for i := range t.lines {
		line := &t.lines[i]
		is := t.activities.labels.Classify(line.Label, line.Amount, t.header.Account)
		params.Ids = append(params.Ids, line.ID)
		params.Ordinals = append(params.Ordinals, int32(t.written+i)) //nolint:gosec // at most MaxLines
		params.Labels = append(params.Labels, line.Label)
		params.Amounts = append(params.Amounts, int64(line.Amount))
		params.BookedAt = append(params.BookedAt, line.BookedAt)
		params.TransactionAt = append(params.TransactionAt, line.TransactionAt)
		params.ValueAt = append(params.ValueAt, line.ValueAt)
		params.Classes = append(params.Classes, string(is.Class))
		params.Refs = append(params.Refs, is.Reference)
		params.OperationTypes = append(params.OperationTypes, is.OperationType)
		params.Reasons = append(params.Reasons, is.Reason)
		told = append(told, ogep.BankTransaction(*line))
	}
	if err := t.queries.InsertLines(ctx, params); err != nil {
		return fmt.Errorf("write lines: %w", err)
	}
	t.reading.lines.Add(int64(len(t.lines)))
	t.written += len(t.lines)
	t.lines, t.told = t.lines[:0], true
	return t.activities.outbox.Emit(ctx, t.tx, postgres.Emission{
		Vacation: t.request.Run.Number, At: t.now,
		Bodies: []ogep.Body{ogep.GetAccountTransactions{AccountID: string(t.header.Account), Transactions: told}},
	})
}

// unseen refuses lines that an earlier statement holds: the bank's identifier is
// one line's for ever, so that none is booked twice.
func (t *taking) unseen(ctx context.Context) error {
	ids, byID := make([]string, len(t.lines)), make(map[string]*statement.Line, len(t.lines))
	for i := range t.lines {
		ids[i], byID[t.lines[i].ID] = t.lines[i].ID, &t.lines[i]
	}
	known, err := t.queries.KnownLines(ctx, ids)
	if err != nil {
		return fmt.Errorf("look for the lines: %w", err)
	}
	if len(known) == 0 {
		return nil
	}
	first := known[0]
	content := "another"
	if sameLine(byID[first.ID], first, t.header.Account) {
		content = "the same"
	}
	return vacation.Fail(vacation.StatementInvalid,
		"%s: %d or more of its lines were taken in already, the first: %s stands in statement %d of %s with %s content; "+
			"nothing of it was used: ask the bank for a statement %d of %s without them",
		t.file.Name(), len(known), first.ID, first.Sequence, first.Account, content, t.header.Sequence, t.header.Account)
}

func sameLine(line *statement.Line, known db.KnownLinesRow, account ledger.Code) bool {
	return known.Account == string(account) && known.Label == line.Label && money.Cents(known.AmountCents) == line.Amount &&
		known.BookedAt.Equal(line.BookedAt) && known.TransactionAt.Equal(line.TransactionAt) && known.ValueAt.Equal(line.ValueAt)
}

// bookKnown marks lines as booked whose money was taken into the books before
// their statement was read: règlements started by hand, and own money added. It
// is looked for again by each step that depends on it, as a règlement may start
// beside the reading.
func bookKnown(ctx context.Context, queries *db.Queries) error {
	if _, err := queries.BookSettled(ctx); err != nil {
		return fmt.Errorf("mark lines of règlements that were started: %w", err)
	}
	if _, err := queries.BookFunded(ctx); err != nil {
		return fmt.Errorf("mark lines of own money that was added: %w", err)
	}
	return nil
}
