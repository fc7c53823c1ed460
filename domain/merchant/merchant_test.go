package merchant_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/siret"
)

const (
	headerRow = "accountId,siret,legalName,cpIban,cpBic,status,payoutMode,payoutFrequency,externalIban,externalBic," +
		"externalName,reserveCents,minPayoutCents,payoutCeilingCents,cpToCpAllowed,agent,erpThirdParty,validFrom"
	firstRow = "1A17660007,73282932000074,Boulangerie du Marché,FR1420041010050500013M02606,REGLFRP1XXX,ACTIVE,AUTO,WEEKLY:5," +
		"GB29NWBK60161331926819,NWBKGB2L,\"Durand, Jeanne\",1000,100,,true,Lefort,C0001,2019-01-02"
	secondRow = "1A17660008,35600000049837,La Poste,NO9386011117947,REGLFRP1,CLOSED,NONE,,,,,0,0,500000,false,,,2019-12-31"
)

func file(rows ...string) string { return strings.Join(rows, "\n") + "\n" }

func read(text string) (merchant.Summary, []merchant.Merchant, error) {
	var good []merchant.Merchant

	summary, err := merchant.Read("Merchants.000001.csv", strings.NewReader(text), lines.Options{},
		func(m merchant.Merchant) error {
			good = append(good, m)

			return nil
		})

	return summary, good, err
}

func date(t *testing.T, text string) calendar.Date {
	t.Helper()

	day, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return day
}

func TestRead(t *testing.T) {
	t.Parallel()

	text := file(headerRow, firstRow, secondRow)
	summary, good, err := read(text)
	require.NoError(t, err)
	require.Equal(t, merchant.Summary{
		Merchants: 2, Active: 1, Closed: 1, SHA256: sha256.Sum256([]byte(text)), Bytes: int64(len(text)),
	}, summary)
	require.Equal(t, []merchant.Merchant{
		{
			AccountID: "1A17660007", Siret: "73282932000074", LegalName: "Boulangerie du Marché",
			CPIBAN: "FR1420041010050500013M02606", CPBIC: "REGLFRP1XXX", Status: merchant.StatusActive,
			PayoutMode: merchant.PayoutAuto, PayoutFrequency: merchant.Frequency{Period: merchant.Weekly, Day: 5},
			ExternalIBAN: "GB29NWBK60161331926819", ExternalBIC: "NWBKGB2L", ExternalName: "Durand, Jeanne",
			Reserve: 1000, MinPayout: 100, PayoutCeiling: money.Max, CPToCPAllowed: true, Agent: "Lefort",
			ERPThirdParty: "C0001", ValidFrom: date(t, "2019-01-02"),
		},
		{
			AccountID: "1A17660008", Siret: "35600000049837", LegalName: "La Poste", CPIBAN: "NO9386011117947",
			CPBIC: "REGLFRP1", Status: merchant.StatusClosed, PayoutMode: merchant.PayoutNone, PayoutCeiling: 500_000,
			ValidFrom: date(t, "2019-12-31"),
		},
	}, good)
}

