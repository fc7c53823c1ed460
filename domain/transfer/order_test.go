package transfer_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/sepa"
	"github.com/reglo/reglo/domain/transfer"
)

func TestLabelsOfTheReference(t *testing.T) {
	t.Parallel()
	at := time.Date(2020, time.January, 7, 14, 27, 11, 231_973_000, time.UTC)
	require.Equal(t, "COMCO   CB15:27:11", transfer.CommissionLabel("CB", at))
	require.Equal(t, "COMCO   CB15:27:11", transfer.CommissionLabel("CB", at.In(time.FixedZone("", 3600))))
	require.Equal(t, "COMCO   VISA15:27:11", transfer.CommissionLabel("VISA", at))
	require.Equal(t, "COUVERTURE CREANCE 15:27:11", transfer.CoverLabel(at))
	require.Equal(t, "RECOUV CREANCE 15:27:11", transfer.RecoveryLabel(at))
	require.Equal(t, "ABANDON CREANCE 15:27:11", transfer.WriteOffLabel(at))
	require.Equal(t, "CANTONNEMENT 15:27:11", transfer.CantonLabel(at))
	require.Equal(t, "DECANTONNEMENT 15:27:11", transfer.DecantonLabel(at))
	require.Equal(t, "VIREMENT 15:27:11", transfer.PayoutLabel(at))
	require.Equal(t, "REJET VIR AC04 15:27:11", transfer.ReturnLabel("AC04", at))
	require.LessOrEqual(t, len(transfer.ReturnLabel(strings.Repeat("9", 35), at)), sepa.MaxRemittance, "a proprietary reason has 35 at most")
	require.Equal(t, "COMCO   CB16:27:11", transfer.CommissionLabel("CB", at.AddDate(0, 6, 0)), "Paris has summer time")
}

func TestRefExterneOfTheReference(t *testing.T) {
	t.Parallel()
	const id = "6a1f7d5e-21aa-11ea-9f0e-0242ac120002"
	at := time.UnixMilli(1_578_407_231_973)
	require.Equal(t, id+"-1578407231973", transfer.RefExterne(id, at))
	require.Len(t, transfer.RefExterne(id, at), 50)
	require.Equal(t, transfer.RefExterne(id, at), transfer.RefExterne(id, at.Add(999*time.Microsecond)))
	require.NotEqual(t, transfer.RefExterne(id, at), transfer.RefExterne(id, at.Add(time.Millisecond)))
}
