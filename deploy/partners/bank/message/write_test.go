package message_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/money"
)

func envelope(definition string) message.Envelope {
	return message.Envelope{Definition: definition, ID: "REG-20260317-5", CreatedAt: time.Date(2026, 3, 17, 19, 0, 0, 0, time.UTC)}
}

func returns() []message.Detail {
	return []message.Detail{
		{
			PaymentID: "BLOCK1", InstructionID: "I1", EndToEndID: "P260317000000002", Amount: 20_00, Code: "AC04",
			Creditor: message.Party{Name: "BOULANGERIE & FILS", IBAN: creditor},
		},
		{PaymentID: "BLOCK2", EndToEndID: "P260317000000003", Amount: 3_00, Code: "MS03", Creditor: message.Party{Name: "MUELLER", IBAN: foreign}},
		{PaymentID: "BLOCK1", EndToEndID: "P260317000000004", Amount: 1, Code: "AC01"},
	}
}

const rejectLot = "LOT REJ VIR 260317000001 01"

func statement(t require.TestingT) message.Statement {
	on, before := day(t, "2026-03-17"), day(t, "2026-03-16")
	entry := func(id, label string, amount money.Cents, kind message.Kind) message.Entry {
		return message.Entry{ID: id, Label: label, Amount: amount, BookedOn: on, ValueOn: on, Kind: kind}
	}
	remitted := entry("BQ000000000002", "REM VIR MONEXTEUR20260317001", -123_00, message.Remitted)
	remitted.Batch = &message.Batch{MessageID: "0f8fad5bd9cb469fa16570867728950e", Orders: 3}
	own := entry("BQ000000000003", "VIR INTERNE MONEXTINT202603170001", -7_00, message.Own)
	own.Details = []message.Detail{{EndToEndID: "I1", Amount: 7_00}}
	lot := entry("BQ000000000004", rejectLot, 23_01, message.Returned)
	lot.Batch = &message.Batch{MessageID: "0f8fad5bd9cb469fa16570867728950e", Orders: 3}
	lot.Details = returns()

	return message.Statement{
		ID: "REG-20260317-5", IBAN: reglement, Number: 5,
		Opening: message.Balance{Amount: -1_000_00, Date: before}, Closing: message.Balance{Amount: -620_49, Date: on},
		Entries: []message.Entry{
			entry("BQ000000000001", "REM E 100 00000720260317UEP", 500_00, message.Settled), remitted, own, lot,
			entry("BQ000000000005", "REM E 100 00000820260317UEP", -1_00, message.Settled),
			entry("BQ000000000006", "VIR INTERNE MONEXTINT202603170002", 1_00, message.Own),
			entry("BQ000000000007", "FRAIS <TENUE> DE COMPTE É&", -13_50, message.Other),
		},
	}
}

func written(t require.TestingT, write func(io.Writer) error) string {
	var content bytes.Buffer

	require.NoError(t, write(&content))

	return content.String()
}

// TestISOTakesWhatTheBankWrites has the published schemas judge one message of each kind, in each version.
func TestISOTakesWhatTheBankWrites(t *testing.T) {
	t.Parallel()

	stated := statement(t)
	empty := message.Statement{
		ID: "CAN-20260317-5", IBAN: wallet, Number: 1, Opening: message.Balance{Date: day(t, "2026-03-16")},
		Closing: message.Balance{Date: day(t, "2026-03-17")},
	}

	for _, definition := range []string{message.Camt053V02, message.Camt053V08} {
		requireValid(t, definition,
			written(t, func(out io.Writer) error { return message.WriteCamt053(out, envelope(definition), stated) }),
			written(t, func(out io.Writer) error { return message.WriteCamt053(out, envelope(definition), stated, empty) }))
	}

	for _, definition := range []string{message.Camt054V02, message.Camt054V08} {
		requireValid(t, definition, written(t, func(out io.Writer) error {
			return message.WriteCamt054(out, envelope(definition), reglement, stated.Entries[3])
		}))
	}

	for _, definition := range []string{message.Pain002V03, message.Pain002V10} {
		documents := []string{}
		for _, report := range reports() {
			documents = append(documents, written(t, func(out io.Writer) error {
				return message.WritePain002(out, envelope(definition), report)
			}))
		}

		requireValid(t, definition, documents...)
	}
}

