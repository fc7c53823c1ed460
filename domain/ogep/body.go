package ogep

import (
	"unicode/utf8"

	"github.com/reglo/reglo/domain/money"
	"github.com/reglo/reglo/domain/vacation"
)

// Body is what an event reports, without its envelope.
type Body interface {
	// Type gives the event's type.
	Type() Type
	// AppendParams appends the JSON array of the event's parameters, in the order of the reference. The body is valid.
	AppendParams(dst []byte) []byte
	// Validate checks the body against the reference. The error is a *ValidationError.
	Validate() error
}

// MaxErrorMessageRunes is the longest message of an EndWithError, in characters. A longer one is cut: an end event is
// written whatever went wrong.
const MaxErrorMessageRunes = 2000

// Names of the parameters.
const (
	paramAccountID         = "accountId"
	paramBalance           = "balance"
	paramDecision          = "decision"
	paramEndToEndID        = "endToEndId"
	paramError             = "error"
	paramFile              = "file"
	paramGlobalTransaction = "globalTransaction"
	paramMerchantDebt      = "merchant-debt"
	paramOperationCode     = "operationCode"
	paramOrders            = "orders"
	paramReason            = "reason"
	paramRejectCode        = "rejectCode"
	paramTotalAmount       = "totalAmount"
	paramTransaction       = "transaction"
	paramTransactions      = "transactions"
	paramValidator         = "validator"
)

const reasonNoOrder = "want at least one order"

// StartReglement opens one of the three règlements.
type StartReglement struct {
	Kind        vacation.Kind     // one of the règlements
	Transaction GlobalTransaction // the movement to explain
	File        string            // name of the file that explains it
}

// Type gives the event's type.
func (b StartReglement) Type() Type { return StartType(b.Kind) }

// AppendParams appends the JSON array of the event's parameters.
func (b StartReglement) AppendParams(dst []byte) []byte {
	dst = b.Transaction.AppendJSON(first(dst, Input, paramGlobalTransaction))
	dst = appendString(next(dst, Input, paramFile), b.File)

	return last(dst)
}

// Validate checks the body against the reference.
func (b StartReglement) Validate() error {
	var c check

	c.that(b.Kind.IsReglement(), "kind", "want one of the three règlements; the others start without parameters")
	c.inside(paramGlobalTransaction, b.Transaction.check())
	c.filled(paramFile, b.File)

	return c.failure(string(b.Type()))
}

// Start opens a vacation that is not a règlement.
type Start struct {
	Kind vacation.Kind
}

// Type gives the event's type.
func (b Start) Type() Type { return StartType(b.Kind) }

// AppendParams appends the JSON array of the event's parameters.
func (Start) AppendParams(dst []byte) []byte { return append(dst, '[', ']') }

// Validate checks the body against the reference.
func (b Start) Validate() error {
	var c check

	c.that(b.Kind.Valid(), "kind", "not a vacation")
	c.that(!b.Kind.IsReglement(), "kind", "a règlement starts with its movement and its file")

	return c.failure(string(b.Type()))
}

// End closes a vacation that went well.
type End struct {
	Kind vacation.Kind
}

// Type gives the event's type.
func (b End) Type() Type { return EndType(b.Kind) }

// AppendParams appends the JSON array of the event's parameters.
func (End) AppendParams(dst []byte) []byte { return append(dst, '[', ']') }

// Validate checks the body against the reference.
func (b End) Validate() error {
	var c check

	c.that(b.Kind.Valid(), "kind", "not a vacation")

	return c.failure(string(b.Type()))
}

// EndWithError closes a vacation that failed.
type EndWithError struct {
	Kind    vacation.Kind
	Code    string // of the typed failure
	Message string // for a person to read; cut at MaxErrorMessageRunes, and made UTF-8, when it is written
	Step    string // where the vacation stopped
}

// Type gives the event's type.
func (b EndWithError) Type() Type { return EndWithErrorType(b.Kind) }

// AppendParams appends the JSON array of the event's parameters.
func (b EndWithError) AppendParams(dst []byte) []byte {
	dst = appendString(append(first(dst, Output, paramError), `{"code":`...), b.Code)
	dst = appendMember(dst, "message", cutRunes(b.Message, MaxErrorMessageRunes))
	dst = appendMember(dst, "step", b.Step)

	return last(append(dst, '}'))
}

