// Package vacation names the work that the engine does: the six kinds of vacation of the OG-EP reference, the sessions
// that make each of them unique, the stages that a run passes, and why one ends with error.
package vacation

import "slices"

// Kind names one of the six vacations, in the words of the OG-EP reference: it is part of workflow ids and event types.
type Kind string

// The six vacations.
const (
	ReglementVirements    Kind = "vacation-reglement-virements"
	ReglementTransactions Kind = "vacation-reglement-transactions"
	ReglementImpayes      Kind = "vacation-reglement-impayes"
	Creances              Kind = "vacation-creances"
	Financiere            Kind = "vacation-financiere"
	Technique             Kind = "vacation-technique"
)

// Kinds lists the six vacations, in the order of the OG-EP reference.
func Kinds() []Kind {
	return []Kind{ReglementVirements, ReglementTransactions, ReglementImpayes, Creances, Financiere, Technique}
}

// IsReglement tells the three vacations that settle a movement of the règlement account, each from its own file.
func (k Kind) IsReglement() bool {
	return k == ReglementVirements || k == ReglementTransactions || k == ReglementImpayes
}

// Valid tells whether k is one of the six.
func (k Kind) Valid() bool { return slices.Contains(Kinds(), k) }
