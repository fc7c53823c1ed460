package e2e_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/reglo/reglo/activities/audit"
	"github.com/reglo/reglo/domain/vacation"
	"github.com/reglo/reglo/workflows"
)

func startOptions(request workflows.ReglementRequest) client.StartWorkflowOptions {
	id := vacation.ID{Kind: kindOf(request), Key: request.Transaction.Reference}
	return client.StartWorkflowOptions{ID: id.String(), TaskQueue: workflows.Queue}
}

func TestAFileBecomesMoneyOnPaymentAccounts(t *testing.T) {
	t.Parallel()
	day := newDay(t, 40, 3_000)
	s := newStage(t, day)
	totals, err := s.settle(t, s.bring(t, day))
	require.NoError(t, err)
	require.Equal(t, 3_000, totals.Lines)
	require.Positive(t, totals.Debts)

	report, err := audit.Verify(t.Context(), s.pool)
	require.NoError(t, err)
	require.True(t, report.Clean(), "%v", report.Breaches)
	t.Logf("%+v %+v", totals, report)
}
