package sftp_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/sftp"
	"github.com/reglo/reglo/domain/transfer"
)

const secret = "s3cret-of-the-test"

var errTest = errors.New("of the test")

func takesAway(settings *sftp.Settings)    { settings.Keeps = false }
func movesToTaken(settings *sftp.Settings) { settings.Taken = taken }
func withPassword(settings *sftp.Settings) { settings.KeyFile, settings.Password = "", secret }
func inNoFolder(settings *sftp.Settings)   { settings.Folder = "nowhere" }
func silentSoon(settings *sftp.Settings)   { settings.SilenceTimeout = 3 * time.Second }
func nothingForUs(settings *sftp.Settings) { settings.InFolder = "" }
func connectSoon(settings *sftp.Settings)  { settings.ConnectTimeout = 200 * time.Millisecond }
func notSent(t testing.TB, err error)      { t.Helper(); require.ErrorIs(t, err, channels.ErrNotSent) }

func lookUp(t testing.TB, channel *sftp.Channel, text string) transfer.State {
	t.Helper()
	file := holding(text)
	file.Write = nil
	outcome, err := channel.LookUp(t.Context(), file)
	require.NoError(t, err)
	return outcome.State
}

func TestAFileGetsItsNameOnce(t *testing.T) {
	t.Parallel()
	for _, one := range []string{"one", "", text(3 << 20)} {
		server := start(t)
		channel := server.channel()
		require.Equal(t, transfer.Prepared, lookUp(t, channel, one))
		for range 2 {
			outcome, err := channel.Send(t.Context(), holding(one))
			require.NoError(t, err)
			require.Equal(t, channels.Outcome{State: transfer.Sent, Detail: "file " + name}, outcome)
			require.Equal(t, map[string]string{folder + "/" + name: one}, server.files())
			require.Equal(t, transfer.Sent, lookUp(t, channel, one))
			require.Equal(t, transfer.Sent, lookUp(t, server.channel(takesAway), one))
		}
		for _, another := range []string{one + "!", strings.Repeat("x", max(1, len(one)))} {
			outcome, err := channel.Send(t.Context(), holding(another))
			require.NoError(t, err)
			require.Equal(t, transfer.Unknown, outcome.State)
			require.Contains(t, outcome.Detail, "another file")
			require.Equal(t, transfer.Unknown, lookUp(t, channel, another))
			require.Equal(t, map[string]string{folder + "/" + name: one}, server.files(), "never in the place of another file")
		}
	}
}

func TestAFileThatThePartnerTook(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel(movesToTaken, takesAway)
	require.Equal(t, transfer.Unknown, lookUp(t, channel, "one"), "it may have been here")
	_, err := channel.Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.NoError(t, os.Rename(filepath.Join(server.Folder, folder, name), filepath.Join(server.Folder, taken, name)))
	require.Equal(t, transfer.Sent, lookUp(t, channel, "one"))
	require.Equal(t, transfer.Unknown, lookUp(t, channel, "two"), "another file")
	outcome, err := channel.Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	require.Equal(t, map[string]string{taken + "/" + name: "one"}, server.files())
	require.Equal(t, transfer.Prepared, lookUp(t, server.channel(), "one"), "told nothing of that folder")
}

func TestWhatStandsUnderTheHiddenName(t *testing.T) {
	t.Parallel()
	one := text(100_000)
	for about, test := range map[string]struct {
		stands string
		state  transfer.State // by a look-up
		again  int64          // bytes that are sent again, at least
	}{
		"a beginning":           {one[:70_000], transfer.Prepared, 30_000},
		"nothing of it":         {"", transfer.Prepared, 100_000},
		"a beginning with hole": {one[:30_000] + strings.Repeat("\x00", 1_000) + one[31_000:50_000], transfer.Prepared, 100_000},
		"another file":          {strings.Repeat("x", 60_000), transfer.Prepared, 100_000},
		"all of it":             {one, transfer.Unknown, 0},
		"more than it":          {one + "xxx", transfer.Unknown, 0},
		"more, another file":    {strings.Repeat("x", 120_000), transfer.Unknown, 100_000},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			line := server.behind(t, func(int) fault { return fault{up: uncut, down: uncut} })
			server.put(hidden(one), test.stands)
			require.Equal(t, test.state, lookUp(t, server.channel(), one))
			require.Equal(t, transfer.Unknown, lookUp(t, server.channel(takesAway), one))
			outcome, err := server.channel(line.via).Send(t.Context(), holding(one))
			require.NoError(t, err)
			require.Equal(t, transfer.Sent, outcome.State)
			require.Equal(t, map[string]string{folder + "/" + name: one}, server.files())
			const overhead = 20_000 // logging in, and asking
			up, _ := line.bytes(0)
			require.GreaterOrEqual(t, up, test.again)
			require.Less(t, up, test.again+overhead)
		})
	}
}

