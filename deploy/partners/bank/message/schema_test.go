package message_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/bank/message"
)

// schemasVariable names the folder with the XSDs that the registration authority of ISO 20022 publishes.
const schemasVariable = "REGLO_TEST_ISO_SCHEMAS"

// requireValid has xmllint judge documents by ISO's schema, where the schemas are.
func requireValid(t *testing.T, definition string, documents ...string) {
	t.Helper()

	folder := os.Getenv(schemasVariable)
	if folder == "" {
		return // TestTheSchemasAreThere says that nothing was judged
	}

	arguments := []string{"--noout", "--schema", schemaOf(t, folder, definition)}

	for i, document := range documents {
		path := filepath.Join(t.TempDir(), definition+"."+string(rune('a'+i))+".xml")
		require.NoError(t, os.WriteFile(path, []byte(document), 0o600))
		arguments = append(arguments, path)
	}

	shown, err := exec.CommandContext(t.Context(), "xmllint", arguments...).CombinedOutput()
	require.NoError(t, err, "%s", shown)
}

// schemaOf is the path of a schema. That of the newer notification is made of the newer statement's, of which it differs
// in names, and in that it has no balances.
func schemaOf(t *testing.T, folder, definition string) string {
	t.Helper()

	if definition != message.Camt054V08 {
		return filepath.Join(folder, definition+".xsd")
	}

	content, err := os.ReadFile(filepath.Join(folder, message.Camt053V08+".xsd"))
	require.NoError(t, err)

	schema := strings.NewReplacer(
		message.Camt053V08, message.Camt054V08, `name="BkToCstmrStmt"`, `name="BkToCstmrDbtCdtNtfctn"`,
		`name="Stmt"`, `name="Ntfctn"`, `name="StmtPgntn"`, `name="NtfctnPgntn"`, `name="AddtlStmtInf"`, `name="AddtlNtfctnInf"`,
		`<xs:element maxOccurs="unbounded" minOccurs="1" name="Bal" type="CashBalance8"/>`, "",
	).Replace(string(content))
	require.NotContains(t, schema, `name="Bal"`)

	path := filepath.Join(t.TempDir(), definition+".xsd")
	require.NoError(t, os.WriteFile(path, []byte(schema), 0o600))

	return path
}

func TestTheSchemasAreThere(t *testing.T) {
	t.Parallel()

	if os.Getenv(schemasVariable) == "" {
		t.Skip(schemasVariable + " names no folder of ISO's XSDs: no message was judged by them")
	}

	_, err := exec.LookPath("xmllint")
	require.NoError(t, err, "apt-get install libxml2-utils")
}
