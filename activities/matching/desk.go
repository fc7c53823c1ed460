package matching

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/matching/internal/db"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// The acts of the operators' journal.
const (
	actMatch   = "match-payment"
	actUnmatch = "unmatch-payment"
)

// Desk is where operators match what no rule does, and take apart what does not
// belong together. A decision commits with its row of the operators' journal.
// What is refused is a [*vacation.Failure], Refused, and changes nothing.
type Desk struct {
	pool   *pgxpool.Pool
	actors operator.Actors
	clock  func() time.Time
}

// NewDesk makes the desk. actors are those whose decisions are taken; clock gives
// the hour of a decision.
func NewDesk(pool *pgxpool.Pool, actors operator.Actors, clock func() time.Time) *Desk {
	return &Desk{pool: pool, actors: actors, clock: clock}
}

// Decision is a match that was made or undone.
type Decision struct {
	Payment   int64  `json:"payment"`   // its number
	Reference string `json:"reference"` // of the line's settlement
	Line      int    `json:"line"`
	Matched   bool   `json:"matched"`
	// Again tells that it was so before, and nothing was changed.
	Again bool `json:"again"`
}

// Match says that a line of a settlement settles a payment. Their amounts may
// differ, as a bank's may; their directions may not.
func (d *Desk) Match(ctx context.Context, payment int64, reference string, line int, by activities.Answer) (Decision, error) {
	decided := Decision{Payment: payment, Reference: reference, Line: line, Matched: true}
	err := d.decide(ctx, payment, by, func(tx pgx.Tx, known db.LockPaymentRow) error {
		queries := db.New(tx)
		wanted, err := queries.LockLine(ctx, reference, int32(line)) //nolint:gosec // a line that is no line is not found
		if errors.Is(err, pgx.ErrNoRows) {
			return refused("line %d of %s is no card line of a shop: `starter systempay unmatched --lines` lists them", line, reference)
		}
		if err != nil {
			return fmt.Errorf("read line %d of %s: %w", line, reference, err)
		}
		if known.Matched {
			decided.Again, err = d.same(ctx, queries, payment, wanted.Settlement, line)
			return err
		}
		if err := fits(payment, &known, reference, line, &wanted); err != nil {
			return err
		}
		if err := d.join(ctx, queries, payment, wanted.Settlement, int32(line), by); err != nil { //nolint:gosec // it was found
			return err
		}
		return d.record(ctx, tx, actMatch, decided, "alone", fmt.Sprintf("line of %s for a payment of %s",
			money.Cents(wanted.AmountCents), money.Cents(known.AmountUnits)), by)
	})
	if err != nil {
		return Decision{}, fmt.Errorf("match payment %d: %w", payment, err)
	}
	return decided, nil
}

// Unmatch says that the line of a payment does not settle it. No rule puts the
// two together again.
func (d *Desk) Unmatch(ctx context.Context, payment int64, by activities.Answer) (Decision, error) {
	decided := Decision{Payment: payment}
	err := d.decide(ctx, payment, by, func(tx pgx.Tx, known db.LockPaymentRow) error {
		if !known.Matched {
			return refused("payment %d has no line", payment)
		}
		queries := db.New(tx)
		match, err := queries.MatchOf(ctx, payment)
		if err != nil {
			return fmt.Errorf("read its match: %w", err)
		}
		decided.Reference, decided.Line = match.Reference, int(match.Line)
		if err := queries.DeleteMatch(ctx, payment); err != nil {
			return fmt.Errorf("undo it: %w", err)
		}
		if err := queries.KeepApart(ctx, payment, match.Settlement, match.Line); err != nil {
			return fmt.Errorf("keep them apart: %w", err)
		}
		if err := mark(ctx, queries, false, payment, match.Settlement, match.Line); err != nil {
			return err
		}
		return d.record(ctx, tx, actUnmatch, decided, "by "+match.Rule, "alone", by)
	})
	if err != nil {
		return Decision{}, fmt.Errorf("unmatch payment %d: %w", payment, err)
	}
	return decided, nil
}

