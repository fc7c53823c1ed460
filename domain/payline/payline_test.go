package payline_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/lines"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/payline"
)

const (
	headerText   = "H;12;20210809"
	movementText = "M;2103150015038794;TRANS 12:02:54;DC09255102;DC09255103;25000;EUR;Transfert de fonds CP à CP;20210809"
	transferText = "V;2103150015038811;DC09255105;FR7617028922821276386284526;ext;SOGEFRPPXXX;FR892193300001PNM1I3223UV55;15000;EUR;PAYOUT202105190021;20210810"
	trailerText  = "T;1;1;40000"
)

func date(tb testing.TB, text string) calendar.Date {
	tb.Helper()

	day, err := calendar.ParseDate(text)
	require.NoError(tb, err)

	return day
}

func businessDate(tb testing.TB) calendar.Date {
	tb.Helper()

	return date(tb, "2021-08-09")
}

func movement(tb testing.TB) payline.Line {
	tb.Helper()

	return payline.Line{
		Kind: payline.Movement, EndToEndID: "2103150015038794", OperationCode: "TRANS 12:02:54", DebtorCP: "DC09255102",
		CreditorCP: "DC09255103", Amount: 25000, Currency: "EUR", Label: "Transfert de fonds CP à CP",
		ExecDate: date(tb, "2021-08-09"),
	}
}

func transfer(tb testing.TB) payline.Line {
	tb.Helper()

	return payline.Line{
		Kind: payline.Transfer, EndToEndID: "2103150015038811", DebtorCP: "DC09255105",
		DebtorIBAN: "FR7617028922821276386284526", CreditorName: "ext", CreditorBIC: "SOGEFRPPXXX",
		CreditorIBAN: "FR892193300001PNM1I3223UV55", Amount: 15000, Currency: "EUR", Label: "PAYOUT202105190021",
		ExecDate: date(tb, "2021-08-10"),
	}
}

func file(records ...string) string { return strings.Join(records, "\n") + "\n" }

// with replaces a column of a record; column 0 is its mark.
func with(record string, column int, value string) string {
	columns := strings.Split(record, ";")
	columns[column] = value

	return strings.Join(columns, ";")
}

func read(tb testing.TB, text string, options lines.Options) (payline.Summary, []payline.Line, error) {
	tb.Helper()

	var given []payline.Line

	summary, err := payline.Read("payline.txt", strings.NewReader(text), payline.Ogep1{Options: options}, businessDate(tb),
		func(line *payline.Line) error {
			given = append(given, *line)

			return nil
		})

	return summary, given, err
}

func TestRead(t *testing.T) {
	t.Parallel()

	text := file(headerText, transferText, movementText, trailerText)
	summary, given, err := read(t, text, lines.Options{})
	require.NoError(t, err)
	require.Equal(t, payline.Summary{
		Header: payline.Header{Sequence: 12, Date: date(t, "2021-08-09")}, Movements: 1, Transfers: 1, Sum: 40000,
		SHA256: sha256.Sum256([]byte(text)), Bytes: int64(len(text)), LineFaults: fault.Faults{File: "payline.txt"},
	}, summary)

	wantTransfer, wantMovement := transfer(t), movement(t)
	wantTransfer.Number, wantMovement.Number = 2, 3
	require.Equal(t, []payline.Line{wantTransfer, wantMovement}, given)
}

func TestReadTakesADeclaredText(t *testing.T) {
	t.Parallel()

	text := strings.NewReplacer("\n", "\r\n", "à", "\xe0").Replace(file(headerText, movementText, transferText, trailerText))
	_, given, err := read(t, text, lines.Options{Encoding: lines.Latin1, Ending: lines.CRLF})
	require.NoError(t, err)
	require.Equal(t, "Transfert de fonds CP à CP", given[0].Label)
}

func TestAnEmptyFileHoldsNoRequest(t *testing.T) {
	t.Parallel()

	summary, given, err := read(t, file(headerText, "T;0;0;0"), lines.Options{})
	require.NoError(t, err)
	require.Empty(t, given)
	require.Zero(t, summary.Sum)
}

