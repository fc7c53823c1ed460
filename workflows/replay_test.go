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
// there: REGLO_RECORD_HISTORIES=1 records them anew. A history from before a
// change that workflows tell by its version stays, in a folder named after the
// change: runs of it may be under way.
func histories(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "histories", "*.json"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, nameOf(file))
	}
	for name := range recorded() {
		require.Contains(t, names, name)
	}
	earlier, err := filepath.Glob(filepath.Join("testdata", "histories", "*", "*.json"))
	require.NoError(t, err)
	files = append(files, earlier...)
	for _, file := range files {
		require.Contains(t, recorded(), nameOf(file))
	}
	return files
}

func nameOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".json") }

// recorded are the histories by their names, with the workflow that each is of.
func recorded() map[string]string {
	all := make(map[string]string)
	for workflow, names := range map[string][]string{
		workflows.ReglementTransactionsName: {
			"settled", "settled-before", "late-file", "refused-file", "cancelled", "went-on", "parts-lost", "transactions-cancelled",
		},
		workflows.ReglementImpayesName:   {"unpaids", "impayes", "impayes-cancelled"},
		workflows.ReglementVirementsName: {"virements-remittance", "virements-rejects"},
		workflows.CreancesName:           {"creances", "creances-cancelled"},
		workflows.FinanciereName: {
			"financiere", "financiere-cut-off", "financiere-refused-file", "financiere-unknown-outcome",
		},
		workflows.TechniqueName: {
			"technique-open", "technique-close", "technique-decisions", "technique-late-statement", "technique-mass-closure",
			"technique-aborted",
		},
		workflows.DayName:       {"day", "day-retried-and-skipped"},
		workflows.TriggerName:   {"trigger-open", "trigger-closed"},
		workflows.ReceptionName: {"reception"},
		workflows.PostingName:   {"erp-posting"},
		workflows.PaymentsName:  {"payments"},
	} {
		for _, name := range names {
			all[name] = workflow
		}
	}
	return all
}

// functions are the workflows under their names.
func functions() map[string]any {
	return map[string]any{
		workflows.ReglementTransactionsName: workflows.ReglementTransactions,
		workflows.ReglementImpayesName:      workflows.ReglementImpayes,
		workflows.ReglementVirementsName:    workflows.ReglementVirements,
		workflows.CreancesName:              workflows.Creances,
		workflows.FinanciereName:            workflows.Financiere,
		workflows.TechniqueName:             workflows.Technique,
		workflows.DayName:                   workflows.Day,
		workflows.TriggerName:               workflows.Trigger,
		workflows.ReceptionName:             workflows.Reception,
		workflows.PostingName:               workflows.Posting,
		workflows.PaymentsName:              workflows.Payments,
	}
}

// replay replays a history by the workflow that it is of, and by no other.
func replay(t testing.TB, file, name string, function any) error {
	t.Helper()
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(function, workflow.RegisterOptions{Name: name})
	return replayer.ReplayWorkflowHistoryFromJSONFile(temporallog.NewStructuredLogger(slog.New(slog.DiscardHandler)), file)
}

func TestReplayOfRecordedHistories(t *testing.T) {
	t.Parallel()
	for _, file := range histories(t) {
		t.Run(strings.TrimPrefix(file, filepath.Join("testdata", "histories")), func(t *testing.T) {
			t.Parallel()
			name := recorded()[nameOf(file)]
			require.NoError(t, replay(t, file, name, functions()[name]))
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
			require.ErrorContains(t, replay(t, file, workflows.ReglementTransactionsName, changed), "TMPRL1100", "Temporal's code of a workflow that is not what its history did")
		})
	}
}

// TestRecordedHistoriesNameNobody looks for what a CRE line or a merchant would
// look like. What is passed to activities is references, hashes, counts and totals.
// References of orders stand in what operators answer, and nowhere else.
func TestRecordedHistoriesNameNobody(t *testing.T) {
	t.Parallel()
	for what, pattern := range map[string]string{
		"an IBAN":                 `\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b`,
		"a card or a SIRET":       `\b\d{13,19}\b`,
		"a label of a line":       `RBC[RD]R `,
		"a payment account":       `\b(1A|9Z)\d{8}\b`,
		"a creId of a line":       `\b[0-9A-F]{16}\b|\bM\d{15}\b`,
		"a reference of an order": `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{13}`,
		"a name of a merchant":    `(?i)boulangerie|pharmacie|librairie|garage|fleuriste|brasserie|opticien|coiffure|\bcommerce \d+\b`,
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
				text.WriteString("\n" + subjects.ReplaceAllString(string(payload.GetData()), ""))
			}
			return found, nil
		},
	})
	require.NoError(t, err)
	require.Regexp(t, `"(businessDate|date|dossier)":"\d`, text.String())
	return text.String()
}

// subjects are what operators name in an answer, and the activity that does what it says.
var subjects = regexp.MustCompile(`"(subjects|orders)":\[("[^"\\]*",?)*\]`)

func decode(t testing.TB, content string) *history.History {
	t.Helper()
	events, err := client.HistoryFromJSON(strings.NewReader(content), client.HistoryJSONOptions{})
	require.NoError(t, err)
	return events
}
