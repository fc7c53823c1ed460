package bank_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/cfonb"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain002"
	"github.com/reglo/reglo/domain/settlement"
)

// virtual is the IBAN of a CP, which leads to règlement.
const virtual = "FR1420041010050500013M02606"

// order is what a pain.001 of the test asks for, and what is wrong with it.
type order struct {
	definition string // message.Pain001V09 when it is left out
	id         string // made of the name when it is left out
	debit      string
	due        calendar.Date
	payments   []payment
	spoil      func(content string) string
}

// messageID is the identifier that a bulk of that name has when nothing else is said.
func messageID(name string) string {
	sum := sha256.Sum256([]byte(name))

	return hex.EncodeToString(sum[:16])
}

// writeMessage hands a bulk over as a pain.001, with a block for each payment.
func (w *world) writeMessage(name string, asked order) {
	var (
		blocks strings.Builder
		sum    money.Cents
	)

	if asked.id == "" {
		asked.id = messageID(name)
	}

	bic, date := "BICFI", "<Dt>"+asked.due.String()+"</Dt>"
	if asked.definition == message.Pain001V03 {
		bic, date = "BIC", asked.due.String()
	} else {
		asked.definition = message.Pain001V09
	}

	for i, paid := range asked.payments {
		sum += paid.amount
		fmt.Fprintf(&blocks, `<PmtInf><PmtInfId>BLOCK%d</PmtInfId><PmtMtd>TRF</PmtMtd><NbOfTxs>1</NbOfTxs><CtrlSum>%s</CtrlSum>
<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt>%s</ReqdExctnDt>
<Dbtr><Nm>DEBTOR</Nm></Dbtr><DbtrAcct><Id><IBAN>%s</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><%[5]s>RGLOFRP0</%[5]s></FinInstnId></DbtrAgt>
<CdtTrfTxInf><PmtId><EndToEndId>%[6]s</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">%[2]s</InstdAmt></Amt>
<Cdtr><Nm>CREDITOR</Nm></Cdtr><CdtrAcct><Id><IBAN>%[7]s</IBAN></Id></CdtrAcct></CdtTrfTxInf></PmtInf>
`, i+1, paid.amount, date, asked.debit, bic, paid.id, paid.creditor)
	}

	content := fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:%s"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>%s</MsgId><CreDtTm>2026-03-17T10:00:00Z</CreDtTm><NbOfTxs>%d</NbOfTxs><CtrlSum>%s</CtrlSum><InitgPty/></GrpHdr>
%s</CstmrCdtTrfInitn></Document>
`, asked.definition, asked.id, len(asked.payments), sum, &blocks)
	if asked.spoil != nil {
		content = asked.spoil(content)
	}

	require.NoError(w.t, os.WriteFile(filepath.Join(w.outbox, name+".xml"), []byte(content), 0o600))
}

// back is a payout that came back, or that was rejected, as the EP reads it in any format.
type back struct {
	EndToEndID string
	Amount     money.Cents
	Code       string
}

// report is what the EP reads in a pain.002.
type report struct {
	id, message, definition, status, code string
	orders                                int
	rejected                              []back
}

func (r *report) sum() money.Cents {
	var sum money.Cents
	for _, reject := range r.rejected {
		sum += reject.Amount
	}

	return sum
}

// receiveMessage reads a file of a bank's format, plainly. The EP's own readers, written independently, must take it too.
func (w *world) receiveMessage(kind, name string, content []byte) {
	require.NoError(w.t, readAsTheEP(kind, name, content), "%s", content)

	switch kind {
	case "camt053":
		w.receiveCamt053(content)
	case "cfonb120":
		w.receiveCFONB120(name, string(content))
	case "camt054":
		w.receiveCamt054(content)
	case "cfonb240":
		w.receiveCFONB240(string(content))
	case "pain002":
		w.receivePain002(name, content)
	default:
		require.Fail(w.t, "unknown file", name)
	}
}

func readAsTheEP(kind, name string, content []byte) error {
	var (
		source = bytes.NewReader(content)
		err    error
	)

	switch kind {
	case "camt053", "camt054":
		_, err = camt.Read(name, source, camt.Handler{})
	case "cfonb120":
		_, err = cfonb.Read120(name, source, cfonb.Options{}, cfonb.StatementHandler{})
	case "cfonb240":
		_, err = cfonb.Read240(name, source, cfonb.Options{}, cfonb.AdviceHandler{})
	case "pain002":
		_, err = pain002.Read(name, source, pain002.Handler{})
	}

	return err
}

func (w *world) code(iban string) ledger.Code {
	for code, account := range opening() {
		if account.IBAN == iban || iban == account.IBAN[14:25] {
			return code
		}
	}

	require.Fail(w.t, "no account of ours")

	return ""
}

func (w *world) amount(text, direction string) money.Cents {
	amount, err := money.Parse(text)
	require.NoError(w.t, err)

	if direction == "DBIT" {
		return -amount
	}

	return amount
}

type camtEntry struct {
	Amount    string `xml:"Amt"`
	Direction string `xml:"CdtDbtInd"`
	ID        string `xml:"AcctSvcrRef"`
	Label     string `xml:"AddtlNtryInf"`
	Details   []struct {
		EndToEndID string `xml:"Refs>EndToEndId"`
		Amount     string `xml:"Amt"`
		OldAmount  string `xml:"AmtDtls>TxAmt>Amt"`
		Code       string `xml:"RtrInf>Rsn>Cd"`
	} `xml:"NtryDtls>TxDtls"`
}

// receiveLot keeps what an entry tells of a lot.
func (w *world) receiveLot(entry *camtEntry) {
	lot, is := strings.CutPrefix(entry.Label, "LOT REJ VIR ")
	if !is || len(entry.Details) == 0 {
		return
	}

	var rejects []back
	for _, detail := range entry.Details {
		rejects = append(rejects, back{
			EndToEndID: detail.EndToEndID, Amount: w.amount(detail.Amount+detail.OldAmount, ""), Code: detail.Code,
		})
	}

	w.details["REJ"+strings.ReplaceAll(lot, " ", "-")] = rejects
}

func (w *world) receiveCamt053(content []byte) {
	var document struct {
		Statements []struct {
			Number   int    `xml:"ElctrncSeqNb"`
			IBAN     string `xml:"Acct>Id>IBAN"`
			Balances []struct {
				Amount    string `xml:"Amt"`
				Direction string `xml:"CdtDbtInd"`
			} `xml:"Bal"`
			Entries []camtEntry `xml:"Ntry"`
		} `xml:"BkToCstmrStmt>Stmt"`
	}

	require.NoError(w.t, xml.Unmarshal(content, &document))

	for _, found := range document.Statements {
		read := stated{
			account: w.code(found.IBAN), sequence: found.Number,
			opening: w.amount(found.Balances[0].Amount, found.Balances[0].Direction),
			closing: w.amount(found.Balances[1].Amount, found.Balances[1].Direction),
		}

		for i := range found.Entries {
			entry := &found.Entries[i]
			read.lines = append(read.lines, statedLine{entry.ID, entry.Label, w.amount(entry.Amount, entry.Direction)})
			w.receiveLot(entry)
		}

		w.keep(read)
	}
}

func (w *world) receiveCamt054(content []byte) {
	var document struct {
		Entries []camtEntry `xml:"BkToCstmrDbtCdtNtfctn>Ntfctn>Ntry"`
	}

	require.NoError(w.t, xml.Unmarshal(content, &document))
	require.Len(w.t, document.Entries, 1)
	w.receiveLot(&document.Entries[0])
}

// overpunched reads an amount of the CFONB.
func (w *world) overpunched(text string) money.Cents {
	const signs = "{ABCDEFGHI}JKLMNOPQR"

	at := strings.IndexByte(signs, text[len(text)-1])
	cents, err := strconv.ParseInt(text[:len(text)-1]+strconv.Itoa(at%10), 10, 64)
	require.NoError(w.t, err)

	if at >= 10 {
		cents = -cents
	}

	return money.Cents(cents)
}

// receiveCFONB120 takes the number from the file's name: the format has none.
func (w *world) receiveCFONB120(name, content string) {
	var read stated

	sequence, err := strconv.Atoi(strings.Split(name, ".")[3])
	require.NoError(w.t, err)

	for record := range strings.Lines(content) {
		switch amount := record[90:104]; record[:2] {
		case "01":
			read = stated{account: w.code(record[21:32]), sequence: sequence, opening: w.overpunched(amount)}
		case "04":
			read.lines = append(read.lines, statedLine{
				strings.TrimSpace(record[104:120]), strings.TrimSpace(record[48:79]), w.overpunched(amount),
			})
		case "05":
			if record[45:48] == "LIB" {
				read.lines[len(read.lines)-1].label = strings.TrimSpace(record[48:118])
			}
		case "07":
			read.closing = w.overpunched(amount)
			w.keep(read)
		}
	}
}

func (w *world) receiveCFONB240(content string) {
	var (
		lot        string
		rejects    []back
		sum, total money.Cents
	)

	for record := range strings.Lines(content) {
		text := strings.Fields(record[128:216])

		switch record[:2] {
		case "31":
			lot = "REJ" + text[3] + "-" + text[4]
		case "34":
			cents, err := strconv.ParseInt(record[228:240], 10, 64)
			require.NoError(w.t, err)
			sum += money.Cents(cents)
			rejects = append(rejects, back{EndToEndID: text[0], Amount: money.Cents(cents), Code: text[1]})
		case "39":
			cents, err := strconv.ParseInt(record[228:240], 10, 64)
			require.NoError(w.t, err)
			total = money.Cents(cents)
		}
	}

	require.Equal(w.t, total, sum)
	w.details[lot] = rejects
}

func (w *world) receivePain002(name string, content []byte) {
	var document struct {
		ID         string `xml:"CstmrPmtStsRpt>GrpHdr>MsgId"`
		Message    string `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts>OrgnlMsgId"`
		Definition string `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts>OrgnlMsgNmId"`
		Orders     int    `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts>OrgnlNbOfTxs"`
		Status     string `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts>GrpSts"`
		Code       string `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts>StsRsnInf>Rsn>Cd"`
		Rejected   []struct {
			EndToEndID string `xml:"OrgnlEndToEndId"`
			Status     string `xml:"TxSts"`
			Code       string `xml:"StsRsnInf>Rsn>Cd"`
			Amount     string `xml:"OrgnlTxRef>Amt>InstdAmt"`
		} `xml:"CstmrPmtStsRpt>OrgnlPmtInfAndSts>TxInfAndSts"`
	}

	require.NoError(w.t, xml.Unmarshal(content, &document))

	read := report{
		id: document.ID, message: document.Message, definition: document.Definition, status: document.Status, code: document.Code,
		orders: document.Orders,
	}

	for _, rejected := range document.Rejected {
		require.Equal(w.t, "RJCT", rejected.Status)
		read.rejected = append(read.rejected, back{
			EndToEndID: rejected.EndToEndID, Amount: w.amount(rejected.Amount, ""), Code: rejected.Code,
		})
	}

	if lot, is := strings.CutPrefix(read.id, "LOTREJVIR"); is {
		require.Len(w.t, lot, 14)
		require.Equal(w.t, "PART", read.status)

		w.details["REJ"+lot[:12]+"-"+lot[12:]] = read.rejected

		return
	}

	bulk := strings.Split(name, ".")[1]
	w.reports[bulk] = append(w.reports[bulk], read)
}

