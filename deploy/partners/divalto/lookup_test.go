package divalto_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/deploy/partners/divalto"
)

// search is a look-up as a client writes it, changed by pairs.
func (p *play) search(t testing.TB, label string, more ...any) object {
	t.Helper()
	wanted := object{
		"dhoq": divalto.Dictionary, "recordsql": divalto.Record, "access_token": p.token, "parameters": "MZ.DOS=998", "fields": "",
		"where": divalto.Condition, "where_parameters": "LIB=" + label, "offset": 0, "count": 100, "orderby": "", "having": " ",
		"having_parameters": "", "infos": "",
	}
	for i := 0; i+1 < len(more); i += 2 {
		wanted[more[i].(string)] = more[i+1]
	}
	return p.ask(t, divalto.LookUpPath, wanted)
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, posting := range []string{
		param("998", cheque("REGLO A=1", "12.30", advance("12.3"))), param("1", cheque("REGLO A=1", "5", advance("5"))),
		param("998", cheque("b", "5995", advance("5995"))), param("998", cheque("b", "1", advance("1"))),
	} {
		code, message, _ := p.post(t, posting)
		require.Equal(t, "0", code, message)
	}
	whole := object{
		"RGLTJNLENT_ID": "1", "DOS": "998", "TRANSAC": "1354", "LIB": "REGLO A=1", "MTDEV": "12.30", "DEV": "EUR",
		"TIERS": "C0000007", "REGLTTYP": "1", "ETATFIN": "C30", "TRANSACDT": "20210320",
	}
	require.Equal(t, object{
		"error": 0.0, "txterr": "", "tablename": "RGLTJNLENT", "nbrecord": 1.0, "infos": "", "records": []any{object{"record": whole}},
	}, p.search(t, "REGLO A=1"))
	require.Equal(t, p.search(t, "REGLO A=1"), p.search(t, "REGLO A=1", "fields", "*", "parameters", " "), "998 is the user's own")

	other := p.search(t, "REGLO A=1", "parameters", "MZ.DOS=1", "fields", "TRANSAC; MTDEV")
	require.Equal(t, []any{object{"record": object{"TRANSAC": "1355", "MTDEV": "5"}}}, other["records"])

	none := p.search(t, "none")
	require.InDelta(t, 0, none["error"], 0)
	require.InDelta(t, 0, none["nbrecord"], 0)
	require.Equal(t, []any{}, none["records"])
	require.Equal(t, none, p.search(t, "B"), "labels are compared as they are")

	transactions := func(answer object) (all []any) {
		for _, row := range answer["records"].([]any) {
			all = append(all, row.(object)["record"].(object)["TRANSAC"])
		}
		return all
	}
	require.Equal(t, []any{"1356", "1357"}, transactions(p.search(t, "b")))
	require.Equal(t, []any{"1356"}, transactions(p.search(t, "b", "count", 1)))
	require.Equal(t, []any{"1357"}, transactions(p.search(t, "b", "offset", 1, "count", 0)))
	require.Empty(t, transactions(p.search(t, "b", "offset", 9)))

	for code, all := range map[int][]object{
		10: {{"access_token": "x"}},
		6:  {{"dhoq": "OTHER.DHOQ"}, {"recordsql": "Other"}, {"where": "Other"}, {"where": ""}},
		7: {
			{"parameters": "MZ.DOS=2"}, {"parameters": "DOS=998"}, {"parameters": "MZ.DOS=998;MZ.ETB=1"}, {"fields": "NOTHING"},
			{"where_parameters": "LIB=b;c"}, {"where_parameters": "TIERS=b"}, {"where_parameters": ""},
			{"orderby": "X"}, {"having": "X"}, {"having_parameters": "X"}, {"offset": -1}, {"count": -1},
		},
	} {
		for _, wrong := range all {
			var more []any
			for field, value := range maps.All(wrong) {
				more = append(more, field, value)
			}
			answer := p.search(t, "b", more...)
			require.InDelta(t, code, answer["error"], 0, "%v", wrong)
			require.NotEmpty(t, answer["txterr"])
			require.Empty(t, answer["records"])
		}
	}
}
