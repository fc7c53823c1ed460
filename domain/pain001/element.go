package pain001

import (
	slash "path"
	"strconv"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/bic"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sepa"
	"github.com/reglo/reglo/domain/transfer"
)

// part is an element that may stand in another one.
type part struct {
	name string
	must bool
	many bool
	read func() // leaves the element
}

// contents are the elements of a file's larger parts, in their order.
type contents struct{ message, header, block, order []part }

// describe says which elements the version has where, and what becomes of them. The parties and their banks are those of
// the reader, whose places do not change.
func (r *reader) describe() contents {
	day := r.execution
	if r.version != V03 {
		day = r.within(part{name: "Dt", must: true, read: r.execution})
	}

	return contents{
		message: []part{
			{name: "GrpHdr", must: true, read: r.readHeader},
			{name: elementBlock, must: true, many: true, read: r.readBlock},
		},
		header: []part{
			{name: elementMessageID, must: true, read: func() { r.reference(&r.message.ID) }},
			{name: elementCreatedAt, must: true, read: r.created},
			{name: elementOrders, must: true, read: func() { r.count(&r.file) }},
			{name: elementSum, must: true, read: func() { r.sum(&r.file) }},
			{name: "InitgPty", must: true, read: r.within(r.named(&r.message.Initiator))},
		},
		block: []part{
			{name: elementBlockID, must: true, read: r.identifyBlock},
			{name: "PmtMtd", must: true, read: func() { r.fixed("TRF") }},
			{name: "BtchBookg", must: true, read: r.booking},
			{name: elementOrders, must: true, read: func() { r.count(&r.in) }},
			{name: elementSum, must: true, read: func() { r.sum(&r.in) }},
			{name: "PmtTpInf", must: true, read: r.within(part{name: "SvcLvl", must: true, read: r.within(
				part{name: "Cd", must: true, read: func() { r.fixed("SEPA") }})})},
			{name: elementDueDate, must: true, read: day},
			{name: elementDebtor, must: true, read: r.within(r.named(&r.block.Debtor.Name), r.address())},
			{name: "DbtrAcct", must: true, read: r.account(&r.block.Debtor)},
			{name: "DbtrAgt", must: true, read: r.agent(&r.block.Debtor, true)},
			{name: "ChrgBr", must: true, read: func() { r.fixed("SLEV") }},
			{name: "CdtTrfTxInf", must: true, many: true, read: r.readOrder},
		},
		order: []part{
			{name: "PmtId", must: true, read: r.within(
				part{name: "InstrId", read: func() { r.reference(&r.order.InstructionID) }},
				part{name: elementEndToEndID, must: true, read: r.identify})},
			{name: "Amt", must: true, read: r.within(part{name: elementAmount, must: true, read: r.amount})},
			{name: elementUltimateDebtor, read: r.within(r.named(&r.order.Debtor.Name))},
			{name: "CdtrAgt", read: r.agent(&r.order.Creditor, false)},
			{name: elementCreditor, must: true, read: r.within(r.named(&r.order.Creditor.Name), r.address())},
			{name: "CdtrAcct", must: true, read: r.account(&r.order.Creditor)},
			{name: "RmtInf", read: r.within(part{name: "Ustrd", must: true, read: func() {
				r.text(&r.order.Info, sepa.MaxRemittance)
			}})},
		},
	}
}

// within reads an element by its own.
func (r *reader) within(inner ...part) func() { return func() { r.walk(inner) } }

// walk reads the elements in the current one.
func (r *reader) walk(inner []part) {
	var met uint32 // a bit for each that has been found; no element has so many

	next := 0

	for !r.ended() && r.decoder.Child() {
		at := find(inner, r.decoder.Name())

		switch {
		case at < 0:
			r.refuse(iso20022.CodeElement, "is no element that an order of SEPA has here")
			r.decoder.Skip()
		case met&(1<<at) != 0 && !inner[at].many:
			r.refuse(iso20022.CodeElement, "stands here twice")
			r.decoder.Skip()
		case at < next:
			r.refuse(iso20022.CodeElement, "must stand before "+inner[next].name)
			r.decoder.Skip()
		default:
			for ; next < at; next++ {
				if inner[next].must && met&(1<<next) == 0 {
					r.missing(slash.Dir(r.decoder.Path()), inner[next].name)
				}
			}

			met |= 1 << at
			inner[at].read()
		}
	}

	for ; !r.ended() && next < len(inner); next++ {
		if inner[next].must && met&(1<<next) == 0 {
			r.missing(r.decoder.Path(), inner[next].name)
		}
	}
}

func find(inner []part, name string) int {
	for at := range inner {
		if inner[at].name == name {
			return at
		}
	}

	return -1
}

// missing notes that an element has not one that it must have, once the next one or its end is there.
func (r *reader) missing(in, name string) {
	found := r.decoder.Fault(fault.CodeMissing, "", "must be filled")
	found.Field = in + "/" + name
	r.faults.Add(*found)
}

func (r *reader) named(into *string) part {
	return part{name: "Nm", must: true, read: func() { r.text(into, sepa.MaxName) }}
}

