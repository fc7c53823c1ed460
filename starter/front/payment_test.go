package front_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	standin "github.com/reglo/reglo/deploy/partners/systempay"
	"github.com/reglo/reglo/domain/systempay"
	"github.com/reglo/reglo/starter/front"
)

const (
	cantineKey  = "1122334455667788"
	garderieKey = "8877665544332211"
	formKey     = "0123456789abcdef0123456789abcdef"
	// gatewayAddress is one of SystemPay's.
	gatewayAddress = "194.50.38.7"
)

// ringer counts rings.
type ringer struct{ rings atomic.Int64 }

func (r *ringer) Ring() { r.rings.Add(1) }

// till is a front that takes payments' notifications, and the gateway that sends them.
type till struct {
	*stage

	t       testing.TB
	pool    *pgxpool.Pool
	desk    *payment.Desk
	ringer  ringer
	gateway *standin.Gateway
	pages   string // where the gateway takes forms
}

// newTill has two shops: one that signs each way, the second one real.
func newTill(t testing.TB) *till {
	t.Helper()
	s := &till{stage: newStage(), t: t, pool: pgtest.New(t)}
	s.proxies = front.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	shops := []systempay.Shop{
		{
			Name: "cantine", SiteID: "12345678", Mode: systempay.Test, Algorithm: systempay.HMACSHA256,
			Keys: systempay.Keys{Test: systempay.NewKey(cantineKey)},
		},
		{
			Name: "garderie", SiteID: "87654321", Mode: systempay.Production, Algorithm: systempay.SHA1,
			Keys: systempay.Keys{Production: systempay.NewKey(garderieKey)},
		},
	}
	s.desk = payment.New(payment.Parts{Pool: s.pool, Clock: time.Now, Shops: shops})
	notifications, err := front.NewNotifications(front.NotificationParts{Taker: s.desk, Bell: &s.ringer, Registry: s.registry, Log: s.log})
	require.NoError(t, err)
	forms, err := front.NewForms(front.FormParts{Beginner: s.desk, Key: formKey, Clock: time.Now, Log: s.log})
	require.NoError(t, err)
	s.open(t, front.Route{Pattern: front.NotificationPattern, Handler: notifications}, front.Route{Pattern: front.FormPattern, Handler: forms})
	s.play(standin.Settings{
		Forwarded: gatewayAddress, Clock: time.Now, Repeats: []time.Duration{time.Millisecond},
		Shops: []standin.Shop{
			{Site: "12345678", Algorithm: standin.SHA256, Keys: map[string]string{"TEST": cantineKey}, Check: s.ipn("cantine")},
			{Site: "87654321", Algorithm: standin.SHA1, Keys: map[string]string{"PRODUCTION": garderieKey}, Check: s.ipn("garderie")},
		},
	})
	return s
}

func (s *till) ipn(shop string) string { return "http://" + s.address + "/ipn/systempay/" + shop }

// play has the gateway answer at a socket.
func (s *till) play(settings standin.Settings) {
	s.t.Helper()
	var err error
	s.gateway, err = standin.New(settings)
	require.NoError(s.t, err)
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(s.t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.gateway.Serve(ctx, listener) }()
	s.t.Cleanup(func() {
		stop()
		require.NoError(s.t, <-served)
	})
	s.pages = "http://" + listener.Addr().String() + "/vads-payment/"
}

// asked is the request for a form of 19.99 EUR.
func asked(shop, order string) string {
	return `{"shop":"` + shop + `","orderId":"` + order + `","amount":"19.99","currency":"EUR",` +
		`"customer":{"id":"1234","email":"zoe@example.org","firstName":"Zoé","lastName":"Lefèvre"},"products":["E1"],` +
		`"invoice":{"prefix":"F","piece":"77","thirdParty":"C0000007"}}`
}

// form is one as a shop's program gets it.
type form struct {
	URL           string
	Fields        []struct{ Name, Value string }
	Signature     string
	TransactionID string
	OrderID       string
	Number        int64
}

