package command

import (
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/delivery"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/pain002"
	"github.com/reglo/reglo/domain/pain008"
)

const (
	// shownParts is how many statements or blocks of a file have a line each; the
	// others are counted.
	shownParts = 20
	// maxTallied is how many codes of a kind are counted one by one. Lists of codes
	// have some hundred; a file may make up as many as it likes.
	maxTallied = 100
	otherCodes = "others"
)

// reading reads a bank's file of one format.
type reading func(c *check, file *content) (checkedFile, error)

// readings is what reads the messages of ISO 20022, by their definitions.
func readings() map[string]reading {
	return map[string]reading{
		string(pain001.V03): (*check).orders,
		string(pain001.V09): (*check).orders,
		string(pain002.V03): (*check).report,
		string(pain002.V10): (*check).report,
		pain008.Version:     (*check).debits,
		"camt.053.001.02":   (*check).statements,
		"camt.053.001.04":   (*check).statements,
		"camt.053.001.08":   (*check).statements,
		"camt.054.001.02":   (*check).notifications,
		"camt.054.001.08":   (*check).notifications,
	}
}

// bank reads a bank's file under the controls of its format.
func (c *check) bank(file *content, format delivery.Format) (checkedFile, error) {
	read := readings()[string(format)]
	switch bankfile.Format(format) {
	case bankfile.CFONB120:
		read = (*check).cfonb120
	case bankfile.CFONB160:
		read = (*check).cfonb160
	case bankfile.CFONB240:
		read = (*check).cfonb240
	}
	if read == nil {
		read = unread(bankfile.Format(format))
	}
	checked, err := read(c, file)
	checked.Format = fault.Printable([]byte(format))
	if faults, refused := errors.AsType[*fault.Faults](err); refused {
		return refusedFile(checked.Format, file, faults)
	}
	return checked, err
}

// refusedFile is a file of which nothing is said but which one it is: what was
// read of it proves nothing. Where an archive cannot be read to its end either,
// the faults say more than that.
func refusedFile(format string, file *content, faults *fault.Faults) (checkedFile, error) {
	refused := checkedFile{Format: format}
	if sum, length, err := file.identity(); err == nil {
		refused.SHA256, refused.Bytes = hex.EncodeToString(sum[:]), length
	}
	return refused, faults
}

// unread refuses a message that nobody here reads, by its name, and says which
// ones are read: the versions of this message, or else all.
func unread(format bankfile.Format) reading {
	return func(c *check, file *content) (checkedFile, error) {
		var all, same []string
		for definition := range readings() {
			all = append(all, definition)
			if message, _, _ := strings.Cut(definition, ".001."); format.Is(message) {
				same = append(same, definition)
			}
		}
		if len(same) > 0 {
			all = same
		}
		slices.Sort(all)
		_, err := iso20022.NewDecoder(c.name, file).Message(all...)
		if found, is := errors.AsType[*fault.Fault](err); is {
			faults := &fault.Faults{File: c.name}
			faults.Add(*found)
			return checkedFile{}, faults
		}
		return checkedFile{}, err
	}
}

// tally counts by codes.
type tally map[string]int

func (t tally) add(code string) {
	code = plain(code)
	if _, known := t[code]; !known && len(t) >= maxTallied {
		code = otherCodes
	}
	t[code]++
}

// parts is a table of the parts of a file, of which the first are shown.
type parts struct {
	noun   string // of one
	header []string
	rows   [][]string
	count  int
}

// finding is what a bank's file says as a whole.
type finding interface {
	rows() [][]string
	parts() parts
}

// bank is what a bank's file says; nil for a file of another.
func (d checkedFile) bank() finding {
	switch {
	case d.Transfers != nil:
		return d.Transfers
	case d.Debits != nil:
		return d.Debits
	case d.Report != nil:
		return d.Report
	case d.Statements != nil:
		return d.Statements
	case d.Advices != nil:
		return d.Advices
	default:
		return nil
	}
}

func writeParts(t *text, of parts) {
	if of.count == 0 {
		return
	}
	t.rows(withoutEmpty(append([][]string{of.header}, of.rows...)))
	if more := of.count - len(of.rows); more > 0 {
		t.linef("… and %s more", count(more, of.noun))
	}
}

// withoutEmpty leaves the columns out that say nothing below their header.
func withoutEmpty(rows [][]string) [][]string {
	kept := make([][]string, len(rows))
	for column := range rows[0] {
		if !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[column] != "" }) {
			continue
		}
		for i := range rows {
			kept[i] = append(kept[i], rows[i][column])
		}
	}
	return kept
}

// about adds rows, but for those that say nothing.
func about(rows ...[]string) [][]string {
	return slices.DeleteFunc(rows, func(row []string) bool { return row[1] == "" })
}

// moment writes an instant as clocks in Paris show it.
func moment(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.In(calendar.Paris()).Format(time.RFC3339)
}

// dated writes a day, and nothing for none.
func dated(date calendar.Date) string {
	if date.IsZero() {
		return ""
	}
	return date.String()
}

// unsaid writes a number, and nothing for one that is not said.
func unsaid[N int | int64](n N) string {
	if n == 0 {
		return ""
	}
	return number(n)
}

// saidSum writes an amount, and nothing for one that is not said.
func saidSum(amount money.Cents) string {
	if amount == 0 {
		return ""
	}
	return euros(amount)
}

// parted writes a tally beside its total, and nothing for an empty one.
func parted(of tally) string {
	total := 0
	for _, n := range of {
		total += n
	}
	if total == 0 {
		return ""
	}
	return counts(total, of)
}

// take makes a record of a bank's file if it is wanted.
func (c *check) take(kind string, line int, fill func(r *checkedRecord)) error {
	return c.records.take(func() (checkedRecord, error) {
		record := checkedRecord{Kind: kind, Line: line}
		fill(&record)
		return record, nil
	})
}

func (r *checkedRecord) name(of, value string) {
	if value != "" {
		r.Fields = append(r.Fields, checkedField{Name: of, Value: maskName(value)})
	}
}

func (r *checkedRecord) account(of, value string) {
	if value != "" {
		r.Fields = append(r.Fields, checkedField{Name: of, Value: maskAccount(value)})
	}
}

func (r *checkedRecord) cents(of string, amount money.Cents) {
	r.add(of, number(int64(amount)))
}

func (r *checkedRecord) date(of string, date calendar.Date) { r.add(of, dated(date)) }

// warnings are what does not make a file wrong, and should be looked at.
type warnings []string

// add adds one, if there is any of what it says.
func (w *warnings) add(n int, noun, what string) {
	if n == 0 {
		return
	}
	said := count(n, noun)
	if n != 1 && strings.HasSuffix(noun, "y") {
		said = number(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	*w = append(*w, said+" "+what)
}

func sortedCodes(of tally) []string { return slices.Sorted(maps.Keys(of)) }
