package inbox_test

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/inbox"
)

// place is an inbox with one file, which holds "one", and an archive.
func place(t *testing.T) (archive inbox.Archive, in, path string) {
	t.Helper()
	in = t.TempDir()
	return inbox.Archive(t.TempDir()), in, put(t, in, "f.txt", "one")
}

// archived is what the archive keeps under the name "as".
func archived(t *testing.T, archive inbox.Archive) string {
	t.Helper()
	file, err := os.Open(filepath.Join(string(archive), "as.gz"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	reader, err := gzip.NewReader(file)
	require.NoError(t, err)
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(content)
}

// requireNames holds the names of a folder's entries against those.
func requireNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.ElementsMatch(t, want, names)
}

func sum(content string) [sha256.Size]byte { return sha256.Sum256([]byte(content)) }

func TestPutKeepsTheFileAndOnlyTheFile(t *testing.T) {
	t.Parallel()
	archive, in, path := place(t)
	holds := func() bool {
		t.Helper()
		held, err := archive.Holds(path, "as")
		require.NoError(t, err)
		return held
	}
	require.False(t, holds(), "it was not put away yet")
	there, err := archive.Put(t.Context(), path, "as", sum("another"))
	require.NoError(t, err)
	require.False(t, there)
	require.FileExists(t, path, "it is not the file that was taken in")

	for _, want := range []bool{true, false} {
		there, err := archive.Put(t.Context(), path, "as", sum("one"))
		require.NoError(t, err)
		require.Equal(t, want, there)
		require.Equal(t, "one", archived(t, archive))
		require.False(t, holds())
		requireNames(t, in)
	}
	put(t, in, "f.txt", "one")
	require.True(t, holds(), "it came again")
	requireNames(t, string(archive), "as.gz")
}

// TestAWorkerThatDied has the archive fail, as when its disk is full, once the
// file has left the inbox: what was left is told from the file that came again.
func TestAWorkerThatDied(t *testing.T) {
	t.Parallel()
	die := func(t *testing.T) (archive inbox.Archive, in, path string) {
		t.Helper()
		_, in, path = place(t)
		archive = inbox.Archive(filepath.Join(t.TempDir(), "away"))
		_, err := archive.Put(t.Context(), path, "as", sum("one"))
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NoFileExists(t, path)
		put(t, in, "f.txt", "one")
		held, err := archive.Holds(path, "as")
		require.NoError(t, err)
		require.True(t, held, "it left the inbox before, and came again")
		require.NoError(t, os.Mkdir(string(archive), 0o700))
		return archive, in, path
	}
	t.Run("resumed", func(t *testing.T) {
		t.Parallel()
		archive, in, _ := die(t)
		require.NoError(t, archive.Resume(t.Context(), in, func(string) bool { return false }))
		requireNames(t, string(archive))
		require.NoError(t, archive.Resume(t.Context(), in, func(as string) bool { return as == "as" }))
		require.Equal(t, "one", archived(t, archive))
		requireNames(t, in, "f.txt")
		require.ErrorIs(t, archive.Resume(t.Context(), filepath.Join(in, "none"), nil), fs.ErrNotExist)
	})
	t.Run("put again", func(t *testing.T) {
		t.Parallel()
		archive, in, path := die(t)
		there, err := archive.Put(t.Context(), path, "as", sum("one"))
		require.NoError(t, err)
		require.True(t, there)
		require.Equal(t, "one", archived(t, archive))
		requireNames(t, in, "f.txt")
	})
}

func TestKeepLeavesTheFileWhereItIs(t *testing.T) {
	t.Parallel()
	archive, in, path := place(t)
	there, err := archive.Keep(t.Context(), path, "as", sum("another"))
	require.NoError(t, err)
	require.False(t, there)
	requireNames(t, string(archive))
	for range 2 {
		there, err := archive.Keep(t.Context(), path, "as", sum("one"))
		require.NoError(t, err)
		require.True(t, there)
		require.Equal(t, "one", archived(t, archive))
	}
	requireNames(t, in, "f.txt")
	there, err = archive.Keep(t.Context(), path+"x", "as", sum("one"))
	require.NoError(t, err)
	require.False(t, there)
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	archive, in, path := place(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := archive.Put(cancelled, path, "as", sum("one"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = archive.Keep(cancelled, path, "as", sum("one"))
	require.ErrorIs(t, err, context.Canceled)
	requireNames(t, in, "f.txt")
	requireNames(t, string(archive))
}

func TestReport(t *testing.T) {
	t.Parallel()
	archive := inbox.Archive(t.TempDir())
	path, err := archive.Report("f.json", map[string]int{"faults": 2})
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var read map[string]int
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, map[string]int{"faults": 2}, read)
}

func TestParseSum(t *testing.T) {
	t.Parallel()
	want := sum("one")
	text := hex.EncodeToString(want[:])
	read, err := inbox.ParseSum(text)
	require.NoError(t, err)
	require.Equal(t, want, read)
	for _, wrong := range []string{"", text[1:], text[2:], "zz" + text[2:], text + "00"} {
		_, err := inbox.ParseSum(wrong)
		require.ErrorContains(t, err, "is no SHA-256")
	}
}
