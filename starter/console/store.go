package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/starter/console/internal/db"
	"github.com/reglo/reglo/starter/front"
)

const (
	// readLimit is for all that a page reads, the wait for its turn included: nobody
	// waits longer for a page.
	readLimit = 5 * time.Second
	// maxReaders is how many read at once: the gateway's notifications share the
	// connections, and are not kept waiting for people who search.
	maxReaders = 2
	// maxAsking is how many read or wait for their turn: a part of what the front works
	// on at once, so that a program that asks without end keeps no notification out.
	maxAsking = front.MaxRequests / 4
	// beginReading is a transaction that sees one state of the tables, changes nothing,
	// and ends a statement that takes long. Its statements are planned with the values
	// that are asked for: half of a list's conditions are not there most of the time.
	beginReading = "begin isolation level repeatable read, read only; " +
		"set local statement_timeout = 3000; set local plan_cache_mode = force_custom_plan"
	queryCanceled = "57014"
)

// Errors of reading.
var (
	errTooSlow = errors.New("a search took too long")
	errTooMany = errors.New("too many searches at once")
	errNoRow   = errors.New("no such row")
)

// store reads, a few at once.
type store struct {
	pool   *pgxpool.Pool
	asking chan struct{}
	places chan struct{}
}

func newStore(pool *pgxpool.Pool) store {
	return store{pool: pool, asking: make(chan struct{}, maxAsking), places: make(chan struct{}, maxReaders)}
}

// read reads in one transaction. The error is errTooSlow, errTooMany, errNoRow, or
// the database's.
func (s *store) read(ctx context.Context, do func(ctx context.Context, on *db.Queries) error) error {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	default:
		return errTooMany
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-ctx.Done():
		return errTooSlow
	}
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{BeginQuery: beginReading}, func(tx pgx.Tx) error { return do(ctx, db.New(tx)) })
	switch {
	case err == nil:
		return nil
	case postgres.IsCode(err, queryCanceled) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errTooSlow
	case errors.Is(err, pgx.ErrNoRows):
		return errNoRow
	default:
		return fmt.Errorf("read notifications: %w", err)
	}
}

// errNoPlace is of a list that is to go on after a row which is not there.
var errNoPlace = errors.New("no row to go on from")

// list reads a page of notifications, newest first, and tells whether there are
// more.
func (s *store) list(ctx context.Context, f *filter) (rows []Notification, more bool, err error) {
	params := db.ListParams{
		Shop: given(f.shop), Outcome: given(f.outcome), Status: given(f.status), Customer: given(f.customer), OrderID: given(f.order),
		Since: f.since(), Until: f.until(), AfterNumber: f.after, Most: int32(f.limit) + 1, //nolint:gosec // MaxLimit at most
	}
	err = s.read(ctx, func(ctx context.Context, on *db.Queries) error {
		if f.after != 0 {
			at, err := on.Place(ctx, f.after)
			if errors.Is(err, pgx.ErrNoRows) {
				return errNoPlace
			}
			if err != nil {
				return err
			}
			params.AfterAt = &at
		}
		read, err := on.List(ctx, params)
		rows = make([]Notification, 0, len(read))
		for i := range read {
			rows = append(rows, listed(&read[i]))
		}
		return err
	})
	rows, more = cut(rows, f.limit)
	return rows, more, err
}

// given is a text to look for, nil when it is empty.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// cut takes away the row that was read to see whether there are more.
func cut[T any](rows []T, limit int) (page []T, more bool) {
	if len(rows) > limit {
		return rows[:limit], true
	}
	return rows, false
}

// maxHistory is how many notifications of one transaction are shown: a real one has
// less than ten, and only the gateway adds to them.
const maxHistory = 500

// detail reads all of a notification, and of its transaction.
func (s *store) detail(ctx context.Context, number int64) (Detail, error) {
	var read Detail
	err := s.read(ctx, func(ctx context.Context, on *db.Queries) error {
		row, err := on.Notification(ctx, number)
		if err != nil {
			return err
		}
		if read, err = detailed(&row); err != nil || row.Payment == nil {
			return err
		}
		read.Transaction, err = transaction(ctx, on, *row.Payment)
		return err
	})
	return read, err
}

// transaction reads a payment with what belongs to it.
func transaction(ctx context.Context, on *db.Queries, number int64) (*Transaction, error) {
	row, err := on.Transaction(ctx, number)
	if err != nil {
		return nil, err
	}
	read := transacted(&row)
	history, err := on.History(ctx, number, maxHistory)
	if err != nil {
		return nil, err
	}
	for i := range history {
		read.History = append(read.History, told(&history[i]))
	}
	if row.Form != nil {
		form, err := on.Form(ctx, *row.Form)
		if err != nil {
			return nil, err
		}
		read.Form = formed(&form)
	}
	match, err := on.Match(ctx, number)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return nil, err
	default:
		read.Match = matched(&match)
	}
	return read, nil
}
