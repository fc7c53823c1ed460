package settlement_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

const (
	headerText = "H;ogep-cre/1;Fichier.CRE.EP.TI.UEP.txt;TRANSACTION;00000120190725UEP;100;20190725;EUR;2019-07-25T06:00:00+02:00"
	saleText   = "D;1;CRE-1;1A17660007;73282932000074;1234567;CB;VENTE;1011;9;2019-07-24T10:25:55+02:00;20190726;A1;;;" +
		"RBCRR      CB10:25:55C1234567121119"
	refundText = "D;2;CRE-2;1A17660007;73282932000074;1234567;VISA;REMB;-500;0;2019-07-24T11:00:00Z;20190726;A2;CRE-0;;REMB"
)

// plain gives zero for an amount that cannot be read.
func plain(amount string) int {
	value, err := strconv.Atoi(amount)
	if err != nil || value > int(money.Max) {
		return 0
	}

	return value
}

// seal joins lines and adds the trailer that belongs to them, computed the plain way.
func seal(records ...string) string {
	body := strings.Join(records, "\n") + "\n"
	count, gross, commission := 0, 0, 0

	for _, record := range records {
		if columns := strings.Split(record, ";"); columns[0] == "D" {
			count++

			if len(columns) == 16 {
				gross += plain(columns[8])
				commission += plain(columns[9])
			}
		}
	}

	sum := sha256.Sum256([]byte(body))

	return fmt.Sprintf("%sT;%d;%d;%d;%s\n", body, count, gross, commission, hex.EncodeToString(sum[:]))
}

// with gives a record with one column changed.
func with(record string, column int, value string) string {
	columns := strings.Split(record, ";")
	columns[column] = value

	return strings.Join(columns, ";")
}

func faultsOf(t *testing.T, file string, options lines.Options) *fault.Faults {
	t.Helper()

	_, _, err := readAll(file, options)

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Len(t, faults.Faults, min(faults.Count, fault.MaxDetailed))

	return faults
}

func TestReadAcceptsTheReferenceFile(t *testing.T) {
	t.Parallel()

	file := seal(headerText, saleText, refundText)
	summary, good, err := readAll(file, lines.Options{})
	require.NoError(t, err)
	require.Equal(t, 2, summary.Lines)
	require.EqualValues(t, 511, summary.Gross)
	require.EqualValues(t, 9, summary.Commission)
	require.Equal(t, sha256.Sum256([]byte(file)), summary.SHA256)
	require.Equal(t, "00000120190725UEP", summary.Reference)
	require.Equal(t, "20190725", summary.SettlementDate.Compact())
	require.Equal(t, []string{saleText + "\n", strings.Replace(refundText, "11:00:00Z", "13:00:00+02:00", 1) + "\n"}, good)

	empty, good, err := readAll(seal(headerText), lines.Options{})
	require.NoError(t, err, "a file may have no line")
	require.Zero(t, empty.Lines)
	require.Empty(t, good)
}

