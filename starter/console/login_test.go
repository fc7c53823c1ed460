package console_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/console"
	"github.com/reglo/reglo/starter/front"
)

// outside is the header by which a proxy says who called it.
const outside = "X-Forwarded-For"

func TestNobodyLooksWithoutProof(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	for _, path := range []string{
		listPath, listPath + "/notifications/1", listPath + "/unmatched/payments", listPath + "/unmatched/lines",
		listPath + "/unmatched/forms", listPath + "/nowhere", "/console/nowhere", dataPath, dataPath + "/1",
	} {
		for _, headers := range [][]string{
			nil, {"Authorization", "Bearer " + strings.Repeat("0", 32)}, {"X-API-Key", ""}, {"Authorization", "Basic " + auditorKey},
			{"Authorization", auditorKey}, {"Authorization", "Bearer " + auditorKey, "X-API-Key", auditorKey},
			{"X-API-Key", auditorKey, "X-API-Key", auditorKey}, {"Cookie", "reglo-console=" + auditorKey}, {"X-Reglo-User", "anne"},
			{"Authorization", "Bearer " + sumOf(auditorKey)},
		} {
			s.clock.add(time.Hour) // wrong keys of before count no more
			got := s.visitor(t).get(t, path, headers...)
			require.Equal(t, http.StatusUnauthorized, got.status, "%s %v", path, headers)
			require.Equal(t, `Bearer realm="reglo"`, got.header.Get("WWW-Authenticate"))
			if strings.HasPrefix(path, dataPath) {
				described(t, "Problem", got.body)
			} else {
				require.Contains(t, got.body, `type="password"`, "people sign in there")
			}
		}
	}
	require.NotContains(t, s.notes.String(), auditorKey)
}

func TestKeysOfPrograms(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	for _, headers := range [][]string{
		{"Authorization", "Bearer " + auditorKey}, {"Authorization", "bearer  " + operatorKey}, {"X-API-Key", auditorKey},
	} {
		require.Equal(t, http.StatusOK, s.visitor(t).get(t, dataPath, headers...).status)
		require.Equal(t, http.StatusOK, s.visitor(t).get(t, listPath, headers...).status)
	}
	require.Contains(t, s.notes.String(), `"msg":"notifications are looked at","who":"olivier","role":"operator","by":"key"`)
}

func TestTheLogHasNothingOfWhatIsAsked(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	for _, path := range []string{listPath + "/notifications/", listPath + "/", "/console/", dataPath + "/", dataPath + "?customer="} {
		s.visitor(t).get(t, path+"zoe@exemple.fr", "X-API-Key", auditorKey)
	}
	require.Equal(t, http.StatusNotFound, s.visitor(t).get(t, dataPath+"/4711", "X-API-Key", auditorKey).status)
	require.Contains(t, s.notes.String(), `"route":"GET /systempay/notifications/{number}","number":4711`)
	require.NotContains(t, s.notes.String(), "zoe")
}

func TestShortKeysOpenNothing(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t), func(parts *console.Parts) {
		keys, err := console.ParseKeys([]byte("anne:auditor:" + sumOf("s3cret")))
		require.NoError(t, err)
		parts.Keys = keys
	})
	require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, dataPath, "X-API-Key", "s3cret").status)
}

