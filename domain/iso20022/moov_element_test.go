package iso20022_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
)

// elementIn is the element x in a message, on a line of its own.
func elementIn(definition, x string) *iso20022.Decoder {
	d := iso20022.NewDecoder("F", strings.NewReader(
		`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:`+definition+`"><M>`+"\n"+x+"\n</M></Document>"))

	if _, err := d.Message(); err != nil || !d.Child() {
		panic("the test's own document is wrong")
	}

	return d
}

// decoded decodes x in each of the versions, and gives of each what is said of it.
func decoded[T any](t *testing.T, versions []string, x string, say func(*T) []string, want ...string) {
	t.Helper()

	for _, version := range versions {
		d := elementIn(version, x)

		read, err := iso20022.NewElement[T]().Decode(d)
		require.NoError(t, err, version)
		require.Equal(t, want, say(read), version)
		require.False(t, d.Child(), version)

		_, _, err = d.End()
		require.NoError(t, err, version)
	}
}

// TestElementsReadEveryLeaf shows that moov's structs, made for pain.002.001.11 and pain.008.001.09, give all that is read
// here of the versions before.
func TestElementsReadEveryLeaf(t *testing.T) {
	t.Parallel()

	status := []string{"pain.002.001.03", "pain.002.001.10"}
	debit := []string{"pain.008.001.02"}

	decoded(t, status, `<GrpHdr><MsgId>R1</MsgId><CreDtTm>2026-03-02T09:15:30</CreDtTm><InitgPty><Nm>X</Nm></InitgPty></GrpHdr>`,
		func(read *iso20022.StatusHeader) []string { return []string{string(read.MsgId), read.CreDtTm} },
		"R1", "2026-03-02T09:15:30")

	decoded(t, status, `<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001</OrgnlMsgNmId><OrgnlCreDtTm>2026-03-02T09:15:30</OrgnlCreDtTm>`+
		`<OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>90071992547409.93</OrgnlCtrlSum><GrpSts>PART</GrpSts>`+
		`<StsRsnInf><Orgtr><Nm>X</Nm></Orgtr><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>a</AddtlInf><AddtlInf>b</AddtlInf></StsRsnInf><StsRsnInf><Rsn><Prtry>own</Prtry></Rsn></StsRsnInf>`+
		`<NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>RJCT</DtldSts><DtldCtrlSum>0.10</DtldCtrlSum></NbOfTxsPerSts></OrgnlGrpInfAndSts>`,
		func(read *iso20022.StatusGroup) []string {
			first, second, count := read.StsRsnInf[0], read.StsRsnInf[1], read.NbOfTxsPerSts[0]

			return []string{
				string(read.OrgnlMsgId), string(read.OrgnlMsgNmId), string(*read.OrgnlNbOfTxs), *read.OrgnlCtrlSum, string(*read.GrpSts),
				string(first.Rsn.Cd), string(first.AddtlInf[0]), string(first.AddtlInf[1]), string(second.Rsn.Prtry),
				string(count.DtldNbOfTxs), string(count.DtldSts), *count.DtldCtrlSum,
			}
		},
		"M1", "pain.001", "2", "90071992547409.93", "PART", "AC04", "a", "b", "own", "1", "RJCT", "0.10")

	decoded(t, status, `<TxInfAndSts><StsId>S</StsId><OrgnlInstrId>I</OrgnlInstrId><OrgnlEndToEndId>E</OrgnlEndToEndId><TxSts>RJCT</TxSts>`+
		`<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf><ChrgsInf><Amt Ccy="EUR">x</Amt></ChrgsInf><AccptncDtTm>x</AccptncDtTm>`+
		`<AcctSvcrRef>A</AcctSvcrRef><ClrSysRef>C</ClrSysRef><OrgnlTxRef><IntrBkSttlmAmt Ccy="EUR">x</IntrBkSttlmAmt>`+
		`<Amt><InstdAmt Ccy="EUR">0.10</InstdAmt></Amt><Dbtr><Nm>X</Nm></Dbtr><Cdtr><Pty><Nm>X</Nm></Pty></Cdtr></OrgnlTxRef></TxInfAndSts>`,
		func(read *iso20022.StatusTransaction) []string {
			amount := read.OrgnlTxRef.Amt.InstdAmt

			return []string{
				string(*read.StsId), string(*read.OrgnlInstrId), string(*read.OrgnlEndToEndId), string(*read.TxSts),
				string(read.StsRsnInf[0].Rsn.Cd), string(*read.AcctSvcrRef), string(*read.ClrSysRef), amount.Value, string(amount.Ccy),
			}
		},
		"S", "I", "E", "RJCT", "AC04", "A", "C", "0.10", "EUR")

	decoded(t, debit, `<GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T09:15:30</CreDtTm><Authstn><Cd>AUTH</Cd></Authstn><NbOfTxs>1</NbOfTxs>`+
		`<CtrlSum>0.10</CtrlSum><InitgPty><Nm>X</Nm></InitgPty></GrpHdr>`,
		func(read *iso20022.DebitHeader) []string {
			return []string{string(read.MsgId), read.CreDtTm, string(read.NbOfTxs), *read.CtrlSum}
		},
		"M", "2026-03-02T09:15:30", "1", "0.10")

	decoded(t, debit, `<DrctDbtTxInf><PmtId><InstrId>I</InstrId><EndToEndId>E</EndToEndId></PmtId>`+
		`<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>CORE</Cd></LclInstrm><SeqTp>FRST</SeqTp></PmtTpInf><InstdAmt Ccy="EUR">0.10</InstdAmt>`+
		`<DrctDbtTx><MndtRltdInf><MndtId>MND</MndtId><DtOfSgntr>2026-01-01</DtOfSgntr><AmdmntInd>x</AmdmntInd></MndtRltdInf>`+
		`<CdtrSchmeId><Id><PrvtId><Othr><Id>SCI</Id><SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id></CdtrSchmeId></DrctDbtTx>`+
		`<DbtrAgt><FinInstnId><BIC>B</BIC><Othr><Id>O</Id></Othr></FinInstnId></DbtrAgt><Dbtr><Nm>N</Nm></Dbtr>`+
		`<DbtrAcct><Id><IBAN>IB</IBAN></Id></DbtrAcct><RmtInf><Strd><x/></Strd></RmtInf></DrctDbtTxInf>`,
		func(read *iso20022.DebitTransaction) []string {
			mandate, agent := read.DrctDbtTx, read.DbtrAgt.FinInstnId

			return []string{
				string(*read.PmtId.InstrId), string(read.PmtId.EndToEndId), string(read.PmtTpInf.SvcLvl[0].Cd), string(read.PmtTpInf.LclInstrm.Cd),
				string(*read.PmtTpInf.SeqTp), read.InstdAmt.Value, string(read.InstdAmt.Ccy), string(*mandate.MndtRltdInf.MndtId),
				*mandate.MndtRltdInf.DtOfSgntr, string(mandate.CdtrSchmeId.Id.PrvtId.Othr[0].Id), string(*agent.BIC), string(agent.Othr.Id),
				string(*read.Dbtr.Nm), string(read.DbtrAcct.Id.IBAN),
			}
		},
		"I", "E", "SEPA", "CORE", "FRST", "0.10", "EUR", "MND", "2026-01-01", "SCI", "B", "O", "N", "IB")
}

