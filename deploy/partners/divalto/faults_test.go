package divalto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/divalto"
)

func TestParseFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]divalto.Fault{
		"reply-lost":                {Kind: divalto.ReplyLost, On: divalto.Execute},
		"reply-cut=12*3":            {Kind: divalto.ReplyCut, On: divalto.Execute, At: 12, Times: 3},
		"recordsql/server-error*1":  {Kind: divalto.ServerError, On: divalto.RecordSQL, Times: 1},
		"auth/technical-error=7":    {Kind: divalto.TechnicalError, On: divalto.Auth, At: 7},
		"execute/technical-error=7": {Kind: divalto.TechnicalError, On: divalto.Execute, At: 7},
		"refused=100":               {Kind: divalto.Refused, On: divalto.Execute, At: 100},
	} {
		got, err := divalto.ParseFault(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
	}
	for _, wrong := range []string{
		"", "none", "slow*", "slow*0", "slow*x", "slow=-1", "slow=x", "slow=", "slow=3600001", "refused", "refused=0", "auth/rejected",
		"auth/token-expired", "recordsql/malformed", "other/slow", "/slow", "slow/execute",
	} {
		_, err := divalto.ParseFault(wrong)
		require.ErrorIs(t, err, divalto.ErrFault, wrong)
	}
	for _, kind := range divalto.Kinds() {
		_, err := divalto.ParseFault(string(kind) + "=1")
		require.NoError(t, err)
	}
	p := start(t)
	require.ErrorIs(t, p.Break(divalto.Fault{Kind: divalto.Slow}, divalto.Fault{Kind: "none"}), divalto.ErrFault)
	require.ErrorIs(t, p.Break(divalto.Fault{Kind: divalto.Slow, Times: -1}), divalto.ErrFault)
}

