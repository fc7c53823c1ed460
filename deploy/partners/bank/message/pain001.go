package message

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
)

// MaxBytes is the largest message of orders that the bank takes: ten thousand orders of a kilobyte and a half each have a
// quarter of it.
const MaxBytes = 64 << 20

// Orders is what a pain.001 asks for.
type Orders struct {
	Definition string // Pain001V03 or Pain001V09
	MessageID  string
	CreatedAt  string // as the message says it
	Count      int
	Sum        money.Cents
	Initiator  string
	Blocks     []Block
}

// Block is payments of one account on one day, a PmtInf.
type Block struct {
	ID           string
	BatchBooking bool
	DueDate      calendar.Date
	Debtor       Party
	Payments     []Payment
}

// Payment is one order.
type Payment struct {
	InstructionID  string
	EndToEndID     string
	Amount         money.Cents
	UltimateDebtor string
	Creditor       Party
	Info           string
}

// The codes of ISO 20022's ExternalStatusReason1Code by which the bank refuses a message.
const (
	CodeFormat       = "FF01" // it is not built as one
	CodeElement      = "CH16" // an element's content is not of its form
	CodeCount        = "AM18" // a number of orders is wrong
	CodeSum          = "AM10" // a sum is
	CodeCurrency     = "AM03" // an amount is not in euros
	CodeAmount       = "AM12" // an amount is none, or too large
	CodeDebtor       = "AC02" // the debtor's account is no IBAN, or none that the order may debit
	CodeCreditor     = "AC03" // the creditor's is none
	CodeBank         = "RC01" // a BIC is none
	CodeDate         = "DT01" // a day is none, or no business day
	CodeMessageAgain = "DU01" // a message of that identifier came before
	CodeBlockAgain   = "DU02" // two blocks of a message have the same identifier
	CodeOrderAgain   = "DU04" // two orders of a message have the same endToEndId
)

// RefusedError says why the bank takes nothing of a message. It repeats no value of the message.
type RefusedError struct {
	Code   string // of ISO 20022
	Line   int    // of the file, 0 where only the element is known
	Path   string // of the element, such as PmtInf[1]/CdtTrfTxInf[2]/Amt
	Reason string
}

// Error names the place and the reason.
func (r *RefusedError) Error() string {
	where := r.Path
	if r.Line > 0 {
		where = fmt.Sprintf("line %d: %s", r.Line, r.Path)
	}

	return fmt.Sprintf("%s: %s (%s)", where, r.Reason, r.Code)
}

// ReadPain001 reads a message of orders and judges it as a bank does: its structure, its counts and sums, identifiers,
// characters, amounts in euros, accounts, and days on which TARGET works. Whether the message came before, and whether the
// debtor may debit, its reader knows.
//
// The error is a *RefusedError, with which as much of Orders is given as tells which message it was, or that of the source.
func ReadPain001(source io.Reader) (Orders, error) {
	content, err := io.ReadAll(io.LimitReader(source, MaxBytes+1))
	if err != nil {
		return Orders{}, fmt.Errorf("read a pain.001: %w", err)
	}

	if len(content) > MaxBytes {
		return Orders{}, &RefusedError{
			Code: CodeFormat, Path: "Document", Reason: "is longer than " + strconv.Itoa(MaxBytes) + " bytes",
		}
	}

	known := definition(content)
	if known != Pain001V03 && known != Pain001V09 {
		return Orders{}, &RefusedError{Code: CodeFormat, Path: "Document", Reason: "is neither " + Pain001V03 + " nor " + Pain001V09}
	}

	if refused := checkStructure(content, known); refused != nil {
		return Orders{Definition: known}, refused
	}

	var read pain001
	if err := xml.NewDecoder(bytes.NewReader(content)).Decode(&read); err != nil {
		return Orders{Definition: known}, &RefusedError{Code: CodeFormat, Path: "Document", Reason: "cannot be read"}
	}

	j := judge{orders: Orders{Definition: known}, ids: map[string]bool{}}
	j.message(&read)

	if j.refused != nil {
		return j.orders, j.refused
	}

	return j.orders, nil
}

