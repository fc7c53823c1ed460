package settlement

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// Read reads a file through its layout, line by line and in bounded memory, and controls it. It calls each for every line
// that is good in itself, in the order of the file; the line and its slices are valid during the call only. What each has
// done is to be forgotten unless Read ends without error: the trailer, and the proof that no creId comes twice, are last.
//
// Read goes on after a fault, so that all of them are found in one go: the error is then a *fault.Faults, and the Summary
// holds what could be read. An error of the source or of each ends the reading and is returned wrapped. name is the file's
// in faults and errors.
//
// Controls: the header first, its fields and its currency; types of lines that fit the kind of file; line numbers from 1
// without gap; patterns and lengths of fields; the SIRET's check digit; the sign of each amount; the trailer's count,
// sums and checksum, and nothing behind it; no creId twice; at most MaxLines lines. What a layout's files lack by
// declaration (see Record.Lack) cannot be controlled.
func Read(name string, source io.ReadSeeker, layout Layout, each func(*Line) error) (Summary, error) {
	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return Summary{}, fmt.Errorf("read %s: go to its beginning: %w", name, err)
	}

	faults := &fault.Faults{File: name}
	file := control{
		reader: lines.NewReader(source, layout.Text(), faults),
		faults: faults,
		creIDs: newCreIDs(),
		next:   1,
	}

	for file.summary.Lines <= MaxLines && file.reader.Next() {
		if good := file.record(layout); !good {
			continue
		}

		if err := each(&file.current.Line); err != nil {
			return Summary{}, fmt.Errorf("read %s: line %d: %w", name, file.reader.Number(), err)
		}
	}

	if err := file.reader.Err(); err != nil {
		return Summary{}, fmt.Errorf("read %s: after line %d: %w", name, file.reader.Number(), err)
	}

	file.end()

	if err := file.refuseDuplicates(source, layout); err != nil {
		return Summary{}, fmt.Errorf("read %s a second time, for the creIds that come twice: %w", name, err)
	}

	faults.Sort()

	return file.summary, faults.Err()
}

// control is one reading of a file.
type control struct {
	reader  *lines.Reader
	faults  *fault.Faults
	current Record
	summary Summary
	creIDs  *creIDs

	next       int  // line number expected
	trailed    bool // the trailer has been seen
	unreadable bool // a line could not be told to be a record: the count says nothing
	unsummed   bool // an amount could not be read or added: the sums say nothing
}

// record decodes and controls the current line of the file, and tells whether it is a good line to give to the caller.
func (c *control) record(layout Layout) bool {
	if !c.reader.Sound() {
		c.unreadable, c.unsummed = true, true
		c.next++

		return false
	}

	c.current.Kind = RecordNone
	c.current.clear()
	layout.Decode(c.reader.Text(), &c.current)

	switch {
	case c.trailed:
		c.current.clear()
		c.current.Refuse(FieldRecord, fault.CodeAfterTrailer, "follows the trailer, which must be the last line")
	case c.reader.Number() == 1 && c.current.Kind != RecordHeader:
		c.current.Refuse(FieldRecord, fault.CodeNoHeader, "must be the header")
	}

	if !c.trailed {
		c.controlRecord(c.reader.Number() == 1)
	}

	if c.current.Kind == RecordLine && !c.current.isRefused(FieldRecord) && !c.current.isRefused(FieldCreID) {
		c.creIDs.add(c.current.Line.CreID)
	}

	for _, refused := range c.current.list {
		c.faults.Add(c.current.fault(refused, c.reader.Number(), c.reader.Text()))
	}

	return c.current.Kind == RecordLine && len(c.current.list) == 0
}

// controlRecord controls the current record, the first of its file or a later one.
func (c *control) controlRecord(first bool) {
	whole := !c.current.isRefused(FieldRecord) || c.current.list[0].code == fault.CodeNoHeader

	switch c.current.Kind {
	case RecordHeader:
		if !first {
			c.current.Refuse(FieldRecord, fault.CodeHeaderAgain, "is a second header")
		} else if whole {
			if c.current.lacks(FieldFileName) {
				c.current.Header.FileName = c.faults.File
			}

			c.current.checkHeader()
			c.summary.Header = c.current.Header
		}
	case RecordLine:
		c.controlLine(whole)
	case RecordTrailer:
		c.trailed = true

		if whole {
			c.controlTrailer()
		}
	case RecordNone:
		c.unreadable, c.unsummed = true, true
	case RecordIgnored:
	}
}

// controlLine controls a line, and adds it to what the trailer must say.
func (c *control) controlLine(whole bool) {
	c.summary.Lines++

	if !whole {
		c.unsummed = true
		c.next++

		return
	}

	line := &c.current.Line
	c.current.checkLine()

	if kind := c.summary.Kind; kind != "" && !c.current.isRefused(FieldType) && line.Type.kind() != kind {
		c.current.Refuse(FieldType, fault.CodeKind, "does not belong in a file of kind "+string(kind))
	}

	if c.current.lacks(FieldLineNumber) {
		line.Number = c.next
	}

	c.follow(line.Number)
	c.add(line)
}