// requireValid has xmllint judge what came in by ISO's schemas, where these are.
func (w *world) requireValid(t *testing.T) {
	t.Helper()

	folder := os.Getenv("REGLO_TEST_ISO_SCHEMAS")
	if folder == "" {
		return // the tests of package message say that nothing was judged
	}

	for name, content := range w.received {
		_, definition, is := strings.Cut(content, `xmlns="urn:iso:std:iso:20022:tech:xsd:`)
		if !is {
			continue
		}

		schema := filepath.Join(folder, definition[:len(message.Camt053V08)]+".xsd")
		if _, err := os.Stat(schema); err != nil {
			continue // that of camt.054.001.08 is judged by package message
		}

		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))

		shown, err := exec.CommandContext(t.Context(), "xmllint", "--noout", "--schema", schema, path).CombinedOutput() //nolint:gosec // of the test
		require.NoError(t, err, "%s", shown)
	}
}

// TestADayInTheFormatsOfBanks has the same day told in each pair of formats.
func TestADayInTheFormatsOfBanks(t *testing.T) {
	t.Parallel()

	for _, statements := range bank.StatementFormats() {
		for _, rejects := range bank.RejectsFormats() {
			for _, definition := range []string{message.Pain001V03, message.Pain001V09} {
				if rejects == bank.RejectsCamt053 && !strings.HasPrefix(string(statements), "camt.") {
					continue
				}

				t.Run(fmt.Sprintf("%s, %s, %s", statements, rejects, definition), func(t *testing.T) {
					t.Parallel()
					playDay(t, bank.Formats{Statement: statements, Rejects: rejects, Report: true}, definition)
				})
			}
		}
	}
}

