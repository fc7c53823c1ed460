package erp_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/postgres/pgtest"
)

// card is a card payment with its form.
type card struct {
	shop, piece, thirdParty string
	cents                   int64
	day                     string
	class, state, currency  string
	doubt                   string
}

// card makes a payment of that number, and its form.
func (w *world) card(t testing.TB, number int, c card) {
	t.Helper()
	operation := "DEBIT"
	if c.cents < 0 {
		operation = "CREDIT"
	}
	for field, ordinary := range map[*string]string{
		&c.shop: "boutique", &c.day: today, &c.class: "PAID", &c.state: "AUTHORISED", &c.currency: "978",
	} {
		if *field == "" {
			*field = ordinary
		}
	}
	prefix := ""
	if c.piece != "" {
		prefix = "FA"
	}
	w.exec(t, `
		insert into payment_form (number, shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, invoice_prefix,
		                          invoice_piece, third_party, shown_at)
		overriding system value values ($1, $2, '12345678', 'TEST', $3::text::date, $4, 'o', 1, '978', 'SINGLE', $5, $6, $7, now())`,
		number, c.shop, c.day, fmt.Sprintf("%06d", number), prefix, c.piece, c.thirdParty)
	w.exec(t, `
		insert into payment (number, key, shop, site_id, mode, order_id, form, operation, sequence, customer, state, status, class, amount_units,
		                     currency, paid_at, first_at, changed_at, doubt)
		overriding system value
		values ($1::int, '12345678:TEST:' || $1::int, $2, '12345678', 'TEST', 'o', $1::int, $3, 1, '', $4, $4, $5, $6, $7,
		        $8::text::date + interval '12 hours', $8::text::date, $8::text::date, $9)`,
		number, c.shop, operation, c.state, c.class, c.cents, c.currency, c.day, c.doubt)
}

// payers are the shops whose payments are posted.
func (w *world) payers() {
	w.settings.Payers = map[string]string{"boutique": "C0000007", "kiosk": ""}
}

// paid are the postings of payments.
func (w *world) paid(t testing.TB) []string {
	t.Helper()
	return w.texts(t, `
		select concat_ws(' ', reference, attempt, third_party, direction, means, amount_cents, piece_prefix || piece, posting_date, state)
		from erp_posting where kind = 'PAYMENT' order by reference, attempt`)
}

func TestWhichPaymentsArePlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payers()
	for i, c := range []card{
		{piece: "1001", cents: 1999},
		{piece: "1002", cents: 500, thirdParty: "C0000099", state: "CAPTURED"},
		{piece: "1003", cents: -300},
		{piece: "1004", cents: 100, shop: "kiosk"},
		{piece: "", cents: 100},
		{piece: "1006", cents: 100, shop: "closed"},
		{piece: "1007", cents: 100, day: yesterday},
		{piece: "1008", cents: 100, class: "PENDING", state: "PENDING"},
		{piece: "1009", cents: 100, class: "CANCELLED", state: "CANCELLED"},
		{piece: "1010", cents: 100, currency: "840"},
		{piece: "1011", cents: 100, doubt: "another amount"},
		{piece: "1012", cents: 100, class: "PAID", state: "CONTRADICTORY"},
	} {
		w.card(t, i+1, c)
	}
	want := []string{
		"12345678:TEST:1 1 C0000007 1 card 1999 FA1001 2026-03-17 PREPARED",
		"12345678:TEST:2 1 C0000099 1 card 500 FA1002 2026-03-17 PREPARED",
		"12345678:TEST:3 1 C0000007 2 card 300 FA1003 2026-03-17 PREPARED",
		"12345678:TEST:4 1  1 card 100 FA1004 2026-03-17 INVALID",
	}
	require.Equal(t, len(want), w.plan(t))
	require.Equal(t, want, w.paid(t))
	require.Equal(t, 1, w.waker.times())
	require.Zero(t, w.plan(t), "a payment is told once")
	require.Equal(t, want, w.paid(t))

	// What was captured since is told already; what is paid only now is not.
	w.exec(t, `update payment set state = 'CAPTURED', status = 'CAPTURED' where number = 1`)
	w.exec(t, `update payment set state = 'AUTHORISED', class = 'PAID' where number = 8`)
	require.Equal(t, 1, w.plan(t))
	require.Contains(t, w.paid(t), "12345678:TEST:8 1 C0000007 1 card 100 FA1008 2026-03-17 PREPARED")
}

