//go:build linux

package e2e_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/ingest"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// everyStepVariable asks for a death at every step of every vacation; some of
// them run with the suite.
const everyStepVariable = "REGLO_CRASH_DAY"

// steps are the activities that a whole day calls, by the workflow that does.
func steps() map[string][]string {
	reglement := []string{
		activities.OpenSettlementName, activities.LoadFileName, activities.PostLinesName,
		activities.CoverShortfallsName, activities.IsolateRevenueName, activities.CloseSettlementName, activities.ArchiveFileName,
	}
	return map[string][]string{
		// Somebody answers that its file is there, which ends the wait; the other one's is waited for.
		workflows.ReglementTransactionsName: append(slices.Clone(reglement), activities.RecordAnswerName, activities.PlanPostingsName),
		workflows.ReglementImpayesName:      append(slices.Clone(reglement), activities.AwaitFileName, activities.DecantonName),
		workflows.ReglementVirementsName: {
			activities.OpenSettlementName, activities.TellMovementsName, activities.MatchRemittanceName,
			activities.LoadRejectsName, activities.AllocateRejectsName, activities.CloseVacationName,
		},
		workflows.CreancesName: {
			activities.OpenVacationName, activities.RecoverDebtsName, activities.OrderRecoveryName, activities.CloseVacationName,
		},
		workflows.FinanciereName: {
			activities.OpenVacationName, activities.LoadPaylineName, activities.MovePaylineName, activities.ControlPaylineName,
			activities.PlanPayoutsName, activities.ValidateCashoutsName, activities.PostPayoutsName, activities.DecantonName,
			activities.RemitName, activities.DispatchName, activities.DecideCashoutsName, activities.CantonName,
			activities.AnswerPaylineName, activities.PlanPostingsName, activities.CloseVacationName,
		},
		workflows.TechniqueName: {
			activities.OpenVacationName, activities.LoadMerchantsName, activities.ReadStatementsName, activities.ReadReportsName,
			activities.MatchTransfersName, activities.PairLinesName, activities.MatchPaymentsName, activities.SettleOrdersName, activities.ReconcileName, activities.StateSafeguardingName,
			activities.PlanPostingsName, activities.DecideName, activities.CloseVacationName,
		},
		workflows.DayName: {activities.OpenDayName, activities.CloseDayName},
	}
}

// elsewhere are the activities at which single cases kill, the one that only asks
// the calendar, and the one that is no step of a day.
func elsewhere() []string {
	return []string{
		activities.FailVacationName, activities.AwaitReglementsName, activities.LookUpName, activities.IsOpenDayName,
		activities.AskOutcomesName,
	}
}

// registered notes the names of activities.
type registered struct {
	worker.ActivityRegistry

	names map[string]bool
}

func (r *registered) RegisterActivityWithOptions(_ any, options activity.RegisterOptions) {
	r.names[options.Name] = true
}

// TestNoStepIsForgotten holds the steps at which workers die against what workers do.
func TestNoStepIsForgotten(t *testing.T) {
	t.Parallel()
	does := &registered{names: make(map[string]bool)}
	s := newStageOn(nil, ingest.Folders{})
	s.register(does)
	s.bank.RegisterDispatch(does)
	killed := make(map[string]bool)
	for _, names := range append(slices.Collect(maps.Values(steps())), elsewhere()) {
		for _, name := range names {
			killed[name] = true
		}
	}
	require.Equal(t, does.names, killed)
}

// some of the steps are those at which the suite kills.
func some() []moment {
	return []moment{
		{workflows.ReglementVirementsName, activities.AllocateRejectsName, notTold},
		{workflows.ReglementTransactionsName, activities.PostLinesName, notTold},
		{workflows.CreancesName, activities.RecoverDebtsName, notTold},
		{workflows.FinanciereName, activities.PostPayoutsName, notTold},
		{workflows.FinanciereName, activities.DecideCashoutsName, notTold},
		{workflows.TechniqueName, activities.MatchTransfersName, justStarted},
	}
}

// TestADayWhoseWorkersDie kills workers at the steps of a whole day, by kill -9:
// as a step begins, and when it is committed and Temporal does not know. The day
// must come to the same as one that nothing disturbed.
func TestADayWhoseWorkersDie(t *testing.T) {
	t.Parallel()
	begun := aMorning(t)
	cases := map[string]func(*testing.T){
		"a bulk that was handed over": func(t *testing.T) { t.Helper(); handedOver(t, begun) },
	}
	if os.Getenv(everyStepVariable) == "" {
		cases["some steps"] = func(t *testing.T) { t.Helper(); dies(t, begun, some()) }
	} else {
		cases["nowhere"] = func(t *testing.T) { t.Helper(); dies(t, begun, nil) }
		cases["a bulk of unknown outcome"] = func(t *testing.T) { t.Helper(); unknownOutcome(t, begun) }
		cases["a vacation that fails"] = func(t *testing.T) { t.Helper(); fails(t, begun) }
		cases["a session started by hand"] = func(t *testing.T) { t.Helper(); startedByHand(t, begun) }
		for name, calls := range steps() {
			for _, when := range []string{justStarted, notTold} {
				var moments []moment
				for _, call := range calls {
					moments = append(moments, moment{name, call, when})
				}
				cases[when+" each step of "+name] = func(t *testing.T) { t.Helper(); dies(t, begun, moments) }
			}
		}
	}
	// As in TestCrashes: they wait more than they work.
	var crashes sync.WaitGroup
	places := make(chan struct{}, dayWorldsAtOnce)
	for name, crash := range cases { //nolint:paralleltest // as said above
		crashes.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			t.Run(name, crash)
		})
	}
	crashes.Wait()
}

