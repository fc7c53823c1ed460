// Package pain008 reads files of direct debits, pain.008.001.02: controlled for transport, and summarised.
package pain008

import (
	"crypto/sha256"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// Version is the version of the message that is read.
const Version = "pain.008.001.02"

const (
	// MaxDebits is how many direct debits a file may hold: ten times what the largest files of payments have.
	MaxDebits = 1_000_000
	// MaxBlocks is how many blocks a file may hold. A file has one for each creditor, day, scheme and sequence, of which all
	// are kept in its summary.
	MaxBlocks = 10_000
)

// Sequence is where a direct debit stands among those of its mandate.
type Sequence string

// The sequences.
const (
	First     Sequence = "FRST"
	Recurrent Sequence = "RCUR"
	Last      Sequence = "FNAL"
	OneOff    Sequence = "OOFF"
)

// Scheme is whom a direct debit may be collected from.
type Scheme string

// The schemes of SEPA.
const (
	Core     Scheme = "CORE" // anybody
	Business Scheme = "B2B"  // companies, who cannot ask for their money back
)

// Total is a number of direct debits and what they come to.
type Total struct {
	Debits int
	Sum    money.Cents
}

// Block is a part of a file: direct debits of one creditor on one day.
type Block struct {
	ID        string // PmtInfId
	CollectOn calendar.Date
	Total     Total
}

// Summary is what a file is as a whole. It names neither creditors nor debtors.
type Summary struct {
	ID         string // MsgId
	CreatedAt  time.Time
	Total      Total
	Blocks     []Block
	BySequence map[Sequence]Total
	ByScheme   map[Scheme]Total
	SHA256     [sha256.Size]byte
	Bytes      int64
}
