package money_test

import (
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/money"
)

func amounts() *rapid.Generator[money.Cents] {
	return rapid.Map(rapid.Int64Range(-int64(money.Max), int64(money.Max)), func(n int64) money.Cents { return money.Cents(n) })
}

func TestParse(t *testing.T) {
	t.Parallel()

	accepted := map[string]money.Cents{
		"1234.56": 123456, "-0.05": -5, "7": 700, "0": 0, "-0": 0, "0.1": 10, "10.50": 1050, "007.10": 710,
		"999999999999.99": money.Max, "-999999999999.99": -money.Max,
	}
	for text, want := range accepted {
		got, err := money.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}

	refused := []string{
		"", "-", ".", ".5", "5.", "1.234", "1.", "+1", " 1", "1 ", "1e3", "1,5", "1.-5", "--1", "1.2.3", "0x10", "NaN", "Inf",
		"1_000", "1 000", "\u0661", "1\x00", "1000000000000", "1000000000000.00", strings.Repeat("9", 400),
	}
	for _, text := range refused {
		_, err := money.Parse(text)

		var parseError *money.ParseError
		require.ErrorAs(t, err, &parseError, text)
		require.True(t, strings.HasPrefix(text, parseError.Value), text)
		require.LessOrEqual(t, len(parseError.Value), 40)
		require.NotEmpty(t, parseError.Reason)
	}

	_, err := money.Parse("1000000000000")
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.Parse("x")
	require.NotErrorIs(t, err, money.ErrOverflow)
}

