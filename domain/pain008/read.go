package pain008

import (
	"errors"
	"io"
	"strconv"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
)

const (
	root      = "CstmrDrctDbtInitn"
	method    = "DD"
	debitName = "DrctDbtTxInf"

	blockID      = "PmtInfId"
	collectOn    = "ReqdColltnDt"
	orderCount   = "NbOfTxs"
	orderSum     = "CtrlSum"
	kindName     = "PmtTpInf"
	schemeName   = "CdtrSchmeId"
	creditorName = "Cdtr"
	accountName  = "CdtrAcct"
	agentName    = "CdtrAgt"
)

// Read reads a file of direct debits, one at a time and in bounded memory, and controls it: the numbers and sums of the file
// and of each block; IBANs, of accounts that SEPA reaches; BICs, or NOTPROVIDED in their place; names of creditors and
// debtors; the creditor's identifier; of each direct debit its EndToEndId, its amount, its mandate with the day on which it
// was signed, its scheme (CORE or B2B) and its sequence, said for it or for its block but not for both; and that blocks are
// not called the same.
//
// A file is refused, by a *fault.Faults with all faults, when one of these is wrong, when it is another message or version,
// and when it holds an element twice that may stand once, or one that is unknown where it is read. Faults repeat no name, no
// IBAN and no mandate. An element that cannot be read ends the reading, as all that follows could mean something else. An
// error of the source ends it too, and is returned wrapped. name is the file's in faults and errors.
func Read(name string, source io.Reader) (Summary, error) {
	r := &reader{
		decoder: iso20022.NewDecoder(name, source), faults: &fault.Faults{File: name},
		summary: Summary{BySequence: make(map[Sequence]Total), ByScheme: make(map[Scheme]Total)},
		ids:     make(map[string]bool),

		header: iso20022.NewElement[iso20022.DebitHeader](), kind: iso20022.NewElement[iso20022.DebitKind](),
		named: iso20022.NewElement[iso20022.Named](), account: iso20022.NewElement[iso20022.Account](),
		agent: iso20022.NewElement[iso20022.Agent](), scheme: iso20022.NewElement[iso20022.Scheme](),
		debit: iso20022.NewElement[iso20022.DebitTransaction](),
	}

	if err := r.read(); err != nil {
		found, isFault := errors.AsType[*fault.Fault](err)
		if !isFault {
			return Summary{}, err
		}

		r.note(found)
	}

	r.faults.Sort()

	return r.summary, r.faults.Err()
}

// reader is one reading of a file.
type reader struct {
	decoder *iso20022.Decoder
	faults  *fault.Faults
	summary Summary
	said    control // of the file
	ids     map[string]bool

	header  *iso20022.Element[iso20022.DebitHeader]
	kind    *iso20022.Element[iso20022.DebitKind]
	named   *iso20022.Element[iso20022.Named]
	account *iso20022.Element[iso20022.Account]
	agent   *iso20022.Element[iso20022.Agent]
	scheme  *iso20022.Element[iso20022.Scheme]
	debit   *iso20022.Element[iso20022.DebitTransaction]
}

func (r *reader) note(found *fault.Fault) { r.faults.Add(*found) }

func (r *reader) read() error {
	message, err := r.decoder.Message(Version)
	if err != nil {
		return err
	}

	if message.Name != root {
		return r.decoder.Fault(fault.CodeFormat, message.Name, "must be "+root)
	}

	headed := false

	for r.decoder.Child() {
		switch name := r.decoder.Name(); {
		case name == "GrpHdr" && !headed:
			headed = true
			err = r.readHeader()
		case name == "PmtInf" && headed:
			err = r.readBlock()
		default:
			err = r.decoder.Fault(iso20022.CodeElement, "", "is no element that the message has here")
		}

		if err != nil {
			return err
		}
	}

	if r.decoder.Err() != nil {
		return r.decoder.Err()
	}

	if len(r.summary.Blocks) == 0 {
		r.note(r.decoder.Fault(fault.CodeMissing, "", "must hold GrpHdr and PmtInf"))
	}

	r.said.check(r, r.summary.Total)
	r.summary.SHA256, r.summary.Bytes, err = r.decoder.End()

	return err
}

