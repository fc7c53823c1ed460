package remittances_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/activities/remittances"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
	"github.com/reglo/reglo/domain/vacation"
)

const (
	first  = "MONEXTEUR20260317001"
	second = "MONEXTEUR20260317002"
	own    = "MONEXTINT202603170001"
)

func TestPayoutsGoToTheBankInBulks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 7, "2026-03-18")
	w.pay(t, 5, today)

	remitted := must[activities.RemitResult](t, w, activities.RemitName, w.run)
	require.Equal(t, activities.RemitResult{Bulks: 2, Orders: 12, Sum: 28 + 15, Done: true}, remitted)
	require.Equal(t, money.Cents(120_43), w.canton(t), "clients' money, what is not remitted yet among it")
	want := []string{
		first + " PAYOUT PREPARED 5 15 2026-03-17 never attempted PREPARED ",
		second + " PAYOUT PREPARED 7 28 2026-03-18 never attempted PREPARED ",
		own + " CANTONNEMENT PREPARED 1 12043 2026-03-17 never attempted PREPARED",
	}
	require.Equal(t, want, w.facts(t))
	events := w.number(t, `select last_seq from vacation`)
	require.Equal(t, remitted, must[activities.RemitResult](t, w, activities.RemitName, w.run))
	require.Equal(t, events, w.number(t, `select last_seq from vacation`))
	require.EqualValues(t, 3, w.number(t, `select count(*) from event where type = 'create-transfer'`))

	for range 2 {
		require.Equal(t, activities.DispatchResult{Sent: 3}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	}
	require.Equal(t, []string{own, first, second}, w.bank.order, "own transfers first")
	require.Equal(t, []string{
		first + " PAYOUT SENT 5 15 2026-03-17 attempted SENT ", second + " PAYOUT SENT 7 28 2026-03-18 attempted SENT ",
		own + " CANTONNEMENT SENT 1 12043 2026-03-17 attempted SENT",
	}, w.facts(t))

	canton := w.bank.read(t, own)
	require.Len(t, canton.Blocks, 1)
	require.Equal(t, epBank().Reglement.IBAN, canton.Blocks[0].Debtor.IBAN)
	require.Equal(t, epBank().Cantonnement.IBAN, canton.Blocks[0].Payments[0].Creditor.IBAN)
	require.Equal(t, own, canton.Blocks[0].Payments[0].EndToEndID)
	payouts := w.bank.read(t, first)
	require.Equal(t, money.Cents(15), payouts.Sum)
	require.Equal(t, 5, payouts.Count)
	w.prove(t)
}

// canton orders a transfer of the EP's own.
func (w *world) canton(t testing.TB) money.Cents {
	t.Helper()
	ordered := must[money.Cents](t, w, activities.CantonName, w.run)
	require.EqualValues(t, ordered, w.number(t, `select amount_cents from transfer_order`))
	return ordered
}

func TestWhatAChannelCanDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults   []fault
		fails    bool
		want     activities.DispatchResult
		accepted int
		state    string
	}{
		"sent":                          {nil, false, activities.DispatchResult{Sent: 1}, 1, "SENT 3 6 2026-03-17 attempted SENT "},
		"fails before":                  {[]fault{failsBefore}, true, activities.DispatchResult{Sent: 1}, 1, "SENT 3 6 2026-03-17 attempted SENT "},
		"accepted, the answer lost":     {[]fault{failsAfter}, false, activities.DispatchResult{Sent: 1}, 1, "SENT 3 6 2026-03-17 attempted SENT "},
		"lost, and known to be":         {[]fault{losesIt}, true, activities.DispatchResult{Sent: 1}, 1, "SENT 3 6 2026-03-17 attempted SENT "},
		"nobody knows, and it has none": {[]fault{unknown}, false, activities.DispatchResult{Unknown: 1}, 0, "UNKNOWN 3 6 2026-03-17 attempted UNKNOWN "},
		"nobody knows, and it has it":   {[]fault{unknownTaken}, false, activities.DispatchResult{Unknown: 1}, 1, "UNKNOWN 3 6 2026-03-17 attempted UNKNOWN "},
		"refused":                       {[]fault{rejects}, false, activities.DispatchResult{Rejected: 1}, 0, "REJECTED 3 6 2026-03-17 attempted REJECTED MS03"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.pay(t, 3, today)
			must[activities.RemitResult](t, w, activities.RemitName, w.run)
			w.bank.faults = test.faults
			result, err := call[activities.DispatchResult](t.Context(), w.pool, w.on(w.pool), activities.DispatchName, w.run)
			if test.fails {
				require.ErrorContains(t, err, "the bank does not answer")
				require.Equal(t, []string{first + " PAYOUT PREPARED 3 6 2026-03-17 never attempted PREPARED "}, w.facts(t))
			} else {
				require.NoError(t, err)
				require.Equal(t, test.want, result)
			}
			for range 2 {
				require.Equal(t, test.want, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
			}
			require.Equal(t, []string{first + " PAYOUT " + test.state}, w.facts(t))
			require.Equal(t, test.accepted, w.bank.accepted[first])
			w.prove(t)
		})
	}
}

func TestARefusedBulkGivesItsMoneyBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 1_100, today) // three slices
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.bank.faults = []fault{rejects}
	require.Equal(t, activities.DispatchResult{Rejected: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	w.prove(t)
	require.Zero(t, w.number(t, `select coalesce(sum(credit_cents - debit_cents), 0) from account where class = 'TR.OUT'`))
	require.EqualValues(t, 1_100, w.number(t, `select count(*) from payout where state = 'REJECTED' and reason = 'MS03' and settled_at is not null`))
	require.EqualValues(t, 1_100, w.number(t, `select sum(rendered) from event_block`))
	require.EqualValues(t, 366, w.number(t, `select count(*) from event where type = 'create-rejected-order'`))
	require.EqualValues(t, 366, w.number(t, `select count(*) from payline_line where outcome = 'RJCT' and reject_code = 'MS03'`))
	require.EqualValues(t, 3, w.number(t, `select count(*) from batch where step = 'not-sent'`))
	require.Equal(t, w.number(t, `select count(*) from event`)+1_100, w.number(t, `select last_seq from vacation`))
}

func TestARefusedOwnTransferIsTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 4, today)
	w.canton(t)
	w.bank.faults = []fault{rejects}
	require.Equal(t, activities.DispatchResult{Rejected: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	require.Equal(t, []string{own + " CANTONNEMENT REJECTED 1 4010 2026-03-17 attempted REJECTED"}, w.facts(t), "the payouts are not remitted")
	require.Zero(t, w.number(t, `select count(*) from account where class = 'TR.INT' and credit_cents <> debit_cents`))
	w.prove(t)

	// A shortfall must be covered all the same: by the next run, not by this one again and again.
	w = newWorld(t)
	w.cover(t, 30_00)
	w.prove(t)
	w.bank.faults = []fault{rejects}
	require.Equal(t, activities.DispatchResult{Rejected: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	require.Equal(t, []string{
		own + " COVER REJECTED 1 3000 2026-03-17 attempted REJECTED",
		"MONEXTINT202603170002 COVER PREPARED 1 3000 2026-03-17 never attempted PREPARED",
	}, w.facts(t))
	w.prove(t)
	require.Equal(t, activities.DispatchResult{Rejected: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	_, err := w.pool.Exec(t.Context(), `update vacation set state = 'ENDED', ended_at = now() where number = $1`, w.run.Number)
	require.NoError(t, err)
	next := w.newRun(t, vacation.Financiere, "2026-03-18")
	require.Equal(t, activities.DispatchResult{Sent: 1, Rejected: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, next))
	w.prove(t)
}

// cover has a règlement order a cover of a shortfall.
func (w *world) cover(t testing.TB, amount money.Cents) {
	t.Helper()
	reglement := w.newRun(t, vacation.ReglementTransactions, "000001")
	_, err := w.pool.Exec(t.Context(), `
		with cp as (insert into account (code, class, credit_cents) values ('CP.1A99999999', 'CP', $2) returning id),
		     debt as (insert into account (code, class, debit_cents) values ('DEBT.12345678901234', 'DEBT', $2) returning id),
		     owed as (insert into debt (siret, created_at, initial_cents, remaining_cents) values ('12345678901234', now(), $2, $2))
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date, shortfall_cents, short_cps)
		values ('000001', $1, 'TRANSACTION', '100', 5, 'line', sha256('x'), '2026-03-17', $2, 1)`, reglement.ID.String(), int64(amount))
	require.NoError(t, err)
	_, err = call[struct{}](t.Context(), w.pool, w.on(w.pool), activities.CoverShortfallsName, reglement)
	require.NoError(t, err)
}

func TestOperatorsDecideOnBulksOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 2, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.pay(t, 3, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.bank.faults = []fault{unknownTaken, unknown}
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)

	request := activities.LookUpRequest{Run: w.run}
	require.Equal(t, activities.DispatchResult{Unknown: 2}, must[activities.DispatchResult](t, w, activities.LookUpName, request))
	before := w.facts(t)
	for name, refused := range map[string]activities.LookUpRequest{
		"a stranger":       {Run: w.run, Decision: "resend", Answer: activities.Answer{ID: "a", Actor: "mallory"}},
		"no such decision": {Run: w.run, Decision: "perhaps", Answer: activities.Answer{ID: "a", Actor: "alice"}},
		"no such bulk":     {Run: w.run, Decision: "resend", Bulks: []string{first, "X"}, Answer: activities.Answer{ID: "a", Actor: "alice"}},
	} {
		_, err := call[activities.DispatchResult](t.Context(), w.pool, w.on(w.pool), activities.LookUpName, refused)
		application, typed := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, typed, name)
		require.Equal(t, string(vacation.Refused), application.Type(), name)
	}
	require.Equal(t, before, w.facts(t))
	require.Zero(t, w.number(t, `select count(*) from operator_act`))

	resend := activities.LookUpRequest{
		Run: w.run, Decision: "resend", Bulks: []string{second}, Answer: activities.Answer{ID: "b", Actor: "alice", Reason: "asked"},
	}
	for range 2 { // the same answer again changes nothing
		require.Equal(t, activities.DispatchResult{Unknown: 1, Left: 1}, must[activities.DispatchResult](t, w, activities.LookUpName, resend))
	}
	require.Equal(t, second+" PAYOUT PREPARED 3 6 2026-03-17 never attempted PREPARED ", w.facts(t)[1])
	require.False(t, w.bank.has(second))
	require.Equal(t, activities.DispatchResult{Unknown: 1, Sent: 1}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	require.Equal(t, activities.DispatchResult{Unknown: 1, Sent: 1}, must[activities.DispatchResult](t, w, activities.LookUpName, resend))

	delivered := activities.LookUpRequest{Run: w.run, Decision: "delivered", Answer: activities.Answer{ID: "c", Actor: "bruno", Reason: "asked"}}
	for range 2 {
		require.Equal(t, activities.DispatchResult{Sent: 2}, must[activities.DispatchResult](t, w, activities.LookUpName, delivered))
	}
	require.EqualValues(t, 2, w.number(t, `select count(*) from operator_act where vacation is not null`))
	require.Equal(t, map[string]int{first: 1, second: 1}, w.bank.accepted)
}

func TestALookUpSettlesWhatTheChannelKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 2, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.bank.faults = []fault{unknown}
	must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
	require.False(t, w.bank.has(first))
	request := activities.LookUpRequest{Run: w.run}
	require.Equal(t, activities.DispatchResult{Unknown: 1}, must[activities.DispatchResult](t, w, activities.LookUpName, request), "never sent again")
	w.bank.rejected[first] = true
	require.Equal(t, activities.DispatchResult{Rejected: 1}, must[activities.DispatchResult](t, w, activities.LookUpName, request))
	require.Equal(t, []string{first + " PAYOUT REJECTED 2 3 2026-03-17 attempted REJECTED MS03"}, w.facts(t))
	w.prove(t)
}

func TestStatementsSettleBulksOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 2, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.pay(t, 3, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	w.canton(t)
	w.bank.faults = []fault{unknownTaken, unknownTaken, unknownTaken}
	require.Equal(t, activities.DispatchResult{Unknown: 3}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	_, err := w.pool.Exec(t.Context(), `
		with s as (insert into statement (account, sequence, date, opening_cents, closing_cents, lines, file_name, sha256, vacation, read_at)
			select 'BK.REG', 1, '2026-03-18', 0, 0, 3, 's', sha256('s'), number, now() from vacation returning number, read_at)
		insert into bank_line (id, statement, ordinal, account, label, amount_cents, booked_at, transaction_at, value_at, class, reference, operation_type)
		select x.n::text, s.number, x.n, 'BK.REG', 'l', x.cents, s.read_at, now(), s.read_at, x.class, x.name, ''
		from s, (values (1, -3, 'REMITTANCE', $1), (2, -7, 'REMITTANCE', $2), (3, -5009, 'OWN', $3)) as x(n, cents, class, name)`, first, second, own)
	require.NoError(t, err)
	for range 2 {
		require.Equal(t, activities.SettleOrdersResult{UnknownBulks: 1},
			must[activities.SettleOrdersResult](t, w, activities.SettleOrdersName, w.run), "another amount proves nothing")
	}
	require.Equal(t, []string{
		first + " PAYOUT SENT 2 3 2026-03-17 attempted SENT ", second + " PAYOUT UNKNOWN 3 6 2026-03-17 attempted UNKNOWN ",
		own + " CANTONNEMENT SENT 1 5009 2026-03-17 attempted SENT",
	}, w.facts(t))

	// Three TARGET days after Tuesday the 17th is Friday; Monday is one too many.
	for date, stale := range map[string]int{"2026-03-20": 0, "2026-03-22": 2, "2026-03-23": 2} {
		_, err := w.pool.Exec(t.Context(), `update vacation set business_date = $1::text::date`, date)
		require.NoError(t, err)
		require.Equal(t, activities.SettleOrdersResult{UnknownBulks: 1, StaleOrders: stale},
			must[activities.SettleOrdersResult](t, w, activities.SettleOrdersName, w.run), date)
	}
}

func TestDispatchersAtOnceSendEachBulkOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		w.pay(t, 3, today)
		must[activities.RemitResult](t, w, activities.RemitName, w.run)
	}
	w.bank.before = runtime.Gosched
	var dispatching sync.WaitGroup
	for range 4 {
		dispatching.Go(func() {
			if _, err := call[activities.DispatchResult](context.WithoutCancel(t.Context()), w.pool, w.on(w.pool), activities.DispatchName, w.run); err != nil {
				t.Error(err)
			}
		})
	}
	dispatching.Wait()
	require.Len(t, w.bank.order, 4)
	require.IsIncreasing(t, w.bank.order)
	require.EqualValues(t, 4, w.number(t, `select count(*) from bulk where state = 'SENT'`))
}

// TestADeadWorkerLeavesNothingTwice cuts each activity off at every message to PostgreSQL in turn.
func TestADeadWorkerLeavesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 4, today)
	w.canton(t)
	w.bank.faults = []fault{none, rejects} // the own transfer goes, the payouts come back
	for _, name := range []string{activities.RemitName, activities.DispatchName} {
		cuts := 0
		for message := 1; ; message++ {
			pool, struck := pgtest.Cut(t, w.pool, message)
			_, err := call[any](t.Context(), pool, w.on(pool), name, w.run)
			pool.Close()
			w.prove(t)
			if !struck() {
				require.NoError(t, err, name)
				break
			}
			cuts++
		}
		require.Greater(t, cuts, 4, name)
	}
	require.Equal(t, []string{
		first + " PAYOUT REJECTED 4 10 2026-03-17 attempted REJECTED MS03", own + " CANTONNEMENT SENT 1 4010 2026-03-17 attempted SENT",
	}, w.facts(t))
	require.Equal(t, map[string]int{own: 1}, w.bank.accepted)
	require.EqualValues(t, 4, w.number(t, `select sum(rendered) from event_block`))
	require.EqualValues(t, 4, w.number(t, `select count(*) from entry where kind = 'NOT_SENT'`))
}

