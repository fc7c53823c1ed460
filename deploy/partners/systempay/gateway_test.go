package systempay_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/systempay"
)

// The shops of these tests, and their keys.
const (
	hmacSite, sha1Site     = "12345678", "11223344"
	testKey, productionKey = "1122334455667788", "8877665544332211"
	hmacVector, sha1Vector = "ycA5Do5tNvsnKdc/eP1bj2xa19z9q3iWPy9/rpesfS0=", "59c96b34c74b9375c332b0b6a32e6deeec87de2b"
)

func shops() []systempay.Shop {
	keys := map[string]string{"TEST": testKey, "PRODUCTION": productionKey}
	return []systempay.Shop{
		{Site: hmacSite, Algorithm: systempay.SHA256, Keys: keys},
		{Site: sha1Site, Algorithm: systempay.SHA1, Keys: keys},
	}
}

// signed gives the signature of fields as the vendor's documentation says, by another way than the stand-in's.
func signed(algorithm, key string, fields map[string]string) string {
	var values []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if strings.HasPrefix(name, "vads_") {
			values = append(values, fields[name])
		}
	}
	text := strings.Join(append(values, key), "+")
	if algorithm == "sha-1" {
		sum := sha1.Sum([]byte(text)) //nolint:gosec // the vendor's
		return hex.EncodeToString(sum[:])
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// vector is the vendor's own example.
func vector() map[string]string {
	return map[string]string{
		"vads_action_mode": "INTERACTIVE", "vads_amount": "5124", "vads_ctx_mode": "TEST", "vads_currency": "978",
		"vads_page_action": "PAYMENT", "vads_payment_config": "SINGLE", "vads_site_id": hmacSite,
		"vads_trans_date": "20170129130025", "vads_trans_id": "123456", "vads_version": "V2",
	}
}

// call is a notification as it came.
type call struct {
	raw         string
	fields      map[string]string
	values      url.Values
	contentType string
	forwarded   string
	from        string
	cut         bool
	took        time.Duration
}

// right tells whether the signature is the shop's.
func (c *call) right() bool {
	algorithm, key := "hmac-sha-256", testKey
	if c.fields["vads_site_id"] == sha1Site {
		algorithm = "sha-1"
	}
	if c.fields["vads_ctx_mode"] == "PRODUCTION" {
		key = productionKey
	}
	return c.fields["signature"] == signed(algorithm, key, c.fields)
}

// receiver is a shop that takes notifications.
type receiver struct {
	*httptest.Server

	lock   sync.Mutex
	calls  []call
	answer func(n int) int // status of the nth call, from 0; 200 when it is nil
}

func listen(t testing.TB) *receiver {
	t.Helper()
	shop := &receiver{}
	shop.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		body, err := io.ReadAll(r.Body)
		came := call{
			raw: string(body), cut: err != nil, contentType: r.Header.Get("Content-Type"), took: time.Since(begun),
			forwarded: r.Header.Get("X-Forwarded-For"), from: r.RemoteAddr, fields: map[string]string{},
		}
		came.values, _ = url.ParseQuery(came.raw)
		for name := range came.values {
			came.fields[name] = came.values.Get(name)
		}
		shop.lock.Lock()
		defer shop.lock.Unlock()
		status := http.StatusOK
		if shop.answer != nil {
			status = shop.answer(len(shop.calls))
		}
		shop.calls = append(shop.calls, came)
		if status == http.StatusFound {
			w.Header().Set("Location", "http://"+r.Host+"/elsewhere")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "answer")
	}))
	t.Cleanup(shop.Close)
	return shop
}

func (r *receiver) came() []call {
	r.lock.Lock()
	defer r.lock.Unlock()
	return slices.Clone(r.calls)
}

// statuses are what the calls say of transactions.
func (r *receiver) statuses() []string {
	var all []string
	for _, one := range r.came() {
		all = append(all, one.fields["vads_trans_status"])
	}
	return all
}

// play is a platform under way.
type play struct {
	*systempay.Gateway

	t       testing.TB
	address string
	stop    func()
	now     time.Time
}

// waits of repeats that a test can see the end of.
func quick() []time.Duration {
	return []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}
}

