//go:build linux

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// dice draws the moments of a test's crashes, and says how to draw them again.
func dice(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv(seedVariable); given != "" {
		seed = readSeed(t, given)
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// somewhen is a moment of up to a few transactions.
func somewhen(t testing.TB, dice *rand.Rand) {
	t.Helper()
	pause(t.Context(), time.Duration(dice.Int64N(int64(50*time.Millisecond))))
}

// TestCrashes kills programs during vacations, which must all come to the same as
// one that nothing disturbed.
func TestCrashes(t *testing.T) {
	t.Parallel()
	// They wait more than they work: all at once, whatever -parallel allows.
	var crashes sync.WaitGroup
	for name, crash := range map[string]func(*testing.T){ //nolint:paralleltest // as said above
		"undisturbed":                       func(t *testing.T) { t.Helper(); undisturbedDump(t) },
		"worker killed":                     workerKilled,
		"worker killed waiting for a file":  workerKilledWhileItWaitsForAFile,
		"database connections killed":       databaseConnectionsKilled,
		"Temporal killed":                   temporalKilled,
		"killed before the commit is known": nobodyHeardOfTheCommit,
		"frozen worker wakes":               frozenWorkerWakes,
		"started twice":                     startedTwice,
		"relay killed":                      relayKilled,
	} {
		crashes.Go(func() { t.Run(name, crash) })
	}
	crashes.Wait()
}

// workerKilled kills it while it loads, while it posts, and between two steps.
func workerKilled(t *testing.T) {
	t.Helper()
	dice, day := dice(t), crashDay(t)
	w := newWorld(t, day)
	worker := w.work(t)
	run := w.start(t, w.bring(t, day))

	chunks := dice.Int64N(30)
	for _, moment := range []struct {
		what  string
		comes func() bool
	}{
		{"the file on its way into the database", func() bool { return w.loading() > 0 || w.chunks() > 0 }},
		{"some chunks posted", func() bool { return w.chunks() > chunks }},
		{"transfers ordered", func() bool { return w.ordered() > 0 }},
	} {
		eventually(t, moment.what, moment.comes)
		somewhen(t, dice)
		worker.kill()
		worker = w.work(t)
	}
	totals := w.end(t, run)
	require.Equal(t, crashLines, totals.Lines)
	w.requireSame(t, undisturbedDump(t))
}

// databaseConnectionsKilled cuts the workers off, as a restart of PostgreSQL does.
func databaseConnectionsKilled(t *testing.T) {
	t.Helper()
	dice, day := dice(t), crashDay(t)
	w := newWorld(t, day)
	w.work(t)
	run := w.start(t, w.bring(t, day))

	eventually(t, "the file on its way into the database", func() bool { return w.loading() > 0 || w.chunks() > 0 })
	require.Positive(t, w.terminate(t))
	for chunks := int64(0); chunks < 40; chunks = w.chunks() + dice.Int64N(10) {
		eventually(t, "more chunks posted", func() bool { return w.chunks() >= chunks || w.ended() > 0 })
		somewhen(t, dice)
		w.terminate(t)
		if w.ended() > 0 {
			break
		}
	}
	w.end(t, run)
	w.requireSame(t, undisturbedDump(t))
}

// temporalKilled kills the server and starts it again on its database file.
func temporalKilled(t *testing.T) {
	t.Helper()
	dice, day := dice(t), crashDay(t)
	w := newOwnWorld(t, day)
	w.work(t)
	run := w.start(t, w.bring(t, day))
	chunks := dice.Int64N(20)
	for _, comes := range []func() bool{
		func() bool { return w.ask(`select count(*) from vacation`) > 0 },
		func() bool { return w.chunks() > chunks },
		func() bool { return w.ordered() > 0 },
	} {
		eventually(t, "a moment to kill Temporal", comes)
		somewhen(t, dice)
		w.server.process.kill()
		require.NoError(t, w.server.start())
	}
	w.end(t, run)
	w.requireSame(t, undisturbedDump(t))
}

// nobodyHeardOfTheCommit kills the worker at each step between its commit
// and the server's hearing of it: what was done is done again, and must come to
// the same.
func nobodyHeardOfTheCommit(t *testing.T) {
	t.Helper()
	day := crashDay(t)
	w := newOwnWorld(t, day)
	run := w.start(t, w.bring(t, day))
	const runs, files, orders, ends = `select count(*) from vacation`, `select count(file_sha256) from settlement`,
		`select count(*) from transfer_order`, `select count(*) from vacation where state = 'ENDED'`
	for _, step := range []struct {
		table     string // that the step writes to, once
		committed string
		count     int64
	}{
		{"event_block", runs, 1},
		{"settlement_part", files, 1},
		{"entry", `select count(*) from batch where step = 'post'`, 1},
		{"transfer_order", orders, 1},
		{"transfer_order", orders, 2},
		{"vacation", ends, 1},
	} {
		release := w.hold(t, step.table)
		worker := w.work(t)
		eventually(t, "a worker at "+step.table, func() bool { return w.waiting(step.table) })
		w.server.process.freeze(t)
		release()
		eventually(t, "commit to "+step.table, func() bool { return w.ask(step.committed) >= step.count })
		worker.kill()
		w.server.process.thaw(t)
	}
	w.work(t)
	w.end(t, run)
	w.requireSame(t, undisturbedDump(t))
}

// hold keeps everybody from writing to a table until it is released.
func (w *world) hold(t *testing.T, table string) (release func()) {
	t.Helper()
	gate, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	release = func() { _ = gate.Rollback(t.Context()) } // the second time there is nothing to roll back
	t.Cleanup(release)
	_, err = gate.Exec(t.Context(), "lock table "+pgx.Identifier{table}.Sanitize()+" in share mode")
	require.NoError(t, err)
	return release
}

// waiting tells whether a program waits to write to a table that is held.
func (w *world) waiting(table string) bool {
	return w.ask(`select count(*) from pg_locks where not granted and relation = $1::regclass
		and database = (select oid from pg_database where datname = current_database())`, table) > 0
}

// frozenWorkerWakes lets a worker be taken for dead while it posts, and go on
// beside the one that took over.
func frozenWorkerWakes(t *testing.T) {
	t.Helper()
	dice, day := dice(t), crashDay(t)
	w := newWorld(t, day)
	frozen := w.work(t)
	run := w.start(t, w.bring(t, day))
	eventually(t, "chunks posted", func() bool { return w.chunks() > 5 })
	somewhen(t, dice)
	frozen.freeze(t)
	w.work(t)
	eventually(t, "another worker at the same activity", func() bool {
		described, err := w.client.DescribeWorkflowExecution(t.Context(), run.GetID(), run.GetRunID())
		if err != nil {
			return false
		}
		return slices.ContainsFunc(described.GetPendingActivities(), func(pending *workflow.PendingActivityInfo) bool {
			return pending.GetAttempt() > 1 && pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED
		})
	})
	frozen.thaw(t)
	w.end(t, run)
	w.requireSame(t, undisturbedDump(t))
}

// workerKilledWhileItWaitsForAFile brings the file while no worker is alive.
func workerKilledWhileItWaitsForAFile(t *testing.T) {
	t.Helper()
	day := crashDay(t)
	w := newWorld(t, day)
	worker := w.work(t)
	request := w.bring(t, day)
	request.CutOff = time.Now().Add(time.Hour)
	late := request.File + ".late"
	require.NoError(t, os.Rename(request.File, late))
	run := w.start(t, request)
	awaits := func() bool {
		answer, err := w.client.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), workflows.ProgressQuery)
		var progress vacation.Progress
		return err == nil && answer.Get(&progress) == nil && progress.Stage == vacation.StageAwaiting
	}
	eventually(t, "a wait for the file", awaits)
	worker.kill()

	worker = w.work(t)
	eventually(t, "a wait for the file after the crash", awaits)
	worker.kill()

	require.NoError(t, os.Rename(late, request.File))
	w.work(t)
	w.end(t, run)
	w.requireSame(t, undisturbedDump(t))
}