func (s *till) ask(body string, headers ...string) answer {
	s.t.Helper()
	if headers == nil {
		headers = []string{"Authorization", "Bearer " + formKey}
	}
	return s.do(s.t, http.MethodPost, "/systempay/forms", strings.NewReader(body), headers...)
}

// begin asks for a form.
func (s *till) begin(shop, order string) *form {
	s.t.Helper()
	got := s.ask(asked(shop, order))
	require.Equal(s.t, http.StatusCreated, got.status, got.body)
	f := new(form)
	require.NoError(s.t, json.Unmarshal([]byte(got.body), f))
	return f
}

// pay posts a form as a browser does, and decides.
func (s *till) pay(f *form, decision string) {
	s.t.Helper()
	values := url.Values{"signature": {f.Signature}}
	for _, field := range f.Fields {
		values.Set(field.Name, field.Value)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.pages+"?pay="+decision, strings.NewReader(values.Encode()))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(s.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, errors.Join(err, response.Body.Close()))
	require.Equal(s.t, http.StatusOK, response.StatusCode, string(text))
	s.gateway.Settle()
}

func (s *till) number(query string, arguments ...any) int {
	s.t.Helper()
	var n int
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), query, arguments...).Scan(&n))
	return n
}

func TestABuyerPays(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	for i, shop := range []string{"cantine", "garderie"} {
		f := s.begin(shop, "ORDER-1")
		require.Equal(t, "ORDER-1", f.OrderID)
		require.Equal(t, "000000", f.TransactionID)
		require.Equal(t, systempay.PaymentPage, f.URL)
		require.Equal(t, 1, s.number("select count(*) from payment_form where number = $1 and amount_units = 1999 and third_party = 'C0000007'", f.Number))
		s.pay(f, "pay")
		require.EqualValues(t, i+1, s.ringer.rings.Load())
		s.counts(t, "reglo_front_payment_notifications_total", "kept=true,outcome=ACCEPTED,shop="+shop, 1)
	}
	require.Equal(t, 2, s.number("select count(*) from payment where state = 'AUTHORISED' and class = 'PAID' and doubt = '' and amount_units = 1999"))

	_, err := s.gateway.Batch(t.Context())
	require.NoError(t, err)
	s.gateway.Settle()
	require.Equal(t, 2, s.number("select count(*) from payment where state = 'CAPTURED'"))
	require.Equal(t, 4, s.number("select count(*) from payment_notification where outcome = 'ACCEPTED'"))

	for _, personal := range []string{"zoe@", "Zoé", "Lefèvre", cantineKey, garderieKey, formKey} {
		require.NotContains(t, s.notes.String(), personal)
	}
}

// What was kept without our hearing of it comes again, and somebody is rung for it then.
func TestARepeatedOneIsLookedAt(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.gateway.Break(standin.Fault{Kind: standin.AnswerLost, Times: 1})
	s.pay(s.begin("cantine", "ORDER-1"), "pay")
	require.Equal(t, 1, s.number("select sum(repeats) from payment_notification"))
	require.EqualValues(t, 2, s.ringer.rings.Load())
}

func TestWhatABuyerDecides(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	for decision, outcome := range map[string]string{
		"refuse": "NOT_PAID", "abandon": "NOT_PAID", "error": "ERROR_RESULT", "format": "ERROR_RESULT", "verify": "PENDING",
	} {
		s.pay(s.begin("cantine", "ORDER-"+decision), decision)
		require.Equal(t, 1, s.number("select count(*) from payment_notification where order_id = $1 and outcome = $2", "ORDER-"+decision, outcome), decision)
	}
	require.Zero(t, s.ringer.rings.Load(), "nothing is to be booked")
}

