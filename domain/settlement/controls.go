package settlement

import (
	"strconv"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/siret"
)

// checkHeader controls the fields of a header that its layout could read.
func (r *Record) checkHeader() {
	header := &r.Header

	checkText(r, FieldFileName, header.FileName, MaxFileName, true)
	r.checkName(FieldReference, header.Reference, MaxReference)
	r.checkName(FieldOperationType, header.OperationType, MaxOperationType)

	if header.Currency != money.Currency {
		r.Refuse(FieldCurrency, fault.CodeCurrency, "must be "+money.Currency)
	}
}

// checkLine controls the fields of a line that its layout could read, each by itself.
func (r *Record) checkLine() {
	line := &r.Line

	r.checkCreID(line.CreID)

	if !merchant.ValidAccountID(line.AccountID) {
		r.Refuse(FieldAccountID, fault.CodePattern, "must be two capital letters or digits, then eight digits")
	}

	if err := siret.Check(line.Siret); err != nil {
		r.Refuse(FieldSiret, fault.CodeSiret, err.Error())
	}

	checkText(r, FieldContract, line.Contract, MaxContract, false)
	checkText(r, FieldAcquirerRef, line.AcquirerRef, MaxReference, false)
	checkText(r, FieldOriginalRef, line.OriginalRef, MaxReference, false)
	checkText(r, FieldReasonCode, line.ReasonCode, MaxReasonCode, false)
	checkText(r, FieldLabel, line.Label, MaxLabel, true)

	r.checkAmounts(line)
}

func (r *Record) checkAmounts(line *Line) {
	switch {
	case r.isRefused(FieldType):
	case line.Type.credits() && line.Gross <= 0:
		r.Refuse(FieldGross, fault.CodeSign, "must be above zero on a "+string(line.Type)+" line")
	case !line.Type.credits() && line.Gross >= 0:
		r.Refuse(FieldGross, fault.CodeSign, "must be below zero on a "+string(line.Type)+" line")
	}

	if line.Commission < 0 {
		r.Refuse(FieldCommission, fault.CodeSign, "must not be below zero: a commission has no sign")
	}
}

func (r *Record) checkCreID(creID []byte) {
	switch {
	case len(creID) == 0:
		r.Refuse(FieldCreID, fault.CodeMissing, "is empty")
	case len(creID) > MaxCreID:
		r.Refuse(FieldCreID, fault.CodeTooLong, "is longer than "+strconv.Itoa(MaxCreID)+" characters")
	case !graphic(creID):
		r.Refuse(FieldCreID, fault.CodePattern, "must be printable ASCII without spaces")
	}
}

func checkText[T string | []byte](r *Record, field Field, text T, limit int, required bool) {
	switch {
	case len(text) == 0 && required:
		r.Refuse(field, fault.CodeMissing, "is empty")
	case len(text) > limit && utf8.RuneCountInString(string(text)) > limit:
		r.Refuse(field, fault.CodeTooLong, "is longer than "+strconv.Itoa(limit)+" characters")
	}
}

// checkName controls a text that becomes part of identifiers: of a vacation, of an account, of a key.
func (r *Record) checkName(field Field, text string, limit int) {
	checkText(r, field, text, limit, true)

	for i := range len(text) {
		if char := text[i]; !digit(char) && !capital(char) && (char < 'a' || char > 'z') &&
			char != '-' && char != '_' && char != '.' {
			r.Refuse(field, fault.CodePattern, "must be made of ASCII letters, digits, '-', '_' and '.'")

			return
		}
	}
}

func graphic(text []byte) bool {
	for _, char := range text {
		if char <= ' ' || char > '~' {
			return false
		}
	}

	return true
}

func digit(char byte) bool { return char >= '0' && char <= '9' }

func capital(char byte) bool { return char >= 'A' && char <= 'Z' }
