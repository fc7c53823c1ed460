package command_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/workflows"
)

// A day that is far away: its cut-off has not passed.
const aDate = "2099-01-05"

func document(t *testing.T, got result) map[string]any {
	t.Helper()
	var document map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.out), &document), "%s%s", got.out, got.err)
	return document
}

func TestVacationsOfADay(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	for _, test := range []struct {
		args []string
		id   string
		says string
	}{
		{[]string{"creances", "--date", "2099-01-03"}, "vacation-creances/2099-01-03", "recovered    300.00 EUR\n"}, // a Saturday
		{[]string{"creances", "--date", aDate, "--run", "2"}, "vacation-creances/2099-01-05/2", "remaining    700.50 EUR\n"},
		{[]string{"financiere", "--date", aDate}, "vacation-financiere/2099-01-05", "cantonnement       0.00 EUR\n"},
		{[]string{"technique", "--phase", "open", "--date", aDate}, "vacation-technique/2099-01-05/open", "3, 12 lines, 1 unknown\n"},
		{[]string{"technique", "--phase", "close", "--date", aDate}, "vacation-technique/2099-01-05/close", "surplus  10.00 EUR\n"},
	} {
		args := append([]string{"run"}, test.args...)
		got := starter(t, environ, append(args, "--wait")...)
		require.Equal(t, command.ExitDone, got.code, got.err)
		require.Contains(t, got.out, test.id+" ended\n")
		require.Contains(t, got.out, test.says)

		// Asked for by another one, it is the same.
		again := starter(t, environ, append(args, "--actor", "bruno", "--json")...)
		require.Equal(t, command.ExitDone, again.code, again.err)
		require.Equal(t, "ALREADY_ENDED", document(t, again)["outcome"])
		require.Equal(t, test.id, document(t, again)["workflowId"])

		shown := starter(t, environ, "progress", test.id)
		require.Zero(t, shown.code, shown.err)
		require.Contains(t, shown.out, test.says)
	}
	got := starter(t, environ, "run", "financiere", "--date", aDate, "--payline", "/elsewhere")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "conflict: vacation-financiere/2099-01-05 is there with other parameters: "+
		`payline is not given, this one says "/elsewhere"`)
}

func TestBadUsageOfADay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"run", "technique"}, `--phase ""`},
		{[]string{"run", "technique", "--phase", "open", "--date", "2026-03-01"}, "is no TARGET day"},
		{[]string{"run", "financiere", "--date", "2026-03-01"}, "is no TARGET day"},
		{[]string{"run", "financiere", "--await-payline"}, "--await-payline goes with --payline"},
		{[]string{"run", "creances", "--run", "a b"}, "a key holds letters"},
		{[]string{"run", "creances", "--timeout", "1s"}, "--timeout goes with --wait"},
		{[]string{"day", "--date", "2026-03-01"}, "is no TARGET day"},
		{[]string{"day", "--date", "soon"}, `date "soon"`},
		{[]string{"answer", "a", "perhaps"}, `there is no answer "perhaps"`},
		{[]string{"answer", "a b", "retry"}, "a key holds letters"},
		{[]string{"waiting", "--days", "-1"}, "below zero"},
		{[]string{"schedule"}, "starter schedule wants one of: apply, list, pause, resume, trigger"},
		{[]string{"schedule", "apply", write(t, "s.yaml", "- name: a\n  hour: 3\n")}, `s.yaml line 2: there is no "hour"`},
		{[]string{"schedule", "apply", "/nowhere"}, "/nowhere"},
		{[]string{"schedule", "apply", write(t, "none.yaml", "# none\n"), "--prune"}, "none.yaml has no schedule, and --prune would delete all"},
		{[]string{"schedule", "apply", write(t, "empty.yaml", "[]\n"), "--prune"}, "empty.yaml has no schedule"},
		{[]string{"schedule", "pause", "day"}, "--reason is missing"},
		{[]string{"schedule", "trigger", "day", "--date", "2026-03-01"}, "is a Sunday"},
		{[]string{"parked", "assign"}, "--reference, --line and --cp"},
		{[]string{"parked", "bogus"}, "starter parked"},
		{[]string{"lines", "assign", "1", "--as", "gift"}, `--as "gift"`},
		{[]string{"lines", "assign", "1", "--as", "rejects"}, "--reason is missing"},
		{[]string{"debts", "write-off"}, "--siret is missing"},
		{[]string{"holds", "release"}, "--cp is missing"},
		{[]string{"safeguarding"}, "--date is missing"},
		{[]string{"safeguarding", "--date", "2026-03-02", "--csv", "--json"}, "--csv and --json"},
	} {
		got := starter(t, append(nowhere(), "REGLO_ACTOR=alice"), test.args...)
		require.Equal(t, command.ExitInput, got.code, "%v: %s", test.args, got.err)
		require.Contains(t, got.err, test.says)
		require.Contains(t, got.err, "\nwhat to do: ", test.says)
	}
}