func start(t testing.TB, settings systempay.Settings) *play {
	t.Helper()
	p := &play{t: t, now: time.Date(2017, 1, 29, 13, 1, 0, 0, time.UTC)}
	if settings.Shops == nil {
		settings.Shops = shops()
	}
	settings.Clock = func() time.Time { return p.now }
	if settings.Repeats == nil {
		settings.Repeats = quick()
	}
	var err error
	p.Gateway, err = systempay.New(settings)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.address = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-served)
	})
	t.Cleanup(p.stop)
	return p
}

// post sends a body as a browser would, and does not follow.
func (p *play) post(method, path, contentType, body string) (status int, header http.Header, text string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.address+path, strings.NewReader(body))
	require.NoError(p.t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(p.t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(p.t, err)
	return response.StatusCode, response.Header, string(answer)
}

// pay posts a form.
func (p *play) pay(path string, fields map[string]string) (status int, header http.Header, text string) {
	p.t.Helper()
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, value)
	}
	return p.post(http.MethodPost, path, "application/x-www-form-urlencoded", values.Encode())
}

// form is the vendor's example with other fields, signed.
func form(changes map[string]string) map[string]string {
	fields := vector()
	for name, value := range changes {
		if fields[name] = value; value == "-" {
			delete(fields, name)
		}
	}
	algorithm, key := "hmac-sha-256", testKey
	if fields["vads_site_id"] == sha1Site {
		algorithm = "sha-1"
	}
	if fields["vads_ctx_mode"] == "PRODUCTION" {
		key = productionKey
	}
	fields["signature"] = signed(algorithm, key, fields)
	return fields
}

// ask asks the stand-in itself for something.
func (p *play) ask(path, body string, want int) map[string]any {
	p.t.Helper()
	status, _, text := p.post(http.MethodPost, path, "application/json", body)
	require.Equal(p.t, want, status, text)
	var document map[string]any
	if strings.HasPrefix(text, "{") {
		require.NoError(p.t, json.Unmarshal([]byte(text), &document))
	}
	return document
}

// TestTheVendorsExample judges the signatures of these tests by the vendor's, and those of the stand-in by these.
func TestTheVendorsExample(t *testing.T) {
	t.Parallel()
	require.Equal(t, hmacVector, signed("hmac-sha-256", testKey, vector()))
	require.Equal(t, sha1Vector, signed("sha-1", testKey, vector()))

	p := start(t, systempay.Settings{})
	exact := vector()
	exact["signature"] = sha1Vector
	status, _, text := p.pay("/vads-payment/", exact)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, "Error 00: signature")
	exact["signature"] = hmacVector
	status, _, text = p.pay("/vads-payment/", exact)
	require.Equal(t, http.StatusOK, status, text)
	for _, button := range []string{`id="pay"`, `id="refuse"`, `id="abandon"`, "5124"} {
		require.Contains(t, text, button)
	}
	status, _, _ = p.pay("/vads-payment/", form(map[string]string{"vads_site_id": sha1Site}))
	require.Equal(t, http.StatusOK, status)
	status, _, _ = p.pay("/vads-payment/", form(map[string]string{"vads_ctx_mode": "PRODUCTION"}))
	require.Equal(t, http.StatusOK, status, "another mode has its own numbers and its own key")
}

