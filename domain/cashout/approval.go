package cashout

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxReason is the longest reason that an operator gives, in characters: an
	// event's text has 255, and the code stands before it.
	MaxReason = 200

	maxActor = 64 // characters of an operator's identifier that an error repeats
)

// Approval is a person's answer to orders that wait.
type Approval struct {
	Actor  string // identifier of the operator who answers
	Reason string // why, at most MaxReason characters on one line; required for a refusal
}

// Problem is why an answer does not count.
type Problem string

// The problems.
const (
	UnknownActor  Problem = "UNKNOWN_ACTOR"
	SamePerson    Problem = "SAME_PERSON"
	NoReason      Problem = "NO_REASON"
	InvalidReason Problem = "INVALID_REASON"
)

// ApprovalError says why an answer does not count, and what to do.
type ApprovalError struct {
	Problem Problem
	Actor   string // as given, cut to 64 characters
}

// Error says it in a sentence.
func (e *ApprovalError) Error() string {
	switch e.Problem {
	case UnknownActor:
		return fmt.Sprintf(
			"%q may not answer: give the identifier of one of the configured operators, or have it added to them (operator.actors)",
			e.Actor)
	case SamePerson:
		return fmt.Sprintf("%q asked for this money to leave: have another approver answer", e.Actor)
	case NoReason:
		return fmt.Sprintf("%q gave no reason: say in a few words why the orders are refused", e.Actor)
	case InvalidReason:
		return fmt.Sprintf("%q gave a reason that an event cannot hold: write one line of at most %d characters", e.Actor, MaxReason)
	default:
		return fmt.Sprintf("%q may not answer: %s", e.Actor, e.Problem)
	}
}

// CheckApprover checks that actor may approve what requester asked for: one of
// the known approvers, and another person. Identifiers are compared without
// regard to case and to space around them, so that nobody approves their own
// request by another spelling. An empty requester is the engine itself. The
// error is an *ApprovalError.
func CheckApprover(actor, requester string, known []string) error {
	if err := checkKnown(actor, known); err != nil {
		return err
	}
	if same(actor, requester) {
		return refuse(SamePerson, actor)
	}
	return nil
}

// CheckApprove checks that the answer may let money leave: an approver other
// than the requester, see CheckApprover. The reason may be empty. The error is
// an *ApprovalError.
func (a Approval) CheckApprove(requester string, known []string) error {
	if err := CheckApprover(a.Actor, requester, known); err != nil {
		return err
	}
	return a.checkReason()
}

// CheckRefuse checks that the answer may keep money from leaving: by an
// approver, the requester included, as it takes one person only to keep money
// safe, and with a reason. The error is an *ApprovalError.
func (a Approval) CheckRefuse(known []string) error {
	if err := checkKnown(a.Actor, known); err != nil {
		return err
	}
	if strings.TrimSpace(a.Reason) == "" {
		return refuse(NoReason, a.Actor)
	}
	return a.checkReason()
}

// RefusalText is the reason of a refusal as an OG-EP event holds it:
// `REFUSED_BY_OPERATOR: <reason>`.
func (a Approval) RefusalText() string {
	return string(RefusedByOperator) + ": " + strings.TrimSpace(a.Reason)
}

func (a Approval) checkReason() error {
	if !utf8.ValidString(a.Reason) || utf8.RuneCountInString(a.Reason) > MaxReason || strings.ContainsFunc(a.Reason, unicode.IsControl) {
		return refuse(InvalidReason, a.Actor)
	}
	return nil
}

func checkKnown(actor string, known []string) error {
	if strings.TrimSpace(actor) == "" || !slices.ContainsFunc(known, func(one string) bool { return same(actor, one) }) {
		return refuse(UnknownActor, actor)
	}
	return nil
}

func same(one, other string) bool {
	return strings.EqualFold(strings.TrimSpace(one), strings.TrimSpace(other))
}

func refuse(problem Problem, actor string) *ApprovalError {
	if runes := []rune(actor); len(runes) > maxActor {
		actor = string(runes[:maxActor])
	}
	return &ApprovalError{Problem: problem, Actor: actor}
}
