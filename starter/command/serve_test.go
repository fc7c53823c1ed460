package command_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/deploy/partners/pesitwizard"
	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/workflows"
)

const hookSecret = "s3cret of the product"

// output is a stream of a command that goes on.
type output struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(line []byte) (int, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.Write(line)
}

func (o *output) String() string {
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.text.String()
}

// servant is `starter serve` in this process.
type servant struct {
	address  string
	routes   []string
	out, err *output
	stop     func() int
}

// serves starts the front, and waits until it says where it answers.
func serves(t *testing.T, environ []string, args ...string) *servant {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	s := &servant{out: new(output), err: new(output)}
	code := make(chan int, 1)
	go func() {
		code <- command.Run(ctx, append([]string{"serve", "--json"}, args...), command.Surroundings{
			Out: s.out, Err: s.err, Environ: append([]string{"REGLO_FRONT_ADDRESS=127.0.0.1:0"}, environ...), Now: time.Now,
		})
	}()
	s.stop = sync.OnceValue(func() int {
		stop()
		return <-code
	})
	t.Cleanup(func() { s.stop() })
	require.Eventually(t, func() bool { return strings.Contains(s.out.String(), "\n") }, time.Minute, 5*time.Millisecond, s.err)
	var said struct {
		Address    string
		Routes     []string
		Registered bool
		Error      map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(s.out.String()), &said))
	require.Empty(t, said.Error)
	s.address, s.routes = said.Address, said.Routes
	return s
}

func (s *servant) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	return send(t, http.MethodGet, "http://"+s.address+path, "")
}

// send sends a request, signed as the product does.
func send(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write([]byte(body))
	request.Header.Set("X-Webhook-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(text)
}

// onServers names a database of the test's own and the tests' Temporal.
func onServers(t *testing.T) (environ []string, url string) {
	t.Helper()
	require.NotNil(t, devServer, temporalCLI+" is not set")
	url = pgtest.URL(t)
	return []string{"REGLO_DATABASE_URL=" + url, "TEMPORAL_ADDRESS=" + devServer.FrontendHostPort()}, url
}

// product plays PeSIT Wizard, and the bank behind it.
func product(t *testing.T) (address, offered string) {
	t.Helper()
	offered = t.TempDir()
	played, err := pesitwizard.New(pesitwizard.Settings{
		Received: t.TempDir(), Offered: offered, Key: "the-key-of-the-product", Partner: "REGLO", Clock: time.Now,
		Servers: []pesitwizard.Server{{Number: 1, Name: "BANK"}},
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- played.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	played.Break(pesitwizard.Fault{Kind: pesitwizard.WebhookTwice}, pesitwizard.Fault{Kind: pesitwizard.WebhookForged})
	return "http://" + listener.Addr().String(), offered
}

// free is an address at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func overREST(product string) []string {
	return []string{
		"REGLO_CHANNEL_TECHNOLOGY=pesit-rest", "REGLO_CHANNEL_PESIT_REST_URL=" + product, "REGLO_CHANNEL_PESIT_REST_SERVER=1",
		"REGLO_CHANNEL_PESIT_REST_PARTNER=REGLO", "REGLO_CHANNEL_PESIT_REST_VIRTUAL_FILE=VIREMENTS",
		"REGLO_CHANNEL_PESIT_REST_KEY=the-key-of-the-product",
	}
}

// TestServeAndTheProduct registers at the product, has the bank push a file, and
// finds the notice and the reception that it started.
func TestServeAndTheProduct(t *testing.T) {
	t.Parallel()
	environ, url := onServers(t)
	address, offered := product(t)
	ours := free(t)
	secretFile := write(t, "secret", hookSecret+"\n")
	environ = append(environ, overREST(address)...)
	environ = append(environ,
		"REGLO_HOOK_SECRET_FILE="+secretFile, "REGLO_HOOK_URL=http://"+ours+"/hooks/pesit/bank", "REGLO_FRONT_ADDRESS="+ours)
	s := serves(t, environ, "--register")
	require.Equal(t, ours, s.address)
	require.Equal(t, []string{"POST /hooks/pesit/{server}"}, s.routes)

	status, body := s.get(t, "/readyz")
	require.Equal(t, http.StatusOK, status, body)
	require.JSONEq(t, `{"status":"ok","checks":{"database":"ok","schema":"ok","temporal":"ok"}}`, body)

	require.NoError(t, os.WriteFile(filepath.Join(offered, "STATEMENT.XML"), []byte("abcd"), 0o600))
	status, body = send(t, http.MethodPost, address+"/stand-in/push", "")
	require.Equal(t, http.StatusOK, status)
	var pushed []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(body), &pushed))
	require.Len(t, pushed, 1)

	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	kept := func() (count int) {
		require.NoError(t, conn.QueryRow(t.Context(),
			`select count(*) from webhook_notice where transfer = $1 and direction = 'RECEIVE'`, pushed[0].ID).Scan(&count))
		return count
	}
	require.Eventually(t, func() bool {
		return strings.Contains(s.err.String(), "a notice came again")
	}, 30*time.Second, 5*time.Millisecond, "called twice, and once by somebody else")
	require.Equal(t, 1, kept())
	description, err := devServer.Client().DescribeWorkflowExecution(t.Context(), workflows.ReceptionID, "")
	require.NoError(t, err)
	require.Equal(t, workflows.ReceptionName, description.GetWorkflowExecutionInfo().GetType().GetName())
	// Another test's workers may have ended it meanwhile.
	_ = devServer.Client().TerminateWorkflow(t.Context(), workflows.ReceptionID, "", "the test ends")

	_, metrics := s.get(t, "/metrics")
	for _, line := range []string{
		`reglo_front_notices_total{outcome="fresh"} 1`, `reglo_front_notices_total{outcome="repeated"} 1`,
		`reglo_front_notices_total{outcome="forged"} 1`,
		`reglo_front_requests_total{route="POST /hooks/pesit/{server}",status="401"} 1`, "temporal_request",
	} {
		require.Contains(t, metrics, line)
	}
	require.Equal(t, command.ExitDone, s.stop(), s.err)
	require.Contains(t, s.err.String(), "front drains")
	for _, word := range []string{"s3cret", "STATEMENT", "key-of-the-product"} {
		require.NotContains(t, s.err.String(), word)
	}
	require.Equal(t, 1, strings.Count(s.out.String(), "\n"), "one document")
}

