package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/starter/command"
)

// onDatabase names a migrated database of the test's own.
func onDatabase(t *testing.T) (environ []string, url string) {
	t.Helper()
	url = pgtest.URL(t)
	return []string{"REGLO_DATABASE_URL=" + url, "TEMPORAL_ADDRESS=127.0.0.1:1"}, url
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), statement)
	require.NoError(t, err)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	environ := []string{"REGLO_DATABASE_URL=" + pgtest.Empty(t)}

	got := starter(t, environ, "verify")
	require.Equal(t, command.ExitEnded, got.code)
	require.Contains(t, got.err, "run `starter migrate`")

	for range 2 {
		got = starter(t, environ, "migrate")
		require.Zero(t, got.code, got.err)
		require.Contains(t, got.out, "is up to date")
	}
	require.Zero(t, starter(t, environ, "verify").code)
}

func TestMigrateOnADatabaseThatIsMissing(t *testing.T) {
	t.Parallel()
	url := strings.Replace(pgtest.Empty(t), "/reglo_test_", "/no_such_", 1)
	got := starter(t, []string{"REGLO_DATABASE_URL=" + url}, "migrate")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "does not exist")
	require.LessOrEqual(t, strings.Count(got.err, "\n"), 2, got.err)
}

func TestBooksOpen(t *testing.T) {
	t.Parallel()
	environ, _ := onDatabase(t)
	open := []string{"books", "open", "--fonctionnement", "50000.00", "--reglement", "12.5"}

	got := starter(t, environ, open...)
	require.Zero(t, got.code, got.err)
	require.Equal(t, "the books are open\nBK.REG  12.50 EUR\nBK.CAN  0.00 EUR\nBK.FON  50000.00 EUR\n", got.out)

	got = starter(t, environ, append(open, "--json")...)
	require.Zero(t, got.code, got.err)
	require.JSONEq(t, `{"reglementCents":1250,"cantonnementCents":0,"fonctionnementCents":5000000,"again":true}`, got.out)

	got = starter(t, environ, "books", "open", "--fonctionnement", "50000.01")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "opened before with other amounts; nothing was changed")
	require.Zero(t, starter(t, environ, "verify").code)
}

func TestMerchantsLoad(t *testing.T) {
	t.Parallel()
	environ, _ := onDatabase(t)
	file := filepath.Join(aDay(t), "merchants.csv")

	got := starter(t, environ, "merchants", "load", file)
	require.Zero(t, got.code, got.err)
	require.Equal(t, "snapshot 1 loaded from merchants.csv: 20 payment accounts, 20 opened, 0 closed\n", got.out)

	got = starter(t, environ, "merchants", "load", file, "--sequence", "1", "--json")
	require.Zero(t, got.code, got.err)
	var loaded map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.out), &loaded))
	require.Equal(t, true, loaded["again"])
	require.InDelta(t, 1, loaded["sequence"], 0)

	got = starter(t, environ, "merchants", "load", file, "--sequence", "2")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "the same file sent again")

	content, err := os.ReadFile(file)
	require.NoError(t, err)
	rows := strings.SplitAfter(string(content), "\n")
	short := write(t, "short.csv", strings.Join(rows[:11], ""))
	got = starter(t, environ, "merchants", "load", short, "--sequence", "3")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "not the next one, 2")

	got = starter(t, environ, "merchants", "load", short)
	require.Equal(t, command.ExitWaiting, got.code)
	require.Contains(t, got.err, "of 19 open payment accounts")
	got = starter(t, environ, "merchants", "load", short, "--max-closed", "100")
	require.Zero(t, got.code, got.err)

	got = starter(t, environ, "merchants", "load", write(t, "bad.csv", strings.Replace(string(content), "ACTIVE", "ACTIF", 1)))
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, `bad.csv: 1 fault: line 2`)
	require.Contains(t, got.err, "starter file check FILE")
}

func TestVerifyNamesThePlace(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	require.Zero(t, starter(t, environ, "books", "open", "--fonctionnement", "10").code)
	got := starter(t, environ, "verify")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "all invariants hold\n")

	execute(t, url, `update account set debit_cents = debit_cents + 1 where code = 'BK.FON'`)
	got = starter(t, environ, "verify")
	require.Equal(t, command.ExitEnded, got.code)
	require.Contains(t, got.out, "BALANCES_PROVED: ")
	require.Contains(t, got.out, "BK.FON")
	require.Contains(t, got.err, "the books do not prove: ")

	got = starter(t, environ, "verify", "--json")
	require.Equal(t, command.ExitEnded, got.code)
	var report struct {
		Clean    bool `json:"clean"`
		Breaches []struct {
			Invariant, Place, Found, Expected string
		} `json:"breaches"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &report))
	require.False(t, report.Clean)
	require.NotEmpty(t, report.Breaches)
}
