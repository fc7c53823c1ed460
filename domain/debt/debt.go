// Package debt is the register of créances: what a merchant owes the EP when
// refunds or unpaids exceed its balance, keyed by SIRET. The EP's own money
// fills the gap, never another client's.
package debt

import (
	"errors"
	"fmt"
	"time"

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
		return Debt{}, fmt.Errorf("debt of %s: %s: %w", siret, shortfall, ErrAmount)
	}
	return Debt{Siret: siret, Initial: shortfall, Remaining: shortfall, CreatedAt: now.Truncate(time.Millisecond)}, nil
}

// Increase adds a shortfall to an open debt.
func (d Debt) Increase(shortfall money.Cents, now time.Time) (Debt, error) {
	if shortfall <= 0 {
		return Debt{}, fmt.Errorf("debt of %s: %s: %w", d.Siret, shortfall, ErrAmount)
	}
	initial, err := d.Initial.Add(shortfall)
	if err != nil {
		return Debt{}, fmt.Errorf("debt of %s: %w", d.Siret, err)
	}
	remaining, err := d.Remaining.Add(shortfall)
	if err != nil {
		return Debt{}, fmt.Errorf("debt of %s: %w", d.Siret, err)
	}
	d.Initial, d.Remaining = initial, remaining
	d.ModifiedAt = now.Truncate(time.Millisecond)
	return d, nil
}
