package settlement_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/settlement"
)

func date(t testing.TB, text string) calendar.Date {
	t.Helper()

	day, err := calendar.ParseDate(text)
	require.NoError(t, err)

	return day
}

func header(t testing.TB) settlement.Header {
	t.Helper()

	return settlement.Header{
		FileName: "Fichier.CRE.EP.TI.UEP.txt", Kind: settlement.KindTransaction,
		Reference: "00000120190725UEP", OperationType: "100", SettlementDate: date(t, "2019-07-25"), Currency: "EUR",
		CreatedAt: time.Date(2019, time.July, 25, 4, 0, 0, 0, time.UTC).In(calendar.Paris()),
	}
}

// sale is a good line; tests change what they are about.
func sale(t testing.TB, creID string) settlement.Line {
	t.Helper()

	return settlement.Line{
		CreID: []byte(creID), AccountID: []byte("1A17660007"), Siret: []byte("73282932000074"),
		Contract: []byte("1234567"), Scheme: settlement.SchemeCB, Type: settlement.TypeVente, Gross: 1011, Commission: 9,
		TransactionAt: time.Date(2019, time.July, 24, 10, 25, 55, 0, calendar.Paris()), ValueDate: date(t, "2019-07-26"),
		AcquirerRef: []byte("74970619205000000000017"), OriginalRef: nil, ReasonCode: nil,
		Label: []byte("RBCRR      CB10:25:55C1234567121119"),
	}
}

func write(t testing.TB, destination io.Writer, h settlement.Header, lines ...settlement.Line) settlement.Summary {
	t.Helper()

	writer, err := settlement.NewWriter(destination, h)
	require.NoError(t, err)

	for i := range lines {
		require.NoError(t, writer.Write(&lines[i]))
	}

	summary, err := writer.Close()
	require.NoError(t, err)

	return summary
}

func TestWriteThenReadGivesTheSame(t *testing.T) {
	t.Parallel()

	refund := sale(t, "CRE-2")
	refund.Type, refund.Gross, refund.Commission, refund.Label = settlement.TypeRemb, -500, 0, []byte("Remboursé à l'été")

	var file bytes.Buffer

	written := write(t, &file, header(t), sale(t, "CRE-1"), refund)

	var read [][]byte

	summary, err := settlement.Read("f", bytes.NewReader(file.Bytes()), settlement.CRE1{}, func(line *settlement.Line) error {
		read = append(read, settlement.AppendLine(nil, line))

		return nil
	})
	require.NoError(t, err)
	require.Equal(t, written, summary)
	require.Equal(t, 2, summary.Lines)
	require.EqualValues(t, 511, summary.Gross)
	require.Contains(t, file.String(), string(bytes.Join(read, nil)))
}
