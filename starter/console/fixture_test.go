package console_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/postgres/pgtest"
	openapischema "github.com/reglo/reglo/schemas/openapi"
	"github.com/reglo/reglo/starter/console"
	"github.com/reglo/reglo/starter/front"
	"github.com/reglo/reglo/worker/boot/health"
	"github.com/reglo/reglo/worker/boot/telemetry"
)

const (
	auditorKey  = "5f1d0c6e0a7b4c58a4fd5b5d6d0e8a11"
	operatorKey = "9c2b7a1e3f6d4b0c8e5a7d9f1b3c5e70"
	listPath    = "/console/systempay"
	loginPath   = "/console/login"
	dataPath    = "/systempay/notifications"
)

func at() time.Time { return time.Date(2026, time.March, 17, 10, 30, 5, 0, time.UTC) }

func sumOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// clock is one that tests move.
type clock struct {
	lock sync.Mutex
	now  time.Time
}

func (c *clock) Now() time.Time {
	c.lock.Lock()
	defer c.lock.Unlock()
	return c.now
}

func (c *clock) add(by time.Duration) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.now = c.now.Add(by)
}

// notes is a log that tests read while it is written.
type notes struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(line []byte) (int, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.text.Write(line)
}

func (n *notes) String() string {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.text.String()
}

// stage is a console at a socket.
type stage struct {
	pool  *pgxpool.Pool
	url   string
	clock *clock
	notes *notes
}

type change func(*console.Parts)

// open has a console answer on a database. It takes the word of a proxy on this
// machine for who called it.
func open(t testing.TB, pool *pgxpool.Pool, changes ...change) *stage {
	t.Helper()
	s := &stage{pool: pool, clock: &clock{now: at()}, notes: new(notes)}
	log := slog.New(slog.NewJSONHandler(s.notes, nil))
	keys, err := console.ParseKeys([]byte("anne:auditor:" + sumOf(auditorKey) + "\nolivier:operator:" + sumOf(operatorKey) + "\n"))
	require.NoError(t, err)
	parts := console.Parts{
		Pool: pool, Keys: keys, Proxies: front.Proxies{netip.MustParsePrefix("127.0.0.1/32")}, Shops: []string{"boutique", "theatre"},
		Clock: s.clock.Now, Log: log,
	}
	for _, do := range changes {
		do(&parts)
	}
	shown, err := console.New(parts)
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	answers, err := front.New(front.Parts{
		Routes: shown.Routes(), Proxies: parts.Proxies, Registry: registry, Clock: time.Now, Log: log,
		Operator: health.Handler(nil, telemetry.Handler(registry, log)),
	})
	require.NoError(t, err)
	server := front.NewServer(answers, nil, log)
	require.NoError(t, server.Start(t.Context(), "127.0.0.1:0"))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, server.Stop(ctx))
	})
	s.url = "http://" + server.Address()
	return s
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// visitor is a browser without a screen, or a program.
type visitor struct {
	stage *stage
	http  *http.Client
}

func (s *stage) visitor(t testing.TB) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{s, &http.Client{
		Jar: jar, Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (v *visitor) do(t testing.TB, method, target, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, v.stage.url+target, strings.NewReader(body)) //nolint:gosec,nolintlint // the test's own server; found with other packages only
	require.NoError(t, err)
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	response, err := v.http.Do(request) //nolint:gosec,nolintlint // as above
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{response.StatusCode, response.Header, string(text)}
}

func (v *visitor) get(t testing.TB, target string, headers ...string) answer {
	t.Helper()
	return v.do(t, http.MethodGet, target, "", headers...)
}

// post sends a form, as a browser does.
func (v *visitor) post(t testing.TB, target string, form url.Values, headers ...string) answer {
	t.Helper()
	return v.do(t, http.MethodPost, target, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

var tokenPattern = regexp.MustCompile(`name="token" value="([^"]+)"`)

// tokenOf is the one of the form on a page.
func tokenOf(t testing.TB, page string) string {
	t.Helper()
	found := tokenPattern.FindStringSubmatch(page)
	require.Len(t, found, 2, page)
	return found[1]
}

// login signs in by the form.
func (v *visitor) login(t testing.TB, key string, headers ...string) answer {
	t.Helper()
	shown := v.get(t, loginPath, headers...)
	require.Equal(t, http.StatusOK, shown.status)
	return v.post(t, loginPath, url.Values{"token": {tokenOf(t, shown.body)}, "key": {key}, "next": {listPath}}, headers...)
}

// signedIn is somebody who has signed in.
func (s *stage) signedIn(t testing.TB) *visitor {
	t.Helper()
	v := s.visitor(t)
	got := v.login(t, auditorKey)
	require.Equal(t, http.StatusSeeOther, got.status, got.body)
	return v
}

// data asks for a document by a key, and wants it to be as it is described.
func (s *stage) data(t testing.TB, target, schema string) answer {
	t.Helper()
	got := s.visitor(t).get(t, target, "Authorization", "Bearer "+auditorKey)
	described(t, schema, got.body)
	return got
}

// schemas are those of the OpenAPI document, by their names.
//
//nolint:gochecknoglobals // compiled once for all tests; nothing changes it
var schemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	api, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapischema.SystemPay))
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("openapi.json", api); err != nil {
		panic(err)
	}
	compiled := make(map[string]*jsonschema.Schema)
	for _, name := range []string{"Notifications", "Detail", "Problem"} {
		compiled[name] = compiler.MustCompile("openapi.json#/components/schemas/" + name)
	}
	return compiled
})

