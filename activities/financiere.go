package activities

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// The names under which the activities of financière are registered.
const (
	LoadPaylineName      = "load-payline"
	MovePaylineName      = "move-payline"
	ControlPaylineName   = "control-payline"
	PlanPayoutsName      = "plan-payouts"
	ValidateCashoutsName = "validate-cashouts"
	DecideCashoutsName   = "decide-cashouts"
	PostPayoutsName      = "post-payouts"
	DecantonName         = "decanton"
	RemitName            = "remit"
	DispatchName         = "dispatch"
	LookUpName           = "look-up"
	CantonName           = "canton"
	AnswerPaylineName    = "answer-payline"
)

// LoadPaylineRequest says where the day's Payline file is. A folder stands for
// the one Payline file in it; no file is no request.
type LoadPaylineRequest struct {
	Run          Run           `json:"run"`
	Path         string        `json:"path"`
	BusinessDate calendar.Date `json:"businessDate"`
	CutOff       time.Time     `json:"cutOff"`
}

// LoadPaylineResult is the file as it was taken in.
type LoadPaylineResult struct {
	Found     bool        `json:"found"`
	SHA256    string      `json:"sha256,omitempty"`
	Movements int         `json:"movements"`
	Transfers int         `json:"transfers"`
	Sum       money.Cents `json:"sumCents"`
	// Refused is the reject code when all of the file is refused: none of it is
	// processed. Message says why.
	Refused string `json:"refused,omitempty"`
	Message string `json:"message,omitempty"`
}

// LoadPayline reads the Payline file under its controls and keeps its requests,
// or its refusal, in one transaction.
func LoadPayline(ctx workflow.Context, request LoadPaylineRequest) (LoadPaylineResult, error) {
	return call[LoadPaylineResult](long(ctx), LoadPaylineName, request)
}

// PaylineResult is how far the requests of one kind are decided.
type PaylineResult struct {
	Accepted    int         `json:"accepted"`
	AcceptedSum money.Cents `json:"acceptedCents"`
	Rejected    int         `json:"rejected"`
	Done        bool        `json:"done"`
}

// MovePayline posts the movements between CPs, in the order of the file, and
// rejects those that break a control. Call it until it is done.
func MovePayline(ctx workflow.Context, run Run) (PaylineResult, error) {
	return call[PaylineResult](long(ctx), MovePaylineName, run)
}

// ControlPayline makes orders of the requested transfers that pass the
// controls, REQUESTED, and rejects the others. Call it until it is done.
func ControlPayline(ctx workflow.Context, run Run) (PaylineResult, error) {
	return call[PaylineResult](long(ctx), ControlPaylineName, run)
}

// PlanPayoutsRequest asks for the automatic payouts of a day.
type PlanPayoutsRequest struct {
	Run          Run           `json:"run"`
	BusinessDate calendar.Date `json:"businessDate"`
}

// PlanPayoutsResult is how far the CPs are looked at.
type PlanPayoutsResult struct {
	Orders int         `json:"orders"`
	Sum    money.Cents `json:"sumCents"`
	Done   bool        `json:"done"`
}

// PlanPayouts makes an order, REQUESTED, for each CP whose automatic payout is
// due on the day and comes to more than its minimum. Call it until it is done.
func PlanPayouts(ctx workflow.Context, request PlanPayoutsRequest) (PlanPayoutsResult, error) {
	return call[PlanPayoutsResult](long(ctx), PlanPayoutsName, request)
}

// CashoutsResult is where the session's orders stand: counts in orders, cents.
type CashoutsResult struct {
	Validated    int         `json:"validated"`
	ValidatedSum money.Cents `json:"validatedCents"`
	Waiting      int         `json:"waiting"`
	WaitingSum   money.Cents `json:"waitingCents"`
	Refused      int         `json:"refused"`
	RefusedSum   money.Cents `json:"refusedCents"`
	Done         bool        `json:"done"`
}

// ValidateCashouts judges every REQUESTED order of the session by the ceilings,
// the holds and the liquidity: VALIDATED, WAITING for an approval, or REFUSED.
// Nothing is posted. Call it until it is done.
func ValidateCashouts(ctx workflow.Context, run Run) (CashoutsResult, error) {
	return call[CashoutsResult](long(ctx), ValidateCashoutsName, run)
}

// DecideCashoutsRequest decides orders that wait.
type DecideCashoutsRequest struct {
	Run     Run  `json:"run"`
	Approve bool `json:"approve"`
	// Orders are refExternes; none stands for all that wait.
	Orders []string `json:"orders,omitempty"`
	// Requester asked for the session: another person decides. CutOff says that
	// nobody did, and that what waits is refused because the hour has passed.
	Requester string `json:"requester"`
	CutOff    bool   `json:"cutOff,omitempty"`
	Answer    Answer `json:"answer"`
}