func TestWhatGoesWrongAtTheGateway(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	for name, one := range map[string]struct {
		fault   standin.Fault
		outcome string // of the first attempt
	}{
		"forged":         {standin.Fault{Kind: standin.Forged}, "BAD_SIGNATURE"},
		"unsigned":       {standin.Fault{Kind: standin.Unsigned}, "BAD_SIGNATURE"},
		"downgraded":     {standin.Fault{Kind: standin.Downgraded}, "BAD_SIGNATURE"},
		"tampered":       {standin.Fault{Kind: standin.Tampered}, "BAD_SIGNATURE"},
		"a name twice":   {standin.Fault{Kind: standin.NameTwice}, "MALFORMED"},
		"not UTF-8":      {standin.Fault{Kind: standin.BadUTF8}, "MALFORMED"},
		"too large":      {standin.Fault{Kind: standin.Oversized}, "MALFORMED"},
		"another site":   {standin.Fault{Kind: standin.WrongSite}, "WRONG_SHOP"},
		"another mode":   {standin.Fault{Kind: standin.WrongMode}, "WRONG_MODE"},
		"a bare card":    {standin.Fault{Kind: standin.BareCard}, "UNMASKED_CARD"},
		"a stranger's":   {standin.Fault{Kind: standin.Foreign}, "FORBIDDEN"},
		"an other type":  {standin.Fault{Kind: standin.ContentType}, "ACCEPTED"},
		"twice at once":  {standin.Fault{Kind: standin.Twice}, "ACCEPTED"},
		"no answer read": {standin.Fault{Kind: standin.AnswerLost}, "ACCEPTED"},
		"cut":            {standin.Fault{Kind: standin.Cut, At: 12}, "BROKEN_OFF"},
	} {
		before := s.number("select coalesce(max(number), 0) from payment_notification")
		fault := one.fault
		fault.Times = 1
		s.gateway.Break(fault)
		order := "ORDER-" + strings.ReplaceAll(name, " ", "-")
		order = strings.NewReplacer("'", "").Replace(order)
		s.pay(s.begin("cantine", order), "pay")
		if one.outcome != "BROKEN_OFF" {
			require.NotZero(t, s.number("select count(*) from payment_notification where number > $1 and outcome = $2", before, one.outcome), name)
		}
		// What was refused is sent again, without the fault.
		require.Equal(t, 1, s.number("select count(*) from payment where order_id = $1 and class = 'PAID' and doubt = ''", order), name)
		require.Equal(t, 1, s.number("select count(*) from payment_notification where order_id = $1 and outcome = 'ACCEPTED'", order), name)
	}
	s.counts(t, "reglo_front_payment_notifications_total", "kept=false,outcome=BROKEN_OFF,shop=none", 1)
	s.counts(t, "reglo_front_payment_notifications_total", "kept=true,outcome=FORBIDDEN,shop=cantine", 1)
	require.Equal(t, 2, s.number("select sum(repeats) from payment_notification"))
}

func TestAnswersToStrangers(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	send := func(path string, headers ...string) answer {
		return s.do(t, http.MethodPost, path, strings.NewReader("vads_x=1"), headers...)
	}
	for name, one := range map[string]struct {
		got    answer
		status int
		text   string
	}{
		"nobody's shop":                {send("/ipn/systempay/nobody", "X-Forwarded-For", gatewayAddress), 404, "no such shop"},
		"the proxy itself":             {send("/ipn/systempay/cantine"), 403, "FORBIDDEN"},
		"a forged chain":               {send("/ipn/systempay/cantine", "X-Forwarded-For", gatewayAddress+", 203.0.113.9"), 403, "FORBIDDEN"},
		"a chain that nobody can read": {send("/ipn/systempay/cantine", "X-Forwarded-For", "here"), 403, "FORBIDDEN"},
		"another header":               {send("/ipn/systempay/cantine", "X-Real-IP", gatewayAddress), 403, "FORBIDDEN"},
		"unsigned":                     {send("/ipn/systempay/cantine", "X-Forwarded-For", gatewayAddress), 400, "BAD_SIGNATURE"},
		"with a slash":                 {send("/ipn/systempay/cantine/", "X-Forwarded-For", gatewayAddress), 404, "no such page"},
		"without a shop":               {send("/ipn/systempay/", "X-Forwarded-For", gatewayAddress), 404, "no such page"},
	} {
		require.Equal(t, one.status, one.got.status, name)
		require.Contains(t, one.got.body, one.text, name)
		require.Empty(t, one.got.header.Get("Location"), name)
		require.Contains(t, one.got.header.Get("Content-Type"), "text/plain", name)
	}
	require.Equal(t, http.StatusMethodNotAllowed, s.do(t, http.MethodGet, "/ipn/systempay/cantine", nil).status)
	require.NotContains(t, s.notes.String(), "nobody", "a stranger's text stays out of the log")
	require.Zero(t, s.ringer.rings.Load())
}

