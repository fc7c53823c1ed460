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
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
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
	// blocksMax is how many blocks one page may span: they are asked for together.
	blocksMax = 128
)

// reader renders pages. Its buffer is used again for each.
type reader struct {
	buffer []byte
	// The last value date and its midnight: the entries of one file have few.
	date     time.Time
	midnight time.Time
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
		return &BrokenError{run.CorrelationID, seq, fmt.Sprintf("its entry in batch %d, or an account of it, is missing", s.block.Batch)}
	}
	return &BrokenError{run.CorrelationID, seq, "its row is missing"}
}

// The side that is a CP names the account; a credit of it is positive.
const (
	selectEntries = `
select e.ordinal, case when c.class = 'CP' then substr(c.code, 4) when d.class = 'CP' then substr(d.code, 4) end,
       e.label, case when c.class = 'CP' then e.amount_cents else -e.amount_cents end, e.transaction_at, e.value_date
from entry e join account d on d.id = e.debit join account c on c.id = e.credit
where e.batch = $1 and e.ordinal between $2 and $3
order by e.ordinal`

	selectEvents = `select seq, type, params from event where vacation = $1 and seq between $2 and $3 order by seq`
)

// page renders up to limit events from seq on. It holds at least one.
func (r *reader) page(ctx context.Context, database Database, run Run, seq int64, limit int) (page Page, err error) {
	segments, err := r.segments(ctx, database, run, seq, limit)
	if err != nil {
		return Page{}, err
	}

	var batch pgx.Batch
	for _, s := range segments {
		if s.rendered {
			batch.Queue(selectEntries, s.block.Batch, s.first-s.block.FirstSeq, s.last-s.block.FirstSeq)
		} else {
			batch.Queue(selectEvents, run.Number, s.first, s.last)
		}
	}
	if cap(r.buffer) > bufferKept {
		r.buffer = nil
	}
	r.buffer = r.buffer[:0]

	results := database.SendBatch(ctx, &batch)
	defer func() {
		if closeErr := results.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("read events of %s: %w", run.CorrelationID, closeErr)
		}
	}()
	next := seq
	for i := range segments {
		rows, err := results.Query()
		if err != nil {
			return Page{}, fmt.Errorf("read events of %s from %d: %w", run.CorrelationID, next, err)
		}
		if segments[i].rendered {
			next, err = r.entries(rows, run, &segments[i])
		} else {
			next, err = r.events(rows, run, &segments[i])
		}
		if _, broken := errors.AsType[*BrokenError](err); broken && next > seq {
			// What comes before the hole is told; the next page begins with it.
			break
		}
		if err != nil {
			return Page{}, err
		}
		if len(r.buffer) >= pageBytes {
			break
		}
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

// entries renders create-account-transaction events and returns the next seq.
func (r *reader) entries(rows pgx.Rows, run Run, s *segment) (int64, error) {
	defer rows.Close()
	renderer, err := ogep.NewTransactionRenderer(s.stamp(run.CorrelationID, s.first))
	if err != nil {
		return s.first, &BrokenError{run.CorrelationID, s.first, err.Error()}
	}

	var (
		ordinal             int64
		account, label      pgtype.DriverBytes
		amount              int64
		transactionAt, date time.Time
	)
	next := s.first
	for rows.Next() {
		if err := rows.Scan(&ordinal, &account, &label, &amount, &transactionAt, &date); err != nil {
			return next, fmt.Errorf("read entry of event %d of %s: %w", next, run.CorrelationID, err)
		}
		if ordinal != next-s.block.FirstSeq {
			return next, s.missing(run, next)
		}
		if account == nil {
			return next, &BrokenError{run.CorrelationID, next, "its entry touches no CP"}
		}
		if !date.Equal(r.date) {
			r.date, r.midnight = date, calendar.DateOf(date).Midnight()
		}
		r.buffer = renderer.Append(
			r.buffer, int(next-s.block.FirstSeq), account, label, money.Cents(amount), transactionAt, r.midnight)
		r.buffer = append(r.buffer, '\n')
		next++
		if len(r.buffer) >= pageBytes {
			return next, nil
		}
	}
	if err := rows.Err(); err != nil {
		return next, fmt.Errorf("read entries of events of %s: %w", run.CorrelationID, err)
	}
	if next != s.last+1 {
		return next, s.missing(run, next)
	}
	return next, nil
}

// events wraps events whose params were stored and returns the next seq.
func (r *reader) events(rows pgx.Rows, run Run, s *segment) (int64, error) {
	defer rows.Close()
	var (
		seq    int64
		kind   string
		params pgtype.DriverBytes
	)
	next := s.first
	for rows.Next() {
		if err := rows.Scan(&seq, &kind, &params); err != nil {
			return next, fmt.Errorf("read event %d of %s: %w", next, run.CorrelationID, err)
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
	if next != s.last+1 {
		return next, s.missing(run, next)
	}
	return next, nil
}
