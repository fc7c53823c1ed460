package ogep_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
	ogepschema "github.com/reglo/reglo/schemas/ogep"
)

const correlationID = "7806ac5e-dfa2-11e9-81fa-7c2a3123212b"

func stamp() ogep.Stamp {
	return ogep.Stamp{
		Environment: 'I', Node: 1, CorrelationID: correlationID,
		Instant: time.Date(2019, time.September, 25, 14, 40, 53, 626000000, time.UTC), Sequence: 5,
	}
}

func schemas(t *testing.T) *ogepschema.Validator {
	t.Helper()

	validator, err := ogepschema.Compile()
	require.NoError(t, err)

	return validator
}

func TestWhatIsWrittenIsValidAndReadBack(t *testing.T) {
	t.Parallel()

	validator := schemas(t)

	for _, eventType := range ogep.Types() {
		t.Run(string(eventType), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				origin, body := genStamp().Draw(t, "stamp"), drawBody(t, eventType)

				frame, err := ogep.Append([]byte("before"), origin, body)
				require.NoError(t, err)

				frame, found := bytes.CutPrefix(frame, []byte("before"))
				require.True(t, found)
				require.NoError(t, validator.Validate(frame))
				require.Equal(t, frame, ogep.AppendFrame(nil, origin, eventType, body.AppendParams(nil)))

				event, err := ogep.Parse(frame)
				require.NoError(t, err)
				require.Empty(t, event.Warnings)
				require.False(t, event.Repaired)
				require.Equal(t, ogep.Source, event.Source)
				require.Equal(t, origin.UID(), event.UID)
				require.Equal(t, origin.CorrelationID, event.CorrelationID)
				require.Equal(t, origin.Instant, event.Timestamp)
				require.Equal(t, eventType, event.Type)

				read, err := event.Body()
				require.NoError(t, err)
				require.Equal(t, body, read)
			})
		})
	}
}

func TestUID(t *testing.T) {
	t.Parallel()

	require.Equal(t, "I190925T144053626S00000501", stamp().UID())

	rapid.Check(t, func(t *rapid.T) {
		origin := genStamp().Draw(t, "stamp")

		uid := origin.UID()
		require.Len(t, uid, ogep.UIDLength)
		require.Regexp(t, `^[IRP]\d{6}T\d{9}S\d{8}$`, uid)

		instant, err := time.Parse("20060102T150405.000", "20"+uid[1:14]+"."+uid[14:17])
		require.NoError(t, err)
		require.True(t, origin.Instant.Equal(instant))
	})
}

func TestTimestampsFollowParis(t *testing.T) {
	t.Parallel()

	for instant, want := range map[string]string{
		"2024-03-31T00:59:59.999Z": "2024-03-31T01:59:59.999+0100",
		"2024-03-31T01:00:00.000Z": "2024-03-31T03:00:00.000+0200",
		"2024-10-27T00:59:59.999Z": "2024-10-27T02:59:59.999+0200",
		"2024-10-27T01:00:00.000Z": "2024-10-27T02:00:00.000+0100",
		"2023-12-31T23:00:00.123Z": "2024-01-01T00:00:00.123+0100",
	} {
		at, err := time.Parse(time.RFC3339, instant)
		require.NoError(t, err)

		origin := stamp()
		origin.Instant = at
		require.Contains(t, string(ogep.AppendFrame(nil, origin, "x", []byte("[]"))), `"timestamp":"`+want+`"`)
	}
}

func TestRendererWritesWhatAppendWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		origin := genStamp().Draw(t, "stamp")

		renderer, err := ogep.NewTransactionRenderer(origin)
		require.NoError(t, err)

		// Several events, so that what the renderer remembers of one is tried on the next.
		for range rapid.IntRange(1, 5).Draw(t, "events") {
			origin.Sequence = rapid.IntRange(0, ogep.MaxSequence).Draw(t, "sequence")
			body := ogep.CreateAccountTransaction{
				AccountID: genPaymentAccount().Draw(t, "account"), Transaction: genAccountTransaction().Draw(t, "transaction"),
			}

			want, err := ogep.Append(nil, origin, body)
			require.NoError(t, err)

			got := renderer.Append(nil, origin.Sequence, []byte(body.AccountID), []byte(body.Transaction.Label),
				body.Transaction.Amount, body.Transaction.TransactionAt, body.Transaction.ValueAt)
			require.Equal(t, string(want), string(got))
		}
	})
}

