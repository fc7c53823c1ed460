package systempay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Flood is a busy day of the platform: many notifications, of which the seed says all, but for their hashes. It keeps
// nothing and answers nothing; it knows the receiver alone.
type Flood struct {
	// Target is where notifications go.
	Target string
	// Shop signs, in Mode.
	Shop Shop
	Mode string
	// Orders are those that are paid for, one transaction each; Count transactions are made up where there are none.
	Orders []Order
	Count  int
	// Connections is how many notifications are under way at a time.
	Connections int
	// Resend, Forged and Credit are shares, from 0 to 1: of notifications that are sent once more, with another hash and
	// signature; of those of which there is another one, too, that somebody else has signed; and of transactions that were
	// captured and are given back, some of it or all. A forged one also says another amount.
	Resend, Forged, Credit float64
	// Shuffle sends everything in any order; otherwise one transaction begins after another, and so do its
	// notifications, as far as there is one connection.
	Shuffle bool
	// Rate is how many a second, as many as can be for 0.
	Rate float64
	// Attempts is how often one is sent that has no answer, or one of 5xx; and then it is given up.
	Attempts int
	// Pause is the wait before the second attempt, twice as long before each further one.
	Pause time.Duration
	// Seed says what happens.
	Seed uint64
	// Start is the time of the first transaction; one comes each second.
	Start time.Time
	// Forwarded and From are as in [Settings].
	Forwarded, From string
	// Clock measures.
	Clock func() time.Time
}

// Order is what a transaction of a flood pays for.
type Order struct {
	ID        string `json:"order_id"`
	Amount    int64  `json:"amount"`     // in the smallest unit
	Currency  string `json:"currency"`   // ISO number, 978 when it is empty
	TransID   string `json:"trans_id"`   // made up when it is empty
	TransDate string `json:"trans_date"` // yyyyMMddHHmmss, UTC; made up when it is empty
}

// Truth is a line of the ledger: what became of one transaction in the end.
type Truth struct {
	UUID      string `json:"trans_uuid"`
	TransID   string `json:"trans_id"`
	TransDate string `json:"trans_date"`
	Order     string `json:"order_id"`
	Operation string `json:"operation_type"`
	Sequence  int    `json:"sequence_number"`
	Status    string `json:"trans_status"`
	Result    string `json:"result"`
	// Amount is what moved or will, in the smallest unit: nothing where the status is that of no money.
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	// Statuses are all that it took, in their order.
	Statuses []string `json:"statuses"`
	// Notifications is how many were sent of it, resends included and forged ones not.
	Notifications int `json:"notifications"`
}

// Tally is what came of a flood.
type Tally struct {
	Transactions  int            `json:"transactions"` // credits included
	Notifications int            `json:"notifications"`
	Resent        int            `json:"resent"` // of the notifications
	Forged        int            `json:"forged"` // besides the notifications
	Statuses      map[string]int `json:"statuses"`
	// Forgeries are the statuses of forged ones alone; Statuses count all others, each attempt.
	Forgeries map[string]int `json:"forgeries"`
	GivenUp   int            `json:"given_up"`
	Seconds   float64        `json:"seconds"`
	PerSecond float64        `json:"per_second"` // answers
	// The latencies of answers, in milliseconds: from the first byte sent, or from the time that the rate gives it where there
	// is one, so that a receiver that stops answering does not make those late that wait meanwhile look quick.
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// Behind is the longest that a notification waited for a connection, in milliseconds after the time that the rate gives
	// it. A receiver that keeps up leaves little.
	Behind float64 `json:"behind_ms"`
}

// ErrFlood is a flood that says too little.
var ErrFlood = errors.New("flood: want a target, a shop with a key of the mode, a count or orders, at least one connection and " +
	"attempt, shares from 0 to 1, a start and a clock")

const (
	// maxFlood is how many transactions there are at most: what is still to be sent is kept in memory.
	maxFlood = 5_000_000
	// noAnswer stands for the status of an answer that did not come.
	noAnswer = "none"
)

// life is what happens to a transaction, with its share of a thousand.
type life struct {
	share  int
	events []outcome
}