func playDay(t *testing.T, formats bank.Formats, definition string) {
	t.Helper()

	w := newWorld(t, t.TempDir(), bank.WithFormats(formats))
	w.bank.SetFaults(bank.Faults{
		RejectIBANs: []string{other}, RejectIDs: []string{"P260317000000003"}, RejectBeforeIDs: []string{"P260317000000004"},
	})

	_, err := w.bank.Settle(day(t, today), bank.Settlement{
		Reference: settlement.NewReference(7, day(t, today)), OperationType: "100", Amount: 500_00, ValueDate: day(t, today),
	})
	require.NoError(t, err)

	w.writeMessage(payouts, order{definition: definition, debit: virtual, due: day(t, today), payments: []payment{
		{"P260317000000001", merchant, 100_00}, {"P260317000000002", other, 20_00}, {"P260317000000003", merchant, 3_00},
		{"P260317000000004", merchant, 1_00},
	}})
	w.writeMessage(internal, order{
		definition: definition, debit: reglement, due: day(t, today), payments: []payment{{"I1", fonctionnement, 7_00}},
	})
	require.Equal(t, []bank.Taken{
		{Name: payouts, Outcome: bank.Executed, Purpose: "PAYOUT", Orders: 4, Sum: 124_00, Rejects: 2, RejectedBefore: 1},
		{Name: internal, Outcome: bank.Executed, Orders: 1, Sum: 7_00},
	}, w.take(today))
	require.FileExists(t, filepath.Join(w.outbox, bank.SentFolder, payouts+".xml"))

	names, err := w.bank.DeliverReports(w.inbox)
	require.NoError(t, err)
	require.Len(t, names, 2, "they wait for no statement")
	w.receive()

	w.again()
	w.closeDay(today)
	w.closeDay(tomorrow)
	w.requireValid(t)

	require.Equal(t, []string{
		"REM E 100 00000720260317UEP 500.00", "REM VIR " + payouts + " -123.00", "VIR INTERNE " + internal + " -7.00",
	}, w.lines(ledger.Reglement, 1))
	require.Equal(t, []string{"VIR INTERNE " + internal + " 7.00"}, w.lines(ledger.Fonctionnement, 1))
	require.Equal(t, []string{"LOT REJ VIR 260317000001 01 23.00"}, w.lines(ledger.Reglement, 2))
	require.Equal(t, []string{}, w.lines(ledger.Cantonnement, 2))
	require.Equal(t, []back{
		{EndToEndID: "P260317000000002", Amount: 20_00, Code: "AC04"}, {EndToEndID: "P260317000000003", Amount: 3_00, Code: "AC01"},
	}, w.details["REJ260317000001-01"])

	for _, told := range []struct {
		bulk string
		want report
	}{
		{payouts, report{
			message: messageID(payouts), definition: definition, status: "PART", orders: 4,
			rejected: []back{{EndToEndID: "P260317000000004", Amount: 1_00, Code: "AC06"}},
		}},
		{internal, report{message: messageID(internal), definition: definition, status: "ACCP", orders: 1}},
	} {
		require.Len(t, w.reports[told.bulk], 1)
		require.Regexp(t, "^RPT[0-9a-f]{28}$", w.reports[told.bulk][0].id)

		told.want.id = w.reports[told.bulk][0].id
		require.Equal(t, told.want, w.reports[told.bulk][0])
	}

	require.Equal(t, money.Cents(500_00-123_00-7_00+23_00), w.bank.Balance(ledger.Reglement))
}

