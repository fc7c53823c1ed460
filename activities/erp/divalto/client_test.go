package divalto_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/erp"
	"github.com/reglo/reglo/activities/erp/divalto"
	words "github.com/reglo/reglo/domain/divalto"
)

const (
	password = "s3cret/passw0rd"
	token    = "t0ken\"of<the>ERP"
)

func now() time.Time { return time.Date(2026, time.March, 17, 9, 30, 0, 0, time.UTC) }

// page is how the ERP answers one path.
type page func(w http.ResponseWriter, r *http.Request)

// says answers with a text.
func says(status int, text string) page {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text) // whoever has gone has gone
	}
}

// admits lets us in.
func admits() page {
	encoded, err := json.Marshal(map[string]any{"error": 0, "access_token": token})
	if err != nil {
		panic(err) // texts always encode
	}
	return says(http.StatusOK, string(encoded))
}

// server answers authentication, postings and look-ups.
func server(t testing.TB, auth, execute, lookUp page) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, answer := range map[string]page{words.AuthPath: auth, words.ExecutePath: execute, divalto.OrdinaryLookUp().Path: lookUp} {
		if answer != nil {
			mux.HandleFunc("POST "+path, answer)
		}
	}
	made := httptest.NewServer(mux)
	t.Cleanup(made.Close)
	return made
}

func settings(address string) divalto.Settings {
	return divalto.Settings{
		URL: address, Dos: "998", Credentials: words.Credentials{User: "reglo", Password: password, Domain: "d", Env: "e"},
		Timeout: 5 * time.Second,
	}
}

func client(t testing.TB, made divalto.Settings) *divalto.Client {
	t.Helper()
	client, err := divalto.New(made, now)
	require.NoError(t, err)
	return client
}

