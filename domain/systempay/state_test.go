package systempay_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/systempay"
)

func states() []systempay.State {
	return []systempay.State{
		systempay.StateNone, systempay.StatePending, systempay.StateAuthorised, systempay.StateCaptureFailed, systempay.StateCaptured,
		systempay.StateCancelled, systempay.StateNotPaid, systempay.StateChecked, systempay.StateContradictory,
	}
}

func TestAdvance(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		current, next, want systempay.State
	}{
		{systempay.StateNone, systempay.StatePending, systempay.StatePending},
		{systempay.StatePending, systempay.StateAuthorised, systempay.StateAuthorised},
		{systempay.StateAuthorised, systempay.StatePending, systempay.StateAuthorised},
		{systempay.StateAuthorised, systempay.StateCaptured, systempay.StateCaptured},
		{systempay.StateCaptured, systempay.StateAuthorised, systempay.StateCaptured},
		{systempay.StateCaptured, systempay.StatePending, systempay.StateCaptured},
		{systempay.StateAuthorised, systempay.StateCaptureFailed, systempay.StateCaptureFailed},
		{systempay.StateCaptureFailed, systempay.StateCaptured, systempay.StateCaptured},
		{systempay.StateCaptured, systempay.StateCaptureFailed, systempay.StateCaptured},
		{systempay.StateAuthorised, systempay.StateCancelled, systempay.StateCancelled},
		{systempay.StateCancelled, systempay.StateAuthorised, systempay.StateCancelled},
		{systempay.StatePending, systempay.StateNotPaid, systempay.StateNotPaid},
		{systempay.StatePending, systempay.StateChecked, systempay.StateChecked},
		{systempay.StateChecked, systempay.StatePending, systempay.StateChecked},
		{systempay.StateCaptureFailed, systempay.StateCancelled, systempay.StateCancelled},
		{systempay.StatePending, systempay.StateCaptureFailed, systempay.StateCaptureFailed},
		{systempay.StateCaptured, systempay.StateNone, systempay.StateCaptured},
	} {
		state, changed, err := systempay.Advance(test.current, test.next)
		require.NoError(t, err)
		require.Equal(t, test.want, state, "%s %s", test.current, test.next)
		require.Equal(t, test.want != test.current, changed)
	}

	for _, pair := range [][2]systempay.State{
		{systempay.StateCaptured, systempay.StateCancelled}, {systempay.StateAuthorised, systempay.StateNotPaid},
		{systempay.StateNotPaid, systempay.StateCaptured}, {systempay.StateChecked, systempay.StateAuthorised},
		{systempay.StateCancelled, systempay.StateNotPaid}, {systempay.StateCaptureFailed, systempay.StateNotPaid},
	} {
		for _, told := range [][2]systempay.State{pair, {pair[1], pair[0]}} {
			state, changed, err := systempay.Advance(told[0], told[1])

			var contradiction *systempay.ContradictionError

			require.ErrorAs(t, err, &contradiction)
			require.Equal(t, &systempay.ContradictionError{Current: told[0], Next: told[1]}, contradiction)
			require.Contains(t, err.Error(), string(told[0]))
			require.Equal(t, systempay.StateContradictory, state)
			require.True(t, changed)
		}
	}
}

func TestStateNeverGoesBackAndSaysAContradictionOnce(t *testing.T) {
	t.Parallel()

	for _, current := range states() {
		for _, next := range states() {
			state, changed, err := systempay.Advance(current, next)
			require.Equal(t, state != current, changed)

			again, changedAgain, errAgain := systempay.Advance(state, next)
			require.Equal(t, state, again)
			require.False(t, changedAgain)
			require.NoError(t, errAgain)

			back, changedBack, errBack := systempay.Advance(state, current)
			require.Equal(t, state, back)
			require.False(t, changedBack)
			require.NoError(t, errBack)

			if err != nil {
				require.Equal(t, systempay.StateContradictory, state)
			}
		}
	}
}

func TestAnyOrderOfNotificationsEndsInTheSameState(t *testing.T) {
	t.Parallel()

	type told struct{ status, result string }

	all := []told{
		{"AUTHORISED_TO_VALIDATE", "00"}, {"WAITING_AUTHORISATION", "00"}, {"AUTHORISED", "00"}, {"CAPTURED", "00"}, {"CAPTURE_FAILED", "00"},
		{"CANCELLED", "00"}, {"EXPIRED", "00"}, {"REFUSED", "05"}, {"ABANDONED", "17"}, {"ACCEPTED", "00"}, {"AUTHORISED", "30"}, {"ODD", "00"},
	}
	become := make([]systempay.State, len(all))

	for i, each := range all {
		n := notify(t, map[string]string{"vads_trans_status": each.status, "vads_result": each.result})
		become[i] = n.Judge().State
	}

	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SliceOfN(rapid.SampledFrom(become), 1, 8).Draw(t, "set")
		end := func(sequence []systempay.State) (systempay.State, int) {
			state, conflicts := systempay.StateNone, 0

			for _, next := range sequence {
				var err error
				if state, _, err = systempay.Advance(state, next); err != nil {
					conflicts++
				}
			}

			return state, conflicts
		}

		want, conflicts := end(set)
		// Each may also come more than once.
		shuffled := rapid.Permutation(append(append([]systempay.State{}, set...), set...)).Draw(t, "shuffled")
		got, conflictsThen := end(shuffled)
		require.Equal(t, want, got)
		require.Equal(t, conflicts, conflictsThen)
		require.Equal(t, want == systempay.StateContradictory, conflicts == 1)
	})
}