func reports() []message.Report {
	of := message.Report{MessageID: "0f8fad5bd9cb469fa16570867728950e", Definition: message.Pain001V09, Orders: 4, Sum: 123_00}

	accepted, technical, partly, rejected, unread := of, of, of, of, of
	accepted.Status, technical.Status = message.Accepted, message.AcceptedTechnically
	partly.Status, partly.Executed, partly.ExecutedSum, partly.Rejected = message.Partly, 1, 99_99, returns()
	rejected.Status, rejected.Code, rejected.Info = message.Rejected, message.CodeSum, strings.Repeat("é", 200)
	unread.Orders, unread.Status, unread.Code = 0, message.Rejected, message.CodeFormat

	return []message.Report{accepted, technical, partly, rejected, unread}
}

func TestWritePain002(t *testing.T) {
	t.Parallel()

	require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
<CstmrPmtStsRpt>
<GrpHdr>
<MsgId>REG-20260317-5</MsgId>
<CreDtTm>2026-03-17T19:00:00Z</CreDtTm>
</GrpHdr>
<OrgnlGrpInfAndSts>
<OrgnlMsgId>0f8fad5bd9cb469fa16570867728950e</OrgnlMsgId>
<OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
<OrgnlNbOfTxs>4</OrgnlNbOfTxs>
<OrgnlCtrlSum>123.00</OrgnlCtrlSum>
<GrpSts>PART</GrpSts>
<NbOfTxsPerSts>
<DtldNbOfTxs>1</DtldNbOfTxs>
<DtldSts>ACCP</DtldSts>
<DtldCtrlSum>99.99</DtldCtrlSum>
</NbOfTxsPerSts>
<NbOfTxsPerSts>
<DtldNbOfTxs>3</DtldNbOfTxs>
<DtldSts>RJCT</DtldSts>
<DtldCtrlSum>23.01</DtldCtrlSum>
</NbOfTxsPerSts>
</OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts>
<OrgnlPmtInfId>BLOCK1</OrgnlPmtInfId>
<TxInfAndSts>
<OrgnlInstrId>I1</OrgnlInstrId>
<OrgnlEndToEndId>P260317000000002</OrgnlEndToEndId>
<TxSts>RJCT</TxSts>
<StsRsnInf>
<Rsn>
<Cd>AC04</Cd>
</Rsn>
</StsRsnInf>
<OrgnlTxRef>
<Amt>
<InstdAmt Ccy="EUR">20.00</InstdAmt>
</Amt>
</OrgnlTxRef>
</TxInfAndSts>
<TxInfAndSts>
<OrgnlEndToEndId>P260317000000004</OrgnlEndToEndId>
<TxSts>RJCT</TxSts>
<StsRsnInf>
<Rsn>
<Cd>AC01</Cd>
</Rsn>
</StsRsnInf>
<OrgnlTxRef>
<Amt>
<InstdAmt Ccy="EUR">0.01</InstdAmt>
</Amt>
</OrgnlTxRef>
</TxInfAndSts>
</OrgnlPmtInfAndSts>
<OrgnlPmtInfAndSts>
<OrgnlPmtInfId>BLOCK2</OrgnlPmtInfId>
<TxInfAndSts>
<OrgnlEndToEndId>P260317000000003</OrgnlEndToEndId>
<TxSts>RJCT</TxSts>
<StsRsnInf>
<Rsn>
<Cd>MS03</Cd>
</Rsn>
</StsRsnInf>
<OrgnlTxRef>
<Amt>
<InstdAmt Ccy="EUR">3.00</InstdAmt>
</Amt>
</OrgnlTxRef>
</TxInfAndSts>
</OrgnlPmtInfAndSts>
</CstmrPmtStsRpt>
</Document>
`, written(t, func(out io.Writer) error {
		return message.WritePain002(out, envelope(message.Pain002V10), reports()[2])
	}))
}

// document reads of a camt what tells whether it adds up, whatever its version.
type document struct {
	Statements []struct {
		Number   int    `xml:"ElctrncSeqNb"`
		IBAN     string `xml:"Acct>Id>IBAN"`
		Balances []struct {
			Code      string `xml:"Tp>CdOrPrtry>Cd"`
			Amount    string `xml:"Amt"`
			Direction string `xml:"CdtDbtInd"`
			Date      string `xml:"Dt>Dt"`
		} `xml:"Bal"`
		Count   int    `xml:"TxsSummry>TtlNtries>NbOfNtries"`
		Total   string `xml:"TxsSummry>TtlNtries>Sum"`
		Credits string `xml:"TxsSummry>TtlCdtNtries>Sum"`
		Debits  string `xml:"TxsSummry>TtlDbtNtries>Sum"`
		Entries []struct {
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
		} `xml:"Ntry"`
	} `xml:"BkToCstmrStmt>Stmt"`
}

func signed(t require.TestingT, amount, direction string) money.Cents {
	read, err := money.Parse(amount)
	require.NoError(t, err)

	if direction == "DBIT" {
		return -read
	}

	require.Equal(t, "CRDT", direction)

	return read
}

// drawStatement draws a statement that adds up.
func drawStatement(rt *rapid.T) message.Statement {
	amounts := rapid.Custom(func(rt *rapid.T) money.Cents {
		return money.Cents(rapid.Int64Range(-1_000_000_000_000, 1_000_000_000_000).Draw(rt, "cents"))
	})
	drawn := message.Statement{ID: "S", IBAN: reglement, Number: rapid.IntRange(1, 9).Draw(rt, "number")}
	drawn.Opening = message.Balance{Amount: amounts.Draw(rt, "opening"), Date: day(rt, "2026-03-16")}
	drawn.Closing = message.Balance{Amount: drawn.Opening.Amount, Date: day(rt, "2026-03-17")}

	for i := range rapid.IntRange(0, 5).Draw(rt, "entries") {
		entry := message.Entry{
			ID: fmt.Sprintf("BQ%012d", i), Label: rapid.StringMatching(`[A-Za-zé<&"\-] ?([A-Z0-9é]{1,9} ){0,12}[A-Z]`).Draw(rt, "label"),
			Amount: amounts.Draw(rt, "amount"), BookedOn: day(rt, "2026-03-17"), ValueOn: day(rt, "2026-12-01"),
			Kind: message.Kind(rapid.IntRange(0, 4).Draw(rt, "kind")),
		}
		if rapid.Bool().Draw(rt, "details") {
			entry.Details = []message.Detail{{EndToEndID: "E", Amount: 1, Code: "AC01"}, {EndToEndID: "F", Amount: entry.Amount.Abs()}}
		}

		drawn.Entries = append(drawn.Entries, entry)
		drawn.Closing.Amount += entry.Amount
	}

	return drawn
}

