package console_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/systempay"
	openapischema "github.com/reglo/reglo/schemas/openapi"
	"github.com/reglo/reglo/starter/console"
)

type listDocument struct {
	Notifications []console.Notification
	Next          *string
}

// walk reads all pages of a list, and wants each to say where the next one is.
func (s *stage) walk(t testing.TB, target string) []int64 {
	t.Helper()
	var numbers []int64
	for target != "" {
		got := s.data(t, target, "Notifications")
		require.Equal(t, http.StatusOK, got.status, got.body)
		var document listDocument
		require.NoError(t, json.Unmarshal([]byte(got.body), &document))
		for i := range document.Notifications {
			numbers = append(numbers, document.Notifications[i].Number)
		}
		target = ""
		if document.Next != nil {
			target = *document.Next
			require.Equal(t, "<"+target+`>; rel="next"`, got.header.Get("Link"))
			require.NotEmpty(t, document.Notifications)
		} else {
			require.Empty(t, got.header.Get("Link"))
		}
	}
	return numbers
}

// TestListIsWhatIsAskedFor compares the list with what a plain loop over all rows
// finds, whatever is asked for and however long pages are. Rows come out of the order
// of their numbers, and several at one instant.
func TestListIsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	shops, orders := []string{"boutique", "theatre", "ancienne"}, []string{"", "A-1", "B_2", "C-3", "D&4=%"}
	outcomes, states := []string{"ACCEPTED", "PENDING", "FORBIDDEN"}, []string{"", "CAPTURED", "WAITING_FOR_PAYMENT"}
	var rows []row
	for i := range 160 {
		r := row{
			at:   at().Add(time.Duration(i*7919%97) * 37 * time.Minute),
			shop: shops[i%3], outcome: outcomes[i*7%3], order: orders[i*11%5], customer: []string{"", "42", "Zoé"}[i*5%3], status: states[i*13/3%3],
		}
		r.number = insert(t, pool, r)
		rows = append(rows, r)
	}
	// Midnight in Paris is another instant in winter and in summer.
	for _, instant := range []string{"2026-03-18T22:59:59Z", "2026-03-18T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"} {
		when, err := time.Parse(time.RFC3339, instant)
		require.NoError(t, err)
		r := row{at: when, shop: "boutique", outcome: "ACCEPTED", order: "A-1", status: "CAPTURED"}
		r.number = insert(t, pool, r)
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.number, a.number))
	})

	days := []string{"", "", "2026-03-16", "2026-03-17", "2026-03-18", "2026-03-19", "2026-03-29", "2026-03-30"}
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(name string, of []string) string {
			return rapid.SampledFrom(append([]string{""}, of...)).Draw(rt, name)
		}
		asked := map[string]string{
			"shop": pick("shop", shops), "order": pick("order", orders), "outcome": pick("outcome", outcomes), "status": pick("status", states),
			"customer": pick("customer", []string{"42", "Zoé", "nobody"}), "from": pick("from", days), "to": pick("to", days),
			"limit": strconv.Itoa(rapid.SampledFrom([]int{1, 3, 7, 50, 200}).Draw(rt, "limit")),
		}
		if asked["from"] != "" && asked["to"] != "" && asked["to"] < asked["from"] {
			asked["from"], asked["to"] = asked["to"], asked["from"]
		}
		if asked["limit"] == "1" { // a request a row
			asked["shop"], asked["outcome"], asked["order"] = "theatre", "PENDING", "A-1"
		}
		query := make(url.Values)
		for name, value := range asked {
			if value != "" || name == "shop" { // a browser sends what is empty, too
				query.Set(name, value)
			}
		}
		var want []int64
		for i := range rows {
			day := calendar.DateOf(rows[i].at).String()
			if (asked["shop"] == "" || asked["shop"] == rows[i].shop) && (asked["order"] == "" || asked["order"] == rows[i].order) &&
				(asked["outcome"] == "" || asked["outcome"] == rows[i].outcome) && (asked["status"] == "" || asked["status"] == rows[i].status) &&
				(asked["customer"] == "" || asked["customer"] == rows[i].customer) &&
				(asked["from"] == "" || day >= asked["from"]) && (asked["to"] == "" || day <= asked["to"]) {
				want = append(want, rows[i].number)
			}
		}
		require.Equal(rt, want, s.walk(t, dataPath+"?"+query.Encode()))
	})
}

