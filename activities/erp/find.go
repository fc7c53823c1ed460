package erp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// lookUpsMax is how often a posting is looked up of which the ERP does not say what
// it has: those of three runs. Then an operator is left with it, so that a site
// whose ERP serves no look-up does not wait for one for ever.
const lookUpsMax = 9

// FindPosting looks a posting up in the ERP by its label, and never posts. One of
// which the ERP cannot be asked stays as it is.
func (a *Activities) FindPosting(ctx context.Context, request activities.FindPostingRequest) (activities.FindPostingResult, error) {
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	result, err := a.find(ctx, int64(request.Number))
	if err != nil {
		return activities.FindPostingResult{}, activities.Failed(fmt.Sprintf("look posting %d up", request.Number), err)
	}
	return result, nil
}

func (a *Activities) find(ctx context.Context, number int64) (activities.FindPostingResult, error) {
	var none activities.FindPostingResult
	row, err := db.New(a.pool).Posting(ctx, number)
	if errors.Is(err, pgx.ErrNoRows) {
		return none, vacation.Fail(vacation.Refused, "there is no posting %d", number)
	}
	if err != nil {
		return none, fmt.Errorf("read it: %w", err)
	}
	if err := a.serves(row.Dossier); err != nil {
		return none, err
	}
	turn, err := a.takeTurn(ctx)
	if err != nil {
		return none, err
	}
	defer turn.End(ctx)

	// As it is now that nobody else is at it.
	if row, err = db.New(turn.Conn).Posting(ctx, number); err != nil {
		return none, fmt.Errorf("read it: %w", err)
	}
	switch State(row.State) {
	case Sent:
		if _, err := turn.attempt(ctx, &row); err != nil {
			return none, err
		}
		row.State, row.Class = string(Unknown), string(divalto.Unknown)
	case Unknown, AcceptedWithoutID:
	case Accepted: // an operator may have said so, whatever the last call came to
		return activities.FindPostingResult{Class: string(divalto.Accepted)}, nil
	default:
		return activities.FindPostingResult{Class: row.Class, Due: State(row.State) == Prepared}, nil
	}
	return turn.find(ctx, &row)
}

// find asks the ERP, and keeps what it says.
func (t *turn) find(ctx context.Context, row *db.PostingRow) (activities.FindPostingResult, error) {
	at := t.now()
	found := t.ask(ctx, row.Label)
	if err := ctx.Err(); err != nil {
		return activities.FindPostingResult{}, fmt.Errorf("ask the ERP: %w", err)
	}
	verdict := weigh(row, found, at)
	verdict.lookedUp = found.Answered
	made := &call{posting: row.Number, what: callFind, at: at, outcome: found.Outcome}
	if found.Answered {
		made.outcome.Class = verdict.class
	}
	if err := t.keep(ctx, row, verdict, made); err != nil {
		return activities.FindPostingResult{}, err
	}
	return activities.FindPostingResult{Class: string(verdict.class), Due: verdict.state == Prepared}, nil
}

// ask asks the ERP what it has under a label.
func (t *turn) ask(ctx context.Context, label string) Found {
	if refused := t.erp.Login(ctx); refused.Class != "" {
		return Found{Outcome: refused}
	}
	found, err := t.erp.Find(ctx, label)
	if err != nil {
		return Found{Outcome: Outcome{Class: divalto.Unknown, Detail: err.Error()}}
	}
	return found
}

// weigh says what a posting comes to by what the ERP has of it.
func weigh(row *db.PostingRow, found Found, at time.Time) verdict {
	doubt := verdict{state: State(row.State), class: divalto.Class(row.Class)}
	asked := at.UTC().Format(time.DateTime) + " UTC"
	switch {
	case !found.Answered:
		doubt.detail = "the ERP did not say at " + asked + " what it has of this label: " + found.Detail
	case len(found.Entries) > 1:
		doubt.state, doubt.class = Unknown, divalto.Unknown
		doubt.detail = fmt.Sprintf("ALARM: the ERP had %d entries of this label at %s: it may have been booked more than once; "+
			"correct it there, then `starter erp resolve`", len(found.Entries), asked)
	case len(found.Entries) == 1:
		return match(row, found.Entries[0], asked)
	case State(row.State) == AcceptedWithoutID:
		doubt.detail = "the ERP took it, gave no transaction, and had no entry of this label at " + asked +
			": ask for its transaction, then `starter erp resolve`"
	case doubt.class == divalto.TechnicalError:
		// It answered that it failed: nothing of that attempt is at work any more.
		doubt.state, doubt.detail = Prepared, "the ERP had no entry of this label at "+asked+", after a technical error"
	default:
		// A request that nobody waited for may still be at work there.
		doubt.detail = "the ERP had no entry of this label at " + asked + ": ask, then `starter erp retry` or `resolve`"
	}
	return doubt
}

// match holds the one entry that the ERP has against the posting.
func match(row *db.PostingRow, entry Entry, asked string) verdict {
	alarm := func(what string) verdict {
		return verdict{
			state: Unknown, class: divalto.Unknown,
			detail: "ALARM: the ERP's entry of this label has " + what + " at " + asked + ": correct it there, then `starter erp resolve`",
		}
	}
	switch {
	case entry.Amount != money.Cents(row.AmountCents):
		return alarm("another amount, " + entry.Amount.String() + ",")
	case row.ThirdParty != "" && entry.ThirdParty != row.ThirdParty:
		return alarm("another third party")
	default:
		return accepted(entry.Transaction, "found by its label at "+asked)
	}
}
