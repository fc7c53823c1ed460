// Package settlement reads and writes CRE files: the card transactions, or the unpaids, that one movement on the
// settlement account stands for, each line on a merchant's payment account.
//
// A site's own file is read through a [Layout]; [CRE1] is the first, the format ogep-cre/1. What a file must satisfy
// whatever its layout (counts, sums, checksum, patterns, signs, unique creIds) is controlled in one place, by [Read].
package settlement

import (
	"crypto/sha256"
	"time"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxLines is the largest number of lines of a file. Proving that its creIds are unique takes eight bytes of memory a
	// line, 80 MB at this limit; the largest days known have half as many.
	MaxLines = 10_000_000

	// MaxCreID is the longest creId, in characters. It is part of unique keys, in which every byte counts.
	MaxCreID = 64
	// MaxContract is the longest acceptance contract, in characters: an ISO 20022 Max35Text.
	MaxContract = 35
	// MaxReference is the longest reference of a file, of an acquirer or of an original line, in characters.
	MaxReference = 64
	// MaxReasonCode is the longest reason code of an unpaid, in characters.
	MaxReasonCode = 16
	// MaxOperationType is the longest operation type of a file, in characters.
	MaxOperationType = 16
	// MaxLabel is the longest label, in characters: an ISO 20022 Max140Text.
	MaxLabel = 140
	// MaxFileName is the longest name of a file in its header, in characters: that of most file systems.
	MaxFileName = 255
)

// FileKind is what the lines of a file are.
type FileKind string

// The kinds of files.
const (
	KindTransaction FileKind = "TRANSACTION" // sales and refunds
	KindImpaye      FileKind = "IMPAYE"      // unpaids and their representations
)

// Scheme is the card scheme of a line.
type Scheme string

// The schemes.
const (
	SchemeCB         Scheme = "CB"
	SchemeVisa       Scheme = "VISA"
	SchemeMastercard Scheme = "MC"
)

// LineType is what a line does to the merchant's account.
type LineType string

// The types of lines.
const (
	TypeVente  LineType = "VENTE"  // sale: gross above zero
	TypeRemb   LineType = "REMB"   // refund: gross below zero
	TypeImpaye LineType = "IMPAYE" // unpaid: gross below zero
	TypeRepres LineType = "REPRES" // unpaid represented and paid after all: gross above zero
)

// credits tells whether a line of this type has a gross amount above zero; otherwise it has one below zero.
func (t LineType) credits() bool { return t == TypeVente || t == TypeRepres }

// kind gives the kind of files that hold lines of this type.
func (t LineType) kind() FileKind {
	if t == TypeVente || t == TypeRemb {
		return KindTransaction
	}

	return KindImpaye
}

// Header is the first record of a file.
type Header struct {
	FileName       string // under which the sender made it
	Kind           FileKind
	Reference      string // of the bank movement that the file explains, see NewReference
	OperationType  string // of that movement, "100"
	SettlementDate calendar.Date
	Currency       string // ISO 4217, always EUR
	CreatedAt      time.Time
}

// Line is one transaction or unpaid.
type Line struct {
	Number        int         // in the file, from 1
	CreID         []byte      // unique for ever: printable ASCII without spaces, at most MaxCreID
	AccountID     []byte      // payment account: two capital letters or digits, then eight digits
	Siret         []byte      // of the merchant, 14 digits
	Contract      []byte      // acceptance contract, may be empty
	Scheme        Scheme      // card scheme
	Type          LineType    // what the line does
	Gross         money.Cents // signed: above zero, it is the merchant's; below, it is taken back
	Commission    money.Cents // taken from the merchant, zero or more
	TransactionAt time.Time   // in Europe/Paris
	ValueDate     calendar.Date
	AcquirerRef   []byte // may be empty
	OriginalRef   []byte // of the line that this one refunds, rejects or represents, may be empty
	ReasonCode    []byte // of an unpaid, may be empty
	Label         []byte // of the movement on the payment account, UTF-8, at most MaxLabel characters
}

// Trailer is the last record of a file: what the lines must come to.
type Trailer struct {
	Lines      int
	Gross      money.Cents       // sum of the lines' signed gross amounts
	Commission money.Cents       // sum of the lines' commissions
	Checksum   [sha256.Size]byte // SHA-256 of the file's bytes before the trailer
}

// Summary is what a file is as a whole.
type Summary struct {
	Header

	Lines      int
	Gross      money.Cents       // sum of the lines' signed gross amounts
	Commission money.Cents       // sum of the lines' commissions
	SHA256     [sha256.Size]byte // of the whole file: its identity
	Bytes      int64             // size of the whole file
}
