package cfonb

import (
	"crypto/sha256"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	name240   = "CFONB 240"
	length240 = 240

	euroSign = "E" // of the euro, where one column has the currency
)

// Operation says what the details of an advice are: of the three below the direction in which the money goes follows, and
// which of a detail's two holders is the payer. Others are kept as they are.
type Operation string

// The operations on transfers.
const (
	TransferReceived Operation = "05"
	TransferIssued   Operation = "06"
	TransferRejected Operation = "12" // one of ours that came back
)

// Holder is an account and whom it belongs to. Each part is empty where the bank leaves it out.
type Holder struct {
	Account Account
	Name    string // at most 24 characters
}

// Advice is what the records 31 and 39 around details of one operation say.
type Advice struct {
	Line      int // of its first record in the file, from 1
	Operation Operation
	SettledOn calendar.Date
	First     Holder // columns 22 to 66
	Second    Holder // columns 78 to 122
	// Description is what the bank says of them all, at most 88 characters.
	Description string
	Details     int         // how many there are, so far
	Sum         money.Cents // of the details, so far
}

// Detail is a record 34.
type Detail struct {
	Line              int // in the file, from 1
	SettledOn         calendar.Date
	First             Holder        // columns 22 to 66
	Second            Holder        // columns 78 to 122
	Reference         string        // at most 6 characters
	Description       string        // at most 88 characters
	OriginalOn        calendar.Date // day of the operation that this one answers, or no date
	OriginalReference string        // of that operation, at most 6 characters
	Amount            money.Cents
}

// adviceHead, adviceDetail and adviceTotal are the records 31, 34 and, with a sub-total or the total, 36 and 39.
type (
	adviceHead struct {
		Advice

		operation string
	}

	adviceDetail struct {
		Detail

		operation string
	}

	adviceTotal struct {
		operation string
		account   Account
		sum       money.Cents
	}
)

// The types of records.
const (
	head240     = "31"
	detail240   = "34"
	subtotal240 = "36"
	total240    = "39"
)

// Where the fields of the records stand.
//
//nolint:gochecknoglobals // constants
var (
	adviceHeadLayout = layout[adviceHead]{
		fixed[adviceHead](fieldRecord, 1, 2, head240, fault.CodeRecord),
		textField(fieldOperation, 9, 10, kindCode, func(r *adviceHead) *string { return &r.operation }),
		dateField("date", 11, 16, kindDate, func(r *adviceHead) *calendar.Date { return &r.SettledOn }),
		fixed[adviceHead](fieldCurrency, 17, 17, euroSign, fault.CodeCurrency).orBlank(),
		textField("bank", 22, 26, kindDigits, func(r *adviceHead) *string { return &r.First.Account.Bank }).orBlank(),
		textField("branch", 27, 31, kindDigits, func(r *adviceHead) *string { return &r.First.Account.Branch }).orBlank(),
		textField("account", 32, 42, kindAccount, func(r *adviceHead) *string { return &r.First.Account.Number }).orBlank(),
		textField("name", 43, 66, kindText, func(r *adviceHead) *string { return &r.First.Name }),
		textField("bank2", 78, 82, kindDigits, func(r *adviceHead) *string { return &r.Second.Account.Bank }).orBlank(),
		textField("branch2", 83, 87, kindDigits, func(r *adviceHead) *string { return &r.Second.Account.Branch }).orBlank(),
		textField("account2", 88, 98, kindAccount, func(r *adviceHead) *string { return &r.Second.Account.Number }).orBlank(),
		textField("name2", 99, 122, kindText, func(r *adviceHead) *string { return &r.Second.Name }),
		textField("description", 129, 216, kindText, func(r *adviceHead) *string { return &r.Description }),
	}

	adviceDetailLayout = layout[adviceDetail]{
		fixed[adviceDetail](fieldRecord, 1, 2, detail240, fault.CodeRecord),
		textField(fieldOperation, 9, 10, kindCode, func(r *adviceDetail) *string { return &r.operation }),
		dateField("date", 11, 16, kindDate, func(r *adviceDetail) *calendar.Date { return &r.SettledOn }),
		fixed[adviceDetail](fieldCurrency, 17, 17, euroSign, fault.CodeCurrency).orBlank(),
		textField("bank", 22, 26, kindDigits, func(r *adviceDetail) *string { return &r.First.Account.Bank }).orBlank(),
		textField("branch", 27, 31, kindDigits, func(r *adviceDetail) *string { return &r.First.Account.Branch }).orBlank(),
		textField("account", 32, 42, kindAccount, func(r *adviceDetail) *string { return &r.First.Account.Number }).orBlank(),
		textField("name", 43, 66, kindText, func(r *adviceDetail) *string { return &r.First.Name }),
		textField("bank2", 78, 82, kindDigits, func(r *adviceDetail) *string { return &r.Second.Account.Bank }).orBlank(),
		textField("branch2", 83, 87, kindDigits, func(r *adviceDetail) *string { return &r.Second.Account.Branch }).orBlank(),
		textField("account2", 88, 98, kindAccount, func(r *adviceDetail) *string { return &r.Second.Account.Number }).orBlank(),
		textField("name2", 99, 122, kindText, func(r *adviceDetail) *string { return &r.Second.Name }),
		textField("reference", 123, 128, kindText, func(r *adviceDetail) *string { return &r.Reference }),
		textField("description", 129, 216, kindText, func(r *adviceDetail) *string { return &r.Description }),
		dateField("originalDate", 217, 222, kindDate, func(r *adviceDetail) *calendar.Date { return &r.OriginalOn }).orBlank(),
		textField("originalReference", 223, 228, kindText, func(r *adviceDetail) *string { return &r.OriginalReference }),
		centsField("amount", 229, 240, kindUnsigned, func(r *adviceDetail) *money.Cents { return &r.Amount }),
	}

	adviceSubtotalLayout = adviceTotalLayout(subtotal240)
	adviceFootLayout     = adviceTotalLayout(total240)
)

