package cfonb_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

func day(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

// fill gives a record of spaces with texts at columns, from 1.
func fill(length int, at map[int]string) string {
	record := bytes.Repeat([]byte{' '}, length)
	for column, text := range at {
		copy(record[column-1:], text)
	}

	return string(record)
}

// with gives a record in which a text stands at a column.
func with(record string, column int, text string) string {
	return record[:column-1] + text + record[column-1+len(text):]
}

// The records of a statement, of which tests change one.
//
//nolint:gochecknoglobals // constants
var (
	opening = fill(120, map[int]string{1: "0130004", 12: "00123EUR2", 22: "0000123456A", 35: "310124", 91: "0000000001000{"})
	move    = fill(120, map[int]string{1: "0430004A12700123EUR2", 22: "0000123456A05010224", 43: "020224", 49: "VIR RECU", 82: "0000001", 91: "0000000000012C", 105: "REF1"})
	rcn     = fill(120, map[int]string{1: "0530004A12700123EUR2", 22: "0000123456A05010224", 46: "RCNE2E-1", 84: "FACTURE 7"})
	debit   = fill(120, map[int]string{1: "0430004B10000123EUR2", 22: "0000123456A0601022412", 43: "010224", 49: "VIR EMIS", 91: "0000000000100}"})
	closing = fill(120, map[int]string{1: "0730004", 12: "00123EUR2", 22: "0000123456A", 35: "010224", 91: "0000000000912C"})
)

func joined(records ...string) string { return strings.Join(records, "\n") + "\n" }

// booked is a statement with its movements, without lines.
type booked struct {
	cfonb.Statement

	Movements []cfonb.Movement
}

// read120 reads statements, and proves that the handler is called in order.
func read120(t require.TestingT, source io.Reader, options cfonb.Options) ([]booked, cfonb.Summary, error) {
	var (
		all  []booked
		open bool
	)

	summary, err := cfonb.Read120("f.txt", source, options, cfonb.StatementHandler{
		Begin: func(s *cfonb.Statement) error {
			open = true
			all = append(all, booked{Statement: *s})

			return nil
		},
		Movement: func(m *cfonb.Movement) error {
			require.True(t, open)

			kept := *m
			kept.Line, kept.Complements = 0, slices.Clone(m.Complements)
			if len(kept.Complements) == 0 {
				kept.Complements = nil
			}

			all[len(all)-1].Movements = append(all[len(all)-1].Movements, kept)

			return nil
		},
		End: func(s *cfonb.Statement) error {
			require.True(t, open)

			open = false
			last := &all[len(all)-1]
			require.Len(t, last.Movements, s.Movements)
			last.Statement = *s
			last.Line = 0

			return nil
		},
	})

	return all, summary, err
}

func write120(t require.TestingT, statements []booked, ending cfonb.Ending) []byte {
	var file bytes.Buffer

	w := cfonb.NewStatementWriter("f.txt", &file, ending)

	for _, s := range statements {
		require.NoError(t, w.Begin(s.Account, s.OpenedOn, s.Opening))

		for i := range s.Movements {
			require.NoError(t, w.Write(&s.Movements[i]))
		}

		require.NoError(t, w.End(s.ClosedOn))
	}

	summary, err := w.Close()
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(file.Bytes()), summary.SHA256)
	require.EqualValues(t, file.Len(), summary.Bytes)

	return file.Bytes()
}

func TestRead120(t *testing.T) {
	t.Parallel()

	file := joined(opening, move, rcn, debit, closing)
	statements, summary, err := read120(t, strings.NewReader(file), cfonb.Options{})
	require.NoError(t, err)
	require.Equal(t, cfonb.Summary{Records: 5, Groups: 1, Details: 2, SHA256: sha256.Sum256([]byte(file)), Bytes: int64(len(file))}, summary)
	require.Len(t, statements, 1)
	require.Equal(t, cfonb.Statement{
		Account: cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}, OpenedOn: day(t, "2024-01-31"), Opening: 10000,
		ClosedOn: day(t, "2024-02-01"), Closing: 9123, Movements: 2, Credits: 123, Debits: -1000,
	}, statements[0].Statement)
	require.Equal(t, []cfonb.Movement{
		{
			InternalCode: "A127", Code: "05", BookedOn: day(t, "2024-02-01"), ValueOn: day(t, "2024-02-02"), Label: "VIR RECU", Number: "0000001",
			Amount: 123, Reference: "REF1", Complements: []cfonb.Complement{cfonb.References("E2E-1", "FACTURE 7")},
		},
		{
			InternalCode: "B100", Code: "06", BookedOn: day(t, "2024-02-01"), RejectReason: "12", ValueOn: day(t, "2024-02-01"), Label: "VIR EMIS",
			Amount: -1000,
		},
	}, statements[0].Movements)
	require.Equal(t, "E2E-1", statements[0].Movements[0].EndToEndID())
	require.Equal(t, "FACTURE 7", statements[0].Movements[0].Purpose())
	require.Empty(t, statements[0].Movements[1].EndToEndID())
	require.Empty(t, statements[0].Movements[1].Purpose())
}

