package payment

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/reglo/reglo/activities/payment/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/systempay"
)

const (
	// keepLimit is for all work on the database of one message: the gateway is
	// answered within a second, and sends again what was not kept.
	keepLimit = 900 * time.Millisecond
	// maxAttempts is how often a transaction is begun that PostgreSQL gave up for the
	// sake of another one, or whose connection turned out to be dead.
	maxAttempts = 3
)

// Codes of PostgreSQL's errors after which the same transaction may succeed.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	// adminShutdown is of connections from before a restart.
	adminShutdown = "57P01"
)

// Answer is what a message that came as a notification is answered, in every case.
type Answer struct {
	Status int    // of HTTP
	Text   string // a word, plain
	// Outcome is what became of it; empty where there is no such shop, and where
	// nothing is known because the database did not answer.
	Outcome systempay.Outcome
	// Reason is for a log: it holds nothing of a buyer's.
	Reason string
	// Order is that of a message that is the gateway's.
	Order string
	// Kept tells whether it is in the database: all is that is the gateway's and was
	// answered 200, and of what is refused the first ones of a minute.
	Kept bool
}

// Awaits tells whether a message to a shop may come from an address. Of another one
// nothing need be read: Take refuses it whatever it says.
func (d *Desk) Awaits(shop string, peer netip.Addr) bool {
	at, known := d.shops[shop]
	return known && at.Allows(peer)
}

// Take takes in a message that came as a notification to a shop, from an address,
// and gives the answer once all that it changes is safe. Taken twice, or twice at
// once, it changes nothing more. The error is for a log: it says why something is
// not kept, and holds nothing of the message.
func (d *Desk) Take(ctx context.Context, shop string, peer netip.Addr, body []byte) (Answer, error) {
	at, known := d.shops[shop]
	if !known {
		return Answer{Status: http.StatusNotFound, Text: "no such shop"}, ErrNoShop
	}
	ctx, cancel := context.WithTimeout(ctx, keepLimit)
	defer cancel()
	came := arrival{shop: at, peer: peer, at: d.clock(), sha256: sha256.Sum256(body)}
	if !peer.IsValid() {
		came.peer = netip.IPv4Unspecified() // a proxy named somebody whom nobody can read
	}
	if !at.Allows(peer) {
		return d.refuse(ctx, &came, &systempay.Refusal{
			Outcome: systempay.OutcomeForbidden,
			Reason:  "comes from an address that is in none of the shop's ranges",
		})
	}
	n, err := systempay.ParseNotification(body, at)
	if err != nil {
		refusal, is := errors.AsType[*systempay.Refusal](err)
		if !is {
			return unavailable(), fmt.Errorf("read a notification to shop %s: %w", shop, err)
		}
		return d.refuse(ctx, &came, refusal)
	}
	came.n = &n
	answer, err := d.keep(ctx, &came)
	if err != nil {
		return unavailable(), fmt.Errorf("keep a notification to shop %s: %w", shop, err)
	}
	return answer, nil
}

func unavailable() Answer {
	return Answer{Status: http.StatusServiceUnavailable, Text: "not kept: send it again"}
}

// arrival is a message, as it came.
type arrival struct {
	shop   *systempay.Shop
	peer   netip.Addr
	at     time.Time
	sha256 [sha256.Size]byte
	// n is what it says, nil when it is not believed.
	n *systempay.Notification
}

// refuse answers a message that is not believed. The answer is the same where it
// cannot be kept: it would be refused again.
func (d *Desk) refuse(ctx context.Context, came *arrival, refusal *systempay.Refusal) (Answer, error) {
	answer := Answer{
		Status: http.StatusBadRequest, Text: string(refusal.Outcome), Outcome: refusal.Outcome, Reason: reasonOf(refusal),
	}
	if refusal.Outcome == systempay.OutcomeForbidden {
		answer.Status = http.StatusForbidden
	}
	if !d.refusals.admit(came.shop.Name, refusal.Outcome, came.at) {
		return answer, nil
	}
	err := db.New(d.pool).KeepRefused(ctx, db.KeepRefusedParams{
		Shop: came.shop.Name, Peer: came.peer, ReceivedAt: came.at, Outcome: string(refusal.Outcome),
		Level: string(refusal.Outcome.Level()), Reason: answer.Reason, Sha256: came.sha256[:],
	})
	if err != nil {
		return answer, fmt.Errorf("keep a refused message to shop %s: %w", came.shop.Name, err)
	}
	answer.Kept = true
	return answer, nil
}

func reasonOf(refusal *systempay.Refusal) string {
	if refusal.Field == "" {
		return refusal.Reason
	}
	return refusal.Field + " " + refusal.Reason
}

// keep keeps what the gateway tells, in one transaction.
func (d *Desk) keep(ctx context.Context, came *arrival) (Answer, error) {
	for attempt := 1; ; attempt++ {
		ruled, err := d.attempt(ctx, came)
		if err == nil {
			return Answer{
				Status: http.StatusOK, Text: string(ruled.outcome), Outcome: ruled.outcome, Reason: ruled.reason,
				Order: came.n.OrderID, Kept: true,
			}, nil
		}
		if attempt == maxAttempts || ctx.Err() != nil || !passing(err) {
			return Answer{}, err
		}
	}
}

// passing tells errors after which the transaction is begun anew. One that was
// committed all the same is then found to be a repeated one.
func passing(err error) bool {
	return pgconn.SafeToRetry(err) || slices.ContainsFunc([]string{serializationFailure, deadlockDetected, adminShutdown},
		func(code string) bool { return postgres.IsCode(err, code) })
}

// attempt is one transaction.
func (d *Desk) attempt(ctx context.Context, came *arrival) (ruling, error) {
	event := came.n.Event()
	var ruled ruling
	// A statement is to see what was committed while it waited for the lock.
	err := pgx.BeginTxFunc(ctx, d.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		on := db.New(tx)
		if err := on.Lock(ctx, event.Transaction); err != nil {
			return fmt.Errorf("lock a transaction: %w", err)
		}
		known, err := on.Look(ctx, db.LookParams{
			ConflictKey: conflictKey(&event, came.n), Transaction: event.Transaction, EventKey: event.Key,
			SiteID: came.n.SiteID, Mode: string(came.n.Mode), UtcDay: dayOf(came.n.At), TransID: came.n.TransactionID,
			OrderID: came.n.OrderID,
		})
		if err != nil {
			return fmt.Errorf("look a transaction up: %w", err)
		}
		if ruled, err = rule(&known, &event, came.n); err != nil {
			return err
		}
		return ruled.write(ctx, on, came, &known)
	})
	if err != nil {
		return ruling{}, fmt.Errorf("transaction of a notification: %w", err)
	}
	return ruled, nil
}
