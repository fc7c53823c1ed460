package systempay_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/systempay"
)

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	_, err = file.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

func TestParsingFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]systempay.Fault{
		"forged":                {Kind: systempay.Forged},
		"cut=12*3":              {Kind: systempay.Cut, At: 12, Times: 3},
		"field=vads_result=96":  {Kind: systempay.Field, Text: "vads_result=96"},
		"unset=vads_trans_uuid": {Kind: systempay.Unset, Text: "vads_trans_uuid"},
		"wrong-site=55555555*1": {Kind: systempay.WrongSite, Text: "55555555", Times: 1},
	} {
		got, err := systempay.ParseFault(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, wrong := range []string{"", "none", "forged*", "forged*0", "forged*x", "cut=-1", "field", "field=x", "field==x", "unset"} {
		_, err := systempay.ParseFault(wrong)
		require.ErrorIs(t, err, systempay.ErrFault, wrong)
	}
}

// TestFaults has each kind go wrong once, with a shop that takes nothing that is wrong; then the true one comes.
func TestFaults(t *testing.T) {
	t.Parallel()
	for text, wrong := range map[string]func(*call) bool{
		"field=vads_result=96":     func(c *call) bool { return c.right() && c.fields["vads_result"] == "96" },
		"field=vads_new=1":         func(c *call) bool { return c.right() && c.fields["vads_new"] == "1" },
		"unset=vads_trans_uuid":    func(c *call) bool { _, there := c.fields["vads_trans_uuid"]; return c.right() && !there },
		"wrong-site":               func(c *call) bool { return c.right() && c.fields["vads_site_id"] == "87654321" },
		"wrong-site=" + "55555555": func(c *call) bool { return c.right() && c.fields["vads_site_id"] == "55555555" },
		"wrong-mode": func(c *call) bool {
			return c.fields["vads_ctx_mode"] == "PRODUCTION" && c.fields["signature"] == signed("hmac-sha-256", testKey, c.fields)
		},
		"bare-card": func(c *call) bool { return c.right() && c.fields["vads_card_number"] == "4970100000000055" },
		"bad-utf8":  func(c *call) bool { return c.right() && !utf8.ValidString(c.fields["vads_cust_first_name"]) },
		"oversized": func(c *call) bool { return c.right() && len(c.raw) > 512<<10 },
		"forged": func(c *call) bool {
			return !c.right() && len(c.fields["signature"]) == len(hmacVector) && c.fields["vads_amount"] == "5124"
		},
		"downgraded": func(c *call) bool { return c.fields["signature"] == signed("sha-1", testKey, c.fields) },
		"unsigned":   func(c *call) bool { return c.values["signature"] == nil },
		"tampered": func(c *call) bool {
			return !c.right() && c.fields["vads_amount"] == "5125" && c.fields["vads_effective_amount"] == "5125"
		},
		"tampered=76":              func(c *call) bool { return !c.right() && c.fields["vads_amount"] == "5200" },
		"name-twice":               func(c *call) bool { return len(c.values["vads_amount"]) == 2 },
		"name-twice=vads_trans_id": func(c *call) bool { return len(c.values["vads_trans_id"]) == 2 },
		"slow=200":                 func(c *call) bool { return c.right() && c.took >= 100*time.Millisecond },
		"cut=100":                  func(c *call) bool { return c.cut && len(c.raw) == 100 },
		"content-type":             func(c *call) bool { return c.right() && strings.HasPrefix(c.contentType, "application/json") },
		"foreign":                  func(c *call) bool { return c.right() && c.forwarded == "203.0.113.9" },
		"foreign=10.0.0.1":         func(c *call) bool { return c.right() && c.forwarded == "10.0.0.1" },
		"answer-lost":              func(c *call) bool { return c.right() },
	} {
		shop, p := listen(t), start(t, systempay.Settings{Forwarded: "194.50.38.7"})
		shop.answer = func(n int) int { return []int{http.StatusBadRequest, http.StatusOK}[min(n, 1)] }
		if text == "answer-lost" {
			shop.answer = nil
		}
		fault, err := systempay.ParseFault(text + "*1")
		require.NoError(t, err)
		p.Break(fault)
		p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL}))
		p.Settle()
		calls := shop.came()
		require.Len(t, calls, 2, text)
		require.True(t, wrong(&calls[0]), text)
		require.True(t, calls[1].right() && !wrong(&calls[1]) || text == "answer-lost", text)
		require.Equal(t, "194.50.38.7", calls[1].forwarded)
		event := p.Transactions()[0].Events[0]
		require.Equal(t, []systempay.Kind{fault.Kind}, event.Deliveries[0].Faults)
		require.Empty(t, event.Deliveries[1].Faults)
		require.True(t, event.Delivered, text)
	}
}