func TestFormsThatAreNotTaken(t *testing.T) {
	t.Parallel()
	p := start(t, systempay.Settings{})
	for name, tried := range map[string]struct{ field, value, code string }{
		"no version":             {"vads_version", "-", "01"},
		"another version":        {"vads_version", "V1", "01"},
		"no shop":                {"vads_site_id", "99999999", "02"},
		"a refund's number":      {"vads_trans_id", "900000", "03"},
		"a short number":         {"vads_trans_id", "12345", "03"},
		"yesterday":              {"vads_trans_date", "20170128130000", "04"},
		"the day after tomorrow": {"vads_trans_date", "20170130130200", "04"},
		"local time":             {"vads_trans_date", "29/01/2017", "04"},
		"by whom":                {"vads_validation_mode", "2", "05"},
		"when":                   {"vads_capture_delay", "soon", "06"},
		"no config":              {"vads_payment_config", "", "07"},
		"another config":         {"vads_payment_config", "TWICE", "07"},
		"one part":               {"vads_payment_config", "MULTI:first=100;count=1;period=30", "07"},
		"no period":              {"vads_payment_config", "MULTI:first=100;count=2;period=0", "07"},
		"first is all":           {"vads_payment_config", "MULTI:first=5124;count=2;period=30", "07"},
		"parts of nothing":       {"vads_payment_config", "MULTI:first=5120;count=6;period=30", "07"},
		"too far":                {"vads_payment_config", "MULTI:first=100;count=14;period=30", "07"},
		"parts are not all":      {"vads_payment_config", "MULTI_EXT:20170129=5000;20170301=100", "07"},
		"a part has passed":      {"vads_payment_config", "MULTI_EXT:20170128=5000;20170301=124", "07"},
		"a part is no day":       {"vads_payment_config", "MULTI_EXT:20170132=5000;20170301=124", "07"},
		"nothing":                {"vads_amount", "0", "09"},
		"euros":                  {"vads_amount", "51.24", "09"},
		"less than nothing":      {"vads_amount", "-1", "09"},
		"too much":               {"vads_amount", "1234567890123", "09"},
		"letters for currency":   {"vads_currency", "EUR", "10"},
		"no such mode":           {"vads_ctx_mode", "DEMO", "11"},
		"order with a space":     {"vads_order_id", "a b", "13"},
		"another page":           {"vads_page_action", "REGISTER", "46"},
		"another action":         {"vads_action_mode", "SILENT", "47"},
		"markup":                 {"vads_cust_last_name", "<b>", "99"},
		"where to is no web":     {"vads_url_success", "javascript:alert(1)", "99"},
		"who listens is no web":  {"vads_url_check", "ftp://x/", "99"},
	} {
		status, _, text := p.pay("/vads-payment/", form(map[string]string{tried.field: tried.value}))
		require.Equal(t, http.StatusBadRequest, status, name)
		require.Contains(t, text, "Error "+tried.code+": "+tried.field, name)
	}
	for name, body := range map[string]string{
		"a field twice": "vads_amount=1&vads_amount=1", "no UTF-8": "vads_cust_id=%FF", "no form": "vads_amount=%zz",
		"too long": "vads_cust_id=" + strings.Repeat("x", 70<<10),
	} {
		status, _, _ := p.post(http.MethodPost, "/vads-payment/", "application/x-www-form-urlencoded", body)
		require.Equal(t, http.StatusBadRequest, status, name)
	}
	require.Empty(t, p.Payments())
}

func TestANumberIsUsedOnceADay(t *testing.T) {
	t.Parallel()
	p := start(t, systempay.Settings{})
	take := func(changes map[string]string) int {
		status, _, _ := p.pay("/vads-payment/", form(changes))
		return status
	}
	require.Equal(t, http.StatusOK, take(map[string]string{"vads_trans_id": "12ab56"}))
	require.Equal(t, http.StatusOK, take(map[string]string{"vads_trans_id": "12ab56"}), "a page that is loaded again")
	require.Len(t, p.Payments(), 1)
	require.Equal(t, http.StatusBadRequest, take(map[string]string{"vads_trans_id": "12ab56", "vads_amount": "1"}))
	require.Equal(t, http.StatusBadRequest, take(map[string]string{"vads_trans_id": "12AB56"}), "letters are taken for the same")
	require.Equal(t, http.StatusOK, take(map[string]string{"vads_trans_id": "12ab56", "vads_site_id": sha1Site}))
	require.Equal(t, http.StatusOK, take(map[string]string{"vads_trans_id": "12ab56", "vads_trans_date": "20170130000000"}), "another day")
	status, _, _ := p.pay("/vads-payment/?pay=refuse", form(map[string]string{"vads_trans_id": "000001"}))
	require.Equal(t, http.StatusOK, status)
	status, _, text := p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_trans_id": "000001"}))
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, text, "Error 03")
}

