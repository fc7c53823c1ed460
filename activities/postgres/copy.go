package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/domain/calendar"
)

// Rows encodes rows of COPY's binary format: [Rows.Start], then one call a
// column, in the table's order. It exists because pgx's own CopyFrom boxes
// every value of every row, which costs more than PostgreSQL itself does on the
// hot path.
type Rows struct {
	columns uint16
	buffer  []byte
	to      io.Writer
}

// copyBuffer is how much is handed to PostgreSQL at a time, in bytes: large
// enough to keep its backend busy, small beside the worker's memory.
const copyBuffer = 128 << 10

// rowRoom is what the buffer has beyond that, so that the row that fills it
// seldom makes it grow.
const rowRoom = 8 << 10

// Start begins a row. An error means that PostgreSQL takes no more.
func (r *Rows) Start() error {
	if len(r.buffer) >= copyBuffer {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.buffer = binary.BigEndian.AppendUint16(r.buffer, r.columns)
	return nil
}

func (r *Rows) flush() error {
	if _, err := r.to.Write(r.buffer); err != nil {
		return fmt.Errorf("hand rows to PostgreSQL: %w", err)
	}
	r.buffer = r.buffer[:0]
	return nil
}

// Text adds a text column.
func (r *Rows) Text(value []byte) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, uint32(len(value))) //nolint:gosec // a column is far below 4 GiB
	r.buffer = append(r.buffer, value...)
}

// String adds a text column.
func (r *Rows) String(value string) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, uint32(len(value))) //nolint:gosec // a column is far below 4 GiB
	r.buffer = append(r.buffer, value...)
}

// Sizes of columns, in bytes.
const (
	int32Size = 4
	int64Size = 8
)

// Int32 adds an integer column.
func (r *Rows) Int32(value int32) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, int32Size)
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, uint32(value)) //nolint:gosec // two's complement, as PostgreSQL wants it
}

// Int64 adds a bigint column.
func (r *Rows) Int64(value int64) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, int64Size)
	r.buffer = binary.BigEndian.AppendUint64(r.buffer, uint64(value)) //nolint:gosec // two's complement, as PostgreSQL wants it
}

// Null adds an empty column of any type.
func (r *Rows) Null() {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, math.MaxUint32)
}

// epochMicros is PostgreSQL's epoch, 2000-01-01 UTC, in microseconds of Unix
// time; epochDays is the same in days, secondsInDay what a day has in UTC.
const (
	epochMicros  = 946_684_800_000_000
	epochDays    = epochMicros / 1_000_000 / secondsInDay
	secondsInDay = 86_400
)

// Time adds a timestamptz column, to the microsecond.
func (r *Rows) Time(value time.Time) {
	r.Int64(value.UnixMicro() - epochMicros)
}

// Date adds a date column.
func (r *Rows) Date(value calendar.Date) {
	midnight := time.Date(value.Year(), value.Month(), value.Day(), 0, 0, 0, 0, time.UTC)
	r.Int32(int32(midnight.Unix()/secondsInDay - epochDays)) //nolint:gosec // a civil date's day fits by far
}

// Signature, flags and header extension of COPY's binary format, and its
// trailer (PostgreSQL's documentation of COPY, "Binary Format").
const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00"
	copyTrailer = "\xff\xff"
)

// Copy streams rows into a table's columns while write makes them; an error of
// write aborts it. write must not use the transaction. It returns how many rows
// PostgreSQL took.
func Copy(ctx context.Context, tx pgx.Tx, table string, columns []string, write func(*Rows) error) (int64, error) {
	source, sink := io.Pipe()
	rows := &Rows{
		columns: uint16(len(columns)), //nolint:gosec // a table has few columns
		buffer:  append(make([]byte, 0, copyBuffer+rowRoom), copyHeader...),
		to:      sink,
	}
	written := make(chan error, 1)
	go func() {
		err := write(rows)
		if err == nil {
			rows.buffer = append(rows.buffer, copyTrailer...)
			err = rows.flush()
		}
		_ = sink.CloseWithError(err) // never fails; nil is the end of the rows
		written <- err
	}()

	statement := "copy " + table + " (" + strings.Join(columns, ", ") + ") from stdin (format binary)"
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, source, statement)
	// PostgreSQL may have stopped before the rows did.
	_ = source.CloseWithError(errStopped)
	if wrong := <-written; wrong != nil && !errors.Is(wrong, errStopped) {
		// What made the rows stop says more than PostgreSQL's word that they stopped.
		return 0, wrong
	}
	if cancelled := ctx.Err(); err != nil && cancelled != nil {
		// pgx cancels by closing the connection, and may say no more than that it is closed.
		err = cancelled
	}
	if err != nil {
		return 0, fmt.Errorf("copy into %s: %w", table, err)
	}
	return tag.RowsAffected(), nil
}

var errStopped = errors.New("PostgreSQL takes no more rows")