func TestRendererAgreesWithTheTimePackage(t *testing.T) {
	t.Parallel()

	renderer, err := ogep.NewTransactionRenderer(stamp())
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		// Around a change to summer time, where offset and day change under the renderer's feet.
		change := time.Date(2024, time.March, 31, 1, 0, 0, 0, time.UTC).UnixMilli()
		at := time.UnixMilli(change + rapid.Int64Range(-200_000_000, 200_000_000).Draw(t, "ms"))

		frame := renderer.Append(nil, 1, []byte("1A17660007"), []byte("x"), 1, at, at)
		want := at.In(calendar.Paris()).Format("2006-01-02T15:04:05.000-0700")
		require.Contains(t, string(frame), `"transactionDate":"`+want+`","valueDate":"`+want+`"`)
	})
}

func TestStringsAreWhatEncodingJSONReads(t *testing.T) {
	t.Parallel()

	for label, want := range map[string]string{
		"<a> & 'b'":        `"<a> & 'b'"`, // no HTML escaping
		"Transfert CP à €": `"Transfert CP à €"`,
		"a\"b\\c":          `"a\"b\\c"`,
		"\b\f\n\r\t\x00":   `"\b\f\n\r\t\u0000"`,
		"\x1f\x7f\u2028":   "\"\\u001f\x7f\u2028\"",
		"bad \xff utf-8":   "\"bad \ufffd utf-8\"",
		"cut \xe2\x82":     "\"cut \ufffd\ufffd\"",
		"😀":                `"😀"`,
	} {
		frame := ogep.AppendFrame(nil, stamp(), ogep.TypeCreateAccountTransaction, ogep.CreateAccountTransaction{
			Transaction: ogep.AccountTransaction{Label: label},
		}.AppendParams(nil))
		require.Contains(t, string(frame), `{"label":`+want+`,`)
	}

	rapid.Check(t, func(t *rapid.T) {
		label := rapid.SliceOf(rapid.Byte()).Draw(t, "label")
		params := ogep.CreateAccountTransaction{Transaction: ogep.AccountTransaction{Label: string(label)}}.AppendParams(nil)
		require.True(t, utf8.Valid(params))

		var decoded []struct {
			Value any `json:"value"`
		}

		require.NoError(t, json.Unmarshal(params, &decoded))

		encoded, err := json.Marshal(string(label))
		require.NoError(t, err)

		var want string
		require.NoError(t, json.Unmarshal(encoded, &want))

		transaction, isObject := decoded[1].Value.(map[string]any)
		require.True(t, isObject)
		require.Equal(t, want, transaction["label"])
	})
}

func TestEndWithErrorIsWrittenWhateverWentWrong(t *testing.T) {
	t.Parallel()

	body := ogep.EndWithError{
		Kind: vacation.Technique, Code: "CODE", Step: "step", Message: "\xff" + strings.Repeat("é", 3*ogep.MaxErrorMessageRunes),
	}

	frame, err := ogep.Append(nil, stamp(), body)
	require.NoError(t, err)
	require.NoError(t, schemas(t).Validate(frame))

	event, err := ogep.Parse(frame)
	require.NoError(t, err)

	read, err := event.Body()
	require.NoError(t, err)
	require.Equal(t, "\ufffd"+strings.Repeat("é", ogep.MaxErrorMessageRunes-1), as[ogep.EndWithError](t, read).Message)
}

func TestStampsThatMayNotBeWritten(t *testing.T) {
	t.Parallel()

	for field, spoil := range map[string]func(*ogep.Stamp){
		"environment": func(s *ogep.Stamp) { s.Environment = 'X' },
		"node":        func(s *ogep.Stamp) { s.Node = 100 },
		"sequence":    func(s *ogep.Stamp) { s.Sequence = 1_000_000 },
		"instant":     func(s *ogep.Stamp) { s.Instant = time.Time{} },
	} {
		origin := stamp()
		spoil(&origin)
		requireRefused(t, origin.Validate(), "stamp", field)
	}

	for _, id := range []string{
		"", "x", strings.ToUpper(correlationID), "7806ac5e-dfa2-41e9-81fa-7c2a3123212b", "7806ac5e-dfa2-11e9-01fa-7c2a3123212b",
		strings.ReplaceAll(correlationID, "-", ""), strings.Replace(correlationID, "a", "g", 1),
	} {
		origin := stamp()
		origin.CorrelationID = id
		requireRefused(t, origin.Validate(), "stamp", "correlationId")

		_, err := ogep.NewTransactionRenderer(origin)
		require.Error(t, err)
	}
}

