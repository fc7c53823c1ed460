// Package camt reads what a bank reports of an account in messages of ISO 20022: statements, camt.053, and notifications of
// debits and credits, camt.054.
package camt

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/transfer"
)

const (
	// MaxDetails is how many details one entry may have: twice the orders of the largest bulk, which a bank books as one
	// entry. They are in memory together, with at most MaxDetailText bytes of text.
	MaxDetails = 2 * transfer.MaxOrdersABulk
	// MaxDetailText is how many bytes of text the details of one entry may have together: four hundred bytes each.
	MaxDetailText = 400 * MaxDetails
	// MaxStatements is how many statements or notifications a file may hold. Their identifiers are in memory together, and no
	// customer of a bank has so many accounts.
	MaxStatements = 10_000
	// MaxBalances is how many balances a statement may have: some ten kinds, and one of them for each of the coming days.
	MaxBalances = 100
	// MaxRemittance is the longest remittance information of a detail, in characters: what several texts of 140 make, where
	// SEPA carries one.
	MaxRemittance = 4000

	maxID         = 35  // ISO's Max35Text
	maxInfo       = 500 // ISO's Max500Text
	maxName       = 140 // ISO's Max140Text
	maxReasonInfo = 105 // ISO's Max105Text
	maxAccount    = 34  // ISO's Max34Text
	maxBIC        = 11
	maxCode       = 4 // of a bank transaction, a reason or a balance
	maxCodes      = 1000
)

// The codes of faults of a statement, beside those of packages fault and iso20022.
const (
	CodeTotal   fault.Code = "TOTAL"   // a count or a sum is not that of the entries
	CodeDetails fault.Code = "DETAILS" // the details of an entry come to more than the entry
	CodePage    fault.Code = "PAGE"    // one page of several
)

// Kind is what a message reports.
type Kind string

// The kinds.
const (
	Statements    Kind = "STATEMENT"    // camt.053: all entries of a time, between two balances
	Notifications Kind = "NOTIFICATION" // camt.054: some entries, without balances
)

// Status is how far an entry has got.
type Status string

// The statuses. Only what is booked is in the balances.
const (
	Booked      Status = "BOOK"
	Pending     Status = "PDNG"
	Information Status = "INFO"
	Future      Status = "FUTR"
)

// The codes of the balances that a statement leads from and to. Others are given as they are.
const (
	OpeningBooked  = "OPBD"
	PreviousClosed = "PRCD" // of the statement before, which the opening balance equals
	ClosingBooked  = "CLBD"
)

// Statement is what a statement or a notification says as a whole.
type Statement struct {
	ID          string
	Number      int64 // electronic sequence number; 0 when not said
	LegalNumber int64 // legal sequence number; 0 when not said
	CreatedAt   time.Time
	From, To    time.Time // what it covers, in Europe/Paris; zero when not said
	Copy        string    // COPY, DUPL or CODU when the bank says that it sends it again; empty for the original
	IBAN        string    // of the account; empty when Account names it
	Account     string    // number of the account when it is no IBAN
	Currency    string    // of the account, EUR; empty when not said
	Balances    []Balance // in the order of the file; none in a notification
	Line        int       // line of the file on which it begins, from 1

	// Known when it ends.
	Entries int         // how many, of any status
	Booked  int         // how many of them are booked
	Credits money.Cents // sum of the booked credits
	Debits  money.Cents // sum of the booked debits, not below zero
}

// Balance is the state of the account at one moment.
type Balance struct {
	Code   string      // OPBD, PRCD, CLBD, ITBD, CLAV, FWAV, or one of the bank's own
	Amount money.Cents // below zero when the account is overdrawn
	Date   calendar.Date
}

// Code tells the kinds of transactions apart.
type Code struct {
	Domain, Family, SubFamily string // ISO's; empty when not said
	Proprietary               string // the bank's own; empty when not said
}

// Batch says which transactions the bank booked together as one entry.
type Batch struct {
	MessageID string      // of the file that ordered them
	PaymentID string      // of the block that ordered them
	Orders    int64       // how many; 0 when not said
	Sum       money.Cents // 0 when not said
}

