package reception

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/activities/reception/internal/db"
	"github.com/reglo/reglo/domain/webhook"
)

// Notices keeps what partners' transfer products announce, until a reception has
// dealt with it.
type Notices struct {
	pool  *pgxpool.Pool
	clock func() time.Time
}

// NewNotices makes the keeper of notices; clock gives the hour at which one came.
func NewNotices(pool *pgxpool.Pool, clock func() time.Time) *Notices {
	return &Notices{pool: pool, clock: clock}
}

// Keep keeps a notice of a server whose signature was found right, and tells
// whether it is new: one that is played again changes nothing. It is safe in the
// database when Keep returns.
func (n *Notices) Keep(ctx context.Context, server string, notice webhook.Notice) (fresh bool, err error) {
	kept, err := db.New(n.pool).InsertNotice(ctx, db.InsertNoticeParams{
		Key: notice.Key, Server: server, Event: string(notice.Event), Transfer: notice.Transfer.ID,
		Direction: string(notice.Transfer.Direction), Filename: notice.Transfer.Filename, Bytes: notice.Transfer.Bytes,
		At: notice.At, ReceivedAt: n.clock(),
	})
	if err != nil {
		return false, fmt.Errorf("keep a notice of %s: %w", server, err)
	}
	return kept == 1, nil
}