// TestAmounts of notifications are those that they tell, with their sign.
func TestAmounts(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	for _, test := range []struct {
		fields map[string]string
		want   *console.Amount
		text   string
	}{
		{map[string]string{"vads_amount": "1999", "vads_currency": "978"}, &console.Amount{Units: 1999, Currency: "EUR"}, "19,99\u00a0EUR"},
		{map[string]string{"vads_amount": "20000", "vads_currency": "978", "vads_effective_amount": "3333", "vads_effective_currency": "978"}, &console.Amount{Units: 3333, Currency: "EUR"}, "33,33\u00a0EUR"},
		{map[string]string{"vads_amount": "123456789", "vads_currency": "978", "vads_operation_type": "CREDIT"}, &console.Amount{Units: -123456789, Currency: "EUR"}, "\u22121\u202f234\u202f567,89\u00a0EUR"},
		{map[string]string{"vads_amount": "5", "vads_currency": "978"}, &console.Amount{Units: 5, Currency: "EUR"}, "0,05\u00a0EUR"},
		{map[string]string{"vads_amount": "1000", "vads_currency": "392"}, &console.Amount{Units: 1000, Currency: "JPY"}, "1\u202f000\u00a0JPY"},
		{map[string]string{"vads_amount": "12", "vads_currency": "000"}, &console.Amount{Units: 12, Currency: "000"}, "12\u00a0000"},
		{map[string]string{"vads_amount": "-1", "vads_currency": "978"}, nil, ""},
		{map[string]string{"vads_amount": "1e9", "vads_currency": "978"}, nil, ""},
		{map[string]string{"vads_amount": "99999999999999999999", "vads_currency": "978"}, nil, ""},
		{map[string]string{"vads_amount": "1999"}, nil, ""},
		{nil, nil, ""},
	} {
		number := insert(t, pool, row{at: at(), shop: "boutique", outcome: "ACCEPTED", fields: test.fields})
		got := s.data(t, dataPath+"?limit=1", "Notifications")
		var document listDocument
		require.NoError(t, json.Unmarshal([]byte(got.body), &document))
		require.Equal(t, number, document.Notifications[0].Number)
		require.Equal(t, test.want, document.Notifications[0].Amount, test.fields)
		require.Equal(t, test.text, test.want.String())
	}
}

// cast is a transaction with all that belongs to one, and a message that is not
// believed.
type cast struct {
	first, last, stranger int64
	payment, form         int64
	settlement            int32
}

func newCast(t testing.TB, pool *pgxpool.Pool) cast {
	t.Helper()
	var c cast
	c.form = form(t, pool, "TS2026-1", at().Add(-time.Minute))
	c.payment = payment(t, pool, "TS2026-1", "CAPTURED", "CAPTURED", "PAID", &c.form)
	fields := map[string]string{
		"vads_amount": "123456", "vads_currency": "978", "vads_card_number": "497010XXXXXX0055", "vads_cust_last_name": fmt.Sprint(systempay.NewKey("x")), // what the domain hides, it hides so
	}
	c.first = insert(t, pool, row{
		at: at(), shop: "boutique", outcome: "PENDING", level: "NOTICE", reason: "authorisation is awaited", order: "TS2026-1", customer: "C42",
		status: "WAITING_AUTHORISATION", payment: &c.payment, fields: fields,
	})
	c.last = insert(t, pool, row{
		at: at().Add(time.Hour), shop: "boutique", outcome: "ACCEPTED", order: "TS2026-1", customer: "C42", status: "CAPTURED",
		payment: &c.payment, fields: fields, repeats: 2,
	})
	c.stranger = insert(t, pool, row{
		at: at().Add(2 * time.Hour), shop: "boutique", outcome: "FORBIDDEN", level: "WARN", reason: "comes from an address of nobody",
	})
	c.settlement = line(t, pool, 7, "TS2026-1")
	_, err := pool.Exec(t.Context(), `insert into payment_match (payment, settlement, line, rule, actor, matched_at)
		values ($1, $2, 7, 'order', 'anne', $3)`, c.payment, c.settlement, at().Add(3*time.Hour))
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `update payment set matched = true`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `update payment_line set matched = true`)
	require.NoError(t, err)
	return c
}

