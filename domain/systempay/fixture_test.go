package systempay_test

import (
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/systempay"
)

const (
	testKey       = "1122334455667788"
	productionKey = "8877665544332211"
	certificate   = "0123456789abcdef0123456789abcdef01234567"
)

func now() time.Time { return time.Date(2026, 3, 17, 23, 30, 5, 999, time.FixedZone("", 2*60*60)) } // 21:30:05 in UTC

// shop is one with all that a page can have.
func shop() *systempay.Shop {
	return &systempay.Shop{
		Name: "cantine", SiteID: "12345678", Mode: systempay.Test, Algorithm: systempay.HMACSHA256,
		Keys: systempay.Keys{Test: systempay.NewKey(testKey), Production: systempay.NewKey(productionKey)},
		Page: systempay.Page{
			CaptureDelay: 2, Validation: systempay.Automatic, Theme: "SIMPLIFIED_DISPLAY=true",
			Success: "https://shop.example/ok", Refused: "https://shop.example/refused", Cancel: "https://shop.example/cancel",
			Error: "https://shop.example/error", Check: "https://pay.example/ipn/systempay/cantine",
			AfterSuccess: systempay.Return{Seconds: 5, Message: "Merci, à bientôt"},
			AfterError:   systempay.Return{Seconds: 0, Message: "Échec"},
		},
	}
}

func order() *systempay.Order {
	return &systempay.Order{
		ID: "TS2026-20260317-00000001234-2", Amount: decimal.RequireFromString("200"), Currency: "EUR",
		Customer: systempay.Customer{ID: "1234", Email: "zoe@example.org", FirstName: "Zoé", LastName: "Lefèvre"},
		Products: []string{"E1", "E2"},
	}
}

func build(t require.TestingT, o *systempay.Order, s *systempay.Shop) systempay.Form {
	form, err := systempay.BuildForm(o, s, now(), "123456")
	require.NoError(t, err)

	return form
}

// paid are the fields of a notification that answers the form of that order, after some of them are set; "-" takes one out.
func paid(form *systempay.Form, changes map[string]string) map[string]string {
	fields := map[string]string{
		"vads_trans_uuid": "0F4C5A6B7C8D4E9FA0B1C2D3E4F50617", "vads_trans_status": "AUTHORISED", "vads_result": "00",
		"vads_extra_result": "", "vads_auth_result": "00", "vads_operation_type": "DEBIT", "vads_sequence_number": "1",
		"vads_payment_certificate": certificate, "vads_card_number": "497010XXXXXX0055", "vads_card_brand": "CB",
		"vads_url_check_src": "PAY", "vads_hash": "aa", "vads_a_field_of_tomorrow": "é+&=",
		"vads_effective_amount": "20000", "vads_effective_currency": "978",
	}
	for _, field := range form.Fields {
		fields[field.Name] = field.Value
	}

	maps.Copy(fields, changes)
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "-" })

	return fields
}

// body signs the fields for a shop and writes them as a form.
func body(fields map[string]string, s *systempay.Shop) []byte {
	key := s.Keys.Test
	if s.Mode == systempay.Production {
		key = s.Keys.Production
	}

	values := url.Values{"signature": {systempay.Sign(fields, s.Algorithm, key)}}
	for name, value := range fields {
		values.Set(name, value)
	}

	return []byte(values.Encode())
}

// notify is the notification that these changes to a paid one make.
func notify(t require.TestingT, changes map[string]string) systempay.Notification {
	form := build(t, order(), shop())

	n, err := systempay.ParseNotification(body(paid(&form, changes), shop()), shop())
	require.NoError(t, err)

	return n
}

func requireField(t *testing.T, err error, field string) {
	t.Helper()

	var wrong *systempay.FieldError

	require.ErrorAs(t, err, &wrong)
	require.Equal(t, field, wrong.Field)
	require.NotEmpty(t, wrong.Reason)
	require.Contains(t, err.Error(), field)
}

func decimalText(units int64) string { return decimal.NewFromInt(units).String() }
