package activities

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/money"
)

// The names under which the activities of créances are registered.
const (
	RecoverDebtsName  = "recover-debts"
	OrderRecoveryName = "order-recovery"
)

// RecoverDebtsResult is how far the open debts are looked at.
type RecoverDebtsResult struct {
	Debts     int         `json:"debts"`
	Total     int         `json:"debtsTotal"`
	Recovered money.Cents `json:"recoveredCents"`
	Remaining money.Cents `json:"remainingCents"`
	Old       int         `json:"oldDebts"`
	Done      bool        `json:"done"`
}

// RecoverDebts takes what each merchant with an open debt has on its CPs, the
// oldest debt first: Dr CP / Cr DEBT. Call it until it is done.
func RecoverDebts(ctx workflow.Context, run Run) (RecoverDebtsResult, error) {
	return call[RecoverDebtsResult](long(ctx), RecoverDebtsName, run)
}

// OrderRecovery orders the transfer règlement → fonctionnement of what the run
// recovered, nothing when that is zero.
func OrderRecovery(ctx workflow.Context, run Run) error {
	return workflow.ExecuteActivity(short(ctx), OrderRecoveryName, run).Get(ctx, nil)
}
