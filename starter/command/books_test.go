package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

const (
	aReference   = "00000120260302UEP"
	aCorrelation = "5a1d7c0e-1663-11f1-8000-000000000001"
)

// oneRun writes a run that is under way, whose bank line is in the books and
// told by one event, into the database.
const oneRun = `
with run as (
    insert into vacation (kind, key, run, correlation_id, business_date, parameters_sha256, workflow_run, state, started_at, last_seq)
    values ('vacation-reglement-transactions', '` + aReference + `', 1, '` + aCorrelation + `', '2026-03-02',
            decode(repeat('00', 32), 'hex'), 'run-1', 'RUNNING', '2026-03-02 07:30:00+00', 1)
    returning number
), told as (
    insert into event_block (vacation, first_seq, last_seq, environment, node, instant)
    select number, 1, 1, 'I', 0, '2026-03-02 07:30:00+00' from run
)
insert into event (vacation, seq, type, params)
select number, 1, 'start-vacation-reglement-transactions', '[]' from run;
insert into debt (siret, created_at, initial_cents, remaining_cents)
values ('73282932000074', '2026-03-01 09:00:00+00', 100050, 70050)`

func TestBalance(t *testing.T) {
	t.Parallel()
	environ, _ := onDatabase(t)
	require.Zero(t, starter(t, environ, "books", "open", "--fonctionnement", "1234567.89").code)

	got := starter(t, environ, "balance", "BK.FON", "EQ.OPEN")
	require.Zero(t, got.code, got.err)
	require.Equal(t, "BK.FON   1234567.89 EUR\nEQ.OPEN  1234567.89 EUR\n", got.out)

	got = starter(t, environ, "balance", "BK.FON", "--json")
	require.Zero(t, got.code, got.err)
	require.JSONEq(t, `{"accounts":[{"account":"BK.FON","class":"BK","debitCents":123456789,"creditCents":0,
		"balanceCents":123456789}]}`, got.out)

	got = starter(t, environ, "balance")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "all BK       1234567.89 EUR  3 accounts\n")

	got = starter(t, environ, "balance", "1A17660007")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, `"1A17660007" is unknown here`)
}

func TestListsOfEmptyBooks(t *testing.T) {
	t.Parallel()
	environ, _ := onDatabase(t)
	for list, expected := range map[string]string{
		"debts":  `{"debts":[],"initialCents":0,"remainingCents":0}`,
		"parked": `{"lines":[],"total":0,"grossCents":0,"commissionCents":0}`,
	} {
		got := starter(t, environ, list, "--json")
		require.Zero(t, got.code, got.err)
		require.JSONEq(t, expected, got.out)
	}
	require.Equal(t, "0 open debts: 0.00 EUR left of 0.00 EUR\n", starter(t, environ, "debts").out)
	require.Equal(t, "0 parked lines: 0.00 EUR, commission 0.00 EUR\n", starter(t, environ, "parked").out)
}

func TestDebts(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	execute(t, url, oneRun)
	got := starter(t, environ, "debts")
	require.Zero(t, got.code, got.err)
	require.Equal(t, "SIRET 73282932000074  700.50 EUR  of 1000.50 EUR  since 2026-03-01 10:00:00 CET\n"+
		"1 open debt: 700.50 EUR left of 1000.50 EUR\n", got.out)
}

func TestTrace(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	execute(t, url, oneRun)

	got := starter(t, environ, "trace", aCorrelation)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, aCorrelation+" is a correlation\n")
	require.Contains(t, got.out, "state          RUNNING\n")
	require.Contains(t, got.out, "UI             http://localhost:8233/namespaces/default/workflows/"+
		"vacation-reglement-transactions%2F"+aReference+"/run-1/history\n")
	require.Contains(t, got.out, "events (1 of 1)\n"+`{"source":"B.EP.BPM","uid":"I260302T073000000S00000000"`)

	got = starter(t, environ, "trace", aCorrelation, "--json")
	require.Zero(t, got.code, got.err)
	var traced struct {
		Recognized  string `json:"recognized"`
		EventsTotal int64  `json:"eventsTotal"`
		Events      []struct {
			Type string `json:"type"`
		} `json:"events"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &traced))
	require.Equal(t, "correlation", traced.Recognized)
	require.Equal(t, int64(1), traced.EventsTotal)
	require.Equal(t, "start-vacation-reglement-transactions", traced.Events[0].Type)

	got = starter(t, environ, "trace", aCorrelation, "--events-only")
	require.Zero(t, got.code, got.err)
	require.True(t, json.Valid([]byte(got.out)), got.out)
	require.Equal(t, 1, strings.Count(got.out, "\n"))

	for _, id := range []string{"nothing", "99999920260302UEP", "5a1d7c0e-1663-11f1-8000-0000000000ff"} {
		got = starter(t, environ, "trace", id)
		require.Equal(t, command.ExitInput, got.code, got.err)
		require.Contains(t, got.err, "is unknown here", id)
	}
	got = starter(t, environ, "trace", aCorrelation, "--events", "-1")
	require.Equal(t, command.ExitInput, got.code)
}

// oneSettlement is the settlement of [oneRun], whose file was accepted.
const oneSettlement = `
insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date,
                        file_name, file_sha256, file_bytes, line_count, gross_cents, commission_cents, posted_lines)
