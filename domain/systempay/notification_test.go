package systempay_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/systempay"
)

func requireRefused(t require.TestingT, body []byte, s *systempay.Shop, outcome systempay.Outcome) *systempay.Refusal {
	n, err := systempay.ParseNotification(body, s)

	var refusal *systempay.Refusal

	require.ErrorAs(t, err, &refusal)
	require.Equal(t, outcome, refusal.Outcome)
	require.NotEmpty(t, refusal.Reason)
	require.Contains(t, err.Error(), string(outcome))
	require.Nil(t, n.Fields())

	return refusal
}

func TestNotificationIsRead(t *testing.T) {
	t.Parallel()

	n := notify(t, nil)

	require.Equal(t, "cantine", n.Shop)
	require.Equal(t, "12345678", n.SiteID)
	require.Equal(t, systempay.Test, n.Mode)
	require.Equal(t, "TS2026-20260317-00000001234-2", n.OrderID)
	require.Equal(t, "1234", n.CustomerID)
	require.Equal(t, "123456", n.TransactionID)
	require.Equal(t, "0f4c5a6b7c8d4e9fa0b1c2d3e4f50617", n.TransactionUUID)
	require.Equal(t, time.Date(2026, 3, 17, 21, 30, 5, 0, time.UTC), n.At)
	require.Equal(t, 1, n.Sequence)
	require.Equal(t, systempay.Debit, n.Operation)
	require.Equal(t, systempay.StatusAuthorised, n.Status)
	require.Equal(t, "00", n.Result)
	require.Equal(t, "PAY", n.Source)
	require.Equal(t, "é+&=", n.Field("vads_a_field_of_tomorrow"))
	require.Equal(t, "Zoé", n.Field("vads_cust_first_name"))

	kept := n.Fields()
	require.NotContains(t, kept, "signature")
	require.Empty(t, kept["vads_extra_result"])
	require.Contains(t, kept, "vads_extra_result")

	kept["vads_amount"] = "1"
	require.Equal(t, "20000", n.Field("vads_amount"), "a copy")
}

func TestPairsThatSayNothingArePassedOver(t *testing.T) {
	t.Parallel()

	form := build(t, order(), shop())
	good := string(body(paid(&form, map[string]string{"vads_x": "", "vads_y": "a;b"}), shop()))

	// As browsers write and read a form: no value is an empty one, and a semicolon is a character like another.
	written := "&&" + strings.ReplaceAll(strings.ReplaceAll(good, "vads_x=&", "vads_x&&"), "%3B", ";") + "&"
	require.NotEqual(t, "&&"+good+"&", written)

	n, err := systempay.ParseNotification([]byte(written), shop())
	require.NoError(t, err)
	require.Equal(t, "a;b", n.Field("vads_y"))
	require.Contains(t, n.Fields(), "vads_x")
}

func TestNotificationWithValuesThatCannotBeReadIsStillOne(t *testing.T) {
	t.Parallel()

	n := notify(t, map[string]string{
		"vads_trans_date": "yesterday", "vads_sequence_number": "-1", "vads_operation_type": "-", "vads_trans_status": "-",
		"vads_result": "-", "vads_amount": "-", "vads_order_id": strings.Repeat("é", 400),
	})

	require.True(t, n.At.IsZero())
	require.Zero(t, n.Sequence)
	require.Equal(t, systempay.Debit, n.Operation)
	require.Equal(t, strings.Repeat("é", 127), n.OrderID)
	require.Len(t, n.Field("vads_order_id"), 800)
}

func TestMalformedBodiesAreRefused(t *testing.T) {
	t.Parallel()

	form := build(t, order(), shop())
	good := string(body(paid(&form, nil), shop()))

	for name, test := range map[string]struct{ body, field string }{
		"empty":              {"", ""},
		"a name twice":       {good + "&vads_amount=20000", "vads_amount"},
		"an encoded name":    {good + "&vads%5Famount=1", "vads_amount"},
		"signature twice":    {good + "&signature=", "signature"},
		"another name twice": {good + "&x=1&x=1", ""},
		"a strange name":     {good + "&4970100000000055=1&4970100000000055=1", ""},
		"bad percent":        {good + "&vads_x=%zz", "vads_x"},
		"a cut percent":      {good + "&vads_x=%4", "vads_x"},
		"bad percent, name":  {good + "&%zz=1", ""},
		"Latin-1":            {good + "&vads_x=%e9", "vads_x"},
		"Latin-1, name":      {good + "&vads_%e9=1", ""},
		"overlong":           {good + "&vads_x=%c0%af", "vads_x"},
		"a surrogate":        {good + "&vads_x=%ed%a0%80", "vads_x"},
		"NUL":                {good + "&vads_x=a%00b", "vads_x"},
		"NUL, raw":           {good + "&vads_x=a\x00b", "vads_x"},
		"too many fields":    {manyFields(systempay.MaxFields + 1), ""},
		"too large":          {good + "&vads_x=" + strings.Repeat("a", systempay.MaxBody), ""},
	} {
		refusal := requireRefused(t, []byte(test.body), shop(), systempay.OutcomeMalformed)
		require.Equal(t, test.field, refusal.Field, name)
	}
}