// cut tells whether an error is a connection that was cut.
func cut(err error) bool {
	if err != nil && strings.Contains(err.Error(), "connection broken: malformed MIME header") {
		return true // between two bytes of a header
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

func TestFaultsOfPostings(t *testing.T) {
	t.Parallel()
	const id = `\"response\":{\"transactionId\":\"1354\"}`
	for name, c := range map[string]struct {
		fault  divalto.Fault
		status int    // 0 for a connection that was cut
		has    string // in the answer
		hasNot string
		booked int
	}{
		"5xx before":          {fault: divalto.Fault{Kind: divalto.ServerError}, status: 500, hasNot: "transactionId"},
		"5xx after":           {fault: divalto.Fault{Kind: divalto.ServerErrorAfter}, status: 500, hasNot: "transactionId", booked: 1},
		"error before":        {fault: divalto.Fault{Kind: divalto.TechnicalError}, status: 200, has: `{"error":5,"result":"",`},
		"another error":       {fault: divalto.Fault{Kind: divalto.TechnicalError, At: 77}, status: 200, has: `{"error":77,"result":"",`},
		"error after":         {fault: divalto.Fault{Kind: divalto.TechnicalErrorAfter, At: 8}, status: 200, has: `{"error":8,"result":"",`, booked: 1},
		"token":               {fault: divalto.Fault{Kind: divalto.TokenExpired}, status: 200, has: `{"error":10,"result":"",`},
		"rejected":            {fault: divalto.Fault{Kind: divalto.Rejected, At: 12}, status: 200, has: `\"resultcode\":\"12\"`, hasNot: "response"},
		"rejected with 1":     {fault: divalto.Fault{Kind: divalto.Rejected}, status: 200, has: `\"resultcode\":\"1\"`, hasNot: "response"},
		"no id":               {fault: divalto.Fault{Kind: divalto.NoID}, status: 200, has: `\"response\":{}`, hasNot: "1354", booked: 1},
		"several ids":         {fault: divalto.Fault{Kind: divalto.SeveralIDs}, status: 200, has: `\"response\":[{\"transactionId\":\"1354\"},{`, booked: 1},
		"empty result":        {fault: divalto.Fault{Kind: divalto.EmptyResult}, status: 200, has: `{"error":0,"result":"",`, booked: 1},
		"malformed":           {fault: divalto.Fault{Kind: divalto.Malformed}, status: 200, has: `\"response\":\"transactionId\": \"1354\"`, booked: 1},
		"unreadable":          {fault: divalto.Fault{Kind: divalto.Unreadable}, status: 200, has: "<html>", hasNot: "{", booked: 1},
		"lost":                {fault: divalto.Fault{Kind: divalto.ReplyLost}, booked: 1},
		"reply cut at once":   {fault: divalto.Fault{Kind: divalto.ReplyCut}, booked: 1},
		"reply cut in header": {fault: divalto.Fault{Kind: divalto.ReplyCut, At: 20}, booked: 1},
		"reply cut in body":   {fault: divalto.Fault{Kind: divalto.ReplyCut, At: 150}, booked: 1},
		"reply cut after it":  {fault: divalto.Fault{Kind: divalto.ReplyCut, At: 10_000}, status: 200, has: id, booked: 1},
		"request cut at once": {fault: divalto.Fault{Kind: divalto.RequestCut}},
		"request cut":         {fault: divalto.Fault{Kind: divalto.RequestCut, At: 200}},
		"request cut late":    {fault: divalto.Fault{Kind: divalto.RequestCut, At: 10_000}},
		"slow before":         {fault: divalto.Fault{Kind: divalto.Slow, At: 30}, status: 200, has: id, booked: 1},
		"slow after":          {fault: divalto.Fault{Kind: divalto.SlowAfter, At: 30}, status: 200, has: id, booked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			c.fault.Times = 1
			require.NoError(t, p.Break(c.fault))
			begun := time.Now()
			status, text, err := p.send(t, http.MethodPost, executePath, p.body(t, simple("x")))
			if c.status == 0 {
				require.Error(t, err)
				require.True(t, cut(err), "%v", err)
			} else {
				require.NoError(t, err)
				require.Equal(t, c.status, status)
			}
			if c.fault.Kind == divalto.Slow || c.fault.Kind == divalto.SlowAfter {
				require.GreaterOrEqual(t, time.Since(begun), 30*time.Millisecond)
			}
			require.Contains(t, string(text), c.has)
			if c.hasNot != "" {
				require.NotContains(t, string(text), c.hasNot)
			}
			p.Settle()
			require.Equal(t, c.booked, p.Copies("x"))

			p.token = p.login(t)
			code, message, _ := p.post(t, simple("x"))
			require.Equal(t, "0", code, message)
			require.Equal(t, c.booked+1, p.Copies("x"), "a second booking is counted")
			require.Len(t, p.search(t, "x")["records"], c.booked+1)
			require.Zero(t, p.Overlaps())
		})
	}
}

func TestFaultsElsewhere(t *testing.T) {
	t.Parallel()
	p := start(t)
	code, _, _ := p.post(t, simple("x"))
	require.Equal(t, "0", code)
	login := []byte(`{"user":"reglo","password":"sesame"}`)
	look, err := json.Marshal(object{
		"dhoq": divalto.Dictionary, "recordsql": divalto.Record, "access_token": p.token, "where": divalto.Condition, "where_parameters": "LIB=x",
	})
	require.NoError(t, err)
	for at, request := range map[divalto.Endpoint][]byte{divalto.Auth: login, divalto.RecordSQL: look} {
		path := map[divalto.Endpoint]string{divalto.Auth: authPath, divalto.RecordSQL: divalto.LookUpPath}[at]
		for text, want := range map[string]string{
			"server-error": "500", "server-error-after": "500", "reply-lost": "cut", "reply-cut=150": "cut", "request-cut=9": "cut",
			"unreadable": "<html>", "technical-error": `"error":5`, "slow=1": `"error":0`, "slow-after=1": `"error":0`,
		} {
			fault, err := divalto.ParseFault(fmt.Sprintf("%s/%s*1", at, text))
			require.NoError(t, err)
			require.NoError(t, p.Break(fault))
			status, answer, err := p.send(t, http.MethodPost, path, request)
			if want == "cut" {
				require.True(t, cut(err), "%v", err)
			} else {
				require.NoError(t, err)
				require.Contains(t, fmt.Sprintf("%d %s", status, answer), want, text)
			}
			status, answer, err = p.send(t, http.MethodPost, path, request)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, string(answer), `"error":0`, "it happened once")
		}
	}
	require.NoError(t, p.Break(divalto.Fault{Kind: divalto.EmptyResult, On: divalto.RecordSQL, Times: 1}))
	require.Empty(t, p.search(t, "x")["records"])
	require.Len(t, p.search(t, "x")["records"], 1)
	require.NoError(t, p.Break(divalto.Fault{Kind: divalto.TokenExpired, On: divalto.RecordSQL, Times: 1}))
	require.InDelta(t, 10, p.search(t, "x")["error"], 0)
	require.InDelta(t, 10, p.search(t, "x")["error"], 0, "for ever")
	p.token = p.login(t)
	require.InDelta(t, 0, p.search(t, "x")["error"], 0)
}