// aBankLine is the bank line of a made-up day, changed; its reference is new.
func aBankLine(t *testing.T, label, reference, operationType, sign string) string {
	t.Helper()
	global, _, known := aSettlement(t, "good")
	content, err := os.ReadFile(global)
	require.NoError(t, err)
	return write(t, "g.json", strings.NewReplacer(
		"REM E 100 "+known, label, known, reference, `"operationType":"100"`, `"operationType":"`+operationType+`"`,
		`"value":`, `"value":`+sign,
	).Replace(string(content)))
}

func TestTheOtherReglements(t *testing.T) {
	t.Parallel()
	environ := onServer(t)
	sequence := sequences.Add(1)
	unpaid := fmt.Sprintf("%06d20260302UEP", sequence)
	bulk := fmt.Sprintf("MONEXTEUR20260302%03d", sequence)
	for _, test := range []struct{ kind, global, reference, says string }{
		{"impayes", aBankLine(t, "REM E 150 "+unpaid, unpaid, "150", "-"), unpaid, "gross             -"},
		{"virements", aBankLine(t, "REM VIR "+bulk, bulk, "VIR", "-"), bulk, "put on hold           1 payment account\n"},
		{"virements", aBankLine(t, "LOT REJ VIR 000000000017 01", "REJ000000000017-01", "REJ", ""), "REJ000000000017-01", "orders                3, 12.00 EUR\n"},
	} {
		args := []string{"run", "reglement-" + test.kind, "--global", test.global, "--file", "/inbox/good.txt"}
		got := starter(t, environ, append(args, "--wait")...)
		require.Zero(t, got.code, got.err)
		require.Contains(t, got.out, "vacation-reglement-"+test.kind+"/"+test.reference+" ended\n")
		require.Contains(t, got.out, test.says)
		got = starter(t, environ, args...)
		require.Zero(t, got.code, got.err)
		require.Contains(t, got.out, "already settled")
		require.Contains(t, starter(t, environ, "progress", test.reference).out, test.says)
	}
}

func TestABankLineIsForOneReglement(t *testing.T) {
	t.Parallel()
	const bulk = "MONEXTEUR20260302001"
	for _, test := range []struct{ kind, global, says string }{
		{"virements", aBankLine(t, "REM E 100 00000120260302UEP", "00000120260302UEP", "100", ""), "but of class SETTLEMENT_TRANSACTION"},
		{"transactions", aBankLine(t, "REM E 100 00000120260302UEP", "00000120260302UEP", "100", "-"), "is no credit"},
		{"impayes", aBankLine(t, "REM VIR "+bulk, bulk, "VIR", "-"), "but of class REMITTANCE"},
		{"virements", aBankLine(t, "REM VIR "+bulk, bulk, "VIR", ""), "is not that of a settlement: "},
		{"virements", aBankLine(t, "REM VIR "+bulk, "MONEXTEUR20260302002", "VIR", "-"), "the fields say MONEXTEUR20260302002"},
		{"impayes", aBankLine(t, "REM E 150 00000120260302UEP", "00000120260302UEP", "100", "-"), "the fields say 100"},
	} {
		got := starter(t, nowhere(), "run", "reglement-"+test.kind, "--global", test.global, "--file", "x")
		require.Equal(t, command.ExitInput, got.code, got.err)
		require.Contains(t, got.err, test.says)
	}
}

