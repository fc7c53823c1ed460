package workflows_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

var update = flag.Bool("update", false, "write the golden files anew")

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

	path := filepath.Join("testdata", "names.golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(names.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), names.String(), "a name changed: runs under way would be lost; add a new one beside it")
}
