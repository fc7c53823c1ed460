package payment_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reglo/reglo/activities/payment"
	"github.com/reglo/reglo/activities/postgres/pgtest"
	"github.com/reglo/reglo/domain/systempay"
)

func TestEachOutcome(t *testing.T) { //nolint:tparallel // its parts share a database, which makes each one quick
	t.Parallel()
	shared := newBench(t)
	for name, one := range map[string]struct { //nolint:paralleltest // as above
		changes      map[string]string
		outcome      systempay.Outcome
		level, class string
		state        string
		amount       int64
		reason       string
		doubt        bool
	}{
		"authorised": {nil, "ACCEPTED", "INFO", "PAID", "AUTHORISED", 20000, "authorised", false},
		"captured":   {map[string]string{"vads_trans_status": "CAPTURED"}, "ACCEPTED", "INFO", "PAID", "CAPTURED", 20000, "handed to the bank", false},
		"captured in part": {
			map[string]string{"vads_trans_status": "CAPTURED", "vads_effective_amount": "150"},
			"ACCEPTED", "INFO", "PAID", "CAPTURED", 150, "handed to the bank", false,
		},
		"given back": {
			map[string]string{"vads_operation_type": "CREDIT", "vads_trans_status": "CAPTURED", "vads_amount": "500", "vads_effective_amount": "500"},
			"ACCEPTED", "INFO", "PAID", "CAPTURED", -500, "", false,
		},
		"without a certificate": {
			map[string]string{"vads_payment_certificate": "short"}, "UNKNOWN", "WARN", "UNKNOWN", "", 20000, "certificate", false,
		},
		"refused":   {map[string]string{"vads_trans_status": "REFUSED", "vads_result": "05"}, "NOT_PAID", "NOTICE", "NOT_PAID", "NOT_PAID", 20000, "refused", false},
		"abandoned": {map[string]string{"vads_trans_status": "ABANDONED", "vads_result": "17"}, "NOT_PAID", "NOTICE", "NOT_PAID", "NOT_PAID", 20000, "abandoned", false},
		"cancelled": {map[string]string{"vads_trans_status": "CANCELLED"}, "NOT_PAID", "NOTICE", "CANCELLED", "CANCELLED", 20000, "cancelled", false},
		"expired":   {map[string]string{"vads_trans_status": "EXPIRED"}, "NOT_PAID", "NOTICE", "CANCELLED", "CANCELLED", 20000, "expired", false},
		"pending": {
			map[string]string{"vads_trans_status": "AUTHORISED_TO_VALIDATE"}, "PENDING", "NOTICE", "PENDING", "PENDING", 20000, "AUTHORISED_TO_VALIDATE", false,
		},
		"not captured": {
			map[string]string{"vads_trans_status": "CAPTURE_FAILED"}, "CAPTURE_FAILED", "ALERT", "CAPTURE_FAILED", "CAPTURE_FAILED", 20000, "bank", false,
		},
		"a card checked": {
			map[string]string{"vads_trans_status": "ACCEPTED", "vads_operation_type": "VERIFICATION", "vads_amount": "0", "vads_effective_amount": "-"},
			"NOT_PAID", "NOTICE", "CARD_CHECK", "CHECKED", 0, "verified", false,
		},
		"a field refused": {
			map[string]string{"vads_result": "30", "vads_extra_result": "09"}, "ERROR_RESULT", "ERR", "ERROR_RESULT", "", 20000, "vads_amount", false,
		},
		"failed":         {map[string]string{"vads_result": "96"}, "ERROR_RESULT", "ERR", "ERROR_RESULT", "", 20000, "failed", false},
		"unknown result": {map[string]string{"vads_result": "77"}, "ERROR_RESULT", "ERR", "ERROR_RESULT", "", 20000, "result", false},
		"unknown status": {map[string]string{"vads_trans_status": "TOMORROW"}, "UNKNOWN", "WARN", "UNKNOWN", "", 20000, "status", false},
		"unknown operation": {
			map[string]string{"vads_operation_type": "TOMORROW"}, "UNKNOWN", "WARN", "UNKNOWN", "", 20000, "operation", false,
		},
		"another amount": {
			map[string]string{"vads_amount": "19999", "vads_effective_amount": "19999"}, "MISMATCH", "WARN", "PAID", "AUTHORISED", 19999, "vads_amount", true,
		},
		"another currency": {
			map[string]string{"vads_currency": "840", "vads_effective_currency": "840"}, "MISMATCH", "WARN", "PAID", "AUTHORISED", 20000, "vads_currency", true,
		},
		"another order": {map[string]string{"vads_order_id": "OTHER"}, "MISMATCH", "WARN", "PAID", "AUTHORISED", 20000, "vads_order_id", true},
		"nobody's order": {
			map[string]string{"vads_order_id": "OTHER", "vads_trans_id": "777777"}, "MISMATCH", "WARN", "PAID", "AUTHORISED", 20000, "no form of ours", true,
		},
		"by the order alone": {
			map[string]string{"vads_trans_id": "900001"}, "ACCEPTED", "INFO", "PAID", "AUTHORISED", 20000, "", false,
		},
		"an amount that nobody can read": {
			map[string]string{"vads_effective_amount": "1e3"}, "MISMATCH", "WARN", "PAID", "AUTHORISED", 0, "vads_effective_amount", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := shared.cleared(t)
			form := b.begin("ORDER-1")
			answer := b.notify(&form, one.changes)
			require.Equal(t, http.StatusOK, answer.Status)
			require.Equal(t, string(one.outcome), answer.Text)
			require.Equal(t, one.outcome, answer.Outcome)
			require.True(t, answer.Kept)
			require.Contains(t, answer.Reason, one.reason)

			kept := b.rows("table payment_notification")
			require.Len(t, kept, 1)
			require.Equal(t, string(one.outcome), kept[0]["outcome"])
			require.Equal(t, one.level, kept[0]["level"])
			require.Equal(t, answer.Reason, kept[0]["reason"])
			require.Nil(t, kept[0]["handled_at"])
			require.Equal(t, netip.PrefixFrom(gateway(), 32), kept[0]["peer"])
			require.Equal(t, "1234", kept[0]["customer"])
			digest := sha256.Sum256(signed(told(&form, one.changes), &shops()[0], testKey))
			require.Equal(t, digest[:], kept[0]["sha256"])

			paid := b.payment()
			require.Equal(t, one.class, paid["class"])
			require.Equal(t, one.state, paid["state"])
			require.Equal(t, one.amount, paid["amount_units"])
			require.Equal(t, one.doubt, paid["doubt"] != "", paid["doubt"])
			require.Equal(t, kept[0]["payment"], paid["number"])
			require.Equal(t, "cantine", paid["shop"])
			require.Equal(t, "1234567", paid["contract"])
			require.Equal(t, "3fe2d8", paid["authorisation"])
			require.Equal(t, time.Date(2026, time.March, 17, 22, 31, 5, 0, time.UTC), paid["paid_at"].(time.Time).UTC())
		})
	}
}

