package cfonb

import (
	"crypto/sha256"
	"hash"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	name120   = "CFONB 120"
	length120 = 120

	// QualifierReferences is the qualifier of the complement that holds the references of a payment.
	QualifierReferences = "RCN"

	maxEndToEndID = 35 // characters, of the 70 of a complement; its purpose has the others
)

// Statement is what the records 01 and 07 around the movements of one account say.
type Statement struct {
	Line      int // of its first record in the file, from 1
	Account   Account
	OpenedOn  calendar.Date // day of the balance before, which is that of the statement before
	Opening   money.Cents   // below zero when the account is overdrawn
	ClosedOn  calendar.Date // no date until the statement ends
	Closing   money.Cents   // 0 until the statement ends
	Movements int           // how many there are, so far
	Credits   money.Cents   // sum of those above zero, so far
	Debits    money.Cents   // sum of those below zero, so far, itself below zero
}

// Movement is a record 04 with the records 05 that complete it.
type Movement struct {
	Line         int // of its first record in the file, from 1
	InternalCode string
	Code         string // interbank code of the operation, 2 characters
	BookedOn     calendar.Date
	RejectReason string        // code of why a payment came back, or nothing
	ValueOn      calendar.Date // no date when the bank gives none
	Label        string        // at most 31 characters
	Number       string        // the bank's, at most 7 characters
	Exemption    string        // one character, of commissions
	Unavailable  string        // one character, of funds that cannot be used yet
	Amount       money.Cents   // above zero for a credit, below for a debit
	Reference    string        // at most 16 characters

	// Complements are the records 05, at most MaxComplements. The slice is the reader's: what is kept must be copied.
	Complements []Complement
}

// Complement is what one record 05 says.
type Complement struct {
	Qualifier string // LIB, NPY, NBE, NPO, NBU, LCC, LC2, RCN, REF …: says what the text is
	Text      string // at most 70 characters, spaces before the others included
}

// References gives a complement that holds the references of a payment: its end-to-end identifier and its purpose, of at
// most 35 characters each.
func References(endToEndID, purpose string) Complement {
	text := endToEndID
	if purpose != "" {
		text += strings.Repeat(" ", max(0, maxEndToEndID-utf8.RuneCountInString(endToEndID))) + purpose
	}

	return Complement{Qualifier: QualifierReferences, Text: text}
}

// EndToEndID gives the end-to-end identifier of the payment behind a movement, or nothing when the bank does not say it.
func (m *Movement) EndToEndID() string {
	endToEndID, _ := m.references()

	return endToEndID
}

// Purpose gives the purpose of the payment behind a movement, or nothing when the bank does not say it.
func (m *Movement) Purpose() string {
	_, purpose := m.references()

	return purpose
}

func (m *Movement) references() (endToEndID, purpose string) {
	for _, complement := range m.Complements {
		if complement.Qualifier == QualifierReferences {
			return cutText(complement.Text, maxEndToEndID)
		}
	}

	return "", ""
}

// balance is a record 01 or 07.
type balance struct {
	account Account
	date    calendar.Date
	amount  money.Cents
}

// movement is a record 04.
type movement struct {
	Movement

	account Account
}

// complement is a record 05. It repeats the movement's codes and date.
type complement struct {
	Complement

	account        Account
	internal, code string
	date           calendar.Date
}

// The types of records.
const (
	opening120    = "01"
	movement120   = "04"
	complement120 = "05"
	closing120    = "07"
)

func balanceLayout(code string) layout[balance] {
	return layout[balance]{
		fixed[balance](fieldRecord, 1, 2, code, fault.CodeRecord),
		textField("bank", 3, 7, kindDigits, func(r *balance) *string { return &r.account.Bank }),
		textField("branch", 12, 16, kindDigits, func(r *balance) *string { return &r.account.Branch }),
		fixed[balance](fieldCurrency, 17, 19, money.Currency, fault.CodeCurrency),
		decimals[balance]("decimals", 20),
		textField("account", 22, 32, kindAccount, func(r *balance) *string { return &r.account.Number }),
		dateField("date", 35, 40, kindDate, func(r *balance) *calendar.Date { return &r.date }),
		centsField("balance", 91, 104, kindSigned, func(r *balance) *money.Cents { return &r.amount }),
	}
}