// lives are what happens on such a day.
func lives() []life {
	done := func(status string) outcome { return outcome{status: status, result: resultDone, auth: resultDone} }
	return []life{
		{700, []outcome{done(authorised), done(captured)}},
		{80, []outcome{done(authorised)}},
		{50, []outcome{done(authorised), done(cancelled)}},
		{40, []outcome{done(toValidate), done(authorised), done(captured)}},
		{20, []outcome{done(toValidate), done(expired)}},
		{10, []outcome{done(authorised), done(captureFailed)}},
		{60, []outcome{{status: refused, result: resultRefused, auth: resultRefused}}},
		{40, []outcome{{status: abandoned, result: resultAbandoned}}},
	}
}

// job is one notification that is to be sent.
type job struct {
	transaction uint32
	event       uint8
	credit      bool
	kind        jobKind
}

type jobKind uint8

const (
	firstTime jobKind = iota
	sentAgain
	forgery
)

// Run sends it all, and gives what came of it. The ledger has a line of JSON for each transaction: a [Truth]. It is written
// before anything is sent, and holds for a receiver that has taken every notification.
func (f *Flood) Run(ctx context.Context, ledger io.Writer) (Tally, error) {
	if err := f.check(); err != nil {
		return Tally{}, err
	}
	jobs, tally, err := f.plan(ledger)
	if err != nil {
		return Tally{}, err
	}
	client, err := newClient(f.From, f.Connections, 0)
	if err != nil {
		return Tally{}, err
	}
	defer client.CloseIdleConnections()
	run := &floodRun{Flood: f, client: client, tally: tally, begun: f.Clock()}
	err = run.all(ctx, jobs)
	run.sum(f.Clock().Sub(run.begun))
	return run.tally, err
}

func (f *Flood) check() error {
	count := f.count()
	shares := []float64{f.Resend, f.Forged, f.Credit}
	known := isAddress(f.Target) && f.Shop.check() == nil && f.Shop.Keys[f.Mode] != "" && !f.Start.IsZero() && f.Clock != nil
	bounded := count >= 1 && count <= maxFlood && f.Connections >= 1 && f.Attempts >= 1 && f.Rate >= 0
	if !known || !bounded || slices.Min(shares) < 0 || slices.Max(shares) > 1 {
		return ErrFlood
	}
	return f.checkOrders()
}

func (f *Flood) checkOrders() error {
	for i := range f.Orders {
		if f.Orders[i].ID == "" || f.Orders[i].Amount < 1 {
			return fmt.Errorf("order %d, %q of %d: %w", i+1, f.Orders[i].ID, f.Orders[i].Amount, ErrFlood)
		}
	}
	return nil
}

func (f *Flood) count() int {
	if len(f.Orders) > 0 {
		return len(f.Orders)
	}
	return f.Count
}

