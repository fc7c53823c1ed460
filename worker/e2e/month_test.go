//go:build linux

package e2e_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/activities/postgres"
	standin "github.com/reglo/reglo/deploy/partners/bank"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/workflows"
)

const (
	// monthVariable asks for the whole month, drawn from the seed that it holds;
	// a few days of one month run with the suite.
	monthVariable = "REGLO_MONTH"
	monthDays     = 20
	fewDays       = 4
	// monthSeed draws what comes in, and what goes wrong, in the suite's month.
	monthSeed = 20260324

	monthOwn      = 50_000_00
	monthFourEyes = 250_00
)

// TestAMonthIsWhatThePlainModelSays plays TARGET days over Easter, with what
// goes wrong in a month: late files and statements, lots of rejects, refused
// approvals, killed workers. After each day the books are those of the model.
func TestAMonthIsWhatThePlainModelSays(t *testing.T) {
	t.Parallel()
	days, seed := fewDays, uint64(monthSeed)
	if text := os.Getenv(monthVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, monthVariable)
		days = monthDays
	}
	m := newMonth(t, seed)
	date := calendar.RollForward(calendar.Target{}, day(2026, time.March, 27))
	for n := range days {
		t.Logf("day %d, %s", n+1, date)
		m.play(t, n, date)
		m.compare(t)
		date = calendar.Add(calendar.Target{}, date, 1)
	}
	report, err := audit.Verify(t.Context(), m.pool)
	require.NoError(t, err)
	require.True(t, report.Clean(), "%+v", report)
	m.tell(t, days)
}

// month is the month as it is played.
type month struct {
	*world

	plan    *plan
	model   *model
	bank    *standin.Bank
	random  *rand.Rand
	formats standin.Formats
	clock   string // file of the workers' clock
	outbox  string
	work    *process
	// yesterday are the payouts of the last day, some of which come back: those of the accounts in returnedLast.
	yesterday    []*modelPayout
	returnedLast map[string]bool
	returning    map[string]bool // those of today that will
	refused      map[string]bool // accounts of which the bank does not execute today's payout
}

// monthFormats are what the bank writes in the month of a seed: all formats in turn.
func monthFormats(seed uint64) standin.Formats {
	all := []standin.Formats{
		{Statement: standin.StatementCFONB120, Rejects: standin.RejectsPain002, Report: true, OneFile: true},
		{Statement: standin.StatementCFONB120, Rejects: standin.RejectsCFONB240, Report: true},
		{Statement: standin.StatementCamtOld, Rejects: standin.RejectsCamt054},
		{Statement: standin.StatementCamt053, Rejects: standin.RejectsCamt053, Report: true, OneFile: true},
		{Statement: standin.StatementCamt053, Rejects: standin.RejectsPain002, Report: true},
	}
	return all[seed%uint64(len(all))]
}

func newMonth(t *testing.T, seed uint64) *month {
	t.Helper()
	server, namespace := shared.get(t)
	m := &month{
		world: setUpWorld(t, newEmptyStage(t), server, namespace), plan: newPlan(seed),
		random:  rand.New(rand.NewPCG(seed, 1)),
		formats: monthFormats(seed),
		model:   &model{cps: make(map[string]*modelCP), own: monthOwn, fourEyes: monthFourEyes},
	}
	data := filepath.Dir(m.folders.Inbox)
	m.clock, m.outbox = filepath.Join(data, "clock"), filepath.Join(data, "outbox")
	settings, err := config.Load(nil, nil)
	require.NoError(t, err)
	m.bank, err = standin.New(filepath.Join(data, "bank.json"), map[ledger.Code]standin.Account{
		ledger.Reglement:      {IBAN: settings.Bank.Reglement.IBAN},
		ledger.Cantonnement:   {IBAN: settings.Bank.Cantonnement.IBAN},
		ledger.Fonctionnement: {IBAN: settings.Bank.Fonctionnement.IBAN, Balance: monthOwn},
	}, standin.WithFormats(m.formats))
	require.NoError(t, err)
	t.Cleanup(func() { _ = m.bank.Close() })
	_, err = postgres.OpenBooks(t.Context(), m.pool, map[ledger.Code]money.Cents{ledger.Fonctionnement: monthOwn}, time.Now())
	require.NoError(t, err)
	m.hire(t)
	return m
}

