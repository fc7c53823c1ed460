package workflows

import (
	"fmt"
	"path/filepath"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/vacation"
)

// FinanciereRequest starts a day's payouts.
type FinanciereRequest struct {
	BusinessDate calendar.Date `json:"businessDate"`
	// Run tells several sessions of one day apart; empty for the day's own.
	Run string `json:"run,omitempty"`
	// Payline is the absolute path of the Payline file, or of the folder that it
	// stands in, as the workers see it; empty for automatic payouts only.
	Payline string `json:"payline,omitempty"`
	// AwaitPayline has a Payline file that is not there waited for.
	AwaitPayline bool `json:"awaitPayline,omitempty"`
	// CutOff is until when files, approvals and outcomes are waited for.
	CutOff time.Time `json:"cutOff"`
	// RequestedBy asked for the session: another person approves its payouts.
	RequestedBy string `json:"requestedBy"`
}

// SessionKey is the key of the session's id.
func (r FinanciereRequest) SessionKey() string { return dayKey(r.BusinessDate, r.Run) }

// dayKey is the key of a session of a day, with its run where the day has several.
func dayKey(date calendar.Date, run string) string {
	if run == "" {
		return date.String()
	}
	return date.String() + "/" + run
}

// parameters are what the session does, whoever asks for it and until when.
func (r FinanciereRequest) parameters() any {
	return struct {
		BusinessDate calendar.Date `json:"businessDate"`
		Run          string        `json:"run,omitempty"`
		Payline      string        `json:"payline,omitempty"`
	}{r.BusinessDate, r.Run, r.Payline}
}

// financiere is one run of a financière.
type financiere struct {
	*session

	request FinanciereRequest
	totals  vacation.FinanciereTotals
	// refused is why all of the Payline file was refused, nil where it was not.
	refused  *vacation.Failure
	cashouts activities.CashoutsResult // where the orders stand
	bulks    activities.DispatchResult // what became of the bulks
}

// Financiere pays merchants out: what they asked for in the day's Payline file,
// and what is due to them by itself. Its run is named
// `vacation-financiere/<date>[/<run>]`. It returns the totals, or the typed
// failure with which the vacation ended.
func Financiere(ctx workflow.Context, request FinanciereRequest) (vacation.FinanciereTotals, error) {
	var none vacation.FinanciereTotals
	session, err := newSession(ctx, vacation.Financiere, request.SessionKey(), request.BusinessDate)
	if err != nil {
		return none, err
	}
	ended, err := session.open(ctx, request.parameters())
	if err != nil {
		return none, err
	}
	if ended != nil {
		return earlier[vacation.FinanciereTotals](ended)
	}
	f := &financiere{session: session, request: request}
	f.totals.CorrelationID = session.run.CorrelationID
	failure := f.pay(ctx)
	f.totals.Events, err = f.finish(ctx, f.totals, failure)
	if err != nil {
		return none, err
	}
	return f.totals, nil
}

// pay is the vacation between its start and its end.
func (f *financiere) pay(ctx workflow.Context) error {
	err := inOrder(
		ctx,
		f.loadPayline,
		f.movePayline,
		f.controlPayline,
		f.planPayouts,
		f.validateCashouts,
		f.payOut,
		f.hearOperators,
		f.canton,
		f.answerPayline,
		f.tellERP,
	)
	if err != nil {
		return err
	}
	if f.refused != nil {
		return activities.Final(f.refused)
	}
	return nil
}

// loadPayline takes the day's Payline file in, after waiting for it where it is late.
func (f *financiere) loadPayline(ctx workflow.Context) error {
	if err := f.enter(ctx, vacation.StageLoading); err != nil {
		return err
	}
	if f.request.Payline == "" {
		return nil
	}
	file, err := f.lookForPayline(ctx)
	for err == nil && !file.Found && f.request.AwaitPayline {
		var over bool
		file, over, err = f.awaitPayline(ctx)
		if over {
			break
		}
	}
	if err != nil {
		return err
	}
	f.totals.Requests = file.Transfers
	if file.Refused != "" {
		f.totals.PaylineRefused = file.Refused
		f.refused = vacation.Fail(vacation.PaylineRefused,
			"the Payline file was refused as a whole (%s): %s. "+
				"The automatic payouts went on; have the file corrected and run this vacation again",
			file.Refused, file.Message)
		f.refused.Step = vacation.StageLoading
	}
	return nil
}

func (f *financiere) lookForPayline(ctx workflow.Context) (activities.LoadPaylineResult, error) {
	return activities.LoadPayline(ctx, activities.LoadPaylineRequest{
		Run: f.run, Path: f.request.Payline, BusinessDate: f.request.BusinessDate, CutOff: f.request.CutOff,
	})
}

// awaitPayline waits for the file. over says that the session goes on, with
// what was found or without.
func (f *financiere) awaitPayline(ctx workflow.Context) (file activities.LoadPaylineResult, over bool, err error) {
	answer, err := f.desk.wait(ctx, waiting{
		stage: vacation.StageAwaiting,
		what: fmt.Sprintf("Waits for the Payline file at **%s**. Put the complete file there: the run goes on by itself. "+
			"Skip, or the cut-off, lets the automatic payouts go on without it.", f.request.Payline),
		until: f.request.CutOff,
		takes: []act{actRetry, actSkip, actAbort},
		looks: func(ctx workflow.Context) (bool, error) {
			var err error
			file, err = f.lookForPayline(ctx)
			return file.Found, err
		},
	})
	switch {
	case err != nil:
		return file, false, err
	case answer.act == actAbort:
		return file, false, aborted(answer)
	case answer.act == actRetry && !file.Found:
		file, err = f.lookForPayline(ctx)
		return file, false, err
	default:
		return file, true, nil
	}
}

