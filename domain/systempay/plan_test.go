package systempay_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/systempay"
)

func day(text string) time.Time {
	at, err := time.Parse("20060102", text)
	if err != nil {
		panic(err)
	}

	return at
}

func dated(pairs ...any) systempay.Plan {
	var parts []systempay.Instalment
	for pair := range slices.Chunk(pairs, 2) {
		parts = append(parts, systempay.Instalment{Day: day(pair[0].(string)), Units: int64(pair[1].(int))})
	}

	return systempay.Dated(parts...)
}

func TestPlanDividesAnAmount(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		plan    systempay.Plan
		text    string
		amounts []int64
	}{
		{systempay.Plan{}, "SINGLE", []int64{20000}},
		{systempay.Multi(10000, 4, 30), "MULTI:first=10000;count=4;period=30", []int64{10000, 3333, 3333, 3334}},
		{systempay.Multi(1, 2, 1), "MULTI:first=1;count=2;period=1", []int64{1, 19999}},
		{systempay.Multi(19999, 2, 365), "MULTI:first=19999;count=2;period=365", []int64{19999, 1}},
		{
			dated("20260317", 10000, "20260417", 4525, "20270317", 5475),
			"MULTI_EXT:20260317=10000;20260417=4525;20270317=5475", []int64{10000, 4525, 5475},
		},
	} {
		require.Equal(t, test.text, test.plan.String())

		amounts, err := test.plan.Amounts(20000)
		require.NoError(t, err)
		require.Equal(t, test.amounts, amounts)

		again, err := systempay.ParsePlan(test.text)
		require.NoError(t, err)
		require.Equal(t, test.plan, again)
	}
}

func TestPlanThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()

	const total = 20000

	for name, plan := range map[string]systempay.Plan{
		"nothing of it said":       systempay.Multi(0, 0, 0),
		"count below 2":            systempay.Multi(10000, 1, 30),
		"period below 1":           systempay.Multi(10000, 4, 0),
		"first of nothing":         systempay.Multi(0, 4, 30),
		"first below nothing":      systempay.Multi(-1, 4, 30),
		"first is all":             systempay.Multi(total, 4, 30),
		"more parts than units":    systempay.Multi(total-2, 4, 1),
		"too many":                 systempay.Multi(1, 367, 1),
		"absurdly many":            systempay.Multi(1, 1<<62, 1),
		"no instalment":            systempay.Dated(),
		"less than the amount":     dated("20260317", 10000, "20260417", 9999),
		"more than the amount":     dated("20260317", 10000, "20260417", 10001),
		"an instalment of nothing": dated("20260317", total, "20260417", 0),
		"one below nothing":        dated("20260317", total+1, "20260417", -1),
		"a day twice":              dated("20260317", 10000, "20260317", 10000),
		"days not in order":        dated("20260417", 10000, "20260317", 10000),
	} {
		_, err := plan.Amounts(total)
		require.Error(t, err, name)
		requireField(t, err, "vads_payment_config")
	}

	for _, amount := range []int64{0, -1, systempay.MaxUnits + 1} {
		_, err := systempay.Plan{}.Amounts(amount)
		requireField(t, err, "vads_amount")
	}
}

func TestPlanTextIsReadExactly(t *testing.T) {
	t.Parallel()

	for _, text := range []string{
		"", "single", "SINGLE ", "MULTI", "MULTI:", "MULTI:first=1;count=2", "MULTI:first=01;count=2;period=1",
		"MULTI:first=1;count=2;period=1;", "MULTI:first=+1;count=2;period=1", "MULTI:first= 1;count=2;period=1",
		"MULTI:first=99999999999999999999;count=2;period=1", "MULTI_EXT:", "MULTI_EXT:20260317", "MULTI_EXT:20260230=1",
		"MULTI_EXT:20260317=-1", "MULTI_EXT:20260317=1;", "MULTI_EXT:20260317=01", "MULTI_EXT:20260317=1=2",
	} {
		_, err := systempay.ParsePlan(text)
		require.Error(t, err, text)
		requireField(t, err, "vads_payment_config")
	}
}

func TestPlanIsWithinTwelveMonths(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		plan systempay.Plan
		fits bool
	}{
		{systempay.Multi(10000, 2, 363), true}, // two days after the payment, and 363 more
		{systempay.Multi(10000, 2, 364), false},
		{systempay.Multi(10000, 13, 30), true},
		{systempay.Multi(10000, 13, 31), false},
		{systempay.Multi(10000, 2, 1<<62), false},
		{dated("20260317", 10000, "20270317", 10000), true},
		{dated("20260317", 10000, "20270318", 10000), false},
		{dated("20260316", 10000, "20260417", 10000), false}, // past
		{dated("20260401", 20000), true},
	} {
		o := order()
		o.Plan = test.plan

		_, err := systempay.BuildForm(o, shop(), now(), "123456")
		if test.fits {
			require.NoError(t, err, test.plan.String())
		} else {
			requireField(t, err, "vads_payment_config")
		}
	}
}

func TestInstalmentsComeToTheAmount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(1, systempay.MaxUnits).Draw(t, "total")
		plan := systempay.Multi(rapid.Int64Range(1, total).Draw(t, "first"), rapid.IntRange(2, 366).Draw(t, "count"), 1)

		amounts, err := plan.Amounts(total)
		if err != nil {
			return
		}

		sum, last := int64(0), len(amounts)-1

		for i, amount := range amounts {
			require.Positive(t, amount)
			sum += amount

			if i > 0 && i < last {
				require.Equal(t, amounts[1], amount)
			}
		}

		require.Equal(t, total, sum)
		require.GreaterOrEqual(t, amounts[last], amounts[min(1, last)])
		require.Less(t, amounts[last]-amounts[min(1, last)], int64(len(amounts)))

		again, err := systempay.ParsePlan(plan.String())
		require.NoError(t, err)
		require.Equal(t, plan, again)
	})
}

func FuzzParsePlan(f *testing.F) {
	for _, text := range []string{
		"SINGLE", "MULTI:first=10000;count=4;period=30", "MULTI_EXT:20260317=10000;20260417=10000", "MULTI:first=-1;count=2;period=1", "MULTI_EXT:",
	} {
		f.Add(text)
	}

	f.Fuzz(func(t *testing.T, text string) {
		plan, err := systempay.ParsePlan(text)
		if err != nil {
			return
		}

		require.Equal(t, text, plan.String())

		if amounts, err := plan.Amounts(20000); err == nil {
			sum := int64(0)
			for _, amount := range amounts {
				sum += amount
			}

			require.EqualValues(t, 20000, sum)
		}
	})
}
