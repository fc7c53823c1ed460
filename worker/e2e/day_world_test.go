//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	standin "github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// morning is the second day of a month as it begins: merchants with money, some
// of which owe; payouts of the day before, some of which come back; the bank's
// statements and a Payline file in the inbox; the other files still to come.
type morning struct {
	once     sync.Once
	database string // what worlds are copied from
	folder   string // of data
	date     calendar.Date
	sales    []byte // CRE files
	unpaids  []byte
	// undisturbed is a dump of the day's end, where nothing happened to it.
	undisturbed string
	worlds      atomic.Int64
}

var theMorning morning //nolint:gochecknoglobals // lives from the first test that wants it to TestMain's end

// aMorning plays the first day, once for all tests, and stops as the second
// begins; then the second, undisturbed, against the model.
func aMorning(t *testing.T) *morning {
	t.Helper()
	theMorning.once.Do(func() { theMorning.play(t) })
	require.NotEmpty(t, theMorning.undisturbed, "the undisturbed day failed")
	return &theMorning
}

func (m *morning) play(t *testing.T) {
	t.Helper()
	month := newMonth(t, monthSeed)
	first := calendar.RollForward(calendar.Target{}, day(2026, time.March, 30))
	month.play(t, 0, first)
	month.compare(t)
	month.work.kill()

	m.date = calendar.Add(calendar.Target{}, first, 1)
	d := &monthDay{month: month, date: m.date, number: 1}
	d.prepare(t)
	d.late = false
	d.morning(t)
	require.True(t, d.lot, "no payout of the first day comes back")
	m.sales = d.plan.creFile(t, settlement.KindTransaction, d.salesReference(), m.date, d.sales)
	m.unpaids = d.plan.creFile(t, settlement.KindImpaye, d.unpaidsReference(), m.date, d.unpaids)
	folder, err := os.MkdirTemp("", "reglo-morning-*") //nolint:usetesting // outlives this test
	require.NoError(t, err)
	m.folder = folder
	require.NoError(t, os.CopyFS(m.folder, os.DirFS(filepath.Dir(month.folders.Inbox))))
	m.database = "reglo_morning_" + strconv.Itoa(os.Getpid())
	month.pool.Reset()
	eventually(t, "a copy of the database", func() bool {
		return copyDatabase(m.database, month.pool.Config().ConnConfig.Database) == nil
	})

	w := &dayWorld{monthDay: d, begun: m, gate: filepath.Join(t.TempDir(), "gate"), settled: func() {
		d.reckon()
		month.compare(t)
	}}
	w.play(t, nil)
	m.undisturbed = w.dump(t)
}

// drop forgets it.
func (m *morning) drop() {
	if m.database != "" {
		_ = dropDatabase(m.database)
		_ = os.RemoveAll(m.folder)
	}
}

// copyDatabase makes a database like another one, which nobody may be connected to.
func copyDatabase(name, like string) error {
	return asAdmin("create database " + pgx.Identifier{name}.Sanitize() + " template " + pgx.Identifier{like}.Sanitize())
}

func dropDatabase(name string) error {
	return asAdmin("drop database if exists " + pgx.Identifier{name}.Sanitize() + " with (force)")
}

func asAdmin(statement string) error {
	ctx := context.Background()
	admin, err := pgx.Connect(ctx, os.Getenv(pgtest.URLVariable))
	if err != nil {
		return err
	}
	_, err = admin.Exec(ctx, statement)
	return errors.Join(err, admin.Close(ctx))
}

// stage is a stage of its own on which the second day begins.
func (m *morning) stage(t *testing.T, options ...option) *stage {
	t.Helper()
	data := t.TempDir()
	require.NoError(t, os.CopyFS(data, os.DirFS(m.folder)))
	name := m.database + "_" + strconv.FormatInt(m.worlds.Add(1), 10)
	eventually(t, "a copy of the database", func() bool { return copyDatabase(name, m.database) == nil })
	t.Cleanup(func() { require.NoError(t, dropDatabase(name)) })
	address, err := url.Parse(os.Getenv(pgtest.URLVariable))
	require.NoError(t, err)
	address.Path = "/" + name
	pool, err := postgres.Open(t.Context(), address.String())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return newStageOn(pool, ingest.Folders{
		Inbox: filepath.Join(data, "inbox"), Work: filepath.Join(data, "work"), Archive: filepath.Join(data, "archive"),
	}, options...)
}

// on has the second day begin in a world.
func (m *morning) on(t *testing.T, w *world) *dayWorld {
	t.Helper()
	data := filepath.Dir(w.folders.Inbox)
	bank, err := standin.Open(filepath.Join(data, "bank.json"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = bank.Close() })
	d := &monthDay{date: m.date, number: 1, month: &month{
		world: w, bank: bank, clock: filepath.Join(data, "clock"), outbox: filepath.Join(data, "outbox"),
	}}
	return &dayWorld{monthDay: d, begun: m, gate: filepath.Join(data, "gate")}
}