// tell counts what happened, so that a month in which nothing went wrong proves nothing.
func (m *month) tell(t *testing.T, days int) {
	t.Helper()
	for what, query := range map[string]string{
		"payouts executed":           `select count(*) from payout where state = 'EXECUTED'`,
		"payouts that came back":     `select count(*) from payout where state = 'REJECTED' and reject_line is not null`,
		"payouts refused":            `select count(*) from payout where state = 'REFUSED'`,
		"approvals and refusals":     `select count(*) from operator_act where act in ('approve-payouts', 'refuse-payouts')`,
		"CPs on hold":                `select count(*) from payout_hold`,
		"Payline lines accepted":     `select count(*) from payline_line where outcome = 'ACCP'`,
		"Payline lines rejected":     `select count(*) from payline_line where outcome = 'RJCT'`,
		"debts":                      `select count(*) from debt`,
		"debts paid back":            `select count(*) from debt where remaining_cents = 0`,
		"recoveries":                 `select count(*) from entry where kind = 'RECOVERY'`,
		"unpaids without a CP":       `select count(*) from entry where kind = 'UNPAID_DEBT'`,
		"parked lines":               `select count(*) from parked_line where reason <> 'TO_DEBT'`,
		"own transfers":              `select count(*) from transfer_order where state = 'EXECUTED'`,
		"money to cantonnement":      `select count(*) from transfer_order where purpose = 'CANTONNEMENT'`,
		"money from cantonnement":    `select count(*) from transfer_order where purpose = 'DECANTONNEMENT'`,
		"statements of safeguarding": `select count(*) from safeguarding`,
	} {
		count := m.ask(query)
		t.Logf("%s: %d", what, count)
		if days == monthDays {
			require.Positive(t, count, what)
		}
	}
	executedNot := m.ask(`select count(*) from payout p where state = 'REJECTED' and exists (select from payout_refusal f where f.payout = p.number)`)
	t.Logf("payouts that the bank did not execute: %d; it writes %+v", executedNot, m.formats)
	if days == monthDays && m.formats.Report {
		require.Positive(t, executedNot)
	}
	t.Logf("workers killed: %d", m.started-1)
}

// hire starts a worker whose clock is the month's.
func (m *month) hire(t *testing.T) {
	t.Helper()
	m.work = m.world.work(t, clockVariable+"="+m.clock, "REGLO_CASHOUT_FOUR_EYES=250.00")
}

// play plays one day, in the engine and in the model.
func (m *month) play(t *testing.T, n int, date calendar.Date) {
	t.Helper()
	// The workers' day begins at six, wherever the test's day is.
	offset := time.Until(date.Midnight().Add(6 * time.Hour))
	require.NoError(t, os.WriteFile(m.clock+".part", []byte(strconv.FormatInt(int64(offset), 10)), 0o600))
	require.NoError(t, os.Rename(m.clock+".part", m.clock))

	if n == 0 || n == 7 {
		if n > 0 {
			m.plan.change()
		}
		m.deliver(t)(m.plan.snapshotFile(t))
		m.take()
	}
	d := &monthDay{month: m, date: date, number: n}
	d.prepare(t)
	d.morning(t)
	run := d.start(t)
	d.outside(t)
	var result workflows.DayResult
	require.NoError(t, run.Get(t.Context(), &result))
	for _, step := range result.Steps {
		require.Equal(t, workflows.OutcomeEnded, step.Outcome, step.Detail)
	}
	d.reckon()
}

// take has the model know the merchants as they are now.
func (m *month) take() {
	for _, known := range m.plan.merchants {
		if cp := m.model.cps[known.AccountID]; cp != nil {
			cp.Merchant = known
			continue
		}
		m.model.cps[known.AccountID] = &modelCP{Merchant: known}
	}
}

// deliver puts a file into the inbox, whole.
func (m *month) deliver(t testing.TB) func(name string, content []byte) {
	t.Helper()
	return func(name string, content []byte) {
		t.Helper()
		path := filepath.Join(m.folders.Inbox, name)
		require.NoError(t, os.WriteFile(path+".part", content, 0o600))
		require.NoError(t, os.Rename(path+".part", path))
	}
}

// monthDay is one day of the month.
type monthDay struct {
	*month

	date     calendar.Date
	number   int
	sales    []planLine
	unpaids  []planLine
	requests []planRequest
	lot      bool // rejects of yesterday come back
	late     bool // a statement of the morning is late
}