func TestReadFindsSeparatorAndColumns(t *testing.T) {
	t.Parallel()

	_, want, err := read(file(headerRow, firstRow, secondRow))
	require.NoError(t, err)

	// The columns in the opposite order, separated by semicolons.
	rows := [][]string{strings.Split(headerRow, ","), nil, strings.Split(secondRow, ",")}
	rows[1] = strings.Split(strings.ReplaceAll(firstRow, `"Durand, Jeanne"`, "Durand@ Jeanne"), ",")
	turned := make([]string, 0, len(rows))

	for _, row := range rows {
		for i := range len(row) / 2 {
			row[i], row[len(row)-1-i] = row[len(row)-1-i], row[i]
		}

		turned = append(turned, strings.ReplaceAll(strings.Join(row, ";"), "@", ","))
	}

	_, got, err := read(file(turned...))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// with gives the first row with one value changed.
func with(column, value string) string {
	values := strings.Split(strings.ReplaceAll(firstRow, `"Durand, Jeanne"`, "Durand"), ",")

	for i, name := range strings.Split(headerRow, ",") {
		if name == column {
			values[i] = value
		}
	}

	return strings.Join(values, ",")
}

func TestReadRefusesAValue(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("é", 141)

	for _, test := range []struct {
		column, value string
		shown         string
		code          fault.Code
	}{
		{"accountId", "1a17660007", "1a17660007", fault.CodePattern},
		{"accountId", "", "", fault.CodePattern},
		{"accountId", "1A17660008", "1A17660008", fault.CodeDuplicate},
		{"siret", "73282932000075", "73282932000075", fault.CodeSiret},
		{"legalName", "", "", fault.CodeMissing},
		{"legalName", long, "", fault.CodeTooLong},
		{"cpIban", "", "…", fault.CodeMissing},
		{"cpIban", "FR1420041010050500013M02607", "FR14…2607", fault.CodeIBAN},
		{"cpIban", "NO9386011117947", "NO93…7947", fault.CodeDuplicate},
		{"cpIban", "Jeanne Martin-Dupont", "…", fault.CodeIBAN},
		{"cpBic", "", "", fault.CodeMissing},
		{"cpBic", "REGLFR", "REGLFR", fault.CodePattern},
		{"status", "active", "active", fault.CodeUnknown},
		{"status", "FR1420041010050500013M02606", "FR14…2606", fault.CodeUnknown},
		{"payoutMode", "", "", fault.CodeUnknown},
		{"payoutFrequency", "", "", fault.CodeMissing},
		{"payoutFrequency", "DAILY:1", "DAILY:1", fault.CodeUnknown},
		{"payoutFrequency", "WEEKLY", "WEEKLY", fault.CodeUnknown},
		{"payoutFrequency", "WEEKLY:0", "WEEKLY:0", fault.CodeUnknown},
		{"payoutFrequency", "WEEKLY:8", "WEEKLY:8", fault.CodeUnknown},
		{"payoutFrequency", "WEEKLY:+1", "WEEKLY:+1", fault.CodeUnknown},
		{"payoutFrequency", "MONTHLY:32", "MONTHLY:32", fault.CodeUnknown},
		{"payoutFrequency", "YEARLY:1", "YEARLY:1", fault.CodeUnknown},
		{"payoutFrequency", ":0", ":0", fault.CodeUnknown},
		{"externalIban", "", "…", fault.CodeMissing},
		{"externalIban", "GB29NWBK60161331926818", "GB29…6818", fault.CodeIBAN},
		{"externalBic", "", "", fault.CodeMissing},
		{"externalName", "", "", fault.CodeMissing},
		{"externalName", long, "", fault.CodeTooLong},
		{"reserveCents", "", "", fault.CodeAmount},
		{"reserveCents", "-1", "-1", fault.CodeAmount},
		{"reserveCents", "-0", "-0", fault.CodeAmount},
		{"reserveCents", "1.5", "1.5", fault.CodeAmount},
		{"minPayoutCents", "100000000000000", "100000000000000", fault.CodeAmount},
		{"payoutCeilingCents", "1e3", "1e3", fault.CodeAmount},
		{"cpToCpAllowed", "oui", "oui", fault.CodeUnknown},
		{"agent", long, "", fault.CodeTooLong},
		{"erpThirdParty", strings.Repeat("x", 36), strings.Repeat("x", 36), fault.CodeTooLong},
		{"validFrom", "20190102", "20190102", fault.CodeDate},
		{"validFrom", "2019-02-30", "2019-02-30", fault.CodeDate},
	} {
		t.Run(test.column+" "+test.value[:min(len(test.value), 20)], func(t *testing.T) {
			t.Parallel()

			row := with(test.column, test.value)
			_, good, err := read(file(headerRow, secondRow, row))

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)
			require.Len(t, faults.Faults, 1)
			require.Len(t, good, 1)

			found := faults.Faults[0]
			require.Equal(t, test.code, found.Code)
			require.Equal(t, test.column, found.Field)
			require.Equal(t, test.shown, found.Value)
			require.Equal(t, 3, found.Line)
			require.True(t, strings.HasPrefix(string([]rune(row)[found.Column-1:]), test.value))

			for _, secret := range []string{"Durand", "Boulangerie", "050500013M", "6016133192", "Jeanne", long} {
				require.NotContains(t, faults.Error(), secret)
			}
		})
	}
}

