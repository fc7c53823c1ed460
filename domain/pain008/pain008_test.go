package pain008_test

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain008"
	"github.com/reglo/reglo/domain/sepa"
)

//go:embed testdata/full.02.xml
var full string

func read(text string) (pain008.Summary, error) {
	return pain008.Read("DEBITS.xml", strings.NewReader(text))
}

func day(t *testing.T, text string) calendar.Date {
	t.Helper()

	found, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return found
}

func TestRead(t *testing.T) {
	t.Parallel()

	found, err := read(full)
	require.NoError(t, err)
	require.Equal(t, pain008.Summary{
		ID: "SDD-2026-03-02-1", CreatedAt: time.Date(2026, 3, 2, 9, 15, 30, 0, calendar.Paris()),
		Total: pain008.Total{Debits: 3, Sum: 16_005},
		Blocks: []pain008.Block{
			{ID: "SDD-2026-03-02-1-A", CollectOn: day(t, "2026-03-05"), Total: pain008.Total{Debits: 2, Sum: 6_005}},
			{ID: "SDD-2026-03-02-1-B", CollectOn: day(t, "2026-03-09"), Total: pain008.Total{Debits: 1, Sum: 10_000}},
		},
		BySequence: map[pain008.Sequence]pain008.Total{
			pain008.Recurrent: {Debits: 2, Sum: 6_005}, pain008.OneOff: {Debits: 1, Sum: 10_000},
		},
		ByScheme: map[pain008.Scheme]pain008.Total{
			pain008.Core: {Debits: 2, Sum: 6_005}, pain008.Business: {Debits: 1, Sum: 10_000},
		},
		SHA256: sha256.Sum256([]byte(full)), Bytes: int64(len(full)),
	}, found)
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()

	const debit = "/PmtInf/DrctDbtTxInf/"

	for name, bad := range map[string]struct {
		old, text string // the first of them is replaced
		want      []string
	}{
		"another version":            {"pain.008.001.02", "pain.008.001.08", []string{"FORMAT 2 Document"}},
		"another message":            {"pain.008.001.02", "pain.001.001.03", []string{"FORMAT 2 Document"}},
		"no identifier":              {"<MsgId>SDD-2026-03-02-1</MsgId>", "", []string{"MISSING 4 /GrpHdr/MsgId"}},
		"no instant":                 {"2026-03-02T09:15:30", "now", []string{"DATE 6 /GrpHdr/CreDtTm"}},
		"the number of the file":     {"<NbOfTxs>3<", "<NbOfTxs>4<", []string{"TRAILER_COUNT 7 /GrpHdr/NbOfTxs"}},
		"no number of the file":      {"<NbOfTxs>3</NbOfTxs>", "", []string{"PATTERN 4 /GrpHdr/NbOfTxs"}},
		"the sum of the file":        {"<CtrlSum>160.05<", "<CtrlSum>160.06<", []string{"TRAILER_SUM 8 /GrpHdr/CtrlSum"}},
		"no sum at all":              {"<CtrlSum>160.05<", "<CtrlSum>160,05<", []string{"AMOUNT 8 /GrpHdr/CtrlSum"}},
		"the number of a block":      {"<NbOfTxs>2<", "<NbOfTxs>1<", []string{"TRAILER_COUNT 15 /PmtInf/NbOfTxs"}},
		"the sum of a block":         {"<CtrlSum>60.05<", "<CtrlSum>60<", []string{"TRAILER_SUM 16 /PmtInf/CtrlSum"}},
		"a block twice":              {"-1-B", "-1-A", []string{"DUPLICATE 49 /PmtInf/PmtInfId"}},
		"transfers":                  {"<PmtMtd>DD<", "<PmtMtd>TRF<", []string{"KIND 13 /PmtInf/PmtMtd"}},
		"no day":                     {"<ReqdColltnDt>2026-03-05</ReqdColltnDt>", "", []string{"MISSING 11 /PmtInf/ReqdColltnDt"}},
		"no such day":                {"2026-03-05", "2026-02-30", []string{"DATE 18 /PmtInf/ReqdColltnDt"}},
		"no service level of SEPA":   {"<SvcLvl><Cd>SEPA<", "<SvcLvl><Cd>URGP<", []string{"UNKNOWN 17 /PmtInf/PmtTpInf/SvcLvl"}},
		"another scheme":             {"<Cd>CORE<", "<Cd>COR1<", []string{"UNKNOWN 17 /PmtInf/PmtTpInf/LclInstrm"}},
		"another sequence":           {"<SeqTp>RCUR<", "<SeqTp>RPRE<", []string{"UNKNOWN 17 /PmtInf/PmtTpInf/SeqTp"}},
		"no sequence":                {"<SeqTp>RCUR</SeqTp>", "", []string{"MISSING 25 " + debit + "PmtTpInf/SeqTp", "MISSING 36 " + debit + "PmtTpInf/SeqTp"}},
		"no sequence of a debit":     {"<SeqTp>OOFF</SeqTp>", "", []string{"MISSING 57 " + debit + "PmtTpInf/SeqTp"}},
		"no scheme of a debit":       {"<LclInstrm><Cd>B2B</Cd></LclInstrm>", "", []string{"MISSING 57 " + debit + "PmtTpInf/LclInstrm"}},
		"the sequence twice":         {"        <InstdAmt", "        <PmtTpInf><SeqTp>RCUR</SeqTp></PmtTpInf><InstdAmt", []string{"ELEMENT 27 " + debit + "PmtTpInf"}},
		"the creditor without name":  {"<Cdtr><Nm>CREANCIER DE PARIS</Nm><PstlAdr>", "<Cdtr><PstlAdr>", []string{"MISSING 19 /PmtInf/Cdtr/Nm"}},
		"the creditor's account":     {"FR7630006000011234567890189", "FR7730006000011234567890189", []string{"IBAN 20 /PmtInf/CdtrAcct/Id/IBAN"}},
		"the creditor's bank":        {"AGRIFRPP", "AGRIXXPP", []string{"PATTERN 21 /PmtInf/CdtrAgt/FinInstnId/BIC"}},
		"no creditor's bank":         {"<BIC>AGRIFRPP</BIC>", "", []string{"MISSING 21 /PmtInf/CdtrAgt/FinInstnId/BIC"}},
		"another bank's other":       {"<CdtrAgt><FinInstnId><Othr><Id>NOTPROVIDED<", "<CdtrAgt><FinInstnId><Othr><Id>X<", []string{"MISSING 54 /PmtInf/CdtrAgt/FinInstnId/BIC"}},
		"no creditor's account":      {`<CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id><Ccy>EUR</Ccy></CdtrAcct>`, "", []string{"MISSING 11 /PmtInf/CdtrAcct"}},
		"the creditor's identifier":  {"ZZZ123456</Id><Sch", "ZZZ123457</Id><Sch", []string{"PATTERN 24 /PmtInf/CdtrSchmeId/Id/PrvtId/Othr/Id"}},
		"no EndToEndId":              {"<EndToEndId>E2E-1</EndToEndId>", "", []string{"MISSING 26 " + debit + "PmtId/EndToEndId"}},
		"an EndToEndId too long":     {">E2E-1<", ">" + strings.Repeat("E", 36) + "<", []string{"TOO_LONG 26 " + debit + "PmtId/EndToEndId"}},
		"no amount":                  {">10.05<", ">0<", []string{"SIGN 27 " + debit + "InstdAmt"}},
		"a negative amount":          {">10.05<", ">-10.05<", []string{"SIGN 27 " + debit + "InstdAmt"}},
		"a third of a cent":          {">10.05<", ">10.053<", []string{"AMOUNT 27 " + debit + "InstdAmt"}},
		"more than SEPA carries":     {">10.05<", ">1000000000<", []string{"AMOUNT 27 " + debit + "InstdAmt"}},
		"dollars":                    {`Ccy="EUR">10.05<`, `Ccy="USD">10.05<`, []string{"CURRENCY 27 " + debit + "InstdAmt"}},
		"no mandate":                 {"<MndtId>MANDAT-E2E-1</MndtId>", "", []string{"MISSING 29 " + debit + "DrctDbtTx/MndtRltdInf/MndtId"}},
		"no signature":               {"<DtOfSgntr>2025-11-03</DtOfSgntr>", "", []string{"DATE 29 " + debit + "DrctDbtTx/MndtRltdInf/DtOfSgntr"}},
		"the debtor's bank":          {"PSSTFRPPPAR", "PSSTFRPPPA", []string{"PATTERN 31 " + debit + "DbtrAgt/FinInstnId/BIC"}},
		"the debtor without name":    {"<Nm>DEBITEUR</Nm>", "", []string{"MISSING 32 " + debit + "Dbtr/Nm"}},
		"a debtor's name too long":   {">DEBITEUR<", ">" + strings.Repeat("D", 71) + "<", []string{"TOO_LONG 32 " + debit + "Dbtr/Nm"}},
		"the debtor's account":       {"FR1420041010050500013M02606", "FR1420041010050500013M02607", []string{"IBAN 33 " + debit + "DbtrAcct/Id/IBAN"}},
		"another's country":          {"DE89370400440532013000", "DE8937040044053201300", []string{"IBAN 44 " + debit + "DbtrAcct/Id/IBAN"}},
		"an account out of reach":    {"DE89370400440532013000", "TR330006100519786457841326", []string{"IBAN 44 " + debit + "DbtrAcct/Id/IBAN"}},
		"an amount twice":            {"<DrctDbtTx>", `<InstdAmt Ccy="EUR">9</InstdAmt><DrctDbtTx>`, []string{"ELEMENT 28 " + debit + "InstdAmt"}},
		"an element unknown":         {"<DrctDbtTx>", "<Amt>9</Amt><DrctDbtTx>", []string{"ELEMENT 28 " + debit + "Amt"}},
		"a block's element unknown":  {"<ChrgBr>", "<Amt>9</Amt><ChrgBr>", []string{"ELEMENT 23 /PmtInf/Amt"}},
		"a block's element twice":    {"<ChrgBr>", "<PmtMtd>DD</PmtMtd><ChrgBr>", []string{"ELEMENT 23 /PmtInf/PmtMtd"}},
		"a block's element too late": {"    </PmtInf>", "<ChrgBr>SLEV</ChrgBr></PmtInf>", []string{"ELEMENT 47 /PmtInf/ChrgBr"}},
		"no block":                   {full[strings.Index(full, "    <PmtInf>"):strings.LastIndex(full, "  </CstmrDrctDbtInitn>")], "", []string{"MISSING 3 "}},
		"a block of nothing": {
			full[strings.Index(full, "      <DrctDbtTxInf>"):strings.Index(full, "    </PmtInf>")], "",
			[]string{"MISSING 11 /PmtInf/DrctDbtTxInf"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			text := strings.Replace(full, bad.old, bad.text, 1)
			require.NotEqual(t, full, text)

			_, err := read(text)
			refused, isRefused := errors.AsType[*fault.Faults](err)
			require.True(t, isRefused, "%v", err)

			said := make([]string, 0, len(refused.Faults))

			for _, found := range refused.Faults {
				require.Equal(t, "DEBITS.xml", found.File)
				require.NotEmpty(t, found.Reason)

				said = append(said, fmt.Sprintf("%s %d %s", found.Code, found.Line, strings.TrimPrefix(found.Field, "Document/CstmrDrctDbtInitn")))
			}

			require.Equal(t, bad.want, said)

			for _, secret := range []string{"DEBITEUR", "CREANCIER", "MANDAT", "0000112345678901", "4101005050001", "DDD"} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestReadFindsAllFaults(t *testing.T) {
	t.Parallel()

	text := strings.NewReplacer("DEBITEUR", "", "AGRIFRPP", "X", ">50.00<", ">x<", "<NbOfTxs>3<", "<NbOfTxs>9<").Replace(full)

	_, err := read(text)
	refused, isRefused := errors.AsType[*fault.Faults](err)
	require.True(t, isRefused, "%v", err)
	require.Equal(t, map[fault.Code]int{fault.CodeMissing: 2, fault.CodePattern: 1, fault.CodeAmount: 1}, refused.ByCode,
		"numbers are not compared where amounts cannot be read")
}

func TestReadPassesErrorsOn(t *testing.T) {
	t.Parallel()

	broken := errors.New("disk")
	_, err := pain008.Read("DEBITS.xml", io.MultiReader(strings.NewReader(full[:900]), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
}

// TestISOSchema has ISO's schema judge the file that is accepted here.
func TestISOSchema(t *testing.T) {
	t.Parallel()

	schemas := os.Getenv("REGLO_TEST_ISO_SCHEMAS")
	if schemas == "" {
		t.Skip("REGLO_TEST_ISO_SCHEMAS names no folder with the schemas of ISO")
	}

	schema := filepath.Join(schemas, pain008.Version+".xsd")

	//nolint:gosec // the schemas are where who runs the test says
	said, err := exec.CommandContext(t.Context(), "xmllint", "--noout", "--schema", schema, "testdata/full.02.xml").CombinedOutput()
	require.NoError(t, err, "%s", said)
}

// debit is the first one of the file, and what is around those of its block.
func parts() (before, debit, after string) {
	begin, end := strings.Index(full, "      <DrctDbtTxInf>"), strings.Index(full, "    </PmtInf>")
	debit, _, _ = strings.Cut(full[begin:end], "</DrctDbtTxInf>\n")

	return full[:begin], debit + "</DrctDbtTxInf>\n", "    </PmtInf>\n  </CstmrDrctDbtInitn>\n</Document>\n"
}

// written is a file of direct debits of these amounts, and of the number and the sum that it says.
func written(amounts []money.Cents, number int, sum string) string {
	before, debit, after := parts()

	var text strings.Builder

	text.WriteString(strings.NewReplacer(
		"<NbOfTxs>3<", "<NbOfTxs>"+strconv.Itoa(number)+"<", "<CtrlSum>160.05<", "<CtrlSum>"+sum+"<",
		"<NbOfTxs>2<", "<NbOfTxs>"+strconv.Itoa(number)+"<", "<CtrlSum>60.05<", "<CtrlSum>"+sum+"<").Replace(before))

	for i, amount := range amounts {
		text.WriteString(strings.NewReplacer("E2E-1", fmt.Sprintf("E2E-%d", i), ">10.05<", ">"+amount.String()+"<").Replace(debit))
	}

	return text.String() + after
}

func TestReadAddsUp(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Map(rapid.Int64Range(1, int64(sepa.MaxAmount)), func(cents int64) money.Cents { return money.Cents(cents) }), 1, 20).
			Draw(t, "amounts")

		want := pain008.Total{Debits: len(amounts)}
		for _, amount := range amounts {
			want.Sum += amount
		}

		found, err := read(written(amounts, want.Debits, want.Sum.String()))
		require.NoError(t, err)
		require.Equal(t, want, found.Total)
		require.Equal(t, map[pain008.Sequence]pain008.Total{pain008.Recurrent: want}, found.BySequence)

		off := money.Cents(rapid.SampledFrom([]int64{-1, 1, 100}).Draw(t, "off"))
		_, err = read(written(amounts, want.Debits, (want.Sum + off).String()))
		refused, isRefused := errors.AsType[*fault.Faults](err)
		require.True(t, isRefused, "%v", err)
		require.Equal(t, fault.CodeTrailerSum, refused.Faults[0].Code)
	})
}

// FuzzRead holds Read against a reader written the plain way: a file that is accepted has the number and the sum that the
// plain reader finds in it.
func FuzzRead(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(written([]money.Cents{1, 2, 3}, 3, "0.06")))
	f.Add([]byte(strings.Replace(full, "UTF-8", "ISO-8859-1", 1)))
	f.Add([]byte(strings.ReplaceAll(full, "\n", "\r\n")))
	f.Add([]byte(strings.Replace(full, ">10.05<", ">+010.05000<", 1)))

	f.Fuzz(func(t *testing.T, text []byte) {
		found, err := pain008.Read("DEBITS.xml", bytes.NewReader(text))
		if refused, isRefused := errors.AsType[*fault.Faults](err); isRefused {
			require.Positive(t, refused.Count)
			require.NotContains(t, refused.Error(), "\n")

			return
		}

		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(text), found.SHA256)
		require.EqualValues(t, len(text), found.Bytes)

		var want struct {
			Amounts []string `xml:"CstmrDrctDbtInitn>PmtInf>DrctDbtTxInf>InstdAmt"`
		}

		if xml.Unmarshal(text, &want) != nil {
			return // another encoding
		}

		sum := new(big.Rat)

		for _, amount := range want.Amounts {
			exact, isNumber := new(big.Rat).SetString(strings.TrimSpace(amount))
			require.True(t, isNumber)
			sum.Add(sum, exact)
		}

		require.Len(t, want.Amounts, found.Total.Debits)
		require.Zero(t, sum.Cmp(big.NewRat(int64(found.Total.Sum), 100)))
	})
}

// BenchmarkRead reads a file of 10,000 direct debits.
func BenchmarkRead(b *testing.B) {
	amounts := make([]money.Cents, 10_000)
	for i := range amounts {
		amounts[i] = 1_005
	}

	file := []byte(written(amounts, len(amounts), "100500.00"))

	b.SetBytes(int64(len(file)))
	b.ReportAllocs()

	for b.Loop() {
		_, err := pain008.Read("bench", bytes.NewReader(file))
		require.NoError(b, err)
	}
}
