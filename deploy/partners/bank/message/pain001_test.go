package message_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

const (
	reglement = "FR7699999000010000000010106"
	wallet    = "FR1420041010050500013M02606"
	creditor  = "FR7630001007941234567890185"
	foreign   = "DE89370400440532013000"
)

// older is a message of two blocks as the older version has it.
const older = `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03">
<CstmrCdtTrfInitn>
<GrpHdr>
<MsgId>0f8fad5bd9cb469fa16570867728950e</MsgId>
<CreDtTm>2026-03-17T10:00:00+01:00</CreDtTm>
<NbOfTxs>3</NbOfTxs>
<CtrlSum>123.00</CtrlSum>
<InitgPty><Nm>REGLO</Nm><Id><OrgId><Othr><Id>1</Id></Othr></OrgId></Id></InitgPty>
</GrpHdr>
<PmtInf>
<PmtInfId>0f8fad5bd9cb469fa16570867728950e</PmtInfId>
<PmtMtd>TRF</PmtMtd>
<BtchBookg>true</BtchBookg>
<NbOfTxs>2</NbOfTxs>
<CtrlSum>120.00</CtrlSum>
<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>
<ReqdExctnDt>2026-03-17</ReqdExctnDt>
<Dbtr><Nm>BOULANGERIE</Nm></Dbtr>
<DbtrAcct><Id><IBAN>` + wallet + `</IBAN></Id></DbtrAcct>
<DbtrAgt><FinInstnId><BIC>REGLFRP1XXX</BIC></FinInstnId></DbtrAgt>
<ChrgBr>SLEV</ChrgBr>
<CdtTrfTxInf>
<PmtId><InstrId>I1</InstrId><EndToEndId>P260317000000001</EndToEndId></PmtId>
<Amt><InstdAmt Ccy="EUR">100.00</InstdAmt></Amt>
<CdtrAgt><FinInstnId><BIC>BDFEFRPP</BIC></FinInstnId></CdtrAgt>
<Cdtr><Nm>BOULANGERIE SARL</Nm></Cdtr>
<CdtrAcct><Id><IBAN>` + creditor + `</IBAN></Id></CdtrAcct>
<RmtInf><Ustrd>VIREMENT 10:00:00</Ustrd></RmtInf>
</CdtTrfTxInf>
<CdtTrfTxInf>
<PmtId><EndToEndId>P260317000000002</EndToEndId></PmtId>
<Amt><InstdAmt Ccy="EUR">20.00</InstdAmt></Amt>
<Cdtr><Nm>MUELLER</Nm></Cdtr>
<CdtrAcct><Id><IBAN>` + foreign + `</IBAN></Id></CdtrAcct>
</CdtTrfTxInf>
</PmtInf>
<PmtInf>
<PmtInfId>0f8fad5bd9cb469fa16570867728950e001</PmtInfId>
<PmtMtd>TRF</PmtMtd>
<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>
<ReqdExctnDt>2026-03-18</ReqdExctnDt>
<Dbtr><Nm>REGLO</Nm></Dbtr>
<DbtrAcct><Id><IBAN>` + reglement + `</IBAN></Id><Ccy>EUR</Ccy></DbtrAcct>
<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>
<CdtTrfTxInf>
<PmtId><EndToEndId>P260317000000003</EndToEndId></PmtId>
<Amt><InstdAmt Ccy="EUR">3</InstdAmt></Amt>
<ChrgBr>SLEV</ChrgBr>
<UltmtDbtr><Nm>FLEURISTE</Nm></UltmtDbtr>
<Cdtr><Nm>FLEURISTE SAS</Nm><PstlAdr><TwnNm>Lyon</TwnNm><Ctry>FR</Ctry></PstlAdr></Cdtr>
<CdtrAcct><Id><IBAN>` + creditor + `</IBAN></Id></CdtrAcct>
</CdtTrfTxInf>
</PmtInf>
</CstmrCdtTrfInitn>
</Document>
`

// newer is the same message in the newer version.
func newer() string {
	return strings.NewReplacer(
		message.Pain001V03, message.Pain001V09, "<BIC>", "<BICFI>", "</BIC>", "</BICFI>",
		"<ReqdExctnDt>", "<ReqdExctnDt><Dt>", "</ReqdExctnDt>", "</Dt></ReqdExctnDt>",
	).Replace(older)
}

func day(t require.TestingT, text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return date
}