// TestABuyerPays goes through the page as a browser does.
func TestABuyerPays(t *testing.T) {
	t.Parallel()
	for decision, want := range map[string]struct{ status, result, back string }{
		"pay":     {"AUTHORISED", "00", "success"},
		"refuse":  {"REFUSED", "05", "refused"},
		"abandon": {"ABANDONED", "17", "cancel"},
		"error":   {"NOT_CREATED", "96", "error"},
		"format":  {"NOT_CREATED", "30", "error"},
		"verify":  {"UNDER_VERIFICATION", "00", "success"},
	} {
		for _, site := range []string{hmacSite, sha1Site} {
			shop, p := listen(t), start(t, systempay.Settings{Forwarded: "194.50.38.7"})
			_, _, page := p.pay("/vads-payment/", form(map[string]string{
				"vads_url_check": shop.URL, "vads_url_success": "http://shop/success?a=b", "vads_url_refused": "http://shop/refused",
				"vads_url_cancel": "http://shop/cancel", "vads_url_error": "http://shop/error", "vads_site_id": site,
				"vads_order_id": "A-1", "vads_cust_first_name": "Zoé + co", "vads_unheard_of": "", "vads_theme_config": "x",
			}))
			_, path, found := strings.Cut(page, `action="/vads-payment/`)
			require.True(t, found, page)
			path, _, _ = strings.Cut(path, "/")
			status, header, _ := p.post(http.MethodPost, "/vads-payment/"+path+"/"+decision, "application/x-www-form-urlencoded", "")
			require.Equal(t, http.StatusSeeOther, status)
			require.Contains(t, header.Get("Location"), "http://shop/"+want.back)

			calls := shop.came()
			require.Len(t, calls, 1, "the shop knows before the buyer is back")
			one := calls[0]
			require.True(t, one.right(), decision)
			require.Equal(t, "application/x-www-form-urlencoded; charset=utf-8", one.contentType)
			require.Equal(t, "194.50.38.7", one.forwarded)
			for name, value := range map[string]string{
				"vads_trans_status": want.status, "vads_result": want.result, "vads_amount": "5124", "vads_effective_amount": "5124",
				"vads_order_id": "A-1", "vads_cust_first_name": "Zoé + co", "vads_unheard_of": "", "vads_trans_id": "123456",
				"vads_trans_date": "20170129130025", "vads_operation_type": "DEBIT", "vads_sequence_number": "1", "vads_url_check_src": "PAY",
			} {
				require.Contains(t, one.fields, name)
				require.Equal(t, value, one.fields[name], name)
			}
			require.NotContains(t, one.fields, "vads_url_success")
			require.NotContains(t, one.fields, "vads_theme_config")
			require.Equal(t, decision == "pay" || decision == "verify", len(one.fields["vads_payment_certificate"]) == 40)
			require.Len(t, one.fields["vads_hash"], 64)
			require.NotRegexp(t, `\d{12}`, one.fields["vads_card_number"])
			if decision != "error" && decision != "format" {
				require.Equal(t, one.fields["vads_trans_uuid"], p.Transactions()[0].UUID)
			}

			status, _, _ = p.post(http.MethodPost, "/vads-payment/"+path+"/"+decision, "", "")
			require.Equal(t, http.StatusSeeOther, status, "the same button again")
			status, _, _ = p.post(http.MethodPost, "/vads-payment/"+path+"/wait", "", "")
			require.Equal(t, http.StatusConflict, status)
			require.Len(t, shop.came(), 1)
			require.Len(t, p.Transactions(), 1)
		}
	}
}

func TestWhatGoesBackWithTheBuyer(t *testing.T) {
	t.Parallel()
	p := start(t, systempay.Settings{})
	_, header, _ := p.pay("/vads-payment/?pay=pay", form(map[string]string{
		"vads_url_return": "http://shop/back?a=b", "vads_return_mode": "GET", "vads_trans_id": "000001",
	}))
	back, err := url.Parse(header.Get("Location"))
	require.NoError(t, err)
	returned := call{fields: map[string]string{}}
	for name := range back.Query() {
		returned.fields[name] = back.Query().Get(name)
	}
	require.Equal(t, "b", returned.fields["a"])
	require.True(t, returned.right())
	require.NotContains(t, returned.fields, "vads_hash")
	require.NotContains(t, returned.fields, "vads_url_check_src")

	status, _, text := p.pay("/vads-payment/?pay=pay", form(map[string]string{
		"vads_url_success": "http://shop/back", "vads_return_mode": "POST", "vads_trans_id": "000002", "vads_cust_id": `"&`,
	}))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, `action="http://shop/back"`)
	require.Contains(t, text, `value="&#34;&amp;"`)

	status, _, text = p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_trans_id": "000003"}))
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, `id="end"`)
	status, _, _ = p.pay("/vads-payment/?pay=unheard", form(map[string]string{"vads_trans_id": "000004"}))
	require.Equal(t, http.StatusNotFound, status)
}

