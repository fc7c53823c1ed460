// Package safeguarding proves that the money of clients is there and stands where the law wants it (CMF L522-17): what it
// comes to, which of the EP's bank accounts hold it, and what is to be moved between them.
package safeguarding

import (
	"fmt"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

// Statement is what the EP owes its clients at the end of a business day, and where the money stands. Amounts are positive
// for what is owed or held.
type Statement struct {
	Date calendar.Date

	PaymentAccounts money.Cents // on the payment accounts
	Parked          money.Cents // of lines whose payment account is not known or closed
	PayoutsOrdered  money.Cents // taken from payment accounts, and not debited by the bank yet
	Rejects         money.Cents // payouts that came back, and are not on the payment accounts again yet
	Owed            money.Cents // the sum of these

	Reglement        money.Cents // on the règlement account
	Cantonnement     money.Cents // on the cantonnement account
	TransitToClients money.Cents // own transfers on their way to one of the two
	ToClear          money.Cents // debited from règlement by the bank, and not taken from payment accounts yet
	CoversToOrder    money.Cents // own money that vacations still running are about to bring
	Held             money.Cents // the sum of these; fonctionnement never counts

	Surplus money.Cents // Held less Owed: below zero, that much of the clients' money is missing

	CantonnementDue  money.Cents // owed the business day before, and still, and not with the bank: it must stand on cantonnement
	CantonnementHeld money.Cents // on cantonnement, own transfers on their way to it included
	CantonnementGap  money.Cents // what CantonnementHeld lacks, zero or more
}

// Left is what the money that was owed at the statement before has come to since: what of it need not stand on
// cantonnement. Each cent counts once. Both are zero or more.
type Left struct {
	// Accounts is what left payment accounts and parked lines, but for what went to another of them: refunds, commissions,
	// unpaids, recoveries, and the payouts that were ordered since.
	Accounts money.Cents
	// WithBank are the payouts that were ordered by the statement before, and not debited by then, and that have been handed
	// to the bank by now, whether it has debited or refused them since or not. What it is about to debit stands on règlement
	// on purpose, where it debits it, however late it does: on cantonnement the remittance would be refused.
	WithBank money.Cents
}

// sum is all of it.
func (l Left) sum() money.Cents { return l.Accounts + l.WithBank }

// InputError says why no statement can be made.
type InputError struct {
	Reason string // what is wrong, for a person to read
}

// Error names the reason.
func (e *InputError) Error() string { return "safeguarding statement: " + e.Reason }

// New makes the statement of a business day from the books as they are at its end.
//
// previous is the statement of the business day before, nil when there is none: then nothing has to stand on cantonnement
// yet. Of what was owed then, what has not left is due there today, and never more than all that is owed: client money that
// waits for nothing but its transfer is what the law wants there. The error is an *InputError.
func New(books ledger.Books, date calendar.Date, previous *Statement, left Left) (Statement, error) {
	switch {
	case date.IsZero():
		return Statement{}, &InputError{Reason: "it has no date"}
	case previous != nil && !previous.Date.Before(date):
		return Statement{}, &InputError{
			Reason: fmt.Sprintf("that of %s cannot build on that of %s: give the business day before", date, previous.Date),
		}
	case left.Accounts < 0 || left.WithBank < 0:
		return Statement{}, &InputError{
			Reason: fmt.Sprintf("clients' claims cannot lose less than nothing: %s and %s", left.Accounts, left.WithBank),
		}
	}

	// Assets stand on the debit side of the books: their credit less debit is negative.
	s := Statement{
		Date:            date,
		PaymentAccounts: books.CP, Parked: books.Parked, PayoutsOrdered: books.Payouts, Rejects: books.Rejects,
		Reglement: -books.Reglement, Cantonnement: -books.Cantonnement, TransitToClients: -books.TransitToClients,
		ToClear: books.ToClear, CoversToOrder: books.CoversToOrder,
		CantonnementHeld: -books.Cantonnement - books.TransitToCantonnement,
	}
	s.Owed = s.PaymentAccounts + s.Parked + s.PayoutsOrdered + s.Rejects
	s.Held = s.Reglement + s.Cantonnement + s.TransitToClients + s.ToClear + s.CoversToOrder
	s.Surplus = s.Held - s.Owed

	if previous != nil {
		s.CantonnementDue = max(0, min(previous.Owed-left.sum(), s.Owed))
	}

	s.CantonnementGap = max(0, s.CantonnementDue-s.CantonnementHeld)

	return s, nil
}

// Breaches are the invariants that the day breaks, none when both hold: all that is owed is held, and what was owed the
// business day before and still is stands on cantonnement.
func (s Statement) Breaches() []ledger.Breach {
	var breaches []ledger.Breach

	if s.Surplus < 0 {
		breaches = append(breaches, ledger.Breach{
			Invariant: ledger.Safeguarding, Where: "client money",
			Detail: fmt.Sprintf("held %s, owed %s: %s short", s.Held, s.Owed, s.Surplus.Neg()),
		})
	}

	if s.CantonnementGap > 0 {
		breaches = append(breaches, ledger.Breach{
			Invariant: ledger.CantonnementNextDay, Where: string(ledger.Cantonnement),
			Detail: fmt.Sprintf("held %s, due since the business day before %s: %s short",
				s.CantonnementHeld, s.CantonnementDue, s.CantonnementGap),
		})
	}

	return breaches
}