func TestReadPain001(t *testing.T) {
	t.Parallel()

	for definition, content := range map[string]string{message.Pain001V03: older, message.Pain001V09: newer()} {
		requireValid(t, definition, content)

		read, err := message.ReadPain001(strings.NewReader(content))
		require.NoError(t, err)
		require.Equal(t, message.Orders{
			Definition: definition, MessageID: "0f8fad5bd9cb469fa16570867728950e", CreatedAt: "2026-03-17T10:00:00+01:00",
			Count: 3, Sum: 123_00, Initiator: "REGLO",
			Blocks: []message.Block{
				{
					ID: "0f8fad5bd9cb469fa16570867728950e", BatchBooking: true, DueDate: day(t, "2026-03-17"),
					Debtor: message.Party{Name: "BOULANGERIE", BIC: "REGLFRP1XXX", IBAN: wallet},
					Payments: []message.Payment{
						{
							InstructionID: "I1", EndToEndID: "P260317000000001", Amount: 100_00, Info: "VIREMENT 10:00:00",
							Creditor: message.Party{Name: "BOULANGERIE SARL", BIC: "BDFEFRPP", IBAN: creditor},
						},
						{EndToEndID: "P260317000000002", Amount: 20_00, Creditor: message.Party{Name: "MUELLER", IBAN: foreign}},
					},
				},
				{
					ID: "0f8fad5bd9cb469fa16570867728950e001", DueDate: day(t, "2026-03-18"),
					Debtor: message.Party{Name: "REGLO", IBAN: reglement},
					Payments: []message.Payment{{
						EndToEndID: "P260317000000003", Amount: 3_00, UltimateDebtor: "FLEURISTE",
						Creditor: message.Party{Name: "FLEURISTE SAS", IBAN: creditor},
					}},
				},
			},
		}, read)
	}
}

