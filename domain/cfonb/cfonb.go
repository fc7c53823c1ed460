// Package cfonb reads and writes the fixed-width files of French banks that the CFONB described: statements of accounts
// (records of 120 bytes), transfers handed in (160 bytes) and returns and advices (240 bytes).
//
// A file is made of records of one length, which stand on lines of their own or follow one another without any line break.
// Where a field stands in a record is said in tables only, and one codec reads and writes by them. What the tables leave
// out is reserved, or a bank's own: it is read over, and written as spaces.
//
// Readers are streamed, in bounded memory. They note all that is wrong with a file and then refuse it as a whole; no fault
// repeats an account, a name or a free text.
package cfonb

import (
	"crypto/sha256"

	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/iban"
)

const (
	// MaxRecords is the largest number of records of a file: ten times a statement of a million lines, read in some seconds.
	// A longer file is a source that does not end.
	MaxRecords = 10_000_000
	// MaxAccounts is the largest number of accounts whose statements may be in one file. The last balance of each is kept,
	// to be compared with the next opening, in some 250 bytes of memory.
	MaxAccounts = 50_000
	// MaxComplements is the largest number of records that complete one movement or one order: twenty times what a payment
	// with all its qualifiers has. They are kept together, in some 200 bytes of memory each.
	MaxComplements = 1000
)

// The codes of faults that only these files have.
const (
	CodeLength     fault.Code = "LENGTH"     // a line that has not the length of a record
	CodeAccount    fault.Code = "ACCOUNT"    // a record of another account, or issuer, than those around it
	CodeContinuity fault.Code = "CONTINUITY" // a statement that does not begin where the one before of its account ended
	CodeOrphan     fault.Code = "ORPHAN"     // a complement of nothing
)

// Encoding is how the bytes of a file stand for characters. A record has its length in bytes of ISO-8859-1 or of 7 bits: a
// file in UTF-8 has been converted on its way, and must be declared.
type Encoding uint8

// The encodings.
const (
	// Latin1 is ISO-8859-1. Braces in texts are read as é and è: converters from the French 7 bits leave them behind, and no
	// payment may hold them.
	Latin1 Encoding = iota
	// French7 is the French form of ISO 646 (NF Z 62-010), in which ten signs of ASCII are accents: # @ [ \ ] ` { | } ~ stand
	// for £ à ° ç § µ é ù è ¨ in texts.
	French7
	// UTF8 is UTF-8, with or without a byte order mark, of which each character must be one of ISO-8859-1. A record has its
	// length in characters.
	UTF8
)

// Options declares what a file's bytes are like. The zero Options is ISO-8859-1. How lines end is seen in the file.
type Options struct {
	Encoding Encoding
}

// Ending is what a writer puts behind each record.
type Ending uint8

// The endings.
const (
	LF     Ending = iota // as on Unix
	CRLF                 // as on Windows
	Joined               // nothing: records follow one another without any line break
)

// String gives the bytes of the ending.
func (e Ending) String() string {
	switch e {
	case CRLF:
		return "\r\n"
	case Joined:
		return ""
	default:
		return "\n"
	}
}

// Account is an account in France or Monaco: an IBAN without country, check digits and RIB key.
type Account struct {
	Bank   string // code banque, 5 digits
	Branch string // code guichet, 5 digits
	Number string // 11 digits and capital letters
}

// Is tells whether an IBAN, without spaces, is of this account: bank in its characters 5 to 9, branch in 10 to 14, account
// in 15 to 25. What is no IBAN of France or Monaco is of no such account.
func (a Account) Is(account string) bool {
	const length = 27

	if len(account) != length || account[:2] != "FR" && account[:2] != "MC" || iban.Check(account) != nil {
		return false
	}

	return a == Account{Bank: account[4:9], Branch: account[9:14], Number: account[14:25]}
}

// String masks the account but for its bank, its branch and its last three characters, so that it can be shown.
func (a Account) String() string {
	const shown = 3

	return a.Bank + " " + a.Branch + " …" + a.Number[max(0, len(a.Number)-shown):]
}

// Summary is what a file is as a whole.
type Summary struct {
	Records int // of all types
	Groups  int // statements, remittances or advices
	Details int // movements, orders or details in them
	SHA256  [sha256.Size]byte
	Bytes   int64 // size of the file, whose identity SHA256 is; both are of its beginning when it has more than MaxRecords
}
