package workflows_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// histories were recorded on a real server by the tests of worker/e2e that run
// there: REGLO_RECORD_HISTORIES=1 records them anew. A history of a released
// version stays: runs of it may be under way.
func histories(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*.json"))
	require.NoError(t, err)
	for _, name := range []string{"settled", "settled-before", "late-file", "refused-file", "cancelled", "went-on", "parts-lost"} {
		require.Contains(t, files, filepath.Join("testdata", "histories", name+".json"))
	}
	return files
}

func replay(t testing.TB, file string, function any) error {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(function, workflow.RegisterOptions{Name: workflows.ReglementTransactionsName})
	return replayer.ReplayWorkflowHistoryFromJSONFile(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)), file)
}

func TestReplayOfRecordedHistories(t *testing.T) {
	t.Parallel()
	for _, file := range histories(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			require.NoError(t, replay(t, file, workflows.ReglementTransactions))
		})
	}
}

// TestReplayCatchesAChangedWorkflow replays what another order of the steps, or
// a step less, would have done.
func TestReplayCatchesAChangedWorkflow(t *testing.T) {
	t.Parallel()
	file := filepath.Join("testdata", "histories", "settled.json")
	for name, changed := range map[string]func(workflow.Context, workflows.ReglementRequest) (vacation.Totals, error){
		"another first step": func(ctx workflow.Context, _ workflows.ReglementRequest) (vacation.Totals, error) {
			return activities.CloseSettlement(ctx, activities.Run{})
		},
		"a step less": func(ctx workflow.Context, request workflows.ReglementRequest) (vacation.Totals, error) {
			_, err := activities.OpenSettlement(ctx, activities.OpenSettlementRequest{Transaction: request.Transaction})
			return vacation.Totals{}, err
		},
		"a step more": func(ctx workflow.Context, request workflows.ReglementRequest) (vacation.Totals, error) {
			totals, err := workflows.ReglementTransactions(ctx, request)
			if err != nil {
				return totals, err
			}
			return totals, activities.IsolateRevenue(ctx, activities.Run{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, replay(t, file, changed), "TMPRL1100", "Temporal's code of a workflow that is not what its history did")
		})
	}
}

// TestRecordedHistoriesNameNobody looks for what a CRE line or a merchant would
// look like. What is passed to activities is references, hashes, counts and totals.
func TestRecordedHistoriesNameNobody(t *testing.T) {
	t.Parallel()
	for what, pattern := range map[string]string{
		"an IBAN":                 `\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b`,
		"a card or a SIRET":       `\b\d{13,19}\b`,
		"a label of a line":       `RBC[RD]R `,
		"a payment account":       `\b(1A|9Z)\d{8}\b`,
		"a creId of a line":       `\b[0-9A-F]{16}\b`,
		"a name of a merchant":    `(?i)boulangerie|pharmacie|librairie|garage|fleuriste|brasserie|opticien|coiffure`,
		"a name of the EP's bank": `EP DE TEST`,
	} {
		look := regexp.MustCompile(pattern)
		for _, file := range histories(t) {
			require.Empty(t, look.FindAllString(inClear(t, file), 3), "%s in %s", what, file)
		}
	}
}

// inClear is a history with the payloads that its text has in base64.
func inClear(t testing.TB, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var text strings.Builder
	text.Write(content)
	events := decode(t, string(content))
	err = proxy.VisitPayloads(t.Context(), events, proxy.VisitPayloadsOptions{
		Visitor: func(_ *proxy.VisitPayloadsContext, found []*common.Payload) ([]*common.Payload, error) {
			for _, payload := range found {
				text.WriteString("\n" + string(payload.GetData()))
			}
			return found, nil
		},
	})
	require.NoError(t, err)
	require.Contains(t, text.String(), `"correlationId"`)
	return text.String()
}

func decode(t testing.TB, content string) *history.History {
	t.Helper()
	events, err := client.HistoryFromJSON(strings.NewReader(content), client.HistoryJSONOptions{})
	require.NoError(t, err)
	return events
}
