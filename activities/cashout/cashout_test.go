package cashout_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/payout/payouttest"
	"github.com/reglo/reglo/activities/postgres"
	rules "github.com/reglo/reglo/domain/cashout"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	request "github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/vacation"
)

func types(bodies []ogep.Body) []string {
	list := make([]string, len(bodies))
	for i, body := range bodies {
		list[i] = string(body.Type())
	}
	return list
}

func standing(t testing.TB, w *payouttest.World, run activities.Run) activities.CashoutsResult {
	t.Helper()
	result, err := payouttest.Do[activities.CashoutsResult](w, activities.ValidateCashoutsName, run)
	require.NoError(t, err)
	return result
}

// TestAutomaticPayouts: who is due, of how much, and what is told.
func TestAutomaticPayouts(t *testing.T) {
	t.Parallel()
	reserve, least, owing := payouttest.Active(2, 500_00), payouttest.Active(3, 50_00), payouttest.Active(4, 300_00)
	reserve.Reserve, least.MinPayout = 100_00, 50_00
	blocked, monday, tuesday := payouttest.Active(5, 10_00), payouttest.Active(6, 10_00), payouttest.Active(7, 10_00)
	blocked.Status = merchant.StatusBlocked
	monday.PayoutFrequency = merchant.Frequency{Period: merchant.Weekly, Day: 1}
	tuesday.PayoutFrequency = merchant.Frequency{Period: merchant.Weekly, Day: 2}
	capped := payouttest.Active(8, 90_00)
	capped.PayoutCeiling = 40_00
	w := payouttest.New(t, payouttest.Options{Chunk: 2},
		payouttest.Active(1, 100_00), reserve, least, owing, blocked, monday, tuesday, capped, payouttest.Manual(9, 10_00))
	_, err := w.Pool.Exec(t.Context(),
		`insert into debt (siret, created_at, initial_cents, remaining_cents) values ($1, now(), 12000, 12000)`, payouttest.Siret(4))
	require.NoError(t, err)
	w.Post(t, "debt", ledger.Entry{Debit: ledger.Debt(payouttest.Siret(4)), Credit: ledger.Opening, Amount: 120_00})

	run := w.Open(t, "2026-03-17", "one")
	plan := activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}
	require.NoError(t, w.Until(activities.PlanPayoutsName, plan))
	planned, err := payouttest.Do[activities.PlanPayoutsResult](w, activities.PlanPayoutsName, plan)
	require.NoError(t, err)
	require.Equal(t, activities.PlanPayoutsResult{Orders: 5, Sum: 100_00 + 400_00 + 180_00 + 10_00 + 40_00, Done: true}, planned)
	require.NoError(t, w.Until(activities.ValidateCashoutsName, run))
	require.NoError(t, w.Until(activities.PostPayoutsName, run))
	posted, err := payouttest.Do[activities.PostPayoutsResult](w, activities.PostPayoutsName, run)
	require.NoError(t, err)
	require.Equal(t, activities.PostPayoutsResult{Posted: 5, PostedSum: 730_00, Done: true}, posted)
	for n, left := range []money.Cents{0, 100_00, 50_00, 120_00, 10_00, 10_00, 0, 50_00, 10_00} {
		require.Equal(t, left, w.Balance(t, ledger.CP(payouttest.ID(n+1))), n+1)
	}

	told := eventtest.Bodies(t, w.Pool)
	require.Equal(t, []string{
		"start-vacation-financiere",
		"get-account-balance", "get-account-balance", "get-account-balance", "get-account-balance", "get-account-balance", "get-account-balance",
		"validate-cashout", "validate-cashout", "validate-cashout",
		"create-account-transaction", "create-account-transaction", "create-account-transaction", "create-account-transaction",
		"create-account-transaction",
	}, types(told))
	require.Equal(t, ogep.GetAccountBalance{AccountID: payouttest.ID(2), Balance: 500_00}, told[2])
	first := told[7].(ogep.ValidateCashout)
	require.Equal(t, []any{money.Cents(500_00), ogep.Validated, "AUTO"}, []any{first.Total, first.Decision, first.Validator})
	require.Equal(t, ogep.Order{
		RefExterne: first.Orders[0].RefExterne, OrderType: "V", CreditorName: "TITULAIRE 1", CreditorBIC: "SOGEFRPPXXX",
		CreditorIBAN: payouttest.IBAN(payouttest.OtherBank, 1), DebtorName: "COMMERCE 1", DebtorBIC: "RGLOFRP0",
		DebtorIBAN: payouttest.IBAN(payouttest.OwnBank, 1), Amount: 100_00, DeviseID: "EUR", Ccy: "EUR", BankID: "999999",
		OrderFormat: "PAIN.001.001.03", Echeance: w.Date, Info: "VIREMENT 12:02:54",
	}, first.Orders[0])
	paid := told[10].(ogep.CreateAccountTransaction)
	require.Equal(t, []any{payouttest.ID(1), money.Cents(-100_00), "VIREMENT 12:02:54"},
		[]any{paid.AccountID, paid.Transaction.Amount, paid.Transaction.Label})
	require.Equal(t, int64(5), w.Number(t, `select count(distinct end_to_end_id) from payout where end_to_end_id ~ '^P260317[0-9]{9}$'`))
	w.Prove(t)
}

