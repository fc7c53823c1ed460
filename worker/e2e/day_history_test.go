//go:build linux

package e2e_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/events/eventtest"
	"github.com/reglo/reglo/activities/transfers"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/merchant"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/workflows"
)

// dayHouse is the second day with workers in this process, whose histories are kept.
type dayHouse struct {
	*dayWorld

	house *house
}

// newDayHouse has the day begin at six, disturbed by before, nil for not at all.
func newDayHouse(t *testing.T, before func(ctx context.Context, h *house, name string, times int64) error) *dayHouse {
	t.Helper()
	begun := aMorning(t)
	settings, err := config.Load(nil, nil)
	require.NoError(t, err)
	offset := time.Until(begun.date.Midnight().Add(6 * time.Hour))
	h := newHouse(t, begun.stage(t, withBank(transfers.Bank(settings.Bank)), withFourEyes(monthFourEyes),
		withClock(func() time.Time { return time.Now().Add(offset) })), before)
	return &dayHouse{dayWorld: begun.on(t, &world{stage: h.stage, client: h.client}), house: h}
}

// keep keeps the history of a session's last run.
func (d *dayHouse) keep(t *testing.T, id, name string) {
	t.Helper()
	d.house.history(t, d.client.GetWorkflow(t.Context(), id, ""), name)
}

// open starts the opening of the day; the files of its règlements are there.
func (d *dayHouse) open(t *testing.T) client.WorkflowRun {
	t.Helper()
	d.deliver(t)(d.salesReference()+".txt", d.begun.sales)
	d.deliver(t)(d.unpaidsReference()+".txt", d.begun.unpaids)
	return d.perform(t, d.technique("open"), workflows.TechniqueName, workflows.TechniqueRequest{
		BusinessDate: d.date, Phase: workflows.PhaseOpen, Inbox: d.folders.Inbox, CutOff: d.cutOff(), RequestedBy: "alice",
	})
}

// TestEveryEventIsTold plays the day as it should go, and as it should not, and
// holds each event against its schema: together they tell every type.
func TestEveryEventIsTold(t *testing.T) {
	t.Parallel()
	told := make(map[ogep.Type]bool)
	for _, played := range []*dayHouse{aDay(t), aDayOnWhichAllFails(t)} {
		for _, event := range eventtest.Told(t, played.pool) {
			told[event.Type] = true
		}
	}
	require.ElementsMatch(t, ogep.Types(), slices.Collect(maps.Keys(told)))
}

// aDay keeps the histories of a day that goes as it should.
func aDay(t *testing.T) *dayHouse {
	t.Helper()
	d := newDayHouse(t, nil)
	d.playOn(t)
	d.keep(t, workflows.DayID(d.date), "day")
	d.keep(t, d.technique("open"), "technique-open")
	d.keep(t, d.technique("close"), "technique-close")
	d.keep(t, d.technique("decisions-1"), "technique-decisions")
	d.keep(t, string(vacation.ReglementImpayes)+"/"+d.unpaidsReference(), "impayes")
	d.keep(t, d.session(vacation.Creances), "creances")
	d.keep(t, d.session(vacation.Financiere), "financiere")
	d.keep(t, string(vacation.ReglementVirements)+"/MONEXTEUR"+d.date.Compact()+"001", "virements-remittance")
	d.keep(t, string(vacation.ReglementVirements)+"/"+d.lotReference(t), "virements-rejects")
	require.Positive(t, d.ask(`select count(*) from operator_act where act = 'approve-payouts'`))
	require.Positive(t, d.ask(`select count(*) from operator_act where act = 'refuse-payouts'`))
	require.Positive(t, d.ask(`select count(*) from entry where kind = 'RECOVERY'`))
	return d
}

func (d *dayHouse) lotReference(t *testing.T) string {
	t.Helper()
	var reference string
	err := d.pool.QueryRow(t.Context(), `select min(reference) from settlement where kind = 'REJECTS'`).Scan(&reference)
	require.NoError(t, err)
	return reference
}