func TestCamtSaysWhatWasBooked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		stated := drawStatement(rt)
		definition := rapid.SampledFrom([]string{message.Camt053V02, message.Camt053V08}).Draw(rt, "definition")

		var read document

		content := written(rt, func(out io.Writer) error { return message.WriteCamt053(out, envelope(definition), stated, stated) })
		require.NoError(rt, xml.Unmarshal([]byte(content), &read))
		require.Len(rt, read.Statements, 2)

		found := read.Statements[0]
		require.Equal(rt, stated.IBAN, found.IBAN)
		require.Equal(rt, stated.Number, found.Number)
		require.Len(rt, found.Balances, 2)

		opening, closing := found.Balances[0], found.Balances[1]
		require.Equal(rt, []string{"OPBD", "2026-03-16", "CLBD", "2026-03-17"}, []string{opening.Code, opening.Date, closing.Code, closing.Date})
		require.Equal(rt, stated.Opening.Amount, signed(rt, opening.Amount, opening.Direction))

		balance, credits, debits := stated.Opening.Amount, money.Cents(0), money.Cents(0)

		require.Len(rt, found.Entries, len(stated.Entries))

		for i, entry := range found.Entries {
			amount := signed(rt, entry.Amount, entry.Direction)
			require.Equal(rt, stated.Entries[i].Amount, amount)
			require.Equal(rt, stated.Entries[i].Label, entry.Label)
			require.Equal(rt, stated.Entries[i].ID, entry.ID)
			require.Len(rt, entry.Details, len(stated.Entries[i].Details))

			for k, detail := range entry.Details {
				wants := stated.Entries[i].Details[k]
				require.Equal(rt, wants.Amount.String(), detail.Amount+detail.OldAmount)
				require.Equal(rt, wants.EndToEndID+wants.Code, detail.EndToEndID+detail.Code)
			}

			balance += amount
			credits, debits = credits+max(amount, 0), debits-min(amount, 0)
		}

		require.Equal(rt, balance, signed(rt, closing.Amount, closing.Direction), "what the bank states adds up")
		require.Equal(rt, []string{(credits + debits).String(), credits.String(), debits.String()},
			[]string{found.Total, found.Credits, found.Debits})
		require.Equal(rt, len(found.Entries), found.Count)
	})
}

