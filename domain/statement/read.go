package statement

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
)

// Handler is told what stands in a file, in its order; what is nil is not called. What it has done is to be forgotten unless
// Read ends without error. An error that it returns ends the reading, and is returned wrapped.
type Handler struct {
	// Begin is told what is known of a statement before its lines. Of CFONB that is the account, From and the opening
	// balance only.
	Begin func(Statement) error
	Line  func(Line) error
	// End is told the whole statement.
	End func(Statement) error
}

// Wanted tells whether a file is of one of the formats that Read reads, or of another version of one. The error is that of
// the source.
func Wanted(source io.Reader) (bool, error) {
	format, found, err := bankfile.Recognise(source)
	if err != nil {
		return false, fmt.Errorf("recognise a statement: %w", err)
	}

	return found && (format.Is(camt053) || format == bankfile.CFONB120), nil
}

// camt053 is the message of ISO 20022 that is a statement.
const camt053 = "camt.053"

// Read reads the statements in a file, streamed, and controls them: beside what the format's own reader controls, that each
// is of one of the accounts, and that all can be told by events. name is the file's in faults and errors.
//
// The error is a *fault.Faults when the file is refused: nothing of it may be used. Otherwise it is that of the source or
// of the handler.
func Read(name string, source io.Reader, accounts Accounts, handler Handler) (File, error) {
	file, err := bankfile.Peek(source)
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}

	a := &assembly{accounts: accounts, handler: handler, file: File{Format: file.Format}, faults: fault.Faults{File: name}}

	switch {
	case file.Format.Is(camt053):
		err = a.readCamt(name, file)
	case file.Format == bankfile.CFONB120:
		err = a.readCFONB(name, file)
	default:
		a.faults.Add(unreadable(file.Seen))
	}

	return a.result(err)
}

func unreadable(length int) fault.Fault {
	if length == 0 {
		return fault.Fault{Code: fault.CodeEmpty, Reason: "is empty"}
	}

	return fault.Fault{Code: fault.CodeFormat, Reason: "is neither a camt.053 nor a CFONB 120"}
}

// assembly makes statements and lines of what a format's reader tells.
type assembly struct {
	accounts Accounts
	handler  Handler
	file     File
	faults   fault.Faults // those that no format's reader can tell
	current  *Statement   // nil in a statement of an account that is none of ours
	issued   map[string]struct{}
	lines    int // of the file

	manyStatements, manyLines bool // noted once
}

// result gives the file, or all that is wrong with it. err is that of the format's reader.
func (a *assembly) result(err error) (File, error) {
	found, refused := errors.AsType[*fault.Faults](err)

	switch {
	case err != nil && !refused:
		return File{}, err
	case refused:
		a.join(found)
	}

	if err := a.faults.Err(); err != nil {
		return File{}, err
	}

	return a.file, nil
}

// join takes over the faults of the format's reader.
func (a *assembly) join(found *fault.Faults) {
	own := a.faults
	a.faults = *found
	a.faults.Faults = append(a.faults.Faults, own.Faults[:min(len(own.Faults), fault.MaxDetailed-len(found.Faults))]...)
	a.faults.Count += own.Count

	for code, count := range own.ByCode {
		a.faults.ByCode[code] += count
	}

	a.faults.Sort()
}

// begin begins a statement of the account. place is where it stands.
func (a *assembly) begin(statement Statement, place fault.Fault) error {
	a.current = nil

	if len(a.file.Statements) == MaxStatements {
		a.beyond(place, MaxStatements, "statements", &a.manyStatements)

		return nil
	}

	a.file.Statements = append(a.file.Statements, statement)
	a.current = &a.file.Statements[len(a.file.Statements)-1]
	a.issued = make(map[string]struct{})

	if a.handler.Begin == nil {
		return nil
	}

	return a.handler.Begin(statement)
}

// beyond notes, once, what is beyond a limit.
func (a *assembly) beyond(place fault.Fault, limit int, what string, noted *bool) {
	if *noted {
		return
	}

	*noted = true
	place.Code, place.Reason = fault.CodeTooManyLines, "is beyond the limit of "+strconv.Itoa(limit)+" "+what+": have the file split"
	a.faults.Add(place)
}

// foreign notes a statement of an account that is none of ours; its lines are passed over.
func (a *assembly) foreign(masked string, place fault.Fault) {
	a.current = nil
	place.Value, place.Code = masked, fault.CodeUnknown
	place.Reason = "is none of the EP's accounts: the statement of another one is not taken in"
	a.faults.Add(place)
}

// line takes a movement: its own reference, or none, in ID. place is where it stands.
func (a *assembly) line(line Line, place fault.Fault) error {
	if a.current == nil {
		return nil
	}

	a.lines++
	a.current.Lines++

	if a.lines > MaxLines {
		a.beyond(place, MaxLines, "lines", &a.manyLines)

		return nil
	}

	for _, at := range []time.Time{line.BookedAt, line.TransactionAt, line.ValueAt} {
		if year := at.UTC().Year(); year < minYear || year > maxYear {
			place.Value, place.Code, place.Reason = calendar.DateOf(at).String(), fault.CodeDate, "must be of the years 2000 to 2099"
			a.faults.Add(place)

			return nil
		}
	}

	line.Ordinal = a.current.Lines
	line.ID = a.unique(line.ID, line.Ordinal)

	if a.handler.Line == nil {
		return nil
	}

	return a.handler.Line(line)
}

// unique gives the bank's reference of a line, with its place in the statement behind it where another line has the same.
func (a *assembly) unique(reference string, ordinal int) string {
	if reference == "" {
		return ""
	}

	for {
		if _, taken := a.issued[reference]; !taken {
			a.issued[reference] = struct{}{}

			return reference
		}

		reference += "-" + strconv.Itoa(ordinal)
	}
}

// leaveOut counts an entry of which no line is made.
func (a *assembly) leaveOut() {
	if a.current != nil {
		a.current.LeftOut++
	}
}

// end ends the current statement.
func (a *assembly) end() error {
	if a.current == nil || a.handler.End == nil {
		return nil
	}

	return a.handler.End(*a.current)
}

// told makes one line of what a bank wrote, at most MaxLabel characters of it, with the spaces that are in it: the first of
// the texts that says anything.
func told(texts ...string) string {
	for _, text := range texts {
		text = strings.TrimSpace(strings.Map(inLine, strings.ToValidUTF8(text, "\ufffd")))

		if utf8.RuneCountInString(text) > MaxLabel {
			text = strings.TrimSpace(string([]rune(text)[:MaxLabel]))
		}

		if text != "" {
			return text
		}
	}

	return unlabelled
}

// inLine makes a space of what would break a line.
func inLine(char rune) rune {
	if unicode.IsControl(char) || char == '\u2028' || char == '\u2029' {
		return ' '
	}

	return char
}

// unlabelled is the label of a line of which the bank says nothing.
const unlabelled = "SANS LIBELLE"
