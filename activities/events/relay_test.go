package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
	ogepschema "github.com/reglo/reglo/schemas/ogep"
)

func TestDeliversAllInOrder(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	r := openRun(t, pool, "2026-07-08")
	debt := ogep.RegisterDebt{Debt: ogep.MerchantDebt{
		Siret: "73282932000074", Initial: 100050, Remaining: 100050, CreatedAt: startedAt(),
	}}
	r.emit(t, pool, ogep.Start{Kind: vacation.Technique})
	r.post(t, pool, 0, 10, ogep.GetAccountBalance{AccountID: "1A00000001", Balance: 10150}, debt)
	r.post(t, pool, 1, 5)
	r.end(t, pool)
	const count = 1 + 10 + 2 + 5 + 1

	// Pages of every size cut blocks in every place.
	validator, err := ogepschema.Compile()
	require.NoError(t, err)
	var told [][]byte
	for size := 1; size <= count+1; size++ {
		_, err := pool.Exec(t.Context(), "delete from delivery")
		require.NoError(t, err)
		sink := &memory{}
		relay := newRelay(pool, sink, events.Options{Page: size})
		require.NoError(t, relay.Drain(t.Context()))
		require.Equal(t, from1(count), sink.seqs()[r.CorrelationID])
		require.Len(t, sink.pages, (count+size-1)/size)
		if told != nil {
			require.Equal(t, told, sink.frames(), "an event does not depend on its page")
		}
		told = sink.frames()

		backlog, err := relay.Backlog(t.Context())
		require.NoError(t, err)
		require.Zero(t, backlog)
	}

	for _, frame := range told {
		require.NoError(t, validator.Validate(frame))
	}
	all := parse(t, told)
	require.Equal(t, ogep.StartType(vacation.Technique), all[0].Type)
	require.Equal(t, ogep.TypeGetAccountBalance, all[11].Type)
	require.Equal(t, ogep.TypeRegisterDebt, all[12].Type)
	require.Equal(t, ogep.EndType(vacation.Technique), all[count-1].Type)
	for i, event := range all {
		require.Equal(t, r.CorrelationID, event.CorrelationID)
		inBlock := i - 1 // of the first batch's block
		if i >= 1 && i < 13 {
			require.Equal(t, fmt.Sprintf("S%06d07", inBlock), event.UID[len(event.UID)-9:])
		}
	}
	for i := range 10 {
		requireRendered(t, r.key, i, all[1+i])
	}
	for i := range 5 {
		requireRendered(t, r.key, i, all[13+i])
	}
}

// requireRendered compares a rendered event with the entry that it reports.
func requireRendered(t *testing.T, key string, i int, event ogep.Event) {
	t.Helper()
	require.Equal(t, ogep.TypeCreateAccountTransaction, event.Type)
	var account string
	require.NoError(t, json.Unmarshal(event.Params[0].Value, &account))
	require.Equal(t, accountOf(i), account)

	entry := entryOf(key, i)
	amount := entry.Amount
	if _, debited := entry.Debit.AccountID(); debited {
		amount = -amount
	}
	want := ogep.CreateAccountTransaction{AccountID: account, Transaction: ogep.AccountTransaction{
		Label: entry.Label, Amount: amount, TransactionAt: entry.TransactionAt, ValueAt: entry.ValueDate.Midnight(),
	}}
	params := string(event.Params[1].Value)
	require.Contains(t, string(want.AppendParams(nil)), params)
	require.Contains(t, params, `"value":`+amount.String())
}

func TestTellsAgainWhatTheCursorMissed(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	r := whole(t, pool, "2026-07-08", 50)

	// The sink has the third page, but the relay dies before it notes so.
	sink := &memory{}
	sink.fault = func(_ events.Page, kept bool) error {
		if kept && len(sink.pages) == 3 {
			return errDown
		}
		return nil
	}
	relay := newRelay(pool, sink, events.Options{Page: 10})
	require.ErrorIs(t, relay.Drain(t.Context()), errDown)
	backlog, err := relay.Backlog(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 32, backlog)

	require.NoError(t, newRelay(pool, sink, events.Options{Page: 10}).Drain(t.Context()))
	seqs := sink.seqs()[r.CorrelationID]
	require.Equal(t, append(from1(30), from1(52)[20:]...), seqs, "the third page twice, nothing else")

	// By uid, whoever reads the sink has each event once.
	unique := make(map[string]string)
	for i, event := range parse(t, sink.frames()) {
		frame := string(sink.frames()[i])
		if known, twice := unique[event.UID]; twice {
			require.Equal(t, known, frame)
		}
		unique[event.UID] = frame
	}
	require.Len(t, unique, 52)
}

