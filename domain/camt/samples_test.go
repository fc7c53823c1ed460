package camt_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/camt"
	"github.com/reglo/reglo/domain/fault"
	"github.com/reglo/reglo/domain/money"
)

// Files of banks are read, or refused for what they are: of another version, or in another currency.
func TestSamplesOfBanks(t *testing.T) {
	t.Parallel()

	folder := os.Getenv("REGLO_TEST_BANK_SAMPLES")
	if folder == "" {
		t.Skip("REGLO_TEST_BANK_SAMPLES names no folder of banks' files")
	}

	names, err := filepath.Glob(filepath.Join(folder, "camt", "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, names)

	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()

			text, err := os.ReadFile(name)
			require.NoError(t, err)

			if bytes.Contains(text, []byte("camt.054.001.04")) {
				_, err := camt.Read("a.xml", bytes.NewReader(text), camt.Handler{})
				require.Positive(t, faultsOf(t, err).ByCode[fault.CodeFormat])

				// Of what the files hold, the next version read here has only the status in another place.
				text = bytes.ReplaceAll(text, []byte("camt.054.001.04"), []byte("camt.054.001.08"))
				text = bytes.ReplaceAll(text, []byte("<Sts>BOOK</Sts>"), []byte("<Sts><Cd>BOOK</Cd></Sts>"))
			}

			if bytes.Contains(text, []byte(`"CHF"`)) {
				_, err := camt.Read("a.xml", bytes.NewReader(text), camt.Handler{})
				require.Positive(t, faultsOf(t, err).ByCode[fault.CodeCurrency])

				text = bytes.ReplaceAll(text, []byte(`"CHF"`), []byte(`"EUR"`))
			}

			// The anonymised closing balance leaves out an entry of the next value day.
			if closing := []byte(">215112.21<"); bytes.Contains(text, closing) {
				_, err := camt.Read("a.xml", bytes.NewReader(text), camt.Handler{})
				require.Equal(t, map[fault.Code]int{fault.CodeBalance: 1}, faultsOf(t, err).ByCode)

				text = bytes.Replace(text, closing, []byte(">216649.21<"), 1)
			}

			entries, sum := 0, money.Cents(0)

			summary, err := camt.Read("a.xml", bytes.NewReader(text), camt.Handler{
				Entry: func(entry *camt.Entry) error {
					entries++
					sum += entry.Amount

					return nil
				},
				End: func(statement camt.Statement) error {
					if statement.Entries == statement.Booked {
						require.Equal(t, sum, statement.Credits-statement.Debits)
					}

					return nil
				},
			})
			require.NoError(t, err)
			require.Equal(t, bytes.Count(text, []byte("</Ntry>")), entries)
			require.Equal(t, entries, summary.Entries)
		})
	}
}
