package ledger

import (
	"fmt"

	"github.com/reglo/reglo/domain/money"
)

// Books are the sums of the ledger that the invariants speak of, in cents, each
// as credit less debit over a class of accounts.
type Books struct {
	Reglement, Cantonnement, Fonctionnement money.Cents
	CP                                      money.Cents
	CPBelowZero                             int // accounts
	Suspense                                money.Cents
	Parked                                  money.Cents
	Payouts                                 money.Cents
	Rejects                                 money.Cents
	// TransitToClients is what left fonctionnement for règlement or
	// cantonnement and has not arrived; TransitToOwn is the other way.
	TransitToClients, TransitToOwn money.Cents
	// TransitToCantonnement is what of TransitToClients is on its way to cantonnement.
	TransitToCantonnement money.Cents
	// ToClear is what the bank debited from règlement for settlements that are
	// not posted yet: positive, the debit balances of their suspense accounts.
	ToClear money.Cents
	Fees    money.Cents
	Debts   money.Cents
	Result  money.Cents
	Equity  money.Cents
	// CoversToOrder is what vacations that are still running credited to CPs
	// against debts and will order from fonctionnement at their next step.
	CoversToOrder money.Cents
	// DebtsRegistered is the sum of what the register of créances says is left.
	DebtsRegistered money.Cents
}

// Breach is an invariant that does not hold.
type Breach struct {
	Invariant Invariant
	Where     string
	Detail    string
}

func (b Breach) String() string {
	return fmt.Sprintf("%s: %s: %s", b.Invariant, b.Where, b.Detail)
}

// Invariant names a rule that the books must hold at every commit or, where
// said, at the end of every vacation.
type Invariant string

// The invariants.
const (
	// ZeroSum: the whole ledger sums to zero.
	ZeroSum Invariant = "ZERO_SUM"
	// NoOverdraft: no CP is below zero (CMF L522-2: no credit out of client money).
	NoOverdraft Invariant = "CP_NOT_BELOW_ZERO"
	// Safeguarding: règlement, cantonnement and what is on its way to them hold
	// at least what clients are owed (CMF L522-17). Fonctionnement never counts.
	Safeguarding Invariant = "SAFEGUARDING"
	// CantonnementNextDay: at the end of a business day, what was received the
	// business day before and is still due stands on cantonnement (CMF L522-17).
	CantonnementNextDay Invariant = "CANTONNEMENT_NEXT_DAY"
	// BankAgrees: a BK account is the bank's own balance after unbooked items.
	BankAgrees Invariant = "BANK_AGREES"
	// SuspenseEmpty: a settlement's suspense account is zero when its vacation ends.
	SuspenseEmpty Invariant = "SUSPENSE_EMPTY"
	// DebtsAgree: the register of créances and the DEBT accounts say the same.
	DebtsAgree Invariant = "DEBTS_AGREE"
	// BalancesProved: each account's two sides are the sums of its entries.
	BalancesProved Invariant = "BALANCES_PROVED"
	// EventsGapless: a correlation's events are numbered 1…n without a gap.
	EventsGapless Invariant = "EVENTS_GAPLESS"
	// OneEnd: a run has one start and, once it is over, one end.
	OneEnd Invariant = "ONE_START_ONE_END"
	// FilePosted: a settled file's lines are all in the journal, once, for its sums.
	FilePosted Invariant = "FILE_POSTED"
)

// Check returns the invariants that the books break, none when all hold.
// Suspense accounts of settlements that still run are not judged here.
func (b Books) Check() []Breach {
	var breaches []Breach

	sum := b.Reglement + b.Cantonnement + b.Fonctionnement + b.CP + b.Suspense + b.Parked + b.Payouts + b.Rejects +
		b.TransitToClients + b.TransitToOwn + b.Fees + b.Debts + b.Result + b.Equity
	if sum != 0 {
		breaches = append(breaches, Breach{ZeroSum, "whole ledger", "sums to " + sum.String() + ", not to zero"})
	}

	if b.CPBelowZero != 0 {
		breaches = append(breaches, Breach{NoOverdraft, "CP", fmt.Sprintf("%d accounts are below zero", b.CPBelowZero)})
	}

	// Assets stand on the debit side: their credit less debit is negative.
	held := -(b.Reglement + b.Cantonnement + b.TransitToClients) + b.CoversToOrder + b.ToClear
	owed := b.CP + b.Payouts + b.Rejects + b.Parked
	if held < owed {
		breaches = append(breaches, Breach{
			Safeguarding, "client money",
			fmt.Sprintf("held %s, owed %s: %s short", held, owed, owed-held),
		})
	}

	if -b.Debts != b.DebtsRegistered {
		breaches = append(breaches, Breach{
			DebtsAgree, "DEBT",
			fmt.Sprintf("accounts hold %s, the register %s", -b.Debts, b.DebtsRegistered),
		})
	}
	return breaches
}
