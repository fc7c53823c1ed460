package pain001

import (
	"strconv"
	"strings"

	"github.com/reglo/reglo/domain/bic"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sepa"
	"github.com/reglo/reglo/domain/transfer"
)

// The elements that faults and replacements name.
const (
	elementMessageID      = "MsgId"
	elementCreatedAt      = "CreDtTm"
	elementInitiator      = "InitgPty/Nm"
	elementOrders         = "NbOfTxs"
	elementSum            = "CtrlSum"
	elementBlock          = "PmtInf"
	elementBlockID        = "PmtInfId"
	elementDueDate        = "ReqdExctnDt"
	elementDebtor         = "Dbtr"
	elementUltimateDebtor = "UltmtDbtr"
	elementEndToEndID     = "EndToEndId"
	elementAmount         = "InstdAmt"
	elementCreditor       = "Cdtr"
	elementRemittance     = "RmtInf/Ustrd"

	// With elementDebtor or elementCreditor before them.
	name    = "/Nm"
	account = "Acct/Id/IBAN"
)

// What to do next.
const (
	writeAgain      = ": take count, sum and orders from one snapshot, and write the file again"
	divide          = ": divide the orders among several files"
	correctSettings = ": correct the settings of the bank"
	correctDebtor   = ": correct the debtor's account"
	correctOrder    = ": correct the order, or reject it"
	correctCreditor = ": have the creditor's account corrected, or reject the order"
)

// refusal is a fault that has its place still to be told.
func refusal(field string, code fault.Code, reason string) *fault.Fault {
	return &fault.Fault{Field: field, Code: code, Reason: reason}
}

func (m *Message) check(format Format) *fault.Fault {
	if format.Version != V03 && format.Version != V09 {
		return refusal("Document", fault.CodeFormat, "must be of "+string(V03)+" or "+string(V09)+correctSettings)
	}

	if found := checkReference(elementMessageID, m.ID, ": name the bulk otherwise"); found != nil {
		return found
	}

	if year := m.CreatedAt.In(calendar.Paris()).Year(); m.CreatedAt.IsZero() || year < 1 || year > 9999 {
		return refusal(elementCreatedAt, fault.CodeDate, "must be an instant of the years 1 to 9999: give that of the bulk")
	}

	if m.Orders < 1 || m.Orders > MaxOrders {
		return refusal(elementOrders, fault.CodeTrailerCount, "must be 1 to "+strconv.Itoa(MaxOrders)+divide)
	}

	if !counted(m.Sum) {
		return refusal(elementSum, fault.CodeAmount, mustBeASum+divide)
	}

	if blank(m.Initiator) {
		return refusal(elementInitiator, fault.CodeMissing, "must be filled"+correctSettings)
	}

	if format.OneBlock {
		return checkParty(elementDebtor, &m.Account, correctSettings)
	}

	return nil
}

// check does not look at the debtor, which is that of the message when OneBlock.
func (b *Block) check() *fault.Fault {
	switch {
	case b.Orders < 1:
		return refusal(elementOrders, fault.CodeTrailerCount, "must be 1 or more"+writeAgain)
	case !counted(b.Sum):
		return refusal(elementSum, fault.CodeAmount, mustBeASum+writeAgain)
	case b.DueDate.IsZero() || !calendar.Target{}.IsBusinessDay(b.DueDate):
		return refusal(elementDueDate, fault.CodeDate, "must be a day on which TARGET settles: take the next business day")
	default:
		return nil
	}
}

const mustBeASum = "must be above zero, and no more than 999999999999.99 EUR"

// counted tells a sum of orders.
func counted(sum money.Cents) bool { return sum > 0 && sum <= money.Max }

// check leaves out what the order's debtor has to do with its block.
func checkOrder(payment *transfer.Payment) *fault.Fault {
	if found := checkReference(elementEndToEndID, payment.EndToEndID, correctOrder); found != nil {
		return found
	}

	if payment.Amount < sepa.MinAmount || payment.Amount > sepa.MaxAmount {
		return refusal(elementAmount, fault.CodeAmount,
			"must be "+sepa.MinAmount.String()+" to "+sepa.MaxAmount.String()+" EUR: divide the order, or reject it")
	}

	return checkParty(elementCreditor, &payment.Creditor, correctCreditor)
}

func checkReference(element, reference, next string) *fault.Fault {
	if err := sepa.CheckReference(reference); err != nil {
		return refusal(element, fault.CodePattern, err.Error()+next)
	}

	return nil
}

func checkParty(element string, party *transfer.Party, next string) *fault.Fault {
	if blank(party.Name) {
		return refusal(element+name, fault.CodeMissing, "must be filled"+next)
	}

	if err := iban.CheckSEPA(party.IBAN); err != nil {
		return refusal(element+account, fault.CodeIBAN, err.Error()+next)
	}

	return nil
}

// written tells whether a BIC stands in a file of that version: SEPA routes by the IBAN, so that one that is none, or whose
// location the older message's narrower pattern excludes, is left out rather than to hold up an order.
func written(code string, version Version) bool {
	return bic.Check(code) == nil && (version != V03 || locatedAsV03(code))
}

// locatedAsV03 holds the location of a BIC against the narrower pattern of the older message.
func locatedAsV03(bic string) bool {
	const location = 6

	return bic[location] != '0' && bic[location] != '1' && bic[location+1] != 'O'
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }
