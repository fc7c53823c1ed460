//go:build linux

package e2e_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// seedVariable sets the moments of crashes, to have them again.
const seedVariable = "REGLO_CRASH_SEED"

func readSeed(t testing.TB, text string) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, seedVariable)
	return seed
}