// loggedIn is a client that has a token.
func loggedIn(t testing.TB, execute, lookUp page) *divalto.Client {
	t.Helper()
	made := client(t, settings(server(t, admits(), execute, lookUp).URL))
	require.Equal(t, erp.Outcome{}, made.Login(t.Context()))
	return made
}

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*divalto.Settings)
		wrong  string // empty for none
	}{
		"as they are":        {change: func(*divalto.Settings) {}},
		"another network":    {change: func(s *divalto.Settings) { s.URL, s.AllowPlain = "http://erp.example", true }},
		"https":              {change: func(s *divalto.Settings) { s.URL = "https://erp.example/infinity" }},
		"plain, elsewhere":   {change: func(s *divalto.Settings) { s.URL = "http://erp.example" }, wrong: "https"},
		"a password there":   {change: func(s *divalto.Settings) { s.URL = "https://reglo:s3cret@erp.example" }, wrong: "https://host"},
		"a query":            {change: func(s *divalto.Settings) { s.URL = "https://erp.example?s3cret" }, wrong: "https://host"},
		"no URL":             {change: func(s *divalto.Settings) { s.URL = "" }, wrong: "https://host"},
		"no user":            {change: func(s *divalto.Settings) { s.Credentials.User = "" }, wrong: "user"},
		"no password":        {change: func(s *divalto.Settings) { s.Credentials.Password = "" }, wrong: "password"},
		"too long":           {change: func(s *divalto.Settings) { s.Timeout = time.Hour }, wrong: "3m0s at most"},
		"below zero":         {change: func(s *divalto.Settings) { s.TokenLifetime = -1 }, wrong: "above zero"},
		"a rate below zero":  {change: func(s *divalto.Settings) { s.Rate = -1 }, wrong: "rate"},
		"a strange dossier":  {change: func(s *divalto.Settings) { s.Dos = "998;MZ.X=1" }, wrong: "dossier"},
		"a strange look-up":  {change: func(s *divalto.Settings) { s.LookUp.Field = "A;B" }, wrong: "look-up"},
		"a look-up nowhere":  {change: func(s *divalto.Settings) { s.LookUp.Path = "RecordSql" }, wrong: "path"},
		"a dossier of users": {change: func(s *divalto.Settings) { s.Dos = "" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := settings("http://127.0.0.1:1")
			test.change(&made)
			_, err := divalto.New(made, now)
			if test.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, divalto.ErrSettings)
			require.ErrorContains(t, err, test.wrong)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", settings("x"), settings("x"), settings("x")), "s3cret")
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	var bodies []string
	keep := func(then page) page {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				bodies = append(bodies, string(body))
			}
			then(w, r)
		}
	}
	made := client(t, settings(server(t, keep(admits()), keep(says(http.StatusOK, `{"error":0,"result":""}`)),
		keep(says(http.StatusOK, `{"error":0,"records":[]}`))).URL))
	require.Empty(t, made.Login(t.Context()).Class)
	require.Empty(t, made.Login(t.Context()).Class)
	require.Equal(t, words.Unknown, made.Post(t.Context(), `{"é": "<&>"}`).Class)
	found, err := made.Find(t.Context(), "RGV:a.b-c~d/2")
	require.NoError(t, err)
	require.True(t, found.Answered)

	require.Len(t, bodies, 3, "one token is enough")
	require.JSONEq(t, `{"user":"reglo","password":"s3cret/passw0rd","domain":"d","env":"e"}`, bodies[0])
	require.JSONEq(t, `{"action":"WEB_SERVICE_INFINITY","access_token":"t0ken\"of<the>ERP","param":"{\"é\": \"<&>\"}"}`, bodies[1])
	require.JSONEq(t, `{"dhoq":"RTRSRGLT.DHOQ","recordsql":"RgltJnlEnt","access_token":"t0ken\"of<the>ERP","parameters":"MZ.DOS=998",
		"fields":"TRANSAC;LIB;MTDEV;TIERS","where":"Equal_Lib","where_parameters":"LIB=RGV:a.b-c~d/2","offset":0,"count":100,"orderby":"",
		"having":"","having_parameters":"","infos":""}`, bodies[2])
	for _, wrong := range []string{"", "a;b", "a=b", `a"b`} {
		_, err = made.Find(t.Context(), wrong)
		require.ErrorContains(t, err, "the label")
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		auth  page
		class words.Class
	}{
		"refused":   {auth: says(http.StatusOK, `{"error":3,"txterr":"mot de passe s3cret/passw0rd inconnu"}`), class: words.AuthFailed},
		"no token":  {auth: says(http.StatusOK, `{"error":0}`), class: words.AuthFailed},
		"no JSON":   {auth: says(http.StatusOK, `<html>`), class: words.AuthFailed},
		"not found": {class: words.AuthFailed},
		"down":      {auth: says(http.StatusBadGateway, ``), class: words.AuthFailed},
		"redirected": {auth: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, class: words.AuthFailed},
		"too long": {auth: says(http.StatusOK, strings.Repeat(" ", words.MaxReply+1)), class: words.NotSent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posted atomic.Bool
			made := client(t, settings(server(t, test.auth, func(http.ResponseWriter, *http.Request) { posted.Store(true) }, nil).URL))
			outcome := made.Login(t.Context())
			require.Equal(t, test.class, outcome.Class)
			require.NotEmpty(t, outcome.Detail)
			require.NotContains(t, outcome.Detail, "s3cret")
			require.Equal(t, words.NotSent, made.Post(t.Context(), "{}").Class)
			_, err := made.Find(t.Context(), "RGV:a")
			require.ErrorContains(t, err, "no token")
			require.False(t, posted.Load())
		})
	}
}

// TestNoConnectionIsNotSent: the ERP cannot have what never left.
func TestNoConnectionIsNotSent(t *testing.T) {
	t.Parallel()
	secured := httptest.NewUnstartedServer(http.NotFoundHandler())
	secured.Config.ErrorLog = log.New(io.Discard, "", 0) // that we do not trust it
	secured.StartTLS()
	t.Cleanup(secured.Close)
	proxy, err := url.Parse("http://127.0.0.1:1")
	require.NoError(t, err)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		change func(*divalto.Settings)
		ctx    context.Context
	}{
		"refused":          {change: func(s *divalto.Settings) { s.URL = "http://127.0.0.1:1" }},
		"no such host":     {change: func(s *divalto.Settings) { s.URL = "https://erp.invalid" }},
		"unknown issuer":   {change: func(s *divalto.Settings) { s.URL = secured.URL }},
		"no authorities":   {change: func(s *divalto.Settings) { s.URL, s.Roots = secured.URL, x509.NewCertPool() }},
		"no proxy":         {change: func(s *divalto.Settings) { s.URL, s.Proxy = secured.URL, proxy }},
		"called off":       {change: func(*divalto.Settings) {}, ctx: gone},
		"no turn in a day": {change: func(s *divalto.Settings) { s.Rate = 1 }, ctx: gone},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := server(t, admits(), says(http.StatusOK, `{}`), nil)
			made := settings(up.URL)
			test.change(&made)
			if test.ctx == nil {
				test.ctx = t.Context()
			}
			outcome := client(t, made).Login(test.ctx)
			require.Equal(t, words.NotSent, outcome.Class)
			require.NotEmpty(t, outcome.Detail)
		})
	}
}