// A stranger who sends slowly is answered before the end of what is sent.
func TestAStrangerKeepsNoPlace(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	got := s.raw(t, "POST /ipn/systempay/cantine HTTP/1.1\r\nHost: us\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: 1000\r\n\r\nvads_x=")
	require.Equal(t, http.StatusForbidden, got.status)
	require.Equal(t, 1, s.number("select count(*) from payment_notification where outcome = 'FORBIDDEN'"))
}

func TestTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	f := s.begin("cantine", "ORDER-1")
	s.pool.Close()
	got := s.ask(asked("cantine", "ORDER-2"))
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.NotEmpty(t, got.header.Get("Retry-After"))

	s.pay(f, "pay")
	s.counts(t, "reglo_front_payment_notifications_total", "kept=false,outcome=UNAVAILABLE,shop=cantine", 2) // the first, and its repeat
	require.NotEmpty(t, s.notes.lines(t, "payment notification"))
	require.NotContains(t, s.notes.String(), "Lefèvre")
	require.Zero(t, s.ringer.rings.Load())
}

func TestAFlood(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	const transactions = 60
	flood := standin.Flood{
		Target: s.ipn("cantine"), Mode: "TEST", Connections: 16, Resend: 0.3, Forged: 0.1, Shuffle: true, Attempts: 3,
		Pause: time.Millisecond, Seed: 7, Start: time.Now().UTC(), Forwarded: gatewayAddress, Clock: time.Now,
		Shop: standin.Shop{Site: "12345678", Algorithm: standin.SHA256, Keys: map[string]string{"TEST": cantineKey}},
	}
	for i := range transactions {
		begun, err := s.desk.Begin(t.Context(), "cantine", systempay.Order{
			ID: fmt.Sprintf("ORDER-%d", i), Amount: decimal.New(1000+int64(i), -2), Currency: "EUR",
		}, payment.Invoice{})
		require.NoError(t, err)
		expected := begun.Expected
		flood.Orders = append(flood.Orders, standin.Order{
			ID: expected.OrderID, Amount: expected.Amount.Units, Currency: "978", TransID: expected.TransactionID,
			TransDate: expected.At.Format("20060102150405"),
		})
	}
	var ledger bytes.Buffer
	tally, err := flood.Run(t.Context(), &ledger)
	require.NoError(t, err)
	require.Zero(t, tally.GivenUp)
	require.Equal(t, map[string]int{"200": tally.Notifications}, tally.Statuses)
	require.Equal(t, map[string]int{"400": tally.Forged}, tally.Forgeries)
	truths := 0
	for line := range strings.Lines(ledger.String()) {
		truths++
		var truth standin.Truth
		require.NoError(t, json.Unmarshal([]byte(line), &truth))
		var state, class, doubt string
		var units int64
		require.NoError(t, s.pool.QueryRow(t.Context(),
			"select state, class, doubt, amount_units from payment where order_id = $1", truth.Order).Scan(&state, &class, &doubt, &units))
		require.Empty(t, doubt, line)
		if truth.Amount > 0 && (truth.Status == "AUTHORISED" || truth.Status == "CAPTURED") {
			require.Equal(t, []any{truth.Status, "PAID", truth.Amount}, []any{state, class, units}, line)
		} else {
			require.NotEqual(t, "PAID", class, line)
		}
	}
	require.Equal(t, transactions, truths)
	require.Equal(t, transactions, s.number("select count(*) from payment"))
	require.Equal(t, tally.Notifications, s.number("select count(*) + sum(repeats) from payment_notification where event_key is not null"))
}

