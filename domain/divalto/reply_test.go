package divalto_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/divalto"
)

// documented is the reply of the ERP's documentation, byte for byte: a quote that
// is not escaped ends the result early, and the response has no braces.
const documented = `{ "error": 0, "result": "{\"label\": \"infinity\",\"codeScript\": \"integration_reglement\",\"result\":{\"common\":{\"resultcode\": \"0\",\"errormessage\": \"Intégration règlements des échéances terminée |Consultez le livre de bord"},\"response\":\"transactionId\": \"1354\"}}", "txterr": "", "infos": "" }`

func TestReadReplyDocumented(t *testing.T) {
	t.Parallel()

	require.Equal(t, divalto.Reply{
		Tier: divalto.TierRepaired, Error: "0", ResultCode: "0",
		Message:      "Intégration règlements des échéances terminée |Consultez le livre de bord",
		Transactions: []string{"1354"},
	}, divalto.ReadReply([]byte(documented)))
}