func TestTheLifeOfATransaction(t *testing.T) {
	t.Parallel()
	shop, p := listen(t), start(t, systempay.Settings{})
	next := 0
	pay := func(decision string, changes map[string]string) string {
		next++
		changes = maps.Clone(changes)
		if changes == nil {
			changes = map[string]string{}
		}
		changes["vads_url_check"], changes["vads_trans_id"] = shop.URL, "00000"+strconv.Itoa(next)
		p.pay("/vads-payment/?pay="+decision, form(changes))
		all := p.Transactions()
		return "/stand-in/transactions/" + all[len(all)-1].UUID
	}
	last := func() map[string]string {
		calls := shop.came()
		require.True(t, calls[len(calls)-1].right())
		return calls[len(calls)-1].fields
	}

	paid := pay("pay", nil)
	certificate := last()["vads_payment_certificate"]
	p.ask(paid+"/credit", "", http.StatusConflict)
	p.ask(paid+"/capture", `{"amount":9999}`, http.StatusConflict)
	require.Equal(t, "CAPTURED", p.ask(paid+"/capture", `{"amount":5000}`, http.StatusOK)["status"])
	require.Equal(t, "CAPTURED/5000/5124/BATCH/"+certificate, strings.Join([]string{
		last()["vads_trans_status"], last()["vads_effective_amount"], last()["vads_amount"], last()["vads_url_check_src"],
		last()["vads_payment_certificate"],
	}, "/"))
	p.ask(paid+"/cancel", "", http.StatusConflict)
	other := pay("pay", nil)
	p.ask(other+"/cancel", `{"amount":1}`, http.StatusConflict)
	back := p.ask(paid+"/credit", `{"amount":1000}`, http.StatusOK)
	require.Equal(t, "CREDIT", back["operation_type"])
	require.Equal(t, "CREDIT/1000/AUTHORISED/900000", strings.Join([]string{
		last()["vads_operation_type"], last()["vads_effective_amount"], last()["vads_trans_status"], last()["vads_trans_id"],
	}, "/"))
	p.ask("/stand-in/transactions/"+back["uuid"].(string)+"/capture", "", http.StatusOK)
	require.Equal(t, "CAPTURED", last()["vads_trans_status"])
	p.ask(paid+"/credit", `{"amount":4001}`, http.StatusConflict)
	require.InDelta(t, 4000, p.ask(paid+"/credit", "", http.StatusOK)["amount"], 0)
	require.Equal(t, "900001", last()["vads_trans_id"])
	p.ask(paid+"/credit", "", http.StatusConflict)

	for _, way := range []struct {
		decision string
		changes  map[string]string
		acts     []string
		want     []string
	}{
		{"pay", map[string]string{"vads_validation_mode": "1"}, []string{"validate", "fail"}, []string{"AUTHORISED_TO_VALIDATE", "AUTHORISED", "CAPTURE_FAILED"}},
		{"pay", map[string]string{"vads_capture_delay": "8"}, []string{"authorise", "cancel"}, []string{"WAITING_AUTHORISATION", "AUTHORISED", "CANCELLED"}},
		{"wait-to-validate", nil, []string{"validate", "refuse"}, []string{"WAITING_AUTHORISATION_TO_VALIDATE", "WAITING_AUTHORISATION", "REFUSED"}},
		{"validate", nil, []string{"expire"}, []string{"AUTHORISED_TO_VALIDATE", "EXPIRED"}},
		{"capture-pending", nil, []string{"capture"}, []string{"CAPTURE_PENDING", "CAPTURED"}},
		{"card-check", nil, nil, []string{"ACCEPTED"}},
	} {
		before := len(shop.came())
		at := pay(way.decision, way.changes)
		for _, act := range way.acts {
			p.ask(at+"/"+act, "", http.StatusOK)
		}
		require.Equal(t, way.want, shop.statuses()[before:])
		require.Equal(t, way.decision == "card-check", last()["vads_operation_type"] == "VERIFICATION")
	}
	p.ask(paid+"/unheard", "", http.StatusNotFound)
	p.ask("/stand-in/transactions/none/capture", "", http.StatusNotFound)
	p.ask(paid+"/capture", "{", http.StatusBadRequest)
}