func TestAnswerARunThatWaits(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	const id = "vacation-financiere/2099-01-06/late"
	args := []string{"run", "financiere", "--date", "2099-01-06", "--run", "late", "--payline", "/inbox", "--await-payline"}
	got := starter(t, environ, append(args, "--wait", "--timeout", "1500ms")...)
	require.Equal(t, command.ExitWaiting, got.code, got.err)
	require.Contains(t, got.out, "waits    Waits for the Payline file at /inbox.")
	require.Contains(t, got.out, "answers  retry, skip, abort\n")

	var waiting struct {
		Runs []struct {
			WorkflowID, UI string
			Waiting        struct {
				Stage   string
				Since   time.Time
				Until   time.Time
				Answers []string
			}
		}
	}
	require.Eventually(t, func() bool { // the list follows the run by a moment
		got = starter(t, environ, "waiting", "--json")
		return got.code == 0 && strings.Contains(got.out, id)
	}, soon, 50*time.Millisecond)
	require.NoError(t, json.Unmarshal([]byte(got.out), &waiting))
	for _, run := range waiting.Runs {
		if run.WorkflowID == id {
			require.Equal(t, "awaiting-file", run.Waiting.Stage)
			require.Equal(t, []string{"retry", "skip", "abort"}, run.Waiting.Answers)
			require.Equal(t, 2099, run.Waiting.Until.Year())
			require.Contains(t, run.UI, "http://ui.example/")
		}
	}
	require.Contains(t, starter(t, environ, "waiting").out, id+"\n  waits    Waits for the Payline file")

	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"approve"}, "cannot be answered by approve at awaiting-file: it takes retry, skip, abort"},
		{[]string{"skip"}, "say why (reason)"},
		{[]string{"skip", "--reason", "none today", "--actor", "mallory"}, `"mallory" is not an operator`},
	} {
		got = starter(t, environ, append([]string{"answer", id}, test.args...)...)
		require.Equal(t, command.ExitInput, got.code, got.err)
		require.Contains(t, got.err, test.says)
	}
	got = starter(t, environ, "answer", id, "skip", "--reason", "none today", "--json")
	require.Zero(t, got.code, got.err)
	require.Equal(t, id+": skip by alice", document(t, got)["after"])

	require.Zero(t, starter(t, environ, append(args, "--wait")...).code)
	got = starter(t, environ, "answer", id, "skip", "--reason", "none today")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "has ended (Completed): there is nothing to skip")
	got = starter(t, environ, "answer", "vacation-financiere/2098-01-06", "skip")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "no run of vacation-financiere/2098-01-06 is known")
}

