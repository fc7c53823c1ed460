package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/worker/boot/config"
)

func TestSystemPayDefaults(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", nil, nil)
	require.NoError(t, err)
	require.Empty(t, got.SystemPay.Shops)
	key, err := got.ReadAPIKey()
	require.NoError(t, err)
	require.Empty(t, key)
}

func TestTheKeyOfForms(t *testing.T) {
	t.Parallel()
	const key = "s3cret-s3cret-s3cret-s3cret-s3cret"
	got, err := load(t, "systempay: {shops: shops.yaml, api_key: "+key+"}\n", nil, nil)
	require.NoError(t, err)
	require.Equal(t, "shops.yaml", got.SystemPay.Shops)
	found, err := got.ReadAPIKey()
	require.NoError(t, err)
	require.Equal(t, key, found.Reveal())
	require.NotContains(t, got.Redacted(), "s3cret")

	for name, yaml := range map[string]string{
		"short": "systempay: {api_key: s3cret}\n", "twice": "systempay: {api_key: " + key + ", api_key_file: f}\n",
	} {
		_, err := load(t, yaml, nil, nil)
		require.Equal(t, "systempay.api_key", problems(t, err)[0].Setting, name)
		require.NotContains(t, err.Error(), "s3cret", name)
	}

	for content, right := range map[string]bool{key + "\n": true, key: true, "s3cret\n": false, "": false, key + "\n" + key: false} {
		path := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := load(t, "", []string{"REGLO_SYSTEMPAY_API_KEY_FILE=" + path}, nil)
		require.NoError(t, err)
		found, err := got.ReadAPIKey()
		if right {
			require.NoError(t, err)
			require.Equal(t, key, found.Reveal())
			continue
		}
		require.Equal(t, "systempay.api_key_file", problems(t, err)[0].Setting)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

func TestTheKeyOfFormsHasNoFlag(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	require.NotNil(t, flags.Lookup("systempay-api-key-file"))
	require.Nil(t, flags.Lookup("systempay-api-key"), "a secret in the list of processes")
}
