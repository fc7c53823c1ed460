// Package payline reads, controls and answers Payline files: the day's payout requests that merchants make by hand, as
// movements from one payment account to another and as transfers to a bank.
//
// A file is refused at two levels. As a whole, by a [Refusal], when its structure or its control sums do not hold:
// nothing of it may be used. Line by line, by a [Code], as business of every day: first what the line alone tells, by
// [Read], then what the books tell, by [ControlMovement] and [ControlTransfer]. A [Response] answers each line, or
// [WriteRefusal] the whole file.
//
// A site's own file is read through a [Layout]; [Ogep1] is the first, the format ogep-payline/1.
package payline

import (
	"crypto/sha256"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxLines is the largest number of movements and transfers of a file: two for each account of the largest snapshot of
	// merchants, who ask by hand. It bounds the transaction in which the lines are taken in.
	MaxLines = 1_000_000

	// MaxAheadDays is how far behind the business date, in calendar days, a requested execution date may lie. The amount
	// leaves the payment account on the day of the request: a date beyond a month would hold the merchant's money for
	// nothing, and is rather a slip of the month or of the year.
	MaxAheadDays = 30

	// MaxCode is the longest operation code, and the longest endToEndId or account identifier that is kept although its
	// shape is wrong, in characters: an ISO 20022 Max35Text.
	MaxCode = 35
	// MaxText is the longest name or label, in characters: an ISO 20022 Max140Text.
	MaxText = 140
)

// Kind is what a line asks for.
type Kind string

// The kinds.
const (
	Movement Kind = "MOVEMENT" // mouvement CP à CP: from one payment account of the books to another
	Transfer Kind = "TRANSFER" // virement: from a payment account to a bank
)

// Header is the first record of a file.
type Header struct {
	Sequence int           // of the sender's files, from 1; 0 when it could not be read
	Date     calendar.Date // of the file; zero when it could not be read
}

// Trailer is the last record of a file: what the lines must come to.
type Trailer struct {
	Movements int
	Transfers int
	Sum       money.Cents // of the amounts of all lines
}

// Line is one request. A field that could not be read, or a text that is too long, is empty or zero; Reject then says so.
// Texts are as they stand in
// the file, those that are refused for their shape too. IBANs and names never go into a log or an error.
type Line struct {
	Number int // line of the file, from 1: the header is line 1
	Kind   Kind

	EndToEndID    string // of the requester, 16 digits, never used twice; at most MaxCode characters when rejected
	OperationCode string // of a movement; may be empty, see OperationCode; at most MaxCode characters
	DebtorCP      string // payment account that pays
	CreditorCP    string // of a movement: payment account that receives

	DebtorIBAN   string // of a transfer: the paying account's own, may be empty
	CreditorName string // of a transfer, at most MaxText characters
	CreditorBIC  string // of a transfer, may be empty: within SEPA the IBAN is enough
	CreditorIBAN string // of a transfer

	Amount   money.Cents // zero or more
	Currency string      // ISO 4217
	Label    string      // of a movement, or the information of a transfer; may be empty, at most MaxText characters
	ExecDate calendar.Date

	Reject Code // empty when the line passes the controls that need no books; otherwise the first that it fails
}

// Summary is what a file is as a whole.
type Summary struct {
	Header

	Movements int               // lines of that kind, the rejected ones included
	Transfers int               // lines of that kind, the rejected ones included
	Sum       money.Cents       // of the amounts that can be read, those of rejected lines included
	SHA256    [sha256.Size]byte // of the whole file: its identity
	Bytes     int64             // size of the whole file

	// LineFaults says what is wrong with the lines that Read rejects, all of it: each line's Reject stands for the first.
	// IBANs, names and labels are masked. It does not make the file's other lines unusable.
	LineFaults fault.Faults
}

// OperationCode gives the code of a movement whose line has none: `TRANS HH:mm:ss`, the hour being at's in Paris.
func OperationCode(at time.Time) string {
	return "TRANS " + at.In(calendar.Paris()).Format(time.TimeOnly)
}

// Refusal is why a file is refused as a whole. Nothing of it may be used.
type Refusal struct { //nolint:errname // called by what it is, as fault.Faults
	// Code answers the sender: CodeInvalidFile when the structure does not hold, else CodeTransactionCount when a count
	// differs, else CodeControlSum. A file that is not whole proves neither count nor sum; a lost line explains a sum.
	Code   Code
	Faults *fault.Faults // of the file's structure and control sums; those of single lines are in Summary.LineFaults
}

// Error gives the code and the faults on one line.
func (r *Refusal) Error() string {
	return "Payline file refused as a whole, " + string(r.Code) + ": " + r.Faults.Error()
}

// Unwrap gives the faults.
func (r *Refusal) Unwrap() error { return r.Faults }

func newRefusal(faults *fault.Faults) *Refusal {
	counts, sums := faults.ByCode[fault.CodeTrailerCount], faults.ByCode[fault.CodeTrailerSum]

	switch {
	case faults.Count > counts+sums:
		return &Refusal{CodeInvalidFile, faults}
	case counts > 0:
		return &Refusal{CodeTransactionCount, faults}
	default:
		return &Refusal{CodeControlSum, faults}
	}
}
