package systempay_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/systempay"
)

func TestFormHasAllFieldsInOrder(t *testing.T) {
	t.Parallel()

	form := build(t, order(), shop())

	require.Equal(t, systempay.PaymentPage, form.URL)
	require.Equal(t, []systempay.Field{
		{Name: "vads_site_id", Value: "12345678"},
		{Name: "vads_ctx_mode", Value: "TEST"},
		{Name: "vads_trans_id", Value: "123456"},
		{Name: "vads_trans_date", Value: "20260317213005"},
		{Name: "vads_amount", Value: "20000"},
		{Name: "vads_currency", Value: "978"},
		{Name: "vads_action_mode", Value: "INTERACTIVE"},
		{Name: "vads_page_action", Value: "PAYMENT"},
		{Name: "vads_version", Value: "V2"},
		{Name: "vads_payment_config", Value: "SINGLE"},
		{Name: "vads_cust_email", Value: "zoe@example.org"},
		{Name: "vads_cust_id", Value: "1234"},
		{Name: "vads_cust_first_name", Value: "Zoé"},
		{Name: "vads_cust_last_name", Value: "Lefèvre"},
		{Name: "vads_order_id", Value: "TS2026-20260317-00000001234-2"},
		{Name: "vads_capture_delay", Value: "2"},
		{Name: "vads_validation_mode", Value: "0"},
		{Name: "vads_theme_config", Value: "SIMPLIFIED_DISPLAY=true"},
		{Name: "vads_url_success", Value: "https://shop.example/ok"},
		{Name: "vads_url_refused", Value: "https://shop.example/refused"},
		{Name: "vads_url_cancel", Value: "https://shop.example/cancel"},
		{Name: "vads_url_error", Value: "https://shop.example/error"},
		{Name: "vads_url_check", Value: "https://pay.example/ipn/systempay/cantine"},
		{Name: "vads_redirect_success_timeout", Value: "5"},
		{Name: "vads_redirect_success_message", Value: "Merci, à bientôt"},
		{Name: "vads_redirect_error_timeout", Value: "0"},
		{Name: "vads_redirect_error_message", Value: "Échec"},
		{Name: "vads_nb_products", Value: "2"},
		{Name: "vads_product_ref0", Value: "E1"},
		{Name: "vads_product_ref1", Value: "E2"},
	}, form.Fields)
	require.Equal(t, systempay.Expected{
		SiteID: "12345678", Mode: systempay.Test, TransactionID: "123456", OrderID: "TS2026-20260317-00000001234-2",
		At: time.Date(2026, 3, 17, 21, 30, 5, 0, time.UTC), Amount: systempay.Amount{Units: 20000, Currency: "978"},
	}, form.Expected)

	signed := make(map[string]string)
	for _, field := range form.Fields {
		signed[field.Name] = field.Value
	}

	require.Equal(t, systempay.Sign(signed, systempay.HMACSHA256, systempay.NewKey(testKey)), form.Signature)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %+v", form, form, form, order()), "Zoé")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %+v", form, form, form, order()), "example.org")
}

func TestFormOfAShopThatSaysLittle(t *testing.T) {
	t.Parallel()

	s, o := shop(), order()
	s.Page = systempay.Page{URL: "http://localhost:8080/vads-payment/", ProductFields: systempay.ProductFields{First: 1, Singular: true}}
	s.Mode, s.Algorithm = systempay.Production, systempay.SHA1
	o.Customer = systempay.Customer{}

	form := build(t, o, s)
	require.Equal(t, "http://localhost:8080/vads-payment/", form.URL)
	require.Regexp(t, `^[0-9a-f]{40}$`, form.Signature)

	names := make([]string, 0, len(form.Fields))
	signed := make(map[string]string)

	for _, field := range form.Fields {
		names = append(names, field.Name)
		signed[field.Name] = field.Value
	}

	require.Equal(t, []string{
		"vads_site_id", "vads_ctx_mode", "vads_trans_id", "vads_trans_date", "vads_amount", "vads_currency", "vads_action_mode",
		"vads_page_action", "vads_version", "vads_payment_config", "vads_order_id", "vads_capture_delay",
		"vads_redirect_success_timeout", "vads_redirect_error_timeout", "vads_nb_product", "vads_product_ref1", "vads_product_ref2",
	}, names)
	require.True(t, systempay.Verify(signed, form.Signature, systempay.SHA1, systempay.NewKey(productionKey)))
}

