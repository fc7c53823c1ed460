package divalto

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxReply is the longest reply that is read, in bytes: one settlement's is of
	// some hundred, and a thousand messages of faults still fit.
	MaxReply = 1 << 20
	// MaxText is how much is kept of a text of the ERP, in bytes.
	MaxText = 2000
)

// Class is what one attempt came to.
type Class string

// The classes. A reply is of one of the last five; the first three are found
// without one.
const (
	Invalid    Class = "INVALID"     // breaks a rule: nothing was sent, an operator corrects it
	AuthFailed Class = "AUTH_FAILED" // no token: nothing was sent, try again later
	NotSent    Class = "NOT_SENT"    // no connection: nothing was sent, try again

	Accepted          Class = "ACCEPTED"            // booked under the transaction
	AcceptedWithoutID Class = "ACCEPTED_WITHOUT_ID" // booked; its transaction is to be found by the label
	Rejected          Class = "REJECTED"            // not booked: an operator corrects it, as a new attempt
	TechnicalError    Class = "TECHNICAL_ERROR"     // the call failed: an expired token is renewed once, all else looked up first
	Unknown           Class = "UNKNOWN"             // booked or not: never sent again before a look-up by the label
)

// Tier is how a reply could be read.
type Tier int

// The tiers.
const (
	TierNone     Tier = 0 // not at all
	TierStrict   Tier = 1 // as JSON
	TierRepaired Tier = 2 // as JSON, once its known faults were undone
	TierScanned  Tier = 3 // by its patterns
)

// Reply is what the ERP answered to a call.
type Reply struct {
	Tier Tier
	// Error is the technical error, "0" for none, as the ERP writes it. Empty when
	// it could not be told.
	Error      string
	ResultCode string // the script's, "0" for none; empty without a result
	Message    string // the script's, also given on success, at most MaxText bytes
	// Transactions are the numbers of what was booked. One call books one; of
	// several, none is to be believed.
	Transactions []string
	TxtErr       string // of the technical error, at most MaxText bytes
	Infos        string // at most MaxText bytes
}

// ReadReply reads the body of a reply, in whichever state the ERP left it: as
// JSON; or once its known faults are undone; or by its patterns, each of which
// counts only where it stands once. The last two are for replies without a
// technical error only, since nothing hangs on the rest of the others. A body that
// is longer than MaxReply, cut, or that says something twice is not read: its tier
// is TierNone.
//
// It never gives a transaction that does not stand in the body. It takes time in
// proportion to the body's length.
func ReadReply(body []byte) Reply {
	if len(body) > MaxReply {
		return Reply{}
	}

	body = bytes.TrimPrefix(body, []byte(byteOrderMark))

	if outer, err := flatten(body); err == nil {
		return readOuter(outer, body)
	}

	reply, read := repairOuter(body)
	if !read {
		return scan(body)
	}

	return reply
}

// Class gives what the attempt came to that was answered so.
//
// A rejection that names a transaction contradicts itself, and is Unknown: what
// was booked after all must not be corrected by booking it again.
func (r Reply) Class() Class {
	switch {
	case r.Tier == TierNone:
		return Unknown
	case r.Error != noError:
		return TechnicalError
	case r.ResultCode == "":
		return Unknown
	case r.ResultCode != noError && len(r.Transactions) == 0:
		return Rejected
	case r.ResultCode != noError || len(r.Transactions) > 1:
		return Unknown
	case len(r.Transactions) == 0:
		return AcceptedWithoutID
	default:
		return Accepted
	}
}

// TokenRefused tells whether the technical error is about the token, which a new
// one heals: no code of its own is documented, its text names the token.
func (r Reply) TokenRefused() bool {
	text := strings.ToLower(r.TxtErr + " " + r.Infos)

	return r.Class() == TechnicalError && (strings.Contains(text, "token") || strings.Contains(text, "jeton"))
}

const (
	byteOrderMark = "\ufeff"
	// noError is the code that says that all went well.
	noError = "0"
	// maxTransaction bounds the number of a transaction, in characters.
	maxTransaction = 32
)

// readOuter reads a reply that is JSON on its outside.
func readOuter(outer leaves, body []byte) Reply {
	code, known := outer.errorCode()
	if !known {
		return Reply{}
	}

	reply := Reply{
		Tier: TierStrict, Error: code,
		TxtErr: outer.first("txterr", "txterror"), Infos: outer.first("infos"),
	}
	if code != noError {
		return reply
	}

	text, isText := outer.text("result")

	switch {
	case !isText:
		return reply.with(outer.under("result"), TierStrict, body)
	case strings.TrimSpace(text) == "":
		return reply
	}

	if inner, err := flatten([]byte(text)); err == nil {
		return reply.with(inner, TierStrict, body)
	}

	if inner, err := flatten(braced([]byte(text))); err == nil && once(body) {
		return reply.with(inner, TierRepaired, body)
	}

	return scan(body)
}

// with gives the reply with what the script said. What the script said otherwise
// than agreed is not read.
func (r Reply) with(result leaves, tier Tier, body []byte) Reply {
	r.Tier = tier
	if len(result) == 0 {
		return r
	}

	if within := result.under("result"); len(within) > 0 {
		result = within
	}

	code, given := result.text("common", "resultcode")
	transactions, sound := result.transactions(body)

	if !given || !sound {
		return Reply{Error: r.Error, TxtErr: r.TxtErr, Infos: r.Infos}
	}

	r.ResultCode = normal(code)
	r.Message = result.under("common").first("errormessage")
	r.Transactions = transactions

	return r
}

// normal gives a code without what does not tell it from another: spaces around
// it, and zeros before it.
func normal(code string) string {
	code = clip(strings.TrimSpace(code))
	if strings.Trim(code, "0123456789") != "" || code == "" {
		return code
	}

	if code = strings.TrimLeft(code, "0"); code == "" {
		return noError
	}

	return code
}

// clip keeps the beginning of a text of the ERP, in characters that print or are
// spaces, so that it can be stored and shown.
func clip(text string) string {
	text = strings.Map(func(char rune) rune {
		if unicode.IsControl(char) {
			return ' '
		}

		return char
	}, strings.ToValidUTF8(text, "�"))

	if len(text) <= MaxText {
		return text
	}

	end := MaxText
	for !utf8.RuneStart(text[end]) {
		end--
	}

	return text[:end]
}