// TestReadRefusesAField changes one field of a good file, and expects the one fault that names it.
func TestReadRefusesAField(t *testing.T) {
	t.Parallel()

	const (
		inHeader = 1
		inSale   = 2
		inRefund = 3
	)

	long := strings.Repeat("x", 300)

	for _, test := range []struct {
		line, column int
		value, field string
		code         fault.Code
	}{
		{inHeader, 1, "ogep-cre/2", "format", fault.CodeFormat},
		{inHeader, 1, "", "format", fault.CodeFormat},
		{inHeader, 2, "", "fileName", fault.CodeMissing},
		{inHeader, 2, long, "fileName", fault.CodeTooLong},
		{inHeader, 3, "transaction", "kind", fault.CodeUnknown},
		{inHeader, 4, "", "reference", fault.CodeMissing},
		{inHeader, 4, "a/b", "reference", fault.CodePattern},
		{inHeader, 4, long, "reference", fault.CodeTooLong},
		{inHeader, 5, "1 0", "operationType", fault.CodePattern},
		{inHeader, 6, "20190230", "settlementDate", fault.CodeDate},
		{inHeader, 7, "USD", "currency", fault.CodeCurrency},
		{inHeader, 8, "2019-07-25", "createdAt", fault.CodeDate},
		{inSale, 1, "2", "lineNo", fault.CodeLineNumber},
		{inSale, 1, "01", "lineNo", fault.CodePattern},
		{inSale, 1, "0", "lineNo", fault.CodeLineNumber},
		{inSale, 1, "1234567890", "lineNo", fault.CodePattern},
		{inSale, 1, "x", "lineNo", fault.CodePattern},
		{inRefund, 1, "3", "lineNo", fault.CodeLineNumber},
		{inSale, 2, "", "creId", fault.CodeMissing},
		{inSale, 2, long, "creId", fault.CodeTooLong},
		{inSale, 2, "CRE 1", "creId", fault.CodePattern},
		{inSale, 2, "CRÉ-1", "creId", fault.CodePattern},
		{inSale, 3, "1a17660007", "accountId", fault.CodePattern},
		{inSale, 3, "1A1766000", "accountId", fault.CodePattern},
		{inSale, 3, "1A1766000A", "accountId", fault.CodePattern},
		{inSale, 4, "73282932000075", "siret", fault.CodeSiret},
		{inSale, 4, "7328293200007", "siret", fault.CodeSiret},
		{inSale, 5, long, "contract", fault.CodeTooLong},
		{inSale, 6, "AMEX", "scheme", fault.CodeUnknown},
		{inSale, 6, "cb", "scheme", fault.CodeUnknown},
		{inSale, 7, "VENTES", "type", fault.CodeUnknown},
		{inRefund, 7, "IMPAYE", "type", fault.CodeKind},
		{inSale, 7, "REPRES", "type", fault.CodeKind},
		{inSale, 8, "-1011", "grossCents", fault.CodeSign},
		{inRefund, 8, "500", "grossCents", fault.CodeSign},
		{inSale, 8, "0", "grossCents", fault.CodeSign},
		{inRefund, 8, "0", "grossCents", fault.CodeSign},
		{inSale, 8, "", "grossCents", fault.CodeAmount},
		{inSale, 8, "1e3", "grossCents", fault.CodeAmount},
		{inSale, 8, "12.5", "grossCents", fault.CodeAmount},
		{inSale, 8, "+5", "grossCents", fault.CodeAmount},
		{inSale, 8, "007", "grossCents", fault.CodeAmount},
		{inRefund, 8, "-05", "grossCents", fault.CodeAmount},
		{inRefund, 8, "-", "grossCents", fault.CodeAmount},
		{inSale, 8, " 5", "grossCents", fault.CodeAmount},
		{inSale, 8, "99999999999999999999", "grossCents", fault.CodeAmount},
		{inSale, 8, "100000000000000", "grossCents", fault.CodeAmount},
		{inSale, 9, "-1", "commissionCents", fault.CodeSign},
		{inSale, 9, "-0", "commissionCents", fault.CodeAmount},
		{inSale, 9, "100000000000000", "commissionCents", fault.CodeAmount},
		{inSale, 10, "2019-02-30T10:25:55+02:00", "transactionDate", fault.CodeDate},
		{inSale, 10, "2019-02-28 10:25:55+02:00", "transactionDate", fault.CodeDate},
		{inSale, 10, "2019-02-28T10:25:55", "transactionDate", fault.CodeDate},
		{inSale, 10, "2019-02-28T24:00:00Z", "transactionDate", fault.CodeDate},
		{inSale, 10, "1969-02-28T10:00:00Z", "transactionDate", fault.CodeDate},
		{inSale, 11, "20190230", "valueDate", fault.CodeDate},
		{inSale, 11, "2019-02-28", "valueDate", fault.CodeDate},
		{inSale, 11, "", "valueDate", fault.CodeDate},
		{inSale, 12, long, "acquirerRef", fault.CodeTooLong},
		{inSale, 13, long, "originalRef", fault.CodeTooLong},
		{inSale, 14, long, "reasonCode", fault.CodeTooLong},
		{inSale, 15, "", "label", fault.CodeMissing},
		{inSale, 15, strings.Repeat("é", settlement.MaxLabel+1), "label", fault.CodeTooLong},
	} {
		t.Run(test.field+" "+test.value[:min(len(test.value), 20)], func(t *testing.T) {
			t.Parallel()

			records := []string{headerText, saleText, refundText}
			records[test.line-1] = with(records[test.line-1], test.column, test.value)
			faults := faultsOf(t, seal(records...), lines.Options{})

			// A wrong number also puts the next line out of order.
			if test.code == fault.CodeLineNumber && test.line == inSale {
				require.Equal(t, "lineNo", faults.Faults[len(faults.Faults)-1].Field)
			} else {
				require.Len(t, faults.Faults, 1, "%v", faults.Faults)
			}

			found := faults.Faults[0]
			require.Equal(t, test.code, found.Code)
			require.Equal(t, test.field, found.Field)
			require.Equal(t, "cre.txt", found.File)
			require.Equal(t, test.line, found.Line)
			require.Equal(t, fault.Printable([]byte(test.value)), found.Value)
			require.NotEmpty(t, found.Reason)

			// The value stands where the fault says.
			line := []rune(records[test.line-1])
			require.True(t, strings.HasPrefix(string(line[found.Column-1:]), test.value))
			require.Equal(t, ';', line[found.Column-2])
			require.False(t, faults.Incomplete())
		})
	}
}

