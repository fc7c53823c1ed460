package workflows_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a flag

// TestNamesNeverChange pins what stands in histories of runs that are under way,
// in operators' lists and in their alarms.
func TestNamesNeverChange(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	list := func(what string, values ...string) {
		for _, value := range values {
			_, _ = fmt.Fprintf(&names, "%s %s\n", what, value)
		}
	}
	list("workflow", workflows.ReglementTransactionsName)
	list("activity",
		activities.OpenSettlementName, activities.AwaitFileName, activities.LoadFileName, activities.PostLinesName,
		activities.CoverShortfallsName, activities.IsolateRevenueName, activities.ArchiveFileName,
		activities.CloseSettlementName, activities.FailVacationName)
	list("query", workflows.ProgressQuery)
	list("search attribute",
		workflows.SearchVacation.GetName(), workflows.SearchBusinessDate.GetName(), workflows.SearchCorrelationID.GetName(),
		workflows.SearchStage.GetName(), workflows.SearchNeedsOperator.GetName())
	list("queue", workflows.Queue, activities.DataQueue)
	for _, code := range vacation.FailureCodes() {
		list("failure", string(code))
	}
	list("stage",
		string(vacation.StageOpening), string(vacation.StageAwaiting), string(vacation.StageLoading), string(vacation.StagePosting),
		string(vacation.StageCovering), string(vacation.StageIsolating), string(vacation.StageArchiving),
		string(vacation.StageProving), string(vacation.StageEnded))
	for _, kind := range vacation.Kinds() {
		list("workflow id", vacation.ID{Kind: kind, Key: "KEY"}.String())
	}

	golden(t, "names.golden", names.String())
}

// TestWhatIsPassedKeepsItsForm pins how requests and results are written in
// histories: a field that is renamed would be empty in a run that is under way.
func TestWhatIsPassedKeepsItsForm(t *testing.T) {
	t.Parallel()
	settled := totals()
	values := []any{
		newRequest(), totals(), vacation.Progress{Stage: vacation.StagePosting, Read: 1, Posted: 2, Total: 3},
		activities.OpenSettlementRequest{
			ID: opened().ID, WorkflowRun: "run", BusinessDate: newRequest().BusinessDate, Transaction: newRequest().Transaction, FileName: "f",
		},
		activities.OpenSettlementResult{Run: opened(), Settled: &settled},
		activities.AwaitFileRequest{Path: "/f", CutOff: newRequest().CutOff},
		activities.LoadFileRequest{Run: opened(), Path: "/f"}, loaded(),
		activities.PostLinesRequest{Run: opened(), SHA256: sha256},
		activities.PostLinesResult{Posted: 1, Done: true, PartsLost: true},
		activities.ArchiveFileRequest{Run: opened(), Path: "/f", Totals: totals()},
		activities.FailVacationRequest{Run: opened(), Code: vacation.FileInvalid, Step: vacation.StageLoading, Message: "m"},
	}
	var forms bytes.Buffer
	for _, value := range values {
		payload, err := converter.GetDefaultDataConverter().ToPayload(value)
		require.NoError(t, err)
		_, _ = fmt.Fprintf(&forms, "%T\n", value)
		require.NoError(t, json.Indent(&forms, payload.GetData(), "", "  "))
		forms.WriteByte('\n')
	}
	golden(t, "forms.golden", forms.String())
}

func golden(t testing.TB, name, have string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(have), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), have, "runs under way would be lost: add what is new beside it")
}
