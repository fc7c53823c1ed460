package activities

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/money"
)

// The names under which the activities of reglement-virements are registered.
const (
	TellMovementsName   = "tell-movements"
	MatchRemittanceName = "match-remittance"
	LoadRejectsName     = "load-rejects"
	AllocateRejectsName = "allocate-rejects"
)

// TellMovements emits get-account-transactions of the règlement account: the
// remittances and rejects of the statement that holds the run's bank line, or
// that line alone where no statement was read.
func TellMovements(ctx workflow.Context, run Run) error {
	return workflow.ExecuteActivity(short(ctx), TellMovementsName, run).Get(ctx, nil)
}

// MatchResult is how far a remittance, or a lot, is allocated to its orders.
type MatchResult struct {
	Orders int         `json:"orders"`
	Amount money.Cents `json:"amountCents"`
	// Held are CPs whose payouts a repeated reject, or one after they were
	// closed, put on hold.
	Held int `json:"heldCps"`
	// Stale are orders remitted more than three TARGET days ago that the bank
	// has not debited.
	Stale int  `json:"staleOrders"`
	Done  bool `json:"done"`
}

// MatchRemittance finds the bulk that the bank debited and settles its orders:
// Dr TR.OUT / Cr TR.SET each, EXECUTED. Call it until it is done.
//
// Failures: RemittanceUnmatched when no bulk has that name or its orders come
// to another amount.
func MatchRemittance(ctx workflow.Context, run Run) (MatchResult, error) {
	return call[MatchResult](long(ctx), MatchRemittanceName, run)
}

// LoadRejectsRequest says which file details the lot. A folder stands for the
// file in it that carries the lot's reference.
type LoadRejectsRequest struct {
	Run    Run       `json:"run"`
	Path   string    `json:"path"`
	CutOff time.Time `json:"cutOff"`
}

// LoadRejectsResult is the detail as it was accepted.
type LoadRejectsResult struct {
	// Found is false when nothing complete stands at the path yet.
	Found  bool        `json:"found"`
	SHA256 string      `json:"sha256,omitempty"`
	Orders int         `json:"orders"`
	Amount money.Cents `json:"amountCents"`
}

// LoadRejects reads the detail of a lot under all its controls: every order
// known and remitted, amounts equal, and their sum that of the bank line.
//
// Failures: FileInvalid, RejectsMismatch.
func LoadRejects(ctx workflow.Context, request LoadRejectsRequest) (LoadRejectsResult, error) {
	return call[LoadRejectsResult](long(ctx), LoadRejectsName, request)
}

// AllocateRejects gives each rejected order's amount back to its CP: Dr TR.REJ /
// Cr CP, REJECTED; it puts the CP's payouts on hold after a repeated reject.
// Call it until it is done.
func AllocateRejects(ctx workflow.Context, run Run) (MatchResult, error) {
	return call[MatchResult](long(ctx), AllocateRejectsName, run)
}