// Entry is one movement of the account, booked or not.
type Entry struct {
	Line          int    // line of the file on which it begins, from 1
	Reference     string // the bank's or the owner's for the entry
	BankReference string // the bank's for the transaction
	Amount        money.Cents
	Status        Status
	Reversal      bool // takes back an earlier entry; Amount has the sign of this one
	BookedOn      calendar.Date
	BookedAt      time.Time // in Europe/Paris; zero when only the day is said
	ValueOn       calendar.Date
	ValueAt       time.Time // as BookedAt
	Code          Code
	Info          string // may name a person
	Batch         Batch  // of the last group of details that says one
	Details       []Detail
}

// Detail is one transaction of an entry. What is not said is empty.
type Detail struct {
	MessageID     string // of the file that ordered it
	PaymentID     string // of the block that ordered it
	InstructionID string
	EndToEndID    string
	TransactionID string
	BankReference string
	Amount        money.Cents // with the sign that it says, else that of the entry; 0 when not said in EUR
	Code          Code
	Debtor        transfer.Party // what is said of it
	Creditor      transfer.Party // the same
	Reason        string         // why it came back, ISO's code or the bank's own; empty when it did not
	ReasonInfo    string         // the same in words
	Remittance    string         // the texts, with a space between them
	Reference     string         // the creditor's, where the remittance information is structured
	Info          string         // the bank's, may name a person
}

// Handler takes what a file holds, in its order. A nil function is not called. The Entry and its Details are valid during
// the call only. An error ends the reading.
//
// What was done is to be forgotten unless Read ends without error: totals and balances are known last.
type Handler struct {
	Begin func(Statement) error // the balances are known
	Entry func(*Entry) error
	End   func(Statement) error // the entries agree with the totals and the balances
}

// Summary is what a file is as a whole.
type Summary struct {
	Kind       Kind
	Definition string // version of the message, such as camt.053.001.08
	ID         string // of the message
	CreatedAt  time.Time
	Statements int
	Entries    int
	Booked     int
	Details    int
	// Partial is how many entries with details have details that come to less than the entry, or to fewer transactions than
	// its batch: a bank may leave some out.
	Partial int
	// Charged is how many entries have details that come to more than the entry, with charges that may explain it.
	Charged int
	SHA256  [sha256.Size]byte
	Bytes   int64 // size of the file, whose identity SHA256 is
}

// Read reads a file of camt.053.001.02, .04 or .08, or of camt.054.001.02 or .08, streamed, and controls it: elements
// where their version has them, as often and in the order that it has them; amounts to the cent, all in EUR; days, instants
// and IBANs; the opening balance and the booked entries make the closing balance; the counts and sums of the summary are
// those of the entries, or of the booked ones; the details of an entry do not come to more than it does, unless charges are
// told. Instants without a zone are those of Europe/Paris.
//
// A message or a statement in several pages is refused: one page proves neither its balances nor its totals.
//
// Read goes on after a fault of what an element says, so that all of them are found in one go; a fault of the XML ends it.
// The error is then a *fault.Faults, which repeats no text, and no IBAN in full; handler is not called after the first
// fault. An error of the source or of handler ends the reading and is returned wrapped. name is the file's in faults and
// errors.
func Read(name string, source io.Reader, handler Handler) (Summary, error) {
	decoder := iso20022.NewDecoder(name, source)
	r := &reader{
		name: name, decoder: decoder, faults: &fault.Faults{File: name}, handler: handler,
		ids: make(map[string]struct{}), codes: make(map[string]string),
	}

	r.read()

	if r.err != nil {
		return Summary{}, fmt.Errorf("read %s: line %d: %w", name, decoder.Line(), r.err)
	}

	if r.over {
		return Summary{}, r.faults
	}

	sum, size, err := decoder.End()
	if err != nil {
		return Summary{}, r.faults.Join(err)
	}

	r.summary.SHA256, r.summary.Bytes = sum, size

	if err := r.faults.Err(); err != nil {
		r.faults.Sort()

		return Summary{}, err
	}

	return r.summary, nil
}
