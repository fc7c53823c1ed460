package e2e_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// sabotage is what happens to an activity at one of its messages to PostgreSQL.
type sabotage string

const (
	cancelActivity sabotage = "cancelled"            // the activity's context ends as the message leaves
	cutAfter       sabotage = "cut off, no answer"   // the message arrives, its answer does not: was it committed?
	cutHalfWay     sabotage = "cut off in the midst" // half of the message arrives
)

func sabotages() []sabotage { return []sabotage{cancelActivity, cutAfter, cutHalfWay} }

var errSabotaged = errors.New("the connection was cut by the test")

// saboteur strikes at one message, counted from when it was armed.
type saboteur struct {
	kind   sabotage
	cancel context.CancelFunc

	mutex  sync.Mutex
	left   int // messages until it strikes, 0 when it does not
	struck bool
}

func (s *saboteur) arm(message int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.left = message
}

// isDue counts a message.
func (s *saboteur) isDue() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.left == 0 {
		return false
	}
	s.left--
	s.struck = s.left == 0
	return s.struck
}

func (s *saboteur) hasStruck() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.struck
}

// newPool is a pool on the stage's database whose connections the saboteur watches.
func (s *saboteur) newPool(t testing.TB, database *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	config := database.Config().Copy()
	config.MinConns, config.MinIdleConns = 0, 0
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &watchedConn{Conn: connection, saboteur: s}, nil
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(t.Context()), config)
	require.NoError(t, err)
	return pool
}

type watchedConn struct {
	net.Conn

	saboteur *saboteur
}

func (c *watchedConn) Write(message []byte) (int, error) {
	if !c.saboteur.isDue() {
		return c.Conn.Write(message)
	}
	switch c.saboteur.kind {
	case cancelActivity:
		c.saboteur.cancel()
		return c.Conn.Write(message)
	case cutAfter:
		written, err := c.Conn.Write(message)
		return written, errors.Join(err, c.Close())
	default:
		written, err := c.Conn.Write(message[:len(message)/2])
		return written, errors.Join(errSabotaged, err, c.Close())
	}
}
