package ogep_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/reglo/reglo/domain/calendar"
	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/ogep"
	"github.com/reglo/reglo/domain/vacation"
)

// Generators of everything that the reference allows. Each gives valid values only.

func genInstant() *rapid.Generator[time.Time] {
	first := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	last := time.Date(2099, time.December, 31, 23, 59, 59, 0, time.UTC).UnixMilli()

	return rapid.Map(rapid.Int64Range(first, last), func(ms int64) time.Time {
		return time.UnixMilli(ms).In(calendar.Paris())
	})
}

func genAmount() *rapid.Generator[money.Cents] {
	return rapid.Map(rapid.Int64Range(-int64(money.Max), int64(money.Max)), func(n int64) money.Cents { return money.Cents(n) })
}

func genPositive() *rapid.Generator[money.Cents] {
	return rapid.Map(rapid.Int64Range(1, 99_999_999_999), func(n int64) money.Cents { return money.Cents(n) })
}

// genText gives any text, control characters, quotes and emoji included.
func genText() *rapid.Generator[string]   { return rapid.StringN(0, 60, -1) }
func genFilled() *rapid.Generator[string] { return rapid.StringN(1, 60, -1) }

func genPaymentAccount() *rapid.Generator[string] { return rapid.StringMatching(`[0-9A-Z]{2}[0-9]{8}`) }
func genAccount() *rapid.Generator[string] {
	return rapid.OneOf(genPaymentAccount(), rapid.StringMatching(`[A-Za-z0-9._-]{1,35}`))
}
func genEndToEndID() *rapid.Generator[string] { return rapid.StringMatching(`[0-9]{16}`) }
func genRejectCode() *rapid.Generator[string] { return rapid.StringMatching(`[A-Z]{2}[0-9]{2}`) }
func genUUID() *rapid.Generator[string] {
	return rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
}

func genStamp() *rapid.Generator[ogep.Stamp] {
	return rapid.Custom(func(t *rapid.T) ogep.Stamp {
		return ogep.Stamp{
			Environment:   rapid.SampledFrom([]byte("IRP")).Draw(t, "environment"),
			Node:          rapid.IntRange(0, ogep.MaxNode).Draw(t, "node"),
			CorrelationID: genUUID().Draw(t, "correlationId"),
			Instant:       genInstant().Draw(t, "instant"),
			Sequence:      rapid.IntRange(0, ogep.MaxSequence).Draw(t, "sequence"),
		}
	})
}

func genAccountTransaction() *rapid.Generator[ogep.AccountTransaction] {
	return rapid.Custom(func(t *rapid.T) ogep.AccountTransaction {
		return ogep.AccountTransaction{
			Label: genFilled().Draw(t, "label"), Amount: genAmount().Draw(t, "amount"),
			TransactionAt: genInstant().Draw(t, "transactionAt"), ValueAt: genInstant().Draw(t, "valueAt"),
		}
	})
}

func genBankTransaction() *rapid.Generator[ogep.BankTransaction] {
	return rapid.Custom(func(t *rapid.T) ogep.BankTransaction {
		return ogep.BankTransaction{
			ID: genFilled().Draw(t, "id"), Label: genFilled().Draw(t, "label"), Amount: genAmount().Draw(t, "amount"),
			BookedAt: genInstant().Draw(t, "bookedAt"), TransactionAt: genInstant().Draw(t, "transactionAt"),
			ValueAt: genInstant().Draw(t, "valueAt"),
		}
	})
}

func genGlobalTransaction() *rapid.Generator[ogep.GlobalTransaction] {
	return rapid.Custom(func(t *rapid.T) ogep.GlobalTransaction {
		bank := genBankTransaction().Draw(t, "bank")

		return ogep.GlobalTransaction{
			ID: bank.ID, Label: bank.Label, Amount: bank.Amount, BookedAt: bank.BookedAt, TransactionAt: bank.TransactionAt,
			ValueAt: bank.ValueAt, Type: genFilled().Draw(t, "type"), Status: genFilled().Draw(t, "status"),
			Vacation: genFilled().Draw(t, "vacation"), Reference: genFilled().Draw(t, "reference"),
			OperationType: genFilled().Draw(t, "operationType"),
		}
	})
}