// Validate checks the body against the reference.
func (b EndWithError) Validate() error {
	var c check

	c.that(b.Kind.Valid(), "kind", "not a vacation")
	c.filled("error.code", b.Code)
	c.filled("error.step", b.Step)

	return c.failure(string(b.Type()))
}

// GetAccountBalance reports a balance that was read.
type GetAccountBalance struct {
	AccountID string // of a payment account, or of one of the three bank accounts
	Balance   money.Cents
}

// Type gives the event's type.
func (GetAccountBalance) Type() Type { return TypeGetAccountBalance }

// AppendParams appends the JSON array of the event's parameters. The balance is a string with two places.
func (b GetAccountBalance) AppendParams(dst []byte) []byte {
	dst = appendString(first(dst, Input, paramAccountID), b.AccountID)
	dst = append(next(dst, Output, paramBalance), '"')
	dst = append(b.Balance.Append(dst), '"')

	return last(dst)
}

// Validate checks the body against the reference.
func (b GetAccountBalance) Validate() error {
	var c check

	c.anyAccount(paramAccountID, b.AccountID)
	c.amount(paramBalance, b.Balance)

	return c.failure(string(b.Type()))
}

// GetAccountTransactions reports the movements that were read from an account.
type GetAccountTransactions struct {
	AccountID    string // of a payment account, or of one of the three bank accounts
	Transactions []BankTransaction
}

// Type gives the event's type.
func (GetAccountTransactions) Type() Type { return TypeGetAccountTransactions }

// AppendParams appends the JSON array of the event's parameters.
func (b GetAccountTransactions) AppendParams(dst []byte) []byte {
	dst = appendString(first(dst, Input, paramAccountID), b.AccountID)
	dst = appendList(next(dst, Output, paramTransactions), b.Transactions, BankTransaction.append)

	return last(dst)
}

// Validate checks the body against the reference.
func (b GetAccountTransactions) Validate() error {
	var c check

	c.anyAccount(paramAccountID, b.AccountID)

	for n, transaction := range b.Transactions {
		c.element(paramTransactions, n, transaction.check())
	}

	return c.failure(string(b.Type()))
}

// CreateAccountTransaction reports a movement posted on a payment account. TransactionRenderer writes it in bulk.
type CreateAccountTransaction struct {
	AccountID   string // of the payment account
	Transaction AccountTransaction
}

// Type gives the event's type.
func (CreateAccountTransaction) Type() Type { return TypeCreateAccountTransaction }

// AppendParams appends the JSON array of the event's parameters.
func (b CreateAccountTransaction) AppendParams(dst []byte) []byte {
	dst = appendString(append(dst, beforeAccountID...), b.AccountID)
	dst = b.Transaction.append(append(dst, betweenAccountIDAndTransaction...))

	return last(dst)
}

// Validate checks the body against the reference.
func (b CreateAccountTransaction) Validate() error {
	var c check

	c.paymentAccount(paramAccountID, b.AccountID)
	c.inside(paramTransaction, b.Transaction.check())
	c.that(b.Transaction.Label != "", paramTransaction+"."+fieldLabel, "missing")

	return c.failure(string(b.Type()))
}

// CreateTransfer reports orders handed to the bank.
type CreateTransfer struct {
	Orders []Order // at least one, each with its bulk
}

// Type gives the event's type.
func (CreateTransfer) Type() Type { return TypeCreateTransfer }

// AppendParams appends the JSON array of the event's parameters.
func (b CreateTransfer) AppendParams(dst []byte) []byte {
	return last(appendOrders(first(dst, Input, paramOrders), b.Orders))
}

// Validate checks the body against the reference.
func (b CreateTransfer) Validate() error {
	var c check

	c.that(len(b.Orders) > 0, paramOrders, reasonNoOrder)

	for n, order := range b.Orders {
		inner := order.check()
		inner.that(order.BulkID != "", fieldBulkID, "missing: an order is transferred in a bulk")
		c.element(paramOrders, n, inner)
	}

	return c.failure(string(b.Type()))
}

// Decision is the outcome of a cash-out validation.
type Decision string

