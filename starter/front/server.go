package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a connection: partners send some kilobytes from machine to machine,
// and nobody keeps a place by being slow.
const (
	// readHeaderLimit is for a request's first lines, on a bad line.
	readHeaderLimit = 5 * time.Second
	// readLimit is for all of a request: 512 KiB at 400 kbit/s.
	readLimit = 10 * time.Second
	// writeLimit is for all of it and the answer: what is read, kept and told to
	// Temporal takes less when each takes as long as it may.
	writeLimit = 20 * time.Second
	// idleLimit is for a connection that waits for its next request: it outlives
	// the minute for which proxies keep theirs, so that they close first.
	idleLimit = 75 * time.Second
	// maxHeaderBytes is far above what partners and proxies write.
	maxHeaderBytes = 16 << 10
)

// Server answers at an address until it is stopped.
type Server struct {
	http    *http.Server
	address string
	ended   chan error
}

// NewServer makes a server; secured is nil for plain HTTP.
func NewServer(handler http.Handler, secured *tls.Config, log *slog.Logger) *Server {
	return &Server{
		http: &http.Server{
			Handler: handler, TLSConfig: secured,
			ReadHeaderTimeout: readHeaderLimit, ReadTimeout: readLimit, WriteTimeout: writeLimit, IdleTimeout: idleLimit,
			MaxHeaderBytes: maxHeaderBytes, DisableGeneralOptionsHandler: true,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
		ended: make(chan error, 1),
	}
}

// Start listens, and answers from then on.
func (s *Server) Start(ctx context.Context, address string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.address = listener.Addr().String()
	go func() {
		serve := s.http.Serve
		if s.http.TLSConfig != nil {
			serve = func(listener net.Listener) error { return s.http.ServeTLS(listener, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.ended <- err
		}
	}()
	return nil
}

// Address is where a server listens that was started.
func (s *Server) Address() string { return s.address }

// Ended gives why the server no longer answers, though nobody stopped it.
func (s *Server) Ended() <-chan error { return s.ended }

// Stop takes no more requests, and waits for those that are being answered until
// the context ends; then they are cut off.
func (s *Server) Stop(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("wait for requests that are being answered: %w", err), s.http.Close())
	}
	return nil
}
