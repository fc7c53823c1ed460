package xsd_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/schemas/xsd"
)

// full is a file with every element of a version: two blocks, the second of a bank that is not named.
func full(version string) string {
	bic, begin, end := "BIC", "", ""
	if version == xsd.PAIN00109 {
		bic, begin, end = "BICFI", "<Dt>", "</Dt>"
	}

	return strings.NewReplacer("VERSION", version, "BICEL", bic, "<ReqdExctnDt>", "<ReqdExctnDt>"+begin, "</ReqdExctnDt>", end+"</ReqdExctnDt>").Replace(
		`<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:VERSION"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>6a1f7d5e21aa11ea9f0e0242ac120002</MsgId><CreDtTm>2026-03-17T12:02:54+01:00</CreDtTm><NbOfTxs>3</NbOfTxs><CtrlSum>1000000010.01</CtrlSum><InitgPty><Nm>REGLO</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>6a1f7d5e21aa11ea9f0e0242ac120002</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg><NbOfTxs>2</NbOfTxs><CtrlSum>10.02</CtrlSum><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt>2026-03-18</ReqdExctnDt><Dbtr><Nm>CHEZ ELISE + FILS</Nm><PstlAdr><StrtNm>rue de l'Arbre (2)</StrtNm><BldgNb>12 B</BldgNb><PstCd>75001</PstCd><TwnNm>Paris</TwnNm><Ctry>FR</Ctry></PstlAdr></Dbtr><DbtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICEL>TESTFRPPXXX</BICEL></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>
<CdtTrfTxInf><PmtId><InstrId>1 / 2</InstrId><EndToEndId>P260317000000001</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">0.01</InstdAmt></Amt><UltmtDbtr><Nm>A</Nm></UltmtDbtr><CdtrAgt><FinInstnId><BICEL>SOGEFRPP</BICEL></FinInstnId></CdtrAgt><Cdtr><Nm>Durand, Jeanne</Nm><PstlAdr><TwnNm>Lille</TwnNm><Ctry>FR</Ctry></PstlAdr></Cdtr><CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct><RmtInf><Ustrd>//COMCO   CB15:27:11?/</Ustrd></RmtInf></CdtTrfTxInf>
<CdtTrfTxInf><PmtId><EndToEndId>P/2/a</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">10.01</InstdAmt></Amt><Cdtr><Nm>M</Nm></Cdtr><CdtrAcct><Id><IBAN>NO9386011117947</IBAN></Id></CdtrAcct></CdtTrfTxInf>
</PmtInf>
<PmtInf><PmtInfId>6a1f7d5e21aa11ea9f0e0242ac120002001</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>false</BtchBookg><NbOfTxs>1</NbOfTxs><CtrlSum>999999999.99</CtrlSum><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt>2026-03-18</ReqdExctnDt><Dbtr><Nm>M</Nm></Dbtr><DbtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>
<CdtTrfTxInf><PmtId><EndToEndId>P260317000000003</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">999999999.99</InstdAmt></Amt><Cdtr><Nm>M</Nm></Cdtr><CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct></CdtTrfTxInf>
</PmtInf>
</CstmrCdtTrfInitn></Document>
`)
}

func gate(t testing.TB, version string) *xsd.Gate {
	t.Helper()

	made, err := xsd.NewGate(version)
	require.NoError(t, err)

	return made
}

func check(t testing.TB, version, file string) error {
	t.Helper()

	return gate(t, version).Check(t.Context(), strings.NewReader(file))
}

func versions() []string { return []string{xsd.PAIN00103, xsd.PAIN00109} }

func TestCheckTakesAFullFile(t *testing.T) {
	t.Parallel()

	for _, version := range versions() {
		require.NoError(t, check(t, version, full(version)))
		require.NoError(t, gate(t, version).Check(t.Context(), iotest.OneByteReader(strings.NewReader(full(version)))))
	}

	require.NoError(t, check(t, xsd.PAIN00103, strings.ReplaceAll(full(xsd.PAIN00103), "\n", "")), "on one line")
}