func TestNothingIsDueOnAClosedDay(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Active(1, 100_00))
	run := w.Open(t, "2026-03-21", "one")
	planned, err := payouttest.Do[activities.PlanPayoutsResult](w, activities.PlanPayoutsName,
		activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date.AddDays(4)})
	require.NoError(t, err)
	require.Equal(t, activities.PlanPayoutsResult{Done: true}, planned)
}

// TestPayoutsOfALateSessionFallDueToday: nothing is asked of the bank for a day
// that has passed, nor before the session's own.
func TestPayoutsOfALateSessionFallDueToday(t *testing.T) {
	t.Parallel()
	for shift, want := range map[int]string{-4: "2026-03-17", 0: "2026-03-17", 1: "2026-03-18"} {
		w := payouttest.New(t, payouttest.Options{}, payouttest.Active(1, 100_00))
		w.Date = w.Date.AddDays(shift)
		run := w.Open(t, w.Date.String(), "one")
		require.NoError(t, w.Until(activities.PlanPayoutsName, activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}))
		var due string
		require.NoError(t, w.Pool.QueryRow(t.Context(), `select due_date::text from payout`).Scan(&due))
		require.Equal(t, want, due, shift)
	}
}

// TestEveryReasonOfAReview, its code for Payline, and its event.
func TestEveryReasonOfAReview(t *testing.T) {
	t.Parallel()
	const none = money.Max
	for name, test := range map[string]struct {
		policy rules.Policy
		before string // a statement before the validation
		state  string
		reason rules.Reason
		code   request.Code
	}{
		"nothing against it": {policy: rules.Policy{CPCeiling: none, TotalCeiling: none, FourEyes: none}, state: "VALIDATED"},
		"hold": {
			policy: rules.Policy{CPCeiling: none, TotalCeiling: none, FourEyes: none},
			before: `insert into payout_hold (account_id, since, reason) select account_id, now(), 'rejects' from merchant`,
			state:  "REFUSED", reason: rules.Held, code: request.CodeBlockedAccount,
		},
		"a hold that was released": {
			policy: rules.Policy{CPCeiling: none, TotalCeiling: none, FourEyes: none},
			before: `insert into payout_hold (account_id, since, reason, released_at) select account_id, now(), 'rejects', now() from merchant`,
			state:  "VALIDATED",
		},
		"liquidity": {
			policy: rules.Policy{CPCeiling: none, TotalCeiling: none, FourEyes: none},
			before: `update account set credit_cents = credit_cents + 9500 where code = 'BK.REG'`,
			state:  "REFUSED", reason: rules.Liquidity, code: request.CodeNoCover,
		},
		"total":     {policy: rules.Policy{CPCeiling: none, TotalCeiling: 9_99, FourEyes: none}, state: "WAITING", reason: rules.CeilingTotal},
		"four eyes": {policy: rules.Policy{CPCeiling: none, TotalCeiling: none, FourEyes: 9_99}, state: "WAITING", reason: rules.FourEyes},
		"CP":        {policy: rules.Policy{CPCeiling: 9_99, TotalCeiling: none, FourEyes: none}, state: "WAITING", reason: rules.CeilingCP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := payouttest.New(t, payouttest.Options{Policy: &test.policy}, payouttest.Manual(1, 100_00))
			w.File(t, 1, w.Transfer(1, payouttest.ID(1), 10_00))
			run := w.Open(t, "2026-03-17", "one")
			_, err := w.Load(run)
			require.NoError(t, err)
			require.NoError(t, w.Until(activities.ControlPaylineName, run))
			_, err = w.Pool.Exec(t.Context(), test.before)
			require.NoError(t, err)
			require.NoError(t, w.Until(activities.ValidateCashoutsName, run))

			var state, reason string
			var code *string
			require.NoError(t, w.Pool.QueryRow(t.Context(),
				`select p.state, p.reason, nullif(l.reject_code, '') from payout p join payline_line l on l.file = p.payline_file`).
				Scan(&state, &reason, &code))
			require.Equal(t, []string{test.state, string(test.reason)}, []string{state, reason})
			told := eventtest.Bodies(t, w.Pool)[1:]
			switch test.state {
			case "VALIDATED":
				require.Equal(t, []string{"validate-cashout"}, types(told))
				require.Nil(t, code)
			case "WAITING":
				require.Empty(t, told, "what waits is told when it is decided")
				require.Nil(t, code)
			default:
				require.Equal(t, []string{"validate-cashout", "create-rejected-order"}, types(told))
				require.Equal(t, test.reason.Text(), told[0].(ogep.ValidateCashout).Reason)
				require.Equal(t, string(test.code), told[1].(ogep.CreateRejectedOrder).RejectCode)
				require.Equal(t, string(test.code), *code)
			}
		})
	}
}

