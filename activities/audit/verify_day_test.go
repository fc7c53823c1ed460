package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/audit"
)

func TestVerifyFindsNothingInAWholeDay(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	report, err := audit.Verify(t.Context(), d.pool)
	require.NoError(t, err)
	require.Empty(t, report.Breaches)
	require.Positive(t, report.Checked.Payouts)
}
