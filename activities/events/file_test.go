package events_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/events"
	"github.com/reglo/reglo/domain/calendar"
)

func pageOf(first, count int) events.Page {
	var frames strings.Builder
	for seq := first; seq < first+count; seq++ {
		fmt.Fprintf(&frames, "{\"seq\":%d}\n", seq)
	}
	return events.Page{CorrelationID: "c", FirstSeq: int64(first), LastSeq: int64(first + count - 1), Frames: []byte(frames.String())}
}

func TestFileRotatesAtMidnightInParis(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		at   time.Time // in UTC
		want string
	}{
		{"summer, before midnight", time.Date(2026, time.July, 8, 21, 59, 59, 999e6, time.UTC), "2026-07-08"},
		{"summer, midnight", time.Date(2026, time.July, 8, 22, 0, 0, 0, time.UTC), "2026-07-09"},
		{"winter, before midnight", time.Date(2026, time.January, 8, 22, 59, 59, 0, time.UTC), "2026-01-08"},
		{"winter, midnight", time.Date(2026, time.January, 8, 23, 0, 0, 0, time.UTC), "2026-01-09"},
		{"eve of the spring change", time.Date(2026, time.March, 28, 23, 0, 0, 0, time.UTC), "2026-03-29"},
		{"day of the spring change, before midnight", time.Date(2026, time.March, 29, 21, 59, 0, 0, time.UTC), "2026-03-29"},
		{"day of the spring change, midnight", time.Date(2026, time.March, 29, 22, 0, 0, 0, time.UTC), "2026-03-30"},
		{"day of the autumn change, before midnight", time.Date(2026, time.October, 25, 22, 59, 0, 0, time.UTC), "2026-10-25"},
		{"day of the autumn change, midnight", time.Date(2026, time.October, 25, 23, 0, 0, 0, time.UTC), "2026-10-26"},
	}
	folder, hand := t.TempDir(), &clock{}
	sink := events.NewFile(folder, hand.now)
	t.Cleanup(func() { _ = sink.Close() })
	want := make(map[string]int)
	for i, test := range tests {
		hand.set(test.at)
		require.NoError(t, sink.Deliver(t.Context(), pageOf(i, 1)))
		name := "ogep-events-" + test.want + ".ndjson"
		want[name]++
		require.Len(t, readFolder(t, folder)[name], want[name], test.name)
	}
	require.Len(t, readFolder(t, folder), len(want))
}

func TestFileIsTheWorkersOwn(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "data", "events")
	sink := events.NewFile(folder, fixed(startedAt()))
	t.Cleanup(func() { _ = sink.Close() })
	require.NoError(t, sink.Deliver(t.Context(), pageOf(1, 2)))
	info, err := os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(folder, events.FileName(calendar.DateOf(startedAt()))))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestFileCutsATornLastLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, after string }{
		"empty":                  {"", ""},
		"whole":                  {"{\"seq\":0}\n", "{\"seq\":0}\n"},
		"torn":                   {"{\"seq\":0}\n{\"se", "{\"seq\":0}\n"},
		"nothing but torn":       {"{\"se", ""},
		"torn, of a large event": {"{\"seq\":0}\n" + strings.Repeat("x", 300_000), "{\"seq\":0}\n"},
		"large events":           {strings.Repeat("x", 300_000) + "\n" + strings.Repeat("y", 100_000) + "\nz", strings.Repeat("x", 300_000) + "\n" + strings.Repeat("y", 100_000) + "\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, events.FileName(calendar.DateOf(startedAt())))
			require.NoError(t, os.WriteFile(path, []byte(test.before), 0o600))
			sink := events.NewFile(folder, fixed(startedAt()))
			page := pageOf(1, 3)
			require.NoError(t, sink.Deliver(t.Context(), page))
			require.NoError(t, sink.Close())
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, test.after+string(page.Frames), string(content))
		})
	}
}

func TestFileThatWasMovedAwayIsMadeAgain(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, events.FileName(calendar.DateOf(startedAt())))
	sink := events.NewFile(folder, fixed(startedAt()))
	t.Cleanup(func() { _ = sink.Close() })
	require.NoError(t, sink.Deliver(t.Context(), pageOf(1, 1)))
	require.NoError(t, os.Rename(path, path+".taken"))
	require.NoError(t, sink.Deliver(t.Context(), pageOf(2, 1)))
	require.NoError(t, os.RemoveAll(folder))
	require.NoError(t, sink.Deliver(t.Context(), pageOf(3, 1)))
	require.Equal(t, "{\"seq\":3}", string(readFolder(t, folder)[filepath.Base(path)][0]))
}

func TestFilesOfTwoProcessesDoNotMix(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var writers sync.WaitGroup
	const pages, size = 50, 200
	for writer := range 2 {
		writers.Go(func() {
			sink := events.NewFile(folder, fixed(startedAt()))
			for i := range pages {
				if err := sink.Deliver(t.Context(), pageOf((writer*pages+i)*size, size)); err != nil {
					t.Error(err)
				}
			}
			_ = sink.Close()
		})
	}
	writers.Wait()
	lines := readFolder(t, folder)[events.FileName(calendar.DateOf(startedAt()))]
	require.Len(t, lines, 2*pages*size)
	for start := 0; start < len(lines); start += size {
		var first int
		_, err := fmt.Sscanf(string(lines[start]), "{\"seq\":%d}", &first)
		require.NoError(t, err)
		for i := range size {
			require.Equal(t, fmt.Sprintf("{\"seq\":%d}", first+i), string(lines[start+i]), "a page stays in one piece")
		}
	}
}

// TestFullDisk runs alone: the limit on the size of files is the process's.
func TestFullDisk(t *testing.T) { //nolint:paralleltest // see above
	folder := t.TempDir()
	path := filepath.Join(folder, events.FileName(calendar.DateOf(startedAt())))
	sink := events.NewFile(folder, fixed(startedAt()))
	t.Cleanup(func() { _ = sink.Close() })
	first, second := pageOf(1, 100), pageOf(101, 100)
	require.NoError(t, sink.Deliver(t.Context(), first))

	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limited := before
	limited.Cur = uint64(len(first.Frames)) + 100 // room for a part of the page
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited))
	err := sink.Deliver(t.Context(), second)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
	require.ErrorContains(t, err, "append")

	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(first.Frames), string(content), "the part that fitted is taken back")
	require.NoError(t, sink.Deliver(t.Context(), second))
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(first.Frames)+string(second.Frames), string(content))
}