// TestTheCeilingOfACPIsTheSessions: a second pass counts what the first granted.
func TestTheCeilingOfACPIsTheSessions(t *testing.T) {
	t.Parallel()
	policy := rules.Policy{CPCeiling: 150_00, TotalCeiling: money.Max, FourEyes: money.Max}
	cp := payouttest.Active(1, 1000_00)
	cp.Reserve = 900_00
	w := payouttest.New(t, payouttest.Options{Policy: &policy}, cp, payouttest.Active(2, 100_00))
	run := w.Open(t, "2026-03-17", "one")
	require.NoError(t, w.Steps(run))
	w.Fail(t, run)
	w.File(t, 1, w.Transfer(1, payouttest.ID(1), 50_00), w.Transfer(2, payouttest.ID(1), 50_00))
	run = w.Open(t, "2026-03-17", "two")
	require.NoError(t, w.Steps(run))
	require.Equal(t, activities.CashoutsResult{
		Validated: 3, ValidatedSum: 250_00, Waiting: 1, WaitingSum: 50_00, Done: true,
	}, standing(t, w, run))
	w.Prove(t)
}

func decide(w *payouttest.World, asked activities.DecideCashoutsRequest) (activities.CashoutsResult, error) {
	return payouttest.Do[activities.CashoutsResult](w, activities.DecideCashoutsName, asked)
}

