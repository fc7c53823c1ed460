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

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// The records of a remittance, of which tests change one.
//
//nolint:gochecknoglobals // constants
var (
	heading   = fill(160, map[int]string{1: "0302", 13: "123456", 26: "31014", 31: "EP DE PAIEMENT", 55: "LOT0001", 81: "E", 87: "00123", 92: "0000123456A", 105: "12345678900014", 150: "30004"})
	order     = fill(160, map[int]string{1: "0602", 13: "123456", 19: "REF000000001", 31: "MARCHAND", 55: "BANQUE", 87: "00456", 92: "0000123456A", 103: "0000000000001234", 119: "VIREMENT DU 31", 150: "30006"})
	orderText = fill(160, map[int]string{1: "0702", 13: "123456", 19: "REF000000001", 31: "SUITE"})
	footer    = fill(160, map[int]string{1: "0802", 13: "123456", 103: "0000000000002468"})
)

// handed is a remittance with its orders, without lines.
type handed struct {
	cfonb.Remittance

	Orders []cfonb.Order
}

func read160(t require.TestingT, source io.Reader, reference calendar.Date) ([]handed, cfonb.Summary, error) {
	var (
		all  []handed
		open bool
	)

	summary, err := cfonb.Read160("f.txt", source, cfonb.Options{}, reference, cfonb.RemittanceHandler{
		Begin: func(r *cfonb.Remittance) error {
			open = true
			all = append(all, handed{Remittance: *r})

			return nil
		},
		Order: func(o *cfonb.Order) error {
			require.True(t, open)

			kept := *o
			kept.Line, kept.Complements = 0, slices.Clone(o.Complements)

			if len(kept.Complements) == 0 {
				kept.Complements = nil
			}

			all[len(all)-1].Orders = append(all[len(all)-1].Orders, kept)

			return nil
		},
		End: func(r *cfonb.Remittance) error {
			require.True(t, open)

			open = false
			last := &all[len(all)-1]
			require.Len(t, last.Orders, r.Orders)
			last.Remittance = *r
			last.Line = 0

			return nil
		},
	})

	return all, summary, err
}

func write160(t require.TestingT, remittances []handed, ending cfonb.Ending) []byte {
	var file bytes.Buffer

	w := cfonb.NewRemittanceWriter("f.txt", &file, ending)

	for _, r := range remittances {
		require.NoError(t, w.Begin(&r.Remittance))

		for _, o := range r.Orders {
			require.NoError(t, w.Write(&o))
		}

		require.NoError(t, w.End())
	}

	summary, err := w.Close()
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(file.Bytes()), summary.SHA256)
	require.EqualValues(t, file.Len(), summary.Bytes)

	return file.Bytes()
}

// TestGolden160 holds the bytes of a file of ours.
func TestGolden160(t *testing.T) {
	t.Parallel()

	golden, err := os.ReadFile(filepath.Join("testdata", "remittances.160"))
	require.NoError(t, err)

	remittances := []handed{{
		Remittance: cfonb.Remittance{
			Issuer: "123456", Date: day(t, "2024-01-31"), Name: "ÉTABLISSEMENT", Batch: "LOT0001",
			Account: cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}, OrdererID: "12345678900014", Orders: 2, Sum: 123_456_789_012,
		},
		Orders: []cfonb.Order{
			{
				Reference: "REF000000001", Name: "MARCHAND", BankName: "BANQUE", Account: cfonb.Account{Bank: "30006", Branch: "00456", Number: "00000000078"},
				Amount: 123_456_789_011, Label: "VIREMENT DU 31", Complements: []string{"SUITE DU LIBELLÉ", " ET FIN"},
			},
			{Account: cfonb.Account{Bank: "30006", Branch: "00456", Number: "00000000079"}, Amount: 1},
		},
	}}

	require.Equal(t, string(golden), string(write160(t, remittances, cfonb.CRLF)))

	read, summary, err := read160(t, bytes.NewReader(golden), day(t, "2024-02-02"))
	require.NoError(t, err)
	require.Equal(t, remittances, read)
	require.Equal(t, cfonb.Summary{Records: 6, Groups: 1, Details: 2, SHA256: sha256.Sum256(golden), Bytes: int64(len(golden))}, summary)
}

