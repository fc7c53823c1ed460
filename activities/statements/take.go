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
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/vacation"
)

// linesAnEvent is how many lines one get-account-transactions event tells, and
// how many are written at once: some 100 KB.
const linesAnEvent = 500

// detailsAtOnce is how many orders behind lines are kept in memory before they
// are written: some 5 MB. One line may have as many.
const detailsAtOnce = 20_000

// errTaken says that another worker took the file in meanwhile.
var errTaken = errors.New("the file was taken in by another worker")

// taking is the transaction that takes one file in.
type taking struct {
	*reading

	tx      pgx.Tx
	queries *db.Queries
	file    delivery
	source  io.Reader
	now     time.Time

	begun   int                 // statements, the current one included
	header  statement.Statement // the current one
	number  int32               // of its row
	lines   []statement.Line    // of the page that is not written yet
	details int                 // of these lines
	written int                 // lines before them
	told    bool                // an event of the statement was emitted
}

func (t *taking) run(ctx context.Context) error {
	rows, err := t.queries.FileStatements(ctx, t.file.SHA256[:])
	if err != nil {
		return fmt.Errorf("look for the file: %w", err)
	}
	if len(rows) > 0 {
		return errTaken
	}
	again, err := statement.Read(t.file.name(), t.source, t.activities.accounts, statement.Handler{
		Begin: func(begun statement.Statement) error { return t.begin(ctx, begun) },
		Line:  func(line statement.Line) error { return t.line(ctx, line) },
		End:   func(statement.Statement) error { return t.end(ctx) },
	})
	if _, bad := errors.AsType[*fault.Faults](err); bad || err == nil && again.SHA256 != t.file.SHA256 {
		return t.changed()
	}
	if err != nil {
		return fmt.Errorf("read the lines: %w", err)
	}
	return bookKnown(ctx, t.queries)
}

// changed says that the file is not the one that was controlled: the next try
// controls what it is now.
func (t *taking) changed() error { return fmt.Errorf("%s changed while it was read", t.file.name()) }

// begin records the next statement, which was controlled, if it follows the last
// one of its account: the books may have moved on since it was looked at.
func (t *taking) begin(ctx context.Context, begun statement.Statement) error {
	if t.begun == len(t.file.Statements) || t.file.Statements[t.begun].Account != begun.Account {
		return t.changed()
	}
	t.header = t.file.Statements[t.begun]
	last, sequence, err := previous(ctx, t.queries, t.header.Account)
	if err != nil {
		return err
	}
	if last != nil {
		if err := statement.Continuity(*last, t.header); err != nil {
			return vacation.Fail(vacation.StatementInvalid, "%s: %s; nothing of it was used", t.file.name(), err)
		}
	}
	t.number, err = t.queries.InsertStatement(ctx, db.InsertStatementParams{
		Account: string(t.header.Account), Sequence: sequence + 1, BankNumber: int32(t.header.Number), //nolint:gosec // nine digits
		Date: t.header.Date.String(), OpeningCents: int64(t.header.Opening), ClosingCents: int64(t.header.Closing),
		Lines: int32(t.header.Lines), Format: string(t.file.Format), FileName: t.file.name(), //nolint:gosec // at most MaxLines
		Sha256: t.file.SHA256[:], Ordinal: int32(t.begun), //nolint:gosec // at most MaxStatements
		Vacation: t.request.Run.Number, ReadAt: t.now,
	})
	if err != nil {
		return fmt.Errorf("record %s: %w", t.header, err)
	}
	t.begun++
	t.written, t.told = 0, false
	return nil
}

func (t *taking) line(ctx context.Context, line statement.Line) error {
	line.ID = t.header.Identify(line)
	t.lines = append(t.lines, line)
	t.details += len(line.Details)
	if len(t.lines) < linesAnEvent && t.details < detailsAtOnce {
		return nil
	}
	return t.page(ctx)
}

// end writes the statement's last page. A statement without lines is told too.
func (t *taking) end(ctx context.Context) error {
	if len(t.lines) == 0 && t.told {
		return nil
	}
	return t.page(ctx)
}