// waiting is a session of three orders that wait: two automatic ones of 100.00
// and 200.00, and one of Payline of 50.00.
func waiting(t *testing.T) (*payouttest.World, activities.Run, []string) {
	t.Helper()
	w := payouttest.New(t, payouttest.Options{Policy: &rules.Policy{CPCeiling: money.Max, TotalCeiling: 0, FourEyes: money.Max}},
		payouttest.Active(1, 100_00), payouttest.Active(2, 200_00), payouttest.Manual(3, 50_00))
	w.File(t, 1, w.Transfer(1, payouttest.ID(3), 50_00))
	run := w.Open(t, "2026-03-17", "one")
	require.NoError(t, w.Steps(run))
	require.Equal(t, activities.CashoutsResult{Waiting: 3, WaitingSum: 350_00, Done: true}, standing(t, w, run))
	rows, err := w.Pool.Query(t.Context(), `select ref_externe from payout order by amount_cents`)
	require.NoError(t, err)
	defer rows.Close()
	var refs []string
	for rows.Next() {
		var ref string
		require.NoError(t, rows.Scan(&ref))
		refs = append(refs, ref)
	}
	require.NoError(t, rows.Err())
	return w, run, refs
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	w, run, refs := waiting(t)
	for name, asked := range map[string]activities.DecideCashoutsRequest{
		"nobody known":     {Approve: true, Answer: activities.Answer{ID: "1", Actor: "mallory"}},
		"the requester":    {Approve: true, Requester: "alice", Answer: activities.Answer{ID: "2", Actor: "alice"}},
		"no reason":        {Answer: activities.Answer{ID: "3", Actor: "alice"}},
		"an unknown order": {Approve: true, Orders: []string{refs[0], "x"}, Answer: activities.Answer{ID: "4", Actor: "bruno"}},
	} {
		asked.Run = run
		_, err := decide(w, asked)
		require.Equal(t, vacation.Refused, activities.AsFailure(err).Code, name)
	}
	require.Zero(t, w.Number(t, `select count(*) from operator_act`))

	approve := activities.DecideCashoutsRequest{
		Run: run, Approve: true, Orders: refs[1:2], Requester: "alice", Answer: activities.Answer{ID: "5", Actor: "bruno"},
	}
	approved, err := decide(w, approve)
	require.NoError(t, err)
	require.Equal(t, activities.CashoutsResult{Validated: 1, ValidatedSum: 100_00, Waiting: 2, WaitingSum: 250_00, Done: true}, approved)
	again, err := decide(w, approve)
	require.NoError(t, err)
	require.Equal(t, approved, again, "an answer that is given again")
	require.NoError(t, w.Until(activities.PostPayoutsName, run))

	refuse := activities.DecideCashoutsRequest{
		Run: run, Orders: refs[:1], Requester: "alice", Answer: activities.Answer{ID: "6", Actor: "alice", Reason: "not this one"},
	}
	_, err = decide(w, refuse)
	require.NoError(t, err)
	cutOff := activities.DecideCashoutsRequest{Run: run, CutOff: true, Answer: activities.Answer{ID: "7"}}
	_, err = decide(w, cutOff)
	require.NoError(t, err)
	last, err := decide(w, cutOff)
	require.NoError(t, err)
	require.Equal(t, activities.CashoutsResult{Validated: 1, ValidatedSum: 100_00, Refused: 2, RefusedSum: 250_00, Done: true}, last)
	require.NoError(t, w.Until(activities.PostPayoutsName, run))

	told := eventtest.Bodies(t, w.Pool)
	told = told[len(told)-5:]
	require.Equal(t, []string{
		"validate-cashout", "create-account-transaction", "validate-cashout", "create-rejected-order", "validate-cashout",
	}, types(told))
	var said []string
	for _, n := range []int{0, 2, 4} {
		body := told[n].(ogep.ValidateCashout)
		said = append(said, fmt.Sprint(body.Decision, " ", body.Validator, " ", body.Reason))
	}
	require.Equal(t, []string{
		"VALIDATED bruno ", "REFUSED alice REFUSED_BY_OPERATOR: not this one", "REFUSED AUTO " + rules.CutOff.Text(),
	}, said)
	require.Equal(t, "AM14", told[3].(ogep.CreateRejectedOrder).RejectCode)
	require.Equal(t, int64(2), w.Number(t, `select count(*) from operator_act`))
	require.Equal(t, money.Cents(200_00), w.Balance(t, ledger.CP(payouttest.ID(2))))
	w.Prove(t)
}

func TestTheCutOffRejectsPaylineOrders(t *testing.T) {
	t.Parallel()
	w, run, _ := waiting(t)
	_, err := decide(w, activities.DecideCashoutsRequest{Run: run, CutOff: true})
	require.NoError(t, err)
	require.Equal(t, int64(1), w.Number(t, `select count(*) from payline_line where reject_code = 'TM01'`))
	require.Equal(t, int64(3), w.Number(t, `select count(*) from payout where state = 'REFUSED' and reason = 'CUT_OFF' and validator = 'AUTO'`))
}

