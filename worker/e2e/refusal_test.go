//go:build linux

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/sample"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

// Columns of a line of ogep-cre/1 that the tests change.
const (
	columnCreID  = 2
	columnSiret  = 4
	columnScheme = 6
	columnGross  = 8
	columnValue  = 11
	columnLabel  = 15
)

// numberedDay is a day of the same merchants as the others, with a reference of its own.
func numberedDay(t testing.TB, sequence int) *sample.Day {
	t.Helper()
	day, err := sample.New(sample.Typical(7, 12, 60, businessDate(t), sequence))
	require.NoError(t, err)
	return day
}

// cre is a file in its records: the header, then the lines.
type cre []string

func readCRE(t testing.TB, day *sample.Day) cre {
	t.Helper()
	var file bytes.Buffer
	_, err := day.WriteSettlement(&file)
	require.NoError(t, err)
	records := strings.Split(strings.TrimSuffix(file.String(), "\n"), "\n")
	return records[:len(records)-1]
}

// with is the file with one column changed on a line, from 1.
func (c cre) with(line, column int, value string) cre {
	changed := slices.Clone(c)
	columns := strings.Split(changed[line], ";")
	columns[column] = value
	changed[line] = strings.Join(columns, ";")
	return changed
}

func (c cre) column(line, column int) string { return strings.Split(c[line], ";")[column] }

func (c cre) sums() (gross, commission int) {
	for _, record := range c[1:] {
		columns := strings.Split(record, ";")
		one, _ := strconv.Atoi(columns[columnGross]) // what is no number is the test's
		two, _ := strconv.Atoi(columns[columnGross+1])
		gross, commission = gross+one, commission+two
	}
	return gross, commission
}

// sealed is the file with the trailer that its records come to, shifted by what
// a test makes wrong.
func (c cre) sealed(count, gross, commission int) string {
	body := strings.Join(c, "\n") + "\n"
	sum := sha256.Sum256([]byte(body))
	grossSum, commissionSum := c.sums()
	return body + fmt.Sprintf("T;%d;%d;%d;%s\n", len(c)-1+count, grossSum+gross, commissionSum+commission, hex.EncodeToString(sum[:]))
}

func (c cre) good() string { return c.sealed(0, 0, 0) }

// put puts a file where the vacation looks for it, written long enough ago.
func put(t testing.TB, path, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	old := time.Now().Add(-time.Minute)
	require.NoError(t, os.Chtimes(path, old, old))
}

func (s *stage) request(t testing.TB, day *sample.Day) workflows.ReglementRequest {
	t.Helper()
	summary, err := day.WriteSettlement(new(bytes.Buffer))
	require.NoError(t, err)
	return request(t, day.Movement(&summary), filepath.Join(s.folders.Inbox, day.Reference()+".txt"))
}

// refusal is a file that no CP must hear of.
type refusal struct {
	file func(good cre) string
	code vacation.FailureCode
	says string     // part of the message
	at   fault.Code // of the first fault in the report, none where no report is made
	line int        // of that fault, 0 for the file's as a whole
}

