package divalto

import (
	"fmt"
	"slices"
)

// chequeInBank is the state in which a remise en banque leaves its items.
const chequeInBank = "C50"

// FinalStates lists the states in which the ERP may leave a settlement: in
// portfolio (30) and in bank (50), of cheques (C), transfers (V), SEPA transfers
// (S), international transfers (I) and direct debits (D). Cards have none of
// their own.
func FinalStates() []string {
	return []string{"C30", chequeInBank, "V30", "V50", "S30", "S50", "I30", "I50", "D30", "D50"}
}

func isFinal(state string) bool { return slices.Contains(FinalStates(), state) }

// StateRow is one row of the table of states, as a configuration writes it.
type StateRow struct {
	Dossier   string // Dos of the dossier; empty for that of the ERP's user
	Means     string // means of payment, a word of our own: letters, digits and hyphens, at most MaxCode
	Direction string // "encashment" or "disbursement"
	Change    string // ChgEtat
	Final     string // EtatFin, one of FinalStates
}

// StateError is a row that the table of states cannot hold.
type StateError struct {
	Row   int    // from 1
	Field string // the field of StateRow, in lower case
	Value string // what stands there
	Todo  string // what is wrong, and what to do
}

// Error names row, field, value and what to do.
func (e *StateError) Error() string {
	return fmt.Sprintf("table of states, row %d, field %s, value %q: %s", e.Row, e.Field, e.Value, e.Todo)
}

type stateKey struct {
	dossier, means string
	direction      Direction
}

// States says which change of state is asked of which dossier, for which means
// of payment and direction. Make it by [NewStates]; the zero States is empty. It
// is safe for concurrent use.
type States struct {
	pairs map[stateKey]State
}

// NewStates checks the table: known directions and final states, one row a
// dossier, means and direction, and one final state a change within a dossier.
// The error is a *StateError.
func NewStates(rows []StateRow) (States, error) {
	states := States{pairs: make(map[stateKey]State, len(rows))}
	finals := make(map[[2]string]string, len(rows))

	for i, row := range rows {
		key, err := row.key(i + 1)
		if err != nil {
			return States{}, err
		}

		if _, twice := states.pairs[key]; twice {
			return States{}, &StateError{i + 1, "means", row.Means, "a row before has the same dossier, means and direction: leave one out"}
		}

		change := [2]string{row.Dossier, row.Change}
		if final, known := finals[change]; known && final != row.Final {
			return States{}, &StateError{
				i + 1, "final", row.Final, "a row before has this change end in " + final + ": a change of state has one end",
			}
		}

		finals[change] = row.Final
		states.pairs[key] = State{Change: row.Change, Final: row.Final}
	}

	return states, nil
}

// Lookup gives the pair for a settlement. The error is a *RuleError: without a
// pair nothing is sent.
func (s States) Lookup(dossier, means string, direction Direction) (State, error) {
	pair, known := s.pairs[stateKey{dossier, means, direction}]
	if !known {
		return State{}, broken(0, RuleState, fieldChange, means, "the table of states has no pair for this means of payment, "+
			direction.String()+", dossier "+fmt.Sprintf("%q", shown(dossier))+": add the row")
	}

	return pair, nil
}

// Len is the number of rows.
func (s States) Len() int { return len(s.pairs) }

func (r StateRow) key(row int) (stateKey, error) {
	refuse := func(field, value, todo string) (stateKey, error) {
		return stateKey{}, &StateError{Row: row, Field: field, Value: shown(value), Todo: todo}
	}

	direction, known := ParseDirection(r.Direction)

	switch {
	case !known:
		return refuse("direction", r.Direction, "say encashment or disbursement")
	case !isWord(r.Means):
		return refuse("means", r.Means, "say a word of lower-case letters, digits and hyphens")
	case checkOptional(0, "dos", r.Dossier) != nil:
		return refuse("dossier", r.Dossier, "say the dossier's code, or nothing for that of the ERP's user")
	case checkCode(0, fieldChange, r.Change) != nil:
		return refuse("change", r.Change, "say the code of a change of state that the ERP knows")
	case !isFinal(r.Final):
		return refuse("final", r.Final, fmt.Sprintf("say one of %v", FinalStates()))
	default:
		return stateKey{dossier: r.Dossier, means: r.Means, direction: direction}, nil
	}
}

func isWord(text string) bool {
	if text == "" || len(text) > MaxCode {
		return false
	}

	for i := range len(text) {
		if c := text[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}

	return true
}
