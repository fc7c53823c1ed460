package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities/postgres/internal/db"
	"github.com/reglo/reglo/domain/ogep"
)

// Outbox writes events in the transaction of the effect that they report. It
// holds the parts of their uids that are this worker's: the environment's
// letter (I, R, P) and a node number, 0 to 99.
type Outbox struct {
	Environment byte
	Node        int
}

// Emission is what one transaction tells: first the create-account-transaction
// events of the first Rendered entries of Batch, which are written from those
// entries when they are delivered, then Bodies.
type Emission struct {
	Vacation int32
	At       time.Time
	Batch    int64
	Rendered int
	Bodies   []ogep.Body
}

// EmissionMax is how many events one emission may hold: the sequence in an
// event's uid has six digits.
const EmissionMax = 1_000_000

// uidTries bounds the search for a millisecond of the node's own. Emissions
// take about that long at best, so that the next one is free nearly always.
const uidTries = 1_000

// ErrEnded is an emission for a run that is over: a worker that was taken for
// dead and lives must not add to it. Its transaction is to be rolled back.
var ErrEnded = errors.New("the run is over: nothing can be added to it")

// Emit numbers the events without a gap after the correlation's last one. It
// locks the vacation's row until the transaction ends: call it last.
func (o Outbox) Emit(ctx context.Context, tx pgx.Tx, emission Emission) error {
	count := emission.Rendered + len(emission.Bodies)
	if count == 0 {
		return nil
	}
	if count > EmissionMax {
		return fmt.Errorf("emit %d events at once: the limit is %d", count, EmissionMax)
	}
	queries := db.New(tx)
	last, err := queries.AllocateSequence(ctx, int64(count), emission.Vacation)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("vacation %d: %w", emission.Vacation, ErrEnded)
	}
	if err != nil {
		return fmt.Errorf("number events of vacation %d: %w", emission.Vacation, err)
	}
	first := last - int64(count) + 1
	if err := o.block(ctx, queries, emission, first, last); err != nil {
		return err
	}

	return write(ctx, tx, emission, first+int64(emission.Rendered))
}

// fewBodies are written by one statement, which is prepared; more are copied.
const fewBodies = 8

// write keeps the events that are not rendered from entries.
func write(ctx context.Context, tx pgx.Tx, emission Emission, seq int64) error {
	if len(emission.Bodies) <= fewBodies {
		return insertBodies(ctx, tx, emission, seq)
	}
	var params []byte
	_, err := Copy(ctx, tx, "event", []string{"vacation", "seq", "type", "params"}, func(rows *Rows) error {
		for _, body := range emission.Bodies {
			if err := body.Validate(); err != nil {
				return fmt.Errorf("event %s: %w", body.Type(), err)
			}
			if err := rows.Start(); err != nil {
				return err
			}
			params = body.AppendParams(params[:0])
			rows.Int32(emission.Vacation)
			rows.Int64(seq)
			rows.String(string(body.Type()))
			rows.Text(params)
			seq++
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write events of vacation %d: %w", emission.Vacation, err)
	}
	return nil
}

func insertBodies(ctx context.Context, tx pgx.Tx, emission Emission, seq int64) error {
	if len(emission.Bodies) == 0 {
		return nil
	}
	params := db.InsertEventsParams{Vacation: emission.Vacation}
	for _, body := range emission.Bodies {
		if err := body.Validate(); err != nil {
			return fmt.Errorf("event %s: %w", body.Type(), err)
		}
		params.Seqs = append(params.Seqs, seq)
		params.Types = append(params.Types, string(body.Type()))
		params.Params = append(params.Params, string(body.AppendParams(nil)))
		seq++
	}
	if err := db.New(tx).InsertEvents(ctx, params); err != nil {
		return fmt.Errorf("write events of vacation %d: %w", emission.Vacation, err)
	}
	return nil
}

func (o Outbox) block(ctx context.Context, queries *db.Queries, emission Emission, first, last int64) error {
	instant := emission.At.Truncate(time.Millisecond)
	for range uidTries {
		inserted, err := queries.InsertEventBlock(ctx, db.InsertEventBlockParams{
			Vacation:    emission.Vacation,
			FirstSeq:    first,
			LastSeq:     last,
			Rendered:    int32(emission.Rendered), //nolint:gosec // at most EmissionMax
			Batch:       emission.Batch,
			Environment: string(o.Environment),
			Node:        int16(o.Node), //nolint:gosec // 0 to 99, which the table checks
			Instant:     instant,
		})
		if err != nil {
			return fmt.Errorf("event block %d to %d of vacation %d: %w", first, last, emission.Vacation, err)
		}
		if inserted == 1 {
			return nil
		}
		instant = instant.Add(time.Millisecond)
	}
	return fmt.Errorf("no free millisecond for events of node %d within %d ms of %s: give each worker a node of its own",
		o.Node, uidTries, emission.At.Format(time.RFC3339Nano))
}