func TestLineIsRejectedAlone(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("é", payline.MaxText+1)

	for _, test := range []struct {
		name   string
		record string
		sum    string // what the amounts that can be read come to
		want   payline.Code
		fault  string
	}{
		{"columns missing", "M;2103150015038794;x", "0", payline.CodeInvalidFile, "line 2: has 3 columns, a M record of ogep-payline/1 has 9"},
		{"a column too many", transferText + ";", "0", payline.CodeInvalidFile, "line 2: has 12 columns, a V record of ogep-payline/1 has 11"},
		{"no amount", with(movementText, 5, ""), "0", payline.CodeInvalidFile, "line 2 column 57: amountCents must be a whole number of cents, digits only"},
		{"amount in euros", with(movementText, 5, "250.00"), "0", payline.CodeInvalidFile, `line 2 column 57: amountCents "250.00" must be a whole number of cents, digits only`},
		{"negative amount", with(movementText, 5, "-25000"), "0", payline.CodeInvalidFile, `line 2 column 57: amountCents "-25000" must be a whole number of cents, digits only`},
		{"immense amount", with(movementText, 5, "100000000000000"), "0", payline.CodeInvalidFile, `line 2 column 57: amountCents "100000000000000" is beyond the largest amount, 99999999999999 cents`},
		{"no such day", with(movementText, 8, "20210230"), "25000", payline.CodeInvalidFile, `line 2 column 94: execDate "20210230" must be a day of the calendar, yyyyMMdd`},
		{"operation code too long", with(movementText, 2, long[:72]), "25000", payline.CodeInvalidFile, `line 2 column 20: operationCode "` + long[:72] + `" is longer than 35 characters`},
		{"endToEndId too long", with(movementText, 1, long[:72]), "25000", payline.CodeInvalidFile, `line 2 column 3: endToEndId "` + long[:72] + `" is longer than 35 characters`},
		{"currency too long", with(movementText, 6, "EURO"), "25000", payline.CodeInvalidFile, `line 2 column 63: currency "EURO" is longer than 3 characters`},
		{"label too long", with(movementText, 7, long), "25000", payline.CodeInvalidFile, "line 2 column 67: label is longer than 140 characters"},
		{"debtor of another shape", with(movementText, 3, "dc09255102"), "25000", payline.CodeInvalidFile, `line 2 column 35: debtorCp "dc09255102" must be two capital letters or digits, then eight digits`},
		{"an IBAN for an account", with(movementText, 4, "FR892193300001PNM1I3223UV55"), "25000", payline.CodeInvalidFile, `line 2 column 46: creditorCp "FR89…UV55" must be two capital letters or digits, then eight digits`},
		{"an account to itself", with(movementText, 4, "DC09255102"), "25000", payline.CodeInvalidFile, `line 2 column 46: creditorCp "DC09255102" is the debtor account itself`},
		{"name too long", with(transferText, 4, long), "15000", payline.CodeInvalidFile, "line 2 column 59: creditorName is longer than 140 characters"},
		{"BIC of another shape", with(transferText, 5, "SOGEFRPPXX"), "15000", payline.CodeInvalidFile, `line 2 column 63: creditorBic "SOGEFRPPXX" must be a BIC of 8 or 11 capital letters and digits, or empty`},
		{"BIC of no country", with(transferText, 5, "SOGE1RPP"), "15000", payline.CodeInvalidFile, `line 2 column 63: creditorBic "SOGE1RPP" must be a BIC of 8 or 11 capital letters and digits, or empty`},
		{"endToEndId of 15 digits", with(movementText, 1, "210315001503879"), "25000", payline.CodeEndToEndID, `line 2 column 3: endToEndId "210315001503879" must be 16 digits`},
		{"endToEndId with a letter", with(movementText, 1, "21031500150387X4"), "25000", payline.CodeEndToEndID, `line 2 column 3: endToEndId "21031500150387X4" must be 16 digits`},
		{"no endToEndId", with(transferText, 1, ""), "15000", payline.CodeEndToEndID, "line 2 column 3: endToEndId must be 16 digits"},
		{"dollars", with(movementText, 6, "USD"), "25000", payline.CodeCurrency, `line 2 column 63: currency "USD" must be EUR`},
		{"zero", with(movementText, 5, "0"), "0", payline.CodeZeroAmount, `line 2 column 57: amountCents "0" must be above zero`},
		{"creditor IBAN", with(transferText, 6, "FR892193300001PNM1I3223UV56"), "15000", payline.CodeInvalidIBAN, `line 2 column 75: creditorIban "FR89…UV56" has wrong check digits (mod 97)`},
		{"no creditor IBAN", with(transferText, 6, ""), "15000", payline.CodeInvalidIBAN, `line 2 column 75: creditorIban "…" must be two capital letters, two digits, then 11 to 30 capital letters and digits, no spaces`},
		{"debtor IBAN", with(transferText, 3, "FR7617028922821276386284527"), "15000", payline.CodeInvalidIBAN, `line 2 column 31: debtorIban "FR76…4527" has wrong check digits (mod 97)`},
		{"no creditor name", with(transferText, 4, " "), "15000", payline.CodeNoCreditorName, "line 2 column 59: creditorName is empty"},
		{"yesterday", with(movementText, 8, "20210808"), "25000", payline.CodeDatePast, `line 2 column 94: execDate "20210808" is before the business date, 20210809`},
		{"beyond a month", with(transferText, 10, "20210909"), "15000", payline.CodeDateTooFar, `line 2 column 132: execDate "20210909" is after 20210908, 30 days ahead of the business date`},
		{"the first of several", with(with(with(with(transferText, 10, "20210808"), 4, ""), 1, "x"), 8, "CHF"), "15000", payline.CodeEndToEndID, `line 2 column 3: endToEndId "x" must be 16 digits`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			trailer := "T;1;0;" + test.sum
			if test.record[0] == 'V' {
				trailer = "T;0;1;" + test.sum
			}

			summary, given, err := read(t, file(headerText, test.record, trailer), lines.Options{})
			require.NoError(t, err)
			require.Len(t, given, 1)
			require.Equal(t, test.want, given[0].Reject)
			require.NotEmpty(t, summary.LineFaults.Faults)
			require.Equal(t, "payline.txt "+test.fault, summary.LineFaults.Faults[0].Error())
			require.Equal(t, test.sum, plain(summary.Sum))
		})
	}
}