// TestPostIsNotSentAfterALogin, when the ERP has gone between the two.
func TestPostIsNotSentAfterALogin(t *testing.T) {
	t.Parallel()
	up := server(t, admits(), nil, nil)
	made := client(t, settings(up.URL))
	require.Empty(t, made.Login(t.Context()).Class)
	up.Close()
	outcome := made.Post(t.Context(), "{}")
	require.Equal(t, words.NotSent, outcome.Class)
	require.NotContains(t, outcome.Detail, "t0ken")
	_, err := made.Find(t.Context(), "RGV:a")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "t0ken")
}

func TestPost(t *testing.T) {
	t.Parallel()
	const accepted = `{"error":0,"result":"{\"result\":{\"common\":{\"resultcode\":\"0\"},\"response\":{\"transactionId\":\"7\"}}}","txterr":"","infos":""}`
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // that the caller has gone is seen once all is read
		<-r.Context().Done()
	}
	tests := map[string]struct {
		execute page
		class   words.Class
		says    string
	}{
		"accepted":  {execute: says(http.StatusOK, accepted), class: words.Accepted, says: "accepted"},
		"500":       {execute: says(http.StatusInternalServerError, accepted), class: words.Unknown, says: "HTTP 500"},
		"not found": {class: words.Unknown, says: "HTTP 404"},
		"redirected": {execute: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, class: words.Unknown, says: "HTTP 307"},
		"hangs":        {execute: hang, class: words.Unknown, says: "no whole answer"},
		"too long":     {execute: says(http.StatusOK, accepted+strings.Repeat(" ", words.MaxReply)), class: words.Unknown, says: "limit"},
		"echoes":       {execute: says(http.StatusOK, `{"error":9,"txterr":"jeton t0ken\"of<the>ERP, passe s3cret/passw0rd"}`), class: words.TechnicalError, says: "technical error 9"},
		"strange code": {execute: says(http.StatusOK, `{"error":"FR76 3000 6000 0112 3456 7890 189"}`), class: words.TechnicalError, says: "that is no code"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := settings(server(t, admits(), test.execute, nil).URL)
			if name == "hangs" {
				made.Timeout = 100 * time.Millisecond
			}
			posting := client(t, made)
			require.Empty(t, posting.Login(t.Context()).Class)
			outcome := posting.Post(t.Context(), "{}")
			require.Equal(t, test.class, outcome.Class, outcome.Detail)
			require.Contains(t, outcome.Detail, test.says)
			for _, text := range []string{outcome.Detail, string(outcome.Raw)} {
				require.NotContains(t, text, "t0ken")
				require.NotContains(t, text, "s3cret")
			}
			require.NotContains(t, outcome.Detail, "FR76")
			require.LessOrEqual(t, len(outcome.Raw), words.MaxReply)
		})
	}
}

// TestNobodyElseGetsThePassword: a redirection is not followed.
func TestNobodyElseGetsThePassword(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	leads := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL+words.AuthPath)
		w.WriteHeader(http.StatusPermanentRedirect)
	}
	made := client(t, settings(server(t, leads, leads, leads).URL))
	require.Equal(t, words.AuthFailed, made.Login(t.Context()).Class)
	require.Zero(t, asked.Load())
}

