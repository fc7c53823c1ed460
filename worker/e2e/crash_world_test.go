//go:build linux

package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func silent() sdklog.Logger { return sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// sharedServer is one Temporal server for all tests that leave it alone.
type sharedServer struct {
	once   sync.Once
	server *temporalServer
	err    error
	taken  atomic.Int64
}

var shared sharedServer //nolint:gochecknoglobals // lives from the first test that wants it to TestMain's end

func (s *sharedServer) get(t testing.TB) (*temporalServer, string) {
	t.Helper()
	s.once.Do(func() {
		folder, err := os.MkdirTemp("", "reglo-temporal-*") //nolint:usetesting // outlives this test
		if err == nil {
			s.server, err = newTemporalServer(folder)
		}
		if err == nil {
			err = s.server.start()
		}
		s.err = err
	})
	require.NoError(t, s.err)
	number := int(s.taken.Add(1)) - 1
	require.Less(t, number, namespaces)
	return s.server, namespace(number)
}

func (s *sharedServer) stop() {
	if s.err == nil && s.server != nil {
		s.server.process.kill()
		_ = os.RemoveAll(s.server.folder)
	}
}

// world is a stage on which programs play: a database and folders of its own, a
// Temporal server, workers.
type world struct {
	*stage

	server    *temporalServer
	namespace string
	client    client.Client
	url       string // of the database
	program   string // the worker
	cut       int    // lines a chunk
	logs      string
	started   int // workers so far
	workers   []*process
}

// crashDay has many small chunks, some merchants short, some lines parked.
func crashDay(t testing.TB) *sample.Day {
	t.Helper()
	return newDay(t, 300, crashLines)
}

const (
	crashLines = 5_000
	crashCut   = 125
)

// newWorld plays a day on a server that other tests use too.
func newWorld(t *testing.T, day *sample.Day) *world {
	t.Helper()
	server, namespace := shared.get(t)
	return setUpWorld(t, newStage(t, day), server, namespace)
}

// newOwnWorld has a server that the test may kill.
func newOwnWorld(t *testing.T, day *sample.Day) *world {
	t.Helper()
	server, err := newTemporalServer(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, server.start())
	t.Cleanup(func() { server.process.kill() })
	return setUpWorld(t, newStage(t, day), server, namespace(0))
}

func setUpWorld(t *testing.T, s *stage, server *temporalServer, namespace string) *world {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	w := &world{
		stage: s, server: server, namespace: namespace, program: program, cut: crashCut, logs: t.TempDir(),
		url: s.pool.Config().ConnConfig.ConnString(),
	}
	require.NoError(t, server.ready(namespace))
	w.client, err = client.DialContext(t.Context(), client.Options{
		HostPort: server.address, Namespace: namespace, Logger: silent(),
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		w.client.Close()
		for _, worker := range w.workers {
			if worker.failed() {
				t.Errorf("a worker ended by itself")
			}
			worker.kill()
			if t.Failed() {
				t.Log(worker.tail())
			}
		}
		if t.Failed() {
			t.Log(server.process.tail())
		}
	})
	return w
}

// workerName is by what the database knows a worker's connections.
const workerName = "worker"

// work starts a worker, with settings over those of the test.
func (w *world) work(t *testing.T, settings ...string) *process {
	t.Helper()
	worker, err := w.launch(settings...)
	require.NoError(t, err)
	w.workers = append(w.workers, worker)
	return worker
}

// launch starts a worker that the caller looks after.
func (w *world) launch(settings ...string) (*process, error) {
	w.started++
	address, err := url.Parse(w.url)
	if err != nil {
		return nil, err
	}
	query := address.Query()
	query.Set("application_name", workerName)
	address.RawQuery = query.Encode()
	environ := environment(slices.Concat([]string{
		cutVariable + "=" + strconv.Itoa(w.cut),
		"GORACE=halt_on_error=1",
		"REGLO_DATABASE_URL=" + address.String(),
		"REGLO_DATA_DIR=" + filepath.Dir(w.folders.Inbox),
		"REGLO_HTTP_ADDRESS=127.0.0.1:0",
		"REGLO_EVENT_NODE=" + strconv.Itoa(w.started%100),
		"TEMPORAL_ADDRESS=" + w.server.address,
		"TEMPORAL_NAMESPACE=" + w.namespace,
		"TEMPORAL_CONFIG_FILE=" + filepath.Join(w.logs, "none.toml"),
	}, settings)...)
	return launch(filepath.Join(w.logs, fmt.Sprintf("worker-%d.log", w.started)), environ, w.program)
}

// start starts the vacation, as the starter does.
func (w *world) start(t *testing.T, request workflows.ReglementRequest) client.WorkflowRun {
	t.Helper()
	run, err := w.execute(t.Context(), w.client, request, enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY)
	require.NoError(t, err)
	return run
}

func (*world) execute(
	ctx context.Context, by client.Client, request workflows.ReglementRequest, reuse enums.WorkflowIdReusePolicy,
) (client.WorkflowRun, error) {
	options := startOptions(request)
	options.WorkflowIDReusePolicy = reuse
	options.WorkflowTaskTimeout = impatientTimeout
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	return by.ExecuteWorkflow(ctx, options, string(kindOf(request)), request)
}

// end waits for the vacation's result, also while the server is away.
func (w *world) end(t *testing.T, run client.WorkflowRun) vacation.Totals {
	t.Helper()
	var totals vacation.Totals
	eventually(t, "end of the vacation", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := run.Get(ctx, &totals)
		require.NotErrorAs(t, err, new(*temporal.WorkflowExecutionError))
		return err == nil
	})
	return totals
}

