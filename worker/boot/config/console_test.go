package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/worker/boot/config"
)

func TestConsoleDefaults(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", nil, nil)
	require.NoError(t, err)
	require.Equal(t, &config.Console{}, got.Console)
}

func TestConsole(t *testing.T) {
	t.Parallel()
	got, err := load(t, "front: {trusted_proxies: 10.1.2.0/24}\nconsole: {keys_file: keys, proxy_header: X-Reglo-User}\n", nil, nil)
	require.NoError(t, err)
	require.Equal(t, &config.Console{KeysFile: "keys", ProxyHeader: "X-Reglo-User"}, got.Console)
	require.Contains(t, got.Redacted(), `proxy_header: "X-Reglo-User"`)
}

func TestWrongConsole(t *testing.T) {
	t.Parallel()
	const proxies = "front: {trusted_proxies: 10.1.2.0/24}\n"
	for name, yaml := range map[string]string{
		"no header":         proxies + "console: {proxy_header: \"X Y\"}",
		"one of callers":    proxies + "console: {proxy_header: X-Forwarded-For}",
		"one of proxies":    proxies + "console: {proxy_header: X-Forwarded-Proto}",
		"one of keys":       proxies + "console: {proxy_header: authorization}",
		"no proxies":        "console: {proxy_header: X-Reglo-User}",
		"a header too long": proxies + "console: {proxy_header: X23456789012345678901234567890123456789012345678901234567890123456}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, yaml+"\n", nil, nil)
			found := problems(t, err)
			require.Len(t, found, 1)
			require.Equal(t, "console.proxy_header", found[0].Setting)
		})
	}
}