// begin is a world of its own in which the second day begins.
func (m *morning) begin(t *testing.T) *dayWorld {
	t.Helper()
	server, namespace := shared.get(t)
	return m.on(t, setUpWorld(t, m.stage(t), server, namespace))
}

// dayWorld is one play of the second day.
type dayWorld struct {
	*monthDay

	begun *morning
	gate  string // folder of the moments at which workers die
	// settings of the workers, over those of the day.
	settings []string
	crew     *crew
	// meanwhile is called while financière runs, nil for nothing.
	meanwhile func()
	// settled is called when the day is over, and an operator's decision to come; nil for nothing.
	settled func()
}

// play plays the day, with workers that die at these moments and are replaced
// by others. What comes from outside comes when what was before it had its effect.
func (w *dayWorld) play(t *testing.T, deaths []moment) {
	t.Helper()
	w.setOut(t, deaths)
	w.playOn(t)
	w.requireSentOnce(t)
}

// playOn plays it with the workers that are there.
func (w *dayWorld) playOn(t *testing.T) {
	t.Helper()
	run := w.start(t)
	w.settle(t)
	if w.meanwhile != nil {
		w.meanwhile()
	}
	w.decide(t)
	eventually(t, "the end of financière", func() bool { return w.ended(string(vacation.Financiere) + "/" + w.date.String()) })
	w.waits(t, w.technique("close"))
	_, err := w.bank.Take(w.outbox, w.date)
	require.NoError(t, err)
	_, err = w.bank.CloseDay(w.date, w.folders.Inbox)
	require.NoError(t, err)
	w.nudge(t, w.technique("close"))
	var result workflows.DayResult
	require.NoError(t, run.Get(t.Context(), &result))
	for _, step := range result.Steps {
		require.Equal(t, workflows.OutcomeEnded, step.Outcome, step.Detail)
	}
	require.Empty(t, w.bank.Copies(), "bulks that were handed over again")
	if w.settled != nil {
		w.settled()
	}
	w.assign(t)
}

// settle brings the files of the day's règlements, one after the other: their
// order is the acquirer's in life.
func (w *dayWorld) settle(t *testing.T) {
	t.Helper()
	eventually(t, "the lot of rejects", func() bool {
		return w.ask(`select count(*) from bank_line where class = 'REJECTS'`) > 0 &&
			w.ask(`select count(*) from bank_line where class = 'REJECTS' and batch is null`) == 0 &&
			w.ask(`select count(*) from settlement where kind = 'REJECTS' and settled_at is null`) == 0
	})
	w.bringLate(t, vacation.ReglementTransactions, w.salesReference(), w.begun.sales)
	w.bringLate(t, vacation.ReglementImpayes, w.unpaidsReference(), w.begun.unpaids)
}

// assign has a line that was parked assigned to a payment account.
func (w *dayWorld) assign(t *testing.T) {
	t.Helper()
	decision := activities.Decision{
		Act: activities.ActAssign, Reference: w.salesReference(), Answer: activities.Answer{Actor: "chloe", Reason: "found"},
		Line: int(w.ask(`select min(p.line) from parked_line p join settlement s on s.number = p.settlement
			where s.reference = '` + w.salesReference() + `' and p.gross_cents > 0`)),
		Account: int32(w.ask(`select account from merchant where status = 'ACTIVE' order by account_id limit 1`)), //nolint:gosec // small
	}
	request := workflows.TechniqueRequest{
		BusinessDate: w.date, Phase: workflows.PhaseDecisions, Run: "1", Inbox: w.folders.Inbox, CutOff: w.cutOff(),
		RequestedBy: "chloe", Decisions: []activities.Decision{decision},
	}
	run := w.perform(t, string(vacation.Technique)+"/"+request.SessionKey(), workflows.TechniqueName, request)
	require.NoError(t, run.Get(t.Context(), nil))
}

// cutOff is by Temporal's own clock, as that of the month's days.
func (*dayWorld) cutOff() time.Time { return time.Now().Add(24 * time.Hour) }

// setOut has the workers' day begin at six, and the first of them work.
func (w *dayWorld) setOut(t *testing.T, deaths []moment) {
	t.Helper()
	arm(t, w.gate, deaths...)
	offset := time.Until(w.date.Midnight().Add(6 * time.Hour))
	require.NoError(t, os.WriteFile(w.clock, []byte(strconv.FormatInt(int64(offset), 10)), 0o600))
	w.crew = hireCrew(t, w.world, append(w.settings, gateVariable+"="+w.gate, clockVariable+"="+w.clock, "REGLO_CASHOUT_FOUR_EYES=250.00")...)
}

