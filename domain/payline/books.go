package payline

import (
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
)

// Holder is what the books tell of a payment account that a line names. The zero Holder is an account that they do not
// know.
type Holder struct {
	Known  bool // in the merchants' snapshot
	Status merchant.Status
	Mode   merchant.PayoutMode
	CPToCP bool   // movements between payment accounts are agreed
	IBAN   string // of the account itself
}

// ControlMovement gives the code that rejects a movement, or none when it may be posted. The caller holds both accounts
// locked, so that what they have available does not change before the posting.
//
// seen tells that the endToEndId has come before, in this file or another; available is what the debtor account may pay.
// The order is that of the answers: what the line alone tells (Reject); CodeDuplicate, before anything that may have
// changed since the first time; CodeUnknownAccount; CodeClosedAccount, either side; CodeBlockedAccount, the debtor only,
// since a blocked account still receives; CodeNotEntitled unless both sides agreed to movements; CodeMovementAmount.
func ControlMovement(line *Line, seen bool, debtor, creditor Holder, available money.Cents) Code {
	switch {
	case line.Reject != "":
		return line.Reject
	case seen:
		return CodeDuplicate
	case !debtor.Known || !creditor.Known:
		return CodeUnknownAccount
	case debtor.Status == merchant.StatusClosed || creditor.Status == merchant.StatusClosed:
		return CodeClosedAccount
	case debtor.Status != merchant.StatusActive:
		return CodeBlockedAccount
	case !debtor.CPToCP || !creditor.CPToCP:
		return CodeNotEntitled
	case line.Amount > available:
		return CodeMovementAmount
	default:
		return ""
	}
}

// ControlTransfer gives the code that rejects a transfer, or none when it may go to validation. The caller holds the
// account locked, so that what it has available does not change before the posting.
//
// seen tells that the endToEndId has come before, in this file or another; available is what the debtor account may pay.
// The order is that of the answers: what the line alone tells (Reject); CodeDuplicate, before anything that may have
// changed since the first time; CodeUnknownAccount; CodeClosedAccount; CodeBlockedAccount; CodeNotEntitled when nobody may
// ask for payouts of the account; CodeInvalidIBAN when the line gives another debtor IBAN than the account's own, or would
// pay the account to itself through the bank; CodeNoCover.
func ControlTransfer(line *Line, seen bool, debtor Holder, available money.Cents) Code {
	switch {
	case line.Reject != "":
		return line.Reject
	case seen:
		return CodeDuplicate
	case !debtor.Known:
		return CodeUnknownAccount
	case debtor.Status == merchant.StatusClosed:
		return CodeClosedAccount
	case debtor.Status != merchant.StatusActive:
		return CodeBlockedAccount
	case debtor.Mode != merchant.PayoutAuto && debtor.Mode != merchant.PayoutManual:
		return CodeNotEntitled
	case line.DebtorIBAN != "" && line.DebtorIBAN != debtor.IBAN, line.CreditorIBAN == debtor.IBAN:
		return CodeInvalidIBAN
	case line.Amount > available:
		return CodeNoCover
	default:
		return ""
	}
}