func (d *monthDay) prepare(t *testing.T) {
	t.Helper()
	d.sales, d.unpaids, d.requests = d.plan.sales(d.number%4 == 3), d.plan.unpaids(), d.plan.requests()
	d.deliver(t)(d.plan.paylineFile(t, d.number+1, d.date, d.requests))
	for _, payout := range d.yesterday {
		d.lot = d.lot || d.returnedLast[payout.account]
	}
	d.late = d.number%4 == 1
}

func (d *monthDay) salesReference() string   { return settlement.NewReference(1, d.date) }
func (d *monthDay) unpaidsReference() string { return settlement.NewReference(2, d.date) }

// morning is the bank's: it settles, and states.
func (d *monthDay) morning(t *testing.T) {
	t.Helper()
	for _, settled := range []standin.Settlement{
		{Reference: d.salesReference(), OperationType: "100", Amount: sum(d.sales), ValueDate: d.date},
		{Reference: d.unpaidsReference(), OperationType: "200", Amount: sum(d.unpaids), ValueDate: d.date},
	} {
		_, err := d.bank.Settle(d.date, settled)
		require.NoError(t, err)
	}
	faults := standin.Faults{}
	if d.late {
		faults.LateStatements = []ledger.Code{ledger.Cantonnement}
	}
	d.bank.SetFaults(faults)
	_, err := d.bank.CloseDay(d.date, d.folders.Inbox)
	require.NoError(t, err)
}

func (d *monthDay) start(t *testing.T) client.WorkflowRun {
	t.Helper()
	run, err := d.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: workflows.DayID(d.date), TaskQueue: workflows.Queue, WorkflowTaskTimeout: impatientTimeout,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, workflows.DayName, workflows.DayRequest{
		Date: d.date, Inbox: d.folders.Inbox, Payline: d.folders.Inbox, RequestedBy: "alice",
		// The waits are by Temporal's own clock, which is not the month's.
		CutOff: time.Now().Add(24 * time.Hour),
	})
	require.NoError(t, err)
	return run
}

// outside plays what comes from outside during the day, each thing when the one
// before it has had its effect: the order of two files that meet on a CP is the
// acquirer's in life, and the model's here.
func (d *monthDay) outside(t *testing.T) {
	t.Helper()
	if d.late {
		d.waits(t, d.technique("open"))
		_, err := d.bank.Deliver(d.folders.Inbox)
		require.NoError(t, err)
		d.nudge(t, d.technique("open"))
	}
	if d.lot {
		eventually(t, "the lot of rejects", func() bool {
			return d.ask(`select count(*) from bank_line l join statement s on s.number = l.statement
				where l.class = 'REJECTS' and s.date = $1`, d.date.String()) > 0 &&
				d.ask(`select count(*) from bank_line where class = 'REJECTS' and batch is null`) == 0 &&
				d.ask(`select count(*) from settlement where kind = 'REJECTS' and settled_at is null`) == 0
		})
	}
	d.lateFile(t, vacation.ReglementTransactions, settlement.KindTransaction, d.salesReference(), d.sales)
	d.perhapsKill(t, 0)
	d.lateFile(t, vacation.ReglementImpayes, settlement.KindImpaye, d.unpaidsReference(), d.unpaids)
	d.perhapsKill(t, 1)
	d.decide(t)
	d.perhapsKill(t, 2)
	d.evening(t)
}

func (d *monthDay) technique(phase string) string {
	return string(vacation.Technique) + "/" + d.date.String() + "/" + phase
}

// lateFile brings a file that is waited for, and sees it settled.
func (d *monthDay) lateFile(t *testing.T, kind vacation.Kind, file settlement.FileKind, reference string, lines []planLine) {
	t.Helper()
	id := string(kind) + "/" + reference
	d.waits(t, id)
	d.deliver(t)(reference+".txt", d.plan.creFile(t, file, reference, d.date, lines))
	d.nudge(t, id)
	eventually(t, id, func() bool {
		return d.ask(`select count(*) from settlement where reference = $1 and settled_at is not null`, reference) == 1
	})
}