func manyFields(count int) string {
	var text strings.Builder
	for i := range count {
		_, _ = fmt.Fprintf(&text, "&vads_%d=", i)
	}

	return text.String()
}

func TestAsManyFieldsAsThereMayBeAreRead(t *testing.T) {
	t.Parallel()

	// None of them is the signature: that is what is missed once all are read.
	requireRefused(t, []byte(manyFields(systempay.MaxFields)), shop(), systempay.OutcomeBadSignature)
}

func TestBodyOfTheLargestSizeIsRead(t *testing.T) {
	t.Parallel()

	form, s := build(t, order(), shop()), shop()
	fields := paid(&form, map[string]string{"vads_x": ""})
	fields["vads_x"] = strings.Repeat("a", systempay.MaxBody-len(body(fields, s)))
	largest := body(fields, s)

	// The signature's own length in the body depends on what of it is to be encoded.
	for len(largest) > systempay.MaxBody {
		fields["vads_x"] = fields["vads_x"][1:]
		largest = body(fields, s)
	}

	_, err := systempay.ParseNotification(largest, s)
	require.NoError(t, err)
	requireRefused(t, append(largest, strings.Repeat("&", systempay.MaxBody+1-len(largest))...), s, systempay.OutcomeMalformed)
}

func TestSignatureIsVerifiedFirst(t *testing.T) {
	t.Parallel()

	form := build(t, order(), shop())
	other := shop()
	other.Keys.Test = systempay.NewKey("9999999999999999")

	for name, test := range map[string]struct {
		signed  *systempay.Shop
		changes map[string]string
	}{
		"another key":                  {other, nil},
		"another key, other site":      {other, map[string]string{"vads_site_id": "87654321"}},
		"another key, other mode":      {other, map[string]string{"vads_ctx_mode": "PRODUCTION"}},
		"another key, shows a card":    {other, map[string]string{"vads_card_number": "4970100000000055"}},
		"another key, unknown mode":    {other, map[string]string{"vads_ctx_mode": "DEMO"}},
		"another key, not any mode":    {other, map[string]string{"vads_ctx_mode": "-"}},
		"another key, error result":    {other, map[string]string{"vads_result": "30"}},
		"another key, nothing of ours": {other, map[string]string{"vads_site_id": "-", "vads_ctx_mode": "-"}},
	} {
		refusal := requireRefused(t, body(paid(&form, test.changes), test.signed), shop(), systempay.OutcomeBadSignature)
		require.Equal(t, "signature", refusal.Field, name)
	}

	unsigned := url.Values{}
	for name, value := range paid(&form, nil) {
		unsigned.Set(name, value)
	}

	requireRefused(t, []byte(unsigned.Encode()), shop(), systempay.OutcomeBadSignature)
	requireRefused(t, []byte(unsigned.Encode()+"&signature="), shop(), systempay.OutcomeBadSignature)
	requireRefused(t, []byte("vads_amount=1"), &systempay.Shop{}, systempay.OutcomeBadSignature)
	requireRefused(t, []byte("signature=x"), &systempay.Shop{}, systempay.OutcomeBadSignature)
}

func TestAlgorithmIsTheShopsAndNotTheMessages(t *testing.T) {
	t.Parallel()

	form := build(t, order(), shop())
	downgraded := shop()
	downgraded.Algorithm = systempay.SHA1

	requireRefused(t, body(paid(&form, nil), downgraded), shop(), systempay.OutcomeBadSignature)
	requireRefused(t, body(paid(&form, nil), shop()), downgraded, systempay.OutcomeBadSignature)

	_, err := systempay.ParseNotification(body(paid(&form, nil), downgraded), downgraded)
	require.NoError(t, err)
}