// TestReadRefusesAFile expects the faults of files that are wrong as a whole.
func TestReadRefusesAFile(t *testing.T) {
	t.Parallel()

	good := seal(headerText, saleText, refundText)
	trailer := good[strings.LastIndex(good[:len(good)-1], "\n")+1 : len(good)-1]
	body := strings.TrimSuffix(good, trailer+"\n")
	many := with(with(saleText, 2, "CRE-9"), 8, "99999999999999")

	for _, test := range []struct {
		name, file string
		want       []string // code, line and column of each fault
		incomplete bool
	}{
		{"empty", "", []string{"EMPTY_FILE 0:0"}, true},
		{"header only", headerText + "\n", []string{"NO_TRAILER 0:0"}, true},
		{"no trailer", body, []string{"NO_TRAILER 0:0"}, true},
		{"last line cut", good[:len(good)-1], []string{"TRUNCATED 4:0"}, true},
		{"cut within a line", good[:300], []string{"TRUNCATED 3:0"}, true},
		{"no header", seal(saleText, refundText), []string{"NO_HEADER 1:0"}, false},
		{"another file", "<xml>\n", []string{"RECORD 1:0", "NO_TRAILER 0:0"}, true},
		{"second header", seal(headerText, headerText, saleText), []string{"HEADER_AGAIN 2:0"}, false},
		{"unknown record", seal(headerText, saleText, "X;1"), []string{"RECORD 3:0"}, false},
		{"empty line", seal(headerText, "", saleText), []string{"RECORD 2:0"}, false},
		{"short line", seal(headerText, saleText, "D;2;CRE-2"), []string{"RECORD 3:0"}, false},
		{"column too many", seal(headerText, saleText, refundText+";"), []string{"RECORD 3:0"}, false},
		{"short header", seal("H;ogep-cre/1", saleText), []string{"RECORD 1:0"}, false},
		{"short trailer", body + "T;2\n", []string{"RECORD 4:0"}, false},
		{"after the trailer", good + "\n" + saleText + "\n", []string{"AFTER_TRAILER 5:0", "AFTER_TRAILER 6:0"}, false},
		{"two trailers", good + trailer + "\n", []string{"AFTER_TRAILER 5:0"}, false},
		{"wrong count", body + with(trailer, 1, "3") + "\n", []string{"TRAILER_COUNT 4:3"}, false},
		{"wrong gross", body + with(trailer, 2, "-511") + "\n", []string{"TRAILER_SUM 4:5"}, false},
		{"wrong commission", body + with(trailer, 3, "8") + "\n", []string{"TRAILER_SUM 4:9"}, false},
		{"wrong checksum", body + with(trailer, 4, strings.Repeat("0", 64)) + "\n", []string{"CHECKSUM 4:11"}, false},
		{"capital checksum", body + with(trailer, 4, strings.Repeat("A", 64)) + "\n", []string{"PATTERN 4:11"}, false},
		{"no checksum", body + with(trailer, 4, "") + "\n", []string{"PATTERN 4:11"}, false},
		{"unreadable trailer", body + with(with(trailer, 1, "two"), 2, "1.5") + "\n", []string{"PATTERN 4:3", "AMOUNT 4:7"}, false},
		{"lost line", seal(headerText, saleText, with(refundText, 1, "5"), with(with(refundText, 1, "6"), 2, "C")),
			[]string{"LINE_NUMBER 3:3"}, false},
		{"duplicate", seal(headerText, saleText, with(refundText, 2, "CRE-1")), []string{"DUPLICATE_CRE_ID 3:5"}, false},
		{"sum too large", seal(headerText, saleText, with(many, 1, "2")), []string{"AMOUNT 3:54", "AMOUNT 4:5"}, false},
		{"NUL", seal(headerText, saleText, with(refundText, 15, "a\x00b")), []string{"CONTROL_CHARACTER 3:103"}, false},
		{"tab", seal(headerText, with(saleText, 2, "\tCRE-1")), []string{"CONTROL_CHARACTER 2:5"}, false},
		{"DEL", seal(headerText, with(saleText, 2, "CRE-1\x7f")), []string{"CONTROL_CHARACTER 2:10"}, false},
		{"Latin-1", seal(headerText, with(saleText, 15, "\xe9t\xe9")), []string{"ENCODING 2:101"}, false},
		{"long line", seal(headerText, saleText, with(refundText, 15, strings.Repeat("x", 10<<20))),
			[]string{"LINE_TOO_LONG 3:0"}, false},
		{"long last line", body + strings.Repeat("x", 10<<20), []string{"LINE_TOO_LONG 4:0", "NO_TRAILER 0:0"}, true},
		{"CR LF", strings.ReplaceAll(good, "\n", "\r\n"), []string{"LINE_ENDING 1:0", "CHECKSUM 4:11"}, false},
		{"byte order mark", seal("\xef\xbb\xbf"+headerText, saleText), []string{"BYTE_ORDER_MARK 1:0"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			faults := faultsOf(t, test.file, lines.Options{})
			found := make([]string, 0, len(faults.Faults))

			for _, f := range faults.Faults {
				found = append(found, fmt.Sprintf("%s %d:%d", f.Code, f.Line, f.Column))
				require.LessOrEqual(t, len([]rune(f.Value)), fault.MaxValue+1)
			}

			require.Equal(t, test.want, found, "%v", faults)
			require.Equal(t, test.incomplete, faults.Incomplete())
			require.Equal(t, len(test.want), faults.Count)
			require.NotContains(t, faults.Error(), "\n")
			require.Less(t, len(faults.Error()), 1500)
		})
	}
}

