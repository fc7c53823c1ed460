// Package fault says what is wrong with a file that somebody sent: where, which value, and why. All the faults of a file
// are reported in one go, so that its sender corrects it once; the first of them in full, the rest counted.
package fault

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxDetailed is how many faults of a file are kept in full. A file of another layout has a fault on every line:
	// a thousand of them show the pattern, and the memory stays bounded.
	MaxDetailed = 1000

	// MaxValue is how many characters of a refused value are repeated: enough to find it, too few to fill a log.
	MaxValue = 64

	maxSummarised = 3 // faults that the one-line summary of a file spells out
)

// Code classifies a fault, for counters and for programs that react to one kind only.
type Code string

// The codes. Those from CodeEmpty to CodeTooManyLines speak of the file or of its physical lines, the others of what
// the lines say.
const (
	CodeEmpty         Code = "EMPTY_FILE"        // no byte at all
	CodeTruncated     Code = "TRUNCATED"         // the last line has no line ending
	CodeByteOrderMark Code = "BYTE_ORDER_MARK"   // a byte order mark that is not declared, or declared and absent
	CodeLineEnding    Code = "LINE_ENDING"       // CR LF for LF, or the reverse
	CodeEncoding      Code = "ENCODING"          // not the declared encoding
	CodeControl       Code = "CONTROL_CHARACTER" // a NUL byte or another control character
	CodeLineTooLong   Code = "LINE_TOO_LONG"     // a line beyond the limit
	CodeTooManyLines  Code = "TOO_MANY_LINES"    // a file beyond the limit
	CodeRecord        Code = "RECORD"            // a line that is no record of the format, or has not its columns
	CodeFormat        Code = "FORMAT"            // another format or version
	CodeNoHeader      Code = "NO_HEADER"         // the file does not begin with its header
	CodeHeaderAgain   Code = "HEADER_AGAIN"      // a second header
	CodeNoTrailer     Code = "NO_TRAILER"        // the file ends without its trailer
	CodeAfterTrailer  Code = "AFTER_TRAILER"     // something follows the trailer
	CodeTrailerCount  Code = "TRAILER_COUNT"     // the trailer's count is not that of the lines
	CodeTrailerSum    Code = "TRAILER_SUM"       // a sum of the trailer is not that of the lines
	CodeBalance       Code = "BALANCE"           // a closing balance is not the opening balance and the movements, or not that of before
	CodeChecksum      Code = "CHECKSUM"          // the trailer's checksum is not that of the bytes
	CodeLineNumber    Code = "LINE_NUMBER"       // line numbers do not follow one another from 1
	CodeMissing       Code = "MISSING"           // an empty field that must be filled, or an absent column
	CodeTooLong       Code = "TOO_LONG"          // a text beyond its field's limit
	CodePattern       Code = "PATTERN"           // not the shape of the field
	CodeUnknown       Code = "UNKNOWN"           // not one of the values of the field, or an unknown column
	CodeKind          Code = "KIND"              // a type of line that a file of this kind may not hold
	CodeCurrency      Code = "CURRENCY"          // another currency
	CodeAmount        Code = "AMOUNT"            // not a whole number of cents, or beyond the largest amount
	CodeSign          Code = "SIGN"              // not the sign that the type of line asks for
	CodeDate          Code = "DATE"              // not a date, or no such day
	CodeSiret         Code = "SIRET"             // not a SIRET
	CodeIBAN          Code = "IBAN"              // not an IBAN
	CodeDuplicate     Code = "DUPLICATE"         // a second record under a key that is unique in the file
	CodeDuplicateCre  Code = "DUPLICATE_CRE_ID"  // a creId twice in the file
)

// Fault is one thing wrong with a file.
type Fault struct { //nolint:errname // reported more often than returned, and called by what it is
	File   string `json:"-"`               // name of the file
	Line   int    `json:"line"`            // line of the file, from 1; 0 when the fault is the file's as a whole
	Column int    `json:"column"`          // character of the line, from 1; 0 when the fault is the line's as a whole
	Field  string `json:"field,omitempty"` // name of the field, empty when the fault is the line's as a whole
	Value  string `json:"value,omitempty"` // what stands there: printable, at most MaxValue characters, masked where it could name a person
	Reason string `json:"reason"`          // what is wrong with it, for a person to read
	Code   Code   `json:"code"`            // the same, for a program
}