// startedTwice starts a reference from two clients at once with two workers
// at work, loses one of them, and starts it again when it is settled.
func startedTwice(t *testing.T) {
	t.Helper()
	day := crashDay(t)
	w := newWorld(t, day)
	first := w.work(t)
	w.work(t)
	request := w.bring(t, day)

	other, err := client.DialContext(t.Context(), client.Options{
		HostPort: w.server.address, Namespace: w.namespace, Logger: silent(),
	})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	const once = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	runs := make(chan client.WorkflowRun, 2)
	for _, by := range []client.Client{w.client, other} {
		go func() {
			run, err := w.execute(t.Context(), by, request, once)
			if err != nil {
				t.Errorf("start: %v", err)
			}
			runs <- run
		}()
	}
	one, two := <-runs, <-runs
	require.Equal(t, one.GetRunID(), two.GetRunID())
	eventually(t, "chunks posted", func() bool { return w.chunks() > 10 })
	first.kill()
	totals := w.end(t, one)
	require.Equal(t, totals, w.end(t, two))
	w.requireSame(t, undisturbedDump(t))

	again := w.start(t, request)
	require.Equal(t, one.GetRunID(), again.GetRunID())
	// A server that has forgotten the run starts another: the books have not.
	forgotten, err := w.execute(t.Context(), w.client, request, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE)
	require.NoError(t, err)
	require.NotEqual(t, one.GetRunID(), forgotten.GetRunID())
	require.Equal(t, totals, w.end(t, forgotten))
	pgtest.Same(t, undisturbedDump(t), pgtest.Dump(t, w.pool))
}

