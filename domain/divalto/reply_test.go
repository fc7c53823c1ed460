package divalto_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/divalto"
)

// sentence is what the ERP says when nothing is wrong.
const sentence = "Intégration règlements des échéances terminée |Consultez le livre de bord"

// script is what the script answers, as JSON.
func script(code, message, response string) string {
	return `{"label":"infinity","codeScript":"integration_reglement","result":{"common":{"resultcode":"` + code +
		`","errormessage":"` + message + `"},"response":` + response + `}}`
}

// outside is a reply whose result is that text of JSON, or that document.
func outside(failure, result string) string {
	return `{"error":` + failure + `,"result":` + result + `,"txterr":"","infos":""}`
}

func asText(document string) string { return strconv.QuoteToGraphic(document) }

// withoutEscape is the ERP's own fault: the quote behind the message has no escape.
func withoutEscape(text string) string { return strings.Replace(text, `bord\"`, `bord"`, 1) }

func TestReadReplyOfTheDocumentation(t *testing.T) {
	t.Parallel()

	reply := divalto.ReadReply(golden(t, "reply.txt"))

	require.Equal(t, divalto.Reply{
		Tier: divalto.TierRepaired, Error: "0", ResultCode: "0", Message: sentence, Transactions: []string{"1354"},
	}, reply)
	require.Equal(t, divalto.Accepted, reply.Class())

	// Why the bytes are not given to a decoder: it stops behind the first document.
	var stopped struct{ Result string }

	require.Error(t, json.Unmarshal(golden(t, "reply.txt"), &stopped))
}

