package erp

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/domain/vacation"
)

// brokeOff is what is known of a posting whose attempt's outcome was not kept.
const brokeOff = "the attempt broke off before its outcome was kept"

// PostSettlement sends the next posting of the dossier that is due, in one
// attempt. One whose attempt broke off is UNKNOWN, and is not sent; neither is one
// in doubt of which the ERP could not be asked: it is to be looked up.
func (a *Activities) PostSettlement(
	ctx context.Context, request activities.PostSettlementRequest,
) (activities.PostSettlementResult, error) {
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	result, err := a.postNext(ctx, request)
	if err != nil {
		return activities.PostSettlementResult{}, activities.Failed("post a settlement to dossier "+request.Dossier, err)
	}
	return result, nil
}

func (a *Activities) postNext(ctx context.Context, request activities.PostSettlementRequest) (activities.PostSettlementResult, error) {
	var none activities.PostSettlementResult
	if err := a.serves(request.Dossier); err != nil {
		return none, err
	}
	turn, err := a.takeTurn(ctx)
	if err != nil {
		return none, err
	}
	defer turn.End(ctx)

	queries := db.New(turn.Conn)
	number, err := queries.NextDue(ctx, request.Dossier, int64(request.After), lookUpsMax)
	if errors.Is(err, pgx.ErrNoRows) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("find the next posting: %w", err)
	}
	row, err := queries.Posting(ctx, number)
	if err != nil {
		return none, fmt.Errorf("read posting %d: %w", number, err)
	}
	class, err := turn.attempt(ctx, &row)
	if err != nil {
		return none, fmt.Errorf("posting %d: %w", number, err)
	}
	return activities.PostSettlementResult{Number: int(number), Class: string(class)}, nil
}

// serves refuses a dossier that this worker's settings do not name.
func (a *Activities) serves(dossier string) error {
	if a.erp == nil || dossier != a.settings.dossier() {
		return vacation.Fail(vacation.Refused,
			"dossier %q is not the one of this worker's settings (erp.dossier): nothing is posted to it", dossier)
	}
	return nil
}

// attempt sends a posting, unless an attempt at it broke off, or it is in doubt.
func (t *turn) attempt(ctx context.Context, row *db.PostingRow) (divalto.Class, error) {
	switch State(row.State) {
	case Prepared:
	case Sent:
		return divalto.Unknown, t.keep(ctx, row, verdict{state: Unknown, class: divalto.Unknown, detail: brokeOff}, nil)
	default: // in doubt; or an operator has decided on it since it was found to be due
		return divalto.Class(row.Class), nil
	}
	parameter, err := t.compose(ctx, db.New(t.Conn), row)
	if broken, is := errors.AsType[*divalto.RuleError](err); is {
		return divalto.Invalid, t.keep(ctx, row, verdict{state: Invalid, class: divalto.Invalid, detail: broken.Error()}, nil)
	}
	if err != nil {
		return "", err
	}
	at := t.now()
	if refused := t.erp.Login(ctx); refused.Class != "" {
		return refused.Class, t.notSent(ctx, row, &call{posting: row.Number, what: callPost, at: at, outcome: refused})
	}
	sum := sha256.Sum256([]byte(parameter))
	changed, err := db.New(t.Conn).Intend(ctx, at, sum[:], row.Number)
	if err != nil {
		return "", fmt.Errorf("keep the intent: %w", err)
	}
	if changed == 0 {
		return "", fmt.Errorf("it is no longer %s: somebody else decided on it", row.State)
	}
	row.State, row.Attempts = string(Sent), row.Attempts+1

	outcome := t.erp.Post(ctx, parameter)
	judged := judge(outcome)
	return judged.class, t.keep(ctx, row, judged, &call{posting: row.Number, what: callPost, at: at, outcome: outcome})
}

// judge says what a sent posting comes to.
func judge(outcome Outcome) verdict {
	result := verdict{state: Unknown, class: outcome.Class, detail: outcome.Detail}
	switch outcome.Class {
	case divalto.Accepted:
		return accepted(outcome.Reply.Transactions[0], outcome.Detail)
	case divalto.AcceptedWithoutID:
		result.state = AcceptedWithoutID
	case divalto.Rejected:
		result.state = Rejected
	case divalto.NotSent:
		result.state = Prepared
	default: // TECHNICAL_ERROR, too: it is looked up first
	}
	return result
}

// accepted is a posting that the ERP has, under a transaction that can be asked
// for again, or under none.
func accepted(transaction, detail string) verdict {
	if !transactionPattern.MatchString(transaction) {
		return verdict{
			state: AcceptedWithoutID, class: divalto.AcceptedWithoutID,
			detail: detail + ", under no transaction that could be one: ask for it, then `starter erp resolve`",
		}
	}
	return verdict{state: Accepted, class: divalto.Accepted, transaction: transaction, detail: detail}
}

// notSent keeps that we did not come as far as sending.
func (t *turn) notSent(ctx context.Context, row *db.PostingRow, made *call) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	err := pgx.BeginFunc(ctx, t.Conn, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if _, err := queries.NoteNotSent(ctx, string(made.outcome.Class), plain(made.outcome.Detail), row.Number); err != nil {
			return fmt.Errorf("note it: %w", err)
		}
		return made.write(ctx, queries)
	})
	if err != nil {
		return fmt.Errorf("keep that it was not sent: %w", err)
	}
	return nil
}
