package ogepschema_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/ogep"
	ogepschema "github.com/reglo/reglo/schemas/ogep"
)

func TestThereIsOneSchemaAType(t *testing.T) {
	t.Parallel()

	want := append(make([]string, 0, 1+len(ogep.Types())), "envelope.schema.json")
	for _, eventType := range ogep.Types() {
		want = append(want, string(eventType)+".schema.json")
	}

	got, err := fs.Glob(ogepschema.FS, "*")
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
}

func TestFramesThatDepartFromTheirSchema(t *testing.T) {
	t.Parallel()

	validator, err := ogepschema.Compile()
	require.NoError(t, err)

	read := func(name string) string {
		frame, err := os.ReadFile(filepath.Join("..", "..", "domain", "ogep", "testdata", name+".golden.json"))
		require.NoError(t, err)

		return string(frame)
	}

	for _, row := range []struct{ name, old, replacement, fault string }{
		{"get-account-balance", `"B.EP.BPM"`, `"B.EP.OTHER"`, "/source: const"},
		{"get-account-balance", `"I190925T145053626S00000601"`, `"I190925T145053626S0000060"`, "/uid: pattern"},
		{"get-account-balance", `-11e9-`, `-41e9-`, "/correlationId: pattern"},
		{"get-account-balance", `53.626+0200`, `53.626Z`, "/timestamp: pattern"},
		{"get-account-balance", `53.626+0200`, `53.626+02:00`, "/timestamp: pattern"},
		{"get-account-balance", `"101.50"`, `"101.5"`, "/params/1/value: pattern"},
		{"get-account-balance", `"101.50"`, `101.50`, "/params/1/value: type"},
		{"get-account-balance", `"params":[`, `"extra":1,"params":[`, "/: additionalProperties"},
		{"get-account-balance", `"source":"B.EP.BPM",`, ``, "/: required"},
		{"get-account-balance", `"name":"accountId"`, `"name":"account"`, "/params/0/name: const"},
		{"get-account-balance", `"type":"get-account-balance"`, `"type":"get-balance"`, "/type: none of the 27"},
		{"create-account-transaction", `10.11`, `10.111`, "/params/1/value/amount/value: multipleOf"},
		{"create-account-transaction", `10.11`, `"10.11"`, "/params/1/value/amount/value: type"},
		{"create-account-transaction", `"1A17660007"`, `"1A1766000"`, "/params/0/value: pattern"},
		{"create-account-transaction", `,"valueDate":"2019-09-25T16:40:53.571+0200"`, ``, "/params/1/value: required"},
		{"create-transfer", `,"bulkId":"cb511424-3159-11ea-b6f8-7c2a3123212b"`, ``, "/params/0/value/0: required"},
		{"create-transfer", `"2017-06-27"`, `"2017-06-27T13:21:15.125Z"`, "/params/0/value/0/echeance: pattern"},
		{"create-transfer", `7.31`, `0`, "/params/0/value/0/amount: exclusiveMinimum"},
		{"create-validated-order", `"info"`, `"bulkId":"cb511424-3159-11ea-b6f8-7c2a3123212b","info"`,
			"/params/0/value/0: additionalProperties"},
		{"register-debt", `"merchant-debt"`, `"merchantDebt"`, "/params/0/name: const"},
		{"register-debt", `"modificationDate":null`, `"modificationDate":"2019"`, "/params/0/value/modificationDate: pattern"},
	} {
		frame := read(row.name)
		require.NoError(t, validator.Validate([]byte(frame)))

		spoiled := strings.Replace(frame, row.old, row.replacement, 1)
		require.NotEqual(t, frame, spoiled)

		var failure *ogepschema.FrameError
		require.ErrorAs(t, validator.Validate([]byte(spoiled)), &failure, row.fault)
		require.Contains(t, failure.Faults, row.fault)
	}
}

func TestReasonGoesWithARefusal(t *testing.T) {
	t.Parallel()

	validator, err := ogepschema.Compile()
	require.NoError(t, err)

	const (
		head = `{"source":"B.EP.BPM","uid":"I190925T145053626S00000601","correlationId":"7806ac5e-dfa2-11e9-81fa-7c2a3123212b",` +
			`"timestamp":"2019-09-25T16:50:53.626+0200","type":"validate-cashout","params":[{"type":"input","name":"orders","value":[` +
			`{"refExterne":"r","orderType":"V","creditorName":"c","creditorBic":"","creditorIban":"FR7617028922820289045644093",` +
			`"debtorName":"d","debtorBic":"","debtorIban":"FR7617028922820289045644093","amount":1.00,"deviseId":"EUR","ccy":"EUR",` +
			`"bankId":"999999","orderFormat":"PAIN.001.001.03","echeance":"2024-03-28","info":""}]},` +
			`{"type":"input","name":"totalAmount","value":"1.00"},{"type":"output","name":"decision","value":"`
		middle = `"},{"type":"output","name":"validator","value":"AUTO"}`
		reason = `,{"type":"output","name":"reason","value":"ceiling"}`
	)

	require.NoError(t, validator.Validate([]byte(head+"VALIDATED"+middle+"]}")))
	require.NoError(t, validator.Validate([]byte(head+"REFUSED"+middle+reason+"]}")))
	require.Error(t, validator.Validate([]byte(head+"VALIDATED"+middle+reason+"]}")))
	require.Error(t, validator.Validate([]byte(head+"REFUSED"+middle+"]}")))
}

func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()

	validator, err := ogepschema.Compile()
	require.NoError(t, err)

	frame, err := os.ReadFile(filepath.Join("..", "..", "domain", "ogep", "testdata", "create-transfer.golden.json"))
	require.NoError(t, err)

	err = validator.Validate(bytes.Replace(frame, []byte("FR7615589297530028192724052"), []byte("FR 7615589297530028192724052"), 1))
	require.ErrorContains(t, err, "/params/0/value/0/creditorIban: pattern")
	require.NotContains(t, err.Error(), "7615589297530028192724052")
}

func TestWhatIsNotAnEvent(t *testing.T) {
	t.Parallel()

	validator, err := ogepschema.Compile()
	require.NoError(t, err)

	for _, frame := range []string{"", "{", "[]", "{}", `{"type":1}`, `{} {}`} {
		var failure *ogepschema.FrameError
		require.ErrorAs(t, validator.Validate([]byte(frame)), &failure, frame)
		require.Len(t, failure.Faults, 1)
	}
}
