package reject_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/reject"
)

const (
	lot       = "REJ192837544970-02"
	lotLabel  = "LOT REJ VIR 192837544970 02"
	nextLot   = "REJ192837544970-03"
	nextLabel = "LOT REJ VIR 192837544970 03"
	bulk      = "9c8b2f2a2d4a4b579d5c0e8f6f4a2b11"
)

func reader(t testing.TB) reject.Reader {
	t.Helper()

	labels, err := label.Compile(label.Default(), nil)
	require.NoError(t, err)

	return reject.NewReader(labels)
}

// formats are those in which the bank sends the detail of a lot.
func formats() []string {
	return []string{message.Pain002V03, message.Pain002V10, message.Camt054V02, message.Camt054V08, "CFONB 240"}
}

// write writes the detail of the lot as the bank does.
func write(format string, rejects ...reject.Reject) ([]byte, error) {
	var file bytes.Buffer

	day := calendar.DateOf(time.Date(2026, time.March, 19, 12, 0, 0, 0, time.UTC))
	envelope := message.Envelope{Definition: format, ID: "LOTREJVIR19283754497002", CreatedAt: day.Midnight()}
	details, sum := make([]message.Detail, len(rejects)), money.Cents(0)

	for i, one := range rejects {
		details[i] = message.Detail{PaymentID: bulk, EndToEndID: one.EndToEndID, Amount: one.Amount, Code: one.Code}
		sum += one.Amount
	}

	var err error

	switch {
	case strings.HasPrefix(format, "pain.002"):
		err = message.WritePain002(&file, envelope, message.Report{
			MessageID: bulk, Definition: message.Pain001V09, Orders: len(rejects) + 1, Sum: sum + 1, Status: message.Partly,
			Executed: 1, ExecutedSum: 1, Rejected: details,
		})
	case strings.HasPrefix(format, "camt.054"):
		err = message.WriteCamt054(&file, envelope, iban.French(99999, 1, 1), message.Entry{
			ID: "BQ1", Label: lotLabel, Amount: sum, BookedOn: day, ValueOn: day, Kind: message.Returned, Details: details,
		})
	default:
		err = message.WriteCFONB240(&file, message.Lot{
			IBAN: iban.French(99999, 1, 1), Label: lotLabel, SettledOn: day, ExecutedOn: day.AddDays(-1), Returns: details,
		})
	}

	return file.Bytes(), err
}

func written(t testing.TB, format string, rejects ...reject.Reject) []byte {
	t.Helper()

	file, err := write(format, rejects...)
	require.NoError(t, err)

	return file
}

func TestEachFormatIsRead(t *testing.T) {
	t.Parallel()

	details := reader(t)

	for _, format := range formats() {
		rejects := []reject.Reject{{"2103150015038811", 2_100, "AC04"}, {"9fe1b965c38c11ebbadc0050569b2781", 5, "MS03"}}
		file := written(t, format, rejects...)
		want := reject.Detail{Lots: []string{lot}, Rejects: rejects, SHA256: sha256.Sum256(file), Bytes: int64(len(file))}

		if strings.HasPrefix(format, "pain.002") {
			want.Bulk = bulk
		}

		read, err := details.Read("rejets", bytes.NewReader(file), lot)
		require.NoError(t, err, format)
		require.Equal(t, want, read, format)
		require.True(t, read.Has(lot))

		for asked, is := range map[string]bool{lot: true, nextLot: false, "REJ-": false, "": false} {
			found, err := details.Details(bytes.NewReader(file), asked)
			require.NoError(t, err)
			require.Equal(t, is, found, "%s in %s", asked, format)
		}

		read, err = details.Read("rejets", bytes.NewReader(file), nextLot)
		require.NoError(t, err)
		require.False(t, read.Has(nextLot))
		require.Empty(t, read.Rejects)
		require.Equal(t, sha256.Sum256(file), read.SHA256)
	}
}

// TestWhatTheBankWritesIsRead draws lots.
func TestWhatTheBankWritesIsRead(t *testing.T) {
	t.Parallel()

	details := reader(t)
	drawn := rapid.Custom(func(t *rapid.T) reject.Reject {
		return reject.Reject{
			EndToEndID: rapid.StringMatching(`[0-9A-Za-z]{1,35}`).Draw(t, "endToEndId"),
			Amount:     money.Cents(rapid.Int64Range(1, 99_999_999).Draw(t, "amount")),
			Code:       rapid.StringMatching(`[A-Z]{2}[0-9]{2}`).Draw(t, "code"),
		}
	})

	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom(formats()).Draw(t, "format")
		rejects := rapid.SliceOfNDistinct(drawn, 1, 8, func(r reject.Reject) string { return r.EndToEndID }).Draw(t, "rejects")
		file, err := write(format, rejects...)
		require.NoError(t, err)

		read, err := details.Read("rejets", bytes.NewReader(file), lot)
		require.NoError(t, err)
		require.Equal(t, rejects, read.Rejects)

		// Cut anywhere, it is either told to be incomplete or not told at all: never taken for a whole one.
		end := rapid.IntRange(0, len(file)-20).Draw(t, "end")
		_, err = details.Read("rejets", bytes.NewReader(file[:end]), lot)

		var faults *fault.Faults

		require.ErrorAs(t, err, &faults)
	})
}

