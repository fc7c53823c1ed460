package remittances

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/postgres"
	"github.com/reglo/reglo/activities/remittances/internal/db"
)

// ahead proves the file of the bulk that comes next while another one is handed
// over: proving takes a processor, and handing over waits for PostgreSQL and the
// bank. What fails here is done again when its turn comes, and fails there.
type ahead struct {
	*Activities

	run     activities.Run
	proving sync.WaitGroup
	file    *bankFile // of the bulk that was next, nil when there is none
}

// begin begins to prove the file of the bulk after that one. It has read the
// bulk when it returns, so that nobody waits for a second connection.
func (a *ahead) begin(ctx context.Context, on postgres.Querier, after int32) {
	a.file = nil
	row, err := db.New(on).NextToHandOver(ctx, after, a.run.Number)
	if err != nil {
		return
	}
	file, err := a.read(ctx, on, handedOver(row))
	if err != nil {
		return
	}
	a.proving.Go(func() {
		if file.prove(ctx) == nil {
			a.file = file
		}
	})
}

// take is the file of the bulk, proved before or now.
func (a *ahead) take(ctx context.Context, on postgres.Querier, row handedOver) (*bankFile, error) {
	a.wait()
	if a.file != nil && a.file.row.same(row) {
		return a.file, nil
	}
	file, err := a.read(ctx, on, row)
	if err != nil {
		return nil, err
	}
	if err := file.prove(ctx); err != nil {
		return nil, err
	}
	return file, nil
}

// wait waits until nothing is being proved.
func (a *ahead) wait() { a.proving.Wait() }

// same tells that nothing was learned of the bulk meanwhile.
func (h handedOver) same(other handedOver) bool {
	attempts := func(at *time.Time) time.Time {
		if at == nil {
			return time.Time{}
		}
		return *at
	}
	return h.Number == other.Number && attempts(h.AttemptedAt).Equal(attempts(other.AttemptedAt)) &&
		bytes.Equal(h.FileSha256, other.FileSha256)
}
