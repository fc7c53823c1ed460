// Package ledger is the EP's double-entry book: accounts, the movements between
// them, and the invariants that the whole must hold. Amounts are cents of euro.
package ledger

import (
	"strings"
)

// Code names an account of the ledger, such as BK.REG or CP.1A17660007.
type Code string

// The accounts that exist once.
const (
	// Reglement, Cantonnement and Fonctionnement are the EP's three accounts at
	// its bank: settlement, safeguarded client money, own money.
	Reglement      Code = "BK.REG"
	Cantonnement   Code = "BK.CAN"
	Fonctionnement Code = "BK.FON"
	// Parked holds lines whose CP is unknown or closed until an operator assigns them.
	Parked Code = "TR.PARK"
	// FeesDue is commission taken from merchants and not yet moved to fonctionnement.
	FeesDue Code = "FEE.DUE"
	// CommissionEarned is the EP's income.
	CommissionEarned Code = "PL.COM"
	// Loss is debts written off.
	Loss Code = "PL.LOSS"
	// Opening is the counterpart of what stood on the bank accounts when the
	// books were opened, and of own money that the EP added since.
	Opening Code = "EQ.OPEN"
)

// CP is the account of the merchant's payment account.
func CP(accountID string) Code { return prefixCP + Code(accountID) }

// Suspense is the account on which a settlement's money waits to be posted.
func Suspense(reference string) Code { return prefixSuspense + Code(reference) }

// Debt is the account of what the merchant of that SIRET owes the EP.
func Debt(siret string) Code { return prefixDebt + Code(siret) }

// Payout is the account of a payout that was ordered and whose debit the bank
// has not shown yet.
func Payout(refExterne string) Code { return prefixPayout + Code(refExterne) }

// Rejects is the account of a lot of rejected transfers that came back and is
// not given back to its CPs yet.
func Rejects(lot string) Code { return prefixReject + Code(lot) }

// Transit is the account of a transfer between two of our bank accounts that
// is not on both statements yet.
func Transit(refExterne string) Code { return prefixTransit + Code(refExterne) }

const (
	prefixCP       = "CP."
	prefixSuspense = "TR.SET."
	prefixDebt     = "DEBT."
	prefixTransit  = "TR.INT."
	prefixPayout   = "TR.OUT."
	prefixReject   = "TR.REJ."
)

// Class groups accounts that the invariants treat alike.
type Class string

// The classes.
const (
	ClassBank     Class = "BK"
	ClassCP       Class = "CP"
	ClassSuspense Class = "TR.SET"
	ClassParked   Class = "TR.PARK"
	ClassPayout   Class = "TR.OUT"
	ClassReject   Class = "TR.REJ"
	ClassTransit  Class = "TR.INT"
	ClassFee      Class = "FEE"
	ClassDebt     Class = "DEBT"
	ClassResult   Class = "PL"
	ClassEquity   Class = "EQ"
)

// Class is the account's class, the longest of the class names that begin its code.
func (c Code) Class() Class {
	for _, class := range []Class{
		ClassSuspense, ClassParked, ClassPayout, ClassReject, ClassTransit,
		ClassBank, ClassCP, ClassFee, ClassDebt, ClassResult, ClassEquity,
	} {
		rest, found := strings.CutPrefix(string(c), string(class))
		if found && (rest == "" || rest[0] == '.') {
			return class
		}
	}
	return ""
}

// AccountID is the payment account's identifier without the ledger's prefix,
// and false for an account that is no CP.
func (c Code) AccountID() (string, bool) {
	return strings.CutPrefix(string(c), prefixCP)
}
