package cfonb

import (
	"crypto/sha256"
	"errors"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	name160   = "CFONB 160"
	length160 = 160
)

// ErrNoReference says that Read160 was not told which day the dates of a file lie near.
var ErrNoReference = errors.New("dates with one digit of the year need a day that they are near: pass the day on which the file came")

// Remittance is what the records 03 and 08 around a batch of transfers say.
type Remittance struct {
	Line      int           // of its first record in the file, from 1
	Issuer    string        // number that the bank gave to the orderer, at most 6 characters
	Date      calendar.Date // on which the transfers are to be made
	Name      string        // of the orderer, at most 24 characters
	Batch     string        // reference of the batch, at most 7 characters
	Account   Account       // to be debited
	OrdererID string        // at most 14 characters, such as a SIRET
	Orders    int           // how many there are, so far
	Sum       money.Cents   // of the orders, so far
}

// Order is a record 06, one transfer, with the records 07 that complete it.
type Order struct {
	Line      int         // of its first record in the file, from 1
	Reference string      // at most 12 characters
	Name      string      // of the beneficiary, at most 24 characters
	BankName  string      // at most 24 characters
	Account   Account     // to be credited
	Amount    money.Cents // above zero
	Label     string      // at most 31 characters

	// Complements are the texts of the records 07, columns 19 to 160 as they are, at most MaxComplements. The slice is the
	// reader's: what is kept must be copied.
	Complements []string
}

// heading, orderRecord, orderText and orderTotal are the records 03, 06, 07 and 08.
type (
	heading struct {
		Remittance
	}

	orderRecord struct {
		Order

		issuer string
	}

	orderText struct{ issuer, text string }

	orderTotal struct {
		issuer string
		sum    money.Cents
	}
)

// The types of records, and the one operation whose positions are these.
const (
	heading160    = "03"
	order160      = "06"
	complement160 = "07"
	total160      = "08"
	transfer160   = "02"
)

// Where the fields of the records stand.
//
//nolint:gochecknoglobals // constants
var (
	headingLayout = layout[heading]{
		fixed[heading](fieldRecord, 1, 2, heading160, fault.CodeRecord),
		fixed[heading](fieldOperation, 3, 4, transfer160, fault.CodeUnknown),
		textField("issuer", 13, 18, kindText, func(r *heading) *string { return &r.Issuer }),
		dateField("date", 26, 30, kindShortDate, func(r *heading) *calendar.Date { return &r.Date }),
		textField("name", 31, 54, kindText, func(r *heading) *string { return &r.Name }),
		textField("batch", 55, 61, kindText, func(r *heading) *string { return &r.Batch }),
		fixed[heading](fieldCurrency, 81, 81, euroSign, fault.CodeCurrency),
		textField("branch", 87, 91, kindDigits, func(r *heading) *string { return &r.Account.Branch }),
		textField("account", 92, 102, kindAccount, func(r *heading) *string { return &r.Account.Number }),
		textField("ordererId", 105, 118, kindText, func(r *heading) *string { return &r.OrdererID }),
		textField("bank", 150, 154, kindDigits, func(r *heading) *string { return &r.Account.Bank }),
	}

	orderLayout = layout[orderRecord]{
		fixed[orderRecord](fieldRecord, 1, 2, order160, fault.CodeRecord),
		fixed[orderRecord](fieldOperation, 3, 4, transfer160, fault.CodeUnknown),
		textField("issuer", 13, 18, kindText, func(r *orderRecord) *string { return &r.issuer }),
		textField("reference", 19, 30, kindText, func(r *orderRecord) *string { return &r.Reference }),
		textField("name", 31, 54, kindText, func(r *orderRecord) *string { return &r.Name }),
		textField("bankName", 55, 78, kindText, func(r *orderRecord) *string { return &r.BankName }),
		textField("branch", 87, 91, kindDigits, func(r *orderRecord) *string { return &r.Account.Branch }),
		textField("account", 92, 102, kindAccount, func(r *orderRecord) *string { return &r.Account.Number }),
		centsField("amount", 103, 118, kindUnsigned, func(r *orderRecord) *money.Cents { return &r.Amount }),
		textField("label", 119, 149, kindText, func(r *orderRecord) *string { return &r.Label }),
		textField("bank", 150, 154, kindDigits, func(r *orderRecord) *string { return &r.Account.Bank }),
	}

	orderTextLayout = layout[orderText]{
		fixed[orderText](fieldRecord, 1, 2, complement160, fault.CodeRecord),
		fixed[orderText](fieldOperation, 3, 4, transfer160, fault.CodeUnknown),
		textField("issuer", 13, 18, kindText, func(r *orderText) *string { return &r.issuer }),
		textField("text", 19, 160, kindText, func(r *orderText) *string { return &r.text }),
	}

	orderTotalLayout = layout[orderTotal]{
		fixed[orderTotal](fieldRecord, 1, 2, total160, fault.CodeRecord),
		fixed[orderTotal](fieldOperation, 3, 4, transfer160, fault.CodeUnknown),
		textField("issuer", 13, 18, kindText, func(r *orderTotal) *string { return &r.issuer }),
		centsField("total", 103, 118, kindUnsigned, func(r *orderTotal) *money.Cents { return &r.sum }),
	}
)

// RemittanceHandler is called for what is good in itself, in the order of the file; nil functions are left out. What they
// have done is to be forgotten unless the reading ends without error. What they are given is theirs during the call only,
// but for the texts.
type RemittanceHandler struct {
	Begin func(*Remittance) error // all but orders and sum are known
	Order func(*Order) error      // with all its complements
	End   func(*Remittance) error // all is known, and the total agrees
}

