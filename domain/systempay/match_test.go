package systempay_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/systempay"
)

func TestMatch(t *testing.T) {
	t.Parallel()

	single := order()
	instalments := order()
	instalments.Plan = systempay.Multi(10000, 4, 30)

	for name, test := range map[string]struct {
		order   *systempay.Order
		changes map[string]string
		fields  []string
	}{
		"paid":                       {single, nil, nil},
		"paid at the second try":     {single, map[string]string{"vads_sequence_number": "2"}, nil},
		"no effective amount":        {single, map[string]string{"vads_effective_amount": "-"}, nil},
		"with zeros before":          {single, map[string]string{"vads_amount": "0020000"}, nil},
		"converted":                  {single, map[string]string{"vads_effective_amount": "21500", "vads_effective_currency": "840"}, nil},
		"another amount":             {single, map[string]string{"vads_amount": "19999"}, []string{"vads_amount"}},
		"another effective amount":   {single, map[string]string{"vads_effective_amount": "2000"}, []string{"vads_effective_amount"}},
		"captured in part":           {single, map[string]string{"vads_trans_status": "CAPTURED", "vads_effective_amount": "2000"}, nil},
		"captured to excess":         {single, map[string]string{"vads_trans_status": "CAPTURED", "vads_effective_amount": "20001"}, []string{"vads_effective_amount"}},
		"nothing captured":           {single, map[string]string{"vads_trans_status": "CAPTURED", "vads_effective_amount": "0"}, []string{"vads_effective_amount"}},
		"another currency":           {single, map[string]string{"vads_currency": "840"}, []string{"vads_currency"}},
		"another order":              {single, map[string]string{"vads_order_id": "x"}, []string{"vads_order_id"}},
		"no order":                   {single, map[string]string{"vads_order_id": "-"}, []string{"vads_order_id"}},
		"another plan":               {single, map[string]string{"vads_payment_config": "MULTI:first=1;count=2;period=1"}, []string{"vads_payment_config"}},
		"no plan told":               {single, map[string]string{"vads_payment_config": "-"}, nil},
		"amounts that are no amount": {single, map[string]string{"vads_amount": "x", "vads_effective_amount": "y"}, []string{"vads_amount", "vads_effective_amount"}},

		"first instalment":     {instalments, map[string]string{"vads_effective_amount": "10000"}, nil},
		"last instalment":      {instalments, map[string]string{"vads_effective_amount": "3334", "vads_sequence_number": "4"}, nil},
		"instalment in part":   {instalments, map[string]string{"vads_trans_status": "CAPTURED", "vads_effective_amount": "9999"}, nil},
		"another's amount":     {instalments, map[string]string{"vads_effective_amount": "3334", "vads_sequence_number": "3"}, []string{"vads_effective_amount"}},
		"an instalment beyond": {instalments, map[string]string{"vads_effective_amount": "3334", "vads_sequence_number": "5"}, []string{"vads_sequence_number"}},
		"no number":            {instalments, map[string]string{"vads_effective_amount": "10000", "vads_sequence_number": "-"}, []string{"vads_sequence_number"}},
		"no amount told":       {instalments, map[string]string{"vads_effective_amount": "-"}, []string{"vads_effective_amount"}},
		"instalment converted": {instalments, map[string]string{"vads_effective_amount": "7", "vads_effective_currency": "840"}, nil},

		"whole given back":     {single, map[string]string{"vads_operation_type": "CREDIT"}, nil},
		"part given back":      {single, map[string]string{"vads_operation_type": "CREDIT", "vads_amount": "1"}, nil},
		"more given back":      {single, map[string]string{"vads_operation_type": "CREDIT", "vads_amount": "20001"}, []string{"vads_amount"}},
		"nothing given back":   {single, map[string]string{"vads_operation_type": "CREDIT", "vads_amount": "0"}, []string{"vads_amount"}},
		"more booked as back":  {single, map[string]string{"vads_operation_type": "CREDIT", "vads_amount": "1", "vads_effective_amount": "20001"}, []string{"vads_effective_amount"}},
		"nothing booked back":  {single, map[string]string{"vads_operation_type": "CREDIT", "vads_amount": "1", "vads_effective_amount": "0"}, []string{"vads_effective_amount"}},
		"back, converted":      {single, map[string]string{"vads_operation_type": "CREDIT", "vads_effective_amount": "21500", "vads_effective_currency": "840"}, nil},
		"given back otherwise": {single, map[string]string{"vads_operation_type": "CREDIT", "vads_currency": "840"}, []string{"vads_currency"}},
		"a card verified":      {single, map[string]string{"vads_operation_type": "VERIFICATION", "vads_amount": "0", "vads_currency": "-"}, nil},
	} {
		form := build(t, test.order, shop())

		n, err := systempay.ParseNotification(body(paid(&form, test.changes), shop()), shop())
		require.NoError(t, err)

		err = systempay.Match(&form.Expected, &n)
		if test.fields == nil {
			require.NoError(t, err, name)

			continue
		}

		var mismatch *systempay.MismatchError

		require.ErrorAs(t, err, &mismatch, name)

		fields := make([]string, 0, len(mismatch.Differences))
		for _, d := range mismatch.Differences {
			fields = append(fields, d.Field)
			require.NotEqual(t, d.Expected, d.Received)
			require.Contains(t, err.Error(), d.Field)
		}

		require.Equal(t, test.fields, fields, name)
	}
}

func TestMatchIsOfTheSameSiteAndMode(t *testing.T) {
	t.Parallel()

	form, n := build(t, order(), shop()), notify(t, nil)
	form.Expected.SiteID, form.Expected.Mode = "87654321", systempay.Production

	var mismatch *systempay.MismatchError

	require.ErrorAs(t, systempay.Match(&form.Expected, &n), &mismatch)
	require.Equal(t, []systempay.Difference{
		{Field: "vads_site_id", Expected: "87654321", Received: "12345678"}, {Field: "vads_ctx_mode", Expected: "PRODUCTION", Received: "TEST"},
	}, mismatch.Differences)
}

func TestMatchWithAPlanThatDividesNothing(t *testing.T) {
	t.Parallel()

	form, n := build(t, order(), shop()), notify(t, map[string]string{"vads_payment_config": "MULTI:first=30000;count=4;period=30"})
	form.Expected.Plan = systempay.Multi(30000, 4, 30)

	var mismatch *systempay.MismatchError

	require.ErrorAs(t, systempay.Match(&form.Expected, &n), &mismatch)
	require.Len(t, mismatch.Differences, 1)
	require.Equal(t, "vads_sequence_number", mismatch.Differences[0].Field)
}

func TestAFormIsPaidWhateverItsPlan(t *testing.T) {
	t.Parallel()

	for _, plan := range []systempay.Plan{{}, systempay.Multi(10000, 4, 30), dated("20260317", 10000, "20260417", 10000)} {
		o := order()
		o.Plan = plan
		form := build(t, o, shop())

		amounts, err := plan.Amounts(form.Expected.Amount.Units)
		require.NoError(t, err)

		sum := int64(0)

		for i, amount := range amounts {
			changes := map[string]string{"vads_sequence_number": string(rune('1' + i)), "vads_effective_amount": decimalText(amount)}
			fields := paid(&form, nil)
			maps.Copy(fields, changes)

			n, err := systempay.ParseNotification(body(fields, shop()), shop())
			require.NoError(t, err)
			require.NoError(t, systempay.Match(&form.Expected, &n))

			effective, err := n.Effective()
			require.NoError(t, err)

			sum += effective.Units
		}

		require.Equal(t, form.Expected.Amount.Units, sum)
	}
}
