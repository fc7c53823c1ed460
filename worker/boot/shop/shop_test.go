package shop_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/shop"
)

const (
	testKey       = "1122334455667788"
	productionKey = "8877665544332211"
)

// write makes a file of shops, with keys beside it.
func write(t testing.TB, content string) (path string) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "keys"), 0o700))
	for name, text := range map[string]string{
		"test": testKey + "\n", "production": productionKey, "empty": "", "lines": testKey + "\n" + testKey, "short": "1122",
		"long": strings.Repeat("1", 2<<10),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "keys", name), []byte(text), 0o600))
	}
	path = filepath.Join(folder, "shops.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func read(t testing.TB, path string) ([]shop.Shop, error) {
	t.Helper()
	settings, err := config.Load(nil, []string{"REGLO_SYSTEMPAY_SHOPS=" + path})
	require.NoError(t, err)
	return shop.Read(settings)
}

const one = `- name: boutique
  site_id: "12345678"
  mode: TEST
  algorithm: HMAC-SHA-256
  key_file: keys/test
`

func TestNoShops(t *testing.T) {
	t.Parallel()
	shops, err := read(t, "")
	require.NoError(t, err)
	require.Empty(t, shops)
}

func TestShops(t *testing.T) {
	t.Parallel()
	shops, err := read(t, write(t, one+`  other_key_file: keys/production
  ranges: [192.0.2.0/24, "2001:db8::/32"]
  contracts: ["1234567", "7654321"]
  third_party: C0000007
  page:
    url: https://pay.example/
    check: https://reglo.example/ipn/systempay/boutique
    success: https://shop.example/paid
    refused: https://shop.example/refused
    cancel: https://shop.example/cancelled
    error: https://shop.example/error
    theme: SIMPLIFIED_DISPLAY=true
    capture_delay: 2
    validation: "1"
    after_success: {seconds: 5, message: Merci}
    after_error: {seconds: 7, message: Échec}
    product_fields: {first: 1, singular: true}
- name: boutique-production
  site_id: "12345678"
  mode: PRODUCTION
  algorithm: SHA-1
  key_file: keys/production
`))
	require.NoError(t, err)
	require.Len(t, shops, 2)
	keys := shops[0].Keys
	shops[0].Keys = systempay.Keys{}
	require.Equal(t, shop.Shop{
		Shop: systempay.Shop{
			Name: "boutique", SiteID: "12345678", Mode: systempay.Test, Algorithm: systempay.HMACSHA256,
			Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
			Page: systempay.Page{
				URL: "https://pay.example/", Check: "https://reglo.example/ipn/systempay/boutique", Success: "https://shop.example/paid",
				Refused: "https://shop.example/refused", Cancel: "https://shop.example/cancelled", Error: "https://shop.example/error",
				Theme: "SIMPLIFIED_DISPLAY=true", CaptureDelay: 2, Validation: systempay.Manual,
				AfterSuccess: systempay.Return{Seconds: 5, Message: "Merci"}, AfterError: systempay.Return{Seconds: 7, Message: "Échec"},
				ProductFields: systempay.ProductFields{First: 1, Singular: true},
			},
		},
		Contracts: []string{"1234567", "7654321"}, ThirdParty: "C0000007",
	}, shops[0])
	fields := map[string]string{"vads_x": "1"}
	signature := func(key string) string { return systempay.Sign(fields, systempay.HMACSHA256, systempay.NewKey(key)) }
	require.True(t, systempay.Verify(fields, signature(testKey), systempay.HMACSHA256, keys.Test))
	require.True(t, systempay.Verify(fields, signature(productionKey), systempay.HMACSHA256, keys.Production))
	require.True(t, shops[1].Keys.Test.IsZero())
	require.True(t, systempay.Verify(fields, signature(productionKey), systempay.HMACSHA256, shops[1].Keys.Production))
	require.Equal(t, []systempay.Shop{shops[0].Shop, shops[1].Shop}, shop.Gateways(shops))
	require.True(t, shops[1].Allows(netip.MustParseAddr("194.50.38.7")), "SystemPay's own, where the file names none")
}

