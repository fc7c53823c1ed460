package sftp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/reglo/reglo/activities/channels"
)

const (
	// requestsAtOnce is how many blocks of 32 KiB are under way: 2 MiB fill a line
	// of 300 Mbit/s whose replies take 50 ms.
	requestsAtOnce = 64
	// readBytes is how much of a file is asked for at once; it is kept in memory.
	readBytes = 1 << 20
)

var (
	errSlow   = errors.New("the server took too long to let us in: the connection was given up")
	errSilent = errors.New("nothing came through the connection for too long: it was given up")
	errEnded  = errors.New("the connection is not needed any more")
)

// HostKeyError is a server that is not the one that we know, or that we do not
// know. Nothing was sent to it, no password either.
type HostKeyError struct {
	Address string
	// File is that of the host keys.
	File string
	// Fingerprint is of the key that the server showed, as SHA256:….
	Fingerprint string
	// Known tells that the file has other keys of this server.
	Known bool
}

// Error says what to compare.
func (e *HostKeyError) Error() string {
	if e.Known {
		return fmt.Sprintf("%s shows another host key, %s, than %s has: it may be no server of theirs; ask the partner first",
			e.Address, e.Fingerprint, e.File)
	}
	return fmt.Sprintf("%s is not in %s: compare its host key, %s, with what the partner tells, and add it",
		e.Address, e.File, e.Fingerprint)
}

// authentication is how we log in.
func authentication(settings Settings) ([]ssh.AuthMethod, error) {
	if settings.KeyFile == "" {
		return []ssh.AuthMethod{ssh.Password(settings.Password)}, nil
	}
	text, err := os.ReadFile(settings.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("%w: read the key file: %w", ErrSettings, err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%w: read the key file %s: %w", ErrSettings, settings.KeyFile, err)
	}
	return []ssh.AuthMethod{ssh.PublicKeys(key)}, nil
}

// hostKeys are the servers that we know.
type hostKeys struct {
	file  string
	known ssh.HostKeyCallback
}

func readHostKeys(file string) (*hostKeys, error) {
	known, err := knownhosts.New(file)
	if err != nil {
		return nil, fmt.Errorf("%w: read the file of host keys: %w", ErrSettings, err)
	}
	return &hostKeys{file: file, known: known}, nil
}

// check is nil for a key that the file has of this server, otherwise it is a [HostKeyError].
func (h *hostKeys) check(address string, remote net.Addr, key ssh.PublicKey) error {
	err := h.known(address, remote, key)
	if err == nil {
		return nil
	}
	wrong := &HostKeyError{Address: address, File: h.file, Fingerprint: ssh.FingerprintSHA256(key), Known: true}
	if unknown, ok := errors.AsType[*knownhosts.KeyError](err); ok {
		wrong.Known = len(unknown.Want) > 0
	}
	return wrong
}

// algorithms are those of the keys that we have of a server, none for a server
// that we do not know: one with several keys would show another one of them.
func (h *hostKeys) algorithms(address string, remote net.Addr) []string {
	nobodys, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	known, ok := errors.AsType[*knownhosts.KeyError](h.known(address, remote, nobodys))
	if !ok {
		return nil
	}
	var algorithms []string
	for _, want := range known.Want {
		if kind := want.Key.Type(); kind != ssh.KeyAlgoRSA {
			algorithms = append(algorithms, kind)
			continue
		}
		// Never with SHA-1, which is what the key's own name stands for.
		algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
	}
	return algorithms
}

// connection is one login at the server. It ends with its context, and when
// nothing goes through it for too long.
type connection struct {
	*sftp.Client

	end func()
	// cause is why the connection was given up, nil if it was not.
	cause func() error
}

func (c *Channel) connect(ctx context.Context) (*connection, error) {
	conn, err := c.logIn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to %s as %s: %w", c.settings.Address, c.settings.User, err)
	}
	return conn, nil
}

