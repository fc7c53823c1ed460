package merchant

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/lines"
)

const (
	// Format names the format of the snapshot.
	Format = "ogep-merchants/1"

	// MaxMerchants is the largest number of accounts of a snapshot. Proving that identifiers and IBANs are unique takes
	// some 200 bytes of memory an account.
	MaxMerchants = 500_000

	maxColumnName = 32 // longer than any column's name: a longer text in the header row is data
)

// Summary is what a snapshot is as a whole.
type Summary struct {
	Merchants int
	Active    int
	Blocked   int
	Closed    int
	SHA256    [sha256.Size]byte // of the whole file: its identity
	Bytes     int64             // size of the whole file
}

// Read reads a snapshot: CSV (RFC 4180) with a header row, separated by commas or semicolons as that row is, columns in any
// order, no line ending inside a value. options declares its encoding. Read calls each for every good merchant, in the
// order of the file; what each has done is to be forgotten unless Read ends without error.
//
// Read goes on after a fault, so that all of them are found in one go: the error is then a *fault.Faults, in which names
// and IBANs are masked. An error of the source or of each ends the reading and is returned wrapped. name is the file's in
// faults and errors.
func Read(name string, source io.Reader, options lines.Options, each func(Merchant) error) (Summary, error) {
	return read(name, source, options, nil, each)
}

// ReadLayout is Read for a site's own file, read through its layout.
func ReadLayout(name string, source io.Reader, layout Layout, each func(Merchant) error) (Summary, error) {
	return read(name, source, layout.Text(), layout, each)
}

func read(name string, source io.Reader, options lines.Options, layout Layout, each func(Merchant) error) (Summary, error) {
	faults := &fault.Faults{File: name}
	file := snapshot{
		reader: lines.NewReader(source, options, faults), faults: faults, layout: layout,
		accounts: make(map[string]int), ibans: make(map[string]int),
	}

	if file.header() {
		for file.summary.Merchants <= MaxMerchants && file.reader.Next() {
			merchant, good := file.row()
			if !good {
				continue
			}

			if err := each(merchant); err != nil {
				return Summary{}, fmt.Errorf("read %s: line %d: %w", name, file.reader.Number(), err)
			}
		}
	}

	if err := file.reader.Err(); err != nil {
		return Summary{}, fmt.Errorf("read %s: after line %d: %w", name, file.reader.Number(), err)
	}

	file.end()

	return file.summary, faults.Err()
}

// snapshot is one reading of a file.
type snapshot struct {
	reader  *lines.Reader
	faults  *fault.Faults
	summary Summary

	layout Layout // of a site; nil for the format of our own
	line   Row    // as the layout has read it

	feed    feed
	csv     *csv.Reader
	columns []column // in the order of the file, or of the format through a layout

	accounts map[string]int // line of each account identifier
	ibans    map[string]int // line of each IBAN of an account
}

// feed gives a csv.Reader one line at a time. A value that goes on after the end of its line is then an error of that
// line, instead of swallowing the rest of the file.
type feed struct{ line []byte }

func (f *feed) Read(into []byte) (int, error) {
	if len(f.line) == 0 {
		return 0, io.EOF
	}

	n := copy(into, f.line)
	f.line = f.line[n:]

	return n, nil
}

// header reads the header row. Without a good one, the rows cannot be told what they say.
func (s *snapshot) header() bool {
	if s.layout != nil {
		s.columns = columns

		return true
	}

	if !s.reader.Next() || !s.reader.Sound() {
		return false
	}

	s.csv = csv.NewReader(&s.feed)
	s.csv.FieldsPerRecord = -1
	s.csv.ReuseRecord = true

	if text := s.reader.Text(); bytes.Count(text, []byte{';'}) > bytes.Count(text, []byte{','}) {
		s.csv.Comma = ';'
	}

	names, ok := s.split()
	if !ok {
		return false
	}

	if !slices.ContainsFunc(names, func(name string) bool { return find(name) >= 0 }) {
		s.note(fault.CodeNoHeader, "", 0, "", "is no header row: it must name the columns of "+Format)

		return false
	}

	before := s.faults.Count
	seen := make(map[string]bool, len(names))

	for i, name := range names {
		at := find(name)

		switch {
		case at < 0:
			s.note(fault.CodeUnknown, "", s.column(i), shownName(name), "is no column of "+Format)
		case seen[name]:
			s.note(fault.CodeDuplicate, name, s.column(i), "", "is the name of two columns")
		default:
			s.columns = append(s.columns, columns[at])
		}

		seen[name] = true
	}

	for _, column := range columns {
		if !seen[column.name] {
			s.note(fault.CodeMissing, column.name, 0, "", "is a column of "+Format+" that the header row lacks")
		}
	}

	return s.faults.Count == before
}

