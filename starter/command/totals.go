package command

import (
	"fmt"
	"strings"

	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// rowCorrelation titles the correlation of a run's events.
const rowCorrelation = "correlation"

// totals is the result of a run that ended, as a person reads it.
type totals interface {
	rows() [][]string
}

// newTotals makes what the result of the workflow of that id is read into.
func newTotals(workflowID string) totals {
	if strings.HasPrefix(workflowID, workflows.DayName+"/") {
		return &dayTotals{}
	}
	kind, _, _ := strings.Cut(workflowID, "/")
	switch vacation.Kind(kind) {
	case vacation.ReglementVirements:
		return &virementsTotals{}
	case vacation.Creances:
		return &creancesTotals{}
	case vacation.Financiere:
		return &financiereTotals{}
	case vacation.Technique:
		return &techniqueTotals{phase: phaseOf(workflowID)}
	case vacation.ReglementTransactions, vacation.ReglementImpayes:
		return &linesTotals{}
	default:
		return &noTotals{}
	}
}

// noTotals is the result of a workflow that is no vacation's.
type noTotals struct{}

func (noTotals) rows() [][]string { return nil }

// linesTotals are of a règlement whose file has lines.
type linesTotals struct{ vacation.Totals }

func (t *linesTotals) rows() [][]string {
	return [][]string{
		{rowCorrelation, t.CorrelationID},
		{"lines", number(t.Lines)},
		{"gross", euros(t.Gross)},
		{"commission taken", euros(t.Commission)},
		{"parked", fmt.Sprintf("%s in %s", euros(t.Parked), count(t.ParkedLines, "line"))},
		{"covered", fmt.Sprintf("%s in %s", euros(t.Covered), count(t.Debts, "debt"))},
		{"events", number(t.Events)},
		{"file sha256", t.FileSHA256},
	}
}

type virementsTotals struct{ vacation.VirementsTotals }

func (t *virementsTotals) rows() [][]string {
	return [][]string{
		{rowCorrelation, t.CorrelationID},
		{"orders", fmt.Sprintf("%d, %s", t.Orders, euros(t.Amount))},
		{"put on hold", count(t.Held, "payment account")},
		{"not debited for days", count(t.Stale, "order")},
		{"events", number(t.Events)},
	}
}

type creancesTotals struct{ vacation.CreancesTotals }

func (t *creancesTotals) rows() [][]string {
	return [][]string{
		{rowCorrelation, t.CorrelationID},
		{"debts", fmt.Sprintf("%d, %d of them beyond twelve months", t.Debts, t.Old)},
		{"recovered", euros(t.Recovered)},
		{"remaining", euros(t.Remaining)},
		{"events", number(t.Events)},
	}
}

type financiereTotals struct{ vacation.FinanciereTotals }

func (t *financiereTotals) rows() [][]string {
	rows := [][]string{{rowCorrelation, t.CorrelationID}}
	if t.PaylineRefused != "" {
		rows = append(rows, []string{"Payline file", "refused as a whole, " + t.PaylineRefused})
	}
	return append(
		rows,
		[]string{"Payline", fmt.Sprintf("%s of %s, %s, %s rejected",
			count(t.Movements, "movement"), euros(t.MovementsSum), count(t.Requests, "transfer"), count(t.RejectedLines, "line"))},
		[]string{"automatic payouts", number(t.Automatic)},
		[]string{"paid", fmt.Sprintf("%s, %s in %s", count(t.Paid, "order"), euros(t.PaidSum), count(t.Bulks, "bulk"))},
		[]string{"refused", fmt.Sprintf("%s, %s", count(t.Refused, "order"), euros(t.RefusedSum))},
		[]string{"outcome unknown", count(t.Unknown, "bulk")},
		[]string{"décantonnement", euros(t.Decantoned)},
		[]string{"cantonnement", euros(t.Cantoned)},
		[]string{"events", number(t.Events)},
	)
}

// techniqueTotals are of a phase, and show what that phase does.
type techniqueTotals struct {
	vacation.TechniqueTotals

	phase workflows.Phase
}

// phaseOf is the phase of the technique of that workflow id, whose key ends
// with it, and with the name of a further run where there is one.
func phaseOf(workflowID string) workflows.Phase {
	phase, _, _ := strings.Cut(workflowID[strings.LastIndexByte(workflowID, '/')+1:], "-")
	return workflows.Phase(phase)
}

func (t *techniqueTotals) rows() [][]string {
	rows := [][]string{{rowCorrelation, t.CorrelationID}}
	if t.Snapshot > 0 {
		rows = append(rows, []string{"snapshot", "of merchants, " + number(t.Snapshot)})
	}
	if t.phase != workflows.PhaseDecisions {
		rows = append(rows,
			[]string{"statements", fmt.Sprintf("%d, %s, %d unknown", t.Statements, count(t.Lines, "line"), t.UnknownLines)},
			[]string{"reports", fmt.Sprintf("%d, %s refused", t.Reports, count(t.RefusedOrders, "order"))},
			[]string{"own transfers", number(t.Transfers) + " closed"},
			[]string{"règlements", fmt.Sprintf("%d, %d ended with error", t.Reglements, t.Failed)})
	}
	if t.MatchedPayments+t.LatePayments+t.LateLines+t.OpenForms > 0 {
		rows = append(rows, []string{"card payments", fmt.Sprintf(
			"%d matched; late: %s without a line, %s without a payment, %s without an end",
			t.MatchedPayments, count(t.LatePayments, "payment"), count(t.LateLines, "line"), count(t.OpenForms, "form"))})
	}
	if t.phase == workflows.PhaseClose {
		rows = append(rows,
			[]string{"outcome unknown", count(t.UnknownBulks, "bulk")},
			[]string{"not debited for days", count(t.StaleOrders, "order")},
			[]string{"safeguarding surplus", euros(t.Surplus)})
	}
	if t.Decisions > 0 || t.phase == workflows.PhaseDecisions {
		rows = append(rows, []string{"decisions", number(t.Decisions)})
	}
	for _, decided := range t.Decided {
		rows = append(rows, []string{"decided", decided})
	}
	return append(rows, []string{"events", number(t.Events)})
}

// dayTotals is how a day went.
type dayTotals struct{ workflows.DayResult }

func (t *dayTotals) rows() [][]string {
	rows := make([][]string, 0, len(t.Steps))
	for _, step := range t.Steps {
		rows = append(rows, stepRow(step))
	}
	return rows
}

func stepRow(step workflows.DayStep) []string {
	outcome := step.Outcome
	if step.Detail != "" {
		outcome += ": " + firstLine(step.Detail)
	}
	return []string{step.Step, outcome, step.ID}
}
