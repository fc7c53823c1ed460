package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/siret"
	"github.com/reglo/reglo/domain/vacation"
)

func now() time.Time { return time.Date(2026, time.March, 17, 9, 30, 0, 0, time.UTC) }

const (
	ours, alsoOurs, others = "1111111", "2222222", "9999999"

	account = "1A00000001"
)

func merchantSiret() string {
	const number = "0000000000001"
	return number + string(siret.CheckDigit(number))
}

// world is a database with a merchant, and folders.
type world struct {
	pool    *pgxpool.Pool
	folders ingest.Folders
}

func newWorld(t testing.TB) *world {
	t.Helper()
	root := t.TempDir()
	w := &world{pool: pgtest.New(t), folders: ingest.Folders{
		Inbox: filepath.Join(root, "inbox"), Work: filepath.Join(root, "work"), Archive: filepath.Join(root, "archive"),
	}}
	require.NoError(t, w.folders.Make())
	var file bytes.Buffer
	writer, err := merchant.NewWriter(&file)
	require.NoError(t, err)
	require.NoError(t, writer.Write(&merchant.Merchant{
		AccountID: account, Siret: merchantSiret(), LegalName: "M", CPIBAN: iban.French(99999, 1, 1), CPBIC: "RGLOFRP0",
		Status: merchant.StatusActive, PayoutMode: merchant.PayoutNone, PayoutCeiling: money.Max, ValidFrom: calendar.DateOf(now()),
	}))
	require.NoError(t, writer.Close())
	_, err = merchants.Load(t.Context(), w.pool, merchants.Snapshot{
		Name: "m.csv", Sequence: 1, MaxClosedPercent: 100,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, now())
	require.NoError(t, err)
	return w
}

// file is a CRE file of a settlement, and the settlement.
func (w *world) file(t testing.TB, sequence int, kind settlement.FileKind, lines int, line func(number int, l *settlement.Line)) (reference string) {
	t.Helper()
	date := calendar.DateOf(now())
	reference = settlement.NewReference(sequence, date)
	file, err := os.Create(w.path(reference))
	require.NoError(t, err)
	writer, err := settlement.NewWriter(file, settlement.Header{
		FileName: "CRE", Kind: kind, Reference: reference, OperationType: "100", SettlementDate: date, Currency: "EUR", CreatedAt: now(),
	})
	require.NoError(t, err)
	for number := 1; number <= lines; number++ {
		l := settlement.Line{
			CreID: fmt.Appendf(nil, "%s-%d", reference, number), AccountID: []byte(account), Siret: []byte(merchantSiret()),
			Contract: []byte(ours), Scheme: settlement.SchemeCB, Type: settlement.TypeVente, Gross: money.Cents(number),
			TransactionAt: now().Add(-time.Hour).In(calendar.Paris()), ValueDate: date, Label: []byte("VENTE CB"),
		}
		line(number, &l)
		require.NoError(t, writer.Write(&l))
	}
	summary, err := writer.Close()
	require.NoError(t, err)
	require.NoError(t, file.Close())
	_, err = w.pool.Exec(t.Context(), `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		values ($1, $2, $3, '100', $4, 'l', sha256('l'), '2026-03-17')`,
		reference, id(reference).String(), string(kind), int64(summary.Gross))
	require.NoError(t, err)
	// Files that changed just now may be written still.
	old := now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(w.path(reference), old, old))
	return reference
}

func id(reference string) vacation.ID {
	return vacation.ID{Kind: vacation.ReglementTransactions, Key: reference}
}

func (w *world) path(reference string) string {
	return filepath.Join(w.folders.Inbox, reference+".cre")
}

// load loads a settlement's file on connections of its own.
func (w *world) load(pool *pgxpool.Pool, reference string, contracts ...string) (activities.LoadFileResult, error) {
	labels, err := label.Compile(label.Default(), nil)
	if err != nil {
		return activities.LoadFileResult{}, fmt.Errorf("compile grammars: %w", err)
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: context.Background()})
	env.SetTestTimeout(10 * time.Minute)
	ingest.New(pool, w.folders, reject.NewReader(labels), now, ingest.WithContracts(contracts)).Register(env)
	var result activities.LoadFileResult
	value, err := env.ExecuteActivity(activities.LoadFileName, activities.LoadFileRequest{
		Run: activities.Run{ID: id(reference), Number: 1}, Path: w.path(reference), CutOff: now().Add(time.Hour),
	})
	if err == nil {
		err = value.Get(&result)
	}
	return result, err
}

func (w *world) texts(t testing.TB, query string) []string {
	t.Helper()
	rows, err := w.pool.Query(context.WithoutCancel(t.Context()), query)
	require.NoError(t, err)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return texts
}