// The two decisions.
const (
	Validated Decision = "VALIDATED"
	Refused   Decision = "REFUSED"
)

// AutomaticValidator is the Validator when no person had to decide.
const AutomaticValidator = "AUTO"

// ValidateCashout reports whether money may leave.
type ValidateCashout struct {
	Orders    []Order     // at least one
	Total     money.Cents // sum of the orders
	Decision  Decision
	Validator string // the user who decided, or AutomaticValidator
	Reason    string // why it was refused; empty, and left out, when it was not
}

// Type gives the event's type.
func (ValidateCashout) Type() Type { return TypeValidateCashout }

// AppendParams appends the JSON array of the event's parameters. The total is a string with two places.
func (b ValidateCashout) AppendParams(dst []byte) []byte {
	dst = appendOrders(first(dst, Input, paramOrders), b.Orders)
	dst = append(next(dst, Input, paramTotalAmount), '"')
	dst = append(b.Total.Append(dst), '"')
	dst = appendString(next(dst, Output, paramDecision), string(b.Decision))
	dst = appendString(next(dst, Output, paramValidator), b.Validator)

	if b.Decision == Refused {
		dst = appendString(next(dst, Output, paramReason), b.Reason)
	}

	return last(dst)
}

// Validate checks the body against the reference.
func (b ValidateCashout) Validate() error {
	var (
		c   check
		sum money.Cents
	)

	c.that(len(b.Orders) > 0, paramOrders, reasonNoOrder)

	for n, order := range b.Orders {
		c.element(paramOrders, n, order.check())

		var err error
		if sum, err = sum.Add(order.Amount); err != nil {
			c.that(false, paramTotalAmount, err.Error())
		}
	}

	c.that(b.Total == sum, paramTotalAmount, "want the sum of the orders")
	c.that(b.Decision == Validated || b.Decision == Refused, paramDecision, "want VALIDATED or REFUSED")
	c.filled(paramValidator, b.Validator)
	c.text(paramReason, b.Reason)
	c.that((b.Decision == Refused) == (b.Reason != ""), paramReason, "want a reason when refused, and only then")

	return c.failure(string(b.Type()))
}

// RegisterDebt reports a créance created or changed.
type RegisterDebt struct {
	Debt MerchantDebt
}

// Type gives the event's type.
func (RegisterDebt) Type() Type { return TypeRegisterDebt }

// AppendParams appends the JSON array of the event's parameters.
func (b RegisterDebt) AppendParams(dst []byte) []byte {
	return last(b.Debt.append(first(dst, Input, paramMerchantDebt)))
}

// Validate checks the body against the reference.
func (b RegisterDebt) Validate() error {
	var c check

	c.inside(paramMerchantDebt, b.Debt.check())

	return c.failure(string(b.Type()))
}

// CreateRejectedAccountTransaction reports a movement between payment accounts that was asked for and refused. What was
// asked may be wrong in any way; only the code is the engine's own.
type CreateRejectedAccountTransaction struct {
	OperationCode string // accounting label of the operation
	AccountID     string // as it was asked for
	Transaction   AccountTransaction
	RejectCode    string // ISO 20022 external status reason: "AM02"
	EndToEndID    string // as it was asked for
}

// Type gives the event's type.
func (CreateRejectedAccountTransaction) Type() Type { return TypeCreateRejectedAccountTransaction }

// AppendParams appends the JSON array of the event's parameters.
func (b CreateRejectedAccountTransaction) AppendParams(dst []byte) []byte {
	dst = appendString(first(dst, Input, paramOperationCode), b.OperationCode)
	dst = appendString(next(dst, Input, paramAccountID), b.AccountID)
	dst = b.Transaction.append(next(dst, Input, paramTransaction))
	dst = appendString(next(dst, Input, paramRejectCode), b.RejectCode)
	dst = appendString(next(dst, Input, paramEndToEndID), b.EndToEndID)

	return last(dst)
}

// Validate checks the body against the reference.
func (b CreateRejectedAccountTransaction) Validate() error {
	var c check

	c.filled(paramOperationCode, b.OperationCode)
	c.text(paramAccountID, b.AccountID)
	c.inside(paramTransaction, b.Transaction.check())
	c.rejectCode(paramRejectCode, b.RejectCode)
	c.text(paramEndToEndID, b.EndToEndID)

	return c.failure(string(b.Type()))
}

