//go:build linux

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"

	"github.com/reglo/reglo/activities/payment"
	gateway "github.com/reglo/reglo/deploy/partners/systempay"
	"github.com/reglo/reglo/workflows"
)

// paymentsVariable has the storm of notifications be of full size; it takes a
// minute then.
const paymentsVariable = "REGLO_CRASH_PAYMENTS"

// How a storm of notifications is: each order has two and a half of them, those
// that are sent again included.
const (
	fewOrders, fewNotifications, fewASecond    = 400, 1_000, 400
	manyOrders, manyNotifications, manyASecond = 5_000, 10_000, 800

	floodConnections = 16
	// lostEach is of how many answers one is lost on its way back to the gateway.
	lostEach = 40
)

// The shops: payments come to one of them, and what is wrong to the other one,
// because of one shop only the first messages of a minute are kept that are refused.
const (
	tillShop, tillSite     = "boutique", "12345678"
	targetShop, targetSite = "atelier", "11112222"
	gatewayKey             = "1122334455667788"
	formKey                = "0123456789abcdef0123456789abcdef"
	// gatewayAddress is one of SystemPay's own, as our proxy tells it.
	gatewayAddress = "194.50.38.7"
)

// TestTenThousandNotifications has the gateway tell of payments from 16
// connections, in any order, almost a third of them twice, and a stranger tell of
// others. PostgreSQL dies meanwhile, then the front; answers are lost. What the
// gateway has in its ledger is what the database has in the end, each event once;
// what was answered 200 is there; nothing that is not the gateway's has an effect.
func TestTenThousandNotifications(t *testing.T) {
	t.Parallel()
	orders, notifications, rate := fewOrders, fewNotifications, fewASecond
	if os.Getenv(paymentsVariable) != "" {
		orders, notifications, rate = manyOrders, manyNotifications, manyASecond
	}
	server, namespace := shared.get(t)
	cluster := newCluster(t)
	c := newTill(t, setUpWorld(t, cluster.stage(t, newDay(t, 1, 1)), server, namespace))
	front := c.serve(t)
	c.begin(t, orders)
	wire := c.listen(t)

	var ledger bytes.Buffer
	tally, ended := gateway.Tally{}, make(chan error, 1)
	flood := gateway.Flood{
		Target: wire.URL + "/ipn/systempay/" + tillShop, Shop: c.gateways()[0], Mode: "TEST", Orders: c.orders, Connections: floodConnections,
		Resend: 0.3, Forged: 0.1, Credit: 0.1, Shuffle: true, Rate: float64(rate), Attempts: 20, Pause: 20 * time.Millisecond,
		Seed: 7, Start: time.Now(), Forwarded: gatewayAddress, Clock: time.Now,
	}
	go func() {
		var err error
		tally, err = flood.Run(t.Context(), &ledger)
		ended <- err
	}()
	c.refuses(t)
	eventually(t, "a part of the notifications", func() bool { return wire.count(http.StatusOK) > orders/2 })
	c.crash(t, cluster, wire)
	eventually(t, "most of the notifications", func() bool { return wire.count(http.StatusOK) > orders })
	front.kill()
	eventually(t, "a notification that nobody takes", func() bool { return wire.count(0) > 0 })
	c.serve(t)
	require.NoError(t, <-ended)
	t.Logf("%d notifications of %d transactions, %d forged: %v in %.1f s", tally.Notifications, tally.Transactions, tally.Forged,
		tally.Statuses, tally.Seconds)
	require.GreaterOrEqual(t, tally.Notifications, notifications)
	require.Zero(t, tally.GivenUp)
	require.Positive(t, tally.Statuses["503"])
	require.Positive(t, tally.Forgeries["400"])
	for _, accepting := range []string{"200", "202", "302"} {
		require.Zero(t, tally.Forgeries[accepting])
	}

	c.requireEvents(t, &ledger, wire)
	c.requireLedger(t, &ledger)
	c.requireRefused(t)
	c.requireHandled(t)
	c.requireDiscreet(t)
}

