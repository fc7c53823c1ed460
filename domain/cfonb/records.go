package cfonb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
)

const (
	// maxLine is the longest line that is looked at, in bytes: a longer one is passed over. It is also how far into a file
	// the first line break is looked for.
	maxLine = 4096

	formFeed      = 0x0c // ends a file that was meant for a printer
	substitute    = 0x1a // ends a file of CP/M, and of what came after it
	asciiDelete   = 0x7f
	firstASCII8   = 0x80
	lastC1Control = 0x9f
	lastLatin1    = 0xff
)

// endMarks may stand behind the last record, with line breaks among them.
const endMarks = "\x0c\x1a"

// records cuts a file into its records. It notes what is wrong with them and goes on.
type records struct {
	window

	name     string // of the kind of file, for faults
	length   int    // of a record
	encoding Encoding
	faults   *fault.Faults

	started bool
	joined  bool // records follow one another without line breaks
	ending  Ending
	mixed   bool // a line break that is not like the first has been noted
	number  int  // of the current record, from 1
	raw     []byte
	plain   bool // the current record has no character that could be another one
	marked  bool // the current record ends in an end mark
	over    bool // an end mark has been seen, or unread
	unread  bool // what follows could not be told apart, or is too much: that something lacks says nothing
}

// file is the reading of one file, of whatever kind.
type file struct {
	records

	source *hashed
}

// open begins the reading of a file.
func open(name, kind string, length int, source io.Reader, options Options, digest hash.Hash) *file {
	opened := &file{source: &hashed{source: source, digest: digest}}
	opened.records = records{
		window: window{source: opened.source, buffer: make([]byte, bufferSize)},
		name:   kind, length: length, encoding: options.Encoding, faults: &fault.Faults{File: name},
	}

	if options.Encoding == UTF8 {
		opened.window.source = &transcoded{source: opened.source, buffer: make([]byte, bufferSize)}
	}

	return opened
}

// each calls read for every record of the file: nil for one that cannot be read, whose fault has been noted. The error is
// that of the source or of read.
func (f *file) each(read func(record []byte) error) error {
	for f.next() {
		if f.number > MaxRecords {
			f.unread = true
			f.note(0, fault.CodeTooManyLines, nil, "is beyond the limit of "+strconv.Itoa(MaxRecords)+" records: have the file split")

			return nil
		}

		if err := read(f.raw); err != nil {
			return fmt.Errorf("read %s: line %d: %w", f.faults.File, f.number, err)
		}
	}

	f.drain()

	if f.err != nil {
		return fmt.Errorf("read %s: after line %d: %w", f.faults.File, f.number, f.err)
	}

	if f.number == 0 && f.faults.Count == 0 {
		f.faults.Add(fault.Fault{Reason: "is empty: it holds no record", Code: fault.CodeEmpty})
	}

	return nil
}

// end gives the file's sum and size, and its faults.
func (f *file) end(summary Summary) (Summary, error) {
	summary.Records = f.number
	summary.Bytes = f.source.bytes
	f.source.digest.Sum(summary.SHA256[:0])
	f.faults.Sort()

	return summary, f.faults.Err()
}

func (r *records) note(column int, code fault.Code, value []byte, reason string) {
	r.faults.Add(fault.Fault{Line: r.number, Column: column, Value: fault.Printable(value), Reason: reason, Code: code})
}

// next goes to the next record, and tells whether there is one.
func (r *records) next() bool {
	if !r.started {
		r.begin()
	}

	for !r.over {
		r.ensure(maxLine)

		switch rest := r.rest(); {
		case len(rest) == 0:
			return false
		case r.marked || rest[0] == formFeed || rest[0] == substitute:
			r.finish()
		case !r.joined:
			r.number++
			r.line()

			return true
		case rest[0] == '\n' || rest[0] == '\r' && len(rest) > 1 && rest[1] == '\n':
			r.strayBreak()
		default:
			r.number++
			r.cut()

			return true
		}
	}

	return false
}

