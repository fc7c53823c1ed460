//go:build linux

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/fx"

	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/worker/boot"
	"github.com/reglo/reglo/workflows"
)

// cutVariable makes this test's binary a worker: the real one, but for smaller
// cuts (its value, in lines) and less patience. The race detector watches it
// like the tests.
const cutVariable = "E2E_WORKER_CHUNK_LINES"

// clockVariable names a file that sets the worker's clock: how far it is from
// the machine's, in nanoseconds.
const clockVariable = "E2E_WORKER_CLOCK"

// clockOf is the clock that the file sets, the machine's own without one.
func clockOf(file string) func() time.Time {
	return func() time.Time {
		text, err := os.ReadFile(file)
		if err != nil {
			return time.Now()
		}
		offset, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			panic(err)
		}
		return time.Now().Add(time.Duration(offset))
	}
}

func TestMain(m *testing.M) {
	if arguments := os.Getenv(starterVariable); arguments != "" {
		os.Exit(command.Run(context.Background(), strings.Fields(arguments), command.Surroundings{
			Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Now: time.Now,
		}))
	}
	lines, err := strconv.Atoi(os.Getenv(cutVariable))
	if err == nil {
		os.Exit(boot.Main(nil, os.Environ(), os.Stdout, os.Stderr,
			fx.Supply([]ingest.Option{ingest.WithCut(part.Cut{ChunkLines: lines, BatchLines: part.OrdinaryCut().BatchLines})}),
			fx.Supply([]interceptor.WorkerInterceptor{&impatience{}, &haste{}, &gate{folder: os.Getenv(gateVariable)}}),
			fx.Decorate(func(func() time.Time) func() time.Time { return clockOf(os.Getenv(clockVariable)) }),
			fx.Decorate(gatedChannel, gatedMailbox)))
	}
	code := m.Run()
	shared.stop()
	theMorning.drop()
	os.Exit(code)
}

// impatience shortens how long a dead worker is waited for, so that a test may
// kill many. What a workflow does is the same.
type impatience struct {
	interceptor.WorkerInterceptorBase
}

// How soon a dead worker is taken for one: above the second between two
// heartbeats, and above what a small transaction takes on a busy machine.
const (
	impatientTimeout = 3 * time.Second
	impatientRetry   = time.Second
)

func (*impatience) InterceptWorkflow(
	_ workflow.Context, next interceptor.WorkflowInboundInterceptor,
) interceptor.WorkflowInboundInterceptor {
	return &impatientInbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}}
}

type impatientInbound struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (i *impatientInbound) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&impatientOutbound{
		WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: outbound},
	})
}

type impatientOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (o *impatientOutbound) ExecuteActivity(ctx workflow.Context, name string, arguments ...any) workflow.Future {
	options := workflow.GetActivityOptions(ctx)
	if options.HeartbeatTimeout > 0 {
		options.HeartbeatTimeout = impatientTimeout
	} else {
		options.StartToCloseTimeout = impatientTimeout
	}
	retries := *options.RetryPolicy
	retries.MaximumInterval = impatientRetry
	options.RetryPolicy = &retries
	return o.Next.ExecuteActivity(workflow.WithActivityOptions(ctx, options), name, arguments...)
}

func (o *impatientOutbound) ExecuteChildWorkflow(ctx workflow.Context, name string, arguments ...any) workflow.ChildWorkflowFuture {
	options := workflow.GetChildWorkflowOptions(ctx)
	options.WorkflowTaskTimeout = impatientTimeout
	return o.Next.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, options), name, arguments...)
}

// process is a program that a test runs, kills and runs again.
type process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{} // closed when it has ended
	killed  atomic.Bool
}

// launch runs a program, whose output is appended to a log. It dies with the test.
func launch(log string, environ []string, program string, arguments ...string) (*process, error) {
	return launchAs(nil, log, environ, program, arguments...)
}

// launchAs runs a program as another user, nil for the same.
func launchAs(user *syscall.Credential, log string, environ []string, program string, arguments ...string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }()                                       // the program has its own
	command := exec.CommandContext(context.Background(), program, arguments...) //nolint:gosec // which program is the tester's to say
	command.Env = environ
	command.Stdout, command.Stderr = output, output
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: user}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, log: log, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = command.Wait() // how it ended is asked of p.killed
	}()
	return p, nil
}

