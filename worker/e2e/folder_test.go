//go:build linux

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// fillInbox puts into the inbox what a day brings beside the file that is
// looked for, and what is no file at all.
func (s *stage) fillInbox(t testing.TB, day *sample.Day) {
	t.Helper()
	whole := readCRE(t, day).good()
	in := func(name string) string { return filepath.Join(s.folders.Inbox, name) }
	for name, content := range map[string]string{
		"camt053.REG.xml":      `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><Id>` + day.Reference() + `</Id></Document>`,
		"Merchants.000002.csv": "accountId;siret\n",
		"Payline.000001.txt":   "H;1;2026-03-17\n",
		"empty.txt":            "",
		"one long line.txt":    "H;ogep-cre/1;" + strings.Repeat("x", 100_000),
		"binary.dat":           "\x00\x01\xff\n",
		"another.txt":          readCRE(t, numberedDay(t, 99)).good(),
		"line.txt":             readCRE(t, day)[1] + "\n",
		// The same file on its way.
		"." + day.Reference() + ".txt.Xa1":   whole,
		day.Reference() + ".txt.filepart":    whole[:len(whole)/2],
		day.Reference() + ".txt.tmp":         whole,
		"header without its end of line.txt": readCRE(t, day)[0],
	} {
		put(t, in(name), content)
	}
	require.NoError(t, os.Mkdir(in("folder"), 0o700))
	put(t, filepath.Join(in("folder"), "file.txt"), whole)
	require.NoError(t, syscall.Mkfifo(in("pipe"), 0o600))
	require.NoError(t, os.Symlink(in("folder/file.txt"), in("link.txt")))
}

// inFolder is the request that names the inbox for the file.
func (s *stage) inFolder(t testing.TB, day *sample.Day) workflows.ReglementRequest {
	t.Helper()
	request := s.request(t, day)
	request.File = s.folders.Inbox
	return request
}

func TestAFolderStandsForTheFileOfTheReferenceInIt(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	s.fillInbox(t, day)
	request := s.inFolder(t, day)

	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.FileMissing, failure.Code, failure.Message)
	require.Equal(t, vacation.StageAwaiting, failure.Step)
	require.Contains(t, failure.Message, "no file of reference "+day.Reference()+" in "+s.folders.Inbox)
	s.requireUntouched(t, day)

	put(t, filepath.Join(s.folders.Inbox, "Fichier.CRE.EP.TI.UEP.txt"), readCRE(t, day).good())
	before, err := os.ReadDir(s.folders.Inbox)
	require.NoError(t, err)
	totals, err := s.settle(t, request)
	require.NoError(t, err)
	require.Equal(t, 60, totals.Lines)
	verify(t, s)

	after, err := os.ReadDir(s.folders.Inbox)
	require.NoError(t, err)
	require.Len(t, after, len(before)-1, "the file that was settled, and no other, has left the inbox")
	require.NoFileExists(t, filepath.Join(s.folders.Inbox, "Fichier.CRE.EP.TI.UEP.txt"))
	require.FileExists(t, filepath.Join(s.folders.Archive, day.Reference()+".cre.gz"))
	content, err := os.ReadFile(filepath.Join(s.folders.Archive, day.Reference()+".settled.json"))
	require.NoError(t, err)
	var report struct {
		FileName string `json:"fileName"`
	}
	require.NoError(t, json.Unmarshal(content, &report))
	require.Equal(t, "Fichier.CRE.EP.TI.UEP.txt", report.FileName)
}

func TestTwoFilesOfOneReferenceAreRefused(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	request := s.inFolder(t, day)
	second := filepath.Join(s.folders.Inbox, "b.txt")
	put(t, filepath.Join(s.folders.Inbox, "a.txt"), readCRE(t, day).good())
	put(t, second, readCRE(t, day).sealed(1, 0, 0))
	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.FileInvalid, failure.Code, failure.Message)
	require.Contains(t, failure.Message, "a.txt and b.txt in "+s.folders.Inbox+" both carry reference "+day.Reference())
	s.requireUntouched(t, day)

	require.NoError(t, os.Remove(second))
	_, err = s.settle(t, request)
	require.NoError(t, err)
	verify(t, s)
}

// TestASecondFileThatComesLateStaysInTheInbox: the one that was settled is archived.
func TestASecondFileThatComesLateStaysInTheInbox(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	settled, late := p.request.File, filepath.Join(p.stage.folders.Inbox, "a-late-one.txt")
	p.request.File = p.stage.folders.Inbox
	for _, scene := range settling() {
		result, err := scene.play(t.Context(), p, p.stage)
		require.NoError(t, err, scene.name)
		p.keep(result)
	}
	put(t, late, readCRE(t, roughDay(t)).sealed(1, 0, 0))
	for range 2 {
		err := call(t.Context(), p.stage, activities.ArchiveFileName, activities.ArchiveFileRequest{
			Run: p.run, Path: p.request.File, Totals: p.totals,
		}, nil)
		require.NoError(t, err)
		require.NoFileExists(t, settled)
		require.FileExists(t, late)
		content, err := os.ReadFile(filepath.Join(p.stage.folders.Archive, p.totals.Reference+".settled.json"))
		require.NoError(t, err)
		require.Contains(t, string(content), `"fileName": "`+filepath.Base(settled)+`"`)
	}
}

func TestAFolderThatNobodyClearsIsRefused(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	for i := range 1_001 {
		put(t, filepath.Join(s.folders.Inbox, fmt.Sprintf("%04d", i)), "")
	}
	_, err := s.settle(t, s.inFolder(t, day))
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.FileInvalid, failure.Code, failure.Message)
	require.Contains(t, failure.Message, "holds more than 1000 files")
}

// TestAFileOfAFolderIsWaitedFor comes by a rename, while a run waits.
func TestAFileOfAFolderIsWaitedFor(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	h := newHouse(t, s, nil)
	s.fillInbox(t, day)
	request := s.inFolder(t, day)
	request.CutOff = time.Now().Add(time.Hour)
	run := h.start(t, request)
	eventually(t, "wait for the file", func() bool {
		answer, err := h.client.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), workflows.ProgressQuery)
		var progress vacation.Progress
		return err == nil && answer.Get(&progress) == nil && progress.Stage == vacation.StageAwaiting
	})
	elsewhere := filepath.Join(t.TempDir(), "arriving")
	put(t, elsewhere, readCRE(t, day).good())
	require.NoError(t, os.Rename(elsewhere, filepath.Join(s.folders.Inbox, "Fichier.CRE.EP.TI.UEP.txt")))
	totals, err := end(t, run)
	require.NoError(t, err)
	require.Equal(t, 60, totals.Lines)
	verify(t, s)
}
