package statements_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// now is 12:00 in Paris on an ordinary Tuesday, a TARGET day.
var now = time.Date(2026, time.March, 17, 11, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// world is books, folders and the activities.
type world struct {
	pool     *pgxpool.Pool
	env      *testsuite.TestActivityEnvironment
	inbox    string
	archived string
	clock    func() time.Time
	format   bankfile.Format // of the bank's files
}

// ibans are those of the EP's accounts.
func ibans() statement.Accounts {
	return statement.Accounts{
		ledger.Reglement: iban.French(30003, 1, 91), ledger.Cantonnement: iban.French(30003, 1, 92),
		ledger.Fonctionnement: iban.French(30003, 1, 93),
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{
		pool: pgtest.New(t), env: new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment(),
		inbox: filepath.Join(root, "inbox"), archived: filepath.Join(root, "archive"),
		clock: func() time.Time { return now }, format: message.Camt053V08,
	}
	require.NoError(t, os.Mkdir(w.inbox, 0o700))
	require.NoError(t, os.Mkdir(w.archived, 0o700))
	w.register(t, w.env)
	return w
}

// register makes the activities known to an environment of the world's own.
func (w *world) register(t testing.TB, env *testsuite.TestActivityEnvironment) {
	t.Helper()
	outbox := postgres.Outbox{Environment: 'I', Node: 1}
	labels, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)
	clock := func() time.Time { return w.clock() }
	session.New(w.pool, outbox, clock).Register(env)
	accounts.New(w.pool, outbox, t.TempDir(), clock).Register(env)
	statements.New(w.pool, outbox, labels, ibans(), inbox.Archive(w.archived), clock).Register(env)
}

// another is the world as a second worker sees it.
func (w *world) another(t testing.TB) *world {
	t.Helper()
	other := *w
	other.env = new(testsuite.WorkflowTestSuite).NewTestActivityEnvironment()
	other.register(t, other.env)
	return &other
}

func day(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return date
}

// open opens a technique vacation of today.
func (w *world) open(t testing.TB, key string) activities.Run {
	t.Helper()
	return w.openOn(t, vacation.Technique, "2026-03-17/"+key, "2026-03-17")
}

func (w *world) openOn(t testing.TB, kind vacation.Kind, key, date string) activities.Run {
	t.Helper()
	var opened activities.OpenVacationResult
	value, err := w.env.ExecuteActivity(activities.OpenVacationName, activities.OpenVacationRequest{
		ID: vacation.ID{Kind: kind, Key: key}, WorkflowRun: uuid.NewString(), BusinessDate: day(t, date), Parameters: json.RawMessage(`{}`),
	})
	require.NoError(t, err)
	require.NoError(t, value.Get(&opened))
	return opened.Run
}

func call[Result any](w *world, name string, argument any) (result Result, err error) {
	value, err := w.env.ExecuteActivity(name, argument)
	if err != nil {
		return result, err
	}
	if value.HasValue() {
		err = value.Get(&result)
	}
	return result, err
}

func (w *world) read(run activities.Run) (activities.ReadStatementsResult, error) {
	return call[activities.ReadStatementsResult](w, activities.ReadStatementsName, activities.ReadStatementsRequest{
		Run: run, Inbox: w.inbox, Date: calendar.DateOf(now), CutOff: now.Add(4 * time.Hour),
	})
}

func (w *world) match(run activities.Run) (int, error) {
	return call[int](w, activities.MatchTransfersName, run)
}

func (w *world) pair(run activities.Run) ([]activities.Paired, error) {
	return call[[]activities.Paired](w, activities.PairLinesName, run)
}

func (w *world) reconcile(run activities.Run) error {
	_, err := call[any](w, activities.ReconcileName, run)
	return err
}

// requireFailure wants the typed failure, and returns what it says.
func requireFailure(t require.TestingT, code vacation.FailureCode, err error) string {
	require.Error(t, err)
	failure := activities.AsFailure(err)
	require.Equal(t, code, failure.Code, failure.Message)
	return failure.Message
}

// aLine is a line of today: a bank tells days, not hours.
func aLine(id, text string, amount money.Cents) statement.Line {
	at := calendar.DateOf(now).Midnight()
	return statement.Line{ID: id, Label: text, Amount: amount, BookedAt: at, TransactionAt: at, ValueAt: at}
}

// formats are those that the stand-in bank writes.
func formats() []bankfile.Format {
	return []bankfile.Format{message.Camt053V02, message.Camt053V08, bankfile.CFONB120}
}

// inEachFormat runs a test with a bank of each format.
func inEachFormat(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	for _, format := range formats() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.format = format
			test(t, w)
		})
	}
}

