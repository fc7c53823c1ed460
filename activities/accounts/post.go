package accounts

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/accounts/internal/db"
	"github.com/reglo/reglo/activities/heartbeat"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/settlement"
	"github.com/reglo/reglo/domain/vacation"
)

// PostLines posts the chunks that are not posted yet, in their order, until its
// slice of time is over. The rows of the batches are the cursor.
func (a *Activities) PostLines(ctx context.Context, request activities.PostLinesRequest) (activities.PostLinesResult, error) {
	queries := db.New(a.pool)
	settled, err := queries.Settlement(ctx, request.Run.ID.String())
	if err != nil {
		return activities.PostLinesResult{}, fmt.Errorf("read settlement: %w", err)
	}
	plan, err := part.Saved(ctx, a.pool, settled.Number)
	if err != nil {
		return activities.PostLinesResult{}, err
	}
	done, err := queries.ChunksPosted(ctx, request.Run.ID.String())
	if err != nil {
		return activities.PostLinesResult{}, fmt.Errorf("read cursor: %w", err)
	}
	chunks := plan.Chunks()
	value, err := calendar.ParseDate(settled.ValueDate)
	if err != nil {
		return activities.PostLinesResult{}, fmt.Errorf("value date of settlement %s: %w", settled.Reference, err)
	}
	posting := posting{
		activities: a, run: request.Run, folder: part.NewFolder(a.work, request.SHA256), sha256: request.SHA256,
		settlement: settled.Number, reference: settled.Reference, kind: settlement.FileKind(settled.Kind), valueDate: value,
		cut: plan.Cut, verified: map[int]bool{},
	}
	var posted atomic.Int64
	posted.Store(int64(settled.PostedLines))
	stop := heartbeat.Start(ctx, func() any {
		return vacation.Progress{
			Stage: vacation.StagePosting, Read: int(settled.LineCount), Posted: int(posted.Load()), Total: int(settled.LineCount),
		}
	})
	defer stop()

	until := a.clock().Add(a.lasts)
	for _, chunk := range chunks[done:] {
		err := posting.post(ctx, chunk)
		if errors.Is(err, part.ErrDamaged) {
			return activities.PostLinesResult{Posted: int(posted.Load()), PartsLost: true}, nil
		}
		if err != nil {
			return activities.PostLinesResult{}, activities.Failed(fmt.Sprintf("post %s, chunk %d", settled.Reference, chunk.Number), err)
		}
		posted.Add(int64(chunk.Lines()))
		done++
		if a.clock().After(until) {
			break
		}
	}
	return activities.PostLinesResult{Posted: int(posted.Load()), Done: int(done) == len(chunks)}, nil
}

// posting is the posting of one file by one activity.
type posting struct {
	activities *Activities
	run        activities.Run
	folder     part.Folder
	sha256     string
	settlement int32
	reference  string
	kind       settlement.FileKind
	valueDate  calendar.Date
	cut        part.Cut
	verified   map[int]bool // parts that this activity has compared with their hashes
}

// post commits one chunk: its batch, its entries, the balances, debts and
// events, and how far the settlement is. Done before, it changes nothing.
func (p *posting) post(ctx context.Context, chunk part.Chunk) error {
	if !p.verified[chunk.Part.Number] {
		if err := p.folder.Verify(chunk.Part); err != nil {
			return err
		}
		p.verified[chunk.Part.Number] = true
	}
	err := pgx.BeginFunc(ctx, p.activities.pool, func(tx pgx.Tx) error {
		work := chunkWork{posting: p, chunk: chunk, tx: tx, now: p.activities.now(), cps: map[int32]*cp{}, toDebt: map[string]money.Cents{}}
		fresh, err := work.begin(ctx)
		if err != nil || !fresh {
			return err
		}
		return work.settle(ctx)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", chunk, err)
	}
	return nil
}

// begin claims the chunk's batches: one, or several for a last chunk with more
// lines than one batch holds.
func (w *chunkWork) begin(ctx context.Context) (fresh bool, err error) {
	p := w.posting
	hash := sha256.Sum256([]byte(p.sha256 + "\n" + w.chunk.String()))
	batches := max(1, (w.chunk.Lines()+p.cut.BatchLines-1)/p.cut.BatchLines)
	for i := range batches {
		step := stepPost
		if i > 0 {
			step = fmt.Sprintf("%s.%d", stepPost, i+1)
		}
		key := postgres.Key{Scope: p.run.ID.String(), Step: step, Item: w.chunk.Number, Input: hash}
		id, fresh, err := postgres.BeginBatch(ctx, w.tx, p.run.Number, key, w.now)
		if err != nil || !fresh {
			return false, err
		}
		w.batches = append(w.batches, batch{id: id})
	}
	return true, nil
}
