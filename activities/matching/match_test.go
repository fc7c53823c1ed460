package matching_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/matching"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

const uuid1 = "1c8356b0e24442b2acc579cf1ae4d814"

// rulesTable is what each rule finds, and what it leaves.
func rulesTable() map[string]struct {
	payments []payment
	lines    []line
	change   func(*matching.Settings)
	want     []string
} {
	type setting = func(*matching.Settings)
	only := func(rules ...matching.Rule) setting { return func(s *matching.Settings) { s.Rules = rules } }
	return map[string]struct {
		payments []payment
		lines    []line
		change   func(*matching.Settings)
		want     []string
	}{
		"nothing": {},
		"the gateway's identifier, in whatever case, long after": {
			payments: []payment{{number: 1, uuid: uuid1, cents: 1000, day: 1}},
			lines:    []line{{number: 1, reference: "1C8356B0E24442B2ACC579CF1AE4D814", cents: 1000, day: 30, contract: contract2}},
			want:     []string{"1 1 reference"},
		},
		"the identifier, of another amount": {
			payments: []payment{{number: 1, uuid: uuid1, cents: 1000}},
			lines:    []line{{number: 1, reference: uuid1, cents: 1001}},
		},
		"the identifier, within the tolerance": {
			payments: []payment{{number: 1, uuid: uuid1, cents: 1000}},
			lines:    []line{{number: 1, reference: uuid1, cents: 998}},
			change:   func(s *matching.Settings) { s.Tolerance = 2 },
			want:     []string{"1 1 reference"},
		},
		"the identifier, at another shop's contract": {
			payments: []payment{{number: 1, uuid: uuid1, cents: 1000}},
			lines:    []line{{number: 1, reference: uuid1, cents: 1000, contract: contract3}},
		},
		"the identifier, the other way": {
			payments: []payment{{number: 1, uuid: uuid1, cents: 1}},
			lines:    []line{{number: 1, reference: uuid1, cents: -1}},
			change:   func(s *matching.Settings) { s.Tolerance = 5 },
		},
		"the authorisation": {
			payments: []payment{{number: 1, authorisation: "3fe4E9", cents: 1000}},
			lines:    []line{{number: 1, reference: "3FE4e9", cents: 1000, day: 22}},
			change:   only(matching.ByReference),
			want:     []string{"1 1 reference"},
		},
		"the authorisation, of another time": {
			payments: []payment{{number: 1, authorisation: "3fe4e9", cents: 1000}},
			lines:    []line{{number: 1, reference: "3fe4e9", cents: 1000, day: 23}},
		},
		"the authorisation, of two payments": {
			payments: []payment{{number: 1, authorisation: "3fe4e9", cents: 1000}, {number: 2, authorisation: "3fe4e9", cents: 1000}},
			lines:    []line{{number: 1, reference: "3fe4e9", cents: 1000}},
		},
		"no authorisation and no reference": {
			payments: []payment{{number: 1, cents: 1000}},
			lines:    []line{{number: 1, cents: 1000}},
			change:   only(matching.ByReference, matching.ByOrder),
		},
		"the order in the label": {
			payments: []payment{{number: 1, order: "TS2026-20260317-00000000007-2", cents: 1000, day: 1}},
			lines:    []line{{number: 1, label: "VENTE CB: TS2026-20260317-00000000007-2.", cents: 1000, day: 30, contract: contract2}},
			want:     []string{"1 1 order"},
		},
		"the order, as a part of a word": {
			payments: []payment{{number: 1, order: "TS2026", cents: 1000}},
			lines:    []line{{number: 1, label: "VENTE TS2026-1", cents: 1000}},
			change:   only(matching.ByOrder),
		},
		"the order, of two lines": {
			payments: []payment{{number: 1, order: "TS2026", cents: 1000}},
			lines:    []line{{number: 1, label: "A TS2026", cents: 1000}, {number: 2, label: "B TS2026", cents: 1000}},
		},
		"instalments of an order, by their amounts": {
			payments: []payment{
				{number: 1, order: "TS2026", uuid: "a", cents: 3333}, {number: 2, order: "TS2026", uuid: "b", cents: 3334},
			},
			lines: []line{{number: 1, label: "TS2026", cents: 3334}, {number: 2, label: "TS2026", cents: 3333}},
			want:  []string{"1 2 order", "2 1 order"},
		},
		"equal instalments of an order, by their days": {
			payments: []payment{
				{number: 1, order: "TS2026", uuid: "a", cents: 3333, day: 1}, {number: 2, order: "TS2026", uuid: "b", cents: 3333, day: 17},
			},
			lines: []line{{number: 1, label: "TS2026", cents: 3333, day: 18}, {number: 2, label: "TS2026", cents: 3333, day: 2}},
			want:  []string{"1 2 amount-date", "2 1 amount-date"},
		},
		"amount and day": {
			payments: []payment{{number: 1, cents: 1000, day: 17}, {number: 2, cents: 1000, day: 5}},
			lines:    []line{{number: 1, cents: 1000, day: 22}, {number: 2, cents: 1000, day: 5}},
			want:     []string{"1 1 amount-date", "2 2 amount-date"},
		},
		"amount, a day too late and a day too early": {
			payments: []payment{{number: 1, cents: 1000, day: 10}, {number: 2, cents: 2000, day: 10}},
			lines:    []line{{number: 1, cents: 1000, day: 16}, {number: 2, cents: 2000, day: 9}},
		},
		"amount and day, of two lines": {
			payments: []payment{{number: 1, cents: 1000}},
			lines:    []line{{number: 1, cents: 1000}, {number: 2, cents: 1000, day: 20}},
		},
		"amount and day, of two payments": {
			payments: []payment{{number: 1, cents: 1000}, {number: 2, cents: 1000, day: 15}},
			lines:    []line{{number: 1, cents: 1000}},
		},
		"amount and day, at the contract that the gateway tells": {
			payments: []payment{{number: 1, cents: 1000, contract: contract1}, {number: 2, cents: 1000, contract: contract2}},
			lines:    []line{{number: 1, cents: 1000, contract: contract2}, {number: 2, cents: 1000, contract: contract1}},
			want:     []string{"1 2 amount-date", "2 1 amount-date"},
		},
		"amount and day, where the gateway tells of none": {
			payments: []payment{{number: 1, cents: 1000}, {number: 2, cents: 1000, contract: contract2}},
			lines:    []line{{number: 1, cents: 1000, contract: contract2}},
		},
		"a stronger rule leaves no choice to a weaker one": {
			payments: []payment{{number: 1, cents: 1000, uuid: uuid1}, {number: 2, cents: 1000}},
			lines:    []line{{number: 1, cents: 1000, reference: uuid1}, {number: 2, cents: 1000}},
			want:     []string{"1 1 reference", "2 2 amount-date"},
		},
		"what is found by days leaves no choice by the order": {
			payments: []payment{
				{number: 1, order: "TS2026", uuid: "a", cents: 3333, day: 1}, {number: 2, order: "TS2026", uuid: "b", cents: 3333, day: 10},
			},
			lines: []line{{number: 1, label: "TS2026", cents: 3333, day: 2}, {number: 2, label: "TS2026", cents: 3333, day: 30}},
			want:  []string{"1 1 amount-date", "2 2 order"},
		},
		"a credit": {
			payments: []payment{{number: 1, cents: -500}, {number: 2, cents: 500}},
			lines:    []line{{number: 1, cents: 500}, {number: 2, cents: -500}},
			want:     []string{"1 2 amount-date", "2 1 amount-date"},
		},
		"what is no money, not in euros, or another shop's": {
			payments: []payment{
				{number: 1, cents: 1000, class: "PENDING", state: "PENDING"}, {number: 2, cents: 1000, class: "CANCELLED", state: "CANCELLED"},
				{number: 3, cents: 1000, class: "PAID", state: "CONTRADICTORY"}, {number: 4, cents: 1000, currency: "840"},
				{number: 5, cents: 1000, shop: kiosk}, {number: 6, cents: 1000, shop: idle}, {number: 7, cents: 1000, shop: "gone"},
			},
			lines: []line{{number: 1, cents: 1000}},
		},
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	for name, test := range rulesTable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.change != nil {
				test.change(&w.settings)
			}
			for _, p := range test.payments {
				w.payment(t, p)
			}
			for _, l := range test.lines {
				w.line(t, l)
			}
			require.Equal(t, len(test.want), w.match(t).Matched)
			require.ElementsMatch(t, test.want, w.matches(t))
			require.Zero(t, w.match(t).Matched, "once more")
			require.ElementsMatch(t, test.want, w.matches(t))
		})
	}
}

func TestWithoutContractsNothingIsMatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payment(t, payment{number: 1, cents: 1000, day: 1})
	w.line(t, line{number: 1, cents: 1000, day: 1})
	none := matching.New(matching.Parts{Pool: w.pool, Shops: []matching.Shop{{Name: idle}}, Settings: w.settings, Clock: now})
	result, err := w.try(t.Context(), none)
	require.NoError(t, err)
	require.Zero(t, result)
	require.Empty(t, w.matches(t))
}

// A payment that is cancelled keeps its line, and somebody is told.
func TestAPaymentThatIsNoneAnyMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payment(t, payment{number: 1, cents: 1000})
	w.payment(t, payment{number: 2, cents: 2000})
	w.line(t, line{number: 1, cents: 1000})
	require.Equal(t, 1, w.match(t).Matched)
	w.exec(t, `update payment set class = 'CANCELLED', state = 'CANCELLED'`)
	w.match(t)
	require.Equal(t, []string{"1 1 amount-date"}, w.matches(t))
	require.Equal(t, []string{"1"}, w.texts(t, `select number::text from payment where doubt like '%not paid any more%'`))
}

func TestWhatIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// Three business days after Friday the 13th, and after its weekend, is Wednesday the 18th; after Monday, today.
	for number, day := range []int{6, 13, 14, 15, 16, 17, 19} {
		w.payment(t, payment{number: int64(number + 1), cents: int64(1000 + number), day: day})
		w.line(t, line{number: int32(number + 1), cents: int64(2000 + number), day: 1, loaded: day})
	}
	w.payment(t, payment{number: 20, cents: 1, day: 1, shop: idle})
	result := w.match(t)
	require.Equal(t, activities.MatchPaymentsResult{LatePayments: 4, LateLines: 4}, result)

	w.settings.LateDays = 2
	require.Equal(t, 5, w.match(t).LatePayments)
	w.settings.LateDays = 0
	require.Equal(t, 6, w.match(t).LatePayments)
}