func TestNamesOfFiles(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		formats bank.Formats
		faults  bank.Faults
		first   []string
		lot     string
	}{
		{
			bank.Formats{}, bank.Faults{},
			[]string{"camt053.REG.20260317.1.xml", "camt053.CAN.20260317.1.xml", "camt053.FON.20260317.1.xml"}, "pain002.LOTREJVIR26031700000101.xml",
		},
		{
			bank.Formats{Statement: bank.StatementCamt053, Rejects: bank.RejectsPain002}, bank.Faults{},
			[]string{"camt053.REG.20260317.1.xml", "camt053.CAN.20260317.1.xml", "camt053.FON.20260317.1.xml"},
			"pain002.LOTREJVIR26031700000101.xml",
		},
		{
			bank.Formats{Statement: bank.StatementCFONB120, Rejects: bank.RejectsCFONB240, OneFile: true}, bank.Faults{},
			[]string{"cfonb120.ALL.20260317.1.txt"}, "cfonb240.REJ260317000001-01.txt",
		},
		{
			bank.Formats{Statement: bank.StatementCamtOld, Rejects: bank.RejectsCamt054, OneFile: true},
			bank.Faults{LateStatements: []ledger.Code{ledger.Cantonnement}},
			[]string{"camt053.REG-FON.20260317.1.xml"}, "camt054.REJ260317000001-01.xml",
		},
	} {
		w := newWorld(t, t.TempDir(), bank.WithFormats(test.formats))
		faults := test.faults
		faults.RejectIBANs = []string{other}
		w.bank.SetFaults(faults)
		w.threePayouts()
		w.take(today)
		require.Equal(t, test.first, w.closeDay(today))

		w.bank.SetFaults(bank.Faults{})
		require.Contains(t, w.closeDay(tomorrow), test.lot)
		require.Equal(t, []string{"REM VIR " + payouts + " -123.00"}, w.lines(ledger.Reglement, 1))
		require.Empty(t, w.lines(ledger.Cantonnement, 1))
		require.Equal(t, []back{{EndToEndID: "P260317000000002", Amount: 20_00, Code: "AC04"}}, w.details["REJ260317000001-01"])
		w.requireValid(t)
	}
}