// refusals of the file's content.
func refusals(settled cre) map[string]refusal {
	const invalid = vacation.FileInvalid
	changed := func(column int, value string) func(cre) string {
		return func(good cre) string { return good.with(3, column, value).good() }
	}
	return map[string]refusal{
		"empty":       {func(cre) string { return "" }, invalid, "stops before its end", fault.CodeEmpty, 0},
		"header only": {func(good cre) string { return good[0] + "\n" }, invalid, "without a trailer", fault.CodeNoTrailer, 0},
		"wrong count": {func(good cre) string { return good.sealed(1, 0, 0) }, invalid, "is not the number of lines", fault.CodeTrailerCount, 62},
		"wrong sum":   {func(good cre) string { return good.sealed(0, 1, 0) }, invalid, "gross amounts", fault.CodeTrailerSum, 62},
		"wrong sum of commissions": {
			func(good cre) string { return good.sealed(0, 0, -1) }, invalid, "commissions", fault.CodeTrailerSum, 62,
		},
		"wrong checksum": {
			func(good cre) string { return strings.Replace(good.good(), "C", "K", 1) }, invalid, "SHA-256", fault.CodeChecksum, 62,
		},
		"another amount than the bank's": {
			func(good cre) string {
				gross, _ := strconv.Atoi(good.column(3, columnGross))
				return good.with(3, columnGross, strconv.Itoa(gross+1)).good()
			}, vacation.AmountMismatch, "0.01 apart", "", 0,
		},
		"duplicate creId": {
			func(good cre) string { return good.with(3, columnCreID, good.column(2, columnCreID)).good() },
			vacation.DuplicateLine, "is already on line 3", fault.CodeDuplicateCre, 4,
		},
		"creIds that were settled before": {
			func(good cre) string {
				return good.with(3, columnCreID, settled.column(5, columnCreID)).with(9, columnCreID, settled.column(6, columnCreID)).good()
			}, vacation.DuplicateLine, "2 faults", fault.CodeDuplicateCre, 4,
		},
		"the file of a settled reference": {
			func(cre) string { return settled.good() }, vacation.DuplicateReference, "is the file of settlement", "", 0,
		},
		"another file of a settled reference": {
			func(good cre) string {
				again := slices.Clone(good)
				again[0] = settled[0]
				return again.good()
			}, vacation.DuplicateReference, "which is settled already", "", 0,
		},
		"the file of another bank line": {
			func(good cre) string {
				other := slices.Clone(good)
				other[0] = strings.Replace(other[0], "20260317UEP", "20260318UEP", 1)
				return other.good()
			}, vacation.ReferenceMismatch, "20260318UEP", "", 0,
		},
		"another operation": {
			func(good cre) string {
				other := slices.Clone(good)
				other[0] = strings.Replace(other[0], ";100;", ";200;", 1)
				return other.good()
			}, vacation.ReferenceMismatch, "operation 200", "", 0,
		},
		"NUL byte":     {changed(columnLabel, "RBCRR \x00"), invalid, "line 4", fault.CodeControl, 4},
		"10 MB line":   {changed(columnLabel, strings.Repeat("x", 10<<20)), invalid, "line 4", fault.CodeLineTooLong, 4},
		"Latin-1":      {changed(columnLabel, "CAF\xe9"), invalid, "line 4", fault.CodeEncoding, 4},
		"CR LF":        {func(good cre) string { return strings.ReplaceAll(good.good(), "\n", "\r\n") }, invalid, "line 1", fault.CodeLineEnding, 1},
		"truncated":    {func(good cre) string { return strings.TrimSuffix(good.good(), "\n") }, invalid, "stops before its end", fault.CodeTruncated, 62},
		"amount 1e3":   {changed(columnGross, "1e3"), invalid, `grossCents "1e3"`, fault.CodeAmount, 4},
		"amount 12.5":  {changed(columnGross, "12.5"), invalid, `grossCents "12.5"`, fault.CodeAmount, 4},
		"amount +5":    {changed(columnGross, "+5"), invalid, `grossCents "+5"`, fault.CodeAmount, 4},
		"overflow":     {changed(columnGross, strings.Repeat("9", 20)), invalid, "grossCents", fault.CodeAmount, 4},
		"30 February":  {changed(columnValue, "20260230"), invalid, `valueDate "20260230"`, fault.CodeDate, 4},
		"bad SIRET":    {changed(columnSiret, "73282932000075"), invalid, "siret", fault.CodeSiret, 4},
		"other scheme": {changed(columnScheme, "AMEX"), invalid, `scheme "AMEX"`, fault.CodeUnknown, 4},
	}
}

func TestARefusedFileTouchesNoAccount(t *testing.T) {
	t.Parallel()
	first := numberedDay(t, 1)
	s := newStage(t, first)
	settled := readCRE(t, first)
	movement := s.request(t, first)
	put(t, movement.File, settled.good())
	_, err := s.settle(t, movement)
	require.NoError(t, err)

	t.Cleanup(func() { verify(t, s) })

	sequence := 1
	for name, refused := range refusals(settled) {
		sequence++
		day := numberedDay(t, sequence)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.refuse(t, day, refused)
		})
	}
}