// till is a front that takes payments.
type till struct {
	*world

	address string
	client  *http.Client
	log     string
	shops   string          // the file
	orders  []gateway.Order // begun at tillShop
}

func newTill(t *testing.T, w *world) *till {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &till{
		world: w, address: listener.Addr().String(), log: filepath.Join(w.logs, "front.log"),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: floodConnections}, Timeout: patience},
	}
	require.NoError(t, listener.Close())
	t.Cleanup(c.client.CloseIdleConnections)

	folder := t.TempDir()
	c.shops = filepath.Join(folder, "shops.yaml")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key"), []byte(gatewayKey+"\n"), 0o600))
	var file strings.Builder
	for name, site := range map[string]string{tillShop: tillSite, targetShop: targetSite} {
		fmt.Fprintf(&file, `
- {name: %s, site_id: %q, mode: TEST, algorithm: HMAC-SHA-256, key_file: key, contracts: [C%s],
   page: {check: "http://%s/ipn/systempay/%[1]s"}}
`, name, site, site, c.address)
	}
	require.NoError(t, os.WriteFile(c.shops, []byte(file.String()), 0o600))
	return c
}

// gateways are the shops as the gateway has them.
func (*till) gateways() []gateway.Shop {
	keys := map[string]string{"TEST": gatewayKey}
	return []gateway.Shop{
		{Site: tillSite, Algorithm: gateway.SHA256, Keys: keys}, {Site: targetSite, Algorithm: gateway.SHA256, Keys: keys},
	}
}

// serve runs the front until the test ends, and returns when it is ready.
func (c *till) serve(t *testing.T) *process {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	front, err := launch(c.log, environment(
		starterVariable+"=serve --json", "GORACE=halt_on_error=1", "REGLO_DATABASE_URL="+c.url, "REGLO_FRONT_ADDRESS="+c.address,
		"REGLO_FRONT_TRUSTED_PROXIES=127.0.0.1/32", "REGLO_SYSTEMPAY_SHOPS="+c.shops, "REGLO_SYSTEMPAY_API_KEY="+formKey,
		"TEMPORAL_ADDRESS="+c.server.address, "TEMPORAL_NAMESPACE="+c.namespace,
		"TEMPORAL_CONFIG_FILE="+filepath.Join(c.logs, "none.toml"),
	), program)
	require.NoError(t, err)
	t.Cleanup(func() {
		if front.failed() {
			t.Errorf("the front ended by itself")
		}
		front.kill()
		if t.Failed() {
			t.Log(front.tail())
		}
	})
	eventually(t, "the front", func() bool {
		require.False(t, front.failed(), "the front does not start:\n%s", front.tail())
		return c.probe(t, "/readyz") == http.StatusOK
	})
	return front
}

// probe asks as an operator's program does; 0 when nobody answers.
func (c *till) probe(t *testing.T, path string) int {
	t.Helper()
	status, _ := c.call(t, http.MethodGet, path, nil, nil)
	return status
}

// call sends a request to the front.
func (c *till) call(t *testing.T, method, path string, header http.Header, body []byte) (status int, answer []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.address+path, bytes.NewReader(body))
	require.NoError(t, err)
	maps.Copy(request.Header, header)
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, answer
}

// begin has the shop's program ask for that many forms, and the buyers take them
// to the gateway.
func (c *till) begin(t *testing.T, count int) {
	t.Helper()
	c.orders = make([]gateway.Order, count)
	next := make(chan int)
	var programs sync.WaitGroup
	for range floodConnections {
		programs.Go(func() {
			for i := range next {
				cents := 100 + 7*i
				fields := c.form(t, tillShop, fmt.Sprintf("ORDER-%d", i), cents)
				c.orders[i] = gateway.Order{
					ID: fields["vads_order_id"], Amount: int64(cents), Currency: fields["vads_currency"],
					TransID: fields["vads_trans_id"], TransDate: fields["vads_trans_date"],
				}
			}
		})
	}
	for i := range count {
		next <- i
	}
	close(next)
	programs.Wait()
	require.Equal(t, int64(count), c.ask(`select count(distinct trans_id) from payment_form where shop = $1`, tillShop))
}