func TestProxyNamesPeople(t *testing.T) {
	t.Parallel()
	named := func(parts *console.Parts) { parts.ProxyHeader = "X-Reglo-User" }
	s := open(t, newDatabase(t), named)
	got := s.visitor(t).get(t, listPath, "X-Reglo-User", "anne@exemple.fr")
	require.Equal(t, http.StatusOK, got.status)
	require.Contains(t, got.body, "anne@exemple.fr")
	require.Contains(t, got.body, "auditeur")
	require.NotContains(t, got.body, "Se déconnecter", "the proxy lets people out")
	for _, headers := range [][]string{
		{"X-Reglo-User", ""}, {"X-Reglo-User", " "}, {"X-Reglo-User", "anne", "X-Reglo-User", "bob"}, {"X-Reglo-User", "a\xff"},
		{"X-Reglo-User", strings.Repeat("a", 255)},
	} {
		require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, listPath, headers...).status, headers)
	}

	direct := open(t, newDatabase(t), named, func(parts *console.Parts) { parts.Proxies = front.Proxies{netip.MustParsePrefix("10.0.0.0/8")} })
	require.Equal(t, http.StatusUnauthorized, direct.visitor(t).get(t, listPath, "X-Reglo-User", "anne").status, "nobody else's word is taken")
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	v := s.visitor(t)
	got := v.login(t, operatorKey)
	require.Equal(t, http.StatusSeeOther, got.status)
	require.Equal(t, listPath, got.header.Get("Location"))
	cookies := got.header.Values("Set-Cookie")
	require.Len(t, cookies, 2)
	at := slices.IndexFunc(cookies, func(cookie string) bool { return strings.HasPrefix(cookie, "reglo-console=") })
	for _, want := range []string{"; Path=/", "; Max-Age=28800", "; HttpOnly", "; SameSite=Strict"} {
		require.Contains(t, cookies[at], want)
	}
	require.NotContains(t, cookies[at], "Secure", "plain HTTP would not send it back")
	page := v.get(t, listPath)
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.body, "<bdi>olivier</bdi> (opérateur)")
	require.Equal(t, http.StatusOK, v.get(t, dataPath).status)
	again := v.get(t, loginPath)
	require.Equal(t, http.StatusSeeOther, again.status)
	require.Equal(t, listPath, again.header.Get("Location"))

	s.clock.add(console.SessionLife - time.Second)
	require.Equal(t, http.StatusOK, v.get(t, listPath).status)
	s.clock.add(time.Second)
	require.Equal(t, http.StatusUnauthorized, v.get(t, listPath).status, "it is over")
	require.NotContains(t, s.notes.String(), operatorKey)
	require.Contains(t, s.notes.String(), "somebody signs in")
}

func TestCookiesOverTLSStayThere(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	v := s.visitor(t)
	v.http.Jar = nil
	shown := v.get(t, loginPath, "X-Forwarded-Proto", "https")
	given := strings.Join(shown.header.Values("Set-Cookie"), "\n")
	require.Regexp(t, `^__Host-reglo-login=[A-Z2-7]+; Path=/; Max-Age=43200; HttpOnly; Secure; SameSite=Strict$`, given)
	nonce, _, _ := strings.Cut(given, ";")
	got := v.post(t, loginPath, url.Values{"token": {tokenOf(t, shown.body)}, "key": {auditorKey}}, "X-Forwarded-Proto", "https", "Cookie", nonce)
	require.Equal(t, http.StatusSeeOther, got.status)
	given = strings.Join(got.header.Values("Set-Cookie"), "\n")
	require.Regexp(t, `(?m)^__Host-reglo-console=[^;]+; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Strict$`, given)
	session, _, _ := strings.Cut(given, ";")
	require.Equal(t, http.StatusOK, v.get(t, listPath, "X-Forwarded-Proto", "https", "Cookie", session).status)
	plain := strings.TrimPrefix(session, "__Host-")
	require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, listPath, "X-Forwarded-Proto", "https", "Cookie", plain).status)
}

func TestForgedCookies(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	v := s.signedIn(t)
	site, err := url.Parse(s.url)
	require.NoError(t, err)
	cookies := v.http.Jar.Cookies(site)
	require.Len(t, cookies, 1)
	token := cookies[0].Value
	require.Equal(t, http.StatusOK, s.visitor(t).get(t, listPath, "Cookie", "reglo-console="+token).status)
	text, signature, _ := strings.Cut(token, ".")
	for i := range len(token) {
		letter := byte('A')
		if token[i] == letter {
			letter = 'B'
		}
		if i == len(token)-1 || token[i] == '.' { // the last one has bits that count for nothing
			continue
		}
		forged := token[:i] + string(letter) + token[i+1:]
		require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, listPath, "Cookie", "reglo-console="+forged).status, i)
	}
	other := open(t, newDatabase(t))
	for _, forged := range []string{"", text, text + ".", "." + signature, strings.Repeat("A", 2000) + "." + signature} {
		require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, listPath, "Cookie", "reglo-console="+forged).status)
	}
	require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, listPath, "Cookie", "reglo-console="+token+"; reglo-console="+token).status)
	require.Equal(t, http.StatusUnauthorized, other.visitor(t).get(t, listPath, "Cookie", "reglo-console="+token).status, "of another process")
}

