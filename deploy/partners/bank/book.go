package bank

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
)

// Movement is what somebody else than the EP has the bank book: the card scheme a settlement, the bank itself a fee.
type Movement struct {
	// Key names the movement for ever: told again, it is not booked again.
	Key       string        `json:"key"`
	Account   ledger.Code   `json:"account"`
	Label     string        `json:"label"`
	Amount    money.Cents   `json:"amountCents"` // above zero for a credit, below for a debit
	ValueDate calendar.Date `json:"valueDate"`   // the booking's when it is left out
}

// Settlement is a settlement of card transactions, or of unpaids, on the règlement account.
type Settlement struct {
	Reference     string // as settlement.NewReference makes it
	OperationType string
	Amount        money.Cents // above zero for a credit, below for a debit
	ValueDate     calendar.Date
}

// Movement gives the movement that the bank books, with the label by which the EP knows it.
func (s Settlement) Movement() Movement {
	label := settlement.Movement{OperationType: s.OperationType, Reference: s.Reference}.Label()

	return Movement{Key: s.Reference, Account: ledger.Reglement, Label: label, Amount: s.Amount, ValueDate: s.ValueDate}
}

// Settle books a settlement on a day and gives the identifier of its line. It is Book of the settlement's Movement.
func (b *Bank) Settle(date calendar.Date, settled Settlement) (id string, err error) {
	return b.Book(date, settled.Movement())
}

// Book books a movement on a day and gives the identifier of its line. One that was booked before gives the line of then;
// another movement under the same key is refused.
func (b *Bank) Book(date calendar.Date, moved Movement) (id string, err error) {
	if before, known := b.state.Told[moved.Key]; known {
		if before.Account != moved.Account || before.Amount != moved.Amount {
			return "", fmt.Errorf("movement %s was booked before as %s on %s: give another key to another movement",
				moved.Key, before.Amount, before.Account)
		}

		return before.Line, nil
	}

	if err := b.check(date, moved); err != nil {
		return "", err
	}

	booked := b.state.book(movement{
		Account: moved.Account, Label: moved.Label, Amount: moved.Amount, Date: date, ValueDate: moved.ValueDate,
	}, morning)
	b.state.Told[moved.Key] = told{Line: booked.ID, Account: moved.Account, Amount: moved.Amount}

	return booked.ID, b.save()
}

// maxLabel is the longest label of a line, in characters: what the EP keeps of one.
const maxLabel = 255

func (b *Bank) check(date calendar.Date, moved Movement) error {
	switch {
	case date.IsZero() || date.Before(b.state.Date):
		return fmt.Errorf("movement %s: %q is no day to book on: the statements of %q are made", moved.Key, date, b.state.Date)
	case moved.Key == "":
		return errors.New("a movement has a key, by which it is booked once")
	case !slices.Contains(Accounts(), moved.Account):
		return fmt.Errorf("movement %s: the bank keeps no account %q", moved.Key, moved.Account)
	case moved.Amount == 0:
		return fmt.Errorf("movement %s: its amount is zero", moved.Key)
	case moved.Label == "" || len([]rune(moved.Label)) > maxLabel:
		return fmt.Errorf("movement %s: its label must have 1 to %d characters", moved.Key, maxLabel)
	}

	if _, err := b.Balance(moved.Account).Add(moved.Amount); err != nil {
		return fmt.Errorf("movement %s: %w", moved.Key, err)
	}

	return nil
}

// told is what became of a movement from outside.
type told struct {
	Line    string      `json:"line"`
	Account ledger.Code `json:"account"`
	Amount  money.Cents `json:"amountCents"`
}

// movement is one to be booked.
type movement struct {
	Account   ledger.Code   `json:"account"`
	Label     string        `json:"label"`
	Amount    money.Cents   `json:"amountCents"`
	Date      calendar.Date `json:"date"`
	ValueDate calendar.Date `json:"valueDate,omitzero"`
	// Bulk is the one whose payouts may come back once this debit was stated.
	Bulk string `json:"bulk,omitempty"`
	// EndToEndID is that of a transfer between the three accounts.
	EndToEndID string `json:"endToEndId,omitempty"`
	// Lot is what a credit of payouts that came back consists of.
	Lot *lot `json:"lot,omitempty"`
}

// line is a movement that was booked.
type line struct {
	movement

	ID string    `json:"id"`
	At time.Time `json:"at"`
}

// Hours at which the bank books, in Paris: settlements and fees before the day's work begins, payments at its end.
const (
	morning = 3 * time.Hour
	evening = 17 * time.Hour
)

func (s *state) book(moved movement, hour time.Duration) line {
	s.LastLine++

	if moved.ValueDate.IsZero() {
		moved.ValueDate = moved.Date
	}

	booked := line{movement: moved, ID: fmt.Sprintf("BQ%012d", s.LastLine), At: moved.Date.Midnight().Add(hour)}
	to := s.Accounts[moved.Account]
	to.Open = append(to.Open, booked)

	return booked
}

// due books what is to be booked on a day or before.
func (s *state) due(date calendar.Date) {
	left := s.Later[:0]

	for _, moved := range s.Later {
		if moved.Date.After(date) {
			left = append(left, moved)

			continue
		}

		moved.Date = date
		s.book(moved, evening)
	}

	s.Later = left
}
