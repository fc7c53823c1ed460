package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/reglo/reglo/domain/money"
)

// document is what a command found: one JSON document for a program, or text
// for a person. Amounts are whole cents in JSON.
type document interface {
	writeText(t *text)
}

// text writes lines and columns for a person. The first error is kept, so that
// the lines need not be checked one by one.
type text struct {
	out io.Writer
	err error
}

// linef writes one line.
func (t *text) linef(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.out, format+"\n", args...)
	}
}

// write writes text that has its own line ends.
func (t *text) write(lines string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.out, lines)
	}
}

// rows writes lines of cells in aligned columns. A cell of digits or an amount
// is not set to the right: a table stays easy to cut with awk.
func (t *text) rows(rows [][]string) {
	if t.err != nil {
		return
	}
	const gap = 2 // spaces between columns
	var aligned bytes.Buffer
	table := tabwriter.NewWriter(&aligned, 0, 0, gap, ' ', 0)
	for _, row := range rows {
		if _, t.err = fmt.Fprintln(table, strings.Join(row, "\t")); t.err != nil {
			return
		}
	}
	if t.err = table.Flush(); t.err != nil {
		return
	}
	for line := range strings.Lines(aligned.String()) {
		t.write(strings.TrimRight(line, " \n") + "\n") // cells that are empty at the end of a row leave no spaces
	}
}

// euros is how a person reads an amount: plain, so that it can be searched for.
func euros(amount money.Cents) string {
	return amount.String() + " " + money.Currency
}

// number writes a whole number.
func number[N int | int32 | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// count writes a number with its noun, which takes an s when it is not one.
func count[N int | int32 | int64](n N, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// show writes a command's document to the standard output.
func (s *session) show(d document) error {
	s.shown = true
	if s.json {
		return s.writeJSON(d)
	}
	t := &text{out: s.out}
	d.writeText(t)
	if t.err != nil {
		return fmt.Errorf("write to the standard output: %w", t.err)
	}
	return nil
}

// writeJSON writes one JSON document on a line of its own.
func (s *session) writeJSON(v any) error {
	encoded, err := marshal(v)
	if err != nil {
		return err
	}
	if _, err := s.out.Write(append(encoded, '\n')); err != nil {
		return fmt.Errorf("write to the standard output: %w", err)
	}
	return nil
}

// marshal encodes JSON with '<', '>' and '&' as they are: it is no part of a web page.
func marshal(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}

// sayf writes a line about what goes on to the error stream.
func (s *session) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(s.err, format+"\n", args...)
}

// counts writes a total and its parts, in the order of their names: "10 (REMB 2, VENTE 8)".
func counts[K ~string](total int, numbers map[K]int) string {
	parts := make([]string, 0, len(numbers))
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, numbers[name]))
	}
	if len(parts) == 0 {
		return number(total)
	}
	return fmt.Sprintf("%d (%s)", total, strings.Join(parts, ", "))
}
