package systempay

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Payment is a form that was taken, and what the buyer decided.
type Payment struct {
	// ID is the platform's own, not shown to the shop.
	ID string `json:"id"`
	// Form is what the shop signed.
	Form map[string]string `json:"form"`
	// Decision is empty until there is one.
	Decision string `json:"decision,omitempty"`
	// Transactions are those that it made, by their identifiers.
	Transactions []string `json:"transactions,omitempty"`
}

// number is what no other payment has: the shop, its mode, its transaction number, in its day.
func (p *Payment) number() string {
	date := p.Form[dateField]
	return strings.Join([]string{
		p.Form[siteField], p.Form[modeField], date[:min(len(dayLayout), len(date))], strings.ToLower(p.Form[numberField]),
	}, "/")
}

// Transaction is a debit, one of several instalments, a credit, or the verification of a card.
type Transaction struct {
	UUID      string `json:"uuid"` // 32 hexadecimal digits
	Payment   string `json:"payment"`
	Parent    string `json:"parent,omitempty"` // the debit of a credit
	Site      string `json:"site"`
	Mode      string `json:"mode"`
	TransID   string `json:"trans_id"`
	TransDate string `json:"trans_date"` // yyyyMMddHHmmss, UTC
	Order     string `json:"order_id"`
	Operation string `json:"operation_type"` // DEBIT, CREDIT or VERIFICATION
	Config    string `json:"payment_config"`
	Sequence  int    `json:"sequence_number"` // from 1
	// Amount is that of the order, all instalments together; Effective this transaction's own. Both in the smallest unit.
	Amount    int64     `json:"amount"`
	Effective int64     `json:"effective_amount"`
	Credited  int64     `json:"credited,omitempty"` // how much of it went back
	Currency  string    `json:"currency"`           // ISO number
	Card      string    `json:"card_number"`        // masked
	Presented time.Time `json:"presentation_date"`
	Made      time.Time `json:"made"`
	Status    string    `json:"status"`
	// Events are the statuses that it took, each told by a notification.
	Events []Event `json:"events"`
}

// Event is one status that a transaction took.
type Event struct {
	Status      string    `json:"status"`
	Result      string    `json:"result"` // vads_result
	Extra       string    `json:"extra_result,omitempty"`
	Auth        string    `json:"auth_result,omitempty"`
	AuthNumber  string    `json:"auth_number,omitempty"`
	Certificate string    `json:"payment_certificate,omitempty"` // 40 characters
	Effective   int64     `json:"effective_amount"`
	Source      string    `json:"url_check_src"` // of its first notification
	At          time.Time `json:"at"`
	// Delivered says that the shop has answered 200, or a redirect, which is taken for the same.
	Delivered  bool       `json:"delivered"`
	Deliveries []Delivery `json:"deliveries,omitempty"`
}

// Delivery is one notification, as it went.
type Delivery struct {
	At     time.Time `json:"at"`
	Source string    `json:"url_check_src"`
	// Status is the HTTP status of the answer, 0 when there was none.
	Status int `json:"status"`
	// Redirected says that the shop redirected. It is not followed.
	Redirected bool `json:"redirected,omitempty"`
	// Answer is the beginning of what the shop said.
	Answer string `json:"answer,omitempty"`
	Error  string `json:"error,omitempty"`
	// Faults are what went wrong on demand.
	Faults       []Kind `json:"faults,omitempty"`
	Milliseconds int64  `json:"milliseconds"`
}

// The operations.
const (
	debitOperation        = "DEBIT"
	creditOperation       = "CREDIT"
	verificationOperation = "VERIFICATION" // of a card
)

// The statuses.
const (
	authorised         = "AUTHORISED"
	captured           = "CAPTURED"
	toValidate         = "AUTHORISED_TO_VALIDATE"
	waiting            = "WAITING_AUTHORISATION"
	waitingToValidate  = "WAITING_AUTHORISATION_TO_VALIDATE"
	underVerification  = "UNDER_VERIFICATION"
	initial            = "INITIAL"
	suspended          = "SUSPENDED"
	pending            = "PENDING"
	preAuthorised      = "PRE_AUTHORISED"
	capturePending     = "CAPTURE_PENDING"
	captureFailed      = "CAPTURE_FAILED"
	cancelled          = "CANCELLED"
	expired            = "EXPIRED"
	refused            = "REFUSED"
	abandoned          = "ABANDONED"
	notCreated         = "NOT_CREATED"
	accepted           = "ACCEPTED"
	resultDone         = "00"
	resultRefused      = "05"
	resultAbandoned    = "17"
	resultFormat       = "30"
	resultTechnical    = "96"
	sourcePay          = "PAY"
	sourceBatch        = "BATCH"
	sourceAuthorised   = "BATCH_AUTO"
	sourceBackOffice   = "MERCH_BO"
	sourceByHand       = "BO"
	sourceRetry        = "RETRY"
	certificateDigits  = 40
	authNumberDigits   = 6
	uuidDigits         = 32
	maskedCard         = "497010XXXXXX0055"
	delayAuthorisation = 7 // days up to which an authorisation lasts; beyond, it is asked for later
)