// Where the fields of the records stand.
//
//nolint:gochecknoglobals // constants
var (
	openingLayout = balanceLayout(opening120)
	closingLayout = balanceLayout(closing120)

	movementLayout = layout[movement]{
		fixed[movement](fieldRecord, 1, 2, movement120, fault.CodeRecord),
		textField("bank", 3, 7, kindDigits, func(r *movement) *string { return &r.account.Bank }),
		textField("internalCode", 8, 11, kindText, func(r *movement) *string { return &r.InternalCode }),
		textField("branch", 12, 16, kindDigits, func(r *movement) *string { return &r.account.Branch }),
		fixed[movement](fieldCurrency, 17, 19, money.Currency, fault.CodeCurrency),
		decimals[movement]("decimals", 20),
		textField("account", 22, 32, kindAccount, func(r *movement) *string { return &r.account.Number }),
		textField("code", 33, 34, kindCode, func(r *movement) *string { return &r.Code }),
		dateField("date", 35, 40, kindDate, func(r *movement) *calendar.Date { return &r.BookedOn }),
		textField("rejectReason", 41, 42, kindCode, func(r *movement) *string { return &r.RejectReason }).orBlank(),
		dateField("valueDate", 43, 48, kindDate, func(r *movement) *calendar.Date { return &r.ValueOn }).orBlank(),
		textField("label", 49, 79, kindText, func(r *movement) *string { return &r.Label }),
		textField("number", 82, 88, kindText, func(r *movement) *string { return &r.Number }),
		textField("exemption", 89, 89, kindText, func(r *movement) *string { return &r.Exemption }),
		textField("unavailable", 90, 90, kindText, func(r *movement) *string { return &r.Unavailable }),
		centsField("amount", 91, 104, kindSigned, func(r *movement) *money.Cents { return &r.Amount }),
		textField("reference", 105, 120, kindText, func(r *movement) *string { return &r.Reference }),
	}

	complementLayout = layout[complement]{
		fixed[complement](fieldRecord, 1, 2, complement120, fault.CodeRecord),
		textField("bank", 3, 7, kindDigits, func(r *complement) *string { return &r.account.Bank }),
		textField("internalCode", 8, 11, kindText, func(r *complement) *string { return &r.internal }),
		textField("branch", 12, 16, kindDigits, func(r *complement) *string { return &r.account.Branch }),
		fixed[complement](fieldCurrency, 17, 19, money.Currency, fault.CodeCurrency).orBlank(),
		decimals[complement]("decimals", 20).orBlank(),
		textField("account", 22, 32, kindAccount, func(r *complement) *string { return &r.account.Number }),
		textField("code", 33, 34, kindCode, func(r *complement) *string { return &r.code }).orBlank(),
		dateField("date", 35, 40, kindDate, func(r *complement) *calendar.Date { return &r.date }).orBlank(),
		textField("qualifier", 46, 48, kindCode, func(r *complement) *string { return &r.Qualifier }),
		textField("text", 49, 118, kindText, func(r *complement) *string { return &r.Text }),
	}
)

// StatementHandler is called for what is good in itself, in the order of the file; nil functions are left out. What they
// have done is to be forgotten unless the reading ends without error. What they are given is theirs during the call only,
// but for the texts.
type StatementHandler struct {
	Begin    func(*Statement) error // account, day and balance are known
	Movement func(*Movement) error  // with all its complements
	End      func(*Statement) error // all is known, and the balances agree
}

// Read120 reads statements of CFONB 120 and controls them: each begins with a record 01 and ends with a 07, all of whose
// records are of one account, and whose closing balance is the opening balance and the movements; records 05 follow their
// 04; amounts are in euros; a statement of an account that has been seen in the file begins on the day and with the
// balance with which the one before of that account ended.
//
// Read120 goes on after a fault, so that all of them are found in one go: the error is then a *[fault.Faults]. An error of
// the source or of the handler ends the reading and is returned wrapped. name is the file's in faults and errors.
func Read120(name string, source io.Reader, options Options, handler StatementHandler) (Summary, error) {
	return read120(name, source, options, handler, sha256.New())
}

func read120(name string, source io.Reader, options Options, handler StatementHandler, digest hash.Hash) (Summary, error) {
	f := open(name, name120, length120, source, options, digest)
	control := newStatements(&f.records, handler)

	if err := f.each(control.record); err != nil {
		return Summary{}, err
	}

	if err := control.end(); err != nil {
		return Summary{}, err
	}

	return f.end(control.summary)
}

