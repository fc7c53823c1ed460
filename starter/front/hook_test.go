package front_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/reception"
	"github.com/reglo/reglo/domain/webhook"
	"github.com/reglo/reglo/starter/front"
)

const id = "6a1f7d5e-21aa-11ea-9f0e-0242ac120002"

// keeper is a store whose doings a test decides on.
type keeper func(ctx context.Context, server string, notice webhook.Notice) (bool, error)

func (k keeper) Keep(ctx context.Context, server string, notice webhook.Notice) (bool, error) {
	return k(ctx, server, notice)
}

// nobody is a store that nothing may reach.
func nobody(t testing.TB) front.Notices {
	t.Helper()
	return keeper(func(context.Context, string, webhook.Notice) (bool, error) {
		t.Error("a notice was kept that is to be refused")
		return false, nil
	})
}

// alarm counts how often it was to wake somebody, and fails on demand.
type alarm struct {
	lock sync.Mutex
	rung int
	err  error
	hang bool
}

func (a *alarm) Wake(ctx context.Context) error {
	a.lock.Lock()
	a.rung++
	a.lock.Unlock()
	if a.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return a.err
}

func (a *alarm) times() int {
	a.lock.Lock()
	defer a.lock.Unlock()
	return a.rung
}

// kept is what the database has, each column as text.
func kept(t testing.TB, pool *pgxpool.Pool) (row string) {
	t.Helper()
	err := pool.QueryRow(t.Context(),
		`select concat_ws(' ', server, event, transfer, direction, filename, bytes) from webhook_notice`).Scan(&row)
	require.NoError(t, err)
	return row
}

