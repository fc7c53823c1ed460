//go:build linux

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// recordVariable set to 1 makes the tests of this file keep their histories
// where `make replay` finds them.
const recordVariable = "REGLO_RECORD_HISTORIES"

// historyFolder is of the package whose tests replay them.
const historyFolder = "../../workflows/testdata/histories"

// house is a stage with workers in this process, on a real Temporal server.
type house struct {
	*stage

	client client.Client
	log    *logged
	// before is called as an activity begins, with how often the name began before. Its error is the activity's.
	before func(ctx context.Context, name string, times int64) error
}

// logged is what client and workers log, at every level.
type logged struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// newHouse opens a house whose activities are disturbed by before, nil for not at all.
func newHouse(t *testing.T, s *stage, before func(ctx context.Context, h *house, name string, times int64) error) *house {
	t.Helper()
	server, namespace := shared.get(t)
	require.NoError(t, server.ready(namespace))
	h := &house{stage: s, log: &logged{}}
	h.before = func(ctx context.Context, name string, times int64) error {
		if before == nil {
			return nil
		}
		return before(ctx, h, name, times)
	}
	var err error
	h.client, err = client.DialContext(t.Context(), client.Options{
		HostPort: server.address, Namespace: namespace, Identity: "recorder",
		Logger: sdklog.NewStructuredLogger(slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	})
	require.NoError(t, err)
	t.Cleanup(h.client.Close)

	vacations := worker.New(h.client, workflows.Queue, worker.Options{LocalActivityWorkerOnly: true})
	workflows.Register(vacations)
	data := worker.New(h.client, activities.DataQueue, worker.Options{
		DisableWorkflowWorker: true, MaxHeartbeatThrottleInterval: 100 * time.Millisecond,
		Interceptors: []interceptor.WorkerInterceptor{&disturber{house: h}},
	})
	s.register(data)
	channel := worker.New(h.client, activities.DispatchQueue, worker.Options{DisableWorkflowWorker: true})
	s.bank.RegisterDispatch(channel)
	for _, one := range []worker.Worker{vacations, data, channel} {
		require.NoError(t, one.Start())
		t.Cleanup(one.Stop)
	}
	return h
}

type disturber struct {
	interceptor.WorkerInterceptorBase

	house *house
	times sync.Map // *atomic.Int64 by name
}

func (d *disturber) InterceptActivity(
	_ context.Context, next interceptor.ActivityInboundInterceptor,
) interceptor.ActivityInboundInterceptor {
	inbound := &disturbed{disturber: d}
	inbound.Next = next
	return inbound
}

type disturbed struct {
	interceptor.ActivityInboundInterceptorBase

	disturber *disturber
}

func (d *disturbed) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	name := activity.GetInfo(ctx).ActivityType.Name
	counter, _ := d.disturber.times.LoadOrStore(name, new(atomic.Int64))
	if err := d.disturber.house.before(ctx, name, counter.(*atomic.Int64).Add(1)-1); err != nil {
		return nil, err
	}
	return d.Next.ExecuteActivity(ctx, in)
}

func (h *house) start(t *testing.T, request workflows.ReglementRequest) client.WorkflowRun {
	t.Helper()
	options := startOptions(request)
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	run, err := h.client.ExecuteWorkflow(t.Context(), options, string(kindOf(request)), request)
	require.NoError(t, err)
	return run
}

// end is how a run ended.
func end(t *testing.T, run client.WorkflowRun) (vacation.Totals, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var totals vacation.Totals
	err := run.Get(ctx, &totals)
	require.NoError(t, ctx.Err(), "the run did not end in time")
	return totals, err
}

// history of a run: it must replay, and hold nothing that it should not.
func (h *house) history(t *testing.T, run client.WorkflowRun, name string) {
	t.Helper()
	events, text := historyOf(t, h.client, run.GetID(), run.GetRunID())
	h.requireNothingPersonal(t, string(text)+payloads(t, events)+h.log.String())

	replayer := worker.NewWorkflowReplayer()
	workflows.Register(replayer)
	require.NoError(t, replayer.ReplayWorkflowHistory(silent(), events))

	record(t, text, name)
}

// historyOf is what Temporal has of a run, and its text.
func historyOf(t *testing.T, server client.Client, id, run string) (*history.History, []byte) {
	t.Helper()
	events := &history.History{}
	for pages := server.GetWorkflowHistory(
		t.Context(), id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT,
	); pages.HasNext(); {
		event, err := pages.Next()
		require.NoError(t, err)
		events.Events = append(events.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: "  "}.Marshal(events)
	require.NoError(t, err)
	return events, text
}

// record keeps a history under a name, where that is asked for.
func record(t *testing.T, text []byte, name string) {
	t.Helper()
	if os.Getenv(recordVariable) == "1" {
		require.NoError(t, os.MkdirAll(historyFolder, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(historyFolder, name+".json"), append(text, '\n'), 0o644))
	}
}

// keepLast keeps the history of the last run of that id, which has ended.
func (w *world) keepLast(t *testing.T, id, name string) {
	t.Helper()
	require.NoError(t, w.client.GetWorkflow(t.Context(), id, "").Get(t.Context(), nil))
	_, text := historyOf(t, w.client, id, "")
	record(t, text, name)
}

// payloads are what requests, results and failures carry, in clear.
func payloads(t *testing.T, events *history.History) string {
	t.Helper()
	var text strings.Builder
	err := proxy.VisitPayloads(t.Context(), events, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, found []*common.Payload) ([]*common.Payload, error) {
			for _, payload := range found {
				text.Write(withoutSubjects(payload.GetData()))
				text.WriteByte('\n')
			}
			return found, nil
		},
	})
	require.NoError(t, err)
	require.NotEmpty(t, text.String())
	return text.String()
}

