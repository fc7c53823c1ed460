package layout_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/siret"
	layoutschema "github.com/reglo/reglo/schemas/layout"
)

// example compiles a shipped descriptor.
func example(tb testing.TB, name string) layout.Layout {
	tb.Helper()

	content, err := layoutschema.Examples.ReadFile(name)
	require.NoError(tb, err)

	compiled, err := layoutschema.Parse(name, content)
	require.NoError(tb, err)

	return compiled
}

// fixed writes records as cre-fixed.yaml declares them.
type fixed struct {
	text  bytes.Buffer
	lines int
	gross money.Cents
	fees  money.Cents
}

// record writes one line of 240 characters in Latin-1.
func (f *fixed) record(text string) {
	for _, char := range fmt.Sprintf("%-240s\r\n", text) {
		f.text.WriteByte(byte(char)) //nolint:gosec // drawn from Latin-1
	}
}

func punched(amount money.Cents, width int) string {
	digits := fmt.Sprintf("%0*d", width, amount.Abs())
	last := digits[width-1] - '0'

	if amount < 0 {
		return digits[:width-1] + string("}JKLMNOPQR"[last])
	}

	return digits[:width-1] + string("{ABCDEFGHI"[last])
}

func (f *fixed) header(h *settlement.Header) {
	kind := map[settlement.FileKind]string{settlement.KindTransaction: "T", settlement.KindImpaye: "I"}[h.Kind]
	f.record("00" + kind + fmt.Sprintf("%-17s%-3s", h.Reference, h.OperationType) +
		h.SettlementDate.Midnight().Format("020106") + "978" + h.CreatedAt.In(calendar.Paris()).Format("020106150405"))
	f.record("05 of no interest")
}

func (f *fixed) line(l *settlement.Line) {
	f.lines++
	f.gross += l.Gross
	f.fees += l.Commission
	at := l.TransactionAt.In(calendar.Paris())
	f.record(fmt.Sprintf("10%08d%-20s%s%s%-10s%s%s%s%012d%s%s%-12s%s%-23s%-23s%s",
		f.lines+1, l.CreID, l.AccountID, l.Siret, l.Contract,
		map[settlement.Scheme]string{settlement.SchemeCB: "1", settlement.SchemeVisa: "2", settlement.SchemeMastercard: "3"}[l.Scheme],
		map[settlement.LineType]string{
			settlement.TypeVente: "VE", settlement.TypeRemb: "RE", settlement.TypeImpaye: "IM", settlement.TypeRepres: "RP",
		}[l.Type],
		punched(l.Gross, 14), l.Commission, at.Format("020106"), l.ValueDate.Midnight().Format("020106"), l.ReasonCode,
		at.Format("150405"), l.AcquirerRef, l.OriginalRef, l.Label))
}

func (f *fixed) trailer() {
	f.record(fmt.Sprintf("99%08d%s%016d", f.lines+2, punched(f.gross, 16), f.fees))
}

