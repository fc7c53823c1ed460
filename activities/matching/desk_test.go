package matching_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/activities/operator"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/vacation"
)

const settled = "00000120260317UEP"

func alice() activities.Answer { return activities.Answer{Actor: "alice", Reason: "same buyer"} }

// desk is one whose clock goes on.
func (w *world) desk() *matching.Desk {
	at := now()
	var lock sync.Mutex
	return matching.NewDesk(w.pool, operator.Actors{"alice"}, func() time.Time {
		lock.Lock()
		defer lock.Unlock()
		at = at.Add(time.Second)
		return at
	})
}

func requireRefused(t testing.TB, err error, says string) {
	t.Helper()
	failure, is := errors.AsType[*vacation.Failure](err)
	require.True(t, is, err)
	require.Equal(t, vacation.Refused, failure.Code)
	require.Contains(t, failure.Message, says)
}

func TestAnOperatorsMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.payment(t, payment{number: 1, cents: 1000})
	w.payment(t, payment{number: 2, cents: 1000})
	w.payment(t, payment{number: 3, cents: 1000, class: "PENDING", state: "PENDING"})
	w.payment(t, payment{number: 4, cents: -1000})
	w.line(t, line{number: 1, cents: 1000})
	w.line(t, line{number: 2, cents: 990})
	w.match(t)
	require.Empty(t, w.matches(t))
	desk := w.desk()

	_, err := desk.Match(ctx, 1, settled, 1, activities.Answer{Actor: "mallory", Reason: "r"})
	requireRefused(t, err, "mallory")
	_, err = desk.Match(ctx, 9, settled, 1, alice())
	requireRefused(t, err, "no payment 9")
	_, err = desk.Match(ctx, 1, settled, 9, alice())
	requireRefused(t, err, "line 9 of "+settled)
	_, err = desk.Match(ctx, 1, "00000920260317UEP", 1, alice())
	requireRefused(t, err, "line 1 of 00000920260317UEP")
	_, err = desk.Match(ctx, 3, settled, 1, alice())
	requireRefused(t, err, "PENDING")
	_, err = desk.Match(ctx, 4, settled, 1, alice())
	requireRefused(t, err, "gives back")
	_, err = desk.Unmatch(ctx, 1, alice())
	requireRefused(t, err, "no line")
	require.Empty(t, w.matches(t))

	decided, err := desk.Match(ctx, 1, settled, 1, alice())
	require.NoError(t, err)
	require.Equal(t, matching.Decision{Payment: 1, Reference: settled, Line: 1, Matched: true}, decided)
	decided, err = desk.Match(ctx, 1, settled, 1, alice())
	require.NoError(t, err)
	require.True(t, decided.Again)
	_, err = desk.Match(ctx, 1, settled, 2, alice())
	requireRefused(t, err, "unmatch it first")
	_, err = desk.Match(ctx, 2, settled, 1, alice())
	requireRefused(t, err, "unmatch that first")
	_, err = desk.Match(ctx, 2, settled, 2, alice())
	require.NoError(t, err, "of another amount")
	require.Equal(t, []string{"1 1 operator", "2 2 operator"}, w.matches(t))

	decided, err = desk.Unmatch(ctx, 1, alice())
	require.NoError(t, err)
	require.Equal(t, matching.Decision{Payment: 1, Reference: settled, Line: 1}, decided)
	w.match(t)
	require.Equal(t, []string{"2 2 operator"}, w.matches(t), "what was taken apart stays apart")
	_, err = desk.Match(ctx, 1, settled, 1, alice())
	require.NoError(t, err, "but for the operator")
	_, err = desk.Unmatch(ctx, 1, alice())
	require.NoError(t, err, "as often as they wish")

	require.Equal(t, []string{
		"match-payment|payment 1, line 1 of " + settled + "|alone|line of 10.00 for a payment of 10.00|alice|same buyer",
		"match-payment|payment 2, line 2 of " + settled + "|alone|line of 9.90 for a payment of 10.00|alice|same buyer",
		"unmatch-payment|payment 1, line 1 of " + settled + "|by operator|alone|alice|same buyer",
		"match-payment|payment 1, line 1 of " + settled + "|alone|line of 10.00 for a payment of 10.00|alice|same buyer",
		"unmatch-payment|payment 1, line 1 of " + settled + "|by operator|alone|alice|same buyer",
	}, w.texts(t, `select concat_ws('|', act, subject, before, after, actor, reason) from operator_act order by number`))
}

