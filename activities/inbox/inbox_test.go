package inbox_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func TestPuttingAway(t *testing.T) {
	t.Parallel()
	in, archive := t.TempDir(), t.TempDir()
	path := put(t, in, "f", "content")
	for range 2 { // a worker died before it took the file out
		file, err := inbox.Open(t.Context(), path, digest("content"))
		require.NoError(t, err)
		require.NoError(t, file.Compress(t.Context(), archive, "f.gz"))
		require.NoError(t, file.Close())
	}
	file, err := inbox.Open(t.Context(), path, digest("content"))
	require.NoError(t, err)
	require.NoError(t, file.TakeOut(in))
	require.NoError(t, file.TakeOut(in))
	require.NoError(t, file.Close())
	require.NoFileExists(t, path)
	gone, err := inbox.Open(t.Context(), path, digest("content"))
	require.NoError(t, err)
	require.Nil(t, gone)

	names, err := os.ReadDir(archive)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing else is left")
	compressed, err := os.Open(filepath.Join(archive, "f.gz"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = compressed.Close() })
	reader, err := gzip.NewReader(compressed)
	require.NoError(t, err)
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, "content", string(content))
}

func TestAnotherFileStays(t *testing.T) {
	t.Parallel()
	in := t.TempDir()
	path := put(t, in, "f", "content")
	other, err := inbox.Open(t.Context(), path, digest("another"))
	require.NoError(t, err)
	require.Nil(t, other)

	file, err := inbox.Open(t.Context(), path, digest("content"))
	require.NoError(t, err)
	require.NoError(t, file.TakeOut(t.TempDir()), "it stands elsewhere")
	require.FileExists(t, path)
	require.NoError(t, os.Rename(put(t, in, "g", "content"), path))
	require.NoError(t, file.TakeOut(in), "another took its place")
	require.NoError(t, file.Close())
	require.FileExists(t, path)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	in, archive := t.TempDir(), t.TempDir()
	path := put(t, in, "f", "content")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := inbox.Open(cancelled, path, digest("content"))
	require.ErrorIs(t, err, context.Canceled)
	file, err := inbox.Open(t.Context(), path, digest("content"))
	require.NoError(t, err)
	require.ErrorIs(t, file.Compress(cancelled, archive, "f.gz"), context.Canceled)
	require.NoError(t, file.Close())
	names, err := os.ReadDir(archive)
	require.NoError(t, err)
	require.Empty(t, names)
}