func TestLogout(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	v := s.signedIn(t)
	site, err := url.Parse(s.url)
	require.NoError(t, err)
	stolen := "reglo-console=" + v.http.Jar.Cookies(site)[0].Value
	page := v.get(t, listPath)
	token := tokenOf(t, page.body)

	require.Equal(t, http.StatusForbidden, v.post(t, "/console/logout", url.Values{}).status)
	require.Equal(t, http.StatusForbidden, v.post(t, "/console/logout", url.Values{"token": {token + "A"}}).status)
	got := v.post(t, "/console/logout", url.Values{"token": {token}}, "Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, got.status)
	require.Equal(t, http.StatusForbidden, v.do(t, http.MethodPost, "/console/logout?token="+token, "").status)
	require.Equal(t, http.StatusOK, v.get(t, listPath).status, "still there")

	got = v.post(t, "/console/logout", url.Values{"token": {token}})
	require.Equal(t, http.StatusSeeOther, got.status)
	require.Equal(t, loginPath, got.header.Get("Location"))
	require.Equal(t, http.StatusUnauthorized, v.get(t, listPath).status)
	require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, listPath, "Cookie", stolen).status, "nor for who has the cookie")
	require.Equal(t, http.StatusSeeOther, v.post(t, "/console/logout", url.Values{"token": {token}}).status)
	require.Equal(t, http.StatusUnauthorized, v.get(t, "/console/logout").status, "there is no such page")
}

func TestFormsOfOthersSignNobodyIn(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	v := s.visitor(t)
	token := tokenOf(t, v.get(t, loginPath).body)
	right := url.Values{"token": {token}, "key": {auditorKey}}
	for name, got := range map[string]answer{
		"no token":         v.post(t, loginPath, url.Values{"key": {auditorKey}}),
		"another's token":  v.post(t, loginPath, url.Values{"token": {tokenOf(t, s.visitor(t).get(t, loginPath).body)}, "key": {auditorKey}}),
		"no cookie":        s.visitor(t).post(t, loginPath, right),
		"from elsewhere":   v.post(t, loginPath, right, "Sec-Fetch-Site", "cross-site"),
		"another origin":   v.post(t, loginPath, right, "Origin", "https://elsewhere.example"),
		"in the address":   v.do(t, http.MethodPost, loginPath+"?"+right.Encode(), ""),
		"a body too long":  v.post(t, loginPath, url.Values{"token": {token}, "key": {strings.Repeat("x", 9000)}}),
		"a broken one":     v.post(t, loginPath, nil, "X", "y"),
		"an empty session": v.post(t, loginPath, url.Values{"token": {""}, "key": {auditorKey}}),
	} {
		require.Equal(t, http.StatusForbidden, got.status, name)
		require.Contains(t, got.body, "Action refusée", name)
		require.NotContains(t, strings.Join(got.header.Values("Set-Cookie"), ""), "reglo-console", name)
	}
	require.Equal(t, http.StatusSeeOther, v.post(t, loginPath, right, "Origin", s.url).status)
}