// TestACPThatIsHeldSince its orders were validated keeps its money.
func TestACPThatIsHeldSince(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Active(1, 100_00), payouttest.Manual(2, 100_00), payouttest.Manual(3, 100_00))
	w.File(t, 1, w.Transfer(1, payouttest.ID(2), 60_00), w.Transfer(2, payouttest.ID(3), 40_00))
	run := w.Open(t, "2026-03-17", "one")
	_, err := w.Load(run)
	require.NoError(t, err)
	require.NoError(t, w.Until(activities.ControlPaylineName, run))
	require.NoError(t, w.Until(activities.PlanPayoutsName, activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}))
	require.NoError(t, w.Until(activities.ValidateCashoutsName, run))
	_, err = w.Pool.Exec(t.Context(), `insert into payout_hold (account_id, since, reason)
		select account_id, now(), 'rejects' from merchant where account_id in ($1, $2)`, payouttest.ID(1), payouttest.ID(2))
	require.NoError(t, err)
	require.NoError(t, w.Until(activities.PostPayoutsName, run))
	posted, err := payouttest.Do[activities.PostPayoutsResult](w, activities.PostPayoutsName, run)
	require.NoError(t, err)
	require.Equal(t, activities.PostPayoutsResult{Posted: 1, PostedSum: 40_00, Refused: 2, RefusedSum: 160_00, Done: true}, posted)
	require.Equal(t, int64(2), w.Number(t, `select count(*) from payout where state = 'REFUSED' and reason = 'HELD' and batch is null`))
	require.Equal(t, int64(1), w.Number(t, `select count(*) from payline_line where reject_code = 'AC06'`))
	told := eventtest.Bodies(t, w.Pool)
	require.Equal(t, []string{
		"create-account-transaction", "create-validated-order", "validate-cashout", "create-rejected-order", "validate-cashout",
	}, types(told[len(told)-5:]))
	require.Equal(t, rules.Held.Text(), told[len(told)-1].(ogep.ValidateCashout).Reason)
}

// TestACPThatNoLongerCovers its orders keeps its money.
func TestACPThatNoLongerCovers(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{}, payouttest.Active(1, 100_00), payouttest.Manual(2, 100_00))
	w.File(t, 1, w.Transfer(1, payouttest.ID(2), 60_00), w.Transfer(2, payouttest.ID(2), 40_00))
	run := w.Open(t, "2026-03-17", "one")
	_, err := w.Load(run)
	require.NoError(t, err)
	require.NoError(t, w.Until(activities.ControlPaylineName, run))
	require.NoError(t, w.Until(activities.PlanPayoutsName, activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}))
	require.NoError(t, w.Until(activities.ValidateCashoutsName, run))
	w.Post(t, "refunds",
		ledger.Entry{Debit: ledger.CP(payouttest.ID(1)), Credit: ledger.Reglement, Amount: 1},
		ledger.Entry{Debit: ledger.CP(payouttest.ID(2)), Credit: ledger.Reglement, Amount: 45_00})
	require.NoError(t, w.Until(activities.PostPayoutsName, run))
	posted, err := payouttest.Do[activities.PostPayoutsResult](w, activities.PostPayoutsName, run)
	require.NoError(t, err)
	require.Equal(t, activities.PostPayoutsResult{Posted: 1, PostedSum: 40_00, Dropped: 2, Refused: 2, RefusedSum: 160_00, Done: true}, posted)
	require.Equal(t, int64(1), w.Number(t, `select count(*) from payline_line where reject_code = 'AM04'`))
	told := eventtest.Bodies(t, w.Pool)
	require.Equal(t, []string{
		"create-account-transaction", "create-validated-order", "validate-cashout", "create-rejected-order", "validate-cashout",
	}, types(told[len(told)-5:]))
	require.Equal(t, rules.NoCover.Text(), told[len(told)-1].(ogep.ValidateCashout).Reason)
	w.Prove(t)
}

func crowd(n int) []payouttest.CP {
	cps := make([]payouttest.CP, n)
	for i := range cps {
		cps[i] = payouttest.Active(i+1, money.Cents(10_00+i))
	}
	return cps
}

