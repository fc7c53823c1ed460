package cfonb_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// The records of an advice, of which tests change one.
//
//nolint:gochecknoglobals // constants
var (
	head     = fill(240, map[int]string{1: "31000001", 9: "12", 11: "010224", 17: "E", 22: "30004", 27: "00123", 32: "0000123456A", 78: "30004", 83: "00123", 88: "0000123456A"})
	detail   = fill(240, map[int]string{1: "34000002", 9: "12", 11: "010224", 17: "E", 22: "30006", 27: "00456", 32: "00000000078", 43: "MARCHAND", 78: "30004", 83: "00123", 88: "0000123456A", 99: "EP", 123: "REF001", 129: "E2E-1 AC04", 217: "310124", 223: "ORI001", 229: "000000001234"})
	subtotal = fill(240, map[int]string{1: "36000003", 9: "12", 11: "010224", 229: "000000001234"})
	foot     = fill(240, map[int]string{1: "39000004", 9: "12", 11: "010224", 22: "30004", 27: "00123", 32: "0000123456A", 229: "000000002468"})
)

// advised is an advice with its details, without lines.
type advised struct {
	cfonb.Advice

	Details []cfonb.Detail
}

func read240(t require.TestingT, source io.Reader) ([]advised, cfonb.Summary, error) {
	var (
		all  []advised
		open bool
	)

	summary, err := cfonb.Read240("f.txt", source, cfonb.Options{}, cfonb.AdviceHandler{
		Begin: func(a *cfonb.Advice) error {
			open = true
			all = append(all, advised{Advice: *a})

			return nil
		},
		Detail: func(d *cfonb.Detail) error {
			require.True(t, open)

			kept := *d
			kept.Line = 0
			all[len(all)-1].Details = append(all[len(all)-1].Details, kept)

			return nil
		},
		End: func(a *cfonb.Advice) error {
			require.True(t, open)

			open = false
			last := &all[len(all)-1]
			require.Len(t, last.Details, a.Details)
			last.Advice = *a
			last.Line = 0

			return nil
		},
	})

	return all, summary, err
}

// TestGolden240 holds the bytes of a file, and what they say.
func TestGolden240(t *testing.T) {
	t.Parallel()

	golden, err := os.ReadFile(filepath.Join("testdata", "advices.240"))
	require.NoError(t, err)

	read, summary, err := read240(t, bytes.NewReader(golden))
	require.NoError(t, err)
	require.Equal(t, cfonb.Summary{Records: 8, Groups: 2, Details: 3, SHA256: sha256.Sum256(golden), Bytes: int64(len(golden))}, summary)

	ours := cfonb.Holder{Account: cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}, Name: "ÉTABLISSEMENT"}
	first := day(t, "2024-02-01")
	returned := cfonb.Detail{
		SettledOn: first, First: cfonb.Holder{Account: cfonb.Account{Bank: "30006", Branch: "00456", Number: "00000000078"}, Name: "MARCHAND NOËL"},
		Second: ours, Reference: "REF001", Description: "E2E-1                              AC04", OriginalOn: day(t, "2024-01-31"), OriginalReference: "ORI001",
		Amount: 1234,
	}
	bare := cfonb.Detail{SettledOn: first, Amount: 999_999_998_765}

	require.Equal(t, []advised{
		{
			Advice:  cfonb.Advice{Operation: cfonb.TransferRejected, SettledOn: first, First: ours, Second: ours, Details: 2, Sum: 999_999_999_999},
			Details: []cfonb.Detail{returned, bare},
		},
		{
			Advice:  cfonb.Advice{Operation: cfonb.TransferReceived, SettledOn: first, Details: 1},
			Details: []cfonb.Detail{{SettledOn: first}},
		},
	}, read)
}

