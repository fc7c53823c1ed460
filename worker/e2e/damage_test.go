package e2e_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/activities/part"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
)

// played is a play after its first scenes.
func played(t testing.TB, scenes ...scene) *play {
	t.Helper()
	p := newPlay(t)
	for _, scene := range scenes {
		result, err := scene.play(t.Context(), p, p.stage)
		require.NoError(t, err, scene.name)
		p.keep(result)
	}
	return p
}

// TestAWorkerTakenForDeadAddsNothingToARunThatIsOver: its activities come after
// the end of the run, and do nothing or fail.
func TestAWorkerTakenForDeadAddsNothingToARunThatIsOver(t *testing.T) {
	t.Parallel()
	for _, scenes := range [][]scene{
		{openScene(), loadScene(), failScene()},
		{openScene(), loadScene(), postScene(), failScene()},
		settling(),
	} {
		p := played(t, scenes...)
		over := p.dump(t)
		for _, late := range settling() {
			_, err := late.play(t.Context(), p, p.stage)
			if err != nil {
				require.ErrorContains(t, err, "the run is over", late.name)
			}
			pgtest.Same(t, over, p.dump(t), late.name)
		}
	}
}

// TestDamagedPartsAreMadeAgain spoils the work folder between two chunks.
func TestDamagedPartsAreMadeAgain(t *testing.T) {
	t.Parallel()
	states := undisturbed(t, settling())
	want := states[activities.CloseSettlementName]
	for name, damage := range map[string]func(content []byte) []byte{
		"missing":   nil,
		"truncated": func(content []byte) []byte { return content[:len(content)/2] },
		"zeroes":    func(content []byte) []byte { return make([]byte, len(content)) },
		// Its last sale is another merchant's record by its amount: only the sums tell.
		"another amount": func(content []byte) []byte {
			at := bytes.LastIndex(content, []byte(";VENTE;")) + len(";VENTE;")
			return append(append(bytes.Clone(content[:at]), '1'), content[at:]...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := played(t, openScene(), loadScene())
			single := newStageOn(p.stage.pool, p.stage.folders, smallCuts(), oneChunkASlice())
			result, err := postScene().play(t.Context(), p, single)
			require.NoError(t, err)
			require.False(t, result.(activities.PostLinesResult).Done)

			path := filepath.Join(p.stage.folders.Work, p.sha256, "001.sales")
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			if damage == nil {
				require.NoError(t, os.Remove(path))
			} else {
				require.NoError(t, os.WriteFile(path, damage(content), 0o600))
			}
			result, err = postScene().play(t.Context(), p, p.stage)
			require.NoError(t, err)
			require.True(t, result.(activities.PostLinesResult).PartsLost)

			for _, scene := range settling()[1:] {
				result, err := scene.play(t.Context(), p, p.stage)
				require.NoError(t, err, scene.name)
				p.keep(result)
			}
			pgtest.Same(t, want[len(want)-1], p.dump(t))
		})
	}
}

// TestASpoiledFileDoesNotGoOn: parts are gone, and the file is not the one that was accepted.
func TestASpoiledFileDoesNotGoOn(t *testing.T) {
	t.Parallel()
	p := played(t, openScene(), loadScene())
	accepted := p.dump(t)
	require.NoError(t, os.RemoveAll(filepath.Join(p.stage.folders.Work, p.sha256)))
	content := readCRE(t, roughDay(t))
	put(t, p.request.File, content.with(1, columnLabel, "another label").good())
	_, err := loadScene().play(t.Context(), p, p.stage)
	require.Equal(t, vacation.ParametersConflict, activities.AsFailure(err).Code)

	// Without any file it is not found; with the first one it goes on.
	require.NoError(t, os.Remove(p.request.File))
	result, err := loadScene().play(t.Context(), p, p.stage)
	require.NoError(t, err)
	require.False(t, result.(activities.LoadFileResult).Found)
	put(t, p.request.File, content.good())
	result, err = loadScene().play(t.Context(), p, p.stage)
	require.NoError(t, err)
	require.True(t, result.(activities.LoadFileResult).Found)
	// And with parts, it needs no file.
	require.NoError(t, os.Remove(p.request.File))
	again, err := loadScene().play(t.Context(), p, p.stage)
	require.NoError(t, err)
	require.Equal(t, result, again)
	pgtest.Same(t, accepted, p.dump(t))
}

func (p *play) archive(ctx context.Context, on *stage) error {
	return call(ctx, on, activities.ArchiveFileName,
		activities.ArchiveFileRequest{Run: p.run, Path: p.request.File, Totals: p.totals}, nil)
}

