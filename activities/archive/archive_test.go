package archive_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/archive"
)

// place is an inbox with one file, and an archive.
func place(t *testing.T, content string) (folder archive.Folder, inbox, path string) {
	t.Helper()
	inbox = t.TempDir()
	path = filepath.Join(inbox, "f.txt")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return archive.Folder(t.TempDir()), inbox, path
}

func archived(t *testing.T, folder archive.Folder, as string) string {
	t.Helper()
	file, err := os.Open(filepath.Join(string(folder), as+".gz"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	reader, err := gzip.NewReader(file)
	require.NoError(t, err)
	content, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(content)
}

func TestPutKeepsTheFileAndOnlyTheFile(t *testing.T) {
	t.Parallel()
	folder, inbox, path := place(t, "one")
	holds := func() bool {
		t.Helper()
		held, err := folder.Holds(path, "as")
		require.NoError(t, err)
		return held
	}
	require.False(t, holds(), "it was not put away yet")
	require.NoError(t, folder.Put(t.Context(), path, "as", sha256.Sum256([]byte("another"))))
	require.FileExists(t, path, "it is not the file that was taken in")

	for range 2 {
		require.NoError(t, folder.Put(t.Context(), path, "as", sha256.Sum256([]byte("one"))))
		require.NoFileExists(t, path)
		require.Equal(t, "one", archived(t, folder, "as"))
		require.False(t, holds())
	}
	require.NoError(t, os.WriteFile(path, []byte("one"), 0o600))
	require.True(t, holds(), "it came again")
	entries, err := os.ReadDir(inbox)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// TestResumeGoesOnWhereAWorkerDied has the archive fail, as when its disk is
// full, once the file has left the inbox.
func TestResumeGoesOnWhereAWorkerDied(t *testing.T) {
	t.Parallel()
	_, inbox, path := place(t, "one")
	folder := archive.Folder(filepath.Join(t.TempDir(), "away"))
	require.ErrorIs(t, folder.Put(t.Context(), path, "as", sha256.Sum256([]byte("one"))), fs.ErrNotExist)
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, []byte("one"), 0o600))
	held, err := folder.Holds(path, "as")
	require.NoError(t, err)
	require.True(t, held, "it left the inbox before, and came again")

	require.NoError(t, os.Mkdir(string(folder), 0o700))
	require.NoError(t, folder.Resume(t.Context(), inbox, func(string) bool { return false }))
	require.NoFileExists(t, filepath.Join(string(folder), "as.gz"), "it is somebody else's")
	require.NoError(t, folder.Resume(t.Context(), inbox, func(as string) bool { return as == "as" }))
	require.Equal(t, "one", archived(t, folder, "as"))
	entries, err := os.ReadDir(inbox)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.ErrorIs(t, folder.Resume(t.Context(), filepath.Join(inbox, "none"), nil), fs.ErrNotExist)
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	_, inbox, path := place(t, "one")
	file, err := archive.Open(path)
	require.NoError(t, err)
	sum, err := archive.Sum(t.Context(), file)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256([]byte("one")), sum)
	require.NoError(t, file.Close())

	pipe := filepath.Join(inbox, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, odd := range []string{inbox, pipe} {
		_, err = archive.Open(odd)
		var unreadable *archive.UnreadableError
		require.ErrorAs(t, err, &unreadable)
		require.ErrorContains(t, err, "is no regular file")
	}
	_, err = archive.Open(filepath.Join(inbox, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestReport(t *testing.T) {
	t.Parallel()
	folder := archive.Folder(t.TempDir())
	path, err := folder.Report("f.json", map[string]int{"faults": 2})
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var read map[string]int
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, map[string]int{"faults": 2}, read)
}