func TestAVersionIsNotTheOther(t *testing.T) {
	t.Parallel()

	var refusal *xsd.Refusal

	require.ErrorAs(t, check(t, xsd.PAIN00103, full(xsd.PAIN00109)), &refusal)
	require.Equal(t, "has not the root element Document of pain.001.001.03", refusal.Reason)

	renamed := strings.Replace(full(xsd.PAIN00109), xsd.PAIN00109, xsd.PAIN00103, 1)
	require.ErrorAs(t, check(t, xsd.PAIN00103, renamed), &refusal)
	require.Equal(t, 4, refusal.Line)

	_, err := xsd.NewGate("pain.001.001.10")
	require.ErrorIs(t, err, xsd.ErrVersion)
}

const (
	message = "/Document/CstmrCdtTrfInitn"
	header  = message + "/GrpHdr"
	block   = message + "/PmtInf"
	order   = block + "/CdtTrfTxInf"

	early = "ends before all its elements"
	noXML = "is not well-formed XML"
	where = "where another one, or none, must stand"

	carried    = "letters, digits, spaces and /-?:().,'+"
	aReference = "must have 1 to 35 " + carried + ", with no space or slash at either end and no two slashes in a row"
	aName      = "must have 1 to 70 " + carried + ", with no space at either end"
	anInstant  = "must be an instant to the second, with the offset of its zone"
	anAmount   = "must be 0.01 to 999999999.99, of two decimals, with no zero before"
	aSum       = "must be 0.01 or more, of at most 15 digits and two decimals, with no zero before"
	orders     = "must be 1 or more, of at most 15 digits, with no zero before"
	anIBAN     = "must be an IBAN, without spaces"
	aBIC       = "must be a BIC of 8 or 11 characters"
	slev       = "must be SLEV: each side pays its own bank"
)

// mutation is one change to the first place of the full file that reads like from.
type mutation struct {
	from, to string
	line     int
	path     string
	reason   string
}

