package pain001_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/pain001"
)

func TestBlockOf(t *testing.T) {
	t.Parallel()

	const message = "6a1f7d5e21aa11ea9f0e0242ac120002"

	for id, want := range map[string]int{message: 0, message + "001": 1, message + "00z": 35, message + "010": 36, message + "zzz": 46_655} {
		place, is := pain001.BlockOf(message, id)
		require.True(t, is, id)
		require.Equal(t, want, place, id)
	}

	for _, id := range []string{"", message[1:], message + "1", message + "000", message + "00Z", message + "+01", message + "0001", message + "1000", message + "zzzz", message + "-zz"} {
		_, is := pain001.BlockOf(message, id)
		require.False(t, is, id)
	}
}