// row reads one merchant, and tells whether it is good.
func (s *snapshot) row() (merchant Merchant, good bool) {
	s.summary.Merchants++

	if !s.reader.Sound() {
		return merchant, false
	}

	before := s.faults.Count

	values, ok := s.split()
	if !ok {
		if s.line.ignored {
			s.summary.Merchants--
		}

		return merchant, false
	}

	if len(values) != len(s.columns) {
		s.note(fault.CodeRecord, "", 0, "", "has "+strconv.Itoa(len(values))+" values, the header row has "+
			strconv.Itoa(len(s.columns)))

		return merchant, false
	}

	for i, column := range s.columns {
		if s.line.refused(i) {
			continue
		}

		if err := column.read(&merchant, values[i]); err != nil {
			s.refuse(i, values[i], err)
		}
	}

	if s.faults.Count == before {
		if name, err := merchant.checkPayout(); err != nil {
			i := s.index(name)
			s.refuse(i, values[i], err)
		}
	}

	s.unique(columnAccountID, s.accounts, merchant.AccountID)
	s.unique(columnCPIBAN, s.ibans, merchant.CPIBAN)
	s.count(merchant.Status)

	return merchant, s.faults.Count == before
}

// split reads the values of the current line.
func (s *snapshot) split() ([]string, bool) {
	if s.layout != nil {
		return s.decode()
	}

	text := s.reader.Text()
	s.feed.line = text

	values, err := s.csv.Read()
	if err == nil {
		return values, true
	}

	var parse *csv.ParseError

	switch {
	case errors.As(err, &parse) && errors.Is(parse.Err, csv.ErrBareQuote):
		s.note(fault.CodeRecord, "", lines.Column(text, min(max(parse.Column-1, 0), len(text))), "",
			"a value with a quote in it must be quoted, and the quote doubled")
	case errors.As(err, &parse):
		s.note(fault.CodeRecord, "", lines.Column(text, min(max(parse.Column-1, 0), len(text))), "",
			"a quoted value must end with a quote on its own line, and quotes inside it be doubled")
	default:
		s.note(fault.CodeRecord, "", 0, "", "is empty")
	}

	return nil, false
}

// unique notes a value that an earlier line has too. A value that has been refused is empty here.
func (s *snapshot) unique(name string, lineOf map[string]int, value string) {
	if value == "" {
		return
	}

	if first, known := lineOf[value]; known {
		s.refuse(s.index(name), value, refusal{fault.CodeDuplicate, "is already on line " + strconv.Itoa(first)})

		return
	}

	lineOf[strings.Clone(value)] = s.reader.Number()
}

func (s *snapshot) count(status Status) {
	switch status {
	case StatusActive:
		s.summary.Active++
	case StatusBlocked:
		s.summary.Blocked++
	case StatusClosed:
		s.summary.Closed++
	}
}

func (s *snapshot) end() {
	s.summary.SHA256, s.summary.Bytes = s.reader.Sum(), s.reader.Bytes()

	switch {
	case s.summary.Merchants > MaxMerchants:
		s.note(fault.CodeTooManyLines, "", 0, "", "is beyond the limit of "+strconv.Itoa(MaxMerchants)+" merchants")
	case s.summary.Merchants == 0 && s.faults.Count == 0:
		s.note(fault.CodeEmpty, "", 0, "", "is the last line: the snapshot holds no merchant")
	}
}

// refuse notes what is wrong with the value of the i-th column of the file.
func (s *snapshot) refuse(i int, value string, err error) {
	code := fault.CodePattern
	if why := (refusal{}); errors.As(err, &why) {
		code = why.code
	}

	shown := fault.Printable([]byte(value))

	switch mask := s.columns[i].mask; {
	case mask != nil:
		shown = mask(value)
	case iban.Resembles(value): // in the wrong column
		shown = iban.Mask(value)
	}

	s.note(code, s.columns[i].name, s.column(i), shown, err.Error())
}

func (s *snapshot) note(code fault.Code, field string, column int, shown, reason string) {
	s.faults.Add(fault.Fault{
		Line: s.reader.Number(), Column: column, Field: field, Value: shown, Reason: reason, Code: code,
	})
}

// column gives the character at which the i-th value of the current line begins.
func (s *snapshot) column(i int) int {
	if s.layout != nil {
		return lines.Column(s.reader.Text(), s.line.starts[i])
	}

	_, offset := s.csv.FieldPos(i)

	return lines.Column(s.reader.Text(), offset-1)
}

// index gives the position in the file of a column of the format.
func (s *snapshot) index(name string) int {
	return slices.IndexFunc(s.columns, func(c column) bool { return c.name == name })
}

// find gives the position in the format of a column, or -1.
func find(name string) int {
	return slices.IndexFunc(columns, func(c column) bool { return c.name == name })
}

var namePattern = regexp.MustCompile(`^[A-Za-z_]+$`)

// shownName shows an unknown column only where it looks like one: it could be data.
func shownName(name string) string {
	if len(name) > maxColumnName || !namePattern.MatchString(name) {
		return ""
	}

	return name
}
