package command_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSampleOfUnpaids(t *testing.T) {
	t.Parallel()
	folder := aDay(t, "--date", "2026-03-17", "--unpaids", "50", "--represented", "300", "--unpaid-fee", "0")
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, left, 5)

	got := starter(t, nil, "file", "check", filepath.Join(folder, "Fichier.CRE.EP.TI.UEP.IMPAYES.txt"))
	require.Zero(t, got.code, got.err)
	for _, says := range []string{
		"kind             IMPAYE\n", "reference        50000120260317UEP\n", "lines            50 (IMPAYE ", ", REPRES ",
		"gross            -", "commission       0.00 EUR\n", "valid: all controls passed\n",
	} {
		require.Contains(t, got.out, says)
	}
	global, err := os.ReadFile(filepath.Join(folder, "globalTransaction.impayes.json"))
	require.NoError(t, err)
	require.Contains(t, string(global), `"value":-`)
	require.Contains(t, string(global), `"vacation":"IMPAYE","reference":"50000120260317UEP","operationType":"200"`)
}