// aDayOnWhichAllFails has the first run of each vacation cancelled at a step, an
// operator retry the first of them and let the day go on without the others, and
// a statement that does not come.
func aDayOnWhichAllFails(t *testing.T) *dayHouse {
	t.Helper()
	var cancelled sync.Map
	at := map[string]string{
		workflows.TechniqueName:             activities.LoadMerchantsName,
		workflows.ReglementTransactionsName: activities.LoadFileName,
		workflows.ReglementImpayesName:      activities.LoadFileName,
		workflows.ReglementVirementsName:    activities.TellMovementsName,
		workflows.CreancesName:              activities.RecoverDebtsName,
	}
	d := newDayHouse(t, func(ctx context.Context, h *house, name string, _ int64) error {
		info := activity.GetInfo(ctx)
		if at[info.WorkflowType.Name] != name {
			return nil
		}
		if _, before := cancelled.LoadOrStore(info.WorkflowType.Name, true); before {
			return nil
		}
		return h.client.CancelWorkflow(ctx, info.WorkflowExecution.ID, info.WorkflowExecution.RunID)
	})
	d.deliver(t)(d.salesReference()+".txt", d.begun.sales)
	d.deliver(t)(d.unpaidsReference()+".txt", d.begun.unpaids)
	mend := spoil(t, d.only(t, "Payline.*.txt"))
	run := d.start(t)
	d.failed(t, d.technique("open"))
	d.nudge(t, workflows.DayID(d.date))
	d.failed(t, d.session(vacation.Creances))
	d.skip(t, workflows.DayID(d.date))
	d.decide(t)
	d.failed(t, d.session(vacation.Financiere))
	d.skip(t, workflows.DayID(d.date))
	mend()
	d.waits(t, d.technique("close"))
	d.answer(t, d.technique("close"), workflows.AbortUpdate, workflows.AnswerRequest{Actor: "bruno", Reason: "the bank is closed"})
	d.failed(t, d.technique("close"))
	d.skip(t, workflows.DayID(d.date))
	require.NoError(t, run.Get(t.Context(), nil))

	d.keep(t, workflows.DayID(d.date), "day-retried-and-skipped")
	d.keep(t, string(vacation.ReglementTransactions)+"/"+d.salesReference(), "transactions-cancelled")
	d.keep(t, string(vacation.ReglementImpayes)+"/"+d.unpaidsReference(), "impayes-cancelled")
	d.keep(t, d.session(vacation.Creances), "creances-cancelled")
	d.keep(t, d.session(vacation.Financiere), "financiere-refused-file")
	d.keep(t, d.technique("close"), "technique-aborted")
	return d
}

// failed waits until the day has heard that a session ended with error.
func (d *dayHouse) failed(t *testing.T, id string) {
	t.Helper()
	eventually(t, "the failure of "+id, func() bool {
		return strings.Contains(d.waiting(workflows.DayID(d.date)).What, id+" ended with error")
	})
}

func (d *dayHouse) skip(t *testing.T, id string) {
	t.Helper()
	d.answer(t, id, workflows.SkipUpdate, workflows.AnswerRequest{Actor: "bruno", Reason: "tomorrow"})
}

// TestHistoriesOfWaits keeps the histories of runs that wait for somebody.
func TestHistoriesOfWaits(t *testing.T) {
	t.Parallel()
	aMorning(t)
	for name, play := range map[string]func(*testing.T, *dayHouse){
		"nobody approves":           nobodyApproves,
		"a bulk of unknown outcome": bulkOfUnknownOutcome,
		"a late statement":          lateStatement,
		"a mass closure":            massClosure,
		"a schedule":                schedule,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, newDayHouse(t, nil))
		})
	}
}

func nobodyApproves(t *testing.T, d *dayHouse) {
	t.Helper()
	require.NoError(t, d.financiere(t, time.Now().Add(5*time.Second)).Get(t.Context(), nil))
	require.Positive(t, d.ask(`select count(*) from payout where state = 'REFUSED'`))
	d.keep(t, d.session(vacation.Financiere), "financiere-cut-off")
}