// waiting is what a run waits for now; nothing while it cannot be asked.
func (d *monthDay) waiting(id string) workflows.Waiting {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var waiting workflows.Waiting
	if value, err := d.client.QueryWorkflow(ctx, id, "", workflows.WaitingQuery); err == nil {
		_ = value.Get(&waiting) // asked again
	}
	return waiting
}

func (d *monthDay) waits(t *testing.T, id string) {
	t.Helper()
	eventually(t, id+" waits", func() bool { return d.waiting(id).Stage != "" })
}

// nudge has a run look again now.
func (d *monthDay) nudge(t *testing.T, id string) {
	t.Helper()
	d.answer(t, id, workflows.RetryUpdate, workflows.AnswerRequest{Actor: "alice"})
}

// answer answers a run, unless it waits no more.
func (d *monthDay) answer(t *testing.T, id, act string, request workflows.AnswerRequest) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	handle, err := d.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateName: act, Args: []any{request}, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = handle.Get(ctx, nil)
	}
	if err != nil && !strings.Contains(err.Error(), "waits for nobody") && !strings.Contains(err.Error(), "already completed") {
		require.NoError(t, err)
	}
}

// perhapsKill kills the worker at some moment of some days, and hires another.
func (d *monthDay) perhapsKill(t *testing.T, moment int) {
	t.Helper()
	if d.number%5 != 2 || d.number/5%3 != moment {
		return
	}
	pause(t.Context(), time.Duration(d.random.IntN(300))*time.Millisecond)
	d.work.kill()
	d.hire(t)
}

// decide is the second pair of eyes.
func (d *monthDay) decide(t *testing.T) {
	t.Helper()
	id := string(vacation.Financiere) + "/" + d.date.String()
	eventually(t, "the payouts", func() bool {
		return d.ended(id) || d.waiting(id).Stage == vacation.StageApproval
	})
	if d.ended(id) {
		return
	}
	var approved, refused []string
	rows, err := d.pool.Query(t.Context(), `select ref_externe, amount_cents from payout where state = 'WAITING' order by number`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var reference string
		var amount int64
		require.NoError(t, rows.Scan(&reference, &amount))
		if refusedByOperator(money.Cents(amount)) {
			refused = append(refused, reference)
		} else {
			approved = append(approved, reference)
		}
	}
	require.NoError(t, rows.Err())
	if len(refused) > 0 {
		d.answer(t, id, workflows.RefuseUpdate, workflows.AnswerRequest{Actor: "chloe", Reason: "too much", Subjects: refused})
	}
	if len(approved) > 0 {
		d.answer(t, id, workflows.ApproveUpdate, workflows.AnswerRequest{Actor: "bruno", Subjects: approved})
	}
}

func (d *monthDay) ended(id string) bool {
	return d.ask(`select count(*) from vacation where kind || '/' || key = $1 and state = 'ENDED'`, id) == 1
}

// evening has the bank take the day's bulks, and state them.
func (d *monthDay) evening(t *testing.T) {
	t.Helper()
	eventually(t, "the end of financière", func() bool { return d.ended(string(vacation.Financiere) + "/" + d.date.String()) })
	d.returning = make(map[string]bool)
	if d.number%3 != 2 {
		for range 4 {
			d.returning[d.plan.merchants[d.random.IntN(monthCPs)].AccountID] = true
			d.returning[d.plan.merchants[8*d.random.IntN(6)].AccountID] = true // often the same: holds
		}
		for _, always := range []int{0, 8, 16} { // paid daily
			d.returning[d.plan.merchants[always].AccountID] = true
		}
	}
	d.bank.SetFaults(standin.Faults{RejectIDs: d.returned(t), RejectBeforeIDs: d.refusedBefore(t)})
	_, err := d.bank.Take(d.outbox, d.date)
	require.NoError(t, err)
	_, err = d.bank.CloseDay(d.date, d.folders.Inbox)
	require.NoError(t, err)
	if d.waiting(d.technique("close")).Stage != "" {
		d.nudge(t, d.technique("close"))
	}
}

