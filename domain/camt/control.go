package camt

import (
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// tally is what some entries come to.
type tally struct {
	credits, debits   int
	credited, debited money.Cents // neither is below zero
}

// control is what a statement says of its entries, and what these come to.
type control struct {
	begun            bool // the handler has been told
	unsound          bool // an entry could not be read: its statement comes to nothing certain
	opening, closing *place
	previous         *place
	said             []total
	all, booked      tally
	netted           tally // all, with each reversal as the opposite of its direction
}

// place is a balance with where it stands.
type place struct {
	amount money.Cents
	fault  *fault.Fault // without its reason
}

// total is a count or a sum that the statement says of its entries.
type total struct {
	said  int64
	of    func(*tally) int64
	fault *fault.Fault // without its reason
}

// readStatement reads a statement or a notification.
func (r *reader) readStatement(report *content) {
	if r.summary.Statements == MaxStatements {
		r.limit("is beyond the limit of " + strconv.Itoa(MaxStatements) + ": have the file split")

		return
	}

	r.summary.Statements++
	r.statement = Statement{Line: r.decoder.Line()}
	r.control = control{}

	r.walk(report)

	if r.ended() {
		return
	}

	if _, twice := r.ids[r.statement.ID]; twice && r.statement.ID != "" {
		r.refuse(fault.CodeDuplicate, "", "has the Id of one before it")
	}

	r.ids[r.statement.ID] = struct{}{}

	r.begin()
	r.control.check(r)
	r.tell(r.handler.End)
}

// begin tells the handler of a statement once its balances are known.
func (r *reader) begin() {
	if r.control.begun {
		return
	}

	r.control.begun = true
	r.tell(r.handler.Begin)
}

func (r *reader) tell(of func(Statement) error) {
	if r.err == nil && r.faults.Count == 0 && of != nil {
		r.err = of(r.statement)
	}
}

// readEntry reads an entry, and gives it to the handler.
func (r *reader) readEntry(inner *content) {
	r.begin()

	clear(r.entry.Details)
	r.entry = Entry{Line: r.decoder.Line(), Details: r.entry.Details[:0]}
	r.entryAmount, r.charged, r.batched, r.texts = signed{}, false, 0, 0

	faults := r.faults.Count
	r.walk(inner)

	if r.ended() {
		return
	}

	r.summary.Entries++
	r.statement.Entries++

	if r.faults.Count > faults {
		r.control.unsound = true

		return
	}

	r.entry.Amount = r.entryAmount.cents()
	r.checkDetails()
	r.count()

	if r.faults.Count == 0 && r.handler.Entry != nil {
		r.err = r.handler.Entry(&r.entry)
	}
}

// count adds the entry to what its statement comes to.
func (r *reader) count() {
	netted := r.entryAmount
	netted.debit = netted.debit != r.entry.Reversal
	sound := r.control.all.add(&r.entryAmount) && r.control.netted.add(&netted)

	if r.entry.Status == Booked {
		r.summary.Booked++
		r.statement.Booked++

		sound = r.control.booked.add(&r.entryAmount) && sound
		r.statement.Credits, r.statement.Debits = r.control.booked.credited, r.control.booked.debited
	}

	if !sound && !r.control.unsound {
		r.control.unsound = true
		r.refuse(fault.CodeAmount, r.entry.Amount.String(), "brings the sum of the entries beyond "+money.Max.String())
	}
}

func (t *tally) add(entry *signed) bool {
	count, sum := &t.credits, &t.credited
	if entry.debit {
		count, sum = &t.debits, &t.debited
	}

	*count++

	added, err := sum.Add(entry.amount)
	if err == nil {
		*sum = added
	}

	return err == nil
}

// readDetail reads a detail of the current entry.
func (r *reader) readDetail(inner *content) {
	if len(r.entry.Details) == MaxDetails || r.texts > MaxDetailText {
		r.limit("is beyond the limit of " + strconv.Itoa(MaxDetails) + " details with " + strconv.Itoa(MaxDetailText) +
			" bytes of text in one entry")

		return
	}

	r.detail = Detail{}
	r.detailAmount = detailAmount{own: signed{debit: r.entryAmount.debit}}

	r.walk(inner)

	if r.ended() {
		return
	}

	d := &r.detail

	said := r.detailAmount.own
	if said.amount == 0 {
		said.amount = r.detailAmount.transaction
	}

	if said.amount == 0 && r.detailAmount.instructed != 0 {
		said.amount = r.detailAmount.instructed
		r.charged = true // less may have arrived than was ordered
	}

	d.Amount = said.cents()
	r.texts += len(d.MessageID) + len(d.PaymentID) + len(d.InstructionID) + len(d.EndToEndID) + len(d.TransactionID) +
		len(d.BankReference) + len(d.Debtor.Name) + len(d.Debtor.IBAN) + len(d.Creditor.Name) + len(d.Creditor.IBAN) +
		len(d.ReasonInfo) + len(d.Remittance) + len(d.Reference) + len(d.Info)
	r.summary.Details++
	r.entry.Details = append(r.entry.Details, *d)
}

// checkDetails holds what the details of an entry come to against the entry. Only the sizes are compared: banks are seen
// to give all details of a debit as credits.
func (r *reader) checkDetails() {
	details := r.entry.Details
	if len(details) == 0 {
		return
	}

	sum := money.Cents(0)

	for i := range details {
		added, err := sum.Add(details[i].Amount)
		if err != nil {
			r.refuse(CodeDetails, "", "has details whose sum is beyond "+money.Max.String())

			return
		}

		sum = added
	}

	sum = sum.Abs()

	switch {
	case sum > r.entryAmount.amount && !r.charged:
		r.refuse(CodeDetails, r.entryAmount.amount.String(), "has details that come to more, "+sum.String()+", and tells no charges")
	case sum > r.entryAmount.amount:
		r.summary.Charged++
	case sum < r.entryAmount.amount || r.batched > int64(len(details)):
		r.summary.Partial++
	}
}

// balance keeps the balances that the entries lead from and to.
func (c *control) balance(r *reader, found Balance) {
	var kept **place

	switch found.Code {
	case OpeningBooked:
		kept = &c.opening
	case PreviousClosed:
		kept = &c.previous
	case ClosingBooked:
		kept = &c.closing
	default:
		return
	}

	if *kept != nil {
		r.refuse(fault.CodeDuplicate, found.Code, "is a second balance of the kind")
	}

	*kept = &place{found.Amount, r.decoder.Fault(fault.CodeBalance, found.Amount.String(), "")}
}

// check controls what a statement says of its entries.
func (c *control) check(r *reader) {
	if r.version.kind == Statements {
		c.checkBalances(r)
	}

	if c.unsound {
		return
	}

	// Banks differ in whether a summary counts what is not booked, and in how it counts a reversal.
	for _, total := range c.said {
		if total.said != total.of(&c.all) && total.said != total.of(&c.booked) && total.said != total.of(&c.netted) {
			total.fault.Reason = "is not that of the entries"
			r.faults.Add(*total.fault)
		}
	}
}

func (c *control) checkBalances(r *reader) {
	opening := c.opening
	if opening == nil {
		opening = c.previous
	}

	if opening == nil {
		r.refuse(fault.CodeMissing, "", "has no opening balance, OPBD or PRCD")
	}

	if c.closing == nil {
		r.refuse(fault.CodeMissing, "", "has no closing balance, CLBD")
	}

	if opening == nil || c.closing == nil || c.unsound {
		return
	}

	if c.previous != nil && c.previous.amount != opening.amount {
		c.previous.fault.Reason = "is the balance before, and not the opening balance " + opening.amount.String()
		r.faults.Add(*c.previous.fault)
	}

	closing, err := opening.amount.Add(c.booked.credited - c.booked.debited)
	if err != nil || closing != c.closing.amount {
		c.closing.fault.Reason = "is not the opening balance " + opening.amount.String() + ", the booked credits " +
			c.booked.credited.String() + " and the booked debits " + c.booked.debited.String()
		r.faults.Add(*c.closing.fault)
	}
}

// totals is the content of the summary of a statement.
func (r *reader) totals() content {
	everything := r.total(
		func(t *tally) int64 { return int64(t.credits + t.debits) },
		func(t *tally) int64 { return int64(t.credited + t.debited) },
	)
	credits := r.total(
		func(t *tally) int64 { return int64(t.credits) },
		func(t *tally) int64 { return int64(t.credited) },
	)
	debits := r.total(
		func(t *tally) int64 { return int64(t.debits) },
		func(t *tally) int64 { return int64(t.debited) },
	)

	var net signed

	balance := func(t *tally) int64 { return int64(t.credited - t.debited) }
	told := r.sequence(must("Amt", r.decimal(&net.amount)), must("CdtDbtInd", r.debit(&net.debit)))
	newer := func() {
		net = signed{}
		faults := r.faults.Count
		r.walk(&told)
		r.expect(int64(net.cents()), net.cents().String(), balance, faults)
	}
	older := []element{
		may("TtlNetNtryAmt", r.decimal(&net.amount)).from(v02),
		may("CdtDbtInd", r.debit(&net.debit)).from(v02),
	}
	newest := may("TtlNetNtry", newer).from(v04 | v08)
	sums := r.sequence(everything, older, newest)
	olderSums := func() {
		net = signed{}
		faults := r.faults.Count

		r.walk(&sums)

		if r.version.in == v02 && net.amount != 0 {
			r.expect(int64(net.cents()), net.cents().String(), balance, faults)
		}
	}
	creditSums, debitSums := r.sequence(credits), r.sequence(debits)

	return r.sequence(
		may("TtlNtries", olderSums),
		may("TtlCdtNtries", r.within(&creditSums)),
		may("TtlDbtNtries", r.within(&debitSums)),
		skipped(all, "TtlNtriesPerBkTxCd"),
	)
}

// total is a count and a sum of entries.
func (r *reader) total(count, sum func(*tally) int64) []element {
	var (
		number int64
		cents  money.Cents
	)

	return []element{
		may("NbOfNtries", func() {
			faults := r.faults.Count
			r.number(&number)()
			r.expect(number, strconv.FormatInt(number, 10), count, faults)
		}),
		may("Sum", func() {
			faults := r.faults.Count
			r.decimal(&cents)()
			r.expect(int64(cents), cents.String(), sum, faults)
		}),
	}
}

// expect keeps a count or a sum that has just been read, unless it was refused, for when the entries are known.
func (r *reader) expect(said int64, value string, of func(*tally) int64, faults int) {
	if r.faults.Count == faults && r.decoder.Err() == nil {
		r.control.said = append(r.control.said, total{said, of, r.decoder.Fault(CodeTotal, value, "")})
	}
}