// Read160 reads remittances of transfers of CFONB 160 and controls them: each begins with a record 03 and ends with an 08
// that totals its orders, of which there is at least one; all its records are of one issuer; records 07 follow their 06;
// amounts are in euros and above zero. Other operations than transfers (02), such as LCR, have other positions and are
// refused. Dates have one digit of the year, which is the one nearest to reference: the day on which the file came.
//
// Read160 goes on after a fault, so that all of them are found in one go: the error is then a *[fault.Faults]. It is
// ErrNoReference when reference is no day. An error of the source or of the handler ends the reading and is returned
// wrapped. name is the file's in faults and errors.
func Read160(name string, source io.Reader, options Options, reference calendar.Date, handler RemittanceHandler) (Summary, error) {
	if reference.IsZero() {
		return Summary{}, ErrNoReference
	}

	f := open(name, name160, length160, source, options, sha256.New())
	control := newRemittances(&f.records, reference, handler)

	if err := f.each(control.record); err != nil {
		return Summary{}, err
	}

	if err := control.flush(); err != nil {
		return Summary{}, err
	}

	control.end()

	return f.end(control.summary)
}

// remittances controls the records of a file.
type remittances struct {
	total

	handler RemittanceHandler
	summary Summary

	current  heading
	partial  bool // an order of it was not good, and not given
	order    orderRecord
	pending  bool // a 06 has been read and not been given yet
	sound    bool // it and its complements are good
	orphaned bool // what the next complements belong to could not be read: that is one fault, not many
	tooMany  bool // complements of the order
}

func newRemittances(file *records, reference calendar.Date, handler RemittanceHandler) *remittances {
	return &remittances{
		total:   total{decoder: decoder{file: file, reference: reference}, header: heading160, trailer: total160},
		handler: handler,
	}
}

// record controls the current record, nil for one that cannot be read.
func (r *remittances) record(record []byte) error {
	if record == nil {
		r.lost, r.orphaned, r.sound = true, true, false

		return nil
	}

	code := string(record[:2])
	if code == complement160 {
		r.complete(record)

		return nil
	}

	if err := r.flush(); err != nil {
		return err
	}

	r.orphaned = false

	switch code {
	case heading160:
		return r.head(record)
	case order160:
		r.add06(record)
	case total160:
		return r.foot(record)
	default:
		r.unknown(record, "03, 06, 07 or 08")

		r.orphaned = true
	}

	return nil
}

func (r *remittances) head(record []byte) error {
	r.current, r.partial = heading{}, false
	r.begin(headingLayout.read(&r.decoder, record, &r.current))
	r.current.Line = r.file.number
	r.summary.Groups++

	if !r.good || r.handler.Begin == nil {
		return nil
	}

	return r.handler.Begin(&r.current.Remittance)
}

// ours tells whether the current record is of the issuer of its remittance.
func (r *remittances) ours(issuer string) bool {
	if r.good && issuer != r.current.Issuer {
		r.note(13, CodeAccount, "is of another issuer than the record 03 of line "+strconv.Itoa(r.line))

		return false
	}

	return true
}

func (r *remittances) add06(record []byte) {
	r.order.Complements = r.order.Complements[:0]
	r.order.Line = r.file.number
	r.pending, r.tooMany = true, false
	r.summary.Details++
	r.sound = orderLayout.read(&r.decoder, record, &r.order)
	r.sound = r.within() && r.sound && r.ours(r.order.issuer)

	if r.sound && r.order.Amount == 0 {
		r.note(103, fault.CodeAmount, "must be above zero")

		r.sound = false
	}

	if !r.sound {
		r.lost = true

		return
	}

	r.sound = r.add(r.order.Amount, 103)
	r.current.Orders++
}

// complete adds a complement to the order before it.
func (r *remittances) complete(record []byte) {
	var read orderText

	good := orderTextLayout.read(&r.decoder, record, &read)

	switch {
	case r.orphaned:
	case !r.pending:
		r.note(1, CodeOrphan, "completes no order: a record 06 must come before it")
	case good && r.sound && !r.ours(read.issuer):
		r.sound = false
	case len(r.order.Complements) >= MaxComplements:
		if !r.tooMany {
			r.note(0, fault.CodeTooManyLines, "is beyond the limit of "+strconv.Itoa(MaxComplements)+" complements of one order")
		}

		r.tooMany, r.sound = true, false
	default:
		r.sound = r.sound && good
		r.order.Complements = append(r.order.Complements, read.text)
	}
}

// flush gives the order whose complements are complete.
func (r *remittances) flush() error {
	give := r.pending && r.sound && r.good
	r.partial = r.partial || r.pending && !r.sound
	r.pending = false

	if !give || r.handler.Order == nil {
		return nil
	}

	return r.handler.Order(&r.order.Order)
}

// foot controls a record 08.
func (r *remittances) foot(record []byte) error {
	var read orderTotal

	good := orderTotalLayout.read(&r.decoder, record, &read)
	good = r.within() && good && r.ours(read.issuer)
	good = good && r.foots(read.sum, r.sum, 103)
	r.current.Sum = r.sum

	if good && r.current.Orders == 0 {
		r.note(0, fault.CodeTrailerCount, "ends a remittance that holds no order")

		good = false
	}

	good = good && r.good && !r.partial
	r.open = false

	if !good || r.handler.End == nil {
		return nil
	}

	return r.handler.End(&r.current.Remittance)
}