func plain(amount money.Cents) string {
	return strings.TrimLeft(strings.Replace(amount.String(), ".", "", 1), "0") + strings.Repeat("0", map[bool]int{true: 1}[amount == 0])
}

func TestLineAtItsLimitsPasses(t *testing.T) {
	t.Parallel()

	for _, record := range []string{
		with(movementText, 8, "20210908"), with(movementText, 2, ""), with(movementText, 7, strings.Repeat("é", payline.MaxText)),
		with(movementText, 2, strings.Repeat("é", payline.MaxCode)), with(movementText, 5, "0025000"), with(movementText, 5, "99999999999999"),
		with(transferText, 3, ""), with(transferText, 5, ""), with(transferText, 5, "SOGEFRPP"), with(transferText, 9, ""),
		with(transferText, 4, strings.Repeat("é", payline.MaxText)),
	} {
		columns := strings.Split(record, ";")

		trailer := "T;1;0;" + columns[5]
		if columns[0] == "V" {
			trailer = "T;0;1;" + columns[7]
		}

		summary, given, err := read(t, file(headerText, record, trailer), lines.Options{})
		require.NoError(t, err, record)
		require.Empty(t, given[0].Reject, summary.LineFaults.Faults)
	}
}

// TestRejectedLineKeepsItsKeys so that its answer can be told from the others.
func TestRejectedLineKeepsItsKeys(t *testing.T) {
	t.Parallel()

	_, given, err := read(t, file(headerText, "V;2103150015038811;DC09255105", with(transferText, 1, "short"),
		with(transferText, 6, "FR00"), with(transferText, 6, strings.Repeat("F", 35)), with(movementText, 3, "nobody"),
		"M;"+strings.Repeat("1", 36)+";", "T;2;4;70000"), lines.Options{})
	require.NoError(t, err)
	require.Len(t, given, 6)
	require.Equal(t, payline.Line{
		Number: 2, Kind: payline.Transfer, EndToEndID: "2103150015038811", Reject: payline.CodeInvalidFile,
	}, given[0])
	require.Equal(t, "short", given[1].EndToEndID)
	require.Equal(t, "FR00", given[2].CreditorIBAN)
	require.Empty(t, given[3].CreditorIBAN)
	require.Equal(t, "nobody", given[4].DebtorCP)
	require.Empty(t, given[5].EndToEndID, "nothing unbounded is kept")
}

func TestFileIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()

	good := file(headerText, movementText, transferText, trailerText)

	for _, test := range []struct {
		name  string
		text  string
		want  payline.Code
		codes map[fault.Code]int
	}{
		{"empty", "", payline.CodeInvalidFile, map[fault.Code]int{fault.CodeEmpty: 1}},
		{"no header", file(movementText, transferText, trailerText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeNoHeader: 1}},
		{"no trailer", file(headerText, movementText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeNoTrailer: 1}},
		{"header alone", file(headerText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeNoTrailer: 1}},
		{"cut", good[:len(good)-1], payline.CodeInvalidFile, map[fault.Code]int{fault.CodeTruncated: 1}},
		{"two headers", file(headerText, headerText, movementText, transferText, trailerText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeHeaderAgain: 1}},
		{"after the trailer", good + transferText + "\n", payline.CodeInvalidFile, map[fault.Code]int{fault.CodeAfterTrailer: 1}},
		{"twice", good + good, payline.CodeInvalidFile, map[fault.Code]int{fault.CodeAfterTrailer: 4}},
		{"empty line after the trailer", good + "\n", payline.CodeInvalidFile, map[fault.Code]int{fault.CodeAfterTrailer: 1}},
		{"empty line", file(headerText, movementText, "", transferText, trailerText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeRecord: 1}},
		{"unknown record", file(headerText, movementText, "X"+transferText[1:], trailerText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeRecord: 1}},
		{"mark alone", file(headerText, "M", "T;0;0;0"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeRecord: 1}},
		{"NUL", strings.Replace(good, "fonds", "f\x00nds", 1), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeControl: 1}},
		{"encoding", strings.Replace(good, "à", "\xe0", 1), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeEncoding: 1}},
		{"line too long", file(headerText, movementText+strings.Repeat("x", lines.MaxLength), transferText, trailerText), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeLineTooLong: 1}},
		{"endings", strings.ReplaceAll(good, "\n", "\r\n"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeLineEnding: 1}},
		{"byte order mark", "\xef\xbb\xbf" + good, payline.CodeInvalidFile, map[fault.Code]int{fault.CodeByteOrderMark: 1}},
		{"sequence and date", file("H;0;20210229", "T;0;0;0"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodePattern: 1, fault.CodeDate: 1}},
		{"sequence", file("H;1234567890;20210809", "T;0;0;0"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodePattern: 1}},
		{"columns of the header", file("H;12", "T;0;0;0"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeRecord: 1}},
		{"columns of the trailer", file(headerText, "T;0;0"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodeRecord: 1}},
		{"numbers of the trailer", file(headerText, "T;;-0;0.00"), payline.CodeInvalidFile, map[fault.Code]int{fault.CodePattern: 2, fault.CodeAmount: 1}},
		{"movements", file(headerText, movementText, transferText, "T;2;1;40000"), payline.CodeTransactionCount, map[fault.Code]int{fault.CodeTrailerCount: 1}},
		{"transfers", file(headerText, movementText, transferText, "T;1;0;40000"), payline.CodeTransactionCount, map[fault.Code]int{fault.CodeTrailerCount: 1}},
		{"a kind for the other", file(headerText, movementText, transferText, "T;0;2;40000"), payline.CodeTransactionCount, map[fault.Code]int{fault.CodeTrailerCount: 2}},
		{"a line lost", file(headerText, movementText, trailerText), payline.CodeTransactionCount, map[fault.Code]int{fault.CodeTrailerCount: 1, fault.CodeTrailerSum: 1}},
		{"sum", file(headerText, movementText, transferText, "T;1;1;40001"), payline.CodeControlSum, map[fault.Code]int{fault.CodeTrailerSum: 1}},
		{"sum with an amount that cannot be read", file(headerText, movementText, with(transferText, 7, "150,00"), trailerText), payline.CodeControlSum, map[fault.Code]int{fault.CodeTrailerSum: 1}},
		{"sum beyond the largest amount", file(headerText, with(movementText, 5, "99999999999999"), transferText, "T;1;1;1"), payline.CodeControlSum, map[fault.Code]int{fault.CodeTrailerSum: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()

			_, _, err := read(t, test.text, lines.Options{})
			refusal, ok := errors.AsType[*payline.Refusal](err)
			require.True(t, ok, err)
			require.Equal(t, test.want, refusal.Code)
			require.Equal(t, test.codes, refusal.Faults.ByCode, refusal)
			require.ErrorIs(t, err, refusal.Faults)
			require.NotContains(t, refusal.Error(), "\n")
			require.Contains(t, refusal.Error(), string(test.want))
		})
	}
}

