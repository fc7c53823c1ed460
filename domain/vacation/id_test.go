package vacation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/vacation"
)

func TestIDsComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(vacation.Kinds()).Draw(t, "kind")
		key := rapid.StringMatching(`[A-Za-z0-9._/-]{1,64}`).Draw(t, "key")
		id, err := vacation.NewID(kind, key)
		require.NoError(t, err)
		require.Equal(t, string(kind)+"/"+key, id.String())
		again, err := vacation.ParseID(id.String())
		require.NoError(t, err)
		require.Equal(t, id, again)
	})
}

// TestTwoIDsHaveTwoTexts: the text is the scope under which effects are unique.
func TestTwoIDsHaveTwoTexts(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) vacation.ID {
		return vacation.ID{
			Kind: rapid.SampledFrom(vacation.Kinds()).Draw(t, "kind"),
			Key:  rapid.StringMatching(`[a/]{1,3}`).Draw(t, "key"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		one, two := draw.Draw(t, "one"), draw.Draw(t, "two")
		require.Equal(t, one == two, one.String() == two.String())
	})
}

func TestWhatIsNoID(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		"":                                 "want <kind>/<key>",
		"vacation-creances":                "want <kind>/<key>",
		"/2026-03-17":                      "unknown kind",
		"vacation/2026-03-17":              "unknown kind",
		"Vacation-creances/2026-03-17":     "unknown kind",
		"vacation-creances/":               "1 to 64 characters",
		"vacation-creances/2026 03 17":     "letters, digits",
		"vacation-creances/2026-03-17\n":   "letters, digits",
		"vacation-creances/clé":            "letters, digits",
		"vacation-creances/a;b":            "letters, digits",
		"vacation-creances/a\x00":          "letters, digits",
		"vacation-reglement-impayes/a:b":   "letters, digits",
		"vacation-financiere/" + long(65):  "1 to 64 characters",
		"vacation-technique/" + long(5000): "1 to 64 characters",
	} {
		_, err := vacation.ParseID(text)
		var wrong *vacation.IDError
		require.ErrorAs(t, err, &wrong, text)
		require.Equal(t, text, wrong.Text)
		require.Contains(t, err.Error(), reason)
	}
}

func long(length int) string { return strings.Repeat("k", length) }

func TestAFailureSaysCodeStepAndMessage(t *testing.T) {
	t.Parallel()
	failure := vacation.Fail(vacation.AmountMismatch, "%s and %s", "1.00", "1.01")
	failure.Step = vacation.StageLoading
	require.EqualError(t, failure, "AMOUNT_MISMATCH at loading-file: 1.00 and 1.01")
}

func TestFailureCodesDiffer(t *testing.T) {
	t.Parallel()
	seen := make(map[vacation.FailureCode]bool)
	for _, code := range vacation.FailureCodes() {
		require.Regexp(t, `^[A-Z]+(_[A-Z]+)*$`, string(code))
		require.False(t, seen[code], code)
		seen[code] = true
	}
}