func (r *reader) readHeader() error {
	header, err := r.header.Decode(r.decoder)
	if err != nil {
		return err
	}

	at := place(r.header.Fault)
	r.summary.ID = r.id(iso20022.Trimmed(&header.MsgId), at, "MsgId")

	r.summary.CreatedAt, err = iso20022.ParseInstant(header.CreDtTm)
	if err != nil {
		r.note(at("CreDtTm", fault.CodeDate, "", err.Error()))
	}

	r.said.number(r, iso20022.Trimmed(&header.NbOfTxs), at, orderCount)

	if header.CtrlSum != nil {
		r.said.sum(r, *header.CtrlSum, at, orderSum)
	}

	return nil
}

// control is the number and the sum that a file, or a block, says of itself.
type control struct {
	count, total *fault.Fault // where they are said, and as what; nil when they are not, or cannot be read
	debits       int
	amount       money.Cents
}

func (c *control) number(r *reader, text string, at place, path string) {
	count, err := iso20022.ParseCount(text)
	if err != nil {
		r.note(at(path, fault.CodePattern, "", err.Error()))

		return
	}

	c.debits, c.count = count, at(path, fault.CodeTrailerCount, strconv.Itoa(count), "")
}

func (c *control) sum(r *reader, text string, at place, path string) {
	sum, err := iso20022.ParseAmount(text)
	if err != nil {
		r.note(at(path, fault.CodeAmount, "", err.Error()))

		return
	}

	c.amount, c.total = sum, at(path, fault.CodeTrailerSum, sum.String(), "")
}

// check compares what is said with what is there, unless something there could not be read.
func (c *control) check(r *reader, found Total) {
	if r.faults.Count > 0 {
		return
	}

	if c.count != nil && c.debits != found.Debits {
		c.count.Reason = "is not the number of direct debits, " + strconv.Itoa(found.Debits)
		r.note(c.count)
	}

	if c.total != nil && c.amount != found.Sum {
		c.total.Reason = "is not the sum of the direct debits, " + found.Sum.String()
		r.note(c.total)
	}
}

// block is one reading of a block.
type block struct {
	*reader

	found Block
	said  control
	kind  kind            // of all its direct debits; empty where it is not said
	payee bool            // the creditor's identifier has been said
	place *fault.Fault    // where it begins
	own   map[string]bool // elements that have been found
}

// readBlock reads a block. Its direct debits come last in it.
func (r *reader) readBlock() error {
	b := &block{reader: r, place: r.decoder.Fault(fault.CodeMissing, "", "must be filled"), own: make(map[string]bool)}

	if len(r.summary.Blocks) == MaxBlocks {
		return r.decoder.Fault(fault.CodeTooManyLines, "", "is beyond the limit of "+strconv.Itoa(MaxBlocks)+" blocks")
	}

	for r.decoder.Child() {
		if err := b.child(); err != nil {
			return err
		}
	}

	if r.decoder.Err() != nil {
		return r.decoder.Err()
	}

	for _, name := range []string{blockID, "PmtMtd", collectOn, creditorName, accountName, agentName, debitName} {
		if !b.own[name] {
			missing := *b.place
			missing.Field += "/" + name
			r.note(&missing)
		}
	}

	b.said.check(r, b.found.Total)
	r.summary.Blocks = append(r.summary.Blocks, b.found)

	return nil
}

func (b *block) child() error {
	name := b.decoder.Name()
	if name == debitName {
		b.own[name] = true

		return b.readDebit()
	}

	if b.own[name] {
		return b.decoder.Fault(iso20022.CodeElement, "", "stands here twice")
	}

	if b.own[debitName] {
		return b.decoder.Fault(iso20022.CodeElement, "", "must stand before the direct debits of the block")
	}

	b.own[name] = true

	switch name {
	case kindName, creditorName, accountName, agentName, schemeName:
		return b.readElement(name)
	case "BtchBookg", "CdtrAgtAcct", "UltmtCdtr", "ChrgBr", "ChrgsAcct", "ChrgsAcctAgt":
		b.decoder.Skip()
	default:
		return b.readText(name)
	}

	return b.decoder.Err()
}