// TestRunsThatWereEndedNeedAnOperator: one that an operator aborted, or cancelled
// in Temporal, is listed until a later run of its id follows.
func TestRunsThatWereEndedNeedAnOperator(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	lists := func(says string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(starter(t, environ, "waiting").out, says) }, soon, 50*time.Millisecond)
	}
	session := func(run string) (id string, args []string) {
		return "vacation-financiere/2099-01-08/" + run,
			[]string{"run", "financiere", "--date", "2099-01-08", "--run", run, "--payline", "/inbox", "--await-payline"}
	}
	aborted, args := session("late-aborted")
	require.Zero(t, starter(t, environ, args...).code)
	lists(aborted + "\n  waits    Waits for the Payline file")
	require.Zero(t, starter(t, environ, "answer", aborted, "abort", "--reason", "not today").code)
	lists(aborted + "\n  waits    ABORTED: ended by alice while it waited: not today")

	cancelled, args := session("late-cancelled")
	require.Zero(t, starter(t, environ, args...).code)
	lists(cancelled + "\n  waits    Waits for the Payline file")
	require.NoError(t, devServer.Client().CancelWorkflow(t.Context(), cancelled, ""))
	lists(cancelled + "\n  waits    CANCELLED: ")

	trigger := workflows.TriggerName + "/cancelled" // ends as cancelled: it has no session to end with error
	_, err := devServer.Client().ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: trigger, TaskQueue: workflows.Queue, StartDelay: time.Hour},
		workflows.TriggerName, workflows.TriggerRequest{What: workflows.DayName, CutOff: "16:00"})
	require.NoError(t, err)
	require.NoError(t, devServer.Client().CancelWorkflow(t.Context(), trigger, ""))
	lists(trigger + "\n  waits  CANCELLED: ")

	_, err = devServer.Client().ExecuteWorkflow(t.Context(),
		client.StartWorkflowOptions{ID: trigger, TaskQueue: workflows.Queue},
		workflows.TriggerName, workflows.TriggerRequest{What: workflows.StepCreances, CutOff: "16:00"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !strings.Contains(starter(t, environ, "waiting").out, trigger) }, soon, 50*time.Millisecond)
}

// TestAPaylineFileThatIsNotThere is refused before anything is started; a folder
// without one is not, nor a file that the run of the day has taken away.
func TestAPaylineFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "Payline.000001.txt")
	for id, args := range map[string][]string{
		"vacation-financiere/2099-01-12": {"run", "financiere", "--date", "2099-01-12"},
		"day/2099-01-13":                 {"day", "--date", "2099-01-13", "--inbox", "/inbox"},
	} {
		named := append(slices.Clone(args), "--payline", file)
		got := starter(t, environ, named...)
		require.Equal(t, command.ExitInput, got.code, got.err)
		require.Contains(t, got.err, "--payline "+file+": no such file")
		require.Contains(t, starter(t, environ, "progress", id).err, "no run of "+id+" is known")

		require.NoError(t, writeTo(file, "x"))
		got = starter(t, environ, append(named, "--wait")...)
		require.Zero(t, got.code, got.err)
		require.NoError(t, os.Remove(file))
		again := starter(t, environ, append(named, "--json")...)
		require.Zero(t, again.code, again.err)
		require.Equal(t, "ALREADY_ENDED", document(t, again)["outcome"])
	}
	got := starter(t, environ, "run", "financiere", "--date", "2099-01-12", "--run", "folder", "--payline", folder, "--wait")
	require.Zero(t, got.code, got.err)
}

func TestAnAnswerThatNobodyTakes(t *testing.T) {
	t.Parallel()
	environ := append(onServer(t), "REGLO_ACTOR=alice")
	const id = "vacation-creances/2099-01-09/nobody"
	run, err := devServer.Client().ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"},
		workflows.CreancesName, workflows.CreancesRequest{})
	require.NoError(t, err)
	got := starter(t, environ, "answer", id, "abort", "--reason", "x", "--timeout", "300ms")
	require.Equal(t, command.ExitUnreachable, got.code, got.err)
	require.Contains(t, got.err, "answer "+id+": no worker has taken it within 300ms")
	require.NoError(t, devServer.Client().TerminateWorkflow(t.Context(), id, run.GetRunID(), "test"))

	require.Eventually(t, func() bool { // a run that was terminated needs somebody too
		return strings.Contains(starter(t, environ, "waiting").out, id+"\n  waits    UNEXPECTED: ")
	}, soon, 50*time.Millisecond)
}

