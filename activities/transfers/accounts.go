package transfers

import (
	"strings"

	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/statement"
	"github.com/reglo/reglo/domain/transfer"
)

// Named is how orders name the bank.
func (b Bank) Named() transfer.Bank {
	return transfer.Bank{ID: b.ID, OrderFormat: strings.ToUpper(string(b.Format.Version))}
}

// IBANs are those of the three accounts, by which statements name them.
func (b Bank) IBANs() statement.Accounts {
	return statement.Accounts{
		ledger.Reglement: b.Reglement.IBAN, ledger.Cantonnement: b.Cantonnement.IBAN, ledger.Fonctionnement: b.Fonctionnement.IBAN,
	}
}
