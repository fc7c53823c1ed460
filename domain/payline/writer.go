package payline

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// Writer writes a file of the format ogep-payline/1: the header, its lines, and the trailer that they come to. It
// refuses what would have Read refuse the file; a line that Read rejects alone is written as it is.
type Writer struct {
	buffer *bufio.Writer
	digest hash.Hash
	bytes  int64
	record []byte  // being written, with its LF
	number int     // of that line
	file   control // of what has been written
}

// NewWriter writes the header. The error is a *fault.Fault, or that of the destination.
func NewWriter(destination io.Writer, header Header) (*Writer, error) {
	w := &Writer{
		buffer: bufio.NewWriter(destination), digest: sha256.New(),
		file: control{faults: &fault.Faults{}, businessDate: header.Date},
	}
	w.record = appendHeader(w.record, header)

	if err := w.write(); err != nil {
		return nil, err
	}

	return w, nil
}

// Write writes a line, whatever its Number and its Reject. The error is a *fault.Fault, after which nothing more may be
// written, or that of the destination.
func (w *Writer) Write(line *Line) error {
	w.record = appendLine(w.record[:0], line)

	return w.write()
}

// Close writes the trailer and gives what the file is, its lines controlled as of the header's date. It does not close
// the destination.
func (w *Writer) Close() (Summary, error) {
	summary := w.file.summary
	w.record = appendTrailer(w.record[:0], Trailer{summary.Movements, summary.Transfers, summary.Sum})

	if err := w.write(); err != nil {
		return Summary{}, err
	}

	if err := w.buffer.Flush(); err != nil {
		return Summary{}, fmt.Errorf("write a Payline file: %w", err)
	}

	w.digest.Sum(summary.SHA256[:0])
	summary.Bytes = w.bytes

	return summary, nil
}

// write controls the record as a reader of the file would, and writes it.
func (w *Writer) write() error {
	w.number++

	if found := w.check(w.record[:len(w.record)-1]); found != nil {
		return fmt.Errorf("line %d of a Payline file: %w", w.number, found)
	}

	w.digest.Write(w.record)
	w.bytes += int64(len(w.record))

	if _, err := w.buffer.Write(w.record); err != nil {
		return fmt.Errorf("write a Payline file: %w", err)
	}

	return nil
}

func (w *Writer) check(text []byte) *fault.Fault {
	switch {
	case !lines.Clean(text):
		return &fault.Fault{Reason: "holds a control character or is not UTF-8", Code: fault.CodeControl}
	case len(text) > lines.MaxLength:
		return &fault.Fault{Reason: "is longer than " + strconv.Itoa(lines.MaxLength) + " bytes", Code: fault.CodeLineTooLong}
	}

	w.file.record(Ogep1{}, text, w.number)

	if w.file.summary.lines() > MaxLines {
		w.file.end(w.number)
	}

	if w.file.faults.Count > 0 {
		return &w.file.faults.Faults[0]
	}

	// A line of other columns than its kind has is no line that was meant: a text of it holds a semicolon.
	if current := &w.file.current; current.isRefused(FieldRecord) {
		found := current.fault(current.list[0], w.number, text)

		return &found
	}

	return nil
}