// ask is a number from the database, -1 while it does not answer.
func (w *world) ask(query string, arguments ...any) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	value := int64(-1)
	if err := w.pool.QueryRow(ctx, query, arguments...).Scan(&value); err != nil {
		return -1
	}
	return value
}

func (w *world) posted() int64 {
	return w.ask(`select coalesce(sum(posted_lines), 0) from settlement`)
}

func (w *world) chunks() int64 {
	return w.ask(`select count(*) from batch where step = 'post'`)
}

// loading is how many lines of the file are on their way into the database.
func (w *world) loading() int64 {
	return w.ask(`select coalesce(max(tuples_processed), 0) from pg_stat_progress_copy
		where datid = (select oid from pg_database where datname = current_database()) and relid = 'cre_line'::regclass`)
}

func (w *world) ordered() int64 { return w.ask(`select count(*) from transfer_order`) }

func (w *world) ended() int64 { return w.ask(`select count(*) from vacation where state = 'ENDED'`) }

// delivered waits until the relay has told all events.
func (w *world) delivered(t *testing.T) {
	t.Helper()
	eventually(t, "delivery of all events", func() bool {
		return w.ask(`select coalesce(sum(v.last_seq - coalesce(d.delivered_seq, 0)), 0)
			from vacation v left join delivery d on d.vacation = v.number and d.sink = $1`, events.FileSinkName) == 0
	})
}

// requireSame proves that the world ended like one that nothing disturbed, that
// its books are right, and that its sink was told of everything.
func (w *world) requireSame(t *testing.T, undisturbed string) {
	t.Helper()
	w.delivered(t)
	pgtest.Same(t, undisturbed, pgtest.Dump(t, w.pool))
	report, err := audit.Verify(t.Context(), w.pool)
	require.NoError(t, err)
	require.True(t, report.Clean(), "%v", report.Breaches)
	require.EqualValues(t, 1, w.number(t, `select count(*) from event where type like 'start-%'`))
	require.EqualValues(t, 1, w.number(t, `select count(*) from event where type like 'end-%'`))
	w.requireDelivered(t)
}

// requireDelivered proves that the sink's files hold each event of the database
// at least once, as it is there, and never before the one that precedes it.
func (w *world) requireDelivered(t *testing.T) {
	t.Helper()
	frames, sequence := w.frames(t)
	next := make(map[string]int) // by correlation
	for _, path := range w.sink(t) {
		file, err := os.Open(path)
		require.NoError(t, err)
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, ogep.MaxFrameBytes)
		for lines.Scan() {
			at, known := sequence[lines.Text()]
			require.True(t, known, "the database has no such event: %s", lines.Text())
			require.LessOrEqual(t, at.index, next[at.correlation], "told too early: %s", lines.Text())
			next[at.correlation] = max(next[at.correlation], at.index+1)
		}
		require.NoError(t, lines.Err())
		require.NoError(t, file.Close())
	}
	require.Equal(t, frames, next)
}

// sink is the files of events, a day each, in their order.
func (w *world) sink(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(w.folders.Inbox), "events", "*.ndjson"))
	require.NoError(t, err)
	slices.Sort(files)
	return files
}

// told is how many events the sink's files hold, those told twice counted twice.
func (w *world) told(t *testing.T) int {
	t.Helper()
	lines := 0
	for _, path := range w.sink(t) {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		lines += bytes.Count(content, []byte("\n"))
	}
	return lines
}

// place is where an event stands in its correlation, counted from 0.
type place struct {
	correlation string
	index       int
}

// frames gives the database's events by their text, and how many each correlation has.
func (w *world) frames(t *testing.T) (counts map[string]int, sequence map[string]place) {
	t.Helper()
	counts, sequence = make(map[string]int), make(map[string]place)
	rows, err := w.pool.Query(t.Context(), `select number, correlation_id::text, last_seq from vacation`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var run events.Run
		var last int64
		require.NoError(t, rows.Scan(&run.Number, &run.CorrelationID, &last))
		err := events.Read(t.Context(), w.pool, run, 1, last, func(seq int64, frame []byte) error {
			text := string(bytes.Clone(frame))
			_, twice := sequence[text]
			require.False(t, twice, "the same event twice: %s", text)
			sequence[text] = place{run.CorrelationID, int(seq) - 1}
			counts[run.CorrelationID]++
			return nil
		})
		require.NoError(t, err)
	}
	require.NoError(t, rows.Err())
	return counts, sequence
}

// calm is what the crash day comes to when nothing happens to it.
var calm struct { //nolint:gochecknoglobals // made once, compared by each test
	once sync.Once
	dump string
}

func undisturbedDump(t *testing.T) string {
	t.Helper()
	calm.once.Do(func() {
		day := crashDay(t)
		w := newWorld(t, day)
		w.work(t)
		w.end(t, w.start(t, w.bring(t, day)))
		w.delivered(t)
		w.requireDelivered(t)
		calm.dump = pgtest.Dump(t, w.pool)
	})
	require.NotEmpty(t, calm.dump, "the undisturbed run failed")
	return calm.dump
}

// terminate ends the workers' connections to the database, as its restart does.
func (w *world) terminate(t testing.TB) int64 {
	t.Helper()
	var ended int64
	err := w.pool.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
		where datname = current_database() and application_name = $1`, workerName).Scan(&ended)
	require.NoError(t, err)
	return ended
}
