package labels_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/label"
	"github.com/reglo/reglo/domain/ledger"
	"github.com/reglo/reglo/worker/boot/config"
	"github.com/reglo/reglo/worker/boot/labels"
)

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "labels.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestBulksHaveTheNamesOfTheSettings(t *testing.T) {
	t.Parallel()
	bank := config.Bank{PayoutPrefix: "ABC", InternalPrefix: "MONEXTINT"}
	classifier, err := labels.Read(config.Label{ImpayeOperations: []string{"200"}}, bank)
	require.NoError(t, err)
	for text, want := range map[string]label.Class{
		"REM VIR ABC20260317001":               label.Remittance,
		"REM VIR MONEXTEUR20260317001":         label.Unknown,
		"VIR INTERNE MONEXTINT202603170001":    label.Own,
		"REM E 100 00000120260317UEP":          label.SettlementUnpaid, // a debit
		"REM E 100 00000120260317UEP trailing": label.Unknown,
	} {
		require.Equal(t, want, classifier.Classify(text, -100, ledger.Reglement).Class, text)
	}
	require.Equal(t, label.SettlementUnpaid, classifier.Classify("REM E 200 00000120260317UEP", 100, ledger.Reglement).Class)
	require.Equal(t, label.SettlementTransaction, classifier.Classify("REM E 100 00000120260317UEP", 100, ledger.Reglement).Class)
}

func TestGrammarsOfAFile(t *testing.T) {
	t.Parallel()
	classifier, err := labels.Read(config.Label{Rules: file(t, `
# our bank
- class: OWN
  pattern: 'TRF (?P<reference>[A-Z0-9]+)'
`)}, config.Bank{})
	require.NoError(t, err)
	require.Equal(t, label.Own, classifier.Classify("TRF  X1", 100, ledger.Fonctionnement).Class)
	require.Equal(t, label.Unknown, classifier.Classify("VIR INTERNE MONEXTINT202603170001", 100, ledger.Fonctionnement).Class)

	for content, says := range map[string]string{
		"":                             "holds no grammar",
		"a: b":                         "is no list of {class, pattern}",
		"- x: y":                       "is no list of {class, pattern}",
		"- class: OWN\n  pattern: '('": "is no regular expression",
		"- class: MINE\n  pattern: x":  "the class must be",
		strings.Repeat("#", 1<<17):     "is longer than",
	} {
		_, err := labels.Read(config.Label{Rules: file(t, content)}, config.Bank{})
		require.ErrorContains(t, err, "label.rules")
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err = labels.Read(config.Label{Rules: filepath.Join(t.TempDir(), "none.yaml")}, config.Bank{})
	require.ErrorContains(t, err, "none.yaml")
	_, err = labels.Read(config.Label{ImpayeOperations: []string{"a b"}}, config.Bank{PayoutPrefix: "A", InternalPrefix: "B"})
	require.ErrorContains(t, err, "label.impaye_operations")
}
