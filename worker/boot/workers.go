package boot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.uber.org/fx"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/worker/boot/health"
	"github.com/reglo/reglo/workflows"
)

// How much one worker process takes on. It is meant for a small machine that it
// shares with PostgreSQL; more work is for more processes.
const (
	// dataActivities run at once. One that posts or loads keeps a core busy, but
	// one that waits for a late file costs nothing and keeps its place for hours:
	// a day's late files must not keep out the one that came.
	dataActivities = 32
	// dispatchActivities run at once. Bulks are handed over one at a time, in their
	// order: who comes second waits for the first, and a third would only wait
	// longer. One more receives what partners have for us.
	dispatchActivities = 3
	// erpActivities run at once. The ERP is called once at a time a dossier.
	erpActivities = 2
	// spareConnections: the relay, one for each sink; the figures of a scrape, five
	// at once; the checks of a probe.
	spareConnections = 8
	// connections of the pool: an activity works in one transaction at a time, and
	// none ever waits for a connection.
	connections = dataActivities + dispatchActivities + erpActivities + spareConnections

	// workflowTasks at once: each is milliseconds of CPU.
	workflowTasks = 64
	// Pollers are open requests: two answer a start at once, and the workflow ones
	// alternate between new runs and those that this process remembers.
	activityPollers = 4
	dispatchPollers = 2
	erpPollers      = 1
	workflowPollers = 4
	// rememberedRuns bounds the memory for runs that are under way; a run that is
	// forgotten is replayed. A day has some dozens.
	rememberedRuns = 512

	// heartbeatEvery bounds how long the SDK keeps a heartbeat back, by default
	// for most of its timeout: a moment's delay would then look like a dead worker,
	// progress would stand still, and a cancellation be heard late.
	heartbeatEvery = time.Second
	// rememberedFor is how long the server waits for the process that remembers a
	// run before it hands the run to any other, which replays it in milliseconds.
	rememberedFor = time.Second
)

// registrar is what each implementation of activities offers.
type registrar interface {
	Register(registry worker.ActivityRegistry)
}

// dispatcher is what each implementation of activities that call a partner offers.
type dispatcher interface {
	RegisterDispatch(registry worker.ActivityRegistry)
}

// pollers are the workers of the task queues, as one.
type pollers struct {
	workers []worker.Worker
	// state is why they do not poll, nil while they do.
	state atomic.Pointer[error]
}

var (
	errStarting = errors.New("starting: not polling yet")
	errDraining = errors.New("draining: no longer polling")
)

type pollersIn struct {
	fx.In

	Server       client.Client
	Activities   []registrar  `group:"activities"`
	Dispatchers  []dispatcher `group:"dispatchers"`
	ERP          *erp.Activities
	Interceptors []interceptor.WorkerInterceptor `optional:"true"` // tests are less patient, and kill
	Shutdown     fx.Shutdowner
	Log          *slog.Logger
}

func newPollers(in pollersIn) *pollers {
	p := &pollers{}
	p.say(errStarting)
	fatal := func(err error) {
		in.Log.Error("worker cannot go on", "error", err)
		p.say(fmt.Errorf("stopped: %w", err))
		_ = in.Shutdown.Shutdown(fx.ExitCode(exitFailed)) // it fails only when the app is not running
	}
	worker.SetStickyWorkflowCacheSize(rememberedRuns)
	vacations := worker.New(in.Server, workflows.Queue, worker.Options{
		LocalActivityWorkerOnly:                true,
		MaxConcurrentWorkflowTaskExecutionSize: workflowTasks,
		MaxConcurrentWorkflowTaskPollers:       workflowPollers,
		StickyScheduleToStartTimeout:           rememberedFor,
		Interceptors:                           in.Interceptors,
		DisableRegistrationAliasing:            true,
		WorkerStopTimeout:                      drainLimit,
		OnFatalError:                           fatal,
	})
	workflows.Register(vacations)

	ofActivities := func(queue string, atOnce, pollers int) worker.Worker {
		return worker.New(in.Server, queue, worker.Options{
			DisableWorkflowWorker:              true,
			MaxConcurrentActivityExecutionSize: atOnce,
			MaxConcurrentActivityTaskPollers:   pollers,
			MaxHeartbeatThrottleInterval:       heartbeatEvery,
			Interceptors:                       in.Interceptors,
			DisableRegistrationAliasing:        true,
			WorkerStopTimeout:                  drainLimit,
			OnFatalError:                       fatal,
		})
	}
	data := ofActivities(activities.DataQueue, dataActivities, activityPollers)
	for _, implementation := range in.Activities {
		implementation.Register(data)
	}
	dispatch := ofActivities(activities.DispatchQueue, dispatchActivities, dispatchPollers)
	for _, implementation := range in.Dispatchers {
		implementation.RegisterDispatch(dispatch)
	}
	tells := ofActivities(activities.ERPQueue, erpActivities, erpPollers)
	in.ERP.RegisterERP(tells)
	p.workers = []worker.Worker{vacations, data, dispatch, tells}
	return p
}

// poll starts the workers with the app and drains them when it stops.
func poll(lifecycle fx.Lifecycle, pollers *pollers, log *slog.Logger) {
	lifecycle.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			if err := pollers.start(); err != nil {
				return err
			}
			queues := []string{workflows.Queue, activities.DataQueue, activities.DispatchQueue, activities.ERPQueue}
			log.InfoContext(ctx, "worker polls", "queues", queues)
			return nil
		},
		OnStop: func(context.Context) error {
			pollers.drain()
			return nil
		},
	})
}

func (p *pollers) start() error {
	starting := p.state.Load()
	for i, one := range p.workers {
		if err := one.Start(); err != nil {
			for _, started := range p.workers[:i] {
				started.Stop()
			}
			return fmt.Errorf("start polling: %w", err)
		}
	}
	p.state.CompareAndSwap(starting, nil) // unless one has failed since
	return nil
}

// drain stops polling and waits for what runs, up to drainLimit; then what still
// runs is cancelled.
func (p *pollers) drain() {
	p.say(errDraining)
	var stopping sync.WaitGroup
	for _, one := range p.workers {
		stopping.Go(one.Stop)
	}
	stopping.Wait()
}

func (p *pollers) say(err error) { p.state.Store(&err) }

// check passes while all task queues are polled.
func (p *pollers) check() health.Check {
	return health.Check{Name: "workers", Probe: func(context.Context) error {
		if why := p.state.Load(); why != nil {
			return *why
		}
		return nil
	}}
}
