package divalto

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

const (
	// maxRequest is the longest request, in bytes.
	maxRequest = 1 << 20
	// integration is the script that books settlements, webService the action that calls scripts.
	integration = "integration_reglement"
	webService  = "WEB_SERVICE_INFINITY"
)

// handler serves the ERP, and what there is of the stand-in itself. working ends with the program.
func (e *ERP) handler(working context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/Authent/Auth", e.door(working, Auth, e.authenticate))
	mux.Handle("POST /api/v1/WebService/Execute", e.door(working, Execute, func(body []byte) reply { return e.execute(working, body) }))
	mux.Handle("POST "+LookUpPath, e.door(working, RecordSQL, e.lookUp))
	mux.HandleFunc("GET /stand-in/books", func(w http.ResponseWriter, _ *http.Request) { write(w, answer(e.Bookings())) })
	mux.HandleFunc("GET /stand-in/overlaps", func(w http.ResponseWriter, _ *http.Request) {
		write(w, answer(map[string]int{"overlaps": e.Overlaps()}))
	})
	mux.HandleFunc("PUT /stand-in/faults", e.breakByRequest)
	return mux
}

func write(w http.ResponseWriter, answer reply) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body) // the caller has gone, then
}

// door is what can go wrong around a request.
func (e *ERP) door(working context.Context, on Endpoint, work func(body []byte) reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer e.work()()
		if fault, broken := e.take(on, RequestCut); broken {
			_, _ = io.CopyN(io.Discard, r.Body, fault.At) // a shorter one is cut as well
			reset(w)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			write(w, unreadable()) // a request that did not come whole is none
			return
		}
		e.count(on)
		if _, broken := e.take(on, ServerError); broken {
			write(w, failure())
			return
		}
		if on != Execute { // which pauses while its dossier is at work
			e.pause(working, on, Slow)
		}
		done := work(body)
		if on != Execute {
			e.pause(working, on, SlowAfter)
		}
		e.answer(w, on, done)
	})
}

func failure() reply {
	return reply{http.StatusInternalServerError, []byte(`{"Message":"An error has occurred."}`)}
}

// answer answers as far as nothing goes wrong.
func (e *ERP) answer(w http.ResponseWriter, on Endpoint, done reply) {
	if _, broken := e.take(on, ServerErrorAfter); broken {
		done = failure()
	}
	if _, broken := e.take(on, ReplyLost); broken {
		reset(w)
		return
	}
	if _, broken := e.take(on, Unreadable); broken {
		done.body = []byte("<html>Maintenance</html>")
	}
	if fault, broken := e.take(on, ReplyCut); broken {
		writeUpTo(w, done, fault.At)
		return
	}
	write(w, done)
}

func (e *ERP) count(on Endpoint) {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.calls[on]++
}

// onDemand tells whether the call is to have an error, and which.
func (e *ERP) onDemand(on Endpoint, kind Kind) (code int64, wanted bool) {
	fault, wanted := e.take(on, kind)
	if fault.At == 0 {
		return errorOnDemand, wanted
	}
	return fault.At, wanted
}

// authenticate gives a token.
func (e *ERP) authenticate(body []byte) reply {
	var call struct {
		User     string `json:"user"`
		Password string `json:"password"`
		Domain   string `json:"domain"`
		Env      string `json:"env"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return unreadable()
	}
	given := map[string]any{"error": 0, "access_token": "", "txterr": "", "infos": ""}
	reason := "txterr"
	if e.settings.TxtError {
		delete(given, "txterr")
		given["txterror"], reason = "", "txterror"
	}
	if code, wanted := e.onDemand(Auth, TechnicalError); wanted {
		given["error"], given[reason] = code, textOnDemand
	} else if !e.known(call.User, call.Password, call.Domain, call.Env) {
		given["error"], given[reason] = errorLogin, "Utilisateur ou mot de passe incorrect"
	} else {
		given["access_token"] = e.newToken()
	}
	return answer(given)
}

// execute books settlements.
func (e *ERP) execute(working context.Context, body []byte) reply {
	var call struct {
		Action string `json:"action"`
		Token  string `json:"access_token"`
		Param  string `json:"param"`
	}
	if err := json.Unmarshal(body, &call); err != nil {
		return unreadable()
	}
	if !e.good(Execute, call.Token) {
		return e.technical(errorToken, textToken)
	}
	if call.Action != webService {
		return e.technical(errorAction, "Action inconnue")
	}
	asked, err := readParam(call.Param)
	if err != nil {
		return e.technical(errorParam, "Paramètre illisible")
	}
	if asked.Action.Script != integration {
		return e.technical(errorScript, "Script inconnu")
	}
	dossier := asked.Action.Parameters.Dossier
	if dossier == "" {
		dossier = e.settings.Dossiers[0]
	}
	leave := e.enter(dossier)
	defer leave() // before the answer: whoever has that may go on
	e.pause(working, Execute, Slow)
	done := e.integrate(&asked, dossier)
	e.pause(working, Execute, SlowAfter)
	return done
}

// integrate books an order, or says why not.
func (e *ERP) integrate(asked *order, dossier string) reply {
	if code, wanted := e.onDemand(Execute, TechnicalError); wanted {
		return e.technical(code, textOnDemand)
	}
	if fault, wanted := e.take(Execute, Rejected); wanted {
		return e.posted(e.settings.Shape, outcome{code: max(fault.At, 1), message: "Règlement refusé"})
	}
	bookings, refused, err := e.book(asked, dossier)
	switch {
	case err != nil:
		return e.technical(errorBooks, "Les écritures ne sont pas enregistrées")
	case refused != nil:
		return e.posted(e.settings.Shape, outcome{code: 1, message: refused.Error()})
	}
	if code, wanted := e.onDemand(Execute, TechnicalErrorAfter); wanted {
		return e.technical(code, textOnDemand)
	}
	if _, wanted := e.take(Execute, EmptyResult); wanted {
		return e.technical(0, "")
	}
	shape, last := e.settings.Shape, bookings[len(bookings)-1].TransactionID
	done := outcome{message: textBooked, ids: []string{last}}
	if _, wanted := e.take(Execute, Malformed); wanted {
		shape = ShapeBroken
	}
	if _, wanted := e.take(Execute, NoID); wanted {
		done.ids = nil
	}
	if _, wanted := e.take(Execute, SeveralIDs); wanted {
		done.ids = []string{last, last + "1"}
	}
	return e.posted(shape, done)
}

// book judges and books at once. refused says which rule is broken, err that the books cannot be kept.
func (e *ERP) book(asked *order, dossier string) (bookings []Booking, refused, err error) {
	e.lock.Lock()
	defer e.lock.Unlock()
	bookings, refused = e.judge(asked, dossier)
	if refused != nil {
		return nil, refused, nil
	}
	return bookings, nil, e.books.book(bookings)
}

// breakByRequest takes a list of faults.
func (e *ERP) breakByRequest(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err == nil {
		err = json.Unmarshal(body, &faults)
	}
	if err == nil {
		err = e.Break(faults...)
	}
	if err != nil {
		write(w, reply{http.StatusBadRequest, encode(map[string]string{"error": fmt.Sprint(err)})})
		return
	}
	w.Header().Set("Connection", "close") // the next request finds out whether connections are taken
	w.WriteHeader(http.StatusNoContent)
}
