package sftp_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/activities/channels/sftp/sshdtest"
)

const (
	name = "MONEXTEUR20260317001.xml"

	// folder, taken and inFolder are in the login's folder.
	folder   = "in"
	taken    = "in/done"
	inFolder = "out"
)

// day is when it is now in these tests: long after the files were made.
func day() time.Time { return time.Now().Add(24 * time.Hour) }

// server is OpenSSH's, of one test.
type server struct {
	*sshdtest.Server

	t testing.TB
}

// start starts a server with the folders.
func start(t testing.TB) *server {
	t.Helper()
	return &server{Server: sshdtest.Start(t, folder, taken, inFolder), t: t}
}

// listen on a port that is free.
func listen(t testing.TB) net.Listener {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return listener
}

// settings are of a client that the server lets in.
func (s *server) settings() sftp.Settings {
	return sftp.Settings{
		Address: s.Address, User: s.User,
		HostKeys: filepath.Join(s.Private, "known_hosts"), KeyFile: filepath.Join(s.Private, "key"),
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
	require.NoError(s.t, filepath.WalkDir(s.Folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		relative, _ := filepath.Rel(s.Folder, path)
		found[relative] = string(text)
		return err
	}))
	return found
}

// put writes a file at the server.
func (s *server) put(file, text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.Folder, file), []byte(text), 0o600))
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
