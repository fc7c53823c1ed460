package activities

import (
	"go.temporal.io/sdk/workflow"

	"github.com/reglo/reglo/domain/calendar"
)

// The names under which the activities for operators are registered.
const (
	RecordAnswerName = "record-answer"
	DecideName       = "decide"
)

// Answer is who answered, and why. ID makes it one answer however often it is
// given: the Temporal run and the id of the update.
type Answer struct {
	ID     string `json:"id"`
	Actor  string `json:"actor"`
	Reason string `json:"reason,omitempty"`
}

// RecordAnswerRequest writes an answer into the operators' journal.
type RecordAnswerRequest struct {
	Run    Run    `json:"run"` // zero for an answer outside a vacation
	Act    string `json:"act"` // retry, skip, abort, …
	Answer Answer `json:"answer"`
	// Subject is the workflow that was answered; Before what it waited for;
	// After what the answer makes of it.
	Subject string `json:"subject"`
	Before  string `json:"before"`
	After   string `json:"after"`
}

// RecordAnswer writes the answer down, once.
//
// Failures: Refused when the actor is not among the known ones.
func RecordAnswer(ctx workflow.Context, request RecordAnswerRequest) error {
	return workflow.ExecuteActivity(short(ctx), RecordAnswerName, request).Get(ctx, nil)
}

// The acts of an operator that change the books.
const (
	ActAssign   = "assign"    // a parked line to a CP
	ActClassify = "classify"  // a bank line that no grammar explains
	ActWriteOff = "write-off" // a créance
	ActRelease  = "release"   // a CP's payouts from hold
)

// Decision is an operator's act that the books, or the lists, take in. Which
// fields it has depends on Act.
type Decision struct {
	Act    string `json:"act"`
	Answer Answer `json:"answer"`
	// Reference and Line name the parked line: the settlement's reference and
	// the line of its file.
	Reference string `json:"reference,omitempty"`
	Line      int    `json:"line,omitempty"`
	// Account is the number of the CP's account in the ledger, so that no
	// merchant stands in a history.
	Account int32 `json:"account,omitempty"`
	// BankLine is the bank's id of the line; As is what it is: transaction,
	// impaye, remittance, rejects, own or own-funds; what it settles, or the name
	// of the own transfer, is Reference.
	BankLine      string `json:"bankLine,omitempty"`
	As            string `json:"as,omitempty"`
	OperationType string `json:"operationType,omitempty"`
	// Debt is the créance's number in the register.
	Debt int32 `json:"debt,omitempty"`
}

// DecideRequest has a decision taken within a run.
type DecideRequest struct {
	Run      Run           `json:"run"`
	Date     calendar.Date `json:"date"`
	Decision Decision      `json:"decision"`
}

// DecideResult says in one sentence what the decision changed.
type DecideResult struct {
	After string `json:"after"`
}

// Decide posts what the decision means, emits its events, and writes the
// operators' journal, in one transaction.
//
// Failures: Refused when the decision does not fit.
func Decide(ctx workflow.Context, request DecideRequest) (DecideResult, error) {
	return call[DecideResult](short(ctx), DecideName, request)
}
