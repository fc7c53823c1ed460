package payline

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
)

const (
	endToEndDigits = 16 // of every endToEndId

	maxIBAN = 34 // ISO 13616

	bicLength       = 8  // ISO 9362 without a branch
	bicBranchLength = 11 // with one
)

// checkShape controls what makes a line unreadable, CodeInvalidFile: limits and shapes of its fields, the sign of its
// amount, an account that would pay itself. A text that is refused for its length is left empty.
func (r *Record) checkShape() {
	line := &r.Line

	r.limit(FieldOperationCode, &line.OperationCode, MaxCode)
	r.limit(FieldCurrency, &line.Currency, len(money.Currency))
	r.limit(FieldLabel, &line.Label, MaxText)
	r.checkAccount(FieldDebtorCP, &line.DebtorCP)

	if line.Kind == Movement {
		r.checkAccount(FieldCreditorCP, &line.CreditorCP)

		if line.DebtorCP == line.CreditorCP {
			r.Refuse(FieldCreditorCP, fault.CodeDuplicate, "is the debtor account itself")
		}
	} else {
		r.limit(FieldCreditorName, &line.CreditorName, MaxText)
		r.limit(FieldCreditorBIC, &line.CreditorBIC, bicBranchLength)

		if line.CreditorBIC != "" && !validBIC(line.CreditorBIC) {
			r.Refuse(FieldCreditorBIC, fault.CodePattern, "must be a BIC of 8 or 11 capital letters and digits, or empty")
		}
	}

	if line.Amount < 0 {
		r.Refuse(FieldAmount, fault.CodeAmount, "must not be below zero: a request has no sign")

		line.Amount = 0
	}
}

// checkMeaning controls what a readable line asks for, in the order in which the first code is the line's.
func (r *Record) checkMeaning(businessDate calendar.Date) {
	line := &r.Line

	if len(line.EndToEndID) != endToEndDigits || !onlyDigits(line.EndToEndID) {
		r.reject(FieldEndToEndID, CodeEndToEndID, fault.CodePattern, "must be "+strconv.Itoa(endToEndDigits)+" digits")
	}

	if line.Currency != money.Currency {
		r.reject(FieldCurrency, CodeCurrency, fault.CodeCurrency, "must be "+money.Currency)
	}

	if line.Amount == 0 {
		r.reject(FieldAmount, CodeZeroAmount, fault.CodeAmount, "must be above zero")
	}

	if line.Kind == Transfer {
		r.checkCreditor()
	}

	switch latest := businessDate.AddDays(MaxAheadDays); {
	case line.ExecDate.Before(businessDate):
		r.reject(FieldExecDate, CodeDatePast, fault.CodeDate, "is before the business date, "+businessDate.Compact())
	case line.ExecDate.After(latest):
		r.reject(FieldExecDate, CodeDateTooFar, fault.CodeDate, "is after "+latest.Compact()+", "+
			strconv.Itoa(MaxAheadDays)+" days ahead of the business date")
	}
}

func (r *Record) checkCreditor() {
	line := &r.Line

	if line.DebtorIBAN != "" {
		r.checkIBAN(FieldDebtorIBAN, &line.DebtorIBAN)
	}

	r.checkIBAN(FieldCreditorIBAN, &line.CreditorIBAN)

	if strings.TrimSpace(line.CreditorName) == "" {
		r.reject(FieldCreditorName, CodeNoCreditorName, fault.CodeMissing, "is empty")
	}
}

func (r *Record) checkIBAN(field Field, value *string) {
	if err := iban.CheckSEPA(*value); err != nil {
		r.reject(field, CodeInvalidIBAN, fault.CodeIBAN, err.Error())
	}

	if len(*value) > maxIBAN {
		*value = ""
	}
}

func (r *Record) checkAccount(field Field, value *string) {
	r.limit(field, value, MaxCode)

	if !merchant.ValidAccountID(*value) {
		r.Refuse(field, fault.CodePattern, "must be two capital letters or digits, then eight digits")
	}
}

func (r *Record) limit(field Field, value *string, limit int) {
	if len(*value) > limit && utf8.RuneCountInString(*value) > limit {
		r.Refuse(field, fault.CodeTooLong, "is longer than "+strconv.Itoa(limit)+" characters")

		*value = ""
	}
}

// validBIC tells the shape of ISO 9362: party prefix, country, party suffix, and the branch when there is one.
func validBIC(bic string) bool {
	const countryStart, countryEnd = 4, 6

	if len(bic) != bicLength && len(bic) != bicBranchLength {
		return false
	}

	for i := range len(bic) {
		capital := bic[i] >= 'A' && bic[i] <= 'Z'
		if !capital && (bic[i] < '0' || bic[i] > '9' || i >= countryStart && i < countryEnd) {
			return false
		}
	}

	return true
}