func TestInstalments(t *testing.T) {
	t.Parallel()
	shop, p := listen(t), start(t, systempay.Settings{})
	for config, want := range map[string][]int64{
		"MULTI:first=10000;count=4;period=30":                  {10000, 3333, 3333, 3334},
		"MULTI_EXT:20170129=10000;20170301=9000;20170401=1000": {10000, 9000, 1000},
	} {
		before := len(p.Transactions())
		p.pay("/vads-payment/?pay=pay", form(map[string]string{
			"vads_url_check": shop.URL, "vads_amount": "20000", "vads_payment_config": config, "vads_trans_id": "00000" + strconv.Itoa(before),
		}))
		made := p.Transactions()[before:]
		var amounts []int64
		for i := range made {
			amounts = append(amounts, made[i].Effective)
			require.Equal(t, i+1, made[i].Sequence)
			require.Equal(t, made[0].TransID, made[i].TransID)
			require.Equal(t, int64(20000), made[i].Amount)
		}
		require.Equal(t, want, amounts)
		calls := shop.came()
		require.Equal(t, "AUTHORISED", calls[len(calls)-1].fields["vads_trans_status"])
		p.ask("/stand-in/transactions/"+made[1].UUID+"/authorise", "", http.StatusOK)
		calls = shop.came()
		told := calls[len(calls)-1]
		require.True(t, told.right())
		require.Equal(t, "2 20000 "+strconv.FormatInt(want[1], 10)+" BATCH_AUTO", strings.Join([]string{
			told.fields["vads_sequence_number"], told.fields["vads_amount"], told.fields["vads_effective_amount"], told.fields["vads_url_check_src"],
		}, " "))
	}
	require.Len(t, shop.came(), 4, "of each the first part and the second, and none that is yet to come")

	before := len(p.Transactions())
	p.pay("/vads-payment/?pay=refuse", form(map[string]string{
		"vads_amount": "20000", "vads_payment_config": "MULTI:first=10000;count=4;period=30", "vads_trans_id": "000099",
	}))
	require.Len(t, p.Transactions()[before:], 1, "nothing comes of what was refused")
}

func TestTheBatchAndTheControl(t *testing.T) {
	t.Parallel()
	shop, p := listen(t), start(t, systempay.Settings{})
	for i, decision := range []string{"pay", "refuse", "pay"} {
		p.pay("/vads-payment/", form(map[string]string{
			"vads_url_check": shop.URL, "vads_trans_id": "00000" + strconv.Itoa(i), "vads_order_id": "A" + strconv.Itoa(i),
		}))
		opened := p.Payments()
		status, _, text := p.post(http.MethodPost, "/stand-in/payments/"+opened[i].ID+"/"+decision, "", `{"auth_result":"51"}`)
		require.Equal(t, http.StatusOK, status, text)
	}
	require.Equal(t, "51", shop.came()[1].fields["vads_auth_result"])
	p.ask("/stand-in/batch", "", http.StatusOK)
	require.Equal(t, []string{"AUTHORISED", "REFUSED", "AUTHORISED", "CAPTURED", "CAPTURED"}, shop.statuses())

	_, _, text := p.post(http.MethodGet, "/stand-in/transactions?order_id=A2", "", "")
	var found []systempay.Transaction
	require.NoError(t, json.Unmarshal([]byte(text), &found))
	require.Len(t, found, 1)
	require.Equal(t, []string{"A2", "CAPTURED"}, []string{found[0].Order, found[0].Status})
	status, _, text := p.post(http.MethodGet, "/stand-in/transactions/"+found[0].UUID, "", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, `"answer":"answer"`)
	status, _, _ = p.post(http.MethodGet, "/stand-in/payments", "", "")
	require.Equal(t, http.StatusOK, status)
}