// TestCFONB120 compares with records written by hand.
func TestCFONB120(t *testing.T) {
	t.Parallel()

	stated := statement(t)
	stated.Entries = stated.Entries[:3]
	stated.Closing.Amount = -630_00

	want := strings.Join([]string{
		//        1         2         3         4         5         6         7         8         9         0         1         2
		`0199999    00001EUR2 00000000101  160326                                                  0000000010000}                `,
		`0499999    00001EUR2 0000000010130170326  170326REM E 100 00000720260317UEP      0000001  0000000005000{BQ000000000001  `,
		`0499999    00001EUR2 0000000010106170326  170326REM VIR MONEXTEUR20260317001     0000002  0000000001230}BQ000000000002  `,
		`0499999    00001EUR2 0000000010106170326  170326VIR INTERNE MONEXTINT2026031700  0000003  0000000000070}BQ000000000003  `,
		`0599999    00001EUR2 0000000010106170326     LIBVIR INTERNE MONEXTINT202603170001                                       `,
		`0599999    00001EUR2 0000000010106170326     RCNI1                                                                      `,
		`0799999    00001EUR2 00000000101  170326                                                  0000000006300}                `,
		"",
	}, "\n")
	require.Equal(t, want, written(t, func(out io.Writer) error { return message.WriteCFONB120(out, stated) }))
}

func TestCFONB240(t *testing.T) {
	t.Parallel()

	lot := message.Lot{
		IBAN: reglement, Label: rejectLot, SettledOn: day(t, "2026-03-18"), ExecutedOn: day(t, "2026-03-17"), Returns: returns(),
	}
	pad := func(text string, length int) string { return text + strings.Repeat(" ", length-len(text)) }
	held := "999990000100000000101"
	header := pad("E", 5) + held + pad("", 24+11) + held + pad("", 24+6)
	tail := func(description, date, amount string) string {
		return pad(description, 88) + pad(date, 12) + pad(amount, 12) + "\n"
	}

	require.Equal(t, "310000011218032"+"6"+header+tail(rejectLot, "", "")+
		"3400000212180326"+pad("E", 5)+creditor[4:25]+pad("BOULANGERIE & FILS", 24+11)+held+pad("", 24+6)+
		tail("P260317000000002 AC04", "170326", "000000002000")+
		"3400000312180326"+pad("E", 26)+pad("MUELLER", 24+11)+held+pad("", 24+6)+tail("P260317000000003 MS03", "170326", "000000000300")+
		"3400000412180326"+pad("E", 26)+pad("", 24+11)+held+pad("", 24+6)+tail("P260317000000004 AC01", "170326", "000000000001")+
		"3900000512180326"+header+tail("", "", "000000002301"),
		written(t, func(out io.Writer) error { return message.WriteCFONB240(out, lot) }))
}

// overpunched reads an amount by the table of the CFONB.
func overpunched(t require.TestingT, text string) money.Cents {
	last := text[len(text)-1]
	digit, negative := strings.IndexByte("{ABCDEFGHI", last), false

	if digit < 0 {
		digit, negative = strings.IndexByte("}JKLMNOPQR", last), true
	}

	require.GreaterOrEqual(t, digit, 0)

	cents, err := strconv.ParseInt(text[:len(text)-1]+strconv.Itoa(digit), 10, 64)
	require.NoError(t, err)

	if negative {
		cents = -cents
	}

	return money.Cents(cents)
}

func latin1(text string) string {
	var read strings.Builder
	for _, char := range []byte(text) {
		read.WriteRune(rune(char))
	}

	return read.String()
}

