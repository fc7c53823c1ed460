package erp_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/erp"
)

// The ERP of production hears nothing of tests.
func TestWhosePaymentsArePosted(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	shops := filepath.Join(folder, "shops.yaml")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key"), []byte("1122334455667788\n"), 0o600))
	require.NoError(t, os.WriteFile(shops, []byte(`
- {name: real, site_id: "12345678", mode: PRODUCTION, algorithm: HMAC-SHA-256, key_file: key, third_party: C0000007}
- {name: trial, site_id: "12345678", mode: TEST, algorithm: HMAC-SHA-256, key_file: key}
`), 0o600))
	tests := load(t, "REGLO_SYSTEMPAY_SHOPS="+shops)
	made, err := erp.Settings(tests)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"real": "C0000007", "trial": ""}, made.Payers)

	tests.Event.Environment = config.Production
	made, err = erp.Settings(tests)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"real": "C0000007"}, made.Payers)

	require.NoError(t, os.Remove(filepath.Join(folder, "key")))
	_, err = erp.Settings(tests)
	require.ErrorContains(t, err, "systempay.shops")
}