func mutations() map[string]mutation {
	long := strings.Repeat("x", 71)

	return map[string]mutation{
		"a message without reference":    {"<MsgId>6a1f7d5e21aa11ea9f0e0242ac120002</MsgId>", "", 3, header, "has the element CreDtTm " + where},
		"a reference of 36":              {"<MsgId>6a1f7d5e", "<MsgId>12346a1f7d5e", 3, header + "/MsgId", aReference},
		"a reference of nothing":         {"<MsgId>6a1f7d5e21aa11ea9f0e0242ac120002<", "<MsgId><", 3, header + "/MsgId", aReference},
		"a slash before":                 {"<EndToEndId>P/2", "<EndToEndId>/P/2", 6, order + "/PmtId/EndToEndId", aReference},
		"a slash behind":                 {"P/2/a<", "P/2/a/<", 6, order + "/PmtId/EndToEndId", aReference},
		"two slashes":                    {"P/2/a<", "P//2/a<", 6, order + "/PmtId/EndToEndId", aReference},
		"a space before":                 {"<EndToEndId>P/2", "<EndToEndId> P/2", 6, order + "/PmtId/EndToEndId", aReference},
		"an underscore":                  {"P/2/a<", "P_2<", 6, order + "/PmtId/EndToEndId", aReference},
		"no EndToEndId":                  {"<EndToEndId>P/2/a</EndToEndId>", "", 6, order + "/PmtId", early},
		"two EndToEndId":                 {"<EndToEndId>P/2/a</EndToEndId>", "<EndToEndId>P</EndToEndId><EndToEndId>Q</EndToEndId>", 6, order + "/PmtId", "has the element EndToEndId " + where},
		"an instant without zone":        {"54+01:00", "54", 3, header + "/CreDtTm", anInstant},
		"an instant with a fraction":     {"54+01:00", "54.5+01:00", 3, header + "/CreDtTm", anInstant},
		"no such instant":                {"T12:02:54", "T25:02:54", 3, header + "/CreDtTm", anInstant},
		"no orders":                      {"<NbOfTxs>3<", "<NbOfTxs>0<", 3, header + "/NbOfTxs", orders},
		"orders with a zero before":      {"<NbOfTxs>3<", "<NbOfTxs>03<", 3, header + "/NbOfTxs", orders},
		"a sum of one decimal":           {"<CtrlSum>1000000010.01<", "<CtrlSum>1000000010.1<", 3, header + "/CtrlSum", aSum},
		"a sum of nothing":               {"<CtrlSum>10.02<", "<CtrlSum>0.00<", 4, block + "/CtrlSum", aSum},
		"no sum":                         {"<CtrlSum>10.02</CtrlSum>", "", 4, block, "has the element PmtTpInf " + where},
		"an initiator without name":      {"<InitgPty><Nm>REGLO</Nm></InitgPty>", "<InitgPty></InitgPty>", 3, header + "/InitgPty", early},
		"a cheque":                       {"TRF", "CHK", 4, block + "/PmtMtd", "must be TRF"},
		"booked 1":                       {"<BtchBookg>true", "<BtchBookg>1", 4, block + "/BtchBookg", "must be true or false"},
		"an urgent level":                {"<Cd>SEPA", "<Cd>URGP", 4, block + "/PmtTpInf/SvcLvl/Cd", "must be SEPA"},
		"no such day":                    {"2026-03-18", "2026-02-29", 4, block + "/ReqdExctnDt", "must be a day"},
		"a day with a zone":              {"2026-03-18", "2026-03-18Z", 4, block + "/ReqdExctnDt", "must be a day"},
		"a debtor without account":       {"<DbtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></DbtrAcct>", "", 4, block, "has the element DbtrAgt " + where},
		"an account that is no IBAN":     {"<IBAN>FR76", "<IBAN>FRX6", 4, block + "/DbtrAcct/Id/IBAN", anIBAN},
		"an IBAN with spaces":            {"<IBAN>DE89", "<IBAN>DE89 ", 5, order + "/CdtrAcct/Id/IBAN", anIBAN},
		"an IBAN in small letters":       {"<IBAN>NO93", "<IBAN>no93", 6, order + "/CdtrAcct/Id/IBAN", anIBAN},
		"another debtor's bank":          {"NOTPROVIDED", "BANQUE", 8, block + "/DbtrAgt/FinInstnId/Othr/Id", "must be NOTPROVIDED"},
		"a BIC of 9":                     {"TESTFRPPXXX", "TESTFRPPX", 4, block + "/DbtrAgt/FinInstnId/BICEL", aBIC},
		"a BIC in small letters":         {"SOGEFRPP", "sogefrpp", 5, order + "/CdtrAgt/FinInstnId/BICEL", aBIC},
		"an agent without BIC":           {"<BICEL>SOGEFRPP</BICEL>", "", 5, order + "/CdtrAgt/FinInstnId", early},
		"charges on the debtor":          {"SLEV", "DEBT", 4, block + "/ChrgBr", slev},
		"no charge bearer":               {"<ChrgBr>SLEV</ChrgBr>", "", 5, block, "has the element CdtTrfTxInf " + where},
		"an amount of nothing":           {">0.01<", ">0.00<", 5, order + "/Amt/InstdAmt", anAmount},
		"a negative amount":              {">0.01<", ">-0.01<", 5, order + "/Amt/InstdAmt", anAmount},
		"an amount of three decimals":    {">0.01<", ">0.010<", 5, order + "/Amt/InstdAmt", anAmount},
		"an amount without decimals":     {">10.01<", ">10<", 6, order + "/Amt/InstdAmt", anAmount},
		"an amount with a comma":         {">10.01<", ">10,01<", 6, order + "/Amt/InstdAmt", anAmount},
		"an amount with an exponent":     {">10.01<", ">1E1<", 6, order + "/Amt/InstdAmt", anAmount},
		"an amount of a milliard":        {`"EUR">999999999.99<`, `"EUR">1000000000.00<`, 9, order + "/Amt/InstdAmt", anAmount},
		"dollars":                        {`Ccy="EUR"`, `Ccy="USD"`, 5, order + "/Amt/InstdAmt", "must be in EUR"},
		"no currency":                    {` Ccy="EUR"`, ``, 5, order + "/Amt/InstdAmt", "has not the attributes that it must have"},
		"another attribute":              {`Ccy="EUR"`, `Ccy="EUR" X="1"`, 5, order + "/Amt/InstdAmt", "has not the attributes that it must have"},
		"no amount":                      {`<Amt><InstdAmt Ccy="EUR">10.01</InstdAmt></Amt>`, ``, 6, order, "has the element Cdtr " + where},
		"a name of 71":                   {"<Nm>Durand, Jeanne<", "<Nm>" + long + "<", 5, order + "/Cdtr/Nm", aName},
		"a name with an accent":          {"Durand, Jeanne", "Durand, Mél", 5, order + "/Cdtr/Nm", aName},
		"a name with an ampersand":       {"Durand, Jeanne", "Durand &amp; Jeanne", 5, order + "/Cdtr/Nm", aName},
		"a name of a space":              {"<Nm>Durand, Jeanne<", "<Nm> <", 5, order + "/Cdtr/Nm", aName},
		"a name that was not escaped":    {"Durand, Jeanne", "Durand <Jeanne>", 5, order + "/Cdtr/Nm/?", noXML},
		"a name that is an element":      {"Durand, Jeanne", "Durand <Jeanne/>", 5, order + "/Cdtr/Nm", "has an element in its value"},
		"a name with a bare ampersand":   {"Durand, Jeanne", "Durand & Jeanne", 0, order + "/Cdtr/Nm", noXML},
		"a creditor without name":        {"<Nm>Durand, Jeanne</Nm>", "", 5, order + "/Cdtr", "has the element PstlAdr " + where},
		"an address of free lines":       {"<TwnNm>Lille</TwnNm>", "<AdrLine>1 rue X, Lille</AdrLine>", 5, order + "/Cdtr/PstlAdr", "has an element that must not stand there"},
		"an address without town":        {"<TwnNm>Lille</TwnNm>", "", 5, order + "/Cdtr/PstlAdr", "has the element Ctry " + where},
		"a country of three letters":     {"<Ctry>FR<", "<Ctry>FRA<", 4, block + "/Dbtr/PstlAdr/Ctry", "must be the two capital letters of a country"},
		"a town of 36":                   {"<TwnNm>Lille", "<TwnNm>" + long[:36], 5, order + "/Cdtr/PstlAdr/TwnNm", "must have 1 to 35 " + carried + ", with no space at either end"},
		"a building of 17":               {"12 B", long[:17], 4, block + "/Dbtr/PstlAdr/BldgNb", "must have 1 to 16 " + carried + ", with no space at either end"},
		"a creditor without account":     {"<CdtrAcct><Id><IBAN>NO9386011117947</IBAN></Id></CdtrAcct>", "", 6, order, early},
		"the account before the name":    {"<Cdtr><Nm>M</Nm></Cdtr><CdtrAcct><Id><IBAN>NO9386011117947</IBAN></Id></CdtrAcct>", "<CdtrAcct><Id><IBAN>NO9386011117947</IBAN></Id></CdtrAcct><Cdtr><Nm>M</Nm></Cdtr>", 6, order, "has the element CdtrAcct " + where},
		"a remittance of 141":            {"COMCO", strings.Repeat("x", 141), 5, order + "/RmtInf/Ustrd", "must have 1 to 140 " + carried + ", with no space at either end"},
		"two remittances":                {"</Ustrd>", "</Ustrd><Ustrd>x</Ustrd>", 5, order + "/RmtInf", "has the element Ustrd " + where},
		"a remittance of two lines":      {"COMCO   ", "COMCO\n", 6, order + "/RmtInf/Ustrd", "must have 1 to 140 " + carried + ", with no space at either end"},
		"an empty remittance":            {"<Ustrd>//COMCO   CB15:27:11?/</Ustrd>", "<Ustrd/>", 5, order + "/RmtInf/Ustrd", "must have 1 to 140 " + carried + ", with no space at either end"},
		"a purpose":                      {"<RmtInf>", "<Purp><Cd>SALA</Cd></Purp><RmtInf>", 5, order, "has an element that must not stand there"},
		"a creditor's creditor":          {"<RmtInf>", "<UltmtCdtr><Nm>X</Nm></UltmtCdtr><RmtInf>", 5, order, "has an element that must not stand there"},
		"text between":                   {"</PmtInf>\n<PmtInf>", "</PmtInf>x\n<PmtInf>", 7, message, "has text between its elements"},
		"a block without orders":         {"<CdtTrfTxInf><PmtId><EndToEndId>P260317000000003</EndToEndId></PmtId><Amt><InstdAmt Ccy=\"EUR\">999999999.99</InstdAmt></Amt><Cdtr><Nm>M</Nm></Cdtr><CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct></CdtTrfTxInf>", "", 10, block, early},
		"a second header":                {"</PmtInf>\n<PmtInf>", "</PmtInf>\n<GrpHdr/><PmtInf>", 8, message, "has the element GrpHdr " + where},
		"an end that is another's":       {"</PmtInf>\n</Cst", "</Cdtr>\n</Cst", 10, block, noXML},
		"the end missing":                {"</CstmrCdtTrfInitn></Document>\n", "", 0, message, noXML},
		"a second root":                  {"</Document>", "</Document><Document/>", 11, "/", noXML},
		"a document type":                {"<Document ", "<!DOCTYPE Document>\n<Document ", 2, "/", "has a document type or an entity"},
		"an entity":                      {"CHEZ ELISE", "CHEZ &elise;", 4, block + "/Dbtr/Nm", "has a document type or an entity"},
		"bytes that are not UTF-8":       {"CHEZ ELISE", "CHEZ \xc9LISE", 4, block + "/Dbtr/Nm", noXML},
		"an element of another language": {"<RmtInf>", `<x:RmtInf xmlns:x="urn:x"/><RmtInf>`, 5, order, ""},
		"nil":                            {"<ChrgBr>", `<ChrgBr xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true">`, 4, block, ""},
	}
}