// subjects are what operators name in an answer, and the activity that does what
// it says: references of orders, which stand nowhere else.
var subjects = regexp.MustCompile(`"(subjects|orders)":\[("[^"\\]*",?)*\]`)

func withoutSubjects(payload []byte) []byte {
	return subjects.ReplaceAll(payload, nil)
}

// personal is what is shaped like an IBAN or a card's number, wherever it comes from.
var personal = regexp.MustCompile(`\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b|\b\d{13,19}\b`)

// nanoseconds of a timer are as long as a card's number, in Temporal's own log.
var nanoseconds = regexp.MustCompile(`"Duration":\d+`)

// requireNothingPersonal looks for what merchants are called and hold, for the
// lines of files, and for whatever looks like an IBAN or a card.
func (h *house) requireNothingPersonal(t *testing.T, text string) {
	t.Helper()
	require.NotEmpty(t, text)
	text = nanoseconds.ReplaceAllString(text, "")
	require.Empty(t, personal.FindAllString(text, 5))
	rows, err := h.pool.Query(t.Context(), `
		select secret from (
			select unnest(array[account_id, cp_iban, external_iban, legal_name, external_name, siret]) as secret from merchant
			union select unnest(array[label, cre_id, account_id]) from parked_line
			union select label from entry where line is not null
			union select cre_id from cre_line
			union select unnest(array[ref_externe, end_to_end_id, creditor_iban, creditor_name]) from payout
			union select unnest(array[end_to_end_id, debtor_cp, creditor_cp, creditor_iban, creditor_name]) from payline_line
			union select ref_externe from transfer_order
		) as secrets where length(secret) > 3`)
	require.NoError(t, err)
	secrets, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, secrets)
	for _, secret := range secrets {
		if secret != "" {
			require.NotContains(t, text, secret)
		}
	}
	own := h.own
	for _, party := range []string{own.Reglement.IBAN, own.Cantonnement.IBAN, own.Fonctionnement.IBAN, own.Reglement.Name} {
		require.NotContains(t, text, party)
	}
}

// requireEnds says how each run of a session stands in the database, the first
// one first, and that each has one start and, once over, one end.
func (s *stage) requireEnds(t testing.TB, request workflows.ReglementRequest, want ...string) {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), `
		select trim(v.state || ' ' || coalesce(v.failure_code, '') || ' ' || coalesce(v.failure_step, ''))
		       || case when (select count(*) from event e where e.vacation = v.number and e.type like 'start-%') = 1 then '' else ' BAD START' end
		       || case when (select count(*) from event e where e.vacation = v.number and e.type like 'end-%')
		                    = case when v.state = 'RUNNING' then 0 else 1 end then '' else ' BAD END' end
		from vacation v where v.key = $1 order by v.run`, request.Transaction.Reference)
	require.NoError(t, err)
	ends, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, want, ends)
}

func TestARunOnARealServer(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newStage(t, day, smallCuts())
	h := newHouse(t, s, nil)
	request := s.bring(t, day)
	run := h.start(t, request)
	totals, err := end(t, run)
	require.NoError(t, err)
	s.requireEnds(t, request, "ENDED")
	verify(t, s)
	h.history(t, run, "settled")

	described, err := h.client.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
	require.NoError(t, err)
	stage, found := described.TypedSearchAttributes.GetKeyword(workflows.SearchStage)
	require.True(t, found)
	require.Equal(t, string(vacation.StageEnded), stage)

	// Started again when the server has forgotten it: the totals, and nothing else.
	state := pgtest.Dump(t, s.pool)
	options := startOptions(request)
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	again, err := h.client.ExecuteWorkflow(t.Context(), options, workflows.ReglementTransactionsName, request)
	require.NoError(t, err)
	require.NotEqual(t, run.GetRunID(), again.GetRunID())
	same, err := end(t, again)
	require.NoError(t, err)
	require.Equal(t, totals, same)
	pgtest.Same(t, state, pgtest.Dump(t, s.pool))
	h.history(t, again, "settled-before")
}

