package sftp_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels/sftp"
)

func TestFilesForUs(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel()
	listing, err := channel.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, listing)

	large := text(2_000_000)
	for file, text := range map[string]string{
		"releve 20260317 (2).xml": "two", "RELEVE.120": large, "vide": "",
		".hidden": "x", "half.PART": "x", "half.filepart": "x", "half.tmp": "x",
		"line\nbreak": "x", "back\\slash": "x", "\xff": "x",
	} {
		server.put(inFolder+"/"+file, text)
	}
	require.NoError(t, os.Mkdir(filepath.Join(server.Folder, inFolder, "archive"), 0o755))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(server.Folder, inFolder, "link")))
	server.put(inFolder+"/just now", "x")
	future := day().Add(-time.Second)
	require.NoError(t, os.Chtimes(filepath.Join(server.Folder, inFolder, "just now"), future, future))

	listing, err = channel.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, listing.Odd)
	var names []string
	for _, file := range listing.Files {
		names = append(names, file.Name)
		var got bytes.Buffer
		digest, err := channel.Fetch(t.Context(), file, &got)
		require.NoError(t, err)
		require.Equal(t, sha256.Sum256(got.Bytes()), digest)
		require.Equal(t, server.files()[inFolder+"/"+file.Name], got.String())
		require.EqualValues(t, got.Len(), file.Bytes)
		for range 2 {
			require.NoError(t, channel.Remove(t.Context(), file))
			require.NotContains(t, server.files(), inFolder+"/"+file.Name)
		}
		_, err = channel.Fetch(t.Context(), file, &got)
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	require.Equal(t, []string{"RELEVE.120", "releve 20260317 (2).xml", "vide"}, names)
}

func TestFilesThatChange(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel()
	const file = inFolder + "/releve"
	path := filepath.Join(server.Folder, file)
	for about, change := range map[string]func(){
		"grows":        func() { server.put(file, text(300_001)) },
		"shrinks":      func() { server.put(file, "") },
		"touched":      func() { require.NoError(t, os.Chtimes(path, day(), day())) },
		"now a folder": func() { require.NoError(t, os.Remove(path)); require.NoError(t, os.Mkdir(path, 0o755)) },
		"now a link":   func() { require.NoError(t, os.Remove(path)); require.NoError(t, os.Symlink("/etc/passwd", path)) },
	} {
		require.NoError(t, os.RemoveAll(path))
		server.put(file, text(300_000))
		listing, err := channel.List(t.Context())
		require.NoError(t, err)
		require.Len(t, listing.Files, 1)
		change()
		_, err = channel.Fetch(t.Context(), listing.Files[0], &strings.Builder{})
		require.ErrorIs(t, err, sftp.ErrChanged, about)
		require.ErrorIs(t, channel.Remove(t.Context(), listing.Files[0]), sftp.ErrChanged, about)
		_, err = os.Lstat(path)
		require.NoError(t, err, "it stays")
	}
	require.NoError(t, os.RemoveAll(path))
	server.put(file, text(3_000_000))
	listing, err := channel.List(t.Context())
	require.NoError(t, err)
	_, err = channel.Fetch(t.Context(), listing.Files[0], writer(func(b []byte) (int, error) {
		return len(b), os.Truncate(path, 3_000_001) // while it is fetched
	}))
	require.ErrorIs(t, err, sftp.ErrChanged)
}

func TestWhatIsNotFetched(t *testing.T) {
	t.Parallel()
	server := start(t)
	channel := server.channel()
	server.put("secret", "x")
	for _, name := range []string{"", ".", "..", "../secret", "/etc/passwd", ".hidden"} {
		_, err := channel.Fetch(t.Context(), sftp.Received{Name: name, Bytes: 1}, &strings.Builder{})
		require.ErrorIs(t, err, sftp.ErrChanged, name)
		require.ErrorIs(t, channel.Remove(t.Context(), sftp.Received{Name: name, Bytes: 1}), sftp.ErrChanged, name)
	}
	_, err := channel.Fetch(t.Context(), sftp.Received{Name: "x", Bytes: sftp.MaxReceivedBytes + 1}, &strings.Builder{})
	require.ErrorIs(t, err, sftp.ErrTooLarge)

	server.put(inFolder+"/releve", "one")
	listing, err := channel.List(t.Context())
	require.NoError(t, err)
	_, err = channel.Fetch(t.Context(), listing.Files[0], writer(func([]byte) (int, error) { return 0, errTest }))
	require.ErrorIs(t, err, errTest)
	server.Without("read,remove")
	_, err = channel.Fetch(t.Context(), listing.Files[0], &strings.Builder{})
	require.ErrorIs(t, err, os.ErrPermission)
	require.ErrorIs(t, channel.Remove(t.Context(), listing.Files[0]), os.ErrPermission)
	require.Equal(t, "one", server.files()[inFolder+"/releve"])

	none := server.channel(nothingForUs)
	_, err = none.List(t.Context())
	require.ErrorIs(t, err, sftp.ErrNoInFolder)
	_, err = server.channel(func(s *sftp.Settings) { s.InFolder = "nowhere" }).List(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestALineCutWhileFetching: what was written is not taken for the file.
func TestALineCutWhileFetching(t *testing.T) {
	t.Parallel()
	server := start(t)
	server.put(inFolder+"/releve", text(1_000_000))
	listing, err := server.channel().List(t.Context())
	require.NoError(t, err)
	for _, down := range []int64{0, 3_000, 500_000, 1_000_000} {
		line := server.behind(t, func(int) fault { return fault{up: uncut, down: down} })
		_, err := server.channel(line.via).Fetch(t.Context(), listing.Files[0], &strings.Builder{})
		require.Error(t, err, down)
	}
	require.Contains(t, server.files(), inFolder+"/releve")
}