// TestCheckRefusesEveryMutation changes one thing of a valid file at a time.
func TestCheckRefusesEveryMutation(t *testing.T) {
	t.Parallel()

	for _, version := range versions() {
		judge, file := gate(t, version), full(version)

		for name, mutation := range mutations() {
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()

				bic := "BIC"
				if version == xsd.PAIN00109 {
					bic = "BICFI"
				}

				from, path := strings.ReplaceAll(mutation.from, "BICEL", bic), strings.ReplaceAll(mutation.path, "BICEL", bic)
				if version == xsd.PAIN00109 && strings.HasSuffix(path, "/ReqdExctnDt") {
					path += "/Dt"
				}

				require.Contains(t, file, from)

				err := judge.Check(t.Context(), strings.NewReader(strings.Replace(file, from, mutation.to, 1)))

				var refusal *xsd.Refusal

				require.ErrorAs(t, err, &refusal)
				require.Equal(t, mutation.line, refusal.Line, refusal)
				require.Equal(t, path, refusal.Path)
				require.Equal(t, version, refusal.Version)
				require.NotEmpty(t, refusal.Reason)

				require.True(t, strings.HasPrefix(refusal.Reason, mutation.reason), refusal.Reason) // V03 asks more of a BIC

				for _, secret := range []string{"Jeanne", "Durand", "FR76", "DE89", "ELISE", "Lille", "P/2", "elise", "1000000000.00"} {
					require.NotContains(t, err.Error(), secret)
				}
			})
		}
	}
}

