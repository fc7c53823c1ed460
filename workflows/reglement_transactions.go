package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// ReglementTransactions turns a CRE file into money on payment accounts. Its
// run is named `vacation-reglement-transactions/<reference>`. It returns the
// totals, or the typed failure with which the vacation ended.
func ReglementTransactions(ctx workflow.Context, request ReglementRequest) (vacation.Totals, error) {
	reglement, err := setUpReglement(ctx, vacation.ReglementTransactions, request)
	if err != nil {
		return vacation.Totals{}, err
	}
	return reglement.runOfLines(ctx, reglement.settleTransactions)
}

// settleTransactions is the vacation between its start and its end.
func (r *reglement) settleTransactions(ctx workflow.Context) error {
	file, err := r.loadFile(ctx)
	if err != nil {
		return err
	}
	if err := r.postLines(ctx, file); err != nil {
		return err
	}
	if err := r.board.enter(ctx, vacation.StageCovering); err != nil {
		return err
	}
	if err := activities.CoverShortfalls(ctx, r.run); err != nil {
		return err
	}
	r.board.pass(ctx, vacation.StageIsolating)
	return activities.IsolateRevenue(ctx, r.run)
}