// id is the identifier of the nth line, from 1, of règlement's statement of that number.
func (w *world) id(line statement.Line, number, n int) string {
	if w.format == bankfile.CFONB120 {
		return fmt.Sprintf("REG.%s.%d", closingDay(number), n)
	}
	return line.ID
}

// stated is a statement of the bank, whose closing balance follows from the lines.
// Each is of one day, the first one of today.
func stated(account ledger.Code, number int, opening money.Cents, lines ...statement.Line) message.Statement {
	made := message.Statement{
		ID: fmt.Sprintf("%s-%d", account, number), IBAN: ibans()[account], Number: number,
		Opening: message.Balance{Amount: opening, Date: closingDay(number - 1)},
		Closing: message.Balance{Amount: opening, Date: closingDay(number)},
	}
	for _, line := range lines {
		entry := message.Entry{
			ID: line.ID, Label: line.Label, Amount: line.Amount,
			BookedOn: calendar.DateOf(line.BookedAt), ValueOn: calendar.DateOf(line.ValueAt),
		}
		for _, detail := range line.Details {
			entry.Details = append(entry.Details, message.Detail{EndToEndID: detail.EndToEndID, Amount: detail.Amount, Code: detail.Code})
		}
		made.Entries = append(made.Entries, entry)
		made.Closing.Amount += line.Amount
	}
	return made
}

// closingDay is that of a statement of that number.
func closingDay(number int) calendar.Date { return calendar.DateOf(now).AddDays(number - 1) }

// content is a file of these statements.
func (w *world) content(t require.TestingT, statements ...message.Statement) []byte {
	var file bytes.Buffer
	if w.format == bankfile.CFONB120 {
		require.NoError(t, message.WriteCFONB120(&file, statements...))
		return file.Bytes()
	}
	envelope := message.Envelope{Definition: string(w.format), ID: "M1", CreatedAt: now}
	require.NoError(t, message.WriteCamt053(&file, envelope, statements...))
	return file.Bytes()
}

// name says what the file holds, for people: the worker does not look at it.
func name(account ledger.Code, number int) string {
	return fmt.Sprintf("%s %d", strings.TrimPrefix(string(account), "BK."), number)
}

// as is the name under which a file of one account is put away.
func (w *world) as(account ledger.Code, number int, content []byte) string {
	return w.asOf(strings.TrimPrefix(string(account), "BK."), closingDay(number), content)
}

func (w *world) asOf(accounts string, closed calendar.Date, content []byte) string {
	format, ending := "camt.053", "xml"
	if w.format == bankfile.CFONB120 {
		format, ending = "cfonb120", "txt"
	}
	sum := sha256.Sum256(content)
	return fmt.Sprintf("%s.%s.%s.%x.%s", format, accounts, closed, sum[:6], ending)
}

// deliver puts a statement into the inbox.
func (w *world) deliver(t require.TestingT, account ledger.Code, number int, opening money.Cents, lines ...statement.Line) {
	w.put(t, name(account, number), w.content(t, stated(account, number, opening, lines...)))
}

func (w *world) put(t require.TestingT, file string, text []byte) {
	require.NoError(t, os.WriteFile(filepath.Join(w.inbox, file), text, 0o600))
}

