package systempay_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/systempay"
)

// vendor is SystemPay's own example of a signed form.
func vendor() map[string]string {
	return map[string]string{
		"vads_action_mode": "INTERACTIVE", "vads_amount": "5124", "vads_ctx_mode": "TEST", "vads_currency": "978",
		"vads_page_action": "PAYMENT", "vads_payment_config": "SINGLE", "vads_site_id": "12345678",
		"vads_trans_date": "20170129130025", "vads_trans_id": "123456", "vads_version": "V2",
	}
}

func TestSignatureOfTheVendorsExample(t *testing.T) {
	t.Parallel()

	key := systempay.NewKey(testKey)

	require.Equal(t, "ycA5Do5tNvsnKdc/eP1bj2xa19z9q3iWPy9/rpesfS0=", systempay.Sign(vendor(), systempay.HMACSHA256, key))
	require.Equal(t, "59c96b34c74b9375c332b0b6a32e6deeec87de2b", systempay.Sign(vendor(), systempay.SHA1, key))
	require.True(t, systempay.Verify(vendor(), "59c96b34c74b9375c332b0b6a32e6deeec87de2b", systempay.SHA1, key))
	require.False(t, systempay.Verify(vendor(), "59C96B34C74B9375C332B0B6A32E6DEEEC87DE2B", systempay.SHA1, key))
}

func TestSignatureCoversEmptyAndUnknownFieldsAndNothingElse(t *testing.T) {
	t.Parallel()

	key := systempay.NewKey(testKey)
	plain := systempay.Sign(vendor(), systempay.HMACSHA256, key)

	for name, signed := range map[string]bool{
		"vads_cust_email": true, "vads_of_tomorrow": true, "vads_": true, "signature": false, "VADS_amount": false, "xvads_a": false,
	} {
		fields := vendor()
		fields[name] = ""
		require.Equal(t, signed, plain != systempay.Sign(fields, systempay.HMACSHA256, key), name)
	}
}

func TestSignatureSortsNamesByTheirBytes(t *testing.T) {
	t.Parallel()

	// An order by letters would put an underscore, or a lower-case letter, elsewhere.
	fields := map[string]string{"vads_b": "4", "vads_Z": "1", "vads__": "2", "vads_a": "3", "vads_a1": "x", "vads_a_": "y"}
	renamed := map[string]string{"vads_1": "1", "vads_2": "2", "vads_3": "3", "vads_4": "x", "vads_5": "y", "vads_6": "4"}

	key := systempay.NewKey(testKey)
	require.Equal(t, systempay.Sign(renamed, systempay.SHA1, key), systempay.Sign(fields, systempay.SHA1, key))
}

func TestNothingVerifiesWithoutAKeyOrAnAlgorithm(t *testing.T) {
	t.Parallel()

	key := systempay.NewKey(testKey)

	for _, algorithm := range []systempay.Algorithm{systempay.SHA1, systempay.HMACSHA256, "", "MD5"} {
		require.Empty(t, systempay.Sign(vendor(), algorithm, systempay.Key{}))
		require.Empty(t, systempay.Sign(vendor(), algorithm, systempay.NewKey("")))
		require.False(t, systempay.Verify(vendor(), "", algorithm, systempay.Key{}))
		require.False(t, systempay.Verify(vendor(), "", algorithm, key))
	}

	require.Empty(t, systempay.Sign(vendor(), "MD5", key))
}

func TestSignatureIsStableAndBreaksAtAnyTampering(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		algorithm := rapid.SampledFrom([]systempay.Algorithm{systempay.SHA1, systempay.HMACSHA256}).Draw(t, "algorithm")
		key := systempay.NewKey(rapid.StringMatching(`[A-Za-z0-9]{16}`).Draw(t, "key"))
		names := rapid.StringMatching(`vads_[a-z0-9_]{1,8}`)
		fields := rapid.MapOfN(names, rapid.String(), 1, 12).Draw(t, "fields")

		signature := systempay.Sign(fields, algorithm, key)
		require.Equal(t, signature, systempay.Sign(maps.Clone(fields), algorithm, key))
		require.True(t, systempay.Verify(fields, signature, algorithm, key))

		name := rapid.SampledFrom(rapid.Permutation(keys(fields)).Draw(t, "names")).Draw(t, "name")
		tampered := maps.Clone(fields)
		// Another letter at the end of a value. The joined text cannot tell where a plus sign comes from, by its design.
		tampered[name] += "x"
		require.False(t, systempay.Verify(tampered, signature, algorithm, key))

		require.False(t, systempay.Verify(fields, signature+"x", algorithm, key))
		require.False(t, systempay.Verify(fields, signature, algorithm, systempay.NewKey("0000000000000000x")))
	})
}

func keys(fields map[string]string) []string {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}

	return names
}

func TestKeyNeverShows(t *testing.T) {
	t.Parallel()

	type inside struct{ hidden systempay.Key }

	s := shop()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, held := range []any{s.Keys.Test, s.Keys, s, *s, &inside{s.Keys.Test}} {
			text := fmt.Sprintf(verb, held)
			require.NotContains(t, text, testKey)
			require.NotContains(t, text, fmt.Sprintf("%x", testKey))
		}
	}

	text, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(text), testKey)
	require.True(t, systempay.NewKey("").IsZero())
	require.False(t, s.Keys.Test.IsZero())
}