func TestCFONBSaysWhatWasBooked(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		stated := drawStatement(rt)
		content := written(rt, func(out io.Writer) error { return message.WriteCFONB120(out, stated) })

		var (
			balance money.Cents
			labels  []string
			whole   []string // texts of the records LIB that follow a movement
		)

		for record := range strings.Lines(content) {
			record = strings.TrimSuffix(record, "\n")
			require.Len(rt, record, 120)

			switch record[:2] {
			case "01":
				balance = overpunched(rt, record[90:104])
				require.Equal(rt, stated.Opening.Amount, balance)
			case "04":
				balance += overpunched(rt, record[90:104])
				labels = append(labels, strings.TrimRight(latin1(record[48:79]), " "))
				whole = append(whole, "")
			case "05":
				if record[45:48] == "LIB" {
					whole[len(whole)-1] = strings.TrimSpace(whole[len(whole)-1] + " " + strings.TrimRight(latin1(record[48:118]), " "))
				}
			case "07":
				require.Equal(rt, balance, overpunched(rt, record[90:104]), "what the bank states adds up")
			}
		}

		require.Equal(rt, stated.Closing.Amount, balance)
		require.Len(rt, labels, len(stated.Entries))

		for i := range stated.Entries {
			label := strings.Join(strings.Fields(stated.Entries[i].Label), " ")
			if long := len([]rune(stated.Entries[i].Label)) > 31; long {
				require.Equal(rt, label, whole[i])
			} else {
				require.Equal(rt, label, labels[i])
				require.Empty(rt, whole[i])
			}
		}
	})
}

func TestALongWordIsParted(t *testing.T) {
	t.Parallel()

	stated := message.Statement{ID: "S", IBAN: reglement, Entries: []message.Entry{{Label: "A " + strings.Repeat("é", 80) + "\x07", ID: "B"}}}
	content := latin1(written(t, func(out io.Writer) error { return message.WriteCFONB120(out, stated) }))
	records := strings.Split(content, "\n")
	require.Contains(t, records[2], "LIBA "+strings.Repeat(" ", 69))
	require.Contains(t, records[3], "LIB"+strings.Repeat("é", 70)+"  ")
	require.Contains(t, records[4], "LIB"+strings.Repeat("é", 10)+". ")
}

func TestWhatTheBankDoesNotWrite(t *testing.T) {
	t.Parallel()

	crooked := statement(t)
	crooked.Closing.Amount++

	abroad := statement(t)
	abroad.IBAN = foreign

	large := message.Lot{IBAN: reglement, Label: rejectLot, Returns: []message.Detail{{Amount: 999_999_999_999}, {Amount: 1}}}
	unnamed := envelope(message.Camt053V08)
	unnamed.ID = ""

	for name, err := range map[string]error{
		"balances that do not follow":    message.WriteCamt053(io.Discard, envelope(message.Camt053V08), crooked),
		"the same, in CFONB":             message.WriteCFONB120(io.Discard, crooked),
		"a statement as a notification":  message.WriteCamt053(io.Discard, envelope(message.Camt054V08), statement(t)),
		"a notification as a statement":  message.WriteCamt054(io.Discard, envelope(message.Camt053V08), reglement),
		"orders as a report":             message.WritePain002(io.Discard, envelope(message.Pain001V03), message.Report{}),
		"no identifier":                  message.WriteCamt053(io.Discard, unnamed, statement(t)),
		"a lot beyond the twelve digits": message.WriteCFONB240(io.Discard, large),
	} {
		require.Error(t, err, name)
	}

	require.ErrorIs(t, message.WriteCFONB120(io.Discard, abroad), message.ErrNotFrench)
	require.ErrorIs(t, message.WriteCFONB240(io.Discard, message.Lot{IBAN: foreign}), message.ErrNotFrench)
	require.NoError(t, message.CheckFrench(reglement))
	require.ErrorIs(t, message.CheckFrench("FR"), message.ErrNotFrench)
}

// fullDisk takes nothing.
type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestADestinationThatFails(t *testing.T) {
	t.Parallel()

	require.ErrorIs(t, message.WriteCamt053(fullDisk{}, envelope(message.Camt053V08), statement(t)), errFull)
	require.ErrorIs(t, message.WriteCamt054(fullDisk{}, envelope(message.Camt054V08), reglement), errFull)
	require.ErrorIs(t, message.WritePain002(fullDisk{}, envelope(message.Pain002V10), message.Report{}), errFull)
	require.ErrorIs(t, message.WriteCFONB120(fullDisk{}, statement(t)), errFull)
	require.ErrorIs(t, message.WriteCFONB240(fullDisk{}, message.Lot{IBAN: reglement}), errFull)
}