func TestARunThatFailedIsRetried(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	const id = "vacation-creances/2099-01-07/fails"
	args := []string{"run", "creances", "--date", "2099-01-07", "--run", "fails", "--wait"}
	got := starter(t, environ, args...)
	require.Equal(t, command.ExitEnded, got.code, got.err)
	require.Contains(t, got.out, "message  fonctionnement lacks 10.00\n")

	require.Eventually(t, func() bool {
		got = starter(t, environ, "waiting")
		return strings.Contains(got.out, id+"\n  waits    OWN_MONEY_TOO_LOW: fonctionnement lacks 10.00\n")
	}, soon, 50*time.Millisecond)
	got = starter(t, environ, "answer", id, "skip", "--reason", "x")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "has ended (Failed): there is nothing to skip")
	got = starter(t, environ, "answer", id, "retry", "--actor", "mallory")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, `"mallory" is not an operator`)

	got = starter(t, environ, "answer", id, "retry", "--reason", "funded")
	require.Zero(t, got.code, got.err)
	require.Equal(t, id+": run again by alice after OWN_MONEY_TOO_LOW\n", got.out)
	got = starter(t, environ, args...)
	require.Zero(t, got.code, got.err)

	acts := starter(t, environ, "acts")
	require.Contains(t, acts.out, "alice  retry  "+id+"  OWN_MONEY_TOO_LOW → retry  funded\n1 act\n")
	require.Eventually(t, func() bool { return !strings.Contains(starter(t, environ, "waiting").out, id) }, soon, 50*time.Millisecond)
}

func TestDay(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	args := []string{"day", "--date", "2099-02-03", "--inbox", "/inbox"}
	got := starter(t, environ, append(args, "--wait")...)
	require.Equal(t, command.ExitDone, got.code, got.err)
	require.Contains(t, got.out, "day/2099-02-03 ended\n")
	require.Contains(t, got.out, "technique-open   ended  vacation-technique/2099-02-03/open\n"+
		"creances         ended  vacation-creances/2099-02-03\n"+
		"financiere       ended  vacation-financiere/2099-02-03\n"+
		"technique-close  ended  vacation-technique/2099-02-03/close\n")

	again := starter(t, environ, append(args, "--json")...)
	require.Zero(t, again.code, again.err)
	require.Equal(t, "ALREADY_ENDED", document(t, again)["outcome"])
	other := starter(t, environ, "day", "--date", "2099-02-03", "--inbox", "/elsewhere")
	require.Equal(t, command.ExitInput, other.code)
	require.Contains(t, other.err, `inbox is "/inbox", this one says "/elsewhere"`)
	require.Contains(t, starter(t, environ, "progress", "day/2099-02-03").out, "financiere       ended")
}

func TestADayWaitsWhereAStepFails(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	args := []string{"day", "--date", dayOfFailures, "--wait"}
	const id = "day/" + dayOfFailures
	got := starter(t, environ, append(args, "--timeout", "3s")...)
	require.Equal(t, command.ExitWaiting, got.code, got.err)
	for _, says := range []string{
		"technique-open   ended    vacation-technique/2099-03-03/open\n",
		"creances         failed   vacation-creances/2099-03-03\n",
		"financiere       pending  vacation-financiere/2099-03-03\n",
		"waits            vacation-creances/2099-03-03 ended with error: OWN_MONEY_TOO_LOW",
		"answers          retry, skip, abort\n",
	} {
		require.Contains(t, got.out, says)
	}
	require.Contains(t, got.err, "`starter answer "+id+" …` answers it")
	require.Contains(t, starter(t, environ, "progress", id).out, "creances         failed ")

	require.Zero(t, starter(t, environ, "answer", id, "retry").code)
	got = starter(t, environ, args...)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "creances         ended  vacation-creances/2099-03-03\n")
}