// TestDetailsInsideTheStatement are kept back as those that have files of their own.
func TestDetailsInsideTheStatement(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir(), bank.WithFormats(bank.Formats{Statement: bank.StatementCamt053, Rejects: bank.RejectsCamt053}))
	w.bank.SetFaults(bank.Faults{RejectShare: 1000, PartialDetails: true})
	w.threePayouts()
	w.take(today)
	w.closeDay(today)
	w.closeDay(tomorrow)
	require.Len(t, w.details["REJ260317000001-01"], 2)
	require.NoError(t, w.bank.Release())
	require.Contains(t, w.closeDay(tomorrow), "camt054.REJ260317000001-01.xml")
	require.Len(t, w.details["REJ260317000001-01"], 3)

	w = newWorld(t, t.TempDir(), bank.WithFormats(bank.Formats{Statement: bank.StatementCamtOld, Rejects: bank.RejectsCamt053}))
	w.bank.SetFaults(bank.Faults{RejectShare: 1000, LateDetails: true})
	w.threePayouts()
	w.take(today)
	w.closeDay(today)
	w.closeDay(tomorrow)
	require.Empty(t, w.details)
	w.closeDay(tomorrow)
	require.Len(t, w.details["REJ260317000001-01"], 3)
	w.requireValid(t)
}

