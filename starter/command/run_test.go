package command_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/workflows"
)

// play is the workflow that these tests run under the vacation's name: it does
// nothing but end, fail or stay as the business day's file is called. The
// commands' part is on a real server; the vacation itself has its own tests.
func play(ctx workflow.Context, request workflows.ReglementRequest) (vacation.Totals, error) {
	progress := vacation.Progress{Stage: vacation.StagePosting, Read: 10, Posted: 4, Total: 10}
	scene, _, _ := strings.Cut(filepath.Base(request.File), ".")
	if scene == "late" {
		progress = vacation.Progress{Stage: vacation.StageAwaiting}
	}
	err := workflow.SetQueryHandler(ctx, workflows.ProgressQuery, func() (vacation.Progress, error) { return progress, nil })
	if err != nil {
		return vacation.Totals{}, fmt.Errorf("answer queries: %w", err)
	}
	switch scene {
	case "bad":
		return vacation.Totals{}, temporal.NewNonRetryableApplicationError(
			"bad.txt: 3 faults; the report is /archive/bad.report", string(vacation.FileInvalid), nil,
			map[string]vacation.Stage{"step": vacation.StageLoading})
	case "late", "slow":
		err = workflow.UpsertTypedSearchAttributes(ctx, workflows.SearchStage.ValueSet(string(progress.Stage)))
		if err != nil {
			return vacation.Totals{}, fmt.Errorf("show the stage: %w", err)
		}
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	case "beating":
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, HeartbeatTimeout: 10 * time.Second,
		})
		if err := workflow.ExecuteActivity(ctx, "beat").Get(ctx, nil); err != nil {
			return vacation.Totals{}, fmt.Errorf("beat: %w", err)
		}
	case "ailing":
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1},
		})
		if err := workflow.ExecuteActivity(ctx, "ail").Get(ctx, nil); err != nil {
			return vacation.Totals{}, fmt.Errorf("ail: %w", err)
		}
	}
	return vacation.Totals{
		CorrelationID: "5a1d7c0e-1663-11f1-8000-000000000001", Reference: request.Transaction.Reference, Lines: 10,
		ParkedLines: 1, Gross: request.Transaction.Amount, Parked: 250, Commission: 1_234, Covered: 99, Debts: 1, Events: 25,
		FileSHA256: sumOf(request.File),
	}, nil
}