func TestADayShowsWhatItsVacationsWaitFor(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	args := []string{"day", "--date", dayWithoutBank, "--wait"}
	for _, phase := range []string{"open", "close"} {
		id := "vacation-technique/" + dayWithoutBank + "/" + phase
		var got result
		require.Eventually(t, func() bool { // the list of runs follows by a moment
			got = starter(t, environ, append(args, "--timeout", "500ms")...)
			return strings.Contains(got.out, id+"\nwaits ")
		}, soon, 50*time.Millisecond, got.out)
		require.Equal(t, command.ExitWaiting, got.code, got.err)
		require.Contains(t, got.err, "`starter answer "+id+" …` answers it")
		require.Contains(t, starter(t, environ, "progress", "day/"+dayWithoutBank).out, "Waits for the statements of BK.REG")
		require.Zero(t, starter(t, environ, "answer", id, "skip", "--reason", "none").code)
	}
	got := starter(t, environ, args...)
	require.Zero(t, got.code, got.err)
}

const aParkedLine = oneRunOf + `
insert into merchant_snapshot (sequence, file_name, sha256, merchants, loaded_at)
values (1, 'm.csv', decode(repeat('00', 32), 'hex'), 1, now());
insert into account (code, class) values ('CP.1A17660007', 'CP');
insert into merchant (account_id, account, siret, legal_name, cp_iban, cp_bic, status, payout_mode, payout_frequency, external_iban,
    external_bic, external_name, reserve_cents, min_payout_cents, payout_ceiling_cents, cp_to_cp_allowed, agent, erp_third_party,
    valid_from, snapshot)
select '1A17660007', id, '73282932000074', 'X', 'FR76', 'B', 'ACTIVE', 'AUTO', 'DAILY', 'FR76', 'B', 'X', 0, 0, 0, true, 'A', 'T',
    '2026-01-01', 1 from account where code = 'CP.1A17660007';
insert into payout_hold (account_id, since, reason) values ('1A17660007', '2026-03-01 09:00:00+00', 'AC04 twice');
insert into debt (siret, created_at, initial_cents, remaining_cents) values ('73282932000074', '2026-03-01', 100050, 70050)`

// oneRunOf is an ended technique, so that the books have a run.
const oneRunOf = `
insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at, ended_at, last_seq, totals)
values ('vacation-technique', '2026-03-02/open', 1, '` + aCorrelation + `', '2026-03-02', decode(repeat('00', 32), 'hex'), 'run-1',
        'ENDED', '2026-03-02 07:30:00+00', '2026-03-02 07:31:00+00', 2, '{"correlationId":"` + aCorrelation + `","bankLines":12}');`

func TestDecisions(t *testing.T) {
	t.Parallel()
	environ, url := onStage(t)
	execute(t, url, aParkedLine)
	for _, args := range [][]string{
		{"parked", "assign", "--reference", aReference, "--line", "17", "--cp", "1A17660007"},
		{"holds", "release", "--cp", "1A17660007"},
		{"debts", "write-off", "--siret", "73282932000074"},
		{"lines", "assign", "X-17", "--as", "own-funds"},
	} {
		reasoned := append(slices.Clone(args), "--reason", "asked by "+t.Name()+" of "+url)
		got := starter(t, environ, reasoned...)
		require.Zero(t, got.code, got.err)
		require.Regexp(t, `decisions +1\ndecided +[a-z-]+ by alice\nevents +7\n`, got.out)
		for _, irrelevant := range []string{"statements", "surplus", "règlements", "unknown", "not debited"} {
			require.NotContains(t, got.out, irrelevant)
		}
		id, _, _ := strings.Cut(got.out, " ")
		require.True(t, strings.HasPrefix(id, "vacation-technique/2026-03-02/decisions-"), id)
		again := starter(t, environ, append(reasoned, "--json")...)
		require.Zero(t, again.code, again.err)
		require.Equal(t, id, document(t, again)["workflowId"])
		require.Equal(t, "ALREADY_ENDED", document(t, again)["outcome"])

		got = starter(t, environ, append(args, "--reason", "does not fit", "--actor", "bruno")...)
		require.Equal(t, command.ExitInput, got.code, got.out)
		require.Contains(t, got.err, "error: line 17 was assigned before\n")
	}
	require.Eventually(t, func() bool { // the four that were refused are in the list of runs
		counted, err := devServer.Client().CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
			Query: "WorkflowType = 'vacation-technique' AND ExecutionStatus = 'Failed'",
		})
		return err == nil && counted.GetCount() >= 4
	}, soon, 50*time.Millisecond)
	require.NotContains(t, starter(t, environ, "waiting").out, "was assigned before", "who decided was told")
	for _, args := range [][]string{
		{"parked", "assign", "--reference", aReference, "--line", "17", "--cp", "2B"},
		{"holds", "release", "--cp", "2B"},
		{"debts", "write-off", "--siret", "1"},
	} {
		got := starter(t, environ, append(args, "--reason", "x")...)
		require.Equal(t, command.ExitInput, got.code, got.err)
		require.Contains(t, got.err, "is unknown here")
	}
}