// pain001 is the message as encoding/xml reads it, its structure being sound. Texts are judged afterwards.
type pain001 struct {
	MessageID string   `xml:"CstmrCdtTrfInitn>GrpHdr>MsgId"`
	CreatedAt string   `xml:"CstmrCdtTrfInitn>GrpHdr>CreDtTm"`
	Count     string   `xml:"CstmrCdtTrfInitn>GrpHdr>NbOfTxs"`
	Sum       string   `xml:"CstmrCdtTrfInitn>GrpHdr>CtrlSum"`
	Initiator string   `xml:"CstmrCdtTrfInitn>GrpHdr>InitgPty>Nm"`
	Blocks    []pmtInf `xml:"CstmrCdtTrfInitn>PmtInf"`
}

type pmtInf struct {
	ID           string        `xml:"PmtInfId"`
	Method       string        `xml:"PmtMtd"`
	BatchBooking string        `xml:"BtchBookg"`
	Count        string        `xml:"NbOfTxs"`
	Sum          string        `xml:"CtrlSum"`
	Service      string        `xml:"PmtTpInf>SvcLvl>Cd"`
	Date         day           `xml:"ReqdExctnDt"`
	Debtor       string        `xml:"Dbtr>Nm"`
	Country      string        `xml:"Dbtr>PstlAdr>Ctry"`
	IBAN         string        `xml:"DbtrAcct>Id>IBAN"`
	Currency     string        `xml:"DbtrAcct>Ccy"`
	Agent        agent         `xml:"DbtrAgt>FinInstnId"`
	Ultimate     string        `xml:"UltmtDbtr>Nm"`
	Charges      string        `xml:"ChrgBr"`
	Payments     []cdtTrfTxInf `xml:"CdtTrfTxInf"`
}

type cdtTrfTxInf struct {
	InstructionID string `xml:"PmtId>InstrId"`
	EndToEndID    string `xml:"PmtId>EndToEndId"`
	Service       string `xml:"PmtTpInf>SvcLvl>Cd"`
	Amount        struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	} `xml:"Amt>InstdAmt"`
	Charges  string `xml:"ChrgBr"`
	Ultimate string `xml:"UltmtDbtr>Nm"`
	Agent    agent  `xml:"CdtrAgt>FinInstnId"`
	Creditor string `xml:"Cdtr>Nm"`
	Country  string `xml:"Cdtr>PstlAdr>Ctry"`
	IBAN     string `xml:"CdtrAcct>Id>IBAN"`
	Info     string `xml:"RmtInf>Ustrd"`
}

// day has it as the element's text in one version, and chosen among its forms in the other.
type day struct {
	Text   string `xml:",chardata"`
	Chosen string `xml:"Dt"`
}

// agent has the name of a bank in either version.
type agent struct {
	BIC   string `xml:"BIC"`
	BICFI string `xml:"BICFI"`
}

// judge reads what the texts of a message say, and keeps the first thing that is wrong.
type judge struct {
	orders  Orders
	ids     map[string]bool // endToEndIds
	path    string          // of the block or the payment
	refused *RefusedError
}

func (j *judge) unless(good bool, code, element, reason string) {
	if !good && j.refused == nil {
		j.refused = &RefusedError{Code: code, Path: strings.TrimPrefix(j.path+"/"+element, "/"), Reason: reason}
	}
}

const (
	maxName       = 70  // of a party, in characters: SEPA's
	maxRemittance = 140 // of a remittance information: SEPA's
)

// maxAmount is the largest of one SEPA transfer.
const maxAmount money.Cents = 99_999_999_999

var (
	// sepaText has the characters that every bank of SEPA passes on.
	sepaText     = regexp.MustCompile(`^[a-zA-Z0-9/\-?:().,'+ ]+$`)
	bicShape     = regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
	amountShape  = regexp.MustCompile(`^\d{1,16}(\.\d{1,2})?$`)
	countShape   = regexp.MustCompile(`^\d{1,15}$`)
	countryShape = regexp.MustCompile(`^[A-Z]{2}$`)
)

