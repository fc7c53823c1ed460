package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/reglo/reglo/activities/events/internal/db"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
)

// Database is what events are read from: a connection, a pool or a transaction.
type Database interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Run is a run of a vacation, by its row and by its correlation.
type Run struct {
	Number        int32
	CorrelationID string
}

// Read hands the run's events from..to to each, in order, and stops at its first
// error. A frame is one JSON object without a line feed, valid until each
// returns. Memory is bounded by a page, however long the range is.
//
// The error is a [*BrokenError] when an event of the range is not there.
func Read(ctx context.Context, database Database, run Run, from, to int64, each func(seq int64, frame []byte) error) error {
	var reader reader
	for seq := from; seq <= to; {
		page, err := reader.page(ctx, database, run, seq, int(min(to-seq+1, PageDefault)))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(page.Frames) {
			if err := each(seq, line[:len(line)-1]); err != nil {
				return err
			}
			seq++
		}
	}
	return nil
}

const (
	// pageBytes is where a page is closed, in bytes: thousands of events a write,
	// and little beside the worker's memory. One event may be larger, up to
	// [ogep.MaxFrameBytes].
	pageBytes = 4 << 20
	// bufferKept is the largest buffer kept from one page to the next, in bytes.
	bufferKept = 2 * pageBytes
	// blocksMax is how many blocks one page may span.
	blocksMax = 1024
	// cpsKept is how many accounts' names are kept: those of a chunk many times
	// over, in a few MiB.
	cpsKept = 1 << 16
)

// reader renders pages. What it holds is used again for each.
type reader struct {
	buffer  []byte
	entries []entry
	labels  []byte
	// cps are the identifiers of payment accounts by their ledger accounts; nil
	// for an account that is no CP. They never change.
	cps map[int32][]byte
	// The last value date and its midnight: the entries of one file have few.
	date     time.Time
	midnight time.Time
}

// entry is a row of the journal that an event is rendered from. Its label ends
// at labelEnd of the reader's labels, where the next one's begins.
type entry struct {
	debit, credit int32
	labelEnd      int
	amount        int64
	transactionAt time.Time
	valueDate     time.Time
}

// segment is a part of a block that one query reads: rendered entries or events
// of their own.
type segment struct {
	block    db.BlocksRow
	first    int64 // seq
	last     int64
	rendered bool
}

func (s *segment) stamp(correlationID string, seq int64) ogep.Stamp {
	return ogep.Stamp{
		Environment:   s.block.Environment[0],
		Node:          int(s.block.Node),
		CorrelationID: correlationID,
		Instant:       s.block.Instant,
		Sequence:      int(seq - s.block.FirstSeq),
	}
}

func (s *segment) missing(run Run, seq int64) error {
	if s.rendered {
		return &BrokenError{run.CorrelationID, seq, fmt.Sprintf("its entry in batch %d is missing", s.block.Batch)}
	}
	return &BrokenError{run.CorrelationID, seq, "its row is missing"}
}

// Accounts are looked up apart: joined to each entry, PostgreSQL would hash the
// whole table of accounts for every page.
const (
	selectEntries = `
select ordinal, debit, credit, label, amount_cents, transaction_at, value_date
from entry
where batch = $1 and ordinal between $2 and $3
order by ordinal`

	selectEvents = `select seq, type, params from event where vacation = $1 and seq between $2 and $3 order by seq`
)

// page renders up to limit events from seq on. It holds at least one.
func (r *reader) page(ctx context.Context, database Database, run Run, seq int64, limit int) (Page, error) {
	segments, err := r.segments(ctx, database, run, seq, limit)
	if err != nil {
		return Page{}, err
	}
	if cap(r.buffer) > bufferKept {
		r.buffer = nil
	}
	r.buffer = r.buffer[:0]

	next := seq
	for len(segments) > 0 && len(r.buffer) < pageBytes {
		count := 1
		if segments[0].rendered {
			next, err = r.render(ctx, database, run, &segments[0])
		} else {
			for count < len(segments) && !segments[count].rendered {
				count++
			}
			next, err = r.wrap(ctx, database, run, segments[:count])
		}
		if _, broken := errors.AsType[*BrokenError](err); broken && next > seq {
			// What comes before the hole is told; the next page begins with it.
			break
		}
		if err != nil {
			return Page{}, err
		}
		segments = segments[count:]
	}
	return Page{CorrelationID: run.CorrelationID, FirstSeq: seq, LastSeq: next - 1, Frames: r.buffer}, nil
}

// segments plans the page, in the order of the sequence.
func (r *reader) segments(ctx context.Context, database Database, run Run, seq int64, limit int) ([]segment, error) {
	blocks, err := db.New(database).Blocks(ctx, run.Number, seq, blocksMax)
	if err != nil {
		return nil, fmt.Errorf("read blocks of events of %s: %w", run.CorrelationID, err)
	}
	var segments []segment
	last := seq + int64(limit) - 1
	for _, block := range blocks {
		if seq > last {
			break
		}
		if seq < block.FirstSeq || seq > block.LastSeq {
			return nil, &BrokenError{run.CorrelationID, seq, "no block holds it"}
		}
		renderedEnd := block.FirstSeq + int64(block.Rendered) - 1
		if seq <= renderedEnd {
			end := min(renderedEnd, last)
			segments = append(segments, segment{block: block, first: seq, last: end, rendered: true})
			seq = end + 1
		}
		if end := min(block.LastSeq, last); seq <= end {
			segments = append(segments, segment{block: block, first: seq, last: end})
			seq = end + 1
		}
	}
	if len(segments) == 0 {
		return nil, &BrokenError{run.CorrelationID, seq, "no block holds it"}
	}
	return segments, nil
}

