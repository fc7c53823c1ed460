package sftp_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/reglo/reglo/activities/channels/sftp"
)

// uncut is no limit.
const uncut = -1

// fault is what happens to one connection: after so many bytes up, to the server,
// or down, from it, no more come through.
type fault struct {
	up, down int64
	stall    bool // instead of being closed, it says nothing any more
	late     bool // what stalls gets through when the line is released
	refuse   bool // it is closed before it begins
}

// passed are the bytes that came through a connection.
type passed struct{ up, down int64 }

// proxy is the line between the client and the server.
type proxy struct {
	address string
	server  *server
	// fault of the connection of that number, from 0 on. It is called before the
	// connection begins.
	fault func(number int) fault

	mu          sync.Mutex
	passed      []*passed
	connections sync.WaitGroup
	release     func() // ends what stalls
	released    chan struct{}
	stall       func() // what stalls says so, in stalled
	stalled     chan struct{}
}

func (s *server) behind(t testing.TB, faults func(number int) fault) *proxy {
	t.Helper()
	listener := listen(t)
	p := &proxy{address: listener.Addr().String(), server: s, fault: faults, released: make(chan struct{}), stalled: make(chan struct{})}
	p.release = sync.OnceFunc(func() { close(p.released) })
	p.stall = sync.OnceFunc(func() { close(p.stalled) })
	s.KnowAt(p.address, s.HostKeys...)
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for number := 0; ; number++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			through := new(passed)
			p.mu.Lock()
			p.passed = append(p.passed, through)
			p.mu.Unlock()
			p.connections.Go(func() { p.pass(conn.(*net.TCPConn), number, through) })
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-accepting
		p.release()
		p.connections.Wait()
	})
	return p
}

func (p *proxy) via(settings *sftp.Settings) { settings.Address = p.address }

// bytes came through the connection of that number.
func (p *proxy) bytes(number int) (up, down int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.passed[number].up, p.passed[number].down
}

func (p *proxy) pass(client *net.TCPConn, number int, through *passed) {
	defer func() { _ = client.Close() }()
	fault := p.fault(number)
	if fault.refuse {
		return
	}
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.server.Address)
	if err != nil {
		p.server.t.Error(err)
		return
	}
	server := conn.(*net.TCPConn)
	defer func() { _ = server.Close() }()
	var passing sync.WaitGroup
	passing.Go(func() {
		p.copy(server, client, fault.up, fault, &through.up)
		_ = server.CloseWrite() // it still does what it has got
		_ = client.CloseRead()
		if fault.up >= 0 {
			_ = client.Close()
		}
	})
	passing.Go(func() {
		p.copy(client, server, fault.down, fault, &through.down)
		_ = client.Close()
		_, _ = io.Copy(io.Discard, server) // so that it can go on
	})
	passing.Wait()
}

func (p *proxy) copy(to io.Writer, from io.Reader, limit int64, fault fault, count *int64) {
	counting := writer(func(b []byte) (int, error) {
		n, err := to.Write(b)
		p.mu.Lock()
		*count += int64(n)
		p.mu.Unlock()
		return n, err
	})
	if limit < 0 {
		_, _ = io.Copy(counting, from)
		return
	}
	n, _ := io.CopyN(counting, from, limit)
	if n != limit || !fault.stall {
		return
	}
	p.stall()
	<-p.released
	if fault.late {
		_, _ = io.Copy(counting, from)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
