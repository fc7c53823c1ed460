package camt

import (
	"strconv"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// version is a message that is read here, and what its elements are called.
type version struct {
	definition string
	kind       Kind
	in         versions
	message    string
	report     string
}

func supported() []version {
	return []version{
		{"camt.053.001.02", Statements, v02, "BkToCstmrStmt", "Stmt"},
		{"camt.053.001.04", Statements, v04, "BkToCstmrStmt", "Stmt"},
		{"camt.053.001.08", Statements, v08, "BkToCstmrStmt", "Stmt"},
		{"camt.054.001.02", Notifications, v02, "BkToCstmrDbtCdtNtfctn", "Ntfctn"},
		{"camt.054.001.08", Notifications, v08, "BkToCstmrDbtCdtNtfctn", "Ntfctn"},
	}
}

// signed is an amount and its direction, which stand beside one another.
type signed struct {
	amount money.Cents
	debit  bool
}

func (s signed) cents() money.Cents {
	if s.debit {
		return -s.amount
	}

	return s.amount
}

// reader is one reading of a file. What the content says is read into its fields, in place.
type reader struct {
	name    string
	decoder *iso20022.Decoder
	faults  *fault.Faults
	handler Handler
	version version
	summary Summary
	codes   map[string]string   // each code once
	ids     map[string]struct{} // of the statements
	err     error               // of the handler
	over    bool                // a limit has been passed

	statement Statement
	control   control

	entry       Entry
	entryAmount signed
	charged     bool  // the entry or a detail of it tells charges
	texts       int   // bytes of text in its details
	batched     int64 // how many transactions its batches have

	detail       Detail
	detailAmount detailAmount
}

// detailAmount is what a detail says of its amount: newer versions have an element for it, older ones the amount of the
// transaction, or only what was ordered.
type detailAmount struct {
	own                     signed
	transaction, instructed money.Cents
}

func (r *reader) read() {
	names := make([]string, 0, len(supported()))
	for _, known := range supported() {
		names = append(names, known.definition)
	}

	message, err := r.decoder.Message(names...)
	if err != nil {
		return // End gives it again
	}

	for _, known := range supported() {
		if known.definition == message.Definition {
			r.version = known
		}
	}

	r.summary.Kind, r.summary.Definition = r.version.kind, r.version.definition

	if message.Name != r.version.message {
		r.refuse(iso20022.CodeElement, "", "must be "+r.version.message+" in "+r.version.definition)
		r.decoder.Skip()

		return
	}

	document := r.document()
	r.walk(&document)
}

// document is the content of the message.
func (r *reader) document() content {
	header := r.header()
	report := r.report()

	statement := many(r.version.report, func() { r.readStatement(&report) })
	statement.must = true

	return r.sequence(
		must("GrpHdr", r.within(&header)),
		statement,
		skipped(v04|v08, "SplmtryData"),
	)
}

func (r *reader) header() content {
	pages := r.pages()

	return r.sequence(
		must("MsgId", r.id(&r.summary.ID)),
		must("CreDtTm", r.instant(&r.summary.CreatedAt)),
		may("MsgRcpt", nil),
		may("MsgPgntn", pages),
		may("OrgnlBizQry", nil).from(v04|v08),
		may("AddtlInf", nil),
	)
}

// pages refuses what is not the only page.
func (r *reader) pages() func() {
	var (
		page int64
		last bool
	)

	pagination := r.sequence(must("PgNb", r.number(&page)), must("LastPgInd", r.flag(&last)))

	return func() {
		page, last = 0, true
		faults := r.faults.Count

		r.walk(&pagination)

		if r.faults.Count == faults && (page != 1 || !last) {
			r.refuse(CodePage, strconv.FormatInt(page, 10),
				"is one page of several, which proves neither balances nor totals: have the bank send all in one page")
		}
	}
}

// report is the content of a statement or a notification.
func (r *reader) report() content {
	period := r.sequence(
		must("FrDtTm", r.instant(&r.statement.From)),
		must("ToDtTm", r.instant(&r.statement.To)),
	)
	account, totals, entry := r.accountContent(), r.totals(), r.entryContent()
	pages := r.pages()

	created := may("CreDtTm", r.instant(&r.statement.CreatedAt))
	created.must = r.version.in == v02

	parts := []any{
		must("Id", r.id(&r.statement.ID)),
		may("StmtPgntn", pages).from(v04 | v08),
		may("NtfctnPgntn", pages).from(v04 | v08),
		may("ElctrncSeqNb", r.number(&r.statement.Number)),
		may("RptgSeq", nil).from(v08),
		may("LglSeqNb", r.number(&r.statement.LegalNumber)),
		created,
		may("FrToDt", r.within(&period)),
		may("CpyDplctInd", r.code(&r.statement.Copy, maxCode)),
		may("RptgSrc", nil),
		must("Acct", r.within(&account)),
		may("RltdAcct", nil),
		skipped(all, "Intrst"),
	}

	if r.version.kind == Statements {
		parts = append(parts, many("Bal", r.balance()))
	}

	return r.sequence(append(parts,
		may("TxsSummry", r.within(&totals)),
		many("Ntry", func() { r.readEntry(&entry) }),
		may("Addtl"+r.version.report+"Inf", nil),
	)...)
}

func (r *reader) accountContent() content {
	identifier := r.identifier(&r.statement.IBAN, &r.statement.Account)
	currency := r.code(&r.statement.Currency, maxCode)

	return r.sequence(
		must("Id", r.within(&identifier)),
		may("Tp", nil),
		may("Ccy", func() {
			currency()

			if r.statement.Currency != money.Currency {
				r.refuse(fault.CodeCurrency, "", "is not "+money.Currency+", the only currency that is read here")
			}
		}),
		may("Nm", nil),
		may("Prxy", nil).from(v08),
		may("Ownr", nil),
		may("Svcr", nil),
	)
}

// identifier is the number of an account.
func (r *reader) identifier(iban, other *string) content {
	generic := r.sequence(
		must("Id", r.text(other, maxAccount)),
		may("SchmeNm", nil),
		may("Issr", nil),
	)

	return r.choice(may("IBAN", r.account(iban)), may("Othr", r.within(&generic)))
}

// balance reads a balance into the statement.
func (r *reader) balance() func() {
	var (
		found Balance
		said  signed
		at    time.Time
	)

	kind := r.choice(may("Cd", r.code(&found.Code, maxCode)), may("Prtry", r.code(&found.Code, maxID)))
	kinds := r.sequence(must("CdOrPrtry", r.within(&kind)), may("SubTp", nil))
	date := r.day(&found.Date, &at)
	inner := r.sequence(
		must("Tp", r.within(&kinds)),
		skipped(all, "CdtLine"),
		must("Amt", r.amount(&said.amount)),
		must("CdtDbtInd", r.debit(&said.debit)),
		must("Dt", r.within(&date)),
		skipped(all, "Avlbty"),
	)

	return func() {
		found, said = Balance{}, signed{}
		r.walk(&inner)

		if r.ended() {
			return
		}

		if len(r.statement.Balances) == MaxBalances {
			r.limit("is one balance too many: at most " + strconv.Itoa(MaxBalances) + " are read")

			return
		}

		found.Amount = said.cents()
		r.statement.Balances = append(r.statement.Balances, found)
		r.control.balance(r, found)
	}
}

// day is a day, or an instant and so its day in Europe/Paris.
func (r *reader) day(day *calendar.Date, at *time.Time) content {
	instant := r.instant(at)

	return r.choice(may("Dt", r.date(day)), may("DtTm", func() {
		instant()

		if !at.IsZero() {
			*day = calendar.DateOf(*at)
		}
	}))
}

// entryContent is the content of an entry.
func (r *reader) entryContent() content {
	status := r.choice(may("Cd", r.status), may("Prtry", func() {
		r.refuse(fault.CodeUnknown, "", "is a status of the bank's own: only those of ISO 20022 say whether an entry is booked")
		r.decoder.Skip()
	}))
	booked := r.day(&r.entry.BookedOn, &r.entry.BookedAt)
	value := r.day(&r.entry.ValueOn, &r.entry.ValueAt)
	code, details := r.transactionCode(&r.entry.Code), r.details()

	return r.sequence(
		may("NtryRef", r.text(&r.entry.Reference, maxID)),
		must("Amt", r.amount(&r.entryAmount.amount)),
		must("CdtDbtInd", r.debit(&r.entryAmount.debit)),
		may("RvslInd", r.flag(&r.entry.Reversal)),
		must("Sts", r.status).from(v02|v04),
		must("Sts", r.within(&status)).from(v08),
		may("BookgDt", r.within(&booked)),
		may("ValDt", r.within(&value)),
		may("AcctSvcrRef", r.text(&r.entry.BankReference, maxID)),
		skipped(all, "Avlbty"),
		must("BkTxCd", r.within(&code)),
		may("ComssnWvrInd", nil),
		may("AddtlInfInd", nil),
		may("AmtDtls", nil),
		many("Chrgs", r.charges),
		may("TechInptChanl", nil),
		skipped(all, "Intrst"),
		may("CardTx", nil).from(v04|v08),
		many("NtryDtls", r.within(&details)),
		may("AddtlNtryInf", r.text(&r.entry.Info, maxInfo)),
	)
}

func (r *reader) status() {
	raw := r.decoder.Text()

	switch status := Status(raw); status {
	case Booked, Pending, Information, Future:
		r.entry.Status = status
	default:
		r.refuse(fault.CodeUnknown, shown(raw), "must be BOOK, PDNG, INFO or FUTR")
	}
}

func (r *reader) charges() {
	r.charged = true
	r.decoder.Skip()
}

func (r *reader) transactionCode(into *Code) content {
	family := r.sequence(
		must("Cd", r.code(&into.Family, maxCode)),
		must("SubFmlyCd", r.code(&into.SubFamily, maxCode)),
	)
	domain := r.sequence(must("Cd", r.code(&into.Domain, maxCode)), must("Fmly", r.within(&family)))
	proprietary := r.sequence(must("Cd", r.code(&into.Proprietary, maxID)), may("Issr", nil))

	return r.sequence(may("Domn", r.within(&domain)), may("Prtry", r.within(&proprietary)))
}

// details is the content of a group of transactions.
func (r *reader) details() content {
	var sum signed

	batch := r.sequence(
		may("MsgId", r.text(&r.entry.Batch.MessageID, maxID)),
		may("PmtInfId", r.text(&r.entry.Batch.PaymentID, maxID)),
		may("NbOfTxs", r.number(&r.entry.Batch.Orders)),
		may("TtlAmt", r.amount(&sum.amount)),
		may("CdtDbtInd", r.debit(&sum.debit)),
	)
	transaction := r.transaction()

	return r.sequence(
		may("Btch", func() {
			r.entry.Batch, sum = Batch{}, signed{debit: r.entryAmount.debit}
			r.walk(&batch)

			r.entry.Batch.Sum = sum.cents()
			r.batched += r.entry.Batch.Orders
		}),
		many("TxDtls", func() { r.readDetail(&transaction) }),
	)
}

// transaction is the content of a detail.
func (r *reader) transaction() content {
	d := &r.detail
	references, amounts := r.references(), r.amounts()
	code, parties, agents := r.transactionCode(&d.Code), r.parties(), r.agents()
	remittance, returned := r.remittance(), r.returned()

	return r.sequence(
		may("Refs", r.within(&references)),
		may("Amt", r.amount(&r.detailAmount.own.amount)).from(v04|v08),
		may("CdtDbtInd", r.debit(&r.detailAmount.own.debit)).from(v04|v08),
		may("AmtDtls", r.within(&amounts)),
		skipped(all, "Avlbty"),
		may("BkTxCd", r.within(&code)),
		many("Chrgs", r.charges),
		skipped(all, "Intrst"),
		may("RltdPties", r.within(&parties)),
		may("RltdAgts", r.within(&agents)),
		may("LclInstrm", nil).from(v08),
		may("Purp", nil),
		skipped(all, "RltdRmtInf"),
		may("RmtInf", r.within(&remittance)),
		may("RltdDts", nil),
		may("RltdPric", nil),
		skipped(all, "RltdQties"),
		may("FinInstrmId", nil),
		may("Tax", nil),
		may("RtrInf", r.within(&returned)),
		may("CorpActn", nil),
		may("SfkpgAcct", nil),
		skipped(v04|v08, "CshDpst"),
		may("CardTx", nil).from(v04|v08),
		may("AddtlTxInf", r.text(&d.Info, maxInfo)),
		skipped(v04|v08, "SplmtryData"),
	)
}

func (r *reader) references() content {
	d := &r.detail

	return r.sequence(
		may("MsgId", r.text(&d.MessageID, maxID)),
		may("AcctSvcrRef", r.text(&d.BankReference, maxID)),
		may("PmtInfId", r.text(&d.PaymentID, maxID)),
		may("InstrId", r.text(&d.InstructionID, maxID)),
		may("EndToEndId", r.text(&d.EndToEndID, maxID)),
		may("UETR", nil).from(v08),
		may("TxId", r.text(&d.TransactionID, maxID)),
		may("MndtId", nil),
		may("ChqNb", nil),
		may("ClrSysRef", nil),
		may("AcctOwnrTxId", nil).from(v04|v08),
		may("AcctSvcrTxId", nil).from(v04|v08),
		may("MktInfrstrctrTxId", nil).from(v04|v08),
		may("PrcgId", nil).from(v04|v08),
		skipped(all, "Prtry"),
	)
}

func (r *reader) amounts() content {
	transaction := r.sequence(must("Amt", r.amount(&r.detailAmount.transaction)), may("CcyXchg", nil))
	instructed := r.sequence(must("Amt", r.foreign(&r.detailAmount.instructed)), may("CcyXchg", nil))

	return r.sequence(
		may("InstdAmt", r.within(&instructed)),
		may("TxAmt", r.within(&transaction)),
		may("CntrValAmt", nil),
		may("AnncdPstngAmt", nil),
		skipped(all, "PrtryAmt"),
	)
}

func (r *reader) parties() content {
	debtor, creditor := r.party(&r.detail.Debtor), r.party(&r.detail.Creditor)
	debtorAccount, creditorAccount := r.partyAccount(&r.detail.Debtor), r.partyAccount(&r.detail.Creditor)

	return r.lax(
		may("Dbtr", r.within(&debtor)),
		may("DbtrAcct", r.within(&debtorAccount)),
		may("Cdtr", r.within(&creditor)),
		may("CdtrAcct", r.within(&creditorAccount)),
	)
}

// party is somebody with a name, which newer versions have one element deeper.
func (r *reader) party(into *transfer.Party) content {
	named := r.lax(may("Nm", r.text(&into.Name, maxName)))
	if r.version.in != v08 {
		return named
	}

	return r.lax(may("Pty", r.within(&named)))
}

// partyAccount is the account of somebody else: what is no IBAN of SEPA is no fault of the statement.
func (r *reader) partyAccount(into *transfer.Party) content {
	identifier := r.lax(may("IBAN", r.text(&into.IBAN, maxAccount)))

	return r.lax(may("Id", r.within(&identifier)))
}

func (r *reader) agents() content {
	debtor, creditor := r.agent(&r.detail.Debtor), r.agent(&r.detail.Creditor)

	return r.lax(may("DbtrAgt", r.within(&debtor)), may("CdtrAgt", r.within(&creditor)))
}

func (r *reader) agent(into *transfer.Party) content {
	institution := r.lax(
		may("BIC", r.code(&into.BIC, maxBIC)).from(v02),
		may("BICFI", r.code(&into.BIC, maxBIC)).from(v04|v08),
	)

	return r.lax(may("FinInstnId", r.within(&institution)))
}

func (r *reader) remittance() content {
	reference := r.lax(may("Ref", r.text(&r.detail.Reference, maxID)))
	structured := r.lax(may("CdtrRefInf", r.within(&reference)))

	return r.sequence(
		many("Ustrd", r.joined(&r.detail.Remittance, maxName, MaxRemittance)),
		many("Strd", r.within(&structured)),
	)
}

// returned says why a transaction came back.
func (r *reader) returned() content {
	reason := r.choice(
		may("Cd", r.code(&r.detail.Reason, maxCode)),
		may("Prtry", r.code(&r.detail.Reason, maxID)),
	)

	return r.sequence(
		may("OrgnlBkTxCd", nil),
		may("Orgtr", nil),
		may("Rsn", r.within(&reason)),
		many("AddtlInf", r.joined(&r.detail.ReasonInfo, maxReasonInfo, MaxRemittance)),
	)
}
