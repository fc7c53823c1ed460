package pain002

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
	"github.com/reglo/reglo/domain/iso20022"
)

const (
	root        = "CstmrPmtStsRpt"
	orderCount  = "OrgnlNbOfTxs"
	orderSum    = "OrgnlCtrlSum"
	blockStatus = "PmtInfSts"
	reasonInfo  = "StsRsnInf"
	statusCount = "NbOfTxsPerSts"
)

// Read reads a report, one order at a time and in bounded memory, and controls it. It tells handler the message as a whole
// before its blocks, and each block before its orders. What handler does is to stand in a transaction, which is rolled back
// unless Read ends without error: the counts can be held against the orders at the end only.
//
// A report is refused, by a *fault.Faults with all faults, when it is no document of one of the two versions; when it holds
// an element twice that may stand once, or one that is unknown where it is read; when a status is not in ISO's list for its
// version and its place; when statuses contradict each other (an order that is rejected in a block that is accepted, or
// accepted in one that is rejected: ACTC, RCVD and PDNG contradict nothing, as they do not judge single orders); when an
// order has no identifier, is named twice, or has a status neither of its own nor of its block or message; when an amount
// is no exact amount of euros; and when the counts and sums by status (NbOfTxsPerSts) are not those of the orders named.
// Orders that the message has and that the report does not name have the status of their block, or of the message: under
// PART, all that are rejected are named.
//
// After a fault Read goes on, so that all of them are found, but tells handler no more, and compares no counts: what could
// not be read is missing from them. An element that cannot be read ends the reading, as all that follows could mean
// something else. An error of the source or of handler ends it too, and is returned wrapped. name is the file's in faults
// and errors.
func Read(name string, source io.Reader, handler Handler) (Report, error) {
	r := newReader(name, source, handler)

	if err := r.read(); err != nil {
		found, isFault := errors.AsType[*fault.Fault](err)
		if !isFault || r.stopped {
			return Report{}, err
		}

		r.faults.Add(*found)
	}

	r.faults.Sort()

	return r.report, r.faults.Err()
}

// reader is one reading of a report.
type reader struct {
	name    string
	decoder *iso20022.Decoder
	handler Handler
	faults  *fault.Faults
	report  Report
	tally   tally // of the message
	seen    seen
	stopped bool // by the handler

	header      *iso20022.Element[iso20022.StatusHeader]
	group       *iso20022.Element[iso20022.StatusGroup]
	reason      *iso20022.Element[iso20022.StatusReason]
	count       *iso20022.Element[iso20022.StatusCount]
	transaction *iso20022.Element[iso20022.StatusTransaction]
}

func newReader(name string, source io.Reader, handler Handler) *reader {
	return &reader{
		name: name, decoder: iso20022.NewDecoder(name, source), handler: handler, faults: &fault.Faults{File: name}, seen: newSeen(),
		header:      iso20022.NewElement[iso20022.StatusHeader](),
		group:       iso20022.NewElement[iso20022.StatusGroup](),
		reason:      iso20022.NewElement[iso20022.StatusReason](),
		count:       iso20022.NewElement[iso20022.StatusCount](),
		transaction: iso20022.NewElement[iso20022.StatusTransaction](),
	}
}

// The children of the message, in their order. Each follows those before.
const (
	beforeHeader = iota
	afterHeader
	afterGroup
	afterPayments
)

func (r *reader) read() error {
	message, err := r.decoder.Message(string(V03), string(V10))
	if err != nil {
		return err
	}

	if message.Name != root {
		return r.decoder.Fault(fault.CodeFormat, message.Name, "must be "+root)
	}

	r.report.Version = Version(message.Definition)

	at := beforeHeader

	for r.decoder.Child() {
		if at, err = r.child(at); err != nil {
			return err
		}
	}

	if r.decoder.Err() != nil {
		return r.decoder.Err()
	}

	if at < afterGroup {
		r.note(r.decoder.Fault(fault.CodeMissing, "", "must hold GrpHdr and OrgnlGrpInfAndSts"))
	} else if r.faults.Count == 0 {
		r.end()
	}

	r.report.SHA256, r.report.Bytes, err = r.decoder.End()

	return err
}