func TestFileOfTooManyLinesIsRefused(t *testing.T) {
	t.Parallel()

	count := func(text string) (payline.Summary, error) {
		return payline.Read("payline.txt", strings.NewReader(headerText+"\n"+strings.Repeat("M;\n", payline.MaxLines)+text),
			payline.Ogep1{}, businessDate(t), func(*payline.Line) error { return nil })
	}

	_, err := count("T;1000000;0;0\n")
	require.NoError(t, err)

	summary, err := count("M;\nT;1000001;0;0\n")
	require.ErrorContains(t, err, "FF01: payline.txt: 1 fault: line 1000002: is beyond the limit of 1000000 movements and transfers")
	require.Len(t, summary.LineFaults.Faults, fault.MaxDetailed, "the memory stays bounded")
}

func TestRefusalSaysWhatAnAmountThatCannotBeReadDoesToTheSum(t *testing.T) {
	t.Parallel()

	summary, given, err := read(t, file(headerText, movementText, with(transferText, 7, "150,00"), "V;", "T;1;2;40000"), lines.Options{})
	require.EqualError(t, err, `Payline file refused as a whole, AM10: payline.txt: 1 fault: line 5 column 7: sumCents "40000" is not the sum `+
		"of the amounts of the file, 25000, to which lines whose amount cannot be read add nothing: 2, the first on line 3. Nothing "+
		"of this file has been used: have its sender correct it and send it again")
	require.Len(t, given, 3, "the trailer comes last")
	require.Equal(t, 2, summary.LineFaults.Count, "the lines to correct are told")
	require.Equal(t, payline.Header{Sequence: 12, Date: date(t, "2021-08-09")}, summary.Header, "for the response")
}

func TestRefusedFileGivesNoMoreLines(t *testing.T) {
	t.Parallel()

	summary, given, err := read(t, file(headerText, movementText, "?", with(transferText, 1, "x"), trailerText), lines.Options{})
	require.Error(t, err)
	require.Len(t, given, 1)
	require.Equal(t, 1, summary.LineFaults.Count, "but its lines are controlled")
}

func TestFaultsHideNamesAndIBANs(t *testing.T) {
	t.Parallel()

	record := with(with(with(transferText, 4, strings.Repeat("Durand", 30)), 6, "GB29NWBK60161331926818"), 9, strings.Repeat("Durand", 30))
	summary, _, err := read(t, file(headerText, record, with(transferText, 1, "FR892193300001PNM1I3223UV55"), "T;0;2;30000"), lines.Options{})
	require.NoError(t, err)
	require.Equal(t, 4, summary.LineFaults.Count)

	for _, found := range summary.LineFaults.Faults {
		require.NotContains(t, found.Error(), "Durand")
		require.NotContains(t, found.Error(), "NWBK6016")
		require.NotContains(t, found.Error(), "2193300001")
	}
}

var errBroken = errors.New("broken")

func TestReadStopsAtAnError(t *testing.T) {
	t.Parallel()

	good := file(headerText, movementText, transferText, trailerText)
	calls := 0
	_, err := payline.Read("payline.txt", strings.NewReader(good), payline.Ogep1{}, businessDate(t), func(*payline.Line) error {
		calls++

		return errBroken
	})
	require.ErrorIs(t, err, errBroken)
	require.EqualError(t, err, "read payline.txt: line 2: broken")
	require.Equal(t, 1, calls)

	source := io.MultiReader(strings.NewReader(file(headerText, movementText)), iotest.ErrReader(errBroken))
	_, err = payline.Read("payline.txt", source, payline.Ogep1{}, businessDate(t), func(*payline.Line) error { return nil })
	require.ErrorIs(t, err, errBroken)

	_, refused := errors.AsType[*payline.Refusal](err)
	require.False(t, refused, "a source that breaks says nothing of the file")
}

func TestWriteThenReadGivesTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		header, drawn := drawFile(t, rt)
		text, written := write(t, header, drawn)

		var given []payline.Line

		summary, err := payline.Read("", strings.NewReader(text), payline.Ogep1{}, header.Date, func(line *payline.Line) error {
			given = append(given, *line)

			return nil
		})
		require.NoError(rt, err)
		require.Equal(rt, written, summary)
		require.Zero(rt, summary.LineFaults.Count, summary.LineFaults.Faults)
		require.Equal(rt, sha256.Sum256([]byte(text)), summary.SHA256)
		require.EqualValues(rt, len(text), summary.Bytes)
		require.Len(rt, given, len(drawn))

		for i := range drawn {
			drawn[i].Number = i + 2
			require.Equal(rt, drawn[i], given[i])
		}
	})
}

// TestChangedByteNeverPaysOtherwise changes one byte of a good file: it is refused, or what passes has the same amounts.
func TestChangedByteNeverPaysOtherwise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		header, drawn := drawFile(t, rt)
		text, written := write(t, header, drawn)
		at := rapid.IntRange(0, len(text)-1).Draw(rt, "at")
		changed := []byte(text)
		changed[at] = rapid.OneOf(rapid.SampledFrom([]byte("0123456789;\nMVHT-")), rapid.Byte()).Draw(rt, "byte")

		var given []payline.Line

		summary, err := payline.Read("", bytes.NewReader(changed), payline.Ogep1{}, header.Date, func(line *payline.Line) error {
			given = append(given, *line)

			return nil
		})
		if err != nil {
			_, refused := errors.AsType[*payline.Refusal](err)
			require.True(rt, refused, err)

			return
		}

		require.Equal(rt, written.Sum, summary.Sum)
		require.Equal(rt, written.Movements, summary.Movements)
		require.Equal(rt, written.Transfers, summary.Transfers)

		for i := range given {
			require.Equal(rt, drawn[i].Kind, given[i].Kind)
			require.Equal(rt, drawn[i].Amount, given[i].Amount)
		}
	})
}

func write(tb testing.TB, header payline.Header, drawn []payline.Line) (string, payline.Summary) {
	tb.Helper()

	var text bytes.Buffer

	writer, err := payline.NewWriter(&text, header)
	require.NoError(tb, err)

	for i := range drawn {
		require.NoError(tb, writer.Write(&drawn[i]))
	}

	summary, err := writer.Close()
	require.NoError(tb, err)

	return text.String(), summary
}

func drawFile(tb testing.TB, rt *rapid.T) (payline.Header, []payline.Line) {
	tb.Helper()

	header := payline.Header{
		Sequence: rapid.IntRange(1, 999_999_999).Draw(rt, "sequence"),
		Date:     businessDate(tb).AddDays(rapid.IntRange(-5000, 5000).Draw(rt, "day")),
	}
	text := func(limit int) string {
		return rapid.StringOfN(rapid.RuneFrom([]rune("aZ09 -éÉ€\\\"'😀,:")), 0, limit, -1).Draw(rt, "text")
	}
	ibans := rapid.SampledFrom([]string{"FR7617028922821276386284526", "FR892193300001PNM1I3223UV55", "GB29NWBK60161331926819"})
	digits := rapid.StringMatching(`[0-9]{8}`)
	drawn := make([]payline.Line, rapid.IntRange(0, 10).Draw(rt, "lines"))

	for i := range drawn {
		line := payline.Line{
			EndToEndID: rapid.StringMatching(`[0-9]{16}`).Draw(rt, "endToEndId"), DebtorCP: "DC" + digits.Draw(rt, "debtor"),
			Amount: money.Cents(rapid.Int64Range(1, int64(money.Max)/10).Draw(rt, "amount")), Currency: money.Currency,
			Label: text(payline.MaxText), ExecDate: header.Date.AddDays(rapid.IntRange(0, payline.MaxAheadDays).Draw(rt, "ahead")),
		}

		if rapid.Bool().Draw(rt, "movement") {
			line.Kind, line.OperationCode, line.CreditorCP = payline.Movement, text(payline.MaxCode), "1A"+digits.Draw(rt, "creditor")
		} else {
			line.Kind, line.CreditorName = payline.Transfer, "N"+text(payline.MaxText-1)
			line.CreditorIBAN = ibans.Draw(rt, "creditorIban")
			line.CreditorBIC = rapid.SampledFrom([]string{"", "SOGEFRPP", "SOGEFRPPXXX"}).Draw(rt, "bic")
			line.DebtorIBAN = rapid.OneOf(rapid.Just(""), ibans).Draw(rt, "debtorIban")
		}

		drawn[i] = line
	}

	return header, drawn
}

