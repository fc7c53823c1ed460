package statements_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/safeguarding"
	"github.com/reglo/reglo/domain/vacation"
)

func (w *world) stateSafeguarding(run activities.Run, date calendar.Date) (money.Cents, error) {
	return call[money.Cents](w, activities.StateSafeguardingName, activities.StateSafeguardingRequest{Run: run, Date: date})
}

// payout orders a payout of a CP, by a batch of that run.
func (w *world) payout(t *testing.T, run int32, step, reference string, amount money.Cents) {
	t.Helper()
	batch := w.post(t, run, step, ledger.Entry{
		Debit: ledger.CP("1A00000001"), Credit: ledger.Payout(reference), Kind: ledger.KindPayout, Amount: amount,
	})
	_, err := w.pool.Exec(t.Context(), `
		insert into payout (scope, source, ref_externe, end_to_end_id, account_id, account, debtor_name, debtor_bic, debtor_iban, creditor_name,
		                    creditor_bic, creditor_iban, amount_cents, ceiling_cents, due_date, info, requested_at, state, batch)
		select 'test', 'AUTO', $1, $1, '1A00000001', id, '', '', '', '', '', '', $2, 0, '2026-03-17', '', $3, 'PREPARED', $4
		from account where code = 'CP.1A00000001'`, reference, int64(amount), now, batch)
	require.NoError(t, err)
}

// clients is what the EP should say of its clients' money, kept by hand.
type clients struct {
	accounts, park, out, reglement, cantonnement money.Cents
	left                                         money.Cents // since the last statement
	today, before                                map[string]money.Cents
}

func (c *clients) owed() money.Cents { return c.accounts + c.park + c.out }

// happen does one thing at random that touches clients' money.
func (c *clients) happen(t *testing.T, w *world, random *rand.Rand, run int32, step string) {
	t.Helper()
	amount := money.Cents(1 + random.IntN(1_000))
	entry := func(debit, credit ledger.Code, kind ledger.Kind, amount money.Cents) {
		w.post(t, run, step, ledger.Entry{Debit: debit, Credit: credit, Kind: kind, Amount: amount})
	}
	cp, other := ledger.CP("1A00000001"), ledger.CP("1A00000002")
	switch what := random.IntN(8); {
	case what == 0, c.accounts < 5_000:
		entry(ledger.Reglement, cp, ledger.KindSale, 10*amount)
		c.accounts, c.reglement = c.accounts+10*amount, c.reglement+10*amount
	case what == 1:
		entry(cp, ledger.Reglement, ledger.KindRefund, amount)
		c.accounts, c.reglement, c.left = c.accounts-amount, c.reglement-amount, c.left+amount
	case what == 2:
		entry(cp, other, ledger.KindCPToCP, 1) // leaves no claim
	case what == 3:
		entry(ledger.Reglement, ledger.Parked, ledger.KindPark, amount)
		c.park, c.reglement = c.park+amount, c.reglement+amount
	case what == 4 && c.park > 0:
		entry(ledger.Parked, other, ledger.KindAssigned, c.park) // leaves no claim
		c.accounts, c.park = c.accounts+c.park, 0
	case what == 5:
		w.payout(t, run, step, step, amount)
		c.accounts, c.out, c.left = c.accounts-amount, c.out+amount, c.left+amount
		c.today[step] = amount
	case what == 6:
		for _, ordered := range []map[string]money.Cents{c.today, c.before} {
			for reference, amount := range ordered {
				entry(ledger.Payout(reference), ledger.Reglement, ledger.KindRemitted, amount)
				c.out, c.reglement = c.out-amount, c.reglement-amount
				if _, yesterday := c.before[reference]; yesterday {
					c.left += amount
				}
				delete(ordered, reference)
				return
			}
		}
	default:
		entry(ledger.Cantonnement, ledger.Reglement, ledger.KindTransferSeen, amount)
		c.cantonnement, c.reglement = c.cantonnement+amount, c.reglement-amount
	}
}

func TestTheSafeguardingOfRandomDays(t *testing.T) {
	t.Parallel()
	const histories, days, things = 4, 8, 12
	for seed := range uint64(histories) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			w, random := newWorld(t), rand.New(rand.NewPCG(seed, 0))
			model := clients{today: map[string]money.Cents{}, before: map[string]money.Cents{}}
			w.post(t, 0, "cps", ledger.Entry{Debit: ledger.Reglement, Credit: ledger.CP("1A00000001"), Kind: ledger.KindSale, Amount: 1})
			model.accounts, model.reglement = 1, 1
			var owedBefore money.Cents
			date, first := day(t, "2026-03-16"), true
			for range days {
				date = calendar.Add(calendar.Target{}, date, 1)
				work := w.openOn(t, vacation.Creances, date.String(), date.String())
				for n := range things {
					model.happen(t, w, random, work.Number, fmt.Sprintf("%s-%d", date, n))
				}
				_, err := call[any](w, activities.FailVacationName, activities.FailVacationRequest{Run: work, Code: vacation.Aborted, Step: "x"})
				require.NoError(t, err)
				if random.IntN(4) == 0 {
					continue // nobody closed that day
				}
				due := money.Cents(0)
				if !first {
					due = max(0, min(owedBefore-model.left, model.owed()))
				}
				gap := max(0, due-model.cantonnement)
				run := w.openOn(t, vacation.Technique, date.String()+"/close", date.String())
				surplus, err := w.stateSafeguarding(run, date)
				if gap > 0 {
					require.Contains(t, requireFailure(t, vacation.InvariantBroken, err), string(ledger.CantonnementNextDay))
				} else {
					require.NoError(t, err)
					require.Zero(t, surplus, "all that is owed is held, and no more")
				}
				kept, err := audit.Safeguarding(t.Context(), w.pool, date)
				require.NoError(t, err)
				require.Equal(t, safeguarding.Statement{
					Date: date, PaymentAccounts: model.accounts, Parked: model.park, PayoutsOrdered: model.out, Owed: model.owed(),
					Reglement: model.reglement, Cantonnement: model.cantonnement, Held: model.owed(), CantonnementDue: due,
					CantonnementHeld: model.cantonnement, CantonnementGap: gap,
				}, kept)
				owedBefore, model.left, first = model.owed(), 0, false
				maps.Copy(model.before, model.today)
				model.today = map[string]money.Cents{}
			}
		})
	}
}

