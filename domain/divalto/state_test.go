package divalto_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/divalto"
)

func TestStates(t *testing.T) {
	t.Parallel()

	states, err := divalto.NewStates([]divalto.StateRow{
		{"998", "card", "encashment", "PORCHQ", "C30"},
		{"998", "transfer", "disbursement", "VIRBQE", "V50"},
		{"998", "sepa-transfer", "disbursement", "VIRBQE", "V50"},
		{"", "card", "encashment", "PORCHQ", "S30"}, // another dossier may end the same change elsewhere
	})
	require.NoError(t, err)
	require.Equal(t, 4, states.Len())

	pair, err := states.Lookup("998", "transfer", divalto.Disbursement)
	require.NoError(t, err)
	require.Equal(t, divalto.State{Change: "VIRBQE", Final: "V50"}, pair)

	pair, err = states.Lookup("", "card", divalto.Encashment)
	require.NoError(t, err)
	require.Equal(t, "S30", pair.Final)

	for _, absent := range []struct {
		dossier, means string
		direction      divalto.Direction
	}{
		{"998", "card", divalto.Disbursement}, {"", "transfer", divalto.Disbursement}, {"998", "cheque", divalto.Encashment}, {"998", "card", 0},
	} {
		_, err := states.Lookup(absent.dossier, absent.means, absent.direction)
		requireBroken(t, err, 0, divalto.RuleState, "ChgEtat")
		require.Contains(t, err.Error(), absent.means)
	}

	_, err = divalto.States{}.Lookup("998", "card", divalto.Encashment)
	requireBroken(t, err, 0, divalto.RuleState, "ChgEtat")
}

func TestStateErrors(t *testing.T) {
	t.Parallel()

	good := divalto.StateRow{"998", "card", "encashment", "PORCHQ", "C30"}

	for field, breaks := range map[string]func(*divalto.StateRow){
		"direction": func(r *divalto.StateRow) { r.Direction = "1" },
		"means":     func(r *divalto.StateRow) { r.Means = "Card" },
		"dossier":   func(r *divalto.StateRow) { r.Dossier = strings.Repeat("9", 36) },
		"change":    func(r *divalto.StateRow) { r.Change = "" },
		"final":     func(r *divalto.StateRow) { r.Final = "B30" },
	} {
		row := good
		row.Means, row.Change = "transfer", "VIRBQE"
		breaks(&row)

		_, err := divalto.NewStates([]divalto.StateRow{good, row})

		var refused *divalto.StateError

		require.ErrorAs(t, err, &refused, field)
		require.Equal(t, 2, refused.Row)
		require.Equal(t, field, refused.Field)
		require.Contains(t, err.Error(), refused.Todo)
	}

	for _, means := range []string{"", "a b", strings.Repeat("x", 36)} {
		_, err := divalto.NewStates([]divalto.StateRow{{"998", means, "encashment", "PORCHQ", "C30"}})
		require.Error(t, err, means)
	}

	_, err := divalto.NewStates([]divalto.StateRow{good, good})
	require.ErrorContains(t, err, "row 2")

	other := good
	other.Means, other.Final = "cheque", "C50"

	_, err = divalto.NewStates([]divalto.StateRow{good, other})
	require.ErrorContains(t, err, "a change of state has one end")
}

func TestDirections(t *testing.T) {
	t.Parallel()

	for _, direction := range []divalto.Direction{divalto.Encashment, divalto.Disbursement} {
		read, known := divalto.ParseDirection(direction.String())
		require.True(t, known)
		require.Equal(t, direction, read)
	}

	_, known := divalto.ParseDirection(divalto.Direction(0).String())
	require.False(t, known)
}