// beat says how far it is until it is told to end.
func beat(ctx context.Context) error {
	for ctx.Err() == nil {
		activity.RecordHeartbeat(ctx, vacation.Progress{Stage: vacation.StagePosting, Read: 10, Posted: 7, Total: 10})
		select {
		case <-endBeating:
			return nil
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// ail fails until it is told to get well.
func ail(context.Context) error {
	select {
	case <-endAiling:
		return nil
	default:
		return errors.New("the disk is full")
	}
}

var endAiling = make(chan struct{}) //nolint:gochecknoglobals // the activity's end is a test's to give

var endBeating = make(chan struct{}) //nolint:gochecknoglobals // the activity's end is a test's to give

func sumOf(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// startWorker serves the vacation's task queue once, for all tests.
var startWorker = sync.OnceValue(func() error { //nolint:gochecknoglobals // one worker for all tests
	registry := worker.New(devServer.Client(), workflows.Queue, worker.Options{MaxHeartbeatThrottleInterval: 50 * time.Millisecond})
	registry.RegisterWorkflowWithOptions(play, workflow.RegisterOptions{Name: workflows.ReglementTransactionsName})
	registerDay(registry)
	registry.RegisterActivityWithOptions(beat, activity.RegisterOptions{Name: "beat"})
	registry.RegisterActivityWithOptions(ail, activity.RegisterOptions{Name: "ail"})
	return registry.Start()
})

// onServer names the tests' Temporal server, with the search attributes
// registered and a worker.
func onServer(t *testing.T) []string {
	t.Helper()
	if devServer == nil {
		t.Fatalf("%s is not set: run the tests by `make test`", temporalCLI)
	}
	environ := []string{
		"TEMPORAL_ADDRESS=" + devServer.FrontendHostPort(), "TEMPORAL_UI_URL=http://ui.example/",
		"REGLO_DATABASE_URL=postgres://me:secret@127.0.0.1:2/books",
	}
	got := starter(t, environ, "register")
	require.Zero(t, got.code, got.err)
	require.NoError(t, startWorker())
	return environ
}

var sequences atomic.Int32 //nolint:gochecknoglobals // references must differ between tests on one server

// aSettlement is a day with a reference of its own; its file is renamed to the
// scene that the workflow is to play.
func aSettlement(t *testing.T, scene string) (global, file, reference string) {
	t.Helper()
	sequence := sequences.Add(1)
	folder := aDay(t, "--sequence", strconv.Itoa(int(sequence)))
	file = filepath.Join(folder, scene+".txt")
	require.NoError(t, os.Rename(filepath.Join(folder, "Fichier.CRE.EP.TI.UEP.txt"), file))
	return filepath.Join(folder, "globalTransaction.json"), file, fmt.Sprintf("%06d20260302UEP", sequence)
}

// left is what `run --json` prints.
type left struct {
	Outcome    string             `json:"outcome"`
	Reference  string             `json:"reference"`
	WorkflowID string             `json:"workflowId"`
	RunID      string             `json:"runId"`
	UI         string             `json:"ui"`
	Progress   *vacation.Progress `json:"progress"`
	Trouble    string             `json:"trouble"`
	Waiting    *workflows.Waiting `json:"waiting"`
	Totals     *vacation.Totals   `json:"totals"`
	Failure    *struct {
		Code, Step, Message string
	} `json:"failure"`
}

func read(t *testing.T, got result) left {
	t.Helper()
	var document left
	decoder := json.NewDecoder(strings.NewReader(got.out))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&document), "%s%s", got.out, got.err)
	require.ErrorIs(t, decoder.Decode(&struct{}{}), io.EOF, "one document")
	return document
}

func TestRegisterIsIdempotent(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	got := starter(t, environ, "register", "--json")
	require.Zero(t, got.code, got.err)
	require.JSONEq(t, `{"namespace":"default","added":[],
		"searchAttributes":["BusinessDate","CorrelationId","NeedsOperator","Stage","Vacation"]}`, got.out)
}

func TestRunToItsEnd(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	global, file, reference := aSettlement(t, "good")

	got := starter(t, environ, append(run(global, file), "--wait", "--json")...)
	require.Equal(t, command.ExitDone, got.code, got.err)
	first := read(t, got)
	require.Equal(t, "ENDED", first.Outcome)
	require.Equal(t, reference, first.Reference)
	require.Equal(t, "vacation-reglement-transactions/"+reference, first.WorkflowID)
	require.Equal(t, "http://ui.example/namespaces/default/workflows/vacation-reglement-transactions%2F"+reference+"/"+
		first.RunID+"/history", first.UI)
	require.Equal(t, 10, first.Totals.Lines)

	for _, wait := range [][]string{nil, {"--wait"}} {
		again := starter(t, environ, append(append(run(global, file), "--json"), wait...)...)
		require.Equal(t, command.ExitDone, again.code, again.err)
		second := read(t, again)
		require.Equal(t, "ALREADY_SETTLED", second.Outcome)
		require.Equal(t, first.RunID, second.RunID)
		require.Equal(t, first.Totals, second.Totals)
	}

	human := starter(t, environ, run(global, file)...)
	require.Zero(t, human.code)
	require.Contains(t, human.out, "already settled")
	require.Contains(t, human.out, "gross             "+first.Totals.Gross.String()+" EUR\n")
	require.Contains(t, human.out, "parked            2.50 EUR in 1 line\n")
	require.Contains(t, human.out, "covered           0.99 EUR in 1 debt\n")

	shown := starter(t, environ, "progress", reference, "--json")
	require.Zero(t, shown.code, shown.err)
	require.Equal(t, "ENDED", read(t, shown).Outcome)
}

func TestRunConflicts(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	for _, scene := range []string{"good", "slow"} {
		global, file, reference := aSettlement(t, scene)
		args := run(global, file)
		if scene == "good" {
			args = append(args, "--wait")
		}
		got := starter(t, environ, args...)
		require.Zero(t, got.code, got.err)

		line, err := os.ReadFile(global)
		require.NoError(t, err)
		changed := write(t, "g.json", strings.Replace(string(line), `"id":"`, `"id":"X`, 1))
		got = starter(t, environ, run(changed, file)...)
		require.Equal(t, command.ExitInput, got.code, "%s: %s", scene, got.out)
		require.Contains(t, got.err, "conflict: reference "+reference+" is there with another bank line: id ")

		other := write(t, "other.txt", "another content")
		got = starter(t, environ, run(global, other)...)
		require.Equal(t, command.ExitInput, got.code, "%s: %s", scene, got.out)
		require.Contains(t, got.err, "conflict: reference "+reference)
		require.Contains(t, got.err, "another file")
	}
	// A settled file that was put away meanwhile contradicts nothing.
	global, file, _ := aSettlement(t, "good")
	require.Zero(t, starter(t, environ, append(run(global, file), "--wait")...).code)
	require.NoError(t, os.Remove(file))
	got := starter(t, environ, run(global, file)...)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "already settled")
}

func TestRunThatFailsIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	global, file, reference := aSettlement(t, "bad")

	got := starter(t, environ, append(run(global, file), "--wait", "--json")...)
	require.Equal(t, command.ExitEnded, got.code, got.err)
	first := read(t, got)
	require.Equal(t, "ENDED_WITH_ERROR", first.Outcome)
	require.Equal(t, "FILE_INVALID", first.Failure.Code)
	require.Equal(t, "loading-file", first.Failure.Step)
	require.Contains(t, first.Failure.Message, "/archive/bad.report")
	require.Nil(t, first.Totals)

	shown := starter(t, environ, "progress", reference)
	require.Equal(t, command.ExitEnded, shown.code)
	require.Contains(t, shown.out, "code     FILE_INVALID\nstep     loading-file\n")

	mended := filepath.Join(filepath.Dir(file), "good.txt")
	require.NoError(t, os.Rename(file, mended))
	got = starter(t, environ, append(run(global, mended), "--wait", "--json")...)
	require.Zero(t, got.code, got.err)
	require.NotEqual(t, first.RunID, read(t, got).RunID)
}

