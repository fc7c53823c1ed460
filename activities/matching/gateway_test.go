package matching_test

import (
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	gateway "github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/domain/systempay"
)

const testKey = "1122334455667788"

// From a form by way of the gateway's notifications to the line, by each rule.
func TestWhatTheGatewayTellsIsMatched(t *testing.T) {
	t.Parallel()
	for rule, came := range map[string]line{
		"reference":   {number: 1, cents: 1999, reference: uuid1},
		"order":       {number: 1, cents: 1999, label: "VENTE TS2026-20260319-00000000007-1"},
		"amount-date": {number: 1, cents: 1999, day: 20},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			shop := systempay.Shop{
				Name: boutique, SiteID: "12345678", Mode: systempay.Test, Algorithm: systempay.HMACSHA256,
				Keys: systempay.Keys{Test: systempay.NewKey(testKey)},
			}
			desk := gateway.New(gateway.Parts{Pool: w.pool, Clock: now, Shops: []systempay.Shop{shop}})
			form, err := desk.Begin(t.Context(), boutique, systempay.Order{
				ID: "TS2026-20260319-00000000007-1", Amount: decimal.RequireFromString("19.99"), Currency: "EUR",
				Customer: systempay.Customer{ID: "7"}, Products: []string{"E1"},
			}, gateway.Invoice{})
			require.NoError(t, err)
			w.line(t, came)
			require.Zero(t, w.match(t).Matched, "nothing is told yet")

			tell := func(status string) {
				fields := map[string]string{
					"vads_trans_uuid": uuid1, "vads_trans_status": status, "vads_result": "00", "vads_operation_type": "DEBIT",
					"vads_sequence_number": "1", "vads_payment_certificate": "0123456789abcdef0123456789abcdef01234567",
					"vads_contract_used": contract1, "vads_auth_number": "3fe2d8", "vads_effective_creation_date": "20260319093000",
					"vads_effective_amount": "1999", "vads_effective_currency": "978",
				}
				told := make(map[string]string)
				for _, field := range form.Fields {
					told[field.Name] = field.Value
				}
				maps.Copy(told, fields)
				body := url.Values{"signature": {systempay.Sign(told, shop.Algorithm, systempay.NewKey(testKey))}}
				for name, value := range told {
					body.Set(name, value)
				}
				answer, err := desk.Take(t.Context(), boutique, netip.MustParseAddr("194.50.38.7"), []byte(body.Encode()))
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, answer.Status)
			}
			tell("AUTHORISED")
			w.line(t, line{number: 2, cents: 1999, day: 1, contract: contract2})
			require.Equal(t, 1, w.match(t).Matched)
			require.Equal(t, []string{"1 1 " + rule}, w.matches(t))
			require.Equal(t, []string{"0"}, w.texts(t, `select count(*)::text from payment_notification where handled_at is null`))

			tell("CAPTURED")
			require.Equal(t, []string{"1"}, w.texts(t, `select count(*)::text from payment_notification where handled_at is null`))
			require.Zero(t, w.match(t).Matched)
			require.Equal(t, []string{"CAPTURED true " + now().Format(time.DateOnly)}, w.texts(t, `
				select p.state || ' ' || p.matched || ' ' || (n.handled_at at time zone 'UTC')::date
				from payment p join payment_notification n on n.payment = p.number order by n.number desc limit 1`))
		})
	}
}