func TestFaultsByRequest(t *testing.T) {
	t.Parallel()
	p := start(t)
	posted := func() int {
		status, _, err := p.send(t, http.MethodPost, executePath, p.body(t, simple("x")))
		require.NoError(t, err)
		return status
	}
	put := func(text string) int {
		status, _, err := p.send(t, http.MethodPut, "/stand-in/faults", []byte(text))
		require.NoError(t, err)
		return status
	}
	require.Equal(t, http.StatusNoContent, put(`[{"kind":"server-error","times":2},{"kind":"server-error-after"}]`))
	require.Equal(t, []int{500, 500, 500, 500}, []int{posted(), posted(), posted(), posted()})
	require.Equal(t, 2, p.Copies("x"))
	require.Equal(t, http.StatusBadRequest, put(`[{"kind":"none"}]`))
	require.Equal(t, http.StatusBadRequest, put(`{`))
	require.Equal(t, http.StatusNoContent, put(`[]`))
	require.Equal(t, http.StatusOK, posted())

	status, text, err := p.send(t, http.MethodGet, "/stand-in/books", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	var booked []divalto.Booking
	require.NoError(t, json.Unmarshal(text, &booked))
	require.Equal(t, p.Bookings(), booked)
	require.Contains(t, string(text), `{"transactionId":"1354","dossier":"998","LIB":"x","TIERS":"C0000007","amountCents":150,`)
	require.Contains(t, string(text), `"copies":3`)
	_, text, err = p.send(t, http.MethodGet, "/stand-in/overlaps", nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"overlaps":0}`, string(text))
}

// await waits for what another goroutine is about to bring about.
func await(t testing.TB, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, 20*time.Second, time.Millisecond)
}

func TestACallerThatHasGone(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.NoError(t, p.Break(divalto.Fault{Kind: divalto.Slow, At: 200, Times: 1}))
	p.client.Timeout = 20 * time.Millisecond
	_, _, err := p.send(t, http.MethodPost, executePath, p.body(t, simple("gone")))
	var late net.Error
	require.ErrorAs(t, err, &late)
	require.True(t, late.Timeout())
	p.client.Timeout = 0
	p.Settle()
	require.Equal(t, 1, p.Copies("gone"), "the ERP does not notice")
}

func TestOverlaps(t *testing.T) {
	t.Parallel()
	p := start(t)
	require.NoError(t, p.Break(divalto.Fault{Kind: divalto.Slow, At: 3_600_000, Times: 2})) // until the ERP stops
	ctx, gone := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for _, label := range []string{"a", "b"} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.address+executePath, bytes.NewReader(p.body(t, simple(label))))
		require.NoError(t, err)
		callers.Go(func() {
			response, err := p.client.Do(request)
			if err == nil {
				_ = response.Body.Close()
				t.Error("answered")
			}
		})
	}
	await(t, func() bool { return p.Overlaps() == 1 })
	for i := range 50 {
		code, _, _ := p.post(t, param("1", cheque(strconv.Itoa(i), "1", advance("1"))))
		require.Equal(t, "0", code)
	}
	require.Equal(t, 1, p.Overlaps(), "another dossier's; and whoever has the answer may go on")
	gone()
	callers.Wait()
	code, _, _ := p.post(t, simple("c"))
	require.Equal(t, "0", code)
	require.Equal(t, 2, p.Overlaps(), "what callers that have gone have asked for is at work")
}

func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	p := start(t)
	status, _, err := p.send(t, http.MethodPut, "/stand-in/faults", []byte(`[{"kind":"refused","at":3600000}]`))
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, status)
	for range 3 {
		_, _, err = p.send(t, http.MethodPost, executePath, p.body(t, simple("x")))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	require.NoError(t, p.Break(divalto.Fault{Kind: divalto.Refused, At: 1}), "no connections are taken already")
	require.Zero(t, p.Calls(divalto.Execute))
	// It ends meanwhile.
}

func TestConnectionsThatAreTakenAgain(t *testing.T) {
	t.Parallel()
	p := start(t) // which leaves an idle connection
	const during = 200 * time.Millisecond
	require.NoError(t, p.Break(divalto.Fault{Kind: divalto.Refused, At: during.Milliseconds()}))
	begun, refused := time.Now(), 0
	await(t, func() bool {
		_, _, err := p.send(t, http.MethodPost, executePath, p.body(t, simple("x")))
		if err != nil {
			refused++
		}
		return err == nil
	})
	require.Positive(t, refused, "the idle connection has ended as well")
	require.GreaterOrEqual(t, time.Since(begun), during)
	require.Equal(t, 1, p.Copies("x"))
}

func TestRefusedFromTheBeginning(t *testing.T) {
	t.Parallel()
	erp, err := divalto.New(settings(filepath.Join(t.TempDir(), "books"), &clock{}))
	require.NoError(t, err)
	require.NoError(t, erp.Break(divalto.Fault{Kind: divalto.Refused, At: 3_600_000}))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- erp.Serve(ctx, listener) }()
	await(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", listener.Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	stop()
	require.NoError(t, <-served)
	require.NoError(t, erp.Close())
}
