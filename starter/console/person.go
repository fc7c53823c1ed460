package console

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/reglo/reglo/starter/front"
)

// Ways in which people prove who they are.
const (
	byKey     = "key"
	bySession = "session"
	byProxy   = "proxy"
)

// Person is somebody, or a program, who may look.
type Person struct {
	Name string
	Role Role
	// By is how they have proved it: key, session or proxy.
	By string
	// Logout goes with the form that ends a session; empty without one.
	Logout string
}

// maxProxyName bounds a name that a proxy gives, in bytes: an address of mail is
// shorter.
const maxProxyName = 254

// who says who asks. The problem is that nobody is known.
func (c *Console) who(r *http.Request) (Person, *problem) {
	if shown, is := keyOf(r); is {
		return c.holder(r, shown)
	}
	if read, is := c.sessionOf(r); is {
		return Person{Name: read.Name, Role: read.Role, By: bySession, Logout: c.sessions.sign(forLogout, read.ID)}, nil
	}
	if name, is := c.nameByProxy(r); is {
		return Person{Name: name, Role: Auditor, By: byProxy}, nil
	}
	return Person{}, unknownPerson()
}

// keyOf is the key that a program shows, and whether it shows any.
func keyOf(r *http.Request) (shown string, is bool) {
	bearer, keys := r.Header.Values("Authorization"), r.Header.Values("X-Api-Key")
	if len(bearer)+len(keys) != 1 {
		return "", len(bearer)+len(keys) > 0 // which of them is meant is not guessed
	}
	if len(keys) == 1 {
		return keys[0], true
	}
	scheme, shown, both := strings.Cut(bearer[0], " ")
	if !both || !strings.EqualFold(scheme, "Bearer") {
		return "", true
	}
	return strings.TrimSpace(shown), true
}

// holder finds whose a key is, unless the peer has tried too many.
func (c *Console) holder(r *http.Request, shown string) (Person, *problem) {
	peer := front.PeerOf(r.Context())
	if wait := c.attempts.begin(peer, c.parts.Clock()); wait > 0 {
		c.parts.Log.WarnContext(r.Context(), "a peer tries too many keys", "peer", peer.String())
		return Person{}, tooMany(wait)
	}
	person, is := c.parts.Keys.holder(shown)
	if !is {
		c.parts.Log.WarnContext(r.Context(), "a key is nobody's", "peer", peer.String())
		return Person{}, wrongKey()
	}
	c.attempts.succeed(peer)
	return person, nil
}

// nameByProxy is whom our own proxy has let in.
func (c *Console) nameByProxy(r *http.Request) (string, bool) {
	if c.parts.ProxyHeader == "" || !c.parts.Proxies.Pass(r) {
		return "", false
	}
	given := r.Header.Values(c.parts.ProxyHeader)
	if len(given) != 1 {
		return "", false
	}
	name := given[0]
	unseen := func(letter rune) bool { return !unicode.IsPrint(letter) }
	if strings.TrimSpace(name) == "" || len(name) > maxProxyName || !utf8.ValidString(name) || strings.ContainsFunc(name, unseen) {
		return "", false
	}
	return name, true
}

// noteLook logs who looked at what: the route and a number of ours, nothing of what
// was asked. The number is 0 where there is none, or something else stands there.
func (c *Console) noteLook(ctx context.Context, r *http.Request, person Person) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		number = 0
	}
	c.parts.Log.InfoContext(ctx, "notifications are looked at", "who", person.Name, "role", string(person.Role),
		"by", person.By, "route", r.Pattern, "number", number)
}

// seconds of a wait, rounded up.
func seconds(wait time.Duration) string { return strconv.Itoa(int(math.Ceil(wait.Seconds()))) }