func TestReadRefusesAFile(t *testing.T) {
	t.Parallel()

	semicolons := strings.ReplaceAll(headerRow, ",", ";")

	for _, test := range []struct {
		name, file string
		want       []string
		code       fault.Code
	}{
		{"empty", "", []string{"is empty"}, fault.CodeEmpty},
		{"header only", file(headerRow), []string{"line 1: is the last line: the snapshot holds no merchant"}, fault.CodeEmpty},
		{"no header", file(firstRow), []string{"line 1: is no header row"}, fault.CodeNoHeader},
		{"unknown column", file(headerRow+",colour", firstRow+",red"), []string{`line 1 column`, `"colour" is no column`}, fault.CodeUnknown},
		{"missing column", file(strings.Replace(headerRow, "agent,", "", 1)), []string{"agent is a column"}, fault.CodeMissing},
		{"column twice", file(headerRow + ",siret"), []string{"siret is the name of two columns"}, fault.CodeDuplicate},
		{"short row", file(headerRow, "1A17660007,73282932000074"), []string{"line 2: has 2 values, the header row has 18"}, fault.CodeRecord},
		{"other separator", file(semicolons, secondRow), []string{"line 2", "has 1 values, the header row has 18"}, fault.CodeRecord},
		{"empty row", file(headerRow, firstRow, ""), []string{"line 3: is empty"}, fault.CodeRecord},
		{"open quote", file(headerRow, with("agent", `"x`), secondRow), []string{"line 2 column", "must end with a quote"}, fault.CodeRecord},
		{"bare quote", file(headerRow, with("agent", `x"y`), secondRow), []string{"line 2 column", "must be quoted"}, fault.CodeRecord},
		{"NUL", file(headerRow, with("agent", "x\x00")), []string{"line 2", "control character"}, fault.CodeControl},
		{"Latin-1", file(headerRow, with("agent", "\xe9")), []string{"line 2", "not UTF-8"}, fault.CodeEncoding},
		{"cut", strings.TrimSuffix(file(headerRow, firstRow), "\n"), []string{"line 2: is cut"}, fault.CodeTruncated},
		{"long line", file(headerRow, strings.Repeat("x", 10<<20), firstRow), []string{"line 2: is longer"}, fault.CodeLineTooLong},
		{"CR LF", strings.ReplaceAll(file(headerRow, firstRow), "\n", "\r\n"), []string{"line 1: ends in CR LF"}, fault.CodeLineEnding},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, _, err := read(test.file)

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)
			require.Equal(t, 1, faults.Count, "%v", faults)
			require.Equal(t, 1, faults.ByCode[test.code])

			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}

			require.NotContains(t, err.Error(), "FR1420041010050500013M02606")
		})
	}
}

func TestReadGoesOnAfterABadRow(t *testing.T) {
	t.Parallel()

	_, good, err := read(file(headerRow, with("agent", `"x`), secondRow, with("siret", "1"), firstRow))

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, map[fault.Code]int{fault.CodeRecord: 1, fault.CodeSiret: 1, fault.CodeDuplicate: 2}, faults.ByCode)
	require.Len(t, good, 1)
}

func TestReadReturnsOthersErrors(t *testing.T) {
	t.Parallel()

	enough := errors.New("enough")
	_, err := merchant.Read("m.csv", strings.NewReader(file(headerRow, firstRow)), lines.Options{},
		func(merchant.Merchant) error { return enough })
	require.ErrorIs(t, err, enough)

	_, err = merchant.Read("m.csv", iotest.ErrReader(enough), lines.Options{}, nil)
	require.ErrorIs(t, err, enough)
}

func TestReadByDeclaration(t *testing.T) {
	t.Parallel()

	text := "\xef\xbb\xbf" + strings.ReplaceAll(file(headerRow, firstRow, secondRow), "\n", "\r\n")
	options := lines.Options{Ending: lines.CRLF, ByteOrderMark: true}
	summary, err := merchant.Read("m.csv", strings.NewReader(text), options, func(merchant.Merchant) error { return nil })
	require.NoError(t, err)
	require.Equal(t, 2, summary.Merchants)
}

func TestWriteThenReadGivesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfNDistinct(drawMerchant(), 1, 8, func(m merchant.Merchant) string { return m.AccountID }).Draw(t, "m")
		drawn = slicesDistinct(drawn)

		var snapshot bytes.Buffer

		writer, err := merchant.NewWriter(&snapshot)
		require.NoError(t, err)

		for i := range drawn {
			require.NoError(t, writer.Write(&drawn[i]))
		}

		require.NoError(t, writer.Close())

		_, good, err := read(snapshot.String())
		require.NoError(t, err)
		require.Equal(t, drawn, good)
	})
}

// slicesDistinct leaves out accounts whose IBAN came before.
func slicesDistinct(drawn []merchant.Merchant) []merchant.Merchant {
	seen := map[string]bool{}
	kept := drawn[:0]

	for _, m := range drawn {
		if !seen[m.CPIBAN] {
			kept = append(kept, m)
		}

		seen[m.CPIBAN] = true
	}

	return kept
}

