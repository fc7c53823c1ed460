package pgtest

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Cut is a pool on another's database, of which the message of that number to
// PostgreSQL, from 1, arrives and its answer does not, as when the process or
// the network dies: whoever sent it cannot know whether it was committed. struck
// tells whether there were that many messages.
func Cut(t testing.TB, database *pgxpool.Pool, message int) (pool *pgxpool.Pool, struck func() bool) {
	t.Helper()
	config := database.Config().Copy()
	config.MinConns, config.MinIdleConns = 0, 0
	var sent atomic.Int64
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &cutConn{Conn: connection, at: int64(message), sent: &sent}, nil
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, func() bool { return sent.Load() >= int64(message) }
}

type cutConn struct {
	net.Conn

	at   int64
	sent *atomic.Int64
}

func (c *cutConn) Write(message []byte) (int, error) {
	written, err := c.Conn.Write(message)
	if c.sent.Add(1) == c.at {
		err = errors.Join(err, c.Close())
	}
	return written, err
}