func TestServeWithoutASecret(t *testing.T) {
	t.Parallel()
	environ, _ := onServers(t)
	s := serves(t, environ)
	require.Empty(t, s.routes)
	status, _ := send(t, http.MethodPost, "http://"+s.address+"/hooks/pesit/bank", "{}")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, 1, strings.Count(s.err.String(), "no notice of the transfer product is taken"), s.err)
	require.Equal(t, command.ExitDone, s.stop())
}

func TestServeDoesNotStart(t *testing.T) {
	t.Parallel()
	environ, _ := onServers(t)
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	productless := append(overREST("http://"+free(t)),
		"REGLO_HOOK_SECRET="+hookSecret, "REGLO_HOOK_URL=http://us.example/hooks/pesit/bank", "REGLO_FRONT_ADDRESS=127.0.0.1:0")
	for name, test := range map[string]struct {
		environ []string
		args    []string
		code    int
		says    []string
	}{
		"a short secret":      {[]string{"REGLO_HOOK_SECRET=s3cret"}, nil, command.ExitInput, []string{"hook.secret", "REGLO_HOOK_SECRET", "16 bytes"}},
		"no file of it":       {[]string{"REGLO_HOOK_SECRET_FILE=/nowhere/secret"}, nil, command.ExitInput, []string{"hook.secret_file", "/nowhere/secret"}},
		"a short one there":   {[]string{"REGLO_HOOK_SECRET_FILE=" + write(t, "s", "s3cret")}, nil, command.ExitInput, []string{"hook.secret_file", "16 bytes"}},
		"no certificate":      {[]string{"REGLO_FRONT_TLS_CERT=/nowhere/c", "REGLO_FRONT_TLS_KEY=/nowhere/k"}, nil, command.ExitInput, []string{"front.tls_cert", "/nowhere/c"}},
		"a taken address":     {[]string{"REGLO_FRONT_ADDRESS=" + taken.Addr().String()}, nil, command.ExitInput, []string{"front.address", "in use", "REGLO_FRONT_ADDRESS"}},
		"no such database":    {[]string{"REGLO_DATABASE_URL=" + strings.Replace(pgtest.Empty(t), "/reglo_test_", "/no_such_", 1)}, nil, command.ExitInput, []string{"does not exist", "REGLO_DATABASE_URL"}},
		"never migrated":      {[]string{"REGLO_DATABASE_URL=" + pgtest.Empty(t)}, nil, command.ExitEnded, []string{"starter migrate"}},
		"no such client cert": {[]string{"TEMPORAL_TLS_CLIENT_CERT_PATH=/nonexistent"}, nil, command.ExitInput, []string{"TEMPORAL_TLS_"}},
		"an argument":         {nil, []string{"now"}, command.ExitInput, []string{"starter serve"}},
		"nobody to register":  {nil, []string{"--register"}, command.ExitInput, []string{"--register", "directory"}},
		"nowhere to call":     {overREST("http://127.0.0.1:1"), []string{"--register"}, command.ExitInput, []string{"hook.url", "hook.secret"}},
		"no product":          {productless, []string{"--register"}, command.ExitEnded, []string{"register a webhook", "channel.pesit_rest.url"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := starter(t, append(append([]string{}, environ...), test.environ...), append([]string{"serve"}, test.args...)...)
			require.Equal(t, test.code, got.code, got.err)
			require.Empty(t, got.out)
			said := got.err[max(0, strings.Index(got.err, "error: ")):] // after the log
			require.LessOrEqual(t, strings.Count(said, "\n"), 2, said)
			require.True(t, strings.HasPrefix(said, "error: "), said)
			require.NotContains(t, said, "{", "no log after it")
			for _, want := range test.says {
				require.Contains(t, said, want)
			}
			require.NotContains(t, got.err, "s3cret")
			require.NotContains(t, said, "fx.")
		})
	}
}