// TestBICsOfV03 has those that the schema of ISO 20022 refuses in that version only.
func TestBICsOfV03(t *testing.T) {
	t.Parallel()

	for _, code := range []string{"TESTFR1PXXX", "TESTFR0P", "TESTFRPO"} {
		require.NoError(t, check(t, xsd.PAIN00109, strings.Replace(full(xsd.PAIN00109), "TESTFRPPXXX", code, 1)))

		var refusal *xsd.Refusal

		require.ErrorAs(t, check(t, xsd.PAIN00103, strings.Replace(full(xsd.PAIN00103), "TESTFRPPXXX", code, 1)), &refusal)
	}
}

func TestCheckIsBounded(t *testing.T) {
	t.Parallel()

	file := full(xsd.PAIN00103)
	before, _, found := strings.Cut(file, "REGLO")
	require.True(t, found)

	for what, filler := range map[string]string{
		"text":     "x",
		"CDATA":    "<![CDATA[",
		"a tag":    "<x",
		"elements": "<Nm>",
	} {
		endless := &endless{text: "y"}
		if what == "elements" {
			endless.text = filler
		}

		var refusal *xsd.Refusal

		err := gate(t, xsd.PAIN00103).Check(t.Context(), io.MultiReader(strings.NewReader(before+filler), endless))
		require.ErrorAs(t, err, &refusal, what)
		require.Contains(t, refusal.Reason, "is longer than 1073741824 bytes, deeper than 16 elements", what)
		require.Less(t, endless.read, 1<<20, what)
	}
}

// endless gives the same text again and again.
type endless struct {
	text string
	read int
}

func (e *endless) Read(into []byte) (int, error) {
	for i := range into {
		into[i] = e.text[(e.read+i)%len(e.text)]
	}

	e.read += len(into)

	return len(into), nil
}

var errDisk = errors.New("disk full")