func TestDetail(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	c := newCast(t, pool)

	got := s.data(t, fmt.Sprintf("%s/%d", dataPath, c.last), "Detail")
	require.Equal(t, http.StatusOK, got.status)
	var detail console.Detail
	require.NoError(t, json.Unmarshal([]byte(got.body), &detail))
	require.Equal(t, c.last, detail.Number)
	require.Contains(t, got.body, `"receivedAt":"2026-03-17T12:30:05+01:00"`, "in Paris")
	require.Equal(t, "194.50.38.7", detail.Peer)
	require.Equal(t, "497010XXXXXX0055", detail.Fields["vads_card_number"])
	require.EqualValues(t, 2, detail.Repeats)
	require.Len(t, detail.SHA256, 64)
	of := detail.Transaction
	require.Equal(t, "CAPTURED", of.State)
	require.Equal(t, &console.Amount{Units: 123456, Currency: "EUR"}, of.Amount)
	require.Len(t, of.History, 2)
	require.Equal(t, c.first, of.History[0].Number)
	require.Equal(t, c.last, of.History[1].Number)
	require.Equal(t, c.form, of.Form.Number)
	require.Equal(t, "2026-17", of.Form.InvoicePiece)
	require.Equal(t, "2026-03-17", of.Form.Day.String())
	require.Equal(t, "order", of.Match.Rule)
	require.Equal(t, "REGLEMENT-20260317", of.Match.Reference)
	require.EqualValues(t, 7, of.Match.Line)

	got = s.data(t, fmt.Sprintf("%s/%d", dataPath, c.stranger), "Detail")
	detail = console.Detail{}
	require.NoError(t, json.Unmarshal([]byte(got.body), &detail))
	require.Nil(t, detail.Transaction)
	require.Empty(t, detail.Fields)

	// Without a form and a match, a transaction is shown all the same.
	bare := payment(t, pool, "B-1", "", "NEW_STATUS", "UNKNOWN", nil)
	number := insert(t, pool, row{at: at(), shop: "boutique", outcome: "UNKNOWN", level: "ERR", order: "B-1", status: "NEW_STATUS", payment: &bare})
	got = s.data(t, fmt.Sprintf("%s/%d", dataPath, number), "Detail")
	detail = console.Detail{}
	require.NoError(t, json.Unmarshal([]byte(got.body), &detail))
	require.Nil(t, detail.Transaction.Form)
	require.Nil(t, detail.Transaction.Match)
}

func TestWrongRequests(t *testing.T) {
	t.Parallel()
	pool := newDatabase(t)
	s := open(t, pool)
	insert(t, pool, row{at: at(), shop: "boutique", outcome: "ACCEPTED"})
	v := s.signedIn(t)
	for name, test := range map[string]struct {
		query, parameter string
	}{
		"an unknown one":     {"page=2", ""},
		"one twice":          {"shop=a&shop=b", "shop"},
		"an escape":          {"shop=%zz", ""},
		"no UTF-8":           {"customer=%ff", "customer"},
		"a NUL":              {"order=%00", "order"},
		"too long":           {"order=" + strings.Repeat("x", 256), "order"},
		"no outcome":         {"outcome=accepted", "outcome"},
		"no date":            {"from=17/03/2026", "from"},
		"no such day":        {"to=2026-02-30", "to"},
		"days in reverse":    {"from=2026-03-18&to=2026-03-17", "to"},
		"no number":          {"after=x", "after"},
		"a number below one": {"after=0", "after"},
		"nobody's number":    {"after=424242", "after"},
		"a huge number":      {"after=92233720368547758080", "after"},
		"no limit":           {"limit=0", "limit"},
		"over the limit":     {"limit=201", "limit"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.data(t, dataPath+"?"+test.query, "Problem")
			require.Equal(t, http.StatusBadRequest, got.status, got.body)
			require.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
			var said struct {
				Parameters []struct{ Parameter, Reason string }
			}
			require.NoError(t, json.Unmarshal([]byte(got.body), &said))
			require.Len(t, said.Parameters, 1)
			require.Equal(t, test.parameter, said.Parameters[0].Parameter)

			page := v.get(t, listPath+"?"+test.query)
			require.Equal(t, http.StatusBadRequest, page.status)
			require.Contains(t, page.body, said.Parameters[0].Reason)
			require.Contains(t, page.body, `role="alert"`)
		})
	}
	for _, number := range []string{"424242", "0", "-1", "x", "92233720368547758080"} {
		got := s.data(t, dataPath+"/"+number, "Problem")
		require.Equal(t, http.StatusNotFound, got.status)
		require.Equal(t, http.StatusNotFound, v.get(t, listPath+"/notifications/"+number).status)
	}
	for _, page := range []string{"/console/nowhere", listPath + "/nowhere"} {
		got := v.get(t, page)
		require.Equal(t, http.StatusNotFound, got.status)
		require.Contains(t, got.body, "Page introuvable")
	}
}

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	s := open(t, newDatabase(t))
	got := s.visitor(t).get(t, "/systempay/openapi.json")
	require.Equal(t, http.StatusOK, got.status)
	require.Equal(t, string(openapischema.SystemPay), got.body)
	var api struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Parameters []struct {
				Name   string
				Schema struct{ Enum []string }
			}
			Responses map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(openapischema.SystemPay, &api))
	require.Equal(t, "3.1.0", api.OpenAPI)
	require.Len(t, api.Paths, 2)
	// Each parameter that it tells of is one, and each outcome.
	for _, parameter := range api.Paths[dataPath]["get"].Parameters {
		value := map[string]string{"from": "2026-03-17", "to": "2026-03-17", "limit": "10", "after": "1"}[parameter.Name]
		for _, value := range append([]string{value}, parameter.Schema.Enum...) {
			got := s.visitor(t).get(t, dataPath+"?"+parameter.Name+"="+value, "X-API-Key", operatorKey)
			want := http.StatusOK
			if parameter.Name == "after" {
				want = http.StatusBadRequest // of no row
			}
			require.Equal(t, want, got.status, parameter.Name+"="+value)
		}
	}
}
