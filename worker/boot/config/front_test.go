package config_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/webhook"
	"github.com/reglo/reglo/worker/boot/config"
)

func TestFrontDefaults(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", nil, nil)
	require.NoError(t, err)
	require.Equal(t, &config.Front{Address: "127.0.0.1:8090"}, got.Front)
	require.Equal(t, &config.Hook{Server: "bank", Header: webhook.DefaultHeader}, got.Hook)
	secret, err := got.ReadHookSecret()
	require.NoError(t, err)
	require.Empty(t, secret)
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	got, err := load(t, "front:\n  trusted_proxies: 10.1.2.0/24, 2001:db8::/32,192.0.2.7/32\n", nil, nil)
	require.NoError(t, err)
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.7/32"),
	}, got.Front.TrustedProxies)
	require.Contains(t, got.Redacted(), `trusted_proxies: "10.1.2.0/24,2001:db8::/32,192.0.2.7/32"`)
}

func TestWrongFrontAndHook(t *testing.T) {
	t.Parallel()
	const s3cret = "s3cret of sixteen and more"
	for name, test := range map[string]struct {
		yaml  string
		wrong string // the setting, none where it is right
	}{
		"no port":              {"front: {address: here}", "front.address"},
		"any port":             {"front: {address: \":0\"}", ""},
		"a port too far":       {"front: {address: \"127.0.0.1:65536\"}", "front.address"},
		"an address alone":     {"front: {trusted_proxies: 10.1.2.3}", "front.trusted_proxies"},
		"bits of a host":       {"front: {trusted_proxies: 10.1.2.3/24}", "front.trusted_proxies"},
		"everybody":            {"front: {trusted_proxies: 0.0.0.0/0}", "front.trusted_proxies"},
		"everybody of IPv6":    {"front: {trusted_proxies: \"10.0.0.0/8,::/0\"}", "front.trusted_proxies"},
		"IPv4 within IPv6":     {"front: {trusted_proxies: \"::ffff:10.1.2.0/120\"}", "front.trusted_proxies"},
		"a name":               {"front: {trusted_proxies: proxy}", "front.trusted_proxies"},
		"a certificate alone":  {"front: {tls_cert: cert.pem}", "front.tls_cert"},
		"a key alone":          {"front: {tls_key: key.pem}", "front.tls_cert"},
		"both":                 {"front: {tls_cert: cert.pem, tls_key: key.pem}", ""},
		"no partner":           {"hook: {server: \"../x\"}", "hook.server"},
		"a capital":            {"hook: {server: Bank}", "hook.server"},
		"no header":            {"hook: {header: \"X Y\"}", "hook.header"},
		"another header":       {"hook: {header: X-Vectis-Signature}", ""},
		"a secret":             {"hook: {secret: \"" + s3cret + "\"}", ""},
		"a short one":          {"hook: {secret: \"s3cret\"}", "hook.secret"},
		"a secret twice":       {"hook: {secret: \"" + s3cret + "\", secret_file: f}", "hook.secret"},
		"a URL":                {"hook: {url: \"https://us.example/hooks/pesit/bank\"}", ""},
		"a URL with a user":    {"hook: {url: \"https://me:s3cret@us.example/hooks/pesit/bank\"}", "hook.url"},
		"a URL with a query":   {"hook: {url: \"https://us.example/hooks?key=s3cret\"}", "hook.url"},
		"a URL without a host": {"hook: {url: /hooks/pesit/bank}", "hook.url"},
		"a URL of files":       {"hook: {url: \"file://us/hooks\"}", "hook.url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := load(t, test.yaml+"\n", nil, nil)
			if test.wrong == "" {
				require.NoError(t, err)
				require.NotContains(t, got.Redacted(), "s3cret")
				return
			}
			found := problems(t, err)
			require.Len(t, found, 1)
			require.Equal(t, test.wrong, found[0].Setting)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestReadHookSecret(t *testing.T) {
	t.Parallel()
	const right = "s3cret of sixteen and more"
	got, err := load(t, "", []string{"REGLO_HOOK_SECRET=" + right}, nil)
	require.NoError(t, err)
	secret, err := got.ReadHookSecret()
	require.NoError(t, err)
	require.Equal(t, right, secret.Reveal())

	for name, test := range map[string]struct{ content, want string }{
		"a line":        {right + "\n", right},
		"no end":        {right, right},
		"of Windows":    {right + "\r\n", right},
		"empty":         {"", ""},
		"an empty line": {"\n", ""},
		"two lines":     {right + "\nmore\n", ""},
		"short":         {"s3cret\n", ""},
		"long":          {strings.Repeat("s3cret", 20_000), ""},
	} {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(test.content), 0o600))
		got, err := load(t, "", []string{"REGLO_HOOK_SECRET_FILE=" + path}, nil)
		require.NoError(t, err, name)
		secret, err := got.ReadHookSecret()
		if test.want != "" {
			require.NoError(t, err, name)
			require.Equal(t, test.want, secret.Reveal(), name)
			continue
		}
		require.Equal(t, "hook.secret_file", problems(t, err)[0].Setting, name)
		require.NotContains(t, err.Error(), "s3cret", name)
	}
	got, err = load(t, "hook: {secret_file: /nowhere/secret}\n", nil, nil)
	require.NoError(t, err)
	_, err = got.ReadHookSecret()
	require.ErrorContains(t, err, "/nowhere/secret")
}

func TestTheHooksSecretHasNoFlag(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(flags)
	require.NotNil(t, flags.Lookup("hook-secret-file"))
	require.Nil(t, flags.Lookup("hook-secret"), "a secret in the list of processes")
}