func TestALateFileOnARealServer(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newStage(t, day)
	h := newHouse(t, s, nil)
	request := s.bring(t, day)
	request.CutOff = time.Now().Add(time.Hour)
	elsewhere := request.File + ".arriving"
	require.NoError(t, os.Rename(request.File, elsewhere))

	run := h.start(t, request)
	eventually(t, "wait for the file", func() bool {
		answer, err := h.client.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), workflows.ProgressQuery)
		var progress vacation.Progress
		return err == nil && answer.Get(&progress) == nil && progress.Stage == vacation.StageAwaiting
	})
	old := time.Now().Add(-time.Minute)
	require.NoError(t, os.Chtimes(elsewhere, old, old))
	require.NoError(t, os.Rename(elsewhere, request.File))
	_, err := end(t, run)
	require.NoError(t, err)
	s.requireEnds(t, request, "ENDED")
	h.history(t, run, "late-file")
}

func TestARefusedFileOnARealServer(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newStage(t, day)
	h := newHouse(t, s, nil)
	request := s.bring(t, day)
	good := request.Transaction
	request.Transaction.Amount++
	run := h.start(t, request)
	_, err := end(t, run)
	require.Equal(t, vacation.AmountMismatch, activities.AsFailure(err).Code)
	require.Equal(t, vacation.StageLoading, activities.AsFailure(err).Step)
	s.requireEnds(t, request, "ENDED_WITH_ERROR AMOUNT_MISMATCH loading-file")

	// The bank line is part of what the reference stands for: another one is refused before anything starts.
	request.Transaction = good
	conflict := h.start(t, request)
	require.NotEqual(t, run.GetRunID(), conflict.GetRunID())
	_, err = end(t, conflict)
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)
	s.requireEnds(t, request, "ENDED_WITH_ERROR AMOUNT_MISMATCH loading-file")
	// Nothing was posted, so that there is no line to be found: the file's own are looked for.
	content, err := os.ReadFile(request.File)
	require.NoError(t, err)
	lines := strings.Split(string(content), "\n")
	for _, line := range lines[1 : len(lines)-2] {
		columns := strings.Split(line, ";")
		require.NotContains(t, h.log.String(), columns[2])
		require.NotContains(t, h.log.String(), columns[len(columns)-1])
	}
	h.history(t, run, "refused-file")
}

func TestACancelledRunOnARealServer(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newStage(t, day, smallCuts(), oneChunkASlice())
	h := newHouse(t, s, func(ctx context.Context, h *house, name string, times int64) error {
		if name != activities.PostLinesName || times != 2 {
			return nil
		}
		info := activity.GetInfo(ctx)
		if err := h.client.CancelWorkflow(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID); err != nil {
			return err
		}
		for ctx.Err() == nil { // a cancellation is heard with the answer to a heartbeat
			activity.RecordHeartbeat(ctx, "waits")
			pause(ctx, 10*time.Millisecond)
		}
		return nil
	})
	request := s.bring(t, day)
	run := h.start(t, request)
	_, err := end(t, run)
	require.Equal(t, vacation.Cancelled, activities.AsFailure(err).Code)
	s.requireEnds(t, request, "ENDED_WITH_ERROR CANCELLED posting-lines")
	require.EqualValues(t, 2, s.number(t, `select count(distinct item) from batch where step = 'post'`))
	h.history(t, run, "cancelled")

	// Run again, it goes on from what is posted.
	second := h.start(t, request)
	totals, err := end(t, second)
	require.NoError(t, err)
	require.Equal(t, 260, totals.Lines)
	s.requireEnds(t, request, "ENDED_WITH_ERROR CANCELLED posting-lines", "ENDED")
	verify(t, s)
	h.history(t, second, "went-on")
}

func TestARunWithoutItsPartsOnARealServer(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newStage(t, day, smallCuts(), oneChunkASlice())
	h := newHouse(t, s, func(_ context.Context, h *house, name string, times int64) error {
		if name != activities.PostLinesName || times != 2 {
			return nil
		}
		return errors.Join(os.RemoveAll(h.folders.Work), h.folders.Make())
	})
	request := s.bring(t, day)
	run := h.start(t, request)
	_, err := end(t, run)
	require.NoError(t, err)
	s.requireEnds(t, request, "ENDED")
	verify(t, s)
	h.history(t, run, "parts-lost")
}

func TestATerminatedRunIsClosedByTheNext(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newStage(t, day, smallCuts(), oneChunkASlice())
	h := newHouse(t, s, func(ctx context.Context, h *house, name string, times int64) error {
		if name != activities.PostLinesName || times != 2 {
			return nil
		}
		info := activity.GetInfo(ctx)
		return h.client.TerminateWorkflow(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID, "by the test")
	})
	request := s.bring(t, day)
	run := h.start(t, request)
	_, err := end(t, run)
	require.ErrorContains(t, err, "terminated")
	totals, err := end(t, h.start(t, request))
	require.NoError(t, err)
	require.Equal(t, 260, totals.Lines)
	s.requireEnds(t, request, "ENDED_WITH_ERROR ABANDONED opening", "ENDED")
	verify(t, s)
}
