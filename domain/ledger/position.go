package ledger

import (
	"fmt"

	"github.com/reglo/reglo/domain/money"
)

// Position is a bank account in the books beside what the bank says of it, and
// all that may set the two apart, in cents. Balances are positive for money that
// is there.
type Position struct {
	Account Code
	Books   money.Cents
	// Bank is the closing balance of the last statement, whose sequence is Statement.
	Bank      money.Cents
	Statement int
	// NotDebited is own transfers ordered from the account whose debit no
	// statement shows: the books moved when they were ordered.
	NotDebited money.Cents
	// NotBooked is the lines of statements that are in no entry, each with its sign.
	NotBooked money.Cents
	// NotStated is what was booked of lines that no statement holds yet, signed.
	NotStated money.Cents
}

// Gap is what the bank has, less what it should have by the books: zero when
// unbooked items explain all that sets them apart.
func (p Position) Gap() money.Cents {
	return p.Bank - (p.Books + p.NotDebited + p.NotBooked - p.NotStated)
}

// Breaches is the breach of [BankAgrees], none when the two agree or no
// statement of the account was ever read: then nothing can be held against it.
func (p Position) Breaches() []Breach {
	if p.Statement == 0 || p.Gap() == 0 {
		return nil
	}
	return []Breach{{
		Invariant: BankAgrees, Where: string(p.Account),
		Detail: fmt.Sprintf("the bank says %s (statement %d), the books %s; transfers not debited yet %s, lines not booked %s, "+
			"bookings on no statement yet %s: %s unexplained",
			p.Bank, p.Statement, p.Books, p.NotDebited, p.NotBooked, p.NotStated, p.Gap()),
	}}
}