// tapped are the lines that payments are matched with.
func (w *world) tapped(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select concat_ws('|', s.reference, line, cre_id, contract, p.amount_cents, transaction_at at time zone 'UTC', acquirer_ref, label, orders,
		                 loaded_at at time zone 'UTC')
		from payment_line p join settlement s on s.number = p.settlement order by settlement, line`)
}

// kept is one line as tapped has it.
func kept(reference string, number int, contract string, cents int, acquirer, label, orders string) string {
	return fmt.Sprintf("%s|%d|%s-%d|%s|%d|2026-03-17 08:30:00|%s|%s|%s|2026-03-17 09:30:00",
		reference, number, reference, number, contract, cents, acquirer, label, orders)
}

func TestLinesOfShops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reference := w.file(t, 1, settlement.KindTransaction, 6, func(number int, l *settlement.Line) {
		switch number {
		case 2:
			l.Contract, l.AcquirerRef, l.Label = []byte(alsoOurs), []byte("1c8356b0"), []byte("Réf. TS2026-20260317-1, CB")
		case 3:
			l.Contract = []byte(others)
		case 4:
			l.Contract = nil
		case 5:
			l.Type, l.Gross = settlement.TypeRemb, -2
		case 6:
			l.AccountID = []byte("1A99999999") // parked: of nobody we know
		}
	})
	want := []string{
		kept(reference, 1, ours, 1, "", "VENTE CB", ""),
		kept(reference, 2, alsoOurs, 2, "1c8356b0", "Réf. TS2026-20260317-1, CB", "TS2026-20260317-1"),
		kept(reference, 5, ours, -2, "", "VENTE CB", ""),
		kept(reference, 6, ours, 6, "", "VENTE CB", ""),
	}
	w.run(t)
	for range 2 {
		result, err := w.load(w.pool, reference, ours, alsoOurs)
		require.NoError(t, err)
		require.True(t, result.Found)
		require.Equal(t, 6, result.Lines)
		require.Equal(t, want, w.tapped(t))
		parts, err := filepath.Glob(filepath.Join(w.folders.Work, "*", "payments"))
		require.NoError(t, err)
		require.Empty(t, parts)
	}
	// Where the parts are lost, the file is split once more.
	require.NoError(t, os.RemoveAll(w.folders.Work))
	require.NoError(t, os.Mkdir(w.folders.Work, 0o700))
	_, err := w.load(w.pool, reference, ours, alsoOurs, others)
	require.NoError(t, err)
	require.Equal(t, want, w.tapped(t), "a file is tapped when it is accepted")
}

// run is the vacation that parks lines.
func (w *world) run(t testing.TB) {
	t.Helper()
	_, err := w.pool.Exec(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		values ('vacation-reglement-transactions', 'x', 1, gen_random_uuid(), '2026-03-17', sha256('x'), 'x', 'RUNNING', now());
		insert into account (code, class) values ('TR.SET.00000120260317UEP', 'TR.SET') on conflict do nothing`)
	require.NoError(t, err)
}

func TestWithoutShopsNothingIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reference := w.file(t, 1, settlement.KindTransaction, 3, func(int, *settlement.Line) {})
	_, err := w.load(w.pool, reference)
	require.NoError(t, err)
	require.Empty(t, w.tapped(t))
}

func TestUnpaidsSettleNoPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reference := w.file(t, 1, settlement.KindImpaye, 2, func(_ int, l *settlement.Line) {
		l.Type, l.Gross, l.ReasonCode = settlement.TypeImpaye, -l.Gross, []byte("A1")
	})
	_, err := w.load(w.pool, reference, ours)
	require.NoError(t, err)
	require.Empty(t, w.tapped(t))
}

// A file that is refused leaves nothing.
func TestARefusedFileIsNotTapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reference := w.file(t, 1, settlement.KindTransaction, 3, func(int, *settlement.Line) {})
	_, err := w.pool.Exec(t.Context(), `update settlement set amount_cents = amount_cents + 1`)
	require.NoError(t, err)
	_, err = w.load(w.pool, reference, ours)
	require.ErrorContains(t, err, "apart")
	require.Empty(t, w.tapped(t))
	left, err := os.ReadDir(w.folders.Work)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestTappingTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 500
	reference := w.file(t, 1, settlement.KindTransaction, lines, func(int, *settlement.Line) {})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := w.load(w.pool, reference, ours); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Len(t, w.tapped(t), lines)
}

func TestTappingCutAtEachMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 20
	for message := 1; ; message++ {
		reference := w.file(t, message, settlement.KindTransaction, lines, func(int, *settlement.Line) {})
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := w.load(pool, reference, ours)
		_, again := w.load(w.pool, reference, ours)
		require.NoError(t, again)
		require.Len(t, w.tapped(t), message*lines, "cut at message %d", message)
		if !struck() {
			require.NoError(t, err)
			require.Greater(t, message, 10)
			return
		}
	}
}