func TestFind(t *testing.T) {
	t.Parallel()
	record := func(fields string) string { return `{"error":0,"records":[{"record":{` + fields + `}}]}` }
	const whole = `"TRANSAC":"7","LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"`
	const others = `{"record":{"TRANSAC":"8","LIB":"RGV:b","MTDEV":"12.30","TIERS":"N1"}}`
	one := []erp.Entry{{Transaction: "7", ThirdParty: "N1", Amount: 1230}}
	unnumbered := []erp.Entry{{ThirdParty: "N1", Amount: 1230}}
	tests := map[string]struct {
		answer  string
		entries []erp.Entry
		failed  string // what the detail says; empty for an answer
	}{
		"none":                  {answer: `{"error":0,"records":[]}`},
		"one":                   {answer: record(whole), entries: one},
		"error as a text":       {answer: strings.Replace(record(whole), `"error":0`, `"error":"0"`, 1), entries: one},
		"padded":                {answer: record(`"TRANSAC":"7   ","LIB":"RGV:a     ","MTDEV":"12.3000","TIERS":"N1  "`), entries: one},
		"numbers":               {answer: record(`"TRANSAC":7,"LIB":"RGV:a","MTDEV":12.3,"TIERS":"N1"`), entries: one},
		"names in small":        {answer: record(`"transac":"7","lib":"RGV:a","mtdev":"12.30","tiers":"N1"`), entries: one},
		"whole euros":           {answer: record(`"TRANSAC":"7","LIB":"RGV:a","MTDEV":"12","TIERS":"N1"`), entries: []erp.Entry{{Transaction: "7", ThirdParty: "N1", Amount: 1200}}},
		"another label's":       {answer: record(`"TRANSAC":"7","LIB":"RGV:A","MTDEV":"12.30","TIERS":"N1"`)},
		"two":                   {answer: `{"error":0,"records":[{"record":{` + whole + `}},{"record":{` + whole + `}}]}`, entries: append(one, one...)},
		"no transaction":        {answer: record(`"LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"`), failed: "no field TRANSAC"},
		"no label":              {answer: record(`"TRANSAC":"7","MTDEV":"12.30","TIERS":"N1"`), failed: "no field LIB"},
		"no amount":             {answer: record(`"TRANSAC":"7","LIB":"RGV:a","MTDEV":"beaucoup","TIERS":"N1"`), failed: "no amount"},
		"a third of a cent":     {answer: record(`"TRANSAC":"7","LIB":"RGV:a","MTDEV":"12.333","TIERS":"N1"`), failed: "MTDEV"},
		"an endless amount":     {answer: record(`"TRANSAC":"7","LIB":"RGV:a","MTDEV":"` + strings.Repeat("1", 40) + `","TIERS":"N1"`), failed: "no amount"},
		"no text":               {answer: record(`"TRANSAC":{},"LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"`), failed: "no text"},
		"a truth":               {answer: record(`"TRANSAC":true,"LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"`), failed: "no text"},
		"no number yet":         {answer: record(`"TRANSAC":null,"LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"`), entries: unnumbered},
		"number nought":         {answer: record(`"TRANSAC":"0","LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"`), entries: unnumbered},
		"as many as it says":    {answer: `{"error":0,"nbrecord":"1","records":[{"record":{` + whole + `}}]}`, entries: one},
		"none of one":           {answer: `{"error":0,"nbrecord":1,"records":[]}`, failed: "not be all"},
		"one of two":            {answer: `{"error":0,"nbrecord":2,"records":[{"record":{` + whole + `}}]}`, failed: "not be all"},
		"a count that is none":  {answer: `{"error":0,"nbrecord":"some","records":[]}`, failed: "not be all"},
		"a full page of others": {answer: `{"error":0,"records":[` + strings.Repeat(others+",", 99) + others + `]}`, failed: "not be all"},
		"others":                {answer: `{"error":0,"records":[` + strings.Repeat(others+",", 98) + others + `]}`},
		"no list":               {answer: `{"error":0}`, failed: "no list"},
		"no error":              {answer: `{"records":[]}`, failed: "does not say"},
		"an error":              {answer: `{"error":6,"txterr":"s3cret/passw0rd"}`, failed: "technical error 6"},
		"an error and a record": {answer: strings.Replace(record(whole), `"error":0`, `"error":5`, 1), failed: "technical error 5"},
		"no JSON":               {answer: `<html>`, failed: "no JSON"},
		"two documents":         {answer: record(whole) + record(whole), failed: "no JSON"},
		"cut":                   {answer: record(whole)[:40], failed: "no JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := loggedIn(t, nil, says(http.StatusOK, test.answer)).Find(t.Context(), "RGV:a")
			require.NoError(t, err)
			require.Equal(t, test.failed == "", found.Answered, found.Detail)
			require.Contains(t, found.Detail, test.failed)
			require.Equal(t, test.entries, found.Entries)
			require.NotContains(t, string(found.Raw)+found.Detail, "s3cret")
		})
	}
	found, err := loggedIn(t, nil, says(http.StatusForbidden, `{"error":0,"records":[]}`)).Find(t.Context(), "RGV:a")
	require.NoError(t, err)
	require.False(t, found.Answered)
	_, err = loggedIn(t, nil, says(http.StatusOK, strings.Repeat(" ", words.MaxReply+1))).Find(t.Context(), "RGV:a")
	require.ErrorContains(t, err, "limit")
}

