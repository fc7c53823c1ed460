// Package statement makes of the bank's statements of the EP's accounts, in whatever format they come, the same statements
// and lines, and knows which statement follows which. It reads camt.053.001.02, .04 and .08 and CFONB 120.
package statement

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/reglo/reglo/domain/bankfile"
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
)

const (
	// MaxLines is the largest number of lines of a file. Proving that their identifiers are unique takes about 150 bytes of
	// memory a line, 30 MB at this limit; payouts are booked by the bulk, so that a day has some hundred movements.
	MaxLines = 200_000
	// MaxStatements is the largest number of statements of a file, kept in some 150 bytes each: three years of those of
	// three accounts.
	MaxStatements = 4_000
	// MaxNumber is the largest number of a statement: nine digits, a statement a second for thirty years.
	MaxNumber = 999_999_999
	// MaxID is the longest identifier of a movement, in characters.
	MaxID = 64
	// MaxLabel is the longest label of a movement, in characters: what an event may hold.
	MaxLabel = 255

	minYear, maxYear = 2000, 2099 // those of the instants that an event may hold
)

// Accounts are the IBANs of the EP's accounts: BK.REG, BK.CAN and BK.FON.
type Accounts map[ledger.Code]string

// File is what a file says as a whole.
type File struct {
	Format     bankfile.Format
	Statements []Statement // in the order of the file, at most MaxStatements
	SHA256     [sha256.Size]byte
	Bytes      int64 // size of the file, whose identity SHA256 is
}

// Statement is what a statement of one account says as a whole.
type Statement struct {
	Account ledger.Code // BK.REG, BK.CAN or BK.FON
	// Number is the bank's, 0 to MaxNumber: consecutive for an account, at some banks anew from 1 each year; 0 where the
	// format has none (CFONB), or the bank gives none.
	Number int
	// From is the day that the opening balance is of, which is the closing day of the statement before. It is zero where
	// the file does not say it: the opening balance of a camt (OPBD) is of the day before at some banks, of the day itself
	// at others, and only a PRCD of the day before at all.
	From    calendar.Date
	Date    calendar.Date // that the closing balance is of
	Opening money.Cents   // balance before the movements, below zero when the account is overdrawn
	Closing money.Cents   // balance after them
	Lines   int           // how many movements there are, at most MaxLines
	LeftOut int           // entries that are not booked (yet), or of nothing: no line is made of them
}

// String names the statement as the bank knows it: by its number, or by its day.
func (s Statement) String() string {
	if s.Number > 0 {
		return fmt.Sprintf("statement %d of %s", s.Number, s.Account)
	}

	return fmt.Sprintf("statement of %s of %s", s.Date, s.Account)
}

// Line is one movement of the account.
type Line struct {
	// ID is the bank's own reference of the movement, made unique in the statement, 1 to MaxID characters; empty where the
	// bank gives none. See Identify.
	ID            string
	Ordinal       int         // in its statement, from 1
	Label         string      // the bank's, tells the kinds of movements apart; 1 to MaxLabel characters
	Amount        money.Cents // above zero for a credit, below for a debit; never zero
	BookedAt      time.Time   // to the millisecond, in Europe/Paris; midnight where the bank tells the day only
	TransactionAt time.Time   // the same
	ValueAt       time.Time   // the same
	Details       []Detail    // the orders that it is made of, as far as the bank tells their amounts; mostly none
}

// Detail is one order of those that a line is made of.
type Detail struct {
	EndToEndID string      // of the order; empty where the bank does not tell it
	Amount     money.Cents // signed as its line's: never zero
	Code       string      // why it came back, mostly an ISO 20022 reason code of four characters, "AC04"; else empty
}

// Identify gives the identifier of a line, which is one line's for ever: the bank's own reference, else one made of the
// account, the statement's number in its year or its closing day, and the line's place in the statement. What else a line
// says (its amount, its label, the number that CFONB has in a movement's columns 82 to 88, or its reference in 105 to 120)
// may be another line's too, of the same statement even.
//
// Statements without numbers may have the same closing day: one that begins on the day on which it ends, or does not say on
// which it begins, may follow another of that day, and is told from it by its balances.
func (s Statement) Identify(line Line) string {
	switch account := string(s.Account)[len("BK."):]; {
	case line.ID != "":
		return line.ID
	case s.Number > 0:
		return fmt.Sprintf("%s.%d.%d.%d", account, s.Date.Year(), s.Number, line.Ordinal)
	case !s.From.IsZero() && s.From != s.Date:
		return fmt.Sprintf("%s.%s.%d", account, s.Date, line.Ordinal)
	default:
		return fmt.Sprintf("%s.%s.%d.%d.%d", account, s.Date, s.Opening, s.Closing, line.Ordinal)
	}
}
