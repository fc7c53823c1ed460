package console

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// maxLoginBody bounds the form to sign in, in bytes: a key, a token and a path.
const maxLoginBody = 8 << 10

// noncePattern is how our own tokens of a form look.
var noncePattern = regexp.MustCompile(`^[A-Z2-7]{20,64}$`)

// showLogin shows the form to sign in; who has signed in goes on.
func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) {
	if _, signedIn := c.sessionOf(r); signedIn {
		http.Redirect(w, r, listPath, http.StatusSeeOther)
		return
	}
	c.showLoginForm(w, r, nil, listPath)
}

// showLoginForm shows it with what was wrong before; next is where to go on.
func (c *Console) showLoginForm(w http.ResponseWriter, r *http.Request, wrong *problem, next string) {
	nonce := c.cookieOf(r, loginCookie)
	if !noncePattern.MatchString(nonce) {
		nonce = rand.Text()
	}
	c.setCookie(w, r, loginCookie, nonce, loginLife)
	body := struct {
		Problem, Token, Next string
		Wrong                bool // the key itself
		Least                int
	}{Token: c.sessions.sign(forLogin, nonce), Next: localPath(next), Least: MinKey}
	status := http.StatusOK
	if wrong != nil {
		status, body.Problem = wrong.status, wrong.detail
		body.Wrong = wrong.title == wrongKey().title
	}
	c.show(w, r, status, loginPage, screen{Title: "Connexion", Body: body})
}

// localPath is a page of ours to go on to, the list when it is none: nobody is sent
// elsewhere.
func localPath(target string) string {
	read, err := url.Parse(target)
	if err != nil || read.IsAbs() || read.Host != "" || read.Path != path.Clean(read.Path) ||
		read.Path != listPath && !strings.HasPrefix(read.Path, listPath+"/") {
		return listPath
	}
	return (&url.URL{Path: read.Path, RawQuery: read.Query().Encode()}).String()
}

// login signs somebody in who shows a key.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	if !c.ours(w, r, forLogin, c.cookieOf(r, loginCookie)) {
		return
	}
	next := localPath(r.PostForm.Get("next"))
	person, wrong := c.holder(r, strings.TrimSpace(r.PostForm.Get("key")))
	if wrong != nil {
		wrong.announce(w)
		if wrong.login {
			c.showLoginForm(w, r, wrong, next)
			return
		}
		c.refuse(w, r, Person{}, wrong)
		return
	}
	token, err := c.sessions.begin(person, c.parts.Clock())
	if err != nil {
		c.parts.Log.ErrorContext(r.Context(), "a session is not begun", "error", err)
		c.refuse(w, r, Person{}, broken())
		return
	}
	c.parts.Log.InfoContext(r.Context(), "somebody signs in", "who", person.Name, "role", string(person.Role))
	c.setCookie(w, r, sessionCookie, token, SessionLife)
	c.setCookie(w, r, loginCookie, "", 0)
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // localPath has seen that it is a page of ours
}

// logout ends a session, for whoever else may have its cookie, too.
func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	read, signedIn := c.sessionOf(r)
	if !signedIn { // it is over already
		http.Redirect(w, r, loginPath, http.StatusSeeOther)
		return
	}
	if !c.ours(w, r, forLogout, read.ID) {
		return
	}
	c.sessions.end(read, c.parts.Clock())
	c.parts.Log.InfoContext(r.Context(), "somebody signs out", "who", read.Name)
	c.setCookie(w, r, sessionCookie, "", 0)
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}

// ours tells whether a form was sent from a page that we have shown to the same
// browser, and answers when it was not.
func (c *Console) ours(w http.ResponseWriter, r *http.Request, purpose, secret string) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBody)
	err := c.forgery.Check(r)
	if err == nil {
		err = r.ParseForm()
	}
	if err == nil && secret != "" && c.sessions.signed(purpose, secret, r.PostForm.Get("token")) {
		return true
	}
	c.parts.Log.WarnContext(r.Context(), "a form is none of ours", "route", r.Pattern, "origin_is_ours", err == nil)
	c.refuse(w, r, Person{}, forged())
	return false
}
