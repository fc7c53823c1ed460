package transfers

import (
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/statement"
)

// IBANs are those of the three accounts, by which statements name them.
func (b Bank) IBANs() statement.Accounts {
	return statement.Accounts{
		ledger.Reglement: b.Reglement.IBAN, ledger.Cantonnement: b.Cantonnement.IBAN, ledger.Fonctionnement: b.Fonctionnement.IBAN,
	}
}
