package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// takeDecisions takes operators' decisions from now on, as long as the run is
// open, whatever else it does.
func (t *technique) takeDecisions(ctx workflow.Context) error {
	err := workflow.SetUpdateHandlerWithOptions(ctx, AssignUpdate,
		func(ctx workflow.Context, decision activities.Decision) (string, error) {
			return t.assign(ctx, decision)
		},
		workflow.UpdateHandlerOptions{
			Validator: func(_ workflow.Context, decision activities.Decision) error { return t.admits(decision) },
		})
	if err != nil {
		return fmt.Errorf("take decisions: %w", err)
	}
	return nil
}

// admits refuses a decision that cannot be taken, before anything is written.
func (t *technique) admits(decision activities.Decision) error {
	if t.desk.closed {
		return unfit("%s ends: give the decision to a session of its own", t.desk.name)
	}
	return complete(decision)
}

// complete refuses a decision that lacks what its act is about.
func complete(decision activities.Decision) error {
	lacks, known := lacking(decision)
	switch {
	case !known:
		return unfit("there is no decision %q: take %s, %s, %s or %s", decision.Act,
			activities.ActAssign, activities.ActClassify, activities.ActWriteOff, activities.ActRelease)
	case lacks != "":
		return unfit("to %s, say %s", decision.Act, lacks)
	case decision.Answer.Actor == "":
		return unfit("say who decides (actor)")
	case decision.Answer.Reason == "":
		return unfit("say why (reason): it stands in the operators' journal")
	default:
		return nil
	}
}

// lacking is what an act needs where the decision does not have it all; known
// tells whether there is such an act.
func lacking(decision activities.Decision) (lacks string, known bool) {
	var complete bool
	switch decision.Act {
	case activities.ActAssign:
		lacks = "reference, line and account"
		complete = decision.Reference != "" && decision.Line > 0 && decision.Account > 0
	case activities.ActClassify:
		lacks = "bankLine and as"
		complete = decision.BankLine != "" && decision.As != ""
	case activities.ActWriteOff:
		lacks = "debt"
		complete = decision.Debt > 0
	case activities.ActRelease:
		lacks = "account"
		complete = decision.Account > 0
	default:
		return "", false
	}
	if complete {
		lacks = ""
	}
	return lacks, true
}

// assign has a decision taken while the run does something else.
func (t *technique) assign(ctx workflow.Context, decision activities.Decision) (string, error) {
	// Whatever cancels the run meanwhile: a decision that was accepted is taken.
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	err := workflow.Await(ctx, func() bool { return t.run.Number != 0 || t.desk.closed })
	if err != nil || t.run.Number == 0 {
		return "", unfit("%s was never opened: give the decision to another session", t.desk.name)
	}
	decision.Answer.ID = answerID(ctx)
	return t.taken(ctx, decision)
}

// decide takes the decisions that the session was started with.
func (t *technique) decide(ctx workflow.Context) error {
	if err := t.enter(ctx, vacation.StageDeciding); err != nil {
		return err
	}
	for i, decision := range t.request.Decisions {
		if err := complete(decision); err != nil {
			return err
		}
		// The same in each run of the session.
		decision.Answer.ID = fmt.Sprintf("%s/%d", t.id, i+1)
		if _, err := t.taken(ctx, decision); err != nil {
			return err
		}
	}
	return nil
}

// taken has a decision taken, counts it, and keeps what it changed.
func (t *technique) taken(ctx workflow.Context, decision activities.Decision) (string, error) {
	result, err := activities.Decide(ctx, activities.DecideRequest{
		Run: t.run, Date: t.request.BusinessDate, Decision: decision,
	})
	if err != nil {
		return "", activities.Final(activities.AsFailure(err))
	}
	t.totals.Decisions++
	t.totals.Decided = append(t.totals.Decided, result.After)
	return result.After, nil
}