// refuse settles a refused file, and then the good one of the same settlement.
func (s *stage) refuse(t *testing.T, day *sample.Day, refused refusal) {
	t.Helper()
	request, good := s.request(t, day), readCRE(t, day)
	put(t, request.File, refused.file(good))

	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.NotNil(t, failure)
	require.Equal(t, refused.code, failure.Code, failure.Message)
	require.Equal(t, vacation.StageLoading, failure.Step)
	require.Contains(t, failure.Message, refused.says)
	require.NotContains(t, failure.Message, "\n")
	require.Less(t, len(failure.Message), 1_500, "a message is for a person to read")
	ended := "ENDED_WITH_ERROR " + string(refused.code) + " loading-file"
	s.requireEnds(t, request, ended)
	s.requireUntouched(t, day)
	s.requireReport(t, failure, refused)

	put(t, request.File, good.good())
	totals, err := s.settle(t, request)
	require.NoError(t, err)
	require.Equal(t, len(good)-1, totals.Lines)
	s.requireEnds(t, request, ended, "ENDED")
}

// requireUntouched says that nothing of the settlement is in the books but the bank's amount.
func (s *stage) requireUntouched(t testing.TB, day *sample.Day) {
	t.Helper()
	var entries, lines, parked, parts, orders int
	err := s.pool.QueryRow(t.Context(), `
		select (select count(*) from entry e join batch b on b.id = e.batch where b.scope = s.scope and b.step <> 'open'),
		       (select count(*) from cre_line c where c.settlement = s.number),
		       (select count(*) from parked_line p where p.settlement = s.number),
		       (select count(*) from settlement_part p where p.settlement = s.number),
		       (select count(*) from transfer_order o join batch b on b.id = o.batch where b.scope = s.scope)
		from settlement s
		where s.reference = $1 and s.file_sha256 is null and s.posted_lines = 0`, day.Reference()).
		Scan(&entries, &lines, &parked, &parts, &orders)
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 0, 0, 0}, []int{entries, lines, parked, parts, orders})
	left, err := filepath.Glob(filepath.Join(s.folders.Archive, day.Reference()+".cre.gz"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// requireReport reads the report that the message names: it has the place of each fault.
func (s *stage) requireReport(t testing.TB, failure *vacation.Failure, refused refusal) {
	t.Helper()
	_, path, found := strings.Cut(failure.Message, " Report: ")
	require.Equal(t, refused.at != "", found, failure.Message)
	if !found {
		return
	}
	require.Equal(t, s.folders.Archive, filepath.Dir(path))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var report fault.Faults
	require.NoError(t, json.Unmarshal(content, &report))
	require.Positive(t, report.Count)
	require.Equal(t, refused.at, report.Faults[0].Code)
	require.Equal(t, refused.line, report.Faults[0].Line)
	require.NotEmpty(t, report.Faults[0].Reason)
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, numberedDay(t, 1))
	t.Cleanup(func() { verify(t, s) })
	for name, test := range map[string]struct {
		day  *sample.Day
		make func(path string) error
		says string
	}{
		"pipe":   {numberedDay(t, 2), func(path string) error { return syscall.Mkfifo(path, 0o600) }, "no regular file (p"},
		"device": {numberedDay(t, 3), func(path string) error { return os.Symlink("/dev/null", path) }, "no regular file (D"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := s.request(t, test.day)
			require.NoError(t, test.make(request.File))
			_, err := s.settle(t, request)
			failure := activities.AsFailure(err)
			require.Equal(t, vacation.FileInvalid, failure.Code, failure.Message)
			require.Contains(t, failure.Message, test.says)
			s.requireEnds(t, request, "ENDED_WITH_ERROR FILE_INVALID loading-file")
			s.requireUntouched(t, test.day)

			require.NoError(t, os.Remove(request.File))
			put(t, request.File, readCRE(t, test.day).good())
			_, err = s.settle(t, request)
			require.NoError(t, err)
		})
	}
}