func TestSmallVacationDoesNotWaitForALargeOne(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	large := whole(t, pool, "large", 500)
	small := whole(t, pool, "small", 5)
	sink := &memory{}
	require.NoError(t, newRelay(pool, sink, events.Options{Page: 10}).Drain(t.Context()))
	require.Equal(t, large.CorrelationID, sink.pages[0].CorrelationID)
	require.Equal(t, small.CorrelationID, sink.pages[1].CorrelationID)
	require.Equal(t, from1(502), sink.seqs()[large.CorrelationID])
	require.Equal(t, from1(7), sink.seqs()[small.CorrelationID])
}

func TestGoesOnBehindAFloorOfFinishedRuns(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	sink, hand := &memory{}, &clock{at: startedAt()}
	relay := events.NewRelay(pool, sink, events.Options{}, hand.now, slog.New(slog.DiscardHandler))
	for day := range 5 {
		r := whole(t, pool, fmt.Sprint("2026-07-0", day+1), 3)
		require.NoError(t, relay.Drain(t.Context()))
		require.Equal(t, from1(5), sink.seqs()[r.CorrelationID])
		hand.set(hand.now().Add(time.Hour))
	}
}

func TestTwoRelaysAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	folder := t.TempDir()
	const entries = 3000
	runs := []run{whole(t, pool, "a", entries), whole(t, pool, "b", entries)}

	ctx, cancel := context.WithCancel(t.Context())
	var relays sync.WaitGroup
	options := events.Options{Page: 100, Poll: time.Millisecond}
	for range 2 {
		relays.Go(func() {
			sink := events.NewFile(folder, fixed(startedAt()))
			relay := newRelay(pool, sink, options)
			_ = relay.Run(ctx)
			_ = sink.Close()
		})
	}
	requireBacklog(t, newRelay(pool, events.NewFile(folder, fixed(startedAt())), options), 0)
	cancel()
	relays.Wait()

	perRun := make(map[string]int)
	uids := make(map[string]bool)
	for _, event := range parse(t, readFolder(t, folder)[events.FileName(calendar.DateOf(startedAt()))]) {
		require.False(t, uids[event.UID], "one relay leads, and nothing failed")
		uids[event.UID] = true
		perRun[event.CorrelationID]++
	}
	require.Equal(t, map[string]int{runs[0].CorrelationID: entries + 2, runs[1].CorrelationID: entries + 2}, perRun)
}

func TestStandsByAndTakesOver(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	whole(t, pool, "a", 10)

	// The first relay leads, and hangs in its sink until it is killed.
	inSink, killed := make(chan struct{}), make(chan struct{})
	hanging := &memory{fault: func(events.Page, bool) error {
		close(inSink)
		<-killed
		return errDown
	}}
	first := newRelay(pool, hanging, events.Options{})
	done := make(chan error, 1)
	go func() { done <- first.Drain(t.Context()) }()
	<-inSink

	var terminated int
	sink := &memory{}
	ctx, cancel := context.WithCancel(t.Context())
	standby := newRelay(pool, sink, events.Options{Poll: time.Millisecond})
	stopped := make(chan error, 1)
	go func() { stopped <- standby.Run(ctx) }()

	// Its lock dies with its session.
	err := pool.QueryRow(t.Context(), `
		select count(pg_terminate_backend(pid)) from pg_locks
		where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`).Scan(&terminated)
	require.NoError(t, err)
	require.Equal(t, 1, terminated)
	requireBacklog(t, standby, 0)
	require.Len(t, sink.frames(), 12)
	close(killed)
	require.Error(t, <-done)
	cancel()
	require.ErrorIs(t, <-stopped, context.Canceled)
}

