package divalto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/divalto"
)

// clock goes when it is told to.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC).Add(time.Duration(c.ahead.Load()))
}

// play starts an ERP. The caller speaks to it as its documentation says.
type play struct {
	*divalto.ERP

	address, file, token string
	clock                *clock
	client               *http.Client
}

func settings(file string, clock *clock) divalto.Settings {
	return divalto.Settings{
		File: file, User: "reglo", Password: "sesame", Dossiers: []string{"998", "1"}, Clock: clock.now,
	}
}

func start(t testing.TB, change ...func(*divalto.Settings)) *play {
	t.Helper()
	return startAt(t, filepath.Join(t.TempDir(), "books"), change...)
}

func startAt(t testing.TB, file string, change ...func(*divalto.Settings)) *play {
	t.Helper()
	p := &play{file: file, clock: &clock{}, client: &http.Client{Transport: &http.Transport{}}}
	wanted := settings(file, p.clock)
	for _, apply := range change {
		apply(&wanted)
	}
	var err error
	p.ERP, err = divalto.New(wanted)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.address = "http://" + listener.Addr().String()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
		require.NoError(t, p.Close())
	})
	p.token = p.login(t)
	return p
}

// send sends a request, and gives the status and the body as far as they come.
func (p *play) send(t testing.TB, method, path string, body []byte) (int, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, p.address+path, bytes.NewReader(body))
	require.NoError(t, err)
	response, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, text, err
}

func (p *play) ask(t testing.TB, path string, document any) map[string]any {
	t.Helper()
	body, err := json.Marshal(document)
	require.NoError(t, err)
	status, text, err := p.send(t, http.MethodPost, path, body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "%s", text)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(text, &answer), "%s", text)
	return answer
}

func (p *play) login(t testing.TB) string {
	t.Helper()
	answer := p.ask(t, authPath, map[string]string{"user": "reglo", "password": "sesame", "domain": "d", "env": "e"})
	require.InDelta(t, 0, answer["error"], 0)
	return answer["access_token"].(string)
}

const (
	authPath    = "/api/v1/Authent/Auth"
	executePath = "/api/v1/WebService/Execute"
)

// body is a call of the ERP's scripts.
func (p *play) body(t testing.TB, param string) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]string{"action": "WEB_SERVICE_INFINITY", "access_token": p.token, "param": param})
	require.NoError(t, err)
	return body
}

// post posts, and gives the result: its code, its message and the transaction.
func (p *play) post(t testing.TB, param string) (code, message, transaction string) {
	t.Helper()
	status, text, err := p.send(t, http.MethodPost, executePath, p.body(t, param))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	var answer struct {
		Error  *int   `json:"error"`
		Result string `json:"result"`
		TxtErr string `json:"txterr"`
	}
	require.NoError(t, json.Unmarshal(text, &answer), "%s", text)
	require.Equal(t, 0, *answer.Error, answer.TxtErr)
	var result struct {
		Label  string `json:"label"`
		Script string `json:"codeScript"`
		Result struct {
			Common struct {
				Code    string `json:"resultcode"`
				Message string `json:"errormessage"`
			} `json:"common"`
			Response struct {
				ID string `json:"transactionId"`
			} `json:"response"`
		} `json:"result"`
	}
	require.NoError(t, json.Unmarshal([]byte(answer.Result), &result), answer.Result)
	require.Equal(t, "infinity", result.Label)
	require.Equal(t, "integration_reglement", result.Script)
	require.NotEmpty(t, result.Result.Common.Message, "it is said when nothing is wrong too")
	return result.Result.Common.Code, result.Result.Common.Message, result.Result.Response.ID
}

type object = map[string]any

