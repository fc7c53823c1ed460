package statement_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank/message"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/statement"
)

// FuzzRead expects that what is accepted leads from balance to balance, with lines that events and the books can hold,
// and that what is refused repeats none of our accounts.
func FuzzRead(f *testing.F) {
	day := date(f, "2026-03-17")
	entries := []message.Entry{
		{ID: "B", Label: "REM VIR MONEXTEUR20191009002", Amount: -2_100, BookedOn: day, ValueOn: day},
		{
			ID: "B", Label: "VIR INTERNE MONEXTINT201910090001", Amount: 200, BookedOn: day, ValueOn: day, Kind: message.Own,
			Details: []message.Detail{{EndToEndID: "E1", Amount: 200, Code: "AC04"}},
		},
	}

	for _, format := range formats() {
		f.Add([]byte(write(f, format, stated(ledger.Reglement, 1, day, day, 0, entries...), stated(ledger.Cantonnement, 1, day, day, -5))))
	}

	f.Add([]byte(camt04("2.00", entry("2.00", "BOOK", "", "<AcctSvcrRef> </AcctSvcrRef>", "", "<AddtlNtryInf>\t</AddtlNtryInf>")+
		entry("2.00", "PDNG", "", "", "", ""))))
	f.Add([]byte(record("01", "", "", "0000000000000{") + record("07", "", "", "0000000000000{")))
	f.Add([]byte(nil))

	f.Fuzz(func(t *testing.T, content []byte) {
		read, lines, err := readFile(string(content))
		if err != nil {
			requireFaults(t, err)

			for _, number := range ours() {
				if !bytes.Contains(content, []byte("<MsgId>"+number)) {
					require.NotContains(t, err.Error(), number)
				}
			}

			return
		}

		require.Equal(t, sha256.Sum256(content), read.SHA256)
		require.EqualValues(t, len(content), read.Bytes)

		wanted, err := statement.Wanted(bytes.NewReader(content))
		require.NoError(t, err)
		require.True(t, wanted)

		for i, found := range read.Statements {
			require.Contains(t, ours(), found.Account)
			require.False(t, found.Date.IsZero())
			require.Len(t, lines[i], found.Lines)

			sum, ids := money.Cents(0), map[string]bool{}

			for n, line := range lines[i] {
				id := found.Identify(line)
				require.False(t, ids[id], id)
				require.Equal(t, n+1, line.Ordinal)
				require.NotZero(t, line.Amount)
				requireText(t, line.Label, statement.MaxLabel)
				requireText(t, id, statement.MaxID)

				for _, detail := range line.Details {
					require.NotZero(t, detail.Amount)
				}

				sum += line.Amount
				ids[id] = true
			}

			require.Equal(t, found.Closing, found.Opening+sum)
		}
	})
}

func requireFaults(t *testing.T, err error) {
	t.Helper()

	var faults *fault.Faults

	require.ErrorAs(t, err, &faults)
	require.Positive(t, faults.Count)
	require.NotContains(t, faults.Error(), "\n")
}

func requireText(t *testing.T, text string, most int) {
	t.Helper()
	require.NotEmpty(t, strings.TrimSpace(text))
	require.True(t, utf8.ValidString(text))
	require.NotContains(t, text, "\n")
	require.LessOrEqual(t, utf8.RuneCountInString(text), most)
}