func (r *reader) child(at int) (int, error) {
	switch name := r.decoder.Name(); {
	case name == "GrpHdr" && at == beforeHeader:
		return afterHeader, r.readHeader()
	case name == "OrgnlGrpInfAndSts" && at == afterHeader:
		return afterGroup, r.readGroup()
	case name == "OrgnlPmtInfAndSts" && at == afterGroup:
		return afterGroup, r.readPayment()
	case name == "SplmtryData" && at >= afterGroup && r.report.Version == V10:
		r.decoder.Skip()

		return afterPayments, nil
	default:
		return at, r.decoder.Fault(iso20022.CodeElement, "", "is no element that the message has here")
	}
}

func (r *reader) readHeader() error {
	header, err := r.header.Decode(r.decoder)
	if err != nil {
		return err
	}

	at := place(r.header.Fault)
	r.report.ID = r.id(iso20022.Trimmed(&header.MsgId), true, at, "MsgId")

	r.report.CreatedAt, err = iso20022.ParseInstant(header.CreDtTm)
	if err != nil {
		r.note(at("CreDtTm", fault.CodeDate, "", err.Error()))
	}

	return nil
}

func (r *reader) readGroup() error {
	group, err := r.group.Decode(r.decoder)
	if err != nil {
		return err
	}

	at := place(r.group.Fault)
	report := &r.report
	report.OriginalID = r.id(iso20022.Trimmed(&group.OrgnlMsgId), true, at, "OrgnlMsgId")
	report.OriginalDefinition = r.id(iso20022.Trimmed(&group.OrgnlMsgNmId), true, at, "OrgnlMsgNmId")
	report.Orders = r.number(group.OrgnlNbOfTxs != nil, iso20022.Trimmed(group.OrgnlNbOfTxs), at, orderCount)
	report.Sum = r.sum(group.OrgnlCtrlSum != nil, iso20022.Trimmed(group.OrgnlCtrlSum), at, orderSum)
	report.Status = r.status(group.GrpSts != nil, iso20022.Trimmed(group.GrpSts), ofGroup, at, "GrpSts")

	report.Reasons = r.reasons(group.StsRsnInf, at)
	report.Counts = r.counts(group.NbOfTxsPerSts, at)

	if r.handler.Group == nil || r.faults.Count > 0 {
		return nil
	}

	return r.pass(r.handler.Group(r.report))
}

// readPayment reads a block. Its orders come last in it.
func (r *reader) readPayment() error {
	r.report.Payments++

	if r.report.Payments > MaxPayments {
		return r.decoder.Fault(fault.CodeTooManyLines, "", "is beyond the limit of "+strconv.Itoa(MaxPayments)+" blocks")
	}

	block := block{
		reader: r, place: r.decoder.Fault(iso20022.CodeElement, "", ""), own: make(map[string]bool),
	}

	for r.decoder.Child() {
		if err := block.child(); err != nil {
			return err
		}
	}

	if r.decoder.Err() != nil {
		return r.decoder.Err()
	}

	if err := block.tell(); err != nil {
		return err
	}

	if r.faults.Count == 0 {
		block.tally.check(block.payment.Status, block.payment.Orders, block.payment.Counts, block.note)
	}

	r.tally.merge(&block.payment, &block.tally)

	return nil
}

// block is one reading of a block.
type block struct {
	*reader

	payment Payment
	tally   tally
	place   *fault.Fault    // where it begins
	own     map[string]bool // elements that have been found
	told    bool            // its orders have begun
}

func (b *block) note(element string, code fault.Code, value, reason string) {
	found := *b.place
	found.Code, found.Value, found.Reason = code, fault.Printable([]byte(value)), reason

	if element != "" {
		found.Field += "/" + element
	}

	b.reader.note(&found)
}

func (b *block) child() error {
	name, d := b.decoder.Name(), b.decoder

	switch name {
	case "TxInfAndSts":
		return b.readTransaction()
	case reasonInfo, statusCount:
	default:
		if b.own[name] {
			return d.Fault(iso20022.CodeElement, "", "stands here twice")
		}

		b.own[name] = true
	}

	if b.told {
		return d.Fault(iso20022.CodeElement, "", "must stand before the orders of the block")
	}

	return b.readOwn(name)
}

