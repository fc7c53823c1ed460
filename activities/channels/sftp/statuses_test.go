package sftp_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	pkgsftp "github.com/pkg/sftp"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/domain/transfer"
)

// odd is a server that is not OpenSSH's: it takes a password, keeps files in
// memory, has no fsync, and answers as the test says.
type odd struct {
	pkgsftp.Handlers

	// command answers what is no reading and no writing, by the right answer.
	command func(request *pkgsftp.Request, do func(*pkgsftp.Request) error) error
	// loses has it lose the last byte of what is written.
	loses bool
}

// Filecmd renames and removes.
func (o *odd) Filecmd(request *pkgsftp.Request) error {
	if o.command == nil {
		return o.FileCmd.Filecmd(request)
	}
	return o.command(request, o.FileCmd.Filecmd)
}

// Filewrite opens a file to be written.
func (o *odd) Filewrite(request *pkgsftp.Request) (io.WriterAt, error) {
	to, err := o.FilePut.Filewrite(request)
	if o.loses && err == nil {
		return losing{to}, nil
	}
	return to, err
}

type losing struct{ io.WriterAt }

// WriteAt loses the last byte.
func (l losing) WriteAt(b []byte, at int64) (int, error) {
	_, err := l.WriterAt.WriteAt(b[:len(b)-1], at)
	return len(b), err
}

// serve gives the settings of a client that the server lets in.
func (o *odd) serve(t *testing.T) sftp.Settings {
	t.Helper()
	o.Handlers = pkgsftp.InMemHandler()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	host, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	config := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if string(password) != secret {
			return nil, errTest
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(host)
	listener := listen(t)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { o.session(conn, config) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	known := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{listener.Addr().String()}, host.PublicKey()) + "\n"
	require.NoError(t, os.WriteFile(known, []byte(line), 0o600))
	return sftp.Settings{
		Address: listener.Addr().String(), User: "reglo", HostKeys: known, Password: secret, Folder: "/", Keeps: true,
	}
}

func (o *odd) session(conn net.Conn, config *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, incoming, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range incoming {
		channel, requests, err := asked.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range requests {
				_ = request.Reply(request.Type == "subsystem", nil)
			}
		}()
		handlers := pkgsftp.Handlers{FileGet: o.FileGet, FilePut: o, FileCmd: o, FileList: o.FileList}
		_ = pkgsftp.NewRequestServer(channel, handlers).Serve()
	}
}

// remove has that file go away at the server.
func remove(do func(*pkgsftp.Request) error, path string) error {
	return do(&pkgsftp.Request{Method: "Remove", Filepath: path})
}

// TestAnswersToTheRename: what became of it, whatever the server says.
func TestAnswersToTheRename(t *testing.T) {
	t.Parallel()
	failure := pkgsftp.ErrSSHFxFailure
	type doing func(request *pkgsftp.Request, do func(*pkgsftp.Request) error) error
	const unsent = transfer.State("")
	for about, test := range map[string]struct {
		command doing
		kept    transfer.State
		taken   transfer.State
	}{
		"done": {func(r *pkgsftp.Request, do func(*pkgsftp.Request) error) error { return do(r) }, transfer.Sent, transfer.Sent},
		"not done, and said so": {
			func(*pkgsftp.Request, func(*pkgsftp.Request) error) error { return failure }, unsent, transfer.Unknown,
		},
		"not allowed": {
			func(*pkgsftp.Request, func(*pkgsftp.Request) error) error { return pkgsftp.ErrSSHFxPermissionDenied }, unsent, unsent,
		},
		"done, but called a failure": {
			func(r *pkgsftp.Request, do func(*pkgsftp.Request) error) error { return errors.Join(do(r), failure) },
			transfer.Sent, transfer.Sent,
		},
		"done, called a failure, and taken away": {
			func(r *pkgsftp.Request, do func(*pkgsftp.Request) error) error {
				return errors.Join(do(r), remove(do, r.Target), failure)
			}, unsent, transfer.Unknown, // who keeps files does not take them
		},
		"faster by another attempt": {
			func(r *pkgsftp.Request, do func(*pkgsftp.Request) error) error { _ = do(r); return do(r) },
			transfer.Sent, transfer.Sent,
		},
		"without its hidden file": {
			func(r *pkgsftp.Request, do func(*pkgsftp.Request) error) error {
				_ = remove(do, r.Filepath)
				return do(r)
			},
			unsent, transfer.Unknown,
		},
	} {
		for keeps, want := range map[bool]transfer.State{true: test.kept, false: test.taken} {
			server := &odd{}
			settings := server.serve(t)
			server.command = func(request *pkgsftp.Request, do func(*pkgsftp.Request) error) error {
				if request.Method == "Rename" {
					return test.command(request, do)
				}
				return do(request)
			}
			settings.Keeps = keeps
			channel, err := sftp.New(settings, day)
			require.NoError(t, err)
			outcome, err := channel.Send(t.Context(), holding("one"))
			require.Equal(t, want, outcome.State, "%s, kept %t: %s", about, keeps, outcome.Detail)
			require.Equal(t, want == unsent, errors.Is(err, channels.ErrNotSent), about)
		}
	}
}

func TestAServerThatLosesBytes(t *testing.T) {
	t.Parallel()
	server := &odd{loses: true}
	channel, err := sftp.New(server.serve(t), day)
	require.NoError(t, err)
	_, err = channel.Send(t.Context(), holding("one"))
	notSent(t, err)
	require.ErrorContains(t, err, "2 of its 3 bytes")
	require.Equal(t, transfer.Prepared, lookUp(t, channel, "one"))
}