// bringLate brings a file that is waited for, and sees it settled. Of one an
// operator says that it is there, the other is found.
func (w *dayWorld) bringLate(t *testing.T, kind vacation.Kind, reference string, content []byte) {
	t.Helper()
	id := string(kind) + "/" + reference
	w.waits(t, id)
	w.deliver(t)(reference+".txt", content)
	// By the workers' clock it has stood there for some time.
	before := w.date.Midnight()
	_ = os.Chtimes(filepath.Join(w.folders.Inbox, reference+".txt"), before, before) // it may be taken by now
	if kind == vacation.ReglementTransactions {
		w.nudge(t, id)
	}
	eventually(t, id, func() bool {
		return w.ask(`select count(*) from settlement where reference = $1 and settled_at is not null`, reference) == 1
	})
}

func (w *dayWorld) session(kind vacation.Kind) string { return string(kind) + "/" + w.date.String() }

// perform starts a workflow that is no day.
func (w *dayWorld) perform(t *testing.T, id, name string, request any) client.WorkflowRun {
	t.Helper()
	run, err := w.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.Queue, WorkflowTaskTimeout: impatientTimeout,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, name, request)
	require.NoError(t, err)
	return run
}

// financiere starts the day's payouts.
func (w *dayWorld) financiere(t *testing.T, cutOff time.Time) client.WorkflowRun {
	t.Helper()
	return w.perform(t, w.session(vacation.Financiere), workflows.FinanciereName, workflows.FinanciereRequest{
		BusinessDate: w.date, Payline: w.folders.Inbox, CutOff: cutOff, RequestedBy: "alice",
	})
}

// only is the one file of the inbox with such a name.
func (w *dayWorld) only(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.folders.Inbox, pattern))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

// spoil cuts a file short, and mends it when asked to.
func spoil(t *testing.T, path string) (mend func()) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.ReplaceAll(content, []byte("1"), []byte("2")), 0o600))
	return func() { require.NoError(t, os.WriteFile(path, content, 0o600)) }
}

// dump is what the world came to. How often somebody had a run look again is no
// part of it: one that looked by itself a moment before needs nobody.
func (w *dayWorld) dump(t *testing.T) string {
	t.Helper()
	var facts strings.Builder
	for fact := range strings.Lines(pgtest.Dump(t, w.pool)) {
		if !strings.HasPrefix(fact, "act "+workflows.RetryUpdate+" ") {
			facts.WriteString(fact)
		}
	}
	return facts.String()
}

// requireSame proves that the day ended like one that nothing disturbed, that
// its books are right, and that its sink was told of everything.
func (w *dayWorld) requireSame(t *testing.T, undisturbed string) {
	t.Helper()
	require.Empty(t, armed(t, w.gate), "moments that nobody came to")
	pgtest.Same(t, undisturbed, w.dump(t))
	report, err := audit.Verify(t.Context(), w.pool)
	require.NoError(t, err)
	require.True(t, report.Clean(), "%+v", report)
	w.delivered(t)
	w.requireDelivered(t)
}

// crew is a worker at a time: one that dies is replaced.
type crew struct {
	mutex   sync.Mutex
	over    bool
	current *process
	hired   []*process
	watched sync.WaitGroup
}

// hireCrew has a worker work until the test ends.
func hireCrew(t *testing.T, w *world, settings ...string) *crew {
	t.Helper()
	c := &crew{}
	hire := func() error {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if c.over {
			return nil
		}
		worker, err := w.launch(settings...)
		if err == nil {
			c.current, c.hired = worker, append(c.hired, worker)
		}
		return err
	}
	require.NoError(t, hire())
	c.watched.Go(func() {
		for {
			c.mutex.Lock()
			watched, over := c.current, c.over
			c.mutex.Unlock()
			<-watched.ended
			if over {
				return
			}
			if !watched.wasKilled() {
				t.Errorf("a worker ended by itself")
				return
			}
			if err := hire(); err != nil {
				t.Errorf("hire another worker: %v", err)
				return
			}
		}
	})
	t.Cleanup(func() {
		c.mutex.Lock()
		c.over = true
		c.mutex.Unlock()
		c.current.kill()
		c.watched.Wait()
		if t.Failed() {
			for _, worker := range c.hired[max(0, len(c.hired)-2):] {
				t.Log(worker.tail())
			}
		}
	})
	return c
}

// wasKilled tells a program that ended by kill -9, of itself or of others.
func (p *process) wasKilled() bool {
	status, known := p.command.ProcessState.Sys().(syscall.WaitStatus)
	return known && status.Signaled() && status.Signal() == syscall.SIGKILL
}