// begin sees how the file's records are told apart.
func (r *records) begin() {
	r.started = true
	r.ensure(maxLine)

	if bytes.HasPrefix(r.rest(), []byte(byteOrderMark)) {
		r.faults.Add(fault.Fault{Line: 1, Code: fault.CodeByteOrderMark, Reason: "begins with the byte order mark of UTF-8: " +
			"have the file sent in ISO-8859-1, or declare UTF-8"})
		r.start += len(byteOrderMark)
	}

	first := r.rest()
	end := bytes.IndexByte(first[:min(len(first), maxLine)], '\n')

	r.ending = LF
	if end > 0 && first[end-1] == '\r' {
		r.ending = CRLF
		end--
	}

	// One line of several records is a file without line breaks, to which somebody's tool has added the last one.
	if r.joined = end < 0; !r.joined {
		length := len(bytes.TrimRight(first[:end], endMarks))
		r.joined = length > r.length && length%r.length == 0
	}
}

// line takes the next line.
func (r *records) line() {
	rest := r.rest()
	end := bytes.IndexByte(rest, '\n')

	if end < 0 && len(rest) >= maxLine {
		r.skipLine()

		return
	}

	if end < 0 {
		r.start = r.end
		r.last(rest)

		return
	}

	r.start += end + 1
	rest = rest[:end]

	ending := LF
	if end > 0 && rest[end-1] == '\r' {
		ending = CRLF
		rest = rest[:end-1]
	}

	if ending != r.ending && !r.mixed {
		r.mixed = true
		r.note(0, fault.CodeLineEnding, nil,
			"does not end like the first line: have the file written with LF or with CR LF throughout (said once for the whole file)")
	}

	if len(rest) == r.length {
		r.check(rest)

		return
	}

	if text := bytes.TrimRight(rest, endMarks); len(text) == r.length {
		r.check(text)
		r.marked = true

		return
	}

	r.refuseLength(rest, CodeLength)
}

// last takes what the file ends with: a line without line break, or a joined record.
func (r *records) last(rest []byte) {
	text := bytes.TrimRight(rest, endMarks)

	if len(text) == r.length {
		r.check(text)

		return
	}

	r.refuseLength(text, fault.CodeTruncated)
}

// cut takes the next record of a file without line breaks.
func (r *records) cut() {
	rest := r.rest()
	if end := bytes.IndexByte(rest[:min(len(rest), r.length)], '\n'); end >= 0 {
		r.start += end + 1
		r.refuseLength(bytes.TrimSuffix(rest[:end], []byte{'\r'}), CodeLength)

		return
	}

	if len(rest) < r.length {
		r.start = r.end
		r.last(rest)

		return
	}

	r.start += r.length
	r.check(rest[:r.length])

	// A character of several bytes shifts all that follows.
	r.unread = r.encoding != UTF8 && multibyte(rest[:r.length])
	r.over = r.unread
}

// strayBreak takes a line break between records that follow one another without: the file may end in it.
func (r *records) strayBreak() {
	r.start += bytes.IndexByte(r.rest(), '\n') + 1
	r.ensure(1)

	if rest := r.rest(); len(rest) == 0 || rest[0] == formFeed || rest[0] == substitute || r.mixed {
		return
	}

	r.mixed = true
	r.number++
	r.note(0, fault.CodeLineEnding, nil, "follows a line break, which there is not between the first records: have the file written "+
		"with line breaks throughout, or without any (said once for the whole file)")
	r.number--
}

// skipLine passes over a line that is too long to be looked at.
func (r *records) skipLine() {
	r.refuseLength(r.rest()[:maxLine], CodeLength)

	for {
		if end := bytes.IndexByte(r.rest(), '\n'); end >= 0 {
			r.start += end + 1

			return
		}

		r.start = r.end
		r.ensure(1)

		if r.start == r.end {
			return
		}
	}
}

// finish reads what stands behind an end mark, which must be nothing.
func (r *records) finish() {
	r.over = true

	for {
		r.ensure(1)

		rest := r.rest()
		if len(rest) == 0 {
			return
		}

		if behind := bytes.Trim(rest, endMarks+"\r\n"); len(behind) > 0 {
			r.number++
			r.unread = true
			r.note(0, fault.CodeAfterTrailer, nil, "follows the end mark (SUB or form feed), behind which nothing may stand")
			r.number--

			return
		}

		r.start = r.end
	}
}

