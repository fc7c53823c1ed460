package pain002_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/pain002"
)

// TestReadWhatTheBankWrites holds the reader against a writer that somebody else wrote.
func TestReadWhatTheBankWrites(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		executed := rapid.IntRange(0, 3).Draw(t, "executed")
		wrote := message.Report{
			MessageID: "0b7c2f5ee1f54b7c9a2e4d1f00000001", Definition: "pain.001.001.03", Status: message.Partly,
			Executed: executed, ExecutedSum: money.Cents(executed) * 100,
		}

		for i := range rapid.IntRange(1, 6).Draw(t, "rejected") {
			wrote.Rejected = append(wrote.Rejected, message.Detail{
				PaymentID: rapid.SampledFrom([]string{"B1", "B2"}).Draw(t, "block"), EndToEndID: fmt.Sprintf("E%d", i),
				Amount: money.Cents(rapid.Int64Range(1, 10_000_000).Draw(t, "amount")), Code: "AC04",
			})
			wrote.Sum += wrote.Rejected[i].Amount
		}

		wrote.Orders = executed + len(wrote.Rejected)
		wrote.Sum += wrote.ExecutedSum

		if executed == 0 {
			wrote.Status, wrote.Code, wrote.Info = message.Rejected, "AM04", "not enough"
		}

		var text strings.Builder

		version := rapid.SampledFrom([]string{message.Pain002V03, message.Pain002V10}).Draw(t, "version")
		at := time.Date(2026, 3, 2, 9, 15, 30, 0, time.UTC)
		require.NoError(t, message.WritePain002(&text, message.Envelope{Definition: version, ID: "R1", CreatedAt: at}, wrote))

		report, all, err := read(text.String())
		require.NoError(t, err, text.String())
		require.Equal(t, version, string(report.Version))
		require.True(t, at.Equal(report.CreatedAt))
		require.Equal(t, wrote.MessageID, report.OriginalID)
		require.Equal(t, wrote.Orders, report.Orders)
		require.Equal(t, wrote.Sum, report.Sum)
		require.Equal(t, string(wrote.Status), string(report.Status))
		require.Len(t, all.orders, len(wrote.Rejected))

		found := map[string]pain002.Transaction{}
		for _, order := range all.orders {
			found[order.EndToEndID] = order
		}

		for _, rejected := range wrote.Rejected {
			require.Equal(t, pain002.Transaction{
				PaymentID: rejected.PaymentID, EndToEndID: rejected.EndToEndID, Status: pain002.Refused,
				Reasons: []pain002.Reason{{Code: "AC04"}}, Amount: rejected.Amount,
			}, found[rejected.EndToEndID])
		}
	})
}
