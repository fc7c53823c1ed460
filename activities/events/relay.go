package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/time/rate"

	"github.com/reglo/reglo/activities/events/internal/db"
)

// Options say how a relay works. The zero value is good: it polls at
// [PollDefault], in pages of [PageDefault] events, without a limit of rate.
type Options struct {
	// Poll is how long it rests when there is nothing to deliver.
	Poll time.Duration
	// Rate is the most that it delivers, in events a second; 0 is no limit.
	Rate int
	// Page is how many events it delivers at a time, and so at most twice after a crash.
	Page int
}

// Defaults of [Options].
const (
	PollDefault = 250 * time.Millisecond
	// PageDefault makes a page of about 4 MiB: the cost of a sync is spread over
	// thousands of events, and a small vacation waits a few hundredths of a second
	// behind a page of a large one.
	PageDefault = 8192
)

const (
	// pagesASecond spreads a limited rate evenly over each second.
	pagesASecond = 10
	// roundMax is how many correlations share a round, a page each.
	roundMax = 1000
	// floorAge is how long finished correlations are left out of the search before
	// all are looked at again: the number of a run may become visible after a
	// higher one.
	floorAge = time.Minute
	// brokenRest is how long a correlation with a hole in it is left alone.
	brokenRest = time.Minute
	// standbyRest is how often a relay that stands by tries to take over.
	standbyRest = time.Second
	// failureRestMin and failureRestMax bound the rest after a failure; it doubles each time.
	failureRestMin = 200 * time.Millisecond
	failureRestMax = 30 * time.Second
	// advanceTimeout is how long a relay that is told to stop may take to note what the sink has.
	advanceTimeout = 5 * time.Second
)

// Relay delivers committed events to one sink. Of all relays on a database with
// a sink of that name, one delivers and the others stand by. It takes no lock
// that a vacation waits for.
type Relay struct {
	pool    *pgxpool.Pool
	sink    Sink
	options Options
	clock   func() time.Time
	log     *slog.Logger
	limiter *rate.Limiter
	reader  reader
	// broken holds the correlations that are left alone for a while.
	broken map[int32]aside
	// failing is what was logged last: whether the last attempt failed.
	failing bool
}

// aside is why a correlation is left alone, and until when.
type aside struct {
	until time.Time
	err   *BrokenError
}

// NewRelay makes a relay. [Relay.Run] or [Relay.Drain] is called once at a time.
// The pool must reach PostgreSQL itself: a pooler between them that shares
// sessions would share the relay's lock.
func NewRelay(pool *pgxpool.Pool, sink Sink, options Options, clock func() time.Time, log *slog.Logger) *Relay {
	if options.Poll <= 0 {
		options.Poll = PollDefault
	}
	if options.Page <= 0 {
		options.Page = PageDefault
	}
	limiter := rate.NewLimiter(rate.Inf, 0)
	if options.Rate > 0 {
		options.Page = min(options.Page, max(options.Rate/pagesASecond, 1))
		limiter = rate.NewLimiter(rate.Limit(options.Rate), options.Page)
	}
	return &Relay{
		pool: pool, sink: sink, options: options, clock: clock,
		log:     log.With("sink", sink.Name()),
		limiter: limiter,
		broken:  make(map[int32]aside),
	}
}

// Backlog is how many committed events the sink was not told of.
func (r *Relay) Backlog(ctx context.Context) (int64, error) {
	events, err := db.New(r.pool).Backlog(ctx, r.sink.Name())
	if err != nil {
		return 0, fmt.Errorf("count events that wait for %s: %w", r.sink.Name(), err)
	}
	return events, nil
}

// Run delivers until ctx ends, and returns its error. No other error ends it:
// while the sink or the database is away it tries again, less and less often.
func (r *Relay) Run(ctx context.Context) error {
	rest := failureRestMin
	for ctx.Err() == nil {
		progress, err := r.lead(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			r.wait(ctx, standbyRest)
			continue
		case progress:
			rest = failureRestMin
		}
		r.failed(ctx, err)
		r.wait(ctx, rest)
		rest = min(2*rest, failureRestMax)
	}
	return ctx.Err()
}

// Drain delivers what waits now and returns at the first failure. It waits while
// another relay delivers to the sink.
func (r *Relay) Drain(ctx context.Context) error {
	s, err := r.open(ctx)
	for s == nil && err == nil {
		r.wait(ctx, r.options.Poll)
		s, err = r.open(ctx)
	}
	if err != nil {
		return err
	}
	defer s.end(ctx)
	for {
		delivered, err := s.round(ctx)
		if err != nil {
			return err
		}
		if delivered == 0 {
			return r.brokenError()
		}
	}
}

// brokenError names the correlations that cannot be delivered, nil when there are none.
func (r *Relay) brokenError() error {
	all := make([]error, 0, len(r.broken))
	for _, number := range slices.Sorted(maps.Keys(r.broken)) {
		all = append(all, r.broken[number].err)
	}
	return errors.Join(all...)
}