func TestRead240Refuses(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		file string
		want []refused
	}{
		"nothing":           {"", []refused{{0, 0, fault.CodeEmpty, "is empty"}}},
		"a cut line":        {joined(head, detail[:200], detail, foot), []refused{{2, 0, cfonb.CodeLength, "has 200 bytes, a record of CFONB 240 has 240"}}},
		"another record":    {joined(head, detail, with(detail, 1, "35"), foot), []refused{{3, 1, fault.CodeRecord, "31, 34, 36 or 39"}}},
		"a total":           {joined(head, detail, foot), []refused{{3, 229, fault.CodeTrailerSum, "is 24.68, and the amounts before it come to 12.34"}}},
		"a sub-total":       {joined(head, detail, detail, subtotal, foot), []refused{{4, 229, fault.CodeTrailerSum, "is 12.34, and the amounts before it come to 24.68"}}},
		"a sub-total again": {joined(head, detail, detail, with(subtotal, 237, "2468"), subtotal, foot), []refused{{5, 229, fault.CodeTrailerSum, "is 12.34, and the amounts before it come to 0.00"}}},
		"no header":         {joined(detail, subtotal, foot), []refused{{1, 1, fault.CodeNoHeader, "31"}, {2, 1, fault.CodeNoHeader, "31"}, {3, 1, fault.CodeNoHeader, "31"}}},
		"two headers":       {joined(head, head, detail, detail, foot), []refused{{2, 1, fault.CodeHeaderAgain, "line 1 has not ended with a record 39"}}},
		"no total":          {joined(head, detail), []refused{{0, 0, fault.CodeNoTrailer, "39"}}},
		"other operations":  {joined(head, with(detail, 9, "06"), with(subtotal, 9, "06"), with(foot, 9, "06")), []refused{{2, 9, fault.CodeKind, "line 1"}, {3, 9, fault.CodeKind, "line 1"}, {4, 9, fault.CodeKind, "line 1"}}},
		"no operation":      {joined(with(head, 9, "  "), detail, detail, foot), []refused{{1, 9, fault.CodeMissing, ""}}},
		"another account":   {joined(head, detail, detail, with(foot, 32, "0000123456B")), []refused{{4, 22, cfonb.CodeAccount, "line 1"}}},
		"francs":            {joined(head, with(detail, 17, "F"), detail, foot), []refused{{2, 17, fault.CodeCurrency, "must be E"}}},
		"no day":            {joined(head, with(detail, 217, "310224"), detail, foot), []refused{{2, 217, fault.CodeDate, "no day"}}},
		"no settlement":     {joined(head, with(detail, 11, "000000"), detail, foot), []refused{{2, 11, fault.CodeDate, "no day"}}},
		"an amount":         {joined(head, with(detail, 229, " "), detail, foot), []refused{{2, 229, fault.CodeAmount, "digit"}}},
		"an account":        {joined(head, with(detail, 32, "?"), detail, foot), []refused{{2, 32, fault.CodePattern, "capital"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, _, err := read240(t, strings.NewReader(test.file))
			requireFaults(t, err, test.want...)
		})
	}

	// The sum of a group has no more than the largest amount.
	large := with(detail, 229, "999999999999")
	file := joined(append(append([]string{head}, strings.Split(strings.TrimRight(strings.Repeat(large+"\n", 101), "\n"), "\n")...), foot)...)
	_, _, err := read240(t, strings.NewReader(file))
	requireFaults(t, err, refused{102, 229, fault.CodeAmount, "sum"})
}

func TestRead240EndsWithItsHandler(t *testing.T) {
	t.Parallel()

	broken := errors.New("broken")

	for i, handler := range []cfonb.AdviceHandler{
		{Begin: func(*cfonb.Advice) error { return broken }},
		{Detail: func(*cfonb.Detail) error { return broken }},
		{End: func(*cfonb.Advice) error { return broken }},
	} {
		_, err := cfonb.Read240("f.txt", strings.NewReader(joined(head, detail, detail, foot)), cfonb.Options{}, handler)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, fmt.Sprintf("read f.txt: line %d: ", []int{1, 2, 4}[i]))
	}

	_, err := cfonb.Read240("f.txt", strings.NewReader(joined(head, detail, detail, foot)), cfonb.Options{}, cfonb.AdviceHandler{})
	require.NoError(t, err)
}