// TestABulkIsAcceptedAtMostOnce: whatever the bank does, wherever workers die, and
// with operators who know what the bank has.
func TestABulkIsAcceptedAtMostOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t)
			for range 8 {
				w.pay(t, 1+random.IntN(5), today)
				must[activities.RemitResult](t, w, activities.RemitName, w.run)
			}
			for range 60 {
				w.bank.mutex.Lock()
				w.bank.faults = []fault{fault(random.IntN(7)), fault(random.IntN(7))}
				w.bank.mutex.Unlock()
				pool, _ := pgtest.Cut(t, w.pool, 1+random.IntN(60))
				name, request := activities.DispatchName, any(w.run)
				if random.IntN(3) == 0 {
					name, request = activities.LookUpName, w.ask(t, random)
				}
				_, _ = call[any](t.Context(), pool, w.on(pool), name, request) // whatever became of it
				pool.Close()
				w.prove(t)
			}
			w.bank.faults = nil
			w.settleAll(t)
			for name, times := range w.bank.accepted {
				require.Equal(t, 1, times, name)
				require.Contains(t, strings.Join(w.facts(t), "\n"), name+" PAYOUT SENT")
			}
			require.EqualValues(t, len(w.bank.accepted), w.number(t, `select count(*) from bulk where state = 'SENT'`))
			require.EqualValues(t, 8-len(w.bank.accepted), w.number(t, `select count(*) from bulk where state = 'REJECTED'`))
		})
	}
}

