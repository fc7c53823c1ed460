// Package e2e_test runs whole vacations on a real PostgreSQL: in Temporal's test
// environment where the workflow's steps matter, and as programs of their own on
// Temporal's development server where crashes do.
package e2e_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts"
	"github.com/reglo/reglo/activities/cashout"
	"github.com/reglo/reglo/activities/channels/directory"
	"github.com/reglo/reglo/activities/days"
	"github.com/reglo/reglo/activities/debts"
	"github.com/reglo/reglo/activities/decisions"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/payline"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/remittances"
	"github.com/reglo/reglo/activities/session"
	"github.com/reglo/reglo/activities/statements"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/activities/virements"
	"github.com/reglo/reglo/domain/calendar"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/pain001"
	requests "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/reject"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/schemas/xsd"
	"github.com/reglo/reglo/workflows"
)

// stage is a database with merchants and own money, folders, and the activities.
type stage struct {
	pool      *pgxpool.Pool
	folders   ingest.Folders
	accounts  *accounts.Activities
	ingest    *ingest.Activities
	transfers *transfers.Activities
	session   *session.Activities
	own       transfers.Bank // the EP's accounts
	// bank hands over to the bank, by its folder.
	bank *remittances.Activities
	// others are the activities that no test calls by itself.
	others []interface {
		Register(registry worker.ActivityRegistry)
	}
}

// businessDate of the tests is an ordinary Tuesday, a TARGET day.
func businessDate(t testing.TB) calendar.Date {
	t.Helper()
	date, err := calendar.ParseDate("2026-03-17")
	require.NoError(t, err)
	return date
}

// chunkLines of the tests is small, so that small files have many chunks.
const chunkLines = 100

// settings are the options of the activities of a stage.
type settings struct {
	files []ingest.Option
	lines []accounts.Option
	clock func() time.Time
	own   transfers.Bank
	// policy is what may leave without a second person.
	policy rules.Policy
}

type option func(*settings)

// withCut cuts files into transactions of its own.
func withCut(cut part.Cut) option {
	return func(to *settings) { to.files = append(to.files, ingest.WithCut(cut)) }
}

// withClock gives all activities an hour of their own.
func withClock(clock func() time.Time) option { return func(to *settings) { to.clock = clock } }

// withBank gives them the accounts of a bank that a test plays with.
func withBank(own transfers.Bank) option { return func(to *settings) { to.own = own } }

// withFourEyes has payouts above an amount need an approval.
func withFourEyes(above money.Cents) option {
	return func(to *settings) { to.policy.FourEyes = above }
}

// oneChunkASlice has post-lines hand back after each chunk.
func oneChunkASlice() option {
	return func(to *settings) { to.lines = append(to.lines, accounts.WithSlice(-time.Second)) }
}

func newStage(t testing.TB, day *sample.Day, options ...option) *stage {
	t.Helper()
	s := newEmptyStage(t, options...)
	s.loadMerchants(t, day)
	s.fund(t)
	return s
}

// newEmptyStage has neither merchants nor money.
func newEmptyStage(t testing.TB, options ...option) *stage {
	t.Helper()
	root := t.TempDir()
	folders := ingest.Folders{
		Inbox: filepath.Join(root, "inbox"), Work: filepath.Join(root, "work"), Archive: filepath.Join(root, "archive"),
	}
	require.NoError(t, folders.Make())
	return newStageOn(pgtest.New(t), folders, options...)
}

// newStageOn is the activities on a database and folders that others may use too.
func newStageOn(pool *pgxpool.Pool, folders ingest.Folders, options ...option) *stage {
	outbox := postgres.Outbox{Environment: 'I', Node: 1}
	small := part.OrdinaryCut()
	small.ChunkLines = chunkLines
	to := settings{files: []ingest.Option{ingest.WithCut(small)}, clock: time.Now, own: bank(),
		policy: rules.Policy{CPCeiling: money.Max, TotalCeiling: money.Max, FourEyes: money.Max},
	}
	for _, set := range options {
		set(&to)
	}
	s := &stage{
		pool:      pool,
		folders:   folders,
		accounts:  accounts.New(pool, outbox, folders.Work, to.clock, to.lines...),
		ingest:    ingest.New(pool, folders, reject.NewReader(grammars()), to.clock, to.files...),
		transfers: transfers.New(pool, outbox, to.own, calendar.Target{}, to.clock),
		session:   session.New(pool, outbox, to.clock),
		own:       to.own,
	}
	s.engage(outbox, &to)
	return s
}

