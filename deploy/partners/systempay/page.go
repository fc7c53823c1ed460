package systempay

import (
	_ "embed" // for the page
	"errors"
	"net/http"
	"net/url"
	"slices"
)

// pageText is what a buyer sees.
//
//go:embed page.html
var pageText string

func (g *Gateway) show(w http.ResponseWriter, status int, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = g.pages.ExecuteTemplate(w, page, data) // the caller has gone, then
}

// showWrong answers a form that is not taken.
func (g *Gateway) showWrong(w http.ResponseWriter, err error) {
	if refused, ok := errors.AsType[*FormError](err); ok {
		g.show(w, http.StatusBadRequest, "wrong", refused)
		return
	}
	g.show(w, statusOf(err), "wrong", &FormError{Code: unnumbered, Field: "payment", Reason: err.Error()})
}

// statusOf gives the HTTP status of an error.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errUnknown):
		return http.StatusNotFound
	case errors.Is(err, errConflict):
		return http.StatusConflict
	default:
		return http.StatusInternalServerError
	}
}

// takePayment takes a form: it shows the choice, or makes it where ?pay=DECISION says so.
func (g *Gateway) takePayment(w http.ResponseWriter, r *http.Request) {
	fields, err := readForm(r)
	if err != nil {
		g.showWrong(w, err)
		return
	}
	taken, err := g.takeForm(fields)
	if err != nil {
		g.showWrong(w, err)
		return
	}
	opened, err := g.open(taken)
	if err != nil {
		g.showWrong(w, err)
		return
	}
	if decision := r.URL.Query().Get("pay"); decision != "" {
		g.conclude(w, r, opened.ID, decision)
		return
	}
	first := []string{"pay", "refuse", "abandon"}
	others := slices.DeleteFunc(decisions(), func(name string) bool { return slices.Contains(first, name) })
	g.show(w, http.StatusOK, "choice", map[string]any{
		"ID": opened.ID, "Site": taken.shop.Site, "Mode": taken.mode, "Order": fields[orderField], "Amount": taken.amount,
		"Currency": taken.currency, "Config": fields[configField], "First": first, "Others": others,
	})
}

// open keeps a form under its number. The same form again is the same payment, until there is a decision.
func (g *Gateway) open(taken *form) (*Payment, error) {
	opened := &Payment{ID: randomHex(uuidDigits), Form: taken.fields}
	g.lock.Lock()
	defer g.lock.Unlock()
	if id, used := g.numbers[opened.number()]; used {
		if before := g.payments[id]; before.Decision == "" && before.Form[signatureField] == taken.fields[signatureField] {
			return before, nil
		}
		return nil, wrong(numberField, "it was used today")
	}
	g.keep(saved{Payment: opened})
	return opened, g.broken
}

// choose is what the buttons of the page do.
func (g *Gateway) choose(w http.ResponseWriter, r *http.Request) {
	g.conclude(w, r, r.PathValue("payment"), r.PathValue("decision"))
}

// conclude makes the decision, notifies, and sends the buyer back to the shop.
func (g *Gateway) conclude(w http.ResponseWriter, r *http.Request, id, decision string) {
	decided, told, err := g.decide(id, decision, r.URL.Query().Get("auth"))
	if err != nil {
		g.showWrong(w, err)
		return
	}
	for _, one := range told {
		g.tell(g.stopping, one) // a buyer who leaves takes no notification away
	}
	g.sendBack(w, r, decided)
}

// sendBack shows the buyer the way back to the shop.
func (g *Gateway) sendBack(w http.ResponseWriter, r *http.Request, decided *Payment) {
	back := decided.Form[outcomes()[decided.Decision].back]
	if back == "" {
		back = decided.Form["vads_url_return"]
	}
	address, err := url.Parse(back)
	if back == "" || err != nil {
		g.show(w, http.StatusOK, "end", decided.Decision)
		return
	}
	switch decided.Form["vads_return_mode"] {
	case "GET":
		query := encode(g.returned(decided))
		if address.RawQuery != "" {
			query = address.RawQuery + "&" + query
		}
		address.RawQuery = query
	case "POST":
		type input struct{ Name, Value string }
		var inputs []input
		for _, one := range g.returned(decided) {
			inputs = append(inputs, input{one.name, one.value})
		}
		g.show(w, http.StatusOK, "return", map[string]any{"Back": back, "Fields": inputs})
		return
	default:
	}
	http.Redirect(w, r, address.String(), http.StatusSeeOther) //nolint:gosec // the shop has signed where the buyer goes
}

// returned are the signed fields that go back with the buyer: those of the notification, but for what only that has.
func (g *Gateway) returned(decided *Payment) []field {
	g.lock.Lock()
	defer g.lock.Unlock()
	first := g.transactions[decided.Transactions[0]]
	shop := g.shop(first.Site)
	all := fields(&shop, first, &first.Events[0], decided.Form, "")
	all = unset(unset(all, "vads_hash"), "vads_url_check_src")
	return append(all, field{signatureField, sign(shop.Algorithm, shop.Keys[first.Mode], all)})
}