// ask is a look-up, or an operator's decision on a bulk that says what the bank has.
func (w *world) ask(t testing.TB, random *rand.Rand) activities.LookUpRequest {
	t.Helper()
	request := activities.LookUpRequest{Run: w.run}
	for _, fact := range w.facts(t) {
		if strings.Contains(fact, " UNKNOWN ") && random.IntN(2) == 0 {
			return w.decide(fact[:len(first)], random.IntN(1<<30))
		}
	}
	return request
}

func (w *world) decide(name string, id int) activities.LookUpRequest {
	decision := "resend"
	if w.bank.has(name) {
		decision = "delivered"
	}
	return activities.LookUpRequest{
		Run: w.run, Decision: decision, Bulks: []string{name}, Answer: activities.Answer{ID: fmt.Sprint("end", id), Actor: "alice", Reason: "asked"},
	}
}

func (w *world) settleAll(t testing.TB) {
	t.Helper()
	for round := 0; ; round++ {
		result := must[activities.DispatchResult](t, w, activities.DispatchName, w.run)
		if result.Unknown+result.Left == 0 {
			return
		}
		require.Less(t, round, 20)
		for i, fact := range w.facts(t) {
			if strings.Contains(fact, " UNKNOWN ") {
				must[activities.DispatchResult](t, w, activities.LookUpName, w.decide(fact[:len(first)], 1<<31+100*round+i))
			}
		}
	}
}

func TestARunThatIsOverHandsNothingOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, 1, today)
	must[activities.RemitResult](t, w, activities.RemitName, w.run)
	_, err := w.pool.Exec(t.Context(), `update vacation set state = 'ENDED', ended_at = now()`)
	require.NoError(t, err)
	_, err = call[any](t.Context(), w.pool, w.on(w.pool), activities.DispatchName, w.run)
	require.ErrorContains(t, err, "the run is over")
	require.Empty(t, w.bank.accepted)
}

// TestTheLargestBulk is one of ten thousand orders, and one order more.
func TestTheLargestBulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pay(t, transfer.MaxOrdersABulk+1, today)
	began := time.Now()
	activity := w.on(w.pool, remittances.WithSlice(-time.Second))
	result, err := call[activities.RemitResult](t.Context(), w.pool, activity, activities.RemitName, w.run)
	require.NoError(t, err)
	require.Equal(t, 1, result.Bulks)
	require.False(t, result.Done, "a slice of no time is one bulk")
	t.Logf("10,000 orders put into a bulk in %s", time.Since(began))
	require.Equal(t, 2, must[activities.RemitResult](t, w, activities.RemitName, w.run).Bulks)

	var start, end runtime.MemStats
	runtime.GC() //nolint:revive // what is in use is measured
	runtime.ReadMemStats(&start)
	w.bank.before = func() {
		runtime.GC() //nolint:revive // as above
		runtime.ReadMemStats(&end)
		w.bank.before = nil
	}
	began = time.Now()
	require.Equal(t, activities.DispatchResult{Sent: 2}, must[activities.DispatchResult](t, w, activities.DispatchName, w.run))
	t.Logf("handed over in %s; %d KiB more in use as the file of %d KiB is complete",
		time.Since(began), (int64(end.HeapAlloc)-int64(start.HeapAlloc))/1024, len(w.bank.files[first])/1024) //nolint:gosec // far below
	require.Equal(t, transfer.MaxOrdersABulk, w.bank.read(t, first).Count)
	require.EqualValues(t, 21, w.number(t, `select count(*) from event where type = 'create-transfer'`))
}