func TestRunWaitsForItsFile(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	global, file, _ := aSettlement(t, "late")
	require.NoError(t, os.Remove(file))

	got := starter(t, environ, append(run(global, file), "--wait", "--timeout", "1500ms", "--json")...)
	require.Equal(t, command.ExitWaiting, got.code, got.err)
	first := read(t, got)
	require.Equal(t, "RUNNING", first.Outcome)
	require.Equal(t, vacation.StageAwaiting, first.Progress.Stage)
	require.Contains(t, got.err, "put the complete file in its place")

	// Started again it is the same run, which then ends.
	require.NoError(t, devServer.Client().SignalWorkflow(t.Context(), first.WorkflowID, first.RunID, "go", nil))
	got = starter(t, environ, append(run(global, file), "--wait", "--json")...)
	require.Zero(t, got.code, got.err)
	require.Equal(t, first.RunID, read(t, got).RunID)

	global, file, reference := aSettlement(t, "slow")
	got = starter(t, environ, append(run(global, file), "--wait", "--timeout", "1500ms")...)
	require.Equal(t, command.ExitEnded, got.code, got.err)
	require.Contains(t, got.err, "it is at posting-lines")
	require.Contains(t, got.err, "starter progress "+reference)
}

func TestRunShowsWhatActivitiesSay(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	global, file, reference := aSettlement(t, "beating")
	require.Zero(t, starter(t, environ, run(global, file)...).code)
	require.Eventually(t, func() bool {
		got := starter(t, environ, "progress", reference, "--json")
		return got.code == 0 && read(t, got).Progress.Posted == 7
	}, 20*time.Second, 50*time.Millisecond)
	close(endBeating)
	got := starter(t, environ, append(run(global, file), "--wait")...)
	require.Zero(t, got.code, got.err)
}

func TestInterruptedWaitLeavesTheRunAlone(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	global, file, reference := aSettlement(t, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, err bytes.Buffer
	code := command.Run(ctx, append(run(global, file), "--wait"), command.Surroundings{
		Out: &out, Err: writerFunc(func(text []byte) (int, error) {
			if bytes.Contains(text, []byte("http://ui.example/")) && !bytes.Contains(text, []byte("error")) {
				cancel() // it waits now
			}
			return err.Write(text)
		}),
		Environ: environ, Now: func() time.Time { return now },
	})
	require.Equal(t, command.ExitInterrupted, code, err.String())
	require.Contains(t, err.String(), "goes on without you")
	require.Contains(t, err.String(), "starter progress "+reference)

	got := starter(t, environ, "progress", reference, "--json")
	require.Zero(t, got.code, got.err)
	require.Equal(t, "RUNNING", read(t, got).Outcome)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

func TestRunShowsWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	global, file, reference := aSettlement(t, "ailing")
	const says = "ail failed and is tried again: the disk is full"

	got := starter(t, environ, append(run(global, file), "--wait", "--timeout", "5s")...)
	require.Equal(t, command.ExitEnded, got.code, got.err)
	require.Contains(t, got.out, "trouble  "+says+"\n")
	require.Equal(t, 2, strings.Count(got.err, says), "it is said once, and at the end: %s", got.err)
	require.Equal(t, says, read(t, starter(t, environ, "progress", reference, "--json")).Trouble)

	close(endAiling)
	got = starter(t, environ, append(run(global, file), "--wait", "--json")...)
	require.Zero(t, got.code, got.err)
	require.Empty(t, read(t, got).Trouble)
}

func TestProgressOfAnUnknownReference(t *testing.T) {
	t.Parallel()
	got := starter(t, onServer(t), "progress", "99999920260302UEP")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "no run of reference 99999920260302UEP is known")
}