func TestParseCents(t *testing.T) {
	t.Parallel()

	accepted := map[string]money.Cents{
		"0": 0, "-0": 0, "12": 12, "-12": -12, "000000001011": 1011, "99999999999999": money.Max, "-99999999999999": -money.Max,
	}
	for text, want := range accepted {
		got, err := money.ParseCents([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}

	for _, text := range []string{"", "-", "+5", "1e3", "12.5", " 1", "1 ", "1-", "--1", "100000000000000", "9223372036854775808"} {
		_, err := money.ParseCents([]byte(text))

		var parseError *money.ParseError
		require.ErrorAs(t, err, &parseError, text)
		require.Equal(t, text, parseError.Value)
	}
}

func TestParseCentsAgreesWithBigInt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9]{1,25}`).Draw(t, "text")

		exact, ok := new(big.Int).SetString(text, 10)
		require.True(t, ok)

		got, err := money.ParseCents([]byte(text))
		if new(big.Int).Abs(exact).Cmp(big.NewInt(int64(money.Max))) > 0 {
			require.ErrorIs(t, err, money.ErrOverflow)

			return
		}

		require.NoError(t, err)
		require.Equal(t, exact.Int64(), int64(got))
	})
}

func TestPrintedAmountsAreReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := amounts().Draw(t, "amount")

		text := amount.String()
		require.Regexp(t, `^-?\d+\.\d\d$`, text)
		require.Equal(t, amount.Decimal().StringFixed(2), text)
		require.Equal(t, "x"+text, string(amount.Append([]byte("x"))))

		parsed, err := money.Parse(text)
		require.NoError(t, err)
		require.Equal(t, amount, parsed)

		converted, err := money.FromDecimal(amount.Decimal())
		require.NoError(t, err)
		require.Equal(t, amount, converted)
	})
}

func TestFromDecimal(t *testing.T) {
	t.Parallel()

	accepted := map[string]money.Cents{
		"1.5E+2": 15000, "2E+2": 20000, "1000.5": 100050, "1.2000000": 120, "-0.01": -1, "0e99": 0, "0e-99": 0,
		"99999999999999e-2": money.Max, "1e11": 10_000_000_000_000,
	}
	for text, want := range accepted {
		got, err := money.FromDecimal(decimal.RequireFromString(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}

	for _, text := range []string{"0.001", "1.005", "1e-3", "123456e-9999", "123.4500001"} {
		_, err := money.FromDecimal(decimal.RequireFromString(text))

		var parseError *money.ParseError
		require.ErrorAs(t, err, &parseError, text)
		require.NotErrorIs(t, err, money.ErrOverflow)
	}

	// Exponents that would fill the memory if they were expanded.
	_, err := money.FromDecimal(decimal.New(1, math.MinInt32))
	require.ErrorContains(t, err, "more than two decimal places")
	_, err = money.FromDecimal(decimal.New(1, math.MaxInt32))
	require.ErrorIs(t, err, money.ErrOverflow)

	for _, text := range []string{"1e12", "-1e12", "1e9999", strings.Repeat("9", 60), "100000000000000e-2"} {
		_, err := money.FromDecimal(decimal.RequireFromString(text))
		require.ErrorIs(t, err, money.ErrOverflow, text)
	}
}

func TestAdditionIsExactOrRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		left := money.Cents(rapid.Int64().Draw(t, "left"))
		right := money.Cents(rapid.OneOf(rapid.Int64(), rapid.Map(amounts(), func(c money.Cents) int64 { return int64(c) })).
			Draw(t, "right"))
		limit := big.NewInt(int64(money.Max))
		held := func(values ...*big.Int) bool {
			for _, value := range values {
				if new(big.Int).Abs(value).Cmp(limit) > 0 {
					return false
				}
			}

			return true
		}
		bigLeft, bigRight := big.NewInt(int64(left)), big.NewInt(int64(right))

		for _, operation := range []struct {
			exact *big.Int
			run   func(money.Cents, money.Cents) (money.Cents, error)
		}{
			{new(big.Int).Add(bigLeft, bigRight), money.Cents.Add},
			{new(big.Int).Sub(bigLeft, bigRight), money.Cents.Sub},
		} {
			got, err := operation.run(left, right)
			if held(bigLeft, bigRight, operation.exact) {
				require.NoError(t, err)
				require.Equal(t, operation.exact.Int64(), int64(got))
			} else {
				require.ErrorIs(t, err, money.ErrOverflow)
			}
		}
	})
}

func TestSubUndoesAdd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		left, right := amounts().Draw(t, "left")/2, amounts().Draw(t, "right")/2

		sum, err := left.Add(right)
		require.NoError(t, err)

		back, err := sum.Sub(right)
		require.NoError(t, err)
		require.Equal(t, left, back)
		require.Equal(t, left.Abs(), left.Neg().Abs())
		require.Zero(t, left+left.Neg())
	})
}

func TestHotPathsDoNotAllocate(t *testing.T) {
	text, buffer := []byte("-123456789"), make([]byte, 0, 64)

	var total money.Cents

	require.Zero(t, testing.AllocsPerRun(100, func() {
		amount, err := money.ParseCents(text)
		if err != nil {
			panic(err)
		}

		total += amount
		buffer = amount.Append(buffer[:0])
	}))
	require.Equal(t, "-1234567.89", string(buffer))
	require.Negative(t, total)
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"1234.56", "-0.05", "7", "1e3", "+5", "999999999999.99", "", "-", "1."} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		amount, err := money.Parse(text)
		if err != nil {
			var parseError *money.ParseError
			require.ErrorAs(t, err, &parseError)

			return
		}

		exact, err := decimal.NewFromString(text)
		require.NoError(t, err)
		require.True(t, exact.Equal(amount.Decimal()))
	})
}

func FuzzParseCents(f *testing.F) {
	for _, text := range []string{"0", "-12", "+5", "12.5", "99999999999999", "100000000000000", "9223372036854775808", ""} {
		f.Add([]byte(text))
	}

	f.Fuzz(func(t *testing.T, text []byte) {
		amount, err := money.ParseCents(text)
		if err != nil {
			var parseError *money.ParseError
			require.ErrorAs(t, err, &parseError)

			return
		}

		exact, ok := new(big.Int).SetString(string(text), 10)
		require.True(t, ok)
		require.Equal(t, exact.Int64(), int64(amount))
		require.LessOrEqual(t, amount.Abs(), money.Max)
	})
}

func BenchmarkParseCents(b *testing.B) {
	text := []byte("123456")

	b.ReportAllocs()

	for b.Loop() {
		if _, err := money.ParseCents(text); err != nil {
			b.Fatal(err)
		}
	}
}