// report is a pain.002 of which some things are left out.
const report = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<GrpHdr><MsgId>BQ1 LOT-REJ-VIR-192837544970/02</MsgId><CreDtTm>2026-03-19T08:00:00+01:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>NOTPROVIDED</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId></OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>
<TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>E2</OrgnlEndToEndId><TxSts>ACSC</TxSts></TxInfAndSts>
<TxInfAndSts><OrgnlEndToEndId>E3</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><AddtlInf>COMPTE DE M. X CLOS</AddtlInf></StsRsnInf><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts>
<TxInfAndSts><OrgnlInstrId>I4</OrgnlInstrId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Prtry>R 17</Prtry></Rsn></StsRsnInf></TxInfAndSts>
</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>
`

func TestAReportThatSaysLittle(t *testing.T) {
	t.Parallel()

	read, err := reader(t).Read("rejets", strings.NewReader(report), lot)
	require.NoError(t, err)
	require.Equal(t, []reject.Reject{{"E1", 0, "MS03"}, {"E3", 0, "AC04"}, {"", 0, "MS03"}}, read.Rejects)
	require.Empty(t, read.Bulk)
}

func TestReportsOnBulksAreToldFromLots(t *testing.T) {
	t.Parallel()

	details := reader(t)

	for id, want := range map[string]string{
		"LOTREJVIR19283754497002": lot, "LOTREJVIR19283754497003": nextLot, "X.LOT.REJ.VIR 7.192837544970-02": lot,
		"LOTREJVIR1928375449702": "", "19283754497002": "", "LOTVIR19283754497002": "", "9c8b2f2a2d4a4b579d5c0e8f6f4a2b11": "",
	} {
		file := strings.Replace(report, "BQ1 LOT-REJ-VIR-192837544970/02", id, 1)
		is, err := reject.IsLot(strings.NewReader(file))
		require.NoError(t, err)
		require.Equal(t, want != "", is, id)

		read, err := details.Read("f", strings.NewReader(file), lot)
		require.NoError(t, err)
		require.Equal(t, want == lot, read.Has(lot), id)
		require.Equal(t, want == nextLot, read.Has(nextLot), id)
	}

	for _, file := range []string{"", "<?xml", report[:250], string(written(t, message.Camt054V08, reject.Reject{"E1", 100, "AC04"}))} {
		is, err := reject.IsLot(strings.NewReader(file))
		require.NoError(t, err)
		require.False(t, is)
	}

	_, err := reject.IsLot(iotest.ErrReader(errors.New("disk")))
	require.ErrorContains(t, err, "disk")
}

// TestANotificationOfMoreThanALot leaves its other entries alone, and those that are no credit or not booked.
func TestANotificationOfMoreThanALot(t *testing.T) {
	t.Parallel()

	day := calendar.DateOf(time.Date(2026, time.March, 19, 12, 0, 0, 0, time.UTC))
	entry := func(label string, amount money.Cents, id string) message.Entry {
		return message.Entry{
			ID: "BQ" + id, Label: label, Amount: amount, BookedOn: day, ValueOn: day, Kind: message.Returned,
			Details: []message.Detail{{EndToEndID: id, Amount: amount.Abs(), Code: "AC04"}},
		}
	}

	var file bytes.Buffer

	err := message.WriteCamt054(&file, message.Envelope{Definition: message.Camt054V08, ID: "N1", CreatedAt: day.Midnight()},
		iban.French(99999, 1, 1), entry("VIR RECU", 100, "E1"), entry("LOT  REJ VIR 192837544970 02", 200, "E2"),
		entry(nextLabel, 300, "E3"), entry("LOT REJ VIR 192837544970 04", -400, "E4"), entry("LOT REJ VIR 192837544970 05", 500, "E5"))
	require.NoError(t, err)

	text := file.String()
	last := strings.LastIndex(text, "BOOK")
	require.Positive(t, last)

	// The summary counts entries of any status, so that the last one may be pending.
	text = text[:last] + "PDNG" + text[last+4:]
	details := reader(t)

	for lot, want := range map[string]string{lot: "E2", nextLot: "E3"} {
		read, err := details.Read("avis", strings.NewReader(text), lot)
		require.NoError(t, err)
		require.Equal(t, []string{"REJ192837544970-02", nextLot}, read.Lots)
		require.Len(t, read.Rejects, 1)
		require.Equal(t, want, read.Rejects[0].EndToEndID)
	}
}

// TestReturnsOfMoreThanALot has the bank write behind what we agreed on, and leave out reasons.
func TestReturnsOfMoreThanALot(t *testing.T) {
	t.Parallel()

	text := string(written(t, "CFONB 240", reject.Reject{"E1", 100, "AC04"}, reject.Reject{"E2", 200, ""}, reject.Reject{"", 300, ""}))
	text = strings.Replace(text, fmt.Sprintf("%-40s", lotLabel), fmt.Sprintf("%-40s", lotLabel+" DU 190326"), 1)
	text = strings.Replace(text, fmt.Sprintf("%-30s", "E1 AC04"), fmt.Sprintf("%-30s", "E1  AC04 CPTE CLOS"), 1)
	other := strings.Replace(string(written(t, "CFONB 240", reject.Reject{"E4", 400, "AC04"})), lotLabel, nextLabel, 1)
	issued := strings.ReplaceAll(string(written(t, "CFONB 240", reject.Reject{"E5", 500, "AC04"})), "12190326E", "06190326E")
	require.Contains(t, issued, "06190326E")

	details := reader(t)
	read, err := details.Read("rejets", strings.NewReader(issued+other+text), lot)
	require.NoError(t, err)
	require.Equal(t, []string{nextLot, lot}, read.Lots)
	require.Equal(t, []reject.Reject{{"E1", 100, "AC04"}, {"E2", 200, "MS03"}, {"", 300, "MS03"}}, read.Rejects)
}

func TestFilesThatAreNoDetail(t *testing.T) {
	t.Parallel()

	details := reader(t)

	for name, test := range map[string]struct {
		file       string
		incomplete bool
		want       string
	}{
		"empty":          {"", true, "is empty"},
		"short":          {"<?xml", true, "is cut: it ends before its format can be told"},
		"something else": {strings.Repeat("H;ogep-cre/1\n", 40), false, "is neither a pain.002, a camt.054 nor a CFONB 240"},
		"a statement": {
			strings.Repeat(" ", 300) + `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"></Document>`, false, "is neither a pain.002",
		},
		"another version": {
			strings.Replace(report, "001.10", "001.11", 1), false, "pain.002.001.11",
		},
		"cut": {report[:len(report)-20], true, "is cut"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			_, err := details.Read("fichier", strings.NewReader(test.file), lot)

			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)
			require.ErrorContains(t, err, "fichier")
			require.ErrorContains(t, err, test.want)
			require.Equal(t, test.incomplete, faults.Incomplete())

			found, err := details.Details(strings.NewReader(test.file), lot)
			require.NoError(t, err)
			require.Equal(t, name == "cut", found, "its beginning tells")
		})
	}

	broken := errors.New("disk")

	for _, file := range []string{"", report[:600], strings.Replace(report, "<GrpHdr>", strings.Repeat("<!-- -->", 1_000)+"<GrpHdr>", 1)} {
		source := func() io.Reader { return io.MultiReader(strings.NewReader(file), iotest.ErrReader(broken)) }
		_, err := details.Read("f", source(), lot)
		require.ErrorIs(t, err, broken)
		require.ErrorContains(t, err, "f:")
	}

	_, err := details.Details(iotest.ErrReader(broken), lot)
	require.ErrorIs(t, err, broken)
}