// TestWhatNoBankTakes changes one thing in a good message, and expects the bank to say which.
func TestWhatNoBankTakes(t *testing.T) {
	t.Parallel()

	_, err := message.ReadPain001(strings.NewReader(older))
	require.NoError(t, err)

	const (
		structure = "Document/CstmrCdtTrfInitn"
		first     = "PmtInf[1]/CdtTrfTxInf[1]/"
	)

	for name, test := range map[string]struct {
		old, new string
		code     string
		path     string
	}{
		"another message":        {"pain.001.001.03", "pain.001.001.02", message.CodeFormat, "Document"},
		"no XML":                 {older, "half a bulk", message.CodeFormat, "Document"},
		"cut":                    {"</CstmrCdtTrfInitn>\n</Document>", "", message.CodeFormat, structure},
		"more behind":            {"</Document>", "</Document><Document/>", message.CodeFormat, ""},
		"a document type":        {"<Document", "<!DOCTYPE Document>\n<Document", message.CodeFormat, ""},
		"an entity":              {"<Nm>REGLO</Nm>", "<Nm>&reglo;</Nm>", message.CodeFormat, structure + "/GrpHdr/InitgPty/Nm"},
		"an instruction":         {"<GrpHdr>", "<GrpHdr><?run it?>", message.CodeFormat, structure + "/GrpHdr"},
		"another namespace":      {"<GrpHdr>", `<GrpHdr xmlns="urn:other">`, message.CodeFormat, structure},
		"another order":          {"<PmtMtd>TRF</PmtMtd>\n<BtchBookg>true</BtchBookg>", "<BtchBookg>true</BtchBookg><PmtMtd>TRF</PmtMtd>", message.CodeFormat, structure + "/PmtInf"},
		"twice":                  {"<ChrgBr>SLEV</ChrgBr>\n<CdtTrf", "<ChrgBr>SLEV</ChrgBr><ChrgBr>SLEV</ChrgBr>\n<CdtTrf", message.CodeFormat, structure + "/PmtInf"},
		"none":                   {"<PmtId><EndToEndId>P260317000000002</EndToEndId></PmtId>", "<PmtId></PmtId>", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/PmtId"},
		"empty":                  {"<Nm>MUELLER</Nm>", "<Nm/>", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/Cdtr/Nm"},
		"text between":           {"<GrpHdr>", "<GrpHdr>text", message.CodeFormat, structure + "/GrpHdr"},
		"an element in a text":   {"<Nm>MUELLER</Nm>", "<Nm><b>M</b></Nm>", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/Cdtr/Nm"},
		"a cheque":               {"<Cdtr><Nm>MUELLER", "<ChqInstr/><Cdtr><Nm>MUELLER", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf"},
		"a free address":         {"<TwnNm>Lyon</TwnNm>", "<AdrLine>1 rue, Lyon</AdrLine>", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/Cdtr/PstlAdr"},
		"an attribute":           {"<Nm>MUELLER", `<Nm a="1">MUELLER`, message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/Cdtr"},
		"two currencies":         {`Ccy="EUR">20.00`, `Ccy="USD" Ccy="EUR">20.00`, message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/Amt"},
		"no control sum":         {"<CtrlSum>123.00</CtrlSum>", "", message.CodeFormat, structure + "/GrpHdr"},
		"a long identifier":      {"<MsgId>0", "<MsgId>00000", message.CodeElement, "GrpHdr/MsgId"},
		"a slash at the end":     {"P260317000000001", "P26031700000000/", message.CodeElement, first + "PmtId/EndToEndId"},
		"two slashes":            {"P260317000000001", "P26//0001", message.CodeElement, first + "PmtId/EndToEndId"},
		"no moment":              {"10:00:00+01:00", "10:00", message.CodeDate, "GrpHdr/CreDtTm"},
		"one order less":         {"<NbOfTxs>3", "<NbOfTxs>4", message.CodeCount, "GrpHdr/NbOfTxs"},
		"a cent more":            {"<CtrlSum>123.00", "<CtrlSum>123.01", message.CodeSum, "GrpHdr/CtrlSum"},
		"one less in a block":    {"<NbOfTxs>2", "<NbOfTxs>1", message.CodeCount, "PmtInf[1]/NbOfTxs"},
		"a cent less in a block": {"<CtrlSum>120.00", "<CtrlSum>119.99", message.CodeSum, "PmtInf[1]/CtrlSum"},
		"a sum with an exponent": {"<CtrlSum>123.00", "<CtrlSum>123e0", message.CodeSum, "GrpHdr/CtrlSum"},
		"a block twice":          {"8950e001<", "8950e<", message.CodeBlockAgain, "PmtInf[2]/PmtInfId"},
		"an order twice":         {"P260317000000003", "P260317000000001", message.CodeOrderAgain, "PmtInf[2]/CdtTrfTxInf[1]/PmtId/EndToEndId"},
		"a cheque as method":     {"<PmtMtd>TRF", "<PmtMtd>CHK", message.CodeElement, "PmtInf[1]/PmtMtd"},
		"perhaps in one amount":  {"<BtchBookg>true", "<BtchBookg>maybe", message.CodeElement, "PmtInf[1]/BtchBookg"},
		"not SEPA":               {"<Cd>SEPA", "<Cd>URGP", message.CodeElement, first + "PmtTpInf/SvcLvl/Cd"},
		"charges to the debtor":  {"<ChrgBr>SLEV</ChrgBr>\n<Ult", "<ChrgBr>DEBT</ChrgBr>\n<Ult", message.CodeElement, "PmtInf[2]/CdtTrfTxInf[1]/ChrgBr"},
		"charges said twice":     {"</InstdAmt></Amt>\n<CdtrAgt>", "</InstdAmt></Amt><ChrgBr>SLEV</ChrgBr>\n<CdtrAgt>", message.CodeElement, first + "ChrgBr"},
		"no day":                 {"<ReqdExctnDt>2026-03-17", "<ReqdExctnDt>2026-02-29", message.CodeDate, "PmtInf[1]/ReqdExctnDt"},
		"a Sunday":               {"<ReqdExctnDt>2026-03-17", "<ReqdExctnDt>2026-03-22", message.CodeDate, "PmtInf[1]/ReqdExctnDt"},
		"a holiday of TARGET":    {"<ReqdExctnDt>2026-03-17", "<ReqdExctnDt>2026-04-03", message.CodeDate, "PmtInf[1]/ReqdExctnDt"},
		"an accent":              {"BOULANGERIE SARL", "PÂTISSERIE", message.CodeElement, first + "Cdtr/Nm"},
		"a long name":            {"BOULANGERIE SARL", strings.Repeat("A", 71), message.CodeElement, first + "Cdtr/Nm"},
		"a name of blanks":       {"BOULANGERIE SARL", "  ", message.CodeElement, first + "Cdtr/Nm"},
		"a long information":     {"VIREMENT 10:00:00", strings.Repeat("A", 141), message.CodeElement, first + "RmtInf/Ustrd"},
		"two informations":       {"</Ustrd>", "</Ustrd><Ustrd>B</Ustrd>", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/RmtInf"},
		"a debtor without IBAN":  {wallet, "FR1420041010050500013M02607", message.CodeDebtor, "PmtInf[1]/DbtrAcct/Id/IBAN"},
		"a wrong creditor":       {foreign, "DE89370400440532013001", message.CodeCreditor, "PmtInf[1]/CdtTrfTxInf[2]/CdtrAcct/Id/IBAN"},
		"a creditor in blanks":   {foreign, "DE89 3704 0044 0532 0130 00", message.CodeCreditor, "PmtInf[1]/CdtTrfTxInf[2]/CdtrAcct/Id/IBAN"},
		"an account in dollars":  {"<Ccy>EUR", "<Ccy>USD", message.CodeCurrency, "PmtInf[2]/DbtrAcct/Ccy"},
		"dollars":                {`Ccy="EUR">20.00`, `Ccy="USD">20.00`, message.CodeCurrency, "PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt"},
		"no currency":            {` Ccy="EUR">20.00`, `>20.00`, message.CodeCurrency, "PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt"},
		"three decimals":         {">20.00<", ">20.000<", message.CodeAmount, "PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt"},
		"a debit":                {">20.00<", ">-20.00<", message.CodeAmount, "PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt"},
		"nothing":                {">20.00<", ">0.00<", message.CodeAmount, "PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt"},
		"a billion":              {">20.00<", ">1000000000.00<", message.CodeAmount, "PmtInf[1]/CdtTrfTxInf[2]/Amt/InstdAmt"},
		"a wrong BIC":            {"BDFEFRPP", "BDFEFRP", message.CodeBank, first + "CdtrAgt/FinInstnId"},
		"the newer BIC":          {"<BIC>BDFEFRPP</BIC>", "<BICFI>BDFEFRPP</BICFI>", message.CodeFormat, structure + "/PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId"},
		"no country":             {"<Ctry>FR", "<Ctry>France", message.CodeElement, "PmtInf[2]/CdtTrfTxInf[1]/Cdtr/PstlAdr/Ctry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, older, test.old)

			_, err := message.ReadPain001(strings.NewReader(strings.Replace(older, test.old, test.new, 1)))
			refused, is := errors.AsType[*message.RefusedError](err)
			require.True(t, is, "%v", err)
			require.Equal(t, test.code, refused.Code, "%v", err)
			require.Equal(t, test.path, refused.Path, "%v", err)

			for _, value := range []string{"0f8fad5b", "MUELLER", "BOULANGERIE", "FR14", "FR76", "DE89"} {
				require.NotContains(t, err.Error(), value)
			}
		})
	}
}

func TestARefusedMessageIsNamed(t *testing.T) {
	t.Parallel()

	read, err := message.ReadPain001(strings.NewReader(strings.Replace(older, "<CtrlSum>123.00", "<CtrlSum>1.00", 1)))
	require.EqualError(t, err, "GrpHdr/CtrlSum: is not the sum of the orders, 123.00 (AM10)")
	require.Equal(t, "0f8fad5bd9cb469fa16570867728950e", read.MessageID)

	_, err = message.ReadPain001(strings.NewReader(strings.Replace(older, "<NbOfTxs>3</NbOfTxs>\n", "", 1)))
	require.EqualError(t, err, "line 7: Document/CstmrCdtTrfInitn/GrpHdr: lacks NbOfTxs (FF01)")

	broken := errors.New("no disk")
	_, err = message.ReadPain001(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}

// FuzzReadPain001 expects that what the bank takes adds up.
func FuzzReadPain001(f *testing.F) {
	f.Add(older)
	f.Add(newer())
	f.Add(strings.Replace(older, "100.00", "99999999999.99", 1))
	f.Add("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.03\"><a><a><a>")
	f.Fuzz(func(t *testing.T, content string) {
		read, err := message.ReadPain001(strings.NewReader(content))
		if err != nil {
			refused, is := errors.AsType[*message.RefusedError](err)
			require.True(t, is)
			require.NotEmpty(t, refused.Code)

			return
		}

		var (
			sum   money.Cents
			count int
			ids   = map[string]bool{}
		)

		for _, block := range read.Blocks {
			for _, payment := range block.Payments {
				require.Positive(t, payment.Amount)
				require.Contains(t, content, payment.Creditor.IBAN)

				sum, count, ids[payment.EndToEndID] = sum+payment.Amount, count+1, true
			}
		}

		require.Equal(t, read.Sum, sum)
		require.Equal(t, read.Count, count)
		require.Len(t, ids, count)
	})
}
