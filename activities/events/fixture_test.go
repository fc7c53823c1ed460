package events_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// startedAt is a summer morning in Paris.
func startedAt() time.Time { return time.Date(2026, time.July, 8, 6, 30, 0, 0, time.UTC) }

func fixed(at time.Time) func() time.Time { return func() time.Time { return at } }

// clock is a hand that a test moves.
type clock struct {
	mutex sync.Mutex
	at    time.Time
}

func (c *clock) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.at = at
}

// run is a run of a vacation under test.
type run struct {
	events.Run

	key string
}

func openRun(t testing.TB, pool *pgxpool.Pool, key string) run {
	t.Helper()
	correlation, err := uuid.NewUUID()
	require.NoError(t, err)
	r := run{Run: events.Run{CorrelationID: correlation.String()}, key: key}
	err = pool.QueryRow(t.Context(), `
		insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at)
		values ($1, $2, 1, $3::uuid, '2026-07-08', sha256('x'), $3::uuid::text, 'RUNNING', $4) returning number`,
		vacation.Technique, key, r.CorrelationID, startedAt()).Scan(&r.Number)
	require.NoError(t, err)
	return r
}

// emit commits events of their own.
func (r run) emit(t testing.TB, pool *pgxpool.Pool, bodies ...ogep.Body) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		outbox := postgres.Outbox{Environment: 'I', Node: 7}
		return outbox.Emit(t.Context(), tx, postgres.Emission{Vacation: r.Number, At: startedAt(), Bodies: bodies})
	})
	require.NoError(t, err)
}

// post commits entries 0…count-1 of one batch, every third a debit of its CP,
// with the events that are rendered from them and events of their own after.
func (r run) post(t testing.TB, pool *pgxpool.Pool, item, count int, bodies ...ogep.Body) {
	t.Helper()
	entries := make([]ledger.Entry, count)
	for i := range entries {
		entries[i] = entryOf(r.key, i)
	}
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		key := postgres.Key{Scope: "test/" + r.key, Step: "post", Item: item}
		batch, _, err := postgres.BeginBatch(t.Context(), tx, r.Number, key, startedAt())
		if err != nil {
			return err
		}
		if _, err := postgres.Post(t.Context(), tx, batch, 0, entries); err != nil {
			return err
		}
		outbox := postgres.Outbox{Environment: 'I', Node: 7}
		return outbox.Emit(t.Context(), tx, postgres.Emission{
			Vacation: r.Number, At: startedAt(), Batch: batch, Rendered: count, Bodies: bodies,
		})
	})
	require.NoError(t, err)
}

func accountOf(i int) string { return fmt.Sprintf("1A%08d", i/3%1000) }

func entryOf(key string, i int) ledger.Entry {
	entry := ledger.Entry{
		Debit: ledger.Suspense(key), Credit: ledger.CP(accountOf(i)), Kind: ledger.KindSale, Amount: money.Cents(1000 + i%977),
		Label:         fmt.Sprintf("RBCRR      CB10:25:55C%06d \"été\"", i),
		TransactionAt: startedAt().Add(time.Duration(i) * time.Second),
		ValueDate:     calendar.DateOf(startedAt()).AddDays(i % 2),
	}
	if i%3 == 2 {
		entry.Debit, entry.Credit, entry.Kind, entry.Amount = entry.Credit, entry.Debit, ledger.KindRefund, 150
	}
	return entry
}

// end commits the last event and closes the run.
func (r run) end(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	r.emit(t, pool, ogep.End{Kind: vacation.Technique})
	_, err := pool.Exec(t.Context(), "update vacation set state = 'ENDED', ended_at = $2 where number = $1", r.Number, startedAt())
	require.NoError(t, err)
}

// whole runs a vacation of count entries from its start to its end: count+2 events.
func whole(t testing.TB, pool *pgxpool.Pool, key string, count int) run {
	t.Helper()
	r := openRun(t, pool, key)
	r.emit(t, pool, ogep.Start{Kind: vacation.Technique})
	if count > 0 {
		r.post(t, pool, 0, count)
	}
	r.end(t, pool)
	return r
}

func newRelay(pool *pgxpool.Pool, sink events.Sink, options events.Options) *events.Relay {
	return events.NewRelay(pool, sink, options, fixed(startedAt()), slog.New(slog.DiscardHandler))
}

// memory is a sink that keeps what it was told, and fails when told to.
type memory struct {
	mutex sync.Mutex
	pages []events.Page
	// fault is asked before (kept false) and after (kept true) a page is kept.
	fault func(page events.Page, kept bool) error
}

func (m *memory) Name() string { return "memory" }

func (m *memory) Deliver(_ context.Context, page events.Page) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.fault != nil {
		if err := m.fault(page, false); err != nil {
			return err
		}
	}
	page.Frames = bytes.Clone(page.Frames)
	m.pages = append(m.pages, page)
	if m.fault != nil {
		return m.fault(page, true)
	}
	return nil
}

// seqs are the sequences that the sink was told of, by correlation, in their order.
func (m *memory) seqs() map[string][]int64 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	seqs := make(map[string][]int64)
	for _, page := range m.pages {
		for seq := page.FirstSeq; seq <= page.LastSeq; seq++ {
			seqs[page.CorrelationID] = append(seqs[page.CorrelationID], seq)
		}
	}
	return seqs
}

func (m *memory) frames() [][]byte {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var frames [][]byte
	for _, page := range m.pages {
		frames = append(frames, lines(page.Frames)...)
	}
	return frames
}

func lines(text []byte) [][]byte {
	var all [][]byte
	for line := range bytes.Lines(text) {
		all = append(all, bytes.TrimSuffix(line, []byte("\n")))
	}
	return all
}

// from1 is 1…n.
func from1(n int) []int64 {
	seqs := make([]int64, n)
	for i := range seqs {
		seqs[i] = int64(i) + 1
	}
	return seqs
}

// parse reads frames back by the tolerant reader, which must find nothing to mend.
func parse(t testing.TB, frames [][]byte) []ogep.Event {
	t.Helper()
	all := make([]ogep.Event, len(frames))
	for i, frame := range frames {
		event, err := ogep.Parse(frame)
		require.NoError(t, err, "%s", frame)
		require.Empty(t, event.Warnings)
		all[i] = event
	}
	return all
}

func readFolder(t testing.TB, folder string) map[string][][]byte {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	files := make(map[string][][]byte)
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		require.True(t, len(content) == 0 || content[len(content)-1] == '\n', "%s ends in a torn line", entry.Name())
		files[entry.Name()] = lines(content)
	}
	return files
}

var errDown = errors.New("sink is down")
