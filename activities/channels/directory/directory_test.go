package directory_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/channels"
	"github.com/reglo/reglo/activities/channels/directory"
	"github.com/reglo/reglo/domain/transfer"
)

const name = "MONEXTEUR20260317001.xml"

var errTest = errors.New("of the test")

// holding is the file of that name, with that content.
func holding(text string) channels.File {
	return channels.File{Name: name, Write: func(to io.Writer) error {
		_, err := io.WriteString(to, text)
		return err
	}}
}

// files are all that stands below the folder.
func files(t testing.TB, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		relative, _ := filepath.Rel(folder, path)
		found[relative] = string(text)
		return err
	}))
	return found
}

func state(t testing.TB, channel *directory.Channel) transfer.State {
	t.Helper()
	outcome, err := channel.LookUp(t.Context(), channels.File{Name: name})
	require.NoError(t, err)
	return outcome.State
}

func TestABulkIsPutIntoTheFolderOnce(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "outbox")
	channel := directory.New(folder)
	_, err := channel.LookUp(t.Context(), channels.File{Name: name})
	require.ErrorIs(t, err, os.ErrNotExist, "a folder that is not there tells nothing")

	for range 2 {
		outcome, err := channel.Send(t.Context(), holding("one"))
		require.NoError(t, err)
		require.Equal(t, channels.Outcome{State: transfer.Sent, Detail: "file " + name}, outcome)
		require.Equal(t, map[string]string{name: "one"}, files(t, folder))
		require.Equal(t, transfer.Sent, state(t, channel))
	}
	outcome, err := channel.Send(t.Context(), holding("another"))
	require.NoError(t, err)
	require.Equal(t, transfer.Unknown, outcome.State)
	require.Equal(t, map[string]string{name: "one"}, files(t, folder), "never in the place of another file")

	// The transmitter takes it away: it is sent all the same.
	require.NoError(t, os.Rename(filepath.Join(folder, name), filepath.Join(folder, directory.Sent, name)))
	require.Equal(t, transfer.Sent, state(t, channel))
	outcome, err = channel.Send(t.Context(), holding("one"))
	require.NoError(t, err)
	require.Equal(t, transfer.Sent, outcome.State)
	require.Equal(t, map[string]string{directory.Sent + "/" + name: "one"}, files(t, folder))
}

func TestWhatIsNotWrittenIsNotSent(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	channel := directory.New(folder)
	require.Equal(t, transfer.Prepared, state(t, channel))
	// What a worker that died has left is no bulk, and goes with the next attempt.
	require.NoError(t, os.WriteFile(filepath.Join(folder, "."+name+".123"), []byte("half"), 0o600))
	require.Equal(t, transfer.Prepared, state(t, channel))

	_, err := channel.Send(t.Context(), channels.File{Name: name, Write: func(to io.Writer) error {
		_, err := io.WriteString(to, "half")
		return errors.Join(err, errTest)
	}})
	require.ErrorIs(t, err, errTest)
	require.ErrorIs(t, err, channels.ErrNotSent)
	require.Empty(t, files(t, folder))
	require.Equal(t, transfer.Prepared, state(t, channel))

	_, err = channel.Send(t.Context(), channels.File{Name: "../x"})
	require.ErrorIs(t, err, channels.ErrName)
	require.ErrorIs(t, err, channels.ErrNotSent)
	_, err = channel.LookUp(t.Context(), channels.File{Name: "../x"})
	require.ErrorIs(t, err, channels.ErrName)

	file := filepath.Join(folder, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = directory.New(file).Send(t.Context(), holding("one"))
	require.ErrorIs(t, err, channels.ErrNotSent)
	_, err = directory.New(file).LookUp(t.Context(), channels.File{Name: name})
	require.Error(t, err, "not a folder: it tells nothing")
}

// TestWorkersAtOnce: one that was taken for dead may still be at it.
func TestWorkersAtOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	channel := directory.New(folder)
	var sending sync.WaitGroup
	for range 8 {
		sending.Go(func() {
			outcome, err := channel.Send(t.Context(), holding("one"))
			if err == nil && outcome.State != transfer.Sent {
				t.Errorf("the same file is %s", outcome.State)
			}
			if err != nil && !errors.Is(err, channels.ErrNotSent) {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	require.Equal(t, transfer.Sent, state(t, channel))
	require.Equal(t, map[string]string{name: "one"}, files(t, folder))
}
