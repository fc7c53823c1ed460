// Package payouttest is a world for tests of payouts: books with CPs that hold
// money, folders, and the activities of a financière up to the posting.
package payouttest

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/cashout"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/payline"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/domain/calendar"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/siret"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// CP is a payment account and what it holds.
type CP struct {
	merchant.Merchant

	Balance money.Cents
}

// World is a database with CPs, and the activities.
type World struct {
	Pool    *pgxpool.Pool
	Env     *testsuite.TestActivityEnvironment
	Folders payline.Folders
	Date    calendar.Date // of business: Tuesday, 17 March 2026
	options Options
	ticks   *atomic.Int64
}

// Options change a world. The zero ones are no limits, and the usual chunks.
type Options struct {
	Policy *rules.Policy
	Chunk  int           // 0 is the usual one
	Slice  time.Duration // 0 is the usual one, below zero one chunk a call
}

// Start is the hour at which the world's clock starts. It goes on by a
// millisecond each time that it is looked at.
func Start() time.Time { return time.Date(2026, time.March, 17, 11, 2, 54, 0, time.UTC) }

// Now is the world's hour.
func (w *World) Now() time.Time { return Start().Add(time.Duration(w.ticks.Add(1)) * time.Millisecond) }

// ID names the nth CP.
func ID(n int) string { return fmt.Sprintf("1A%08d", n) }

// IBAN is a valid one, the nth of a bank.
func IBAN(bank, n int) string { return iban.French(bank, 1, n) }

// Siret is that of the nth merchant.
func Siret(n int) string {
	text := fmt.Sprintf("%013d", n)
	return text + string(siret.CheckDigit(text))
}

// Bank numbers of IBANs.
const (
	OwnBank   = 99999 // that of the CPs
	OtherBank = 30003
)

// Active is the nth CP, of the nth merchant: ACTIVE, paid out automatically each
// day, entitled to everything.
func Active(n int, balance money.Cents) CP {
	return CP{Balance: balance, Merchant: merchant.Merchant{
		AccountID: ID(n), Siret: Siret(n), LegalName: fmt.Sprintf("COMMERCE %d", n), CPIBAN: IBAN(OwnBank, n), CPBIC: "RGLOFRP0",
		Status: merchant.StatusActive, PayoutMode: merchant.PayoutAuto, PayoutFrequency: merchant.Frequency{Period: merchant.Daily},
		ExternalIBAN: IBAN(OtherBank, n), ExternalBIC: "SOGEFRPPXXX", ExternalName: fmt.Sprintf("TITULAIRE %d", n),
		PayoutCeiling: money.Max, CPToCPAllowed: true, ValidFrom: calendar.DateOf(Start()),
	}}
}

// Manual is the same, paid out when the merchant asks only.
func Manual(n int, balance money.Cents) CP {
	cp := Active(n, balance)
	cp.PayoutMode, cp.PayoutFrequency = merchant.PayoutManual, merchant.Frequency{}
	return cp
}

// New makes a world of CPs, whose money stands on règlement.
func New(t testing.TB, options Options, cps ...CP) *World {
	t.Helper()
	root := t.TempDir()
	w := &World{
		Pool: pgtest.New(t), Env: environment(), Date: calendar.DateOf(Start()), options: options, ticks: new(atomic.Int64),
		Folders: payline.Folders{
			Inbox: filepath.Join(root, "inbox"), Archive: filepath.Join(root, "archive"), Outbox: filepath.Join(root, "outbox"),
		},
	}
	for _, folder := range []string{w.Folders.Inbox, w.Folders.Archive, w.Folders.Outbox} {
		require.NoError(t, os.MkdirAll(folder, 0o700))
	}
	w.register()
	w.load(t, cps)
	w.fill(t, cps)
	return w
}

// environment runs activities, one at a time.
func environment() *testsuite.TestActivityEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	return suite.NewTestActivityEnvironment()
}

// Beside is another worker of the same world.
func (w *World) Beside() *World {
	other := *w
	other.Env = environment()
	other.register()
	return &other
}

func (w *World) register() {
	options := w.options
	policy := rules.Policy{CPCeiling: money.Max, TotalCeiling: money.Max, FourEyes: money.Max}
	if options.Policy != nil {
		policy = *options.Policy
	}
	var (
		cashouts []cashout.Option
		requests []payline.Option
	)
	if options.Chunk > 0 {
		cashouts, requests = append(cashouts, cashout.WithChunk(options.Chunk)), append(requests, payline.WithChunk(options.Chunk))
	}
	if options.Slice != 0 {
		cashouts, requests = append(cashouts, cashout.WithSlice(options.Slice)), append(requests, payline.WithSlice(options.Slice))
	}
	outbox := postgres.Outbox{Environment: 'I', Node: 1}
	session.New(w.Pool, outbox, w.Now).Register(w.Env)
	cashout.New(w.Pool, outbox, cashout.Settings{
		Bank: transfer.Bank{ID: "999999", OrderFormat: "PAIN.001.001.03"}, Calendar: calendar.Target{},
		Policy: policy, Actors: []string{"alice", "bruno"},
	}, w.Now, cashouts...).Register(w.Env)
	payline.New(w.Pool, outbox, w.Folders, payline.Settings{
		Bank: transfer.Bank{ID: "999999", OrderFormat: "PAIN.001.001.03"}, BankBIC: "CMBRFR2BARK",
		Calendar: calendar.Target{}, Layout: request.Ogep1{},
	}, w.Now, requests...).Register(w.Env)
}

