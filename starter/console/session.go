package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// SessionLife is for how long somebody stays signed in: a day's work, without a
	// break.
	SessionLife = 8 * time.Hour
	// loginLife is for how long a form to sign in may lie on a screen.
	loginLife = 12 * time.Hour
	// maxToken bounds a cookie that is read, in bytes: ours have some hundred.
	maxToken = 1024
)

// Names of cookies. Over TLS they have a prefix by which browsers take them from
// this host only.
const (
	sessionCookie = "reglo-console"
	loginCookie   = "reglo-login"
	hostPrefix    = "__Host-"
)

// Purposes of signatures, so that none is taken for another one.
const (
	forSession = "session"
	forLogin   = "login"
	forLogout  = "logout"
)

// session is somebody who has signed in.
type session struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Until int64  `json:"until"` // seconds of Unix
	ID    string `json:"id"`    // random
}

// sessions signs them, and knows which were ended before their time.
type sessions struct {
	key   []byte
	lock  sync.Mutex
	ended map[string]int64 // until when each would have lasted, by its ID
}

func newSessions(key []byte) *sessions {
	return &sessions{key: key, ended: make(map[string]int64)}
}

// sign proves a text to be ours, of a purpose.
func (s *sessions) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, s.key)
	_, _ = mac.Write([]byte(purpose + "\x00" + text)) // a hash takes everything
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signed tells whether a signature is that of the text, in constant time.
func (s *sessions) signed(purpose, text, signature string) bool {
	return hmac.Equal([]byte(s.sign(purpose, text)), []byte(signature))
}

// begin signs somebody in: what the cookie holds.
func (s *sessions) begin(person Person, now time.Time) (string, error) {
	text, err := json.Marshal(session{
		Name: person.Name, Role: person.Role, Until: now.Add(SessionLife).Unix(), ID: rand.Text(),
	})
	if err != nil {
		return "", err //nolint:wrapcheck // a struct of texts and numbers is always written
	}
	encoded := base64.RawURLEncoding.EncodeToString(text)
	return encoded + "." + s.sign(forSession, encoded), nil
}

// read is the session of a cookie, none when it is not ours, is over, or ended.
func (s *sessions) read(token string, now time.Time) (session, bool) {
	encoded, signature, both := strings.Cut(token, ".")
	if !both || len(token) > maxToken || !s.signed(forSession, encoded, signature) {
		return session{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return session{}, false
	}
	var read session
	if err := json.Unmarshal(text, &read); err != nil || now.Unix() >= read.Until {
		return session{}, false
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	_, over := s.ended[read.ID]
	return read, !over
}

// end has a session be none any more.
func (s *sessions) end(read session, now time.Time) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for id, until := range s.ended {
		if now.Unix() >= until { // its cookie is refused without
			delete(s.ended, id)
		}
	}
	s.ended[read.ID] = read.Until
}

// secure tells whether a browser talks to us by TLS, ours or that of our proxy.
func (c *Console) secure(r *http.Request) bool {
	return r.TLS != nil || c.parts.Proxies.Pass(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// cookieOf is the value of a cookie, empty when there is none.
func (c *Console) cookieOf(r *http.Request, name string) string {
	if c.secure(r) {
		name = hostPrefix + name
	}
	if found := r.CookiesNamed(name); len(found) == 1 {
		return found[0].Value
	}
	return ""
}

// setCookie gives one to the browser, for as long as it lives; an empty one is taken
// away.
func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	cookie := &http.Cookie{ //nolint:gosec // without TLS, a browser would not send back one that is secure
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.secure(r),
	}
	if cookie.Secure {
		cookie.Name = hostPrefix + name
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// sessionOf is the session in which a request comes.
func (c *Console) sessionOf(r *http.Request) (session, bool) {
	return c.sessions.read(c.cookieOf(r, sessionCookie), c.parts.Clock())
}
