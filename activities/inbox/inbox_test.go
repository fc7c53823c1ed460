package inbox_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/inbox"
	"github.com/reglo/reglo/domain/vacation"
)

func put(t testing.TB, folder, name, content string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// isA wants files that begin with an A.
func isA(beginning io.Reader) (bool, error) {
	first := make([]byte, 1)
	n, err := beginning.Read(first)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n == 1 && first[0] == 'A', err
}

func TestFind(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	find := func(path string) (string, error) { return inbox.Find(path, isA) }

	found, err := find(filepath.Join(folder, "missing"))
	require.NoError(t, err)
	require.Empty(t, found)
	other := put(t, folder, "other", "B")
	found, err = find(other)
	require.NoError(t, err)
	require.Equal(t, other, found, "a file that is named is the one, whatever it holds")

	for _, name := range []string{".hidden", "a.tmp", "a.part", "a.gz", "a~", "empty"} {
		content := "A"
		if name == "empty" {
			content = ""
		}
		put(t, folder, name, content)
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "A"), 0o700))
	found, err = find(folder)
	require.NoError(t, err)
	require.Empty(t, found)

	wanted := put(t, folder, "wanted", "A")
	found, err = find(folder)
	require.NoError(t, err)
	require.Equal(t, wanted, found)

	put(t, folder, "wanted too", "A")
	_, err = find(folder)
	requireInvalid(t, err, "wanted and wanted too")

	broken := errors.New("disk")
	_, err = inbox.Find(folder, func(io.Reader) (bool, error) { return false, broken })
	require.ErrorIs(t, err, broken)
}

func TestAFolderThatNobodyClears(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for n := range 1_001 {
		put(t, folder, fmt.Sprintf("%04d", n), "B")
	}
	_, err := inbox.Find(folder, isA)
	requireInvalid(t, err, "more than 1000 files")
	require.NoError(t, os.Remove(filepath.Join(folder, "0000")))
	found, err := inbox.Find(folder, isA)
	require.NoError(t, err)
	require.Empty(t, found)
}

func requireInvalid(t testing.TB, err error, part string) {
	t.Helper()
	failure, typed := errors.AsType[*vacation.Failure](err)
	require.True(t, typed, "%v", err)
	require.Equal(t, vacation.FileInvalid, failure.Code)
	require.Contains(t, failure.Message, part)
}

func TestSettled(t *testing.T) {
	t.Parallel()
	changed := time.Date(2026, time.March, 19, 11, 0, 0, 0, time.UTC)
	path := put(t, t.TempDir(), "f", "A")
	require.NoError(t, os.Chtimes(path, changed, changed))
	for after, want := range map[time.Duration]bool{0: false, 2*time.Second - 1: false, 2 * time.Second: true} {
		settled, err := inbox.Settled(path, changed.Add(after))
		require.NoError(t, err)
		require.Equal(t, want, settled, after)
	}
	settled, err := inbox.Settled(path+"x", changed)
	require.NoError(t, err)
	require.False(t, settled)
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	file, err := inbox.Open(put(t, in, "f", "one"))
	require.NoError(t, err)
	sum, err := inbox.Sum(t.Context(), file)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte("one")), sum)
	require.NoError(t, file.Close())

	pipe := filepath.Join(in, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, odd := range []string{in, pipe} {
		_, err = inbox.Open(odd)
		_, unreadable := errors.AsType[*inbox.UnreadableError](err)
		require.True(t, unreadable)
		require.ErrorContains(t, err, "is no regular file")
	}
	_, err = inbox.Open(filepath.Join(in, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestShown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"camt.053_P_FR7630006000011234567890189_1110_0.xml": "camt.053_P_FR76…0189_1110_0.xml",
		"fr7630006000011234567890189":                       "fr76…0189",
		"RELEVE20260317.xml":                                "RELEVE20260317.xml",
		"a/b":                                               "b",
	} {
		require.Equal(t, want, inbox.Shown("/FR7630006000011234567890189/"+name))
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"/in/f": true, "/in/a/f": true, "/in/..f": true, "/in/../f": false, "/inn/f": false, "/f": false,
	} {
		require.Equal(t, want, inbox.Within("/in", path), path)
	}
}