func drawDay(t *rapid.T) time.Time {
	return time.Date(2000, time.January, 1+rapid.IntRange(0, 36_000).Draw(t, "day"),
		rapid.IntRange(4, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second"),
		0, calendar.Paris())
}

func drawText(t *rapid.T, limit int) []byte {
	text := rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 -éÀ'\"/")), 0, limit, -1).Draw(t, "text")

	return []byte(strings.Trim(text, " "))
}

func drawLines(t *rapid.T, kind settlement.FileKind) []settlement.Line {
	types := []settlement.LineType{settlement.TypeVente, settlement.TypeRemb}
	if kind == settlement.KindImpaye {
		types = []settlement.LineType{settlement.TypeRepres, settlement.TypeImpaye}
	}

	drawn := make([]settlement.Line, rapid.IntRange(0, 12).Draw(t, "lines"))
	for i := range drawn {
		sign := rapid.IntRange(0, 1).Draw(t, "sign")
		digits := rapid.StringMatching(`[0-9]{13}`).Draw(t, "siret")
		drawn[i] = settlement.Line{
			CreID:     fmt.Appendf(nil, "%s-%d", rapid.StringMatching(`[0-9A-Z]{1,16}`).Draw(t, "creId"), i),
			AccountID: []byte(rapid.StringMatching(`[0-9A-Z]{2}[0-9]{8}`).Draw(t, "account")),
			Siret:     append([]byte(digits), siret.CheckDigit(digits)), Contract: drawText(t, 10),
			Scheme: rapid.SampledFrom([]settlement.Scheme{
				settlement.SchemeCB, settlement.SchemeVisa, settlement.SchemeMastercard,
			}).Draw(t, "scheme"),
			Type: types[sign], Gross: money.Cents(1-2*sign) * money.Cents(rapid.Int64Range(1, int64(money.Max)/12).Draw(t, "gross")),
			Commission:    money.Cents(rapid.Int64Range(0, 99_999_999_999).Draw(t, "commission")),
			TransactionAt: drawDay(t), ValueDate: calendar.DateOf(drawDay(t)),
			AcquirerRef: drawText(t, 23), OriginalRef: drawText(t, 23), ReasonCode: drawText(t, 12),
			Label: append([]byte("L"), drawText(t, 70)...),
		}
	}

	return drawn
}

// read gives the lines of a file as our own format writes them.
func read(t require.TestingT, file []byte, site settlement.Layout) (settlement.Summary, []string) {
	var good []string

	summary, err := settlement.Read("cre.txt", bytes.NewReader(file), site, func(line *settlement.Line) error {
		good = append(good, string(settlement.AppendLine(nil, line)))

		return nil
	})
	require.NoError(t, err)

	return summary, good
}

// TestFixedWidthSaysTheSame writes the same lines in our own format and by position: both are read as equal.
func TestFixedWidthSaysTheSame(t *testing.T) {
	t.Parallel()

	site := example(t, "cre-fixed.yaml").CRE

	rapid.Check(t, func(t *rapid.T) {
		header := settlement.Header{
			FileName:      "cre.txt",
			Kind:          rapid.SampledFrom([]settlement.FileKind{settlement.KindTransaction, settlement.KindImpaye}).Draw(t, "kind"),
			Reference:     rapid.StringMatching(`[0-9A-Z]{1,17}`).Draw(t, "reference"),
			OperationType: rapid.StringMatching(`[0-9]{1,3}`).Draw(t, "operation"), SettlementDate: calendar.DateOf(drawDay(t)),
			Currency: "EUR", CreatedAt: drawDay(t),
		}
		drawn := drawLines(t, header.Kind)

		var (
			own      bytes.Buffer
			position fixed
		)

		writer, err := settlement.NewWriter(&own, header)
		require.NoError(t, err)
		position.header(&header)

		for i := range drawn {
			require.NoError(t, writer.Write(&drawn[i]))
			position.line(&drawn[i])
		}

		_, err = writer.Close()
		require.NoError(t, err)
		position.trailer()

		want, wantLines := read(t, own.Bytes(), settlement.CRE1{})
		got, gotLines := read(t, position.text.Bytes(), site)
		require.Equal(t, wantLines, gotLines)
		require.True(t, want.CreatedAt.Equal(got.CreatedAt))

		want.CreatedAt, want.SHA256, want.Bytes = got.CreatedAt, got.SHA256, got.Bytes
		require.Equal(t, want, got)
	})
}

const delimitedFile = `ENT,EXTRACT-1,00000120190725UEP,2019-07-25,2019-07-26T04:00:00+02:00
DET,20190724,0001,1A17660007,73282932000074,MASTERCARD,C,"10,11","0,09",24/07/2019 10:25:55,26/07/2019,"CARTE ""X"", été"
DET,20190724,0002,1A17660007,73282932000074,CB,D,"5,00","0,00",24/07/2019 11:00:00,26/07/2019,REMB
FIN,2,"+5,11"
`

func TestDelimited(t *testing.T) {
	t.Parallel()

	summary, good := read(t, []byte(delimitedFile), example(t, "cre-delimited.yaml").CRE)
	require.Equal(t, []string{
		`D;1;201907240001;1A17660007;73282932000074;;MC;VENTE;1011;9;2019-07-24T10:25:55+02:00;20190726;;;;CARTE "X", été` + "\n",
		"D;2;201907240002;1A17660007;73282932000074;;CB;REMB;-500;0;2019-07-24T11:00:00+02:00;20190726;;;;REMB\n",
	}, good)
	require.Equal(t, "EXTRACT-1", summary.FileName)
	require.Equal(t, "EUR", summary.Currency)
	require.Equal(t, money.Cents(511), summary.Gross)
}

// TestFaultsOfASite finds what is wrong in a site's file where it stands there.
func TestFaultsOfASite(t *testing.T) {
	t.Parallel()

	site := example(t, "cre-delimited.yaml").CRE

	for name, test := range map[string]struct{ from, to, want string }{
		"sign":           {",C,", ",X,", "2:56 UNKNOWN"},
		"point":          {`"10,11"`, "10.11", "2:58 AMOUNT"},
		"letter":         {"10,11", "1x,11", "2:58 AMOUNT"},
		"no amount":      {`"10,11"`, "", "2:58 MISSING"},
		"sum":            {"+5,11", "+5,12", "4:7 TRAILER_SUM"},
		"count":          {"FIN,2", "FIN,3", "4:5 TRAILER_COUNT"},
		"no day":         {"26/07/2019,\"", "30/02/2019,\"", "2:93 DATE"},
		"pattern":        {"24/07/2019 10", "24-07-2019 10", "2:73 DATE"},
		"scheme":         {"MASTERCARD", "AMEX", "2:45 UNKNOWN"},
		"digits":         {"73282932000074,M", "7328293200007A,M", "2:30 PATTERN"},
		"semicolon":      {"CARTE", "CAR;E", "2:104 PATTERN"},
		"mark":           {"DET,20190724,0001", "DXT,20190724,0001", "2:0 RECORD"},
		"quotes":         {`été"`, "été", "2:0 RECORD"},
		"columns":        {",REMB\n", "\n", "3:0 RECORD"},
		"more columns":   {",REMB\n", ",REMB,\n", "3:0 RECORD"},
		"no columns":     {",2,\"+5,11\"", "", "4:0 RECORD"},
		"reference":      {"00000120190725UEP", "", "1:15 MISSING"},
		"creId twice":    {"0002", "0001", "3:5 DUPLICATE_CRE_ID"},
		"operation kind": {",D,", ",C,", "4:7 TRAILER_SUM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(delimitedFile, test.from), test.from)

			_, err := settlement.Read("cre.txt", strings.NewReader(strings.Replace(delimitedFile, test.from, test.to, 1)), site,
				func(*settlement.Line) error { return nil })

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)

			first := faults.Faults[0]
			require.Equal(t, test.want, fmt.Sprintf("%d:%d %s", first.Line, first.Column, first.Code), faults.Error())
		})
	}
}

