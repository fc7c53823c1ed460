package command

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/enums/v1"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func newDay(s *session) *cobra.Command {
	var flags dayFlags
	var inbox, payline string
	var await bool
	cmd := &cobra.Command{
		Use:   "day [--date DATE] [--inbox FOLDER] [--payline FILE|FOLDER]",
		Short: "Run a whole day: technique (open), créances, financière, technique (close)",
		Long: `Run a whole day: technique (open) with the règlements of the bank's lines,
créances, financière, technique (close), one after the other. A vacation that
somebody started by hand is waited for, and its result taken. Where one fails the
day waits for an operator: ` + "`starter answer day/DATE retry|skip|abort`" + `.

--await-payline has a Payline file waited for that is not there yet. Without it,
a file that is named must be there; a folder without one is done without. Paths that are not absolute begin at the current folder.

A day is started once: started again, the one under way or its result is shown.`,
		Example: "  starter day --date 2026-11-23 --payline /srv/reglo/inbox --await-payline --wait",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asked, err := s.ask(cmd, &flags, false)
			if err != nil {
				return err
			}
			request := workflows.DayRequest{
				Date: asked.date, AwaitPayline: await, CutOff: asked.cutOff.On(asked.date), RequestedBy: asked.actor,
			}
			if request.Inbox, err = s.inbox(cmd, inbox); err != nil {
				return err
			}
			if request.Payline, err = paylineOf(payline, await); err != nil {
				return err
			}
			started := launch{id: workflows.DayID(asked.date), workflow: workflows.DayName, request: request}
			if !await {
				started.payline = request.Payline
				financiere := vacation.ID{
					Kind: vacation.Financiere, Key: workflows.FinanciereRequest{BusinessDate: asked.date}.SessionKey(),
				}
				started.takenBy = []string{started.id, financiere.String()}
			}
			return s.launch(cmd, flags.waitFlags, started)
		},
	}
	cmd.Flags().StringVar(&inbox, "inbox", "", inboxUsage)
	addPayline(cmd, &payline, &await)
	flags.add(cmd, false)
	return cmd
}

func addPayline(cmd *cobra.Command, payline *string, await *bool) {
	cmd.Flags().StringVar(payline, "payline", "", "Payline file, or the folder that it stands in (default: automatic payouts only)")
	cmd.Flags().BoolVar(await, "await-payline", false, "wait until the cut-off for a Payline file that is not there yet")
}

// paylineOf is where the Payline file stands, as the workers see it; empty for none.
func paylineOf(given string, await bool) (string, error) {
	switch {
	case given != "":
		return absolute("--payline", given)
	case await:
		return "", &InputError{What: "--await-payline goes with --payline", Next: "say where the file will stand"}
	default:
		return "", nil
	}
}

// stepsOf is where the vacations of a day stand; none for what is no day.
func stepsOf(ctx context.Context, connection server, workflowID string) ([]workflows.DayStep, error) {
	text, isDay := strings.CutPrefix(workflowID, workflows.DayName+"/")
	if !isDay {
		return nil, nil
	}
	date, err := calendar.ParseDate(text)
	if err != nil {
		return nil, err
	}
	steps, err := workflows.DaySteps(date)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		description, err := connection.lastRun(ctx, steps[i].ID)
		if err != nil {
			return nil, err
		}
		if description == nil {
			continue
		}
		status := description.GetWorkflowExecutionInfo().GetStatus()
		switch {
		case status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
			steps[i].Outcome = workflows.OutcomeRunning
		case isFailed(status):
			steps[i].Outcome = workflows.OutcomeFailed
		default:
			steps[i].Outcome = workflows.OutcomeEnded
		}
	}
	return steps, nil
}
