package matching

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/matching/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
)

const (
	// sliceOf is how many payments one transaction looks at: some tenths of a
	// second, for which an operator's own match waits.
	sliceOf = 5_000
	// newsAtOnce is how many notifications one call deals with.
	newsAtOnce = 50_000
	// formOpen is how long a buyer may take at the gateway's page, and be told of.
	formOpen = 24 * time.Hour
	// formCounted is for how long a form without an end is counted: many buyers just
	// leave, and nobody is to look for them for ever.
	formCounted = 31 * 24 * time.Hour
)

// lost is what an operator is to know of a payment that is none any more.
const lost = "matched with a card line, and not paid any more: look it up in SystemPay's back office, and at the line"

// MatchPayments applies each rule once to all that has no match. What a rule
// finds may leave others without a choice: the caller calls again until nothing
// is found. One call at a time does so, whoever else waits.
func (a *Activities) MatchPayments(
	ctx context.Context, request activities.MatchPaymentsRequest,
) (activities.MatchPaymentsResult, error) {
	if len(a.contracts) == 0 {
		return activities.MatchPaymentsResult{}, nil
	}
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	result, err := a.inTurn(ctx, request.Date)
	if err != nil {
		return activities.MatchPaymentsResult{}, activities.Failed("match payments with card lines", err)
	}
	return result, nil
}

// inTurn matches on the connection that keeps other calls waiting.
func (a *Activities) inTurn(ctx context.Context, date calendar.Date) (activities.MatchPaymentsResult, error) {
	turn, err := postgres.TakeTurn(ctx, a.pool,
		func(ctx context.Context, conn *pgxpool.Conn) error { return db.New(conn).LockRound(ctx) },
		func(ctx context.Context, conn *pgxpool.Conn) error { return db.New(conn).UnlockRound(ctx) })
	if err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("wait for who matches: %w", err)
	}
	defer turn.End(ctx)
	return a.match(ctx, turn.Conn, date)
}

func (a *Activities) match(ctx context.Context, conn *pgxpool.Conn, date calendar.Date) (activities.MatchPaymentsResult, error) {
	queries := db.New(conn)
	// Read first: what comes while the rules are applied is the next call's.
	news, err := queries.NewNotifications(ctx, newsAtOnce)
	if err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("read notifications: %w", err)
	}
	if err := queries.DoubtLost(ctx, lost); err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("look for payments that are none any more: %w", err)
	}
	matched := 0
	for _, rule := range a.settings.Rules {
		found, err := a.apply(ctx, conn, rule)
		if err != nil {
			return activities.MatchPaymentsResult{}, fmt.Errorf("rule %s: %w", rule, err)
		}
		matched += found
	}
	if err := queries.Handled(ctx, a.now(), news); err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("mark notifications: %w", err)
	}
	result, err := a.count(ctx, queries, date)
	result.Matched, result.Left = matched, matched > 0 || len(news) == newsAtOnce
	return result, err
}

// apply applies a rule to all payments without a line, slice by slice.
func (a *Activities) apply(ctx context.Context, conn *pgxpool.Conn, rule Rule) (int, error) {
	matched := 0
	for after := int64(0); ; {
		upto, err := db.New(conn).SliceEnd(ctx, after, sliceOf)
		if err != nil {
			return 0, fmt.Errorf("find the next payments: %w", err)
		}
		if upto == 0 {
			return matched, nil
		}
		found, err := a.applyTo(ctx, conn, rule, after, upto)
		if err != nil {
			return 0, fmt.Errorf("payments %d to %d: %w", after+1, upto, err)
		}
		matched += int(found)
		after = upto
	}
}

func (a *Activities) applyTo(ctx context.Context, conn *pgxpool.Conn, rule Rule, after, upto int64) (found int64, err error) {
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if err := queries.LockMatches(ctx); err != nil {
			return fmt.Errorf("wait for operators' matches: %w", err)
		}
		if err := queries.PreferIndexes(ctx); err != nil {
			return fmt.Errorf("set up the search: %w", err)
		}
		found, err = a.find(ctx, queries, rule, after, upto)
		return err
	})
	return found, err
}

// find matches what the rule leaves no choice for.
func (a *Activities) find(ctx context.Context, queries *db.Queries, rule Rule, after, upto int64) (found int64, err error) {
	tolerance, days := int64(a.settings.Tolerance), int32(a.settings.Days) //nolint:gosec // a setting of few days
	switch rule {
	case ByReference:
		found, err = queries.MatchReferences(ctx, db.MatchReferencesParams{
			Shops: a.shops, Contracts: a.contracts, Days: days, Tolerance: tolerance, After: after, Upto: upto, MatchedAt: a.now(),
		})
	case ByOrder:
		found, err = queries.MatchOrders(ctx, db.MatchOrdersParams{
			Shops: a.shops, Contracts: a.contracts, Tolerance: tolerance, After: after, Upto: upto, MatchedAt: a.now(),
		})
	case ByAmount:
		found, err = queries.MatchAmounts(ctx, db.MatchAmountsParams{
			Shops: a.shops, Contracts: a.contracts, Days: days, Tolerance: tolerance, After: after, Upto: upto, MatchedAt: a.now(),
		})
	default:
		return 0, fmt.Errorf("there is no rule %q", rule)
	}
	if err != nil {
		return 0, fmt.Errorf("match: %w", err)
	}
	return found, nil
}

// count counts what is alone.
func (a *Activities) count(ctx context.Context, queries *db.Queries, date calendar.Date) (activities.MatchPaymentsResult, error) {
	before := a.lateBefore(date)
	payments, err := queries.LatePayments(ctx, a.shops, before)
	if err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("count late payments: %w", err)
	}
	lines, err := queries.LateLines(ctx, a.contracts, before)
	if err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("count late lines: %w", err)
	}
	now := a.now()
	forms, err := queries.OpenForms(ctx, now.Add(-formCounted), now.Add(-formOpen))
	if err != nil {
		return activities.MatchPaymentsResult{}, fmt.Errorf("count open forms: %w", err)
	}
	return activities.MatchPaymentsResult{LatePayments: int(payments), LateLines: int(lines), OpenForms: int(forms)}, nil
}

// lateBefore is the instant before which what has no match on that day is late:
// the business days that it may take are over.
func (a *Activities) lateBefore(date calendar.Date) time.Time {
	day := date
	for !calendar.Add(a.calendar, day, a.settings.LateDays).Before(date) {
		day = day.AddDays(-1)
	}
	return day.AddDays(1).Midnight()
}