// follow controls the line number. After a gap it goes on from the number found, so that one lost line is one fault.
func (c *control) follow(number int) {
	if c.current.isRefused(FieldLineNumber) {
		c.next++

		return
	}

	if number != c.next {
		c.current.Refuse(FieldLineNumber, fault.CodeLineNumber, "must be "+strconv.Itoa(c.next))
	}

	c.next = number + 1
}

func (c *control) add(line *Line) {
	if c.current.isRefused(FieldGross) || c.current.isRefused(FieldCommission) {
		c.unsummed = true
	}

	if c.unsummed {
		return
	}

	gross, grossErr := c.summary.Gross.Add(line.Gross)
	commission, commissionErr := c.summary.Commission.Add(line.Commission)

	switch {
	case grossErr != nil:
		c.current.Refuse(FieldGross, fault.CodeAmount, "brings the sum of the file beyond the largest amount")

		c.unsummed = true
	case commissionErr != nil:
		c.current.Refuse(FieldCommission, fault.CodeAmount, "brings the sum of the file beyond the largest amount")

		c.unsummed = true
	default:
		c.summary.Gross, c.summary.Commission = gross, commission
	}
}

// controlTrailer compares the trailer with the file. Where faults leave no count or no sum to compare with, it leaves it.
func (c *control) controlTrailer() {
	trailer, said := &c.current.Trailer, &c.current

	if trailer.Lines != c.summary.Lines && !c.unreadable && !said.lacks(FieldLineCount) {
		said.Refuse(FieldLineCount, fault.CodeTrailerCount,
			"is not the number of lines of the file, "+strconv.Itoa(c.summary.Lines))
	}

	if trailer.Gross != c.summary.Gross && !c.unsummed && !said.lacks(FieldSumGross) {
		said.Refuse(FieldSumGross, fault.CodeTrailerSum, "is not the sum of the lines' gross amounts, "+
			strconv.FormatInt(int64(c.summary.Gross), decimalBase))
	}

	if trailer.Commission != c.summary.Commission && !c.unsummed && !said.lacks(FieldSumCommission) {
		said.Refuse(FieldSumCommission, fault.CodeTrailerSum, "is not the sum of the lines' commissions, "+
			strconv.FormatInt(int64(c.summary.Commission), decimalBase))
	}

	if said.lacks(FieldChecksum) {
		return
	}

	if sum := c.reader.SumBefore(); trailer.Checksum != sum {
		said.Refuse(FieldChecksum, fault.CodeChecksum,
			"is not the SHA-256 of the bytes before this line, "+hex.EncodeToString(sum[:]))
	}
}

// end controls what only the end of the file tells.
func (c *control) end() {
	c.summary.SHA256, c.summary.Bytes = c.reader.Sum(), c.reader.Bytes()

	switch {
	case c.summary.Lines > MaxLines:
		c.faults.Add(fault.Fault{
			Line: c.reader.Number(), Code: fault.CodeTooManyLines,
			Reason: "is beyond the limit of " + strconv.Itoa(MaxLines) + " lines: have the file split",
		})
	case !c.trailed && c.reader.Number() > 0 && c.faults.ByCode[fault.CodeTruncated] == 0:
		c.faults.Add(fault.Fault{Code: fault.CodeNoTrailer, Reason: "ends without a trailer"})
	}
}

// refuseDuplicates notes each creId that has come before in the file.
func (c *control) refuseDuplicates(source io.ReadSeeker, layout Layout) error {
	suspects := c.creIDs.repeated()
	if suspects.none() {
		return nil
	}

	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return err //nolint:wrapcheck // Read wraps it
	}

	// The faults of this second reading are those of the first.
	again := lines.NewReader(source, layout.Text(), &fault.Faults{})
	trailed := false

	for again.Number() < c.reader.Number() && again.Next() {
		if !again.Sound() || trailed {
			continue
		}

		record := &c.current
		record.Kind = RecordNone
		record.clear()
		layout.Decode(again.Text(), record)

		trailed = record.Kind == RecordTrailer
		if record.Kind != RecordLine || record.isRefused(FieldRecord) || record.isRefused(FieldCreID) {
			continue
		}

		if first := suspects.first(record.Line.CreID, again.Number()); first != 0 {
			c.faults.Add(record.fault(refusal{
				FieldCreID, fault.CodeDuplicateCre, "is already on line " + strconv.Itoa(first),
			}, again.Number(), again.Text()))
		}
	}

	suspects.countRest(c.faults)

	return again.Err()
}