func TestWhatIsRefused(t *testing.T) { //nolint:tparallel // its parts share a database, which makes each one quick
	t.Parallel()
	shared := newBench(t)
	form := shared.begin("ORDER-1")
	test, production := &shops()[0], &shops()[1]
	fields := told(&form, nil)
	good := signed(fields, test, testKey)
	for name, one := range map[string]struct { //nolint:paralleltest // as above
		shop    string
		peer    string
		body    []byte
		status  int
		outcome systempay.Outcome
		level   string
	}{
		"from a stranger":               {"cantine", "203.0.113.5", good, 403, "FORBIDDEN", "WARN"},
		"from next door":                {"cantine", "194.50.39.0", good, 403, "FORBIDDEN", "WARN"},
		"too large, and a stranger's":   {"cantine", "203.0.113.5", make([]byte, systempay.MaxBody+1), 403, "FORBIDDEN", "WARN"},
		"another shop's range":          {"cantine", "192.0.2.1", good, 403, "FORBIDDEN", "WARN"},
		"too large":                     {"cantine", "194.50.38.7", make([]byte, systempay.MaxBody+1), 400, "MALFORMED", "ERR"},
		"empty":                         {"cantine", "194.50.38.7", nil, 400, "MALFORMED", "ERR"},
		"a name twice":                  {"cantine", "194.50.38.7", append([]byte("vads_amount=1&"), good...), 400, "MALFORMED", "ERR"},
		"not UTF-8":                     {"cantine", "194.50.38.7", append([]byte("vads_x=%ff&"), good...), 400, "MALFORMED", "ERR"},
		"no form":                       {"cantine", "194.50.38.7", []byte("vads_x=%zz"), 400, "MALFORMED", "ERR"},
		"tampered":                      {"cantine", "194.50.38.7", []byte(strings.Replace(string(good), "vads_amount=20000", "vads_amount=10000", 1)), 400, "BAD_SIGNATURE", "ERR"},
		"unsigned":                      {"cantine", "194.50.38.7", []byte("vads_amount=20000"), 400, "BAD_SIGNATURE", "ERR"},
		"another key":                   {"cantine", "194.50.38.7", signed(fields, test, "0000000000000000"), 400, "BAD_SIGNATURE", "ERR"},
		"signed by the weaker way":      {"cantine", "194.50.38.7", signed(fields, &shops()[2], testKey), 400, "BAD_SIGNATURE", "ERR"},
		"a test's at a real shop":       {"cantine-prod", "194.50.38.7", good, 400, "WRONG_MODE", "ERR"},
		"a real one at a test's shop":   {"cantine", "194.50.38.7", signed(told(&form, map[string]string{"vads_ctx_mode": "PRODUCTION"}), production, productionKey), 400, "WRONG_MODE", "ERR"},
		"another shop's":                {"cantine", "194.50.38.7", signed(told(&form, map[string]string{"vads_site_id": "87654321"}), test, testKey), 400, "WRONG_SHOP", "ERR"},
		"a card's number":               {"cantine", "194.50.38.7", signed(told(&form, map[string]string{"vads_card_number": "4970100000000055"}), test, testKey), 400, "UNMASKED_CARD", "ALERT"},
		"a caller whom nobody can read": {"cantine", "", good, 403, "FORBIDDEN", "WARN"},
	} {
		t.Run(name, func(t *testing.T) {
			b := shared.cleared(t)
			var peer netip.Addr
			if one.peer != "" {
				peer = netip.MustParseAddr(one.peer)
			}
			answer, err := b.desk.Take(t.Context(), one.shop, peer, one.body)
			require.NoError(t, err)
			require.Equal(t, one.status, answer.Status)
			require.Equal(t, one.outcome, answer.Outcome)
			require.Equal(t, string(one.outcome), answer.Text)
			require.True(t, answer.Kept)
			kept := b.rows("table payment_notification")
			require.Len(t, kept, 1)
			require.Equal(t, string(one.outcome), kept[0]["outcome"])
			require.Equal(t, one.level, kept[0]["level"])
			require.Equal(t, one.shop, kept[0]["shop"])
			digest := sha256.Sum256(one.body)
			require.Equal(t, digest[:], kept[0]["sha256"])
			for _, nothing := range []string{"fields", "event_key", "payment"} {
				require.Nil(t, kept[0][nothing])
			}
			require.Empty(t, b.rows("table payment"))
			require.NotContains(t, b.everything(), "4970100000000055")
		})
	}
}