func TestFormIsRefused(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		field  string
		change func(*systempay.Order)
	}{
		{"vads_order_id", func(o *systempay.Order) { o.ID = "" }},
		{"vads_order_id", func(o *systempay.Order) { o.ID = strings.Repeat("a", 65) }},
		{"vads_order_id", func(o *systempay.Order) { o.ID = "a b" }},
		{"vads_order_id", func(o *systempay.Order) { o.ID = "a\n" }},
		{"vads_amount", func(o *systempay.Order) { o.Amount = decimal.Zero }},
		{"vads_amount", func(o *systempay.Order) { o.Amount = decimal.RequireFromString("-1") }},
		{"vads_amount", func(o *systempay.Order) { o.Amount = decimal.RequireFromString("0.001") }},
		{"vads_amount", func(o *systempay.Order) { o.Amount = decimal.RequireFromString("10000000000") }},
		{"vads_currency", func(o *systempay.Order) { o.Currency = "" }},
		{"vads_payment_config", func(o *systempay.Order) { o.Plan = systempay.Multi(20000, 2, 30) }},
		{"vads_currency", func(o *systempay.Order) { o.Currency = "EURO" }},
		{"vads_cust_id", func(o *systempay.Order) { o.Customer.ID = strings.Repeat("1", 64) }},
		{"vads_cust_first_name", func(o *systempay.Order) { o.Customer.FirstName = "Zoé <script>" }},
		{"vads_cust_last_name", func(o *systempay.Order) { o.Customer.LastName = "a > b" }},
		{"vads_cust_email", func(o *systempay.Order) { o.Customer.Email = "nobody" }},
		{"vads_cust_email", func(o *systempay.Order) { o.Customer.Email = strings.Repeat("a", 150) + "@example.org" }},
		{"vads_cust_last_name", func(o *systempay.Order) { o.Customer.LastName = "\xff" }},
		{"vads_product_ref", func(o *systempay.Order) { o.Products = []string{"a", ""} }},
		{"vads_product_ref", func(o *systempay.Order) { o.Products = []string{"<"} }},
		{"vads_nb_products", func(o *systempay.Order) { o.Products = make([]string, 1000) }},
	} {
		o := order()
		test.change(o)

		form, err := systempay.BuildForm(o, shop(), now(), "123456")
		requireField(t, err, test.field)
		require.Zero(t, form)
		require.NotContains(t, err.Error(), "Zoé")
	}

	for _, number := range []string{"", "12345", "900000", "1234567", "12345a", "12345\n"} {
		_, err := systempay.BuildForm(order(), shop(), now(), number)
		requireField(t, err, "vads_trans_id")
	}
}

func TestFormSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()

	o, s := order(), shop()
	o.ID, o.Amount, o.Customer.FirstName, s.SiteID = "", decimal.Zero, "<", ""

	_, err := systempay.BuildForm(o, s, now(), "")
	for _, field := range []string{"vads_order_id", "vads_amount", "vads_cust_first_name", "vads_site_id", "vads_trans_id"} {
		require.ErrorContains(t, err, field)
	}
}

func TestAmountInTheSmallestUnit(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		amount, currency, numeric string
		units                     int64
	}{
		{"19.99", "EUR", "978", 1999}, // times a hundred, a float has 1998.9999999999998
		{"0.29", "978", "978", 29},
		{"1.1500", "EUR", "978", 115},
		{"1E+3", "EUR", "978", 100000},
		{"9999999999.99", "EUR", "978", systempay.MaxUnits},
		{"1500", "JPY", "392", 1500},
		{"999999999999", "XPF", "953", systempay.MaxUnits},
		{"1.234", "KWD", "414", 1234},
	} {
		currency, err := systempay.CurrencyOf(test.currency)
		require.NoError(t, err)
		require.Equal(t, test.numeric, currency.Numeric)

		units, err := currency.Units(decimal.RequireFromString(test.amount))
		require.NoError(t, err, test.amount)
		require.Equal(t, test.units, units)
	}

	for currency, amounts := range map[string][]string{
		"EUR": {"0", "-0.01", "0.001", "1.005", "9999999999.991", "10000000000", "1e12", "1e-9"},
		"JPY": {"1.5", "0.1", "1000000000000"},
		"KWD": {"0.0001", "1000000000"},
	} {
		in, err := systempay.CurrencyOf(currency)
		require.NoError(t, err)

		for _, amount := range amounts {
			_, err := in.Units(decimal.RequireFromString(amount))
			require.Error(t, err, amount)
			requireField(t, err, "vads_amount")
		}
	}

	// Exponents that would fill the memory if they were expanded.
	euro, err := systempay.CurrencyOf("EUR")
	require.NoError(t, err)

	for _, exponent := range []int32{math.MinInt32, math.MaxInt32} {
		_, err = euro.Units(decimal.New(1, exponent))
		requireField(t, err, "vads_amount")
	}

	cents, euros := systempay.Amount{Units: -1999, Currency: "978"}.Cents()
	require.True(t, euros)
	require.Equal(t, money.Cents(-1999), cents)

	_, euros = systempay.Amount{Units: 1, Currency: "840"}.Cents()
	require.False(t, euros)
}