// param writes what calls the script with headers.
func param(dossier string, headers ...object) string {
	table := make([]object, 0, len(headers))
	for _, header := range headers {
		table = append(table, object{"EnteteReglement": header})
	}
	text, err := json.Marshal(object{
		"action": object{"swinfinity": "integration_reglement", "parameters": object{"dos": dossier, "doscpt": "998", "etb": "1"}},
		"data":   object{"EnteteReglementtb": table},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// cheque is a header of an encashment with details.
func cheque(label, amount string, details ...object) object {
	return header(label, amount, "1", "PORCHQ", "C30", details...)
}

func header(label, amount, direction, change, final string, details ...object) object {
	table := make([]object, 0, len(details))
	for _, detail := range details {
		table = append(table, object{"DetailReglement": detail})
	}
	return object{
		"ETB": "", "TRANSACDT": "20210320", "DEV": "EUR", "TIERS": "C0000007", "MTDEV": amount, "LIB": label,
		"RegltTyp": direction, "ChgEtat": change, "EtatFin": final, "DetailReglementtb": table,
	}
}

func advance(amount string) object {
	return object{"MTDEVFIN": amount, "PREFPIECE": " ", "PIECE": "", "TIERS": "C0000007", "NatureOperation": "WAR"}
}

func line(amount, piece, nature string) object {
	return object{"MTDEVFIN": amount, "PREFPIECE": " ", "PIECE": piece, "TIERS": "C0000007", "NatureOperation": nature}
}

// simple is a posting of one euro and a half under a label.
func simple(label string) string { return param("998", cheque(label, "1.50", advance("1.5"))) }

// twoHeaders is a call as the ERP's documentation writes one: single quoted, of two headers.
const twoHeaders = ` { 'action': {'swinfinity': 'integration_reglement', 'parameters': { 'doscpt': '998', 'dos': '998', 'etb': '1' } }, ` +
	`'data': { 'EnteteReglementtb': [ { 'EnteteReglement': { 'ETB' : '', 'TRANSACDT' : '20210320', 'DEV' : 'EUR', 'TIERS' : 'C0000007', ` +
	`'MTDEV' : '5995', 'LIB' : 'Règlement', 'RegltTyp' : '1', 'ChgEtat' : 'PORCHQ', 'EtatFin' : 'C30', 'DetailReglementtb': [ ` +
	`{ 'DetailReglement': { 'MTDEVFIN' : '3595', 'PREFPIECE' : ' ', 'PIECE' : '87', 'TIERS' : 'C0000007', 'NatureOperation' : ' ' } }, ` +
	`{ 'DetailReglement': { 'MTDEVFIN' : '2400', 'PREFPIECE' : ' ', 'PIECE' : '86', 'TIERS' : 'C0000007', 'NatureOperation' : ' ' } }, ` +
	`{ 'DetailReglement': { 'MTDEVFIN' : '5', 'PREFPIECE' : ' ', 'PIECE' : '87', 'TIERS' : 'C0000007', 'NatureOperation' : 'WDR' } } ] } }, ` +
	`{ 'EnteteReglement': { 'ETB' : '', 'TRANSACDT' : '20210320', 'DEV' : 'EUR', 'TIERS' : 'C0000003', 'MTDEV' : '5000', ` +
	`'LIB' : 'Règlement', 'RegltTyp' : '1', 'ChgEtat' : 'PORCHQ', 'EtatFin' : 'C30', 'DetailReglementtb': [ ` +
	`{ 'DetailReglement': { 'MTDEVFIN' : '5000', 'PREFPIECE' : ' ', 'PIECE' : '', 'TIERS' : 'C0000003', 'NatureOperation' : 'WAR' } } ] } } ] } }`

func TestBothQuotings(t *testing.T) {
	t.Parallel()
	want := []divalto.Booking{
		{
			TransactionID: "1354", Dossier: "998", Label: "Règlement", ThirdParty: "C0000007", Cents: 599500, Currency: "EUR",
			Direction: 1, State: "C30", Date: "20210320", Lines: 3, Copies: 2,
		},
		{
			TransactionID: "1355", Dossier: "998", Label: "Règlement", ThirdParty: "C0000003", Cents: 500000, Currency: "EUR",
			Direction: 1, State: "C30", Date: "20210320", Lines: 1, Copies: 2,
		},
	}
	for name, text := range map[string]string{"single": twoHeaders, "double": strings.ReplaceAll(twoHeaders, "'", `"`)} {
		p := start(t)
		code, _, transaction := p.post(t, text)
		require.Equal(t, "0", code, name)
		require.Equal(t, "1355", transaction, "the last one's")
		require.Equal(t, want, p.Bookings(), name)
		require.Equal(t, 2, p.Copies("Règlement"))
	}

	p := start(t)
	code, _, _ := p.post(t, strings.Replace(twoHeaders, "'5000'", "'4999'", 1))
	require.Equal(t, "1", code)
	require.Empty(t, p.Bookings(), "all headers or none")
	for _, broken := range []string{
		strings.Replace(twoHeaders, "Règlement", "l'écart", 1), strings.Replace(twoHeaders, "'998'", `"998"`, 1),
		twoHeaders + "x", twoHeaders + "}", twoHeaders + twoHeaders, "", "{", "[]", `{"other": 1}`,
	} {
		answer := p.ask(t, executePath, json.RawMessage(p.body(t, broken)))
		require.InDelta(t, 4, answer["error"], 0, broken)
	}
	code, _, _ = p.post(t, strings.ReplaceAll(twoHeaders, "Règlement", `l\'écart "x"`))
	require.Equal(t, "0", code)
	require.Equal(t, 2, p.Copies(`l'écart "x"`))
}

func TestBothVocabularies(t *testing.T) {
	t.Parallel()
	p := start(t)
	code, message, transaction := p.post(t, param("", object{
		"PaymentType": "DISBURSEMENT", "THIRDPARTY": "C1", "AMOUNT": "10.05", "LABEL": "tags", "DATE": "20260320", "CURRENCY": "EUR",
		"CHGETAT": "VIRSEP", "FINALSTATEMENT": "SEPATRANSFERTINBANK", "DetailReglementtb": []object{
			{"DetailReglement": object{"THIRDPARTY": "C1", "AMOUNT": "10", "OPERATION": "PAYMENT", "PREFIX": "F", "PIECE": "1", "DUEDATE": "20260331"}},
			{"DetailReglement": object{"THIRDPARTY": "C1", "AMOUNT": "0.05", "OPERATION": "PARTIALPAYMENT", "PREFIX": "F", "PIECE": "2"}},
			{"DetailReglement": object{"THIRDPARTY": "C1", "AMOUNT": "3", "OPERATION": "Escompte", "PREFIX": "F", "PIECE": "2"}},
		},
	}))
	require.Equal(t, "0", code, message)
	require.Equal(t, []divalto.Booking{{
		TransactionID: transaction, Dossier: "998", Label: "tags", ThirdParty: "C1", Cents: 1005, Currency: "EUR", Direction: 2,
		State: "S50", Date: "20260320", Lines: 3, Copies: 1,
	}}, p.Bookings())

	renamed := cheque("", "1", advance("1"))
	delete(renamed, "LIB")
	renamed["LibEcr"] = "renamed"
	code, message, _ = p.post(t, param("1", renamed))
	require.Equal(t, "0", code, message)
	require.Equal(t, "1", p.Bookings()[1].Dossier)
	require.Equal(t, 1, p.Copies("renamed"))
}

func TestRules(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *divalto.Settings) {
		s.ThirdParties = []string{"C"}
		s.States = map[string]string{"PORCHQ": "C30", "REMCDI": "C50", "ODD": "X10"}
	})
	with := func(field string, value any) object {
		changed := cheque("rule", "5995", line("3595", "87", " "), line("2400", "86", ""), line("5", "87", "WDR"))
		changed[field] = value
		return changed
	}
	detail := func(field string, value any) object {
		changed := advance("1")
		changed[field] = value
		return cheque("rule", "1", changed)
	}
	code, message, _ := p.post(t, param("998", with("EtatFin", "")))
	require.Equal(t, "0", code, message)
	for name, wrong := range map[string]object{
		"total":                    with("MTDEV", "6000"),
		"total with a difference":  cheque("rule", "10", line("5", "1", ""), line("5", "1", "WDR")),
		"no amount":                with("MTDEV", ""),
		"zero":                     cheque("rule", "0", advance("0")),
		"negative":                 cheque("rule", "-1", advance("-1")),
		"comma":                    cheque("rule", "1,50", advance("1,50")),
		"three decimals":           cheque("rule", "1.500", advance("1.500")),
		"too long":                 cheque("rule", "1234567890123", advance("1234567890123")),
		"currency":                 with("DEV", "USD"),
		"direction":                with("RegltTyp", "3"),
		"direction by its word":    with("RegltTyp", "ENCASHMENT"),
		"no change of state":       with("ChgEtat", ""),
		"unknown change of state":  with("ChgEtat", "OTHER"),
		"another final state":      with("EtatFin", "C50"),
		"no such final state":      header("rule", "1", "1", "ODD", "", advance("1")),
		"date":                     with("TRANSACDT", "20210230"),
		"no date":                  with("TRANSACDT", ""),
		"bank without items":       with("BQC", "BNP"),
		"third party":              with("TIERS", "F0000001"),
		"no third party":           with("TIERS", ""),
		"unknown field":            with("NOTHING", "1"),
		"field in both ways":       with("AMOUNT", "5995"),
		"field in two cases":       with("mtdev", "5995"),
		"number instead of string": with("MTDEV", 5995),
		"null":                     with("ETB", nil),
		"no details":               with("DetailReglementtb", []object{}),
		"details that are none":    with("DetailReglementtb", "x"),
		"nature":                   detail("NatureOperation", "XXX"),
		"advance on a piece":       detail("PIECE", "87"),
		"another third party":      detail("TIERS", "C0000008"),
		"due date":                 detail("EchOriDt", "2021-03-20"),
		"order without an item":    detail("NOORDRE", "1"),
		"unknown field below":      detail("OTHER", ""),
		"zero line":                cheque("rule", "1", advance("1"), advance("0")),
		"difference alone":         cheque("rule", "1", line("1", "87", ""), line("1", "88", "WE")),
		"difference of no piece":   cheque("rule", "1", advance("1"), line("1", "", "WDC")),
	} {
		code, message, transaction := p.post(t, param("998", wrong))
		require.Equal(t, "1", code, name)
		require.NotContains(t, message, "terminée", name)
		require.Empty(t, transaction, name)
	}
	code, _, _ = p.post(t, param("2", cheque("rule", "1", advance("1"))))
	require.Equal(t, "1", code, "no such dossier")
	code, _, _ = p.post(t, param("998"))
	require.Equal(t, "1", code, "no header")
	require.Equal(t, 1, p.Copies("rule"))

	free := start(t)
	code, _, _ = free.post(t, param("998", header("rule", "1", "1", "ANY", "C31", advance("1"))))
	require.Equal(t, "1", code, "no such final state")
	require.Empty(t, free.Bookings())
}

func item(transaction string, more ...string) object {
	detail := object{"TRANSAC": transaction}
	for i := 0; i+1 < len(more); i += 2 {
		detail[more[i]] = more[i+1]
	}
	return detail
}

func deposit(amount string, items ...object) object {
	made := header("", amount, "1", "REMCDI", "C50", items...)
	for _, field := range []string{"TIERS", "LIB", "TRANSACDT", "ETB"} {
		delete(made, field)
	}
	made["BQC"] = "BNP"
	return made
}

func TestRemiseEnBanque(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *divalto.Settings) { s.First = 299 })
	for _, posting := range []string{
		param("998", cheque("a", "39", advance("39"))),                                 // 299
		param("998", cheque("b", "150", advance("150"))),                               // 300
		param("1", cheque("c", "7", advance("7"))),                                     // 301, of another dossier
		param("998", header("d", "8", "2", "PORCHQ", "C30", advance("8"))),             // 302, a disbursement
		param("998", header("e", "9", "1", "PORCHQ", "V30", advance("9"))),             // 303, a transfer
		param("998", header("f", "5", "1", "PORCHQ", "C50", advance("5"))),             // 304, in the bank already
		param("998", cheque("g", "10", advance("10")), cheque("h", "1", advance("1"))), // 305 and 306
	} {
		code, message, _ := p.post(t, posting)
		require.Equal(t, "0", code, message)
	}
	twice := deposit("10", item("305"))
	noBank := deposit("39", item("299"))
	delete(noBank, "BQC")
	portfolio := deposit("39", item("299"))
	portfolio["EtatFin"] = "C30"
	for name, wrong := range map[string]string{
		"total":           param("998", deposit("188", item("299"), item("300"))),
		"unknown":         param("998", deposit("39", item("298"))),
		"other dossier":   param("998", deposit("7", item("301"))),
		"disbursement":    param("998", deposit("8", item("302"))),
		"other means":     param("998", deposit("9", item("303"))),
		"in the bank":     param("998", deposit("5", item("304"))),
		"order":           param("998", deposit("39", item("299", "NOORDRE", "2"))),
		"amount":          param("998", deposit("39", item("299", "MTDEVFIN", "38"))),
		"twice":           param("998", deposit("20", item("305"), item("305"))),
		"in two headers":  param("998", twice, twice),
		"a line too":      param("998", deposit("40", item("299"), advance("1"))),
		"no bank":         param("998", noBank),
		"no bank's state": param("998", portfolio),
	} {
		code, message, _ := p.post(t, wrong)
		require.Equal(t, "1", code, name+": "+message)
	}
	code, message, transaction := p.post(t, param("998", deposit("189", item("299", "NOORDRE", "1"), item("300", "MTDEVFIN", "150"))))
	require.Equal(t, "0", code, message)
	require.Equal(t, "307", transaction)
	booked := p.Bookings()
	require.Equal(t, []string{"299", "300"}, booked[8].Items)
	require.Equal(t, "BNP", booked[8].Bank)
	require.Equal(t, "307", booked[0].DepositedBy)
	require.Empty(t, booked[2].DepositedBy)
	code, _, _ = p.post(t, param("998", deposit("39", item("299"))))
	require.Equal(t, "1", code, "deposited already")
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	p := start(t, func(s *divalto.Settings) { s.Domain, s.Env, s.TxtError = "d", "e", true })
	for _, wrong := range []object{
		{"user": "reglo", "password": "other", "domain": "d", "env": "e"},
		{"user": "other", "password": "sesame", "domain": "d", "env": "e"},
		{"user": "reglo", "password": "sesame", "env": "e"},
		{"user": "reglo", "password": "sesame", "domain": "d"},
		{},
	} {
		answer := p.ask(t, authPath, wrong)
		require.InDelta(t, 1, answer["error"], 0)
		require.Empty(t, answer["access_token"])
		require.NotEmpty(t, answer["txterror"])
		require.NotContains(t, answer, "txterr")
	}
	answer := start(t).ask(t, authPath, object{"user": "reglo"})
	require.NotEmpty(t, answer["txterr"])
	require.NotContains(t, answer, "txterror")

	p.clock.ahead.Add(int64(30*time.Minute - 1))
	code, _, _ := p.post(t, simple("in time"))
	require.Equal(t, "0", code)
	p.clock.ahead.Add(1)
	late := p.ask(t, executePath, json.RawMessage(p.body(t, simple("late"))))
	require.InDelta(t, 10, late["error"], 0)
	require.Contains(t, late["txterr"], "Token")
	require.Empty(t, late["result"])
	require.Zero(t, p.Copies("late"))
	p.token = p.login(t)
	code, _, _ = p.post(t, simple("late"))
	require.Equal(t, "0", code)
	require.Equal(t, 7, p.Calls(divalto.Auth))
	require.Equal(t, 3, p.Calls(divalto.Execute))
}

