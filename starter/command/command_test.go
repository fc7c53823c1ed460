package command_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

// now is the clock of the commands: a Monday, 08:30 in Paris.
var now = time.Date(2026, time.March, 2, 7, 30, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// result is what one command line left.
type result struct {
	code     int
	out, err string
}

// starter runs one command line in this process.
func starter(tb testing.TB, environ []string, args ...string) result {
	tb.Helper()
	var out, err bytes.Buffer
	code := command.Run(tb.Context(), args, command.Surroundings{
		Out: &out, Err: &err, Environ: environ, Now: func() time.Time { return now },
	})
	return result{code: code, out: out.String(), err: err.String()}
}

// nowhere names servers that do not answer: nobody listens on the lowest ports.
func nowhere() []string {
	return []string{"REGLO_DATABASE_URL=postgres://me:s3cret@127.0.0.1:2/books", "TEMPORAL_ADDRESS=127.0.0.1:1"}
}

// writeTo writes a file of a test.
func writeTo(path, content string) error { return os.WriteFile(path, []byte(content), 0o600) }

func write(tb testing.TB, name, content string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), name)
	require.NoError(tb, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// aDay is the folder of a made-up day.
func aDay(tb testing.TB, args ...string) string {
	tb.Helper()
	folder := filepath.Join(tb.TempDir(), "day")
	made := starter(tb, nil, append([]string{"sample", "--out", folder, "--lines", "200", "--merchants", "20"}, args...)...)
	require.Zero(tb, made.code, made.err)
	return folder
}

func TestBadUsage(t *testing.T) {
	t.Parallel()
	folder := aDay(t)
	global := filepath.Join(folder, "globalTransaction.json")
	line, err := os.ReadFile(global)
	require.NoError(t, err)
	other := strings.Replace(string(line), `"reference":"000001`, `"reference":"000002`, 1)
	debit := strings.Replace(string(line), `"value":`, `"value":-`, 1)
	label := strings.Replace(string(line), "REM E 100", "VIR SEPA", 1)

	for _, test := range []struct {
		name string
		args []string
		says string
	}{
		{"no command", nil, "starter wants one of: "},
		{"unknown command", []string{"bogus"}, `unknown command "bogus"`},
		{"group alone", []string{"run"}, "starter run wants one of: creances, financiere, reglement-impayes"},
		{"unknown in group", []string{"run", "bogus"}, `unknown command "bogus" of starter run`},
		{"unknown flag", []string{"--bogus"}, "unknown flag: --bogus"},
		{"flag of another command", []string{"verify", "--lines", "3"}, "unknown flag: --lines"},
		{"missing argument", []string{"merchants", "load"}, "accepts 1 arg(s), received 0"},
		{"superfluous argument", []string{"migrate", "now"}, "starter migrate"},
		{"sample nowhere", []string{"sample"}, "--out is missing"},
		{"sample out of range", []string{"sample", "--out", t.TempDir(), "--merchants", "0"}, "merchants is 0"},
		{"no such day", []string{"sample", "--out", t.TempDir(), "--date", "2026-02-30"}, "2026-02-30"},
		{"no opening amount", []string{"books", "open"}, "--fonctionnement is missing"},
		{"amount with a comma", []string{"books", "open", "--fonctionnement", "1,5"}, `amount "1,5"`},
		{"amount below zero", []string{"books", "open", "--fonctionnement", "-1"}, "below zero"},
		{"merchants missing", []string{"merchants", "load", "/nowhere.csv"}, "/nowhere.csv: no such file"},
		{"merchants folder", []string{"merchants", "load", folder}, "is no file"},
		{"sequence zero", []string{"merchants", "load", global, "--sequence", "0"}, "numbered from 1"},
		{"share", []string{"merchants", "load", global, "--max-closed", "101"}, "want a share"},
		{"run without a bank line", []string{"run", "reglement-transactions", "--file", "x"}, "--global is missing"},
		{"run without a file", []string{"run", "reglement-transactions", "--global", global}, "--file is missing"},
		{"run on a Sunday", append(run(global, "x"), "--date", "2026-03-01"), "2026-03-01 is no TARGET day"},
		{"timeout alone", append(run(global, "x"), "--timeout", "1s"), "--timeout goes with --wait"},
		{"bank line missing", run("/nowhere.json", "x"), "/nowhere.json: no such file"},
		{"bank line not JSON", run(write(t, "g.json", "no"), "x"), "g.json"},
		{"bank line of another reference", run(write(t, "g.json", other), "x"), "the fields say 000002"},
		{"bank line that is a debit", run(write(t, "g.json", debit), "x"), "is no credit"},
		{"bank line of another kind", run(write(t, "g.json", label), "x"), "is not that of a settlement"},
		{"bank line too long", run(write(t, "g.json", strings.Repeat(" ", 70_000)), "x"), "longer than 65536 bytes"},
		{"progress of nonsense", []string{"progress", "a b"}, "vacation id"},
	} {
		got := starter(t, nowhere(), test.args...)
		require.Equal(t, command.ExitInput, got.code, "%s: %s", test.name, got.err)
		require.Contains(t, got.err, test.says, test.name)
		require.Contains(t, got.err, "\nwhat to do: ", test.name)
		require.LessOrEqual(t, strings.Count(got.err, "\n"), 2, test.name)
		require.Empty(t, got.out, test.name)
	}
}

func run(global, file string) []string {
	return []string{"run", "reglement-transactions", "--global", global, "--file", file}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	folder := aDay(t)
	cre := filepath.Join(folder, "Fichier.CRE.EP.TI.UEP.txt")
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"migrate"}, "PostgreSQL at 127.0.0.1:2/books does not answer"},
		{[]string{"merchants", "load", filepath.Join(folder, "merchants.csv")}, "PostgreSQL at 127.0.0.1:2/books does not answer"},
		{[]string{"books", "open", "--fonctionnement", "1"}, "PostgreSQL at 127.0.0.1:2/books does not answer"},
		{[]string{"register"}, "Temporal at 127.0.0.1:1 does not answer"},
		{[]string{"progress", "00000120260302UEP"}, "Temporal at 127.0.0.1:1 does not answer"},
		{run(filepath.Join(folder, "globalTransaction.json"), cre), "Temporal at 127.0.0.1:1 does not answer"},
	} {
		got := starter(t, nowhere(), test.args...)
		require.Equal(t, command.ExitUnreachable, got.code, got.err)
		require.Contains(t, got.err, test.says)
		require.Contains(t, got.err, "make up")
		require.NotContains(t, got.err, "s3cret")
		require.LessOrEqual(t, strings.Count(got.err, "\n"), 2)
	}
}

