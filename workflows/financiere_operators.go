package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// hearOperators waits while orders need an approval, or nobody knows whether the
// bank has a bulk; both at once, so that neither keeps the other waiting. At the
// cut-off what was not approved is refused, and what is not known stays so: the
// closing of the day settles it by the bank's lines.
func (f *financiere) hearOperators(ctx workflow.Context) error {
	skipped := 0
	for {
		unknown := f.bulks.Unknown > skipped
		if f.cashouts.Waiting == 0 && !unknown {
			return nil
		}
		answer, err := f.desk.wait(ctx, f.open(unknown))
		if err != nil {
			return err
		}
		switch answer.act {
		case actAbort:
			return aborted(answer)
		case actSkip:
			skipped = f.bulks.Unknown
		case actApprove, actRefuse:
			if f.cashouts.Waiting == 0 {
				err = f.payOut(ctx)
			}
		case actRetry, actDelivered, actResend:
			err = f.sendAgain(ctx)
		default:
			if err = f.sendAgain(ctx); err == nil && !f.inTime(ctx) {
				return f.cutOff(ctx)
			}
		}
		if err != nil {
			return err
		}
	}
}

// open is what the session waits for.
func (f *financiere) open(unknown bool) waiting {
	wanted := waiting{until: f.request.CutOff, checks: f.fits, effect: f.act}
	var open []string
	if unknown {
		wanted.stage = vacation.StageOutcome
		wanted.takes = append(wanted.takes, actRetry, actDelivered, actResend, actSkip)
		wanted.looks = f.lookUp
		open = append(open, fmt.Sprintf("**%d bulks** may or may not have reached the bank: nothing is sent again by itself. "+
			"Ask the bank, then answer delivered or resend, for single ones by their names; retry looks them up.", f.bulks.Unknown))
	}
	if f.cashouts.Waiting > 0 {
		wanted.stage = vacation.StageApproval
		wanted.takes = append(wanted.takes, actApprove, actRefuse)
		open = append(open, fmt.Sprintf("**%d payouts of %s €** need the approval of somebody other than %s; "+
			"what is not approved by the cut-off is refused. Name single ones by their refExterne.",
			f.cashouts.Waiting, f.cashouts.WaitingSum, f.request.RequestedBy))
	}
	wanted.takes = append(wanted.takes, actAbort)
	wanted.what = strings.Join(open, "\n\n")
	return wanted
}

// fits is the rule of four eyes.
func (f *financiere) fits(what act, request AnswerRequest) error {
	if what == actApprove && request.Actor == f.request.RequestedBy {
		return unfit("%s asked for this session: another person approves its payouts", request.Actor)
	}
	return nil
}

// act does what an answer asks for.
func (f *financiere) act(ctx workflow.Context, taken answer) error {
	switch taken.act {
	case actApprove, actRefuse:
		result, err := activities.DecideCashouts(ctx, activities.DecideCashoutsRequest{
			Run: f.run, Approve: taken.act == actApprove, Orders: taken.request.Subjects,
			Requester: f.request.RequestedBy, Answer: taken.journal,
		})
		if err != nil {
			return err
		}
		f.judged(result)
		return nil
	case actDelivered, actResend:
		return f.settleBulks(ctx, activities.LookUpRequest{
			Run: f.run, Decision: string(taken.act), Bulks: taken.request.Subjects, Answer: taken.journal,
		})
	case actRetry:
		if err := f.desk.record(ctx, taken); err != nil {
			return err
		}
		return f.settleBulks(ctx, activities.LookUpRequest{Run: f.run, Bulks: taken.request.Subjects})
	default:
		return f.desk.record(ctx, taken)
	}
}

// lookUp asks the channel by itself what became of the bulks.
func (f *financiere) lookUp(ctx workflow.Context) (bool, error) {
	err := f.settleBulks(ctx, activities.LookUpRequest{Run: f.run})
	return f.bulks.Unknown == 0 || f.bulks.Left > 0, err
}

func (f *financiere) settleBulks(ctx workflow.Context, request activities.LookUpRequest) error {
	result, err := activities.LookUp(ctx, request)
	if err != nil {
		return err
	}
	f.dispatched(result)
	return nil
}

// sendAgain hands over what was settled as never sent.
func (f *financiere) sendAgain(ctx workflow.Context) error {
	if f.bulks.Left == 0 {
		return nil
	}
	return f.dispatch(ctx)
}

// inTime tells whether operators are heard still.
func (f *financiere) inTime(ctx workflow.Context) bool {
	return f.request.CutOff.IsZero() || workflow.Now(ctx).Before(f.request.CutOff)
}

// cutOff refuses what nobody approved, and pays what was.
func (f *financiere) cutOff(ctx workflow.Context) error {
	if f.cashouts.Waiting == 0 {
		return nil
	}
	result, err := activities.DecideCashouts(ctx, activities.DecideCashoutsRequest{
		Run: f.run, Requester: f.request.RequestedBy, CutOff: true,
		Answer: activities.Answer{ID: f.run.CorrelationID + "/cut-off", Reason: "the cut-off passed"},
	})
	if err != nil {
		return err
	}
	f.judged(result)
	return f.payOut(ctx)
}
