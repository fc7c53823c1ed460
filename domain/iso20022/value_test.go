package iso20022_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/iso20022"
	"github.com/reglo/reglo/domain/money"
)

func TestParseAmount(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]money.Cents{
		"0": 0, "1": 100, "1.5": 150, "1.50": 150, "1.50000": 150, "+1.5": 150, "-1.5": -150, ".5": 50, "5.": 500, "-.05": -5,
		"0001.00": 100, "999999999999.99": money.Max, "12345678.9000000000": 1_234_567_890,
	} {
		got, err := iso20022.ParseAmount(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}

	for _, text := range []string{
		"", " ", ".", "+", "-", "+.", "--1", "+-1", "-+1", "1.005", "1.-5", "1.+5", "1e2", "1E-2", "0x10", "1,00", "1 000", "NaN", "Inf", "1_0", "١",
		"1.0.0", "1.000.", "000000000000000000001",
	} {
		_, err := iso20022.ParseAmount(text)
		require.ErrorIs(t, err, iso20022.ErrAmount, "%q", text)
	}

	got, err := iso20022.ParseAmount(" 12.34\n")
	require.NoError(t, err)
	require.Equal(t, money.Cents(1_234), got)

	_, err = iso20022.ParseAmount("1000000000000")
	require.ErrorIs(t, err, money.ErrOverflow)
}

// TestParseAmountIsExact holds amounts against rational numbers.
func TestParseAmountIsExact(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[+-]?[0-9]{0,14}(\.[0-9]{0,5})?`).Draw(t, "text")

		got, err := iso20022.ParseAmount(text)
		if err != nil {
			return
		}

		want, isNumber := new(big.Rat).SetString(text)
		require.True(t, isNumber, "%q", text)
		require.Zero(t, want.Mul(want, big.NewRat(100, 1)).Cmp(big.NewRat(int64(got), 1)), "%q is not %s", text, got)
	})

	rapid.Check(t, func(t *rapid.T) {
		want := money.Cents(rapid.Int64Range(-int64(money.Max), int64(money.Max)).Draw(t, "cents"))

		got, err := iso20022.ParseAmount(want.String() + strings.Repeat("0", rapid.IntRange(0, 3).Draw(t, "zeros")))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestParseInstant(t *testing.T) {
	t.Parallel()

	at := time.Date(2026, 7, 2, 9, 15, 30, 0, time.UTC)

	for text, want := range map[string]time.Time{
		"2026-07-02T09:15:30Z": at, "2026-07-02T09:15:30.25Z": at.Add(250 * time.Millisecond), "2026-07-02T11:15:30+02:00": at,
		"2026-07-02T11:15:30": at, "2026-07-02T11:15:30.000": at, "2026-01-02T09:15:30": time.Date(2026, 1, 2, 9, 15, 30, 0, calendar.Paris()),
		"2026-07-01T24:00:00": time.Date(2026, 7, 2, 0, 0, 0, 0, calendar.Paris()), "2026-07-01T24:00:00Z": time.Date(2026, 7, 2, 0, 0, 0, 0, time.UTC),
	} {
		got, err := iso20022.ParseInstant(text)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), "%s: %s", text, got)
	}

	for _, text := range []string{
		"", "2026-07-02", "2026-07-02T25:00:00", "2026-07-02T24:00:01", "2026-02-30T09:15:30", "2026-07-02T09:15:30,5",
		"2026-07-02 09:15:30", "2026-07-02T09:15:30+2", "2026-07-02T9:15:30", "2026-07-02T9:15:30.5", "2026-07-02T09:15:30.1234567890+01:00",
	} {
		_, err := iso20022.ParseInstant(text)
		require.ErrorIs(t, err, iso20022.ErrInstant, "%q", text)
	}
}

func TestParseCount(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]int{"0": 0, "7": 7, "007": 7, "999999999999999": 999_999_999_999_999} {
		got, err := iso20022.ParseCount(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}

	for _, text := range []string{"", "-1", "+1", "1.0", "0x1", "1_0", "1000000000000000", "4611686018427387904"} {
		_, err := iso20022.ParseCount(text)
		require.ErrorIs(t, err, iso20022.ErrCount, "%q", text)
	}
}
