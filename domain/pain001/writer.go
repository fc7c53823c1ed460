package pain001

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sepa"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	// chunk is how many bytes are written at once: a hundred orders.
	chunk = 64 << 10
	// spare is room for one more record, so that the buffer does not grow: a record of all elements has 1,100 bytes.
	spare = 2 << 10

	instant    = "2006-01-02T15:04:05-07:00"
	noAgent    = "<Othr><Id>" + iso20022.NotProvided + "</Id></Othr>" // how SEPA says that a debtor's BIC is left out
	suffixSize = 3
)

// Writer writes one file. It is not for concurrent use. After an error the file is to be thrown away: every later call
// gives that error again.
type Writer struct {
	destination io.Writer
	digest      hash.Hash
	buffer      []byte
	written     int64 // bytes, without those of buffer
	line        int

	format  Format
	dialect dialect
	message Message
	blockID string
	block   Block // the one that is open, if blocks is above zero

	blocks             int
	orders, blockOrder int // in the file, in the block
	sum, blockSum      money.Cents
	ids                map[identifier]struct{}
	replaced           sepa.Report
	err                error
}

// identifier is an EndToEndId, filled up with NUL, which none of them holds.
type identifier [sepa.MaxReference]byte

// dialect is what the versions write otherwise.
type dialect struct{ bic, bicEnd, date, dateEnd string }

func (v Version) dialect() dialect {
	if v == V03 {
		return dialect{bic: "<BIC>", bicEnd: "</BIC>"}
	}

	return dialect{bic: "<BICFI>", bicEnd: "</BICFI>", date: "<Dt>", dateEnd: "</Dt>"}
}