func TestCheckTellsItsSourceFromTheFile(t *testing.T) {
	t.Parallel()

	broken := io.MultiReader(strings.NewReader(full(xsd.PAIN00103)[:500]), iotest.ErrReader(errDisk))
	err := gate(t, xsd.PAIN00103).Check(t.Context(), broken)
	require.ErrorIs(t, err, errDisk)
	require.NotErrorAs(t, err, new(*xsd.Refusal))

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errDisk)

	err = gate(t, xsd.PAIN00103).Check(ctx, strings.NewReader(full(xsd.PAIN00103)))
	require.ErrorIs(t, err, errDisk)
	require.NotErrorAs(t, err, new(*xsd.Refusal))
}

// TestPass runs in a bubble, which panics if a goroutine of the gate is left over.
func TestPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testPass)
}

func testPass(t *testing.T) {
	file := full(xsd.PAIN00103)
	wrong := strings.Replace(file, ">10.01<", ">10.0<", 1)
	judge := gate(t, xsd.PAIN00103)
	pass := func(ctx context.Context, destination io.Writer, text string, then error) error {
		return judge.Pass(ctx, destination, func(to io.Writer) error {
			if _, err := io.WriteString(to, text); err != nil {
				return fmt.Errorf("write: %w", err)
			}

			return then
		})
	}

	var written bytes.Buffer

	require.NoError(t, pass(t.Context(), &written, file, nil))
	require.Equal(t, file, written.String())

	var refusal *xsd.Refusal

	written.Reset()
	require.ErrorAs(t, pass(t.Context(), &written, wrong, nil), &refusal)
	require.Equal(t, 6, refusal.Line)
	require.Equal(t, wrong, written.String(), "what was refused is there to be looked at")

	err := pass(t.Context(), io.Discard, wrong, errDisk)
	require.ErrorIs(t, err, errDisk, "the writer's own error first")
	require.NotErrorAs(t, err, new(*xsd.Refusal))

	err = pass(t.Context(), io.Discard, file[:700], errDisk)
	require.ErrorIs(t, err, errDisk, "half a file")

	err = pass(t.Context(), &fullDisk{room: 1000}, file, nil)
	require.ErrorIs(t, err, errDisk)
	require.EqualError(t, err, "write: disk full", "not the gate's")

	require.ErrorAs(t, pass(t.Context(), io.Discard, "", nil), &refusal, "nothing was written")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the day has ended"))
	require.EqualError(t, pass(ctx, io.Discard, file, nil), "judge the file by the schema pain.001.001.03: the day has ended")
}

// TestPassStopsAWriterOfWhatCannotBeJudged writes without end what is no XML, and what is, until the context ends.
func TestPassStopsAWriterOfWhatCannotBeJudged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		judge := gate(t, xsd.PAIN00109)
		ctx, cancel := context.WithCancelCause(t.Context())
		endlessly := func(text string, cancelAfter int) error {
			return judge.Pass(ctx, io.Discard, func(to io.Writer) error {
				for n := 0; ; n++ {
					if n == cancelAfter {
						cancel(errDisk)
					}

					if _, err := io.WriteString(to, text); err != nil {
						return fmt.Errorf("write: %w", err)
					}
				}
			})
		}

		var refusal *xsd.Refusal

		require.ErrorAs(t, endlessly("<Document>&;", -1), &refusal)
		require.Equal(t, 1, refusal.Line)
		require.ErrorIs(t, endlessly("<!-- -->", 100_000), errDisk)
	})
}

// TestPassOfAWriterThatPanics leaves no goroutine.
func TestPassOfAWriterThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		require.PanicsWithValue(t, "bug", func() {
			_ = gate(t, xsd.PAIN00109).Pass(t.Context(), io.Discard, func(to io.Writer) error {
				_, err := io.WriteString(to, "<Document>")
				require.NoError(t, err)
				panic("bug")
			})
		})
	})
}

// fullDisk takes so many bytes.
type fullDisk struct{ room int }

func (d *fullDisk) Write(text []byte) (int, error) {
	if d.room -= len(text); d.room < 0 {
		return 0, errDisk
	}

	return len(text), nil
}

func TestAGateServesManyAtOnce(t *testing.T) {
	t.Parallel()

	const many = 8

	judge := gate(t, xsd.PAIN00103)
	file := full(xsd.PAIN00103)

	var (
		group  sync.WaitGroup
		errors [many]error
	)

	for i := range many {
		group.Go(func() {
			text := file
			if i%2 == 1 {
				text = strings.Replace(file, ">10.01<", ">10.0<", 1)
			}

			errors[i] = judge.Pass(t.Context(), io.Discard, func(to io.Writer) error {
				_, err := io.WriteString(to, text)

				return err
			})
		})
	}

	group.Wait()

	for i, err := range errors {
		if i%2 == 0 {
			require.NoError(t, err)
		} else {
			require.ErrorAs(t, err, new(*xsd.Refusal))
		}
	}
}

