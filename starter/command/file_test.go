package command_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"

	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain001"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/starter/command"
)

// Whose names and accounts must not be seen.
const (
	debtorName   = "BOULANGERIE DUPONT"
	creditorName = "MARTIN DURAND"
	bulkID       = "cb511424315911eab6f87c2a3123212b" // begins as an IBAN does
)

func ourIBAN() string      { return iban.French(15_589, 29_753, 281_927_240) }
func debtorIBAN() string   { return iban.French(30_006, 1, 1_000_017) }
func creditorIBAN() string { return iban.French(30_007, 2, 44_556_677) }

func bankDay(tb testing.TB, text string) calendar.Date {
	tb.Helper()
	date, err := calendar.ParseDate(text)
	require.NoError(tb, err)
	return date
}

func made(tb testing.TB, write func(io.Writer) error) string {
	tb.Helper()
	var content bytes.Buffer
	require.NoError(tb, write(&content))
	return content.String()
}

func ordersFile(tb testing.TB, version pain001.Version, blocks int) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		const ordersABlock, amount = 2, money.Cents(12_34)
		writer, err := pain001.NewWriter(out, pain001.Format{Version: version}, pain001.Message{
			ID: bulkID, CreatedAt: time.Date(2026, 3, 17, 11, 2, 54, 0, time.UTC), Initiator: "OG-EP",
			Orders: ordersABlock * blocks, Sum: money.Cents(ordersABlock*blocks) * amount,
		})
		require.NoError(tb, err)
		debtor := transfer.Party{Name: debtorName, BIC: "TESTFRPP", IBAN: debtorIBAN()}
		for block := range blocks {
			require.NoError(tb, writer.Begin(pain001.Block{
				Debtor: debtor, DueDate: bankDay(tb, "2026-03-17"), Orders: ordersABlock, Sum: ordersABlock * amount,
			}))
			for order := range ordersABlock {
				require.NoError(tb, writer.Write(transfer.Payment{
					EndToEndID: fmt.Sprintf("P260317%09d", ordersABlock*block+order+1), Amount: amount, Debtor: debtor,
					Creditor: transfer.Party{Name: creditorName, BIC: "TESTFRPPXXX", IBAN: creditorIBAN()},
					Info:     "FACTURE " + creditorIBAN() + " DE MARS",
				}))
			}
		}
		_, err = writer.Close()
		return err
	})
}

func envelope(definition string) message.Envelope {
	return message.Envelope{Definition: definition, ID: "REG-20260317-5", CreatedAt: time.Date(2026, 3, 17, 19, 0, 0, 0, time.UTC)}
}

func returns() []message.Detail {
	creditor := message.Party{Name: creditorName, IBAN: creditorIBAN()}
	return []message.Detail{
		{PaymentID: bulkID, InstructionID: "I1", EndToEndID: "P260317000000002", Amount: 20_00, Code: "AC04", Creditor: creditor},
		{PaymentID: bulkID + "001", EndToEndID: "P260317000000003", Amount: 3_00, Code: "MS03", Creditor: creditor},
		{PaymentID: bulkID, EndToEndID: "P260317000000004", Amount: 1, Code: "AC04"},
	}
}

func bankStatements(tb testing.TB) []message.Statement {
	tb.Helper()
	on, before := bankDay(tb, "2026-03-17"), bankDay(tb, "2026-03-16")
	entry := func(id, label string, amount money.Cents, kind message.Kind) message.Entry {
		return message.Entry{ID: id, Label: label, Amount: amount, BookedOn: on, ValueOn: on, Kind: kind}
	}
	lot := entry("BQ00000000000004", "LOT REJ VIR 260317000001 01", 30_01, message.Returned)
	lot.Batch = &message.Batch{MessageID: bulkID, Orders: 4}
	lot.Details = returns() // come to 23.01
	return []message.Statement{
		{
			ID: "REG-20260317-5", IBAN: ourIBAN(), Number: 5,
			Opening: message.Balance{Amount: -1_000_00, Date: before}, Closing: message.Balance{Amount: -483_49, Date: on},
			Entries: []message.Entry{
				entry("BQ00000000000001", "REM E 100 00000720260317UEP", 500_00, message.Settled), lot,
				entry("BQ00000000000007", "FRAIS "+creditorIBAN(), -13_50, message.Other),
			},
		},
		{
			ID: "CAN-" + debtorIBAN(), IBAN: debtorIBAN(), Number: 1,
			Opening: message.Balance{Date: before}, Closing: message.Balance{Date: on},
		},
	}
}