// refusedBefore are payouts that the bank will not execute, on most days two:
// each the only one of its CP that day, so that the model need not know in which
// order those of a CP are settled. A bank that sends no reports refuses none.
func (d *monthDay) refusedBefore(t *testing.T) []string {
	t.Helper()
	d.refused = make(map[string]bool)
	if !d.formats.Report || d.number%4 == 0 {
		return nil
	}
	rows, err := d.pool.Query(t.Context(), `
		select account_id, end_to_end_id
		from (select account_id, end_to_end_id, count(*) over (partition by account_id) as payouts from payout
		      where state in ('PREPARED', 'SENT') and scope = $1) as p
		where payouts = 1 order by account_id`, string(vacation.Financiere)+"/"+d.date.String())
	require.NoError(t, err)
	payouts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Account, ID string }])
	require.NoError(t, err)
	var ids []string
	for range min(2, len(payouts)) {
		one := payouts[d.random.IntN(len(payouts))]
		if !d.refused[one.Account] {
			d.refused[one.Account] = true
			ids = append(ids, one.ID)
		}
	}
	return ids
}

// returned are the day's payouts that their bank will not take.
func (d *monthDay) returned(t *testing.T) []string {
	t.Helper()
	rows, err := d.pool.Query(t.Context(), `select account_id, end_to_end_id from payout where state in ('PREPARED', 'SENT')`)
	require.NoError(t, err)
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var account, id string
		require.NoError(t, rows.Scan(&account, &id))
		if d.returning[account] {
			ids = append(ids, id)
		}
	}
	require.NoError(t, rows.Err())
	return ids
}

// reckon has the model do what the day did.
func (d *monthDay) reckon() {
	d.model.comeBack(d.yesterday, func(payout *modelPayout) bool { return d.returnedLast[payout.account] })
	d.model.transactions(d.sales)
	d.model.unpaids(d.unpaids)
	d.model.recoverDebts()
	d.yesterday = d.model.financiere(d.date, d.requests)
	refused := func(payout *modelPayout) bool { return d.refused[payout.account] }
	d.model.comeBack(slices.DeleteFunc(slices.Clone(d.yesterday), func(payout *modelPayout) bool { return !refused(payout) }), refused)
	d.yesterday = slices.DeleteFunc(d.yesterday, refused)
	d.returnedLast = d.returning
}

// compare holds the books against the model, and against the bank.
func (m *month) compare(t *testing.T) {
	t.Helper()
	balances := m.amounts(t, `select m.account_id, a.credit_cents - a.debit_cents from merchant m join account a on a.id = m.account`)
	require.Len(t, balances, len(m.model.cps))
	for account, cp := range m.model.cps {
		require.Equal(t, cp.balance, balances[account], "CP %s (%s, %s)", account, cp.PayoutMode, cp.PayoutFrequency)
	}
	debts := m.amounts(t, `select siret, sum(remaining_cents)::bigint from debt where remaining_cents > 0 group by siret`)
	for _, debt := range m.model.debts {
		if debt.remaining > 0 {
			require.Equal(t, debt.remaining, debts[debt.siret], "a debt")
			delete(debts, debt.siret)
		}
	}
	require.Empty(t, debts, "debts that the model does not know")

	books := m.amounts(t, `select code, debit_cents - credit_cents from account where class in ('BK', 'PL', 'TR.PARK', 'FEE')`)
	require.Equal(t, m.model.client, books["BK.REG"]+books["BK.CAN"], "client money")
	require.Equal(t, m.model.own, books["BK.FON"], "own money")
	require.Equal(t, m.model.earned, -books["PL.COM"], "commissions")
	require.Equal(t, m.model.parked, -books["TR.PARK"], "parked")
	require.Zero(t, books["FEE.DUE"])
	for _, code := range standin.Accounts() {
		require.Equal(t, m.bank.Balance(code), books[string(code)], "the bank's %s", code)
	}
	held := m.amounts(t, `select account_id, 1::bigint from payout_hold where released_at is null`)
	for account, cp := range m.model.cps {
		require.Equal(t, cp.held, held[account] == 1, "hold of %s", account)
	}
	require.Zero(t, m.ask(`select count(*) from payout where state not in ('EXECUTED', 'REJECTED', 'REFUSED')`))
}

func (m *month) amounts(t *testing.T, query string) map[string]money.Cents {
	t.Helper()
	rows, err := m.pool.Query(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	amounts := make(map[string]money.Cents)
	for rows.Next() {
		var name string
		var amount int64
		require.NoError(t, rows.Scan(&name, &amount))
		amounts[name] = money.Cents(amount)
	}
	require.NoError(t, rows.Err())
	return amounts
}
