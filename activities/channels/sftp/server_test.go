package sftp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/sftp"
)

const (
	sshd = "/usr/sbin/sshd"
	name = "MONEXTEUR20260317001.xml"

	// folder, taken and inFolder are in the login's folder.
	folder   = "in"
	taken    = "in/done"
	inFolder = "out"
)

// day is when it is now in these tests: long after the files were made.
func day() time.Time { return time.Now().Add(24 * time.Hour) }

// server is OpenSSH's, of one test. Each connection has an sshd of its own, so
// that it is known when one is done with all that it was sent.
type server struct {
	t       testing.TB
	address string
	user    string
	folder  string // where a login comes to
	private string // what is the server's and the test's own

	hostKeys []ssh.PublicKey

	mu     sync.Mutex
	ended  *sync.Cond
	active int
	logged bytes.Buffer
}

// start starts a server with the folders, for whoever runs the test.
func start(t testing.TB) *server {
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
		require.NoError(t, os.MkdirAll("/run/sshd", 0o755)) // it insists, as root
	}
	s := &server{t: t, user: me.Username, folder: t.TempDir(), private: t.TempDir()}
	s.ended = sync.NewCond(&s.mu)
	for _, made := range []string{folder, taken, inFolder} {
		require.NoError(t, os.MkdirAll(filepath.Join(s.folder, made), 0o755))
	}
	s.serve(program, "")
	_, ofEd25519, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ofECDSA, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	s.hostKeys = []ssh.PublicKey{s.writeKey("host_ed25519", ofEd25519), s.writeKey("host_ecdsa", ofECDSA)}
	_, mine, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s.write("authorized_keys", string(ssh.MarshalAuthorizedKey(s.writeKey("key", mine))))
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
`, "DIR", s.private))
	s.listen()
	s.know(s.hostKeys...)
	return s
}

// locked tells whether sshd lets nobody in without PAM, root's password being locked.
func locked(login string) bool {
	shadow, err := os.ReadFile("/etc/shadow")
	return err == nil && bytes.Contains(append([]byte("\n"), shadow...), []byte("\n"+login+":!"))
}

// serve has the server answer by that program after this line of a shell.
func (s *server) serve(program, before string) {
	// The lock is held as long as the program lives, see quiet.
	s.write("serve", fmt.Sprintf("exec 9>%s/lock\nflock -s 9\ncd %s\n%s\nexec %s\n", s.private, s.folder, before, program))
}

// without has the server deny these requests of SFTP.
func (s *server) without(requests string) { s.tune("s/^exec .*sftp-server.*/& -P " + requests + "/") }

// after has the server run this line of a shell before it answers.
func (s *server) after(line string) { s.tune("s/^cd .*/&; " + line + "/") }

func (s *server) tune(script string) {
	out, err := exec.CommandContext(s.t.Context(), "sed", "-i", script, filepath.Join(s.private, "serve")).CombinedOutput()
	require.NoError(s.t, err, string(out))
}

func (s *server) write(file, text string) {
	pam := "no"
	if locked(s.user) {
		pam = "yes"
	}
	text = strings.Replace(text, "UsePAM PAM", "UsePAM "+pam, 1)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.private, file), []byte(text), 0o600))
}

func (s *server) writeKey(file string, key crypto.PrivateKey) ssh.PublicKey { //nolint:ireturn // keys have no other type
	block, err := ssh.MarshalPrivateKey(key, "")
	require.NoError(s.t, err)
	s.write(file, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(s.t, err)
	return signer.PublicKey()
}

// know has the client know these keys of the server, and no others.
func (s *server) know(keys ...ssh.PublicKey) {
	s.write("known_hosts", "")
	s.knowAt(s.address, keys...)
}

// knowAt has the client know these keys at an address that leads to the server.
func (s *server) knowAt(address string, keys ...ssh.PublicKey) {
	file, err := os.OpenFile(filepath.Join(s.private, "known_hosts"), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(s.t, err)
	for _, key := range keys {
		_, err := file.WriteString(knownhosts.Line([]string{address}, key) + "\n")
		require.NoError(s.t, err)
	}
	require.NoError(s.t, file.Close())
}

// listen on a port that is free.
func listen(t testing.TB) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

func (s *server) listen() {
	listener := listen(s.t)
	s.address = listener.Addr().String()
	s.t.Cleanup(func() {
		_ = listener.Close()
		s.quiet()
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
			go s.answer(conn.(*net.TCPConn))
		}
	}()
}

func (s *server) answer(conn *net.TCPConn) {
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
	daemon := exec.CommandContext(context.Background(), sshd, "-i", "-e", "-f", filepath.Join(s.private, "sshd_config"))
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

// quiet waits until the server has done all that it was sent: after that, nothing
// changes any more.
func (s *server) quiet() {
	s.mu.Lock()
	for s.active > 0 {
		s.ended.Wait()
	}
	s.mu.Unlock()
	lock, err := os.OpenFile(filepath.Join(s.private, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(s.t, err)
	require.NoError(s.t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	require.NoError(s.t, lock.Close())
}

// settings are of a client that the server lets in.
func (s *server) settings() sftp.Settings {
	return sftp.Settings{
		Address: s.address, User: s.user,
		HostKeys: filepath.Join(s.private, "known_hosts"), KeyFile: filepath.Join(s.private, "key"),
		Folder: folder, Keeps: true, InFolder: inFolder,
	}
}

// channel to the server, with other settings.
func (s *server) channel(changes ...func(*sftp.Settings)) *sftp.Channel {
	s.t.Helper()
	settings := s.settings()
	for _, change := range changes {
		change(&settings)
	}
	channel, err := sftp.New(settings, day)
	require.NoError(s.t, err)
	return channel
}

// files are all that stands below the login's folder.
func (s *server) files() map[string]string {
	s.t.Helper()
	found := make(map[string]string)
	require.NoError(s.t, filepath.WalkDir(s.folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		relative, _ := filepath.Rel(s.folder, path)
		found[relative] = string(text)
		return err
	}))
	return found
}

// put writes a file at the server.
func (s *server) put(file, text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.folder, file), []byte(text), 0o600))
}

// holding is the file of that name, with that content.
func holding(text string) channels.File {
	return channels.File{
		Name: name, Bytes: int64(len(text)), SHA256: sha256.Sum256([]byte(text)),
		Write: func(to io.Writer) error {
			_, err := io.WriteString(to, text)
			return err
		},
	}
}

// hidden is where that file stands before it has its name.
func hidden(text string) string {
	digest := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%s/.%s.%x.part", folder, name, digest[:8])
}

// text of that many bytes, no two pieces of it alike.
func text(length int) string {
	var made strings.Builder
	for made.Len() < length {
		fmt.Fprintf(&made, "<%d>", made.Len())
	}
	return made.String()[:length]
}

func sha256Of(write func(io.Writer) error) [sha256.Size]byte {
	digest := sha256.New()
	if err := write(digest); err != nil {
		panic(err)
	}
	return [sha256.Size]byte(digest.Sum(nil))
}