func TestCallsThatAreNone(t *testing.T) {
	t.Parallel()
	p := start(t)
	for code, call := range map[int]object{
		10: {"action": "WEB_SERVICE_INFINITY", "access_token": "x", "param": simple("none")},
		2:  {"action": "OTHER", "access_token": p.token, "param": simple("none")},
		3:  {"action": "WEB_SERVICE_INFINITY", "access_token": p.token, "param": strings.Replace(simple("none"), "integration_reglement", "x", 1)},
		4:  {"action": "WEB_SERVICE_INFINITY", "access_token": p.token, "param": "x"},
	} {
		answer := p.ask(t, executePath, call)
		require.InDelta(t, code, answer["error"], 0)
		require.NotEmpty(t, answer["txterr"])
	}
	for _, path := range []string{authPath, executePath, divalto.LookUpPath} {
		status, _, err := p.send(t, http.MethodPost, path, []byte("{"))
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status)
		status, _, err = p.send(t, http.MethodPost, path, bytes.Repeat([]byte(" "), 1<<20+1))
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status)
		status, _, err = p.send(t, http.MethodGet, path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusMethodNotAllowed, status)
	}
	require.Empty(t, p.Bookings())
}

// seen is an answer that the ERP has been seen to give, to the byte.
const seen = `{ "error": 0, "result": "{\"label\": \"infinity\",\"codeScript\": \"integration_reglement\",\"result\":{\"common\":` +
	`{\"resultcode\": \"0\",\"errormessage\": \"Intégration règlements des échéances terminée |Consultez le livre de bord"},` +
	`\"response\":\"transactionId\": \"1354\"}}", "txterr": "", "infos": "" }`

func TestShapes(t *testing.T) {
	t.Parallel()
	broken := start(t, func(s *divalto.Settings) { s.Shape = divalto.ShapeBroken })
	_, text, err := broken.send(t, http.MethodPost, executePath, broken.body(t, simple("a")))
	require.NoError(t, err)
	require.True(t, bytes.Equal([]byte(seen), text), "%s", text)
	require.False(t, json.Valid(text))
	_, text, err = broken.send(t, http.MethodPost, executePath, broken.body(t, param("2", cheque("b", "1", advance("1")))))
	require.NoError(t, err)
	require.Contains(t, string(text), `\"resultcode\": \"1\"`)
	require.NotContains(t, string(text), "transactionId")

	whole := start(t, func(s *divalto.Settings) { s.Shape, s.ErrorText = divalto.ShapeObject, true })
	answer := whole.ask(t, executePath, json.RawMessage(whole.body(t, simple("a"))))
	require.Equal(t, "0", answer["error"])
	require.Equal(t, object{"transactionId": "1354"}, answer["result"].(object)["result"].(object)["response"])
}
