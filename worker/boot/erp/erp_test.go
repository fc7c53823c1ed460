package erp_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/erp/divalto"
	words "github.com/reglo/reglo/domain/divalto"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/erp"
)

// settle puts a file beside the others of a test.
func settle(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

const states = `
- {dossier: "998", means: transfer, direction: disbursement, change: VIRSEPA, final: S50}
- {dossier: "998", means: card, direction: encashment, change: PORCB, final: V50}
`

// load reads settings of an ERP, and what a test adds.
func load(t *testing.T, more ...string) config.Config {
	t.Helper()
	settings, err := config.Load(nil, append([]string{
		"REGLO_ERP_URL=https://erp.example/infinity", "REGLO_ERP_USER=reglo", "REGLO_ERP_PASSWORD_FILE=" + settle(t, "s3cret\n"),
		"REGLO_ERP_DOSSIER=998", "REGLO_ERP_SINCE=2026-11-23", "REGLO_ERP_SETTLEMENT_THIRD_PARTY=C0000001", "REGLO_ERP_STATES=" + settle(t, states),
		"TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "none"),
	}, more...))
	require.NoError(t, err)
	return settings
}

func TestWithoutAnERP(t *testing.T) {
	t.Parallel()
	settings, err := config.Load(nil, []string{"TEMPORAL_CONFIG_FILE=" + filepath.Join(t.TempDir(), "none")})
	require.NoError(t, err)
	client, err := erp.NewClient(settings, time.Now)
	require.NoError(t, err)
	require.Nil(t, client)
	made, err := erp.Settings(settings)
	require.NoError(t, err)
	require.Zero(t, made)
}

func TestAnERP(t *testing.T) {
	t.Parallel()
	settings := load(t, "REGLO_ERP_PARAM_QUOTE=single", "REGLO_ERP_RENAMED=LIB=LibEcr", "REGLO_ERP_DOSCPT=997", "REGLO_ERP_ETB=2",
		"REGLO_ERP_PROXY=http://proxy:3128")
	client, err := erp.NewClient(settings, time.Now)
	require.NoError(t, err)
	require.IsType(t, &divalto.Client{}, client)
	made, err := erp.Settings(settings)
	require.NoError(t, err)
	require.Equal(t, "2026-11-23", made.Since.String())
	require.Equal(t, "C0000001", made.SettlementThirdParty)
	require.Equal(t, words.Dossier{Dos: "998", DosCpt: "997", Etb: "2"}, made.Options.Dossier)
	require.Equal(t, words.QuoteSingle, made.Options.Quote)
	renamed, err := words.NewVocabulary(words.DictionaryNames, map[string]string{"LIB": "LibEcr"})
	require.NoError(t, err)
	require.Equal(t, renamed, made.Options.Vocabulary)
	pair, err := made.States.Lookup("998", "card", words.Encashment)
	require.NoError(t, err)
	require.Equal(t, words.State{Change: "PORCB", Final: "V50"}, pair)
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		setting string
		wrong   []string
	}{
		"plain, elsewhere":     {setting: "REGLO_ERP_URL=http://erp.example", wrong: []string{"erp.url", "https"}},
		"a password there":     {setting: "REGLO_ERP_URL=https://reglo:s3cret@erp.example", wrong: []string{"erp.url"}},
		"no password's file":   {setting: "REGLO_ERP_PASSWORD_FILE=/nowhere", wrong: []string{"erp.password_file", "/nowhere"}},
		"no certificates":      {setting: "REGLO_ERP_CA_FILE=/nowhere", wrong: []string{"erp.ca_file", "/nowhere"}},
		"a proxy's password":   {setting: "REGLO_ERP_PROXY=http://reglo:s3cret@proxy", wrong: []string{"erp.proxy"}},
		"a strange look-up":    {setting: "REGLO_ERP_LOOK_UP_FIELD=A;B", wrong: []string{"erp.url", "look-up"}},
		"no states":            {setting: "REGLO_ERP_STATES=/nowhere", wrong: []string{"erp.states", "/nowhere"}},
		"no pair of cards":     {setting: "REGLO_ERP_STATES=" + settle(t, states[:90]), wrong: []string{"erp.states", "card"}},
		"another dossier's":    {setting: "REGLO_ERP_DOSSIER=999", wrong: []string{"erp.states", "transfer", "card"}},
		"an unknown final":     {setting: "REGLO_ERP_STATES=" + settle(t, "- {means: card, direction: encashment, change: A, final: X9}"), wrong: []string{"erp.states", "row 1", "X9"}},
		"an unknown field":     {setting: "REGLO_ERP_STATES=" + settle(t, "- {moyen: card}"), wrong: []string{"erp.states", "moyen"}},
		"an empty file":        {setting: "REGLO_ERP_STATES=" + settle(t, ""), wrong: []string{"erp.states", "card"}},
		"a file without end":   {setting: "REGLO_ERP_STATES=/dev/zero", wrong: []string{"erp.states", "longer"}},
		"a name that is twice": {setting: "REGLO_ERP_RENAMED=LIB=LABEL,MTDEV=AMOUNT,BQC=CURRENCY", wrong: []string{"erp.renamed"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := []string{test.setting}
			if name == "a name that is twice" {
				more = append(more, "REGLO_ERP_VOCABULARY=tags") // where CURRENCY is taken
			}
			settings := load(t, more...)
			_, err := erp.NewClient(settings, time.Now)
			if err == nil {
				_, err = erp.Settings(settings)
			}
			require.Error(t, err)
			for _, want := range test.wrong {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}
