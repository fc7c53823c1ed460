package ogep_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	ogepschema "github.com/reglo/reglo/schemas/ogep"
)

// goldenTypes are those of the nine frames that the OG-EP reference shows.
func goldenTypes() []string {
	return []string{
		"start-vacation-reglement-transactions", "create-account-transaction", "get-account-balance", "create-transfer",
		"register-debt", "get-account-transactions", "create-rejected-account-transaction", "create-validated-order",
		"create-rejected-order",
	}
}

func golden(tb testing.TB, name string) []byte {
	tb.Helper()

	frame, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(tb, err)

	return frame
}

func as[T ogep.Body](t require.TestingT, body ogep.Body) T {
	typed, ok := body.(T)
	require.True(t, ok, "%T", body)

	return typed
}

// TestReferenceFrames reads each frame of the reference, and writes it as it should have been written.
func TestReferenceFrames(t *testing.T) {
	t.Parallel()

	validator := schemas(t)
	warnings := map[string][]ogep.Warning{
		"get-account-transactions":            {{Code: ogep.WarnRepaired, Name: "params"}},
		"create-rejected-account-transaction": {{Code: ogep.WarnMislabelledLocal, Name: "transaction"}},
	}

	for _, name := range goldenTypes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			event, err := ogep.Parse(golden(t, name))
			require.NoError(t, err)
			require.Equal(t, ogep.Type(name), event.Type)
			require.Equal(t, ogep.Source, event.Source)
			require.Equal(t, warnings[name], event.Warnings)
			require.Equal(t, name == "get-account-transactions", event.Repaired)
			require.Nil(t, event.Extra)

			body, err := event.Body()
			require.NoError(t, err)

			written, err := ogep.Append(nil, stampOf(t, event), body)
			require.NoError(t, err)
			require.Equal(t, string(golden(t, name+".golden")), string(written))
			require.NoError(t, validator.Validate(written))

			again, err := ogep.Parse(written)
			require.NoError(t, err)

			bodyAgain, err := again.Body()
			require.NoError(t, err)
			require.Equal(t, body, bodyAgain)
		})
	}
}

// stampOf takes from a frame what a strict writer needs. The uid is not copied: in some frames of the reference its instant
// is not the timestamp's.
func stampOf(t *testing.T, event ogep.Event) ogep.Stamp {
	t.Helper()

	sequence, err := strconv.Atoi(event.UID[18:24])
	require.NoError(t, err)
	node, err := strconv.Atoi(event.UID[24:])
	require.NoError(t, err)

	return ogep.Stamp{
		Environment: event.UID[0], Node: node, CorrelationID: event.CorrelationID, Instant: event.Timestamp, Sequence: sequence,
	}
}

func TestReferenceValues(t *testing.T) {
	t.Parallel()

	body := func(name string) ogep.Body {
		event, err := ogep.Parse(golden(t, name))
		require.NoError(t, err)

		read, err := event.Body()
		require.NoError(t, err)

		return read
	}

	require.Equal(t, ogep.GetAccountBalance{AccountID: "1A17660007", Balance: 10150}, body("get-account-balance"))
	require.Equal(t, money.Cents(100050), as[ogep.RegisterDebt](t, body("register-debt")).Debt.Initial)
	require.Nil(t, as[ogep.RegisterDebt](t, body("register-debt")).Debt.ModifiedAt)
	require.Equal(t, money.Cents(167526466),
		as[ogep.StartReglement](t, body("start-vacation-reglement-transactions")).Transaction.Amount)
	require.Equal(t, money.Cents(15000), as[ogep.CreateValidatedOrder](t, body("create-validated-order")).Orders[0].Amount) // 1.5E+2
	require.Equal(t, money.Cents(20000), as[ogep.CreateRejectedOrder](t, body("create-rejected-order")).Orders[0].Amount)   // 2E+2

	transfer := as[ogep.CreateTransfer](t, body("create-transfer")).Orders[0]
	require.Equal(t, "2017-06-27", transfer.Echeance.String()) // written as a timestamp
	require.Equal(t, "cb511424-3159-11ea-b6f8-7c2a3123212b", transfer.BulkID)

	transactions := as[ogep.GetAccountTransactions](t, body("get-account-transactions"))
	require.Equal(t, "1A18350001", transactions.AccountID)
	require.Len(t, transactions.Transactions, 3)
	require.Equal(t, money.Cents(-5200), transactions.Transactions[2].Amount)

	// The mislabelled local time is flagged, not shifted.
	rejected := as[ogep.CreateRejectedAccountTransaction](t, body("create-rejected-account-transaction"))
	require.Equal(t, "2021-08-09T12:02:54Z", rejected.Transaction.ValueAt.UTC().Format(time.RFC3339))
}

