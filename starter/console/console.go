// Package console shows people, and programs of theirs, what the card payment
// gateway has told us: notifications, the transactions that they are of, and what
// is not matched. It changes nothing, and shows nobody what they have not proved
// that they may see.
//
// Pages are in French, work without a script, and are for everybody: by keyboard,
// by screen reader, and at twice their size.
package console

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reglo/reglo/starter/front"
)

// Paths of the pages.
const (
	listPath  = "/console/systempay"
	loginPath = "/console/login"
	dataPath  = "/systempay/notifications"
)

// Parts are what a console is made of.
type Parts struct {
	Pool *pgxpool.Pool
	// Keys are of those who may look; none where only a proxy lets people in.
	Keys Keys
	// ProxyHeader is the header in which a proxy names whom it has let in; empty for
	// none.
	ProxyHeader string
	Proxies     front.Proxies
	// Shops are the names of those that the settings know.
	Shops []string
	Clock func() time.Time
	Log   *slog.Logger
}

// Console answers those who look.
type Console struct {
	parts    Parts
	store    store
	pages    pages
	sessions *sessions
	attempts attempts
	forgery  *http.CrossOriginProtection
}

// New makes a console. Who has signed in is known to this one only, and until it
// ends. The error is of a page that cannot be read.
func New(parts Parts) (*Console, error) {
	pages, err := readPages()
	if err != nil {
		return nil, err
	}
	return &Console{
		parts: parts, store: newStore(parts.Pool), pages: pages, sessions: newSessions([]byte(rand.Text())),
		forgery: http.NewCrossOriginProtection(),
	}, nil
}

// Routes are the pages, and the lists for programs.
func (c *Console) Routes() []front.Route {
	route := func(pattern string, handler http.HandlerFunc) front.Route {
		return front.Route{Pattern: pattern, Handler: secured(handler)}
	}
	return []front.Route{
		route("GET "+loginPath, c.showLogin),
		route("POST "+loginPath, c.login),
		route("POST /console/logout", c.logout),
		route("GET /console/style.css", serveStyle),
		route("GET "+listPath, c.page(c.showList)),
		route("GET "+listPath+"/notifications/{number}", c.page(c.showNotification)),
		route("GET "+listPath+"/unmatched/payments", c.page(c.showPayments)),
		route("GET "+listPath+"/unmatched/lines", c.page(c.showLines)),
		route("GET "+listPath+"/unmatched/forms", c.page(c.showForms)),
		route("GET /console/{page}", c.page(c.noPage)),
		route("GET "+listPath+"/{page}", c.page(c.noPage)),
		route("GET "+dataPath, c.data(c.list)),
		route("GET "+dataPath+"/{number}", c.data(c.detail)),
		route("GET /systempay/openapi.json", serveOpenAPI),
	}
}

// contentPolicy allows the style sheet, and forms that are sent here.
const contentPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// secured has browsers do nothing with an answer but show it: no script, nothing
// from elsewhere, in nobody's frame, kept nowhere.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      contentPolicy,
			"Referrer-Policy":              "no-referrer",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-store",
			"Vary":                         "Cookie, Authorization",
		} {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}
