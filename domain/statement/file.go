package statement

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
)

// format is what tells one format of JSON lines from another: its header, its lines, and what these must come to.
type format interface {
	name() string
	// key names the member that no two lines share.
	key() string
	readHeader(r *record)
	readLine(r *record) (key string, amount money.Cents)
	// checkSum controls the sum of the lines against the header, both known to be good.
	checkSum(sum money.Cents) *fault.Fault
}

// control is one reading, or one writing, of a file.
type control struct {
	format format
	faults *fault.Faults
	keys   map[string]int // line of each key

	lines      int
	sum        money.Cents
	headed     bool // a good header has been seen
	foreign    bool // the file is of another format: what it says means nothing
	trailed    bool // the trailer has been seen
	unreadable bool // a line could not be told to be a record: the count says nothing
	unsummed   bool // an amount could not be read or added: the sum says nothing
}

func newControl(name string, format format) control {
	return control{format: format, faults: &fault.Faults{File: name}, keys: make(map[string]int)}
}

// summary is what a file is as a whole, beside its header.
type summary struct {
	lines  int
	sum    money.Cents
	sha256 [sha256.Size]byte
	bytes  int64
}

func readFile(name string, source io.Reader, format format, each func() error) (summary, error) {
	file := newControl(name, format)
	reader := lines.NewReader(source, lines.Options{}, file.faults)

	for file.lines <= MaxLines && !file.foreign && reader.Next() {
		if !reader.Sound() {
			file.unreadable, file.unsummed = true, true

			continue
		}

		if !file.record(reader.Number(), reader.Text(), reader.SumBefore) {
			continue
		}

		if err := each(); err != nil {
			return summary{}, fmt.Errorf("read %s: line %d: %w", name, reader.Number(), err)
		}
	}

	if err := reader.Err(); err != nil {
		return summary{}, fmt.Errorf("read %s: after line %d: %w", name, reader.Number(), err)
	}

	file.end(reader.Number())
	file.faults.Sort()

	return summary{lines: file.lines, sum: file.sum, sha256: reader.Sum(), bytes: reader.Bytes()}, file.faults.Err()
}

// record reads and controls one record, and tells whether it is a line that is good in itself.
func (c *control) record(number int, text []byte, sumBefore func() [sha256.Size]byte) bool {
	current := record{number: number, raw: text}
	isLine := false

	switch {
	case c.trailed:
		current.note(fault.Fault{Reason: "follows the trailer, which must be the last line", Code: fault.CodeAfterTrailer})
	case !current.decode():
		c.unreadable, c.unsummed = true, true
	case current.find(fieldFormat) != nil:
		c.header(&current)
	case current.find(fieldLines) != nil:
		c.trailer(&current, sumBefore)
	default:
		isLine = true
		c.line(&current)
	}

	if number == 1 && current.find(fieldFormat) == nil {
		current.note(fault.Fault{Reason: "must be the header", Code: fault.CodeNoHeader})
	}

	for i := range current.faults {
		c.faults.Add(current.faults[i])
	}

	return isLine && len(current.faults) == 0
}

func (c *control) header(r *record) {
	if r.number != 1 {
		r.note(fault.Fault{Reason: "is a second header", Code: fault.CodeHeaderAgain})

		return
	}

	if r.text(fieldFormat, MaxID) != c.format.name() {
		c.foreign = true
		r.refuse(fieldFormat, fault.CodeFormat, "must be "+c.format.name())

		return
	}

	c.format.readHeader(r)
	r.refuseRest()

	c.headed = len(r.faults) == 0
}

func (c *control) line(r *record) {
	c.lines++

	key, amount := c.format.readLine(r)
	r.refuseRest()

	if first, known := c.keys[key]; known && key != "" {
		r.refuse(c.format.key(), fault.CodeDuplicate, "is already on line "+strconv.Itoa(first))
	} else {
		c.keys[key] = r.number
	}

	// A fault of another member leaves a good amount, but which members a line with faults means is not to be guessed.
	if len(r.faults) > 0 {
		c.unsummed = true

		return
	}

	sum, err := c.sum.Add(amount)
	if err != nil {
		c.unsummed = true
		r.note(fault.Fault{Reason: "brings the sum of the file beyond " + money.Max.String(), Code: fault.CodeAmount})

		return
	}

	c.sum = sum
}