func TestNobodysShop(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	answer, err := b.desk.Take(t.Context(), "nobody", gateway(), []byte("vads_x=1"))
	require.ErrorIs(t, err, payment.ErrNoShop)
	require.Equal(t, http.StatusNotFound, answer.Status)
	require.Zero(t, b.number("select count(*) from payment_notification"))
}

func TestAStrangerFillsNoDisk(t *testing.T) {
	t.Parallel()
	pool, at := pgtest.New(t), now()
	desk := payment.New(payment.Parts{Pool: pool, Clock: func() time.Time { return at }, Shops: shops()})
	b := &bench{t: t, pool: pool, desk: desk}
	kept := 0
	send := func(shop string, peer netip.Addr) {
		answer, err := desk.Take(t.Context(), shop, peer, []byte("vads_x=1"))
		require.NoError(t, err)
		require.Contains(t, []int{http.StatusForbidden, http.StatusBadRequest}, answer.Status)
		if answer.Kept {
			kept++
		}
	}
	for range 3 * payment.MaxRefused {
		send("cantine", netip.MustParseAddr("203.0.113.5"))
	}
	require.Equal(t, payment.MaxRefused, kept)
	send("cantine", gateway()) // of another kind
	send("cantine-prod", netip.MustParseAddr("203.0.113.5"))
	require.Equal(t, payment.MaxRefused+2, kept)
	at = at.Add(time.Minute)
	send("cantine", netip.MustParseAddr("203.0.113.5"))
	require.Equal(t, payment.MaxRefused+3, kept)
	require.EqualValues(t, kept, b.number("select count(*) from payment_notification"))
}

func TestTheSameAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, nil).Outcome)
	before := b.payment()
	again := map[string]string{"vads_hash": "bb", "vads_url_check_src": "RETRY"}
	for range 3 {
		answer := b.notify(&form, again)
		require.Equal(t, http.StatusOK, answer.Status)
		require.Equal(t, systempay.OutcomeDuplicate, answer.Outcome)
	}
	kept := b.rows("table payment_notification")
	require.Len(t, kept, 1)
	require.EqualValues(t, 3, kept[0]["repeats"])
	require.NotNil(t, kept[0]["repeated_at"])
	require.Equal(t, "ACCEPTED", kept[0]["outcome"])
	require.Equal(t, before, b.payment())
}

func TestTheSameEventWithSomethingElse(t *testing.T) { //nolint:tparallel // its parts share a database, which makes each one quick
	t.Parallel()
	shared := newBench(t)
	for name, changes := range map[string]map[string]string{ //nolint:paralleltest // as above
		"another amount":            {"vads_amount": "30000"},
		"another currency":          {"vads_currency": "840"},
		"another order":             {"vads_order_id": "ORDER-2"},
		"another order, further on": {"vads_order_id": "ORDER-2", "vads_trans_status": "CAPTURED"},
	} {
		t.Run(name, func(t *testing.T) {
			b := shared.cleared(t)
			form := b.begin("ORDER-1")
			require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, nil).Outcome)
			answer := b.notify(&form, changes)
			require.Equal(t, http.StatusOK, answer.Status)
			require.Equal(t, systempay.OutcomeConflict, answer.Outcome)
			paid := b.payment()
			require.Equal(t, "AUTHORISED", paid["state"])
			require.EqualValues(t, 20000, paid["amount_units"])
			require.Equal(t, "ORDER-1", paid["order_id"])
			require.NotEmpty(t, paid["doubt"])
			require.EqualValues(t, 2, b.number("select count(*) from payment_notification"))

			require.Equal(t, systempay.OutcomeDuplicate, b.notify(&form, changes).Outcome, "a conflict is kept once")
			require.Equal(t, systempay.OutcomeDuplicate, b.notify(&form, nil).Outcome)
			require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, map[string]string{"vads_trans_status": "CAPTURED"}).Outcome,
				"a conflict does not stand in the way of what is right")
			require.Equal(t, "CAPTURED", b.payment()["state"])
			require.NotEmpty(t, b.payment()["doubt"], "and somebody is still to look")
		})
	}
}

func TestWhatCannotBothBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, map[string]string{"vads_trans_status": "CAPTURED"}).Outcome)
	require.Equal(t, systempay.OutcomeConflict, b.notify(&form, map[string]string{"vads_trans_status": "CANCELLED"}).Outcome)
	require.Equal(t, systempay.OutcomeConflict, b.notify(&form, nil).Outcome)
	paid := b.payment()
	require.Equal(t, "CONTRADICTORY", paid["state"])
	require.Equal(t, "UNKNOWN", paid["class"])
	require.NotEmpty(t, paid["doubt"])
}