// DecideCashouts validates or refuses orders that wait, with the validator's
// name in the event and in the operators' journal.
//
// Failures: Refused when the actor may not decide, or an order does not wait.
func DecideCashouts(ctx workflow.Context, request DecideCashoutsRequest) (CashoutsResult, error) {
	return call[CashoutsResult](short(ctx), DecideCashoutsName, request)
}

// PostPayoutsResult is how far the validated orders are posted.
type PostPayoutsResult struct {
	Posted    int         `json:"posted"`
	PostedSum money.Cents `json:"postedCents"`
	// Dropped are orders whose CP no longer covers them: rejected with AM04, or
	// left for the next day when nobody asked for them. Orders of a CP that was
	// put on hold since they were validated are refused as held, and not counted here.
	Dropped int `json:"dropped"`
	// Refused are all orders of the session that are refused by now, at the
	// review or at the posting.
	Refused    int         `json:"refused,omitempty"`
	RefusedSum money.Cents `json:"refusedCents,omitempty"`
	Done       bool        `json:"done"`
}

// PostPayouts posts the VALIDATED orders: Dr CP / Cr TR.OUT, PREPARED, unless
// their CP no longer covers them or is on hold. Call it until it is done.
func PostPayouts(ctx workflow.Context, run Run) (PostPayoutsResult, error) {
	return call[PostPayoutsResult](long(ctx), PostPayoutsName, run)
}

// Decanton orders cantonnement → règlement of what règlement lacks for what it
// owes: payouts ordered, and unpaids that were debited. It returns what the
// session has ordered so far, in cents, 0 when règlement sufficed.
func Decanton(ctx workflow.Context, run Run) (money.Cents, error) {
	return call[money.Cents](short(ctx), DecantonName, run)
}

// RemitResult is how far the posted orders stand in bulks.
type RemitResult struct {
	Bulks  int         `json:"bulks"`
	Orders int         `json:"orders"`
	Sum    money.Cents `json:"sumCents"`
	Done   bool        `json:"done"`
}

// Remit groups the session's PREPARED orders in bulks, each with its name, and
// emits create-transfer. Call it until it is done.
func Remit(ctx workflow.Context, run Run) (RemitResult, error) {
	return call[RemitResult](long(ctx), RemitName, run)
}

// DispatchResult is what became of bulks that were handed to the bank's channel.
type DispatchResult struct {
	Sent     int `json:"sent"`
	Rejected int `json:"rejected"`
	Unknown  int `json:"unknown"`
	Left     int `json:"left"` // PREPARED still: call again
}

// Dispatch hands one PREPARED bulk after the other to the channel, those of our
// own transfers first. The intent is committed before each; an outcome that is
// not known is UNKNOWN, and is never handed over again by this activity.
//
// It is tried without end: what fails before the intent is tried again, what
// fails after it is looked up.
func Dispatch(ctx workflow.Context, run Run) (DispatchResult, error) {
	return call[DispatchResult](dispatch(ctx), DispatchName, run)
}

// LookUpRequest settles bulks whose outcome is not known.
type LookUpRequest struct {
	Run Run `json:"run"`
	// Decision is an operator's: delivered, resend, or none to ask the channel.
	Decision string `json:"decision,omitempty"`
	// Bulks are names; none stands for all that are UNKNOWN.
	Bulks  []string `json:"bulks,omitempty"`
	Answer Answer   `json:"answer"`
}

// LookUp asks the channel what became of UNKNOWN bulks, or takes an operator's
// word for it: delivered makes them SENT, resend PREPARED.
func LookUp(ctx workflow.Context, request LookUpRequest) (DispatchResult, error) {
	return call[DispatchResult](dispatch(ctx), LookUpName, request)
}

// Canton reads the bank accounts' balances and orders règlement → cantonnement
// of client money that règlement does not need for the bulks it will be debited
// for. It returns the amount ordered, in cents.
func Canton(ctx workflow.Context, run Run) (money.Cents, error) {
	return call[money.Cents](short(ctx), CantonName, run)
}

// AnswerPaylineResult says where the response file was written.
type AnswerPaylineResult struct {
	File     string `json:"file,omitempty"`
	Accepted int    `json:"accepted"`
	Rejected int    `json:"rejected"`
}

// AnswerPayline writes the response to the session's Payline file, ACCP or RJCT
// and code for each of its lines, and archives the file. Nothing when there was none.
func AnswerPayline(ctx workflow.Context, run Run) (AnswerPaylineResult, error) {
	return call[AnswerPaylineResult](long(ctx), AnswerPaylineName, run)
}
