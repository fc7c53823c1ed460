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

	CantonnementDue  money.Cents // what was owed the business day before and still is: it must stand on cantonnement
	CantonnementHeld money.Cents // on cantonnement, own transfers on their way to it included
	CantonnementGap  money.Cents // what CantonnementHeld lacks, zero or more
}

// InputError says why no statement can be made.
type InputError struct {
	Reason string // what is wrong, for a person to read
}

// Error names the reason.
func (e *InputError) Error() string { return "safeguarding statement: " + e.Reason }

// New makes the statement of a business day from the books as they are at its end.
//
// previous is the statement of the business day before, nil when there is none: then nothing has to stand on cantonnement
// yet. debitedToday is what left clients' claims today, zero or more, each cent once: debits of payment accounts, and bank
// debits of payouts that were ordered before today. Of what was owed yesterday, what did not leave is due today, and never
// more than all that is owed. The error is an *InputError.
func New(books ledger.Books, date calendar.Date, previous *Statement, debitedToday money.Cents) (Statement, error) {
	switch {
	case date.IsZero():
		return Statement{}, &InputError{Reason: "it has no date"}
	case previous != nil && !previous.Date.Before(date):
		return Statement{}, &InputError{
			Reason: fmt.Sprintf("that of %s cannot build on that of %s: give the business day before", date, previous.Date),
		}
	case debitedToday < 0:
		return Statement{}, &InputError{Reason: "clients' claims cannot lose less than nothing: " + debitedToday.String()}
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
		s.CantonnementDue = max(0, min(previous.Owed-debitedToday, s.Owed))
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