func TestASinkThatIsAwayLosesNothing(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	var down sync.Map
	down.Store("down", true)
	tried := make(chan struct{}, 1000)
	sink := &memory{fault: func(events.Page, bool) error {
		tried <- struct{}{}
		if _, is := down.Load("down"); is {
			return errDown
		}
		return nil
	}}
	var log lockedBuffer
	relay := events.NewRelay(pool, sink, events.Options{Poll: time.Millisecond}, fixed(startedAt()), slog.New(slog.NewTextHandler(&log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	first := whole(t, pool, "a", 10)
	go func() { stopped <- relay.Run(ctx) }()
	for range 3 {
		<-tried
	}

	// Vacations go on, and the backlog is seen.
	second := whole(t, pool, "b", 10)
	requireBacklog(t, relay, 24)
	down.Delete("down")
	requireBacklog(t, relay, 0)
	cancel()
	require.ErrorIs(t, <-stopped, context.Canceled)
	require.Equal(t, from1(12), sink.seqs()[first.CorrelationID])
	require.Equal(t, from1(12), sink.seqs()[second.CorrelationID])
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), "one line a change of state:\n%s", log.String())
	require.Equal(t, 1, strings.Count(log.String(), "delivered again"))
	require.Equal(t, 3, strings.Count(log.String(), "level="), "%s", log.String())
}

func TestAHoleHoldsItsCorrelationOnly(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	holed := whole(t, pool, "holed", 20)
	other := whole(t, pool, "other", 20)
	_, err := pool.Exec(t.Context(), `
		delete from entry where ordinal = 7 and batch = (select batch from event_block where vacation = $1 and rendered > 0)`, holed.Number)
	require.NoError(t, err)

	sink := &memory{}
	relay := newRelay(pool, sink, events.Options{})
	err = relay.Drain(t.Context())
	var broken *events.BrokenError
	require.ErrorAs(t, err, &broken)
	require.Equal(t, holed.CorrelationID, broken.CorrelationID)
	require.EqualValues(t, 1+7+1, broken.Seq)
	require.Equal(t, from1(22), sink.seqs()[other.CorrelationID])
	require.Equal(t, from1(8), sink.seqs()[holed.CorrelationID], "what is before the hole is told")

	for name, damage := range map[string]string{
		"row":   "delete from event where vacation = $1 and seq = 1",
		"block": "delete from event_block where vacation = $1 and first_seq = 1",
	} {
		r := whole(t, pool, "without "+name, 3)
		_, err = pool.Exec(t.Context(), damage, r.Number)
		require.NoError(t, err)
		err = events.Read(t.Context(), pool, r.Run, 1, 5, func(int64, []byte) error { return nil })
		require.ErrorAs(t, err, &broken, name)
		require.EqualValues(t, 1, broken.Seq, name)
	}
}

func TestReadsARange(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	const entries = 100_000
	r := whole(t, pool, "2026-07-08", entries)
	validator, err := ogepschema.Compile()
	require.NoError(t, err)
	next := int64(1)
	err = events.Read(t.Context(), pool, r.Run, 1, entries+2, func(seq int64, frame []byte) error {
		if seq != next {
			return fmt.Errorf("event %d where %d was due", seq, next)
		}
		next++
		if seq%97 != 0 && seq > 3 && seq < entries {
			return nil
		}
		return validator.Validate(frame)
	})
	require.NoError(t, err)
	require.EqualValues(t, entries+3, next)

	var some []int64
	err = events.Read(t.Context(), pool, r.Run, 99_999, 100_001, func(seq int64, _ []byte) error {
		some = append(some, seq)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []int64{99_999, 100_000, 100_001}, some)
	require.ErrorIs(t, events.Read(t.Context(), pool, r.Run, 1, 5, func(int64, []byte) error { return errDown }), errDown)
}

func TestRateIsHeld(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	whole(t, pool, "2026-07-08", 28)
	sink := &memory{}
	relay := newRelay(pool, sink, events.Options{Rate: 100})
	require.NoError(t, relay.Drain(t.Context()))
	require.Len(t, sink.frames(), 30)
	for _, page := range sink.pages {
		require.LessOrEqual(t, page.Count(), 10, "a tenth of a second's events at a time")
	}
}

// TestDelaysNoVacation holds the row that a vacation holds while it commits, and
// commits while the relay is in its sink.
func TestDelaysNoVacation(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t)
	r := openRun(t, pool, "2026-07-08")
	r.emit(t, pool, ogep.Start{Kind: vacation.Technique})

	vacating, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = vacating.Exec(t.Context(), "update vacation set last_seq = last_seq where number = $1", r.Number)
	require.NoError(t, err)
	sink := &memory{fault: func(events.Page, bool) error {
		// A second session of the same vacation, while the relay holds all that it ever holds.
		_, err := vacating.Exec(context.Background(), "set local lock_timeout = '1s'; update vacation set last_seq = last_seq")
		return err
	}}
	require.NoError(t, newRelay(pool, sink, events.Options{}).Drain(t.Context()))
	require.NoError(t, vacating.Commit(t.Context()))
	require.Len(t, sink.frames(), 1)
}

func requireBacklog(t *testing.T, relay *events.Relay, want int64) {
	t.Helper()
	var backlog int64
	require.Eventually(t, func() bool {
		var err error
		backlog, err = relay.Backlog(t.Context())
		return err == nil && backlog == want
	}, time.Minute, 10*time.Millisecond, "backlog")
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// BenchmarkRelay delivers a filled database to files: events a second.
func BenchmarkRelay(b *testing.B) {
	pool := pgtest.New(b)
	const entries = 200_000
	whole(b, pool, "2026-07-08", entries)
	_, err := pool.Exec(b.Context(), "vacuum analyze")
	require.NoError(b, err)
	sink := events.NewFile(b.TempDir(), fixed(startedAt()))
	b.Cleanup(func() { _ = sink.Close() })
	relay := newRelay(pool, sink, events.Options{})
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		_, err := pool.Exec(b.Context(), "delete from delivery")
		require.NoError(b, err)
		b.StartTimer()
		require.NoError(b, relay.Drain(b.Context()))
	}
	b.ReportMetric(float64(entries+2)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
