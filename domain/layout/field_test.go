package layout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/settlement"
)

// oneField is a CRE layout whose lines are all constants but for one field, which is what follows the mark.
func oneField(tb testing.TB, name string, field layout.Field) *layout.CRE {
	tb.Helper()

	constant := func(text string) layout.Field { return layout.Field{Constant: &text} }
	descriptor := layout.Descriptor{
		Name: "one", Reads: layout.ReadsCRE, Separator: "|", Mark: &layout.Part{Column: 1},
		Records: map[string]layout.Record{
			"header": {Is: []string{"H"}, Fields: map[string]layout.Field{
				"fileName": {None: true}, "kind": constant("TRANSACTION"), "reference": constant("R"), "operationType": constant("100"),
				"settlementDate": constant("20190725"), "currency": constant("EUR"), "createdAt": constant("2019-07-25T04:00:00Z"),
			}},
			"line": {Is: []string{"L"}, Fields: map[string]layout.Field{
				"lineNo": {None: true}, "creId": constant("A"), "accountId": constant("1A17660007"), "siret": constant("73282932000074"),
				"scheme": constant("CB"), "type": constant("VENTE"), "grossCents": constant("1"), "commissionCents": constant("0"),
				"transactionDate": constant("2019-07-24T10:25:55+02:00"), "valueDate": constant("20190726"), "label": constant("L"),
			}},
			"trailer": {Is: []string{"T"}, Fields: map[string]layout.Field{
				"lineCount": {Part: layout.Part{Column: 2}, Type: layout.TypeDigits}, "sumGrossCents": {None: true},
				"sumCommissionCents": {None: true}, "checksum": {None: true},
			}},
		},
	}
	descriptor.Records["line"].Fields[name] = field

	compiled, err := layout.Compile(descriptor)
	require.NoError(tb, err)

	return compiled.CRE
}

// line reads one line through a layout, without the controls of its reader.
func line(site *layout.CRE, text string) settlement.Record {
	var record settlement.Record

	site.Decode([]byte(text), &record)

	return record
}

func TestAmounts(t *testing.T) {
	t.Parallel()

	plain := layout.Field{Part: layout.Part{Column: 2}, Type: layout.TypeCents}
	comma := layout.Field{Part: layout.Part{Column: 2}, Type: layout.TypeCents, Point: ","}
	signed := layout.Field{Part: layout.Part{Column: 2}, Type: layout.TypeSigned}
	over := layout.Field{Part: layout.Part{Column: 2}, Type: layout.TypeOverpunched}
	apart := layout.Field{
		Part: layout.Part{Column: 2}, Type: layout.TypeCents,
		Sign: &layout.Sign{Part: layout.Part{Column: 3}, Plus: []string{"C", ""}, Minus: []string{"D"}},
	}

	const wrong = 1 << 60

	for i, test := range []struct {
		field layout.Field
		text  string
		want  int64
	}{
		{plain, "0", 0}, {plain, "0001011", 1011}, {plain, "  12 ", 12}, {plain, "-1", wrong}, {plain, "1 2", wrong}, {plain, "", wrong},
		{plain, "99999999999999", 99_999_999_999_999}, {plain, "100000000000000", wrong}, {plain, "99999999999999999999999999", wrong},
		{comma, "10,11", 1011}, {comma, "0,05", 5}, {comma, "10.11", wrong}, {comma, ",11", wrong}, {comma, "10,1", wrong},
		{comma, "10", wrong}, {comma, "1,0,11", wrong},
		{signed, "+12", 12}, {signed, "-12", -12}, {signed, "12-", -12}, {signed, "12 +", 12}, {signed, "12", 12},
		{signed, "- 12", -12}, {signed, "-12-", wrong}, {signed, "-", wrong}, {signed, "--1", wrong},
		{apart, "12|C", 12}, {apart, "12|D", -12}, {apart, "12|", 12}, {apart, "12", 12}, {apart, "12|X", wrong},
		{over, "000000000101A", 1011}, {over, "101J", -1011}, {over, "1}", -10}, {over, "1{", 10}, {over, "{", 0}, {over, "}", 0},
		{over, "1é", 10}, {over, "1è", -10}, {over, "11", 11}, {over, "1S", wrong}, {over, "1@", wrong}, {over, "J1", wrong},
		{over, "-1A", wrong}, {over, "1a", wrong}, {over, "", wrong},
	} {
		record := line(oneField(t, "grossCents", test.field), "L|"+test.text)
		name := fmt.Sprintf("%d %q", i, test.text)

		if test.want == wrong {
			require.True(t, refused(t, &record), name)
		} else {
			require.False(t, refused(t, &record), name)
			require.EqualValues(t, test.want, record.Line.Gross, name)
		}
	}
}