func TestReadByDeclaration(t *testing.T) {
	t.Parallel()

	crlf := func(records ...string) string {
		for i := range records {
			records[i] += "\r"
		}

		file := seal(records...)

		return file[:len(file)-1] + "\r\n"
	}

	for _, test := range []struct {
		name, file string
		options    lines.Options
	}{
		{"CR LF", crlf(headerText, saleText), lines.Options{Ending: lines.CRLF}},
		{"byte order mark", seal("\xef\xbb\xbf"+headerText, saleText), lines.Options{ByteOrderMark: true}},
		{"Latin-1", seal(headerText, with(saleText, 15, "\xe9t\xe9")), lines.Options{Encoding: lines.Latin1}},
		{"UTF-8", seal(headerText, with(saleText, 15, "été")), lines.Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			summary, good, err := readAll(test.file, test.options)
			require.NoError(t, err)
			require.Equal(t, 1, summary.Lines)
			require.Equal(t, sha256.Sum256([]byte(test.file)), summary.SHA256)

			if strings.Contains(test.file, "t\xe9") || strings.Contains(test.file, "été") {
				require.True(t, strings.HasSuffix(good[0], ";été\n"), good[0])
			}
		})
	}

	faults := faultsOf(t, seal(headerText, saleText), lines.Options{Ending: lines.CRLF, ByteOrderMark: true})
	require.Equal(t, 1, faults.ByCode[fault.CodeLineEnding], "said once, not once a line")
	require.Equal(t, 1, faults.ByCode[fault.CodeByteOrderMark])

	faults = faultsOf(t, seal(headerText, with(saleText, 15, "a\x85b")), lines.Options{Encoding: lines.Latin1})
	require.Equal(t, 1, faults.ByCode[fault.CodeControl])
}

// TestReadFindsAllFaultsAtOnce counts what it does not keep, duplicates included.
func TestReadFindsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()

	const bad = 2500

	records := []string{headerText}
	for i := range bad {
		records = append(records, with(with(with(saleText, 1, strconv.Itoa(i+1)), 2, "SAME"), 4, "1"))
	}

	faults := faultsOf(t, seal(records...), lines.Options{})
	require.Equal(t, bad+bad-1, faults.Count)
	require.Len(t, faults.Faults, fault.MaxDetailed)
	require.Equal(t, bad, faults.ByCode[fault.CodeSiret])
	require.Equal(t, bad-1, faults.ByCode[fault.CodeDuplicateCre])
	require.ErrorContains(t, faults, "4999 faults")
}