// closed is how the last statement of an account ended.
type closed struct {
	line   int
	date   calendar.Date
	amount money.Cents
}

// statements controls the records of a file.
type statements struct {
	decoder

	handler StatementHandler
	summary Summary
	closed  map[Account]closed

	open     bool // within a statement
	partial  bool // a movement of it was not good, and not given
	good     bool // its 01 is good, so that the handler knows it
	unsummed bool // an amount in it could not be read or added: its closing balance says nothing
	current  Statement
	movement movement
	pending  bool // a 04 has been read and not been given yet
	sound    bool // it and its complements are good
	orphaned bool // what the next complements belong to could not be read: that is one fault, not many
	tooMany  bool // complements of the movement
	read     complement
}

func newStatements(file *records, handler StatementHandler) *statements {
	return &statements{decoder: decoder{file: file}, handler: handler, closed: make(map[Account]closed)}
}

func (s *statements) note(column int, code fault.Code, reason string) {
	s.file.note(column, code, nil, reason)
}

// record controls the current record, nil for one that cannot be read.
func (s *statements) record(record []byte) error {
	if record == nil {
		s.lose()

		return nil
	}

	code := string(record[:2])
	if code == complement120 {
		s.complete(record)

		return nil
	}

	if err := s.flush(); err != nil {
		return err
	}

	switch code {
	case movement120:
		s.move(record)

		return nil
	case opening120:
		return s.begin(record)
	case closing120:
		return s.close(record)
	default:
		s.file.note(1, fault.CodeRecord, record[:2], "is no type of record of "+name120+": 01, 04, 05 or 07")
		s.lose()

		return nil
	}
}

// lose takes note that a record could not be read, whatever it was.
func (s *statements) lose() { s.unsummed, s.orphaned, s.sound = true, true, false }

func (s *statements) begin(record []byte) error {
	if s.open {
		s.note(1, fault.CodeHeaderAgain,
			"begins a statement, and the one of line "+strconv.Itoa(s.current.Line)+" has not ended with a record 07")

		delete(s.closed, s.current.Account)
	}

	var read balance

	s.open, s.orphaned = true, false
	s.good = openingLayout.read(&s.decoder, record, &read)
	s.current = Statement{Line: s.file.number, Account: read.account, OpenedOn: read.date, Opening: read.amount}
	s.unsummed, s.partial = !s.good, false
	s.summary.Groups++

	if s.good {
		s.follow()
	}

	if !s.good || s.handler.Begin == nil {
		return nil
	}

	return s.handler.Begin(&s.current)
}

// follow compares the statement's beginning with the end of the one before of its account.
func (s *statements) follow() {
	before, seen := s.closed[s.current.Account]

	switch {
	case !seen && len(s.closed) >= MaxAccounts:
		s.note(0, fault.CodeTooManyLines,
			"is of one more than the "+strconv.Itoa(MaxAccounts)+" accounts that a file may have: have it split")

		s.good = false
	case !seen:
	case before.date != s.current.OpenedOn:
		s.note(35, CodeContinuity, "begins on "+s.current.OpenedOn.String()+", and the statement before of this account ended on "+
			before.date.String()+" (line "+strconv.Itoa(before.line)+")")
	case before.amount != s.current.Opening:
		s.note(91, CodeContinuity, "begins with "+s.current.Opening.String()+", and the statement before of this account ended with "+
			before.amount.String()+" (line "+strconv.Itoa(before.line)+")")
	}
}

// within tells whether the current record stands in a statement, and is of its account.
func (s *statements) within(account Account, good bool) bool {
	switch {
	case !s.open:
		s.note(1, fault.CodeNoHeader, "stands in no statement: a record 01 must come before it")

		return false
	case good && s.good && account != s.current.Account:
		s.note(3, CodeAccount, "is of another bank, branch or account than the record 01 of line "+strconv.Itoa(s.current.Line))

		return false
	default:
		return good
	}
}

func (s *statements) move(record []byte) {
	s.movement.Complements = s.movement.Complements[:0]
	s.movement.Line = s.file.number
	s.pending, s.orphaned, s.tooMany = true, false, false
	s.summary.Details++
	s.sound = s.within(s.movement.account, movementLayout.read(&s.decoder, record, &s.movement))

	// What cannot be read as a whole, or is of another account, may have an amount in the balance or not.
	if !s.sound {
		s.unsummed = true

		return
	}

	s.current.Movements++
	s.add(s.movement.Amount)
}

