package systempay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// notice is something to be told: an event of a transaction, and why it is told now.
type notice struct {
	uuid   string
	event  int
	source string // vads_url_check_src
}

// maxAnswer is how much of a shop's answer the platform shows, in bytes.
const maxAnswer = 64

// tell notifies the shop, and goes on to do so behind the caller's back when that does not answer 200.
func (g *Gateway) tell(ctx context.Context, one notice) {
	if g.goesWrong(Held) {
		g.lock.Lock()
		g.held = append(g.held, one)
		g.lock.Unlock()
		return
	}
	if !g.attempt(ctx, one) {
		g.running.Go(func() { g.repeat(one) })
	}
}

// repeat sends a notification again until it is delivered, or the platform gives up.
func (g *Gateway) repeat(one notice) {
	one.source = sourceRetry
	for _, wait := range g.settings.Repeats {
		if pause(g.stopping, wait) != nil || g.attempt(g.stopping, one) {
			return
		}
	}
}

// resume sends again what was not delivered when the platform ended last.
func (g *Gateway) resume() {
	g.lock.Lock()
	defer g.lock.Unlock()
	for _, id := range g.order {
		for i := range g.transactions[id].Events {
			event := &g.transactions[id].Events[i]
			if one := (notice{id, i, event.Source}); !event.Delivered && g.isTold(one) && len(event.Deliveries) <= len(g.settings.Repeats) {
				g.running.Go(func() { g.repeat(one) })
			}
		}
	}
}

// isTold tells whether the platform notifies of an event by itself: it does not of instalments that are yet to come, nor
// where nobody listens.
func (g *Gateway) isTold(one notice) bool {
	return one.source != "" && g.target(g.transactions[one.uuid]) != ""
}

// target is where notifications of a transaction go.
func (g *Gateway) target(of *Transaction) string {
	if said := g.payments[of.Payment].Form["vads_url_check"]; said != "" {
		return said
	}
	return g.shop(of.Site).Check
}

// shop gives a shop by its site; one without keys when it is not there any more.
func (g *Gateway) shop(site string) Shop {
	at := slices.IndexFunc(g.settings.Shops, func(s Shop) bool { return s.Site == site })
	if at < 0 {
		return Shop{Algorithm: SHA256}
	}
	return g.settings.Shops[at]
}

// Release sends what is held, the last one first, and waits until each was sent once.
func (g *Gateway) Release(ctx context.Context) {
	g.lock.Lock()
	held := g.held
	g.held = nil
	g.lock.Unlock()
	for _, one := range slices.Backward(held) {
		if !g.attempt(ctx, one) {
			g.running.Go(func() { g.repeat(one) })
		}
	}
}

// attempt notifies once, with all that goes wrong now, and keeps what came of it. It tells whether that delivers the event,
// or there is nobody to deliver it to.
func (g *Gateway) attempt(ctx context.Context, one notice) bool {
	g.lock.Lock()
	told := g.transactions[one.uuid].clone()
	echoed, target, shop := g.payments[told.Payment].Form, g.target(&told), g.shop(told.Site)
	g.lock.Unlock()
	if target == "" {
		return true
	}
	faults := g.next()
	fields := fields(&shop, &told, &told.Events[one.event], echoed, one.source)
	fields = signWrong(shop, told.Mode, fields, faults)
	made := wire{target: target, fields: fields, forwarded: g.settings.Forwarded, faults: faults}

	client := g.client
	if slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == Slow || f.Kind == Cut }) {
		client = g.trickle
	}

	begun := g.settings.Clock()
	if slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == Twice }) {
		g.running.Go(func() {
			twin := made.send(g.stopping, client)
			twin.At, twin.Source = begun, one.source
			g.record(one, &twin)
		})
	}
	delivery := made.send(ctx, client)
	delivery.At, delivery.Source = begun, one.source
	delivery.Milliseconds = g.settings.Clock().Sub(begun).Milliseconds()
	return g.record(one, &delivery)
}

// record keeps a delivery, and tells whether the event is delivered by it.
func (g *Gateway) record(one notice, made *Delivery) bool {
	delivered := (made.Status == http.StatusOK || made.Redirected) && !slices.Contains(made.Faults, AnswerLost)
	g.lock.Lock()
	defer g.lock.Unlock()
	changed := g.transactions[one.uuid].clone()
	event := &changed.Events[one.event]
	event.Deliveries = append(event.Deliveries, *made)
	event.Delivered = event.Delivered || delivered
	g.keep(saved{Transactions: []*Transaction{&changed}})
	return delivered
}

// signWrong signs fields, with what goes wrong before, meanwhile and after.
func signWrong(shop Shop, mode string, fields []field, faults []Fault) []field {
	for i := range faults {
		fields = faults[i].before(fields)
	}
	algorithm, key := shop.Algorithm, shop.Keys[mode]
	for i := range faults {
		if faults[i].Kind == Forged {
			key = "not " + key
		}
		if faults[i].Kind == Downgraded {
			algorithm = SHA1
		}
	}
	fields = append(fields, field{signatureField, sign(algorithm, key, fields)})
	for i := range faults {
		fields = faults[i].after(fields)
	}
	return fields
}