func TestMessagesThatTheBankRefuses(t *testing.T) {
	t.Parallel()

	due, one := day(t, today), payment{"P260317000000001", merchant, 9_00}
	two := payment{"P260317000000002", fonctionnement, 9_00}
	replace := func(old, with string) func(string) string {
		return func(content string) string { return strings.Replace(content, old, with, 1) }
	}

	for name, test := range map[string]struct {
		order   order
		faults  bank.Faults
		code    string
		message string
		wants   string
	}{
		"on demand": {
			order{debit: virtual, payments: []payment{one}}, bank.Faults{RefuseBulks: []string{payouts}}, "MS03", messageID(payouts),
			"does not take it",
		},
		"a wrong sum": {
			order{debit: virtual, payments: []payment{one}, spoil: replace("<CtrlSum>9.00", "<CtrlSum>9.01")}, bank.Faults{}, "AM10",
			messageID(payouts), "is not the sum of the orders, 9.00",
		},
		"half a file": {
			order{debit: virtual, payments: []payment{one}, spoil: func(content string) string { return content[:500] }}, bank.Faults{}, "FF01",
			"NOTPROVIDED", "not well-formed",
		},
		"payouts of own money": {
			order{debit: fonctionnement, payments: []payment{one}}, bank.Faults{}, "AC02", messageID(payouts), "from the règlement account",
		},
		"accounts mixed": {
			order{debit: virtual, payments: []payment{one, two}, spoil: replace(virtual, cantonnement)}, bank.Faults{}, "AC02",
			messageID(payouts), "several of the three",
		},
		"days mixed": {
			order{debit: virtual, payments: []payment{one, two}, spoil: replace("<Dt>"+today, "<Dt>"+tomorrow)}, bank.Faults{}, "DT01",
			messageID(payouts), "several days",
		},
		"own, two of them": {
			order{debit: reglement, payments: []payment{one, two}}, bank.Faults{}, "AC03", messageID(payouts), "a bulk of its own",
		},
		"own, to itself": {
			order{debit: fonctionnement, payments: []payment{two}}, bank.Faults{}, "AC03", messageID(payouts), "not another one",
		},
		"a CP to the EP": {
			order{debit: virtual, payments: []payment{two}}, bank.Faults{}, "AC02", messageID(payouts), "a CP cannot pay",
		},
		"all of it rejected": {
			order{debit: virtual, payments: []payment{one}}, bank.Faults{RejectBeforeShare: 1000}, "NARR", messageID(payouts), "each of its payouts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w := newWorld(t, t.TempDir(), bank.WithFormats(bank.Formats{Report: true}))
			w.bank.SetFaults(test.faults)

			test.order.due = due
			w.writeMessage(payouts, test.order)

			taken := w.take(today)
			require.Len(t, taken, 1)
			require.Equal(t, bank.Refused, taken[0].Outcome)
			require.Contains(t, taken[0].Reason, test.wants)
			require.NotContains(t, taken[0].Reason, merchant)
			require.FileExists(t, filepath.Join(w.outbox, bank.RefusedFolder, payouts+".xml"))
			w.closeDay(today)
			require.Empty(t, w.lines(ledger.Reglement, 1))
			w.requireValid(t)

			for code, account := range opening() {
				require.Equal(t, account.Balance, w.bank.Balance(code))
			}

			told := w.reports[payouts]
			require.Len(t, told, 1)
			require.Equal(t, []string{"RJCT", test.code, test.message}, []string{told[0].status, told[0].code, told[0].message})
			require.Len(t, told[0].rejected, taken[0].RejectedBefore)

			// What was refused was not executed: it may be handed over again.
			w.bank.SetFaults(bank.Faults{})
			w.writeMessage(payouts, order{debit: reglement, due: due, payments: []payment{one}})
			require.Equal(t, bank.Executed, w.take(today)[0].Outcome)
		})
	}
}

func TestAMessageIsExecutedOnce(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir(), bank.WithFormats(bank.Formats{Report: true}))
	asked := order{debit: virtual, due: day(t, today), payments: []payment{{"P260317000000001", merchant, 9_00}}}
	w.writeMessage(payouts, asked)
	require.Equal(t, bank.Executed, w.take(today)[0].Outcome)

	const copied = "MONEXTEUR20260317002"

	// The same file, then the same message under another name, then another message under the same name.
	w.writeMessage(payouts, asked)
	require.Equal(t, bank.Duplicate, w.take(today)[0].Outcome)

	asked.id = messageID(payouts)
	w.writeMessage(copied, asked)
	require.Equal(t, "that message was taken before", w.take(today)[0].Reason)

	asked.id = "another"
	w.writeMessage(payouts, asked)
	require.Equal(t, "a bulk of that name was taken before, with another content", w.take(today)[0].Reason)

	w.closeDay(today)
	require.Equal(t, []string{"REM VIR " + payouts + " -9.00"}, w.lines(ledger.Reglement, 1))
	require.Equal(t, map[string]int{payouts: 3}, w.bank.Copies())
	require.FileExists(t, filepath.Join(w.outbox, bank.SentFolder, copied+".xml.copy-2"))

	var codes []string

	for _, told := range append(w.reports[payouts], w.reports[copied]...) {
		codes = append(codes, told.status+told.code)
	}

	require.ElementsMatch(t, []string{"ACCP", "RJCTDU01", "RJCTDU01", "RJCTAM05"}, codes)
}

func TestASilentBulkIsReportedWhenTheBankSpeaks(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir(), bank.WithFormats(bank.Formats{Report: true}))
	w.bank.SetFaults(bank.Faults{SilentBulks: []string{payouts}})
	w.threePayouts()
	require.Equal(t, bank.Silent, w.take(today)[0].Outcome)
	w.again()
	w.closeDay(today)
	require.Empty(t, w.reports)
	require.NoError(t, w.bank.Speak(payouts, day(t, tomorrow)))
	w.closeDay(tomorrow)
	require.Len(t, w.reports[payouts], 1)
	require.Equal(t, "ACCP", w.reports[payouts][0].status)
	require.Equal(t, messageID(payouts), w.reports[payouts][0].message)
}

