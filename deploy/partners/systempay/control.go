package systempay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxOrder is the longest request to the stand-in itself, in bytes.
const maxOrder = 64 << 10

// handler serves the form and its page, and what there is of the stand-in itself.
func (g *Gateway) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /vads-payment/{$}", g.takePayment)
	mux.HandleFunc("POST /vads-payment/{payment}/{decision}", g.choose)
	mux.HandleFunc("GET /stand-in/payments", func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, g.Payments()) })
	mux.HandleFunc("POST /stand-in/payments/{payment}/{decision}", g.control(g.orderDecision))
	mux.HandleFunc("GET /stand-in/transactions", g.listTransactions)
	mux.HandleFunc("GET /stand-in/transactions/{uuid}", g.control(g.showTransaction))
	mux.HandleFunc("POST /stand-in/transactions/{uuid}/{act}", g.control(g.orderMove))
	mux.HandleFunc("POST /stand-in/batch", g.control(g.orderBatch))
	mux.HandleFunc("POST /stand-in/release", g.control(func(_ *http.Request, _ *order) (any, error) {
		g.Release(g.stopping)
		return struct{}{}, nil
	}))
	mux.HandleFunc("PUT /stand-in/faults", g.breakByRequest)
	return mux
}

func write(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document) //nolint:errchkjson // the caller has gone, then
}

// order is what a request to the stand-in itself may say.
type order struct {
	// Amount is what is captured or credited, all there is when it is zero.
	Amount int64 `json:"amount"`
	// Event is which event is sent again, from 0; the last one when there is none.
	Event *int `json:"event"`
	// Source is the vads_url_check_src of what is sent again: BO when it is empty.
	Source string `json:"url_check_src"`
	// Auth is the bank's reason of a refusal, two digits.
	Auth string `json:"auth_result"`
}

// control serves requests that may come with an order, and answers with a document.
func (g *Gateway) control(work func(*http.Request, *order) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var said order
		body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder))
		if err == nil && len(body) > 0 {
			err = json.Unmarshal(body, &said)
		}
		if err != nil {
			write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		document, err := work(r, &said)
		if err != nil {
			write(w, statusOf(err), map[string]string{"error": err.Error()})
			return
		}
		write(w, http.StatusOK, document)
	}
}

// listTransactions shows all, or those of ?order_id=.
func (g *Gateway) listTransactions(w http.ResponseWriter, r *http.Request) {
	wanted := r.URL.Query().Get("order_id")
	shown := []Transaction{}
	for _, one := range g.Transactions() {
		if wanted == "" || one.Order == wanted {
			shown = append(shown, one)
		}
	}
	write(w, http.StatusOK, shown)
}

func (g *Gateway) showTransaction(r *http.Request, _ *order) (any, error) {
	return g.find(r.PathValue("uuid"))
}

func (g *Gateway) find(id string) (Transaction, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	found := g.transactions[id]
	if found == nil {
		return Transaction{}, fmt.Errorf("transaction: %w", errUnknown)
	}
	return found.clone(), nil
}

// orderDecision decides in the place of a buyer.
func (g *Gateway) orderDecision(r *http.Request, said *order) (any, error) {
	return g.Decide(r.Context(), r.PathValue("payment"), r.PathValue("decision"), said.Auth)
}

// Decide decides a payment in the place of its buyer: pay, refuse, abandon and others. auth is the bank's reason of a
// refusal, 05 when it is empty. It gives the transactions that it made, after their first notification.
func (g *Gateway) Decide(ctx context.Context, payment, decision, auth string) ([]Transaction, error) {
	decided, told, err := g.decide(payment, decision, auth)
	if err != nil {
		return nil, err
	}
	for _, one := range told {
		g.tell(ctx, one)
	}
	made := make([]Transaction, 0, len(decided.Transactions))
	for _, id := range decided.Transactions {
		one, err := g.find(id)
		if err != nil {
			return nil, err
		}
		made = append(made, one)
	}
	return made, nil
}

// orderMove moves one transaction.
func (g *Gateway) orderMove(r *http.Request, said *order) (any, error) {
	uuid := r.PathValue("uuid")
	switch act := r.PathValue("act"); act {
	case "resend":
		return g.Resend(r.Context(), uuid, said.Event, said.Source)
	default:
		return g.Move(r.Context(), uuid, act, said.Amount)
	}
}

// Move moves a transaction: authorise, validate, capture, fail, cancel, expire, refuse; or credit, which makes another one
// and gives that. amount is what is captured or credited, all there is when it is zero. The shop was notified once.
func (g *Gateway) Move(ctx context.Context, uuid, by string, amount int64) (Transaction, error) {
	work := func() (Transaction, []notice, error) { return g.advance(uuid, by, amount) }
	if by == "credit" {
		work = func() (Transaction, []notice, error) { return g.credit(uuid, amount) }
	}
	moved, told, err := work()
	if err != nil {
		return Transaction{}, err
	}
	for _, one := range told {
		g.tell(ctx, one)
	}
	return g.find(moved.UUID)
}

// Resend notifies of an event again, the last one when it is nil, with another hash and signature. It is sent once.
func (g *Gateway) Resend(ctx context.Context, uuid string, event *int, source string) (Transaction, error) {
	found, err := g.find(uuid)
	if err != nil {
		return Transaction{}, err
	}
	one := notice{uuid, len(found.Events) - 1, source}
	if event != nil {
		one.event = *event
	}
	if one.event < 0 || one.event >= len(found.Events) {
		return Transaction{}, fmt.Errorf("event: %w", errUnknown)
	}
	if source == "" {
		one.source = sourceByHand
	}
	g.attempt(ctx, one)
	return g.find(uuid)
}

func (g *Gateway) orderBatch(r *http.Request, _ *order) (any, error) { return g.Batch(r.Context()) }

// Batch captures all that is authorised, as the platform does when the day ends. The shop was notified of each once.
func (g *Gateway) Batch(ctx context.Context) ([]Transaction, error) {
	made := []Transaction{}
	for _, one := range g.Transactions() {
		if one.Status != authorised {
			continue
		}
		moved, err := g.Move(ctx, one.UUID, "capture", 0)
		if errors.Is(err, errConflict) {
			continue // somebody else moved it meanwhile
		}
		if err != nil {
			return nil, err
		}
		made = append(made, moved)
	}
	return made, nil
}

// breakByRequest takes a list of faults.
func (g *Gateway) breakByRequest(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOrder))
	if err == nil {
		err = json.Unmarshal(body, &faults)
	}
	for i := range faults {
		err = errors.Join(err, faults[i].check())
	}
	if err != nil {
		write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	g.Break(faults...)
	w.WriteHeader(http.StatusNoContent)
}
