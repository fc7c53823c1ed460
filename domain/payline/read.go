package payline

import (
	"fmt"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// Read reads a file through its layout, line by line and in bounded memory, and controls it. It calls each for every
// movement and transfer, rejected ones included, in the order of the file; the line is valid during the call only, and
// may be copied. The trailer comes last: each is to work in a transaction, which is rolled back unless Read ends without
// error.
//
// A line is rejected alone, by the first control that it fails, in this order: CodeInvalidFile (columns, limits and
// shapes of fields, an amount that is no whole number of cents or is below zero, one account on both sides of a movement),
// CodeEndToEndID, CodeCurrency, CodeZeroAmount, CodeInvalidIBAN, CodeNoCreditorName, CodeDatePast (before businessDate)
// and CodeDateTooFar (more than MaxAheadDays after it). Whether an endToEndId has been seen before is the caller's, who
// holds those of the other files too.
//
// The file is refused as a whole, by a *Refusal, when it is not made of a header, then movements and transfers in any
// order, then a trailer with their counts and their sum; when a line cannot be read as text or is no record; and beyond
// MaxLines. Read goes on after a fault, so that all of them are found in one go, but calls each no more; the Summary holds
// what could be read. An error of the source or of each ends the reading and is returned wrapped. name is the file's in
// faults and errors.
//
// A rejected line counts like the others. Its amount is part of the sum when it can be read, and adds nothing when it
// cannot: the trailer thus proves the amounts that may be paid. Where a sender has added an amount that cannot be read
// here, the sum proves nothing, and the file is refused.
func Read(
	name string, source io.Reader, layout Layout, businessDate calendar.Date, each func(*Line) error,
) (Summary, error) {
	faults := &fault.Faults{File: name}
	file := control{faults: faults, businessDate: businessDate}
	file.summary.LineFaults.File = name
	reader := lines.NewReader(source, layout.Text(), faults)

	for file.summary.lines() <= MaxLines && reader.Next() {
		if !reader.Sound() {
			file.unreadable = true

			continue
		}

		file.record(layout, reader.Text(), reader.Number())

		if file.current.Kind != RecordLine || faults.Count > 0 {
			continue
		}

		if err := each(&file.current.Line); err != nil {
			return Summary{}, fmt.Errorf("read %s: line %d: %w", name, reader.Number(), err)
		}
	}

	if err := reader.Err(); err != nil {
		return Summary{}, fmt.Errorf("read %s: after line %d: %w", name, reader.Number(), err)
	}

	file.summary.SHA256, file.summary.Bytes = reader.Sum(), reader.Bytes()
	file.end(reader.Number())

	if faults.Count > 0 {
		faults.Sort()

		return file.summary, newRefusal(faults)
	}

	return file.summary, nil
}

// control is one reading of a file.
type control struct {
	faults       *fault.Faults // of the file as a whole
	businessDate calendar.Date
	current      Record
	summary      Summary

	trailed       bool // the trailer has been seen
	unreadable    bool // a line could not be told to be a request or not: counts and sum say nothing
	overflown     bool // the sum is beyond the largest amount: it says nothing
	unsummed      int  // amounts that could not be read
	firstUnsummed int  // line of the first of them
}

// record decodes and controls one line of the file.
func (c *control) record(layout Layout, text []byte, number int) {
	c.current.clear()
	layout.Decode(text, &c.current)

	if c.trailed {
		c.note(number, fault.CodeAfterTrailer, "follows the trailer, which must be the last line")

		return
	}

	switch header := c.current.Kind == RecordHeader; {
	case number == 1 && !header:
		c.note(number, fault.CodeNoHeader, "must be the header")
	case number != 1 && header:
		c.note(number, fault.CodeHeaderAgain, "is a second header")

		return
	}

	found := c.faults

	switch c.current.Kind {
	case RecordHeader:
		c.controlHeader()
	case RecordLine:
		found = &c.summary.LineFaults

		c.controlLine(number)
	case RecordTrailer:
		c.controlTrailer()
	case RecordNone:
		c.unreadable = true
		c.current.Refuse(FieldRecord, fault.CodeRecord, "is no record of the file's layout")
	}

	for _, refused := range c.current.list {
		found.Add(c.current.fault(refused, number, text))
	}
}

func (c *control) controlHeader() {
	if !c.current.isRefused(FieldRecord) && c.current.Header.Sequence < 1 {
		c.current.Refuse(FieldSequence, fault.CodePattern, "must be 1 or more")
	}

	c.summary.Header = c.current.Header
}

// controlLine controls a line by itself, and adds it to what the trailer must say.
func (c *control) controlLine(number int) {
	line := &c.current.Line
	line.Number = number

	if line.Kind == Movement {
		c.summary.Movements++
	} else {
		c.summary.Transfers++
	}

	whole := !c.current.isRefused(FieldRecord)
	c.current.limit(FieldEndToEndID, &line.EndToEndID, MaxCode)

	if whole {
		c.current.checkShape()
	}

	c.add(line)

	if whole {
		c.current.checkMeaning(c.businessDate)
	}

	if len(c.current.list) > 0 {
		line.Reject = c.current.list[0].reject
	}
}

func (c *control) add(line *Line) {
	if c.current.isRefused(FieldRecord) || c.current.isRefused(FieldAmount) {
		if c.unsummed == 0 {
			c.firstUnsummed = line.Number
		}

		c.unsummed++

		return
	}

	if c.overflown {
		return
	}

	sum, err := c.summary.Sum.Add(line.Amount)
	if err != nil {
		c.overflown = true
		c.note(line.Number, fault.CodeTrailerSum, "brings the sum of the file beyond the largest amount")

		return
	}

	c.summary.Sum = sum
}

// controlTrailer compares the trailer with the file. Where faults leave no count or no sum to compare with, it leaves it.
func (c *control) controlTrailer() {
	c.trailed = true

	if c.unreadable || c.current.isRefused(FieldRecord) {
		return
	}

	trailer, summary := &c.current.Trailer, &c.summary

	if trailer.Movements != summary.Movements {
		c.current.Refuse(FieldMovements, fault.CodeTrailerCount,
			"is not the number of movements of the file, "+strconv.Itoa(summary.Movements))
	}

	if trailer.Transfers != summary.Transfers {
		c.current.Refuse(FieldTransfers, fault.CodeTrailerCount,
			"is not the number of transfers of the file, "+strconv.Itoa(summary.Transfers))
	}

	if trailer.Sum != summary.Sum && !c.overflown {
		reason := "is not the sum of the amounts of the file, " + plainCents(summary.Sum)
		if c.unsummed > 0 {
			reason += ", to which lines whose amount cannot be read add nothing: " + strconv.Itoa(c.unsummed) +
				", the first on line " + strconv.Itoa(c.firstUnsummed)
		}

		c.current.Refuse(FieldSum, fault.CodeTrailerSum, reason)
	}
}

// end controls what only the end of the file tells.
func (c *control) end(number int) {
	switch {
	case c.summary.lines() > MaxLines:
		c.note(number, fault.CodeTooManyLines,
			"is beyond the limit of "+strconv.Itoa(MaxLines)+" movements and transfers: have the file split")
	case !c.trailed && number > 0 && c.faults.ByCode[fault.CodeTruncated] == 0:
		c.note(0, fault.CodeNoTrailer, "ends without a trailer")
	}
}

func (c *control) note(number int, code fault.Code, reason string) {
	c.faults.Add(fault.Fault{Line: number, Code: code, Reason: reason})
}

func (s *Summary) lines() int { return s.Movements + s.Transfers }