// TestALookUpWithAForgottenToken asks once more with another one, and not again.
func TestALookUpWithAForgottenToken(t *testing.T) {
	t.Parallel()
	var logins, lookUps atomic.Int32
	auth := func(w http.ResponseWriter, r *http.Request) {
		logins.Add(1)
		admits()(w, r)
	}
	made := client(t, settings(server(t, auth, nil, func(w http.ResponseWriter, r *http.Request) {
		lookUps.Add(1)
		says(http.StatusOK, `{"error":10,"txterr":"Token invalide ou expiré"}`)(w, r)
	}).URL))
	require.Empty(t, made.Login(t.Context()).Class)
	found, err := made.Find(t.Context(), "RGV:a")
	require.NoError(t, err)
	require.False(t, found.Answered)
	require.Equal(t, int32(2), logins.Load())
	require.Equal(t, int32(2), lookUps.Load())
}

func TestCallsKeepToTheRate(t *testing.T) {
	t.Parallel()
	made := settings(server(t, admits(), says(http.StatusOK, `{}`), nil).URL)
	made.Rate = 1200 // one in 50 ms
	posting := client(t, made)
	require.Empty(t, posting.Login(t.Context()).Class)
	begun := time.Now()
	for range 4 {
		posting.Post(t.Context(), "{}")
	}
	require.GreaterOrEqual(t, time.Since(begun), 150*time.Millisecond)
}

// TestARequestIsNeverRepeated, whatever becomes of its connection.
func TestARequestIsNeverRepeated(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	reset := func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		hijacker, can := w.(http.Hijacker)
		if !can {
			return
		}
		if conn, _, err := hijacker.Hijack(); err == nil {
			if tcp, is := conn.(*net.TCPConn); is {
				_ = tcp.SetLinger(0) // the connection is reset, not ended
			}
			_ = conn.Close()
		}
	}
	posting := loggedIn(t, reset, nil)
	for range 5 {
		require.Equal(t, words.Unknown, posting.Post(t.Context(), "{}").Class)
	}
	require.Equal(t, int32(5), asked.Load())
}

// FuzzFind: whatever a look-up answers, entries are of the label that was asked
// for, and what was not answered has none.
func FuzzFind(f *testing.F) {
	f.Add(`{"error":0,"records":[{"record":{"TRANSAC":"7","LIB":"RGV:a","MTDEV":"12.30","TIERS":"N1"}}]}`)
	f.Add(`{"error":"0","records":[{"record":{"transac":7,"lib":"RGV:a ","mtdev":1e2,"tiers":" "}},{"record":null}]}`)
	f.Add(`{"error":10,"txterr":"Token invalide ou expiré"}`)
	f.Add(`{"error":0,"records":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		found := divalto.ReadFound(client(t, settings("http://127.0.0.1:1")), []byte(body), "RGV:a")
		if !found.Answered {
			require.Empty(t, found.Entries)
			return
		}
		require.True(t, json.Valid([]byte(body)))
		require.Equal(t, "0", found.Reply.Error)
		if len(found.Entries) > 0 {
			require.Contains(t, body, "RGV:")
		}
	})
}