// dayWorldsAtOnce bounds the worlds that are played beside each other: each has
// a worker that is started again and again.
const dayWorldsAtOnce = 4

func dies(t *testing.T, begun *morning, moments []moment) {
	t.Helper()
	w := begun.begin(t)
	w.play(t, moments)
	w.requireSame(t, begun.undisturbed)
}

// handedOver kills a worker when the bank has a bulk, and the books do not know:
// it is looked up, and not handed over again; and one that was about to.
func handedOver(t *testing.T, begun *morning) {
	t.Helper()
	w := begun.begin(t)
	w.play(t, []moment{
		{atChannel, sending, justStarted}, {atChannel, sending, notTold}, {workflows.FinanciereName, activities.DispatchName, notTold},
	})
	w.requireSame(t, begun.undisturbed)
}

// unknownOutcome has a bulk whose outcome the channel cannot tell, and kills
// workers while an operator has it handed over again.
func unknownOutcome(t *testing.T, begun *morning) {
	t.Helper()
	w := begun.begin(t)
	bulk := "MONEXTEUR" + w.date.Compact() + "001"
	stray := filepath.Join(w.outbox, bulk+".xml")
	require.NoError(t, os.MkdirAll(w.outbox, 0o700))
	require.NoError(t, os.WriteFile(stray, []byte("another"), 0o600))
	w.meanwhile = func() {
		eventually(t, "a bulk of unknown outcome", func() bool {
			return w.ask(`select count(*) from bulk where state = 'UNKNOWN' and name = $1`, bulk) == 1
		})
		require.NoError(t, os.Remove(stray))
		id := string(vacation.Financiere) + "/" + w.date.String()
		w.waits(t, id)
		w.answer(t, id, workflows.ResendUpdate, workflows.AnswerRequest{
			Actor: "bruno", Reason: "the bank has another file of that name", Subjects: []string{bulk},
		})
	}
	w.play(t, []moment{
		{workflows.FinanciereName, activities.LookUpName, justStarted}, {workflows.FinanciereName, activities.LookUpName, notTold},
	})
	require.EqualValues(t, 1, w.ask(`select count(*) from operator_act where act = 'resend'`))
	_, err := w.pool.Exec(t.Context(), `delete from operator_act where act = 'resend'`)
	require.NoError(t, err)
	w.requireSame(t, begun.undisturbed)
}

// fails has a Payline file refused as a whole, and kills workers while the
// vacation ends with error.
func fails(t *testing.T, begun *morning) {
	t.Helper()
	fail := func(deaths ...moment) string {
		w := begun.begin(t)
		spoil(t, w.only(t, "Payline.*.txt"))
		w.setOut(t, deaths)
		run := w.financiere(t, w.cutOff())
		w.decide(t)
		require.Equal(t, vacation.PaylineRefused, activities.AsFailure(run.Get(t.Context(), nil)).Code)
		require.Empty(t, armed(t, w.gate), "moments that nobody came to")
		return w.dump(t)
	}
	pgtest.Same(t, fail(), fail(
		moment{workflows.FinanciereName, activities.FailVacationName, justStarted},
		moment{workflows.FinanciereName, activities.FailVacationName, notTold},
	))
}

// startedByHand has the day find its first session running, which somebody else
// started, and kills workers while it waits for that.
func startedByHand(t *testing.T, begun *morning) {
	t.Helper()
	w := begun.begin(t)
	w.setOut(t, nil)
	request := workflows.TechniqueRequest{
		BusinessDate: w.date, Phase: workflows.PhaseOpen, Inbox: w.folders.Inbox, CutOff: w.cutOff(), RequestedBy: "alice",
	}
	w.perform(t, w.technique("open"), workflows.TechniqueName, request)
	arm(t, w.gate, moment{workflows.DayName, activities.AwaitReglementsName, justStarted})
	arm(t, w.gate, moment{workflows.DayName, activities.AwaitReglementsName, notTold})
	w.playOn(t)
	w.requireSame(t, begun.undisturbed)
}

// requireSentOnce proves that the channel was asked to hand each bulk over once.
func (w *dayWorld) requireSentOnce(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.gate, sendsFile))
	require.NoError(t, err)
	sends := strings.Fields(string(content))
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(sends))), int(w.ask(`select count(*) from bulk where attempted_at >= $1::date`, w.date.String())))
	if w.meanwhile == nil {
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(sends))), len(sends), "handed over again: %v", sends)
	}
}