func TestReadReply(t *testing.T) {
	t.Parallel()

	const id = `{"transactionId":"1354"}`

	booked := script("0", sentence, id)
	unbraced := strings.Replace(booked, id, strings.Trim(id, "{}"), 1)

	for name, c := range map[string]struct {
		body         string
		tier         divalto.Tier
		class        divalto.Class
		transactions []string
	}{
		"text":             {outside("0", asText(booked)), divalto.TierStrict, divalto.Accepted, []string{"1354"}},
		"document":         {outside("0", booked), divalto.TierStrict, divalto.Accepted, []string{"1354"}},
		"error as text":    {outside(`"0"`, asText(booked)), divalto.TierStrict, divalto.Accepted, []string{"1354"}},
		"byte order mark":  {"\ufeff" + outside("0", asText(booked)), divalto.TierStrict, divalto.Accepted, []string{"1354"}},
		"number as number": {outside("0", script("0", "", `{"transactionId":1354}`)), divalto.TierStrict, divalto.Accepted, []string{"1354"}},
		"code as number":   {outside("0", strings.Replace(booked, `"resultcode":"0"`, `"resultcode": 0`, 1)), divalto.TierStrict, divalto.Accepted, []string{"1354"}},
		"inner document": {
			outside("0", `{"common":{"resultcode":"0"},"response":{"transactionId":"1354"}}`), divalto.TierStrict, divalto.Accepted, []string{"1354"},
		},
		"list of one": {outside("0", script("0", "", `[{"transactionId":"1354"}]`)), divalto.TierStrict, divalto.Accepted, []string{"1354"}},

		"no braces":              {outside("0", asText(unbraced)), divalto.TierRepaired, divalto.Accepted, []string{"1354"}},
		"quote without escape":   {outside("0", withoutEscape(asText(booked))), divalto.TierRepaired, divalto.Accepted, []string{"1354"}},
		"both":                   {outside("0", withoutEscape(asText(unbraced))), divalto.TierRepaired, divalto.Accepted, []string{"1354"}},
		"both, error as text":    {outside(`"0"`, withoutEscape(asText(unbraced))), divalto.TierRepaired, divalto.Accepted, []string{"1354"}},
		"both, result at end":    {`{"error":0,"txterr":"","result":` + withoutEscape(asText(unbraced)) + `}`, divalto.TierRepaired, divalto.Accepted, []string{"1354"}},
		"broken, no id":          {outside("0", withoutEscape(asText(script("0", sentence, "{}")))), divalto.TierRepaired, divalto.AcceptedWithoutID, nil},
		"broken rejection":       {outside("0", withoutEscape(asText(script("12", sentence, "{}")))), divalto.TierRepaired, divalto.Rejected, nil},
		"no escapes at all":      {outside("0", `"`+booked+`"`), divalto.TierRepaired, divalto.Accepted, []string{"1354"}},
		"a brace too few":        {outside("0", asText(strings.TrimSuffix(booked, "}"))), divalto.TierScanned, divalto.Accepted, []string{"1354"}},
		"a brace too many":       {outside("0", withoutEscape(asText(booked+"}"))), divalto.TierScanned, divalto.Accepted, []string{"1354"}},
		"quotes in the message":  {outside("0", asText(script("0", `le "journal"`, id))), divalto.TierScanned, divalto.Accepted, []string{"1354"}},
		"line breaks":            {outside("0", `"{\r\n \"resultcode\" : \"0\",\r\n \"transactionId\"\r\n : \"1354\"\r\n"`), divalto.TierNone, divalto.Unknown, nil},
		"line breaks, closed":    {outside("0", `"{\r\n \"resultcode\" : \"0\",\r\n \"transactionId\"\r\n : \"1354\"\r\n}"`), divalto.TierNone, divalto.Unknown, nil},
		"line breaks, scanned":   {outside("0", `"{\r\n \"x\" \"resultcode\" : \"0\",\r\n \"transactionId\"\r\n : \"1354\"\r\n}"`), divalto.TierScanned, divalto.Accepted, []string{"1354"}},
		"scanned, no id":         {outside("0", asText(script("0", `le "journal"`, "{}"))), divalto.TierScanned, divalto.AcceptedWithoutID, nil},
		"scanned, id of nothing": {outside("0", asText(script("0", `le "journal"`, `{"transactionId":""}`))), divalto.TierScanned, divalto.AcceptedWithoutID, nil},
		"scanned rejection":      {outside("0", asText(script("7", `le "journal"`, "{}"))), divalto.TierScanned, divalto.Rejected, nil},

		"no id":           {outside("0", asText(script("0", sentence, "{}"))), divalto.TierStrict, divalto.AcceptedWithoutID, nil},
		"empty id":        {outside("0", asText(script("0", sentence, `{"transactionId":" "}`))), divalto.TierStrict, divalto.AcceptedWithoutID, nil},
		"id 0":            {outside("0", asText(script("0", sentence, `{"transactionId":"0"}`))), divalto.TierStrict, divalto.AcceptedWithoutID, nil},
		"rejected":        {outside("0", asText(script("12", "Tiers inconnu", "{}"))), divalto.TierStrict, divalto.Rejected, nil},
		"rejected, no id": {outside("0", asText(script("KO", "Tiers inconnu", `{"transactionId":""}`))), divalto.TierStrict, divalto.Rejected, nil},
		"rejected and booked": {
			outside("0", asText(script("12", "Tiers inconnu", id))), divalto.TierStrict, divalto.Unknown, []string{"1354"},
		},
		"several ids": {
			outside("0", asText(script("0", "", `[{"transactionId":"1354"},{"transactionId":"1355"}]`))),
			divalto.TierStrict, divalto.Unknown, []string{"1354", "1355"},
		},
		"list of ids": {outside("0", script("0", "", `{"transactionId":["1354","1355"]}`)), divalto.TierStrict, divalto.Unknown, []string{"1354", "1355"}},

		"technical error":      {outside("3", `""`), divalto.TierStrict, divalto.TechnicalError, nil},
		"error as other text":  {outside(`"3"`, `null`), divalto.TierStrict, divalto.TechnicalError, nil},
		"error below zero":     {outside("-1", asText(booked)), divalto.TierStrict, divalto.TechnicalError, nil},
		"error, broken result": {outside("3", asText(unbraced)), divalto.TierStrict, divalto.TechnicalError, nil},

		"empty result":           {outside("0", `""`), divalto.TierStrict, divalto.Unknown, nil},
		"blank result":           {outside("0", `" "`), divalto.TierStrict, divalto.Unknown, nil},
		"null result":            {outside("0", `null`), divalto.TierStrict, divalto.Unknown, nil},
		"absent result":          {`{"error":0}`, divalto.TierStrict, divalto.Unknown, nil},
		"error and broken":       {outside("3", withoutEscape(asText(unbraced))), divalto.TierNone, divalto.Unknown, nil},
		"no error":               {`{"result":` + asText(booked) + `}`, divalto.TierNone, divalto.Unknown, nil},
		"null error":             {outside("null", asText(booked)), divalto.TierNone, divalto.Unknown, nil},
		"two errors":             {`{"error":3,` + outside("0", asText(booked))[1:], divalto.TierNone, divalto.Unknown, nil},
		"two errors, other case": {`{"ERROR":3,` + outside("0", asText(booked))[1:], divalto.TierNone, divalto.Unknown, nil},
		"two errors, escaped": {
			`{"err\u006fr":3,` + outside("0", withoutEscape(asText(booked)))[1:], divalto.TierNone, divalto.Unknown, nil,
		},
		"two codes":       {outside("0", asText(`{"result":{"common":{"resultcode":"3","resultcode":"0"}}}`)), divalto.TierNone, divalto.Unknown, nil},
		"no code":         {outside("0", asText(`{"result":{"common":{},"response":{"transactionId":"1354"}}}`)), divalto.TierNone, divalto.Unknown, nil},
		"an odd id":       {outside("0", asText(script("0", "", `{"transactionId":"13 54"}`))), divalto.TierNone, divalto.Unknown, nil},
		"a long id":       {outside("0", script("0", "", `{"transactionId":"`+strings.Repeat("1", 33)+`"}`)), divalto.TierNone, divalto.Unknown, nil},
		"a fraction":      {outside("0", script("0", "", `{"transactionId":13.54}`)), divalto.TierNone, divalto.Unknown, nil},
		"an escaped id":   {outside("0", script("0", "", `{"transactionId":"\u004112"}`)), divalto.TierNone, divalto.Unknown, nil},
		"broken, two ids": {outside("0", withoutEscape(asText(script("0", sentence, `[`+id+`,`+id+`]`)))), divalto.TierNone, divalto.Unknown, nil},
		"id in a message": {outside("0", withoutEscape(asText(script("0", "transactionId 12, livre de bord", id)))), divalto.TierNone, divalto.Unknown, nil},
		"text behind":     {outside("0", asText(booked)) + "x", divalto.TierNone, divalto.Unknown, nil},
		"a page":          {"<html>502 Bad Gateway</html>", divalto.TierNone, divalto.Unknown, nil},
		"nothing":         {"", divalto.TierNone, divalto.Unknown, nil},
		"a text":          {`"OK"`, divalto.TierNone, divalto.Unknown, nil},
		"result of words": {outside("0", `"OK"`), divalto.TierNone, divalto.Unknown, nil},
		"deep":            {outside("0", strings.Repeat("[", 40)+strings.Repeat("]", 40)), divalto.TierNone, divalto.Unknown, nil},
		"deeper":          {strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19), divalto.TierNone, divalto.Unknown, nil},
		"many": {
			`{"error":0,"result":` + asText(booked) + `,"infos":[` + strings.Repeat("1,", 20_000) + `1]}`, divalto.TierNone, divalto.Unknown, nil,
		},
		"no braces, id in a message": {
			outside("0", asText(strings.Replace(unbraced, sentence, "transactionId 12", 1))), divalto.TierNone, divalto.Unknown, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			reply := divalto.ReadReply([]byte(c.body))
			require.Equal(t, c.tier, reply.Tier, c.body)
			require.Equal(t, c.class, reply.Class(), reply)
			require.Equal(t, c.transactions, reply.Transactions)
			requireSound(t, []byte(c.body), reply)
		})
	}
}

