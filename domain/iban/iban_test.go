package iban_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/iban"
)

func TestCheck(t *testing.T) {
	t.Parallel()

	for account, want := range map[string]error{
		"FR1420041010050500013M02606":         nil, // examples of the register of ISO 13616
		"GB29NWBK60161331926819":              nil,
		"NO9386011117947":                     nil,
		"MT84MALT011000012345MTLCAST001S":     nil,
		"DE89370400440532013000":              nil,
		"FR1520041010050500013M02606":         iban.ErrChecksum,
		"FR1420041010050500013M02660":         iban.ErrChecksum,
		"FR1420041010050500013M0260":          iban.ErrLength,
		"":                                    iban.ErrShape,
		"FR14":                                iban.ErrShape,
		"fr1420041010050500013M02606":         iban.ErrShape,
		"FR14 2004 1010 0505 0001 3M02 606":   iban.ErrShape,
		"14FR20041010050500013M02606":         iban.ErrShape,
		"FR1420041010050500013m02606":         iban.ErrShape,
		"FR14" + strings.Repeat("0", 31):      iban.ErrShape,
		"FR1420041010050500013M02606\n":       iban.ErrShape,
		"ÉR1420041010050500013M02606":         iban.ErrShape,
		"DE00" + "370400440532013000":         iban.ErrChecksum,
		"DE" + "01" + "370400440532013" + "0": iban.ErrChecksum,
	} {
		require.ErrorIs(t, iban.Check(account), want, account)
	}
}

// TestCheckDigits compares with the whole number divided at once.
func TestCheckDigits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		country := rapid.StringMatching(`[A-Z]{2}`).Draw(t, "country")
		account := rapid.StringMatching(`[A-Z0-9]{23}`).Draw(t, "account")
		digits := iban.CheckDigits(country, account)
		require.Len(t, digits, 2)
		require.NoError(t, iban.Check(country+digits+account))

		var number strings.Builder

		for _, char := range account + country + digits {
			if char >= 'A' {
				number.WriteString(big.NewInt(int64(char - 'A' + 10)).String())
			} else {
				number.WriteRune(char)
			}
		}

		whole, ok := new(big.Int).SetString(number.String(), 10)
		require.True(t, ok)
		require.EqualValues(t, 1, whole.Mod(whole, big.NewInt(97)).Int64())
	})
}

func TestMask(t *testing.T) {
	t.Parallel()
	require.Equal(t, "FR14…2606", iban.Mask("FR1420041010050500013M02606"))
	require.Equal(t, "fr14… 606", iban.Mask("fr14 2004 1010 0505 0001 3M02 606"))

	for _, text := range []string{"", "FR14", "Jeanne Martin-Dupont", "FR1420041010"} {
		require.Equal(t, "…", iban.Mask(text))
		require.False(t, iban.Resembles(text))
	}

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		require.LessOrEqual(t, len([]rune(iban.Mask(text))), 9)
	})
}
