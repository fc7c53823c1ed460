package boot_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/worker/boot"
	"github.com/reglo/reglo/worker/boot/config"
)

func start(t *testing.T, environ []string, arguments ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	environ = append([]string{
		"TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "none"), "REGLO_DATA_DIR=" + t.TempDir(),
	}, environ...)
	code = boot.Main(arguments, environ, &out, &err)
	return code, out.String(), err.String()
}

// lines of stderr that are no log records.
func said(stderr string) []string {
	var lines []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestEverythingThatIsNeededIsProvided(t *testing.T) {
	t.Parallel()
	settings, err := config.Load(nil, nil)
	require.NoError(t, err)
	require.NoError(t, fx.ValidateApp(fx.NopLogger, fx.Supply(settings, slog.New(slog.DiscardHandler)), boot.Modules()))
}

func TestHelp(t *testing.T) {
	t.Parallel()
	code, _, stderr := start(t, nil, "--help")
	require.Zero(t, code)
	require.Contains(t, stderr, "--database-url")
	require.Contains(t, stderr, "REGLO_DATABASE_URL")
	require.Contains(t, stderr, "TEMPORAL_ADDRESS")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, _ := start(t, nil, "--version")
	require.Zero(t, code)
	require.Regexp(t, `^worker .+ \(go1\.\d+.*\)\n$`, stdout)
}

func TestPrintConfig(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := start(t, []string{"REGLO_DATABASE_URL=postgres://reglo:s3cret@db/reglo"}, "--print-config", "--log-level=warn")
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, `url: "postgres://reglo:xxxxx@db/reglo" # REGLO_DATABASE_URL`)
	require.Contains(t, stdout, `level: "warn" # --log-level`)
	require.NotContains(t, stdout, "s3cret")
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	for _, argument := range []string{"--nonsense", "start"} {
		code, _, stderr := start(t, nil, argument)
		require.Equal(t, 2, code)
		require.Contains(t, stderr, strings.TrimLeft(argument, "-"))
	}
}

func TestStartErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	withPassword := []string{
		"REGLO_CHANNEL_TECHNOLOGY=sftp", "REGLO_CHANNEL_SFTP_USER=reglo", "REGLO_CHANNEL_SFTP_PASSWORD=s3cret",
		"REGLO_CHANNEL_SFTP_HOST_KEYS=/nowhere/known_hosts", "REGLO_CHANNEL_SFTP_FOLDER=in",
	}
	tests := map[string]struct {
		environ []string
		want    []string
		code    int
	}{
		"wrong setting":    {code: 2, environ: []string{"REGLO_EVENT_NODE=100"}, want: []string{"event.node", "REGLO_EVENT_NODE", "0 to 99"}},
		"unknown setting":  {code: 2, environ: []string{"REGLO_NODE=1"}, want: []string{"REGLO_NODE", "no such setting"}},
		"no such database": {environ: []string{"REGLO_DATABASE_URL=" + elsewhere(t)}, want: []string{"database.url", "reglo_nowhere"}},
		"never migrated":   {environ: []string{"REGLO_DATABASE_URL=" + pgtest.Empty(t)}, want: []string{"starter migrate"}},
		"data is a file":   {environ: []string{"REGLO_DATA_DIR=/dev/null/data"}, want: []string{"data.dir", "REGLO_DATA_DIR"}},
		"wrong layout":     {environ: []string{"REGLO_LAYOUT_CRE=/nowhere/cre.yaml"}, want: []string{"layout.cre", "/nowhere/cre.yaml: no such file"}},
		"no address":       {code: 2, environ: withPassword, want: []string{"channel.sftp.address", "channel.technology is sftp"}},
		"no host keys":     {code: 2, environ: append(slices.Clone(withPassword), "REGLO_CHANNEL_SFTP_ADDRESS=bank:22"), want: []string{"channel.technology", "sftp", "file of host keys", "/nowhere/known_hosts"}},
		"no such certificate": {
			environ: []string{"REGLO_DATABASE_URL=" + pgtest.URL(t), "TEMPORAL_TLS_CLIENT_CERT_PATH=/nonexistent"},
			want:    []string{"TEMPORAL_TLS_"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := start(t, test.environ)
			require.Equal(t, max(1, test.code), code)
			require.Empty(t, stdout)
			lines := said(stderr)
			require.Len(t, lines, 1, stderr)
			for _, want := range test.want {
				require.Contains(t, lines[0], want)
			}
			require.NotContains(t, lines[0], "fx.")
			require.NotContains(t, lines[0], "could not build")
			require.NotContains(t, stderr, "s3cret")
		})
	}
}

// elsewhere is a database that the server does not have.
func elsewhere(t *testing.T) string {
	t.Helper()
	address := pgtest.URL(t)
	return address[:strings.LastIndexByte(address, '/')+1] + "reglo_nowhere" + query(address)
}

func query(address string) string {
	_, query, found := strings.Cut(address, "?")
	if !found {
		return ""
	}
	return "?" + query
}

// Signals reach the whole process: these run one after the other.
//
//nolint:paralleltest // as above
func TestSignals(t *testing.T) {
	tests := map[string]struct {
		end  func(t *testing.T, shutdown fx.Shutdowner)
		hang bool
		code int
	}{
		"one signal drains":           {end: terminate, code: 0},
		"a second one does not wait":  {end: terminate, hang: true, code: 130},
		"a fatal error drains, fails": {end: fatal, code: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			draining, drained := make(chan struct{}), make(chan struct{})
			var shutdown fx.Shutdowner
			app := fx.New(fx.NopLogger, fx.Populate(&shutdown), fx.Invoke(func(lifecycle fx.Lifecycle) {
				lifecycle.Append(fx.StopHook(func() {
					close(draining)
					<-drained
				}))
			}))
			end := app.Wait()
			require.NoError(t, app.Start(t.Context()))
			code := make(chan int)
			go func() {
				result, err := boot.Drain(app, <-end, slog.New(slog.DiscardHandler))
				if err != nil {
					result = -1
				}
				code <- result
			}()
			test.end(t, shutdown)
			<-draining
			if test.hang {
				terminate(t, shutdown)
			} else {
				close(drained)
			}
			require.Equal(t, test.code, <-code)
			if test.hang {
				close(drained)
			}
		})
	}
}

func terminate(t *testing.T, _ fx.Shutdowner) {
	t.Helper()
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
}

func fatal(t *testing.T, shutdown fx.Shutdowner) {
	t.Helper()
	require.NoError(t, shutdown.Shutdown(fx.ExitCode(1)))
}
