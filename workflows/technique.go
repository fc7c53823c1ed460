package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// Phase says which part of technique a session is.
type Phase string

// The phases of technique.
const (
	PhaseOpen      Phase = "open"      // opens the day: merchants, statements, règlements
	PhaseClose     Phase = "close"     // closes it: statements, règlements, reconciliation, safeguarding
	PhaseDecisions Phase = "decisions" // takes operators' decisions between them
)

// TechniqueRequest starts the opening or the closing of a day, or has
// operators' decisions taken between them.
type TechniqueRequest struct {
	BusinessDate calendar.Date `json:"businessDate"`
	Phase        Phase         `json:"phase"`
	// Run tells several sessions of one phase apart, such as the decisions of a
	// day; empty for the day's own.
	Run string `json:"run,omitempty"`
	// Inbox is the absolute path of the folder that the day's files come to, as
	// the workers see it.
	Inbox string `json:"inbox"`
	// CutOff is until when files are waited for.
	CutOff      time.Time `json:"cutOff"`
	RequestedBy string    `json:"requestedBy"`
	// Decisions are what the phase of that name takes, in this order.
	Decisions []activities.Decision `json:"decisions,omitempty"`
}

// SessionKey is the key of the session's id.
func (r TechniqueRequest) SessionKey() string {
	phase := string(r.Phase)
	if r.Run != "" {
		phase += "-" + r.Run
	}
	return dayKey(r.BusinessDate, phase)
}

// parameters are what the session does, whoever asks for it and until when.
func (r TechniqueRequest) parameters() any {
	return struct {
		BusinessDate calendar.Date         `json:"businessDate"`
		Phase        Phase                 `json:"phase"`
		Run          string                `json:"run,omitempty"`
		Decisions    []activities.Decision `json:"decisions,omitempty"`
	}{r.BusinessDate, r.Phase, r.Run, r.Decisions}
}

// technique is one run of technique.
type technique struct {
	*session

	request TechniqueRequest
	totals  vacation.TechniqueTotals
}

// Technique opens a day, closes it, or takes operators' decisions between them.
// Its run is named `vacation-technique/<date>/<phase>[-<run>]`. It returns the
// totals, or the typed failure with which the vacation ended. A règlement that
// fails is counted, and fails nothing here.
func Technique(ctx workflow.Context, request TechniqueRequest) (vacation.TechniqueTotals, error) {
	var none vacation.TechniqueTotals
	session, err := newSession(ctx, vacation.Technique, request.SessionKey(), request.BusinessDate)
	if err != nil {
		return none, err
	}
	t := &technique{session: session, request: request}
	steps, err := t.steps()
	if err != nil {
		return none, err
	}
	if err := t.takeDecisions(ctx); err != nil {
		return none, err
	}
	ended, err := session.open(ctx, request.parameters())
	if err != nil {
		return none, err
	}
	if ended != nil {
		return earlier[vacation.TechniqueTotals](ended)
	}
	t.totals.CorrelationID = session.run.CorrelationID
	failure := inOrder(ctx, steps...)
	if failure == nil { // what operators decide until here is counted
		failure = t.desk.close(ctx)
	}
	t.totals.Events, err = t.finish(ctx, t.totals, failure)
	if err != nil {
		return none, err
	}
	return t.totals, nil
}

// steps are the vacation between its start and its end.
func (t *technique) steps() ([]func(workflow.Context) error, error) {
	switch t.request.Phase {
	case PhaseOpen:
		return []func(workflow.Context) error{
			t.loadMerchants, t.readStatements, t.readReports, t.matchTransfers, t.runReglements, t.matchPayments,
		}, nil
	case PhaseClose:
		return []func(workflow.Context) error{
			t.readStatements, t.readReports, t.matchTransfers, t.runReglements, t.matchPayments, t.settleOrders, t.reconcile,
			t.stateSafeguarding, t.tellERP,
		}, nil
	case PhaseDecisions:
		return []func(workflow.Context) error{t.decide}, nil
	default:
		return nil, activities.Final(vacation.Fail(vacation.ParametersConflict,
			"technique has no phase %q: ask for open, close or decisions", t.request.Phase))
	}
}

// loadMerchants takes the merchants' snapshots in, and asks an operator where
// one closes more payment accounts than a day's business explains.
func (t *technique) loadMerchants(ctx workflow.Context) error {
	if err := t.enter(ctx, vacation.StageMerchants); err != nil {
		return err
	}
	request := activities.LoadMerchantsRequest{Run: t.run, Inbox: t.request.Inbox}
	for {
		loaded, err := activities.LoadMerchants(ctx, request)
		t.totals.Snapshot = loaded.Snapshot
		if err != nil || loaded.Waits == "" {
			return err
		}
		answer, err := t.desk.wait(ctx, waiting{
			stage: vacation.StageApproval,
			what: fmt.Sprintf("A snapshot of the merchants looks wrong: **%s**. "+
				"Approve loads it; refuse leaves the snapshot before it in force.", loaded.Waits),
			takes: []act{actApprove, actRefuse, actAbort},
		})
		if err != nil {
			return err
		}
		request.Approved, request.Skipped = "", ""
		switch answer.act {
		case actApprove:
			request.Approved = loaded.WaitsFor
		case actRefuse:
			request.Skipped = loaded.WaitsFor
		default:
			return aborted(answer)
		}
		// The wait's answer is in the operators' journal; what it makes of the snapshot is a row of its own.
		request.Answer = answer.journal
		request.Answer.ID += "/snapshot"
	}
}