// inboxHolds are the names of the inbox's files.
func (w *world) inboxHolds(t require.TestingT) []string {
	entries, err := os.ReadDir(w.inbox)
	require.NoError(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func (w *world) number(t require.TestingT, query string, arguments ...any) int64 {
	var value int64
	require.NoError(t, w.pool.QueryRow(context.Background(), query, arguments...).Scan(&value))
	return value
}

func (w *world) text(t require.TestingT, query string, arguments ...any) string {
	var value string
	require.NoError(t, w.pool.QueryRow(context.Background(), query, arguments...).Scan(&value))
	return value
}

// state is all that the activities may change, byte for byte.
func (w *world) state(t require.TestingT) string {
	var all strings.Builder
	for _, table := range []string{
		"account", "batch", "entry", "statement", "bank_line", "bank_line_detail", "bulk", "transfer_order", "settlement", "safeguarding", "vacation", "event",
		"event_block",
	} {
		all.WriteString(table + ": " + w.text(t, `select coalesce(string_agg(x::text, E'\n' order by x::text), '') from `+table+` x`) + "\n")
	}
	return all.String()
}

// post posts entries for a run of that number.
func (w *world) post(t require.TestingT, run int32, step string, entries ...ledger.Entry) int64 {
	var batch int64
	err := pgx.BeginFunc(context.Background(), w.pool, func(tx pgx.Tx) error {
		for i := range entries {
			entries[i].TransactionAt, entries[i].ValueDate = now, calendar.DateOf(now)
		}
		var err error
		batch, _, err = postgres.BeginBatch(context.Background(), tx, run, postgres.Key{Scope: "test", Step: step}, now)
		if err != nil {
			return err
		}
		_, err = postgres.Post(context.Background(), tx, batch, 0, entries)
		return err
	})
	require.NoError(t, err)
	return batch
}

// order orders an own transfer, and returns the name of its bulk.
func (w *world) order(t require.TestingT, run int32, from, to ledger.Code, amount money.Cents, state transfer.State) string {
	n := int(w.number(t, `select count(*) + 1 from bulk`))
	bulk, err := transfer.InternalName("MONEXTINT", calendar.DateOf(now), n)
	require.NoError(t, err)
	reference := transfer.RefExterne(uuid.NewString(), now)
	batch := w.post(t, run, "order "+bulk, ledger.Entry{
		Debit: ledger.Transit(reference), Credit: from, Kind: ledger.KindTransferSent, Amount: amount, Label: bulk,
	})
	_, err = w.pool.Exec(context.Background(), `
		with b as (insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
		           values ($1::text::uuid, $2, 'CANTONNEMENT', $3, $4, 1, $5, '2026-03-17', $6, case when $3 <> 'PREPARED' then $6::timestamptz end)
		           returning number, bulk_id)
		insert into transfer_order (batch, ref_externe, bulk_id, bulk, purpose, state, debtor, creditor, amount_cents, due_date, info, created_at)
		select $7, $8, b.bulk_id, b.number, 'CANTONNEMENT', $3, d.id, c.id, $5, '2026-03-17', 'CANTONNEMENT', $6
		from b, account d, account c where d.code = $9 and c.code = $10`,
		uuid.NewString(), bulk, string(state), run, int64(amount), now, batch, reference, string(from), string(to))
	require.NoError(t, err)
	return bulk
}

// settle starts the règlement of a bank line by hand.
func (w *world) settle(kind vacation.Kind, transaction ogep.GlobalTransaction) error {
	_, err := call[activities.OpenSettlementResult](w, activities.OpenSettlementName, activities.OpenSettlementRequest{
		ID: vacation.ID{Kind: kind, Key: transaction.Reference}, WorkflowRun: uuid.NewString(),
		BusinessDate: calendar.DateOf(now), Transaction: transaction, FileName: "Fichier.CRE.EP.TI.UEP.txt",
	})
	return err
}

// global is the bank line of a settlement as somebody types it.
func global(line statement.Line, reference string) ogep.GlobalTransaction {
	return ogep.GlobalTransaction{
		ID: line.ID, Label: line.Label, Amount: line.Amount, BookedAt: line.BookedAt, TransactionAt: line.TransactionAt,
		ValueAt: line.ValueAt, Type: "transfer", Status: "booked", Vacation: "TRANSACTION", Reference: reference, OperationType: "100",
	}
}

func (w *world) balance(t require.TestingT, code ledger.Code) money.Cents {
	return money.Cents(w.number(t, `select coalesce(sum(debit_cents - credit_cents), 0)::bigint from account where code = $1`, string(code)))
}

// twiceAtOnce calls from two workers at the same time.
func (w *world) twiceAtOnce(t *testing.T, do func(*world) error) {
	t.Helper()
	var both sync.WaitGroup
	for range 2 {
		other := w.another(t)
		both.Go(func() {
			if err := do(other); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

// interrupted kills the activity's connection while it waits for a table that
// it changes late, and wants nothing changed.
func (w *world) interrupted(t *testing.T, table string, do func() error) {
	t.Helper()
	before := w.state(t)
	holder, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "lock table "+table+" in access exclusive mode")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- do() }()
	require.Eventually(t, func() bool {
		return w.number(t, `select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and wait_event_type = 'Lock') as killed`) > 0
	}, 20*time.Second, 5*time.Millisecond)
	err = <-ended
	require.Error(t, err)
	require.Equal(t, vacation.Unexpected, activities.AsFailure(err).Code, "it is tried again: %s", err)
	require.NoError(t, holder.Rollback(t.Context()))
	require.Equal(t, before, w.state(t))
}
