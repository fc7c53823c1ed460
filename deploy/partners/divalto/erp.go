package divalto

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"slices"
	"sync"
	"time"
)

// Shape is how the result of a posting stands in an answer.
type Shape string

// The shapes.
const (
	// ShapeString is a string that holds JSON, as it should be.
	ShapeString Shape = "string"
	// ShapeObject is the JSON itself.
	ShapeObject Shape = "object"
	// ShapeBroken is what has been seen of the ERP: a quote that is not escaped ends the string early, and response has a
	// name with a value instead of an object.
	ShapeBroken Shape = "broken"
)

// Settings are those of the ERP.
type Settings struct {
	// File is where the bookings are kept.
	File string
	// User and Password are those that may call. Domain and Env are compared too when they are not empty.
	User, Password string
	Domain, Env    string
	// Dossiers are those that there are. The first is the user's own, for requests that name none.
	Dossiers []string
	// ThirdParties are the beginnings of those that are known. Without any, all are.
	ThirdParties []string
	// States are the final states of the changes of state, such as C30 of PORCHQ. Without any, all changes are known and
	// each request has to name its final state.
	States map[string]string
	// TokenLifetime is 30 minutes when it is zero.
	TokenLifetime time.Duration
	// Shape is ShapeString when it is empty.
	Shape Shape
	// ErrorText has error as a string, "0", in answers to postings; TxtError has the reason of a refused
	// authentication as txterror instead of txterr.
	ErrorText, TxtError bool
	// First is the number of the first transaction of new books, 1354 when it is zero.
	First int64
	Clock func() time.Time
}

const (
	tokenLifetime    = 30 * time.Minute
	firstTransaction = 1354
)

// ErrSettings says that the ERP cannot begin.
var ErrSettings = errors.New("settings of the stand-in: want a file, a user, a password, at least one dossier, a known shape and a clock")

// ERP is the stand-in. It is safe for concurrent use.
type ERP struct {
	settings Settings

	lock     sync.Mutex
	settled  sync.Cond // when running comes down to zero
	running  int       // requests
	books    *books
	tokens   map[string]time.Time // until when each is good
	busy     map[string]int       // postings at work, by dossier
	overlaps int
	calls    map[Endpoint]int
	faults   []Fault
	gate     *gate // while it is served
	shutFor  time.Duration
}

// New makes the stand-in with the books that its file holds, or with new ones. They are this process's until Close.
func New(settings Settings) (*ERP, error) {
	if settings.Shape == "" {
		settings.Shape = ShapeString
	}
	if settings.TokenLifetime == 0 {
		settings.TokenLifetime = tokenLifetime
	}
	if settings.First == 0 {
		settings.First = firstTransaction
	}
	shaped := slices.Contains([]Shape{ShapeString, ShapeObject, ShapeBroken}, settings.Shape)
	named := settings.File != "" && settings.User != "" && settings.Password != "" && len(settings.Dossiers) > 0
	if !shaped || !named || settings.Clock == nil {
		return nil, ErrSettings
	}
	kept, err := openBooks(settings.File, settings.First)
	if err != nil {
		return nil, err
	}
	e := &ERP{
		settings: settings, books: kept, tokens: map[string]time.Time{}, busy: map[string]int{}, calls: map[Endpoint]int{},
	}
	e.settled.L = &e.lock
	return e, nil
}

// Close leaves the books to others. Nothing is booked any more.
func (e *ERP) Close() error {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.books.close()
}

// Bookings gives what is booked, in the order of its booking.
func (e *ERP) Bookings() []Booking {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.books.all()
}

// Copies is how often something was booked under a label.
func (e *ERP) Copies(label string) int {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.books.copies[label]
}

// Overlaps is how often a posting began while another one of its dossier was at work.
func (e *ERP) Overlaps() int {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.overlaps
}

// Calls is how many requests have come whole.
func (e *ERP) Calls(on Endpoint) int {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.calls[on]
}

// Settle waits until no request is at work, those of callers that have gone included.
func (e *ERP) Settle() {
	e.lock.Lock()
	defer e.lock.Unlock()
	for e.running > 0 {
		e.settled.Wait()
	}
}

// work begins a request. done ends it.
func (e *ERP) work() (done func()) {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.running++
	return func() {
		e.lock.Lock()
		defer e.lock.Unlock()
		e.running--
		if e.running == 0 {
			e.settled.Broadcast()
		}
	}
}

// enter begins a posting of a dossier. leave ends it; called again it does nothing.
func (e *ERP) enter(dossier string) (leave func()) {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.busy[dossier] > 0 {
		e.overlaps++
	}
	e.busy[dossier]++
	return sync.OnceFunc(func() {
		e.lock.Lock()
		defer e.lock.Unlock()
		e.busy[dossier]--
	})
}

// pause waits as long as a fault asks for. Callers that have gone do not shorten it: the ERP does not notice.
func (e *ERP) pause(working context.Context, on Endpoint, kind Kind) {
	fault, broken := e.take(on, kind)
	if !broken {
		return
	}
	late := time.NewTimer(time.Duration(fault.At) * time.Millisecond)
	defer late.Stop()
	select {
	case <-late.C:
	case <-working.Done():
	}
}

// known tells whether somebody may call.
func (e *ERP) known(user, password, domain, env string) bool {
	right := subtle.ConstantTimeCompare([]byte(password), []byte(e.settings.Password)) == 1
	inside := e.settings.Domain == "" || domain == e.settings.Domain
	return right && inside && user == e.settings.User && (e.settings.Env == "" || env == e.settings.Env)
}

// newToken gives one that is good from now on.
func (e *ERP) newToken() string {
	token := rand.Text()
	e.lock.Lock()
	defer e.lock.Unlock()
	e.tokens[token] = e.settings.Clock().Add(e.settings.TokenLifetime)
	return token
}

// good tells whether a token is one that has not expired.
func (e *ERP) good(on Endpoint, token string) bool {
	_, expired := e.take(on, TokenExpired)
	e.lock.Lock()
	defer e.lock.Unlock()
	until, known := e.tokens[token]
	if known && !expired && e.settings.Clock().Before(until) {
		return true
	}
	delete(e.tokens, token)
	return false
}
