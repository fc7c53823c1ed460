package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/pesit"
)

func TestFlags(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("SESAME\n"), 0o600))

	run := func(args ...string) (*program, error) {
		p := &program{}
		cmd := p.command()
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // it listens, and stops
		cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0", "--kept", filepath.Join(folder, "kept")}, args...))

		return p, cmd.ExecuteContext(ctx)
	}

	p, err := run(
		"--partner", "REGLO="+secret, "--cut-before", "ACK(TRANS.END)", "--cut-after", "CREATE,DTF", "--silent", "ORF", "--refuse", "CREATE=204,WRITE=213",
		"--interval", "16", "--window", "3",
	)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"REGLO": "SESAME"}, p.settings.Partners)
	require.Equal(t, pesit.SyncOption{Interval: 16, Window: 3}, p.settings.Sync)
	require.Equal(t, []pesit.Kind{pesit.AckTransEnd}, p.faults.CutBefore)
	require.Equal(t, []pesit.Kind{pesit.Create, pesit.DTF}, p.faults.CutAfter)
	require.Equal(t, []pesit.Kind{pesit.ORF}, p.faults.Silent)
	require.Equal(t, map[pesit.Kind]pesit.Diagnostic{pesit.Create: pesit.Reason(204), pesit.Write: pesit.Reason(213)}, p.faults.Refuse)

	for _, wrong := range [][]string{
		{},
		{"--partner", "REGLO=" + filepath.Join(folder, "none")},
		{"--partner", "REGLO=" + secret, "--cut-before", "NOTHING"},
		{"--partner", "REGLO=" + secret, "--refuse", "NOTHING=204"},
		{"--partner", "REGLO=" + secret, "--refuse", "CREATE=no"},
		{"--partner", "REGLO=" + secret, "--certificate", secret},
		{"--partner", "REGLO=" + secret, "--listen", "nowhere"},
		{"more"},
	} {
		_, err := run(wrong...)
		require.Error(t, err, "%q", wrong)
	}
}