// TestAFileThatMayNotBeReadIsRefused loads it on a thread that has given up
// root's rights over files, where the test has them.
func TestAFileThatMayNotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	const nobody = 65_534
	s := newEmptyStage(t)
	day := numberedDay(t, 1)
	request := s.request(t, day)
	require.NoError(t, os.WriteFile(request.File, []byte("H;"), 0))
	loaded := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the function
		if err := syscall.Setfsuid(nobody); err != nil {
			loaded <- err
			return
		}
		_, err := s.ingest.LoadFile(t.Context(), activities.LoadFileRequest{Path: request.File})
		loaded <- err
	}()
	failure := activities.AsFailure(<-loaded)
	require.Equal(t, vacation.FileInvalid, failure.Code, failure.Message)
	require.Contains(t, failure.Message, "may not be read by the worker's user")
}

func TestNothingIsLoadedBeforeTheMerchants(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newEmptyStage(t)
	request := s.bring(t, day)
	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.MerchantsMissing, failure.Code)
	require.Contains(t, failure.Message, "starter merchants load")
	s.requireEnds(t, request, "ENDED_WITH_ERROR MERCHANTS_MISSING loading-file")
	s.requireUntouched(t, day)

	s.loadMerchants(t, day)
	s.fund(t)
	_, err = s.settle(t, request)
	require.NoError(t, err)
	verify(t, s)
}

// TestAFileThatStillGrowsIsWaitedFor finds a file without its end that changed
// just now: somebody is writing it.
func TestAFileThatStillGrowsIsWaitedFor(t *testing.T) {
	t.Parallel()
	day := numberedDay(t, 1)
	s := newStage(t, day)
	h := newHouse(t, s, nil)
	request := h.request(t, day)
	request.CutOff = time.Now().Add(time.Hour)
	whole := readCRE(t, day).good()
	require.NoError(t, os.WriteFile(request.File, []byte(whole[:len(whole)/2]), 0o600))
	soon := time.Now().Add(time.Hour) // nothing but the end of the writing makes it old
	require.NoError(t, os.Chtimes(request.File, soon, soon))

	run := h.start(t, request)
	eventually(t, "wait for the file's end", func() bool {
		answer, err := h.client.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), workflows.ProgressQuery)
		var progress vacation.Progress
		return err == nil && answer.Get(&progress) == nil && progress.Stage == vacation.StageAwaiting
	})
	h.requireUntouched(t, day)
	h.requireEnds(t, request, "RUNNING")
	put(t, request.File, whole)
	totals, err := end(t, run)
	require.NoError(t, err)
	require.Equal(t, 60, totals.Lines)
}

// TestOwnMoneyTooLowEndsWithError posts the lines, cannot cover the shortfalls,
// and goes on from there when fonctionnement is funded.
func TestOwnMoneyTooLowEndsWithError(t *testing.T) {
	t.Parallel()
	day := roughDay(t)
	s := newEmptyStage(t, smallCuts())
	s.loadMerchants(t, day)
	request := s.bring(t, day)
	_, err := s.settle(t, request)
	failure := activities.AsFailure(err)
	require.Equal(t, vacation.OwnMoneyTooLow, failure.Code)
	require.Equal(t, vacation.StageCovering, failure.Step)
	require.Contains(t, failure.Message, "fonctionnement holds 0.00")
	s.requireEnds(t, request, "ENDED_WITH_ERROR OWN_MONEY_TOO_LOW covering-shortfalls")
	require.Zero(t, s.number(t, `select count(*) from transfer_order`))

	s.fund(t)
	totals, err := s.settle(t, request)
	require.NoError(t, err)
	require.Positive(t, totals.Covered)
	s.requireEnds(t, request, "ENDED_WITH_ERROR OWN_MONEY_TOO_LOW covering-shortfalls", "ENDED")
	verify(t, s)
}
