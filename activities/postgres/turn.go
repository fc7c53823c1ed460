package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// turnTimeout bounds the end of a turn: a connection that cannot release its lock
// in that time is closed, which does.
const turnTimeout = 5 * time.Second

// Turn is when this process, and no other, does something. All that is kept
// meanwhile goes through its connection, whose session holds the lock: who has
// lost the turn keeps nothing any more.
type Turn struct {
	Conn *pgxpool.Conn

	release func(ctx context.Context, conn *pgxpool.Conn) error
}

// TakeTurn waits for a lock of the session, by the one function, and has [Turn.End]
// release it by the other.
func TakeTurn(
	ctx context.Context, pool *pgxpool.Pool, take, release func(ctx context.Context, conn *pgxpool.Conn) error,
) (*Turn, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("get a connection: %w", err)
	}
	turn := &Turn{Conn: conn, release: release}
	if err := take(ctx, conn); err != nil {
		turn.giveUp(ctx) // whoever was granted the lock without hearing of it must not keep it
		return nil, err
	}
	return turn, nil
}

// End lets the next one go on, also when the context has ended.
func (t *Turn) End(ctx context.Context) {
	releasing, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTimeout)
	defer cancel()
	if err := t.release(releasing, t.Conn); err != nil {
		t.giveUp(ctx)
		return
	}
	t.Conn.Release()
}

// giveUp closes the connection: the lock must not go back into the pool with it.
func (t *Turn) giveUp(ctx context.Context) {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTimeout)
	defer cancel()
	_ = t.Conn.Conn().Close(closing) // it is not used again
	t.Conn.Release()
}