func TestLineLengthIsControlled(t *testing.T) {
	t.Parallel()

	var file fixed

	file.record("00T00000120190725UEP100250719978250719040000")
	file.trailer()

	text := file.text.String()
	site := example(t, "cre-fixed.yaml").CRE

	for _, bad := range []string{strings.Replace(text, " \r\n", "\r\n", 1), strings.Replace(text, "\r\n", " \r\n", 1)} {
		_, err := settlement.Read("cre.txt", strings.NewReader(bad), site, func(*settlement.Line) error { return nil })
		require.ErrorContains(t, err, "line 1: has not the length that its layout declares")
	}
}

func FuzzDecode(f *testing.F) {
	var file fixed

	file.record("00T00000120190725UEP100250719978250719040000")
	file.record("10" + strings.Repeat("1é", 119))
	file.trailer()

	f.Add([]byte(delimitedFile))
	f.Add(file.text.Bytes())
	f.Add([]byte("Compte;SIRET\r\n1A17660007;\"\r\n"))

	f.Add([]byte(payments()))

	fixedWidth, delimited, merchants := example(f, "cre-fixed.yaml"), example(f, "cre-delimited.yaml"), example(f, "merchants.yaml")
	requests := example(f, "payline.yaml")

	f.Fuzz(func(t *testing.T, content []byte) {
		for _, site := range []settlement.Layout{fixedWidth.CRE, delimited.CRE} {
			summary, err := settlement.Read("cre.txt", bytes.NewReader(content), site, func(line *settlement.Line) error {
				var again settlement.Line

				raw := settlement.AppendLine(nil, line)
				require.NoError(t, settlement.ParseLine(raw[:len(raw)-1], &again), "%q", raw)

				return nil
			})
			requireFaults(t, err)
			require.GreaterOrEqual(t, summary.Lines, 0)
		}

		_, err := readMerchants(content, merchants.Merchants)
		requireFaults(t, err)

		_, _, err = readPayments(string(content), requests.Payline)
		requireFaults(t, err)
	})
}

func requireFaults(t *testing.T, err error) {
	t.Helper()

	if err == nil {
		return
	}

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
}