func TestTwiceAtOnceAndHeld(t *testing.T) {
	t.Parallel()
	shop, p := listen(t), start(t, systempay.Settings{})
	p.Break(systempay.Fault{Kind: systempay.Twice, Times: 1})
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL, "vads_trans_id": "000001"}))
	p.Settle()
	require.Len(t, shop.came(), 2)
	require.Len(t, p.Transactions()[0].Events[0].Deliveries, 2)

	status, _, text := p.post(http.MethodPut, "/stand-in/faults", "application/json", `[{"kind":"held"}]`)
	require.Equal(t, http.StatusNoContent, status, text)
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL, "vads_trans_id": "000002"}))
	at := "/stand-in/transactions/" + p.Transactions()[1].UUID
	p.ask(at+"/capture", "", http.StatusOK)
	require.Len(t, shop.came(), 2)
	p.Break()
	p.ask("/stand-in/release", "", http.StatusOK)
	require.Equal(t, []string{"CAPTURED", "AUTHORISED"}, shop.statuses()[2:])
	p.ask("/stand-in/release", "", http.StatusOK)
	require.Len(t, shop.came(), 4)

	for _, wrong := range []string{`[{"kind":"none"}]`, `{`, `[{"kind":"field"}]`, `[{"kind":"cut","at":-1}]`} {
		status, _, _ := p.post(http.MethodPut, "/stand-in/faults", "application/json", wrong)
		require.Equal(t, http.StatusBadRequest, status, wrong)
	}
}

// TestAbsence has a shop that is not there, and one that says no address at all.
func TestAbsence(t *testing.T) {
	t.Parallel()
	shop, p := listen(t), start(t, systempay.Settings{})
	shop.Close()
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL, "vads_trans_id": "000001"}))
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_trans_id": "000002"}))
	p.Settle()
	all := p.Transactions()
	require.Len(t, all[0].Events[0].Deliveries, 1+len(quick()))
	require.NotEmpty(t, all[0].Events[0].Deliveries[0].Error)
	require.False(t, all[0].Events[0].Delivered)
	require.Empty(t, all[1].Events[0].Deliveries)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	right := systempay.Settings{Shops: shops(), Clock: time.Now}
	_, err := systempay.New(right)
	require.NoError(t, err)
	for i, change := range []func(*systempay.Settings){
		func(s *systempay.Settings) { s.Clock = nil },
		func(s *systempay.Settings) { s.Shops = nil },
		func(s *systempay.Settings) { s.Shops[0].Site = "" },
		func(s *systempay.Settings) { s.Shops[0].Algorithm = "md5" },
		func(s *systempay.Settings) { s.Shops[0].Keys = nil },
		func(s *systempay.Settings) { s.Shops[0].Keys = map[string]string{"TEST": "x", "DEMO": "x"} },
		func(s *systempay.Settings) { s.Shops[0].Check = "nowhere" },
		func(s *systempay.Settings) { s.From = "nowhere" },
	} {
		wrong := right
		wrong.Shops = shops()
		change(&wrong)
		_, err := systempay.New(wrong)
		require.ErrorIs(t, err, systempay.ErrSettings, strconv.Itoa(i))
	}
	read, err := systempay.ReadShops(strings.NewReader(`[{"site":"1","algorithm":"sha-1","keys":{"TEST":"k"},"url_check":"http://x/"}]`))
	require.NoError(t, err)
	require.Equal(t, []systempay.Shop{{Site: "1", Algorithm: systempay.SHA1, Keys: map[string]string{"TEST": "k"}, Check: "http://x/"}}, read)
	_, err = systempay.ReadShops(strings.NewReader(`[{"key":"k"}]`))
	require.Error(t, err)
}