func statementsFile(tb testing.TB, definition string) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		return message.WriteCamt053(out, envelope(definition), bankStatements(tb)...)
	})
}

// version04 makes a version that the bank does not write: like the one before, without what was renamed.
func version04(older string) string {
	newer := strings.ReplaceAll(older, message.Camt053V02, "camt.053.001.04")
	return regexp.MustCompile(`<TtlNetNtryAmt>.*\n<CdtDbtInd>.*\n`).ReplaceAllString(newer, "")
}

func notificationFile(tb testing.TB, definition string) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		return message.WriteCamt054(out, envelope(definition), ourIBAN(), bankStatements(tb)[0].Entries[1])
	})
}

func reportFile(tb testing.TB, definition string) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		return message.WritePain002(out, envelope(definition), message.Report{
			MessageID: bulkID, Definition: message.Pain001V09, Orders: 4, Sum: 123_00, Status: message.Partly,
			Executed: 1, ExecutedSum: 99_99, Rejected: returns(),
		})
	})
}

func cfonb120File(tb testing.TB) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error { return message.WriteCFONB120(out, bankStatements(tb)...) })
}

func cfonb240File(tb testing.TB) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		return message.WriteCFONB240(out, message.Lot{
			IBAN: ourIBAN(), Label: "LOT REJ VIR 260317000001 01", SettledOn: bankDay(tb, "2026-03-17"),
			ExecutedOn: bankDay(tb, "2026-03-16"), Returns: returns(),
		})
	})
}

func cfonb160File(tb testing.TB) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		writer := cfonb.NewRemittanceWriter("remittance", out, cfonb.LF)
		require.NoError(tb, writer.Begin(&cfonb.Remittance{
			Issuer: "123456", Date: bankDay(tb, "2026-03-17"), Name: debtorName, Batch: "LOT0001",
			Account: cfonb.Account{Bank: "30006", Branch: "00001", Number: "00001000017"}, OrdererID: "73282932000074",
		}))
		for n := range 2 {
			require.NoError(tb, writer.Write(&cfonb.Order{
				Reference: fmt.Sprintf("REF%d", n), Name: creditorName, BankName: "BANQUE",
				Account: cfonb.Account{Bank: "30007", Branch: "00002", Number: "00044556677"}, Amount: 12_34, Label: "FACTURE DE MARS",
			}))
		}
		require.NoError(tb, writer.End())
		_, err := writer.Close()
		return err
	})
}

// debitsFile is written by hand: nobody writes direct debits.
func debitsFile(tb testing.TB) string {
	tb.Helper()
	content, err := os.ReadFile("testdata/debits.xml")
	require.NoError(tb, err)
	return string(content)
}

// bankFiles is one file of each format, by the name of what is said of it.
func bankFiles(tb testing.TB) map[string]string {
	tb.Helper()
	return map[string]string{
		"pain.001.001.03": ordersFile(tb, pain001.V03, 2),
		"pain.001.001.09": ordersFile(tb, pain001.V09, 25),
		"pain.002.001.03": reportFile(tb, message.Pain002V03),
		"pain.002.001.10": reportFile(tb, message.Pain002V10),
		"camt.053.001.02": statementsFile(tb, message.Camt053V02),
		"camt.053.001.04": version04(statementsFile(tb, message.Camt053V02)),
		"camt.053.001.08": statementsFile(tb, message.Camt053V08),
		"camt.054.001.02": notificationFile(tb, message.Camt054V02),
		"camt.054.001.08": notificationFile(tb, message.Camt054V08),
		"pain.008.001.02": debitsFile(tb),
		"cfonb120":        cfonb120File(tb),
		"cfonb160":        cfonb160File(tb),
		"cfonb240":        cfonb240File(tb),
	}
}

