package remittances

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
	"github.com/reglo/reglo/domain/transfer"
)

// channelLock is the advisory lock under which the channel is called.
const channelLock = 0x72656d6974 // "remit"

// Dispatch hands the bulks that are PREPARED over, one after the other, and
// gives back what the bank refused. Counts are of what was handed over since the
// run began.
func (a *Activities) Dispatch(ctx context.Context, run activities.Run) (activities.DispatchResult, error) {
	stop := heartbeat.Start(ctx, func() any { return nil })
	defer stop()

	result, err := a.dispatch(ctx, run)
	if err != nil {
		return activities.DispatchResult{}, activities.Failed("dispatch bulks for "+run.ID.String(), err)
	}
	return result, nil
}

func (a *Activities) dispatch(ctx context.Context, run activities.Run) (activities.DispatchResult, error) {
	// First what an earlier call left: it must not wait for a channel that fails now.
	if err := a.giveBack(ctx, run); err != nil {
		return activities.DispatchResult{}, err
	}
	for until := a.clock().Add(a.slices.Time); ; {
		more, err := a.handOver(ctx, run)
		if err != nil {
			return activities.DispatchResult{}, err
		}
		if !more || !a.clock().Before(until) {
			break
		}
	}
	if err := a.giveBack(ctx, run); err != nil {
		return activities.DispatchResult{}, err
	}
	return a.outcomes(ctx, run)
}

// outcomes says where bulks stand.
func (a *Activities) outcomes(ctx context.Context, run activities.Run) (activities.DispatchResult, error) {
	counts, err := db.New(a.pool).Outcomes(ctx, &run.StartedAt, run.Number)
	if err != nil {
		return activities.DispatchResult{}, fmt.Errorf("count bulks: %w", err)
	}
	return activities.DispatchResult{
		Sent: int(counts.Sent), Rejected: int(counts.Rejected), Unknown: int(counts.Unknown), Left: int(counts.Remaining),
	}, nil
}

// handOver hands the next bulk over, and tells whether there was one.
func (a *Activities) handOver(ctx context.Context, run activities.Run) (more bool, err error) {
	turn, err := a.takeTurn(ctx)
	if err != nil {
		return false, err
	}
	defer turn.End(ctx)

	row, err := db.New(turn.Conn).NextToHandOver(ctx, run.Number)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the next bulk: %w", err)
	}
	if err := turn.attempt(ctx, run, handedOver(row)); err != nil {
		return false, fmt.Errorf("bulk %s: %w", row.Name, err)
	}
	return true, nil
}

// turn is when this process, and no other, calls the channel.
type turn struct {
	*Activities
	*postgres.Turn
}

// handedOver is a bulk as the table has it.
type handedOver db.NextToHandOverRow

// handed is the bulk's file as the channel was given it, without its content.
func (h *handedOver) handed() channels.File {
	file := channels.File{Name: fileName(h.Name), Correlation: h.BulkID, Bytes: h.FileBytes}
	copy(file.SHA256[:], h.FileSha256)
	return file
}

// fileName is the name by which a bulk is handed over: the bank's statement repeats it without its ending.
func fileName(bulk string) string { return bulk + ".xml" }

// attempt hands a bulk over, unless an attempt that nobody knows the end of
// turns out to have reached the bank.
func (t *turn) attempt(ctx context.Context, run activities.Run, row handedOver) error {
	if row.AttemptedAt != nil {
		// A worker died, or lost the database, between the intent and the outcome.
		outcome := t.lookUp(ctx, row.handed())
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("look it up: %w", err)
		}
		if outcome.State != transfer.Prepared {
			return t.settle(ctx, row.Number, *row.AttemptedAt, outcome)
		}
	}
	file, err := t.file(ctx, row)
	if err != nil {
		return err
	}
	attempted := t.now()
	mine, err := t.intend(ctx, run, file, attempted)
	if err != nil || !mine {
		return err
	}
	outcome, err := t.send(ctx, file)
	switch {
	case ctx.Err() != nil:
		// Not an outcome: whoever is next looks it up.
		return errors.Join(ctx.Err(), err)
	case err != nil && outcome.State == transfer.Prepared:
		if withdrawing := t.withdraw(ctx, row.Number, attempted, outcome.Detail); withdrawing != nil {
			return errors.Join(err, withdrawing)
		}
		return err
	default:
		return t.settle(ctx, row.Number, attempted, outcome)
	}
}