func TestElementRefuses(t *testing.T) {
	t.Parallel()

	for x, want := range map[string]string{
		"<R><Rsn><Cd>A</Cd></Rsn><Rsn><Cd>B</Cd></Rsn></R>":          "ELEMENT 2:25 Rsn",
		"<R><Rsn><Cd>A</Cd><Cd>B</Cd></Rsn></R>":                     "ELEMENT 2:19 Rsn/Cd",
		"<R><Rsn>A<Cd>A</Cd></Rsn></R>":                              "ELEMENT 2:9 Rsn",
		"<R><Rsn><Cd><Cd>A</Cd></Cd></Rsn></R>":                      "ELEMENT 2:13 Rsn/Cd/Cd",
		"<R><Rsn><Other/></Rsn></R>":                                 "ELEMENT 2:9 Rsn/Other",
		"<R>\n<Info/></R>":                                           "ELEMENT 3:1 Info",
		"<R><Orgtr><a>x<b/>y</a><a/></Orgtr><Rsn><Cd>A</Cd></R>":     "XML 2:51 Rsn",
		"<R><AddtlInf>" + strings.Repeat("<!-- -->", 1<<17) + "</R>": "XML_LIMIT 2:4 AddtlInf",
	} {
		d := elementIn("pain.002.001.03", x)

		_, err := iso20022.NewElement[iso20022.StatusReason]().Decode(d)
		found, isFault := errors.AsType[*fault.Fault](err)
		require.True(t, isFault, "%.60s: %v", x, err)
		require.Equal(t, want, fmt.Sprintf("%s %d:%d %s", found.Code, found.Line, found.Column, strings.TrimPrefix(found.Field, "Document/M/R/")), "%.60s", x)
		require.Equal(t, err, d.Err())
	}
}

func TestElementFindsPlaces(t *testing.T) {
	t.Parallel()

	d := elementIn("pain.002.001.03", "<R><Rsn>\n  <Cd>A</Cd></Rsn>\n<AddtlInf>x</AddtlInf></R>")
	element := iso20022.NewElement[iso20022.StatusReason]()

	_, err := element.Decode(d)
	require.NoError(t, err)

	for path, want := range map[string]string{
		"": "2:1 Document/M/R", "Rsn": "2:4 Document/M/R/Rsn", "Rsn/Cd": "3:3 Document/M/R/Rsn/Cd", "AddtlInf": "4:1 Document/M/R/AddtlInf",
		"Rsn/Prtry": "2:4 Document/M/R/Rsn/Prtry", "Orgtr": "2:1 Document/M/R/Orgtr",
	} {
		found := element.Fault(path, fault.CodePattern, "v", "is wrong")
		require.Equal(t, want, fmt.Sprintf("%d:%d %s", found.Line, found.Column, found.Field))
		require.Equal(t, "v", found.Value)
		require.Equal(t, fault.CodePattern, found.Code)
	}
}
