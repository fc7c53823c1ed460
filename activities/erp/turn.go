package erp

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/erp/internal/db"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/divalto"
)

const (
	// keepTimeout bounds the keeping of an outcome, which goes on when the activity
	// is cancelled: what the ERP has answered is not to be forgotten.
	keepTimeout = 10 * time.Second
)

// turn is when this process, and no other, calls the ERP for a dossier.
type turn struct {
	*Activities
	*postgres.Turn
}

// takeTurn waits until nobody else calls the ERP for the dossier.
func (a *Activities) takeTurn(ctx context.Context) (*turn, error) {
	taken, err := postgres.TakeTurn(ctx, a.pool,
		func(ctx context.Context, conn *pgxpool.Conn) error {
			return db.New(conn).LockDossier(ctx, a.settings.dossier())
		},
		func(ctx context.Context, conn *pgxpool.Conn) error {
			return db.New(conn).UnlockDossier(ctx, a.settings.dossier())
		})
	if err != nil {
		return nil, fmt.Errorf("wait for the dossier: %w", err)
	}
	return &turn{Activities: a, Turn: taken}, nil
}

// What a call to the ERP was for.
const (
	callPost = "POST"
	callFind = "FIND"
)

// call is one call to the ERP about a posting.
type call struct {
	posting int64
	what    string
	at      time.Time
	outcome Outcome
}

// write writes a call down, in the transaction of what it changes.
func (c *call) write(ctx context.Context, queries *db.Queries) error {
	reply := c.outcome.Reply
	raw := c.outcome.Raw
	if raw == nil {
		raw = []byte{} // no reply is an empty one
	}
	err := queries.InsertAttempt(ctx, db.InsertAttemptParams{
		Posting: c.posting, What: c.what, CalledAt: c.at, Class: string(c.outcome.Class), Tier: int16(reply.Tier), //nolint:gosec // 0 to 3
		ErrorCode: plain(reply.Error), ResultCode: plain(reply.ResultCode), Reply: raw, Detail: plain(c.outcome.Detail),
	})
	if err != nil {
		return fmt.Errorf("write the call down: %w", err)
	}
	if err := queries.Tally(ctx, c.what, string(c.outcome.Class), int16(reply.Tier)); err != nil { //nolint:gosec // 0 to 3
		return fmt.Errorf("count the call: %w", err)
	}
	return nil
}

// verdict is what a posting comes to.
type verdict struct {
	state       State
	class       divalto.Class
	transaction string
	detail      string
	settledAt   time.Time // of a state that is settled
	lookedUp    bool      // the ERP has said what it has
}

// keep keeps a verdict on the attempt that the row is of, with the call that it
// follows from, if one was made. It is not cut off by a cancelled activity.
func (t *turn) keep(ctx context.Context, row *db.PostingRow, verdict verdict, made *call) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	verdict.settledAt = t.now()
	err := pgx.BeginFunc(ctx, t.Conn, func(tx pgx.Tx) error {
		queries := db.New(tx)
		if err := settle(ctx, queries, verdict, row.Number, State(row.State), row.Attempts); err != nil || made == nil {
			return err
		}
		return made.write(ctx, queries)
	})
	if err != nil {
		return fmt.Errorf("keep that posting %d is %s: %w", row.Number, verdict.state, err)
	}
	return nil
}

// settle keeps a verdict on an attempt, unless somebody else has.
func settle(ctx context.Context, queries *db.Queries, verdict verdict, number int64, before State, attempts int32) error {
	var settled *time.Time
	if verdict.state.settled() {
		settled = &verdict.settledAt
	}
	changed, err := queries.Settle(ctx, db.SettleParams{
		State: string(verdict.state), Class: string(verdict.class), Detail: plain(verdict.detail), SettledAt: settled,
		TransactionID: verdict.transaction, LookedUp: verdict.lookedUp, Number: number, Before: string(before), Attempts: attempts,
	})
	if err != nil {
		return fmt.Errorf("settle it: %w", err)
	}
	if changed == 0 {
		return fmt.Errorf("it is no longer %s: somebody else decided on it", before)
	}
	return nil
}

// maxText is how many characters of a text are kept; the raw reply has the whole.
const maxText = 1_000

// plain is a partner's text as the database takes it: an outcome must not be lost
// for a strange character.
func plain(text string) string {
	characters := []rune(strings.Map(func(char rune) rune {
		if !unicode.IsPrint(char) {
			return unicode.ReplacementChar
		}
		return char
	}, text))
	return string(characters[:min(len(characters), maxText)])
}