// golden compares with what testdata holds.
func golden(tb testing.TB, name, got string) {
	tb.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(tb, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(tb, err)
	require.Equal(tb, string(want), got, name)
}

// requireMasked holds what is printed against the names and accounts of the files.
func requireMasked(tb testing.TB, printed string) {
	tb.Helper()
	for _, secret := range []string{debtorName, creditorName, "DUPONT", "DURAND", ourIBAN()[4:23], debtorIBAN()[4:23], creditorIBAN()[4:23], "00001000017"} {
		require.NotContains(tb, printed, secret)
	}
}

func TestFileCheckAndShowOfTheBank(t *testing.T) {
	t.Parallel()
	for name, content := range bankFiles(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "bank.dat", content)
			got := starter(t, nil, "file", "check", path)
			require.Zero(t, got.code, "%s%s", got.out, got.err)
			requireMasked(t, got.out)
			golden(t, "file-check-"+name+".txt", got.out)

			shown := starter(t, nil, "file", "show", path)
			require.Zero(t, shown.code, shown.err)
			requireMasked(t, shown.out)
			golden(t, "file-show-"+name+".txt", shown.out)
		})
	}
}

func TestFileCheckRefusesABadFileOfTheBank(t *testing.T) {
	t.Parallel()
	files := bankFiles(t)
	for name, test := range map[string]struct {
		of, old, text string // the first is replaced
		says          string
	}{
		"orders, by the rules":     {"pain.001.001.03", ">12.34<", ">12.35<", "bank.dat line 3 column 120: Document/CstmrCdtTrfInitn/GrpHdr/CtrlSum \"49.36\" is not the sum"},
		"orders, by their XML":     {"pain.001.001.09", "</EndToEndId></PmtId>", "</EndToEndId></PmtId><!-- --><?p?>", "holds an instruction"},
		"orders, by the EPC":       {"pain.001.001.03", "P260317000000001", "P//1", "PmtId/EndToEndId must neither begin nor end with '/'"},
		"orders, twice":            {"pain.001.001.09", "P260317000000002", "P260317000000001", "line 6 column 21: Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/PmtId/EndToEndId stands in the file already"},
		"orders, in another form":  {"pain.001.001.03", "<CtrlSum>49.36<", "<CtrlSum>+49.36<", "GrpHdr/CtrlSum must be 0.01 or more, of at most 15 digits and two decimals, with no zero before, by the schema of orders"},
		"a report":                 {"pain.002.001.03", ">23.01<", ">23.02<", "NbOfTxsPerSts"},
		"another report":           {"pain.002.001.10", "<TxSts>RJCT<", "<TxSts>NONE<", "TxInfAndSts/TxSts"},
		"a statement":              {"camt.053.001.02", ">483.49<", ">483.50<", "is not the opening balance -1000.00"},
		"a newer statement":        {"camt.053.001.04", "<Cd>CLBD<", "<Cd>CLXX<", "has no closing balance, CLBD"},
		"the newest statement":     {"camt.053.001.08", "BOOK", "BUCH", "Ntry/Sts/Cd"},
		"a notification":           {"camt.054.001.02", `Ccy="EUR"`, `Ccy="USD"`, "only EUR is read here"},
		"a newer notification":     {"camt.054.001.08", "30.01", "30.1.0", "must be a number of euros"},
		"direct debits":            {"pain.008.001.02", "<NbOfTxs>2<", "<NbOfTxs>3<", "GrpHdr/NbOfTxs \"3\" is not the number"},
		"CFONB 120":                {"cfonb120", "0415589 ", "041558 ", "bank.dat line 2"},
		"CFONB 120 from its start": {"cfonb120", "EUR2 00281927240  1603", "EUR2 0028192724  1603", "bank.dat line 1"},
		"CFONB 160":                {"cfonb160", "REF0", "REF", "bank.dat line 2"},
		"CFONB 240":                {"cfonb240", "000000002301", "000000002302", "bank.dat line 5 column 229"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(files[test.of], test.old, test.text, 1)
			require.NotEqual(t, files[test.of], bad)
			path := write(t, "bank.dat", bad)

			got := starter(t, nil, "file", "check", path)
			require.Equal(t, command.ExitInput, got.code)
			require.Contains(t, got.out, test.says)
			require.NotContains(t, got.out, "valid")
			require.LessOrEqual(t, strings.Count(got.err, "\n"), 2)
			requireMasked(t, got.out+got.err)

			got = starter(t, nil, "file", "check", "--json", path)
			require.Equal(t, command.ExitInput, got.code)
			said := document(t, got)
			require.Equal(t, false, said["valid"])
			require.NotEmpty(t, said["faults"])
			require.InEpsilon(t, len(bad), said["bytes"], 0)
			require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(bad))), said["sha256"])

			got = starter(t, nil, "file", "show", path)
			require.Equal(t, command.ExitInput, got.code, "%s%s", got.out, got.err)
			require.Contains(t, got.err, "bank.dat: ")
			require.LessOrEqual(t, strings.Count(got.err, "\n"), 2)
			requireMasked(t, got.out+got.err)
		})
	}
}

