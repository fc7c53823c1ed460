package bic_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/bic"
)

func TestCheck(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]error{
		"SOGEFRPP":      nil,
		"SOGEFRPPXXX":   nil,
		"CMBRFR2B":      nil,
		"BNPAFRPPPAA":   nil,
		"DEUTDEFF500":   nil,
		"CFMOMCMX":      nil,
		"BNPARERX":      nil, // Réunion has a code of its own here
		"TESTFRPPXXX":   nil,
		"":              bic.ErrInvalid,
		"SOGEFRP":       bic.ErrInvalid,
		"SOGEFRPPX":     bic.ErrInvalid,
		"SOGEFRPPXX":    bic.ErrInvalid,
		"SOGEFRPPXXXX":  bic.ErrInvalid,
		"SOGEZZPP":      bic.ErrInvalid,
		"SOGEF1PP":      bic.ErrInvalid,
		"sogefrpp":      bic.ErrInvalid,
		"SOG1FRPP":      bic.ErrInvalid,
		"SOGEFR-P":      bic.ErrInvalid,
		"SOGEFRPPXX ":   bic.ErrInvalid,
		" SOGEFRPP":     bic.ErrInvalid,
		"SOGEFRP\n":     bic.ErrInvalid,
		"SOGÉFRP":       bic.ErrInvalid,
		"SOGE FR PP XX": bic.ErrInvalid,
	} {
		require.ErrorIs(t, bic.Check(text), want, text)
	}
}

func TestCheckTakesNothingElse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Z0-9a-z]{7,12}`), rapid.StringMatching(`[A-Z]{4}FR[A-Z0-9]{2,5}`)).Draw(t, "text")
		if bic.Check(text) == nil {
			require.Regexp(t, `^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`, text)
		}
	})
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"SOGEFRPP", "SOGEFRPPXXX", "SOGEZZPP", "É"} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		if bic.Check(text) == nil {
			require.Regexp(t, `^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`, text)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	b.ReportAllocs()

	for b.Loop() {
		if bic.Check("SOGEFRPPXXX") != nil {
			b.Fatal("refused")
		}
	}
}
