package systempay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/domain/systempay"
)

const (
	site = "12345678:TEST:"
	uuid = "0f4c5a6b7c8d4e9fa0b1c2d3e4f50617"
)

func event(t *testing.T, changes map[string]string) systempay.Event {
	t.Helper()

	n := notify(t, changes)

	return n.Event()
}

func TestKeys(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		changes          map[string]string
		transaction, key string
	}{
		"by UUID": {nil, site + uuid, site + uuid + ":AUTHORISED:20000"},
		"effective amount": {
			map[string]string{"vads_effective_amount": "03333"}, site + uuid, site + uuid + ":AUTHORISED:3333",
		},
		"amount": {map[string]string{"vads_effective_amount": "-"}, site + uuid, site + uuid + ":AUTHORISED:20000"},
		"composed": {
			map[string]string{"vads_trans_uuid": "-", "vads_trans_id": "aB34c6"},
			site + "20260317:ab34c6:1:DEBIT", site + "20260317:ab34c6:1:DEBIT:AUTHORISED:20000",
		},
		"composed, of an instalment": {
			map[string]string{"vads_trans_uuid": "", "vads_sequence_number": "02"},
			site + "20260317:123456:2:DEBIT", site + "20260317:123456:2:DEBIT:AUTHORISED:20000",
		},
		"composed, of a credit": {
			map[string]string{"vads_trans_uuid": "", "vads_operation_type": "CREDIT", "vads_sequence_number": "-"},
			site + "20260317:123456::CREDIT", site + "20260317:123456::CREDIT:AUTHORISED:20000",
		},
	} {
		e := event(t, test.changes)
		require.Equal(t, test.transaction, e.Transaction, name)
		require.Equal(t, test.key, e.Key, name)
	}
}

func TestMessageThatNamesNoTransactionHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()

	for _, changes := range []map[string]string{
		{"vads_trans_uuid": "-", "vads_trans_id": "-"}, {"vads_trans_uuid": "-", "vads_trans_date": "x"},
		{"vads_trans_uuid": "-", "vads_trans_id": "a:b"}, {"vads_trans_uuid": "a:b", "vads_trans_id": "-"},
		{"vads_trans_uuid": strings.Repeat("a", 300), "vads_trans_date": "-"}, {"vads_trans_uuid": "", "vads_operation_type": "a:b"},
	} {
		e := event(t, changes)
		require.Regexp(t, `^12345678:TEST:sha256:[0-9a-f]{64}$`, e.Transaction)

		changes["vads_hash"] = "another"
		require.Equal(t, e, event(t, changes))

		changes["vads_amount"] = "1"
		require.NotEqual(t, e.Transaction, event(t, changes).Transaction)
	}

	e := event(t, map[string]string{"vads_trans_status": "A:B"})
	require.Equal(t, site+uuid, e.Transaction)
	require.Regexp(t, `^12345678:TEST:sha256:[0-9a-f]{64}$`, e.Key)
}

func TestCompare(t *testing.T) {
	t.Parallel()

	stored := event(t, nil)

	for name, test := range map[string]struct {
		changes  map[string]string
		relation systempay.Relation
		fields   []string
	}{
		"resent": {
			map[string]string{"vads_hash": "x", "vads_url_check_src": "RETRY", "vads_payment_certificate": "x"}, systempay.Duplicate, nil,
		},
		"further":              {map[string]string{"vads_trans_status": "CAPTURED"}, systempay.Following, nil},
		"another amount":       {map[string]string{"vads_effective_amount": "100"}, systempay.Following, nil},
		"amended":              {map[string]string{"vads_effective_amount": "100", "vads_amount": "100"}, systempay.Following, nil},
		"another transaction":  {map[string]string{"vads_trans_uuid": "ff", "vads_order_id": "x"}, systempay.Unrelated, nil},
		"conflict of amount":   {map[string]string{"vads_amount": "1"}, systempay.Duplicate, []string{"vads_amount"}},
		"conflict of currency": {map[string]string{"vads_currency": "840"}, systempay.Duplicate, []string{"vads_currency"}},
		"conflict of effective currency": {
			map[string]string{"vads_effective_currency": "840"}, systempay.Duplicate, []string{"vads_effective_currency"},
		},
		"conflict of all": {
			map[string]string{"vads_order_id": "x", "vads_currency": "840", "vads_amount": "1"}, systempay.Duplicate,
			[]string{"vads_order_id", "vads_currency", "vads_amount"},
		},
		"later with another order": {
			map[string]string{"vads_trans_status": "CAPTURED", "vads_order_id": "x"}, systempay.Following, []string{"vads_order_id"},
		},
	} {
		incoming := event(t, test.changes)

		relation, err := systempay.Compare(&stored, &incoming)
		require.Equal(t, test.relation, relation, name)

		if test.fields == nil {
			require.NoError(t, err, name)

			continue
		}

		var conflict *systempay.ConflictError

		require.ErrorAs(t, err, &conflict, name)
		require.Equal(t, test.fields, conflict.Fields, name)
		require.Contains(t, err.Error(), conflict.Key)
	}
}