func TestFileCheckRefusesByName(t *testing.T) {
	t.Parallel()
	good := statementsFile(t, message.Camt053V08)
	for definition, says := range map[string]string{
		"camt.052.001.08": `line 2 column 1: Document "camt.052.001.08" is another message, or another version, than what is read here: camt.053.001.02, `,
		"camt.053.001.99": "than what is read here: camt.053.001.02, camt.053.001.04, camt.053.001.08\n",
		"pain.001.001.11": "than what is read here: pain.001.001.03, pain.001.001.09\n",
		"pain.001.003.03": "than what is read here: pain.001.001.03, pain.001.001.09\n",
		"acmt.023.001.02": "than what is read here: camt.053.001.02, camt.053.001.04, camt.053.001.08, camt.054.001.02, camt.054.001.08, pain.001",
		"camt":            "is no namespace of a message of ISO 20022",
		"a\x7fb":          `a\u007fb" is no namespace of a message of ISO 20022`,
	} {
		path := write(t, "bank.xml", strings.ReplaceAll(good, message.Camt053V08, definition))
		got := starter(t, nil, "file", "check", path)
		require.Equal(t, command.ExitInput, got.code)
		require.Contains(t, got.out, says, definition)
		require.Contains(t, got.err, "what to do: ask its sender for one that is read")

		got = starter(t, nil, "file", "show", path)
		require.Equal(t, command.ExitInput, got.code)
		require.Empty(t, got.out)
		require.Contains(t, got.err, strings.TrimSuffix(says, "\n"), definition)
	}
}

func TestFileCheckRefusesHostileFiles(t *testing.T) {
	t.Parallel()
	good := statementsFile(t, message.Camt053V08)
	nested := strings.Replace(good, "<GrpHdr>", "<GrpHdr>"+strings.Repeat("<a>", 10_000), 1)
	for name, test := range map[string]struct{ content, says string }{
		"a document type":    {`<!DOCTYPE D [<!ENTITY a "b">]>` + good, "line 1 column 1: holds a document type, which a message may not"},
		"one in its place":   {strings.Replace(good, "<Document", `<!DOCTYPE D SYSTEM "file:///etc/passwd"><Document`, 1), "line 2 column 1: holds a document type"},
		"an entity":          {strings.Replace(good, "REG-2026", "&a;", 1), "line 5 column"},
		"depth":              {nested, "line 4"},
		"a text without end": {strings.Replace(good, "REG-2026", strings.Repeat("x", 100_000), 1), "of more than 65536 bytes"},
		"cut":                {good[:len(good)/2], "is cut: the file ends before its root does"},
		"UTF-16":             {"\xff\xfe<\x00D\x00", "is in UTF-16 or UTF-32"},
		"another XML":        {`<Document xmlns="urn:example"/>`, "is no namespace of a message of ISO 20022"},
		"a page of the Web":  {"<!DOCTYPE html><html><body>", "line 1 column 1: holds a document type"},
		"a short CFONB 120":  {cfonb120File(t)[:119], "line 1"},
		"a CFONB 120 in two": {cfonb120File(t)[:300], "line 3"},
		"bytes":              {strings.Repeat("\x00\x01\xff", 5_000), "line 1"},
	} {
		path := write(t, "bank.xml", test.content)
		got := starter(t, nil, "file", "check", path)
		require.Equal(t, command.ExitInput, got.code, name)
		require.Contains(t, got.out, test.says, name)
		require.NotContains(t, got.out, "root:", name)

		got = starter(t, nil, "file", "show", path)
		require.Equal(t, command.ExitInput, got.code, name)
		require.Contains(t, got.err, test.says, name)
		require.LessOrEqual(t, strings.Count(got.err, "\n"), 2, name)
	}
}