func TestReadReplyKeepsWhatTheERPSays(t *testing.T) {
	t.Parallel()

	reply := divalto.ReadReply([]byte(`{"error":10,"result":"","txterror":"Token\tinvalide\u0000","infos":"` + strings.Repeat("é", divalto.MaxText) + `"}`))
	require.Equal(t, "10", reply.Error)
	require.Equal(t, "Token invalide ", reply.TxtErr)
	require.Len(t, reply.Infos, divalto.MaxText)
	require.True(t, reply.TokenRefused())

	reply = divalto.ReadReply([]byte(`{"error":"5 ","result":"","txterr":"Anomalie"}`))
	require.Equal(t, "5", reply.Error)
	require.False(t, reply.TokenRefused())

	reply = divalto.ReadReply([]byte(`{"error":"00","result":` + asText(script("00", "token", "{}")) + `,"txterr":"token"}`))
	require.Equal(t, divalto.AcceptedWithoutID, reply.Class())
	require.False(t, reply.TokenRefused(), "without an error there is nothing to heal")
	require.Equal(t, "token", reply.Message)
}

func TestClass(t *testing.T) {
	t.Parallel()

	id := []string{"1354"}

	for want, replies := range map[divalto.Class][]divalto.Reply{
		divalto.Unknown: {
			{}, {Error: "0", ResultCode: "0", Transactions: id}, {Error: "3"},
			{Tier: divalto.TierStrict, Error: "0"}, {Tier: divalto.TierStrict, Error: "0", Transactions: id},
			{Tier: divalto.TierStrict, Error: "0", ResultCode: "1", Transactions: id},
			{Tier: divalto.TierStrict, Error: "0", ResultCode: "0", Transactions: []string{"1", "2"}},
		},
		divalto.TechnicalError: {
			{Tier: divalto.TierStrict, Error: "3"}, {Tier: divalto.TierStrict, Error: "3", ResultCode: "0", Transactions: id},
		},
		divalto.Rejected:          {{Tier: divalto.TierStrict, Error: "0", ResultCode: "1"}},
		divalto.AcceptedWithoutID: {{Tier: divalto.TierScanned, Error: "0", ResultCode: "0"}},
		divalto.Accepted:          {{Tier: divalto.TierRepaired, Error: "0", ResultCode: "0", Transactions: id}},
	} {
		for _, reply := range replies {
			require.Equal(t, want, reply.Class(), reply)
		}
	}
}

