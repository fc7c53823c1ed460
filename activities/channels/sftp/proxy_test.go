package sftp_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels/sftp"
)

// uncut is no limit.
const uncut = -1

// fault is what happens to one connection: after so many bytes up, to the server,
// or down, from it, no more come through.
type fault struct {
	up, down int64
	stall    bool // instead of being closed, it says nothing any more
	refuse   bool // it is closed before it begins
}

// proxy is the line between the client and the server.
type proxy struct {
	address string
	server  *server
	// fault of the connection of that number, from 0 on. It is called before the
	// connection begins.
	fault func(number int) fault

	mu          sync.Mutex
	up, down    []int64 // bytes that came through, a connection each
	connections sync.WaitGroup
	release     chan struct{} // ends what stalls
}

func (s *server) behind(t testing.TB, faults func(number int) fault) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{address: listener.Addr().String(), server: s, fault: faults, release: make(chan struct{})}
	s.knowAt(p.address, s.hostKeys...)
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for number := 0; ; number++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.up, p.down = append(p.up, 0), append(p.down, 0)
			p.mu.Unlock()
			p.connections.Go(func() { p.pass(t, number, conn.(*net.TCPConn)) })
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-accepting
		close(p.release)
		p.connections.Wait()
	})
	return p
}

func (p *proxy) via(settings *sftp.Settings) { settings.Address = p.address }

// bytes came through the connection of that number.
func (p *proxy) bytes(number int) (up, down int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.up[number], p.down[number]
}

func (p *proxy) pass(t testing.TB, number int, client *net.TCPConn) {
	defer func() { _ = client.Close() }()
	fault := p.fault(number)
	if fault.refuse {
		return
	}
	conn, err := net.Dial("tcp", p.server.address)
	if err != nil {
		t.Error(err)
		return
	}
	server := conn.(*net.TCPConn)
	defer func() { _ = server.Close() }()
	var passing sync.WaitGroup
	passing.Go(func() {
		p.copy(server, client, fault.up, fault.stall, &p.up[number])
		_ = server.CloseWrite() // it still does what it has got
		_ = client.CloseRead()
		if fault.up >= 0 {
			_ = client.Close()
		}
	})
	passing.Go(func() {
		p.copy(client, server, fault.down, fault.stall, &p.down[number])
		_ = client.Close()
		_, _ = io.Copy(io.Discard, server) // so that it can go on
	})
	passing.Wait()
}

func (p *proxy) copy(to io.Writer, from io.Reader, limit int64, stall bool, count *int64) {
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
	if n == limit && stall {
		<-p.release
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