// TestAgainAndBesideAnother: run again, run twice at once, and killed anywhere,
// a session comes to what it comes to when it runs once.
func TestAgainAndBesideAnother(t *testing.T) {
	t.Parallel()
	build := func() (*payouttest.World, activities.Run) {
		w := payouttest.New(t, payouttest.Options{Chunk: 7, Slice: -time.Second}, crowd(40)...)
		lines := make([]request.Line, 20)
		for i := range lines {
			lines[i] = w.Transfer(i, payouttest.ID(1+i), money.Cents(5_00+i*50))
		}
		w.File(t, 1, lines...)
		run := w.Open(t, "2026-03-17", "one")
		return w, run
	}
	once, run := build()
	require.NoError(t, once.Steps(run))
	want := once.Facts(t)
	require.NoError(t, once.Steps(run))
	require.Equal(t, want, once.Facts(t), "again")
	once.Prove(t)

	t.Run("twice at once", func(t *testing.T) {
		t.Parallel()
		w, run := build()
		var both sync.WaitGroup
		failures := make([]error, 2)
		for i, worker := range []*payouttest.World{w, w.Beside()} {
			both.Go(func() { failures[i] = worker.Steps(run) })
		}
		both.Wait()
		require.NoError(t, errors.Join(failures...))
		require.Equal(t, want, w.Facts(t))
		w.Prove(t)
	})
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		w, run := build()
		var killing sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		kills := int64(0)
		killing.Go(func() {
			for ctx.Err() == nil {
				// Whoever writes at this moment loses its connection.
				tag, err := w.Pool.Exec(ctx, `
					select pg_terminate_backend(pid) from pg_stat_activity
					where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
					  and random() < 0.1`)
				if err == nil {
					kills += tag.RowsAffected()
				}
			}
		})
		attempts := 1
		for ; w.Steps(run) != nil; attempts++ {
			require.Less(t, attempts, 10_000, "it never comes to its end")
		}
		stop()
		killing.Wait()
		require.Positive(t, kills)
		t.Logf("%d connections killed, %d attempts", kills, attempts)
		require.Equal(t, want, w.Facts(t))
		w.Prove(t)
	})
}

// TestARunThatFollows does what is left, and the one that was taken for dead nothing.
func TestARunThatFollows(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{Chunk: 3, Slice: -time.Second}, crowd(10)...)
	run := w.Open(t, "2026-03-17", "one")
	plan := activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}
	planned, err := payouttest.Do[activities.PlanPayoutsResult](w, activities.PlanPayoutsName, plan)
	require.NoError(t, err)
	require.Equal(t, activities.PlanPayoutsResult{Orders: 3, Sum: 30_03}, planned)
	w.Fail(t, run)
	_, err = payouttest.Do[activities.PlanPayoutsResult](w, activities.PlanPayoutsName, plan)
	require.ErrorContains(t, err, postgres.ErrEnded.Error())
	require.NoError(t, w.Steps(w.Open(t, "2026-03-17", "two")))
	require.Equal(t, int64(10), w.Number(t, `select count(*) from payout where state = 'PREPARED'`))
	w.Prove(t)
}

// TestBesideASettlement: card settlements post on the CPs while payouts leave them.
func TestBesideASettlement(t *testing.T) {
	t.Parallel()
	w := payouttest.New(t, payouttest.Options{Chunk: 5, Slice: -time.Second}, crowd(30)...)
	run := w.Open(t, "2026-03-17", "one")
	var posting sync.WaitGroup
	posting.Go(func() {
		for round := range 20 {
			entries := make([]ledger.Entry, 0, 30)
			for n := 30; n >= 1; n-- {
				sale := ledger.Entry{Debit: ledger.Reglement, Credit: ledger.CP(payouttest.ID(n)), Amount: 3}
				entries = append(entries, sale)
			}
			w.Post(t, fmt.Sprintf("sales-%d", round), entries...)
		}
	})
	require.NoError(t, w.Steps(run))
	posting.Wait()
	require.Equal(t, int64(30), w.Number(t, `select count(*) from payout where state = 'PREPARED'`))
	w.Prove(t)
}

