package pesitwizard

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// The limits of the server.
const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 5 * time.Second
)

// Serve answers on a listener until the context ends.
func (p *Product) Serve(ctx context.Context, listener net.Listener) error {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{Handler: p.handler(working), ReadHeaderTimeout: headerTimeout}
	stop := context.AfterFunc(ctx, func() {
		cancel()
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer done()
		if err := server.Shutdown(closing); err != nil {
			_ = server.Close() // whoever is left is cut off
		}
	})
	defer stop()
	err := server.Serve(&breaking{listener, p})
	p.Settle()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// breaking gives connections that break.
type breaking struct {
	net.Listener

	product *Product
}

// Accept waits for a connection.
func (b *breaking) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // the server knows the listener's errors
	}
	return &connection{Conn: conn, product: b.product, reader: bufio.NewReader(conn), toRead: unlimited, toWrite: unlimited}, nil
}

const unlimited = -1

// connection breaks after so many bytes, when its first request is one of POST.
type connection struct {
	net.Conn

	product         *Product
	reader          *bufio.Reader
	sniffed         bool
	toRead, toWrite int64
}

var errCut = errors.New("cut on demand")

// Read reads as far as it is to go.
func (c *connection) Read(into []byte) (int, error) {
	if !c.sniffed {
		c.sniff()
	}
	if c.toRead == 0 {
		c.reset()
		return 0, errCut
	}
	if c.toRead > 0 && int64(len(into)) > c.toRead {
		into = into[:c.toRead]
	}
	n, err := c.reader.Read(into)
	if c.toRead > 0 {
		c.toRead -= int64(n)
	}
	return n, err //nolint:wrapcheck // the server knows the connection's errors
}

func (c *connection) sniff() {
	c.sniffed = true
	const method = "POST "
	first, err := c.reader.Peek(len(method))
	if err != nil || !bytes.Equal(first, []byte(method)) {
		return
	}
	if fault, broken := c.product.take(RequestCut); broken {
		c.toRead = fault.At
	}
	if fault, broken := c.product.take(ReplyCut); broken {
		c.toWrite = fault.At
	}
}

// reset ends the connection as a machine does that has lost it.
func (c *connection) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is closed next
	}
	_ = c.Close() // that is the point
}

// Write writes as far as it is to go.
func (c *connection) Write(from []byte) (int, error) {
	if c.toWrite == unlimited || int64(len(from)) <= c.toWrite {
		n, err := c.Conn.Write(from)
		if c.toWrite > 0 {
			c.toWrite -= int64(n)
		}
		return n, err //nolint:wrapcheck // the server knows the connection's errors
	}
	n, err := c.Conn.Write(from[:c.toWrite])
	c.toWrite = 0
	return n, errors.Join(err, c.Close(), errCut)
}