func drawMerchant() *rapid.Generator[merchant.Merchant] {
	return rapid.Custom(func(t *rapid.T) merchant.Merchant {
		account := func(name string) string {
			national := rapid.StringMatching(`[A-Z]{4}[0-9]{14}`).Draw(t, name)

			return "GB" + iban.CheckDigits("GB", national) + national
		}
		text := func(name string, least, most int) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune(`aZ9 ,;"'éÉ€`)), least, most, -1).Draw(t, name)
		}
		amount := func(name string) money.Cents {
			return money.Cents(rapid.Int64Range(0, int64(money.Max)).Draw(t, name))
		}
		number := rapid.StringMatching(`[0-9]{13}`).Draw(t, "siret")
		m := merchant.Merchant{
			AccountID: rapid.StringMatching(`[0-9A-Z]{2}[0-9]{8}`).Draw(t, "account"),
			Siret:     number + string(siret.CheckDigit(number)), LegalName: text("name", 1, merchant.MaxName),
			CPIBAN: account("cp"), CPBIC: rapid.StringMatching(`[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?`).Draw(t, "bic"),
			Status: rapid.SampledFrom([]merchant.Status{
				merchant.StatusActive, merchant.StatusBlocked, merchant.StatusClosed,
			}).Draw(t, "status"),
			PayoutMode: rapid.SampledFrom([]merchant.PayoutMode{
				merchant.PayoutAuto, merchant.PayoutManual, merchant.PayoutNone,
			}).Draw(t, "mode"),
			Reserve: amount("reserve"), MinPayout: amount("min"), PayoutCeiling: amount("ceiling"),
			CPToCPAllowed: rapid.Bool().Draw(t, "cp to cp"), Agent: text("agent", 0, merchant.MaxCode),
			ERPThirdParty: text("third party", 0, merchant.MaxCode),
			ValidFrom:     calendar.DateOf(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0)),
		}

		if m.PayoutMode == merchant.PayoutAuto {
			m.PayoutFrequency = rapid.SampledFrom([]merchant.Frequency{
				{Period: merchant.Daily}, {Period: merchant.Weekly, Day: 7}, {Period: merchant.Monthly, Day: 31},
			}).Draw(t, "frequency")
			m.ExternalIBAN, m.ExternalBIC, m.ExternalName = account("external"), "NWBKGB2L", text("external name", 1, 140)
		}

		return m
	})
}

func TestWriterRefusesWhatReadRefuses(t *testing.T) {
	t.Parallel()

	_, good, err := read(file(headerRow, firstRow))
	require.NoError(t, err)

	for column, change := range map[string]func(*merchant.Merchant){
		"siret":           func(m *merchant.Merchant) { m.Siret = "1" },
		"legalName":       func(m *merchant.Merchant) { m.LegalName = "a\nb" },
		"agent":           func(m *merchant.Merchant) { m.Agent = "\xe9" },
		"reserveCents":    func(m *merchant.Merchant) { m.Reserve = -1 },
		"payoutFrequency": func(m *merchant.Merchant) { m.PayoutFrequency = merchant.Frequency{} },
		"validFrom":       func(m *merchant.Merchant) { m.ValidFrom = calendar.Date{} },
	} {
		writer, err := merchant.NewWriter(&bytes.Buffer{})
		require.NoError(t, err)

		changed := good[0]
		require.NoError(t, writer.Write(&changed))
		change(&changed)
		require.ErrorContains(t, writer.Write(&changed), column)
	}
}

// FuzzRead expects that what is accepted can be written and read again as the same.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", file(headerRow), file(headerRow, firstRow, secondRow), file(headerRow, firstRow, firstRow),
		file(headerRow, with("agent", `"x`)), strings.ReplaceAll(file(headerRow, secondRow), ",", ";"),
	} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		summary, good, err := read(text)

		if faults, ok := errors.AsType[*fault.Faults](err); ok {
			require.Positive(t, faults.Count)
			require.NotContains(t, faults.Error(), "\n")

			return
		}

		require.NoError(t, err)
		require.Len(t, good, summary.Merchants)
		require.Equal(t, summary.Merchants, summary.Active+summary.Blocked+summary.Closed)
		require.Equal(t, sha256.Sum256([]byte(text)), summary.SHA256)

		var again bytes.Buffer

		writer, err := merchant.NewWriter(&again)
		require.NoError(t, err)

		for i := range good {
			require.NoError(t, writer.Write(&good[i]))
		}

		require.NoError(t, writer.Close())

		_, reread, err := read(again.String())
		require.NoError(t, err)
		require.Equal(t, good, reread)
	})
}