// TestRead120TellsRecordsApart reads the same records, framed in each way that files have.
func TestRead120TellsRecordsApart(t *testing.T) {
	t.Parallel()

	records := []string{opening, move, rcn, debit, closing}
	want, _, err := read120(t, strings.NewReader(joined(records...)), cfonb.Options{})
	require.NoError(t, err)

	for _, ending := range []string{"\n", "\r\n", ""} {
		for _, tail := range []string{"", ending, ending + "\x1a", ending + "\x0c", ending + "\x1a\x1a", ending + "\x1a\r\n", "\x1a", "\x1a\n", "\r\n", "\n"} {
			if ending == "\n" && tail == "\r\n" || ending == "\r\n" && (tail == "\n" || tail == "\x1a\n") {
				continue // a mix
			}

			file := strings.Join(records, ending) + tail

			for _, source := range []io.Reader{strings.NewReader(file), iotest.OneByteReader(strings.NewReader(file)), iotest.DataErrReader(strings.NewReader(file))} {
				got, summary, err := read120(t, source, cfonb.Options{})
				require.NoError(t, err, "%q %q", ending, tail)
				require.Equal(t, want, got)
				require.Equal(t, 5, summary.Records)
				require.Equal(t, sha256.Sum256([]byte(file)), summary.SHA256)
				require.EqualValues(t, len(file), summary.Bytes)
			}
		}
	}
}

// refused is what a test expects of a fault.
type refused struct {
	line, column int
	code         fault.Code
	reason       string // is in the reason
}

func requireFaults(t *testing.T, err error, want ...refused) {
	t.Helper()

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)

	got := make([]refused, 0, len(faults.Faults))

	for i, found := range faults.Faults {
		require.NotContains(t, found.Error(), "0000123456A")
		require.Equal(t, "f.txt", found.File)

		reason := found.Reason
		if i < len(want) && strings.Contains(reason, want[i].reason) {
			reason = want[i].reason
		}

		got = append(got, refused{line: found.Line, column: found.Column, code: found.Code, reason: reason})
	}

	require.Equal(t, want, got)
	require.Equal(t, len(want), faults.Count)
}