func genTargetDay() *rapid.Generator[calendar.Date] {
	return rapid.Map(genInstant(), func(instant time.Time) calendar.Date {
		return calendar.BusinessDate(calendar.Target{}, instant)
	})
}

func genOrder() *rapid.Generator[ogep.Order] {
	iban := rapid.StringMatching(`[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}`)
	bic := rapid.StringMatching(`([0-9A-Z]{4}[A-Z]{2}[0-9A-Z]{2}([0-9A-Z]{3})?)?`)

	return rapid.Custom(func(t *rapid.T) ogep.Order {
		return ogep.Order{
			RefExterne: genFilled().Draw(t, "refExterne"), OrderType: "V",
			CreditorName: genFilled().Draw(t, "creditorName"), CreditorBIC: bic.Draw(t, "creditorBic"),
			CreditorIBAN: iban.Draw(t, "creditorIban"), DebtorName: genFilled().Draw(t, "debtorName"),
			DebtorBIC: bic.Draw(t, "debtorBic"), DebtorIBAN: iban.Draw(t, "debtorIban"), Amount: genPositive().Draw(t, "amount"),
			DeviseID: "EUR", Ccy: "EUR", BankID: genFilled().Draw(t, "bankId"),
			OrderFormat: rapid.SampledFrom([]string{"PAIN.001.001.03", "PAIN.001.001.09"}).Draw(t, "orderFormat"),
			Echeance:    genTargetDay().Draw(t, "echeance"), Info: genText().Draw(t, "info"),
		}
	})
}

func genBulkOrder() *rapid.Generator[ogep.Order] {
	return rapid.Custom(func(t *rapid.T) ogep.Order {
		order := genOrder().Draw(t, "order")
		order.BulkID = genUUID().Draw(t, "bulkId")

		return order
	})
}

// genRefusedOrder gives orders as they are asked for: any text may be wrong.
func genRefusedOrder() *rapid.Generator[ogep.Order] {
	return rapid.Custom(func(t *rapid.T) ogep.Order {
		order := genOrder().Draw(t, "order")
		for _, field := range []*string{
			&order.CreditorName, &order.CreditorBIC, &order.CreditorIBAN, &order.DebtorName, &order.DebtorIBAN, &order.Ccy,
		} {
			*field = genText().Draw(t, "field")
		}

		order.Amount = genAmount().Draw(t, "amount")
		order.Echeance = calendar.DateOf(genInstant().Draw(t, "echeance"))

		return order
	})
}

func genMerchantDebt() *rapid.Generator[ogep.MerchantDebt] {
	return rapid.Custom(func(t *rapid.T) ogep.MerchantDebt {
		initial := genPositive().Draw(t, "initial")
		debt := ogep.MerchantDebt{
			Siret: rapid.StringMatching(`[0-9]{14}`).Draw(t, "siret"), Initial: initial,
			Remaining: money.Cents(rapid.Int64Range(0, int64(initial)).Draw(t, "remaining")),
			CreatedAt: genInstant().Draw(t, "createdAt"),
		}

		if modified := genInstant().Draw(t, "modifiedAt"); modified.After(debt.CreatedAt) {
			debt.ModifiedAt = &modified
		}

		return debt
	})
}

func drawBody(t *rapid.T, eventType ogep.Type) ogep.Body {
	for _, kind := range vacation.Kinds() {
		switch {
		case eventType == ogep.StartType(kind) && !kind.IsReglement():
			return ogep.Start{Kind: kind}
		case eventType == ogep.StartType(kind):
			return ogep.StartReglement{
				Kind: kind, Transaction: genGlobalTransaction().Draw(t, "transaction"), File: genFilled().Draw(t, "file"),
			}
		case eventType == ogep.EndType(kind):
			return ogep.End{Kind: kind}
		case eventType == ogep.EndWithErrorType(kind):
			return ogep.EndWithError{
				Kind: kind, Code: genFilled().Draw(t, "code"), Message: rapid.String().Draw(t, "message"),
				Step: genFilled().Draw(t, "step"),
			}
		}
	}

	return drawAct(t, eventType)
}