func TestNotificationOfAnotherShopOrModeIsRefused(t *testing.T) {
	t.Parallel()

	form := build(t, order(), shop())
	production := shop()
	production.Mode = systempay.Production

	refusal := requireRefused(t, body(paid(&form, map[string]string{"vads_site_id": "87654321"}), shop()), shop(), systempay.OutcomeWrongShop)
	require.Equal(t, "vads_site_id", refusal.Field)
	require.NotContains(t, refusal.Error(), "87654321")
	requireRefused(t, body(paid(&form, map[string]string{"vads_site_id": "-"}), shop()), shop(), systempay.OutcomeWrongShop)

	// Signed with the key of this mode, and with that of its own mode.
	for _, signed := range []*systempay.Shop{shop(), production} {
		refusal = requireRefused(t, body(paid(&form, map[string]string{"vads_ctx_mode": "PRODUCTION"}), signed), shop(),
			systempay.OutcomeWrongMode)
		require.Equal(t, "vads_ctx_mode", refusal.Field)
	}

	requireRefused(t, body(paid(&form, nil), shop()), production, systempay.OutcomeWrongMode)
	requireRefused(t, body(paid(&form, map[string]string{"vads_ctx_mode": "-"}), shop()), shop(), systempay.OutcomeWrongMode)
	// The key of the other mode signs nothing of this one.
	requireRefused(t, body(paid(&form, nil), production), shop(), systempay.OutcomeBadSignature)
}

func TestCardNumberIsKeptMaskedOnly(t *testing.T) {
	t.Parallel()

	for number, want := range map[string]string{
		"497010XXXXXX0055": "497010XXXXXX0055", "497010******0055": "497010XXXXXX0055", "49701000XXXX0055": "497010XXXXXX0055",
		"": "", "0055": "0055", "4970100055": "4970100055", "49701000055": "497010X0055", "XXXXXXXXXXXX0055": "XXXXXXXXXXXX0055",
	} {
		n := notify(t, map[string]string{"vads_card_number": number})
		require.Equal(t, want, n.Field("vads_card_number"))
	}

	require.NotContains(t, func() map[string]string {
		n := notify(t, map[string]string{"vads_card_number": "-"})

		return n.Fields()
	}(), "vads_card_number")

	form := build(t, order(), shop())

	for _, number := range []string{
		"497010000000", "4970100000000055", "4970 1000 0000 0055", "4970-1000-0000-0055", "4970.1000.0000.0055", "XX497010000000XX", "４９７０１００００００００",
		"٤٩٧٠١٠٠٠٠٠٠٠",
	} {
		refusal := requireRefused(t, body(paid(&form, map[string]string{"vads_card_number": number}), shop()), shop(),
			systempay.OutcomeUnmaskedCard)
		require.Equal(t, "vads_card_number", refusal.Field)
		require.NotContains(t, refusal.Error(), number)
		require.Equal(t, systempay.LevelAlert, refusal.Outcome.Level())
	}
}

func TestNotificationShowsNothingOfTheBuyer(t *testing.T) {
	t.Parallel()

	n := notify(t, map[string]string{"vads_card_holder_name": "Zoé Lefèvre", "vads_cust_phone": "0612345678", "vads_amount": "20000"})
	written, err := json.Marshal(map[string]any{"value": n, "pointer": &n})
	require.NoError(t, err)

	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s %q", n, n, n, n, n), fmt.Sprintf("%v %+v", &n, []any{n}), fmt.Sprint(n.Redacted()), string(written),
	} {
		for _, personal := range []string{"Zoé", "Lefèvre", "example.org", "0612345678", "0055", "customer", certificate} {
			require.NotContains(t, text, personal)
		}

		require.Contains(t, text, "AUTHORISED")
		require.Contains(t, text, "vads_card_holder_name")
	}

	require.Equal(t, "20000", n.Redacted()["vads_amount"])
	require.Equal(t, "[hidden]", n.Redacted()["vads_cust_email"])
	require.Len(t, n.Redacted(), len(n.Fields()))
}