func (w *World) load(t testing.TB, cps []CP) {
	t.Helper()
	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	for i := range cps {
		require.NoError(t, writer.Write(&cps[i].Merchant))
	}
	require.NoError(t, writer.Close())
	_, err = merchants.Load(t.Context(), w.Pool, merchants.Snapshot{
		Name: "Merchants.000001.csv", Sequence: 1, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, w.Now())
	require.NoError(t, err)
}

func (w *World) fill(t testing.TB, cps []CP) {
	t.Helper()
	var entries []ledger.Entry
	for i := range cps {
		if cps[i].Balance > 0 {
			entries = append(entries, ledger.Entry{
				Debit: ledger.Reglement, Credit: ledger.CP(cps[i].AccountID), Amount: cps[i].Balance,
			})
		}
	}
	w.Post(t, "fill", entries...)
}

// Post commits entries of a step that no vacation makes.
func (w *World) Post(t testing.TB, step string, entries ...ledger.Entry) {
	t.Helper()
	for i := range entries {
		entries[i].Kind, entries[i].Label = ledger.KindOpening, step
		entries[i].TransactionAt, entries[i].ValueDate = Start(), w.Date
	}
	err := pgx.BeginFunc(t.Context(), w.Pool, func(tx pgx.Tx) error {
		batch, _, err := postgres.BeginBatch(t.Context(), tx, 0, postgres.Key{Scope: "test", Step: step}, Start())
		if err != nil || len(entries) == 0 {
			return err
		}
		_, err = postgres.Post(t.Context(), tx, batch, 0, entries)
		return err
	})
	require.NoError(t, err)
}

// Open opens a run of the day's financière, or of another session of it.
func (w *World) Open(t testing.TB, key, workflowRun string) activities.Run {
	t.Helper()
	id, err := vacation.NewID(vacation.Financiere, key)
	require.NoError(t, err)
	result, err := Do[activities.OpenVacationResult](w, activities.OpenVacationName, activities.OpenVacationRequest{
		ID: id, WorkflowRun: workflowRun, BusinessDate: w.Date, Parameters: []byte(`{}`),
	})
	require.NoError(t, err)
	require.Empty(t, result.HeldBy)
	return result.Run
}

// Fail ends a run with error.
func (w *World) Fail(t testing.TB, run activities.Run) {
	t.Helper()
	_, err := w.Env.ExecuteActivity(activities.FailVacationName, activities.FailVacationRequest{
		Run: run, Code: vacation.Cancelled, Step: vacation.StagePlanning, Message: "m",
	})
	require.NoError(t, err)
}

// Do runs an activity once.
func Do[T any](w *World, name string, asked any) (T, error) {
	var result T
	value, err := w.Env.ExecuteActivity(name, asked)
	if err != nil {
		return result, fmt.Errorf("%s: %w", name, err)
	}
	if err := value.Get(&result); err != nil {
		return result, fmt.Errorf("result of %s: %w", name, err)
	}
	return result, nil
}

// File writes a Payline file into the inbox.
func (w *World) File(t testing.TB, sequence int, lines ...request.Line) string {
	t.Helper()
	var content bytes.Buffer
	writer, err := request.NewWriter(&content, request.Header{Sequence: sequence, Date: w.Date})
	require.NoError(t, err)
	for i := range lines {
		require.NoError(t, writer.Write(&lines[i]))
	}
	_, err = writer.Close()
	require.NoError(t, err)
	path := filepath.Join(w.Folders.Inbox, fmt.Sprintf("Payline.%06d.txt", sequence))
	require.NoError(t, os.WriteFile(path, content.Bytes(), 0o600))
	return path
}

// Movement asks for a movement between two CPs.
func (w *World) Movement(id int, from, to string, amount money.Cents) request.Line {
	return request.Line{
		Kind: request.Movement, EndToEndID: EndToEndID(id), DebtorCP: from, CreditorCP: to, Amount: amount, Currency: money.Currency,
		Label: "Transfert de fonds CP à CP", ExecDate: w.Date,
	}
}

// Transfer asks for a transfer from a CP to a bank.
func (w *World) Transfer(id int, from string, amount money.Cents) request.Line {
	const merchants = 1_000_000 // creditors of requests are none of the CPs' own
	line := w.Movement(id, from, "", amount)
	line.Kind, line.Label = request.Transfer, "PAYOUT202603170021"
	line.CreditorName, line.CreditorBIC, line.CreditorIBAN = "Ext", "SOGEFRPPXXX", IBAN(OtherBank, merchants+id)
	return line
}

// EndToEndID is a requester's nth identifier.
func EndToEndID(n int) string { return fmt.Sprintf("260317%010d", n) }

// Load takes in what stands in the inbox.
func (w *World) Load(run activities.Run) (activities.LoadPaylineResult, error) {
	return Do[activities.LoadPaylineResult](w, activities.LoadPaylineName, activities.LoadPaylineRequest{
		Run: run, Path: w.Folders.Inbox, BusinessDate: w.Date, CutOff: Start().Add(-time.Hour),
	})
}

// Steps runs the activities of a financière up to the posting, each until it is done.
func (w *World) Steps(run activities.Run) error {
	if _, err := w.Load(run); err != nil {
		return err
	}
	for _, step := range []struct {
		name    string
		request any
	}{
		{activities.MovePaylineName, run},
		{activities.ControlPaylineName, run},
		{activities.PlanPayoutsName, activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}},
		{activities.ValidateCashoutsName, run},
		{activities.PostPayoutsName, run},
	} {
		if err := w.Until(step.name, step.request); err != nil {
			return err
		}
	}
	return nil
}