func count(t testing.TB, pool *pgxpool.Pool) (rows int) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from webhook_notice`).Scan(&rows))
	return rows
}

func TestANoticeIsKeptOnce(t *testing.T) {
	t.Parallel()
	pool, waker, s := pgtest.New(t), new(alarm), newStage()
	s.hook(t, reception.NewNotices(pool, at), waker)

	got := s.notify(t, bodyOf(id))
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "taken\n", got.body)
	require.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"))
	require.Equal(t, "no-store", got.header.Get("Cache-Control"))
	require.Equal(t, "bank TRANSFER_COMPLETED "+id+" RECEIVE STATEMENT_20260317.XML 8542", kept(t, pool))
	require.Equal(t, 1, waker.times())

	got = s.notify(t, bodyOf(id))
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, "known\n", got.body)
	require.Equal(t, 1, count(t, pool))
	require.Equal(t, 1, waker.times(), "one that comes again has no second effect")

	s.counts(t, "reglo_front_notices_total", "outcome=fresh", 1)
	s.counts(t, "reglo_front_notices_total", "outcome=repeated", 1)
	s.counts(t, "reglo_front_requests_total", "route=POST /hooks/pesit/{server},status=200", 2)

	// The log says which transfer, and nothing else of the body.
	log := s.notes.String()
	require.Contains(t, log, id)
	require.Contains(t, log, "TRANSFER_COMPLETED")
	for _, word := range []string{"STATEMENT", "received/", "8542", "2026-03-17T10:30:05Z", secret.Reveal(), "sha256=", sign(secret, bodyOf(id))[7:]} {
		require.NotContains(t, log, word)
	}
}

// TestTheSameAtOnce: whoever comes first is the one.
func TestTheSameAtOnce(t *testing.T) {
	t.Parallel()
	pool, waker, s := pgtest.New(t), new(alarm), newStage()
	s.hook(t, reception.NewNotices(pool, at), waker)
	const notices, repeats = 4, 8
	var all sync.WaitGroup
	answers := make(chan answer, notices*repeats)
	for number := range notices {
		body := bodyOf("transfer-" + strconv.Itoa(number))
		for range repeats {
			all.Go(func() {
				got, err := s.try(t.Context(), http.MethodPost, hookPath, strings.NewReader(body),
					webhook.DefaultHeader, sign(secret, body))
				if err == nil {
					answers <- got
				}
			})
		}
	}
	all.Wait()
	close(answers)
	taken, known := 0, 0
	for got := range answers {
		require.Equal(t, http.StatusOK, got.status)
		if got.body == "taken\n" {
			taken++
		} else {
			known++
		}
	}
	require.Equal(t, notices, taken)
	require.Equal(t, notices*(repeats-1), known)
	require.Equal(t, notices, count(t, pool))
	require.Equal(t, notices, waker.times())
}

func TestRefusedNotices(t *testing.T) {
	t.Parallel()
	right := bodyOf(id)
	stale := strings.Replace(right, "10:30:05Z", "10:24:05Z", 1)
	early := strings.Replace(right, "10:30:05Z", "10:36:05Z", 1)
	long := right + strings.Repeat(" ", webhook.MaxBody)
	more := strings.Replace(right, `{"event"`, `{"NAME":"JEAN DUPONT","event"`, 1)
	signed := func(body string) []string { return []string{webhook.DefaultHeader, sign(secret, body)} }
	for name, test := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		says, outcome      string
	}{
		"another method":       {"GET", hookPath, "", nil, 405, "Method Not Allowed", ""},
		"another server":       {"POST", "/hooks/pesit/other", right, signed(right), 404, "no such server", "unknown_server"},
		"a server's beginning": {"POST", "/hooks/pesit/ban", right, signed(right), 404, "no such server", "unknown_server"},
		"no signature":         {"POST", hookPath, right, nil, 401, "signature", "forged"},
		"another header":       {"POST", hookPath, right, []string{"X-Signature", sign(secret, right)}, 401, "signature", "forged"},
		"two signatures": {
			"POST", hookPath, right, append(signed(right), webhook.DefaultHeader, "sha256=00"), 401, "signature", "forged",
		},
		"another secret":     {"POST", hookPath, right, []string{webhook.DefaultHeader, sign("another secret of it", right)}, 401, "signature", "forged"},
		"another body":       {"POST", hookPath, right, signed(stale), 401, "signature", "forged"},
		"a space more":       {"POST", hookPath, right + " ", signed(right), 401, "signature", "forged"},
		"nothing, forged":    {"POST", hookPath, "", nil, 401, "signature", "forged"},
		"nothing":            {"POST", hookPath, "", signed(""), 400, "not as agreed", "malformed"},
		"no JSON":            {"POST", hookPath, "hello", signed("hello"), 400, "not as agreed", "malformed"},
		"something unknown":  {"POST", hookPath, more, signed(more), 400, "unknown member", "malformed"},
		"played again later": {"POST", hookPath, stale, signed(stale), 400, "more than 5m0s from now", "stale"},
		"from the future":    {"POST", hookPath, early, signed(early), 400, "more than 5m0s from now", "stale"},
		"too long":           {"POST", hookPath, long, signed(long), 413, "beyond the limit of 65536 bytes", "too_long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waker, s := new(alarm), newStage()
			s.hook(t, nobody(t), waker)
			for _, length := range []string{"said", "not said"} {
				var body io.Reader = strings.NewReader(test.body)
				if length == "not said" {
					body = io.MultiReader(body) // sent in chunks
				}
				got := s.do(t, test.method, test.path, body, test.headers...)
				require.Equal(t, test.status, got.status, length)
				require.Contains(t, got.body, test.says)
				require.Equal(t, 1, strings.Count(got.body, "\n"), "one line")
				for _, word := range []string{"STATEMENT", "DUPONT", id} {
					require.NotContains(t, got.body, word)
				}
				require.Equal(t, test.status == http.StatusMethodNotAllowed, got.header.Get("Allow") != "")
			}
			require.Zero(t, waker.times())
			if test.outcome != "" {
				s.counts(t, "reglo_front_notices_total", "outcome="+test.outcome, 2)
			}
			log := s.notes.String()
			for _, word := range []string{"STATEMENT", "DUPONT", id, secret.Reveal(), "/data/", "sha256="} {
				require.NotContains(t, log, word)
			}
		})
	}
}

// TestABodyThatBreaksOff is one whose sender hangs up.
func TestABodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	s := newStage()
	s.hook(t, nobody(t), new(alarm))
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.address)
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST "+hookPath+" HTTP/1.1\r\nHost: us\r\nContent-Length: 100\r\n\r\n{\"event\":")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool { return len(s.notes.lines(t, "request")) == 1 }, 10*time.Second, time.Millisecond)
	require.InDelta(t, http.StatusBadRequest, s.notes.lines(t, "request")[0]["status"], 0)
	s.counts(t, "reglo_front_notices_total", "outcome=broken_off", 1)
}

func TestAnotherHeader(t *testing.T) {
	t.Parallel()
	s := newStage()
	hook, err := front.NewHook(front.HookParts{
		Server: "bank", Header: "X-Product-Signature", Secret: secret, Waker: new(alarm), Registry: s.registry, Clock: at, Log: s.log,
		Notices: keeper(func(context.Context, string, webhook.Notice) (bool, error) { return true, nil }),
	})
	require.NoError(t, err)
	s.open(t, front.Route{Pattern: front.HookPattern, Handler: hook})
	body := bodyOf(id)
	require.Equal(t, http.StatusUnauthorized, s.notify(t, body).status)
	require.Equal(t, http.StatusOK, s.do(t, http.MethodPost, hookPath, strings.NewReader(body), "x-product-signature", sign(secret, body)).status)
}

// TestTheDatabaseIsAway: the product is to send the notice again, and then it is new.
func TestTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	gone, err := pgxpool.New(t.Context(), "postgres://reglo:s3cret@127.0.0.1:1/reglo")
	require.NoError(t, err)
	t.Cleanup(gone.Close)
	pool := pgtest.New(t)
	away, there := reception.NewNotices(gone, at), reception.NewNotices(pool, at)
	notices := front.Notices(away)
	waker, s := new(alarm), newStage()
	s.hook(t, keeper(func(ctx context.Context, server string, notice webhook.Notice) (bool, error) {
		return notices.Keep(ctx, server, notice)
	}), waker)

	got := s.notify(t, bodyOf(id))
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	require.NotContains(t, got.body, "127.0.0.1")
	require.Zero(t, waker.times())
	s.counts(t, "reglo_front_notices_total", "outcome=unavailable", 1)
	log := s.notes.String()
	require.Contains(t, log, "a notice is not kept")
	for _, word := range []string{"STATEMENT", "s3cret", "/data/"} {
		require.NotContains(t, log, word)
	}

	notices = there
	require.Equal(t, "taken\n", s.notify(t, bodyOf(id)).body)
	require.Equal(t, 1, count(t, pool))
	require.Equal(t, 1, waker.times())
}

// TestTheAnswerOfACommitIsLost: what the database has, and did not say, is known when it comes again.
func TestTheAnswerOfACommitIsLost(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for message := 1; ; message++ {
		cut, struck := pgtest.Cut(t, pool, message)
		s, again := newStage(), newStage()
		s.hook(t, reception.NewNotices(cut, at), new(alarm))
		again.hook(t, reception.NewNotices(pool, at), new(alarm))
		body := bodyOf("transfer-" + strconv.Itoa(message))
		got := s.notify(t, body)
		if !struck() {
			require.Equal(t, http.StatusOK, got.status)
			require.Greater(t, message, 1, "nothing was cut")
			return
		}
		require.Contains(t, []int{http.StatusOK, http.StatusServiceUnavailable}, got.status)
		require.Equal(t, http.StatusOK, again.notify(t, body).status)
		require.Equal(t, message, count(t, pool), "each once")
	}
}

// TestTheAnswerComesAfterTheCommit: the caller has none before the store is done.
func TestTheAnswerComesAfterTheCommit(t *testing.T) {
	t.Parallel()
	keeping, commit := make(chan struct{}), make(chan struct{})
	s := newStage()
	s.hook(t, keeper(func(context.Context, string, webhook.Notice) (bool, error) {
		close(keeping)
		<-commit
		return true, nil
	}), new(alarm))
	answered := make(chan int, 1)
	body := bodyOf(id)
	go func() {
		got, err := s.try(t.Context(), http.MethodPost, hookPath, strings.NewReader(body), webhook.DefaultHeader, sign(secret, body))
		if err == nil {
			answered <- got.status
		}
	}()
	<-keeping
	select {
	case <-answered:
		require.Fail(t, "answered before the commit")
	default:
	}
	close(commit)
	require.Equal(t, http.StatusOK, <-answered)
}

// TestACallerThatHangsUp does not take its notice away with it.
func TestACallerThatHangsUp(t *testing.T) {
	t.Parallel()
	keeping, gone, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	s := newStage()
	s.hook(t, keeper(func(ctx context.Context, _ string, _ webhook.Notice) (bool, error) {
		close(keeping)
		<-gone
		_, limited := ctx.Deadline()
		if !limited {
			return false, errors.New("no limit in time")
		}
		done <- ctx.Err()
		return true, nil
	}), new(alarm))
	ctx, hangUp := context.WithCancel(t.Context())
	body := bodyOf(id)
	failed := make(chan error, 1)
	go func() {
		_, err := s.try(ctx, http.MethodPost, hookPath, strings.NewReader(body), webhook.DefaultHeader, sign(secret, body))
		failed <- err
	}()
	<-keeping
	hangUp()
	require.ErrorIs(t, <-failed, context.Canceled)
	close(gone)
	require.NoError(t, <-done)
	require.Eventually(t, func() bool { return len(s.notes.lines(t, "a notice is kept")) == 1 }, 10*time.Second, time.Millisecond)
}

// TestTemporalIsAway: the notice is safe, and the answer does not fail.
func TestTemporalIsAway(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	for name, waker := range map[string]*alarm{
		"refuses": {err: errors.New("connection refused")}, "hangs": {hang: true},
	} {
		s := newStage()
		s.hook(t, reception.NewNotices(pool, at), waker)
		require.Equal(t, "taken\n", s.notify(t, bodyOf(name)).body)
		require.Equal(t, 1, waker.times())
		require.Len(t, s.notes.lines(t, "nobody looks at the notice before the next reception by the clock"), 1, name)
	}
	require.Equal(t, 2, count(t, pool))
}

func TestAHookWithoutASecret(t *testing.T) {
	t.Parallel()
	for _, short := range []webhook.Secret{"", "fifteen letters"} {
		_, err := front.NewHook(front.HookParts{Secret: short, Registry: prometheus.NewRegistry()})
		require.ErrorIs(t, err, webhook.ErrSecret)
	}
	registry := prometheus.NewRegistry()
	_, err := front.NewHook(front.HookParts{Secret: secret, Registry: registry})
	require.NoError(t, err)
	_, err = front.NewHook(front.HookParts{Secret: secret, Registry: registry})
	require.ErrorContains(t, err, "metrics")
}