func TestJSONOfAnError(t *testing.T) {
	t.Parallel()
	got := starter(t, nowhere(), "--json", "migrate")
	var document struct {
		Error struct {
			ExitCode int    `json:"exitCode"`
			Message  string `json:"message"`
			Next     string `json:"next"`
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &document))
	require.Equal(t, command.ExitUnreachable, document.Error.ExitCode)
	require.Contains(t, got.err, document.Error.Message)
	require.Contains(t, got.err, document.Error.Next)
}

func TestUnknownSettingIsNamed(t *testing.T) {
	t.Parallel()
	got := starter(t, []string{"REGLO_DATABASE_URI=x"}, "config")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "REGLO_DATABASE_URI")
	require.Contains(t, got.err, "REGLO_DATABASE_URL")
}

func TestConfigHidesSecrets(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"config"}, {"config", "--json"}} {
		got := starter(t, nowhere(), args...)
		require.Zero(t, got.code, got.err)
		require.Contains(t, got.out, "127.0.0.1:2/books")
		require.NotContains(t, got.out, "s3cret")
	}
	got := starter(t, nowhere(), "config", "--json")
	var settings map[string]string
	require.NoError(t, json.Unmarshal([]byte(got.out), &settings))
	require.Equal(t, "16:00", settings["calendar.cutoff"])
}

func TestVersion(t *testing.T) {
	t.Parallel()
	got := starter(t, nil, "version")
	require.Zero(t, got.code)
	require.True(t, strings.HasPrefix(got.out, "starter "), got.out)
	require.Equal(t, got, starter(t, nil, "--version"))
}

func TestHelpNamesTheExitCodes(t *testing.T) {
	t.Parallel()
	got := starter(t, nil, "--help")
	require.Zero(t, got.code)
	require.Contains(t, got.out, "Exit codes: 0 done, 1 ended with error, 2 bad usage or input")
}

func TestSampleIsTheSameTwice(t *testing.T) {
	t.Parallel()
	first, second := aDay(t), aDay(t)
	for _, name := range []string{"merchants.csv", "Fichier.CRE.EP.TI.UEP.txt", "globalTransaction.json"} {
		a, err := os.ReadFile(filepath.Join(first, name))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(second, name))
		require.NoError(t, err)
		require.Equal(t, a, b, name)
	}
	left, err := os.ReadDir(first)
	require.NoError(t, err)
	require.Len(t, left, 3, "no unfinished file stays")
}

func TestFileCheck(t *testing.T) {
	t.Parallel()
	folder := aDay(t)
	cre := filepath.Join(folder, "Fichier.CRE.EP.TI.UEP.txt")

	got := starter(t, nil, "file", "check", cre)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "reference        00000120260302UEP\n")
	require.Contains(t, got.out, "valid: all controls passed\n")

	got = starter(t, nil, "file", "check", filepath.Join(folder, "merchants.csv"))
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "format     ogep-merchants/1\n")

	content, err := os.ReadFile(cre)
	require.NoError(t, err)
	broken := write(t, "broken.txt", strings.Replace(string(content), ";VENTE;", ";VENT;", 2))
	got = starter(t, nil, "file", "check", broken)
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.out, `broken.txt line 2 column`)
	require.Contains(t, got.out, `type "VENT"`)

	got = starter(t, nil, "file", "check", "--json", broken)
	require.Equal(t, command.ExitInput, got.code)
	var document struct {
		Valid      bool `json:"valid"`
		FaultCount int  `json:"faultCount"`
		Faults     []struct {
			Line   int    `json:"line"`
			Column int    `json:"column"`
			Field  string `json:"field"`
			Value  string `json:"value"`
			Code   string `json:"code"`
		} `json:"faults"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &document), got.out)
	require.False(t, document.Valid)
	require.Len(t, document.Faults, document.FaultCount)
	require.Equal(t, 2, document.Faults[0].Line)
	require.Positive(t, document.Faults[0].Column)
	require.Equal(t, "VENT", document.Faults[0].Value)

	for name, content := range map[string]string{"empty": "", "neither": "hello\n"} {
		got = starter(t, nil, "file", "check", write(t, name, content))
		require.Equal(t, command.ExitInput, got.code, name)
		require.NotEmpty(t, got.out, name)
	}
}