// described wants a document to be what the OpenAPI document says.
func described(t testing.TB, schema, document string) {
	t.Helper()
	compiled, there := schemas()[schema]
	require.True(t, there, schema)
	read, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	require.NoError(t, err, document)
	require.NoError(t, compiled.Validate(read), document)
}

// row is a notification as the database has it.
type row struct {
	number                                 int64
	at                                     time.Time
	shop, outcome, order, customer, status string
	reason                                 string
	level                                  string
	payment                                *int64
	fields                                 map[string]string
	repeats                                int
}

// insert keeps a notification, and gives its number.
func insert(t testing.TB, pool *pgxpool.Pool, r row) int64 {
	t.Helper()
	var fields *string
	if r.fields != nil {
		text, err := json.Marshal(r.fields)
		require.NoError(t, err)
		fields = new(string(text))
	}
	var eventKey *string
	if r.payment != nil {
		eventKey = new(r.order + "/" + r.status + "/" + r.outcome + "/" + r.at.Format(time.RFC3339Nano))
	}
	if r.level == "" {
		r.level = "INFO"
	}
	var repeatedAt *time.Time
	if r.repeats > 0 {
		repeatedAt = new(r.at.Add(time.Minute))
	}
	require.NoError(t, pool.QueryRow(t.Context(), `
		insert into payment_notification (shop, peer, received_at, outcome, level, reason, sha256, event_key, payment, order_id,
		                                  customer, status, fields, repeats, repeated_at)
		values ($1, '194.50.38.7', $2, $3, $4, $5, sha256('x'), $6, $7, $8, $9, $10, $11::jsonb, $12, $13) returning number`,
		r.shop, r.at, r.outcome, r.level, r.reason, eventKey, r.payment, r.order, r.customer, r.status, fields, r.repeats, repeatedAt,
	).Scan(&r.number))
	return r.number
}

// form keeps what was asked for.
func form(t testing.TB, pool *pgxpool.Pool, order string, shownAt time.Time) (number int64) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `
		insert into payment_form (shop, site_id, mode, utc_day, trans_id, order_id, amount_units, currency, plan, customer,
		                          invoice_prefix, invoice_piece, third_party, shown_at)
		values ('boutique', '12345678', 'TEST', ($2::timestamptz at time zone 'UTC')::date,
		        lpad((select count(*) from payment_form)::text, 6, '0'), $1, 123456, '978', 'SINGLE', 'C42',
		        'FA', '2026-17', 'C0000007', $2) returning number`, order, shownAt).Scan(&number))
	return number
}

// payment keeps a transaction.
func payment(t testing.TB, pool *pgxpool.Pool, order, state, status, class string, ofForm *int64) (number int64) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(), `
		insert into payment (key, shop, site_id, mode, order_id, form, operation, sequence, customer, state, status, class,
		                     amount_units, currency, authorisation, contract, paid_at, first_at, changed_at, doubt)
		values ('12345678/TEST/' || gen_random_uuid(), 'boutique', '12345678', 'TEST', $1, $2, 'DEBIT', 1, 'C42', $3, $4, $5,
		        123456, '978', '654321', '1234567', $6, $6, $6, '') returning number`,
		order, ofForm, state, status, class, at()).Scan(&number))
	return number
}

// line keeps a card line of a settlement.
func line(t testing.TB, pool *pgxpool.Pool, number int, label string) (settlement int32) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		values ('REGLEMENT-20260317', 'scope', 'TRANSACTION', 'CB', 123456, 'line', sha256('line'), '2026-03-17')
		on conflict (reference) do nothing`)
	require.NoError(t, err)
	require.NoError(t, pool.QueryRow(t.Context(), `
		insert into payment_line (settlement, line, cre_id, contract, amount_cents, transaction_at, acquirer_ref, label)
		select number, $1::integer, 'CRE-' || $1::integer, '1234567', 123456, $2, '654321', $3 from settlement returning settlement`,
		number, at(), label).Scan(&settlement))
	return settlement
}

// newDatabase is one of the test's own.
func newDatabase(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t)
}

// unused is an address at which nobody listens.
func unused(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}