func TestRead160Refuses(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		file string
		want []refused
	}{
		"nothing":              {"", []refused{{0, 0, fault.CodeEmpty, "is empty"}}},
		"a cut line":           {joined(heading, strings.TrimRight(order, " "), order, footer), []refused{{2, 0, cfonb.CodeLength, "has 154 bytes, a record of CFONB 160 has 160"}}},
		"LCR":                  {joined(with(heading, 3, "60"), with(order, 3, "60"), with(footer, 3, "60")), []refused{{1, 3, fault.CodeUnknown, "must be 02"}, {2, 3, fault.CodeUnknown, "02"}, {3, 3, fault.CodeUnknown, "02"}}},
		"another record":       {joined(heading, order, with(order, 1, "05"), orderText, footer), []refused{{3, 1, fault.CodeRecord, "03, 06, 07 or 08"}}},
		"francs":               {joined(with(heading, 81, "F"), order, order, footer), []refused{{1, 81, fault.CodeCurrency, "must be E"}}},
		"no currency":          {joined(with(heading, 81, " "), order, order, footer), []refused{{1, 81, fault.CodeMissing, ""}}},
		"a total":              {joined(heading, order, footer), []refused{{3, 103, fault.CodeTrailerSum, "is 24.68, and the amounts before it come to 12.34"}}},
		"no order":             {joined(heading, with(footer, 103, "0000000000000000")), []refused{{2, 0, fault.CodeTrailerCount, "no order"}}},
		"no header":            {joined(order, footer), []refused{{1, 1, fault.CodeNoHeader, "03"}, {2, 1, fault.CodeNoHeader, "03"}}},
		"two headers":          {joined(heading, heading, order, order, footer), []refused{{2, 1, fault.CodeHeaderAgain, "line 1 has not ended with a record 08"}}},
		"no total":             {joined(heading, order), []refused{{0, 0, fault.CodeNoTrailer, "08 of the group of line 1"}}},
		"a complement":         {joined(heading, orderText, order, order, footer, orderText), []refused{{2, 1, cfonb.CodeOrphan, "06"}, {6, 1, cfonb.CodeOrphan, "06"}}},
		"another issuer":       {joined(heading, with(order, 13, "123457"), order, footer), []refused{{2, 13, cfonb.CodeAccount, "line 1"}}},
		"another's total":      {joined(heading, order, order, with(footer, 13, "123457")), []refused{{4, 13, cfonb.CodeAccount, "line 1"}}},
		"another's complement": {joined(heading, order, with(orderText, 13, "123457"), order, footer), []refused{{3, 13, cfonb.CodeAccount, "line 1"}}},
		"zero":                 {joined(heading, with(order, 103, "0000000000000000"), order, footer), []refused{{2, 103, fault.CodeAmount, "above zero"}}},
		"a sign":               {joined(heading, with(order, 118, "D"), order, footer), []refused{{2, 118, fault.CodeAmount, "digit"}}},
		"a blank amount":       {joined(heading, with(order, 103, strings.Repeat(" ", 16)), order, footer), []refused{{2, 103, fault.CodeMissing, ""}}},
		"a large amount":       {joined(heading, with(order, 103, "9999999999999999"), order, footer), []refused{{2, 103, fault.CodeAmount, "largest"}}},
		"a large sum":          {joined(heading, with(order, 105, "99999999999999"), order, order, footer), []refused{{3, 103, fault.CodeAmount, "sum"}, {4, 103, fault.CodeAmount, "sum"}}},
		"no day":               {joined(with(heading, 26, "29023"), order, order, footer), []refused{{1, 26, fault.CodeDate, "no day of the calendar: JJMMA, of the year 2023"}}},
		"too many complements": {
			joined(heading, order, order, strings.TrimRight(strings.Repeat(orderText+"\n", cfonb.MaxComplements+2), "\n"), footer),
			[]refused{{cfonb.MaxComplements + 4, 0, fault.CodeTooManyLines, "complements"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, _, err := read160(t, strings.NewReader(test.file), day(t, "2024-02-01"))
			requireFaults(t, err, test.want...)
		})
	}

	_, _, err := read160(t, strings.NewReader(joined(heading, order, order, footer)), calendar.Date{})
	require.ErrorIs(t, err, cfonb.ErrNoReference)
}