func TestFileCheckOfTheBankInJSON(t *testing.T) {
	t.Parallel()
	for name, content := range bankFiles(t) {
		got := starter(t, nil, "file", "check", "--json", write(t, "bank.dat", content))
		require.Zero(t, got.code, got.err)
		requireMasked(t, got.out)
		said := document(t, got)
		require.Equal(t, true, said["valid"], name)
		require.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(content))), said["sha256"], name)
		require.InEpsilon(t, len(content), said["bytes"], 0, name)
	}
	statements := document(t, starter(t, nil, "file", "check", "--json", write(t, "s", statementsFile(t, message.Camt053V08))))["statements"]
	require.Subset(t, statements, map[string]any{
		"kind": "STATEMENT", "statements": 2.0, "accounts": 2.0, "entries": 3.0, "creditsCents": 53001.0, "debitsCents": 1350.0,
		"byReason": map[string]any{"AC04": 2.0, "MS03": 1.0},
	})
	first := statements.(map[string]any)["first"].([]any)[0]
	require.Subset(t, first, map[string]any{
		"openedOn": "2026-03-16", "openingCents": -100000.0, "closedOn": "2026-03-17", "closingCents": -48349.0, "account": "FR76…4052",
	})
}

func TestFileCheckWarns(t *testing.T) {
	t.Parallel()
	good := statementsFile(t, message.Camt053V08)
	pending := good
	at := strings.Index(pending, "<Ntry>")
	end := strings.Index(pending, "</Ntry>") + len("</Ntry>")
	entry := strings.NewReplacer("BOOK", "PDNG", "00000001", "00000009").Replace(pending[at:end])
	pending = pending[:at] + entry + "\n" + pending[at:]
	pending = strings.Replace(pending, "<Bal>", "<Bal>\n<Tp>\n<CdOrPrtry>\n<Prtry>MINE</Prtry>\n</CdOrPrtry>\n</Tp>\n<Amt Ccy=\"EUR\">1.00</Amt>\n"+
		"<CdtDbtInd>CRDT</CdtDbtInd>\n<Dt>\n<Dt>2026-03-17</Dt>\n</Dt>\n</Bal>\n<Bal>", 1)

	got := starter(t, nil, "file", "check", write(t, "s", pending))
	require.Zero(t, got.code, "%s%s", got.out, got.err)
	require.Contains(t, got.out, "entries     4 (BOOK 3, PDNG 1)\n")
	require.Contains(t, got.out, "warning: 1 entry with details that come to less than the entry")
	require.Contains(t, got.out, "warning: 1 entry not booked, and in no balance\n")
	require.Contains(t, got.out, "warning: 1 balance of no known kind, MINE\n")

	unexplained := strings.Replace(reportFile(t, message.Pain002V10), "<StsRsnInf>\n<Rsn>\n<Cd>MS03</Cd>\n</Rsn>\n</StsRsnInf>\n", "", 1)
	got = starter(t, nil, "file", "check", write(t, "r", unexplained))
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "warning: 1 order rejected without the code of a reason\n")
}

func TestFileMasksAccountsOfAnyShape(t *testing.T) {
	t.Parallel()
	for number, want := range map[string]string{
		"x": "…", "123456": "…", "1234567": "…567", "fr76 3000 6000": "…000", "XX12345678901234": "XX12…1234",
	} {
		file := strings.ReplaceAll(statementsFile(t, message.Camt053V08), "<IBAN>"+ourIBAN()+"</IBAN>", "<Othr>\n<Id>"+number+"</Id>\n</Othr>")
		for _, command := range []string{"check", "show"} {
			got := starter(t, nil, "file", command, write(t, "s", file))
			require.Zero(t, got.code, got.err)
			require.Contains(t, got.out, want)
			require.NotContains(t, got.out, " "+number+" ")
			require.NotContains(t, got.out, number+`"`)
		}
	}
}

