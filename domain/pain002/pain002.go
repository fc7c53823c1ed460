// Package pain002 reads what a bank reports of the payments that it was sent: pain.002.001.03 and pain.002.001.10, by
// message, by block and by order.
package pain002

import (
	"crypto/sha256"
	"time"

	"github.com/reglo/reglo/domain/money"
)

// Version is a version of the message.
type Version string

// The versions.
const (
	V03 Version = "pain.002.001.03"
	V10 Version = "pain.002.001.10"
)

const (
	// MaxTransactions is how many orders a report may name. The largest file of payments has some 100,000.
	MaxTransactions = 1_000_000
	// MaxPayments is how many blocks a report may name: more than a file of payments can number.
	MaxPayments = 100_000
	// MaxReasons is how many reasons may be given at one place, and how many texts with each. Banks give one or two.
	MaxReasons = 100
)

// Reason is why something has its status.
type Reason struct {
	Code string // of ISO's external code set, four characters; or the bank's own, up to 35; empty when only Info is given
	Info string // free text of the bank, which may name people: it belongs in no log and in no error
}

// Count is how many orders have a status.
type Count struct {
	Status Status
	Orders int
	Sum    money.Cents // 0 when not said
}

// Report is a file, and what it says of the message as a whole.
type Report struct {
	Version            Version
	ID                 string    // of the report
	CreatedAt          time.Time // of the report
	OriginalID         string    // of the message reported on
	OriginalDefinition string    // of that message, as the bank writes it: pain.001.001.03, pain.001
	Orders             int       // of that message; 0 when not said
	Sum                money.Cents
	Status             Status // empty when nothing is said of the message as a whole
	Reasons            []Reason
	Counts             []Count // orders of the message by status, those that the report does not name included; none when not said

	// Known at the end of the file.
	Payments     int // blocks named
	Transactions int // orders named
	SHA256       [sha256.Size]byte
	Bytes        int64
}

// Payment is what is said of a block of the message.
type Payment struct {
	OriginalID string // its PmtInfId
	Orders     int    // in it; 0 when not said
	Sum        money.Cents
	Status     Status // its own, or else that of the message; empty when neither has one, or the message's is Partial
	Reasons    []Reason
	Counts     []Count // as those of Report
}

// Transaction is what is said of an order.
type Transaction struct {
	PaymentID     string // PmtInfId of its block
	StatusID      string // of this status, by the bank
	InstructionID string
	EndToEndID    string      // empty only when InstructionID is not
	Status        Status      // its own, or else that of its block, or else that of the message; never empty, never Partial
	Reasons       []Reason    // its own, or else those of where its status is from
	Amount        money.Cents // 0 when not said
}

// Handler is told what is in a report, in the order of the file. What it has no function for is passed over.
type Handler struct {
	Group       func(Report) error
	Payment     func(Payment) error
	Transaction func(Transaction) error
}