func TestRead120Refuses(t *testing.T) {
	t.Parallel()

	again := with(with(opening, 35, "010224"), 91, "0000000000912C")
	last := with(closing, 35, "020224")
	still := with(with(closing, 35, "310124"), 91, "0000000001000{")
	other := func(record string) string { return with(record, 32, "B") }

	for name, test := range map[string]struct {
		file string
		want []refused
	}{
		"nothing":                         {"", []refused{{0, 0, fault.CodeEmpty, "is empty"}}},
		"an end mark":                     {"\x1a", []refused{{0, 0, fault.CodeEmpty, "is empty"}}},
		"another format":                  {joined(strings.Repeat("x", 160)), []refused{{1, 0, cfonb.CodeLength, "has 160 bytes, a record of CFONB 120 has 120"}}},
		"a cut line":                      {joined(opening, strings.TrimRight(move, " "), debit, closing), []refused{{2, 0, cfonb.CodeLength, "has 108 bytes, a record of CFONB 120 has 120: it is cut, or an editor"}}},
		"a long line":                     {joined(opening, move+" ", debit, closing), []refused{{2, 0, cfonb.CodeLength, "has 121 bytes"}}},
		"a huge line":                     {joined(opening, strings.Repeat("x", 10<<20), move, debit, closing), []refused{{2, 0, cfonb.CodeLength, "has 4096 bytes or more"}}},
		"an empty line":                   {joined(opening, move, "", debit, closing), []refused{{3, 0, cfonb.CodeLength, "is empty"}}},
		"empty lines":                     {joined(opening, move, debit, closing, "", ""), []refused{{5, 0, cfonb.CodeLength, "is empty"}, {6, 0, cfonb.CodeLength, "is empty"}}},
		"a cut file":                      {joined(opening, move) + debit[:50], []refused{{3, 0, fault.CodeTruncated, "has 50 bytes at the end of the file"}, {0, 0, fault.CodeNoTrailer, "of line 1"}}},
		"a cut file of joined records":    {opening + move + debit[:50], []refused{{3, 0, fault.CodeTruncated, "has 50 bytes"}, {0, 0, fault.CodeNoTrailer, "of line 1"}}},
		"mixed endings":                   {opening + "\n" + move + "\r\n" + debit + "\r\n" + closing + "\n", []refused{{2, 0, fault.CodeLineEnding, "like the first"}}},
		"a break between joined records":  {opening + move + "\n" + debit + "\n" + closing, []refused{{3, 0, fault.CodeLineEnding, "follows a line break"}}},
		"a break within joined records":   {strings.Repeat(opening+still, 20) + opening + move[:100] + "\n" + debit + closing, []refused{{42, 0, cfonb.CodeLength, "has 100 bytes"}}},
		"something behind the end":        {joined(opening, move, debit, closing) + "\x1a\n" + opening, []refused{{5, 0, fault.CodeAfterTrailer, "end mark"}}},
		"an end mark within":              {joined(opening, move, debit+"\x1a", closing), []refused{{4, 0, fault.CodeAfterTrailer, "end mark"}}},
		"a tab":                           {joined(opening, with(move, 50, "\t"), debit, closing), []refused{{2, 50, fault.CodeControl, "control character"}}},
		"Windows-1252":                    {joined(opening, with(move, 50, "\x80"), debit, closing), []refused{{2, 50, fault.CodeControl, "Windows-1252"}}},
		"UTF-8":                           {joined(opening, strings.Replace(move, "VIR RECU", "VIR REÇU", 1), debit, closing), []refused{{2, 0, fault.CodeEncoding, "has 121 bytes of UTF-8 for 120 characters, a record of CFONB 120 has 120 bytes of ISO-8859-1"}}},
		"UTF-8 cut to fit":                {joined(opening, strings.Replace(move, "VIR RECU ", "VIR REÇU", 1), debit, closing), []refused{{2, 0, fault.CodeEncoding, "declare UTF-8"}}},
		"joined UTF-8":                    {opening + strings.Replace(move, "VIR RECU", "VIR REÇU", 1) + debit + closing, []refused{{2, 0, fault.CodeEncoding, "declare UTF-8"}}},
		"a byte order mark":               {"\xef\xbb\xbf" + joined(opening, move, debit, closing), []refused{{1, 0, fault.CodeByteOrderMark, "declare UTF-8"}}},
		"another record":                  {joined(opening, with(move, 1, "08"), debit, closing), []refused{{2, 1, fault.CodeRecord, "01, 04, 05 or 07"}}},
		"no opening":                      {joined(move, rcn, closing), []refused{{1, 1, fault.CodeNoHeader, "01"}, {3, 1, fault.CodeNoHeader, "01"}}},
		"two openings":                    {joined(opening, move, opening, move, debit, closing), []refused{{3, 1, fault.CodeHeaderAgain, "of line 1 has not ended"}}},
		"no closing":                      {joined(opening, move), []refused{{0, 0, fault.CodeNoTrailer, "of line 1"}}},
		"a movement behind":               {joined(opening, move, debit, closing, move), []refused{{5, 1, fault.CodeNoHeader, "stands in no statement"}}},
		"a first complement":              {joined(opening, rcn, move, debit, closing), []refused{{2, 1, cfonb.CodeOrphan, "04"}}},
		"a last complement":               {joined(opening, move, debit, closing, rcn), []refused{{5, 1, cfonb.CodeOrphan, "04"}}},
		"a balance":                       {joined(opening, move, debit, with(closing, 104, "D")), []refused{{4, 91, fault.CodeBalance, "is 91.24, and the opening balance 100.00 and the 2 movements -8.77 come to 91.23"}}},
		"a closing of another account":    {joined(opening, move, debit, other(closing)), []refused{{4, 3, cfonb.CodeAccount, "line 1"}}},
		"a closing of another bank":       {joined(opening, move, debit, with(closing, 3, "30003")), []refused{{4, 3, cfonb.CodeAccount, "line 1"}}},
		"a movement of another account":   {joined(opening, other(move), debit, closing), []refused{{2, 3, cfonb.CodeAccount, "line 1"}}},
		"a complement of another account": {joined(opening, move, other(rcn), debit, closing), []refused{{3, 3, cfonb.CodeAccount, "04"}}},
		"a closing before the opening":    {joined(opening, move, debit, with(closing, 35, "300124")), []refused{{4, 35, fault.CodeDate, "2024-01-31"}}},
		"two references":                  {joined(opening, move, rcn, rcn, debit, closing), []refused{{4, 46, fault.CodeDuplicate, "RCN"}}},
		"another day":                     {joined(opening, move, debit, closing, with(again, 35, "020224"), last), []refused{{5, 35, cfonb.CodeContinuity, "begins on 2024-02-02, and the statement before of this account ended on 2024-02-01 (line 4)"}}},
		"another balance":                 {joined(opening, move, debit, closing, with(again, 104, "D"), with(last, 104, "D")), []refused{{5, 91, cfonb.CodeContinuity, "begins with 91.24, and the statement before of this account ended with 91.23 (line 4)"}}},
		"dollars":                         {joined(opening, with(move, 17, "USD"), debit, closing), []refused{{2, 17, fault.CodeCurrency, "EUR"}}},
		"no decimals":                     {joined(opening, with(move, 20, " "), debit, closing), []refused{{2, 20, fault.CodeMissing, ""}}},
		"decimals":                        {joined(opening, with(move, 20, "x"), debit, closing), []refused{{2, 20, fault.CodePattern, "one digit"}}},
		"a part of a cent":                {joined(opening, with(move, 20, "3"), debit, closing), []refused{{2, 91, fault.CodeAmount, "3 decimal places"}}},
		"too many euros":                  {joined(opening, with(with(move, 20, "0"), 91, "9"), debit, closing), []refused{{2, 91, fault.CodeAmount, "largest"}}},
		"a bank":                          {joined(opening, with(move, 5, "x"), debit, closing), []refused{{2, 5, fault.CodePattern, "must be digits, 5 of them"}}},
		"an account":                      {joined(opening, with(move, 24, " "), debit, closing), []refused{{2, 24, fault.CodePattern, "11 of them"}}},
		"no account":                      {joined(opening, with(move, 22, strings.Repeat(" ", 11)), debit, closing), []refused{{2, 22, fault.CodeMissing, ""}}},
		"a code":                          {joined(opening, with(move, 33, "b"), debit, closing), []refused{{2, 33, fault.CodePattern, "capital"}}},
		"no day":                          {joined(opening, with(move, 35, "310224"), debit, closing), []refused{{2, 35, fault.CodeDate, "no day of the calendar: JJMMAA, of the year 2024"}}},
		"no date":                         {joined(opening, with(move, 35, "      "), debit, closing), []refused{{2, 35, fault.CodeMissing, ""}}},
		"half a date":                     {joined(opening, with(move, 43, " 10224"), debit, closing), []refused{{2, 43, fault.CodeDate, "digits"}}},
		"a blank amount":                  {joined(opening, with(move, 91, strings.Repeat(" ", 14)), debit, closing), []refused{{2, 91, fault.CodeAmount, "digit"}}},
		"a digit":                         {joined(opening, with(move, 95, "O"), debit, closing), []refused{{2, 95, fault.CodeAmount, "digit"}}},
		"a sign":                          {joined(opening, with(move, 104, "3"), debit, closing), []refused{{2, 104, fault.CodeAmount, "é and è"}}},
		"another sign":                    {joined(opening, with(move, 104, "S"), debit, closing), []refused{{2, 104, fault.CodeAmount, "for -0 to -9"}}},
		"an accent":                       {joined(opening, with(move, 104, "\xea"), debit, closing), []refused{{2, 104, fault.CodeAmount, "for -0 to -9"}}},
		"several": {joined(opening, with(with(move, 35, "310224"), 104, "3"), rcn, with(debit, 17, "CHF"), with(closing, 1, "  ")), []refused{
			{2, 35, fault.CodeDate, ""}, {2, 104, fault.CodeAmount, ""}, {4, 17, fault.CodeCurrency, ""}, {5, 1, fault.CodeRecord, ""}, {0, 0, fault.CodeNoTrailer, ""},
		}},
		"too many complements": {
			joined(opening, move, strings.TrimRight(strings.Repeat(with(rcn, 46, "LCC")+"\n", cfonb.MaxComplements+3), "\n"), debit, closing),
			[]refused{{cfonb.MaxComplements + 3, 0, fault.CodeTooManyLines, "complements"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, _, err := read120(t, strings.NewReader(test.file), cfonb.Options{})
			requireFaults(t, err, test.want...)
		})
	}
}

// TestRead120Follows has statements of two accounts in turn.
func TestRead120Follows(t *testing.T) {
	t.Parallel()

	other := func(record string) string { return with(record, 32, "B") }
	file := joined(opening, move, debit, closing, other(opening), other(move), other(debit), other(closing),
		with(with(opening, 35, "010224"), 91, "0000000000912C"), with(closing, 35, "020224"),
		other(with(with(opening, 35, "010224"), 91, "0000000000912C")), other(with(closing, 35, "010224")))

	statements, summary, err := read120(t, strings.NewReader(file), cfonb.Options{})
	require.NoError(t, err)
	require.Len(t, statements, 4)
	require.Equal(t, 4, summary.Groups)
	require.Equal(t, 4, summary.Details)
}

// TestRead120BoundsItsAccounts has one account more than are remembered, and a statement that follows of one that is.
func TestRead120BoundsItsAccounts(t *testing.T) {
	t.Parallel()

	still := with(with(closing, 35, "310124"), 91, opening[90:104])
	records := make([]string, 0, 2*cfonb.MaxAccounts+4)

	for i := range cfonb.MaxAccounts + 1 {
		number := fmt.Sprintf("%011d", i)
		records = append(records, with(opening, 22, number), with(still, 22, number))
	}

	records = append(records, records[:2]...)
	_, _, err := read120(t, strings.NewReader(joined(records...)), cfonb.Options{})
	requireFaults(t, err, refused{2*cfonb.MaxAccounts + 1, 0, fault.CodeTooManyLines, "accounts"})
}

// TestAmounts reads each digit that bears a sign, in both spellings of zero, and each number of decimals.
func TestAmounts(t *testing.T) {
	t.Parallel()

	amount := func(decimals, text string) money.Cents {
		file := joined(with(with(opening, 20, decimals), 91, text), with(with(closing, 20, decimals), 91, text))
		statements, _, err := read120(t, strings.NewReader(file), cfonb.Options{})
		require.NoError(t, err, text)

		return statements[0].Closing
	}

	for i := range 10 {
		require.EqualValues(t, 1230+i, amount("2", "0000000000123"+"{ABCDEFGHI"[i:i+1]))
		require.EqualValues(t, -1230-i, amount("2", "0000000000123"+"}JKLMNOPQR"[i:i+1]))
	}

	require.EqualValues(t, 1230, amount("2", "0000000000123\xe9"))
	require.EqualValues(t, -1230, amount("2", "0000000000123\xe8"))
	require.Equal(t, money.Max, amount("2", "9999999999999I"))
	require.Equal(t, -money.Max, amount("2", "9999999999999R"))
	require.EqualValues(t, 123_400, amount("0", "0000000000123D"))
	require.EqualValues(t, -12_340, amount("1", "0000000000123M"))
	require.EqualValues(t, 123, amount("3", "0000000000123{"))
	require.EqualValues(t, 12, amount("9", "0000012000000{"))
}

// TestDates reads the window of years of two digits.
func TestDates(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"010170": "1970-01-01", "311299": "1999-12-31", "010100": "2000-01-01", "290224": "2024-02-29", "311269": "2069-12-31",
	} {
		statements, _, err := read120(t, strings.NewReader(joined(with(opening, 35, text), with(with(closing, 35, text), 91, opening[90:104]))), cfonb.Options{})
		require.NoError(t, err, text)
		require.Equal(t, want, statements[0].OpenedOn.String())
	}

	for _, none := range []string{"      ", "000000"} {
		statements, _, err := read120(t, strings.NewReader(joined(opening, with(move, 43, none), debit, closing)), cfonb.Options{})
		require.NoError(t, err, none)
		require.True(t, statements[0].Movements[0].ValueOn.IsZero())
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()

	label := func(options cfonb.Options, text string) string {
		file := joined(opening, strings.Replace(move, "VIR RECU", text, 1), debit, closing)
		statements, _, err := read120(t, iotest.HalfReader(strings.NewReader(file)), options)
		require.NoError(t, err, "%q", text)

		return statements[0].Movements[0].Label
	}

	require.Equal(t, "REÇU @#[", label(cfonb.Options{}, "RE\xc7U @#["))
	require.Equal(t, "é à è b.", label(cfonb.Options{}, "{ \xe0 } b."))
	require.Equal(t, "£à°ç§µéù", label(cfonb.Options{Encoding: cfonb.French7}, "#@[\\]`{|"))
	require.Equal(t, "è¨^_ A", label(cfonb.Options{Encoding: cfonb.French7}, "}~^_ A  "))
	require.Equal(t, "REÇU É à", label(cfonb.Options{Encoding: cfonb.UTF8}, "REÇU É à"))
	require.Equal(t, "Ã©", label(cfonb.Options{Encoding: cfonb.UTF8}, "Ã©      "))

	// Without line breaks, a length in characters counts; a byte order mark is none of them.
	file := "\ufeff" + opening + strings.Replace(move, "VIR RECU", "VIR REÇU", 1) + with(debit, 104, "}") + closing
	statements, summary, err := read120(t, iotest.OneByteReader(strings.NewReader(file)), cfonb.Options{Encoding: cfonb.UTF8})
	require.NoError(t, err)
	require.Equal(t, "VIR REÇU", statements[0].Movements[0].Label)
	require.Equal(t, sha256.Sum256([]byte(file)), summary.SHA256)

	for text, options := range map[string]cfonb.Options{
		"REÇU":         {Encoding: cfonb.French7},
		"10 €":         {Encoding: cfonb.UTF8},
		"RE\xc7U":      {Encoding: cfonb.UTF8},
		"A\ufeffB":     {Encoding: cfonb.UTF8},
		"NUL\x00":      {Encoding: cfonb.UTF8},
		"RE\xc7U 7":    {Encoding: cfonb.French7},
		"\xc3\x87":     {},
		"\xf0\x9f\x98": {Encoding: cfonb.UTF8},
	} {
		file := joined(opening, strings.Replace(move, "VIR RECU"[:len([]rune(text))], text, 1), debit, closing)
		_, _, err := read120(t, strings.NewReader(file), options)

		var faults *fault.Faults

		require.ErrorAs(t, err, &faults, "%q", text)
		require.Equal(t, faults.Count, faults.ByCode[fault.CodeEncoding], "%q: %v", text, err)
	}

	// What is cut off at the end of the file is no character.
	_, _, err = read120(t, strings.NewReader(opening+closing[:119]+"\xc3"), cfonb.Options{Encoding: cfonb.UTF8})
	requireFaults(t, err, refused{2, 120, fault.CodeEncoding, "not UTF-8"}, refused{0, 0, fault.CodeNoTrailer, ""})
}

func TestRead120EndsWithItsSourceAndItsHandler(t *testing.T) {
	t.Parallel()

	broken := errors.New("broken")

	for _, source := range []io.Reader{
		io.MultiReader(strings.NewReader(opening), iotest.ErrReader(broken)), iotest.ErrReader(broken),
	} {
		for _, encoding := range []cfonb.Encoding{cfonb.Latin1, cfonb.UTF8} {
			_, _, err := read120(t, source, cfonb.Options{Encoding: encoding})
			require.ErrorIs(t, err, broken)
		}
	}

	_, _, err := read120(t, endless{}, cfonb.Options{})
	require.ErrorIs(t, err, io.ErrNoProgress)

	file := joined(opening, move, debit, closing)

	for i, handler := range []cfonb.StatementHandler{
		{Begin: func(*cfonb.Statement) error { return broken }},
		{Movement: func(*cfonb.Movement) error { return broken }},
		{End: func(*cfonb.Statement) error { return broken }},
	} {
		_, err := cfonb.Read120("f.txt", strings.NewReader(file), cfonb.Options{}, handler)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, fmt.Sprintf("read f.txt: line %d: ", []int{1, 3, 4}[i]))
	}

	_, err = cfonb.Read120("f.txt", strings.NewReader(joined(opening, move)), cfonb.Options{}, cfonb.StatementHandler{
		Movement: func(*cfonb.Movement) error { return broken },
	})
	require.ErrorIs(t, err, broken, "the last movement is given at the end of the file")

	_, err = cfonb.Read120("f.txt", strings.NewReader(file), cfonb.Options{}, cfonb.StatementHandler{})
	require.NoError(t, err)
}