func TestAFolderUnderAName(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel()
	require.NoError(t, os.Mkdir(filepath.Join(server.Folder, hidden("one")), 0o755))
	_, err := channel.Send(t.Context(), holding("one"))
	notSent(t, err)
	require.ErrorContains(t, err, "is no file")
	_, err = channel.LookUp(t.Context(), holding("one"))
	require.ErrorContains(t, err, "is no file")

	require.NoError(t, os.Mkdir(filepath.Join(server.Folder, folder, name), 0o755))
	_, err = channel.Send(t.Context(), holding("two"))
	require.ErrorContains(t, err, "is no file")
	require.NotErrorIs(t, err, channels.ErrNotSent)
	_, err = channel.LookUp(t.Context(), holding("two"))
	require.ErrorContains(t, err, "is no file")
}

func TestWhatIsNotWrittenIsNotSent(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel()
	for about, test := range map[string]struct {
		write func(io.Writer) error
		want  error
	}{
		"fails":   {func(to io.Writer) error { _, err := io.WriteString(to, "o"); return errors.Join(err, errTest) }, errTest},
		"short":   {func(to io.Writer) error { _, err := io.WriteString(to, "on"); return err }, sftp.ErrContent},
		"long":    {func(to io.Writer) error { _, err := io.WriteString(to, "onee"); return err }, sftp.ErrContent},
		"another": {func(to io.Writer) error { _, err := io.WriteString(to, "two"); return err }, sftp.ErrContent},
		"in parts": {func(to io.Writer) error {
			_, _ = io.WriteString(to, "one")
			_, err := io.WriteString(to, "e")
			return err
		}, sftp.ErrContent},
	} {
		file := holding("one")
		file.Write = test.write
		_, err := channel.Send(t.Context(), file)
		notSent(t, err)
		require.ErrorIs(t, err, test.want, about)
		require.Equal(t, transfer.Prepared, lookUp(t, server.channel(), "one but never sent"))
		require.NotContains(t, server.files(), folder+"/"+name)
	}
	outcome, err := channel.Send(t.Context(), holding("one"))
	require.NoError(t, err, "whatever those have left")
	require.Equal(t, transfer.Sent, outcome.State)

	for _, call := range []func(context.Context, channels.File) (channels.Outcome, error){channel.Send, channel.LookUp} {
		_, err = call(t.Context(), channels.File{Name: "../x"})
		require.ErrorIs(t, err, channels.ErrName)
	}
	lost := server.channel(inNoFolder)
	_, err = lost.Send(t.Context(), holding("one"))
	notSent(t, err)
	_, err = lost.LookUp(t.Context(), holding("one"))
	require.ErrorIs(t, err, os.ErrNotExist, "a folder that is not there tells nothing")
}

// TestDenied has the server deny one request, at whatever moment it comes.
func TestDenied(t *testing.T) {
	t.Parallel()
	for requests, sent := range map[string]bool{
		"open": false, "write": false, "close": false, "lstat": false, "rename": false,
		"read": true, "fsync": true, "posix-rename,hardlink": true, "setstat,fsetstat,remove,stat": true,
	} {
		t.Run(requests, func(t *testing.T) {
			t.Parallel()
			for _, keeps := range []bool{true, false} {
				server := start(t)
				server.Without(requests)
				channel := server.channel(func(s *sftp.Settings) { s.Keeps = keeps })
				outcome, err := channel.Send(t.Context(), holding("one"))
				if sent {
					require.NoError(t, err)
					require.Equal(t, transfer.Sent, outcome.State)
					require.Equal(t, map[string]string{folder + "/" + name: "one"}, server.files())
					continue
				}
				notSent(t, err)
				require.ErrorIs(t, err, os.ErrPermission)
				require.NotContains(t, server.files(), folder+"/"+name)
			}
		})
	}
}

