package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/reglo/reglo/activities/merchants"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/deploy/bench/resident"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// stand is the machine's servers, the built worker, and a folder for files.
type stand struct {
	admin     string // URL of the cluster's maintenance database
	server    client.Client
	namespace string
	folder    string // with the built programs
	counter   int
}

// adminVariable names the URL of a cluster on which databases may be made.
const adminVariable = "DEV_POSTGRES_ADMIN_URL"

func newStand(ctx context.Context) (s *stand, err error) {
	admin := os.Getenv(adminVariable)
	if admin == "" {
		return nil, fmt.Errorf("%s is not set: run `make bench`, or source .dev/env after `make up`", adminVariable)
	}
	folder, err := os.MkdirTemp("", "reglo-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(folder) // a temporary folder
		}
	}()
	build := exec.CommandContext(ctx, "go", "build", "-o", folder+"/", "./worker", "./starter", "./deploy/bench/bankfile")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, output)
	}
	s = &stand{admin: admin, folder: folder, namespace: fmt.Sprintf("bench-%d", os.Getpid())}
	if err := s.makeNamespace(ctx); err != nil {
		return nil, err
	}
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("settings of Temporal: %w", err)
	}
	options.Namespace = s.namespace
	options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	if s.server, err = client.DialContext(ctx, options); err != nil {
		return nil, fmt.Errorf("connect to Temporal: %w", err)
	}
	return s, nil
}

// makeNamespace keeps the bench's runs from workers that are not its own.
func (s *stand) makeNamespace(ctx context.Context) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return fmt.Errorf("settings of Temporal: %w", err)
	}
	namespaces, err := client.NewNamespaceClient(options)
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer namespaces.Close()
	err = namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace: s.namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	if err != nil {
		return fmt.Errorf("make a namespace: %w", err)
	}
	// The server's parts learn of a namespace one by one: until then they answer
	// that there is none.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		register := exec.CommandContext(ctx, filepath.Join(s.folder, "starter"), "register")
		register.Env = append(os.Environ(), "TEMPORAL_NAMESPACE="+s.namespace)
		output, err := register.CombinedOutput()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("register search attributes: %w\n%s", err, output)
		case <-ticker.C:
		}
	}
}

func (s *stand) close() {
	s.server.Close()
	_ = os.RemoveAll(s.folder) // a temporary folder
}

// database makes a database of the bench's own.
func (s *stand) database(ctx context.Context) (*database, error) {
	s.counter++
	name := fmt.Sprintf("reglo_bench_%d_%d", os.Getpid(), s.counter)
	if err := s.execute(ctx, "create database "+name); err != nil {
		return nil, err
	}
	address, err := url.Parse(s.admin)
	if err != nil {
		return nil, errors.New(adminVariable + " is no URL")
	}
	address.Path = "/" + name
	d := &database{stand: s, name: name, url: address.String()}
	if err := postgres.Migrate(ctx, d.url, slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	if d.pool, err = postgres.Open(ctx, d.url); err != nil {
		return nil, err
	}
	return d, nil
}

func (s *stand) execute(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.admin)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

type database struct {
	stand *stand
	name  string
	url   string
	pool  *pgxpool.Pool
}

// drop leaves no database behind, also after Ctrl-C.
func (d *database) drop(ctx context.Context) {
	d.pool.Close()
	// Best effort: the next bench has names of its own.
	_ = d.stand.execute(context.WithoutCancel(ctx), "drop database if exists "+d.name+" with (force)")
}

// checkpoint settles what earlier work left to be written, so that each
// measurement starts alike.
func (d *database) checkpoint(ctx context.Context) error {
	_, err := d.pool.Exec(ctx, "checkpoint")
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// businessDate of the bench is an ordinary TARGET day.
const businessDate = "2026-03-17"

// day makes a sample day; one seed for all, so that all measure the same.
func day(merchants, lines, sequence int) (*sample.Day, error) {
	date, err := calendar.ParseDate(businessDate)
	if err != nil {
		return nil, fmt.Errorf("business date: %w", err)
	}
	return sample.New(sample.Typical(1, merchants, lines, date, sequence))
}

// prepare loads the day's merchants and funds own money.
func (d *database) prepare(ctx context.Context, made *sample.Day) error {
	var file bytes.Buffer
	if err := made.WriteMerchants(&file); err != nil {
		return fmt.Errorf("make merchants: %w", err)
	}
	_, err := merchants.Load(ctx, d.pool, merchants.Snapshot{
		Name: "Merchants.000001.csv", Sequence: 1, MaxClosedPercent: merchants.MaxClosedPercent,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
	}, time.Now())
	if err != nil {
		return fmt.Errorf("load merchants: %w", err)
	}
	const ownMoney money.Cents = 100_000_000_00
	_, err = postgres.OpenBooks(ctx, d.pool, map[ledger.Code]money.Cents{ledger.Fonctionnement: ownMoney}, time.Now())
	if err != nil {
		return fmt.Errorf("open the books: %w", err)
	}
	_, err = d.pool.Exec(ctx, "vacuum analyze")
	if err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}

// file writes the day's CRE file and returns the request that settles it.
func (s *stand) file(made *sample.Day) (workflows.ReglementRequest, error) {
	path := filepath.Join(s.folder, made.Reference()+".txt")
	file, err := os.Create(path)
	if err != nil {
		return workflows.ReglementRequest{}, fmt.Errorf("make file: %w", err)
	}
	summary, err := made.WriteSettlement(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return workflows.ReglementRequest{}, fmt.Errorf("make file: %w", err)
	}
	date, err := calendar.ParseDate(businessDate)
	if err != nil {
		return workflows.ReglementRequest{}, fmt.Errorf("business date: %w", err)
	}
	return workflows.ReglementRequest{
		BusinessDate: date, Transaction: made.Movement(&summary), File: path, CutOff: time.Now(),
	}, nil
}

// process is a worker or a front on a database.
type process struct {
	command *exec.Cmd
	address string
}

// start runs the worker until it is ready.
func (d *database) start(ctx context.Context, settings ...string) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, filepath.Join(d.stand.folder, "worker"))
	command.Env = append(os.Environ(),
		"REGLO_DATABASE_URL="+d.url, "REGLO_DATA_DIR="+filepath.Join(d.stand.folder, d.name),
		"REGLO_HTTP_ADDRESS="+address, "REGLO_LOG_LEVEL=error", "TEMPORAL_NAMESPACE="+d.stand.namespace,
		// Bulks end in a folder: a partner's time is not ours.
		"REGLO_CHANNEL_TECHNOLOGY=directory")
	command.Env = append(command.Env, settings...)
	command.Stderr = os.Stderr
	return launch(ctx, command, address)
}