func (j *judge) message(read *pain001) {
	j.orders.MessageID, j.orders.CreatedAt, j.orders.Initiator = read.MessageID, read.CreatedAt, read.Initiator

	j.path = "GrpHdr"
	j.identifier("MsgId", read.MessageID)
	j.unless(isMoment(read.CreatedAt), CodeDate, "CreDtTm", "is no moment")
	j.optional("InitgPty/Nm", read.Initiator, maxName)

	blocks := map[string]bool{}

	for i := range read.Blocks {
		j.path = fmt.Sprintf("PmtInf[%d]", i+1)
		j.unless(!blocks[read.Blocks[i].ID], CodeBlockAgain, "PmtInfId", "is that of another block")
		blocks[read.Blocks[i].ID] = true

		block := j.block(&read.Blocks[i])
		j.orders.Blocks = append(j.orders.Blocks, block)
	}

	j.path = "GrpHdr"
	j.total(read.Count, read.Sum, j.orders.Count, j.orders.Sum)
}

// total holds what a header says against what it heads.
func (j *judge) total(saidCount, saidSum string, count int, sum money.Cents) {
	number, err := strconv.Atoi(saidCount)
	j.unless(countShape.MatchString(saidCount) && err == nil && number == count, CodeCount, "NbOfTxs",
		"is not the number of orders, "+strconv.Itoa(count))

	said, err := money.Parse(saidSum)
	j.unless(amountShape.MatchString(saidSum) && err == nil && said == sum, CodeSum, "CtrlSum",
		"is not the sum of the orders, "+sum.String())
}

func (j *judge) block(read *pmtInf) Block {
	block := Block{
		ID: read.ID, BatchBooking: read.BatchBooking == "true" || read.BatchBooking == "1",
		Debtor: Party{Name: read.Debtor, BIC: read.Agent.BIC + read.Agent.BICFI, IBAN: read.IBAN},
	}

	j.identifier("PmtInfId", read.ID)
	j.unless(read.Method == "TRF", CodeElement, "PmtMtd", "is not TRF")
	j.unless(block.BatchBooking || read.BatchBooking == "" || read.BatchBooking == "false" || read.BatchBooking == "0", CodeElement,
		"BtchBookg", "is neither true nor false")
	j.text("Dbtr/Nm", read.Debtor, maxName)
	j.country("Dbtr/PstlAdr/Ctry", read.Country)
	j.unless(iban.Check(read.IBAN) == nil, CodeDebtor, "DbtrAcct/Id/IBAN", "is no IBAN")
	j.unless(read.Currency == "" || read.Currency == money.Currency, CodeCurrency, "DbtrAcct/Ccy", "is not "+money.Currency)
	j.bic("DbtrAgt/FinInstnId", block.Debtor.BIC)
	j.optional("UltmtDbtr/Nm", read.Ultimate, maxName)

	block.DueDate = j.date(strings.TrimSpace(read.Date.Text) + read.Date.Chosen)

	var sum money.Cents

	at := j.path

	for i := range read.Payments {
		j.path = fmt.Sprintf("%s/CdtTrfTxInf[%d]", at, i+1)
		payment := j.payment(&read.Payments[i], read)
		sum = j.add(sum, payment.Amount)
		block.Payments = append(block.Payments, payment)
	}

	j.path = at
	if read.Count != "" || read.Sum != "" {
		j.total(read.Count, read.Sum, len(block.Payments), sum)
	}

	j.orders.Count += len(block.Payments)
	j.orders.Sum = j.add(j.orders.Sum, sum)

	return block
}

func (j *judge) add(sum, amount money.Cents) money.Cents {
	sum, err := sum.Add(amount)
	j.unless(err == nil, CodeSum, "Amt/InstdAmt", "brings the sum beyond "+money.Max.String())

	return sum
}

