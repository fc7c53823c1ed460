package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/sample"
)

// run executes a command and reads its document.
func run(t *testing.T, data string, args ...string) map[string]any {
	t.Helper()

	var out bytes.Buffer

	command := newProgram(&out, []string{"REGLO_DATA_DIR=" + data})
	command.SetArgs(append(args, "--state", filepath.Join(data, "bank.json")))
	require.NoError(t, command.Execute())

	var document map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &document))

	return document
}

func TestADayByCommands(t *testing.T) {
	t.Parallel()

	data := t.TempDir()
	run(t, data, "open", "--fonctionnement", "1000.00")
	run(t, data, "settle", "--date", "2026-03-17", "--reference", "00000720260317UEP", "--amount", "12.34")
	run(t, data, "line", "--date", "2026-03-17", "--key", "fee", "--amount", "-5.00")

	moves := filepath.Join(data, "moves.jsonl")
	require.NoError(t, os.WriteFile(moves, []byte(
		`{"key":"a","account":"BK.REG","label":"A","amountCents":100,"valueDate":"2026-03-17"}`+"\n"+
			`{"key":"b","account":"BK.CAN","label":"B","amountCents":7}`+"\n"), 0o600))
	require.Len(t, run(t, data, "book", "--date", "2026-03-17", moves)["lines"], 2)
	require.Nil(t, run(t, data, "take", "--date", "2026-03-17")["bulks"])
	require.Equal(t, []any{"camt053.REG.20260317.1.xml", "camt053.CAN.20260317.1.xml"},
		run(t, data, "statement", "--date", "2026-03-17", "--missing", "BK.FON")["files"])
	require.FileExists(t, filepath.Join(data, "inbox", "camt053.REG.20260317.1.xml"))
	require.Equal(t, []any{"camt053.FON.20260317.1.xml"}, run(t, data, "release")["files"])
	require.Equal(t, map[string]any{"BK.REG": 1334.0, "BK.CAN": 7.0, "BK.FON": 99500.0}, run(t, data, "balance")["balancesCents"])
}

// TestMovementsOfASampleDay books what `starter sample day` writes.
func TestMovementsOfASampleDay(t *testing.T) {
	t.Parallel()

	data := t.TempDir()
	date, err := calendar.ParseDate("2026-03-17")
	require.NoError(t, err)

	journee, err := sample.NewJournee(sample.JourneeOptions{Seed: 1, Merchants: 50, Lines: 600, Date: date, Number: 1, Snapshot: 1})
	require.NoError(t, err)

	paths := map[string]string{}

	for _, file := range journee.Files() {
		if file.Place != sample.AtBank {
			continue
		}

		var content bytes.Buffer
		require.NoError(t, file.Write(&content))

		paths[file.Name] = filepath.Join(data, file.Name)
		require.NoError(t, os.WriteFile(paths[file.Name], content.Bytes(), 0o600))
	}

	var sum money.Cents
	for _, moved := range journee.Movements() {
		if moved.Account == ledger.Reglement {
			sum += moved.Amount
		}
	}

	run(t, data, "open")
	require.Len(t, run(t, data, "book", "--date", "2026-03-17", paths[sample.MovementsFile])["lines"], len(journee.Movements()))
	run(t, data, "take", "--date", "2026-03-17", "--reject-ibans", paths[sample.RejectIBANsFile])
	require.InDelta(t, float64(sum), run(t, data, "balance")["balancesCents"].(map[string]any)["BK.REG"], 0)
}

func TestWrongCommands(t *testing.T) {
	t.Parallel()

	data := t.TempDir()
	state := filepath.Join(data, "bank.json")
	run(t, data, "open")

	for name, args := range map[string][]string{
		"no state":       {"balance"},
		"no books":       {"balance", "--state", filepath.Join(data, "none")},
		"books again":    {"open", "--state", state},
		"no day":         {"take", "--state", state},
		"no such day":    {"take", "--state", state, "--date", "2026-02-30"},
		"a wrong amount": {"settle", "--state", state, "--date", "2026-03-17", "--amount", "1,5"},
		"a wrong share":  {"take", "--state", state, "--date", "2026-03-17", "--reject-share", "1001"},
		"no IBANs":       {"take", "--state", state, "--date", "2026-03-17", "--reject-ibans", filepath.Join(data, "none")},
		"no movements":   {"book", "--state", state, "--date", "2026-03-17", filepath.Join(data, "none")},
		"unknown silent": {"speak", "--state", state, "--date", "2026-03-17", "MONEXTEUR20260317001"},
	} {
		command := newProgram(&bytes.Buffer{}, []string{"REGLO_DATA_DIR=" + data})
		command.SetArgs(args)
		require.Error(t, command.Execute(), name)
	}
}

// TestFormatsByCommands opens a bank that reports, and states the three accounts in one file.
func TestFormatsByCommands(t *testing.T) {
	t.Parallel()

	data := t.TempDir()
	run(t, data, "open", "--statement-format", "cfonb120", "--rejects-format", "pain.002", "--report", "--one-file")

	outbox := filepath.Join(data, "outbox")
	require.NoError(t, os.MkdirAll(outbox, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(outbox, "MONEXTEUR20260317001.xml"), []byte("<Document/>"), 0o600))

	taken := run(t, data, "take", "--date", "2026-03-17")
	require.Len(t, taken["bulks"], 1)
	require.Len(t, taken["files"], 1)
	require.FileExists(t, filepath.Join(data, "inbox", taken["files"].([]any)[0].(string)))
	require.Equal(t, []any{"cfonb120.ALL.20260317.1.txt"}, run(t, data, "statement", "--date", "2026-03-17")["files"])

	for wants, wrong := range map[string][]string{
		"mt940":               {"open", "--statement-format", "mt940", "--state", filepath.Join(data, "other.json")},
		"reject-before-share": {"take", "--date", "2026-03-17", "--reject-before-share", "1001", "--state", filepath.Join(data, "bank.json")},
	} {
		command := newProgram(&bytes.Buffer{}, []string{"REGLO_DATA_DIR=" + data})
		command.SetArgs(wrong)
		require.ErrorContains(t, command.Execute(), wants)
	}
}
