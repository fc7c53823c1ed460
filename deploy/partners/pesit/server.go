// Package pesit is a STAND-IN for a bank that takes and gives files by PeSIT E, outside SIT, over TCP or TLS. It shares the
// messages' bytes with the engine, and nothing of its sessions, so that each judges the other. What goes wrong at a bank
// goes wrong on demand. It never touches real money.
package pesit

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/reglo/reglo/domain/pesit"
)

// Settings are those of the stand-in.
type Settings struct {
	// Name is what it is called by; who calls another is refused.
	Name string
	// Partners are who may call, and their passwords.
	Partners map[string]string
	// Kept is the folder to which files go that were sent whole. Offered is the one from which files are given.
	Kept, Offered string
	// RefuseRepeats refuses a file of a name that was kept before, which a careful bank does. The others keep each copy.
	RefuseRepeats bool
	// EntitySize is the longest entity that it agrees to, Sync the widest points of synchronisation; the zero values are
	// defaultEntitySize and no points.
	EntitySize uint16
	Sync       pesit.SyncOption
	// Fixed is the length of the articles of the files that are given, 0 for variable articles.
	Fixed uint16
	// TLS is how it proves itself, nil for plain TCP.
	TLS *tls.Config
	Log *slog.Logger
}

const (
	defaultEntitySize = 4096
	folderMode        = 0o700
	// readBuffer is small, in bytes: who sends is soon to find out that nobody reads.
	readBuffer = 64 << 10
)

// Kept is a file that the stand-in holds.
type Kept struct {
	Name   string `json:"name"` // that it was sent by
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Server is a stand-in that listens.
type Server struct {
	settings Settings
	listener net.Listener
	closing  chan struct{}
	shut     sync.Once
	calls    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
	faults Faults
	kept   []Kept
	given  []string
}

// Listen begins to listen at an address of TCP.
func Listen(ctx context.Context, address string, settings Settings) (*Server, error) {
	if settings.EntitySize == 0 {
		settings.EntitySize = defaultEntitySize
	}

	if settings.Log == nil {
		settings.Log = slog.New(slog.DiscardHandler)
	}

	if err := os.MkdirAll(settings.Kept, folderMode); err != nil {
		return nil, fmt.Errorf("make the folder of the files that are kept: %w", err)
	}

	var config net.ListenConfig

	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}

	server := &Server{settings: settings, listener: listener, closing: make(chan struct{}), open: make(map[net.Conn]struct{})}
	server.calls.Go(server.accept)

	return server, nil
}

// Address is where it listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// SetFaults says what goes wrong from the next call on.
func (s *Server) SetFaults(faults Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()

	s.faults = faults
}

// Kept are the files that it holds, each copy of each, in the order in which they came.
func (s *Server) Kept() []Kept {
	s.mu.Lock()
	defer s.mu.Unlock()

	return append([]Kept(nil), s.kept...)
}

// Given are the names of the files of which a partner said that it has them.
func (s *Server) Given() []string {
	s.mu.Lock()
	defer s.mu.Unlock()

	return append([]string(nil), s.given...)
}

// Close stops listening, ends the calls, and waits until they have ended. It may be called again, and after Drain.
func (s *Server) Close() error {
	s.shut.Do(func() { close(s.closing) })

	err := s.listener.Close()

	s.mu.Lock()
	s.closed = true

	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.calls.Wait()

	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("stop listening: %w", err)
	}

	return nil
}

// Drain stops listening, and waits until the calls have ended by themselves.
func (s *Server) Drain() error {
	if err := s.listener.Close(); err != nil {
		return fmt.Errorf("stop listening: %w", err)
	}

	s.calls.Wait()

	return nil
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}

		if line, ok := conn.(*net.TCPConn); ok {
			_ = line.SetReadBuffer(readBuffer) // a larger one is no harm
		}

		s.mu.Lock()
		s.open[conn] = struct{}{}
		faults, closed := s.faults, s.closed
		s.mu.Unlock()

		if closed {
			_ = conn.Close() // it came as the door was shut
		}

		s.calls.Go(func() {
			s.serve(conn, faults)

			s.mu.Lock()
			delete(s.open, conn)
			s.mu.Unlock()
		})
	}
}

// serve is one call.
func (s *Server) serve(conn net.Conn, faults Faults) {
	line := &wire{Conn: conn, receive: limit(faults.CutReceived), send: limit(faults.CutSent)}
	defer line.cut()

	var speaking net.Conn = line
	if s.settings.TLS != nil {
		speaking = tls.Server(line, s.settings.TLS)
	}

	answering := &call{server: s, faults: faults, line: line, conn: speaking}
	err := answering.serve()

	switch {
	case errors.Is(err, errSilent):
		_, _ = io.Copy(io.Discard, speaking) // until the partner goes
	case errors.Is(err, errDeaf):
		<-s.closing // nothing tells that the partner goes
	}

	if err != nil {
		s.settings.Log.Info("call ended early", slog.String("why", err.Error()))
	}
}

// wellNamed tells a name that cannot leave its folder or be hidden in it.
func wellNamed(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, "/\\") && filepath.IsLocal(name)
}

// holds tells whether a file of that name was kept before.
func (s *Server) holds(name string) bool {
	_, err := os.Stat(filepath.Join(s.settings.Kept, name))

	return err == nil
}

// keep gives a file that has come whole its name; a further copy has a number behind it.
func (s *Server) keep(written *os.File, name string, bytes int64, digest [sha256.Size]byte) error {
	if err := written.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}

	for copies := 1; ; copies++ {
		place := filepath.Join(s.settings.Kept, name)
		if copies > 1 {
			place = fmt.Sprintf("%s.%d", place, copies)
		}

		err := os.Link(written.Name(), place)
		if errors.Is(err, os.ErrExist) {
			continue
		}

		if err != nil {
			return fmt.Errorf("keep %s: %w", name, err)
		}

		s.mu.Lock()
		s.kept = append(s.kept, Kept{Name: name, Bytes: bytes, SHA256: hex.EncodeToString(digest[:])})
		s.mu.Unlock()
		s.settings.Log.Info("file kept", slog.String("name", name), slog.Int64("bytes", bytes))

		return nil
	}
}

// gave keeps that a partner has a file.
func (s *Server) gave(name string) {
	s.mu.Lock()
	s.given = append(s.given, name)
	s.mu.Unlock()
	s.settings.Log.Info("file given", slog.String("name", name))
}
