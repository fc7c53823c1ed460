package pain001

import (
	"crypto/sha256"
	"fmt"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

// Instruction is a block as a file has it, a PmtInf.
type Instruction struct {
	Block

	ID           string // PmtInfId
	BatchBooking bool
	Line         int // of the file, on which it begins, from 1
}

// Order is one transfer as a file has it, a CdtTrfTxInf. Its debtor is that of its block; where it has an UltmtDbtr, its
// debtor's name is that one's.
type Order struct {
	transfer.Payment

	InstructionID string // empty when it has none
	Line          int    // of the file, on which it begins, from 1
}

// Handler takes what a file holds, in its order. A nil function is not called, and none is after the first fault. An error
// ends the reading.
//
// What was done is to be forgotten unless Read ends without error: counts and sums are proved last.
type Handler struct {
	Begin func(Message) error // without Account
	Block func(Instruction) error
	Order func(Order) error
}

// File is what was read.
type File struct {
	Version Version
	Message Message // without Account; its orders and its sum are proved
	Blocks  int
	SHA256  [sha256.Size]byte
	Bytes   int64
}

// Read reads a file of pain.001.001.03 or .09, streamed, and controls it by the rules that the writer keeps: the elements
// that it writes, in their order, with InstrId and structured addresses besides; texts, references and amounts as SEPA has
// them; accounts that SEPA reaches; days on which TARGET settles; counts and sums of the file and of each block; no PmtInfId
// and no EndToEndId twice. At most MaxBlocks and MaxOrders are read, and the identifiers of these are what is kept.
//
// Read goes on after a fault of what an element says, so that all of them are found in one go; a fault of the XML ends it.
// The error is then a *fault.Faults, which repeats no text, and no IBAN in full. An error of the source or of handler ends
// the reading and is returned wrapped. name is the file's in faults and errors.
func Read(name string, source io.Reader, handler Handler) (File, error) {
	decoder := iso20022.NewDecoder(name, source)
	r := &reader{
		decoder: decoder, faults: &fault.Faults{File: name}, handler: handler,
		ids: make(map[identifier]struct{}), blockIDs: make(map[string]struct{}),
	}

	r.read()

	if r.err != nil {
		return File{}, fmt.Errorf("read %s: line %d: %w", name, decoder.Line(), r.err)
	}

	if r.over {
		return File{}, r.faults
	}

	sum, size, err := decoder.End()
	if err != nil {
		return File{}, r.faults.Join(err)
	}

	r.faults.Sort()

	if err := r.faults.Err(); err != nil {
		return File{}, err
	}

	return File{Version: r.version, Message: r.message, Blocks: r.blocks, SHA256: sum, Bytes: size}, nil
}

// reader is one reading of a file.
type reader struct {
	decoder *iso20022.Decoder
	faults  *fault.Faults
	handler Handler
	err     error // of the handler
	over    bool  // a limit is reached: what follows is not read

	version Version
	message Message
	file    total
	blocks  int

	block Instruction
	told  bool // the handler has been told of the block
	in    total
	order Order

	ids      map[identifier]struct{}
	blockIDs map[string]struct{}
	contents contents
}

func (r *reader) read() {
	message, err := r.decoder.Message(string(V03), string(V09))
	if err != nil {
		return // given by End
	}

	if message.Name != "CstmrCdtTrfInitn" {
		r.refuse(fault.CodeFormat, "must be CstmrCdtTrfInitn")

		r.over = true

		return
	}

	r.version = Version(message.Definition)
	r.contents = r.describe()
	r.walk(r.contents.message)

	if !r.ended() {
		r.file.check(r)
	}
}

func (r *reader) ended() bool { return r.err != nil || r.over || r.decoder.Err() != nil }

// refuse notes a fault of the current element. It repeats nothing: any text may name somebody where it does not belong.
func (r *reader) refuse(code fault.Code, reason string) {
	r.faults.Add(*r.decoder.Fault(code, "", reason))
}

func (r *reader) limit(most int, what string) {
	r.refuse(fault.CodeTooManyLines, "is beyond the limit of "+strconv.Itoa(most)+" "+what+divide)

	r.over = true
}

// total is what is said of some orders, and what they come to.
type total struct {
	orders     int
	sum        money.Cents
	saidOrders int
	saidSum    money.Cents
	count, add *fault.Fault // where these are said; nil where that cannot be read
	unsummed   bool         // an amount could not be read
}

// check holds the one against the other.
func (t *total) check(r *reader) {
	if t.count != nil && t.saidOrders != t.orders {
		t.count.Code, t.count.Reason = fault.CodeTrailerCount, "is not the number of the orders, "+strconv.Itoa(t.orders)
		r.faults.Add(*t.count)
	}

	if t.add != nil && !t.unsummed && t.saidSum != t.sum {
		t.add.Code, t.add.Reason = fault.CodeTrailerSum, "is not the sum of the orders, "+t.sum.String()
		r.faults.Add(*t.add)
	}
}

// more adds an order, and tells whether the sum is one still.
func (t *total) more(amount money.Cents) bool {
	t.orders++

	sum, err := t.sum.Add(amount)
	if err != nil {
		t.unsummed = true

		return false
	}

	t.sum = sum

	return true
}

// readHeader reads the header, and tells the handler of it.
func (r *reader) readHeader() {
	r.walk(r.contents.header)

	r.message.Orders, r.message.Sum = r.file.saidOrders, r.file.saidSum

	if r.sound() && r.handler.Begin != nil {
		r.err = r.handler.Begin(r.message)
	}
}

// sound tells that nothing is wrong so far.
func (r *reader) sound() bool { return !r.ended() && r.faults.Count == 0 }

func (r *reader) readBlock() {
	if r.blocks == MaxBlocks {
		r.limit(MaxBlocks, "blocks")

		return
	}

	r.blocks++
	r.block, r.in, r.told = Instruction{Line: r.decoder.Line()}, total{}, false

	r.walk(r.contents.block)

	if !r.ended() {
		r.in.check(r)
	}
}

// tellBlock tells the handler of a block, once its first order is there.
func (r *reader) tellBlock() {
	if r.told {
		return
	}

	r.told = true
	r.block.Orders, r.block.Sum = r.in.saidOrders, r.in.saidSum

	if r.sound() && r.handler.Block != nil {
		r.err = r.handler.Block(r.block)
	}
}

func (r *reader) readOrder() {
	r.tellBlock()

	if r.file.orders == MaxOrders {
		r.limit(MaxOrders, "orders")

		return
	}

	r.order = Order{Line: r.decoder.Line()}
	r.order.Debtor = r.block.Debtor

	r.walk(r.contents.order)

	if r.ended() {
		return
	}

	if r.order.Amount == 0 {
		r.file.unsummed, r.in.unsummed = true, true
	}

	if !r.file.more(r.order.Amount) || !r.in.more(r.order.Amount) {
		r.refuse(fault.CodeAmount, "brings the sum of the orders beyond "+money.Max.String())
	}

	if r.sound() && r.handler.Order != nil {
		r.err = r.handler.Order(r.order)
	}
}

// identify notes the EndToEndId of an order.
func (r *reader) identify() {
	r.reference(&r.order.EndToEndID)

	if r.order.EndToEndID == "" {
		return
	}

	var id identifier
	copy(id[:], r.order.EndToEndID)

	if _, twice := r.ids[id]; twice {
		r.refuse(fault.CodeDuplicate, "stands in the file already")
	}

	r.ids[id] = struct{}{}
}

// identifyBlock notes the PmtInfId of a block.
func (r *reader) identifyBlock() {
	r.reference(&r.block.ID)

	if _, twice := r.blockIDs[r.block.ID]; twice && r.block.ID != "" {
		r.refuse(fault.CodeDuplicate, "is that of a block before it")
	}

	r.blockIDs[r.block.ID] = struct{}{}
}

// execution reads a day on which a block is executed.
func (r *reader) execution() {
	date, err := calendar.ParseDate(string(r.decoder.Text()))

	switch {
	case r.ended():
	case err != nil:
		r.refuse(fault.CodeDate, "must be a day as 2006-01-02")
	case !calendar.Target{}.IsBusinessDay(date):
		r.refuse(fault.CodeDate, "must be a day on which TARGET settles")
	}

	r.block.DueDate = date
}
