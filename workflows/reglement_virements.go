package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// ReglementVirements settles a bulk of payouts that the bank debited, or gives
// the payouts of a lot of rejects back to their payment accounts. Its run is
// named `vacation-reglement-virements/<reference>`. It returns the totals, or
// the typed failure with which the vacation ended.
func ReglementVirements(ctx workflow.Context, request ReglementRequest) (vacation.VirementsTotals, error) {
	var none vacation.VirementsTotals
	reglement, err := setUpReglement(ctx, vacation.ReglementVirements, request)
	if err != nil {
		return none, err
	}
	before, err := reglement.open(ctx)
	if err != nil {
		return none, err
	}
	if before != nil {
		return earlier[vacation.VirementsTotals](before.Ended)
	}
	matched, failure := reglement.settleTransfers(ctx)
	totals := vacation.VirementsTotals{
		CorrelationID: reglement.run.CorrelationID, Reference: request.Transaction.Reference,
		Orders: matched.Orders, Amount: matched.Amount, Held: matched.Held, Stale: matched.Stale,
	}
	totals.Events, err = reglement.finish(ctx, totals, failure)
	if err != nil {
		return none, err
	}
	return totals, nil
}

// settleTransfers is the vacation between its start and its end.
func (r *reglement) settleTransfers(ctx workflow.Context) (activities.MatchResult, error) {
	if err := r.enter(ctx, vacation.StageStatements); err != nil {
		return activities.MatchResult{}, err
	}
	if err := activities.TellMovements(ctx, r.run); err != nil {
		return activities.MatchResult{}, err
	}
	if r.request.Transaction.Amount < 0 {
		return r.allocate(ctx, vacation.StageMatching, activities.MatchRemittance)
	}
	if err := r.loadRejects(ctx); err != nil {
		return activities.MatchResult{}, err
	}
	return r.allocate(ctx, vacation.StageAllocating, activities.AllocateRejects)
}

// loadRejects loads the detail of the lot, after waiting for it where it is late.
func (r *reglement) loadRejects(ctx workflow.Context) error {
	if err := r.board.enter(ctx, vacation.StageLoading); err != nil {
		return err
	}
	for {
		file, err := activities.LoadRejects(ctx, activities.LoadRejectsRequest{
			Run: r.run, Path: r.request.File, CutOff: r.request.CutOff,
		})
		if err != nil || file.Found {
			return err
		}
		if err := r.awaitFile(ctx, r.request.File, r.request.CutOff); err != nil {
			return err
		}
	}
}

// allocate gives the bank's amount to the orders that it is for, slice by slice.
func (r *reglement) allocate(
	ctx workflow.Context, stage vacation.Stage,
	slice func(workflow.Context, activities.Run) (activities.MatchResult, error),
) (activities.MatchResult, error) {
	if err := r.board.enter(ctx, stage); err != nil {
		return activities.MatchResult{}, err
	}
	return repeat(func() (activities.MatchResult, error) {
		result, err := slice(ctx, r.run)
		r.board.tellf(ctx, "%d orders, %s €", result.Orders, result.Amount)
		return result, err
	}, func(result activities.MatchResult) bool { return result.Done })
}
