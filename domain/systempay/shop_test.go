package systempay_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/systempay"
)

func TestShopTakesNotificationsFromItsRanges(t *testing.T) {
	t.Parallel()

	s := shop()
	for address, want := range map[string]bool{
		"194.50.38.0": true, "194.50.38.255": true, "194.50.39.0": false, "127.0.0.1": false, "::ffff:194.50.38.7": true,
		"::1": false,
	} {
		require.Equal(t, want, s.Allows(netip.MustParseAddr(address)), address)
	}

	require.False(t, s.Allows(netip.Addr{}))

	s.Ranges = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("2001:db8::/32")}
	require.True(t, s.Allows(netip.MustParseAddr("127.0.0.1")))
	require.True(t, s.Allows(netip.MustParseAddr("2001:db8::9")))
	require.False(t, s.Allows(netip.MustParseAddr("194.50.38.1")))
}

func TestShopIsChecked(t *testing.T) {
	t.Parallel()

	require.NoError(t, shop().Check())

	for _, test := range []struct {
		field  string
		change func(*systempay.Shop)
	}{
		{"name", func(s *systempay.Shop) { s.Name = "../x" }},
		{"name", func(s *systempay.Shop) { s.Name = strings.Repeat("a", 33) }},
		{"vads_site_id", func(s *systempay.Shop) { s.SiteID = "1234567" }},
		{"vads_ctx_mode", func(s *systempay.Shop) { s.Mode = "test" }},
		{"algorithm", func(s *systempay.Shop) { s.Algorithm = "SHA1" }},
		{"ranges", func(s *systempay.Shop) { s.Ranges = []netip.Prefix{{}} }},
		{"key of mode TEST", func(s *systempay.Shop) { s.Keys.Test = systempay.NewKey("") }},
		{"key of mode TEST", func(s *systempay.Shop) { s.Keys.Test = systempay.NewKey("112233445566778") }},
		{"key of mode TEST", func(s *systempay.Shop) { s.Keys.Test = systempay.NewKey("1122334455667788\n") }},
		{"key of mode PRODUCTION", func(s *systempay.Shop) { s.Mode, s.Keys.Production = systempay.Production, systempay.Key{} }},
		{"vads_capture_delay", func(s *systempay.Shop) { s.Page.CaptureDelay = 366 }},
		{"vads_capture_delay", func(s *systempay.Shop) { s.Page.CaptureDelay = -1 }},
		{"vads_validation_mode", func(s *systempay.Shop) { s.Page.Validation = "2" }},
		{"vads_redirect_success_timeout", func(s *systempay.Shop) { s.Page.AfterSuccess.Seconds = 301 }},
		{"vads_redirect_error_timeout", func(s *systempay.Shop) { s.Page.AfterError.Seconds = -1 }},
		{"vads_redirect_success_message", func(s *systempay.Shop) { s.Page.AfterSuccess.Message = strings.Repeat("é", 256) }},
		{"vads_redirect_error_message", func(s *systempay.Shop) { s.Page.AfterError.Message = "<b>" }},
		{"vads_theme_config", func(s *systempay.Shop) { s.Page.Theme = "a\nb" }},
		{"vads_product_ref", func(s *systempay.Shop) { s.Page.ProductFields.First = 2 }},
		{"vads_url_success", func(s *systempay.Shop) { s.Page.Success = "javascript:alert(1)" }},
		{"vads_url_check", func(s *systempay.Shop) { s.Page.Check = "/ipn" }},
		{"vads_url_error", func(s *systempay.Shop) { s.Page.Error = "https://user:word@shop.example/" }},
		{"vads_url_cancel", func(s *systempay.Shop) { s.Page.Cancel = "https://shop.example/" + strings.Repeat("a", 1024) }},
		{"vads_url_refused", func(s *systempay.Shop) { s.Page.Refused = "https://shop.example/\xff" }},
		{"url of the payment page", func(s *systempay.Shop) { s.Page.URL = "ftp://x/" }},
	} {
		s := shop()
		test.change(s)
		requireField(t, s.Check(), test.field)

		_, err := systempay.BuildForm(order(), s, now(), "123456")
		requireField(t, err, test.field)
	}
}