func frame(eventType, timestamp, params string) []byte {
	return fmt.Appendf(nil, `{"source":"B.EP.BPM","uid":"I190925T161717175S00000601","correlationId":"%s","timestamp":%q,`+
		`"type":%q,"params":%s}`, correlationID, timestamp, eventType, params)
}

func balanceFrame(balance string) []byte {
	return frame("get-account-balance", "2019-09-25T16:50:53.626+0200",
		`[{"type":"input","name":"accountId","value":"1A17660007"},{"type":"output","name":"balance","value":`+balance+`}]`)
}

func TestAmountsAreReadExactly(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]money.Cents{
		`"101.50"`: 10150, `101.50`: 10150, `1.5E+2`: 15000, `"2e2"`: 20000, `0.1`: 10, `-0.01`: -1, `1000.5`: 100050,
		`1015e-1`: 10150, `1.230000`: 123, `999999999999.99`: money.Max, `0.29`: 29, `0e5`: 0,
	} {
		event, err := ogep.Parse(balanceFrame(text))
		require.NoError(t, err)

		body, err := event.Body()
		require.NoError(t, err, text)
		require.Equal(t, want, as[ogep.GetAccountBalance](t, body).Balance, text)
	}

	for _, text := range []string{
		`"NaN"`, `"Infinity"`, `""`, `"1,5"`, `"+5"`, `" 5"`, `"0x1"`, `"1_0"`, `1.005`, `1e-3`, `1e12`, `1e999`, `1e-999`, `"1e9999"`,
		`true`, `{}`, `[1]`, `null`, strings.Repeat("9", 100),
	} {
		event, err := ogep.Parse(balanceFrame(text))
		require.NoError(t, err, text)

		_, err = event.Body()

		var parseError *ogep.ParseError
		require.ErrorAs(t, err, &parseError, text)
		require.Equal(t, "balance", parseError.Path)
	}

	event, err := ogep.Parse(balanceFrame("1e12"))
	require.NoError(t, err)
	_, err = event.Body()
	require.ErrorIs(t, err, money.ErrOverflow)

	rapid.Check(t, func(t *rapid.T) {
		cents := genAmount().Draw(t, "amount")
		text := fmt.Sprintf("%de-2", int64(cents))

		event, err := ogep.Parse(balanceFrame(text))
		require.NoError(t, err)

		body, err := event.Body()
		require.NoError(t, err)
		require.Equal(t, cents, as[ogep.GetAccountBalance](t, body).Balance)
	})
}