func TestAFileThatMayNotBeReadBack(t *testing.T) {
	t.Parallel()
	server := start(t)
	server.Without("read")
	channel := server.channel()
	server.put(folder+"/"+name, "one")
	outcome, err := channel.Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Unknown, outcome.State)
	require.Contains(t, outcome.Detail, "may not read back")
	require.Equal(t, transfer.Unknown, lookUp(t, channel, "one"))
}

// TestAFullDisk: a write fails as it does on a full disk, from 64 KiB on.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	server := start(t)
	server.After("trap '' XFSZ; ulimit -f 128")
	channel := server.channel()
	one := text(200_000)
	for range 2 {
		_, err := channel.Send(t.Context(), holding(one))
		notSent(t, err)
		require.ErrorContains(t, err, "write "+hidden(one))
		require.Equal(t, transfer.Prepared, lookUp(t, channel, one))
		require.NotContains(t, server.files(), folder+"/"+name)
	}
	server.After("ulimit -f unlimited")
	outcome, err := channel.Send(t.Context(), holding(text(50_000)))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
}

func TestServersThatAreNotTalkedTo(t *testing.T) {
	t.Parallel()
	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	strange, err := ssh.NewSignerFromKey(stranger)
	require.NoError(t, err)
	listener := listen(t)
	t.Cleanup(func() { _ = listener.Close() }) // it accepts, and says nothing
	for about, test := range map[string]struct {
		prepare func(*server)
		change  func(*sftp.Settings)
		want    string
		key     *sftp.HostKeyError
	}{
		"a host that we do not know": {
			func(s *server) { s.Know() }, func(*sftp.Settings) {}, "is not in",
			&sftp.HostKeyError{Known: false},
		},
		"a host with another key": {
			func(s *server) { s.Know(strange.PublicKey()) }, func(*sftp.Settings) {}, "another host key", &sftp.HostKeyError{Known: true},
		},
		"a host with another key, by password": {
			func(s *server) { s.Know(strange.PublicKey()) }, withPassword, "another host key", &sftp.HostKeyError{Known: true},
		},
		"another key of ours": {
			func(s *server) { s.WriteKey("key", stranger) }, func(*sftp.Settings) {}, "unable to authenticate", nil,
		},
		"a wrong password": {func(*server) {}, withPassword, "unable to authenticate", nil},
		"nobody there": {
			func(*server) {}, func(s *sftp.Settings) { s.Address = "127.0.0.1:1" }, "connection refused", nil,
		},
		"a silent server": {
			func(*server) {},
			func(s *sftp.Settings) { connectSoon(s); s.Address = listener.Addr().String() }, "took too long", nil,
		},
		"no SFTP": {func(s *server) { s.After("exit 1") }, func(*sftp.Settings) {}, "begin SFTP", nil},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			test.prepare(server)
			channel := server.channel(test.change)
			_, err := channel.Send(t.Context(), holding("one"))
			notSent(t, err)
			_, looked := channel.LookUp(t.Context(), holding("one"))
			for _, err := range []error{err, looked} {
				require.ErrorContains(t, err, test.want)
				require.NotContains(t, err.Error(), secret)
				found, is := errors.AsType[*sftp.HostKeyError](err)
				require.Equal(t, test.key != nil, is)
				if is {
					require.Equal(t, test.key.Known, found.Known)
					require.Contains(t, found.Fingerprint, "SHA256:")
				}
			}
			require.Empty(t, server.files())
		})
	}
}

// TestEachKeyOfAServer: it shows the one that we know, also where it likes another one better.
func TestEachKeyOfAServer(t *testing.T) {
	t.Parallel()
	server := start(t)
	for _, key := range server.HostKeys {
		server.Know(key)
		require.Equal(t, transfer.Prepared, lookUp(t, server.channel(), "one"), key.Type())
	}
}