// manyOrders are in a large file.
const manyOrders = 100_000

// large writes a file of manyOrders, one a line, each of some 490 bytes; a writer of its own fails at the end only.
func large(to io.Writer) error {
	w := bufio.NewWriterSize(to, 64<<10)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"><CstmrCdtTrfInitn>
<GrpHdr><MsgId>6a1f7d5e21aa11ea9f0e0242ac120002</MsgId><CreDtTm>2026-03-17T12:02:54+01:00</CreDtTm><NbOfTxs>%d</NbOfTxs><CtrlSum>%d.00</CtrlSum><InitgPty><Nm>REGLO</Nm></InitgPty></GrpHdr>
<PmtInf><PmtInfId>6a1f7d5e21aa11ea9f0e0242ac120002</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>true</BtchBookg><NbOfTxs>%d</NbOfTxs><CtrlSum>%d.00</CtrlSum><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt>2026-03-18</ReqdExctnDt><Dbtr><Nm>REGLO</Nm></Dbtr><DbtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BIC>TESTFRPPXXX</BIC></FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>
`, manyOrders, manyOrders, manyOrders, manyOrders)

	for n := range manyOrders {
		_, _ = fmt.Fprintf(w, `<CdtTrfTxInf><PmtId><InstrId>6a1f7d5e21aa11ea9f0e%012d</InstrId><EndToEndId>P260317%09d</EndToEndId></PmtId><Amt><InstdAmt Ccy="EUR">1.00</InstdAmt></Amt><UltmtDbtr><Nm>BOULANGERIE %d</Nm></UltmtDbtr><CdtrAgt><FinInstnId><BIC>SOGEFRPPXXX</BIC></FinInstnId></CdtrAgt><Cdtr><Nm>Boulangerie Patisserie %d</Nm></Cdtr><CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct><RmtInf><Ustrd>VIREMENT 12:02:54 REMISE %d DU 17/03/2026</Ustrd></RmtInf></CdtTrfTxInf>
`, n, n, n, n, n)
	}

	_, _ = fmt.Fprint(w, "</PmtInf>\n</CstmrCdtTrfInitn></Document>\n")

	return w.Flush()
}

// TestMemoryIsBounded passes 100,000 orders, some 50 MB, and looks now and then at what is in use.
func TestMemoryIsBounded(t *testing.T) { //nolint:paralleltest // looks at the memory of the whole process
	const (
		limit = 2 << 20
		each  = 100
	)

	var file bytes.Buffer

	require.NoError(t, large(&file))

	inUse := func() uint64 {
		var memory runtime.MemStats

		runtime.GC() //nolint:revive // what is in use, and nothing that was
		runtime.ReadMemStats(&memory)

		return memory.HeapAlloc
	}

	judge := gate(t, xsd.PAIN00103)
	before, most := inUse(), uint64(0)

	require.NoError(t, judge.Pass(t.Context(), io.Discard, func(to io.Writer) error {
		n := 0
		for chunk := range slices.Chunk(file.Bytes(), 64<<10) {
			if _, err := to.Write(chunk); err != nil {
				return err
			}

			n++
			if n%each == 0 {
				most = max(most, inUse())
			}
		}

		return nil
	}))

	require.Positive(t, most)
	require.Less(t, most, before+limit)
}

func BenchmarkCheck(b *testing.B) {
	var file bytes.Buffer

	require.NoError(b, large(&file))

	judge := gate(b, xsd.PAIN00103)

	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()

	for b.Loop() {
		require.NoError(b, judge.Check(b.Context(), bytes.NewReader(file.Bytes())))
	}

	b.ReportMetric(float64(manyOrders)*float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}

func BenchmarkPass(b *testing.B) {
	var file bytes.Buffer

	require.NoError(b, large(&file))

	judge := gate(b, xsd.PAIN00103)

	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()

	for b.Loop() {
		require.NoError(b, judge.Pass(b.Context(), io.Discard, large))
	}

	b.ReportMetric(float64(manyOrders)*float64(b.N)/b.Elapsed().Seconds(), "orders/s")
}

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		require.NoError(b, large(io.Discard))
	}
}