// grammars are the ordinary ones of bank labels.
func grammars() *label.Classifier {
	labels, err := label.Compile(label.Default(), nil)
	if err != nil {
		panic(err) // they hold
	}
	return labels
}

// engage makes the activities that no test calls by itself.
func (s *stage) engage(outbox postgres.Outbox, to *settings) {
	labels := grammars()
	actors := operator.Actors{"alice", "bruno", "chloe"}
	archived, out := inbox.Archive(s.folders.Archive), filepath.Join(filepath.Dir(s.folders.Inbox), "outbox")
	s.bank = remittances.New(remittances.Parts{
		Pool: s.pool, Outbox: outbox, Own: s.transfers, Channel: directory.New(out), Gate: aGate(), Archive: archived, Bank: to.own,
		Calendar: calendar.Target{}, Actors: actors, Clock: to.clock,
	})
	s.others = append(s.others,
		s.bank,
		cashout.New(s.pool, outbox, cashout.Settings{
			Bank: to.own.Named(), Calendar: calendar.Target{}, Policy: to.policy, Actors: actors,
		}, to.clock),
		days.New(s.pool, calendar.Target{}, to.clock),
		debts.New(s.pool, outbox, to.clock),
		decisions.New(s.pool, outbox, actors, labels, s.transfers, to.clock),
		erp.New(erp.Parts{Pool: s.pool, Clock: to.clock}), // there is none, and nothing is planned
		matching.New(matching.Parts{Pool: s.pool, Calendar: calendar.Target{}, Clock: to.clock}),
		merchants.New(s.pool, archived, actors, merchants.Guard{MaxClosedPercent: merchants.MaxClosedPercent}, to.clock),
		payline.New(s.pool, outbox, payline.Folders{Inbox: s.folders.Inbox, Archive: s.folders.Archive, Outbox: out}, payline.Settings{
			Bank: to.own.Named(), BankBIC: to.own.Reglement.BIC, Calendar: calendar.Target{}, Layout: requests.Ogep1{},
		}, to.clock),
		statements.New(s.pool, outbox, labels, to.own.IBANs(), archived, to.clock),
		virements.New(s.pool, outbox, virements.Folders{Inbox: s.folders.Inbox, Archive: s.folders.Archive},
			reject.NewReader(labels), to.own.Named(), calendar.Target{}, to.clock),
	)
}

// register makes all activities known to a worker, but those of the channel to the bank.
func (s *stage) register(registry worker.ActivityRegistry) {
	s.accounts.Register(registry)
	s.ingest.Register(registry)
	s.transfers.Register(registry)
	s.session.Register(registry)
	for _, other := range s.others {
		other.Register(registry)
	}
}

// bank is made up; its IBANs are valid.
func bank() transfers.Bank {
	party := func(iban string) transfer.Party {
		return transfer.Party{Name: "EP DE TEST", BIC: "TESTFRPPXXX", IBAN: iban}
	}
	return transfers.Bank{
		ID:             "999999",
		PayoutPrefix:   "MONEXTEUR",
		InternalPrefix: "MONEXTINT",
		Format:         pain001.Format{Version: pain001.V03, BatchBooking: true},
		Reglement:      party("FR7630006000011234567890189"),
		Cantonnement:   party("FR1420041010050500013M02606"),
		Fonctionnement: party("FR7630001007941234567890185"),
	}
}

// aGate is that of the version that bank takes.
func aGate() remittances.Gate {
	gate, err := xsd.NewGate(string(bank().Format.Version))
	if err != nil {
		panic(err) // the schemas are part of the program
	}
	return gate
}