// TestWorkersAtOnce: one that was taken for dead may still be at it.
func TestWorkersAtOnce(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel()
	one := text(500_000)
	var sending sync.WaitGroup
	for range 8 {
		sending.Go(func() {
			outcome, err := channel.Send(t.Context(), holding(one))
			if err != nil || outcome.State != transfer.Sent {
				t.Errorf("the same file is %q %q: %v", outcome.State, outcome.Detail, err)
			}
		})
	}
	sending.Wait()
	server.Quiet()
	require.Equal(t, one, server.files()[folder+"/"+name])
	require.Equal(t, transfer.Sent, lookUp(t, channel, one))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	server := start(t)
	for about, change := range map[string]func(*sftp.Settings){
		"no port":          func(s *sftp.Settings) { s.Address = "sftp.example" },
		"no user":          func(s *sftp.Settings) { s.User = "" },
		"no host keys":     func(s *sftp.Settings) { s.HostKeys = "" },
		"missing keys":     func(s *sftp.Settings) { s.HostKeys += "x" },
		"damaged keys":     func(s *sftp.Settings) { s.HostKeys = s.KeyFile },
		"both":             func(s *sftp.Settings) { s.Password = secret },
		"neither":          func(s *sftp.Settings) { s.KeyFile = "" },
		"missing key file": func(s *sftp.Settings) { s.KeyFile += "x" },
		"damaged key file": func(s *sftp.Settings) { s.KeyFile = s.HostKeys },
		"negative time":    func(s *sftp.Settings) { s.SilenceTimeout = -1 },
	} {
		settings := server.settings()
		change(&settings)
		_, err := sftp.New(settings, day)
		require.ErrorIs(t, err, sftp.ErrSettings, about)
		require.NotContains(t, err.Error(), secret)
	}
	settings := server.settings()
	withPassword(&settings)
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).InfoContext(t.Context(), "settings", "settings", settings)
	channel, err := sftp.New(settings, day)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		_, _ = fmt.Fprintf(&logged, verb+verb+verb, settings, &settings, channel)
		_, _ = fmt.Fprintf(&logged, verb, struct{ Settings sftp.Settings }{settings})
	}
	require.NotContains(t, logged.String(), secret)
	require.NotContains(t, logged.String(), fmt.Sprintf("%x", secret))
	require.Contains(t, logged.String(), server.Address)
}

// TestLargeFilesAllocateLittle sends 40 MB: only a part of it is ever in memory.
func TestLargeFilesAllocateLittle(t *testing.T) {
	const (
		size     = 40_000_000
		inMemory = 16_000_000
	)
	server := start(t)
	block := []byte(text(100_000))
	used := func() uint64 {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	hashed := sha256Of(func(to io.Writer) error { return blocks(to, block, size, nil) })
	before, most := used(), uint64(0)
	file := channels.File{Name: name, Bytes: size, SHA256: hashed, Write: func(to io.Writer) error {
		return blocks(to, block, size, func() { most = max(most, used()) })
	}}
	outcome, err := server.channel().Send(t.Context(), file)
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	require.Less(t, most, before+inMemory)

	most = 0
	require.NoError(t, os.Rename(filepath.Join(server.Folder, folder, name), filepath.Join(server.Folder, inFolder, name)))
	listing, err := server.channel().List(t.Context())
	require.NoError(t, err)
	require.Len(t, listing.Files, 1)
	before = used()
	digest, err := server.channel().Fetch(t.Context(), listing.Files[0], writer(func(b []byte) (int, error) {
		most = max(most, used())
		return len(b), nil
	}))
	require.NoError(t, err)
	require.Equal(t, hashed, digest)
	require.Less(t, most, before+inMemory)
}

func blocks(to io.Writer, block []byte, size int, each func()) error {
	for written := 0; written < size; written += len(block) {
		if _, err := to.Write(block); err != nil {
			return err
		}
		if each != nil {
			each()
		}
	}
	return nil
}