// Until calls an activity until it is done.
func (w *World) Until(name string, asked any) error {
	for {
		progress, err := Do[struct {
			Done bool `json:"done"`
		}](w, name, asked)
		if err != nil || progress.Done {
			return err
		}
	}
}

// Balance is what stands on an account, as credit less debit.
func (w *World) Balance(t testing.TB, code ledger.Code) money.Cents {
	t.Helper()
	const query = `select coalesce(sum(credit_cents - debit_cents), 0)::bigint from account where code = $1`
	return money.Cents(w.Number(t, query, string(code)))
}

// Number is the one number that a query gives.
func (w *World) Number(t testing.TB, query string, arguments ...any) int64 {
	t.Helper()
	var value int64
	require.NoError(t, w.Pool.QueryRow(t.Context(), query, arguments...).Scan(&value))
	return value
}

// Facts are what a session comes to, whatever was drawn anew: balances of CPs,
// orders, lines, entries and events, one text each, sorted.
func (w *World) Facts(t testing.TB) []string {
	t.Helper()
	rows, err := w.Pool.Query(t.Context(), `
		select 'cp ' || code || ' ' || debit_cents || ' ' || credit_cents from account where class = 'CP'
		union all
		select concat_ws(' ', 'order', source, account_id, amount_cents, due_date, state, reason, validator, info) from payout
		union all
		select concat_ws(' ', 'line', f.sequence, l.line, l.end_to_end_id, l.seen, l.outcome, l.reject_code)
		from payline_line l join payline_file f on f.number = l.file
		union all
		select concat_ws(' ', 'entry', e.kind, d.code, c.class, e.amount_cents, e.value_date, e.label)
		from entry e join account d on d.id = e.debit join account c on c.id = e.credit
		union all
		select 'events ' || e.type || ' ' || count(*) from event e where type not like '%validate%' group by e.type
		union all
		select 'rendered ' || sum(rendered) from event_block
		union all
		select concat_ws(' ', 'sweep', split_part(step, '/', 1), done, count, cents) from sweep
		union all
		select concat_ws(' ', 'act', act, actor, before, after) from operator_act
		order by 1`)
	require.NoError(t, err)
	facts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return facts
}

// Prove holds the books against their invariants, every CP against zero, and
// what is on its way out against what orders say.
func (w *World) Prove(t testing.TB) {
	t.Helper()
	books, err := postgres.ReadBooks(t.Context(), w.Pool, 0)
	require.NoError(t, err)
	require.Empty(t, books.Check())
	require.Zero(t, w.Number(t, `select count(*) from account where class = 'CP' and credit_cents < debit_cents`))
	require.Equal(t, int64(books.Payouts), w.Number(t,
		`select coalesce(sum(amount_cents), 0)::bigint from payout where state = 'PREPARED'`))
	// Each movement of a CP within a vacation is told once.
	require.Zero(t, w.Number(t, `
		select (select coalesce(sum((d.class = 'CP')::int + (c.class = 'CP')::int), 0)
		        from entry e join account d on d.id = e.debit join account c on c.id = e.credit
		        join batch b on b.id = e.batch where b.vacation is not null)
		     - (select count(*) from event where type = 'create-account-transaction')
		     - (select coalesce(sum(rendered), 0) from event_block)`))
}
