package divalto_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/divalto"
)

func TestLabel(t *testing.T) {
	t.Parallel()

	const uuid = "0b9c7e52-6f1d-4c1e-9a57-3d2f8f0a7b11"

	for _, c := range []struct {
		kind      divalto.Kind
		reference string
		attempt   int
		want      string
	}{
		{divalto.Settlement, "00012320210320UEP", 1, "RGR:00012320210320UEP"},
		{divalto.Settlement, "00012320210320UEP", 2, "RGR:00012320210320UEP/2"},
		{divalto.Order, uuid, 1, "RGC:" + uuid},
		{divalto.Order, uuid, 12, "RGC:0b9c7e52-6f1d-4c~684db028a9dd1e3d/12"},
		{divalto.Payout, uuid + "-1616198400000", 1, "RGV:0b9c7e52-6f1d-4c1e-~07364177aa98fcd6"},
		{divalto.Remise, "REMISE_1 d'été", 1, "RGB:REMISE-1-d--t-~af6e91778da4d924"},
	} {
		label, err := divalto.Label(c.kind, c.reference, c.attempt)
		require.NoError(t, err)
		require.Equal(t, c.want, label, "what the ERP has under a label is searched under it for ever")
	}

	for name, c := range map[string]struct {
		kind      divalto.Kind
		reference string
		attempt   int
	}{
		"kind": {"payout", "A", 1}, "no reference": {divalto.Payout, "", 1}, "long": {divalto.Payout, strings.Repeat("x", 201), 1},
		"attempt 0": {divalto.Payout, "A", 0}, "attempt 1000": {divalto.Payout, "A", 1000},
	} {
		_, err := divalto.Label(c.kind, c.reference, c.attempt)

		var refused *divalto.RuleError

		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, "LIB", refused.Field)
	}
}

// TestLabelTellsEntriesApart holds that two entries have two labels, each of which
// the ERP keeps whole, can be searched for, and can be said in both quotings.
func TestLabelTellsEntriesApart(t *testing.T) {
	t.Parallel()

	type entry struct {
		kind      divalto.Kind
		reference string
		attempt   int
	}

	// References that are much alike: few characters, lengths around the room.
	drawn := rapid.Custom(func(t *rapid.T) entry {
		return entry{
			rapid.SampledFrom([]divalto.Kind{divalto.Payout, divalto.Settlement, divalto.Order, divalto.Remise}).Draw(t, "kind"),
			rapid.OneOf(
				rapid.StringMatching(`[aA1]{15}[-_/~2.' é]{1,6}`),
				rapid.StringMatching(`a{32,38}(/2|~[0-9a-f]{16})?`),
				rapid.StringN(1, 50, divalto.MaxReference),
			).Draw(t, "reference"),
			rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 999)).Draw(t, "attempt"),
		}
	})

	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfNDistinct(drawn, 2, 20, rapid.ID[entry]).Draw(t, "entries")
		labels := make(map[string]entry, len(entries))

		for _, e := range entries {
			label, err := divalto.Label(e.kind, e.reference, e.attempt)
			require.NoError(t, err)
			require.NotContains(t, labels, label, "%v and %v", e, labels[label])
			require.LessOrEqual(t, utf8.RuneCountInString(label), divalto.MaxLabel)
			require.Regexp(t, `^[0-9A-Za-z.:~/-]+$`, label)

			labels[label] = e
		}
	})
}
