package pain008

import (
	"regexp"

	"github.com/reglo/reglo/domain/bic"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sepa"
)

const (
	level = "SEPA"

	creditorCheck = 4 // characters of a creditor's identifier before the business code: country and check digits
	creditorOwn   = 7 // before the number: the business code, of three characters, is its owner's to choose
)

// creditor is the shape of a creditor's identifier.
var creditor = regexp.MustCompile(`^[A-Z]{2}\d{2}[A-Z0-9]{3}[A-Z0-9]{1,28}$`)

// kind is scheme and sequence.
type kind struct {
	scheme   Scheme
	sequence Sequence
}

// text controls a text.
func (r *reader) text(text string, most int, at place, path string) string {
	if text == "" {
		r.note(at(path, fault.CodeMissing, "", "must be filled"))

		return ""
	}

	if code, reason := iso20022.CheckText(text, most); code != "" {
		r.note(at(path, code, "", reason))

		return ""
	}

	return text
}

// id reads an identifier.
func (r *reader) id(text string, at place, path string) string {
	return r.text(text, sepa.MaxReference, at, path)
}

func (r *reader) amount(said *iso20022.CurrencyAmount, at place, path string) money.Cents {
	amount, wrong := said.Euros()

	switch {
	case wrong != nil:
		r.note(at(path, wrong.Code, wrong.Value, wrong.Reason))
	case amount > sepa.MaxAmount:
		r.note(at(path, fault.CodeAmount, amount.String(), "is beyond "+sepa.MaxAmount.String()+", the largest that SEPA carries"))
	}

	return amount
}

// readKind reads scheme and sequence where they are said.
func (r *reader) readKind(said *iso20022.DebitKind, at place, prefix string) kind {
	var found kind

	if len(said.SvcLvl) > 1 || len(said.SvcLvl) == 1 && iso20022.Trimmed(&said.SvcLvl[0].Cd) != level {
		r.note(at(prefix+"SvcLvl", fault.CodeUnknown, "", "must be "+level))
	}

	if said.LclInstrm != nil {
		found.scheme = Scheme(iso20022.Trimmed(&said.LclInstrm.Cd))
		if found.scheme != Core && found.scheme != Business {
			r.note(at(prefix+"LclInstrm", fault.CodeUnknown, "", "must be CORE or B2B"))
		}
	}

	if said.SeqTp != nil {
		found.sequence = Sequence(iso20022.Trimmed(said.SeqTp))

		switch found.sequence {
		case First, Recurrent, Last, OneOff:
		default:
			r.note(at(prefix+"SeqTp", fault.CodeUnknown, "", "must be FRST, RCUR, FNAL or OOFF"))
		}
	}

	return found
}

// mergeKind gives scheme and sequence of a direct debit: its own, or those of its block.
func (b *block) mergeKind(said *iso20022.DebitKind, at place) kind {
	found := b.kind

	switch {
	case said != nil && b.own[kindName]:
		b.note(at(kindName, iso20022.CodeElement, "", "is said for the block already"))
	case said != nil:
		found = b.readKind(said, at, kindName+"/")
	}

	if found.sequence == "" {
		b.note(at(kindName+"/SeqTp", fault.CodeMissing, "", "must be said, here or for the block"))
	}

	if found.scheme == "" {
		b.note(at(kindName+"/LclInstrm", fault.CodeMissing, "", "must be said, here or for the block"))
	}

	return found
}

func (b *block) checkMandate(said *iso20022.DebitMandate, at place) {
	const mandate = "DrctDbtTx/MndtRltdInf"

	if said == nil || said.MndtRltdInf == nil {
		b.note(at(mandate, fault.CodeMissing, "", "must name the mandate"))

		return
	}

	b.id(iso20022.Trimmed(said.MndtRltdInf.MndtId), at, mandate+"/MndtId")
	b.date(iso20022.Trimmed(said.MndtRltdInf.DtOfSgntr), at, mandate+"/DtOfSgntr")

	switch {
	case said.CdtrSchmeId != nil:
		b.checkCreditor(said.CdtrSchmeId, at, "DrctDbtTx/"+schemeName+"/")
	case !b.payee:
		b.note(at("DrctDbtTx/"+schemeName, fault.CodeMissing, "", "must identify the creditor, here or for the block"))
	}
}

func (r *reader) checkName(said *iso20022.Named, at place, prefix string) {
	if said == nil {
		said = &iso20022.Named{}
	}

	r.text(iso20022.Trimmed(said.Nm), sepa.MaxName, at, prefix+"Nm")
}

func (r *reader) checkAccount(said *iso20022.Account, at place, prefix string) {
	if said == nil {
		said = &iso20022.Account{}
	}

	account := iso20022.Trimmed(&said.Id.IBAN)

	switch {
	case account == "":
		r.note(at(prefix+"Id/IBAN", fault.CodeMissing, "", "must be filled"))
	case iban.CheckSEPA(account) != nil:
		r.note(at(prefix+"Id/IBAN", fault.CodeIBAN, iban.Mask(account), iban.CheckSEPA(account).Error()))
	}
}

// checkAgent controls a bank: its BIC, or that there is none.
func (r *reader) checkAgent(said *iso20022.Agent, at place, prefix string) {
	const code = "FinInstnId/BIC"

	if said == nil || said.FinInstnId == nil {
		r.note(at(prefix+code, fault.CodeMissing, "", "must be filled"))

		return
	}

	bank := said.FinInstnId

	switch {
	case bank.BIC != nil:
		if err := bic.Check(iso20022.Trimmed(bank.BIC)); err != nil {
			r.note(at(prefix+code, fault.CodePattern, "", err.Error()))
		}
	case bank.Othr == nil || iso20022.Trimmed(&bank.Othr.Id) != iso20022.NotProvided:
		r.note(at(prefix+code, fault.CodeMissing, "", "must be filled, or Othr/Id be "+iso20022.NotProvided))
	}
}

// checkCreditor controls a creditor's identifier, whose check digits leave out the business code.
func (r *reader) checkCreditor(said *iso20022.Scheme, at place, prefix string) {
	const path = "Id/PrvtId/Othr/Id"

	if said.Id == nil || said.Id.PrvtId == nil || len(said.Id.PrvtId.Othr) != 1 {
		r.note(at(prefix+path, fault.CodeMissing, "", "must identify the creditor, once"))

		return
	}

	number := iso20022.Trimmed(&said.Id.PrvtId.Othr[0].Id)
	if !creditor.MatchString(number) || iban.CheckDigits(number[:2], number[creditorOwn:]) != number[2:creditorCheck] {
		r.note(at(prefix+path, fault.CodePattern, "",
			"must be a creditor's identifier: country, check digits (mod 97), three characters for the business, then the number"))
	}
}
