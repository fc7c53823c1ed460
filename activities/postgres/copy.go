package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/domain/calendar"
)

// Row encodes one row of COPY's binary format, column by column in the table's
// order. It exists because pgx's own CopyFrom boxes every value of every row,
// which costs more than PostgreSQL itself does on the hot path.
type Row struct {
	buffer []byte
}

// Text adds a text column.
func (r *Row) Text(value []byte) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, uint32(len(value))) //nolint:gosec // a column is far below 4 GiB
	r.buffer = append(r.buffer, value...)
}

// String adds a text column.
func (r *Row) String(value string) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, uint32(len(value))) //nolint:gosec // a column is far below 4 GiB
	r.buffer = append(r.buffer, value...)
}

// Int32 adds an integer column.
func (r *Row) Int32(value int32) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, 4)
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, uint32(value)) //nolint:gosec // two's complement, as PostgreSQL wants it
}

// Int64 adds a bigint column.
func (r *Row) Int64(value int64) {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, 8)
	r.buffer = binary.BigEndian.AppendUint64(r.buffer, uint64(value)) //nolint:gosec // two's complement, as PostgreSQL wants it
}

// Null adds an empty column of any type.
func (r *Row) Null() {
	r.buffer = binary.BigEndian.AppendUint32(r.buffer, ^uint32(0))
}

// epochMicros is PostgreSQL's epoch, 2000-01-01 UTC, in microseconds of Unix time.
const epochMicros = 946_684_800_000_000

// Time adds a timestamptz column, to the microsecond.
func (r *Row) Time(value time.Time) {
	r.Int64(value.UnixMicro() - epochMicros)
}

// epochDays is PostgreSQL's epoch in days of Unix time, secondsInDay what a day has of seconds in UTC.
const (
	epochDays    = epochMicros / 1_000_000 / secondsInDay
	secondsInDay = 86_400
)

// Date adds a date column.
func (r *Row) Date(value calendar.Date) {
	midnight := time.Date(value.Year(), value.Month(), value.Day(), 0, 0, 0, 0, time.UTC)
	r.Int32(int32(midnight.Unix()/secondsInDay - epochDays)) //nolint:gosec // a civil date's day fits by far
}

// copyBuffer is how much is handed to PostgreSQL at a time, in bytes: large
// enough to keep its backend busy, small beside the worker's memory.
const copyBuffer = 128 << 10

// copySignature, flags and header extension of COPY's binary format
// (PostgreSQL's documentation of COPY, "Binary Format").
var (
	copySignature = append([]byte("PGCOPY\n\xff\r\n\x00"), 0, 0, 0, 0, 0, 0, 0, 0) //nolint:gochecknoglobals // a constant's bytes
	copyTrailer   = []byte{0xff, 0xff}                                             //nolint:gochecknoglobals // a constant's bytes
)

// Copy streams rows into a table's columns. next fills one row and says whether
// it did; false ends the copy, an error aborts it. It returns how many rows
// PostgreSQL took.
func Copy(ctx context.Context, tx pgx.Tx, table string, columns []string, next func(*Row) (bool, error)) (int64, error) {
	source := &copySource{next: next, columns: uint16(len(columns))} //nolint:gosec // a table has few columns
	source.row.buffer = make([]byte, 0, copyBuffer+copyBuffer/8)
	source.row.buffer = append(source.row.buffer, copySignature...)

	statement := "copy " + pgx.Identifier{table}.Sanitize() + " (" + strings.Join(columns, ", ") + ") from stdin (format binary)"
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, source, statement)
	if source.err != nil {
		// What made the source stop says more than PostgreSQL's word that it stopped.
		return 0, source.err
	}
	if err != nil {
		return 0, fmt.Errorf("copy into %s: %w", table, err)
	}
	return tag.RowsAffected(), nil
}

// copySource is the io.Reader that pgx pulls from: it encodes rows as they are asked for.
type copySource struct {
	next    func(*Row) (bool, error)
	columns uint16
	row     Row
	sent    int // of row.buffer
	done    bool
	err     error
}

func (s *copySource) Read(into []byte) (int, error) {
	if s.sent == len(s.row.buffer) {
		s.row.buffer, s.sent = s.row.buffer[:0], 0
	}
	for !s.done && len(s.row.buffer) < copyBuffer {
		start := len(s.row.buffer)
		s.row.buffer = binary.BigEndian.AppendUint16(s.row.buffer, s.columns)
		more, err := s.next(&s.row)
		if err != nil {
			s.err = err
			return 0, errors.New("rows cannot be read")
		}
		if !more {
			s.row.buffer = append(s.row.buffer[:start], copyTrailer...)
			s.done = true
		}
	}
	if s.sent == len(s.row.buffer) {
		return 0, io.EOF
	}
	n := copy(into, s.row.buffer[s.sent:])
	s.sent += n
	return n, nil
}
