// Package systempay is a STAND-IN for SystemPay, the platform on which buyers pay by card. It is written from the contract
// of its form and of its notifications alone and knows nothing of the engine. It plays the platform on a developer's machine
// and in tests, over real sockets, in a browser if wanted, and no money moves.
//
// A buyer's browser posts a signed form to /vads-payment/; what the buyer decides on the page that comes makes transactions,
// and each status that they take is told to the shop by a signed notification. One that is not answered 200 is sent again,
// a few times. What goes wrong with such a platform goes wrong on demand: see [Fault]. What it knows is kept in a file.
// [Flood] plays the platform on its busiest day, against a receiver alone.
package systempay

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// The modes of a shop, each with its own key.
const (
	testMode       = "TEST"
	productionMode = "PRODUCTION"
)

// Shop is one as the platform has it configured.
type Shop struct {
	// Site is vads_site_id.
	Site string `json:"site"`
	// Algorithm is how it signs: sha-1 or hmac-sha-256.
	Algorithm Algorithm `json:"algorithm"`
	// Keys are those of TEST and PRODUCTION. A mode without one is not open.
	Keys map[string]string `json:"keys"`
	// Check is where notifications go when the form does not say (vads_url_check). They go nowhere when it is empty, too.
	Check string `json:"url_check"`
	// Contract is the shop's acceptance contract (vads_contract_used); 5785350 when it is empty.
	Contract string `json:"contract"`
}

// Settings are those of the platform.
type Settings struct {
	// Shops are those that may ask for payments.
	Shops []Shop
	// File is where what the platform knows is kept, over restarts. It is kept nowhere when it is empty.
	File string
	// Repeats are the waits before a notification that was not answered 200 is sent again, one after another; then the
	// platform gives up. None: DefaultRepeats.
	Repeats []time.Duration
	// Forwarded is the address that notifications say they come from, in X-Forwarded-For; there is no such header when it
	// is empty.
	Forwarded string
	// From is the address of this machine that notifications are sent from; any when it is empty.
	From string
	// Clock tells the time.
	Clock func() time.Time
}

// DefaultRepeats are the waits of a platform that is in more of a hurry than the real one, which waits a quarter of an hour.
func DefaultRepeats() []time.Duration {
	return []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, time.Minute}
}

// Gateway is the stand-in. It is safe for concurrent use.
type Gateway struct {
	settings Settings
	client   *http.Client
	pages    *template.Template
	trickle  *http.Client // sends each byte when it has it, for bodies that are slow or cut
	running  sync.WaitGroup
	// stopping ends with the platform; what is under way then ends, too.
	stopping context.Context //nolint:containedctx // it is the life of what goes on behind answers
	stop     context.CancelFunc

	lock         sync.Mutex
	payments     map[string]*Payment
	paymentOrder []string
	numbers      map[string]string // transaction numbers of a day, and their payments
	transactions map[string]*Transaction
	order        []string
	credits      int // made so far
	faults       []Fault
	held         []notice
	journal      *os.File
	broken       error // the file cannot be written any more
}

var (
	// ErrSettings says that the platform cannot begin.
	ErrSettings = errors.New("settings of the stand-in: want a clock, and shops with a site, an algorithm and a key of TEST or PRODUCTION")
	// ErrState says that the file of what the platform knows cannot be read, or not be written.
	ErrState  = errors.New("state of the stand-in")
	errOrphan = errors.New("a transaction without its payment, or without events")
)

const (
	// notifyTimeout is for one notification, as the platform's own is.
	notifyTimeout = 30 * time.Second
	// idle is how many connections are kept open for the next notification.
	idle = 2
	// stateMode: the file holds what buyers gave.
	stateMode = 0o600
	// The limits of the server.
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 5 * time.Second
)

// New makes the stand-in, with what its file holds.
func New(settings Settings) (*Gateway, error) {
	if settings.Clock == nil || len(settings.Shops) == 0 {
		return nil, ErrSettings
	}
	for i := range settings.Shops {
		if err := settings.Shops[i].check(); err != nil {
			return nil, err
		}
	}
	if settings.Repeats == nil {
		settings.Repeats = DefaultRepeats()
	}
	client, err := newClient(settings.From, idle, 0)
	if err != nil {
		return nil, err
	}
	trickle, err := newClient(settings.From, idle, 1)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		settings: settings, client: client, trickle: trickle, pages: template.Must(template.New("").Parse(pageText)),
		payments: map[string]*Payment{}, numbers: map[string]string{}, transactions: map[string]*Transaction{},
	}
	g.stopping, g.stop = context.WithCancel(context.Background())
	if err := g.load(); err != nil {
		return nil, err
	}
	return g, nil
}

// ReadShops reads a list of shops, as JSON.
func ReadShops(from io.Reader) ([]Shop, error) {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	var shops []Shop
	if err := decoder.Decode(&shops); err != nil {
		return nil, fmt.Errorf("read the shops: %w", err)
	}
	return shops, nil
}

func (s *Shop) check() error {
	_, err := ParseAlgorithm(string(s.Algorithm))
	if s.Site == "" || err != nil || s.Keys[testMode]+s.Keys[productionMode] == "" || (s.Check != "" && !isAddress(s.Check)) {
		return fmt.Errorf("shop %q: %w", s.Site, ErrSettings)
	}
	for mode := range s.Keys {
		if mode != testMode && mode != productionMode {
			return fmt.Errorf("shop %q, mode %q: %w", s.Site, mode, ErrSettings)
		}
	}
	return nil
}