func TestAmountsAreSignedAndInTheirCurrency(t *testing.T) {
	t.Parallel()

	type amount struct {
		units    int64
		currency string
	}

	for name, test := range map[string]struct {
		changes          map[string]string
		whole, effective amount
	}{
		"debit":  {nil, amount{20000, "978"}, amount{20000, "978"}},
		"credit": {map[string]string{"vads_operation_type": "CREDIT"}, amount{-20000, "978"}, amount{-20000, "978"}},
		"instalment": {
			map[string]string{"vads_payment_config": "MULTI:first=10000;count=4;period=30", "vads_effective_amount": "3333"},
			amount{20000, "978"}, amount{3333, "978"},
		},
		"converted": {
			map[string]string{"vads_effective_amount": "21500", "vads_effective_currency": "840"}, amount{20000, "978"}, amount{21500, "840"},
		},
		"only whole":         {map[string]string{"vads_effective_amount": ""}, amount{20000, "978"}, amount{20000, "978"}},
		"effective currency": {map[string]string{"vads_effective_currency": "-"}, amount{20000, "978"}, amount{20000, "978"}},
	} {
		n := notify(t, test.changes)

		whole, err := n.Amount()
		require.NoError(t, err, name)
		require.Equal(t, systempay.Amount{Units: test.whole.units, Currency: test.whole.currency}, whole, name)

		effective, err := n.Effective()
		require.NoError(t, err, name)
		require.Equal(t, systempay.Amount{Units: test.effective.units, Currency: test.effective.currency}, effective, name)
	}

	for _, changes := range []map[string]string{
		{"vads_effective_amount": "-1"}, {"vads_effective_amount": "1.5"}, {"vads_effective_amount": "1000000000000"},
		{"vads_effective_amount": "1e3"}, {"vads_effective_amount": "٣"}, {"vads_effective_currency": "EUR"},
		{"vads_effective_currency": "000"}, {"vads_effective_amount": "-", "vads_amount": "x"},
		{"vads_effective_amount": "-", "vads_payment_config": "MULTI:first=10000;count=4;period=30"},
		{"vads_effective_amount": "", "vads_payment_config": "MULTI_EXT:20260317=10000;20260417=10000"},
		{"vads_effective_amount": "-", "vads_currency": ""},
	} {
		n := notify(t, changes)

		var wrong *systempay.FieldError

		_, err := n.Effective()
		require.ErrorAs(t, err, &wrong, changes)
	}
}

func TestFormIsSignedReadAndVerified(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := shop()
		s.Algorithm = rapid.SampledFrom([]systempay.Algorithm{systempay.SHA1, systempay.HMACSHA256}).Draw(t, "algorithm")
		s.Mode = rapid.SampledFrom([]systempay.Mode{systempay.Test, systempay.Production}).Draw(t, "mode")

		o := order()
		o.Customer.LastName = rapid.StringMatching(`[A-Za-zéèïœ&+%=;'" ]{0,40}`).Draw(t, "name")
		form := build(t, o, s)

		values := url.Values{"signature": {form.Signature}}
		for _, field := range form.Fields {
			values.Set(field.Name, field.Value)
		}

		posted := []byte(values.Encode())
		n, err := systempay.ParseNotification(posted, s)
		require.NoError(t, err)
		require.Equal(t, o.Customer.LastName, n.Field("vads_cust_last_name"))
		require.Equal(t, o.ID, n.OrderID)

		for _, field := range form.Fields {
			require.Equal(t, field.Value, n.Field(field.Name))
		}

		// Any signed value that changes breaks it.
		field := rapid.SampledFrom(form.Fields).Draw(t, "field")
		values.Set(field.Name, field.Value+"0")
		_, err = systempay.ParseNotification([]byte(values.Encode()), s)
		require.Error(t, err)
		values.Del(field.Name)
		_, err = systempay.ParseNotification([]byte(values.Encode()), s)
		require.Error(t, err)

		// So does any field that is added.
		values.Set(field.Name, field.Value)
		values.Set("vads_added", "")
		requireRefused(t, []byte(values.Encode()), s, systempay.OutcomeBadSignature)
	})
}

func TestDigestIgnoresWhatAResendChanges(t *testing.T) {
	t.Parallel()

	one, again := notify(t, nil), notify(t, map[string]string{"vads_hash": "bb", "vads_url_check_src": "RETRY"})
	require.Equal(t, one.Digest(), again.Digest())

	for _, changes := range []map[string]string{
		{"vads_amount": "1"}, {"vads_x": ""}, {"vads_trans_status": "CAPTURED"}, {"vads_extra_result": "-"},
	} {
		other := notify(t, changes)
		require.NotEqual(t, one.Digest(), other.Digest(), changes)
	}

	// The names and the values of two messages whose text is the same all in all.
	left, right := notify(t, map[string]string{"vads_x": "vads_y", "vads_z": ""}), notify(t, map[string]string{"vads_x": "", "vads_z": "vads_y"})
	require.NotEqual(t, left.Digest(), right.Digest())
}

