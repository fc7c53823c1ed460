// Package debt is the register of créances: what a merchant owes the EP when
// refunds or unpaids exceed its balance, keyed by SIRET. The EP's own money
// fills the gap, never another client's.
package debt

import (
	"errors"
	"fmt"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// Debt is one créance. A merchant has one open debt at most; a new shortfall
// adds to it.
type Debt struct {
	Siret     string
	Initial   money.Cents
	Remaining money.Cents
	// CreatedAt identifies the debt among those of its SIRET, to the millisecond.
	CreatedAt time.Time
	// ModifiedAt is zero until the debt changes.
	ModifiedAt time.Time
}

// ErrAmount is a shortfall that is not positive.
var ErrAmount = errors.New("a shortfall is a positive amount")

// ErrAvailable is a balance below zero, which a CP must never have.
var ErrAvailable = errors.New("what a CP has available is not below zero: prove the books before anything else is taken from it")

// ErrPaid is a debt of which nothing remains to be written off.
var ErrPaid = errors.New("nothing remains of the debt: look its history up, it was paid or written off before")

// Shortfall is what a CP lacks: how far balance + in − out is below zero, and
// zero when it is not.
func Shortfall(balance, in, out money.Cents) (money.Cents, error) {
	end, err := balance.Add(in)
	if err != nil {
		return 0, fmt.Errorf("balance and receipts: %w", err)
	}
	end, err = end.Sub(out)
	if err != nil {
		return 0, fmt.Errorf("balance less outgoings: %w", err)
	}
	if end >= 0 {
		return 0, nil
	}
	return end.Neg(), nil
}

// Open makes the first debt of a merchant that has none open.
func Open(siret string, shortfall money.Cents, now time.Time) (Debt, error) {
	if shortfall <= 0 {
		return Debt{}, fmt.Errorf("open a debt of %s: %w", shortfall, ErrAmount)
	}
	return Debt{Siret: siret, Initial: shortfall, Remaining: shortfall, CreatedAt: now.Truncate(time.Millisecond)}, nil
}

// Increase adds a shortfall to an open debt.
func (d Debt) Increase(shortfall money.Cents, now time.Time) (Debt, error) {
	if shortfall <= 0 {
		return Debt{}, fmt.Errorf("increase %s by %s: %w", d, shortfall, ErrAmount)
	}
	initial, err := d.Initial.Add(shortfall)
	if err != nil {
		return Debt{}, fmt.Errorf("increase %s by %s: %w", d, shortfall, err)
	}
	remaining, err := d.Remaining.Add(shortfall)
	if err != nil {
		return Debt{}, fmt.Errorf("increase %s by %s: %w", d, shortfall, err)
	}
	d.Initial, d.Remaining = initial, remaining
	d.ModifiedAt = now.Truncate(time.Millisecond)
	return d, nil
}

// Recover takes back what it can of the debt, in cents, from the money that a
// CP of its merchant has available. A debt, or a CP, that has nothing left
// stays as it is, and taken is 0. The error is ErrAvailable.
func (d Debt) Recover(available money.Cents, now time.Time) (left Debt, taken money.Cents, err error) {
	if available < 0 {
		return Debt{}, 0, fmt.Errorf("recover %s from %s available: %w", d, available, ErrAvailable)
	}
	if taken = min(available, d.Remaining); taken <= 0 {
		return d, 0, nil
	}
	return d.less(taken, now), taken, nil
}

// WriteOff gives the debt up, by an operator's decision: written is the loss in
// cents, all that remained. The error is ErrPaid.
func (d Debt) WriteOff(now time.Time) (closed Debt, written money.Cents, err error) {
	if d.Remaining <= 0 {
		return Debt{}, 0, fmt.Errorf("write %s off: %w", d, ErrPaid)
	}
	return d.less(d.Remaining, now), d.Remaining, nil
}

func (d Debt) less(taken money.Cents, now time.Time) Debt {
	d.Remaining -= taken // between 0 and Remaining: it cannot overflow
	d.ModifiedAt = now.Truncate(time.Millisecond)
	return d
}

// Old tells whether something of the debt remains beyond twelve months, the
// longest that a credit granted in connection with payments may last (CMF
// L522-2). An increase does not begin the twelve months anew: the first
// shortfall is due first. Opened on 29 February, a debt is due on the 28th.
func (d Debt) Old(today calendar.Date) bool {
	opened := calendar.DateOf(d.CreatedAt)
	due, err := calendar.NewDate(opened.Year()+1, opened.Month(), opened.Day())
	if err != nil { // the year after has no 29 February
		due = opened.AddDays(daysAYear)
	}
	return d.Remaining > 0 && today.After(due)
}

// daysAYear leads from a 29 February to the 28th of the year after.
const daysAYear = 365

// String names the debt for an error, without its merchant.
func (d Debt) String() string {
	return fmt.Sprintf("the debt of %s opened at %s, of which %s remain", d.Initial, d.CreatedAt.Format(time.RFC3339), d.Remaining)
}
