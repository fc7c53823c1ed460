package command_test

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/deploy/partners/systempay"
	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/workflows"
)

const (
	shopKey = "1122334455667788"
	formKey = "s3cret-s3cret-s3cret-s3cret-s3cret"
)

// platform plays SystemPay, and gives where it takes forms.
func platform(t *testing.T, clock func() time.Time) (*systempay.Gateway, string) {
	t.Helper()
	played, err := systempay.New(systempay.Settings{
		Shops: []systempay.Shop{{Site: "12345678", Algorithm: systempay.SHA256, Keys: map[string]string{"TEST": shopKey}}},
		Clock: clock, Forwarded: "194.50.38.7", Repeats: []time.Duration{time.Millisecond},
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- played.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	return played, "http://" + listener.Addr().String() + "/vads-payment/"
}

// shopsFile names one shop, whose forms go there and whose notifications come here.
func shopsFile(t *testing.T, pages, check string) (environ []string) {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, writeTo(filepath.Join(folder, "key"), shopKey+"\n"))
	path := filepath.Join(folder, "shops.yaml")
	require.NoError(t, writeTo(path, `- name: boutique
  site_id: "12345678"
  mode: TEST
  algorithm: HMAC-SHA-256
  key_file: key
  page: {url: "`+pages+`", check: "`+check+`"}
`))
	return []string{"REGLO_SYSTEMPAY_SHOPS=" + path}
}

// browser posts a page's form as a browser does when its button is pressed, and
// decides.
func browser(t *testing.T, page, decision string) {
	t.Helper()
	action := regexp.MustCompile(`<form method="post" action="([^"]*)" accept-charset="UTF-8">`).FindStringSubmatch(page)
	require.NotNil(t, action, page)
	values := url.Values{}
	for _, input := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		values.Add(html.UnescapeString(input[1]), html.UnescapeString(input[2]))
	}
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, html.UnescapeString(action[1])+"?pay="+decision, strings.NewReader(values.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(text))
}

func TestThePageOfAPayment(t *testing.T) {
	t.Parallel()
	played, pages := platform(t, func() time.Time { return now.Add(time.Minute) })
	environ := append(shopsFile(t, pages, ""), "REGLO_DATABASE_URL="+pgtest.URL(t))
	args := []string{
		"systempay", "form", "--shop", "boutique", "--order", "ORDER-1", "--amount", "19.99", "--customer", "1234",
		"--email", "zoe@example.org", "--first-name", `Zoé "&'`, "--last-name", "Lefèvre", "--product", "E1", "--product", "E2",
	}
	got := starter(t, environ, args...)
	require.Zero(t, got.code, got.err)
	require.True(t, strings.HasPrefix(got.out, "<!DOCTYPE html>\n<html lang=\"fr\">"), got.out)
	for _, want := range []string{
		`<meta charset="UTF-8">`, "Montant : 19.99 EUR", `<button type="submit">Payer</button>`, `name="vads_amount" value="1999"`,
		`value="Zoé &#34;&amp;&#39;"`, `name="vads_product_ref1" value="E2"`, `name="signature"`,
	} {
		require.Contains(t, got.out, want)
	}
	require.Equal(t, 1, strings.Count(got.out, "<button"))
	require.NotContains(t, got.out, "<script")
	require.NotContains(t, got.out, shopKey)
	browser(t, got.out, "pay")
	require.Len(t, played.Transactions(), 1, "the platform takes the form")

	out := filepath.Join(t.TempDir(), "page.html")
	got = starter(t, environ, append(args, "--out", out)...)
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "transaction 000001, of order ORDER-1 is kept: open "+out)
	require.NotContains(t, got.out, "Zoé")
	page, err := os.ReadFile(out)
	require.NoError(t, err)
	browser(t, string(page), "pay")
	stat, err := os.Stat(out)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), stat.Mode())

	got = starter(t, environ, append(args, "--out", out)...)
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "not there yet")

	got = starter(t, environ, append(args, "--json")...)
	require.Zero(t, got.code, got.err)
	var document struct {
		Number        int64
		TransactionID string
		URL           string
		Fields        []struct{ Name, Value string }
		Signature     string
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &document))
	require.Equal(t, "000002", document.TransactionID, "what was refused spent no number")
	require.Equal(t, pages, document.URL)
	require.NotEmpty(t, document.Fields)
	require.NotEmpty(t, document.Signature)
}

func TestPaymentsThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	environ := append(shopsFile(t, "", ""), "REGLO_DATABASE_URL="+pgtest.URL(t))
	folder := t.TempDir()
	right := []string{"systempay", "form", "--shop", "boutique", "--order", "ORDER-1", "--amount", "19.99"}
	for name, test := range map[string]struct {
		environ, args []string
		code          int
		says          []string
	}{
		"no shop":          {nil, []string{"systempay", "form", "--amount", "1"}, command.ExitInput, []string{"--shop is missing"}},
		"nobody's shop":    {nil, append(right, "--shop", "nobody"), command.ExitInput, []string{"--shop", "no such shop"}},
		"no shops":         {[]string{"REGLO_SYSTEMPAY_SHOPS="}, append(right, "--shop", "nobody"), command.ExitInput, []string{"--shop"}},
		"no file of shops": {[]string{"REGLO_SYSTEMPAY_SHOPS=/nowhere/shops"}, right, command.ExitInput, []string{"systempay.shops", "/nowhere/shops"}},
		"an amount":        {nil, append(right, "--amount", "a lot"), command.ExitInput, []string{"--amount"}},
		"nothing":          {nil, append(right, "--amount", "0"), command.ExitInput, []string{"--amount"}},
		"a currency":       {nil, append(right, "--currency", "XXX"), command.ExitInput, []string{"--currency"}},
		"a plan":           {nil, append(right, "--plan", "SOME"), command.ExitInput, []string{"--plan"}},
		"a name":           {nil, append(right, "--last-name", "<b>"), command.ExitInput, []string{"--last-name"}},
		"no customer":      {nil, append(right, "--order", ""), command.ExitInput, []string{"--customer"}},
		"an invoice": {
			nil, append(right, "--invoice-prefix", "F", "--out", filepath.Join(folder, "page.html")), command.ExitInput, []string{"--invoice-piece"},
		},
		"no folder":   {nil, append(right, "--out", "/nowhere/page.html"), command.ExitInput, []string{"--out"}},
		"no database": {nowhere(), right, command.ExitUnreachable, []string{"PostgreSQL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := starter(t, append(append([]string{}, environ...), test.environ...), test.args...)
			require.Equal(t, test.code, got.code, got.err)
			require.Empty(t, got.out)
			for _, want := range test.says {
				require.Contains(t, got.err, want)
			}
			require.NotContains(t, got.err, "vads_")
		})
	}
	t.Cleanup(func() {
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left, "no empty page is left")
	})
}

// TestServeAndThePlatform has a shop's program ask for a form, a buyer pay it, and
// finds the payment and the workflow that looks after it.
func TestServeAndThePlatform(t *testing.T) {
	t.Parallel()
	played, pages := platform(t, time.Now)
	environ, databaseURL := onServers(t)
	ours := free(t)
	environ = append(environ, shopsFile(t, pages, "http://"+ours+"/ipn/systempay/boutique")...)
	s := serves(t, append(environ,
		"REGLO_FRONT_ADDRESS="+ours, "REGLO_FRONT_TRUSTED_PROXIES=127.0.0.0/8", "REGLO_SYSTEMPAY_API_KEY_FILE="+write(t, "key", formKey+"\n")))
	require.Equal(t, []string{"POST /ipn/systempay/{shop}", "POST /systempay/forms"}, s.routes)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+ours+"/systempay/forms",
		strings.NewReader(`{"shop":"boutique","orderId":"ORDER-1","amount":"19.99","currency":"EUR","customer":{"lastName":"Lefèvre"}}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+formKey)
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusCreated, response.StatusCode, string(text))
	var form struct {
		Fields    []struct{ Name, Value string }
		Signature string
	}
	require.NoError(t, json.Unmarshal(text, &form))
	var page strings.Builder
	input := func(name, value string) {
		page.WriteString(`<input type="hidden" name="` + name + `" value="` + html.EscapeString(value) + `">`)
	}
	page.WriteString(`<form method="post" action="` + pages + `" accept-charset="UTF-8">`)
	input("signature", form.Signature)
	for _, field := range form.Fields {
		input(field.Name, field.Value)
	}
	browser(t, page.String(), "pay")
	played.Settle()

	conn, err := pgx.Connect(t.Context(), databaseURL)
	require.NoError(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	var state string
	require.NoError(t, conn.QueryRow(t.Context(), "select state from payment where doubt = '' and class = 'PAID'").Scan(&state))
	require.Equal(t, "AUTHORISED", state)
	require.Eventually(t, func() bool {
		described, err := devServer.Client().DescribeWorkflowExecution(t.Context(), workflows.PaymentsID, "")
		return err == nil && described.GetWorkflowExecutionInfo().GetType().GetName() == workflows.PaymentsName
	}, 30*time.Second, 10*time.Millisecond)

	_, metrics := s.get(t, "/metrics")
	require.Contains(t, metrics, `reglo_front_payment_notifications_total{kept="true",outcome="ACCEPTED",shop="boutique"} 1`)
	require.Equal(t, command.ExitDone, s.stop(), s.err)
	// Another test's workers may have ended it meanwhile.
	_ = devServer.Client().TerminateWorkflow(t.Context(), workflows.PaymentsID, "", "the test ends")
	for _, word := range []string{"s3cret", shopKey, "Lefèvre"} {
		require.NotContains(t, s.err.String(), word)
	}
}

func TestServeWithoutAKeyOfForms(t *testing.T) {
	t.Parallel()
	environ, _ := onServers(t)
	s := serves(t, append(environ, shopsFile(t, "", "")...))
	require.Equal(t, []string{"POST /ipn/systempay/{shop}"}, s.routes)
	require.Equal(t, command.ExitDone, s.stop())
	got := starter(t, append(environ, "REGLO_SYSTEMPAY_SHOPS=/nowhere/shops.yaml"), "serve")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "systempay.shops")
}
