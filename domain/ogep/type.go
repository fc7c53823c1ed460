// Package ogep writes and reads the OG-EP events: what a settlement engine tells the data sink of a French
// établissement de paiement. The writer is strict (one form, field by field); the reader is tolerant of what producers of
// the same reference have written over the years.
package ogep

import (
	"slices"
	"strings"

	"github.com/reglo/reglo/domain/vacation"
)

// Type names what an event reports. The OG-EP reference has 27.
type Type string

// The types that do not start or end a vacation.
const (
	TypeGetAccountBalance                Type = "get-account-balance"
	TypeGetAccountTransactions           Type = "get-account-transactions"
	TypeCreateAccountTransaction         Type = "create-account-transaction"
	TypeCreateTransfer                   Type = "create-transfer"
	TypeValidateCashout                  Type = "validate-cashout"
	TypeRegisterDebt                     Type = "register-debt"
	TypeCreateRejectedAccountTransaction Type = "create-rejected-account-transaction"
	TypeCreateValidatedOrder             Type = "create-validated-order"
	TypeCreateRejectedOrder              Type = "create-rejected-order"
)

const (
	startPrefix        = "start-"
	endPrefix          = "end-"
	endWithErrorPrefix = "end-with-error-"
)

// StartType gives the type of the event that opens a vacation.
func StartType(k vacation.Kind) Type { return Type(startPrefix + string(k)) }

// EndType gives the type of the event that closes a vacation that went well.
func EndType(k vacation.Kind) Type { return Type(endPrefix + string(k)) }

// EndWithErrorType gives the type of the event that closes a vacation that failed.
func EndWithErrorType(k vacation.Kind) Type { return Type(endWithErrorPrefix + string(k)) }

// Types lists the 27 types.
func Types() []Type {
	kinds := vacation.Kinds()
	types := make([]Type, 0, 3*len(kinds)+len(acts()))

	for _, kind := range kinds {
		types = append(types, StartType(kind), EndType(kind), EndWithErrorType(kind))
	}

	return append(types, acts()...)
}

// Valid tells whether t is one of the 27.
func (t Type) Valid() bool {
	_, kind := t.boundary()

	return kind != "" || slices.Contains(acts(), t)
}

// acts lists the types of what happens inside a vacation.
func acts() []Type {
	return []Type{
		TypeGetAccountBalance, TypeGetAccountTransactions, TypeCreateAccountTransaction, TypeCreateTransfer,
		TypeValidateCashout, TypeRegisterDebt, TypeCreateRejectedAccountTransaction, TypeCreateValidatedOrder,
		TypeCreateRejectedOrder,
	}
}

// boundary splits the type of an event that starts or ends a vacation into its prefix and the kind; both are empty for
// any other type.
func (t Type) boundary() (prefix string, kind vacation.Kind) {
	// The longest prefix first: "end-" begins "end-with-error-" too.
	for _, candidate := range []string{startPrefix, endWithErrorPrefix, endPrefix} {
		rest, found := strings.CutPrefix(string(t), candidate)
		if found && vacation.Kind(rest).Valid() {
			return candidate, vacation.Kind(rest)
		}
	}

	return "", ""
}
