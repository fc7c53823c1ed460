package command_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
)

// temporalCLI names the variable with the path of Temporal's command line, which
// has the development server.
const temporalCLI = "REGLO_TEST_TEMPORAL_CLI"

// devServer is the Temporal server of the tests that ask for one; nil when it
// is not to be had, in which case they fail.
var devServer *testsuite.DevServer //nolint:gochecknoglobals // a server takes seconds to start: one for all tests

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	path := os.Getenv(temporalCLI)
	if path == "" {
		return m.Run()
	}
	server, err := testsuite.StartDevServer(context.Background(), testsuite.DevServerOptions{
		ExistingPath:  path,
		LogLevel:      "error",
		ClientOptions: &client.Options{Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))},
	})
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "start Temporal's development server of %s=%s: %v\n", temporalCLI, path, err)
		return 1
	}
	devServer = server
	code := m.Run()
	if err := server.Stop(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "stop Temporal's development server:", err)
	}
	return code
}
