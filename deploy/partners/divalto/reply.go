package divalto

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// reply is an answer: a status and a body.
type reply struct {
	status int
	body   []byte
}

// The errors of answers, as the package's comment has them.
const (
	errorLogin    = 1
	errorAction   = 2
	errorScript   = 3
	errorParam    = 4
	errorOnDemand = 5
	errorRecord   = 6
	errorWhere    = 7
	errorBooks    = 9
	errorToken    = 10
)

const (
	textToken    = "Token invalide ou expiré" //nolint:gosec // a sentence, and no token
	textOnDemand = "Anomalie technique"
	// textBooked is what the ERP says when nothing is wrong.
	textBooked = "Intégration règlements des échéances terminée |Consultez le livre de bord"
)

// encode writes a document as the ERP does, without escapes for HTML.
func encode(document any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(document) //nolint:errchkjson // documents of ours, which all can be written
	return bytes.TrimSpace(text.Bytes())
}

func answer(document any) reply { return reply{http.StatusOK, encode(document)} }

// unreadable answers a request that is no JSON.
func unreadable() reply {
	return reply{http.StatusBadRequest, encode(envelope{Error: errorParam, Result: "", TxtErr: "Requête illisible"})}
}

// envelope is the answer to a posting.
type envelope struct {
	Error  any    `json:"error"`
	Result any    `json:"result"`
	TxtErr string `json:"txterr"`
	Infos  string `json:"infos"`
}

// technical answers an error of the call itself.
func (e *ERP) technical(code int64, text string) reply {
	return answer(envelope{Error: e.errorValue(code), Result: "", TxtErr: text})
}

func (e *ERP) errorValue(code int64) any {
	if e.settings.ErrorText {
		return strconv.FormatInt(code, 10)
	}
	return code
}

// outcome is what a posting has come to.
type outcome struct {
	code    int64 // the resultcode
	message string
	ids     []string
}

// document is the result of a posting.
type document struct {
	Label  string `json:"label"`
	Script string `json:"codeScript"`
	Result struct {
		Common struct {
			Code    string `json:"resultcode"`
			Message string `json:"errormessage"`
		} `json:"common"`
		Response any `json:"response,omitempty"`
	} `json:"result"`
}

type transaction struct {
	ID string `json:"transactionId"`
}

// posted answers a posting in a shape.
func (e *ERP) posted(shape Shape, done outcome) reply {
	if shape == ShapeBroken {
		return reply{http.StatusOK, e.broken(done)}
	}
	result := document{Label: "infinity", Script: integration}
	result.Result.Common.Code, result.Result.Common.Message = strconv.FormatInt(done.code, 10), done.message
	switch {
	case done.code != 0:
	case len(done.ids) == 0:
		result.Result.Response = struct{}{}
	case len(done.ids) == 1:
		result.Result.Response = transaction{done.ids[0]}
	default:
		all := make([]transaction, 0, len(done.ids))
		for _, id := range done.ids {
			all = append(all, transaction{id})
		}
		result.Result.Response = all
	}
	whole := envelope{Error: e.errorValue(0), Result: result}
	if shape == ShapeString {
		whole.Result = string(encode(result))
	}
	return answer(whole)
}

// broken writes an answer as ShapeBroken says, to the byte.
func (e *ERP) broken(done outcome) []byte {
	message := strings.NewReplacer(`"`, "", `\`, "", "\n", " ").Replace(done.message)
	var response strings.Builder
	for _, id := range done.ids {
		fmt.Fprintf(&response, `,\"response\":\"transactionId\": \"%s\"`, id)
	}
	return fmt.Appendf(nil,
		`{ "error": %s, "result": "{\"label\": \"infinity\",\"codeScript\": \"integration_reglement\",`+
			`\"result\":{\"common\":{\"resultcode\": \"%d\",\"errormessage\": \"%s"}%s}}", "txterr": "", "infos": "" }`,
		encode(e.errorValue(0)), done.code, message, response.String())
}