// Error gives the place, as far as it is known, the value and the reason on one line.
func (f *Fault) Error() string {
	var place, what []string

	if f.File != "" {
		place = append(place, f.File)
	}

	if f.Line > 0 {
		place = append(place, "line "+strconv.Itoa(f.Line))
	}

	if f.Column > 0 {
		place = append(place, "column "+strconv.Itoa(f.Column))
	}

	if f.Field != "" {
		what = append(what, f.Field)
	}

	if f.Value != "" {
		what = append(what, `"`+f.Value+`"`)
	}

	said := strings.Join(append(what, f.Reason), " ")
	if len(place) == 0 {
		return said
	}

	return strings.Join(place, " ") + ": " + said
}

// Faults is all that is wrong with one file. As an error it says that nothing of the file may be used.
type Faults struct { //nolint:errname // as Fault
	File   string       `json:"file"`       // name of the file
	Faults []Fault      `json:"faults"`     // the first MaxDetailed faults found, in the order of the file where it can be told
	Count  int          `json:"faultCount"` // how many there are, those not kept in Faults included
	ByCode map[Code]int `json:"byCode"`     // the same count by code
}

// Add notes one fault. It fills in the file's name.
func (f *Faults) Add(found Fault) {
	f.Count++

	if f.ByCode == nil {
		f.ByCode = make(map[Code]int)
	}

	f.ByCode[found.Code]++

	if len(f.Faults) < MaxDetailed {
		found.File = f.File
		f.Faults = append(f.Faults, found)
	}
}

// Join adds an error that is a [*Fault], and gives all faults in the order of the file; another error is given as it is.
func (f *Faults) Join(err error) error {
	found, isFault := errors.AsType[*Fault](err)
	if !isFault {
		return err
	}

	f.Add(*found)
	f.Sort()

	return f
}

// Err gives f when it holds a fault, and no error otherwise.
func (f *Faults) Err() error {
	if f.Count == 0 {
		return nil
	}

	return f
}

// Incomplete tells that the file stops before its end: it is empty, its last line is cut, or it has no trailer. Its
// sender may still be writing it.
func (f *Faults) Incomplete() bool {
	return f.ByCode[CodeEmpty]+f.ByCode[CodeTruncated]+f.ByCode[CodeNoTrailer] > 0
}

// Sort puts the faults kept in the order of the file, those of the file as a whole last.
func (f *Faults) Sort() {
	slices.SortStableFunc(f.Faults, func(a, b Fault) int {
		if (a.Line == 0) != (b.Line == 0) {
			return b.Line - a.Line
		}

		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Error sums the faults up on one line: how many, the first ones, and what to do next.
func (f *Faults) Error() string {
	var text strings.Builder

	fmt.Fprintf(&text, "%s: %d fault", f.File, f.Count)

	if f.Count != 1 {
		text.WriteByte('s')
	}

	separator := ": "

	for _, found := range f.Faults[:min(len(f.Faults), maxSummarised)] {
		found.File = ""
		text.WriteString(separator + found.Error())

		separator = "; "
	}

	if f.Count > maxSummarised {
		fmt.Fprintf(&text, "; and %d more (%s)", f.Count-maxSummarised, f.codes())
	}

	text.WriteString(". Nothing of this file has been used: ")

	if f.Incomplete() {
		text.WriteString("it stops before its end; wait until it is completely written, or ask its sender for it again")
	} else {
		text.WriteString("have its sender correct it and send it again")
	}

	return text.String()
}

func (f *Faults) codes() string {
	counts := make([]string, 0, len(f.ByCode))
	for _, code := range slices.Sorted(maps.Keys(f.ByCode)) {
		counts = append(counts, fmt.Sprintf("%s %d", code, f.ByCode[code]))
	}

	return strings.Join(counts, ", ")
}

// Printable makes a refused value fit to be shown: what cannot be printed is escaped, and what exceeds MaxValue
// characters is cut.
func Printable(value []byte) string {
	var text strings.Builder

	for shown := 0; len(value) > 0; shown++ {
		if shown == MaxValue {
			text.WriteString("…")

			break
		}

		char, size := utf8.DecodeRune(value)

		switch {
		case char == utf8.RuneError && size == 1:
			fmt.Fprintf(&text, `\x%02x`, value[0])
		case char == '"' || char == '\\':
			text.WriteString(`\` + string(char))
		case unicode.IsPrint(char):
			text.WriteRune(char)
		default:
			fmt.Fprintf(&text, `\u%04x`, char)
		}

		value = value[size:]
	}

	return text.String()
}