// page writes a page of lines and tells it.
func (t *taking) page(ctx context.Context) error {
	if err := t.unseen(ctx); err != nil {
		return err
	}
	params := db.InsertLinesParams{Statement: t.number, Account: string(t.header.Account)}
	var details db.InsertDetailsParams
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
		if detailed(is.Class, line.Amount, t.header.Account) {
			appendDetails(&details, line)
		}
		told = append(told, ogep.BankTransaction{
			ID: line.ID, Label: line.Label, Amount: line.Amount,
			BookedAt: line.BookedAt, TransactionAt: line.TransactionAt, ValueAt: line.ValueAt,
		})
	}
	if err := t.queries.InsertLines(ctx, params); err != nil {
		return fmt.Errorf("write lines: %w", err)
	}
	if err := t.queries.InsertDetails(ctx, details); err != nil {
		return fmt.Errorf("write the orders behind lines: %w", err)
	}
	t.reading.lines.Add(int64(len(t.lines)))
	t.written += len(t.lines)
	t.lines, t.details, t.told = t.lines[:0], 0, true
	return t.activities.outbox.Emit(ctx, t.tx, postgres.Emission{
		Vacation: t.request.Run.Number, At: t.now,
		Bodies: []ogep.Body{ogep.GetAccountTransactions{AccountID: string(t.header.Account), Transactions: told}},
	})
}

// detailed tells whether the orders behind a line are kept: those of a lot of
// rejects, which explain it, and of what an operator may say is one. The orders
// behind all other lines are known from who ordered them.
func detailed(class label.Class, amount money.Cents, account ledger.Code) bool {
	return class == label.Rejects || class == label.Unknown && amount > 0 && account == ledger.Reglement
}

func appendDetails(to *db.InsertDetailsParams, line *statement.Line) {
	for i, detail := range line.Details {
		to.Lines = append(to.Lines, line.ID)
		to.Ordinals = append(to.Ordinals, int32(i+1))
		to.EndToEndIds = append(to.EndToEndIds, detail.EndToEndID)
		to.Amounts = append(to.Amounts, int64(detail.Amount))
		to.Codes = append(to.Codes, detail.Code)
	}
}

// unseen refuses lines that an earlier statement of the account holds: the bank's
// identifier is one line's for ever, so that none is booked twice. Both lines of
// a transfer between two of the accounts may have one reference, the transfer's:
// the second one's is told from the first by the name of its account.
func (t *taking) unseen(ctx context.Context) error {
	known, err := t.known(ctx)
	if err != nil {
		return err
	}
	byID := make(map[string]*statement.Line, len(t.lines))
	for i := range t.lines {
		byID[t.lines[i].ID] = &t.lines[i]
	}
	var again []db.KnownLinesRow
	for _, row := range known {
		if row.Account == string(t.header.Account) {
			again = append(again, row)
			continue
		}
		byID[row.ID].ID += "-" + string(t.header.Account)[len("BK."):]
	}
	if len(again) == 0 && len(known) > 0 {
		// A name made so is no other line's, unless the statement is wrong.
		if again, err = t.known(ctx); err != nil {
			return err
		}
		for i := range t.lines {
			byID[t.lines[i].ID] = &t.lines[i]
		}
	}
	if len(again) == 0 {
		return nil
	}
	return t.refuseAgain(byID[again[0].ID], again)
}

// known are those of the page's lines whose identifiers were taken in before.
func (t *taking) known(ctx context.Context) ([]db.KnownLinesRow, error) {
	ids := make([]string, len(t.lines))
	for i := range t.lines {
		ids[i] = t.lines[i].ID
	}
	known, err := t.queries.KnownLines(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look for the lines: %w", err)
	}
	return known, nil
}

func (t *taking) refuseAgain(line *statement.Line, again []db.KnownLinesRow) error {
	first := again[0]
	date, err := calendar.ParseDate(first.Date)
	if err != nil {
		return fmt.Errorf("date of the statement of line %s: %w", first.ID, err)
	}
	content := "another"
	if sameLine(line, first, t.header.Account) {
		content = "the same"
	}
	stands := statement.Statement{Account: ledger.Code(first.Account), Number: int(first.BankNumber), Date: date}
	return vacation.Fail(vacation.StatementInvalid,
		"%s: %d or more of its lines were taken in already, the first: %s stands in %s with %s content; "+
			"nothing of it was used: ask the bank for a %s without them",
		t.file.name(), len(again), first.ID, stands, content, t.header)
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
