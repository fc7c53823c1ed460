package directory_test

import (
	"context"
	"crypto/sha256"
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
	return channels.File{Name: name, Bytes: int64(len(text)), SHA256: sha256.Sum256([]byte(text)), Write: func(to io.Writer) error {
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
	outcome, err := channel.LookUp(t.Context(), holding("one"))
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

// TestFaults has something in the way, or something go wrong, at each moment of an
// attempt, does what a dispatch does, and compares what is said with what stands
// there.
func TestFaults(t *testing.T) {
	t.Parallel()
	at := func(folder string) string { return filepath.Join(folder, name) }
	taken := func(folder string) string { return filepath.Join(folder, directory.Sent, name) }
	put := func(t *testing.T, path, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	for about, test := range map[string]struct {
		before func(t *testing.T, folder string)
		during func(t *testing.T, folder string, cancel func()) error // half-way through the content
		want   transfer.State
		copies int
	}{
		"none":                  {want: transfer.Sent, copies: 1},
		"the file stands there": {before: func(t *testing.T, f string) { t.Helper(); put(t, at(f), "one") }, want: transfer.Sent, copies: 1},
		"the file was taken":    {before: func(t *testing.T, f string) { t.Helper(); put(t, taken(f), "one") }, want: transfer.Sent, copies: 1},
		"another stands there":  {before: func(t *testing.T, f string) { t.Helper(); put(t, at(f), "two") }, want: transfer.Unknown},
		"another was taken":     {before: func(t *testing.T, f string) { t.Helper(); put(t, taken(f), "two") }, want: transfer.Unknown},
		"a folder stands there": {before: func(t *testing.T, f string) { t.Helper(); require.NoError(t, os.MkdirAll(at(f), 0o700)) }, want: transfer.Unknown},
		"no place for what was taken": {
			before: func(t *testing.T, f string) { t.Helper(); put(t, filepath.Join(f, directory.Sent), "") }, want: transfer.Prepared,
		},
		"the content fails": {during: func(*testing.T, string, func()) error { return errTest }, want: transfer.Prepared},
		"cancelled":         {during: func(_ *testing.T, _ string, cancel func()) error { cancel(); return nil }, want: transfer.Prepared},
		"another attempt put it there": {
			during: func(t *testing.T, f string, _ func()) error { t.Helper(); put(t, at(f), "one"); return nil }, want: transfer.Sent, copies: 1,
		},
		"another attempt's was taken": {
			during: func(t *testing.T, f string, _ func()) error { t.Helper(); put(t, taken(f), "one"); return nil }, want: transfer.Sent, copies: 1,
		},
		"another file came": {
			during: func(t *testing.T, f string, _ func()) error { t.Helper(); put(t, at(f), "two"); return nil }, want: transfer.Unknown,
		},
		"the folder went away": {
			during: func(_ *testing.T, f string, _ func()) error { return os.RemoveAll(f) }, want: transfer.Prepared,
		},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "outbox")
			if test.before != nil {
				test.before(t, folder)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			file := holding("one")
			file.Write = func(to io.Writer) error {
				_, err := io.WriteString(to, "o")
				if err == nil && test.during != nil {
					err = test.during(t, folder, cancel)
				}
				_, rest := io.WriteString(to, "ne")
				return errors.Join(err, rest)
			}
			channel := directory.New(folder)
			outcome, err := channel.Send(ctx, file)
			if errors.Is(err, channels.ErrNotSent) {
				outcome.State = transfer.Prepared
			} else if err != nil {
				if outcome, err = channel.LookUp(t.Context(), file); err != nil {
					outcome.State = transfer.Unknown // nobody is told
				}
			}
			require.Equal(t, test.want, outcome.State, err)
			copies := 0
			for path, text := range files(t, filepath.Dir(folder)) {
				if filepath.Base(path) == name && text == "one" {
					copies++
				}
			}
			require.Equal(t, test.copies, copies)
		})
	}
}

// TestALookUpComparesContents: what stands under a file's name may be another one.
func TestALookUpComparesContents(t *testing.T) {
	t.Parallel()
	for _, place := range []string{name, directory.Sent + "/" + name} {
		folder := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(folder, directory.Sent), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, place), []byte("two"), 0o600))
		require.Equal(t, transfer.Unknown, state(t, directory.New(folder)))
		require.NoError(t, os.WriteFile(filepath.Join(folder, place), []byte("one"), 0o600))
		require.Equal(t, transfer.Sent, state(t, directory.New(folder)))
	}
}