// What was taken apart leaves others a choice less.
func TestApartLeavesNoChoice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payment(t, payment{number: 1, cents: 1000})
	w.line(t, line{number: 1, cents: 1000})
	require.Equal(t, 1, w.match(t).Matched)
	_, err := w.desk().Unmatch(t.Context(), 1, alice())
	require.NoError(t, err)
	w.payment(t, payment{number: 2, cents: 1000})
	w.line(t, line{number: 2, cents: 1000})
	require.Zero(t, w.match(t).Matched, "line 2 may be of either")
	_, err = w.desk().Match(t.Context(), 1, settled, 2, alice())
	require.NoError(t, err)
	require.Equal(t, 1, w.match(t).Matched)
	require.Equal(t, []string{"1 2 operator", "2 1 amount-date"}, w.matches(t))
}

func TestTwoOperatorsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for number := int64(1); number <= 2; number++ {
		w.payment(t, payment{number: number, cents: 1000})
	}
	w.line(t, line{number: 1, cents: 1000})
	desk := w.desk()
	var all sync.WaitGroup
	var lock sync.Mutex
	fresh := 0
	for i := range 8 {
		all.Go(func() {
			decided, err := desk.Match(context.WithoutCancel(t.Context()), int64(1+i%2), settled, 1, alice())
			lock.Lock()
			defer lock.Unlock()
			if err == nil && !decided.Again {
				fresh++
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, fresh)
	require.Len(t, w.matches(t), 1)
	require.Equal(t, []string{"1"}, w.texts(t, `select count(*)::text from operator_act`))
}

func TestAnOperatorCutAtEachMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payment(t, payment{number: 1, cents: 1000})
	w.line(t, line{number: 1, cents: 1000})
	at := now()
	clock := func() time.Time { return at }
	for message := 1; ; message++ {
		at = at.Add(time.Minute)
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := matching.NewDesk(pool, operator.Actors{"alice"}, clock).Match(t.Context(), 1, settled, 1, alice())
		decided, again := w.desk().Match(t.Context(), 1, settled, 1, alice())
		require.NoError(t, again)
		require.True(t, decided.Matched)
		require.Equal(t, []string{"1 1 operator"}, w.matches(t), "cut at message %d", message)
		require.Equal(t, []string{"1"}, w.texts(t, `select count(*)::text from operator_act`))
		if !struck() {
			require.NoError(t, err)
			require.Greater(t, message, 8)
			return
		}
		w.exec(t, `update payment set matched = false`)
		w.exec(t, `update payment_line set matched = false`)
		w.exec(t, `delete from payment_match`)
		w.exec(t, `delete from operator_act`)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.payment(t, payment{number: 1, cents: 1000, day: 10, authorisation: "3fe4e9"})
	w.payment(t, payment{number: 2, cents: -500, day: 12})
	w.payment(t, payment{number: 3, cents: 700})
	w.line(t, line{number: 3, cents: 700})
	w.line(t, line{number: 1, cents: 999, label: "VENTE", reference: "r", loaded: 11})
	w.line(t, line{number: 2, cents: 998, loaded: 12})
	require.Equal(t, 1, w.match(t).Matched)

	payments, err := matching.Payments(ctx, w.pool, time.Time{})
	require.NoError(t, err)
	require.Len(t, payments, 2)
	require.EqualValues(t, 2, payments[0].Number)
	require.Equal(t, "3fe4e9", payments[1].Authorisation)
	payments, err = matching.Payments(ctx, w.pool, time.Date(2026, time.March, 11, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Len(t, payments, 1)

	lines, err := matching.Lines(ctx, w.pool, time.Time{})
	require.NoError(t, err)
	require.Len(t, lines, 2)
	require.Equal(t, settled, lines[0].Reference)
	require.Equal(t, "VENTE", lines[0].Label)
	lines, err = matching.Lines(ctx, w.pool, time.Date(2026, time.March, 12, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Len(t, lines, 1)

	w.exec(t, `
		insert into payment_form (shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, shown_at)
		values ('boutique', '12345678', 'TEST', '2026-03-01', '000001', 'ORDER', 1999, '978', 'SINGLE', '2026-03-01')`)
	forms, err := matching.Forms(ctx, w.pool, time.Time{}, now())
	require.NoError(t, err)
	require.Len(t, forms, 1)
	require.Equal(t, "ORDER", forms[0].Order)
	forms, err = matching.Forms(ctx, w.pool, now(), now())
	require.NoError(t, err)
	require.Empty(t, forms)
}