func FuzzParseNotification(f *testing.F) {
	form, err := systempay.BuildForm(order(), shop(), now(), "123456")
	if err != nil {
		f.Fatal(err)
	}

	good := body(paid(&form, nil), shop())
	f.Add(good, false)

	for _, seed := range []string{
		"", "&", "=", "signature=", "vads_amount=1&vads_amount=2", "vads_a=%zz", "vads_a=%e9", "vads_a=%00", "vads_trans_status=CAPTURED",
		"vads_card_number=4970100000000055", "vads_result=30&vads_extra_result=09", "vads_payment_config=MULTI%3Afirst%3D1",
		"vads_effective_amount=999999999999999999999", "vads_trans_date=20260317213005&vads_trans_id=aB1234", "a;b=c",
	} {
		f.Add([]byte(seed), true)
	}

	f.Fuzz(func(t *testing.T, text []byte, sign bool) {
		if sign { // gives the fuzzer a right signature, shop and mode, which it cannot find by itself
			text = signed(text)
		}

		s := shop()

		n, err := systempay.ParseNotification(text, s)
		if err != nil {
			var refusal *systempay.Refusal

			require.ErrorAs(t, err, &refusal)
			require.Nil(t, n.Fields())
			require.NotContains(t, refusal.Error(), "\n")

			return
		}

		// What is believed was signed: an independent reader finds the same.
		values, err := url.ParseQuery(strings.ReplaceAll(string(text), ";", "%3B"))
		require.NoError(t, err)

		fields := make(map[string]string)
		for name, each := range values {
			require.Len(t, each, 1)
			fields[name] = each[0]
		}

		require.Equal(t, systempay.Sign(fields, s.Algorithm, s.Keys.Test), fields["signature"])
		require.Equal(t, "12345678", fields["vads_site_id"])
		require.Equal(t, "TEST", fields["vads_ctx_mode"])

		kept := n.Fields()
		maps.DeleteFunc(fields, func(name, _ string) bool { return !strings.HasPrefix(name, "vads_") })
		require.Len(t, kept, len(fields))
		require.NotRegexp(t, `\d{12}`, kept["vads_card_number"])

		delete(fields, "vads_card_number")
		delete(kept, "vads_card_number")
		require.Equal(t, fields, kept)

		verdict, event := n.Judge(), n.Event()
		require.NotEmpty(t, verdict.Reason)
		require.NotEmpty(t, verdict.Outcome())
		require.LessOrEqual(t, len(event.Key), systempay.MaxReference)
		require.LessOrEqual(t, len(event.Transaction), systempay.MaxReference)

		relation, err := systempay.Compare(&event, &event)
		require.NoError(t, err)
		require.Equal(t, systempay.Duplicate, relation)

		if amount, err := n.Effective(); err == nil {
			require.LessOrEqual(t, max(amount.Units, -amount.Units), int64(systempay.MaxUnits))
		}

		if verdict.Class == systempay.ClassPaid {
			require.Equal(t, "00", kept["vads_result"])
			require.Contains(t, []string{"AUTHORISED", "CAPTURED"}, kept["vads_trans_status"])
		}

		_ = systempay.Match(&form.Expected, &n)
	})
}

func BenchmarkParseNotification(b *testing.B) {
	form, err := systempay.BuildForm(order(), shop(), now(), "123456")
	if err != nil {
		b.Fatal(err)
	}

	s, posted := shop(), body(paid(&form, nil), shop())

	b.ReportAllocs()

	for b.Loop() {
		n, err := systempay.ParseNotification(posted, s)
		if err != nil {
			b.Fatal(err)
		}

		if event := n.Event(); event.Key == "" {
			b.Fatal("no key")
		}
	}
}

// signed gives a text that may be a form a site, a mode and a signature.
func signed(text []byte) []byte {
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return text
	}

	fields := make(map[string]string)
	for name, each := range values {
		fields[name] = each[0]
	}

	fields["vads_site_id"], fields["vads_ctx_mode"] = "12345678", "TEST"
	delete(fields, "signature")

	return body(fields, shop())
}