func TestWrongShops(t *testing.T) {
	t.Parallel()
	with := func(from, to string) string { return strings.Replace(one, from, to, 1) }
	another := func(from, to string) string {
		return one + "  contracts: [\"1234567\"]\n" + strings.NewReplacer("boutique", "cantine", "12345678", "87654321").Replace(with(from, to))
	}
	for name, test := range map[string]struct{ content, says string }{
		"nothing":                   {"", "holds no shop"},
		"no list":                   {"name: x\n", "is no list of shops"},
		"a key, and no list":        {testKey + "\n", "is no list of shops: yaml: unmarshal errors: line 1: cannot unmarshal !!int into"},
		"two documents":             {one + "---\n" + one, "more than one document"},
		"an unknown key":            {one + "  colour: red\n", "line 6: field colour not found"},
		"an unknown key within":     {one + "  page:\n    colour: red\n", "line 7: field colour not found"},
		"a key twice":               {one + "  mode: TEST\n", "line 6"},
		"nobody":                    {"- \n", "holds a shop of which nothing is said"},
		"a name":                    {with("boutique", "la boutique"), "line 1: shop la boutique: name must be"},
		"a site":                    {with(`"12345678"`, "1234"), "line 2: shop boutique: site_id must be the 8 digits"},
		"a mode":                    {with("TEST", "Test"), "line 3: shop boutique: mode must be TEST or PRODUCTION"},
		"an algorithm":              {with("HMAC-SHA-256", "MD5"), "line 4: shop boutique: algorithm must be"},
		"no key":                    {with("  key_file: keys/test\n", ""), "line 1: shop boutique: key_file must name"},
		"a key that is not there":   {with("keys/test", "keys/nowhere"), "line 5: shop boutique: key_file names a file that cannot be read"},
		"a key in its file's place": {with("keys/test", `"`+testKey+`"`), "line 5: shop boutique: key_file names a file that cannot be read"},
		"an empty key":              {with("keys/test", "keys/empty"), "line 5: shop boutique: key_file must be a file of one line"},
		"a key of lines":            {with("keys/test", "keys/lines"), "line 5: shop boutique: key_file must be a file of one line"},
		"a short key":               {with("keys/test", "keys/short"), "line 5: shop boutique: key_file has not 16 to 64 characters"},
		"a long file":               {with("keys/test", "keys/long"), "line 5: shop boutique: key_file is longer than"},
		"the other key":             {one + "  other_key_file: keys/empty\n", "line 6: shop boutique: other_key_file must be"},
		"a range":                   {one + "  ranges: [194.50.38.1/24]\n", "line 6: shop boutique: ranges must be networks"},
		"no ranges":                 {one + "  ranges: []\n", "line 6: shop boutique: ranges is empty"},
		"a contract twice":          {one + "  contracts: [\"1\", \"1\"]\n", "line 6: shop boutique: contracts must be"},
		"a contract of signs":       {one + "  contracts: [\"1/2\"]\n", "line 6: shop boutique: contracts must be"},
		"a third party":             {one + "  third_party: " + strings.Repeat("C", 36) + "\n", "line 6: shop boutique: third_party must have"},
		"an address":                {one + "  page:\n    success: shop.example\n", "line 7: shop boutique: page.success must be an address"},
		"a wait":                    {one + "  page:\n    after_error:\n      seconds: 301\n", "line 8: shop boutique: page.after_error.seconds must be"},
		"a delay of words":          {one + "  page: {capture_delay: soon}\n", "line 6: cannot unmarshal"},
		"the name of another":       {one + one, "line 6: shop boutique: name stands there already"},
		"the site of another":       {one + strings.Replace(one, "boutique", "cantine", 1), "line 7: shop cantine: site_id is that of shop boutique"},
		"the contract of another":   {another("", "") + "  contracts: [\"1234567\"]\n", "line 12: shop cantine: contracts has one of shop boutique"},
		"too long":                  {one + strings.Repeat("#", 3<<20), "is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, test.content)
			_, err := read(t, path)
			var wrong *config.Error
			require.ErrorAs(t, err, &wrong)
			require.Len(t, wrong.Problems, 1)
			require.Equal(t, "systempay.shops", wrong.Problems[0].Setting)
			require.Contains(t, wrong.Problems[0].Reason, test.says)
			require.Contains(t, wrong.Problems[0].Reason, path)
			require.NotContains(t, err.Error(), testKey[:7])
		})
	}
	_, err := read(t, "/nowhere/shops.yaml")
	require.ErrorContains(t, err, "/nowhere/shops.yaml: open")
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", one, one + "  page: {url: x}\n", "- {}", "- null\n- name: x\n", "- &a {name: x}\n- *a\n", "- <<: {mode: TEST}\n", "[[]]", "? x"} {
		f.Add(seed)
	}
	path := write(f, "")
	f.Fuzz(func(t *testing.T, content string) {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		shops, err := read(t, path)
		if err != nil {
			require.Empty(t, shops)
			return
		}
		for i := range shops {
			require.NoError(t, shops[i].Check())
		}
	})
}