// readText reads an element of a block that has no others in it.
func (b *block) readText(name string) error {
	at := func(_ string, code fault.Code, value, reason string) *fault.Fault {
		return b.decoder.Fault(code, value, reason)
	}

	switch name {
	case blockID:
		b.found.ID = b.id(string(b.decoder.Text()), at, "")

		if b.found.ID != "" && b.ids[b.found.ID] {
			b.note(at("", fault.CodeDuplicate, "", "is the identifier of another block too"))
		}

		b.ids[b.found.ID] = true
	case "PmtMtd":
		if string(b.decoder.Text()) != method {
			b.note(at("", fault.CodeKind, "", "must be "+method+", direct debits"))
		}
	case orderCount:
		b.said.number(b.reader, string(b.decoder.Text()), at, "")
	case orderSum:
		b.said.sum(b.reader, string(b.decoder.Text()), at, "")
	case collectOn:
		b.found.CollectOn = b.date(string(b.decoder.Text()), at, "")
	default:
		return b.decoder.Fault(iso20022.CodeElement, "", "is no element that the message has here")
	}

	return b.decoder.Err()
}

// readElement reads an element of a block that has others in it.
func (b *block) readElement(name string) error {
	switch name {
	case kindName:
		read, err := b.reader.kind.Decode(b.decoder)
		if err == nil {
			b.kind = b.readKind(read, b.reader.kind.Fault, "")
		}

		return err
	case creditorName:
		read, err := b.named.Decode(b.decoder)
		if err == nil {
			b.checkName(read, b.named.Fault, "")
		}

		return err
	case accountName:
		read, err := b.account.Decode(b.decoder)
		if err == nil {
			b.checkAccount(read, b.account.Fault, "")
		}

		return err
	case agentName:
		read, err := b.agent.Decode(b.decoder)
		if err == nil {
			b.checkAgent(read, b.agent.Fault, "")
		}

		return err
	default:
		read, err := b.scheme.Decode(b.decoder)
		if err == nil {
			b.payee = true
			b.checkCreditor(read, b.scheme.Fault, "")
		}

		return err
	}
}

func (b *block) readDebit() error {
	if b.summary.Total.Debits == MaxDebits {
		return b.decoder.Fault(fault.CodeTooManyLines, "", "is beyond the limit of "+strconv.Itoa(MaxDebits)+" direct debits")
	}

	read, err := b.debit.Decode(b.decoder)
	if err != nil {
		return err
	}

	at := place(b.debit.Fault)

	b.id(iso20022.Trimmed(&read.PmtId.EndToEndId), at, "PmtId/EndToEndId")

	amount := b.amount(&read.InstdAmt, at, "InstdAmt")
	kind := b.mergeKind(read.PmtTpInf, at)

	b.checkMandate(read.DrctDbtTx, at)
	b.checkAgent(read.DbtrAgt, at, "DbtrAgt/")
	b.checkName(read.Dbtr, at, "Dbtr/")
	b.checkAccount(read.DbtrAcct, at, "DbtrAcct/")

	sum, err := b.summary.Total.Sum.Add(amount)
	if err != nil {
		return at("InstdAmt", fault.CodeAmount, "", "brings the sum of the file beyond "+money.Max.String())
	}

	b.summary.Total = Total{Debits: b.summary.Total.Debits + 1, Sum: sum}
	b.found.Total = b.found.Total.plus(amount)
	b.summary.BySequence[kind.sequence] = b.summary.BySequence[kind.sequence].plus(amount)
	b.summary.ByScheme[kind.scheme] = b.summary.ByScheme[kind.scheme].plus(amount)

	return nil
}

// plus adds a direct debit. The sum of the file, which holds that of all parts, has been added before.
func (t Total) plus(amount money.Cents) Total {
	return Total{Debits: t.Debits + 1, Sum: t.Sum + amount}
}

func (r *reader) date(text string, at place, path string) calendar.Date {
	day, err := calendar.ParseDate(text)
	if err != nil {
		r.note(at(path, fault.CodeDate, "", "must be a day as 2006-01-02"))
	}

	return day
}

// place makes faults of an element, or of what is in it at a path.
type place func(path string, code fault.Code, value, reason string) *fault.Fault