// address is a structured one: lines of address are taken by no bank any more. Nobody here uses it.
func (r *reader) address() part {
	const (
		number  = 16
		town    = 35
		country = 2
	)

	var passed string

	text := func(name string, must bool, most int) part {
		return part{name: name, must: must, read: func() { r.text(&passed, most) }}
	}

	return part{name: "PstlAdr", read: r.within(text("StrtNm", false, sepa.MaxName), text("BldgNb", false, number),
		text("PstCd", false, number), text("TwnNm", true, town), text("Ctry", true, country))}
}

func (r *reader) account(of *transfer.Party) func() {
	return r.within(part{name: "Id", must: true, read: r.within(part{name: "IBAN", must: true, read: func() {
		of.IBAN = string(r.decoder.Text())
		if err := iban.CheckSEPA(of.IBAN); err != nil && !r.ended() {
			r.faults.Add(*r.decoder.Fault(fault.CodeIBAN, iban.Mask(of.IBAN), err.Error()))
		}
	}})})
}

// agent reads a bank: its BIC, or, where it may be left out, that it is.
func (r *reader) agent(of *transfer.Party, unnamed bool) func() {
	code := "BIC"
	if r.version != V03 {
		code = "BICFI"
	}

	named := part{name: code, must: !unnamed, read: func() { r.bic(of) }}
	if !unnamed {
		return r.within(part{name: "FinInstnId", must: true, read: r.within(named)})
	}

	said := false
	either := []part{named, {name: "Othr", read: r.within(part{name: "Id", must: true, read: func() {
		said = true
		r.fixed(iso20022.NotProvided)
	}})}}

	return r.within(part{name: "FinInstnId", must: true, read: func() {
		said = false
		r.walk(either)

		switch {
		case r.ended():
		case said && of.BIC != "":
			r.refuse(iso20022.CodeElement, "names a bank, and says that it names none")
		case !said && of.BIC == "":
			r.missing(r.decoder.Path(), code)
		}
	}})
}

func (r *reader) bic(of *transfer.Party) {
	of.BIC = string(r.decoder.Text())
	err := bic.Check(of.BIC)

	switch {
	case r.ended():
	case err != nil:
		r.refuse(fault.CodePattern, err.Error())
	case !written(of.BIC, r.version):
		r.refuse(fault.CodePattern, "has 0 or 1 as its seventh character or O as its eighth, which "+string(V03)+" does not take")
	}
}

// text reads a text that SEPA carries as it is.
func (r *reader) text(into *string, most int) {
	text := r.decoder.Text()
	*into = string(text)

	switch {
	case r.ended():
	case len(text) == 0:
		r.refuse(fault.CodeMissing, "must be filled")
	case utf8.RuneCount(text) > most:
		r.refuse(fault.CodeTooLong, "has more than "+strconv.Itoa(most)+" characters")
	case !carried(text):
		r.refuse(fault.CodePattern, sepa.ErrReferenceCharacter.Error())
	}
}

func carried(text []byte) bool {
	for _, char := range text {
		if !sepa.Allowed(char) {
			return false
		}
	}

	return true
}

// reference reads an identifier; it is empty where it is refused.
func (r *reader) reference(into *string) {
	*into = string(r.decoder.Text())

	if err := sepa.CheckReference(*into); err != nil {
		*into = ""

		if !r.ended() {
			r.refuse(fault.CodePattern, err.Error())
		}
	}
}

// fixed reads what can say one thing only.
func (r *reader) fixed(want string) {
	if string(r.decoder.Text()) != want && !r.ended() {
		r.refuse(fault.CodeUnknown, "must be "+want)
	}
}

func (r *reader) booking() {
	switch text := string(r.decoder.Text()); {
	case text == "true":
		r.block.BatchBooking = true
	case text != "false" && !r.ended():
		r.refuse(fault.CodeUnknown, "must be true or false")
	}
}

func (r *reader) created() {
	at, err := iso20022.ParseInstant(string(r.decoder.Text()))
	if err != nil && !r.ended() {
		r.refuse(fault.CodeDate, err.Error())
	}

	r.message.CreatedAt = at
}

func (r *reader) count(of *total) {
	said, err := iso20022.ParseCount(string(r.decoder.Text()))

	switch {
	case r.ended():
	case err != nil:
		r.refuse(fault.CodeTrailerCount, err.Error())
	default:
		of.saidOrders, of.count = said, r.decoder.Fault("", strconv.Itoa(said), "")
	}
}

func (r *reader) sum(of *total) {
	said, err := iso20022.ParseAmount(string(r.decoder.Text()))

	switch {
	case r.ended():
	case err != nil:
		r.refuse(fault.CodeTrailerSum, err.Error())
	default:
		of.saidSum, of.add = said, r.decoder.Fault("", said.String(), "")
	}
}

// amount reads that of an order; it is 0 where it cannot be read.
func (r *reader) amount() {
	currency := r.decoder.Currency()
	amount, err := iso20022.ParseAmount(string(r.decoder.Text()))

	switch {
	case r.ended():
	case currency != money.Currency:
		r.refuse(fault.CodeCurrency, "must be in "+money.Currency)
	case err != nil:
		r.refuse(fault.CodeAmount, err.Error())
	case amount < sepa.MinAmount || amount > sepa.MaxAmount:
		r.faults.Add(*r.decoder.Fault(fault.CodeAmount, amount.String(),
			"must be "+sepa.MinAmount.String()+" to "+sepa.MaxAmount.String()))
	default:
		r.order.Amount = amount
	}
}