func drawAct(t *rapid.T, eventType ogep.Type) ogep.Body {
	switch eventType {
	case ogep.TypeGetAccountBalance:
		return ogep.GetAccountBalance{AccountID: genAccount().Draw(t, "account"), Balance: genAmount().Draw(t, "balance")}
	case ogep.TypeGetAccountTransactions:
		return ogep.GetAccountTransactions{
			AccountID: genAccount().Draw(t, "account"), Transactions: rapid.SliceOfN(genBankTransaction(), 0, 3).Draw(t, "list"),
		}
	case ogep.TypeCreateAccountTransaction:
		return ogep.CreateAccountTransaction{
			AccountID: genPaymentAccount().Draw(t, "account"), Transaction: genAccountTransaction().Draw(t, "transaction"),
		}
	case ogep.TypeCreateTransfer:
		return ogep.CreateTransfer{Orders: rapid.SliceOfN(genBulkOrder(), 1, 3).Draw(t, "orders")}
	case ogep.TypeValidateCashout:
		body := ogep.ValidateCashout{
			Orders:   rapid.SliceOfN(rapid.OneOf(genOrder(), genBulkOrder()), 1, 3).Draw(t, "orders"),
			Decision: rapid.SampledFrom([]ogep.Decision{ogep.Validated, ogep.Refused}).Draw(t, "decision"),
			Validator: rapid.OneOf(rapid.Just(ogep.AutomaticValidator), genFilled()).
				Draw(t, "validator"),
		}
		for _, order := range body.Orders {
			body.Total += order.Amount
		}

		if body.Decision == ogep.Refused {
			body.Reason = genFilled().Draw(t, "reason")
		}

		return body
	case ogep.TypeRegisterDebt:
		return ogep.RegisterDebt{Debt: genMerchantDebt().Draw(t, "debt")}
	case ogep.TypeCreateRejectedAccountTransaction:
		return ogep.CreateRejectedAccountTransaction{
			OperationCode: genFilled().Draw(t, "operationCode"), AccountID: genText().Draw(t, "account"),
			Transaction: genAccountTransaction().Draw(t, "transaction"), RejectCode: genRejectCode().Draw(t, "code"),
			EndToEndID: genText().Draw(t, "endToEndId"),
		}
	case ogep.TypeCreateValidatedOrder:
		return ogep.CreateValidatedOrder{
			Orders:     rapid.SliceOfN(genOrder(), 1, 3).Draw(t, "orders"),
			EndToEndID: genEndToEndID().Draw(t, "endToEndId"), AccountID: genAccount().Draw(t, "account"),
		}
	case ogep.TypeCreateRejectedOrder:
		return ogep.CreateRejectedOrder{
			Orders: rapid.SliceOfN(genRefusedOrder(), 1, 3).Draw(t, "orders"), RejectCode: genRejectCode().Draw(t, "code"),
			EndToEndID: genText().Draw(t, "endToEndId"), AccountID: genText().Draw(t, "account"),
		}
	default:
		panic(fmt.Sprintf("no generator for %s", eventType))
	}
}

func TestEveryTypeIsGenerated(t *testing.T) {
	t.Parallel()
	require.Len(t, ogep.Types(), 27)

	seen := make(map[ogep.Type]bool)

	for _, eventType := range ogep.Types() {
		require.True(t, eventType.Valid())
		require.False(t, seen[eventType], eventType)
		seen[eventType] = true

		rapid.Check(t, func(t *rapid.T) {
			body := drawBody(t, eventType)
			require.Equal(t, eventType, body.Type())
			require.NoError(t, body.Validate())
		})
	}

	for _, unknown := range []ogep.Type{
		"", "start-", "start-vacation-", "end-with-error", "vacation-technique", "start-end-vacation-technique",
	} {
		require.False(t, unknown.Valid(), unknown)
	}
}
