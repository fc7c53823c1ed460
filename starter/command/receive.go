package command

import (
	"github.com/spf13/cobra"

	"github.com/reglo/reglo/worker/boot/wake"
	"github.com/reglo/reglo/workflows"
)

func newReceive(s *session) *cobra.Command {
	var actor string
	var wait bool
	cmd := &cobra.Command{
		Use:   "receive",
		Short: "Fetch what partners have for us, and ask what became of bulks of unknown outcome",
		Long: `Fetch what partners have for us, and ask what became of bulks of unknown
outcome. Vacations that wait for files go on by themselves. A reception that is
under way looks once more. ` + "`starter received`" + ` shows what came.

The clock does the same where deploy/schedules/reception.yaml is applied, and so
does ` + "`starter serve`" + ` at each notice of the file transfer product.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by, err := s.actor(actor)
			if err != nil {
				return err
			}
			connection, settings, err := s.temporal(cmd)
			if err != nil {
				return err
			}
			run, err := wake.Reception(cmd.Context(), connection, by)
			if err != nil {
				return err
			}
			document := receptionDocument{
				Outcome: outcomeStarted, WorkflowID: run.GetID(), RunID: run.GetRunID(),
				UI: s.link(settings.Temporal.Namespace, run.GetID(), run.GetRunID()),
			}
			if wait {
				var totals workflows.ReceptionTotals
				if err := run.Get(cmd.Context(), &totals); err != nil {
					return &EndedError{What: run.GetID() + ": " + err.Error(), Next: "look at it in Temporal's UI, then run this again"}
				}
				document.Outcome, document.Totals = outcomeEnded, &totals
			}
			return s.show(document)
		},
	}
	addActor(cmd, &actor)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it has ended, and show what came")
	return cmd
}

// receptionDocument is a reception as the command leaves it.
type receptionDocument struct {
	Outcome    runOutcome                 `json:"outcome"`
	WorkflowID string                     `json:"workflowId"`
	RunID      string                     `json:"runId"`
	UI         string                     `json:"ui"`
	Totals     *workflows.ReceptionTotals `json:"totals,omitempty"`
}

func (d receptionDocument) writeText(t *text) {
	if d.Totals == nil {
		t.linef("%s is under way: %s", d.WorkflowID, d.UI)
		return
	}
	t.rows([][]string{
		{"received", count(d.Totals.Received, "file")},
		{"came again", count(d.Totals.Duplicates, "file")},
		{"held", count(d.Totals.Held, "file") + " (`starter received --held`)"},
		{"bulks of unknown outcome", number(d.Totals.UnknownBulks)},
	})
}