func TestFileMasksAccountsInTexts(t *testing.T) {
	t.Parallel()
	spaced := "FR76 3000 7000 0200 0445 5667 791"
	for label, want := range map[string]string{
		"VIR DE " + spaced + " MARS":                              `info="VIR DE FR76…7791 MARS"`,
		strings.ToLower(creditorIBAN()) + ".":                     `info="FR76…7791."`,
		"DE89-3704-0044-0532-0130-00":                             `info="DE89…3000"`,
		"FR7630007000020004455667799":                             `info="FR76…7799"`, // no IBAN: its check digits are wrong
		"BQ00000000000001 REM E 100 00000720260317UEP":            `info="BQ00000000000001 REM E 100 00000720260317UEP"`,
		"be51142431591abcdef87c2a3123212b COMCO CB15:27:11 LE 12": `info="be51142431591abcdef87c2a3123212b COMCO CB15:27:11 LE 12"`,
	} {
		file := strings.ReplaceAll(statementsFile(t, message.Camt053V08), "FRAIS "+creditorIBAN(), label)
		got := starter(t, nil, "file", "show", write(t, "s", file))
		require.Zero(t, got.code, got.err)
		require.Contains(t, got.out, want)
	}
}

// gzipped compresses as the archive does.
func gzipped(tb testing.TB, content string) string {
	tb.Helper()
	return made(tb, func(out io.Writer) error {
		compressor := gzip.NewWriter(out)
		_, err := compressor.Write([]byte(content))
		require.NoError(tb, err)
		return compressor.Close()
	})
}

func TestFileOfAnArchive(t *testing.T) {
	t.Parallel()
	files := bankFiles(t)
	folder := aDay(t)
	for _, name := range []string{"Fichier.CRE.EP.TI.UEP.txt", "merchants.csv"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		files[name] = string(content)
	}
	for name, content := range files {
		plain, archive := write(t, "file", content), write(t, "file", gzipped(t, content))
		for _, args := range [][]string{{"check"}, {"show"}, {"show", "--json"}} {
			want := starter(t, nil, append([]string{"file", args[0], plain}, args[1:]...)...)
			require.Zero(t, want.code, "%s %s", name, want.err)
			got := starter(t, nil, append([]string{"file", args[0], archive}, args[1:]...)...)
			require.Equal(t, want, result{got.code, strings.Replace(got.out, ", compressed\n", "\n", 1), got.err}, name)
			require.Equal(t, args[0] == "check", strings.Contains(got.out, ", compressed\n"), name)
		}

		whole := gzipped(t, content)
		for _, cut := range []string{whole[:len(whole)/2], whole[:len(whole)-4], whole[:5], whole[:len(whole)-8] + "12345678"} {
			for _, args := range []string{"check", "show"} {
				got := starter(t, nil, "file", args, "--limit=1000000", write(t, "cut.gz", cut))
				if args == "check" {
					got = starter(t, nil, "file", args, write(t, "cut.gz", cut))
				}
				require.Equal(t, command.ExitInput, got.code, "%s: %s", name, got.err)
				require.Contains(t, got.err, "cut.gz: the archive is cut or damaged, after ", name)
				require.Contains(t, got.err, "what to do: take another copy of it\n")
			}
		}
	}
}

// TestFileOfADamagedArchive has what is wrong in the archive said before that its end is missing.
func TestFileOfADamagedArchive(t *testing.T) {
	t.Parallel()
	bad := gzipped(t, "<!DOCTYPE D>"+statementsFile(t, message.Camt053V08))
	got := starter(t, nil, "file", "check", write(t, "cut.gz", bad[:len(bad)-4]))
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.out, "cut.gz line 1 column 1: holds a document type")
}