func TestFormsThatNobodyGets(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	right := asked("cantine", "ORDER-1")
	with := func(from, to string) string { return strings.Replace(right, from, to, 1) }
	for name, one := range map[string]struct {
		got    answer
		status int
		field  string
	}{
		"no key":            {s.ask(right, "X-No", "key"), 401, ""},
		"another key":       {s.ask(right, "Authorization", "Bearer "+strings.ToUpper(formKey)), 401, ""},
		"a key cut short":   {s.ask(right, "Authorization", "Bearer "+formKey[1:]), 401, ""},
		"another scheme":    {s.ask(right, "Authorization", "Basic "+formKey), 401, ""},
		"two keys":          {s.ask(right, "Authorization", "Bearer "+formKey, "Authorization", "Bearer "+formKey), 401, ""},
		"no JSON":           {s.ask("shop=cantine"), 400, ""},
		"two documents":     {s.ask(right + right), 400, ""},
		"too long":          {s.ask(right + strings.Repeat(" ", 128<<10)), 413, ""},
		"an unknown member": {s.ask(with(`"shop"`, `"colour":"red","shop"`)), 400, "colour"},
		"a float":           {s.ask(with(`"19.99"`, `19.99`)), 400, "amount"},
		"no amount":         {s.ask(with(`"19.99"`, `""`)), 400, "amount"},
		"an exponent":       {s.ask(with(`"19.99"`, `"1e3"`)), 400, "amount"},
		"half a cent":       {s.ask(with(`"19.99"`, `"19.995"`)), 400, "amount"},
		"nobody's shop":     {s.ask(with("cantine", "nobody")), 400, "shop"},
		"a currency":        {s.ask(with("EUR", "XXX")), 400, "currency"},
		"a plan":            {s.ask(with(`"currency"`, `"plan":"MULTI:first=1","currency"`)), 400, "plan"},
		"a reference":       {s.ask(with("ORDER-1", "ORDER 1")), 400, "orderId"},
		"a name":            {s.ask(with("Lefèvre", "<b>")), 400, "customer.lastName"},
		"an address":        {s.ask(with("zoe@example.org", "zoe")), 400, "customer.email"},
		"a customer":        {s.ask(with(`"1234"`, `["1234"]`)), 400, "customer.id"},
		"a product":         {s.ask(with(`"E1"`, `"E 1"`)), 400, "products"},
		"an invoice":        {s.ask(with(`"77"`, `""`)), 400, "invoice.piece"},
	} {
		require.Equal(t, one.status, one.got.status, name+": "+one.got.body)
		var said struct {
			Errors []struct{ Field, Reason string }
		}
		require.NoError(t, json.Unmarshal([]byte(one.got.body), &said), name)
		require.Len(t, said.Errors, 1, name+": "+one.got.body)
		require.Equal(t, one.field, said.Errors[0].Field, name)
		require.NotEmpty(t, said.Errors[0].Reason, name)
		require.Equal(t, "application/json; charset=utf-8", one.got.header.Get("Content-Type"))
		require.Equal(t, one.status == 401, one.got.header.Get("WWW-Authenticate") != "", name)
	}
	require.Zero(t, s.number("select count(*) from payment_form"))
	require.NotContains(t, s.notes.String(), "Lefèvre")
	require.NotContains(t, s.notes.String(), "zoe")
	_, err := front.NewForms(front.FormParts{Beginner: s.desk})
	require.ErrorIs(t, err, front.ErrKey)
}

