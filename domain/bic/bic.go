// Package bic checks business identifier codes, which name banks (ISO 9362).
package bic

import (
	"errors"

	register "github.com/jacoelho/banking/bic"
)

// ErrInvalid says that the text is no BIC: four capital letters, a country's two, two capital letters or digits, and no or
// three more for the branch.
var ErrInvalid = errors.New("must be a BIC: 8 or 11 capital letters and digits, of which the fifth and the sixth name a country")

// Check gives no error for a BIC of 8 or 11 characters whose country there is, ErrInvalid otherwise. It does not say that
// the bank exists.
func Check(bic string) error {
	if _, err := register.Parse(bic); err != nil {
		return ErrInvalid
	}

	return nil
}