// TestPayoutsThatTheBankHasAreNotDueOnCantonnement: règlement keeps what it will
// debit, a day late here. What the bank was not given is due there, as is what it gave back.
func TestPayoutsThatTheBankHasAreNotDueOnCantonnement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		attempted, state string
		due              money.Cents
	}{
		"sent":       {`'2026-03-17 12:00+00'`, "SENT", 300},
		"perhaps":    {`'2026-03-17 12:00+00'`, "UNKNOWN", 300},
		"not sent":   {`null`, "PREPARED", 500},
		"given back": {`'2026-03-17 12:00+00'`, "REJECTED", 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			work := w.openOn(t, vacation.Financiere, "2026-03-17", "2026-03-17")
			w.post(t, work.Number, "sale",
				ledger.Entry{Debit: ledger.Reglement, Credit: ledger.CP("1A00000001"), Kind: ledger.KindSale, Amount: 200},
				ledger.Entry{Debit: ledger.Cantonnement, Credit: ledger.CP("1A00000001"), Kind: ledger.KindSale, Amount: 300})
			w.payout(t, work.Number, "payout", "P1", 200)
			_, err := w.pool.Exec(t.Context(), `
				with made as (
					insert into bulk (bulk_id, name, purpose, state, vacation, orders, amount_cents, due_date, created_at, attempted_at)
					values (gen_random_uuid(), 'B', 'PAYOUT', '`+test.state+`', $1, 1, 200, '2026-03-17', now(), `+test.attempted+`) returning number)
				update payout set bulk = made.number from made`, work.Number)
			require.NoError(t, err)
			closing := func(date string) error {
				_, err := w.stateSafeguarding(w.openOn(t, vacation.Technique, date+"/close", date), day(t, date))
				return err
			}
			require.NoError(t, closing("2026-03-17"), "it came today")
			err = closing("2026-03-18")
			if test.due > 300 {
				require.Contains(t, requireFailure(t, vacation.InvariantBroken, err), string(ledger.CantonnementNextDay))
			} else {
				require.NoError(t, err)
			}
			kept, err := audit.Safeguarding(t.Context(), w.pool, day(t, "2026-03-18"))
			require.NoError(t, err)
			require.Equal(t, test.due, kept.CantonnementDue)
		})
	}
}

func TestStatingAgainSaysTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	run, date := w.open(t, "close"), day(t, "2026-03-17")
	w.post(t, 0, "sale", ledger.Entry{Debit: ledger.Reglement, Credit: ledger.CP("1A00000001"), Kind: ledger.KindSale, Amount: 500})
	w.post(t, 0, "more", ledger.Entry{Debit: ledger.Cantonnement, Credit: ledger.Opening, Kind: ledger.KindOpening, Amount: 20})
	w.interrupted(t, "safeguarding", func() error { _, err := w.stateSafeguarding(run, date); return err })
	w.twiceAtOnce(t, func(w *world) error {
		surplus, err := w.stateSafeguarding(run, date)
		if err == nil && surplus != 20 {
			return errors.New("surplus " + surplus.String())
		}
		return err
	})
	after := w.state(t)
	surplus, err := w.stateSafeguarding(run, date)
	require.NoError(t, err)
	require.Equal(t, money.Cents(20), surplus)
	require.Equal(t, after, w.state(t))

	// The books move on: the run keeps to what it said, and another one states anew.
	w.post(t, 0, "fee", ledger.Entry{Debit: ledger.FeesDue, Credit: ledger.Cantonnement, Kind: ledger.KindEarning, Amount: 30})
	surplus, err = w.stateSafeguarding(run, date)
	require.NoError(t, err)
	require.Equal(t, money.Cents(20), surplus)
	later := w.open(t, "later")
	_, err = w.stateSafeguarding(later, date)
	require.Contains(t, requireFailure(t, vacation.InvariantBroken, err), "held 4.90, owed 5.00: 0.10 short")
	kept, err := audit.Safeguarding(context.Background(), w.pool, date)
	require.NoError(t, err)
	require.Equal(t, money.Cents(-10), kept.Surplus, "a breach is kept")
	_, err = w.stateSafeguarding(later, date)
	requireFailure(t, vacation.InvariantBroken, err)

	_, err = audit.Safeguarding(t.Context(), w.pool, day(t, "2026-03-18"))
	var unknown *audit.NotFoundError
	require.ErrorAs(t, err, &unknown)
}