// TestResends has the same event told again, and an older one after a newer one.
func TestResends(t *testing.T) {
	t.Parallel()
	shop, p := listen(t), start(t, systempay.Settings{})
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL}))
	at := "/stand-in/transactions/" + p.Transactions()[0].UUID
	p.ask(at+"/capture", "", http.StatusOK)
	p.ask(at+"/resend", "", http.StatusOK)
	p.ask(at+"/resend", `{"event":0,"url_check_src":"RETRY"}`, http.StatusOK)
	p.ask(at+"/resend", `{"event":2}`, http.StatusNotFound)
	require.Equal(t, []string{"AUTHORISED", "CAPTURED", "CAPTURED", "AUTHORISED"}, shop.statuses())
	calls := shop.came()
	for _, pair := range [][2]call{{calls[1], calls[2]}, {calls[0], calls[3]}} {
		require.True(t, pair[0].right())
		require.True(t, pair[1].right())
		for name, value := range pair[0].fields {
			changed := name == "vads_hash" || name == "signature" || name == "vads_url_check_src"
			require.Equal(t, changed, value != pair[1].fields[name], name)
		}
	}
	require.Equal(t, "BO", calls[2].fields["vads_url_check_src"])
	require.Equal(t, "RETRY", calls[3].fields["vads_url_check_src"])
}

func TestRepeats(t *testing.T) {
	t.Parallel()
	for name, tried := range map[string]struct {
		answers   []int
		calls     int
		delivered bool
	}{
		"taken at once":      {[]int{200}, 1, true},
		"taken in the end":   {[]int{503, 400, 200}, 3, true},
		"never taken":        {[]int{500}, 4, false},
		"another success":    {[]int{204, 200}, 2, true},
		"redirected":         {[]int{302}, 1, true},
		"redirected for GET": {[]int{303}, 1, true},
	} {
		shop, p := listen(t), start(t, systempay.Settings{})
		shop.answer = func(n int) int { return tried.answers[min(n, len(tried.answers)-1)] }
		p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL}))
		p.Settle()
		calls := shop.came()
		require.Len(t, calls, tried.calls, name)
		event := p.Transactions()[0].Events[0]
		require.Equal(t, tried.delivered, event.Delivered, name)
		require.Len(t, event.Deliveries, tried.calls, name)
		require.Equal(t, tried.answers[0]/100 == 3, event.Deliveries[0].Redirected, name)
		for i := range calls {
			require.True(t, calls[i].right(), name)
			if i > 0 {
				require.Equal(t, "RETRY", calls[i].fields["vads_url_check_src"])
				require.NotEqual(t, calls[0].fields["vads_hash"], calls[i].fields["vads_hash"])
			}
		}
	}
}

// TestWhatIsKept ends the platform before the shop has answered, and starts it again.
func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	shop := listen(t)
	shop.answer = func(n int) int { return []int{200, 503, 200, 200}[min(n, 3)] }
	file := filepath.Join(t.TempDir(), "state")
	first := start(t, systempay.Settings{File: file, Repeats: []time.Duration{time.Hour}})
	first.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL, "vads_trans_id": "000001"}))
	first.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_url_check": shop.URL, "vads_trans_id": "000002"}))
	first.pay("/vads-payment/", form(map[string]string{"vads_url_check": shop.URL, "vads_trans_id": "000003"}))
	want := first.Transactions()
	first.stop()
	require.Len(t, shop.came(), 2)
	appendTo(t, file, `{"transactions":[{"uuid":"cut sho`+strings.Repeat("r", 100_000))

	second := start(t, systempay.Settings{File: file})
	status, _, _ := second.pay("/vads-payment/", form(map[string]string{"vads_trans_id": "000001"}))
	require.Equal(t, http.StatusBadRequest, status, "its number is still used")
	second.Settle()
	calls := shop.came()
	require.Len(t, calls, 3, "what was not answered, and nothing else")
	require.Equal(t, "000002/RETRY", calls[2].fields["vads_trans_id"]+"/"+calls[2].fields["vads_url_check_src"])
	got := second.Transactions()
	require.Equal(t, want[0], got[0])
	require.True(t, got[1].Events[0].Delivered)
	require.Len(t, second.Payments(), 3)
	second.stop()

	third := start(t, systempay.Settings{File: file})
	require.Equal(t, got, third.Transactions())
	third.stop()
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, wrong := range []string{"no JSON\n{}\n", `{"transactions":[{"uuid":"x","payment":"none"}]}`, `{"transactions":[null]}`} {
		require.NoError(t, os.WriteFile(file, append(slices.Clone(whole), wrong...), 0o600))
		_, err := systempay.New(systempay.Settings{Shops: shops(), Clock: time.Now, File: file})
		require.ErrorIs(t, err, systempay.ErrState)
	}
}

