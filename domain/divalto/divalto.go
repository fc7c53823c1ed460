// Package divalto says settlements to the ERP Divalto infinity, by its web
// service integration_reglement, and reads what it answers: the rules that hold
// before anything is sent, the document in both of its quotings and both of its
// vocabularies, and the reply, which some versions of the ERP write as broken
// JSON.
//
// It calls nobody. One call carries one settlement, since a reply names one
// transaction for the whole of its request.
package divalto

import (
	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
)

const (
	// AuthPath is the path of the authentication, behind the ERP's base address.
	AuthPath = "/api/v1/Authent/Auth"
	// ExecutePath is the path of every action, behind the ERP's base address.
	ExecutePath = "/api/v1/WebService/Execute"

	// MaxDetails bounds the details of one settlement: far more invoices than one
	// payment settles, and few enough for a request that the ERP takes in one go.
	MaxDetails = 1000
	// MaxCode bounds the codes of the ERP (third party, piece, bank, dossier, state
	// change…), in characters: as long as a third party of our merchants may be.
	MaxCode = 35
)

// Direction is where the money goes, as the ERP codes it.
type Direction int

// The directions.
const (
	Encashment   Direction = 1 // money that came in
	Disbursement Direction = 2 // money that went out
)

// String gives the name that configurations use: "encashment", "disbursement".
func (d Direction) String() string {
	switch d {
	case Encashment:
		return "encashment"
	case Disbursement:
		return "disbursement"
	default:
		return "no direction"
	}
}

// ParseDirection reads what String gives.
func ParseDirection(s string) (Direction, bool) {
	for _, d := range [...]Direction{Encashment, Disbursement} {
		if d.String() == s {
			return d, true
		}
	}

	return 0, false
}

// Nature is what a detail is, as the ERP codes it.
type Nature string

// The natures. The first three are payment lines, whose sum is the settlement's
// amount; the others complete an invoice that a payment line settles, and are not
// in the sum.
const (
	Payment Nature = ""    // settles what remains of a piece; the ERP's code is one space
	Partial Nature = "WPA" // settles a part of a piece
	Advance Nature = "WAR" // settles no piece yet

	Difference Nature = "WDR" // difference of settlement
	Exchange   Nature = "WDC" // difference of exchange
	Discount   Nature = "WE"  // discount granted
)

// Pays tells whether a line of that nature counts in the settlement's amount.
func (n Nature) Pays() bool { return n == Payment || n == Partial || n == Advance }

// Completes tells whether a line of that nature completes a piece that another
// line settles.
func (n Nature) Completes() bool { return n == Difference || n == Exchange || n == Discount }

// State is the change of state that a settlement asks of the ERP, and the state
// in which it leaves the settlement. [States] holds which are to be asked.
type State struct {
	Change string // ChgEtat, a code that the dossier's settings define: PORCHQ
	Final  string // EtatFin, one of FinalStates
}

// Posting is one settlement to be posted.
type Posting struct {
	Direction  Direction
	Date       calendar.Date // of the transaction
	ThirdParty string        // the ERP's code of the third party, 1 to MaxCode characters
	Amount     money.Cents   // above zero
	Label      string        // by which the ERP is searched, see Label
	Etb        string        // establishment of the settlement; may be empty
	State      State
	Details    []Detail // 1 to MaxDetails
}

// Detail is one line of a settlement.
type Detail struct {
	Nature     Nature
	Amount     money.Cents   // above zero
	ThirdParty string        // that of the settlement
	Prefix     string        // of the piece; may be empty
	Piece      string        // number of the invoice that is settled; empty for an Advance only
	Due        calendar.Date // of the instalment that is settled; may be zero
}

// Item is one thing of the portfolio that a deposit takes to the bank.
type Item struct {
	// Transaction is the ERP's number of the transaction that put the item in
	// portfolio.
	Transaction string
	Order       int         // of the item within its transaction, from 1; 0 stands for 1
	Amount      money.Cents // above zero
}

// Deposit is a remise en banque: items of the portfolio go from state C30 to
// C50. Make it by [NewDeposit].
type Deposit struct {
	Date   calendar.Date
	Label  string      // by which the ERP is searched, see Label
	Bank   string      // code of the bank that gets the items, 1 to MaxCode characters
	State  State       // Final is C50, or empty: the ERP then takes that of Change
	Amount money.Cents // sum of the items
	Items  []Item      // 1 to MaxDetails
}

// NewDeposit makes a deposit of the sum of its items. The error is a *RuleError.
func NewDeposit(date calendar.Date, label, bank string, state State, items []Item) (Deposit, error) {
	deposit := Deposit{Date: date, Label: label, Bank: bank, State: state, Items: make([]Item, len(items))}

	for i, item := range items {
		if item.Order == 0 {
			item.Order = 1
		}

		deposit.Items[i] = item
	}

	var err error
	if deposit.Amount, err = sumItems(deposit.Items); err != nil {
		return Deposit{}, err
	}

	if err := deposit.Check(); err != nil {
		return Deposit{}, err
	}

	return deposit, nil
}

// Entry is what one call posts: a [Posting] or a [Deposit].
type Entry interface {
	// Check holds the entry against the rules that the ERP wants. The error is a
	// *RuleError: what breaks a rule is not to be sent.
	Check() error
	// header lists the fields of the entry, and those of its details.
	header() record
}

// Dossier is where the ERP books. What is empty, the ERP takes from its user.
type Dossier struct {
	Dos    string // dossier of sales and purchases
	DosCpt string // dossier of accounts
	Etb    string // establishment
}

// Options is how the ERP wants a request to be written.
type Options struct {
	Dossier    Dossier
	Quote      Quote      // empty stands for QuoteDouble
	Vocabulary Vocabulary // the zero Vocabulary is that of the dictionary
}
