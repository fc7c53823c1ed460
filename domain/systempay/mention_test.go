package systempay_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/systempay"
)

func TestMentions(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("a1", 32)

	for text, want := range map[string]string{
		"":                                       "",
		"VENTE CB":                               "",
		"VENTE CB TS2026-20260317-00000000007-2": "TS2026-20260317-00000000007-2",
		"CDE:A-1_b/réf.2026;B22B.":               "A-1_b 2026 B22B",
		"A1 AB1 ABC1":                            "ABC1",
		long + " " + long + "x":                  long,
		"TS2026":                                 "TS2026",
	} {
		require.Equal(t, want, string(systempay.AppendMentions(nil, []byte(text))), text)
	}

	require.Equal(t, "ABC1 DEF2", string(systempay.AppendMentions([]byte("ABC1"), []byte("DEF2"))))
}

// What is mentioned is found wherever it stands, and nothing else is.
func TestMentionsAreWords(t *testing.T) {
	t.Parallel()

	orders := regexp.MustCompile(`^[A-Za-z0-9_-]{4,64}$`)

	rapid.Check(t, func(t *rapid.T) {
		before := rapid.StringMatching(`[ A-Za-z0-9_é:.-]{0,40}`).Draw(t, "before")
		order := rapid.StringMatching(`[A-Za-z0-9_-]{3,63}[0-9]`).Draw(t, "order")
		after := rapid.StringMatching(`[ A-Za-z0-9_é:.-]{0,40}`).Draw(t, "after")
		words := strings.Fields(string(systempay.AppendMentions(nil, []byte(before+" "+order+"/"+after))))
		require.Contains(t, words, order)

		for _, word := range words {
			require.Regexp(t, orders, word)
			require.Contains(t, before+" "+order+"/"+after, word)
		}
	})
}
