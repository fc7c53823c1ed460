package divalto

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// The patterns of what some versions of the ERP write instead of JSON: quotes that
// end a text early, braces left out, one level of escapes more than there is.
var (
	// resultBegins finds the name result where no escape says that it is within a text.
	resultBegins = regexp.MustCompile(`(?:^|[^\\])"result"\s*:\s*"`)
	// resultEnds finds where a text ends before the next name of the reply, or before its end.
	resultEnds = regexp.MustCompile(`"\s*(?:,\s*"(?:error|txterr|txterror|infos)"\s*:|\}\s*$)`)
	// bracesMissing finds a response that has its one member without braces around it.
	bracesMissing = regexp.MustCompile(`"response"\s*:\s*("transactionId"\s*:\s*(?:"[^"\\]*"|\d+))`)

	// replyEnds finds the end of a reply that was not cut: its last member is one of its own, or the text of the result.
	replyEnds = regexp.MustCompile(`(?:[^\\]"(?:error|txterr|txterror|infos)"\s*:\s*(?:"[^"]*"|-?\d+|null)|\}")\s*\}$`)
	// hiddenLetter finds a letter that an escape hides, and with it perhaps a name.
	hiddenLetter = regexp.MustCompile(`\\u00[4-7]`)

	errorWord       = regexp.MustCompile(`(?i)"error\\*"`)
	resultCodeWord  = regexp.MustCompile(`(?i)resultcode`)
	transactionWord = regexp.MustCompile(`(?i)transactionid`)

	errorValue       = regexp.MustCompile(`(?:^|[^\\])"error"\s*:\s*(?:"([^"\\]*)"|(-?\d+))\s*[,}]`)
	resultCodeValue  = regexp.MustCompile(`"resultcode\\*"` + gap + `:` + gap + `(?:\\*"([0-9A-Za-z-]*)\\*"|(-?\d+))` + gap + `[,}]`)
	transactionValue = regexp.MustCompile(`"transactionId\\*"` + gap + `:` + gap + `(?:\\*"([0-9A-Za-z-]*)\\*"|(\d+))` + gap + `[,}]`)
)

// gap is white space, also where it is escaped.
const gap = `(?:\s|\\+[nrt])*`

// once tells whether a reply names no second transaction and no second result
// code: with repairs, none of several could be told to be the right one.
func once(body []byte) bool {
	return len(transactionWord.FindAllIndex(body, 2)) <= 1 && len(resultCodeWord.FindAllIndex(body, 2)) == 1 && !hiddenLetter.Match(body)
}

// repairOuter reads a reply whose result ends its text early: the result is cut out
// between its name and the next name of the reply, and read on its own.
func repairOuter(body []byte) (Reply, bool) {
	begins := resultBegins.FindIndex(body)
	if begins == nil || !once(body) {
		return Reply{}, false
	}

	start := begins[1]

	end := resultEnds.FindIndex(body[start:])
	if end == nil {
		return Reply{}, false
	}

	text := body[start : start+end[0]]
	around := bytes.Join([][]byte{body[:start], body[start+end[0]:]}, nil)

	outer, err := flatten(around)
	if err != nil {
		return Reply{}, false
	}

	code, known := outer.errorCode()
	if !known || code != noError {
		return Reply{}, false
	}

	inner, err := flatten(unescaped(text))
	if err != nil {
		if inner, err = flatten(braced(unescaped(text))); err != nil {
			return Reply{}, false
		}
	}

	reply := Reply{Error: code, TxtErr: outer.first("txterr", "txterror"), Infos: outer.first("infos")}

	reply = reply.with(inner, TierRepaired, body)

	return reply, reply.Tier != TierNone
}

// unescaped undoes one level of escapes, and leaves quotes that have none as they
// are.
func unescaped(text []byte) []byte {
	quoted := make([]byte, 0, len(text)+2)
	quoted = append(quoted, '"')

	escaped := false

	for _, c := range text {
		if c == '"' && !escaped {
			quoted = append(quoted, '\\')
		}

		quoted = append(quoted, c)
		escaped = c == '\\' && !escaped
	}

	var plain string
	if err := json.Unmarshal(append(quoted, '"'), &plain); err != nil {
		return nil // flatten refuses it
	}

	return []byte(plain)
}

// braced puts the braces around the one member of a response back.
func braced(text []byte) []byte {
	return bracesMissing.ReplaceAll(text, []byte(`"response":{$1}`))
}

// scan reads a reply of which nothing but single words can be made out: without a
// technical error, with one result code, and with one transaction or none.
func scan(body []byte) Reply {
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("{")) || !replyEnds.Match(body) || !once(body) || len(errorWord.FindAllIndex(body, 2)) != 1 {
		return Reply{}
	}

	code, known := single(errorValue, body)
	if !known || normal(code) != noError {
		return Reply{Error: normal(code)}
	}

	result, known := single(resultCodeValue, body)
	if !known || normal(result) == "" {
		return Reply{Error: noError}
	}

	reply := Reply{Tier: TierScanned, Error: noError, ResultCode: normal(result)}
	if !transactionWord.Match(body) {
		return reply
	}

	number, known := single(transactionValue, body)
	if !known || len(number) > maxTransaction {
		return Reply{Error: noError}
	}

	if normal(number) != "" && normal(number) != noError {
		reply.Transactions = []string{number}
	}

	return reply
}

// single gives what a pattern finds, if it finds it once.
func single(pattern *regexp.Regexp, body []byte) (string, bool) {
	found := pattern.FindAllSubmatch(body, 2)
	if len(found) != 1 {
		return "", false
	}

	return string(found[0][1]) + string(found[0][2]), true
}
