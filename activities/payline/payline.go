// Package payline takes in what merchants ask for by hand: it reads the day's
// Payline file, posts the movements between CPs, makes orders of the transfers,
// and answers each line. Each transaction takes up some of what is left, so that
// an activity that is run again, or by two workers at once, goes on where the
// committed rows end.
package payline

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/payline/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/slice"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/transfer"
)

// Folders are where files are kept. All workers share them.
type Folders struct {
	Inbox   string // files that came in; they leave it when they are answered
	Archive string // files that were taken in, compressed, and reports
	Outbox  string // responses, for whoever takes them to their receiver
}

// Settings are what an EP decides for itself.
type Settings struct {
	// Bank is how the EP names its bank in orders, BankBIC what an order shows for
	// a CP that is not known.
	Bank    transfer.Bank
	BankBIC string
	// Calendar says on which days orders fall due.
	Calendar calendar.Calendar
	// Layout is how the site's files are written.
	Layout request.Layout
}

// Activities does the work on PostgreSQL and in the folders.
type Activities struct {
	pool     *pgxpool.Pool
	outbox   postgres.Outbox
	folders  Folders
	settings Settings
	clock    func() time.Time
	slices   slice.Worker
	chunk    int
}

const (
	// chunkLines is how many lines one transaction takes up: a movement has two
	// CPs, two events and locks on both until the commit.
	chunkLines = 500
)

// Option changes what New makes.
type Option func(*Activities)

// WithSlice sets how long an activity works before it hands back.
func WithSlice(lasts time.Duration) Option { return func(a *Activities) { a.slices.Time = lasts } }

// WithChunk sets how many lines one transaction takes up.
func WithChunk(lines int) Option { return func(a *Activities) { a.chunk = lines } }

// New makes the activities; clock gives the hour of events, and against which a
// cut-off is held.
func New(
	pool *pgxpool.Pool, outbox postgres.Outbox, folders Folders, settings Settings, clock func() time.Time, options ...Option,
) *Activities {
	a := &Activities{
		pool: pool, outbox: outbox, folders: folders, settings: settings, clock: clock,
		slices: slice.Worker{Pool: pool, Clock: clock, Time: slice.Time}, chunk: chunkLines,
	}
	for _, option := range options {
		option(a)
	}
	return a
}

// Register makes the activities known to a worker under the contract's names.
func (a *Activities) Register(registry worker.ActivityRegistry) {
	for name, function := range map[string]any{
		activities.LoadPaylineName:    a.LoadPayline,
		activities.MovePaylineName:    a.MovePayline,
		activities.ControlPaylineName: a.ControlPayline,
		activities.AnswerPaylineName:  a.AnswerPayline,
	} {
		registry.RegisterActivityWithOptions(function, activity.RegisterOptions{Name: name})
	}
}

// now is the hour of events, to the millisecond that they show.
func (a *Activities) now() time.Time { return a.clock().Truncate(time.Millisecond) }

// taken is a file of a session as the register has it.
type taken struct {
	number    int32
	header    request.Header
	name      string
	sha256    []byte
	movements int
	transfers int
	sum       money.Cents
	refused   request.Code // empty for a file that was accepted
	answered  bool
}

// files are those of a session, the last one received first. One of them at
// most was accepted.
func files(ctx context.Context, on postgres.Querier, scope string) ([]taken, error) {
	rows, err := db.New(on).FilesOfSession(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("read the Payline files of %s: %w", scope, err)
	}
	list := make([]taken, len(rows))
	for i := range rows {
		row := &rows[i]
		list[i] = taken{
			number: row.Number, header: request.Header{Sequence: int(row.Sequence)}, name: row.FileName, sha256: row.Sha256,
			movements: int(row.Movements), transfers: int(row.Transfers), sum: money.Cents(row.SumCents),
			refused: request.Code(row.Refused), answered: row.Answered,
		}
		if row.FileDate == "" {
			continue
		}
		if list[i].header.Date, err = calendar.ParseDate(row.FileDate); err != nil {
			return nil, fmt.Errorf("date of Payline file %d: %w", row.Number, err)
		}
	}
	return list, nil
}

// accepted finds the session's accepted file.
func accepted(ctx context.Context, on postgres.Querier, scope string) (file taken, found bool, err error) {
	list, err := files(ctx, on, scope)
	if err != nil {
		return taken{}, false, err
	}
	for _, file := range list {
		if file.refused == "" {
			return file, true, nil
		}
	}
	return taken{}, false, nil
}

// lineOf is a line as it was read.
func lineOf(row *db.PaylineLine) request.Line {
	line := request.Line{
		Number: int(row.Line), Kind: request.Kind(row.Kind), EndToEndID: row.EndToEndID, OperationCode: row.OperationCode,
		DebtorCP: row.DebtorCp, CreditorCP: row.CreditorCp, DebtorIBAN: row.DebtorIban,
		CreditorName: row.CreditorName, CreditorBIC: row.CreditorBic, CreditorIBAN: row.CreditorIban,
		Amount: money.Cents(row.AmountCents), Currency: row.Currency, Label: row.Label, Reject: request.Code(row.ControlCode),
	}
	if row.ExecDate != nil {
		line.ExecDate = calendar.DateOf(*row.ExecDate) // midnight UTC is the same civil day in Paris
	}
	return line
}

// holder is what the snapshot tells of a CP; account is nil for one that it
// does not know.
func holder(account *int32, status, mode string, cpToCP bool, iban string) request.Holder {
	return request.Holder{
		Known: account != nil, Status: merchant.Status(status), Mode: merchant.PayoutMode(mode), CPToCP: cpToCP, IBAN: iban,
	}
}

// businessDate is the day that the run is for.
func businessDate(ctx context.Context, tx pgx.Tx, run activities.Run) (calendar.Date, error) {
	text, err := db.New(tx).BusinessDate(ctx, run.Number)
	if err != nil {
		return calendar.Date{}, fmt.Errorf("read the run's business date: %w", err)
	}
	date, err := calendar.ParseDate(text)
	if err != nil {
		return calendar.Date{}, fmt.Errorf("business date of the run: %w", err)
	}
	return date, nil
}

// label is what merchants read of a line that has no label of its own.
func label(line *request.Line, otherwise string) string {
	if line.Label != "" {
		return line.Label
	}
	return otherwise
}

// unknown is the name of a debtor that the snapshot does not know, as the
// events' reference writes it.
const unknown = "UNKNOWN"

// debtor is the party that pays, as far as it is known.
func debtor(line *request.Line, name, bic, iban, bankBIC string) transfer.Party {
	if name == "" {
		return transfer.Party{Name: unknown, BIC: bankBIC, IBAN: line.DebtorIBAN}
	}
	return transfer.Party{Name: name, BIC: bic, IBAN: iban}
}