// TestShortDates takes the year that is nearest to the day on which the file came.
func TestShortDates(t *testing.T) {
	t.Parallel()

	for _, test := range [][3]string{
		{"31014", "2024-02-01", "2024-01-31"},
		{"31129", "2020-01-05", "2019-12-31"},
		{"01010", "2019-12-28", "2020-01-01"},
		{"15066", "2021-06-14", "2016-06-15"},
		{"15066", "2021-06-15", "2016-06-15"}, // of two equally near, the earlier
		{"15066", "2021-06-16", "2026-06-15"},
		{"29024", "2022-01-01", "2024-02-29"},
		{"01015", "2000-06-01", "2005-01-01"},
		{"31125", "2000-06-01", "1995-12-31"},
	} {
		remittances, _, err := read160(t, strings.NewReader(joined(with(heading, 26, test[0]), order, order, footer)), day(t, test[1]))
		require.NoError(t, err, test)
		require.Equal(t, test[2], remittances[0].Date.String(), test)
	}
}

func TestRead160EndsWithItsHandler(t *testing.T) {
	t.Parallel()

	broken := errors.New("broken")

	for i, handler := range []cfonb.RemittanceHandler{
		{Begin: func(*cfonb.Remittance) error { return broken }},
		{Order: func(*cfonb.Order) error { return broken }},
		{End: func(*cfonb.Remittance) error { return broken }},
	} {
		_, err := cfonb.Read160("f.txt", strings.NewReader(joined(heading, order, order, footer)), cfonb.Options{}, day(t, "2024-02-01"), handler)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, fmt.Sprintf("read f.txt: line %d: ", []int{1, 3, 4}[i]))
	}

	_, err := cfonb.Read160("f.txt", strings.NewReader(joined(heading, order)), cfonb.Options{}, day(t, "2024-02-01"), cfonb.RemittanceHandler{
		Order: func(*cfonb.Order) error { return broken },
	})
	require.ErrorIs(t, err, broken, "the last order is given at the end of the file")

	_, err = cfonb.Read160("f.txt", strings.NewReader(joined(heading, order, order, footer)), cfonb.Options{}, day(t, "2024-02-01"), cfonb.RemittanceHandler{})
	require.NoError(t, err)
}

func orders() *rapid.Generator[cfonb.Order] {
	return rapid.Custom(func(t *rapid.T) cfonb.Order {
		o := cfonb.Order{
			Reference: texts(12).Draw(t, "reference"), Name: texts(24).Draw(t, "name"), BankName: texts(24).Draw(t, "bankName"),
			Account: accounts().Draw(t, "account"), Amount: money.Cents(rapid.Int64Range(1, int64(money.Max)/4).Draw(t, "amount")), Label: texts(31).Draw(t, "label"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "complements") {
			o.Complements = append(o.Complements, texts(142).Draw(t, "complement"))
		}

		return o
	})
}

func TestOrdersWrittenAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reference := day(t, "2024-02-29")
		remittances := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) handed {
			r := handed{
				Remittance: cfonb.Remittance{
					Issuer: texts(6).Draw(t, "issuer"), Date: reference.AddDays(rapid.IntRange(-1800, 1800).Draw(t, "days")), Name: texts(24).Draw(t, "name"),
					Batch: texts(7).Draw(t, "batch"), Account: accounts().Draw(t, "account"), OrdererID: texts(14).Draw(t, "ordererId"),
				},
				Orders: rapid.SliceOfN(orders(), 1, 4).Draw(t, "orders"),
			}
			r.Remittance.Orders = len(r.Orders)

			for _, o := range r.Orders {
				r.Sum += o.Amount
			}

			return r
		}), 1, 3).Draw(t, "remittances")

		read, _, err := read160(t, bytes.NewReader(write160(t, remittances, endings().Draw(t, "ending"))), reference)
		require.NoError(t, err)
		require.Equal(t, remittances, read)
	})
}

