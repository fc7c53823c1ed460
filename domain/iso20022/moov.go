package iso20022

import (
	"github.com/moov-io/iso20022/pkg/common"
	"github.com/moov-io/iso20022/pkg/pain_v09"
	"github.com/moov-io/iso20022/pkg/pain_v11"
)

// What is read of pain.002 and pain.008 is decoded into the structs of moov-io/iso20022, each within one of the types below
// that shadows by a field of the same name
//
//   - what moov holds as a float, or as an instant whose zone it guesses: here the text, to be read exactly;
//   - what the versions read here have otherwise than moov's version does (a BIC, a party's identification);
//   - what nobody reads: it may name people and be of any size, and is neither decoded nor kept.
//
// Of moov's functions none is called.

// Ignored is an element whose content is passed over.
type Ignored struct{}

// StatusHeader is GrpHdr of pain.002: who reports.
type StatusHeader struct {
	pain_v11.GroupHeader86

	CreDtTm  string  `xml:"CreDtTm"`
	InitgPty Ignored `xml:"InitgPty"`
	FwdgAgt  Ignored `xml:"FwdgAgt"`
	DbtrAgt  Ignored `xml:"DbtrAgt"`
	CdtrAgt  Ignored `xml:"CdtrAgt"`
}

// StatusGroup is OrgnlGrpInfAndSts of pain.002: the message reported on.
type StatusGroup struct {
	pain_v11.OriginalGroupHeader17

	OrgnlCreDtTm  Ignored        `xml:"OrgnlCreDtTm"`
	OrgnlCtrlSum  *string        `xml:"OrgnlCtrlSum"`
	StsRsnInf     []StatusReason `xml:"StsRsnInf"`
	NbOfTxsPerSts []StatusCount  `xml:"NbOfTxsPerSts"`
}

// StatusReason is StsRsnInf of pain.002: why.
type StatusReason struct {
	pain_v11.StatusReasonInformation12

	Orgtr Ignored `xml:"Orgtr"`
}

// StatusCount is NbOfTxsPerSts of pain.002: how many orders have a status.
type StatusCount struct {
	pain_v11.NumberOfTransactionsPerStatus5

	DtldCtrlSum *string `xml:"DtldCtrlSum"`
}

// StatusTransaction is TxInfAndSts of pain.002: one order.
type StatusTransaction struct {
	pain_v11.PaymentTransaction126

	OrgnlUETR   Ignored          `xml:"OrgnlUETR"`
	StsRsnInf   []StatusReason   `xml:"StsRsnInf"`
	ChrgsInf    []Ignored        `xml:"ChrgsInf"`
	TrckrData   Ignored          `xml:"TrckrData"`
	AccptncDtTm Ignored          `xml:"AccptncDtTm"`
	OrgnlTxRef  *StatusReference `xml:"OrgnlTxRef"`
	SplmtryData []Ignored        `xml:"SplmtryData"`
}

// StatusReference is what is read of OrgnlTxRef of pain.002: the amount of the order. The rest repeats the order.
type StatusReference struct {
	Amt *struct {
		InstdAmt *CurrencyAmount `xml:"InstdAmt"`
		EqvtAmt  Ignored         `xml:"EqvtAmt"`
	} `xml:"Amt"`
	Others Ignored `xml:",any"`
}

// CurrencyAmount is an amount as it is written, with its currency.
type CurrencyAmount struct {
	Value string                              `xml:",chardata"`
	Ccy   common.ActiveOrHistoricCurrencyCode `xml:"Ccy,attr"`
}

// DebitHeader is GrpHdr of pain.008: who collects.
type DebitHeader struct {
	pain_v09.GroupHeader83

	CreDtTm  string    `xml:"CreDtTm"`
	Authstn  []Ignored `xml:"Authstn"`
	CtrlSum  *string   `xml:"CtrlSum"`
	InitgPty Ignored   `xml:"InitgPty"`
	FwdgAgt  Ignored   `xml:"FwdgAgt"`
}

// DebitKind is PmtTpInf of pain.008: scheme and sequence.
type DebitKind struct {
	pain_v09.PaymentTypeInformation29
}

// DebitTransaction is DrctDbtTxInf of pain.008: one direct debit.
type DebitTransaction struct {
	pain_v09.DirectDebitTransactionInformation23

	PmtTpInf    *DebitKind     `xml:"PmtTpInf"`
	InstdAmt    CurrencyAmount `xml:"InstdAmt"`
	DrctDbtTx   *DebitMandate  `xml:"DrctDbtTx"`
	UltmtCdtr   Ignored        `xml:"UltmtCdtr"`
	DbtrAgt     *Agent         `xml:"DbtrAgt"`
	DbtrAgtAcct Ignored        `xml:"DbtrAgtAcct"`
	Dbtr        *Named         `xml:"Dbtr"`
	DbtrAcct    *Account       `xml:"DbtrAcct"`
	UltmtDbtr   Ignored        `xml:"UltmtDbtr"`
	Purp        Ignored        `xml:"Purp"`
	RgltryRptg  []Ignored      `xml:"RgltryRptg"`
	Tax         Ignored        `xml:"Tax"`
	RltdRmtInf  []Ignored      `xml:"RltdRmtInf"`
	RmtInf      Ignored        `xml:"RmtInf"`
}

// DebitMandate is DrctDbtTx of pain.008: under which mandate, and for which creditor.
type DebitMandate struct {
	pain_v09.DirectDebitTransaction10

	MndtRltdInf *Mandate `xml:"MndtRltdInf"`
	CdtrSchmeId *Scheme  `xml:"CdtrSchmeId"` //nolint:revive // named as the field that it shadows
	PreNtfctnDt Ignored  `xml:"PreNtfctnDt"`
}

// Mandate is MndtRltdInf of pain.008.
type Mandate struct {
	pain_v09.MandateRelatedInformation14

	DtOfSgntr     *string `xml:"DtOfSgntr"`
	AmdmntInd     Ignored `xml:"AmdmntInd"`
	AmdmntInfDtls Ignored `xml:"AmdmntInfDtls"`
	FrstColltnDt  Ignored `xml:"FrstColltnDt"`
	FnlColltnDt   Ignored `xml:"FnlColltnDt"`
	Frqcy         Ignored `xml:"Frqcy"`
}

// Scheme is CdtrSchmeId of pain.008: the creditor's identifier.
type Scheme struct {
	Id *struct { //nolint:revive // named as moov names it
		PrvtId *pain_v09.PersonIdentification13 `xml:"PrvtId"` //nolint:revive // the same
		OrgId  Ignored                          `xml:"OrgId"`  //nolint:revive // the same
	} `xml:"Id"`
	Others Ignored `xml:",any"`
}

// Agent is a bank.
type Agent struct {
	FinInstnId *struct { //nolint:revive // named as moov names it
		BIC    *common.BICFIDec2014Identifier            `xml:"BIC"`
		Othr   *pain_v09.GenericFinancialIdentification1 `xml:"Othr"`
		Others Ignored                                   `xml:",any"`
	} `xml:"FinInstnId"`
	BrnchId Ignored `xml:"BrnchId"` //nolint:revive // the same
}

// Named is a party, of which the name is read.
type Named struct {
	Nm     *common.Max140Text `xml:"Nm"`
	Others Ignored            `xml:",any"`
}

// Account is an account with a bank.
type Account struct {
	pain_v09.CashAccount38
}