// endless gives neither bytes nor an error.
type endless struct{}

func (endless) Read([]byte) (int, error) { return 0, nil }

func TestAccount(t *testing.T) {
	t.Parallel()

	account := cfonb.Account{Bank: "20041", Branch: "01005", Number: "0500013M026"}
	require.True(t, account.Is("FR1420041010050500013M02606"))

	for _, other := range []string{
		"", "FR14", "FR1520041010050500013M02606", "DE89370400440532013000", "BE1420041010050500013M02606", "fr1420041010050500013M02606",
		"FR14 2004 1010 0505 0001 3M02 606",
	} {
		require.False(t, account.Is(other), other)
	}

	for _, changed := range []cfonb.Account{
		{}, {Bank: "20042", Branch: "01005", Number: "0500013M026"}, {Bank: "20041", Branch: "01006", Number: "0500013M026"},
		{Bank: "20041", Branch: "01005", Number: "0500013M027"},
	} {
		require.False(t, changed.Is("FR1420041010050500013M02606"))
	}

	require.Equal(t, "20041 01005 …026", account.String())
	require.Equal(t, "  …1", cfonb.Account{Number: "1"}.String())
}

func TestReferences(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([A-Zé0-9]([ A-Zé0-9/]{0,33}[A-Zé0-9])?)?`)
		endToEndID, purpose := text.Draw(t, "endToEndId"), text.Draw(t, "purpose")
		m := cfonb.Movement{Complements: []cfonb.Complement{{Qualifier: "LCC", Text: "X"}, cfonb.References(endToEndID, purpose)}}
		require.Equal(t, endToEndID, m.EndToEndID())
		require.Equal(t, purpose, m.Purpose())
	})
}

// texts gives what a writer takes, no more than that many characters: without braces, without a space at the end, and
// without accents that would be UTF-8 together.
func texts(length int) *rapid.Generator[string] {
	return rapid.Map(rapid.StringOfN(rapid.RuneFrom([]rune("AZaz09 éèçàÿ.,/-@#|~ ")), 0, length, -1), func(text string) string {
		return strings.TrimRight(text, " ")
	})
}

func days() *rapid.Generator[calendar.Date] {
	return rapid.Map(rapid.IntRange(0, 36_524), func(n int) calendar.Date {
		first, _ := calendar.NewDate(1970, 1, 1)

		return first.AddDays(n)
	})
}

func amounts(limit int64) *rapid.Generator[money.Cents] {
	return rapid.Map(rapid.Int64Range(-limit, limit), func(n int64) money.Cents { return money.Cents(n) })
}

func accounts() *rapid.Generator[cfonb.Account] {
	return rapid.Custom(func(t *rapid.T) cfonb.Account {
		return cfonb.Account{
			Bank:   rapid.StringMatching(`[0-9]{5}`).Draw(t, "bank"),
			Branch: rapid.StringMatching(`[0-9]{5}`).Draw(t, "branch"),
			Number: rapid.StringMatching(`[0-9A-Z]{11}`).Draw(t, "account"),
		}
	})
}

func movements() *rapid.Generator[cfonb.Movement] {
	return rapid.Custom(func(t *rapid.T) cfonb.Movement {
		m := cfonb.Movement{
			InternalCode: texts(4).Draw(t, "internalCode"), Code: rapid.StringMatching(`[0-9A-Z]{2}`).Draw(t, "code"),
			BookedOn: days().Draw(t, "bookedOn"), RejectReason: rapid.StringMatching(`([0-9A-Z]{2})?`).Draw(t, "rejectReason"),
			Label: texts(31).Draw(t, "label"), Number: texts(7).Draw(t, "number"), Exemption: texts(1).Draw(t, "exemption"),
			Unavailable: texts(1).Draw(t, "unavailable"), Amount: amounts(1_000_000_000).Draw(t, "amount"), Reference: texts(16).Draw(t, "reference"),
		}
		if rapid.Bool().Draw(t, "valued") {
			m.ValueOn = days().Draw(t, "valueOn")
		}

		for range rapid.IntRange(0, 3).Draw(t, "complements") {
			m.Complements = append(m.Complements, cfonb.Complement{
				Qualifier: rapid.SampledFrom([]string{"LIB", "NPY", "LC2", "REF", "X"}).Draw(t, "qualifier"), Text: texts(70).Draw(t, "text"),
			})
		}

		if rapid.Bool().Draw(t, "referenced") {
			m.Complements = append(m.Complements, cfonb.References(texts(35).Draw(t, "endToEndId"), texts(35).Draw(t, "purpose")))
			last := &m.Complements[len(m.Complements)-1]
			last.Text = strings.TrimRight(last.Text, " ")
		}

		return m
	})
}

func endings() *rapid.Generator[cfonb.Ending] {
	return rapid.SampledFrom([]cfonb.Ending{cfonb.LF, cfonb.CRLF, cfonb.Joined})
}

// TestWhatIsWrittenIsRead writes statements of some accounts, each after the one before, and reads them.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var (
			statements []booked
			last       = make(map[cfonb.Account]cfonb.Statement)
			known      = rapid.SliceOfNDistinct(accounts(), 1, 3, rapid.ID[cfonb.Account]).Draw(t, "accounts")
		)

		for range rapid.IntRange(1, 5).Draw(t, "statements") {
			s := booked{Movements: rapid.SliceOfN(movements(), 0, 4).Draw(t, "movements")}
			s.Account = rapid.SampledFrom(known).Draw(t, "account")
			s.OpenedOn, s.Opening = day(t, "2024-02-28"), amounts(int64(money.Max)-10_000_000_000).Draw(t, "opening")

			if before, found := last[s.Account]; found {
				s.OpenedOn, s.Opening = before.ClosedOn, before.Closing
			}

			s.ClosedOn = s.OpenedOn.AddDays(rapid.IntRange(0, 3).Draw(t, "days"))
			s.Closing = s.Opening
			s.Statement.Movements = len(s.Movements)

			for _, m := range s.Movements {
				s.Closing += m.Amount
				if m.Amount < 0 {
					s.Debits += m.Amount
				} else {
					s.Credits += m.Amount
				}
			}

			last[s.Account] = s.Statement
			statements = append(statements, s)
		}

		read, _, err := read120(t, bytes.NewReader(write120(t, statements, endings().Draw(t, "ending"))), cfonb.Options{})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%+v", statements), fmt.Sprintf("%+v", read))
	})
}

func TestStatementWriterRefuses(t *testing.T) {
	t.Parallel()

	account := cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}
	first := day(t, "2024-01-31")
	good := cfonb.Movement{Code: "05", BookedOn: first, Amount: 1}

	for name, test := range map[string]struct {
		change func(*cfonb.Movement)
		field  string
		code   fault.Code
	}{
		"a long text":           {func(m *cfonb.Movement) { m.Label = strings.Repeat("é", 32) }, "label", fault.CodeTooLong},
		"a brace":               {func(m *cfonb.Movement) { m.Label = "A{B" }, "label", fault.CodePattern},
		"a space at the end":    {func(m *cfonb.Movement) { m.Label = "A " }, "label", fault.CodePattern},
		"a euro sign":           {func(m *cfonb.Movement) { m.Label = "10 €" }, "label", fault.CodeEncoding},
		"no UTF-8":              {func(m *cfonb.Movement) { m.Label = "A\xff" }, "label", fault.CodeEncoding},
		"what looks like UTF-8": {func(m *cfonb.Movement) { m.Label = "Ã©" }, "", fault.CodeEncoding},
		"a line break":          {func(m *cfonb.Movement) { m.Label = "A\nB" }, "", fault.CodeControl},
		"no code":               {func(m *cfonb.Movement) { m.Code = "" }, "code", fault.CodeMissing},
		"a small letter":        {func(m *cfonb.Movement) { m.Code = "b1" }, "code", fault.CodePattern},
		"no day":                {func(m *cfonb.Movement) { m.BookedOn = calendar.Date{} }, "date", fault.CodeMissing},
		"a day too late":        {func(m *cfonb.Movement) { m.ValueOn = day(t, "2070-01-01") }, "valueDate", fault.CodePattern},
		"a large amount":        {func(m *cfonb.Movement) { m.Amount = money.Max + 1 }, "amount", fault.CodeAmount},
		"a balance too large":   {func(m *cfonb.Movement) { m.Amount = money.Max }, "", fault.CodeAmount},
		"a long end-to-end id": {func(m *cfonb.Movement) {
			m.Complements = []cfonb.Complement{cfonb.References(strings.Repeat("A", 71), "")}
		}, "text", fault.CodeTooLong},
		"two references": {func(m *cfonb.Movement) {
			m.Complements = []cfonb.Complement{cfonb.References("A", "B"), cfonb.References("A", "B")}
		}, "", fault.CodeDuplicate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := cfonb.NewStatementWriter("f.txt", io.Discard, cfonb.LF)
			require.NoError(t, w.Begin(account, first, 100))
			require.NoError(t, w.Write(&good))

			bad := good
			test.change(&bad)

			var refused *fault.Fault

			require.ErrorAs(t, w.Write(&bad), &refused)
			require.Equal(t, "f.txt", refused.File)
			require.GreaterOrEqual(t, refused.Line, 3)
			require.Equal(t, test.code, refused.Code, refused.Error())

			if test.field != "" {
				require.Equal(t, test.field, refused.Field)
			}

			require.Equal(t, refused, w.Write(&good), "the file is spoiled")
			_, err := w.Close()
			require.Equal(t, refused, err)
		})
	}

	for name, test := range map[string]struct {
		write func(*cfonb.StatementWriter) error
		code  fault.Code
	}{
		"no statement": {func(*cfonb.StatementWriter) error { return nil }, fault.CodeEmpty},
		"no opening":   {func(w *cfonb.StatementWriter) error { return w.Write(&good) }, fault.CodeMissing},
		"no end":       {func(w *cfonb.StatementWriter) error { return w.Begin(account, first, 1) }, fault.CodeNoTrailer},
		"no account":   {func(w *cfonb.StatementWriter) error { return w.Begin(cfonb.Account{}, first, 1) }, fault.CodeMissing},
		"two beginnings": {func(w *cfonb.StatementWriter) error {
			return errors.Join(w.Begin(account, first, 1), w.Begin(account, first, 1))
		}, fault.CodeHeaderAgain},
		"an end before the beginning": {func(w *cfonb.StatementWriter) error {
			return errors.Join(w.Begin(account, first, 1), w.End(first.AddDays(-1)))
		}, fault.CodeDate},
		"another balance": {func(w *cfonb.StatementWriter) error {
			return errors.Join(w.Begin(account, first, 1), w.End(first), w.Begin(account, first, 2))
		}, cfonb.CodeContinuity},
	} {
		w := cfonb.NewStatementWriter("f.txt", io.Discard, cfonb.LF)
		err := test.write(w)

		if err == nil {
			_, err = w.Close()
		}

		var refused *fault.Fault

		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, test.code, refused.Code, name)
	}
}

// TestWritersEndWithTheirDestination fills the buffer, so that the destination is asked before the end and at it.
func TestWritersEndWithTheirDestination(t *testing.T) {
	t.Parallel()

	account := cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}
	first := day(t, "2024-01-31")

	for _, statements := range []int{1, 100} {
		w := cfonb.NewStatementWriter("f.txt", closedPipe{}, cfonb.LF)

		for range statements {
			if w.Begin(account, first, 1) != nil || w.End(first) != nil {
				break
			}
		}

		_, err := w.Close()
		require.ErrorIs(t, err, io.ErrClosedPipe)
	}
}

type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestGolden120 holds the bytes of a file of ours.
func TestGolden120(t *testing.T) {
	t.Parallel()

	golden, err := os.ReadFile(filepath.Join("testdata", "statements.120"))
	require.NoError(t, err)

	account := cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}
	first := day(t, "2024-01-31")
	statements := []booked{
		{
			Statement: cfonb.Statement{Account: account, OpenedOn: first, Opening: 10000, ClosedOn: first.AddDays(1), Closing: 9123, Movements: 2, Credits: 123, Debits: -1000},
			Movements: []cfonb.Movement{
				{
					InternalCode: "A127", Code: "05", BookedOn: first.AddDays(1), ValueOn: first.AddDays(2), Label: "VIR REÇU DE CHEZ NOËL", Number: "0000001",
					Exemption: "0", Unavailable: "1", Amount: 123, Reference: "REF1",
					Complements: []cfonb.Complement{{Qualifier: "NPY", Text: "NOËL"}, cfonb.References("E2E-1", "FACTURE 7")},
				},
				{InternalCode: "B100", Code: "06", BookedOn: first.AddDays(1), RejectReason: "12", Label: "VIR ÉMIS", Amount: -1000},
			},
		},
		{Statement: cfonb.Statement{Account: account, OpenedOn: first.AddDays(1), Opening: 9123, ClosedOn: first.AddDays(1), Closing: 9123}},
	}

	require.Equal(t, string(golden), string(write120(t, statements, cfonb.LF)))

	read, _, err := read120(t, bytes.NewReader(golden), cfonb.Options{})
	require.NoError(t, err)
	require.Equal(t, statements, read)
}

// samples gives the folder of other projects' files.
func samples(t *testing.T) string {
	t.Helper()

	folder := os.Getenv("REGLO_TEST_BANK_SAMPLES")
	if folder == "" {
		t.Skip("REGLO_TEST_BANK_SAMPLES names no folder of banks' files")
	}

	return filepath.Join(folder, "cfonb")
}

// TestSamples120 reads files that other projects' tests have. What is wrong with some of them is what they are refused for.
func TestSamples120(t *testing.T) {
	t.Parallel()

	folder := samples(t)

	for name, count := range map[string]map[fault.Code]int{
		"simple-test.txt":       nil,
		"test-unused-parts.txt": nil,
		// Made anonymous by halves, with empty lines, and with a statement of another week.
		"complex-test.txt":    {cfonb.CodeLength: 3, cfonb.CodeAccount: 3, cfonb.CodeContinuity: 1},
		"non-strict-test.txt": {cfonb.CodeLength: 3, cfonb.CodeAccount: 3, cfonb.CodeContinuity: 1},
	} {
		file, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)

		_, summary, err := read120(t, bytes.NewReader(file), cfonb.Options{})
		if count == nil {
			require.NoError(t, err, name)
			require.Positive(t, summary.Groups)

			continue
		}

		var faults *fault.Faults

		require.ErrorAs(t, err, &faults, name)
		require.Equal(t, count, faults.ByCode, "%s: %+v", name, faults.Faults)
	}
}

// FuzzRead120 proves that a file is read or refused, and that what is read can be written and read again.
func FuzzRead120(f *testing.F) {
	for _, file := range []string{
		joined(opening, move, rcn, debit, closing), opening + move + closing, strings.ReplaceAll(joined(opening, debit, closing), "\n", "\r\n") + "\x1a",
		joined(opening, with(move, 50, "\xe9{#"), with(closing, 104, "\xe8")), "\ufeff" + joined(opening, strings.Replace(move, "E", "É", 1), closing),
		joined(with(opening, 20, "0"), with(closing, 91, "0000000100000{")),
	} {
		for encoding := range byte(3) {
			f.Add([]byte(file), encoding)
		}
	}

	f.Fuzz(func(t *testing.T, file []byte, encoding byte) {
		options := cfonb.Options{Encoding: cfonb.Encoding(encoding % 3)}
		statements, summary, err := read120(t, bytes.NewReader(file), options)
		requireJudged(t, file, summary, err)

		if err != nil || options.Encoding != cfonb.Latin1 {
			return
		}

		again, _, err := read120(t, bytes.NewReader(write120(t, statements, cfonb.CRLF)), cfonb.Options{})
		require.NoError(t, err)
		require.Equal(t, statements, again)
	})
}

// requireJudged proves that a file was refused as a whole or read as a whole.
func requireJudged(t *testing.T, file []byte, summary cfonb.Summary, err error) {
	t.Helper()

	if err != nil {
		var faults *fault.Faults

		require.ErrorAs(t, err, &faults)
		require.Positive(t, faults.Count)

		return
	}

	require.Positive(t, summary.Records)
	require.Equal(t, sha256.Sum256(file), summary.SHA256)
	require.EqualValues(t, len(file), summary.Bytes)
}
