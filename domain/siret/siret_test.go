package siret_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/siret"
)

func TestCheck(t *testing.T) {
	t.Parallel()

	for number, want := range map[string]error{
		"73282932000074":  nil,
		"35600000000048":  nil,            // La Poste, head office: satisfies Luhn's formula
		"35600000049837":  nil,            // La Poste, an office: its digits come to 45
		"35600000049838":  siret.ErrLuhn,  // they come to 46
		"73282932000075":  siret.ErrLuhn,  // last digit
		"37282932000074":  siret.ErrLuhn,  // first two exchanged
		"73282932000040":  siret.ErrLuhn,  // its digits come to 40, but it is not La Poste
		"":                siret.ErrShape, //
		"7328293200007":   siret.ErrShape,
		"732829320000740": siret.ErrShape,
		"7328293200007A":  siret.ErrShape,
		"732 829 320 000": siret.ErrShape,
		"-3282932000074":  siret.ErrShape,
	} {
		require.ErrorIs(t, siret.Check(number), want, number)
		require.ErrorIs(t, siret.Check([]byte(number)), want, number)
	}
}

// TestCheckDigit completes any number into one whose digits satisfy the formula computed in its textbook form.
func TestCheckDigit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`[0-9]{13}`).Draw(t, "number")
		number += string(siret.CheckDigit(number))
		require.NoError(t, siret.Check(number))

		sum := 0

		for i, char := range number {
			digit := int(char - '0')
			if i%2 == 0 {
				for _, part := range strconv.Itoa(2 * digit) {
					sum += int(part - '0')
				}
			} else {
				sum += digit
			}
		}

		require.Zero(t, sum%10)

		at := rapid.IntRange(0, siret.Length-1).Draw(t, "at")
		wrong := []byte(number)
		wrong[at] = '0' + (wrong[at]-'0'+rapid.ByteRange(1, 9).Draw(t, "by"))%10

		if number[:9] != siret.LaPoste && string(wrong[:9]) != siret.LaPoste {
			require.ErrorIs(t, siret.Check(wrong), siret.ErrLuhn, "every wrong digit is found")
		}
	})
}