// NewWriter begins a file. Bytes reach the destination some 64 KiB at a time, so that its errors come late. The error is a
// [*fault.Fault] that names the element, and never repeats a name, an IBAN or a BIC.
func NewWriter(destination io.Writer, format Format, message Message) (*Writer, error) {
	w := &Writer{
		destination: destination, digest: sha256.New(), buffer: make([]byte, 0, chunk+spare),
		format: format, dialect: format.Version.dialect(), message: message,
	}
	if found := message.check(format); found != nil {
		return nil, w.refuse(found)
	}

	w.ids = make(map[identifier]struct{}, message.Orders)
	w.add(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	w.add(`<Document xmlns="` + iso20022.Namespace + string(format.Version) + `"><CstmrCdtTrfInitn>` + "\n")
	w.add("<GrpHdr><MsgId>" + message.ID + "</MsgId><CreDtTm>")
	w.buffer = message.CreatedAt.In(calendar.Paris()).AppendFormat(w.buffer, instant)
	w.add("</CreDtTm>")
	w.totals(message.Orders, message.Sum)
	w.add("<InitgPty><Nm>")
	w.text(elementInitiator, "", message.Initiator, sepa.MaxName)
	w.add("</Nm></InitgPty></GrpHdr>\n")

	const lines = 3
	w.line = lines + 1

	return w, nil
}

// Begin begins a block, and ends the one before, whose orders must be as many and as much as was said. The error is that
// of [NewWriter], or of the destination.
func (w *Writer) Begin(block Block) error {
	if w.err != nil {
		return w.err
	}

	if found := w.endBlock(); found != nil {
		return w.refuse(found)
	}

	if found := w.checkBlock(&block); found != nil {
		found.Reason = "of block " + strconv.Itoa(w.blocks+1) + " " + found.Reason

		return w.refuse(found)
	}

	w.beginBlock(block)

	return w.flush(chunk)
}

// Write writes one order of the block, on one line. The error is that of Begin; it names the order by its number in the
// file and its EndToEndId.
func (w *Writer) Write(payment transfer.Payment) error {
	if w.err != nil {
		return w.err
	}

	found := checkOrder(&payment)
	if found == nil {
		found = w.checkInBlock(&payment)
	}

	if found != nil {
		found.Reason = w.named(&payment) + found.Reason

		return w.refuse(found)
	}

	w.order(&payment)

	return w.flush(chunk)
}

// Line gives the line of the file on which the next order will stand, from 1: each order has a line of its own, so that
// whoever refuses a line of the file has refused that order.
func (w *Writer) Line() int { return w.line }

// Close ends the file, whose orders must be as many and as much as was said. It does not close the destination. The errors
// are those of Begin. Whatever is written afterwards gives ErrEnded.
func (w *Writer) Close() (Summary, error) {
	if w.err != nil {
		return Summary{}, w.err
	}

	found := w.endBlock()
	if found == nil {
		found = checkTotals("the file", w.orders, w.message.Orders, w.sum, w.message.Sum)
	}

	if found != nil {
		return Summary{}, w.refuse(found)
	}

	w.add("</CstmrCdtTrfInitn></Document>\n")

	if err := w.flush(1); err != nil {
		return Summary{}, err
	}

	w.err = ErrEnded
	summary := Summary{Orders: w.orders, Blocks: w.blocks, Sum: w.sum, Bytes: w.written, Replaced: w.replaced}
	w.digest.Sum(summary.SHA256[:0])

	return summary, nil
}

// endBlock ends the block that is open, if any.
func (w *Writer) endBlock() *fault.Fault {
	if w.blocks == 0 {
		return nil
	}

	w.add("</PmtInf>\n")
	w.line++

	return checkTotals("block "+strconv.Itoa(w.blocks), w.blockOrder, w.block.Orders, w.blockSum, w.block.Sum)
}

func checkTotals(of string, orders, saidOrders int, sum, saidSum money.Cents) *fault.Fault {
	if orders != saidOrders {
		return refusal(elementOrders, fault.CodeTrailerCount,
			"of "+of+" says "+strconv.Itoa(saidOrders)+" orders, and "+strconv.Itoa(orders)+" were given"+writeAgain)
	}

	if sum != saidSum {
		return refusal(elementSum, fault.CodeTrailerSum,
			"of "+of+" says "+saidSum.String()+" EUR, and the orders come to "+sum.String()+writeAgain)
	}

	return nil
}

// checkBlock also settles whom the block debits.
func (w *Writer) checkBlock(block *Block) *fault.Fault {
	switch {
	case w.blocks == MaxBlocks:
		return refusal(elementBlock, fault.CodeTooManyLines, "is beyond "+strconv.Itoa(MaxBlocks)+" blocks"+divide)
	case w.blocks > 0 && w.format.OneBlock:
		return refusal(elementBlock, fault.CodeTooManyLines, "is beyond the one that the bank wants: write a file for each account and day")
	case w.blocks > 0 && len(w.message.ID)+suffixSize > sepa.MaxReference:
		return refusal(elementBlockID, fault.CodeTooLong, "would have more than 35 characters: take a "+elementMessageID+" of 32")
	case block.Orders > w.message.Orders-w.orders:
		return refusal(elementOrders, fault.CodeTrailerCount,
			"brings the orders beyond the "+strconv.Itoa(w.message.Orders)+" of the file"+writeAgain)
	}

	found := block.check()

	switch {
	case found != nil:
		return found
	case !w.format.OneBlock:
		return checkParty(elementDebtor, &block.Debtor, correctDebtor)
	case block.Debtor.IBAN != "" && block.Debtor.IBAN != w.message.Account.IBAN:
		return refusal(elementDebtor+account, fault.CodeIBAN, "must be the account of the message: leave the debtor of the block out")
	default:
		block.Debtor = w.message.Account

		return nil
	}
}

func (w *Writer) beginBlock(block Block) {
	w.blockID = w.message.ID + suffix(w.blocks)
	w.blocks++
	w.block, w.blockOrder, w.blockSum = block, 0, 0

	w.add("<PmtInf><PmtInfId>" + w.blockID + "</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>")
	w.buffer = strconv.AppendBool(w.buffer, w.format.BatchBooking)
	w.add("</BtchBookg>")
	w.totals(block.Orders, block.Sum)
	w.add("<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf><ReqdExctnDt>" + w.dialect.date)
	w.buffer = block.DueDate.Append(w.buffer)
	w.add(w.dialect.dateEnd + "</ReqdExctnDt><Dbtr><Nm>")
	w.text(elementDebtor+name, "", block.Debtor.Name, sepa.MaxName)
	w.add("</Nm></Dbtr><DbtrAcct><Id><IBAN>" + block.Debtor.IBAN + "</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId>")

	if written(block.Debtor.BIC, w.format.Version) {
		w.add(w.dialect.bic + block.Debtor.BIC + w.dialect.bicEnd)
	} else {
		w.add(noAgent)
	}

	w.add("</FinInstnId></DbtrAgt><ChrgBr>SLEV</ChrgBr>\n")
	w.line++
}

// suffix tells the blocks of a file apart: nothing for the first one.
func suffix(block int) string {
	if block == 0 {
		return ""
	}

	digits := strconv.FormatInt(int64(block), base36)

	return "000"[len(digits):] + digits
}

// checkInBlock holds an order against its block and its file, and notes its identifier.
func (w *Writer) checkInBlock(payment *transfer.Payment) *fault.Fault {
	if w.blockOrder == w.block.Orders {
		return refusal(elementOrders, fault.CodeTrailerCount,
			"is beyond the "+strconv.Itoa(w.block.Orders)+" orders of its block"+writeAgain)
	}

	if w.format.OneBlock && blank(payment.Debtor.Name) {
		return refusal(elementUltimateDebtor+name, fault.CodeMissing, "must be filled"+correctOrder)
	}

	if !w.format.OneBlock && payment.Debtor.IBAN != w.block.Debtor.IBAN {
		return refusal(elementDebtor+account, fault.CodeIBAN, "is not the account that its block debits: begin a block for it")
	}

	var id identifier
	copy(id[:], payment.EndToEndID)

	if _, known := w.ids[id]; known {
		return refusal(elementEndToEndID, fault.CodeDuplicate, "stands in the file already: take one of the two orders out")
	}

	w.ids[id] = struct{}{}

	return nil
}

// order writes an order that was checked. Nothing that it writes has a meaning in XML: texts are transliterated, and the
// checks of references, IBANs and BICs let letters, digits and harmless signs through.
func (w *Writer) order(payment *transfer.Payment) {
	w.add("<CdtTrfTxInf><PmtId><EndToEndId>")
	w.add(payment.EndToEndID)
	w.add(`</EndToEndId></PmtId><Amt><InstdAmt Ccy="` + money.Currency + `">`)
	w.buffer = payment.Amount.Append(w.buffer)
	w.add("</InstdAmt></Amt>")

	if w.format.OneBlock && payment.Debtor.Name != w.block.Debtor.Name {
		w.add("<UltmtDbtr><Nm>")
		w.text(elementUltimateDebtor+name, payment.EndToEndID, payment.Debtor.Name, sepa.MaxName)
		w.add("</Nm></UltmtDbtr>")
	}

	if written(payment.Creditor.BIC, w.format.Version) {
		w.add("<CdtrAgt><FinInstnId>")
		w.add(w.dialect.bic)
		w.add(payment.Creditor.BIC)
		w.add(w.dialect.bicEnd)
		w.add("</FinInstnId></CdtrAgt>")
	}

	w.add("<Cdtr><Nm>")
	w.text(elementCreditor+name, payment.EndToEndID, payment.Creditor.Name, sepa.MaxName)
	w.add("</Nm></Cdtr><CdtrAcct><Id><IBAN>")
	w.add(payment.Creditor.IBAN)
	w.add("</IBAN></Id></CdtrAcct>")

	if !blank(payment.Info) {
		w.add("<RmtInf><Ustrd>")
		w.text(elementRemittance, payment.EndToEndID, payment.Info, sepa.MaxRemittance)
		w.add("</Ustrd></RmtInf>")
	}

	w.add("</CdtTrfTxInf>\n")

	w.line++
	w.orders++
	w.blockOrder++
	w.sum += payment.Amount // MaxOrders of sepa.MaxAmount do not wrap an int64; beyond what was said, it is refused
	w.blockSum += payment.Amount
}

// named names an order to who has to find it.
func (w *Writer) named(payment *transfer.Payment) string {
	named := "of order " + strconv.Itoa(w.orders+1)
	// What is no reference, or an IBAN, may name somebody.
	if sepa.CheckReference(payment.EndToEndID) == nil && iban.Check(payment.EndToEndID) != nil {
		named += ", EndToEndId " + payment.EndToEndID + ","
	}

	return named + " "
}

func (w *Writer) totals(orders int, sum money.Cents) {
	w.add("<NbOfTxs>")
	w.buffer = strconv.AppendInt(w.buffer, int64(orders), 10)
	w.add("</NbOfTxs><CtrlSum>")
	w.buffer = sum.Append(w.buffer)
	w.add("</CtrlSum>")
}

func (w *Writer) add(text string) { w.buffer = append(w.buffer, text...) }

func (w *Writer) text(element, endToEndID, text string, limit int) {
	var change sepa.Change

	w.buffer, change = sepa.Append(w.buffer, text, limit)
	w.replaced.Add(endToEndID, element, change)
}

// flush hands over what has gathered, if it is at least that many bytes.
func (w *Writer) flush(atLeast int) error {
	if len(w.buffer) < atLeast {
		return nil
	}

	w.digest.Write(w.buffer)
	w.written += int64(len(w.buffer))

	if _, err := w.destination.Write(w.buffer); err != nil {
		w.err = fmt.Errorf("write %s: %w", w.message.ID, err)
	}

	w.buffer = w.buffer[:0]

	return w.err
}

func (w *Writer) refuse(found *fault.Fault) error {
	found.File, found.Line = fault.Printable([]byte(w.message.ID)), w.line
	w.err = found

	return found
}