// TestOverpunchTable reads every digit in either sign.
func TestOverpunchTable(t *testing.T) {
	t.Parallel()

	site := oneField(t, "grossCents", layout.Field{Part: layout.Part{Column: 2}, Type: layout.TypeOverpunched})

	for sign, row := range map[int64]string{1: "{ABCDEFGHI", -1: "}JKLMNOPQR"} {
		for digit, char := range row {
			record := line(site, "L|12"+string(char))
			require.False(t, refused(t, &record))
			require.EqualValues(t, sign*int64(120+digit), record.Line.Gross, "%c", char)
		}
	}
}

// refused tells whether the layout has refused a field: a second refusal of a field is left out, a first one is not.
func refused(t *testing.T, record *settlement.Record) bool {
	t.Helper()

	return strings.Contains(fmt.Sprintf("%+v", *record), "reason:")
}

func TestDates(t *testing.T) {
	t.Parallel()

	for _, test := range []struct{ pattern, text, want string }{
		{"ddMMyy", "240719", "2019-07-24T00:00:00+02:00"},
		{"yyyyMMddHHmmss", "20190724102555", "2019-07-24T10:25:55+02:00"},
		{"yyyy-MM-dd'T'HH:mm:ssXXX", "2019-07-24T10:25:55Z", "2019-07-24T12:25:55+02:00"},
		{"yyyy-MM-dd'T'HH:mm:ssXXX", "2019-07-24T10:25:55-01:30", "2019-07-24T13:55:55+02:00"},
		{"dd/MM/yyyy HHmm", "24/07/2019 2359", "2019-07-24T23:59:00+02:00"},
		{"yyyyMMddHHmm", "202610250230", "2026-10-25T02:30:00+02:00"}, // the first of the two
		{"yyyyMMddHHmm", "202603290230", ""},                          // left out
		{"yyyyMMddHHmm", "202603290300", "2026-03-29T03:00:00+02:00"},
		{"yyyyMMddHHmm", "196912312359", ""},
		{"yyyyMMdd", "20190230", ""}, {"yyyyMMdd", "2019073", ""}, {"yyyyMMdd", "201907301", ""}, {"yyyyMMdd", "2019O730", ""},
		{"yyyyMMddHH", "2019073024", ""}, {"yyyyMMddHHmm", "201907300960", ""}, {"yyyyMMdd", "", ""},
		{"yyyyMMddHHXXX", "2019073010+24:00", ""}, {"yyyyMMddHHXXX", "2019073010+1", ""},
	} {
		site := oneField(t, "transactionDate", layout.Field{
			Part: layout.Part{Column: 2}, Type: layout.TypeDate, Pattern: test.pattern,
		})
		record := line(site, "L|"+test.text)
		require.Equal(t, test.want == "", refused(t, &record), "%s %s", test.pattern, test.text)

		if test.want != "" {
			want, err := time.Parse(time.RFC3339, test.want)
			require.NoError(t, err)
			require.True(t, want.Equal(record.Line.TransactionAt), "%s: %s", test.text, record.Line.TransactionAt)
			require.Equal(t, calendar.Paris(), record.Line.TransactionAt.Location())
		}
	}
}

// TestWithoutItsControls reads a file that has neither numbers nor sums nor a checksum: its count is still controlled.
func TestWithoutItsControls(t *testing.T) {
	t.Parallel()

	site := oneField(t, "creId", layout.Field{Part: layout.Part{Column: 2}})

	var numbers []int

	summary, err := settlement.Read("mine.txt", strings.NewReader("H\nL|a\nL|b\nT|2\n"), site, func(l *settlement.Line) error {
		numbers = append(numbers, l.Number)

		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, numbers)
	require.Equal(t, "mine.txt", summary.FileName)
	require.EqualValues(t, 2, summary.Gross)

	_, err = settlement.Read("mine.txt", strings.NewReader("H\nL|a\nT|2\n"), site, func(*settlement.Line) error { return nil })

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, map[fault.Code]int{fault.CodeTrailerCount: 1}, faults.ByCode)
}