// readOwn reads an element that speaks of the block as a whole.
func (b *block) readOwn(name string) error {
	at := func(_ string, code fault.Code, value, reason string) *fault.Fault {
		return b.decoder.Fault(code, value, reason)
	}

	switch payment := &b.payment; name {
	case "OrgnlPmtInfId":
		payment.OriginalID = b.id(string(b.decoder.Text()), true, at, "")
	case orderCount:
		payment.Orders = b.number(true, string(b.decoder.Text()), at, "")
	case orderSum:
		payment.Sum = b.sum(true, string(b.decoder.Text()), at, "")
	case blockStatus:
		payment.Status = b.status(true, string(b.decoder.Text()), ofGroup, at, "")
	case reasonInfo:
		reason, err := b.reason.Decode(b.decoder)
		if err != nil {
			return err
		}

		if len(payment.Reasons) == MaxReasons {
			return b.tooMany(b.reason.Fault, "")
		}

		payment.Reasons = append(payment.Reasons, b.readReason(reason, b.reason.Fault, ""))
	case statusCount:
		count, err := b.count.Decode(b.decoder)
		if err != nil {
			return err
		}

		payment.Counts = b.addCount(payment.Counts, count, b.count.Fault, "")
	default:
		return b.decoder.Fault(iso20022.CodeElement, "", "is no element that the message has here")
	}

	return b.decoder.Err()
}

// tell ends what is said of the block as a whole, and tells the handler.
func (b *block) tell() error {
	if b.told {
		return nil
	}

	b.told = true

	switch payment, whole := &b.payment, b.report.Status; {
	case !b.own["OrgnlPmtInfId"]:
		b.note("OrgnlPmtInfId", fault.CodeMissing, "", "must name the block")
	case b.payment.OriginalID != "" && !b.seen.first("B"+payment.OriginalID):
		b.note("OrgnlPmtInfId", fault.CodeDuplicate, shown(payment.OriginalID), "is named twice")
	case !whole.allows(payment.Status):
		b.note(blockStatus, fault.CodeKind, string(payment.Status), "contradicts the status of the message, "+string(whole))
	case !b.own[blockStatus] && whole != Partial:
		payment.Status = whole

		if len(payment.Reasons) == 0 {
			payment.Reasons = b.report.Reasons
		}
	}

	if b.handler.Payment == nil || b.faults.Count > 0 {
		return nil
	}

	return b.pass(b.handler.Payment(b.payment))
}

func (b *block) readTransaction() error {
	if err := b.tell(); err != nil {
		return err
	}

	b.report.Transactions++

	if b.report.Transactions > MaxTransactions {
		return b.decoder.Fault(fault.CodeTooManyLines, "", "is beyond the limit of "+strconv.Itoa(MaxTransactions)+" orders")
	}

	read, err := b.transaction.Decode(b.decoder)
	if err != nil {
		return err
	}

	at := place(b.transaction.Fault)
	order := Transaction{
		PaymentID:     b.payment.OriginalID,
		StatusID:      b.id(iso20022.Trimmed(read.StsId), false, at, "StsId"),
		InstructionID: b.id(iso20022.Trimmed(read.OrgnlInstrId), false, at, "OrgnlInstrId"),
		EndToEndID:    b.id(iso20022.Trimmed(read.OrgnlEndToEndId), false, at, "OrgnlEndToEndId"),
		Status:        b.status(read.TxSts != nil, iso20022.Trimmed(read.TxSts), ofOrder, at, "TxSts"),
		Reasons:       b.reasons(read.StsRsnInf, at),
	}

	if read.OrgnlTxRef != nil && read.OrgnlTxRef.Amt != nil && read.OrgnlTxRef.Amt.InstdAmt != nil {
		order.Amount = b.amount(read.OrgnlTxRef.Amt.InstdAmt, at, "OrgnlTxRef/Amt/InstdAmt")
	}

	b.identify(&order, read, at)

	if read.TxSts == nil {
		b.inherit(&order, at)
	} else {
		b.compare(order.Status, at)
	}

	b.tally.add(order.Status, 1, order.Amount)

	if b.handler.Transaction == nil || b.faults.Count > 0 {
		return nil
	}

	return b.pass(b.handler.Transaction(order))
}

