package front_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/front"
)

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestNothingIsRedirected(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.open(t, front.Route{Pattern: front.HookPattern, Handler: http.HandlerFunc(hello)},
		front.Route{Pattern: "GET /page", Handler: http.HandlerFunc(hello)})
	for request, want := range map[string]int{
		"POST /hooks/pesit/bank":              http.StatusOK,
		"POST /hooks/pesit/bank?a=b":          http.StatusOK,
		"GET /page":                           http.StatusOK,
		"HEAD /page":                          http.StatusOK,
		"GET /page/":                          http.StatusNotFound,
		"POST /hooks/pesit/bank/":             http.StatusNotFound,
		"POST /hooks/pesit/":                  http.StatusNotFound,
		"POST /hooks/pesit":                   http.StatusNotFound,
		"POST //hooks/pesit/bank":             http.StatusNotFound,
		"POST /hooks//pesit/bank":             http.StatusNotFound,
		"POST /hooks/./pesit/bank":            http.StatusNotFound,
		"POST /x/../hooks/pesit/bank":         http.StatusNotFound,
		"POST /hooks/pesit/%2e%2e":            http.StatusNotFound,
		"POST /hooks/pesit/bank/..":           http.StatusNotFound,
		"POST /hooks/pesit/a/b":               http.StatusNotFound,
		"GET /":                               http.StatusNotFound,
		"GET /Page":                           http.StatusNotFound,
		"GET /livez/":                         http.StatusNotFound,
		"OPTIONS *":                           http.StatusBadRequest,
		"CONNECT /hooks/pesit/bank":           http.StatusMethodNotAllowed,
		"GET http://elsewhere/page":           http.StatusOK,
		"GET http://elsewhere//page":          http.StatusNotFound,
		"POST http://elsewhere":               http.StatusNotFound,
		"GET /hooks/pesit/bank":               http.StatusMethodNotAllowed,
		"PUT /hooks/pesit/bank":               http.StatusMethodNotAllowed,
		"DELETE /page":                        http.StatusMethodNotAllowed,
		"TRACE /page":                         http.StatusMethodNotAllowed,
		"POST /hooks/pesit/%00":               http.StatusOK, // a name like others, for the handler
		"POST /hooks/pesit/%2F":               http.StatusNotFound,
		"POST /hooks/pesit/" + longOf(20<<10): http.StatusRequestHeaderFieldsTooLarge,
	} {
		got := s.raw(t, request+" HTTP/1.1\r\nHost: us\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		require.Equal(t, want, got.status, request)
		require.Empty(t, got.header.Get("Location"), request)
		if want == http.StatusMethodNotAllowed {
			require.NotEmpty(t, got.header.Get("Allow"), request)
		}
	}
	require.NotContains(t, s.notes.String(), "elsewhere")
	s.counts(t, "reglo_front_requests_total", "route=GET /page,status=200", 3)
	s.counts(t, "reglo_front_requests_total", "route=none,status=405", 5)
}

func longOf(length int) string { return strings.Repeat("x", length) }

func TestRoutesThatWouldRedirect(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"GET /page/", "GET /page/{rest...}", "GET /{$}/", "/page", "GET /a GET /b/"} {
		_, err := front.New(front.Parts{
			Routes: []front.Route{{Pattern: pattern, Handler: http.HandlerFunc(hello)}}, Registry: prometheus.NewRegistry(),
		})
		require.ErrorContains(t, err, pattern)
	}
	twice := front.Route{Pattern: "GET /page", Handler: http.HandlerFunc(hello)}
	_, err := front.New(front.Parts{Routes: []front.Route{twice, twice}, Registry: prometheus.NewRegistry()})
	require.ErrorContains(t, err, "GET /page")
	registry := prometheus.NewRegistry()
	_, err = front.New(front.Parts{Registry: registry})
	require.NoError(t, err)
	_, err = front.New(front.Parts{Registry: registry})
	require.ErrorContains(t, err, "metrics")
}

func TestWhatOperatorsAskIsNotForOthers(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.open(t)
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, path, nil).status, path)
		require.Equal(t, http.StatusMethodNotAllowed, s.do(t, http.MethodPost, path, nil).status, path)
		for _, header := range []string{"X-Forwarded-For", "Forwarded"} {
			got := s.do(t, http.MethodGet, path, nil, header, "192.0.2.1")
			require.Equal(t, http.StatusNotFound, got.status, path)
			require.NotContains(t, got.body, "ok")
		}
	}
	require.Contains(t, s.do(t, http.MethodGet, "/metrics", nil).body, `reglo_front_requests_total{route="GET /readyz",status="200"} 1`)
	for _, record := range s.notes.lines(t, "request") {
		require.Equal(t, record["status"] == 200.0, record["level"] == "DEBUG", record)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	s := newStage()
	panics := func(with func(http.ResponseWriter)) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { with(w) })
	}
	s.open(t,
		front.Route{Pattern: "GET /text", Handler: panics(func(http.ResponseWriter) { panic("FR7699999000010000000010106") })},
		front.Route{Pattern: "GET /error", Handler: panics(func(http.ResponseWriter) { panic(fmt.Errorf("JEAN DUPONT")) })},
		front.Route{Pattern: "GET /index", Handler: panics(func(http.ResponseWriter) {
			_ = strings.Fields(s.address)[front.MaxRequests]
		})},
		front.Route{Pattern: "GET /late", Handler: panics(func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusAccepted)
			panic("late")
		})},
		front.Route{Pattern: "GET /cut", Handler: panics(func(http.ResponseWriter) { panic(http.ErrAbortHandler) })},
	)
	for _, path := range []string{"/text", "/error", "/index"} {
		got := s.do(t, http.MethodGet, path, nil)
		require.Equal(t, http.StatusInternalServerError, got.status)
		require.NotContains(t, got.body, "FR76")
	}
	require.Equal(t, http.StatusAccepted, s.do(t, http.MethodGet, "/late", nil).status)
	_, err := s.try(t.Context(), http.MethodGet, "/cut", nil)
	require.ErrorIs(t, err, io.EOF)

	log := s.notes.String()
	require.NotContains(t, log, "FR76")
	require.NotContains(t, log, "DUPONT")
	require.Contains(t, log, "index out of range")
	panicked := s.notes.lines(t, "a request panicked")
	require.Len(t, panicked, 4)
	require.Contains(t, panicked[0]["stack"], "front_test.go")
	s.counts(t, "reglo_front_requests_total", "route=GET /text,status=500", 1)
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/livez", nil).status)
}

func TestTooManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage()
	entered, leave := make(chan struct{}), make(chan struct{})
	s.open(t, front.Route{Pattern: "GET /slow", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-leave
		hello(w, r)
	})})
	var all sync.WaitGroup
	statuses := make(chan int, front.MaxRequests)
	for range front.MaxRequests {
		all.Go(func() {
			got, err := s.try(t.Context(), http.MethodGet, "/slow", nil)
			if err == nil {
				statuses <- got.status
			}
		})
	}
	for range front.MaxRequests {
		<-entered
	}
	got := s.do(t, http.MethodGet, "/slow", nil)
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/livez", nil).status, "a probe has its place")
	close(leave)
	all.Wait()
	close(statuses)
	count := 0
	for status := range statuses {
		require.Equal(t, http.StatusOK, status)
		count++
	}
	require.Equal(t, front.MaxRequests, count)
	go func() { <-entered }()
	require.Equal(t, http.StatusOK, s.do(t, http.MethodGet, "/slow", nil).status, "places are given back")
}

func TestAStopWaitsForAnswers(t *testing.T) {
	t.Parallel()
	s := newStage()
	entered, leave := make(chan struct{}), make(chan struct{})
	s.open(t, front.Route{Pattern: "GET /slow", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-leave
		hello(w, r)
	})})
	ended := make(chan string, 1)
	go func() {
		got, err := s.try(t.Context(), http.MethodGet, "/slow", nil)
		ended <- fmt.Sprint(got.body, err)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.server.Stop(t.Context()) }()
	require.Eventually(t, func() bool {
		_, err := s.try(t.Context(), http.MethodGet, "/livez", nil)
		return err != nil
	}, 10*time.Second, time.Millisecond, "nobody is let in any more")
	select {
	case err := <-stopped:
		require.Fail(t, "it did not wait", err)
	default:
	}
	close(leave)
	require.NoError(t, <-stopped)
	require.Equal(t, "hello<nil>", <-ended)
	select {
	case err := <-s.server.Ended():
		require.Fail(t, "a stop is no failure", err)
	default:
	}
}

func TestAStopDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := newStage()
	entered := make(chan struct{})
	s.open(t, front.Route{Pattern: "GET /slow", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})})
	failed := make(chan error, 1)
	go func() {
		_, err := s.try(t.Context(), http.MethodGet, "/slow", nil)
		failed <- err
	}()
	<-entered
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.server.Stop(over), context.Canceled)
	require.Error(t, <-failed)
}

// TestNobodyKeepsAPlaceByBeingSlow waits for as long as the server does.
func TestNobodyKeepsAPlaceByBeingSlow(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.open(t)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /hooks/pesit/bank HTTP/1.1\r\nHost: us\r\nX-Slow: ")
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(30*time.Second)))
	_, err = io.ReadAll(conn)
	require.NoError(t, err, "the server has hung up")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "us"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(certificate)
	require.NoError(t, err)

	s := newStage()
	s.secured = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.open(t, front.Route{Pattern: "GET /page", Handler: http.HandlerFunc(hello)})
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.address+"/page", http.NoBody)
	require.NoError(t, err)
	client := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer client.CloseIdleConnections()
	response, err := client.RoundTrip(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, 2, response.ProtoMajor)
	require.Equal(t, http.StatusBadRequest, s.do(t, http.MethodGet, "/page", nil).status, "plain HTTP is not spoken there")
}

func TestAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.open(t)
	other := front.NewServer(http.HandlerFunc(hello), nil, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, other.Start(t.Context(), s.address), "address already in use")
}

func TestHandlersKnowWhoCalls(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.proxies = front.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	s.open(t, front.Route{Pattern: "GET /who", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, front.PeerOf(r.Context()).String())
	})})
	require.Equal(t, "127.0.0.1", s.do(t, http.MethodGet, "/who", nil).body)
	require.Equal(t, "192.0.2.7", s.do(t, http.MethodGet, "/who", nil, "X-Forwarded-For", "10.0.0.1, 192.0.2.7").body)
	require.Equal(t, "192.0.2.7", s.notes.lines(t, "request")[1]["peer"])
	require.False(t, front.PeerOf(t.Context()).IsValid())
}
