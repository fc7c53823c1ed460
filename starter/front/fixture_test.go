package front_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/webhook"
	"github.com/reglo/reglo/starter/front"
	"github.com/reglo/reglo/worker/boot/health"
	"github.com/reglo/reglo/worker/boot/telemetry"
)

const (
	secret   = webhook.Secret("a secret of the test")
	hookPath = "/hooks/pesit/bank"
)

func at() time.Time { return time.Date(2026, time.March, 17, 10, 30, 5, 0, time.UTC) }

// bodyOf is a notice of the product.
func bodyOf(id string) string {
	return `{"event":"TRANSFER_COMPLETED","timestamp":"2026-03-17T10:30:05Z","transfer":{"id":"` + id +
		`","direction":"RECEIVE","filename":"STATEMENT_20260317.XML","localPath":"/data/received/STATEMENT_20260317.XML","size":8542}}`
}

// sign is the algorithm as it is agreed.
func sign(key webhook.Secret, text string) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(text))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// notes is a log that tests read while it is written.
type notes struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(line []byte) (int, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.text.Write(line)
}

func (n *notes) String() string {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.text.String()
}

// lines gives those of a message.
func (n *notes) lines(t testing.TB, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(n.String()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record["msg"] == message {
			found = append(found, record)
		}
	}
	return found
}

// stage is a front at a socket.
type stage struct {
	address  string
	server   *front.Server
	registry *prometheus.Registry
	log      *slog.Logger
	notes    *notes
	proxies  front.Proxies
	secured  *tls.Config
}

func newStage() *stage {
	s := &stage{registry: prometheus.NewRegistry(), notes: new(notes)}
	s.log = slog.New(slog.NewJSONHandler(s.notes, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return s
}

// open has the routes answered.
func (s *stage) open(t testing.TB, routes ...front.Route) {
	t.Helper()
	answers, err := front.New(front.Parts{
		Routes: routes, Proxies: s.proxies, Registry: s.registry, Clock: time.Now, Log: s.log,
		Operator: health.Handler(nil, telemetry.Handler(s.registry, s.log)),
	})
	require.NoError(t, err)
	s.server = front.NewServer(answers, s.secured, s.log)
	require.NoError(t, s.server.Start(t.Context(), "127.0.0.1:0"))
	s.address = s.server.Address()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, s.server.Stop(ctx))
	})
}

// hook has notices taken.
func (s *stage) hook(t testing.TB, notices front.Notices, waker front.Waker) {
	t.Helper()
	hook, err := front.NewHook(front.HookParts{
		Server: "bank", Header: webhook.DefaultHeader, Secret: secret, Notices: notices, Waker: waker,
		Registry: s.registry, Clock: at, Log: s.log,
	})
	require.NoError(t, err)
	s.open(t, front.Route{Pattern: front.HookPattern, Handler: hook})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// raw sends a request as it is written, and reads its answer.
func (s *stage) raw(t testing.TB, request string) answer {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	method, _, _ := strings.Cut(request, " ") // the answer to HEAD has no body
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(t, err, request)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(body)}
}

// try sends a request by a connection of its own.
func (s *stage) try(ctx context.Context, method, path string, body io.Reader, headers ...string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, body)
	if err != nil {
		return answer{}, err
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	request.Close = true
	response, err := new(http.Transport).RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)}, err
}

func (s *stage) do(t testing.TB, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	got, err := s.try(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	return got
}

// notify sends a notice, signed.
func (s *stage) notify(t testing.TB, body string) answer {
	t.Helper()
	return s.do(t, http.MethodPost, hookPath, strings.NewReader(body), webhook.DefaultHeader, sign(secret, body))
}

// counts wants a counter by its labels, zero where it is not there.
func (s *stage) counts(t testing.TB, name, labels string, want int) {
	t.Helper()
	families, err := s.registry.Gather()
	require.NoError(t, err)
	value := 0.0
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			pairs := make([]string, 0, len(metric.GetLabel()))
			for _, label := range metric.GetLabel() {
				pairs = append(pairs, label.GetName()+"="+label.GetValue())
			}
			if family.GetName() == name && strings.Join(pairs, ",") == labels {
				value = metric.GetCounter().GetValue()
			}
		}
	}
	require.InDelta(t, want, value, 0, name+"{"+labels+"}")
}