// identify controls that the order is named, and once.
func (b *block) identify(order *Transaction, read *iso20022.StatusTransaction, at place) {
	said := iso20022.Trimmed(read.OrgnlEndToEndId)
	if (said == "" || said == iso20022.NotProvided) && iso20022.Trimmed(read.OrgnlInstrId) == "" {
		b.reader.note(at("", fault.CodeMissing, "", "names its order neither by OrgnlEndToEndId nor by OrgnlInstrId"))

		return
	}

	key, path := "E"+order.EndToEndID, "OrgnlEndToEndId"
	if order.EndToEndID == "" || order.EndToEndID == iso20022.NotProvided {
		key, path = "I"+order.InstructionID, "OrgnlInstrId"
	}

	// One that could not be read has its fault already.
	if len(key) > 1 && !b.seen.first(key) {
		b.reader.note(at(path, fault.CodeDuplicate, shown(key[1:]), "names an order twice"))
	}
}

// inherit gives an order that has no status of its own that of its block.
func (b *block) inherit(order *Transaction, at place) {
	if b.own[blockStatus] && b.payment.Status == "" {
		return // what could not be read has its fault already
	}

	if b.payment.Status == "" || b.payment.Status == Partial {
		b.reader.note(at("TxSts", fault.CodeMissing, "", "must be said, as neither the block nor the message have a status of all orders"))

		return
	}

	order.Status = b.payment.Status

	if len(order.Reasons) == 0 {
		order.Reasons = b.payment.Reasons
	}
}

func (b *block) compare(status Status, at place) {
	switch {
	case !b.payment.Status.allows(status):
		b.reader.note(at("TxSts", fault.CodeKind, string(status), "contradicts the status of the block, "+string(b.payment.Status)))
	case !b.report.Status.allows(status):
		b.reader.note(at("TxSts", fault.CodeKind, string(status), "contradicts the status of the message, "+string(b.report.Status)))
	}
}

// end controls what only the end of the message tells.
func (r *reader) end() {
	at := r.decoder.Fault(iso20022.CodeElement, "", "")
	at.Line, at.Column = 0, 0
	at.Field += "/OrgnlGrpInfAndSts"

	note := func(element string, code fault.Code, value, reason string) {
		found := *at
		found.Code, found.Value, found.Reason = code, value, reason

		if element != "" {
			found.Field += "/" + element
		}

		r.note(&found)
	}

	if r.report.Status == "" && r.report.Payments == 0 {
		note("GrpSts", fault.CodeMissing, "", "must be said, as no block is named")
	}

	r.tally.check(r.report.Status, r.report.Orders, r.report.Counts, note)
}

func (r *reader) note(found *fault.Fault) { r.faults.Add(*found) }

// pass wraps an error of the handler.
func (r *reader) pass(err error) error {
	if err != nil {
		r.stopped = true

		return fmt.Errorf("read %s: line %d: %w", r.name, r.decoder.Fault(iso20022.CodeElement, "", "").Line, err)
	}

	return nil
}

// place makes faults of an element, or of what is in it at a path.
type place func(path string, code fault.Code, value, reason string) *fault.Fault

// seen tells whether an identifier has come before. It keeps sixteen bytes of each: two different ones that are taken for
// the same are less likely than a fault of the memory.
type seen struct {
	seeds [2]maphash.Seed
	keys  map[[2]uint64]struct{}
}

func newSeen() seen {
	return seen{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, keys: make(map[[2]uint64]struct{})}
}

func (s *seen) first(key string) bool {
	hashes := [2]uint64{maphash.String(s.seeds[0], key), maphash.String(s.seeds[1], key)}
	_, known := s.keys[hashes]
	s.keys[hashes] = struct{}{}

	return !known
}

// shown is an identifier as a fault may repeat it.
func shown(id string) string {
	if iban.Resembles(id) {
		return iban.Mask(id)
	}

	return id
}
