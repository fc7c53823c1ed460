// Package sshdtest runs OpenSSH's server for tests: a partner that nobody of us
// has written.
package sshdtest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

const (
	sshd = "/usr/sbin/sshd"
	// Files are the test's own; folders may be looked into by whoever logs in.
	fileMode   = 0o600
	folderMode = 0o755
)

// Server is OpenSSH's, of one test. Each connection has an sshd of its own, so
// that it is known when one is done with all that it was sent.
type Server struct {
	Address string
	User    string
	Folder  string // where a login comes to
	// Private is the folder of what is the server's and the test's own: our key,
	// and known_hosts.
	Private string
	// HostKeys are the keys by which the server proves itself.
	HostKeys []ssh.PublicKey

	t      testing.TB
	mu     sync.Mutex
	ended  *sync.Cond
	active int
	logged bytes.Buffer
}

// Start starts a server with these folders in the login's, for whoever runs the
// test, who is told why when there is no OpenSSH here. It ends with the test.
func Start(t testing.TB, folders ...string) *Server {
	t.Helper()
	program := ""
	for _, place := range []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh", "/usr/libexec"} {
		if _, err := os.Stat(place + "/sftp-server"); err == nil {
			program = place + "/sftp-server"
			break
		}
	}
	if _, err := os.Stat(sshd); err != nil || program == "" {
		t.Skip("no OpenSSH server here (Debian: apt-get install openssh-server)")
	}
	me, err := user.Current()
	require.NoError(t, err)
	if me.Uid == "0" {
		require.NoError(t, os.MkdirAll("/run/sshd", folderMode)) // it insists, as root
	}
	s := &Server{t: t, User: me.Username, Folder: t.TempDir(), Private: t.TempDir()}
	s.ended = sync.NewCond(&s.mu)
	for _, made := range folders {
		require.NoError(t, os.MkdirAll(filepath.Join(s.Folder, made), folderMode))
	}
	s.serve(program, "")
	_, ofEd25519, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ofECDSA, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	s.HostKeys = []ssh.PublicKey{s.WriteKey("host_ed25519", ofEd25519), s.WriteKey("host_ecdsa", ofECDSA)}
	_, mine, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s.write("authorized_keys", string(ssh.MarshalAuthorizedKey(s.WriteKey("key", mine))))
	s.write("sshd_config", strings.ReplaceAll(`
HostKey DIR/host_ed25519
HostKey DIR/host_ecdsa
AuthorizedKeysFile DIR/authorized_keys
StrictModes no
UsePAM PAM
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
PrintMotd no
PidFile none
LogLevel ERROR
Subsystem sftp /bin/sh DIR/serve
`, "DIR", s.Private))
	s.listen()
	s.Know(s.HostKeys...)
	return s
}

// locked tells whether sshd lets nobody in without PAM, root's password being locked.
func locked(login string) bool {
	shadow, err := os.ReadFile("/etc/shadow")
	return err == nil && bytes.Contains(append([]byte("\n"), shadow...), []byte("\n"+login+":!"))
}

// serve has the server answer by that program after this line of a shell.
func (s *Server) serve(program, before string) {
	// The lock is held as long as the program lives, see Quiet.
	s.write("serve", fmt.Sprintf("exec 9>%s/lock\nflock -s 9\ncd %s\n%s\nexec %s\n", s.Private, s.Folder, before, program))
}

// Without has the server deny these requests of SFTP.
func (s *Server) Without(requests string) { s.tune("s/^exec .*sftp-server.*/& -P " + requests + "/") }

// After has the server run this line of a shell before it answers.
func (s *Server) After(line string) { s.tune("s/^cd .*/&; " + line + "/") }

func (s *Server) tune(script string) {
	serve := filepath.Join(s.Private, "serve")
	out, err := exec.CommandContext(s.t.Context(), "sed", "-i", script, serve).CombinedOutput() //nolint:gosec // the test's own script
	require.NoError(s.t, err, string(out))
}

func (s *Server) write(file, text string) {
	pam := "no"
	if locked(s.User) {
		pam = "yes"
	}
	text = strings.Replace(text, "UsePAM PAM", "UsePAM "+pam, 1)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.Private, file), []byte(text), fileMode))
}

// WriteKey writes a private key beside the others, "key" for that of whoever logs
// in, and gives its public one.
func (s *Server) WriteKey(file string, key crypto.PrivateKey) ssh.PublicKey { //nolint:ireturn // keys have no other type
	block, err := ssh.MarshalPrivateKey(key, "")
	require.NoError(s.t, err)
	s.write(file, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(s.t, err)
	return signer.PublicKey()
}

// Know has the client know these keys of the server, and no others.
func (s *Server) Know(keys ...ssh.PublicKey) {
	s.write("known_hosts", "")
	s.KnowAt(s.Address, keys...)
}

// KnowAt has the client know these keys at an address that leads to the server.
func (s *Server) KnowAt(address string, keys ...ssh.PublicKey) {
	file, err := os.OpenFile(filepath.Join(s.Private, "known_hosts"), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(s.t, err)
	for _, key := range keys {
		_, err := file.WriteString(knownhosts.Line([]string{address}, key) + "\n")
		require.NoError(s.t, err)
	}
	require.NoError(s.t, file.Close())
}

func (s *Server) listen() {
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	s.Address = listener.Addr().String()
	s.t.Cleanup(func() {
		_ = listener.Close()
		s.Quiet()
		if s.t.Failed() {
			s.t.Logf("sshd says: %s", s.logged.String())
		}
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.active++
			s.mu.Unlock()
			go s.answer(conn.(*net.TCPConn)) //nolint:forcetypeassert,errcheck // TCP was asked for
		}
	}()
}

func (s *Server) answer(conn *net.TCPConn) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.active--
		s.ended.Broadcast()
	}()
	socket, err := conn.File()
	_ = conn.Close()
	if err != nil {
		s.t.Error(err)
		return
	}
	var said bytes.Buffer
	settings := filepath.Join(s.Private, "sshd_config")
	daemon := exec.CommandContext(context.Background(), sshd, "-i", "-e", "-f", settings) //nolint:gosec // the test's own settings
	daemon.Stdin, daemon.Stdout, daemon.Stderr = socket, socket, &said
	err = daemon.Start()
	_ = socket.Close()
	if err == nil {
		err = daemon.Wait()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logged.Write(said.Bytes())
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		s.t.Error(err)
	}
}

// Quiet waits until the server has done all that it was sent: after that, nothing
// changes any more.
func (s *Server) Quiet() {
	s.mu.Lock()
	for s.active > 0 {
		s.ended.Wait()
	}
	s.mu.Unlock()
	lock, err := os.OpenFile(filepath.Join(s.Private, "lock"), os.O_RDWR|os.O_CREATE, fileMode)
	require.NoError(s.t, err)
	require.NoError(s.t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	require.NoError(s.t, lock.Close())
}
