package command_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
)

// madeAnew is what each run of a test makes anew: identifiers, and hours of rows made now.
var madeAnew = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|20[2-9]\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*( CET| CEST|Z|\b)`)

// TestTraceAcrossVacations holds what is shown of a bulk and of a payment
// account against testdata; UPDATE_GOLDEN=1 writes that anew.
func TestTraceAcrossVacations(t *testing.T) {
	t.Parallel()
	environ, url := onDatabase(t)
	execute(t, url, aDayOfRows)
	execute(t, url, `
insert into merchant_snapshot (sequence, file_name, sha256, merchants, loaded_at)
values (1, 'Merchants.000001.csv', sha256('m'), 1, '2026-03-01 09:00:00+00');
insert into merchant select '1A17660007', id, '73282932000074', 'X', 'FR7630006000011234567890189', 'B', 'ACTIVE', 'NONE', '',
    'FR7630006000011234567890189', 'B', 'X', 0, 0, 0, false, '', '', '2026-03-01', 1 from account where code = 'CP.1A17660007'`)
	for name, id := range map[string]string{"bulk": "MONEXTEUR20260302001", "account": "1A17660007", "line": "B-2"} {
		for kind, args := range map[string][]string{"txt": {"trace", id}, "csv": {"trace", id, "--csv"}} {
			got := starter(t, environ, args...)
			require.Zero(t, got.code, got.err)
			require.NotContains(t, got.out, "FR7630006000011234567890189")
			path := filepath.Join("testdata", "trace-"+name+"."+kind)
			shown := madeAnew.ReplaceAllString(got.out, "…")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				require.NoError(t, os.WriteFile(path, []byte(shown), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), shown, args)
		}
		traced := document(t, starter(t, environ, "trace", id, "--json"))
		require.NotEmpty(t, traced["recognized"])
		require.Empty(t, traced["events"])
		sections := traced["sections"].([]any)
		require.NotEmpty(t, sections)
		for _, section := range sections {
			require.Subset(t, section, map[string]any{"more": 0.0})
		}
	}
}

func TestTraceRefuses(t *testing.T) {
	t.Parallel()
	environ, _ := onDatabase(t)
	got := starter(t, environ, "trace", "MONEXTEUR20260302009")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, `"MONEXTEUR20260302009" is unknown here: looked for correlation, bulk, settlement reference, creId, `+
		`payment account, SIRET, refExterne, endToEndId, bank line, SHA-256 of a file, debt`)
	for _, flags := range [][]string{{"--csv", "--json"}, {"--csv", "--events-only"}, {"--events", "-1"}} {
		got := starter(t, environ, append([]string{"trace", "x"}, flags...)...)
		require.Equal(t, command.ExitInput, got.code, flags)
	}
}