// readStatements reads the bank's statements, after waiting for those that are late.
func (t *technique) readStatements(ctx workflow.Context) error {
	if err := t.enter(ctx, vacation.StageStatements); err != nil {
		return err
	}
	missing, err := t.lookForStatements(ctx)
	for err == nil && len(missing) > 0 {
		var answer answer
		answer, err = t.desk.wait(ctx, waiting{
			stage: vacation.StageAwaiting,
			what: fmt.Sprintf("Waits for the statements of **%s** in %s. Put them there: the run goes on by itself. "+
				"Skip, or the cut-off, goes on without them.", strings.Join(missing, ", "), t.request.Inbox),
			until: t.request.CutOff,
			takes: []act{actRetry, actSkip, actAbort},
			looks: func(ctx workflow.Context) (bool, error) {
				var err error
				missing, err = t.lookForStatements(ctx)
				return len(missing) == 0, err
			},
		})
		switch {
		case err != nil:
			return err
		case answer.act == actAbort:
			return aborted(answer)
		case answer.act == actRetry:
			missing, err = t.lookForStatements(ctx)
		default:
			return nil
		}
	}
	return err
}

// lookForStatements reads those that are there, and returns the accounts of those that are not.
func (t *technique) lookForStatements(ctx workflow.Context) ([]string, error) {
	read, err := activities.ReadStatements(ctx, activities.ReadStatementsRequest{
		Run: t.run, Inbox: t.request.Inbox, Date: t.request.BusinessDate, CutOff: t.request.CutOff,
	})
	if err != nil {
		return nil, err
	}
	t.totals.Statements, t.totals.Lines, t.totals.UnknownLines = read.Statements, read.Lines, read.Unknown
	return read.Missing, nil
}

// readReports reads what the bank says of our bulks. Nobody waits for a report: a bank may send none.
func (t *technique) readReports(ctx workflow.Context) error {
	if err := t.board.enter(ctx, vacation.StageReports); err != nil {
		return err
	}
	read, err := activities.ReadReports(ctx, activities.ReadReportsRequest{
		Run: t.run, Inbox: t.request.Inbox, CutOff: t.request.CutOff,
	})
	t.totals.Reports, t.totals.RefusedOrders = read.Reports, read.RefusedOrders
	return err
}

// matchTransfers closes the transfers between the EP's own accounts that have arrived.
func (t *technique) matchTransfers(ctx workflow.Context) error {
	if err := t.board.enter(ctx, vacation.StageMatching); err != nil {
		return err
	}
	var err error
	t.totals.Transfers, err = activities.MatchTransfers(ctx, t.run)
	return err
}

// matchPayments matches the payments that the gateway has told of with the card
// lines that règlements have posted since, and counts what is late on either side.
func (t *technique) matchPayments(ctx workflow.Context) error {
	if !matchesPayments(ctx) {
		return nil
	}
	t.board.pass(ctx, vacation.StagePayments)
	matched, err := matchPayments(ctx)
	t.totals.MatchedPayments = matched.Matched
	t.totals.LatePayments, t.totals.LateLines, t.totals.OpenForms = matched.LatePayments, matched.LateLines, matched.OpenForms
	return err
}

// settleOrders gives orders of UNKNOWN outcome the one that the bank's lines show.
func (t *technique) settleOrders(ctx workflow.Context) error {
	t.board.pass(ctx, vacation.StageSettling)
	settled, err := activities.SettleOrders(ctx, t.run)
	t.totals.UnknownBulks, t.totals.StaleOrders = settled.UnknownBulks, settled.StaleOrders
	return err
}

// reconcile proves that books and bank differ by unbooked items only.
func (t *technique) reconcile(ctx workflow.Context) error {
	if err := t.board.enter(ctx, vacation.StageReconciling); err != nil {
		return err
	}
	return activities.Reconcile(ctx, t.run)
}

// stateSafeguarding states what clients are owed, and what is held for them.
func (t *technique) stateSafeguarding(ctx workflow.Context) error {
	t.board.pass(ctx, vacation.StageSafeguarding)
	var err error
	t.totals.Surplus, err = activities.StateSafeguarding(ctx, activities.StateSafeguardingRequest{
		Run: t.run, Date: t.request.BusinessDate,
	})
	return err
}