func TestTimestampsAreReadInAllTheirForms(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"2019-09-25T16:36:21.656+0200":    "2019-09-25T14:36:21.656Z",
		"2019-09-25T16:36:21.656+02:00":   "2019-09-25T14:36:21.656Z",
		"2019-09-25T16:36:21+0200":        "2019-09-25T14:36:21Z",
		"2019-09-25T16:36:21+02:00":       "2019-09-25T14:36:21Z",
		"2019-09-25T16:36:21.123456-0330": "2019-09-25T20:06:21.123456Z",
	} {
		event, err := ogep.Parse(frame("end-vacation-technique", text, "[]"))
		require.NoError(t, err, text)
		require.Equal(t, want, event.Timestamp.UTC().Format(time.RFC3339Nano))
		require.Equal(t, calendar.Paris(), event.Timestamp.Location())
		require.Empty(t, event.Warnings)
	}

	event, err := ogep.Parse(frame("end-vacation-technique", "2019-09-25T16:36:21.656Z", "[]"))
	require.NoError(t, err)
	require.Equal(t, "2019-09-25T16:36:21.656Z", event.Timestamp.UTC().Format(time.RFC3339Nano))
	require.Equal(t, []ogep.Warning{{Code: ogep.WarnUniversalTime, Name: "timestamp"}}, event.Warnings)

	for _, text := range []string{"", "2019-09-25", "2019-09-25T16:36:21", "2019-02-30T16:36:21+0200", "2019-09-25 16:36:21+0200", "Z"} {
		_, err := ogep.Parse(frame("end-vacation-technique", text, "[]"))

		var parseError *ogep.ParseError
		require.ErrorAs(t, err, &parseError, text)
		require.Equal(t, "timestamp", parseError.Path)
	}
}

func TestNothingUnknownIsDropped(t *testing.T) {
	t.Parallel()

	event, err := ogep.Parse([]byte(`{"type":"start-vacation-lunaire","source":"ELSEWHERE","uid":"42","extra":{"a":[1.10]},` +
		`"correlationId":"7806AC5E-DFA2-41E9-81FA-7C2A3123212B","timestamp":"2019-09-25T16:50:53.626+0200",` +
		`"params":[{"type":"inout","name":"moon","value":{"phase":1.50}},{"type":"input","name":"nothing"}]}`))
	require.NoError(t, err)
	require.Equal(t, "ELSEWHERE", event.Source)
	require.Equal(t, "42", event.UID)
	require.Equal(t, "7806ac5e-dfa2-41e9-81fa-7c2a3123212b", event.CorrelationID)
	require.Equal(t, map[string]json.RawMessage{"extra": json.RawMessage(`{"a":[1.10]}`)}, event.Extra)
	require.Equal(t, []ogep.Param{
		{Direction: "inout", Name: "moon", Value: json.RawMessage(`{"phase":1.50}`)}, {Direction: ogep.Input, Name: "nothing"},
	}, event.Params)
	require.Equal(t, []ogep.Warning{
		{Code: ogep.WarnUID, Name: "uid"}, {Code: ogep.WarnUnknownType, Name: "start-vacation-lunaire"},
		{Code: ogep.WarnUnknownMember, Name: "extra"},
	}, event.Warnings)

	_, err = event.Body()

	var unknown *ogep.UnknownTypeError
	require.ErrorAs(t, err, &unknown)
}

func TestParamsAreMatchedByDirectionAndName(t *testing.T) {
	t.Parallel()

	event, err := ogep.Parse(frame("get-account-balance", "2019-09-25T16:50:53.626+0200",
		`[{"type":"output","name":"accountId","value":"wrong"},{"value":"1.00","name":"balance","type":"output"},`+
			`{"type":"input","name":"accountId","value":"1A17660007"},{"type":"input","name":"accountId","value":"second"}]`))
	require.NoError(t, err)
	require.Len(t, event.Params, 4)
	require.Equal(t, []ogep.Warning{
		{Code: ogep.WarnUnknownParam, Name: "accountId"}, {Code: ogep.WarnRepeatedParam, Name: "accountId"},
	}, event.Warnings)

	body, err := event.Body()
	require.NoError(t, err)
	require.Equal(t, ogep.GetAccountBalance{AccountID: "1A17660007", Balance: 100}, body)

	event, err = ogep.Parse(frame("get-account-balance", "2019-09-25T16:50:53.626+0200", `[]`))
	require.NoError(t, err)
	require.Equal(t, []ogep.Warning{
		{Code: ogep.WarnMissingParam, Name: "accountId"}, {Code: ogep.WarnMissingParam, Name: "balance"},
	}, event.Warnings)

	_, err = event.Body()
	require.EqualError(t, err, "OG-EP JSON: accountId: missing")
}

