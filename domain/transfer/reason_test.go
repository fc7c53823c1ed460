package transfer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/transfer"
)

func TestReason(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"AC04": "AC04", "FOCR": "FOCR", "": "MS03", "AC4": "MS03", "ac04": "MS03", "AC04 ": "MS03", "COMPTE CLOS": "MS03",
	} {
		require.Equal(t, want, transfer.Reason(code), "%q", code)
	}
}