func TestAnotherAmountInTheSameState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	back := map[string]string{"vads_operation_type": "CREDIT", "vads_trans_status": "CAPTURED", "vads_amount": "500", "vads_effective_amount": "500"}
	require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, back).Outcome)
	back["vads_amount"], back["vads_effective_amount"] = "700", "700"
	require.Equal(t, systempay.OutcomeMismatch, b.notify(&form, back).Outcome)
	require.EqualValues(t, -500, b.payment()["amount_units"])
	require.NotEmpty(t, b.payment()["doubt"])
}

func TestNothingOfTheBuyer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	b.notify(&form, nil)
	b.notify(&form, map[string]string{"vads_order_id": "ORDER-2"})
	everything := b.everything()
	for _, personal := range []string{"zoe@", "Zoé", "Lefèvre", "rue du Bac", "é+&="} {
		require.NotContains(t, everything, personal)
	}
	for _, kept := range []string{"497010XXXXXX0055", "vads_cust_email", "vads_a_field_of_tomorrow", certificate, "1234567"} {
		require.Contains(t, everything, kept)
	}
}

func TestShopsApart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	all := shops()
	peers := []netip.Addr{gateway(), gateway(), netip.MustParseAddr("192.0.2.9")}
	keys := []string{testKey, productionKey, testKey}
	for i := range all {
		form, err := b.desk.Begin(t.Context(), all[i].Name, order("ORDER-1"), payment.Invoice{})
		require.NoError(t, err)
		require.Equal(t, "000000", form.Expected.TransactionID, "each shop and mode has numbers of its own")
		answer, err := b.desk.Take(t.Context(), all[i].Name, peers[i], signed(told(&form, nil), &all[i], keys[i]))
		require.NoError(t, err)
		require.Equal(t, systempay.OutcomeAccepted, answer.Outcome, all[i].Name)
	}
	require.EqualValues(t, 3, b.number("select count(*) from payment where class = 'PAID' and doubt = '' and form is not null"))
}

func TestInstalments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked := order("ORDER-1")
	asked.Plan = systempay.Multi(5000, 3, 30)
	form, err := b.desk.Begin(t.Context(), "cantine", asked, payment.Invoice{})
	require.NoError(t, err)
	for sequence, amount := range map[string]string{"1": "5000", "2": "7500", "3": "7500"} {
		answer := b.notify(&form, map[string]string{
			"vads_trans_uuid": uuid[:31] + sequence, "vads_sequence_number": sequence, "vads_effective_amount": amount,
		})
		require.Equal(t, systempay.OutcomeAccepted, answer.Outcome, answer.Reason)
	}
	require.EqualValues(t, 3, b.number("select count(*) from payment"))
	require.EqualValues(t, 20000, b.number("select sum(amount_units) from payment"))
}

func TestWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	body := signed(told(&form, nil), &shops()[0], testKey)
	gone := onPool(t, pgtest.New(t))
	gone.pool.Close()
	answer, err := gone.desk.Take(t.Context(), "cantine", gateway(), body)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "Lefèvre")
	require.Equal(t, http.StatusServiceUnavailable, answer.Status)
	require.Empty(t, answer.Outcome)
	require.False(t, answer.Kept)

	answer, err = gone.desk.Take(t.Context(), "cantine", netip.MustParseAddr("203.0.113.5"), body)
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, answer.Status, "a stranger is one with or without a database")
}

func TestAnswerWithinASecond(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	form := b.begin("ORDER-1")
	require.Equal(t, systempay.OutcomePending, b.notify(&form, map[string]string{"vads_trans_status": "INITIAL"}).Outcome)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), "select from payment for update")
	require.NoError(t, err)
	began := time.Now()
	answer, err := b.desk.Take(t.Context(), "cantine", gateway(), signed(told(&form, nil), &shops()[0], testKey))
	require.Error(t, err)
	require.Less(t, time.Since(began), time.Second)
	require.Equal(t, http.StatusServiceUnavailable, answer.Status)
	require.NoError(t, tx.Rollback(t.Context()))
	require.Equal(t, systempay.OutcomeAccepted, b.notify(&form, nil).Outcome)
}
