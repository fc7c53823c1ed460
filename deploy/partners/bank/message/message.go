// Package message holds the messages that cross the border between the stand-in bank and the EP, as the bank reads and
// writes them: orders in pain.001, and in return pain.002, camt.053, camt.054, CFONB 120 and CFONB 240. It is written from
// the formats alone and shares nothing with the EP's readers and writers, so that each judges the other.
package message

import (
	"fmt"
	"slices"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// The definitions of ISO 20022 that the bank knows.
const (
	Pain001V03 = "pain.001.001.03" // orders
	Pain001V09 = "pain.001.001.09"
	Pain002V03 = "pain.002.001.03" // reports on orders
	Pain002V10 = "pain.002.001.10"
	Camt053V02 = "camt.053.001.02" // statements
	Camt053V08 = "camt.053.001.08"
	Camt054V02 = "camt.054.001.02" // notifications of single entries
	Camt054V08 = "camt.054.001.08"
)

// namespace begins the namespace of every message; its definition follows.
const namespace = "urn:iso:std:iso:20022:tech:xsd:"

// MaxID is the longest identifier of a message, a block or a payment, in characters: an ISO 20022 Max35Text.
const MaxID = 35

// Party holds an account.
type Party struct {
	Name string
	BIC  string // empty when it is not said
	IBAN string
}

// Envelope is what an ISO message written says of itself.
type Envelope struct {
	Definition string // one of those that the writer writes
	ID         string // 1 to MaxID characters
	CreatedAt  time.Time
}

func (e Envelope) check(definitions ...string) error {
	if !slices.Contains(definitions, e.Definition) {
		return fmt.Errorf("message %s: the bank does not write %q here", e.ID, e.Definition)
	}

	if e.ID == "" || len(e.ID) > MaxID {
		return fmt.Errorf("message %q: its identifier must have 1 to %d characters", e.ID, MaxID)
	}

	return nil
}

// Kind is what a line of an account is, for the codes that name it.
type Kind int

// The kinds.
const (
	Other    Kind = iota // such as the bank's own fees
	Settled              // card transactions, or unpaids
	Remitted             // a bulk of transfers, in one amount
	Own                  // a transfer between the EP's accounts
	Returned             // a lot of transfers that came back
)

// Entry is a line of an account.
type Entry struct {
	ID       string // the bank's, AcctSvcrRef
	Label    string // AddtlNtryInf
	Amount   money.Cents
	BookedOn calendar.Date
	ValueOn  calendar.Date
	Kind     Kind
	Batch    *Batch   // what a line in one amount stands for, if it does
	Details  []Detail // of the payments that the line is made of, all of them or some
}

// Batch is the message whose orders a line stands for.
type Batch struct {
	MessageID string
	Orders    int
}

// Detail is one payment of an entry, of a report or of a lot.
type Detail struct {
	PaymentID     string // PmtInfId of its block
	InstructionID string
	EndToEndID    string
	Amount        money.Cents // above zero
	Creditor      Party       // left out of the message where it is empty
	Code          string      // of ISO 20022: why the payment came back or is rejected; empty for one that is not
}

// Balance is where an account stands at the end of a day.
type Balance struct {
	Amount money.Cents
	Date   calendar.Date
}

// Statement is one account's lines between two balances. The opening balance and the entries make the closing one.
type Statement struct {
	ID      string // 1 to MaxID characters
	IBAN    string
	Number  int // ElctrncSeqNb
	Opening Balance
	Closing Balance
	Entries []Entry
}

func (s *Statement) check() error {
	sum := s.Opening.Amount
	for i := range s.Entries {
		sum += s.Entries[i].Amount
	}

	if sum != s.Closing.Amount {
		return fmt.Errorf("statement %s: its opening balance and its entries make %s, and its closing balance is %s",
			s.ID, sum, s.Closing.Amount)
	}

	return nil
}