// refuseLength notes a line that is no record for its length.
func (r *records) refuseLength(line []byte, code fault.Code) {
	r.raw, r.plain = nil, false
	said := "has " + strconv.Itoa(len(line)) + " bytes"
	wanted := "a record of " + r.name + " has " + strconv.Itoa(r.length)

	switch {
	case r.encoding != UTF8 && multibyte(line):
		r.note(0, fault.CodeEncoding, nil, said+" of UTF-8 for "+strconv.Itoa(utf8.RuneCount(line))+" characters, "+wanted+
			" bytes of ISO-8859-1: have the file sent in ISO-8859-1, or declare UTF-8")
	case len(line) >= maxLine:
		r.note(0, code, nil, "has "+strconv.Itoa(maxLine)+" bytes or more, "+wanted)
	case code == fault.CodeTruncated:
		r.note(0, code, nil, said+" at the end of the file, "+wanted+": it is cut, or its last spaces are")
	case len(line) == 0:
		r.note(0, code, nil, "is empty, "+wanted+": no line may stand between records or behind them")
	case len(line) < r.length:
		r.note(0, code, nil, said+", "+wanted+": it is cut, or an editor has taken its last spaces off")
	default:
		r.note(0, code, nil, said+", "+wanted)
	}
}

// check makes a record of the right length the current one, unless it holds what no record may.
func (r *records) check(record []byte) {
	r.raw = record

	if r.plain = r.encoding != French7 && plain(record); r.plain {
		return
	}

	if column, code, reason := wrongBytes(record, r.encoding); code != "" {
		var value []byte
		if column > 0 {
			value = record[column-1 : column]
		}

		r.raw = nil
		r.note(column, code, value, reason)
	}
}

// wrongBytes tells what a record holds that none may, and at which column.
func wrongBytes(record []byte, encoding Encoding) (column int, code fault.Code, reason string) {
	if encoding != UTF8 && multibyte(record) {
		return 0, fault.CodeEncoding, "holds characters of several bytes, of UTF-8: have the file sent in ISO-8859-1, or declare UTF-8"
	}

	for i, char := range record {
		switch {
		case char == unreadable && encoding == UTF8:
			return i + 1, fault.CodeEncoding, "stands where the file is not UTF-8, or has a character that ISO-8859-1 has not"
		case char >= firstASCII8 && encoding == French7:
			return i + 1, fault.CodeEncoding, "is no character of 7 bits: declare ISO-8859-1"
		case char < ' ' || char == asciiDelete:
			return i + 1, fault.CodeControl, "is a control character, which no record may hold"
		case char >= firstASCII8 && char <= lastC1Control:
			return i + 1, fault.CodeControl, "is a control character of ISO-8859-1, which no record may hold: is the file in Windows-1252?"
		}
	}

	return 0, "", ""
}

// multibyte tells a text that is UTF-8 and would not be the same in ISO-8859-1: no text of a bank is that by chance.
func multibyte(text []byte) bool {
	return utf8.Valid(text) && utf8.RuneCount(text) < len(text)
}

// plain tells whether a record is made of spaces, digits, letters and the signs of ASCII before its braces, eight bytes at a
// time: the one test that every record pays. In each byte of a word, adding 5 sets the high bit of what comes after 'z', and
// subtracting 0x20 sets that of a control character. What is carried from byte to byte comes only from a byte that is not
// plain itself.
func plain(record []byte) bool {
	const (
		ones  = 0x0101010101010101
		high  = 0x80 * ones
		after = (firstASCII8 - '{') * ones
		below = ' ' * ones
		word  = 8
	)

	var seen uint64

	for ; len(record) >= word; record = record[word:] {
		chars := binary.LittleEndian.Uint64(record)
		seen |= chars | (chars + after) | (chars - below)
	}

	for _, char := range record {
		if char < ' ' || char > 'z' {
			return false
		}
	}

	return seen&high == 0
}