func TestSeveralFieldsAtFault(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	got := s.ask(`{"shop":"cantine","orderId":"a b","amount":"0","currency":"EUR"}`)
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, `"field":"orderId"`)
	require.Contains(t, got.body, `"field":"amount"`)
}

func TestAReferenceIsComposed(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	f := s.begin("cantine", "")
	require.Regexp(t, `^TS\d{4}-\d{8}-00000001234-1$`, f.OrderID)
	got := s.ask(strings.Replace(asked("cantine", ""), `"1234"`, `"x"`, 1))
	require.Equal(t, http.StatusBadRequest, got.status)
	require.Contains(t, got.body, "customer.id")
}

// begun begins nothing, and says that it did.
type begun struct{}

func (begun) Begin(_ context.Context, _ string, order systempay.Order, _ payment.Invoice) (payment.Form, error) {
	made, err := systempay.BuildForm(&order, &systempay.Shop{
		Name: "cantine", SiteID: "12345678", Mode: systempay.Test, Algorithm: systempay.HMACSHA256,
		Keys: systempay.Keys{Test: systempay.NewKey(cantineKey)},
	}, at(), "000000")
	return payment.Form{Form: made}, err
}

// Whatever is asked for, there is a form or a reason.
func FuzzFormRequest(f *testing.F) {
	for _, seed := range []string{
		asked("cantine", "ORDER-1"), asked("cantine", ""), "{}", "null", "[]", `{"products":null}`, `{"amount":"-0"}`, `{"amount":"NaN"}`,
		`{"amount":"99999999999999"}`, `{"year":1e9}`, `{"plan":"MULTI_EXT:20260318=1;20260319=2"}`, "{} x", `{"customer":{"id":7}}`,
	} {
		f.Add(seed)
	}
	forms, err := front.NewForms(front.FormParts{Beginner: begun{}, Key: formKey, Clock: at, Log: slog.New(slog.DiscardHandler)})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/systempay/forms", strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+formKey)
		got := httptest.NewRecorder()
		forms.ServeHTTP(got, request)
		var said struct {
			Signature string
			Errors    []struct{ Field, Reason string }
		}
		require.NoError(t, json.Unmarshal(got.Body.Bytes(), &said))
		switch got.Code {
		case http.StatusCreated:
			require.NotEmpty(t, said.Signature)
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			require.NotEmpty(t, said.Errors)
			for _, one := range said.Errors {
				require.NotEmpty(t, one.Reason)
			}
		default:
			require.Fail(t, "unexpected", "%d %s", got.Code, got.Body)
		}
	})
}

// awake is a waker that fails as long as it is told to.
type awake struct {
	lock  sync.Mutex
	err   error
	calls chan struct{}
}

func (a *awake) Wake(context.Context) error {
	a.lock.Lock()
	defer a.lock.Unlock()
	a.calls <- struct{}{}
	return a.err
}

func TestABellCallsOnceForManyRings(t *testing.T) {
	t.Parallel()
	waker, s := &awake{calls: make(chan struct{}, 100)}, newStage()
	bell := front.NewBell(waker, s.log)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bell.Run(ctx)
	}()
	<-waker.calls // at the start, without a ring
	began := time.Now()
	for range 1000 {
		bell.Ring()
	}
	<-waker.calls
	require.Greater(t, time.Since(began), 900*time.Millisecond, "at most once a second")
	bell.Ring()
	stop()
	<-ended
	<-waker.calls // what was rung before the end
	require.Empty(t, waker.calls)
}

func TestABellThatIsNotHeardSaysSo(t *testing.T) {
	t.Parallel()
	waker, s := &awake{calls: make(chan struct{}, 100), err: errors.New("no answer")}, newStage()
	bell := front.NewBell(waker, s.log)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bell.Run(ctx)
	}()
	<-waker.calls
	stop()
	<-ended
	<-waker.calls // it is still to be told
	require.Len(t, s.notes.lines(t, "nobody is told of payments yet; they are in the database"), 2)
}