func TestUnitsAgreeWithTheDecimal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		currency, err := systempay.CurrencyOf(rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency"))
		require.NoError(t, err)

		units := rapid.Int64Range(1, systempay.MaxUnits).Draw(t, "units")
		got, err := currency.Units(decimal.New(units, -currency.Places))
		require.NoError(t, err)
		require.Equal(t, units, got)

		drawn := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-25, 25).Draw(t, "exponent"))
		got, err = currency.Units(drawn)

		exact := drawn.Shift(currency.Places)
		if fits := exact.IsPositive() && exact.IsInteger() && exact.LessThanOrEqual(decimal.New(systempay.MaxUnits, 0)); fits {
			require.NoError(t, err)
			require.True(t, exact.Equal(decimal.New(got, 0)))
		} else {
			require.Error(t, err)
		}
	})
}

func TestCurrenciesAreCodesOfISO4217EachOnce(t *testing.T) {
	t.Parallel()

	for _, code := range []string{"EUR", "JPY", "XPF", "BRL", "AUD"} {
		byLetters, err := systempay.CurrencyOf(code)
		require.NoError(t, err)

		byDigits, err := systempay.CurrencyOf(byLetters.Numeric)
		require.NoError(t, err)
		require.Equal(t, byLetters, byDigits)
		require.Regexp(t, `^\d{3}$`, byLetters.Numeric)
	}

	for _, code := range []string{"", "eur", "97", "000", "XXX", "0978"} {
		_, err := systempay.CurrencyOf(code)
		requireField(t, err, "vads_currency")
	}
}

func TestOrderIDIsComposed(t *testing.T) {
	t.Parallel()

	id, err := systempay.OrderID(2025, now(), 1234, 2)
	require.NoError(t, err)
	require.Equal(t, "TS2025-20260317-00000001234-2", id)

	id, err = systempay.OrderID(2026, now(), 99_999_999_999, 999)
	require.NoError(t, err)
	require.Equal(t, "TS2026-20260317-99999999999-999", id)

	for _, wrong := range []func() (string, error){
		func() (string, error) { return systempay.OrderID(26, now(), 1, 1) },
		func() (string, error) { return systempay.OrderID(20260, now(), 1, 1) },
		func() (string, error) { return systempay.OrderID(2026, time.Time{}, 1, 1) },
		func() (string, error) { return systempay.OrderID(2026, now(), -1, 1) },
		func() (string, error) { return systempay.OrderID(2026, now(), 100_000_000_000, 1) },
		func() (string, error) { return systempay.OrderID(2026, now(), 1, 0) },
		func() (string, error) { return systempay.OrderID(2026, now(), 1, 1000) },
	} {
		_, err := wrong()
		requireField(t, err, "vads_order_id")
	}
}

func TestTransactionIDIsSixDigits(t *testing.T) {
	t.Parallel()

	for number, want := range map[int]string{0: "000000", 7: "000007", systempay.MaxTransaction: "899999"} {
		id, err := systempay.TransactionID(number)
		require.NoError(t, err)
		require.Equal(t, want, id)

		_, err = systempay.BuildForm(order(), shop(), now(), id)
		require.NoError(t, err)
	}

	for _, number := range []int{-1, 900_000} {
		_, err := systempay.TransactionID(number)
		requireField(t, err, "vads_trans_id")
	}
}
