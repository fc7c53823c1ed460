package divalto

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits of the server.
const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 5 * time.Second
	// reopening is how long to wait before the address is tried again that connections are to be taken at.
	reopening = 5 * time.Millisecond
)

// Serve answers on a listener until the context ends. It is called once.
func (e *ERP) Serve(ctx context.Context, listener net.Listener) error {
	working, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	opened := newGate(working, listener)
	server := &http.Server{Handler: e.handler(working), ReadHeaderTimeout: headerTimeout, ConnState: opened.watch}
	stop := context.AfterFunc(ctx, func() {
		cancel()
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer done()
		if err := server.Shutdown(closing); err != nil {
			_ = server.Close() // whoever is left is cut off
		}
	})
	defer stop()
	if err := e.begin(opened); err != nil {
		return errors.Join(err, listener.Close())
	}
	err := server.Serve(opened)
	e.Settle()
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// begin lets faults shut the gate, those of before too.
func (e *ERP) begin(opened *gate) error {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.gate = opened
	if e.shutFor == 0 {
		return nil
	}
	return opened.shut(e.shutFor)
}

// gate is a listener that can take no connections for a while, at an address that it keeps.
type gate struct {
	working context.Context //nolint:containedctx // what reopens it ends with the program
	address net.Addr

	lock     sync.Mutex
	listener net.Listener
	idle     map[net.Conn]struct{}
	open     chan struct{} // closed while connections are taken
	shutting bool
	closed   bool
}

func newGate(working context.Context, listener net.Listener) *gate {
	g := &gate{
		working: working, address: listener.Addr(), listener: listener, idle: map[net.Conn]struct{}{}, open: make(chan struct{}),
	}
	close(g.open)
	return g
}

// Addr is where connections are taken.
func (g *gate) Addr() net.Addr { return g.address }

// Accept waits for a connection.
func (g *gate) Accept() (net.Conn, error) {
	for {
		g.lock.Lock()
		listener, open, closed := g.listener, g.open, g.closed
		g.lock.Unlock()
		if closed {
			return nil, net.ErrClosed
		}
		<-open
		conn, err := listener.Accept()
		if err == nil {
			return conn, nil
		}
		if !g.changed(listener) {
			return nil, err //nolint:wrapcheck // the server knows the listener's errors
		}
	}
}

// changed tells whether a listener has been shut, or replaced.
func (g *gate) changed(listener net.Listener) bool {
	g.lock.Lock()
	defer g.lock.Unlock()
	return !g.closed && (g.shutting || g.listener != listener)
}

// Close ends it.
func (g *gate) Close() error {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	if g.shutting {
		close(g.open) // whoever waits finds it closed
		return nil
	}
	return g.listener.Close() //nolint:wrapcheck // the server knows the listener's errors
}

// shut takes no connections for a while, and ends those over which nothing goes.
func (g *gate) shut(during time.Duration) error {
	g.lock.Lock()
	defer g.lock.Unlock()
	if g.shutting || g.closed {
		return nil
	}
	g.shutting, g.open = true, make(chan struct{})
	for conn := range g.idle {
		_ = conn.Close() // that is the point
	}
	if err := g.listener.Close(); err != nil {
		return fmt.Errorf("close the listener: %w", err)
	}
	time.AfterFunc(during, g.reopen)
	return nil
}

// reopen takes connections again as soon as the address is free.
func (g *gate) reopen() {
	again, err := new(net.ListenConfig).Listen(g.working, g.address.Network(), g.address.String())
	g.lock.Lock()
	defer g.lock.Unlock()
	switch {
	case g.closed || g.working.Err() != nil:
		if err == nil {
			_ = again.Close() // nobody is to come any more
		}
	case err != nil:
		time.AfterFunc(reopening, g.reopen)
	default:
		g.listener, g.shutting = again, false
		close(g.open)
	}
}

// watch keeps which connections nothing goes over, and ends them while none are taken.
func (g *gate) watch(conn net.Conn, state http.ConnState) {
	g.lock.Lock()
	defer g.lock.Unlock()
	if state != http.StateIdle {
		delete(g.idle, conn)
		return
	}
	g.idle[conn] = struct{}{}
	if g.shutting {
		_ = conn.Close() // that is the point
	}
}

// reset ends the connection of a request as a machine does that has lost it.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server's way to cut a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it is closed next
	}
	_ = conn.Close() // that is the point
}

// writeUpTo writes the first bytes of an answer, and ends the connection.
func writeUpTo(w http.ResponseWriter, done reply, limit int64) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server's way to cut a connection
	}
	defer func() { _ = conn.Close() }() // that is the point
	var whole bytes.Buffer
	fmt.Fprintf(&whole, "HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
		done.status, http.StatusText(done.status), len(done.body))
	whole.Write(done.body)
	_, _ = conn.Write(whole.Next(int(min(limit, int64(whole.Len()))))) // the caller has gone, then
}