func (s *statements) add(amount money.Cents) {
	sum := &s.current.Credits
	if amount < 0 {
		sum = &s.current.Debits
	}

	added, err := sum.Add(amount)
	if err != nil {
		s.note(91, fault.CodeAmount, "brings the sum of the statement beyond the largest amount")

		s.unsummed, s.sound = true, false

		return
	}

	*sum = added
}

// complete adds a complement to the movement before it.
func (s *statements) complete(record []byte) {
	good := complementLayout.read(&s.decoder, record, &s.read)

	switch {
	case s.orphaned:
	case !s.pending:
		s.note(1, CodeOrphan, "completes no movement: a record 04 must come before it")
	case good && s.sound && s.read.account != s.movement.account:
		s.note(3, CodeAccount, "is of another bank, branch or account than the record 04 that it completes")

		s.sound = false
	case len(s.movement.Complements) >= MaxComplements:
		if !s.tooMany {
			s.note(0, fault.CodeTooManyLines, "is beyond the limit of "+strconv.Itoa(MaxComplements)+" complements of one movement")
		}

		s.tooMany, s.sound = true, false
	case !good:
		s.sound = false
	case s.read.Qualifier == QualifierReferences && s.hasReferences():
		s.note(46, fault.CodeDuplicate, "is a second "+QualifierReferences+" of the same movement")

		s.sound = false
	default:
		s.movement.Complements = append(s.movement.Complements, s.read.Complement)
	}
}

func (s *statements) hasReferences() bool {
	for _, complement := range s.movement.Complements {
		if complement.Qualifier == QualifierReferences {
			return true
		}
	}

	return false
}

// flush gives the movement whose complements are complete.
func (s *statements) flush() error {
	give := s.pending && s.sound && s.good
	s.partial = s.partial || s.pending && !s.sound
	s.pending = false

	if !give || s.handler.Movement == nil {
		return nil
	}

	return s.handler.Movement(&s.movement.Movement)
}

// close controls a record 07.
func (s *statements) close(record []byte) error {
	var read balance

	good := closingLayout.read(&s.decoder, record, &read)
	opened := s.open
	good = s.within(read.account, good) && s.good
	s.open, s.orphaned = false, false

	if !opened {
		return nil
	}

	if !good {
		delete(s.closed, s.current.Account) // the next statement of the account has nothing to be compared with

		return nil
	}

	s.current.ClosedOn, s.current.Closing = read.date, read.amount
	s.closed[s.current.Account] = closed{line: s.file.number, date: read.date, amount: read.amount}

	if read.date.Before(s.current.OpenedOn) {
		s.file.note(35, fault.CodeDate, record[34:40], "is before the day of the record 01, "+s.current.OpenedOn.String())

		good = false
	}

	if s.unsummed || !s.foots() || !good || s.partial || s.handler.End == nil {
		return nil
	}

	return s.handler.End(&s.current)
}

// foots compares the closing balance with the opening balance and the movements.
func (s *statements) foots() bool {
	moved := s.current.Credits + s.current.Debits // of two amounts of opposite signs
	if expected, err := s.current.Opening.Add(moved); err == nil && expected == s.current.Closing {
		return true
	}

	s.note(91, fault.CodeBalance, "is "+s.current.Closing.String()+", and the opening balance "+s.current.Opening.String()+" and the "+
		strconv.Itoa(s.current.Movements)+" movements "+moved.String()+" come to "+(s.current.Opening+moved).String())

	return false
}

// end controls what only the end of the file tells.
func (s *statements) end() error {
	if err := s.flush(); err != nil {
		return err
	}

	if s.open && !s.file.unread {
		s.file.faults.Add(fault.Fault{Code: fault.CodeNoTrailer, Reason: "ends without the record 07 of the statement of line " +
			strconv.Itoa(s.current.Line)})
	}

	return nil
}

// cutText cuts a text at a number of characters, and both parts at the spaces around them.
func cutText(text string, at int) (head, tail string) {
	for i := range text {
		if at == 0 {
			return strings.TrimRight(text[:i], " "), strings.Trim(text[i:], " ")
		}

		at--
	}

	return text, ""
}
