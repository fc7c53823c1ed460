// Starter is the operator's command line of the engine: it prepares the
// database and the Temporal server, loads and checks files, starts vacations
// and shows what came out of them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/reglo/reglo/starter/command"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal a second one ends the program at once, whatever it does.
	context.AfterFunc(ctx, stop)

	return command.Run(ctx, os.Args[1:], command.Surroundings{
		Out: os.Stdout, Err: os.Stderr, Environ: os.Environ(), Now: time.Now,
	})
}
