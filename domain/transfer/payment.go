package transfer

import "github.com/reglo/reglo/domain/money"

// Payment is one order of a bulk.
type Payment struct {
	EndToEndID string // unique in the bulk
	RefExterne string
	Amount     money.Cents // above zero
	Debtor     Party       // on whose behalf money leaves: the merchant with its CP's IBAN, or the EP
	Creditor   Party
	Info       string // remittance information
}
