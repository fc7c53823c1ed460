package settlement

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// writerBuffer is several hundred lines: one call of the destination for all of them.
const writerBuffer = 64 << 10

// Writer writes a file of the format ogep-cre/1: the header, its lines, and the trailer that they come to. It refuses a
// header or a line that Read would refuse, but for a creId that comes twice, which only Read looks for.
type Writer struct {
	buffer *bufio.Writer
	digest hash.Hash
	bytes  int64
	record []byte  // being written, with its LF
	file   control // of what has been written
}

// NewWriter writes the header. The error is a *fault.Fault, or that of the destination.
func NewWriter(destination io.Writer, header Header) (*Writer, error) {
	w := &Writer{buffer: bufio.NewWriterSize(destination, writerBuffer), digest: sha256.New(), file: control{next: 1}}
	w.record = appendHeader(w.record, &header)

	if err := w.check(RecordHeader); err != nil {
		return nil, fmt.Errorf("header of a CRE file: %w", err)
	}

	if err := w.write(); err != nil {
		return nil, err
	}

	return w, nil
}

// Write writes a line under the next number, whatever its own Number. The error is a *fault.Fault, after which nothing
// more may be written, or that of the destination.
func (w *Writer) Write(line *Line) error {
	numbered := *line
	numbered.Number = w.file.next
	w.record = AppendLine(w.record[:0], &numbered)

	if err := w.check(RecordLine); err != nil {
		return fmt.Errorf("line %d of a CRE file: %w", numbered.Number, err)
	}

	return w.write()
}

// Close writes the trailer and gives what the file is. It does not close the destination.
func (w *Writer) Close() (Summary, error) {
	summary := w.file.summary
	trailer := Trailer{Lines: summary.Lines, Gross: summary.Gross, Commission: summary.Commission}
	w.digest.Sum(trailer.Checksum[:0])

	w.record = appendTrailer(w.record[:0], &trailer)
	if err := w.write(); err != nil {
		return Summary{}, err
	}

	if err := w.buffer.Flush(); err != nil {
		return Summary{}, fmt.Errorf("write a CRE file: %w", err)
	}

	w.digest.Sum(summary.SHA256[:0])
	summary.Bytes = w.bytes

	return summary, nil
}

// check controls the record that is to be written as a reader of the file would.
func (w *Writer) check(kind RecordKind) error {
	text, current := w.record[:len(w.record)-1], &w.file.current
	if !lines.Clean(text) {
		return &fault.Fault{Reason: "holds a control character or is not UTF-8", Code: fault.CodeControl}
	}

	current.Kind = RecordNone
	current.clear()
	CRE1{}.Decode(text, current)
	w.file.controlRecord(kind == RecordHeader)

	if len(current.list) > 0 {
		found := current.fault(current.list[0], 0, text)

		return &found
	}

	return nil
}

func (w *Writer) write() error {
	w.digest.Write(w.record)
	w.bytes += int64(len(w.record))

	if _, err := w.buffer.Write(w.record); err != nil {
		return fmt.Errorf("write a CRE file: %w", err)
	}

	return nil
}