func TestReadReplyIsBounded(t *testing.T) {
	t.Parallel()

	body := outside("0", asText(script("0", sentence, `{"transactionId":"1354"}`)))
	body += strings.Repeat(" ", divalto.MaxReply-len(body))

	require.Equal(t, divalto.Accepted, divalto.ReadReply([]byte(body)).Class())
	require.Equal(t, divalto.Reply{}, divalto.ReadReply([]byte(body+" ")))
}

// TestReadReplyCut holds that a reply that was cut at any byte says nothing.
func TestReadReplyCut(t *testing.T) {
	t.Parallel()

	booked := script("0", sentence, `{"transactionId":"1354"}`)

	for _, whole := range []string{
		string(golden(t, "reply.txt")),
		outside("0", asText(booked)),
		outside("0", booked),
		outside("0", asText(script("0", `le "journal"`, `{"transactionId":"1354"}`))),
		`{"txterr":"","infos":"","error":"0","result":` + withoutEscape(asText(booked)) + `}`,
	} {
		require.Equal(t, divalto.Accepted, divalto.ReadReply([]byte(whole)).Class())

		for n := range len(whole) {
			require.Equal(t, divalto.Unknown, divalto.ReadReply([]byte(whole[:n])).Class(), whole[:n])
		}
	}
}

// requireSound holds what has to hold of the reading of any body.
func requireSound(t require.TestingT, body []byte, reply divalto.Reply) {
	class := reply.Class()
	require.Contains(t, []divalto.Class{
		divalto.Accepted, divalto.AcceptedWithoutID, divalto.Rejected, divalto.TechnicalError, divalto.Unknown,
	}, class)

	for _, transaction := range reply.Transactions {
		require.Contains(t, string(body), transaction)
		require.NotEmpty(t, transaction)
	}

	if class == divalto.Accepted {
		require.Len(t, reply.Transactions, 1)
	}

	if settled(class) {
		require.Equal(t, "0", reply.Error)
		require.NotEmpty(t, reply.ResultCode)
	}

	if reply.Tier == divalto.TierRepaired || reply.Tier == divalto.TierScanned {
		require.Equal(t, "0", reply.Error, "no repairs of a reply with a technical error")
		require.LessOrEqual(t, len(regexp.MustCompile(`(?i)transactionid`).FindAllIndex(body, -1)), 1, "no repairs where one of several is to be chosen")
	}

	// What a reader of its own finds to be a technical error settles nothing.
	var outer map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &outer); err == nil {
		number, err := strconv.Atoi(strings.Trim(string(outer["error"]), `"`))
		require.False(t, err == nil && number != 0 && settled(class), "a technical error settles nothing")
	}

	for _, text := range []string{reply.Message, reply.TxtErr, reply.Infos, reply.Error, reply.ResultCode} {
		require.LessOrEqual(t, len(text), divalto.MaxText)
		require.True(t, utf8.ValidString(text))
		require.Equal(t, -1, strings.IndexFunc(text, unicode.IsControl))
	}
}

// settled tells whether the class says what became of the settlement.
func settled(class divalto.Class) bool {
	return slices.Contains([]divalto.Class{divalto.Accepted, divalto.AcceptedWithoutID, divalto.Rejected}, class)
}

