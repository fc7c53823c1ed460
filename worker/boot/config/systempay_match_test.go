package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/matching"
)

func TestHowPaymentsAreMatched(t *testing.T) {
	t.Parallel()
	got, err := load(t, "", nil, nil)
	require.NoError(t, err)
	require.Equal(t, matching.Settings{Rules: matching.Rules(), Days: 5, LateDays: 3}, got.SystemPay.Match)

	got, err = load(t, "systempay: {match_rules: \"order, reference\", match_tolerance: 2, match_days: 0}\n",
		[]string{"REGLO_SYSTEMPAY_MATCH_LATE_DAYS=7"}, nil)
	require.NoError(t, err)
	require.Equal(t, matching.Settings{
		Rules: []matching.Rule{matching.ByOrder, matching.ByReference}, Tolerance: 2, LateDays: 7,
	}, got.SystemPay.Match)
	require.Contains(t, got.Redacted(), `match_rules: "order,reference"`)
	require.Contains(t, got.Redacted(), `match_tolerance: "2"`)

	for name, wrong := range map[string][]string{
		"match_rules":     {"", "amount", "order,order", "order,", "Order"},
		"match_tolerance": {"-1", "101", "0.01"},
		"match_days":      {"-1", "91", "x"},
		"match_late_days": {"-1", "91"},
	} {
		for _, value := range wrong {
			_, err := load(t, "systempay: {"+name+": \""+value+"\"}\n", nil, nil)
			require.Equal(t, "systempay."+name, problems(t, err)[0].Setting, value)
		}
	}
}