// TestWithoutReportsNothingIsRejectedBefore because nobody would hear of it.
func TestWithoutReportsNothingIsRejectedBefore(t *testing.T) {
	t.Parallel()

	w := newWorld(t, t.TempDir())
	w.bank.SetFaults(bank.Faults{RejectBeforeShare: 1000, RefuseBulks: []string{internal}})
	w.threePayouts()
	w.writeMessage(internal, order{debit: reglement, due: day(t, today), payments: []payment{{"I1", fonctionnement, 7_00}}})
	require.Equal(t, bank.Taken{Name: payouts, Outcome: bank.Executed, Purpose: "PAYOUT", Orders: 3, Sum: 123_00}, w.take(today)[0])

	names, err := w.bank.DeliverReports(w.inbox)
	require.NoError(t, err)
	require.Empty(t, names)
	require.Equal(t, money.Cents(-123_00), w.bank.Balance(ledger.Reglement))
}

// TestWhatWasToldStands kills the bank while it refuses a bulk, which it would then take. It has told that it does not, or
// it takes it.
func TestWhatWasToldStands(t *testing.T) {
	t.Parallel()

	outcomes := map[string]bool{}

	for write := range 6 {
		w := newWorld(t, t.TempDir(), bank.WithFormats(bank.Formats{Report: true}))
		hand := func() {
			w.writeMessage(payouts, order{debit: virtual, due: day(t, today), payments: []payment{{"P1", merchant, 9_00}}})
		}
		deliver := func() string {
			_, err := w.bank.Take(w.outbox, day(t, today))
			require.NoError(t, err)
			_, err = w.bank.DeliverReports(w.inbox)
			require.NoError(t, err)
			w.receive()

			told := map[string]bool{} // one may be delivered twice
			for _, report := range w.reports[payouts] {
				told[report.status+" "+report.id[:3]] = true
			}

			return fmt.Sprint(told)
		}

		// It has been refused on another day.
		w.bank.SetFaults(bank.Faults{RefuseBulks: []string{payouts}})
		hand()
		_, err := w.bank.Take(w.outbox, day(t, today))
		require.NoError(t, err)

		w.reports = map[string][]report{}
		_, err = w.bank.DeliverReports(t.TempDir())
		require.NoError(t, err)

		hand()
		w.bank.KillAt(write + 1)
		_, _ = w.bank.Take(w.outbox, day(t, today))
		_, _ = w.bank.DeliverReports(w.inbox)
		w.again()

		told := deliver()
		executed := w.bank.Balance(ledger.Reglement) != 0
		outcomes[told] = true

		require.Equal(t, map[bool]string{false: "map[RJCT RPT:true]", true: "map[ACCP RPT:true]"}[executed], told, "killed before write %d", write+1)

		hand()
		deliver()
		require.Equal(t, money.Cents(-9_00), w.bank.Balance(ledger.Reglement), "what was refused may come again")
	}

	require.Len(t, outcomes, 2)
}

func TestFormatsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()

	german := opening()
	german[ledger.Fonctionnement] = bank.Account{IBAN: "DE89370400440532013000"}

	for name, test := range map[string]struct {
		opening map[ledger.Code]bank.Account
		formats bank.Formats
		wants   string
	}{
		"no format of statements":         {opening(), bank.Formats{Statement: "mt940"}, "mt940"},
		"no format of rejects":            {opening(), bank.Formats{Rejects: "mail"}, "mail"},
		"details inside CFONB":            {opening(), bank.Formats{Statement: bank.StatementCFONB120, Rejects: bank.RejectsCamt053}, "want statements in camt.053"},
		"statements of a German account":  {german, bank.Formats{Statement: bank.StatementCFONB120}, "French"},
		"rejects, one account being such": {german, bank.Formats{Rejects: bank.RejectsCFONB240}, "French"},
	} {
		_, err := bank.New(filepath.Join(t.TempDir(), "state.json"), test.opening, bank.WithFormats(test.formats))
		require.ErrorContains(t, err, test.wants, name)
	}

	made, err := bank.New(filepath.Join(t.TempDir(), "state.json"), german, bank.WithFormats(bank.Formats{Statement: bank.StatementCamt053}))
	require.NoError(t, err)
	require.NoError(t, made.Close())
}
