package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	openapischema "github.com/reglo/reglo/schemas/openapi"
)

// data has a document written for those who may see it.
func (c *Console) data(next func(http.ResponseWriter, *http.Request) (any, *problem)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		person, wrong := c.who(r)
		var document any
		if wrong == nil {
			c.noteLook(r.Context(), r, person)
			document, wrong = next(w, r)
		}
		if wrong != nil {
			c.refuseData(w, r, wrong)
			return
		}
		c.write(w, r, http.StatusOK, "application/json", document)
	}
}

// notificationsDocument is a page of the list.
type notificationsDocument struct {
	Notifications []Notification `json:"notifications"`
	// Next is the path and query of the next page, nil on the last one.
	Next *string `json:"next"`
}

func (c *Console) list(w http.ResponseWriter, r *http.Request) (any, *problem) {
	f, problems := readFilter(r.URL.RawQuery)
	if len(problems) > 0 {
		return nil, wrongFields(problems)
	}
	rows, more, err := c.store.list(r.Context(), &f)
	if wrong := c.notRead(r.Context(), err); wrong != nil {
		return nil, wrong
	}
	document := notificationsDocument{Notifications: rows}
	if more {
		next := (&url.URL{Path: dataPath, RawQuery: f.next(rows[len(rows)-1].Number)}).String()
		document.Next = &next
		w.Header().Set("Link", "<"+next+`>; rel="next"`)
	}
	return document, nil
}

func (c *Console) detail(_ http.ResponseWriter, r *http.Request) (any, *problem) {
	detail, wrong := c.find(r)
	if wrong != nil {
		return nil, wrong
	}
	return detail, nil
}

// problemDocument is a problem as RFC 9457 has it.
type problemDocument struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Fields []fieldProblem `json:"parameters,omitempty"`
}

func (c *Console) refuseData(w http.ResponseWriter, r *http.Request, wrong *problem) {
	wrong.announce(w)
	c.write(w, r, wrong.status, "application/problem+json", problemDocument{
		Type: "about:blank", Title: wrong.title, Status: wrong.status, Detail: wrong.detail, Fields: wrong.fields,
	})
}

func (c *Console) write(w http.ResponseWriter, r *http.Request, status int, kind string, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		c.parts.Log.ErrorContext(r.Context(), "a document is not written", "error", err)
		http.Error(w, broken().detail, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the reader has gone, then
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openapischema.SystemPay) // the reader has gone, then
}
