package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/worker/boot/config"
)

// anERP is what an ERP cannot do without.
func anERP(more ...string) []string {
	return append([]string{
		"REGLO_ERP_URL=https://erp.example", "REGLO_ERP_USER=reglo", "REGLO_ERP_PASSWORD=s3cret", "REGLO_ERP_DOSSIER=998",
		"REGLO_ERP_SINCE=2026-11-23", "REGLO_ERP_SETTLEMENT_THIRD_PARTY=C0000001", "REGLO_ERP_STATES=states.yaml",
	}, more...)
}

func TestERP(t *testing.T) {
	t.Parallel()
	settings, err := config.Load(nil, anERP("REGLO_ERP_RENAMED=LIB=LibEcr,BQC=Banque"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"LIB": "LibEcr", "BQC": "Banque"}, settings.ERP.Renamed)
	require.Contains(t, settings.Redacted(), `renamed: "BQC=Banque,LIB=LibEcr" # REGLO_ERP_RENAMED`)
	require.NotContains(t, settings.Redacted(), "s3cret")

	settings, err = config.Load(nil, []string{"REGLO_ERP_USER=reglo"})
	require.NoError(t, err, "without a URL there is no ERP")
	require.Empty(t, settings.ERP.URL)
}

func TestERPIsIncomplete(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		environ []string
		wrong   []string
	}{
		"nothing but a URL": {environ: []string{"REGLO_ERP_URL=https://erp.example"}, wrong: []string{
			"erp.user", "erp.password", "erp.dossier", "erp.since", "erp.settlement_third_party", "erp.states",
		}},
		"two passwords":   {environ: anERP("REGLO_ERP_PASSWORD_FILE=/secret"), wrong: []string{"erp.password", "keep one"}},
		"no date":         {environ: anERP("REGLO_ERP_SINCE=23/11/2026"), wrong: []string{"erp.since", "yyyy-MM-dd"}},
		"strange quotes":  {environ: anERP("REGLO_ERP_PARAM_QUOTE=back"), wrong: []string{"erp.param_quote", "double, single"}},
		"strange words":   {environ: anERP("REGLO_ERP_VOCABULARY=latin"), wrong: []string{"erp.vocabulary"}},
		"no pair":         {environ: anERP("REGLO_ERP_RENAMED=LIB"), wrong: []string{"erp.renamed", "FIELD=NAME"}},
		"no such field":   {environ: anERP("REGLO_ERP_RENAMED=NOM=Name"), wrong: []string{"erp.renamed", "no such field"}},
		"an endless wait": {environ: anERP("REGLO_ERP_TIMEOUT=4m"), wrong: []string{"erp.timeout", "3m0s"}},
		"too fast":        {environ: anERP("REGLO_ERP_RATE=100000"), wrong: []string{"erp.rate"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(nil, test.environ)
			require.Error(t, err)
			for _, want := range test.wrong {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}
