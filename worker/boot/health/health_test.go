package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	sdklog "go.temporal.io/sdk/log"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/worker/boot/health"
)

func ask(t *testing.T, path string, checks ...health.Check) (int, health.Answer) {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	health.Handler(checks, http.NotFoundHandler()).ServeHTTP(recorder, request)
	var answer health.Answer
	require.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
	return recorder.Code, answer
}

func check(name string, err error) health.Check {
	return health.Check{Name: name, Probe: func(context.Context) error { return err }}
}

func TestReadyNamesWhatIsNot(t *testing.T) {
	t.Parallel()
	code, answer := ask(t, "/readyz", check("a", nil), check("b", nil))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, health.Answer{Status: "ok", Checks: map[string]string{"a": "ok", "b": "ok"}}, answer)

	code, answer = ask(t, "/readyz", check("a", nil), check("b", errors.New("draining")))
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, health.Answer{Status: "not ready", Checks: map[string]string{"a": "ok", "b": "draining"}}, answer)
}

func TestLiveWhateverIsNotReady(t *testing.T) {
	t.Parallel()
	code, answer := ask(t, "/livez", check("a", errors.New("away")))
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, health.Answer{Status: "ok"}, answer)
}

func TestReadyDoesNotWaitForACheckThatHangs(t *testing.T) {
	t.Parallel()
	hangs := health.Check{Name: "slow", Probe: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	code, answer := ask(t, "/readyz", check("a", nil), hangs)
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "ok", answer.Checks["a"])
	require.Equal(t, context.DeadlineExceeded.Error(), answer.Checks["slow"])
}

func TestOnlyGetIsAnswered(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		recorder := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody)
		health.Handler(nil, http.NotFoundHandler()).ServeHTTP(recorder, request)
		require.Equal(t, http.StatusMethodNotAllowed, recorder.Code, path)
	}
}

func TestDatabaseAndSchema(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	code, answer := ask(t, "/readyz", health.Database(pool), health.Schema(pool))
	require.Equal(t, http.StatusOK, code, answer)

	_, err := pool.Exec(t.Context(), `delete from goose_db_version where version_id = (select max(version_id) from goose_db_version)`)
	require.NoError(t, err)
	code, answer = ask(t, "/readyz", health.Database(pool), health.Schema(pool))
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Equal(t, "ok", answer.Checks["database"])
	require.Contains(t, answer.Checks["schema"], "starter migrate")

	pool.Close()
	code, answer = ask(t, "/readyz", health.Database(pool))
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, answer.Checks["database"], "does not answer")
}

func TestSchemaOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), pgtest.Empty(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	_, answer := ask(t, "/readyz", health.Database(pool), health.Schema(pool))
	require.Equal(t, "ok", answer.Checks["database"])
	require.Contains(t, answer.Checks["schema"], "starter migrate")
}

func TestTemporalThatIsAway(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	server, err := client.NewLazyClient(client.Options{
		HostPort: address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(server.Close)
	code, answer := ask(t, "/readyz", health.Temporal(server))
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, answer.Checks["temporal"], "temporal server")
}