// decide takes a decision on a payment while nobody else matches anything.
func (d *Desk) decide(ctx context.Context, payment int64, by activities.Answer, take func(pgx.Tx, db.LockPaymentRow) error) error {
	if err := d.actors.Check(by.Actor); err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error { //nolint:wrapcheck // the caller names the payment
		queries := db.New(tx)
		if err := queries.LockMatches(ctx); err != nil {
			return fmt.Errorf("wait for who matches: %w", err)
		}
		known, err := queries.LockPayment(ctx, payment)
		if errors.Is(err, pgx.ErrNoRows) {
			return refused("there is no payment %d: `starter systempay unmatched` lists them", payment)
		}
		if err != nil {
			return fmt.Errorf("read it: %w", err)
		}
		return take(tx, known)
	})
}

// same tells whether the payment has that line already.
func (d *Desk) same(ctx context.Context, queries *db.Queries, payment int64, settlement int32, line int) (bool, error) {
	match, err := queries.MatchOf(ctx, payment)
	if err != nil {
		return false, fmt.Errorf("read its match: %w", err)
	}
	if match.Settlement != settlement || int(match.Line) != line {
		return false, refused("payment %d has line %d of %s: unmatch it first", payment, match.Line, match.Reference)
	}
	return true, nil
}

// fits is nil for a line that may settle a payment.
func fits(payment int64, known *db.LockPaymentRow, reference string, number int, line *db.LockLineRow) error {
	switch {
	case !known.Settles:
		return refused("payment %d is %s: only what is paid, in euros, has a line", payment, known.Status)
	case line.Matched:
		return refused("line %d of %s has a payment already: unmatch that first", number, reference)
	case (known.AmountUnits > 0) != (line.AmountCents > 0):
		return refused("payment %d is of %s, line %d of %s of %s: one pays and the other gives back",
			payment, money.Cents(known.AmountUnits), number, reference, money.Cents(line.AmountCents))
	default:
		return nil
	}
}

func (d *Desk) join(ctx context.Context, queries *db.Queries, payment int64, settlement, line int32, by activities.Answer) error {
	err := queries.InsertMatch(ctx, db.InsertMatchParams{
		Payment: payment, Settlement: settlement, Line: line, Rule: byOperator, Actor: by.Actor, MatchedAt: d.now(),
	})
	if err != nil {
		return fmt.Errorf("keep the match: %w", err)
	}
	return mark(ctx, queries, true, payment, settlement, line)
}

// mark says of both whether they have each other.
func mark(ctx context.Context, queries *db.Queries, matched bool, payment int64, settlement, line int32) error {
	if err := queries.MarkPayment(ctx, matched, payment); err != nil {
		return fmt.Errorf("mark the payment: %w", err)
	}
	if err := queries.MarkLine(ctx, matched, settlement, line); err != nil {
		return fmt.Errorf("mark the line: %w", err)
	}
	return nil
}

// record writes the operators' journal. Each decision is a new one: what repeats
// another has come no further than to find it.
func (d *Desk) record(ctx context.Context, tx pgx.Tx, act string, decided Decision, before, after string, by activities.Answer) error {
	subject := fmt.Sprintf("payment %d, line %d of %s", decided.Payment, decided.Line, decided.Reference)
	by.ID = act + "/" + strconv.FormatInt(decided.Payment, 10) + "/" + decided.Reference + "/" + strconv.Itoa(decided.Line) + "/" +
		strconv.FormatInt(d.clock().UnixNano(), 10)
	_, err := d.actors.Record(ctx, tx, operator.Act{
		Act: act, Subject: subject, Before: before, After: after, Answer: by, At: d.now(),
	})
	if err != nil {
		return fmt.Errorf("write it down: %w", err)
	}
	return nil
}

func (d *Desk) now() time.Time { return d.clock().Truncate(time.Millisecond) }

func refused(format string, arguments ...any) error {
	return vacation.Fail(vacation.Refused, format, arguments...)
}