// TestALotBeyondTheLimit is refused, and not held in memory.
func TestALotBeyondTheLimit(t *testing.T) {
	t.Parallel()

	rejects := make([]reject.Reject, reject.Max+3)
	for i := range rejects {
		rejects[i] = reject.Reject{EndToEndID: fmt.Sprintf("E%d", i), Amount: 1, Code: "AC04"}
	}

	_, err := reader(t).Read("rejets", bytes.NewReader(written(t, "CFONB 240", rejects...)), lot)

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Equal(t, 1, faults.ByCode[fault.CodeTooManyLines])
	require.ErrorContains(t, err, "has 3 payouts beyond the limit of 200000")
}

// FuzzRead reads what anybody may send.
func FuzzRead(f *testing.F) {
	for _, format := range formats() {
		file, err := write(format, reject.Reject{"E1", 100, "AC04"}, reject.Reject{"E2", 200, ""})
		require.NoError(f, err)
		f.Add(file)
		f.Add(bytes.Replace(file, []byte("192837544970"), []byte("192837544971"), 1))
		f.Add(file[:len(file)/2])
	}

	f.Add([]byte(report))

	details := reader(f)

	f.Fuzz(func(t *testing.T, file []byte) {
		read, err := details.Read("f", bytes.NewReader(file), lot)
		found, looked := details.Details(bytes.NewReader(file), lot)
		require.NoError(t, looked)

		if err != nil {
			var faults *fault.Faults

			require.ErrorAs(t, err, &faults)

			return
		}

		require.Equal(t, read.Has(lot), found)
		require.Equal(t, sha256.Sum256(file), read.SHA256)
		require.EqualValues(t, len(file), read.Bytes)

		for _, one := range read.Rejects {
			require.Len(t, one.Code, 4)
			require.GreaterOrEqual(t, one.Amount, money.Cents(0))
		}
	})
}