func requireRefused(t *testing.T, err error, subject, field string) {
	t.Helper()

	var refused *ogep.ValidationError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, subject, refused.Subject)
	require.Equal(t, field, refused.Field)
	require.NotEmpty(t, refused.Reason)
}

func exampleOrder(t *testing.T) ogep.Order {
	t.Helper()

	echeance, err := calendar.ParseDate("2024-03-28")
	require.NoError(t, err)

	return ogep.Order{
		RefExterne: "ref", OrderType: "V", CreditorName: "Ext", CreditorBIC: "SOGEFRPPXXX", CreditorIBAN: "FR7617028922820289045644093",
		DebtorName: "Debtor", DebtorBIC: "CMBRFR2B", DebtorIBAN: "FR7617028922820289045644093", Amount: 731, DeviseID: "EUR",
		Ccy: "EUR", BankID: "999999", OrderFormat: "PAIN.001.001.03", Echeance: echeance, Info: "COMCO   CB15:27:11",
		BulkID: "cb511424-3159-11ea-b6f8-7c2a3123212b",
	}
}

func TestOrdersThatMayNotBeTransferred(t *testing.T) {
	t.Parallel()
	require.NoError(t, ogep.CreateTransfer{Orders: []ogep.Order{exampleOrder(t)}}.Validate())

	for field, spoil := range map[string]func(*ogep.Order){
		"refExterne":   func(o *ogep.Order) { o.RefExterne = "" },
		"orderType":    func(o *ogep.Order) { o.OrderType = "P" },
		"creditorName": func(o *ogep.Order) { o.CreditorName = "bad \xff" },
		"creditorBic":  func(o *ogep.Order) { o.CreditorBIC = "SOGEFRPPX" },
		"creditorIban": func(o *ogep.Order) { o.CreditorIBAN = "FR76 1702 8922 8202 8904 5644 093" },
		"debtorName":   func(o *ogep.Order) { o.DebtorName = "" },
		"debtorBic":    func(o *ogep.Order) { o.DebtorBIC = "cmbrfr2b" },
		"debtorIban":   func(o *ogep.Order) { o.DebtorIBAN = "" },
		"amount":       func(o *ogep.Order) { o.Amount = 0 },
		"deviseId":     func(o *ogep.Order) { o.DeviseID = "USD" },
		"ccy":          func(o *ogep.Order) { o.Ccy = "" },
		"bankId":       func(o *ogep.Order) { o.BankID = "" },
		"orderFormat":  func(o *ogep.Order) { o.OrderFormat = "PAIN.002.001.03" },
		"echeance":     func(o *ogep.Order) { o.Echeance = o.Echeance.AddDays(1) }, // Good Friday
		"info":         func(o *ogep.Order) { o.Info = strings.Repeat("é", ogep.MaxTextRunes+1) },
		"bulkId":       func(o *ogep.Order) { o.BulkID = "" },
	} {
		order := exampleOrder(t)
		spoil(&order)

		err := ogep.CreateTransfer{Orders: []ogep.Order{exampleOrder(t), order}}.Validate()
		requireRefused(t, err, "create-transfer", "orders[1]."+field)
		require.NotContains(t, err.Error(), order.CreditorIBAN)
	}
}

