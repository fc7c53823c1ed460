// Package operator keeps the operators' journal: who answered what, when, why,
// and what it changed. A row commits in the transaction of what the answer
// changes, once for each answer.
package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/operator/internal/db"
	"github.com/reglo/reglo/domain/vacation"
)

// Actors are the names of those whose answers are taken.
type Actors []string

// Check is nil for a known actor, else a [*vacation.Failure], Refused, that
// tells who is known.
func (a Actors) Check(actor string) error {
	if slices.Contains(a, actor) {
		return nil
	}
	return vacation.Fail(vacation.Refused,
		"%q is not an operator: known are %s (setting operator.actors)", actor, strings.Join(a, ", "))
}

// Act is an answer and what it changes. Its texts hold no IBAN and nobody's
// name but the actor's.
type Act struct {
	Vacation int32  // the run that was answered, 0 for an answer outside a run
	Act      string // what was asked for, such as resend
	Subject  string // what it is about, such as a bulk's name
	Before   string
	After    string
	Answer   activities.Answer
	At       time.Time
}

// Record writes the act down, and tells whether it is new: an answer that is
// given again, or by two workers at once, stands in the journal once, and what
// it changes is to be changed only when it is new. A second worker waits here
// for the first one's commit.
//
// The error is a [*vacation.Failure], Refused, when the actor is not known, or
// when the answer's id stands for another answer.
func (a Actors) Record(ctx context.Context, tx pgx.Tx, act Act) (fresh bool, err error) {
	if err := a.Check(act.Answer.Actor); err != nil {
		return false, err
	}
	queries := db.New(tx)
	written, err := queries.InsertAct(ctx, db.InsertActParams{
		Act: act.Act, Subject: act.Subject, AnswerID: act.Answer.ID, Actor: act.Answer.Actor, Reason: act.Answer.Reason,
		Before: act.Before, After: act.After, Vacation: act.Vacation, ActedAt: act.At,
	})
	if err != nil {
		return false, fmt.Errorf("write the operators' journal: %w", err)
	}
	if written == 1 {
		return true, nil
	}
	known, err := queries.Act(ctx, act.Answer.ID)
	if err != nil {
		return false, fmt.Errorf("read the operators' journal: %w", err)
	}
	if known != (db.ActRow{Act: act.Act, Subject: act.Subject, Actor: act.Answer.Actor}) {
		return false, vacation.Fail(vacation.Refused,
			"answer %s is in the journal as %s of %s by %s: give another answer an id of its own",
			act.Answer.ID, known.Act, known.Subject, known.Actor)
	}
	return false, nil
}
