package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/vacation"
)

// ReglementImpayes takes unpaids back from payment accounts, and makes créances
// of what these lack. Its run is named `vacation-reglement-impayes/<reference>`.
// It returns the totals, or the typed failure with which the vacation ended.
func ReglementImpayes(ctx workflow.Context, request ReglementRequest) (vacation.Totals, error) {
	reglement, err := setUpReglement(ctx, vacation.ReglementImpayes, request)
	if err != nil {
		return vacation.Totals{}, err
	}
	return reglement.runOfLines(ctx, reglement.settleUnpaids)
}

// settleUnpaids is the vacation between its start and its end.
func (r *reglement) settleUnpaids(ctx workflow.Context) error {
	if err := r.settleTransactions(ctx); err != nil {
		return err
	}
	// The bank took the unpaids from règlement, where the day's payouts are due too.
	r.board.pass(ctx, vacation.StageDecanting)
	_, err := activities.Decanton(ctx, r.run)
	return err
}