// fields are those of a notification, unsigned.
func fields(shop *Shop, of *Transaction, event *Event, echoed map[string]string, source string) []field {
	amount, effective := strconv.FormatInt(of.Amount, 10), strconv.FormatInt(event.Effective, 10)
	all := []field{
		{amountField, amount},
		{"vads_auth_mode", "FULL"},
		{"vads_auth_number", event.AuthNumber},
		{"vads_auth_result", event.Auth},
		{"vads_card_brand", "CB"},
		{"vads_card_country", "FR"},
		{"vads_card_number", of.Card},
		{"vads_contract_used", cmp.Or(shop.Contract, "5785350")},
		{modeField, of.Mode},
		{currencyField, of.Currency},
		{"vads_effective_amount", effective},
		{"vads_effective_creation_date", of.Made.Format(dateLayout)},
		{"vads_effective_currency", of.Currency},
		{"vads_expiry_month", "6"},
		{"vads_expiry_year", strconv.Itoa(of.Made.Year() + 2)},
		{"vads_extra_result", event.Extra},
		{"vads_hash", randomHex(64)},
		{"vads_language", "fr"},
		{"vads_operation_type", of.Operation},
		{orderField, of.Order},
		{"vads_payment_certificate", event.Certificate},
		{configField, of.Config},
		{"vads_payment_src", "EC"},
		{"vads_presentation_date", of.Presented.Format(dateLayout)},
		{"vads_result", event.Result},
		{"vads_sequence_number", strconv.Itoa(of.Sequence)},
		{siteField, of.Site},
		{dateField, of.TransDate},
		{numberField, of.TransID},
		{"vads_trans_status", event.Status},
		{"vads_trans_uuid", of.UUID},
		{"vads_url_check_src", source},
		{versionField, "V2"},
		{"vads_warranty_result", "YES"},
	}
	if of.Card == "" || event.Status == abandoned || event.Status == notCreated {
		for _, name := range []string{"vads_card_brand", "vads_card_country", "vads_card_number", "vads_warranty_result"} {
			all = set(all, name, "")
		}
	}
	if event.Result == resultTechnical || event.Result == resultFormat {
		all = set(all, "vads_trans_uuid", "") // there is no transaction
	}
	known := map[string]bool{}
	for _, one := range all {
		known[one.name] = true
	}
	for name, value := range echoed {
		if strings.HasPrefix(name, prefix) && !known[name] && !isOwn(name) {
			all = append(all, field{name, value})
		}
	}
	return all
}

// isOwn tells whether a field of the form is for the page alone.
func isOwn(name string) bool {
	return strings.HasPrefix(name, "vads_url_") || strings.HasPrefix(name, "vads_redirect_") ||
		name == "vads_theme_config" || name == "vads_return_mode"
}

// wire is a notification as it goes out.
type wire struct {
	target    string
	fields    []field
	forwarded string
	faults    []Fault
}

// send posts once.
func (w *wire) send(ctx context.Context, client *http.Client) Delivery {
	var delivery Delivery
	text := encode(w.fields)
	body := io.Reader(strings.NewReader(text))
	contentType, forwarded := "application/x-www-form-urlencoded", w.forwarded
	for i := range w.faults {
		fault := &w.faults[i]
		delivery.Faults = append(delivery.Faults, fault.Kind)
		switch fault.Kind {
		case Slow:
			step := time.Duration(fault.or(defaultSlow)) * time.Millisecond / slowSteps
			body = &slowly{ctx: ctx, from: body, chunk: max(len(text)/slowSteps, 1), pause: step}
		case Cut:
			body = io.MultiReader(io.LimitReader(body, fault.At), broken{})
		case ContentType:
			contentType = fault.orText("application/json")
		case Foreign:
			forwarded = fault.orText(otherAddress)
		default:
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.target, body)
	if err != nil {
		delivery.Error = err.Error()
		return delivery
	}
	request.ContentLength = int64(len(text))
	request.Header.Set("Content-Type", contentType+"; charset=utf-8")
	request.Header.Set("User-Agent", "SystemPay stand-in")
	if forwarded != "" {
		request.Header.Set("X-Forwarded-For", forwarded)
	}
	response, err := client.Do(request)
	if err != nil {
		delivery.Error = err.Error()
		return delivery
	}
	defer func() { _ = response.Body.Close() }() // only read
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	delivery.Status, delivery.Answer = response.StatusCode, strings.ToValidUTF8(string(answer), "?")
	delivery.Redirected = response.StatusCode >= http.StatusMultipleChoices && response.StatusCode < http.StatusBadRequest
	if err != nil {
		delivery.Error = fmt.Sprintf("the answer broke off: %v", err)
		delivery.Status = 0
	}
	return delivery
}

// slowSteps are the pieces in which a slow body goes.
const slowSteps = 20

// slowly reads a little at a time.
type slowly struct {
	ctx   context.Context //nolint:containedctx // it is the request's, and an io.Reader takes none
	from  io.Reader
	chunk int
	pause time.Duration
}

// Read waits and gives a little.
func (s *slowly) Read(into []byte) (int, error) {
	if err := pause(s.ctx, s.pause); err != nil {
		return 0, err
	}
	return s.from.Read(into[:min(len(into), s.chunk)]) //nolint:wrapcheck // io.Reader's errors go as they are
}

var errCut = errors.New("cut on demand")

// broken ends a body before its end.
type broken struct{}

// Read fails.
func (broken) Read([]byte) (int, error) { return 0, errCut }
