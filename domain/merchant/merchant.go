// Package merchant holds the merchants' payment accounts (CP, comptes de paiement) and their payout rules, and reads the
// daily snapshot of them.
package merchant

import (
	"errors"
	"strconv"
	"strings"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

// Status is the state of a payment account.
type Status string

// The states.
const (
	StatusActive  Status = "ACTIVE"
	StatusBlocked Status = "BLOCKED" // receives, pays nothing out
	StatusClosed  Status = "CLOSED"  // neither receives nor pays out
)

// PayoutMode is who asks for a payout.
type PayoutMode string

// The payout modes.
const (
	PayoutAuto   PayoutMode = "AUTO"   // the engine, by the merchant's frequency
	PayoutManual PayoutMode = "MANUAL" // the merchant
	PayoutNone   PayoutMode = "NONE"   // nobody
)

// Period is the unit of a payout frequency.
type Period string

// The periods.
const (
	Daily   Period = "DAILY"
	Weekly  Period = "WEEKLY"
	Monthly Period = "MONTHLY"
)

const (
	daysAWeek  = 7
	daysAMonth = 31
)

// Frequency is when automatic payouts are due. The zero Frequency is never.
type Frequency struct {
	Period Period
	Day    int // of the week, 1 (Monday) to 7, or of the month, 1 to 31; 0 when daily
}

// ErrFrequency says that a text is no frequency.
var ErrFrequency = errors.New("must be DAILY, WEEKLY:<1 to 7> or MONTHLY:<1 to 31>")

// ParseFrequency reads what String writes, but for the zero Frequency. The error is ErrFrequency.
func ParseFrequency(text string) (Frequency, error) {
	if text == string(Daily) {
		return Frequency{Period: Daily}, nil
	}

	period, number, _ := strings.Cut(text, ":")

	day, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(day) != number || day < 1 {
		return Frequency{}, ErrFrequency
	}

	switch found := (Frequency{Period: Period(period), Day: day}); {
	case found.Period == Weekly && day <= daysAWeek, found.Period == Monthly && day <= daysAMonth:
		return found, nil
	default:
		return Frequency{}, ErrFrequency
	}
}

// String gives DAILY, WEEKLY:<day>, MONTHLY:<day>, or nothing for the zero Frequency.
func (f Frequency) String() string {
	if f.Day == 0 {
		return string(f.Period)
	}

	return string(f.Period) + ":" + strconv.Itoa(f.Day)
}

// Merchant is one payment account and what its holder agreed to. Names and IBANs never go into a log or an error.
type Merchant struct {
	AccountID       string // unique, see ValidAccountID
	Siret           string // of the holder; several accounts may have the same
	LegalName       string // of the holder, at most MaxName characters
	CPIBAN          string // of the account itself: debtor of the merchant's payouts; unique
	CPBIC           string
	Status          Status
	PayoutMode      PayoutMode
	PayoutFrequency Frequency // never, unless PayoutMode is PayoutAuto or the merchant has one in reserve
	ExternalIBAN    string    // where payouts go; required when PayoutMode is PayoutAuto
	ExternalBIC     string    // required with ExternalIBAN
	ExternalName    string    // required with ExternalIBAN, at most MaxName characters
	Reserve         money.Cents
	MinPayout       money.Cents // a payout at or under it is skipped
	PayoutCeiling   money.Cents // money.Max when there is none
	CPToCPAllowed   bool        // movements between payment accounts
	Agent           string      // may be empty, at most MaxCode characters
	ERPThirdParty   string      // third party of the ERP, may be empty, at most MaxCode characters
	ValidFrom       calendar.Date
}

const (
	accountPrefix = 2  // capital letters or digits at the start of an account's identifier
	accountLength = 10 // with the eight digits that follow
)

// ValidAccountID tells the identifier of a payment account: two capital letters or digits, then eight digits.
func ValidAccountID[T string | []byte](id T) bool {
	if len(id) != accountLength {
		return false
	}

	for i := range accountLength {
		char := id[i]
		if (char < '0' || char > '9') && (i >= accountPrefix || char < 'A' || char > 'Z') {
			return false
		}
	}

	return true
}