func TestRemittanceWriterRefuses(t *testing.T) {
	t.Parallel()

	account := cfonb.Account{Bank: "30004", Branch: "00123", Number: "0000123456A"}
	first := cfonb.Remittance{Issuer: "123456", Date: day(t, "2024-01-31"), Account: account}
	good := cfonb.Order{Account: account, Amount: 1}
	begin := func(w *cfonb.RemittanceWriter) error { return w.Begin(&first) }
	write := func(change func(*cfonb.Order)) func(*cfonb.RemittanceWriter) error {
		return func(w *cfonb.RemittanceWriter) error {
			bad := good
			change(&bad)

			return errors.Join(w.Begin(&first), w.Write(&good), w.Write(&bad))
		}
	}

	for name, test := range map[string]struct {
		write func(*cfonb.RemittanceWriter) error
		code  fault.Code
	}{
		"nothing":        {func(*cfonb.RemittanceWriter) error { return nil }, fault.CodeEmpty},
		"no heading":     {func(w *cfonb.RemittanceWriter) error { return w.Write(&good) }, fault.CodeNoHeader},
		"no end":         {begin, fault.CodeNoTrailer},
		"no order":       {func(w *cfonb.RemittanceWriter) error { return errors.Join(begin(w), w.End()) }, fault.CodeTrailerCount},
		"two headings":   {func(w *cfonb.RemittanceWriter) error { return errors.Join(begin(w), begin(w)) }, fault.CodeHeaderAgain},
		"no date":        {func(w *cfonb.RemittanceWriter) error { return w.Begin(&cfonb.Remittance{Account: account}) }, fault.CodeMissing},
		"no account":     {write(func(o *cfonb.Order) { o.Account = cfonb.Account{} }), fault.CodeMissing},
		"zero":           {write(func(o *cfonb.Order) { o.Amount = 0 }), fault.CodeAmount},
		"a debit":        {write(func(o *cfonb.Order) { o.Amount = -1 }), fault.CodeAmount},
		"a large amount": {write(func(o *cfonb.Order) { o.Amount = money.Max + 1 }), fault.CodeAmount},
		"a large sum":    {write(func(o *cfonb.Order) { o.Amount = money.Max }), fault.CodeAmount},
		"a long label":   {write(func(o *cfonb.Order) { o.Label = strings.Repeat("A", 32) }), fault.CodeTooLong},
		"a brace":        {write(func(o *cfonb.Order) { o.Name = "A}" }), fault.CodePattern},
		"a long text":    {write(func(o *cfonb.Order) { o.Complements = []string{strings.Repeat("A", 143)} }), fault.CodeTooLong},
	} {
		w := cfonb.NewRemittanceWriter("f.txt", io.Discard, cfonb.LF)
		err := test.write(w)

		if err == nil {
			_, err = w.Close()
		}

		var refused *fault.Fault

		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, test.code, refused.Code, name)
		require.Equal(t, "f.txt", refused.File)
		require.NotContains(t, err.Error(), "0000123456A")
	}
}

// FuzzRead160 proves that a file is read or refused, and that what is read can be written and read again.
func FuzzRead160(f *testing.F) {
	for _, file := range []string{
		joined(heading, order, orderText, order, footer), heading + order + order + footer,
		joined(heading, with(order, 31, "{\xe9"), order, footer), joined(heading, order),
	} {
		f.Add([]byte(file))
	}

	f.Fuzz(func(t *testing.T, file []byte) {
		reference := day(t, "2024-02-01")
		remittances, summary, err := read160(t, bytes.NewReader(file), reference)
		requireJudged(t, file, summary, err)

		if err != nil {
			return
		}

		again, _, err := read160(t, bytes.NewReader(write160(t, remittances, cfonb.Joined)), reference)
		require.NoError(t, err)
		require.Equal(t, remittances, again)
	})
}