func TestWhereOneGoesOn(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	for next, want := range map[string]string{
		listPath + "?shop=a%26b&after=3":            listPath + "?after=3&shop=a%26b",
		listPath + "/notifications/3":               listPath + "/notifications/3",
		"":                                          listPath,
		"https://elsewhere.example" + listPath:      listPath,
		"//elsewhere.example" + listPath:            listPath,
		"///elsewhere.example":                      listPath,
		`/\elsewhere.example`:                       listPath,
		listPath + "/../../elsewhere":               listPath,
		listPath + "x":                              listPath,
		"javascript:alert(1)":                       listPath,
		listPath + "/%2e%2e/x":                      listPath,
		listPath + "\r\nSet-Cookie: reglo-console=": listPath,
	} {
		v := s.visitor(t)
		token := tokenOf(t, v.get(t, loginPath).body)
		got := v.post(t, loginPath, url.Values{"token": {token}, "key": {auditorKey}, "next": {next}})
		require.Equal(t, http.StatusSeeOther, got.status)
		require.Equal(t, want, got.header.Get("Location"), next)
	}
	// Who wanted a page comes to it.
	v := s.visitor(t)
	page := v.get(t, listPath+"?shop=boutique")
	require.Equal(t, http.StatusUnauthorized, page.status)
	require.Contains(t, page.body, `name="next" value="/console/systempay?shop=boutique"`)
}

// TestKeysAreNotGuessed: a peer has ten attempts, whichever way it takes, however
// many at once, and whatever it says of who it is; nobody else pays for it.
func TestKeysAreNotGuessed(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	var lock sync.Mutex
	counts := map[int]int{}
	var work sync.WaitGroup
	for range 25 {
		v := s.visitor(t)
		work.Go(func() {
			got := v.get(t, dataPath, "X-API-Key", strings.Repeat("0", 32), outside, "203.0.113.7")
			lock.Lock()
			defer lock.Unlock()
			counts[got.status]++
		})
	}
	work.Wait()
	require.Equal(t, map[int]int{http.StatusUnauthorized: console.MaxFailures, http.StatusTooManyRequests: 25 - console.MaxFailures}, counts)

	got := s.visitor(t).get(t, dataPath, "X-API-Key", auditorKey, outside, "203.0.113.7")
	require.Equal(t, http.StatusTooManyRequests, got.status, "the right one, too: it would tell")
	require.Equal(t, "600", got.header.Get("Retry-After"))
	described(t, "Problem", got.body)
	page := s.visitor(t).login(t, auditorKey, outside, "203.0.113.7")
	require.Equal(t, http.StatusTooManyRequests, page.status)
	require.Contains(t, page.body, "Réessayez dans 10 minutes.")

	require.Equal(t, http.StatusOK, s.visitor(t).get(t, dataPath, "X-API-Key", auditorKey, outside, "203.0.113.8").status)
	s.clock.add(console.FailureWindow - time.Second)
	page = s.visitor(t).login(t, auditorKey, outside, "203.0.113.7")
	require.Contains(t, page.body, "Réessayez dans 1 minute.")
	s.clock.add(time.Second)
	require.Equal(t, http.StatusSeeOther, s.visitor(t).login(t, auditorKey, outside, "203.0.113.7").status)

	// Right keys are no attempts; of IPv6, a subscriber has many addresses.
	for range 3 * console.MaxFailures {
		require.Equal(t, http.StatusOK, s.visitor(t).get(t, dataPath, "X-API-Key", auditorKey, outside, "203.0.113.9").status)
	}
	for i := range console.MaxFailures {
		address := "2001:db8::" + string(rune('0'+i))
		require.Equal(t, http.StatusUnauthorized, s.visitor(t).get(t, dataPath, "X-API-Key", "x", outside, address).status)
	}
	require.Equal(t, http.StatusTooManyRequests, s.visitor(t).get(t, dataPath, "X-API-Key", auditorKey, outside, "2001:db8::ffff").status)
	require.Equal(t, http.StatusOK, s.visitor(t).get(t, dataPath, "X-API-Key", auditorKey, outside, "2001:db8:0:1::1").status)
}

func TestAWrongKeyIsToldAtTheForm(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	v := s.visitor(t)
	got := v.login(t, strings.Repeat("0", 32))
	require.Equal(t, http.StatusUnauthorized, got.status)
	for _, want := range []string{`role="alert" id="problem"`, `aria-invalid="true"`, `aria-describedby="key-help problem"`, "reconnue"} {
		require.Contains(t, got.body, want)
	}
	// And the form that came with it works.
	got = v.post(t, loginPath, url.Values{"token": {tokenOf(t, got.body)}, "key": {" " + auditorKey + "\n"}})
	require.Equal(t, http.StatusSeeOther, got.status)
}
