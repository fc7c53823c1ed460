package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSampleDay makes up a whole day that the commands of this program accept.
func TestSampleDay(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "day")
	made := starter(t, nil, "--json", "sample", "day", folder, "--lines", "1000", "--merchants", "60", "--four-eyes", "100.00")
	require.Zero(t, made.code, made.err)

	var said struct {
		Date        string
		Files       []string
		Settlements []struct {
			Reference string
			Late      bool
		}
		Payline struct{ Approval string }
	}
	require.NoError(t, json.Unmarshal([]byte(made.out), &said))
	require.Equal(t, "2026-03-02", said.Date)
	require.NotEmpty(t, said.Payline.Approval)
	require.Len(t, said.Settlements, 4)
	for _, file := range said.Settlements {
		place := "inbox"
		if file.Late {
			place = "late"
		}
		path := filepath.Join(folder, place, "CRE."+file.Reference+".txt")
		require.Contains(t, said.Files, path)
		checked := starter(t, nil, "file", "check", path)
		require.Zero(t, checked.code, checked.err)
	}
	for _, name := range []string{"inbox/Merchants.000001.csv", "late/Merchants.000002.csv", "inbox/Payline.000001.txt", "bank/movements.jsonl"} {
		require.FileExists(t, filepath.Join(folder, name))
	}
	before, err := os.ReadFile(filepath.Join(folder, "bank", "movements.jsonl"))
	require.NoError(t, err)
	again := starter(t, nil, "sample", "day", folder, "--lines", "1000", "--merchants", "60", "--four-eyes", "100.00")
	require.Zero(t, again.code, again.err)
	require.Contains(t, again.out, "needs an approval")
	after, err := os.ReadFile(filepath.Join(folder, "bank", "movements.jsonl"))
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestSampleDayAfterAnother(t *testing.T) {
	t.Parallel()
	made := starter(t, nil, "sample", "day", t.TempDir(), "--lines", "0", "--merchants", "60", "--after", "2026-04-02")
	require.Zero(t, made.code, made.err)
	require.Contains(t, made.out, "2026-04-07: ") // Easter is between
}

func TestSampleDayOutOfRange(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"accepts 1 arg(s)": {},
		"merchants is 3":   {t.TempDir(), "--merchants", "3"},
		"2026-02-30":       {t.TempDir(), "--date", "2026-02-30"},
		"both given":       {t.TempDir(), "--date", "2026-02-27", "--after", "2026-02-27"},
		`amount "1,5"`:     {t.TempDir(), "--four-eyes", "1,5"},
	} {
		refused := starter(t, nil, append([]string{"sample", "day"}, args...)...)
		require.Equal(t, 2, refused.code)
		require.Contains(t, refused.err, says)
	}
}
