package payment_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/systempay"
)

const (
	testKey       = "1122334455667788"
	productionKey = "8877665544332211"
	certificate   = "0123456789abcdef0123456789abcdef01234567"
	uuid          = "0f4c5a6b7c8d4e9fa0b1c2d3e4f50617"
)

func now() time.Time { return time.Date(2026, time.March, 17, 22, 30, 5, 0, time.UTC) }

// gateway is an address from which SystemPay calls.
func gateway() netip.Addr { return netip.MustParseAddr("194.50.38.7") }

// shops are one in each mode, and one that signs the old way.
func shops() []systempay.Shop {
	keys := systempay.Keys{Test: systempay.NewKey(testKey), Production: systempay.NewKey(productionKey)}
	return []systempay.Shop{
		{Name: "cantine", SiteID: "12345678", Mode: systempay.Test, Algorithm: systempay.HMACSHA256, Keys: keys},
		{Name: "cantine-prod", SiteID: "12345678", Mode: systempay.Production, Algorithm: systempay.HMACSHA256, Keys: keys},
		{
			Name: "garderie", SiteID: "87654321", Mode: systempay.Test, Algorithm: systempay.SHA1,
			Keys: systempay.Keys{Test: systempay.NewKey(testKey)}, Ranges: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		},
	}
}

func order(id string) systempay.Order {
	return systempay.Order{
		ID: id, Amount: decimal.RequireFromString("200"), Currency: "EUR",
		Customer: systempay.Customer{ID: "1234", Email: "zoe@example.org", FirstName: "Zoé", LastName: "Lefèvre"},
		Products: []string{"E1", "E2"},
	}
}

// bench is a desk on a database of the test's own.
type bench struct {
	t    testing.TB
	pool *pgxpool.Pool
	desk *payment.Desk
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return onPool(t, pgtest.New(t))
}

func onPool(t testing.TB, pool *pgxpool.Pool) *bench {
	t.Helper()
	return &bench{t: t, pool: pool, desk: payment.New(payment.Parts{Pool: pool, Clock: now, Shops: shops()})}
}

// cleared is a desk that has seen nothing, on the same database.
func (b *bench) cleared(t testing.TB) *bench {
	t.Helper()
	for _, table := range []string{"payment_notification", "payment", "payment_form", "payment_counter"} {
		_, err := b.pool.Exec(t.Context(), "delete from "+table)
		require.NoError(t, err)
	}
	return onPool(t, b.pool)
}

// begin makes a form of the shop cantine.
func (b *bench) begin(id string) payment.Form {
	b.t.Helper()
	form, err := b.desk.Begin(b.t.Context(), "cantine", order(id), payment.Invoice{})
	require.NoError(b.t, err)
	return form
}

// told are the fields of a notification that answers a form, after some of them are
// set; "-" takes one out.
func told(form *payment.Form, changes map[string]string) map[string]string {
	fields := map[string]string{
		"vads_trans_uuid": uuid, "vads_trans_status": "AUTHORISED", "vads_result": "00",
		"vads_extra_result": "", "vads_auth_result": "00", "vads_operation_type": "DEBIT", "vads_sequence_number": "1",
		"vads_payment_certificate": certificate, "vads_card_number": "497010XXXXXX0055", "vads_card_brand": "CB",
		"vads_url_check_src": "PAY", "vads_hash": "aa", "vads_a_field_of_tomorrow": "é+&=", "vads_contract_used": "1234567",
		"vads_auth_number": "3fe2d8", "vads_effective_creation_date": "20260317223105", "vads_cust_address": "1 rue du Bac",
		"vads_effective_amount": "20000", "vads_effective_currency": "978",
	}
	for _, field := range form.Fields {
		fields[field.Name] = field.Value
	}
	maps.Copy(fields, changes)
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "-" })
	return fields
}

// signed is the body of a message, as a shop's gateway signs it.
func signed(fields map[string]string, shop *systempay.Shop, key string) []byte {
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, value)
	}
	values.Set("signature", systempay.Sign(fields, shop.Algorithm, systempay.NewKey(key)))
	return []byte(values.Encode())
}

// notify has the shop cantine told.
func (b *bench) notify(form *payment.Form, changes map[string]string) payment.Answer {
	b.t.Helper()
	answer, err := b.desk.Take(b.t.Context(), "cantine", gateway(), signed(told(form, changes), &shops()[0], testKey))
	require.NoError(b.t, err)
	return answer
}

// row is a line of a table.
type row map[string]any

// rows reads what a query gives.
func (b *bench) rows(query string, arguments ...any) []row {
	b.t.Helper()
	result, err := b.pool.Query(context.WithoutCancel(b.t.Context()), query, arguments...)
	require.NoError(b.t, err)
	found, err := pgx.CollectRows(result, pgx.RowToMap)
	require.NoError(b.t, err)
	rows := make([]row, 0, len(found))
	for _, one := range found {
		rows = append(rows, one)
	}
	return rows
}

// number is what a query counts.
func (b *bench) number(query string, arguments ...any) int64 {
	b.t.Helper()
	var n int64
	require.NoError(b.t, b.pool.QueryRow(context.WithoutCancel(b.t.Context()), query, arguments...).Scan(&n))
	return n
}

// payment is the only one.
func (b *bench) payment() row {
	b.t.Helper()
	found := b.rows("table payment")
	require.Len(b.t, found, 1)
	return found[0]
}

// everything is all that the tables hold, as text.
func (b *bench) everything() string {
	b.t.Helper()
	return fmt.Sprint(
		b.rows("table payment"), b.rows("table payment_notification"), b.rows("select fields::text from payment_notification"),
		b.rows("table payment_form"),
	)
}