func TestBodiesThatMayNotBeWritten(t *testing.T) {
	t.Parallel()

	at := stamp().Instant
	order, bulk := exampleOrder(t), exampleOrder(t)
	order.BulkID = ""
	earlier := at.Add(-time.Hour)

	type row struct {
		body  ogep.Body
		field string
	}

	rows := []row{
		{ogep.Start{Kind: vacation.ReglementTransactions}, "kind"},
		{ogep.Start{Kind: "vacation-x"}, "kind"},
		{ogep.StartReglement{Kind: vacation.Technique}, "kind"},
		{ogep.StartReglement{Kind: vacation.ReglementImpayes, File: "f"}, "globalTransaction.id"},
		{ogep.End{}, "kind"},
		{ogep.EndWithError{Kind: vacation.Creances, Step: "s"}, "error.code"},
		{ogep.EndWithError{Kind: vacation.Creances, Code: "c"}, "error.step"},
		{ogep.GetAccountBalance{AccountID: "a b"}, "accountId"},
		{ogep.GetAccountBalance{AccountID: "BK-REG", Balance: money.Max + 1}, "balance"},
		{ogep.GetAccountTransactions{AccountID: "x", Transactions: make([]ogep.BankTransaction, 1)}, "transactions[0].id"},
		{ogep.CreateAccountTransaction{AccountID: "BK-REG"}, "accountId"},
		{ogep.CreateAccountTransaction{AccountID: "1A1766000"}, "accountId"},
		{ogep.CreateAccountTransaction{AccountID: "1a17660007"}, "accountId"},
		{ogep.CreateAccountTransaction{
			AccountID: "1A17660007", Transaction: ogep.AccountTransaction{TransactionAt: at, ValueAt: at},
		}, "transaction.label"},
		{ogep.CreateTransfer{}, "orders"},
		{ogep.ValidateCashout{Decision: ogep.Validated, Validator: "AUTO"}, "orders"},
		{ogep.ValidateCashout{
			Orders: []ogep.Order{order}, Total: order.Amount + 1, Decision: ogep.Validated, Validator: "AUTO",
		}, "totalAmount"},
		{ogep.ValidateCashout{Orders: []ogep.Order{order}, Total: order.Amount, Decision: "YES", Validator: "AUTO"}, "decision"},
		{ogep.ValidateCashout{Orders: []ogep.Order{order}, Total: order.Amount, Decision: ogep.Validated}, "validator"},
		{ogep.ValidateCashout{
			Orders: []ogep.Order{order}, Total: order.Amount, Decision: ogep.Refused, Validator: "u",
		}, "reason"},
		{ogep.ValidateCashout{
			Orders: []ogep.Order{order}, Total: order.Amount, Decision: ogep.Validated, Validator: "u", Reason: "r",
		}, "reason"},
		{ogep.RegisterDebt{Debt: ogep.MerchantDebt{Siret: "123", Initial: 1, CreatedAt: at}}, "merchant-debt.siret"},
		{ogep.RegisterDebt{Debt: ogep.MerchantDebt{Siret: "05009403605518", CreatedAt: at}}, "merchant-debt.initialAmount"},
		{ogep.RegisterDebt{Debt: ogep.MerchantDebt{
			Siret: "05009403605518", Initial: 1, Remaining: 2, CreatedAt: at,
		}}, "merchant-debt.remainingAmount"},
		{ogep.RegisterDebt{Debt: ogep.MerchantDebt{
			Siret: "05009403605518", Initial: 1, CreatedAt: at, ModifiedAt: &earlier,
		}}, "merchant-debt.modificationDate"},
		{ogep.CreateRejectedAccountTransaction{
			OperationCode: "o", Transaction: ogep.AccountTransaction{TransactionAt: at, ValueAt: at}, RejectCode: "AM2",
		}, "rejectCode"},
		{ogep.CreateValidatedOrder{Orders: []ogep.Order{bulk}, EndToEndID: "2103150015038811", AccountID: "x"}, "orders[0].bulkId"},
		{ogep.CreateValidatedOrder{Orders: []ogep.Order{order}, EndToEndID: "21031500150388", AccountID: "x"}, "endToEndId"},
		{ogep.CreateRejectedOrder{Orders: []ogep.Order{bulk}, RejectCode: "AG01"}, "orders[0].bulkId"},
		{ogep.CreateRejectedOrder{RejectCode: "AG01"}, "orders"},
	}
	for _, row := range rows {
		requireRefused(t, row.body.Validate(), string(row.body.Type()), row.field)

		out, err := ogep.Append([]byte("kept"), stamp(), row.body)
		require.Error(t, err)
		require.Equal(t, "kept", string(out))
	}
}

func TestFramesTooLargeAreNotWritten(t *testing.T) {
	t.Parallel()

	order := exampleOrder(t)
	order.Info = strings.Repeat("x", ogep.MaxTextRunes)
	orders := make([]ogep.Order, ogep.MaxFrameBytes/600)

	for n := range orders {
		orders[n] = order
	}

	out, err := ogep.Append([]byte("kept"), stamp(), ogep.CreateTransfer{Orders: orders})
	require.ErrorIs(t, err, ogep.ErrFrameTooLarge)
	require.Equal(t, "kept", string(out))
}

func TestRendererDoesNotAllocate(t *testing.T) {
	renderer, err := ogep.NewTransactionRenderer(stamp())
	require.NoError(t, err)

	buffer, at := make([]byte, 0, 1024), stamp().Instant
	account, label := []byte("1A17660007"), []byte("RBCRR      CB10:25:55C1234567121119")

	require.Zero(t, testing.AllocsPerRun(1000, func() {
		at = at.Add(11 * time.Hour) // each time another day or offset
		buffer = renderer.Append(buffer[:0], 1, account, label, 1011, at, at)
	}))
	require.NotEmpty(t, buffer)
}