func (j *judge) payment(read *cdtTrfTxInf, block *pmtInf) Payment {
	payment := Payment{
		InstructionID: read.InstructionID, EndToEndID: read.EndToEndID, UltimateDebtor: read.Ultimate + block.Ultimate,
		Creditor: Party{Name: read.Creditor, BIC: read.Agent.BIC + read.Agent.BICFI, IBAN: read.IBAN}, Info: read.Info,
	}

	if read.InstructionID != "" {
		j.identifier("PmtId/InstrId", read.InstructionID)
	}

	j.identifier("PmtId/EndToEndId", read.EndToEndID)
	j.unless(!j.ids[read.EndToEndID], CodeOrderAgain, "PmtId/EndToEndId", "is that of another order")
	j.ids[read.EndToEndID] = true

	j.once("PmtTpInf/SvcLvl/Cd", read.Service, block.Service, "SEPA", true)
	j.once("ChrgBr", read.Charges, block.Charges, "SLEV", false)
	j.unless(read.Ultimate == "" || block.Ultimate == "", CodeElement, "UltmtDbtr", "is said by the block too")

	payment.Amount = j.amount(read.Amount.Value, read.Amount.Currency)

	j.optional("UltmtDbtr/Nm", read.Ultimate, maxName)
	j.bic("CdtrAgt/FinInstnId", payment.Creditor.BIC)
	j.text("Cdtr/Nm", read.Creditor, maxName)
	j.country("Cdtr/PstlAdr/Ctry", read.Country)
	j.unless(iban.Check(read.IBAN) == nil, CodeCreditor, "CdtrAcct/Id/IBAN", "is no IBAN")
	j.optional("RmtInf/Ustrd", read.Info, maxRemittance)

	return payment
}

// once wants an element in the order or in its block, not in both.
func (j *judge) once(element, order, block, want string, needed bool) {
	j.unless(order == "" || block == "", CodeElement, element, "is said by the block too")

	if said := order + block; said != "" || needed {
		j.unless(said == want, CodeElement, element, "is not "+want)
	}
}

func (j *judge) amount(value, currency string) money.Cents {
	j.unless(currency == money.Currency, CodeCurrency, "Amt/InstdAmt", "is not in "+money.Currency)

	amount, err := money.Parse(value)
	j.unless(amountShape.MatchString(value) && err == nil, CodeAmount, "Amt/InstdAmt", "is no amount with two decimal places at most")
	j.unless(amount > 0 && amount <= maxAmount, CodeAmount, "Amt/InstdAmt", "is not from 0.01 to "+maxAmount.String())

	return amount
}

func (j *judge) date(text string) calendar.Date {
	date, err := calendar.ParseDate(text)
	j.unless(err == nil, CodeDate, "ReqdExctnDt", "is no day")
	j.unless(err != nil || calendar.Target{}.IsBusinessDay(date), CodeDate, "ReqdExctnDt", "is no day on which TARGET works")

	return date
}

// identifier wants one that every bank of SEPA passes on.
func (j *judge) identifier(element, value string) {
	j.text(element, value, MaxID)
	j.unless(!strings.HasPrefix(value, "/") && !strings.HasSuffix(value, "/") && !strings.Contains(value, "//"), CodeElement, element,
		"begins or ends with a slash, or holds two in a row")
}

func (j *judge) text(element, value string, length int) {
	j.unless(sepaText.MatchString(value) && len(value) <= length && strings.TrimSpace(value) != "", CodeElement, element,
		"must be 1 to "+strconv.Itoa(length)+" characters that SEPA knows")
}

func (j *judge) optional(element, value string, length int) {
	if value != "" {
		j.text(element, value, length)
	}
}

func (j *judge) bic(element, value string) {
	j.unless(value == "" || bicShape.MatchString(value), CodeBank, element, "is no BIC")
}

func (j *judge) country(element, value string) {
	j.unless(value == "" || countryShape.MatchString(value), CodeElement, element, "is no country")
}

func isMoment(text string) bool {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if _, err := time.Parse(layout, text); err == nil {
			return true
		}
	}

	return false
}