func (c *Channel) logIn(ctx context.Context) (*connection, error) {
	keys, err := readHostKeys(c.settings.HostKeys)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: c.settings.ConnectTimeout}
	socket, err := dialer.DialContext(ctx, "tcp", c.settings.Address)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	slow := time.AfterFunc(c.settings.ConnectTimeout, func() { cancel(errSlow) })
	defer slow.Stop()
	watched := &watched{Conn: socket, timeout: c.settings.SilenceTimeout}
	watched.timer = time.AfterFunc(watched.timeout, func() { cancel(errSilent) })
	closing := context.AfterFunc(ctx, func() { _ = socket.Close() })

	conn := &connection{
		end: sync.OnceFunc(func() {
			watched.timer.Stop()
			closing()
			_ = socket.Close()
			cancel(errEnded)
		}),
		cause: func() error { return context.Cause(ctx) },
	}
	conn.Client, err = open(watched, c.settings.Address, &ssh.ClientConfig{
		User: c.settings.User, Auth: c.auth,
		HostKeyCallback: keys.check, HostKeyAlgorithms: keys.algorithms(c.settings.Address, socket.RemoteAddr()),
	})
	if err != nil {
		err = conn.explain(err)
		conn.end()
		return nil, err
	}
	return conn, nil
}

func open(socket net.Conn, address string, config *ssh.ClientConfig) (*sftp.Client, error) {
	shell, incoming, requests, err := ssh.NewClientConn(socket, address, config)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	client, err := sftp.NewClient(ssh.NewClient(shell, incoming, requests), sftp.MaxConcurrentRequestsPerFile(requestsAtOnce))
	if err != nil {
		return nil, fmt.Errorf("begin SFTP: %w", err)
	}
	return client, nil
}

// Close ends the connection, at once: all that was asked for was answered, or is
// given up.
func (c *connection) Close() {
	c.end()
	_ = c.Client.Close() // what still waits for it has ended when this returns
}

// explain adds why the connection was given up, when it was.
func (c *connection) explain(err error) error {
	if err == nil {
		return nil
	}
	if cause := c.cause(); cause != nil && !errors.Is(cause, errEnded) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// size of the file at that place, -1 for none. What is no file is an error.
func (c *connection) size(place string) (int64, error) {
	info, err := c.Lstat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, nil
	case err != nil:
		return 0, fmt.Errorf("look at %s: %w", place, err)
	case !info.Mode().IsRegular():
		return 0, fmt.Errorf("%s is no file but %s: have the partner remove it", place, info.Mode().Type())
	default:
		return info.Size(), nil
	}
}

// read copies the file at that place, but no more than limit bytes of it.
func (c *connection) read(place string, limit int64, to io.Writer) (int64, error) {
	file, err := c.Open(place)
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", place, err)
	}
	defer func() { _ = file.Close() }() // only read
	read, err := io.Copy(to, bufio.NewReaderSize(io.LimitReader(file, limit), readBytes))
	if err != nil {
		return read, fmt.Errorf("read %s: %w", place, err)
	}
	return read, nil
}

// holds tells whether the file at that place has our size and hash.
func (c *connection) holds(place string, file *channels.File) (bool, error) {
	size, err := c.size(place)
	if err == nil && size < 0 {
		err = fmt.Errorf("look at %s: %w", place, fs.ErrNotExist)
	}
	if err != nil || size != file.Bytes {
		return false, err
	}
	digest := sha256.New()
	if _, err := c.read(place, file.Bytes, digest); err != nil {
		return false, err
	}
	return bytes.Equal(digest.Sum(nil), file.SHA256[:]), nil
}

// refused tells an answer of the server that says no from an answer that never
// came.
func refused(err error) bool {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return true
	}
	status, ok := errors.AsType[*sftp.StatusError](err)
	return ok && status.FxCode() != sftp.ErrSSHFxConnectionLost && status.FxCode() != sftp.ErrSSHFxNoConnection
}

// watched is a connection of which each byte, in or out, is a sign of life.
type watched struct {
	net.Conn

	timer   *time.Timer
	timeout time.Duration
}

// Read reads.
func (w *watched) Read(to []byte) (int, error) {
	n, err := w.Conn.Read(to)
	w.alive(n)
	return n, err //nolint:wrapcheck // it is the connection that says so, as without us
}

// Write writes.
func (w *watched) Write(from []byte) (int, error) {
	n, err := w.Conn.Write(from)
	w.alive(n)
	return n, err //nolint:wrapcheck // it is the connection that says so, as without us
}

func (w *watched) alive(n int) {
	if n > 0 {
		w.timer.Reset(w.timeout)
	}
}