// form gives the fields of a form, and its signature among them.
func (c *till) form(t *testing.T, shop, order string, cents int) map[string]string {
	t.Helper()
	fields := make(map[string]string)
	request, err := json.Marshal(map[string]any{
		"shop": shop, "orderId": order, "amount": fmt.Sprintf("%d.%02d", cents/100, cents%100), "currency": "EUR",
		"customer": map[string]string{"id": "4711", "firstName": buyer},
	})
	if err != nil {
		t.Error(err)
		return fields
	}
	status, text := c.call(t, http.MethodPost, "/systempay/forms", http.Header{"Authorization": {"Bearer " + formKey}}, request)
	var answer struct {
		Fields    []struct{ Name, Value string }
		Signature string
	}
	if err := json.Unmarshal(text, &answer); err != nil || status != http.StatusCreated {
		t.Errorf("form of %s: %d %s", order, status, text)
		return fields
	}
	for _, field := range answer.Fields {
		fields[field.Name] = field.Value
	}
	fields["signature"] = answer.Signature
	return fields
}

// buyer is whose name is kept nowhere.
const buyer = "Zoé"

// crash has PostgreSQL die, and comes back when it was started again and the front
// has gone on by itself.
func (c *till) crash(t *testing.T, cluster *cluster, wire *wire) {
	t.Helper()
	require.Zero(t, wire.count(http.StatusServiceUnavailable))
	require.NoError(t, cluster.process.command.Process.Signal(syscall.SIGKILL))
	<-cluster.process.ended
	eventually(t, "a notification that cannot be kept", func() bool { return wire.count(http.StatusServiceUnavailable) >= floodConnections })
	require.Equal(t, http.StatusServiceUnavailable, c.probe(t, "/readyz"))
	require.Equal(t, http.StatusOK, c.probe(t, "/livez"))
	taken := wire.count(http.StatusOK)
	cluster.start(t)
	eventually(t, "a notification that is kept again", func() bool { return wire.count(http.StatusOK) > taken })
	eventually(t, "the front", func() bool { return c.probe(t, "/readyz") == http.StatusOK })
}

// wire is the line between the gateway and the front. It knows what was sent and
// what the front answered, and now and then loses an answer.
type wire struct {
	*httptest.Server

	front  string
	client *http.Client

	lock     sync.Mutex
	statuses map[int]int    // 0 where the front gave no answer
	sent     map[string]int // by event
	taken    map[string]int // those of them that were answered 200
}

func (c *till) listen(t *testing.T) *wire {
	t.Helper()
	l := &wire{front: c.address, client: c.client, statuses: map[int]int{}, sent: map[string]int{}, taken: map[string]int{}}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

// ServeHTTP passes a notification on.
func (l *wire) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status, answer := l.pass(r, body)
	if lost := l.note(body, status); lost || status == 0 {
		panic(http.ErrAbortHandler) // the gateway's connection ends without an answer
	}
	w.WriteHeader(status)
	_, _ = w.Write(answer) //nolint:gosec // the front's own words, to a stand-in
}

func (l *wire) pass(r *http.Request, body []byte) (status int, answer []byte) {
	request, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+l.front+r.URL.Path, bytes.NewReader(body)) //nolint:gosec // the front is the test's own
	if err != nil {
		return 0, nil
	}
	request.Header = r.Header.Clone()
	response, err := l.client.Do(request) //nolint:gosec // as above
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

