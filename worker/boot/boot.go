// Package boot puts the worker together: its settings, its connections, the
// activities and workflows that it offers, the relay of events, and what an
// operator asks it. Its parts are shared with the starter.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/program"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	// exitForced is what a shell reports of a program that SIGINT ended.
	exitForced = 130
)

// Limits in time of a start and a stop.
const (
	// startLimit is for what follows the wait for the servers: a port to listen on, pollers to start.
	startLimit = 30 * time.Second
	// drainLimit is how long activities may go on after SIGTERM: several times
	// a slice of posting, so that in practice none is cut. What is cut is taken up
	// by another worker at its last commit.
	drainLimit = 20 * time.Second
	// closeLimit is for closing connections afterwards. Both together stay under
	// the 30 seconds after which systemd's and Kubernetes' patience ends.
	closeLimit = 5 * time.Second
)

// Main is the worker's command: it runs until a signal and returns the exit
// code. changes alter the worker for tests, which may supply lists of
// accounts.Option and interceptor.WorkerInterceptor.
func Main(arguments, environ []string, stdout, stderr io.Writer, changes ...fx.Option) int {
	flags := pflag.NewFlagSet("worker", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(stderr)
	flags.Usage = func() { usage(stderr, flags) }
	version := flags.Bool("version", false, "print the version and exit")
	printConfig := flags.Bool("print-config", false, "print the settings without secrets, and who set them, and exit")
	config.AddFlags(flags)

	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitDone
	case err != nil:
		return fail(stderr, exitUsage, err)
	case flags.NArg() > 0:
		return fail(stderr, exitUsage, fmt.Errorf("unexpected argument %q; settings are given as flags, see --help", flags.Arg(0)))
	case *version:
		return say(stdout, stderr, Version()+"\n")
	}

	settings, err := config.Load(flags, environ)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	if *printConfig {
		return say(stdout, stderr, settings.Redacted())
	}
	return run(settings, stderr, changes)
}

func usage(out io.Writer, flags *pflag.FlagSet) {
	_, _ = fmt.Fprintf(out, `The worker settles: it carries out vacations for Temporal and delivers their events.

usage: worker [flags]

A setting is looked for in the flags, then in the environment, then in the YAML file.
Temporal's own settings are TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY and TEMPORAL_TLS_….

%s`, flags.FlagUsages())
}

// fail says what is wrong in one line, or in one for each setting.
func fail(stderr io.Writer, code int, err error) int {
	text := err.Error()
	if _, settings := errors.AsType[*config.Error](err); !settings {
		text = strings.Join(strings.Fields(text), " ")
	}
	_, _ = fmt.Fprintf(stderr, "worker: %s\n", text)
	return code
}

func say(stdout, stderr io.Writer, text string) int {
	if _, err := io.WriteString(stdout, text); err != nil {
		return fail(stderr, exitFailed, err)
	}
	return exitDone
}

// run starts the worker and drives it to its end.
func run(settings config.Config, stderr io.Writer, changes []fx.Option) int {
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: settings.Log.Level}))
	log.Info("worker starts", "version", Version(), "config", settings)

	app := fx.New(
		fx.Supply(settings, log),
		fx.WithLogger(program.Logger),
		fx.StartTimeout(startLimit),
		fx.StopTimeout(drainLimit+closeLimit),
		Modules(),
		fx.Options(changes...),
	)
	if err := app.Err(); err != nil {
		err = dig.RootCause(err)
		if _, wrong := errors.AsType[*config.Error](err); wrong {
			return fail(stderr, exitUsage, err)
		}
		return fail(stderr, exitFailed, err)
	}
	end := app.Wait() // from here on a signal waits until all has started, and then drains
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := app.Start(ctx); err != nil {
		return fail(stderr, exitFailed, err)
	}
	code, err := drain(app, <-end, log)
	if err != nil {
		return fail(stderr, code, err)
	}
	return code
}

// drain stops the app, or leaves it as it is at another signal. It returns the
// exit code.
func drain(app *fx.App, end fx.ShutdownSignal, log *slog.Logger) (int, error) {
	log.Info("worker drains; a second signal ends it at once", "limit", drainLimit.String(), "signal", end.String())
	second := make(chan os.Signal, 1)
	signal.Notify(second, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(second)
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainLimit+closeLimit)
		defer cancel()
		stopped <- app.Stop(ctx)
	}()
	select {
	case <-second:
		log.Warn("worker ends at once; what it was doing is taken up where it last committed")
		return exitForced, nil
	case err := <-stopped:
		if err != nil {
			return exitFailed, fmt.Errorf("stop: %w", err)
		}
		log.Info("worker stopped")
		return end.ExitCode, nil
	}
}

// Version says which source this binary was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "worker, unknown version"
	}
	revision, at, changed := "unknown revision", "", ""
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			revision = setting.Value
		case "vcs.time":
			at = " of " + setting.Value
		case "vcs.modified":
			if setting.Value == "true" {
				changed = ", with changes"
			}
		}
	}
	return fmt.Sprintf("worker %s%s%s (%s, %s/%s)", revision, at, changed, info.GoVersion, runtime.GOOS, runtime.GOARCH)
}