// newClient makes one that follows no redirect, keeps so many connections, and writes by so many bytes, as many as is
// usual for 0.
func newClient(from string, connections, buffer int) (*http.Client, error) {
	dialer := &net.Dialer{Timeout: notifyTimeout}
	if from != "" {
		address := net.ParseIP(from)
		if address == nil {
			return nil, fmt.Errorf("sender %q is no address: %w", from, ErrSettings)
		}
		dialer.LocalAddr = &net.TCPAddr{IP: address}
	}
	return &http.Client{
		Timeout: notifyTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxIdleConnsPerHost: connections, WriteBufferSize: buffer,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// Serve answers on a listener until the context ends. What was not delivered when the platform ended last is sent again.
func (g *Gateway) Serve(ctx context.Context, listener net.Listener) error {
	defer g.client.CloseIdleConnections()
	defer g.trickle.CloseIdleConnections()
	closed := make(chan struct{})
	server := &http.Server{Handler: g.handler(), ReadHeaderTimeout: headerTimeout}
	unhook := context.AfterFunc(ctx, func() {
		defer close(closed)
		g.stop()
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer done()
		if err := server.Shutdown(closing); err != nil {
			_ = server.Close() // whoever is left is cut off
		}
	})
	defer unhook()
	g.resume()
	err := server.Serve(listener)
	g.stop()
	if errors.Is(err, http.ErrServerClosed) {
		<-closed // whoever is being answered still writes
		err = nil
	}
	g.Settle()
	g.lock.Lock()
	defer g.lock.Unlock()
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if g.journal != nil {
		g.broken = errors.Join(g.broken, g.journal.Close())
		g.journal = nil
	}
	return g.broken
}

// Settle waits until no notification is under way, repeats included.
func (g *Gateway) Settle() { g.running.Wait() }

// Transactions gives them all, the oldest first.
func (g *Gateway) Transactions() []Transaction {
	g.lock.Lock()
	defer g.lock.Unlock()
	all := make([]Transaction, 0, len(g.order))
	for _, id := range g.order {
		all = append(all, g.transactions[id].clone())
	}
	return all
}

// Payments gives the forms that were taken, the oldest first.
func (g *Gateway) Payments() []Payment {
	g.lock.Lock()
	defer g.lock.Unlock()
	all := make([]Payment, 0, len(g.paymentOrder))
	for _, id := range g.paymentOrder {
		all = append(all, *g.payments[id])
	}
	return all
}

// saved is a line of the file: what changed together, as it is from then on.
type saved struct {
	Payment      *Payment       `json:"payment,omitempty"`
	Transactions []*Transaction `json:"transactions,omitempty"`
}

// load reads the file. A last line that a kill has cut is as if it had not been begun.
func (g *Gateway) load() error {
	if g.settings.File == "" {
		return nil
	}
	file, err := os.OpenFile(g.settings.File, os.O_RDWR|os.O_CREATE, stateMode)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	decoder := json.NewDecoder(file)
	end := int64(0)
	for {
		var line saved
		err := decoder.Decode(&line)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err == nil {
			err = g.put(line)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%w: %s, after byte %d: %w", ErrState, g.settings.File, end, err), file.Close())
		}
		end = decoder.InputOffset()
	}
	err = file.Truncate(end)
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrState, err), file.Close())
	}
	g.journal = file
	return nil
}

// put puts what a line of the file says where it belongs.
func (g *Gateway) put(line saved) error {
	if kept := line.Payment; kept != nil {
		if g.payments[kept.ID] == nil {
			g.paymentOrder = append(g.paymentOrder, kept.ID)
		}
		g.payments[kept.ID] = kept
		g.numbers[kept.number()] = kept.ID
	}
	for _, kept := range line.Transactions {
		if kept == nil || g.payments[kept.Payment] == nil || len(kept.Events) == 0 {
			return errOrphan
		}
		if g.transactions[kept.UUID] == nil {
			g.order = append(g.order, kept.UUID)
			if kept.Operation == creditOperation {
				g.credits++
			}
		}
		g.transactions[kept.UUID] = kept
	}
	return nil
}

// keep remembers something as it is now, and writes it. It is called under the lock.
func (g *Gateway) keep(line saved) {
	err := g.put(line)
	text, wrong := json.Marshal(line)
	if err = errors.Join(err, wrong); err == nil && g.journal != nil {
		_, err = g.journal.Write(append(text, '\n'))
	}
	if err != nil {
		g.broken = fmt.Errorf("%w: %w", ErrState, err)
	}
}

// randomHex gives so many digits, at random.
func randomHex(digits int) string {
	text := make([]byte, digits/2)
	_, _ = rand.Read(text) // it never fails
	return hex.EncodeToString(text)
}

// clone gives a copy that shares nothing.
func (t *Transaction) clone() Transaction {
	copied := *t
	copied.Events = slices.Clone(t.Events)
	for i := range copied.Events {
		copied.Events[i].Deliveries = slices.Clone(t.Events[i].Deliveries)
	}
	return copied
}