// render appends the create-account-transaction events of a segment's entries
// and returns the next seq.
func (r *reader) render(ctx context.Context, database Database, run Run, s *segment) (int64, error) {
	renderer, err := ogep.NewTransactionRenderer(s.stamp(run.CorrelationID, s.first))
	if err != nil {
		return s.first, &BrokenError{run.CorrelationID, s.first, err.Error()}
	}
	whole, err := r.readEntries(ctx, database, s)
	if err != nil {
		return s.first, fmt.Errorf("read entries of events of %s: %w", run.CorrelationID, err)
	}
	if err := r.readCPs(ctx, database); err != nil {
		return s.first, fmt.Errorf("read accounts of events of %s: %w", run.CorrelationID, err)
	}

	next, labelStart := s.first, 0
	for i := range r.entries {
		entry := &r.entries[i]
		account, amount := r.cp(entry)
		if account == nil {
			return next, &BrokenError{run.CorrelationID, next, "its entry touches no CP that exists"}
		}
		if !entry.valueDate.Equal(r.date) {
			r.date, r.midnight = entry.valueDate, calendar.DateOf(entry.valueDate).Midnight()
		}
		r.buffer = renderer.Append(r.buffer, int(next-s.block.FirstSeq), account, r.labels[labelStart:entry.labelEnd],
			amount, entry.transactionAt, r.midnight)
		r.buffer = append(r.buffer, '\n')
		labelStart = entry.labelEnd
		next++
		if len(r.buffer) >= pageBytes {
			return next, nil
		}
	}
	if !whole {
		return next, s.missing(run, next)
	}
	return next, nil
}

// readEntries reads a segment's entries as far as they follow each other and fit
// a page, and tells whether none is missing among them.
func (r *reader) readEntries(ctx context.Context, database Database, s *segment) (whole bool, err error) {
	r.entries, r.labels = r.entries[:0], r.labels[:0]
	first, last := s.first-s.block.FirstSeq, s.last-s.block.FirstSeq
	rows, err := database.Query(ctx, selectEntries, s.block.Batch, first, last)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var (
		next    = first
		ordinal int64
		label   pgtype.DriverBytes
		row     entry
	)
	for rows.Next() {
		err := rows.Scan(&ordinal, &row.debit, &row.credit, &label, &row.amount, &row.transactionAt, &row.valueDate)
		if err != nil {
			return false, err //nolint:wrapcheck // the caller says what was read
		}
		if ordinal != next {
			return false, nil
		}
		r.labels = append(r.labels, label...)
		row.labelEnd = len(r.labels)
		r.entries = append(r.entries, row)
		next++
		if len(r.labels) >= pageBytes {
			return true, nil
		}
	}
	return next == last+1, rows.Err() //nolint:wrapcheck // the caller says what was read
}

// readCPs looks up the accounts of the entries that are not known yet.
func (r *reader) readCPs(ctx context.Context, database Database) error {
	if r.cps == nil || len(r.cps) > cpsKept {
		r.cps = make(map[int32][]byte)
	}
	var unknown []int32
	for i := range r.entries {
		for _, id := range [2]int32{r.entries[i].debit, r.entries[i].credit} {
			if _, known := r.cps[id]; !known {
				r.cps[id] = nil
				unknown = append(unknown, id)
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	found, err := db.New(database).CPs(ctx, unknown)
	if err != nil {
		clear(r.cps) // what was noted above was not looked up
		return err
	}
	for _, cp := range found {
		r.cps[cp.ID] = []byte(cp.AccountID)
	}
	return nil
}

// cp names the CP that an entry touches, nil for none. A credit of it is positive.
func (r *reader) cp(entry *entry) (accountID []byte, amount money.Cents) {
	if credited := r.cps[entry.credit]; credited != nil {
		return credited, money.Cents(entry.amount)
	}
	return r.cps[entry.debit], money.Cents(-entry.amount)
}

// wrap appends the events of segments that follow each other, whose params were
// stored, and returns the next seq.
func (r *reader) wrap(ctx context.Context, database Database, run Run, segments []segment) (int64, error) {
	s := &segments[0]
	next, last := s.first, segments[len(segments)-1].last
	rows, err := database.Query(ctx, selectEvents, run.Number, next, last)
	if err != nil {
		return next, fmt.Errorf("read events of %s: %w", run.CorrelationID, err)
	}
	defer rows.Close()
	var (
		seq    int64
		kind   string
		params pgtype.DriverBytes
	)
	for rows.Next() {
		if err := rows.Scan(&seq, &kind, &params); err != nil {
			return next, fmt.Errorf("read event %d of %s: %w", next, run.CorrelationID, err)
		}
		for next > s.last {
			segments = segments[1:]
			s = &segments[0]
		}
		if seq != next {
			return next, s.missing(run, next)
		}
		r.buffer = ogep.AppendFrame(r.buffer, s.stamp(run.CorrelationID, seq), ogep.Type(kind), params)
		r.buffer = append(r.buffer, '\n')
		next++
		if len(r.buffer) >= pageBytes {
			return next, nil
		}
	}
	if err := rows.Err(); err != nil {
		return next, fmt.Errorf("read events of %s: %w", run.CorrelationID, err)
	}
	if next != last+1 {
		return next, s.missing(run, next)
	}
	return next, nil
}