// TestNoMoneyLeavesThatIsNotThere over drawn merchants and requests.
func TestNoMoneyLeavesThatIsNotThere(t *testing.T) {
	t.Parallel()
	world := 0
	rapid.Check(t, func(rt *rapid.T) {
		world++
		if world > 12 { // each costs a database
			return
		}
		var cps []payouttest.CP
		held := make(map[string]money.Cents)
		for n := 1; n <= rapid.IntRange(1, 8).Draw(rt, "cps"); n++ {
			cp := payouttest.Active(n, money.Cents(rapid.Int64Range(0, 500).Draw(rt, "balance")))
			cp.Reserve = money.Cents(rapid.Int64Range(0, 50).Draw(rt, "reserve"))
			cp.PayoutCeiling = money.Cents(rapid.Int64Range(0, 600).Draw(rt, "ceiling"))
			cp.CPToCPAllowed = rapid.Bool().Draw(rt, "cpToCp")
			if rapid.Bool().Draw(rt, "manual") {
				cp.PayoutMode = merchant.PayoutManual
			}
			held[cp.AccountID] = cp.Balance
			cps = append(cps, cp)
		}
		limit := func(name string) money.Cents { return money.Cents(rapid.Int64Range(0, 1000).Draw(rt, name)) }
		w := payouttest.New(t, payouttest.Options{
			Policy: &rules.Policy{CPCeiling: limit("cp"), TotalCeiling: limit("total") * 4, FourEyes: limit("four eyes")},
			Chunk:  rapid.IntRange(1, 5).Draw(rt, "chunk"),
		}, cps...)
		var lines []request.Line
		for i := range rapid.IntRange(0, 20).Draw(rt, "lines") {
			from, to := rapid.IntRange(1, 9).Draw(rt, "from"), rapid.IntRange(1, 9).Draw(rt, "to")
			amount := money.Cents(rapid.Int64Range(0, 300).Draw(rt, "amount"))
			if rapid.Bool().Draw(rt, "movement") {
				lines = append(lines, w.Movement(i/2, payouttest.ID(from), payouttest.ID(to), amount))
			} else {
				lines = append(lines, w.Transfer(i, payouttest.ID(from), amount))
			}
		}
		w.File(t, 1, lines...)
		run := w.Open(t, "2026-03-17", "one")
		require.NoError(t, w.Steps(run))
		_, err := decide(w, activities.DecideCashoutsRequest{
			Run: run, Approve: rapid.Bool().Draw(rt, "approve"), Answer: activities.Answer{ID: "1", Actor: "alice", Reason: "r"},
		})
		require.NoError(t, err)
		require.NoError(t, w.Until(activities.PostPayoutsName, run))
		w.Prove(t)
		require.Zero(t, w.Number(t, `select count(*) from payline_line where outcome is null`))
		require.Zero(t, w.Number(t, `select count(*) from payout where state not in ('PREPARED', 'REFUSED')`))

		rows, err := w.Pool.Query(t.Context(), `
			select m.account_id,
			       coalesce((select sum(p.amount_cents) from payout p where p.account_id = m.account_id and p.state = 'PREPARED'), 0)::bigint
			     + coalesce((select sum(l.amount_cents) from payline_line l where l.debtor_cp = m.account_id and l.kind = 'MOVEMENT' and l.outcome = 'ACCP'), 0)::bigint
			     - coalesce((select sum(l.amount_cents) from payline_line l where l.creditor_cp = m.account_id and l.kind = 'MOVEMENT' and l.outcome = 'ACCP'), 0)::bigint
			from merchant m`)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var id string
			var out int64
			require.NoError(t, rows.Scan(&id, &out))
			require.LessOrEqual(t, money.Cents(out), held[id])
			require.Equal(t, held[id]-money.Cents(out), w.Balance(t, ledger.CP(id)))
		}
		require.NoError(t, rows.Err())
	})
}

// TestManyPayouts measures a day on which a hundred thousand CPs are due.
func TestManyPayouts(t *testing.T) { //nolint:paralleltest // it measures time and memory
	if os.Getenv("REGLO_TEST_MANY") == "" {
		t.Skip("set REGLO_TEST_MANY to measure a hundred thousand payouts")
	}
	const due = 100_000
	w := payouttest.New(t, payouttest.Options{}, crowd(due)...)
	run := w.Open(t, "2026-03-17", "one")
	debug.FreeOSMemory()
	ctx, stop := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	var peak uint64
	watching.Go(func() {
		for ticker := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-ticker.C {
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			peak = max(peak, memory.HeapInuse+memory.StackInuse)
		}
	})
	for _, step := range []struct {
		name    string
		request any
	}{
		{activities.PlanPayoutsName, activities.PlanPayoutsRequest{Run: run, BusinessDate: w.Date}},
		{activities.ValidateCashoutsName, run},
		{activities.PostPayoutsName, run},
	} {
		begun := time.Now()
		require.NoError(t, w.Until(step.name, step.request))
		t.Logf("%s: %s", step.name, time.Since(begun).Round(time.Millisecond))
	}
	stop()
	watching.Wait()
	t.Logf("most memory in use: %d MiB", peak>>20)
	require.Equal(t, int64(due), w.Number(t, `select count(*) from payout where state = 'PREPARED'`))
	w.Prove(t)
}