func (s *stage) loadMerchants(t testing.TB, day *sample.Day) {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, day.WriteMerchants(&file))
	_, err := merchants.Load(t.Context(), s.pool, merchants.Snapshot{
		Name: "Merchants.000001.csv", Sequence: 1, MaxClosedPercent: merchants.MaxClosedPercent,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, time.Now())
	require.NoError(t, err)
}

// fund opens the books with more own money than a test's shortfalls need.
func (s *stage) fund(t testing.TB) {
	t.Helper()
	_, err := postgres.OpenBooks(t.Context(), s.pool, map[ledger.Code]money.Cents{ledger.Fonctionnement: 100_000_00}, time.Now())
	require.NoError(t, err)
}

// bring puts the day's CRE file into the inbox and returns the request that settles it.
func (s *stage) bring(t testing.TB, day *sample.Day) workflows.ReglementRequest {
	t.Helper()
	path := filepath.Join(s.folders.Inbox, day.Reference()+".txt")
	file, err := os.Create(path)
	require.NoError(t, err)
	summary, err := day.WriteSettlement(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return request(t, day.Movement(&summary), path)
}

// bringUnpaids does so with the day's unpaids.
func (s *stage) bringUnpaids(t testing.TB, day *sample.Day) workflows.ReglementRequest {
	t.Helper()
	path := filepath.Join(s.folders.Inbox, day.UnpaidReference()+".txt")
	file, err := os.Create(path)
	require.NoError(t, err)
	summary, err := day.WriteUnpaids(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return request(t, day.Movement(&summary), path)
}

// kindOf is the vacation that settles a bank line.
func kindOf(request workflows.ReglementRequest) vacation.Kind {
	if request.Transaction.Vacation == string(settlement.KindImpaye) {
		return vacation.ReglementImpayes
	}
	return vacation.ReglementTransactions
}

func request(t testing.TB, movement ogep.GlobalTransaction, path string) workflows.ReglementRequest {
	t.Helper()
	return workflows.ReglementRequest{
		BusinessDate: businessDate(t), Transaction: movement, File: path, CutOff: time.Now().Add(-time.Second),
	}
}

// environment is Temporal's test environment with the real activities.
func (s *stage) environment(t testing.TB) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetDataConverter(converter.GetDefaultDataConverter())
	s.register(env)
	s.bank.RegisterDispatch(env)
	workflows.Register(env)
	// The environment calls all its runs the same; on a server each has an id of its own.
	run := uuid.NewString()
	env.RegisterActivityWithOptions(
		func(ctx context.Context, request activities.OpenSettlementRequest) (activities.OpenSettlementResult, error) {
			request.WorkflowRun = run
			return s.accounts.OpenSettlement(ctx, request)
		}, activity.RegisterOptions{Name: activities.OpenSettlementName, DisableAlreadyRegisteredCheck: true})
	runs := uuid.New()
	env.RegisterActivityWithOptions(
		func(ctx context.Context, request activities.OpenVacationRequest) (activities.OpenVacationResult, error) {
			request.WorkflowRun = uuid.NewSHA1(runs, []byte(request.ID.String())).String()
			return s.session.OpenVacation(ctx, request)
		}, activity.RegisterOptions{Name: activities.OpenVacationName, DisableAlreadyRegisteredCheck: true})
	return env
}

// settle runs the vacation to its end.
func (s *stage) settle(t testing.TB, request workflows.ReglementRequest) (vacation.Totals, error) {
	t.Helper()
	env := s.environment(t)
	env.SetStartWorkflowOptions(startOptions(request))
	env.ExecuteWorkflow(string(kindOf(request)), request)
	require.True(t, env.IsWorkflowCompleted())
	var totals vacation.Totals
	if err := env.GetWorkflowError(); err != nil {
		return totals, err
	}
	require.NoError(t, env.GetWorkflowResult(&totals))
	return totals, nil
}

func (s *stage) number(t testing.TB, query string) int64 {
	t.Helper()
	var value int64
	require.NoError(t, s.pool.QueryRow(context.Background(), query).Scan(&value))
	return value
}

func newDay(t testing.TB, merchants, lines int) *sample.Day {
	t.Helper()
	day, err := sample.New(sample.Typical(1, merchants, lines, businessDate(t), 1))
	require.NoError(t, err)
	return day
}
