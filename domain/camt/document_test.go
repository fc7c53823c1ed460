package camt_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/money"
)

const account = "FR7630006000011234567890189"

// message is what the tests write: statements of one version, as a bank would.
type message struct {
	definition string
	prefix     string // of the namespace, with its colon
	statements []camt.Statement
	entries    [][]camt.Entry
	summary    bool // the totals are told
}

func (m *message) old() bool { return strings.HasSuffix(m.definition, "02") }

func (m *message) new() bool { return strings.HasSuffix(m.definition, "08") }

func (m *message) notifies() bool { return strings.HasPrefix(m.definition, "camt.054") }

// el writes an element with what it holds, and nothing for nothing.
func el(name string, inner ...string) string {
	text := strings.Join(inner, "")
	if text == "" {
		return ""
	}

	return "<" + name + ">" + text + "</" + name + ">"
}

func esc(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func amt(name string, cents money.Cents) string {
	return "<" + name + ` Ccy="EUR">` + cents.Abs().String() + "</" + name + ">"
}

func dir(cents money.Cents) string {
	if cents < 0 {
		return el("CdtDbtInd", "DBIT")
	}

	return el("CdtDbtInd", "CRDT")
}

func at(name string, instant time.Time) string {
	if instant.IsZero() {
		return ""
	}

	return el(name, instant.Format("2006-01-02T15:04:05.000Z07:00"))
}

func number(name string, value int64) string {
	if value == 0 {
		return ""
	}

	return el(name, strconv.FormatInt(value, 10))
}

func (m *message) write() string {
	root, report := "BkToCstmrStmt", "Stmt"
	if m.notifies() {
		root, report = "BkToCstmrDbtCdtNtfctn", "Ntfctn"
	}

	var body strings.Builder

	body.WriteString(el("GrpHdr", el("MsgId", "MSG-1"), el("CreDtTm", "2026-03-02T04:05:06+01:00"),
		el("MsgPgntn", el("PgNb", "1"), el("LastPgInd", "true"))) + "\n")

	for i := range m.statements {
		body.WriteString(el(report, m.writeStatement(&m.statements[i], m.entries[i])) + "\n")
	}

	text := el(root, body.String())
	if m.prefix != "" {
		text = strings.NewReplacer("</", "</"+m.prefix, "<", "<"+m.prefix).Replace(text)
	}

	xmlns := "xmlns"
	if m.prefix != "" {
		xmlns += ":" + strings.TrimSuffix(m.prefix, ":")
	}

	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + m.prefix + "Document " + xmlns +
		`="urn:iso:std:iso:20022:tech:xsd:` + m.definition + `">` + text + "</" + m.prefix + "Document>\n"
}

func (m *message) writeStatement(s *camt.Statement, entries []camt.Entry) string {
	period := ""
	if !s.From.IsZero() {
		period = el("FrToDt", at("FrDtTm", s.From), at("ToDtTm", s.To))
	}

	id := el("IBAN", s.IBAN)
	if s.IBAN == "" {
		id = el("Othr", el("Id", s.Account))
	}

	var text strings.Builder

	text.WriteString(el("Id", s.ID) + number("ElctrncSeqNb", s.Number) + number("LglSeqNb", s.LegalNumber) + at("CreDtTm", s.CreatedAt) +
		period + el("CpyDplctInd", s.Copy) + el("Acct", el("Id", id), el("Ccy", s.Currency)))

	for _, balance := range s.Balances {
		kind := el("Cd", balance.Code)
		if len(balance.Code) > 4 {
			kind = el("Prtry", balance.Code)
		}

		text.WriteString("\n" + el("Bal", el("Tp", el("CdOrPrtry", kind)), amt("Amt", balance.Amount), dir(balance.Amount),
			el("Dt", el("Dt", balance.Date.String()))))
	}

	if m.summary {
		text.WriteString(m.writeSummary(entries))
	}

	for i := range entries {
		text.WriteString("\n" + m.writeEntry(&entries[i]))
	}

	return text.String()
}

func (m *message) writeSummary(entries []camt.Entry) string {
	var (
		counts [2]int
		sums   [2]money.Cents
	)

	for i := range entries {
		side := 0
		if entries[i].Amount < 0 {
			side = 1
		}

		counts[side]++
		sums[side] += entries[i].Amount.Abs()
	}

	net := sums[0] - sums[1]

	told := el("TtlNetNtry", el("Amt", net.Abs().String()), dir(net))
	if m.old() {
		told = el("TtlNetNtryAmt", net.Abs().String()) + dir(net)
	}

	side := func(name string, i int) string {
		return el(name, el("NbOfNtries", strconv.Itoa(counts[i])), el("Sum", sums[i].String()+"000"))
	}

	return el("TxsSummry", el("TtlNtries", el("NbOfNtries", strconv.Itoa(counts[0]+counts[1])), el("Sum", (sums[0]+sums[1]).String()), told),
		side("TtlCdtNtries", 0), side("TtlDbtNtries", 1))
}

func day(name string, on fmt.Stringer, instant time.Time) string {
	if !instant.IsZero() {
		return el(name, at("DtTm", instant))
	}

	return el(name, el("Dt", on.String()))
}

func code(c camt.Code) string {
	domain := ""
	if c.Domain != "" {
		domain = el("Domn", el("Cd", c.Domain), el("Fmly", el("Cd", c.Family), el("SubFmlyCd", c.SubFamily)))
	}

	return domain + el("Prtry", el("Cd", c.Proprietary))
}

func (m *message) writeEntry(e *camt.Entry) string {
	status := string(e.Status)
	if m.new() {
		status = el("Cd", status)
	}

	details := ""

	if len(e.Details) > 0 {
		batch := ""
		if e.Batch != (camt.Batch{}) {
			batch = el("Btch", el("MsgId", e.Batch.MessageID), el("PmtInfId", e.Batch.PaymentID), number("NbOfTxs", e.Batch.Orders),
				amt("TtlAmt", e.Batch.Sum), dir(e.Batch.Sum))
		}

		var text strings.Builder

		for i := range e.Details {
			text.WriteString(m.writeDetail(&e.Details[i]))
		}

		details = el("NtryDtls", batch, text.String())
	}

	return el("Ntry", el("NtryRef", e.Reference), amt("Amt", e.Amount), dir(e.Amount), el("RvslInd", strconv.FormatBool(e.Reversal)), el("Sts", status),
		day("BookgDt", e.BookedOn, e.BookedAt), day("ValDt", e.ValueOn, e.ValueAt), el("AcctSvcrRef", e.BankReference),
		el("BkTxCd", code(e.Code)), details, el("AddtlNtryInf", esc(e.Info)))
}

func (m *message) writeDetail(d *camt.Detail) string {
	amount := amt("Amt", d.Amount) + dir(d.Amount)
	if m.old() {
		amount = el("AmtDtls", `<InstdAmt><Amt Ccy="USD">1.2345</Amt></InstdAmt>`, el("TxAmt", amt("Amt", d.Amount)))
	}

	party := func(name, text string) string {
		if m.new() {
			return el(name, el("Pty", el("Nm", esc(text))))
		}

		return el(name, el("Nm", esc(text)))
	}
	bic := "BICFI"

	if m.old() {
		bic = "BIC"
	}

	return el("TxDtls",
		el("Refs", el("MsgId", d.MessageID), el("AcctSvcrRef", d.BankReference), el("PmtInfId", d.PaymentID), el("InstrId", d.InstructionID),
			el("EndToEndId", d.EndToEndID), el("TxId", d.TransactionID)),
		amount, el("BkTxCd", code(d.Code)),
		el("RltdPties", party("Dbtr", d.Debtor.Name), el("DbtrAcct", el("Id", el("IBAN", d.Debtor.IBAN))),
			party("Cdtr", d.Creditor.Name), el("CdtrAcct", el("Id", el("IBAN", d.Creditor.IBAN)))),
		el("RltdAgts", el("DbtrAgt", el("FinInstnId", el(bic, d.Debtor.BIC))), el("CdtrAgt", el("FinInstnId", el(bic, d.Creditor.BIC)))),
		el("RmtInf", el("Ustrd", esc(d.Remittance)), el("Strd", el("CdtrRefInf", el("Ref", d.Reference)))),
		el("RtrInf", el("Rsn", el("Cd", d.Reason)), el("AddtlInf", esc(d.ReasonInfo))),
		el("AddtlTxInf", esc(d.Info)))
}