func TestFileShowWindow(t *testing.T) {
	t.Parallel()
	path := write(t, "orders", ordersFile(t, pain001.V03, 50)) // 50 blocks of 2 orders: 150 records
	all := starter(t, nil, "file", "show", path, "--limit", "150")
	require.Zero(t, all.code, all.err)
	require.Equal(t, 150, strings.Count(all.out, "\n"))
	require.Empty(t, all.err)

	got := starter(t, nil, "file", "show", path)
	require.Zero(t, got.code)
	require.Equal(t, 50, strings.Count(got.out, "\n"))
	require.True(t, strings.HasPrefix(all.out, got.out))
	require.Equal(t, "there are more: --offset 50\n", got.err)

	rest := starter(t, nil, "file", "show", path, "--offset", "50", "--limit", "200")
	require.Equal(t, all.out, got.out+rest.out)
	require.Empty(t, rest.err)

	got = starter(t, nil, "file", "show", path, "--offset", "150")
	require.Zero(t, got.code)
	require.Empty(t, got.out)
	require.Equal(t, "no more: the file has 150 records\n", got.err)

	got = starter(t, nil, "file", "show", "--json", path, "--offset", "1", "--limit", "2")
	require.Zero(t, got.code)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Len(t, lines, 2)
	var record struct {
		Record string `json:"record"`
		Line   int    `json:"line"`
		Fields []struct{ Name, Value string }
	}
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &record))
	require.Equal(t, "order", record.Record)
	require.Equal(t, 6, record.Line)
	require.Equal(t, "P260317000000002", record.Fields[0].Value)

	for _, args := range [][]string{{"--limit", "0"}, {"--offset", "-1"}, {"--limit", "x"}} {
		got := starter(t, nil, append([]string{"file", "show", path}, args...)...)
		require.Equal(t, command.ExitInput, got.code, args)
		require.Contains(t, got.err, "\nwhat to do: ")
	}
	got = starter(t, nil, "file", "show", "/nowhere")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "/nowhere: no such file")
}

func TestFileShowOfOurOwn(t *testing.T) {
	t.Parallel()
	folder := aDay(t)
	got := starter(t, nil, "file", "show", filepath.Join(folder, "Fichier.CRE.EP.TI.UEP.txt"), "--limit", "2")
	require.Zero(t, got.code, got.err)
	require.Equal(t, 2, strings.Count(got.out, "record: lineNo="))
	require.Equal(t, "there are more: --offset 2\n", got.err)

	got = starter(t, nil, "file", "show", filepath.Join(folder, "merchants.csv"), "--offset", "19")
	require.Zero(t, got.code, got.err)
	require.Equal(t, 1, strings.Count(got.out, "\n"))
	require.Contains(t, got.out, `cpIban="FR76…`)

	got = starter(t, nil, "file", "show", "--layout", layoutFile(t, "payline.yaml", "", ""), write(t, "site.txt", sitePayments()))
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, `creditorName="D…"`)
}

// TestFilesAreReadInBoundedMemory checks and shows a statement of 100,000 entries, and as many orders.
//
//nolint:paralleltest // the memory is that of the whole process
func TestFilesAreReadInBoundedMemory(t *testing.T) {
	const entries, most = 100_000, 64 << 20
	stated := bankStatements(t)[0]
	entry := stated.Entries[0]
	stated.Entries = nil
	for range entries {
		stated.Entries = append(stated.Entries, entry)
	}
	stated.Closing.Amount = stated.Opening.Amount + entries*entry.Amount
	statements := filepath.Join(t.TempDir(), "statements.xml")
	file, err := os.Create(statements)
	require.NoError(t, err)
	require.NoError(t, message.WriteCamt053(file, envelope(message.Camt053V08), stated))
	require.NoError(t, file.Close())
	stated.Entries = nil
	orders := write(t, "orders.xml", ordersFile(t, pain001.V03, entries/20))

	for _, path := range []string{statements, orders} {
		for _, args := range [][]string{{"file", "check", path}, {"file", "show", "--limit", "1", "--offset", "90000", path}} {
			held := watchMemory(t)
			got := starter(t, nil, args...)
			require.Zero(t, got.code, got.err)
			require.Less(t, held(), uint64(most), args)
		}
	}
}

// watchMemory tells, when asked, the most that was allocated since beyond what was before.
func watchMemory(tb testing.TB) func() uint64 {
	tb.Helper()
	runtime.GC() //nolint:revive // what was before is not to be counted
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	before, most := stats.HeapAlloc, uint64(0)
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				runtime.GC()
				runtime.ReadMemStats(&stats)
				most = max(most, stats.HeapAlloc)
			}
		}
	}()
	return func() uint64 {
		close(done)
		<-stopped
		return max(most, before) - before
	}
}