// requireArchived says that the archive holds the file and its report, and no other folder anything of it.
func (p *play) requireArchived(t testing.TB, content []byte) {
	t.Helper()
	archive := filepath.Join(p.stage.folders.Archive, p.totals.Reference)
	compressed, err := os.Open(archive + ".cre.gz")
	require.NoError(t, err)
	defer func() { _ = compressed.Close() }() // only read
	reader, err := gzip.NewReader(compressed)
	require.NoError(t, err)
	kept, err := io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, content, kept)

	report, err := os.ReadFile(archive + ".settled.json")
	require.NoError(t, err)
	var totals vacation.Totals
	require.NoError(t, json.Unmarshal(report, &totals))
	require.Equal(t, p.totals, totals)

	for _, folder := range []string{p.stage.folders.Inbox, p.stage.folders.Work} {
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left, folder)
	}
	left, err := os.ReadDir(p.stage.folders.Archive)
	require.NoError(t, err)
	require.Len(t, left, 2)
}

func TestArchiveFileGoesOnFromWhereverItStopped(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(t *testing.T, p *play){
		"undisturbed": func(*testing.T, *play) {},
		"cancelled": func(t *testing.T, p *play) {
			t.Helper()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			require.Error(t, p.archive(ctx, p.stage))
			_, err := os.Stat(p.request.File)
			require.NoError(t, err, "a file leaves the inbox when its archive is safe")
		},
		"done before": func(t *testing.T, p *play) {
			t.Helper()
			require.NoError(t, p.archive(t.Context(), p.stage))
		},
		"compressed, not reported": func(t *testing.T, p *play) {
			t.Helper()
			kept, err := os.ReadFile(p.request.File)
			require.NoError(t, err)
			require.NoError(t, p.archive(t.Context(), p.stage))
			require.NoError(t, os.Remove(filepath.Join(p.stage.folders.Archive, p.totals.Reference+".settled.json")))
			require.NoError(t, os.WriteFile(p.request.File, kept, 0o600))
		},
		"the work folder left": func(t *testing.T, p *play) {
			t.Helper()
			require.NoError(t, p.archive(t.Context(), p.stage))
			require.NoError(t, os.MkdirAll(filepath.Join(p.stage.folders.Work, p.sha256), 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := played(t, settling()...)
			content, err := os.ReadFile(p.request.File)
			require.NoError(t, err)
			before(t, p)
			require.NoError(t, p.archive(t.Context(), p.stage))
			p.requireArchived(t, content)
		})
	}

	// The default name is the same every day: the next file may come before the last one is put away.
	t.Run("another file that came under its name stays", func(t *testing.T) {
		t.Parallel()
		next := []byte("the next day's file\n")
		p := played(t, settling()...)
		first, err := os.ReadFile(p.request.File)
		require.NoError(t, err)

		put(t, p.request.File, string(next))
		require.NoError(t, p.archive(t.Context(), p.stage))
		kept, err := os.ReadFile(p.request.File)
		require.NoError(t, err)
		require.Equal(t, next, kept)
		_, err = os.Stat(filepath.Join(p.stage.folders.Archive, p.totals.Reference+".cre.gz"))
		require.ErrorIs(t, err, os.ErrNotExist, "what was not settled is not archived as if it were")

		// Put away before, repeated after the next file came.
		put(t, p.request.File, string(first))
		require.NoError(t, p.archive(t.Context(), p.stage))
		put(t, p.request.File, string(next))
		require.NoError(t, p.archive(t.Context(), p.stage))
		kept, err = os.ReadFile(p.request.File)
		require.NoError(t, err)
		require.Equal(t, next, kept)
		require.NoError(t, os.Remove(p.request.File))
		p.requireArchived(t, first)
	})

	t.Run("a file that stands elsewhere stays", func(t *testing.T) {
		t.Parallel()
		p := played(t, openScene())
		elsewhere := filepath.Join(t.TempDir(), "mine.txt")
		require.NoError(t, os.Rename(p.request.File, elsewhere))
		p.request.File = elsewhere
		for _, scene := range settling()[1:] {
			result, err := scene.play(t.Context(), p, p.stage)
			require.NoError(t, err)
			p.keep(result)
		}
		content, err := os.ReadFile(elsewhere)
		require.NoError(t, err)
		require.NoError(t, p.archive(t.Context(), p.stage))
		p.requireArchived(t, content)
		_, err = os.Stat(elsewhere)
		require.NoError(t, err)
	})
}

// TestAFileOfManyParts splits a file that is larger than one part: each merchant's
// lines stay together, and parts share no CP.
func TestAFileOfManyParts(t *testing.T) {
	t.Parallel()
	day, err := sample.New(sample.Typical(3, 200, 50_000, businessDate(t), 1))
	require.NoError(t, err)
	s := newStage(t, day, withCut(part.OrdinaryCut()))
	totals, err := s.settle(t, s.bring(t, day))
	require.NoError(t, err)
	require.Equal(t, 50_000, totals.Lines)
	require.Greater(t, s.number(t, `select count(*) from settlement_part where part > 0`), int64(1))
	require.EqualValues(t, 1, s.number(t, `
		select max(parts) from (
			select count(distinct l.part) as parts
			from cre_line l
			join entry e on e.line = l.line and e.kind in ('SALE', 'REFUND')
			join merchant m on m.account in (e.debit, e.credit)
			group by m.siret) as each`))
	verify(t, s)
}
