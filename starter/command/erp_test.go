package command_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/starter/command"
	"github.com/reglo/reglo/workflows"
)

// withERP is a database with postings to an ERP that is never called: one each
// that was accepted, refused, is in doubt, and in portfolio.
func withERP(t *testing.T, dossier string) []string {
	t.Helper()
	environ, url := onServers(t)
	execute(t, url, `
		insert into settlement (reference, scope, kind, operation_type, amount_cents, bank_line, bank_line_sha256, value_date)
		values ('00000220260317UEP', 's', 'TRANSACTION', '100', 4200, 'l', sha256('l'), '2026-03-17');
		insert into erp_posting (kind, reference, attempt, dossier, third_party, direction, means, amount_cents, label, posting_date, planned_at,
			state, class, detail, attempts, attempted_at, payload_sha256, settled_at, transaction_id)
		values ('SETTLEMENT', '00000120260317UEP', 1, '`+dossier+`', 'C0000001', 1, 'card', 123456, 'RGR:00000120260317UEP', '2026-03-17', now(),
			'ACCEPTED', 'ACCEPTED', 'accepted', 1, now(), sha256('p'), now(), '1354'),
		('SETTLEMENT', '00000220260317UEP', 1, '`+dossier+`', 'C0000001', 1, 'card', 4200, 'RGR:00000220260317UEP', '2026-03-17', now(),
			'REJECTED', 'REJECTED', 'refused by the ERP', 1, now(), sha256('p'), now(), ''),
		('PAYOUT', 'ref-1', 1, '`+dossier+`', 'N0000001', 2, 'transfer', 100, 'RGV:ref-1', '2026-03-17', now(),
			'UNKNOWN', 'UNKNOWN', 'no whole answer', 1, now(), sha256('p'), null, '');
		insert into erp_attempt (posting, call, what, called_at, class, tier, error_code, result_code, reply, reply_sha256, detail)
		select number, 1, 'POST', '2026-03-17T09:30:00Z', 'REJECTED', 1, '0', '7', '{"error": 0, "é": "`+"\x1b"+`"}', sha256('r'), 'refused by the ERP'
		from erp_posting where state = 'REJECTED'`)
	states := write(t, "states.yaml", `
- {dossier: "`+dossier+`", means: transfer, direction: disbursement, change: VIRSEPA, final: S50}
- {dossier: "`+dossier+`", means: card, direction: encashment, change: PORCHQ, final: C30}
- {dossier: "`+dossier+`", means: deposit, direction: encashment, change: REMCDI, final: C50}
`)
	return append(environ, "REGLO_ERP_URL=https://erp.example", "REGLO_ERP_USER=reglo", "REGLO_ERP_PASSWORD=s3cret",
		"REGLO_ERP_DOSSIER="+dossier, "REGLO_ERP_SINCE=2026-03-17", "REGLO_ERP_SETTLEMENT_THIRD_PARTY=C0000001", "REGLO_ERP_STATES="+states)
}

func TestERPListAndShow(t *testing.T) {
	t.Parallel()
	environ := withERP(t, "901")
	got := starter(t, environ, "erp", "list")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "RGR:00000120260317UEP")
	require.Contains(t, got.out, "1234.56 EUR")
	require.Contains(t, got.out, "3 postings\n")
	got = starter(t, environ, "erp", "list", "--operator")
	require.NotContains(t, got.out, "RGR:00000120260317UEP")
	require.Contains(t, got.out, "2 postings\n")
	got = starter(t, environ, "erp", "list", "--state", "accepted", "--json")
	require.Zero(t, got.code, got.err)
	var list struct {
		Postings []map[string]any `json:"postings"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &list))
	require.Len(t, list.Postings, 1)
	require.Equal(t, "1354", list.Postings[0]["transaction"])
	require.Equal(t, command.ExitInput, starter(t, environ, "erp", "list", "--state", "gone").code)

	got = starter(t, environ, "erp", "show", "RGR:00000220260317UEP")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "result code 7")
	require.Contains(t, got.out, `{"error": 0, "é": "\x1b"}`)
	got = starter(t, environ, "erp", "show", "RGR:00000220260317UEP", "--json")
	require.Zero(t, got.code, got.err)
	var shown struct {
		Number int64 `json:"number"`
		Calls  []struct {
			Reply string `json:"reply"`
			Class string `json:"class"`
		} `json:"calls"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.out), &shown))
	require.Contains(t, shown.Calls[0].Reply, "\x1b")
	require.Equal(t, "REJECTED", shown.Calls[0].Class)
	got = starter(t, environ, "erp", "show", "nothing")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, `there is no posting "nothing"`)
}

func TestERPDecisions(t *testing.T) {
	t.Parallel()
	environ := withERP(t, "902")
	why := []string{"--actor", "alice", "--reason", "asked"}
	decide := func(args ...string) result {
		return starter(t, environ, append(append([]string{"erp"}, args...), why...)...)
	}

	got := decide("retry", "2", "3")
	require.Zero(t, got.code, got.err)
	require.Equal(t, "4  RGR:00000220260317UEP/2  REJECTED → PREPARED\n3  RGV:ref-1                UNKNOWN → PREPARED\n", got.out)
	description, err := devServer.Client().DescribeWorkflowExecution(t.Context(), workflows.PostingID("902"), "")
	require.NoError(t, err, "it is woken")
	require.Equal(t, workflows.PostingName, description.GetWorkflowExecutionInfo().GetType().GetName())
	require.NoError(t, devServer.Client().TerminateWorkflow(t.Context(), workflows.PostingID("902"), "", "test"))

	got = decide("retry", "2")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "newer attempt")
	got = decide("deposit", "--name", "REM-1", "--bank", "BNP", "--item", "1")
	require.Zero(t, got.code, got.err)
	require.Contains(t, got.out, "RGB:REM-1")
	require.NoError(t, devServer.Client().TerminateWorkflow(t.Context(), workflows.PostingID("902"), "", "test"))
	got = decide("resolve", "1", "--transaction", "9")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "is ACCEPTED and is not resolved")

	for args, want := range map[string][]string{
		"is no number":         {"retry", "RGV:ref-1"},
		"no --reason is given": nil,
		"no posting 77":        {"resolve", "77", "--transaction", "9"},
		"letters and digits":   {"resolve", "3"},
	} {
		if want == nil {
			got = starter(t, environ, "erp", "retry", "3", "--actor", "alice")
		} else {
			got = decide(want...)
		}
		require.Equal(t, command.ExitInput, got.code, got.out)
		require.Contains(t, got.err, args)
	}
	got = starter(t, environ, "acts")
	require.Contains(t, got.out, "erp-retry")
	require.Contains(t, got.out, "erp-deposit")

	none, _ := onDatabase(t)
	got = starter(t, none, "erp", "retry", "3", "--actor", "alice", "--reason", "asked")
	require.Equal(t, command.ExitInput, got.code)
	require.Contains(t, got.err, "there is no ERP")
}

func TestERPResolve(t *testing.T) {
	t.Parallel()
	environ := withERP(t, "903")
	got := starter(t, environ, "erp", "resolve", "3", "--transaction", "1355", "--actor", "bruno", "--reason", "seen there")
	require.Zero(t, got.code, got.err)
	require.Equal(t, "3  RGV:ref-1  UNKNOWN → ACCEPTED\n", got.out)
}