// trailer compares the trailer with the file. Where faults leave no count or no sum to compare with, it leaves it.
func (c *control) trailer(r *record, sumBefore func() [sha256.Size]byte) {
	c.trailed = true

	if said := r.count(fieldLines, MaxLines); said != c.lines && !c.unreadable {
		r.refuse(fieldLines, fault.CodeTrailerCount, "is not the number of lines of the file, "+strconv.Itoa(c.lines))
	}

	if said := r.textAmount(fieldSum); said != c.sum && !c.unsummed {
		r.refuse(fieldSum, fault.CodeTrailerSum, "is not the sum of the lines, "+c.sum.String())
	}

	sum := sumBefore()
	if said := hex.EncodeToString(sum[:]); r.text(fieldChecksum, len(said)) != said {
		r.refuse(fieldChecksum, fault.CodeChecksum, "is not the SHA-256 of the bytes before this line, "+said)
	}

	r.refuseRest()

	if !c.headed || c.unsummed {
		return
	}

	if wrong := c.format.checkSum(c.sum); wrong != nil {
		c.faults.Add(*wrong)
	}
}

// end controls what only the end of the file tells.
func (c *control) end(number int) {
	switch {
	case c.foreign:
	case c.lines > MaxLines:
		c.faults.Add(fault.Fault{
			Line: number, Code: fault.CodeTooManyLines,
			Reason: "is beyond the limit of " + strconv.Itoa(MaxLines) + " lines: have the file split",
		})
	case !c.trailed && number > 0 && c.faults.ByCode[fault.CodeTruncated] == 0:
		c.faults.Add(fault.Fault{Code: fault.CodeNoTrailer, Reason: "ends without a trailer"})
	}
}

// fileWriter writes a file, and controls each record as a reader would.
type fileWriter struct {
	buffer  *bufio.Writer
	digest  hash.Hash
	bytes   int64
	number  int // of the last line written
	control control
	err     error // the first one: after it nothing is written
}

func newFileWriter(destination io.Writer, format format) *fileWriter {
	return &fileWriter{buffer: bufio.NewWriter(destination), digest: sha256.New(), control: newControl("", format)}
}

func (w *fileWriter) fail(err error) error {
	if w.err == nil {
		w.err = fmt.Errorf("write a file of the format %s: %w", w.control.format.name(), err)
	}

	return w.err
}

// write writes one record as JSON.
func (w *fileWriter) write(value any) error {
	if w.err != nil {
		return w.err
	}

	var text bytes.Buffer

	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)

	if err := encoder.Encode(value); err != nil {
		return w.fail(err)
	}

	w.number++

	if err := w.check(bytes.TrimSuffix(text.Bytes(), []byte{'\n'})); err != nil {
		return w.fail(err)
	}

	w.digest.Write(text.Bytes())
	w.bytes += int64(text.Len())

	if _, err := w.buffer.Write(text.Bytes()); err != nil {
		return w.fail(err)
	}

	return nil
}

// check gives the first fault that a reader would find in the record.
func (w *fileWriter) check(text []byte) error {
	switch {
	case len(text) > lines.MaxLength:
		return &fault.Fault{
			Line: w.number, Code: fault.CodeLineTooLong, Reason: "is longer than " + strconv.Itoa(lines.MaxLength) + " bytes",
		}
	case !lines.Clean(text):
		return &fault.Fault{Line: w.number, Code: fault.CodeControl, Reason: "holds a control character"}
	}

	w.control.record(w.number, text, w.sum)

	if w.control.lines > MaxLines {
		w.control.end(w.number)
	}

	if found := w.control.faults.Faults; len(found) > 0 {
		return &found[0]
	}

	return nil
}

func (w *fileWriter) sum() (sum [sha256.Size]byte) {
	w.digest.Sum(sum[:0])

	return sum
}

// close writes the trailer.
func (w *fileWriter) close() (summary, error) {
	sum := w.sum()

	err := w.write(struct {
		Lines  int    `json:"lines"`
		Sum    string `json:"sum"`
		SHA256 string `json:"sha256"`
	}{
		w.control.lines, w.control.sum.String(), hex.EncodeToString(sum[:]),
	})
	if err != nil {
		return summary{}, err
	}

	if err := w.buffer.Flush(); err != nil {
		return summary{}, w.fail(err)
	}

	return summary{lines: w.control.lines, sum: w.control.sum, sha256: w.sum(), bytes: w.bytes}, nil
}