// freeAddress is one at which nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port: %w", err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	return address, nil
}

// launch runs a program until it is ready.
func launch(ctx context.Context, command *exec.Cmd, address string) (*process, error) {
	name := filepath.Base(command.Path)
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", name, err)
	}
	p := &process{command: command, address: address}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	probe := &http.Client{Timeout: 5 * time.Second}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
		if err != nil {
			return nil, fmt.Errorf("ask the %s: %w", name, err)
		}
		response, err := probe.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		select {
		case <-ctx.Done():
			p.stop()
			return nil, fmt.Errorf("the %s is not ready: %w", name, ctx.Err())
		case <-ticker.C:
		}
	}
}

// stop ends the program and waits for it.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	_ = p.command.Wait()
}

// peak is the program's largest resident memory so far, in bytes.
func (p *process) peak() (float64, error) {
	bytes, err := resident.Peak(strconv.Itoa(p.command.Process.Pid))
	return float64(bytes), err
}

// timing is a vacation that was measured.
type timing struct {
	run     client.WorkflowRun
	seconds float64 // from the start to the committed end event
	whole   float64 // from the start to the workflow's result
}

// outcome is a règlement that was measured.
type outcome struct {
	timing

	totals vacation.Totals
}

// settle runs the vacation and waits for its end.
func (d *database) settle(ctx context.Context, request workflows.ReglementRequest) (outcome, error) {
	var result outcome
	var err error
	result.timing, err = d.measure(ctx, workflows.ReglementTransactionsName, request.Transaction.Reference, request, &result.totals)
	return result, err
}

// measure runs a vacation, waits for its end, and reads its totals.
func (d *database) measure(ctx context.Context, name, key string, request, totals any) (timing, error) {
	// The name is the bench's own: each database has a vacation of the same key.
	options := client.StartWorkflowOptions{ID: "bench-" + d.name + "/" + key, TaskQueue: workflows.Queue}
	began := time.Now()
	run, err := d.stand.server.ExecuteWorkflow(ctx, options, name, request)
	if err != nil {
		return timing{}, fmt.Errorf("start: %w", err)
	}
	result := timing{run: run}
	if err := run.Get(ctx, totals); err != nil {
		return timing{}, fmt.Errorf("run: %w", err)
	}
	result.whole = time.Since(began).Seconds()
	var ended time.Time
	if err := d.pool.QueryRow(ctx, `select ended_at from vacation where key = $1`, key).Scan(&ended); err != nil {
		return timing{}, fmt.Errorf("read the end: %w", err)
	}
	result.seconds = ended.Sub(began).Seconds()
	return result, nil
}
