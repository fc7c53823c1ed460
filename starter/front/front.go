// Package front answers the partners who call us by HTTP: notices of the file
// transfer product, notifications of card payments, and shops' programs that ask
// for payment forms. It trusts nobody: not in who a caller says to be, not in how
// long a request is, not in how many come at once.
//
// A partner takes an answer for its word, and a redirect for one: an answer of
// success is given once what it says is safe in the database, and nothing that one
// calls is redirected.
package front

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// MaxRequests is how many requests are worked on at once, probes and scrapes
// beside them: one is a transaction of some milliseconds, and a partner that sends
// this many in that time has run wild. Another one is asked to come again.
const MaxRequests = 64

// Route is a path that partners may call.
type Route struct {
	// Pattern is a method and a path as [http.ServeMux] has them, such as
	// "POST /hooks/pesit/{server}"; it does not end in a slash or in dots, which
	// have the path without them redirected.
	Pattern string
	Handler http.Handler
}

// Parts are what a front is made of.
type Parts struct {
	Routes []Route
	// Operator answers /livez, /readyz and /metrics.
	Operator http.Handler
	Proxies  Proxies
	Registry prometheus.Registerer
	Clock    func() time.Time
	Log      *slog.Logger
}

// Front answers requests, those that fail and that panic included.
type Front struct {
	parts    Parts
	mux      *http.ServeMux
	places   chan struct{}
	requests *prometheus.CounterVec
}

// namespace and subsystem begin the names of metrics.
const (
	namespace = "reglo"
	subsystem = "front"
)

// noRoute is the label of requests that nobody expects.
const noRoute = "none"

// New makes a front. The error is a route that would be redirected to, or one
// that is there twice.
func New(parts Parts) (*Front, error) {
	f := &Front{
		parts: parts, mux: http.NewServeMux(), places: make(chan struct{}, MaxRequests),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "requests_total",
			Help: "Requests that were answered, by route and status.",
		}, []string{"route", "status"}),
	}
	if err := parts.Registry.Register(f.requests); err != nil {
		return nil, fmt.Errorf("register metrics of requests: %w", err)
	}
	taken := make([]string, 0, len(parts.Routes))
	for _, route := range parts.Routes {
		_, target, both := strings.Cut(route.Pattern, " ")
		if !both || strings.HasSuffix(target, "/") || strings.HasSuffix(target, "...}") || slices.Contains(taken, route.Pattern) {
			return nil, fmt.Errorf("route %q: want another method and path, which does not end in a slash or in dots", route.Pattern)
		}
		taken = append(taken, route.Pattern)
		f.mux.Handle(route.Pattern, route.Handler)
	}
	return f, nil
}

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := f.parts.Clock()
	answer := &recorder{ResponseWriter: w}
	r = r.WithContext(withPeer(r.Context(), f.parts.Proxies.Peer(r)))
	defer func() {
		cause := recover()
		if cause != nil {
			f.caught(answer, r, cause)
		}
		f.note(answer, r, f.parts.Clock().Sub(started))
		if cause == http.ErrAbortHandler { //nolint:errorlint,err113 // what is recovered is the value itself
			panic(cause) // the server cuts the connection
		}
	}()
	f.answer(answer, r)
}

func (f *Front) answer(w http.ResponseWriter, r *http.Request) {
	// The mux would redirect a path that is not in its shortest form.
	if path.Clean(r.URL.Path) != r.URL.Path || path.Clean(r.URL.EscapedPath()) != r.URL.EscapedPath() {
		say(w, http.StatusNotFound, "no such page")
		return
	}
	if operators(r) {
		// What it tells is not for who comes from outside.
		if forwarded(r) {
			say(w, http.StatusNotFound, "no such page")
			return
		}
		f.parts.Operator.ServeHTTP(w, r)
		return
	}
	select {
	case f.places <- struct{}{}:
		defer func() { <-f.places }()
		f.mux.ServeHTTP(w, r)
	default:
		again(w, "too many requests at once: send it again")
	}
}

// caught answers for a handler that panicked. What it panicked with may hold what
// was sent, and stays out of the log unless Go's runtime says it.
func (f *Front) caught(answer *recorder, r *http.Request, cause any) {
	if cause == http.ErrAbortHandler { //nolint:errorlint,err113 // what is recovered is the value itself
		return
	}
	what := fmt.Sprintf("a value of %T", cause)
	if fault, is := cause.(runtime.Error); is {
		what = fault.Error()
	}
	f.parts.Log.ErrorContext(r.Context(), "a request panicked", "route", routeOf(r), "cause", what, "stack", string(debug.Stack()))
	if answer.status == 0 {
		say(answer, http.StatusInternalServerError, "an error of ours: it is being looked at")
	}
}

// note counts and logs a request: where it went and how it ended, nothing of what
// it held.
func (f *Front) note(answer *recorder, r *http.Request, took time.Duration) {
	status := answer.status
	if status == 0 {
		status = http.StatusOK // the server's own answer, where the handler gave none
	}
	route := routeOf(r)
	f.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	level := slog.LevelInfo
	if operators(r) && status == http.StatusOK {
		level = slog.LevelDebug // probes and scrapes, all day long
	}
	f.parts.Log.Log(r.Context(), level, "request", "route", route, "status", status, "peer", PeerOf(r.Context()).String(),
		"sent_bytes", answer.bytes, "milliseconds", took.Milliseconds())
}

// operators tells requests of operators' programs.
func operators(r *http.Request) bool {
	return slices.Contains([]string{"/livez", "/readyz", "/metrics"}, r.URL.Path)
}

// routeOf is the pattern that took a request: never what a caller wrote.
func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return noRoute
	}
	return r.Pattern
}

// say answers in a sentence.
func say(w http.ResponseWriter, status int, sentence string) {
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, sentence+"\n") // the caller has gone, then
}

// comeAgain is after how many seconds a caller may try again: a database that was
// restarted answers by then.
const comeAgain = 5

// again answers that it is to be sent again.
func again(w http.ResponseWriter, sentence string) {
	w.Header().Set("Retry-After", strconv.Itoa(comeAgain))
	say(w, http.StatusServiceUnavailable, sentence)
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader remembers the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (r *recorder) Write(from []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(from)
	r.bytes += int64(n)
	return n, err //nolint:wrapcheck // handlers know the writer's errors
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// body reads a request's body. The error wraps a [http.MaxBytesError] when there
// is more than the limit, in bytes; it repeats nothing of what was read.
func body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit} // nothing of it is read
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return nil, fmt.Errorf("read a body: %w", err)
	}
	return text, nil
}