func TestMerchantDebtHasAnotherName(t *testing.T) {
	t.Parallel()

	text := bytes.Replace(golden(t, "register-debt"), []byte("merchant-debt"), []byte("merchantDebt"), 1)

	event, err := ogep.Parse(text)
	require.NoError(t, err)
	require.Equal(t, []ogep.Warning{{Code: ogep.WarnAlias, Name: "merchantDebt"}}, event.Warnings)

	body, err := event.Body()
	require.NoError(t, err)
	require.Equal(t, "05009403605518", as[ogep.RegisterDebt](t, body).Debt.Siret)
}

func TestOnlyOneRepairIsMade(t *testing.T) {
	t.Parallel()

	broken := golden(t, "get-account-transactions")
	prefix := []byte(`"params":[{"type":"input","name":"accountId",`)
	twice := append(bytes.Clone(prefix), prefix...)

	for name, text := range map[string][]byte{
		"three times":  bytes.Replace(broken, prefix, twice, 1),
		"another type": bytes.Replace(broken, []byte("get-account-transactions"), []byte("get-account-balance"), 1),
		"cut":          broken[:len(broken)-1],
		"one more":     append(bytes.Clone(broken), '}'),
	} {
		_, err := ogep.Parse(text)

		var parseError *ogep.ParseError
		require.ErrorAs(t, err, &parseError, name)
	}
}

func TestFramesThatCannotBeRead(t *testing.T) {
	t.Parallel()

	good := string(balanceFrame(`"1.00"`))
	rows := map[string]string{
		"":                      `OG-EP JSON: line 1, column 1: the JSON object does not end`,
		"null":                  `OG-EP JSON: line 1, column 1: want a JSON object`,
		"[]":                    `OG-EP JSON: line 1, column 1: want a JSON object, not array`,
		`"x"`:                   `OG-EP JSON: line 1, column 1: want a JSON object, not string`,
		"{}":                    `OG-EP JSON: source: missing`,
		"{\n \"source\": x}":    `OG-EP JSON: line 2, column 12: not JSON`,
		`{"source":1}`:          `OG-EP JSON: source: want a string`,
		"{\"source\":\"\xff\"}": `OG-EP JSON: line 1, column 12: not UTF-8`,
		good + "{}":             `OG-EP JSON: line 1, column ` + strconv.Itoa(len(good)+2) + `: something follows the JSON object`,
		strings.Replace(good, correlationID, "7806ac5e", 1):                   `OG-EP JSON: correlationId: want a UUID`,
		strings.Replace(good, `"type":"input",`, ``, 1):                       `OG-EP JSON: params[0].type: missing`,
		strings.Replace(good, `{"type":"output"`, `7,{"type":"output"`, 1):    `OG-EP JSON: params[1]: want an object`,
		strings.Replace(good, `"params":[`, `"params":{},"p":[`, 1):           `OG-EP JSON: params: want a list`,
		strings.Replace(good, `"get-account-balance"`, `null`, 1):             `OG-EP JSON: type: missing`,
		strings.Replace(good, `"1A17660007"`, strings.Repeat(`[`, 20_000), 1): ``,
	}

	for text, want := range rows {
		_, err := ogep.Parse([]byte(text))

		var parseError *ogep.ParseError
		require.ErrorAs(t, err, &parseError)

		if want != "" {
			require.EqualError(t, err, want)
		}
	}

	_, err := ogep.Parse(make([]byte, ogep.MaxFrameBytes+1))
	require.ErrorIs(t, err, ogep.ErrFrameTooLarge)

	event, err := ogep.Parse([]byte(strings.Replace(good, `"params":[`, `"other":[`, 1)))
	require.NoError(t, err)
	require.Empty(t, event.Params)
}