// TestWhereNotificationsGo has a shop's own address, which the form's goes before.
func TestWhereNotificationsGo(t *testing.T) {
	t.Parallel()
	own, said := listen(t), listen(t)
	settings := systempay.Settings{Shops: shops(), From: "127.0.0.1"}
	settings.Shops[0].Check = own.URL
	p := start(t, settings)
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_trans_id": "000001"}))
	require.Len(t, own.came(), 1)
	require.Empty(t, own.came()[0].forwarded)
	require.True(t, strings.HasPrefix(own.came()[0].from, "127.0.0.1:"))
	p.pay("/vads-payment/?pay=pay", form(map[string]string{"vads_trans_id": "000002", "vads_url_check": said.URL}))
	require.Len(t, own.came(), 1)
	require.Len(t, said.came(), 1)
}

// TestManyAtOnce has everybody press the same buttons.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	shop := listen(t)
	file := filepath.Join(t.TempDir(), "state")
	p := start(t, systempay.Settings{File: file})
	p.pay("/vads-payment/", form(map[string]string{"vads_url_check": shop.URL}))
	payment := p.Payments()[0].ID
	var everybody sync.WaitGroup
	for range 20 {
		everybody.Go(func() {
			_, _ = p.Decide(t.Context(), payment, "pay", "")
		})
	}
	everybody.Wait()
	require.Len(t, p.Transactions(), 1)
	require.Equal(t, []string{"AUTHORISED"}, shop.statuses())
	var moved atomic.Int32
	for range 20 {
		everybody.Go(func() {
			if _, err := p.Move(t.Context(), p.Transactions()[0].UUID, "capture", 0); err == nil {
				moved.Add(1)
			}
		})
	}
	everybody.Wait()
	require.EqualValues(t, 1, moved.Load())
	for range 20 {
		everybody.Go(func() { _, _ = p.Move(t.Context(), p.Transactions()[0].UUID, "credit", 1000) })
	}
	everybody.Wait()
	credited := int64(0)
	for _, one := range p.Transactions()[1:] {
		credited += one.Effective
	}
	require.Equal(t, int64(5000), credited, "five times, and 124 are left")
	want := p.Transactions()
	p.stop()
	require.Equal(t, want, start(t, systempay.Settings{File: file}).Transactions())
}

// FuzzForm posts anything: it is taken or refused.
func FuzzForm(f *testing.F) {
	f.Add("vads_amount=1&signature=x")
	f.Add("vads_amount=1&vads_amount=2")
	f.Add("vads_cust_id=%FF&;=&%zz")
	f.Add(strings.Repeat("&", 1000))
	p := start(f, systempay.Settings{})
	f.Fuzz(func(t *testing.T, body string) {
		here := *p
		here.t = t
		status, _, _ := here.post(http.MethodPost, "/vads-payment/", "application/x-www-form-urlencoded", body)
		require.Equal(t, http.StatusBadRequest, status, "nobody guesses a signature")
	})
}

// FuzzPaymentConfig signs any vads_payment_config: its parts are the amount, or it is refused.
func FuzzPaymentConfig(f *testing.F) {
	f.Add("SINGLE", int64(5124))
	f.Add("MULTI:first=10000;count=4;period=30", int64(20000))
	f.Add("MULTI:first=1;count=99;period=1", int64(99))
	f.Add("MULTI_EXT:20170129=10000;20170301=9000;20170401=1000", int64(20000))
	f.Add("MULTI_EXT:;", int64(1))
	f.Fuzz(func(t *testing.T, config string, amount int64) {
		p := start(t, systempay.Settings{})
		status, _, text := p.pay("/vads-payment/?pay=pay", form(map[string]string{
			"vads_payment_config": config, "vads_amount": strconv.FormatInt(amount, 10),
		}))
		if status != http.StatusOK {
			require.Equal(t, http.StatusBadRequest, status, text)
			require.Empty(t, p.Transactions())
			return
		}
		for i, one := range p.Transactions() {
			require.Positive(t, one.Effective)
			require.Equal(t, i+1, one.Sequence)
			amount -= one.Effective
		}
		require.Zero(t, amount)
	})
}