// kill is kill -9; it returns when the program is gone.
func (p *process) kill() {
	p.killed.Store(true)
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

// freeze stops the program where it is, until thaw.
func (p *process) freeze(t testing.TB) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(syscall.SIGSTOP))
}

func (p *process) thaw(t testing.TB) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(syscall.SIGCONT))
}

// failed tells a program that ended and was not killed.
func (p *process) failed() bool {
	select {
	case <-p.ended:
		return !p.killed.Load()
	default:
		return false
	}
}

// tail is the end of the program's log.
func (p *process) tail() string {
	const shown = 8 << 10
	content, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return filepath.Base(p.log) + ":\n" + string(content[max(0, len(content)-shown):])
}

// environment is what programs see of the test's: nothing that sets the engine.
func environment(settings ...string) []string {
	var environ []string
	for _, line := range os.Environ() {
		if !strings.HasPrefix(line, "REGLO_") && !strings.HasPrefix(line, "TEMPORAL_") {
			environ = append(environ, line)
		}
	}
	return append(environ, settings...)
}

// temporalServer is Temporal's development server on a database file, which
// survives its kill.
type temporalServer struct {
	address string
	folder  string
	process *process
}

const (
	// temporalVariable names the program; without it the one on PATH is run.
	temporalVariable = "REGLO_TEST_TEMPORAL_CLI"
	// namespaces of a server: a test has one of its own, so that its workers get
	// nobody else's tasks.
	namespaces = 48
)

func namespace(number int) string { return fmt.Sprintf("crash-%d", number) }

func newTemporalServer(folder string) (*temporalServer, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &temporalServer{address: listener.Addr().String(), folder: folder}
	return s, listener.Close()
}

// start runs the server, on what it kept, and returns at once.
func (s *temporalServer) start() (err error) {
	program := os.Getenv(temporalVariable)
	if program == "" {
		program = "temporal"
	}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	arguments := []string{
		"server", "start-dev", "--headless", "--ip", host, "--port", port, "--log-level", "error",
		"--db-filename", filepath.Join(s.folder, "temporal.db"),
		// As deploy/dev sets it: without them each step waits for the server's next look.
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=2000",
		"--dynamic-config-value", "matching.numTaskqueueReadPartitions=1",
		"--dynamic-config-value", "matching.numTaskqueueWritePartitions=1",
	}
	for number := range namespaces {
		arguments = append(arguments, "--namespace", namespace(number))
	}
	for attribute, kind := range map[string]string{
		workflows.AttributeVacation: "Keyword", workflows.AttributeBusinessDate: "Keyword",
		workflows.AttributeCorrelationID: "Keyword", workflows.AttributeStage: "Keyword",
		workflows.AttributeNeedsOperator: "Bool",
	} {
		arguments = append(arguments, "--search-attribute", attribute+"="+kind)
	}
	s.process, err = launch(filepath.Join(s.folder, "temporal.log"), environment(), program, arguments...)
	if err != nil {
		return fmt.Errorf("%w: build it by `make bin/temporal` and name it in %s, or run the tests by `make test`", err, temporalVariable)
	}
	return nil
}

// ready waits until the server answers for the namespace.
func (s *temporalServer) ready(namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last error
	for ctx.Err() == nil && !s.process.failed() {
		if last = s.answers(ctx, namespace); last == nil {
			return nil
		}
		pause(ctx, lookEvery)
	}
	return fmt.Errorf("temporal at %s is not ready: %w\n%s", s.address, last, s.process.tail())
}

func (s *temporalServer) answers(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	connection, err := client.DialContext(ctx, client.Options{HostPort: s.address, Logger: silent()})
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	return err
}

func pause(ctx context.Context, rest time.Duration) {
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// eventually waits for a condition and fails the test when it does not come.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it did not come"))
	defer cancel()
	for !condition() {
		if ctx.Err() != nil {
			require.FailNow(t, "waited in vain", "%s, for %s: %v", what, patience, context.Cause(ctx))
		}
		pause(ctx, lookEvery)
	}
}

const (
	// patience is how long anything may take on a machine that has other work.
	patience = 90 * time.Second
	// lookEvery is how often a condition is looked at: a moment to kill is hit
	// within some milliseconds.
	lookEvery = 10 * time.Millisecond
)