func adviceTotalLayout(code string) layout[adviceTotal] {
	return layout[adviceTotal]{
		fixed[adviceTotal](fieldRecord, 1, 2, code, fault.CodeRecord),
		textField(fieldOperation, 9, 10, kindCode, func(r *adviceTotal) *string { return &r.operation }),
		textField("bank", 22, 26, kindDigits, func(r *adviceTotal) *string { return &r.account.Bank }).orBlank(),
		textField("branch", 27, 31, kindDigits, func(r *adviceTotal) *string { return &r.account.Branch }).orBlank(),
		textField("account", 32, 42, kindAccount, func(r *adviceTotal) *string { return &r.account.Number }).orBlank(),
		centsField("total", 229, 240, kindUnsigned, func(r *adviceTotal) *money.Cents { return &r.sum }),
	}
}

// AdviceHandler is called for what is good in itself, in the order of the file; nil functions are left out. What they have
// done is to be forgotten unless the reading ends without error. What they are given is theirs during the call only, but
// for the texts.
type AdviceHandler struct {
	Begin  func(*Advice) error // all but details and sum are known
	Detail func(*Detail) error
	End    func(*Advice) error // all is known, and the total agrees
}

// Read240 reads returns and advices of CFONB 240 and controls them: each group begins with a record 31 and ends with a 39
// that totals its details; a sub-total 36 totals those since the one before; all records of a group are of the operation of
// its 31, which decides what they mean, and its totals are of the same account where they name one; amounts are in euros.
//
// Read240 goes on after a fault, so that all of them are found in one go: the error is then a *[fault.Faults]. An error of
// the source or of the handler ends the reading and is returned wrapped. name is the file's in faults and errors.
func Read240(name string, source io.Reader, options Options, handler AdviceHandler) (Summary, error) {
	f := open(name, name240, length240, source, options, sha256.New())
	control := &advices{
		total:   total{decoder: decoder{file: &f.records}, header: head240, trailer: total240},
		handler: handler,
	}

	if err := f.each(control.record); err != nil {
		return Summary{}, err
	}

	control.end()

	return f.end(control.summary)
}

// advices controls the records of a file.
type advices struct {
	total

	handler  AdviceHandler
	summary  Summary
	current  adviceHead
	detail   adviceDetail
	subtotal money.Cents // sum of the details up to the sub-total before
}

// record controls the current record, nil for one that cannot be read.
func (a *advices) record(record []byte) error {
	if record == nil {
		a.lost = true

		return nil
	}

	switch string(record[:2]) {
	case head240:
		return a.head(record)
	case detail240:
		return a.add34(record)
	case subtotal240:
		a.part(record)
	case total240:
		return a.foot(record)
	default:
		a.unknown(record, "31, 34, 36 or 39")
	}

	return nil
}

func (a *advices) head(record []byte) error {
	a.current = adviceHead{}
	a.begin(adviceHeadLayout.read(&a.decoder, record, &a.current))
	a.current.Line, a.current.Operation = a.file.number, Operation(a.current.operation)
	a.subtotal = 0
	a.summary.Groups++

	if !a.good || a.handler.Begin == nil {
		return nil
	}

	return a.handler.Begin(&a.current.Advice)
}

// ours tells whether the current record is of the operation of its group.
func (a *advices) ours(operation string) bool {
	if a.good && operation != a.current.operation {
		a.note(9, fault.CodeKind, "is of another operation than the record 31 of line "+strconv.Itoa(a.line))

		return false
	}

	return true
}

func (a *advices) add34(record []byte) error {
	good := adviceDetailLayout.read(&a.decoder, record, &a.detail)
	good = a.within() && good && a.ours(a.detail.operation)
	a.summary.Details++

	if good {
		a.current.Details++
		a.detail.Line = a.file.number
		good = a.add(a.detail.Amount, 229)
	} else {
		a.lost = true
	}

	a.current.Sum = a.sum

	if !good || !a.good || a.handler.Detail == nil {
		return nil
	}

	return a.handler.Detail(&a.detail.Detail)
}

// totalled tells whether a total is good and of its group.
func (a *advices) totalled(read *adviceTotal, good bool) bool {
	good = a.within() && good && a.ours(read.operation)
	if good && a.good && read.account != (Account{}) && read.account != a.current.First.Account {
		a.note(22, CodeAccount, "is of another bank, branch or account than the record 31 of line "+strconv.Itoa(a.line))

		return false
	}

	return good
}

// part controls a record 36.
func (a *advices) part(record []byte) {
	var read adviceTotal

	if good := adviceSubtotalLayout.read(&a.decoder, record, &read); a.totalled(&read, good) {
		a.foots(read.sum, a.sum-a.subtotal, 229)
	}

	a.subtotal = a.sum
}

// foot controls a record 39.
func (a *advices) foot(record []byte) error {
	var read adviceTotal

	good := adviceFootLayout.read(&a.decoder, record, &read)
	good = a.totalled(&read, good) && a.foots(read.sum, a.sum, 229) && a.good
	a.open = false

	if !good || a.handler.End == nil {
		return nil
	}

	return a.handler.End(&a.current.Advice)
}