// outcome is what a decision makes of a payment.
type outcome struct {
	status, result, extra, auth string
	back                        string // the field that says where the buyer goes
}

// outcomes are the decisions that a buyer, or whoever plays one, can make.
func outcomes() map[string]outcome {
	const success, refusal, cancel, failure = "vads_url_success", "vads_url_refused", "vads_url_cancel", "vads_url_error"
	return map[string]outcome{
		"pay":     {authorised, resultDone, "", resultDone, success},
		"refuse":  {refused, resultRefused, "", resultRefused, refusal},
		"abandon": {abandoned, resultAbandoned, "", "", cancel},
		"error":   {notCreated, resultTechnical, "", "", failure},
		"format":  {notCreated, resultFormat, "09", "", failure},

		"validate":         {toValidate, resultDone, "", resultDone, success},
		"wait":             {waiting, resultDone, "", "", success},
		"wait-to-validate": {waitingToValidate, resultDone, "", "", success},
		"verify":           {underVerification, resultDone, "", resultDone, success},
		"initial":          {initial, resultDone, "", "", success},
		"suspend":          {suspended, resultDone, "", "", success},
		"pending":          {pending, resultDone, "", "", success},
		"pre-authorise":    {preAuthorised, resultDone, "", resultDone, success},
		"capture-pending":  {capturePending, resultDone, "", resultDone, success},
		"card-check":       {accepted, resultDone, "", resultDone, success},
	}
}