// TestReadReplySettlesNothingOnAnError holds that no reply with a technical error
// is taken for a booking, whatever else it says, however it is broken.
func TestReadReplySettlesNothingOnAnError(t *testing.T) {
	t.Parallel()

	fragment := rapid.SampledFrom([]string{
		`"`, `\"`, `}`, `{`, `"}`, `,`, ` `, `\`, "\n", "é", `"error":0,`, `"error": 0}`, `\"error\":0,`, `"txterr":"","infos":""}`, `"result":"`,
		`"resultcode":"0",`, `\"resultcode\":\"0\",`, `"response":`, `"transactionId":"1354"}`, `\"transactionId\": \"1354\"}`,
	})

	rapid.Check(t, func(t *rapid.T) {
		code := rapid.OneOf(rapid.IntRange(1, 99), rapid.IntRange(-99, -1)).Draw(t, "error")
		failure := rapid.SampledFrom([]string{`"error": %d`, `"error":"%d"`, `"error" : %d`}).Draw(t, "form")
		noise := func(name string) string {
			return strings.Join(rapid.SliceOfN(fragment, 0, 6).Draw(t, name), "")
		}

		result := rapid.SampledFrom([]string{
			asText(script("0", sentence, `{"transactionId":"1354"}`)), withoutEscape(asText(script("0", sentence, `{"transactionId":"1354"}`))),
			withoutEscape(asText(script("0", sentence, "{}"))), `""`, script("0", sentence, `{"transactionId":"1354"}`),
		}).Draw(t, "result")
		members := rapid.Permutation([]string{
			fmt.Sprintf(failure, code), `"result":` + result, `"txterr":"` + noise("text") + `"`, `"infos":"` + noise("infos") + `"`,
		}).Draw(t, "members")

		body := []byte("{" + strings.Join(members, ",") + "}" + noise("behind"))
		reply := divalto.ReadReply(body)

		require.False(t, settled(reply.Class()), "%s: %+v", body, reply)
		requireSound(t, body, reply)
	})
}

// TestReadReplyBroken holds that a booking is read from every shape that the ERP
// gives it, or is Unknown: never rejected, and never under another number.
func TestReadReplyBroken(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		id := strconv.Itoa(rapid.IntRange(1, 1<<40).Draw(t, "id"))
		message := rapid.StringN(0, 60, -1).Draw(t, "message") + " bord"

		quoted, err := json.Marshal(message)
		require.NoError(t, err)

		document := script("0", strings.Trim(string(quoted[1:len(quoted)-1]), " "), `{"transactionId":"`+id+`"}`)

		quoted, err = json.Marshal(document)
		require.NoError(t, err)

		body := outside("0", string(quoted))
		require.Equal(t, []string{id}, divalto.ReadReply([]byte(body)).Transactions, body)

		broken := withoutEscape(body)
		if rapid.Bool().Draw(t, "no braces") {
			broken = strings.Replace(broken, `{\"transactionId\":\"`+id+`\"}`, `\"transactionId\": \"`+id+`\"`, 1)
		}

		reply := divalto.ReadReply([]byte(broken))
		requireSound(t, []byte(broken), reply)

		switch reply.Class() {
		case divalto.Accepted:
			require.Equal(t, []string{id}, reply.Transactions, broken)
		case divalto.Unknown:
		default:
			require.Fail(t, "neither read nor Unknown", "%s %s", reply.Class(), broken)
		}
	})
}

func FuzzReadReply(f *testing.F) {
	booked := script("0", sentence, `{"transactionId":"1354"}`)

	for _, seed := range []string{
		outside("0", asText(booked)), outside("0", booked), outside("0", withoutEscape(asText(booked))), outside("3", `""`),
		outside(`"10"`, asText(script("12", `le "journal"`, "{}"))), outside("0", asText(script("0", `le "journal"`, `{"transactionId":"1354"}`))),
		`{"error":0,"error":5}`, `[[[[`, "\ufeff{}",
		`{ "error": 0, "result": "{\"result\":{\"common\":{\"resultcode\": \"0\",\"errormessage\": \"livre de bord"},\"response\":\"transactionId\": \"1354\"}}", "txterr": "", "infos": "" }`,
	} {
		f.Add([]byte(seed))
	}

	f.Fuzz(func(t *testing.T, body []byte) {
		requireSound(t, body, divalto.ReadReply(body))
	})
}
