package layout_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	described "github.com/reglo/reglo/domain/layout"
	"github.com/reglo/reglo/domain/payline"
	"github.com/reglo/reglo/domain/settlement"
	layoutschema "github.com/reglo/reglo/schemas/layout"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/layout"
)

// file writes a shipped example, changed.
func file(tb testing.TB, name, from, to string) string {
	tb.Helper()
	content, err := layoutschema.Examples.ReadFile(name)
	require.NoError(tb, err)
	path := filepath.Join(tb.TempDir(), name)
	require.NoError(tb, os.WriteFile(path, []byte(strings.Replace(string(content), from, to, 1)), 0o600))
	return path
}

func TestOwnFormatsUnlessNamed(t *testing.T) {
	t.Parallel()
	own, err := layout.Read(config.Layout{})
	require.NoError(t, err)
	require.Equal(t, layout.Layouts{CRE: settlement.CRE1{}, Payline: payline.Ogep1{}}, own)

	site, err := layout.Read(config.Layout{
		CRE: file(t, "cre-fixed.yaml", "", ""), Merchants: file(t, "merchants.yaml", "", ""), Payline: file(t, "payline.yaml", "", ""),
	})
	require.NoError(t, err)
	require.IsType(t, (*described.CRE)(nil), site.CRE)
	require.IsType(t, (*described.Merchants)(nil), site.Merchants)
	require.IsType(t, (*described.Payline)(nil), site.Payline)
}

func TestRefusedOnOneLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		settings config.Layout
		says     []string
	}{
		{config.Layout{CRE: file(t, "cre-fixed.yaml", "latin-1", "latin-2")}, []string{"layout.cre: /", "cre-fixed.yaml line 4: encoding: must be"}},
		{config.Layout{CRE: file(t, "payline.yaml", "", "")}, []string{"layout.cre: /", "reads: must be cre for this setting"}},
		{config.Layout{Merchants: "/nowhere.yaml"}, []string{"layout.merchants: ", "/nowhere.yaml: no such file"}},
		{config.Layout{Payline: file(t, "payline.yaml", "FIN", "MVT")}, []string{"layout.payline: /", "line 41: records.trailer.is: "}},
	} {
		_, err := layout.Read(test.settings)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "\n")
		for _, says := range test.says {
			require.Contains(t, err.Error(), says)
		}
	}
}