// decisions are the names of outcomes.
func decisions() []string {
	all := make([]string, 0, len(outcomes()))
	for name := range outcomes() {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

var (
	errUnknown  = errors.New("no such thing")
	errConflict = errors.New("not from where it stands")
)

// decide makes the transactions of a payment, and says what is to be told.
func (g *Gateway) decide(id, decision, auth string) (*Payment, []notice, error) {
	made, known := outcomes()[decision]
	g.lock.Lock()
	defer g.lock.Unlock()
	kept := g.payments[id]
	if kept == nil || !known {
		return nil, nil, fmt.Errorf("payment, or decision %q: %w", decision, errUnknown)
	}
	if kept.Decision != "" {
		if kept.Decision == decision {
			return kept, nil, nil
		}
		return nil, nil, fmt.Errorf("the buyer has decided otherwise: %w", errConflict)
	}
	taken := &form{fields: kept.Form, currency: kept.Form[currencyField], transID: kept.Form[numberField]}
	if err := taken.amounts(); err != nil {
		return nil, nil, err
	}
	if decision == "pay" {
		made.status = paidStatus(kept.Form)
	}
	if auth != "" && made.status == refused {
		made.auth = auth
	}
	decided := *kept
	decided.Decision = decision
	var told []notice
	var all []*Transaction
	for i := range taken.schedule {
		one := g.instalment(&decided, taken, i)
		if made.status == accepted {
			one.Operation = verificationOperation
		}
		as, source := made, sourcePay
		if i > 0 {
			if made.result != resultDone || made.status == accepted {
				break // there is nothing to wait for
			}
			as.status, as.auth, source = waiting, "", "" // nobody is told before its day
		}
		g.enter(one, as, one.Effective, source)
		all = append(all, one)
		decided.Transactions = append(decided.Transactions, one.UUID)
		if i == 0 {
			told = append(told, notice{one.UUID, 0, sourcePay})
		}
	}
	g.keep(saved{Payment: &decided, Transactions: all})
	return &decided, told, g.broken
}

// amounts reads again what was judged when the form was taken.
func (f *form) amounts() error {
	var err error
	if f.amount, err = strconv.ParseInt(f.fields[amountField], 10, 64); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if f.date, err = time.Parse(dateLayout, f.fields[dateField]); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	f.schedule, err = schedule(f.fields[configField], f.amount, f.date)
	return err
}

// paidStatus is that of a payment that goes well: some wait for the shop, some for a day nearer to their capture.
func paidStatus(fields map[string]string) string {
	delay, err := strconv.Atoi(fields["vads_capture_delay"])
	late := err == nil && delay > delayAuthorisation
	byHand := fields["vads_validation_mode"] == "1"
	switch {
	case late && byHand:
		return waitingToValidate
	case late:
		return waiting
	case byHand:
		return toValidate
	default:
		return authorised
	}
}

// instalment makes a transaction of a payment, without a status.
func (g *Gateway) instalment(of *Payment, taken *form, i int) *Transaction {
	return &Transaction{
		UUID: randomHex(uuidDigits), Payment: of.ID, Site: taken.fields[siteField], Mode: taken.fields[modeField],
		TransID: taken.transID, TransDate: taken.fields[dateField], Order: taken.fields[orderField],
		Operation: debitOperation, Config: taken.fields[configField], Sequence: i + 1,
		Amount: taken.amount, Effective: taken.schedule[i].amount, Currency: taken.currency, Card: maskedCard,
		Presented: taken.schedule[i].due, Made: g.settings.Clock().UTC(),
	}
}

// enter gives a transaction a status. An authorisation makes a certificate, which later statuses keep.
func (g *Gateway) enter(one *Transaction, as outcome, effective int64, source string) {
	event := Event{
		Status: as.status, Result: as.result, Extra: as.extra, Auth: as.auth, Effective: effective, Source: source,
		At: g.settings.Clock().UTC(),
	}
	if as.auth == resultDone {
		event.AuthNumber, event.Certificate = randomHex(authNumberDigits), randomHex(certificateDigits)
		for i := range one.Events {
			if before := &one.Events[i]; before.Certificate != "" {
				event.AuthNumber, event.Certificate = before.AuthNumber, before.Certificate
			}
		}
	}
	one.Status, one.Effective = as.status, effective
	one.Events = append(one.Events, event)
}

// move is how a transaction goes from one status to another.
type move struct {
	from   []string
	to     outcome
	source string
}

// moves are the ways of a transaction, by what asks for them.
func moves() map[string]move {
	asked := []string{waiting, underVerification, initial, suspended, pending, preAuthorised}
	open := slices.Concat(asked, []string{authorised, toValidate, waitingToValidate, capturePending})
	done := func(status string) outcome { return outcome{status: status, result: resultDone, auth: resultDone} }
	return map[string]move{
		"authorise": {asked, done(authorised), sourceAuthorised},
		"validate":  {[]string{toValidate, waitingToValidate}, done(authorised), sourceBackOffice},
		"capture":   {[]string{authorised, capturePending}, done(captured), sourceBatch},
		"fail":      {[]string{authorised, capturePending}, done(captureFailed), sourceBatch},
		"cancel":    {open, done(cancelled), sourceBackOffice},
		"expire":    {open, done(expired), sourceBatch},
		"refuse":    {asked, outcome{status: refused, result: resultRefused, auth: resultRefused}, sourceAuthorised},
	}
}

// advance moves a transaction; less than it held is captured where an amount is given.
func (g *Gateway) advance(id, by string, amount int64) (Transaction, []notice, error) {
	way, known := moves()[by]
	g.lock.Lock()
	defer g.lock.Unlock()
	found := g.transactions[id]
	if found == nil || !known {
		return Transaction{}, nil, fmt.Errorf("transaction, or %q: %w", by, errUnknown)
	}
	if !slices.Contains(way.from, found.Status) || amount < 0 || amount > found.Effective || (amount > 0 && by != "capture") {
		return Transaction{}, nil, fmt.Errorf("%s of %d, from %s of %d: %w", by, amount, found.Status, found.Effective, errConflict)
	}
	if amount == 0 {
		amount = found.Effective
	}
	if by == "validate" && found.Status == waitingToValidate {
		way.to.status, way.to.auth = waiting, ""
	}
	if by == "cancel" || by == "expire" {
		way.to.auth = found.Events[len(found.Events)-1].Auth
	}
	moved := found.clone()
	g.enter(&moved, way.to, amount, way.source)
	g.keep(saved{Transactions: []*Transaction{&moved}})
	return moved.clone(), []notice{{id, len(moved.Events) - 1, way.source}}, g.broken
}

// credit gives back some of what was captured, all that is left of it for an amount of 0, by a transaction of its own.
func (g *Gateway) credit(id string, amount int64) (Transaction, []notice, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	debit := g.transactions[id]
	if debit == nil {
		return Transaction{}, nil, fmt.Errorf("transaction: %w", errUnknown)
	}
	left := debit.Effective - debit.Credited
	if amount == 0 {
		amount = left
	}
	if debit.Operation != debitOperation || debit.Status != captured || amount < 1 || amount > left {
		return Transaction{}, nil, fmt.Errorf("credit %d of %s, with %d left: %w", amount, debit.Status, left, errConflict)
	}
	now := g.settings.Clock().UTC()
	back := &Transaction{
		UUID: randomHex(uuidDigits), Payment: debit.Payment, Parent: debit.UUID, Site: debit.Site, Mode: debit.Mode,
		// The platform's own operations have numbers from 900000.
		TransID: fmt.Sprintf("9%05d", g.credits%100_000), TransDate: now.Format(dateLayout), Order: debit.Order,
		Operation: creditOperation, Config: "SINGLE", Sequence: 1, Amount: amount, Effective: amount, Currency: debit.Currency,
		Card: debit.Card, Presented: now, Made: now,
	}
	g.enter(back, outcomes()["pay"], amount, sourceBackOffice)
	given := debit.clone()
	given.Credited += amount
	g.keep(saved{Transactions: []*Transaction{&given, back}})
	return back.clone(), []notice{{back.UUID, 0, sourceBackOffice}}, g.broken
}