func TestOpenForms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := func(number int, age time.Duration, states ...string) {
		w.exec(t, `
			insert into payment_form (number, shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, shown_at)
			overriding system value values ($1, $2, '12345678', 'TEST', '2026-03-17', $3, 'o', 1, '978', 'SINGLE', $4)`,
			number, boutique, fmt.Sprintf("%06d", number), now().Add(-age))
		for i, state := range states {
			id := int64(10*number + i)
			w.payment(t, payment{number: id, cents: id, class: "PENDING", state: state, day: 19})
			w.exec(t, `update payment set form = $1, state = $2 where number = $3`, number, state, id)
		}
	}
	const day = 24 * time.Hour
	form(1, day+time.Minute)
	form(2, day-time.Minute)
	form(3, 40*day)
	form(4, 2*day, "PENDING")
	form(5, 2*day, "PENDING", "AUTHORISED")
	form(6, 2*day, "NOT_PAID")
	form(7, 2*day, "CANCELLED")
	require.Equal(t, 2, w.match(t).OpenForms)
}

func TestNotificationsAreHandled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payment(t, payment{number: 1, cents: 1000})
	for number, outcome := range []string{"ACCEPTED", "PENDING", "ACCEPTED"} {
		w.exec(t, `
			insert into payment_notification (number, shop, peer, received_at, outcome, level, sha256, event_key, payment)
			overriding system value values ($1::int, 'boutique', '194.50.38.1', $2, $3, 'INFO', sha256('x'), $1::int || '', 1)`,
			number+1, now(), outcome)
	}
	w.exec(t, `update payment_notification set handled_at = '2026-03-01' where number = 3`)
	w.match(t)
	require.Equal(t, []string{"1 2026-03-19", "2 ", "3 2026-03-01"}, w.texts(t, `
		select number || ' ' || coalesce((handled_at at time zone 'UTC')::date::text, '') from payment_notification order by number`))
}

// some are payments and lines of which each has one of the other.
func some(t testing.TB, w *world, count int) (want []string) {
	t.Helper()
	for number := 1; number <= count; number++ {
		w.payment(t, payment{number: int64(number), cents: int64(100 + number)})
		w.line(t, line{number: int32(count + 1 - number), cents: int64(100 + number)}) //nolint:gosec // small
		want = append(want, fmt.Sprintf("%d %d amount-date", number, count+1-number))
	}
	return want
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := some(t, w, 30)
	var lock sync.Mutex
	var all sync.WaitGroup
	sum := 0
	for range 4 {
		all.Go(func() {
			result, err := w.try(context.WithoutCancel(t.Context()), w.on(w.pool))
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				t.Error(err)
			}
			sum += result.Matched
		})
	}
	all.Wait()
	require.Equal(t, len(want), sum)
	require.ElementsMatch(t, want, w.matches(t))
}

func TestCutAtEachMessage(t *testing.T) {
	t.Parallel()
	for message := 1; ; message++ {
		w := newWorld(t)
		want := some(t, w, 3)
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := w.try(context.WithoutCancel(t.Context()), w.on(pool))
		w.match(t)
		require.ElementsMatch(t, want, w.matches(t), "cut at message %d", message)
		if !struck() {
			require.NoError(t, err)
			require.Greater(t, message, 15)
			return
		}
	}
}