// send calls the channel. What fails is looked up: the outcome is PREPARED, and
// the error what failed, when the bank is known to have nothing.
func (t *turn) send(ctx context.Context, file *bankFile) (channels.Outcome, error) {
	outcome, err := t.channel.Send(ctx, file.handed())
	if err == nil {
		return outcome, nil
	}
	err = fmt.Errorf("hand it over: %w", err)
	if errors.Is(err, channels.ErrNotSent) {
		return channels.Outcome{State: transfer.Prepared, Detail: err.Error()}, err
	}
	found := t.lookUp(ctx, file.handed())
	if found.State == transfer.Unknown {
		found.Detail = err.Error() + "; " + found.Detail
	}
	return found, err
}

// lookUp asks the channel. Not being told is UNKNOWN.
func (a *Activities) lookUp(ctx context.Context, file channels.File) channels.Outcome {
	outcome, err := a.channel.LookUp(ctx, file)
	if err != nil {
		return channels.Outcome{State: transfer.Unknown, Detail: "look-up failed: " + err.Error()}
	}
	return outcome
}

// intend commits that the bulk is about to be handed over, and in which file,
// and is false when another worker was faster. A run that is over hands nothing
// over.
func (t *turn) intend(ctx context.Context, run activities.Run, file *bankFile, at time.Time) (bool, error) {
	mine := false
	err := postgres.InRun(ctx, t.Conn, run.Number, func(tx pgx.Tx) error {
		changed, err := db.New(tx).Intend(ctx, db.IntendParams{
			AttemptedAt: at, Number: file.row.Number, Before: file.row.AttemptedAt,
			FileFormat: string(t.bank.Format.Version), FileSha256: file.proved.SHA256[:], FileBytes: file.proved.Bytes,
		})
		if err != nil {
			return fmt.Errorf("keep the intent: %w", err)
		}
		mine = changed == 1
		return nil
	})
	return mine, err
}

// withdraw takes the intent back: nothing has left.
func (t *turn) withdraw(ctx context.Context, number int32, attempted time.Time, detail string) error {
	if err := db.New(t.Conn).WithdrawIntent(ctx, detail, number, attempted); err != nil {
		return fmt.Errorf("withdraw the intent: %w", err)
	}
	return nil
}

// settle keeps the outcome of an attempt, and what it means for the orders. It
// needs no running vacation: what the bank has, it has.
func (t *turn) settle(ctx context.Context, number int32, attempted time.Time, outcome channels.Outcome) error {
	state := outcome.State
	var settled *time.Time
	switch state {
	case transfer.Sent:
	case transfer.Rejected:
		now := t.now()
		settled = &now
	default:
		state = transfer.Unknown
	}
	err := pgx.BeginFunc(ctx, t.Conn, func(tx pgx.Tx) error {
		queries := db.New(tx)
		changed, err := queries.SettleBulk(ctx, db.SettleBulkParams{
			State: string(state), Detail: outcome.Detail, SettledAt: settled, Number: number, AttemptedAt: attempted,
		})
		if err != nil {
			return fmt.Errorf("settle the bulk: %w", err)
		}
		if changed == 0 || state == transfer.Rejected {
			return nil // settled meanwhile; or the orders follow with the money that they give back
		}
		return settleOrders(ctx, queries, number, state)
	})
	if err != nil {
		return fmt.Errorf("keep that it is %s: %w", state, err)
	}
	return nil
}

// settleOrders brings a bulk's orders into its state.
func settleOrders(ctx context.Context, queries *db.Queries, bulk int32, state transfer.State) error {
	if err := queries.SettlePayouts(ctx, string(state), bulk); err != nil {
		return fmt.Errorf("settle payouts: %w", err)
	}
	if err := queries.SettleOwnOrder(ctx, string(state), bulk); err != nil {
		return fmt.Errorf("settle own transfers: %w", err)
	}
	return nil
}

// takeTurn waits until nobody else calls the channel.
func (a *Activities) takeTurn(ctx context.Context) (*turn, error) {
	taken, err := postgres.TakeTurn(ctx, a.pool,
		func(ctx context.Context, conn *pgxpool.Conn) error { return db.New(conn).LockChannel(ctx, channelLock) },
		func(ctx context.Context, conn *pgxpool.Conn) error {
			return db.New(conn).UnlockChannel(ctx, channelLock)
		})
	if err != nil {
		return nil, fmt.Errorf("wait for the channel: %w", err)
	}
	return &turn{Activities: a, Turn: taken}, nil
}