func TestWriterWritesTheFormat(t *testing.T) {
	t.Parallel()

	text, summary := write(t, payline.Header{Sequence: 12, Date: date(t, "2021-08-09")}, []payline.Line{movement(t), transfer(t)})
	require.Equal(t, file(headerText, movementText, transferText, trailerText), text)
	require.Equal(t, money.Cents(40000), summary.Sum)
}

func TestWriterWritesWhatIsRejectedAlone(t *testing.T) {
	t.Parallel()

	negative, unknown := movement(t), transfer(t)
	negative.Amount, unknown.EndToEndID = -1, "x"
	text, summary := write(t, payline.Header{Sequence: 12, Date: date(t, "2021-08-09")}, []payline.Line{negative, unknown})
	require.Equal(t, file(headerText, with(movementText, 5, "-1"), with(transferText, 1, "x"), "T;1;1;15000"), text)
	require.Equal(t, 2, summary.LineFaults.Count)
}

func TestWriterRefusesWhatWouldBreakTheFile(t *testing.T) {
	t.Parallel()

	for _, header := range []payline.Header{
		{Date: date(t, "2021-08-09")}, {Sequence: 1}, {Sequence: 1_000_000_000, Date: date(t, "2021-08-09")},
	} {
		_, err := payline.NewWriter(io.Discard, header)

		_, ok := errors.AsType[*fault.Fault](err)
		require.True(t, ok, err)
	}

	for _, spoil := range []func(*payline.Line){
		func(line *payline.Line) { line.Label = "a;b" },
		func(line *payline.Line) { line.Label = "a\nb" },
		func(line *payline.Line) { line.Label = "\xe0" },
		func(line *payline.Line) { line.Label = strings.Repeat("x", lines.MaxLength) },
	} {
		writer, err := payline.NewWriter(io.Discard, payline.Header{Sequence: 1, Date: date(t, "2021-08-09")})
		require.NoError(t, err)

		line := movement(t)
		spoil(&line)

		_, ok := errors.AsType[*fault.Fault](writer.Write(&line))
		require.True(t, ok)
	}

	writer, err := payline.NewWriter(io.Discard, payline.Header{Sequence: 1, Date: date(t, "2021-08-09")})
	require.NoError(t, err)

	line := movement(t)
	line.Amount = money.Max
	require.NoError(t, writer.Write(&line))
	require.ErrorContains(t, writer.Write(&line), "line 3 of a Payline file: line 3: brings the sum of the file beyond")
}

// failing fails at the first write that comes through.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errBroken }

func TestWriterGivesTheErrorOfItsDestination(t *testing.T) {
	t.Parallel()

	writer, err := payline.NewWriter(failing{}, payline.Header{Sequence: 1, Date: date(t, "2021-08-09")})
	require.NoError(t, err)

	_, err = writer.Close()
	require.ErrorIs(t, err, errBroken)
}

func TestOperationCode(t *testing.T) {
	t.Parallel()
	require.Equal(t, "TRANS 12:02:54", payline.OperationCode(time.Date(2021, time.August, 9, 10, 2, 54, 324_000_000, time.UTC)))
	require.Equal(t, "TRANS 00:30:00", payline.OperationCode(time.Date(2021, time.January, 9, 23, 30, 0, 0, time.UTC)))
}