// A payment that is not what the ERP was told is somebody's to look at.
func TestAPaymentThatIsNotWhatWasTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payers()
	w.card(t, 1, card{piece: "1001", cents: 1999})
	w.card(t, 2, card{piece: "1002", cents: 100, shop: "kiosk"})
	w.card(t, 3, card{cents: 100})
	w.card(t, 4, card{piece: "1004", cents: 500})
	w.card(t, 5, card{piece: "1005", cents: -500})
	require.Equal(t, 4, w.plan(t))
	w.exec(t, `update payment set state = 'CAPTURED', amount_units = 400 where number = 4`)
	w.exec(t, `update payment set state = 'CAPTURED' where number = 5`)
	require.Zero(t, w.plan(t))
	require.Equal(t, []string{"4"}, w.texts(t, `select number::text from payment where doubt like '%the ERP was told%'`))
	w.exec(t, `update payment set class = 'CANCELLED', state = 'CANCELLED'`)
	require.Zero(t, w.plan(t))
	require.Equal(t, []string{"1", "4", "5"}, w.texts(t, `select number::text from payment where doubt like '%the ERP was told%' order by number`))
}

func TestPaymentsReachTheERP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payers()
	w.card(t, 1, card{piece: "1001", cents: 1999})
	w.card(t, 2, card{piece: "1002", cents: 100, shop: "kiosk"})
	w.card(t, 3, card{piece: "1003", cents: -300})
	require.Equal(t, 3, w.plan(t))
	w.drive(t)
	w.prove(t)
	require.Equal(t, []string{
		"12345678:TEST:1 1 C0000007 1 card 1999 FA1001 2026-03-17 ACCEPTED",
		"12345678:TEST:2 1  1 card 100 FA1002 2026-03-17 INVALID",
		// The table of states says nothing of card payments that are given back.
		"12345678:TEST:3 1 C0000007 2 card 300 FA1003 2026-03-17 INVALID",
	}, w.paid(t))
}

func TestPlanningPaymentsTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payers()
	const count = 40
	for number := 1; number <= count; number++ {
		w.card(t, number, card{piece: "1001", cents: int64(number)})
	}
	var lock sync.Mutex
	var all sync.WaitGroup
	sum := 0
	for range 6 {
		all.Go(func() {
			result, err := call[activities.PlanPostingsResult](t.Context(), w.on(w.pool), activities.PlanPostingsName, nil)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				t.Error(err)
			}
			sum += result.Planned
		})
	}
	all.Wait()
	require.Equal(t, count, sum)
	require.Len(t, w.paid(t), count)
}

func TestPlanningPaymentsCutAtEachMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payers()
	for message := 1; ; message++ {
		w.card(t, message, card{piece: "1001", cents: 100})
		pool, struck := pgtest.Cut(t, w.pool, message)
		_, err := call[activities.PlanPostingsResult](t.Context(), w.on(pool), activities.PlanPostingsName, nil)
		w.plan(t)
		require.Len(t, w.paid(t), message, "cut at message %d", message)
		if !struck() {
			require.NoError(t, err)
			require.Greater(t, message, 10)
			return
		}
	}
}

func TestRetryingAPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.payers()
	w.card(t, 1, card{piece: "1001", cents: 1999, shop: "kiosk"})
	require.Equal(t, 1, w.plan(t))
	var number int64
	require.NoError(t, w.pool.QueryRow(t.Context(), `select number from erp_posting`).Scan(&number))
	retry := func() error {
		desk := &erp.Desk{Pool: w.pool, Settings: w.settings, Waker: w.waker, Actors: []string{"alice"}, Clock: now}
		_, err := desk.Retry(t.Context(), []int64{number}, activities.Answer{Actor: "alice", Reason: "now it has one"})
		return err
	}
	require.ErrorContains(t, retry(), "third_party")
	w.settings.Payers["kiosk"] = "C0000008"
	w.exec(t, `update payment set doubt = 'another amount'`)
	require.ErrorContains(t, retry(), "in doubt")
	w.exec(t, `update payment set doubt = ''`)
	w.exec(t, `update payment set amount_units = 1500`)
	require.Zero(t, w.plan(t), "the ERP was told of nothing yet")
	require.NoError(t, retry())
	require.Zero(t, w.plan(t))
	require.Equal(t, []string{""}, w.texts(t, `select doubt from payment`))
	require.Equal(t, []string{
		"12345678:TEST:1 1  1 card 1999 FA1001 2026-03-17 INVALID",
		"12345678:TEST:1 2 C0000008 1 card 1500 FA1001 2026-03-17 PREPARED",
	}, w.paid(t))
}
