package pesit

import (
	"context"
	"net"
)

// Tap has what the channel's connections do go through tap.
func (c *Channel) Tap(tap func(net.Conn) net.Conn) {
	dial := c.dial
	c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return tap(conn), nil
	}
}