// movePayline posts the movements between CPs: before any payout, which they may fund.
func (f *financiere) movePayline(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StageMoving); err != nil {
		return err
	}
	moved, err := f.decidePayline(ctx, activities.MovePayline)
	f.totals.Movements, f.totals.MovementsSum = moved.Accepted, moved.AcceptedSum
	f.totals.RejectedLines += moved.Rejected
	return err
}

// controlPayline makes orders of the transfers that the file asks for.
func (f *financiere) controlPayline(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StageControlling); err != nil {
		return err
	}
	controlled, err := f.decidePayline(ctx, activities.ControlPayline)
	f.totals.RejectedLines += controlled.Rejected
	return err
}

func (f *financiere) decidePayline(
	ctx workflow.Context, slice func(workflow.Context, activities.Run) (activities.PaylineResult, error),
) (activities.PaylineResult, error) {
	return repeat(func() (activities.PaylineResult, error) {
		result, err := slice(ctx, f.run)
		f.board.tellf(ctx, "%d accepted, %s €; %d rejected", result.Accepted, result.AcceptedSum, result.Rejected)
		return result, err
	}, func(result activities.PaylineResult) bool { return result.Done })
}

// planPayouts makes orders of the automatic payouts that are due.
func (f *financiere) planPayouts(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StagePlanning); err != nil {
		return err
	}
	planned, err := repeat(func() (activities.PlanPayoutsResult, error) {
		result, err := activities.PlanPayouts(ctx, activities.PlanPayoutsRequest{Run: f.run, BusinessDate: f.request.BusinessDate})
		f.board.tellf(ctx, "%d automatic payouts, %s €", result.Orders, result.Sum)
		return result, err
	}, func(result activities.PlanPayoutsResult) bool { return result.Done })
	f.totals.Automatic = planned.Orders
	return err
}

// validateCashouts judges all orders before anything is posted.
func (f *financiere) validateCashouts(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StageValidating); err != nil {
		return err
	}
	judged, err := repeat(func() (activities.CashoutsResult, error) {
		result, err := activities.ValidateCashouts(ctx, f.run)
		f.board.tellf(ctx, "%d validated, %d wait, %d refused", result.Validated, result.Waiting, result.Refused)
		return result, err
	}, func(result activities.CashoutsResult) bool { return result.Done })
	f.judged(judged)
	return err
}

// judged keeps where the orders stand.
func (f *financiere) judged(result activities.CashoutsResult) {
	f.cashouts = result
	f.totals.Refused, f.totals.RefusedSum = result.Refused, result.RefusedSum
}

// payOut posts what is validated, has règlement cover it, and hands it to the bank.
func (f *financiere) payOut(ctx workflow.Context) error {
	return inOrder(ctx, f.postPayouts, f.decanton, f.remit, f.dispatch)
}

func (f *financiere) postPayouts(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StagePaying); err != nil {
		return err
	}
	posted, err := repeat(func() (activities.PostPayoutsResult, error) {
		result, err := activities.PostPayouts(ctx, f.run)
		f.board.tellf(ctx, "%d payouts posted, %s €", result.Posted, result.PostedSum)
		return result, err
	}, func(result activities.PostPayoutsResult) bool { return result.Done })
	f.totals.Paid, f.totals.PaidSum = posted.Posted, posted.PostedSum
	// Orders are refused at the posting too, and none is ever taken back from that.
	f.totals.Refused = max(f.totals.Refused, posted.Refused)
	f.totals.RefusedSum = max(f.totals.RefusedSum, posted.RefusedSum)
	return err
}

func (f *financiere) decanton(ctx workflow.Context) error {
	f.board.pass(ctx, vacation.StageDecanting)
	ordered, err := activities.Decanton(ctx, f.run)
	f.totals.Decantoned = ordered // by the session so far
	return err
}

func (f *financiere) remit(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StageRemitting); err != nil {
		return err
	}
	remitted, err := repeat(func() (activities.RemitResult, error) {
		result, err := activities.Remit(ctx, f.run)
		f.board.tellf(ctx, "%d orders in %d bulks, %s €", result.Orders, result.Bulks, result.Sum)
		return result, err
	}, func(result activities.RemitResult) bool { return result.Done })
	f.totals.Bulks = remitted.Bulks
	return err
}

// dispatch hands the bulks to the bank.
func (f *financiere) dispatch(ctx workflow.Context) error {
	sent, err := repeat(func() (activities.DispatchResult, error) {
		return activities.Dispatch(ctx, f.run)
	}, func(result activities.DispatchResult) bool { return result.Left == 0 })
	f.dispatched(sent)
	return err
}

// dispatched keeps what became of the bulks.
func (f *financiere) dispatched(result activities.DispatchResult) {
	f.bulks = result
	f.totals.Unknown = result.Unknown
}

// canton puts client money aside that règlement does not need any more.
func (f *financiere) canton(ctx workflow.Context) error {
	if err := f.board.enter(ctx, vacation.StageCantoning); err != nil {
		return err
	}
	var err error
	f.totals.Cantoned, err = activities.Canton(ctx, f.run)
	if err != nil {
		return err
	}
	return f.dispatch(ctx)
}

// answerPayline tells those who asked what became of each request.
func (f *financiere) answerPayline(ctx workflow.Context) error {
	f.board.pass(ctx, vacation.StageAnswering)
	answered, err := activities.AnswerPayline(ctx, f.run)
	if err == nil && answered.File != "" {
		f.totals.RejectedLines = answered.Rejected
		f.log(ctx).Info("Payline answered", "file", filepath.Base(answered.File))
	}
	return err
}