// note notes what became of a notification, and tells whether its answer is lost.
func (l *wire) note(body []byte, status int) (lost bool) {
	fields, err := url.ParseQuery(string(body))
	if err != nil {
		fields = url.Values{}
	}
	event := eventOf(fields.Get("vads_trans_uuid"), fields.Get("vads_trans_status"), fields.Get("vads_effective_amount"))
	l.lock.Lock()
	defer l.lock.Unlock()
	l.statuses[status]++
	l.sent[event]++
	if status != http.StatusOK {
		return false
	}
	l.taken[event]++
	return l.statuses[status]%lostEach == 0
}

// eventOf names what the gateway tells of a transaction of tillShop.
func eventOf(uuid, status, amount string) string {
	return strings.Join([]string{tillSite, "TEST", uuid, status, amount}, ":")
}

// count is how many were answered so.
func (l *wire) count(status int) int {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.statuses[status]
}

// truths reads the gateway's ledger.
func truths(t *testing.T, ledger *bytes.Buffer) []gateway.Truth {
	t.Helper()
	var all []gateway.Truth
	for line := range bytes.Lines(ledger.Bytes()) {
		var one gateway.Truth
		require.NoError(t, json.Unmarshal(line, &one))
		all = append(all, one)
	}
	return all
}

// requireLedger proves that each transaction of the gateway's has one row, which
// says what the gateway does.
func (c *till) requireLedger(t *testing.T, ledger *bytes.Buffer) {
	t.Helper()
	type row struct {
		Key, OrderID, Operation, Status, State, Class, Doubt string
		Amount                                               int64
		Currency                                             string
		Form, Settles                                        bool
	}
	rows, err := c.pool.Query(t.Context(), `select key, order_id, operation, status, state, class, doubt, amount_units, currency,
		form is not null, settles from payment where shop = $1`, tillShop)
	require.NoError(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	require.NoError(t, err)
	kept := make(map[string]row)
	for _, one := range found {
		kept[one.Key] = one
	}
	classes := map[string]string{
		"AUTHORISED": "PAID", "CAPTURED": "PAID", "CANCELLED": "CANCELLED", "EXPIRED": "CANCELLED", "CAPTURE_FAILED": "CAPTURE_FAILED",
		"REFUSED": "NOT_PAID", "ABANDONED": "NOT_PAID",
	}
	all := truths(t, ledger)
	require.EqualValues(t, len(all), c.ask(`select count(*) from payment where shop = $1`, tillShop))
	seen := make(map[string]bool)
	for _, truth := range all {
		key := tillSite + ":TEST:" + truth.UUID
		got := kept[key]
		want := row{
			Key: key, OrderID: truth.Order, Operation: truth.Operation, Status: truth.Status, State: got.State, Class: classes[truth.Status],
			Amount: truth.Amount, Currency: truth.Currency, Form: true, Settles: truth.Amount > 0,
		}
		if truth.Operation == "CREDIT" {
			want.Amount = -truth.Amount
		}
		if truth.Amount == 0 {
			want.Amount = got.Amount // what it would have been: it settles nothing
		}
		require.Equal(t, want, got)
		seen[truth.Operation+" "+truth.Status] = true
	}
	require.Len(t, seen, len(classes)+1, "all statuses, and credits")
}

// requireEvents proves that each event of the ledger is there once, that the
// others of the same are counted, and that all that was answered 200 is among them.
func (c *till) requireEvents(t *testing.T, ledger *bytes.Buffer, wire *wire) {
	t.Helper()
	amounts := make(map[string]int64)
	for _, order := range c.orders {
		amounts[order.ID] = order.Amount
	}
	want := make(map[string]bool)
	for _, truth := range truths(t, ledger) {
		amount := amounts[truth.Order]
		if truth.Operation == "CREDIT" {
			amount = truth.Amount
		}
		for _, status := range truth.Statuses {
			want[eventOf(truth.UUID, status, strconv.FormatInt(amount, 10))] = true
		}
	}
	rows, err := c.pool.Query(t.Context(), `select event_key, repeats from payment_notification where shop = $1 and event_key is not null`, tillShop)
	require.NoError(t, err)
	var key string
	var repeats int
	kept := make(map[string]bool)
	_, err = pgx.ForEachRow(rows, []any{&key, &repeats}, func() error {
		require.True(t, want[key], "%s is none of the gateway's", key)
		require.False(t, kept[key], "%s is there twice", key)
		kept[key] = true
		// One that was kept may have been answered 503, or not at all, when PostgreSQL or the front died.
		require.GreaterOrEqual(t, repeats+1, wire.taken[key], key)
		require.LessOrEqual(t, repeats+1, wire.sent[key], key)
		return nil
	})
	require.NoError(t, err)
	for key := range wire.taken {
		require.True(t, kept[key], "%s was answered 200, and is not there", key)
	}
	for key := range want {
		require.True(t, kept[key], "%s is not there", key)
	}
	require.Zero(t, c.ask(`select count(*) from payment_notification where shop = $1 and event_key is not null
		and outcome not in ('ACCEPTED', 'PENDING', 'NOT_PAID', 'CAPTURE_FAILED')`, tillShop), "a doubt, and all was true")
}

// requireRefused proves that of the stranger's messages the first ones of each
// minute are kept, and nothing of what they say.
func (c *till) requireRefused(t *testing.T) {
	t.Helper()
	require.Zero(t, c.ask(`select count(*) from payment_notification where shop = $1 and event_key is null
		and (outcome <> 'BAD_SIGNATURE' or level <> 'ERR' or payment is not null or fields is not null or order_id <> '')`, tillShop))
	most := c.ask(`select coalesce(max(kept), 0) from (select count(*) as kept from payment_notification
		where shop = $1 and event_key is null group by date_trunc('minute', received_at)) as minutes`, tillShop)
	require.Positive(t, most)
	require.LessOrEqual(t, most, int64(2*payment.MaxRefused), "each of two fronts has a count of its own")
}

// requireHandled proves that a worker deals with all that was accepted, though
// nobody was there to hear of it when it came.
func (c *till) requireHandled(t *testing.T) {
	t.Helper()
	const open = `select count(*) from payment_notification where outcome = 'ACCEPTED' and handled_at is null`
	require.Positive(t, c.ask(open))
	c.work(t, "REGLO_SYSTEMPAY_SHOPS="+c.shops)
	eventually(t, "all notifications looked at", func() bool { return c.ask(open) == 0 })
	require.Zero(t, c.ask(`select count(*) from payment_notification where handled_at is not null and outcome <> 'ACCEPTED'`))
	eventually(t, "the end of the look", func() bool {
		run, err := c.world.client.DescribeWorkflowExecution(t.Context(), workflows.PaymentsID, "")
		return err == nil && run.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
	c.keepLast(t, workflows.PaymentsID, "payments")
}

// requireDiscreet proves that the front's log has neither keys nor buyers.
func (c *till) requireDiscreet(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(c.log)
	require.NoError(t, err)
	require.Contains(t, string(text), `"outcome":"BAD_SIGNATURE"`)
	require.Contains(t, string(text), `"outcome":"UNAVAILABLE"`)
	for _, secret := range []string{gatewayKey, formKey, buyer, "497010"} {
		require.NotContains(t, string(text), secret)
	}
}

// refuses has the gateway tell of a payment of targetShop, and then of the same
// with something wrong: each is refused for what it is, and changes nothing.
func (c *till) refuses(t *testing.T) {
	t.Helper()
	played, told := c.pay(t)
	const everything = `select md5(string_agg(p::text, '' order by number)) from payment p where shop = $1`
	var before, after string
	require.NoError(t, c.pool.QueryRow(t.Context(), everything, targetShop).Scan(&before))
	for kind, want := range map[gateway.Kind]struct {
		status         int
		outcome, level string
	}{
		gateway.Foreign:    {http.StatusForbidden, "FORBIDDEN", "WARN"},
		gateway.Oversized:  {http.StatusBadRequest, "MALFORMED", "ERR"},
		gateway.NameTwice:  {http.StatusBadRequest, "MALFORMED", "ERR"},
		gateway.BadUTF8:    {http.StatusBadRequest, "MALFORMED", "ERR"},
		gateway.Forged:     {http.StatusBadRequest, "BAD_SIGNATURE", "ERR"},
		gateway.Tampered:   {http.StatusBadRequest, "BAD_SIGNATURE", "ERR"},
		gateway.Downgraded: {http.StatusBadRequest, "BAD_SIGNATURE", "ERR"},
		gateway.Unsigned:   {http.StatusBadRequest, "BAD_SIGNATURE", "ERR"},
		gateway.WrongSite:  {http.StatusBadRequest, "WRONG_SHOP", "ERR"},
		gateway.WrongMode:  {http.StatusBadRequest, "WRONG_MODE", "ERR"},
		gateway.BareCard:   {http.StatusBadRequest, "UNMASKED_CARD", "ALERT"},
	} {
		played.Break(gateway.Fault{Kind: kind, Times: 1})
		sent, err := played.Resend(t.Context(), told, nil, "RETRY")
		require.NoError(t, err)
		deliveries := sent.Events[0].Deliveries
		last := deliveries[len(deliveries)-1]
		require.Equal(t, []gateway.Kind{kind}, last.Faults)
		require.Equal(t, want.status, last.Status, "%s: %s", kind, last.Answer)
		var outcome, level string
		var bare bool
		require.NoError(t, c.pool.QueryRow(t.Context(), `select outcome, level,
			event_key is null and payment is null and fields is null and order_id || customer || status = ''
			from payment_notification where shop = $1 order by number desc limit 1`, targetShop).Scan(&outcome, &level, &bare))
		require.Equal(t, want.outcome, outcome, kind)
		require.Equal(t, want.level, level, kind)
		require.True(t, bare, "%s: something of it is kept", kind)
	}
	const kept = `select count(*) from payment_notification`
	count := c.ask(kept + ` where shop = '` + targetShop + `'`)
	require.Equal(t, int64(1+11), count, "the true one, and each that was wrong")
	status, _ := c.call(t, http.MethodPost, "/ipn/systempay/nobody", http.Header{"X-Forwarded-For": {gatewayAddress}}, []byte("a=b"))
	require.Equal(t, http.StatusNotFound, status)
	require.Zero(t, c.ask(kept+` where shop not in ($1, $2)`, tillShop, targetShop))

	require.NoError(t, c.pool.QueryRow(t.Context(), everything, targetShop).Scan(&after))
	require.Equal(t, before, after)
	again, err := played.Resend(t.Context(), told, nil, "RETRY")
	require.NoError(t, err)
	deliveries := again.Events[0].Deliveries
	require.Equal(t, "DUPLICATE\n", deliveries[len(deliveries)-1].Answer, "the true one is no less true")
}

// pay has a buyer pay an order of targetShop at the gateway, which tells of it.
func (c *till) pay(t *testing.T) (*gateway.Gateway, string) {
	t.Helper()
	played, err := gateway.New(gateway.Settings{
		Shops: c.gateways(), Repeats: []time.Duration{time.Millisecond}, Forwarded: gatewayAddress, Clock: time.Now,
	})
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- played.Serve(t.Context(), listener) }()
	t.Cleanup(func() { require.NoError(t, <-served) })

	posted := url.Values{}
	for name, value := range c.form(t, targetShop, "ORDER-0", 19_99) {
		posted.Set(name, value)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+listener.Addr().String()+"/vads-payment/?pay=pay", strings.NewReader(posted.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := c.client.Transport.RoundTrip(request)
	require.NoError(t, err)
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	made := played.Transactions()
	require.Len(t, made, 1, "%s", page)
	require.True(t, made[0].Events[0].Delivered, made[0].Events[0].Deliveries)
	require.EqualValues(t, 1999, c.ask(`select amount_units from payment where shop = $1 and settles and doubt = ''`, targetShop))
	return played, made[0].UUID
}
