// Package payment keeps what is asked of the card payment gateway, and what it
// tells: forms before they are shown, and notifications before they are answered.
//
// What a buyer gives to the gateway (name, address) is kept nowhere, and is in no
// error.
package payment

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/domain/systempay"
)

// Parts are what a desk is made of.
type Parts struct {
	Pool  *pgxpool.Pool
	Clock func() time.Time
	// Shops have names that differ.
	Shops []systempay.Shop
}

// Desk begins payments, and takes in what becomes of them.
type Desk struct {
	pool     *pgxpool.Pool
	clock    func() time.Time
	shops    map[string]*systempay.Shop
	refusals refusals
}

// New makes a desk.
func New(parts Parts) *Desk {
	d := &Desk{pool: parts.Pool, clock: parts.Clock, shops: make(map[string]*systempay.Shop, len(parts.Shops))}
	for i := range parts.Shops {
		d.shops[parts.Shops[i].Name] = &parts.Shops[i]
	}
	return d
}

// ErrNoShop is of a name that no shop has.
var ErrNoShop = errors.New("no such shop: name one of the file of shops")