func TestErrorsTellThePlaceAndKeepSecrets(t *testing.T) {
	t.Parallel()

	const iban = "FR7615589297530028192724052"

	for old, row := range map[string]struct{ replacement, want string }{
		`7.31`:                       {`7.315`, `OG-EP JSON: orders[0].amount: "7.315": want euros and cents, at most 999999999999.99`},
		`"2017-06-27T13:21:15.125Z"`: {`"27/06/2017"`, `OG-EP JSON: orders[0].echeance: "27/06/2017": want a date, as 2006-01-02`},
		`"` + iban + `"`:             {`["` + iban + `"]`, `OG-EP JSON: orders[0].creditorIban: want a string`},
	} {
		event, err := ogep.Parse(bytes.Replace(golden(t, "create-transfer"), []byte(old), []byte(row.replacement), 1))
		require.NoError(t, err)

		_, err = event.Body()
		require.EqualError(t, err, row.want)
	}
}

func TestGlobalTransaction(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		want := genGlobalTransaction().Draw(t, "transaction")

		got, err := ogep.ParseGlobalTransaction(append(want.AppendJSON([]byte(" \n")), '\n'))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})

	event, err := ogep.Parse(golden(t, "start-vacation-reglement-transactions"))
	require.NoError(t, err)

	document, found := event.Param(ogep.Input, "globalTransaction")
	require.True(t, found)

	transaction, err := ogep.ParseGlobalTransaction(document)
	require.NoError(t, err)
	require.Equal(t, "00000120190725UEP", transaction.Reference)
	require.Equal(t, money.Cents(167526466), transaction.Amount)

	text := string(document)
	for _, row := range []struct{ old, replacement, want string }{
		{`"id":"dHJhbnNhY3Rpb240NTQyNDQ4",`, ``, `OG-EP JSON: id: missing`},
		{`1675264.66`, `"16.7526466E5"`, ``},
		{`1675264.66`, `1675264.666`, `OG-EP JSON: amount.value: "1675264.666": want euros and cents, at most 999999999999.99`},
		{`"EUR"`, `"USD"`, `OG-EP JSON: amount.currency: want EUR`},
		{`"amount":{`, `"other":{`, `OG-EP JSON: amount: missing`},
		{`"reference":"00000120190725UEP"`, `"reference":""`, `OG-EP globalTransaction: reference: missing`},
		{`"bookedDate":"2017`, `"bookedDate":"17`,
			`OG-EP JSON: bookedDate: "17-06-27T13:21:15.125Z": want a time with its offset, as 2006-01-02T15:04:05.000+0100`},
	} {
		_, err := ogep.ParseGlobalTransaction([]byte(strings.Replace(text, row.old, row.replacement, 1)))
		if row.want == "" {
			require.NoError(t, err)
		} else {
			require.EqualError(t, err, row.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range goldenTypes() {
		f.Add(golden(f, name))
		f.Add(golden(f, name+".golden"))
	}

	f.Add(balanceFrame("1e999"))

	validator, err := ogepschema.Compile()
	require.NoError(f, err)

	f.Fuzz(func(t *testing.T, text []byte) {
		event, err := ogep.Parse(text)
		if err != nil {
			var parseError *ogep.ParseError
			require.ErrorAs(t, err, &parseError)

			return
		}

		body, err := event.Body()
		if err != nil || body.Validate() != nil {
			return
		}

		// What was read and is allowed is written in the strict form, and means the same.
		written, err := ogep.Append(nil, stamp(), body)
		require.NoError(t, err)
		require.NoError(t, validator.Validate(written))

		again, err := ogep.Parse(written)
		require.NoError(t, err)

		bodyAgain, err := again.Body()
		require.NoError(t, err)
		require.Equal(t, string(body.AppendParams(nil)), string(bodyAgain.AppendParams(nil)))
	})
}

func FuzzParseGlobalTransaction(f *testing.F) {
	event, err := ogep.Parse(golden(f, "start-vacation-reglement-transactions"))
	require.NoError(f, err)

	document, _ := event.Param(ogep.Input, "globalTransaction")
	f.Add([]byte(document))
	f.Fuzz(func(t *testing.T, text []byte) {
		transaction, err := ogep.ParseGlobalTransaction(text)
		if err != nil {
			return
		}

		again, err := ogep.ParseGlobalTransaction(transaction.AppendJSON(nil))
		require.NoError(t, err)
		require.Equal(t, string(transaction.AppendJSON(nil)), string(again.AppendJSON(nil)))
	})
}