func TestReadNamesBothLinesOfADuplicate(t *testing.T) {
	t.Parallel()

	const count = 30_000

	random := rand.New(rand.NewPCG(3, 4))
	records := []string{headerText}

	for i := range count {
		records = append(records, with(with(saleText, 1, strconv.Itoa(i+1)), 2, fmt.Sprintf("%X-%d", random.Uint64(), i)))
	}

	_, _, err := readAll(seal(records...), lines.Options{})
	require.NoError(t, err)

	want := map[int]int{}

	for range 20 {
		first := 1 + random.IntN(count-1)
		second := first + 1 + random.IntN(count-first)

		if want[first] == 0 && want[second] == 0 {
			records[second] = with(records[second], 2, strings.Split(records[first], ";")[2])
			want[second] = first
		}
	}

	faults := faultsOf(t, seal(records...), lines.Options{})

	for _, found := range faults.Faults {
		require.Equal(t, fault.CodeDuplicateCre, found.Code)
		require.Equal(t, strings.Split(records[found.Line-1], ";")[2], found.Value)
	}

	firsts := map[string]int{}
	repeated := 0

	for i, record := range records[1:] {
		id := strings.Split(record, ";")[2]
		if first, known := firsts[id]; known {
			require.Equal(t, fmt.Sprintf("is already on line %d", first), faults.Faults[repeated].Reason)
			require.Equal(t, i+2, faults.Faults[repeated].Line)
			repeated++
		} else {
			firsts[id] = i + 2
		}
	}

	require.Equal(t, repeated, faults.Count)
	require.Positive(t, repeated)
}

func TestReadGivesOnlyGoodLines(t *testing.T) {
	t.Parallel()

	_, good, err := readAll(seal(headerText, saleText, with(refundText, 8, "1e3"), with(with(saleText, 1, "3"), 2, "CRE-3")),
		lines.Options{})
	require.Error(t, err)
	require.Len(t, good, 2)
}

// repeat gives text over and over without holding it.
type repeat struct {
	text      []byte
	at, limit int
}

func (r *repeat) Read(into []byte) (int, error) {
	if r.at >= r.limit {
		return 0, io.EOF
	}

	n := copy(into, r.text[r.at%len(r.text):])
	r.at += n

	return n, nil
}

func (r *repeat) Seek(int64, int) (int64, error) {
	r.at = 0

	return 0, nil
}

// refusing is a layout that takes every line for a bad one.
type refusing struct{}

func (refusing) Text() lines.Options { return lines.Options{} }

func (refusing) Decode(_ []byte, record *settlement.Record) {
	record.Kind = settlement.RecordLine
	record.Refuse(settlement.FieldRecord, fault.CodeRecord, "is bad")
}

func TestReadHasALimitOfLines(t *testing.T) {
	t.Parallel()

	if testing.Short() {
		t.Skip("reads ten million lines")
	}

	text := []byte("\n")
	_, err := settlement.Read("cre.txt", &repeat{text: bytes.Repeat(text, 1<<16), limit: 2 * settlement.MaxLines},
		refusing{}, func(*settlement.Line) error { return nil })

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, map[fault.Code]int{fault.CodeTooManyLines: 1, fault.CodeRecord: settlement.MaxLines + 1}, faults.ByCode)
	require.False(t, faults.Incomplete())
}

func TestParseLineErrors(t *testing.T) {
	t.Parallel()

	var line settlement.Line

	for text, want := range map[string]string{
		"":            "is no line of ogep-cre/1",
		"D":           "is no line of ogep-cre/1",
		headerText:    "is no line of ogep-cre/1",
		"D;1;CRE":     "has 3 columns, a D record of ogep-cre/1 has 16",
		"D;1\n" + "":  "has 2 columns",
		saleText[:40]: "columns",
	} {
		require.ErrorContains(t, settlement.ParseLine([]byte(text), &line), want)
	}

	var refused *fault.Fault

	err := settlement.ParseLine([]byte(with(saleText, 8, "12.5")), &line)
	require.ErrorAs(t, err, &refused)
	require.Equal(t, `column 54: grossCents "12.5" must be a whole number of cents: only digits, behind '-' when below zero`,
		err.Error())
}

func TestLargestSums(t *testing.T) {
	t.Parallel()

	largest := strconv.FormatInt(int64(money.Max), 10)
	summary, _, err := readAll(seal(headerText, with(with(saleText, 8, largest), 9, largest)), lines.Options{})
	require.NoError(t, err)
	require.Equal(t, money.Max, summary.Gross)
	require.Equal(t, money.Max, summary.Commission)
}