// plan says what is to be sent, and writes the ledger.
func (f *Flood) plan(ledger io.Writer) ([]job, Tally, error) {
	tally := Tally{Statuses: map[string]int{}, Forgeries: map[string]int{}}
	out := bufio.NewWriter(ledger)
	lines := json.NewEncoder(out)
	random := rand.New(rand.NewPCG(f.Seed, 0)) //nolint:gosec // the same flood again for the same seed
	var jobs []job
	for i := range f.count() {
		for _, credit := range []bool{false, true} {
			one, draws := f.transaction(uint32(i), credit)
			if one == nil {
				continue
			}
			truth := one.truth()
			for event := range one.Events {
				add := func(kind jobKind) {
					jobs = append(jobs, job{uint32(i), uint8(event), credit, kind}) //nolint:gosec // few, and no more than maxFlood
				}
				add(firstTime)
				truth.Notifications++
				if draws.Float64() < f.Resend {
					add(sentAgain)
					truth.Notifications++
					tally.Resent++
				}
				if draws.Float64() < f.Forged {
					add(forgery)
					tally.Forged++
				}
			}
			tally.Transactions++
			tally.Notifications += truth.Notifications
			if err := lines.Encode(&truth); err != nil {
				return nil, Tally{}, fmt.Errorf("write the ledger: %w", err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return nil, Tally{}, fmt.Errorf("write the ledger: %w", err)
	}
	if f.Shuffle {
		random.Shuffle(len(jobs), func(a, b int) { jobs[a], jobs[b] = jobs[b], jobs[a] })
	}
	return jobs, tally, nil
}

// transaction gives one with all its events, always the same, and what else there is to be drawn for it; none where nothing
// is given back.
func (f *Flood) transaction(i uint32, credit bool) (*Transaction, *rand.Rand) {
	draws := rand.New(rand.NewPCG(f.Seed, uint64(i)+1)) //nolint:gosec // the same flood again for the same seed
	made := f.Start.UTC().Add(time.Duration(i) * time.Second)
	one := &Transaction{
		UUID: drawHex(draws, uuidDigits), Site: f.Shop.Site, Mode: f.Mode,
		TransID: fmt.Sprintf("%06d", i%900_000), TransDate: made.Format(dateLayout),
		Order:     fmt.Sprintf("TS%d-%s-%011d-1", made.Year(), made.Format(dayLayout), i+1),
		Operation: debitOperation, Config: "SINGLE", Sequence: 1, Currency: "978", Amount: 100 + draws.Int64N(100_000),
		Card: maskedCard, Presented: made, Made: made,
	}
	if len(f.Orders) > 0 {
		f.Orders[i].put(one)
	}
	one.Effective = one.Amount
	share, chosen := draws.IntN(1000), life{}
	for _, chosen = range lives() {
		if share -= chosen.share; share < 0 {
			break
		}
	}
	one.live(chosen.events, draws)
	back, amount, id := draws.Float64() < f.Credit, 1+draws.Int64N(one.Amount), drawHex(draws, uuidDigits)
	if !credit {
		return one, draws
	}
	if one.Status != captured || !back {
		return nil, nil
	}
	one.Parent, one.UUID, one.Operation, one.Config = one.UUID, id, creditOperation, "SINGLE"
	one.TransID = fmt.Sprintf("9%05d", i%100_000)
	one.Amount, one.Effective, one.Events = amount, amount, nil
	one.live(lives()[0].events, draws)
	return one, draws
}

// floodForm is what a shop's form said besides the order.
func floodForm() map[string]string {
	return map[string]string{
		actionField: "INTERACTIVE", pageField: "PAYMENT", "vads_capture_delay": "0", "vads_validation_mode": "0",
		"vads_cust_id": "4711", "vads_ext_info_channel": "Zoé & co + rien",
	}
}

// put gives a transaction what the order says.
func (o *Order) put(one *Transaction) {
	one.Order, one.Amount = o.ID, o.Amount
	if o.Currency != "" {
		one.Currency = o.Currency
	}
	if o.TransID != "" {
		one.TransID = o.TransID
	}
	if o.TransDate != "" {
		one.TransDate = o.TransDate
	}
}

// live gives a transaction its events.
func (t *Transaction) live(events []outcome, draws *rand.Rand) {
	number, certificate := drawHex(draws, authNumberDigits), drawHex(draws, certificateDigits)
	for i, as := range events {
		event := Event{
			Status: as.status, Result: as.result, Auth: as.auth, Effective: t.Effective,
			At: t.Made.Add(time.Duration(i) * time.Hour), Source: sourceBatch,
		}
		if i == 0 {
			event.Source = sourcePay
		}
		if as.auth == resultDone {
			event.AuthNumber, event.Certificate = number, certificate
		}
		t.Status = as.status
		t.Events = append(t.Events, event)
	}
}

// truth gives the line of the ledger.
func (t *Transaction) truth() Truth {
	truth := Truth{
		UUID: t.UUID, TransID: t.TransID, TransDate: t.TransDate, Order: t.Order, Operation: t.Operation, Sequence: t.Sequence,
		Status: t.Status, Result: t.Events[len(t.Events)-1].Result, Currency: t.Currency,
	}
	if t.Status == authorised || t.Status == captured {
		truth.Amount = t.Effective
	}
	for i := range t.Events {
		truth.Statuses = append(truth.Statuses, t.Events[i].Status)
	}
	return truth
}

// drawHex gives so many digits out of what is drawn.
func drawHex(draws *rand.Rand, digits int) string {
	const alphabet = "0123456789abcdef"
	text := make([]byte, digits)
	for i := range text {
		text[i] = alphabet[draws.IntN(len(alphabet))]
	}
	return string(text)
}

// floodRun is a flood under way.
type floodRun struct {
	*Flood

	client *http.Client
	begun  time.Time

	lock      sync.Mutex
	tally     Tally
	latencies []time.Duration
}

// all sends all jobs, so many at a time.
func (r *floodRun) all(ctx context.Context, jobs []job) error {
	r.latencies = make([]time.Duration, 0, len(jobs))
	next := make(chan int)
	var senders sync.WaitGroup
	for range r.Connections {
		senders.Go(func() {
			for i := range next {
				r.late(i)
				r.deliver(ctx, i, jobs[i])
			}
		})
	}
	for i := range jobs {
		if pause(ctx, r.due(i).Sub(r.Clock())) != nil {
			break
		}
		next <- i
	}
	close(next)
	senders.Wait()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("flood: it was interrupted: %w", err)
	}
	return nil
}

// due is when a job is to go, by the rate: at once where there is none.
func (r *floodRun) due(i int) time.Time {
	if r.Rate == 0 {
		return r.begun
	}
	return r.begun.Add(time.Duration(float64(i) / r.Rate * float64(time.Second)))
}

// late notes how far a job goes behind its time.
func (r *floodRun) late(i int) {
	if r.Rate == 0 {
		return
	}
	behind := float64(r.Clock().Sub(r.due(i))) / float64(time.Millisecond)
	r.lock.Lock()
	defer r.lock.Unlock()
	r.tally.Behind = max(r.tally.Behind, behind)
}

// pause waits, not at all for nothing or less, and fails when the context ends.
func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deliver sends one until it is answered, and not by 5xx.
func (r *floodRun) deliver(ctx context.Context, i int, one job) {
	told, _ := r.transaction(one.transaction, one.credit)
	event := &told.Events[one.event]
	for attempt := range r.Attempts {
		if attempt > 0 && pause(ctx, r.Pause<<(attempt-1)) != nil {
			return
		}
		source := event.Source
		if one.kind == sentAgain || attempt > 0 {
			source = sourceRetry
		}
		var faults []Fault
		if one.kind == forgery {
			faults = []Fault{{Kind: Forged}, {Kind: Tampered}}
		}
		made := wire{
			target: r.Target, forwarded: r.Forwarded,
			fields: signWrong(r.Shop, r.Mode, fields(&r.Shop, told, event, floodForm(), source), faults),
		}
		begun := r.Clock()
		if attempt == 0 && r.Rate > 0 {
			begun = r.due(i)
		}
		answer := made.send(ctx, r.client)
		if r.count(one.kind, answer.Status, r.Clock().Sub(begun)) {
			return
		}
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.tally.GivenUp++
}

// count counts an answer, and tells whether it is one that ends the matter.
func (r *floodRun) count(kind jobKind, status int, took time.Duration) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	statuses, name := r.tally.Statuses, strconv.Itoa(status)
	if kind == forgery {
		statuses = r.tally.Forgeries
	}
	if status == 0 {
		statuses[noAnswer]++
		return false
	}
	statuses[name]++
	r.latencies = append(r.latencies, took)
	return status < http.StatusInternalServerError
}

// sum says how long it took.
func (r *floodRun) sum(took time.Duration) {
	r.tally.Seconds = took.Seconds()
	if len(r.latencies) == 0 {
		return
	}
	if took > 0 {
		r.tally.PerSecond = float64(len(r.latencies)) / took.Seconds()
	}
	slices.Sort(r.latencies)
	percentile := func(part float64) float64 {
		at := min(int(part*float64(len(r.latencies))), len(r.latencies)-1)
		return float64(r.latencies[at]) / float64(time.Millisecond)
	}
	r.tally.P50, r.tally.P95, r.tally.P99, r.tally.Max = percentile(0.50), percentile(0.95), percentile(0.99), percentile(1)
}

// ReadOrders reads orders, a line of JSON each.
func ReadOrders(from io.Reader) ([]Order, error) {
	decoder := json.NewDecoder(from)
	decoder.DisallowUnknownFields()
	var orders []Order
	for {
		var one Order
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return orders, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the orders, line %d: %w", len(orders)+1, err)
		}
		orders = append(orders, one)
	}
}