// CreateValidatedOrder reports a transfer that was asked for and accepted.
type CreateValidatedOrder struct {
	Orders     []Order // at least one, not in a bulk yet
	EndToEndID string  // sixteen digits
	AccountID  string  // of a payment account, or of one of the three bank accounts
}

// Type gives the event's type.
func (CreateValidatedOrder) Type() Type { return TypeCreateValidatedOrder }

// AppendParams appends the JSON array of the event's parameters.
func (b CreateValidatedOrder) AppendParams(dst []byte) []byte {
	dst = appendOrders(first(dst, Input, paramOrders), b.Orders)
	dst = appendString(next(dst, Input, paramEndToEndID), b.EndToEndID)
	dst = appendString(next(dst, Input, paramAccountID), b.AccountID)

	return last(dst)
}

// Validate checks the body against the reference.
func (b CreateValidatedOrder) Validate() error {
	var c check

	c.that(len(b.Orders) > 0, paramOrders, reasonNoOrder)

	for n, order := range b.Orders {
		inner := order.check()
		inner.that(order.BulkID == "", fieldBulkID, "want none yet")
		c.element(paramOrders, n, inner)
	}

	c.endToEndID(paramEndToEndID, b.EndToEndID)
	c.anyAccount(paramAccountID, b.AccountID)

	return c.failure(string(b.Type()))
}

// CreateRejectedOrder reports a transfer that was asked for and refused. What was asked may be wrong in any way; only the
// code is the engine's own.
type CreateRejectedOrder struct {
	Orders     []Order // at least one, in no bulk
	RejectCode string  // ISO 20022 external status reason: "AG01"
	EndToEndID string  // as it was asked for
	AccountID  string  // as it was asked for
}

// Type gives the event's type.
func (CreateRejectedOrder) Type() Type { return TypeCreateRejectedOrder }

// AppendParams appends the JSON array of the event's parameters.
func (b CreateRejectedOrder) AppendParams(dst []byte) []byte {
	dst = appendOrders(first(dst, Input, paramOrders), b.Orders)
	dst = appendString(next(dst, Input, paramRejectCode), b.RejectCode)
	dst = appendString(next(dst, Input, paramEndToEndID), b.EndToEndID)
	dst = appendString(next(dst, Input, paramAccountID), b.AccountID)

	return last(dst)
}

// Validate checks the body against the reference.
func (b CreateRejectedOrder) Validate() error {
	var c check

	c.that(len(b.Orders) > 0, paramOrders, reasonNoOrder)

	for n, order := range b.Orders {
		inner := order.checkTexts()
		inner.that(order.BulkID == "", fieldBulkID, "want none: the order is refused")
		c.element(paramOrders, n, inner)
	}

	c.rejectCode(paramRejectCode, b.RejectCode)
	c.text(paramEndToEndID, b.EndToEndID)
	c.text(paramAccountID, b.AccountID)

	return c.failure(string(b.Type()))
}

// first, next and last frame the parameters: each is {type, name, value}.
func first(dst []byte, d Direction, name string) []byte {
	return appendParamHead(append(dst, '['), d, name)
}

func next(dst []byte, d Direction, name string) []byte {
	return appendParamHead(append(dst, '}', ','), d, name)
}

func last(dst []byte) []byte { return append(dst, '}', ']') }

func appendParamHead(dst []byte, d Direction, name string) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, d...)
	dst = append(dst, `","name":"`...)
	dst = append(dst, name...)

	return append(dst, `","value":`...)
}

func appendOrders(dst []byte, orders []Order) []byte { return appendList(dst, orders, Order.append) }

func appendList[T any](dst []byte, list []T, appendItem func(T, []byte) []byte) []byte {
	dst = append(dst, '[')

	for n, item := range list {
		if n > 0 {
			dst = append(dst, ',')
		}

		dst = appendItem(item, dst)
	}

	return append(dst, ']')
}

func cutRunes(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}

	count := 0

	for i := range s {
		if count == limit {
			return s[:i]
		}

		count++
	}

	return s
}