// relayKilled settles without a relay, which delays nothing, then kills the
// process that delivers: somewhen, before the sink has a page, and after.
func relayKilled(t *testing.T) {
	t.Helper()
	dice, day := dice(t), crashDay(t)
	w := newWorld(t, day)
	worker := w.work(t, "REGLO_RELAY_ENABLED=false")
	w.end(t, w.start(t, w.bring(t, day)))
	worker.kill()

	noted := func() int64 { return w.ask(`select coalesce(sum(delivered_seq), 0) from delivery`) }
	total := w.number(t, `select sum(last_seq) from vacation`)
	const slowly = "REGLO_RELAY_RATE=5000" // page by page, to be killed in the middle
	for range 2 {
		relay, before := w.work(t, slowly), noted()
		eventually(t, "some events delivered", func() bool { return noted() > before || before == total })
		somewhen(t, dice)
		relay.kill()
	}
	require.Less(t, noted(), total, "the relay was too fast to be killed")

	// Before the sink has the page that comes next, nobody may have noted it.
	release := w.holdSink(t)
	relay := w.work(t, slowly)
	eventually(t, "the relay at the sink", func() bool { return atSink(t, relay) })
	relay.kill()
	release()
	// When the sink has it, and that is not noted, it is told again.
	release = w.hold(t, "delivery")
	relay = w.work(t, slowly)
	eventually(t, "the relay at its note", func() bool { return w.waiting("delivery") })
	relay.kill()
	release()
	w.work(t)
	w.requireSame(t, undisturbedDump(t))
	require.Greater(t, int64(w.told(t)), total, "nothing was told twice")
}

// holdSink keeps the relay from writing to the file of events until it is released.
func (w *world) holdSink(t *testing.T) (release func()) {
	t.Helper()
	files := w.sink(t)
	require.NotEmpty(t, files)
	file, err := os.Open(files[len(files)-1])
	require.NoError(t, err)
	require.NoError(t, syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
	release = func() { _ = file.Close() } // the second time it is closed
	t.Cleanup(release)
	return release
}

// atSink tells whether a program waits for the lock of a file.
func atSink(t *testing.T, relay *process) bool {
	t.Helper()
	locks, err := os.ReadFile("/proc/locks")
	require.NoError(t, err)
	return regexp.MustCompile(fmt.Sprintf(`-> FLOCK +ADVISORY +WRITE +%d `, relay.command.Process.Pid)).Match(locks)
}
