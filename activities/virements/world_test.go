package virements_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/virements"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/siret"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

// now is the Thursday on which the bank's lines are settled.
var now = time.Date(2026, time.March, 19, 11, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

const (
	remittance = "MONEXTEUR20260317001"
	lot        = "REJ192837544970-02"
	merchants3 = 3 // CPs of a world, each with 100.00
)

// world is books with CPs, of which payouts have left.
type world struct {
	pool    *pgxpool.Pool
	parts   []registrar
	folders virements.Folders
	payouts int32 // the financière that ordered them
	orders  int   // so far
}

func newWorld(t testing.TB, options ...virements.Option) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{
		pool:    pgtest.New(t),
		folders: virements.Folders{Inbox: filepath.Join(root, "inbox"), Archive: filepath.Join(root, "archive")},
	}
	for _, folder := range []string{w.folders.Inbox, w.folders.Archive} {
		require.NoError(t, os.Mkdir(folder, 0o700))
	}
	w.parts = w.partsOn(t, w.pool, options...)
	w.load(t)
	entries := make([]ledger.Entry, merchants3)
	for n := range entries {
		entries[n] = ledger.Entry{Debit: ledger.Reglement, Credit: ledger.CP(cpID(n + 1)), Amount: 10_000}
	}
	w.post(t, "fill", entries)
	err := w.pool.QueryRow(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at, ended_at)
		values ('vacation-financiere', '2026-03-17', 1, $1::text::uuid, '2026-03-17', sha256('x'), $1::text, 'ENDED', $2, $2) returning number`,
		uuid.NewString(), now.AddDate(0, 0, -2)).Scan(&w.payouts)
	require.NoError(t, err)
	return w
}

// partsOn are the activities on connections of their own.
func (w *world) partsOn(t testing.TB, pool *pgxpool.Pool, options ...virements.Option) []registrar {
	t.Helper()
	outbox := postgres.Outbox{Environment: 'I', Node: 1}
	clock := func() time.Time { return now }
	labels, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)
	details := reject.NewReader(labels)
	return []registrar{
		session.New(pool, outbox, clock),
		accounts.New(pool, outbox, t.TempDir(), clock),
		ingest.New(pool, ingest.Folders{Inbox: w.folders.Inbox}, details, clock),
		virements.New(pool, outbox, w.folders, details, transfer.Bank{ID: "999999", OrderFormat: "PAIN.001.001.03"}, calendar.Target{}, clock, options...),
	}
}

// registrar is a package of activities.
type registrar interface {
	Register(registry worker.ActivityRegistry)
}

// execute runs an activity in an environment of its own: one does not run several at once.
func (w *world) execute(name string, request any) (converter.EncodedValue, error) {
	suite := new(testsuite.WorkflowTestSuite)
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	for _, part := range w.parts {
		part.Register(env)
	}
	return env.ExecuteActivity(name, request)
}

func cpID(n int) string { return fmt.Sprintf("1A%08d", n) }

func aIBAN(n int) string { return iban.French(99999, 1, n) }

func (w *world) load(t testing.TB) {
	t.Helper()
	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	for n := 1; n <= merchants3; n++ {
		number := fmt.Sprintf("%013d", n)
		require.NoError(t, writer.Write(&merchant.Merchant{
			AccountID: cpID(n), Siret: number + string(siret.CheckDigit(number)), LegalName: "M", CPIBAN: aIBAN(n),
			CPBIC: "RGLOFRP0", Status: merchant.StatusActive, PayoutMode: merchant.PayoutNone, PayoutCeiling: money.Max,
			ValidFrom: calendar.DateOf(now),
		}))
	}
	require.NoError(t, writer.Close())
	_, err = merchants.Load(t.Context(), w.pool, merchants.Snapshot{
		Name: "m.csv", Sequence: 1, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, now)
	require.NoError(t, err)
}

// post posts entries in a batch of no run, and returns it.
func (w *world) post(t testing.TB, step string, entries []ledger.Entry) (batch int64) {
	t.Helper()
	err := pgx.BeginFunc(context.WithoutCancel(t.Context()), w.pool, func(tx pgx.Tx) (err error) {
		batch, _, err = postgres.BeginBatch(t.Context(), tx, 0, postgres.Key{Scope: "test", Step: step}, now)
		if err != nil {
			return err
		}
		for i := range entries {
			entries[i].Kind, entries[i].Label = cmp.Or(entries[i].Kind, ledger.KindOpening), "o"
			entries[i].TransactionAt, entries[i].ValueDate = now, calendar.DateOf(now)
		}
		_, err = postgres.Post(t.Context(), tx, batch, 0, entries)
		return err
	})
	require.NoError(t, err)
	return batch
}

// order is a payout of a CP, in cents.
type order struct {
	cp      int
	amount  money.Cents
	payline bool
}

func refOf(number int) string { return fmt.Sprintf("order-%d", number) }

// endToEnd identifies the n-th order of the world.
func endToEnd(n int) string { return fmt.Sprintf("26031700000000%02d", n) }

// bulk makes a bulk of that state, handed over on 17 March, and its orders in theirs.
func (w *world) bulk(t testing.TB, name, state, orderState string, orders ...order) {
	t.Helper()
	entries := make([]ledger.Entry, len(orders))
	sum := money.Cents(0)
	for i, each := range orders {
		entries[i] = ledger.Entry{
			Debit: ledger.CP(cpID(each.cp)), Credit: ledger.Payout(refOf(w.orders + i + 1)), Kind: ledger.KindPayout, Amount: each.amount,
		}
		sum += each.amount
	}
	batch := w.post(t, name, entries)
	var number int32
	err := w.pool.QueryRow(t.Context(), `
		insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
		values (gen_random_uuid(), $1, 'PAYOUT', $2, $3, $4, $5, '2026-03-17', $6, $6) returning number`,
		name, state, w.payouts, len(orders), int64(sum), now.AddDate(0, 0, -2)).Scan(&number)
	require.NoError(t, err)
	for _, each := range orders {
		w.orders++
		w.insert(t, number, batch, orderState, each)
	}
}

func (w *world) insert(t testing.TB, bulk int32, batch int64, state string, each order) {
	t.Helper()
	source, file := "AUTO", (*int32)(nil)
	if each.payline {
		source, file = "PAYLINE", w.requested(t, each)
	}
	_, err := w.pool.Exec(t.Context(), `
		insert into payout (scope, source, payline_file, payline_line, ref_externe, end_to_end_id, account_id, account,
			debtor_name, debtor_bic, debtor_iban, creditor_name, creditor_bic, creditor_iban, amount_cents, ceiling_cents,
			due_date, info, requested_at, state, batch, bulk, reason)
		select 'vacation-financiere/2026-03-17', $1, $2::int, case when $2::int is null then null else 1 end, $3, $4, account_id, account,
			legal_name, cp_bic, cp_iban, 'Creditor', '', $5, $6, 0, '2026-03-17', 'info', $7, $8, $9, $10,
			case when $8 = 'REJECTED' then 'AC04' else '' end
		from merchant where account_id = $11`,
		source, file, refOf(w.orders), endToEnd(w.orders), aIBAN(9_000+w.orders), int64(each.amount), now, state, batch, bulk, cpID(each.cp))
	require.NoError(t, err)
}

// requested makes the Payline file and line that asked for the order.
func (w *world) requested(t testing.TB, each order) *int32 {
	t.Helper()
	var file int32
	err := w.pool.QueryRow(t.Context(), `
		insert into payline_file (scope, sequence, file_name, file_date, sha256, movements, transfers, sum_cents, received_at)
		values ('s' || $1::int, $1::int, 'p', '2026-03-17', sha256($2), 0, 1, $3, $4) returning number`,
		w.orders, []byte(refOf(w.orders)), int64(each.amount), now).Scan(&file)
	require.NoError(t, err)
	_, err = w.pool.Exec(t.Context(), `
		insert into payline_line (file, line, kind, end_to_end_id, seen, operation_code, debtor_cp, creditor_cp, debtor_iban,
			creditor_name, creditor_bic, creditor_iban, amount_cents, currency, label, control_code, outcome)
		values ($1, 1, 'TRANSFER', $2, false, '', '', '', '', '', '', '', $3, 'EUR', '', '', 'ACCP')`, file, endToEnd(w.orders), int64(each.amount))
	require.NoError(t, err)
	return &file
}

// bankLine is a line of the règlement account.
type bankLine struct {
	reference string
	amount    money.Cents
}

func remitted(amount money.Cents) bankLine { return bankLine{remittance, -amount} }

func cameBack(amount money.Cents) bankLine { return bankLine{lot, amount} }

func (l bankLine) id() string { return "bank-" + l.reference }

func (l bankLine) label() string {
	if l.amount < 0 {
		return "REM VIR " + l.reference
	}
	return "LOT REJ VIR " + l.reference[3:15] + " " + l.reference[16:]
}

func (l bankLine) movement() ogep.GlobalTransaction {
	return ogep.GlobalTransaction{
		ID: l.id(), Label: l.label(), Amount: l.amount, BookedAt: now, TransactionAt: now, ValueAt: now,
		Type: "transfer", Status: "booked", Vacation: "VIREMENTS", Reference: l.reference, OperationType: "VIR",
	}
}

func openRequest(line bankLine) activities.OpenSettlementRequest {
	return activities.OpenSettlementRequest{
		ID: vacation.ID{Kind: vacation.ReglementVirements, Key: line.reference}, WorkflowRun: uuid.NewString(),
		BusinessDate: calendar.DateOf(now), Transaction: line.movement(), FileName: "detail",
	}
}

// open opens the règlement of a line.
func (w *world) open(t testing.TB, line bankLine) activities.Run {
	t.Helper()
	value, err := w.execute(activities.OpenSettlementName, openRequest(line))
	require.NoError(t, err)
	var opened activities.OpenSettlementResult
	require.NoError(t, value.Get(&opened))
	return opened.Run
}

// call runs an activity whose request is the run.
func (w *world) call(name string, request any) (activities.MatchResult, error) {
	var result activities.MatchResult
	value, err := w.execute(name, request)
	if err == nil && value.HasValue() {
		err = value.Get(&result)
	}
	return result, err
}

// until calls an activity until it is done.
func (w *world) until(t testing.TB, name string, run activities.Run) activities.MatchResult {
	t.Helper()
	for range 100 {
		result, err := w.call(name, run)
		require.NoError(t, err)
		if result.Done {
			return result
		}
	}
	require.Fail(t, name+" is never done")
	return activities.MatchResult{}
}

func (w *world) loadRejects(run activities.Run, path string, cutOff time.Time) (activities.LoadRejectsResult, error) {
	var result activities.LoadRejectsResult
	value, err := w.execute(activities.LoadRejectsName,
		activities.LoadRejectsRequest{Run: run, Path: path, CutOff: cutOff})
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

func (w *world) close(t testing.TB, run activities.Run) {
	t.Helper()
	_, err := w.execute(activities.CloseVacationName, activities.CloseVacationRequest{Run: run, Totals: []byte(`{}`)})
	require.NoError(t, err)
}

// back is an order that came back.
func back(n int, amount money.Cents) reject.Reject {
	return reject.Reject{EndToEndID: endToEnd(n), Amount: amount, Code: "AC04"}
}

// detail writes the detail of a lot into the inbox.
func (w *world) detail(t testing.TB, name, lot string, rejects ...reject.Reject) string {
	t.Helper()
	return w.receive(t, name, detailOf(t, lot, rejects...))
}

// receive puts a file into the inbox.
func (w *world) receive(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(w.folders.Inbox, name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// detailOf is the detail of a lot in the format that most banks send.
func detailOf(t testing.TB, lot string, rejects ...reject.Reject) []byte {
	t.Helper()
	return detailIn(t, message.Pain002V10, iso20022.NotProvided, lot, rejects...)
}

// formats are those in which a bank sends the detail of a lot.
func formats() []string {
	return []string{message.Pain002V03, message.Pain002V10, message.Camt054V02, message.Camt054V08, "CFONB 240"}
}

// detailIn is the detail of a lot in that format, and its orders those of that message.
func detailIn(t testing.TB, format, of, lot string, rejects ...reject.Reject) []byte {
	t.Helper()
	var file bytes.Buffer
	label := bankLine{lot, 1}.label()
	envelope := message.Envelope{Definition: format, ID: strings.ReplaceAll(label, " ", ""), CreatedAt: now}
	details, sum := make([]message.Detail, len(rejects)), money.Cents(0)
	for i, each := range rejects {
		details[i] = message.Detail{PaymentID: "P", EndToEndID: each.EndToEndID, Amount: each.Amount, Code: each.Code}
		sum += each.Amount
	}
	var err error
	status := message.Partly
	if len(rejects) == 0 {
		status = message.Accepted
	}
	switch {
	case strings.HasPrefix(format, "pain.002"):
		err = message.WritePain002(&file, envelope, message.Report{
			MessageID: of, Definition: message.Pain001V09, Orders: len(rejects) + 1, Sum: sum + 1, Status: status,
			Executed: 1, ExecutedSum: 1, Rejected: details,
		})
	case strings.HasPrefix(format, "camt.054"):
		err = message.WriteCamt054(&file, envelope, aIBAN(1), message.Entry{
			ID: "N", Label: label, Amount: sum, BookedOn: calendar.DateOf(now), ValueOn: calendar.DateOf(now), Details: details,
		})
	default:
		err = message.WriteCFONB240(&file, message.Lot{
			IBAN: aIBAN(1), Label: label, SettledOn: calendar.DateOf(now), ExecutedOn: calendar.DateOf(now), Returns: details,
		})
	}
	require.NoError(t, err)
	return file.Bytes()
}

// refused is the code and the message of the failure that an activity returned.
func requireFailure(t testing.TB, err error, code vacation.FailureCode, parts ...string) {
	t.Helper()
	require.Error(t, err)
	failure := activities.AsFailure(err)
	require.Equal(t, code, failure.Code, failure.Message)
	for _, part := range parts {
		require.Contains(t, failure.Message, part)
	}
}

func (w *world) balance(t testing.TB, account ledger.Code) money.Cents {
	t.Helper()
	var cents int64
	err := w.pool.QueryRow(t.Context(),
		`select coalesce(sum(credit_cents - debit_cents), 0)::bigint from account where code = $1`, string(account)).Scan(&cents)
	require.NoError(t, err)
	return money.Cents(cents)
}

func (w *world) texts(t testing.TB, query string) []string {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), query)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

// states are the orders' states in their order.
func (w *world) states(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `select state from payout order by number`)
}

// all is everything that a run may change, but for what differs between two worlds.
func (w *world) all(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select 'account ' || code || ' ' || debit_cents || ' ' || credit_cents from account
		union all select 'entry ' || d.code || ' ' || c.code || ' ' || amount_cents || ' ' || kind || ' ' || label || ' ' || coalesce(line, 0)
			from entry e join account d on d.id = e.debit join account c on c.id = e.credit
		union all select 'payout ' || ref_externe || ' ' || state || ' ' || reason || ' ' || coalesce(debit_line, '-') || ' '
			|| coalesce(reject_line, '-') || ' ' || coalesce(settled_at::text, '-') from payout
		union all select 'bulk ' || name || ' ' || state || ' ' || coalesce(settled_at::text, '-') from bulk
		union all select 'reject ' || line || ' ' || end_to_end_id || ' ' || amount_cents || ' ' || code from bank_reject
		union all select 'hold ' || account_id || ' ' || reason from payout_hold
		union all select 'sweep ' || step || ' ' || count from sweep
		union all select 'settlement ' || reference || ' ' || coalesce(line_count, 0) || ' ' || posted_lines from settlement
		union all select 'vacation ' || kind || '/' || key || ' ' || state || ' ' || last_seq from vacation
		union all select 'event ' || type || ' ' || params from event
		order by 1`)
}

// breaches are the invariants that do not hold, and where. What stands there is
// left out: what was made by hand moves on.
func (w *world) breaches(t testing.TB) []string {
	t.Helper()
	report, err := audit.Verify(t.Context(), w.pool)
	require.NoError(t, err)
	places := make([]string, len(report.Breaches))
	for i, breach := range report.Breaches {
		places[i] = string(breach.Invariant) + " " + breach.Place
	}
	return places
}

// told are the events of a run, in their order.
func (w *world) told(t testing.TB, run activities.Run) []ogep.Event {
	t.Helper()
	var events []ogep.Event
	for _, event := range eventtest.Told(t, w.pool) {
		if event.CorrelationID == run.CorrelationID {
			events = append(events, event)
		}
	}
	return events
}

func types(events []ogep.Event) []string {
	names := make([]string, len(events))
	for i := range events {
		names[i] = string(events[i].Type)
	}
	return names
}