values ('` + aReference + `', 'vacation-reglement-transactions/` + aReference + `', 'TRANSACTION', '100', 1011, '{}',
        decode(repeat('00', 32), 'hex'), '2026-03-03', 'a.txt', decode(repeat('ab', 32), 'hex'), 100, 2, 1011, 20, 1)`

func TestSummary(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	folder := t.TempDir()
	environ = append(environ, "REGLO_DATA_DIR="+folder)
	execute(t, url, oneRun)
	execute(t, url, oneSettlement)
	for _, name := range []string{
		"archive/" + aReference + ".cre.gz", "archive/00000220260302UEP.cre.gz", "events/ogep-events-2026-03-02.ndjson",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, filepath.Dir(name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}

	got := starter(t, environ, "summary", aReference)
	require.Zero(t, got.code, got.err)
	for _, line := range []string{
		"correlation    " + aCorrelation + "\n",
		"settlement  " + aReference + " of 10.11 EUR, value date 2026-03-03\n",
		"lines       2, 1 posted\n",
		"open debts: 1, 700.50 EUR left of 1000.50 EUR\n",
		"events: 1\n  start-vacation-reglement-transactions  1\n  1 event of all vacations not delivered yet\n",
		"  archive  " + filepath.Join(folder, "archive", aReference+".cre.gz") + "\n" +
			"  events   " + filepath.Join(folder, "events", "ogep-events-2026-03-02.ndjson") + "\n",
	} {
		require.Contains(t, got.out, line)
	}
	require.NotContains(t, got.out, "00000220260302UEP")

	got = starter(t, environ, "summary", aReference, "--json", "--delivered-within", "300ms")
	require.Zero(t, got.code, got.err)
	var summary struct {
		Settlement struct {
			Lines int `json:"lines"`
		} `json:"settlement"`
		Undelivered int64 `json:"undeliveredEvents"`
		Files       struct {
			Archive []string `json:"archive"`
		} `json:"files"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &summary))
	require.Equal(t, 2, summary.Settlement.Lines)
	require.Equal(t, int64(1), summary.Undelivered)
	require.Len(t, summary.Files.Archive, 1)

	execute(t, url, `insert into delivery (sink, vacation, delivered_seq, delivered_at) select 'file', number, 1, now() from vacation`)
	got = starter(t, environ, "summary", aReference, "--delivered-within", "1m")
	require.Zero(t, got.code, got.err)
	require.NotContains(t, got.out, "not delivered yet")
}

func TestSummaryOfWhatIsNoSettlement(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	execute(t, url, oneRun)
	got := starter(t, environ, "summary", aCorrelation)
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "is no settlement's")
	got = starter(t, environ, "summary", "00000220260302UEP")
	require.Equal(t, command.ExitInput, got.code)
}

func TestFundOwnMoney(t *testing.T) {
	t.Parallel()
	environ, _ := onDatabase(t)
	fund := func(amount, reference string) result {
		return starter(t, environ, "books", "fund", "--amount", amount, "--reference", reference)
	}
	require.Zero(t, starter(t, environ, "books", "open", "--fonctionnement", "100.00").code)

	got := fund("25.50", "VIR1")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "25.50 EUR recorded on BK.FON under VIR1")
	got = fund("25.50", "VIR1")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "was recorded before")
	got = fund("25.51", "VIR1")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "recorded before with another amount")
	require.Equal(t, command.ExitInput, fund("0", "VIR2").code)
	require.Equal(t, command.ExitInput, fund("1", "").code)

	require.Contains(t, starter(t, environ, "balance", "BK.FON").out, "125.50")
}