func TestDecisionsAreTakenByTheTechniqueThatRuns(t *testing.T) {
	t.Parallel()
	environ, url := onStage(t)
	execute(t, url, aParkedLine)
	got := starter(t, environ, "run", "technique", "--phase", "open", "--date", "2099-01-08", "--run", "late")
	require.Zero(t, got.code, got.err)
	const id = "vacation-technique/2099-01-08/open-late"
	execute(t, url, strings.NewReplacer("'2026-03-02/open'", "'2099-01-08/open-late'", "run-1", "run-2", "'ENDED'", "'RUNNING'",
		"'2026-03-02 07:31:00+00'", "null", aCorrelation, "5a1d7c0e-1663-11f1-8000-000000000002").Replace(oneRunOf))

	release := []string{"holds", "release", "--cp", "1A17660007", "--reason", "asked"}
	for range 2 {
		got = starter(t, environ, release...)
		require.Zero(t, got.code, got.err)
		require.Equal(t, "release by alice\n", got.out)
	}
	description, err := devServer.Client().DescribeWorkflowExecution(t.Context(), id, "")
	require.NoError(t, err)
	require.Equal(t, enums.WORKFLOW_EXECUTION_STATUS_RUNNING, description.GetWorkflowExecutionInfo().GetStatus())
	got = starter(t, environ, "lines", "assign", "X-17", "--as", "own-funds", "--reason", "does not fit")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "line 17 was assigned before")

	// Both commands were one answer.
	require.Zero(t, starter(t, environ, "answer", id, "skip", "--reason", "late").code)
	got = starter(t, environ, "run", "technique", "--phase", "open", "--date", "2099-01-08", "--run", "late", "--wait")
	require.Zero(t, got.code, got.err)
	require.Regexp(t, `decisions +1\ndecided +release by alice\n`, got.out)
	require.NotContains(t, got.out, "surplus", "nothing is stated when a day opens")
	require.NotContains(t, got.out, "not debited")
	// The run has ended by now, whatever the books say of it.
	got = starter(t, environ, "parked", "assign", "--reference", aReference, "--line", "3", "--cp", "1A17660007", "--reason", "of "+url)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "/decisions-")
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	environ, _ := onStage(t)
	environ = append(environ, "REGLO_DATA_DIR=/srv/reglo")
	folder := t.TempDir()
	file := filepath.Join(folder, "day.yaml")
	apply := func(content string, more ...string) result {
		t.Helper()
		require.NoError(t, writeTo(file, content))
		got := starter(t, environ, append([]string{"schedule", "apply", folder}, more...)...)
		require.Zero(t, got.code, got.err)
		return got
	}
	const one = "- {name: test-day, what: day, at: '06:30', payline: /payline}\n"
	const two = "- {name: test-creances, what: creances, at: '09:00'}\n"
	require.Equal(t, "test-day       created\ntest-creances  created\n", apply(one+two).out)
	require.Equal(t, "test-day       unchanged\ntest-creances  unchanged\n", apply(one+two).out)
	require.Contains(t, apply(strings.Replace(one, "06:30", "07:15", 1)+two).out,
		"test-day       changed    at 06:30 → 07:15\n")

	list := func() string { return starter(t, environ, "schedule", "list").out }
	require.Eventually(t, func() bool { return strings.HasSuffix(list(), "2 schedules\n") }, soon, 50*time.Millisecond)
	require.Regexp(t, `test-day +day +at 07:15  next 20\d\d-\d\d-\d\d 07:15:00 CES?T +last -`, list())

	acted := func(args ...string) string {
		t.Helper()
		got := starter(t, environ, append([]string{"schedule"}, args...)...)
		require.Zero(t, got.code, got.err)
		return got.out
	}
	require.Equal(t, "test-day: paused\n", acted("pause", "test-day", "--reason", "the bank is closed"))
	require.Equal(t, "test-day: paused before: alice: the bank is closed\n", acted("pause", "test-day", "--reason", "again"))
	require.Contains(t, list(), "paused: alice: the bank is closed")
	require.Contains(t, apply(one+two).out, "changed    at 07:15 → 06:30\n", "a change leaves the pause")
	require.Contains(t, list(), "paused: alice: the bank is closed")

	// A call for a day starts what it starts for that day, paused or not.
	require.Equal(t, "test-day: called for 2026-03-03\n", acted("trigger", "test-day", "--date", "2026-03-03"))
	require.Eventually(t, func() bool {
		return strings.Contains(starter(t, environ, "progress", "day/2026-03-03").out, "day/2026-03-03 ended")
	}, soon, 50*time.Millisecond)
	require.Equal(t, "test-day: resumed\n", acted("resume", "test-day"))
	require.Equal(t, "test-day: was not paused\n", acted("resume", "test-day"))
	require.Contains(t, apply(strings.Replace(one, "}", ", paused: true}", 1)+two).out, "test-day       changed    paused\n")

	require.Contains(t, apply(one).out, "test-creances  not in the files")
	require.Contains(t, apply(one, "--prune").out, "test-creances  deleted")
	require.Eventually(t, func() bool { return strings.HasSuffix(list(), "1 schedule\n") }, soon, 50*time.Millisecond)
	var listed struct {
		Schedules []struct {
			Name, CatchUp string
			Request       struct{ Inbox, Payline, CutOff, RequestedBy string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(starter(t, environ, "schedule", "list", "--json").out), &listed))
	require.Equal(t, "2h0m0s", listed.Schedules[0].CatchUp)
	require.Equal(t, struct{ Inbox, Payline, CutOff, RequestedBy string }{"/srv/reglo/inbox", "/payline", "16:00", "scheduler"},
		listed.Schedules[0].Request)

	// What is called again and again has no day.
	const often = "- {name: test-reception, what: reception, every: 5m, paused: true}\n"
	require.Contains(t, apply(one+often).out, "test-reception  created")
	require.Contains(t, apply(one+often).out, "test-reception  unchanged")
	require.Contains(t, apply(one+strings.Replace(often, "5m", "1h", 1)).out, "changed    every 5 → 60")
	require.Contains(t, apply(one+strings.Replace(often, "5m", "1h", 1)).out, "test-reception  unchanged")
	require.Contains(t, apply(one+strings.Replace(often, "5m", "1m", 1)).out, "changed    every 60 → 1")
	require.Eventually(t, func() bool { return strings.Contains(list(), "every 1 minute") }, soon, 50*time.Millisecond)
	got := starter(t, environ, "schedule", "trigger", "test-reception", "--date", "2026-03-03")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "is of no day")
	require.Equal(t, "test-reception  deleted\n", strings.SplitAfter(apply(one, "--prune").out, "\n")[1])

	got = starter(t, environ, "schedule", "trigger", "none")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "there is no schedule none")
}
