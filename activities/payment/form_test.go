package payment_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/systempay"
)

func TestAFormIsKeptBeforeItIsShown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form, err := b.desk.Begin(t.Context(), "cantine", order("ORDER-1"), payment.Invoice{Prefix: "F", Piece: "1234", ThirdParty: "C0000007"})
	require.NoError(t, err)
	require.Equal(t, "000000", form.Expected.TransactionID)
	fields := make(map[string]string)
	for _, field := range form.Fields {
		fields[field.Name] = field.Value
	}
	require.Equal(t, "20000", fields["vads_amount"])
	require.Equal(t, "zoe@example.org", fields["vads_cust_email"])
	require.True(t, systempay.Verify(fields, form.Signature, systempay.HMACSHA256, systempay.NewKey(testKey)))

	kept := b.rows("table payment_form")
	require.Len(t, kept, 1)
	for column, want := range map[string]any{
		"number": form.Number, "shop": "cantine", "site_id": "12345678", "mode": "TEST", "trans_id": "000000", "order_id": "ORDER-1",
		"amount_units": int64(20000), "currency": "978", "plan": "SINGLE", "customer": "1234",
		"invoice_prefix": "F", "invoice_piece": "1234", "third_party": "C0000007",
		"utc_day": time.Date(2026, time.March, 17, 0, 0, 0, 0, time.UTC),
	} {
		require.Equal(t, want, kept[0][column], column)
	}
	require.Equal(t, now(), kept[0]["shown_at"].(time.Time).UTC())
	for _, personal := range []string{"zoe@", "Zoé", "Lefèvre"} {
		require.NotContains(t, b.everything(), personal)
	}
}

func TestNumbersAreOfTheUTCDay(t *testing.T) {
	t.Parallel()
	pool, at := pgtest.New(t), time.Date(2026, time.March, 17, 23, 59, 59, 0, time.UTC)
	desk := payment.New(payment.Parts{Pool: pool, Clock: func() time.Time { return at.In(time.FixedZone("", 7200)) }, Shops: shops()})
	numbers := func() string {
		form, err := desk.Begin(t.Context(), "cantine", order("ORDER"), payment.Invoice{})
		require.NoError(t, err)
		return form.Expected.At.Format("20060102") + " " + form.Expected.TransactionID
	}
	require.Equal(t, "20260317 000000", numbers())
	require.Equal(t, "20260317 000001", numbers())
	at = at.Add(time.Second)
	require.Equal(t, "20260318 000000", numbers())
}

func TestFormsAtOnceHaveNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const forms = 60
	var lock sync.Mutex
	var all sync.WaitGroup
	numbers := make(map[string]bool)
	for i := range forms {
		all.Go(func() {
			form, err := b.desk.Begin(t.Context(), "cantine", order(fmt.Sprintf("ORDER-%d", i)), payment.Invoice{})
			if err != nil {
				t.Error(err)
				return
			}
			lock.Lock()
			defer lock.Unlock()
			numbers[form.Expected.TransactionID] = true
		})
	}
	all.Wait()
	require.Len(t, numbers, forms)
	require.True(t, numbers[fmt.Sprintf("%06d", forms-1)], "and leave no gap")
}

func TestADayHasNoNumberLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.pool.Exec(t.Context(), "insert into payment_counter values ('12345678', 'TEST', '2026-03-17', $1)", systempay.MaxTransaction-1)
	require.NoError(t, err)
	form, err := b.desk.Begin(t.Context(), "cantine", order("LAST"), payment.Invoice{})
	require.NoError(t, err)
	require.Equal(t, "899999", form.Expected.TransactionID)
	_, err = b.desk.Begin(t.Context(), "cantine", order("ONE-MORE"), payment.Invoice{})
	var field *systempay.FieldError
	require.ErrorAs(t, err, &field)
	require.Equal(t, "vads_trans_id", field.Field)
	require.EqualValues(t, 1, b.number("select count(*) from payment_form"))
}

func TestWhatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, one := range map[string]struct {
		change  func(*systempay.Order)
		invoice payment.Invoice
		field   string
	}{
		"nothing":        {func(o *systempay.Order) { o.Amount = decimal.Zero }, payment.Invoice{}, "vads_amount"},
		"half a cent":    {func(o *systempay.Order) { o.Amount = decimal.RequireFromString("0.005") }, payment.Invoice{}, "vads_amount"},
		"no currency":    {func(o *systempay.Order) { o.Currency = "XXX" }, payment.Invoice{}, "vads_currency"},
		"a tag":          {func(o *systempay.Order) { o.Customer.LastName = "<b>" }, payment.Invoice{}, "vads_cust_last_name"},
		"no order":       {func(o *systempay.Order) { o.ID = "a b" }, payment.Invoice{}, "vads_order_id"},
		"a plan":         {func(o *systempay.Order) { o.Plan = systempay.Multi(20000, 2, 30) }, payment.Invoice{}, "vads_payment_config"},
		"a long piece":   {func(*systempay.Order) {}, payment.Invoice{Piece: strings.Repeat("1", 36)}, "invoice.piece"},
		"a prefix alone": {func(*systempay.Order) {}, payment.Invoice{Prefix: "F"}, "invoice.piece"},
		"a tab":          {func(*systempay.Order) {}, payment.Invoice{Piece: "1", Prefix: "F\t"}, "invoice.prefix"},
		"a space":        {func(*systempay.Order) {}, payment.Invoice{ThirdParty: " C1"}, "invoice.thirdParty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := order("ORDER-1")
			one.change(&asked)
			_, err := b.desk.Begin(t.Context(), "cantine", asked, one.invoice)
			var field *systempay.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, one.field, field.Field)
			require.NotContains(t, err.Error(), "Lefèvre")
		})
	}
	_, err := b.desk.Begin(t.Context(), "nobody", order("ORDER-1"), payment.Invoice{})
	require.ErrorIs(t, err, payment.ErrNoShop)
	t.Cleanup(func() {
		require.Zero(t, b.number("select count(*) from payment_form"))
		require.Zero(t, b.number("select count(*) from payment_counter"), "no number is spent on it")
	})
}

func TestReferencesAreComposed(t *testing.T) {
	t.Parallel()
	asked := order("")
	id, err := payment.OrderID(&asked, 0, now()) // past 23 h in UTC is the 17th in Paris, too
	require.NoError(t, err)
	require.Equal(t, "TS2026-20260317-00000001234-2", id)
	id, err = payment.OrderID(&asked, 2025, now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, "TS2025-20260318-00000001234-2", id, "the day is that of Paris")
	for _, customer := range []string{"", "x", "-1", "123456789012", strconv.FormatUint(math.MaxUint64, 10)} {
		asked.Customer.ID = customer
		_, err := payment.OrderID(&asked, 0, now())
		var field *systempay.FieldError
		require.ErrorAs(t, err, &field, customer)
	}
}