func bulkOfUnknownOutcome(t *testing.T, d *dayHouse) {
	t.Helper()
	bulk := "MONEXTEUR" + d.date.Compact() + "001"
	stray := filepath.Join(d.outbox, bulk+".xml")
	require.NoError(t, os.WriteFile(stray, []byte("another"), 0o600))
	run := d.financiere(t, d.cutOff())
	id := d.session(vacation.Financiere)
	eventually(t, "a bulk of unknown outcome", func() bool {
		return d.ask(`select count(*) from bulk where state = 'UNKNOWN' and name = $1`, bulk) == 1
	})
	require.NoError(t, os.Remove(stray))
	d.waits(t, id)
	d.answer(t, id, workflows.ResendUpdate, workflows.AnswerRequest{
		Actor: "bruno", Reason: "the bank has another file of that name", Subjects: []string{bulk},
	})
	d.decide(t)
	require.NoError(t, run.Get(t.Context(), nil))
	require.Zero(t, d.ask(`select count(*) from bulk where state = 'UNKNOWN'`))
	d.keep(t, id, "financiere-unknown-outcome")
}

func lateStatement(t *testing.T, d *dayHouse) {
	t.Helper()
	statement := d.only(t, "camt053.CAN.*")
	elsewhere := filepath.Join(t.TempDir(), filepath.Base(statement))
	require.NoError(t, os.Rename(statement, elsewhere))
	run := d.open(t)
	d.waits(t, d.technique("open"))
	require.NoError(t, os.Rename(elsewhere, statement))
	d.nudge(t, d.technique("open"))
	require.NoError(t, run.Get(t.Context(), nil))
	d.keep(t, d.technique("open"), "technique-late-statement")
}

func massClosure(t *testing.T, d *dayHouse) {
	t.Helper()
	closed := newPlan(monthSeed)
	closed.snapshot = 1
	for i := range closed.merchants {
		closed.merchants[i].Status = merchant.StatusClosed
	}
	d.deliver(t)(closed.snapshotFile(t))
	run := d.open(t)
	d.waits(t, d.technique("open"))
	d.answer(t, d.technique("open"), workflows.ApproveUpdate, workflows.AnswerRequest{Actor: "bruno"})
	require.NoError(t, run.Get(t.Context(), nil))
	require.Zero(t, d.ask(`select count(*) from merchant where status <> 'CLOSED'`))
	d.keep(t, d.technique("open"), "technique-mass-closure")
}

// schedule has Temporal call for a day on which the bank works, and for a Sunday.
func schedule(t *testing.T, d *dayHouse) {
	t.Helper()
	for name, date := range map[string]calendar.Date{
		"trigger-open": day(2025, time.March, 25), "trigger-closed": day(2025, time.March, 23),
	} {
		handle, err := d.client.ScheduleClient().Create(t.Context(), client.ScheduleOptions{
			ID: name, Paused: true, Spec: client.ScheduleSpec{CronExpressions: []string{"0 7 * * *"}, TimeZoneName: "Europe/Paris"},
			Action: &client.ScheduleWorkflowAction{
				ID: name, Workflow: workflows.TriggerName, TaskQueue: workflows.Queue, Args: []any{workflows.TriggerRequest{
					Schedule: name, What: workflows.StepCreances, Inbox: d.folders.Inbox, CutOff: "16:00", RequestedBy: "scheduler",
				}},
			},
		})
		require.NoError(t, err)
		t.Cleanup(func() { _ = handle.Delete(context.Background()) })
		require.NoError(t, handle.Backfill(t.Context(), client.ScheduleBackfillOptions{Backfill: []client.ScheduleBackfill{{
			Start: date.Midnight(), End: date.Midnight().Add(20 * time.Hour), Overlap: enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
		}}}))
		var id string
		eventually(t, "the schedule's call", func() bool {
			described, err := handle.Describe(t.Context())
			if err != nil || len(described.Info.RecentActions) == 0 {
				return false
			}
			id = described.Info.RecentActions[0].StartWorkflowResult.WorkflowID
			return true
		})
		var result workflows.TriggerResult
		require.NoError(t, d.client.GetWorkflow(t.Context(), id, "").Get(t.Context(), &result))
		require.Equal(t, date, result.Date)
		if name == "trigger-closed" {
			require.Equal(t, workflows.TriggerClosed, result.Outcome)
		} else {
			require.Equal(t, workflows.TriggerStarted, result.Outcome)
			require.NoError(t, d.client.GetWorkflow(t.Context(), result.WorkflowID, "").Get(t.Context(), nil))
		}
		d.keep(t, id, name)
	}
}
