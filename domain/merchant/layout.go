package merchant

import (
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
)

// Layout is how a site's own file writes merchants, one a line. It says what each column of ogep-merchants/1 holds, as
// that format writes it; whether that is acceptable is controlled by ReadLayout, alike for all layouts. A Layout holds no
// state of a file and may serve several at once.
type Layout interface {
	// Text declares the encoding and the line endings of a file.
	Text() lines.Options
	// Decode reads one line, in UTF-8 and without its ending, into row. number is that of the line in its file, from 1.
	// What it does not set is empty.
	Decode(number int, text []byte, row *Row)
}

// Row is one line as a Layout has read it.
type Row struct {
	ignored  bool
	values   []string // in the order of the format's columns
	starts   []int    // where each stands in the line, in bytes
	refusals []rowRefusal
}

type rowRefusal struct {
	column int // -1 for the line as a whole
	at     int // byte of the line, -1 for the line as a whole
	why    refusal
}

// Ignore says that the line is no merchant's and no fault: a header row, a trailer.
func (r *Row) Ignore() { r.ignored = true }

// Set fills in a column, which must be one of Columns. start is where its value stands in the line, in bytes.
func (r *Row) Set(column, value string, start int) {
	i := find(column)
	r.values[i], r.starts[i] = value, start
}

// Refuse notes what is wrong with a column, which must be one of Columns, after it has been set to what stands there.
func (r *Row) Refuse(column string, code fault.Code, reason string) {
	r.refusals = append(r.refusals, rowRefusal{column: find(column), why: refusal{code, reason}})
}

// RefuseLine notes what is wrong with the line as a whole, or at one of its bytes unless at is below zero: no column of it
// is then read.
func (r *Row) RefuseLine(at int, code fault.Code, reason string) {
	r.refusals = append(r.refusals, rowRefusal{column: -1, at: at, why: refusal{code, reason}})
}

// refused tells whether the layout has refused a column, or the line as a whole with -1.
func (r *Row) refused(column int) bool {
	for _, found := range r.refusals {
		if found.column == column {
			return true
		}
	}

	return false
}

// clear forgets the line before.
func (r *Row) clear() {
	if r.values == nil {
		r.values, r.starts = make([]string, len(columns)), make([]int, len(columns))
	}

	r.ignored, r.refusals = false, r.refusals[:0]
	clear(r.values)
	clear(r.starts)
}

// Columns gives the names of the format's columns, in the order in which Writer writes them.
func Columns() []string {
	names := make([]string, 0, len(columns))
	for _, column := range columns {
		names = append(names, column.name)
	}

	return names
}

// CheckValue tells why a column, which must be one of Columns, may not hold a value.
func CheckValue(column, value string) error {
	var merchant Merchant

	return columns[find(column)].read(&merchant, value)
}

// decode has the layout read the current line. It tells whether the line has columns.
func (s *snapshot) decode() ([]string, bool) {
	s.line.clear()
	s.layout.Decode(s.reader.Number(), s.reader.Text(), &s.line)

	for _, found := range s.line.refusals {
		switch {
		case found.column >= 0:
			s.refuse(found.column, s.line.values[found.column], found.why)
		case found.at >= 0:
			s.note(found.why.code, "", lines.Column(s.reader.Text(), found.at), "", found.why.reason)
		default:
			s.note(found.why.code, "", 0, "", found.why.reason)
		}
	}

	return s.line.values, !s.line.ignored && !s.line.refused(-1)
}
