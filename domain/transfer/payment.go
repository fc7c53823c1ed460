package transfer

import "github.com/reglo/reglo/domain/money"

const (
	// MaxPartyName is the longest name of a debtor or creditor, in characters: an ISO 20022 Max140Text.
	MaxPartyName = 140
	// MaxEndToEndID is the longest end-to-end identifier, in characters: an ISO 20022 Max35Text.
	MaxEndToEndID = 35
)

// Payment is one order of a bulk.
type Payment struct {
	EndToEndID string // unique in the bulk: printable ASCII without spaces, 1 to MaxEndToEndID characters
	RefExterne string
	Amount     money.Cents // above zero
	Debtor     Party       // on whose behalf money leaves: the merchant with its CP's IBAN, or the EP
	Creditor   Party
	Info       string // remittance information, 1 to MaxInfo characters
}