// TestAdvicesAreRead composes records by columns, with sub-totals after some details, and reads them.
func TestAdvicesAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var (
			records   []string
			part, sum money.Cents
			operation = rapid.StringMatching(`[0-9A-Z]{2}`).Draw(t, "operation")
			want      = advised{Advice: cfonb.Advice{Operation: cfonb.Operation(operation), SettledOn: days().Draw(t, "settledOn")}}
		)

		compose := func(code string, date calendar.Date, amount money.Cents, more map[int]string) {
			at := map[int]string{1: code, 9: operation, 11: short(date), 229: fmt.Sprintf("%012d", amount)}
			for column, text := range more {
				at[column] = latin1(text)
			}

			records = append(records, fill(240, at))
		}

		compose("31", want.SettledOn, 0, nil)

		for range rapid.IntRange(0, 5).Draw(t, "details") {
			d := cfonb.Detail{
				SettledOn: days().Draw(t, "settledOn"), First: cfonb.Holder{Account: accounts().Draw(t, "first"), Name: texts(24).Draw(t, "name")},
				Second: cfonb.Holder{Account: accounts().Draw(t, "second"), Name: texts(24).Draw(t, "name2")}, Reference: texts(6).Draw(t, "reference"),
				Description: texts(88).Draw(t, "description"), OriginalOn: days().Draw(t, "originalOn"), OriginalReference: texts(6).Draw(t, "originalReference"),
				Amount: money.Cents(rapid.Int64Range(0, 999_999_999_999).Draw(t, "amount")),
			}
			compose("34", d.SettledOn, d.Amount, map[int]string{
				22: d.First.Account.Bank, 27: d.First.Account.Branch, 32: d.First.Account.Number, 43: d.First.Name,
				78: d.Second.Account.Bank, 83: d.Second.Account.Branch, 88: d.Second.Account.Number, 99: d.Second.Name,
				123: d.Reference, 129: d.Description, 217: short(d.OriginalOn), 223: d.OriginalReference,
			})

			want.Details = append(want.Details, d)
			part, sum = part+d.Amount, sum+d.Amount

			if part < 1_000_000_000_000 && rapid.Bool().Draw(t, "subtotal") {
				compose("36", want.SettledOn, part, nil)

				part = 0
			}
		}

		if sum >= 1_000_000_000_000 {
			t.Skip("does not fit into a total")
		}

		compose("39", want.SettledOn, sum, nil)

		want.Advice.Details, want.Sum = len(want.Details), sum
		read, _, err := read240(t, strings.NewReader(strings.Join(records, "")))
		require.NoError(t, err)
		require.Equal(t, []advised{want}, read)
	})
}

func short(date calendar.Date) string {
	compact := date.Compact()

	return compact[6:] + compact[4:6] + compact[2:4]
}

func latin1(text string) string {
	var bytes []byte
	for _, char := range text {
		bytes = append(bytes, byte(char)) //nolint:gosec // texts are of ISO-8859-1
	}

	return string(bytes)
}

// TestSamples240 reads a file that another project's tests have. It was made anonymous, and its totals with it.
func TestSamples240(t *testing.T) {
	t.Parallel()

	file, err := os.ReadFile(filepath.Join(samples(t), "cfonb.240-complex-test.txt"))
	require.NoError(t, err)

	_, _, err = read240(t, bytes.NewReader(file))
	requireFaults(t, err,
		refused{4, 229, fault.CodeTrailerSum, "is 4652.70, and the amounts before it come to 4584.80"},
		refused{7, 229, fault.CodeTrailerSum, "is 633.30, and the amounts before it come to 117.60"},
		refused{8, 0, cfonb.CodeLength, "is empty"})
}

// FuzzRead240 proves that a file is read or refused.
func FuzzRead240(f *testing.F) {
	for _, file := range []string{
		joined(head, detail, subtotal, detail, foot), head + detail + detail + foot, joined(head, detail), joined(head, with(detail, 43, "{\xe9"), detail, foot),
	} {
		f.Add([]byte(file))
	}

	f.Fuzz(func(t *testing.T, file []byte) {
		advices, summary, err := read240(t, bytes.NewReader(file))
		requireJudged(t, file, summary, err)

		if err != nil {
			return
		}

		require.Len(t, advices, summary.Groups)

		for _, advice := range advices {
			var sum money.Cents
			for _, d := range advice.Details {
				sum += d.Amount
			}

			require.Equal(t, advice.Sum, sum)
		}
	})
}
