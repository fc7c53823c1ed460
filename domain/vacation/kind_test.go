package vacation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/vacation"
)

func TestKinds(t *testing.T) {
	t.Parallel()

	require.Len(t, vacation.Kinds(), 6)

	reglements := 0

	for _, kind := range vacation.Kinds() {
		require.True(t, kind.Valid())

		if kind.IsReglement() {
			reglements++
		}
	}

	require.Equal(t, 3, reglements)
	require.False(t, vacation.Kind("").Valid())
	require.False(t, vacation.Kind("vacation-").IsReglement())
}