// lead delivers as long as it goes well. It returns without an error when
// another relay leads; progress tells whether it delivered anything.
func (r *Relay) lead(ctx context.Context) (progress bool, err error) {
	s, err := r.open(ctx)
	if err != nil || s == nil {
		return false, err
	}
	defer s.end(ctx)
	if !r.failing {
		r.log.InfoContext(ctx, "events are delivered from here")
	}
	for {
		delivered, err := s.round(ctx)
		if err != nil {
			return progress, err
		}
		r.succeeded(ctx)
		progress = true
		if delivered == 0 {
			r.wait(ctx, r.options.Poll)
		}
	}
}

func (r *Relay) failed(ctx context.Context, err error) {
	if !r.failing {
		r.log.WarnContext(ctx, "events are not delivered; they are kept, and tried again", "error", err)
	}
	r.failing = true
}

func (r *Relay) succeeded(ctx context.Context) {
	if r.failing {
		r.log.InfoContext(ctx, "events are delivered again")
	}
	r.failing = false
}

func (r *Relay) wait(ctx context.Context, rest time.Duration) {
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// session is the time during which a relay leads: one connection, whose lock
// keeps others away and without which no cursor advances. A relay that lost its
// connection cannot undo what its successor noted.
type session struct {
	relay   *Relay
	conn    *pgx.Conn
	queries *db.Queries
	floor   int32
	floorAt time.Time
}

// open takes the lead, or returns nil when another relay has it.
func (r *Relay) open(ctx context.Context) (*session, error) {
	pooled, err := r.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to deliver events: %w", err)
	}
	queries := db.New(pooled)
	locked, err := queries.TryLock(ctx, r.sink.Name())
	if err != nil || !locked {
		pooled.Release()
		if err != nil {
			return nil, fmt.Errorf("take the lead of %s: %w", r.sink.Name(), err)
		}
		return nil, nil //nolint:nilnil // standing by is no error
	}
	conn := pooled.Hijack()
	return &session{relay: r, conn: conn, queries: db.New(conn)}, nil
}

// end closes the session's connection, and so gives up its lock.
func (s *session) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), advanceTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // what it did is committed; a connection that does not close well is dead all the same
}

// round delivers one page of each correlation that has any, so that a small
// vacation does not wait for the end of a large one.
func (s *session) round(ctx context.Context) (delivered int, err error) {
	r := s.relay
	now := r.clock()
	if s.floorAt.IsZero() || now.Sub(s.floorAt) >= floorAge {
		s.floor, err = s.queries.Floor(ctx, r.sink.Name())
		if err != nil {
			return 0, fmt.Errorf("find where events wait: %w", err)
		}
		s.floorAt = now
	}
	pending, err := s.queries.Pending(ctx, r.sink.Name(), s.floor, roundMax)
	if err != nil {
		return 0, fmt.Errorf("find events that wait: %w", err)
	}
	for _, correlation := range pending {
		if rest, known := r.broken[correlation.Number]; known && now.Before(rest.until) {
			continue
		}
		count, err := s.deliver(ctx, correlation)
		if broken, is := errors.AsType[*BrokenError](err); is {
			s.setAside(ctx, correlation.Number, broken)
			continue
		}
		if err != nil {
			return delivered, err
		}
		delivered += count
	}
	return delivered, nil
}

// setAside leaves a correlation alone for a while, so that the others go on.
func (s *session) setAside(ctx context.Context, vacation int32, broken *BrokenError) {
	if _, known := s.relay.broken[vacation]; !known {
		s.relay.log.ErrorContext(ctx, "events of a correlation cannot be delivered", "correlation_id", broken.CorrelationID,
			"seq", broken.Seq, "error", broken)
	}
	s.relay.broken[vacation] = aside{until: s.relay.clock().Add(brokenRest), err: broken}
}

// deliver hands one page to the sink, and notes it once it is durable there.
func (s *session) deliver(ctx context.Context, correlation db.PendingRow) (int, error) {
	r := s.relay
	limit := int(min(int64(r.options.Page), correlation.LastSeq-correlation.DeliveredSeq))
	run := Run{Number: correlation.Number, CorrelationID: correlation.CorrelationID}
	page, err := r.reader.page(ctx, s.conn, run, correlation.DeliveredSeq+1, limit)
	if err != nil {
		return 0, err
	}
	if r.options.Rate > 0 {
		if err := r.limiter.WaitN(ctx, page.Count()); err != nil {
			return 0, fmt.Errorf("wait for the rate of %s: %w", r.sink.Name(), err)
		}
	}
	if err := r.sink.Deliver(ctx, page); err != nil {
		return 0, fmt.Errorf("deliver events %d to %d of %s to %s: %w",
			page.FirstSeq, page.LastSeq, page.CorrelationID, r.sink.Name(), err)
	}

	// The sink has the page: note it even when the relay is told to stop, so that it does not come twice.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), advanceTimeout)
	defer cancel()
	err = s.queries.Advance(ctx, db.AdvanceParams{
		Sink: r.sink.Name(), Vacation: correlation.Number, DeliveredSeq: page.LastSeq, DeliveredAt: r.clock(),
	})
	if err != nil {
		return 0, fmt.Errorf("note that %s has events to %d of %s: %w", r.sink.Name(), page.LastSeq, page.CorrelationID, err)
	}
	delete(r.broken, correlation.Number)
	return page.Count(), nil
}
